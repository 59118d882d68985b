//! Failures of integrations, and what the client learns of them.

use std::time::Duration;

use http::StatusCode;

use crate::gateway::data::gateway_response::{Refusal, ResponseType};

/// The failure of an integration to answer. The reason is for the log; the client learns only the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Failure {
    pub(crate) trouble: Trouble,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    TimedOut,
    Failed,
    /// A Lambda function threw, or answered what is no answer.
    Function,
    /// The integration answered, but no integration response fits; that matters only where somebody waits for the
    /// answer.
    NoResponse,
    UnsupportedMediaType,
}

impl Trouble {
    /// Returns the message that the client gets. SOURCE: captured frames. GUESS: the last.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Trouble::TimedOut => "Endpoint request timed out",
            Trouble::Failed | Trouble::Function | Trouble::NoResponse => "Internal server error",
            Trouble::UnsupportedMediaType => "Unsupported Media Type",
        }
    }

    /// Returns the status with which a handshake is refused.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            // SOURCE: recorded on AWS, September 2026, for what is thrown. GUESS: the same for an answer that is none.
            Trouble::Function => StatusCode::BAD_GATEWAY,
            _ => self.response().status(),
        }
    }

    /// Returns the type of the gateway response.
    ///
    /// SOURCE: recorded on AWS, September 2026: a function that threw. GUESS: the others are as in REST APIs.
    pub(crate) fn response(self) -> ResponseType {
        match self {
            Trouble::TimedOut => ResponseType::IntegrationTimeout,
            Trouble::Failed | Trouble::Function => ResponseType::IntegrationFailure,
            Trouble::NoResponse => ResponseType::ApiConfigurationError,
            Trouble::UnsupportedMediaType => ResponseType::UnsupportedMediaType,
        }
    }

    /// Returns the refusal of a handshake because of the trouble.
    pub(crate) fn refusal(self) -> Refusal {
        Refusal::new(self.response(), self.message()).with_status(self.status())
    }
}

impl Failure {
    pub(crate) fn new(trouble: Trouble, reason: impl Into<String>) -> Failure {
        Failure {
            trouble,
            reason: reason.into(),
        }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Failure {
        Failure::new(Trouble::Failed, reason)
    }

    pub(crate) fn timed_out(timeout: Duration) -> Failure {
        let reason = format!("no answer within {} ms", timeout.as_millis());
        Failure::new(Trouble::TimedOut, reason)
    }

    /// Makes a failure with all that caused it.
    pub(crate) fn caused_by(error: &dyn std::error::Error) -> Failure {
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
