//! Authorizers, models, and VPC links: what they are made of, and how they are refused.

use super::*;

const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
const BAD: &str = "BadRequestException";

fn authorizer(name: &str) -> Value {
    json!({
        "name": name,
        "authorizerType": "REQUEST",
        "authorizerUri": URI,
        "identitySource": ["route.request.header.Auth"],
    })
}

/// The same with members put over it; null removes one.
fn with(mut body: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        return body;
    };
    for (name, value) in members {
        body[name] = value;
    }
    body
}

#[tokio::test]
async fn an_authorizer_is_kept_member_by_member() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/authorizers");
    let mut made = plane.post(&path, authorizer("a")).await.ok(201);
    check_id(&made["authorizerId"], 6);
    let one = format!("{path}/{}", made["authorizerId"].as_str().unwrap());
    assert_eq!(plane.get(&one).await.ok(200), made);
    let change = json!({
        "authorizerResultTtlInSeconds": 300,
        "identitySource": ["route.request.querystring.token", "context.identity.sourceIp", "stageVariables.x"],
        "authorizerCredentialsArn": "arn:aws:iam::000000000000:role/r",
    });
    let changed = plane.patch(&one, change.clone()).await.ok(200);
    made = with(made, change);
    assert_eq!(changed, made);
    plane.delete(&one).await.ok(204);
    assert_eq!(plane.get(&path).await.ok(200), json!({ "items": [] }));
}

#[tokio::test]
async fn authorizers_are_refused_in_aws_words() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/authorizers");
    plane.post(&path, authorizer("taken")).await.ok(201);
    let long = "a".repeat(129);
    for (members, message) in [
        (json!({ "name": null }), "Missing required member: name"),
        (
            json!({ "authorizerType": null }),
            "Missing required member: authorizerType",
        ),
        (
            json!({ "authorizerType": "JWT" }),
            "Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.",
        ),
        (
            json!({ "authorizerType": "TOKEN" }),
            "Invalid value for authorizerType: TOKEN. Must be one of [REQUEST, JWT]",
        ),
        (
            json!({ "identitySource": ["route.request.body.x"] }),
            "Invalid request identity source expression: route.request.body.x",
        ),
        (
            json!({ "identitySource": ["$request.header.Auth"] }),
            "Invalid request identity source expression: $request.header.Auth",
        ),
        (
            json!({ "authorizerResultTtlInSeconds": 3601 }),
            "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds.",
        ),
        (
            json!({ "authorizerResultTtlInSeconds": -1 }),
            "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds.",
        ),
        (
            json!({ "authorizerResultTtlInSeconds": 1, "identitySource": [] }),
            "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)",
        ),
        (
            json!({ "authorizerUri": "http://x" }),
            "Invalid Authorizer URI: http://x. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.",
        ),
        (
            json!({ "enableSimpleResponses": true }),
            "enableSimpleResponses is not supported for WEBSOCKET protocolType",
        ),
        (
            json!({ "authorizerPayloadFormatVersion": "2.0" }),
            "authorizerPayloadFormatVersion is not supported for WEBSOCKET protocolType",
        ),
        (
            json!({ "jwtConfiguration": { "issuer": "https://x" } }),
            "jwtConfiguration is not supported for WEBSOCKET protocolType",
        ),
        (
            json!({ "authorizerCredentialsArn": "role" }),
            "Invalid ARN specified for authorizerCredentialsArn: role",
        ),
        (
            json!({ "name": long }),
            "Invalid value for name: it must have 1 to 128 characters",
        ),
        (
            json!({ "name": "taken" }),
            "Authorizer name must be unique. Authorizer taken already exists in this RestApi.",
        ),
    ] {
        let answer = plane.post(&path, with(authorizer("new"), members)).await;
        answer.refused(400, BAD, message);
    }
}

#[tokio::test]
async fn the_eleventh_authorizer_is_a_conflict_with_429() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/authorizers");
    for n in 0..10 {
        let body = authorizer(&format!("a{n}"));
        plane.post(&path, body).await.ok(201);
    }
    let message = "Maximum number of Authorizers for this API has been reached.  Please contact AWS if you need additional Authorizers.";
    let more = plane.post(&path, authorizer("more")).await;
    more.refused(429, "ConflictException", message);
}

#[tokio::test]
async fn a_route_asks_an_authorizer_that_exists_and_keeps_it_from_removal() {
    let plane = Plane::new();
    let api = plane.api().await;
    let routes = format!("{api}/routes");
    let route = |authorization: &str, id: &str| json!({ "routeKey": "$connect", "authorizationType": authorization, "authorizerId": id });
    let message = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.";
    for (authorization, id) in [("CUSTOM", "abc123"), ("CUSTOM", ""), ("JWT", "abc123")] {
        let answer = plane.post(&routes, route(authorization, id)).await;
        answer.refused(400, BAD, message);
    }
    let authorizers = format!("{api}/authorizers");
    let made = plane.post(&authorizers, authorizer("guard")).await;
    let id = made.id("authorizerId");
    let jwt = plane.post(&routes, route("JWT", &id)).await;
    jwt.refused(400, BAD, message);
    let made = plane.post(&routes, route("CUSTOM", &id)).await.ok(201);
    assert_eq!(made["authorizerId"], id);
    let in_use = plane.delete(&format!("{authorizers}/{id}")).await;
    in_use.refused(
        409,
        "ConflictException",
        "Cannot delete authorizer 'guard', is referenced in route: $connect",
    );
    let one = format!("{routes}/{}", made["routeId"].as_str().unwrap());
    let open = json!({ "authorizationType": "NONE" });
    plane.patch(&one, open).await.ok(200);
    plane.delete(&format!("{authorizers}/{id}")).await.ok(204);
}

