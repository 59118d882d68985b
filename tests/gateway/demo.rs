//! The demo's backends, reached through ordinary integrations.

use futures_util::SinkExt;
use http_body_util::Full;
use serde_json::{Value, json};
use stagewire::gateway::Options;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Api, Gateway, Socket, next_json, next_text, soon};

/// Defines the demo's routes the way its definition files do.
async fn define(api: &Api<'_>) {
    let mapped = json!({ "requestParameters": {
        "integration.request.header.connectionId": "context.connectionId",
        "integration.request.header.domainName": "context.domainName",
        "integration.request.header.stage": "context.stage",
    }});
    for (key, path) in [
        ("$connect", "connect"),
        ("$disconnect", "disconnect"),
        ("sendMessage", "send"),
        ("big", "big"),
        ("tick", "tick"),
    ] {
        let uri = format!("http://gateway.localhost/_demo/{path}");
        let integration = api.proxy_with(&uri, mapped.clone()).await;
        api.route(key, Some(&integration)).await;
    }
    let uri = "http://gateway.localhost/_demo/default";
    let integration = api.proxy_with(uri, mapped).await;
    api.two_way_route("$default", &integration).await;
}

async fn say(socket: &mut Socket, message: Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_demo_echoes_broadcasts_and_sends_long_messages() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    define(&api).await;
    api.deploy("prod").await;
    api.deploy("test").await;
    let mut alice = gateway.connect(&api.stage_path("prod")).await;
    let mut bob = gateway.connect(&api.stage_path("prod")).await;
    let mut elsewhere = gateway.connect(&api.stage_path("test")).await;

    alice.send(Message::text("hi")).await.unwrap();
    let echo = next_json(&mut alice).await;
    assert_eq!(echo["echo"], "hi");
    assert_eq!(echo["hint"], Value::Null);

    say(
        &mut alice,
        json!({ "action": "sendMessage", "data": "hello" }),
    )
    .await;
    for socket in [&mut alice, &mut bob] {
        assert_eq!(next_json(socket).await["data"], "hello");
    }
    bob.send(Message::Close(None)).await.unwrap();
    say(
        &mut alice,
        json!({ "action": "sendMessage", "data": { "still": "here" } }),
    )
    .await;
    assert_eq!(next_json(&mut alice).await["data"]["still"], "here");

    say(&mut alice, json!({ "action": "big" })).await;
    let big = next_text(&mut alice).await;
    assert!((98_305..=131_072).contains(&big.len()), "{}", big.len());

    say(&mut elsewhere, json!({ "action": "other" })).await;
    assert_eq!(next_json(&mut elsewhere).await["echo"]["action"], "other");
}

#[tokio::test]
async fn ticks_arrive_in_order_and_a_flood_flows() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    define(&api).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    say(
        &mut socket,
        json!({ "action": "tick", "count": 20_000, "rate": 50_000 }),
    )
    .await;
    soon(async {
        for number in 1..=20_000 {
            assert_eq!(
                next_json(&mut socket).await,
                json!({ "tick": number, "of": 20_000 })
            );
        }
    })
    .await;
    say(&mut socket, json!({ "action": "tick", "count": 0 })).await;
    assert_eq!(
        next_json(&mut socket).await,
        json!({ "error": "count goes from 1 to 1000000" })
    );
    // A stream without end goes with its client, and the gateway stops at once.
    say(
        &mut socket,
        json!({ "action": "tick", "count": 1_000_000, "rate": 1 }),
    )
    .await;
    next_text(&mut socket).await;
    soon(gateway.running.stop()).await;
}

