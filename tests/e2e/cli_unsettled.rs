//! `connect` and `send` to a stage that was just made, where stages settle slowly.

use serde_json::{Value, json};

use crate::sandbox::{Gateway, Running, Sandbox};

/// A person whose endpoint is like AWS by the settings, and a gateway where time passes so much faster that a stage settles in
/// two seconds. Its API `chat` has a stage `test` that was just made.
fn chat() -> (Sandbox, Gateway) {
    let sandbox = Sandbox::new();
    sandbox.write("config/stagewire/config.toml", "[aws]\nsettles = true\n");
    let flags = ["--consistency", "60s", "--time-scale", "30"];
    let gateway = sandbox.gateway_with(&[&["--ephemeral", "--seed", "none"][..], &flags].concat());
    gateway.answering_api("chat", "pong");
    // It cannot settle before somebody was refused.
    settle_in(&gateway, 3_600_000);
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    (sandbox, gateway)
}

fn settle_in(gateway: &Gateway, consistency: u64) {
    let body = json!({ "consistencyInMillis": consistency });
    gateway.control("PUT", "/_stagewire/strictness", &body);
}

fn connect(sandbox: &Sandbox, gateway: &Gateway, flags: &[&str]) -> Running {
    let local = ["--local", "--endpoint-url", &gateway.url];
    sandbox.start(&[&local[..], flags, &["connect", "chat/test"]].concat())
}

#[test]
fn a_new_stage_that_refuses_is_tried_again_until_it_has_settled() {
    let (sandbox, gateway) = chat();
    let mut connected = connect(&sandbox, &gateway, &["--json"]);
    let event = |connected: &Running| {
        let line: Value = serde_json::from_str(&connected.line()).unwrap();
        line["event"].as_str().unwrap().to_owned()
    };
    assert_eq!(event(&connected), "connecting");
    assert_eq!(event(&connected), "refused");
    settle_in(&gateway, 60_000);
    while event(&connected) != "open" {}
    connected.type_line("hello");
    connected.line_with("\"in\"");
    connected.end_input();
    let told = connected.end().expect(0).says(&[
        "refused 403: stage \"test\" was made ",
        " s ago, and AWS may refuse for up to ",
        " s more; trying again",
    ]);
    assert_eq!(told.stderr.matches("trying again").count(), 1, "{told:#?}");
}

#[test]
fn a_message_to_a_new_stage_arrives_once_the_stage_has_settled() {
    let (sandbox, gateway) = chat();
    settle_in(&gateway, 60_000);
    let send = ["send", "chat/test", "hello", "--expect", "pong"];
    let sent = sandbox.local(&gateway, &send).expect(0);
    assert_eq!(sent.stdout, "pong\n");
}

#[test]
fn whoever_gives_a_time_hears_of_the_refusal_within_it() {
    let (sandbox, gateway) = chat();
    let send = ["send", "chat/test", "hello", "--timeout-ms", "900"];
    let refused = sandbox.local(&gateway, &send).expect(1);
    let told = refused.says(&["Cannot connect to ", "refused: 403"]);
    assert!(!told.stderr.contains("trying again"), "{told:#?}");
}

#[test]
fn a_signal_ends_the_wait_for_a_new_stage() {
    let (sandbox, gateway) = chat();
    let connected = connect(&sandbox, &gateway, &[]);
    connected.line_with("refused  403");
    connected.signal(rustix::process::Signal::INT);
    connected.end().expect(130);
}
