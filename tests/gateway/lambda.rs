//! Lambda functions that run here, through a real process that speaks the Runtime API, and those of an Invoke endpoint.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use stagewire::gateway::{FunctionLine, LambdaOptions, LineSource, LocalFunction, Options, Seed};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast::Receiver,
};

use crate::support::{
    function,
    gateway::{Answer, Backend, Behaviour, Gateway, SIGNED, soon},
};

/// Not a test of anything: the body of the functions that the tests start.
#[test]
fn plays_a_function_when_it_is_started_as_one() {
    function::play();
}

/// A gateway with these functions, each with `NAME=COMMAND`.
pub(crate) async fn gateway(functions: &[String]) -> Gateway {
    gateway_with(functions, Duration::from_mins(1)).await
}

pub(crate) async fn gateway_with(functions: &[String], timeout: Duration) -> Gateway {
    Gateway::with(options(functions, timeout)).await
}

pub(crate) fn options(functions: &[String], timeout: Duration) -> Options {
    let functions = functions
        .iter()
        .map(|text| LocalFunction::parse(text).unwrap());
    Options {
        seed: Seed::None,
        lambda: LambdaOptions {
            functions: functions.collect(),
            timeout,
            ..LambdaOptions::default()
        },
        ..Options::default()
    }
}

/// The function that does what it is told, under this name.
pub(crate) fn told(name: &str) -> String {
    format!("{name}={}", function::command("HANDLER=told"))
}

pub(crate) async fn invoke(gateway: &Gateway, function: &str, event: Value) -> Answer {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    gateway.call("POST", &path, event.to_string()).await
}

/// Invokes a function without waiting for its answer.
async fn invoke_later(gateway: &Gateway, function: &str, event: Value) {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let request = gateway
        .request("POST", &path)
        .header("authorization", SIGNED)
        .header("x-amz-invocation-type", "Event")
        .body(Full::new(Bytes::from(event.to_string())));
    let answer = gateway.send(request.unwrap()).await;
    assert_eq!((answer.status, &answer.body[..]), (202, &b""[..]));
}

/// Invokes a function that must not fail; gives its answer.
pub(crate) async fn answer(gateway: &Gateway, function: &str, event: Value) -> Value {
    let answer = invoke(gateway, function, event).await;
    assert_eq!(
        (answer.status, answer.header("x-amz-function-error")),
        (200, None),
        "{answer:?}"
    );
    answer.json()
}

/// Invokes a function that must fail; gives the error's type and message, the latter without its request id.
async fn failure(gateway: &Gateway, function: &str, event: Value) -> (String, String) {
    let answer = invoke(gateway, function, event).await;
    assert_eq!(
        (answer.status, answer.header("x-amz-function-error")),
        (200, Some("Unhandled")),
        "{answer:?}"
    );
    let member = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    let message = member("errorMessage");
    let message = match message
        .strip_prefix("RequestId: ")
        .and_then(|it| it.split_once(' '))
    {
        Some((id, rest)) => {
            assert_eq!(id.len(), 36, "{id}");
            rest.to_owned()
        }
        None => message,
    };
    (member("errorType"), message)
}

