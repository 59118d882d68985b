//! The handshake: who may connect, what `$connect` says about it, and what becomes of the connection at its end.
//!
//! SOURCE: the outcomes are those of the developer guide's chapters on `$connect`, on authorizers and on gateway
//! responses, and of captured sessions; the guesses are marked.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, oneshot},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    Error, Utf8Bytes, error::ProtocolError, handshake::server::create_response_with_body,
};

use super::{
    Plane,
    authorization::authorize,
    ending::Ending,
    event::{Event, Handshake, Kind},
    frames, ids, integrate,
    outbox::{Closing, Disconnect},
    peer,
    registry::{Client, Connection},
};
use crate::gateway::{
    linger::Linger,
    outbound::Answer,
    place::{Entrance, Place},
    reply::{self, refusal},
    store::record::{Serving, Snapshot},
};

/// How long the protocol switch may take once the 101 is on its way.
const SWITCH_PATIENCE: Duration = Duration::from_secs(10);

/// Longest path of a handshake with its query string.
const URL_BYTES: usize = 4096;

/// Whether a request asks for a WebSocket.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE);
    upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a handshake. It stays pending until the `$connect` integration has answered.
pub(crate) async fn connect(
    plane: &Arc<Plane>,
    remote: SocketAddr,
    place: Place,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let (serving, snapshot) = match admit(plane, &place, &head) {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let mut accepted = match switching(&head) {
        Ok(accepted) => accepted,
        Err(refused) => return *refused,
    };
    if !plane
        .throttles
        .admit(&serving.api_id, &serving.stage, "$connect")
    {
        return too_many();
    }
    let Ok(permit) = Arc::clone(&plane.permits).try_acquire_owned() else {
        // GUESS: AWS limits new connections per second and answers so; this gateway limits the open ones.
        return too_many();
    };
    let connection = Arc::new(Connection::new(ids::fresh(), client(&place, remote, &head)));
    // Each is boxed, or the layers around the task would hold room for it once more.
    let opening = Box::pin(open(
        Arc::clone(plane),
        Arc::clone(&connection),
        serving,
        snapshot,
        head,
    ));
    let (answer, answered) = oneshot::channel();
    let its_plane = Arc::clone(plane);
    // In a task of its own, for a client that gives up takes down what answers it, and its backend would be told that
    // it came and never that it went.
    plane.spawn(Box::pin(async move {
        let opened = opening.await;
        let is_open = opened.is_ok();
        // Who has given up hears no answer; that the client is gone is found out below.
        drop(answer.send(opened));
        if is_open {
            live(its_plane, connection, on_upgrade, permit).await;
        }
    }));
    match answered.await {
        Ok(Ok(Some(protocol))) => {
            let headers = accepted.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
            accepted
        }
        Ok(Ok(None)) => accepted,
        Ok(Err(refused)) => *refused,
        Err(_) => unavailable(),
    }
}

/// Asks `$connect` and puts the connection on the register. Gives the subprotocol that the integration chose.
async fn open(
    plane: Arc<Plane>,
    connection: Arc<Connection>,
    serving: Arc<Serving>,
    snapshot: Arc<Snapshot>,
    head: Parts,
) -> Result<Option<HeaderValue>, Refused> {
    let protocol = ask(&plane, &connection, serving, &snapshot, head).await?;
    if !plane.registry.add(Arc::clone(&connection)) {
        disconnect(&plane, &connection, Ending::LOST).await;
        return Err(Box::new(unavailable()));
    }
    if plane
        .store
        .serving(&connection.api_id, &connection.stage)
        .is_err()
    {
        // The stage went while `$connect` was answering, and whoever closed its connections has not seen this one.
        connection.outbox.close(Closing::REMOVED);
    }
    Ok(protocol)
}

fn too_many() -> Response<Full<Bytes>> {
    refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        "Too Many Requests",
    )
}

/// What a client is told that comes while the gateway stops.
fn unavailable() -> Response<Full<Bytes>> {
    reply::json(
        StatusCode::SERVICE_UNAVAILABLE,
        r#"{"message":"Service Unavailable"}"#,
    )
}

