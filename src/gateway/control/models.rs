//! Models: the JSON Schema of a message, under the name that routes give, and the sample mapping template of a model.

use std::{fmt::Write, ops::RangeInclusive};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    call::Call,
    check,
    error::ApiError,
    ids,
    parts::{self, Parent, Part},
    wire::{Reply, Texts},
};
use crate::gateway::{
    schema::meta,
    store::{
        Draft, View,
        record::{ApiRecord, ModelRecord, RouteRecord, RouteResponseRecord},
    },
};

/// SOURCE: the service model: characters of a schema.
const SCHEMA_CHARS: RangeInclusive<usize> = 0..=32_768;

/// The input of `CreateModel` and `UpdateModel`.
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

    fn add(draft: &mut Draft<'_>, parent: &Parent, input: &ModelInput) -> Result<Self, ApiError> {
        check::required("name", input.name.as_ref())?;
        check::required("schema", input.schema.as_ref())?;
        let blank = Self {
            model_id: ids::fresh::<Self>(draft, &parent.key, ids::MODEL)?,
            name: String::new(),
            content_type: None,
            description: None,
            schema: String::new(),
        };
        blank.change(draft, parent, input)
    }

    fn change(
        mut self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &ModelInput,
    ) -> Result<Self, ApiError> {
        check_members(input)?;
        if let Some(name) = input.name.as_ref().filter(|name| **name != self.name) {
            // What uses it does so by its name.
            self.check_unused(draft, parent, "rename")?;
            self.name.clone_from(name);
        }
        if let Some(schema) = &input.schema {
            self.schema.clone_from(schema);
        }
        check::patch(&mut self.content_type, input.content_type.as_ref());
        check::patch(&mut self.description, input.description.as_ref());
        if input.schema.is_some() && parent.api.disable_schema_validation != Some(true) {
            check_schema(&self).map_err(ApiError::bad_request)?;
        }
        if parts::is_taken(draft, &parent.key, &self, |it| &it.name)? {
            // GUESS: in the words of a route key that is taken.
            return Err(ApiError::conflict(format!(
                "Model with name {} already exists for this API",
                self.name
            )));
        }
        draft.put(&parent.key, &self)?;
        Ok(self)
    }

    fn remove(self, draft: &mut Draft<'_>, parent: &Parent) -> Result<(), ApiError> {
        self.check_unused(draft, parent, "delete")?;
        draft.remove::<Self>(&parent.key, &self.model_id)?;
        Ok(())
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

impl ModelRecord {
    /// Refuses to take away what a route, or a response of one, names.
    // SOURCE: seen for REST APIs: a name in quotes, one user only. GUESS: the word `route`, as for an authorizer in use.
    fn check_unused(&self, view: &View<'_>, parent: &Parent, verb: &str) -> Result<(), ApiError> {
        let routes: Vec<RouteRecord> = view.all(&parent.api.api_id)?;
        let responses = view.by_part::<RouteResponseRecord>(&parent.api.api_id)?;
        let names =
            |models: &Option<Texts>| models.iter().flatten().any(|(_, it)| *it == self.name);
        let user = routes.iter().find(|route| {
            let responses = responses.get(&route.route_id).into_iter().flatten();
            names(&route.request_models) || responses.map(|it| &it.response_models).any(names)
        });
        match user {
            Some(route) => Err(ApiError::conflict(format!(
                "Cannot {verb} model '{}', is referenced in route: {}",
                self.name, route.route_key
            ))),
            None => Ok(()),
        }
    }
}

/// Refuses names of models that the API has not.
// SOURCE: seen for REST APIs. GUESS: the same here.
pub(super) fn check_named(
    view: &View<'_>,
    api_id: &str,
    models: Option<&Texts>,
) -> Result<(), ApiError> {
    let Some(models) = models.filter(|models| !models.is_empty()) else {
        return Ok(());
    };
    let there: Vec<ModelRecord> = view.all(api_id)?;
    let is_missing = |name: &&String| !there.iter().any(|model| model.name == **name);
    match models.values().find(is_missing) {
        Some(name) => Err(ApiError::bad_request(format!(
            "Invalid model identifier specified: {name}"
        ))),
        None => Ok(()),
    }
}

/// Makes a model.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &ModelInput,
) -> Result<ModelRecord, ApiError> {
    ModelRecord::add(draft, &Parent::of(api), input)
}

