//! Gateway responses: what the gateway itself says in place of a backend, by the names that AWS gives to the kinds.
//!
//! SOURCE: developer guide, "Gateway response types"; the error types are those that REST APIs were seen to answer with.
//! GUESS: that WebSocket APIs go by the same names.

use http::StatusCode;

/// What kind of thing went wrong; `$context.error.responseType` of an access log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    AccessDenied,
    ApiConfigurationError,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestBody,
    BadRequestParameters,
    /// Whatever has no name of its own and is the client's fault.
    Default4xx,
    /// Whatever has no name of its own and is not.
    Default5xx,
    IntegrationFailure,
    IntegrationTimeout,
    InvalidApiKey,
    InvalidSignature,
    MissingAuthenticationToken,
    Throttled,
    Unauthorized,
    UnsupportedMediaType,
}

impl ResponseType {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            ResponseType::AccessDenied => "ACCESS_DENIED",
            ResponseType::ApiConfigurationError => "API_CONFIGURATION_ERROR",
            ResponseType::AuthorizerConfigurationError => "AUTHORIZER_CONFIGURATION_ERROR",
            ResponseType::AuthorizerFailure => "AUTHORIZER_FAILURE",
            ResponseType::BadRequestBody => "BAD_REQUEST_BODY",
            ResponseType::BadRequestParameters => "BAD_REQUEST_PARAMETERS",
            ResponseType::Default4xx => "DEFAULT_4XX",
            ResponseType::Default5xx => "DEFAULT_5XX",
            ResponseType::IntegrationFailure => "INTEGRATION_FAILURE",
            ResponseType::IntegrationTimeout => "INTEGRATION_TIMEOUT",
            ResponseType::InvalidApiKey => "INVALID_API_KEY",
            ResponseType::InvalidSignature => "INVALID_SIGNATURE",
            ResponseType::MissingAuthenticationToken => "MISSING_AUTHENTICATION_TOKEN",
            ResponseType::Throttled => "THROTTLED",
            ResponseType::Unauthorized => "UNAUTHORIZED",
            ResponseType::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
        }
    }

    /// Its usual status.
    pub(super) fn status(self) -> StatusCode {
        match self {
            ResponseType::AccessDenied
            | ResponseType::InvalidApiKey
            | ResponseType::InvalidSignature
            | ResponseType::MissingAuthenticationToken => StatusCode::FORBIDDEN,
            ResponseType::BadRequestBody
            | ResponseType::BadRequestParameters
            | ResponseType::Default4xx => StatusCode::BAD_REQUEST,
            // GUESS: the guide's table says 504 of a failed integration; what was measured on REST APIs is 500.
            ResponseType::ApiConfigurationError
            | ResponseType::AuthorizerConfigurationError
            | ResponseType::AuthorizerFailure
            | ResponseType::Default5xx
            | ResponseType::IntegrationFailure => StatusCode::INTERNAL_SERVER_ERROR,
            ResponseType::IntegrationTimeout => StatusCode::GATEWAY_TIMEOUT,
            ResponseType::Throttled => StatusCode::TOO_MANY_REQUESTS,
            ResponseType::Unauthorized => StatusCode::UNAUTHORIZED,
            ResponseType::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// The name of the error that a handshake is told, where nothing says it better.
    pub(super) fn error_type(self) -> &'static str {
        match self {
            ResponseType::AccessDenied => "AccessDeniedException",
            ResponseType::AuthorizerConfigurationError | ResponseType::AuthorizerFailure => {
                "AuthorizerConfigurationException"
            }
            ResponseType::BadRequestBody
            | ResponseType::BadRequestParameters
            | ResponseType::Default4xx
            | ResponseType::UnsupportedMediaType => "BadRequestException",
            // SOURCE: what a backend that was not reached, was too slow or made no sense came to on REST APIs.
            ResponseType::ApiConfigurationError
            | ResponseType::Default5xx
            | ResponseType::IntegrationFailure
            | ResponseType::IntegrationTimeout => "InternalServerErrorException",
            ResponseType::InvalidApiKey => "ForbiddenException",
            ResponseType::InvalidSignature => "InvalidSignatureException",
            ResponseType::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            ResponseType::Throttled => "TooManyRequestsException",
            ResponseType::Unauthorized => "UnauthorizedException",
        }
    }
}

/// Why the gateway refuses what a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) response: ResponseType,
    /// The name of the error, for a handshake.
    pub(super) kind: &'static str,
    /// Nothing where AWS says nothing.
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn new(response: ResponseType, message: impl Into<String>) -> Refusal {
        Refusal {
            status: response.status(),
            response,
            kind: response.error_type(),
            message: Some(message.into()),
        }
    }

    /// The same under another name.
    pub(super) fn named(self, kind: &'static str) -> Refusal {
        Refusal { kind, ..self }
    }
}
