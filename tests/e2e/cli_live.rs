//! `connect` and `send` against a real gateway and against servers that are none.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::sandbox::{Gateway, Running, Sandbox, run};

/// A gateway with API `chat`, whose stage `test` answers every message with `pong`.
fn chat(sandbox: &Sandbox) -> Gateway {
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let arguments = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &arguments).expect(0);
    gateway
}

/// A server that answers every request with these bytes.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                head.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn connect_prints_every_frame_and_leaves_politely() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let mut connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/test",
    ]);
    connected.line_with("open");
    connected.type_line("hello");
    let sent = connected.line_with("->");
    assert!(
        sent.contains("text") && sent.contains("FIN") && sent.contains("5 B"),
        "{sent}"
    );
    assert!(sent.ends_with("hello"), "{sent}");
    let answer = connected.line_with("<-");
    assert!(answer.ends_with("pong"), "{answer}");
    connected.signal(Signal::INT);
    let ended = connected.end();
    assert!(ended.stdout.contains("you closed: 1000"), "{ended:#?}");
    ended.expect(130);
}

/// An API with a stage that serves one route, which is not `$default`.
fn without_default(sandbox: &Sandbox) -> Gateway {
    let gateway = sandbox.gateway();
    let api = gateway.api("bare");
    let routes = format!("/v2/apis/{api}/routes");
    gateway.control("POST", &routes, &json!({ "routeKey": "ping" }));
    let arguments = ["deploy", "bare", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &arguments).expect(0);
    gateway
}

#[test]
fn a_frame_of_the_gateway_itself_is_explained_in_a_line_and_in_json() {
    let sandbox = Sandbox::new();
    let gateway = without_default(&sandbox);
    let global = ["--local", "--endpoint-url", &gateway.url];
    let nope = r#"{"action":"nope"}"#;
    let mut connected = sandbox.start(&[&global[..], &["connect", "bare/test"]].concat());
    connected.line_with("open");
    connected.type_line(nope);
    let line = connected.line_with("gateway  ");
    assert!(line.contains("no $default"), "{line}");
    assert!(line.ends_with("selects route \"nope\"."), "{line}");
    let mut connected = sandbox.start(&[&global[..], &["connect", "bare/test", "--json"]].concat());
    connected.line_with("\"open\"");
    connected.type_line(nope);
    let frame: Value = serde_json::from_str(&connected.line_with("\"in\"")).unwrap();
    let own = &frame["gatewayResponse"];
    assert_eq!(own["message"], "Forbidden");
    assert!(
        own["connectionId"].is_string() && own["requestId"].is_string(),
        "{own}"
    );
    assert!(
        own["meaning"].as_str().unwrap().contains("no $default"),
        "{own}"
    );
    let arguments = [
        "send",
        "bare/test",
        nope,
        "--expect",
        "pong",
        "--timeout-ms",
        "1500",
    ];
    sandbox
        .local(&gateway, &arguments)
        .expect(1)
        .says(&["No message that holds", "selects route \"nope\""]);
}

#[test]
fn send_warns_of_a_frame_of_the_gateway_itself_and_takes_none_for_an_answer() {
    let sandbox = Sandbox::new();
    let gateway = without_default(&sandbox);
    let send = ["send", "bare/test", r#"{"action":"nope"}"#];
    let warned = sandbox.local(&gateway, &send).expect(0);
    warned.says(&[
        "warning: the gateway itself answered \"Forbidden\"",
        "selects route \"nope\"",
    ]);
    let told = sandbox.local(&gateway, &[&send[..], &["--json"]].concat());
    let own = &told.expect(0).json()["gatewayResponse"];
    assert_eq!(own["message"], "Forbidden");
    let meaning = own["meaning"].as_str().unwrap();
    assert!(meaning.contains("no $default"), "{own}");
    // Its frame has the word, and is no answer.
    let expect = ["--expect", "message", "--timeout-ms", "1500"];
    let waited = sandbox.local(&gateway, &[&send[..], &expect].concat());
    waited
        .expect(1)
        .says(&["No message that holds \"message\""]);
}

#[test]
fn a_stage_that_serves_nothing_is_told_as_it_was_read() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let api = gateway.answering_api("chat", "pong");
    let stages = format!("/v2/apis/{api}/stages");
    gateway.control("POST", &stages, &json!({ "stageName": "empty" }));
    let refused = sandbox
        .local(&gateway, &["connect", "chat/empty"])
        .expect(1);
    let refused = refused.says(&["Stage \"empty\" has no deployment"]);
    assert!(!refused.stderr.contains("try:"), "{refused:#?}");
}

