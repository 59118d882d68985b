//! Records of the database: the gateway's own shapes, kept apart from the wire's and from the model's.
//!
//! Every value is JSON inside an envelope that names its version, so a member is added with `#[serde(default)]` and a
//! change of meaning is a new version with a migration. Members are named as the control plane names them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An API: the definition's own members. Its parts are records of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApiRecord {
    pub(crate) api_id: String,
    /// Each region has its own APIs; ids are unique over all regions.
    pub(crate) region: String,
    /// `WEBSOCKET` or `HTTP`.
    #[serde(default = "websocket")]
    pub(crate) protocol_type: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) route_selection_expression: String,
    pub(crate) api_key_selection_expression: String,
    pub(crate) disable_execute_api_endpoint: bool,
    pub(crate) disable_schema_validation: Option<bool>,
    pub(crate) ip_address_type: String,
    pub(crate) version: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: Timestamp,
}

/// Returns the protocol of an API that was kept before there was another.
fn websocket() -> String {
    "WEBSOCKET".to_owned()
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteRecord {
    pub(crate) route_id: String,
    pub(crate) route_key: String,
    pub(crate) api_key_required: bool,
    pub(crate) authorization_type: String,
    pub(crate) authorizer_id: Option<String>,
    pub(crate) authorization_scopes: Option<Vec<String>>,
    pub(crate) model_selection_expression: Option<String>,
    pub(crate) operation_name: Option<String>,
    pub(crate) request_models: Option<BTreeMap<String, String>>,
    /// The parameters by name; true for one that is required.
    pub(crate) request_parameters: Option<BTreeMap<String, bool>>,
    pub(crate) route_response_selection_expression: Option<String>,
    pub(crate) target: Option<String>,
}

impl RouteRecord {
    /// Makes a route that has nothing but its id and what AWS fills in.
    pub(crate) fn new(route_id: String) -> Self {
        Self {
            route_id,
            route_key: String::new(),
            api_key_required: false,
            authorization_type: "NONE".to_owned(),
            authorizer_id: None,
            authorization_scopes: None,
            model_selection_expression: None,
            operation_name: None,
            request_models: None,
            request_parameters: None,
            route_response_selection_expression: None,
            target: None,
        }
    }
}

/// A route response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteResponseRecord {
    pub(crate) route_response_id: String,
    pub(crate) route_response_key: String,
    pub(crate) model_selection_expression: Option<String>,
    pub(crate) response_models: Option<BTreeMap<String, String>>,
    /// The parameters by name; true for one that is required.
    pub(crate) response_parameters: Option<BTreeMap<String, bool>>,
}

/// An integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntegrationRecord {
    pub(crate) integration_id: String,
    /// `AWS`, `AWS_PROXY`, `HTTP`, `HTTP_PROXY` or `MOCK`.
    pub(crate) integration_type: String,
    pub(crate) integration_uri: Option<String>,
    pub(crate) integration_method: Option<String>,
    pub(crate) integration_response_selection_expression: Option<String>,
    pub(crate) connection_type: String,
    pub(crate) connection_id: Option<String>,
    pub(crate) content_handling_strategy: Option<String>,
    pub(crate) credentials_arn: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) passthrough_behavior: String,
    pub(crate) payload_format_version: String,
    pub(crate) request_parameters: Option<BTreeMap<String, String>>,
    pub(crate) request_templates: Option<BTreeMap<String, String>>,
    pub(crate) template_selection_expression: Option<String>,
    /// Milliseconds, 50 to 29000.
    pub(crate) timeout_in_millis: u32,
}

impl IntegrationRecord {
    /// Makes an integration that has nothing but its id and what AWS fills in.
    // SOURCE: the values are the same for all integration types of a WebSocket API.
    pub(crate) fn new(integration_id: String) -> Self {
        Self {
            integration_id,
            integration_type: String::new(),
            integration_uri: None,
            integration_method: None,
            integration_response_selection_expression: None,
            connection_type: "INTERNET".to_owned(),
            connection_id: None,
            content_handling_strategy: None,
            credentials_arn: None,
            description: None,
            passthrough_behavior: "WHEN_NO_MATCH".to_owned(),
            payload_format_version: "1.0".to_owned(),
            request_parameters: None,
            request_templates: None,
            template_selection_expression: None,
            timeout_in_millis: 29_000,
        }
    }
}

/// An integration response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntegrationResponseRecord {
    pub(crate) integration_response_id: String,
    pub(crate) integration_response_key: String,
    pub(crate) content_handling_strategy: Option<String>,
    pub(crate) response_parameters: Option<BTreeMap<String, String>>,
    pub(crate) response_templates: Option<BTreeMap<String, String>>,
    pub(crate) template_selection_expression: Option<String>,
}

/// An authorizer: a function that is asked whether a client may connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuthorizerRecord {
    pub(crate) authorizer_id: String,
    /// `REQUEST`.
    pub(crate) authorizer_type: String,
    pub(crate) name: String,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_credentials_arn: Option<String>,
    /// The identity sources that a client must bring, such as `route.request.header.Auth`.
    pub(crate) identity_source: Vec<String>,
    pub(crate) identity_validation_expression: Option<String>,
}

/// A model: the JSON Schema of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelRecord {
    pub(crate) model_id: String,
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    /// JSON Schema, draft 4, as it was given.
    pub(crate) schema: String,
}

