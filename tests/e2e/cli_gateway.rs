//! `stagewire gateway`: how it starts, what it says, what it keeps, and why it may refuse to start.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::RecvTimeoutError,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::sandbox::{self, DEADLINE, Gateway, Sandbox};

#[test]
fn the_first_line_is_the_url_and_ctrl_c_ends_it_cleanly() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    assert!(gateway.url.starts_with("http://127.0.0.1:"));
    let ended = gateway.stop().expect(0);
    // What it accepts without doing it is not said to be refused.
    ended.says(&[
        "aws apigatewayv2 get-apis",
        "in memory",
        "not emulated, refused: TLS; it is http:// and ws:// here",
        "not emulated, refused: all but the name and tags of an HTTP API",
        "not emulated, fails when called: integrations with AWS services other than Lambda",
        "not emulated, accepted without effect: the account's throttling",
    ]);
}

#[test]
fn it_is_as_strict_as_it_is_told_to_be_and_says_so() {
    let sandbox = Sandbox::new();
    let strictness = |gateway: &Gateway| {
        let path = "/_stagewire/strictness";
        gateway.control("GET", path, &Value::Null)
    };
    let lenient = sandbox.gateway_with(&["--ephemeral", "--time-scale", "1"]);
    let off = json!({ "awsRates": false, "latencyInMillis": 0, "consistencyInMillis": 0 });
    assert_eq!(strictness(&lenient), off);
    let ended = lenient.stop().expect(0);
    assert!(!ended.stderr.contains("strict:"), "{}", ended.stderr);

    let flags = "--ephemeral --aws-rates --latency 150ms --consistency 1m";
    let strict = sandbox.gateway_with(&flags.split(' ').collect::<Vec<_>>());
    let on = json!({ "awsRates": true, "latencyInMillis": 150, "consistencyInMillis": 60_000 });
    assert_eq!(strictness(&strict), on);
    // Stages of a new state are not new to its clients.
    let hello = ["send", "chat/prod", "ping", "--expect", "ping", "-q"];
    sandbox.local(&strict, &hello).expect(0);
    strict.stop().expect(0).says(&[
        "strict: control calls that come faster than AWS takes them are refused",
        "strict: each control call takes 150ms or more",
        "strict: for 1m old and new deployments answer side by side",
    ]);
}

#[test]
fn times_that_are_none_or_too_long_are_refused() {
    let sandbox = Sandbox::new();
    for (flag, text, sentence) in [
        ("--latency", "150", "for example 150ms, and at most 10m"),
        ("--latency", "11m", "for example 150ms, and at most 10m"),
        ("--consistency", "soon", "for example 60s, and at most 60m"),
        ("--consistency", "61m", "for example 60s, and at most 60m"),
    ] {
        let refused = sandbox.run(&["gateway", flag, text]);
        refused.expect(2).says(&[flag, sentence]);
    }
}

#[test]
fn a_client_that_speaks_tls_is_told_of_once() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let address = gateway.url.strip_prefix("http://").unwrap().to_owned();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400");
    }
    let ended = gateway.stop().expect(0);
    let told =
        format!("a client spoke TLS to {address}, which has none: use http:// and ws:// here");
    assert_eq!(ended.stderr.matches(&told).count(), 1, "{}", ended.stderr);
}

