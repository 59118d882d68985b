//! Functions of Java's library that a template sees: encodings, escapes, numbers and their methods.

use std::fmt::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{BadTemplate, operator, value::Value};
use crate::gateway::data::message::bounded::Bounded;

/// The characters that `URLEncoder` encodes: all but letters, digits, `.`, `-`, `*`, `_` and the blank, which becomes a
/// plus sign.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'*')
    .remove(b'_')
    .remove(b' ');

pub(super) fn url_encode(text: &str, out: &mut Bounded) -> fmt::Result {
    for part in utf8_percent_encode(text, ENCODED) {
        out.write_str(&part.replace(' ', "+"))?;
    }
    Ok(())
}

pub(super) fn url_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// GUESS: quotes, backslash, slash and control characters are escaped, other characters are left.
pub(super) fn escape_javascript(text: &str, out: &mut Bounded) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' | '/' => {
                out.write_char('\\')?;
                out.write_char(character)?;
            }
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            _ if character.is_control() => write!(out, "\\u{:04X}", u32::from(character))?,
            _ => out.write_char(character)?,
        }
    }
    Ok(())
}

/// Returns the property that a getter gives: `getCount` gives `count`, `isFirst` gives `first`.
pub(super) fn property_of_getter(name: &str) -> String {
    let bare = name.strip_prefix("get").or_else(|| name.strip_prefix("is"));
    let Some(bare) = bare else {
        return name.to_owned();
    };
    let mut letters = bare.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

/// Methods of numbers and truth values. `parseInt` is there because any whole number leads to Java's `Integer`, which
/// is how templates make a number of a text.
pub(super) fn of_scalar(
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    Ok(match (value, name, arguments) {
        (Value::Int(_), "parseInt" | "valueOf" | "parseLong", [Value::Text(text)]) => {
            Value::Int(text.parse().map_err(|_| no_number(text))?)
        }
        (Value::Float(_), "parseDouble" | "valueOf" | "parseFloat", [Value::Text(text)]) => {
            Value::Float(text.trim().parse().map_err(|_| no_number(text))?)
        }
        (Value::Bool(_), "parseBoolean" | "valueOf", [Value::Text(text)]) => {
            Value::Bool(text.eq_ignore_ascii_case("true"))
        }
        (Value::Bool(_), "booleanValue", []) => value.clone(),
        (_, "intValue" | "longValue", []) => whole(value),
        (_, "doubleValue" | "floatValue", []) => {
            operator::float(value).map_or(Value::Null, Value::Float)
        }
        (_, "compareTo", [other]) => match operator::compare(value, other) {
            Some(order) => Value::Int(order as i128),
            None => Value::Null,
        },
        _ => Value::Null,
    })
}

/// Returns the error for a text that is no number, where Java throws.
fn no_number(text: &str) -> BadTemplate {
    let shown: String = text.chars().take(40).collect();
    BadTemplate::Call(format!("the number `{shown}`"))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "Java cuts off what is behind the point, and so does a cast, which stops at the ends of what fits"
)]
fn whole(value: &Value) -> Value {
    match value {
        Value::Int(_) => value.clone(),
        Value::Float(number) => Value::Int(*number as i128),
        _ => Value::Null,
    }
}
