//! A stage's access log: a line in its own format for all that happens on it.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{
    Api, Backend, Behaviour, Gateway, close_code, closed, next_json, next_text, soon,
};

const GROUP: &str = "arn:aws:logs:us-east-1:000000000000:log-group:chat";

/// Has a stage log in this format.
pub(crate) async fn log(api: &Api<'_>, stage: &str, format: &str) {
    let settings = json!({ "destinationArn": GROUP, "format": format });
    let body = json!({ "accessLogSettings": settings });
    api.control("PATCH", &format!("stages/{stage}"), body).await;
}

/// The lines of a stage, oldest first.
pub(crate) async fn lines(gateway: &Gateway, api: &Api<'_>, stage: &str) -> Vec<String> {
    let path = format!("/_stagewire/access-log?apiId={}&stage={stage}", api.id);
    let answer = gateway.call("GET", &path, "").await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/plain; charset=utf-8"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The lines, once there are that many.
#[track_caller]
fn lines_once<'a>(
    gateway: &'a Gateway,
    api: &'a Api<'_>,
    n_lines: usize,
) -> impl Future<Output = Vec<String>> + 'a {
    soon(async move {
        loop {
            let lines = lines(gateway, api, "prod").await;
            if lines.len() >= n_lines {
                return lines;
            }
            tokio::task::yield_now().await;
        }
    })
}

