//! The `@connections` API, by hand and through the real SDK.

use std::sync::Arc;

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::ProvideErrorMetadata,
    primitives::Blob,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use serde_json::json;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::support::gateway::{
    Backend, Behaviour, Gateway, SIGNED, Socket, close_code, closed, next_text, soon,
};

/// A gateway, the path of a stage, an open socket there, and its id.
async fn connected() -> (Gateway, String, Socket, String) {
    let gateway = Gateway::start().await;
    let path = {
        let api = gateway.api().await;
        api.mock("$default", "$context.connectionId").await;
        api.deploy("prod").await;
        api.deploy("test").await;
        api.stage_path("prod")
    };
    let (mut socket, _) = gateway
        .try_connect(&path, &[("user-agent", "me/1")])
        .await
        .unwrap();
    socket.send(Message::text("who am I")).await.unwrap();
    let id = next_text(&mut socket).await;
    (gateway, path, socket, id)
}

#[tokio::test]
async fn a_post_reaches_the_client() {
    let (gateway, path, mut socket, id) = connected().await;
    let encoded = id.replace('=', "%3D");
    for (call, text) in [
        (format!("{path}/@connections/{id}"), "one"),
        (format!("{path}/%40connections/{encoded}"), "two"),
        (format!("{path}/@connections/{id}"), ""),
    ] {
        let answer = gateway.call("POST", &call, text).await;
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (200, b"".as_ref()),
            "{call}"
        );
        assert_eq!(answer.header("content-length"), Some("0"));
        assert_eq!(next_text(&mut socket).await, text);
    }
    let long = "x".repeat(131_072);
    let call = format!("{path}/@connections/{id}");
    assert_eq!(gateway.call("POST", &call, long.clone()).await.status, 200);
    assert_eq!(next_text(&mut socket).await, long);
}

#[tokio::test]
async fn a_connection_is_described_with_milliseconds() {
    let (gateway, path, _socket, id) = connected().await;
    let answer = gateway
        .call("GET", &format!("{path}/@connections/{id}"), "")
        .await;
    assert_eq!(answer.status, 200);
    let description = answer.json();
    let time = |name: &str| description[name].as_str().unwrap();
    let (connected, active) = (time("connectedAt"), time("lastActiveAt"));
    let expected = format!(
        r#"{{
  "identity" : {{
    "sourceIp" : "127.0.0.1",
    "userAgent" : "me/1"
  }},
  "connectedAt" : "{connected}",
  "lastActiveAt" : "{active}"
}}"#
    );
    assert_eq!(std::str::from_utf8(&answer.body).unwrap(), expected);
    for name in ["connectedAt", "lastActiveAt"] {
        let time = description[name].as_str().unwrap();
        assert_eq!(
            (time.len(), &time[19..20], &time[23..]),
            (24, ".", "Z"),
            "{time}"
        );
    }
    assert!(description["lastActiveAt"].as_str() >= description["connectedAt"].as_str());
}

