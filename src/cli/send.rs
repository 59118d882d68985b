//! `stagewire send`: one message, and perhaps the wait for an answer.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{
    args::SendArgs,
    exit::{Exit, Stop},
    message::{self, Assembler, Destination, Facts},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    live::{self, Link},
    model::{Direction, Failure, FailureKind, FrameRecord, LinkEvent, Outgoing, text},
};

pub(super) fn run(session: &Session, args: &SendArgs, output: Output) -> Result<Exit, Stop> {
    start::block_on(async {
        let destination = message::destination(session, &args.place).await?;
        let mut link = live::connect(destination.request.clone());
        // A link that has ended already says so among its events.
        let _ended = link
            .sender()
            .send(Outgoing::Text(args.text.clone()))
            .await
            .is_err();
        let patience = Duration::from_millis(args.timeout_ms);
        let mut wait = Wait::new(args.expect.as_deref());
        let found = timeout_at(
            Instant::now() + patience,
            wait.until_done(&mut link, &destination),
        );
        match found.await {
            Ok(found) => {
                if let Some(message) = found? {
                    print(&message, output)?;
                }
                say_goodbye(link).await;
                output.progress(&format!("sent {} bytes", args.text.len()));
                Ok(Exit::Done)
            }
            Err(_) => Err(wait.too_late(patience, &destination).into()),
        }
    })
}

/// What is waited for, and what came instead.
struct Wait<'a> {
    expected: Option<&'a str>,
    incoming: Assembler,
    facts: Facts,
    is_open: bool,
    is_sent: bool,
    n_others: u64,
    last_other: Option<String>,
}

impl<'a> Wait<'a> {
    fn new(expected: Option<&'a str>) -> Self {
        Self {
            expected,
            incoming: Assembler::default(),
            facts: Facts::default(),
            is_open: false,
            is_sent: false,
            n_others: 0,
            last_other: None,
        }
    }

    /// The message that was expected; none when none was, and ours has left.
    async fn until_done(
        &mut self,
        link: &mut Link,
        to: &Destination,
    ) -> Result<Option<String>, Failure> {
        while let Some(event) = link.next().await {
            self.facts.learn(&event);
            match &event {
                LinkEvent::Open(_) => self.is_open = true,
                LinkEvent::Frames(frames) => {
                    let found = frames
                        .records
                        .iter()
                        .find_map(|record| self.look_at(record));
                    if found.is_some() {
                        return Ok(found);
                    }
                    if self.is_sent && self.expected.is_none() {
                        return Ok(None);
                    }
                }
                end if end.is_end() => {
                    return Err(self
                        .facts
                        .failure(end, to)
                        .unwrap_or_else(|| self.ended_early(to)));
                }
                _ => {}
            }
        }
        Err(self.ended_early(to))
    }

    fn look_at(&mut self, record: &FrameRecord) -> Option<String> {
        if record.direction == Direction::Out {
            self.is_sent |= record.is_final && !record.opcode.is_control();
            return None;
        }
        let message = self.incoming.take(record)?;
        let message = String::from_utf8_lossy(&message).into_owned();
        if self
            .expected
            .is_some_and(|expected| message.contains(expected))
        {
            return Some(message);
        }
        self.n_others += 1;
        self.last_other = Some(message);
        None
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
        match &self.last_other {
            Some(other) => failure.cause(format!(
                "other messages that came: {}; the last one: {}",
                self.n_others,
                text::printable(&other.chars().take(200).collect::<String>())
            )),
            None if self.expected.is_some() => failure.cause("no message came at all"),
            None => failure,
        }
    }
}

fn print(message: &str, output: Output) -> Result<(), Stop> {
    if output.json {
        output::json(&serde_json::json!({ "Message": message }))
    } else {
        output::answer(&text::printable(message))
    }
}

/// Closes and waits for the end, which the link itself bounds. The job is done whatever comes of it.
async fn say_goodbye(mut link: Link) {
    let goodbye = Outgoing::Close(Some((1000, String::new())));
    if link.sender().send(goodbye).await.is_ok() {
        while link.next().await.is_some() {}
    }
}
