//! Every bad input that a command line can see: a sentence that says what, why and what to do, and the exit code.

use std::{net::TcpListener, thread};

use crate::sandbox::Sandbox;

/// Keys that look real, for a control plane that answers something else anyway.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_REGION", "us-east-1"),
];

/// A control plane that answers every request with this.
fn control_plane(answer: String) -> String {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                head.push(byte[0]);
            }
            // The client may have given up.
            let _gone = stream.write_all(answer.as_bytes()).is_err();
        }
    });
    url
}

fn answer(status: &str, content_type: &str, error: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nx-amzn-errortype: {error}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn wrong_usage_is_two_and_shows_what_is_allowed() {
    let sandbox = Sandbox::new();
    sandbox.run(&["dploy"]).expect(2).says(&["deploy"]);
    sandbox
        .run(&["deploy", "chat"])
        .expect(2)
        .says(&["--stage"]);
    sandbox
        .run(&["deploy", "chat", "--stage", "two words"])
        .expect(2)
        .says(&["stage name", "a-z"]);
    sandbox
        .run(&["connect", "chat"])
        .expect(2)
        .says(&["API/STAGE"]);
    sandbox
        .run(&["gateway", "--time-scale", "0"])
        .expect(2)
        .says(&["above 0"]);
    sandbox
        .run(&["--local", "--profile", "work", "apis"])
        .expect(2)
        .says(&["cannot be used with"]);
    sandbox
        .run(&["--local", "--endpoint-url", "https://example.test", "apis"])
        .expect(2)
        .says(&[
            "not the address of a local gateway",
            "http://127.0.0.1:4566",
        ]);
}

#[test]
fn an_unknown_api_or_stage_is_told_with_what_there_is() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    for arguments in [
        &["routes", "chta"][..],
        &["stages", "chta"],
        &["url", "chta", "test"],
        &["deploy", "chta", "--stage", "test"],
        &["connect", "chta/test"],
        &["send", "chta/test", "x"],
    ] {
        sandbox.local(&gateway, arguments).expect(1).says(&[
            "Cannot find the API \"chta\"",
            "because:",
            "chat",
        ]);
    }
    for arguments in [
        &["url", "chat", "prod"][..],
        &["connect", "chat/prod"],
        &["send", "chat/prod", "x"],
    ] {
        sandbox.local(&gateway, arguments).expect(1).says(&[
            "has no stage \"prod\"",
            "it has test",
            "--create",
        ]);
    }
    sandbox
        .local(&gateway, &["deploy", "chat", "--stage", "prod"])
        .expect(1)
        .says(&["prod", "because:"]);
}

#[test]
fn two_apis_of_one_name_need_the_id() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let ids = [gateway.api("twin"), gateway.api("twin")];
    sandbox
        .local(&gateway, &["stages", "twin"])
        .expect(1)
        .says(&["twin", &ids[0], &ids[1]]);
    sandbox.local(&gateway, &["stages", &ids[0]]).expect(0);
}

#[test]
fn an_api_without_routes_is_not_deployed() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.api("empty");
    sandbox
        .local(
            &gateway,
            &["deploy", "empty", "--stage", "test", "--create"],
        )
        .expect(1)
        .says(&["route", "because:"]);
}

#[test]
fn the_eleventh_stage_is_refused() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    for number in 1..=10 {
        gateway.control(
            "POST",
            &format!("/v2/apis/{id}/stages"),
            &serde_json::json!({ "stageName": format!("s{number}") }),
        );
    }
    sandbox
        .local(&gateway, &["deploy", "chat", "--stage", "s11", "--create"])
        .expect(1)
        .says(&["s11", "10"]);
}

#[test]
fn no_local_gateway_is_told_with_the_command_that_starts_one() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let url = format!("http://{address}");
    sandbox
        .run(&["--local", "--endpoint-url", &url, "apis"])
        .expect(1)
        .says(&[
            &format!("No local gateway runs at {address}"),
            &format!("stagewire gateway --listen {address}"),
        ]);
}

#[test]
fn an_unknown_profile_and_missing_credentials_are_told() {
    let sandbox = Sandbox::new();
    sandbox
        .run(&["--profile", "nobody", "--region", "us-east-1", "apis"])
        .expect(1)
        .says(&["nobody", "try:"]);
    sandbox
        .run(&["--region", "us-east-1", "apis"])
        .expect(1)
        .says(&["credentials", "try:"]);
}

#[track_caller]
fn check_control_plane(answer: String, sentences: &[&str]) {
    let sandbox = Sandbox::new();
    let url = control_plane(answer);
    let mut command = sandbox.command(&["--endpoint-url", &url, "apis"]);
    command.envs(KEYS);
    crate::sandbox::run(command).expect(1).says(sentences);
}

#[test]
fn a_control_plane_that_answers_html_is_none() {
    check_control_plane(
        answer("200 OK", "text/html", "", "<html>sign in</html>"),
        &["Cannot list the APIs", "not the control plane", "try:"],
    );
}

#[test]
fn expired_credentials_are_told_as_expired() {
    check_control_plane(
        answer(
            "403 Forbidden",
            "application/json",
            "ExpiredTokenException",
            "{\"message\":\"The security token included in the request is expired\"}",
        ),
        &["expired", "log in again"],
    );
}

#[test]
fn an_endpoint_that_refuses_is_named() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut command = sandbox.command(&["--endpoint-url", &url, "apis"]);
    command.envs(KEYS);
    crate::sandbox::run(command)
        .expect(1)
        .says(&["nothing answers at", &url]);
}

#[test]
fn a_settings_file_with_an_unknown_key_is_shown_with_a_caret() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "config/stagewire/config.toml",
        "[ui]\nproduktion = [\"prod*\"]\n",
    );
    sandbox.run(&["apis"]).expect(1).says(&[
        "config.toml",
        "unknown field `produktion`",
        "line 2: produktion",
        "^^^^^^^^^^",
    ]);
    let other = sandbox.write("other.toml", "[awz]\n");
    sandbox
        .run(&["--config", other.to_str().unwrap(), "apis"])
        .expect(1)
        .says(&["other.toml", "awz"]);
    sandbox
        .run(&["--config", "nowhere.toml", "apis"])
        .expect(1)
        .says(&["nowhere.toml"]);
}