#[test]
fn subprotocols_that_come_to_nothing_are_told() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let arguments = ["send", "chat/test", "hi", "--subprotocol", "v1"];
    sandbox
        .local(&gateway, &arguments)
        .expect(0)
        .says(&["warning: no subprotocol was agreed to, of v1"]);
    let arguments = [
        "connect",
        "chat/test",
        "--subprotocol",
        "v1",
        "--linger",
        "0",
    ];
    sandbox
        .local(&gateway, &arguments)
        .says(&["warning: no subprotocol was agreed to, of v1"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/prod", listener.local_addr().unwrap());
    thread::spawn(move || {
        #[expect(clippy::result_large_err, reason = "the library's type says so")]
        let choose = |_: &tungstenite::handshake::server::Request,
                      mut answer: tungstenite::handshake::server::Response| {
            let chosen = "v1".parse().unwrap();
            answer
                .headers_mut()
                .insert("sec-websocket-protocol", chosen);
            Ok(answer)
        };
        // The client leaves as soon as it has read that.
        let _gone = tungstenite::accept_hdr(listener.accept().unwrap().0, choose).is_err();
    });
    let refused = sandbox.run(&["connect", &url]).expect(1);
    let refused = refused.says(&["the subprotocol \"v1\"", "try: offer it: --subprotocol v1"]);
    assert!(
        !refused.stderr.contains("may not be a WebSocket server"),
        "{refused:#?}"
    );
    // Nothing says that this server is API Gateway.
    let arguments = ["send", &closing(1000), "hello", "--subprotocol", "v2"];
    let foreign = sandbox.run(&arguments).expect(0);
    assert!(!foreign.stderr.contains("$connect"), "{foreign:#?}");
    foreign.says(&["of v2", "The server must answer one"]);
}

#[test]
fn a_connection_that_is_piped_to_ends_after_the_answers() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let arguments = [
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/test",
    ];
    let mut connected = sandbox.start(&arguments);
    connected.type_line("hello");
    connected.end_input();
    assert!(connected.line_with("<-").ends_with("pong"));
    let ended = connected.end().expect(0);
    assert!(ended.stdout.contains("you closed: 1000"), "{ended:#?}");
    assert!(
        ended.stderr.contains("nothing has come for 2 s"),
        "{ended:#?}"
    );
}

#[test]
fn a_connection_outlives_its_input_where_there_was_none_or_it_is_told_to() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let arguments = [
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/test",
    ];
    let without_input = Running::new(sandbox.command(&arguments));
    let mut told = sandbox.start(&[&arguments[..], &["--linger", "forever"]].concat());
    told.end_input();
    let mut hasty = sandbox.start(&[&arguments[..], &["--linger", "0"]].concat());
    hasty.type_line("hello");
    hasty.end_input();
    let ended = hasty.end().expect(0);
    assert!(ended.stdout.contains("you closed: 1000"), "{ended:#?}");
    for connected in [&without_input, &told] {
        connected.line_with("open");
    }
    gateway.stop().expect(0);
    for connected in [without_input, told] {
        let ended = connected.end().expect(0);
        assert!(ended.stdout.contains("closed: 1001"), "{ended:#?}");
    }
}

