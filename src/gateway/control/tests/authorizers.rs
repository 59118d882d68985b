//! Authorizers: their members, and their refusals.
//!
//! SOURCE: recorded on AWS, September 2026, but for what the cases mark otherwise.

use super::*;

const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
const ROLE: &str = "arn:aws:iam::000000000000:role/r";
const BAD: &str = "BadRequestException";

fn authorizer(name: &str) -> Value {
    json!({
        "name": name,
        "authorizerType": "REQUEST",
        "authorizerUri": URI,
        "identitySource": ["route.request.header.Auth"],
    })
}

fn invalid_source(source: &str) -> String {
    format!(
        "Invalid request identity source expression: {source}. The sources must be separated by comma, and each source must be either a request parameter, matching 'route.request.querystring|header.[a-zA-Z0-9._-]+', or a stage variable, matching 'stageVariables.[a-zA-Z0-9._-]+', or a context parameter, matching 'context.[a-zA-Z0-9._-]+'"
    )
}

/// The authorizers of an API, one of which is there.
struct Authorizers {
    plane: Plane,
    path: String,
    one: String,
}

impl Authorizers {
    async fn new() -> Self {
        let plane = Plane::new();
        let path = format!("{}/authorizers", plane.api().await);
        let made = plane.post(&path, authorizer("there")).await;
        let one = format!("{path}/{}", made.id("authorizerId"));
        Self { plane, path, one }
    }

    async fn create(&self, members: Value) -> Answer {
        let body = with(authorizer("new"), members);
        self.plane.post(&self.path, body).await
    }

    async fn update(&self, members: Value) -> Answer {
        self.plane.patch(&self.one, members).await
    }

    async fn read(&self) -> Value {
        self.plane.get(&self.one).await.ok(200)
    }

    /// Checks that neither an authorizer is made with these members nor one changed to them.
    async fn refused(&self, members: Value, message: &str) {
        let refused = self.create(members.clone()).await;
        refused.refused(400, BAD, message);
        let refused = self.update(members).await;
        refused.refused(400, BAD, message);
    }
}

#[tokio::test]
async fn an_authorizer_has_the_members_that_are_set_and_no_others() {
    let it = Authorizers::new().await;
    let made = it.read().await;
    check_id(&made["authorizerId"], 6);
    let id = json!({ "authorizerId": made["authorizerId"] });
    assert_eq!(made, with(authorizer("there"), id));
    let change = json!({
        "name": "other",
        "identitySource": ["route.request.querystring.token", "context.identity.sourceIp", "stageVariables.x-1"],
        "identityValidationExpression": "^probe-.*$",
        "authorizerCredentialsArn": ROLE,
    });
    let changed = it.update(change.clone()).await.ok(200);
    assert_eq!(changed, with(made, change));
    assert_eq!(it.read().await, changed);
    it.plane.check_last(&it.path, &it.one, &changed).await;
    let gone = it.plane.get(&it.one).await;
    let message = "Invalid Authorizer identifier specified";
    gone.refused(404, "NotFoundException", message);
}

#[tokio::test]
async fn the_type_is_looked_at_before_all_other_members() {
    let it = Authorizers::new().await;
    let message = "Invalid authorizer type. Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.";
    for kind in ["JWT", "TOKEN"] {
        it.refused(json!({ "authorizerType": kind }), message).await;
        let members = json!({
            "authorizerType": kind, "name": null, "identitySource": ["invalid"], "authorizerResultTtlInSeconds": 0,
            "authorizerPayloadFormatVersion": "2.0", "jwtConfiguration": { "issuer": "https://x" },
        });
        it.refused(members, message).await;
    }
}

