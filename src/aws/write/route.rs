//! Writing routes and their responses.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigatewayv2::types::{AuthorizationType, ParameterConstraints};

use super::{carry_out, changed, flag, some, whole};
use crate::{
    aws::{Control, Error},
    model::{
        ApiId, AuthorizerId, IntegrationId, PartRef, ResponseRef, RouteId, RouteResponseId,
        file::{RouteFile, RouteResponseFile, usual},
    },
};

/// The ids that the names in a route's file stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteEnds {
    /// Its integration.
    pub integration: Option<IntegrationId>,
    /// Its authorizer.
    pub authorizer: Option<AuthorizerId>,
}

impl RouteEnds {
    fn target(&self) -> Option<String> {
        let id = self.integration.as_ref()?;
        Some(format!("integrations/{id}"))
    }

    fn authorizer(&self) -> Option<String> {
        let id = self.authorizer.as_ref()?;
        Some(id.as_str().to_owned())
    }
}

impl Control {
    /// Creates a route, without responses.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_route(
        &self,
        api: &ApiId,
        key: &str,
        file: &RouteFile,
        ends: &RouteEnds,
    ) -> Result<RouteId, Error> {
        let authorization = file.authorization_type.as_deref();
        let authorization = authorization.map(AuthorizationType::from);
        let expression = &file.route_response_selection_expression;
        let answer = carry_out!(self, "create-route", |changes| changes
            .create_route()
            .api_id(api.as_str())
            .route_key(key)
            .set_target(ends.target())
            .set_authorizer_id(ends.authorizer())
            .set_api_key_required(file.api_key_required)
            .set_authorization_type(authorization.clone())
            .set_model_selection_expression(file.model_selection_expression.clone())
            .set_operation_name(file.operation_name.clone())
            .set_request_models(some(&file.request_models))
            .set_request_parameters(constraints(&file.request_parameters))
            .set_route_response_selection_expression(expression.clone()))?;
        match answer.route_id.as_deref().map(RouteId::parse) {
            Some(Ok(id)) => Ok(id),
            _ => Err(self.bad_answer("create-route", "routeId")),
        }
    }

    /// Changes a route and nothing of its responses. Request parameters that are gone are for
    /// [`Control::delete_route_request_parameter`].
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_route(
        &self,
        route: PartRef<'_, RouteId>,
        from: &RouteFile,
        to: &RouteFile,
        ends: &RouteEnds,
    ) -> Result<(), Error> {
        let text = |member: fn(&RouteFile) -> &Option<String>, usual: &str| {
            changed(member(from).as_ref(), member(to).as_ref(), usual)
        };
        let target =
            (from.integration != to.integration).then(|| ends.target().unwrap_or_default());
        let authorizer =
            (from.authorizer != to.authorizer).then(|| ends.authorizer().unwrap_or_default());
        let authorization = text(|it| &it.authorization_type, usual::AUTHORIZATION_TYPE);
        let authorization = authorization.as_deref().map(AuthorizationType::from);
        let mut parameters = to.request_parameters.clone();
        parameters.retain(|name, required| from.request_parameters.get(name) != Some(required));
        carry_out!(self, "update-route", |changes| changes
            .update_route()
            .api_id(route.api.as_str())
            .route_id(route.id.as_str())
            .set_target(target.clone())
            .set_authorizer_id(authorizer.clone())
            .set_api_key_required(flag(from.api_key_required, to.api_key_required))
            .set_authorization_type(authorization.clone())
            .set_model_selection_expression(text(|it| &it.model_selection_expression, ""))
            .set_operation_name(text(|it| &it.operation_name, ""))
            .set_request_models(whole(&from.request_models, &to.request_models))
            .set_request_parameters(constraints(&parameters))
            .set_route_response_selection_expression(text(
                |it| &it.route_response_selection_expression,
                ""
            )))?;
        Ok(())
    }

    /// Removes a request parameter of a route.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_route_request_parameter(
        &self,
        route: PartRef<'_, RouteId>,
        name: &str,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-route-request-parameter", |changes| changes
            .delete_route_request_parameter()
            .api_id(route.api.as_str())
            .route_id(route.id.as_str())
            .request_parameter_key(name))?;
        Ok(())
    }

    /// Deletes a route with its responses.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_route(&self, api: &ApiId, id: &RouteId) -> Result<(), Error> {
        carry_out!(self, "delete-route", |changes| changes
            .delete_route()
            .api_id(api.as_str())
            .route_id(id.as_str()))?;
        Ok(())
    }

    /// Creates a response of a route.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_route_response(
        &self,
        route: PartRef<'_, RouteId>,
        key: &str,
        file: &RouteResponseFile,
    ) -> Result<(), Error> {
        carry_out!(self, "create-route-response", |changes| changes
            .create_route_response()
            .api_id(route.api.as_str())
            .route_id(route.id.as_str())
            .route_response_key(key)
            .set_model_selection_expression(file.model_selection_expression.clone())
            .set_response_models(some(&file.response_models))
            .set_response_parameters(constraints(&file.response_parameters)))?;
        Ok(())
    }

    /// Changes a response of a route. Parameters that are gone stay: no call removes one.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_route_response(
        &self,
        response: ResponseRef<'_, RouteId, RouteResponseId>,
        from: &RouteResponseFile,
        to: &RouteResponseFile,
    ) -> Result<(), Error> {
        let expression = changed(
            from.model_selection_expression.as_ref(),
            to.model_selection_expression.as_ref(),
            "",
        );
        let mut parameters = to.response_parameters.clone();
        parameters.retain(|name, required| from.response_parameters.get(name) != Some(required));
        carry_out!(self, "update-route-response", |changes| changes
            .update_route_response()
            .api_id(response.of.api.as_str())
            .route_id(response.of.id.as_str())
            .route_response_id(response.id.as_str())
            .set_model_selection_expression(expression.clone())
            .set_response_models(whole(&from.response_models, &to.response_models))
            .set_response_parameters(constraints(&parameters)))?;
        Ok(())
    }

    /// Deletes a response of a route.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_route_response(
        &self,
        route: PartRef<'_, RouteId>,
        id: &RouteResponseId,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-route-response", |changes| changes
            .delete_route_response()
            .api_id(route.api.as_str())
            .route_id(route.id.as_str())
            .route_response_id(id.as_str()))?;
        Ok(())
    }
}

fn constraints(
    parameters: &BTreeMap<String, bool>,
) -> Option<HashMap<String, ParameterConstraints>> {
    let constraint = |required: bool| ParameterConstraints::builder().required(required).build();
    let entries = parameters.iter();
    let all: HashMap<_, _> = entries
        .map(|(name, required)| (name.clone(), constraint(*required)))
        .collect();
    (!all.is_empty()).then_some(all)
}
