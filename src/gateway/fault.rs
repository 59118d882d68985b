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

use super::{control, management};

/// The name of a handshake, which SDKs have none for.
pub(super) const HANDSHAKE: &str = "Connect";
/// Any operation.
const ANY: &str = "*";

/// Longest delay of a call.
const LONGEST_DELAY_MS: u64 = 10 * 60 * 1000;
/// Faults that may wait at the same time.
const MOST: usize = 1000;

/// A fault: the fate of the next calls of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fault {
    /// An operation of the control plane or of `@connections`, such as `CreateDeployment` or `PostToConnection`;
    /// `Connect` for handshakes; `*` for all of them.
    operation: String,
    /// The number of calls; one unless said otherwise.
    #[serde(default = "one")]
    times: u32,
    /// The delay before anything else.
    #[serde(default)]
    delay_in_millis: u64,
    /// The HTTP status that is answered instead of carrying the call out.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error's name, with `status`; unless said otherwise, the name that the operation itself gives with that
    /// status, if it gives any.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The error's text, with `status`; unless said otherwise, the text that the operation itself gives with that
    /// status, if it gives any.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Closes the caller's connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<Drop>,
}

/// The part of a call that is lost with a dropped connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Drop {
    /// The call: it is not carried out.
    Request,
    /// The answer: the call is carried out, and the caller never learns it.
    Answer,
}

/// The fate of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strike {
    /// The delay before the effect.
    pub(super) delay: Duration,
    pub(super) effect: FaultEffect,
}

/// The effect of a fault on a call, after the delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FaultEffect {
    /// The call is carried out as if nothing had been.
    None,
    /// The call is refused.
    Refuse {
        status: StatusCode,
        /// Nothing where the operation names no error.
        error: Option<String>,
        /// Nothing where the operation says nothing either.
        message: Option<String>,
    },
    /// The connection is closed in place of carrying it out.
    DropRequest,
    /// It is carried out, and the connection closed in place of the answer.
    DropAnswer,
}

/// The reason why a fault is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFault {
    #[error("there is no operation {name}; there are {}", names().collect::<Vec<_>>().join(", "))]
    Operation { name: String },
    #[error("there is no operation {name}; it is spelled {spelled}")]
    Spelling { name: String, spelled: &'static str },
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

/// Returns the names that a fault may give for its operation.
fn names() -> impl Iterator<Item = &'static str> {
    [ANY, HANDSHAKE]
        .into_iter()
        .chain(management::operations())
        .chain(control::operations())
}

/// Refuses a name that no operation has.
fn check_operation(name: &str) -> Result<(), BadFault> {
    if names().any(|known| known == name) {
        return Ok(());
    }
    let name = name.to_owned();
    Err(
        match names().find(|known| known.eq_ignore_ascii_case(&name)) {
            Some(spelled) => BadFault::Spelling { name, spelled },
            None => BadFault::Operation { name },
        },
    )
}

