//! The parts of a Signature Version 4 as they stand in a request, in its `Authorization` header or in its query string:
//! taken apart here, for all who ask. Whether the signature is good is for [`sigv4`] to say, where anybody must know.
//!
//! [`sigv4`]: super::sigv4

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

use crate::gateway::query;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parameters of an `Authorization` header; those that it lacks are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub(crate) credential: Option<&'a str>,
    pub(crate) signed_headers: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
}

impl<'a> Authorization<'a> {
    /// Reads the header's value; none when it is of another kind.
    pub(crate) fn read(value: &'a str) -> Option<Self> {
        let mut found = Self::default();
        let parameters = value.trim().strip_prefix(ALGORITHM)?.split(',');
        for (name, value) in parameters.filter_map(|part| part.trim().split_once('=')) {
            let member = match name {
                "Credential" => &mut found.credential,
                "SignedHeaders" => &mut found.signed_headers,
                "Signature" => &mut found.signature,
                _ => continue,
            };
            member.get_or_insert(value);
        }
        Some(found)
    }
}

/// A credential with its scope: `{access key}/{date}/{region}/{service}/aws4_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopedCredential<'a> {
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl<'a> ScopedCredential<'a> {
    /// Reads a credential; none when a part is missing or empty. An access key may hold slashes.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.trim().rsplitn(5, '/');
        let is_terminated = parts.next()? == "aws4_request";
        let (service, region, date) = (parts.next()?, parts.next()?, parts.next()?);
        let access_key_id = parts.next()?;
        let is_whole = ![service, region, date, access_key_id].contains(&"");
        (is_terminated && is_whole).then_some(Self {
            date,
            region,
            service,
        })
    }
}

/// True when the request carries a signature of the right form, whoever made it.
pub(crate) fn is_signed(headers: &HeaderMap, query: &str) -> bool {
    is_signed_in_header(headers) || is_signed_in_query(query)
}

fn is_signed_in_header(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok());
    let Some(found) = value.and_then(Authorization::read) else {
        return false;
    };
    let is_there = |member: Option<&str>| member.is_some_and(|it| !it.is_empty());
    found.credential.and_then(ScopedCredential::read).is_some()
        && is_there(found.signed_headers)
        && is_there(found.signature)
}

fn is_signed_in_query(query: &str) -> bool {
    let credential = parameter(query, "X-Amz-Credential");
    let signature = parameter(query, "X-Amz-Signature");
    parameter(query, "X-Amz-Algorithm").as_deref() == Some(ALGORITHM)
        && credential.is_some_and(|it| ScopedCredential::read(&it).is_some())
        && signature.is_some_and(|it| !it.is_empty())
}

/// Returns a parameter of a raw query string, decoded; its name may be written large or small, and `+` is no space.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut named =
        query::parameters(query).filter(|parameter| parameter.name.eq_ignore_ascii_case(name));
    let value = named.find_map(|parameter| parameter.value)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with_header(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        is_signed(&headers, "")
    }

    #[test]
    fn a_signed_request_is_recognised() {
        assert!(with_header(
            "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0f"
        ));
        assert!(is_signed(
            &HeaderMap::new(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20250101%2Fus-east-1%2Fexecute-api%2Faws4_request\
             &X-Amz-Signature=0f"
        ));
    }

    #[test]
    fn a_parameter_is_decoded_whatever_the_case_of_its_name() {
        for (query, expected) in [
            ("x-amz-date=a%2Fb", Some("a/b")),
            ("X-Amz-Date&X-Amz-Date=1&X-Amz-Date=2", Some("1")),
            ("X-Amz-Date=a+b%20c", Some("a+b c")),
            ("X-Amz-Date=%ff", Some("\u{fffd}")),
            ("X-Amz-Date=", Some("")),
            ("X-Amz-Date", None),
            ("X-Amz-Dates=1", None),
        ] {
            assert_eq!(parameter(query, "X-Amz-Date").as_deref(), expected);
        }
    }

    #[test]
    fn anything_else_is_not() {
        assert!(!is_signed(&HeaderMap::new(), ""));
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
