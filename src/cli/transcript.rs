//! Events of a connection as lines: for people, or as JSON.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    exit::Stop,
    message::{Destination, Facts},
    output::{self, Output},
};
use crate::model::{
    Direction, Failure, FrameRecord, LinkEvent, Opcode,
    link::{Frames, Refusal},
    text,
};

/// Prints events, one line each.
pub(super) struct Transcript {
    output: Output,
    to: Destination,
    zone: TimeZone,
    facts: Facts,
    /// Set when nobody waits for more: whatever is printed ends with the line under way.
    is_over: Arc<AtomicBool>,
}

impl Transcript {
    /// Nothing printed yet.
    pub(super) fn new(output: Output, to: Destination, is_over: Arc<AtomicBool>) -> Self {
        Self {
            output,
            to,
            zone: TimeZone::system(),
            facts: Facts::default(),
            is_over,
        }
    }

    /// The end as a failure; none when the connection ended in good order.
    pub(super) fn failure(&self, end: &LinkEvent) -> Option<Failure> {
        self.facts.failure(end, &self.to)
    }

    /// Prints an event. It waits for whoever reads, however long that takes.
    pub(super) fn print(&mut self, event: &LinkEvent) -> Result<(), Stop> {
        self.facts.learn(event);
        match event {
            LinkEvent::Connecting => self.event(&json!({ "event": "connecting" }), None),
            LinkEvent::Open(opened) => {
                if output::is_typed() {
                    self.output
                        .progress("connected; each line you type is sent, Ctrl-C leaves");
                }
                let subprotocol = opened.subprotocol.as_deref();
                let line = match subprotocol {
                    Some(name) => format!("open  subprotocol {}", text::printable(name)),
                    None => "open".to_owned(),
                };
                let json = json!({
                    "event": "open", "at": opened.at, "subprotocol": subprotocol,
                    "headers": opened.headers,
                });
                self.event(&json, Some((opened.at, line)))
            }
            LinkEvent::Frames(frames) => self.frames(frames),
            LinkEvent::Unsent(n_unsent) => {
                output::warn(&unsent_text(*n_unsent));
                if self.output.json {
                    output::json_line(&json!({ "event": "unsent", "messages": n_unsent }))?;
                }
                Ok(())
            }
            LinkEvent::Refused(refusal) => {
                let line = format!("refused  {}", refusal.status);
                self.event(&refusal_json(refusal), Some((refusal.at, line)))
            }
            LinkEvent::Failed(failure) => {
                let json = json!({
                    "event": "failed", "at": failure.at, "causes": failure.causes,
                });
                let line = format!("failed  {}", text::printable(&failure.causes.join(": ")));
                self.event(&json, Some((failure.at, line)))
            }
            LinkEvent::Closed(closed) => {
                let json = json!({
                    "event": "closed", "at": closed.at, "code": closed.code,
                    "reason": closed.reason, "byUs": closed.by_us,
                });
                self.event(&json, Some((closed.at, self.facts.close_text(closed))))
            }
        }
    }

    fn event(&self, json: &Value, line: Option<(Timestamp, String)>) -> Result<(), Stop> {
        match line {
            _ if self.output.json => output::json_line(json),
            Some((at, line)) => output::answer(&format!("{}  {line}", self.time(at))),
            None => Ok(()),
        }
    }

    fn frames(&self, frames: &Frames) -> Result<(), Stop> {
        if frames.dropped > 0 {
            output::warn(&format!(
                "{} frames came too fast and are not shown",
                frames.dropped
            ));
            if self.output.json {
                output::json_line(&json!({ "event": "dropped", "frames": frames.dropped }))?;
            }
        }
        for record in &frames.records {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            if self.output.json {
                output::json_line(&frame_json(record))?;
            } else {
                let line = frame_line(record);
                output::answer(&format!("{}  {line}", self.time(record.at)))?;
            }
        }
        Ok(())
    }

    fn time(&self, at: Timestamp) -> impl std::fmt::Display {
        at.to_zoned(self.zone.clone())
            .strftime("%H:%M:%S%.3f")
            .to_string()
    }
}

/// Says in a sentence that messages were lost.
fn unsent_text(n_unsent: u64) -> String {
    match n_unsent {
        1 => "a message was not sent: the connection had ended".to_owned(),
        n => format!("{n} messages were not sent: the connection had ended"),
    }
}

fn frame_line(record: &FrameRecord) -> String {
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
        Some((code, reason)) => text::printable(&format!("{code} {reason}")).into_owned(),
        None => text::printable_bytes(&record.payload),
    };
    let cut = if record.is_cut() { " (cut)" } else { "" };
    let line = format!(
        "{arrow} {:<5} {end:<3} {:>7} B  {part:<7} {payload}{cut}",
        record.opcode, record.payload_length
    );
    line.trim_end().to_owned()
}

fn frame_json(record: &FrameRecord) -> Value {
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

fn refusal_json(refusal: &Refusal) -> Value {
    json!({
        "event": "refused", "at": refusal.at, "status": refusal.status,
        "headers": refusal.headers, "body": String::from_utf8_lossy(&refusal.body),
    })
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