/// A gateway with API `chat`, whose stage `test` takes handshakes that Alice signed, and says who called.
fn guarded_chat(sandbox: &Sandbox) -> (Gateway, String) {
    let settings = "[[gateway.credentials]]\nuser = \"alice\"\naccess_key_id = \"AKIDALICE\"\n\
        secret_access_key = \"hunter2\"\nsession_token = \"tokenoftoday\"\n";
    sandbox.configure(settings);
    let gateway = sandbox.gateway();
    let api = gateway.answering_api("chat", "$context.identity.user");
    let connect = json!({ "routeKey": "$connect", "authorizationType": "AWS_IAM" });
    gateway.control("POST", &format!("/v2/apis/{api}/routes"), &connect);
    let arguments = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &arguments).expect(0);
    let url = format!("ws://{}/{api}/test", gateway.address());
    (gateway, url)
}

#[test]
fn a_stage_that_asks_for_a_signature_gets_the_targets() {
    let sandbox = Sandbox::new();
    let (gateway, url) = guarded_chat(&sandbox);
    let ping = ["send", "chat/test", "who am I", "--expect", "alice"];
    // The local gateway's own credentials, from its settings.
    sandbox.local(&gateway, &ping).expect(0);
    let arguments = ["connect", "chat/test", "--linger", "0"];
    let connected = sandbox.local(&gateway, &arguments).expect(0);
    connected.says(&[", signed"]);
    // Nobody looks at a bare URL's stage.
    let bare = sandbox.run(&["send", &url, "who am I"]).expect(1);
    bare.says(&["(AWS_IAM), and this one is not signed", "--sign"]);
    let signed = ["--local", "--endpoint-url", &gateway.url, "send", &url];
    let signed = [&signed[..], &["who am I", "--expect", "alice", "--sign"]].concat();
    sandbox.run(&signed).expect(0);

    // An endpoint: what the environment or a profile has.
    let at_endpoint = |secret: &str, token: &str| {
        let endpoint = ["--endpoint-url", &gateway.url, "--region", "us-east-1"];
        let mut command = sandbox.command(&[&endpoint[..], &ping].concat());
        command
            .env("STAGEWIRE_LOG", "trace")
            .env("AWS_ACCESS_KEY_ID", "AKIDALICE")
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_SESSION_TOKEN", token);
        run(command)
    };
    at_endpoint("hunter2", "tokenoftoday").expect(0);
    let wrong = at_endpoint("hunter3", "tokenoftoday").expect(1);
    wrong.says(&["403", "the secret key belongs to another access key"]);
    let old = at_endpoint("hunter2", "tokenofyesterday").expect(1);
    old.says(&["403", "its session token is old"]);
    let nobody = ["--endpoint-url", &gateway.url, "--region", "us-east-1"];
    let nobody = sandbox.run(&[&nobody[..], &ping].concat()).expect(1);
    nobody.says(&["Cannot sign the handshake", "AWS_ACCESS_KEY_ID"]);

    gateway.stop().expect(0);
    let log = std::fs::read_dir(sandbox.path("state/stagewire/log")).unwrap();
    for file in log {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for secret in ["AKIDALICE", "hunter", "tokenof", "Signature=", "AWS4-HMAC"] {
            assert!(!text.contains(secret), "{secret} is in the log");
        }
    }
}

#[test]
fn an_authorization_of_ones_own_is_sent_as_it_is() {
    let sandbox = Sandbox::new();
    let (gateway, _) = guarded_chat(&sandbox);
    let own = ["--header", "Authorization: Bearer mine"];
    let send = ["send", "chat/test", "hello"];
    let refused = sandbox.local(&gateway, &[&send[..], &own].concat());
    refused.expect(1).says(&["request signature is incomplete"]);
    let both = [&send[..], &own, &["--sign"]].concat();
    let refused = sandbox.local(&gateway, &both).expect(1);
    refused.says(&["the header authorization is given already"]);
}

#[test]
fn connect_tells_the_same_as_json_lines() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let mut connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "--json",
        "connect",
        "chat/test",
    ]);
    connected.line_with("\"open\"");
    connected.type_line("a\u{9b}b");
    let sent = connected.line_with("\"out\"");
    assert!(!sent.contains('\u{9b}'), "{sent}");
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["event"], "frame");
    assert_eq!(sent["text"], "a\u{9b}b");
    assert_eq!(sent["fin"], true);
    let answer: Value = serde_json::from_str(&connected.line_with("\"in\"")).unwrap();
    assert_eq!(answer["text"], "pong");
    assert_eq!(answer["bytes"], 4);
}

