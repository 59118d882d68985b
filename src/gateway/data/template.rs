//! Mapping templates: literal text with references. The directives of the Velocity language are not understood yet; a
//! template that has one cannot be read, and the integration that needs it fails and says so in the log.
//!
//! SOURCE: developer guide, "WebSocket API mapping template reference".

use std::borrow::Cow;

use serde_json::Value;

use super::{jsonpath::JsonPath, selection};

/// Longest text that a template may produce, in bytes.
const OUTPUT_BYTES: usize = 1024 * 1024;

const DIRECTIVES: [&str; 13] = [
    "set", "if", "elseif", "else", "end", "foreach", "break", "stop", "include", "parse", "macro",
    "define", "evaluate",
];

/// A template, read once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Reference {
        expression: Expression,
        source: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    InputBody,
    InputJson(JsonPath),
    InputPath(JsonPath),
    Context(String),
    StageVariable(String),
    EscapeJavaScript(Box<Expression>),
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTemplate {
    #[error("the template uses `#{0}`, and directives are not emulated yet")]
    Directive(String),
    #[error("the template uses `${0}`, which is not emulated yet")]
    Reference(String),
    #[error("the template would produce more than 1 MiB")]
    TooLong,
}

/// What a template can speak of.
pub(super) trait Scope {
    /// The payload: the message, or in a response template the integration's answer.
    fn input(&self) -> &str;
    /// The payload as JSON, if it is.
    fn input_json(&self) -> Option<&Value>;
    /// A member of `$context`.
    fn context(&self, name: &str) -> Option<String>;
    /// A stage variable.
    fn stage_variable(&self, name: &str) -> Option<&str>;
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Template, BadTemplate> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(name) = directive(rest) {
                return Err(BadTemplate::Directive(name.to_owned()));
            }
            if character == '$'
                && let Some((expression, length)) = reference(rest)?
            {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Reference {
                    expression,
                    source: rest[..length].to_owned(),
                });
                rest = &rest[length..];
                continue;
            }
            literal.push(character);
            rest = &rest[character.len_utf8()..];
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template { parts })
    }

    /// The text, with every reference replaced. A path that leads nowhere stays as it was written, as Velocity does with
    /// an undefined reference, unless it was written `$!…`.
    pub(super) fn render(&self, scope: &dyn Scope) -> Result<String, BadTemplate> {
        let mut output = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => output.push_str(text),
                Part::Reference { expression, source } => match expression.value(scope) {
                    Some(value) => output.push_str(&value),
                    None if source.starts_with("$!") => {}
                    None => output.push_str(source),
                },
            }
            if output.len() > OUTPUT_BYTES {
                return Err(BadTemplate::TooLong);
            }
        }
        Ok(output)
    }
}

impl Expression {
    fn value<'s>(&'s self, scope: &'s dyn Scope) -> Option<Cow<'s, str>> {
        match self {
            Expression::InputBody if scope.input().is_empty() => Some(Cow::Borrowed("{}")),
            Expression::InputBody => Some(Cow::Borrowed(scope.input())),
            Expression::InputJson(path) => {
                let found = scope.input_json().and_then(|json| path.find(json));
                Some(found.map_or(Cow::Borrowed("\"\""), |value| Cow::Owned(value.to_string())))
            }
            Expression::InputPath(path) => {
                let found = scope.input_json().and_then(|json| path.find(json))?;
                match &*found {
                    Value::Null => None,
                    Value::Object(_) => Some(Cow::Owned(java_text(&found))),
                    Value::Array(_) => Some(Cow::Owned(found.to_string())),
                    value => Some(Cow::Owned(selection::text_of(value))),
                }
            }
            // GUESS: a context member or stage variable that is not there is the empty text.
            Expression::Context(name) => Some(Cow::Owned(scope.context(name).unwrap_or_default())),
            Expression::StageVariable(name) => Some(Cow::Borrowed(
                scope.stage_variable(name).unwrap_or_default(),
            )),
            Expression::EscapeJavaScript(inner) => inner
                .value(scope)
                .map(|text| Cow::Owned(escape_javascript(&text))),
        }
    }
}

