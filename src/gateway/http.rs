//! The listener: accepts connections up to a limit, reads requests, and hands each to the plane that its host and path
//! name. The listener decides nothing about APIs itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Options,
    access::admission::{self, NotAdmitted},
    client_stream::{ClientStream, Returned},
    control,
    data::{self, Plane},
    demo::{self, Demo},
    fault::{self, FaultEffect, Faults, Strike},
    host::{Host, reachable},
    lambda::{self, Functions},
    local_api,
    management::{self, TooLarge},
    notice::Notices,
    reply::{self, refusal},
    stage_address::StageAddress,
    store::Store,
};
use crate::model::limit;

/// Time for a request's head, and for the next request of an idle connection, to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a request's body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest request head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS: usize = 100;
/// Longest body of a control call, in bytes; an integration with many templates is the largest there is.
const CONTROL_BYTES: usize = 4 * 1024 * 1024;
/// Pause after `accept` failed, which is when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The longest time that clients have to go when the gateway stops.
const FAREWELL: Duration = Duration::from_secs(4);

/// The parts of the gateway that every request can reach.
pub(super) struct Server {
    listener: SocketAddr,
    control: control::Context,
    plane: Arc<Plane>,
    demo: Arc<Demo>,
    faults: Faults,
    notices: Notices,
    permits: Arc<Semaphore>,
}

impl Server {
    pub(super) fn new(listener: SocketAddr, options: &Options, store: Store) -> Arc<Server> {
        let plane = Plane::new(store.clone(), listener, options);
        let control = control::Context {
            store,
            address: reachable(listener),
            strict: Arc::clone(&plane.strict),
            rates: Arc::default(),
        };
        let permits = options
            .connections
            .saturating_add(options.spare_connections)
            .min(Semaphore::MAX_PERMITS);
        Arc::new(Server {
            listener,
            control,
            demo: Arc::new(Demo::new(Arc::clone(&plane), listener)),
            plane,
            faults: Faults::default(),
            notices: Notices::new(),
            permits: Arc::new(Semaphore::new(permits)),
        })
    }
}

impl Server {
    /// Follows the time scale: the factor by which time passes faster than on AWS.
    pub(super) fn time_scales(&self) -> watch::Receiver<f64> {
        self.plane.time_scales()
    }

    /// Returns the Lambda functions that the gateway can invoke.
    pub(super) fn functions(&self) -> Functions {
        self.plane.functions.clone()
    }

    /// Returns the notices for whoever runs the gateway.
    pub(super) fn notices(&self) -> Notices {
        self.notices.clone()
    }
}

/// Serves until `stop`, and then until the clients are gone.
pub(super) async fn serve(listener: TcpListener, server: Arc<Server>, stop: CancellationToken) {
    tracing::info!(address = %server.listener, "listening");
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    let removals = server.plane.store.removals();
    let watching = Arc::clone(&server.plane).watch_removals(removals);
    tasks.spawn(cut.clone().run_until_cancelled_owned(watching));
    // Not cut but asked to stop: the store must be nobody's when this returns.
    let store = server.control.store.clone();
    tasks.spawn(control::autodeploy::run(store, cut.clone()));

    // While the clients go, their `$disconnect` backends may still need this listener.
    let ending = async {
        stop.cancelled().await;
        server.plane.stop(FAREWELL).await;
        server.plane.functions.stop().await;
    };
    tokio::pin!(ending);
    loop {
        let (stream, remote, permit) = tokio::select! {
            () = &mut ending => break,
            accepted = accept(&listener, &server.permits) => accepted,
        };
        let conversation = converse(Arc::clone(&server), stream, remote);
        let cut = cut.clone();
        tasks.spawn(async move {
            // A conversation that is cut off has nothing left to say.
            let _finished = cut.run_until_cancelled_owned(conversation).await;
            drop(permit);
        });
    }
    cut.cancel();
    tasks.close();
    tasks.wait().await;
}

