//! How connections end that their clients do not end, and what `$disconnect` is told of it: once, or not at all.

use futures_util::SinkExt;
use serde_json::{Value, json};
use stagewire::gateway::{Options, Seed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    data_handshake::{reported, reporting},
    support::gateway::{Backend, Gateway, close_code, closed, next_text, soon},
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
    let frame = closed(&mut idle).await.unwrap();
    let told = (u16::from(frame.code), frame.reason.as_str());
    assert_eq!(told, (1001, ""));
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

#[tokio::test]
async fn what_is_deleted_cannot_tell_anybody() {
    let backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    for what in ["/stages/prod", ""] {
        let path = reporting(&gateway, &backend).await;
        let api = path[1..].split_once('/').unwrap().0.to_owned();
        let mut socket = gateway.connect(&path).await;
        let deleted = format!("/v2/apis/{api}{what}");
        gateway.control("DELETE", &deleted, json!(null)).await;
        let frame = closed(&mut socket).await.unwrap();
        let told = (u16::from(frame.code), frame.reason.as_str());
        assert_eq!(told, (1001, "Going away"), "{what}");
    }
    soon(gateway.running.stop()).await;
    assert!(backend.is_quiet());
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
    assert!(heard.starts_with(b"HTTP/1.1 101") && heard.ends_with(&[0x88, 2, 0x03, 0xe9]));
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
async fn a_binary_message_is_refused_when_it_begins() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let path = reporting(&gateway, &backend).await;
    let mut socket = gateway.connect(&path).await;
    socket.feed(Message::text("first")).await.unwrap();
    let begins = Frame::message("x", OpCode::Data(Data::Binary), false);
    socket.send(Message::Frame(begins)).await.unwrap();
    next_text(&mut socket).await;
    assert_eq!(close_code(&mut socket).await, 1003);
    assert_eq!(reported(&mut backend).await.0, "1003");
}
