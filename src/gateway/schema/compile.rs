//! Schemas as nodes that name each other by number, made once and held against many messages.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{
    keyword::{self, AppliesTo},
    meta, pattern,
    rule::{self, Rule},
};

/// Nodes of a schema, with all that its references lead to; one without references has at most a few thousand.
const MOST_NODES: usize = 10_000;

/// Finds the document at an address, and the name to call it by.
pub(crate) type Find<'f, 'l> = &'f dyn Fn(&str) -> Option<(&'l str, &'l Value)>;

/// The reason why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it refers to itself without going deeper into the message")]
    Endless,
    #[error("it is too large when its references are followed")]
    TooLarge,
    #[error("it refers to {0}, which is nowhere in it and no model of this deployment")]
    Unresolved(String),
    #[error("its schema is wrong at {0:?}")]
    Wrong(String),
}

/// A schema that messages can be held against.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The first is the schema itself.
    pub(super) nodes: Vec<Node>,
}

/// A schema or subschema, compiled.
#[derive(Debug)]
pub(super) struct Node {
    /// The node around it; nothing for a document, and for a subschema that a reference led to.
    pub(super) parent: Option<usize>,
    /// From there, as a JSON pointer.
    pub(super) path: String,
    /// True when references lead to the node, so that a value may meet it more than once.
    pub(super) is_shared: bool,
    /// The rules of the node, those that are quickly told first.
    pub(super) rules: Vec<Rule>,
}

impl Schema {
    /// Compiles a schema with all that it refers to.
    pub(crate) fn compile<'l>(schema: &'l Value, find: Find<'_, 'l>) -> Result<Self, Unusable> {
        if let Some(pointer) = meta::find_flaw(schema) {
            return Err(Unusable::Wrong(pointer));
        }
        let survey = Survey::of(schema, find)?;
        survey.check_ends()?;
        let n_patterns = survey
            .schemas
            .iter()
            .map(|surveyed| n_patterns(surveyed.schema));
        let pattern_bytes = pattern::bytes_of_each(n_patterns.sum());
        let number = |schema: &Value| survey.known.get(&std::ptr::from_ref(schema)).copied();
        let nodes = survey.schemas.iter().map(|surveyed| {
            let rules = match (surveyed.schema.as_object(), surveyed.target) {
                (_, Some(target)) => Ok(vec![Rule::Reference(target)]),
                (Some(members), None) => rule::rules(members, &number, pattern_bytes),
                (None, None) => Ok(Vec::new()),
            };
            let wrong = |keyword| Unusable::Wrong(format!("{}/{keyword}", surveyed.path));
            Ok(Node {
                parent: surveyed.parent,
                path: surveyed.path.clone(),
                is_shared: surveyed.is_shared,
                rules: rules.map_err(wrong)?,
            })
        });
        let nodes = nodes.collect::<Result<_, _>>()?;
        Ok(Self { nodes })
    }

    /// Returns the position of a rule, as a JSON pointer, after the name of the document if the rule stands in another
    /// one.
    pub(super) fn rule_pointer(&self, node: usize, keyword: &str) -> String {
        let mut steps = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next.and_then(|idx| self.nodes.get(idx)) {
            steps.push(node.path.as_str());
            next = node.parent;
        }
        steps.reverse();
        format!("{}/{keyword}", steps.concat())
    }
}

/// Counts the regular expressions of one schema, without those within it.
fn n_patterns(schema: &Value) -> usize {
    let of_names = schema["patternProperties"].as_object().map_or(0, Map::len);
    usize::from(schema["pattern"].is_string()) + of_names
}

/// A schema with its subschemas and all that its references lead to, by number.
struct Survey<'l> {
    schemas: Vec<SurveyedSchema<'l>>,
    /// The numbers of the schemas, by their address in the document.
    known: HashMap<*const Value, usize>,
}

/// A text that a reference may lead into.
#[derive(Clone, Copy)]
struct Document<'l> {
    /// The name of the document; none for the schema that is compiled.
    name: Option<&'l str>,
    root: &'l Value,
}

/// A schema or subschema that the survey met.
struct SurveyedSchema<'l> {
    document: Document<'l>,
    schema: &'l Value,
    parent: Option<usize>,
    path: String,
    is_shared: bool,
    /// The schema that the reference in this one leads to.
    target: Option<usize>,
    /// The schemas that are held against the same value.
    same: Vec<usize>,
}

