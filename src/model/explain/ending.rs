//! Explanations of the ends of links: close frames, and ends without one.

use jiff::SignedDuration;

use super::{Explanation, Server};
use crate::model::{
    FrameRecord, Opcode,
    limit::{FRAME_BYTES, IDLE_MINUTES, LIFETIME_HOURS, MESSAGE_BYTES},
    link::{Closed, LinkFailure, LinkStep},
    text::{grouped, printable},
};

/// The facts known about a connection when it closes.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloseFacts {
    /// The server at the other end.
    pub server: Server,
    /// The time that no message had crossed the connection.
    pub idle: SignedDuration,
    /// The time that the connection had lived.
    pub age: SignedDuration,
    /// The extremes of what we had sent.
    pub sent: Sent,
}

/// The extremes of what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// The longest frame, in bytes of payload.
    pub longest_frame: u64,
    /// The longest message over all its frames, in bytes of payload.
    pub longest_message: u64,
    /// True when a binary frame was sent.
    pub has_binary: bool,
    /// The message under way, in bytes so far.
    under_way: u64,
}

impl Sent {
    /// Counts a frame that was sent.
    #[inline]
    pub fn count(&mut self, record: &FrameRecord) {
        if record.opcode.is_control() {
            return;
        }
        if record.opcode != Opcode::Continuation {
            self.under_way = 0;
        }
        self.under_way += record.payload_length;
        self.has_binary |= record.opcode == Opcode::Binary;
        self.longest_frame = self.longest_frame.max(record.payload_length);
        self.longest_message = self.longest_message.max(self.under_way);
    }
}

/// Explains a close frame.
pub fn close(closed: &Closed, facts: &CloseFacts) -> Explanation {
    let code = closed.code;
    let name = close_name(code);
    let title = if closed.by_us {
        format!("you closed: {code} {name}")
    } else {
        format!("closed: {code} {name}")
    };
    let mut text = if closed.by_us {
        let who = facts.server.name();
        format!("{who} answered your close frame, so both sides are done.")
    } else {
        close_by_server(code, facts)
    };
    if !closed.reason.is_empty() && !closed.by_us {
        text = format!("{text} It said: \"{}\".", printable(&closed.reason));
    }
    Explanation { title, text }
}

/// Explains a link that ended without a close frame.
pub fn failure(failure: &LinkFailure) -> Explanation {
    let (title, advice) = match &failure.step {
        LinkStep::Rule(code) => {
            return Explanation {
                title: format!("we closed: {code} {}", close_name(*code)),
                text: broken_rule(failure),
            };
        }
        LinkStep::Subprotocol(name) => {
            return Explanation {
                title: "unknown subprotocol".to_owned(),
                text: unoffered(name),
            };
        }
        LinkStep::Request => ("the URL or a header is wrong", "Nothing was sent."),
        LinkStep::Sign => (
            "not signed",
            "$connect asks for a signature (AWS_IAM), or you do, and the handshake could not be signed. Nothing was sent.",
        ),
        LinkStep::Resolve => (
            "host not found",
            "The name of the API's endpoint could not be looked up: the API may be deleted, of another region, or this machine has no DNS.",
        ),
        LinkStep::Connect => (
            "no connection",
            "Nobody answers at this address: is the gateway running, and does a firewall or proxy stand between?",
        ),
        LinkStep::Tls => (
            "TLS failed",
            "The other side could not prove who it is, or speaks another TLS.",
        ),
        LinkStep::Handshake => (
            "no WebSocket handshake",
            "The connection was there, but no proper HTTP answer came: this may not be a WebSocket server.",
        ),
        LinkStep::Open => (
            "lost: 1006",
            "The connection broke without a close frame: the network, a proxy, or the gateway's process went away.",
        ),
    };
    let text = match failure.causes.first() {
        Some(cause) => format!("{advice} ({})", printable(cause)),
        None => advice.to_owned(),
    };
    Explanation {
        title: title.to_owned(),
        text,
    }
}

/// SOURCE: reported of AWS: API Gateway hands on what the integration of $connect answers, offered or not.
fn unoffered(name: &str) -> String {
    let name = printable(name);
    format!(
        "The answer agrees to the subprotocol \"{name}\", which was not offered, so that no client may go on: API Gateway hands on what the integration of $connect answers. On the command line --subprotocol {name} offers it."
    )
}

fn broken_rule(failure: &LinkFailure) -> String {
    let what = match failure.causes.first() {
        Some(cause) => printable(cause),
        None => "the peer broke a rule".into(),
    };
    format!(
        "This side ended the connection: {what}. API Gateway does not do that, so something else answers there, or stands between; trying again would change nothing."
    )
}

