//! Signs WebSocket handshakes (signature version 4), for routes that ask for `AWS_IAM`.
//!
//! SOURCE: developer guide, "Control access with IAM authorization" for WebSocket APIs: the service is `execute-api`, and
//! the signature comes in headers or, for clients that cannot send any, in the query string. It goes into headers here:
//! a URL is shown, copied, and written into the logs of servers and proxies; headers are not.

use std::{fmt, time::Duration};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, SignableBody, SignableRequest, SigningError, SigningSettings, sign,
    },
    sign::v4::SigningParams,
};
use http::{Uri, header};

use super::{Error, ErrorKind, clock, error::innermost, query};
use crate::model::{ConnectRequest, Secret, host::is_loopback};

/// The name of API Gateway's data plane in signatures.
const SERVICE: &str = "execute-api";

/// The longest wait for credentials, which a profile may have to fetch over the network or from another program.
const PATIENCE: Duration = Duration::from_secs(10);

/// The headers of a signature.
const SIGNED: [&str; 3] = ["authorization", "x-amz-date", "x-amz-security-token"];

/// The query parameter that holds the signature of a URL that somebody signed before.
const PRESIGNED: &str = "X-Amz-Signature";

/// Signs handshakes with somebody's credentials; cheap to clone.
#[derive(Clone)]
pub struct Signer {
    credentials: SharedCredentialsProvider,
    region: String,
}

impl Signer {
    pub(super) fn new(credentials: SharedCredentialsProvider, region: &str) -> Self {
        Self {
            credentials,
            region: region.to_owned(),
        }
    }

    /// Signs with these keys, for APIs of that region.
    pub fn with_keys(
        access_key_id: &str,
        secret_access_key: &Secret,
        session_token: Option<&Secret>,
        region: &str,
    ) -> Self {
        let token = session_token.map(|token| token.reveal().to_owned());
        let secret = secret_access_key.reveal();
        let credentials = Credentials::new(access_key_id, secret, token, None, "settings");
        Self::new(SharedCredentialsProvider::new(credentials), region)
    }

    /// The request with a signature in its headers, good for the next minutes.
    ///
    /// # Errors
    /// Fails when there are no credentials, when the request has a signature or an `Authorization` of its own, and when it
    /// would cross a network in clear.
    pub async fn sign(&self, request: ConnectRequest) -> Result<ConnectRequest, Error> {
        let refused = |message: String| Error::new(ErrorKind::Unsignable, &request.url, message);
        if let Some(name) = SIGNED.iter().find(|name| request.header(name).is_some()) {
            return Err(refused(format!(
                "the header {name} is given already, and signing would set it"
            )));
        }
        let uri: Uri = request
            .url
            .trim()
            .parse()
            .map_err(|_| refused("the URL cannot be signed".to_owned()))?;
        if is_presigned(&uri) {
            return Err(refused(format!(
                "the URL has a signature already, in {PRESIGNED}"
            )));
        }
        if !is_private(&uri) {
            return Err(refused(
                "a signature goes over wss:// only, or to this machine, for a session token may be sent with it".to_owned(),
            ));
        }
        let credentials = self.credentials().await?;
        let signature = headers(&request, &uri, credentials, self.region_of(&uri))
            .map_err(|error| refused(innermost(&error)))?;
        let mut signed = request;
        signed.headers.extend(signature);
        Ok(signed)
    }

