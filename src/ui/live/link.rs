//! One client of a session: the phase of its link, its traffic, and the time when the gateway will end the link.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Direction, FrameRecord, LinkEvent, LinkId, Opcode, Signing,
    explain::Sent,
    limit::ConnectionLimits,
    link::{Closed, LinkFailure, LinkStep, Opened, Refusal},
};

/// Waits before the attempts to reconnect by itself, in seconds. After the last one the person decides.
const BACKOFF_SECONDS: [i64; 8] = [1, 2, 4, 8, 15, 30, 30, 30];

/// The time that something sent may be without any answer before that is worth a word.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// A link that lived this long was good: when it is lost, the waits begin anew.
const STABLE: SignedDuration = SignedDuration::from_secs(30);

/// A client and its link, which is another one after each reconnect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLink {
    /// The link's number, new at every attempt.
    pub id: LinkId,
    /// The signing of the link's handshake.
    pub signing: Signing,
    /// The phase of the link.
    pub phase: Phase,
    /// The traffic that came in, over all links of this client.
    pub incoming: Traffic,
    /// The traffic that went out, over all links of this client.
    pub outgoing: Traffic,
    /// The time when the link in force opened.
    pub opened_at: Option<Timestamp>,
    /// The time when the last message crossed the link in force, or a ping was sent over it, or when it opened.
    pub active_at: Option<Timestamp>,
    /// The time when something last came over the link in force, or when it opened.
    pub heard_at: Option<Timestamp>,
    /// The time when the first frame but a pong was sent after that.
    asked_at: Option<Timestamp>,
    /// The limits that hold where this link leads.
    pub limits: Limits,
    /// The extremes of what the link in force sent, as far as a close may be because of it.
    pub sent: Sent,
    /// The next attempt to reconnect, when one is due by itself.
    pub retry: Option<Retry>,
    /// Attempts to reconnect since a link was open for a while.
    attempts: usize,
}

/// The phase of a link, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// On its way to the handshake's answer.
    Connecting {
        /// The time when the client set out.
        since: Timestamp,
    },
    /// Frames can cross.
    Open(Opened),
    /// The handshake was answered with something else than 101.
    Refused(Refusal),
    /// No handshake, or an end without a close frame.
    Failed(LinkFailure),
    /// An end with a close frame.
    Closed(Closed),
}

/// The condition of a link in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Frames can cross.
    Open,
    /// The handshake is under way.
    Connecting,
    /// Refused, failed or closed.
    Ended,
}

impl Condition {
    /// Returns the condition of a link.
    pub fn of(link: &LiveLink) -> Self {
        match link.phase {
            Phase::Open(_) => Self::Open,
            Phase::Connecting { .. } => Self::Connecting,
            Phase::Refused(_) | Phase::Failed(_) | Phase::Closed(_) => Self::Ended,
        }
    }

    /// Returns the condition in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "live",
            Self::Connecting => "connecting",
            Self::Ended => "not connected",
        }
    }
}

/// Frames in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The number of frames.
    pub frames: u64,
    /// Their payloads, in bytes.
    pub bytes: u64,
}

/// An attempt to reconnect that is due by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The number of the attempt, from 1.
    pub attempt: usize,
    /// The time of the attempt.
    pub at: Timestamp,
}

/// The limits that hold at the other end, and the pace of their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// The limits that API Gateway documents.
    Usual,
    /// The limits of the gateway in this process, whose time may pass faster.
    Ours(ConnectionLimits),
    /// Not known: whoever answers there has limits of their own, or a clock that runs faster.
    Unknown,
}

impl Limits {
    /// Returns the limits, where they are known.
    pub fn known(self) -> Option<ConnectionLimits> {
        match self {
            Self::Usual => Some(ConnectionLimits::USUAL),
            Self::Ours(limits) => Some(limits),
            Self::Unknown => None,
        }
    }
}

/// A reason why the gateway will end a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No message crosses the link.
    Idle,
    /// The link lives too long.
    Lifetime,
}

impl LiveLink {
    /// Returns a client that sets out now.
    pub fn new(id: LinkId, now: Timestamp, limits: Limits) -> Self {
        Self {
            id,
            signing: Signing::Unsigned,
            phase: Phase::Connecting { since: now },
            incoming: Traffic::default(),
            outgoing: Traffic::default(),
            opened_at: None,
            active_at: None,
            heard_at: None,
            asked_at: None,
            limits,
            sent: Sent::default(),
            retry: None,
            attempts: 0,
        }
    }

