//! The body of a refused handshake: where it ends, by RFC 9112 §6. Pure; reading is `handshake`'s matter.

use http::{HeaderMap, StatusCode, header};

/// The way in which the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length in bytes.
    Length(u64),
    /// By a last chunk of size zero.
    Chunked,
    /// By the end of the connection.
    UntilEnd,
}

impl Framing {
    /// The framing that the answer's head announces.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        if status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
        {
            return Self::Length(0);
        }
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
        };
        if text(header::TRANSFER_ENCODING)
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
        {
            return Self::Chunked;
        }
        text(header::CONTENT_LENGTH)
            .and_then(|length| length.trim().parse().ok())
            .map_or(Self::UntilEnd, Self::Length)
    }

    /// True when these bytes hold the whole body.
    pub(super) fn is_complete(self, bytes: &[u8]) -> bool {
        match self {
            Self::Length(length) => bytes.len() as u64 >= length,
            Self::Chunked => decode_chunks(bytes).1,
            Self::UntilEnd => false,
        }
    }

    /// The body, as far as these bytes hold it.
    pub(super) fn decoded(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Length(length) => {
                let end = usize::try_from(length).map_or(bytes.len(), |end| end.min(bytes.len()));
                bytes[..end].to_vec()
            }
            Self::Chunked => decode_chunks(bytes).0,
            Self::UntilEnd => bytes.to_vec(),
        }
    }
}

/// Returns the bytes that the chunks hold, and true if the last one is there. A chunk that cannot be read ends the
/// body.
fn decode_chunks(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line_end) = memchr::memmem::find(bytes, b"\r\n") {
        let Some(size) = chunk_size(&bytes[..line_end]) else {
            return (body, true);
        };
        if size == 0 {
            return (body, true);
        }
        bytes = &bytes[line_end + 2..];
        if bytes.len() < size {
            body.extend_from_slice(bytes);
            return (body, false);
        }
        body.extend_from_slice(&bytes[..size]);
        bytes = bytes[size..].strip_prefix(b"\r\n").unwrap_or_default();
    }
    (body, false)
}

/// The size in a chunk's first line; what follows a semicolon is an extension.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?;
    let size = text.split_once(';').map_or(text, |(size, _)| size);
    usize::from_str_radix(size.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(framing: Framing, bytes: &[u8], body: &[u8], is_complete: bool) {
        assert_eq!(framing.decoded(bytes), body);
        assert_eq!(framing.is_complete(bytes), is_complete);
    }

    #[test]
    fn a_length_ends_the_body() {
        check(Framing::Length(3), b"ab", b"ab", false);
        check(Framing::Length(3), b"abcd", b"abc", true);
        check(Framing::Length(0), b"", b"", true);
    }

    #[test]
    fn chunks_are_joined_and_the_last_one_ends_the_body() {
        check(Framing::Chunked, b"3\r\nabc\r\n0\r\n\r\n", b"abc", true);
        check(
            Framing::Chunked,
            b"3;x=y\r\nabc\r\nA\r\n0123",
            b"abc0123",
            false,
        );
        check(Framing::Chunked, b"3\r\nab", b"ab", false);
        check(Framing::Chunked, b"zz\r\nab", b"", true);
        check(Framing::Chunked, b"", b"", false);
    }

    #[test]
    fn without_a_length_the_connection_ends_the_body() {
        check(Framing::UntilEnd, b"anything", b"anything", false);
    }
}
