//! `stagewire send`: one message, and perhaps the wait for an answer.

use std::{io::Read, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    args::SendArgs,
    exit::{Exit, Stop},
    message::{self, Destination, Facts, OwnFrame},
    output::{self, Output},
    start::{self, Session},
    unsettled::PatientLink,
};
use crate::model::{
    Direction, Failure, FailureKind, FrameRecord, LinkEvent, Outgoing, frame::Assembler,
    limit::MESSAGE_BYTES, text,
};

/// The longest time that the peer may take to end the connection once the job is done; the link waits less for an
/// answer to its close frame, and more only for our own slowness.
const GOODBYE_TIME: Duration = Duration::from_secs(3);

/// The longest time that the connection and the expected message may take unless told otherwise.
const USUAL_TIME: Duration = Duration::from_secs(10);

pub(super) fn run(session: &Session, args: &SendArgs, output: Output) -> Result<Exit, Stop> {
    let text = message_text(args)?;
    start::block_on(async {
        let finding = message::destination(session, &args.to, output);
        let mut destination = Box::pin(finding).await?;
        let n_bytes = text.len();
        let patience = Patience::new(args.timeout_ms.map(Duration::from_millis));
        let mut link = destination
            .open(output)
            .sending(Outgoing::Text(text))
            .until(patience.too_late_at);
        let mut wait = Wait::new(args.expect.as_deref(), &destination);
        let found = wait.until_done(&mut link, &destination, patience).await?;
        let end = wait.say_goodbye(link, &destination).await;
        if let Some(message) = &found {
            // What was waited for came: how the peer takes its leave changes nothing.
            print(message, output)?;
        } else if output.json {
            output::json(&sent_json(n_bytes, end?.as_ref(), wait.own.as_ref()))?;
        } else {
            end?;
        }
        if let Some(own) = &wait.own {
            output::warn(&own.warning());
        }
        output.progress(&format!("sent {n_bytes} bytes"));
        Ok(Exit::Done)
    })
}

/// The time that somebody waits.
#[derive(Debug, Clone, Copy)]
struct Patience {
    time: Duration,
    /// None where nobody gave a time: then it begins anew at each handshake.
    too_late_at: Option<Instant>,
}

impl Patience {
    fn new(given: Option<Duration>) -> Self {
        Self {
            time: given.unwrap_or(USUAL_TIME),
            too_late_at: given.map(|time| Instant::now() + time),
        }
    }

    /// Returns the instant at which it is over for a handshake that begins then.
    fn over_at(self, begin: Instant) -> Instant {
        self.too_late_at.unwrap_or(begin + self.time)
    }
}

/// The message: as it was given, or what stdin holds.
fn message_text(args: &SendArgs) -> Result<String, Stop> {
    match args.text.as_deref() {
        Some(text) if text != "-" => Ok(text.to_owned()),
        None if output::is_typed() => {
            let failure = Failure::new(FailureKind::User, "There is no message to send").hint(
                "give it after the stage, or on stdin: stagewire send chat/prod - < message.json",
            );
            Err(Stop::Usage(failure))
        }
        _ => Ok(read_message(std::io::stdin().lock())?),
    }
}

/// Reads a message that is legal, or one byte too many to be.
fn read_message(input: impl Read) -> Result<String, Failure> {
    let failure = |cause: String| {
        Failure::new(FailureKind::User, "Cannot send what stdin holds").cause(cause)
    };
    // Two more, for the end of the last line.
    let most = MESSAGE_BYTES as u64 + 2;
    let mut bytes = Vec::new();
    input
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failure(error.to_string()))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > MESSAGE_BYTES {
        return Err(failure(format!(
            "it is longer than the {MESSAGE_BYTES} bytes (128 KB) that a message may have"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        failure(format!("it is not UTF-8 text, from byte {place} on"))
    })
}

/// Returns what was sent, how it ended, and what the gateway said of itself.
fn sent_json(n_bytes: usize, end: Option<&LinkEvent>, own: Option<&OwnFrame>) -> Value {
    let closed = match end {
        Some(LinkEvent::Closed(closed)) => json!({
            "Code": closed.code, "Reason": closed.reason, "ByUs": closed.by_us,
        }),
        _ => Value::Null,
    };
    json!({ "SentBytes": n_bytes, "Closed": closed, "gatewayResponse": own.map(OwnFrame::json) })
}

/// The message that is waited for, and what came instead.
struct Wait<'a> {
    expected: Option<&'a str>,
    incoming: Assembler,
    facts: Facts,
    is_open: bool,
    is_sent: bool,
    n_others: u64,
    last_other: Option<String>,
    /// The last message that the gateway sent of itself, which is never the one that is waited for.
    own: Option<OwnFrame>,
    /// The code and reason of the close frame that the peer sent.
    their_close: Option<(u16, String)>,
}