/// The name of the directive or comment at the start of `rest`.
fn directive(rest: &str) -> Option<&str> {
    let after = rest.strip_prefix('#')?;
    if after.starts_with(['#', '*']) || after.starts_with("[[") {
        return Some(&after[..1]);
    }
    let name = after.strip_prefix('{').unwrap_or(after);
    let end = name
        .find(|character: char| !character.is_ascii_alphabetic())
        .unwrap_or(name.len());
    let name = &name[..end];
    DIRECTIVES.contains(&name).then_some(name)
}

/// The reference at the start of `rest`, which begins with a dollar sign, and its length. `None` if it names nothing that
/// a template knows, for then it stands for itself.
fn reference(rest: &str) -> Result<Option<(Expression, usize)>, BadTemplate> {
    let mut start = 1;
    if rest[start..].starts_with('!') {
        start += 1;
    }
    let braced = rest[start..].starts_with('{');
    if braced {
        start += 1;
    }
    let Some((expression, length)) = expression(&rest[start..])? else {
        return Ok(None);
    };
    let end = start + length;
    if !braced {
        return Ok(Some((expression, end)));
    }
    if rest[end..].starts_with('}') {
        Ok(Some((expression, end + 1)))
    } else {
        Err(BadTemplate::Reference(shorten(&rest[1..])))
    }
}

/// The expression at the start of `text` and its length.
fn expression(text: &str) -> Result<Option<(Expression, usize)>, BadTemplate> {
    let unsupported = || BadTemplate::Reference(shorten(text));
    if let Some(after) = text.strip_prefix("input.") {
        if let Some(end) = after.strip_prefix("body") {
            return Ok(Some((Expression::InputBody, text.len() - end.len())));
        }
        let (call, make): (&str, fn(JsonPath) -> Expression) = if after.starts_with("json(") {
            ("json(", Expression::InputJson)
        } else if after.starts_with("path(") {
            ("path(", Expression::InputPath)
        } else {
            return Err(unsupported());
        };
        let (path, end) = quoted(&after[call.len()..]).ok_or_else(unsupported)?;
        let end = end.strip_prefix(')').ok_or_else(unsupported)?;
        if end.starts_with(['.', '[']) {
            return Err(unsupported());
        }
        let path = JsonPath::parse(path).map_err(|_| unsupported())?;
        return Ok(Some((make(path), text.len() - end.len())));
    }
    if let Some(after) = text.strip_prefix("util.") {
        let inner = after
            .strip_prefix("escapeJavaScript(")
            .ok_or_else(unsupported)?;
        let inner = inner.strip_prefix('$').ok_or_else(unsupported)?;
        let (argument, length) = expression(inner)?.ok_or_else(unsupported)?;
        let end = inner[length..].strip_prefix(')').ok_or_else(unsupported)?;
        if end.starts_with(".replaceAll(") {
            return Err(unsupported());
        }
        let escape = Expression::EscapeJavaScript(Box::new(argument));
        return Ok(Some((escape, text.len() - end.len())));
    }
    if let Some(after) = text.strip_prefix("context.") {
        let length = name_length(after, true);
        let name = after[..length].trim_end_matches('.');
        return Ok((!name.is_empty()).then(|| {
            (
                Expression::Context(name.to_owned()),
                "context.".len() + name.len(),
            )
        }));
    }
    if let Some(after) = text.strip_prefix("stageVariables") {
        return Ok(stage_variable(after).map(|(name, length)| {
            (
                Expression::StageVariable(name),
                "stageVariables".len() + length,
            )
        }));
    }
    Ok(None)
}

/// `.name` or `['name']`, and its length.
fn stage_variable(after: &str) -> Option<(String, usize)> {
    if let Some(name) = after.strip_prefix('.') {
        let length = name_length(name, false);
        return (length > 0).then(|| (name[..length].to_owned(), length + 1));
    }
    let (name, end) = quoted(after.strip_prefix('[')?)?;
    let end = end.strip_prefix(']')?;
    Some((name.to_owned(), after.len() - end.len()))
}

fn name_length(text: &str, dots: bool) -> usize {
    text.find(|character: char| {
        !(character.is_ascii_alphanumeric() || character == '_' || (dots && character == '.'))
    })
    .unwrap_or(text.len())
}

