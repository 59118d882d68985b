//! Notices: short lines that come by themselves and go by themselves, and the log that keeps them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Failure;

/// The time that the answer to a person's action stays.
const REPLY_LIFETIME: SignedDuration = SignedDuration::from_secs(4);

/// The time that an offer to do something stays.
const OFFER_LIFETIME: SignedDuration = SignedDuration::from_secs(8);

/// The time that a failure or a warning from the background stays.
const FAILURE_LIFETIME: SignedDuration = SignedDuration::from_secs(12);

/// The most notices on the screen at one time.
const VISIBLE: usize = 3;

/// The most entries that the log keeps.
const LOG_ENTRIES: usize = 500;

/// The tone of a notice: news for the record, a success, a warning or a failure.
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

/// The reason for a notice, which decides how long the notice stays and which notices it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The answer to what somebody just did: the next answer takes its place.
    Reply,
    /// An offer to do something.
    Offer,
    /// A failure or a warning that nobody waited for: it stays wherever one goes.
    Failure,
}

impl Kind {
    fn lifetime(self) -> SignedDuration {
        match self {
            Self::Reply => REPLY_LIFETIME,
            Self::Offer => OFFER_LIFETIME,
            Self::Failure => FAILURE_LIFETIME,
        }
    }
}

/// The depth of the stacks of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The number of screens.
    pub screens: usize,
    /// The number of modals above the last screen.
    pub modals: usize,
}

/// A line that stays for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The tone.
    pub tone: Tone,
    /// The line.
    pub text: String,
    /// The time when the notice goes.
    pub until: Timestamp,
    kind: Kind,
    /// The depth at which the notice was said; none until [`Notices::follow`] notes it.
    depth: Option<Depth>,
}

