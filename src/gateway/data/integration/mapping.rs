//! Parameter mapping: the URI and headers of an integration's request, and the headers of its response.
//!
//! SOURCE: developer guide, "Set up a WebSocket API integration request", "Data mapping".

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::lambda;
use crate::{
    gateway::{
        data::message::{
            event::{Event, Handshake, Kind, Parameter},
            jsonpath::{Found, JsonPath},
            selection,
        },
        outbound::BackendResponse,
    },
    model::limit,
};

/// The characters to encode in a path segment or a query value: all but those that may stand there as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// One entry of an integration's `requestParameters`.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    part: RequestPart,
    source: RequestSource,
}

#[derive(Debug, Clone)]
enum RequestPart {
    Header(HeaderName),
    Query(String),
    Path(String),
}

#[derive(Debug, Clone)]
enum RequestSource {
    /// The first value of a parameter.
    First(Parameter),
    /// All values of a parameter.
    All(Parameter),
    Body(JsonPath),
    StageVariable(String),
    Context(String),
    Literal(String),
}

/// The reason why a request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRequest {
    #[error("the mapping `{0}` = `{1}` cannot be understood")]
    Mapping(String, String),
    #[error("the integration has no URI")]
    NoUri,
    #[error("the URI needs the stage variable `{0}`, which the stage does not have")]
    StageVariable(String),
    #[error("`{0}` is not a URI")]
    Uri(String),
    #[error("`{0}` names no Lambda function, and no other service is emulated")]
    Service(String),
}

impl Mapping {
    pub(crate) fn parse(key: &str, value: &str) -> Result<Mapping, BadRequest> {
        let bad = || BadRequest::Mapping(key.to_owned(), value.to_owned());
        let part = RequestPart::parse(key).ok_or_else(bad)?;
        let source = RequestSource::parse(value).ok_or_else(bad)?;
        Ok(Mapping { part, source })
    }
}

/// True when a key of `requestParameters` names a part of an integration's request.
pub(crate) fn is_request_target(key: &str) -> bool {
    RequestPart::parse(key).is_some()
}

/// True when a value of `requestParameters` is a source that a part of an integration's request can have.
pub(crate) fn is_request_source(value: &str) -> bool {
    RequestSource::parse(value).is_some()
}

/// True when a key of `responseParameters` names a header.
pub(crate) fn is_response_target(key: &str) -> bool {
    response_header(key).is_some()
}

/// True when a value of `responseParameters` is a source that a header can have.
pub(crate) fn is_response_source(value: &str) -> bool {
    ResponseSource::parse(value).is_some()
}

/// SOURCE: the guide: names of parameters match `^[a-zA-Z0-9._$-]+$`.
pub(crate) fn is_parameter(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._$-".contains(&byte))
}

/// Returns the name of a parameter, if it is one.
fn parameter(name: &str) -> Option<String> {
    is_parameter(name).then(|| name.to_owned())
}

/// Reads the text after `body`: nothing, or the path into the body.
fn body_path(path: &str) -> Option<JsonPath> {
    let is_path = path.is_empty() || path.starts_with(['.', '[']);
    is_path.then(|| JsonPath::parse(path).ok())?
}

impl RequestPart {
    fn parse(key: &str) -> Option<RequestPart> {
        let target = key.strip_prefix("integration.request.")?;
        let (kind, name) = target.split_once('.')?;
        let name = parameter(name)?;
        match kind {
            "header" => name.parse().ok().map(RequestPart::Header),
            "querystring" => Some(RequestPart::Query(name)),
            "path" => Some(RequestPart::Path(name)),
            _ => None,
        }
    }
}

impl Mapping {
    /// Returns the declaration that the route lacks for it, if it reads a part of the handshake that is not declared.
    pub(crate) fn undeclared(&self, declared: &[Parameter]) -> Option<&Parameter> {
        match &self.source {
            RequestSource::First(parameter) | RequestSource::All(parameter) => {
                (!parameter.is_among(declared)).then_some(parameter)
            }
            _ => None,
        }
    }
}

impl RequestSource {
    fn parse(value: &str) -> Option<RequestSource> {
        if let Some(quoted) = value.strip_prefix('\'') {
            return Some(RequestSource::Literal(
                quoted.strip_suffix('\'')?.to_owned(),
            ));
        }
        if let Some(name) = value.strip_prefix("stageVariables.") {
            return parameter(name).map(RequestSource::StageVariable);
        }
        if let Some(name) = value.strip_prefix("context.") {
            return parameter(name).map(RequestSource::Context);
        }
        // The API reference says `method.request`, the developer guide `route.request`.
        let of_request = value
            .strip_prefix("route.request.")
            .or_else(|| value.strip_prefix("method.request."))?;
        if let Some(path) = of_request.strip_prefix("body") {
            return body_path(path).map(RequestSource::Body);
        }
        let (_, name) = of_request.split_once('.')?;
        if !is_parameter(name) {
            return None;
        }
        let parameter = Parameter::of_request(of_request)?;
        Some(if of_request.starts_with("multivalue") {
            RequestSource::All(parameter)
        } else {
            RequestSource::First(parameter)
        })
    }

