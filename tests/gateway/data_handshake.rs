//! Handshake outcomes, the lifecycle routes, subprotocols, and how connections end.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::gateway::{
    Answer, Backend, Behaviour, Gateway, close_code, closed, next_text, soon,
};

/// Checks the refusal of a handshake that came as far as its route: to the byte, and by its headers.
#[track_caller]
pub(crate) fn check_refusal(refusal: &Answer, status: u16, message: &str) {
    let id = |name: &str| refusal.json()[name].as_str().unwrap_or_default().to_owned();
    let (connection, request) = (id("connectionId"), id("requestId"));
    let body = format!(
        r#"{{"message": "{message}", "connectionId":"{connection}", "requestId":"{request}"}}"#
    );
    assert_eq!(refusal.body, body, "{refusal:?}");
    check_refusal_headers(refusal, status);
    assert_eq!(refusal.header("x-amz-apigw-id"), Some(&request[..]));
}

/// Checks the refusal of a handshake that came to no route, or lacks the signature that its route asks for.
#[track_caller]
pub(crate) fn check_bare_refusal(refusal: &Answer, status: u16, message: &str) {
    let body = json!({ "message": message }).to_string();
    assert_eq!(refusal.body, body, "{refusal:?}");
    check_refusal_headers(refusal, status);
}

/// Checks the headers that every refused handshake has, and that it has none of those of other answers.
#[track_caller]
pub(crate) fn check_refusal_headers(refusal: &Answer, status: u16) {
    assert_eq!(refusal.status, status, "{refusal:?}");
    let json = Some("application/json; charset=UTF-8");
    assert_eq!(refusal.header("content-type"), json, "{refusal:?}");
    let id = refusal.header("x-amz-apigw-id").unwrap();
    assert!(id.len() == 16 && id.ends_with('='), "{id}");
    for other in ["x-amzn-errortype", "x-amzn-requestid"] {
        assert_eq!(refusal.header(other), None, "{refusal:?}");
    }
}

/// A handshake to the byte.
fn handshake(gateway: &Gateway, path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n",
        gateway.address()
    )
}

/// The head of what the gateway answers to these bytes, and the stream behind it.
async fn head_of_answer(gateway: &Gateway, bytes: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    (String::from_utf8(head).unwrap(), stream)
}

#[tokio::test]
async fn without_a_connect_route_the_socket_opens() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    for path in [
        api.stage_path("prod"),
        format!("{}/", api.stage_path("prod")),
    ] {
        let mut socket = gateway.connect(&path).await;
        socket.send(Message::text("x")).await.unwrap();
        assert_eq!(next_text(&mut socket).await, "here");
    }
}

#[tokio::test]
async fn the_host_can_name_the_api() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "$context.domainName").await;
    api.deploy("prod").await;
    let port = gateway.address().port();
    let host = format!("{}.execute-api.us-east-1.localhost:{port}", api.id);
    let (mut socket, _) = gateway
        .try_connect("/prod", &[("host", &host)])
        .await
        .unwrap();
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, host);
    let elsewhere = format!("{}.execute-api.eu-west-1.localhost:{port}", api.id);
    assert_eq!(
        gateway
            .refused("/prod", &[("host", &elsewhere)])
            .await
            .status,
        403
    );
    assert_eq!(
        gateway
            .refused(&api.stage_path("prod"), &[("host", "example.com")])
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn what_does_not_exist_is_forbidden() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    api.control("POST", "stages", json!({ "stageName": "empty" }))
        .await;
    for path in [
        "/".to_owned(),
        "/nosuchapi0/prod".to_owned(),
        format!("/{}", api.id),
        api.stage_path("nosuch"),
        api.stage_path("PROD"),
        api.stage_path("empty"),
        api.stage_path("prod/deeper"),
    ] {
        let refusal = gateway.refused(&path, &[]).await;
        check_bare_refusal(&refusal, 403, "Forbidden");
    }
}

#[tokio::test]
async fn a_url_over_4096_characters_is_refused() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let path = format!("{}?q=", api.stage_path("prod"));
    let longest = format!("{path}{}", "x".repeat(4096 - path.len()));
    gateway.connect(&longest).await;
    let refusal = gateway.refused(&format!("{longest}x"), &[]).await;
    check_bare_refusal(&refusal, 414, "Request-URI Too Long");
}

