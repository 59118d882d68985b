//! SDK shapes to model types: total functions that name the member when an answer lacks what it must have.
//!
//! The SDK has a type of its own for each call's answer, with the same members as the list's items; the macros below
//! are what one function over both would be.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigatewayv2::{
    operation::{
        create_deployment::CreateDeploymentOutput, create_stage::CreateStageOutput,
        get_api::GetApiOutput, get_deployment::GetDeploymentOutput, get_stage::GetStageOutput,
        update_stage::UpdateStageOutput,
    },
    primitives::DateTime,
    types,
};
use jiff::Timestamp;

use crate::model::{
    AccessLogSettings, Api, ApiId, Authorizer, AuthorizerId, Deployment, DeploymentId,
    DeploymentStatus, Integration, IntegrationId, IntegrationResponse, IntegrationResponseId,
    Model, ModelId, Route, RouteId, RouteResponse, RouteResponseId, RouteSettings, Stage,
    StageName, id::InvalidId,
};

/// The converted value, or the name of the member that the answer lacks or that cannot be what it says it is.
type Converted<T> = Result<T, &'static str>;

macro_rules! api_from {
    ($name:ident, $sdk:ty) => {
        pub(super) fn $name(api: $sdk) -> Converted<Api> {
            Ok(Api {
                id: id("apiId", api.api_id, ApiId::parse)?,
                name: api.name.ok_or("name")?,
                description: text(api.description),
                endpoint: api.api_endpoint.ok_or("apiEndpoint")?,
                route_selection_expression: api.route_selection_expression.unwrap_or_default(),
                api_key_selection_expression: text(api.api_key_selection_expression),
                disable_execute_api_endpoint: api.disable_execute_api_endpoint.unwrap_or_default(),
                disable_schema_validation: api.disable_schema_validation.unwrap_or_default(),
                ip_address_type: api.ip_address_type.map(|kind| kind.as_str().to_owned()),
                version: text(api.version),
                created_at: timestamp(api.created_date),
                tags: sorted(api.tags),
            })
        }
    };
}

api_from!(api_item, types::Api);
api_from!(api_answer, GetApiOutput);

macro_rules! stage_from {
    ($name:ident, $sdk:ty) => {
        pub(super) fn $name(stage: $sdk) -> Converted<Stage> {
            Ok(Stage {
                name: id("stageName", stage.stage_name, StageName::parse)?,
                deployment_id: optional_id(
                    "deploymentId",
                    stage.deployment_id,
                    DeploymentId::parse,
                )?,
                description: text(stage.description),
                auto_deploy: stage.auto_deploy.unwrap_or_default(),
                last_deployment_status_message: text(stage.last_deployment_status_message),
                created_at: timestamp(stage.created_date),
                updated_at: timestamp(stage.last_updated_date),
                default_route_settings: stage.default_route_settings.map(route_settings),
                route_settings: stage
                    .route_settings
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, settings)| (key, route_settings(settings)))
                    .collect(),
                variables: sorted(stage.stage_variables),
                access_log: stage.access_log_settings.map(access_log),
                client_certificate_id: text(stage.client_certificate_id),
                tags: sorted(stage.tags),
            })
        }
    };
}

stage_from!(stage_item, types::Stage);
stage_from!(stage_read, GetStageOutput);
stage_from!(stage_created, CreateStageOutput);
stage_from!(stage_updated, UpdateStageOutput);

macro_rules! deployment_from {
    ($name:ident, $sdk:ty) => {
        pub(super) fn $name(deployment: $sdk) -> Converted<Deployment> {
            Ok(Deployment {
                id: id(
                    "deploymentId",
                    deployment.deployment_id,
                    DeploymentId::parse,
                )?,
                description: text(deployment.description),
                status: status(deployment.deployment_status.as_ref()),
                status_message: text(deployment.deployment_status_message),
                auto_deployed: deployment.auto_deployed.unwrap_or_default(),
                created_at: timestamp(deployment.created_date),
            })
        }
    };
}

