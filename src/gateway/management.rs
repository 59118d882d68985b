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
    /// The stage that it is made on, if there is one and its callbacks may come this way.
    serving: Option<Arc<Serving>>,
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
    let call = Call::new(plane, remote, address, head);
    let answer = carry_out(plane, &call, body).await;
    call.end(plane, answer)
}

/// Answers a call with a refusal that it did not earn, and otherwise as if it had.
pub(super) fn refuse(
    plane: &Plane,
    remote: SocketAddr,
    address: &StageAddress,
    head: &Parts,
    refusal: Response<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    Call::new(plane, remote, address, head).end(plane, refusal)
}

/// Does what a call asks for.
async fn carry_out(plane: &Plane, call: &Call<'_>, body: Body) -> Response<Full<Bytes>> {
    let Ok(body) = body else {
        // SOURCE: recorded on AWS, September 2026: no body. GUESS: whatever else is wrong with the call.
        return reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    if call.serving.is_none() {
        return forbidden();
    }
    let Some(id) = call.connection_id() else {
        return no_route(&call.head.method, &call.address.rest.join("/"));
    };
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
    fn new(
        plane: &Plane,
        remote: SocketAddr,
        address: &'a StageAddress,
        head: &'a Parts,
    ) -> Call<'a> {
        Call {
            address,
            head,
            remote,
            serving: open_stage(plane, address),
            came_at: clock::now(),
            request_id: Uuid::new_v4().to_string(),
            extended_request_id: ids::fresh(),
        }
    }

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

    /// Gives the answer what all answers have, and writes the call's line to the access log of its stage.
    fn end(&self, plane: &Plane, answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        let status = answer.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            // SOURCE: recorded on AWS, September 2026: none of the usual headers. GUESS: no line in the log either.
            return answer;
        }
        if let Some(serving) = &self.serving {
            let logs = &plane.access_logs;
            logs.write(serving, |name| self.context(name, status));
        }
        self.named(answer)
    }

    /// Returns the answer with the ids of the call and its type.
    ///
    /// SOURCE: recorded on AWS, September 2026: all answers that were looked at have the ids and the type, those without a
    /// body too, and the trace but where the status is 400 or 403. GUESS: so have all others.
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
    /// SOURCE: recorded on AWS, September 2026, of calls that were carried out and of such whose connection was gone.
    /// GUESS: refused calls leave lines too, and what no route leads to names none.
    fn context(&self, name: &str, status: StatusCode) -> Option<String> {
        let address = self.address;
        Some(match name {
            "eventType" => "CONNECTION_API".to_owned(),
            "routeKey" => {
                self.connection_id()?;
                format!("{} /{SEGMENT}/{{connectionId}}", self.head.method)
            }
            "status" => status.as_u16().to_string(),
            "integrationLatency" => "0".to_owned(),
            "requestId" => self.request_id.clone(),
            "extendedRequestId" => self.extended_request_id.clone(),
            "requestTime" => access_log_time(self.came_at),
            "requestTimeEpoch" => self.came_at.as_millisecond().to_string(),
            "connectionId" => self.connection_id()?.to_owned(),
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
    // GUESS: as with handshakes, calls to a disabled default endpoint are forbidden, those to the custom domain are not.
    let shut = |snapshot: &Arc<Snapshot>| snapshot.disable_execute_api_endpoint;
    let is_shut =
        address.entrance == Entrance::Default && serving.snapshot.as_ref().is_some_and(shut);
    (address.region.as_ref().is_none_or(in_region) && !is_shut).then_some(serving)
}

/// SOURCE: reported of AWS: the text, of a call under a custom domain name that had the stage in its path, with the slash
/// at the path's end. GUESS: the status; the path begins behind the stage or the key, and is decoded.
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
/// SOURCE: recorded on AWS, September 2026: of `FF`, `FE` and a lone `80` each reaches the client as U+FFFD. GUESS: so does
/// each decoding error, as the Encoding Standard counts them: a character that breaks off is one, and a surrogate is
/// three, for which Java would write one.
fn as_text(payload: Bytes) -> Bytes {
    match String::from_utf8_lossy(&payload) {
        Cow::Borrowed(_) => payload,
        Cow::Owned(text) => Bytes::from(text),
    }
}

/// SOURCE: recorded on AWS, September 2026, to the byte; times have milliseconds here. GUESS: of a client that named no user
/// agent there is none.
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
    reply::terse_refusal(StatusCode::GONE, Some("GoneException"), None)
}

/// SOURCE: recorded on AWS, September 2026.
fn forbidden() -> Response<Full<Bytes>> {
    refusal(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden")
}
