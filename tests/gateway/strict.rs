//! The gateway that is as strict as AWS: rates of control calls, their latency, and stages that settle slowly.
//!
//! Where time must not pass, a time scale holds it; where it must, another lets an hour pass in 3.6 ms. That ends open
//! connections too, so a stage that has any settles within a minute, of which a second is made.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{SinkExt, future::join_all};
use serde_json::{Value, json};
use stagewire::gateway::{LONGEST_CONSISTENCY, LONGEST_LATENCY, Options, Seed, Strictness};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    control::{check_refused, sdk},
    support::gateway::{Api, Backend, Gateway, Socket, next_text, soon},
};

const TOO_FAST: &str = "TooManyRequestsException";

/// How often something is tried that has one outcome or the other by chance, each half the time.
const TRIES: usize = 200;

async fn strict(strictness: Strictness, time_scale: f64) -> Gateway {
    Gateway::with(Options {
        seed: Seed::None,
        strictness,
        time_scale,
        ..Options::default()
    })
    .await
}

/// A gateway that counts control calls, and in which almost no time passes.
async fn counting() -> Gateway {
    let strictness = Strictness {
        aws_rates: true,
        ..Strictness::default()
    };
    strict(strictness, 0.000_001).await
}

async fn put(gateway: &Gateway, path: &str, body: Value) -> Value {
    let answer = gateway.call("PUT", path, body.to_string()).await;
    assert_eq!(answer.status, 200, "{body}");
    answer.json()
}

/// Lets an hour pass in 3.6 ms from now on.
async fn hurry(gateway: &Gateway) {
    let fast = json!({ "timeScale": 1_000_000.0 });
    put(gateway, "/_stagewire/time-scale", fast).await;
}

/// From now on a stage that is moved takes longer to settle than any test.
async fn settle_slowly(gateway: &Gateway) {
    let slowly = json!({ "consistencyInMillis": 3_600_000 });
    put(gateway, "/_stagewire/strictness", slowly).await;
}

async fn ask(socket: &mut Socket) -> String {
    socket.send(Message::text("x")).await.unwrap();
    next_text(socket).await
}

/// Asks until both the old and the new deployment have answered.
async fn hear_both(socket: &mut Socket) {
    let mut heard = BTreeSet::new();
    for _ in 0..TRIES {
        heard.insert(ask(socket).await);
        if heard.len() == 2 {
            return;
        }
    }
    panic!("both should answer: {heard:?}");
}

/// Asks often, and holds the answers to the new deployment's.
async fn hear_new_alone(socket: &mut Socket) {
    for _ in 0..TRIES {
        assert_eq!(ask(socket).await, "new");
    }
}

/// A stage that answers `old`, and a deployment that answers `new`.
async fn old_and_new(gateway: &Gateway) -> (Api<'_>, String) {
    let api = gateway.api().await;
    let old = api.mock_integration(200, "old").await;
    let route = api.two_way_route("$default", &old).await;
    api.deploy("prod").await;
    let new = api.mock_integration(200, "new").await;
    let target = json!({ "target": format!("integrations/{new}") });
    api.control("PATCH", &format!("routes/{route}"), target)
        .await;
    let deployment = api.create_deployment().await;
    (api, deployment)
}

#[tokio::test]
async fn the_forty_first_call_at_once_is_refused_until_time_has_passed() {
    let gateway = counting().await;
    let client = sdk(&gateway);
    for _ in 0..40 {
        client.get_apis().send().await.unwrap();
    }
    let create = || {
        let create = client.create_api().name("chat");
        create.protocol_type(aws_sdk_apigatewayv2::types::ProtocolType::Http)
    };
    check_refused(create().send().await, 429, TOO_FAST, "Too Many Requests");
    hurry(&gateway).await;
    let listed = client.get_apis().send().await.unwrap();
    assert!(listed.items().is_empty(), "it was not carried out");
}

#[tokio::test]
async fn deployments_are_made_one_at_a_time() {
    let gateway = Gateway::start().await;
    let (api, _) = old_and_new(&gateway).await;
    let slow = json!({ "timeScale": 0.000_001 });
    put(&gateway, "/_stagewire/time-scale", slow).await;
    put(
        &gateway,
        "/_stagewire/strictness",
        json!({ "awsRates": true }),
    )
    .await;
    let client = sdk(&gateway);
    let create = || client.create_deployment().api_id(&api.id).send();
    create().await.unwrap();
    check_refused(create().await, 429, TOO_FAST, "Too Many Requests");
    let list = client.get_deployments().api_id(&api.id).send();
    assert_eq!(list.await.unwrap().items().len(), 3);
    hurry(&gateway).await;
    create().await.unwrap();
}