#[tokio::test]
async fn handshakes_messages_and_disconnects_leave_lines() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("who", r#"{"id":"$context.connectionId"}"#).await;
    api.deploy("prod").await;
    log(
        &api,
        "prod",
        "$context.eventType $context.routeKey $context.status $context.connectionId $context.identity.userAgent \
         $context.error.message|$context.authorizer.principalId [$context.requestId]",
    )
    .await;
    let headers = [("user-agent", "me/1")];
    let (mut socket, _) = gateway
        .try_connect(&api.stage_path("prod"), &headers)
        .await
        .unwrap();
    socket
        .send(Message::text(r#"{"action":"who"}"#))
        .await
        .unwrap();
    let id = next_json(&mut socket).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    socket
        .send(Message::text("nobody takes this"))
        .await
        .unwrap();
    let notice = next_json(&mut socket).await;
    socket.send(Message::Close(None)).await.unwrap();
    assert_eq!(closed(&mut socket).await, None);

    let lines = lines_once(&gateway, &api, 4).await;
    for (line, begins) in lines.iter().zip([
        format!("CONNECT $connect 200 {id} me/1 -|- ["),
        format!("MESSAGE who 200 {id} me/1 -|- ["),
        format!("MESSAGE $default 403 {id} me/1 Forbidden|- ["),
        format!("DISCONNECT $disconnect 200 {id} me/1 -|- ["),
    ]) {
        assert!(line.starts_with(&begins), "{line}");
    }
    let request = notice["requestId"].as_str().unwrap();
    assert!(lines[2].ends_with(&format!("[{request}]")), "{}", lines[2]);
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn lines_tell_what_backends_answered() {
    let backend = Backend::start([
        ("/ok", Behaviour::Answers(201, vec![], "fine".into())),
        ("/no", Behaviour::Answers(403, vec![], "no".into())),
        ("/hang", Behaviour::Hangs),
    ])
    .await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let slow = json!({ "timeoutInMillis": 50 });
    for (key, path, more) in [("ok", "/ok", json!({})), ("hang", "/hang", slow)] {
        let integration = api.proxy_with(&backend.uri(path), more).await;
        api.two_way_route(key, &integration).await;
    }
    let gone = api.proxy("http://127.0.0.1:1/").await;
    api.two_way_route("gone", &gone).await;
    api.deploy("prod").await;
    let refusing = api.proxy(&backend.uri("/no")).await;
    api.route("$connect", Some(&refusing)).await;
    api.deploy("refusing").await;
    let format = r#"{"status":"$context.status","took":"$context.integrationLatency","type":"$context.error.responseType","why":"$context.integrationErrorMessage","id":"$context.requestId"}"#;
    log(&api, "prod", format).await;
    log(&api, "refusing", format).await;
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();

    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    for key in ["ok", "hang", "gone"] {
        let message = json!({ "action": key }).to_string();
        socket.send(Message::text(message)).await.unwrap();
        next_text(&mut socket).await;
    }
    let told: Vec<Value> = lines(&gateway, &api, "prod")
        .await
        .iter()
        .map(read)
        .collect();
    let members =
        |line: &Value| ["status", "type"].map(|name| line[name].as_str().unwrap().to_owned());
    assert_eq!(told.len(), 4);
    assert_eq!(members(&told[0]), ["200", "-"]);
    assert_eq!(members(&told[1]), ["201", "-"]);
    assert_eq!(members(&told[2]), ["504", "INTEGRATION_TIMEOUT"]);
    assert_eq!(members(&told[3]), ["500", "INTEGRATION_FAILURE"]);
    let took: u64 = told[2]["took"].as_str().unwrap().parse().unwrap();
    assert!((50..20_000).contains(&took), "{took}");
    assert_eq!(told[0]["took"], "-");
    assert!(told[3]["why"].as_str().unwrap().len() > 1);

    let refusal = gateway.refused(&api.stage_path("refusing"), &[]).await;
    assert_eq!(refusal.status, 403);
    let told = read(&lines(&gateway, &api, "refusing").await[0]);
    assert_eq!(members(&told), ["403", "-"]);
}

/// The variables that have no value on AWS, though there would be something to tell.
const WITHOUT_VALUE: [&str; 6] = [
    "integrationStatus",
    "integration.status",
    "integration.integrationStatus",
    "integration.latency",
    "integration.requestId",
    "integration.error",
];

#[tokio::test]
async fn a_line_has_the_status_that_a_function_answered_or_502_when_it_threw() {
    let gateway = crate::lambda::gateway(&[crate::lambda::told("f")]).await;
    let api = gateway.api().await;
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
               arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
    let function = json!({ "integrationType": "AWS_PROXY", "integrationUri": uri });
    let integration = api.integration(function).await;
    api.two_way_route("$default", &integration).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let unset = WITHOUT_VALUE.map(|name| format!("$context.{name}"));
    let format = format!(
        "$context.eventType $context.status $context.error.message $context.error.messageString \
         $context.error.responseType {}|$context.requestId",
        unset.join("")
    );
    log(&api, "prod", &format).await;
    let prod = api.stage_path("prod");
    gateway
        .refused(&format!("{prod}?do=refuse&status=403"), &[])
        .await;
    assert_eq!(
        told(&gateway, &api, "prod").await,
        "CONNECT 403 - - - ------"
    );
    let mut socket = gateway.connect(&format!("{prod}?x=1")).await;
    assert_eq!(
        told(&gateway, &api, "prod").await,
        "CONNECT 200 - - - ------"
    );
    for (message, expected) in [
        (json!({}), "200 - - -"),
        (json!({ "do": "echo", "status": "503" }), "503 - - -"),
        (
            json!({ "do": "throw" }),
            "502 Internal server error \"Internal server error\" INTEGRATION_FAILURE",
        ),
    ] {
        socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
        next_text(&mut socket).await;
        let line = told(&gateway, &api, "prod").await;
        assert_eq!(line, format!("MESSAGE {expected} ------"));
    }
}

#[tokio::test]
async fn calls_of_connections_leave_lines_where_they_were_made() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "$context.connectionId").await;
    api.deploy("prod").await;
    api.deploy("test").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("who am I")).await.unwrap();
    let id = next_text(&mut socket).await;
    let unset = WITHOUT_VALUE.map(|name| format!("$context.{name}"));
    let format = format!(
        "$context.eventType $context.routeKey $context.status $context.connectionId \
         $context.integrationLatency $context.connectedAt $context.messageId \
         $context.error.message $context.error.responseType $context.identity.sourceIp \
         $context.identity.userAgent $context.apiId $context.stage {}\
         |$context.requestId $context.extendedRequestId $context.requestTime",
        unset.join("")
    );
    for stage in ["prod", "test"] {
        log(&api, stage, &format).await;
    }
    let path = format!("{}/@connections/{id}", api.stage_path("test"));
    for (method, status) in [
        ("POST", 200),
        ("GET", 200),
        ("DELETE", 204),
        ("GET", 410),
        ("POST", 410),
    ] {
        let answer = gateway.call(method, &path, "x").await;
        assert_eq!(answer.status, status);
        let last = lines(&gateway, &api, "test").await.pop().unwrap();
        let (told, ids) = last.split_once('|').unwrap();
        let api = &api.id;
        assert_eq!(
            told,
            format!(
                "CONNECTION_API {method} /@connections/{{connectionId}} {status} {id} 0 - - - - \
                 127.0.0.1 - {api} test ------"
            )
        );
        let ids: Vec<&str> = ids.splitn(3, ' ').collect();
        assert_eq!(answer.header("x-amzn-requestid"), Some(ids[0]));
        assert_eq!(answer.header("x-amz-apigw-id"), Some(ids[1]));
        assert!(ids[2].ends_with(" +0000"), "{}", ids[2]);
    }
    // Only the connection's own end was on its own stage.
    assert_eq!(close_code(&mut socket).await, 1000);
    let lines = lines_once(&gateway, &api, 1).await;
    assert!(
        lines[0].starts_with("DISCONNECT $disconnect 200 "),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_refused_call_of_connections_leaves_a_line_where_its_stage_is_known_but_for_413() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let format = "$context.routeKey $context.status $context.connectionId $context.integrationLatency \
                  $context.error.message|$context.requestId";
    log(&api, "prod", format).await;
    let prod = api.stage_path("prod");
    // The id of a connection that is gone.
    let gone = "AAECAwQFBgcI-DSOCw==";
    let unsigned = gateway.request("GET", &format!("{prod}/@connections/{gone}"));
    let unsigned = unsigned.body(http_body_util::Full::default()).unwrap();
    assert_eq!(gateway.send(unsigned).await.status, 403);
    let line = told(&gateway, &api, "prod").await;
    assert_eq!(
        line,
        format!("GET /@connections/{{connectionId}} 403 {gone} 0 -")
    );
    for (method, rest, expected) in [
        (
            "POST",
            "nonsense",
            "POST /@connections/{connectionId} 400 nonsense 0 -",
        ),
        ("POST", "", "- 403 - 0 -"),
        ("POST", &format!("{gone}/"), "- 403 - 0 -"),
        ("POST", &format!("{gone}/more"), "- 403 - 0 -"),
        ("PUT", gone, "- 403 - 0 -"),
    ] {
        let path = format!("{prod}/@connections/{rest}");
        gateway.call(method, &path, "x").await;
        let line = told(&gateway, &api, "prod").await;
        assert_eq!(line, expected, "{method} {rest}");
    }
    assert_eq!(lines(&gateway, &api, "prod").await.len(), 6);

    let path = format!("{prod}/@connections/{gone}");
    let too_long = gateway.call("POST", &path, "x".repeat(131_073)).await;
    assert_eq!(too_long.status, 413);
    let of_no_stage = path.replace("prod", "nosuch");
    assert_eq!(gateway.call("GET", &of_no_stage, "").await.status, 403);
    let shut = json!({ "disableExecuteApiEndpoint": true });
    gateway
        .control("PATCH", &format!("/v2/apis/{}", api.id), shut)
        .await;
    let deployment = api.create_deployment().await;
    api.point("prod", &deployment).await;
    assert_eq!(gateway.call("GET", &path, "").await.status, 403);
    assert_eq!(lines(&gateway, &api, "prod").await.len(), 6);
}

#[tokio::test]
async fn only_stages_with_a_format_log_and_changes_act_at_once() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let mut ask = async || {
        socket.send(Message::text("x")).await.unwrap();
        next_text(&mut socket).await;
    };
    ask().await;
    let path = |query: &str| format!("/_stagewire/access-log?{query}");
    let of_stage = format!("apiId={}&stage=prod", api.id);
    for (query, status) in [
        (of_stage.as_str(), 404),
        ("", 400),
        ("stage=prod", 400),
        ("apiId=nosuch&stage=prod", 404),
    ] {
        let answer = gateway.call("GET", &path(query), "").await;
        assert_eq!(answer.status, status, "{query}");
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(gateway.call("POST", &path(&of_stage), "").await.status, 405);

    log(&api, "prod", "one $context.requestId").await;
    assert!(lines(&gateway, &api, "prod").await.is_empty());
    ask().await;
    log(&api, "prod", "two $context.requestId").await;
    ask().await;
    api.control("DELETE", "stages/prod/accesslogsettings", json!(null))
        .await;
    ask().await;
    let left = lines(&gateway, &api, "prod").await;
    assert_eq!(left.len(), 2);
    assert!(
        left[0].starts_with("one ") && left[1].starts_with("two "),
        "{left:?}"
    );
    api.control("DELETE", "stages/prod", json!(null)).await;
    assert_eq!(close_code(&mut socket).await, 1001);
    let gone = gateway.call("GET", &path(&of_stage), "").await;
    assert_eq!(gone.status, 404);
}

/// The line of what just happened, by what it begins with: the values of these variables, with a bar between two.
async fn told(gateway: &Gateway, api: &Api<'_>, stage: &str) -> String {
    let last = lines(gateway, api, stage).await.pop().unwrap();
    last.rsplit_once('|').unwrap().0.to_owned()
}

#[tokio::test]
async fn handshakes_that_never_reach_a_route_leave_lines_where_there_is_a_stage() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    api.control("POST", "stages", json!({ "stageName": "empty" }))
        .await;
    let format = "$context.eventType $context.routeKey $context.status $context.error.responseType \
                  $context.error.message $context.identity.sourceIp|$context.requestId";
    for stage in ["prod", "empty"] {
        log(&api, stage, format).await;
    }
    let prod = api.stage_path("prod");
    let refused = async |path: &str| {
        let refusal = gateway.refused(path, &[]).await;
        (refusal.status, refusal.json())
    };
    let cases = [
        (format!("{prod}/deeper"), "403 ACCESS_DENIED Forbidden"),
        (
            format!("{prod}?{}", "x".repeat(4096)),
            "414 DEFAULT_4XX Request-URI Too Long",
        ),
    ];
    for (path, expected) in cases {
        refused(&path).await;
        let line = told(&gateway, &api, "prod").await;
        assert_eq!(line, format!("CONNECT $connect {expected} 127.0.0.1"));
    }
    assert_eq!(refused(&api.stage_path("empty")).await.0, 403);
    let line = told(&gateway, &api, "empty").await;
    assert_eq!(
        line,
        "CONNECT $connect 403 ACCESS_DENIED Forbidden 127.0.0.1"
    );
    gateway.call("GET", &prod, "").await;
    let line = told(&gateway, &api, "prod").await;
    assert_eq!(
        line,
        "CONNECT $connect 426 DEFAULT_4XX Upgrade Required 127.0.0.1"
    );

    let shut =
        json!({ "defaultRouteSettings": { "throttlingRateLimit": 0, "throttlingBurstLimit": 0 } });
    api.control("PATCH", "stages/prod", shut).await;
    let (status, body) = refused(&prod).await;
    assert_eq!(status, 429);
    let all = lines(&gateway, &api, "prod").await;
    let request = body["requestId"].as_str().unwrap();
    let line = format!("CONNECT $connect 429 THROTTLED Too Many Requests 127.0.0.1|{request}");
    assert_eq!(all.last(), Some(&line));
    // What leads to no stage leaves no line anywhere.
    refused(&api.stage_path("nosuch")).await;
    assert_eq!(lines(&gateway, &api, "prod").await.len(), all.len());
    assert_eq!(lines(&gateway, &api, "empty").await.len(), 1);
}
