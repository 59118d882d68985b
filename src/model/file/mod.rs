//! A definition as a file: an API with all that a deployment freezes, and its stages, as one readable JSON value.
//!
//! The local gateway is filled from such files, `stagewire pull` writes them and `stagewire apply` carries them out. A
//! file holds one API or a list of them. Members are named as the control plane names them; integrations have names of
//! the file's own, since ids are assigned. What has the value that API Gateway fills in may be left out. `then`
//! continues the story: each step replaces the integrations and routes that it names (`null` removes one) and may
//! deploy what stands then.
//!
//! ```json
//! {
//!   "name": "chat",
//!   "routeSelectionExpression": "$request.body.action",
//!   "integrations": { "pong": { "integrationType": "MOCK", "requestTemplates": { "$default": "{\"statusCode\":200}" } } },
//!   "routes": { "ping": { "integration": "pong", "twoWay": true } },
//!   "deployment": { "description": "first release", "stages": ["prod"] },
//!   "stages": { "prod": { "stageVariables": { "colour": "red" } } }
//! }
//! ```
//!
//! Nothing here refuses what API Gateway would refuse; only what no API could be made from is a mistake, and what API
//! Gateway takes on HTTP APIs only or takes without a word and does not keep.

mod changes;
mod history;
mod normal;
mod part_steps;
mod parts;
#[cfg(test)]
mod tests;
mod unique;
pub(crate) mod usual;

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{StageName, text::printable_json};

pub use changes::{changes, own_members, stage_changes};
pub use history::Standing;
pub use normal::{Normalized, Unfit};
pub use part_steps::{PartStep, ResponseName, Write, additions, removals};
pub use parts::{Names, api_file, integration_names, integration_responses, stage_file};

/// Texts by key.
pub type Texts = BTreeMap<String, String>;

/// An API, its stages and perhaps its history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an API")]
pub struct ApiFile {
    /// Its name.
    pub name: String,
    /// The region in which a new local gateway keeps the API; `us-east-1` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The owner's own version label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The expression that selects a message's route.
    pub route_selection_expression: String,
    /// The expression that selects the source of a client's API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_selection_expression: Option<String>,
    /// True when only custom domains may reach the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_execute_api_endpoint: Option<bool>,
    /// True when models may hold what is no schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_schema_validation: Option<bool>,
    /// `ipv4` or `dualstack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<String>,
    /// Its tags.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Texts,
    /// Authorizers by name.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorizers: BTreeMap<String, AuthorizerFile>,
    /// Models by name.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelFile>,
    /// Integrations by the names that routes call them.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub integrations: BTreeMap<String, IntegrationFile>,
    /// Routes by key.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, RouteFile>,
    /// The first deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentFile>,
    /// The later changes, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<StepFile>,
    /// Stages by name; those that no deployment names serve nothing.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stages: BTreeMap<StageName, StageFile>,
}

/// A later change of the definition; `null` removes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a step")]
pub struct StepFile {
    /// Integrations that are new, others or gone, by name.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub integrations: BTreeMap<String, Option<IntegrationFile>>,
    /// Routes that are new, others or gone, by key.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, Option<RouteFile>>,
    /// The deployment of what stands then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentFile>,
}

/// Freezes what stands, and lets stages serve it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a deployment"
)]
pub struct DeploymentFile {
    /// The deployment's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The stages that serve the deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
}

/// An authorizer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an authorizer"
)]
pub struct AuthorizerFile {
    /// `REQUEST` on WebSocket APIs.
    pub authorizer_type: String,
    /// The function it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer_uri: Option<String>,
    /// The role AWS assumes for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer_credentials_arn: Option<String>,
    /// Refused on WebSocket APIs, as are the next two: a file that has one is told so before any call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer_result_ttl_in_seconds: Option<i32>,
    /// Refused on WebSocket APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer_payload_format_version: Option<String>,
    /// Refused on WebSocket APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_simple_responses: Option<bool>,
    /// The identity sources: the values that a client must bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_source: Vec<String>,
    /// Stored by AWS, without effect on WebSocket APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_validation_expression: Option<String>,
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a model")]
pub struct ModelFile {
    /// The media type it speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema's text.
    pub schema: String,
}

/// An integration with its responses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an integration"
)]
pub struct IntegrationFile {
    /// `AWS`, `AWS_PROXY`, `HTTP`, `HTTP_PROXY` or `MOCK`.
    pub integration_type: String,
    /// The HTTP method it calls with; `POST` unless another is given for `AWS` and `AWS_PROXY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_method: Option<String>,
    /// The URI that the integration calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_uri: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_type: Option<String>,
    /// The VPC link of a `VPC_LINK` integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_handling_strategy: Option<String>,
    /// The role AWS assumes for the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_arn: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough_behavior: Option<String>,
    /// `1.0` on WebSocket APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_format_version: Option<String>,
    /// Parameter mappings.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_parameters: Texts,
    /// Request templates by what the template selection expression yields.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_templates: Texts,
    /// Chooses the request template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_selection_expression: Option<String>,
    /// The longest time that AWS waits for the backend, in milliseconds, 50 to 29000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_millis: Option<i32>,
    /// Integration responses by key.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<String, IntegrationResponseFile>,
}

