//! Custom domain names at run time: what a host leads to, and what it must not lead to.

use futures_util::SinkExt;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{Answer, Api, Gateway, SIGNED, Socket, next_json};

const DOMAIN: &str = "ws.example.com";

async fn own(gateway: &Gateway, name: &str) {
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/1";
    let body = json!({
        "domainName": name,
        "domainNameConfigurations": [{ "certificateArn": certificate }],
    });
    gateway.control("POST", "/v2/domainnames", body).await;
}

fn mappings(name: &str) -> String {
    format!("/v2/domainnames/{name}/apimappings")
}

/// Maps a stage under a key; gives the path of the mapping.
async fn map(gateway: &Gateway, name: &str, api: &Api<'_>, stage: &str, key: &str) -> String {
    let body = json!({ "apiId": api.id, "stage": stage, "apiMappingKey": key });
    let made = gateway.control("POST", &mappings(name), body).await;
    let id = made["apiMappingId"].as_str().unwrap();
    format!("{}/{id}", mappings(name))
}

/// An API that says where a message came in.
async fn telling(gateway: &Gateway) -> Api<'_> {
    let api = gateway.api().await;
    let told =
        r#"{"domain":"$context.domainName","stage":"$context.stage","id":"$context.connectionId"}"#;
    api.mock("$default", told).await;
    api
}

async fn connect(gateway: &Gateway, host: &str, path: &str) -> Socket {
    let opened = gateway.try_connect(path, &[("host", host)]).await;
    opened.unwrap().0
}

async fn told(socket: &mut Socket) -> Value {
    socket.send(Message::text("where am I")).await.unwrap();
    next_json(socket).await
}

/// A signed call under a host.
async fn call(gateway: &Gateway, method: &str, host: &str, path: &str) -> Answer {
    let request = gateway
        .request(method, path)
        .header("host", host)
        .header("authorization", SIGNED);
    gateway
        .send(request.body(Full::new("posted".into())).unwrap())
        .await
}

#[tokio::test]
async fn a_key_or_the_root_leads_to_a_stage_that_the_path_does_not_name() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    api.deploy("test").await;
    map(&gateway, DOMAIN, &api, "prod", "").await;
    map(&gateway, DOMAIN, &api, "test", "$chat+1").await;
    for (host, path, stage) in [
        (DOMAIN, "/", "prod"),
        ("WS.example.com", "/", "prod"),
        (DOMAIN, "/$chat+1", "test"),
        ("ws.example.com:8443", "/%24chat%2b1/?a=b", "test"),
    ] {
        let mut socket = connect(&gateway, host, path).await;
        let told = told(&mut socket).await;
        assert_eq!(told["domain"], host.to_ascii_lowercase(), "{host}{path}");
        assert_eq!(told["stage"], stage, "{host}{path}");
    }
    // What is no key is a path below the root, which WebSocket APIs do not have; the stage's name is none either.
    for path in ["/prod", "/chat", "/$chat+1/test", "/$CHAT+1"] {
        let refusal = gateway.refused(path, &[("host", DOMAIN)]).await;
        assert_eq!(refusal.status, 403, "{path}");
        assert_eq!(refusal.body, r#"{"message":"Forbidden"}"#, "{path}");
    }
    let plain = call(&gateway, "GET", DOMAIN, "/").await;
    assert_eq!(plain.status, 426);
}

#[tokio::test]
async fn callbacks_come_by_the_key_and_without_the_stage() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    api.deploy("test").await;
    map(&gateway, DOMAIN, &api, "prod", "chat").await;
    map(&gateway, DOMAIN, &api, "test", "").await;
    for (path, before, stage) in [("/chat", "/chat", "prod"), ("/", "", "test")] {
        let mut socket = connect(&gateway, DOMAIN, path).await;
        let id = told(&mut socket).await["id"].as_str().unwrap().to_owned();
        let posted = call(
            &gateway,
            "POST",
            DOMAIN,
            &format!("{before}/@connections/{id}"),
        )
        .await;
        assert_eq!(posted.status, 200);
        assert_eq!(
            crate::support::gateway::next_text(&mut socket).await,
            "posted"
        );
        let encoded = format!("{before}/{stage}/%40connections/{}", id.replace('=', "%3D"));
        let wrong = call(&gateway, "POST", DOMAIN, &encoded).await;
        let text = format!(
            "No method found matching route {stage}/@connections/{id} for http method POST."
        );
        assert_eq!(
            (wrong.status, wrong.header("x-amzn-errortype"), wrong.json()),
            (403, Some("ForbiddenException"), json!({ "message": text }))
        );
        // By the default endpoint as well: it is the same connection.
        let by_stage = format!("/{}/{stage}/@connections/{id}", api.id);
        assert_eq!(gateway.call("GET", &by_stage, "").await.status, 200);
    }
}

