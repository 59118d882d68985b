//! What was answered is kept, whatever ends the gateway.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use stagewire::gateway::{Gateway, Options, Seed, StoreError, StoreLocation};
use tokio::{net::TcpListener, sync::Notify};

use crate::support::gateway::{SIGNED_FOR_CONTROL, soon};

/// Clients that write at the same time.
const WRITERS: usize = 8;
/// Answers after which the gateway is killed.
const ANSWERS: usize = 120;

/// The built program as a gateway on that file; killed when dropped.
struct Victim {
    child: Child,
    url: String,
}

impl Victim {
    fn start(state: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stagewire"))
            .args([
                "gateway",
                "--listen",
                "127.0.0.1:0",
                "--seed",
                "none",
                "--state",
            ])
            .arg(state)
            .env_clear()
            .env("HOME", state.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url:?}");
        Self { child, url }
    }

    /// Ends it as a power cut would: nothing of it runs any more.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A client of a control plane.
#[derive(Clone)]
struct Caller {
    http: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

impl Caller {
    fn new(url: &str) -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            url: url.to_owned(),
        }
    }

    /// The answer to a call, or nothing when the gateway died over it.
    async fn call(&self, method: Method, path: &str, body: Value) -> Option<(u16, Value)> {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", SIGNED_FOR_CONTROL)
            .body(Full::new(body))
            .unwrap();
        let response = soon(self.http.request(request)).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn made(&self, path: &str, body: Value, id: &str) -> Option<String> {
        let (status, answer) = self.call(Method::POST, path, body).await?;
        assert_eq!(status, 201, "{answer}");
        Some(answer[id].as_str().unwrap().to_owned())
    }
}

fn options(state: &Path) -> Options {
    Options {
        store: StoreLocation::File(state.to_owned()),
        seed: Seed::None,
        ..Options::default()
    }
}

async fn restart(state: &Path) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Gateway::start(listener, options(state)).await.unwrap()
}

/// How many writes were answered, over all writers.
#[derive(Default)]
struct Progress {
    answered: AtomicUsize,
    enough: Notify,
}

/// Deploys again and again; gives the ids that were answered.
async fn deploy_until_it_dies(
    caller: Caller,
    path: String,
    progress: Arc<Progress>,
) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(id) = caller.made(&path, json!({}), "deploymentId").await {
        ids.push(id);
        if progress.answered.fetch_add(1, Ordering::Relaxed) + 1 == ANSWERS {
            progress.enough.notify_one();
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_write_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("gateway.redb");
    let mut victim = Victim::start(&state);
    let caller = Caller::new(&victim.url);
    let body = json!({ "name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": "x" });
    let api = caller.made("/v2/apis", body, "apiId").await.unwrap();
    let route = json!({ "routeKey": "a" });
    let routes = format!("/v2/apis/{api}/routes");
    caller.made(&routes, route, "routeId").await.unwrap();

    let progress = Arc::new(Progress::default());
    let path = format!("/v2/apis/{api}/deployments");
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (caller, path) = (caller.clone(), path.clone());
            tokio::spawn(deploy_until_it_dies(caller, path, Arc::clone(&progress)))
        })
        .collect();
    soon(progress.enough.notified()).await;
    victim.kill();
    let mut ids = Vec::new();
    for writer in writers {
        ids.extend(soon(writer).await.unwrap());
    }
    assert!(ids.len() >= ANSWERS);

    let gateway = restart(&state).await;
    let caller = Caller::new(&format!("http://{}", gateway.address()));
    for id in ids {
        let one = format!("{path}/{id}");
        let (status, _) = caller.call(Method::GET, &one, Value::Null).await.unwrap();
        assert_eq!(status, 200, "deployment {id} is lost");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_reopened_state_file_gives_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("gateway.redb");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let demo = Options {
        seed: Seed::Demo,
        ..options(&state)
    };
    let gateway = Gateway::start(listener, demo).await.unwrap();
    let before = everything(&Caller::new(&format!("http://{address}"))).await;
    gateway.stop().await;

    // On the same port, since endpoints name it.
    let listener = TcpListener::bind(address).await.unwrap();
    let gateway = Gateway::start(listener, options(&state)).await.unwrap();
    let after = everything(&Caller::new(&format!("http://{address}"))).await;
    assert_eq!(before, after);
    gateway.stop().await;
}

/// All that the control plane says of its APIs.
async fn everything(caller: &Caller) -> Vec<Value> {
    let (_, apis) = caller
        .call(Method::GET, "/v2/apis", Value::Null)
        .await
        .unwrap();
    let mut all = vec![apis.clone()];
    for api in apis["items"].as_array().unwrap() {
        for part in ["routes", "integrations", "deployments", "stages"] {
            let path = format!(
                "/v2/apis/{}/{part}?maxResults=500",
                api["apiId"].as_str().unwrap()
            );
            let (status, answer) = caller.call(Method::GET, &path, Value::Null).await.unwrap();
            assert_eq!(status, 200);
            assert!(!answer["items"].as_array().unwrap().is_empty(), "no {part}");
            all.push(answer);
        }
    }
    all
}

#[tokio::test]
async fn a_state_file_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("gateway.redb");
    let gateway = restart(&state).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = Gateway::start(listener, options(&state)).await.unwrap_err();
    assert!(
        matches!(
            error,
            stagewire::gateway::Error::Store(StoreError::Locked { .. })
        ),
        "{error:?}"
    );
    gateway.stop().await;
}
