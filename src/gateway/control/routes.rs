//! Routes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    call::Call,
    check,
    error::ApiError,
    ids, models,
    parts::{self, Parent, Part},
    wire::{self, Reply, Texts},
};
use crate::gateway::{
    data::may_select_routes,
    store::{
        Draft, View,
        record::{
            ApiRecord, AuthorizerRecord, IntegrationRecord, RouteRecord, RouteResponseRecord,
        },
        within,
    },
};

/// SOURCE: quotas for configuring and running a WebSocket API: routes per API.
const MOST: usize = 300;

/// GUESS: characters of a route key, and that none of them is a control character; no quota names either.
const ROUTE_KEY_CHARS: usize = 1024;

pub(super) const PREDEFINED: &[&str] = &["$connect", "$disconnect", "$default"];
const AUTHORIZATION_TYPES: &[&str] = &["NONE", "AWS_IAM", "CUSTOM", "JWT"];

/// The constraint of a parameter, which may be required.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Constraint {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<bool>,
}

/// Parameters with their constraints.
pub(crate) type Constraints = BTreeMap<String, Constraint>;

/// The input of `CreateRoute` and `UpdateRoute`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteInput {
    pub(crate) route_key: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) api_key_required: Option<bool>,
    pub(crate) authorization_type: Option<String>,
    pub(crate) authorizer_id: Option<String>,
    pub(crate) authorization_scopes: Option<Vec<String>>,
    pub(crate) model_selection_expression: Option<String>,
    pub(crate) operation_name: Option<String>,
    pub(crate) request_models: Option<Texts>,
    #[serde(deserialize_with = "wire::objects")]
    pub(crate) request_parameters: Option<Constraints>,
    pub(crate) route_response_selection_expression: Option<String>,
}

/// A route on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteOutput {
    api_key_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_scopes: Option<Vec<String>>,
    authorization_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_selection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_models: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_parameters: Option<Constraints>,
    route_id: String,
    route_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_response_selection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Part for RouteRecord {
    type Input = RouteInput;
    type Output = RouteOutput;

    const KIND: &'static str = "route";
    const LABEL: &'static str = "routeId";

    fn add(draft: &mut Draft<'_>, parent: &Parent, input: &RouteInput) -> Result<Self, ApiError> {
        add(draft, &parent.api, input)
    }

    fn change(
        self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &RouteInput,
    ) -> Result<Self, ApiError> {
        change(draft, &parent.api, self, input)
    }

    fn remove(self, draft: &mut Draft<'_>, parent: &Parent) -> Result<(), ApiError> {
        remove(draft, &parent.api, &self.route_id)
    }

    fn show(self) -> RouteOutput {
        RouteOutput {
            api_key_required: self.api_key_required,
            authorization_scopes: self.authorization_scopes,
            authorization_type: self.authorization_type,
            authorizer_id: self.authorizer_id,
            model_selection_expression: self.model_selection_expression,
            operation_name: self.operation_name,
            request_models: self.request_models,
            request_parameters: self.request_parameters.map(show_constraints),
            route_id: self.route_id,
            route_key: self.route_key,
            route_response_selection_expression: self.route_response_selection_expression,
            target: self.target,
        }
    }
}

pub(super) fn show_constraints(required: BTreeMap<String, bool>) -> Constraints {
    let constraints = required.into_iter().map(|(name, required)| {
        let required = Some(required);
        (name, Constraint { required })
    });
    constraints.collect()
}

pub(super) fn keep_constraints(constraints: &Constraints) -> BTreeMap<String, bool> {
    let required = constraints
        .iter()
        .map(|(name, constraint)| (name.clone(), constraint.required.unwrap_or(false)));
    required.collect()
}

pub(super) fn delete_request_parameter(call: &Call) -> Result<Reply, ApiError> {
    let parameter = call.label("requestParameterKey");
    parts::rewrite::<RouteRecord, _>(call, move |mut route, draft, parent| {
        let mut parameters = route.request_parameters.unwrap_or_default();
        if parameters.remove(&parameter).is_none() {
            return Err(ApiError::unknown("RequestParameter"));
        }
        route.request_parameters = Some(parameters).filter(|left| !left.is_empty());
        draft.put(&parent.key, &route)?;
        Ok(())
    })?;
    Ok(Reply::empty())
}

/// Makes a route.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &RouteInput,
) -> Result<RouteRecord, ApiError> {
    check::required("routeKey", input.route_key.as_ref())?;
    if draft.count::<RouteRecord>(&api.api_id)? >= MOST {
        return Err(ApiError::quota("Routes"));
    }
    let route_id = ids::fresh::<RouteRecord>(draft, &api.api_id, ids::ROUTE)?;
    replace(draft, api, route_id, input)
}

/// Writes a route under an id, with nothing left of what may have stood there but its responses.
pub(crate) fn replace(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    route_id: String,
    input: &RouteInput,
) -> Result<RouteRecord, ApiError> {
    // An empty one is what clears the name of a route that has one.
    check::length("operationName", input.operation_name.as_ref(), 1..=64)?;
    change(draft, api, RouteRecord::new(route_id), input)
}