#[tokio::test]
async fn headers_that_connection_names_stay_on_their_hop() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/hello")).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let headers = [
        ("connection", "Upgrade, x-hop , X-Other"),
        ("x-hop", "1"),
        ("x-other", "2"),
        ("x-kept", "3"),
    ];
    let opened = gateway.try_connect(&api.stage_path("prod"), &headers).await;
    opened.unwrap();
    let received = backend.received().await.headers;
    assert!(!received.contains_key("x-hop") && !received.contains_key("x-other"));
    assert_eq!(received["x-kept"], "3");
}

#[tokio::test]
async fn a_plain_request_for_what_nobody_can_connect_to_is_forbidden() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let stages = format!("/v2/apis/{}/stages", api.id);
    let stage = json!({ "stageName": "bare" });
    gateway.control("POST", &stages, stage).await;
    let nowhere = [
        "/".to_owned(),
        "/none/prod".to_owned(),
        api.stage_path("none"),
    ];
    for path in &nowhere {
        // It is no handshake, and so it is told the name of the error.
        let answer = gateway.call("GET", path, "").await;
        let kind = answer.header("x-amzn-errortype");
        assert_eq!(kind, Some("ForbiddenException"), "{path}");
    }
    for path in nowhere.into_iter().chain([api.stage_path("bare")]) {
        let answer = gateway.call("GET", &path, "").await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.json(), json!({ "message": "Forbidden" }));
    }
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let answer = gateway.call("GET", &api.stage_path("prod"), "").await;
    assert_eq!(answer.status, 426);
    assert_eq!(answer.body, r#"{"message":"Upgrade Required"}"#);
    let old = gateway
        .refused(&api.stage_path("prod"), &[("sec-websocket-version", "8")])
        .await;
    check_bare_refusal(&old, 426, "Upgrade Required");
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
    let bad_key = gateway
        .refused(&api.stage_path("prod"), &[("sec-websocket-key", "short")])
        .await;
    check_bare_refusal(&bad_key, 400, "Bad Request");
}

#[tokio::test]
async fn a_disabled_endpoint_refuses_once_it_is_deployed() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    gateway
        .control(
            "PATCH",
            &format!("/v2/apis/{}", api.id),
            json!({ "disableExecuteApiEndpoint": true }),
        )
        .await;
    let mut open = gateway.connect(&api.stage_path("prod")).await;
    let deployment = api.create_deployment().await;
    api.point("prod", &deployment).await;
    assert_eq!(
        gateway.refused(&api.stage_path("prod"), &[]).await.status,
        403
    );
    // Who is in stays in.
    open.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut open).await, "here");
}

#[tokio::test]
async fn two_authorization_headers_are_answered_with_the_page_of_a_load_balancer() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    // Whoever they are for, and wherever the handshake leads.
    for path in [api.stage_path("prod"), "/none/prod".to_owned()] {
        for (one, other) in [("one", "two"), ("", "two"), ("one", "")] {
            let two = format!("authorization: {one}\r\nAuthorization: {other}\r\n");
            let bytes = handshake(&gateway, &path, &two);
            let (head, mut stream) = head_of_answer(&gateway, &bytes).await;
            assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
            for line in ["server: awselb/2.0\r\n", "content-type: text/html\r\n"] {
                assert!(head.contains(line), "{head}");
            }
            assert!(!head.contains("x-amz"), "{head}");
            let mut body = String::new();
            soon(stream.read_to_string(&mut body)).await.unwrap();
            assert!(
                body.starts_with("<html>") && body.ends_with("</html>\r\n"),
                "{body}"
            );
        }
    }
    let one = [("authorization", "one")];
    gateway
        .try_connect(&api.stage_path("prod"), &one)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_connect_integration_decides_and_its_status_and_body_are_relayed_byte_for_byte() {
    let answer = |status, body: &'static [u8]| {
        let headers = vec![
            ("x-why", "rule 7"),
            ("content-type", "text/plain"),
            ("x-amzn-errortype", "TeapotException"),
        ];
        Behaviour::Answers(status, headers, Bytes::from_static(body))
    };
    let answers: [(&str, u16, &[u8]); 8] = [
        ("/200", 200, b"ignored"),
        ("/201", 201, b""),
        ("/301", 301, b"moved"),
        ("/400", 400, b"{ \"bad\" : 1.0 }\n"),
        ("/401", 401, b"who\xff?"),
        ("/403", 403, b""),
        ("/501", 501, b"no"),
        ("/599", 599, "n\u{f6}".as_bytes()),
    ];
    let backend =
        Backend::start(answers.map(|(path, status, body)| (path, answer(status, body)))).await;
    let gateway = Gateway::start().await;
    for (path, status, body) in answers {
        let api = gateway.api().await;
        let integration = api.proxy(&backend.uri(path)).await;
        api.route("$connect", Some(&integration)).await;
        api.deploy("prod").await;
        if status < 300 {
            gateway.connect(&api.stage_path("prod")).await;
            continue;
        }
        let refusal = gateway.refused(&api.stage_path("prod"), &[]).await;
        assert_eq!(refusal.body, body);
        check_refusal_headers(&refusal, status);
        assert_eq!(refusal.header("x-why"), Some("rule 7"));
    }
}

