//! How connections end that their clients do not end, and what `$disconnect` is told of it: once, or not at all.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use stagewire::gateway::{Options, Seed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::{
    data_handshake::{reported, reporting},
    support::gateway::{Backend, Gateway, Socket, close_code, closed, next_text, soon},
};

fn going_away() -> (String, String) {
    ("1001".to_owned(), "Going away".to_owned())
}

async fn fast() -> Gateway {
    Gateway::with(Options {
        seed: Seed::None,
        time_scale: 6_000.0,
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn the_idle_and_the_stopping_gateway_tell_disconnect_once() {
    let mut backend = Backend::start([]).await;
    let gateway = fast().await;
    let path = reporting(&gateway, &backend).await;
    let mut idle = gateway.connect(&path).await;
    assert_eq!(close_code(&mut idle).await, 1001);
    assert_eq!(reported(&mut backend).await, going_away());

    let slow = Gateway::start().await;
    let path = reporting(&slow, &backend).await;
    let mut open = slow.connect(&path).await;
    let stopping = soon(slow.running.stop());
    let (code, ()) = tokio::join!(close_code(&mut open), stopping);
    assert_eq!(code, 1001);
    assert_eq!(reported(&mut backend).await, going_away());
    assert!(backend.is_quiet());
}

/// What ends a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cause {
    Idle,
    Lifetime,
    Stop,
    StageDeleted,
    ApiDeleted,
    Callback,
    Binary,
    TooLong,
}

impl Cause {
    /// Lets it end the connection that is at the other end of `socket`; gives the close frame.
    async fn strike(
        self,
        gateway: &Gateway,
        path: &str,
        socket: &mut Socket,
    ) -> Option<CloseFrame> {
        socket.send(Message::text("who am I")).await.unwrap();
        let id = next_text(socket).await;
        let api = path[1..].split_once('/').unwrap().0;
        let delete = async |path: String| {
            assert_eq!(gateway.call("DELETE", &path, "").await.status, 204);
        };
        match self {
            Cause::Idle | Cause::Stop => {}
            Cause::Lifetime => return soon(busy(socket)).await,
            Cause::StageDeleted => delete(format!("/v2/apis/{api}/stages/prod")).await,
            Cause::ApiDeleted => delete(format!("/v2/apis/{api}")).await,
            Cause::Callback => delete(format!("{path}/@connections/{id}")).await,
            Cause::Binary => socket.send(Message::binary("x")).await.unwrap(),
            Cause::TooLong => socket
                .send(Message::text("x".repeat(32_769)))
                .await
                .unwrap(),
        }
        closed(socket).await
    }
}

/// Is never idle until the connection ends.
async fn busy(socket: &mut Socket) -> Option<CloseFrame> {
    loop {
        // Whether it left, what comes next tells.
        drop(socket.send(Message::text("x")).await);
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => return frame,
            Some(Ok(_)) => {}
            other => panic!("no close frame: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_client_and_disconnect_are_told_the_same_end_or_nobody_is_left_to_tell() {
    const GOING: (u16, &str) = (1001, "Going away");
    for (cause, (code, reason), is_reported) in [
        (Cause::Idle, GOING, true),
        (Cause::Lifetime, GOING, true),
        (Cause::Stop, GOING, true),
        (Cause::StageDeleted, GOING, false),
        (Cause::ApiDeleted, GOING, false),
        (Cause::Callback, (1000, "Connection Closed Normally"), true),
        (Cause::Binary, (1003, "Binary is not supported"), true),
        (Cause::TooLong, (1009, ""), true),
    ] {
        let mut backend = Backend::start([]).await;
        let gateway = match cause {
            Cause::Idle | Cause::Lifetime => fast().await,
            _ => Gateway::start().await,
        };
        let path = reporting(&gateway, &backend).await;
        let mut socket = gateway.connect(&path).await;
        let frame = if cause == Cause::Stop {
            let stopping = soon(gateway.running.stop());
            tokio::join!(closed(&mut socket), stopping).0
        } else {
            let frame = cause.strike(&gateway, &path, &mut socket).await;
            // A server that waits for its client to go would wait for this one.
            drop(socket);
            soon(gateway.running.stop()).await;
            frame
        };
        let told = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
        assert_eq!(told, Some((code, reason.to_owned())), "{cause:?}");
        if is_reported {
            let reported = reported(&mut backend).await;
            assert_eq!(reported, (code.to_string(), reason.to_owned()), "{cause:?}");
        }
        assert!(backend.is_quiet(), "{cause:?}");
    }
}

#[tokio::test]
async fn disconnect_runs_in_the_deployment_that_the_stage_serves_by_then() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let integration = api.proxy(&backend.uri("/later")).await;
    api.route("$disconnect", Some(&integration)).await;
    let later = api.create_deployment().await;
    api.point("prod", &later).await;
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "here");
    socket.send(Message::Close(None)).await.unwrap();
    assert_eq!(backend.received().await.uri, "/later");
}

#[tokio::test]
async fn a_client_that_neither_speaks_nor_hears_is_let_go() {
    let mut backend = Backend::start([]).await;
    let gateway = fast().await;
    let path = reporting(&gateway, &backend).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        gateway.address()
    );
    stream.write_all(handshake.as_bytes()).await.unwrap();
    // It answers no close frame and stays on the line, like a machine that lost its network.
    assert_eq!(reported(&mut backend).await, going_away());
    let listed = gateway.call("GET", "/_stagewire/connections", "").await;
    assert_eq!(listed.json()["items"], Value::Array(Vec::new()));
    let mut heard = Vec::new();
    let _read = soon(stream.read_to_end(&mut heard)).await;
    assert!(heard.starts_with(b"HTTP/1.1 101") && heard.ends_with(b"\x88\x0c\x03\xe9Going away"));
}

/// A client that goes on sending, from its handshake on, and reads nothing until it is closed.
async fn flooded(gateway: &Gateway, path: &str, begins: &[u8], goes_on: &[u8]) {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let mut bytes = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        gateway.address()
    )
    .into_bytes();
    bytes.extend(begins);
    stream.write_all(&bytes).await.unwrap();
    if goes_on.is_empty() {
        // It stays on the line without another byte.
        let mut heard = Vec::new();
        let _read = soon(stream.read_to_end(&mut heard)).await;
        return;
    }
    let flood = goes_on.repeat(1000);
    soon(async { while stream.write_all(&flood).await.is_ok() {} }).await;
}

