//! Runs an integration: makes its request, calls it, and makes its answer into a reply.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use super::{
    event::{Event, Kind},
    jsonpath::JsonPath,
    mapping,
    outbound::{Answer, CallError, Excess, Outbound},
    plan::{Choice, IntegrationKind, IntegrationPlan, Passthrough, ResponsePlan},
    selection::{self, Facts},
    template::{self, Template},
};
use crate::model::limit;

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

/// Why an integration did not answer. The reason is for the log; the client learns only the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    TimedOut,
    Failed,
    /// It answered, but no integration response fits; that matters only where somebody waits for the answer.
    NoResponse,
    UnsupportedMediaType,
}

impl Trouble {
    /// What the client is told. SOURCE: captured frames. GUESS: the last.
    pub(super) fn message(self) -> &'static str {
        match self {
            Trouble::TimedOut => "Endpoint request timed out",
            Trouble::Failed | Trouble::NoResponse => "Internal server error",
            Trouble::UnsupportedMediaType => "Unsupported Media Type",
        }
    }
}

/// An integration whose request is made.
#[derive(Debug)]
pub(super) enum Prepared {
    /// It needs no call.
    Answered(Result<Answer, Failure>),
    Call(Call),
}

/// A request to a backend.
#[derive(Debug)]
pub(super) struct Call {
    request: Request<Full<Bytes>>,
    timeout: Duration,
    reader: Reader,
}

/// Who reads the body of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Client,
    /// The client, if it is refused.
    Handshake,
    Nobody,
}

impl Call {
    /// The same call, of whose answer nobody reads the body.
    pub(super) fn for_nobody(self) -> Call {
        Call {
            reader: Reader::Nobody,
            ..self
        }
    }
}

impl Reader {
    fn of(event: &Event) -> Reader {
        match event.kind {
            Kind::Connect(_) => Reader::Handshake,
            Kind::Message(_) => Reader::Client,
            Kind::Disconnect { .. } => Reader::Nobody,
        }
    }

    /// GUESS: a body that is longer than a message matters only to who reads it.
    fn excess(self, status: StatusCode) -> Excess {
        match self {
            Reader::Nobody => Excess::Dropped,
            Reader::Handshake if status.is_success() => Excess::Dropped,
            Reader::Handshake | Reader::Client => Excess::Refused,
        }
    }
}

/// Makes the integration's request, and its reply too where nothing is called.
pub(super) fn prepare(plan: &IntegrationPlan, event: &Event) -> Prepared {
    match plan.kind {
        IntegrationKind::Mock => Prepared::Answered(mock(plan, event)),
        IntegrationKind::Lambda => {
            Prepared::Answered(Err(failed("Lambda integrations are not emulated yet")))
        }
        IntegrationKind::Http | IntegrationKind::HttpProxy => match request(plan, event) {
            Ok(request) => Prepared::Call(Call {
                request,
                timeout: plan.timeout,
                reader: Reader::of(event),
            }),
            Err(failure) => Prepared::Answered(Err(failure)),
        },
    }
}

/// Makes the request, calls the backend if there is one, and makes the reply.
pub(super) async fn run(
    plan: &IntegrationPlan,
    event: &Event,
    outbound: &Outbound,
) -> Result<Answer, Failure> {
    match prepare(plan, event) {
        Prepared::Answered(outcome) => outcome,
        Prepared::Call(call) => complete(call, plan, event, outbound).await,
    }
}

/// Calls the backend and makes the reply.
pub(super) async fn complete(
    call: Call,
    plan: &IntegrationPlan,
    event: &Event,
    outbound: &Outbound,
) -> Result<Answer, Failure> {
    let excess = |status| call.reader.excess(status);
    let called = outbound.call_and_read(call.request, limit::MESSAGE_BYTES, excess);
    let reply = match tokio::time::timeout(call.timeout, called).await {
        Err(_) => return Err(timed_out(call.timeout)),
        Ok(Err(error)) => return Err(unreachable_backend(&error)),
        Ok(Ok(reply)) => reply,
    };
    if plan.kind == IntegrationKind::HttpProxy {
        return Ok(reply);
    }
    respond(plan, event, reply)
}

