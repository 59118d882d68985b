//! Events of a link as lines, the same wherever they are written: for people, or as JSON.
//!
//! A line for people is safe to show. The JSON of a frame has all of it, in base64 where it is no text.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Direction, FrameRecord, LinkEvent, Opcode,
    text::{printable, printable_bytes},
};

/// Returns the line of an event and its time; none for the beginning, for frames and messages, which have lines each, and
/// for a close, which wants an explanation.
pub fn line(event: &LinkEvent) -> Option<(Timestamp, String)> {
    match event {
        LinkEvent::Open(opened) => {
            let line = match &opened.subprotocol {
                Some(name) => format!("open  subprotocol {}", printable(name)),
                None => "open".to_owned(),
            };
            Some((opened.at, line))
        }
        LinkEvent::Refused(refusal) => Some((refusal.at, format!("refused  {}", refusal.status))),
        LinkEvent::Failed(failure) => {
            let causes = failure.causes.join(": ");
            Some((failure.at, format!("failed  {}", printable(&causes))))
        }
        LinkEvent::Connecting
        | LinkEvent::Frames(_)
        | LinkEvent::Unsent(_)
        | LinkEvent::Closed(_) => None,
    }
}

/// Returns an event as JSON; none for frames that are all there, as each is a value of its own.
pub fn json(event: &LinkEvent) -> Option<Value> {
    Some(match event {
        LinkEvent::Connecting => json!({ "event": "connecting" }),
        LinkEvent::Open(opened) => json!({
            "event": "open", "at": opened.at, "subprotocol": opened.subprotocol, "headers": opened.headers,
        }),
        LinkEvent::Frames(frames) if frames.dropped == 0 => return None,
        LinkEvent::Frames(frames) => json!({ "event": "dropped", "frames": frames.dropped }),
        LinkEvent::Unsent(n_unsent) => json!({ "event": "unsent", "messages": n_unsent }),
        LinkEvent::Refused(refusal) => json!({
            "event": "refused", "at": refusal.at, "status": refusal.status,
            "headers": refusal.headers, "body": String::from_utf8_lossy(&refusal.body),
        }),
        LinkEvent::Failed(failure) => json!({
            "event": "failed", "at": failure.at, "causes": failure.causes,
        }),
        LinkEvent::Closed(closed) => json!({
            "event": "closed", "at": closed.at, "code": closed.code,
            "reason": closed.reason, "byUs": closed.by_us,
        }),
    })
}

/// Tells in a sentence that messages were lost.
pub fn unsent(n_unsent: u64) -> String {
    match n_unsent {
        1 => "a message was not sent: the connection had ended".to_owned(),
        n => format!("{n} messages were not sent: the connection had ended"),
    }
}

/// Returns the line of a frame: direction, opcode, length, part and payload.
pub fn frame_line(record: &FrameRecord) -> String {
    let arrow = match record.direction {
        Direction::In => "<-",
        Direction::Out => "->",
    };
    let end = if record.is_final { "FIN" } else { "" };
    let part = match (record.part, record.is_final) {
        (0, _) | (1, true) => String::new(),
        (part, _) => format!("part {part}"),
    };
    let payload = match record.close() {
        Some((1005, _)) => String::new(),
        Some((code, reason)) => printable(&format!("{code} {reason}")).into_owned(),
        None => printable_bytes(&record.payload),
    };
    let cut = if record.is_cut() { " (cut)" } else { "" };
    let line = format!(
        "{arrow} {:<5} {end:<3} {:>7} B  {part:<7} {payload}{cut}",
        record.opcode, record.payload_length
    );
    line.trim_end().to_owned()
}

/// Returns a frame as JSON.
pub fn frame_json(record: &FrameRecord) -> Value {
    let mut json = json!({
        "event": "frame",
        "at": record.at,
        "direction": match record.direction {
            Direction::In => "in",
            Direction::Out => "out",
        },
        "opcode": record.opcode.to_string(),
        "fin": record.is_final,
        "reservedBits": record.reserved_bits,
        "masked": record.is_masked,
        "part": record.part,
        "bytes": record.payload_length,
        "cut": record.is_cut(),
    });
    let is_text = !matches!(record.opcode, Opcode::Binary | Opcode::Close);
    let (name, payload) = match std::str::from_utf8(&record.payload) {
        Ok(text) if is_text => ("text", text.to_owned()),
        _ => ("base64", BASE64_STANDARD.encode(&record.payload)),
    };
    if let Some(members) = json.as_object_mut() {
        members.insert(name.into(), payload.into());
        if let Some((code, reason)) = record.close() {
            members.insert("code".into(), code.into());
            members.insert("reason".into(), reason.into());
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn record(opcode: Opcode, payload: &'static [u8]) -> FrameRecord {
        FrameRecord {
            direction: Direction::In,
            opcode,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: Bytes::from_static(payload),
            payload_length: payload.len() as u64,
            part: u32::from(!opcode.is_control()),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_frame_is_a_line_that_no_terminal_obeys() {
        let line = frame_line(&record(Opcode::Text, b"a\x1b]0;x\x07\nb\xff"));
        assert_eq!(
            line,
            "<- text  FIN      10 B          a\\u{1b}]0;x\\u{7}\\nb\\xff"
        );
    }

    #[test]
    fn parts_and_closes_are_told() {
        let mut part = record(Opcode::Continuation, b"x");
        part.part = 2;
        assert!(frame_line(&part).contains("part 2"));
        let close = frame_line(&record(Opcode::Close, b"\x03\xe9gone"));
        assert!(close.ends_with("1001 gone"), "{close}");
    }

    #[test]
    fn json_has_text_or_base64() {
        assert_eq!(frame_json(&record(Opcode::Text, b"hi"))["text"], "hi");
        assert_eq!(frame_json(&record(Opcode::Text, b"\xff"))["base64"], "/w==");
        assert_eq!(
            frame_json(&record(Opcode::Close, b"\x03\xe8"))["code"],
            1000
        );
    }
}