    /// Sets out again, with a new link; what was counted stays.
    pub fn reopen(&mut self, id: LinkId, now: Timestamp) {
        self.id = id;
        self.phase = Phase::Connecting { since: now };
        self.opened_at = None;
        self.active_at = None;
        self.heard_at = None;
        self.asked_at = None;
        self.sent = Sent::default();
        self.retry = None;
    }

    /// True until the link's end was told.
    pub fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. } | Phase::Open(_))
    }

    /// True while frames can cross.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Takes an event of the link, but for frames, which [`LiveLink::count`] takes.
    pub fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connecting | LinkEvent::Frames(_) | LinkEvent::Unsent(_) => {}
            LinkEvent::Open(opened) => {
                self.opened_at = Some(opened.at);
                self.active_at = Some(opened.at);
                self.heard_at = Some(opened.at);
                self.phase = Phase::Open(opened);
            }
            LinkEvent::Refused(refusal) => self.phase = Phase::Refused(refusal),
            LinkEvent::Failed(failure) => {
                self.plan_retry(&failure);
                self.phase = Phase::Failed(failure);
            }
            LinkEvent::Closed(closed) => self.phase = Phase::Closed(closed),
        }
    }

    /// Counts a frame that crossed.
    #[inline]
    pub fn count(&mut self, record: &FrameRecord) {
        let traffic = match record.direction {
            Direction::In => &mut self.incoming,
            Direction::Out => &mut self.outgoing,
        };
        traffic.frames += 1;
        traffic.bytes += record.payload_length;
        match record.direction {
            Direction::In => {
                self.heard_at = Some(record.at);
                self.asked_at = None;
            }
            // A pong is itself an answer.
            Direction::Out if record.opcode != Opcode::Pong => {
                self.asked_at.get_or_insert(record.at);
            }
            Direction::Out => {}
        }
        // GUESS: whether a client's ping puts the idle close off is not documented; the local gateway says yes.
        let is_ping_out = record.direction == Direction::Out && record.opcode == Opcode::Ping;
        if !record.opcode.is_control() || is_ping_out {
            self.active_at = Some(record.at);
        }
        if record.direction == Direction::Out {
            self.sent.count(record);
        }
    }

    /// Returns the time since which nothing was heard, when something was sent after that and has been without an
    /// answer for a while. It may need none; but the peer may also be gone, which the system takes half a minute to
    /// notice.
    pub fn unanswered_since(&self, now: Timestamp) -> Option<Timestamp> {
        let is_late = self.is_open() && now.duration_since(self.asked_at?) >= PATIENCE;
        self.heard_at.filter(|_| is_late)
    }

    /// Returns the time when the gateway will end the link unless something happens, and the reason; none while the
    /// link is not open, and where its limits are not known to hold. SOURCE: API Gateway quotas, "Idle Connection
    /// Timeout" and "Connection duration for WebSocket API".
    pub fn ends_at(&self) -> Option<(Timestamp, Limit)> {
        let limits = self.limits.known().filter(|_| self.is_open())?;
        let idle = later(self.active_at?, limits.idle);
        let lifetime = later(self.opened_at?, limits.lifetime);
        Some(if lifetime < idle {
            (lifetime, Limit::Lifetime)
        } else {
            (idle, Limit::Idle)
        })
    }

    /// Returns the time until a time that is shown for this link reads otherwise, or until a retry is due.
    pub fn next_change(&self, now: Timestamp) -> Option<Duration> {
        let at = match (self.retry, &self.phase) {
            (Some(retry), _) => Some(retry.at),
            (None, Phase::Connecting { since }) => {
                let waited = now.duration_since(*since).as_millis().max(0) % 1000;
                return u64::try_from(1000 - waited).ok().map(Duration::from_millis);
            }
            (None, _) => self.ends_at().map(|(at, _)| at),
        };
        let countdown = at.and_then(|at| until_countdown_changes(at.duration_since(now)));
        let age = self.opened_at.filter(|_| self.is_open()).map(|opened| {
            let into_minute = now.duration_since(opened).as_millis().max(0) % 60_000;
            Duration::from_millis(u64::try_from(60_000 - into_minute).unwrap_or(60_000))
        });
        let doubt = self.asked_at.filter(|_| self.is_open()).and_then(|asked| {
            let left = later(asked, PATIENCE).duration_since(now).as_millis();
            u64::try_from(left).ok().filter(|left| *left > 0)
        });
        let doubt = doubt.map(Duration::from_millis);
        countdown.into_iter().chain(age).chain(doubt).min()
    }

    /// Plans another try for a link that was open and broke, and for such a try that failed. A first handshake that
    /// failed or was refused is not tried again by itself: the person has to see why.
    fn plan_retry(&mut self, failure: &LinkFailure) {
        // A peer that takes every handshake and then breaks off must not be asked every second for ever.
        let lived = self.opened_at.map(|at| failure.at.duration_since(at));
        if lived.is_some_and(|lived| lived >= STABLE) {
            self.attempts = 0;
        }
        let is_worth_it = match failure.step {
            LinkStep::Open => true,
            // Whoever broke a rule breaks it again.
            LinkStep::Rule(_) | LinkStep::Subprotocol(_) => false,
            _ => self.attempts > 0,
        };
        self.retry = None;
        if is_worth_it {
            self.try_again(failure.at);
        }
    }

    /// Tries again a little later, unless that was done often enough.
    fn try_again(&mut self, now: Timestamp) {
        self.retry = BACKOFF_SECONDS.get(self.attempts).map(|seconds| Retry {
            attempt: self.attempts + 1,
            at: later(now, SignedDuration::from_secs(*seconds)),
        });
        if self.retry.is_some() {
            self.attempts += 1;
        }
    }

    /// Tries again after a refusal by a stage that has not settled: it may not be there yet for everybody.
    pub fn await_settling(&mut self, now: Timestamp) {
        if matches!(&self.phase, Phase::Refused(refusal) if refusal.may_pass()) {
            self.try_again(now);
        }
    }

    /// Gives up an attempt under way, and reconnecting by itself.
    pub fn give_up(&mut self, now: Timestamp) {
        self.retry = None;
        self.attempts = 0;
        if self.is_alive() {
            self.phase = Phase::Failed(LinkFailure {
                at: now,
                step: LinkStep::Connect,
                causes: vec!["you stopped waiting".to_owned()],
            });
        }
    }
}

