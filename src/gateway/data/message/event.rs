//! Events, which routes answer: a connect, a message or a disconnect, with all that mappings and templates may ask of
//! it.

use std::{
    borrow::Cow,
    fmt::{self, Display, Formatter},
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::spelling;
use crate::gateway::{
    ACCOUNT, clock,
    data::{
        access_log::{self, AccessLogs, Attempt, Trace},
        connection::registry::Connection,
        gateway_response::{Refusal, ResponseType},
        ids,
        integration::{
            failure::Trouble,
            template::{Pairs, Parameters},
        },
    },
    query,
    store::record::Serving,
};

/// A connect, a message or a disconnect.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) connection: Arc<Connection>,
    pub(crate) serving: Arc<Serving>,
    pub(crate) kind: Kind,
    /// The message; empty unless it is one.
    pub(crate) body: Utf8Bytes,
    route_key: Cow<'static, str>,
    pub(crate) requested_at: Timestamp,
    json: OnceLock<Option<Value>>,
    /// The request id, made when somebody asks for it, which most messages never do.
    request_id: OnceLock<String>,
    /// The notes for the access log; there only where the stage has one.
    trace: Option<Box<Trace>>,
}

/// The kind of an event, with the facts that only this kind has.
#[derive(Debug)]
pub(crate) enum Kind {
    Connect(Handshake),
    /// A message with its id, made when somebody asks for it.
    Message(OnceLock<String>),
    Disconnect {
        code: u16,
        reason: String,
    },
}

/// The request that opened the connection.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// The path, raw and undecoded.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    /// The parameters that the route declares, once it is known.
    pub(crate) declared: OnceLock<Arc<[Parameter]>>,
}

/// A parameter of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    Header(String),
    Query(String),
}

impl Parameter {
    /// Reads `route.request.header.NAME` and `route.request.querystring.NAME`, each with one value or with several.
    pub(crate) fn parse(text: &str) -> Option<Parameter> {
        Parameter::of_request(text.strip_prefix("route.request.")?)
    }

    /// Reads the same without what goes before the kind.
    pub(crate) fn of_request(text: &str) -> Option<Parameter> {
        let (kind, name) = text.split_once('.')?;
        match kind.strip_prefix("multivalue").unwrap_or(kind) {
            "header" => Some(Parameter::Header(name.to_owned())),
            "querystring" => Some(Parameter::Query(name.to_owned())),
            _ => None,
        }
    }

    /// True when one of these declares the parameter.
    pub(crate) fn is_among(&self, declared: &[Parameter]) -> bool {
        declared.iter().any(|other| match (self, other) {
            (Parameter::Header(name), Parameter::Header(other)) => name.eq_ignore_ascii_case(other),
            _ => self == other,
        })
    }
}

impl Display for Parameter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Parameter::Header(name) => ("header", name),
            Parameter::Query(name) => ("querystring", name),
        };
        write!(formatter, "route.request.{kind}.{name}")
    }
}

impl Handshake {
    /// True when the route declares a parameter.
    pub(crate) fn declares(&self, parameter: &Parameter) -> bool {
        let declared = self.declared.get();
        declared.is_some_and(|declared| parameter.is_among(declared))
    }

    /// Returns the values of a parameter, in order.
    pub(crate) fn values(&self, parameter: &Parameter) -> Vec<String> {
        match parameter {
            Parameter::Header(name) => self.header(name).collect(),
            Parameter::Query(name) => self.query_values(name).collect(),
        }
    }

    /// Returns the values of a header, in order.
    pub(crate) fn header(&self, name: &str) -> impl Iterator<Item = String> {
        self.headers.get_all(name).iter().map(text_of)
    }

    /// Returns the addresses that the request was forwarded for: those that it names, and its sender.
    pub(crate) fn forwarded_for(&self, sender: IpAddr) -> String {
        let named = self.header("x-forwarded-for").filter(|all| !all.is_empty());
        let all: Vec<_> = named.chain([sender.to_string()]).collect();
        all.join(", ")
    }