#[tokio::test]
async fn calls_are_not_counted_unless_the_gateway_is_strict() {
    let gateway = strict(Strictness::default(), 0.000_001).await;
    for _ in 0..100 {
        assert_eq!(gateway.call("GET", "/v2/apis", "").await.status, 200);
    }
}

#[tokio::test]
async fn control_calls_take_their_time_side_by_side() {
    let latency = Duration::from_millis(500);
    let strictness = Strictness {
        latency,
        ..Strictness::default()
    };
    let gateway = strict(strictness, 1.0).await;
    let began = Instant::now();
    let call = async || {
        // What is refused takes as long.
        let answer = gateway.call("GET", "/v2/apis/none", "").await;
        assert_eq!(answer.status, 404);
        assert!(began.elapsed() >= latency);
    };
    join_all((0..40).map(|_| call())).await;
    // One after the other they would take 20 s.
    assert!(began.elapsed() < 20 * latency);
}

#[tokio::test]
async fn nothing_but_control_calls_is_slow() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    api.mock("$default", "$context.connectionId").await;
    api.deploy("prod").await;
    let slow = json!({ "latencyInMillis": 600_000 });
    put(&gateway, "/_stagewire/strictness", slow).await;
    let path = api.stage_path("prod");
    let mut socket = gateway.connect(&path).await;
    let id = ask(&mut socket).await;
    let post = format!("{path}/@connections/{id}");
    assert_eq!(gateway.call("POST", &post, "y").await.status, 200);
    assert_eq!(next_text(&mut socket).await, "y");
    // Ten minutes pass in less than a millisecond.
    hurry(&gateway).await;
    assert_eq!(gateway.call("GET", "/v2/apis", "").await.status, 200);
}

#[tokio::test]
async fn messages_meet_the_old_and_the_new_deployment_until_the_stage_has_settled() {
    let gateway = Gateway::start().await;
    let (api, new) = old_and_new(&gateway).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    let minute = json!({ "consistencyInMillis": 60_000 });
    put(&gateway, "/_stagewire/strictness", minute).await;
    assert_eq!(ask(&mut socket).await, "old");
    api.point("prod", &new).await;
    let moved = Instant::now();
    hear_both(&mut socket).await;
    let faster = json!({ "timeScale": 60 });
    put(&gateway, "/_stagewire/time-scale", faster).await;
    while moved.elapsed() < Duration::from_secs(1) {
        ask(&mut socket).await;
    }
    hear_new_alone(&mut socket).await;
}

#[tokio::test]
async fn a_stage_settles_at_once_when_that_takes_no_time_any_more() {
    let gateway = Gateway::start().await;
    let (api, new) = old_and_new(&gateway).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    settle_slowly(&gateway).await;
    api.point("prod", &new).await;
    hear_both(&mut socket).await;
    let at_once = json!({ "consistencyInMillis": 0 });
    put(&gateway, "/_stagewire/strictness", at_once).await;
    hear_new_alone(&mut socket).await;
}

#[tokio::test]
async fn a_deployment_that_was_deleted_meanwhile_answers_no_more() {
    let gateway = Gateway::start().await;
    let (api, new) = old_and_new(&gateway).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    settle_slowly(&gateway).await;
    let served = api.control("GET", "stages/prod", Value::Null).await;
    let old = served["deploymentId"].as_str().unwrap();
    api.point("prod", &new).await;
    hear_both(&mut socket).await;
    let path = format!("deployments/{old}");
    api.control("DELETE", &path, Value::Null).await;
    hear_new_alone(&mut socket).await;
}

#[tokio::test]
async fn a_stage_that_follows_the_definition_settles_slowly_too() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let old = api.mock_integration(200, "old").await;
    let new = api.mock_integration(200, "new").await;
    let route = api.two_way_route("$default", &old).await;
    let deployment = api.create_deployment().await;
    let stage = json!({ "stageName": "prod", "deploymentId": deployment });
    api.control("POST", "stages", stage).await;
    let mut socket = gateway.connect(&api.stage_path("prod")).await;
    settle_slowly(&gateway).await;
    api.control("PATCH", "stages/prod", json!({ "autoDeploy": true }))
        .await;
    let target = json!({ "target": format!("integrations/{new}") });
    api.control("PATCH", &format!("routes/{route}"), target)
        .await;
    // The deployment is made some time after the answer, and once it is there the old one answers all the same.
    soon(async { while ask(&mut socket).await != "new" {} }).await;
    hear_both(&mut socket).await;
}

