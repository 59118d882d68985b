//! A backend's way back to a client: the `@connections` URL, called over HTTP like any other.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::gateway::outbound::Outbound;

/// A signature in form. A real backend would let its SDK sign; this gateway does not verify the signatures of
/// callbacks.
pub(super) const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=demo/20250101/local/execute-api/aws4_request, \
     SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// Bytes of an answer that are read; there is nothing in them that a backend needs.
const ANSWER_BYTES: usize = 4 * 1024;

/// The `@connections` URL of one connection.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    uri: Uri,
}

impl Callback {
    /// Makes `http://{domainName}/{stage}/@connections/{connectionId}`, unless that is no URI.
    pub(super) fn new(domain_name: &str, stage: &str, connection_id: &str) -> Option<Callback> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let (stage, id) = (encode(stage), encode(connection_id));
        let uri = format!("http://{domain_name}/{stage}/@connections/{id}");
        Some(Callback {
            uri: uri.parse().ok()?,
        })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Posts a message; gives the status of the answer, if one came.
    pub(super) async fn post(&self, outbound: &Outbound, text: Bytes) -> Option<StatusCode> {
        let mut request = Request::new(Full::new(text));
        *request.method_mut() = Method::POST;
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().insert(
            header::AUTHORIZATION,
            HeaderValue::from_static(AUTHORIZATION),
        );
        match outbound.call(request, ANSWER_BYTES).await {
            Ok(answer) => StatusCode::from_u16(answer.status).ok(),
            Err(error) => {
                tracing::warn!(%error, "a demo backend cannot post to a connection");
                None
            }
        }
    }
}
