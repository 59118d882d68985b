//! The `@connections` API: posting to a connection, asking about it, closing it.
//!
//! SOURCE: API reference of the API Gateway Management API, and answers that people reported; the guesses are marked.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, request::Parts};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::json;

use super::{
    data::{Closing, Connection, Place, Plane, Refused, normalized},
    reply::{self, refusal},
    signature,
};

/// The path segment that marks the API.
pub(super) const SEGMENT: &str = "@connections";

/// What a call with this method does, as SDKs name it.
pub(super) fn operation(method: &Method) -> Option<&'static str> {
    match *method {
        Method::POST => Some("PostToConnection"),
        Method::GET => Some("GetConnection"),
        Method::DELETE => Some("DeleteConnection"),
        _ => None,
    }
}

/// The body of a request: all of it, or that it is longer than a message may be.
pub(super) type Body = Result<Bytes, TooLarge>;

/// A body over 128 KB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Answers a call to `/{stage}/@connections/{id}`.
pub(super) async fn answer(
    plane: &Plane,
    place: &Place,
    head: &Parts,
    body: Body,
) -> Response<Full<Bytes>> {
    let [stage, _, id] = place.segments.as_slice() else {
        return forbidden();
    };
    if !signature::is_present(&head.headers, head.uri.query().unwrap_or_default()) {
        // GUESS: what REST APIs answer.
        return refusal(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        );
    }
    let served = plane.store.serving(&place.api_id, stage);
    let in_region = |region: &str| place.region.as_deref().is_none_or(|named| named == region);
    if !served.is_ok_and(|serving| in_region(&serving.region)) {
        return forbidden();
    }
    let Some(id) = normalized(id) else {
        // GUESS: the text.
        let message = format!("Invalid connectionId: {id}");
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException", &message);
    };
    let Some(connection) = plane.registry.find(&place.api_id, stage, &id) else {
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
        // GUESS: what a path without such a method answers.
        _ => forbidden(),
    }
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
        Err(Refused::Closed) => gone(),
        Err(Refused::Full) => refusal(
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
    let mut response = reply::empty(StatusCode::GONE);
    response.headers_mut().insert(
        "x-amzn-errortype",
        HeaderValue::from_static("GoneException"),
    );
    response
}

fn forbidden() -> Response<Full<Bytes>> {
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden")
}
