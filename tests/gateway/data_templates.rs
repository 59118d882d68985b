//! Mapping templates, selection and conversion through a real client: what the backend gets, what the client gets, and
//! that nothing which goes wrong there takes the connection down.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Api, Backend, Behaviour, Gateway, Socket, next_json, next_text};

async fn send(socket: &mut Socket, message: &Value) {
    let text = Message::text(message.to_string());
    socket.send(text).await.unwrap();
}

/// What a message is answered with, when that is a notice of the gateway.
async fn notice(socket: &mut Socket, action: &str) -> String {
    send(socket, &json!({ "action": action })).await;
    let notice = next_json(socket).await;
    notice["message"].as_str().unwrap().to_owned()
}

async fn add_response(api: &Api<'_>, integration: &str, key: &str, more: Value) {
    let mut response = json!({ "integrationResponseKey": key });
    for (name, value) in more.as_object().unwrap() {
        response[name] = value.clone();
    }
    let path = format!("integrations/{integration}/integrationresponses");
    api.control("POST", &path, response).await;
}

/// Makes a response whose template is this.
async fn add_template(api: &Api<'_>, integration: &str, key: &str, template: &str) {
    let more = json!({ "responseTemplates": { "$default": template } });
    add_response(api, integration, key, more).await;
}

#[tokio::test]
async fn templates_make_the_request_and_the_reply() {
    let found = r#"{"hits":[{"n":1},{"n":2}]}"#;
    let mut backend = Backend::start([
        (
            "/found",
            Behaviour::Answers(201, vec![], Bytes::from(found)),
        ),
        ("/gone", Behaviour::Answers(404, vec![], Bytes::from("{}"))),
        (
            "/broken",
            Behaviour::Answers(503, vec![], Bytes::from("no JSON")),
        ),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let request = concat!(
        "#set($items = $input.path('$.items'))\n",
        "#set($last = $items.size() - 1)\n",
        "{\n",
        "#foreach($item in $items)\n",
        "  \"$item.name.toUpperCase()\": $foreach.count#if($foreach.hasNext),#end\n",
        "\n",
        "#end\n",
        "  ## what the stage and the connection say\n",
        ", \"last\": $last, \"table\": \"$stageVariables.table\", \"route\": \"$context.routeKey\"\n",
        "}",
    );
    let integration = api
        .integration(json!({
            "integrationType": "HTTP",
            "integrationMethod": "POST",
            "integrationUri": "http://${stageVariables.host}/{where}",
            "requestParameters": { "integration.request.path.where": "route.request.body.where" },
            "requestTemplates": { "application/json": request },
        }))
        .await;
    let hits = "#foreach($hit in $input.path('$.hits'))$hit.n;#end $context.status";
    add_template(&api, &integration, "/2\\d\\d/", hits).await;
    add_template(&api, &integration, "/404/", "gone").await;
    add_template(&api, &integration, "$default", "<$input.body>").await;
    api.two_way_route("find", &integration).await;
    api.deploy("prod").await;
    let host = backend.uri("").replace("http://", "");
    let variables = json!({ "stageVariables": { "table": "rooms", "host": host } });
    api.control("PATCH", "stages/prod", variables).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for (path, expected) in [
        ("found", "1;2; 201"),
        ("gone", "gone"),
        ("broken", "<no JSON>"),
    ] {
        let items = json!([{ "name": "a" }, { "name": "b" }]);
        let message = json!({ "action": "find", "where": path, "items": items });
        send(&mut socket, &message).await;
        let received = backend.received().await;
        assert_eq!(received.uri, format!("/{path}"));
        let body: Value = serde_json::from_str(&received.body).unwrap();
        let made = json!({ "A": 1, "B": 2, "last": 1, "table": "rooms", "route": "find" });
        assert_eq!(body, made);
        assert_eq!(next_text(&mut socket).await, expected);
    }
}

#[tokio::test]
async fn a_mock_decides_by_its_template() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let request = "#if($input.path('$.n') > 10){\"statusCode\": 400}#else {statusCode: 200}#end";
    let mock = api
        .integration(json!({
            "integrationType": "MOCK",
            "requestTemplates": { "$default": request },
        }))
        .await;
    add_template(&api, &mock, "/4../", "too many").await;
    let joined = "#set($to = $input.params('none'))fine$to$context.eventType";
    add_template(&api, &mock, "$default", joined).await;
    api.two_way_route("$default", &mock).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for (n, expected) in [(11, "too many"), (10, "fineMESSAGE")] {
        send(&mut socket, &json!({ "n": n })).await;
        assert_eq!(next_text(&mut socket).await, expected);
    }
}

/// A backend that answers the half of what it promised and hangs up.
async fn half_an_answer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _read = stream.read(&mut head).await.unwrap();
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
            stream.write_all(half).await.unwrap();
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn what_goes_wrong_is_told_and_the_connection_lives() {
    let backend = Backend::start([
        ("/hang", Behaviour::Hangs),
        (
            "/huge",
            Behaviour::Answers(200, vec![], vec![b'x'; 10_000_000].into()),
        ),
        ("/ok", Behaviour::Answers(200, vec![], Bytes::from("{}"))),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let endless =
        "#set($l = [1..1000])#foreach($a in $l)#foreach($b in $l)#foreach($c in $l)#end#end#end";
    let growing = "#set($s = 'ab')#foreach($i in [1..1000])#set($s = \"$s$s\")#end$s";
    let thrown = "#set($l = [])$l.get(7)";
    for (action, template) in [
        ("endless", endless),
        ("growing", growing),
        ("thrown", thrown),
        ("unclosed", "#if(true)"),
        ("foreign", "#parse('x')"),
    ] {
        let mock = api.mock_integration(200, template).await;
        api.two_way_route(action, &mock).await;
        let request = api
            .integration(json!({
                "integrationType": "HTTP",
                "integrationMethod": "POST",
                "integrationUri": backend.uri("/ok"),
                "requestTemplates": { "$default": template },
            }))
            .await;
        // One-way: what fails is told nevertheless.
        api.route(&format!("{action}-request"), Some(&request))
            .await;
    }
    let half = half_an_answer().await;
    for (action, uri) in [
        ("hang", backend.uri("/hang")),
        ("huge", backend.uri("/huge")),
        ("half", half),
        ("nobody", "http://${stageVariables.none}/".to_owned()),
    ] {
        let integration = api
            .integration(json!({
                "integrationType": "HTTP",
                "integrationMethod": "POST",
                "integrationUri": uri,
                "timeoutInMillis": if action == "hang" { 50 } else { 20_000 },
            }))
            .await;
        add_response(&api, &integration, "$default", json!({})).await;
        api.two_way_route(action, &integration).await;
    }
    api.mock("ping", "pong").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for action in [
        "endless",
        "growing",
        "thrown",
        "unclosed",
        "foreign",
        "endless-request",
        "growing-request",
        "thrown-request",
        "unclosed-request",
        "foreign-request",
        "huge",
        "half",
        "nobody",
    ] {
        let told = notice(&mut socket, action).await;
        assert_eq!(told, "Internal server error", "{action}");
    }
    assert_eq!(
        notice(&mut socket, "hang").await,
        "Endpoint request timed out"
    );
    send(&mut socket, &json!({ "action": "ping" })).await;
    assert_eq!(next_text(&mut socket).await, "pong");
}

#[tokio::test]
async fn a_refused_payload_is_an_unsupported_media_type() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    for (action, behaviour, templates) in [
        ("never", "NEVER", json!({})),
        ("never-other", "NEVER", json!({ "other": "x" })),
        (
            "without-templates",
            "WHEN_NO_TEMPLATES",
            json!({ "other": "x" }),
        ),
        ("passes", "WHEN_NO_TEMPLATES", json!({})),
        ("passes-other", "WHEN_NO_MATCH", json!({ "other": "x" })),
    ] {
        let integration = api
            .integration(json!({
                "integrationType": "HTTP",
                "integrationMethod": "POST",
                "integrationUri": backend.uri("/"),
                "passthroughBehavior": behaviour,
                "templateSelectionExpression": "none",
                "requestTemplates": templates,
            }))
            .await;
        api.route(action, Some(&integration)).await;
    }
    let never = json!({ "integrationType": "MOCK", "passthroughBehavior": "NEVER" });
    let never = api.integration(never).await;
    api.deploy("prod").await;
    api.route("$connect", Some(&never)).await;
    api.deploy("closed").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for action in ["never", "never-other", "without-templates"] {
        let told = notice(&mut socket, action).await;
        assert_eq!(told, "Unsupported Media Type", "{action}");
    }
    for action in ["passes", "passes-other"] {
        send(&mut socket, &json!({ "action": action })).await;
        let received = backend.received().await;
        assert_eq!(received.body, json!({ "action": action }).to_string());
    }
    let refusal = gateway.refused(&api.stage_path("closed"), &[]).await;
    assert_eq!(refusal.status, 415);
    assert_eq!(refusal.json()["message"], "Unsupported Media Type");
}

#[tokio::test]
async fn binary_data_is_converted_on_both_sides() {
    let answer = Behaviour::Answers(200, vec![], Bytes::from_static(b"\xff\xfe"));
    let mut backend = Backend::start([("/", answer)]).await;
    let gateway = Gateway::start().await;
    // Any message goes to `$default`.
    let api = gateway.api_routed_by("none").await;
    let integration = api
        .integration(json!({
            "integrationType": "HTTP",
            "integrationMethod": "POST",
            "integrationUri": backend.uri("/"),
            "contentHandlingStrategy": "CONVERT_TO_BINARY",
        }))
        .await;
    let convert = json!({ "contentHandlingStrategy": "CONVERT_TO_TEXT" });
    add_response(&api, &integration, "$default", convert).await;
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let encoded = Message::text(STANDARD.encode("hello"));
    socket.send(encoded).await.unwrap();
    assert_eq!(backend.received().await.body, "hello");
    assert_eq!(next_text(&mut socket).await, "//4=");
    socket.send(Message::text("no Base64")).await.unwrap();
    let told = next_json(&mut socket).await;
    assert_eq!(told["message"], "Internal server error");
}

#[tokio::test]
async fn a_handshake_goes_through_templates_and_parameters() {
    let chosen = vec![("x-chosen", "chat")];
    let refused = vec![("x-why", "full")];
    let mut backend = Backend::start([
        ("/in", Behaviour::Answers(200, chosen, Bytes::from("{}"))),
        (
            "/out",
            Behaviour::Answers(409, refused, Bytes::from(r#"{"room":"r1"}"#)),
        ),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let request = "{\"to\":\"$input.params('room')\",\"as\":\"$util.escapeJavaScript($input.params('x-name'))\",\
                   \"header\":\"$input.params().header.get('X-Name')\"}";
    let integration = api
        .integration(json!({
            "integrationType": "HTTP",
            "integrationMethod": "POST",
            "integrationUri": backend.uri("/{where}"),
            "connectionType": "VPC_LINK",
            "connectionId": "link1",
            "requestParameters": {
                "integration.request.path.where": "route.request.querystring.where",
                "integration.request.header.all": "route.request.multivaluequerystring.tag",
                "integration.request.header.connection-id": "context.connectionId",
            },
            "requestTemplates": { "$default": request },
        }))
        .await;
    let accepted = json!({ "responseParameters": {
        "method.response.header.Sec-WebSocket-Protocol": "integration.response.header.x-chosen",
    }});
    add_response(&api, &integration, "/2../", accepted).await;
    let turned_away = json!({
        "responseTemplates": { "$default": "$input.path('$.room') is full" },
        "responseParameters": {
            "method.response.header.x-reason": "integration.response.header.x-why",
            "method.response.header.x-room": "integration.response.body.room",
            "method.response.header.x-fixed": "'text'",
        },
    });
    add_response(&api, &integration, "$default", turned_away).await;
    let declared = json!({
        "routeKey": "$connect",
        "target": format!("integrations/{integration}"),
        "requestParameters": {
            "route.request.querystring.where": { "required": true },
            "route.request.querystring.tag": { "required": false },
        },
    });
    api.control("POST", "routes", declared).await;
    api.deploy("prod").await;
    let stage = api.stage_path("prod");
    let headers = [
        ("x-name", "it's me"),
        ("sec-websocket-protocol", "chat, other"),
    ];
    let path = format!("{stage}?where=in&room=r%201&tag=a&tag=b");
    let (_socket, answered) = gateway.try_connect(&path, &headers).await.unwrap();
    assert_eq!(answered["sec-websocket-protocol"], "chat");
    assert!(!answered.contains_key("x-chosen"));
    let received = backend.received().await;
    let made: Value = serde_json::from_str(&received.body.replace("\\'", "'")).unwrap();
    assert_eq!(
        made,
        json!({ "to": "r 1", "as": "it's me", "header": "it's me" })
    );
    assert_eq!(received.headers["all"], "a,b");
    assert_eq!(received.headers["connection-id"].len(), 20);

    let refusal = gateway.refused(&format!("{stage}?where=out"), &[]).await;
    assert_eq!(refusal.status, 409);
    assert_eq!(refusal.body, "r1 is full");
    assert_eq!(refusal.header("x-reason"), Some("full"));
    assert_eq!(refusal.header("x-room"), Some("r1"));
    assert_eq!(refusal.header("x-fixed"), Some("text"));
    let refusal = gateway.refused(&stage, &[]).await;
    assert_eq!(refusal.status, 400);
}