/// The text between quotes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// How Java prints a map, which is how `$input.path` prints an object: `{a=1, b=[{"c":5}]}`.
fn java_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name}={}", java_text(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(_) => value.to_string(),
        Value::Null => "null".to_owned(),
        _ => selection::text_of(value),
    }
}

/// GUESS: quotes, backslash, slash and control characters are escaped, other characters are left.
fn escape_javascript(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' | '/' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if character.is_control() => {
                let code = format!("\\u{:04X}", u32::from(character));
                escaped.push_str(&code);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    struct Sample {
        input: String,
        json: Option<Value>,
    }

    impl Sample {
        fn new(input: &str) -> Sample {
            Sample {
                input: input.to_owned(),
                json: serde_json::from_str(input).ok(),
            }
        }
    }

    impl Scope for Sample {
        fn input(&self) -> &str {
            &self.input
        }
        fn input_json(&self) -> Option<&Value> {
            self.json.as_ref()
        }
        fn context(&self, name: &str) -> Option<String> {
            (name == "connectionId").then(|| "ABC=".to_owned())
        }
        fn stage_variable(&self, name: &str) -> Option<&str> {
            (name == "table").then_some("rooms")
        }
    }

    #[track_caller]
    fn check(template: &str, expected: &str) {
        let scope =
            Sample::new(&json!({"x": "it's", "o": {"a": 1, "b": [{"c": 5}]}, "n": 7}).to_string());
        let rendered = Template::parse(template).unwrap().render(&scope).unwrap();
        assert_eq!(rendered, expected, "{template}");
    }

    #[test]
    fn references_are_replaced() {
        check("plain {\"a\": 1} #1", "plain {\"a\": 1} #1");
        check("$input.json('$.x')", "\"it's\"");
        check("$input.json('$.missing')", "\"\"");
        check("$input.path('$.x')", "it's");
        check("$input.path('$.n')!", "7!");
        check("$input.path('$.o')", "{a=1, b=[{\"c\":5}]}");
        check("$context.connectionId.", "ABC=.");
        check("${context.connectionId}x", "ABC=x");
        check(
            "$stageVariables.table $stageVariables['table'] ${stageVariables['table']}",
            "rooms rooms rooms",
        );
        check("$util.escapeJavaScript($input.path('$.x'))", "it\\'s");
    }

    #[test]
    fn undefined_references_stand_for_themselves() {
        check("$foo costs $5", "$foo costs $5");
        check("$input.path('$.missing')", "$input.path('$.missing')");
        check("[$!input.path('$.missing')]", "[]");
    }

    #[test]
    fn an_empty_payload_is_an_empty_object() {
        let rendered = Template::parse("$input.body")
            .unwrap()
            .render(&Sample::new(""));
        assert_eq!(rendered.unwrap(), "{}");
    }

    #[test]
    fn directives_and_unknown_functions_are_refused() {
        for (template, named) in [
            ("#set($x = 1)", "#set"),
            ("a #{if}(true) b", "#if"),
            ("## note", "##"),
            ("$util.base64Encode($input.body)", "util.base64Encode"),
            ("$input.params('x')", "input.params"),
            ("$input.path('$.a').size()", "input.path"),
        ] {
            let error = Template::parse(template).unwrap_err().to_string();
            assert!(error.contains(named), "{template}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_rendered_without_a_panic(text in ".{0,60}", input in ".{0,30}") {
            if let Ok(template) = Template::parse(&text) {
                let _rendered = template.render(&Sample::new(&input));
            }
        }

        #[test]
        fn pieces_of_templates_never_panic(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("$"), Just("!"), Just("{"), Just("}"), Just("input."), Just("body"), Just("json('$.a')"),
                    Just("path("), Just("'"), Just(")"), Just("context."), Just("stageVariables["), Just("é"),
                    Just("util.escapeJavaScript("), Just("#"), Just("set"), Just("."),
                ],
                0..12,
            )
        ) {
            if let Ok(template) = Template::parse(&pieces.concat()) {
                let _rendered = template.render(&Sample::new("{\"a\":1}"));
            }
        }

        #[test]
        fn text_without_signs_is_its_own_rendering(text in "[^$#]{0,40}") {
            let rendered = Template::parse(&text).unwrap().render(&Sample::new("")).unwrap();
            prop_assert_eq!(rendered, text);
        }
    }
}