/// Removes what belongs to one hop: by its name, or because `Connection` says so.
pub(super) fn strip_hop_headers(headers: &mut HeaderMap) {
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

fn failed(reason: impl Into<String>) -> Failure {
    Failure {
        trouble: Trouble::Failed,
        reason: reason.into(),
    }
}

fn timed_out(timeout: Duration) -> Failure {
    Failure {
        trouble: Trouble::TimedOut,
        reason: format!("no answer within {} ms", timeout.as_millis()),
    }
}

fn unreachable_backend(error: &CallError) -> Failure {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason.push_str(": ");
        reason.push_str(&cause.to_string());
        source = cause.source();
    }
    failed(reason)
}

/// A mock answers with the status that its request template names.
fn mock(plan: &IntegrationPlan, event: &Event) -> Result<Answer, Failure> {
    let rendered = payload(plan, event)?;
    let status = mock_status(rendered.as_str())
        .ok_or_else(|| failed("the mock's request template yields no integer statusCode"))?;
    respond(
        plan,
        event,
        Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        },
    )
}

/// The integer behind `statusCode`; the name may stand without quotes, as AWS allows.
fn mock_status(rendered: &str) -> Option<u16> {
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

/// The body of the request: the rendered template, or the message as it is.
fn payload(plan: &IntegrationPlan, event: &Event) -> Result<String, Failure> {
    let facts = facts_of(plan.templates.reads_body(), event);
    let passes = match plan.templates.choose(facts) {
        Choice::Template(template) => {
            let template = template
                .as_ref()
                .map_err(|error| failed(error.to_string()))?;
            let scope = OfMessage { event };
            return render(template, &scope);
        }
        Choice::NoMatch => plan.passthrough == Passthrough::WhenNoMatch,
        Choice::NoTemplates => plan.passthrough != Passthrough::Never,
    };
    if passes {
        return Ok(event.body.as_str().to_owned());
    }
    Err(Failure {
        trouble: Trouble::UnsupportedMediaType,
        reason: "no request template fits and the passthrough behaviour refuses the message".into(),
    })
}

fn facts_of(reads_body: bool, event: &Event) -> Facts<'_> {
    Facts {
        body: if reads_body { event.json() } else { None },
        response: None,
    }
}

fn render(template: &Template, scope: &dyn template::Scope) -> Result<String, Failure> {
    template
        .render(scope)
        .map_err(|error| failed(error.to_string()))
}

