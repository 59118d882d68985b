//! The usual spelling of header names. The HTTP library knows the names in lower case only, so the client's own
//! spelling is lost; templates and Lambda functions see the usual one instead.

use http::HeaderName;

/// Returns a header's name with a capital after each hyphen: `X-Forwarded-For`, `Sec-WebSocket-Key`.
pub(crate) fn usual(name: &HeaderName) -> String {
    let mut spelled = String::with_capacity(name.as_str().len());
    for (index, word) in name.as_str().split('-').enumerate() {
        if index > 0 {
            spelled.push('-');
        }
        if word == "websocket" {
            spelled.push_str("WebSocket");
            continue;
        }
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_usual() {
        for (name, spelled) in [
            ("host", "Host"),
            ("x-forwarded-for", "X-Forwarded-For"),
            ("sec-websocket-key", "Sec-WebSocket-Key"),
            ("x--a", "X--A"),
        ] {
            assert_eq!(usual(&HeaderName::from_static(name)), spelled);
        }
    }
}
