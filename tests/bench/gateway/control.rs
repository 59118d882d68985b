//! Control calls of 1 and of 8 clients: reads, and writes that wait for the disk, with 10, 1,000 and 10,000 deployments;
//! and how long a gateway takes to start with 1,000 APIs stored.
//!
//! The state is a file in the directory for temporary files, so the figures are those of its disk.

use std::{collections::HashMap, net::SocketAddr, path::Path, time::Duration};

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

/// Where APIs are; an account has 600 of them in a region.
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-3"];
const CLIENTS: usize = 8;
/// How long each measurement runs.
const SPAN: Duration = Duration::from_secs(2);
/// Deployments of the stores that must answer alike.
const COUNTS: [usize; 3] = [10, 1_000, 10_000];
/// APIs of the store that a gateway starts with.
const APIS: usize = 1_000;

pub(crate) async fn run() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = start(&dir.path().join("gateway.redb")).await;
    let address = gateway.address();
    let api = define(address, REGIONS[0]).await;
    let stage = format!("{api}/stages/prod");
    let list = format!("{api}/deployments?maxResults=10");
    let deployments = format!("{api}/deployments");
    let nothing = Value::Null;
    let change = json!({ "description": "another" });
    let kinds = [
        ("get a stage", &Method::GET, &stage, &nothing),
        ("list 10 deployments", &Method::GET, &list, &nothing),
        ("update a stage", &Method::PATCH, &stage, &change),
    ];
    let mut made = 1;
    // By kind and number of clients, the rate with few deployments.
    let mut first: HashMap<(&str, usize), f64> = HashMap::new();
    for count in COUNTS {
        fill(address, &api, count - made).await;
        made = count;
        println!("control calls with {count} deployments");
        for clients in [1, CLIENTS] {
            for (what, method, path, body) in kinds {
                let rate = measure(address, (clients, what), method, (path, body)).await;
                let few = *first.entry((what, clients)).or_insert(rate);
                println!(" {:>5.2} of the first", rate / few);
            }
        }
    }
    let body = json!({});
    measure(
        address,
        (CLIENTS, "create a deployment"),
        &Method::POST,
        (&deployments, &body),
    )
    .await;
    println!();
    gateway.stop().await;
    start_up().await;
}

async fn start(file: &Path) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        store: StoreLocation::File(file.to_owned()),
        seed: Seed::None,
        ..Options::default()
    };
    Gateway::start(listener, options).await.unwrap()
}

/// How long it takes until the first answer, with an empty store and with many APIs.
async fn start_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.redb");
    let empty = until_answer(&file).await;
    let gateway = start(&file).await;
    let address = gateway.address();
    let shares = (0..CLIENTS).map(|n| async move {
        for _ in 0..APIS / CLIENTS {
            define(address, REGIONS[n % REGIONS.len()]).await;
        }
    });
    join_all(shares).await;
    gateway.stop().await;
    let full = until_answer(&file).await;
    println!(
        "start: {:.1} ms with an empty store, {:.1} ms with {APIS} APIs of ten routes, deployed; {:.1} times",
        empty.as_secs_f64() * 1e3,
        full.as_secs_f64() * 1e3,
        full.as_secs_f64() / empty.as_secs_f64(),
    );
}

/// The median of three.
async fn until_answer(file: &Path) -> Duration {
    let mut times = Vec::new();
    for _ in 0..3 {
        let begin = Instant::now();
        let gateway = start(file).await;
        let mut client = Client::connect(gateway.address()).await;
        client
            .call(&Method::GET, "/v2/apis?maxResults=1", &Value::Null)
            .await;
        times.push(begin.elapsed());
        gateway.stop().await;
    }
    times.sort_unstable();
    times[1]
}

/// An API with ten routes to mocks, deployed to `prod`; its path.
async fn define(address: SocketAddr, region: &str) -> String {
    let mut client = Client::connect_in(address, region).await;
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

/// Calls over and over, says how it went, and gives the calls a second.
async fn measure(
    address: SocketAddr,
    (clients, what): (usize, &str),
    method: &Method,
    (path, body): (&str, &Value),
) -> f64 {
    let end = Instant::now() + SPAN;
    let tasks = (0..clients).map(|_| async move {
        let mut client = Client::connect(address).await;
        let mut times = Vec::new();
        while Instant::now() < end {
            let start = Instant::now();
            client.call(method, path, body).await;
            times.push(start.elapsed());
        }
        times
    });
    let mut times: Vec<Duration> = join_all(tasks).await.concat();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let rate = f64::from(u32::try_from(times.len()).unwrap()) / SPAN.as_secs_f64();
    print!(
        "  {what:<20} {clients} clients {rate:>8.0}/s  p50 {:>6.2} ms  p99 {:>6.2} ms",
        at(50),
        at(99),
    );
    rate
}

/// One keep-alive connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Client {
        Client::connect_in(address, REGIONS[0]).await
    }

    async fn connect_in(address: SocketAddr, region: &str) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client {
            sender,
            host: address.to_string(),
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/{region}/apigateway/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=00"
            ),
        }
    }

    /// The answer to a call that must succeed.
    pub(crate) async fn call(&mut self, method: &Method, path: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &self.authorization)
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