impl<'l> Survey<'l> {
    /// Looks at each schema once. Without recursion: a chain of references may be long.
    fn of(schema: &'l Value, find: Find<'_, 'l>) -> Result<Self, Unusable> {
        let mut survey = Self {
            schemas: Vec::new(),
            known: HashMap::new(),
        };
        let document = Document {
            name: None,
            root: schema,
        };
        survey.enter(document, schema, None, String::new());
        let mut next = 0;
        while next < survey.schemas.len() {
            if survey.schemas.len() > MOST_NODES {
                return Err(Unusable::TooLarge);
            }
            survey.follow(next, find)?;
            next += 1;
        }
        Ok(survey)
    }

    /// Returns the number of a schema, a new one if nothing has led to it yet.
    fn enter(
        &mut self,
        document: Document<'l>,
        schema: &'l Value,
        parent: Option<usize>,
        path: String,
    ) -> usize {
        let next = self.schemas.len();
        let idx = *self.known.entry(schema).or_insert(next);
        if idx == next {
            self.schemas.push(SurveyedSchema {
                document,
                schema,
                parent,
                path,
                is_shared: false,
                target: None,
                same: Vec::new(),
            });
        }
        idx
    }

    /// Enters the schemas that a schema leads to.
    fn follow(&mut self, idx: usize, find: Find<'_, 'l>) -> Result<(), Unusable> {
        let SurveyedSchema {
            document, schema, ..
        } = self.schemas[idx];
        let members = schema.as_object();
        let flaw = members.map_or(Some(String::new()), meta::flaw_of);
        if let Some(flaw) = flaw {
            let pointer = self.schemas[idx].path.clone();
            return Err(Unusable::Wrong(pointer + &flaw));
        }
        // SOURCE: draft 4: all that stands beside a reference is ignored.
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.resolve(document, reference, find)?;
            self.schemas[target].is_shared = true;
            self.schemas[idx].target = Some(target);
            self.schemas[idx].same.push(target);
            return Ok(());
        }
        for (keyword, value) in members.into_iter().flatten() {
            for subschema in keyword::subschemas(keyword, value) {
                if subschema.applies_to == AppliesTo::Nothing {
                    continue;
                }
                let target = self.enter(document, subschema.schema, Some(idx), subschema.path);
                if subschema.applies_to == AppliesTo::Same {
                    self.schemas[idx].same.push(target);
                }
            }
        }
        Ok(())
    }

    /// Finds the schema that a reference names: in the same document, or in another.
    fn resolve(
        &mut self,
        document: Document<'l>,
        reference: &str,
        find: Find<'_, 'l>,
    ) -> Result<usize, Unusable> {
        let unresolved = || Unusable::Unresolved(reference.to_owned());
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if address.is_empty() {
            document
        } else {
            let (name, root) = find(address).ok_or_else(unresolved)?;
            let is_other = !std::ptr::eq(root, self.schemas[0].schema);
            let name = is_other.then_some(name);
            Document { name, root }
        };
        let pointer = percent_decode_str(fragment).decode_utf8();
        let pointer = pointer.map_err(|_| unresolved())?;
        let schema = document.root.pointer(&pointer).ok_or_else(unresolved)?;
        let path = match document.name {
            Some(name) => format!("{name}#{pointer}"),
            None => pointer.into_owned(),
        };
        Ok(self.enter(document, schema, None, path))
    }

    /// Refuses a schema that leads back to itself while it stays at one value: each is taken away when none that
    /// is held against the same value is left before it, and none of a circle ever is.
    fn check_ends(&self) -> Result<(), Unusable> {
        let mut n_before = vec![0_usize; self.schemas.len()];
        for next in self.schemas.iter().flat_map(|surveyed| &surveyed.same) {
            n_before[*next] += 1;
        }
        let all = 0..self.schemas.len();
        let mut free: Vec<usize> = all.filter(|idx| n_before[*idx] == 0).collect();
        let mut n_taken = 0;
        while let Some(idx) = free.pop() {
            n_taken += 1;
            for next in &self.schemas[idx].same {
                n_before[*next] -= 1;
                if n_before[*next] == 0 {
                    free.push(*next);
                }
            }
        }
        if n_taken < self.schemas.len() {
            return Err(Unusable::Endless);
        }
        Ok(())
    }
}