#[tokio::test]
async fn the_shipped_demo_works_stage_by_stage() {
    let gateway = Gateway::with(Options::default()).await;
    let apis = gateway.control("GET", "/v2/apis", Value::Null).await;
    let id = |name: &str| {
        let found = apis["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|api| api["name"] == name);
        found.unwrap()["apiId"].as_str().unwrap().to_owned()
    };
    let chat = id("chat");
    let mut prod = gateway.connect(&format!("/{chat}/prod")).await;
    let mut test = gateway.connect(&format!("/{chat}/test")).await;
    // The older deployment has no `tick`, so there the message is echoed.
    say(&mut prod, json!({ "action": "tick", "count": 1 })).await;
    assert_eq!(next_json(&mut prod).await["echo"]["action"], "tick");
    say(&mut test, json!({ "action": "tick", "count": 1 })).await;
    assert_eq!(next_json(&mut test).await, json!({ "tick": 1, "of": 1 }));
    say(
        &mut test,
        json!({ "action": "sendMessage", "data": "hello" }),
    )
    .await;
    assert_eq!(next_json(&mut test).await["data"], "hello");
    say(&mut prod, json!({ "action": "big" })).await;
    assert!(next_text(&mut prod).await.len() > 98_304);
    let mut ticker = gateway.connect(&format!("/{}/live", id("ticker"))).await;
    say(
        &mut ticker,
        json!({ "action": "subscribe", "count": 2, "rate": 1000 }),
    )
    .await;
    next_text(&mut ticker).await;
    assert_eq!(next_json(&mut ticker).await, json!({ "tick": 2, "of": 2 }));
}

#[tokio::test]
async fn web_pages_and_clients_that_act_like_one_connect_to_the_shipped_demo() {
    let gateway = Gateway::with(Options::default()).await;
    let apis = gateway.control("GET", "/v2/apis", Value::Null).await;
    for api in apis["items"].as_array().unwrap() {
        let stage = match api["name"].as_str().unwrap() {
            "chat" => "prod",
            _ => "live",
        };
        let path = format!("/{}/{stage}", api["apiId"].as_str().unwrap());
        for headers in [
            &[("origin", "http://localhost:3000")][..],
            // Node's own WebSocket.
            &[("sec-fetch-mode", "websocket")],
            &[
                ("origin", "https://example.com"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "websocket"),
            ],
        ] {
            let connected = gateway.try_connect(&path, headers).await;
            assert!(connected.is_ok(), "{path}: {headers:?}: {connected:?}");
        }
    }
}

/// Follows the hint of a stage to its end; what was hinted at.
async fn follow_hints(gateway: &Gateway, path: &str) -> Vec<String> {
    let mut socket = gateway.connect(path).await;
    say(&mut socket, json!("what can I say?")).await;
    let echo = next_json(&mut socket).await;
    let hints = echo["hint"].as_array().unwrap().clone();
    let mut followed = Vec::new();
    for hint in hints {
        let mut socket = gateway.connect(path).await;
        say(&mut socket, hint.clone()).await;
        let answer = next_json(&mut socket).await;
        for wrong in ["echo", "error", "message"] {
            assert_eq!(answer[wrong], Value::Null, "{path}: {hint}");
        }
        followed.push(hint["action"].as_str().unwrap().to_owned());
    }
    followed
}

#[tokio::test]
async fn what_a_stage_hints_at_works_on_that_stage() {
    let gateway = Gateway::with(Options::default()).await;
    let apis = gateway.control("GET", "/v2/apis", Value::Null).await;
    for (name, stage, expected) in [
        ("chat", "prod", &["sendMessage", "big", "ping"][..]),
        ("chat", "test", &["sendMessage", "big", "ping"]),
        ("ticker", "live", &["subscribe"]),
    ] {
        let items = apis["items"].as_array().unwrap();
        let api = items.iter().find(|api| api["name"] == name).unwrap();
        let path = format!("/{}/{stage}", api["apiId"].as_str().unwrap());
        assert_eq!(
            follow_hints(&gateway, &path).await,
            expected,
            "{name} {stage}"
        );
    }
}

#[tokio::test]
async fn the_backends_call_nobody_but_this_gateway() {
    let gateway = Gateway::start().await;
    for domain_name in ["example.com/x", "127.0.0.1:1/x", "user@example.com:80", ""] {
        let request = gateway
            .request("POST", "/_demo/big")
            .header("connectionId", "AAAAAAAAAAAAAAA=")
            .header("domainName", domain_name)
            .header("stage", "prod");
        let answer = gateway.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 400, "{domain_name}");
    }
}
