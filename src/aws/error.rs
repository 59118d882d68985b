//! Errors of calls: the SDK's error turned into the kind of failure, and that into words for a person.

use std::{error::Error as StdError, io, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_apigatewayv2::{
    config::http::HttpResponse,
    error::{ErrorMetadata, ProvideErrorMetadata, SdkError},
};

use crate::model::{Failure, FailureKind, text};

/// The SDK's error of one call; of what the service said, no more than every call has.
pub(super) type CallError<E = ErrorMetadata> = SdkError<E, HttpResponse>;

/// A call that failed, or one that could not even be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error {
    /// The call, as the AWS CLI names it; `connect` before there was one.
    pub operation: &'static str,
    /// The kind of failure.
    pub kind: ErrorKind,
    /// AWS's own code, such as `NotFoundException`.
    pub code: Option<String>,
    /// AWS's own words, or the system's, safe to show.
    pub message: String,
    /// AWS's number for the call, for its support.
    pub request_id: Option<String>,
    /// The endpoint that the call went to.
    pub endpoint: String,
    /// True when the same call may well succeed a little later.
    pub retryable: bool,
    /// True when the call certainly never left this machine.
    pub never_left: bool,
    /// Milliseconds that the control plane asked to wait before the next call, at most a minute's.
    pub retry_after_ms: Option<u16>,
}

/// The kinds of failure that a call can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The resource of the call does not exist.
    NotFound,
    /// AWS found the call invalid.
    Refused,
    /// The call contradicts what exists or what somebody else does at the moment.
    Conflict,
    /// A quota is used up.
    Quota,
    /// Too many calls at the moment.
    Throttled,
    /// These credentials may not do that.
    Denied,
    /// These credentials are no longer valid.
    Expired,
    /// These credentials are not known or the signature is wrong.
    Unrecognized,
    /// No credentials were found.
    NoCredentials,
    /// A handshake that nobody can sign, as it is.
    Unsignable,
    /// No region was found.
    NoRegion,
    /// This machine trusts no certificate authority.
    NoTrust,
    /// The profile does not exist, or the shared configuration cannot be read.
    Profile,
    /// The endpoint is not a URL.
    BadEndpoint,
    /// Nothing answers there.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// Something answers there that is not the control plane of API Gateway.
    NotApiGateway,
    /// The control plane, known as such, gave an answer that cannot be read.
    Unreadable,
    /// The control plane itself failed.
    Failing,
    /// It was given up before it was sent.
    Stopped,
    /// None of the above.
    Other,
}

impl Error {
    /// An error of our own, before or beside a call.
    pub(super) fn new(kind: ErrorKind, endpoint: &str, message: impl Into<String>) -> Self {
        Self {
            operation: "connect",
            kind,
            code: None,
            message: message.into(),
            request_id: None,
            endpoint: endpoint.to_owned(),
            retryable: false,
            never_left: false,
            retry_after_ms: None,
        }
    }

    /// The answer came, and lacks a member that it must have. `is_known` says that calls were answered before.
    pub(super) fn incomplete(
        operation: &'static str,
        endpoint: &str,
        member: &str,
        is_known: bool,
    ) -> Self {
        let message = format!("the answer has no usable {member:?}");
        let kind = if is_known {
            ErrorKind::Unreadable
        } else {
            ErrorKind::NotApiGateway
        };
        Self {
            operation,
            ..Self::new(kind, endpoint, message)
        }
    }

    /// Makes the error from what the SDK says of a call. `is_known` says that calls were answered before.
    pub(super) fn from_call(
        operation: &'static str,
        endpoint: &str,
        error: &CallError,
        is_known: bool,
    ) -> Self {
        let base = Self {
            operation,
            ..Self::new(ErrorKind::Other, endpoint, "")
        };
        match error {
            SdkError::ConstructionFailure(_) => Self {
                never_left: true,
                ..base.not_sent(error)
            },
            SdkError::TimeoutError(_) => base.timed_out(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => base.timed_out(),
            SdkError::ResponseError(context) => base.answered(context.raw(), None, None, is_known),
            SdkError::ServiceError(context) => {
                let meta = context.err().meta();
                base.answered(context.raw(), meta.code(), meta.message(), is_known)
            }
            SdkError::DispatchFailure(failure) if !failure.is_user() => {
                let not_sent = base.not_sent(error);
                // A connection that was closed in the middle is not an I/O error to the SDK.
                let retryable = not_sent.kind != ErrorKind::NoCredentials;
                Self {
                    retryable,
                    ..not_sent
                }
            }
            _ => base.not_sent(error),
        }
    }

    /// True when nobody can tell from this error whether the call was carried out: no answer came after it may have left,
    /// or one that does not say.
    pub fn leaves_open(&self) -> bool {
        let is_open = matches!(
            self.kind,
            ErrorKind::TimedOut
                | ErrorKind::Unreachable
                | ErrorKind::Failing
                | ErrorKind::NotApiGateway
                | ErrorKind::Unreadable
                | ErrorKind::Other
        );
        is_open && !self.never_left
    }

    /// Returns the time that the control plane asked to wait before the next call.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.retry_after_ms?.into()))
    }