    /// Returns the decoded values of a query parameter, in order.
    pub(crate) fn query_values(&self, name: &str) -> impl Iterator<Item = String> {
        self.query_pairs()
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// Returns the decoded names and values of the query string.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (String, String)> {
        query::form_pairs(&self.query)
    }
}

/// Returns names and values of headers, as names are usually spelled.
pub(crate) fn header_pairs(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    headers
        .iter()
        .map(|(name, value)| (spelling::usual(name), text_of(value)))
}

/// Returns a header's value as text. GUESS: what is no UTF-8 is Latin-1, which has a character for every byte.
pub(crate) fn text_of(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

impl Event {
    pub(crate) fn new(
        connection: Arc<Connection>,
        serving: Arc<Serving>,
        kind: Kind,
        body: Utf8Bytes,
    ) -> Event {
        let route_key = match kind {
            Kind::Connect(_) => "$connect",
            Kind::Message(_) => "$default",
            Kind::Disconnect { .. } => "$disconnect",
        };
        Event {
            connection,
            serving,
            kind,
            body,
            route_key: Cow::Borrowed(route_key),
            requested_at: clock::now(),
            json: OnceLock::new(),
            request_id: OnceLock::new(),
            trace: None,
        }
    }

    /// Lets the event leave a line in the access log of its stage when it ends, if the stage has one.
    pub(crate) fn logged(mut self, logs: &Arc<AccessLogs>) -> Event {
        if access_log::format(&self.serving.stage).is_some() {
            self.trace = Some(Box::new(Trace::new(logs)));
        }
        self
    }

    /// True when the event is noted for an access log.
    pub(crate) fn is_logged(&self) -> bool {
        self.trace.is_some()
    }

    /// Notes a variable for the access log.
    pub(crate) fn note(&self, name: &'static str, value: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.note(name, value());
        }
    }

    /// Notes for the access log that the gateway itself refused or failed.
    pub(crate) fn refused(
        &self,
        status: StatusCode,
        response: ResponseType,
        message: Option<&str>,
    ) {
        if let Some(trace) = &self.trace {
            trace.note_refusal(status, response, message);
        }
    }

    /// Notes for the access log how an attempt to learn something about the client went.
    pub(crate) fn attempted(&self, attempt: &Attempt, began: Instant, failed: Option<&Refusal>) {
        if let Some(trace) = &self.trace {
            let failed = failed.map(|it| (it.status, it.message.as_str()));
            trace.note_attempt(attempt, began.elapsed(), failed);
        }
    }

    /// Notes for the access log that the integration did not answer.
    pub(crate) fn failed(&self, trouble: Trouble) {
        self.refused(
            trouble.status(),
            trouble.response(),
            Some(trouble.message()),
        );
    }

    /// Notes which of the handshake's parameters the route declares.
    pub(crate) fn declare(&self, parameters: &Arc<[Parameter]>) {
        if let Kind::Connect(handshake) = &self.kind {
            handshake.declared.get_or_init(|| Arc::clone(parameters));
        }
    }

    /// Notes which route was selected.
    pub(crate) fn routed(&mut self, route_key: &str) {
        if self.route_key != route_key {
            self.route_key = Cow::Owned(route_key.to_owned());
        }
    }

    /// Returns the id of this event.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.get_or_init(ids::fresh)
    }

    /// Returns the message as JSON, if it is; read once.
    pub(crate) fn json(&self) -> Option<&Value> {
        self.json
            .get_or_init(|| serde_json::from_str(self.body.as_str()).ok())
            .as_ref()
    }

    /// Returns a stage variable, as the stage has it now.
    pub(crate) fn stage_variable(&self, name: &str) -> Option<&str> {
        self.serving
            .stage
            .stage_variables
            .get(name)
            .map(String::as_str)
    }

    /// Returns the handshake's parameters, which a template may ask for at `$connect`.
    pub(crate) fn parameters(&self) -> Parameters {
        let Kind::Connect(handshake) = &self.kind else {
            return Parameters::default();
        };
        Parameters {
            // A stage's path has no parameters.
            path: Pairs::new(),
            querystring: handshake.query_pairs().collect(),
            header: header_pairs(&handshake.headers).collect(),
        }
    }

    /// Returns a member of `$context`, as text.
    pub(crate) fn context(&self, name: &str) -> Option<String> {
        let connection = &self.connection;
        let value = match name {
            "connectionId" => connection.id.clone(),
            "connectedAt" => connection.connected_at.as_millisecond().to_string(),
            "domainName" => connection.domain_name.clone(),
            "apiId" => connection.api_id.clone(),
            "stage" => connection.stage.clone(),
            "routeKey" => self.route_key.to_string(),
            "eventType" => self.event_type().to_owned(),
            "messageDirection" => "IN".to_owned(),
            "requestId" | "extendedRequestId" => self.request_id().to_owned(),
            "requestTime" => access_log::time(self.requested_at),
            "requestTimeEpoch" => self.requested_at.as_millisecond().to_string(),
            "identity.sourceIp" => connection.source_ip.to_string(),
            "identity.userAgent" => return connection.user_agent.clone(),
            _ => return self.context_of_kind(name),
        };
        Some(value)
    }

    fn context_of_kind(&self, name: &str) -> Option<String> {
        match (&self.kind, name) {
            (Kind::Message(id), "messageId") => {
                let fresh = || ids::of_message(&self.connection.id);
                Some(id.get_or_init(fresh).clone())
            }
            // GUESS: what Lambda gets in its event is there for mappings too.
            (Kind::Disconnect { code, .. }, "disconnectStatusCode") => Some(code.to_string()),
            (Kind::Disconnect { reason, .. }, "disconnectReason") => Some(reason.clone()),
            (Kind::Connect(_), "authorizer.integrationLatency") => {
                let context = self.connection.caller()?.authorizer()?;
                Some(context.latency.as_millis().to_string())
            }
            _ => self.connection.caller()?.context(name),
        }
    }

    /// Returns the ARN that policies know a route of this stage by.
    pub(crate) fn resource(&self, route_key: &str) -> String {
        let (region, connection) = (&self.serving.region, &self.connection);
        let (api, stage) = (&connection.api_id, &connection.stage);
        format!("arn:aws:execute-api:{region}:{ACCOUNT}:{api}/{stage}/{route_key}")
    }

    fn event_type(&self) -> &'static str {
        match self.kind {
            Kind::Connect(_) => "CONNECT",
            Kind::Message(_) => "MESSAGE",
            Kind::Disconnect { .. } => "DISCONNECT",
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if let Some(trace) = self.trace.take() {
            trace.write(&self.serving, |name| self.context(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_text_whatever_its_bytes() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            (b"caf\xc3\xa9", "caf\u{e9}"),
            (b"caf\xe9", "caf\u{e9}"),
            (b"", ""),
        ] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(text_of(&value), text);
        }
    }

    #[test]
    fn a_parameter_is_declared_with_one_value_or_with_several() {
        let declared = [
            "route.request.header.X-Token",
            "route.request.multivaluequerystring.a",
        ];
        let declared = declared.map(|text| Parameter::parse(text).unwrap());
        for (text, is_declared) in [
            ("multivalueheader.x-token", true),
            ("querystring.a", true),
            ("querystring.A", false),
            ("header.a", false),
            ("querystring.X-Token", false),
        ] {
            let parameter = Parameter::of_request(text).unwrap();
            assert_eq!(parameter.is_among(&declared), is_declared, "{text}");
        }
        for text in ["header.x", "route.request.body.x", "route.request.header"] {
            assert_eq!(Parameter::parse(text), None, "{text}");
        }
        assert_eq!(declared[1].to_string(), "route.request.querystring.a");
    }
}