/// Changes a route: what is absent stays, request parameters are merged, models are replaced.
fn change(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    mut route: RouteRecord,
    input: &RouteInput,
) -> Result<RouteRecord, ApiError> {
    check_members(input)?;
    if let Some(route_key) = &input.route_key {
        route.route_key.clone_from(route_key);
    }
    if let Some(required) = input.api_key_required {
        route.api_key_required = required;
    }
    if let Some(authorization_type) = check::kept(input.authorization_type.as_ref()) {
        route.authorization_type = authorization_type;
    }
    check::patch(&mut route.authorizer_id, input.authorizer_id.as_ref());
    if let Some(scopes) = &input.authorization_scopes {
        route.authorization_scopes = Some(scopes.clone()).filter(|scopes| !scopes.is_empty());
    }
    let expression = input.model_selection_expression.as_ref();
    check::patch(&mut route.model_selection_expression, expression);
    check::patch(&mut route.operation_name, input.operation_name.as_ref());
    models::check_named(draft, &api.api_id, input.request_models.as_ref())?;
    check::replace(&mut route.request_models, input.request_models.as_ref());
    if let Some(given) = &input.request_parameters {
        let mut parameters = route.request_parameters.unwrap_or_default();
        parameters.extend(keep_constraints(given));
        route.request_parameters = Some(parameters).filter(|all| !all.is_empty());
    }
    let expression = input.route_response_selection_expression.as_ref();
    check::patch(&mut route.route_response_selection_expression, expression);
    check::patch(&mut route.target, input.target.as_ref());
    check_whole(draft, api, &route)?;
    draft.put(&api.api_id, &route)?;
    Ok(route)
}

/// Removes a route with its responses.
pub(crate) fn remove(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    route_id: &str,
) -> Result<(), ApiError> {
    draft.remove_all::<RouteResponseRecord>(&within(&api.api_id, route_id))?;
    draft.remove::<RouteRecord>(&api.api_id, route_id)?;
    Ok(())
}

fn check_members(input: &RouteInput) -> Result<(), ApiError> {
    let is_malformed = |key: &String| {
        !(1..=ROUTE_KEY_CHARS).contains(&key.chars().count())
            || key.chars().any(char::is_control)
            || (key.starts_with('$') && !PREDEFINED.contains(&key.as_str()))
    };
    if input.route_key.as_ref().is_some_and(is_malformed) {
        return Err(ApiError::bad_request(
            "The provided route key is not formatted properly",
        ));
    }
    let authorization_type = input.authorization_type.as_ref();
    check::one_of("authorizationType", authorization_type, AUTHORIZATION_TYPES)?;
    check::length("operationName", input.operation_name.as_ref(), 0..=64)?;
    for name in input.request_parameters.iter().flat_map(BTreeMap::keys) {
        // SOURCE: the guide: what is declared here is what a mapping may read. GUESS: the text is version 1's.
        let parameter = name.strip_prefix("route.request.");
        if !parameter.is_some_and(check::is_request_parameter) {
            return Err(ApiError::bad_request(format!(
                "Invalid mapping expression parameter specified: {name}"
            )));
        }
    }
    check::selection(
        "modelSelectionExpression",
        input.model_selection_expression.as_ref(),
        may_select_routes,
    )?;
    check::values("requestModels", input.request_models.as_ref(), &(1..=128))?;
    let expression = input.route_response_selection_expression.as_ref();
    // SOURCE: reported of AWS. An empty one stands for none.
    match check::kept(expression).as_deref() {
        None | Some("$default") => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "Currently, only $default is supported as a route response selection expression.",
        )),
    }
}

/// Checks the route as a whole, and among the other routes.
fn check_whole(view: &View<'_>, api: &ApiRecord, route: &RouteRecord) -> Result<(), ApiError> {
    let is_secured = route.authorization_type != "NONE";
    if is_secured && route.route_key != "$connect" {
        return Err(ApiError::bad_request(
            "Currently, authorization is restricted to the $connect route only",
        ));
    }
    if route.authorization_scopes.is_some() {
        return Err(ApiError::bad_request(
            "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type",
        ));
    }
    // SOURCE: seen when a route of a WebSocket API was made.
    if route.request_parameters.is_some() && route.route_key != "$connect" {
        return Err(ApiError::bad_request(
            "Request parameters are only supported for the $connect route in WEBSOCKET APIs",
        ));
    }
    check_authorizer(view, api, route)?;
    if let Some(target) = &route.target {
        check_target(view, api, target)?;
    }
    if parts::is_taken(view, &api.api_id, route, |it| &it.route_key)? {
        return Err(ApiError::conflict(format!(
            "Route with key {} already exists for this API",
            route.route_key
        )));
    }
    Ok(())
}

/// Checks the authorizer of a route. A route that asks an authorizer needs one; what a route names that asks none is
/// kept and not looked at.
fn check_authorizer(view: &View<'_>, api: &ApiRecord, route: &RouteRecord) -> Result<(), ApiError> {
    let message = match (route.authorization_type.as_str(), &route.authorizer_id) {
        ("CUSTOM", Some(id)) if view.get::<AuthorizerRecord>(&api.api_id, id)?.is_some() => {
            return Ok(());
        }
        // SOURCE: seen when a route was made.
        ("CUSTOM", _) => {
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
        }
        // No authorizer of a WebSocket API reads tokens. SOURCE: the text is as seen for an HTTP API.
        ("JWT", _) => "Setting the authorization type to JWT requires a valid JWT authorizer.",
        _ => return Ok(()),
    };
    Err(ApiError::bad_request(message))
}

fn check_target(view: &View<'_>, api: &ApiRecord, target: &str) -> Result<(), ApiError> {
    let id = target
        .strip_prefix("integrations/")
        .filter(|id| !id.is_empty() && !id.contains('/'));
    let Some(id) = id else {
        return Err(ApiError::bad_request(
            "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>.",
        ));
    };
    // GUESS: a target that names no integration is refused as one that is looked up.
    match view.get::<IntegrationRecord>(&api.api_id, id)? {
        Some(_) => Ok(()),
        None => Err(ApiError::unknown("Integration")),
    }
}
