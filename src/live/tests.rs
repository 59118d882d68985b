//! Links against servers on loopback, good and bad, and over a pipe with the clock held.

use std::{future::Future, io, pin::Pin, task, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{Message, handshake::derive_accept_key},
};

use super::*;
use crate::model::{
    Direction, FrameRecord, Opcode,
    link::{Closed, Opened, Refusal},
};

/// Longer than anything here takes; a test that waits this long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what)
        .await
        .expect("nothing happened in time")
}

/// A server for one connection, and a request for it.
async fn server<F, Fut>(serve: F) -> (ConnectRequest, JoinHandle<()>)
where
    F: FnOnce(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/prod", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    let request = ConnectRequest {
        url,
        ..ConnectRequest::default()
    };
    (request, task)
}

/// A server that speaks the protocol.
async fn websocket<F, Fut>(serve: F) -> (ConnectRequest, JoinHandle<()>)
where
    F: FnOnce(WebSocketStream<TcpStream>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    server(|stream| async { serve(accept_async(stream).await.unwrap()).await }).await
}

/// A server that reads the request, answers with these bytes and ends the connection.
async fn answering(answer: &'static [u8]) -> ConnectRequest {
    let (request, _task) = server(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(answer).await.unwrap();
    })
    .await;
    request
}

async fn read_request<S: AsyncReadExt + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// All that a link tells from now to its end.
#[derive(Debug, Default)]
struct Story {
    opened: Option<Opened>,
    records: Vec<FrameRecord>,
    dropped: u64,
    unsent: u64,
    end: Option<LinkEvent>,
}

impl Story {
    fn add(&mut self, event: LinkEvent) {
        assert!(self.end.is_none(), "{event:?} after the end");
        match event {
            LinkEvent::Connecting => assert!(self.opened.is_none()),
            LinkEvent::Open(opened) => self.opened = Some(opened),
            LinkEvent::Frames(frames) => {
                self.records.extend(frames.records);
                self.dropped += frames.dropped;
            }
            LinkEvent::Unsent(n) => self.unsent += n,
            end => self.end = Some(end),
        }
    }

    fn lines(&self) -> Vec<String> {
        self.records
            .iter()
            .map(|record| {
                let arrow = match record.direction {
                    Direction::In => '<',
                    Direction::Out => '>',
                };
                format!("{arrow} {} {}", record.opcode, record.payload_length)
            })
            .collect()
    }

    fn failure(self) -> LinkFailure {
        match self.end {
            Some(LinkEvent::Failed(failure)) => failure,
            other => panic!("{other:?} is no failure"),
        }
    }

    fn refusal(self) -> Refusal {
        match self.end {
            Some(LinkEvent::Refused(refusal)) => refusal,
            other => panic!("{other:?} is no refusal"),
        }
    }

    fn closed(self) -> Closed {
        match self.end {
            Some(LinkEvent::Closed(closed)) => closed,
            other => panic!("{other:?} is no close"),
        }
    }
}

async fn story(link: &mut Link) -> Story {
    let mut story = Story::default();
    while let Some(event) = in_time(link.next()).await {
        story.add(event);
    }
    story
}

async fn opened(link: &mut Link) -> Opened {
    assert_eq!(in_time(link.next()).await, Some(LinkEvent::Connecting));
    match in_time(link.next()).await {
        Some(LinkEvent::Open(opened)) => opened,
        other => panic!("{other:?} is not Open"),
    }
}