#[tokio::test]
async fn members_of_http_apis_are_refused_whatever_their_value() {
    let it = Authorizers::new().await;
    let cannot = |member: &str| format!("{member} cannot be set for WEBSOCKET protocol Apis.");
    for ttl in [0, 1, 60, 3600, -1, 3601] {
        let members = json!({ "authorizerResultTtlInSeconds": ttl });
        let message = cannot("AuthorizerResultTtlInSeconds");
        it.refused(members, &message).await;
    }
    let members = json!({ "authorizerResultTtlInSeconds": 60, "identitySource": [] });
    let message = cannot("AuthorizerResultTtlInSeconds");
    it.refused(members, &message).await;
    for version in ["1.0", "2.0", "3.0"] {
        let members = json!({ "authorizerPayloadFormatVersion": version });
        let message = cannot("AuthorizerPayloadFormatVersion");
        it.refused(members, &message).await;
    }
    for simple in [true, false] {
        let members = json!({ "enableSimpleResponses": simple });
        let message = cannot("EnableSimpleResponses");
        it.refused(members, &message).await;
        // The version is looked at first.
        let members =
            json!({ "enableSimpleResponses": simple, "authorizerPayloadFormatVersion": "2.0" });
        let message = cannot("AuthorizerPayloadFormatVersion");
        it.refused(members, &message).await;
    }
    // GUESS: in the same words.
    let members = json!({ "jwtConfiguration": { "issuer": "https://x" } });
    it.refused(members, &cannot("JwtConfiguration")).await;
}

#[tokio::test]
async fn an_empty_payload_format_version_is_taken_on_update_alone() {
    let it = Authorizers::new().await;
    let before = it.read().await;
    let empty = json!({ "authorizerPayloadFormatVersion": "" });
    let message = "AuthorizerPayloadFormatVersion cannot be set for WEBSOCKET protocol Apis.";
    it.create(empty.clone()).await.refused(400, BAD, message);
    assert_eq!(it.update(empty).await.ok(200), before);
}

#[tokio::test]
async fn identity_sources_of_another_form_are_refused_with_the_forms_there_are() {
    let it = Authorizers::new().await;
    for source in [
        "invalid",
        "route.request.header.",
        "route.request.header.Invalid Name",
        "route.request.header.a$b",
        "route.request.body.action",
        "route.request.context.routeKey",
        "route.request.stageVariables.tenant",
        "method.request.header.Authorization",
        "$request.header.Authorization",
        "$request.querystring.tenant",
        "$context.routeKey",
        "$stageVariables.tenant",
    ] {
        let members = json!({ "identitySource": [source] });
        it.refused(members, &invalid_source(source)).await;
    }
    for source in [
        "route.request.querystring.tenant",
        "route.request.header.X-A_b.c9",
        "context.routeKey",
        "stageVariables.tenant",
    ] {
        let members = json!({ "identitySource": [source] });
        let changed = it.update(members.clone()).await.ok(200);
        assert_eq!(changed["identitySource"], members["identitySource"]);
    }
}

#[tokio::test]
async fn an_authorizer_without_identity_sources_has_no_such_member() {
    let it = Authorizers::new().await;
    for sources in [Value::Null, json!([]), json!([""])] {
        let made = it
            .create(json!({ "identitySource": sources }))
            .await
            .ok(201);
        assert_eq!(made.get("identitySource"), None, "{sources}");
        let one = format!("{}/{}", it.path, made["authorizerId"].as_str().unwrap());
        it.plane.delete(&one).await.ok(204);
    }
    let cleared = it.update(json!({ "identitySource": [] })).await.ok(200);
    assert_eq!(cleared.get("identitySource"), None);
    assert_eq!(it.read().await, cleared);
}

#[tokio::test]
async fn a_validation_expression_is_a_regular_expression_and_an_empty_one_removes_it() {
    let it = Authorizers::new().await;
    let member = "identityValidationExpression";
    let empty = it.create(json!({ member: "" })).await;
    let message = "IdentityValidationExpression must not be empty.";
    empty.refused(400, BAD, message);
    let message = "Invalid validation expression: [";
    it.refused(json!({ member: "[" }), message).await;
    // GUESS: as Java takes them, too.
    for expression in ["^probe-.*$", "(?i)^bearer ", "(\\w{99}){99}", "^(?!x)\\w+$"] {
        let changed = it.update(json!({ member: expression })).await.ok(200);
        assert_eq!(changed[member], expression);
    }
    let kept = it.update(json!({ "name": "kept" })).await.ok(200);
    assert_eq!(kept[member], "^(?!x)\\w+$");
    let cleared = it.update(json!({ member: "" })).await.ok(200);
    assert_eq!(cleared.get(member), None);
}

