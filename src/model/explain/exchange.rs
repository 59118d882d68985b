//! The messages of a connection, as far as they tell which one the gateway may answer by itself.

use bytes::Bytes;

use crate::model::{
    Direction, FrameRecord, Opcode,
    frame::Assembler,
    gateway_response::{self, GatewayResponse},
    limit::MESSAGE_BYTES,
};

/// The messages of a connection.
#[derive(Debug)]
pub struct Exchange {
    incoming: Assembler,
    outgoing: Assembler,
    /// True when the message that comes in is a text, and whole so far.
    is_readable: bool,
    /// The last message that was sent, unless it is too long to be kept.
    last_sent: Option<Bytes>,
    /// The number of messages that were sent since one came in.
    n_unanswered: u64,
}

/// A message of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMessage {
    /// The message as it was read.
    pub response: GatewayResponse,
    /// The last message before it; none where more than one was sent since the gateway spoke, or none was: answers come
    /// in any order, and a guess would name the wrong one.
    pub last_sent: Option<Bytes>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            incoming: Assembler::up_to(gateway_response::LONGEST),
            outgoing: Assembler::up_to(MESSAGE_BYTES),
            is_readable: false,
            last_sent: None,
            n_unanswered: 0,
        }
    }
}

impl Exchange {
    /// Takes a frame; gives the message of the gateway's own that it completes.
    pub fn take(&mut self, record: &FrameRecord) -> Option<OwnMessage> {
        if record.opcode.is_control() {
            return None;
        }
        match record.direction {
            Direction::Out => {
                self.send(record);
                None
            }
            Direction::In => self.hear(record),
        }
    }

    fn send(&mut self, record: &FrameRecord) {
        let message = self.outgoing.take(record);
        if record.is_final {
            self.last_sent = message;
            self.n_unanswered += 1;
        }
    }

    fn hear(&mut self, record: &FrameRecord) -> Option<OwnMessage> {
        if record.part == 1 {
            self.is_readable = record.opcode == Opcode::Text;
        }
        self.is_readable &= !record.is_cut();
        let message = self.incoming.take(record);
        if !record.is_final {
            return None;
        }
        let n_unanswered = std::mem::take(&mut self.n_unanswered);
        let message = message.filter(|_| self.is_readable)?;
        let response = GatewayResponse::in_frame(&message)?;
        Some(OwnMessage {
            response,
            last_sent: self.last_sent.take().filter(|_| n_unanswered == 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const FORBIDDEN: &str = r#"{"message": "Forbidden", "connectionId":"XDmENcnwIE0CFEQXDmEN==", "requestId":"XDmGEE2RoE0FRdQ="}"#;

    fn frame(direction: Direction, (part, is_final): (u32, bool), payload: &str) -> FrameRecord {
        FrameRecord {
            direction,
            opcode: match part {
                1 => Opcode::Text,
                _ => Opcode::Continuation,
            },
            is_final,
            reserved_bits: 0,
            is_masked: direction == Direction::Out,
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            payload_length: payload.len() as u64,
            part,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn sent(exchange: &mut Exchange, payload: &str) {
        let whole = frame(Direction::Out, (1, true), payload);
        assert_eq!(exchange.take(&whole), None);
    }

    fn heard(exchange: &mut Exchange, payload: &str) -> Option<OwnMessage> {
        exchange.take(&frame(Direction::In, (1, true), payload))
    }

    fn last_sent(exchange: &mut Exchange) -> Option<Bytes> {
        heard(exchange, FORBIDDEN).unwrap().last_sent
    }

    #[test]
    fn the_only_message_since_the_gateway_spoke_is_the_one_that_may_be_answered() {
        let mut exchange = Exchange::default();
        assert_eq!(last_sent(&mut exchange), None);
        sent(&mut exchange, "one");
        assert_eq!(last_sent(&mut exchange).unwrap(), "one");
        assert_eq!(last_sent(&mut exchange), None, "it was answered");
        sent(&mut exchange, "slow");
        sent(&mut exchange, "ping");
        assert_eq!(last_sent(&mut exchange), None, "either may be meant");
        sent(&mut exchange, "slow");
        sent(&mut exchange, "ping");
        assert_eq!(heard(&mut exchange, "pong"), None);
        assert_eq!(last_sent(&mut exchange), None, "ping was answered");
    }

    #[test]
    fn messages_in_several_frames_are_put_together() {
        let mut exchange = Exchange::default();
        let out = |part, is_final, payload| frame(Direction::Out, (part, is_final), payload);
        assert_eq!(exchange.take(&out(1, false, "o")), None);
        assert_eq!(exchange.take(&out(2, true, "ne")), None);
        let (first, second) = FORBIDDEN.split_at(40);
        assert_eq!(
            exchange.take(&frame(Direction::In, (1, false), first)),
            None
        );
        let own = exchange.take(&frame(Direction::In, (2, true), second));
        let own = own.unwrap();
        assert_eq!(own.response.message, "Forbidden");
        assert_eq!(own.last_sent.unwrap(), "one");
    }

    #[test]
    fn what_is_cut_or_binary_or_too_long_is_not_the_gateways() {
        let mut exchange = Exchange::default();
        let mut binary = frame(Direction::In, (1, true), FORBIDDEN);
        binary.opcode = Opcode::Binary;
        assert_eq!(exchange.take(&binary), None);
        let mut cut = frame(Direction::In, (1, true), FORBIDDEN);
        cut.payload_length += 1;
        assert_eq!(exchange.take(&cut), None);
        let long = FORBIDDEN.replace("Forbidden", &"x".repeat(gateway_response::LONGEST));
        assert_eq!(heard(&mut exchange, &long), None);
        assert!(heard(&mut exchange, FORBIDDEN).is_some());
    }
}
