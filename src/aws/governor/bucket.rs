//! The token bucket: how many calls may go now, and what a refusal teaches. Pure; time is handed in.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::pace::{Pace, Priority};

/// The pace at which calls go on after the first refusal of a target that no limit was known of.
const FIRST_GUESS: Pace = Pace {
    per_second: 5.0,
    burst: 5.0,
};

/// The slowest pace that refusals lead to, in calls a second.
const SLOWEST: f64 = 0.5;

/// The growth of a lowered pace for each accepted call, as a part of the known pace, or of the pace in force where none
/// is known.
const RECOVERY: f64 = 0.01;

/// A guessed limit that has grown to so many calls a second was none.
const NO_LIMIT: f64 = 100.0;

/// The budget of calls.
///
/// It is kept as one instant, at which the bucket would be full if nothing more were taken (the generic cell rate
/// algorithm), so that several programs can share it as one number.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The pace that is known; none where a target has no known limit.
    known: Option<Pace>,
    /// The pace in force; none lets every call go at once.
    pace: Option<Pace>,
    full_at: Instant,
    /// The instant before which nothing goes, as the control plane asked for.
    not_before: Instant,
    /// The instant at which the pace was lowered last: calls that left before that say nothing new.
    lowered_at: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(known: Option<Pace>, now: Instant) -> Self {
        Self {
            known,
            pace: known,
            full_at: now,
            not_before: now,
            lowered_at: None,
        }
    }

    /// The pace in force.
    pub(super) fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// Returns the instant before which nothing goes.
    pub(super) fn held_until(&self) -> Instant {
        self.not_before
    }

    /// Calls that the bucket lacks to be full.
    pub(super) fn missing(&self, now: Instant) -> f64 {
        let until_full = self.full_at.saturating_duration_since(now).as_secs_f64();
        self.pace.map_or(0.0, |pace| until_full * pace.per_second)
    }

    /// Takes in what others took from a shared bucket: it lacked so many calls some time ago. It is empty at worst.
    pub(super) fn share(&mut self, now: Instant, missing: f64, ago: Duration) {
        let Some(pace) = self.pace else {
            return;
        };
        let missing = missing.clamp(0.0, pace.burst) - ago.as_secs_f64() * pace.per_second;
        if missing > 0.0 {
            self.full_at = self.full_at.max(now + seconds(missing / pace.per_second));
        }
    }

    /// Calls that may be made at once.
    pub(super) fn spare(&self, now: Instant) -> f64 {
        let Some(pace) = self.pace else {
            return f64::INFINITY;
        };
        let missing = self.full_at.saturating_duration_since(now).as_secs_f64();
        (pace.burst - missing * pace.per_second).max(0.0)
    }

    /// Returns the instant at which a call may go that leaves a part of the burst to more urgent ones.
    pub(super) fn ready_at(&self, reserve: f64) -> Instant {
        let Some(pace) = self.pace else {
            return self.not_before;
        };
        let usable = (pace.burst * (1.0 - reserve)).max(1.0);
        let room = seconds((usable - 1.0) / pace.per_second);
        let ready = self.full_at.checked_sub(room).unwrap_or(self.full_at);
        ready.max(self.not_before)
    }

    /// Takes a call of this urgency, or says when one may go.
    pub(super) fn take_ready(&mut self, priority: Priority, now: Instant) -> Result<(), Instant> {
        let ready = self.ready_at(priority.reserve());
        if ready > now {
            return Err(ready);
        }
        self.take(now);
        Ok(())
    }

    /// Notes that a call goes.
    pub(super) fn take(&mut self, now: Instant) {
        if let Some(pace) = self.pace {
            self.full_at = self.full_at.max(now) + seconds(1.0 / pace.per_second);
        }
    }

    /// Learns from a call that was refused because there were too many: half the pace, from an empty bucket.
    pub(super) fn refused(
        &mut self,
        left_at: Instant,
        now: Instant,
        retry_after: Option<Duration>,
    ) {
        let is_old_news = self.lowered_at.is_some_and(|lowered| left_at <= lowered);
        let pace = match self.pace {
            Some(pace) if is_old_news => pace,
            Some(pace) => Pace {
                per_second: (pace.per_second / 2.0).max(SLOWEST.min(pace.per_second)),
                ..pace
            },
            None => FIRST_GUESS,
        };
        self.pace = Some(pace);
        self.lowered_at = Some(now);
        let next = retry_after.unwrap_or_else(|| seconds(1.0 / pace.per_second));
        self.not_before = self.not_before.max(now + next);
        self.full_at = self
            .full_at
            .max(now + seconds(pace.burst / pace.per_second));
    }

    /// Learns from a call that was let through: a lowered pace grows slowly.
    pub(super) fn accepted(&mut self) {
        let Some(pace) = &mut self.pace else {
            return;
        };
        if let Some(known) = self.known {
            let grown = pace.per_second + known.per_second * RECOVERY;
            pace.per_second = grown.min(known.per_second);
            return;
        }
        pace.per_second *= 1.0 + RECOVERY;
        if pace.per_second > NO_LIMIT {
            self.pace = None;
        }
    }
}

