//! Faults: the next calls that shall go wrong, by whoever wants to see what happens then. Kept in memory only.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Longest delay of a call.
const LONGEST_DELAY_MS: u64 = 10 * 60 * 1000;
/// Faults that may wait at the same time.
const MOST: usize = 1000;

/// What shall happen to the next calls of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fault {
    /// An operation of the control plane or of `@connections`, such as `CreateDeployment` or `PostToConnection`;
    /// `Connect` for handshakes; `*` for all of them.
    operation: String,
    /// How many calls; one unless said otherwise.
    #[serde(default = "one")]
    times: u32,
    /// Waited before anything else.
    #[serde(default)]
    delay_in_millis: u64,
    /// Answered instead of carrying the call out.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error's name, with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The error's text, with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Closes the caller's connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<Drop>,
}

/// What is lost with a dropped connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Drop {
    /// The call: it is not carried out.
    Request,
    /// The answer: the call is carried out, and the caller never learns it.
    Answer,
}

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strike {
    /// Waited first.
    pub(super) delay: Duration,
    pub(super) effect: Effect,
}

/// What follows the delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The call is carried out as if nothing had been.
    None,
    /// It is refused.
    Refuse {
        status: StatusCode,
        error: String,
        message: String,
    },
    /// The connection is closed in place of carrying it out.
    DropRequest,
    /// It is carried out, and the connection closed in place of the answer.
    DropAnswer,
}

/// Why a fault is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFault {
    #[error("status must be 400 to 599")]
    Status,
    #[error("a fault either answers with a status or drops, not both")]
    Both,
    #[error("a fault needs a status, a delayInMillis or a drop")]
    Nothing,
    #[error("error and message go with a status")]
    NoStatus,
    #[error("delayInMillis must be at most {LONGEST_DELAY_MS}")]
    Delay,
    #[error("times must be at least 1")]
    Times,
    #[error("{MOST} faults wait already")]
    TooMany,
}

fn one() -> u32 {
    1
}

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(super) struct Faults {
    waiting: Mutex<Vec<Fault>>,
    /// Spares every call the lock while there is none.
    any: AtomicBool,
}

impl Fault {
    fn check(&self) -> Result<(), BadFault> {
        let told = self.error.is_some() || self.message.is_some();
        match self.status {
            Some(status) if !(400..600).contains(&status) => return Err(BadFault::Status),
            Some(_) if self.drop.is_some() => return Err(BadFault::Both),
            None if told => return Err(BadFault::NoStatus),
            _ => {}
        }
        match self {
            Fault { times: 0, .. } => Err(BadFault::Times),
            Fault {
                delay_in_millis, ..
            } if *delay_in_millis > LONGEST_DELAY_MS => Err(BadFault::Delay),
            Fault {
                status: None,
                drop: None,
                delay_in_millis: 0,
                ..
            } => Err(BadFault::Nothing),
            _ => Ok(()),
        }
    }

    fn strike(&self) -> Strike {
        let refusal = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let effect = match (refusal, self.drop) {
            (Some(status), _) => Effect::Refuse {
                status,
                error: self
                    .error
                    .clone()
                    .unwrap_or_else(|| usual_error(status).to_owned()),
                message: self.message.clone().unwrap_or_else(|| "Fault".to_owned()),
            },
            (None, Some(Drop::Request)) => Effect::DropRequest,
            (None, Some(Drop::Answer)) => Effect::DropAnswer,
            (None, None) => Effect::None,
        };
        Strike {
            delay: Duration::from_millis(self.delay_in_millis),
            effect,
        }
    }
}

/// The error that SDKs know by a status.
fn usual_error(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BadRequestException",
        403 => "AccessDeniedException",
        404 => "NotFoundException",
        409 => "ConflictException",
        410 => "GoneException",
        429 => "TooManyRequestsException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerErrorException",
    }
}

impl Faults {
    /// Adds a fault behind those that wait.
    pub(super) fn add(&self, fault: Fault) -> Result<(), BadFault> {
        fault.check()?;
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            return Err(BadFault::TooMany);
        }
        waiting.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// What waits, oldest first.
    pub(super) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Forgets all that wait.
    pub(super) fn clear(&self) {
        let mut waiting = self.lock();
        waiting.clear();
        self.any.store(false, Ordering::Release);
    }

    /// What happens to a call of this operation; the oldest fault that speaks of it is used up by one.
    pub(super) fn take(&self, operation: &str) -> Option<Strike> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut waiting = self.lock();
        let speaks = |fault: &Fault| fault.operation == "*" || fault.operation == operation;
        let place = waiting.iter().position(speaks)?;
        let strike = waiting[place].strike();
        waiting[place].times -= 1;
        if waiting[place].times == 0 {
            waiting.remove(place);
            self.any.store(!waiting.is_empty(), Ordering::Release);
        }
        Some(strike)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_next_calls_are_struck_as_often_as_was_asked_for() {
        let faults = Faults::default();
        let throttled = fault(json!({ "operation": "GetStages", "times": 2, "status": 429 }));
        faults.add(throttled).unwrap();
        faults
            .add(fault(json!({ "operation": "*", "delayInMillis": 5 })))
            .unwrap();
        let strike = faults.take("GetStages").unwrap();
        assert!(
            matches!(&strike.effect, Effect::Refuse { status, error, .. }
                if status.as_u16() == 429 && error == "TooManyRequestsException"),
            "{strike:?}"
        );
        let other = faults.take("GetApis").unwrap();
        assert_eq!(
            (other.delay, other.effect),
            (Duration::from_millis(5), Effect::None)
        );
        assert!(faults.take("GetStages").is_some());
        assert_eq!(faults.take("GetStages"), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_drop_says_what_is_lost() {
        let faults = Faults::default();
        for (drop, effect) in [
            ("request", Effect::DropRequest),
            ("answer", Effect::DropAnswer),
        ] {
            faults
                .add(fault(json!({ "operation": "*", "drop": drop })))
                .unwrap();
            assert_eq!(
                faults.take("GetApi").map(|strike| strike.effect),
                Some(effect)
            );
        }
    }

    #[test]
    fn a_fault_that_means_nothing_is_not_taken() {
        let faults = Faults::default();
        for (wrong, why) in [
            (json!({ "operation": "*" }), BadFault::Nothing),
            (json!({ "operation": "*", "status": 200 }), BadFault::Status),
            (
                json!({ "operation": "*", "status": 500, "drop": "answer" }),
                BadFault::Both,
            ),
            (
                json!({ "operation": "*", "drop": "answer", "message": "x" }),
                BadFault::NoStatus,
            ),
            (
                json!({ "operation": "*", "status": 500, "times": 0 }),
                BadFault::Times,
            ),
            (
                json!({ "operation": "*", "delayInMillis": 600_001 }),
                BadFault::Delay,
            ),
        ] {
            assert_eq!(faults.add(fault(wrong.clone())), Err(why), "{wrong}");
        }
        assert_eq!(faults.take("GetApi"), None);
    }

    #[test]
    fn clearing_forgets_all() {
        let faults = Faults::default();
        faults
            .add(fault(
                json!({ "operation": "*", "status": 500, "times": 9 }),
            ))
            .unwrap();
        faults.clear();
        assert_eq!(faults.take("GetApi"), None);
    }
}
