//! Why an integration did not answer, and what the client learns of it.

use std::time::Duration;

use http::StatusCode;

use super::gateway_response::{Refusal, ResponseType};

/// Why an integration did not answer. The reason is for the log; the client learns only the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    TimedOut,
    Failed,
    /// A Lambda function threw, or answered what is no answer.
    Function,
    /// It answered, but no integration response fits; that matters only where somebody waits for the answer.
    NoResponse,
    UnsupportedMediaType,
}

impl Trouble {
    /// What the client is told. SOURCE: captured frames. GUESS: the last.
    pub(super) fn message(self) -> &'static str {
        match self {
            Trouble::TimedOut => "Endpoint request timed out",
            Trouble::Failed | Trouble::Function | Trouble::NoResponse => "Internal server error",
            Trouble::UnsupportedMediaType => "Unsupported Media Type",
        }
    }

    /// What a handshake is refused with.
    pub(super) fn status(self) -> StatusCode {
        match self {
            // SOURCE: a captured session for what is thrown. GUESS: the same for an answer that is none.
            Trouble::Function => StatusCode::BAD_GATEWAY,
            _ => self.response().status(),
        }
    }

    /// What kind of thing it is to AWS. GUESS: as in REST APIs.
    pub(super) fn response(self) -> ResponseType {
        match self {
            Trouble::TimedOut => ResponseType::IntegrationTimeout,
            Trouble::Failed | Trouble::Function => ResponseType::IntegrationFailure,
            Trouble::NoResponse => ResponseType::ApiConfigurationError,
            Trouble::UnsupportedMediaType => ResponseType::UnsupportedMediaType,
        }
    }

    /// How a handshake is refused because of it.
    pub(super) fn refusal(self) -> Refusal {
        Refusal {
            status: self.status(),
            ..Refusal::new(self.response(), self.message())
        }
    }
}

impl Failure {
    pub(super) fn new(trouble: Trouble, reason: impl Into<String>) -> Failure {
        Failure {
            trouble,
            reason: reason.into(),
        }
    }

    pub(super) fn failed(reason: impl Into<String>) -> Failure {
        Failure::new(Trouble::Failed, reason)
    }

    pub(super) fn timed_out(timeout: Duration) -> Failure {
        let reason = format!("no answer within {} ms", timeout.as_millis());
        Failure::new(Trouble::TimedOut, reason)
    }

    /// A failure with all that caused it.
    pub(super) fn caused_by(error: &dyn std::error::Error) -> Failure {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason.push_str(": ");
            reason.push_str(&cause.to_string());
            source = cause.source();
        }
        Failure::failed(reason)
    }
}
