//! Request validation: the check that a message is what the model of its route describes.
//!
//! SOURCE: developer guide, "Request validation": only a route with a model selection expression is held to a model;
//! the expression yields a key of `requestModels`, `$default` stands for all others, and without either validation
//! fails. Models are JSON Schema of draft 4.
//!
//! Schemas come from strangers as messages do. A schema may name other models of its deployment and nothing else: no
//! reference is ever fetched from a network or a file. What a message may cost is bounded while it is judged (see
//! [`crate::gateway::schema`]).
//!
//! UNCONFIRMED on AWS, and marked where it is decided: what becomes of `$connect` and `$disconnect`, of a schema that
//! cannot be read, of `format`, and of a reference to a model of another API.

mod models;

use std::collections::HashMap;

use serde_json::Value;

use self::models::Model;
pub(crate) use self::models::Models;
use super::{
    event::Event,
    selection::{Facts, Selection},
};
use crate::gateway::store::record::RouteRecord;

/// The models that the messages of a route are held to.
#[derive(Debug)]
pub(crate) struct Validation {
    selection: Selection,
    by_key: HashMap<String, Model>,
}

/// The reason why a message is refused; for the log, which never shows what a message holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("requestModels has neither the key that the expression yields nor $default")]
    NoModel,
    #[error("the message is not JSON")]
    NotJson,
    #[error("model {model}: {reason}")]
    Unusable { model: String, reason: String },
    #[error("model {model}: the message is too long, or too deep, for a schema of this extent")]
    TooMuch { model: String },
    #[error("the message is not what model {model} describes, see {rule}")]
    Broken {
        model: String,
        /// The place of the broken rule in the schema.
        rule: String,
    },
}

impl Validation {
    /// Returns the validation that a route asks for, if it asks for any.
    pub(crate) fn new(route: &RouteRecord, models: &mut Models<'_>) -> Option<Validation> {
        let expression = route.model_selection_expression.as_deref()?;
        let by_key = route.request_models.iter().flatten();
        Some(Validation {
            selection: Selection::parse(expression),
            by_key: by_key
                .map(|(key, name)| (key.clone(), models.get(name)))
                .collect(),
        })
    }