/// Waits for room, then for a connection.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .expect("invariant: the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => return (stream, remote, permit),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn converse(server: Arc<Server>, stream: TcpStream, remote: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn Nagle's algorithm off");
    }
    match timeout(HEAD_TIMEOUT, speaks_tls(&stream)).await {
        // Answered below like any head that cannot be read: by a plain answer TLS libraries know a port without TLS.
        Ok(true) => server.notices.tls(server.listener),
        Ok(false) => {}
        Err(_) => return,
    }
    // A client that closes its half before it is answered counts as gone, or one that is would be served to the end of a
    // fault's delay. This stays true then, to tell that from a request that breaks off.
    let in_hand = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| {
        let (server, in_hand) = (Arc::clone(&server), Arc::clone(&in_hand));
        async move {
            in_hand.store(true, Ordering::Relaxed);
            let answer = dispatch(&server, remote, request).await;
            in_hand.store(false, Ordering::Relaxed);
            answer
        }
    });
    let (stream, returned) = ClientStream::returning(stream);
    // Not with `pipeline_flush`: it holds back what is written while input is left, and of a head that cannot be read all
    // is left, so that its refusal would never leave.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%remote, %error, "a connection ended badly");
        let incomplete = if in_hand.load(Ordering::Relaxed) {
            "The client closed its half of the connection while its request was being answered"
        } else {
            "The request breaks off"
        };
        say_why(&error, incomplete, returned).await;
    }
}

/// Answers a request that the HTTP library gave up on without a word; `incomplete` is what to say of one whose sender
/// ended. A client that has begun no request is told nothing, for it waits for nothing.
///
/// GUESS: the types and texts, as with those of [`BodyError`].
async fn say_why(
    error: &hyper::Error,
    incomplete: &'static str,
    mut returned: Returned<TcpStream>,
) {
    let Some(answer) = answer_to(error, incomplete) else {
        return;
    };
    let Ok(stream) = returned.try_recv() else {
        return;
    };
    let mut stream = ClientStream::new(stream);
    let saying = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    if let Err(error) = saying.await {
        tracing::debug!(%error, "a client did not hear why its request was refused");
    }
}

/// Returns the bytes that say why the HTTP library gave up, if that can be said.
fn answer_to(error: &hyper::Error, incomplete: &'static str) -> Option<String> {
    let (status, kind, message) = if error.is_timeout() {
        (
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            "The request's head did not arrive in time",
        )
    } else if error.is_parse_version_h2() {
        (
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "BadRequestException",
            "The local gateway does not speak HTTP/2",
        )
    } else if error.is_incomplete_message() {
        (StatusCode::BAD_REQUEST, "BadRequestException", incomplete)
    } else {
        return None;
    };
    Some(reply::raw(status, kind, message))
}

/// True when the first byte that comes begins a TLS record with a handshake, which no request does.
async fn speaks_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    // Who breaks off is found out by who reads on.
    let peeked = stream.peek(&mut first).await;
    matches!(peeked, Ok(1)) && first == [0x16]
}

/// The part of the gateway that a request is for.
enum Recipient {
    Control,
    Own,
    Backend,
    Invoke,
    Management(StageAddress),
    Stage(StageAddress),
    Nobody,
}

impl Recipient {
    fn find(host: &Host, path: &str, listener: SocketAddr, store: &Store) -> Recipient {
        if matches!(host, Host::Localhost | Host::Address(_)) {
            if path == "/v2" || path.starts_with("/v2/") {
                return Recipient::Control;
            }
            if path == local_api::PREFIX || path.starts_with("/_stagewire/") {
                return Recipient::Own;
            }
            if path.starts_with("/_demo/") {
                return Recipient::Backend;
            }
            if lambda::is_invoke(path) {
                return Recipient::Invoke;
            }
        }
        match StageAddress::find(host, path, reachable(listener), store) {
            None => Recipient::Nobody,
            Some(address) if management::is_called(&address) => Recipient::Management(address),
            Some(address) => Recipient::Stage(address),
        }
    }
}

