//! A local gateway for one test: on a port of its own, in memory, stopped when dropped; with short ways to define an
//! API, to connect, and to play an integration's backend.

use std::{collections::HashMap, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde_json::{Value, json};
use stagewire::gateway::{self, Options, Seed, StoreLocation, Strictness};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use super::weather;

/// How long anything that a test waits for may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What a gateway is told, one after the other, for all of its stages to be settled and for those that are moved later to
/// need their time again.
const SETTLING: [&str; 2] = [
    r#"{ "consistencyInMillis": 0 }"#,
    r#"{ "consistencyInMillis": 60000 }"#,
];

/// An `Authorization` header that looks signed for the data plane, which is all that a local gateway asks for.
pub(crate) const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/us-east-1/execute-api/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=00";

/// The same for the control plane.
pub(crate) const SIGNED_FOR_CONTROL: &str = "AWS4-HMAC-SHA256 \
     Credential=AKIDEXAMPLE/20250101/us-east-1/apigateway/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";

/// A client's end of a WebSocket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Waits for something that must happen, with a deadline.
#[track_caller]
pub(crate) fn soon<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let done = tokio::time::timeout(DEADLINE, what).await;
        done.unwrap_or_else(|_| panic!("nothing happened in time, waited for at {place}"))
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) running: gateway::Gateway,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether the call came too soon after others.
    fn is_too_fast(&self) -> bool {
        self.status == 429 && self.header("x-amzn-errortype") == Some("TooManyRequestsException")
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The options for the weather of this run.
fn weathered(options: Options) -> Options {
    let is_lenient = options.strictness == Strictness::default();
    if !weather::is_strict() || !is_lenient || options.time_scale.to_bits() != 1_f64.to_bits() {
        return options;
    }
    Options {
        strictness: Strictness {
            aws_rates: true,
            latency: Duration::from_millis(150),
            consistency: Duration::from_mins(1),
        },
        time_scale: f64::from(weather::TIME_SCALE),
        ..options
    }
}

impl Gateway {
    /// A gateway without any API.
    pub(crate) async fn start() -> Gateway {
        Gateway::with(Options {
            seed: Seed::None,
            ..Options::default()
        })
        .await
    }

    /// A gateway with these options. One that is not strict by them is so in strict weather.
    pub(crate) async fn with(options: Options) -> Gateway {
        let options = weathered(options);
        assert_eq!(
            options.store,
            StoreLocation::Memory,
            "tests that keep a file start their own"
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Gateway {
            running: gateway::Gateway::start(listener, options).await.unwrap(),
            http: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// A gateway without any API that has the same weather in every run.
    pub(crate) async fn lenient() -> Gateway {
        Gateway::with(Options {
            seed: Seed::None,
            strictness: Strictness {
                latency: Duration::from_nanos(1),
                ..Strictness::default()
            },
            ..Options::default()
        })
        .await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Any request, signed in form.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let signature = if path.starts_with("/v2/") {
            SIGNED_FOR_CONTROL
        } else {
            SIGNED
        };
        let request = self
            .request(method, path)
            .header("authorization", signature);
        self.send(request.body(Full::new(body.into())).unwrap())
            .await
    }

    /// A request to build further, without a signature.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let method: Method = method.parse().unwrap();
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address()))
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// Sends a request whose answer may be lost.
    pub(crate) async fn try_send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, hyper_util::client::legacy::Error> {
        let response = soon(self.http.request(request)).await?;
        let (head, body) = response.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: soon(body.collect()).await.unwrap().to_bytes(),
        })
    }

    /// A control call that must succeed.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut answer = self.call(method, path, body.clone()).await;
        // Where calls are counted they take their time, so this is no rush.
        while weather::is_strict() && answer.is_too_fast() {
            answer = self.call(method, path, body.clone()).await;
        }
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        answer.json()
    }

    /// A new API that routes by `action`.
    pub(crate) async fn api(&self) -> Api<'_> {
        self.api_routed_by("$request.body.action").await
    }

    pub(crate) async fn api_routed_by(&self, expression: &str) -> Api<'_> {
        let body = json!({
            "name": "test",
            "protocolType": "WEBSOCKET",
            "routeSelectionExpression": expression,
        });
        let made = self.control("POST", "/v2/apis", body).await;
        Api {
            gateway: self,
            id: text(&made, "apiId"),
        }
    }

    /// Opens a WebSocket at a path such as `/a1b2c3d4e5/prod`.
    pub(crate) async fn connect(&self, path: &str) -> Socket {
        self.try_connect(path, &[]).await.unwrap().0
    }

    /// Skips the time that stages need to settle, where they need any.
    pub(crate) async fn settle(&self) {
        if weather::is_strict() {
            for body in SETTLING {
                let put = self.call("PUT", "/_stagewire/strictness", body).await;
                assert_eq!(put.status, 200, "{put:?}");
            }
        }
    }

    /// Opens a WebSocket with further headers; gives the 101's headers too.
    pub(crate) async fn try_connect(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Socket, HeaderMap), Error> {
        let mut request = format!("ws://{}{path}", self.address()).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, response) = soon(client_async_with_config(request, stream, None)).await?;
        Ok((socket, response.headers().clone()))
    }

    /// Tries to open a WebSocket that must be refused; gives the refusal.
    pub(crate) async fn refused(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        match self.try_connect(path, headers).await {
            Err(Error::Http(response)) => {
                let (head, body) = response.into_parts();
                Answer {
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body: Bytes::from(body.unwrap_or_default()),
                }
            }
            Err(other) => panic!("not refused but broken: {other}"),
            Ok(_) => panic!("not refused"),
        }
    }
}

