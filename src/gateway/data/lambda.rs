//! Lambda functions as integrations: the event that one is called with, and what its answer means. Who calls it is for
//! others to say; nothing here waits or reads a clock.
//!
//! SOURCE: developer guide, "Set up a WebSocket API integration request", and captured events; format 1.0, members in the
//! order in which AWS writes them.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    caller::Caller,
    event::{Event, Handshake, Kind},
    failure::{Failure, Trouble},
    ids,
};
use crate::gateway::outbound::Answer;

/// What the Invoke API says with a header when a function threw.
pub(super) const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Headers of the handshake that no function sees.
const HIDDEN: [HeaderName; 3] = [header::CONNECTION, header::UPGRADE, header::CONTENT_LENGTH];

/// A function to call, with what.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Invocation {
    /// Its ARN or name, as the integration's URI has it.
    pub(super) function: String,
    /// What the integration maps to headers, such as `X-Amz-Invocation-Type`.
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// The function in the URI of an integration:
/// `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations`.
pub(super) fn function_of(uri: &str) -> Option<&str> {
    let (service, path) = uri.split_once(":lambda:path/")?;
    let (_, function) = path.split_once("/functions/")?;
    let function = function.strip_suffix("/invocations")?;
    (service.starts_with("arn:") && !function.is_empty()).then_some(function)
}

/// The event for a proxy integration.
pub(super) fn proxy_event(event: &Event) -> Bytes {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match &event.kind {
        Kind::Connect(handshake) => {
            let (single, multi) = by_name(connect_headers(event, handshake));
            set("headers", single);
            set("multiValueHeaders", multi);
            if !handshake.query.is_empty() {
                let (single, multi) = by_name(handshake.query_pairs());
                set("queryStringParameters", single);
                set("multiValueQueryStringParameters", multi);
            }
        }
        Kind::Message(_) => {}
        Kind::Disconnect { .. } => {
            let (single, multi) = by_name(disconnect_headers(event));
            set("headers", single);
            set("multiValueHeaders", multi);
        }
    }
    let variables = &event.serving.stage.stage_variables;
    // GUESS: absent, not null, where the stage has none.
    if !variables.is_empty() {
        set("stageVariables", json!(variables));
    }
    set("requestContext", request_context(event));
    if matches!(event.kind, Kind::Message(_)) {
        set("body", json!(event.body.as_str()));
    }
    set("isBase64Encoded", json!(false));
    Bytes::from(Value::Object(members).to_string())
}

/// The event for an authorizer. GUESS: without a query string the parameters are there and empty.
///
/// SOURCE: the guide's sample: what belongs to the hop is there, as the hop has it, and so are the stage variables.
pub(super) fn authorizer_event(event: &Event, handshake: &Handshake, method_arn: &str) -> Bytes {
    let of_hop = [
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("content-length", "0"),
    ];
    let mut headers = connect_headers(event, handshake);
    headers.extend(of_hop.map(|(name, value)| (name.to_owned(), value.to_owned())));
    headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    let (single_headers, multi_headers) = by_name(headers);
    let (single_query, multi_query) = by_name(handshake.query_pairs());
    let made = json!({
        "type": "REQUEST",
        "methodArn": method_arn,
        "headers": single_headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": single_query,
        "multiValueQueryStringParameters": multi_query,
        "stageVariables": event.serving.stage.stage_variables,
        "requestContext": request_context(event),
    });
    Bytes::from(made.to_string())
}

