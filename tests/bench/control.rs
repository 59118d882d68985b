//! What a control call costs at 8 clients: reads, and writes that wait for the disk, with 10 deployments and with 10,000.
//!
//! `cargo bench --bench control`. The clients run in the same process and on the same cores. The state is a file in the
//! directory for temporary files, so the figures are those of its disk.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark tells its figures, and stops where it cannot go on"
)]

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use stagewire::gateway::{Gateway, Options, Seed, StoreLocation};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};

const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/us-east-1/apigateway/aws4_request, \
     SignedHeaders=host;x-amz-date, Signature=00";
const CLIENTS: usize = 8;
/// How long each measurement runs.
const SPAN: Duration = Duration::from_secs(3);
/// Deployments of the two stores that must answer alike.
const FEW: usize = 10;
const MANY: usize = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

async fn run() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        store: StoreLocation::File(dir.path().join("gateway.redb")),
        seed: Seed::None,
        ..Options::default()
    };
    let gateway = Gateway::start(listener, options).await.unwrap();
    let address = gateway.address();
    let api = define(address).await;
    let mut made = 1;
    for count in [FEW, MANY] {
        fill(address, &api, count - made).await;
        made = count;
        println!("{count} deployments, {CLIENTS} clients");
        let stage = format!("{api}/stages/prod");
        let list = format!("{api}/deployments?maxResults=10");
        measure(address, "get a stage", &Method::GET, &stage, &Value::Null).await;
        measure(
            address,
            "list 10 deployments",
            &Method::GET,
            &list,
            &Value::Null,
        )
        .await;
        let change = json!({ "description": "another" });
        measure(address, "update a stage", &Method::PATCH, &stage, &change).await;
    }
    let deployments = format!("{api}/deployments");
    measure(
        address,
        "create a deployment",
        &Method::POST,
        &deployments,
        &json!({}),
    )
    .await;
    gateway.stop().await;
}

/// An API with ten routes to mocks, deployed to `prod`; its path.
async fn define(address: SocketAddr) -> String {
    let mut client = Client::connect(address).await;
    let body = json!({ "name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": "x" });
    let made = client.call(&Method::POST, "/v2/apis", &body).await;
    let api = format!("/v2/apis/{}", made["apiId"].as_str().unwrap());
    for n in 0..10 {
        let mock = json!({ "integrationType": "MOCK" });
        let made = client
            .call(&Method::POST, &format!("{api}/integrations"), &mock)
            .await;
        let target = format!("integrations/{}", made["integrationId"].as_str().unwrap());
        let route = json!({ "routeKey": format!("r{n}"), "target": target });
        client
            .call(&Method::POST, &format!("{api}/routes"), &route)
            .await;
    }
    let stage = json!({ "stageName": "prod" });
    client
        .call(&Method::POST, &format!("{api}/stages"), &stage)
        .await;
    let deployment = json!({ "stageName": "prod" });
    client
        .call(&Method::POST, &format!("{api}/deployments"), &deployment)
        .await;
    api
}

async fn fill(address: SocketAddr, api: &str, count: usize) {
    let path = format!("{api}/deployments");
    let clients = (0..CLIENTS).map(|n| {
        let path = &path;
        let share = count / CLIENTS + usize::from(n < count % CLIENTS);
        async move {
            let mut client = Client::connect(address).await;
            for _ in 0..share {
                client.call(&Method::POST, path, &json!({})).await;
            }
        }
    });
    join_all(clients).await;
}

async fn measure(address: SocketAddr, what: &str, method: &Method, path: &str, body: &Value) {
    let end = Instant::now() + SPAN;
    let clients = (0..CLIENTS).map(|_| async move {
        let mut client = Client::connect(address).await;
        let mut times = Vec::new();
        while Instant::now() < end {
            let start = Instant::now();
            client.call(method, path, body).await;
            times.push(start.elapsed());
        }
        times
    });
    let mut times: Vec<Duration> = join_all(clients).await.concat();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let count = u32::try_from(times.len()).unwrap();
    println!(
        "  {what:<22} {:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms",
        f64::from(count) / SPAN.as_secs_f64(),
        at(50),
        at(99),
    );
}

/// One keep-alive connection.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client {
            sender,
            host: address.to_string(),
        }
    }

    /// The answer to a call that must succeed.
    async fn call(&mut self, method: &Method, path: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, SIGNED)
            .body(Full::new(body))
            .unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        assert!(
            response.status().is_success(),
            "{method} {path}: {}",
            response.status()
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap_or_default()
    }
}
