//! The events that functions get, to the byte, and the meaning of their answers.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::gateway::data::{
    connection::registry::{Client, Connection},
    fixture, ids,
};

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
            ("x-forwarded-for", ""),
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
    assert_eq!(made["headers"]["X-Forwarded-For"], "203.0.113.9, 192.0.2.7");
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
    let made: Value = serde_json::from_slice(&authorizer_event(&event, handshake, &arn)).unwrap();
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

/// Checks an event to the byte; what differs from one to the next has a name in angle brackets.
#[track_caller]
fn check_bytes(event: &Event, made: &Bytes, expected: &[&str]) {
    let made: String = std::str::from_utf8(made).unwrap().to_owned();
    let mut named = made.clone();
    let trace = made
        .split("Root=")
        .nth(1)
        .map(|rest| format!("Root={}", &rest[..35]));
    let value = |name: &str| event.context(name).unwrap_or_default();
    for (value, name) in [
        (trace.unwrap_or_default(), "<trace>"),
        (value("messageId"), "<message>"),
        (value("requestId"), "<request>"),
        (value("connectionId"), "<connection>"),
        (value("requestTime"), "<time>"),
        (
            format!("\"connectedAt\":{}", value("connectedAt")),
            "\"connectedAt\":<since>",
        ),
        (
            format!("\"requestTimeEpoch\":{}", value("requestTimeEpoch")),
            "\"requestTimeEpoch\":<now>",
        ),
    ] {
        if !value.is_empty() {
            named = named.replace(&value, name);
        }
    }
    assert_eq!(named, expected.concat());
}

/// Makes an event of a client that says nothing of itself, on a stage without variables.
fn bare(mut event: Event) -> Event {
    let client = Client {
        api_id: "a1".to_owned(),
        stage: "prod".to_owned(),
        domain_name: "chat.example".to_owned(),
        source_ip: [192, 0, 2, 7].into(),
        user_agent: None,
    };
    let connection = Connection::new(ids::of_connection(), client);
    event.connection = Arc::new(connection);
    let mut serving = fixture::serving(fixture::snapshot(vec![], vec![]));
    serving.stage.stage_variables.clear();
    event.serving = Arc::new(serving);
    event
}

/// Lets an authorizer have said something of the client.
fn authorized(event: &Event) {
    let said = [("n", "7"), ("is", "true"), ("principalId", "ann")];
    let members = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
    event.connection.identify(Caller {
        authorizer: Some(Box::new(AuthorizerContext {
            members: members.to_vec(),
            latency: Duration::from_millis(21),
        })),
        ..Caller::default()
    });
}

const END: &str = r#""requestId":"<request>","domainName":"chat.example","connectionId":"<connection>","apiId":"a1"}"#;
const BEGIN: &str =
    r#""extendedRequestId":"<request>","requestTime":"<time>","messageDirection":"IN""#;
const MIDDLE: &str = r#","stage":"prod","connectedAt":<since>,"requestTimeEpoch":<now>,"identity":{"sourceIp":"192.0.2.7"},"#;
const HEADERS: &str = concat!(
    r#""headers":{"Host":"chat.example","X-Amzn-Trace-Id":"<trace>","X-Forwarded-For":"192.0.2.7","#,
    r#""X-Forwarded-Port":"443","X-Forwarded-Proto":"https"},"#,
    r#""multiValueHeaders":{"Host":["chat.example"],"X-Amzn-Trace-Id":["<trace>"],"X-Forwarded-For":["192.0.2.7"],"#,
    r#""X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"]},"#,
);

#[test]
fn events_are_written_as_aws_writes_them_to_the_byte() {
    let connect = bare(fixture::connect_event("", &[("host", "chat.example")]));
    check_bytes(
        &connect,
        &proxy_event(&connect),
        &[
            "{",
            HEADERS,
            r#""requestContext":{"routeKey":"$connect","eventType":"CONNECT","#,
            BEGIN,
            MIDDLE,
            END,
            r#","isBase64Encoded":false}"#,
        ],
    );
    let mut message = bare(fixture::message_event("\u{e9}\"\n"));
    message.routed("say");
    authorized(&message);
    check_bytes(
        &message,
        &proxy_event(&message),
        &[
            r#"{"requestContext":{"routeKey":"say","authorizer":{"n":"7","is":"true","principalId":"ann"},"#,
            r#""messageId":"<message>","eventType":"MESSAGE","#,
            BEGIN,
            MIDDLE,
            END,
            ",\"body\":\"\u{e9}\\\"\\n\",",
            r#""isBase64Encoded":false}"#,
        ],
    );
    let disconnect = bare(fixture::disconnect_event(1005, ""));
    authorized(&disconnect);
    check_bytes(
        &disconnect,
        &proxy_event(&disconnect),
        &[
            r#"{"headers":{"Host":"chat.example","x-api-key":"","X-Forwarded-For":"","x-restapi":""},"#,
            r#""multiValueHeaders":{"Host":["chat.example"],"x-api-key":[""],"X-Forwarded-For":[""],"x-restapi":[""]},"#,
            r#""requestContext":{"routeKey":"$disconnect","disconnectStatusCode":1005,"#,
            r#""authorizer":{"n":"7","is":"true","principalId":"ann"},"eventType":"DISCONNECT","#,
            BEGIN,
            r#","disconnectReason":"""#,
            MIDDLE,
            END,
            r#","isBase64Encoded":false}"#,
        ],
    );
}

