//! Signature version 4: verifying that a request was signed with a secret key that is known here, and signing requests
//! of the gateway's own. Pure; the time is given.
//!
//! SOURCE: IAM user guide, "Create a signed AWS API request", and API Gateway's guide for `AWS_IAM` on `$connect`: the
//! signature comes in the `Authorization` header or, from browsers, in the query string.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::authorization::{ALGORITHM, Authorization, parameter};
use crate::gateway::query;

/// The longest time that a signature is good for, unless its query string says another, and that the clock of whoever
/// signed may be ahead of ours.
///
/// SOURCE: reported of AWS: what the refusal of an old signature names. GUESS: the same for one from the future.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Longest validity of a signature in a query string.
const LONGEST_VALIDITY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All but the unreserved characters of RFC 3986.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request that was signed, as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    /// Raw, undecoded.
    pub(crate) path: &'a str,
    /// Raw, without the question mark.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// A signature as it stands in a request, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The access key that it was made with.
    pub(crate) access_key_id: String,
    /// The temporary credentials' token, if one came along.
    pub(crate) session_token: Option<String>,
    /// `{date}/{region}/{service}/aws4_request`.
    scope: String,
    /// Basic form of ISO 8601, as it was signed.
    date: String,
    at: Timestamp,
    /// Seconds that it is good for; only of a query string.
    validity: Option<SignedDuration>,
    signed_headers: Vec<String>,
    hex: String,
}

/// The reason why a request is not taken for whose it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    /// It carries no signature.
    #[error("the request is not signed")]
    Missing,
    /// It carries something that is no signature.
    #[error("the signature is incomplete")]
    Incomplete,
    /// It is for another service or day than the request.
    #[error("the credential is scoped to another service or day")]
    Scope,
    /// It does not say for which host it is.
    #[error("the Host header is not signed")]
    Host,
    /// It is for another region than the request.
    #[error("the credential is scoped to another region")]
    Region,
    /// It asks to be good for longer than any may be.
    #[error("the signature is to be valid for more than a week")]
    Validity,
    /// It was made too long ago.
    #[error("the signature has expired, or a clock is wrong")]
    Expired(Age),
    /// It is from the future.
    #[error("the signature is not yet good, for a clock is wrong")]
    Early(Age),
    /// The secret key is another, or the request was changed.
    #[error("the signature does not match")]
    Mismatch,
}

/// The times by which a signature is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    pub(crate) signed_at: Timestamp,
    pub(crate) now: Timestamp,
    /// The longest time that may lie between the two.
    pub(crate) limit: SignedDuration,
}

/// The region and service that a signature must be for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CredentialScope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl Signature {
    /// Reads the signature of a request.
    pub(crate) fn find(request: &Signed<'_>) -> Result<Signature, Unsigned> {
        if let Some(value) = request.headers.get(http::header::AUTHORIZATION) {
            return in_header(value.to_str().map_err(|_| Unsigned::Incomplete)?, request);
        }
        if parameter(request.query, "X-Amz-Signature").is_some() {
            return in_query(request);
        }
        Err(Unsigned::Missing)
    }

    /// Refuses a signature that was not made for `scope` with `secret`, or is not good at `now`.
    pub(crate) fn verify(
        &self,
        request: &Signed<'_>,
        scope: CredentialScope<'_>,
        secret: &str,
        now: Timestamp,
    ) -> Result<(), Unsigned> {
        let mut parts = self.scope.split('/');
        let (day, region) = (parts.next(), parts.next());
        if parts.next() != Some(scope.service)
            || parts.next() != Some("aws4_request")
            || parts.next().is_some()
            || day != self.date.get(..8)
        {
            return Err(Unsigned::Scope);
        }
        if region != Some(scope.region) {
            return Err(Unsigned::Region);
        }
        // SOURCE: IAM user guide, the canonical request: the host must be among the signed headers.
        if !self.signed_headers.iter().any(|name| name == "host") {
            return Err(Unsigned::Host);
        }
        self.check_age(now)?;
        let expected = self.expected(request, secret)?;
        let key = secret.as_bytes();
        // Compared through a digest of both, so that the time taken says nothing about where they differ.
        if mac(key, &expected) == mac(key, &self.hex) {
            Ok(())
        } else {
            Err(Unsigned::Mismatch)
        }
    }

    /// Returns the signature as it is when it was made with `secret`, in hexadecimal digits.
    fn expected(&self, request: &Signed<'_>, secret: &str) -> Result<String, Unsigned> {
        let canonical = self.canonical_request(request)?;
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.date,
            self.scope,
            hex(&Sha256::digest(canonical))
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in self.scope.split('/') {
            key = mac(&key, part);
        }
        Ok(hex(&mac(&key, &to_sign)))
    }

    fn check_age(&self, now: Timestamp) -> Result<(), Unsigned> {
        let age = now.duration_since(self.at);
        let within = |limit| Age {
            signed_at: self.at,
            now,
            limit,
        };
        let oldest = self.validity.unwrap_or(SKEW);
        if age > oldest {
            return Err(Unsigned::Expired(within(oldest)));
        }
        if age < -SKEW {
            return Err(Unsigned::Early(within(SKEW)));
        }
        Ok(())
    }

    fn canonical_request(&self, request: &Signed<'_>) -> Result<String, Unsigned> {
        let mut headers = String::new();
        for name in &self.signed_headers {
            let mut values = request.headers.get_all(name).iter().peekable();
            if values.peek().is_none() {
                return Err(Unsigned::Mismatch);
            }
            let values: Vec<String> = values
                .map(|value| collapse(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            headers.extend([name, ":", &values.join(","), "\n"]);
        }
        let payload = request.headers.get("x-amz-content-sha256");
        let payload = payload
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| hex(&Sha256::digest(request.body)), str::to_owned);
        Ok(format!(
            "{}\n{}\n{}\n{headers}\n{}\n{payload}",
            request.method,
            canonical_path(request.path),
            canonical_query(request.query),
            self.signed_headers.join(";"),
        ))
    }
}

