//! How many times faster than on AWS time passes here, which may change while the gateway runs.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::watch;

/// The longest time that anything takes, however slowly time passes.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// How many times faster than on AWS time passes, and how often that was changed: apart, for every connection asks again
/// and again, and nobody may wait for it.
#[derive(Debug)]
pub(super) struct TimeScale {
    scale: watch::Sender<f64>,
    changes: AtomicU32,
}

impl TimeScale {
    pub(super) fn new(scale: f64) -> TimeScale {
        TimeScale {
            scale: watch::Sender::new(scale),
            changes: AtomicU32::new(0),
        }
    }

    /// How many times faster than on AWS time passes.
    pub(super) fn get(&self) -> f64 {
        *self.scale.borrow()
    }

    /// The same from now on, for whoever follows it.
    pub(super) fn follow(&self) -> watch::Receiver<f64> {
        self.scale.subscribe()
    }

    /// Lets time pass `scale` times as fast as on AWS.
    pub(super) fn set(&self, scale: f64) {
        self.scale.send_replace(scale);
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// A number that is another when time has begun to pass at another pace.
    pub(super) fn changes(&self) -> u32 {
        self.changes.load(Ordering::Acquire)
    }
}

/// The scale, or 1 in place of a number by which no time can pass.
pub(super) fn usable(scale: f64) -> f64 {
    if scale.is_finite() && scale > 0.0 {
        scale
    } else {
        1.0
    }
}

/// How long something takes here that takes `real` on AWS, when time passes `scale` times as fast.
pub(super) fn scaled(real: Duration, scale: f64) -> Duration {
    Duration::try_from_secs_f64(real.as_secs_f64() / usable(scale))
        .unwrap_or(Duration::MAX)
        .min(LONGEST)
}