fn request_context(event: &Event) -> Value {
    let mut members = Map::new();
    let text = |name: &str| json!(event.context(name).unwrap_or_default());
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("routeKey", text("routeKey"));
    let caller = event.connection.caller();
    if let Some(authorizer) = caller.and_then(Caller::authorizer) {
        set("authorizer", json!(authorizer));
    }
    if matches!(event.kind, Kind::Message(_)) {
        set("messageId", text("messageId"));
    }
    if let Kind::Disconnect { code, .. } = &event.kind {
        set("disconnectStatusCode", json!(code));
    }
    for name in [
        "eventType",
        "extendedRequestId",
        "requestTime",
        "messageDirection",
    ] {
        set(name, text(name));
    }
    if let Kind::Disconnect { reason, .. } = &event.kind {
        set("disconnectReason", json!(reason));
    }
    set("stage", text("stage"));
    let connected_at = event.connection.connected_at.as_millisecond();
    set("connectedAt", json!(connected_at));
    let requested_at = event.requested_at.as_millisecond();
    set("requestTimeEpoch", json!(requested_at));
    set("identity", identity(event));
    for name in ["requestId", "domainName", "connectionId", "apiId"] {
        set(name, text(name));
    }
    Value::Object(members)
}

/// What is known of the client; what is not known is absent.
fn identity(event: &Event) -> Value {
    let names = [
        "userAgent",
        "sourceIp",
        "accountId",
        "caller",
        "user",
        "userArn",
        "apiKey",
    ];
    let known = names.iter().filter_map(|name| {
        let value = event.context(&format!("identity.{name}"))?;
        Some(((*name).to_owned(), json!(value)))
    });
    Value::Object(known.collect())
}

fn connect_headers(event: &Event, handshake: &Handshake) -> Vec<(String, String)> {
    let added = [
        ("X-Amzn-Trace-Id", ids::trace(event.requested_at)),
        ("X-Forwarded-For", event.connection.source_ip.to_string()),
        ("X-Forwarded-Port", "443".to_owned()),
        ("X-Forwarded-Proto", "https".to_owned()),
    ];
    let is_hidden = |name: &str| {
        let hidden = HIDDEN
            .iter()
            .any(|hidden| name.eq_ignore_ascii_case(hidden.as_str()));
        hidden
            || added
                .iter()
                .any(|(added, _)| name.eq_ignore_ascii_case(added))
    };
    let mut headers: Vec<_> = handshake
        .header_pairs()
        .filter(|(name, _)| !is_hidden(name))
        .collect();
    headers.extend(added.map(|(name, value)| (name.to_owned(), value)));
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers
}