fn in_header(value: &str, request: &Signed<'_>) -> Result<Signature, Unsigned> {
    let found = Authorization::read(value).ok_or(Unsigned::Incomplete)?;
    let part = |part: Option<&'_ str>| part.map(str::to_owned).ok_or(Unsigned::Incomplete);
    let header = |name: &str| {
        let value = request.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    signature(
        &part(found.credential)?,
        &header("x-amz-date").ok_or(Unsigned::Incomplete)?,
        &part(found.signed_headers)?,
        &part(found.signature)?,
        header("x-amz-security-token"),
    )
}

fn in_query(request: &Signed<'_>) -> Result<Signature, Unsigned> {
    let part = |name: &str| parameter(request.query, name).ok_or(Unsigned::Incomplete);
    if part("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Unsigned::Incomplete);
    }
    // GUESS: a signature in a query string that names no validity has the usual one of the header.
    let validity = match parameter(request.query, "X-Amz-Expires") {
        None => None,
        Some(seconds) => {
            let seconds: u64 = seconds.parse().map_err(|_| Unsigned::Incomplete)?;
            let seconds = i64::try_from(seconds).map_err(|_| Unsigned::Validity)?;
            Some(SignedDuration::from_secs(seconds))
        }
    };
    if validity.is_some_and(|validity| validity > LONGEST_VALIDITY) {
        return Err(Unsigned::Validity);
    }
    let found = signature(
        &part("X-Amz-Credential")?,
        &part("X-Amz-Date")?,
        &part("X-Amz-SignedHeaders")?,
        &part("X-Amz-Signature")?,
        parameter(request.query, "X-Amz-Security-Token"),
    )?;
    Ok(Signature { validity, ..found })
}

/// The signer of a request of ours, for a service of a region, at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_access_key: &'a str,
    pub(crate) session_token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) at: Timestamp,
}

impl Signer<'_> {
    /// Returns the headers that sign the request: `Authorization`, the date, and the token if there is one. `Host` must
    /// be in the request already.
    pub(crate) fn sign(&self, request: &Signed<'_>) -> Option<HeaderMap> {
        let date = self.at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = date.get(..8)?;
        let credential = format!(
            "{}/{day}/{}/{}/aws4_request",
            self.access_key_id, self.region, self.service
        );
        let mut added = HeaderMap::new();
        added.insert("x-amz-date", date.parse().ok()?);
        let mut names = "host;x-amz-date".to_owned();
        if let Some(token) = self.session_token {
            added.insert("x-amz-security-token", token.parse().ok()?);
            names.push_str(";x-amz-security-token");
        }
        let mut headers = request.headers.clone();
        headers.extend(added.clone());
        let request = Signed {
            headers: &headers,
            ..*request
        };
        let unsigned = signature(&credential, &date, &names, "", None).ok()?;
        let hex = unsigned.expected(&request, self.secret_access_key).ok()?;
        let value =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={hex}");
        added.insert(http::header::AUTHORIZATION, value.parse().ok()?);
        Some(added)
    }
}

