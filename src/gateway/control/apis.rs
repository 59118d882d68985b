//! APIs.

use serde::{Deserialize, Serialize};

use super::{
    api_mappings,
    call::{Call, HTTP, WEBSOCKET},
    check,
    error::ApiError,
    ids, owed,
    wire::{self, Presence, Reply, Texts},
};
use crate::gateway::{
    clock,
    data::may_select_routes,
    store::{Draft, record::ApiRecord},
};

// SOURCE: the service model: fixed for an HTTP API.
const HTTP_SELECTION: &str = "$request.method $request.path";
const API_KEY_HEADER: &str = "$request.header.x-api-key";
const API_KEY_SOURCES: &[&str] = &[API_KEY_HEADER, "$context.authorizer.usageIdentifierKey"];
/// SOURCE: quotas: regional APIs per account and region. HTTP APIs count too.
const MOST: usize = 600;
const ADDRESS_TYPES: &[&str] = &["ipv4", "dualstack"];

/// The input of `CreateApi` and `UpdateApi`. `UpdateApi` requires none of its members.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiInput {
    pub(crate) name: Option<String>,
    pub(crate) protocol_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) route_selection_expression: Option<String>,
    pub(crate) api_key_selection_expression: Option<String>,
    pub(crate) disable_execute_api_endpoint: Option<bool>,
    pub(crate) disable_schema_validation: Option<bool>,
    pub(crate) ip_address_type: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) tags: Option<Texts>,
    pub(crate) cors_configuration: Presence,
    pub(crate) credentials_arn: Presence,
    pub(crate) route_key: Presence,
    pub(crate) target: Presence,
}

/// An API on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiOutput {
    api_endpoint: String,
    api_id: String,
    api_key_selection_expression: String,
    created_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    disable_execute_api_endpoint: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_schema_validation: Option<bool>,
    ip_address_type: String,
    name: String,
    protocol_type: String,
    route_selection_expression: String,
    /// SOURCE: recorded on AWS, September 2026: an API without tags has no such member.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    tags: Texts,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

