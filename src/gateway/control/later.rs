//! Operations that exist on AWS and not here: of HTTP APIs alone, or of resources that the gateway does not emulate yet.
//!
//! What does not exist is listed as empty and not found when named, which is the truth; making it is refused.

use super::{
    call::Call,
    error::ApiError,
    wire::{Page, Reply},
};

// GUESS: AWS's texts for HTTP-only operations on a WebSocket API are not known.
pub(super) fn http_only(call: &Call) -> Result<Reply, ApiError> {
    Err(ApiError::bad_request(format!(
        "{} is for HTTP APIs; the local gateway serves WEBSOCKET APIs only",
        call.operation
    )))
}

fn not_yet(call: &Call) -> ApiError {
    ApiError::bad_request(format!(
        "The local gateway does not emulate {} yet",
        call.operation
    ))
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    Err(not_yet(call))
}

pub(super) fn create_in_api(call: &Call) -> Result<Reply, ApiError> {
    let api = call.api();
    call.store.read(|view| api.find(view))?;
    Err(not_yet(call))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    call.paging()?;
    Ok(Reply::json(&Page::<()>::empty()))
}

pub(super) fn list_in_api(call: &Call) -> Result<Reply, ApiError> {
    let api = call.api();
    call.store.read(|view| api.find(view))?;
    list(call)
}

pub(super) fn authorizer(call: &Call) -> Result<Reply, ApiError> {
    unknown_in_api(call, "Authorizer", "authorizerId")
}

pub(super) fn model(call: &Call) -> Result<Reply, ApiError> {
    unknown_in_api(call, "Model", "modelId")
}

fn unknown_in_api(call: &Call, kind: &str, label: &str) -> Result<Reply, ApiError> {
    let api = call.api();
    call.store.read(|view| api.find(view))?;
    Err(ApiError::unknown(kind, &call.label(label)))
}

pub(super) fn vpc_link(call: &Call) -> Result<Reply, ApiError> {
    Err(ApiError::unknown("VpcLink", &call.label("vpcLinkId")))
}

pub(super) fn domain_name(_call: &Call) -> Result<Reply, ApiError> {
    Err(ApiError::not_found(
        "The domain name resource specified in the request was not found.",
    ))
}