/// Returns the name of a close code. SOURCE: RFC 6455 §7.4.1 and the IANA registry it starts.
pub fn close_name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status",
        1006 => "abnormal closure",
        1007 => "invalid text",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS failed",
        3000..=3999 => "registered code",
        4000..=4999 => "private code",
        _ => "unknown code",
    }
}

/// Explains a close frame of the server's: by what API Gateway closes for where it is that, else by the code alone.
fn close_by_server(code: u16, facts: &CloseFacts) -> String {
    let is_gateway = facts.server != Server::Any;
    let who = facts.server.name();
    match code {
        // SOURCE: DeleteConnection closes with 1000, see the captures behind "Connection Closed Normally".
        1000 if is_gateway => "The gateway ended the connection in good order, as it does when a backend calls DELETE on @connections.".to_owned(),
        1000 => "The server ended the connection in good order.".to_owned(),
        1001 if is_gateway => going_away(facts),
        1001 => "The server goes away, or does not keep what was quiet or open for so long.".to_owned(),
        1002 => format!("{who} says that our side broke the WebSocket protocol."),
        1003 if is_gateway && facts.sent.has_binary => "You sent a binary frame: API Gateway takes text only. Send the data as text, for example in base64.".to_owned(),
        1003 if is_gateway => "The gateway got data that it does not take: API Gateway takes text frames only.".to_owned(),
        1003 => "The server got data of a kind that it does not take.".to_owned(),
        1005 => format!("{who} closed without saying why: its close frame had no code."),
        1007 => format!("{who} got text that is not valid UTF-8."),
        1008 if is_gateway => "The connection broke a rule of the gateway; a policy or an authorizer may not allow this message.".to_owned(),
        1008 => "The connection broke a rule of the server.".to_owned(),
        1009 if is_gateway => too_big(&facts.sent),
        1009 => format!(
            "The server calls something too big; the longest message that was sent has {} bytes.",
            grouped(facts.sent.longest_message)
        ),
        1011 | 1014 => format!("{who} or something behind it failed."),
        1012 => format!("{who} restarts. Reconnect in a moment."),
        1013 => format!("{who} has too much to do. Reconnect in a moment."),
        3000..=4999 => "The meaning of this code is the application's own.".to_owned(),
        _ => "This code has no meaning that is written down.".to_owned(),
    }
}

fn going_away(facts: &CloseFacts) -> String {
    // A little less than the limit: our clock and the gateway's need not agree on when the last message was.
    let slack = SignedDuration::from_secs(15);
    if facts.age + slack >= SignedDuration::from_hours(LIFETIME_HOURS) {
        return format!(
            "A connection lives {LIFETIME_HOURS} hours at most, however busy it is. Reconnect to go on."
        );
    }
    if facts.idle + slack >= SignedDuration::from_mins(IDLE_MINUTES) {
        return format!(
            "No message crossed for {IDLE_MINUTES} minutes, so the gateway closed the idle connection. Any message in either direction keeps it open."
        );
    }
    format!(
        "It was neither idle for {IDLE_MINUTES} minutes nor {LIFETIME_HOURS} hours old: the stage or the API was deleted, the gateway stopped, or it is a local one whose time runs faster."
    )
}