/// SOURCE: captured events: four names, of which only the host has a value.
fn disconnect_headers(event: &Event) -> Vec<(String, String)> {
    let domain_name = &event.connection.domain_name;
    let host = domain_name.split('/').next().unwrap_or_default();
    [
        ("Host", host),
        ("x-api-key", ""),
        ("X-Forwarded-For", ""),
        ("x-restapi", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Pairs as an object of their last values, and as one of all their values.
fn by_name(pairs: impl IntoIterator<Item = (String, String)>) -> (Value, Value) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for (name, value) in pairs {
        let values = multi.entry(name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
        single.insert(name, json!(value));
    }
    (Value::Object(single), Value::Object(multi))
}

/// What the answer of the Invoke API means for a proxy integration: the function's own status, headers and body.
pub(super) fn proxied(invoked: &Answer) -> Result<Answer, Failure> {
    accepted(invoked)?;
    if let Some(kind) = invoked.headers.get(FUNCTION_ERROR) {
        let reason = format!(
            "the function failed: {}",
            kind.to_str().unwrap_or("unknown")
        );
        return Err(Failure::new(Trouble::Function, reason));
    }
    serde_json::from_slice(&invoked.body)
        .ok()
        .as_ref()
        .and_then(answer_of)
        .ok_or_else(|| {
            let reason = "the function's answer is not of the form that a proxy integration needs";
            Failure::new(Trouble::Function, reason)
        })
}

/// What it means for an integration that is no proxy: the body, and the error message in it, if there is one.
///
/// GUESS: the status, which no answer of a function has: 500 with an error message, else 200.
pub(super) fn answered(invoked: &Answer) -> Result<(Answer, Option<String>), Failure> {
    accepted(invoked)?;
    let body: Option<Value> = serde_json::from_slice(&invoked.body).ok();
    let message = body.as_ref().and_then(|body| body.get("errorMessage"));
    let message = message.and_then(Value::as_str).map(str::to_owned);
    if message.is_none() && invoked.headers.contains_key(FUNCTION_ERROR) {
        let reason = "the function failed without an error message";
        return Err(Failure::new(Trouble::Function, reason));
    }
    let answer = Answer {
        status: if message.is_some() { 500 } else { 200 },
        headers: invoked.headers.clone(),
        body: invoked.body.clone(),
    };
    Ok((answer, message))
}

/// An invocation that was not taken is no failure of the function.
fn accepted(invoked: &Answer) -> Result<(), Failure> {
    if (200..300).contains(&invoked.status) {
        return Ok(());
    }
    let reason = format!("the invocation was refused with status {}", invoked.status);
    Err(Failure::failed(reason))
}

/// The answer of a function, unless it is malformed. GUESS: a status may be a text of digits; a body that is neither text
/// nor null, and Base64 that is none, are malformed; headers that no response can have are left out.
fn answer_of(value: &Value) -> Option<Answer> {
    let members = value.as_object()?;
    let status = match members.get("statusCode")? {
        Value::String(digits) => digits.parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    let text = match members.get("body") {
        None | Some(Value::Null) => "",
        Some(body) => body.as_str()?,
    };
    let is_encoded = members.get("isBase64Encoded") == Some(&Value::Bool(true));
    let body = if is_encoded {
        STANDARD.decode(text).ok()?
    } else {
        text.as_bytes().to_vec()
    };
    let mut headers = HeaderMap::new();
    for (name, value) in objects(members.get("headers")) {
        append(&mut headers, name, value);
    }
    for (name, values) in objects(members.get("multiValueHeaders")) {
        for value in values.as_array().into_iter().flatten() {
            append(&mut headers, name, value);
        }
    }
    Some(Answer {
        status,
        headers,
        body: Bytes::from(body),
    })
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// Adds a header, once for each of its values.
fn append(headers: &mut HeaderMap, name: &str, value: &Value) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    };
    let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(text)) else {
        return;
    };
    if !headers.get_all(&name).iter().any(|known| known == value) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn read(event: &Event) -> Value {
        serde_json::from_slice(&proxy_event(event)).unwrap()
    }

    fn names(value: &Value) -> Vec<&str> {
        let members = value.as_object().unwrap();
        members.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_connect_event_has_the_handshake() {
        let event = fixture::connect_event(
            "a=1&b=x%20y&a=2",
            &[
                ("host", "gateway.example"),
                ("connection", "Upgrade"),
                ("upgrade", "websocket"),
                ("content-length", "0"),
                ("sec-websocket-version", "13"),
                ("x-token", "t1"),
                ("x-token", "t2"),
                ("x-forwarded-for", "203.0.113.9"),
            ],
        );
        let made = read(&event);
        assert_eq!(
            names(&made),
            [
                "headers",
                "multiValueHeaders",
                "queryStringParameters",
                "multiValueQueryStringParameters",
                "stageVariables",
                "requestContext",
                "isBase64Encoded",
            ]
        );
        assert_eq!(
            names(&made["headers"]),
            [
                "Host",
                "Sec-WebSocket-Version",
                "X-Amzn-Trace-Id",
                "X-Forwarded-For",
                "X-Forwarded-Port",
                "X-Forwarded-Proto",
                "X-Token",
            ]
        );
        assert_eq!(made["headers"]["X-Forwarded-For"], "192.0.2.7");
        assert_eq!(made["headers"]["X-Forwarded-Port"], "443");
        assert_eq!(made["headers"]["X-Forwarded-Proto"], "https");
        let trace = made["headers"]["X-Amzn-Trace-Id"].as_str().unwrap();
        assert!(trace.starts_with("Root=1-") && trace.len() == 40, "{trace}");
        assert_eq!(made["headers"]["X-Token"], "t2");
        assert_eq!(made["multiValueHeaders"]["X-Token"], json!(["t1", "t2"]));
        assert_eq!(made["queryStringParameters"], json!({"a": "2", "b": "x y"}));
        assert_eq!(
            made["multiValueQueryStringParameters"],
            json!({"a": ["1", "2"], "b": ["x y"]})
        );
        assert_eq!(made["stageVariables"], json!({"host": "backend.example"}));
        assert_eq!(made["isBase64Encoded"], false);
        let context = &made["requestContext"];
        assert_eq!(
            names(context),
            [
                "routeKey",
                "eventType",
                "extendedRequestId",
                "requestTime",
                "messageDirection",
                "stage",
                "connectedAt",
                "requestTimeEpoch",
                "identity",
                "requestId",
                "domainName",
                "connectionId",
                "apiId",
            ]
        );
        assert_eq!(context["routeKey"], "$connect");
        assert_eq!(context["eventType"], "CONNECT");
        assert_eq!(context["extendedRequestId"], context["requestId"]);
        assert_eq!(
            context["identity"],
            json!({"userAgent": "test/1", "sourceIp": "192.0.2.7"})
        );
    }

    #[test]
    fn an_authorizers_event_has_the_hop_and_the_stage_variables() {
        let event = fixture::connect_event(
            "a=1&a=2",
            &[
                ("host", "gateway.example"),
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "WebSocket"),
                ("x-token", "t1"),
            ],
        );
        let Kind::Connect(handshake) = &event.kind else {
            unreachable!("invariant: it is a connect");
        };
        let arn = event.resource("$connect");
        let made: Value =
            serde_json::from_slice(&authorizer_event(&event, handshake, &arn)).unwrap();
        assert_eq!(
            names(&made),
            [
                "type",
                "methodArn",
                "headers",
                "multiValueHeaders",
                "queryStringParameters",
                "multiValueQueryStringParameters",
                "stageVariables",
                "requestContext",
            ]
        );
        assert_eq!(made["type"], "REQUEST");
        assert_eq!(
            made["methodArn"],
            "arn:aws:execute-api:us-east-1:000000000000:a1/prod/$connect"
        );
        assert_eq!(
            names(&made["headers"]),
            [
                "Connection",
                "content-length",
                "Host",
                "Upgrade",
                "X-Amzn-Trace-Id",
                "X-Forwarded-For",
                "X-Forwarded-Port",
                "X-Forwarded-Proto",
                "X-Token",
            ]
        );
        assert_eq!(made["headers"]["Connection"], "upgrade");
        assert_eq!(made["headers"]["content-length"], "0");
        assert_eq!(made["multiValueHeaders"]["Upgrade"], json!(["websocket"]));
        assert_eq!(made["queryStringParameters"], json!({"a": "2"}));
        assert_eq!(made["stageVariables"], json!({"host": "backend.example"}));
        assert_eq!(
            names(&made["requestContext"]),
            names(&read(&event)["requestContext"])
        );
    }

    #[test]
    fn a_connect_event_without_a_query_has_no_parameters() {
        let made = read(&fixture::connect_event("", &[]));
        assert!(made.get("queryStringParameters").is_none());
        assert!(made.get("multiValueQueryStringParameters").is_none());
    }

    #[test]
    fn a_message_event_has_the_text_and_no_headers() {
        let mut event = fixture::message_event("{\"action\":\"say\"}");
        event.routed("say");
        let made = read(&event);
        assert_eq!(
            names(&made),
            [
                "stageVariables",
                "requestContext",
                "body",
                "isBase64Encoded"
            ]
        );
        assert_eq!(made["body"], "{\"action\":\"say\"}");
        let context = &made["requestContext"];
        assert_eq!(
            names(context)[..6],
            [
                "routeKey",
                "messageId",
                "eventType",
                "extendedRequestId",
                "requestTime",
                "messageDirection",
            ]
        );
        assert_eq!(context["routeKey"], "say");
        assert_eq!(context["eventType"], "MESSAGE");
        assert_eq!(context["messageDirection"], "IN");
        let id = |name: &str| context[name].as_str().unwrap();
        assert_eq!(id("messageId").len(), 16);
        assert_eq!(id("messageId")[10..], id("connectionId")[10..]);
        assert_ne!(id("messageId"), id("connectionId"));
        assert_eq!(id("extendedRequestId"), id("requestId"));
        assert!(context["connectedAt"].is_i64() && context["requestTimeEpoch"].is_i64());
    }

    #[test]
    fn a_disconnect_event_says_how_it_ended() {
        let made = read(&fixture::disconnect_event(1001, "Going away"));
        assert_eq!(
            made["headers"],
            json!({"Host": "127.0.0.1:4566", "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""})
        );
        assert_eq!(made["multiValueHeaders"]["x-restapi"], json!([""]));
        assert!(made.get("body").is_none());
        let context = &made["requestContext"];
        assert_eq!(
            names(context)[..8],
            [
                "routeKey",
                "disconnectStatusCode",
                "eventType",
                "extendedRequestId",
                "requestTime",
                "messageDirection",
                "disconnectReason",
                "stage",
            ]
        );
        assert_eq!(context["routeKey"], "$disconnect");
        assert_eq!(context["disconnectStatusCode"], 1001);
        assert_eq!(context["disconnectReason"], "Going away");
    }

    #[test]
    fn the_function_is_read_out_of_the_uri() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f:live";
        let uri = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        );
        assert_eq!(function_of(&uri), Some(arn));
        for other in [
            "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
            "http://backend.example/functions/f/invocations",
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions//invocations",
            arn,
        ] {
            assert_eq!(function_of(other), None, "{other}");
        }
    }

    fn invoked(body: &str) -> Answer {
        Answer {
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn a_proxied_answer_is_the_functions_own() {
        let answer = json!({
            "statusCode": 201,
            "headers": {"Sec-WebSocket-Protocol": "chat", "X-Count": 3, "b d": "no"},
            "multiValueHeaders": {"x-count": ["3", "4"]},
            "body": "aGVsbG8=",
            "isBase64Encoded": true,
        });
        let made = proxied(&invoked(&answer.to_string())).unwrap();
        assert_eq!((made.status, made.body.as_ref()), (201, b"hello".as_ref()));
        assert_eq!(made.headers["sec-websocket-protocol"], "chat");
        let counts: Vec<_> = made.headers.get_all("x-count").iter().collect();
        assert_eq!(counts, ["3", "4"]);
        assert_eq!(made.headers.len(), 3);
        for body in [
            "{\"statusCode\":200}",
            "{\"statusCode\":\"200\",\"body\":null}",
        ] {
            let made = proxied(&invoked(body)).unwrap();
            assert_eq!((made.status, made.body.len()), (200, 0));
        }
    }

    #[test]
    fn what_is_no_answer_is_the_functions_failure() {
        for body in [
            "",
            "null",
            "\"hello\"",
            "{}",
            "{\"statusCode\":\"ok\"}",
            "{\"statusCode\":99999}",
            "{\"statusCode\":200,\"body\":{}}",
            "{\"statusCode\":200,\"body\":\"?\",\"isBase64Encoded\":true}",
        ] {
            let failure = proxied(&invoked(body)).unwrap_err();
            assert_eq!(failure.trouble, Trouble::Function, "{body}");
        }
        let mut thrown = invoked("{\"errorMessage\":\"no\",\"statusCode\":200}");
        thrown
            .headers
            .insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
        assert_eq!(proxied(&thrown).unwrap_err().trouble, Trouble::Function);
        let mut refused = invoked("{\"statusCode\":200}");
        refused.status = 403;
        assert_eq!(proxied(&refused).unwrap_err().trouble, Trouble::Failed);
        assert_eq!(answered(&refused).unwrap_err().trouble, Trouble::Failed);
    }

    #[test]
    fn an_answer_that_is_no_proxys_has_its_error_message() {
        let (answer, message) = answered(&invoked("{\"n\":1}")).unwrap();
        assert_eq!((answer.status, message), (200, None));
        let (answer, message) = answered(&invoked("{\"errorMessage\":\"not found\"}")).unwrap();
        assert_eq!(
            (answer.status, message.as_deref()),
            (500, Some("not found"))
        );
    }
}
