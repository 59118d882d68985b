//! Progress of a reading: one line on stderr, once the reading takes long enough for a person to wonder.

use std::{pin::pin, time::Duration};

use tokio::{
    sync::watch::Receiver,
    time::{self, Instant, MissedTickBehavior},
};

use super::output::Output;
use crate::{aws::Tuning, model::pace::ReadProgress};

/// The time that something may take before a person is told how far it is.
const SILENCE: Duration = Duration::from_secs(2);

/// The shortest pause before a line is told anew: on a terminal, where it is written over.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The shortest pause before another line is written where none can be written over.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Waits for work that reads, and tells how far it is while that takes long.
///
/// The work itself should print nothing meanwhile; what it found out is printed once this has returned.
pub(super) async fn watch<T>(
    output: Output,
    endpoint: &str,
    progress: Receiver<ReadProgress>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let mut line = Line::new(output);
    let mut ticks = time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => line.tell(&text(*progress.borrow(), endpoint)),
        }
    }
}

/// Returns how far a reading is, or what it waits for while nothing is known of that.
pub(super) fn text(progress: ReadProgress, endpoint: &str) -> String {
    if let Some(held_up) = progress.held_up {
        return held_up.text();
    }
    // One call alone has a time to tell only where it waits for its turn.
    let waits = progress.left.is_some_and(|left| left.as_secs() > 0);
    let is_reading = progress.n_done < progress.n_expected;
    if is_reading && (progress.n_expected > 1 || waits) {
        return format!("reading: {}", progress.text());
    }
    let limit = Tuning::default().call_timeout.as_secs();
    format!("waiting for {endpoint} ({limit} s at most for each answer)")
}

/// A line that tells how far something is. On a terminal each new text replaces the one before, and none is left at the
/// end; elsewhere it is a line now and then.
pub(super) struct Line {
    output: Output,
    is_terminal: bool,
    /// Nothing is told before this.
    next: Instant,
    told: Option<String>,
}

impl Line {
    /// A line that is silent at first.
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            is_terminal: output.has_terminal(),
            next: Instant::now() + SILENCE,
            told: None,
        }
    }

    /// Tells how far it is, unless that was done a moment ago.
    pub(super) fn tell(&mut self, text: &str) {
        let now = Instant::now();
        if now < self.next || self.told.as_deref() == Some(text) {
            return;
        }
        if self.is_terminal {
            self.output.overwrite(text);
            self.next = now + TICK;
        } else {
            self.output.progress(text);
            self.next = now + ELSEWHERE;
        }
        self.told = Some(text.to_owned());
    }

    /// Takes the text off the terminal, so that something else can be printed.
    pub(super) fn clear(&mut self) {
        if self.told.take().is_some() && self.is_terminal {
            self.output.overwrite("");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_reading_is_waiting() {
        let progress = |n_done, n_expected| ReadProgress {
            n_done,
            n_expected,
            ..ReadProgress::default()
        };
        assert_eq!(text(progress(3, 9), "AWS"), "reading: 3 of 9 parts");
        for progress in [progress(0, 0), progress(0, 1), progress(1, 1)] {
            let expected = "waiting for AWS (30 s at most for each answer)";
            assert_eq!(text(progress, "AWS"), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_silent_at_first_and_between() {
        let mut line = Line::new(Output::new(false, true));
        let mut told = Vec::new();
        for second in 0..14_u64 {
            line.tell(&second.to_string());
            if line.told.as_ref() == Some(&second.to_string()) {
                told.push(second);
            }
            time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, [2, 7, 12]);
        line.clear();
        assert_eq!(line.told, None);
    }
}
