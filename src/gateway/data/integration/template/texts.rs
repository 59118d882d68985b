//! Methods of texts. Positions count as Java counts them, in units of UTF-16.
//!
//! Patterns are those of the `regex` crate, which takes time in proportion to the text: what only a backtracking engine
//! could match, such as look-around and references back, is an error and never a hang. To find all matches can still
//! take the square of it, where each match looks at all that follows; so a match of a pattern that can is counted as
//! that work.

use std::{fmt::Write, iter::Peekable, str::Chars, sync::Arc};

use regex::{Captures, RegexBuilder};

use super::{
    BadTemplate,
    collections::{checked_index, span},
    machine::{CompiledPattern, Machine, draft, write},
    value::Value,
};
use crate::gateway::data::message::bounded::Bounded;

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 256 * 1024;
/// Work that making a pattern counts for.
const PATTERN_STEPS: usize = 5000;
/// Patterns that are kept compiled.
const PATTERNS: usize = 64;
/// Bytes that a match can look at for one step of work.
const BYTES_A_STEP: usize = 128;

pub(super) fn of_text(
    machine: &mut Machine<'_>,
    text: &Arc<str>,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    machine.work(text.len() / 16)?;
    match (name, arguments) {
        ("length", []) => Ok(Value::count(text.encode_utf16().count())),
        ("isEmpty", []) => Ok(Value::Bool(text.is_empty())),
        ("trim", []) => machine.make_text(text.trim_matches(|letter| letter <= ' ')),
        ("toLowerCase", []) => machine.make_text(&text.to_lowercase()),
        ("toUpperCase", []) => machine.make_text(&text.to_uppercase()),
        ("charAt", [Value::Int(index)]) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let at = checked_index(*index, units.len())?;
            machine.make_text(&String::from_utf16_lossy(&units[at..=at]))
        }
        ("substring", [Value::Int(from)]) => substring(machine, text, *from, None),
        ("substring", [Value::Int(from), Value::Int(to)]) => {
            substring(machine, text, *from, Some(*to))
        }
        (_, [Value::Text(other)]) => with_text(machine, text, name, other),
        (_, [Value::Text(one), Value::Text(other)]) => with_texts(machine, text, name, one, other),
        ("split", [Value::Text(pattern), Value::Int(most)]) => {
            split(machine, text, pattern, usize::try_from(*most).unwrap_or(0))
        }
        _ => Ok(Value::Null),
    }
}

fn substring(
    machine: &mut Machine<'_>,
    text: &str,
    from: i128,
    to: Option<i128>,
) -> Result<Value, BadTemplate> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let to = to.unwrap_or(i128::try_from(units.len()).unwrap_or(i128::MAX));
    let (from, to) = span(from, to, units.len())?;
    machine.make_text(&String::from_utf16_lossy(&units[from..to]))
}

fn with_text(
    machine: &mut Machine<'_>,
    text: &str,
    name: &str,
    other: &str,
) -> Result<Value, BadTemplate> {
    let units_before = |at: Option<usize>| match at {
        Some(at) => Value::count(text[..at].encode_utf16().count()),
        None => Value::Int(-1),
    };
    Ok(match name {
        "contains" => Value::Bool(text.contains(other)),
        "startsWith" => Value::Bool(text.starts_with(other)),
        "endsWith" => Value::Bool(text.ends_with(other)),
        "indexOf" => units_before(text.find(other)),
        "lastIndexOf" => units_before(text.rfind(other)),
        "equalsIgnoreCase" => Value::Bool(text.to_lowercase() == other.to_lowercase()),
        "compareTo" => Value::Int(text.encode_utf16().cmp(other.encode_utf16()) as i128),
        "concat" => {
            let mut joined = draft();
            write(&mut joined, text)?;
            write(&mut joined, other)?;
            return machine.make_text(joined.as_str());
        }
        "matches" => {
            let pattern = pattern(machine, &format!("^(?:{other})$"))?;
            Value::Bool(pattern.regex.is_match(text))
        }
        "split" => return split(machine, text, other, 0),
        _ => Value::Null,
    })
}

fn with_texts(
    machine: &mut Machine<'_>,
    text: &str,
    name: &str,
    one: &str,
    other: &str,
) -> Result<Value, BadTemplate> {
    match name {
        "replace" => {
            let mut made = draft();
            let mut end = 0;
            for (at, _) in text.match_indices(one) {
                write(&mut made, &text[end..at])?;
                write(&mut made, other)?;
                end = at + one.len();
            }
            write(&mut made, &text[end..])?;
            machine.make_text(made.as_str())
        }
        "replaceAll" => replace(machine, text, one, other, usize::MAX),
        "replaceFirst" => replace(machine, text, one, other, 1),
        _ => Ok(Value::Null),
    }
}

