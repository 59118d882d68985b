//! Runs an integration: makes its request, calls it, and makes its answer into a reply.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    failure::{Failure, Trouble},
    forwarding,
    lambda::{self, FunctionCall},
    mapping::{self, BadRequest, Mapping},
    payload,
};
use crate::{
    gateway::{
        data::{
            Plane, ids,
            message::{
                event::{Event, Kind},
                plan::{IntegrationKind, IntegrationPlan},
            },
        },
        lambda::{FunctionName, Functions, Invocation, InvocationResponse, Mode},
        outbound::{BackendResponse, Excess},
    },
    model::limit,
};

/// Headers that belong to one hop and are never passed on (RFC 9110, section 7.6.1, and the length of the body).
const HOP_HEADERS: [HeaderName; 8] = [
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::CONTENT_LENGTH,
];

/// The headers by which a backend tells the id under which it knows the request.
///
/// SOURCE: developer guide, the variables of access logs: `awsEndpointRequestId` is what one of these says.
const REQUEST_ID: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// An integration whose request is made.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// The integration needs no call.
    Answered(Result<BackendResponse, Failure>),
    Call(BackendCall),
}

/// A request to a backend.
#[derive(Debug)]
pub(crate) struct BackendCall {
    work: Work,
    timeout: Duration,
    reader: BodyReader,
}

#[derive(Debug)]
enum Work {
    Http(Request<Full<Bytes>>),
    Invoke(FunctionCall),
}

/// The reader of the answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyReader {
    Client,
    /// The client, if it is refused.
    Handshake,
    Nobody,
}

impl BackendCall {
    /// Returns the same call, of whose answer nobody reads the body.
    pub(crate) fn for_nobody(self) -> BackendCall {
        BackendCall {
            reader: BodyReader::Nobody,
            ..self
        }
    }
}

impl BodyReader {
    fn of(event: &Event) -> BodyReader {
        match event.kind {
            Kind::Connect(_) => BodyReader::Handshake,
            Kind::Message(_) => BodyReader::Client,
            Kind::Disconnect { .. } => BodyReader::Nobody,
        }
    }

    /// GUESS: a body that is longer than a message matters only to who reads it.
    fn excess(self, status: StatusCode) -> Excess {
        match self {
            BodyReader::Nobody => Excess::Dropped,
            BodyReader::Handshake if status.is_success() => Excess::Dropped,
            BodyReader::Handshake | BodyReader::Client => Excess::Refused,
        }
    }
}

/// Makes the integration's request, and its reply too where nothing is called.
pub(crate) fn prepare(plan: &IntegrationPlan, event: &Event) -> Prepared {
    let work = match plan.kind {
        IntegrationKind::Mock => {
            let answer = mock(plan, event);
            note_status(event, &answer);
            return Prepared::Answered(answer);
        }
        IntegrationKind::Http | IntegrationKind::HttpProxy => request(plan, event).map(Work::Http),
        IntegrationKind::Aws | IntegrationKind::AwsProxy => {
            function_call(plan, event).map(Work::Invoke)
        }
    };
    match work {
        Ok(work) => Prepared::Call(BackendCall {
            work,
            timeout: plan.timeout,
            reader: BodyReader::of(event),
        }),
        Err(failure) => Prepared::Answered(Err(failure)),
    }
}

/// Makes the request, calls the backend if there is one, and makes the reply.
pub(crate) async fn run(
    plan: &IntegrationPlan,
    event: &Event,
    plane: &Plane,
) -> Result<BackendResponse, Failure> {
    match prepare(plan, event) {
        Prepared::Answered(outcome) => outcome,
        Prepared::Call(call) => complete(call, plan, event, plane).await,
    }
}

/// Calls the backend and makes the reply.
pub(crate) async fn complete(
    call: BackendCall,
    plan: &IntegrationPlan,
    event: &Event,
    plane: &Plane,
) -> Result<BackendResponse, Failure> {
    let excess = |status| call.reader.excess(status);
    let called = async {
        match call.work {
            Work::Http(request) => plane
                .outbound
                .call_and_read(request, limit::MESSAGE_BYTES, excess)
                .await
                .map_err(|error| Failure::caused_by(&error)),
            Work::Invoke(call) => invoke(call, event, &plane.functions).await,
        }
    };
    let began = event.is_logged().then(Instant::now);
    let called = tokio::time::timeout(call.timeout, called).await;
    if let Some(began) = began {
        let latency = began.elapsed();
        event.note("integrationLatency", || latency.as_millis().to_string());
    }
    let answer = called.map_err(|_| Failure::timed_out(call.timeout))??;
    note_request_id(event, &answer);
    let answer = make_reply(plan, event, answer);
    note_status(event, &answer);
    answer
}

