//! Lambda functions behind routes: what they are told of a connection, and what their answers do to it.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access_log::{lines, log},
    data_handshake::{check_refusal, check_refusal_headers},
    lambda::{Gate, gateway, gateway_with, options, told},
    support::{
        function,
        gateway::{
            Api, Backend, Behaviour, Gateway, Socket, close_code, next_json, next_text, soon,
        },
    },
    validation::send_long,
};

/// The URI of the integration of a function.
fn uri(function: &str) -> String {
    format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
         arn:aws:lambda:us-east-1:000000000000:function:{function}/invocations"
    )
}

/// An `AWS_PROXY` integration with a function, and further members.
async fn proxy(api: &Api<'_>, function: &str, more: Value) -> String {
    let mut definition = json!({
        "integrationType": "AWS_PROXY",
        "integrationMethod": "POST",
        "integrationUri": uri(function),
    });
    for (name, value) in more.as_object().unwrap() {
        definition[name] = value.clone();
    }
    api.integration(definition).await
}

/// An API, deployed to `prod`, all of whose routes lead to one function.
async fn api<'g>(gateway: &'g Gateway, function: &str) -> Api<'g> {
    let api = gateway.api().await;
    let integration = proxy(&api, function, json!({})).await;
    api.route("$connect", Some(&integration)).await;
    api.route("$disconnect", Some(&integration)).await;
    api.two_way_route("$default", &integration).await;
    api.route("quiet", Some(&integration)).await;
    api.deploy("prod").await;
    api
}

async fn send(socket: &mut Socket, message: &Value) {
    let text = Message::text(message.to_string());
    socket.send(text).await.unwrap();
}

/// Hears from functions what they were told.
struct Witness(TcpListener);

