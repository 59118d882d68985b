//! The opening handshake, RFC 6455 §4: the request is written, the answer read and checked, and a refusal kept whole.
//!
//! The handshake is our own because a refusal is worth showing: the library reads no more of its body than came with
//! the head, and gives up on heads that come in small pieces.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time,
};
use tokio_tungstenite::tungstenite::handshake::{
    client::{Response, generate_key},
    derive_accept_key,
    machine::TryParse,
};

use super::{body::Framing, clock, wire::STEP_TIME};
use crate::model::{
    ConnectRequest,
    link::{LinkStep, Opened, Refusal},
};

/// The longest answer head that is read, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// The most of a refusal's body that is kept, in bytes.
const BODY_BYTES: usize = 64 * 1024;

/// The longest time that a refusal's body may take after its head.
const BODY_TIME: Duration = Duration::from_secs(2);

/// Headers that make the request a handshake; nobody may bring their own.
const OWN_HEADERS: [HeaderName; 6] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

/// The request, ready to write, and what its answer must fit.
pub(super) struct Request {
    bytes: Vec<u8>,
    key: String,
    subprotocols: Vec<String>,
}

/// The answer to the upgrade.
pub(super) enum HandshakeAnswer {
    /// The connection is open; `early` is what was read after the head.
    Open { opened: Opened, early: Bytes },
    /// The upgrade is refused.
    Refused(Refusal),
}

/// The reason why no request can be made of what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("the header name {0:?} is not one that HTTP allows")]
    HeaderName(String),
    #[error("the value of the header {0:?} holds characters that HTTP does not allow")]
    HeaderValue(String),
    #[error("the header {0:?} belongs to the WebSocket handshake and cannot be set")]
    OwnHeader(String),
    #[error("{0:?} is not a subprotocol: it must be one word of letters, digits and marks")]
    Subprotocol(String),
}

/// The reason why an answer is neither an open connection nor a refusal.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the server took the connection and did not answer within {} s", STEP_TIME.as_secs())]
    TimedOut,
    #[error("the server closed the connection without an answer")]
    NoAnswer,
    #[error("the server closed the connection in the middle of its answer")]
    HalfAnswer,
    #[error("the answer's head is longer than {HEAD_BYTES} bytes")]
    HeadTooLong,
    #[error("what came is not an HTTP answer")]
    NotHttp(#[source] tokio_tungstenite::tungstenite::Error),
    #[error("the server says 101, but {0}")]
    Invalid(&'static str),
    #[error("the server chose the subprotocol {0:?}, which was not offered")]
    Subprotocol(String),
}

impl HandshakeError {
    /// The step that failed.
    pub(super) fn step(&self) -> LinkStep {
        match self {
            Self::Subprotocol(name) => LinkStep::Subprotocol(name.clone()),
            _ => LinkStep::Handshake,
        }
    }
}

impl Request {
    /// Writes out the request for that URL.
    pub(super) fn new(uri: &Uri, request: &ConnectRequest) -> Result<Self, RequestError> {
        let headers = more_headers(request)?;
        for offered in &request.subprotocols {
            // A subprotocol is a token, as a header's name is. SOURCE: RFC 6455 §4.1, item 10.
            if HeaderName::from_bytes(offered.as_bytes()).is_err() {
                return Err(RequestError::Subprotocol(offered.clone()));
            }
        }
        let key = generate_key();
        let path = uri
            .path_and_query()
            // As it displays: what it holds lacks the slash when the URL has a query and no path.
            .map_or_else(|| "/".to_owned(), ToString::to_string);
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(format!("GET {path} HTTP/1.1\r\n").as_bytes());
        if !headers.contains_key(header::HOST) {
            put(&mut bytes, "Host", request.host(uri).as_bytes());
        }
        put(&mut bytes, "Connection", b"Upgrade");
        put(&mut bytes, "Upgrade", b"websocket");
        put(&mut bytes, "Sec-WebSocket-Version", b"13");
        put(&mut bytes, "Sec-WebSocket-Key", key.as_bytes());
        if !request.subprotocols.is_empty() {
            let offer = request.subprotocols.join(", ");
            put(&mut bytes, "Sec-WebSocket-Protocol", offer.as_bytes());
        }
        if !headers.contains_key(header::USER_AGENT) {
            let agent = concat!("stagewire/", env!("CARGO_PKG_VERSION"));
            put(&mut bytes, "User-Agent", agent.as_bytes());
        }
        for (name, value) in &request.headers {
            put(&mut bytes, name.trim(), value.trim().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        Ok(Self {
            bytes,
            key,
            subprotocols: request.subprotocols.clone(),
        })
    }
}

/// Shakes hands over the stream.
pub(super) async fn shake<S>(
    stream: &mut S,
    request: &Request,
) -> Result<HandshakeAnswer, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (response, rest) = time::timeout(STEP_TIME, exchange(stream, request))
        .await
        .map_err(|_| HandshakeError::TimedOut)??;
    let headers = header_list(response.headers());
    if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        let body = read_body(stream, &response, rest).await;
        return Ok(HandshakeAnswer::Refused(Refusal {
            at: clock::now(),
            status: response.status().as_u16(),
            headers,
            body,
        }));
    }
    check(response.headers(), request).map_err(HandshakeError::Invalid)?;
    let subprotocol = agreed(response.headers(), &request.subprotocols)?;
    let opened = Opened {
        at: clock::now(),
        subprotocol,
        headers,
    };
    let early = rest.freeze();
    Ok(HandshakeAnswer::Open { opened, early })
}

async fn exchange<S>(
    stream: &mut S,
    request: &Request,
) -> Result<(Response, BytesMut), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&request.bytes).await?;
    stream.flush().await?;
    read_head(stream).await
}

