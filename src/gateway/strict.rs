//! Strictness where AWS makes its callers wait: the rate of control calls, the time that they take, and the time that a
//! stage takes to settle. The gateway lets nobody wait unless it is told to, and may be told while it runs.
//!
//! This module keeps the numbers and their time scale. The control plane counts calls, the listener delays answers, and
//! the store picks among deployments.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    store::Store,
    time_scale::{self, TimeScale},
};

/// The longest [`Strictness::latency`].
pub const LONGEST_LATENCY: Duration = Duration::from_mins(10);

/// The longest [`Strictness::consistency`].
pub const LONGEST_CONSISTENCY: Duration = Duration::from_hours(1);

/// The strictness of the gateway where AWS makes its callers wait. By default it lets nobody wait.
///
/// All times pass as fast as the gateway's time scale says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strictness {
    /// True when control calls that come faster than AWS takes them are refused with 429, by account and region.
    pub aws_rates: bool,
    /// The least time that each control call takes; at most [`LONGEST_LATENCY`].
    pub latency: Duration,
    /// The time for which the old and the new deployment of a stage answer side by side, by chance, after the stage was
    /// moved, and a new stage refuses handshakes; at most [`LONGEST_CONSISTENCY`].
    pub consistency: Duration,
}

impl Strictness {
    /// Returns the same with times that are not too long.
    fn bounded(self) -> Strictness {
        Strictness {
            latency: self.latency.min(LONGEST_LATENCY),
            consistency: self.consistency.min(LONGEST_CONSISTENCY),
            ..self
        }
    }
}

/// The strictness in force.
pub(crate) struct Strict {
    strictness: Mutex<Strictness>,
    time_scale: Arc<TimeScale>,
    /// The store, which is told how long stages take to settle, so that no message has to ask here.
    store: Store,
}

impl Strict {
    pub(super) fn new(store: Store, time_scale: Arc<TimeScale>, strictness: Strictness) -> Strict {
        let strict = Strict {
            strictness: Mutex::new(strictness.bounded()),
            time_scale,
            store,
        };
        strict.keep_pace();
        strict
    }

    pub(super) fn get(&self) -> Strictness {
        *self.lock()
    }

    /// Changes it, unless `change` refuses to.
    pub(super) fn change<E>(
        &self,
        change: impl FnOnce(Strictness) -> Result<Strictness, E>,
    ) -> Result<(), E> {
        let mut kept = self.lock();
        *kept = change(*kept)?;
        self.tell(*kept);
        Ok(())
    }

    /// Takes over a changed time scale.
    pub(super) fn keep_pace(&self) {
        let kept = self.lock();
        self.tell(*kept);
    }

    /// Returns the earliest time at which a control call that begins now is answered; none where calls take no time of
    /// their own.
    pub(super) fn due(&self) -> Option<Instant> {
        let latency = self.get().latency;
        let scaled = || time_scale::scaled(latency, self.time_scale.get());
        (!latency.is_zero()).then(|| Instant::now() + scaled())
    }

    /// True where a stage serves at once what it was moved to.
    pub(super) fn settles_at_once(&self) -> bool {
        self.get().consistency.is_zero()
    }

    /// Returns the factor by which the tokens of control calls come back faster than on AWS; none if they are not
    /// counted.
    pub(super) fn pace_of_rates(&self) -> Option<f64> {
        let scale = || time_scale::usable(self.time_scale.get());
        self.get().aws_rates.then(scale)
    }

    /// Tells the store. Called under the lock, or of two changes the store might keep the older one.
    fn tell(&self, strictness: Strictness) {
        let scale = self.time_scale.get();
        let consistency = time_scale::scaled(strictness.consistency, scale);
        self.store.set_settling_time(consistency);
    }

    fn lock(&self) -> MutexGuard<'_, Strictness> {
        self.strictness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
