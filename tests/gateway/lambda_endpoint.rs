//! Functions behind somebody else's Invoke endpoint, which may answer anything, or nothing.
//!
//! The endpoint is written by hand, byte by byte: what emulators and Lambda itself answer, and what a broken one does.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    lambda::{invoke, options},
    support::gateway::{Api, Gateway, SIGNED, Socket, next_json, next_text, soon},
};

/// An Invoke endpoint that answers each function with bytes of its own, and closes.
struct Endpoint {
    address: SocketAddr,
    /// The first line of each request.
    requests: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Answers by the function and the query, such as `far` or `far?Qualifier=live`, with ` and log` behind it where the
    /// log is wanted; whatever else is asked for is never answered.
    async fn start(answers: impl IntoIterator<Item = (&str, Vec<u8>)>) -> Endpoint {
        let answers = answers.into_iter();
        let answers: HashMap<_, _> = answers
            .map(|(name, bytes)| (name.to_owned(), bytes))
            .collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(converse(stream, answers.clone(), sender.clone()));
            }
        });
        Endpoint {
            address,
            requests,
            task,
        }
    }

    async fn requested(&mut self) -> String {
        soon(self.requests.recv()).await.unwrap()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(
    mut stream: TcpStream,
    answers: HashMap<String, Vec<u8>>,
    sender: mpsc::UnboundedSender<String>,
) {
    let head = read(&mut stream).await;
    let first = head.lines().next().unwrap_or_default().to_owned();
    let wants_log = head.to_ascii_lowercase().contains("x-amz-log-type: tail");
    let named = first
        .strip_prefix("POST /2015-03-31/functions/")
        .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
        .map(|rest| rest.replacen("/invocations", "", 1))
        .map(|name| {
            if wants_log {
                format!("{name} and log")
            } else {
                name
            }
        });
    let answer = named.and_then(|named| answers.get(&named).cloned());
    // The test may have seen enough, and the gateway too.
    let _sent = sender.send(first);
    match answer {
        Some(bytes) => {
            let _written = stream.write_all(&bytes).await;
        }
        None => std::future::pending().await,
    }
}

/// Reads a whole request and gives its head.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return head.to_owned();
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
}

