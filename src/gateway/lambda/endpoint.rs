//! Functions that somebody else runs: any endpoint that speaks Lambda's Invoke.
//!
//! SOURCE: Lambda API reference, Invoke.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Invocation, InvocationResponse, InvokeError, LARGEST_ANSWER, Mode};
use crate::{
    gateway::{
        access::{
            Credential,
            sigv4::{Signed, Signer},
        },
        clock,
        outbound::{self, CallError, Outbound},
    },
    model::Secret,
};

/// Characters of a refusal's text that go to the log.
const MESSAGE: usize = 300;

/// An endpoint, and the client that calls it.
#[derive(Debug)]
pub(super) struct Endpoint {
    base: String,
    credential: Option<Credential>,
    outbound: Outbound,
}

impl Endpoint {
    pub(super) fn new(uri: &Uri, credential: Option<Credential>, gateway: SocketAddr) -> Endpoint {
        Endpoint {
            base: uri.to_string().trim_end_matches('/').to_owned(),
            credential,
            outbound: Outbound::new(gateway),
        }
    }

    pub(super) async fn invoke(
        &self,
        invocation: &Invocation,
    ) -> Result<InvocationResponse, InvokeError> {
        let qualifier = invocation.function.qualifier.as_deref();
        // Without a qualifier it is the latest version that runs.
        let mut qualifier = qualifier.filter(|it| *it != "$LATEST");
        let mut mode = invocation.mode;
        let answer = loop {
            let answer = self.call(invocation, qualifier, mode).await?;
            // What is refused so was refused before anything ran.
            if qualifier.is_some() && takes_no_query(&answer) {
                qualifier = None;
            } else if mode == Mode::WaitForLog && answer.status == 501 {
                mode = Mode::Wait;
            } else {
                break answer;
            }
        };
        match answer.status {
            200..300 => Ok(InvocationResponse {
                payload: answer.body,
                function_error: text(&answer.headers, "x-amz-function-error"),
                request_id: text(&answer.headers, "x-amzn-requestid"),
                version: text(&answer.headers, "x-amz-executed-version"),
                log: text(&answer.headers, "x-amz-log-result")
                    .and_then(|log| STANDARD.decode(log).ok())
                    .map(Bytes::from),
            }),
            status => Err(refusal(status, &answer.headers, &answer.body, invocation)),
        }
    }

    async fn call(
        &self,
        invocation: &Invocation,
        qualifier: Option<&str>,
        mode: Mode,
    ) -> Result<outbound::BackendResponse, InvokeError> {
        let request = self.request(invocation, qualifier, mode)?;
        let called = self.outbound.call(request, LARGEST_ANSWER).await;
        called.map_err(|error| InvokeError::Unreachable(whole(&error)))
    }

