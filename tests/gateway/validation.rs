//! Request validation: what the models of a deployment let through to a backend, and what they do not.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::support::gateway::{Api, Backend, Gateway, Socket, next_json, next_text};

/// A model of this name; gives its id.
async fn model(api: &Api<'_>, name: &str, schema: Value) -> String {
    let body =
        json!({ "name": name, "contentType": "application/json", "schema": schema.to_string() });
    let made = api.control("POST", "models", body).await;
    made["modelId"].as_str().unwrap().to_owned()
}

/// Holds the messages of a route to models.
async fn hold(api: &Api<'_>, route: &str, expression: &str, models: Value) {
    let body = json!({ "modelSelectionExpression": expression, "requestModels": models });
    api.control("PATCH", &format!("routes/{route}"), body).await;
}

fn needs(member: &str) -> Value {
    json!({ "type": "object", "required": [member] })
}

/// Sends a text in frames that the gateway takes.
pub(crate) async fn send_long(socket: &mut Socket, text: &str) {
    let mut parts = text.as_bytes().chunks(32_768).peekable();
    let mut opcode = Data::Text;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let frame = Frame::message(part.to_vec(), OpCode::Data(opcode), is_last);
        socket.send(Message::Frame(frame)).await.unwrap();
        opcode = Data::Continue;
    }
}

/// Sends a message that must be refused.
async fn refused(socket: &mut Socket, text: &str) {
    send_long(socket, text).await;
    let notice = next_text(socket).await;
    let members: Value = serde_json::from_str(&notice).unwrap();
    let id = |name: &str| members[name].as_str().unwrap().to_owned();
    let (connection, request) = (id("connectionId"), id("requestId"));
    assert_eq!(
        notice,
        format!(
            "{{\"message\": \"Bad request body\", \"connectionId\":\"{connection}\", \"requestId\":\"{request}\"}}"
        )
    );
}