/// An answer of so many bytes, of which `body` is what comes.
fn raw(status: u16, headers: &str, length: usize, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn whole(status: u16, headers: &str, body: &str) -> Vec<u8> {
    raw(status, headers, body.len(), body)
}

/// What Lambda itself and its emulators answer in place of a function, and what a broken endpoint does.
fn troubles() -> Vec<(&'static str, Vec<u8>)> {
    let error = |status, kind: &str, body: &str| {
        whole(status, &format!("x-amzn-ErrorType: {kind}\r\n"), body)
    };
    vec![
        (
            "gone",
            error(
                404,
                "ResourceNotFoundException",
                r#"{"Type":"User","Message":"Function not found: arn:aws:lambda:us-west-2:012345678901:function:gone"}"#,
            ),
        ),
        (
            "busy",
            error(
                429,
                "TooManyRequestsException",
                r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
            ),
        ),
        (
            "sick",
            error(
                500,
                "ServiceException",
                r#"{"Type":"Service","Message":"ServiceException"}"#,
            ),
        ),
        ("page", whole(502, "", "<html>Bad Gateway</html>")),
        (
            "long",
            error(
                413,
                "RequestTooLargeException",
                r#"{"Type":"User","message":"too long"}"#,
            ),
        ),
        (
            "denied",
            error(
                403,
                "AccessDeniedException",
                r#"{"Message":"not authorized"}"#,
            ),
        ),
        ("moved", whole(307, "Location: http://127.0.0.1:1/\r\n", "")),
        ("half", raw(200, "", 1000, r#"{"statusCode":200,"#)),
        ("mute", Vec::new()),
        ("noise", b"220 mail.example ESMTP\r\n".to_vec()),
        (
            "huge",
            whole(200, "", &format!("\"{}\"", "x".repeat(10 * 1024 * 1024))),
        ),
    ]
}

/// A gateway whose functions are all behind this endpoint.
async fn gateway(endpoint: SocketAddr) -> Gateway {
    let mut options = options(&[], Duration::from_mins(1));
    options.lambda.endpoint = Some(format!("http://{endpoint}").parse().unwrap());
    Gateway::with(options).await
}

/// The URI of the integration of a function.
fn uri(function: &str) -> String {
    format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
         arn:aws:lambda:us-east-1:000000000000:function:{function}/invocations"
    )
}

/// An API, deployed to `prod`, all of whose routes lead to the function that the stage names.
async fn api(gateway: &Gateway, more: Value) -> Api<'_> {
    let api = gateway.api().await;
    let mut definition = json!({
        "integrationType": "AWS_PROXY",
        "integrationMethod": "POST",
        "integrationUri": uri("${stageVariables.function}"),
    });
    for (name, value) in more.as_object().unwrap() {
        definition[name] = value.clone();
    }
    let integration = api.integration(definition).await;
    api.route("$connect", Some(&integration)).await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    point(&api, "good").await;
    api
}

/// Lets the stage name another function.
async fn point(api: &Api<'_>, function: &str) {
    let variables = json!({ "stageVariables": { "function": function } });
    api.control("PATCH", "stages/prod", variables).await;
}

async fn say(socket: &mut Socket) {
    socket.send(Message::text("hello")).await.unwrap();
}

fn good() -> (&'static str, Vec<u8>) {
    (
        "good",
        whole(200, "", r#"{"statusCode":200,"body":"good"}"#),
    )
}

#[tokio::test]
async fn what_an_endpoint_does_is_told_as_a_failure_and_nothing_worse() {
    let thrown = r#"{"errorMessage":"boom","errorType":"Error","stackTrace":[]}"#;
    let unhandled = "X-Amz-Function-Error: Unhandled\r\n";
    let handled = "x-amz-function-error: Handled\r\n";
    let functions = [
        good(),
        ("thrown", whole(200, unhandled, thrown)),
        ("handled", whole(200, handled, thrown)),
        // An emulator that does not say that what it passes on was thrown.
        ("silently", whole(200, "", thrown)),
        ("empty", whole(200, "", "")),
        ("accepted", whole(202, "", "")),
        ("text", whole(200, "", "\"Hello\"")),
    ];
    let endpoint = Endpoint::start(functions.into_iter().chain(troubles())).await;
    let gateway = gateway(endpoint.address).await;
    let api = api(&gateway, json!({})).await;
    let path = api.stage_path("prod");
    let mut socket = gateway.connect(&path).await;
    let of_function = ["thrown", "handled", "silently", "empty", "accepted", "text"];
    let names = troubles().into_iter().map(|(name, _)| (name, 500));
    for (function, status) in of_function.map(|name| (name, 502)).into_iter().chain(names) {
        point(&api, function).await;
        let refused = gateway.refused(&path, &[]).await;
        assert_eq!(refused.status, status, "{function}");
        assert_eq!(
            refused.json()["message"],
            "Internal server error",
            "{function}"
        );
        say(&mut socket).await;
        let notice = next_json(&mut socket).await;
        assert_eq!(notice["message"], "Internal server error", "{function}");
        // The connection stays, and the next call has one of its own.
        point(&api, "good").await;
        say(&mut socket).await;
        assert_eq!(next_text(&mut socket).await, "good", "{function}");
    }
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_not_waited_for() {
    let endpoint = Endpoint::start([good()]).await;
    let gateway = gateway(endpoint.address).await;
    let api = api(&gateway, json!({ "timeoutInMillis": 300 })).await;
    let path = api.stage_path("prod");
    let mut socket = gateway.connect(&path).await;
    point(&api, "mute").await;
    let refused = gateway.refused(&path, &[]).await;
    assert_eq!(refused.status, 504);
    assert_eq!(refused.json()["message"], "Endpoint request timed out");
    say(&mut socket).await;
    let notice = next_json(&mut socket).await;
    assert_eq!(notice["message"], "Endpoint request timed out");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_a_failure() {
    // A port that nobody listens on, and that nobody else can have meanwhile.
    let held = TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = held.local_addr().unwrap();
    let gateway = gateway(address).await;
    let api = api(&gateway, json!({})).await;
    let refused = gateway.refused(&api.stage_path("prod"), &[]).await;
    assert_eq!(refused.status, 500);
    let invoked = invoke(&gateway, "any", json!({})).await;
    assert_eq!(
        (invoked.status, invoked.header("x-amzn-errortype")),
        (502, Some("ServiceException"))
    );
}

#[tokio::test]
async fn invoke_passes_on_what_the_endpoint_says() {
    let endpoint = Endpoint::start(troubles()).await;
    let gateway = gateway(endpoint.address).await;
    for (function, status, kind) in [
        ("gone", 404, "ResourceNotFoundException"),
        ("busy", 429, "TooManyRequestsException"),
        ("sick", 502, "ServiceException"),
        ("page", 502, "ServiceException"),
        ("denied", 502, "ServiceException"),
        ("half", 502, "ServiceException"),
        ("mute", 502, "ServiceException"),
        ("noise", 502, "ServiceException"),
        ("huge", 502, "ServiceException"),
    ] {
        let answer = invoke(&gateway, function, json!({})).await;
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (status, Some(kind)),
            "{function}"
        );
    }
    let denied = invoke(&gateway, "denied", json!({})).await.json();
    assert_eq!(
        denied["Message"],
        "the Invoke endpoint answered 403 AccessDeniedException: not authorized"
    );
}

#[tokio::test]
async fn an_endpoint_that_takes_no_query_is_asked_without_one() {
    // What SAM's endpoint says to any query.
    let refusal = whole(
        400,
        "x-amzn-errortype: InvalidRequestContentException\r\n",
        r#"{"Type":"User","Message":"Query Parameters are not supported"}"#,
    );
    let other = whole(
        400,
        "x-amzn-errortype: InvalidRequestContentException\r\n",
        r#"{"Type":"User","Message":"Could not parse request body into json"}"#,
    );
    let answer = whole(200, "", r#"{"statusCode":200,"body":"all"}"#);
    let mut endpoint = Endpoint::start([
        ("f", answer.clone()),
        ("f?Qualifier=live", refusal),
        ("g", answer),
        ("g?Qualifier=live", other),
    ])
    .await;
    let gateway = gateway(endpoint.address).await;
    let api = gateway.api().await;
    for (key, function) in [
        ("latest", "f:$LATEST"),
        ("live", "f:live"),
        ("other", "g:live"),
    ] {
        let integration = json!({
            "integrationType": "AWS_PROXY",
            "integrationMethod": "POST",
            "integrationUri": uri(function),
        });
        let integration = api.integration(integration).await;
        api.two_way_route(key, &integration).await;
    }
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let line = |function: &str| format!("POST /2015-03-31/functions/{function} HTTP/1.1");
    let text = |action: &str| Message::text(json!({ "action": action }).to_string());
    // The latest version needs no query.
    socket.send(text("latest")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "all");
    assert_eq!(endpoint.requested().await, line("f/invocations"));
    socket.send(text("live")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "all");
    let aliased = line("f/invocations?Qualifier=live");
    assert_eq!(endpoint.requested().await, aliased);
    assert_eq!(endpoint.requested().await, line("f/invocations"));
    // Any other refusal is one.
    socket.send(text("other")).await.unwrap();
    let notice = next_json(&mut socket).await;
    assert_eq!(notice["message"], "Internal server error");
    let aliased = line("g/invocations?Qualifier=live");
    assert_eq!(endpoint.requested().await, aliased);
    assert!(endpoint.requests.is_empty());
}

#[tokio::test]
async fn an_endpoint_without_logs_is_asked_for_the_answer_alone() {
    let refusal = |kind: &str| {
        whole(
            501,
            &format!("x-amzn-errortype: {kind}\r\n"),
            r#"{"Message":"no"}"#,
        )
    };
    let query = whole(
        400,
        "x-amzn-errortype: InvalidRequestContent\r\n",
        r#"{"Type": "User", "Message": "Query Parameters are not supported"}"#,
    );
    let endpoint = Endpoint::start([
        ("f and log", refusal("NotImplemented")),
        ("f?Qualifier=live and log", query),
        ("f", whole(200, "", "7")),
        ("g", refusal("NotImplemented")),
    ])
    .await;
    let gateway = gateway(endpoint.address).await;
    for function in ["f", "f%3Alive"] {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let request = gateway
            .request("POST", &path)
            .header("authorization", SIGNED)
            .header("x-amz-log-type", "Tail")
            .body(http_body_util::Full::default())
            .unwrap();
        let answer = gateway.send(request).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"7"[..]));
        assert_eq!(answer.header("x-amz-log-result"), None);
    }
    assert_eq!(invoke(&gateway, "g", json!({})).await.status, 502);
}
