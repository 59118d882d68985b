//! A handshake before any route is asked: the stage that it leads to, and the reason for which it is turned away if it
//! comes no further.
//!
//! SOURCE: the outcomes are those of reports, of captured sessions, and of what was recorded on AWS, September 2026; the
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

use super::refusal::{self, FORBIDDEN, RefusalResponse};
use crate::gateway::{
    data::{
        Plane,
        connection::registry::{Client, Connection},
        gateway_response::{Refusal, ResponseType},
        ids,
        message::event::{Event, Handshake, Kind, text_of},
    },
    stage_address::{Entrance, StageAddress},
    store::record::{Serving, Snapshot},
};

/// Longest path of a handshake with its query string.
const URL_BYTES: usize = 4096;

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
        return Err(Box::new(refusal::of_load_balancer()));
    }
    let Some(serving) = addressed_stage(plane, address) else {
        return Err(Box::new(refusal::led_nowhere(&head.headers)));
    };
    let client = client(address, remote, &head.headers);
    let handshake = Handshake {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        declared: OnceLock::new(),
    };
    let event = Event::new(
        Arc::new(Connection::new(ids::of_connection(), client)),
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
        let mut response = refusal::refuse(&self.refusal(), event);
        if self == TurnedAway::UpgradeRequired {
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            let version = HeaderValue::from_static("13");
            headers.insert(header::SEC_WEBSOCKET_VERSION, version);
        }
        response
    }
}
