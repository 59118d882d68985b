//! Integrations: mocks, HTTP proxies, templates, passthrough, and what failure looks like.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Backend, Behaviour, Gateway, Socket, next_json, next_text, soon};

async fn say(socket: &mut Socket, action: &str) {
    let text = json!({ "action": action, "room": "r 1" }).to_string();
    socket.send(Message::text(text)).await.unwrap();
}

async fn message_of(socket: &mut Socket, action: &str) -> String {
    say(socket, action).await;
    next_json(socket).await["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_proxy_passes_the_message_and_the_answer() {
    let mut backend = Backend::start([
        (
            "/ok",
            Behaviour::Answers(200, vec![], Bytes::from("as it is")),
        ),
        (
            "/fails",
            Behaviour::Answers(500, vec![], Bytes::from("status is ignored")),
        ),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mapped = json!({ "requestParameters": {
        "integration.request.path.room": "route.request.body.room",
        "integration.request.querystring.r": "route.request.body.room",
        "integration.request.header.message-id": "context.messageId",
        "integration.request.header.missing": "route.request.body.nothing",
        "integration.request.header.fixed": "'text'",
    }});
    let ok = api.proxy_with(&backend.uri("/{room}"), mapped).await;
    let plain = api.proxy(&backend.uri("/ok")).await;
    let fails = api.proxy(&backend.uri("/fails")).await;
    api.route("mapped", Some(&ok)).await;
    api.two_way_route("ok", &plain).await;
    api.two_way_route("fails", &fails).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    say(&mut socket, "mapped").await;
    let received = backend.received().await;
    assert_eq!(received.uri, "/r%201?r=r%201");
    assert_eq!(received.headers["fixed"], "text");
    assert_eq!(received.headers["message-id"].len(), 20);
    assert!(!received.headers.contains_key("missing"));
    say(&mut socket, "ok").await;
    assert_eq!(next_text(&mut socket).await, "as it is");
    say(&mut socket, "fails").await;
    assert_eq!(next_text(&mut socket).await, "status is ignored");
}

#[tokio::test]
async fn an_answer_without_a_body_is_an_empty_message() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let nothing = api.proxy(&backend.uri("/nothing")).await;
    let silent = api.mock_integration(200, "").await;
    let id = api.proxy(&backend.uri("/bye")).await;
    api.two_way_route("nothing", &nothing).await;
    api.two_way_route("silent", &silent).await;
    api.route("$disconnect", Some(&id)).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for action in ["nothing", "silent", "nothing"] {
        say(&mut socket, action).await;
        assert_eq!(next_text(&mut socket).await, "", "{action}");
    }
    for _ in 0..2 {
        assert_eq!(backend.received().await.uri, "/nothing");
    }
    // The close frame is the next thing that it hears.
    socket.close(None).await.unwrap();
    let heard = soon(socket.next()).await.unwrap().unwrap();
    assert!(heard.is_close(), "{heard:?}");
    assert_eq!(backend.received().await.uri, "/bye");
}

#[tokio::test]
async fn a_function_that_answers_without_a_body_sends_an_empty_message() {
    let gateway = crate::lambda::gateway(&[crate::lambda::told("f")]).await;
    let api = gateway.api().await;
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
               arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
    let function = json!({ "integrationType": "AWS_PROXY", "integrationUri": uri });
    let integration = api.integration(function).await;
    api.two_way_route("$default", &integration).await;
    api.route("quiet", Some(&integration)).await;
    api.mock("end", "end").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for answer in [
        json!({ "statusCode": 200 }),
        json!({ "statusCode": 200, "body": null }),
        json!({ "statusCode": 200, "body": "" }),
    ] {
        for action in ["", "quiet"] {
            let message = json!({ "action": action, "do": "say", "what": answer.to_string() });
            socket
                .send(Message::text(message.to_string()))
                .await
                .unwrap();
        }
        assert_eq!(next_text(&mut socket).await, "", "{answer}");
    }
    // One way stays one way.
    say(&mut socket, "end").await;
    assert_eq!(next_text(&mut socket).await, "end");
}

#[tokio::test]
async fn troubles_are_told_in_the_words_of_aws() {
    let backend = Backend::start([
        ("/hang", Behaviour::Hangs),
        (
            "/long",
            Behaviour::Answers(200, vec![], Bytes::from(vec![b'x'; 131_073])),
        ),
        (
            "/binary",
            Behaviour::Answers(200, vec![], Bytes::from_static(b"\xff\xfe")),
        ),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let hang = api
        .proxy_with(&backend.uri("/hang"), json!({ "timeoutInMillis": 50 }))
        .await;
    let lambda = api
        .integration(json!({
            "integrationType": "AWS_PROXY",
            "integrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
        }))
        .await;
    let broken = api.mock_integration(200, "#if($x").await;
    let no_status = api
        .integration(json!({ "integrationType": "MOCK", "requestTemplates": { "$default": "{}" } }))
        .await;
    let refusing = api
        .integration(json!({ "integrationType": "MOCK", "passthroughBehavior": "NEVER" }))
        .await;
    let (long, binary) = (
        api.proxy(&backend.uri("/long")).await,
        api.proxy(&backend.uri("/binary")).await,
    );
    for (key, integration) in [
        ("hang", &hang),
        ("lambda", &lambda),
        ("broken", &broken),
        ("noStatus", &no_status),
        ("refusing", &refusing),
        ("long", &long),
        ("binary", &binary),
    ] {
        api.two_way_route(key, integration).await;
    }
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    assert_eq!(
        message_of(&mut socket, "hang").await,
        "Endpoint request timed out"
    );
    assert_eq!(
        message_of(&mut socket, "refusing").await,
        "Unsupported Media Type"
    );
    for key in ["lambda", "broken", "noStatus", "long", "binary"] {
        assert_eq!(
            message_of(&mut socket, key).await,
            "Internal server error",
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_mock_without_a_template_takes_the_message_for_one() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.integration(json!({ "integrationType": "MOCK" })).await;
    for (key, text) in [
        ("/2\\d\\d/", "good"),
        ("/404/", "gone"),
        ("$default", "other"),
    ] {
        let response = json!({
            "integrationResponseKey": key,
            "responseTemplates": { "$default": text },
        });
        let path = format!("integrations/{integration}/integrationresponses");
        api.control("POST", &path, response).await;
    }
    api.two_way_route("$default", &integration).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for (message, expected) in [
        (r#"{"statusCode":204}"#, "good"),
        (r#"{"statusCode":404}"#, "gone"),
        ("{statusCode: 500}", "other"),
    ] {
        socket.send(Message::text(message)).await.unwrap();
        assert_eq!(next_text(&mut socket).await, expected);
    }
}

#[tokio::test]
async fn an_http_integration_renders_both_ways() {
    let answer = Behaviour::Answers(200, vec![], Bytes::from(r#"{"count":3}"#));
    let mut backend = Backend::start([("/count", answer)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api
        .integration(json!({
            "integrationType": "HTTP",
            "integrationMethod": "PUT",
            "integrationUri": backend.uri("/count"),
            "templateSelectionExpression": "${request.body.action}",
            "requestTemplates": { "count": "{\"room\":$input.json('$.room')}", "$default": "{}" },
        }))
        .await;
    let response = json!({
        "integrationResponseKey": "/200/",
        "responseTemplates": { "$default": "counted $input.path('$.count') on $context.stage" },
    });
    let path = format!("integrations/{integration}/integrationresponses");
    api.control("POST", &path, response).await;
    api.two_way_route("count", &integration).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    say(&mut socket, "count").await;
    let received = backend.received().await;
    assert_eq!(
        (received.method.as_str(), received.body.as_str()),
        ("PUT", r#"{"room":"r 1"}"#)
    );
    assert_eq!(next_text(&mut socket).await, "counted 3 on prod");
}

#[tokio::test]
async fn stage_variables_stand_anywhere_in_a_uri() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let authority = backend.uri("").replace("http://", "");
    let port = authority.rsplit(':').next().unwrap().to_owned();
    for (key, uri) in [
        ("whole", "${stageVariables.url}".to_owned()),
        ("host", "http://${stageVariables.authority}/host".to_owned()),
        (
            "subdomain",
            format!("http://${{stageVariables.word}}.localhost:{port}/subdomain"),
        ),
        (
            "path",
            format!("{}/${{stageVariables.word}}/b", backend.uri("")),
        ),
        (
            "query",
            format!("{}/q?v=${{stageVariables.word}}&w=1", backend.uri("")),
        ),
    ] {
        let more = json!({
            "connectionType": "VPC_LINK",
            "connectionId": "${stageVariables.link}",
            "credentialsArn": "arn:aws:iam::${stageVariables.account}:role/caller",
        });
        let integration = api.proxy_with(&uri, more).await;
        api.route(key, Some(&integration)).await;
    }
    api.deploy("prod").await;
    for word in ["one", "two"] {
        let url = backend.uri(&format!("/whole/{word}"));
        let variables = json!({
            "word": word, "url": url, "authority": authority, "link": "link1", "account": "000000000000",
        });
        api.control(
            "PATCH",
            "stages/prod",
            json!({ "stageVariables": variables }),
        )
        .await;
        // The connection that is open sees them too.
        let mut socket = gateway.connect(&api.stage_path("prod")).await;
        for (key, expected) in [
            ("whole", format!("/whole/{word}")),
            ("host", "/host".to_owned()),
            ("subdomain", "/subdomain".to_owned()),
            ("path", format!("/{word}/b")),
            ("query", format!("/q?v={word}&w=1")),
        ] {
            say(&mut socket, key).await;
            let received = backend.received().await;
            assert_eq!(received.uri, expected, "{key}");
            let host = received.headers["host"].to_str().unwrap();
            let subdomain = format!("{word}.localhost:{port}");
            let expected = if key == "subdomain" {
                &subdomain
            } else {
                &authority
            };
            assert_eq!(host, expected, "{key}");
        }
    }
    // Without its variable an integration fails, and the others go on.
    let without = json!({ "stageVariables": { "word": "" } });
    api.control("PATCH", "stages/prod", without).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let told = message_of(&mut socket, "subdomain").await;
    assert_eq!(told, "Internal server error");
    say(&mut socket, "host").await;
    assert_eq!(backend.received().await.uri, "/host");
}

#[tokio::test]
async fn a_backend_is_told_nothing_of_a_client_but_the_message() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let more = json!({ "integrationMethod": "PUT" });
    let integration = api.proxy_with(&backend.uri("/it"), more).await;
    api.route("say", Some(&integration)).await;
    api.route("$disconnect", Some(&integration)).await;
    api.deploy("prod").await;
    let headers = [("x-mine", "1"), ("cookie", "a=b"), ("user-agent", "me/1")];
    let path = format!("{}?token=t", api.stage_path("prod"));
    let (mut socket, _) = gateway.try_connect(&path, &headers).await.unwrap();
    say(&mut socket, "say").await;
    let said = backend.received().await;
    socket.close(None).await.unwrap();
    let left = backend.received().await;
    for (received, body) in [(&said, r#"{"action":"say","room":"r 1"}"#), (&left, "")] {
        assert_eq!(
            (received.method.as_str(), received.uri.as_str()),
            ("PUT", "/it")
        );
        assert_eq!(received.body, body);
        let mut names: Vec<_> = received
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "content-length",
                "content-type",
                "host",
                "user-agent",
                "x-amzn-apigateway-api-id",
                "x-amzn-trace-id",
                "x-forwarded-port",
                "x-forwarded-proto",
            ]
        );
        let agent = format!("AmazonAPIGateway_{}", api.id);
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", &agent),
            ("x-amzn-apigateway-api-id", &api.id),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
        ] {
            assert_eq!(received.headers[name], value, "{name}");
        }
        is_trace(&received.headers["x-amzn-trace-id"]);
    }
}

#[track_caller]
fn is_trace(value: &http::HeaderValue) {
    let ids = value.to_str().unwrap().strip_prefix("Root=1-").unwrap();
    assert_eq!((ids.len(), ids.find('-')), (33, Some(8)), "{ids}");
}

#[tokio::test]
async fn a_backend_of_connect_is_told_by_whom_and_for_whom_it_is_asked() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/in")).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    gateway.connect(&path).await;
    let asked = backend.received().await;
    let agent = format!("AmazonAPIGateway_{}", api.id);
    for (name, value) in [
        ("user-agent", agent.as_str()),
        ("x-amzn-apigateway-api-id", &api.id),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ] {
        assert_eq!(asked.headers[name], value, "{name}");
    }
    is_trace(&asked.headers["x-amzn-trace-id"]);
    // The client's own name and the trace that it began go on.
    let own = [("user-agent", "me/1"), ("x-amzn-trace-id", "Root=1-2-3")];
    gateway.try_connect(&path, &own).await.unwrap();
    let asked = backend.received().await;
    for (name, value) in own {
        assert_eq!(asked.headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_belongs_to_the_hop_cannot_be_mapped() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let headers = [
        ("content-length", "'3'"),
        ("transfer-encoding", "'chunked'"),
        ("connection", "'close, content-type'"),
        ("te", "'trailers'"),
        ("upgrade", "'websocket'"),
        ("host", "'other.example'"),
        ("x-room", "route.request.body.room"),
    ];
    let mapped =
        headers.map(|(name, source)| (format!("integration.request.header.{name}"), json!(source)));
    let mapped: serde_json::Map<_, _> = mapped.into_iter().collect();
    let more = json!({ "requestParameters": mapped });
    let integration = api.proxy_with(&backend.uri("/it"), more).await;
    api.route("say", Some(&integration)).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for _ in 0..2 {
        say(&mut socket, "say").await;
        let received = backend.received().await;
        assert_eq!(received.body, r#"{"action":"say","room":"r 1"}"#);
        assert_eq!(received.headers["content-length"], "29");
        assert_eq!(received.headers["host"], "other.example");
        assert_eq!(received.headers["x-room"], "r 1");
        for name in ["transfer-encoding", "connection", "te", "upgrade"] {
            assert!(!received.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn the_gateways_own_name_leads_back_to_it() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let health = api
        .proxy_with(
            "http://gateway.localhost/_stagewire/health",
            json!({ "integrationMethod": "GET" }),
        )
        .await;
    api.two_way_route("$default", &health).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_json(&mut socket).await["status"], "ok");
}

#[tokio::test]
async fn a_slow_backend_holds_back_its_own_sender_only() {
    let mut backend = Backend::start([("/hang", Behaviour::Hangs)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let hang = api.proxy(&backend.uri("/hang")).await;
    api.route("hang", Some(&hang)).await;
    api.mock("quick", "quick").await;
    api.deploy("prod").await;
    let mut slow = gateway.connect(&api.stage_path("prod")).await;
    for _ in 0..100 {
        say(&mut slow, "hang").await;
    }
    for _ in 0..64 {
        backend.received().await;
    }
    let mut other = gateway.connect(&api.stage_path("prod")).await;
    say(&mut other, "quick").await;
    assert_eq!(next_text(&mut other).await, "quick");
    assert!(
        backend.is_quiet(),
        "no more than 64 calls of one connection are under way"
    );
    soon(gateway.running.stop()).await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_may_be_long() {
    let long = Behaviour::Answers(200, vec![], "x".repeat(1_000_000).into());
    let refusing = Behaviour::Answers(403, vec![], "x".repeat(1_000_000).into());
    let short = Behaviour::Answers(200, vec![], "short".into());
    let mut backend =
        Backend::start([("/long", long), ("/refusing", refusing), ("/short", short)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let integration = api.proxy(&backend.uri("/long")).await;
    let refusing = api.proxy(&backend.uri("/refusing")).await;
    let connect = api.route("$connect", Some(&integration)).await;
    api.route("$disconnect", Some(&integration)).await;
    api.route("one-way", Some(&integration)).await;
    api.two_way_route("two-way-long", &integration).await;
    let short = api.proxy(&backend.uri("/short")).await;
    api.two_way_route("two-way", &short).await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    backend.received().await;
    socket
        .send(Message::text(r#"{"action":"one-way"}"#))
        .await
        .unwrap();
    backend.received().await;
    // Had the one-way call failed, its notice would come before these answers are all there.
    for _ in 0..3 {
        let asked = Message::text(r#"{"action":"two-way"}"#);
        socket.send(asked).await.unwrap();
        assert_eq!(next_text(&mut socket).await, "short");
    }
    let asked = Message::text(r#"{"action":"two-way-long"}"#);
    socket.send(asked).await.unwrap();
    assert_eq!(
        next_json(&mut socket).await["message"],
        "Internal server error"
    );

    // A refusal is relayed, and so it cannot be longer than a message.
    let body = json!({ "target": format!("integrations/{refusing}") });
    api.control("PATCH", &format!("routes/{connect}"), body)
        .await;
    api.deploy("test").await;
    let refusal = gateway.refused(&api.stage_path("test"), &[]).await;
    assert_eq!(refusal.status, 500);
}