#[tokio::test]
async fn credentials_are_a_role_and_an_empty_text_removes_them() {
    let it = Authorizers::new().await;
    let member = "authorizerCredentialsArn";
    let message = "Invalid role ARN";
    let empty = it.create(json!({ member: "" })).await;
    empty.refused(400, BAD, message);
    it.refused(json!({ member: "not-an-arn" }), message).await;
    let made = it.create(json!({ member: ROLE })).await.ok(201);
    assert_eq!(made[member], ROLE);
    it.update(json!({ member: ROLE })).await.ok(200);
    let kept = it.update(json!({ "name": "kept" })).await.ok(200);
    assert_eq!(kept[member], ROLE);
    let cleared = it.update(json!({ member: "" })).await.ok(200);
    assert_eq!(cleared.get(member), None);
}

#[tokio::test]
async fn a_refused_update_changes_nothing_and_its_good_members_neither() {
    let it = Authorizers::new().await;
    let before = it.read().await;
    for bad in [
        json!({ "identitySource": ["invalid"] }),
        json!({ "authorizerType": "TOKEN" }),
        json!({ "authorizerResultTtlInSeconds": -1 }),
        json!({ "authorizerCredentialsArn": "not-an-arn" }),
        json!({ "identityValidationExpression": "[" }),
    ] {
        let members = with(json!({ "name": "rejected" }), bad);
        assert_eq!(it.update(members).await.status, 400);
        assert_eq!(it.read().await, before);
    }
}

// SOURCE: as seen for single calls.
#[tokio::test]
async fn authorizers_are_refused_in_aws_words() {
    let it = Authorizers::new().await;
    let long = "a".repeat(129);
    for (members, message) in [
        (json!({ "name": null }), "Missing required member: name"),
        (
            json!({ "authorizerType": null }),
            "Missing required member: authorizerType",
        ),
        (
            json!({ "authorizerUri": null }),
            "AuthorizerUri is a required field in an Authorizer",
        ),
        (
            json!({ "authorizerUri": "http://x" }),
            "Invalid Authorizer URI: http://x. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.",
        ),
        (
            json!({ "name": long }),
            "Invalid value for name: it must have 1 to 128 characters",
        ),
        (
            json!({ "name": "there" }),
            "Authorizer name must be unique. Authorizer there already exists in this RestApi.",
        ),
    ] {
        it.create(members).await.refused(400, BAD, message);
    }
}

#[tokio::test]
async fn the_eleventh_authorizer_is_a_conflict_with_429() {
    let it = Authorizers::new().await;
    for n in 1..10 {
        let name = json!({ "name": format!("a{n}") });
        it.create(name).await.ok(201);
    }
    let message = "Maximum number of Authorizers for this API has been reached.  Please contact AWS if you need additional Authorizers.";
    let more = it.create(json!({ "name": "more" })).await;
    more.refused(429, "ConflictException", message);
}

#[tokio::test]
async fn a_route_asks_an_authorizer_that_exists_and_keeps_it_from_removal() {
    let plane = Plane::new();
    let api = plane.api().await;
    let routes = format!("{api}/routes");
    let route = |authorization: &str, id: &str| json!({ "routeKey": "$connect", "authorizationType": authorization, "authorizerId": id });
    let message = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.";
    let jwt = "Setting the authorization type to JWT requires a valid JWT authorizer.";
    for (authorization, id, message) in [
        ("CUSTOM", "abc123", message),
        ("CUSTOM", "", message),
        ("JWT", "abc123", jwt),
    ] {
        let answer = plane.post(&routes, route(authorization, id)).await;
        answer.refused(400, BAD, message);
    }
    let authorizers = format!("{api}/authorizers");
    let made = plane.post(&authorizers, authorizer("guard")).await;
    let id = made.id("authorizerId");
    let answer = plane.post(&routes, route("JWT", &id)).await;
    answer.refused(400, BAD, jwt);
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
    plane.patch(&one, open).await.ok(201);
    plane.delete(&format!("{authorizers}/{id}")).await.ok(204);
    assert_eq!(plane.get(&one).await.ok(200).get("authorizerId"), None);
}