impl Recipient {
    /// Returns the operation that the request asks for, by the name that faults know it by.
    fn operation(&self, request: &Request<Incoming>) -> Option<&'static str> {
        match self {
            Recipient::Control => control::operation(request.method(), request.uri().path()),
            Recipient::Management(_) => management::operation(request.method()),
            Recipient::Stage(_) => data::wanted(request.headers()).then_some(fault::HANDSHAKE),
            Recipient::Own | Recipient::Backend | Recipient::Invoke | Recipient::Nobody => None,
        }
    }
}

/// Hands a request that may come in to the plane that its host and path name.
async fn dispatch(
    server: &Arc<Server>,
    remote: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let destination = match enter(&request, server) {
        Ok(destination) => destination,
        Err(refused) => return Ok(refused.answer()),
    };
    let due = match destination {
        Recipient::Control => server.plane.strict.due(),
        _ => None,
    };
    let mut answered = meet(server, remote, destination, request).await;
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
    // The rest of a body that is too long is still on its way, and no further request can be told from it.
    if let Ok(answer) = &mut answered
        && answer.status() == StatusCode::PAYLOAD_TOO_LARGE
    {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    answered
}

/// Answers a request that was let in; a fault that waits for it decides how.
async fn meet(
    server: &Arc<Server>,
    remote: SocketAddr,
    destination: Recipient,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let strike = destination
        .operation(&request)
        .and_then(|operation| server.faults.take(operation));
    let Some(Strike { delay, effect }) = strike else {
        return Ok(answer(server, remote, destination, request).await);
    };
    tokio::time::sleep(delay).await;
    match effect {
        FaultEffect::None => Ok(answer(server, remote, destination, request).await),
        FaultEffect::Refuse {
            status,
            error,
            message,
        } => {
            let (error, message) = (error.as_deref(), message.as_deref());
            Ok(match destination {
                Recipient::Management(address) => {
                    let (head, _) = request.into_parts();
                    let refusal = reply::terse_refusal(status, error, message);
                    management::refuse(&server.plane, remote, &address, &head, refusal)
                }
                Recipient::Stage(_) if error.is_none() => {
                    data::turned_away(status, message.unwrap_or_default())
                }
                _ => reply::terse_refusal(status, error, message),
            })
        }
        FaultEffect::DropRequest => Err(Dropped),
        FaultEffect::DropAnswer => {
            answer(server, remote, destination, request).await;
            Err(Dropped)
        }
    }
}

/// A fault that closes the connection in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault dropped the connection")]
struct Dropped;

async fn answer(
    server: &Arc<Server>,
    remote: SocketAddr,
    destination: Recipient,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    match destination {
        Recipient::Control => of_control(server, request).await,
        Recipient::Own => of_own(server, request).await,
        Recipient::Backend => of_backend(server, request).await,
        Recipient::Invoke => of_invoke(server, request).await,
        Recipient::Management(address) => of_management(server, remote, &address, request).await,
        Recipient::Stage(address) => of_stage(server, remote, address, request).await,
        Recipient::Nobody => data::led_nowhere(request.headers()),
    }
}

fn enter<B>(request: &Request<B>, server: &Server) -> Result<Recipient, NotAdmitted> {
    let (listener, store) = (server.listener, &server.plane.store);
    let visitor = admission::admit(request, listener, Some(store))?;
    let destination = Recipient::find(&visitor.host, request.uri().path(), listener, store);
    if !matches!(destination, Recipient::Stage(_)) {
        visitor.require_program()?;
    }
    Ok(destination)
}

async fn of_stage(
    server: &Server,
    remote: SocketAddr,
    address: StageAddress,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    // A plain GET too: that it lacks the upgrade is told only where there is something to connect to.
    if data::wanted(request.headers()) || request.method() == http::Method::GET {
        return data::connect(&server.plane, remote, address, request).await;
    }
    data::led_nowhere(request.headers())
}

async fn of_control(server: &Server, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match read(body, CONTROL_BYTES).await {
        Ok(Ok(body)) => {
            let is_change = head.method != http::Method::GET;
            let request = Request::from_parts(head, body);
            let answer = control::answer(&server.control, request).await;
            // On AWS the answer comes first, as it does where stages settle as slowly as there.
            if is_change && server.control.strict.settles_at_once() {
                control::autodeploy::settle(&server.control.store).await;
            }
            answer.map(Full::new)
        }
        Ok(Err(TooLarge)) => too_large(),
        Err(broken) => broken.answer(),
    }
}

async fn of_management(
    server: &Server,
    remote: SocketAddr,
    address: &StageAddress,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match read(body, limit::MESSAGE_BYTES).await {
        Ok(body) => management::answer(&server.plane, remote, address, &head, body).await,
        Err(broken) => broken.answer(),
    }
}

async fn of_own(server: &Server, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match read(body, limit::MESSAGE_BYTES).await {
        Ok(Ok(body)) => local_api::answer(&server.plane, &server.faults, &head, &body),
        Ok(Err(TooLarge)) => too_large(),
        Err(broken) => broken.answer(),
    }
}

async fn of_backend(server: &Server, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match read(body, limit::MESSAGE_BYTES).await {
        Ok(Ok(body)) => demo::answer(&server.demo, &head, &body).await,
        Ok(Err(TooLarge)) => too_large(),
        Err(broken) => broken.answer(),
    }
}

async fn of_invoke(server: &Server, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match read(body, lambda::LARGEST_PAYLOAD).await {
        Ok(body) => lambda::answer_invoke(&server.plane.functions, &head, body.ok()).await,
        Err(broken) => broken.answer(),
    }
}

/// The reason why a body did not arrive.
enum BodyError {
    TimedOut,
    Lost,
}

// GUESS: the types and texts; AWS's own front end answers these before any service's model applies.
impl BodyError {
    fn answer(&self) -> Response<Full<Bytes>> {
        match self {
            BodyError::TimedOut => refusal(
                StatusCode::REQUEST_TIMEOUT,
                "RequestTimeoutException",
                "The request's body did not arrive in time",
            ),
            BodyError::Lost => refusal(
                StatusCode::BAD_REQUEST,
                "BadRequestException",
                "The request's body cannot be read",
            ),
        }
    }
}

fn too_large() -> Response<Full<Bytes>> {
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLargeException",
        "The request's body is too long",
    )
}

