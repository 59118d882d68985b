//! A stage serves what its deployment froze, and open sockets follow the stage.

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Gateway, Socket, close_code, next_text};

async fn ask(socket: &mut Socket) -> String {
    socket
        .send(Message::text(r#"{"action":"x"}"#))
        .await
        .unwrap();
    next_text(socket).await
}

#[tokio::test]
async fn an_edit_waits_for_a_deployment_and_the_old_one_can_return() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.mock("x", "old").await;
    let old = api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    assert_eq!(ask(&mut socket).await, "old");

    let path = format!("integrations/{integration}/integrationresponses");
    let responses = api.control("GET", &path, json!(null)).await;
    let response = responses["items"][0]["integrationResponseId"]
        .as_str()
        .unwrap();
    let body = json!({ "responseTemplates": { "200": "new" } });
    api.control("PATCH", &format!("{path}/{response}"), body)
        .await;
    api.mock("$default", "fallback").await;
    assert_eq!(ask(&mut socket).await, "old");

    let new = api.create_deployment().await;
    assert_eq!(ask(&mut socket).await, "old");
    api.point("prod", &new).await;
    assert_eq!(ask(&mut socket).await, "new");
    api.point("prod", &old).await;
    assert_eq!(ask(&mut socket).await, "old");
    socket.send(Message::text("no json")).await.unwrap();
    assert!(next_text(&mut socket).await.contains("Forbidden"));
}

#[tokio::test]
async fn two_stages_serve_two_deployments_at_once() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("y", "y").await;
    api.deploy("old").await;
    api.mock("x", "x").await;
    api.deploy("new").await;
    let mut old = gateway.connect(&api.stage_path("old")).await;
    let mut new = gateway.connect(&api.stage_path("new")).await;
    assert!(ask(&mut old).await.contains("Forbidden"));
    assert_eq!(ask(&mut new).await, "x");
}

#[tokio::test]
async fn what_is_deleted_closes_its_clients() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("x", "x").await;
    api.deploy("a").await;
    api.deploy("b").await;
    let mut a = gateway.connect(&api.stage_path("a")).await;
    let mut b = gateway.connect(&api.stage_path("b")).await;
    api.control("DELETE", "stages/a", json!(null)).await;
    assert_eq!(close_code(&mut a).await, 1001);
    assert_eq!(ask(&mut b).await, "x");
    assert_eq!(gateway.refused(&api.stage_path("a"), &[]).await.status, 403);
    gateway
        .control("DELETE", &format!("/v2/apis/{}", api.id), json!(null))
        .await;
    assert_eq!(close_code(&mut b).await, 1001);
}
