//! Selection expressions: each picks a route, a template or a response, is read once, and is evaluated for every
//! message.
//!
//! SOURCE: developer guide, "Working with routes for WebSocket APIs" and "WebSocket API selection expressions". An
//! expression is evaluated once; what it yields is not an expression again.

use std::fmt::{self, Write};

use http::HeaderMap;
use serde_json::Value;

use super::{
    bounded::Bounded,
    jsonpath::{Found, JsonPath},
};

/// Longest key that an expression may yield, in bytes. GUESS: what yields a longer one selects nothing.
const KEY_BYTES: usize = 4 * 1024;

/// A selection expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    RequestBody(JsonPath),
    ResponseStatus,
    ResponseHeader(String),
    ResponseHeaders(String),
    /// A reference that means nothing here. It yields the empty string, as a path that leads nowhere does.
    Nothing,
}

/// The facts that an expression can refer to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts<'a> {
    /// The message, if it is JSON.
    pub(crate) body: Option<&'a Value>,
    /// The status and headers of the integration's answer, once there is one.
    pub(crate) response: Option<(u16, &'a HeaderMap)>,
}

impl Selection {
    /// Reads an expression. Every text is one: what is not a reference stands for itself.
    pub(crate) fn parse(text: &str) -> Selection {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\\$") {
                literal.push('$');
                rest = after;
            } else if character == '$'
                && let Some((name, after)) = reference(&rest[1..])
            {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(part(name));
                rest = after;
            } else {
                literal.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Selection { parts }
    }

    /// True when the message must be read as JSON first.
    pub(crate) fn reads_body(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::RequestBody(_)))
    }

    /// Returns the key that the expression yields, unless it is longer than any key.
    pub(crate) fn evaluate(&self, facts: Facts<'_>) -> Option<String> {
        let mut key = Bounded::new(KEY_BYTES);
        for part in &self.parts {
            part.write(facts, &mut key).ok()?;
        }
        Some(key.into_text())
    }
}

impl Part {
    fn write(&self, facts: Facts<'_>, key: &mut Bounded) -> fmt::Result {
        match self {
            Part::Text(text) => key.write_str(text),
            Part::RequestBody(path) => match facts.body.and_then(|body| path.find(body)) {
                Some(found) => write_found(&found, key),
                None => Ok(()),
            },
            Part::ResponseStatus => match facts.response {
                Some((status, _)) => write!(key, "{status}"),
                None => Ok(()),
            },
            Part::ResponseHeader(name) => {
                let values = header_values(facts, name);
                key.write_str(values.first().map_or("", |value| value))
            }
            Part::ResponseHeaders(name) => {
                write!(key, "[{}]", header_values(facts, name).join(", "))
            }
            Part::Nothing => Ok(()),
        }
    }
}

/// Returns the text of what a path found, as it stands in a key or a header, unless it is longer than `most` bytes.
pub(crate) fn text_of(found: &Found<'_>, most: usize) -> Option<String> {
    let mut text = Bounded::new(most);
    write_found(found, &mut text).ok()?;
    Some(text.into_text())
}

fn write_found(found: &Found<'_>, text: &mut Bounded) -> fmt::Result {
    match found {
        Found::One(value) => write_value(value, text),
        Found::Many(values) => write_list(values.iter().copied(), text),
    }
}

/// Writes a value as it stands in a key or a header: strings bare, lists as `[a, b]`, null as nothing.
fn write_value(value: &Value, text: &mut Bounded) -> fmt::Result {
    match value {
        // GUESS: null counts as missing.
        Value::Null => Ok(()),
        Value::String(string) => text.write_str(string),
        Value::Array(elements) => write_list(elements, text),
        // GUESS: an object is written as JSON.
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => write!(text, "{value}"),
    }
}

fn write_list<'v>(values: impl IntoIterator<Item = &'v Value>, text: &mut Bounded) -> fmt::Result {
    text.write_char('[')?;
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            text.write_str(", ")?;
        }
        write_value(value, text)?;
    }
    text.write_char(']')
}

/// Splits the text after a dollar sign into the reference, braced or bare, and what follows it.
fn reference(rest: &str) -> Option<(&str, &str)> {
    if let Some(braced) = rest.strip_prefix('{') {
        let end = closing_brace(braced)?;
        return Some((&braced[..end], &braced[end + 1..]));
    }
    // GUESS: a bare reference ends at the first character that a dotted path cannot hold.
    let mut end = 0;
    while let Some(character) = rest[end..].chars().next() {
        if character == '[' {
            match rest[end..].find(']') {
                Some(length) => end += length + 1,
                None => break,
            }
        } else if character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '*') {
            end += character.len_utf8();
        } else {
            break;
        }
    }
    (end > 0).then(|| rest.split_at(end))
}

