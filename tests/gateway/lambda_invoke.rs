//! Invoke, as the gateway itself answers it: what callers may ask for beside the function's answer.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    lambda::{answer, gateway, gateway_with, told},
    support::{
        function,
        gateway::{Answer, Backend, Behaviour, Gateway, SIGNED},
    },
};

/// Invokes a function with further headers.
async fn invoke(
    gateway: &Gateway,
    function: &str,
    headers: &[(&str, &str)],
    payload: impl Into<Bytes>,
) -> Answer {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let mut request = gateway.request("POST", &path);
    for (name, value) in headers.iter().chain([&("authorization", SIGNED)]) {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(payload.into()));
    gateway.send(request.unwrap()).await
}

/// Invokes a function and gives the end of its log, and the invocation's request id.
async fn logged(gateway: &Gateway, function: &str, event: Value) -> (String, String) {
    let tail = [("x-amz-log-type", "Tail")];
    let answer = invoke(gateway, function, &tail, event.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let log = STANDARD
        .decode(answer.header("x-amz-log-result").unwrap())
        .unwrap();
    let id = answer.header("x-amzn-requestid").unwrap().to_owned();
    (String::from_utf8(log).unwrap(), id)
}

/// What stands between the first and the last lines that the gateway writes, its lines in order: two pipes have none.
#[track_caller]
fn printed(log: &str, id: &str) -> Vec<String> {
    let start = format!("START RequestId: {id} Version: $LATEST\n");
    let (_, after) = log
        .split_once(&start)
        .unwrap_or_else(|| panic!("no START: {log}"));
    let end = format!("END RequestId: {id}\nREPORT RequestId: {id}\tDuration: ");
    let (between, report) = after
        .split_once(&end)
        .unwrap_or_else(|| panic!("no END: {log}"));
    let fields: Vec<_> = report.lines().next().unwrap().split('\t').collect();
    assert!(fields[0].ends_with(" ms"), "{report}");
    assert!(fields[1].starts_with("Billed Duration: "), "{report}");
    assert_eq!(fields[2..], ["Memory Size: 128 MB", ""], "{report}");
    let mut lines: Vec<_> = between.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_end_of_the_log_comes_with_the_answer_that_is_waited_for() {
    let gateway = gateway(&[told("f")]).await;
    let print = || json!({ "do": "print" });
    let both = ["to stderr", "to stdout"];
    let (log, id) = logged(&gateway, "f", print()).await;
    assert_eq!(printed(&log, &id), both);
    // What it prints when it starts comes before its first invocation.
    let (before, _) = log.split_once("START").unwrap();
    assert!(before.contains("ready to serve\n"), "{log}");
    for _ in 0..20 {
        // Nobody wants this log, and nobody gets it.
        answer(&gateway, "f", print()).await;
        let (log, id) = logged(&gateway, "f", print()).await;
        let (before, _) = log.split_once("START").unwrap();
        assert!(!before.contains("to std"), "{log}");
        assert_eq!(printed(&log, &id), both);
    }
}

#[tokio::test]
async fn the_log_tells_how_a_function_failed() {
    let patient = gateway_with(&[told("f")], Duration::from_secs(30)).await;
    let (log, id) = logged(&patient, "f", json!({ "do": "fall" })).await;
    let lines = printed(&log, &id);
    assert!(lines.contains(&"told to".to_owned()), "{log}");
    let end = format!(
        "\nRequestId: {id} Error: Runtime exited with error: exit status 101\nRuntime.ExitError\n"
    );
    assert!(log.ends_with(&end), "{log}");
    let gateway = gateway_with(&[told("f")], Duration::from_millis(1500)).await;
    let (log, id) = logged(&gateway, "f", json!({ "do": "hang" })).await;
    printed(&log, &id);
    let end = format!("Z {id} Task timed out after 1.50 seconds\n\n");
    assert!(log.ends_with(&end), "{log}");
}

#[tokio::test]
async fn the_log_tells_why_a_function_cannot_start() {
    let functions = ["brief=echo no luck; exit 3".to_owned()];
    let gateway = gateway(&functions).await;
    let (log, _) = logged(&gateway, "brief", json!({})).await;
    assert_eq!(log, "no luck\n");
}

#[tokio::test]
async fn a_response_names_the_request_and_the_version() {
    let functions = [told("f"), format!("f:7={}", function::command("A=b"))];
    let gateway = gateway(&functions).await;
    for (name, version) in [("f", "$LATEST"), ("f%3Aother", "$LATEST"), ("f%3A7", "7")] {
        let answer = invoke(&gateway, name, &[], "{}").await;
        assert_eq!(
            (answer.status, answer.header("x-amz-executed-version")),
            (200, Some(version))
        );
        let known = &answer.json()["headers"]["lambda-runtime-aws-request-id"];
        assert_eq!(answer.header("x-amzn-requestid"), known.as_str());
        for absent in ["x-amz-log-result", "x-amz-function-error"] {
            assert_eq!(answer.header(absent), None);
        }
    }
}

#[tokio::test]
async fn callers_say_how_they_invoke() {
    let gateway = gateway(&[told("f")]).await;
    let kind = |kind| [("x-amz-invocation-type", kind), ("x-amz-log-type", "Tail")];
    let event = invoke(&gateway, "f", &kind("Event"), "{}").await;
    assert_eq!((event.status, &event.body[..]), (202, &b""[..]));
    assert_eq!(event.header("x-amzn-requestid").unwrap().len(), 36);
    for absent in ["x-amz-executed-version", "x-amz-log-result"] {
        assert_eq!(event.header(absent), None);
    }
    let dry = invoke(&gateway, "f", &kind("DryRun"), "{}").await;
    assert_eq!((dry.status, &dry.body[..]), (204, &b""[..]));
    let gone = invoke(&gateway, "gone", &kind("DryRun"), "{}").await;
    assert_eq!(
        (gone.status, gone.header("x-amzn-errortype")),
        (404, Some("ResourceNotFoundException"))
    );
    for (header, value, member) in [
        ("x-amz-invocation-type", "event", "invocationType"),
        ("x-amz-log-type", "All", "logType"),
    ] {
        let refused = invoke(&gateway, "f", &[(header, value)], "{}").await;
        assert_eq!(
            (refused.status, refused.header("x-amzn-errortype")),
            (400, Some("ValidationException"))
        );
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        let said = format!("Value '{value}' at '{member}' failed to satisfy constraint");
        assert!(message.contains(&said), "{message}");
    }
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_is_smaller() {
    let gateway = gateway(&[told("f")]).await;
    let kind = [("x-amz-invocation-type", "Event")];
    let payload = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let most = invoke(&gateway, "f", &kind, payload(1_048_576)).await;
    assert_eq!(most.status, 202);
    let more = invoke(&gateway, "f", &kind, payload(1_048_577)).await;
    assert_eq!(
        (more.status, more.header("x-amzn-errortype")),
        (413, Some("RequestEntityTooLargeException"))
    );
    assert_eq!(
        more.json()["message"],
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    );
    assert_eq!(
        invoke(&gateway, "f", &[], payload(1_048_577)).await.status,
        200
    );
}

#[tokio::test]
async fn the_log_of_a_function_elsewhere_is_passed_on() {
    let headers = vec![
        ("x-amz-log-result", "bG9n"),
        ("x-amz-executed-version", "12"),
        ("x-amzn-requestid", "r-1"),
    ];
    let answers = Behaviour::Answers(200, headers, "7".into());
    let mut backend = Backend::start([("/2015-03-31/functions/far/invocations", answers)]).await;
    let mut options = crate::lambda::options(&[], Duration::from_mins(1));
    options.lambda.endpoint = Some(backend.uri("/").parse().unwrap());
    let gateway = Gateway::with(options).await;
    let tail = [("x-amz-log-type", "Tail")];
    let answer = invoke(&gateway, "far", &tail, "{}").await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"7"[..]));
    for (name, value) in [
        ("x-amz-log-result", "bG9n"),
        ("x-amz-executed-version", "12"),
        ("x-amzn-requestid", "r-1"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert_eq!(backend.received().await.headers["x-amz-log-type"], "Tail");
    invoke(&gateway, "far", &[], "{}").await;
    let received = backend.received().await;
    assert!(!received.headers.contains_key("x-amz-log-type"));
}
