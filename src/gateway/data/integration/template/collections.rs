//! Methods of lists and maps. A method that throws in Java ends the template; a method without a result is written as
//! nothing.

use std::sync::Arc;

use super::{
    BadTemplate,
    machine::Machine,
    operator,
    value::{ListId, MapId, Value},
};

/// Returns the value of a method without a result.
fn nothing() -> Value {
    Value::text("")
}

pub(super) fn of_list(
    machine: &mut Machine<'_>,
    list: ListId,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    let length = machine.heap.list(list).elements.len();
    match (name, arguments) {
        ("size", []) => Ok(Value::count(length)),
        ("isEmpty", []) => Ok(Value::Bool(length == 0)),
        ("get", [Value::Int(index)]) => {
            let at = checked_index(*index, length)?;
            Ok(machine.heap.element(list, at))
        }
        ("contains", [wanted]) => {
            let found = position(machine, list, wanted)?;
            Ok(Value::Bool(found.is_some()))
        }
        ("containsAll", [Value::List(wanted)]) => contains_all(machine, list, *wanted),
        ("indexOf", [wanted]) => {
            let found = position(machine, list, wanted)?;
            Ok(found.map_or(Value::Int(-1), Value::count))
        }
        ("subList", [Value::Int(from), Value::Int(to)]) => {
            let (from, to) = span(*from, *to, length)?;
            let part = machine.heap.list(list).elements[from..to].to_vec();
            let is_json = machine.heap.list(list).is_json;
            Ok(Value::List(machine.add_list(part, is_json)?))
        }
        _ => change_list(machine, list, name, arguments),
    }
}

