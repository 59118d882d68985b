//! The check that a value is a schema at all, by the schema of draft 4's schemas.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    budget::Budget,
    equal,
    keyword::{self, Form, Subschema},
    number,
    pattern::Pattern,
    rule::Types,
};

/// Finds the position where a value is no schema, as a JSON pointer. The reader of the value has bounded its depth.
pub(crate) fn find_flaw(schema: &Value) -> Option<String> {
    let Some(members) = schema.as_object() else {
        return Some(String::new());
    };
    let below = |subschema: Subschema<'_>| Some(subschema.path + &find_flaw(subschema.schema)?);
    flaw_of(members).or_else(|| all_subschemas(members).into_iter().find_map(below))
}

/// Finds the first schema in a schema that has keywords of its own invention, as a JSON pointer, and those keywords in
/// order.
pub(crate) fn find_unknown(schema: &Value) -> Option<(String, Vec<String>)> {
    let members = schema.as_object()?;
    let names = members.keys();
    let mut unknown: Vec<String> = names
        .filter(|name| keyword::form(name).is_none())
        .cloned()
        .collect();
    if !unknown.is_empty() {
        unknown.sort();
        return Some((String::new(), unknown));
    }
    all_subschemas(members).into_iter().find_map(|subschema| {
        let (pointer, unknown) = find_unknown(subschema.schema)?;
        Some((subschema.path + &pointer, unknown))
    })
}

/// True for a regular expression as JavaScript has them.
pub(crate) fn is_pattern(text: &str) -> bool {
    Pattern::is_one(text)
}

fn all_subschemas(members: &Map<String, Value>) -> Vec<Subschema<'_>> {
    members
        .iter()
        .flat_map(|(keyword, value)| keyword::subschemas(keyword, value))
        .collect()
}

/// Finds the position where one schema is wrong by itself, without the schemas within it.
pub(super) fn flaw_of(members: &Map<String, Value>) -> Option<String> {
    // SOURCE: draft 4: whether a limit itself is allowed cannot be said without the limit.
    for (exclusive, limit) in [
        ("exclusiveMaximum", "maximum"),
        ("exclusiveMinimum", "minimum"),
    ] {
        if members.contains_key(exclusive) && !members.contains_key(limit) {
            return Some(format!("/{exclusive}"));
        }
    }
    members.iter().find_map(|(keyword, value)| {
        let form = keyword::form(keyword)?;
        if let ("patternProperties", Value::Object(schemas)) = (keyword.as_str(), value)
            && let Some(name) = schemas.keys().find(|name| !Pattern::is_one(name))
        {
            return Some(format!("/{keyword}/{}", keyword::escape(name)));
        }
        if let (Form::Dependencies, Value::Object(needs)) = (form, value) {
            let is_wrong = |need: &Value| !need.is_object() && !are_names(need);
            let (name, _) = needs.iter().find(|(_, need)| is_wrong(need))?;
            return Some(format!("/{keyword}/{}", keyword::escape(name)));
        }
        (!has_form(value, form)).then(|| format!("/{keyword}"))
    })
}

fn has_form(value: &Value, form: Form) -> bool {
    match form {
        Form::Anything => true,
        Form::Text | Form::Reference => value.is_string(),
        Form::Pattern => value.as_str().is_some_and(Pattern::is_one),
        Form::Flag => value.is_boolean(),
        Form::Number => value.is_number(),
        Form::Positive => value.as_f64().is_some_and(|number| number > 0.0),
        Form::Count => value
            .as_number()
            .is_some_and(|it| number::count(it).is_some()),
        Form::Types => match value {
            Value::Array(names) => {
                let are_types = names.iter().all(|name| Types::named(name).is_some());
                are_types && are_names(value)
            }
            name => Types::named(name).is_some(),
        },
        Form::Names => are_names(value),
        Form::Values => value.as_array().is_some_and(|values| {
            !values.is_empty() && equal::are_unique(values, &mut Budget::endless()) == Ok(true)
        }),
        Form::SchemaOrFlag => value.is_object() || value.is_boolean(),
        Form::SchemaOrList => value.is_object() || is_filled(value),
        Form::List => is_filled(value),
        Form::Schema | Form::ByName | Form::Dependencies => value.is_object(),
    }
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|values| !values.is_empty())
}