/// Reads a body of at most `limit` bytes. Of one that is longer, or says that it will be, no more is read than tells
/// so.
async fn read<B>(mut body: B, limit: usize) -> Result<Result<Bytes, TooLarge>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > limit) {
        return Ok(Err(TooLarge));
    }
    let reading = async {
        let mut kept = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(part) = frame.map_err(|_| BodyError::Lost)?.into_data() else {
                continue;
            };
            if part.len() > limit - kept.len() {
                return Ok(Err(TooLarge));
            }
            kept.extend_from_slice(&part);
        }
        Ok(Ok(kept.freeze()))
    };
    timeout(BODY_TIMEOUT, reading)
        .await
        .unwrap_or(Err(BodyError::TimedOut))
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream::{self, StreamExt};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_waited_for_only_so_long() {
        let part = stream::iter([Ok::<_, io::Error>(Frame::data(Bytes::from("{")))]);
        let began = tokio::time::Instant::now();
        let read = read(StreamBody::new(part.chain(stream::pending())), 10).await;
        let Err(broken) = read else {
            panic!("a body that never came was read");
        };
        assert_eq!(began.elapsed(), BODY_TIMEOUT);
        assert_eq!(broken.answer().status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let parts = [
            Ok(Frame::data(Bytes::from("{"))),
            Err(io::Error::other("gone")),
        ];
        let read = read(StreamBody::new(stream::iter(parts)), 10).await;
        let Err(broken) = read else {
            panic!("half a body was read");
        };
        assert_eq!(broken.answer().status(), StatusCode::BAD_REQUEST);
    }
}
