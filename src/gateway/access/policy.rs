//! Policy documents: the decision over an action on a resource. Pure.
//!
//! SOURCE: IAM's policy grammar and evaluation logic: nothing is allowed that no statement allows, and an explicit deny
//! wins. Actions are compared without regard to case, resources with it; `*` stands for any text and `?` for one
//! character, slashes and colons included. A statement with a `Condition` cannot be judged here; a document that has
//! one is refused as a whole, so that nobody takes a guess for a decision.

use serde::Deserialize;
use serde_json::Value;

use crate::model::glob::{self, Case};

/// A policy document, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Matching,
    resources: Matching,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// The actions or resources that a statement speaks of: all that match, or all that do not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Matching {
    Any(Vec<String>),
    NoneOf(Vec<String>),
}

/// The decision of a policy over an action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// No statement speaks of it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// The reason why a value is no policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// It has not the form of one.
    #[error("the policy document is not what IAM reads: {0}")]
    Malformed(String),
    /// It can only be judged with more than is known here.
    #[error("the policy document has a Condition, which the local gateway does not evaluate")]
    Condition,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DocumentShape {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<StatementShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatementShape {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    condition: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// Fails when it is none, and when it has a condition.
    pub fn read(document: &Value) -> Result<Policy, BadPolicy> {
        let malformed = |what: &str| BadPolicy::Malformed(what.to_owned());
        let shape = DocumentShape::deserialize(document)
            .map_err(|error| BadPolicy::Malformed(error.to_string()))?;
        if !matches!(
            shape.version.as_deref(),
            None | Some("2012-10-17" | "2008-10-17")
        ) {
            return Err(malformed("Version is not 2012-10-17"));
        }
        let statements = shape.statement.into_vec();
        let statements: Result<Vec<_>, _> = statements.into_iter().map(statement).collect();
        Ok(Policy {
            statements: statements?,
        })
    }

    /// Decides over `action` on `resource`.
    pub(crate) fn decide(&self, action: &str, resource: &str) -> Decision {
        let speaks = |statement: &&Statement| {
            statement.actions.covers(action, Case::Ignored)
                && statement.resources.covers(resource, Case::Regarded)
        };
        let mut decision = Decision::NotAllowed;
        for statement in self.statements.iter().filter(speaks) {
            match statement.effect {
                Effect::Deny => return Decision::Denied,
                Effect::Allow => decision = Decision::Allowed,
            }
        }
        decision
    }
}

fn statement(shape: StatementShape) -> Result<Statement, BadPolicy> {
    if shape
        .condition
        .is_some_and(|condition| !is_empty(&condition))
    {
        return Err(BadPolicy::Condition);
    }
    Ok(Statement {
        effect: shape.effect,
        actions: matching("Action", shape.action, shape.not_action)?,
        resources: matching("Resource", shape.resource, shape.not_resource)?,
    })
}

fn is_empty(condition: &Value) -> bool {
    condition.is_null() || condition.as_object().is_some_and(serde_json::Map::is_empty)
}

fn matching(
    name: &str,
    any: Option<OneOrMany<String>>,
    none_of: Option<OneOrMany<String>>,
) -> Result<Matching, BadPolicy> {
    match (any, none_of) {
        (Some(any), None) => Ok(Matching::Any(any.into_vec())),
        (None, Some(none_of)) => Ok(Matching::NoneOf(none_of.into_vec())),
        _ => Err(BadPolicy::Malformed(format!(
            "a statement needs either {name} or Not{name}"
        ))),
    }
}

/// True when `pattern` describes the whole `text`, with `*` for any text and `?` for one character.
pub(super) fn covers(pattern: &str, text: &str) -> bool {
    glob::covers(pattern, text, Case::Regarded)
}

impl Matching {
    fn covers(&self, text: &str, case: Case) -> bool {
        let hit = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| glob::covers(pattern, text, case))
        };
        match self {
            Matching::Any(patterns) => hit(patterns),
            Matching::NoneOf(patterns) => !hit(patterns),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const CONNECT: &str = "arn:aws:execute-api:us-east-1:000000000000:k3v9x2a1bc/prod/$connect";

    fn one(effect: &str, action: &str, resource: &str) -> Value {
        json!({"Version": "2012-10-17",
               "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})
    }

    #[track_caller]
    fn check(document: &Value, resource: &str, decision: Decision) {
        let policy = Policy::read(document).unwrap();
        assert_eq!(policy.decide("execute-api:Invoke", resource), decision);
    }

    #[test]
    fn a_resource_is_allowed_when_a_pattern_covers_it_whole() {
        for (resource, decision) in [
            (CONNECT, Decision::Allowed),
            ("*", Decision::Allowed),
            (
                "arn:aws:execute-api:*:*:k3v9x2a1bc/prod/*",
                Decision::Allowed,
            ),
            (
                "arn:aws:execute-api:us-east-1:000000000000:k3v9x2a1bc/*",
                Decision::Allowed,
            ),
            (
                "arn:aws:execute-api:us-east-1:000000000000:*/prod/?connect",
                Decision::Allowed,
            ),
            // A path of REST APIs, method and resource, has one segment too many.
            (
                "arn:aws:execute-api:us-east-1:000000000000:k3v9x2a1bc/prod/*/*",
                Decision::NotAllowed,
            ),
            (
                "arn:aws:execute-api:us-east-1:000000000000:k3v9x2a1bc/prod/$CONNECT",
                Decision::NotAllowed,
            ),
            (
                "arn:aws:execute-api:us-east-1:000000000000:k3v9x2a1bc/prod",
                Decision::NotAllowed,
            ),
        ] {
            check(
                &one("Allow", "execute-api:Invoke", resource),
                CONNECT,
                decision,
            );
        }
    }

    #[test]
    fn an_action_is_compared_without_regard_to_case() {
        for action in [
            "execute-api:invoke",
            "EXECUTE-API:*",
            "*",
            "execute-api:In?oke",
        ] {
            check(&one("Allow", action, "*"), CONNECT, Decision::Allowed);
        }
        check(
            &one("Allow", "execute-api:ManageConnections", "*"),
            CONNECT,
            Decision::NotAllowed,
        );
    }

    #[test]
    fn a_deny_wins_over_any_allow() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["execute-api:Invoke"], "Resource": ["*/secret"]},
        ]});
        check(&document, CONNECT, Decision::Allowed);
        check(
            &document,
            "arn:aws:execute-api:us-east-1:0:a/prod/secret",
            Decision::Denied,
        );
    }

    #[test]
    fn not_action_and_not_resource_speak_of_all_the_others() {
        let document = json!({"Statement":
            {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "*/secret"}});
        check(&document, CONNECT, Decision::Allowed);
        check(
            &document,
            "arn:aws:execute-api:us-east-1:0:a/prod/secret",
            Decision::NotAllowed,
        );
    }

    #[test]
    fn what_is_no_policy_is_told_from_one_that_denies() {
        for document in [
            json!(null),
            json!("Allow"),
            json!({}),
            json!({"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}),
            json!({"Statement": [{"Effect": "Allow", "Resource": "*"}]}),
            json!({"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}]}),
            json!({"Version": "2099-01-01", "Statement": []}),
        ] {
            assert!(
                matches!(Policy::read(&document), Err(BadPolicy::Malformed(_))),
                "{document}"
            );
        }
        let conditional = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]});
        assert_eq!(Policy::read(&conditional), Err(BadPolicy::Condition));
    }

    #[test]
    fn nothing_is_allowed_that_no_statement_allows() {
        check(
            &json!({"Version": "2012-10-17", "Statement": []}),
            CONNECT,
            Decision::NotAllowed,
        );
    }

    /// Asks the same question of a regular expression.
    fn by_expression(pattern: &str, text: &str) -> bool {
        let expression: String = pattern
            .chars()
            .map(|character| match character {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                other => regex::escape(&other.to_string()),
            })
            .collect();
        regex::Regex::new(&format!("(?s)^{expression}$"))
            .unwrap()
            .is_match(text)
    }

    /// Makes any JSON of a few levels, mostly of the words of policies.
    fn document() -> impl Strategy<Value = Value> {
        let word = || {
            proptest::sample::select(vec![
                "Version",
                "2012-10-17",
                "Statement",
                "Effect",
                "Allow",
                "Deny",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
                "Sid",
                "*",
                "execute-api:Invoke",
                "x",
            ])
            .prop_map(str::to_owned)
        };
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            word().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((word(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(document in document(), resource in ".{0,20}") {
            for document in [document.clone(), json!({ "Statement": document })] {
                if let Ok(policy) = Policy::read(&document) {
                    let allows = document.to_string().contains("Allow");
                    prop_assert!(policy.decide("execute-api:Invoke", &resource) != Decision::Allowed || allows);
                }
            }
        }

        #[test]
        fn a_pattern_matches_what_its_regular_expression_does(
            pattern in "[ab/ü*?]{0,8}", text in "[ab/ü]{0,10}",
        ) {
            prop_assert_eq!(covers(&pattern, &text), by_expression(&pattern, &text));
        }

        /// Whatever the order of its statements, a policy says the same; a deny that fits is the last word, and nothing
        /// is allowed that no statement allows.
        #[test]
        fn a_policy_says_what_its_statements_say_in_any_order(
            statements in proptest::collection::vec(
                (any::<bool>(), "[*]|execute-api:[*]|execute-api:Invoke|iam:[*]", "[ab*?]{0,3}"), 0..6,
            ),
            resource in "[ab]{0,3}",
        ) {
            let written = |(allows, action, pattern): &(bool, String, String)| {
                let effect = if *allows { "Allow" } else { "Deny" };
                json!({"Effect": effect, "Action": action, "Resource": pattern})
            };
            let decide = |statements: Vec<Value>| {
                let policy = Policy::read(&json!({"Statement": statements})).unwrap();
                policy.decide("execute-api:Invoke", &resource)
            };
            let decision = decide(statements.iter().map(written).collect());
            prop_assert_eq!(decision, decide(statements.iter().rev().map(written).collect()));
            let fits = |of: bool| statements.iter().any(|(allows, action, pattern)| {
                *allows == of && action != "iam:*" && by_expression(pattern, &resource)
            });
            let expected = match (fits(false), fits(true)) {
                (true, _) => Decision::Denied,
                (false, true) => Decision::Allowed,
                (false, false) => Decision::NotAllowed,
            };
            prop_assert_eq!(decision, expected);
        }

        #[test]
        fn nothing_is_allowed_without_a_statement(
            member in "Statement|Version|Effect|Id|x", value in "[ -~]{0,10}", nested in any::<bool>(),
        ) {
            let value = if nested { json!([{&member: value}]) } else { json!(value) };
            if let Ok(policy) = Policy::read(&json!({"Statement": [], member: value})) {
                prop_assert_eq!(policy.decide("execute-api:Invoke", CONNECT), Decision::NotAllowed);
            }
        }
    }
}
