//! Carrying a plan out, call by call. What was done is known exactly whatever happens, and a second run goes on from there.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{ApplyPlan, ApplyRequest, calls::Calls, steps::Step};
use crate::{
    aws::{Control, Error},
    model::{ApiId, Failure, FailureKind, diff::Change, text::printable},
};

/// A call or a reading that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A call that changes something.
    Call {
        /// The call, in words.
        step: String,
        /// The number of the call, from 1.
        number: usize,
        /// The number of all calls.
        n_steps: usize,
    },
    /// The reading back, for all calls are made.
    ReadBack,
    /// Another reading back: what differs yet may only not show yet.
    ReadAgain {
        /// The pause before it.
        after: Duration,
    },
}

/// The result of an apply.
#[derive(Debug)]
pub struct Applied {
    /// The API.
    pub api: ApiId,
    /// The calls that were made, in words.
    pub done: Vec<String>,
    /// The differences that remain although every call was answered well: the target has its own mind about them.
    pub remaining: Vec<Change>,
}

/// A failed apply, and how far it came.
#[derive(Debug)]
pub struct ApplyFailure {
    /// The reason why it went no further.
    pub failure: Failure,
    /// True when somebody wanted it to end.
    pub was_stopped: bool,
    /// The API, as far as it is known.
    pub api: Option<ApiId>,
    /// The calls that were made, in words.
    pub done: Vec<String>,
    /// The call of which nobody knows whether it was carried out.
    pub unknown: Option<String>,
    /// The call that was refused.
    pub refused: Option<String>,
    /// The calls that were not carried out, with the refused one.
    pub not_done: Vec<String>,
}

/// Makes the target as the file says, and reads it back. When `stop` is cancelled, the call under way is ended and no other
/// is begun.
///
/// # Errors
/// Fails at the first call that fails, and tells what was done.
pub async fn run(
    control: &Control,
    plan: &ApplyPlan,
    stop: &CancellationToken,
    report: impl Fn(Progress),
) -> Result<Applied, Box<ApplyFailure>> {
    let mut run = Run {
        control,
        plan,
        calls: Calls::of(control, plan),
    };
    let n_steps = plan.steps.len();
    control.expect(n_steps);
    for (idx, step) in plan.steps.iter().enumerate() {
        if stop.is_cancelled() {
            return Err(Box::new(run.interrupted(idx)));
        }
        report(Progress::Call {
            step: step.to_string(),
            number: idx + 1,
            n_steps,
        });
        let made = Box::pin(run.calls.make(step)).await;
        made.map_err(|error| run.failed_at(idx, step, &error))?;
        run.log(idx, &step.to_string());
    }
    report(Progress::ReadBack);
    run.end(stop, report).await
}

/// A run as far as it is.
struct Run<'a> {
    control: &'a Control,
    plan: &'a ApplyPlan,
    calls: Calls<'a>,
}

impl Run<'_> {
    /// Reads back and compares.
    async fn end(
        self,
        stop: &CancellationToken,
        report: impl Fn(Progress),
    ) -> Result<Applied, Box<ApplyFailure>> {
        let again = Box::pin(self.read_back(stop, report)).await;
        match (again, &self.calls.api) {
            (Ok(again), Some(api)) => Ok(Applied {
                api: api.clone(),
                done: self.plan.steps(),
                remaining: again.changes,
            }),
            (again, _) => {
                let title = "Cannot read back what was applied";
                let causes = again.err().map(|failure| failure.causes);
                let failure = Failure {
                    causes: causes.unwrap_or_default(),
                    ..Failure::new(FailureKind::Remote, title)
                };
                Err(Box::new(self.failed(self.plan.steps.len(), failure)))
            }
        }
    }

    /// Compares with the target, more than once where changes may show late.
    async fn read_back(
        &self,
        stop: &CancellationToken,
        report: impl Fn(Progress),
    ) -> Result<ApplyPlan, Failure> {
        let request = ApplyRequest {
            api: self.calls.api.clone(),
            ..self.plan.request.clone()
        };
        let mut pauses = self.control.read_back_pauses();
        loop {
            let again = Box::pin(super::plan(self.control, &request)).await;
            let differs = again.as_ref().is_ok_and(|again| !again.changes.is_empty());
            let Some(after) = pauses.next().filter(|_| differs) else {
                return again;
            };
            report(Progress::ReadAgain { after });
            tokio::select! {
                biased;
                () = stop.cancelled() => return again,
                () = tokio::time::sleep(after) => {}
            }
        }
    }

    fn title(&self) -> String {
        let name = printable(&self.plan.name);
        format!("Cannot apply \"{name}\" in full")
    }

    fn interrupted(&self, idx: usize) -> ApplyFailure {
        let failure = Failure::new(FailureKind::User, self.title()).cause("it was interrupted");
        ApplyFailure {
            was_stopped: true,
            ..self.failed(idx, failure)
        }
    }

    /// Returns the failure of a call that failed: refused, or nobody knows.
    fn failed_at(&self, idx: usize, step: &Step, error: &Error) -> Box<ApplyFailure> {
        self.log(idx, &format!("{step} failed: {error}"));
        let mut failed = self.failed(idx, error.failure(self.title()));
        if error.leaves_open() {
            failed.unknown = Some(failed.not_done.remove(0));
        } else {
            failed.refused = failed.not_done.first().cloned();
        }
        Box::new(failed)
    }

    /// Returns the failure of a run that has made as many calls.
    fn failed(&self, n_made: usize, failure: Failure) -> ApplyFailure {
        let mut done = self.plan.steps();
        let not_done = done.split_off(n_made);
        ApplyFailure {
            failure,
            was_stopped: false,
            api: self.calls.api.clone(),
            done,
            unknown: None,
            refused: None,
            not_done,
        }
    }

    /// Writes a call into the log, which tells each of them when the person is told their number.
    fn log(&self, idx: usize, call: &str) {
        let (name, call) = (printable(&self.plan.name), printable(call));
        let api = self.calls.api.as_ref().map_or("new", ApiId::as_str);
        let (number, n_steps) = (idx + 1, self.plan.steps.len());
        tracing::info!("apply {name} ({api}), call {number} of {n_steps}: {call}");
    }
}
