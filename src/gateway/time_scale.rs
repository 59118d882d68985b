//! The time scale: the factor by which time passes faster here than on AWS, which may change while the gateway runs.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::watch;

/// The longest time that anything takes, however slowly time passes.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// The time scale, and the number of its changes: apart, for every connection asks again and again, and nobody may wait
/// for it.
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

    /// Returns the factor by which time passes faster than on AWS.
    pub(super) fn get(&self) -> f64 {
        *self.scale.borrow()
    }

    /// Follows the scale from now on.
    pub(super) fn follow(&self) -> watch::Receiver<f64> {
        self.scale.subscribe()
    }

    /// Lets time pass `scale` times as fast as on AWS.
    pub(super) fn set(&self, scale: f64) {
        self.scale.send_replace(scale);
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns a number that is another when time has begun to pass at another pace.
    pub(super) fn changes(&self) -> u32 {
        self.changes.load(Ordering::Acquire)
    }
}

/// Returns the scale, or 1 in place of a number by which no time can pass.
pub(super) fn usable(scale: f64) -> f64 {
    if scale.is_finite() && scale > 0.0 {
        scale
    } else {
        1.0
    }
}

/// Returns the time that something takes here that takes `real` on AWS, when time passes `scale` times as fast.
pub(super) fn scaled(real: Duration, scale: f64) -> Duration {
    Duration::try_from_secs_f64(real.as_secs_f64() / usable(scale))
        .unwrap_or(Duration::MAX)
        .min(LONGEST)
}