/// A refused handshake, boxed because it is so much larger than what stands beside it.
type Refused = Box<Response<Full<Bytes>>>;

fn forbidden() -> Refused {
    Box::new(refusal(
        StatusCode::FORBIDDEN,
        "ForbiddenException",
        "Forbidden",
    ))
}

/// Finds the stage, if it can be connected to.
fn admit(
    plane: &Plane,
    place: &Place,
    head: &Parts,
) -> Result<(Arc<Serving>, Arc<Snapshot>), Refused> {
    // SOURCE: API Gateway quotas, "URL length": 4096 characters. GUESS: what counts, and the answer.
    if head
        .uri
        .path_and_query()
        .map_or(0, |url| url.as_str().len())
        > URL_BYTES
    {
        return Err(Box::new(refusal(
            StatusCode::URI_TOO_LONG,
            "RequestTooLargeException",
            "Request-URI Too Long",
        )));
    }
    // GUESS: a deeper path is refused like a missing stage.
    if !place.rest.is_empty() {
        return Err(forbidden());
    }
    let serving = plane
        .store
        .serving(&place.api_id, &place.stage)
        .map_err(|_| forbidden())?;
    if place
        .region
        .as_ref()
        .is_some_and(|region| *region != serving.region)
    {
        return Err(forbidden());
    }
    let snapshot = serving.snapshot.clone().ok_or_else(forbidden)?;
    let is_shut = snapshot.disable_execute_api_endpoint && place.entrance == Entrance::Default;
    if is_shut || head.method != Method::GET {
        return Err(forbidden());
    }
    Ok((serving, snapshot))
}

/// The 101, or why the request is no proper handshake. No extension is ever agreed to: GUESS.
fn switching(head: &Parts) -> Result<Response<Full<Bytes>>, Refused> {
    let mut request = Request::new(());
    request.method_mut().clone_from(&head.method);
    request.headers_mut().clone_from(&head.headers);
    *request.version_mut() = head.version;
    create_response_with_body(&request, Full::default).map_err(|error| {
        Box::new(match error {
            Error::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader
                | ProtocolError::MissingSecWebSocketVersionHeader,
            ) => upgrade_required(),
            _ => refusal(
                StatusCode::BAD_REQUEST,
                "BadRequestException",
                "Bad Request",
            ),
        })
    })
}

/// What a request that asks for no WebSocket, or for an unknown version of it, is told. GUESS.
fn upgrade_required() -> Response<Full<Bytes>> {
    let mut response = reply::json(
        StatusCode::UPGRADE_REQUIRED,
        r#"{"message":"Upgrade Required"}"#,
    );
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    response
}

fn client(place: &Place, remote: SocketAddr, head: &Parts) -> Client {
    let user_agent = head.headers.get(header::USER_AGENT);
    Client {
        api_id: place.api_id.clone(),
        stage: place.stage.clone(),
        domain_name: place.domain_name.clone(),
        source_ip: remote.ip(),
        user_agent: user_agent
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    }
}

/// Asks `$connect`. Gives the subprotocol that the integration chose.
async fn ask(
    plane: &Arc<Plane>,
    connection: &Arc<Connection>,
    serving: Arc<Serving>,
    snapshot: &Arc<Snapshot>,
    head: Parts,
) -> Result<Option<HeaderValue>, Refused> {
    let plan = plane.plans.of(snapshot).await;
    let handshake = Handshake {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
    };
    let event = Event::new(
        Arc::clone(connection),
        serving,
        Kind::Connect(handshake),
        Utf8Bytes::default(),
    )
    .logged(&plane.access_logs);
    let Some(route) = plan.route("$connect") else {
        return Ok(None);
    };
    match authorize(plane, snapshot, route, &event).await {
        Ok(Some(caller)) => connection.identify(caller),
        Ok(None) => {}
        Err(denied) => {
            let message = denied.message.as_deref();
            let refused = refused_by_route(&event, denied.status, denied.kind, message);
            return Err(Box::new(refused));
        }
    }
    let Some(integration) = &route.integration else {
        return Ok(None);
    };
    match integrate::run(integration, &event, plane).await {
        Ok(reply) if (200..300).contains(&reply.status) => {
            Ok(reply.headers.get(header::SEC_WEBSOCKET_PROTOCOL).cloned())
        }
        Ok(reply) => {
            event.note("status", || reply.status.to_string());
            Err(Box::new(relay(reply)))
        }
        Err(failure) => {
            peer::log_failure(route, integration, &event, &failure);
            let status = failure.trouble.status();
            let message = failure.trouble.message();
            let kind = "InternalServerErrorException";
            let refused = refused_by_route(&event, status, kind, Some(message));
            Err(Box::new(refused))
        }
    }
}