#[tokio::test]
async fn a_model_is_kept_and_makes_a_template() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/models");
    let schema = r#"{"type":"object","properties":{"action":{"type":"string"}}}"#;
    let body = json!({ "name": "message", "schema": schema, "contentType": "application/json" });
    let made = plane.post(&path, body).await.ok(201);
    check_id(&made["modelId"], 6);
    let one = format!("{path}/{}", made["modelId"].as_str().unwrap());
    assert_eq!(plane.get(&one).await.ok(200), made);
    let template = plane.get(&format!("{one}/template")).await.ok(200);
    assert_eq!(
        template,
        json!({ "value": "#set($inputRoot = $input.path('$'))\n{\n  \"action\" : \"foo\"\n}\n" })
    );
    let change = json!({ "description": "what clients say" });
    let changed = plane.patch(&one, change.clone()).await.ok(200);
    assert_eq!(changed, with(made, change));
    plane.delete(&one).await.ok(204);
    let gone = plane.get(&format!("{one}/template")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn models_are_refused_when_they_are_none() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/models");
    let taken = json!({ "name": "taken", "schema": "{}" });
    plane.post(&path, taken.clone()).await.ok(201);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, message) in [
        (json!({ "schema": "{}" }), "Missing required member: name"),
        (json!({ "name": "m" }), "Missing required member: schema"),
        (
            json!({ "name": "a-b", "schema": "{}" }),
            "Invalid model name specified: a-b. It must be alphanumeric",
        ),
        (
            json!({ "name": "m", "schema": "{" }),
            "Invalid model schema of m: it is not JSON",
        ),
        (
            json!({ "name": "m", "schema": deep }),
            "Invalid model schema of m: it is nested too deeply",
        ),
        (
            json!({ "name": "m", "schema": "[]" }),
            "Invalid model schema of m: it must be an object",
        ),
        (
            json!({ "name": "m", "schema": r#"{"type":"text"}"# }),
            "Invalid model schema of m: it is not what draft 4 of JSON Schema allows, at /type",
        ),
        (
            json!({ "name": "m", "schema": r#"{"type":"object","required":[]}"# }),
            "Invalid model schema of m: it is not what draft 4 of JSON Schema allows, at /required",
        ),
        (
            json!({ "name": "m", "schema": r#"{"properties":{"a":{"minLength":"1"}}}"# }),
            "Invalid model schema of m: it is not what draft 4 of JSON Schema allows, at /properties/a/minLength",
        ),
        (
            json!({ "name": "m", "schema": r#"{"not":{"pattern":"("}}"# }),
            "Invalid model schema of m: it is not what draft 4 of JSON Schema allows, at /not/pattern",
        ),
        (
            json!({ "name": "m", "schema": " ".repeat(32_769) }),
            "Invalid value for schema: it must have 0 to 32768 characters",
        ),
    ] {
        plane.post(&path, body).await.refused(400, BAD, message);
    }
    let again = plane.post(&path, taken).await;
    let message = "Model with name taken already exists for this API";
    again.refused(409, "ConflictException", message);
}

#[tokio::test]
async fn a_vpc_link_is_kept_and_tagged() {
    let plane = Plane::new();
    let body =
        json!({ "name": "link", "subnetIds": ["subnet-1", "subnet-2"], "tags": { "a": "1" } });
    let mut made = plane.post("/v2/vpclinks", body).await.ok(201);
    let id = made["vpcLinkId"].as_str().unwrap().to_owned();
    check_time(&made["createdDate"]);
    let one = format!("/v2/vpclinks/{id}");
    assert_eq!(plane.get(&one).await.ok(200), made);
    let changed = plane.patch(&one, json!({ "name": "other" })).await.ok(200);
    made["name"] = json!("other");
    assert_eq!(changed, made);
    let tags = format!("/v2/tags/arn:aws:apigateway:us-east-1::/vpclinks/{id}");
    let tag = json!({ "tags": { "b": "2" } });
    plane.post(&tags, tag).await.ok(201);
    let read = plane.get(&tags).await.ok(200);
    assert_eq!(read, json!({ "tags": { "a": "1", "b": "2" } }));
    let list = plane.get("/v2/vpclinks").await.ok(200);
    assert_eq!(list["items"][0]["tags"], json!({ "a": "1", "b": "2" }));
    plane.delete(&one).await.ok(202);
    let gone = plane.get(&one).await;
    let message = format!("Invalid VpcLink identifier specified {id}");
    gone.refused(404, "NotFoundException", &message);
    for body in [
        json!({ "name": "link" }),
        json!({ "name": "link", "subnetIds": [] }),
    ] {
        let answer = plane.post("/v2/vpclinks", body).await;
        answer.refused(400, BAD, "Missing required member: subnetIds");
    }
}