    /// Returns the value, unless the event does not have it.
    fn value(&self, event: &Event) -> Option<String> {
        match self {
            RequestSource::Literal(text) => Some(text.clone()),
            RequestSource::StageVariable(name) => event.stage_variable(name).map(str::to_owned),
            RequestSource::Context(name) => event.context(name),
            RequestSource::Body(path) => path
                .find(event.json()?)
                .filter(|found| *found != Found::One(&Value::Null))
                .and_then(|found| selection::text_of(&found, limit::MESSAGE_BYTES)),
            RequestSource::First(parameter) => {
                let handshake = declared(event, parameter)?;
                handshake.values(parameter).into_iter().next()
            }
            RequestSource::All(parameter) => {
                let handshake = declared(event, parameter)?;
                join(handshake.values(parameter).into_iter())
            }
        }
    }
}

/// Returns the handshake, if it is one and its route declares the parameter.
///
/// SOURCE: developer guide, "Set up data mapping for WebSocket APIs": from any defined route request parameters. GUESS:
/// what is not defined is as if the client had not sent it.
fn declared<'e>(event: &'e Event, parameter: &Parameter) -> Option<&'e Handshake> {
    let handshake = handshake(event)?;
    handshake.declares(parameter).then_some(handshake)
}

fn handshake(event: &Event) -> Option<&Handshake> {
    match &event.kind {
        Kind::Connect(handshake) => Some(handshake),
        Kind::Message(_) | Kind::Disconnect { .. } => None,
    }
}

fn join(values: impl Iterator<Item = String>) -> Option<String> {
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// One entry of an integration response's `responseParameters`: a header, and the source of its value.
#[derive(Debug, Clone)]
pub(crate) struct ResponseMapping {
    header: HeaderName,
    source: ResponseSource,
}

#[derive(Debug, Clone)]
enum ResponseSource {
    Header(HeaderName),
    Headers(HeaderName),
    Body(JsonPath),
    Literal(String),
}

impl ResponseMapping {
    pub(crate) fn parse(target: &str, source: &str) -> Option<ResponseMapping> {
        Some(ResponseMapping {
            header: response_header(target)?,
            source: ResponseSource::parse(source)?,
        })
    }
}

/// Returns the header that a key of `responseParameters` names.
fn response_header(target: &str) -> Option<HeaderName> {
    let name = target
        .strip_prefix("method.response.header.")
        .or_else(|| target.strip_prefix("route.response.header."))?;
    parameter(name)?.parse().ok()
}

impl ResponseSource {
    fn parse(source: &str) -> Option<ResponseSource> {
        if let Some(quoted) = source.strip_prefix('\'') {
            return Some(ResponseSource::Literal(
                quoted.strip_suffix('\'')?.to_owned(),
            ));
        }
        let of_answer = source.strip_prefix("integration.response.")?;
        if let Some(name) = of_answer.strip_prefix("header.") {
            return parameter(name)?.parse().ok().map(ResponseSource::Header);
        }
        if let Some(name) = of_answer.strip_prefix("multivalueheader.") {
            return parameter(name)?.parse().ok().map(ResponseSource::Headers);
        }
        body_path(of_answer.strip_prefix("body")?).map(ResponseSource::Body)
    }

    fn value(&self, answer: &BackendResponse) -> Option<String> {
        let values = |name: &HeaderName| -> Vec<String> {
            let values = answer.headers.get_all(name).iter();
            values
                .filter_map(|value| value.to_str().ok().map(str::to_owned))
                .collect()
        };
        match self {
            ResponseSource::Literal(text) => Some(text.clone()),
            ResponseSource::Header(name) => values(name).into_iter().next(),
            ResponseSource::Headers(name) => join(values(name).into_iter()),
            ResponseSource::Body(path) => {
                let body: Value = serde_json::from_slice(&answer.body).ok()?;
                selection::text_of(&path.find(&body)?, limit::MESSAGE_BYTES)
            }
        }
    }
}

/// Returns the headers that an integration response sets; the answer's own headers are not passed on.
pub(crate) fn response_headers(
    mappings: &[ResponseMapping],
    answer: &BackendResponse,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for mapping in mappings {
        let value = mapping.source.value(answer);
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(&mapping.header, value);
        }
    }
    headers
}

