//! Lambda authorizers: who is asked, what it is told, what its answer does, and what later events say of it.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use stagewire::{
    gateway::{ApiKey, Keyring},
    model::Secret,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access_log::{lines, log},
    data_handshake::check_refusal,
    lambda::{gateway, options, told},
    support::{
        function,
        gateway::{Answer, Api, Gateway, Socket, next_json, next_text, soon},
    },
};

/// The words for a client that a statement denies, and for one that no statement allows.
const EXPLICIT: &str = "User is not authorized to access this resource with an explicit deny in an identity-based policy";
const NOT_ALLOWED: &str = "User is not authorized to access this resource because no identity-based policy allows the \
     execute-api:Invoke action";

const ALLOWED: &str = r#"{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":
    [{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*/$connect"}]},
    "context":{"room":"blue","n":7,"is":true,"none":null},"usageIdentifierKey":"key of ann"}"#;

/// The URI of a function.
fn uri(function: &str) -> String {
    format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
         arn:aws:lambda:us-east-1:000000000000:function:{function}/invocations"
    )
}

/// The function `guard`, which has one answer.
fn guard(answer: &str) -> String {
    let answer = answer.replace('\n', "");
    format!("guard={}", function::command(&format!("ANSWER='{answer}'")))
}

/// Has `$connect` guarded by a function; gives the authorizer's id.
async fn protect(api: &Api<'_>, function: &str, sources: &[&str], connect: Value) -> String {
    let body = json!({
        "name": "guard",
        "authorizerType": "REQUEST",
        "authorizerUri": uri(function),
        "identitySource": sources,
        // It has no effect: nothing here matches it, and nobody is kept out by it.
        "identityValidationExpression": "^no such identity$",
    });
    let made = api.control("POST", "authorizers", body).await;
    let id = made["authorizerId"].as_str().unwrap().to_owned();
    let mut body = json!({
        "routeKey": "$connect",
        "authorizationType": "CUSTOM",
        "authorizerId": id,
    });
    for (name, value) in connect.as_object().unwrap() {
        body[name] = value.clone();
    }
    api.control("POST", "routes", body).await;
    id
}

/// An integration with a function; gives its id.
async fn function_integration(api: &Api<'_>, function: &str) -> String {
    api.integration(json!({
        "integrationType": "AWS_PROXY",
        "integrationMethod": "POST",
        "integrationUri": uri(function),
    }))
    .await
}

/// A path that has the guard say or do something.
fn asking(api: &Api<'_>, what_to_do: &str, what: &str) -> String {
    let what = percent_encoding::utf8_percent_encode(what, percent_encoding::NON_ALPHANUMERIC);
    format!("{}?do={what_to_do}&what={what}", api.stage_path("prod"))
}

async fn opened(gateway: &Gateway, path: &str) -> Socket {
    gateway.try_connect(path, &[]).await.unwrap().0
}

/// A listener to what a function is called with, and the settings of a function that tells it.
async fn witness() -> (TcpListener, String) {
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!("WITNESS={}", witness.local_addr().unwrap());
    (witness, settings)
}

