//! The HTTP responses that the gateway gives of itself, but for those of the control plane's operations.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// Makes a response with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = typed(status, "application/json", body);
    if let Ok(id) = HeaderValue::try_from(uuid::Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Makes a response with a JSON body and AWS's name for the error.
pub(super) fn error(
    status: StatusCode,
    kind: &str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    named(json(status, body), kind)
}

/// Makes the usual refusal: `{"message":"…"}` with AWS's name for the error.
pub(super) fn refusal(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    terse_refusal(status, Some(kind), Some(message))
}

/// Makes a refusal that may lack the name of the error, or the text and with it the body.
pub(super) fn terse_refusal(
    status: StatusCode,
    kind: Option<&str>,
    message: Option<&str>,
) -> Response<Full<Bytes>> {
    let response = match message {
        Some(message) => json(
            status,
            serde_json::json!({ "message": message }).to_string(),
        ),
        None => empty(status),
    };
    match kind {
        Some(kind) => named(response, kind),
        None => response,
    }
}

fn named(mut response: Response<Full<Bytes>>, kind: &str) -> Response<Full<Bytes>> {
    if let Ok(kind) = HeaderValue::try_from(kind) {
        response.headers_mut().insert("x-amzn-errortype", kind);
    }
    response
}

/// Refuses a call that has to be signed and is not.
pub(super) fn not_signed() -> Response<Full<Bytes>> {
    refusal(
        StatusCode::FORBIDDEN,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )
}

/// Writes the usual refusal as it goes over the wire, for a client whose request never became one; the last word of its
/// connection.
pub(super) fn raw(status: StatusCode, kind: &str, message: &str) -> String {
    let body = serde_json::json!({ "message": message }).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-amzn-errortype: {kind}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Makes a response with plain text.
pub(super) fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

/// Makes a response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