#[test]
fn as_json_the_first_line_is_an_object() {
    let sandbox = Sandbox::new();
    let running = sandbox.start(&[
        "gateway",
        "--listen",
        "127.0.0.1:0",
        "--seed",
        "none",
        "--json",
        "-q",
    ]);
    let said: Value = serde_json::from_str(&running.line()).unwrap();
    assert!(
        said["endpointUrl"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert!(said["state"].as_str().unwrap().ends_with("gateway.redb"));
    running.signal(Signal::TERM);
    let ended = running.end().expect(0);
    assert_eq!(ended.stderr, "");
}

#[test]
fn an_answered_write_survives_a_power_cut() {
    let sandbox = Sandbox::new();
    let state = sandbox.path("my state.redb");
    let arguments = ["--state", state.to_str().unwrap(), "--seed", "none"];
    let gateway = sandbox.gateway_with(&arguments);
    let id = gateway.answering_api("kept", "pong");
    let deploy = ["deploy", "kept", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &deploy).expect(0);
    assert_eq!(gateway.kill().code, None);

    let gateway = sandbox.gateway_with(&arguments);
    let api = gateway.control("GET", &format!("/v2/apis/{id}"), &Value::Null);
    assert_eq!(api["name"], json!("kept"));
    let arguments = ["send", "kept/test", "ping", "--expect", "pong"];
    sandbox.local(&gateway, &arguments).expect(0);
}

#[test]
fn what_the_seeded_stages_lack_is_told_change_by_change() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway_with(&["--ephemeral"]);
    let dry = ["deploy", "chat", "--stage", "test", "--dry-run"];
    // Which change it is only the journal knows; the fingerprint says no more than that there is one.
    let planned = sandbox.local(&gateway, &dry).expect(0);
    assert!(planned.stdout.contains("+ route join"), "{planned:?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    sandbox
        .run(&["gateway", "--listen", &address.to_string(), "--ephemeral"])
        .expect(1)
        .says(&[
            &format!("port {}", address.port()),
            "another program listens there",
            "--listen 127.0.0.1:0",
        ]);
}

#[test]
fn a_state_file_that_is_none_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    let text = "this is a letter to my aunt\n".repeat(1000);
    let file = sandbox.write("letter.redb", &text);
    sandbox
        .run(&[
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--state",
            file.to_str().unwrap(),
        ])
        .expect(1)
        .says(&[
            "Cannot start the local gateway",
            "letter.redb holds was left alone",
        ]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}

#[test]
fn a_state_file_of_a_later_version_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("later.redb");
    sandbox::later_store(&file);
    sandbox
        .run(&[
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--state",
            file.to_str().unwrap(),
        ])
        .expect(1)
        .says(&[
            "Cannot start the local gateway",
            "later.redb has schema version 99",
            "this program knows versions up to 2",
            "later.redb holds was left alone",
            "--state FILE",
        ]);
    assert_eq!(sandbox::store_version(&file), 99);
}

#[test]
fn a_state_that_another_gateway_has_open_is_refused() {
    let sandbox = Sandbox::new();
    let state = sandbox.path("state.redb");
    let arguments = ["--state", state.to_str().unwrap(), "--seed", "none"];
    let first = sandbox.gateway_with(&arguments);
    sandbox
        .run(&[
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--state",
            state.to_str().unwrap(),
        ])
        .expect(1)
        .says(&["Cannot start the local gateway", "state.redb"]);
    first.stop().expect(0);
}

#[test]
fn the_demo_tells_its_story_and_does_the_main_job() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway_with(&["--ephemeral"]);
    let apis = sandbox.local(&gateway, &["apis"]).expect(0).stdout;
    assert!(apis.contains("chat") && apis.contains("ticker"), "{apis}");
    let stages = sandbox.local(&gateway, &["stages", "chat"]).expect(0);
    assert!(stages.stdout.contains("prod") && stages.stdout.contains("test"));

    let deployed = sandbox
        .local(&gateway, &["deploy", "chat", "--stage", "prod"])
        .expect(0);
    assert!(deployed.stdout.starts_with("prod: "), "{deployed:#?}");
    deployed.says(&[&format!(
        "undo: aws apigatewayv2 update-stage --endpoint-url {} --region us-east-1 --api-id",
        gateway.url
    )]);
    let hello = ["send", "chat/prod", "hello", "--expect", "hello"];
    sandbox.local(&gateway, &hello).expect(0);

    let mut connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/prod",
    ]);
    connected.line_with("open");
    connected.type_line("{\"action\":\"big\"}");
    assert!(connected.line_with("<- text").contains("part 1"));
    assert!(connected.line_with("part 2").contains("<- cont"));
    assert!(connected.line_with("FIN").contains("<- cont"));
}

#[test]
fn a_seed_file_that_is_none_is_shown_with_its_place() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("seed.json", "{ \"apis\": oops }");
    sandbox
        .run(&[
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--ephemeral",
            "--seed",
            file.to_str().unwrap(),
        ])
        .expect(1)
        .says(&["seed.json:1:", "--seed demo"]);
}