#[tokio::test]
async fn a_connect_mock_decides_by_its_status() {
    let gateway = Gateway::start().await;
    for (status, expected) in [(200, 101), (204, 101), (403, 403), (500, 500)] {
        let api = gateway.api().await;
        let integration = api.mock_integration(status, "said the mock").await;
        api.route("$connect", Some(&integration)).await;
        api.deploy("prod").await;
        if expected == 101 {
            gateway.connect(&api.stage_path("prod")).await;
        } else {
            let refusal = gateway.refused(&api.stage_path("prod"), &[]).await;
            assert_eq!(refusal.status, expected);
        }
    }
}

#[tokio::test]
async fn a_connect_integration_that_fails_refuses_with_its_trouble() {
    let switches = Behaviour::Answers(101, vec![("upgrade", "other")], Bytes::new());
    let backend = Backend::start([("/hang", Behaviour::Hangs), ("/101", switches)]).await;
    let gateway = Gateway::start().await;
    let hanging = json!({ "timeoutInMillis": 50 });
    let strict = json!({
        "integrationType": "HTTP",
        "passthroughBehavior": "NEVER",
    });
    for (uri, more, status, message) in [
        (
            "http://127.0.0.1:1/".to_owned(),
            json!({}),
            500,
            "Internal server error",
        ),
        (
            backend.uri("/hang"),
            hanging,
            504,
            "Endpoint request timed out",
        ),
        (backend.uri("/never"), strict, 415, "Unsupported Media Type"),
        (
            "http://${stageVariables.gone}/".to_owned(),
            json!({}),
            500,
            "Internal server error",
        ),
        (backend.uri("/101"), json!({}), 500, "Internal server error"),
    ] {
        let api = gateway.api().await;
        let integration = api.proxy_with(&uri, more).await;
        api.route("$connect", Some(&integration)).await;
        api.deploy("prod").await;
        let refusal = gateway.refused(&api.stage_path("prod"), &[]).await;
        check_refusal(&refusal, status, message);
    }
}

