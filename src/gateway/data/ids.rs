//! The ids that the data plane makes: of connections, requests and messages.
//!
//! SOURCE: captured events. 11 bytes in URL-safe base64 with padding: 16 characters, the last of them `=`.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use jiff::Timestamp;

/// Makes a fresh id.
pub(crate) fn fresh() -> String {
    URL_SAFE.encode(rand::random::<[u8; 11]>())
}

/// Makes a fresh id of a message on a connection.
///
/// SOURCE: captured events: it ends as the connection's does, in the last six characters.
pub(super) fn of_message(connection_id: &str) -> String {
    let mut id = fresh();
    if let Some(end) = connection_id.get(10..) {
        id.replace_range(10.., end);
    }
    id
}

/// Makes a fresh id to trace a request by, of the second in which it came.
///
/// SOURCE: captured events: a version, the time in seconds in hexadecimal, and 12 bytes.
pub(super) fn trace(at: Timestamp) -> String {
    let tail = rand::random::<u128>() >> 32;
    format!("Root=1-{:08x}-{tail:024x}", at.as_second())
}

/// Returns the id in the form in which the registry knows it, if `text` has the form of one. The padding may be
/// missing.
pub(crate) fn normalized(text: &str) -> Option<String> {
    let bare = text.strip_suffix('=').unwrap_or(text);
    let of_the_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (bare.len() == 15 && bare.bytes().all(of_the_alphabet)).then(|| format!("{bare}="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_has_the_form_of_one() {
        let id = fresh();
        assert_eq!(id.len(), 16);
        assert_eq!(normalized(&id), Some(id.clone()));
        assert_eq!(normalized(&id[..15]), Some(id));
    }

    #[test]
    fn a_message_s_id_ends_as_its_connection_s() {
        let connection = "Is5hJfACoAMACHZ=";
        let (one, other) = (of_message(connection), of_message(connection));
        assert_eq!(normalized(&one), Some(one.clone()));
        assert_eq!(one[10..], connection[10..]);
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_no_id_is_told_apart() {
        for text in [
            "",
            "=",
            "short=",
            "JC1dgf9yoAMCK-g==",
            "JC1dgf9yoAMCK+g=",
            "JC1dgf9yoAMCKéé=",
        ] {
            assert_eq!(normalized(text), None, "{text}");
        }
    }
}