fn said(kind: &str, message: &str) -> (String, String) {
    (kind.to_owned(), message.to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline is a time of the real clock"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[tokio::test]
async fn a_function_is_told_what_lambda_tells_it() {
    let command = function::command("_HANDLER=chat.handler");
    let gateway = gateway(&[format!("chat={command}")]).await;
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:chat:live";
    let segment = arn.replace(':', "%3A");
    let seen = answer(&gateway, &segment, json!({ "x": [1] })).await;
    assert_eq!(seen["event"], json!({ "x": [1] }));
    let headers = &seen["headers"];
    assert_eq!(headers["lambda-runtime-invoked-function-arn"], arn);
    assert_eq!(
        headers["lambda-runtime-aws-request-id"]
            .as_str()
            .unwrap()
            .len(),
        36
    );
    assert_eq!(headers["content-type"], "application/json");
    let deadline: i64 = headers["lambda-runtime-deadline-ms"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let ahead = deadline - now().as_millisecond();
    assert!((1..=60_000).contains(&ahead), "{ahead}");
    let environment = &seen["environment"];
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "chat"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/chat"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "[$LATEST]1"),
        ("AWS_REGION", "eu-west-1"),
        ("_HANDLER", "chat.handler"),
        (
            "STAGEWIRE_GATEWAY",
            &format!("http://{}", gateway.address()),
        ),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_handler_is_the_last_word_of_the_command_unless_that_says_otherwise() {
    let by_itself = "AWS_EXECUTION_ENV=mine _HANDLER=chat.handler";
    let specs = [
        format!("plain={}", function::command("")),
        format!("told={}", function::command(by_itself)),
    ];
    let gateway = gateway(&specs).await;
    for (name, handler, runtime) in [
        ("plain", "--nocapture", "AWS_Lambda_local"),
        ("told", "chat.handler", "mine"),
    ] {
        let environment = &answer(&gateway, name, json!({})).await["environment"];
        assert_eq!(environment["_HANDLER"], handler, "{name}");
        assert_eq!(environment["AWS_EXECUTION_ENV"], runtime, "{name}");
    }
}

#[tokio::test]
async fn a_process_lives_on_from_one_invocation_to_the_next_thrown_errors_too() {
    let gateway = gateway(&[told("f")]).await;
    let first = answer(&gateway, "f", json!({})).await["pid"].clone();
    let thrown = failure(&gateway, "f", json!({ "do": "throw" })).await;
    assert_eq!(thrown, said("Error", "boom"));
    assert_eq!(answer(&gateway, "f", json!({})).await["pid"], first);
}

#[tokio::test]
async fn a_process_that_ends_fails_what_it_had_and_is_replaced() {
    let gateway = gateway(&[told("f")]).await;
    let first = answer(&gateway, "f", json!({})).await["pid"].clone();
    // A test that fails is a process that ends with 101.
    let fell = failure(&gateway, "f", json!({ "do": "fall" })).await;
    assert_eq!(
        fell,
        said(
            "Runtime.ExitError",
            "Error: Runtime exited with error: exit status 101"
        )
    );
    assert_ne!(answer(&gateway, "f", json!({})).await["pid"], first);
}

#[tokio::test]
async fn a_process_that_hangs_is_killed_in_time_and_replaced() {
    let gateway = gateway_with(&[told("f")], Duration::from_millis(1500)).await;
    let hung = failure(&gateway, "f", json!({ "do": "hang" })).await;
    assert_eq!(
        hung,
        said(
            "Sandbox.Timedout",
            "Error: Task timed out after 1.50 seconds"
        )
    );
    answer(&gateway, "f", json!({})).await;
}

#[tokio::test]
async fn garbage_does_not_disturb_what_comes_after_it() {
    let gateway = gateway(&[told("f")]).await;
    let event = json!({ "do": "garble" });
    assert_eq!(answer(&gateway, "f", event.clone()).await["event"], event);
    let answer = invoke(&gateway, "f", json!({ "do": "say", "what": "no { JSON" })).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"no { JSON"[..]));
}

#[tokio::test]
async fn a_command_that_cannot_serve_fails_every_invocation() {
    let functions = [
        "gone=stagewire-no-such-program",
        "brief=exit 3",
        "quiet=true",
    ];
    let gateway = gateway(&functions.map(str::to_owned)).await;
    for (name, reason) in [
        ("gone", "Runtime exited with error: exit status 127"),
        ("brief", "Runtime exited with error: exit status 3"),
        ("quiet", "Runtime exited without providing a reason"),
    ] {
        let failed = said("Runtime.ExitError", &format!("Error: {reason}"));
        let (one, two) = tokio::join!(
            failure(&gateway, name, json!({})),
            failure(&gateway, name, json!({}))
        );
        assert_eq!((&one, &two), (&failed, &failed));
        assert_eq!(failure(&gateway, name, json!({})).await, failed);
    }
}

#[tokio::test]
async fn a_function_may_say_why_it_cannot_start() {
    let setting = r#"INIT_ERROR='{"errorType":"ImportError","errorMessage":"no module"}'"#;
    let gateway = gateway(&[format!("f={}", function::command(setting))]).await;
    for _ in 0..2 {
        let failed = failure(&gateway, "f", json!({})).await;
        assert_eq!(failed, said("ImportError", "no module"));
    }
}

#[tokio::test]
async fn an_answer_may_have_six_megabytes_and_no_more() {
    let gateway = gateway(&[told("f")]).await;
    let much = invoke(&gateway, "f", json!({ "do": "much" })).await;
    assert_eq!((much.status, much.body.len()), (200, 6_291_556));
    assert_eq!(
        failure(&gateway, "f", json!({ "do": "too much" })).await,
        said(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        )
    );
    answer(&gateway, "f", json!({})).await;
}

#[tokio::test]
async fn what_a_runtime_must_not_do_is_refused_as_lambda_refuses_it() {
    let gateway = gateway(&[told("f")]).await;
    let seen = answer(&gateway, "f", json!({ "do": "probe" })).await;
    let error = |status: u16, kind: &str, message: &str| json!([status, { "errorMessage": message, "errorType": kind }]);
    let transition = |from: &str, to: &str| {
        let text = format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        );
        error(403, "InvalidStateTransition", &text)
    };
    assert_eq!(seen["next"], transition("Running", "Ready"));
    assert_eq!(seen["late"], transition("Ready", "InitError"));
    for wrong in ["wrong id", "wrong id of an error"] {
        assert_eq!(
            seen[wrong],
            error(400, "InvalidRequestID", "Invalid request ID")
        );
    }
    assert_eq!(seen["unknown"][0], 404);
    assert_eq!(seen["method"][0], 405);
    assert_eq!(seen["page"][0], 403);
}

/// Where functions wait until the test lets them go on.
pub(crate) struct Gate {
    listener: TcpListener,
}

impl Gate {
    pub(crate) async fn new() -> Gate {
        Gate {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) fn wait(&self) -> Value {
        json!({ "do": "wait", "at": self.address().to_string() })
    }

    /// Waits until a function waits, and gives its end of the line.
    pub(crate) async fn visitor(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }
}

#[tokio::test]
async fn invocations_that_overlap_have_processes_of_their_own() {
    let gateway = gateway(&[told("f")]).await;
    let gate = Gate::new().await;
    let opening = async {
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(gate.visitor().await);
        }
        for mut visitor in waiting {
            visitor.write_all(b"!").await.unwrap();
        }
    };
    let wait = || answer(&gateway, "f", gate.wait());
    let (one, two, three, ()) = tokio::join!(wait(), wait(), wait(), opening);
    let mut pids = [&one, &two, &three].map(|seen| seen["pid"].as_u64().unwrap());
    pids.sort_unstable();
    assert!(pids[0] != pids[1] && pids[1] != pids[2], "{pids:?}");
    let again = answer(&gateway, "f", json!({})).await["pid"]
        .as_u64()
        .unwrap();
    assert!(pids.contains(&again));
}

/// The next line that fits.
async fn line(lines: &mut Receiver<FunctionLine>, fits: impl Fn(&FunctionLine) -> bool) {
    let heard = async {
        loop {
            let line = lines.recv().await.unwrap();
            if fits(&line) {
                return;
            }
        }
    };
    soon(heard).await;
}

#[tokio::test]
async fn what_a_function_prints_is_heard_line_by_line() {
    let gateway = gateway(&[told("f"), "brief=echo bye >&2; exit 3".to_owned()]).await;
    let mut lines = gateway.running.function_lines();
    let mut errors = gateway.running.function_lines();
    assert_eq!(
        answer(&gateway, "f", json!({ "do": "print" })).await,
        Value::Null
    );
    let of = |source, text: &'static str| {
        move |line: &FunctionLine| {
            line.source == source && line.text == text && line.function == "f"
        }
    };
    line(&mut lines, of(LineSource::Stdout, "ready to serve")).await;
    line(&mut lines, of(LineSource::Stdout, "to stdout")).await;
    line(&mut errors, of(LineSource::Stderr, "to stderr")).await;
    failure(&gateway, "brief", json!({})).await;
    line(&mut lines, |line| {
        line.source == LineSource::Stderr && line.text == "bye"
    })
    .await;
    line(&mut lines, |line| {
        line.source == LineSource::Gateway && line.text.ends_with("exit status 3")
    })
    .await;
}