#[tokio::test]
async fn connect_sees_the_handshake_and_disconnect_sees_the_end() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mapped = json!({ "requestParameters": {
        "integration.request.header.connectionId": "context.connectionId",
        "integration.request.header.domainName": "context.domainName",
        "integration.request.header.event": "context.eventType",
        "integration.request.header.code": "context.disconnectStatusCode",
        "integration.request.header.reason": "context.disconnectReason",
        "integration.request.querystring.token": "route.request.querystring.t",
        "integration.request.header.undeclared": "route.request.header.x-mine",
        "integration.request.header.Sec-WebSocket-Version": "'0'",
    }});
    let integration = api.proxy_with(&backend.uri("/life"), mapped).await;
    let connect = api.route("$connect", Some(&integration)).await;
    let declared =
        json!({ "requestParameters": { "route.request.querystring.t": { "required": false } } });
    api.control("PATCH", &format!("routes/{connect}"), declared)
        .await;
    api.route("$disconnect", Some(&integration)).await;
    api.deploy("prod").await;
    let path = format!("{}?t=a%20b", api.stage_path("prod"));
    let (mut socket, _) = gateway
        .try_connect(
            &path,
            &[
                ("x-mine", "1"),
                ("user-agent", "me/1"),
                ("x-forwarded-for", "192.0.2.1"),
            ],
        )
        .await
        .unwrap();

    let connect = backend.received().await;
    let header = |name: &str| {
        connect
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(connect.method, "POST");
    assert_eq!(connect.uri, "/life?t=a%20b&token=a%20b");
    assert_eq!(header("event").as_deref(), Some("CONNECT"));
    assert_eq!(header("x-mine").as_deref(), Some("1"));
    assert_eq!(header("undeclared"), None);
    assert_eq!(header("user-agent").as_deref(), Some("me/1"));
    assert_eq!(
        header("x-forwarded-for").as_deref(),
        Some("192.0.2.1, 127.0.0.1")
    );
    assert_eq!(header("sec-websocket-version").as_deref(), Some("0"));
    assert_eq!(header("sec-websocket-key").map(|key| key.len()), Some(24));
    assert_eq!(header("upgrade"), None);
    assert_eq!(
        header("domainname"),
        Some(format!("{}/{}", gateway.address(), api.id))
    );
    let id = header("connectionid").unwrap();

    let frame = CloseFrame {
        code: CloseCode::from(4001),
        reason: "done here".into(),
    };
    socket
        .send(Message::Close(Some(frame.clone())))
        .await
        .unwrap();
    assert_eq!(closed(&mut socket).await, Some(frame));
    let disconnect = backend.received().await;
    let header = |name: &str| disconnect.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("event"), "DISCONNECT");
    assert_eq!(header("connectionid"), id);
    assert_eq!(header("code"), "4001");
    assert_eq!(header("reason"), "done here");
    assert_eq!(disconnect.body, "");
}

/// A gateway whose `$disconnect` reports its code and reason to a backend.
pub(crate) async fn reporting(gateway: &Gateway, backend: &Backend) -> String {
    reporting_with(gateway, backend, None).await
}

/// The same, whose `$connect` asks the backend at a path, if one is given.
async fn reporting_with(gateway: &Gateway, backend: &Backend, connect: Option<&str>) -> String {
    let api = gateway.api().await;
    if let Some(connect) = connect {
        let integration = api.proxy(&backend.uri(connect)).await;
        api.route("$connect", Some(&integration)).await;
    }
    let mapped = json!({ "requestParameters": {
        "integration.request.header.code": "context.disconnectStatusCode",
        "integration.request.header.reason": "context.disconnectReason",
    }});
    let integration = api.proxy_with(&backend.uri("/bye"), mapped).await;
    api.route("$disconnect", Some(&integration)).await;
    api.mock("$default", "$context.connectionId").await;
    api.deploy("prod").await;
    api.stage_path("prod")
}

