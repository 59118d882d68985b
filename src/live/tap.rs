//! The tap: lies above TLS and below the WebSocket library, passes every byte on, and records the frames they form.
//!
//! The tap begins after the handshake. What came together with the end of the handshake's answer is handed to it,
//! recorded, and read from it first.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{clock, frames::FrameParser};
use crate::model::{Direction, FrameRecord};

/// A stream of frames that remembers them.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    /// Bytes that were read with the handshake's answer and belong to the frames.
    early: Bytes,
    incoming: FrameParser,
    outgoing: FrameParser,
    records: Vec<FrameRecord>,
    /// Bytes of payload in the records.
    held_bytes: usize,
    /// Frames and bytes of payload; nothing is read while either is held.
    pause_at: (usize, usize),
}

impl<S> Tap<S> {
    /// A tap on a stream whose handshake is over; `early` is what was already read of the frames.
    pub fn new(stream: S, early: Bytes) -> Self {
        Self {
            stream,
            early,
            incoming: FrameParser::new(Direction::In),
            outgoing: FrameParser::new(Direction::Out),
            records: Vec::new(),
            held_bytes: 0,
            pause_at: (usize::MAX, usize::MAX),
        }
    }

    /// Reads nothing once that many frames, or bytes of payload, are held and not taken. A read that finds it so is
    /// pending and wakes nobody: who sets this takes what is held, or allows more, and asks again.
    ///
    /// It may be exceeded by what one read brings.
    pub fn pause_at(&mut self, n_records: usize, n_bytes: usize) {
        self.pause_at = (n_records, n_bytes);
    }

    /// True while so much is held that nothing is read.
    pub fn is_paused(&self) -> bool {
        self.records.len() >= self.pause_at.0 || self.held_bytes >= self.pause_at.1
    }

    /// Returns the number of payload bytes in the frames that were not taken.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The frames recorded since the last time they were taken, in the order in which they crossed the wire.
    pub fn records(&self) -> &[FrameRecord] {
        &self.records
    }

    /// Takes the oldest frames, at most that many.
    pub fn take_records(&mut self, at_most: usize) -> Vec<FrameRecord> {
        let n_taken = self.records.len().min(at_most);
        let mut rest = Vec::with_capacity((self.records.len() - n_taken).max(n_taken.min(1024)));
        rest.extend(self.records.drain(n_taken..));
        let taken = mem::replace(&mut self.records, rest);
        self.held_bytes -= bytes_of(&taken);
        taken
    }

    /// The parser of what the peer sends, to ask it what is unfinished or unreadable.
    pub fn incoming(&self) -> &FrameParser {
        &self.incoming
    }
}

fn bytes_of(records: &[FrameRecord]) -> usize {
    records.iter().map(|record| record.payload.len()).sum()
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tap = &mut *self;
        if tap.is_paused() {
            return Poll::Pending;
        }
        let n_before = buffer.filled().len();
        if tap.early.is_empty() {
            ready!(Pin::new(&mut tap.stream).poll_read(context, buffer))?;
        } else {
            let n = tap.early.len().min(buffer.remaining());
            buffer.put_slice(&tap.early[..n]);
            tap.early.advance(n);
        }
        let chunk = &buffer.filled()[n_before..];
        if !chunk.is_empty() {
            let n_records = tap.records.len();
            tap.incoming.feed(chunk, clock::now(), &mut tap.records);
            tap.held_bytes += bytes_of(&tap.records[n_records..]);
        }
        Poll::Ready(Ok(()))
    }
}

/// Vectored writes are left to the default, which writes the first slice: what is recorded is then what was accepted.
impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tap = &mut *self;
        let n = ready!(Pin::new(&mut tap.stream).poll_write(context, bytes))?;
        if n > 0 {
            let n_records = tap.records.len();
            tap.outgoing
                .feed(&bytes[..n], clock::now(), &mut tap.records);
            tap.held_bytes += bytes_of(&tap.records[n_records..]);
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn early_bytes_are_recorded_and_read_first() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut tap = Tap::new(near, Bytes::from_static(b"\x81\x05he"));
        far.write_all(b"llo\x89\x00").await.unwrap();
        let mut read = [0; 9];
        tap.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"\x81\x05hello\x89\x00");
        let records = tap.take_records(usize::MAX);
        assert_eq!(&records[0].payload[..], b"hello");
        assert_eq!(records.len(), 2);
        assert!(tap.records().is_empty());
    }

    #[tokio::test]
    async fn only_what_was_accepted_is_recorded() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut tap = Tap::new(near, Bytes::new());
        let n = tap.write(b"\x81\x04full").await.unwrap();
        assert_eq!(n, 4);
        assert!(tap.records().is_empty());
        far.read_exact(&mut [0; 4]).await.unwrap();
        tap.write_all(b"ll").await.unwrap();
        assert_eq!(&tap.records()[0].payload[..], b"full");
        assert_eq!(tap.records()[0].direction, Direction::Out);
    }

    #[tokio::test]
    async fn nothing_is_read_while_enough_is_held() {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let mut tap = Tap::new(near, Bytes::new());
        tap.pause_at(512, usize::MAX);
        far.write_all(&b"\x00\x00".repeat(20_000)).await.unwrap();
        let mut buffer = [0; 1024];
        let mut read = 0;
        while let Some(n) = tap.read(&mut buffer).now_or_never() {
            read += n.unwrap();
        }
        assert_eq!((read, tap.records().len()), (1024, 512));
        assert_eq!(tap.take_records(500).len(), 500);
        assert_eq!(tap.records().len(), 12);
        tap.read_exact(&mut buffer).await.unwrap();
        assert_eq!(tap.records().len(), 524);
    }

    #[tokio::test]
    async fn bytes_that_are_held_count_too_until_they_are_taken() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut tap = Tap::new(near, Bytes::new());
        tap.pause_at(usize::MAX, 4);
        far.write_all(b"\x81\x05hello\x81\x01x").await.unwrap();
        let mut buffer = [0; 7];
        tap.read_exact(&mut buffer).await.unwrap();
        assert_eq!(tap.held_bytes(), 5);
        assert!(tap.is_paused() && tap.read(&mut buffer).now_or_never().is_none());
        assert_eq!(tap.take_records(1).len(), 1);
        assert_eq!(
            (tap.held_bytes(), tap.read(&mut buffer).await.unwrap()),
            (0, 3)
        );
    }
}