    /// Makes the request by the function's bare name and with the qualifier beside it, for there are emulators that
    /// know functions by no other name.
    fn request(
        &self,
        invocation: &Invocation,
        qualifier: Option<&str>,
        mode: Mode,
    ) -> Result<Request<Full<Bytes>>, InvokeError> {
        let uri = self.uri(&invocation.function.name, qualifier)?;
        let mut request = Request::new(Full::new(invocation.payload.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let kind = match mode {
            Mode::Wait | Mode::WaitForLog => "RequestResponse",
            Mode::Event => "Event",
        };
        headers.insert("x-amz-invocation-type", HeaderValue::from_static(kind));
        if mode == Mode::WaitForLog {
            headers.insert("x-amz-log-type", HeaderValue::from_static("Tail"));
        }
        let trace_id = invocation.trace_id.as_deref();
        if let Some(Ok(trace_id)) = trace_id.map(HeaderValue::try_from) {
            headers.insert("x-amzn-trace-id", trace_id);
        }
        self.sign(&mut request, invocation);
        Ok(request)
    }

    fn uri(&self, function: &str, qualifier: Option<&str>) -> Result<Uri, InvokeError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let query = match qualifier {
            None => String::new(),
            Some(qualifier) => {
                let qualifier = utf8_percent_encode(qualifier, NON_ALPHANUMERIC);
                format!("?Qualifier={qualifier}")
            }
        };
        format!("{}{path}{query}", self.base)
            .parse()
            .map_err(|error: http::uri::InvalidUri| InvokeError::Unreachable(error.to_string()))
    }

    fn sign(&self, request: &mut Request<Full<Bytes>>, invocation: &Invocation) {
        let (Some(credential), Some(authority)) = (&self.credential, request.uri().authority())
        else {
            return;
        };
        if let Ok(host) = HeaderValue::try_from(authority.as_str()) {
            request.headers_mut().insert(header::HOST, host);
        }
        let token = credential.session_token.as_ref();
        let signer = Signer {
            access_key_id: &credential.access_key_id,
            secret_access_key: credential.secret_access_key.reveal(),
            session_token: token.map(Secret::reveal),
            region: invocation.function.region(),
            service: "lambda",
            at: clock::now(),
        };
        let signed = signer.sign(&Signed {
            method: request.method(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: &invocation.payload,
        });
        if let Some(added) = signed {
            request.headers_mut().extend(added);
        } else {
            tracing::warn!("the credentials cannot sign the call of a function");
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// SOURCE: the Invoke endpoint of SAM runs the one version of a function that there is, and refuses whatever stands in
/// the query; it gives no log either, and says 501 to who wants it.
fn takes_no_query(answer: &outbound::BackendResponse) -> bool {
    let kind = text(&answer.headers, "x-amzn-errortype").unwrap_or_default();
    answer.status == 400
        && kind.starts_with("InvalidRequestContent")
        && memchr::memmem::find(&answer.body, b"Query Parameters are not supported").is_some()
}

fn refusal(status: u16, headers: &HeaderMap, body: &[u8], invocation: &Invocation) -> InvokeError {
    let kind = text(headers, "x-amzn-errortype").unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default().to_owned();
    match status {
        404 => InvokeError::NotFound {
            arn: invocation.function.arn(),
        },
        429 => InvokeError::Throttled,
        _ => {
            let said: Option<Value> = serde_json::from_slice(body).ok();
            let member = |name| said.as_ref()?.get(name)?.as_str().map(str::to_owned);
            let message = member("message").or_else(|| member("Message"));
            let message = message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
            InvokeError::Refused {
                status,
                kind,
                message: message.chars().take(MESSAGE).collect(),
            }
        }
    }
}

fn whole(error: &CallError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::FunctionName, *};
    use crate::gateway::access::sigv4::{CredentialScope, Signature};

    fn invocation(function: &str) -> Invocation {
        Invocation {
            function: FunctionName::parse(function).unwrap(),
            payload: Bytes::from_static(b"{}"),
            mode: Mode::Wait,
            trace_id: Some("Root=1-0-0".into()),
        }
    }

    #[test]
    fn the_function_is_in_the_path_and_its_alias_in_the_query() {
        let here = SocketAddr::from(([127, 0, 0, 1], 1));
        let endpoint = Endpoint::new(&Uri::from_static("http://127.0.0.1:3001/"), None, here);
        let uri = |name: &str| {
            let invocation = invocation(name);
            let qualifier = invocation.function.qualifier.as_deref();
            let request = endpoint
                .request(&invocation, qualifier, Mode::Wait)
                .unwrap();
            assert_eq!(
                request.headers()["x-amz-invocation-type"],
                "RequestResponse"
            );
            assert_eq!(request.headers()["x-amzn-trace-id"], "Root=1-0-0");
            request.uri().to_string()
        };
        let base = "http://127.0.0.1:3001/2015-03-31/functions/chat/invocations";
        assert_eq!(
            uri("arn:aws:lambda:eu-west-1:123456789012:function:chat"),
            base
        );
        assert_eq!(uri("chat:a_1"), format!("{base}?Qualifier=a%5F1"));
    }

    #[test]
    fn whoever_has_credentials_signs_for_the_functions_region() {
        let credential = Credential {
            access_key_id: "AKID".into(),
            secret_access_key: Secret::new("secret"),
            session_token: Some(Secret::new("token")),
            user: String::new(),
            policy: None,
        };
        let here = SocketAddr::from(([127, 0, 0, 1], 1));
        let uri = Uri::from_static("https://lambda.example");
        let endpoint = Endpoint::new(&uri, Some(credential), here);
        let function = "arn:aws:lambda:eu-west-1:123456789012:function:chat:live";
        let request = endpoint
            .request(&invocation(function), Some("live"), Mode::Wait)
            .unwrap();
        assert_eq!(request.headers()[header::HOST], "lambda.example");
        let signed = Signed {
            method: request.method(),
            path: request.uri().path(),
            query: request.uri().query().unwrap(),
            headers: request.headers(),
            body: b"{}",
        };
        let signature = Signature::find(&signed).unwrap();
        let scope = CredentialScope {
            region: "eu-west-1",
            service: "lambda",
        };
        let verified = signature.verify(&signed, scope, "secret", clock::now());
        assert_eq!(verified, Ok(()));
        assert_eq!(signature.session_token.as_deref(), Some("token"));
        let authorization = request.headers()[header::AUTHORIZATION].to_str().unwrap();
        assert!(
            authorization.contains("/eu-west-1/lambda/"),
            "{authorization}"
        );
    }

    #[test]
    fn refusals_keep_what_they_say() {
        let invocation = invocation("chat");
        let refused =
            |status, body: &[u8]| refusal(status, &HeaderMap::new(), body, &invocation).to_string();
        assert!(refused(404, b"").starts_with("Function not found: arn:aws:lambda:"));
        assert_eq!(refused(429, b""), "Rate Exceeded.");
        assert!(refused(403, br#"{"Message":"no"}"#).ends_with("403 : no"));
        assert!(refused(500, &vec![b'x'; 9000]).len() < 400);
    }
}