pub(crate) async fn reported(backend: &mut Backend) -> (String, String) {
    let request = backend.received().await;
    let header = |name: &str| {
        let value = request.headers.get(name);
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    (header("code"), header("reason"))
}

#[tokio::test]
async fn every_end_has_its_code_and_reason() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let path = reporting(&gateway, &backend).await;

    let mut socket = gateway.connect(&path).await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    socket
        .send(Message::Close(Some(frame.clone())))
        .await
        .unwrap();
    assert_eq!(closed(&mut socket).await, Some(frame));
    assert_eq!(
        reported(&mut backend).await,
        ("1000".to_owned(), String::new())
    );

    let mut socket = gateway.connect(&path).await;
    socket.send(Message::Close(None)).await.unwrap();
    assert_eq!(closed(&mut socket).await, None);
    let unset = (
        "1005".to_owned(),
        "Client-side close frame status not set".to_owned(),
    );
    assert_eq!(reported(&mut backend).await, unset);

    drop(gateway.connect(&path).await);
    let lost = ("1006".to_owned(), "Connection closed abnormally".to_owned());
    assert_eq!(reported(&mut backend).await, lost);

    let mut socket = gateway.connect(&path).await;
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1003);
    assert_eq!(
        reported(&mut backend).await,
        ("1003".to_owned(), "Binary is not supported".to_owned())
    );

    let mut socket = gateway.connect(&path).await;
    let long = Message::text("x".repeat(32_769));
    socket.send(long).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1009);
    assert_eq!(
        reported(&mut backend).await,
        ("1009".to_owned(), String::new())
    );

    let mut socket = gateway.connect(&path).await;
    socket.send(Message::text("x")).await.unwrap();
    let id = next_text(&mut socket).await;
    let call = format!("{path}/@connections/{id}");
    assert_eq!(gateway.call("DELETE", &call, "").await.status, 204);
    assert_eq!(close_code(&mut socket).await, 1000);
    let deleted = ("1000".to_owned(), "Connection Closed Normally".to_owned());
    assert_eq!(reported(&mut backend).await, deleted);
    assert!(backend.is_quiet());
}

#[tokio::test]
async fn a_client_that_gives_up_during_connect_is_told_of_as_lost() {
    let told = Arc::new(Notify::new());
    let waits = Behaviour::Waits(200, Arc::clone(&told));
    let mut backend = Backend::start([("/hello", waits)]).await;
    let gateway = Gateway::start().await;
    let path = reporting_with(&gateway, &backend, Some("/hello")).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let bytes = handshake(&gateway, &path, "");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    assert_eq!(backend.received().await.uri, "/hello");
    drop(stream);
    // A few calls later the gateway has seen that the client is gone.
    for _ in 0..3 {
        gateway.call("GET", "/_stagewire/health", "").await;
    }
    told.notify_one();
    assert_eq!(reported(&mut backend).await.0, "1006");
}

#[tokio::test]
async fn a_stopping_gateway_closes_its_clients_and_runs_disconnect() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let path = reporting(&gateway, &backend).await;
    let mut socket = gateway.connect(&path).await;
    let stopping = tokio::spawn(gateway.running.stop());
    assert_eq!(close_code(&mut socket).await, 1001);
    assert_eq!(
        reported(&mut backend).await,
        ("1001".to_owned(), "Going away".to_owned())
    );
    soon(stopping).await.unwrap();
}

#[tokio::test]
async fn a_dropped_gateway_closes_its_clients() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    drop(gateway);
    assert_eq!(close_code(&mut socket).await, 1001);
}

