//! The part of `JSONPath` that selection expressions, mappings and templates use: `.name`, `['name']`, `[n]`, `[*]` and
//! `..`. Filters, slices and functions are refused when the path is read, never ignored.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// Most values that one indefinite path may find; a path like `$..*..*` over a large message finds millions.
const MATCHES: usize = 10_000;

/// Most steps of a path; each may look at as many values.
const STEPS: usize = 100;

/// A path, read once and used for every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Child(String),
    /// Counted from the end when negative.
    Index(i64),
    Every,
    /// The value itself and everything below it.
    Below,
}

/// The values that a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found<'v> {
    One(&'v Value),
    /// The values of a path that can find several; there may be none.
    Many(Vec<&'v Value>),
}

/// A path that is not one, or that uses what is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a JSONPath that the gateway understands")]
pub(crate) struct BadPath(String);

impl JsonPath {
    /// Reads `$.a.b`, or only what follows the `$`.
    pub(crate) fn parse(text: &str) -> Result<JsonPath, BadPath> {
        let bad = || BadPath(text.to_owned());
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (found, after) = step(rest).ok_or_else(bad)?;
            steps.extend(found);
            if steps.len() > STEPS {
                return Err(bad());
            }
            rest = after;
        }
        Ok(JsonPath { steps })
    }

    /// Finds the values that the path leads to. `None` if a definite path leads nowhere.
    pub(crate) fn find<'v>(&self, root: &'v Value) -> Option<Found<'v>> {
        if self.is_definite() {
            return self
                .steps
                .iter()
                .try_fold(root, |value, step| match step {
                    Step::Child(name) => value.get(name),
                    Step::Index(index) => element(value, *index),
                    Step::Every | Step::Below => None,
                })
                .map(Found::One);
        }
        let mut found = vec![root];
        for step in &self.steps {
            found = advance(&found, step);
        }
        Some(Found::Many(found))
    }

    fn is_definite(&self) -> bool {
        !self
            .steps
            .iter()
            .any(|step| matches!(step, Step::Every | Step::Below))
    }
}

/// Writes the values as JSON; several values are an array.
impl Display for Found<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Found::One(value) => write!(out, "{value}"),
            Found::Many(values) => {
                for (index, value) in values.iter().enumerate() {
                    out.write_str(if index == 0 { "[" } else { "," })?;
                    write!(out, "{value}")?;
                }
                out.write_str(if values.is_empty() { "[]" } else { "]" })
            }
        }
    }
}

/// Reads the steps at the start of `rest`, and what follows them.
fn step(rest: &str) -> Option<(Vec<Step>, &str)> {
    if let Some(after) = rest.strip_prefix("..") {
        if after.starts_with('[') {
            return Some((vec![Step::Below], after));
        }
        let (child, after) = dotted(after)?;
        return Some((vec![Step::Below, child], after));
    }
    if let Some(after) = rest.strip_prefix('.') {
        let (child, after) = dotted(after)?;
        return Some((vec![child], after));
    }
    let (found, after) = bracketed(rest.strip_prefix('[')?)?;
    Some((vec![found], after))
}

/// Reads `name` or `*`, up to the next `.` or `[`.
fn dotted(rest: &str) -> Option<(Step, &str)> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    match name {
        "" => None,
        "*" => Some((Step::Every, after)),
        _ if name.contains(['(', ')', ']', '?', '@', '\'', '"', ' ']) => None,
        _ => Some((Step::Child(name.to_owned()), after)),
    }
}

/// Reads the step between brackets, after the opening one.
fn bracketed(rest: &str) -> Option<(Step, &str)> {
    let quote = rest.chars().next()?;
    if quote == '\'' || quote == '"' {
        let (name, after) = rest[1..].split_once(quote)?;
        return Some((Step::Child(name.to_owned()), after.strip_prefix(']')?));
    }
    let (inside, after) = rest.split_once(']')?;
    if inside == "*" {
        return Some((Step::Every, after));
    }
    Some((Step::Index(inside.trim().parse().ok()?), after))
}

fn element(value: &Value, index: i64) -> Option<&Value> {
    let elements = value.as_array()?;
    let from_end = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 {
        elements.get(elements.len().checked_sub(from_end)?)
    } else {
        elements.get(from_end)
    }
}

fn advance<'v>(values: &[&'v Value], step: &Step) -> Vec<&'v Value> {
    let mut found = Vec::new();
    for &value in values {
        match step {
            Step::Child(name) => found.extend(value.get(name)),
            Step::Index(index) => found.extend(element(value, *index)),
            Step::Every => found.extend(children(value)),
            Step::Below => below(value, &mut found),
        }
        if found.len() >= MATCHES {
            found.truncate(MATCHES);
            break;
        }
    }
    found
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Finds the value and all below it, the outermost first. The JSON reader bounds the depth.
fn below<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    if found.len() >= MATCHES {
        return;
    }
    found.push(value);
    for child in children(value) {
        below(child, found);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: impl Into<Option<Value>>) {
        let root = json!({
            "service": "chat",
            "data": {"room": "room1234", "a.b": 7},
            "items": [{"kind": "x"}, {"kind": "y", "deep": {"kind": "z"}}],
        });
        let found = JsonPath::parse(path)
            .unwrap()
            .find(&root)
            .map(|found| found.to_string().parse::<Value>().unwrap());
        assert_eq!(found, expected.into(), "{path}");
    }

    #[test]
    fn definite_paths_find_one_value() {
        check("$.service", json!("chat"));
        check(".data.room", json!("room1234"));
        check("$['data']['a.b']", json!(7));
        check("$.items[1].kind", json!("y"));
        check("$.items[-1].kind", json!("y"));
        check("$.items[9].kind", None);
        check("$.nothing.here", None);
    }

    #[test]
    fn indefinite_paths_find_lists() {
        check("$.items[*].kind", json!(["x", "y"]));
        check("$..kind", json!(["x", "y", "z"]));
        check("$.data.*", json!(["room1234", 7]));
        check("$.nothing[*]", json!([]));
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for path in ["$.", "$[", "$[?(@.a)]", "$.a[1:2]", "$.a b", "x", "$['a"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
        assert!(JsonPath::parse(&".a".repeat(STEPS)).is_ok());
        assert!(JsonPath::parse(&".a".repeat(STEPS + 1)).is_err());
    }

    /// Generates any JSON of a few levels.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec(("[a-c]", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pieces_of_paths_find_no_more_than_they_may(
            root in json(),
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("$"), Just("."), Just(".."), Just("*"), Just("a"), Just(".b"), Just("[0]"), Just("[-1]"),
                    Just("[*]"), Just("['a']"), Just("[\"b\"]"), Just("["), Just("]"), Just("..*"), Just("é"),
                ],
                0..12,
            ),
        ) {
            if let Ok(path) = JsonPath::parse(&pieces.concat())
                && let Some(Found::Many(found)) = path.find(&root)
            {
                prop_assert!(found.len() <= MATCHES);
            }
        }

        #[test]
        fn a_member_is_found_by_both_of_its_names(root in json()) {
            let dotted = JsonPath::parse("$.a").unwrap();
            let quoted = JsonPath::parse("$['a']").unwrap();
            prop_assert_eq!(dotted.find(&root), root.get("a").map(Found::One));
            prop_assert_eq!(dotted.find(&root), quoted.find(&root));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}") {
            if let Ok(path) = JsonPath::parse(&text) {
                path.find(&json!({"a": [1, {"b": null}], "": {"c": "d"}}));
            }
        }
    }
}