fn show(call: &Call, api: ApiRecord) -> ApiOutput {
    let scheme = if api.protocol_type == HTTP {
        "http"
    } else {
        "ws"
    };
    ApiOutput {
        // AWS gives every API a name in the DNS; a path needs none, and clients join the stage to it just the same.
        api_endpoint: format!("{scheme}://{}/{}", call.address, api.api_id),
        api_id: api.api_id,
        api_key_selection_expression: api.api_key_selection_expression,
        created_date: wire::seconds(api.created_at),
        description: api.description,
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        disable_schema_validation: api.disable_schema_validation,
        ip_address_type: api.ip_address_type,
        name: api.name,
        protocol_type: api.protocol_type,
        route_selection_expression: api.route_selection_expression,
        tags: api.tags,
        version: api.version,
    }
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: ApiInput = call.body()?;
    let region = call.region.clone();
    let api = call.store.write(move |draft| add(draft, &region, &input))?;
    Ok(Reply::json(&show(call, api)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let apis = call.store.read(|view| {
        view.page::<ApiRecord>(&call.region, paging.after.as_deref(), paging.limit + 1)
    })?;
    Ok(Reply::json(&wire::page(apis, &paging, |api| {
        show(call, api)
    })))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let key = call.api();
    if key.api_id.is_empty() {
        // SOURCE: seen on AWS: `GET /v2/apis/` answers 200 with an empty object.
        return Ok(Reply::json(&serde_json::Map::new()));
    }
    let api = call.store.read(|view| key.find_any(view))?;
    Ok(Reply::json(&show(call, api)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: ApiInput = call.body()?;
    let key = call.api();
    let api = call.store.write(move |draft| {
        let api = key.find(draft)?;
        change(draft, &api, &input)
    })?;
    Ok(Reply::json(&show(call, api)))
}

pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let key = call.api();
    call.store.write(move |draft| {
        let api = key.find_any(draft)?;
        if api_mappings::is_mapped(draft, &api, |_| true)? {
            return Err(ApiError::bad_request(format!(
                "Deleting API {} failed. Please remove all API mappings for the API from your custom domain names.",
                api.api_id
            )));
        }
        draft.remove_api(&api).map_err(ApiError::from)
    })?;
    Ok(Reply::empty())
}

/// Refuses what AWS has for HTTP APIs alone, on an API.
// GUESS: AWS's texts for HTTP-only operations on a WebSocket API are not known.
pub(super) fn http_only(call: &Call) -> Result<Reply, ApiError> {
    let key = call.api();
    call.store.read(|view| key.find(view))?;
    Err(is_for_http(call))
}

/// Refuses to make an HTTP API out of its definition.
pub(super) fn import(call: &Call) -> Result<Reply, ApiError> {
    Err(is_for_http(call))
}

fn is_for_http(call: &Call) -> ApiError {
    ApiError::bad_request(format!(
        "{} is for HTTP APIs; the local gateway serves WEBSOCKET APIs only",
        call.operation
    ))
}

/// Makes an API.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    region: &str,
    input: &ApiInput,
) -> Result<ApiRecord, ApiError> {
    let name = check::kept(input.name.as_ref());
    // SOURCE: seen for an API without a name. GUESS: the same for an empty one.
    let name = name.ok_or_else(|| ApiError::bad_request("Invalid API name specified"))?;
    let protocol = check::required("protocolType", input.protocol_type.as_ref())?;
    // An empty one is what clears the version of an API that has one.
    check::length("version", input.version.as_ref(), 1..=64)?;
    let selection = selection_of(protocol, input)?;
    check::tags(input.tags.as_ref())?;
    if draft.count::<ApiRecord>(region)? >= MOST {
        return Err(ApiError::quota_of("APIs", "account"));
    }
    let api_key_source = check::kept(input.api_key_selection_expression.as_ref());
    let api = ApiRecord {
        api_id: ids::fresh_api(draft),
        region: region.to_owned(),
        protocol_type: protocol.clone(),
        name,
        description: check::kept(input.description.as_ref()),
        route_selection_expression: selection,
        api_key_selection_expression: api_key_source.unwrap_or_else(|| API_KEY_HEADER.to_owned()),
        disable_execute_api_endpoint: input.disable_execute_api_endpoint.unwrap_or(false),
        disable_schema_validation: input.disable_schema_validation,
        ip_address_type: check::kept(input.ip_address_type.as_ref())
            .unwrap_or_else(|| ADDRESS_TYPES[0].to_owned()),
        version: check::kept(input.version.as_ref()),
        tags: input.tags.clone().unwrap_or_default(),
        created_at: clock::now(),
    };
    draft.add_api(&api)?;
    Ok(api)
}

/// Checks the members as the protocol has them, and returns the route selection expression.
fn selection_of(protocol: &str, input: &ApiInput) -> Result<String, ApiError> {
    match protocol {
        WEBSOCKET => {
            check_members(input)?;
            let selection = input.route_selection_expression.as_deref();
            take_selection(selection.unwrap_or_default())
        }
        HTTP => {
            check_http(input)?;
            Ok(HTTP_SELECTION.to_owned())
        }
        _ => Err(ApiError::bad_request(
            "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]",
        )),
    }
}

fn change(
    draft: &mut Draft<'_>,
    before: &ApiRecord,
    input: &ApiInput,
) -> Result<ApiRecord, ApiError> {
    check_members(input)?;
    let mut api = before.clone();
    if let Some(name) = &input.name {
        api.name.clone_from(name);
    }
    if let Some(selection) = &input.route_selection_expression {
        api.route_selection_expression = take_selection(selection)?;
    }
    if let Some(source) = check::kept(input.api_key_selection_expression.as_ref()) {
        api.api_key_selection_expression = source;
    }
    if let Some(address_type) = check::kept(input.ip_address_type.as_ref()) {
        api.ip_address_type = address_type;
    }
    check::patch(&mut api.description, input.description.as_ref());
    check::patch(&mut api.version, input.version.as_ref());
    if let Some(disable) = input.disable_execute_api_endpoint {
        api.disable_execute_api_endpoint = disable;
    }
    api.disable_schema_validation = input
        .disable_schema_validation
        .or(api.disable_schema_validation);
    draft.put(&api.region, &api)?;
    if is_definition_changed(before, &api) {
        owed::definition_changed(draft, &api)?;
    }
    Ok(api)
}

/// True when a deployment would freeze something else than before.
fn is_definition_changed(before: &ApiRecord, after: &ApiRecord) -> bool {
    before.route_selection_expression != after.route_selection_expression
        || before.api_key_selection_expression != after.api_key_selection_expression
        || before.disable_execute_api_endpoint != after.disable_execute_api_endpoint
}

// SOURCE: AWS's text for a WebSocket API without the expression. GUESS: the same for one that no message could answer.
fn take_selection(expression: &str) -> Result<String, ApiError> {
    if expression.is_empty() || !may_select_routes(expression) {
        return Err(ApiError::bad_request("Invalid routeSelectionExpression"));
    }
    Ok(expression.to_owned())
}

fn check_members(input: &ApiInput) -> Result<(), ApiError> {
    if input.cors_configuration.is_some() {
        return Err(ApiError::bad_request(
            "Cors is not supported for WEBSOCKET protocolType",
        ));
    }
    check::http_only("credentialsArn", input.credentials_arn.is_some())?;
    check::http_only("routeKey", input.route_key.is_some())?;
    check::http_only("target", input.target.is_some())?;
    check_own(input)
}

/// Checks an HTTP API, which is kept by name: what would give it routes or another behaviour is refused.
fn check_http(input: &ApiInput) -> Result<(), ApiError> {
    let is_fixed = |given: &String| given == HTTP_SELECTION;
    let selection = input.route_selection_expression.as_ref();
    for (member, is_present) in [
        ("corsConfiguration", input.cors_configuration.is_some()),
        ("credentialsArn", input.credentials_arn.is_some()),
        ("routeKey", input.route_key.is_some()),
        ("target", input.target.is_some()),
        (
            "routeSelectionExpression",
            selection.is_some_and(|it| !is_fixed(it)),
        ),
    ] {
        if is_present {
            return Err(ApiError::bad_request(format!(
                "The local gateway lists, tags and deletes HTTP APIs only; it takes no {member}"
            )));
        }
    }
    check_own(input)
}

/// Checks the members that APIs of both protocols have.
fn check_own(input: &ApiInput) -> Result<(), ApiError> {
    check::length("name", input.name.as_ref(), 1..=128)?;
    check::description(input.description.as_ref())?;
    check::length("version", input.version.as_ref(), 0..=64)?;
    let api_key_source = input.api_key_selection_expression.as_ref();
    check::one_of("apiKeySelectionExpression", api_key_source, API_KEY_SOURCES)?;
    check::one_of(
        "ipAddressType",
        input.ip_address_type.as_ref(),
        ADDRESS_TYPES,
    )
}
