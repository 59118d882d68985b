//! The `@connections` API: posting to a connection, asking about it, closing it.
//!
//! SOURCE: API reference of the API Gateway Management API, and answers that people reported or that were recorded; the
//! guesses are marked.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{
    access::authorization,
    clock,
    data::{Closing, Connection, OutboxRefusal, Plane, access_log_time, ids, text_of},
    reply::{self, refusal},
    stage_address::{Entrance, StageAddress},
    store::record::{Serving, Snapshot},
};

/// The path segment that marks the API.
const SEGMENT: &str = "@connections";

/// The operation of each method, as SDKs name it.
static OPERATIONS: [(Method, &str); 3] = [
    (Method::POST, "PostToConnection"),
    (Method::GET, "GetConnection"),
    (Method::DELETE, "DeleteConnection"),
];

/// True when a path leads to the API, be it below a stage or where the stage should be.
pub(super) fn is_called(address: &StageAddress) -> bool {
    address.stage == SEGMENT || address.rest.iter().any(|segment| segment == SEGMENT)
}

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

/// A call, by the names under which its answer and its line in the access log know it.
struct Call<'a> {
    address: &'a StageAddress,
    head: &'a Parts,
    remote: SocketAddr,
    came_at: Timestamp,
    request_id: String,
    extended_request_id: String,
}

/// Answers a call to `@connections/{id}` below a stage, or to a longer path that has `@connections` in it.
pub(super) async fn answer(
    plane: &Plane,
    remote: SocketAddr,
    address: &StageAddress,
    head: &Parts,
    body: Body,
) -> Response<Full<Bytes>> {
    let Ok(body) = body else {
        // SOURCE: recorded on AWS, September 2026: no body and none of the usual headers, and no line in any log. GUESS:
        // whatever else is wrong with the call.
        return reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let call = Call {
        address,
        head,
        remote,
        came_at: clock::now(),
        request_id: Uuid::new_v4().to_string(),
        extended_request_id: ids::fresh(),
    };
    let Some(serving) = open_stage(plane, address) else {
        return call.named(forbidden());
    };
    let Some(id) = call.connection_id() else {
        return call.named(no_route(&head.method, &address.rest.join("/")));
    };
    let response = call.named(carry_out(plane, &call, id, body).await);
    let status = response.status();
    plane
        .access_logs
        .write(&serving, |name| call.context(name, id, status));
    response
}

/// Does what a call asks of the connection with this id.
async fn carry_out(plane: &Plane, call: &Call<'_>, id: &str, body: Bytes) -> Response<Full<Bytes>> {
    // SOURCE: recorded on AWS, September 2026: looked at before permissions. GUESS: before the signature too.
    if !ids::is_given_out(id) {
        let message = format!("Invalid connectionId: {id}");
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException", &message);
    }
    if !call.is_signed() {
        // SOURCE: recorded on AWS, September 2026.
        return reply::not_signed();
    }
    let Some(connection) = plane.registry.find(&call.address.api_id, id) else {
        return gone();
    };
    match call.head.method {
        Method::POST => post(&connection, body).await,
        Method::DELETE => {
            plane.registry.remove(id);
            connection.outbox.close(Closing::DELETED);
            reply::empty(StatusCode::NO_CONTENT)
        }
        _ => describe(&connection),
    }
}

impl<'a> Call<'a> {
    /// Returns the id in the path, if the method and the path are those of an operation.
    fn connection_id(&self) -> Option<&'a str> {
        operation(&self.head.method)?;
        match self.address.rest.as_slice() {
            [segment, id] if segment == SEGMENT && !id.is_empty() => Some(id),
            _ => None,
        }
    }

    fn is_signed(&self) -> bool {
        let query = self.head.uri.query().unwrap_or_default();
        authorization::is_signed(&self.head.headers, query)
    }

    /// Returns the answer with the ids of the call, and the one type that all answers have, be there a body or none.
    ///
    /// SOURCE: recorded on AWS, September 2026: no trace where the caller was refused.
    fn named(&self, mut answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        let is_refused = matches!(
            answer.status(),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN
        );
        let trace = (!is_refused).then(|| ids::trace(self.came_at));
        let ids = [
            ("x-amzn-requestid", Some(self.request_id.clone())),
            ("x-amz-apigw-id", Some(self.extended_request_id.clone())),
            ("x-amzn-trace-id", trace),
        ];
        let headers = answer.headers_mut();
        for (name, id) in ids {
            if let Some(Ok(id)) = id.map(HeaderValue::try_from) {
                headers.insert(name, id);
            }
        }
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        answer
    }

    /// Returns a variable of the access log.
    ///
    /// SOURCE: recorded on AWS, September 2026. GUESS: refused calls leave lines too; recorded is only that those do whose
    /// connection is gone.
    fn context(&self, name: &str, id: &str, status: StatusCode) -> Option<String> {
        let address = self.address;
        Some(match name {
            "eventType" => "CONNECTION_API".to_owned(),
            "routeKey" => format!("{} /{SEGMENT}/{{connectionId}}", self.head.method),
            "status" => status.as_u16().to_string(),
            "integrationLatency" => "0".to_owned(),
            "requestId" => self.request_id.clone(),
            "extendedRequestId" => self.extended_request_id.clone(),
            "requestTime" => access_log_time(self.came_at),
            "requestTimeEpoch" => self.came_at.as_millisecond().to_string(),
            "connectionId" => id.to_owned(),
            "apiId" => address.api_id.clone(),
            "stage" => address.stage.clone(),
            "domainName" => address.domain_name.clone(),
            "identity.sourceIp" => self.remote.ip().to_string(),
            "identity.userAgent" => text_of(self.head.headers.get(header::USER_AGENT)?),
            _ => return None,
        })
    }
}