/// The next event that a function was given, which connects to the witness to tell it.
async fn witnessed(witness: &TcpListener) -> Value {
    let (stream, _) = soon(witness.accept()).await.unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    soon(reader.read_line(&mut line)).await.unwrap();
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn whoever_is_allowed_is_known_to_every_later_event() {
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = witness.local_addr().unwrap();
    let backend = format!("f={}", function::command(&format!("WITNESS={address}")));
    let gateway = gateway(&[guard(ALLOWED), backend]).await;
    let api = gateway.api().await;
    let integration = function_integration(&api, "f").await;
    let target = json!({ "target": format!("integrations/{integration}") });
    protect(&api, "guard", &[], target).await;
    api.route("$disconnect", Some(&integration)).await;
    api.route("$default", Some(&integration)).await;
    let template = "$context.authorizer.principalId $context.authorizer.room $context.authorizer.n \
                    $context.authorizer.is [$!context.authorizer.none]";
    api.mock("who", template).await;
    api.deploy("prod").await;

    let mut socket = opened(&gateway, &api.stage_path("prod")).await;
    socket.send(Message::text("hello")).await.unwrap();
    let known = json!({ "room": "blue", "n": "7", "is": "true", "principalId": "ann" });
    for kind in ["CONNECT", "MESSAGE", "DISCONNECT"] {
        let event = witnessed(&witness).await;
        let context = &event["requestContext"];
        assert_eq!(context["eventType"], kind);
        let mut told = context["authorizer"].clone();
        let latency = told.as_object_mut().unwrap().remove("integrationLatency");
        // How long the authorizer took is told once, and as a number.
        assert_eq!(latency.is_some_and(|it| it.is_u64()), kind == "CONNECT");
        assert_eq!(told, known);
        if kind == "MESSAGE" {
            let who = Message::text(r#"{"action":"who"}"#);
            socket.send(who).await.unwrap();
            assert_eq!(next_text(&mut socket).await, "ann blue 7 true []");
            socket.close(None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_function_is_told_of_the_handshake() {
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = witness.local_addr().unwrap();
    let settings = format!("WITNESS={address}");
    let gateway = gateway(&[format!("guard={}", function::command(&settings))]).await;
    let api = gateway.api().await;
    protect(&api, "guard", &[], json!({})).await;
    api.mock("$default", "hello").await;
    api.deploy("prod").await;
    let path = asking(&api, "say", ALLOWED);
    let (mut socket, _) = gateway
        .try_connect(&path, &[("x-token", "t")])
        .await
        .unwrap();
    socket.send(Message::text("hi")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "hello");

    let event = witnessed(&witness).await;
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(
        event["methodArn"],
        format!(
            "arn:aws:execute-api:us-east-1:000000000000:{}/prod/$connect",
            api.id
        )
    );
    assert_eq!(event["headers"]["X-Token"], "t");
    assert_eq!(event["headers"]["Upgrade"], "websocket");
    assert_eq!(event["queryStringParameters"]["do"], "say");
    assert_eq!(event["stageVariables"], json!({}));
    assert_eq!(event["requestContext"]["eventType"], "CONNECT");
    assert_eq!(event["requestContext"]["authorizer"], Value::Null);
    for absent in ["body", "isBase64Encoded", "pathParameters", "httpMethod"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn without_an_identity_the_function_is_not_asked() {
    let (witness, settings) = witness().await;
    let gateway = gateway(&[format!("guard={}", function::command(&settings))]).await;
    let api = gateway.api().await;
    let sources = [
        "route.request.header.x-token",
        "route.request.querystring.do",
        "stageVariables.who",
        "context.identity.sourceIp",
    ];
    protect(&api, "guard", &sources, json!({})).await;
    api.deploy("prod").await;
    let path = asking(&api, "say", ALLOWED);
    let brought = [("x-token", "t")];
    let unauthorized = |refusal: Answer| check_refusal(&refusal, 401, "Unauthorized");
    // Without the stage variable.
    unauthorized(gateway.refused(&path, &brought).await);
    let variables = json!({ "stageVariables": { "who": "me" } });
    api.control("PATCH", "stages/prod", variables).await;
    unauthorized(gateway.refused(&path, &[]).await);
    unauthorized(gateway.refused(&path, &[("x-token", "")]).await);
    let without_query = api.stage_path("prod");
    unauthorized(gateway.refused(&without_query, &brought).await);
    let asked = tokio::time::timeout(Duration::ZERO, witness.accept()).await;
    assert!(asked.is_err());
    gateway.try_connect(&path, &brought).await.unwrap();
    soon(witness.accept()).await.unwrap();
}

#[tokio::test]
async fn of_a_query_parameter_that_is_given_twice_the_last_value_counts() {
    let gateway = gateway(&[guard(ALLOWED)]).await;
    let api = gateway.api().await;
    protect(&api, "guard", &["route.request.querystring.t"], json!({})).await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    opened(&gateway, &format!("{path}?t=&t=ok")).await;
    opened(&gateway, &format!("{path}?t=one&t=two")).await;
    let refusal = gateway.refused(&format!("{path}?t=ok&t="), &[]).await;
    check_refusal(&refusal, 401, "Unauthorized");
}

#[tokio::test]
async fn the_event_type_and_the_direction_let_nobody_in_and_other_members_of_the_context_do() {
    let gateway = gateway(&[guard(ALLOWED)]).await;
    for (member, lets_in) in [
        ("connectionId", true),
        ("connectedAt", true),
        ("requestTimeEpoch", true),
        ("routeKey", true),
        ("eventType", false),
        ("messageDirection", false),
    ] {
        let api = gateway.api().await;
        let source = format!("context.{member}");
        protect(&api, "guard", &[&source], json!({})).await;
        api.deploy("prod").await;
        let path = api.stage_path("prod");
        if lets_in {
            opened(&gateway, &path).await;
        } else {
            check_refusal(&gateway.refused(&path, &[]).await, 401, "Unauthorized");
        }
    }
}

#[tokio::test]
async fn the_function_is_asked_at_every_handshake() {
    let (witness, settings) = witness().await;
    let gateway = gateway(&[format!("guard={}", function::command(&settings))]).await;
    let api = gateway.api().await;
    let sources = ["route.request.header.x-token"];
    protect(&api, "guard", &sources, json!({})).await;
    api.deploy("prod").await;
    let same = [("x-token", "t")];
    let allowed = asking(&api, "say", ALLOWED);
    for _ in 0..2 {
        gateway.try_connect(&allowed, &same).await.unwrap();
        witnessed(&witness).await;
    }
    let denied = asking(&api, "say", &ALLOWED.replace("Allow", "Deny"));
    check_refusal(&gateway.refused(&denied, &same).await, 403, EXPLICIT);
    witnessed(&witness).await;
}

#[tokio::test]
async fn a_client_without_a_principal_is_let_in_and_its_events_name_none() {
    let witness = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = witness.local_addr().unwrap();
    let settings = format!("WITNESS={address} ANSWER='{{\"statusCode\":200}}'");
    let backend = format!("f={}", function::command(&settings));
    let gateway = gateway(&[told("guard"), backend]).await;
    let api = gateway.api().await;
    let integration = function_integration(&api, "f").await;
    let target = json!({ "target": format!("integrations/{integration}") });
    protect(&api, "guard", &[], target).await;
    api.deploy("prod").await;
    for (principal, known) in [
        ("\"another\":\"ann\"", Value::Null),
        ("\"principalId\":null", Value::Null),
        ("\"principalId\":\"\"", json!("")),
        ("\"principalId\":7", json!("7")),
    ] {
        let answer = ALLOWED.replace("\"principalId\":\"ann\"", principal);
        opened(&gateway, &asking(&api, "say", &answer)).await;
        let event = witnessed(&witness).await;
        let authorizer = &event["requestContext"]["authorizer"];
        assert_eq!(authorizer["room"], "blue", "{event}");
        assert_eq!(authorizer["principalId"], known, "{event}");
        let names_one = authorizer.as_object().unwrap().contains_key("principalId");
        assert_eq!(names_one, !known.is_null(), "{event}");
    }
}

#[tokio::test]
async fn of_a_client_that_the_authorizer_refused_no_route_is_told() {
    let (witness, settings) = witness().await;
    let backend = format!("f={}", function::command(&settings));
    let gateway = gateway(&[told("guard"), backend]).await;
    let api = gateway.api().await;
    let integration = function_integration(&api, "f").await;
    let target = json!({ "target": format!("integrations/{integration}") });
    protect(&api, "guard", &[], target).await;
    api.route("$disconnect", Some(&integration)).await;
    api.deploy("prod").await;
    let denied = asking(&api, "say", &ALLOWED.replace("Allow", "Deny"));
    check_refusal(&gateway.refused(&denied, &[]).await, 403, EXPLICIT);
    // All that runs has ended then.
    soon(gateway.running.stop()).await;
    let told = tokio::time::timeout(Duration::ZERO, witness.accept()).await;
    assert!(told.is_err());
}

#[tokio::test]
async fn each_answer_of_the_function_has_its_own_refusal() {
    let gateway = gateway(&[told("guard")]).await;
    let api = gateway.api().await;
    protect(&api, "guard", &[], json!({})).await;
    api.deploy("prod").await;
    let refused = async |what_to_do: &str, what: &str| {
        let path = asking(&api, what_to_do, what);
        gateway.refused(&path, &[]).await
    };
    let unauthorized = refused("throw", "Unauthorized").await;
    check_refusal(&unauthorized, 401, "Unauthorized");
    let refusal = refused("say", &ALLOWED.replace("Allow", "Deny")).await;
    check_refusal(&refusal, 403, EXPLICIT);
    for denied in [
        // The helper of REST APIs: it names a method and a path.
        ALLOWED.replace("*/$connect", "arn:aws:execute-api:*:*:*/prod/*/*"),
        ALLOWED.replace("*/$connect", "*/prod/$default"),
        ALLOWED.replace("execute-api:Invoke", "execute-api:ManageConnections"),
    ] {
        let refusal = refused("say", &denied).await;
        check_refusal(&refusal, 403, NOT_ALLOWED);
    }
    for (what_to_do, what) in [
        ("throw", "Unauthorized user"),
        ("fall", ""),
        ("say", "null"),
        ("say", r#"{"isAuthorized":true}"#),
        ("say", &ALLOWED.replace("\"ann\"", "{\"nested\":\"ann\"}")),
        ("say", &ALLOWED.replace("\"Allow\"", "\"NotAnEffect\"")),
        ("say", &ALLOWED.replace("blue\"", "blue\",\"list\":[1]")),
        (
            "say",
            &ALLOWED.replace("\"Effect\"", "\"Condition\":{\"Bool\":{}},\"Effect\""),
        ),
        ("say", "not JSON"),
    ] {
        let refusal = refused(what_to_do, what).await;
        check_refusal(&refusal, 500, "");
    }
    // Longer than the URL of a handshake can say.
    let long = ALLOWED.replace("blue", &"x".repeat(8192));
    let gateway = crate::lambda::gateway(&[guard(&long)]).await;
    let api = gateway.api().await;
    protect(&api, "guard", &[], json!({})).await;
    api.deploy("prod").await;
    let refusal = gateway.refused(&api.stage_path("prod"), &[]).await;
    check_refusal(&refusal, 500, "");
}

#[tokio::test]
async fn a_function_that_is_missing_or_hangs_lets_nobody_in() {
    let gateway = crate::lambda::gateway_with(&[told("guard")], Duration::from_millis(300)).await;
    let api = gateway.api().await;
    let authorizer = protect(&api, "guard", &[], json!({})).await;
    api.deploy("prod").await;
    let path = asking(&api, "hang", "");
    let refusal = gateway.refused(&path, &[]).await;
    check_refusal(&refusal, 500, "");
    let other = json!({ "authorizerUri": uri("nobody") });
    api.control("PATCH", &format!("authorizers/{authorizer}"), other)
        .await;
    let deployment = api.create_deployment().await;
    api.point("prod", &deployment).await;
    let refusal = gateway.refused(&path, &[]).await;
    // As where API Gateway may not invoke the function.
    check_refusal(&refusal, 500, "Internal server error");
}

#[tokio::test]
async fn an_authorizer_may_say_which_api_key_a_client_stands_for() {
    let mut options = options(&[guard(ALLOWED)], Duration::from_mins(1));
    options.keyring = Keyring {
        api_keys: vec![ApiKey {
            name: "ann".to_owned(),
            value: Secret::new("key of ann"),
            stages: vec!["*/prod".to_owned()],
        }],
        ..Keyring::default()
    };
    let gateway = Gateway::with(options).await;
    let api = gateway.api().await;
    let selection =
        json!({ "apiKeySelectionExpression": "$context.authorizer.usageIdentifierKey" });
    gateway
        .control("PATCH", &format!("/v2/apis/{}", api.id), selection)
        .await;
    protect(&api, "guard", &[], json!({ "apiKeyRequired": true })).await;
    api.mock("$default", r#"{"key":"$context.identity.apiKey"}"#)
        .await;
    api.deploy("prod").await;
    api.deploy("test").await;
    let mut socket = opened(&gateway, &api.stage_path("prod")).await;
    socket.send(Message::text("who")).await.unwrap();
    assert_eq!(next_json(&mut socket).await["key"], "key of ann");
    // There the key is not good, and one in the header is not looked at.
    let refusal = gateway
        .refused(&api.stage_path("test"), &[("x-api-key", "key of ann")])
        .await;
    check_refusal(&refusal, 403, "Forbidden");
}

#[tokio::test]
async fn another_authorizer_is_asked_only_at_the_next_handshake_after_a_deployment() {
    let gateway = gateway(&[guard(ALLOWED)]).await;
    let api = gateway.api().await;
    let authorizer = protect(&api, "guard", &[], json!({})).await;
    api.mock("$default", "$context.authorizer.principalId")
        .await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let mut socket = opened(&gateway, &path).await;
    let other = json!({ "authorizerUri": uri("nobody") });
    api.control("PATCH", &format!("authorizers/{authorizer}"), other)
        .await;
    // Not deployed yet.
    let mut second = opened(&gateway, &path).await;
    let deployment = api.create_deployment().await;
    api.point("prod", &deployment).await;
    assert_eq!(gateway.refused(&path, &[]).await.status, 500);
    for socket in [&mut socket, &mut second] {
        socket.send(Message::text("still here")).await.unwrap();
        assert_eq!(next_text(socket).await, "ann");
    }
}

#[tokio::test]
async fn the_access_log_tells_how_the_function_was_asked() {
    let gateway = gateway(&[told("guard")]).await;
    let api = gateway.api().await;
    let sources = ["route.request.querystring.do"];
    let authorizer = protect(&api, "guard", &sources, json!({})).await;
    api.deploy("prod").await;
    let names = [
        "status",
        "error.responseType",
        "authorizer.status",
        "authorizer.integrationStatus",
        "authorizer.principalId",
        "authorizer.room",
        "authorizer.error",
        "authorize.status",
        "authorize.error",
        "waf.status",
        "authorizer.requestId",
        "authorizer.latency",
        "authorizer.integrationLatency",
        "authorize.latency",
        "requestId",
    ];
    let format = names.map(|name| format!("$context.{name}")).join("|");
    log(&api, "prod", &format).await;
    let told = async || {
        let line = lines(&gateway, &api, "prod").await.pop().unwrap();
        let values: Vec<String> = line.split('|').map(str::to_owned).collect();
        let (known, measured) = values.split_at(10);
        (known.join("|"), measured.to_vec())
    };
    let is_number = |text: &String| text.parse::<u64>().is_ok();

    let _open = opened(&gateway, &asking(&api, "say", ALLOWED)).await;
    let (known, measured) = told().await;
    assert_eq!(known, "200|-|200|200|ann|blue|-|200|-|-");
    // Lambda's id of the invocation, and how long it took.
    assert_eq!(measured[0].len(), 36, "{measured:?}");
    assert!(measured[1..4].iter().all(is_number), "{measured:?}");
    for (what_to_do, what, expected) in [
        (
            "say",
            ALLOWED.replace("Allow", "Deny"),
            format!("403|ACCESS_DENIED|200|200|-|-|-|403|{EXPLICIT}|-"),
        ),
        (
            "throw",
            "Unauthorized".to_owned(),
            "401|UNAUTHORIZED|401|200|-|-|Unauthorized|-|-|-".to_owned(),
        ),
        (
            "say",
            "null".to_owned(),
            "500|AUTHORIZER_FAILURE|500|200|-|-|the function's answer is no object|-|-|-"
                .to_owned(),
        ),
    ] {
        gateway.refused(&asking(&api, what_to_do, &what), &[]).await;
        let (known, measured) = told().await;
        assert_eq!(known, expected);
        assert_eq!(measured[0].len(), 36, "{measured:?}");
    }
    // Without an identity nobody is asked, and nobody can be asked who is not there.
    gateway.refused(&api.stage_path("prod"), &[]).await;
    let (known, measured) = told().await;
    assert_eq!(known, "401|UNAUTHORIZED|-|-|-|-|-|-|-|-");
    assert_eq!(measured[..4], ["-"; 4]);
    for (function, why) in [
        ("nobody", "Function not found: "),
        (
            "${stageVariables.guard}",
            "the URI needs the stage variable",
        ),
    ] {
        let other = json!({ "authorizerUri": uri(function) });
        api.control("PATCH", &format!("authorizers/{authorizer}"), other)
            .await;
        let deployment = api.create_deployment().await;
        api.point("prod", &deployment).await;
        gateway.refused(&asking(&api, "say", ALLOWED), &[]).await;
        let (known, _) = told().await;
        let begins = format!("500|AUTHORIZER_CONFIGURATION_ERROR|500|-|-|-|{why}");
        assert!(known.starts_with(&begins), "{known}");
    }
}

#[tokio::test]
async fn the_access_log_names_the_invocation_of_a_backend() {
    let gateway = gateway(&[told("f")]).await;
    let api = gateway.api().await;
    let integration = function_integration(&api, "f").await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    log(
        &api,
        "prod",
        "$context.eventType $context.awsEndpointRequestId [$context.requestId]",
    )
    .await;
    let mut socket = opened(&gateway, &api.stage_path("prod")).await;
    let message = json!({ "do": "say", "what": "{\"statusCode\":200,\"body\":\"hi\"}" });
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
    assert_eq!(next_text(&mut socket).await, "hi");
    let lines = lines(&gateway, &api, "prod").await;
    assert!(lines[0].starts_with("CONNECT - ["), "{lines:?}");
    let words: Vec<_> = lines[1].split(' ').collect();
    assert!(words[0] == "MESSAGE" && words[1].len() == 36, "{words:?}");
}