/// Gives the sample of a mapping template that makes a payload of the model's form.
pub(super) fn template(call: &Call) -> Result<Reply, ApiError> {
    let model = parts::read::<ModelRecord>(call)?;
    let schema = serde_json::from_str(&model.schema).unwrap_or(Value::Null);
    let mut value = "#set($inputRoot = $input.path('$'))\n".to_owned();
    sample(&mut value, &schema, "", "$inputRoot");
    value.push('\n');
    Ok(Reply::json(&TemplateOutput { value }))
}

/// Refuses a schema that no message could be held to; the log tells where the schema is wrong, for AWS does not say.
///
/// SOURCE: seen for REST APIs: what the schema of draft 4 does not allow, such as an empty `required` or a number in
/// quotes, is refused when the model is made, and so is every keyword that draft 4 does not define, such as `example`
/// or `$id`. The service model says that it is looked at again when it is deployed. GUESS: the same words here.
pub(super) fn check_schema(model: &ModelRecord) -> Result<(), String> {
    match find_flaw(&model.schema) {
        None => Ok(()),
        Some(SchemaFlaw { place, keywords }) => {
            tracing::info!(model = model.name, place, "a schema is refused");
            let detail = match &keywords[..] {
                [] => String::new(),
                keywords => format!(". Unsupported keyword(s): {}", Value::from(keywords)),
            };
            Err(format!(
                "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified{detail}]"
            ))
        }
    }
}

/// The flaw of a schema.
#[derive(Debug, PartialEq, Eq)]
struct SchemaFlaw {
    /// The place of the flaw, as a JSON pointer, or the reason why the schema cannot be read at all.
    place: String,
    /// The keywords that draft 4 does not define, in order.
    keywords: Vec<String>,
}

impl SchemaFlaw {
    fn at(place: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            keywords: Vec::new(),
        }
    }
}

fn find_flaw(schema: &str) -> Option<SchemaFlaw> {
    let schema: Value = match serde_json::from_str(schema) {
        Ok(schema) => schema,
        Err(error) => return Some(SchemaFlaw::at(error.to_string())),
    };
    if !schema.is_object() {
        return Some(SchemaFlaw::at("it is no object"));
    }
    if let Some(place) = meta::find_flaw(&schema) {
        return Some(SchemaFlaw::at(place));
    }
    // Nothing but the keywords of draft 4 may stand where a schema is expected.
    let (place, keywords) = meta::find_unknown(&schema)?;
    Some(SchemaFlaw { place, keywords })
}

fn check_members(input: &ModelInput) -> Result<(), ApiError> {
    check::length("name", input.name.as_ref(), 1..=128)?;
    // SOURCE: seen when a WebSocket API's model was made.
    let is_name = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(name) = input.name.as_ref().filter(|name| !is_name(name)) {
        let message = format!("Model name must be alphanumeric: {name}");
        return Err(ApiError::bad_request(message));
    }
    check::length("contentType", input.content_type.as_ref(), 0..=256)?;
    check_content_type(input.content_type.as_ref())?;
    check::description(input.description.as_ref())?;
    check::length("schema", input.schema.as_ref(), SCHEMA_CHARS)
}

/// Holds a content type to the form `type/subtype`; an empty one stands for none.
// SOURCE: seen for REST APIs, for what has no slash. GUESS: the same here, and which characters the two parts may have.
fn check_content_type(content_type: Option<&String>) -> Result<(), ApiError> {
    let is_part = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    let is_media_type = |text: &str| {
        let essence = text.split(';').next().unwrap_or_default().trim_end();
        essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype))
    };
    match check::kept(content_type) {
        Some(text) if !is_media_type(&text) => Err(ApiError::bad_request(format!(
            "Invalid content type specified: {text}"
        ))),
        _ => Ok(()),
    }
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
