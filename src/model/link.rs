//! Our end of a WebSocket: what we ask of it and what it tells.

use std::fmt;

use bytes::Bytes;
use http::{Uri, header};
use jiff::Timestamp;

use super::{FrameRecord, gateway_response::GatewayResponse};

/// The handshake of a client: the URL, headers and subprotocols that it brings.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConnectRequest {
    /// `ws://` or `wss://`, with the stage and perhaps a query.
    pub url: String,
    /// More headers, in order, as `name, value`; values may be secret and are never logged.
    pub headers: Vec<(String, String)>,
    /// Subprotocols on offer, best first.
    pub subprotocols: Vec<String>,
}

/// The choice to sign a handshake with somebody's credentials (signature version 4) or not to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signing {
    /// It comes from nobody in particular.
    #[default]
    Unsigned,
    /// With the credentials of the target.
    Signed,
}

/// A message, ping or close that we send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A text message, split into frames that API Gateway takes.
    Text(String),
    /// A text message in one frame, however long: to show what the gateway does about it.
    Unsplit(String),
    /// A ping.
    Ping(Bytes),
    /// The end, with a code and a reason; without a code the close frame is empty.
    Close(Option<(u16, String)>),
}

/// An event of a link. Events come in this order: `Connecting`, then `Open` or an end; frames in between; one end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// It set out.
    Connecting,
    /// The handshake succeeded.
    Open(Opened),
    /// Frames crossed, oldest first. Handshake bytes are not frames.
    Frames(Frames),
    /// So many messages were ordered and have not left, or not whole, because of the end that comes with this: as a
    /// rule just before it, and after it for orders that crossed it on the way.
    Unsent(u64),
    /// The peer refused the handshake. An end.
    Refused(Refusal),
    /// There was no handshake, or the connection broke. An end.
    Failed(LinkFailure),
    /// The connection ended with a close frame. An end.
    Closed(Closed),
}

/// A handshake that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The time at which the answer was complete.
    pub at: Timestamp,
    /// The subprotocol that the peer chose.
    pub subprotocol: Option<String>,
    /// The answer's headers, in order.
    pub headers: Vec<(String, String)>,
}

/// Frames of one link that came together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frames {
    /// The frames, oldest first.
    pub records: Vec<FrameRecord>,
    /// Frames that were seen before these and could not be kept; counted, never hidden.
    pub dropped: u64,
}

/// A handshake that the peer answered with something else than 101.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The time at which the answer was complete.
    pub at: Timestamp,
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers, in order.
    pub headers: Vec<(String, String)>,
    /// The answer's body, at most its first 64 KiB.
    pub body: Bytes,
}

/// A link that ended without a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFailure {
    /// The time at which the link ended.
    pub at: Timestamp,
    /// The step that failed.
    pub step: LinkStep,
    /// The causes, outermost first.
    pub causes: Vec<String>,
}

/// The step in which a link failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkStep {
    /// The URL or a header is wrong.
    Request,
    /// Finding credentials, and signing with them.
    Sign,
    /// Looking up the host.
    Resolve,
    /// The TCP connection, or the proxy's tunnel.
    Connect,
    /// TLS.
    Tls,
    /// The HTTP answer to the upgrade.
    Handshake,
    /// The agreement on a subprotocol: the peer chose this one, which was not offered.
    Subprotocol(String),
    /// The open connection.
    Open,
    /// The open connection, whose peer broke a rule: we closed it with this code.
    Rule(u16),
}

/// A connection that ended with a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The time at which both sides were done.
    pub at: Timestamp,
    /// The code; 1005 when the close frame had none.
    pub code: u16,
    /// The reason, often empty.
    pub reason: String,
    /// True when we sent the first close frame.
    pub by_us: bool,
}

impl ConnectRequest {
    /// Returns the value of the `Host` header: the one that was brought, else the URL's host, with its port where that
    /// is not the usual one.
    pub fn host(&self, uri: &Uri) -> String {
        if let Some(host) = self.header(header::HOST.as_str()) {
            return host.to_owned();
        }
        let host = uri.host().unwrap_or_default();
        let usual_port = match uri.scheme_str() {
            Some("wss") => 443,
            _ => 80,
        };
        match uri.port_u16() {
            Some(port) if port != usual_port => format!("{host}:{port}"),
            _ => host.to_owned(),
        }
    }

    /// Returns the value of the header of that name, if it was brought.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(brought, _)| brought.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
}

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("ConnectRequest")
            .field("url", &self.url)
            .field("headers", &names)
            .field("subprotocols", &self.subprotocols)
            .finish()
    }
}

impl Refusal {
    /// True for a refusal as a stage gives it that is not there yet for everybody. One that names another reason, such
    /// as a signature that does not fit, or the connection, comes from a deployment, and stays.
    pub fn may_pass(&self) -> bool {
        let is_plain = match GatewayResponse::in_body(&self.body) {
            Some(response) => response.connection_id.is_none() && response.message == "Forbidden",
            None => self.body.is_empty(),
        };
        self.status == 403 && is_plain
    }

    /// Returns the first value of the header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_wanted = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        let header = self.headers.iter().find(is_wanted);
        header.map(|(_, value)| value.as_str())
    }
}

impl Outgoing {
    /// True for what a person wrote; pings and closes are none.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Unsplit(_))
    }
}

impl LinkEvent {
    /// True for the event that ends a link.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Failed(_) | Self::Closed(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_not_in_what_is_logged() {
        let request = ConnectRequest {
            url: "ws://a/b".to_owned(),
            headers: vec![("Authorization".to_owned(), "hunter2".to_owned())],
            subprotocols: Vec::new(),
        };
        let text = format!("{request:?}");
        assert!(text.contains("Authorization"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
