//! One pass over a message, which tells whether it is what a schema describes, and the first rule that it breaks.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::{
    budget::{Budget, Spent},
    compile::Schema,
    equal::{self, STEP_BYTES},
    number::{self, Decimal},
    rule::{Members, Need, Rest, Rule},
};

/// Nodes on one way, each of which is a call within the other: the reader lets a message be 127 values deep.
const MOST_DEPTH: u32 = 1024;
/// Steps that it takes to remember what became of a value.
const MEMO_STEPS: usize = 32;
/// Steps of a division in decimals.
const DIVISION_STEPS: usize = 16;

/// The reason why a message is not what a schema describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// The message breaks the rule here, by a JSON pointer after the name of the document if it is another one.
    Broken(String),
    /// The message is too long or too deep for such a schema, and was not judged.
    TooMuch,
}

/// A rule that does not hold.
#[derive(Debug, Clone, Copy)]
struct Broken {
    node: usize,
    keyword: &'static str,
}

/// The reason why the pass ends.
enum Stop {
    Broken(Broken),
    TooMuch,
}

impl From<Spent> for Stop {
    fn from(Spent: Spent) -> Self {
        Self::TooMuch
    }
}

impl Schema {
    /// Checks that a message is what the schema describes.
    pub(crate) fn check(&self, message: &Value) -> Result<(), Misfit> {
        let mut walk = Walk {
            schema: self,
            budget: Budget::of_a_message(),
            depth: 0,
            known: HashMap::new(),
        };
        walk.node(0, message).map_err(|stop| match stop {
            Stop::Broken(Broken { node, keyword }) => {
                Misfit::Broken(self.rule_pointer(node, keyword))
            }
            Stop::TooMuch => Misfit::TooMuch,
        })
    }
}

struct Walk<'s> {
    schema: &'s Schema,
    budget: Budget,
    depth: u32,
    /// The outcome for a value, by its address, at a node that references lead to: without it a schema that refers to
    /// itself twice would double the work with each level of the message.
    known: HashMap<(usize, *const Value), Result<(), Broken>>,
}

impl<'s> Walk<'s> {
    fn node(&mut self, idx: usize, value: &Value) -> Result<(), Stop> {
        self.budget.spend(1)?;
        let schema = self.schema;
        let Some(node) = schema.nodes.get(idx) else {
            return Ok(());
        };
        if self.depth >= MOST_DEPTH {
            return Err(Stop::TooMuch);
        }
        let key = (idx, std::ptr::from_ref(value));
        if node.is_shared {
            self.budget.spend(MEMO_STEPS)?;
            if let Some(known) = self.known.get(&key) {
                return known.map_err(Stop::Broken);
            }
        }
        self.depth += 1;
        let outcome = node
            .rules
            .iter()
            .try_for_each(|rule| self.rule(idx, rule, value));
        self.depth -= 1;
        if node.is_shared {
            let known = match outcome {
                Ok(()) => Ok(()),
                Err(Stop::Broken(broken)) => Err(broken),
                Err(Stop::TooMuch) => return Err(Stop::TooMuch),
            };
            self.known.insert(key, known);
        }
        outcome
    }

    fn rule(&mut self, idx: usize, rule: &'s Rule, value: &Value) -> Result<(), Stop> {
        self.budget.spend(1)?;
        match (rule, value) {
            (Rule::Reference(target), _) => self.node(*target, value),
            (Rule::Items(node), Value::Array(elements)) => elements
                .iter()
                .try_for_each(|element| self.node(*node, element)),
            (Rule::Tuple(nodes, rest), Value::Array(elements)) => {
                self.tuple(idx, nodes, *rest, elements)
            }
            (Rule::Members(held), Value::Object(members)) => self.members(idx, held, members),
            (Rule::Dependencies(needs), Value::Object(members)) => {
                self.dependencies(idx, needs, value, members)
            }
            (Rule::AllOf(nodes), _) => nodes.iter().try_for_each(|node| self.node(*node, value)),
            _ if self.holds(rule, value)? && self.kind_holds(rule, value)? => Ok(()),
            _ => broken(idx, rule.keyword()),
        }
    }