#[test]
fn an_authorizers_event_is_written_as_aws_writes_it_to_the_byte() {
    let event = bare(fixture::connect_event("", &[("host", "chat.example")]));
    let Kind::Connect(handshake) = &event.kind else {
        unreachable!("invariant: it is a connect");
    };
    let made = authorizer_event(&event, handshake, "arn");
    check_bytes(
        &event,
        &made,
        &[
            r#"{"type":"REQUEST","methodArn":"arn","#,
            r#""headers":{"Connection":"upgrade","content-length":"0","Host":"chat.example","Upgrade":"websocket","#,
            r#""X-Amzn-Trace-Id":"<trace>","X-Forwarded-For":"192.0.2.7","X-Forwarded-Port":"443","X-Forwarded-Proto":"https"},"#,
            r#""multiValueHeaders":{"Connection":["upgrade"],"content-length":["0"],"Host":["chat.example"],"Upgrade":["websocket"],"#,
            r#""X-Amzn-Trace-Id":["<trace>"],"X-Forwarded-For":["192.0.2.7"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"]},"#,
            r#""queryStringParameters":{},"multiValueQueryStringParameters":{},"stageVariables":{},"#,
            r#""requestContext":{"routeKey":"$connect","eventType":"CONNECT","#,
            BEGIN,
            MIDDLE,
            END,
            "}",
        ],
    );
}

#[test]
fn a_connect_event_alone_tells_how_long_the_authorizer_took() {
    let said = |event: Event| {
        authorized(&event);
        read(&event)["requestContext"]["authorizer"].clone()
    };
    let texts = json!({"n": "7", "is": "true", "principalId": "ann"});
    assert_eq!(said(fixture::message_event("{}")), texts);
    assert_eq!(said(fixture::disconnect_event(1000, "")), texts);
    let mut on_connect = texts;
    on_connect["integrationLatency"] = json!(21);
    assert_eq!(said(fixture::connect_event("", &[])), on_connect);
}

#[test]
fn a_connect_event_sorts_the_parameters_that_an_authorizers_event_has_as_they_came() {
    let event = fixture::connect_event("m=1&e=a%2Bb+c&r=one&r=two&b=&m=2", &[]);
    let Kind::Connect(handshake) = &event.kind else {
        unreachable!("invariant: it is a connect");
    };
    let authorizers: Value =
        serde_json::from_slice(&authorizer_event(&event, handshake, "arn")).unwrap();
    for member in ["queryStringParameters", "multiValueQueryStringParameters"] {
        assert_eq!(names(&authorizers[member]), ["m", "e", "r", "b"]);
        assert_eq!(names(&read(&event)[member]), ["b", "e", "m", "r"]);
    }
    let single = json!({"m": "2", "e": "a+b c", "r": "two", "b": ""});
    assert_eq!(authorizers["queryStringParameters"], single);
    let multi = json!({"m": ["1", "2"], "e": ["a+b c"], "r": ["one", "two"], "b": [""]});
    assert_eq!(authorizers["multiValueQueryStringParameters"], multi);
}

#[test]
fn a_connect_event_has_the_request_and_the_times_of_its_authorizers_event() {
    let event = fixture::connect_event("", &[]);
    let Kind::Connect(handshake) = &event.kind else {
        unreachable!("invariant: it is a connect");
    };
    let authorizers: Value =
        serde_json::from_slice(&authorizer_event(&event, handshake, "arn")).unwrap();
    authorized(&event);
    let mut context = read(&event)["requestContext"].clone();
    context.as_object_mut().unwrap().remove("authorizer");
    assert_eq!(context, authorizers["requestContext"]);
    let time = |name: &str| context[name].as_i64().unwrap();
    assert!(time("requestTimeEpoch") >= time("connectedAt"));
}

