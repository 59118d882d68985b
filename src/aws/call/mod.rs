//! The two gates that every call passes: one for calls that look, one for calls that change something. Whoever
//! makes the SDK's client hands it to [`Operations`] at once, so there is no way around them.
//!
//! Behind both stands the governor. A call that was refused because there were too many was not carried out, so it waits
//! for another turn, however often; that is no failure, and whoever waits may stop waiting. Other failures end a call that
//! changes something at once: nobody knows whether it was carried out, and a repetition could do it twice or undo what
//! somebody else did meanwhile. A look is repeated a few times.

mod operations;
#[cfg(test)]
mod tests;

use std::{future::Future, time::Duration};

use aws_sdk_apigatewayv2::error::ProvideErrorMetadata;
use tokio::time::Instant;

use super::{Control, Error, ErrorKind, ResolvedTarget, error::CallError};
use crate::model::pace::HeldUp;

pub(super) use operations::Operations;
use operations::{Changes, Looks};

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
        attempt: impl Fn(&Looks<'_>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: ProvideErrorMetadata,
    {
        let looks = self.operations.looks();
        self.pass(operation, ATTEMPTS, || attempt(&looks)).await
    }

    /// Makes a call that changes something: the only way to one.
    pub(super) async fn write<T, E, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn(&Changes<'_>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: ProvideErrorMetadata,
    {
        let changes = self.operations.changes();
        self.pass(operation, 1, || attempt(&changes)).await
    }

    /// Compiled once for each operation, so what does not depend on it is in [`Passage`]. The SDK's futures are large, hence
    /// the box.
    async fn pass<T, E, F>(
        &self,
        operation: &'static str,
        attempts: u32,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError<E>>>,
        E: ProvideErrorMetadata,
    {
        let mut passage = Passage::new(self, operation, attempts);
        loop {
            passage.turn().await?;
            match Box::pin(attempt()).await {
                Ok(answer) => {
                    self.answered();
                    return Ok(answer);
                }
                Err(error) => {
                    let error = error.map_service_error(|error| error.meta().clone());
                    passage.failed(&error).await?;
                }
            }
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

/// One call on its way through the gate, for as many attempts as it takes.
struct Passage<'a> {
    control: &'a Control,
    operation: &'static str,
    attempts: u32,
    n_failed: u32,
    /// The wait after the next failure that may pass.
    backoff: Duration,
    /// The wait after the next refusal of a call that has a rate of its own.
    hold: Duration,
    /// The instant at which the attempt under way left.
    left_at: Instant,
    /// The time that the failed attempts took.
    spent: Duration,
}

impl<'a> Passage<'a> {
    fn new(control: &'a Control, operation: &'static str, attempts: u32) -> Self {
        control.begins();
        Self {
            control,
            operation,
            attempts,
            n_failed: 0,
            backoff: control.resolved.first_backoff,
            hold: control.resolved.first_backoff,
            left_at: Instant::now(),
            spent: Duration::ZERO,
        }
    }

    /// Waits until the next attempt may leave.
    async fn turn(&mut self) -> Result<(), Error> {
        self.control.turn(self.operation).await?;
        self.control.tell_held_up(None);
        self.left_at = Instant::now();
        Ok(())
    }

    /// Waits after an attempt that failed, as far as another one makes sense; else gives the failure back.
    async fn failed(&mut self, error: &CallError) -> Result<(), Error> {
        let error = self.control.error(self.operation, error);
        if error.kind == ErrorKind::Throttled {
            return self.throttled(&error).await;
        }
        self.n_failed += 1;
        self.spent += self.left_at.elapsed();
        let is_too_late = self.spent >= self.control.resolved.call_timeout;
        if !error.retryable || self.n_failed >= self.attempts || is_too_late {
            self.control.counted();
            return Err(error);
        }
        tokio::time::sleep(self.backoff).await;
        self.backoff *= 2;
        Ok(())
    }

    async fn throttled(&mut self, error: &Error) -> Result<(), Error> {
        let (control, operation) = (self.control, self.operation);
        tracing::debug!("{operation} waits: {}", error.message);
        let every = rate_of_its_own(operation);
        control.tell_held_up(Some(HeldUp { operation, every }));
        let Some(every) = every else {
            control.governor.refused(self.left_at, error.retry_after());
            return Ok(());
        };
        // Such a refusal says nothing of the pace of all calls.
        let pause = control.resolved.pause_between(every).unwrap_or(self.hold);
        self.hold = (self.hold * 2).min(every);
        let pause = error.retry_after().unwrap_or(pause);
        control
            .unless_stopped(operation, tokio::time::sleep(pause))
            .await
    }
}

impl ResolvedTarget {
    /// Returns the time that the target lets pass between two calls of a kind, from AWS's own; none if nothing is known
    /// of the target.
    ///
    /// GUESS: one that allows so many times the usual calls allows so many times these.
    fn pause_between(&self, every: Duration) -> Option<Duration> {
        let is_known = self.is_aws || self.limits.per_second.is_some();
        is_known.then(|| every.div_f64(self.limits.times_usual().max(1.0)))
    }
}

/// Returns the time that AWS lets pass between two calls of that kind, where it is longer than between any two calls.
fn rate_of_its_own(operation: &str) -> Option<Duration> {
    let (_, every) = ONE_AT_A_TIME.iter().find(|(name, _)| *name == operation)?;
    Some(*every)
}
