//! The file: all that a deployment freezes, stages and variables, as one readable JSON value.
//!
//! A file holds one API or a list of them. Members are named as the control plane names them; integrations have names of
//! the file's own, since ids are assigned. `then` continues the story: each step replaces the integrations and routes
//! that it names (`null` removes one) and may deploy what stands then.
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

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

type Texts = BTreeMap<String, String>;

/// An API and its history.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ApiFile {
    pub(super) name: String,
    /// `us-east-1` unless said otherwise.
    pub(super) region: Option<String>,
    pub(super) description: Option<String>,
    pub(super) route_selection_expression: String,
    pub(super) api_key_selection_expression: Option<String>,
    pub(super) disable_execute_api_endpoint: Option<bool>,
    pub(super) version: Option<String>,
    pub(super) tags: Option<Texts>,
    /// Integrations by the names that routes call them.
    #[serde(default)]
    pub(super) integrations: BTreeMap<String, IntegrationFile>,
    /// Routes by key.
    #[serde(default)]
    pub(super) routes: BTreeMap<String, RouteFile>,
    pub(super) deployment: Option<DeploymentFile>,
    /// What changed afterwards, in this order.
    #[serde(default)]
    pub(super) then: Vec<StepFile>,
    /// Stages by name; those that no deployment names serve nothing.
    #[serde(default)]
    pub(super) stages: BTreeMap<String, StageFile>,
}

/// A later change of the definition; `null` removes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StepFile {
    #[serde(default)]
    pub(super) integrations: BTreeMap<String, Option<IntegrationFile>>,
    #[serde(default)]
    pub(super) routes: BTreeMap<String, Option<RouteFile>>,
    pub(super) deployment: Option<DeploymentFile>,
}

/// Freezes what stands, and lets stages serve it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeploymentFile {
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) stages: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntegrationFile {
    pub(super) integration_type: String,
    pub(super) integration_uri: Option<String>,
    pub(super) integration_method: Option<String>,
    pub(super) connection_type: Option<String>,
    pub(super) connection_id: Option<String>,
    pub(super) content_handling_strategy: Option<String>,
    pub(super) credentials_arn: Option<String>,
    pub(super) description: Option<String>,
    pub(super) passthrough_behavior: Option<String>,
    pub(super) payload_format_version: Option<String>,
    pub(super) request_parameters: Option<Texts>,
    pub(super) request_templates: Option<Texts>,
    pub(super) template_selection_expression: Option<String>,
    pub(super) timeout_in_millis: Option<i64>,
    /// Integration responses by key.
    #[serde(default)]
    pub(super) responses: BTreeMap<String, IntegrationResponseFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntegrationResponseFile {
    pub(super) content_handling_strategy: Option<String>,
    pub(super) response_parameters: Option<Texts>,
    pub(super) response_templates: Option<Texts>,
    pub(super) template_selection_expression: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RouteFile {
    /// The name of an integration of this file.
    pub(super) integration: Option<String>,
    /// True when the integration's answer goes back to the client: the expression and the `$default` route response.
    #[serde(default)]
    pub(super) two_way: bool,
    pub(super) api_key_required: Option<bool>,
    pub(super) authorization_type: Option<String>,
    pub(super) model_selection_expression: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) request_models: Option<Texts>,
    /// By parameter name, whether it is required.
    pub(super) request_parameters: Option<BTreeMap<String, bool>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StageFile {
    pub(super) description: Option<String>,
    pub(super) auto_deploy: Option<bool>,
    pub(super) stage_variables: Option<Texts>,
    pub(super) tags: Option<Texts>,
}

/// Where a file's text is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in bytes.
    pub(super) column: usize,
    /// What was found and what was expected, with the member it is about.
    pub(super) what: String,
}

/// Reads the APIs of a file.
pub(super) fn parse(text: &str) -> Result<Vec<ApiFile>, Mistake> {
    if text.trim_start().starts_with('[') {
        read(text)
    } else {
        read(text).map(|api| vec![api])
    }
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
        what: match path {
            "." | "" | "?" => text.to_owned(),
            path => format!("{path}: {text}"),
        },
    }
}
