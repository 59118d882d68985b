//! AWS's objects as the AWS CLI prints them: its member names, absent members left out. SOURCE: the output sections of
//! the `aws apigatewayv2` command reference.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{Api, Deployment, Route, RouteSettings, Stage};

/// Members in order; what is absent is left out, and what is empty is not.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// An API, as of `get-api`.
pub(super) fn api(api: &Api) -> Value {
    Members::default()
        .with("ApiEndpoint", &api.endpoint)
        .with("ApiId", &api.id)
        .with(
            "ApiKeySelectionExpression",
            &api.api_key_selection_expression,
        )
        .with("CreatedDate", api.created_at)
        .with("Description", &api.description)
        .with(
            "DisableExecuteApiEndpoint",
            api.disable_execute_api_endpoint,
        )
        .with("Name", &api.name)
        .with("ProtocolType", "WEBSOCKET")
        .with("RouteSelectionExpression", &api.route_selection_expression)
        .with("Tags", &api.tags)
        .with("Version", &api.version)
        .done()
}

/// A route, as of `get-route`.
pub(super) fn route(route: &Route) -> Value {
    Members::default()
        .with("ApiKeyRequired", route.api_key_required)
        .with("AuthorizationType", &route.authorization_type)
        .with("AuthorizerId", &route.authorizer_id)
        .with(
            "ModelSelectionExpression",
            &route.model_selection_expression,
        )
        .with("OperationName", &route.operation_name)
        .with("RequestModels", set(&route.request_models))
        .with("RouteId", &route.id)
        .with("RouteKey", &route.key)
        .with(
            "RouteResponseSelectionExpression",
            &route.route_response_selection_expression,
        )
        .with("Target", &route.target)
        .done()
}

/// A deployment, as of `get-deployment`.
pub(super) fn deployment(deployment: &Deployment) -> Value {
    Members::default()
        .with("AutoDeployed", deployment.auto_deployed)
        .with("CreatedDate", deployment.created_at)
        .with("DeploymentId", &deployment.id)
        .with("DeploymentStatus", deployment.status.as_str())
        .with("DeploymentStatusMessage", &deployment.status_message)
        .with("Description", &deployment.description)
        .done()
}

/// A stage, as of `get-stage`.
pub(super) fn stage(stage: &Stage) -> Value {
    let access_log = stage.access_log.as_ref().map(|log| {
        Members::default()
            .with("DestinationArn", &log.destination_arn)
            .with("Format", &log.format)
            .done()
    });
    let route_settings: Map<String, Value> = stage
        .route_settings
        .iter()
        .map(|(key, settings)| (key.clone(), settings_json(settings)))
        .collect();
    Members::default()
        .with("AccessLogSettings", access_log)
        .with("AutoDeploy", stage.auto_deploy.then_some(true))
        .with("ClientCertificateId", &stage.client_certificate_id)
        .with("CreatedDate", stage.created_at)
        .with(
            "DefaultRouteSettings",
            stage.default_route_settings.as_ref().map(settings_json),
        )
        .with("DeploymentId", &stage.deployment_id)
        .with("Description", &stage.description)
        .with(
            "LastDeploymentStatusMessage",
            &stage.last_deployment_status_message,
        )
        .with("LastUpdatedDate", stage.updated_at)
        .with("RouteSettings", route_settings)
        .with("StageName", &stage.name)
        .with("StageVariables", &stage.variables)
        .with("Tags", &stage.tags)
        .done()
}

/// A map that AWS leaves out until somebody sets it; the model does not tell that from an empty one.
fn set(map: &BTreeMap<String, String>) -> Option<&BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

fn settings_json(settings: &RouteSettings) -> Value {
    Members::default()
        .with("DataTraceEnabled", settings.data_trace_enabled)
        .with("DetailedMetricsEnabled", settings.detailed_metrics_enabled)
        .with("LoggingLevel", &settings.logging_level)
        .with("ThrottlingBurstLimit", settings.throttling_burst_limit)
        .with("ThrottlingRateLimit", settings.throttling_rate_limit)
        .done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeploymentId, DeploymentStatus, StageName};

    #[test]
    fn a_stage_has_its_maps_though_they_are_empty() {
        let json = stage(&Stage {
            name: StageName::parse("prod").unwrap(),
            deployment_id: None,
            description: None,
            auto_deploy: false,
            last_deployment_status_message: None,
            created_at: None,
            updated_at: None,
            default_route_settings: Some(RouteSettings::default()),
            route_settings: BTreeMap::new(),
            variables: BTreeMap::new(),
            access_log: None,
            client_certificate_id: None,
            tags: BTreeMap::new(),
        });
        assert_eq!(
            json.to_string(),
            r#"{"DefaultRouteSettings":{},"RouteSettings":{},"StageName":"prod","StageVariables":{},"Tags":{}}"#
        );
    }

    #[test]
    fn a_deployment_has_the_members_of_the_aws_cli() {
        let json = deployment(&Deployment {
            id: DeploymentId::parse("fedcba").unwrap(),
            description: None,
            status: DeploymentStatus::Deployed,
            status_message: None,
            auto_deployed: false,
            created_at: Some("2018-10-08T20:30:00Z".parse().unwrap()),
        });
        assert_eq!(
            json.to_string(),
            r#"{"AutoDeployed":false,"CreatedDate":"2018-10-08T20:30:00Z","DeploymentId":"fedcba","DeploymentStatus":"DEPLOYED"}"#
        );
    }
}
