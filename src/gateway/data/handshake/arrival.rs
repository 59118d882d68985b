//! A handshake before any route is asked: the stage that it leads to, and the refusal with which it is turned away if
//! it comes no further.
//!
//! SOURCE: recorded on AWS, September 2026: the headers of a refused handshake, the body with the ids of the connection
//! and the request, and two `Authorization` headers. The other outcomes are those of reports and captured sessions; the
//! guesses are marked. A handshake that leads to no stage leaves no line in any access log, as on a custom domain without
//! a mapping; all others do. GUESS: that AWS logs those too.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::{
    Error, Utf8Bytes, error::ProtocolError, handshake::server::create_response_with_body,
};

use super::upgrade;
use crate::gateway::{
    data::{
        Plane,
        connection::{
            frames,
            registry::{Client, Connection},
        },
        gateway_response::{Refusal, RefusalForm, ResponseType},
        ids,
        integration::integrate,
        message::event::{Event, Handshake, Kind, text_of},
    },
    outbound::BackendResponse,
    reply,
    stage_address::{Entrance, StageAddress},
    store::record::{Serving, Snapshot},
};

/// Longest path of a handshake with its query string.
const URL_BYTES: usize = 4096;

/// The text for a handshake that leads nowhere.
const FORBIDDEN: &str = "Forbidden";

/// The text for a client that comes while the gateway stops.
const UNAVAILABLE: &str = "Service Unavailable";

/// The type of the body of every refused handshake. SOURCE: recorded on AWS, September 2026: of the function's answers
/// too, whose own type was another.
const REFUSAL_TYPE: &str = "application/json; charset=UTF-8";

/// Headers by which other answers of AWS tell their error and their request. SOURCE: recorded on AWS, September 2026:
/// no refused handshake has them.
const OF_OTHER_ANSWERS: [&str; 2] = ["x-amzn-errortype", "x-amzn-requestid"];

/// The page of the load balancer for a request that it does not let through.
const BAD_REQUEST_PAGE: &str = "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n\
     <center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n";

/// A refused handshake, boxed because it is so much larger than what stands beside it.
pub(crate) type RefusalResponse = Box<Response<Full<Bytes>>>;

/// A handshake that may ask its route.
pub(crate) struct Arrival {
    pub(crate) event: Event,
    pub(crate) pass: Pass,
}

/// The deployment, the answer and the permit with which a handshake goes on.
pub(crate) struct Pass {
    pub(crate) snapshot: Arc<Snapshot>,
    /// The 101.
    pub(crate) accepted: Response<Full<Bytes>>,
    /// The slot that it takes among the open connections.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The reason why a handshake is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnedAway {
    UrlTooLong,
    /// The handshake leads to nothing that can be connected to.
    Forbidden,
    /// The handshake asks for no WebSocket, or for an unknown version of it.
    UpgradeRequired,
    /// The handshake asks in a wrong way.
    BadRequest,
    /// The route's limit is reached.
    Throttled,
    /// There is no room for another connection.
    Full,
}

/// Finds out where a handshake leads, and lets it go on or gives its refusal.
pub(crate) fn arrive(
    plane: &Plane,
    remote: SocketAddr,
    address: &StageAddress,
    head: Parts,
) -> Result<Arrival, RefusalResponse> {
    if brings_two_authorizations(&head.headers) {
        return Err(Box::new(of_load_balancer()));
    }
    let Some(serving) = addressed_stage(plane, address) else {
        return Err(Box::new(led_nowhere(&head.headers)));
    };
    let client = client(address, remote, &head.headers);
    let handshake = Handshake {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        declared: OnceLock::new(),
    };
    let event = Event::new(
        Arc::new(Connection::new(ids::fresh(), client)),
        serving,
        Kind::Connect(handshake),
        Utf8Bytes::default(),
    )
    .logged(&plane.access_logs);
    match check(plane, address, head, &event.serving) {
        Ok(pass) => Ok(Arrival { event, pass }),
        Err(turned_away) => Err(Box::new(turned_away.answer(&event))),
    }
}