/// When a message last passed, as the gateway describes it.
async fn last_active(gateway: &Gateway, call: &str) -> String {
    let description = gateway.call("GET", call, "").await.json();
    // A client that names no user agent has none.
    assert_eq!(description["identity"], json!({ "sourceIp": "127.0.0.1" }));
    description["lastActiveAt"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn messages_in_either_direction_are_activity_and_nothing_else_is() {
    let (gateway, path, _named, _) = connected().await;
    let mut socket = gateway.connect(&path).await;
    socket.send(Message::text("who am I")).await.unwrap();
    let id = next_text(&mut socket).await;
    let call = format!("{path}/@connections/{id}");
    soon(async {
        let began = last_active(&gateway, &call).await;
        while last_active(&gateway, &call).await == began {
            gateway.call("POST", &call, "to the client").await;
            next_text(&mut socket).await;
        }
        let posted = last_active(&gateway, &call).await;
        while last_active(&gateway, &call).await == posted {
            socket.send(Message::text("from the client")).await.unwrap();
            next_text(&mut socket).await;
        }
        let said = last_active(&gateway, &call).await;
        assert!(began < posted && posted < said);
        after(&said).await;
        let refused = gateway.call("POST", &call, "x".repeat(131_073)).await;
        assert_eq!(refused.status, 413);
        assert_eq!(last_active(&gateway, &call).await, said);
    })
    .await;
}

#[tokio::test]
async fn a_post_is_activity_by_the_time_it_is_answered() {
    let (gateway, path, _named, _) = connected().await;
    let mut socket = gateway.connect(&path).await;
    socket.send(Message::text("who am I")).await.unwrap();
    let id = next_text(&mut socket).await;
    let call = format!("{path}/@connections/{id}");
    let began = last_active(&gateway, &call).await;
    after(&began).await;
    gateway.call("POST", &call, "x").await;
    assert!(last_active(&gateway, &call).await > began);
}

/// Waits until the clock shows another millisecond.
async fn after(time: &str) {
    let time: jiff::Timestamp = time.parse().unwrap();
    let is_over = || crate::lambda::now().as_millisecond() > time.as_millisecond();
    while !is_over() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_is_none_before_connect_has_answered() {
    let told = Arc::new(Notify::new());
    let waits = Behaviour::Waits(200, Arc::clone(&told));
    let mut backend = Backend::start([("/hello", waits)]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mapped = json!({ "requestParameters": {
        "integration.request.header.connectionId": "context.connectionId",
    }});
    let integration = api.proxy_with(&backend.uri("/hello"), mapped).await;
    api.route("$connect", Some(&integration)).await;
    api.deploy("prod").await;
    let path = api.stage_path("prod");
    let asking = async {
        let request = backend.received().await;
        let id = request.headers["connectionid"].to_str().unwrap();
        let call = format!("{path}/@connections/{id}");
        assert_eq!(gateway.call("POST", &call, "too early").await.status, 410);
        told.notify_one();
        call
    };
    let (mut socket, call) = tokio::join!(gateway.connect(&path), asking);
    assert_eq!(gateway.call("POST", &call, "now").await.status, 200);
    assert_eq!(next_text(&mut socket).await, "now");
}

#[tokio::test]
async fn a_deleted_connection_is_closed_and_gone() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    let deleted = gateway.call("DELETE", &call, "").await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(deleted.header("content-length"), None);
    for method in ["GET", "POST", "DELETE"] {
        let gone = gateway.call(method, &call, "").await;
        assert_eq!((gone.status, gone.body.len()), (410, 0));
        assert_eq!(gone.header("x-amzn-errortype"), Some("GoneException"));
    }
    let frame = closed(&mut socket).await.unwrap();
    let told = (1000_u16, "Connection Closed Normally");
    assert_eq!((frame.code.into(), frame.reason.as_str()), told);
}

#[tokio::test]
async fn bad_calls_are_refused_in_the_words_of_aws() {
    let (gateway, path, _socket, id) = connected().await;
    let call = |rest: &str| format!("{path}/@connections/{rest}");
    let check = |answer: crate::support::gateway::Answer, status: u16, kind: &str| {
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (status, Some(kind))
        );
        answer.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let malformed = gateway.call("POST", &call("nonsense"), "x").await;
    assert_eq!(
        check(malformed, 400, "BadRequestException"),
        "Invalid connectionId: nonsense"
    );
    for (rest, shown) in [
        ("", "@connections/"),
        (&format!("{id}/"), &format!("@connections/{id}/")),
        (&format!("{id}/more"), &format!("@connections/{id}/more")),
    ] {
        let nowhere = gateway.call("POST", &call(rest), "x").await;
        assert_eq!(
            check(nowhere, 403, "ForbiddenException"),
            format!("No method found matching route {shown} for http method POST.")
        );
    }
    let no_stage = format!("{}/@connections/{id}", path.replace("prod", "nosuch"));
    assert_eq!(
        check(
            gateway.call("GET", &no_stage, "").await,
            403,
            "ForbiddenException"
        ),
        "Forbidden"
    );
    let no_stage = format!("{}/@connections/{id}", path.trim_end_matches("/prod"));
    for method in ["GET", "POST", "DELETE"] {
        let answer = gateway.call(method, &no_stage, "").await;
        assert_eq!(check(answer, 403, "ForbiddenException"), "Forbidden");
    }
    check(
        gateway.call("PUT", &call(&id), "").await,
        403,
        "ForbiddenException",
    );
    for method in ["GET", "POST", "DELETE"] {
        let unsigned = gateway.request(method, &call(&id));
        let answer = gateway.send(unsigned.body(Full::default()).unwrap()).await;
        assert_eq!(
            check(answer, 403, "MissingAuthenticationTokenException"),
            "Missing Authentication Token"
        );
    }
}

#[tokio::test]
async fn an_id_that_was_never_given_out_is_told_from_one_that_is_gone() {
    let (gateway, path, _socket, id) = connected().await;
    assert!(id.len() == 20 && id.ends_with("=="), "{id}");
    let mut changed = id.clone();
    changed.replace_range(..1, if id.starts_with('A') { "B" } else { "A" });
    let bare = id.trim_end_matches('=');
    for never in [
        "AAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAA==",
        &changed,
        bare,
        &format!("{bare}="),
    ] {
        for method in ["GET", "POST", "DELETE"] {
            // It is looked at before the signature is.
            let call = gateway.request(method, &format!("{path}/@connections/{never}"));
            let answer = gateway.send(call.body(Full::default()).unwrap()).await;
            assert_eq!(answer.status, 400);
            let kind = answer.header("x-amzn-errortype");
            assert_eq!(kind, Some("BadRequestException"));
            let message = format!("Invalid connectionId: {never}");
            assert_eq!(answer.json(), json!({ "message": message }));
        }
    }
    let no_text = gateway
        .call("GET", &format!("{path}/@connections/%ff"), "")
        .await;
    assert_eq!(no_text.status, 400);
    // Another gateway gave it out, as this one did before it was started again.
    let (_other, _, _its_socket, gone) = connected().await;
    let call = format!("{path}/@connections/{gone}");
    assert_eq!(gateway.call("GET", &call, "").await.status, 410);
}

#[tokio::test]
async fn every_stage_of_an_api_reaches_its_connections_and_no_other_api_does() {
    let (gateway, path, mut socket, id) = connected().await;
    let test = format!("{}/@connections/{id}", path.replace("prod", "test"));
    let other = gateway.api().await;
    other.mock("$default", "").await;
    other.deploy("prod").await;
    let of_other_api = format!("{}/@connections/{id}", other.stage_path("prod"));
    for method in ["GET", "POST", "DELETE"] {
        let answer = gateway.call(method, &of_other_api, "x").await;
        assert_eq!(answer.status, 410, "{method}");
    }
    let described = gateway.call("GET", &test, "").await;
    assert_eq!(described.json()["identity"]["userAgent"], "me/1");
    assert_eq!(gateway.call("POST", &test, "hello").await.status, 200);
    assert_eq!(next_text(&mut socket).await, "hello");
    assert_eq!(gateway.call("DELETE", &test, "").await.status, 204);
    assert_eq!(close_code(&mut socket).await, 1000);
}

#[tokio::test]
async fn every_answer_has_the_ids_of_its_call_but_413() {
    let (gateway, path, _socket, id) = connected().await;
    let call = |rest: &str| format!("{path}/@connections/{rest}");
    let nowhere = format!("{}/@connections/{id}", path.replace("prod", "nosuch"));
    let stageless = format!("{}/@connections/{id}", path.replace("/prod", ""));
    for (method, path, status) in [
        ("POST", call(&id), 200),
        ("GET", call(&id), 200),
        ("GET", call("nonsense"), 400),
        ("GET", nowhere, 403),
        ("GET", stageless, 403),
        ("DELETE", call(&id), 204),
        ("GET", call(&id), 410),
    ] {
        let answer = gateway.call(method, &path, "").await;
        assert_eq!(answer.status, status);
        let header = |name| answer.header(name).unwrap_or_default();
        let request_id = header("x-amzn-requestid");
        assert_eq!(request_id.matches('-').count(), 4, "{status}: {request_id}");
        assert_eq!(header("x-amz-apigw-id").len(), 16, "{status}");
        assert_eq!(header("content-type"), "application/json", "{status}");
        let is_traced = header("x-amzn-trace-id").starts_with("Root=1-");
        assert_eq!(is_traced, !matches!(status, 400 | 403), "{status}");
    }
    let too_large = gateway.call("POST", &call(&id), "x".repeat(131_073)).await;
    assert_eq!((too_large.status, too_large.body.len()), (413, 0));
    let aws = |name: &&http::HeaderName| name.as_str().starts_with("x-amz");
    assert_eq!(too_large.headers.keys().find(aws), None);
}

#[tokio::test]
async fn one_byte_too_many_is_refused_and_the_socket_stays_open() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    let too_large = gateway.call("POST", &call, "x".repeat(131_073)).await;
    assert_eq!(too_large.status, 413);
    assert_eq!(gateway.call("POST", &call, "still here").await.status, 200);
    assert_eq!(next_text(&mut socket).await, "still here");
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_reach_the_client_as_replacements() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    for (bytes, text) in [
        (&b"a\xffb\xfe\xfd"[..], "a\u{fffd}b\u{fffd}\u{fffd}"),
        (b"\x00\x80", "\0\u{fffd}"),
        // Which of these is one error and which are several, nobody recorded.
        (b"\xe2\x82a", "\u{fffd}a"),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        ("é".as_bytes(), "é"),
    ] {
        let payload = Bytes::copy_from_slice(bytes);
        assert_eq!(gateway.call("POST", &call, payload).await.status, 200);
        // A message that were no text would not come as one.
        assert_eq!(next_text(&mut socket).await, text);
    }
}

#[tokio::test]
async fn web_pages_and_foreign_hosts_are_refused() {
    let (gateway, path, _socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    for (name, value) in [
        ("origin", "https://example.com"),
        ("sec-fetch-site", "same-origin"),
        ("host", "rebound.example.com:4566"),
    ] {
        let request = gateway
            .request("GET", &call)
            .header("authorization", SIGNED)
            .header(name, value);
        let answer = gateway.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 403, "{name}");
    }
    let page = [("origin", "https://example.com")];
    gateway.try_connect(&path, &page).await.unwrap();
}

#[tokio::test]
async fn the_sdk_posts_describes_and_deletes() {
    let (gateway, path, mut socket, id) = connected().await;
    let config = aws_sdk_apigatewaymanagement::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "test",
        ))
        .endpoint_url(format!("http://{}{path}", gateway.address()))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = Client::from_conf(config);
    let post = client
        .post_to_connection()
        .connection_id(&id)
        .data(Blob::new("from the SDK"));
    post.send().await.unwrap();
    assert_eq!(next_text(&mut socket).await, "from the SDK");
    let described = client
        .get_connection()
        .connection_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(described.identity().unwrap().source_ip(), Some("127.0.0.1"));
    assert!(described.connected_at().is_some() && described.last_active_at().is_some());
    client
        .delete_connection()
        .connection_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(close_code(&mut socket).await, 1000);
    let post = client
        .post_to_connection()
        .connection_id(&id)
        .data(Blob::new("too late"));
    let error = post.send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_gone_exception());
    let get = client
        .get_connection()
        .connection_id("bad")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        get.as_service_error().unwrap().code(),
        Some("BadRequestException")
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_its_posters_back() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    let long = Bytes::from("x".repeat(131_072));
    let mut taken = 0;
    let refused = loop {
        let answer = gateway.call("POST", &call, long.clone()).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
    };
    assert_eq!(
        (refused.status, refused.header("x-amzn-errortype")),
        (429, Some("LimitExceededException"))
    );
    for _ in 0..taken {
        assert_eq!(next_text(&mut socket).await.len(), long.len());
    }
}