impl Witness {
    async fn new() -> Witness {
        Witness(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// The function `f`, which tells us.
    fn function(&self) -> String {
        let address: SocketAddr = self.0.local_addr().unwrap();
        format!("f={}", function::command(&format!("WITNESS={address}")))
    }

    /// The next event that a function had.
    async fn event(&self) -> Value {
        let (stream, _) = soon(self.0.accept()).await.unwrap();
        let mut line = String::new();
        soon(BufReader::new(stream).read_line(&mut line))
            .await
            .unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn a_function_is_told_of_connect_message_and_disconnect() {
    let witness = Witness::new().await;
    let gateway = gateway(&[witness.function()]).await;
    let api = api(&gateway, "f").await;
    let path = format!("{}?room=a&room=b", api.stage_path("prod"));
    let headers = [("user-agent", "test/1"), ("x-mine", "yes")];
    let (mut socket, _) = gateway.try_connect(&path, &headers).await.unwrap();

    let connect = witness.event().await;
    assert_eq!(
        names(&connect),
        [
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "requestContext",
            "isBase64Encoded"
        ]
    );
    assert_eq!(connect["headers"]["X-Mine"], "yes");
    assert_eq!(connect["queryStringParameters"]["room"], "b");
    assert_eq!(
        connect["multiValueQueryStringParameters"]["room"],
        json!(["a", "b"])
    );
    let context = &connect["requestContext"];
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
            "apiId"
        ]
    );
    for (name, value) in [
        ("routeKey", json!("$connect")),
        ("eventType", json!("CONNECT")),
        ("messageDirection", json!("IN")),
        ("stage", json!("prod")),
        ("apiId", json!(api.id)),
        ("extendedRequestId", context["requestId"].clone()),
        (
            "identity",
            json!({ "userAgent": "test/1", "sourceIp": "127.0.0.1" }),
        ),
    ] {
        assert_eq!(context[name], value, "{name}");
    }

    let sent = json!({ "action": "say", "text": "hi" });
    send(&mut socket, &sent).await;
    let seen = next_json(&mut socket).await;
    let message = witness.event().await;
    assert_eq!(seen["event"], message);
    assert_eq!(
        names(&message),
        ["requestContext", "body", "isBase64Encoded"]
    );
    assert_eq!(message["body"], sent.to_string());
    let of_message = &message["requestContext"];
    assert_eq!(of_message["eventType"], "MESSAGE");
    assert_eq!(of_message["routeKey"], "$default");
    assert_eq!(of_message["connectionId"], context["connectionId"]);
    assert_eq!(of_message["connectedAt"], context["connectedAt"]);
    assert_eq!(of_message["messageId"].as_str().unwrap().len(), 20);
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    assert_eq!(seen["headers"]["lambda-runtime-invoked-function-arn"], arn);

    socket.close(None).await.unwrap();
    let disconnect = witness.event().await;
    assert_eq!(
        names(&disconnect),
        [
            "headers",
            "multiValueHeaders",
            "requestContext",
            "isBase64Encoded"
        ]
    );
    assert_eq!(
        names(&disconnect["headers"]),
        ["Host", "x-api-key", "X-Forwarded-For", "x-restapi"]
    );
    let of_disconnect = &disconnect["requestContext"];
    assert_eq!(of_disconnect["eventType"], "DISCONNECT");
    assert_eq!(of_disconnect["routeKey"], "$disconnect");
    assert_eq!(of_disconnect["disconnectStatusCode"], 1005);
    assert_eq!(
        of_disconnect["disconnectReason"],
        "Client-side close frame status not set"
    );
    assert_eq!(of_disconnect["connectionId"], context["connectionId"]);
}

#[tokio::test]
async fn a_function_decides_over_the_handshake() {
    let gateway = gateway(&[told("f")]).await;
    let known = api(&gateway, "f").await;
    let path = known.stage_path("prod");
    let refusal = async |query: &str| gateway.refused(&format!("{path}?{query}"), &[]).await;
    // Its status and its body are the answer, byte for byte; how it calls the body is not.
    for (status, body) in [(401, "{ \"why\" : 1.0 }\n"), (403, ""), (501, "n\u{f6}")] {
        let headers = json!({ "content-type": "application/json", "x-why": "rule 7" });
        let answer = json!({ "statusCode": status, "headers": headers, "body": body }).to_string();
        let answer =
            percent_encoding::utf8_percent_encode(&answer, percent_encoding::NON_ALPHANUMERIC);
        let refused = refusal(&format!("do=say&what={answer}")).await;
        assert_eq!(refused.body, body);
        check_refusal_headers(&refused, status);
        assert_eq!(refused.header("x-why"), Some("rule 7"));
    }
    let refused = refusal("do=refuse&status=418").await;
    check_refusal_headers(&refused, 418);
    let id = &refused.json()["event"]["requestContext"]["requestId"];
    assert_eq!(refused.header("x-amz-apigw-id"), id.as_str());
    // What is thrown and what is no answer are the function's fault.
    for query in [
        "do=throw",
        "do=fall",
        "do=say&what=null",
        "do=say&what=%7B%7D",
    ] {
        check_refusal(&refusal(query).await, 502, "Internal server error");
    }
    let (mut socket, _) = gateway
        .try_connect(&format!("{path}?x=1"), &[])
        .await
        .unwrap();
    send(&mut socket, &json!({})).await;
    next_json(&mut socket).await;

    let unknown = api(&gateway, "unknown").await;
    let refused = gateway.refused(&unknown.stage_path("prod"), &[]).await;
    check_refusal(&refused, 500, "Internal server error");
}

#[tokio::test]
async fn the_access_log_has_the_status_with_which_the_function_answered_a_handshake() {
    let gateway = gateway(&[told("f")]).await;
    let api = api(&gateway, "f").await;
    let format =
        "$context.status $context.error.message $context.error.responseType $context.requestId";
    log(&api, "prod", format).await;
    let path = api.stage_path("prod");
    let answering = |status: u16| format!("{path}?do=say&what=%7B%22statusCode%22:{status}%7D");
    let _open = gateway.connect(&answering(201)).await;
    let last = async || lines(&gateway, &api, "prod").await.pop().unwrap();
    let line = last().await;
    assert!(line.starts_with("201 - - "), "{line}");
    let refused = gateway.refused(&answering(403), &[]).await;
    let id = refused.header("x-amz-apigw-id").unwrap();
    assert_eq!(last().await, format!("403 - - {id}"));
}

#[tokio::test]
async fn what_goes_wrong_with_a_message_is_told_and_leaves_the_connection_open() {
    let gateway = gateway(&[told("f")]).await;
    let api = api(&gateway, "f").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for what in [
        json!({ "do": "throw" }),
        json!({ "do": "fall" }),
        json!({ "do": "say", "what": "[]" }),
        json!({ "do": "say", "what": "no JSON" }),
        json!({ "do": "too much" }),
        json!({ "do": "throw", "action": "quiet" }),
    ] {
        send(&mut socket, &what).await;
        let notice = next_json(&mut socket).await;
        assert_eq!(notice["message"], "Internal server error", "{what}");
    }
    // A status is nothing to a client that has its connection, and one way stays one way.
    for status in ["201", "401", "501"] {
        send(
            &mut socket,
            &json!({ "do": "echo", "action": "quiet", "status": status }),
        )
        .await;
    }
    send(
        &mut socket,
        &json!({ "do": "say", "what": "{\"statusCode\":500,\"body\":\"end\"}" }),
    )
    .await;
    assert_eq!(next_text(&mut socket).await, "end");
}

#[tokio::test]
async fn an_integration_waits_for_its_function_as_long_as_it_says() {
    let gateway = gateway_with(&[told("f")], Duration::from_mins(1)).await;
    let api = gateway.api().await;
    let integration = proxy(&api, "f", json!({ "timeoutInMillis": 1000 })).await;
    api.two_way_route("$default", &integration).await;
    let patient = proxy(&api, "f", json!({})).await;
    api.two_way_route("patient", &patient).await;
    api.deploy("prod").await;
    let gate = Gate::new().await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    send(&mut socket, &gate.wait()).await;
    let mut late = gate.visitor().await;
    let notice = next_json(&mut socket).await;
    assert_eq!(notice["message"], "Endpoint request timed out");
    // The function goes on, and nobody hears what it says.
    late.write_all(b"!").await.unwrap();
    let message = json!({ "action": "patient" });
    send(&mut socket, &message).await;
    let seen = next_json(&mut socket).await;
    assert_eq!(seen["event"]["body"], message.to_string());
}

#[tokio::test]
async fn nobody_waits_for_what_disconnect_does() {
    let gateway = gateway(&[told("f")]).await;
    let api = gateway.api().await;
    let integration = proxy(&api, "f", json!({})).await;
    let failing = proxy(&api, "unknown", json!({})).await;
    api.route("$disconnect", Some(&failing)).await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    send(&mut socket, &json!({})).await;
    let seen = next_json(&mut socket).await;
    let id = seen["event"]["requestContext"]["connectionId"]
        .as_str()
        .unwrap();
    let path = format!("{}/@connections/{id}", api.stage_path("prod")).replace('=', "%3D");
    assert_eq!(gateway.call("DELETE", &path, "").await.status, 204);
    assert_eq!(close_code(&mut socket).await, 1000);
    assert!(soon(socket.next()).await.is_none_or(|end| end.is_err()));
}

#[tokio::test]
async fn a_stage_variable_chooses_the_alias() {
    let functions = [
        told("f"),
        format!("f:live={}", function::command("_HANDLER=live")),
    ];
    let gateway = gateway(&functions).await;
    let api = gateway.api().await;
    let integration = proxy(&api, "f:${stageVariables.alias}", json!({})).await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    for (alias, handler, version) in [("live", "live", "live"), ("test", "--nocapture", "$LATEST")]
    {
        let variables = json!({ "stageVariables": { "alias": alias } });
        api.control("PATCH", "stages/prod", variables).await;
        let mut socket = gateway.connect(&api.stage_path("prod")).await;
        send(&mut socket, &json!({})).await;
        let seen = next_json(&mut socket).await;
        assert_eq!(seen["environment"]["_HANDLER"], handler);
        assert_eq!(seen["environment"]["AWS_LAMBDA_FUNCTION_VERSION"], version);
        assert_eq!(seen["event"]["stageVariables"], json!({ "alias": alias }));
    }
}

/// A route `$default` with an `AWS` integration that makes the message into an event by a template.
async fn templated(api: &Api<'_>, parameters: Value) {
    let integration = api
        .integration(json!({
            "integrationType": "AWS",
            "integrationMethod": "POST",
            "integrationUri": uri("f"),
            "requestParameters": parameters,
            "requestTemplates": { "$default": "$input.json('$.event')" },
        }))
        .await;
    for (key, template) in [
        (
            "$default",
            "pid $input.path('$.pid') of $context.connectionId",
        ),
        ("/bo+m/", "caught $input.path('$.errorMessage')"),
    ] {
        let path = format!("integrations/{integration}/integrationresponses");
        let response = json!({
            "integrationResponseKey": key,
            "responseTemplates": { "$default": template },
        });
        api.control("POST", &path, response).await;
    }
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
}

#[tokio::test]
async fn templates_stand_between_a_client_and_a_function_that_is_no_proxy() {
    let gateway = gateway(&[told("f")]).await;
    let api = gateway.api().await;
    templated(&api, json!({})).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    send(&mut socket, &json!({ "event": { "do": "echo" } })).await;
    let reply = next_text(&mut socket).await;
    assert!(reply.starts_with("pid ") && reply.ends_with('='), "{reply}");
    send(&mut socket, &json!({ "event": { "do": "throw" } })).await;
    assert_eq!(next_text(&mut socket).await, "caught boom");
    // An error that no response is for takes the default one.
    send(&mut socket, &json!({ "event": { "do": "fall" } })).await;
    assert!(next_text(&mut socket).await.starts_with("pid "));
}

#[tokio::test]
async fn a_function_that_is_no_proxy_refuses_a_handshake_by_its_error() {
    let gateway = gateway(&[told("f")]).await;
    for (responses, thrown, fallen) in [
        // Without a response the function's own words are what there is.
        (&[][..], r#""errorMessage":"boom""#, "Runtime.ExitError"),
        (
            &[
                ("/bo+m/", "caught $input.path('$.errorMessage')"),
                ("$default", "other"),
            ][..],
            "caught boom",
            "other",
        ),
    ] {
        let api = gateway.api().await;
        let integration = api
            .integration(json!({
                "integrationType": "AWS",
                "integrationMethod": "POST",
                "integrationUri": uri("f"),
                "requestTemplates": { "$default": "{\"do\":\"$input.params('do')\"}" },
            }))
            .await;
        for (key, template) in responses {
            let path = format!("integrations/{integration}/integrationresponses");
            let response = json!({
                "integrationResponseKey": key,
                "responseTemplates": { "$default": template },
            });
            api.control("POST", &path, response).await;
        }
        api.route("$connect", Some(&integration)).await;
        api.deploy("prod").await;
        let path = api.stage_path("prod");
        gateway.connect(&format!("{path}?do=echo")).await;
        for (what, said) in [("throw", thrown), ("fall", fallen)] {
            let refused = gateway.refused(&format!("{path}?do={what}"), &[]).await;
            assert_eq!(refused.status, 500, "{what}");
            let body = String::from_utf8_lossy(&refused.body);
            assert!(body.contains(said), "{what}: {body}");
        }
    }
}

#[tokio::test]
async fn a_function_may_be_called_without_waiting_for_it() {
    let gateway = gateway(&[told("f")]).await;
    let api = gateway.api().await;
    let header = "integration.request.header.X-Amz-Invocation-Type";
    templated(&api, json!({ header: "'Event'" })).await;
    let gate = Gate::new().await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    send(&mut socket, &json!({ "event": gate.wait() })).await;
    // The reply comes while the function is still at work.
    let _waiting = gate.visitor().await;
    assert!(next_text(&mut socket).await.starts_with("pid "));
}

#[tokio::test]
async fn functions_behind_an_invoke_endpoint_answer_routes_too() {
    let reply = r#"{"statusCode":200,"body":"from afar"}"#;
    let mut backend = Backend::start([(
        "/2015-03-31/functions/far/invocations",
        Behaviour::Answers(200, vec![], Bytes::from(reply)),
    )])
    .await;
    let mut options = options(&[], Duration::from_mins(1));
    options.lambda.endpoint = Some(backend.uri("").parse().unwrap());
    let gateway = Gateway::with(options).await;
    let api = gateway.api().await;
    let integration = proxy(&api, "far", json!({})).await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    send(&mut socket, &json!({ "n": 1 })).await;
    assert_eq!(next_text(&mut socket).await, "from afar");
    let event: Value = serde_json::from_str(&backend.received().await.body).unwrap();
    assert_eq!(event["body"], "{\"n\":1}");
}

/// Deeper than any stack could follow, in a message's size.
fn deep(before: &str, after: &str) -> String {
    let depth = 120_000 / (before.len() + after.len());
    format!("{}1{}", before.repeat(depth), after.repeat(depth))
}

#[tokio::test]
async fn what_is_deep_harms_nobody_wherever_it_comes_from() {
    let answers = ["/lists", "/objects"]
        .into_iter()
        .zip([deep("[", "]"), deep("{\"a\":", "}")]);
    let answers = answers.map(|(path, body)| (path, Behaviour::Answers(200, vec![], body.into())));
    let backend = Backend::start(answers).await;
    let gateway = gateway(&[told("f")]).await;
    let api = gateway.api().await;
    let function = proxy(&api, "f", json!({})).await;
    api.two_way_route("function", &function).await;
    templated(&api, json!({})).await;
    // A template that reads the message, and one that reads what the backend answered.
    let reading = "[$!input.path('$.a') $input.json('$..b') $input.body.length()]";
    api.mock("read", reading).await;
    for path in ["lists", "objects"] {
        let integration = api
            .integration(json!({
                "integrationType": "HTTP",
                "integrationMethod": "POST",
                "integrationUri": backend.uri(&format!("/{path}")),
            }))
            .await;
        let response = json!({
            "integrationResponseKey": "$default",
            "responseTemplates": { "$default": reading },
        });
        let responses = format!("integrations/{integration}/integrationresponses");
        api.control("POST", &responses, response).await;
        api.two_way_route(path, &integration).await;
    }
    api.deploy("deep").await;
    let mut socket = gateway.connect(&api.stage_path("deep")).await;
    // It is no JSON that the gateway reads, so it goes to `$default`, whose template finds no event in it.
    for message in [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        deep("[{\"a\":", "}]"),
        "[".repeat(120_000),
        format!("{{\"action\":\"read\",\"a\":{}}}", deep("[", "]")),
    ] {
        send_long(&mut socket, &message).await;
        let reply = next_text(&mut socket).await;
        assert!(reply.starts_with("pid "), "{reply}");
    }
    for (path, length) in [("lists", 120_001), ("objects", 120_001)] {
        send(&mut socket, &json!({ "action": path })).await;
        assert_eq!(next_text(&mut socket).await, format!("[ \"\" {length}]"));
    }
    // What a function answers is read for its status, and passed on where it is not read.
    for body in [deep("[", "]"), deep("{\"statusCode\":", "}")] {
        let answer = json!({ "do": "say", "what": body, "action": "function" });
        let text = answer.to_string();
        assert!(text.len() > 100_000);
        let invoked = gateway
            .call("POST", "/2015-03-31/functions/f/invocations", text)
            .await;
        assert_eq!((invoked.status, invoked.body.len()), (200, body.len()));
        // The payload itself may be as deep.
        let payload = format!("{{\"event\":{body}}}");
        let invoked = gateway
            .call("POST", "/2015-03-31/functions/f/invocations", payload)
            .await;
        assert_eq!(invoked.status, 200);
    }
}
