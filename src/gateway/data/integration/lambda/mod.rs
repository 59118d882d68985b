//! Lambda functions as integrations: the event that a function is called with, and the meaning of its answer. The call
//! itself is made elsewhere; nothing here waits or reads a clock.
//!
//! SOURCE: developer guide, "Set up a WebSocket API integration request", captured events, and what was recorded on AWS,
//! September 2026; format 1.0, members in the order in which AWS writes them.

#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    failure::{Failure, Trouble},
    forwarding,
};
use crate::{
    gateway::{
        data::{
            handshake::caller::{AuthorizerContext, Caller},
            message::event::{Event, Handshake, Kind, header_pairs},
        },
        outbound::BackendResponse,
    },
    model::text::printable,
};

/// The header by which the Invoke API says that a function threw.
pub(crate) const FUNCTION_ERROR: &str = "x-amz-function-error";

/// The longest words of a function's own that a log says of its failure, in characters.
const THROWN_CHARS: usize = 500;

/// Headers of the handshake that no function sees.
const HIDDEN: [HeaderName; 3] = [header::CONNECTION, header::UPGRADE, header::CONTENT_LENGTH];

/// A function to call, and its payload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FunctionCall {
    /// The ARN or name of the function, as the integration's URI has it.
    pub(crate) function: String,
    /// The headers that the integration maps, such as `X-Amz-FunctionCall-Type`.
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// Returns the function in the URI of an integration, which is
/// `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations` or the function's own ARN.
pub(crate) fn function_of(uri: &str) -> Option<&str> {
    // SOURCE: reported of AWS: the bare ARN is taken and served.
    if let ["arn", _, "lambda", _, _, named] = uri.splitn(6, ':').collect::<Vec<_>>()[..] {
        return named.starts_with("function:").then_some(uri);
    }
    let (service, path) = uri.split_once(":lambda:path/")?;
    let (_, function) = path.split_once("/functions/")?;
    let function = function.strip_suffix("/invocations")?;
    (service.starts_with("arn:") && !function.is_empty()).then_some(function)
}