#[test]
fn a_long_line_leaves_in_frames_of_32_kib() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let mut connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "--json",
        "connect",
        "chat/test",
    ]);
    connected.line_with("\"open\"");
    connected.type_line(&"x".repeat(40_000));
    let first: Value = serde_json::from_str(&connected.line_with("\"out\"")).unwrap();
    let second: Value = serde_json::from_str(&connected.line_with("\"out\"")).unwrap();
    assert_eq!(
        (&first["bytes"], &first["part"], &first["fin"]),
        (&32_768.into(), &1.into(), &false.into())
    );
    assert_eq!(
        (&second["bytes"], &second["part"], &second["fin"]),
        (&7_232.into(), &2.into(), &true.into())
    );
}

#[test]
fn connect_ends_when_the_gateway_goes() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/test",
    ]);
    connected.line_with("open");
    gateway.stop().expect(0);
    let ended = connected.end();
    assert!(ended.stdout.contains("closed: 1001"), "{ended:#?}");
    ended.expect(0);
}

#[test]
fn send_waits_for_what_is_expected() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let found = sandbox
        .local(&gateway, &["send", "chat/test", "ping", "--expect", "on"])
        .expect(0);
    assert_eq!(found.stdout, "pong\n");
    sandbox
        .local(&gateway, &["send", "chat/test", "ping"])
        .expect(0)
        .says(&["sent 4 bytes"]);
    let arguments = [
        "send",
        "chat/test",
        "ping",
        "--expect",
        "else",
        "--timeout-ms",
        "500",
    ];
    sandbox
        .local(&gateway, &arguments)
        .expect(1)
        .says(&["No message that holds \"else\" came within 500 ms", "pong"]);
}

#[test]
fn a_refused_handshake_is_explained_with_what_it_answered() {
    let sandbox = Sandbox::new();
    let address = answering(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 23\r\nConnection: close\r\n\r\n{\"message\":\"Forbidden\"}",
    );
    let url = format!("ws://{address}/prod");
    sandbox
        .run(&["connect", &url])
        .expect(1)
        .says(&["Cannot connect", "403", "Forbidden"]);
    sandbox
        .run(&["send", &url, "x"])
        .expect(1)
        .says(&["Cannot connect", "403"]);
}

#[test]
fn a_web_server_and_a_closed_port_are_told_apart() {
    let sandbox = Sandbox::new();
    let address = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>hello</html>",
    );
    sandbox
        .run(&["connect", &format!("ws://{address}/")])
        .expect(1)
        .says(&["200", "<html>hello"]);
    let address = answering("220 mail ready\r\n");
    sandbox
        .run(&["connect", &format!("ws://{address}/")])
        .expect(1)
        .says(&["not an HTTP answer"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    sandbox
        .run(&["connect", &format!("ws://{address}/")])
        .expect(1)
        .says(&["cannot connect to", "refused"]);
    for verb in [&["connect"][..], &["send"]] {
        let refused = sandbox.run(&[verb, &["http://example.test/", "hi"][..verb.len()]].concat());
        let refused = refused.expect(2).says(&["ws:// or wss://"]);
        assert!(!refused.stderr.contains("connecting to"), "{refused:#?}");
    }
}

/// A server that shakes hands, begins a message and adds these bytes to it for ever. It tells of every megabyte that
/// was taken.
fn endless_message(part: &'static [u8]) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/prod", listener.local_addr().unwrap());
    let (taken, progress) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        let stream = socket.get_mut();
        stream.write_all(b"\x01\x01x").unwrap();
        let megabyte = part.repeat(1024 * 1024 / part.len());
        while stream.write_all(&megabyte).is_ok() {
            // The test may have seen enough.
            let _gone = taken.send(()).is_err();
        }
    });
    (url, progress)
}

