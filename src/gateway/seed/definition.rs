//! The definition of a draft in the store, as whoever deploys it through the control plane would have it: responses that
//! such a reader does not ask for are left out.

use std::collections::BTreeMap;

use crate::{
    gateway::{
        control::error::ApiError,
        store::{
            View,
            record::{
                ApiRecord, AuthorizerRecord, IntegrationRecord, IntegrationResponseRecord,
                ModelRecord, RouteRecord, RouteResponseRecord,
            },
            within,
        },
    },
    model::{
        Api, ApiId, Authorizer, AuthorizerId, Definition, Integration, IntegrationId,
        IntegrationResponse, IntegrationResponseId, Model, ModelId, Route, RouteId, RouteResponse,
        RouteResponseId, definition::Parts,
    },
};

/// Returns the definition of the API as it stands.
pub(super) fn of(view: &View<'_>, api: &ApiRecord) -> Result<Definition, ApiError> {
    let routes: Vec<RouteRecord> = view.all(&api.api_id)?;
    let routes: Result<Vec<Route>, ApiError> = routes
        .into_iter()
        .map(|route| {
            let responses = view.all(&within(&api.api_id, &route.route_id))?;
            route_of(route, responses)
        })
        .collect();
    let integrations: Vec<IntegrationRecord> = view.all(&api.api_id)?;
    let integrations: Result<Vec<Integration>, ApiError> = integrations
        .into_iter()
        .map(|integration| {
            let is_proxy = integration.integration_type.ends_with("_PROXY");
            let responses = if is_proxy {
                Vec::new()
            } else {
                view.all(&within(&api.api_id, &integration.integration_id))?
            };
            integration_of(integration, responses)
        })
        .collect();
    let authorizers: Vec<AuthorizerRecord> = view.all(&api.api_id)?;
    let authorizers: Result<Vec<Authorizer>, ApiError> =
        authorizers.into_iter().map(authorizer_of).collect();
    let models: Vec<ModelRecord> = view.all(&api.api_id)?;
    let models: Result<Vec<Model>, ApiError> = models.into_iter().map(model_of).collect();
    Ok(Definition::from_parts(Parts {
        api: &api_of(api)?,
        routes: &routes?,
        integrations: &integrations?,
        authorizers: &authorizers?,
        models: &models?,
    }))
}

fn api_of(api: &ApiRecord) -> Result<Api, ApiError> {
    Ok(Api {
        id: ApiId::parse(&api.api_id).map_err(|error| ApiError::internal(&error))?,
        name: api.name.clone(),
        description: api.description.clone(),
        endpoint: String::new(),
        route_selection_expression: api.route_selection_expression.clone(),
        api_key_selection_expression: Some(api.api_key_selection_expression.clone()),
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        disable_schema_validation: api.disable_schema_validation == Some(true),
        ip_address_type: Some(api.ip_address_type.clone()),
        version: api.version.clone(),
        created_at: Some(api.created_at),
        tags: BTreeMap::new(),
    })
}

fn route_of(route: RouteRecord, responses: Vec<RouteResponseRecord>) -> Result<Route, ApiError> {
    let responses: Result<_, ApiError> = responses.into_iter().map(route_response_of).collect();
    let authorizer_id = route.authorizer_id.as_deref().map(AuthorizerId::parse);
    let authorizer_id = authorizer_id.transpose();
    Ok(Route {
        id: RouteId::parse(&route.route_id).map_err(|error| ApiError::internal(&error))?,
        key: route.route_key,
        target: route.target,
        authorization_type: route.authorization_type,
        authorizer_id: authorizer_id.map_err(|error| ApiError::internal(&error))?,
        api_key_required: route.api_key_required,
        model_selection_expression: route.model_selection_expression,
        operation_name: route.operation_name,
        request_models: route.request_models.unwrap_or_default(),
        request_parameters: route.request_parameters.unwrap_or_default(),
        route_response_selection_expression: route.route_response_selection_expression,
        responses: responses?,
    })
}

fn route_response_of(response: RouteResponseRecord) -> Result<RouteResponse, ApiError> {
    let id = RouteResponseId::parse(&response.route_response_id);
    Ok(RouteResponse {
        id: id.map_err(|error| ApiError::internal(&error))?,
        key: response.route_response_key,
        model_selection_expression: response.model_selection_expression,
        response_models: response.response_models.unwrap_or_default(),
        response_parameters: response.response_parameters.unwrap_or_default(),
    })
}

fn integration_of(
    integration: IntegrationRecord,
    responses: Vec<IntegrationResponseRecord>,
) -> Result<Integration, ApiError> {
    let responses: Result<_, ApiError> =
        responses.into_iter().map(integration_response_of).collect();
    let id = IntegrationId::parse(&integration.integration_id);
    Ok(Integration {
        id: id.map_err(|error| ApiError::internal(&error))?,
        integration_type: integration.integration_type,
        uri: integration.integration_uri,
        method: integration.integration_method,
        connection_type: Some(integration.connection_type),
        connection_id: integration.connection_id,
        content_handling_strategy: integration.content_handling_strategy,
        credentials_arn: integration.credentials_arn,
        description: integration.description,
        integration_response_selection_expression: integration
            .integration_response_selection_expression,
        passthrough_behavior: Some(integration.passthrough_behavior),
        payload_format_version: Some(integration.payload_format_version),
        request_parameters: integration.request_parameters.unwrap_or_default(),
        request_templates: integration.request_templates.unwrap_or_default(),
        template_selection_expression: integration.template_selection_expression,
        timeout_ms: i32::try_from(integration.timeout_in_millis).ok(),
        responses: responses?,
    })
}

fn integration_response_of(
    response: IntegrationResponseRecord,
) -> Result<IntegrationResponse, ApiError> {
    let id = IntegrationResponseId::parse(&response.integration_response_id);
    Ok(IntegrationResponse {
        id: id.map_err(|error| ApiError::internal(&error))?,
        key: response.integration_response_key,
        content_handling_strategy: response.content_handling_strategy,
        response_parameters: response.response_parameters.unwrap_or_default(),
        response_templates: response.response_templates.unwrap_or_default(),
        template_selection_expression: response.template_selection_expression,
    })
}

fn authorizer_of(authorizer: AuthorizerRecord) -> Result<Authorizer, ApiError> {
    let id = AuthorizerId::parse(&authorizer.authorizer_id);
    Ok(Authorizer {
        id: id.map_err(|error| ApiError::internal(&error))?,
        name: authorizer.name,
        authorizer_type: authorizer.authorizer_type,
        uri: authorizer.authorizer_uri,
        credentials_arn: authorizer.authorizer_credentials_arn,
        identity_source: authorizer.identity_source,
        identity_validation_expression: authorizer.identity_validation_expression,
    })
}

fn model_of(model: ModelRecord) -> Result<Model, ApiError> {
    let id = ModelId::parse(&model.model_id);
    Ok(Model {
        id: id.map_err(|error| ApiError::internal(&error))?,
        name: model.name,
        content_type: model.content_type,
        description: model.description,
        schema: model.schema,
    })
}
