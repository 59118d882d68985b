//! Refusals in API Gateway's envelope: the type in a header, `{"message": …}` as the body. An internal cause is logged
//! and never sent.

use http::StatusCode;

use crate::gateway::store;

/// The refusal of a request, as the client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    /// The value of `x-amzn-ErrorType`.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400: what was asked for makes no sense.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequestException", message)
    }

    /// 403: whoever asks may not.
    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: what was named does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFoundException", message)
    }

    /// 404 for a part of an API, such as a `route`; the id is not said.
    // SOURCE: recorded on AWS, September 2026: `route`, `Authorizer` and `stage`, each in its own case. GUESS: the case of the
    // other kinds.
    pub(crate) fn unknown(kind: &str) -> Self {
        Self::not_found(format!("Invalid {kind} identifier specified"))
    }

    /// 409: it clashes with what exists.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "ConflictException", message)
    }

    /// 429: there are as many `kind` (plural) as there may be.
    // SOURCE: seen on AWS for Authorizers and Integrations: status 429, type ConflictException, two spaces after the
    // first sentence. GUESS: the same words for Stages and Routes.
    pub(crate) fn quota(kind: &str) -> Self {
        Self::quota_of(kind, "API")
    }

    /// 429: there are as many `kind` (plural) as there may be in another holder than an API, such as the `account`.
    pub(crate) fn quota_of(kind: &str, holder: &str) -> Self {
        let message = format!(
            "Maximum number of {kind} for this {holder} has been reached.  Please contact AWS if you need additional {kind}."
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, "ConflictException", message)
    }

    /// 429: calls come faster than they are taken.
    // SOURCE: the service model, and the text of version 1.
    pub(crate) fn too_many_requests() -> Self {
        let (status, code) = (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException");
        Self::new(status, code, "Too Many Requests")
    }

    /// 429, as where a quota is reached: there is no room on the disk. Unlike AWS's, this gateway's disk is the
    /// caller's own to put right, so that is said.
    // GUESS: none of the documented errors says that there is no room. A quota's is nearest: nothing was done, and the same
    // call succeeds once something is removed. A 500 would be taken for a broken service, and repeated by the SDKs.
    fn full(error: &store::Error, cause: &std::io::Error) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "ConflictException",
            format!("{error} ({cause}): make room on the gateway's disk, then repeat"),
        )
    }

    /// 500: our own failure.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "a control call failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerErrorException",
            "Internal server error",
        )
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error.no_room() {
            Some(cause) => Self::full(&error, cause),
            None => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_is_told_in_the_same_words() {
        for (refused, message) in [
            (
                ApiError::quota("Routes"),
                "Maximum number of Routes for this API has been reached.  Please contact AWS if you need additional Routes.",
            ),
            (
                ApiError::quota("Integrations"),
                "Maximum number of Integrations for this API has been reached.  Please contact AWS if you need additional Integrations.",
            ),
            (
                ApiError::quota("Authorizers"),
                "Maximum number of Authorizers for this API has been reached.  Please contact AWS if you need additional Authorizers.",
            ),
            (
                ApiError::quota("Stages"),
                "Maximum number of Stages for this API has been reached.  Please contact AWS if you need additional Stages.",
            ),
            (
                ApiError::quota_of("DomainNames", "account"),
                "Maximum number of DomainNames for this account has been reached.  Please contact AWS if you need additional DomainNames.",
            ),
        ] {
            assert_eq!(refused.status.as_u16(), 429, "{message}");
            assert_eq!(refused.code, "ConflictException", "{message}");
            assert_eq!(refused.message, message);
        }
    }
}
