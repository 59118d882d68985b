//! The listener: accepts connections up to a limit, reads requests, and hands each to the plane that its host and path
//! name. It decides nothing about APIs itself.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Options;

/// Connections beyond the WebSocket ones: control calls, callbacks and backends, which must get through when the
/// gateway is full.
const SPARE_CONNECTIONS: usize = 512;
/// Time for a request's head, and for the next request of an idle connection, to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest request head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Pause after `accept` failed, which is when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every request can reach.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    permits: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Server {
    pub(super) fn new(
        address: SocketAddr,
        options: &Options,
        stop: CancellationToken,
    ) -> Arc<Server> {
        Arc::new(Server {
            address,
            permits: Arc::new(Semaphore::new(
                options
                    .connections
                    .saturating_add(SPARE_CONNECTIONS)
                    .min(Semaphore::MAX_PERMITS),
            )),
            stop,
        })
    }
}

/// Serves until the server is told to stop and its clients are gone.
pub(super) async fn serve(listener: TcpListener, server: Arc<Server>) {
    let tasks = TaskTracker::new();
    tracing::info!(address = %server.address, "listening");
    loop {
        let (stream, remote, permit) = tokio::select! {
            () = server.stop.cancelled() => break,
            accepted = accept(&listener, &server.permits) => accepted,
        };
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            let stop = server.stop.clone();
            stop.run_until_cancelled(converse(server, stream, remote))
                .await;
            drop(permit);
        });
    }
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
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(dispatch(&server, remote, &request)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%remote, %error, "a connection ended badly");
    }
}

fn dispatch(
    _server: &Server,
    _remote: SocketAddr,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    if request.uri().path() == "/_stagewire/health" {
        return json(StatusCode::OK, r#"{"status":"ok"}"#);
    }
    json(StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#)
}

fn json(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
