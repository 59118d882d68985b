//! The limits of each member: its length, its choices, and what a change leaves alone.

use super::{
    router::OPERATIONS,
    world::{World, taken},
    *,
};

const BAD: &str = "BadRequestException";

/// Makes a text of so many characters between a beginning and an end.
fn text(begin: &str, end: &str, length: usize) -> String {
    let middle = length - begin.chars().count() - end.chars().count();
    format!("{begin}{}{end}", "x".repeat(middle))
}

/// Calls an operation with its whole body, in which one member, perhaps within others, is another.
async fn call(world: &World, operation: &str, member: &[&str], n: usize, value: Value) -> Answer {
    let operation = OPERATIONS.iter().find(|it| it.name == operation).unwrap();
    let mut body = (taken(operation).unwrap().body)(world, n);
    let mut place = &mut body;
    for name in member {
        place = &mut place[*name];
    }
    *place = value;
    let path = world.path(operation);
    let answer = world.plane.call(operation.method.clone(), &path, body);
    answer.await
}

/// An operation, a member of it, what its text begins and ends with, and how long it may be.
type Length = (
    &'static str,
    &'static [&'static str],
    (&'static str, &'static str),
    usize,
    usize,
);

// SOURCE: the member types of the service model; where quotas say otherwise, the quotas.
#[rustfmt::skip]
const LENGTHS: &[Length] = &[
    ("CreateApi", &["name"], ("", ""), 1, 128),
    ("UpdateApi", &["name"], ("", ""), 1, 128),
    ("CreateApi", &["description"], ("", ""), 0, 1024),
    ("CreateApi", &["version"], ("", ""), 1, 64),
    ("UpdateApi", &["version"], ("", ""), 0, 64),
    ("CreateApi", &["tags", "k"], ("", ""), 0, 1600),
    ("CreateRoute", &["operationName"], ("", ""), 1, 64),
    ("UpdateRoute", &["operationName"], ("", ""), 0, 64),
    ("CreateIntegration", &["connectionId"], ("", ""), 0, 1024),
    ("CreateIntegration", &["description"], ("", ""), 0, 1024),
    ("CreateIntegration", &["integrationMethod"], ("", ""), 0, 64),
    ("CreateIntegration", &["integrationUri"], ("", ""), 0, 2048),
    ("CreateIntegration", &["requestParameters", "integration.request.header.a"], ("'", "'"), 0, 512),
    ("CreateIntegration", &["requestTemplates", "$default"], ("", ""), 0, 32_768),
    ("CreateIntegrationResponse", &["responseParameters", "method.response.header.a"], ("'", "'"), 0, 512),
    ("CreateIntegrationResponse", &["responseTemplates", "$default"], ("", ""), 0, 32_768),
    ("CreateDeployment", &["description"], ("", ""), 0, 1024),
    ("UpdateDeployment", &["description"], ("", ""), 0, 1024),
    ("CreateStage", &["description"], ("", ""), 0, 1024),
    ("CreateStage", &["accessLogSettings", "format"], ("$context.requestId ", ""), 1, 3072),
    ("CreateAuthorizer", &["name"], ("", ""), 1, 128),
    ("CreateAuthorizer", &["authorizerUri"], ("arn:aws:apigateway:us-east-1:lambda:path/", "/invocations"), 0, 2048),
    ("CreateAuthorizer", &["identityValidationExpression"], ("", ""), 0, 1024),
    ("CreateModel", &["name"], ("", ""), 1, 128),
    ("CreateModel", &["description"], ("", ""), 0, 1024),
    ("CreateModel", &["contentType"], ("application/", ""), 0, 256),
    ("CreateModel", &["schema"], ("{\"title\":\"", "\"}"), 0, 32_768),
    ("UpdateDomainName", &["mutualTlsAuthentication", "truststoreUri"], ("s3://", ""), 0, 2048),
    ("CreateVpcLink", &["name"], ("", ""), 1, 128),
    ("UpdateVpcLink", &["name"], ("", ""), 1, 128),
];

#[tokio::test]
async fn every_text_has_a_length() {
    let world = World::new().await;
    for (n, (operation, member, (begin, end), least, most)) in LENGTHS.iter().enumerate() {
        let name = match member {
            // Whose tag it is, nobody is told.
            ["tags", _] => "tags".to_owned(),
            member => member.join("."),
        };
        let message =
            format!("Invalid value for {name}: it must have {least} to {most} characters");
        let whole = json!(text(begin, end, *most));
        let answer = call(&world, operation, member, n, whole).await;
        assert!(answer.status < 300, "{operation} {name}: {answer:?}");
        let long = json!(text(begin, end, most + 1));
        let answer = call(&world, operation, member, n + 100, long).await;
        answer.refused(400, BAD, &message);
        if *least == 1
            && !matches!(
                (*operation, &name[..]),
                ("CreateApi", "name") | (_, "accessLogSettings.format")
            )
        {
            let answer = call(&world, operation, member, n + 200, json!("")).await;
            answer.refused(400, BAD, &message);
        }
    }
}

