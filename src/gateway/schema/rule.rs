//! The rules of one schema.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::{
    format::{self, Format},
    number::{self, Decimal},
    pattern::{self, Pattern},
};

/// A rule that a value is held to.
#[derive(Debug)]
pub(super) enum Rule {
    Reference(usize),
    Type(Types),
    Enum(Vec<Value>),
    MultipleOf(Decimal),
    Maximum { limit: Number, is_exclusive: bool },
    Minimum { limit: Number, is_exclusive: bool },
    MaxLength(u64),
    MinLength(u64),
    MaxItems(u64),
    MinItems(u64),
    MaxProperties(u64),
    MinProperties(u64),
    Required(Vec<String>),
    Format(Format),
    Pattern(Pattern),
    Items(usize),
    Tuple(Vec<usize>, Rest),
    Members(Members),
    UniqueItems,
    Dependencies(Vec<(String, Need)>),
    AllOf(Vec<usize>),
    AnyOf(Vec<usize>),
    OneOf(Vec<usize>),
    Not(usize),
}

/// The rule for elements or members that the schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Free,
    Forbidden,
    Held(usize),
}

/// `properties`, `patternProperties` and `additionalProperties`, which go together.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) named: HashMap<String, usize>,
    pub(super) patterns: Vec<(Pattern, usize)>,
    pub(super) rest: Rest,
}

/// The need that the presence of a member brings: other members, or a schema for the whole object.
#[derive(Debug)]
pub(super) enum Need {
    Names(Vec<String>),
    Schema(usize),
}

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    /// Returns the type of this name.
    pub(super) fn named(name: &Value) -> Option<Self> {
        let names = [
            "null", "boolean", "integer", "number", "string", "array", "object",
        ];
        let name = name.as_str()?;
        Some(match names.iter().position(|it| *it == name)? {
            // An integer is a number.
            3 => Self(0b1100),
            idx => Self(1 << idx),
        })
    }

    /// Returns the types that a schema lists.
    fn listed(value: &Value) -> Self {
        let names = match value {
            Value::Array(names) => &names[..],
            name => std::slice::from_ref(name),
        };
        let types = names.iter().filter_map(Self::named);
        types.fold(Self(0), |all, it| Self(all.0 | it.0))
    }

    /// True when a value is of one of these types.
    pub(super) fn have(self, value: &Value) -> bool {
        let bit = match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Number(number) if number::is_integer(number) => 2,
            Value::Number(_) => 3,
            Value::String(_) => 4,
            Value::Array(_) => 5,
            Value::Object(_) => 6,
        };
        self.0 & 1 << bit != 0
    }
}

impl Rule {
    /// Returns the keyword that asks for it.
    pub(super) fn keyword(&self) -> &'static str {
        match self {
            Self::Reference(_) => "$ref",
            Self::Type(_) => "type",
            Self::Enum(_) => "enum",
            Self::MultipleOf(_) => "multipleOf",
            Self::Maximum {
                is_exclusive: true, ..
            } => "exclusiveMaximum",
            Self::Maximum { .. } => "maximum",
            Self::Minimum {
                is_exclusive: true, ..
            } => "exclusiveMinimum",
            Self::Minimum { .. } => "minimum",
            Self::MaxLength(_) => "maxLength",
            Self::MinLength(_) => "minLength",
            Self::MaxItems(_) => "maxItems",
            Self::MinItems(_) => "minItems",
            Self::MaxProperties(_) => "maxProperties",
            Self::MinProperties(_) => "minProperties",
            Self::Required(_) => "required",
            Self::Format(_) => "format",
            Self::Pattern(_) => "pattern",
            Self::Items(_) => "items",
            Self::Tuple(..) => "additionalItems",
            Self::Members(_) => "additionalProperties",
            Self::UniqueItems => "uniqueItems",
            Self::Dependencies(_) => "dependencies",
            Self::AllOf(_) => "allOf",
            Self::AnyOf(_) => "anyOf",
            Self::OneOf(_) => "oneOf",
            Self::Not(_) => "not",
        }
    }

    /// Returns the rank of a rule in the order of checks. Rules that are told from the value itself come before rules
    /// that look into it, so that one of many alternatives is seldom followed far into a long message.
    fn rank(&self) -> u8 {
        match self {
            Self::Format(_) | Self::Pattern(_) => 1,
            Self::Items(_) | Self::Tuple(..) | Self::Members(_) | Self::UniqueItems => 2,
            Self::Dependencies(_)
            | Self::AllOf(_)
            | Self::AnyOf(_)
            | Self::OneOf(_)
            | Self::Not(_) => 3,
            _ => 0,
        }
    }
}

/// Gives the number of a node by its schema.
type NumberOf<'f> = &'f dyn Fn(&Value) -> Option<usize>;

