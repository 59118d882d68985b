//! The payloads that stand for a function's failure, in Lambda's words.
//!
//! SOURCE: the answers of Invoke that people show: the types and texts are the same everywhere.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use bytes::Bytes;
use serde_json::json;

use super::{InvocationResponse, LARGEST_ANSWER};
use crate::gateway::clock;

/// The end of a process by which the invocations that it had, or should have had, fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProcessFailure {
    /// It ended.
    Exited(ExitStatus),
    /// It was ended, for it took longer than this.
    TimedOut(Duration),
    /// It said, in this payload, that it cannot start.
    Init(Bytes),
    /// It could not be started.
    NotStarted,
}

impl ProcessFailure {
    /// Returns the answer to the invocation with this id.
    pub(super) fn answer(&self, request_id: &str) -> InvocationResponse {
        let of = |kind: &str, message: &str| {
            let message = format!("RequestId: {request_id} Error: {message}");
            payload(kind, &message)
        };
        InvocationResponse::failed(match self {
            ProcessFailure::Exited(status) => of("Runtime.ExitError", &exit_text(*status)),
            ProcessFailure::TimedOut(limit) => of("Sandbox.Timedout", &timeout_text(*limit)),
            ProcessFailure::Init(payload) => payload.clone(),
            // GUESS: the text; on AWS a function that was created can be started.
            ProcessFailure::NotStarted => {
                of("Runtime.InvalidEntrypoint", "the command cannot be started")
            }
        })
    }
}

impl ProcessFailure {
    /// Returns the lines about the failure at the end of the invocation's log. SOURCE: logs that people show.
    pub(super) fn log(&self, request_id: &str) -> String {
        let of = |kind: &str, message: &str| {
            format!("RequestId: {request_id} Error: {message}\n{kind}\n")
        };
        match self {
            ProcessFailure::Exited(status) => of("Runtime.ExitError", &exit_text(*status)),
            ProcessFailure::TimedOut(limit) => {
                let at = clock::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
                format!("{at} {request_id} {}\n\n", timeout_text(*limit))
            }
            ProcessFailure::Init(_) | ProcessFailure::NotStarted => String::new(),
        }
    }
}

/// Returns the answer to an invocation whose function's answer is too long.
pub(super) fn too_large() -> InvocationResponse {
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
    );
    InvocationResponse::failed(payload("Function.ResponseSizeTooLarge", &message))
}

fn payload(kind: &str, message: &str) -> Bytes {
    let payload = json!({ "errorType": kind, "errorMessage": message });
    Bytes::from(payload.to_string())
}

fn timeout_text(limit: Duration) -> String {
    format!("Task timed out after {:.2} seconds", limit.as_secs_f64())
}

/// Describes the end of a process, as Lambda says it.
pub(super) fn exit_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => {
            let name = match signal {
                6 => "aborted",
                9 => "killed",
                11 => "segmentation fault",
                15 => "terminated",
                _ => return format!("Runtime exited with error: signal: signal {signal}"),
            };
            format!("Runtime exited with error: signal: {name}")
        }
        (None, None) => "Runtime exited".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: &ProcessFailure, kind: &str, message: &str) {
        let answer = failure.answer("r1");
        assert!(answer.function_error.is_some());
        let payload: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(payload["errorType"], kind);
        assert_eq!(payload["errorMessage"], message);
    }

    #[test]
    fn failures_are_told_in_lambdas_words() {
        let exited = |raw| ProcessFailure::Exited(ExitStatus::from_raw(raw));
        check(
            &exited(3 << 8),
            "Runtime.ExitError",
            "RequestId: r1 Error: Runtime exited with error: exit status 3",
        );
        check(
            &exited(9),
            "Runtime.ExitError",
            "RequestId: r1 Error: Runtime exited with error: signal: killed",
        );
        check(
            &exited(0),
            "Runtime.ExitError",
            "RequestId: r1 Error: Runtime exited without providing a reason",
        );
        check(
            &ProcessFailure::TimedOut(Duration::from_millis(1500)),
            "Sandbox.Timedout",
            "RequestId: r1 Error: Task timed out after 1.50 seconds",
        );
    }

    #[test]
    fn what_a_function_says_of_its_start_is_passed_on() {
        let said = Bytes::from_static(br#"{"errorType":"ImportError"}"#);
        assert_eq!(
            ProcessFailure::Init(said.clone()).answer("r1").payload,
            said
        );
    }
}
