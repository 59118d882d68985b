//! Gateway responses: what API Gateway says of itself in a backend's place, in a refused handshake or in a frame.
//!
//! SOURCE: recorded on AWS, September 2026: `{"message": "…", "connectionId":"…", "requestId":"…"}` with these very
//! spaces, on handshakes too once their route was found; before that it is `{"message":"…"}`.

use memchr::memmem;
use serde_json::Value;

/// The longest message that may be a gateway response, in bytes: ids are short, and so are the texts.
pub const LONGEST: usize = 2048;

/// A gateway response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayResponse {
    /// The message; empty where the gateway gives no reason.
    pub message: String,
    /// The connection: where it is named, the stage and the route were found.
    pub connection_id: Option<String>,
    /// The request.
    pub request_id: Option<String>,
}

impl GatewayResponse {
    /// Reads the body of a refused handshake; none where it holds anything else.
    pub fn in_body(body: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        let mut message = None;
        let mut response = Self::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("message" | "Message", Value::String(text)) => message = Some(text),
                ("message" | "Message", Value::Null) => message = Some(String::new()),
                ("connectionId", Value::String(id)) => response.connection_id = Some(id),
                ("requestId", Value::String(id)) => response.request_id = Some(id),
                _ => return None,
            }
        }
        Some(Self {
            message: message?,
            ..response
        })
    }

    /// Reads the payload of a text message that came in; none where it is not, space by space, what the gateway writes.
    pub fn in_frame(payload: &[u8]) -> Option<Self> {
        let has = |part: &[u8]| memmem::find(payload, part).is_some();
        let is_ours = payload.len() <= LONGEST
            && payload.starts_with(br#"{"message": ""#)
            && has(br#"", "connectionId":""#)
            && has(br#"", "requestId":""#);
        let response = is_ours.then(|| Self::in_body(payload)).flatten()?;
        let is_whole = response.connection_id.is_some() && response.request_id.is_some();
        is_whole.then_some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_the_gateway_is_known_by_its_very_bytes() {
        let frame = br#"{"message": "Forbidden", "connectionId":"XDmENcnwIE0CFEQ=", "requestId":"XDmGEE2RoE0FRdQ="}"#;
        let response = GatewayResponse::in_frame(frame).unwrap();
        assert_eq!(response.message, "Forbidden");
        assert_eq!(response.connection_id.as_deref(), Some("XDmENcnwIE0CFEQ="));
        assert_eq!(response.request_id.as_deref(), Some("XDmGEE2RoE0FRdQ="));
        for backend in [
            &br#"{"message":"Forbidden","connectionId":"a","requestId":"b"}"#[..],
            br#"{"message": "Forbidden"}"#,
            br#"{"message": "hi", "connectionId":"a", "requestId":"b", "from":"bob"}"#,
            br#"{"message": "x", "connectionId":"a", "requestId":"b"} and more"#,
            b"",
        ] {
            assert_eq!(GatewayResponse::in_frame(backend), None, "{backend:?}");
        }
    }

    #[test]
    fn a_body_of_the_gateway_has_a_message_and_perhaps_the_ids_and_nothing_else() {
        let message = |body: &str| {
            let response = GatewayResponse::in_body(body.as_bytes());
            response.map(|response| (response.message, response.connection_id))
        };
        let some = |message: &str, id: Option<&str>| Some((message.into(), id.map(str::to_owned)));
        assert_eq!(
            message(r#"{"message":"Forbidden"}"#),
            some("Forbidden", None)
        );
        let malformed = r#"{"message": "", "connectionId":"c", "requestId":"r"}"#;
        assert_eq!(message(malformed), some("", Some("c")));
        let older = r#"{"message": null, "connectionId":"c", "requestId":"r"}"#;
        assert_eq!(message(older), some("", Some("c")));
        for other in [
            "",
            "no",
            "{}",
            "[]",
            r#"{"message":7}"#,
            r#"{"message":"x","code":1}"#,
        ] {
            assert_eq!(message(other), None, "{other}");
        }
    }
}
