//! Mapping templates: literal text with references. The directives of the Velocity language are not understood yet; a
//! template that has one cannot be read, and the integration that needs it fails and says so in the log.
//!
//! SOURCE: developer guide, "WebSocket API mapping template reference".

use std::fmt::{self, Write};

use serde_json::Value;

use super::{
    bounded::Bounded,
    jsonpath::{Found, JsonPath},
    selection,
};

/// Longest text that a template may produce, in bytes.
const OUTPUT_BYTES: usize = 1024 * 1024;

/// Calls within calls that a reference may have.
const NESTING: usize = 8;

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
    #[error("the template has calls within calls, more than {NESTING} deep")]
    TooDeep,
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
        let mut output = Bounded::new(OUTPUT_BYTES);
        for part in &self.parts {
            let written = match part {
                Part::Text(text) => output.write_str(text),
                Part::Reference { expression, source } => {
                    match expression.write(scope, &mut output) {
                        Ok(false) if !source.starts_with("$!") => output.write_str(source),
                        written => written.map(|_| ()),
                    }
                }
            };
            written.map_err(|_| BadTemplate::TooLong)?;
        }
        Ok(output.into_text())
    }
}

impl Expression {
    /// Writes the value; false, and nothing is written, if there is none. Fails where the text would become too long.
    fn write(&self, scope: &dyn Scope, output: &mut Bounded) -> Result<bool, fmt::Error> {
        match self {
            Expression::InputBody if scope.input().is_empty() => output.write_str("{}")?,
            Expression::InputBody => output.write_str(scope.input())?,
            Expression::InputJson(path) => {
                match scope.input_json().and_then(|json| path.find(json)) {
                    Some(found) => write!(output, "{found}")?,
                    None => output.write_str("\"\"")?,
                }
            }
            Expression::InputPath(path) => {
                match scope.input_json().and_then(|json| path.find(json)) {
                    None | Some(Found::One(Value::Null)) => return Ok(false),
                    Some(Found::One(value)) => write_java(value, output)?,
                    Some(found) => write!(output, "{found}")?,
                }
            }
            // GUESS: a context member or stage variable that is not there is the empty text.
            Expression::Context(name) => {
                output.write_str(&scope.context(name).unwrap_or_default())?;
            }
            Expression::StageVariable(name) => {
                output.write_str(scope.stage_variable(name).unwrap_or_default())?;
            }
            Expression::EscapeJavaScript(inner) => {
                let mut text = Bounded::new(output.left());
                if !inner.write(scope, &mut text)? {
                    return Ok(false);
                }
                escape_javascript(text.as_str(), output)?;
            }
        }
        Ok(true)
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
    let Some((expression, length)) = expression(&rest[start..], 0)? else {
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

/// The expression at the start of `text`, within `depth` calls, and its length.
fn expression(text: &str, depth: usize) -> Result<Option<(Expression, usize)>, BadTemplate> {
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
        if depth == NESTING {
            return Err(BadTemplate::TooDeep);
        }
        let (argument, length) = expression(inner, depth + 1)?.ok_or_else(unsupported)?;
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

/// Writes a value as Java prints it, which is what `$input.path` gives: `{a=1, b=[{"c":5}]}`.
fn write_java(value: &Value, output: &mut Bounded) -> fmt::Result {
    match value {
        Value::Object(members) => {
            output.write_char('{')?;
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    output.write_str(", ")?;
                }
                write!(output, "{name}=")?;
                write_java(value, output)?;
            }
            output.write_char('}')
        }
        Value::Array(_) | Value::Null => write!(output, "{value}"),
        _ => selection::write_value(value, output),
    }
}

/// GUESS: quotes, backslash, slash and control characters are escaped, other characters are left.
fn escape_javascript(text: &str, output: &mut Bounded) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' | '/' => {
                output.write_char('\\')?;
                output.write_char(character)?;
            }
            '\n' => output.write_str("\\n")?,
            '\r' => output.write_str("\\r")?,
            '\t' => output.write_str("\\t")?,
            _ if character.is_control() => write!(output, "\\u{:04X}", u32::from(character))?,
            _ => output.write_char(character)?,
        }
    }
    Ok(())
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

    #[test]
    fn calls_within_calls_are_few() {
        let nested = |depth| {
            let (before, after) = ("$util.escapeJavaScript(".repeat(depth), ")".repeat(depth));
            Template::parse(&format!("{before}$input.body{after}"))
        };
        assert!(nested(NESTING).is_ok());
        for depth in [NESTING + 1, 200_000] {
            assert_eq!(nested(depth), Err(BadTemplate::TooDeep));
        }
    }

    #[test]
    fn what_would_become_too_long_is_not_made() {
        let sample = Sample::new(&format!("[[[[{}]]]]", json!("'".repeat(120_000))));
        for template in [
            "$util.escapeJavaScript($util.escapeJavaScript($util.escapeJavaScript($util.escapeJavaScript(\
             $input.path('$[0][0][0][0]')))))",
            "$input.json('$..*')$input.json('$..*')$input.json('$..*')",
            "$input.path('$..*')$input.path('$..*')$input.path('$..*')",
            "$input.body$input.body$input.body$input.body$input.body$input.body$input.body$input.body$input.body",
        ] {
            let rendered = Template::parse(template).unwrap().render(&sample);
            assert_eq!(rendered, Err(BadTemplate::TooLong), "{template}");
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