    /// True when a value keeps a rule that does not go down into it, as far as its kind is told apart here.
    fn holds(&mut self, rule: &'s Rule, value: &Value) -> Result<bool, Stop> {
        Ok(match (rule, value) {
            (Rule::AnyOf(nodes), _) => self.fitting(nodes, value, 1)? > 0,
            (Rule::OneOf(nodes), _) => self.fitting(nodes, value, 2)? == 1,
            (Rule::Not(node), _) => self.fitting(&[*node], value, 1)? == 0,
            (_, Value::Number(number)) => number_holds(rule, number, &mut self.budget)?,
            (_, Value::String(text)) => self.text_holds(rule, text)?,
            (_, Value::Array(elements)) => self.list_holds(rule, elements)?,
            (_, Value::Object(members)) => self.object_holds(rule, members)?,
            _ => true,
        })
    }

    fn tuple(
        &mut self,
        idx: usize,
        nodes: &[usize],
        rest: Rest,
        elements: &[Value],
    ) -> Result<(), Stop> {
        for (element_idx, element) in elements.iter().enumerate() {
            match (nodes.get(element_idx).copied(), rest) {
                (Some(node), _) | (None, Rest::Held(node)) => self.node(node, element)?,
                (None, Rest::Free) => break,
                (None, Rest::Forbidden) => return broken(idx, "additionalItems"),
            }
        }
        Ok(())
    }

    /// Holds what is flat first: it often tells one kind of message from another.
    fn members(
        &mut self,
        idx: usize,
        held: &'s Members,
        members: &Map<String, Value>,
    ) -> Result<(), Stop> {
        self.budget.spend(members.len() / 4)?;
        let is_flat = |value: &Value| !value.is_object() && !value.is_array();
        let flat = members.iter().filter(|(_, value)| is_flat(value));
        let deep = members.iter().filter(|(_, value)| !is_flat(value));
        let mut all = flat.chain(deep);
        all.try_for_each(|(name, value)| self.member(idx, held, name, value))
    }

    /// Counts the nodes that a value fits, up to `most`.
    fn fitting(&mut self, nodes: &[usize], value: &Value, most: usize) -> Result<usize, Spent> {
        let mut n_fitting = 0;
        for node in nodes {
            match self.node(*node, value) {
                Ok(()) => n_fitting += 1,
                Err(Stop::Broken(_)) => {}
                Err(Stop::TooMuch) => return Err(Spent),
            }
            if n_fitting == most {
                break;
            }
        }
        Ok(n_fitting)
    }

    fn member(
        &mut self,
        idx: usize,
        held: &'s Members,
        name: &str,
        value: &Value,
    ) -> Result<(), Stop> {
        self.budget.spend(1 + name.len() / STEP_BYTES)?;
        let mut is_named = false;
        if let Some(node) = held.named.get(name) {
            is_named = true;
            self.node(*node, value)?;
        }
        for (pattern, node) in &held.patterns {
            if pattern.is_in(name, &mut self.budget)? {
                is_named = true;
                self.node(*node, value)?;
            }
        }
        match held.rest {
            Rest::Held(node) if !is_named => self.node(node, value),
            Rest::Forbidden if !is_named => broken(idx, "additionalProperties"),
            _ => Ok(()),
        }
    }

    fn dependencies(
        &mut self,
        idx: usize,
        needs: &'s [(String, Need)],
        value: &Value,
        members: &Map<String, Value>,
    ) -> Result<(), Stop> {
        for (name, need) in needs {
            if !has(members, name, &mut self.budget)? {
                continue;
            }
            match need {
                Need::Schema(node) => self.node(*node, value)?,
                Need::Names(names) => {
                    if !has_all(members, names, &mut self.budget)? {
                        return broken(idx, "dependencies");
                    }
                }
            }
        }
        Ok(())
    }