#[tokio::test]
async fn an_event_invocation_is_answered_at_once_and_runs_all_the_same() {
    let gateway = gateway(&[told("f")]).await;
    let gate = Gate::new().await;
    invoke_later(&gateway, "f", gate.wait()).await;
    gate.visitor().await;
}

#[tokio::test]
async fn what_cannot_be_invoked_is_refused_as_lambda_refuses_it() {
    let gateway = gateway(&[told("f")]).await;
    let unknown = invoke(&gateway, "other", json!({})).await;
    assert_eq!(
        (unknown.status, unknown.header("x-amzn-errortype")),
        (404, Some("ResourceNotFoundException"))
    );
    assert_eq!(
        unknown.json()["Message"],
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:other"
    );
    let path = "/2015-03-31/functions/f/invocations";
    let no_json = gateway.call("POST", path, "{").await;
    assert_eq!(
        (no_json.status, no_json.header("x-amzn-errortype")),
        (400, Some("InvalidRequestContentException"))
    );
    let long = gateway
        .call("POST", path, vec![b' '; 6 * 1024 * 1024 + 1])
        .await;
    assert_eq!(
        (long.status, long.header("x-amzn-errortype")),
        (413, Some("RequestTooLargeException"))
    );
    let unsigned = gateway.request("POST", path).body(Full::default()).unwrap();
    assert_eq!(gateway.send(unsigned).await.status, 403);
    assert_eq!(
        gateway
            .call("GET", "/2015-03-31/functions/f", "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn all_processes_of_a_function_go_with_the_gateway() {
    let gate = Gate::new().await;
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = witness.local_addr().unwrap();
    let command = function::command(&format!("WITNESS={address}"));
    let gateway = gateway(&[format!("f={command}")]).await;
    invoke_later(&gateway, "f", gate.wait()).await;
    let mut line = String::new();
    let (stream, _) = soon(witness.accept()).await.unwrap();
    let mut stream = BufReader::new(stream);
    soon(stream.read_line(&mut line)).await.unwrap();
    let _waiting = gate.visitor().await;
    soon(gateway.running.stop()).await;
    // The line is cut once the process is gone.
    let cut = soon(stream.read_to_end(&mut Vec::new())).await;
    assert!(matches!(cut, Ok(0) | Err(_)), "{cut:?}");
}

#[tokio::test]
async fn functions_may_run_behind_an_invoke_endpoint() {
    let thrown = r#"{"errorMessage":"boom","errorType":"Error"}"#;
    let mut backend = Backend::start([
        (
            "/2015-03-31/functions/far/invocations",
            Behaviour::Answers(
                200,
                vec![("x-amz-executed-version", "7")],
                "{\"a\":1}".into(),
            ),
        ),
        (
            "/2015-03-31/functions/thrower/invocations",
            Behaviour::Answers(
                200,
                vec![("x-amz-function-error", "Unhandled")],
                thrown.into(),
            ),
        ),
        (
            "/2015-03-31/functions/none/invocations",
            Behaviour::Answers(404, vec![], "{\"Message\":\"?\"}".into()),
        ),
        (
            "/2015-03-31/functions/denied/invocations",
            Behaviour::Answers(403, vec![], "{\"Message\":\"no\"}".into()),
        ),
    ])
    .await;
    let mut options = options(&[told("near")], Duration::from_mins(1));
    options.lambda.endpoint = Some(backend.uri("/").parse().unwrap());
    let gateway = Gateway::with(options).await;
    assert_eq!(
        answer(&gateway, "far:live", json!({ "x": 1 })).await,
        json!({ "a": 1 })
    );
    let received = backend.received().await;
    assert_eq!(
        received.uri,
        "/2015-03-31/functions/far/invocations?Qualifier=live"
    );
    assert_eq!(received.body, r#"{"x":1}"#);
    assert_eq!(
        failure(&gateway, "thrower", json!({})).await,
        said("Error", "boom")
    );
    assert_eq!(invoke(&gateway, "none", json!({})).await.status, 404);
    assert_eq!(invoke(&gateway, "denied", json!({})).await.status, 502);
    // One that runs here is not asked for there.
    answer(&gateway, "near", json!({})).await;
}
