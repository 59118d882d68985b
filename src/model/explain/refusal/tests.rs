//! Tests of the explanations of refusals, with the facts that call for each.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::*;
use crate::model::definition::Parts;
use crate::model::fixture::api;
use crate::model::{Definition, DeploymentId, Draft, Part, Route, RouteId, RouteSettings, Stage};

fn refused(status: u16) -> Refusal {
    Refusal {
        at: Timestamp::UNIX_EPOCH,
        status,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

fn stage(name: &str, deployment: Option<&str>) -> Stage {
    Stage {
        name: StageName::parse(name).unwrap(),
        deployment_id: deployment.map(|id| DeploymentId::parse(id).unwrap()),
        description: None,
        auto_deploy: false,
        last_deployment_status_message: None,
        created_at: None,
        updated_at: None,
        default_route_settings: None,
        route_settings: BTreeMap::new(),
        variables: BTreeMap::new(),
        access_log: None,
        client_certificate_id: None,
        tags: BTreeMap::new(),
    }
}

fn connect_route(authorization_type: &str) -> Route {
    Route {
        id: RouteId::parse("r1").unwrap(),
        key: "$connect".to_owned(),
        target: None,
        authorization_type: authorization_type.to_owned(),
        authorizer_id: None,
        api_key_required: false,
        model_selection_expression: None,
        operation_name: None,
        request_models: BTreeMap::new(),
        request_parameters: BTreeMap::new(),
        route_response_selection_expression: None,
        responses: Vec::new(),
    }
}

fn detail(stages: Vec<Stage>, routes: Vec<Route>) -> ApiDetail {
    let api = api("k3v9x2a1bc", "chat");
    let draft = Draft {
        definition: Definition::from_parts(Parts {
            api: &api,
            routes: &[],
            integrations: &[],
            authorizers: &[],
            models: &[],
        }),
        as_of: Timestamp::UNIX_EPOCH,
        until: Timestamp::UNIX_EPOCH,
        n_calls: 5,
    };
    ApiDetail {
        draft: Some(draft),
        stages: Part::read(stages, Timestamp::UNIX_EPOCH),
        deployments: Part::read(Vec::new(), Timestamp::UNIX_EPOCH),
        routes: Part::read(routes, Timestamp::UNIX_EPOCH),
        ..ApiDetail::unread(api)
    }
}

fn unsigned(stage: &StageName) -> Handshake<'_> {
    Handshake {
        stage,
        signing: Signing::Unsigned,
    }
}

#[track_caller]
fn check_refusal(status: u16, detail: Option<&ApiDetail>, part: &str) {
    let prod = StageName::parse("prod").unwrap();
    let explanation = refusal(&refused(status), unsigned(&prod), detail);
    assert!(explanation.text.contains(part), "{explanation:?}");
}

#[test]
fn forbidden_is_explained_by_what_the_control_plane_says() {
    let none = detail(Vec::new(), Vec::new());
    check_refusal(403, Some(&none), "no stage \"prod\", nor any other");
    let other = detail(vec![stage("test", None)], Vec::new());
    check_refusal(403, Some(&other), "no stage \"prod\"; it has test");
    let empty = detail(vec![stage("prod", None)], Vec::new());
    check_refusal(403, Some(&empty), "has no deployment");
    let mut disabled = detail(vec![stage("prod", Some("d1"))], Vec::new());
    disabled.api.disable_execute_api_endpoint = true;
    check_refusal(403, Some(&disabled), "endpoint is disabled");
    let mut iam = detail(
        vec![stage("prod", Some("d1"))],
        vec![connect_route("AWS_IAM")],
    );
    iam.signed.insert(StageName::parse("prod").unwrap());
    check_refusal(403, Some(&iam), "(AWS_IAM), and this one is not signed");
    let custom = detail(
        vec![stage("prod", Some("d1"))],
        vec![connect_route("CUSTOM")],
    );
    check_refusal(403, Some(&custom), "authorizer");
    check_refusal(403, None, "does not exist or has no deployment");
}

#[test]
fn throttle_of_zero_is_named_as_the_cause_of_429() {
    let mut prod = stage("prod", Some("d1"));
    prod.default_route_settings = Some(RouteSettings {
        throttling_rate_limit: Some(0.0),
        ..RouteSettings::default()
    });
    check_refusal(
        429,
        Some(&detail(vec![prod], Vec::new())),
        "blocks all traffic",
    );
    check_refusal(429, None, "exhausted");
}

#[test]
fn other_statuses_have_their_sentence() {
    check_refusal(401, None, "authorizer");
    check_refusal(502, None, "integration of $connect");
    check_refusal(418, None, "hands on the status");
    let prod = StageName::parse("prod").unwrap();
    let explanation = refusal(&refused(418), unsigned(&prod), None);
    assert_eq!(explanation.title, "refused: 418");
}

#[track_caller]
fn check_signature(kind: &str, signing: Signing, part: &str) {
    let prod = StageName::parse("prod").unwrap();
    let mut refused = refused(403);
    let header = ("x-amzn-ErrorType".to_owned(), kind.to_owned());
    refused.headers.push(header);
    let handshake = Handshake {
        stage: &prod,
        signing,
    };
    let explanation = refusal(&refused, handshake, None);
    assert!(explanation.text.contains(part), "{explanation:?}");
}

#[test]
fn what_the_answer_says_of_the_signature_comes_first() {
    use Signing::{Signed, Unsigned};
    let missing = "MissingAuthenticationTokenException";
    check_signature(missing, Unsigned, "this one is not signed");
    check_signature(missing, Signed, "IAM or an API key");
    check_signature("InvalidSignatureException", Signed, "secret key");
    check_signature("InvalidSignatureException:x", Signed, "secret key");
    check_signature("UnrecognizedClientException", Signed, "not known there");
    check_signature("ForbiddenException", Signed, "does not exist");
}

#[track_caller]
fn check_denied(body: &'static str, signing: Signing, part: &str) {
    let prod = StageName::parse("prod").unwrap();
    let header = ("x-amzn-ErrorType", "AccessDeniedException");
    let refused = Refusal {
        headers: vec![(header.0.to_owned(), header.1.to_owned())],
        body: Bytes::from_static(body.as_bytes()),
        ..refused(403)
    };
    let handshake = Handshake {
        stage: &prod,
        signing,
    };
    let explanation = refusal(&refused, handshake, None);
    assert!(explanation.text.contains(part), "{explanation:?}");
}

#[test]
fn iam_is_told_from_an_authorizer_by_its_words() {
    use Signing::{Signed, Unsigned};
    let iam = r#"{"message":"User: arn:aws:iam::123456789012:user/ann is not authorized to perform: execute-api:Invoke on resource: x"}"#;
    let authorizer =
        r#"{"message":"User is not authorized to access this resource with an explicit deny"}"#;
    check_denied(iam, Signed, "their policy");
    check_denied(authorizer, Signed, "an authorizer");
    check_denied(authorizer, Unsigned, "an authorizer");
}

#[test]
fn headers_and_body_of_a_refusal_are_safe_to_show() {
    let mut refusal = refused(403);
    refusal.headers = vec![("x-evil".to_owned(), "\u{1b}[2J".to_owned())];
    refusal.body = Bytes::from_static(b"one\ntwo\x1b\xff");
    assert_eq!(
        refusal_lines(&refusal),
        ["x-evil: \\u{1b}[2J", "", "one", "two\\u{1b}\\xff"]
    );
}