    /// The error for a person, as the reason why something could not be done.
    pub fn failure(&self, title: impl Into<String>) -> Failure {
        let kind = match self.kind {
            ErrorKind::Unsignable => FailureKind::User,
            ErrorKind::NoCredentials
            | ErrorKind::NoRegion
            | ErrorKind::NoTrust
            | ErrorKind::Profile
            | ErrorKind::BadEndpoint
            | ErrorKind::Expired
            | ErrorKind::Unrecognized => FailureKind::Config,
            _ => FailureKind::Remote,
        };
        let failure = Failure::new(kind, title).cause(self.to_string());
        match self.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    fn timed_out(self) -> Self {
        Self {
            kind: ErrorKind::TimedOut,
            retryable: true,
            ..self
        }
    }

    fn not_sent(self, error: &(dyn StdError + 'static)) -> Self {
        let chain = || std::iter::successors(Some(error), |&error| error.source());
        if let Some(credentials) =
            chain().find_map(|error| error.downcast_ref::<CredentialsError>())
        {
            return Self {
                kind: ErrorKind::NoCredentials,
                message: innermost(credentials),
                ..self
            };
        }
        let is_io = chain().any(<dyn StdError>::is::<io::Error>);
        let never_left = chain()
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| is_before_sending(error.kind()));
        Self {
            kind: if is_io {
                ErrorKind::Unreachable
            } else {
                ErrorKind::Other
            },
            message: innermost(error),
            retryable: is_io,
            never_left,
            ..self
        }
    }

    fn answered(
        self,
        raw: &HttpResponse,
        code: Option<&str>,
        message: Option<&str>,
        is_known: bool,
    ) -> Self {
        let status = raw.status().as_u16();
        let headers = raw.headers();
        let is_json = headers
            .get("content-type")
            .is_some_and(|value| value.contains("json"));
        let is_success = (200..300).contains(&status);
        if code.is_none() && (!is_json || is_success) {
            let what = headers.get("content-type").unwrap_or("no content type");
            // What answered as the control plane before is it still: its status says what happened.
            let kind = match is_known {
                true if is_success => ErrorKind::Unreadable,
                true => kind_of(status, None),
                false => ErrorKind::NotApiGateway,
            };
            return Self {
                kind,
                message: format!("status {status}, {}", text::printable(what)),
                retryable: kind == ErrorKind::Failing,
                ..self
            };
        }
        let kind = kind_of(status, code);
        let message = match message {
            Some(message) => text::printable(message).into_owned(),
            None => format!("status {status}"),
        };
        Self {
            kind,
            code: code.map(|code| text::printable(code).into_owned()),
            message,
            request_id: headers
                .get("x-amzn-requestid")
                .map(|id| text::printable(id).into_owned()),
            retryable: matches!(kind, ErrorKind::Throttled | ErrorKind::Failing),
            retry_after_ms: retry_after_ms(
                headers.get("x-amz-retry-after"),
                headers.get("retry-after"),
            ),
            ..self
        }
    }

    fn sentence(&self) -> String {
        let Self {
            operation,
            message,
            endpoint,
            ..
        } = self;
        match self.kind {
            ErrorKind::Unreachable => {
                format!("{operation}: nothing answers at {endpoint} ({message})")
            }
            ErrorKind::TimedOut => format!("{operation}: {endpoint} did not answer in time"),
            ErrorKind::NotApiGateway => format!(
                "{operation}: what answers at {endpoint} is not the control plane of API Gateway ({message})"
            ),
            ErrorKind::Unreadable => {
                format!("{operation}: an answer of {endpoint} cannot be read ({message})")
            }
            ErrorKind::NoCredentials
            | ErrorKind::NoRegion
            | ErrorKind::NoTrust
            | ErrorKind::BadEndpoint
            | ErrorKind::Unsignable
            | ErrorKind::Profile => message.clone(),
            _ => {
                let facts: Vec<&str> = [&self.code, &self.request_id]
                    .into_iter()
                    .filter_map(|fact| fact.as_deref())
                    .collect();
                if facts.is_empty() {
                    format!("{operation}: {message}")
                } else {
                    format!("{operation}: {message} ({})", facts.join(", request "))
                }
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self.kind {
            ErrorKind::NoCredentials => {
                "run `aws configure` or `aws sso login`, choose another profile, or use the local gateway (--local)"
            }
            ErrorKind::Expired => {
                "log in again (`aws sso login`, or get new temporary keys), then repeat"
            }
            ErrorKind::Unrecognized => {
                "check the keys of this profile, and that they belong to this partition"
            }
            ErrorKind::NoRegion => "name one with --region, AWS_REGION or in the profile",
            ErrorKind::NoTrust => "install ca-certificates, or set SSL_CERT_FILE",
            ErrorKind::BadEndpoint => "write it as https://host or http://127.0.0.1:4566",
            ErrorKind::Profile => "see the names with `aws configure list-profiles`",
            ErrorKind::Denied => {
                "ask for the apigateway permissions that this call needs, or choose another profile"
            }
            ErrorKind::Throttled => {
                "wait a moment and repeat; the account allows about 10 such calls a second"
            }
            // AWS is never asked over plain HTTP. A local gateway's own words say what it is short of.
            ErrorKind::Quota if self.endpoint.starts_with("http://") => return None,
            ErrorKind::Quota => "remove what is no longer used, or ask AWS for a higher quota",
            ErrorKind::Unreachable => {
                "check the endpoint and the network; `stagewire gateway` starts a local gateway"
            }
            ErrorKind::TimedOut => "check the network and the proxy, then repeat",
            ErrorKind::NotApiGateway => "check --endpoint-url, AWS_ENDPOINT_URL and the proxy",
            ErrorKind::Failing => "repeat in a moment",
            ErrorKind::Other if !self.never_left => {
                "check the endpoint, and what stands between: it ended the call without an answer"
            }
            ErrorKind::Unsignable
            | ErrorKind::Stopped
            | ErrorKind::Unreadable
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Conflict
            | ErrorKind::Other => {
                return None;
            }
        })
    }
}

/// The wait that is asked for: by AWS's own header, which says milliseconds, or by `Retry-After`, when that says seconds.
/// Longer than a minute is not believed: the rates of the control plane are told in calls a second.
fn retry_after_ms(amz: Option<&str>, standard: Option<&str>) -> Option<u16> {
    // SOURCE: botocore 1.44.8 heeds the first alone (findings/botocore-retry-after.sh). UNCONFIRMED: API Gateway sends it.
    let number = |value: &str| value.trim().parse::<u64>().ok();
    let milliseconds = amz
        .and_then(number)
        .or_else(|| Some(standard.and_then(number)?.saturating_mul(1000)))?;
    u16::try_from(milliseconds.min(60_000)).ok()
}

fn kind_of(status: u16, code: Option<&str>) -> ErrorKind {
    match (code.unwrap_or_default(), status) {
        // SOURCE: real answers: a used-up quota is 429 with ConflictException, unlike throttling.
        ("ConflictException", 429) => ErrorKind::Quota,
        ("ExpiredTokenException" | "ExpiredToken" | "RequestExpired", _) => ErrorKind::Expired,
        (
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken",
            _,
        ) => ErrorKind::Unrecognized,
        (code, _) if code.contains("Throttl") => ErrorKind::Throttled,
        // SOURCE: the SDK's model; the API reference calls the same one LimitExceededException.
        ("TooManyRequestsException" | "LimitExceededException" | "", 429) => ErrorKind::Throttled,
        (_, 404) => ErrorKind::NotFound,
        (_, 409) => ErrorKind::Conflict,
        (_, 401 | 403) => ErrorKind::Denied,
        (_, 400..=499) => ErrorKind::Refused,
        (_, 500..=599) => ErrorKind::Failing,
        _ => ErrorKind::NotApiGateway,
    }
}

/// True for what the system says when there is no connection yet.
fn is_before_sending(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
    )
}

/// The text of the error at the bottom, where the fact is; what is above it repeats the SDK's own layers.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    text::printable(&deepest.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind, retry_after_ms};

