//! The input of the control plane's operations, made from the parts of a file.

use std::collections::BTreeMap;

use crate::{
    gateway::control::{
        apis::ApiInput,
        authorizers::AuthorizerInput,
        integration_responses::IntegrationResponseInput,
        integrations::IntegrationInput,
        models::ModelInput,
        route_responses::RouteResponseInput,
        routes::{Constraint, Constraints, RouteInput},
        stage_members::{AccessLogSettings, RouteSettings, StageInput},
    },
    model::{
        StageName,
        file::{
            ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile,
            RouteFile, RouteResponseFile, RouteSettingsFile, StageFile, Texts,
        },
    },
};

pub(super) fn api_input(file: &ApiFile) -> ApiInput {
    ApiInput {
        name: Some(file.name.clone()),
        protocol_type: Some("WEBSOCKET".to_owned()),
        description: file.description.clone(),
        route_selection_expression: Some(file.route_selection_expression.clone()),
        api_key_selection_expression: file.api_key_selection_expression.clone(),
        disable_execute_api_endpoint: file.disable_execute_api_endpoint,
        disable_schema_validation: file.disable_schema_validation,
        ip_address_type: file.ip_address_type.clone(),
        version: file.version.clone(),
        tags: some(&file.tags),
        ..ApiInput::default()
    }
}

pub(super) fn authorizer_input(name: &str, file: &AuthorizerFile) -> AuthorizerInput {
    AuthorizerInput {
        name: Some(name.to_owned()),
        authorizer_type: Some(file.authorizer_type.clone()),
        authorizer_uri: file.authorizer_uri.clone(),
        authorizer_credentials_arn: file.authorizer_credentials_arn.clone(),
        identity_source: Some(file.identity_source.clone()),
        identity_validation_expression: file.identity_validation_expression.clone(),
        ..AuthorizerInput::default()
    }
}

pub(super) fn model_input(name: &str, file: &ModelFile) -> ModelInput {
    ModelInput {
        name: Some(name.to_owned()),
        content_type: file.content_type.clone(),
        description: file.description.clone(),
        schema: Some(file.schema.clone()),
    }
}

pub(super) fn integration_input(file: &IntegrationFile) -> IntegrationInput {
    IntegrationInput {
        integration_type: Some(file.integration_type.clone()),
        integration_uri: file.integration_uri.clone(),
        integration_method: file.integration_method.clone(),
        connection_type: file.connection_type.clone(),
        connection_id: file.connection_id.clone(),
        content_handling_strategy: file.content_handling_strategy.clone(),
        credentials_arn: file.credentials_arn.clone(),
        description: file.description.clone(),
        passthrough_behavior: file.passthrough_behavior.clone(),
        payload_format_version: file.payload_format_version.clone(),
        request_parameters: some(&file.request_parameters),
        request_templates: some(&file.request_templates),
        template_selection_expression: file.template_selection_expression.clone(),
        timeout_in_millis: file.timeout_in_millis.map(i64::from),
        ..IntegrationInput::default()
    }
}

pub(super) fn integration_response_input(
    key: &str,
    file: &IntegrationResponseFile,
) -> IntegrationResponseInput {
    IntegrationResponseInput {
        integration_response_key: Some(key.to_owned()),
        content_handling_strategy: file.content_handling_strategy.clone(),
        response_parameters: some(&file.response_parameters),
        response_templates: some(&file.response_templates),
        template_selection_expression: file.template_selection_expression.clone(),
    }
}

/// Makes a route's input from a route that is spelled out, and from the ids that its names have become.
pub(super) fn route_input(
    key: &str,
    target: Option<String>,
    authorizer_id: Option<String>,
    file: &RouteFile,
) -> RouteInput {
    let expression = file.route_response_selection_expression.clone();
    RouteInput {
        route_key: Some(key.to_owned()),
        target,
        api_key_required: file.api_key_required,
        authorization_type: file.authorization_type.clone(),
        authorizer_id,
        model_selection_expression: file.model_selection_expression.clone(),
        operation_name: file.operation_name.clone(),
        request_models: some(&file.request_models),
        request_parameters: constraints(&file.request_parameters),
        route_response_selection_expression: expression,
        ..RouteInput::default()
    }
}

pub(super) fn route_response_input(key: &str, file: &RouteResponseFile) -> RouteResponseInput {
    RouteResponseInput {
        route_response_key: Some(key.to_owned()),
        model_selection_expression: file.model_selection_expression.clone(),
        response_models: some(&file.response_models),
        response_parameters: constraints(&file.response_parameters),
    }
}

/// Makes the input of a stage, all of it but the settings of single routes.
pub(super) fn stage_input(name: &StageName, file: &StageFile) -> StageInput {
    let access_log = file.access_log_settings.as_ref();
    StageInput {
        stage_name: Some(name.as_str().to_owned()),
        description: file.description.clone(),
        auto_deploy: file.auto_deploy,
        client_certificate_id: file.client_certificate_id.clone(),
        access_log_settings: access_log.map(|settings| AccessLogSettings {
            destination_arn: settings.destination_arn.clone(),
            format: settings.format.clone(),
        }),
        default_route_settings: Some(route_settings(&file.default_route_settings)),
        stage_variables: some(&file.stage_variables),
        tags: some(&file.tags),
        ..StageInput::default()
    }
}

/// Makes the input for the settings of single routes on a stage.
pub(super) fn stage_route_settings(file: &StageFile) -> BTreeMap<String, RouteSettings> {
    let entries = file.route_settings.iter();
    entries
        .map(|(key, settings)| (key.clone(), route_settings(settings)))
        .collect()
}

fn route_settings(file: &RouteSettingsFile) -> RouteSettings {
    RouteSettings {
        data_trace_enabled: file.data_trace_enabled,
        detailed_metrics_enabled: file.detailed_metrics_enabled,
        logging_level: file.logging_level.clone(),
        throttling_burst_limit: file.throttling_burst_limit,
        throttling_rate_limit: file.throttling_rate_limit,
    }
}

fn constraints(parameters: &BTreeMap<String, bool>) -> Option<Constraints> {
    let entries = parameters.iter().map(|(name, required)| {
        let required = Some(*required);
        (name.clone(), Constraint { required })
    });
    let all: Constraints = entries.collect();
    (!all.is_empty()).then_some(all)
}

fn some(map: &Texts) -> Option<Texts> {
    (!map.is_empty()).then(|| map.clone())
}