/// True when an expression may select routes: all that it refers to is in the message, and every other dollar sign is
/// escaped.
///
/// SOURCE: developer guide, "Working with routes for WebSocket APIs": `$request.body.{path}`, `${request.body.{path}}`,
/// several of them, static text and `\$default`.
pub(crate) fn may_select_routes(text: &str) -> bool {
    refers_only(text, |part| matches!(part, Part::RequestBody(_)))
}

/// True when an expression may select among the templates of a response: it may refer to the integration's answer as
/// well.
///
/// SOURCE: developer guide, "WebSocket API selection expressions".
pub(crate) fn may_select_answers(text: &str) -> bool {
    refers_only(text, |part| !matches!(part, Part::Nothing))
}

fn refers_only(text: &str, is_allowed: impl Fn(&Part) -> bool) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        rest = if before.ends_with('\\') {
            after
        } else {
            match reference(after) {
                Some((name, after)) if is_allowed(&part(name)) => after,
                _ => return false,
            }
        };
    }
    true
}

/// Finds the first `}` outside quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, '}') => return Some(index),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn part(name: &str) -> Part {
    if let Some(tail) = name.strip_prefix("request.body") {
        if tail.is_empty() || tail.starts_with(['.', '[']) {
            return JsonPath::parse(tail).map_or(Part::Nothing, Part::RequestBody);
        }
    } else if name == "integration.response.statuscode" {
        return Part::ResponseStatus;
    } else if let Some(header) = name.strip_prefix("integration.response.header.") {
        return Part::ResponseHeader(header.to_owned());
    } else if let Some(header) = name.strip_prefix("integration.response.multivalueheader.") {
        return Part::ResponseHeaders(header.to_owned());
    }
    Part::Nothing
}

