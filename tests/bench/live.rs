//! What a link costs: the frame parser alone, and a burst from a socket to the consumer's hands.
//!
//! The budget is 300,000 messages of 100 bytes a second, at no more than 0.3 s of CPU for 100,000 of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that meets a surprise has no figure"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use stagewire::{
    live::{self, frames::FrameParser},
    model::{ConnectRequest, Direction, LinkEvent},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Messages of one burst.
const N_MESSAGES: usize = 100_000;

/// Bytes of payload of each.
const PAYLOAD: usize = 100;

/// What one read of a link asks for.
const CHUNK: usize = 64 * 1024;

fn frame(length: usize, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![0x81];
    match u8::try_from(length) {
        Ok(short) if short < 126 => frame.push(mask_bit | short),
        _ => {
            frame.push(mask_bit | 0x7e);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend(mask.iter().flatten());
    frame.extend(std::iter::repeat_n(b'x', length));
    frame
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame tap");
    for (name, length, mask) in [
        ("100 bytes in", PAYLOAD, None),
        ("100 bytes out, masked", PAYLOAD, Some([1, 2, 3, 4])),
        ("32 KiB in", 32 * 1024, None),
    ] {
        let frame = frame(length, mask);
        let wire = frame.repeat((1024 * 1024_usize).div_ceil(frame.len()));
        group.throughput(Throughput::Bytes(wire.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut parser = FrameParser::new(Direction::In);
                let mut records = Vec::new();
                for chunk in wire.chunks(CHUNK) {
                    parser.feed(chunk, Timestamp::UNIX_EPOCH, &mut records);
                    black_box(&records);
                    records.clear();
                }
            });
        });
    }
    group.finish();
}

fn intake(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let request = ConnectRequest {
        url: format!("ws://{}/", listener.local_addr().unwrap()),
        ..ConnectRequest::default()
    };
    drop(runtime.spawn(serve(listener)));
    let mut group = criterion.benchmark_group("burst from socket to batches");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N_MESSAGES as u64));
    group.bench_function("100 bytes", |bencher| {
        bencher.iter(|| runtime.block_on(take_burst(request.clone())));
    });
    group.finish();
}

/// Gives every client one burst.
async fn serve(listener: TcpListener) {
    let burst = frame(PAYLOAD, None).repeat(N_MESSAGES);
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        shake_hands(&mut stream).await;
        stream.write_all(&burst).await.unwrap();
        // The client leaves when it has everything; how it leaves does not matter.
        let _left = stream.read_to_end(&mut Vec::new()).await.is_ok();
    }
}

async fn shake_hands(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let answer = format!(
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

async fn take_burst(request: ConnectRequest) {
    let mut link = live::connect(request);
    let mut n_taken = 0;
    while n_taken < N_MESSAGES {
        match link.next().await {
            Some(LinkEvent::Frames(frames)) => {
                assert_eq!(frames.dropped, 0);
                n_taken += frames.records.len();
                black_box(frames);
            }
            Some(LinkEvent::Connecting | LinkEvent::Open(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

criterion_group!(benches, parse, intake);
criterion_main!(benches);
