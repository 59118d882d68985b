//! Which route a message selects, and what the client gets back.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Backend, Gateway, Socket, next_json, next_text};

async fn ask(socket: &mut Socket, text: &str) -> String {
    socket.send(Message::text(text)).await.unwrap();
    next_text(socket).await
}

#[tokio::test]
async fn the_expression_selects_and_default_takes_the_rest() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    for key in ["join", "$default", "1", "$connect", "$disconnect"] {
        if key.starts_with("$c") || key.starts_with("$di") {
            let integration = api.mock_integration(200, "lifecycle").await;
            api.route(key, Some(&integration)).await;
        } else {
            api.mock(key, &format!("route {key}")).await;
        }
    }
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for (message, expected) in [
        (r#"{"action":"join"}"#, "route join"),
        (r#"{"action":1}"#, "route 1"),
        (r#"{"action":"Join"}"#, "route $default"),
        (r#"{"action":"$default"}"#, "route $default"),
        (r#"{"action":"$connect"}"#, "route $default"),
        (r#"{"action":"$disconnect"}"#, "route $default"),
        (r#"{"action":null}"#, "route $default"),
        (r#"{"other":"join"}"#, "route $default"),
        (r#"["join"]"#, "route $default"),
        (r#""join""#, "route $default"),
        ("join", "route $default"),
        ("", "route $default"),
        ("{", "route $default"),
    ] {
        assert_eq!(ask(&mut socket, message).await, expected, "{message}");
    }
}

#[tokio::test]
async fn expressions_can_be_composed() {
    let gateway = Gateway::start().await;
    let api = gateway
        .api_routed_by("${request.body.service}/${request.body.action}")
        .await;
    api.mock("chat/join", "joined").await;
    api.mock("$default", "default").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    assert_eq!(
        ask(&mut socket, r#"{"service":"chat","action":"join"}"#).await,
        "joined"
    );
    assert_eq!(ask(&mut socket, r#"{"service":"chat"}"#).await, "default");
    assert_eq!(ask(&mut socket, "text").await, "default");
}

#[tokio::test]
async fn no_route_is_forbidden_to_the_byte_and_leaves_the_socket_open() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("who", "$context.connectionId").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let id = ask(&mut socket, r#"{"action":"who"}"#).await;
    for message in ["text", r#"{"action":"nobody"}"#, r#"{"action":"$connect"}"#] {
        let frame = ask(&mut socket, message).await;
        let start =
            format!("{{\"message\": \"Forbidden\", \"connectionId\":\"{id}\", \"requestId\":\"");
        let request_id = frame
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix("\"}"))
            .unwrap();
        assert_eq!(request_id.len(), 16);
        assert!(request_id.ends_with('='));
    }
    assert_eq!(ask(&mut socket, r#"{"action":"who"}"#).await, id);
}

#[tokio::test]
async fn a_one_way_route_answers_nothing_but_tells_of_failure() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let proxy = api.proxy(&backend.uri("/in")).await;
    api.route("note", Some(&proxy)).await;
    let broken = api.proxy("http://127.0.0.1:1/").await;
    api.route("broken", Some(&broken)).await;
    let mock = api.mock_integration(200, "never seen").await;
    api.route("quiet", Some(&mock)).await;
    api.mock("end", "end").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket
        .send(Message::text(r#"{"action":"quiet"}"#))
        .await
        .unwrap();
    socket
        .send(Message::text(r#"{"action":"note","x":1}"#))
        .await
        .unwrap();
    let received = backend.received().await;
    assert_eq!(received.body, r#"{"action":"note","x":1}"#);
    assert_eq!(received.headers["content-type"], "application/json");
    let failure: serde_json::Value =
        serde_json::from_str(&ask(&mut socket, r#"{"action":"broken"}"#).await).unwrap();
    assert_eq!(failure["message"], "Internal server error");
    assert_eq!(ask(&mut socket, r#"{"action":"end"}"#).await, "end");
}

#[tokio::test]
async fn a_deployed_response_alone_makes_a_route_two_way() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.mock_integration(200, "answer").await;
    let route = api.route("ask", Some(&integration)).await;
    api.mock("end", "end").await;
    api.deploy("before").await;
    let response = json!({ "routeResponseKey": "$default" });
    api.control("POST", &format!("routes/{route}/routeresponses"), response)
        .await;
    for (stage, answers) in [("before", &["end"][..]), ("after", &["answer", "end"])] {
        if stage == "after" {
            api.deploy(stage).await;
        }
        let mut socket = gateway.connect(&api.stage_path(stage)).await;
        let message = Message::text(r#"{"action":"ask"}"#);
        socket.send(message).await.unwrap();
        let mut heard = vec![ask(&mut socket, r#"{"action":"end"}"#).await];
        while heard.last().is_some_and(|text| text != "end") {
            heard.push(next_text(&mut socket).await);
        }
        assert_eq!(heard, answers, "{stage}");
    }
}

#[tokio::test]
async fn templates_see_context_and_stage_variables() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let template = concat!(
        r#"{"id":"$context.connectionId","route":"$context.routeKey","stage":"$context.stage","api":"$context.apiId","#,
        r#""event":"$context.eventType","message":"$context.messageId","ip":"$context.identity.sourceIp","#,
        r#""agent":"$context.identity.userAgent","color":"$stageVariables.color","at":$context.requestTimeEpoch,"#,
        r#""time":"$context.requestTime"}"#
    );
    api.mock("show", template).await;
    api.deploy("prod").await;
    let body = json!({ "stageVariables": { "color": "blue" } });
    api.control("PATCH", "stages/prod", body).await;
    let (mut socket, _) = gateway
        .try_connect(&api.stage_path("prod"), &[("user-agent", "me/1")])
        .await
        .unwrap();
    socket
        .send(Message::text(r#"{"action":"show"}"#))
        .await
        .unwrap();
    let shown = next_json(&mut socket).await;
    assert_eq!(shown["route"], "show");
    assert_eq!(shown["stage"], "prod");
    assert_eq!(shown["api"], api.id);
    assert_eq!(shown["event"], "MESSAGE");
    assert_eq!(shown["ip"], "127.0.0.1");
    assert_eq!(shown["agent"], "me/1");
    assert_eq!(shown["color"], "blue");
    assert_eq!(shown["id"].as_str().unwrap().len(), 20);
    assert_ne!(shown["message"], shown["id"]);
    assert!(shown["time"].as_str().unwrap().ends_with(" +0000"));

    let body = json!({ "stageVariables": { "color": "red" } });
    api.control("PATCH", "stages/prod", body).await;
    socket
        .send(Message::text(r#"{"action":"show"}"#))
        .await
        .unwrap();
    assert_eq!(next_json(&mut socket).await["color"], "red");
}

#[tokio::test]
async fn pings_are_answered() {
    use futures_util::StreamExt;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    let answer = crate::support::gateway::soon(socket.next()).await;
    assert_eq!(
        answer.unwrap().unwrap(),
        Message::Pong("are you there".into())
    );
}

/// Sends one-way messages without a pause until it is dropped, while a post goes to the same connection.
async fn post_during_a_flood_of(message: &str) {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("id", "$context.connectionId").await;
    let silent = api.mock_integration(200, "").await;
    api.route("$default", Some(&silent)).await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let mut socket = gateway.connect(&path).await;
    socket
        .send(Message::text(r#"{"action":"id"}"#))
        .await
        .unwrap();
    let id = next_text(&mut socket).await;
    let call = format!("{path}/@connections/{id}");
    let (mut sink, mut stream) = socket.split();
    let message = Message::text(message);
    let flood = tokio::spawn(async move {
        loop {
            for _ in 0..1_000 {
                sink.feed(message.clone()).await.unwrap();
            }
        }
    });
    for n in 0..3 {
        let text = format!("post {n}");
        assert_eq!(gateway.call("POST", &call, text.clone()).await.status, 200);
        let arrived = tokio::time::timeout(std::time::Duration::from_secs(5), stream.next()).await;
        let arrived = arrived.unwrap_or_else(|_| panic!("{text} did not arrive"));
        assert_eq!(arrived.unwrap().unwrap(), Message::text(text));
    }
    flood.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn posts_arrive_while_short_messages_flood_in() {
    post_during_a_flood_of(r#"{"a":1}"#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn posts_arrive_while_long_messages_flood_in() {
    post_during_a_flood_of(&"x".repeat(32_000)).await;
}