// SOURCE: the enumerations of the service model; for a WebSocket API fewer where AWS says so.
#[rustfmt::skip]
const CHOICES: &[(&str, &[&str], &[&str])] = &[
    ("UpdateApi", &["apiKeySelectionExpression"], &["$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"]),
    ("UpdateApi", &["ipAddressType"], &["ipv4", "dualstack"]),
    ("CreateRoute", &["authorizationType"], &["NONE", "AWS_IAM", "CUSTOM", "JWT"]),
    ("CreateIntegration", &["integrationType"], &["AWS", "HTTP", "MOCK", "HTTP_PROXY", "AWS_PROXY"]),
    ("CreateIntegration", &["connectionType"], &["INTERNET", "VPC_LINK"]),
    ("CreateIntegration", &["contentHandlingStrategy"], &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
    ("CreateIntegration", &["passthroughBehavior"], &["WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES"]),
    ("UpdateIntegrationResponse", &["contentHandlingStrategy"], &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]),
    ("UpdateDomainName", &["routingMode"], &["API_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_API_MAPPING"]),
];

#[tokio::test]
async fn every_choice_is_one_of_its_own() {
    let world = World::new().await;
    for (n, (operation, member, choices)) in CHOICES.iter().enumerate() {
        let name = member.last().unwrap();
        let message = format!(
            "Invalid value for {name}: OTHER. Must be one of [{}]",
            choices.join(", ")
        );
        let answer = call(&world, operation, member, n, json!("OTHER")).await;
        answer.refused(400, BAD, &message);
        for (idx, choice) in choices.iter().enumerate() {
            let n = 100 * (n + 1) + idx;
            let answer = call(&world, operation, member, n, json!(choice)).await;
            // A choice may ask for more, or be none of a WebSocket API, but it is one.
            let refusal = answer.body["message"].as_str().unwrap_or_default();
            assert!(!refusal.starts_with("Invalid value"), "{choice}: {refusal}");
        }
    }
}

#[tokio::test]
async fn a_change_leaves_alone_what_it_cannot_change() {
    let world = World::new().await;
    let api = format!("/v2/apis/{}", world.there("apiId"));
    for (path, change) in [
        (
            api.clone(),
            json!({ "protocolType": "HTTP", "tags": { "z": "1" }, "apiId": "other" }),
        ),
        (
            format!("{api}/stages/prod"),
            json!({ "tags": { "z": "1" }, "stageName": "other", "createdDate": "never" }),
        ),
        (
            "/v2/domainnames/ws.example.com".to_owned(),
            json!({ "tags": { "z": "1" }, "domainName": "other.example.com" }),
        ),
        (
            format!("/v2/vpclinks/{}", world.there("vpcLinkId")),
            json!({ "tags": { "z": "1" }, "subnetIds": ["other"] }),
        ),
    ] {
        let mut before = world.plane.get(&path).await.ok(200);
        let mut after = world.plane.patch(&path, change).await.ok(200);
        for stage in [&mut before, &mut after] {
            stage.as_object_mut().unwrap().remove("lastUpdatedDate");
        }
        assert_eq!(after, before, "{path}");
    }
}

