//! The keywords of draft 4, the form of their values, and the schemas that stand under them.

use std::borrow::Cow;

use serde_json::Value;

/// The value that a keyword has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Anything,
    Text,
    Reference,
    Pattern,
    Flag,
    Number,
    /// A number above 0.
    Positive,
    /// An integer from 0 on.
    Count,
    /// The name of a type, or a list of them.
    Types,
    /// A list of names, of which there is one at least, and each once.
    Names,
    /// A list of values, of which there is one at least, and each once.
    Values,
    Schema,
    SchemaOrFlag,
    /// One schema, or a list of them.
    SchemaOrList,
    List,
    ByName,
    /// A schema or a list of names, by name.
    Dependencies,
}

/// Returns the form of a keyword; nothing for what draft 4 does not define.
pub(super) fn form(keyword: &str) -> Option<Form> {
    Some(match keyword {
        "default" => Form::Anything,
        "$schema" | "description" | "format" | "id" | "title" => Form::Text,
        "$ref" => Form::Reference,
        "pattern" => Form::Pattern,
        "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" => Form::Flag,
        "maximum" | "minimum" => Form::Number,
        "multipleOf" => Form::Positive,
        "maxItems" | "maxLength" | "maxProperties" | "minItems" | "minLength" | "minProperties" => {
            Form::Count
        }
        "type" => Form::Types,
        "required" => Form::Names,
        "enum" => Form::Values,
        "not" => Form::Schema,
        "additionalItems" | "additionalProperties" => Form::SchemaOrFlag,
        "items" => Form::SchemaOrList,
        "allOf" | "anyOf" | "oneOf" => Form::List,
        "definitions" | "patternProperties" | "properties" => Form::ByName,
        "dependencies" => Form::Dependencies,
        _ => return None,
    })
}

/// The value that a subschema is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppliesTo {
    /// The value that the schema itself is held against.
    Same,
    /// A part of that value.
    Within,
    /// Nothing, unless a reference leads to it.
    Nothing,
}

/// A schema within another.
#[derive(Debug)]
pub(super) struct Subschema<'v> {
    /// From the schema around it, as a JSON pointer.
    pub(super) path: String,
    pub(super) schema: &'v Value,
    pub(super) applies_to: AppliesTo,
}

/// Returns the schemas that stand under a keyword, whether or not they are any.
pub(super) fn subschemas<'v>(keyword: &str, value: &'v Value) -> Vec<Subschema<'v>> {
    let applies_to = match keyword {
        "definitions" => AppliesTo::Nothing,
        "allOf" | "anyOf" | "oneOf" | "not" | "dependencies" => AppliesTo::Same,
        _ => AppliesTo::Within,
    };
    let subschema = |path: String, schema| Subschema {
        path,
        schema,
        applies_to,
    };
    match (form(keyword), value) {
        (Some(Form::SchemaOrFlag), Value::Bool(_)) => Vec::new(),
        (Some(Form::List | Form::SchemaOrList), Value::Array(schemas)) => {
            let schemas = schemas.iter().enumerate();
            schemas
                .map(|(idx, schema)| subschema(format!("/{keyword}/{idx}"), schema))
                .collect()
        }
        (Some(Form::Schema | Form::SchemaOrFlag | Form::SchemaOrList), schema) => {
            vec![subschema(format!("/{keyword}"), schema)]
        }
        (Some(Form::ByName | Form::Dependencies), Value::Object(schemas)) => {
            let is_names = |schema: &Value| keyword == "dependencies" && schema.is_array();
            let schemas = schemas.iter().filter(|(_, schema)| !is_names(schema));
            schemas
                .map(|(name, schema)| subschema(format!("/{keyword}/{}", escape(name)), schema))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a name as a step of a JSON pointer.
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        name.replace('~', "~0").replace('/', "~1").into()
    } else {
        name.into()
    }
}
