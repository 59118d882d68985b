//! Models: the JSON Schema of a message, by a name that routes call it, and the sample of a mapping template for one.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    call::Call,
    check,
    error::ApiError,
    ids,
    parts::{self, Home, Part},
    wire::Reply,
};
use crate::gateway::store::{
    Draft,
    record::{ApiRecord, ModelRecord},
};

/// SOURCE: the service model: characters of a schema.
const SCHEMA_CHARS: (usize, usize) = (0, 32_768);

/// What a model is made from or changed with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ModelInput {
    pub(crate) name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) schema: Option<String>,
}

/// A model on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    model_id: String,
    name: String,
    schema: String,
}

/// A mapping template on the wire.
#[derive(Debug, Serialize)]
struct TemplateOutput {
    value: String,
}

impl Part for ModelRecord {
    type Input = ModelInput;
    type Output = ModelOutput;

    const KIND: &'static str = "Model";
    const LABEL: &'static str = "modelId";

    fn add(draft: &mut Draft<'_>, home: &Home, input: &ModelInput) -> Result<Self, ApiError> {
        check::required("name", input.name.as_ref())?;
        check::required("schema", input.schema.as_ref())?;
        let blank = Self {
            model_id: ids::fresh::<Self>(draft, &home.parent, ids::MODEL)?,
            name: String::new(),
            content_type: None,
            description: None,
            schema: String::new(),
        };
        blank.change(draft, home, input)
    }

    fn change(
        mut self,
        draft: &mut Draft<'_>,
        home: &Home,
        input: &ModelInput,
    ) -> Result<Self, ApiError> {
        check_members(input)?;
        if let Some(name) = &input.name {
            self.name.clone_from(name);
        }
        if let Some(schema) = &input.schema {
            self.schema.clone_from(schema);
        }
        check::patch(&mut self.content_type, input.content_type.as_ref());
        check::patch(&mut self.description, input.description.as_ref());
        if input.schema.is_some() && home.api.disable_schema_validation != Some(true) {
            check_schema(&self).map_err(ApiError::bad_request)?;
        }
        if parts::is_taken(draft, &home.parent, &self, |it| &it.name)? {
            // GUESS: in the words of a route key that is taken.
            return Err(ApiError::conflict(format!(
                "Model with name {} already exists for this API",
                self.name
            )));
        }
        draft.put(&home.parent, &self)?;
        Ok(self)
    }

    fn show(self) -> ModelOutput {
        ModelOutput {
            content_type: self.content_type,
            description: self.description,
            model_id: self.model_id,
            name: self.name,
            schema: self.schema,
        }
    }
}

/// Makes a model.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &ModelInput,
) -> Result<ModelRecord, ApiError> {
    ModelRecord::add(draft, &Home::of(api), input)
}

/// The sample of a mapping template that makes a payload of the model's form.
pub(super) fn template(call: &Call) -> Result<Reply, ApiError> {
    let model = parts::read::<ModelRecord>(call)?;
    let schema = serde_json::from_str(&model.schema).unwrap_or(Value::Null);
    let mut value = "#set($inputRoot = $input.path('$'))\n".to_owned();
    sample(&mut value, &schema, "", "$inputRoot");
    value.push('\n');
    Ok(Reply::json(&TemplateOutput { value }))
}

/// Why a schema is none that messages could be held to.
///
/// SOURCE: seen for REST APIs: what the schema of draft 4 does not allow, such as an empty `required`, is refused when the
/// model is made. The service model says that it is looked at again when it is deployed. GUESS: the texts.
pub(super) fn check_schema(model: &ModelRecord) -> Result<(), String> {
    let invalid = |what: &str| Err(format!("Invalid model schema of {}: {what}", model.name));
    let schema = match serde_json::from_str::<Value>(&model.schema) {
        Ok(schema) => schema,
        // The reader has no other sign of it than its words.
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => {
            return invalid("it is nested too deeply");
        }
        Err(_) => return invalid("it is not JSON"),
    };
    if !schema.is_object() {
        return invalid("it must be an object");
    }
    match jsonschema::draft4::meta::validate(&schema) {
        Ok(()) => Ok(()),
        Err(error) => invalid(&format!(
            "it is not what draft 4 of JSON Schema allows, at {}",
            error.instance_path()
        )),
    }
}

fn check_members(input: &ModelInput) -> Result<(), ApiError> {
    check::length("name", input.name.as_ref(), (1, 128))?;
    // SOURCE: the service model: a name must be alphanumeric. GUESS: the text.
    let is_name = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(name) = input.name.as_ref().filter(|name| !is_name(name)) {
        return Err(ApiError::bad_request(format!(
            "Invalid model name specified: {name}. It must be alphanumeric"
        )));
    }
    check::length("contentType", input.content_type.as_ref(), (0, 256))?;
    check::description(input.description.as_ref())?;
    check::length("schema", input.schema.as_ref(), SCHEMA_CHARS)
}

/// Appends a value of the form that a schema describes. The reader of the schema has bounded its depth.
// GUESS: version 1's samples: `foo`, 42 and true, and a loop around what an array holds.
fn sample(out: &mut String, schema: &Value, indent: &str, place: &str) {
    let deeper = format!("{indent}  ");
    match schema["type"].as_str() {
        Some("array") => {
            out.push_str("[\n");
            // Writing to a string cannot fail.
            let _infallible = writeln!(out, "#foreach($elem in {place})");
            out.push_str(&deeper);
            sample(out, &schema["items"], &deeper, "$elem");
            let _infallible = write!(out, "#if($foreach.hasNext),#end\n#end\n{indent}]");
        }
        Some("string") => out.push_str("\"foo\""),
        Some("integer" | "number") => out.push_str("42"),
        Some("boolean") => out.push_str("true"),
        Some("null") => out.push_str("null"),
        _ => {
            let Some(members) = schema["properties"].as_object().filter(|it| !it.is_empty()) else {
                out.push_str("{}");
                return;
            };
            out.push('{');
            for (idx, (name, schema)) in members.iter().enumerate() {
                let comma = if idx == 0 { "" } else { "," };
                let name_as_text = Value::from(name.as_str());
                let _infallible = write!(out, "{comma}\n{deeper}{name_as_text} : ");
                sample(out, schema, &deeper, &format!("{place}.{name}"));
            }
            let _infallible = write!(out, "\n{indent}}}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_sample(schema: &str, expected: &str) {
        let mut out = String::new();
        sample(
            &mut out,
            &serde_json::from_str(schema).unwrap(),
            "",
            "$inputRoot",
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn a_sample_has_the_form_of_its_schema() {
        check_sample("{}", "{}");
        check_sample(r#"{"type":"boolean"}"#, "true");
        check_sample(
            r#"{"type":"object","properties":{"a \"b":{"type":"string"},"n":{"type":"integer"}}}"#,
            "{\n  \"a \\\"b\" : \"foo\",\n  \"n\" : 42\n}",
        );
        check_sample(
            r#"{"properties":{"list":{"type":"array","items":{"type":"null"}}}}"#,
            "{\n  \"list\" : [\n#foreach($elem in $inputRoot.list)\n    null#if($foreach.hasNext),#end\n#end\n  ]\n}",
        );
    }
}
