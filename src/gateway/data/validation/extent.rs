//! How far a schema reaches, before any message meets it.
//!
//! A validator walks a schema as the schema says: a short one can send it down the same path twice at every step, or down
//! a path that never ends. Here each place of a schema is looked at once, and what following it everywhere would cost is
//! added up: all the work, and the longest way that is gone without going deeper into the message.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::models::Library;

/// Places that the walk may see in one go; a schema without references has at most a few thousand.
const MOST_WORK: u32 = 10_000;
/// Places that one regular expression counts for, which is tried on a text as often as they are.
const PATTERN_WORK: u32 = 10;
/// Places on a way that stays at one place of the message.
const MOST_STEPS: u32 = 64;
/// Places on any way.
const MOST_DEPTH: u32 = 500;

/// What a message costs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Places of the schema that one value of a message meets, those of its parts included.
    pub(super) work: u32,
    /// Places that the deepest way passes without going deeper into the message.
    pub(super) steps: u32,
    /// Regular expressions in it.
    pub(super) patterns: usize,
    /// Whether it comes back to itself, further down in the message.
    pub(super) is_recursive: bool,
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unbounded {
    #[error("it refers to itself without going deeper into the message")]
    Endless,
    #[error("it is too large or too deep when its references are followed")]
    TooLarge,
    #[error("it refers to {0}, which is nowhere in it and no model of this deployment")]
    Unresolved(String),
    #[error("a place that it refers to has an id of its own")]
    Id,
}

/// Where a part of a schema applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// To the same value.
    Same,
    /// To a part of the value.
    Part,
}

/// The value of a keyword that holds schemas.
enum Form<'v> {
    One(&'v Value),
    Many(&'v Vec<Value>),
    ByName(&'v Map<String, Value>),
}

/// The schemas that stand under a keyword. SOURCE: JSON Schema, draft 4, validation.
fn form<'v>(keyword: &str, value: &'v Value) -> Option<(Scope, Form<'v>)> {
    let scope = match keyword {
        "allOf" | "anyOf" | "oneOf" | "not" | "dependencies" => Scope::Same,
        "properties"
        | "patternProperties"
        | "additionalProperties"
        | "items"
        | "additionalItems" => Scope::Part,
        _ => return None,
    };
    let form = match (keyword, value) {
        ("properties" | "patternProperties" | "dependencies", Value::Object(members)) => {
            Form::ByName(members)
        }
        ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(schemas)) => Form::Many(schemas),
        (_, Value::Object(_)) => Form::One(value),
        _ => return None,
    };
    Some((scope, form))
}

/// Takes away what would give a schema, or a part of it, another name or dialect than the model's.
pub(super) fn strip(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    for name in ["id", "$schema"] {
        if members.get(name).is_some_and(Value::is_string) {
            members.shift_remove(name);
        }
    }
    for (keyword, value) in members.iter_mut() {
        match keyword.as_str() {
            "properties" | "patternProperties" | "dependencies" | "definitions" => {
                let parts = value.as_object_mut();
                parts
                    .into_iter()
                    .flatten()
                    .for_each(|(_, part)| strip(part));
            }
            "allOf"
            | "anyOf"
            | "oneOf"
            | "not"
            | "items"
            | "additionalItems"
            | "additionalProperties" => match value {
                Value::Array(parts) => parts.iter_mut().for_each(strip),
                part => strip(part),
            },
            _ => {}
        }
    }
}

/// Regular expressions of one place.
fn patterns(schema: &Value) -> usize {
    let of_names = schema["patternProperties"].as_object().map_or(0, Map::len);
    usize::from(schema["pattern"].is_string()) + of_names
}

/// The extent of a model's schema.
pub(super) fn of(library: &Library, name: &str) -> Result<Extent, Unbounded> {
    let mut walk = Walk {
        library,
        work: HashMap::new(),
        steps: HashMap::new(),
        is_recursive: false,
        most_steps: 0,
        patterns: 0,
    };
    let root = library
        .schema(name)
        .ok_or_else(|| Unbounded::Unresolved(name.to_owned()))?;
    let work = walk.work(Place { root, schema: root }, 0)?;
    Ok(Extent {
        work,
        steps: walk.most_steps,
        patterns: walk.patterns,
        is_recursive: walk.is_recursive,
    })
}