/// GUESS: the body has the form of the frames that the gateway sends of itself.
fn refused_by_route(
    event: &Event,
    status: StatusCode,
    kind: &'static str,
    message: Option<&str>,
) -> Response<Full<Bytes>> {
    event.refused(status, message);
    let (connection_id, request_id) = (&event.connection.id, event.request_id());
    let body = match message {
        Some(message) => frames::notice(message, connection_id, request_id),
        None => frames::unexplained(connection_id, request_id),
    };
    reply::error(status, kind, Bytes::from(body))
}

/// The integration's own refusal: status, body and headers. GUESS: that the body and the headers are relayed.
fn relay(reply: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    // A 1xx would leave the client waiting for a response that never comes.
    *response.status_mut() = StatusCode::from_u16(reply.status)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    integrate::strip_hop_headers(response.headers_mut());
    response
}

/// The connection's life after the 101, and its `$disconnect`.
async fn live(
    plane: Arc<Plane>,
    connection: Arc<Connection>,
    on_upgrade: OnUpgrade,
    permit: OwnedSemaphorePermit,
) {
    let _registered = Registered(&plane, &connection);
    tracing::info!(
        api = connection.api_id,
        stage = connection.stage,
        connection = connection.id,
        "connected"
    );
    let ending = match timeout(SWITCH_PATIENCE, on_upgrade).await {
        Ok(Ok(upgraded)) => serve(&plane, &connection, upgraded).await,
        Ok(Err(_)) | Err(_) => Ending::LOST,
    };
    tracing::info!(
        connection = connection.id,
        code = ending.code,
        "disconnected"
    );
    plane.registry.remove(&connection.id);
    drop(permit);
    if ending.disconnect == Disconnect::Run {
        Box::pin(disconnect(&plane, &connection, ending)).await;
    }
}

async fn serve(plane: &Arc<Plane>, connection: &Arc<Connection>, upgraded: Upgraded) -> Ending {
    match upgraded.downcast::<TokioIo<Linger<TcpStream>>>() {
        Ok(parts) => {
            // From here on the peer ends the connection in its own way.
            let stream = parts.io.into_inner().into_inner();
            peer::serve(plane, connection, stream, parts.read_buf).await
        }
        Err(upgraded) => {
            let stream = TokioIo::new(upgraded);
            Box::pin(peer::serve(plane, connection, stream, Bytes::new())).await
        }
    }
}

/// Takes the connection off the register in whatever way its task ends.
struct Registered<'a>(&'a Plane, &'a Connection);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.registry.remove(&self.1.id);
    }
}

/// Tells the `$disconnect` route, once and with no further attempt, that the connection is gone.
async fn disconnect(plane: &Arc<Plane>, connection: &Arc<Connection>, ending: Ending) {
    let Ok(serving) = plane.store.serving(&connection.api_id, &connection.stage) else {
        return;
    };
    let snapshot = serving.snapshot.clone();
    let kind = Kind::Disconnect {
        code: ending.code,
        reason: ending.reason.into_owned(),
    };
    let event = Event::new(Arc::clone(connection), serving, kind, Utf8Bytes::default());
    let event = event.logged(&plane.access_logs);
    let Some(snapshot) = snapshot else {
        return;
    };
    let plan = plane.plans.of(&snapshot).await;
    let Some(route) = plan.route("$disconnect") else {
        return;
    };
    let Some(integration) = &route.integration else {
        return;
    };
    if let Err(failure) = integrate::run(integration, &event, plane).await {
        peer::log_failure(route, integration, &event, &failure);
        event.refused(failure.trouble.status(), Some(failure.trouble.message()));
    }
}