#[tokio::test]
async fn a_message_that_is_not_what_its_model_says_never_reaches_the_backend() {
    let gateway = Gateway::start().await;
    let mut backend = Backend::start([]).await;
    let api = gateway.api().await;
    let proxy = api.proxy(&backend.uri("/say")).await;
    // One-way: the notice comes all the same.
    let route = api.route("say", Some(&proxy)).await;
    model(&api, "Say", needs("text")).await;
    hold(&api, &route, "say", json!({ "say": "Say" })).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    refused(&mut socket, r#"{"action":"say"}"#).await;
    refused(&mut socket, r#"{"action":"say","Text":1}"#).await;
    let good = r#"{"action":"say","text":"hello"}"#;
    socket.send(Message::text(good)).await.unwrap();
    assert_eq!(backend.received().await.body, good);
    assert!(backend.is_quiet());
}

#[tokio::test]
async fn the_expression_chooses_among_the_models_of_a_route() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mock = api.mock_integration(200, "taken").await;
    let chosen = api.two_way_route("chosen", &mock).await;
    let fallen_back = api.two_way_route("fallen back", &mock).await;
    let unknown = api.two_way_route("unknown", &mock).await;
    let unasked = api.two_way_route("unasked", &mock).await;
    model(&api, "Text", needs("text")).await;
    model(&api, "Number", needs("n")).await;
    let by_kind = "$request.body.kind";
    let both = json!({ "text": "Text", "$default": "Number" });
    hold(&api, &chosen, by_kind, both.clone()).await;
    hold(&api, &fallen_back, "\\$default", both.clone()).await;
    hold(&api, &unknown, by_kind, json!({ "text": "Text" })).await;
    let body = json!({ "requestModels": both });
    api.control("PATCH", &format!("routes/{unasked}"), body)
        .await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for (is_taken, message) in [
        (
            true,
            json!({ "action": "chosen", "kind": "text", "text": 1 }),
        ),
        (false, json!({ "action": "chosen", "kind": "text", "n": 1 })),
        (true, json!({ "action": "chosen", "kind": "Text", "n": 1 })),
        (false, json!({ "action": "chosen", "text": 1 })),
        (
            true,
            json!({ "action": "fallen back", "kind": "text", "n": 1 }),
        ),
        (false, json!({ "action": "fallen back", "text": 1 })),
        (
            true,
            json!({ "action": "unknown", "kind": "text", "text": 1 }),
        ),
        (
            false,
            json!({ "action": "unknown", "kind": "other", "text": 1 }),
        ),
        // Models alone hold nobody.
        (true, json!({ "action": "unasked" })),
    ] {
        if is_taken {
            let message = Message::text(message.to_string());
            socket.send(message).await.unwrap();
            assert_eq!(next_text(&mut socket).await, "taken");
        } else {
            refused(&mut socket, &message.to_string()).await;
        }
    }
}

#[tokio::test]
async fn a_stage_holds_messages_to_the_models_of_its_deployment() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mock = api.mock_integration(200, "taken").await;
    let route = api.two_way_route("say", &mock).await;
    let shared = model(&api, "Shared", needs("text")).await;
    let reference = format!(
        "https://apigateway.amazonaws.com/restapis/{}/models/Shared",
        api.id
    );
    model(&api, "Say", json!({ "$ref": reference })).await;
    hold(&api, &route, "say", json!({ "say": "Say" })).await;
    let first = api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let changed = json!({ "schema": needs("n").to_string() });
    api.control("PATCH", &format!("models/{shared}"), changed)
        .await;
    let (old, new) = (r#"{"action":"say","text":1}"#, r#"{"action":"say","n":1}"#);
    let second = api.create_deployment().await;
    for (moved_to, good, bad) in [
        (None, old, new),
        (Some(&second), new, old),
        (Some(&first), old, new),
    ] {
        if let Some(deployment) = moved_to {
            api.point("prod", deployment).await;
        }
        refused(&mut socket, bad).await;
        socket.send(Message::text(good)).await.unwrap();
        assert_eq!(next_text(&mut socket).await, "taken");
    }
}

#[tokio::test]
async fn what_is_not_json_or_cannot_be_judged_is_refused_and_the_connection_lives() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mock = api.mock_integration(200, "taken").await;
    let any = api.two_way_route("$default", &mock).await;
    let tree = api.two_way_route("tree", &mock).await;
    let broken = api.two_way_route("broken", &mock).await;
    model(&api, "Any", json!({})).await;
    model(
        &api,
        "Tree",
        json!({ "properties": { "child": { "$ref": "#" } } }),
    )
    .await;
    model(
        &api,
        "Broken",
        json!({ "properties": { "a": { "$ref": "file:///etc/hostname" } } }),
    )
    .await;
    hold(&api, &any, "any", json!({ "any": "Any" })).await;
    hold(&api, &tree, "tree", json!({ "tree": "Tree" })).await;
    hold(&api, &broken, "broken", json!({ "broken": "Broken" })).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for text in [
        "hello".to_owned(),
        // Deeper than anybody reads, whole and cut off.
        deep(65_000),
        "[".repeat(100_000),
        "{\"action\":".repeat(12_000),
        format!(r#"{{"action":"tree","child":{}}}"#, deep(60_000)),
        r#"{"action":"broken"}"#.to_owned(),
    ] {
        refused(&mut socket, &text).await;
    }
    let nested = format!(
        r#"{{"action":"tree",{}{}}}"#,
        r#""child":{"#.repeat(100),
        "}".repeat(100)
    );
    send_long(&mut socket, &nested).await;
    assert_eq!(next_text(&mut socket).await, "taken");
    send_long(&mut socket, r#"{"action":"other"}"#).await;
    assert_eq!(next_text(&mut socket).await, "taken");
    send_long(&mut socket, r#"{"action":"broken","a":1}"#).await;
    assert_eq!(next_json(&mut socket).await["message"], "Bad request body");
}
