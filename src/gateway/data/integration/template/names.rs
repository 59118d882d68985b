//! The names that API Gateway gives a template: `$input`, `$context`, `$util`, `$stageVariables`; and what members and
//! methods lead to from any value.
//!
//! SOURCE: developer guide, "WebSocket API mapping template reference". A method that a value does not have yields
//! null, as in Velocity.

use std::{fmt::Write, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    BadTemplate, Pairs, collections, java,
    machine::{Machine, draft, write},
    operator, texts,
    value::{Map, Value},
};
use crate::gateway::data::message::{
    bounded::Bounded,
    jsonpath::{Found, JsonPath},
};

/// The methods of `$util`.
const UTIL_METHODS: [&str; 6] = [
    "escapeJavaScript",
    "parseJson",
    "urlEncode",
    "urlDecode",
    "base64Encode",
    "base64Decode",
];

/// Members of `$context` that have members themselves.
const CONTEXT_GROUPS: [&str; 4] = ["identity", "authorizer", "error", "authorizer.claims"];

impl Machine<'_> {
    /// Reads a property, `.name`.
    pub(super) fn property(&mut self, value: Value, name: &str) -> Result<Value, BadTemplate> {
        let found = match &value {
            Value::Entry(entry) => match name {
                "key" => self.heap.element(*entry, 0),
                "value" => self.heap.element(*entry, 1),
                _ => Value::Null,
            },
            Value::Loop(level) => self.of_loop(*level, name),
            Value::Input if name == "body" => self.input_body()?,
            _ => self.member(value.clone(), name)?,
        };
        if found == Value::Null && name == "empty" {
            return self.call(value, "isEmpty", &[]);
        }
        Ok(found)
    }

    /// Reads a member, `['name']`, and `.name` of what has members.
    pub(super) fn member(&mut self, value: Value, name: &str) -> Result<Value, BadTemplate> {
        match value {
            Value::Map(map) => Ok(self.heap.map(map).get(name).cloned().unwrap_or(Value::Null)),
            Value::Context(group) => self.context(&format!("{group}{name}")),
            Value::StageVariables => match self.scope.stage_variables().get(name) {
                Some(value) => {
                    let value = value.clone();
                    self.make_text(&value)
                }
                // GUESS: a stage variable that is not there is written as the empty text.
                None => Ok(Value::Absent),
            },
            Value::Absent => Ok(Value::Absent),
            _ => Ok(Value::Null),
        }
    }

    fn context(&mut self, name: &str) -> Result<Value, BadTemplate> {
        self.work(1)?;
        if let Some(text) = self.scope.context(name) {
            return self.make_text(&text);
        }
        if CONTEXT_GROUPS.contains(&name) {
            return Ok(Value::Context(format!("{name}.").into()));
        }
        // GUESS: a context member that is not there is written as the empty text.
        Ok(Value::Absent)
    }

    fn of_loop(&self, level: usize, name: &str) -> Value {
        let Some(turn) = self.loops.get(level) else {
            return Value::Null;
        };
        match name {
            "count" => Value::count(turn.index + 1),
            "index" => Value::count(turn.index),
            "hasNext" => Value::Bool(turn.has_next),
            "first" => Value::Bool(turn.index == 0),
            "last" => Value::Bool(!turn.has_next),
            "parent" => level.checked_sub(1).map_or(Value::Null, Value::Loop),
            "topmost" => Value::Loop(0),
            _ => Value::Null,
        }
    }

    /// Calls a method, `.name(…)`.
    pub(super) fn call(
        &mut self,
        value: Value,
        name: &str,
        arguments: &[Value],
    ) -> Result<Value, BadTemplate> {
        match (name, arguments) {
            ("toString", []) => {
                let text = self.text_of(&value)?;
                return Ok(Value::Text(text));
            }
            ("equals", [other]) => {
                return operator::same(self, &value, other, 0).map(Value::Bool);
            }
            _ => {}
        }
        match value {
            Value::Input => self.of_input(name, arguments),
            Value::Util => self.of_util(name, arguments),
            Value::Context(_) => match (name, arguments) {
                ("get", [Value::Text(member)]) => self.member(value, &Arc::clone(member)),
                _ => Ok(Value::Null),
            },
            Value::StageVariables => self.of_stage_variables(name, arguments),
            Value::Map(map) => collections::of_map(self, map, name, arguments),
            Value::List(list) => collections::of_list(self, list, name, arguments),
            Value::Entry(entry) => Ok(match name {
                "getKey" => self.heap.element(entry, 0),
                "getValue" => self.heap.element(entry, 1),
                _ => Value::Null,
            }),
            Value::Text(text) => texts::of_text(self, &text, name, arguments),
            Value::Loop(level) => Ok(self.of_loop(level, &java::property_of_getter(name))),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                java::of_scalar(&value, name, arguments)
            }
            Value::Absent => texts::of_text(self, &"".into(), name, arguments),
            Value::Null => Ok(Value::Null),
        }
    }

    /// Returns a value as it is written: the stage's variables as a map.
    pub(super) fn written(&mut self, value: Value) -> Result<Value, BadTemplate> {
        if value != Value::StageVariables {
            return Ok(value);
        }
        let variables = self.scope.stage_variables();
        self.make_map(Map::default(), variables).map(Value::Map)
    }

    fn make_map<'a>(
        &mut self,
        empty: Map,
        pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<super::value::MapId, BadTemplate> {
        let map = self.add_map(empty)?;
        for (name, value) in pairs {
            self.work(1)?;
            let value = self.make_text(value)?;
            self.put(map, name, value)?;
        }
        Ok(map)
    }

    fn input_body(&mut self) -> Result<Value, BadTemplate> {
        if let Some(body) = &self.body {
            return Ok(body.clone());
        }
        let text = match self.scope.input() {
            "" => "{}",
            text => text,
        };
        let body = self.make_text(text)?;
        self.body = Some(body.clone());
        Ok(body)
    }

    fn of_input(&mut self, name: &str, arguments: &[Value]) -> Result<Value, BadTemplate> {
        match (name, arguments) {
            ("json", []) => self.input_json("$"),
            ("json", [path]) => {
                let path = self.text_of(path)?;
                self.input_json(&path)
            }
            ("path", [path]) => {
                let path = self.text_of(path)?;
                self.input_path(path)
            }
            ("params", []) => self.all_parameters(),
            ("params", [name]) => {
                let name = self.text_of(name)?;
                self.parameter(&name)
            }
            ("getBody", []) => self.input_body(),
            _ => Ok(Value::Null),
        }
    }

    /// Returns the JSON of what a path finds; two quotes where it finds nothing. An empty payload counts as `{}`.
    ///
    /// GUESS: in a payload that is no JSON it finds nothing.
    fn input_json(&mut self, path: &str) -> Result<Value, BadTemplate> {
        self.work(path.len())?;
        let path = parse(path)?;
        let empty = serde_json::json!({});
        let json = self.payload(&empty);
        let mut text = draft();
        match json.and_then(|json| path.find(json)) {
            Some(found) => write!(text, "{found}").map_err(|_| BadTemplate::TooLong)?,
            None => write(&mut text, "\"\"")?,
        }
        self.work(text.as_str().len() / 64)?;
        self.make_text(text.as_str())
    }

    fn input_path(&mut self, path: Arc<str>) -> Result<Value, BadTemplate> {
        if let Some(found) = self.found.get(&path) {
            return Ok(found.clone());
        }
        self.work(path.len())?;
        let parsed = parse(&path)?;
        let empty = serde_json::json!({});
        let value = match self.payload(&empty).and_then(|json| parsed.find(json)) {
            None => Value::Null,
            Some(Found::One(json)) => self.adopt(json)?,
            Some(Found::Many(many)) => {
                let elements: Result<Vec<_>, _> =
                    many.into_iter().map(|json| self.adopt(json)).collect();
                Value::List(self.add_list(elements?, true)?)
            }
        };
        self.keep(path.len() + size_of::<Value>())?;
        self.found.insert(path, value.clone());
        Ok(value)
    }

    fn payload<'a>(&self, empty: &'a serde_json::Value) -> Option<&'a serde_json::Value>
    where
        Self: 'a,
    {
        if self.scope.input().is_empty() {
            Some(empty)
        } else {
            self.scope.input_json()
        }
    }

    fn all_parameters(&mut self) -> Result<Value, BadTemplate> {
        let parameters = self.scope.parameters();
        let all = self.add_map(Map::default())?;
        let groups = [
            ("path", Map::default(), parameters.path),
            ("querystring", Map::default(), parameters.querystring),
            ("header", Map::folded(), parameters.header),
        ];
        for (name, empty, pairs) in groups {
            let pairs: &Pairs = &pairs;
            let map = self.make_map(empty, pairs.iter().map(|(name, value)| (name, value)))?;
            self.put(all, name, Value::Map(map))?;
        }
        Ok(Value::Map(all))
    }

    /// Returns the first of path, query string and header that has it; of several values the last, as in the map of
    /// all.
    ///
    /// SOURCE: reported of AWS: what none of them has is written as nothing. GUESS: it equals the empty text.
    fn parameter(&mut self, name: &str) -> Result<Value, BadTemplate> {
        let parameters = self.scope.parameters();
        let find = |pairs: &Pairs| pairs.iter().rfind(|(known, _)| known == name).cloned();
        let header = || {
            let mut header = parameters.header.iter();
            header
                .rfind(|(known, _)| known.eq_ignore_ascii_case(name))
                .cloned()
        };
        let found = find(&parameters.path)
            .or_else(|| find(&parameters.querystring))
            .or_else(header);
        self.work(parameters.header.len() + parameters.querystring.len())?;
        match found {
            Some((_, value)) => self.make_text(&value),
            None => Ok(Value::Absent),
        }
    }

    fn of_stage_variables(
        &mut self,
        name: &str,
        arguments: &[Value],
    ) -> Result<Value, BadTemplate> {
        if let ("get", [Value::Text(member)]) = (name, arguments) {
            return self.member(Value::StageVariables, &Arc::clone(member));
        }
        let variables = self.scope.stage_variables();
        let map = self.make_map(Map::default(), variables)?;
        collections::of_map(self, map, name, arguments)
    }

    fn of_util(&mut self, name: &str, arguments: &[Value]) -> Result<Value, BadTemplate> {
        let [argument] = arguments else {
            return Ok(Value::Null);
        };
        if !UTIL_METHODS.contains(&name) {
            return Ok(Value::Null);
        }
        // GUESS: escaping null gives its name, and what else is done with null gives null.
        if *argument == Value::Null && name != "escapeJavaScript" {
            return Ok(Value::Null);
        }
        let text = self.text_of(argument)?;
        self.work(text.len() / 16)?;
        if name == "parseJson" {
            let json = serde_json::from_str(&text)
                .map_err(|_| BadTemplate::Call("$util.parseJson of no JSON".to_owned()))?;
            return self.adopt(&json);
        }
        let mut made = draft();
        convert(name, &text, &mut made)?;
        self.make_text(made.as_str())
    }
}

/// Writes a text as a method of `$util` converts it.
fn convert(name: &str, text: &str, out: &mut Bounded) -> Result<(), BadTemplate> {
    let too_long = |_| BadTemplate::TooLong;
    match name {
        "escapeJavaScript" => java::escape_javascript(text, out).map_err(too_long),
        "urlEncode" => java::url_encode(text, out).map_err(too_long),
        "urlDecode" => write(out, &java::url_decode(text)),
        "base64Encode" => write(out, &STANDARD.encode(text.as_bytes())),
        _ => {
            let decoded = STANDARD
                .decode(text.as_bytes())
                .map_err(|_| BadTemplate::Call("$util.base64Decode of no Base64".to_owned()))?;
            write(out, &String::from_utf8_lossy(&decoded))
        }
    }
}

fn parse(path: &str) -> Result<JsonPath, BadTemplate> {
    JsonPath::parse(path).map_err(|error| BadTemplate::Call(error.to_string()))
}
