//! What strangers may send to the listener.

use futures_util::SinkExt;
use serde_json::json;
use stagewire::gateway::{Options, Seed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Gateway, SIGNED, SIGNED_FOR_CONTROL, next_text, soon};

/// All that the gateway answers to these bytes before it closes the connection.
async fn answer_to(gateway: &Gateway, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    // The gateway may close before all of it is written.
    let _written = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _read = soon(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.matches("HTTP/1.").count() <= 1, "{answer}");
    answer
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered() {
    let gateway = Gateway::start().await;
    for bytes in [
        &b"hello there\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answer = answer_to(&gateway, bytes).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{bytes:?}: {answer}");
    }
    let health = "GET /_stagewire/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    // With the host and the connection, a hundred headers, and one more.
    for (more, status) in [(98, "HTTP/1.1 200"), (99, "HTTP/1.1 431")] {
        let head = format!("{health}{}\r\n", "x: y\r\n".repeat(more));
        let answer = answer_to(&gateway, head.as_bytes()).await;
        assert!(answer.starts_with(status), "{more}: {answer}");
    }
    for length in [100_000, 200_000, 4_000_000] {
        let head = format!("{health}x: {}\r\n\r\n", "y".repeat(length));
        let answer = answer_to(&gateway, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{length}: {answer}");
    }
    assert_eq!(
        gateway.call("GET", "/_stagewire/health", "").await.status,
        200
    );
}

#[tokio::test]
async fn a_body_that_is_declared_too_long_is_refused_unseen() {
    let gateway = Gateway::start().await;
    for path in ["/v2/apis", "/_stagewire/faults", "/_demo/big"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n\
             content-length: 99999999999\r\n\r\n"
        );
        let answer = answer_to(&gateway, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn who_sends_all_of_a_long_body_before_reading_sees_the_answer() {
    let gateway = Gateway::start().await;
    let head = format!(
        "POST /v2/apis HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n"
    );
    let length = 20_000_000;
    let body = "x".repeat(length);
    for request in [
        format!("{head}content-length: {length}\r\n\r\n{body}"),
        format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        soon(stream.write_all(request.as_bytes())).await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn half_a_body_is_a_bad_request_and_others_are_served() {
    let gateway = Gateway::start().await;
    let head = format!(
        "POST /v2/apis HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n"
    );
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let request = format!("{head}content-length: 10\r\n\r\n{{");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _read = soon(stream.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 400"));
    let health = gateway.call("GET", "/_stagewire/health", "").await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_told_from_the_next_request_is_a_bad_request_and_the_end() {
    let gateway = Gateway::start().await;
    for (path, signature) in [
        ("/v2/apis", SIGNED_FOR_CONTROL),
        ("/a1/prod/@connections/x", SIGNED),
        ("/_stagewire/faults", SIGNED),
    ] {
        for body in [
            "zz\r\n",
            "\r\n",
            "-1\r\n",
            "fffffffffffffffff\r\n",
            "1\r\nxx\r\n",
            "1\nx\n0\n\n",
            "1\r\nx\r\n0\r\nbad trailer\r\n\r\n",
        ] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {signature}\r\n\
                 transfer-encoding: chunked\r\n\r\n{body}"
            );
            let answer = answer_to(&gateway, request.as_bytes()).await;
            assert!(
                answer.starts_with("HTTP/1.1 400"),
                "{path} {body:?}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_handshake_is_one_whatever_comes_with_it() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let handshake = |version: &str, more: &str| {
        format!(
            "GET {} HTTP/{version}\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n",
            api.stage_path("prod")
        )
    };
    let padding = format!("x: {}\r\n", "y".repeat(70_000));
    let too_many = "x: y\r\n".repeat(96);
    for (version, more, status) in [
        ("1.0", "", "400"),
        (
            "1.1",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nhost: localhost\r\n",
            "403",
        ),
        ("1.1", &padding, "431"),
        ("1.1", &too_many, "431"),
    ] {
        let answer = answer_to(&gateway, handshake(version, more).as_bytes()).await;
        let begins = format!("HTTP/{version} {status} ");
        assert!(
            answer.starts_with(&begins),
            "{version} {more:.60}: {answer}"
        );
    }
    // A body is no frame, and what follows it is one.
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let mut bytes = handshake("1.1", "content-length: 5\r\n").into_bytes();
    bytes.extend(b"hello\x81\x81\0\0\0\0x");
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x04here") && !answer.starts_with(b"HTTP/1.1 4") {
        answer.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
}

#[tokio::test]
async fn odd_paths_and_hosts_are_refused_quietly() {
    let gateway = Gateway::start().await;
    for path in [
        "/%",
        "/%00",
        "/%2e%2e/x",
        "//",
        "/a//b",
        "/_demo",
        "/_demo/connect",
        "/_stagewire/x",
        "/a/b/@connections",
        "/a/b/@connections/c/d",
    ] {
        let status = gateway.call("GET", path, "").await.status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    let answer = answer_to(&gateway, b"GET /_stagewire/health HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 403"), "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_times_out_and_others_are_served() {
    let gateway = Gateway::start().await;
    let begun = async |bytes: &'static [u8]| {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    };
    let mut silent = begun(b"").await;
    let mut halted = begun(b"GET / HTTP/1.1\r\nhost: ").await;
    let (mut dripped, mut drips) = begun(b"GET / HTTP/1.1\r\n").await.into_split();
    let dripping = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
        while drips.write_all(b"x: y\r\n").await.is_ok() {
            ticks.tick().await;
        }
    });
    assert_eq!(
        gateway.call("GET", "/_stagewire/health", "").await.status,
        200
    );
    let (mut of_silent, mut of_halted, mut of_dripped) = (Vec::new(), Vec::new(), Vec::new());
    let (silent, halted, dripped) = soon(async {
        tokio::join!(
            silent.read_to_end(&mut of_silent),
            halted.read_to_end(&mut of_halted),
            dripped.read_to_end(&mut of_dripped),
        )
    })
    .await;
    dripping.abort();
    silent.unwrap();
    halted.unwrap();
    dripped.unwrap();
    // Who began no request waits for no answer.
    assert!(of_silent.is_empty());
    for answer in [of_halted, of_dripped] {
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        let told = r#"{"message":"The request's head did not arrive in time"}"#;
        assert!(answer.ends_with(told), "{answer}");
    }
}

#[tokio::test]
async fn the_listener_takes_so_many_connections_and_the_next_waits_for_a_place() {
    let gateway = Gateway::with(Options {
        seed: Seed::None,
        connections: 1,
        spare_connections: 2,
        ..Options::default()
    })
    .await;
    // Each of them is held for as long as the test may take, and none is idle.
    let held = json!({ "operation": "GetApis", "times": 2, "delayInMillis": 600_000 });
    let faults = "/_stagewire/faults";
    gateway.call("POST", faults, held.to_string()).await;
    let head = format!(
        "GET /v2/apis HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n\r\n"
    );
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        taken.push(stream);
    }
    // One more, which stays open, asks until all of them have been taken.
    soon(async {
        while gateway.call("GET", faults, "").await.json()["items"] != json!([]) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut late = TcpStream::connect(gateway.address()).await.unwrap();
    late.write_all(head.as_bytes()).await.unwrap();
    // What is taken is served meanwhile, so that whoever takes connections had its turns.
    for _ in 0..10 {
        gateway.call("GET", faults, "").await;
    }
    let mut answer = [0; 12];
    let waiting = late.try_read(&mut answer).unwrap_err();
    assert_eq!(waiting.kind(), std::io::ErrorKind::WouldBlock);
    drop(taken.pop());
    soon(late.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn what_is_no_whole_request_of_this_protocol_is_told_so() {
    let gateway = Gateway::start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = answer_to(&gateway, preface).await;
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // A connection that ends between two requests ends without a word.
    let health = "GET /_stagewire/health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(health.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    soon(stream.read_to_string(&mut rest)).await.unwrap();
    assert!(answer == b"HTTP/1.1 200" && !rest.contains("HTTP/1.1"));
}

#[tokio::test]
async fn a_whole_request_whose_sender_leaves_is_not_said_to_break_off() {
    let gateway = Gateway::start().await;
    let held = json!({ "operation": "GetApis", "delayInMillis": 600_000 });
    let faults = "/_stagewire/faults";
    gateway.call("POST", faults, held.to_string()).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let request = format!(
        "GET /v2/apis HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("closed its half"), "{answer}");
    let left = gateway.call("GET", faults, "").await;
    assert_eq!(left.json()["items"], json!([]));
}

/// The same bytes every time.
fn bytes_without_pattern() -> impl FnMut() -> u8 {
    let mut state: u64 = 0x5eed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    }
}

#[tokio::test]
async fn whatever_comes_in_place_of_a_request_gets_one_answer_and_the_end() {
    let gateway = Gateway::start().await;
    let whole = format!(
        "POST /v2/apis HTTP/1.1\r\nhost: localhost\r\nauthorization: {SIGNED_FOR_CONTROL}\r\n\
         connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let mut next = bytes_without_pattern();
    for round in 0..300 {
        let mut bytes = whole.clone().into_bytes();
        match round % 3 {
            0 => bytes = (0..=next()).map(|_| next()).collect(),
            1 => bytes.truncate(1 + usize::from(next()) % (bytes.len() - 1)),
            _ => {
                let place = usize::from(next()) % bytes.len();
                bytes[place] = next();
            }
        }
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let _written = stream.write_all(&bytes).await;
        let _ended = stream.shutdown().await;
        let mut answer = Vec::new();
        let _read = soon(stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.get(9..12).unwrap_or_default();
        let known = ["400", "403", "404", "408", "413", "415", "431", "505"];
        assert!(
            known.contains(&status),
            "round {round}: {:?}: {answer}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[tokio::test]
async fn whatever_a_peer_sends_its_connection_ends_with_it_and_others_are_served() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "fine").await;
    api.deploy("prod").await;
    let handshake = format!(
        "GET {} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        api.stage_path("prod")
    );
    // The same numbers every time, and no pattern in them.
    let mut state: u64 = 0x5eed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    for round in 0..200 {
        let mut bytes = handshake.clone().into_bytes();
        let length = 1 + usize::from(next());
        let mut frames: Vec<u8> = (0..length).map(|_| next()).collect();
        if round % 2 == 0 {
            // Frames that begin well: an opcode that there is, a mask, a short length.
            frames[0] &= 0x8b;
            frames.insert(1, 0x80 | (next() & 0x3f));
        }
        bytes.extend(frames);
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let _written = stream.write_all(&bytes).await;
        let _ended = stream.shutdown().await;
        let mut heard = Vec::new();
        let _read = soon(stream.read_to_end(&mut heard)).await;
        assert!(heard.starts_with(b"HTTP/1.1 101 "), "round {round}");
    }
    soon(async {
        let listed = async || {
            gateway
                .call("GET", "/_stagewire/connections", "")
                .await
                .json()
        };
        while listed().await["items"] != json!([]) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "fine");
}

#[tokio::test]
async fn hostile_text_is_only_text() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "fine").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    for text in [
        deep.as_str(),
        "\u{1b}]0;title\u{7}\u{0}\u{202e}",
        r#"{"action":{"a":{"b":[1,2,{"c":null}]}}}"#,
        r#"{"action":"\u0000"}"#,
        r#"{"action":1e400}"#,
        r#"{"action":"a","action":"b"}"#,
    ] {
        let mut rest = text;
        let mut first = true;
        // Long texts go in legal frames.
        while !rest.is_empty() {
            use tokio_tungstenite::tungstenite::protocol::frame::{
                Frame,
                coding::{Data, OpCode},
            };
            let cut = rest.floor_char_boundary(30_000);
            let (part, after) = rest.split_at(cut);
            let opcode = OpCode::Data(if first { Data::Text } else { Data::Continue });
            let frame = Frame::message(part.to_owned(), opcode, after.is_empty());
            socket.send(Message::Frame(frame)).await.unwrap();
            (rest, first) = (after, false);
        }
        assert_eq!(next_text(&mut socket).await, "fine");
    }
}