/// True when a value is a list of texts, one at least, and each once.
fn are_names(value: &Value) -> bool {
    let mut seen = HashSet::new();
    let mut is_new = |name: &Value| {
        name.as_str()
            .map(str::to_owned)
            .is_some_and(|it| seen.insert(it))
    };
    is_filled(value) && value.as_array().into_iter().flatten().all(&mut is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &str, flaw: Option<&str>) {
        let value = serde_json::from_str(schema).unwrap();
        assert_eq!(find_flaw(&value).as_deref(), flaw, "{schema}");
    }

    #[test]
    fn what_draft_4_allows_is_a_schema() {
        for schema in [
            "{}",
            r##"{"$ref":"#/nowhere","$schema":"any","id":"any","title":"","description":"","default":[1]}"##,
            r#"{"type":["string","null"]}"#,
            r#"{"type":"integer","multipleOf":0.1,"maximum":-1.5,"exclusiveMaximum":false,"minimum":0}"#,
            r#"{"maxLength":0,"minLength":3,"pattern":"^(?!a)\\d+$","format":"of my own"}"#,
            r#"{"maxItems":1,"minItems":2,"uniqueItems":true,"items":{},"additionalItems":false}"#,
            r#"{"items":[{},{}],"additionalItems":{"items":{}}}"#,
            r#"{"maxProperties":1e30,"minProperties":0,"required":["a"],"additionalProperties":true}"#,
            r#"{"properties":{"$ref":{},"type":{}},"patternProperties":{"^a|b$":{}},"definitions":{}}"#,
            r#"{"dependencies":{"a":["b"],"c":{}},"enum":[null],"allOf":[{}],"anyOf":[{}],"oneOf":[{}],"not":{}}"#,
            r#"{"enum":[1,true,"1",{"a":1},{"a":2}],"example":{"type":5}}"#,
            // Too large for any gateway, but a pattern.
            r#"{"pattern":"(\\w{200}){200}"}"#,
        ] {
            check(schema, None);
        }
    }

    #[test]
    fn what_draft_4_does_not_allow_is_found_at_its_place() {
        for (schema, pointer) in [
            ("[]", ""),
            (r#"{"$ref":5}"#, "/$ref"),
            (r#"{"id":1}"#, "/id"),
            (r#"{"type":"text"}"#, "/type"),
            (r#"{"type":[]}"#, "/type"),
            (r#"{"type":["null","null"]}"#, "/type"),
            (r#"{"multipleOf":0}"#, "/multipleOf"),
            (r#"{"maximum":"1"}"#, "/maximum"),
            (r#"{"exclusiveMinimum":true}"#, "/exclusiveMinimum"),
            (r#"{"minimum":1,"exclusiveMinimum":1}"#, "/exclusiveMinimum"),
            (r#"{"maxLength":-1}"#, "/maxLength"),
            (r#"{"minItems":1.0}"#, "/minItems"),
            (r#"{"pattern":"("}"#, "/pattern"),
            (r#"{"pattern":"a{2,1}"}"#, "/pattern"),
            (r#"{"pattern":"\\Z"}"#, "/pattern"),
            (r#"{"format":1}"#, "/format"),
            (r#"{"items":true}"#, "/items"),
            (r#"{"items":[]}"#, "/items"),
            (r#"{"items":[{},1]}"#, "/items/1"),
            (r#"{"additionalItems":1}"#, "/additionalItems"),
            (r#"{"uniqueItems":"yes"}"#, "/uniqueItems"),
            (r#"{"required":[]}"#, "/required"),
            (r#"{"required":true}"#, "/required"),
            (r#"{"required":["a","a"]}"#, "/required"),
            (
                r#"{"properties":{"a/b":{"minLength":"1"}}}"#,
                "/properties/a~1b/minLength",
            ),
            (r#"{"properties":[]}"#, "/properties"),
            (
                r#"{"patternProperties":{"^a":{},"(/":{}}}"#,
                "/patternProperties/(~1",
            ),
            (r#"{"definitions":{"a":1}}"#, "/definitions/a"),
            (r#"{"dependencies":{"a":[]}}"#, "/dependencies/a"),
            (
                r#"{"dependencies":{"a":{"not":[]}}}"#,
                "/dependencies/a/not",
            ),
            (r#"{"enum":[]}"#, "/enum"),
            (r#"{"enum":[1,"a",1]}"#, "/enum"),
            (r#"{"enum":[{"a":1,"b":2},{"b":2,"a":1}]}"#, "/enum"),
            (r#"{"allOf":[]}"#, "/allOf"),
            (r#"{"anyOf":{}}"#, "/anyOf"),
            (r#"{"oneOf":[{"not":1}]}"#, "/oneOf/0/not"),
        ] {
            check(schema, Some(pointer));
        }
    }

    #[test]
    fn a_keyword_of_ones_own_is_found_at_its_place() {
        let find = |schema: &str| find_unknown(&serde_json::from_str(schema).unwrap());
        assert_eq!(
            find(r#"{"default":{"a":1},"enum":[{"b":1}],"properties":{"example":{}}}"#),
            None
        );
        let found = find(r#"{"anyOf":[{},{"not":{"then":1,"if":1}}]}"#);
        let unknown = ["if", "then"].map(str::to_owned).to_vec();
        assert_eq!(found, Some(("/anyOf/1/not".to_owned(), unknown)));
    }
}
