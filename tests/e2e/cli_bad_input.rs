//! Every bad input that a command line can see: a sentence that says what, why and what to do, and the exit code.

use std::{net::TcpListener, thread};

use crate::sandbox::Sandbox;

/// Keys that look real, for a control plane that answers something else anyway.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_REGION", "us-east-1"),
];

/// A control plane that answers the first requests with these, one after the other, and all later ones with the last.
fn control_plane(answers: Vec<String>) -> String {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut answers = answers.iter().peekable();
        let mut answer = "";
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                head.push(byte[0]);
            }
            answer = answers.next().map_or(answer, String::as_str);
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
        .says(&["from 0.000001 to 1000000"]);
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

/// A verb of each kind: a list, one that looks for an API first, and the main job, whose plan writes nothing.
const VERBS: [&[&str]; 3] = [
    &["apis"],
    &["stages", "chat"],
    &["deploy", "chat", "--stage", "test", "--dry-run"],
];

/// What a verb says to the control plane at that URL, with keys that look real.
fn verb_at(url: &str, verb: &[&str]) -> crate::sandbox::Run {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["--endpoint-url", url]);
    command.args(verb).envs(KEYS);
    crate::sandbox::run(command)
}

/// A verb that is not expected to end, all of whose words come on stdout.
fn waiting_at(sandbox: &Sandbox, url: &str, verb: &[&str]) -> crate::sandbox::Running {
    let mut shell = sandbox.other("/bin/sh");
    shell
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(env!("CARGO_BIN_EXE_stagewire"))
        .args(["--endpoint-url", url])
        .args(verb)
        .envs(KEYS);
    crate::sandbox::Running::new(shell)
}

#[track_caller]
fn check_endpoint(url: &str, sentences: &[&str]) {
    for verb in VERBS {
        let run = verb_at(url, verb).expect(1);
        let run = run.says(&["Cannot", "because:", "try:"]).says(sentences);
        assert_eq!(run.stdout, "", "{verb:?}");
    }
}

#[test]
fn a_control_plane_that_answers_html_is_none() {
    let page = answer("200 OK", "text/html", "", "<html>sign in</html>");
    check_endpoint(
        &control_plane(vec![page]),
        &[
            "not the control plane of API Gateway (status 200, text/html)",
            "check --endpoint-url",
        ],
    );
}

#[test]
fn expired_credentials_are_told_as_expired() {
    let expired = answer(
        "403 Forbidden",
        "application/json",
        "ExpiredTokenException",
        "{\"message\":\"The security token included in the request is expired\"}",
    );
    check_endpoint(
        &control_plane(vec![expired]),
        &[
            "is expired (ExpiredTokenException",
            "log in again (`aws sso login`",
        ],
    );
}

fn throttled() -> String {
    answer(
        "429 Too Many Requests",
        "application/json",
        "TooManyRequestsException",
        "{\"message\":\"Too Many Requests\"}",
    )
}

#[test]
fn a_control_plane_that_throttles_for_ever_is_waited_for_until_somebody_has_enough() {
    let url = control_plane(vec![throttled()]);
    for verb in VERBS {
        let sandbox = Sandbox::new();
        let waiting = waiting_at(&sandbox, &url, verb);
        waiting.line_with("too many calls at the moment: get-apis waits for its turn");
        waiting.signal(rustix::process::Signal::INT);
        let ended = waiting.end();
        assert_ne!(ended.code, Some(0), "{verb:?}: {ended:#?}");
        assert!(!ended.stdout.contains("Too Many Requests"), "{ended:#?}");
    }
}

#[test]
fn a_control_plane_that_throttles_for_a_moment_is_asked_again() {
    let none = answer("200 OK", "application/json", "", "{\"items\":[]}");
    let url = control_plane(vec![throttled(), throttled(), none]);
    verb_at(&url, &["apis"])
        .expect(0)
        .says(&["no WebSocket APIs"]);
}

#[test]
fn a_control_plane_that_fails_is_told_as_such() {
    let failing = answer(
        "500 Internal Server Error",
        "application/json",
        "InternalServerErrorException",
        "{\"message\":\"oops\"}",
    );
    check_endpoint(
        &control_plane(vec![failing]),
        &["oops (InternalServerErrorException", "repeat in a moment"],
    );
}

#[test]
fn an_endpoint_that_refuses_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nothing = format!("nothing answers at {url}");
    check_endpoint(&url, &[&nothing, "check the endpoint and the network"]);
}

/// How soon it is given up is a matter of the calls; here, that nobody has to wait for that.
#[test]
fn an_endpoint_that_hangs_can_be_left_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for verb in VERBS {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command(&["--endpoint-url", &url]);
        command.args(verb).envs(KEYS);
        let running = crate::sandbox::Running::new(command);
        let (_hanging, _) = listener.accept().unwrap();
        running.signal(rustix::process::Signal::INT);
        let ended = running.end();
        // The signal itself ends it, which a shell reports as 130; a deploy says first that nothing was changed.
        let code = verb.contains(&"deploy").then_some(130);
        assert_eq!(ended.code, code, "{verb:?}: {ended:#?}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_control_plane_that_is_silent_is_told_as_what_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for verb in [
        &["apis"][..],
        &["--json", "deploy", "chat", "--stage", "test"],
        &["connect", "chat/test"],
    ] {
        let sandbox = Sandbox::new();
        let running = waiting_at(&sandbox, &url, verb);
        let (_hanging, _) = listener.accept().unwrap();
        let told = running.line_with("waiting for ");
        assert_eq!(
            told,
            format!("waiting for {url} (30 s at most for each answer)")
        );
        running.signal(rustix::process::Signal::INT);
        running.end();
    }
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
