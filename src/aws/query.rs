//! Queries of URLs, taken apart.

use percent_encoding::percent_decode_str;

/// The parameters of a query, in order, as they stand there.
pub(super) fn raw_parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The same without their percent signs.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    raw_parameters(query).map(|(name, value)| (decoded(name), decoded(value)))
}

/// The text without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_told_apart_as_they_stand_and_without_their_percent_signs() {
        let query = "a%2Db=1%202&&c&=d&e=f=g";
        let raw: Vec<_> = raw_parameters(query).collect();
        assert_eq!(
            raw,
            [("a%2Db", "1%202"), ("c", ""), ("", "d"), ("e", "f=g")]
        );
        let decoded: Vec<_> = parameters("a%2Db=1%202&c").collect();
        assert_eq!(
            decoded,
            [
                ("a-b".to_owned(), "1 2".to_owned()),
                ("c".to_owned(), String::new())
            ]
        );
        assert_eq!(parameters("").count(), 0);
    }
}