fn too_big(sent: &Sent) -> String {
    let (frame, message) = (FRAME_BYTES as u64, MESSAGE_BYTES as u64);
    if sent.longest_frame > frame {
        format!(
            "You sent a frame of {} bytes, and a frame may have {} (32 KB). Sent normally, the message is split into frames that fit.",
            grouped(sent.longest_frame),
            grouped(frame)
        )
    } else if sent.longest_message > message {
        format!(
            "You sent a message of {} bytes, and a message may have {} (128 KB) over all its frames.",
            grouped(sent.longest_message),
            grouped(message)
        )
    } else {
        "The gateway calls something too big, but nothing over 32 KB a frame or 128 KB a message was sent from here.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;
    use crate::model::Direction;

    fn sent(frames: &[(Opcode, bool, u64)]) -> Sent {
        let mut sent = Sent::default();
        for (opcode, is_final, length) in frames {
            sent.count(&FrameRecord {
                direction: Direction::Out,
                opcode: *opcode,
                is_final: *is_final,
                reserved_bits: 0,
                is_masked: true,
                payload: Bytes::new(),
                payload_length: *length,
                part: 1,
                at: Timestamp::UNIX_EPOCH,
            });
        }
        sent
    }

    /// What is known of a connection to API Gateway over which these frames were sent.
    fn gateway(frames: &[(Opcode, bool, u64)]) -> CloseFacts {
        CloseFacts {
            server: Server::Stage,
            sent: sent(frames),
            ..CloseFacts::default()
        }
    }

    #[track_caller]
    fn check_close(code: u16, facts: &CloseFacts, part: &str) {
        let closed = Closed {
            at: Timestamp::UNIX_EPOCH,
            code,
            reason: String::new(),
            by_us: false,
        };
        let explanation = close(&closed, facts);
        assert!(explanation.text.contains(part), "{explanation:?}");
    }

    #[test]
    fn going_away_is_idle_or_old_or_something_else() {
        let facts = |idle, age| CloseFacts {
            idle: SignedDuration::from_secs(idle),
            age: SignedDuration::from_secs(age),
            ..gateway(&[])
        };
        check_close(1001, &facts(600, 900), "No message crossed for 10 minutes");
        check_close(1001, &facts(590, 900), "No message crossed for 10 minutes");
        check_close(1001, &facts(3, 7200), "2 hours at most");
        check_close(
            1001,
            &facts(3, 60),
            "neither idle for 10 minutes nor 2 hours old",
        );
    }

    #[test]
    fn too_big_is_decided_by_what_was_sent() {
        let unsplit = gateway(&[(Opcode::Text, true, 32_769)]);
        check_close(1009, &unsplit, "a frame of 32,769 bytes");
        let long = gateway(&[
            (Opcode::Text, false, 32_768),
            (Opcode::Continuation, false, 32_768),
            (Opcode::Continuation, false, 32_768),
            (Opcode::Continuation, false, 32_768),
            (Opcode::Continuation, true, 1),
        ]);
        check_close(1009, &long, "a message of 131,073 bytes");
        let two = gateway(&[(Opcode::Text, true, 30_000), (Opcode::Text, true, 30_000)]);
        check_close(1009, &two, "nothing over 32 KB");
    }

    #[test]
    fn unsupported_data_names_the_binary_frame_that_we_sent() {
        let facts = gateway(&[(Opcode::Binary, true, 3)]);
        check_close(1003, &facts, "You sent a binary frame");
        check_close(1003, &gateway(&[]), "takes text frames only");
    }

    #[test]
    fn a_close_of_another_server_is_told_by_its_code_alone() {
        for code in 1000..=1014 {
            let facts = CloseFacts {
                server: Server::Any,
                idle: SignedDuration::from_mins(11),
                ..gateway(&[(Opcode::Binary, true, 40_000)])
            };
            let closed = Closed {
                at: Timestamp::UNIX_EPOCH,
                code,
                reason: String::new(),
                by_us: false,
            };
            let text = close(&closed, &facts).text;
            for lore in ["gateway", "Gateway", "@connections", "stage", "32 KB"] {
                assert!(!text.contains(lore), "{code}: {text}");
            }
        }
        let big = CloseFacts {
            server: Server::Any,
            ..gateway(&[(Opcode::Text, true, 40_000)])
        };
        check_close(1009, &big, "has 40,000 bytes");
    }

    #[test]
    fn reason_of_a_close_is_told_and_cannot_reach_the_terminal_raw() {
        let closed = Closed {
            at: Timestamp::UNIX_EPOCH,
            code: 4001,
            reason: "bye\u{1b}[0m".to_owned(),
            by_us: false,
        };
        let explanation = close(&closed, &CloseFacts::default());
        assert_eq!(explanation.title, "closed: 4001 private code");
        assert!(explanation.text.ends_with("It said: \"bye\\u{1b}[0m\"."));
    }

    #[test]
    fn own_close_is_told_as_such() {
        let closed = Closed {
            at: Timestamp::UNIX_EPOCH,
            code: 1000,
            reason: "x".to_owned(),
            by_us: true,
        };
        assert_eq!(
            close(&closed, &CloseFacts::default()).title,
            "you closed: 1000 normal closure"
        );
    }

    #[test]
    fn lost_link_says_the_step_and_the_cause() {
        let broken = failure(&LinkFailure {
            at: Timestamp::UNIX_EPOCH,
            step: LinkStep::Rule(1002),
            causes: vec!["the peer broke the WebSocket protocol: masked".to_owned()],
        });
        assert_eq!(broken.title, "we closed: 1002 protocol error");
        assert!(
            broken
                .text
                .contains("broke the WebSocket protocol: masked.")
        );
        assert!(!broken.text.contains("network"));
        let explanation = failure(&LinkFailure {
            at: Timestamp::UNIX_EPOCH,
            step: LinkStep::Connect,
            causes: vec!["connection refused".to_owned()],
        });
        assert_eq!(explanation.title, "no connection");
        assert!(explanation.text.ends_with("(connection refused)"));
    }
}