fn signature(
    credential: &str,
    date: &str,
    signed_headers: &str,
    hex: &str,
    session_token: Option<String>,
) -> Result<Signature, Unsigned> {
    let (access_key_id, scope) = credential.split_once('/').ok_or(Unsigned::Incomplete)?;
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|at| at.to_zoned(TimeZone::UTC))
        .map_err(|_| Unsigned::Incomplete)?;
    Ok(Signature {
        access_key_id: access_key_id.to_owned(),
        session_token,
        scope: scope.to_owned(),
        date: date.to_owned(),
        at: at.timestamp(),
        validity: None,
        signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
        hex: hex.to_owned(),
    })
}

/// Returns the path with each segment encoded once more, which is how every service but S3 has it.
fn canonical_path(raw: &str) -> String {
    if raw.is_empty() {
        return "/".to_owned();
    }
    let segments: Vec<String> = raw.split('/').map(encode).collect();
    segments.join("/")
}

/// Returns the parameters, encoded alike and sorted, without the signature itself.
fn canonical_query(raw: &str) -> String {
    let alike = |text: &str| encode(&percent_decode_str(text).decode_utf8_lossy());
    let mut pairs: Vec<(String, String)> = query::parameters(raw)
        .filter(|it| !it.name.eq_ignore_ascii_case("X-Amz-Signature"))
        .map(|it| (alike(it.name), alike(it.value.unwrap_or_default())))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, &ENCODED).to_string()
}