#[tokio::test]
async fn a_host_without_a_mapping_is_forbidden_and_one_that_is_not_stored_is_foreign() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    own(&gateway, "*.example.net").await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    map(&gateway, "*.example.net", &api, "prod", "").await;
    let forbidden =
        |answer: &Answer| answer.status == 403 && answer.json()["message"] == "Forbidden";
    for path in ["/", "/prod", &api.stage_path("prod")] {
        let refusal = gateway.refused(path, &[("host", DOMAIN)]).await;
        assert!(forbidden(&refusal), "{path}");
    }
    let mut socket = connect(&gateway, "any.example.net", "/").await;
    assert_eq!(told(&mut socket).await["domain"], "any.example.net");
    for host in [
        "example.net",
        "a.b.example.net",
        "example.com",
        "ws.example.com.evil.test",
    ] {
        let refusal = gateway.refused("/", &[("host", host)]).await;
        assert_eq!(refusal.status, 403, "{host}");
        assert!(!forbidden(&refusal), "{host}");
    }
}

#[tokio::test]
async fn a_domain_leads_to_nothing_but_websockets_and_callbacks() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    own(&gateway, "ws.chat.localhost").await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    for name in [DOMAIN, "ws.chat.localhost"] {
        map(&gateway, name, &api, "prod", "").await;
        for path in [
            "/v2",
            "/v2/apis",
            "/_demo/connect",
            "/_stagewire",
            "/_stagewire/health",
            "/2015-03-31/functions/f/invocations",
        ] {
            for method in ["GET", "POST"] {
                let answer = call(&gateway, method, name, path).await;
                assert_eq!(answer.status, 403, "{method} {name}{path}");
                assert_eq!(
                    answer.json()["message"],
                    "Forbidden",
                    "{method} {name}{path}"
                );
            }
        }
        let mut socket = connect(&gateway, name, "/").await;
        let id = told(&mut socket).await["id"].as_str().unwrap().to_owned();
        // A page opens WebSockets, whatever its origin, and nothing else.
        for origin in ["https://elsewhere.test", "http://ws.example.com"] {
            let page = [("host", name), ("origin", origin)];
            gateway.try_connect("/", &page).await.unwrap();
            let request = gateway
                .request("DELETE", &format!("/@connections/{id}"))
                .header("host", name)
                .header("origin", origin)
                .header("authorization", SIGNED);
            let answer = gateway.send(request.body(Full::default()).unwrap()).await;
            assert_eq!(answer.status, 403, "{origin}");
        }
        assert_eq!(told(&mut socket).await["id"], id);
    }
}

#[tokio::test]
async fn a_disabled_default_endpoint_leaves_the_domain_as_the_only_way() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    map(&gateway, DOMAIN, &api, "prod", "chat").await;
    let mut open = gateway.connect(&api.stage_path("prod")).await;
    let id = told(&mut open).await["id"].as_str().unwrap().to_owned();
    let disabled = json!({ "disableExecuteApiEndpoint": true });
    let path = format!("/v2/apis/{}", api.id);
    gateway.control("PATCH", &path, disabled).await;
    gateway.connect(&api.stage_path("prod")).await;

    let deployment = api.create_deployment().await;
    api.point("prod", &deployment).await;
    let by_host = format!("{}.execute-api.us-east-1.localhost", api.id);
    for (path, headers) in [
        (api.stage_path("prod"), vec![]),
        ("/prod".to_owned(), vec![("host", by_host.as_str())]),
    ] {
        let refusal = gateway.refused(&path, &headers).await;
        assert_eq!(refusal.status, 403);
        assert_eq!(refusal.body, r#"{"message":"Forbidden"}"#);
    }
    // Who is connected stays so, and is called back by the domain alone.
    assert_eq!(told(&mut open).await["stage"], "prod");
    let by_default = format!("{}/@connections/{id}", api.stage_path("prod"));
    assert_eq!(gateway.call("GET", &by_default, "").await.status, 403);
    let by_domain = format!("/chat/@connections/{id}");
    assert_eq!(call(&gateway, "GET", DOMAIN, &by_domain).await.status, 200);
    let mut socket = connect(&gateway, DOMAIN, "/chat").await;
    assert_eq!(told(&mut socket).await["stage"], "prod");
}

#[tokio::test]
async fn mappings_act_at_once_and_leave_open_sockets_alone() {
    let gateway = Gateway::start().await;
    own(&gateway, DOMAIN).await;
    let api = telling(&gateway).await;
    api.deploy("prod").await;
    api.deploy("test").await;
    let mapping = map(&gateway, DOMAIN, &api, "prod", "chat").await;
    let mut open = connect(&gateway, DOMAIN, "/chat").await;
    let moved = json!({ "apiId": api.id, "stage": "test", "apiMappingKey": "talk" });
    gateway.control("PATCH", &mapping, moved).await;
    let host = [("host", DOMAIN)];
    assert_eq!(gateway.refused("/chat", &host).await.status, 403);
    let mut second = connect(&gateway, DOMAIN, "/talk").await;
    assert_eq!(told(&mut second).await["stage"], "test");
    gateway.control("DELETE", &mapping, json!(null)).await;
    assert_eq!(gateway.refused("/talk", &host).await.status, 403);
    let domain = format!("/v2/domainnames/{DOMAIN}");
    gateway.control("DELETE", &domain, json!(null)).await;
    let foreign = gateway.refused("/talk", &host).await;
    assert_eq!(
        foreign.header("x-amzn-errortype"),
        Some("AccessDeniedException")
    );
    for (socket, stage) in [(&mut open, "prod"), (&mut second, "test")] {
        let told = told(socket).await;
        assert_eq!(
            (&told["stage"], &told["domain"]),
            (&json!(stage), &json!(DOMAIN))
        );
    }
}
