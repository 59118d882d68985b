//! Gateway responses: the gateway's own answers in place of a backend's, by the names that AWS gives to their types.
//!
//! SOURCE: developer guide, "Gateway response types". GUESS: that WebSocket APIs go by all the names of REST APIs, as
//! their access logs do by `INTEGRATION_FAILURE`.

use http::StatusCode;

/// The type of a gateway response; `$context.error.responseType` of an access log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    AccessDenied,
    ApiConfigurationError,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestBody,
    BadRequestParameters,
    /// A fault of the client that has no name of its own.
    Default4xx,
    /// A fault, not of the client, that has no name of its own.
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
    /// Returns the name of the type.
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

    /// Returns the usual status of the type.
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
}

/// The refusal of what a client asked for, by the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) response: ResponseType,
    pub(super) message: String,
    pub(super) form: RefusalForm,
}

/// The form of the body with which a handshake is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalForm {
    /// The message with the ids of the connection and the request, as in the gateway's own frames.
    Notice,
    /// The message alone.
    Bare,
}

impl Refusal {
    pub(super) fn new(response: ResponseType, message: impl Into<String>) -> Refusal {
        Refusal {
            status: response.status(),
            response,
            message: message.into(),
            form: RefusalForm::Notice,
        }
    }

    /// Returns the refusal without ids in its body.
    pub(super) fn bare(self) -> Refusal {
        Refusal {
            form: RefusalForm::Bare,
            ..self
        }
    }

    /// Returns the refusal with another status than that of its type.
    pub(super) fn with_status(self, status: StatusCode) -> Refusal {
        Refusal { status, ..self }
    }
}