    async fn credentials(&self) -> Result<Credentials, Error> {
        let none = |message| Error::new(ErrorKind::NoCredentials, "", message);
        let found = tokio::time::timeout(PATIENCE, self.credentials.provide_credentials()).await;
        match found {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(error)) => Err(none(format!(
                "the credentials cannot be used: {}",
                innermost(&error)
            ))),
            Err(_) => Err(none(format!(
                "no credentials within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }

    /// The region that an API's own host name says, else the target's.
    fn region_of<'a>(&'a self, uri: &'a Uri) -> &'a str {
        let mut labels = uri.host().unwrap_or_default().split('.').skip(1);
        let of_host = match (labels.next(), labels.next(), labels.next()) {
            (Some(service), Some(region), Some("amazonaws")) if service == SERVICE => Some(region),
            _ => None,
        };
        of_host.unwrap_or(&self.region)
    }
}

fn is_presigned(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query::raw_parameters(query).any(|(name, _)| name.eq_ignore_ascii_case(PRESIGNED))
}

/// True when nobody on the way can read the request.
fn is_private(uri: &Uri) -> bool {
    let is_encrypted = |scheme: &str| scheme.eq_ignore_ascii_case("wss");
    uri.scheme_str().is_some_and(is_encrypted) || uri.host().is_some_and(is_loopback)
}

/// The headers that sign the request, beside those that it has.
fn headers(
    request: &ConnectRequest,
    uri: &Uri,
    credentials: Credentials,
    region: &str,
) -> Result<Vec<(String, String)>, SigningError> {
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(clock::now())
        .settings(settings)
        .build()
        .expect("invariant: all that signing needs is given")
        .into();
    let host = request.host(uri);
    let path = uri
        .path_and_query()
        // As it displays, and as the handshake asks for it: with a slash, also where the URL has a query and no path.
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let signable = SignableRequest::new(
        "GET",
        format!("https://{host}{path}"),
        [(header::HOST.as_str(), host.as_str())].into_iter(),
        SignableBody::Bytes(b""),
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let added = instructions.headers();
    Ok(added
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Signer")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "of a session";

    fn signer() -> Signer {
        let token = Secret::new(TOKEN);
        Signer::with_keys("AKID", &Secret::new("hunter2"), Some(&token), "eu-west-1")
    }

    fn request(url: &str, headers: &[(&str, &str)]) -> ConnectRequest {
        let headers = headers.iter();
        ConnectRequest {
            url: url.to_owned(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            subprotocols: Vec::new(),
        }
    }

    #[tokio::test]
    async fn the_signature_stands_in_headers_and_the_url_stays_as_it_is() {
        let url = "wss://a1.execute-api.us-west-2.amazonaws.com/prod?x=1";
        let signed = signer()
            .sign(request(url, &[("X-Own", "1")]))
            .await
            .unwrap();
        assert_eq!(signed.url, url);
        assert_eq!(signed.header("x-own"), Some("1"));
        assert_eq!(signed.header("x-amz-security-token"), Some(TOKEN));
        let authorization = signed.header("authorization").unwrap();
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{authorization}"
        );
        for part in [
            "/us-west-2/execute-api/aws4_request",
            "SignedHeaders=host;x-amz-date;x-amz-security-token",
        ] {
            assert!(authorization.contains(part), "{authorization}");
        }
    }

    #[test]
    fn the_region_is_that_of_the_apis_own_host_else_the_targets() {
        for (host, region) in [
            ("a1.execute-api.us-west-2.amazonaws.com", "us-west-2"),
            ("a1.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("ws.example.com", "eu-west-1"),
            ("127.0.0.1", "eu-west-1"),
            ("a1.execute-api.us-west-2.example.com", "eu-west-1"),
        ] {
            let uri = format!("wss://{host}/prod").parse().unwrap();
            assert_eq!(signer().region_of(&uri), region, "{host}");
        }
    }

    #[tokio::test]
    async fn an_authorization_of_ones_own_is_not_replaced() {
        for name in ["Authorization", "x-amz-date", "X-Amz-Security-Token"] {
            let request = request("wss://a/b", &[(name, "mine")]);
            let error = signer().sign(request).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsignable);
            let name = name.to_lowercase();
            assert!(error.to_string().contains(&name), "{error}");
        }
    }

    #[tokio::test]
    async fn a_signature_is_neither_given_twice_nor_sent_in_clear() {
        for (url, says) in [
            ("wss://a/b?X-Amz-Date=1&X-Amz-Signature=0f", "already"),
            ("wss://a/b?x-amz-signature=0f", "already"),
            ("ws://a.example.com/b", "wss://"),
            ("ws://10.0.0.1:4566/b", "wss://"),
        ] {
            let error = signer().sign(request(url, &[])).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsignable, "{url}");
            assert!(error.to_string().contains(says), "{url}: {error}");
        }
        for url in [
            "ws://127.0.0.1:4566/b",
            "ws://[::1]/b",
            "ws://a1.localhost/b?x=X-Amz-Signature",
        ] {
            let signed = signer().sign(request(url, &[])).await.unwrap();
            assert!(signed.header("authorization").is_some(), "{url}");
        }
    }

    #[tokio::test]
    async fn nothing_of_the_credentials_is_in_what_is_logged() {
        let signed = signer().sign(request("wss://a/b", &[])).await.unwrap();
        let text = format!("{:?} {signed:?}", signer());
        for secret in ["AKID", "hunter2", TOKEN, "Signature"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
