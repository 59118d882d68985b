//! One WebSocket frame as it crossed the wire, in the words of RFC 6455 §5.

use std::{fmt, ops::Range};

use bytes::Bytes;
use jiff::Timestamp;

use super::limit::FRAME_BYTES;

/// One WebSocket frame, seen above TLS and below the WebSocket library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRecord {
    /// The frame's direction.
    pub direction: Direction,
    /// The frame's opcode.
    pub opcode: Opcode,
    /// True on the last frame of a message, and on every control frame.
    pub is_final: bool,
    /// The three reserved bits, as the low bits; 0 unless an extension is in use or the peer breaks the rules.
    pub reserved_bits: u8,
    /// True when the payload crossed the wire masked, as every client frame must.
    pub is_masked: bool,
    /// The payload, unmasked; at most its first bytes when the frame is longer than what is stored.
    pub payload: Bytes,
    /// The length of the payload on the wire, in bytes, headers excluded.
    pub payload_length: u64,
    /// The frame's number among the data frames of its message, from 1; 0 for control frames.
    pub part: u32,
    /// The time at which the frame's last byte was seen.
    pub at: Timestamp,
}

/// The direction of a frame, by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The gateway, to us.
    In,
    /// We, to the gateway.
    Out,
}

/// The opcode of a frame. SOURCE: RFC 6455 §5.2, "Opcode".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0x0: goes on with the message that is under way.
    Continuation,
    /// 0x1: starts a text message.
    Text,
    /// 0x2: starts a binary message.
    Binary,
    /// 0x8: ends the connection.
    Close,
    /// 0x9: asks for a pong.
    Ping,
    /// 0xA: answers a ping.
    Pong,
    /// Any other: reserved, so the sender breaks the rules.
    Reserved(u8),
}

impl Opcode {
    /// Reads the four bits of the frame header.
    pub fn from_bits(bits: u8) -> Self {
        match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// True for close, ping and pong, and for what is reserved for further control frames.
    #[inline]
    pub fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Reserved(bits) => bits & 0x8 != 0,
        }
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Continuation => "cont",
            Self::Text => "text",
            Self::Binary => "bin",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Reserved(bits) => return formatter.pad(&format!("0x{bits:X}")),
        };
        formatter.pad(name)
    }
}

/// Puts messages together from the frames of one direction.
#[derive(Debug)]
pub struct Assembler {
    message: Vec<u8>,
    most: usize,
    is_too_long: bool,
}

impl Default for Assembler {
    fn default() -> Self {
        Self::up_to(usize::MAX)
    }
}

impl Assembler {
    /// Makes one that keeps messages of at most so many bytes.
    pub fn up_to(most: usize) -> Self {
        Self {
            message: Vec::new(),
            most,
            is_too_long: false,
        }
    }

    /// Takes a frame; gives the message that it completes.
    pub fn take(&mut self, record: &FrameRecord) -> Option<Bytes> {
        if record.opcode.is_control() {
            return None;
        }
        if record.part == 1 {
            self.message.clear();
            self.is_too_long = false;
        }
        self.is_too_long |= self.message.len() + record.payload.len() > self.most;
        if self.is_too_long {
            return None;
        }
        if record.part == 1 && record.is_final {
            return Some(record.payload.clone());
        }
        self.message.extend_from_slice(&record.payload);
        let is_whole = record.is_final;
        is_whole.then(|| std::mem::take(&mut self.message).into())
    }
}

impl FrameRecord {
    /// True when the stored payload is shorter than what crossed the wire.
    pub fn is_cut(&self) -> bool {
        self.payload_length > self.payload.len() as u64
    }

    /// Returns the code and reason of a close frame; code 1005 ("no status received") when the payload is empty.
    pub fn close(&self) -> Option<(u16, String)> {
        if self.opcode != Opcode::Close {
            return None;
        }
        match self.payload.split_at_checked(2) {
            Some((code, reason)) => {
                let code = u16::from_be_bytes([code[0], code[1]]);
                Some((code, String::from_utf8_lossy(reason).into_owned()))
            }
            None => Some((1005, String::new())),
        }
    }
}

/// Returns the byte ranges, one a frame, in which a message of `length` bytes may legally cross API Gateway: `[start,
/// end)`, each at most 32 KiB, in order, covering all; one empty range for an empty message.
///
/// A range may end inside a UTF-8 character: RFC 6455 §5.4 allows that, only the whole message must be valid.
pub fn split(length: usize) -> Vec<Range<usize>> {
    if length == 0 {
        return vec![0..0];
    }
    (0..length)
        .step_by(FRAME_BYTES)
        .map(|start| start..length.min(start + FRAME_BYTES))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_at_the_frame_limit_and_not_before() {
        assert_eq!(split(0), [0..0]);
        assert_eq!(split(32_768), [0..32_768]);
        assert_eq!(split(32_769), [0..32_768, 32_768..32_769]);
        assert_eq!(split(131_072).len(), 4);
    }

    #[test]
    fn close_gives_code_and_reason() {
        let mut record = FrameRecord {
            direction: Direction::In,
            opcode: Opcode::Close,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: Bytes::from_static(b"\x03\xe9Going away"),
            payload_length: 12,
            part: 0,
            at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(record.close(), Some((1001, "Going away".into())));
        record.payload = Bytes::new();
        assert_eq!(record.close(), Some((1005, String::new())));
        record.opcode = Opcode::Ping;
        assert_eq!(record.close(), None);
    }

    #[test]
    fn opcodes_read_from_all_sixteen_values() {
        for bits in 0..16 {
            let is_control = bits >= 8;
            assert_eq!(Opcode::from_bits(bits).is_control(), is_control, "{bits}");
        }
    }
}