/// An integration response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an integration response"
)]
pub struct IntegrationResponseFile {
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_handling_strategy: Option<String>,
    /// Response parameter mappings.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_parameters: Texts,
    /// Response templates by what the template selection expression yields.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_templates: Texts,
    /// Chooses the response template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_selection_expression: Option<String>,
}

/// A route with its responses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a route")]
pub struct RouteFile {
    /// The name of an integration of this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    /// True when the integration's answer goes back to the client: short for the expression and a `$default` response.
    #[serde(default, skip_serializing_if = "is_false")]
    pub two_way: bool,
    /// True when a client must bring an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_required: Option<bool>,
    /// `NONE`, `AWS_IAM` or `CUSTOM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_type: Option<String>,
    /// The name of an authorizer of this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
    /// Chooses the request model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_selection_expression: Option<String>,
    /// The owner's own name for the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<String>,
    /// Model names by what the model selection expression yields.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_models: Texts,
    /// Request parameters, with whether each is required.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_parameters: BTreeMap<String, bool>,
    /// `$default` or nothing; it is the response that makes a route answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_response_selection_expression: Option<String>,
    /// Route responses by key.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<String, RouteResponseFile>,
}

/// A route response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a route response"
)]
pub struct RouteResponseFile {
    /// Stored by AWS, without effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_selection_expression: Option<String>,
    /// Stored by AWS, without effect.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_models: Texts,
    /// Response parameters, with whether each is required.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_parameters: BTreeMap<String, bool>,
}

/// A stage: settings that act at once, and not what it serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a stage")]
pub struct StageFile {
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// True when AWS deploys every change by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_deploy: Option<bool>,
    /// The certificate the stage shows to backends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_id: Option<String>,
    /// Stage variables.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: Texts,
    /// Settings of every route that has none of its own.
    #[serde(default, skip_serializing_if = "RouteSettingsFile::is_empty")]
    pub default_route_settings: RouteSettingsFile,
    /// Settings by route key.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub route_settings: BTreeMap<String, RouteSettingsFile>,
    /// The destination and the line format of the access log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_settings: Option<AccessLogSettingsFile>,
    /// Its tags.
    #[serde(default, deserialize_with = "unique::map")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Texts,
}

/// Settings of a route on a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "settings of a route"
)]
pub struct RouteSettingsFile {
    /// Whole payloads in the execution log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_trace_enabled: Option<bool>,
    /// Metrics by route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_metrics_enabled: Option<bool>,
    /// `OFF`, `ERROR` or `INFO`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging_level: Option<String>,
    /// Size of the token bucket, in messages; 0 blocks all traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttling_burst_limit: Option<i32>,
    /// Messages per second; 0 blocks all traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttling_rate_limit: Option<f64>,
}

/// The destination and the line format of a stage's access log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "access log settings"
)]
pub struct AccessLogSettingsFile {
    /// The log group's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_arn: Option<String>,
    /// The line, with `$context` variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A mistake in a file's text, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
    /// The fault in words, with the member that it is about: what was found and what was expected.
    pub what: String,
}

/// The longest file that is read, in bytes: far more than the largest API that API Gateway takes would need.
const LONGEST_BYTES: u64 = 16 * 1024 * 1024;

/// Reads the text of a file to its end, or to where it is longer than any definition.
///
/// # Errors
/// Fails when it cannot be read, is too long, or is not UTF-8.
pub fn read_text(source: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(LONGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_BYTES {
        let limit = format!(
            "it is longer than {} MiB, which no definition is",
            LONGEST_BYTES >> 20
        );
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let what = format!("it is not UTF-8 text, from byte {place} on");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Reads the APIs of a file.
///
/// # Errors
/// Fails when the text is not JSON, and when it has a member that no file has, one twice, or one of another type.
pub fn parse(text: &str) -> Result<Vec<ApiFile>, Mistake> {
    // Some editors put a mark in front that says how the text is encoded.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('[') {
        read(text)
    } else {
        read(text).map(|api| vec![api])
    }
}

/// Writes the text of a file with this API: indented JSON with a line end, short forms where there are any, and nothing
/// that a terminal would obey.
///
/// # Panics
/// Never: all keys are text.
pub fn render(api: &ApiFile) -> String {
    let mut api = api.clone();
    api.routes.values_mut().for_each(RouteFile::shorten);
    let mut text = serde_json::to_string_pretty(&api)
        .expect("invariant: a file has text keys and finite numbers");
    text.push('\n');
    printable_json(text)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Mistake> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        mistake(&path, error.inner())
    })?;
    reader.end().map_err(|error| mistake(".", &error))?;
    Ok(value)
}

fn mistake(path: &str, error: &serde_json::Error) -> Mistake {
    let text = error.to_string();
    // The place is said apart from the text.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    Mistake {
        line: error.line(),
        column: error.column(),
        // At the end of a text that is cut off nobody knows which member it would have been.
        what: match path.strip_suffix(".?").unwrap_or(path) {
            "." | "" | "?" => text.to_owned(),
            path => format!("{path}: {text}"),
        },
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