fn contains_all(
    machine: &mut Machine<'_>,
    list: ListId,
    wanted: ListId,
) -> Result<Value, BadTemplate> {
    for wanted in machine.heap.list(wanted).elements.clone() {
        if position(machine, list, &wanted)?.is_none() {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn change_list(
    machine: &mut Machine<'_>,
    list: ListId,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    let length = machine.heap.list(list).elements.len();
    match (name, arguments) {
        ("add", [value]) => {
            machine.push(list, value.clone())?;
            Ok(Value::Bool(true))
        }
        ("add", [Value::Int(index), value]) => insert(machine, list, *index, value),
        ("addAll", [Value::List(more)]) => {
            for value in machine.heap.list(*more).elements.clone() {
                machine.work(1)?;
                machine.push(list, value)?;
            }
            let longer = machine.heap.list(list).elements.len() > length;
            Ok(Value::Bool(longer))
        }
        ("set", [Value::Int(index), value]) => {
            let at = checked_index(*index, length)?;
            let element = &mut machine.heap.list_mut(list).elements[at];
            Ok(std::mem::replace(element, value.clone()))
        }
        ("remove", [Value::Int(index)]) => {
            let at = checked_index(*index, length)?;
            remove(machine, list, at)
        }
        ("remove", [value]) => {
            let found = position(machine, list, value)?;
            if let Some(at) = found {
                remove(machine, list, at)?;
            }
            Ok(Value::Bool(found.is_some()))
        }
        ("clear", []) => {
            machine.heap.list_mut(list).elements.clear();
            Ok(nothing())
        }
        _ => Ok(Value::Null),
    }
}

fn insert(
    machine: &mut Machine<'_>,
    list: ListId,
    index: i128,
    value: &Value,
) -> Result<Value, BadTemplate> {
    let length = machine.heap.list(list).elements.len();
    let at = checked_index(index, length + 1)?;
    machine.work(length - at)?;
    machine.keep(2 * size_of::<Value>())?;
    let elements = &mut machine.heap.list_mut(list).elements;
    elements.insert(at, value.clone());
    Ok(nothing())
}

fn remove(machine: &mut Machine<'_>, list: ListId, at: usize) -> Result<Value, BadTemplate> {
    let length = machine.heap.list(list).elements.len();
    machine.work(length - at)?;
    Ok(machine.heap.list_mut(list).elements.remove(at))
}

fn position(
    machine: &mut Machine<'_>,
    list: ListId,
    wanted: &Value,
) -> Result<Option<usize>, BadTemplate> {
    for index in 0..machine.heap.list(list).elements.len() {
        let element = machine.heap.element(list, index);
        if operator::same(machine, &element, wanted, 0)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Returns an index below `length`, or what Java throws.
pub(super) fn checked_index(index: i128, length: usize) -> Result<usize, BadTemplate> {
    usize::try_from(index)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| BadTemplate::Call(format!("index {index} out of bounds")))
}

/// Returns the bounds of a part, `to` not included, or what Java throws.
pub(super) fn span(from: i128, to: i128, length: usize) -> Result<(usize, usize), BadTemplate> {
    let to = checked_index(to, length + 1)?;
    Ok((checked_index(from, to + 1)?, to))
}

pub(super) fn of_map(
    machine: &mut Machine<'_>,
    map: MapId,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    let length = machine.heap.map(map).members().len();
    match (name, arguments) {
        ("size", []) => Ok(Value::count(length)),
        ("isEmpty", []) => Ok(Value::Bool(length == 0)),
        ("get", [key]) => get(machine, map, key),
        ("getOrDefault", [key, default]) => {
            let found = get(machine, map, key)?;
            Ok(if found == Value::Null {
                default.clone()
            } else {
                found
            })
        }
        ("containsKey", [key]) => {
            let key = machine.text_of(key)?;
            Ok(Value::Bool(machine.heap.map(map).get(&key).is_some()))
        }
        ("containsValue", [wanted]) => contains_value(machine, map, wanted),
        ("keySet", []) => {
            machine.work(length)?;
            let members = machine.heap.map(map).members();
            let names = members
                .iter()
                .map(|(name, _)| Value::Text(Arc::clone(name)));
            let names = names.collect();
            machine.make_list(names)
        }
        ("values", []) => {
            machine.work(length)?;
            let members = machine.heap.map(map).members();
            let values = members.iter().map(|(_, value)| value.clone()).collect();
            machine.make_list(values)
        }
        ("entrySet", []) => entries(machine, map),
        _ => change_map(machine, map, name, arguments),
    }
}

fn contains_value(
    machine: &mut Machine<'_>,
    map: MapId,
    wanted: &Value,
) -> Result<Value, BadTemplate> {
    for index in 0..machine.heap.map(map).members().len() {
        let (_, value) = machine.heap.map(map).members()[index].clone();
        if operator::same(machine, &value, wanted, 0)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn entries(machine: &mut Machine<'_>, map: MapId) -> Result<Value, BadTemplate> {
    let mut entries = Vec::new();
    for (name, value) in machine.heap.map(map).members().to_vec() {
        machine.work(1)?;
        let entry = machine.add_list(vec![Value::Text(name), value], false)?;
        entries.push(Value::Entry(entry));
    }
    machine.make_list(entries)
}

fn change_map(
    machine: &mut Machine<'_>,
    map: MapId,
    name: &str,
    arguments: &[Value],
) -> Result<Value, BadTemplate> {
    match (name, arguments) {
        ("put", [key, value]) => {
            let key = machine.text_of(key)?;
            machine.put(map, &key, value.clone())
        }
        ("putIfAbsent", [key, value]) => {
            let found = get(machine, map, key)?;
            if found == Value::Null {
                let key = machine.text_of(key)?;
                machine.put(map, &key, value.clone())?;
            }
            Ok(found)
        }
        ("putAll", [Value::Map(more)]) => {
            for (key, value) in machine.heap.map(*more).members().to_vec() {
                machine.work(1)?;
                machine.put(map, &key, value)?;
            }
            Ok(nothing())
        }
        ("remove", [key]) => {
            let key = machine.text_of(key)?;
            let length = machine.heap.map(map).members().len();
            machine.work(length)?;
            let removed = machine.heap.map_mut(map).remove(&key);
            Ok(removed.unwrap_or(Value::Null))
        }
        ("clear", []) => {
            machine.heap.map_mut(map).clear();
            Ok(nothing())
        }
        _ => Ok(Value::Null),
    }
}

fn get(machine: &mut Machine<'_>, map: MapId, key: &Value) -> Result<Value, BadTemplate> {
    let key = machine.text_of(key)?;
    let found = machine.heap.map(map).get(&key).cloned();
    Ok(found.unwrap_or(Value::Null))
}