/// Replaces the first matches of a pattern, at most so many.
fn replace(
    machine: &mut Machine<'_>,
    text: &str,
    wanted: &str,
    replacement: &str,
    most: usize,
) -> Result<Value, BadTemplate> {
    let pattern = pattern(machine, wanted)?;
    let mut made = draft();
    let mut end = 0;
    for found in pattern.regex.captures_iter(text).take(most) {
        let Some(whole) = found.get(0) else { continue };
        machine.work(replacement.len() / 16 + pattern.work(text.len() - whole.start()))?;
        write(&mut made, &text[end..whole.start()])?;
        expand(replacement, &found, &mut made)?;
        end = whole.end();
    }
    write(&mut made, &text[end..])?;
    machine.make_text(made.as_str())
}

/// Writes a replacement as Java's `Matcher` does: `$1` and `${name}` are groups, and a backslash takes the meaning of
/// what follows it.
fn expand(replacement: &str, found: &Captures<'_>, out: &mut Bounded) -> Result<(), BadTemplate> {
    let bad = || BadTemplate::Call(format!("the replacement `{}`", short(replacement)));
    let mut rest = replacement.chars().peekable();
    while let Some(character) = rest.next() {
        let literal = match character {
            '$' => {
                let group = group(&mut rest, found).ok_or_else(bad)?;
                write(out, group)?;
                continue;
            }
            '\\' => rest.next().ok_or_else(bad)?,
            plain => plain,
        };
        out.write_char(literal).map_err(|_| BadTemplate::TooLong)?;
    }
    Ok(())
}

/// Reads the name or the number of a group, after its dollar sign, and returns the group's text; none when it is
/// neither.
fn group<'f>(rest: &mut Peekable<Chars<'_>>, found: &Captures<'f>) -> Option<&'f str> {
    let group = if rest.next_if_eq(&'{').is_some() {
        let mut name = String::new();
        loop {
            match rest.next()? {
                '}' => break,
                letter => name.push(letter),
            }
        }
        found.name(&name)
    } else {
        found.get(group_number(rest, found.len())?)
    };
    Some(group.map_or("", |group| group.as_str()))
}

/// Reads the number of a group below `n_groups`: as many digits as name a group that there is.
fn group_number(rest: &mut Peekable<Chars<'_>>, n_groups: usize) -> Option<usize> {
    let mut number = rest.next()?.to_digit(10)? as usize;
    if number >= n_groups {
        return None;
    }
    while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
        let longer = number * 10 + digit as usize;
        if longer >= n_groups {
            break;
        }
        number = longer;
        rest.next();
    }
    Some(number)
}

/// Splits as Java does: a match of nothing at the beginning splits nothing off, and without a limit there are no empty
/// texts at the end.
fn split(
    machine: &mut Machine<'_>,
    text: &str,
    separator: &str,
    most: usize,
) -> Result<Value, BadTemplate> {
    let pattern = pattern(machine, separator)?;
    let mut parts = Vec::new();
    let mut end = 0;
    for found in pattern.regex.find_iter(text) {
        machine.work(pattern.work(text.len() - found.start()))?;
        if most > 0 && parts.len() + 1 == most {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() == text.len()) {
            continue;
        }
        parts.push(&text[end..found.start()]);
        end = found.end();
    }
    parts.push(&text[end..]);
    if most == 0 {
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    let mut elements = Vec::with_capacity(parts.len());
    for part in parts {
        elements.push(machine.make_text(part)?);
    }
    machine.make_list(elements)
}

impl CompiledPattern {
    /// Returns the steps that a match with so much text behind its beginning counts for.
    fn work(&self, behind: usize) -> usize {
        if self.looks_far {
            1 + behind / BYTES_A_STEP
        } else {
            1
        }
    }
}

fn pattern(machine: &mut Machine<'_>, pattern: &str) -> Result<CompiledPattern, BadTemplate> {
    if let Some(known) = machine.regexes.get(pattern) {
        return Ok(known.clone());
    }
    machine.work(PATTERN_STEPS)?;
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .nest_limit(64)
        .build()
        .map_err(|_| BadTemplate::Call(format!("the pattern `{}`", short(pattern))))?;
    let made = CompiledPattern {
        regex,
        looks_far: pattern.contains(['*', '+', '{']),
    };
    if machine.regexes.len() < PATTERNS {
        machine.regexes.insert(pattern.into(), made.clone());
    }
    Ok(made)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