#[tokio::test]
async fn the_integration_chooses_the_subprotocol_and_nothing_is_compressed() {
    let chosen = Behaviour::Answers(
        200,
        vec![("sec-websocket-protocol", "v2.chat")],
        Bytes::new(),
    );
    let mut backend = Backend::start([("/choose", chosen)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/choose")).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let (_socket, headers) = gateway
        .try_connect(
            &api.stage_path("prod"),
            &[
                ("sec-websocket-protocol", "v1.chat, v2.chat"),
                ("sec-websocket-extensions", "permessage-deflate"),
            ],
        )
        .await
        .unwrap();
    assert_eq!(headers["sec-websocket-protocol"], "v2.chat");
    assert!(!headers.contains_key("sec-websocket-extensions"));
    let offered = backend.received().await;
    assert_eq!(
        offered.headers["sec-websocket-protocol"],
        "v1.chat, v2.chat"
    );
}

#[tokio::test]
async fn a_subprotocol_that_nobody_offered_is_chosen_all_the_same() {
    let headers = vec![("sec-websocket-protocol", "v2.chat")];
    let chosen = Behaviour::Answers(200, headers, Bytes::new());
    let backend = Backend::start([("/choose", chosen)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/choose")).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    for offered in ["", "sec-websocket-protocol: v1.chat, V2.chat\r\n"] {
        let bytes = handshake(&gateway, &api.stage_path("prod"), offered);
        let (head, _stream) = head_of_answer(&gateway, &bytes).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(
            head.contains("sec-websocket-protocol: v2.chat\r\n"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn without_a_chosen_subprotocol_the_switch_names_none_and_no_other_header_is_passed_on() {
    let headers = vec![("x-mine", "1"), ("set-cookie", "a=b")];
    let chosen = Behaviour::Answers(200, headers, Bytes::new());
    let backend = Backend::start([("/choose", chosen)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/choose")).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let offered = "sec-websocket-protocol: v1.chat, v2.chat\r\n";
    let bytes = handshake(&gateway, &api.stage_path("prod"), offered);
    let (head, _stream) = head_of_answer(&gateway, &bytes).await;
    let mut names: Vec<&str> = head
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    names.sort_unstable();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let expected = ["connection", "date", "sec-websocket-accept", "upgrade"];
    assert_eq!(names, expected, "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
}

#[tokio::test]
async fn who_is_refused_never_was_connected_and_is_told_of_to_nobody() {
    let no = Behaviour::Answers(403, vec![], Bytes::new());
    let mut backend = Backend::start([("/no", no)]).await;
    let gateway = Gateway::start().await;
    let path = reporting_with(&gateway, &backend, Some("/no")).await;
    assert_eq!(gateway.refused(&path, &[]).await.status, 403);
    assert_eq!(backend.received().await.uri, "/no");
    // All that runs has ended then.
    soon(gateway.running.stop()).await;
    assert!(backend.is_quiet());
}

#[tokio::test]
async fn a_required_parameter_must_be_there() {
    let gateway = Gateway::start().await;
    for (parameter, query, headers) in [
        ("querystring.token", "?token=1", &[][..]),
        ("multivaluequerystring.token", "?token=1", &[]),
        ("header.Token", "", &[("token", "1")]),
        ("multivalueheader.token", "", &[("token", "1")]),
    ] {
        let api = gateway.api().await;
        let integration = api.mock_integration(200, "").await;
        let route = api.route("$connect", Some(&integration)).await;
        let name = format!("route.request.{parameter}");
        let body = json!({ "requestParameters": { name: { "required": true } } });
        api.control("PATCH", &format!("routes/{route}"), body).await;
        api.deploy("prod").await;
        let path = api.stage_path("prod");
        let refused = gateway.refused(&path, &[]).await;
        check_refusal(&refused, 400, "Missing required request parameters");
        let opened = gateway
            .try_connect(&format!("{path}{query}"), headers)
            .await;
        opened.unwrap();
    }
}

#[tokio::test]
async fn one_connection_too_many_is_refused_and_a_freed_place_is_taken() {
    let gateway = Gateway::with(stagewire::gateway::Options {
        seed: stagewire::gateway::Seed::None,
        connections: 2,
        ..Default::default()
    })
    .await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let mut first = gateway.connect(&path).await;
    let _second = gateway.connect(&path).await;
    let refusal = gateway.refused(&path, &[]).await;
    check_bare_refusal(&refusal, 429, "Too Many Requests");
    first.send(Message::Close(None)).await.unwrap();
    assert_eq!(closed(&mut first).await, None);
    soon(async {
        while gateway.try_connect(&path, &[]).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_gives_its_place_back() {
    let told = Arc::new(Notify::new());
    let waits = Behaviour::Waits(500, Arc::clone(&told));
    let mut backend = Backend::start([("/wait", waits)]).await;
    let gateway = Gateway::with(stagewire::gateway::Options {
        seed: stagewire::gateway::Seed::None,
        connections: 1,
        ..Default::default()
    })
    .await;
    let held = gateway.api().await;
    let integration = held.proxy(&backend.uri("/wait")).await;
    held.route("$connect", Some(&integration)).await;
    held.deploy("prod").await;
    let other = gateway.api().await;
    other.mock("$default", "here").await;
    other.deploy("prod").await;
    // It stays on the line and says nothing more.
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let bytes = handshake(&gateway, &held.stage_path("prod"), "");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    assert_eq!(backend.received().await.uri, "/wait");
    let path = other.stage_path("prod");
    assert_eq!(gateway.refused(&path, &[]).await.status, 429);
    told.notify_one();
    let mut socket = soon(async {
        loop {
            match gateway.try_connect(&path, &[]).await {
                Ok((socket, _)) => return socket,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "here");
}