/// Returns the function that an integration's URI names, with stage variables put in.
pub(crate) fn function(template: Option<&str>, event: &Event) -> Result<String, BadRequest> {
    let uri = with_stage_variables(template.ok_or(BadRequest::NoUri)?, event)?;
    match lambda::function_of(&uri) {
        Some(function) => Ok(function.to_owned()),
        None => Err(BadRequest::Service(uri)),
    }
}

/// Returns the URI of the request, with stage variables, path parameters and query strings put in.
pub(crate) fn uri(
    template: Option<&str>,
    mappings: &[Mapping],
    event: &Event,
) -> Result<Uri, BadRequest> {
    let mut uri = with_stage_variables(template.ok_or(BadRequest::NoUri)?, event)?;
    let mut query = Vec::new();
    if let Kind::Connect(handshake) = &event.kind
        && !handshake.query.is_empty()
    {
        // GUESS: an HTTP integration of `$connect` gets the query string as well as the headers.
        query.push(handshake.query.clone());
    }
    for mapping in mappings {
        let encode = |value: String| utf8_percent_encode(&value, ENCODED).to_string();
        match &mapping.part {
            RequestPart::Header(_) => {}
            RequestPart::Path(name) => {
                let value = mapping.source.value(event).map(encode).unwrap_or_default();
                uri = uri.replace(&format!("{{{name}}}"), &value);
            }
            RequestPart::Query(name) => query.extend(
                mapping
                    .source
                    .value(event)
                    .map(|value| format!("{}={}", encode(name.clone()), encode(value))),
            ),
        }
    }
    if !query.is_empty() {
        uri.push(if uri.contains('?') { '&' } else { '?' });
        uri.push_str(&query.join("&"));
    }
    uri.parse().map_err(|_| BadRequest::Uri(uri))
}