/// A deployment: an immutable copy of the API, and what the control plane says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeploymentRecord {
    pub(crate) deployment_id: String,
    pub(crate) description: Option<String>,
    /// `PENDING`, `DEPLOYED` or `FAILED`.
    pub(crate) deployment_status: String,
    pub(crate) deployment_status_message: Option<String>,
    pub(crate) auto_deployed: bool,
    pub(crate) created_at: Timestamp,
}

/// The copy of an API's definition that a deployment froze. Written once, never changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) route_selection_expression: String,
    pub(crate) api_key_selection_expression: String,
    pub(crate) disable_execute_api_endpoint: bool,
    pub(crate) routes: Vec<SnapshotRoute>,
    pub(crate) integrations: Vec<SnapshotIntegration>,
    #[serde(default)]
    pub(crate) authorizers: Vec<AuthorizerRecord>,
    #[serde(default)]
    pub(crate) models: Vec<ModelRecord>,
}

/// A route with its responses, frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotRoute {
    pub(crate) route: RouteRecord,
    pub(crate) responses: Vec<RouteResponseRecord>,
}

/// An integration with its responses, frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotIntegration {
    pub(crate) integration: IntegrationRecord,
    pub(crate) responses: Vec<IntegrationResponseRecord>,
}

/// A stage: what it serves, and settings that act at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StageRecord {
    pub(crate) stage_name: String,
    pub(crate) deployment_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) auto_deploy: Option<bool>,
    pub(crate) last_deployment_status_message: Option<String>,
    pub(crate) client_certificate_id: Option<String>,
    pub(crate) access_log_settings: Option<AccessLogSettingsRecord>,
    pub(crate) default_route_settings: RouteSettingsRecord,
    pub(crate) route_settings: BTreeMap<String, RouteSettingsRecord>,
    pub(crate) stage_variables: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl StageRecord {
    /// Makes a stage that serves nothing and has no settings.
    pub(crate) fn new(stage_name: String, created_at: Timestamp) -> Self {
        Self {
            stage_name,
            deployment_id: None,
            description: None,
            auto_deploy: None,
            last_deployment_status_message: None,
            client_certificate_id: None,
            access_log_settings: None,
            default_route_settings: RouteSettingsRecord::default(),
            route_settings: BTreeMap::new(),
            stage_variables: BTreeMap::new(),
            tags: BTreeMap::new(),
            created_at,
            updated_at: created_at,
        }
    }

    /// True for a stage that follows the definition by itself.
    pub(crate) fn is_auto_deployed(&self) -> bool {
        self.auto_deploy == Some(true)
    }
}

/// An automatic deployment that is owed: the definition changed, or a stage began to follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwedDeploymentRecord {
    pub(crate) api_id: String,
    pub(crate) region: String,
    /// The stages that wait for it.
    pub(crate) stages: BTreeSet<String>,
}

/// A VPC link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VpcLinkRecord {
    pub(crate) vpc_link_id: String,
    pub(crate) name: String,
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) security_group_ids: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created_at: Timestamp,
}

/// A custom domain name. Its mappings are records of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DomainNameRecord {
    pub(crate) domain_name: String,
    pub(crate) configuration: DomainConfigurationRecord,
    pub(crate) mutual_tls: Option<MutualTlsRecord>,
    pub(crate) routing_mode: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The configuration of a custom domain name: the ways to reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DomainConfigurationRecord {
    /// The name that the DNS is to point at.
    pub(crate) api_gateway_domain_name: String,
    pub(crate) hosted_zone_id: String,
    pub(crate) certificate_arn: Option<String>,
    pub(crate) certificate_name: Option<String>,
    pub(crate) ownership_verification_certificate_arn: Option<String>,
    pub(crate) endpoint_type: String,
    pub(crate) ip_address_type: String,
    pub(crate) security_policy: String,
}

/// The trust store for the certificates that clients of a custom domain name must bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MutualTlsRecord {
    pub(crate) truststore_uri: String,
    pub(crate) truststore_version: Option<String>,
}

/// The stage that answers under a key of a custom domain name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApiMappingRecord {
    pub(crate) api_mapping_id: String,
    pub(crate) api_id: String,
    pub(crate) stage: String,
    /// Empty for the root.
    pub(crate) api_mapping_key: String,
}

/// The destination of a stage's access log, and the format of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessLogSettingsRecord {
    pub(crate) destination_arn: Option<String>,
    pub(crate) format: Option<String>,
}

/// Settings of a route on a stage; what was not set is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteSettingsRecord {
    pub(crate) data_trace_enabled: Option<bool>,
    pub(crate) detailed_metrics_enabled: Option<bool>,
    pub(crate) logging_level: Option<String>,
    pub(crate) throttling_burst_limit: Option<i32>,
    pub(crate) throttling_rate_limit: Option<f64>,
}

/// The state that the data plane needs to serve one stage at this moment: its live settings and its deployment's frozen
/// copy.
///
/// Held in memory, shared, and replaced as a whole by every write that concerns it, so that a message sees either the
/// old state or the new.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Serving {
    pub(crate) api_id: String,
    pub(crate) region: String,
    pub(crate) stage: StageRecord,
    /// Absent while the stage has no deployment; then nobody can connect.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
}
