//! The gateway's own API below `/_stagewire/`.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access_log::{lines, log},
    data_handshake::check_bare_refusal,
    support::gateway::{Answer, Gateway, SIGNED_FOR_CONTROL, close_code, next_text, soon},
};

async fn own(gateway: &Gateway, method: &str, path: &str, body: Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    gateway
        .call(method, &format!("/_stagewire/{path}"), body)
        .await
}

#[tokio::test]
async fn open_connections_are_listed_with_their_traffic() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "$context.connectionId").await;
    api.deploy("prod").await;
    api.deploy("test").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let _other = gateway.connect(&api.stage_path("test")).await;
    socket.send(Message::text("who am I")).await.unwrap();
    let id = next_text(&mut socket).await;
    let path = format!("connections?apiId={}&stage=prod", api.id);
    let listed = own(&gateway, "GET", &path, Value::Null).await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["connectionId"], json!(id));
    assert_eq!(items[0]["messagesReceived"], 1);
    assert_eq!(items[0]["messagesSent"], 1);
    let all = own(&gateway, "GET", "connections", Value::Null)
        .await
        .json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn time_passes_faster_for_open_connections_too() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    socket.send(Message::text("x")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "here");
    let faster = json!({ "timeScale": 1_000_000.0 });
    let set = own(&gateway, "PUT", "time-scale", faster.clone()).await;
    assert_eq!((set.status, set.json()), (200, faster.clone()));
    assert_eq!(close_code(&mut socket).await, 1001);
    let read = own(&gateway, "GET", "time-scale", Value::Null).await;
    assert_eq!(read.json(), faster);
    for wrong in [
        json!({ "timeScale": 0 }),
        json!({ "timeScale": -1 }),
        json!({ "timeScale": 1e300 }),
        json!({ "timeScale": 1e-7 }),
        json!({}),
        json!(1),
        json!([60.0]),
    ] {
        assert_eq!(own(&gateway, "PUT", "time-scale", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn the_next_calls_of_an_operation_fail_as_they_are_told() {
    let gateway = Gateway::start().await;
    let fault =
        json!({ "operation": "GetApis", "times": 2, "status": 429, "message": "Slow down" });
    assert_eq!(own(&gateway, "POST", "faults", fault).await.status, 201);
    for _ in 0..2 {
        let answer = gateway.call("GET", "/v2/apis", "").await;
        assert_eq!(answer.status, 429);
        assert_eq!(
            answer.header("x-amzn-errortype"),
            Some("TooManyRequestsException")
        );
        assert_eq!(answer.json()["message"], "Slow down");
    }
    assert_eq!(gateway.call("GET", "/v2/apis", "").await.status, 200);
    let fault = json!({ "operation": "PostToConnection", "status": 410 });
    assert_eq!(own(&gateway, "POST", "faults", fault).await.status, 201);
    let gone = gateway
        .call("POST", "/any/prod/@connections/JC1dgf9yoAMCK-g=", "x")
        .await;
    assert_eq!((gone.status, gone.body.len()), (410, 0));
    assert_eq!(gone.header("x-amzn-errortype"), Some("GoneException"));
    let fault = json!({ "operation": "Connect", "status": 503 });
    assert_eq!(own(&gateway, "POST", "faults", fault).await.status, 201);
    let refused = gateway.refused("/any/prod", &[]).await;
    check_bare_refusal(&refused, 503, "Service Unavailable");
    let refused = gateway.refused("/any/prod", &[]).await;
    check_bare_refusal(&refused, 403, "Forbidden");
}

/// The names of an answer's headers, in order.
fn header_names(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_fault_of_connections_is_answered_and_logged_as_a_refusal_that_was_earned() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "here").await;
    api.deploy("prod").await;
    let format = "$context.eventType $context.routeKey $context.status $context.connectionId \
                  $context.requestId $context.extendedRequestId";
    log(&api, "prod", format).await;
    let call = |id: &str| format!("{}/@connections/{id}", api.stage_path("prod"));
    // The id of a connection that is gone.
    let id = "AAECAwQFBgcI-DSOCw==";
    let gone = gateway.call("POST", &call(id), "x").await;
    let invalid = gateway.call("POST", &call("nonsense"), "x").await;
    let unsigned = gateway.request("POST", &call(id));
    let unsigned = unsigned.body(http_body_util::Full::default()).unwrap();
    let unsigned = gateway.send(unsigned).await;
    for (status, earned) in [
        (410, &gone),
        (429, &gone),
        (400, &invalid),
        (403, &unsigned),
    ] {
        let fault = json!({ "operation": "PostToConnection", "status": status });
        own(&gateway, "POST", "faults", fault).await;
        let refused = gateway.call("POST", &call(id), "x").await;
        assert_eq!(refused.status, status);
        assert_eq!(header_names(&refused), header_names(earned), "{status}");
        let ids = ["x-amzn-requestid", "x-amz-apigw-id"].map(|name| refused.header(name).unwrap());
        let line = lines(&gateway, &api, "prod").await.pop().unwrap();
        assert_eq!(
            line,
            format!(
                "CONNECTION_API POST /@connections/{{connectionId}} {status} {id} {} {}",
                ids[0], ids[1]
            )
        );
    }
    let n_lines = lines(&gateway, &api, "prod").await.len();
    let earned = gateway.call("POST", &call(id), "x".repeat(131_073)).await;
    let fault = json!({ "operation": "PostToConnection", "status": 413 });
    own(&gateway, "POST", "faults", fault).await;
    let refused = gateway.call("POST", &call(id), "x").await;
    for answer in [&earned, &refused] {
        assert_eq!((answer.status, answer.body.len()), (413, 0));
    }
    assert_eq!(header_names(&refused), header_names(&earned));
    assert_eq!(lines(&gateway, &api, "prod").await.len(), n_lines);
}

#[tokio::test]
async fn a_fault_says_what_it_is_told_to_where_the_operation_says_nothing() {
    let gateway = Gateway::start().await;
    let path = "/any/prod/@connections/AAECAwQFBgcI-DSOCw==";
    for (status, told, kind, body) in [
        (
            410,
            json!({ "message": "m" }),
            Some("GoneException"),
            r#"{"message":"m"}"#,
        ),
        (413, json!({ "error": "E" }), Some("E"), ""),
        (413, json!({ "message": "m" }), None, r#"{"message":"m"}"#),
    ] {
        let mut fault = json!({ "operation": "GetConnection", "status": status });
        fault
            .as_object_mut()
            .unwrap()
            .extend(told.as_object().unwrap().clone());
        own(&gateway, "POST", "faults", fault).await;
        let refused = gateway.call("GET", path, "").await;
        assert_eq!(refused.status, status);
        assert_eq!(refused.header("x-amzn-errortype"), kind);
        assert_eq!(refused.body, body);
    }
}

#[tokio::test]
async fn a_lost_answer_is_of_a_call_that_was_carried_out() {
    let gateway = Gateway::start().await;
    for (drop, n_apis) in [("request", 0), ("answer", 1)] {
        let fault = json!({ "operation": "CreateApi", "drop": drop });
        own(&gateway, "POST", "faults", fault).await;
        let body = json!({
            "name": "test",
            "protocolType": "WEBSOCKET",
            "routeSelectionExpression": "$request.body.action",
        });
        let request = gateway
            .request("POST", "/v2/apis")
            .header("authorization", SIGNED_FOR_CONTROL)
            .body(http_body_util::Full::new(body.to_string().into()))
            .unwrap();
        assert!(soon(gateway.try_send(request)).await.is_err());
        let listed = gateway.call("GET", "/v2/apis", "").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), n_apis, "{drop}");
    }
}

#[tokio::test]
async fn faults_are_listed_and_forgotten() {
    let gateway = Gateway::start().await;
    let fault = json!({ "operation": "*", "times": 5, "delayInMillis": 1 });
    own(&gateway, "POST", "faults", fault.clone()).await;
    let listed = own(&gateway, "GET", "faults", Value::Null).await.json();
    assert_eq!(listed["items"], json!([fault]));
    assert_eq!(
        own(&gateway, "DELETE", "faults", Value::Null).await.status,
        204
    );
    let listed = own(&gateway, "GET", "faults", Value::Null).await.json();
    assert_eq!(listed["items"], json!([]));
    for wrong in [
        json!({ "operation": "*" }),
        json!({ "operation": "*", "status": 200 }),
        json!({ "operation": "*", "statsu": 500 }),
        json!({ "operation": "CreateDeploymnt", "status": 500 }),
        json!(["*", 1, 5]),
        json!([1]),
        Value::Null,
    ] {
        let answer = own(&gateway, "POST", "faults", wrong).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_there_is_can_be_asked_and_the_rest_is_not_found() {
    let gateway = Gateway::start().await;
    let index = own(&gateway, "GET", "", Value::Null).await;
    assert_eq!(index.status, 200);
    for path in ["connections", "access-log"] {
        let entry = format!("GET /_stagewire/{path}");
        assert!(index.json()[entry].is_string(), "{path}");
    }
    assert_eq!(
        own(&gateway, "GET", "nothing", Value::Null).await.status,
        404
    );
    assert_eq!(
        own(&gateway, "POST", "connections", Value::Null)
            .await
            .status,
        405
    );
}
