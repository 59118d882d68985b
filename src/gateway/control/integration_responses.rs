//! Integration responses: how the answer of a backend that is no proxy becomes the answer to the client.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    call::{ApiKey, Call},
    check, deployments,
    error::ApiError,
    ids,
    integrations::{self, CONTENT_HANDLING, TEMPLATE_CHARS},
    wire::{self, Reply, Texts},
};
use crate::gateway::store::{
    Draft, View,
    record::{ApiRecord, IntegrationResponseRecord},
    within,
};

/// What an integration response is made from or changed with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IntegrationResponseInput {
    pub(crate) integration_response_key: Option<String>,
    pub(crate) content_handling_strategy: Option<String>,
    pub(crate) response_parameters: Option<Texts>,
    pub(crate) response_templates: Option<Texts>,
    pub(crate) template_selection_expression: Option<String>,
}

/// An integration response on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IntegrationResponseOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_handling_strategy: Option<String>,
    integration_response_id: String,
    integration_response_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_parameters: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_templates: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_selection_expression: Option<String>,
}

fn show(response: IntegrationResponseRecord) -> IntegrationResponseOutput {
    IntegrationResponseOutput {
        content_handling_strategy: response.content_handling_strategy,
        integration_response_id: response.integration_response_id,
        integration_response_key: response.integration_response_key,
        response_parameters: response.response_parameters,
        response_templates: response.response_templates,
        template_selection_expression: response.template_selection_expression,
    }
}

/// Names the integration that responses belong to.
#[derive(Clone)]
struct Key {
    api: ApiKey,
    integration_id: String,
}

impl Key {
    fn of(call: &Call) -> Self {
        Self {
            api: call.api(),
            integration_id: call.label("integrationId"),
        }
    }

    /// The API, and where the responses of the integration are.
    fn parent(&self, view: &View<'_>) -> Result<(ApiRecord, String), ApiError> {
        let api = self.api.find(view)?;
        integrations::find(view, &api, &self.integration_id)?;
        let parent = within(&api.api_id, &self.integration_id);
        Ok((api, parent))
    }

    fn find(&self, view: &View<'_>, id: &str) -> Result<Found, ApiError> {
        let (api, parent) = self.parent(view)?;
        let response = view
            .get(&parent, id)?
            .ok_or_else(|| ApiError::unknown("IntegrationResponse", id))?;
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
    response: IntegrationResponseRecord,
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: IntegrationResponseInput = call.body()?;
    let key = Key::of(call);
    let response = call.store.write(move |draft| {
        let (api, _) = key.parent(draft)?;
        let response = add(draft, &api, &key.integration_id, &input)?;
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
    let id = call.label("integrationResponseId");
    let found = call.store.read(|view| key.find(view, &id))?;
    Ok(Reply::json(&show(found.response)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: IntegrationResponseInput = call.body()?;
    let key = Key::of(call);
    let id = call.label("integrationResponseId");
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
    let id = call.label("integrationResponseId");
    call.store.write(move |draft| {
        let found = key.find(draft, &id)?;
        draft.remove::<IntegrationResponseRecord>(&found.parent, &id)?;
        deployments::definition_changed(draft, &found.api)
    })?;
    Ok(Reply::empty())
}

/// Makes a response of an integration that exists.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    integration_id: &str,
    input: &IntegrationResponseInput,
) -> Result<IntegrationResponseRecord, ApiError> {
    let key = input.integration_response_key.as_ref();
    check::required("integrationResponseKey", key)?;
    let parent = within(&api.api_id, integration_id);
    let id = ids::fresh::<IntegrationResponseRecord>(draft, &parent, ids::RESPONSE)?;
    let blank = IntegrationResponseRecord {
        integration_response_id: id,
        integration_response_key: String::new(),
        content_handling_strategy: None,
        response_parameters: None,
        response_templates: None,
        template_selection_expression: None,
    };
    change(draft, &parent, blank, input)
}

fn change(
    draft: &mut Draft<'_>,
    parent: &str,
    mut response: IntegrationResponseRecord,
    input: &IntegrationResponseInput,
) -> Result<IntegrationResponseRecord, ApiError> {
    check_members(input)?;
    if let Some(key) = &input.integration_response_key {
        response.integration_response_key.clone_from(key);
    }
    let strategy = input.content_handling_strategy.as_ref();
    check::patch(&mut response.content_handling_strategy, strategy);
    let expression = input.template_selection_expression.as_ref();
    check::patch(&mut response.template_selection_expression, expression);
    if let Some(given) = &input.response_parameters {
        let mut parameters = response.response_parameters.unwrap_or_default();
        parameters.extend(given.clone());
        parameters.retain(|_, value| !value.is_empty());
        response.response_parameters = Some(parameters).filter(|all| !all.is_empty());
    }
    if let Some(templates) = &input.response_templates {
        response.response_templates = Some(templates.clone()).filter(|all| !all.is_empty());
    }
    let others: Vec<IntegrationResponseRecord> = draft.all(parent)?;
    let is_taken = |other: &IntegrationResponseRecord| {
        other.integration_response_key == response.integration_response_key
            && other.integration_response_id != response.integration_response_id
    };
    if others.iter().any(is_taken) {
        // GUESS: in the words of a route key that is taken.
        return Err(ApiError::conflict(format!(
            "IntegrationResponse with key {} already exists for this Integration",
            response.integration_response_key
        )));
    }
    draft.put(parent, &response)?;
    Ok(response)
}

fn check_members(input: &IntegrationResponseInput) -> Result<(), ApiError> {
    let is_key = |key: &String| {
        let pattern = key
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        key == "$default"
            || pattern.is_some_and(|pattern| !pattern.is_empty() && Regex::new(pattern).is_ok())
    };
    if input
        .integration_response_key
        .as_ref()
        .is_some_and(|key| !is_key(key))
    {
        // SOURCE: the guide: `$default` or a regular expression between slashes. GUESS: the text.
        return Err(ApiError::bad_request(
            "Invalid integrationResponseKey: it must be $default or a regular expression between slashes",
        ));
    }
    let strategy = input.content_handling_strategy.as_ref();
    check::one_of("contentHandlingStrategy", strategy, CONTENT_HANDLING)?;
    check::values(
        "responseParameters",
        input.response_parameters.as_ref(),
        (0, 512),
    )?;
    check::values(
        "responseTemplates",
        input.response_templates.as_ref(),
        TEMPLATE_CHARS,
    )
}
