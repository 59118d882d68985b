//! Bad weather, call by call: each failure says what, why and what to do, soon.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::net::TcpListener;

use super::{
    Control, ErrorKind, Tuning,
    stub::{CannedAnswer, Stub, control_at, quick_to_repeat},
};
use crate::model::{
    ApiId, Failure, FailureKind, Target,
    pace::CallLimits,
    target::{AwsTarget, LocalTarget},
};

const DEPLOYMENT: &str = r#"{"deploymentId":"53lz9l","deploymentStatus":"DEPLOYED","createdDate":"2020-04-06T23:38:08Z","autoDeployed":false}"#;

fn api_id() -> ApiId {
    ApiId::parse("k3v9x2a1bc").unwrap()
}

/// Limits at which nothing waits for long.
fn hasty() -> Tuning {
    Tuning {
        limits: CallLimits {
            per_second: Some(10_000.0),
            ..CallLimits::default()
        },
        ..quick_to_repeat()
    }
}

/// Returns the error of listing the APIs when every call is answered like this, and its words for a person.
async fn weather(answer: CannedAnswer) -> (ErrorKind, Failure) {
    let stub = Stub::start(move |_| answer.clone()).await;
    let error = stub.control().await.apis().await.unwrap_err();
    (error.kind, error.failure("Cannot list the APIs"))
}

#[track_caller]
fn check(outcome: &(ErrorKind, Failure), kind: ErrorKind, says: &str, has_hint: bool) {
    let (actual, failure) = outcome;
    assert_eq!(*actual, kind, "{failure}");
    assert!(failure.causes[0].contains(says), "{failure}");
    assert!(failure.causes[0].contains("get-apis"), "{failure}");
    assert_eq!(failure.hint.is_some(), has_hint, "{failure}");
}

#[tokio::test]
async fn refusals_are_told_in_the_words_of_aws() {
    let outcome = weather(CannedAnswer::error(
        404,
        "NotFoundException",
        "Invalid API identifier specified 1:x",
    ))
    .await;
    check(
        &outcome,
        ErrorKind::NotFound,
        "Invalid API identifier specified 1:x",
        false,
    );
    assert!(outcome.1.causes[0].contains("6aa502cc"), "{}", outcome.1);
    let quota = "Maximum number of Stages for this API has been reached.";
    let outcome = weather(CannedAnswer::error(429, "ConflictException", quota)).await;
    // A local gateway's, which nobody at AWS can raise.
    check(&outcome, ErrorKind::Quota, quota, false);
    let endpoint = "https://apigateway.eu-west-1.amazonaws.com";
    let error = super::Error::new(ErrorKind::Quota, endpoint, quota);
    let failure = error.failure("Cannot create a stage");
    assert!(failure.hint.unwrap().contains("a higher quota"));
    let outcome = weather(CannedAnswer::error(
        403,
        "AccessDeniedException",
        "not authorized",
    ))
    .await;
    check(&outcome, ErrorKind::Denied, "not authorized", true);
}

#[tokio::test]
async fn expired_and_unknown_credentials_are_told_apart() {
    let expired = CannedAnswer::error(
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    let outcome = weather(expired).await;
    check(&outcome, ErrorKind::Expired, "is expired", true);
    assert_eq!(outcome.1.kind, FailureKind::Config);
    let unknown = CannedAnswer::error(
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    );
    let outcome = weather(unknown).await;
    check(&outcome, ErrorKind::Unrecognized, "is invalid", true);
}

#[tokio::test]
async fn a_failing_control_plane_is_told_after_three_attempts() {
    let stub = Stub::start(|_| CannedAnswer::error(500, "InternalServerError", "oops")).await;
    let error = stub.control().await.apis().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Failing);
    assert!(error.retryable);
    assert_eq!(stub.count("GET /v2/apis"), 3);
}

#[tokio::test]
async fn what_is_not_the_control_plane_is_told_as_such() {
    for answer in [
        CannedAnswer::html(200),
        CannedAnswer::html(404),
        CannedAnswer::html(502),
    ] {
        let outcome = weather(answer).await;
        check(&outcome, ErrorKind::NotApiGateway, "text/html", true);
    }
    let outcome = weather(CannedAnswer::json(200, "[1, 2]")).await;
    assert_ne!(outcome.0, ErrorKind::Other, "{}", outcome.1);
    let item = r#"{"items":[{"name":"chat","protocolType":"WEBSOCKET"}]}"#;
    let outcome = weather(CannedAnswer::json(200, item)).await;
    check(&outcome, ErrorKind::NotApiGateway, "apiId", true);
}