fn with_stage_variables(template: &str, event: &Event) -> Result<String, BadRequest> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${stageVariables.") {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| BadRequest::Uri(template.to_owned()))?;
        let value = event
            .stage_variable(name)
            .ok_or_else(|| BadRequest::StageVariable(name.to_owned()))?;
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// Sets the mapped headers. A value that the event does not have, or that no header can hold, is left out.
pub(crate) fn headers(mappings: &[Mapping], event: &Event, headers: &mut HeaderMap) {
    for mapping in mappings {
        if let RequestPart::Header(name) = &mapping.part
            && let Some(value) = mapping.source.value(event)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::data::fixture;

    #[track_caller]
    fn check_value(source: &str, expected: Option<&str>) {
        let event = fixture::connect_event(
            "a=1&b=x%20y&a=2&d=1&A=1",
            &[("x-token", "t1"), ("x-token", "t2"), ("x-other", "o")],
        );
        let value = RequestSource::parse(source).unwrap().value(&event);
        assert_eq!(value.as_deref(), expected, "{source}");
    }

    #[test]
    fn the_handshake_is_readable_at_connect() {
        check_value("route.request.querystring.b", Some("x y"));
        check_value("route.request.querystring.a", Some("1"));
        check_value("route.request.multivaluequerystring.a", Some("1,2"));
        check_value("route.request.querystring.c", None);
        check_value("route.request.header.X-Token", Some("t1"));
        check_value("method.request.multivalueheader.x-token", Some("t1,t2"));
        // It is there, and the route does not declare it.
        check_value("route.request.header.x-other", None);
        check_value("route.request.multivalueheader.x-other", None);
        check_value("route.request.querystring.d", None);
        check_value("route.request.multivaluequerystring.A", None);
        check_value("'fixed'", Some("fixed"));
        check_value("stageVariables.host", Some("backend.example"));
        check_value("stageVariables.none", None);
        check_value("context.stage", Some("prod"));
        check_value("context.eventType", Some("CONNECT"));
        check_value("context.messageId", None);
    }

    #[test]
    fn a_mapping_knows_which_declaration_the_route_lacks() {
        let declared = ["header.X-Token", "multivaluequerystring.a"];
        let declared = declared.map(|text| Parameter::of_request(text).unwrap());
        for (source, lacks) in [
            ("route.request.header.x-token", None),
            ("route.request.multivalueheader.x-token", None),
            ("route.request.querystring.a", None),
            (
                "method.request.querystring.A",
                Some("route.request.querystring.A"),
            ),
            (
                "route.request.multivalueheader.b",
                Some("route.request.header.b"),
            ),
            ("route.request.body.b", None),
            ("context.stage", None),
        ] {
            let mapping = Mapping::parse("integration.request.header.x", source).unwrap();
            let missed = mapping.undeclared(&declared).map(Parameter::to_string);
            assert_eq!(missed.as_deref(), lacks, "{source}");
        }
    }

    #[test]
    fn a_message_has_its_body_and_no_handshake() {
        let event = fixture::message_event(r#"{"room":"r1","none":null}"#);
        let value = |source| RequestSource::parse(source).unwrap().value(&event);
        assert_eq!(value("route.request.body.room").as_deref(), Some("r1"));
        assert_eq!(value("route.request.body.none"), None);
        assert_eq!(value("route.request.header.x"), None);
    }

    #[track_caller]
    fn check_uri(template: &str, mappings: &[(&str, &str)], expected: &str) {
        let event = fixture::message_event(r#"{"room":"a b/c"}"#);
        let mappings: Vec<_> = mappings
            .iter()
            .map(|(key, value)| Mapping::parse(key, value).unwrap())
            .collect();
        let made = match uri(Some(template), &mappings, &event) {
            Ok(uri) => uri.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(made, expected);
    }

    #[test]
    fn uris_take_stage_variables_and_parameters() {
        check_uri(
            "http://${stageVariables.host}/x",
            &[],
            "http://backend.example/x",
        );
        check_uri(
            "http://a.${stageVariables.host}:81/${stageVariables.host}/b?c=${stageVariables.host}",
            &[],
            "http://a.backend.example:81/backend.example/b?c=backend.example",
        );
        check_uri("${stageVariables.host}", &[], "backend.example");
        // Only what is written out in full is one.
        check_uri(
            "http://h/stageVariables.host",
            &[],
            "http://h/stageVariables.host",
        );
        check_uri(
            "http://h/${stageVariables.host",
            &[],
            "`http://h/${stageVariables.host` is not a URI",
        );
        check_uri(
            "http://h/{room}?k=v",
            &[
                ("integration.request.path.room", "route.request.body.room"),
                (
                    "integration.request.querystring.r",
                    "route.request.body.room",
                ),
                (
                    "integration.request.querystring.none",
                    "route.request.body.none",
                ),
            ],
            "http://h/a%20b%2Fc?k=v&r=a%20b%2Fc",
        );
        check_uri(
            "http://${stageVariables.gone}/",
            &[],
            "the URI needs the stage variable `gone`, which the stage does not have",
        );
        check_uri("http://a b", &[], "`http://a b` is not a URI");
    }

    proptest! {
        #[test]
        fn no_mapping_of_any_event_panics(
            part in "(integration.request.(header|querystring|path)\\.)?[a-z{}.]{0,4}|.{0,20}",
            source in "((route|method).request.(header|querystring|multivalueheader|body|multivaluequerystring)|context|stageVariables)\
                       (\\.[a-z.$*\\[\\]']{0,4})?|'?.{0,8}'?",
            template in "http://[a-z]{0,3}(\\$\\{stageVariables.(host|x)\\})?/(\\{[a-z]{0,2}\\})?.{0,6}|.{0,20}",
            body in ".{0,10}|\\{\"[a-z]\":(\\[1\\]|\"é\")\\}",
        ) {
            let Ok(mapping) = Mapping::parse(&part, &source) else {
                return Ok(());
            };
            for event in [fixture::message_event(&body), fixture::connect_event(&body, &[("x", "é")])] {
                let mappings = std::slice::from_ref(&mapping);
                let _made = uri(Some(&template), mappings, &event);
                let _named = function(Some(&template), &event);
                headers(mappings, &event, &mut HeaderMap::new());
            }
        }

        #[test]
        fn no_response_mapping_of_any_answer_panics(
            target in "(method|route).response.header.[a-zA-Z-]{1,4}|.{0,20}",
            source in "integration.response.((multivalue)?header.[a-z]|body(\\.[a-z*]|\\[0\\])?)|'?.{0,8}'?",
            body in proptest::collection::vec(any::<u8>(), 0..10),
        ) {
            if let Some(mapping) = ResponseMapping::parse(&target, &source) {
                let answer = BackendResponse { status: 200, headers: HeaderMap::new(), body: body.into() };
                prop_assert!(response_headers(&[mapping], &answer).len() <= 1);
            }
        }
    }

    #[test]
    fn mappings_that_mean_nothing_are_refused() {
        for (key, value) in [
            ("integration.request.header.x", "route.request.cookie.x"),
            ("integration.request.header.x", "'open"),
            ("integration.request.header.b d", "'x'"),
            ("integration.response.header.x", "'x'"),
            ("integration.request.body.x", "'x'"),
        ] {
            assert!(Mapping::parse(key, value).is_err(), "{key} {value}");
        }
    }
}