fn request(plan: &IntegrationPlan, event: &Event) -> Result<Request<Full<Bytes>>, Failure> {
    let mappings = plan
        .mappings
        .as_ref()
        .map_err(|error| failed(error.to_string()))?;
    let uri = mapping::uri(plan.uri.as_deref(), mappings, event)
        .map_err(|error| failed(error.to_string()))?;
    let body = match (plan.kind, &event.kind) {
        (IntegrationKind::HttpProxy, Kind::Message(_)) => Bytes::from(event.body.clone()),
        // GUESS: a lifecycle event has no payload.
        (IntegrationKind::HttpProxy, _) => Bytes::new(),
        _ => Bytes::from(payload(plan, event)?),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = plan.method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    own_headers(event, headers);
    mapping::headers(mappings, event, headers);
    Ok(request)
}

/// The headers that a request has without any mapping: at `$connect` those of the handshake.
fn own_headers(event: &Event, headers: &mut HeaderMap) {
    if let Kind::Connect(handshake) = &event.kind {
        headers.clone_from(&handshake.headers);
        strip_hop_headers(headers);
        headers.remove(header::HOST);
        if let Ok(source_ip) = HeaderValue::try_from(event.connection.source_ip.to_string()) {
            headers.insert("x-forwarded-for", source_ip);
        }
    } else {
        // GUESS: the documentation does not name the type of a message.
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    // GUESS: the name that REST APIs go by.
    if !headers.contains_key(header::USER_AGENT)
        && let Ok(name) =
            HeaderValue::try_from(format!("AmazonAPIGateway_{}", event.serving.api_id))
    {
        headers.insert(header::USER_AGENT, name);
    }
}

/// Makes the reply of an integration that is no proxy: response, template, headers.
fn respond(plan: &IntegrationPlan, event: &Event, answer: Answer) -> Result<Answer, Failure> {
    let Some(response) = plan.response(answer.status) else {
        // GUESS: a lifecycle event takes the status as it is; a message fails.
        return match event.kind {
            Kind::Message(_) => Err(Failure {
                trouble: Trouble::NoResponse,
                reason: format!("no integration response for status {}", answer.status),
            }),
            Kind::Connect(_) | Kind::Disconnect { .. } => Ok(answer),
        };
    };
    let mut facts = facts_of(response.templates.reads_body(), event);
    facts.response = Some((answer.status, &answer.headers));
    let body = match response.templates.choose(facts) {
        Choice::NoTemplates | Choice::NoMatch => answer.body.clone(),
        Choice::Template(template) => {
            let template = template
                .as_ref()
                .map_err(|error| failed(error.to_string()))?;
            let scope = OfAnswer::new(event, &answer.body);
            Bytes::from(render(template, &scope)?)
        }
    };
    Ok(Answer {
        status: answer.status,
        headers: response_headers(response, &answer),
        body,
    })
}

/// What `responseParameters` sets; the answer's own headers are not passed on.
fn response_headers(response: &ResponsePlan, answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (target, source) in &response.headers {
        let name = target
            .strip_prefix("method.response.header.")
            .or_else(|| target.strip_prefix("route.response.header."))
            .and_then(|name| name.parse::<HeaderName>().ok());
        let value =
            response_value(source, answer).and_then(|value| HeaderValue::try_from(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn response_value(source: &str, answer: &Answer) -> Option<String> {
    if let Some(quoted) = source.strip_prefix('\'') {
        return quoted.strip_suffix('\'').map(str::to_owned);
    }
    let of_answer = source.strip_prefix("integration.response.")?;
    if let Some(name) = of_answer.strip_prefix("header.") {
        return answer.headers.get(name)?.to_str().ok().map(str::to_owned);
    }
    let path = JsonPath::parse(of_answer.strip_prefix("body")?).ok()?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    selection::text_of(&path.find(&body)?, limit::MESSAGE_BYTES)
}

/// What a request template speaks of.
struct OfMessage<'a> {
    event: &'a Event,
}

impl template::Scope for OfMessage<'_> {
    fn input(&self) -> &str {
        self.event.body.as_str()
    }
    fn input_json(&self) -> Option<&Value> {
        self.event.json()
    }
    fn context(&self, name: &str) -> Option<String> {
        self.event.context(name)
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.event.serving.stage.stage_variables
    }
    fn parameters(&self) -> template::Parameters {
        self.event.parameters()
    }
}

/// What a response template speaks of: there `$input` is the integration's answer.
struct OfAnswer<'a> {
    event: &'a Event,
    body: Cow<'a, str>,
    json: OnceLock<Option<Value>>,
}

impl<'a> OfAnswer<'a> {
    fn new(event: &'a Event, body: &'a [u8]) -> OfAnswer<'a> {
        OfAnswer {
            event,
            body: String::from_utf8_lossy(body),
            json: OnceLock::new(),
        }
    }
}

impl template::Scope for OfAnswer<'_> {
    fn input(&self) -> &str {
        &self.body
    }
    fn input_json(&self) -> Option<&Value> {
        self.json
            .get_or_init(|| serde_json::from_str(&self.body).ok())
            .as_ref()
    }
    fn context(&self, name: &str) -> Option<String> {
        self.event.context(name)
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.event.serving.stage.stage_variables
    }
    fn parameters(&self) -> template::Parameters {
        self.event.parameters()
    }
}