/// An API under definition.
pub(crate) struct Api<'g> {
    gateway: &'g Gateway,
    pub(crate) id: String,
}

impl Api<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/v2/apis/{}/{rest}", self.id)
    }

    /// A control call on a part of this API that must succeed.
    pub(crate) async fn control(&self, method: &str, rest: &str, body: Value) -> Value {
        self.gateway.control(method, &self.path(rest), body).await
    }

    /// Where a stage's WebSocket is.
    pub(crate) fn stage_path(&self, stage: &str) -> String {
        format!("/{}/{stage}", self.id)
    }

    pub(crate) async fn integration(&self, definition: Value) -> String {
        text(
            &self.control("POST", "integrations", definition).await,
            "integrationId",
        )
    }

    /// A one-way route to an integration, or to none.
    pub(crate) async fn route(&self, key: &str, integration: Option<&str>) -> String {
        let target = integration.map(|id| format!("integrations/{id}"));
        let mut body = json!({ "routeKey": key });
        if let Some(target) = target {
            body["target"] = json!(target);
        }
        text(&self.control("POST", "routes", body).await, "routeId")
    }

    /// A route whose integration's answer goes to the client.
    pub(crate) async fn two_way_route(&self, key: &str, integration: &str) -> String {
        let body = json!({
            "routeKey": key,
            "target": format!("integrations/{integration}"),
            "routeResponseSelectionExpression": "$default",
        });
        let route = text(&self.control("POST", "routes", body).await, "routeId");
        let response = json!({ "routeResponseKey": "$default" });
        self.control("POST", &format!("routes/{route}/routeresponses"), response)
            .await;
        route
    }

    /// A two-way route to a mock that answers with this text. Gives the integration's id.
    pub(crate) async fn mock(&self, key: &str, reply: &str) -> String {
        let integration = self.mock_integration(200, reply).await;
        self.two_way_route(key, &integration).await;
        integration
    }

    /// A mock with this status whose response template is this text.
    pub(crate) async fn mock_integration(&self, status: u16, reply: &str) -> String {
        let integration = self
            .integration(json!({
                "integrationType": "MOCK",
                "templateSelectionExpression": "200",
                "requestTemplates": { "200": format!("{{\"statusCode\":{status}}}") },
            }))
            .await;
        let response = json!({
            "integrationResponseKey": "$default",
            "templateSelectionExpression": "200",
            "responseTemplates": { "200": reply },
        });
        let path = format!("integrations/{integration}/integrationresponses");
        self.control("POST", &path, response).await;
        integration
    }

    /// An `HTTP_PROXY` integration to this URI.
    pub(crate) async fn proxy(&self, uri: &str) -> String {
        self.proxy_with(uri, json!({})).await
    }

    /// An `HTTP_PROXY` integration with further members.
    pub(crate) async fn proxy_with(&self, uri: &str, more: Value) -> String {
        let mut definition = json!({
            "integrationType": "HTTP_PROXY",
            "integrationMethod": "POST",
            "integrationUri": uri,
        });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        self.integration(definition).await
    }

    pub(crate) async fn create_deployment(&self) -> String {
        text(
            &self.control("POST", "deployments", json!({})).await,
            "deploymentId",
        )
    }

    /// Deploys what is defined now to a new stage; gives the deployment's id.
    pub(crate) async fn deploy(&self, stage: &str) -> String {
        let deployment = self.create_deployment().await;
        let body = json!({ "stageName": stage, "deploymentId": deployment });
        self.control("POST", "stages", body).await;
        deployment
    }

    /// Points a stage at a deployment.
    pub(crate) async fn point(&self, stage: &str, deployment: &str) {
        let body = json!({ "deploymentId": deployment });
        self.control("PATCH", &format!("stages/{stage}"), body)
            .await;
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// The next text message.
#[track_caller]
pub(crate) fn next_text(socket: &mut Socket) -> impl Future<Output = String> {
    soon(async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not a text message: {other:?}"),
            }
        }
    })
}