    /// Checks that a message may pass.
    pub(crate) fn check(&self, event: &Event) -> Result<(), Unfit> {
        let facts = Facts {
            body: event.json(),
            response: None,
        };
        let key = self.selection.evaluate(facts);
        let named = key.as_ref().and_then(|key| self.by_key.get(key));
        let Some(model) = named.or_else(|| self.by_key.get("$default")) else {
            return Err(Unfit::NoModel);
        };
        let message: &Value = event.json().ok_or(Unfit::NotJson)?;
        model.check(message)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::gateway::{data::fixture, store::record::ModelRecord};

    fn model(name: &str, schema: &str) -> ModelRecord {
        ModelRecord {
            model_id: format!("m-{name}"),
            name: name.to_owned(),
            content_type: None,
            description: None,
            schema: schema.to_owned(),
        }
    }

    fn validation(expression: &str, keys: &[(&str, &str)], records: &[ModelRecord]) -> Validation {
        let mut route = fixture::route("say", None).route;
        route.model_selection_expression = Some(expression.to_owned());
        let named = keys
            .iter()
            .map(|(key, name)| ((*key).to_owned(), (*name).to_owned()));
        route.request_models = Some(named.collect::<BTreeMap<_, _>>());
        Validation::new(&route, &mut Models::new(records)).unwrap()
    }

    fn outcome(validation: &Validation, text: &str) -> Result<(), Unfit> {
        validation.check(&fixture::message_event(text))
    }

    /// Checks a message under one schema.
    fn held_to(schema: &str, text: &str) -> Result<(), Unfit> {
        outcome(
            &validation("m", &[("m", "it")], &[model("it", schema)]),
            text,
        )
    }

    fn broken(model: &str, rule: &str) -> Result<(), Unfit> {
        Err(Unfit::Broken {
            model: model.to_owned(),
            rule: rule.to_owned(),
        })
    }

    #[test]
    fn a_route_without_an_expression_is_held_to_nothing() {
        let mut route = fixture::route("say", None).route;
        route.request_models = Some(BTreeMap::from([("$default".into(), "it".into())]));
        assert!(Validation::new(&route, &mut Models::new(&[])).is_none());
    }

    #[test]
    fn the_expression_picks_the_model_and_the_default_stands_for_all_others() {
        let records = [
            model("text", r#"{"required":["text"]}"#),
            model("number", r#"{"required":["n"]}"#),
        ];
        let keys = [("say", "text"), ("$default", "number"), ("lost", "gone")];
        let validation = validation("$request.body.kind", &keys, &records);
        assert_eq!(outcome(&validation, r#"{"kind":"say","text":1}"#), Ok(()));
        assert_eq!(
            outcome(&validation, r#"{"kind":"say","n":1}"#),
            broken("text", "/required")
        );
        for others in [r#"{"kind":"Say","n":1}"#, r#"{"n":1}"#] {
            assert_eq!(outcome(&validation, others), Ok(()), "{others}");
        }
        assert_eq!(outcome(&validation, "{}"), broken("number", "/required"));
        let lost = outcome(&validation, r#"{"kind":"lost","n":1}"#);
        assert!(matches!(lost, Err(Unfit::Unusable { .. })), "{lost:?}");
    }

    #[test]
    fn without_a_model_validation_fails() {
        let records = [model("text", "{}")];
        let validation = validation("$request.body.kind", &[("say", "text")], &records);
        let unknown = outcome(&validation, r#"{"kind":"shout"}"#);
        assert_eq!(unknown, Err(Unfit::NoModel));
        let endless = format!(r#"{{"kind":"{}"}}"#, "x".repeat(100_000));
        assert_eq!(outcome(&validation, &endless), Err(Unfit::NoModel));
    }

    #[test]
    fn what_is_not_json_is_no_message_of_any_model() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "hello", "{", "1e999", deep.as_str()] {
            assert_eq!(held_to("{}", text), Err(Unfit::NotJson));
        }
        assert_eq!(held_to("{}", "null"), Ok(()));
    }

    #[test]
    fn schemas_are_of_draft_4() {
        let check = |schema: Value, good: &str, bad: &str| {
            let schema = schema.to_string();
            assert_eq!(held_to(&schema, good), Ok(()), "{schema} {good}");
            let refused = held_to(&schema, bad);
            assert!(
                matches!(refused, Err(Unfit::Broken { .. })),
                "{schema} {bad} {refused:?}"
            );
        };
        check(json!({"type": ["string", "null"]}), "null", "1");
        // An integer is written as one, up to draft 4.
        check(json!({"type": "integer"}), "1", "1.0");
        check(
            json!({"minimum": 3, "exclusiveMinimum": true}),
            "3.1",
            "3.0",
        );
        check(json!({"enum": [1, "a"]}), r#""a""#, r#""b""#);
        check(
            json!({"properties": {"a": {"maxLength": 2}}, "additionalProperties": false}),
            r#"{"a":"éé"}"#,
            r#"{"b":1}"#,
        );
        check(
            json!({"items": [{"type": "string"}], "additionalItems": {"type": "number"}}),
            r#"["a",1]"#,
            r#"["a","b"]"#,
        );
        check(json!({"pattern": "^(?!x)\\d+$"}), r#""12""#, r#""x""#);
        check(
            json!({"dependencies": {"a": ["b"]}}),
            r#"{"a":1,"b":1}"#,
            r#"{"a":1}"#,
        );
        check(
            json!({"not": {"type": "object"}, "oneOf": [{"minLength": 1}, {"maxLength": 3}]}),
            r#""""#,
            r#""ab""#,
        );
        // What later drafts added means nothing.
        assert_eq!(held_to(r#"{"const":1,"if":{},"then":false}"#, "2"), Ok(()));
    }

    #[test]
    fn an_id_or_a_dialect_of_the_schema_changes_nothing() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "id": "http://jsonschema.net",
            "type": "object",
            "definitions": {"short": {"id": "/short", "maxLength": 2}},
            "properties": {"id": {"id": "/properties/id", "$ref": "#/definitions/short"}},
        });
        let schema = schema.to_string();
        assert_eq!(held_to(&schema, r#"{"id":"ab"}"#), Ok(()));
        assert!(held_to(&schema, r#"{"id":"abc"}"#).is_err());
    }

    #[test]
    fn a_model_may_be_made_of_others() {
        let of = |name: &str| {
            format!("https://apigateway.amazonaws.com/restapis/k3v9x2a1bc/models/{name}")
        };
        let list = json!({"type": "array", "items": {"$ref": of("entry")}}).to_string();
        let entry = json!({
            "properties": {"id": {"$ref": format!("{}#/definitions/key", of("parts"))}, "more": {"$ref": of("list")}},
            "required": ["id"],
        });
        let parts = json!({"definitions": {"key": {"pattern": "^[a-z]+$"}}});
        let records = [
            model("list", &list),
            model("entry", &entry.to_string()),
            model("parts", &parts.to_string()),
        ];
        let validation = validation("m", &[("m", "list")], &records);
        let good = r#"[{"id":"a","more":[{"id":"b"}]}]"#;
        assert_eq!(outcome(&validation, good), Ok(()));
        let bad = r#"[{"id":"a","more":[{"id":"B"}]}]"#;
        assert_eq!(
            outcome(&validation, bad),
            broken("list", "parts#/definitions/key/pattern")
        );
    }

    #[test]
    fn a_schema_that_cannot_be_used_lets_no_message_pass() {
        for schema in [
            "",
            "[]",
            r#"{"type":"text"}"#,
            r#"{"required":[]}"#,
            r#"{"pattern":"("}"#,
            r#"{"pattern":"(\\w{200}){200}"}"#,
            r##"{"$ref":"#/definitions/gone"}"##,
            r#"{"$ref":"gone"}"#,
            r#"{"$ref":"file:///etc/hostname"}"#,
            r#"{"$ref":"http://127.0.0.1:1/schema"}"#,
            r#"{"properties":{"a":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/gone"}}}"#,
        ] {
            let refused = held_to(schema, r#"{"a":1}"#);
            assert!(
                matches!(refused, Err(Unfit::Unusable { .. })),
                "{schema} {refused:?}"
            );
        }
    }

    #[test]
    fn a_pattern_cannot_take_for_ever() {
        let schema = r#"{"pattern":"^(a+)+$(?!b)"}"#;
        let text = format!("\"{}!\"", "a".repeat(100_000));
        assert!(held_to(schema, &text).is_err());
    }

    #[test]
    fn many_patterns_cannot_fill_the_memory() {
        let with = |patterns: u32| {
            let large = |idx: u32| json!({"pattern": format!("x{{{}}}", 2000 + idx)});
            let members = (0..patterns).map(|idx| (idx.to_string(), large(idx)));
            let members: serde_json::Map<_, _> = members.collect();
            held_to(&json!({"properties": members}).to_string(), "{}")
        };
        assert_eq!(with(20), Ok(()));
        let refused = with(900);
        assert!(
            matches!(refused, Err(Unfit::Unusable { .. })),
            "{refused:?}"
        );
    }

    /// Definitions `a0`, `a1` … of which each is made by `link` from a reference to the next, and a last one.
    fn chain(links: usize, link: impl Fn(&str) -> Value) -> String {
        let mut definitions = serde_json::Map::new();
        for idx in 0..links {
            let next = format!("#/definitions/a{}", idx + 1);
            definitions.insert(format!("a{idx}"), link(&next));
        }
        definitions.insert(format!("a{links}"), json!({"type": "object"}));
        json!({"$ref": "#/definitions/a0", "definitions": definitions}).to_string()
    }

    #[test]
    fn a_schema_that_comes_back_to_the_same_value_is_refused_before_any_message() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"anyOf":[{"type":"string"},{"not":{"$ref":"#"}}]}"##,
            r##"{"properties":{"x":{"$ref":"#/definitions/a"}},"definitions":{"a":{"allOf":[{"$ref":"#/definitions/a"}]}}}"##,
        ] {
            let refused = held_to(schema, "1");
            let reason = "it refers to itself without going deeper into the message".to_owned();
            let model = "it".to_owned();
            assert_eq!(refused, Err(Unfit::Unusable { model, reason }));
        }
    }

    #[test]
    fn references_that_multiply_are_followed_once_for_each_value() {
        let doubled =
            |next: &str| json!({"allOf": [{"$ref": next}, {"properties": {"x": {"$ref": next}}}]});
        let twice = |next: &str| json!({"allOf": [{"properties": {"x": {"$ref": next}}}, {"properties": {"x": {"$ref": next}}}]});
        for (schema, message) in [
            (chain(300, |next| json!({"allOf": [{"$ref": next}]})), "{}"),
            (chain(60, doubled), r#"{"x":{"x":{}}}"#),
            (chain(100, twice), &*nested(100)),
        ] {
            assert_eq!(held_to(&schema, message), Ok(()));
        }
        let too_deep = chain(600, |next| json!({"allOf": [{"$ref": next}]}));
        let refused = held_to(&too_deep, "{}");
        assert!(matches!(refused, Err(Unfit::TooMuch { .. })), "{refused:?}");
    }

    #[test]
    fn a_schema_with_all_that_it_refers_to_has_an_end() {
        let many = |name: &str, next: &str| {
            let elements: Vec<_> = (0..5000).map(|_| json!({})).collect();
            let next = format!("https://apigateway.amazonaws.com/restapis/a/models/{next}");
            model(
                name,
                &json!({"allOf": elements, "items": {"$ref": next}}).to_string(),
            )
        };
        let records = [many("a", "b"), many("b", "c"), many("c", "a")];
        let refused = outcome(&validation("m", &[("m", "a")], &records), "[]");
        assert!(
            matches!(refused, Err(Unfit::Unusable { .. })),
            "{refused:?}"
        );
    }

    const WORDS: &[&str] = &[
        "type",
        "object",
        "array",
        "string",
        "integer",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "$ref",
        "#",
        "#/definitions/a",
        "definitions",
        "a",
        "required",
        "pattern",
        "^a*$",
        "enum",
        "minimum",
        "maxLength",
        "dependencies",
        "additionalProperties",
        "patternProperties",
        "format",
        "date-time",
        "id",
        "$schema",
        "uniqueItems",
        "multipleOf",
        "minItems",
        "additionalItems",
        "uri",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_schema_panics_and_none_takes_what_is_no_json(schema in fixture::json(WORDS), more in fixture::json(WORDS), message in fixture::json(WORDS)) {
            let message = message.to_string();
            let joined = json!({ "properties": { "a": schema, "items": more }, "allOf": [schema], "definitions": { "a": more } });
            for schema in [schema, joined] {
                let schema = schema.to_string();
                let _judged = held_to(&schema, &message);
                let no_json = held_to(&schema, "{");
                prop_assert!(no_json.is_err());
            }
        }
    }

    #[test]
    fn what_is_deep_in_a_schema_is_refused_before_the_stack_ends() {
        let small = std::thread::Builder::new().stack_size(1024 * 1024);
        let judging = small.spawn(|| {
            for depth in [100, 10_000, 100_000] {
                let text = json!(format!("{}a{}", "(".repeat(depth), ")".repeat(depth)));
                let pattern = format!(r#"{{"pattern":{text}}}"#);
                let within = |before: &str, after: &str| {
                    format!("{}{{}}{}", before.repeat(depth), after.repeat(depth))
                };
                for schema in [
                    pattern,
                    within("{\"not\":", "}"),
                    within("{\"items\":", "}"),
                    within("{\"allOf\":[", "]}"),
                    within("{\"enum\":[", "]}"),
                ] {
                    let judged = held_to(&schema, "[[[]]]");
                    assert!(depth == 100 || judged.is_err());
                }
            }
            let steep = r##"{"allOf":[{"anyOf":[{"properties":{"x":{"$ref":"#"}}}]}]}"##;
            let chain = chain(500, |next| json!({"allOf": [{"$ref": next}]}));
            for schema in [steep, &chain] {
                assert_eq!(held_to(schema, &nested(120)), Ok(()));
            }
        });
        judging.unwrap().join().unwrap();
    }

    fn nested(depth: usize) -> String {
        format!("{}{{}}{}", "{\"x\":".repeat(depth), "}".repeat(depth))
    }

    #[test]
    fn a_deep_message_meets_a_schema_that_comes_back_to_itself() {
        let twice = r##"{"type":"object","allOf":[{"properties":{"x":{"$ref":"#"}}},{"properties":{"x":{"$ref":"#"}}}]}"##;
        assert_eq!(held_to(twice, &nested(120)), Ok(()));
        let bad = nested(120).replace("{}", "1");
        assert!(held_to(twice, &bad).is_err());
        // As deep as a schema may be in one place, and as often as that can be gone through.
        let steep = format!(
            r##"{}{{"properties":{{"x":{{"$ref":"#"}}}}}}{}"##,
            "{\"allOf\":[".repeat(30),
            "]}".repeat(30)
        );
        assert_eq!(held_to(&steep, &nested(31)), Ok(()));
        assert_eq!(
            held_to(&steep, &nested(120)),
            Err(Unfit::TooMuch {
                model: "it".to_owned()
            })
        );
    }

    #[test]
    fn many_names_meet_many_patterns_only_as_far_as_they_can_be_judged() {
        let patterns = (0..800).map(|idx| (format!("a*a*{idx}$"), json!({})));
        let schema = json!({ "patternProperties": patterns.collect::<serde_json::Map<_, _>>() });
        let text = |members: usize| {
            let members: Vec<_> = (0..members).map(|idx| format!("\"{idx}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(held_to(&schema.to_string(), &text(100)), Ok(()));
        let refused = held_to(&schema.to_string(), &text(12_000));
        assert!(matches!(refused, Err(Unfit::TooMuch { .. })), "{refused:?}");
    }

    #[test]
    fn a_long_message_meets_a_wide_schema_only_as_far_as_it_can_be_judged() {
        let wide =
            json!({"additionalProperties": {"allOf": vec![json!({"type": "number"}); 1500]}});
        let text = |members: usize| {
            let members: Vec<_> = (0..members).map(|idx| format!("\"{idx}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(held_to(&wide.to_string(), &text(100)), Ok(()));
        assert_eq!(
            held_to(&wide.to_string(), &text(12_000)),
            Err(Unfit::TooMuch {
                model: "it".to_owned()
            })
        );
    }
}