/// Notes the id under which the backend knows the request.
fn note_request_id(event: &Event, answer: &BackendResponse) {
    let id = REQUEST_ID
        .into_iter()
        .find_map(|name| answer.headers.get(name));
    if let Some(Ok(id)) = id.map(HeaderValue::to_str) {
        event.note("awsEndpointRequestId", || id.to_owned());
    }
}

/// Notes the status of an answer for the event's own; of a function it is the one that its answer names.
///
/// SOURCE: recorded on AWS, September 2026, of Lambda functions behind `$connect` and messages. GUESS: of other
/// integrations, and of `$disconnect`, too.
fn note_status(event: &Event, answer: &Result<BackendResponse, Failure>) {
    if let Ok(answer) = answer {
        event.note("status", || answer.status.to_string());
    }
}

/// Makes the reply of what a backend answered. GUESS: a 101 fails like a backend that is broken, for nobody asked it to
/// switch protocols.
fn make_reply(
    plan: &IntegrationPlan,
    event: &Event,
    answer: BackendResponse,
) -> Result<BackendResponse, Failure> {
    if answer.status < 200 {
        let status = answer.status;
        return Err(Failure::failed(format!(
            "the backend answered {status}, which ends no request"
        )));
    }
    match plan.kind {
        IntegrationKind::HttpProxy => Ok(answer),
        IntegrationKind::Http | IntegrationKind::Mock => respond_by_status(plan, event, answer),
        IntegrationKind::AwsProxy => lambda::proxied(&answer),
        IntegrationKind::Aws => {
            let (answer, message) = lambda::answered(&answer)?;
            respond(plan, event, answer, message.as_deref())
        }
    }
}

/// Calls a function, and gives what the Invoke API would answer.
async fn invoke(
    call: FunctionCall,
    event: &Event,
    runner: &Functions,
) -> Result<BackendResponse, Failure> {
    let function = FunctionName::parse(&call.function)
        .ok_or_else(|| Failure::failed("the integration's URI does not name a function"))?;
    let mode = match call.headers.get("x-amz-invocation-type") {
        Some(kind) if kind == "Event" => Mode::Event,
        _ => Mode::Wait,
    };
    let invocation = Invocation {
        function,
        payload: call.payload,
        mode,
        // GUESS: traced, and not sampled.
        trace_id: Some(format!("{};Sampled=0", ids::trace(event.requested_at))),
    };
    let invoked = runner.invoke(invocation).await;
    let answer = invoked.map_err(|error| Failure::caused_by(&error))?;
    let status = match mode {
        Mode::Wait | Mode::WaitForLog => 200,
        Mode::Event => 202,
    };
    Ok(as_backend(answer, status))
}

/// Returns the response of a function as the Invoke API answers it.
fn as_backend(answer: InvocationResponse, status: u16) -> BackendResponse {
    let mut headers = HeaderMap::new();
    let error = answer.function_error.map(HeaderValue::try_from);
    if let Some(error) = error {
        let unknown = || HeaderValue::from_static("Unhandled");
        headers.insert(lambda::FUNCTION_ERROR, error.unwrap_or_else(|_| unknown()));
    }
    if let Some(Ok(id)) = answer.request_id.map(HeaderValue::try_from) {
        headers.insert(REQUEST_ID[0], id);
    }
    BackendResponse {
        status,
        headers,
        body: answer.payload,
    }
}