/// Returns the stage that a call names, if there is one and its callbacks may come this way.
fn open_stage(plane: &Plane, address: &StageAddress) -> Option<Arc<Serving>> {
    let serving = plane.store.serving(&address.api_id, &address.stage).ok()?;
    let in_region = |region: &String| *region == serving.region;
    // SOURCE: a report about a disabled default endpoint: calls to it are forbidden, calls to the custom domain are not.
    let shut = |snapshot: &Arc<Snapshot>| snapshot.disable_execute_api_endpoint;
    let is_shut =
        address.entrance == Entrance::Default && serving.snapshot.as_ref().is_some_and(shut);
    (address.region.as_ref().is_none_or(in_region) && !is_shut).then_some(serving)
}

/// SOURCE: reports of calls under a custom domain name that had the stage in their path, or no id: the text with the
/// path behind the stage or the key, decoded, with the slash at its end. GUESS: the status.
fn no_route(method: &Method, path: &str) -> Response<Full<Bytes>> {
    let message = format!("No method found matching route {path} for http method {method}.");
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", &message)
}

/// GUESS: a 200 says that the message is queued for the client, not that the client has it.
async fn post(connection: &Connection, body: Bytes) -> Response<Full<Bytes>> {
    match connection.outbox.post(as_text(body)).await {
        Ok(()) => {
            connection.touch();
            reply::empty(StatusCode::OK)
        }
        Err(OutboxRefusal::Closed) => gone(),
        Err(OutboxRefusal::Full) => refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "LimitExceededException",
            "The connection's client does not read fast enough",
        ),
    }
}

/// Returns a payload as the text message that it leaves as.
///
/// SOURCE: recorded on AWS, September 2026: bytes that are no UTF-8 reach the client as U+FFFD. GUESS: one for as many
/// bytes as one decoding error takes in, as Java counts them.
fn as_text(payload: Bytes) -> Bytes {
    match String::from_utf8_lossy(&payload) {
        Cow::Borrowed(_) => payload,
        Cow::Owned(text) => Bytes::from(text),
    }
}

/// SOURCE: recorded on AWS, September 2026, to the byte; times have milliseconds here.
fn describe(connection: &Connection) -> Response<Full<Bytes>> {
    let quoted = |text: &str| Value::from(text).to_string();
    let source_ip = quoted(&connection.source_ip.to_string());
    let user_agent = connection.user_agent.as_deref();
    let user_agent = user_agent.map_or_else(String::new, |user_agent| {
        format!(",\n    \"userAgent\" : {}", quoted(user_agent))
    });
    let connected_at = milliseconds(connection.connected_at);
    let last_active_at = milliseconds(connection.last_active());
    let body = format!(
        "{{\n  \"identity\" : {{\n    \"sourceIp\" : {source_ip}{user_agent}\n  }},\n  \
         \"connectedAt\" : \"{connected_at}\",\n  \"lastActiveAt\" : \"{last_active_at}\"\n}}"
    );
    reply::json(StatusCode::OK, body)
}

fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// SOURCE: many reports: the body is empty, so SDKs know the error from the header alone.
fn gone() -> Response<Full<Bytes>> {
    reply::unexplained(StatusCode::GONE, "GoneException")
}

/// SOURCE: recorded on AWS, September 2026.
fn forbidden() -> Response<Full<Bytes>> {
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden")
}
