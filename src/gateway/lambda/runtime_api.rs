//! The Lambda Runtime API, as one process sees it: on a port of its own, so that the port tells which process calls.
//!
//! SOURCE: Lambda developer guide, "Using the Lambda runtime API for custom runtimes", and its `OpenAPI` description;
//! the bodies of errors are those of Lambda's own runtime interface emulator.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    InvocationResponse, LARGEST_ANSWER, process_failure,
    worker::{Handed, RuntimeRefusal, Worker},
};
use crate::gateway::{access::admission, clock};

/// Connections that one process may have.
const CONNECTIONS: usize = 64;
/// Bytes of an answer that is too long which are read and thrown away, so that its sender sees the refusal.
const EXCESS_BYTES: usize = 16 * 1024 * 1024;
/// Pause after `accept` failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const PREFIX: &str = "/2018-06-01/runtime/";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Serves one process. Never done; what it serves ends with it.
pub(super) async fn serve(listener: &TcpListener, worker: &Arc<Worker>) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if conversations.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    conversations.spawn(converse(stream, Arc::clone(worker)));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of a function");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = conversations.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, worker: Arc<Worker>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn Nagle's algorithm off");
    }
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let service = service_fn(move |request| {
        let worker = Arc::clone(&worker);
        async move {
            // A web page must be able to take an invocation no more than to make one.
            let visitor = admission::admit(&request, local, None);
            Ok::<_, Infallible>(if visitor.is_ok_and(|it| it.require_program().is_ok()) {
                dispatch(&worker, request).await
            } else {
                plain(StatusCode::FORBIDDEN, "403 forbidden\n")
            })
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a function's connection ended badly");
    }
}

/// An operation of the Runtime API.
enum RuntimeOperation<'p> {
    Next,
    Response(&'p str),
    Error(&'p str),
    InitError,
}

impl RuntimeOperation<'_> {
    fn find(path: &str) -> Option<RuntimeOperation<'_>> {
        match path.strip_prefix(PREFIX)? {
            "invocation/next" => Some(RuntimeOperation::Next),
            "init/error" => Some(RuntimeOperation::InitError),
            other => {
                let (id, what) = other.strip_prefix("invocation/")?.split_once('/')?;
                match what {
                    "response" => Some(RuntimeOperation::Response(id)),
                    "error" => Some(RuntimeOperation::Error(id)),
                    _ => None,
                }
            }
        }
    }

    fn method(&self) -> Method {
        match self {
            RuntimeOperation::Next => Method::GET,
            _ => Method::POST,
        }
    }
}

async fn dispatch(worker: &Worker, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Some(operation) = RuntimeOperation::find(head.uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "404 page not found\n");
    };
    if head.method != operation.method() {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    let done = match operation {
        RuntimeOperation::Next => return next(worker).await,
        RuntimeOperation::Response(id) => respond(worker, id, body).await,
        RuntimeOperation::Error(id) => fail(worker, id, &head.headers, body).await,
        RuntimeOperation::InitError => init_error(worker, &head.headers, body).await,
    };
    match done {
        Ok(()) => json(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
        Err(problem) => problem.answer(),
    }
}

async fn next(worker: &Worker) -> Response<Full<Bytes>> {
    match worker.next().await {
        Ok(handed) => invocation(handed),
        Err(refused) => Problem::Refused(refused).answer(),
    }
}

/// Returns the response that hands an invocation out: the event, with what else is known of the invocation in headers.
fn invocation(handed: Handed) -> Response<Full<Bytes>> {
    let timeout = SignedDuration::try_from(handed.timeout).unwrap_or(SignedDuration::MAX);
    let deadline = clock::now()
        .saturating_add(timeout)
        .unwrap_or(Timestamp::MAX);
    let mut response = Response::new(Full::new(handed.payload));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let mut set = |name, value: String| {
        // What has come so far is a header value; were it none, a function can do without.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("lambda-runtime-aws-request-id", handed.request_id);
    set("lambda-runtime-invoked-function-arn", handed.arn);
    set(
        "lambda-runtime-deadline-ms",
        deadline.as_millisecond().to_string(),
    );
    if let Some(trace_id) = handed.trace_id {
        set("lambda-runtime-trace-id", trace_id);
    }
    response
}

async fn respond(worker: &Worker, id: &str, body: Incoming) -> Result<(), Problem> {
    worker.check(id)?;
    let payload = match read(body).await {
        Ok(payload) => payload,
        Err(Problem::TooLarge) => {
            worker.answer(id, process_failure::too_large())?;
            return Err(Problem::TooLarge);
        }
        Err(problem) => return Err(problem),
    };
    Ok(worker.answer(id, InvocationResponse::new(payload))?)
}

async fn fail(
    worker: &Worker,
    id: &str,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<(), Problem> {
    worker.check(id)?;
    let payload = match read(body).await {
        Ok(payload) => error_payload(payload, headers),
        Err(Problem::TooLarge) => {
            worker.answer(id, process_failure::too_large())?;
            return Err(Problem::TooLarge);
        }
        Err(problem) => return Err(problem),
    };
    Ok(worker.answer(id, InvocationResponse::failed(payload))?)
}

async fn init_error(worker: &Worker, headers: &HeaderMap, body: Incoming) -> Result<(), Problem> {
    let payload = read(body).await?;
    Ok(worker.cannot_start(error_payload(payload, headers))?)
}

/// SOURCE: the `OpenAPI` description: without a payload the header says what kind of error it was.
fn error_payload(payload: Bytes, headers: &HeaderMap) -> Bytes {
    if !payload.is_empty() {
        return payload;
    }
    let kind = headers.get(ERROR_TYPE).and_then(|kind| kind.to_str().ok());
    let payload = json!({ "errorType": kind.unwrap_or("Unhandled"), "errorMessage": "" });
    Bytes::from(payload.to_string())
}

/// The reason why a request of a process is refused.
#[derive(Debug)]
enum Problem {
    Refused(RuntimeRefusal),
    TooLarge,
    Truncated,
}

impl From<RuntimeRefusal> for Problem {
    fn from(refused: RuntimeRefusal) -> Problem {
        Problem::Refused(refused)
    }
}

impl Problem {
    fn answer(&self) -> Response<Full<Bytes>> {
        let (status, kind, message) = match self {
            Problem::Refused(RuntimeRefusal::State { from, to }) => (
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                format!(
                    "State transition from {from} to {to} failed for runtime. \
                     Error: State transition is not allowed"
                ),
            ),
            Problem::Refused(RuntimeRefusal::RequestId) => (
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID".to_owned(),
            ),
            Problem::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                format!("Exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."),
            ),
            Problem::Truncated => (
                StatusCode::BAD_REQUEST,
                "TruncatedHTTPRequest",
                "HTTP request detected as truncated".to_owned(),
            ),
        };
        json(
            status,
            &json!({ "errorMessage": message, "errorType": kind }),
        )
    }
}

/// Reads a payload, and the rest of one that is too long as far as that is reasonable.
async fn read(mut body: Incoming) -> Result<Bytes, Problem> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|_| Problem::Truncated)?.into_data() else {
            continue;
        };
        length = length.saturating_add(part.len());
        if length <= LARGEST_ANSWER {
            kept.extend_from_slice(&part);
        } else if length > LARGEST_ANSWER.saturating_add(EXCESS_BYTES) {
            break;
        }
    }
    if length <= LARGEST_ANSWER {
        Ok(kept.freeze())
    } else {
        Err(Problem::TooLarge)
    }
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn plain(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
}
