//! The tap: lies above TLS and below the WebSocket library, passes every byte on, and records the frames they form.
//!
//! It begins after the handshake. What came together with the end of the handshake's answer is handed to it, recorded,
//! and read from it first.

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
        }
    }

    /// The frames recorded since the last time they were taken, in the order in which they crossed the wire.
    pub fn records(&self) -> &[FrameRecord] {
        &self.records
    }

    /// Takes the frames.
    pub fn take_records(&mut self) -> Vec<FrameRecord> {
        let capacity = self.records.len().min(1024);
        mem::replace(&mut self.records, Vec::with_capacity(capacity))
    }

    /// The parser of what the peer sends, to ask it what is unfinished or unreadable.
    pub fn incoming(&self) -> &FrameParser {
        &self.incoming
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tap = &mut *self;
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
            tap.incoming.feed(chunk, clock::now(), &mut tap.records);
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
            tap.outgoing
                .feed(&bytes[..n], clock::now(), &mut tap.records);
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
        let records = tap.take_records();
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
}