    /// True when a rule for values of all kinds holds.
    fn kind_holds(&mut self, rule: &Rule, value: &Value) -> Result<bool, Spent> {
        match rule {
            Rule::Type(types) => Ok(types.have(value)),
            Rule::Enum(values) => {
                for allowed in values {
                    if equal::same(allowed, value, &mut self.budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    fn text_holds(&mut self, rule: &Rule, text: &str) -> Result<bool, Spent> {
        let budget = &mut self.budget;
        Ok(match rule {
            Rule::MaxLength(limit) => length(text, budget)? <= *limit,
            Rule::MinLength(limit) => length(text, budget)? >= *limit,
            Rule::Pattern(pattern) => pattern.is_in(text, budget)?,
            Rule::Format(has_format) => {
                budget.spend(text.len())?;
                has_format(text)
            }
            _ => true,
        })
    }

    fn list_holds(&mut self, rule: &Rule, elements: &[Value]) -> Result<bool, Spent> {
        Ok(match rule {
            Rule::MaxItems(limit) => size(elements.len()) <= *limit,
            Rule::MinItems(limit) => size(elements.len()) >= *limit,
            Rule::UniqueItems => equal::are_unique(elements, &mut self.budget)?,
            _ => true,
        })
    }

    fn object_holds(&mut self, rule: &Rule, members: &Map<String, Value>) -> Result<bool, Spent> {
        Ok(match rule {
            Rule::MaxProperties(limit) => size(members.len()) <= *limit,
            Rule::MinProperties(limit) => size(members.len()) >= *limit,
            Rule::Required(names) => has_all(members, names, &mut self.budget)?,
            _ => true,
        })
    }
}

/// True when a rule for numbers holds.
fn number_holds(rule: &Rule, value: &Number, budget: &mut Budget) -> Result<bool, Spent> {
    Ok(match rule {
        Rule::MultipleOf(unit) => {
            budget.spend(DIVISION_STEPS)?;
            Decimal::of(value).is_multiple_of(*unit)
        }
        Rule::Maximum {
            limit,
            is_exclusive,
        } => {
            let order = number::compare(value, limit);
            order.is_lt() || order.is_eq() && !is_exclusive
        }
        Rule::Minimum {
            limit,
            is_exclusive,
        } => {
            let order = number::compare(value, limit);
            order.is_gt() || order.is_eq() && !is_exclusive
        }
        _ => true,
    })
}

/// Characters of a text.
fn length(text: &str, budget: &mut Budget) -> Result<u64, Spent> {
    budget.spend(text.len() / STEP_BYTES)?;
    Ok(size(text.chars().count()))
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn broken(node: usize, keyword: &'static str) -> Result<(), Stop> {
    Err(Stop::Broken(Broken { node, keyword }))
}

fn has_all(
    members: &Map<String, Value>,
    names: &[String],
    budget: &mut Budget,
) -> Result<bool, Spent> {
    for name in names {
        if !has(members, name, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has(members: &Map<String, Value>, name: &str, budget: &mut Budget) -> Result<bool, Spent> {
    budget.spend(2 + name.len() / STEP_BYTES)?;
    Ok(members.contains_key(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compile(schema: &Value) -> Schema {
        Schema::compile(schema, &|_| None).unwrap()
    }

    /// Checks messages under one schema: each is right, or breaks the rule at the position beside it.
    #[track_caller]
    fn check(schema: &str, messages: &[(&str, &str)]) {
        let schema = serde_json::from_str(schema).unwrap();
        let compiled = compile(&schema);
        for (message, rule) in messages {
            let judged = compiled.check(&serde_json::from_str(message).unwrap());
            let expected = match *rule {
                "" => Ok(()),
                rule => Err(Misfit::Broken(rule.to_owned())),
            };
            assert_eq!(judged, expected, "{schema} {message}");
        }
    }

    #[test]
    fn any_value_has_a_type_and_may_be_one_of_several() {
        check("{}", &[("null", ""), ("[{}]", "")]);
        check(r#"{"type":"null"}"#, &[("null", ""), ("0", "/type")]);
        check(r#"{"type":"boolean"}"#, &[("false", ""), ("null", "/type")]);
        check(
            r#"{"type":"number"}"#,
            &[("1", ""), ("1.5", ""), ("\"1\"", "/type")],
        );
        check(
            r#"{"type":"integer"}"#,
            &[("-1", ""), ("1.0", "/type"), ("1e2", "/type")],
        );
        check(
            r#"{"type":["array","string"]}"#,
            &[("[]", ""), ("\"\"", ""), ("{}", "/type")],
        );
        check(
            r#"{"enum":[1,{"a":[2]}]}"#,
            &[("1.0", ""), (r#"{"a":[2.0]}"#, ""), ("\"1\"", "/enum")],
        );
    }

    #[test]
    fn numbers_are_held_to_limits() {
        check(
            r#"{"multipleOf":0.01}"#,
            &[("19.99", ""), ("0.075", "/multipleOf"), ("\"a\"", "")],
        );
        check(r#"{"maximum":3}"#, &[("3.0", ""), ("3.1", "/maximum")]);
        check(
            r#"{"maximum":3,"exclusiveMaximum":true}"#,
            &[("2.9", ""), ("3", "/exclusiveMaximum")],
        );
        check(
            r#"{"minimum":-1,"exclusiveMinimum":false}"#,
            &[("-1", ""), ("-2", "/minimum")],
        );
        check(
            r#"{"minimum":18446744073709551615,"exclusiveMinimum":true}"#,
            &[("1e20", ""), ("18446744073709551615", "/exclusiveMinimum")],
        );
    }

    #[test]
    fn texts_are_held_to_lengths_patterns_and_formats() {
        check(
            r#"{"maxLength":2}"#,
            &[("\"éé\"", ""), ("\"abc\"", "/maxLength"), ("100", "")],
        );
        check(
            r#"{"minLength":2}"#,
            &[("\"ab\"", ""), ("\"é\"", "/minLength")],
        );
        check(
            r#"{"pattern":"b+"}"#,
            &[("\"abc\"", ""), ("\"ac\"", "/pattern"), ("1", "")],
        );
        check(
            r#"{"format":"ipv4"}"#,
            &[("\"10.0.0.1\"", ""), ("\"10\"", "/format"), ("1", "")],
        );
        check(r#"{"format":"of my own"}"#, &[("\"any\"", "")]);
    }

    #[test]
    fn lists_are_held_to_their_elements() {
        check(
            r#"{"items":{"type":"null"}}"#,
            &[("[null]", ""), ("[null,1]", "/items/type"), ("{}", "")],
        );
        check(
            r#"{"items":[{"type":"null"},{}],"additionalItems":false}"#,
            &[
                ("[null]", ""),
                ("[1]", "/items/0/type"),
                ("[null,1,2]", "/additionalItems"),
            ],
        );
        check(
            r#"{"items":[{}],"additionalItems":{"type":"null"}}"#,
            &[("[1,null]", ""), ("[1,null,2]", "/additionalItems/type")],
        );
        check(r#"{"additionalItems":false}"#, &[("[1]", "")]);
        check(
            r#"{"maxItems":1,"minItems":1}"#,
            &[("[1]", ""), ("[]", "/minItems"), ("[1,2]", "/maxItems")],
        );
        check(
            r#"{"uniqueItems":true}"#,
            &[("[1,true]", ""), ("[1,1.0]", "/uniqueItems")],
        );
        check(r#"{"uniqueItems":false}"#, &[("[1,1]", "")]);
    }

    #[test]
    fn objects_are_held_to_their_members() {
        check(
            r#"{"required":["a","b"]}"#,
            &[
                (r#"{"b":0,"a":0}"#, ""),
                (r#"{"a":0}"#, "/required"),
                ("1", ""),
            ],
        );
        check(
            r#"{"maxProperties":1,"minProperties":1}"#,
            &[
                (r#"{"a":0}"#, ""),
                ("{}", "/minProperties"),
                (r#"{"a":0,"b":0}"#, "/maxProperties"),
            ],
        );
        check(
            r#"{"properties":{"a/b":{"type":"null"}},"patternProperties":{"^x":{"enum":[1]}},"additionalProperties":false}"#,
            &[
                (r#"{"a/b":null,"x1":1}"#, ""),
                (r#"{"a/b":1}"#, "/properties/a~1b/type"),
                (r#"{"xy":2}"#, "/patternProperties/^x/enum"),
                (r#"{"y":2}"#, "/additionalProperties"),
            ],
        );
        check(
            r#"{"properties":{"xa":{}},"patternProperties":{"^x":{"enum":[1]}},"additionalProperties":{"type":"null"}}"#,
            &[
                (r#"{"xa":1,"b":null}"#, ""),
                (r#"{"xa":2}"#, "/patternProperties/^x/enum"),
                (r#"{"b":1}"#, "/additionalProperties/type"),
            ],
        );
        check(
            r#"{"dependencies":{"a":["b"],"c":{"required":["d"]}}}"#,
            &[
                (r#"{"b":0}"#, ""),
                (r#"{"a":0,"b":0,"c":0,"d":0}"#, ""),
                (r#"{"a":0}"#, "/dependencies"),
                (r#"{"c":0}"#, "/dependencies/c/required"),
            ],
        );
    }

    #[test]
    fn schemas_are_combined() {
        check(
            r#"{"allOf":[{"minimum":1},{"maximum":2}]}"#,
            &[
                ("1", ""),
                ("0", "/allOf/0/minimum"),
                ("3", "/allOf/1/maximum"),
            ],
        );
        check(
            r#"{"anyOf":[{"minimum":3},{"type":"integer"}]}"#,
            &[("1", ""), ("3.5", ""), ("1.5", "/anyOf")],
        );
        check(
            r#"{"oneOf":[{"minimum":3},{"type":"integer"}]}"#,
            &[("1", ""), ("3.5", ""), ("1.5", "/oneOf"), ("4", "/oneOf")],
        );
        check(r#"{"not":{"type":"null"}}"#, &[("1", ""), ("null", "/not")]);
    }

    #[test]
    fn a_reference_leads_to_a_place_and_stands_for_all_beside_it() {
        check(
            r##"{"definitions":{"a/b":{"%c":{"type":"null"}},"d":{"$ref":"#/definitions/a~1b/%25c","enum":[1]}},"items":{"$ref":"#/definitions/d"}}"##,
            &[("[null]", ""), ("[1]", "/definitions/a~1b/%c/type")],
        );
        check(
            r##"{"properties":{"$ref":{"enum":["#"]},"x":{"$ref":"#"}},"additionalProperties":false}"##,
            &[
                (r##"{"x":{"x":{"$ref":"#"}}}"##, ""),
                (r#"{"x":{"x":{"$ref":1}}}"#, "/properties/$ref/enum"),
                (r#"{"x":{"y":1}}"#, "/additionalProperties"),
            ],
        );
    }

    #[test]
    fn what_is_told_at_once_is_told_first() {
        check(
            r#"{"anyOf":[{"type":"null"}],"properties":{"list":{"type":"null"},"kind":{"enum":[1]}},"required":["kind"]}"#,
            &[
                (r#"{"list":[]}"#, "/required"),
                (r#"{"list":[],"kind":2}"#, "/properties/kind/enum"),
                (r#"{"list":null,"kind":1}"#, "/anyOf"),
            ],
        );
    }

    /// Returns a message as long as one may be: a list of so many kinds of things.
    fn long_list() -> Value {
        let thing = |idx: u32| json!({"kind": "k49", "id": idx, "text": "hello", "tags": [1, 2]});
        let things: Vec<Value> = (0..2200).map(thing).collect();
        assert!(Value::from(things.clone()).to_string().len() > 110_000);
        json!({"list": things})
    }

    #[test]
    fn a_long_message_is_judged_by_an_ordinary_schema() {
        let kind = |idx: u32| {
            json!({
                "type": "object",
                "properties": {
                    "tags": {"type": "array", "items": {"type": "integer"}, "uniqueItems": true},
                    "id": {"type": "integer", "minimum": 0},
                    "text": {"type": "string", "maxLength": 100, "pattern": "^[a-z ]*$"},
                    "kind": {"enum": [format!("k{idx}")]},
                },
                "required": ["kind", "id"],
                "additionalProperties": false,
            })
        };
        let kinds: Vec<Value> = (0..50).map(kind).collect();
        let schema = json!({"properties": {"list": {"type": "array", "items": {"oneOf": kinds}}}});
        assert_eq!(compile(&schema).check(&long_list()), Ok(()));
        let flat =
            json!({"items": {"type": "integer", "minimum": 0, "maximum": 9, "enum": [1, 2]}});
        assert_eq!(compile(&flat).check(&json!(vec![1; 64_000])), Ok(()));
        let tree = json!({"items": {"$ref": "#"}, "maxItems": 64_000, "uniqueItems": false});
        assert_eq!(compile(&tree).check(&json!(vec![1; 64_000])), Ok(()));
    }

    #[test]
    fn no_schema_looks_at_a_message_for_ever() {
        let too_much = |schema: Value, message: &Value| {
            let judged = compile(&schema).check(message);
            assert_eq!(judged, Err(Misfit::TooMuch), "{schema}");
        };
        let numbers = json!(vec![1; 64_000]);
        // Each of these is refuted at the end only.
        let steep = json!({"items": {"minimum": 0, "enum": [1]}, "not": {"type": "array"}});
        too_much(json!({"oneOf": vec![steep.clone(); 50]}), &numbers);
        let within = json!({"anyOf": vec![json!({"anyOf": vec![steep; 20]}); 20]});
        too_much(json!({"properties": {"a": within}}), &json!({"a": numbers}));
        // What a `not` turns round is refused as well.
        let costly = json!({"items": {"enum": (2..1000).collect::<Vec<_>>()}});
        too_much(
            json!({"not": {"items": {"not": costly["items"]}, "minItems": 1}}),
            &numbers,
        );
        let patterns = (0..300).map(|idx| (format!("a*a*{idx}$"), json!({})));
        let patterns: Map<String, Value> = patterns.collect();
        let members = (0..12_000).map(|idx| (idx.to_string(), json!(1)));
        let members: Map<String, Value> = members.collect();
        too_much(json!({"patternProperties": patterns}), &members.into());
    }
}
