//! Who may drive the gateway: programs that sign as the AWS SDKs do, addressing it by a name that is surely its own.
//!
//! A web page in somebody's browser must not be able to. It cannot set `Authorization` across origins without asking,
//! its requests carry `Origin` or `Sec-Fetch-*`, and one that rebinds its own domain name to our address is known by its
//! `Host`. Signatures themselves are not verified: whoever can reach a loopback port already runs on this machine.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Request, header};

use super::error::ApiError;

/// Lets a request in and says which region it is for.
pub(super) fn admit<B>(request: &Request<B>, listener: SocketAddr) -> Result<String, ApiError> {
    let host = request
        .uri()
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok());
    if !host.is_some_and(|host| is_own_host(host, listener.ip())) {
        return Err(ApiError::forbidden(
            "AccessDeniedException",
            "The local gateway answers under localhost, loopback addresses and the address it listens on only",
        ));
    }
    if is_browser(request.headers()) {
        return Err(ApiError::forbidden(
            "AccessDeniedException",
            "The local gateway's control plane does not answer web pages",
        ));
    }
    region(request.headers())
}

/// True for names that reach this machine, or this listener, whoever owns the DNS.
pub(crate) fn is_own_host(host: &str, listening: IpAddr) -> bool {
    let name = without_port(host)
        .trim_end_matches('.')
        .to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let Ok(ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return false;
    };
    // A literal address needs no DNS, so nobody can have rebound it; a listener on all addresses takes any.
    ip.is_loopback() || ip == listening || listening.is_unspecified()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// True for a request that a browser made for a page.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("sec-fetch-"))
}

/// The region in the credential scope of a Signature Version 4 `Authorization` header.
fn region(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(ApiError::forbidden(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ));
    };
    // GUESS: the text that AWS answers to a header it cannot take apart.
    authorization
        .to_str()
        .ok()
        .and_then(scope_region)
        .map(str::to_owned)
        .ok_or_else(|| {
            ApiError::forbidden(
                "IncompleteSignatureException",
                "Authorization header requires 'Credential' parameter of the form ACCESS_KEY/DATE/REGION/apigateway/aws4_request",
            )
        })
}

/// SOURCE: Signature Version 4: `AWS4-HMAC-SHA256 Credential=AKID/DATE/REGION/SERVICE/aws4_request, …`.
fn scope_region(authorization: &str) -> Option<&str> {
    let parameters = authorization.trim().strip_prefix("AWS4-HMAC-SHA256")?;
    let credential = parameters
        .split(',')
        .find_map(|parameter| parameter.trim().strip_prefix("Credential="))?;
    let mut parts = credential.trim().rsplitn(5, '/');
    let (terminator, service) = (parts.next()?, parts.next()?);
    let (region, date, key) = (parts.next()?, parts.next()?, parts.next()?);
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    let is_region = (1..=64).contains(&region.len())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_ours = terminator == "aws4_request" && service == "apigateway" && !key.is_empty();
    (is_ours && is_date && is_region).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_host(host: &str, listening: &str, expected: bool) {
        let listening = listening.parse().unwrap();
        assert_eq!(is_own_host(host, listening), expected, "{host}");
    }

    #[test]
    fn names_of_this_machine_are_its_own() {
        check_host("127.0.0.1:4566", "127.0.0.1", true);
        check_host("127.8.0.1", "127.0.0.1", true);
        check_host("[::1]:4566", "127.0.0.1", true);
        check_host("LOCALHOST:80", "127.0.0.1", true);
        check_host("a1.execute-api.us-east-1.localhost:4566", "127.0.0.1", true);
        check_host("192.0.2.7:4566", "192.0.2.7", true);
        check_host("192.0.2.7:4566", "0.0.0.0", true);
    }

    #[test]
    fn names_that_others_may_own_are_not() {
        check_host("example.com", "127.0.0.1", false);
        check_host("localhost.example.com", "127.0.0.1", false);
        check_host("notlocalhost", "127.0.0.1", false);
        check_host("192.0.2.7", "127.0.0.1", false);
        check_host("example.com", "0.0.0.0", false);
        check_host("", "127.0.0.1", false);
    }

    #[test]
    fn the_region_is_read_from_the_credential_scope() {
        let scope = |credential: &str| {
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0")
        };
        let region = |credential: &str| scope_region(&scope(credential)).map(str::to_owned);
        assert_eq!(
            region("AKID/20261121/eu-west-3/apigateway/aws4_request").as_deref(),
            Some("eu-west-3")
        );
        assert_eq!(
            region("a/b/20261121/us-east-1/apigateway/aws4_request").as_deref(),
            Some("us-east-1")
        );
        for credential in [
            "AKID/20261121/us-east-1/apigateway",
            "AKID/20261121/us-east-1/execute-api/aws4_request",
            "AKID/20261121//apigateway/aws4_request",
            "AKID/today/us-east-1/apigateway/aws4_request",
            "/20261121/us-east-1/apigateway/aws4_request",
            "",
        ] {
            assert_eq!(region(credential), None, "{credential}");
        }
        assert_eq!(scope_region("Basic Zm9vOmJhcg=="), None);
    }
}
