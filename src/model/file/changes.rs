//! The differences between two files in the normal form, part by part.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{ApiFile, RouteFile, StageFile};
use crate::model::diff::{Change, ChangeKind, Detail, Subject, compare};

/// Returns the changes that turn `from` into `to`, in the order in which the parts depend on each other.
pub fn changes(from: &ApiFile, to: &ApiFile) -> Vec<Change> {
    let api = compare(&members(&own_members(from)), &members(&own_members(to)));
    let api = (!api.is_empty()).then_some(Change {
        kind: ChangeKind::Changed,
        subject: Subject::Api,
        details: api,
    });
    let routes = (short(&from.routes), short(&to.routes));
    api.into_iter()
        .chain(parts(&from.models, &to.models, Subject::Model))
        .chain(parts(
            &from.authorizers,
            &to.authorizers,
            Subject::Authorizer,
        ))
        .chain(parts(
            &from.integrations,
            &to.integrations,
            Subject::Integration,
        ))
        .chain(parts(&routes.0, &routes.1, Subject::Route))
        .chain(parts(&from.stages, &to.stages, |name| {
            Subject::Stage(name.to_string())
        }))
        .collect()
}

/// Returns the members in which a stage's settings differ.
pub fn stage_changes(from: &StageFile, to: &StageFile) -> Vec<Detail> {
    compare(&members(from), &members(to))
}

/// Returns the API's own members and nothing that hangs on it but its tags.
pub fn own_members(api: &ApiFile) -> ApiFile {
    ApiFile {
        authorizers: BTreeMap::new(),
        models: BTreeMap::new(),
        integrations: BTreeMap::new(),
        routes: BTreeMap::new(),
        stages: BTreeMap::new(),
        ..api.clone()
    }
}

fn short(routes: &BTreeMap<String, RouteFile>) -> BTreeMap<String, RouteFile> {
    let mut routes = routes.clone();
    routes.values_mut().for_each(RouteFile::shorten);
    routes
}

fn parts<K: Ord + Clone, T: Serialize>(
    from: &BTreeMap<K, T>,
    to: &BTreeMap<K, T>,
    subject: impl Fn(K) -> Subject,
) -> Vec<Change> {
    let mut keys: Vec<&K> = from.keys().chain(to.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter_map(|key| {
            let (kind, details) = match (from.get(key), to.get(key)) {
                (None, None) => return None,
                (Some(_), None) => (ChangeKind::Removed, Vec::new()),
                (None, Some(new)) => (ChangeKind::Added, compare(&BTreeMap::new(), &members(new))),
                (Some(old), Some(new)) => {
                    (ChangeKind::Changed, compare(&members(old), &members(new)))
                }
            };
            let is_same = kind == ChangeKind::Changed && details.is_empty();
            (!is_same).then(|| Change {
                kind,
                subject: subject(key.clone()),
                details,
            })
        })
        .collect()
}

/// Returns all members as texts, those of members with their path in front.
fn members(part: &impl Serialize) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    // A part has text keys only, so this cannot fail.
    let value = serde_json::to_value(part).unwrap_or_default();
    flatten(String::new(), &value, &mut members);
    members
}

fn flatten(path: String, value: &Value, members: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if path.is_empty() || !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(path, value, members);
            }
        }
        Value::String(text) => {
            members.insert(path, text.clone());
        }
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            members.insert(path, items.join(", "));
        }
        other => {
            members.insert(path, other.to_string());
        }
    }
}