#[tokio::test]
async fn messages_go_both_ways_and_every_frame_is_recorded() {
    let (request, server) = websocket(|mut socket| async move {
        let message = socket.next().await.unwrap().unwrap();
        socket.send(Message::Ping(Bytes::new())).await.unwrap();
        socket.send(message).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut link = connect(request);
    opened(&mut link).await;
    let sender = link.sender();
    sender.send(Outgoing::Text("hello".into())).await.unwrap();
    let mut story = Story::default();
    while story.records.len() < 4 {
        story.add(in_time(link.next()).await.unwrap());
    }
    sender
        .send(Outgoing::Close(Some((1000, "bye".into()))))
        .await
        .unwrap();
    while let Some(event) = in_time(link.next()).await {
        story.add(event);
    }
    let mut lines = story.lines();
    // The pong may leave before or after the text is read.
    let pong = lines.iter().position(|line| line == "> pong 0").unwrap();
    lines.remove(pong);
    assert_eq!(
        lines,
        ["> text 5", "< ping 0", "< text 5", "> close 5", "< close 5"]
    );
    assert!(story.records[0].is_masked);
    assert_eq!(&story.records[0].payload[..], b"hello");
    let closed = story.closed();
    assert_eq!((closed.code, closed.by_us), (1000, true));
    assert_eq!(closed.reason, "bye");
    in_time(server).await.unwrap();
    assert!(matches!(
        sender.send(Outgoing::Text("late".into())).await,
        Err(SendError::Ended(_))
    ));
}

#[tokio::test]
async fn a_long_text_leaves_in_frames_and_arrives_as_one_message() {
    let (request, server) = websocket(|mut socket| async move {
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message.len(), 40_000);
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message.len(), 40_001);
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut link = connect(request);
    let sender = link.sender();
    sender
        .send(Outgoing::Text("é".repeat(20_000)))
        .await
        .unwrap();
    sender
        .send(Outgoing::Unsplit("x".repeat(40_001)))
        .await
        .unwrap();
    let story = story(&mut link).await;
    assert_eq!(
        story.lines()[..3],
        ["> text 32768", "> cont 7232", "> text 40001"]
    );
    let parts: Vec<_> = story.records.iter().map(|record| record.part).collect();
    assert_eq!(parts[..3], [1, 2, 1]);
    assert!(!story.records[0].is_final && story.records[1].is_final);
    let closed = story.closed();
    assert_eq!((closed.code, closed.by_us), (1005, false));
    in_time(server).await.unwrap();
}

#[tokio::test]
async fn a_refusal_keeps_status_headers_and_body() {
    let request = answering(
        b"HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: ForbiddenException\r\nContent-Length: 23\r\n\r\n{\"message\":\"Forbidden\"}and more",
    )
    .await;
    let refusal = story(&mut connect(request)).await.refusal();
    assert_eq!(refusal.status, 403);
    assert_eq!(&refusal.body[..], b"{\"message\":\"Forbidden\"}");
    assert!(refusal.headers.contains(&(
        "x-amzn-errortype".to_owned(),
        "ForbiddenException".to_owned()
    )));
}

#[tokio::test]
async fn a_refusal_in_chunks_is_joined() {
    let request = answering(
        b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    let refusal = story(&mut connect(request)).await.refusal();
    assert_eq!((refusal.status, &refusal.body[..]), (500, &b"abcde"[..]));
}

#[tokio::test]
async fn a_web_page_is_a_refusal_with_its_page() {
    let request =
        answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html></html>").await;
    let refusal = story(&mut connect(request)).await.refusal();
    assert_eq!(
        (refusal.status, &refusal.body[..]),
        (200, &b"<html></html>"[..])
    );
}

#[track_caller]
fn check_failure(failure: &LinkFailure, step: &LinkStep, sentence: &str) {
    assert_eq!(&failure.step, step, "{failure:?}");
    assert!(
        failure.causes.iter().any(|cause| cause.contains(sentence)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn answers_that_are_no_handshake_are_told_apart() {
    for (answer, sentence) in [
        (&b""[..], "without an answer"),
        (b"HTTP/1.1 1", "in the middle of its answer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "not an HTTP answer"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "not an HTTP answer"),
        (b"HTTP/1.1 101 Yes\r\n\r\n", "Upgrade: websocket"),
        (
            b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n",
            "Connection: Upgrade",
        ),
        (
            b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
            "does not fit our key",
        ),
    ] {
        let request = answering(answer).await;
        let failure = story(&mut connect(request)).await.failure();
        check_failure(&failure, &LinkStep::Handshake, sentence);
    }
}

#[tokio::test]
async fn an_endless_head_is_given_up() {
    let (request, server) = server(|mut stream| async move {
        read_request(&mut stream).await;
        let line = format!("x: {}\r\n", "y".repeat(1000));
        stream.write_all(b"HTTP/1.1 101 Yes\r\n").await.unwrap();
        while stream.write_all(line.as_bytes()).await.is_ok() {}
    })
    .await;
    let failure = story(&mut connect(request)).await.failure();
    assert_eq!(failure.step, LinkStep::Handshake, "{failure:?}");
    in_time(server).await.unwrap();
}

#[tokio::test]
async fn a_url_that_is_none_fails_before_any_connection() {
    let request = ConnectRequest {
        url: "https://example.test/prod".into(),
        ..ConnectRequest::default()
    };
    let failure = story(&mut connect(request)).await.failure();
    check_failure(&failure, &LinkStep::Request, "ws:// or wss://");
}

#[tokio::test]
async fn a_refused_port_fails_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let request = ConnectRequest {
        url: format!("ws://{address}/prod"),
        ..ConnectRequest::default()
    };
    let failure = story(&mut connect(request)).await.failure();
    check_failure(&failure, &LinkStep::Connect, &address.to_string());
    check_failure(&failure, &LinkStep::Connect, "refused");
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_fails_in_that_step() {
    let (mut request, _server) = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
    })
    .await;
    request.url = request.url.replace("ws://", "wss://");
    let failure = story(&mut connect(request)).await.failure();
    assert_eq!(failure.step, LinkStep::Tls);
}

#[tokio::test]
async fn dropping_a_link_ends_the_connection() {
    let (request, server) = websocket(|mut socket| async move {
        let end = socket.next().await;
        assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    })
    .await;
    let mut link = connect(request);
    opened(&mut link).await;
    drop(link);
    in_time(server).await.unwrap();
}

#[tokio::test]
async fn what_the_server_says_with_its_answer_is_not_lost() {
    let (request, _server) = server(|mut stream| async move {
        let head = read_request(&mut stream).await;
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        let accept = derive_accept_key(key.as_bytes());
        let mut answer = format!(
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .into_bytes();
        answer.extend(b"\x81\x05hello\x88\x04\x03\xe9go");
        stream.write_all(&answer).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    })
    .await;
    let mut story = story(&mut connect(request)).await;
    let opened = story.opened.take().unwrap();
    assert!(opened.headers.iter().any(|(name, _)| name == "upgrade"));
    assert_eq!(story.lines(), ["< text 5", "< close 4", "> close 4"]);
    let closed = story.closed();
    assert_eq!((closed.code, &closed.reason[..]), (1001, "go"));
    assert!(!closed.by_us);
}

/// An open link over a pipe whose far end the test holds.
struct Pipe {
    far: DuplexStream,
    orders: mpsc::Sender<Outgoing>,
    events: mpsc::Receiver<LinkEvent>,
}

fn pipe() -> Pipe {
    let (near, far) = tokio::io::duplex(1024 * 1024);
    let (orders, mut orders_in) = mpsc::channel(ORDERS);
    let (events_out, events) = mpsc::channel(EVENTS);
    drop(tokio::spawn(async move {
        let tap = Tap::new(near, Bytes::new());
        if let Some((end, n_unsent)) = link::run(tap, &mut orders_in, &events_out).await {
            let n_unsent = n_unsent + n_waiting(&mut orders_in);
            if n_unsent > 0 {
                events_out.send(LinkEvent::Unsent(n_unsent)).await.unwrap();
            }
            events_out.send(end).await.unwrap();
        }
    }));
    Pipe {
        far,
        orders,
        events,
    }
}

impl Pipe {
    async fn story(&mut self) -> Story {
        let mut story = Story::default();
        while let Some(event) = in_time(self.events.recv()).await {
            story.add(event);
        }
        story
    }
}

/// Returns the story of a link that gets these bytes from a peer that then waits for the end.
async fn told(bytes: &[u8]) -> Story {
    let mut pipe = pipe();
    pipe.far.write_all(bytes).await.unwrap();
    pipe.story().await
}

#[tokio::test]
async fn frames_that_break_the_rules_are_shown_and_end_the_link() {
    for (bytes, shown, sentence, last_word) in [
        (
            &b"\x81\x82\x00\x00\x00\x00hi"[..],
            "< text 2",
            "masked",
            "> close 2",
        ),
        (b"\xc1\x02hi", "< text 2", "Reserved bits", "> close 2"),
        (b"\x83\x00", "< 0x3 0", "invalid opcode: 3", "> close 2"),
        (b"\x80\x02hi", "< cont 2", "Continue frame", "> close 2"),
        (b"\x81\x02\xff\xfe", "< text 2", "not UTF-8", "> close 2"),
        (b"\x09\x00", "< ping 0", "ragmented control", "> close 2"),
    ] {
        let story = told(bytes).await;
        assert_eq!(story.lines(), [shown, last_word]);
        let code = story.records[1].close().unwrap().0;
        let failure = story.failure();
        let causes = failure.causes.join("; ").to_lowercase();
        assert!(causes.contains(&sentence.to_lowercase()), "{causes}");
        assert_eq!(failure.step, LinkStep::Rule(code));
    }
}

#[tokio::test]
async fn a_huge_announced_length_ends_the_link_with_the_reason() {
    let failure = told(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffab")
        .await
        .failure();
    check_failure(&failure, &LinkStep::Rule(1009), "more than stagewire takes");
    check_failure(
        &failure,
        &LinkStep::Rule(1009),
        "2 of 9223372036854775807 bytes had come",
    );
}

#[tokio::test]
async fn a_connection_that_breaks_fails_with_what_was_under_way() {
    let mut pipe = pipe();
    pipe.far.write_all(b"\x81\x05hel").await.unwrap();
    let (story, ()) = tokio::join!(
        async {
            let mut story = Story::default();
            while let Some(event) = in_time(pipe.events.recv()).await {
                story.add(event);
            }
            story
        },
        async { drop(pipe.far) }
    );
    let failure = story.failure();
    check_failure(&failure, &LinkStep::Open, "without a close frame");
    check_failure(&failure, &LinkStep::Open, "3 of 5 bytes");
}

#[tokio::test(start_paused = true)]
async fn our_close_waits_two_seconds_for_the_echo() {
    let mut pipe = pipe();
    let before = tokio::time::Instant::now();
    pipe.orders
        .send(Outgoing::Close(Some((1000, String::new()))))
        .await
        .unwrap();
    let story = pipe.story().await;
    assert_eq!(story.lines(), ["> close 2"]);
    let closed = story.closed();
    assert_eq!((closed.code, closed.by_us), (1000, true));
    assert_eq!(before.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_and_lingers_is_waited_for_one_second() {
    let before = tokio::time::Instant::now();
    let story = told(b"\x88\x00").await;
    assert_eq!(story.lines(), ["< close 0", "> close 0"]);
    let closed = story.closed();
    assert_eq!((closed.code, closed.by_us), (1005, false));
    assert_eq!(before.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let (mut near, _far) = tokio::io::duplex(4096);
    let request = Request::new(&"ws://a/b".parse().unwrap(), &ConnectRequest::default()).unwrap();
    let error = handshake::shake(&mut near, &request).await.err().unwrap();
    assert!(error.to_string().contains("did not answer within 10 s"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_body_never_ends_is_told_with_what_came() {
    let (mut near, mut far) = tokio::io::duplex(4096);
    far.write_all(b"HTTP/1.1 503 No\r\nContent-Length: 100\r\n\r\npart")
        .await
        .unwrap();
    let request = Request::new(&"ws://a/b".parse().unwrap(), &ConnectRequest::default()).unwrap();
    match handshake::shake(&mut near, &request).await.unwrap() {
        HandshakeAnswer::Refused(refusal) => assert_eq!(&refusal.body[..], b"part"),
        HandshakeAnswer::Open { .. } => panic!("it opened"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_frame_after_quiet_comes_at_once_and_the_next_ones_together() {
    let mut pipe = pipe();
    let before = tokio::time::Instant::now();
    pipe.far.write_all(b"\x81\x01a").await.unwrap();
    assert!(matches!(pipe.events.recv().await, Some(LinkEvent::Frames(f)) if f.records.len() == 1));
    assert_eq!(before.elapsed(), Duration::ZERO);
    pipe.far.write_all(b"\x81\x01b\x81\x01c").await.unwrap();
    assert!(matches!(pipe.events.recv().await, Some(LinkEvent::Frames(f)) if f.records.len() == 2));
    assert_eq!(before.elapsed(), Duration::from_millis(16));
}

#[tokio::test]
async fn a_flood_is_kept_whole() {
    const N: usize = 100_000;
    let mut pipe = pipe();
    let mut far = pipe.far;
    let flood = tokio::spawn(async move {
        let burst = b"\x82\x04\x00\x01\x02\x03".repeat(1000);
        for _ in 0..N / 1000 {
            far.write_all(&burst).await.unwrap();
        }
        far
    });
    let mut n_records = 0;
    while n_records < N {
        match in_time(pipe.events.recv()).await {
            Some(LinkEvent::Frames(frames)) => {
                assert_eq!(frames.dropped, 0);
                n_records += frames.records.len();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_records, N);
    drop(in_time(flood).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_sleeps_loses_frames_that_are_counted_and_pings_are_still_answered() {
    const N: u64 = 200_000;
    let mut pipe = pipe();
    let (mut far_read, mut far_write) = tokio::io::split(pipe.far);
    let flood = tokio::spawn(async move {
        let burst = b"\x82\x04\x00\x01\x02\x03".repeat(1000);
        for _ in 0..N / 1000 {
            far_write.write_all(&burst).await.unwrap();
        }
        far_write.write_all(b"\x89\x00").await.unwrap();
    });
    // Nobody takes an event until the pong is there.
    let mut pong = [0; 6];
    far_read.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong[0], 0x8a);
    flood.await.unwrap();
    let mut n_seen = 0;
    while n_seen < N + 2 {
        match pipe.events.recv().await {
            Some(LinkEvent::Frames(frames)) => {
                n_seen += frames.records.len() as u64 + frames.dropped;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_seen, N + 2);
}

#[tokio::test]
async fn a_peer_that_takes_nothing_does_not_stop_reading() {
    let mut pipe = pipe();
    pipe.orders
        .send(Outgoing::Unsplit("x".repeat(3 * 1024 * 1024)))
        .await
        .unwrap();
    pipe.far.write_all(b"\x81\x02hi").await.unwrap();
    match in_time(pipe.events.recv()).await {
        Some(LinkEvent::Frames(frames)) => {
            assert_eq!(frames.records[0].opcode, Opcode::Text);
            assert_eq!(frames.records[0].direction, Direction::In);
        }
        other => panic!("{other:?}"),
    }
}

/// Begins a message and then adds to it for ever, until nobody takes it.
async fn endless_message(mut far: impl AsyncWriteExt + Unpin, part: &[u8]) {
    let parts = part.repeat((64 * 1024_usize).div_ceil(part.len()));
    let mut is_taken = far.write_all(b"\x01\x01x").await.is_ok();
    while is_taken {
        is_taken = far.write_all(&parts).await.is_ok();
    }
}

#[tokio::test]
async fn a_message_that_never_ends_comes_in_batches_and_orders_are_obeyed_meanwhile() {
    let mut pipe = pipe();
    let (_far_read, far_write) = tokio::io::split(pipe.far);
    let flood = tokio::spawn(endless_message(far_write, b"\x00\x00"));
    let mut n_records = 0;
    let mut is_closing = false;
    let end = loop {
        match in_time(pipe.events.recv()).await.unwrap() {
            LinkEvent::Frames(frames) => {
                assert!(frames.records.len() <= delivery::MOST_FRAMES);
                n_records += frames.records.len();
            }
            end => break end,
        }
        if n_records > 100_000 && !is_closing {
            is_closing = true;
            let goodbye = Outgoing::Close(Some((1000, String::new())));
            pipe.orders.send(goodbye).await.unwrap();
        }
    };
    // The peer never answers, so that our own patience ends it.
    assert!(matches!(end, LinkEvent::Closed(closed) if closed.by_us));
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_never_ends_is_not_hoarded_for_a_consumer_that_sleeps() {
    const N: usize = 1_000_000;
    let mut pipe = pipe();
    pipe.far.write_all(b"\x01\x00").await.unwrap();
    for _ in 0..N / 10_000 {
        // Nobody takes an event meanwhile.
        pipe.far
            .write_all(&b"\x00\x00".repeat(10_000))
            .await
            .unwrap();
    }
    let mut n_records = 0;
    let mut dropped = 0;
    while n_records + dropped < N {
        match pipe.events.recv().await.unwrap() {
            LinkEvent::Frames(frames) => {
                n_records += frames.records.len();
                dropped += usize::try_from(frames.dropped).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(dropped > N / 2, "{n_records} were kept");
}

#[tokio::test]
async fn a_message_of_more_than_16_mib_ends_the_link_with_the_reason() {
    let mut pipe = pipe();
    let far = std::mem::replace(&mut pipe.far, tokio::io::duplex(1).0);
    let (far_read, far_write) = tokio::io::split(far);
    let part = [&b"\x00\x7e\xff\xff"[..], &vec![b'x'; 0xffff]].concat();
    let flood = tokio::spawn(async move { endless_message(far_write, &part).await });
    let story = pipe.story().await;
    let in_parts: u64 = story.records.iter().map(|r| r.payload_length).sum();
    assert!((16 << 20..17 << 20).contains(&(in_parts + story.dropped * 0xffff)));
    check_failure(
        &story.failure(),
        &LinkStep::Rule(1009),
        "more than stagewire takes",
    );
    drop(far_read);
    in_time(flood).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_ordered_after_a_close_is_counted_as_unsent() {
    let mut pipe = pipe();
    for order in [
        Outgoing::Text("before".into()),
        Outgoing::Close(None),
        Outgoing::Text("after".into()),
        Outgoing::Ping(Bytes::new()),
        Outgoing::Unsplit("after".into()),
    ] {
        pipe.orders.send(order).await.unwrap();
    }
    let story = pipe.story().await;
    assert_eq!(story.lines(), ["> text 6", "> close 0"]);
    assert_eq!(story.unsent, 2);
}

#[tokio::test]
async fn a_message_that_did_not_leave_whole_is_unsent() {
    let mut pipe = pipe();
    let long = "x".repeat(3 * 1024 * 1024);
    pipe.orders.send(Outgoing::Unsplit(long)).await.unwrap();
    pipe.orders
        .send(Outgoing::Text("waits".into()))
        .await
        .unwrap();
    // The first byte says that it is on its way.
    pipe.far.read_u8().await.unwrap();
    pipe.far.write_all(b"\x88\x00").await.unwrap();
    assert_eq!(pipe.story().await.unsent, 2);
}

#[tokio::test]
async fn what_waits_for_a_handshake_that_is_refused_is_unsent() {
    let request = answering(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").await;
    let mut link = connect(request);
    link.sender()
        .send(Outgoing::Text("hello".into()))
        .await
        .unwrap();
    assert_eq!(story(&mut link).await.unsent, 1);
}

#[tokio::test(start_paused = true)]
async fn a_close_code_that_no_frame_may_carry_is_a_broken_rule() {
    let story = told(b"\x88\x02\x03\xe7").await;
    assert_eq!(story.records[1].close().unwrap().0, 1002);
    let failure = story.failure();
    check_failure(&failure, &LinkStep::Rule(1002), "closed with code 999");
}

/// A connection whose peer is gone: the system gives it up.
struct Lost;

impl tokio::io::AsyncRead for Lost {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl tokio::io::AsyncWrite for Lost {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_ends_the_link_with_that_reason() {
    let (_orders, mut orders_in) = mpsc::channel(ORDERS);
    let (events_out, _events) = mpsc::channel(EVENTS);
    let tap = Tap::new(Lost, Bytes::new());
    match in_time(link::run(tap, &mut orders_in, &events_out)).await {
        Some((LinkEvent::Failed(failure), 0)) => {
            check_failure(
                &failure,
                &LinkStep::Open,
                "nothing was heard of the peer for 30 s",
            );
        }
        other => panic!("{other:?}"),
    }
}