impl Fault {
    fn check(&self) -> Result<(), BadFault> {
        check_operation(&self.operation)?;
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

    fn strike(&self, operation: &str) -> Strike {
        let refusal = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let effect = match (refusal, self.drop) {
            (Some(status), _) => {
                let (error, message) = usual(operation, status);
                FaultEffect::Refuse {
                    status,
                    error: self.error.clone().or(error.map(str::to_owned)),
                    message: self.message.clone().or(message.map(str::to_owned)),
                }
            }
            (None, Some(Drop::Request)) => FaultEffect::DropRequest,
            (None, Some(Drop::Answer)) => FaultEffect::DropAnswer,
            (None, None) => FaultEffect::None,
        };
        Strike {
            delay: Duration::from_millis(self.delay_in_millis),
            effect,
        }
    }
}

/// Returns the error that an operation gives with a status: the name that SDKs know, which handshakes have none of, and
/// its text, both where there is one.
fn usual(operation: &str, status: StatusCode) -> (Option<&'static str>, Option<&'static str>) {
    let of_connections = management::operations().any(|name| name == operation);
    let error = match status.as_u16() {
        401 => "UnauthorizedException",
        403 if of_connections => "ForbiddenException",
        403 => "AccessDeniedException",
        404 => "NotFoundException",
        409 => "ConflictException",
        // SOURCE: many reports: nothing but the name.
        410 if of_connections => return (Some("GoneException"), None),
        410 => "GoneException",
        // SOURCE: recorded on AWS, September 2026: nothing at all.
        413 if of_connections => return (None, None),
        413 => "RequestEntityTooLargeException",
        429 if of_connections => "LimitExceededException",
        429 => "TooManyRequestsException",
        400..500 => "BadRequestException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerErrorException",
    };
    let text = match status.as_u16() {
        500 | 502 => Some("Internal server error"),
        504 => Some("Endpoint request timed out"),
        _ => status.canonical_reason(),
    };
    let error = (operation != HANDSHAKE).then_some(error);
    (error, text.or(Some("Fault")))
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

    /// Returns the faults that wait, oldest first.
    pub(super) fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Forgets all faults that wait.
    pub(super) fn clear(&self) {
        let mut waiting = self.lock();
        waiting.clear();
        self.any.store(false, Ordering::Release);
    }

    /// Returns the fate of a call of this operation; the oldest fault that speaks of the operation is used up by one.
    pub(super) fn take(&self, operation: &str) -> Option<Strike> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut waiting = self.lock();
        let speaks = |fault: &Fault| fault.operation == ANY || fault.operation == operation;
        let place = waiting.iter().position(speaks)?;
        let strike = waiting[place].strike(operation);
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
            matches!(&strike.effect, FaultEffect::Refuse { status, error, .. }
                if status.as_u16() == 429 && error.as_deref() == Some("TooManyRequestsException")),
            "{strike:?}"
        );
        let other = faults.take("GetApis").unwrap();
        assert_eq!(
            (other.delay, other.effect),
            (Duration::from_millis(5), FaultEffect::None)
        );
        assert!(faults.take("GetStages").is_some());
        assert_eq!(faults.take("GetStages"), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_status_alone_is_answered_in_the_operations_own_words() {
        let faults = Faults::default();
        for (operation, status, error, message) in [
            ("PostToConnection", 410, "GoneException", None),
            (
                "PostToConnection",
                429,
                "LimitExceededException",
                Some("Too Many Requests"),
            ),
            (
                "GetConnection",
                403,
                "ForbiddenException",
                Some("Forbidden"),
            ),
            ("PostToConnection", 413, "", None),
            (
                "GetApis",
                413,
                "RequestEntityTooLargeException",
                Some("Payload Too Large"),
            ),
            ("Connect", 403, "", Some("Forbidden")),
            ("Connect", 401, "", Some("Unauthorized")),
            ("Connect", 504, "", Some("Endpoint request timed out")),
            ("GetApis", 400, "BadRequestException", Some("Bad Request")),
            ("GetApis", 403, "AccessDeniedException", Some("Forbidden")),
            ("GetApis", 404, "NotFoundException", Some("Not Found")),
            ("GetApis", 409, "ConflictException", Some("Conflict")),
            (
                "GetApis",
                429,
                "TooManyRequestsException",
                Some("Too Many Requests"),
            ),
            (
                "GetApis",
                500,
                "InternalServerErrorException",
                Some("Internal server error"),
            ),
            (
                "GetApis",
                503,
                "ServiceUnavailableException",
                Some("Service Unavailable"),
            ),
            ("GetApis", 499, "BadRequestException", Some("Fault")),
        ] {
            faults
                .add(fault(json!({ "operation": "*", "status": status })))
                .unwrap();
            let effect = faults.take(operation).map(|strike| strike.effect);
            let expected = FaultEffect::Refuse {
                status: StatusCode::from_u16(status).unwrap(),
                error: (!error.is_empty()).then(|| error.to_owned()),
                message: message.map(str::to_owned),
            };
            assert_eq!(effect, Some(expected), "{operation} {status}");
        }
    }

    #[test]
    fn an_operation_that_there_is_not_is_told() {
        let faults = Faults::default();
        let told = |operation: &str| {
            let wrong = fault(json!({ "operation": operation, "status": 500 }));
            faults.add(wrong).unwrap_err().to_string()
        };
        assert_eq!(
            told("connect"),
            "there is no operation connect; it is spelled Connect"
        );
        let unknown = told("CreateDeploymnt");
        for name in [
            "*",
            "Connect",
            "PostToConnection",
            "CreateDeployment",
            "DeleteVpcLink",
        ] {
            assert!(unknown.contains(&format!(" {name}")), "{unknown}");
        }
    }

    #[test]
    fn a_drop_says_what_is_lost() {
        let faults = Faults::default();
        for (drop, effect) in [
            ("request", FaultEffect::DropRequest),
            ("answer", FaultEffect::DropAnswer),
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