#[test]
fn without_a_query_and_stage_variables_an_authorizers_event_alone_has_empty_ones() {
    let event = bare(fixture::connect_event("", &[]));
    let Kind::Connect(handshake) = &event.kind else {
        unreachable!("invariant: it is a connect");
    };
    let authorizers: Value =
        serde_json::from_slice(&authorizer_event(&event, handshake, "arn")).unwrap();
    for member in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "stageVariables",
    ] {
        assert_eq!(authorizers[member], json!({}), "{member}");
        assert_eq!(read(&event).get(member), None, "{member}");
    }
    assert_eq!(authorizers.get("isBase64Encoded"), None);
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
    assert_eq!(id("messageId").len(), 20);
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
    let uri =
        format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
    assert_eq!(function_of(&uri), Some(arn));
    // SOURCE: reported of AWS: the bare ARN does as well.
    assert_eq!(function_of(arn), Some(arn));
    for other in [
        "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
        "http://backend.example/functions/f/invocations",
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions//invocations",
        "arn:aws:lambda:us-east-1:000000000000:layer:l",
    ] {
        assert_eq!(function_of(other), None, "{other}");
    }
}

fn invoked(body: &str) -> BackendResponse {
    BackendResponse {
        status: 200,
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
    }
}

#[test]
fn a_proxied_answer_is_the_functions_own() {
    let answer = json!({
        "statusCode": 201,
        "headers": {"Sec-WebSocket-Protocol": "chat", "X-Count": 3, "x-none": null},
        "multiValueHeaders": {"x-count": ["3", "4"], "x-none": null},
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
        "{\"statusCode\":999}",
        "{\"statusCode\":\"600\"}",
        "{\"statusCode\":199}",
        "{\"statusCode\":100}",
        "{\"statusCode\":0}",
        "{\"statusCode\":-1}",
        "{\"statusCode\":200,\"headers\":{\"x\":[\"1\"]}}",
        "{\"statusCode\":200,\"headers\":{\"x\":\"a\\r\\nb: c\"}}",
        "{\"statusCode\":200,\"headers\":{\"b d\":\"x\"}}",
        "{\"statusCode\":200,\"multiValueHeaders\":{\"x\":\"1\"}}",
        "{\"statusCode\":200,\"multiValueHeaders\":{\"x\":[[]]}}",
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

const WORDS: &[&str] = &[
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
    "errorMessage",
    "200",
    "x-a",
    "aGk=",
];

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40), status in 0_u16..1000) {
        let invoked = BackendResponse { status, headers: HeaderMap::new(), body: Bytes::from(bytes) };
        for made in [proxied(&invoked).err(), answered(&invoked).err()].into_iter().flatten() {
            prop_assert!(matches!(made.trouble, Trouble::Function | Trouble::Failed));
        }
    }

    #[test]
    fn what_is_nearly_an_answer_is_one_or_none(value in fixture::json(WORDS), status in any::<u16>()) {
        let mut value = value;
        for _ in 0..2 {
            if let Ok(made) = proxied(&invoked(&value.to_string())) {
                let named = &value["statusCode"];
                prop_assert!(*named == json!(made.status) || named.as_str().is_some());
            }
            let (made, message) = answered(&invoked(&value.to_string())).unwrap();
            prop_assert_eq!(made.status == 500, message.is_some());
            if let Some(members) = value.as_object_mut() {
                members.insert("statusCode".to_owned(), json!(status));
            }
        }
    }
}

#[test]
fn what_is_deep_is_no_answer() {
    for deep in ["[", "{\"body\":"] {
        let deep = format!("{{\"statusCode\":200,\"x\":{}", deep.repeat(100_000));
        let failure = proxied(&invoked(&deep)).unwrap_err();
        assert_eq!(failure.trouble, Trouble::Function);
        let (answer, message) = answered(&invoked(&deep)).unwrap();
        assert_eq!((answer.status, message), (200, None));
    }
}

#[test]
fn what_a_function_threw_is_told_in_one_line_that_is_not_endless() {
    for (error, told) in [
        (
            json!({ "errorType": "RuntimeError", "errorMessage": "no\ntable" }),
            "the function failed: RuntimeError: no\\ntable",
        ),
        (
            json!({ "errorMessage": "boom" }),
            "the function failed: boom",
        ),
        (json!({}), "the function failed, and said nothing of it"),
        (json!(null), "the function failed, and said nothing of it"),
    ] {
        assert_eq!(thrown(&error), told);
    }
    let long = json!({ "errorMessage": "x".repeat(10_000) });
    assert_eq!(
        thrown(&long).len(),
        "the function failed: ".len() + THROWN_CHARS
    );
}
