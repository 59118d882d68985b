//! Round trips through the gateway (a mock, two-way) against a bare tokio-tungstenite echo, as ratios, and the memory of
//! an open connection. The clients' cost flatters the gateway; the bare echo is flattered alike.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt, future::join_all};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::support::{Gateway, Socket};

/// One message, 96 bytes of JSON, and the reply of the same length.
const MESSAGE: &str = r#"{"action":"echo","data":"0123456789012345678901234567890123456789012345678901234567890123456"}"#;
/// How long each measurement runs.
const SPAN: Duration = Duration::from_secs(3);
/// Measurements of each kind, taken in turn; the best of each counts, as what disturbs only slows.
const TURNS: usize = 3;
const OPEN: usize = 5_000;

pub(crate) async fn run() {
    let bare = bare_echo().await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("echo", &MESSAGE.replace('$', "")).await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    // First of all, while the allocator has nothing to give back.
    memory(gateway.address(), &path).await;
    println!("round trips of {} bytes", MESSAGE.len());
    for connections in [1, 50, 500] {
        let mut best = (Measure::default(), Measure::default());
        for _ in 0..TURNS {
            best.0 = best
                .0
                .better(measure(connect_all(bare, "/", connections).await).await);
            best.1 = best
                .1
                .better(measure(connect_all(gateway.address(), &path, connections).await).await);
        }
        let (plain, ours) = best;
        println!(
            "{connections:>4} connections: bare {:>8.0}/s p99 {:>6.0} us, gateway {:>8.0}/s p99 {:>6.0} us, \
             rate {:.2}, p99 {:.2}",
            plain.rate,
            plain.p99_us,
            ours.rate,
            ours.p99_us,
            ours.rate / plain.rate,
            ours.p99_us / plain.p99_us,
        );
    }
}

#[derive(Debug, Clone, Copy)]
struct Measure {
    rate: f64,
    p99_us: f64,
}

impl Default for Measure {
    fn default() -> Measure {
        Measure {
            rate: 0.0,
            p99_us: f64::INFINITY,
        }
    }
}

impl Measure {
    fn better(self, other: Measure) -> Measure {
        Measure {
            rate: self.rate.max(other.rate),
            p99_us: self.p99_us.min(other.p99_us),
        }
    }
}

async fn bare_echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    address
}

async fn echo(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() || socket.send(message).await.is_err() {
            return;
        }
    }
}

pub(crate) async fn connect_all(
    address: SocketAddr,
    path: &str,
    connections: usize,
) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{address}{path}");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        sockets.push(socket);
    }
    sockets
}

/// Sends and waits for the reply, over and over, on every socket at once.
async fn measure(sockets: Vec<Socket>) -> Measure {
    let end = Instant::now() + SPAN;
    let tasks = sockets.into_iter().map(|mut socket| {
        tokio::spawn(async move {
            let mut times = Vec::new();
            let mut before = Instant::now();
            while before < end {
                socket.send(Message::text(MESSAGE)).await.unwrap();
                let reply = socket.next().await.unwrap().unwrap();
                assert_eq!(reply.len(), MESSAGE.len());
                let after = Instant::now();
                times.push(after - before);
                before = after;
            }
            times
        })
    });
    let mut times: Vec<Duration> = join_all(tasks)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    times.sort_unstable();
    let index = times.len() * 99 / 100;
    Measure {
        rate: f64::from(u32::try_from(times.len()).unwrap()) / SPAN.as_secs_f64(),
        p99_us: times[index].as_secs_f64() * 1e6,
    }
}

/// How much the process grows for each connection that the gateway holds. The clients are bare TCP streams, so that
/// next to nothing of it is theirs.
async fn memory(address: SocketAddr, path: &str) {
    let Some(before) = resident_bytes() else {
        println!("memory: not measured on this system");
        return;
    };
    // One first, for what is made once.
    let mut streams = vec![bare_client(address, path).await];
    let before = resident_bytes().unwrap_or(before);
    for _ in 0..OPEN {
        streams.push(bare_client(address, path).await);
    }
    let after = resident_bytes().unwrap();
    println!(
        "memory: {} bytes for each of {OPEN} open connections",
        after.saturating_sub(before) / OPEN
    );
}

async fn bare_client(address: SocketAddr, path: &str) -> TcpStream {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 512];
    let read = stream.read(&mut head).await.unwrap();
    assert!(head[..read].starts_with(b"HTTP/1.1 101"));
    stream
}

fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