#[tokio::test]
async fn what_answered_as_the_control_plane_before_is_it_when_it_answers_oddly() {
    let stages = r#"{"items":[{"stageName":"prod"},{"stageName":""}]}"#;
    let stub = Stub::start(move |call| match call.line.as_str() {
        "GET /v2/apis" => CannedAnswer::json(200, r#"{"items":[]}"#),
        "GET /v2/apis/k3v9x2a1bc/stages" => CannedAnswer::json(200, stages),
        _ => CannedAnswer::html(404),
    })
    .await;
    let control = stub.control().await;
    control.apis().await.unwrap();
    let stages = control.stages(&api_id()).await.unwrap();
    assert_eq!(stages.items.len(), 1, "the one that can be read is there");
    assert_eq!(stages.lacks.unwrap().kind, ErrorKind::Unreadable);
    let error = control.deployments(&api_id()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_told_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = control_at(address, &quick_to_repeat())
        .await
        .apis()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let failure = error.failure("Cannot list the APIs");
    assert!(
        failure.causes[0].contains(&address.to_string()),
        "{failure}"
    );
    assert!(failure.causes[0].contains("refused"), "{failure}");
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up_in_time() {
    let stub = Stub::start(|_| CannedAnswer::never()).await;
    let control = stub.impatient_control().await;
    let hanging = tokio::time::timeout(Duration::from_secs(10), control.apis());
    let error = hanging.await.expect("a call has an end").unwrap_err();
    let outcome = (error.kind, error.failure("Cannot list the APIs"));
    check(
        &outcome,
        ErrorKind::TimedOut,
        "did not answer in time",
        true,
    );
}

#[tokio::test]
async fn hostile_words_reach_nobody_raw() {
    let outcome = weather(CannedAnswer::error(
        400,
        "BadRequestException",
        "a\u{1b}[31m\nb",
    ))
    .await;
    check(&outcome, ErrorKind::Refused, "a\\u{1b}[31m\\nb", false);
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let calls = AtomicUsize::new(0);
    let stub = Stub::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => CannedAnswer::error(429, "TooManyRequestsException", "Too Many Requests"),
        _ => CannedAnswer::json(200, r#"{"items":[]}"#),
    })
    .await;
    assert_eq!(stub.control().await.apis().await.unwrap(), []);
    assert_eq!(stub.count("GET /v2/apis"), 2);
}

#[tokio::test]
async fn a_throttled_create_is_repeated_and_a_hanging_one_is_not() {
    let calls = AtomicUsize::new(0);
    let stub = Stub::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => CannedAnswer::error(429, "TooManyRequestsException", "Too Many Requests"),
        _ => CannedAnswer::json(201, DEPLOYMENT),
    })
    .await;
    let control = control_at(stub.address, &hasty()).await;
    let deployment = control
        .create_deployment(&api_id(), Some("why"))
        .await
        .unwrap();
    assert_eq!(deployment.id.as_str(), "53lz9l");
    assert_eq!(stub.calls().len(), 2);
    assert_eq!(stub.calls()[1].body, r#"{"description":"why"}"#);

    let stub = Stub::start(|_| CannedAnswer::never()).await;
    let control = stub.impatient_control().await;
    let error = control
        .create_deployment(&api_id(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert_eq!(
        stub.calls().len(),
        1,
        "a second attempt may make a second deployment"
    );

    let stub = Stub::start(|_| CannedAnswer::error(500, "InternalServerError", "oops")).await;
    let control = stub.control().await;
    let error = control
        .create_deployment(&api_id(), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Failing);
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_deployment_waits_for_aws_to_take_another_and_slows_nothing_else() {
    let calls = AtomicUsize::new(0);
    let stub = Stub::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0..3 => CannedAnswer::error(429, "TooManyRequestsException", "Too Many Requests"),
        _ => CannedAnswer::json(201, DEPLOYMENT),
    })
    .await;
    let (control, mut progress) = control_at(stub.address, &hasty()).await.metered();
    let pace = control.pace();
    let create = async {
        control.create_deployment(&api_id(), None).await.unwrap();
        assert_eq!(control.pace(), pace);
        drop(control);
    };
    let told = async {
        let mut told = Vec::new();
        while progress.changed().await.is_ok() {
            told.push(progress.borrow_and_update().text());
        }
        told
    };
    let ((), told) = tokio::join!(create, told);
    let says = "AWS takes one create-deployment every 5 s: waiting";
    assert!(told.iter().any(|text| text == says), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("1 of 1 parts"));
    assert_eq!(stub.calls().len(), 4);
}

#[tokio::test]
async fn all_pages_are_followed_long_ones_and_http_apis_left_out() {
    let item = |id: &str, name: &str, protocol: &str| {
        format!(
            r#"{{"apiId":"{id}","name":"{name}","protocolType":"{protocol}","apiEndpoint":"wss://{id}","routeSelectionExpression":"$request.body.action"}}"#
        )
    };
    let first = format!(
        r#"{{"items":[{},{}],"nextToken":"more"}}"#,
        item("b", "ticker", "WEBSOCKET"),
        item("h", "web", "HTTP")
    );
    let second = format!(r#"{{"items":[{}]}}"#, item("a", "chat", "WEBSOCKET"));
    let stub = Stub::start(move |call| {
        let is_second = call.query.contains("nextToken=more");
        CannedAnswer::json(200, if is_second { &second } else { &first })
    })
    .await;
    let apis = stub.control().await.apis().await.unwrap();
    let names: Vec<&str> = apis.iter().map(|api| api.name.as_str()).collect();
    assert_eq!(names, ["chat", "ticker"]);
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|call| call.query.contains("maxResults=500"))
    );
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up() {
    let page = r#"{"items":[],"nextToken":"again"}"#;
    let outcome = weather(CannedAnswer::json(200, page)).await;
    check(&outcome, ErrorKind::NotApiGateway, "nextToken", true);
}

#[tokio::test]
async fn local_targets_need_neither_credentials_nor_configuration() {
    let address = "127.0.0.1:4566".parse().unwrap();
    let local = Target::Local(LocalTarget {
        address,
        region: "eu-west-1".into(),
    });
    let control = Control::connect(&local).await.unwrap();
    assert_eq!(control.endpoint(), "http://127.0.0.1:4566");
    assert_eq!(control.region(), "eu-west-1");
}

#[tokio::test]
async fn an_endpoint_below_localhost_is_reached_without_dns() {
    let stub = Stub::start(|_| CannedAnswer::json(200, r#"{"items":[]}"#)).await;
    let target = Target::Aws(AwsTarget {
        endpoint_url: Some(format!(
            "http://no.resolver.knows.this.localhost:{}",
            stub.address.port()
        )),
        region: Some("eu-west-1".into()),
        profile: None,
    });
    let control = Control::connect(&target).await.unwrap();
    assert_eq!(control.apis().await.unwrap(), []);
}

#[tokio::test]
async fn an_endpoint_on_this_machine_is_reached_without_tls_and_proxy() {
    let stub = Stub::start(|_| CannedAnswer::json(200, r#"{"items":[]}"#)).await;
    let target = Target::Aws(AwsTarget {
        endpoint_url: Some(format!("http://{}", stub.address)),
        region: Some("eu-west-1".into()),
        profile: None,
    });
    let control = Control::connect(&target).await.unwrap();
    assert_eq!(control.apis().await.unwrap(), []);
    assert_eq!(control.region(), "eu-west-1");
}

#[tokio::test]
async fn what_is_not_a_url_is_refused_before_anything_is_tried() {
    let target = Target::Aws(AwsTarget {
        endpoint_url: Some("localhost:4566".into()),
        ..AwsTarget::default()
    });
    let error = Control::connect(&target).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadEndpoint);
}

#[tokio::test]
async fn stages_settle_slowly_where_that_is_said_and_on_aws() {
    let target = Target::Local(LocalTarget {
        address: "127.0.0.1:9".parse().unwrap(),
        region: "us-east-1".to_owned(),
    });
    for (said, settles) in [(None, false), (Some(true), true), (Some(false), false)] {
        let tuning = Tuning {
            settles: said,
            ..Tuning::default()
        };
        let control = Control::connect_tuned(&target, &tuning).await.unwrap();
        assert_eq!(control.settles(), settles);
    }
}
