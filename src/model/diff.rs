//! The differences between two definitions. The files of APIs are compared with the same function, member by member.

use std::{collections::BTreeMap, fmt};

use super::definition::{Definition, IntegrationDefinition, ModelDefinition, RouteDefinition};

/// One difference between two definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of difference, going from the old definition to the new.
    pub kind: ChangeKind,
    /// The part of the definition that differs.
    pub subject: Subject,
    /// The members that differ; for something added, the ones that describe it.
    pub details: Vec<Detail>,
}

/// The kind of a difference between two definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the new definition has it.
    Added,
    /// Only the old definition has it.
    Removed,
    /// Both have it, with different members.
    Changed,
}

/// The part of a definition that a change speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A member of the API itself.
    Api,
    /// A route, by key, with its integration, authorizer and responses.
    Route(String),
    /// A model, by name.
    Model(String),
    /// An authorizer, by name.
    Authorizer(String),
    /// An integration, by the name that a file gives it.
    Integration(String),
    /// A stage, by name.
    Stage(String),
}

/// One member that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The member's name, in the control plane's words, with a path in front where it hangs on something.
    pub member: String,
    /// Its old value; none when it was absent.
    pub old: Option<String>,
    /// Its new value; none when it is absent.
    pub new: Option<String>,
}

impl ChangeKind {
    /// Returns the mark in front of the change: `+`, `-` or `~`.
    pub fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => write!(formatter, "API"),
            Self::Route(key) => write!(formatter, "route {key}"),
            Self::Model(name) => write!(formatter, "model {name}"),
            Self::Authorizer(name) => write!(formatter, "authorizer {name}"),
            Self::Integration(name) => write!(formatter, "integration {name}"),
            Self::Stage(name) => write!(formatter, "stage {name}"),
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(formatter, "{} {old} → {new}", self.member),
            (Some(old), None) => write!(formatter, "{} {old} removed", self.member),
            (None, Some(new)) => write!(formatter, "{} {new}", self.member),
            (None, None) => write!(formatter, "{}", self.member),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind.mark(), self.subject)?;
        for (idx, detail) in self.details.iter().enumerate() {
            write!(formatter, "{} {detail}", if idx == 0 { " ·" } else { "," })?;
        }
        Ok(())
    }
}

/// Returns the changes that turn `old` into `new`: the API's own members first, then routes and models by name.
pub fn diff(old: &Definition, new: &Definition) -> Vec<Change> {
    let api = compare(&api_members(old), &api_members(new));
    let api = (!api.is_empty()).then_some(Change {
        kind: ChangeKind::Changed,
        subject: Subject::Api,
        details: api,
    });
    api.into_iter()
        .chain(diff_maps(
            &old.routes,
            &new.routes,
            Subject::Route,
            route_members,
        ))
        .chain(diff_maps(
            &old.models,
            &new.models,
            Subject::Model,
            model_members,
        ))
        .collect()
}

type Members = BTreeMap<String, String>;

fn diff_maps<T>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    subject: fn(String) -> Subject,
    members: fn(&T) -> Members,
) -> Vec<Change> {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let before = old.get(key).map(members);
            let after = new.get(key).map(members);
            let kind = match (&before, &after) {
                (None, _) => ChangeKind::Added,
                (_, None) => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            };
            let details = compare(&before.unwrap_or_default(), &after.unwrap_or_default());
            let differs = kind != ChangeKind::Changed || !details.is_empty();
            differs.then(|| Change {
                kind,
                subject: subject(key.clone()),
                details,
            })
        })
        .collect()
}

/// Returns the members that differ.
pub(super) fn compare(old: &Members, new: &Members) -> Vec<Detail> {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| Detail {
            member: key.clone(),
            old: old.get(key).cloned(),
            new: new.get(key).cloned(),
        })
        .collect()
}

fn api_members(definition: &Definition) -> Members {
    let mut members = Members::from([
        (
            "routeSelectionExpression".into(),
            definition.route_selection_expression.clone(),
        ),
        (
            "disableExecuteApiEndpoint".into(),
            definition.disable_execute_api_endpoint.to_string(),
        ),
    ]);
    if let Some(expression) = &definition.api_key_selection_expression {
        members.insert("apiKeySelectionExpression".into(), expression.clone());
    }
    members
}

fn route_members(route: &RouteDefinition) -> Members {
    let mut members = route.settings.clone();
    members.extend(prefixed("authorizer", &route.authorizer));
    for (key, settings) in &route.responses {
        let path = format!("routeResponse {key}");
        members.extend(prefixed(&path, settings));
        members.insert(path, String::new());
    }
    if let Some(integration) = &route.integration {
        members.extend(integration_members(integration));
    }
    members
}

fn integration_members(integration: &IntegrationDefinition) -> Members {
    let mut members = integration.settings.clone();
    for (key, settings) in &integration.responses {
        let path = format!("integrationResponse {key}");
        members.extend(prefixed(&path, settings));
        members.insert(path, String::new());
    }
    members
}

fn model_members(model: &ModelDefinition) -> Members {
    let mut members = Members::from([("schema".into(), model.schema.clone())]);
    if let Some(content_type) = &model.content_type {
        members.insert("contentType".into(), content_type.clone());
    }
    members
}

fn prefixed(path: &str, settings: &Members) -> Members {
    settings
        .iter()
        .map(|(member, value)| (format!("{path}.{member}"), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_routes(routes: &[(&str, &str)]) -> Definition {
        Definition {
            route_selection_expression: "$request.body.action".into(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            routes: routes
                .iter()
                .map(|(key, timeout)| ((*key).into(), route(timeout)))
                .collect(),
            models: BTreeMap::new(),
        }
    }

    fn route(timeout: &str) -> RouteDefinition {
        let settings = Members::from([("timeoutInMillis".into(), timeout.into())]);
        let integration = IntegrationDefinition {
            settings,
            responses: BTreeMap::new(),
        };
        RouteDefinition {
            integration: Some(integration),
            ..RouteDefinition::default()
        }
    }

    #[track_caller]
    fn check(old: &Definition, new: &Definition, lines: &[&str]) {
        let changes: Vec<String> = diff(old, new).iter().map(ToString::to_string).collect();
        assert_eq!(changes, lines);
    }

    #[test]
    fn equal_definitions_have_no_changes() {
        check(
            &with_routes(&[("a", "1")]),
            &with_routes(&[("a", "1")]),
            &[],
        );
    }

    #[test]
    fn added_removed_and_changed_routes_are_told_apart() {
        check(
            &with_routes(&[("gone", "1"), ("same", "2"), ("slow", "29000")]),
            &with_routes(&[("join", "3"), ("same", "2"), ("slow", "5000")]),
            &[
                "- route gone · timeoutInMillis 1 removed",
                "+ route join · timeoutInMillis 3",
                "~ route slow · timeoutInMillis 29000 → 5000",
            ],
        );
    }

    #[test]
    fn a_change_of_the_selection_expression_is_a_change_of_the_api() {
        let mut new = with_routes(&[]);
        new.route_selection_expression = "$request.body.type".into();
        check(
            &with_routes(&[]),
            &new,
            &["~ API · routeSelectionExpression $request.body.action → $request.body.type"],
        );
    }

    #[test]
    fn a_route_response_is_part_of_its_route() {
        let mut new = with_routes(&[("a", "1")]);
        new.routes
            .get_mut("a")
            .unwrap()
            .responses
            .insert("$default".into(), Members::new());
        check(
            &with_routes(&[("a", "1")]),
            &new,
            &["~ route a · routeResponse $default "],
        );
    }
}