impl<'a> Wait<'a> {
    fn new(expected: Option<&'a str>, to: &Destination) -> Self {
        Self {
            expected,
            incoming: Assembler::default(),
            facts: Facts::new(to),
            is_open: false,
            is_sent: false,
            n_others: 0,
            last_other: None,
            own: None,
            their_close: None,
        }
    }

    /// The message that was expected; none when none was, and ours has left.
    async fn until_done(
        &mut self,
        link: &mut PatientLink,
        to: &Destination,
        patience: Patience,
    ) -> Result<Option<String>, Failure> {
        let mut over_at = patience.over_at(Instant::now());
        while let Some(event) = timeout_at(over_at, link.next())
            .await
            .map_err(|_| self.too_late(patience.time, to))?
        {
            self.facts.learn(&event);
            match &event {
                LinkEvent::Open(opened) => {
                    self.is_open = true;
                    if let Some(words) = to.lacks_subprotocol(opened) {
                        output::warn(&words);
                    }
                }
                LinkEvent::Frames(frames) => {
                    let found = self.look_at_all(&frames.records);
                    let is_enough = self.is_sent && self.expected.is_none();
                    if found.is_some() || is_enough {
                        return Ok(found);
                    }
                }
                end if end.is_end() => {
                    let again_at = link.again_at();
                    let again_at = again_at.ok_or_else(|| self.ended(end, to))?;
                    over_at = patience.over_at(again_at);
                }
                _ => {}
            }
        }
        Err(self.ended_early(to))
    }

    fn ended(&self, end: &LinkEvent, to: &Destination) -> Failure {
        let failure = self.facts.failure(end, to);
        failure.unwrap_or_else(|| self.ended_early(to))
    }

    /// The expected message, as far as these frames bring it.
    fn look_at_all(&mut self, records: &[FrameRecord]) -> Option<String> {
        records.iter().find_map(|record| self.look_at(record))
    }

    fn look_at(&mut self, record: &FrameRecord) -> Option<String> {
        let own = self.facts.look_at(record);
        let is_own = own.is_some();
        self.own = own.or(self.own.take());
        if record.direction == Direction::Out {
            self.is_sent |= record.is_final && !record.opcode.is_control();
            return None;
        }
        self.look_for_close(record);
        let message = self.incoming.take(record)?;
        let message = String::from_utf8_lossy(&message).into_owned();
        if self
            .expected
            .is_some_and(|expected| !is_own && message.contains(expected))
        {
            return Some(message);
        }
        self.n_others += 1;
        self.last_other = Some(message);
        None
    }

    fn learn(&mut self, records: &[FrameRecord]) {
        for record in records {
            self.own = self.facts.look_at(record).or(self.own.take());
            self.look_for_close(record);
        }
    }

    fn look_for_close(&mut self, record: &FrameRecord) {
        if self.their_close.is_none() && record.direction == Direction::In {
            self.their_close = record.close();
        }
    }

