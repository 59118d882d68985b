//! The governor of calls: every call to the control plane waits here for its turn.
//!
//! API Gateway grants an account a few calls a second, and everybody in it shares them. The governor keeps to the pace
//! that is known of a target, learns from refusals where none is known, and lets what is urgent go first. It never fails:
//! whoever waits may stop waiting, and has then taken nothing.

mod bucket;
mod shared;

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use self::bucket::Bucket;
pub(super) use self::shared::SharedBudget;
use crate::model::pace::{Pace, Priority};

/// Lets calls go at a pace, the urgent ones first.
#[derive(Debug)]
pub(super) struct Governor {
    queue: Mutex<Queue>,
    /// The notice of a change of the queue that those who wait should look at.
    changed: Notify,
    /// The budget that other processes draw on too.
    shared: Option<SharedBudget>,
}

#[derive(Debug)]
struct Queue {
    bucket: Bucket,
    waiting: BTreeSet<Position>,
    last: u64,
}

/// A position in the queue: urgency first, then the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    priority: Priority,
    number: u64,
}

impl Governor {
    /// A governor that keeps to a pace, or learns one where none is known.
    pub(super) fn new(pace: Option<Pace>, shared: Option<SharedBudget>) -> Self {
        Self {
            queue: Mutex::new(Queue {
                bucket: Bucket::new(pace, Instant::now()),
                waiting: BTreeSet::new(),
                last: 0,
            }),
            changed: Notify::new(),
            // Where no limit is known there is no budget to share.
            shared: shared.filter(|_| pace.is_some()),
        }
    }

    /// Waits until a call of this urgency may go, and counts it.
    pub(super) async fn pass(&self, priority: Priority) {
        let Some(turn) = self.enter(priority) else {
            return;
        };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.try_go(turn.position) {
                Turn::Gone => return,
                Turn::At(instant) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(instant) => {}
                        () = changed => {}
                    }
                }
                Turn::Behind => changed.await,
            }
        }
    }

    /// Learns from a call that was let through.
    pub(super) fn accepted(&self) {
        self.queue().bucket.accepted();
    }

    /// Learns from a call, gone at `left_at`, that was refused because there were too many.
    pub(super) fn refused(&self, left_at: Instant, retry_after: Option<Duration>) {
        self.queue()
            .bucket
            .refused(left_at, Instant::now(), retry_after);
        self.changed.notify_waiters();
    }

    /// The pace in force; none where no limit is known.
    pub(super) fn pace(&self) -> Option<Pace> {
        self.queue().bucket.pace()
    }

    /// Returns the time that so many calls more will wait for their turns; none where no pace is kept.
    pub(super) fn time_for(&self, n_calls: usize, priority: Priority) -> Option<Duration> {
        let queue = self.queue();
        let pace = queue.bucket.pace()?;
        let now = Instant::now();
        let spare = queue.bucket.spare(now) - pace.burst * priority.reserve();
        let held = queue.bucket.held_until().saturating_duration_since(now);
        Some(pace.time_beyond(n_calls, spare).max(held))
    }

    /// A position in the queue; none where nobody needs to wait.
    fn enter(&self, priority: Priority) -> Option<Waiting<'_>> {
        let mut queue = self.queue();
        let now = Instant::now();
        if queue.bucket.pace().is_none() && queue.bucket.ready_at(0.0) <= now {
            return None;
        }
        queue.last += 1;
        let position = Position {
            priority,
            number: queue.last,
        };
        queue.waiting.insert(position);
        Some(Waiting {
            governor: self,
            position,
        })
    }

    fn try_go(&self, position: Position) -> Turn {
        let mut queue = self.queue();
        if queue.waiting.first() != Some(&position) {
            return Turn::Behind;
        }
        let (priority, now) = (position.priority, Instant::now());
        let taken = match &self.shared {
            None => queue.bucket.take_ready(priority, now),
            Some(shared) => shared.take(&mut queue.bucket, priority, now),
        };
        match taken {
            Ok(()) => Turn::Gone,
            Err(ready) => Turn::At(ready),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of a call's attempt to go.
enum Turn {
    /// The call is counted and goes.
    Gone,
    /// It is the next one, and may go then.
    At(Instant),
    /// Others come first.
    Behind,
}

/// A position that is held until its call goes or nobody waits for it any more.
struct Waiting<'a> {
    governor: &'a Governor,
    position: Position,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.governor.queue().waiting.remove(&self.position);
        self.governor.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;

    use super::*;

    const OURS: Pace = Pace {
        per_second: 5.0,
        burst: 20.0,
    };

    fn governor() -> Arc<Governor> {
        Arc::new(Governor::new(Some(OURS), None))
    }

    async fn pass_all(governor: &Governor, priority: Priority, n_calls: usize) {
        join_all((0..n_calls).map(|_| governor.pass(priority))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn calls_beyond_the_burst_go_at_the_pace() {
        let governor = governor();
        let start = Instant::now();
        pass_all(&governor, Priority::Act, 45).await;
        let took = start.elapsed().as_secs_f64();
        assert!((4.9..5.2).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_act_goes_before_what_waited_longer() {
        let governor = governor();
        let start = Instant::now();
        let reading = {
            let governor = Arc::clone(&governor);
            tokio::spawn(async move { pass_all(&governor, Priority::Ahead, 100).await })
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        let begin = Instant::now();
        pass_all(&governor, Priority::Act, 7).await;
        assert_eq!(begin.elapsed(), Duration::ZERO, "the burst has kept room");
        reading.await.unwrap();
        let took = start.elapsed().as_secs_f64();
        assert!(took <= (107.0 - 10.0) / 5.0 + 0.5, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_has_taken_nothing_and_holds_up_nobody() {
        let governor = governor();
        pass_all(&governor, Priority::Act, 20).await;
        let impatient = tokio::time::timeout(
            Duration::from_millis(50),
            pass_all(&governor, Priority::Act, 50),
        );
        impatient.await.unwrap_err();
        let start = Instant::now();
        governor.pass(Priority::Ahead).await;
        let took = start.elapsed().as_secs_f64();
        assert!(took < 2.3, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_back_those_who_wait() {
        let governor = Arc::new(Governor::new(None, None));
        pass_all(&governor, Priority::Ahead, 1_000).await;
        let left_at = Instant::now();
        governor.refused(left_at, Some(Duration::from_secs(3)));
        governor.pass(Priority::Act).await;
        assert_eq!(left_at.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_calls_counts_what_the_burst_spares() {
        let governor = governor();
        let at_first = governor.time_for(206, Priority::Act).unwrap();
        assert_eq!(at_first, Duration::from_secs_f64(37.2));
        pass_all(&governor, Priority::Act, 20).await;
        let drained = governor.time_for(10, Priority::Act).unwrap();
        assert!((drained.as_secs_f64() - 2.0).abs() < 0.01, "{drained:?}");
        assert_eq!(Governor::new(None, None).time_for(10, Priority::Act), None);
    }
}