/// Something that was said, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The time.
    pub at: Timestamp,
    /// The tone.
    pub tone: Tone,
    /// The text.
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
        self.add(now, tone, text.into(), Kind::Reply);
    }

    /// Says something that offers something to do, so that it stays longer.
    pub fn offer(&mut self, now: Timestamp, tone: Tone, text: impl Into<String>) {
        self.add(now, tone, text.into(), Kind::Offer);
    }

    /// Says that something failed in the background.
    pub fn fail(&mut self, now: Timestamp, failure: Failure) {
        self.tell(now, Tone::Danger, failure);
    }

    /// Says that something in the background is otherwise than was asked for, and goes on.
    pub fn warn(&mut self, now: Timestamp, failure: Failure) {
        self.tell(now, Tone::Warning, failure);
    }

    fn tell(&mut self, now: Timestamp, tone: Tone, failure: Failure) {
        let text = match failure.causes.first() {
            Some(cause) => format!("{}: {cause}", failure.title),
            None => failure.title.clone(),
        };
        self.show(now, tone, text.clone(), Kind::Failure);
        self.keep(now, tone, text, Some(failure));
    }

    /// Takes away what offers something to do: it is done, or taken back.
    pub fn take_back_offers(&mut self) {
        self.shown.retain(|notice| notice.kind != Kind::Offer);
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

    /// Keeps a failure in the log that is shown elsewhere, unless the log ends with it already.
    pub fn keep_news(&mut self, now: Timestamp, failure: &Failure) {
        let last = self.log.last().and_then(|entry| entry.failure.as_ref());
        if last != Some(failure) {
            self.keep_failure(now, failure);
        }
    }

    /// Returns the notices that stay for now, oldest first.
    pub fn shown(&self) -> &[Notice] {
        &self.shown
    }

    /// Returns the notices to draw above so many modals, oldest first: a notice said below a modal waits for it to
    /// close.
    pub fn shown_above(&self, n_modals: usize) -> impl DoubleEndedIterator<Item = &Notice> {
        self.shown.iter().filter(move |notice| {
            let modals = notice.depth.map(|depth| depth.modals);
            notice.kind == Kind::Failure || modals.is_none_or(|modals| modals == n_modals)
        })
    }

    /// Returns all that was said, oldest first.
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// Takes away what has been there long enough.
    pub fn expire(&mut self, now: Timestamp) {
        self.shown.retain(|notice| notice.until > now);
    }

    /// Takes away what was said on a screen or a modal that is not shown any more. A modal that opens hides nothing.
    pub fn follow(&mut self, now: Depth) {
        self.shown.retain_mut(|notice| {
            // An offer is about what was done, not about the modal that happened to be open.
            let modals = match notice.kind {
                Kind::Reply => now.modals,
                Kind::Offer | Kind::Failure => 0,
            };
            let said_at = *notice.depth.get_or_insert(Depth { modals, ..now });
            let is_here = said_at.screens == now.screens && said_at.modals <= now.modals;
            notice.kind == Kind::Failure || is_here
        });
    }

    /// Returns the time until the next notice goes; none when no notice is shown.
    pub fn next_expiry(&self, now: Timestamp) -> Option<Duration> {
        let until = self.shown.iter().map(|notice| notice.until).min()?;
        let left = until
            .duration_since(now)
            .max(SignedDuration::from_millis(1));
        Duration::try_from(left).ok()
    }

    fn add(&mut self, now: Timestamp, tone: Tone, text: String, kind: Kind) {
        self.show(now, tone, text.clone(), kind);
        self.keep(now, tone, text, None);
    }

    fn show(&mut self, now: Timestamp, tone: Tone, text: String, kind: Kind) {
        let until = now.saturating_add(kind.lifetime());
        let until = until.unwrap_or(Timestamp::MAX);
        // A newer line of the same kind takes the place of the older, and so does the same line again: pressing keys
        // must not fill the screen. Failures and warnings that come together are all shown.
        let is_replaced = |old: &Notice| {
            let may_replace = kind == Kind::Reply || tone == Tone::Ok;
            let is_same_kind = old.kind == kind && (kind == Kind::Reply || old.tone == tone);
            let is_overtaken = kind == Kind::Offer && old.kind == Kind::Reply;
            old.text == text || is_overtaken || (may_replace && is_same_kind)
        };
        self.shown.retain(|notice| !is_replaced(notice));
        self.shown.push(Notice {
            tone,
            text,
            until,
            kind,
            depth: None,
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(screens: usize, modals: usize) -> Depth {
        Depth { screens, modals }
    }

    fn texts(notices: &Notices) -> Vec<&str> {
        let shown = notices.shown().iter();
        shown.map(|notice| notice.text.as_str()).collect()
    }

    #[test]
    fn newer_reply_takes_the_place_of_the_older_and_failures_pile_up() {
        let now = Timestamp::UNIX_EPOCH;
        let mut notices = Notices::default();
        notices.say(now, Tone::Warning, "not here");
        notices.say(now, Tone::Ok, "copied");
        assert_eq!(texts(&notices), ["copied"]);
        notices.offer(now, Tone::Ok, "deployed");
        notices.offer(now, Tone::Warning, "one");
        notices.offer(now, Tone::Warning, "two");
        assert_eq!(texts(&notices), ["deployed", "one", "two"]);
        assert_eq!(notices.log().len(), 5);
    }

    #[test]
    fn what_was_said_goes_with_its_screen_or_modal_but_a_failure_stays() {
        let now = Timestamp::UNIX_EPOCH;
        let mut notices = Notices::default();
        notices.say(now, Tone::Info, "reply in a modal");
        notices.follow(depth(2, 1));
        notices.follow(depth(2, 2));
        assert_eq!(notices.shown_above(2).count(), 0);
        assert_eq!(notices.shown_above(1).count(), 1);
        assert_eq!(texts(&notices), ["reply in a modal"]);
        notices.follow(depth(2, 0));
        assert!(texts(&notices).is_empty());
        notices.offer(now, Tone::Ok, "offer");
        let failure = Failure::new(crate::model::FailureKind::Remote, "failure");
        notices.fail(now, failure);
        notices.follow(depth(2, 1));
        notices.follow(depth(2, 0));
        assert_eq!(texts(&notices), ["offer", "failure"]);
        notices.follow(depth(3, 0));
        assert_eq!(texts(&notices), ["failure"]);
    }
}
