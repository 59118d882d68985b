//! The pace of frames: the next one is drawn after the terminal has worked off the one before, and within the budget of
//! bytes.
//!
//! On a slow link a clock would draw frames faster than they arrive, and the person would look at the past. So each frame
//! is followed by a status request, and the next one waits for the answer: whatever the link's speed, at most one frame
//! is on its way. A terminal that does not answer is paced by the clock alone. Pure: time comes in as a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// Frames follow each other no faster than this: 60 a second.
const SHORTEST_PAUSE: Duration = Duration::from_micros(16_667);

/// While nothing but data from elsewhere changes, half as many do, and leave the terminal time for the person's keys.
const UNHURRIED_PAUSE: Duration = Duration::from_millis(33);

/// The longest time that the first answer may take before the terminal counts as one that does not answer.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// The longest time that a later answer may take on top of the time that a slow link needs for the bytes.
const ANSWER: Duration = Duration::from_secs(1);

/// A link slower than this counts as broken, in bytes a second.
const SLOWEST_LINK: f64 = 2048.0;

/// Answers missed in a row after which no more are asked for.
const PATIENCE: u32 = 4;

/// The urgency of the next frame: who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nobody: nothing has changed.
    None,
    /// Data from elsewhere.
    Data,
    /// The person, who pressed a key.
    Person,
}

/// The decision whether to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Draw now.
    Now,
    /// Not before this moment.
    At(Instant),
    /// Not before the terminal moved.
    AfterTerminal,
}

/// The bookkeeping of one terminal.
#[derive(Debug)]
pub(super) struct Pacer {
    last_frame: Option<Instant>,
    is_writing: bool,
    answers: Answers,
    awaited_until: Option<Instant>,
    n_missed: u32,
    bucket: Option<Bucket>,
}

/// The terminal's answers to status requests, as far as we know of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// Nothing yet. Nobody waits, but one request is on its way from this moment on.
    Unknown { asked: Option<Instant> },
    /// It answers.
    Yes,
    /// It does not.
    No,
}

impl Pacer {
    /// A pacer for a terminal, with a limit in bytes a second where bytes are dear.
    pub(super) fn new(bytes_per_second: Option<f64>) -> Self {
        Self {
            last_frame: None,
            is_writing: false,
            answers: Answers::Unknown { asked: None },
            awaited_until: None,
            n_missed: 0,
            bucket: bytes_per_second.map(Bucket::new),
        }
    }

    /// Decides whether the next frame may be drawn.
    pub(super) fn turn(&mut self, now: Instant, urgency: Urgency) -> Turn {
        if self.is_writing {
            return Turn::AfterTerminal;
        }
        if let Some(until) = self.awaited_until {
            if now < until {
                return Turn::At(until);
            }
            self.miss();
        }
        let pause = match urgency {
            Urgency::Person => SHORTEST_PAUSE,
            Urgency::Data | Urgency::None => UNHURRIED_PAUSE,
        };
        let by_clock = self.last_frame.map_or(now, |last| last + pause);
        let by_budget = self.bucket.as_mut().map_or(now, |bucket| bucket.free(now));
        match by_clock.max(by_budget) {
            moment if moment <= now => Turn::Now,
            moment => Turn::At(moment),
        }
    }

    /// True when a frame sent now should end with a status request.
    pub(super) fn wants_answer(&self) -> bool {
        match self.answers {
            Answers::Unknown { asked } => asked.is_none(),
            Answers::Yes => true,
            Answers::No => false,
        }
    }

    /// A frame of this many bytes was handed to the terminal; it ends with a status request if one was wanted.
    pub(super) fn sent(&mut self, now: Instant, n_bytes: usize) {
        self.last_frame = Some(now);
        self.is_writing = true;
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now, n_bytes);
        }
        match self.answers {
            Answers::Unknown { asked: None } => {
                self.answers = Answers::Unknown { asked: Some(now) };
            }
            Answers::Unknown { asked: Some(asked) } if now > asked + FIRST_ANSWER => {
                self.answers = Answers::No;
            }
            Answers::Yes => {
                #[expect(clippy::cast_precision_loss, reason = "a frame has few bytes")]
                let travel = Duration::from_secs_f64(n_bytes as f64 / SLOWEST_LINK);
                let patience = ANSWER * 2u32.pow(self.n_missed);
                self.awaited_until = Some(now + patience + travel);
            }
            Answers::Unknown { .. } | Answers::No => {}
        }
    }

    /// A frame was drawn and turned out to be the same as the last.
    pub(super) fn unchanged(&mut self, now: Instant) {
        self.last_frame = Some(now);
    }

    /// Another program had the terminal: nothing is on its way any more.
    pub(super) fn forget(&mut self) {
        self.is_writing = false;
        self.awaited_until = None;
    }

    /// The bytes have left the program.
    pub(super) fn written(&mut self) {
        self.is_writing = false;
    }

    /// The terminal answered.
    pub(super) fn answered(&mut self) {
        self.answers = Answers::Yes;
        self.awaited_until = None;
        self.n_missed = 0;
    }

    /// True when bytes are on their way, or an answer that nobody must find on the shell's prompt later.
    pub(super) fn is_busy(&self, now: Instant) -> bool {
        let is_first_due = match self.answers {
            Answers::Unknown { asked: Some(asked) } => now < asked + FIRST_ANSWER,
            _ => false,
        };
        self.is_writing || self.awaited_until.is_some() || is_first_due
    }

    fn miss(&mut self) {
        self.awaited_until = None;
        self.n_missed += 1;
        if self.n_missed >= PATIENCE {
            tracing::info!(
                "the terminal stopped to answer status requests; frames go by the clock"
            );
            self.answers = Answers::No;
        }
    }
}