/// An integration that takes room; gives the answer's head and body.
fn large_integration(gateway: &Gateway, api: &str) -> (String, String) {
    let template = "x".repeat(30_000);
    gateway.call(
        "POST",
        &format!("/v2/apis/{api}/integrations"),
        &json!({ "integrationType": "MOCK", "requestTemplates": { "$default": template } }),
    )
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing_that_was_answered() {
    let sandbox = Sandbox::new();
    let state = sandbox.path("state.redb");
    let arguments = ["--state", state.to_str().unwrap(), "--seed", "none", "-q"];
    let gateway = sandbox.limited_gateway_with(&arguments);
    let api = gateway.answering_api("kept", "pong");
    let create = ["deploy", "kept", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    gateway.limit_files(Some(std::fs::metadata(&state).unwrap().len()));
    // The one that answers is there already.
    let mut n_answered = 1;
    let (head, body) = loop {
        let answer = large_integration(&gateway, &api);
        if !answer.0.starts_with("HTTP/1.1 201") {
            break answer;
        }
        n_answered += 1;
        assert!(n_answered < 1000, "the disk is never full");
    };
    assert!(head.starts_with("HTTP/1.1 429"), "{head} {body}");
    assert!(head.contains("ConflictException"), "{head}");
    assert!(body.contains("make room on the gateway's disk"), "{body}");
    let count = |gateway: &Gateway| {
        let path = format!("/v2/apis/{api}/integrations?maxResults=1000");
        let list = gateway.control("GET", &path, &Value::Null);
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&gateway), n_answered);
    // It still serves, and says the same to whoever asks for a deploy.
    let hello = ["send", "kept/test", "ping", "--expect", "pong"];
    sandbox.local(&gateway, &hello).expect(0);
    sandbox.local(&gateway, &["stages", "kept"]).expect(0);
    let (head, _) = large_integration(&gateway, &api);
    assert!(head.starts_with("HTTP/1.1 429"), "{head}");

    gateway.limit_files(None);
    let (head, body) = large_integration(&gateway, &api);
    assert!(head.starts_with("HTTP/1.1 201"), "{head} {body}");
    sandbox
        .local(&gateway, &["deploy", "kept", "--stage", "test"])
        .expect(0);
    gateway.kill();
    let gateway = sandbox.gateway_with(&arguments);
    assert_eq!(count(&gateway), n_answered + 1);
    sandbox.local(&gateway, &hello).expect(0);
}

/// Invokes a function of the gateway and waits for its answer.
#[track_caller]
fn invoke(gateway: &Gateway, function: &str) -> Value {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    gateway.control("POST", &path, &json!({}))
}

#[test]
fn what_functions_print_is_repeated() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway_with(&[
        "--ephemeral",
        "--function",
        "chat=echo to whom it may concern; exit 3",
    ]);
    assert_eq!(invoke(&gateway, "chat")["errorType"], "Runtime.ExitError");
    gateway.stop().expect(0).says(&[
        "chat | to whom it may concern",
        "chat - Runtime exited with error: exit status 3",
    ]);
}

#[test]
fn functions_die_with_the_gateway_however_it_ends() {
    let sandbox = Sandbox::new();
    let (path, lines) = sandbox.pipe("alive");
    // A process of the function and one that it has started hold the pipe open until they die.
    let function = format!("chat=exec 9>'{path}'; echo here >&9; sleep 1000 & wait");
    let gateway = sandbox.gateway_with(&["--ephemeral", "--function", &function]);
    let path = "/2015-03-31/functions/chat/invocations";
    let _asked = gateway.send("POST", path, &json!({}));
    assert_eq!(lines.recv_timeout(DEADLINE).unwrap(), "here");
    gateway.kill();
    let ended = lines.recv_timeout(DEADLINE);
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
}

#[test]
fn what_cannot_be_a_function_is_refused() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &[&str], sentence: &str| {
        sandbox.run(arguments).expect(2).says(&[sentence]);
    };
    refused(&["gateway", "--function", "chat"], "write NAME=COMMAND");
    refused(&["gateway", "--function", "a b=c"], "no function name");
    refused(
        &["gateway", "--function", "a=b", "--function", "a=c"],
        "\"a\" has two commands",
    );
    refused(&["gateway", "--lambda-endpoint", "x"], "it must be a URL");
    refused(
        &["--function", "a=b"],
        "Nothing here could run Lambda functions",
    );
    refused(
        &["--local", "--function", "a=b", "apis"],
        "stagewire gateway --function",
    );
}
