//! The control plane: API Gateway version 2 as its SDKs speak it, restJson1 over HTTP.
//!
//! A request names its region ([`scope`]), finds its operation ([`router`]), is parsed into that operation's shape, and
//! acts in one transaction of the store; the answer is rendered from what was stored. Shapes and texts are written from
//! the public API reference and share nothing with the client side.

mod api_mappings;
pub(crate) mod apis;
pub(crate) mod authorizers;
pub(crate) mod autodeploy;
mod call;
mod check;
pub(crate) mod deployments;
mod domain_names;
pub(crate) mod error;
mod freeze;
mod ids;
pub(crate) mod integration_responses;
pub(crate) mod integrations;
pub(crate) mod models;
mod owed;
mod parts;
mod rates;
pub(crate) mod route_responses;
mod router;
pub(crate) mod routes;
mod scope;
pub(crate) mod stage_members;
pub(crate) mod stages;
mod tags;
mod vpc_links;
mod wire;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tokio::time::Instant;

pub(crate) use self::rates::Rates;
use self::{call::Call, error::ApiError, router::Operation, wire::Reply};
use super::{query, store::Store, strict::Strict};

/// The state that the control plane works with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    /// The address at which clients reach the gateway, such as `127.0.0.1:4566`.
    pub(crate) address: SocketAddr,
    pub(crate) strict: Arc<Strict>,
    /// The calls that were carried out, where calls are counted.
    pub(crate) rates: Arc<Rates>,
}

impl Context {
    /// Refuses a call that comes too fast.
    fn admit(&self, region: &str, operation: &str) -> Result<(), ApiError> {
        match self.strict.pace_of_rates() {
            Some(pace) if !self.rates.admit(region, operation, Instant::now(), pace) => {
                Err(ApiError::too_many_requests())
            }
            _ => Ok(()),
        }
    }
}

/// Answers a request for a path below `/v2`. Never fails: what cannot be done is an answer too.
pub(crate) async fn answer(context: &Context, request: Request<Bytes>) -> Response<Bytes> {
    match prepare(context, request) {
        Ok((operation, call)) => respond(operation.success, run(operation, call).await),
        Err(error) => respond(StatusCode::OK, Err(error)),
    }
}

/// Returns the name of the operation that a method and a raw path mean.
pub(crate) fn operation(method: &http::Method, raw_path: &str) -> Option<&'static str> {
    router::find(method, raw_path)
        .ok()
        .map(|(operation, _)| operation.name)
}

/// Returns the names of all operations.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    router::names()
}

fn prepare(
    context: &Context,
    request: Request<Bytes>,
) -> Result<(&'static Operation, Call), ApiError> {
    let region = scope::region(request.headers())?;
    let (parts, body) = request.into_parts();
    let (operation, labels) = router::find(&parts.method, parts.uri.path())?;
    context.admit(&region, operation.name)?;
    let call = Call {
        operation: operation.name,
        store: context.store.clone(),
        address: context.address,
        region,
        labels,
        query: query::form_pairs(parts.uri.query().unwrap_or_default()).collect(),
        body,
    };
    Ok((operation, call))
}

/// Runs a call where it may block: the store waits for the disk.
async fn run(operation: &'static Operation, call: Call) -> Result<Reply, ApiError> {
    let handler = operation.handler;
    let done = tokio::task::spawn_blocking(move || handler(&call)).await;
    done.unwrap_or_else(|error| Err(ApiError::internal(&error)))
}

fn respond(success: StatusCode, outcome: Result<Reply, ApiError>) -> Response<Bytes> {
    let (status, code, body) = match outcome {
        Ok(Reply(body)) => (success, None, body),
        Err(error) => {
            let body = serde_json::json!({ "message": error.message }).to_string();
            (error.status, Some(error.code), Some(body.into()))
        }
    };
    let has_body = body.is_some();
    let mut response = Response::new(body.unwrap_or_default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let request_id = uuid::Uuid::new_v4().to_string();
    if let Ok(request_id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", request_id);
    }
    if let Some(code) = code {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    if has_body {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    response
}

#[cfg(test)]
mod tests;