/// Returns the stage that an address names, if there is one.
fn addressed_stage(plane: &Plane, address: &StageAddress) -> Option<Arc<Serving>> {
    let serving = plane
        .store
        .answering(&address.api_id, &address.stage)
        .ok()?;
    let in_region = |region: &String| *region == serving.region;
    address
        .region
        .as_ref()
        .is_none_or(in_region)
        .then_some(serving)
}

fn check(
    plane: &Plane,
    address: &StageAddress,
    head: Parts,
    serving: &Serving,
) -> Result<Pass, TurnedAway> {
    let url = head.uri.path_and_query();
    // SOURCE: API Gateway quotas, "URL length": 4096 characters. GUESS: what counts, and the answer.
    if url.map_or(0, |url| url.as_str().len()) > URL_BYTES {
        return Err(TurnedAway::UrlTooLong);
    }
    let snapshot = serving.snapshot.clone().ok_or(TurnedAway::Forbidden)?;
    let is_shut = snapshot.disable_execute_api_endpoint && address.entrance == Entrance::Default;
    // GUESS: a deeper path is refused like a missing stage.
    if is_shut || !address.rest.is_empty() || head.method != Method::GET {
        return Err(TurnedAway::Forbidden);
    }
    let accepted = switching(head)?;
    let (api_id, stage) = (&serving.api_id, &serving.stage);
    if !plane.throttles.admit(api_id, stage, "$connect") {
        return Err(TurnedAway::Throttled);
    }
    // GUESS: AWS limits new connections per second and answers so; this gateway limits the open ones.
    let permit = Arc::clone(&plane.permits).try_acquire_owned();
    let permit = permit.map_err(|_| TurnedAway::Full)?;
    Ok(Pass {
        snapshot,
        accepted,
        permit,
    })
}

/// Returns the 101, or why the request is no proper handshake. No extension is ever agreed to: GUESS.
///
/// SOURCE: recorded on AWS, September 2026: the 101 has nothing but these headers and `date`.
fn switching(head: Parts) -> Result<Response<Full<Bytes>>, TurnedAway> {
    let request = Request::from_parts(head, ());
    let mut accepted =
        create_response_with_body(&request, Full::default).map_err(|error| match error {
            Error::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader
                | ProtocolError::MissingSecWebSocketVersionHeader,
            ) => TurnedAway::UpgradeRequired,
            _ => TurnedAway::BadRequest,
        })?;
    let upgrade = HeaderValue::from_static("upgrade");
    accepted.headers_mut().insert(header::CONNECTION, upgrade);
    Ok(accepted)
}

fn brings_two_authorizations(headers: &HeaderMap) -> bool {
    let brought = headers.get_all(header::AUTHORIZATION);
    brought.iter().nth(1).is_some()
}

fn client(address: &StageAddress, remote: SocketAddr, headers: &HeaderMap) -> Client {
    let user_agent = headers.get(header::USER_AGENT);
    Client {
        api_id: address.api_id.clone(),
        stage: address.stage.clone(),
        domain_name: address.domain_name.clone(),
        source_ip: remote.ip(),
        user_agent: user_agent.map(text_of),
    }
}

impl TurnedAway {
    /// Returns the refusal for this reason. GUESS: the headers of a 426.
    fn refusal(self) -> Refusal {
        let of_client = |status, message: &str| {
            let refusal = Refusal::new(ResponseType::Default4xx, message);
            refusal.with_status(status).bare()
        };
        let throttled = Refusal::new(ResponseType::Throttled, "Too Many Requests");
        match self {
            TurnedAway::UrlTooLong => of_client(StatusCode::URI_TOO_LONG, "Request-URI Too Long"),
            TurnedAway::Forbidden => Refusal::new(ResponseType::AccessDenied, FORBIDDEN).bare(),
            TurnedAway::UpgradeRequired => {
                of_client(StatusCode::UPGRADE_REQUIRED, "Upgrade Required")
            }
            TurnedAway::BadRequest => of_client(StatusCode::BAD_REQUEST, "Bad Request"),
            TurnedAway::Throttled => throttled,
            // GUESS: whom the account's limit keeps out never came as far as a route, which would name the connection.
            TurnedAway::Full => throttled.bare(),
        }
    }

