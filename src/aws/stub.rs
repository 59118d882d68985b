//! A small HTTP server for unit tests that need bad weather: it answers each request as the test says.
//!
//! Good weather is not played here; tests against the local gateway cover it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Control, Tuning};
use crate::model::{Target, target::LocalTarget};

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// `GET /v2/apis`.
    pub(crate) line: String,
    /// The query, which stands behind the question mark.
    pub(crate) query: String,
    /// The body.
    pub(crate) body: String,
}

/// An answer to a call.
#[derive(Debug, Clone)]
pub(crate) struct CannedAnswer {
    status: u16,
    content_type: &'static str,
    error_type: Option<&'static str>,
    body: String,
    stalls: bool,
}

impl CannedAnswer {
    /// JSON with this status.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "application/json",
            error_type: None,
            body: body.to_owned(),
            stalls: false,
        }
    }

    /// An error as AWS writes it.
    pub(crate) fn error(status: u16, error_type: &'static str, message: &str) -> Self {
        Self {
            error_type: Some(error_type),
            ..Self::json(
                status,
                &serde_json::json!({ "message": message }).to_string(),
            )
        }
    }

    /// A web page.
    pub(crate) fn html(status: u16) -> Self {
        Self {
            content_type: "text/html",
            ..Self::json(status, "<html><body>It works!</body></html>")
        }
    }

    /// No answer, ever.
    pub(crate) fn never() -> Self {
        Self {
            stalls: true,
            ..Self::json(200, "{}")
        }
    }
}

/// The server; it ends when this is dropped.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    _tasks: JoinSet<()>,
}

impl Stub {
    /// Starts a server that answers with what `answer` gives for each call.
    pub(crate) async fn start(
        answer: impl Fn(&Call) -> CannedAnswer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&calls), Arc::new(answer)));
        Self {
            address,
            calls,
            _tasks: tasks,
        }
    }

    /// The calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the number of calls that have this line.
    pub(crate) fn count(&self, line: &str) -> usize {
        let calls = self.calls();
        calls.iter().filter(|call| call.line == line).count()
    }

    /// A handle on the server.
    pub(crate) async fn control(&self) -> Control {
        control_at(self.address, &quick_to_repeat()).await
    }

    /// A handle on the server that gives up soon, though not before a busy machine could answer.
    pub(crate) async fn impatient_control(&self) -> Control {
        let tuning = Tuning {
            attempt_timeout: Duration::from_millis(300),
            call_timeout: Duration::from_millis(700),
            ..quick_to_repeat()
        };
        control_at(self.address, &tuning).await
    }
}

/// The usual patience, without pauses between attempts to speak of.
pub(crate) fn quick_to_repeat() -> Tuning {
    Tuning {
        first_backoff: Duration::from_millis(1),
        ..Tuning::default()
    }
}

/// A handle on whatever listens there.
pub(crate) async fn control_at(address: SocketAddr, tuning: &Tuning) -> Control {
    let target = Target::Local(LocalTarget {
        address,
        region: "us-east-1".to_owned(),
    });
    Control::connect_tuned(&target, tuning).await.unwrap()
}

type AnswerFn = Arc<dyn Fn(&Call) -> CannedAnswer + Send + Sync>;

async fn serve(listener: TcpListener, calls: Arc<Mutex<Vec<Call>>>, answer: AnswerFn) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let calls = Arc::clone(&calls);
        let answer = Arc::clone(&answer);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                respond(request, Arc::clone(&calls), Arc::clone(&answer))
            });
            // A client that goes away early is part of what the tests do.
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    calls: Arc<Mutex<Vec<Call>>>,
    answer: AnswerFn,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let line = format!("{} {}", request.method(), request.uri().path());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let call = Call {
        line,
        query,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = answer(&call);
    calls.lock().unwrap().push(call);
    if answer.stalls {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder()
        .status(answer.status)
        .header("content-type", answer.content_type)
        .header("x-amzn-requestid", "6aa502cc-14f2-45d8-ad4c-301b7bef6b5b");
    if let Some(error_type) = answer.error_type {
        response = response.header("x-amzn-errortype", error_type);
    }
    Ok(response
        .body(Full::new(Bytes::from(answer.body)))
        .expect("the test's answer is valid"))
}
