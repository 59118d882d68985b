//! Outgoing frames: the gateway's own messages, byte for byte, and the fragments of long ones.

use bytes::Bytes;
use serde_json::Value;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::model::limit;

/// Returns the notice to a client whose message got no answer from an integration.
///
/// SOURCE: captured sessions: a space after `"message":` and after each comma, none after the other colons.
pub(crate) fn notice(message: &str, connection_id: &str, request_id: &str) -> String {
    let message = Value::from(message);
    format!(
        "{{\"message\": {message}, \"connectionId\":\"{connection_id}\", \"requestId\":\"{request_id}\"}}"
    )
}

/// A message on its way out, cut into frames of the longest length that API Gateway sends.
///
/// The text is cut at a byte, not at a character: RFC 6455 asks for valid UTF-8 of the message, not of a frame.
#[derive(Debug)]
pub(crate) struct Fragments {
    rest: Option<Bytes>,
    begun: bool,
}

impl Fragments {
    pub(crate) fn new(text: Bytes) -> Fragments {
        Fragments {
            rest: Some(text),
            begun: false,
        }
    }
}

impl Iterator for Fragments {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let mut rest = self.rest.take()?;
        if !self.begun && rest.len() <= limit::FRAME_BYTES {
            return Some(frame(rest, Data::Text, true));
        }
        let opcode = if self.begun {
            Data::Continue
        } else {
            Data::Text
        };
        self.begun = true;
        if rest.len() <= limit::FRAME_BYTES {
            return Some(frame(rest, opcode, true));
        }
        let part = rest.split_to(limit::FRAME_BYTES);
        self.rest = Some(rest);
        Some(frame(part, opcode, false))
    }
}

fn frame(payload: Bytes, opcode: Data, last: bool) -> Message {
    Message::Frame(Frame::message(payload, OpCode::Data(opcode), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_what_was_captured() {
        assert_eq!(
            notice("Forbidden", "XDmENcnwIE0CFEQ=", "XDmGEE2RoE0FRdQ="),
            r#"{"message": "Forbidden", "connectionId":"XDmENcnwIE0CFEQ=", "requestId":"XDmGEE2RoE0FRdQ="}"#
        );
        // A user's name may have anything in it.
        let odd = notice("User: \"a\\b\"\n", "c", "r");
        let read: Value = serde_json::from_str(&odd).unwrap();
        assert_eq!(read["message"], "User: \"a\\b\"\n");
    }

    #[track_caller]
    fn check(length: usize, expected: &[usize]) {
        let frames: Vec<_> = Fragments::new(Bytes::from("x".repeat(length)))
            .map(|message| match message {
                Message::Frame(frame) => frame,
                other => panic!("not a frame: {other:?}"),
            })
            .collect();
        let lengths: Vec<_> = frames.iter().map(|frame| frame.payload().len()).collect();
        assert_eq!(lengths, expected);
        for (index, frame) in frames.iter().enumerate() {
            let opcode = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            assert_eq!(frame.header().opcode, OpCode::Data(opcode));
            assert_eq!(frame.header().is_final, index + 1 == frames.len());
        }
    }

    #[test]
    fn long_messages_leave_in_frames_of_32_kb() {
        check(0, &[0]);
        check(32_768, &[32_768]);
        check(32_769, &[32_768, 1]);
        check(131_072, &[32_768; 4]);
    }
}