struct Walk<'l> {
    library: &'l Library,
    /// By the address of the place; nothing while it is being looked at.
    work: HashMap<*const Value, Option<u32>>,
    steps: HashMap<*const Value, Option<u32>>,
    is_recursive: bool,
    most_steps: u32,
    patterns: usize,
}

/// A place of a schema, and the document that it stands in.
#[derive(Clone, Copy)]
struct Place<'l> {
    root: &'l Value,
    schema: &'l Value,
}

impl<'l> Walk<'l> {
    /// The places that are met from this one on.
    fn work(&mut self, place: Place<'l>, depth: u32) -> Result<u32, Unbounded> {
        if depth > MOST_DEPTH {
            return Err(Unbounded::TooLarge);
        }
        let address = std::ptr::from_ref(place.schema);
        match self.work.get(&address) {
            Some(Some(work)) => return Ok(*work),
            // Back at a place that this way has passed. The validator remembers what it found there for each part of
            // the message, so that it counts once.
            Some(None) => {
                self.is_recursive = true;
                return Ok(1);
            }
            None => {}
        }
        self.work.insert(address, None);
        let steps = self.steps(place, 0)?;
        self.most_steps = self.most_steps.max(steps);
        let patterns = patterns(place.schema);
        self.patterns += patterns;
        let mut work = u32::try_from(patterns)
            .unwrap_or(u32::MAX)
            .saturating_mul(PATTERN_WORK)
            .saturating_add(1);
        for (_, part) in self.parts(place)? {
            work = work.saturating_add(self.work(part, depth + 1)?);
        }
        if work > MOST_WORK {
            return Err(Unbounded::TooLarge);
        }
        self.work.insert(address, Some(work));
        Ok(work)
    }

    /// The places on the longest way from this one on that stays at the same value. A way of its own: what comes back to
    /// itself over a part of the value may do so without one as well.
    fn steps(&mut self, place: Place<'l>, depth: u32) -> Result<u32, Unbounded> {
        if depth > MOST_STEPS {
            return Err(Unbounded::TooLarge);
        }
        let address = std::ptr::from_ref(place.schema);
        match self.steps.get(&address) {
            Some(Some(steps)) => return Ok(*steps),
            Some(None) => return Err(Unbounded::Endless),
            None => {}
        }
        self.steps.insert(address, None);
        let mut longest = 0;
        for (scope, part) in self.parts(place)? {
            if scope == Scope::Same {
                longest = longest.max(self.steps(part, depth + 1)?);
            }
        }
        if longest >= MOST_STEPS {
            return Err(Unbounded::TooLarge);
        }
        self.steps.insert(address, Some(longest + 1));
        Ok(longest + 1)
    }

    /// The places that a place leads to.
    fn parts(&self, place: Place<'l>) -> Result<Vec<(Scope, Place<'l>)>, Unbounded> {
        let Some(members) = place.schema.as_object() else {
            return Ok(Vec::new());
        };
        // SOURCE: draft 4: all that stands beside a reference is ignored.
        if let Some(Value::String(reference)) = members.get("$ref") {
            return Ok(vec![(Scope::Same, self.resolve(place.root, reference)?)]);
        }
        if members.get("id").is_some_and(Value::is_string) {
            return Err(Unbounded::Id);
        }
        let mut parts = Vec::new();
        for (keyword, value) in members {
            let Some((scope, form)) = form(keyword, value) else {
                continue;
            };
            let schemas: Vec<&Value> = match form {
                Form::One(schema) => vec![schema],
                Form::Many(schemas) => schemas.iter().collect(),
                Form::ByName(schemas) => schemas.values().collect(),
            };
            let root = place.root;
            parts.extend(
                schemas
                    .into_iter()
                    .map(|schema| (scope, Place { root, schema })),
            );
        }
        Ok(parts)
    }

    /// The place that a reference names: in the same document, or in another model.
    fn resolve(&self, root: &'l Value, reference: &str) -> Result<Place<'l>, Unbounded> {
        let unresolved = || Unbounded::Unresolved(reference.to_owned());
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let root = if document.is_empty() {
            root
        } else {
            self.library.document(document).ok_or_else(unresolved)?
        };
        let pointer = percent_decode_str(fragment).decode_utf8().ok();
        let schema = pointer.and_then(|pointer| root.pointer(&pointer));
        let schema = schema.ok_or_else(unresolved)?;
        Ok(Place { root, schema })
    }
}
