//! A client's stream, watched for the one thing that the WebSocket library tells too late: that a binary message has
//! begun. The library gives a message when it is whole, and API Gateway does not wait for that to refuse it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head of a frame, in bytes: two, a long length, a mask.
const HEAD: usize = 14;
/// The beginning of a binary frame that others follow, by RFC 6455: FIN is 0, the opcode is 2.
const BINARY_BEGINS: u8 = 0x02;
/// FIN and the opcode; what is between are the reserved bits.
const FIN_AND_OPCODE: u8 = 0x8f;

/// A stream whose incoming frames are watched.
#[derive(Debug)]
pub(crate) struct BinaryWatch<S> {
    stream: S,
    frames: FrameScan,
}

/// The position of the stream in the incoming frames.
#[derive(Debug, Default)]
struct FrameScan {
    head: [u8; HEAD],
    /// Bytes of the head that have come.
    n_head: usize,
    /// Bytes of the payload that are still to come.
    payload: u64,
    binary_begun: bool,
}

impl<S> BinaryWatch<S> {
    /// Watches a stream of which some bytes have been read already.
    pub(crate) fn new(stream: S, already_read: &[u8]) -> BinaryWatch<S> {
        let mut frames = FrameScan::default();
        frames.see(already_read);
        BinaryWatch { stream, frames }
    }

    /// True when a binary message has begun of which more than one frame is announced.
    pub(crate) fn binary_begun(&self) -> bool {
        self.frames.binary_begun
    }
}

impl FrameScan {
    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped =
                    usize::try_from(self.payload).map_or(bytes.len(), |it| it.min(bytes.len()));
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            let wanted = self.head_length() - self.n_head;
            let taken = wanted.min(bytes.len());
            self.head[self.n_head..self.n_head + taken].copy_from_slice(&bytes[..taken]);
            self.n_head += taken;
            bytes = &bytes[taken..];
            if self.n_head == self.head_length() {
                self.begin();
            }
        }
    }

    /// Returns the length of the head, as far as can be told from what has come of it.
    fn head_length(&self) -> usize {
        if self.n_head < 2 {
            return 2;
        }
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        mask + match self.head[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    /// Takes note of a frame whose head is whole.
    fn begin(&mut self) {
        let [first, second, long @ ..] = self.head;
        self.binary_begun |= first & FIN_AND_OPCODE == BINARY_BEGINS;
        let big_endian = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        self.payload = match second & 0x7f {
            126 => big_endian(&long[..2]),
            127 => big_endian(&long[..8]),
            short => u64::from(short),
        };
        self.n_head = 0;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BinaryWatch<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        this.frames.see(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BinaryWatch<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a masked frame.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            126..65_536 => {
                frame.push(0xfe);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0xff);
                frame.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        // A payload that looks like the begin of a binary message.
        frame.extend(vec![BINARY_BEGINS; length]);
        frame
    }

    #[track_caller]
    fn check(frames: &[(u8, usize)], expected: bool) {
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|(first, length)| frame(*first, *length))
            .collect();
        for step in [1, 3, 1000, bytes.len()] {
            let mut scan = FrameScan::default();
            for part in bytes.chunks(step) {
                scan.see(part);
            }
            assert_eq!(scan.binary_begun, expected, "{frames:?} by {step}");
        }
    }

    #[test]
    fn a_binary_message_is_seen_to_begin_wherever_the_reads_cut() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            // Text in one frame and in two, a ping between, a whole binary message, which the library tells of.
            check(
                &[
                    (0x81, length),
                    (0x01, 1),
                    (0x89, 2),
                    (0x80, length),
                    (0x82, length),
                ],
                false,
            );
            check(&[(0x81, length), (0x02, 1)], true);
            check(
                &[(0x01, length), (0x00, length), (0x80, 0), (0x02, length)],
                true,
            );
        }
    }
}