    /// Answers the client, and tells the access log as well.
    fn answer(self, event: &Event) -> Response<Full<Bytes>> {
        let mut response = refuse(&self.refusal(), event);
        if self == TurnedAway::UpgradeRequired {
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            let version = HeaderValue::from_static("13");
            headers.insert(header::SEC_WEBSOCKET_VERSION, version);
        }
        response
    }
}

/// Refuses a handshake that leads to a stage, and tells the access log as well.
pub(crate) fn refuse(refusal: &Refusal, event: &Event) -> Response<Full<Bytes>> {
    let Refusal {
        status,
        response,
        message,
        form,
    } = refusal;
    event.refused(*status, *response, Some(message));
    let (connection_id, request_id) = (&event.connection.id, event.request_id());
    let body = match form {
        RefusalForm::Notice => frames::notice(message, connection_id, request_id),
        RefusalForm::Bare => bare(message),
    };
    refused(*status, body, request_id)
}

/// Refuses a handshake that came while the gateway stops, and tells the access log as well.
pub(crate) fn unavailable(event: &Event) -> Response<Full<Bytes>> {
    let refusal = Refusal::new(ResponseType::Default5xx, UNAVAILABLE);
    let status = StatusCode::SERVICE_UNAVAILABLE;
    refuse(&refusal.with_status(status).bare(), event)
}

/// Refuses a handshake whose answer was lost because the gateway stops.
pub(crate) fn cut_off() -> Response<Full<Bytes>> {
    turned_away(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
}

/// Refuses a handshake that no stage has heard of.
pub(crate) fn turned_away(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    refused(status, bare(message), &ids::fresh())
}

/// Refuses a request that leads to no stage.
///
/// SOURCE: recorded on AWS, September 2026: what is no handshake is told the name of the error.
pub(crate) fn led_nowhere(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let status = StatusCode::FORBIDDEN;
    if upgrade::wanted(headers) {
        turned_away(status, FORBIDDEN)
    } else {
        reply::refusal(status, "ForbiddenException", FORBIDDEN)
    }
}

/// Hands on the refusal by the integration: its status and its body as they are.
///
/// SOURCE: recorded on AWS, September 2026. GUESS: that its other headers are handed on.
pub(crate) fn relay(reply: BackendResponse, event: &Event) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = refused(status, reply.body, event.request_id());
    let of_refusal = std::mem::replace(response.headers_mut(), reply.headers);
    let headers = response.headers_mut();
    integrate::strip_hop_headers(headers);
    for name in OF_OTHER_ANSWERS {
        headers.remove(name);
    }
    headers.extend(of_refusal);
    response
}

fn bare(message: &str) -> String {
    serde_json::json!({ "message": message }).to_string()
}

fn refused(status: StatusCode, body: impl Into<Bytes>, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static(REFUSAL_TYPE);
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(id) = HeaderValue::try_from(request_id) {
        headers.insert("x-amz-apigw-id", id);
    }
    response
}

/// Refuses a handshake as the load balancer in front of AWS's gateways does.
///
/// SOURCE: recorded on AWS, September 2026: the status, `server` and that it is a page. GUESS: its text, which is that of
/// other load balancers of AWS.
fn of_load_balancer() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(BAD_REQUEST_PAGE));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::SERVER, "awselb/2.0"),
        (header::CONTENT_TYPE, "text/html"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
