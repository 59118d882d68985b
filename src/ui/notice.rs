//! Notices: short lines that come by themselves and go by themselves, and the log that keeps them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Failure;

/// How long a notice stays.
const LIFETIME: SignedDuration = SignedDuration::from_secs(6);

/// How long a notice stays that offers something to do.
const LONG_LIFETIME: SignedDuration = SignedDuration::from_secs(15);

/// How many notices are on the screen at one time.
const VISIBLE: usize = 3;

/// How many entries the log keeps.
const LOG_ENTRIES: usize = 500;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For the record.
    Info,
    /// Something succeeded.
    Ok,
    /// Something to look at.
    Warning,
    /// Something failed.
    Danger,
}

/// A line that stays for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub tone: Tone,
    /// The line.
    pub text: String,
    /// When it goes.
    pub until: Timestamp,
}

/// Something that was said, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub tone: Tone,
    /// What was said.
    pub text: String,
    /// All of a failure.
    pub failure: Option<Failure>,
}

/// The notices on the screen, and all that was said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    shown: Vec<Notice>,
    log: Vec<LogEntry>,
}

impl Notices {
    /// Says something.
    pub fn say(&mut self, now: Timestamp, tone: Tone, text: impl Into<String>) {
        self.add(now, tone, text.into(), LIFETIME);
    }

    /// Says something that offers something to do, so that it stays longer.
    pub fn offer(&mut self, now: Timestamp, tone: Tone, text: impl Into<String>) {
        self.add(now, tone, text.into(), LONG_LIFETIME);
    }

    /// Says that something failed in the background.
    pub fn fail(&mut self, now: Timestamp, failure: Failure) {
        let text = match failure.causes.first() {
            Some(cause) => format!("{}: {cause}", failure.title),
            None => failure.title.clone(),
        };
        self.show(now, Tone::Danger, text.clone(), LONG_LIFETIME);
        self.keep(now, Tone::Danger, text, Some(failure));
    }

    /// Keeps a failure in the log that is shown elsewhere.
    pub fn keep_failure(&mut self, now: Timestamp, failure: &Failure) {
        self.keep(
            now,
            Tone::Danger,
            failure.title.clone(),
            Some(failure.clone()),
        );
    }

    /// The notices to draw, oldest first.
    pub fn shown(&self) -> &[Notice] {
        &self.shown
    }

    /// All that was said, oldest first.
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// Takes away what has been there long enough.
    pub fn expire(&mut self, now: Timestamp) {
        self.shown.retain(|notice| notice.until > now);
    }

    /// How long until the next one goes.
    pub fn next_expiry(&self, now: Timestamp) -> Option<Duration> {
        let until = self.shown.iter().map(|notice| notice.until).min()?;
        let left = until
            .duration_since(now)
            .max(SignedDuration::from_millis(1));
        Duration::try_from(left).ok()
    }

    fn add(&mut self, now: Timestamp, tone: Tone, text: String, lifetime: SignedDuration) {
        self.show(now, tone, text.clone(), lifetime);
        self.keep(now, tone, text, None);
    }

    fn show(&mut self, now: Timestamp, tone: Tone, text: String, lifetime: SignedDuration) {
        let until = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        // The same line again only stays longer: pressing a key twice must not fill the screen.
        self.shown.retain(|notice| notice.text != text);
        self.shown.push(Notice { tone, text, until });
        let surplus = self.shown.len().saturating_sub(VISIBLE);
        self.shown.drain(..surplus);
    }

    fn keep(&mut self, now: Timestamp, tone: Tone, text: String, failure: Option<Failure>) {
        self.log.push(LogEntry {
            at: now,
            tone,
            text,
            failure,
        });
        let surplus = self.log.len().saturating_sub(LOG_ENTRIES);
        self.log.drain(..surplus);
    }
}
