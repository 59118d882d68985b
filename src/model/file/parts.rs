//! The file of an API, made from the parts of the API as the control plane lists them.

use std::collections::BTreeMap;

use super::{
    AccessLogSettingsFile, ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile,
    ModelFile, RouteFile, RouteResponseFile, RouteSettingsFile, StageFile,
};
use crate::model::{
    Authorizer, Integration, IntegrationId, IntegrationResponse, Model, Route, RouteResponse,
    RouteSettings, Stage, definition::Parts,
};

/// The names that a file gives the integrations.
pub type Names = BTreeMap<IntegrationId, String>;

/// Makes the file of an API, in the normal form, with these names for its integrations; one without a name is left
/// out.
pub fn api_file(parts: Parts<'_>, stages: &[Stage], names: &Names) -> ApiFile {
    let api = parts.api;
    let mut file = ApiFile {
        name: api.name.clone(),
        description: api.description.clone(),
        version: api.version.clone(),
        route_selection_expression: api.route_selection_expression.clone(),
        api_key_selection_expression: api.api_key_selection_expression.clone(),
        disable_execute_api_endpoint: Some(api.disable_execute_api_endpoint),
        disable_schema_validation: Some(api.disable_schema_validation),
        ip_address_type: api.ip_address_type.clone(),
        tags: api.tags.clone(),
        authorizers: parts
            .authorizers
            .iter()
            .map(|authorizer| (authorizer.name.clone(), authorizer_file(authorizer)))
            .collect(),
        models: parts
            .models
            .iter()
            .map(|model| (model.name.clone(), model_file(model)))
            .collect(),
        integrations: parts
            .integrations
            .iter()
            .filter_map(|it| Some((names.get(&it.id)?.clone(), integration_file(it))))
            .collect(),
        routes: parts
            .routes
            .iter()
            .map(|route| {
                (
                    route.key.clone(),
                    route_file(route, parts.authorizers, names),
                )
            })
            .collect(),
        stages: stages
            .iter()
            .map(|stage| (stage.name.clone(), stage_file(stage)))
            .collect(),
        ..ApiFile::default()
    };
    // What has no effect is not asked for, so nothing of it is here to be told.
    let _without_effect = file.normalize();
    file
}

/// Gives each integration a name that depends on nothing that AWS assigned: the first route that targets it, without
/// the `$` where no other route has that key; `unused-1` and so on for those that no route targets, in the order of
/// their content.
pub fn integration_names(routes: &[Route], integrations: &[Integration]) -> Names {
    let mut keys: Vec<&Route> = routes.iter().collect();
    keys.sort_by(|one, other| one.key.cmp(&other.key));
    let is_key = |text: &str| routes.iter().any(|route| route.key == text);
    let mut names = Names::new();
    for route in keys {
        let Some(id) = route.integration_id() else {
            continue;
        };
        let is_there = integrations.iter().any(|integration| integration.id == id);
        if is_there && !names.contains_key(&id) {
            let short = route.key.strip_prefix('$').filter(|short| !is_key(short));
            names.insert(id, short.unwrap_or(&route.key).to_owned());
        }
    }
    let mut unused: Vec<(String, &IntegrationId)> = integrations
        .iter()
        .filter(|integration| !names.contains_key(&integration.id))
        .map(|integration| {
            let content = serde_json::to_string(&integration_file(integration));
            (content.unwrap_or_default(), &integration.id)
        })
        .collect();
    unused.sort();
    let mut numbered = (1..)
        .map(|number| format!("unused-{number}"))
        .filter(|name| !is_key(name));
    for ((_, id), name) in unused.into_iter().zip(numbered.by_ref()) {
        names.insert(id.clone(), name);
    }
    names
}

/// Returns the responses of an integration by key, each in the normal form, whether they have an effect or not.
pub fn integration_responses(
    integration: &Integration,
) -> BTreeMap<String, IntegrationResponseFile> {
    let responses = integration.responses.iter().map(|response| {
        let mut file = integration_response_file(response);
        file.normalize();
        (response.key.clone(), file)
    });
    responses.collect()
}

/// Returns the responses of a route by key, each in the normal form.
fn route_responses(route: &Route) -> BTreeMap<String, RouteResponseFile> {
    let responses = route.responses.iter().map(|response| {
        let mut file = route_response_file(response);
        file.normalize();
        (response.key.clone(), file)
    });
    responses.collect()
}