/// Returns a header's value with its ends trimmed and every run of spaces made one.
fn collapse(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("invariant: a key of HMAC may have any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn get<'a>(path: &'a str, query: &'a str, headers: &'a HeaderMap) -> Signed<'a> {
        Signed {
            method: &Method::GET,
            path,
            query,
            headers,
            body: b"",
        }
    }

    fn verify(
        request: &Signed<'_>,
        service: &str,
        secret: &str,
        now: &str,
    ) -> Result<(), Unsigned> {
        let scope = CredentialScope {
            region: "us-east-1",
            service,
        };
        Signature::find(request)?.verify(request, scope, secret, now.parse().unwrap())
    }

    // SOURCE: the worked example of the signing guide.
    fn published() -> HeaderMap {
        headers(&[
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ])
    }

    #[test]
    fn the_published_example_verifies() {
        let headers = published();
        let request = get("/", "Action=ListUsers&Version=2010-05-08", &headers);
        assert_eq!(
            verify(&request, "iam", SECRET, "2015-08-30T12:40:00Z"),
            Ok(())
        );
        let signature = Signature::find(&request).unwrap();
        assert_eq!(signature.access_key_id, "AKIDEXAMPLE");
    }

    #[test]
    fn what_is_signed_here_verifies() {
        for session_token in [None, Some("token")] {
            let signer = Signer {
                access_key_id: "AKID",
                secret_access_key: SECRET,
                session_token,
                region: "us-east-1",
                service: "lambda",
                at: "2015-08-30T12:36:00Z".parse().unwrap(),
            };
            let mut headers = headers(&[("host", "localhost:1")]);
            let path = "/2015-03-31/functions/chat/invocations";
            let added = signer
                .sign(&get(path, "Qualifier=%24LATEST", &headers))
                .unwrap();
            headers.extend(added);
            let request = get(path, "Qualifier=%24LATEST", &headers);
            let now = "2015-08-30T12:36:01Z";
            assert_eq!(verify(&request, "lambda", SECRET, now), Ok(()));
            let other = get(path, "", &headers);
            assert_eq!(
                verify(&other, "lambda", SECRET, now),
                Err(Unsigned::Mismatch)
            );
            let signed = headers["authorization"].to_str().unwrap();
            assert!(signed.contains("Credential=AKID/20150830/us-east-1/lambda/aws4_request"));
            let token = headers.get("x-amz-security-token");
            assert_eq!(token.is_some(), signed.contains(";x-amz-security-token,"));
        }
    }

    #[test]
    fn anything_changed_is_a_mismatch() {
        let now = "2015-08-30T12:40:00Z";
        let headers = published();
        let request = get("/", "Action=ListUsers&Version=2010-05-09", &headers);
        assert_eq!(
            verify(&request, "iam", SECRET, now),
            Err(Unsigned::Mismatch)
        );
        let request = get("/x", "Action=ListUsers&Version=2010-05-08", &headers);
        assert_eq!(
            verify(&request, "iam", SECRET, now),
            Err(Unsigned::Mismatch)
        );
        let request = get("/", "Action=ListUsers&Version=2010-05-08", &headers);
        assert_eq!(
            verify(&request, "iam", "another", now),
            Err(Unsigned::Mismatch)
        );
        let request = Signed {
            body: b"more",
            ..request
        };
        assert_eq!(
            verify(&request, "iam", SECRET, now),
            Err(Unsigned::Mismatch)
        );
        let mut headers = published();
        let unsigned = headers["authorization"].to_str().unwrap();
        let unsigned = unsigned.replace(";host;", ";").parse().unwrap();
        headers.insert("authorization", unsigned);
        let request = get("/", "Action=ListUsers&Version=2010-05-08", &headers);
        assert_eq!(verify(&request, "iam", SECRET, now), Err(Unsigned::Host));
        let mut headers = published();
        headers.remove("content-type");
        let request = get("/", "Action=ListUsers&Version=2010-05-08", &headers);
        assert_eq!(
            verify(&request, "iam", SECRET, now),
            Err(Unsigned::Mismatch)
        );
    }

    #[test]
    fn a_signature_is_for_one_service_of_one_region_and_five_minutes() {
        let headers = published();
        let request = get("/", "Action=ListUsers&Version=2010-05-08", &headers);
        let elsewhere = CredentialScope {
            region: "eu-west-1",
            service: "iam",
        };
        let now = "2015-08-30T12:40:00Z".parse().unwrap();
        let signature = Signature::find(&request).unwrap();
        assert_eq!(
            signature.verify(&request, elsewhere, SECRET, now),
            Err(Unsigned::Region)
        );
        let age = |now: &str| Age {
            signed_at: "2015-08-30T12:36:00Z".parse().unwrap(),
            now: now.parse().unwrap(),
            limit: SignedDuration::from_mins(5),
        };
        let (old, early) = ("2015-08-30T12:41:01Z", "2015-08-30T12:30:59Z");
        for (service, now, outcome) in [
            ("execute-api", "2015-08-30T12:40:00Z", Err(Unsigned::Scope)),
            ("iam", "2015-08-30T12:41:00Z", Ok(())),
            ("iam", old, Err(Unsigned::Expired(age(old)))),
            ("iam", "2015-08-30T12:31:00Z", Ok(())),
            ("iam", early, Err(Unsigned::Early(age(early)))),
        ] {
            assert_eq!(verify(&request, service, SECRET, now), outcome, "{now}");
        }
    }

    #[test]
    fn what_is_no_signature_is_told_from_none() {
        let none = HeaderMap::new();
        assert_eq!(
            verify(
                &get("/prod", "", &none),
                "execute-api",
                SECRET,
                "2015-08-30T12:40:00Z"
            ),
            Err(Unsigned::Missing)
        );
        for authorization in ["Bearer abc", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE"] {
            let headers = headers(&[("authorization", authorization)]);
            assert_eq!(
                verify(
                    &get("/prod", "", &headers),
                    "execute-api",
                    SECRET,
                    "2015-08-30T12:40:00Z"
                ),
                Err(Unsigned::Incomplete)
            );
        }
        let query = "X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256";
        assert_eq!(
            verify(
                &get("/prod", query, &none),
                "execute-api",
                SECRET,
                "2015-08-30T12:40:00Z"
            ),
            Err(Unsigned::Incomplete)
        );
    }

    // The signatures of the next three were made by the AWS SDK for Python.
    const SIGNED_AT: &str = "2026-11-22T10:00:30Z";

    #[test]
    fn a_browser_s_signature_in_the_query_string_verifies_until_it_expires() {
        let query = "name=al%20ice&b=2&tok=a%2Fb&X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-east-1%2Fexecute-api%2Faws4_request\
            &X-Amz-Date=20261122T100000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=7917eb81527638428811943da144f6fb819a36eaacf311b74c6eb91e0fbfb880";
        let headers = headers(&[("host", "127.0.0.1:4566")]);
        let request = get("/k3v9x2a1bc/prod", query, &headers);
        assert_eq!(verify(&request, "execute-api", SECRET, SIGNED_AT), Ok(()));
        let now = "2026-11-22T10:01:01Z";
        let age = Age {
            signed_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            now: now.parse().unwrap(),
            limit: SignedDuration::from_mins(1),
        };
        assert_eq!(
            verify(&request, "execute-api", SECRET, now),
            Err(Unsigned::Expired(age))
        );
        let negative = query.replace("X-Amz-Expires=60", "X-Amz-Expires=-60");
        assert_eq!(
            verify(
                &get("/k3v9x2a1bc/prod", &negative, &headers),
                "execute-api",
                SECRET,
                SIGNED_AT
            ),
            Err(Unsigned::Incomplete)
        );
        let longer = query.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
        let request = get("/k3v9x2a1bc/prod", &longer, &headers);
        assert_eq!(
            verify(&request, "execute-api", SECRET, SIGNED_AT),
            Err(Unsigned::Mismatch)
        );
        let for_ever = query.replace("X-Amz-Expires=60", "X-Amz-Expires=604801");
        let request = get("/k3v9x2a1bc/prod", &for_ever, &headers);
        assert_eq!(
            verify(&request, "execute-api", SECRET, SIGNED_AT),
            Err(Unsigned::Validity)
        );
    }

    #[test]
    fn a_signed_query_is_sorted_and_encoded_alike() {
        for (raw, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&&", "a=1&a=2"),
            ("a&b=", "a=&b="),
            ("a+b=c+d", "a%2Bb=c%2Bd"),
            ("a%20b=%2f~", "a%20b=%2F~"),
            ("x=1&x-amz-signature=0f", "x=1"),
            ("a=b=c", "a=b%3Dc"),
        ] {
            assert_eq!(canonical_query(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn an_encoded_path_is_signed_encoded_once_more() {
        let headers = headers(&[
            ("host", "127.0.0.1:4566"),
            ("x-amz-date", "20261122T100000Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/execute-api/aws4_request, \
                 SignedHeaders=host;x-amz-date, \
                 Signature=f0f139f8f3ebdbb321c3c380f29319131e6f29504d909de344d23189dd172eae",
            ),
        ]);
        let request = Signed {
            method: &Method::POST,
            path: "/k3v9x2a1bc/prod/@connections/L0SM9cOFvHcCIhw%3D",
            query: "",
            headers: &headers,
            body: b"hello",
        };
        assert_eq!(verify(&request, "execute-api", SECRET, SIGNED_AT), Ok(()));
    }

    #[test]
    fn a_session_token_and_a_header_with_many_spaces_are_signed_too() {
        let headers = headers(&[
            ("host", "127.0.0.1:4566"),
            ("x-two", "a   b"),
            ("x-amz-date", "20261122T100000Z"),
            ("x-amz-security-token", "token+/="),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/execute-api/aws4_request, \
                 SignedHeaders=host;x-amz-date;x-amz-security-token;x-two, \
                 Signature=5579945d686c1c37bf91cfcfce27645f2db4f3c07b74f8af01baa0db2529adc5",
            ),
        ]);
        let request = get("/k3v9x2a1bc/prod", "", &headers);
        assert_eq!(verify(&request, "execute-api", SECRET, SIGNED_AT), Ok(()));
        let signature = Signature::find(&request).unwrap();
        assert_eq!(signature.session_token.as_deref(), Some("token+/="));
    }

    proptest::proptest! {
        #[test]
        fn no_request_makes_it_panic(
            authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,60}", query in "[ -~]{0,60}", date in "[0-9TZ]{0,20}",
        ) {
            let mut headers = headers(&[("host", "h")]);
            headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
            headers.insert("x-amz-date", HeaderValue::from_str(&date).unwrap());
            let signed = format!("{query}&X-Amz-Signature=1");
            for request in [get("/x", &query, &headers), get("/x", &signed, &HeaderMap::new())] {
                proptest::prop_assert!(verify(&request, "execute-api", SECRET, SIGNED_AT).is_err());
            }
        }
    }
}