    /// Closes and waits for the end: how it came, if it came in time. A peer that refuses what was sent says so with its
    /// own close, which it may have sent before it saw ours.
    async fn say_goodbye(
        &mut self,
        mut link: PatientLink,
        to: &Destination,
    ) -> Result<Option<LinkEvent>, Failure> {
        let goodbye = Outgoing::Close(Some((1000, String::new())));
        // A link that has ended already says so among its events.
        let _ended = link.sender().send(goodbye).await.is_err();
        let mut end = None;
        let until_end = async {
            while let Some(event) = link.next().await {
                self.facts.learn(&event);
                if let LinkEvent::Frames(frames) = &event {
                    self.learn(&frames.records);
                }
                end = end.take().or_else(|| event.is_end().then_some(event));
            }
        };
        let in_time = timeout_at(Instant::now() + GOODBYE_TIME, until_end).await;
        tracing::debug!(in_time = in_time.is_ok(), "said goodbye");
        if let (Some(LinkEvent::Closed(closed)), Some((code, reason))) =
            (&mut end, self.their_close.take())
        {
            // Our close may have crossed theirs on the way: theirs is the answer to the message.
            if closed.by_us && !message::is_orderly(code) {
                closed.code = code;
                closed.reason = reason;
                closed.by_us = false;
            }
        }
        match end.as_ref().and_then(|end| self.facts.failure(end, to)) {
            Some(failure) => Err(self.with_own(failure)),
            None => Ok(end),
        }
    }

    fn ended_early(&self, to: &Destination) -> Failure {
        let failure = Failure::new(
            FailureKind::Remote,
            format!("The connection to {} ended too early", to.request.url),
        );
        self.with_others(failure.cause("the peer closed it before the expected message came"))
    }

    fn too_late(&self, patience: Duration, to: &Destination) -> Failure {
        let patience = message::patience_text(patience);
        let url = &to.request.url;
        if !self.is_open {
            return Failure::new(FailureKind::Remote, format!("Cannot connect to {url}"))
                .cause(format!("the connection was not open after {patience}"))
                .hint("give it longer with --timeout-ms");
        }
        match self.expected {
            Some(expected) if self.is_sent => self.with_others(Failure::new(
                FailureKind::Remote,
                format!("No message that holds {expected:?} came within {patience}"),
            )),
            _ => Failure::new(FailureKind::Remote, format!("Cannot send to {url}")).cause(format!(
                "the peer did not take the message within {patience}"
            )),
        }
    }

    fn with_others(&self, failure: Failure) -> Failure {
        let failure = match &self.last_other {
            Some(other) => failure.cause(format!(
                "other messages that came: {}; the last one: {}",
                self.n_others,
                text::printable(&other.chars().take(200).collect::<String>())
            )),
            None if self.expected.is_some() => failure.cause("no message came at all"),
            None => failure,
        };
        self.with_own(failure)
    }

    fn with_own(&self, failure: Failure) -> Failure {
        match &self.own {
            Some(own) => failure.cause(own.warning()),
            None => failure,
        }
    }
}

fn print(message: &str, output: Output) -> Result<(), Stop> {
    if output.json {
        output::json(&json!({ "Message": message }))
    } else {
        output::answer(&text::printable(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_from_stdin_loses_the_end_of_its_last_line_only() {
        let read = |bytes: &[u8]| read_message(bytes).unwrap();
        assert_eq!(read(b""), "");
        assert_eq!(read(b"one\ntwo\r\n"), "one\ntwo");
        assert_eq!(read(b"one\n\n"), "one\n");
        let most = "x".repeat(MESSAGE_BYTES);
        assert!(read(most.as_bytes()) == most);
        assert!(read(format!("{most}\r\n").as_bytes()) == most);
    }

    #[test]
    fn a_message_from_stdin_that_cannot_be_sent_is_refused() {
        let refused = |bytes: &[u8]| read_message(bytes).unwrap_err().causes.join(" ");
        let over = vec![b'x'; MESSAGE_BYTES + 1];
        assert!(refused(&over).contains("131072 bytes"));
        assert!(refused(&vec![b'x'; MESSAGE_BYTES * 2]).contains("131072 bytes"));
        assert!(refused(b"ab\xff").contains("from byte 2"));
    }
}