/// Returns a time that is still to come, in words that move as seldom as they can: minutes until the last one, then
/// seconds.
pub fn countdown_text(left: SignedDuration) -> String {
    let left_ms = left.as_millis();
    match left_ms {
        ..=0 => "any moment".to_owned(),
        1..=60_000 => format!("in {} s", ceil(left_ms, 1000)),
        _ => format!("in {} min", ceil(left_ms, 60_000)),
    }
}

/// Returns the time that something has lasted, in words that move once a minute; none in the first one.
pub fn age_text(age: SignedDuration) -> Option<String> {
    match age.as_secs() / 60 {
        ..=0 => None,
        minutes @ 1..60 => Some(format!("{minutes} min")),
        minutes => Some(format!("{} h {:02} min", minutes / 60, minutes % 60)),
    }
}

/// Returns the time until [`countdown_text`] reads otherwise; none when it will not.
fn until_countdown_changes(left: SignedDuration) -> Option<Duration> {
    let left_ms = left.as_millis();
    let unit = match left_ms {
        ..=0 => return None,
        1..=60_000 => 1000,
        _ => 60_000,
    };
    let rest = left_ms - (ceil(left_ms, unit) - 1) * unit;
    u64::try_from(rest).ok().map(Duration::from_millis)
}

fn ceil(value: i128, unit: i128) -> i128 {
    (value + unit - 1) / unit
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(at: Timestamp) -> LinkEvent {
        LinkEvent::Open(Opened {
            at,
            subprotocol: None,
            headers: Vec::new(),
        })
    }

    fn lost(at: Timestamp, step: LinkStep) -> LinkEvent {
        LinkEvent::Failed(LinkFailure {
            at,
            step,
            causes: Vec::new(),
        })
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn check_countdown(left_ms: i64, text: &str, next_ms: Option<u64>) {
        let left = SignedDuration::from_millis(left_ms);
        assert_eq!(countdown_text(left), text);
        assert_eq!(
            until_countdown_changes(left),
            next_ms.map(Duration::from_millis)
        );
    }

    #[test]
    fn countdown_moves_by_the_minute_until_the_last_one() {
        check_countdown(600_000, "in 10 min", Some(60_000));
        check_countdown(599_000, "in 10 min", Some(59_000));
        check_countdown(60_001, "in 2 min", Some(1));
        check_countdown(60_000, "in 60 s", Some(1000));
        check_countdown(1500, "in 2 s", Some(500));
        check_countdown(0, "any moment", None);
        check_countdown(-5, "any moment", None);
    }

    #[test]
    fn age_is_told_by_the_minute() {
        let check = |seconds, text: Option<&str>| {
            assert_eq!(
                age_text(SignedDuration::from_secs(seconds)).as_deref(),
                text
            );
        };
        check(-1, None);
        check(59, None);
        check(60, Some("1 min"));
        check(3599, Some("59 min"));
        check(3900, Some("1 h 05 min"));
    }

    #[test]
    fn idle_comes_first_and_the_lifetime_when_the_link_is_busy() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Usual);
        assert_eq!(link.ends_at(), None);
        link.take(opened(second(0)));
        assert_eq!(link.ends_at(), Some((second(600), Limit::Idle)));
        link.active_at = Some(second(7000));
        assert_eq!(link.ends_at(), Some((second(7200), Limit::Lifetime)));
    }

    #[test]
    fn lost_link_is_tried_again_with_growing_waits_and_not_for_ever() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Usual);
        link.take(opened(second(0)));
        link.take(lost(second(0), LinkStep::Open));
        assert_eq!(link.retry.unwrap().at, second(1));
        let mut waits = Vec::new();
        for id in 2..20 {
            link.reopen(LinkId(id), second(0));
            link.take(lost(second(0), LinkStep::Connect));
            waits.extend(link.retry.map(|retry| retry.at.as_second()));
        }
        assert_eq!(waits[..7], [2, 4, 8, 15, 30, 30, 30]);
        assert_eq!(waits.len(), 7);
    }

    #[test]
    fn link_that_breaks_at_once_is_waited_for_longer_and_a_good_one_from_the_start() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Usual);
        let mut waits = Vec::new();
        for (opened_at, lost_at) in [(0, 1), (2, 3), (4, 5), (6, 100), (101, 102)] {
            link.reopen(LinkId(2), second(opened_at));
            link.take(opened(second(opened_at)));
            link.take(lost(second(lost_at), LinkStep::Open));
            waits.push(link.retry.unwrap().at.as_second() - lost_at);
        }
        assert_eq!(waits, [1, 2, 4, 1, 2]);
    }

    #[test]
    fn first_failure_and_a_refusal_are_not_tried_again() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Usual);
        link.take(lost(second(0), LinkStep::Connect));
        assert_eq!(link.retry, None);
        link.take(LinkEvent::Refused(Refusal {
            at: second(0),
            status: 403,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        }));
        assert_eq!(link.retry, None);
    }

    #[test]
    fn broken_rule_is_not_tried_again() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Usual);
        link.take(opened(second(0)));
        link.take(lost(second(1), LinkStep::Open));
        link.reopen(LinkId(2), second(2));
        link.take(opened(second(2)));
        link.take(lost(second(3), LinkStep::Rule(1002)));
        assert_eq!(link.retry, None);
    }

    #[test]
    fn no_end_is_foretold_where_the_limits_are_not_known() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Unknown);
        link.take(opened(second(0)));
        assert_eq!(link.ends_at(), None);
        // Its age still moves by the minute.
        assert_eq!(link.next_change(second(1)), Some(Duration::from_secs(59)));
    }

    fn crossed(direction: Direction, opcode: Opcode, at: Timestamp) -> FrameRecord {
        FrameRecord {
            direction,
            opcode,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: bytes::Bytes::new(),
            payload_length: 0,
            part: 1,
            at,
        }
    }

    #[test]
    fn silence_after_something_was_sent_is_a_doubt_until_anything_comes() {
        let mut link = LiveLink::new(LinkId(1), second(0), Limits::Unknown);
        link.take(opened(second(0)));
        assert_eq!(link.unanswered_since(second(1000)), None);
        link.count(&crossed(Direction::In, Opcode::Ping, second(5)));
        link.count(&crossed(Direction::Out, Opcode::Pong, second(5)));
        assert_eq!(link.unanswered_since(second(1000)), None);
        link.count(&crossed(Direction::Out, Opcode::Text, second(61)));
        link.count(&crossed(Direction::Out, Opcode::Text, second(70)));
        assert_eq!(link.unanswered_since(second(80)), None);
        assert_eq!(link.next_change(second(80)), Some(Duration::from_secs(1)));
        assert_eq!(link.unanswered_since(second(81)), Some(second(5)));
        // It is said once and does not tick.
        assert_eq!(link.next_change(second(81)), Some(Duration::from_secs(39)));
        link.count(&crossed(Direction::In, Opcode::Pong, second(90)));
        assert_eq!(link.unanswered_since(second(1000)), None);
    }
}
