//! Throttling as clients see it: by the stage's settings of this moment. How buckets fill is tested where they are.

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    data_handshake::check_refusal,
    support::gateway::{Gateway, Socket, next_json, next_text},
};

async fn ask(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

#[tokio::test]
async fn a_route_over_its_limit_is_told_so_and_others_go_on() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.mock("join", "joined").await;
    api.deploy("prod").await;
    let limits = |rate: f64, burst: i32| {
        json!({ "routeSettings": { "join": {
            "throttlingRateLimit": rate, "throttlingBurstLimit": burst } } })
    };
    api.control("PATCH", "stages/prod", limits(0.001, 2)).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for _ in 0..2 {
        ask(&mut socket, r#"{"action":"join"}"#).await;
        assert_eq!(next_text(&mut socket).await, "joined");
    }
    ask(&mut socket, r#"{"action":"join"}"#).await;
    assert_eq!(next_json(&mut socket).await["message"], "Too Many Requests");
    ask(&mut socket, "anything").await;
    assert_eq!(next_text(&mut socket).await, "here");

    api.control("PATCH", "stages/prod", limits(0.001, 3)).await;
    ask(&mut socket, r#"{"action":"join"}"#).await;
    assert_eq!(next_text(&mut socket).await, "joined");
}

#[tokio::test]
async fn a_stage_with_a_limit_of_zero_refuses_handshakes_until_it_is_raised() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let limit = |rate: f64| {
        json!({ "defaultRouteSettings": {
            "throttlingRateLimit": rate, "throttlingBurstLimit": 5 } })
    };
    api.control("PATCH", "stages/prod", limit(0.0)).await;
    let refusal = gateway.refused(&api.stage_path("prod"), &[]).await;
    // It is the route that refuses, and so the answer has the form of the route's refusals.
    check_refusal(&refusal, 429, "Too Many Requests");

    api.control("PATCH", "stages/prod", limit(1000.0)).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    ask(&mut socket, "anything").await;
    assert_eq!(next_text(&mut socket).await, "here");
}