deployment_from!(deployment_item, types::Deployment);
deployment_from!(deployment_read, GetDeploymentOutput);
deployment_from!(deployment_created, CreateDeploymentOutput);

/// A route without its responses, which are lists of their own.
pub(super) fn route(route: types::Route) -> Converted<Route> {
    Ok(Route {
        id: id("routeId", route.route_id, RouteId::parse)?,
        key: route.route_key.ok_or("routeKey")?,
        target: text(route.target),
        authorization_type: route
            .authorization_type
            .map_or_else(|| "NONE".to_owned(), |kind| kind.as_str().to_owned()),
        authorizer_id: optional_id("authorizerId", route.authorizer_id, AuthorizerId::parse)?,
        api_key_required: route.api_key_required.unwrap_or_default(),
        model_selection_expression: text(route.model_selection_expression),
        operation_name: text(route.operation_name),
        request_models: sorted(route.request_models),
        request_parameters: required(route.request_parameters),
        route_response_selection_expression: text(route.route_response_selection_expression),
        responses: Vec::new(),
    })
}

/// A route response.
pub(super) fn route_response(response: types::RouteResponse) -> Converted<RouteResponse> {
    Ok(RouteResponse {
        id: id(
            "routeResponseId",
            response.route_response_id,
            RouteResponseId::parse,
        )?,
        key: response.route_response_key.ok_or("routeResponseKey")?,
        model_selection_expression: text(response.model_selection_expression),
        response_models: sorted(response.response_models),
        response_parameters: required(response.response_parameters),
    })
}

/// An integration without its responses, which are lists of their own.
pub(super) fn integration(integration: types::Integration) -> Converted<Integration> {
    let kind = integration.integration_type.ok_or("integrationType")?;
    let connection_type = integration.connection_type;
    let content_handling = integration.content_handling_strategy;
    let passthrough = integration.passthrough_behavior;
    Ok(Integration {
        id: id(
            "integrationId",
            integration.integration_id,
            IntegrationId::parse,
        )?,
        integration_type: kind.as_str().to_owned(),
        uri: text(integration.integration_uri),
        method: text(integration.integration_method),
        connection_type: connection_type.map(|kind| kind.as_str().to_owned()),
        connection_id: text(integration.connection_id),
        content_handling_strategy: content_handling.map(|kind| kind.as_str().to_owned()),
        credentials_arn: text(integration.credentials_arn),
        description: text(integration.description),
        integration_response_selection_expression: text(
            integration.integration_response_selection_expression,
        ),
        passthrough_behavior: passthrough.map(|kind| kind.as_str().to_owned()),
        payload_format_version: text(integration.payload_format_version),
        request_parameters: sorted(integration.request_parameters),
        request_templates: sorted(integration.request_templates),
        template_selection_expression: text(integration.template_selection_expression),
        timeout_ms: integration.timeout_in_millis,
        responses: Vec::new(),
    })
}

/// An integration response.
pub(super) fn integration_response(
    response: types::IntegrationResponse,
) -> Converted<IntegrationResponse> {
    let content_handling = response.content_handling_strategy;
    Ok(IntegrationResponse {
        id: id(
            "integrationResponseId",
            response.integration_response_id,
            IntegrationResponseId::parse,
        )?,
        key: response
            .integration_response_key
            .ok_or("integrationResponseKey")?,
        content_handling_strategy: content_handling.map(|kind| kind.as_str().to_owned()),
        response_parameters: sorted(response.response_parameters),
        response_templates: sorted(response.response_templates),
        template_selection_expression: text(response.template_selection_expression),
    })
}

/// An authorizer.
pub(super) fn authorizer(authorizer: types::Authorizer) -> Converted<Authorizer> {
    Ok(Authorizer {
        id: id(
            "authorizerId",
            authorizer.authorizer_id,
            AuthorizerId::parse,
        )?,
        name: authorizer.name.ok_or("name")?,
        authorizer_type: authorizer
            .authorizer_type
            .map(|kind| kind.as_str().to_owned())
            .ok_or("authorizerType")?,
        uri: text(authorizer.authorizer_uri),
        credentials_arn: text(authorizer.authorizer_credentials_arn),
        identity_source: authorizer.identity_source.unwrap_or_default(),
        identity_validation_expression: text(authorizer.identity_validation_expression),
    })
}

