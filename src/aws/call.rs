//! The two gates that every call passes: one for calls that look, one for calls that change something.
//!
//! Behind both stands the governor. A call that was refused because there were too many was not carried out, so it waits
//! for another turn, however often; that is no failure, and whoever waits may stop waiting. Other failures end a call that
//! changes something at once: nobody knows whether it was carried out, and a repetition could do it twice or undo what
//! somebody else did meanwhile. A look is repeated a few times.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::{
    Control, Error, ErrorKind, Place,
    error::{CallError, Metadata},
};
use crate::model::pace::HeldUp;

/// Attempts of a look that fails for reasons that may pass.
const ATTEMPTS: u32 = 3;

/// Calls that AWS takes one of at a time, and how long it lets pass between two, beside the pace of all calls.
///
/// SOURCE: API Gateway quotas, control plane: 1 `CreateDeployment` request every 5 seconds per account. UNCONFIRMED for
/// WebSocket APIs, so it is waited out when AWS refuses a call, and never before.
const ONE_AT_A_TIME: &[(&str, Duration)] = &[("create-deployment", Duration::from_secs(5))];

impl Control {
    /// Makes a call that changes nothing.
    pub(super) async fn read<T, E, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: Metadata,
    {
        self.pass(operation, ATTEMPTS, attempt).await
    }

    /// Makes a call that changes something: the only way to one.
    pub(super) async fn write<T, E, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: Metadata,
    {
        self.pass(operation, 1, attempt).await
    }

    /// The SDK's futures are large, hence the box.
    async fn pass<T, E, F>(
        &self,
        operation: &'static str,
        attempts: u32,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: Metadata,
    {
        let mut n_failed = 0;
        let mut backoff = self.place.first_backoff;
        let mut hold = self.place.first_backoff;
        let mut spent = Duration::ZERO;
        self.begins();
        loop {
            self.turn(operation).await?;
            self.tell_held_up(None);
            let left_at = Instant::now();
            let error = match Box::pin(attempt()).await {
                Ok(answer) => {
                    self.answered();
                    return Ok(answer);
                }
                Err(error) => self.error(operation, &error),
            };
            if error.kind == ErrorKind::Throttled {
                tracing::debug!("{operation} waits: {}", error.message);
                let every = rate_of_its_own(operation);
                self.tell_held_up(Some(HeldUp { operation, every }));
                match every {
                    // Such a refusal says nothing of the pace of all calls.
                    Some(every) => {
                        let pause = self.place.pause_between(every).unwrap_or(hold);
                        hold = (hold * 2).min(every);
                        let pause = error.retry_after().unwrap_or(pause);
                        self.unless_stopped(operation, tokio::time::sleep(pause))
                            .await?;
                    }
                    None => self.governor.refused(left_at, error.retry_after()),
                }
                continue;
            }
            n_failed += 1;
            spent += left_at.elapsed();
            if !error.retryable || n_failed >= attempts || spent >= self.place.call_timeout {
                self.counted();
                return Err(error);
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
    }

    /// Waits for the call's turn. Whoever wants to stop ends that: the call has not left then.
    async fn turn(&self, operation: &'static str) -> Result<(), Error> {
        let turn = self.governor.pass(self.priority);
        self.unless_stopped(operation, turn).await
    }

    async fn unless_stopped(
        &self,
        operation: &'static str,
        wait: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let Some(stop) = &self.stop else {
            wait.await;
            return Ok(());
        };
        tokio::select! {
            biased;
            () = wait => Ok(()),
            () = stop.cancelled() => Err(Error {
                operation,
                never_left: true,
                ..Error::new(ErrorKind::Stopped, self.endpoint(), "it was stopped before it was sent")
            }),
        }
    }

    /// Counts the call as expected, unless somebody has announced it.
    fn begins(&self) {
        if let Some(meter) = &self.meter {
            meter.begin(|n_left| self.time_for(n_left));
        }
    }

    fn tell_held_up(&self, held_up: Option<HeldUp>) {
        if let Some(meter) = &self.meter {
            meter.hold(held_up);
        }
    }

    fn answered(&self) {
        self.governor.accepted();
        self.counted();
    }

    fn counted(&self) {
        if let Some(meter) = &self.meter {
            meter.count(|n_left| self.time_for(n_left));
        }
    }
}

impl Place {
    /// How long the target lets pass between two calls of a kind, if anything is known of it.
    ///
    /// GUESS: one that allows so many times the usual calls allows so many times these.
    fn pause_between(&self, every: Duration) -> Option<Duration> {
        let is_known = self.is_aws || self.limits.per_second.is_some();
        is_known.then(|| every.div_f64(self.limits.times_usual().max(1.0)))
    }
}

/// How long AWS lets pass between two calls of that kind, where that is longer than between any two calls.
fn rate_of_its_own(operation: &str) -> Option<Duration> {
    let (_, every) = ONE_AT_A_TIME.iter().find(|(name, _)| *name == operation)?;
    Some(*every)
}
