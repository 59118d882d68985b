//! The region of a control call: the one in the credential scope of its Signature Version 4.
//!
//! The signature itself is not verified here; the gateway has decided at the door who may call at all.

use http::{HeaderMap, header};

use super::error::ApiError;
use crate::gateway::access::authorization::{Authorization, ScopedCredential};

/// Returns the region in the credential scope of a Signature Version 4 `Authorization` header.
pub(super) fn region(headers: &HeaderMap) -> Result<String, ApiError> {
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

fn scope_region(authorization: &str) -> Option<&str> {
    let credential = Authorization::read(authorization)?.credential?;
    let scoped = ScopedCredential::read(credential)?;
    let (date, region) = (scoped.date, scoped.region);
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    let is_region = (1..=64).contains(&region.len())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (scoped.service == "apigateway" && is_date && is_region).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

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