    #[test]
    fn a_call_without_a_clear_answer_may_have_been_carried_out_if_it_left() {
        for (kind, is_open) in [
            (ErrorKind::TimedOut, true),
            (ErrorKind::Unreachable, true),
            (ErrorKind::Failing, true),
            (ErrorKind::NotApiGateway, true),
            (ErrorKind::Unreadable, true),
            (ErrorKind::Other, true),
            (ErrorKind::NotFound, false),
            (ErrorKind::Refused, false),
            (ErrorKind::Conflict, false),
            (ErrorKind::Quota, false),
            (ErrorKind::Throttled, false),
            (ErrorKind::Denied, false),
            (ErrorKind::Expired, false),
            (ErrorKind::Unrecognized, false),
            (ErrorKind::NoCredentials, false),
            (ErrorKind::Unsignable, false),
            (ErrorKind::NoRegion, false),
            (ErrorKind::NoTrust, false),
            (ErrorKind::Profile, false),
            (ErrorKind::BadEndpoint, false),
            (ErrorKind::Stopped, false),
        ] {
            let left = Error::new(kind, "https://example.com", "");
            assert_eq!(left.leaves_open(), is_open, "{kind:?}");
            let never_left = Error {
                never_left: true,
                ..left
            };
            assert!(!never_left.leaves_open(), "{kind:?}");
        }
    }

    #[test]
    fn the_wait_that_is_asked_for_is_read_from_either_header_and_bounded() {
        for (amz, standard, expected) in [
            (None, None, None),
            (None, Some("3"), Some(3000)),
            (Some("1500"), Some("3"), Some(1500)),
            (Some("soon"), Some(" 2 "), Some(2000)),
            (Some("-1"), None, None),
            (None, Some("Sat, 28 Nov 2026 20:25:00 GMT"), None),
            (Some("86400000"), None, Some(60_000)),
            (None, Some("18446744073709551615"), Some(60_000)),
        ] {
            let found = retry_after_ms(amz, standard);
            assert_eq!(found, expected, "{amz:?} {standard:?}");
        }
    }
}
