//! Runs a template: its nodes, its references, and the bounds on all that it does.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use regex::Regex;
use serde_json::Value as Json;

use super::{
    BadTemplate, LOOPS, OUTPUT_BYTES, STEPS, Scope, WORK_BYTES, operator,
    print::Printer,
    tree::{Expression, Link, Node, Operator, Print, Reference},
    value::{Heap, List, ListId, Map, MapId, Value},
};
use crate::gateway::data::message::bounded::Bounded;

/// The way on after a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Break,
    Stop,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct CompiledPattern {
    pub(super) regex: Regex,
    /// True when a match may have to look at all of the text behind its beginning, because something in the pattern
    /// repeats.
    pub(super) looks_far: bool,
}

/// The turn that a `#foreach` is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) index: usize,
    pub(super) has_next: bool,
}

/// A running template.
pub(super) struct Machine<'t> {
    pub(super) scope: &'t dyn Scope,
    pub(super) heap: Heap,
    variables: HashMap<&'t str, Value>,
    pub(super) loops: Vec<Turn>,
    pub(super) regexes: HashMap<Arc<str>, CompiledPattern>,
    /// The values that `$input.path` found, so that the same path finds the same, as it does on AWS where the payload
    /// is read once.
    pub(super) found: HashMap<Arc<str>, Value>,
    pub(super) body: Option<Value>,
    steps_left: usize,
    bytes_left: usize,
}

impl<'t> Machine<'t> {
    pub(super) fn new(scope: &'t dyn Scope) -> Machine<'t> {
        Machine {
            scope,
            heap: Heap::default(),
            variables: HashMap::new(),
            loops: Vec::new(),
            regexes: HashMap::new(),
            found: HashMap::new(),
            body: None,
            steps_left: STEPS,
            bytes_left: WORK_BYTES,
        }
    }

    /// Counts work that is about to be done.
    pub(super) fn work(&mut self, steps: usize) -> Result<(), BadTemplate> {
        let left = self.steps_left.checked_sub(steps);
        self.steps_left = left.ok_or(BadTemplate::TooMuchWork)?;
        Ok(())
    }

    /// Counts bytes that are about to be kept. They are not given back, so the work of making them is bounded too.
    pub(super) fn keep(&mut self, bytes: usize) -> Result<(), BadTemplate> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or(BadTemplate::TooMuchMemory)?;
        Ok(())
    }

    pub(super) fn make_text(&mut self, text: &str) -> Result<Value, BadTemplate> {
        self.keep(text.len())?;
        Ok(Value::text(text))
    }

    pub(super) fn make_list(&mut self, elements: Vec<Value>) -> Result<Value, BadTemplate> {
        Ok(Value::List(self.add_list(elements, false)?))
    }

    pub(super) fn add_list(
        &mut self,
        elements: Vec<Value>,
        is_json: bool,
    ) -> Result<ListId, BadTemplate> {
        self.keep(size_of::<Value>() * (elements.len() + 2))?;
        Ok(self.heap.add_list(List { elements, is_json }))
    }

    pub(super) fn add_map(&mut self, map: Map) -> Result<MapId, BadTemplate> {
        self.keep(2 * size_of::<Map>())?;
        Ok(self.heap.add_map(map))
    }

    /// Sets a member of a map and gives what it was.
    pub(super) fn put(
        &mut self,
        map: MapId,
        name: &str,
        value: Value,
    ) -> Result<Value, BadTemplate> {
        // The name is kept twice, and the tables around it grow by doubling.
        self.keep(2 * name.len() + 4 * size_of::<Value>())?;
        let old = self.heap.map_mut(map).put(name, value);
        Ok(old.unwrap_or(Value::Null))
    }

    pub(super) fn push(&mut self, list: ListId, value: Value) -> Result<(), BadTemplate> {
        self.keep(2 * size_of::<Value>())?;
        self.heap.list_mut(list).elements.push(value);
        Ok(())
    }