#[tokio::test]
async fn handshakes_and_disconnects_meet_either_deployment() {
    let mut backend = Backend::start([]).await;
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mut routes = Vec::new();
    for key in ["$connect", "$disconnect"] {
        let integration = api.proxy(&backend.uri(&format!("/old/{key}"))).await;
        routes.push((key, api.route(key, Some(&integration)).await));
    }
    api.deploy("prod").await;
    for (key, route) in &routes {
        let integration = api.proxy(&backend.uri(&format!("/new/{key}"))).await;
        let target = json!({ "target": format!("integrations/{integration}") });
        api.control("PATCH", &format!("routes/{route}"), target)
            .await;
    }
    let new = api.create_deployment().await;
    settle_slowly(&gateway).await;
    api.point("prod", &new).await;
    let mut met = BTreeSet::new();
    for _ in 0..TRIES {
        let socket = gateway.connect(&api.stage_path("prod")).await;
        met.insert(backend.received().await.uri);
        drop(socket);
        met.insert(backend.received().await.uri);
        if met.len() == 4 {
            return;
        }
    }
    panic!("both deployments should be met: {met:?}");
}

/// Whether the stage refuses a handshake as if it were not there.
async fn is_absent(gateway: &Gateway, path: &str) -> bool {
    let (stage, none) = (
        gateway.refused(path, &[]).await,
        gateway.refused("/none/prod", &[]).await,
    );
    stage.status == 403 && (stage.status, stage.body) == (none.status, none.body)
}

#[tokio::test]
async fn a_new_stage_and_one_that_served_nothing_refuse_handshakes_until_they_have_settled() {
    let strictness = Strictness {
        consistency: Duration::from_hours(1),
        ..Strictness::default()
    };
    let gateway = strict(strictness, 1.0).await;
    let api = gateway.api().await;
    api.mock("$default", "new").await;
    let deployment = api.deploy("prod").await;
    let empty = json!({ "stageName": "empty" });
    api.control("POST", "stages", empty).await;
    let (prod, later) = (api.stage_path("prod"), api.stage_path("empty"));
    for _ in 0..TRIES {
        assert!(is_absent(&gateway, &prod).await);
    }
    // A connection would not live long where an hour takes 3.6 ms, so time slows down before it opens.
    let settled = async |path: &str| {
        hurry(&gateway).await;
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(10) {
            gateway.call("GET", "/_stagewire/health", "").await;
        }
        let pace = json!({ "timeScale": 1.0 });
        put(&gateway, "/_stagewire/time-scale", pace).await;
        gateway.connect(path).await
    };
    assert_eq!(ask(&mut settled(&prod).await).await, "new");
    api.point("empty", &deployment).await;
    assert!(is_absent(&gateway, &later).await);
    assert_eq!(ask(&mut settled(&later).await).await, "new");
}

#[tokio::test]
async fn strictness_is_read_and_changed_member_by_member() {
    let gateway = Gateway::start().await;
    let path = "/_stagewire/strictness";
    let index = gateway.call("GET", "/_stagewire/", "").await.json();
    for entry in ["GET", "PUT"] {
        assert!(index[format!("{entry} {path}")].is_string());
    }
    let says = async || gateway.call("GET", path, "").await.json();
    let off = json!({ "awsRates": false, "latencyInMillis": 0, "consistencyInMillis": 0 });
    assert_eq!(says().await, off);
    put(&gateway, path, json!({ "awsRates": true })).await;
    put(&gateway, path, json!({ "latencyInMillis": 1 })).await;
    let all = json!({ "awsRates": true, "latencyInMillis": 1, "consistencyInMillis": 2 });
    let told = put(&gateway, path, json!({ "consistencyInMillis": 2 })).await;
    assert_eq!((told, says().await), (all.clone(), all.clone()));
    let over = |longest: Duration| u64::try_from(longest.as_millis()).unwrap() + 1;
    for (wrong, why) in [
        (json!({}), "name awsRates, latencyInMillis or"),
        (json!({ "awsRates": 1 }), "expected a boolean"),
        (json!({ "latencyInMillis": -1 }), "expected u64"),
        (json!({ "latencyInMillis": "150ms" }), "expected u64"),
        (
            json!({ "latencyInMillis": over(LONGEST_LATENCY) }),
            "latencyInMillis must be at most 600000",
        ),
        (
            json!({ "consistencyInMillis": over(LONGEST_CONSISTENCY) }),
            "consistencyInMillis must be at most 3600000",
        ),
        (json!({ "awsRate": true }), "unknown field `awsRate`"),
        (json!([true]), "must be a JSON object"),
    ] {
        let answer = gateway.call("PUT", path, wrong.to_string()).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{wrong}: {message}");
    }
    assert_eq!(says().await, all);
    assert_eq!(gateway.call("POST", path, "{}").await.status, 405);
}