/// A token bucket. A frame's size is known only when it is drawn, so the bucket may fall below zero and must recover
/// before the next one.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    at: Option<Instant>,
}

impl Bucket {
    /// Seconds' worth of bytes that a quiet terminal may get at once.
    const BURST: f64 = 0.25;

    fn new(rate: f64) -> Self {
        Self {
            rate,
            level: rate * Self::BURST,
            at: None,
        }
    }

    fn refill(&mut self, now: Instant) {
        if let Some(at) = self.at {
            let seconds = now.saturating_duration_since(at).as_secs_f64();
            self.level = (self.level + seconds * self.rate).min(self.rate * Self::BURST);
        }
        self.at = Some(now);
    }

    /// The moment from which bytes may flow.
    fn free(&mut self, now: Instant) -> Instant {
        self.refill(now);
        if self.level >= 0.0 {
            return now;
        }
        now + Duration::from_secs_f64(-self.level / self.rate)
    }

    fn take(&mut self, now: Instant, n_bytes: usize) {
        self.refill(now);
        #[expect(clippy::cast_precision_loss, reason = "a frame has few bytes")]
        let n_bytes = n_bytes as f64;
        self.level -= n_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// A pacer whose terminal has answered its first request.
    fn answering() -> (Pacer, Instant) {
        let start = Instant::now();
        let mut pacer = Pacer::new(None);
        assert!(pacer.wants_answer());
        pacer.sent(start, 100);
        pacer.written();
        pacer.answered();
        (pacer, start + ms(1000))
    }

    #[test]
    fn the_first_frame_is_drawn_at_once() {
        let mut pacer = Pacer::new(None);
        assert_eq!(pacer.turn(Instant::now(), Urgency::Data), Turn::Now);
    }

    #[test]
    fn frames_follow_each_other_at_most_60_a_second() {
        let (mut pacer, now) = answering();
        pacer.sent(now, 100);
        pacer.written();
        pacer.answered();
        assert_eq!(
            pacer.turn(now + ms(1), Urgency::Person),
            Turn::At(now + SHORTEST_PAUSE)
        );
        assert_eq!(pacer.turn(now + ms(17), Urgency::Person), Turn::Now);
        assert!(matches!(
            pacer.turn(now + ms(17), Urgency::Data),
            Turn::At(_)
        ));
    }

    #[test]
    fn the_next_frame_waits_for_the_answer_to_the_last() {
        let (mut pacer, now) = answering();
        assert!(pacer.wants_answer());
        pacer.sent(now, 100);
        assert_eq!(
            pacer.turn(now + ms(500), Urgency::Person),
            Turn::AfterTerminal
        );
        pacer.written();
        assert!(matches!(
            pacer.turn(now + ms(500), Urgency::Person),
            Turn::At(_)
        ));
        pacer.answered();
        assert_eq!(pacer.turn(now + ms(500), Urgency::Person), Turn::Now);
    }

    #[test]
    fn a_terminal_that_never_answers_is_never_waited_for() {
        let mut pacer = Pacer::new(None);
        let mut now = Instant::now();
        pacer.sent(now, 100);
        pacer.written();
        assert!(!pacer.wants_answer(), "one request is enough to find out");
        for _ in 0..100 {
            now += ms(100);
            assert_eq!(pacer.turn(now, Urgency::Data), Turn::Now);
            pacer.sent(now, 100);
            pacer.written();
        }
        assert!(!pacer.wants_answer());
        assert!(!pacer.is_busy(now));
    }

    #[test]
    fn a_terminal_that_stops_answering_is_given_up_after_a_while() {
        let (mut pacer, mut now) = answering();
        let mut n_asked = 0;
        while pacer.wants_answer() {
            n_asked += 1;
            assert!(n_asked <= PATIENCE);
            pacer.sent(now, 100);
            pacer.written();
            now += ms(20_000);
            assert_eq!(pacer.turn(now, Urgency::Data), Turn::Now);
        }
        assert_eq!(n_asked, PATIENCE);
    }

    #[test]
    fn the_budget_of_bytes_holds_over_time() {
        let rate = 10_000.0;
        let mut pacer = Pacer::new(Some(rate));
        let start = Instant::now();
        let mut now = start;
        let mut n_bytes = 0;
        while now < start + Duration::from_secs(10) {
            match pacer.turn(now, Urgency::Person) {
                Turn::Now => {
                    n_bytes += 3000;
                    pacer.sent(now, 3000);
                    pacer.written();
                }
                Turn::At(moment) => now = moment,
                Turn::AfterTerminal => unreachable!("it was written"),
            }
        }
        assert!((97_000..=107_000).contains(&n_bytes), "{n_bytes}");
    }
}
