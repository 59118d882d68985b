//! `connect` and `send` against a real gateway and against servers that are none.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::sandbox::{Gateway, Sandbox};

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
    sandbox
        .run(&["connect", "http://example.test/"])
        .expect(1)
        .says(&["ws:// or wss://"]);
}