fn put(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

fn more_headers(request: &ConnectRequest) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let parsed = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| RequestError::HeaderName(name.clone()))?;
        if OWN_HEADERS.contains(&parsed) {
            return Err(RequestError::OwnHeader(name.clone()));
        }
        let value = HeaderValue::from_str(value.trim())
            .or_else(|_| HeaderValue::from_bytes(value.trim().as_bytes()))
            .map_err(|_| RequestError::HeaderValue(name.clone()))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

async fn read_head<S>(stream: &mut S) -> Result<(Response, BytesMut), HandshakeError>
where
    S: AsyncRead + Unpin,
{
    let mut read = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(if read.is_empty() {
                HandshakeError::NoAnswer
            } else {
                HandshakeError::HalfAnswer
            });
        }
        // The library reads no HTTP/1.0, which simple web servers refuse with; the head is the same in both.
        if read.starts_with(b"HTTP/1.0 ") {
            read[7] = b'1';
        }
        if let Some((size, response)) =
            Response::try_parse(&read).map_err(HandshakeError::NotHttp)?
        {
            bytes::Buf::advance(&mut read, size);
            return Ok((response, read));
        }
        if read.len() > HEAD_BYTES {
            return Err(HandshakeError::HeadTooLong);
        }
    }
}

/// Reads what comes of a refusal's body until it is complete, long enough, or late. A body that breaks off is still
/// worth showing, so this cannot fail.
async fn read_body<S>(stream: &mut S, response: &Response, mut read: BytesMut) -> Bytes
where
    S: AsyncRead + Unpin,
{
    let framing = Framing::of(response.status(), response.headers());
    let all = async {
        // The wire's bytes are bounded too: chunks may be all framing and no body.
        let is_short = |read: &BytesMut| {
            read.len() < 4 * BODY_BYTES && framing.decoded(read).len() < BODY_BYTES
        };
        while !framing.is_complete(&read) && is_short(&read) {
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    let in_time = time::timeout(BODY_TIME, all).await.is_ok();
    tracing::debug!(in_time, "read the body of a refused handshake");
    let mut body = framing.decoded(&read);
    body.truncate(BODY_BYTES);
    body.into()
}

/// Checks a 101 as RFC 6455 §4.1 says, but for the subprotocol.
fn check(headers: &HeaderMap, request: &Request) -> Result<(), &'static str> {
    if !has_token(headers, &header::UPGRADE, "websocket") {
        return Err("without \"Upgrade: websocket\"");
    }
    if !has_token(headers, &header::CONNECTION, "upgrade") {
        return Err("without \"Connection: Upgrade\"");
    }
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept != derive_accept_key(request.key.as_bytes()).as_str()) {
        return Err("its Sec-WebSocket-Accept does not fit our key");
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err("with an extension that we did not offer");
    }
    Ok(())
}