/// The next text message as JSON.
pub(crate) async fn next_json(socket: &mut Socket) -> Value {
    let text = next_text(socket).await;
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// The close frame, whatever comes before it; panics if the connection breaks without one.
#[track_caller]
pub(crate) fn closed(socket: &mut Socket) -> impl Future<Output = Option<CloseFrame>> {
    soon(async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    })
}

/// The code of the close frame.
pub(crate) async fn close_code(socket: &mut Socket) -> u16 {
    closed(socket).await.unwrap().code.into()
}

/// A backend that tells of every request and answers as it is told to.
pub(crate) struct Backend {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Received>,
    task: JoinHandle<()>,
}

/// A request that reached a backend.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// How a backend answers one path.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Answers(u16, Vec<(&'static str, &'static str)>, Bytes),
    /// Takes the request and says nothing.
    Hangs,
    /// Answers with this status and nothing else once it is told to.
    Waits(u16, Arc<Notify>),
}

impl Backend {
    /// A backend with one behaviour for each path; other paths get an empty 200.
    pub(crate) async fn start(
        behaviours: impl IntoIterator<Item = (&'static str, Behaviour)>,
    ) -> Backend {
        let behaviours: Arc<HashMap<_, _>> = Arc::new(behaviours.into_iter().collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_all(stream, Arc::clone(&behaviours), sender.clone()));
            }
        });
        Backend {
            address,
            requests,
            task,
        }
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request that reached it.
    #[track_caller]
    pub(crate) fn received(&mut self) -> impl Future<Output = Received> {
        soon(async { self.requests.recv().await.unwrap() })
    }

    /// Whether a request is waiting to be looked at.
    pub(crate) fn is_quiet(&self) -> bool {
        self.requests.is_empty()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer_all(
    stream: TcpStream,
    behaviours: Arc<HashMap<&'static str, Behaviour>>,
    sender: mpsc::UnboundedSender<Received>,
) {
    let (behaviours, sender) = (&behaviours, &sender);
    let service = service_fn(move |request| async move {
        Ok::<_, Infallible>(behave(behaviours, sender, request).await)
    });
    // How a gateway leaves its backend's connection is not what a test asks.
    let _ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn behave(
    behaviours: &HashMap<&'static str, Behaviour>,
    sender: &mpsc::UnboundedSender<Received>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let behaviour = behaviours.get(head.uri.path()).cloned();
    // The test may have seen enough.
    let _sent = sender.send(Received {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    match behaviour {
        None => Response::default(),
        Some(Behaviour::Hangs) => std::future::pending().await,
        Some(Behaviour::Waits(status, told)) => {
            told.notified().await;
            with_status(status, Bytes::new())
        }
        Some(Behaviour::Answers(status, headers, body)) => {
            let mut response = with_status(status, body);
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}

fn with_status(status: u16, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
