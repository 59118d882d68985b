//! The printer of a connection: prints its events, one line each, in the words of `model::transcript`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    exit::Stop,
    message::{Destination, Facts, OwnFrame},
    output::{self, Output},
};
use crate::model::{Failure, FrameRecord, LinkEvent, link::Frames, transcript};

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
            facts: Facts::new(&to),
            to,
            zone: TimeZone::system(),
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
            LinkEvent::Open(opened) => {
                if let Some(words) = self.to.lacks_subprotocol(opened) {
                    output::warn(&words);
                }
                if output::is_typed() {
                    self.output
                        .progress("connected; each line you type is sent, Ctrl-C leaves");
                }
            }
            LinkEvent::Unsent(n_unsent) => output::warn(&transcript::unsent(*n_unsent)),
            LinkEvent::Frames(Frames { dropped, .. }) if *dropped > 0 => {
                output::warn(&format!("{dropped} frames came too fast and are not shown"));
            }
            _ => {}
        }
        if self.output.json {
            transcript::json(event).map_or(Ok(()), |json| output::json_line(&json))?;
        } else if let Some((at, line)) = self.line(event) {
            self.print_at(at, &line)?;
        }
        match event {
            LinkEvent::Frames(frames) => self.frames(frames),
            _ => Ok(()),
        }
    }

    fn line(&self, event: &LinkEvent) -> Option<(Timestamp, String)> {
        match event {
            LinkEvent::Closed(closed) => Some((closed.at, self.facts.close_text(closed))),
            other => transcript::line(other),
        }
    }

    fn frames(&mut self, frames: &Frames) -> Result<(), Stop> {
        for record in &frames.records {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let own = self.facts.look_at(record);
            if self.output.json {
                output::json_line(&frame_json(record, own.as_ref()))?;
                continue;
            }
            self.print_at(record.at, &transcript::frame_line(record))?;
            if let Some(own) = own {
                self.print_at(record.at, &format!("gateway  {}", own.explanation.text))?;
            }
        }
        Ok(())
    }

    fn print_at(&self, at: Timestamp, line: &str) -> Result<(), Stop> {
        let time = at.to_zoned(self.zone.clone());
        let time = time.strftime("%H:%M:%S%.3f");
        output::answer(&format!("{time}  {line}"))
    }
}

/// Returns a frame as JSON; the last one of a message of the gateway's own says so, and what it means.
fn frame_json(record: &FrameRecord, own: Option<&OwnFrame>) -> Value {
    let mut json = transcript::frame_json(record);
    if let Some(own) = own {
        json["gatewayResponse"] = own.json();
    }
    json
}
