//! An API and its parts, as the control plane answers them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ApiId, AuthorizerId, IntegrationId, IntegrationResponseId, ModelId, RouteId, RouteResponseId,
    StageName,
};

/// A WebSocket API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// The id that AWS assigned.
    pub id: ApiId,
    /// The name that its owner gave it; not unique.
    pub name: String,
    /// Free text, at most 1024 characters.
    pub description: Option<String>,
    /// The URL under which the API's stages answer, without a stage and without a trailing slash:
    /// `wss://{id}.execute-api.…`.
    pub endpoint: String,
    /// The expression that selects a message's route, for example `$request.body.action`.
    pub route_selection_expression: String,
    /// The expression that selects the source of a client's API key.
    pub api_key_selection_expression: Option<String>,
    /// True when only custom domains may reach the API.
    pub disable_execute_api_endpoint: bool,
    /// True when models may hold what is no schema.
    pub disable_schema_validation: bool,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: Option<String>,
    /// The owner's own version label.
    pub version: Option<String>,
    /// The time at which the API was created.
    pub created_at: Option<Timestamp>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Api {
    /// Returns the URL that a WebSocket client opens to reach `stage`.
    pub fn invoke_url(&self, stage: &StageName) -> String {
        format!("{}/{stage}", self.endpoint.trim_end_matches('/'))
    }

    /// Returns the URL under which backends call `@connections` for `stage`: the invoke URL as http.
    pub fn callback_url(&self, stage: &StageName) -> String {
        let invoke = self.invoke_url(stage);
        match invoke.strip_prefix("ws") {
            Some(rest) => format!("http{rest}/@connections"),
            None => format!("{invoke}/@connections"),
        }
    }
}

/// A route: what happens to the messages that select its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// The id that AWS assigned.
    pub id: RouteId,
    /// `$connect`, `$disconnect`, `$default`, or what a message's selection must equal.
    pub key: String,
    /// The `target` member as AWS keeps it, normally `integrations/{id}`.
    pub target: Option<String>,
    /// `NONE`, `AWS_IAM` or `CUSTOM`.
    pub authorization_type: String,
    /// The authorizer of a `CUSTOM` route.
    pub authorizer_id: Option<AuthorizerId>,
    /// True when a client must bring an API key.
    pub api_key_required: bool,
    /// Chooses the request model.
    pub model_selection_expression: Option<String>,
    /// The owner's own name for the operation.
    pub operation_name: Option<String>,
    /// Model names by what the model selection expression yields.
    pub request_models: BTreeMap<String, String>,
    /// Request parameters, with whether each is required.
    pub request_parameters: BTreeMap<String, bool>,
    /// `$default` or nothing; it is the response that makes a route answer.
    pub route_response_selection_expression: Option<String>,
    /// Its route responses.
    pub responses: Vec<RouteResponse>,
}

impl Route {
    /// True for the keys that have a meaning of their own; a stage takes settings for them before there is such a route.
    // SOURCE: reported of AWS.
    pub fn is_predefined(key: &str) -> bool {
        matches!(key, "$connect" | "$disconnect" | "$default")
    }

    /// Returns the integration that the target names.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        let id = self.target.as_deref()?.strip_prefix("integrations/")?;
        IntegrationId::parse(id).ok()
    }

    /// True when its responses matter: but for the two routes at whose events no client can be answered they always do,
    /// with an expression that selects them or without.
    pub fn has_responses(&self) -> bool {
        let is_lifecycle = matches!(self.key.as_str(), "$connect" | "$disconnect");
        !is_lifecycle || self.route_response_selection_expression.is_some()
    }

    /// True when the integration's answer goes back to the client.
    // SOURCE: recorded on AWS, September 2026: a `$default` response is enough, without an expression on the route.
    pub fn is_two_way(&self) -> bool {
        let mut responses = self.responses.iter();
        responses.any(|response| response.key == "$default")
    }
}

/// A route response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteResponse {
    /// The id that AWS assigned.
    pub id: RouteResponseId,
    /// Only `$default` is allowed.
    pub key: String,
    /// Stored by AWS, without effect.
    pub model_selection_expression: Option<String>,
    /// Stored by AWS, without effect.
    pub response_models: BTreeMap<String, String>,
    /// Response parameters, with whether each is required.
    pub response_parameters: BTreeMap<String, bool>,
}

/// An integration: the backend of routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// The id that AWS assigned.
    pub id: IntegrationId,
    /// `AWS`, `AWS_PROXY`, `HTTP`, `HTTP_PROXY` or `MOCK`.
    pub integration_type: String,
    /// The URI that the integration calls.
    pub uri: Option<String>,
    /// The HTTP method it calls with.
    pub method: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: Option<String>,
    /// The VPC link of a `VPC_LINK` integration.
    pub connection_id: Option<String>,
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    pub content_handling_strategy: Option<String>,
    /// The role AWS assumes for the call.
    pub credentials_arn: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Fixed by the integration type; chooses the integration response.
    pub integration_response_selection_expression: Option<String>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`.
    pub passthrough_behavior: Option<String>,
    /// `1.0` on WebSocket APIs.
    pub payload_format_version: Option<String>,
    /// Parameter mappings: `integration.request.header.X` to a source expression.
    pub request_parameters: BTreeMap<String, String>,
    /// Request templates by what the template selection expression yields.
    pub request_templates: BTreeMap<String, String>,
    /// Chooses the request template.
    pub template_selection_expression: Option<String>,
    /// The longest time that AWS waits for the backend, in milliseconds, 50 to 29000.
    pub timeout_ms: Option<i32>,
    /// Its integration responses.
    pub responses: Vec<IntegrationResponse>,
}

impl Integration {
    /// True for a type that has responses; a proxy passes on what its backend answers.
    pub fn has_responses(&self) -> bool {
        !self.integration_type.ends_with("_PROXY")
    }
}

/// An integration response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationResponse {
    /// The id that AWS assigned.
    pub id: IntegrationResponseId,
    /// `$default` or a regular expression between slashes.
    pub key: String,
    /// `CONVERT_TO_BINARY` or `CONVERT_TO_TEXT`.
    pub content_handling_strategy: Option<String>,
    /// Response parameter mappings.
    pub response_parameters: BTreeMap<String, String>,
    /// Response templates by what the template selection expression yields.
    pub response_templates: BTreeMap<String, String>,
    /// Chooses the response template.
    pub template_selection_expression: Option<String>,
}

/// An authorizer of `$connect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorizer {
    /// The id that AWS assigned.
    pub id: AuthorizerId,
    /// Its name.
    pub name: String,
    /// `REQUEST` on WebSocket APIs.
    pub authorizer_type: String,
    /// The function it asks.
    pub uri: Option<String>,
    /// The role AWS assumes for the call.
    pub credentials_arn: Option<String>,
    /// The identity sources: the values that a client must bring.
    pub identity_source: Vec<String>,
    /// Stored by AWS, without effect on WebSocket APIs.
    pub identity_validation_expression: Option<String>,
}

/// A model: the JSON Schema of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// The id that AWS assigned.
    pub id: ModelId,
    /// Its name, unique within the API.
    pub name: String,
    /// The media type it speaks of.
    pub content_type: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The schema's text.
    pub schema: String,
}
