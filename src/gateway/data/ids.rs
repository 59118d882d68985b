//! The ids that the data plane makes: of connections, requests and messages.
//!
//! All of them are URL-safe base64 with padding.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Bytes of a request's id: 16 characters, the last of them `=`. SOURCE: captured events.
const REQUEST_BYTES: usize = 11;
/// Bytes of a connection's id and of a message's: 20 characters, the last two of them `=`.
///
/// SOURCE: recorded on AWS, September 2026.
const BYTES: usize = 13;
/// Bytes of a connection's id that are random; the others are the check on them.
const RANDOM_BYTES: usize = 9;
/// Characters of a message's id that are its own; the others are its connection's.
const OWN_CHARACTERS: usize = 10;

/// Makes a fresh id of a request.
pub(crate) fn fresh() -> String {
    URL_SAFE.encode(rand::random::<[u8; REQUEST_BYTES]>())
}

/// Makes a fresh id of a connection.
///
/// SOURCE: recorded on AWS, September 2026: ids that were never given out are told from those of connections that are
/// gone, so an id carries a check. This one has no key and so holds for every local gateway, restarted or not: it keeps
/// out what was never given out, and nobody who wants in.
pub(crate) fn of_connection() -> String {
    let random = rand::random::<[u8; RANDOM_BYTES]>();
    let mut id = random.to_vec();
    id.extend(check(&random));
    URL_SAFE.encode(id)
}

/// True when a text is the id of a connection, to the character as it was given out.
pub(crate) fn is_given_out(text: &str) -> bool {
    let is_sealed = |(random, seal): (&[u8], &[u8])| check(random) == seal;
    URL_SAFE
        .decode(text)
        .is_ok_and(|bytes| bytes.split_at_checked(RANDOM_BYTES).is_some_and(is_sealed))
}

/// Returns the check on the random bytes of an id.
fn check(random: &[u8]) -> [u8; BYTES - RANDOM_BYTES] {
    let digest = Sha256::digest(random);
    std::array::from_fn(|index| digest[index])
}

/// Makes a fresh id of a message on a connection.
///
/// SOURCE: recorded on AWS, September 2026: it ends as the connection's does, for ten characters at the least. Of older
/// ids, which have 16, captured events show it for six.
pub(super) fn of_message(connection_id: &str) -> String {
    let own = URL_SAFE.encode(rand::random::<[u8; BYTES]>());
    format!(
        "{}{}",
        &own[..OWN_CHARACTERS],
        &connection_id[OWN_CHARACTERS..]
    )
}

/// Makes a fresh id to trace a request by, of the second in which it came.
///
/// SOURCE: captured events: a version, the time in seconds in hexadecimal, and 12 bytes.
pub(crate) fn trace(at: Timestamp) -> String {
    let tail = rand::random::<u128>() >> 32;
    format!("Root=1-{:08x}-{tail:024x}", at.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_length_that_they_have_on_aws() {
        let (request, connection) = (fresh(), of_connection());
        assert!(request.len() == 16 && request.ends_with('='), "{request}");
        let messages = of_message(&connection);
        for id in [&connection, &messages] {
            assert!(id.len() == 20 && id.ends_with("=="), "{id}");
        }
    }

    #[test]
    fn a_message_s_id_ends_as_its_connection_s() {
        let connection = of_connection();
        let (one, other) = (of_message(&connection), of_message(&connection));
        assert_eq!(one[10..], connection[10..]);
        assert_ne!(one, other);
    }

    #[test]
    fn an_id_that_was_given_out_is_known_as_it_was_and_in_no_other_spelling() {
        // The second was given out by a gateway that is long gone.
        for id in [of_connection().as_str(), "AAECAwQFBgcI-DSOCw=="] {
            assert!(is_given_out(id), "{id}");
            let bare = id.trim_end_matches('=');
            for other in [
                bare.to_owned(),
                format!("{bare}="),
                format!("{id}="),
                format!(" {id}"),
            ] {
                assert!(!is_given_out(&other), "{other}");
            }
        }
        // The same bytes, in the other alphabet and with other bits behind the last of them.
        for other in ["AAECAwQFBgcI+DSOCw==", "AAECAwQFBgcI-DSOCx=="] {
            assert!(!is_given_out(other), "{other}");
        }
    }

    #[test]
    fn an_id_that_was_never_given_out_is_none() {
        let id = of_connection();
        let mut changed = id.clone();
        let first = if id.starts_with('A') { "B" } else { "A" };
        changed.replace_range(..1, first);
        let message = of_message(&id);
        for text in [
            "",
            "=",
            "short=",
            "nonsense",
            "AAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAA==",
            "gbikqi-vWQAYKEiHxA==",
            "gbikqi+vWQAYKEiHxA==",
            "gbikqi-vWQAYKEiHéé==",
            &changed,
            &message,
            &fresh(),
        ] {
            assert!(!is_given_out(text), "{text}");
        }
    }
}