fn authorizer_file(authorizer: &Authorizer) -> AuthorizerFile {
    AuthorizerFile {
        authorizer_type: authorizer.authorizer_type.clone(),
        authorizer_uri: authorizer.uri.clone(),
        authorizer_credentials_arn: authorizer.credentials_arn.clone(),
        identity_source: authorizer.identity_source.clone(),
        identity_validation_expression: authorizer.identity_validation_expression.clone(),
        ..AuthorizerFile::default()
    }
}

fn model_file(model: &Model) -> ModelFile {
    ModelFile {
        content_type: model.content_type.clone(),
        description: model.description.clone(),
        schema: model.schema.clone(),
    }
}

fn integration_file(integration: &Integration) -> IntegrationFile {
    IntegrationFile {
        integration_type: integration.integration_type.clone(),
        integration_method: integration.method.clone(),
        integration_uri: integration.uri.clone(),
        connection_type: integration.connection_type.clone(),
        connection_id: integration.connection_id.clone(),
        content_handling_strategy: integration.content_handling_strategy.clone(),
        credentials_arn: integration.credentials_arn.clone(),
        description: integration.description.clone(),
        passthrough_behavior: integration.passthrough_behavior.clone(),
        payload_format_version: integration.payload_format_version.clone(),
        request_parameters: integration.request_parameters.clone(),
        request_templates: integration.request_templates.clone(),
        template_selection_expression: integration.template_selection_expression.clone(),
        timeout_in_millis: integration.timeout_ms,
        responses: integration_responses(integration),
    }
}

fn integration_response_file(response: &IntegrationResponse) -> IntegrationResponseFile {
    IntegrationResponseFile {
        content_handling_strategy: response.content_handling_strategy.clone(),
        response_parameters: response.response_parameters.clone(),
        response_templates: response.response_templates.clone(),
        template_selection_expression: response.template_selection_expression.clone(),
    }
}

fn route_file(route: &Route, authorizers: &[Authorizer], names: &Names) -> RouteFile {
    let integration = route.integration_id().and_then(|id| names.get(&id));
    let authorizer = route
        .authorizer_id
        .as_ref()
        .and_then(|id| authorizers.iter().find(|authorizer| authorizer.id == *id));
    RouteFile {
        integration: integration.cloned(),
        two_way: false,
        api_key_required: Some(route.api_key_required),
        authorization_type: Some(route.authorization_type.clone()),
        authorizer: authorizer.map(|authorizer| authorizer.name.clone()),
        model_selection_expression: route.model_selection_expression.clone(),
        operation_name: route.operation_name.clone(),
        request_models: route.request_models.clone(),
        request_parameters: route.request_parameters.clone(),
        route_response_selection_expression: route.route_response_selection_expression.clone(),
        responses: route_responses(route),
    }
}

fn route_response_file(response: &RouteResponse) -> RouteResponseFile {
    RouteResponseFile {
        model_selection_expression: response.model_selection_expression.clone(),
        response_models: response.response_models.clone(),
        response_parameters: response.response_parameters.clone(),
    }
}

/// Returns a stage's settings as a file has them.
pub fn stage_file(stage: &Stage) -> StageFile {
    let default_settings = stage.default_route_settings.as_ref();
    StageFile {
        description: stage.description.clone(),
        auto_deploy: Some(stage.auto_deploy),
        client_certificate_id: stage.client_certificate_id.clone(),
        stage_variables: stage.variables.clone(),
        default_route_settings: default_settings
            .map(route_settings_file)
            .unwrap_or_default(),
        route_settings: stage
            .route_settings
            .iter()
            .map(|(key, settings)| (key.clone(), route_settings_file(settings)))
            .collect(),
        access_log_settings: stage
            .access_log
            .as_ref()
            .map(|settings| AccessLogSettingsFile {
                destination_arn: settings.destination_arn.clone(),
                format: settings.format.clone(),
            }),
        tags: stage.tags.clone(),
    }
}

fn route_settings_file(settings: &RouteSettings) -> RouteSettingsFile {
    RouteSettingsFile {
        data_trace_enabled: settings.data_trace_enabled,
        detailed_metrics_enabled: settings.detailed_metrics_enabled,
        logging_level: settings.logging_level.clone(),
        throttling_burst_limit: settings.throttling_burst_limit,
        throttling_rate_limit: settings.throttling_rate_limit,
    }
}
