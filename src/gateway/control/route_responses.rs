//! Route responses: a route that has one is two-way.

use serde::{Deserialize, Serialize};

use super::{
    check,
    error::ApiError,
    ids, models,
    parts::{self, Parent, ParentKind, Part},
    routes::{self, Constraints},
    wire::{self, Texts},
};
use crate::gateway::{
    data::may_select_routes,
    store::{
        Draft,
        record::{ApiRecord, RouteRecord, RouteResponseRecord},
    },
};

/// The input of `CreateRouteResponse` and `UpdateRouteResponse`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteResponseInput {
    pub(crate) route_response_key: Option<String>,
    pub(crate) model_selection_expression: Option<String>,
    pub(crate) response_models: Option<Texts>,
    #[serde(deserialize_with = "wire::objects")]
    pub(crate) response_parameters: Option<Constraints>,
}

/// A route response on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteResponseOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    model_selection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_models: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_parameters: Option<Constraints>,
    route_response_id: String,
    route_response_key: String,
}

impl Part for RouteResponseRecord {
    type Input = RouteResponseInput;
    type Output = RouteResponseOutput;

    const KIND: &'static str = "RouteResponse";
    const LABEL: &'static str = "routeResponseId";
    const OWNER: Option<ParentKind> = Some(ParentKind::of::<RouteRecord>());

    fn add(
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &RouteResponseInput,
    ) -> Result<Self, ApiError> {
        let key = check::kept(input.route_response_key.as_ref());
        check::required("routeResponseKey", key.as_ref())?;
        let blank = Self {
            route_response_id: ids::fresh::<Self>(draft, &parent.key, ids::ROUTE_RESPONSE)?,
            ..Self::default()
        };
        blank.change(draft, parent, input)
    }

    fn change(
        mut self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &RouteResponseInput,
    ) -> Result<Self, ApiError> {
        if let Some(key) = check::kept(input.route_response_key.as_ref()) {
            self.route_response_key = take_key(key)?;
        }
        check::values("responseModels", input.response_models.as_ref(), &(1..=128))?;
        models::check_named(draft, &parent.api.api_id, input.response_models.as_ref())?;
        let expression = input.model_selection_expression.as_ref();
        check::selection("modelSelectionExpression", expression, may_select_routes)?;
        check::patch(&mut self.model_selection_expression, expression);
        check::replace(&mut self.response_models, input.response_models.as_ref());
        if let Some(given) = &input.response_parameters {
            let mut parameters = self.response_parameters.unwrap_or_default();
            parameters.extend(routes::keep_constraints(given));
            self.response_parameters = Some(parameters).filter(|all| !all.is_empty());
        }
        if parts::is_taken(draft, &parent.key, &self, |it| &it.route_response_key)? {
            // GUESS: in the words of a route key that is taken.
            return Err(ApiError::conflict(format!(
                "RouteResponse with key {} already exists for this Route",
                self.route_response_key
            )));
        }
        draft.put(&parent.key, &self)?;
        Ok(self)
    }

    fn show(self) -> RouteResponseOutput {
        RouteResponseOutput {
            model_selection_expression: self.model_selection_expression,
            response_models: self.response_models,
            response_parameters: self.response_parameters.map(routes::show_constraints),
            route_response_id: self.route_response_id,
            route_response_key: self.route_response_key,
        }
    }
}

/// Makes a response of a route that exists.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    route_id: &str,
    input: &RouteResponseInput,
) -> Result<RouteResponseRecord, ApiError> {
    RouteResponseRecord::add(draft, &Parent::within(api, route_id), input)
}

/// SOURCE: seen when a route response was made.
fn take_key(key: String) -> Result<String, ApiError> {
    if key == "$default" {
        return Ok(key);
    }
    Err(ApiError::bad_request(
        "Currently, only $default is supported as a RouteResponseKey. The creation of the RouteResponse with a key of $default will indicate to API Gateway that this Route is intended to handle two-way communication.",
    ))
}
