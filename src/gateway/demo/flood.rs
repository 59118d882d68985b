//! A stream of messages to one client at a steady rate, up to tens of thousands a second.
//!
//! One request at a time would be bound by the round trip, and many connections would lose the order. So the posts of
//! each beat are written to one connection together (HTTP/1.1 pipelining), and the next beat waits for their answers,
//! which is also what holds the stream back when the client is slow.

use std::{io, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::callback::{AUTHORIZATION, Callback};
use crate::gateway::outbound::Outbound;

/// Most messages of one stream.
const COUNT: u64 = 1_000_000;
/// Most messages a second.
const RATE: u64 = 50_000;
/// Time between two beats at high rates.
const BEAT: Duration = Duration::from_millis(10);
/// Most posts of one beat.
const BATCH: u64 = 1_000;
/// Longest head of an answer that is understood, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// A number of messages, and a rate in messages a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flood {
    count: u64,
    rate: u64,
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default = "ten")]
    count: u64,
    #[serde(default = "two")]
    rate: u64,
}

fn ten() -> u64 {
    10
}

fn two() -> u64 {
    2
}

impl Flood {
    /// Reads `{"count":N,"rate":R}`; both may be absent.
    pub(super) fn parse(body: &[u8]) -> Result<Flood, &'static str> {
        let wish: Wish = serde_json::from_slice(body)
            .map_err(|_| "count and rate are whole numbers, as in {\"action\":\"tick\",\"count\":10,\"rate\":2}")?;
        if !(1..=COUNT).contains(&wish.count) {
            return Err("count goes from 1 to 1000000");
        }
        if !(1..=RATE).contains(&wish.rate) {
            return Err("rate goes from 1 to 50000 a second");
        }
        Ok(Flood {
            count: wish.count,
            rate: wish.rate,
        })
    }

    /// Sends the messages, until all are sent or the client is gone.
    pub(super) async fn run(self, outbound: &Outbound, callback: &Callback) -> io::Result<()> {
        let stream = outbound.open(callback.uri()).await?;
        let mut pipe = Pipe {
            stream,
            read: Vec::new(),
            head: head(callback),
        };
        let started = Instant::now();
        let mut sent = 0;
        while sent < self.count {
            let due = self.due(started.elapsed()).min(sent + BATCH);
            if due > sent {
                if !pipe.post(sent + 1..=due, self.count).await? {
                    return Ok(());
                }
                sent = due;
            } else {
                let next = if self.gap() < BEAT {
                    started.elapsed() + BEAT
                } else {
                    self.time_of(sent + 1)
                };
                sleep_until(started + next).await;
            }
        }
        Ok(())
    }

    /// Returns the number of messages that are due after this time; the first is due at once.
    fn due(self, elapsed: Duration) -> u64 {
        let beats = elapsed.as_micros().saturating_mul(u128::from(self.rate)) / 1_000_000;
        u64::try_from(beats)
            .unwrap_or(u64::MAX)
            .saturating_add(1)
            .min(self.count)
    }

    /// Returns the time, from the start, at which the n-th message is due.
    fn time_of(self, n: u64) -> Duration {
        Duration::from_micros((n - 1).saturating_mul(1_000_000) / self.rate)
    }

    fn gap(self) -> Duration {
        Duration::from_micros(1_000_000 / self.rate)
    }
}

fn head(callback: &Callback) -> String {
    let uri = callback.uri();
    let path = uri.path();
    let host = uri.authority().map_or("", http::uri::Authority::as_str);
    format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {AUTHORIZATION}\r\n")
}

/// One connection over which posts are pipelined.
struct Pipe {
    stream: TcpStream,
    read: Vec<u8>,
    head: String,
}

impl Pipe {
    /// Posts the messages with these numbers and waits for all answers; false if the client is gone.
    async fn post(&mut self, numbers: std::ops::RangeInclusive<u64>, of: u64) -> io::Result<bool> {
        let mut expected = 0_usize;
        let mut requests = String::new();
        for number in numbers {
            let text = format!("{{\"tick\":{number},\"of\":{of}}}");
            let length = text.len().to_string();
            for piece in [&self.head, "content-length: ", &length, "\r\n\r\n", &text] {
                requests.push_str(piece);
            }
            expected += 1;
        }
        let (mut reader, mut writer) = self.stream.split();
        let writing = writer.write_all(requests.as_bytes());
        let reading = answers(&mut reader, &mut self.read, expected);
        let (written, alive) = tokio::join!(writing, reading);
        written?;
        alive
    }
}

/// Reads this many answers; false as soon as one is not a 200.
async fn answers(
    reader: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut Vec<u8>,
    expected: usize,
) -> io::Result<bool> {
    let mut left = expected;
    let mut start = 0;
    while left > 0 {
        match answer(&buffer[start..])? {
            Some((200, length)) => {
                start += length;
                left -= 1;
            }
            Some(_) => return Ok(false),
            None => {
                buffer.drain(..start);
                start = 0;
                if reader.read_buf(buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
    buffer.drain(..start);
    Ok(true)
}

/// Returns the status and whole length of the answer at the start of `bytes`, once its head and body are there.
fn answer(bytes: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > HEAD_BYTES {
            Err(malformed())
        } else {
            Ok(None)
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or_else(malformed)?;
    let body = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, length)| length.trim().parse::<usize>())
        .map_err(|_| malformed())?;
    let length = end + 4 + body;
    Ok((bytes.len() >= length).then_some((status, length)))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_have_bounds_and_defaults() {
        assert_eq!(Flood::parse(b"{}"), Ok(Flood { count: 10, rate: 2 }));
        assert_eq!(
            Flood::parse(b"{\"count\":1000000,\"rate\":50000}"),
            Ok(Flood {
                count: 1_000_000,
                rate: 50_000
            })
        );
        for wish in [
            "{\"count\":0}",
            "{\"count\":1000001}",
            "{\"rate\":0}",
            "{\"rate\":50001}",
            "{\"rate\":\"x\"}",
            "x",
        ] {
            assert!(Flood::parse(wish.as_bytes()).is_err(), "{wish}");
        }
    }

    #[test]
    fn messages_are_due_at_their_rate() {
        let flood = Flood {
            count: 100,
            rate: 10,
        };
        assert_eq!(flood.due(Duration::ZERO), 1);
        assert_eq!(flood.due(Duration::from_millis(99)), 1);
        assert_eq!(flood.due(Duration::from_millis(100)), 2);
        assert_eq!(flood.due(Duration::from_secs(1000)), 100);
        assert_eq!(flood.time_of(11), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn answers_are_counted_across_reads() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 410 Gone\r\n\r\n";
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut reader = first.chain(second);
            let mut buffer = Vec::new();
            assert!(answers(&mut reader, &mut buffer, 2).await.unwrap());
            assert!(!answers(&mut reader, &mut buffer, 1).await.unwrap());
        }
        let mut none: &[u8] = b"";
        assert!(answers(&mut none, &mut Vec::new(), 1).await.is_err());
    }
}
