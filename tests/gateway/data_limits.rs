//! Limits, each at its edge, and that the close code reaches the client.

use futures_util::{SinkExt, StreamExt};
use stagewire::gateway::{Options, Seed};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::support::gateway::{Backend, Behaviour, Gateway, Socket, close_code, next_text, soon};

const FRAME: usize = 32_768;

fn fragment(length: usize, opcode: Data, last: bool) -> Message {
    Message::Frame(Frame::message(
        "x".repeat(length),
        OpCode::Data(opcode),
        last,
    ))
}

/// Sends one message in frames of these lengths.
async fn send_in(socket: &mut Socket, lengths: &[usize]) {
    for (index, length) in lengths.iter().enumerate() {
        let opcode = if index == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let frame = fragment(*length, opcode, index + 1 == lengths.len());
        // A refused sender may find the connection closed under it; what counts is the close frame.
        if socket.feed(frame).await.is_err() {
            return;
        }
    }
    let _flushed = socket.flush().await;
}

async fn gateway_with_mock() -> (Gateway, String) {
    let gateway = Gateway::start().await;
    let path = {
        let api = gateway.api().await;
        api.mock("$default", "passed").await;
        api.deploy("prod").await;
        api.stage_path("prod")
    };
    (gateway, path)
}

#[tokio::test]
async fn the_longest_frames_and_messages_pass() {
    let (gateway, path) = gateway_with_mock().await;
    let mut socket = gateway.connect(&path).await;
    for lengths in [&[FRAME][..], &[FRAME; 4], &[1, FRAME, 1], &[0, 0, 5]] {
        send_in(&mut socket, lengths).await;
        assert_eq!(next_text(&mut socket).await, "passed", "{lengths:?}");
    }
}

#[tokio::test]
async fn one_byte_more_is_closed_with_1009() {
    let (gateway, path) = gateway_with_mock().await;
    for lengths in [
        &[FRAME + 1][..],
        &[FRAME, FRAME, FRAME, FRAME, 1],
        &[1, FRAME + 1],
        &[1_000_000],
        &[40_000; 20],
    ] {
        let mut socket = gateway.connect(&path).await;
        send_in(&mut socket, lengths).await;
        assert_eq!(close_code(&mut socket).await, 1009, "{lengths:?}");
    }
}

#[tokio::test]
async fn fragments_are_put_together_before_routing() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("join", "joined").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let text = r#"{"action":"join"}"#;
    for (index, byte) in text.bytes().enumerate() {
        let opcode = if index == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let last = index + 1 == text.len();
        let frame = Frame::message(vec![byte], OpCode::Data(opcode), last);
        socket.feed(Message::Frame(frame)).await.unwrap();
        if index == 5 {
            socket
                .feed(Message::Ping("in between".into()))
                .await
                .unwrap();
        }
    }
    socket.flush().await.unwrap();
    assert_eq!(next_text(&mut socket).await, "joined");
}

#[tokio::test]
async fn rule_breakers_are_told_which_rule() {
    let (gateway, path) = gateway_with_mock().await;
    let continued = Frame::message("x", OpCode::Data(Data::Continue), true);
    let not_utf8 = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    let mut reserved = Frame::message("x", OpCode::Data(Data::Text), true);
    reserved.header_mut().rsv1 = true;
    let ping = Frame::ping("x".repeat(200));
    for (frame, code) in [
        (continued, 1002),
        (not_utf8, 1007),
        (reserved, 1002),
        (ping, 1002),
    ] {
        let mut socket = gateway.connect(&path).await;
        socket.send(Message::Frame(frame)).await.unwrap();
        assert_eq!(close_code(&mut socket).await, code);
    }
    let mut socket = gateway.connect(&path).await;
    socket.send(Message::binary(vec![0; 10])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1003);
    // An unmasked frame.
    let mut socket = gateway.connect(&path).await;
    socket
        .get_mut()
        .write_all(&[0x81, 0x01, b'x'])
        .await
        .unwrap();
    assert_eq!(close_code(&mut socket).await, 1002);
}

#[tokio::test]
async fn long_answers_arrive_in_frames_of_32_kb() {
    let text = "é".repeat(50_000);
    let backend =
        Backend::start([("/big", Behaviour::Answers(200, vec![], text.clone().into()))]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let big = api.proxy(&backend.uri("/big")).await;
    api.two_way_route("$default", &big).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, text);

    // Once more, looking at the frames themselves.
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("x")).await.unwrap();
    let frames = soon(frames(socket.get_mut())).await;
    assert_eq!(
        frames,
        [
            (0x01, 32_768),
            (0x00, 32_768),
            (0x00, 32_768),
            (0x80, 1_696)
        ]
    );
}

/// The first byte and the payload length of every frame of a message.
async fn frames(stream: &mut tokio::net::TcpStream) -> Vec<(u8, usize)> {
    use tokio::io::AsyncReadExt;
    let mut frames = Vec::new();
    loop {
        let first = stream.read_u8().await.unwrap();
        let length = match stream.read_u8().await.unwrap() {
            126 => usize::from(stream.read_u16().await.unwrap()),
            127 => usize::try_from(stream.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        frames.push((first, length));
        if first & 0x80 != 0 {
            return frames;
        }
    }
}

async fn scaled(time_scale: f64) -> (Gateway, String) {
    let gateway = Gateway::with(Options {
        seed: Seed::None,
        time_scale,
        ..Options::default()
    })
    .await;
    let path = {
        let api = gateway.api().await;
        api.mock("$default", "passed").await;
        api.deploy("prod").await;
        api.stage_path("prod")
    };
    (gateway, path)
}

#[tokio::test]
async fn an_idle_connection_goes_away() {
    let (gateway, path) = scaled(6_000.0).await;
    let mut socket = gateway.connect(&path).await;
    let started = tokio::time::Instant::now();
    assert_eq!(close_code(&mut socket).await, 1001);
    assert!(started.elapsed().as_millis() >= 95);
}

#[tokio::test]
async fn a_busy_connection_lives_its_life_and_no_longer() {
    // Idle after 300 ms, dead after 3.6 s: a client that never pauses that long must see the second limit.
    let (gateway, path) = scaled(2_000.0).await;
    let mut socket = gateway.connect(&path).await;
    let started = tokio::time::Instant::now();
    let code = soon(async {
        loop {
            if socket.send(Message::text("x")).await.is_err() {
                return None;
            }
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => tokio::task::yield_now().await,
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(code, Some(1001));
    assert!(started.elapsed().as_millis() >= 3_500);
}
