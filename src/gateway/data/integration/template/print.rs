//! Writes values as Java prints them: `{a=1, b=[x, y]}`. A list that came from JSON is written as JSON, with all that
//! it holds, for the class that API Gateway keeps it in prints itself so.

use std::fmt::Write;

use super::{
    BadTemplate,
    value::{Heap, ListId, MapId, Value},
};
use crate::gateway::data::message::bounded::Bounded;

/// Values within values that are written; more of them hold themselves.
const DEPTH: usize = 200;

/// Writes values of a heap to a text that may grow only so far.
pub(super) struct Printer<'a> {
    pub(super) heap: &'a Heap,
    pub(super) out: &'a mut Bounded,
}

impl Printer<'_> {
    /// Writes a value as Java's `toString` gives it.
    pub(super) fn java(&mut self, value: &Value, depth: usize) -> Result<(), BadTemplate> {
        match value {
            Value::Null => self.text("null"),
            // What is no data prints a name on AWS that means nothing. The stage's variables come as a map.
            Value::Absent
            | Value::Input
            | Value::Util
            | Value::StageVariables
            | Value::Context(_)
            | Value::Loop(_) => Ok(()),
            Value::Bool(truth) => self.text(if *truth { "true" } else { "false" }),
            Value::Int(number) => self.write(format_args!("{number}")),
            Value::Float(number) => self.text(&java_float(*number)),
            Value::Text(text) => self.text(text),
            Value::List(id) if self.heap.list(*id).is_json => self.json(value, depth),
            Value::List(id) => self.java_list(*id, depth),
            Value::Map(id) => self.java_map(*id, depth),
            Value::Entry(id) => {
                let deeper = down(depth)?;
                self.java(&self.heap.element(*id, 0), deeper)?;
                self.text("=")?;
                self.java(&self.heap.element(*id, 1), deeper)
            }
        }
    }

    fn java_list(&mut self, id: ListId, depth: usize) -> Result<(), BadTemplate> {
        let deeper = down(depth)?;
        let heap = self.heap;
        self.text("[")?;
        for (index, element) in heap.list(id).elements.iter().enumerate() {
            self.text(if index == 0 { "" } else { ", " })?;
            self.java(element, deeper)?;
        }
        self.text("]")
    }

    fn java_map(&mut self, id: MapId, depth: usize) -> Result<(), BadTemplate> {
        let deeper = down(depth)?;
        let heap = self.heap;
        self.text("{")?;
        for (index, (name, value)) in heap.map(id).members().iter().enumerate() {
            self.text(if index == 0 { "" } else { ", " })?;
            self.text(name)?;
            self.text("=")?;
            self.java(value, deeper)?;
        }
        self.text("}")
    }

    /// Writes a value as JSON.
    pub(super) fn json(&mut self, value: &Value, depth: usize) -> Result<(), BadTemplate> {
        let heap = self.heap;
        match value {
            Value::List(id) | Value::Entry(id) => {
                let deeper = down(depth)?;
                self.text("[")?;
                for (index, element) in heap.list(*id).elements.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," })?;
                    self.json(element, deeper)?;
                }
                self.text("]")
            }
            Value::Map(id) => {
                let deeper = down(depth)?;
                self.text("{")?;
                for (index, (name, value)) in heap.map(*id).members().iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," })?;
                    self.json_text(name)?;
                    self.text(":")?;
                    self.json(value, deeper)?;
                }
                self.text("}")
            }
            Value::Text(text) => self.json_text(text),
            Value::Bool(_) | Value::Int(_) => self.java(value, depth),
            Value::Float(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => self.write(format_args!("{number}")),
                None => self.text("null"),
            },
            _ => self.text("null"),
        }
    }

    fn json_text(&mut self, text: &str) -> Result<(), BadTemplate> {
        let quoted = serde_json::to_string(text).map_err(|_| BadTemplate::TooLong)?;
        self.text(&quoted)
    }

    fn text(&mut self, text: &str) -> Result<(), BadTemplate> {
        self.out.write_str(text).map_err(|_| BadTemplate::TooLong)
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) -> Result<(), BadTemplate> {
        self.out
            .write_fmt(arguments)
            .map_err(|_| BadTemplate::TooLong)
    }
}

fn down(depth: usize) -> Result<usize, BadTemplate> {
    if depth == DEPTH {
        return Err(BadTemplate::TooDeep);
    }
    Ok(depth + 1)
}

/// Returns a number as Java's `Double.toString` gives it: `1.0`, `1.0E7`.
fn java_float(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&magnitude) || !number.is_finite() {
        return format!("{number:?}").replace("inf", "Infinity");
    }
    let scientific = format!("{number:E}");
    match scientific.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_java_writes_them() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-2.5, "-2.5"),
            (0.001, "0.001"),
            (0.000_15, "1.5E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.234_567_89e7, "1.23456789E7"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(java_float(number), text);
        }
    }
}
