//! Arithmetic and comparison, as Velocity does them: whole numbers stay whole, a text on either side of `+` joins, and
//! what cannot be computed is null.

use std::cmp::Ordering;

use super::{
    BadTemplate,
    machine::{Machine, draft, write},
    tree::Operator,
    value::{ListId, MapId, Value},
};

/// Applies an operator other than `&&` and `||`.
pub(super) fn apply(
    machine: &mut Machine<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value, BadTemplate> {
    let compared = |wanted: fn(Ordering) -> bool| {
        let order = compare(left, right);
        Ok(Value::Bool(order.is_some_and(wanted)))
    };
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(machine, left, right)?)),
        Operator::NotEqual => Ok(Value::Bool(!equal(machine, left, right)?)),
        Operator::Less => compared(Ordering::is_lt),
        Operator::Greater => compared(Ordering::is_gt),
        Operator::LessOrEqual => compared(Ordering::is_le),
        Operator::GreaterOrEqual => compared(Ordering::is_ge),
        Operator::Add if is_text(left) || is_text(right) => join(machine, left, right),
        Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Modulo
        | Operator::And
        | Operator::Or => compute(operator, left, right),
    }
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_))
}

fn join(machine: &mut Machine<'_>, left: &Value, right: &Value) -> Result<Value, BadTemplate> {
    let mut joined = draft();
    for side in [left, right] {
        let text = machine.text_of(side)?;
        write(&mut joined, &text)?;
    }
    machine.make_text(joined.as_str())
}

fn compute(operator: Operator, left: &Value, right: &Value) -> Result<Value, BadTemplate> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        if *right == 0 && matches!(operator, Operator::Divide | Operator::Modulo) {
            return Ok(Value::Null);
        }
        let computed = match operator {
            Operator::Add => left.checked_add(*right),
            Operator::Subtract => left.checked_sub(*right),
            Operator::Multiply => left.checked_mul(*right),
            Operator::Divide => left.checked_div(*right),
            _ => left.checked_rem(*right),
        };
        return computed.map(Value::Int).ok_or(BadTemplate::Number);
    }
    let (Some(left), Some(right)) = (float(left), float(right)) else {
        return Ok(Value::Null);
    };
    if right == 0.0 && matches!(operator, Operator::Divide | Operator::Modulo) {
        return Ok(Value::Null);
    }
    Ok(Value::Float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        _ => left % right,
    }))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a whole number becomes a float as in Java, which loses the digits that a float has no room for"
)]
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Returns the order of two numbers; other values have none.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        _ => float(left)?.partial_cmp(&float(right)?),
    }
}

/// Compares as `==` does: numbers by what they are worth, values of one kind by `equals`, the rest by their texts.
pub(super) fn equal(
    machine: &mut Machine<'_>,
    left: &Value,
    right: &Value,
) -> Result<bool, BadTemplate> {
    let is_nothing = |value: &Value| match value {
        Value::Text(text) => text.is_empty(),
        value => value.is_null(),
    };
    if *left == Value::Absent || *right == Value::Absent {
        return Ok(is_nothing(left) && is_nothing(right));
    }
    if left.is_null() || right.is_null() {
        return Ok(left.is_null() && right.is_null());
    }
    if let Some(order) = compare(left, right) {
        return Ok(order.is_eq());
    }
    if std::mem::discriminant(left) == std::mem::discriminant(right) {
        return same(machine, left, right, 0);
    }
    Ok(machine.text_of(left)? == machine.text_of(right)?)
}

/// Compares as Java's `equals` does: lists and maps by what they hold, the rest by kind and worth.
pub(super) fn same(
    machine: &mut Machine<'_>,
    left: &Value,
    right: &Value,
    depth: usize,
) -> Result<bool, BadTemplate> {
    /// Values within values that are compared; more of them hold themselves.
    const DEPTH: usize = 200;
    machine.work(1)?;
    if depth == DEPTH {
        return Err(BadTemplate::TooDeep);
    }
    match (left, right) {
        (Value::List(one), Value::List(other)) | (Value::Entry(one), Value::Entry(other)) => {
            same_lists(machine, *one, *other, depth + 1)
        }
        (Value::Map(one), Value::Map(other)) => same_maps(machine, *one, *other, depth + 1),
        (Value::Text(one), Value::Text(other)) => {
            machine.work(one.len().min(other.len()) / 16)?;
            Ok(one == other)
        }
        _ => Ok(left == right),
    }
}

fn same_lists(
    machine: &mut Machine<'_>,
    one: ListId,
    other: ListId,
    depth: usize,
) -> Result<bool, BadTemplate> {
    let length = machine.heap.list(one).elements.len();
    if one == other || machine.heap.list(other).elements.len() != length {
        return Ok(one == other);
    }
    for index in 0..length {
        let one = machine.heap.element(one, index);
        let other = machine.heap.element(other, index);
        if !same(machine, &one, &other, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_maps(
    machine: &mut Machine<'_>,
    one: MapId,
    other: MapId,
    depth: usize,
) -> Result<bool, BadTemplate> {
    let length = machine.heap.map(one).members().len();
    if one == other || machine.heap.map(other).members().len() != length {
        return Ok(one == other);
    }
    for index in 0..length {
        let (name, value) = machine.heap.map(one).members()[index].clone();
        let Some(counterpart) = machine.heap.map(other).get(&name).cloned() else {
            return Ok(false);
        };
        if !same(machine, &value, &counterpart, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}
