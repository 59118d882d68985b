//! Tests of the explanations of refusals: the recorded bodies, and the facts that call for each sentence.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::{
    ApiDetail, Definition, Draft, IntegrationId, Part, Route, RouteId, RouteSettings, Stage,
    StageName,
    definition::{IntegrationDefinition, Parts, RouteDefinition},
    fixture::{api, stage},
};

const AWS: &str = "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com/prod";

/// A body of the gateway's once the stage and its route are found. SOURCE: recorded on AWS, September 2026.
fn named(message: &str) -> String {
    format!(
        "{{\"message\": \"{message}\", \"connectionId\":\"XDmENcnwIE0CFEQXDmEN==\", \"requestId\":\"XDmGEE2RoE0FRdQ=\"}}"
    )
}

/// A body of the gateway's before that.
fn plain(message: &str) -> String {
    format!("{{\"message\":\"{message}\"}}")
}

/// A refusal with the headers of a real one. SOURCE: recorded on AWS, September 2026.
fn refused(status: u16, body: &str) -> Refusal {
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = [
        ("content-type", "application/json; charset=UTF-8"),
        ("x-amz-apigw-id", "XDmGEE2RoE0FRdQ="),
    ];
    Refusal {
        at: Timestamp::UNIX_EPOCH,
        status,
        headers: headers.map(header).to_vec(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// A refusal by somebody else, who sends none of those headers.
fn foreign(server: &str, status: u16, body: &str) -> Refusal {
    Refusal {
        headers: vec![("server".to_owned(), server.to_owned())],
        ..refused(status, body)
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

fn prod() -> StageName {
    StageName::parse("prod").unwrap()
}

/// A handshake with a URL of which nobody asked the control plane.
fn url(url: &str) -> Handshake<'_> {
    Handshake {
        url,
        signing: Signing::Unsigned,
        place: None,
    }
}

/// A handshake with a stage of an API that was read so far.
fn read<'a>(detail: &'a ApiDetail, stage: &'a StageName) -> Handshake<'a> {
    Handshake {
        place: Some(Place::of(Some(detail), stage)),
        ..url(AWS)
    }
}

/// A deployed stage whose `$connect` is this by the draft.
fn deployed(change: impl FnOnce(&mut RouteDefinition)) -> ApiDetail {
    let mut detail = detail(vec![stage("prod", Some("d1"))], Vec::new());
    let mut connect = RouteDefinition::default();
    change(&mut connect);
    let draft = &mut detail.draft.as_mut().unwrap().definition;
    draft.routes.insert("$connect".to_owned(), connect);
    detail
}

fn set(connect: &mut RouteDefinition, member: &str, value: &str) {
    connect.settings.insert(member.to_owned(), value.to_owned());
}

#[track_caller]
fn check(refused: &Refusal, handshake: &Handshake<'_>, part: &str) {
    let explanation = refusal(refused, handshake);
    assert!(explanation.text.contains(part), "{explanation:?}");
}

#[test]
fn each_text_of_the_gateway_tells_its_cause_without_any_error_type() {
    const DENIED: &str = "User is not authorized to access this resource with an explicit deny in an identity-based policy";
    const NO_MATCH: &str = "User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action";
    for (status, message, part) in [
        (401, "Unauthorized", "the authorizer of $connect looks for"),
        (403, DENIED, "Effect Deny"),
        (403, NO_MATCH, "/{stage}/*/* does not"),
        (403, "Forbidden", "may ask for an API key"),
        (
            403,
            "Missing Authentication Token",
            "this one is not signed",
        ),
        (
            400,
            "Missing required request parameters: [x]",
            "its requestParameters say which",
        ),
        (429, "Too Many Requests", "a throttle of the stage"),
        (429, "Limit Exceeded", "usage plan is used up"),
        (500, "", "The authorizer of $connect failed, or answered"),
        (500, "Internal server error", "could not invoke"),
        (502, "Internal server error", "threw, or answered no object"),
        (504, "Endpoint request timed out", "within its timeout"),
        (
            403,
            "Something new",
            "once the stage and its $connect were found",
        ),
    ] {
        check(&refused(status, &named(message)), &url(AWS), part);
    }
    let older = r#"{"message": null, "connectionId":"c=", "requestId":"r="}"#;
    check(
        &refused(500, older),
        &url(AWS),
        "The authorizer of $connect",
    );
}

#[test]
fn words_of_connect_without_the_connection_are_the_integrations_own_answer() {
    let (prod, detail) = (
        prod(),
        deployed(|connect| connect.integration = Some(IntegrationDefinition::default())),
    );
    for (status, message) in [
        (401, "Unauthorized"),
        (
            403,
            "User is not authorized to access this resource with an explicit deny in an identity-based policy",
        ),
        (429, "Limit Exceeded"),
        (500, "Internal server error"),
        (500, ""),
        (502, "Internal server error"),
        (504, "Endpoint request timed out"),
    ] {
        let refused = refused(status, &plain(message));
        let part = format!("The integration of $connect answered {status} itself");
        check(&refused, &read(&detail, &prod), &part);
        check(&refused, &url(AWS), "would name the connection");
        assert_eq!(lack(&refused, &url(AWS)), None);
    }
    let null = refused(500, r#"{"message":null}"#);
    check(&null, &read(&detail, &prod), "answered 500 itself");
}

#[test]
fn words_of_the_stage_without_the_connection_may_be_the_integrations_too() {
    const OR: &str = "Or the integration of $connect answered in these words itself.";
    let (prod, none) = (prod(), deployed(|_| {}));
    for (status, message, part) in [
        (403, "Forbidden", "No stage was found"),
        (429, "Too Many Requests", "of the account"),
        (503, "Service Unavailable", "no new connections"),
        (400, "Bad Request", "a proper WebSocket handshake"),
    ] {
        let bare = refused(status, &plain(message));
        check(&bare, &url(AWS), part);
        check(&bare, &url(AWS), OR);
        let text = refusal(&bare, &read(&none, &prod)).text;
        assert!(!text.contains("Or the integration"), "{text}");
        let text = refusal(&refused(status, &named(message)), &url(AWS)).text;
        assert!(!text.contains("Or the integration"), "{text}");
    }
}

#[test]
fn what_the_gateway_says_before_it_looks_for_a_stage_has_its_sentence() {
    for (status, message, part) in [
        (414, "Request-URI Too Long", "4,096 characters"),
        (426, "Upgrade Required", "Upgrade header"),
        (
            403,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
            "longer than a week",
        ),
        (
            403,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            "host among the signed headers",
        ),
    ] {
        check(&refused(status, &plain(message)), &url(AWS), part);
    }
}

#[test]
fn an_emulator_that_names_the_error_in_a_header_is_taken_at_its_word() {
    let mut emulated = refused(401, &plain("Unauthorized"));
    let error_type = ("x-amzn-ErrorType", "UnauthorizedException");
    emulated.headers = vec![(error_type.0.to_owned(), error_type.1.to_owned())];
    check(&emulated, &url(AWS), "the authorizer of $connect looks for");
}

#[test]
fn what_answers_for_an_api_without_a_mark_stands_between() {
    const BETWEEN: &str = "such as a proxy or a firewall, may have answered";
    let (prod, detail) = (prod(), deployed(|_| {}));
    for status in [403, 407, 502, 503] {
        for body in ["<html>blocked</html>", "", r#"{"error":"policy"}"#] {
            let page = foreign("squid", status, body);
            check(&page, &url(AWS), BETWEEN);
            check(&page, &read(&detail, &prod), BETWEEN);
        }
    }
    let text = refusal(&foreign("x", 401, "no"), &url(AWS)).text;
    assert!(!text.contains("integration"), "{text}");
    let local = Handshake {
        url: "ws://127.0.0.1:4566/a1/prod",
        ..read(&detail, &prod)
    };
    check(&foreign("x", 401, "no"), &local, "is not API Gateway");
    let mut portal = foreign("x", 302, "");
    let location = ("Location".to_owned(), "https://portal.test/".to_owned());
    portal.headers.push(location);
    check(&portal, &url(AWS), "such as a proxy, sends clients on");
}

#[test]
fn what_a_stage_answers_proves_that_it_serves_whatever_was_read_before() {
    let prod = prod();
    let empty = detail(vec![stage("prod", None)], Vec::new());
    for body in ["no", "", r#"{"message":"not today"}"#] {
        check(
            &refused(403, body),
            &read(&empty, &prod),
            "the words of an integration of $connect",
        );
    }
    check(
        &refused(403, &plain("Forbidden")),
        &read(&empty, &prod),
        "has no deployment",
    );
}

#[test]
fn an_endpoint_is_disabled_by_what_is_served_and_else_perhaps_by_the_draft() {
    let prod = prod();
    let forbidden = refused(403, &plain("Forbidden"));
    let mut detail = deployed(|_| {});
    detail.api.disable_execute_api_endpoint = true;
    check(
        &forbidden,
        &read(&detail, &prod),
        "By the draft the API's own endpoint is disabled",
    );
    let mut served = detail.draft.clone().unwrap().definition;
    served.disable_execute_api_endpoint = false;
    detail.served.insert(prod.clone(), served.clone().into());
    let text = refusal(&forbidden, &read(&detail, &prod)).text;
    assert!(!text.contains("disabled"), "{text}");
    served.disable_execute_api_endpoint = true;
    detail.api.disable_execute_api_endpoint = false;
    detail.served.insert(prod.clone(), served.into());
    check(
        &forbidden,
        &read(&detail, &prod),
        "The API's own endpoint is disabled: only",
    );
}

#[test]
fn a_key_that_the_authorizer_brings_is_not_asked_of_the_client() {
    let prod = prod();
    let forbidden = refused(403, &named("Forbidden"));
    let mut keyed = deployed(|connect| set(connect, "apiKeyRequired", "true"));
    let draft = &mut keyed.draft.as_mut().unwrap().definition;
    draft.api_key_selection_expression = Some("$context.authorizer.usageIdentifierKey".to_owned());
    check(&forbidden, &read(&keyed, &prod), "usageIdentifierKey");
    assert_eq!(lack(&forbidden, &read(&keyed, &prod)), None);
}

#[test]
fn a_policy_that_does_not_match_names_the_resource_that_would() {
    let (detail, prod) = (deployed(|_| {}), prod());
    let no_match = named(
        "User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action",
    );
    check(
        &refused(403, &no_match),
        &read(&detail, &prod),
        "no statement allows the Action execute-api:Invoke on a Resource that matches …/prod/$connect. One that ends in /prod/* does",
    );
}

#[test]
fn an_answer_without_the_connection_is_about_the_stage() {
    let prod = prod();
    let forbidden = refused(403, &plain("Forbidden"));
    let none = detail(Vec::new(), Vec::new());
    check(
        &forbidden,
        &read(&none, &prod),
        "no stage \"prod\", nor any other",
    );
    let other = detail(vec![stage("test", None)], Vec::new());
    check(
        &forbidden,
        &read(&other, &prod),
        "no stage \"prod\"; it has test",
    );
    let empty = detail(vec![stage("prod", None)], Vec::new());
    check(&forbidden, &read(&empty, &prod), "has no deployment");
    let mut disabled = detail(vec![stage("prod", Some("d1"))], Vec::new());
    disabled.api.disable_execute_api_endpoint = true;
    check(&forbidden, &read(&disabled, &prod), "endpoint is disabled");
    check(
        &forbidden,
        &read(&deployed(|_| {}), &prod),
        "is there and deployed",
    );
    check(&forbidden, &url(AWS), "may not exist or have no deployment");
    let bare = "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com";
    check(&forbidden, &url(bare), "The URL names no stage");
    for domain in ["wss://ws.example.test/key", "ws://ws.chat.localhost:4566"] {
        check(
            &forbidden,
            &url(domain),
            "no API mapping of this domain name",
        );
    }
    let local = "ws://127.0.0.1:4566/a1/prod";
    check(&forbidden, &url(local), "the one that the URL ends in");
}

#[test]
fn an_answer_that_names_the_connection_is_not_about_the_stage() {
    let prod = prod();
    let forbidden = refused(403, &named("Forbidden"));
    let mut keyed = deployed(|connect| set(connect, "apiKeyRequired", "true"));
    check(&forbidden, &read(&keyed, &prod), "asks for an API key");
    // Even where what was read of the stage is older.
    keyed.stages = Part::read(vec![stage("prod", None)], Timestamp::UNIX_EPOCH);
    check(&forbidden, &read(&keyed, &prod), "asks for an API key");
    check(
        &forbidden,
        &read(&deployed(|_| {}), &prod),
        "asks neither for an API key nor for a signature: what the stage serves may differ",
    );
}

#[test]
fn what_is_not_of_the_gateways_form_is_the_integrations_own_answer() {
    let (prod, with) = (prod(), |uri: &str| {
        deployed(|connect| {
            let settings = [("integrationUri".to_owned(), uri.to_owned())];
            connect.integration = Some(IntegrationDefinition {
                settings: settings.into(),
                responses: BTreeMap::new(),
            });
        })
    });
    let detail = with("https://backend.example.test/connect");
    for status in [401, 403, 404, 429, 500, 503] {
        for body in [
            "no",
            "",
            "<html>",
            r#"{"message":"not today"}"#,
            r#"{"error":1}"#,
        ] {
            let refused = refused(status, body);
            let part = format!("The integration of $connect answered {status} itself");
            check(&refused, &read(&detail, &prod), &part);
            check(
                &refused,
                &read(&detail, &prod),
                "calls https://backend.example.test",
            );
            let part = format!("may have answered {status} itself");
            check(&refused, &url(AWS), &part);
        }
    }
    let function = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:chat:live/invocations";
    for uri in [
        function,
        "arn:aws:lambda:us-east-1:123456789012:function:chat:live",
    ] {
        let part = "the draft calls function chat:live.";
        check(&refused(401, "no"), &read(&with(uri), &prod), part);
    }
    let none = deployed(|_| {});
    check(
        &refused(401, "no"),
        &read(&none, &prod),
        "the draft has none",
    );
    // The target alone is known where only the routes were read.
    let mut routes = connect_route("NONE");
    routes.target = Some("integrations/i1".to_owned());
    assert!(routes.integration_id() == IntegrationId::parse("i1").ok());
    let place = Place {
        connect: Some(ConnectRoute::in_draft(
            &api("a1", "chat"),
            &[routes],
            &[],
            &[],
        )),
        ..Place::of(None, &prod)
    };
    let handshake = Handshake {
        place: Some(place),
        ..url(AWS)
    };
    check(&refused(401, "no"), &handshake, "answered 401 itself");
}

#[test]
fn a_redirect_says_where_to_and_who_sends_it() {
    let mut moved = refused(302, "");
    let location = (
        "Location".to_owned(),
        "https://login.example.test/".to_owned(),
    );
    moved.headers.push(location);
    check(
        &moved,
        &url(AWS),
        "the integration of $connect sends clients on to https://login.example.test/",
    );
    moved.headers.retain(|(name, _)| name == "Location");
    check(
        &moved,
        &url("ws://example.test/x"),
        "The server sends clients on to https://login",
    );
    check(&moved, &url("ws://example.test/x"), "the URL with wss://");
    moved.headers.clear();
    check(&moved, &url("ws://example.test/x"), "does not say where to");
}

#[test]
fn a_foreign_server_is_not_told_the_lore_of_api_gateway() {
    for status in [200, 400, 401, 403, 404, 410, 426, 429, 500, 503] {
        let refused = foreign("nginx", status, "<html>no</html>");
        let text = refusal(&refused, &url("wss://example.test/prod")).text;
        assert!(
            text.contains("Nothing in the answer says that API Gateway"),
            "{text}"
        );
        for lore in ["$connect", "stage", "authorizer", "deploy"] {
            assert!(!text.contains(lore), "{text}");
        }
        assert_eq!(lack(&refused, &url("wss://example.test/prod")), None);
    }
}

#[test]
fn the_load_balancer_before_api_gateway_is_told_from_those_of_other_servers() {
    const PAGE: &str = "<html><head><title>400 Bad Request</title></head></html>";
    let balancer = |status| foreign("awselb/2.0", status, PAGE);
    check(&balancer(400), &url(AWS), "two Authorization headers");
    check(&balancer(503), &url(AWS), "such as a proxy or a firewall");
    for status in [400, 403, 503] {
        let text = refusal(&balancer(status), &url("wss://example.test/prod")).text;
        assert!(text.ends_with("that API Gateway gave it."), "{text}");
        assert!(!text.contains("load balancer"), "{text}");
    }
    let mut moved = balancer(301);
    let location = ("Location".to_owned(), "https://example.test/x".to_owned());
    moved.headers.push(location);
    check(
        &moved,
        &url("ws://example.test/x"),
        "It may want the URL with wss://.",
    );
}

#[test]
fn a_throttle_of_zero_lets_nothing_in_and_trying_again_does_not_help() {
    let prod = prod();
    let throttled = refused(429, &named("Too Many Requests"));
    let with = |rate| {
        let mut prod = stage("prod", Some("d1"));
        prod.default_route_settings = Some(RouteSettings {
            throttling_rate_limit: Some(rate),
            ..RouteSettings::default()
        });
        detail(vec![prod], Vec::new())
    };
    let blocked = refusal(&throttled, &read(&with(0.0), &prod)).text;
    assert!(blocked.contains("nothing is let in"), "{blocked}");
    assert!(!blocked.contains("in a moment"), "{blocked}");
    check(
        &throttled,
        &read(&with(5.0), &prod),
        "Try again in a moment",
    );
    check(&throttled, &url(AWS), "or is set to 0");
    // A route's own settings hide of the default ones only what they say.
    let mut logged = with(0.0);
    let mut stages = logged.stages.to_vec();
    let logging = RouteSettings {
        logging_level: Some("INFO".to_owned()),
        ..RouteSettings::default()
    };
    stages[0]
        .route_settings
        .insert("$connect".to_owned(), logging);
    logged.stages = Part::read(stages, Timestamp::UNIX_EPOCH);
    check(
        &throttled,
        &read(&logged, &prod),
        "Throttling of stage \"prod\" is set to 0",
    );
    let mut own = with(1000.0);
    let mut stages = own.stages.to_vec();
    let nothing = RouteSettings {
        throttling_rate_limit: Some(0.0),
        ..RouteSettings::default()
    };
    stages[0]
        .route_settings
        .insert("$connect".to_owned(), nothing);
    own.stages = Part::read(stages, Timestamp::UNIX_EPOCH);
    check(
        &throttled,
        &read(&own, &prod),
        "Throttling of $connect on stage \"prod\" is set to 0",
    );
}

#[test]
fn an_authorizer_that_is_read_says_what_it_looks_for() {
    let prod = prod();
    let unauthorized = refused(401, &named("Unauthorized"));
    let guarded = deployed(|connect| {
        set(connect, "authorizationType", "CUSTOM");
        let sources = "route.request.querystring.t".to_owned();
        connect
            .authorizer
            .insert("identitySource".to_owned(), sources);
    });
    check(
        &unauthorized,
        &read(&guarded, &prod),
        "It looks for route.request.querystring.t (the draft).",
    );
    check(
        &unauthorized,
        &read(&deployed(|_| {}), &prod),
        "But the draft has no authorizer",
    );
    assert_eq!(
        lack(&unauthorized, &read(&guarded, &prod)),
        Some(Lack::IdentitySource)
    );
}

#[test]
fn an_invocation_that_fails_without_an_authorizer_is_the_integrations() {
    let prod = prod();
    let failed = refused(500, &named("Internal server error"));
    let guarded = deployed(|connect| {
        set(connect, "authorizationType", "CUSTOM");
        let uri = "arn:aws:lambda:us-east-1:000000000000:function:auth".to_owned();
        connect.authorizer.insert("authorizerUri".to_owned(), uri);
    });
    check(
        &failed,
        &read(&guarded, &prod),
        "the function of $connect's authorizer, or its integration; the authorizer in the draft asks function auth",
    );
    let text = refusal(&failed, &read(&deployed(|_| {}), &prod)).text;
    assert!(text.contains("could not invoke the integration"), "{text}");
    assert!(!text.contains("authorizer"), "{text}");
}

#[track_caller]
fn check_signature(message: &str, signing: Signing, part: &str) {
    let handshake = Handshake {
        signing,
        ..url(AWS)
    };
    check(&refused(403, &plain(message)), &handshake, part);
}

#[test]
fn what_the_answer_says_of_the_signature_is_told() {
    use Signing::{Signed, Unsigned};
    let missing = "Missing Authentication Token";
    check_signature(missing, Unsigned, "this one is not signed");
    check_signature(missing, Signed, "something on the way takes it out");
    let calculated = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key";
    check_signature(calculated, Signed, "secret key");
    let invalid = "The security token included in the request is invalid.";
    check_signature(invalid, Signed, "not known there");
    let expired = "The security token included in the request is expired";
    check_signature(expired, Signed, "sign in again");
    let region = "Credential should be scoped to a valid region.";
    check_signature(region, Signed, "in the API's region");
    let header = "Authorization header requires 'Credential' parameter.";
    check_signature(header, Unsigned, "is no signature");
    let iam = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: execute-api:Invoke on resource: x";
    check_signature(iam, Signed, "their policy must allow it");
}

#[test]
fn a_clock_that_is_off_is_told_by_how_much() {
    const EXPIRED: &str = "Signature expired: 20260925T011000Z is now earlier than 20260925T011100Z (20260925T011600Z - 5 min.)";
    const EARLY: &str = "Signature not yet current: 20260925T013000Z is still later than 20260925T012100Z (20260925T011600Z + 5 min.)";
    let at: Timestamp = "2026-09-25T01:10:00Z".parse().unwrap();
    let said = |words: &str, at, date: &str| {
        let mut refused = refused(403, &plain(words));
        refused.at = at;
        refused.headers.push(("Date".to_owned(), date.to_owned()));
        refusal(&refused, &url(AWS)).text
    };
    let minutes = SignedDuration::from_mins;
    let date = "Fri, 25 Sep 2026 01:16:00 GMT";
    let slow = said(EXPIRED, at, date);
    assert!(slow.contains("clock is 6 min slow"), "{slow}");
    let fast = said(EARLY, at + minutes(20), date);
    assert!(fast.contains("clock is 14 min fast"), "{fast}");
    // A difference that cannot be the cause is no reason to set a clock.
    for (words, at, part) in [
        (EXPIRED, at + minutes(6), "before it was used: sign again"),
        (EXPIRED, at + minutes(3), "before it was used: sign again"),
        (EXPIRED, at + minutes(20), "before it was used: sign again"),
        (EARLY, at + minutes(6), "dated more than 5 minutes ahead"),
        (EARLY, at + minutes(9), "dated more than 5 minutes ahead"),
        (EARLY, at, "dated more than 5 minutes ahead"),
    ] {
        let text = said(words, at, date);
        assert!(text.contains(part), "{text}");
        assert!(!text.contains("clock is"), "{text}");
    }
    let unknown = said(EXPIRED, at, "soon");
    assert!(unknown.contains("clock is wrong, or"), "{unknown}");
}

#[test]
fn a_signature_and_a_key_are_offered_where_they_may_help() {
    let prod = prod();
    let (found, stage_level) = (
        refused(403, &named("Forbidden")),
        refused(403, &plain("Forbidden")),
    );
    let missing = refused(403, &plain("Missing Authentication Token"));
    assert_eq!(lack(&missing, &url(AWS)), Some(Lack::Signature));
    assert_eq!(lack(&stage_level, &url(AWS)), None);
    assert_eq!(lack(&found, &url(AWS)), Some(Lack::ApiKey));
    let keyed = deployed(|connect| set(connect, "apiKeyRequired", "true"));
    assert_eq!(lack(&found, &read(&keyed, &prod)), Some(Lack::ApiKey));
    let iam = deployed(|connect| set(connect, "authorizationType", "AWS_IAM"));
    assert_eq!(lack(&found, &read(&iam, &prod)), Some(Lack::Signature));
    check(
        &found,
        &read(&iam, &prod),
        "(AWS_IAM), and this one is not signed",
    );
    let signed = Handshake {
        signing: Signing::Signed,
        ..read(&iam, &prod)
    };
    assert_eq!(lack(&found, &signed), None);
    check(&found, &signed, "not known there, or may not call it");
    let empty = detail(vec![stage("prod", None)], Vec::new());
    assert_eq!(lack(&stage_level, &read(&empty, &prod)), None);
    assert_eq!(lack(&refused(403, "no"), &url(AWS)), None);
}

#[test]
fn a_status_without_a_name_is_told_by_its_number() {
    let explanation = refusal(&refused(418, "teapot"), &url(AWS));
    assert_eq!(explanation.title, "refused: 418");
}

#[test]
fn headers_and_body_of_a_refusal_are_safe_to_show() {
    let refused = Refusal {
        headers: vec![("x-evil".to_owned(), "\u{1b}[2J".to_owned())],
        body: Bytes::from_static(b"one\ntwo\x1b\xff"),
        ..refused(403, "")
    };
    assert_eq!(
        refusal_lines(&refused),
        ["x-evil: \\u{1b}[2J", "", "one", "two\\u{1b}\\xff"]
    );
    let moved = Refusal {
        headers: vec![("location".to_owned(), "\u{1b}[2J".to_owned())],
        ..refused
    };
    let moved = Refusal {
        status: 302,
        ..moved
    };
    assert!(!refusal(&moved, &url(AWS)).text.contains('\u{1b}'));
}
