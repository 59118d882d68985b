//! Who is let in, plane by plane, and how a request is refused whose body does not arrive whole.

use std::net::SocketAddr;

use serde_json::{Value, json};
use stagewire::gateway::{self, Options, Seed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::gateway::{Gateway, soon};

const CONTROL: &str = "authorization: AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/apigateway/aws4_request, \
     SignedHeaders=host, Signature=00\r\n";
const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An answer, taken apart.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// What is answered to these bytes; `connection: close` must be among them.
async fn answer_to(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The gateway may answer and close before all of it is written.
    let _written = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _read = soon(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    Answer {
        status: status.unwrap_or_default(),
        head: head.to_ascii_lowercase(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

async fn get(address: SocketAddr, target: &str, headers: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    answer_to(address, request.as_bytes()).await
}

#[track_caller]
fn check_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.head);
    let error = "x-amzn-errortype: accessdeniedexception";
    assert!(answer.head.contains(error), "{what}: {}", answer.head);
    assert!(answer.body["message"].is_string(), "{what}");
}

#[tokio::test]
async fn a_web_page_is_refused_by_all_that_is_for_programs_and_a_program_is_not() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "fine").await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let host = format!("host: {}\r\n", gateway.address());
    let management = format!("{path}/@connections/AAAAAAAAAAAAAAA=");
    for mark in ["origin: https://example.com", "sec-fetch-site: none"] {
        for target in [
            "/v2/apis",
            "/_stagewire/health",
            "/_demo/connect",
            &management,
        ] {
            let headers = format!("{host}{CONTROL}{mark}\r\n");
            let answer = get(gateway.address(), target, &headers).await;
            check_refused(&answer, &format!("{target} with {mark}"));
        }
    }
    // Node's own `fetch` sends this, and no browser sends this alone.
    let headers = format!("{host}{CONTROL}sec-fetch-mode: cors\r\n");
    let answer = get(gateway.address(), "/v2/apis", &headers).await;
    assert_eq!(answer.status, 200);
    let page = [
        ("origin", "https://example.com"),
        ("sec-fetch-mode", "websocket"),
    ];
    gateway.try_connect(&path, &page).await.unwrap();
}

#[tokio::test]
async fn a_host_in_the_request_line_does_not_vouch_for_the_host_field() {
    let gateway = Gateway::start().await;
    let address = gateway.address();
    let absolute = format!("http://{address}/v2/apis");
    let own = format!("host: {address}\r\n{CONTROL}");
    let other = format!("host: example.com\r\n{CONTROL}");
    assert_eq!(get(address, &absolute, &own).await.status, 200);
    check_refused(&get(address, &absolute, &other).await, "the host field");
    let foreign = get(address, "http://example.com/v2/apis", &own).await;
    check_refused(&foreign, "the request line");
}

#[tokio::test]
async fn a_listener_beyond_loopback_refuses_names_on_every_plane() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let options = Options {
        seed: Seed::None,
        ..Options::default()
    };
    let gateway = gateway::Gateway::start(listener, options).await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], gateway.address().port()));
    for target in [
        "/v2/apis",
        "/_stagewire/health",
        "/_demo/connect",
        "/a/prod",
        "/a/prod/@connections/b",
    ] {
        let headers = format!("host: rebound.example.com\r\n{CONTROL}{UPGRADE}");
        check_refused(&get(address, target, &headers).await, target);
    }
    for host in ["192.0.2.7:4566", "localhost", "127.0.0.1"] {
        let headers = format!("host: {host}\r\n{CONTROL}");
        let answer = get(address, "/v2/apis", &headers).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    gateway.stop().await;
}

#[track_caller]
fn check_envelope(answer: &Answer, status: u16, code: &str, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.head);
    let error = format!("x-amzn-errortype: {code}").to_ascii_lowercase();
    assert!(answer.head.contains(&error), "{}", answer.head);
    assert!(
        answer.head.contains("x-amzn-requestid: "),
        "{}",
        answer.head
    );
    assert_eq!(answer.body, json!({ "message": message }));
}

#[tokio::test]
async fn bodies_that_cannot_be_taken_are_refused_in_the_envelope() {
    let gateway = Gateway::start().await;
    let address = gateway.address();
    for target in ["/v2/apis", "/_demo/big"] {
        let head = |more: &str| {
            format!(
                "POST {target} HTTP/1.1\r\nhost: {address}\r\n{CONTROL}connection: close\r\n{more}\r\n\r\n"
            )
        };
        let length = 4 * 1024 * 1024 + 1;
        let mut long = head(&format!("content-length: {length}")).into_bytes();
        long.resize(long.len() + length, b' ');
        let answer = answer_to(address, &long).await;
        let message = "The request's body is too long";
        check_envelope(&answer, 413, "RequestEntityTooLargeException", message);
    }
}
