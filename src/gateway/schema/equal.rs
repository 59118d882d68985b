//! Equality of values: numbers by what they are worth, members in any order.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use serde_json::{Map, Value};

use super::{
    budget::{Budget, Spent},
    number::{self, Worth},
};

/// Bytes of a text that are looked at in one step.
pub(super) const STEP_BYTES: usize = 32;
/// Steps that it takes to tell a value from others, and to remember it.
const HASH_STEPS: usize = 12;

/// True when two values are the same. The reader of the values has bounded their depth.
pub(super) fn same(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, Spent> {
    budget.spend(1)?;
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(number::compare(left, right).is_eq()),
        (Value::String(left), Value::String(right)) if left.len() == right.len() => {
            budget.spend(left.len() / STEP_BYTES)?;
            Ok(left == right)
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right) {
                if !same(left, right, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Object(left), Value::Object(right)) if left.len() == right.len() => {
            same_members(left, right, budget)
        }
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        _ => Ok(false),
    }
}

fn same_members(
    left: &Map<String, Value>,
    right: &Map<String, Value>,
    budget: &mut Budget,
) -> Result<bool, Spent> {
    for (name, left) in left {
        budget.spend(1 + name.len() / STEP_BYTES)?;
        let Some(right) = right.get(name) else {
            return Ok(false);
        };
        if !same(left, right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// True when no two values of a list are the same, found without comparing each with each.
pub(super) fn are_unique(values: &[Value], budget: &mut Budget) -> Result<bool, Spent> {
    let keys = RandomState::new();
    let mut seen: HashMap<u64, Vec<&Value>> = HashMap::new();
    for value in values {
        let alike = seen.entry(hash(value, &keys, budget)?).or_default();
        for other in alike.iter() {
            if same(value, other, budget)? {
                return Ok(false);
            }
        }
        alike.push(value);
    }
    Ok(true)
}

/// Returns a number that is the same for values that are the same.
fn hash(value: &Value, keys: &RandomState, budget: &mut Budget) -> Result<u64, Spent> {
    budget.spend(HASH_STEPS)?;
    Ok(match value {
        Value::Null => keys.hash_one("null"),
        Value::Bool(flag) => keys.hash_one(flag),
        Value::Number(number) => keys.hash_one(Worth::of(number).key()),
        Value::String(text) => {
            budget.spend(text.len() / STEP_BYTES)?;
            keys.hash_one(text)
        }
        Value::Array(values) => {
            let mut all = keys.hash_one("array");
            for value in values {
                all = keys.hash_one((all, hash(value, keys, budget)?));
            }
            all
        }
        Value::Object(members) => {
            let mut all = keys.hash_one("object");
            for (name, value) in members {
                budget.spend(1 + name.len() / STEP_BYTES)?;
                let member = keys.hash_one((name, hash(value, keys, budget)?));
                // In any order: a sum is the same.
                all = all.wrapping_add(member);
            }
            all
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(values: &Value, expected: bool) {
        let mut budget = Budget::of_a_message();
        let values = values.as_array().unwrap();
        assert_eq!(are_unique(values, &mut budget), Ok(expected), "{values:?}");
        if let [left, right] = &values[..] {
            assert_eq!(same(left, right, &mut budget), Ok(!expected), "{values:?}");
        }
    }

    #[test]
    fn values_are_the_same_by_what_they_mean() {
        check(&json!([1, 1.0]), false);
        check(&json!([0.1, 1e-1]), false);
        check(&json!([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]), false);
        check(&json!(["a", "b", {}, "a"]), false);
        check(&json!([null, null]), false);
        check(&json!([1, true]), true);
        check(&json!([0, false]), true);
        check(&json!(["1", 1]), true);
        check(&json!([[1, 2], [2, 1]]), true);
        check(&json!([{"a": 1}, {"b": 1}]), true);
        check(&json!([{"a": {"b": 1}}, {"b": {"a": 1}}]), true);
        check(&json!([[], {}, "", null, false, 0]), true);
        check(&json!([]), true);
    }

    #[test]
    fn a_long_list_is_not_compared_pair_by_pair() {
        check(&Value::from((0..60_000).collect::<Vec<_>>()), true);
    }
}