/// Makes the event for a proxy integration.
pub(crate) fn proxy_event(event: &Event) -> Bytes {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match &event.kind {
        Kind::Connect(handshake) => {
            let (single, multi) = by_name(connect_headers(event, handshake));
            set("headers", single);
            set("multiValueHeaders", multi);
            if !handshake.query.is_empty() {
                // SOURCE: recorded on AWS, September 2026: sorted, which an authorizer's event does not do.
                let mut pairs: Vec<_> = handshake.query_pairs().collect();
                pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
                let (single, multi) = by_name(pairs);
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
    // SOURCE: recorded on AWS, September 2026: absent, not null, where the stage has none.
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

/// Makes the event for an authorizer.
///
/// SOURCE: recorded on AWS, September 2026: what belongs to the hop is there, as the hop has it; so are the stage
/// variables and the parameters of the query, in its order, and empty where there are none.
pub(crate) fn authorizer_event(event: &Event, handshake: &Handshake, method_arn: &str) -> Bytes {
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
    // SOURCE: recorded on AWS, September 2026: it stands before what an authorizer said.
    if let Kind::Disconnect { code, .. } = &event.kind {
        set("disconnectStatusCode", json!(code));
    }
    let caller = event.connection.caller();
    if let Some(context) = caller.and_then(Caller::authorizer) {
        set("authorizer", authorizer(event, context));
    }
    if matches!(event.kind, Kind::Message(_)) {
        set("messageId", text("messageId"));
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

/// Returns what an authorizer said of the client.
///
/// SOURCE: recorded on AWS, September 2026: the event of a connect alone tells how long the authorizer took, and that is
/// the one number among texts.
fn authorizer(event: &Event, context: &AuthorizerContext) -> Value {
    let members = context.members.iter();
    let mut members: Map<_, _> = members
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    if matches!(event.kind, Kind::Connect(_)) {
        let latency = u64::try_from(context.latency.as_millis()).unwrap_or(u64::MAX);
        members.insert("integrationLatency".to_owned(), json!(latency));
    }
    Value::Object(members)
}

/// Returns the known facts about the client; an unknown one is absent.
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
    let mut headers = handshake.headers.clone();
    for name in HIDDEN {
        headers.remove(name);
    }
    forwarding::mark(event, &mut headers);
    let mut headers: Vec<_> = header_pairs(&headers).collect();
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

/// Reads the answer of the Invoke API for a proxy integration: the function's own status, headers and body.
pub(crate) fn proxied(invoked: &BackendResponse) -> Result<BackendResponse, Failure> {
    accepted(invoked)?;
    if invoked.headers.contains_key(FUNCTION_ERROR) {
        let error = serde_json::from_slice(&invoked.body).unwrap_or_default();
        return Err(Failure::new(Trouble::Function, thrown(&error)));
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

/// Says what a function threw, in one line that is not endless.
pub(crate) fn thrown(error: &Value) -> String {
    let said = ["errorType", "errorMessage"].map(|name| error[name].as_str().unwrap_or_default());
    let said = said.into_iter().filter(|text| !text.is_empty());
    let said = said.collect::<Vec<_>>().join(": ");
    if said.is_empty() {
        return "the function failed, and said nothing of it".to_owned();
    }
    let line: String = printable(&said).chars().take(THROWN_CHARS).collect();
    format!("the function failed: {line}")
}

/// Reads the answer of the Invoke API for an integration that is no proxy: the body, and the error message in it, if
/// there is one.
///
/// GUESS: the status, which no answer of a function has: 500 with an error message, else 200.
pub(crate) fn answered(
    invoked: &BackendResponse,
) -> Result<(BackendResponse, Option<String>), Failure> {
    accepted(invoked)?;
    let body: Option<Value> = serde_json::from_slice(&invoked.body).ok();
    let message = body.as_ref().and_then(|body| body.get("errorMessage"));
    let message = message.and_then(Value::as_str).map(str::to_owned);
    if message.is_none() && invoked.headers.contains_key(FUNCTION_ERROR) {
        let error = body.unwrap_or_default();
        return Err(Failure::new(Trouble::Function, thrown(&error)));
    }
    let answer = BackendResponse {
        status: if message.is_some() { 500 } else { 200 },
        headers: invoked.headers.clone(),
        body: invoked.body.clone(),
    };
    Ok((answer, message))
}

/// Fails when the invocation was not taken, which is no failure of the function.
fn accepted(invoked: &BackendResponse) -> Result<(), Failure> {
    if (200..300).contains(&invoked.status) {
        return Ok(());
    }
    let reason = format!("the invocation was refused with status {}", invoked.status);
    Err(Failure::failed(reason))
}

/// Reads the answer of a function, unless it is malformed. GUESS: a status may be a text of digits, and is malformed if
/// it ends no request; so are a body that is neither text nor null, Base64 that is none, and a header that no response
/// can have. SOURCE: reports about proxy integrations of REST APIs: malformed are lists in `headers` and anything else
/// in `multiValueHeaders`.
fn answer_of(value: &Value) -> Option<BackendResponse> {
    let members = value.as_object()?;
    let status = match members.get("statusCode")? {
        Value::String(digits) => digits.parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    if !(200..600).contains(&status) {
        return None;
    }
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
    Some(BackendResponse {
        status,
        headers: headers_of(members)?,
        body: Bytes::from(body),
    })
}

/// Reads the headers of a function's answer, unless one of them is malformed.
fn headers_of(members: &Map<String, Value>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in objects(members.get("headers")) {
        append(&mut headers, name, value)?;
    }
    for (name, values) in objects(members.get("multiValueHeaders")) {
        if values.is_null() {
            continue;
        }
        for value in values.as_array()? {
            append(&mut headers, name, value)?;
        }
    }
    Some(headers)
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// Adds a header, once for each of its values, unless no response can have it. GUESS: null is a header that is not
/// there.
fn append(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Some(()),
        Value::Array(_) | Value::Object(_) => return None,
    };
    let name: HeaderName = name.parse().ok()?;
    let value = HeaderValue::try_from(text).ok()?;
    if !headers.get_all(&name).iter().any(|known| known == value) {
        headers.append(name, value);
    }
    Some(())
}
