//! Route responses: what makes a route two-way.

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiKey, Call},
    check, deployments,
    error::ApiError,
    ids,
    routes::{self, Constraints},
    wire::{self, Reply, Texts},
};
use crate::gateway::store::{
    Draft, View,
    record::{ApiRecord, RouteResponseRecord},
    within,
};

/// What a route response is made from or changed with.
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
struct RouteResponseOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    model_selection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_models: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_parameters: Option<Constraints>,
    route_response_id: String,
    route_response_key: String,
}

fn show(response: RouteResponseRecord) -> RouteResponseOutput {
    RouteResponseOutput {
        model_selection_expression: response.model_selection_expression,
        response_models: response.response_models,
        response_parameters: response.response_parameters.map(routes::show_constraints),
        route_response_id: response.route_response_id,
        route_response_key: response.route_response_key,
    }
}

/// Names a route response, or the route that all of them belong to.
#[derive(Clone)]
struct Key {
    api: ApiKey,
    route_id: String,
}

impl Key {
    fn of(call: &Call) -> Self {
        Self {
            api: call.api(),
            route_id: call.label("routeId"),
        }
    }

    /// The API, and where the responses of the route are.
    fn parent(&self, view: &View<'_>) -> Result<(ApiRecord, String), ApiError> {
        let api = self.api.find(view)?;
        routes::find(view, &api, &self.route_id)?;
        let parent = within(&api.api_id, &self.route_id);
        Ok((api, parent))
    }

    fn find(&self, view: &View<'_>, id: &str) -> Result<Found, ApiError> {
        let (api, parent) = self.parent(view)?;
        let response = view
            .get(&parent, id)?
            .ok_or_else(|| ApiError::unknown("RouteResponse", id))?;
        Ok(Found {
            api,
            parent,
            response,
        })
    }
}

struct Found {
    api: ApiRecord,
    parent: String,
    response: RouteResponseRecord,
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: RouteResponseInput = call.body()?;
    let key = Key::of(call);
    let response = call.store.write(move |draft| {
        let (api, _) = key.parent(draft)?;
        let response = add(draft, &api, &key.route_id, &input)?;
        deployments::definition_changed(draft, &api)?;
        Ok::<_, ApiError>(response)
    })?;
    Ok(Reply::json(&show(response)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let key = Key::of(call);
    let responses = call.store.read(|view| {
        let (_, parent) = key.parent(view)?;
        let page = view.page(&parent, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(responses, &paging, show)))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let key = Key::of(call);
    let id = call.label("routeResponseId");
    let found = call.store.read(|view| key.find(view, &id))?;
    Ok(Reply::json(&show(found.response)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: RouteResponseInput = call.body()?;
    let key = Key::of(call);
    let id = call.label("routeResponseId");
    let response = call.store.write(move |draft| {
        let found = key.find(draft, &id)?;
        let response = change(draft, &found.parent, found.response, &input)?;
        deployments::definition_changed(draft, &found.api)?;
        Ok::<_, ApiError>(response)
    })?;
    Ok(Reply::json(&show(response)))
}

pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let key = Key::of(call);
    let id = call.label("routeResponseId");
    call.store.write(move |draft| {
        let found = key.find(draft, &id)?;
        draft.remove::<RouteResponseRecord>(&found.parent, &id)?;
        deployments::definition_changed(draft, &found.api)
    })?;
    Ok(Reply::empty())
}

/// Makes a response of a route that exists.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    route_id: &str,
    input: &RouteResponseInput,
) -> Result<RouteResponseRecord, ApiError> {
    let key = check::kept(input.route_response_key.as_ref());
    check::required("routeResponseKey", key.as_ref())?;
    let parent = within(&api.api_id, route_id);
    let blank = RouteResponseRecord {
        route_response_id: ids::fresh::<RouteResponseRecord>(draft, &parent, ids::RESPONSE)?,
        route_response_key: String::new(),
        model_selection_expression: None,
        response_models: None,
        response_parameters: None,
    };
    change(draft, &parent, blank, input)
}

fn change(
    draft: &mut Draft<'_>,
    parent: &str,
    mut response: RouteResponseRecord,
    input: &RouteResponseInput,
) -> Result<RouteResponseRecord, ApiError> {
    let key = input.route_response_key.as_ref();
    // SOURCE: the guide allows `$default` only. GUESS: the text.
    check::one_of("routeResponseKey", key, &["$default"])?;
    check::values("responseModels", input.response_models.as_ref(), (1, 128))?;
    if let Some(key) = check::kept(key) {
        response.route_response_key = key;
    }
    let expression = input.model_selection_expression.as_ref();
    check::patch(&mut response.model_selection_expression, expression);
    if let Some(models) = &input.response_models {
        response.response_models = Some(models.clone()).filter(|models| !models.is_empty());
    }
    if let Some(given) = &input.response_parameters {
        let mut parameters = response.response_parameters.unwrap_or_default();
        parameters.extend(routes::keep_constraints(given));
        response.response_parameters = Some(parameters).filter(|all| !all.is_empty());
    }
    let others: Vec<RouteResponseRecord> = draft.all(parent)?;
    let is_taken = |other: &RouteResponseRecord| {
        other.route_response_key == response.route_response_key
            && other.route_response_id != response.route_response_id
    };
    if others.iter().any(is_taken) {
        // GUESS: in the words of a route key that is taken.
        return Err(ApiError::conflict(format!(
            "RouteResponse with key {} already exists for this Route",
            response.route_response_key
        )));
    }
    draft.put(parent, &response)?;
    Ok(response)
}