/// Returns the subprotocol that the server chose, if it chose one. SOURCE: RFC 6455 §4.1: a client fails the connection
/// when that is none of those that it offered.
fn agreed(headers: &HeaderMap, offered: &[String]) -> Result<Option<String>, HandshakeError> {
    let Some(chosen) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) else {
        return Ok(None);
    };
    let chosen = String::from_utf8_lossy(chosen.as_bytes()).into_owned();
    if offered.contains(&chosen) {
        Ok(Some(chosen))
    } else {
        Err(HandshakeError::Subprotocol(chosen))
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], subprotocols: &[&str]) -> ConnectRequest {
        ConnectRequest {
            url: String::new(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            subprotocols: subprotocols.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    fn written(url: &str, request: &ConnectRequest) -> String {
        let request = Request::new(&url.parse().unwrap(), request).unwrap();
        String::from_utf8(request.bytes).unwrap()
    }

    #[test]
    fn a_query_without_a_path_is_asked_for_at_the_root() {
        let text = written("ws://example.test?token=1", &request(&[], &[]));
        assert!(text.starts_with("GET /?token=1 HTTP/1.1\r\n"), "{text}");
    }

    #[test]
    fn the_request_asks_for_the_path_and_query_and_names_the_host() {
        let text = written(
            "ws://example.test:4566/abc/prod?token=1",
            &request(&[], &["v1", "v2"]),
        );
        assert!(text.starts_with("GET /abc/prod?token=1 HTTP/1.1\r\nHost: example.test:4566\r\n"));
        assert!(text.contains("\r\nSec-WebSocket-Protocol: v1, v2\r\n"));
        assert!(text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn a_default_port_is_left_out_of_the_host_header() {
        let none = request(&[], &[]);
        assert!(written("wss://example.test:443/prod", &none).contains("Host: example.test\r\n"));
        assert!(written("ws://[::1]:443/prod", &none).contains("Host: [::1]:443\r\n"));
    }

    #[test]
    fn own_headers_come_along_and_may_replace_host_and_user_agent() {
        let text = written(
            "ws://127.0.0.1/prod",
            &request(
                &[
                    ("Host", "api.example.test"),
                    ("X-Api-Key", "k"),
                    ("user-agent", "me"),
                ],
                &[],
            ),
        );
        assert!(text.contains("Host: api.example.test\r\n"));
        assert!(text.contains("X-Api-Key: k\r\n"));
        assert_eq!(text.to_lowercase().matches("user-agent").count(), 1);
        assert_eq!(text.to_lowercase().matches("host:").count(), 1);
    }

    #[track_caller]
    fn check_refused(request: &ConnectRequest, sentence: &str) {
        let error = Request::new(&"ws://a/b".parse().unwrap(), request).err();
        assert!(error.unwrap().to_string().contains(sentence));
    }

    #[test]
    fn a_subprotocol_that_was_not_offered_fails_the_handshake_and_is_named() {
        let agreed = |chosen: Option<&'static str>, offered: &[&str]| {
            let chosen = chosen.map(|name| {
                let value = HeaderValue::from_static(name);
                (header::SEC_WEBSOCKET_PROTOCOL, value)
            });
            let offered: Vec<String> = offered.iter().map(|&name| name.to_owned()).collect();
            agreed(&HeaderMap::from_iter(chosen), &offered)
        };
        assert_eq!(agreed(None, &["v1"]).unwrap(), None);
        assert_eq!(
            agreed(Some("v2"), &["v1", "v2"]).unwrap().as_deref(),
            Some("v2")
        );
        let error = agreed(Some("v1"), &[]).unwrap_err();
        assert!(
            matches!(&error, HandshakeError::Subprotocol(name) if name == "v1"),
            "{error}"
        );
        assert!(matches!(
            agreed(Some("V1"), &["v1"]),
            Err(HandshakeError::Subprotocol(_))
        ));
    }

    #[test]
    fn headers_that_would_break_the_request_are_refused() {
        check_refused(&request(&[("a b", "c")], &[]), "header name");
        check_refused(&request(&[("a", "c\r\nd: e")], &[]), "value of the header");
        check_refused(&request(&[("Upgrade", "h2c")], &[]), "cannot be set");
        check_refused(&request(&[], &["two words"]), "subprotocol");
    }
}