/// A model.
pub(super) fn model(model: types::Model) -> Converted<Model> {
    Ok(Model {
        id: id("modelId", model.model_id, ModelId::parse)?,
        name: model.name.ok_or("name")?,
        content_type: text(model.content_type),
        description: text(model.description),
        schema: model.schema.unwrap_or_default(),
    })
}

fn status(status: Option<&types::DeploymentStatus>) -> DeploymentStatus {
    match status {
        Some(types::DeploymentStatus::Deployed) => DeploymentStatus::Deployed,
        Some(types::DeploymentStatus::Failed) => DeploymentStatus::Failed,
        Some(types::DeploymentStatus::Pending) => DeploymentStatus::Pending,
        Some(other) => DeploymentStatus::Other(other.as_str().to_owned()),
        None => DeploymentStatus::Other(String::new()),
    }
}

fn route_settings(settings: types::RouteSettings) -> RouteSettings {
    RouteSettings {
        data_trace_enabled: settings.data_trace_enabled,
        detailed_metrics_enabled: settings.detailed_metrics_enabled,
        logging_level: settings
            .logging_level
            .map(|level| level.as_str().to_owned()),
        throttling_burst_limit: settings.throttling_burst_limit,
        throttling_rate_limit: settings.throttling_rate_limit,
    }
}

fn access_log(settings: types::AccessLogSettings) -> AccessLogSettings {
    AccessLogSettings {
        destination_arn: text(settings.destination_arn),
        format: text(settings.format),
    }
}

fn required(
    parameters: Option<HashMap<String, types::ParameterConstraints>>,
) -> BTreeMap<String, bool> {
    parameters
        .unwrap_or_default()
        .into_iter()
        .map(|(name, constraints)| (name, constraints.required.unwrap_or_default()))
        .collect()
}

/// Absent and empty mean the same in every member that this is used for; one form of them makes drift comparable.
fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

fn timestamp(date: Option<DateTime>) -> Option<Timestamp> {
    let date = date?;
    let nanoseconds = i32::try_from(date.subsec_nanos()).unwrap_or_default();
    Timestamp::new(date.secs(), nanoseconds).ok()
}

fn id<T>(
    member: &'static str,
    text: Option<String>,
    parse: fn(&str) -> Result<T, InvalidId>,
) -> Converted<T> {
    parse(&text.ok_or(member)?).map_err(|_| member)
}

fn optional_id<T>(
    member: &'static str,
    text: Option<String>,
    parse: fn(&str) -> Result<T, InvalidId>,
) -> Converted<Option<T>> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => parse(&text).map(Some).map_err(|_| member),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_its_id_names_the_member() {
        let api = types::Api::builder().name("chat").build();
        assert_eq!(api_item(api), Err("apiId"));
        let stage = types::Stage::builder().stage_name("not a stage").build();
        assert_eq!(stage_item(stage), Err("stageName"));
    }

    #[test]
    fn an_unknown_status_keeps_its_words() {
        let unknown = types::DeploymentStatus::from("ROLLING");
        assert_eq!(
            status(Some(&unknown)),
            DeploymentStatus::Other("ROLLING".into())
        );
    }

    #[test]
    fn an_empty_deployment_id_is_none() {
        let stage = types::Stage::builder()
            .stage_name("test")
            .deployment_id("")
            .build();
        assert_eq!(stage_item(stage).unwrap().deployment_id, None);
    }

    #[test]
    fn dates_keep_their_second() {
        let date = DateTime::from_secs(1_542_263_031);
        let timestamp = timestamp(Some(date)).unwrap();
        assert_eq!(timestamp.to_string(), "2018-11-15T06:23:51Z");
    }
}