fn seconds(seconds: f64) -> Duration {
    // Both parts are positive and far from the ends of what a duration can be.
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: Pace = Pace {
        per_second: 5.0,
        burst: 20.0,
    };

    fn start() -> Instant {
        // The library's own clock holds still at any instant; only differences matter here.
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(async { Instant::now() })
    }

    /// Returns the seconds after which each of so many calls goes that all wait from the start.
    fn departures(bucket: &mut Bucket, from: Instant, n_calls: usize, reserve: f64) -> Vec<f64> {
        let mut now = from;
        let mut departures = Vec::new();
        for _ in 0..n_calls {
            now = now.max(bucket.ready_at(reserve));
            bucket.take(now);
            departures.push((now - from).as_secs_f64());
        }
        departures
    }

    #[test]
    fn the_burst_goes_at_once_and_the_rest_at_the_pace() {
        let from = start();
        let departures = departures(&mut Bucket::new(Some(OURS), from), from, 30, 0.0);
        assert!(departures[..20].iter().all(|at| *at == 0.0));
        for (idx, at) in departures[20..].iter().enumerate() {
            let expected = (f64::from(u32::try_from(idx).unwrap()) + 1.0) / 5.0;
            assert!((at - expected).abs() < 1e-6, "{idx}: {at}");
        }
    }

    #[test]
    fn less_urgent_calls_leave_a_part_of_the_burst() {
        let from = start();
        let mut bucket = Bucket::new(Some(OURS), from);
        let ahead = departures(&mut bucket, from, 11, 0.5);
        assert!(ahead[9] < f64::EPSILON && ahead[10] > 0.0, "{ahead:?}");
        let urgent = departures(&mut bucket, from, 9, 0.0);
        assert!(urgent.iter().all(|at| *at == 0.0), "{urgent:?}");
    }

    #[test]
    fn a_target_without_a_limit_has_one_from_its_first_refusal() {
        let from = start();
        let mut bucket = Bucket::new(None, from);
        assert!(
            departures(&mut bucket, from, 500, 0.5)
                .iter()
                .all(|at| *at == 0.0)
        );
        bucket.refused(from, from, None);
        assert!(bucket.spare(from) < f64::EPSILON);
        assert!(bucket.ready_at(0.0) > from);
        for _ in 0..400 {
            bucket.accepted();
        }
        assert_eq!(bucket.pace(), None, "what never refuses again has no limit");
    }

    #[test]
    fn one_refusal_of_many_calls_under_way_halves_the_pace_once() {
        let from = start();
        let mut bucket = Bucket::new(Some(OURS), from);
        let later = from + Duration::from_millis(150);
        for _ in 0..8 {
            bucket.refused(from, later, None);
        }
        let halved = |per_second| Some(Pace { per_second, ..OURS });
        assert_eq!(bucket.pace(), halved(2.5));
        bucket.refused(
            later + Duration::from_millis(1),
            later + Duration::from_secs(1),
            None,
        );
        assert_eq!(bucket.pace(), halved(1.25));
        for _ in 0..200 {
            bucket.accepted();
        }
        assert_eq!(bucket.pace(), Some(OURS), "it grows back, and no further");
    }

    #[test]
    fn a_stated_wait_is_kept() {
        let from = start();
        let mut bucket = Bucket::new(Some(OURS), from);
        bucket.refused(from, from, Some(Duration::from_secs(30)));
        assert_eq!(bucket.ready_at(0.0), from + Duration::from_secs(30));
    }

    proptest! {
        /// Whatever comes when, no window of time sees more than the burst and the pace allow.
        #[test]
        fn no_window_has_more_calls_than_burst_and_pace(
            pauses in prop::collection::vec(0_u64..2_000, 1..200),
            reserves in prop::collection::vec(0_usize..3, 200),
        ) {
            let from = start();
            let mut bucket = Bucket::new(Some(OURS), from);
            let mut now = from;
            let mut gone: Vec<f64> = Vec::new();
            for (pause, reserve) in pauses.into_iter().zip(reserves) {
                now += Duration::from_millis(pause);
                now = now.max(bucket.ready_at([0.0, 0.3, 0.5][reserve]));
                bucket.take(now);
                gone.push((now - from).as_secs_f64());
            }
            for (first, begin) in gone.iter().enumerate() {
                for (idx, end) in gone.iter().enumerate().skip(first) {
                    let n_calls = f64::from(u32::try_from(idx - first + 1).unwrap());
                    prop_assert!(n_calls <= OURS.burst + OURS.per_second * (end - begin) + 1e-6);
                }
            }
        }
    }
}