#[test]
fn a_flood_of_tiny_frames_does_not_keep_connect_from_leaving() {
    let sandbox = Sandbox::new();
    let (url, _progress) = endless_message(b"\x00\x00");
    let connected = sandbox.start(&["connect", &url]);
    for _ in 0..1000 {
        connected.line_with("cont");
    }
    connected.signal(Signal::TERM);
    connected.end().expect(130);
}

/// The most memory that a process has had so far, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_second_signal_leaves_at_once_though_nobody_reads_our_output() {
    let sandbox = Sandbox::new();
    let (url, progress) = endless_message(b"\x00\x00");
    let mut child = sandbox
        .command(&["connect", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // By then it holds all that it will hold for a reader, and drops and counts the rest.
    for _ in 0..16 {
        progress.recv_timeout(Duration::from_mins(1)).unwrap();
    }
    #[cfg(target_os = "linux")]
    assert!(peak_memory(child.id()) < 200 * 1024 * 1024);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait().unwrap().code()));
    // With one signal only it would have waited longer for the peer to answer our close.
    assert_eq!(end.recv_timeout(Duration::from_secs(2)), Ok(Some(130)));
}

#[test]
fn a_line_longer_than_a_message_is_refused_and_the_others_are_sent() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let mut connected = sandbox.start(&[
        "--local",
        "--endpoint-url",
        &gateway.url,
        "connect",
        "chat/test",
    ]);
    connected.line_with("open");
    connected.type_line(&"x".repeat(131_073));
    connected.type_line("short");
    let sent = connected.line_with("->");
    assert!(sent.ends_with("short"), "{sent}");
    connected.signal(Signal::INT);
    let ended = connected.end();
    assert!(
        ended.stderr.contains("131073 bytes was not sent"),
        "{ended:#?}"
    );
}

/// A server that takes one message and closes with that code.
fn closing(code: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/prod", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut socket = tungstenite::accept(stream.unwrap()).unwrap();
            let message = socket.read().unwrap();
            assert!(message.is_text(), "{message:?}");
            let frame = tungstenite::protocol::CloseFrame {
                code: code.into(),
                reason: "because".into(),
            };
            socket.close(Some(frame)).unwrap();
            // Until the client is gone too.
            while socket.read().is_ok() {}
        }
    });
    url
}

#[test]
fn send_fails_when_the_peer_closes_because_of_the_message() {
    let sandbox = Sandbox::new();
    for code in [1003, 1009] {
        sandbox
            .run(&["send", &closing(code), "hello"])
            .expect(1)
            .says(&["was closed", &code.to_string(), "because", "The server"]);
    }
    sandbox.run(&["send", &closing(1000), "hello"]).expect(0);
}

#[test]
fn send_takes_the_longest_legal_message_from_stdin_and_tells_how_it_ended() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    sandbox.write("longest", &"x".repeat(131_072));
    sandbox.write("longer", &"x".repeat(131_073));
    let send = |file: &str, more: &[&str]| {
        let global = ["--local", "--endpoint-url", &gateway.url, "--json"];
        let arguments = [&global[..], &["send", "chat/test"], more].concat();
        let mut command = sandbox.command(&arguments);
        command.stdin(std::fs::File::open(sandbox.path(file)).unwrap());
        crate::sandbox::run(command)
    };
    let sent: Value = serde_json::from_str(&send("longest", &["-"]).expect(0).stdout).unwrap();
    assert_eq!(sent["SentBytes"], 131_072);
    assert_eq!(sent["Closed"]["Code"], 1000);
    let answer = send("longest", &["--expect", "pong"]).expect(0);
    assert!(answer.stdout.contains("pong"), "{answer:#?}");
    send("longer", &[])
        .expect(1)
        .says(&["longer than the 131072 bytes"]);
}

#[test]
fn a_peer_that_breaks_a_rule_is_told_as_such() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/prod", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        socket.get_mut().write_all(b"\x81\x82\0\0\0\0hi").unwrap();
        while socket.read().is_ok() {}
    });
    sandbox
        .run(&["connect", &url])
        .expect(1)
        .says(&["ended with 1002", "by this side", "masked"]);
}
