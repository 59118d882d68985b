//! The upgrade of a handshake to a connection: its authorization, the answer of `$connect`, and the `$disconnect` at
//! its end.
//!
//! SOURCE: the outcomes are those of the developer guide's chapters on `$connect`, on authorizers and on gateway
//! responses, of captured sessions, and of what was recorded on AWS, September 2026; the guesses are marked.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
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
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    arrival::{self, Arrival, Pass},
    authorization::authorize,
    refusal::{self, RefusalResponse},
};
use crate::gateway::{
    client_stream::ClientStream,
    data::{
        Plane,
        connection::{
            ending::Ending,
            outbox::{Closing, Disconnect},
            peer,
            registry::Connection,
        },
        integration::integrate,
        message::event::{Event, Kind},
    },
    outbound::BackendResponse,
    stage_address::StageAddress,
    store::record::Snapshot,
};

/// The longest time that the protocol switch may take once the 101 is on its way.
const SWITCH_PATIENCE: Duration = Duration::from_secs(10);

/// True when a request asks for a WebSocket.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE);
    upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a handshake. It stays pending until the `$connect` integration has answered.
pub(crate) async fn connect(
    plane: &Arc<Plane>,
    remote: SocketAddr,
    address: StageAddress,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let Arrival { event, pass } = match arrival::arrive(plane, remote, &address, head) {
        Ok(arrival) => arrival,
        Err(refused) => return *refused,
    };
    let Pass {
        snapshot,
        mut accepted,
        permit,
    } = pass;
    let connection = Arc::clone(&event.connection);
    // Each is boxed, or the layers around the task would hold room for it once more.
    let opening = Box::pin(open(Arc::clone(plane), event, snapshot));
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
    let protocol = match answered.await {
        Ok(Ok(protocol)) => protocol,
        Ok(Err(refused)) => return *refused,
        Err(_) => return refusal::cut_off(),
    };
    if let Some(protocol) = protocol {
        let headers = accepted.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    accepted
}

/// Asks `$connect` and puts the connection on the register. Gives the subprotocol that the integration chose.
async fn open(
    plane: Arc<Plane>,
    event: Event,
    snapshot: Arc<Snapshot>,
) -> Result<Option<HeaderValue>, RefusalResponse> {
    let protocol = ask(&plane, &snapshot, &event).await?;
    let connection = Arc::clone(&event.connection);
    if !plane.registry.add(Arc::clone(&connection)) {
        let refused = refusal::unavailable(&event);
        // Its line in the access log comes before that of the disconnect.
        drop(event);
        disconnect(&plane, &connection, Ending::LOST).await;
        return Err(Box::new(refused));
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

/// Asks `$connect`. Gives the subprotocol that the integration chose.
async fn ask(
    plane: &Arc<Plane>,
    snapshot: &Arc<Snapshot>,
    event: &Event,
) -> Result<Option<HeaderValue>, RefusalResponse> {
    let plan = plane.plans.of(snapshot).await;
    let Some(route) = plan.route("$connect") else {
        return Ok(None);
    };
    event.declare(&route.declared);
    match authorize(plane, snapshot, route, event).await {
        Ok(Some(caller)) => event.connection.identify(caller),
        Ok(None) => {}
        Err(denied) => return Err(Box::new(refusal::refuse(&denied, event))),
    }
    let Some(integration) = &route.integration else {
        return Ok(None);
    };
    match integrate::run(integration, event, plane).await {
        Ok(reply) => {
            if (200..300).contains(&reply.status) {
                Ok(subprotocol(event, &reply))
            } else {
                Err(Box::new(refusal::relay(reply, event)))
            }
        }
        Err(failure) => {
            peer::log_failure(route, integration, event, &failure);
            Err(Box::new(refusal::refuse(&failure.trouble.refusal(), event)))
        }
    }
}

/// Returns the subprotocol that the integration chose.
///
/// SOURCE: reported of AWS: one that the client did not offer too, with which a client must fail the handshake.
fn subprotocol(event: &Event, reply: &BackendResponse) -> Option<HeaderValue> {
    let Kind::Connect(handshake) = &event.kind else {
        return None;
    };
    let chosen = reply.headers.get(header::SEC_WEBSOCKET_PROTOCOL)?;
    let is_chosen = |name: &str| chosen.as_bytes() == name.trim().as_bytes();
    let mut offered = handshake.header(header::SEC_WEBSOCKET_PROTOCOL.as_str());
    if !offered.any(|names| names.split(',').any(is_chosen)) {
        tracing::warn!(
            api = event.serving.api_id,
            stage = event.serving.stage.stage_name,
            connection = event.connection.id,
            "$connect chose a subprotocol that the client did not offer; clients fail such a handshake"
        );
    }
    Some(chosen.clone())
}

/// Runs the connection's life after the 101, and its `$disconnect`.
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
    match upgraded.downcast::<TokioIo<ClientStream<TcpStream>>>() {
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
    let Ok(serving) = plane.store.answering(&connection.api_id, &connection.stage) else {
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
        event.failed(failure.trouble);
    }
}