fn header_values<'a>(facts: Facts<'a>, name: &str) -> Vec<&'a str> {
    let Some((_, headers)) = facts.response else {
        return Vec::new();
    };
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let body = json!({
            "service": "chat", "action": "join", "data": {"room": "room1234"}, "n": 1, "yes": true, "none": null,
            "list": ["item1", "item2"], "items": [{"kind": "first"}], "odd}key": "brace",
        });
        let facts = Facts {
            body: Some(&body),
            response: None,
        };
        assert_eq!(
            Selection::parse(expression).evaluate(facts).as_deref(),
            Some(expected),
            "{expression}"
        );
    }

    #[test]
    fn examples_of_the_developer_guide() {
        check("$request.body.action", "join");
        check("${request.body.action}", "join");
        check(
            "${request.body.service}/${request.body.action}",
            "chat/join",
        );
        check(
            "${request.body.action}-${request.body.invalidPath}",
            "join-",
        );
        check("action", "action");
        check("\\$default", "$default");
    }

    #[test]
    fn only_the_message_selects_routes() {
        for expression in [
            "$request.body.action",
            "${request.body.action}",
            "$request.body['odd}key'][0]",
            "${request.body.service}/${request.body.action}",
            "v1-$request.body.a-$request.body.b",
            "action",
            "\\$default",
            "\\${nothing}",
        ] {
            assert!(may_select_routes(expression), "{expression}");
        }
        for expression in [
            "$default",
            "$",
            "a$",
            "$foo.bar",
            "${foo.bar}",
            "$request.header.x",
            "$request.bodyguard",
            "$request.body.",
            "${request.body.action",
            "$request.body.a/$context.stage",
            "$context.connectionId",
            "${stageVariables.a}",
            "${integration.response.statuscode}",
        ] {
            assert!(!may_select_routes(expression), "{expression}");
        }
    }

    #[test]
    fn the_message_and_the_answer_select_templates_of_responses() {
        for expression in [
            "200",
            "\\$default",
            "${request.body.action}",
            "${integration.response.statuscode}",
            "$integration.response.header.X-Kind",
            "v-${integration.response.multivalueheader.a}",
        ] {
            assert!(may_select_answers(expression), "{expression}");
        }
        for expression in [
            "$",
            "$context.stage",
            "${integration.response.body.a}",
            "${stageVariables.a}",
        ] {
            assert!(!may_select_answers(expression), "{expression}");
        }
    }

    #[test]
    fn values_become_text() {
        check("$request.body.data.room", "room1234");
        check("$request.body.items[0].kind", "first");
        check("$request.body.n", "1");
        check("$request.body.yes", "true");
        check("$request.body.none", "");
        check("$request.body.list", "[item1, item2]");
        check("$request.body.data", r#"{"room":"room1234"}"#);
        check("${request.body['odd}key']}", "brace");
        check("$request.body['odd}key']", "brace");
    }

    #[test]
    fn what_means_nothing_yields_nothing() {
        check("$context.routeKey", "");
        check("a${request.bodyguard}b", "ab");
        check("${request.body.[}", "");
    }

    #[test]
    fn unfinished_expressions_stand_for_themselves() {
        check("${request.body.action", "${request.body.action");
        check("$", "$");
        check("a\\b", "a\\b");
    }

    #[test]
    fn text_that_is_not_json_yields_only_the_literal_parts() {
        let selection = Selection::parse("x-${request.body.action}");
        assert_eq!(selection.evaluate(Facts::default()).as_deref(), Some("x-"));
    }

    #[test]
    fn answers_are_told_apart_by_status_and_header() {
        let mut headers = HeaderMap::new();
        headers.append("x-kind", HeaderValue::from_static("a"));
        headers.append("x-kind", HeaderValue::from_static("b"));
        let facts = Facts {
            body: None,
            response: Some((404, &headers)),
        };
        let evaluate = |text| Selection::parse(text).evaluate(facts).unwrap();
        assert_eq!(evaluate("$integration.response.statuscode"), "404");
        assert_eq!(evaluate("${integration.response.header.X-Kind}"), "a");
        assert_eq!(
            evaluate("${integration.response.multivalueheader.x-kind}"),
            "[a, b]"
        );
        assert_eq!(evaluate("${integration.response.header.absent}"), "");
    }

    #[test]
    fn a_message_cannot_make_a_key_that_fills_the_memory() {
        // A hundred arrays around a text: each of them is found, and each would be written with all that it holds.
        let message = format!(
            "{}\"{}\"{}",
            "[".repeat(100),
            "x".repeat(10_000),
            "]".repeat(100)
        );
        let body = serde_json::from_str(&message).unwrap();
        let facts = Facts {
            body: Some(&body),
            response: None,
        };
        for expression in ["$request.body..*..*", "$request.body", "a$request.body..*"] {
            assert_eq!(Selection::parse(expression).evaluate(facts), None);
        }
    }

    proptest! {
        #[test]
        fn any_expression_on_any_text_yields_a_key(expression in ".{0,60}", message in ".{0,60}") {
            let body = serde_json::from_str(&message).ok();
            Selection::parse(&expression).evaluate(Facts { body: body.as_ref(), response: None });
        }

        #[test]
        fn pieces_of_expressions_never_panic(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("$"), Just("{"), Just("}"), Just("["), Just("]"), Just("'"), Just("\\"), Just("é"), Just("."),
                    Just("request.body"), Just("action"), Just("*"), Just("${request.body.action}"),
                ],
                0..12,
            )
        ) {
            let body = json!({"action": "join"});
            Selection::parse(&pieces.concat()).evaluate(Facts { body: Some(&body), response: None });
        }

        #[test]
        fn text_without_dollar_and_backslash_is_its_own_key(expression in "[^$\\\\]{0,40}") {
            prop_assert_eq!(Selection::parse(&expression).evaluate(Facts::default()), Some(expression));
        }

        #[test]
        fn an_escaped_dollar_is_a_dollar(name in "[a-z]{0,10}") {
            let key = Selection::parse(&format!("\\${name}")).evaluate(Facts::default());
            prop_assert_eq!(key, Some(format!("${name}")));
        }

        #[test]
        fn the_named_member_is_the_key(name in "[a-zA-Z_][a-zA-Z0-9_]{0,10}", value in ".{0,20}") {
            let body = json!({ &name: &value });
            let facts = Facts { body: Some(&body), response: None };
            prop_assert_eq!(Selection::parse(&format!("$request.body.{name}")).evaluate(facts), Some(value.clone()));
            prop_assert_eq!(Selection::parse(&format!("${{request.body['{name}']}}")).evaluate(facts), Some(value));
        }
    }
}