#[tokio::test]
async fn messages_that_never_end_and_answers_that_nobody_reads_do_not_keep_a_connection() {
    const MASK: [u8; 4] = [0; 4];
    let mut backend = Backend::start([]).await;
    let gateway = fast().await;
    let path = reporting(&gateway, &backend).await;
    let frame = |head: [u8; 2], payload: &[u8]| [&head[..], &MASK, payload].concat();
    let text_begins = frame([0x01, 0x81], b"x");
    let nothing_follows = frame([0x00, 0x80], b"");
    let half_a_frame = [0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, b'x'];
    let message = frame([0x81, 0x81], b"x");
    // Half a frame, half a message, a message of empty parts without end: none of that is activity.
    flooded(&gateway, &path, &half_a_frame, &[]).await;
    assert_eq!(reported(&mut backend).await, going_away());
    flooded(&gateway, &path, &text_begins, &[]).await;
    assert_eq!(reported(&mut backend).await, going_away());
    flooded(&gateway, &path, &text_begins, &nothing_follows).await;
    assert_eq!(reported(&mut backend).await, going_away());
    // Each of these is answered, and nobody takes the answers.
    flooded(&gateway, &path, &message, &message).await;
    assert_eq!(reported(&mut backend).await, going_away());
    assert!(backend.is_quiet());
}

#[tokio::test]
async fn a_client_s_own_code_and_reason_are_echoed_and_told_to_disconnect() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let path = reporting(&gateway, &backend).await;
    for (code, reason) in [(1000, "done"), (1001, "off"), (3000, ""), (4999, "my own")] {
        let mut socket = gateway.connect(&path).await;
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        let close = Message::Close(Some(frame.clone()));
        socket.send(close).await.unwrap();
        assert_eq!(closed(&mut socket).await, Some(frame));
        let told = (code.to_string(), reason.to_owned());
        assert_eq!(reported(&mut backend).await, told);
    }
}

#[tokio::test]
async fn a_binary_message_is_refused_when_it_begins() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let path = reporting(&gateway, &backend).await;
    let mut socket = gateway.connect(&path).await;
    socket.feed(Message::text("first")).await.unwrap();
    let begins = Frame::message("x", OpCode::Data(Data::Binary), false);
    socket.send(Message::Frame(begins)).await.unwrap();
    next_text(&mut socket).await;
    let reason = "Binary is not supported";
    let frame = closed(&mut socket).await.unwrap();
    assert_eq!((frame.code.into(), frame.reason.as_str()), (1003, reason));
    let told = ("1003".to_owned(), reason.to_owned());
    assert_eq!(reported(&mut backend).await, told);
}