    /// Takes over a value of JSON.
    pub(super) fn adopt(&mut self, json: &Json) -> Result<Value, BadTemplate> {
        self.work(1)?;
        match json {
            Json::Null => Ok(Value::Null),
            Json::Bool(truth) => Ok(Value::Bool(*truth)),
            Json::Number(number) => Ok(match number.as_i128() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            }),
            Json::String(text) => self.make_text(text),
            Json::Array(elements) => {
                let elements: Result<Vec<_>, _> =
                    elements.iter().map(|element| self.adopt(element)).collect();
                Ok(Value::List(self.add_list(elements?, true)?))
            }
            Json::Object(members) => {
                let map = self.add_map(Map::default())?;
                for (name, member) in members {
                    let member = self.adopt(member)?;
                    self.put(map, name, member)?;
                }
                Ok(Value::Map(map))
            }
        }
    }

    /// Returns the text of a value, as Java's `toString` gives it.
    pub(super) fn text_of(&mut self, value: &Value) -> Result<Arc<str>, BadTemplate> {
        if let Value::Text(text) = value {
            return Ok(Arc::clone(text));
        }
        let mut draft = draft();
        let value = self.written(value.clone())?;
        let mut printer = Printer {
            heap: &self.heap,
            out: &mut draft,
        };
        printer.java(&value, 0)?;
        self.keep(draft.as_str().len())?;
        Ok(draft.as_str().into())
    }

    pub(super) fn run(
        &mut self,
        block: &'t [Node],
        out: &mut Bounded,
    ) -> Result<Flow, BadTemplate> {
        for node in block {
            let flow = self.node(node, out)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'t Node, out: &mut Bounded) -> Result<Flow, BadTemplate> {
        self.work(1)?;
        match node {
            Node::Text(text) => write(out, text)?,
            Node::Print(print) => self.print(print, out)?,
            Node::Set { target, value } => {
                let value = self.evaluate(value)?;
                self.assign(target, value)?;
            }
            Node::If {
                branches,
                otherwise,
            } => {
                for (condition, block) in branches {
                    if self.evaluate(condition)?.is_true() {
                        return self.run(block, out);
                    }
                }
                return self.run(otherwise, out);
            }
            Node::ForEach { name, list, body } => return self.for_each(name, list, body, out),
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::On)
    }

    /// Writes a reference. A variable that was never set stands for itself, backslashes and all; null is nothing.
    ///
    /// SOURCE: reported of AWS, where plain Velocity lets null stand for itself too. GUESS: so it is with the null of a
    /// method that a value does not have.
    fn print(&mut self, print: &'t Print, out: &mut Bounded) -> Result<(), BadTemplate> {
        let value = self.reference(&print.reference)?;
        let is_set = self.variable(&print.reference.name).is_some();
        let escaped = !print.backslashes.is_multiple_of(2);
        let kept = if is_set {
            print.backslashes / 2
        } else {
            print.backslashes
        };
        for _ in 0..kept {
            write(out, "\\")?;
        }
        if escaped || !(is_set || print.quiet) {
            return write(out, &print.source);
        }
        if value == Value::Null {
            return Ok(());
        }
        let value = self.written(value)?;
        let mut printer = Printer {
            heap: &self.heap,
            out,
        };
        printer.java(&value, 0)
    }

    /// GUESS: null is not assigned, and the old value stays, in a `#foreach` that of the round before. It is what Velocity
    /// does unless it is set otherwise, and nobody says how API Gateway sets it.
    fn assign(&mut self, target: &'t Reference, value: Value) -> Result<(), BadTemplate> {
        if value == Value::Null {
            return Ok(());
        }
        let Some((last, way)) = target.links.split_last() else {
            self.variables.insert(&target.name, value);
            return Ok(());
        };
        let mut holder = self.variable(&target.name).unwrap_or(Value::Null);
        for link in way {
            holder = self.follow(holder, link)?;
        }
        let index = match last {
            Link::Property(name) => Value::Text(Arc::clone(name)),
            Link::Index(index) => self.evaluate(index)?,
            Link::Method(..) => return Ok(()),
        };
        match (holder, index) {
            (Value::Map(map), index) => {
                let name = self.text_of(&index)?;
                self.put(map, &name, value)?;
            }
            (Value::List(list), Value::Int(index)) => {
                let at = self.list_index(list, index)?;
                self.heap.list_mut(list).elements[at] = value;
            }
            // Nothing can be set there, and Velocity does nothing.
            _ => {}
        }
        Ok(())
    }

    fn for_each(
        &mut self,
        name: &'t str,
        list: &'t Expression,
        body: &'t [Node],
        out: &mut Bounded,
    ) -> Result<Flow, BadTemplate> {
        let over = self.evaluate(list)?;
        let Some(elements) = self.elements_of(&over) else {
            return Ok(Flow::On);
        };
        self.work(elements.len())?;
        let before = self.variables.remove(name);
        let level = self.loops.len();
        let mut flow = Flow::On;
        // SOURCE: API Gateway quotas: 1000 iterations. GUESS: what is more is left out, as Velocity does with its limit.
        for (index, element) in elements.iter().take(LOOPS).enumerate() {
            let has_next = index + 1 < elements.len();
            self.loops.push(Turn { index, has_next });
            self.variables.insert(name, element.clone());
            flow = self.run(body, out)?;
            self.loops.truncate(level);
            if flow != Flow::On {
                break;
            }
        }
        match before {
            Some(value) => self.variables.insert(name, value),
            None => self.variables.remove(name),
        };
        Ok(if flow == Flow::Stop { flow } else { Flow::On })
    }

    /// Returns the elements that a loop over a value goes through; none for a value that has none.
    fn elements_of(&self, over: &Value) -> Option<Vec<Value>> {
        Some(match over {
            Value::List(list) => self.heap.list(*list).elements.clone(),
            Value::Map(map) => {
                let members = self.heap.map(*map).members();
                members.iter().map(|(_, value)| value.clone()).collect()
            }
            Value::StageVariables => {
                let variables = self.scope.stage_variables().values();
                variables.map(|value| Value::text(value)).collect()
            }
            _ => return None,
        })
    }

    pub(super) fn evaluate(&mut self, expression: &'t Expression) -> Result<Value, BadTemplate> {
        self.work(1)?;
        Ok(match expression {
            Expression::Text(text) => Value::Text(Arc::clone(text)),
            Expression::Template(block) => {
                let mut draft = draft();
                self.run(block, &mut draft)?;
                self.make_text(draft.as_str())?
            }
            Expression::Int(number) => Value::Int(*number),
            Expression::Float(number) => Value::Float(*number),
            Expression::Bool(truth) => Value::Bool(*truth),
            Expression::List(elements) => {
                let elements = self.evaluate_all(elements)?;
                self.make_list(elements)?
            }
            Expression::Map(members) => self.map(members)?,
            Expression::Range(from, to) => {
                let (from, to) = (self.evaluate(from)?, self.evaluate(to)?);
                self.range(&from, &to)?
            }
            Expression::Reference(reference) => self.reference(reference)?,
            Expression::Not(inner) => Value::Bool(!self.evaluate(inner)?.is_true()),
            Expression::Chain { first, rest } => self.chain(first, rest)?,
        })
    }

    fn map(&mut self, members: &'t [(Expression, Expression)]) -> Result<Value, BadTemplate> {
        let map = self.add_map(Map::default())?;
        for (name, value) in members {
            let name = self.evaluate(name)?;
            let name = self.text_of(&name)?;
            let value = self.evaluate(value)?;
            self.put(map, &name, value)?;
        }
        Ok(Value::Map(map))
    }

    fn evaluate_all(&mut self, expressions: &'t [Expression]) -> Result<Vec<Value>, BadTemplate> {
        expressions
            .iter()
            .map(|expression| self.evaluate(expression))
            .collect()
    }

    /// Makes a list of the whole numbers between the two, both included, up or down.
    fn range(&mut self, from: &Value, to: &Value) -> Result<Value, BadTemplate> {
        let (Value::Int(from), Value::Int(to)) = (from, to) else {
            return Ok(Value::Null);
        };
        let length = to.abs_diff(*from).saturating_add(1);
        let length = usize::try_from(length).map_err(|_| BadTemplate::TooMuchMemory)?;
        self.work(length)?;
        let elements = if from <= to {
            (*from..=*to).map(Value::Int).collect()
        } else {
            (*to..=*from).rev().map(Value::Int).collect()
        };
        self.make_list(elements)
    }

    fn chain(
        &mut self,
        first: &'t Expression,
        rest: &'t [(Operator, Expression)],
    ) -> Result<Value, BadTemplate> {
        let mut left = self.evaluate(first)?;
        for (operator, right) in rest {
            left = match operator {
                Operator::Or if left.is_true() => Value::Bool(true),
                Operator::And if !left.is_true() => Value::Bool(false),
                Operator::Or | Operator::And => Value::Bool(self.evaluate(right)?.is_true()),
                _ => {
                    let right = self.evaluate(right)?;
                    operator::apply(self, *operator, &left, &right)?
                }
            };
        }
        Ok(left)
    }

    pub(super) fn reference(&mut self, reference: &'t Reference) -> Result<Value, BadTemplate> {
        let mut value = self.variable(&reference.name).unwrap_or(Value::Null);
        for link in &reference.links {
            if value == Value::Null {
                return Ok(value);
            }
            value = self.follow(value, link)?;
        }
        Ok(value)
    }

    /// Returns the value of a variable, if it was ever set.
    fn variable(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.clone());
        }
        Some(match (name, self.loops.last()) {
            ("input", _) => Value::Input,
            ("util", _) => Value::Util,
            ("context", _) => Value::Context("".into()),
            ("stageVariables", _) => Value::StageVariables,
            ("foreach", Some(_)) => Value::Loop(self.loops.len() - 1),
            ("velocityCount", Some(turn)) => Value::count(turn.index + 1),
            ("velocityHasNext", Some(turn)) => Value::Bool(turn.has_next),
            _ => return None,
        })
    }

    fn follow(&mut self, value: Value, link: &'t Link) -> Result<Value, BadTemplate> {
        self.work(1)?;
        match link {
            Link::Property(name) => self.property(value, name),
            Link::Method(name, arguments) => {
                let arguments = self.evaluate_all(arguments)?;
                self.call(value, name, &arguments)
            }
            Link::Index(index) => {
                let index = self.evaluate(index)?;
                self.at_index(value, &index)
            }
        }
    }

    fn at_index(&mut self, value: Value, index: &Value) -> Result<Value, BadTemplate> {
        match (value, index) {
            (Value::List(list), Value::Int(index)) => {
                let at = self.list_index(list, *index)?;
                Ok(self.heap.element(list, at))
            }
            (value, Value::Text(name)) => self.member(value, &Arc::clone(name)),
            (Value::Map(map), index) => {
                let name = self.text_of(index)?;
                let found = self.heap.map(map).get(&name).cloned();
                Ok(found.unwrap_or(Value::Null))
            }
            (Value::Absent, _) => Ok(Value::Absent),
            _ => Ok(Value::Null),
        }
    }

    /// Returns the position in a list that an index leads to; a negative one counts from the end.
    fn list_index(&self, list: ListId, index: i128) -> Result<usize, BadTemplate> {
        let length = self.heap.list(list).elements.len();
        let from_start = if index < 0 {
            index + i128::try_from(length).unwrap_or(0)
        } else {
            index
        };
        usize::try_from(from_start)
            .ok()
            .filter(|at| *at < length)
            .ok_or_else(|| BadTemplate::Call(format!("[{index}] of a list of {length}")))
    }
}

/// Makes an empty text that may grow as long as any text may.
pub(super) fn draft() -> Bounded {
    Bounded::new(OUTPUT_BYTES)
}

pub(super) fn write(out: &mut Bounded, text: &str) -> Result<(), BadTemplate> {
    out.write_str(text).map_err(|_| BadTemplate::TooLong)
}