/// Returns the rules of a schema whose form has been looked at.
///
/// # Errors
///
/// Fails with the keyword whose pattern is none, or too large.
pub(super) fn rules(
    members: &Map<String, Value>,
    number_of: NumberOf<'_>,
    pattern_bytes: usize,
) -> Result<Vec<Rule>, &'static str> {
    let mut rules: Vec<Rule> = members
        .iter()
        .filter_map(|(keyword, value)| {
            simple_rule(members, keyword, value)
                .or_else(|| rule_of_parts(members, keyword, number_of))
        })
        .collect();
    if let Some(text) = members.get("pattern").and_then(Value::as_str) {
        let pattern = Pattern::new(text, pattern_bytes);
        rules.push(Rule::Pattern(pattern.map_err(|_| "pattern")?));
    }
    let held = rule_of_members(members, number_of, pattern_bytes);
    rules.extend(held.map_err(|_| "patternProperties")?);
    rules.sort_by_key(Rule::rank);
    Ok(rules)
}

/// Returns the rule of a keyword that looks at the value alone.
fn simple_rule(members: &Map<String, Value>, keyword: &str, value: &Value) -> Option<Rule> {
    let count = || number::count(value.as_number()?);
    let is_exclusive = |keyword: &str| members.get(keyword) == Some(&Value::Bool(true));
    Some(match keyword {
        "type" => Rule::Type(Types::listed(value)),
        "enum" => Rule::Enum(value.as_array()?.clone()),
        "multipleOf" => Rule::MultipleOf(Decimal::of(value.as_number()?)),
        "maximum" => Rule::Maximum {
            limit: value.as_number()?.clone(),
            is_exclusive: is_exclusive("exclusiveMaximum"),
        },
        "minimum" => Rule::Minimum {
            limit: value.as_number()?.clone(),
            is_exclusive: is_exclusive("exclusiveMinimum"),
        },
        "maxLength" => Rule::MaxLength(count()?),
        "minLength" => Rule::MinLength(count()?),
        "maxItems" => Rule::MaxItems(count()?),
        "minItems" => Rule::MinItems(count()?),
        "maxProperties" => Rule::MaxProperties(count()?),
        "minProperties" => Rule::MinProperties(count()?),
        "required" => Rule::Required(names(value)?),
        "format" => Rule::Format(format::named(value.as_str()?)?),
        "uniqueItems" if value == &Value::Bool(true) => Rule::UniqueItems,
        _ => return None,
    })
}

/// Returns the rule of a keyword that holds the value, its elements or what comes with a member to schemas.
fn rule_of_parts(
    members: &Map<String, Value>,
    keyword: &str,
    number_of: NumberOf<'_>,
) -> Option<Rule> {
    let value = members.get(keyword)?;
    let list = || {
        value
            .as_array()?
            .iter()
            .map(number_of)
            .collect::<Option<Vec<_>>>()
    };
    Some(match keyword {
        "items" if value.is_array() => {
            Rule::Tuple(list()?, rest(members.get("additionalItems"), number_of))
        }
        "items" => Rule::Items(number_of(value)?),
        "dependencies" => {
            let needs = value.as_object()?.iter().map(|(name, need)| {
                let names = || names(need).map(Need::Names);
                let schema = || number_of(need).map(Need::Schema);
                Some((name.clone(), names().or_else(schema)?))
            });
            Rule::Dependencies(needs.collect::<Option<_>>()?)
        }
        "allOf" => Rule::AllOf(list()?),
        "anyOf" => Rule::AnyOf(list()?),
        "oneOf" => Rule::OneOf(list()?),
        "not" => Rule::Not(number_of(value)?),
        _ => return None,
    })
}

/// Returns the rule of the members, if there is any.
fn rule_of_members(
    members: &Map<String, Value>,
    number_of: NumberOf<'_>,
    pattern_bytes: usize,
) -> Result<Option<Rule>, pattern::Flaw> {
    let schemas = |keyword: &str| {
        let by_name = members.get(keyword).and_then(Value::as_object);
        let schemas = by_name.into_iter().flatten();
        schemas.filter_map(|(name, schema)| Some((name, number_of(schema)?)))
    };
    let named = schemas("properties").map(|(name, idx)| (name.clone(), idx));
    let patterns = schemas("patternProperties")
        .map(|(text, idx)| Ok((Pattern::new(text, pattern_bytes)?, idx)));
    let held = Members {
        named: named.collect(),
        patterns: patterns.collect::<Result<_, _>>()?,
        rest: rest(members.get("additionalProperties"), number_of),
    };
    let is_free = held.named.is_empty() && held.patterns.is_empty() && held.rest == Rest::Free;
    Ok((!is_free).then_some(Rule::Members(held)))
}

fn rest(value: Option<&Value>, number_of: NumberOf<'_>) -> Rest {
    match value {
        None | Some(Value::Bool(true)) => Rest::Free,
        Some(Value::Bool(false)) => Rest::Forbidden,
        Some(schema) => number_of(schema).map_or(Rest::Free, Rest::Held),
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    let names = value.as_array()?.iter();
    names.map(|name| name.as_str().map(str::to_owned)).collect()
}
