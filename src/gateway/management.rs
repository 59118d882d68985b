//! The `@connections` API: posting to a connection, asking about it, closing it.
//!
//! SOURCE: API reference of the API Gateway Management API, and answers that people reported; the guesses are marked.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::json;

use super::{
    access::authorization,
    data::{Closing, Connection, OutboxRefusal, Plane, normalized},
    reply::{self, refusal},
    stage_address::{Entrance, StageAddress},
    store::record::Snapshot,
};

/// The path segment that marks the API.
pub(super) const SEGMENT: &str = "@connections";

/// The operation of each method, as SDKs name it.
static OPERATIONS: [(Method, &str); 3] = [
    (Method::POST, "PostToConnection"),
    (Method::GET, "GetConnection"),
    (Method::DELETE, "DeleteConnection"),
];

/// Returns the operation of a call with this method.
pub(super) fn operation(method: &Method) -> Option<&'static str> {
    let found = OPERATIONS.iter().find(|(its, _)| its == method);
    found.map(|(_, name)| *name)
}

/// Returns the names of all operations.
pub(super) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(_, name)| *name)
}

/// The body of a request: all of it, or that it is longer than a message may be.
pub(super) type Body = Result<Bytes, TooLarge>;

/// A body over 128 KB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Answers a call to `@connections/{id}` below a stage, or to a longer path that has `@connections` in it.
pub(super) async fn answer(
    plane: &Plane,
    address: &StageAddress,
    head: &Parts,
    body: Body,
) -> Response<Full<Bytes>> {
    if !authorization::is_signed(&head.headers, head.uri.query().unwrap_or_default()) {
        // GUESS: what REST APIs answer.
        return reply::not_signed();
    }
    if !is_open(plane, address) {
        return forbidden();
    }
    let id = match address.rest.as_slice() {
        [segment, id] if segment == SEGMENT => id,
        rest => return no_route(&head.method, &rest.join("/")),
    };
    let Some(id) = normalized(id) else {
        // GUESS: the text.
        let message = format!("Invalid connectionId: {id}");
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException", &message);
    };
    let Some(connection) = plane.registry.find(&address.api_id, &address.stage, &id) else {
        return gone();
    };
    match head.method {
        Method::POST => post(&connection, body).await,
        Method::GET => describe(&connection),
        Method::DELETE => {
            plane.registry.remove(&id);
            connection.outbox.close(Closing::DELETED);
            reply::empty(StatusCode::NO_CONTENT)
        }
        _ => no_route(&head.method, &address.rest.join("/")),
    }
}

/// True when there is such a stage, and its callbacks may come this way.
fn is_open(plane: &Plane, address: &StageAddress) -> bool {
    let Ok(serving) = plane.store.serving(&address.api_id, &address.stage) else {
        return false;
    };
    let in_region = |region: &String| *region == serving.region;
    // SOURCE: a report about a disabled default endpoint: calls to it are forbidden, calls to the custom domain are not.
    let shut = |snapshot: &Arc<Snapshot>| snapshot.disable_execute_api_endpoint;
    let is_shut =
        address.entrance == Entrance::Default && serving.snapshot.as_ref().is_some_and(shut);
    address.region.as_ref().is_none_or(in_region) && !is_shut
}

/// SOURCE: reports of calls under a custom domain name that had the stage in their path, or no id: the text with the
/// path behind the stage or the key, decoded. GUESS: the status.
fn no_route(method: &Method, path: &str) -> Response<Full<Bytes>> {
    let message = format!("No method found matching route {path} for http method {method}.");
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", &message)
}

/// GUESS: a 200 says that the message is queued for the client, not that the client has it.
async fn post(connection: &Connection, body: Body) -> Response<Full<Bytes>> {
    let Ok(body) = body else {
        // GUESS: the text.
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PayloadTooLargeException",
            "Message too long",
        );
    };
    if std::str::from_utf8(&body).is_err() {
        // GUESS: the payload leaves as one text message, which other bytes cannot be.
        return refusal(
            StatusCode::BAD_REQUEST,
            "BadRequestException",
            "The payload is not UTF-8 text",
        );
    }
    match connection.outbox.post(body).await {
        Ok(()) => reply::empty(StatusCode::OK),
        Err(OutboxRefusal::Closed) => gone(),
        Err(OutboxRefusal::Full) => refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "LimitExceededException",
            "The connection's client does not read fast enough",
        ),
    }
}

/// SOURCE: sample output of `get-connection`; times have milliseconds here.
fn describe(connection: &Connection) -> Response<Full<Bytes>> {
    let mut identity = json!({ "sourceIp": connection.source_ip });
    if let Some(user_agent) = &connection.user_agent {
        identity["userAgent"] = json!(user_agent);
    }
    let body = json!({
        "connectedAt": milliseconds(connection.connected_at),
        "identity": identity,
        "lastActiveAt": milliseconds(connection.last_active()),
    });
    reply::json(StatusCode::OK, body.to_string())
}

fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// SOURCE: many reports: the body is empty, so SDKs know the error from the header alone.
fn gone() -> Response<Full<Bytes>> {
    reply::unexplained(StatusCode::GONE, "GoneException")
}

fn forbidden() -> Response<Full<Bytes>> {
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden")
}