/// Removes what belongs to one hop: by its name, or because `Connection` says so.
pub(crate) fn strip_hop_headers(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in nominated {
        headers.remove(name);
    }
    for name in HOP_HEADERS {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// Answers for a mock with the status that its request template names.
fn mock(plan: &IntegrationPlan, event: &Event) -> Result<BackendResponse, Failure> {
    let rendered = payload::of_request(plan, event)?;
    let status = mock_status(rendered.as_str()).ok_or_else(|| {
        Failure::failed("the mock's request template yields no statusCode from 200 to 599")
    })?;
    let answer = BackendResponse {
        status,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    respond_by_status(plan, event, answer)
}

/// Reads the status behind `statusCode`; the name may stand without quotes, as AWS allows. GUESS: what ends no request
/// is none.
fn mock_status(rendered: &str) -> Option<u16> {
    mock_integer(rendered).filter(|status| (200..600).contains(status))
}

fn mock_integer(rendered: &str) -> Option<u16> {
    if let Ok(value) = serde_json::from_str::<Value>(rendered) {
        let status = value.get("statusCode")?.as_u64()?;
        return u16::try_from(status).ok();
    }
    let (_, after) = rendered.split_once("statusCode")?;
    let after = after.trim_start_matches(['"', '\'']).trim_start();
    let digits = after.strip_prefix(':')?.trim_start();
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn request(plan: &IntegrationPlan, event: &Event) -> Result<Request<Full<Bytes>>, Failure> {
    let mappings = mappings(plan)?;
    let uri =
        mapping::uri(plan.uri.as_deref(), mappings, event).map_err(|error| bad_request(&error))?;
    let body = match (plan.kind, &event.kind) {
        (IntegrationKind::HttpProxy, Kind::Message(_)) => Bytes::from(event.body.clone()),
        // GUESS: a lifecycle event has no payload.
        (IntegrationKind::HttpProxy, _) => Bytes::new(),
        _ => Bytes::from(payload::of_request(plan, event)?),
    };
    let body = payload::for_backend(plan.content_handling, body)?;
    let length = body.len();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = plan.method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    own_headers(event, headers);
    mapping::headers(mappings, event, headers);
    // GUESS: what belongs to the hop cannot be mapped; a wrong length would let a message pass for two requests.
    strip_hop_headers(headers);
    if plan.method != Method::GET && plan.method != Method::HEAD {
        // RFC 9110, section 8.6: there are servers that refuse a POST which does not say that it has no content.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(request)
}

/// Makes the call of a function: with the event, or with what a template makes of the message.
fn function_call(plan: &IntegrationPlan, event: &Event) -> Result<FunctionCall, Failure> {
    let mappings = mappings(plan)?;
    let function =
        mapping::function(plan.uri.as_deref(), event).map_err(|error| bad_request(&error))?;
    let payload = if plan.kind == IntegrationKind::AwsProxy {
        lambda::proxy_event(event)
    } else {
        let made = Bytes::from(payload::of_request(plan, event)?);
        payload::for_backend(plan.content_handling, made)?
    };
    let mut headers = HeaderMap::new();
    // GUESS: a proxy integration waits for its function, whatever is mapped.
    if plan.kind == IntegrationKind::Aws {
        mapping::headers(mappings, event, &mut headers);
    }
    Ok(FunctionCall {
        function,
        headers,
        payload,
    })
}

fn mappings(plan: &IntegrationPlan) -> Result<&[Mapping], Failure> {
    match &plan.mappings {
        Ok(mappings) => Ok(mappings),
        Err(error) => Err(bad_request(error)),
    }
}

fn bad_request(error: &BadRequest) -> Failure {
    Failure::failed(error.to_string())
}

/// Adds the headers that a request has without any mapping: at `$connect` those of the handshake.
///
/// SOURCE: reported of AWS: an execution log, for the headers that name the gateway. GUESS: a client's own user agent is
/// kept.
fn own_headers(event: &Event, headers: &mut HeaderMap) {
    if let Kind::Connect(handshake) = &event.kind {
        headers.clone_from(&handshake.headers);
        strip_hop_headers(headers);
        headers.remove(header::HOST);
    } else {
        // GUESS: the documentation does not name the type of a message.
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    forwarding::mark(event, headers);
    let api_id = &event.serving.api_id;
    if let Ok(api_id) = HeaderValue::try_from(api_id) {
        headers.insert("x-amzn-apigateway-api-id", api_id);
    }
    if let Ok(agent) = HeaderValue::try_from(format!("AmazonAPIGateway_{api_id}")) {
        headers.entry(header::USER_AGENT).or_insert(agent);
    }
}

/// Makes the reply of an integration that is no proxy: response, template, headers. The key is what picks the response.
fn respond(
    plan: &IntegrationPlan,
    event: &Event,
    answer: BackendResponse,
    key: Option<&str>,
) -> Result<BackendResponse, Failure> {
    let Some(response) = plan.response(key) else {
        // GUESS: a lifecycle event takes the status as it is; a message fails.
        return match event.kind {
            Kind::Message(_) => Err(Failure::new(
                Trouble::NoResponse,
                format!("no integration response for {}", key.unwrap_or("success")),
            )),
            Kind::Connect(_) | Kind::Disconnect { .. } => Ok(answer),
        };
    };
    Ok(BackendResponse {
        status: answer.status,
        headers: mapping::response_headers(&response.headers, &answer),
        body: payload::of_response(response, event, &answer)?,
    })
}

fn respond_by_status(
    plan: &IntegrationPlan,
    event: &Event,
    answer: BackendResponse,
) -> Result<BackendResponse, Failure> {
    let status = answer.status.to_string();
    respond(plan, event, answer, Some(&status))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::data::fixture;

    #[test]
    fn a_mock_names_its_status() {
        for (rendered, status) in [
            ("{\"statusCode\":200}", Some(200)),
            ("{\"statusCode\": 404, \"x\": {}}", Some(404)),
            ("{statusCode: 200}", Some(200)),
            ("{ 'statusCode' : 500 }", Some(500)),
            ("{\"statusCode\":\"200\"}", None),
            ("{\"statusCode\":99999999}", None),
            ("{\"statusCode\":101}", None),
            ("{statusCode: 600}", None),
            ("{\"statusCode\":2.5}", None),
            ("{}", None),
            ("statusCode", None),
            ("", None),
        ] {
            assert_eq!(mock_status(rendered), status, "{rendered}");
        }
    }

    const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
                       arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.host}/invocations";

    fn lambda_plan(kind: &str, uri: &str) -> IntegrationPlan {
        let mut frozen = fixture::mock("i1", "{\"n\":$input.path('$.n')}");
        frozen.integration.integration_type = kind.to_owned();
        frozen.integration.integration_uri = Some(uri.to_owned());
        let header = "integration.request.header.X-Amz-Invocation-Type".to_owned();
        let mapped = [(header, "'Event'".to_owned())];
        frozen.integration.request_parameters = Some(mapped.into());
        IntegrationPlan::new(&frozen)
    }

    #[test]
    fn a_function_is_called_with_the_event_or_what_a_template_makes() {
        let event = fixture::message_event("{\"n\":7}");
        let made = function_call(&lambda_plan("AWS", URI), &event).unwrap();
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:backend.example";
        assert_eq!(made.function, arn);
        assert_eq!(made.payload, "{\"n\":7}");
        assert_eq!(made.headers["x-amz-invocation-type"], "Event");
        let made = function_call(&lambda_plan("AWS_PROXY", URI), &event).unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&made.payload).unwrap();
        assert_eq!(payload["body"], "{\"n\":7}");
        let other = "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem";
        for uri in [other, "${stageVariables.none}"] {
            assert!(
                function_call(&lambda_plan("AWS", uri), &event).is_err(),
                "{uri}"
            );
        }
    }

    #[test]
    fn a_proxy_passes_the_message_whatever_templates_there_are() {
        let event = fixture::message_event("{\"n\":7}");
        for behaviour in ["NEVER", "WHEN_NO_TEMPLATES", "WHEN_NO_MATCH"] {
            for expression in ["200", "other"] {
                let plan = |kind: &str, uri: &str| {
                    let mut frozen = fixture::mock("i1", "never made: $input.body");
                    frozen.integration.integration_type = kind.to_owned();
                    frozen.integration.integration_uri = Some(uri.to_owned());
                    frozen.integration.passthrough_behavior = behaviour.to_owned();
                    frozen.integration.template_selection_expression = Some(expression.to_owned());
                    frozen.responses = vec![fixture::response("$default", Some("never made"))];
                    IntegrationPlan::new(&frozen)
                };
                let http = plan("HTTP_PROXY", "http://backend.example/");
                let Prepared::Call(BackendCall {
                    work: Work::Http(request),
                    ..
                }) = prepare(&http, &event)
                else {
                    panic!("{behaviour} {expression}");
                };
                assert_eq!(
                    format!("{:?}", request.body()),
                    format!("{:?}", Full::new(Bytes::from("{\"n\":7}")))
                );
                let answer = BackendResponse {
                    status: 500,
                    headers: HeaderMap::new(),
                    body: Bytes::from("as it is"),
                };
                let reply = make_reply(&http, &event, answer).unwrap();
                assert_eq!((reply.status, reply.body), (500, Bytes::from("as it is")));
                let lambda = plan("AWS_PROXY", URI);
                let payload = function_call(&lambda, &event).unwrap().payload;
                assert!(payload.starts_with(b"{\"stageVariables\":"), "{payload:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_rendering_has_a_status_or_none(rendered in ".{0,60}") {
            mock_status(&rendered);
            mock_status(&format!("{{statusCode{rendered}"));
        }
    }
}