/// Reads texts up to the close frame; gives both.
async fn texts_and_close(socket: &mut Socket) -> (Vec<String>, Option<u16>) {
    let mut texts = Vec::new();
    soon(async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => texts.push(text.to_string()),
                Some(Ok(Message::Close(frame))) => {
                    return (texts, frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_was_posted_before_a_delete_arrives_before_the_close() {
    for (rounds, length) in [(20, 3), (5, 131_072)] {
        for round in 0..rounds {
            let (gateway, path, mut socket, id) = connected().await;
            let call = format!("{path}/@connections/{id}");
            let posts = vec!["x".repeat(length); 3];
            for post in &posts {
                assert_eq!(gateway.call("POST", &call, post.clone()).await.status, 200);
            }
            assert_eq!(gateway.call("DELETE", &call, "").await.status, 204);
            let (texts, code) = texts_and_close(&mut socket).await;
            assert_eq!(code, Some(1000));
            assert!(texts == posts, "{} texts in round {round}", texts.len());
        }
    }
}

#[tokio::test]
async fn what_was_posted_before_the_stage_went_arrives_before_the_close() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    let long = "x".repeat(131_072);
    for _ in 0..4 {
        assert_eq!(gateway.call("POST", &call, long.clone()).await.status, 200);
    }
    let (api, stage) = path[1..].split_once('/').unwrap();
    let stage = format!("/v2/apis/{api}/stages/{stage}");
    assert_eq!(gateway.call("DELETE", &stage, "").await.status, 204);
    let (texts, code) = texts_and_close(&mut socket).await;
    assert_eq!((texts.len(), code), (4, Some(1001)));
}

#[tokio::test]
async fn a_client_that_closed_takes_no_more_posts() {
    let (gateway, path, mut socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    socket.send(Message::Close(None)).await.unwrap();
    // The close frame is answered, but the client stays on the line and so keeps the gateway waiting.
    assert!(matches!(
        soon(socket.next()).await,
        Some(Ok(Message::Close(_)))
    ));
    assert_eq!(gateway.call("POST", &call, "late").await.status, 410);
}

#[tokio::test]
async fn who_waits_to_post_learns_that_the_client_is_gone() {
    let (gateway, path, socket, id) = connected().await;
    let call = format!("{path}/@connections/{id}");
    let (taken, mut takes) = tokio::sync::mpsc::unbounded_channel();
    let posting = async {
        let long = Bytes::from("x".repeat(131_072));
        loop {
            let status = gateway.call("POST", &call, long.clone()).await.status;
            if status != 200 {
                return status;
            }
            taken.send(()).unwrap();
        }
    };
    let leaving = async {
        let patience = std::time::Duration::from_secs(1);
        // Once no post gets through for a while, one is waiting for room.
        while tokio::time::timeout(patience, takes.recv()).await.is_ok() {}
        drop(socket);
    };
    let (status, ()) = soon(async { tokio::join!(posting, leaving) }).await;
    assert_eq!(status, 410);
}