#[tokio::test]
async fn maps_are_merged_or_replaced_each_in_its_way() {
    let world = World::new().await;
    let api = format!("/v2/apis/{}", world.there("apiId"));
    let path = |kind: &str, label: &str| format!("{api}/{kind}/{}", world.there(label));
    let integration = path("integrations", "integrationId");
    let (key, other) = (
        "integration.request.header.a",
        "integration.request.header.b",
    );
    let log = "arn:aws:logs:us-east-1:000000000000:log-group:b";
    let message = json!({ "name": "Second", "schema": "{}" });
    world
        .plane
        .post(&format!("{api}/models"), message)
        .await
        .ok(201);
    for (path, member, first, second, after) in [
        (
            &integration,
            "requestTemplates",
            json!({ "a": "1", "b": "2" }),
            json!({ "b": "3" }),
            json!({ "b": "3" }),
        ),
        (
            &integration,
            "requestTemplates",
            json!({ "a": "1" }),
            json!({}),
            Value::Null,
        ),
        (
            &integration,
            "requestParameters",
            json!({ key: "'1'" }),
            json!({ other: "'2'" }),
            json!({ key: "'1'", other: "'2'" }),
        ),
        (
            &integration,
            "requestParameters",
            json!({ key: "'1'" }),
            json!({ key: "" }),
            json!({ other: "'2'" }),
        ),
        (
            &path("routes", "routeId"),
            "requestModels",
            json!({ "a": "there" }),
            json!({ "b": "Second" }),
            json!({ "b": "Second" }),
        ),
        (
            &path("stages", "stageName"),
            "accessLogSettings",
            json!({ "destinationArn": log, "format": "$context.requestId" }),
            json!({ "destinationArn": log }),
            json!({ "destinationArn": log }),
        ),
        // SOURCE: reported of AWS.
        (
            &path("stages", "stageName"),
            "accessLogSettings",
            json!({ "destinationArn": log, "format": "$context.requestId" }),
            json!({}),
            json!({ "destinationArn": log, "format": "$context.requestId" }),
        ),
        (
            &path("stages", "stageName"),
            "stageVariables",
            json!({ "a": "1", "b": "2" }),
            json!({ "a": "", "c": "3" }),
            json!({ "b": "2", "c": "3" }),
        ),
        (
            &path("stages", "stageName"),
            "routeSettings",
            json!({ "$connect": { "loggingLevel": "INFO" } }),
            json!({ "$connect": { "throttlingBurstLimit": 1 } }),
            json!({ "$connect": { "loggingLevel": "INFO", "throttlingBurstLimit": 1 } }),
        ),
        (
            &path("stages", "stageName"),
            "defaultRouteSettings",
            json!({ "loggingLevel": "INFO", "throttlingRateLimit": 2.0 }),
            json!({ "throttlingBurstLimit": 1 }),
            json!({ "dataTraceEnabled": false, "detailedMetricsEnabled": false, "loggingLevel": "INFO", "throttlingBurstLimit": 1, "throttlingRateLimit": 2.0 }),
        ),
    ] {
        for change in [first, second] {
            let changed = world.plane.patch(path, json!({ member: change })).await;
            assert!(changed.status < 300, "{path} {member}: {changed:?}");
        }
        let read = world.plane.get(path).await.ok(200);
        assert_eq!(
            read.get(member).cloned().unwrap_or_default(),
            after,
            "{path} {member}"
        );
    }
}

#[tokio::test]
async fn a_stage_says_when_it_was_changed_or_moved() {
    let world = World::new().await;
    let api = format!("/v2/apis/{}", world.there("apiId"));
    let store = &world.plane.context.store;
    let changed = || {
        store
            .serving(world.there("apiId"), "prod")
            .unwrap()
            .stage
            .updated_at
    };
    let made = changed();
    let stage = format!("{api}/stages/prod");
    world.plane.patch(&stage, json!({})).await.ok(200);
    let first = changed();
    assert_ne!(first, made);
    let moved = json!({ "stageName": "prod" });
    world
        .plane
        .post(&format!("{api}/deployments"), moved)
        .await
        .ok(201);
    let second = changed();
    assert_ne!(second, first);
    world
        .plane
        .delete(&format!("{stage}/accesslogsettings"))
        .await
        .ok(204);
    assert_ne!(changed(), second);
    let created = store
        .serving(world.there("apiId"), "prod")
        .unwrap()
        .stage
        .created_at;
    assert_eq!(created, made);
}

#[tokio::test]
async fn a_rate_is_read_as_it_was_written() {
    let world = World::new().await;
    let path = format!("/v2/apis/{}/stages/prod", world.there("apiId"));
    for rate in [
        0.0,
        0.1,
        1.0 / 3.0,
        2.0 / 3.0 * 1e-7,
        123_456.789_012_345_67,
        9_007_199_254_740_993.0,
        f64::MIN_POSITIVE,
        f64::MAX,
        31.245_270_191_439_438,
        121.484_791_251_614_66,
    ] {
        let change = json!({ "defaultRouteSettings": { "throttlingRateLimit": rate } });
        let made = world.plane.patch(&path, change).await.ok(200);
        let read = world.plane.get(&path).await.ok(200);
        for stage in [made, read] {
            let limit = stage["defaultRouteSettings"]["throttlingRateLimit"].as_f64();
            assert_eq!(limit, Some(rate), "{rate:e}");
        }
    }
}
