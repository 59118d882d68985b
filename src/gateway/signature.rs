//! The presence of an AWS signature in a request. The signature is not verified: anybody's is accepted.

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// True if the request is signed, in its `Authorization` header or in its query string, with a credential of the right
/// form: access key, date, region, service, `aws4_request`.
pub(super) fn is_present(headers: &HeaderMap, query: &str) -> bool {
    in_header(headers).unwrap_or(false) || in_query(query)
}

fn in_header(headers: &HeaderMap) -> Option<bool> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let parts: Vec<_> = value
        .strip_prefix(ALGORITHM)?
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let part = |name| {
        parts
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    Some(
        part("Credential").is_some_and(is_credential)
            && part("SignedHeaders").is_some_and(|names| !names.is_empty())
            && part("Signature").is_some_and(|signature| !signature.is_empty()),
    )
}

fn in_query(query: &str) -> bool {
    let part = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    part("X-Amz-Algorithm").as_deref() == Some(ALGORITHM)
        && part("X-Amz-Credential").is_some_and(|credential| is_credential(&credential))
        && part("X-Amz-Signature").is_some_and(|signature| !signature.is_empty())
}

fn is_credential(text: &str) -> bool {
    let parts: Vec<_> = text.rsplit('/').collect();
    parts.len() >= 5 && parts[0] == "aws4_request" && parts.iter().all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with_header(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        is_present(&headers, "")
    }

    #[test]
    fn a_signed_request_is_recognised() {
        assert!(with_header(
            "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0f"
        ));
        assert!(is_present(
            &HeaderMap::new(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20250101%2Fus-east-1%2Fexecute-api%2Faws4_request\
             &X-Amz-Signature=0f"
        ));
    }

    #[test]
    fn anything_else_is_not() {
        assert!(!is_present(&HeaderMap::new(), ""));
        assert!(!with_header("Bearer x"));
        assert!(!with_header("AWS4-HMAC-SHA256"));
        assert!(!with_header(
            "AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=0f"
        ));
        assert!(!with_header(
            "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/execute-api/aws4_request"
        ));
    }
}
