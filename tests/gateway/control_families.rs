//! All operations of the control plane over raw HTTP, family by family: a table says what a family is made of, and every
//! row is held to the same rules for paging, unknown ids, missing members, wrong types and hostile bodies.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::gateway::{Answer, Gateway};

const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";

/// One of each thing that others belong to; their ids.
struct World {
    gateway: Gateway,
    api: String,
    route: String,
    integration: String,
}

/// A resource and its operations.
struct Family {
    /// Where its members are; `{api}` and so on stand for what they belong to.
    path: &'static str,
    /// The member that holds the id.
    id: &'static str,
    /// What the n-th is made from.
    body: fn(&World, usize) -> Value,
    /// Members without which none is made.
    required: &'static [&'static str],
    /// A member that takes no object.
    text: &'static str,
    /// What is said of the unknown id `none`.
    unknown: &'static str,
    /// How many the test makes, of those that there may be.
    count: usize,
    /// The status of a removal.
    removed: u16,
}

const DOMAIN: &str = "ws.example.com";
const NO_DOMAIN: &str = "Invalid domain name identifier specified";

#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    Family { path: "/v2/apis", id: "apiId", required: &["name", "protocolType"], text: "name", count: 3, removed: 204,
        body: |_, n| json!({ "name": format!("a{n}"), "protocolType": "WEBSOCKET", "routeSelectionExpression": "x" }),
        unknown: "Invalid API identifier specified 000000000000:none" },
    Family { path: "/v2/apis/{api}/routes", id: "routeId", required: &["routeKey"], text: "operationName", count: 3, removed: 204,
        body: |_, n| json!({ "routeKey": format!("r{n}") }),
        unknown: "Invalid route identifier specified" },
    Family { path: "/v2/apis/{api}/routes/{route}/routeresponses", id: "routeResponseId", required: &["routeResponseKey"], text: "modelSelectionExpression", count: 1, removed: 204,
        body: |_, _| json!({ "routeResponseKey": "$default" }),
        unknown: "Invalid RouteResponse identifier specified" },
    Family { path: "/v2/apis/{api}/integrations", id: "integrationId", required: &["integrationType"], text: "description", count: 3, removed: 204,
        body: |_, _| json!({ "integrationType": "MOCK" }),
        unknown: "Invalid Integration identifier specified" },
    Family { path: "/v2/apis/{api}/integrations/{integration}/integrationresponses", id: "integrationResponseId", required: &["integrationResponseKey"], text: "templateSelectionExpression", count: 3, removed: 204,
        body: |_, n| json!({ "integrationResponseKey": format!("/{n}/") }),
        unknown: "Invalid IntegrationResponse identifier specified" },
    Family { path: "/v2/apis/{api}/authorizers", id: "authorizerId", required: &["name", "authorizerType"], text: "name", count: 3, removed: 204,
        body: |_, n| json!({ "name": format!("a{n}"), "authorizerType": "REQUEST", "authorizerUri": URI }),
        unknown: "Invalid Authorizer identifier specified" },
    Family { path: "/v2/apis/{api}/models", id: "modelId", required: &["name", "schema"], text: "description", count: 3, removed: 204,
        body: |_, n| json!({ "name": format!("m{n}"), "schema": "{}" }),
        unknown: "Invalid Model identifier specified" },
    Family { path: "/v2/apis/{api}/deployments", id: "deploymentId", required: &[], text: "description", count: 3, removed: 204,
        body: |_, n| json!({ "description": n.to_string() }),
        unknown: "Invalid Deployment identifier specified" },
    Family { path: "/v2/apis/{api}/stages", id: "stageName", required: &["stageName"], text: "description", count: 3, removed: 204,
        body: |_, n| json!({ "stageName": format!("s{n}") }),
        unknown: "Invalid stage identifier specified" },
    Family { path: "/v2/domainnames", id: "domainName", required: &["domainName"], text: "routingMode", count: 3, removed: 204,
        body: |_, n| json!({ "domainName": format!("d{n}.example.com"), "domainNameConfigurations": [{ "certificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/c" }] }),
        unknown: NO_DOMAIN },
    Family { path: "/v2/domainnames/ws.example.com/apimappings", id: "apiMappingId", required: &["apiId", "stage"], text: "apiMappingKey", count: 3, removed: 204,
        body: |world, n| json!({ "apiId": world.api, "stage": "mapped", "apiMappingKey": format!("k{n}") }),
        unknown: "The api mapping resource specified in the request was not found." },
    Family { path: "/v2/vpclinks", id: "vpcLinkId", required: &["name", "subnetIds"], text: "name", count: 3, removed: 202,
        body: |_, n| json!({ "name": format!("v{n}"), "subnetIds": ["subnet-1"] }),
        unknown: "Invalid VpcLink identifier specified" },
];

impl World {
    async fn new() -> Self {
        let gateway = Gateway::start().await;
        let id = async |path: &str, body: Value, member: &str| {
            let made = gateway.control("POST", path, body).await;
            made[member].as_str().unwrap().to_owned()
        };
        let api =
            json!({ "name": "a", "protocolType": "WEBSOCKET", "routeSelectionExpression": "x" });
        let api = id("/v2/apis", api, "apiId").await;
        let path = format!("/v2/apis/{api}");
        let route = json!({ "routeKey": "$default" });
        let route = id(&format!("{path}/routes"), route, "routeId").await;
        let mock = json!({ "integrationType": "MOCK" });
        let integration = id(&format!("{path}/integrations"), mock, "integrationId").await;
        let stage = json!({ "stageName": "mapped" });
        id(&format!("{path}/stages"), stage, "stageName").await;
        let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/c";
        let domain = json!({ "domainName": DOMAIN, "domainNameConfigurations": [{ "certificateArn": certificate }] });
        id("/v2/domainnames", domain, "domainName").await;
        Self {
            gateway,
            api,
            route,
            integration,
        }
    }

    fn path(&self, family: &Family) -> String {
        let path = family.path.replace("{api}", &self.api);
        let path = path.replace("{route}", &self.route);
        path.replace("{integration}", &self.integration)
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.gateway.call(method, path, body).await
    }

    /// What a change that changes nothing is made of: the members that a change, too, must have.
    fn no_change(&self, family: &Family) -> Value {
        if family.id == "apiMappingId" {
            json!({ "apiId": self.api })
        } else {
            json!({})
        }
    }
}

#[track_caller]
fn check_refused(answer: &Answer, status: u16, code: &str, message: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {:?}", answer.body);
    assert_eq!(answer.header("x-amzn-errortype"), Some(code), "{what}");
    assert_eq!(answer.json(), json!({ "message": message }), "{what}");
}

const BAD: &str = "BadRequestException";
const MISSING: &str = "NotFoundException";

/// Reads a list one by one to its end.
async fn all(world: &World, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut query = "?maxResults=1".to_owned();
    loop {
        let page = world.call("GET", &format!("{path}{query}"), "").await;
        assert_eq!(page.status, 200, "{path}");
        let page = page.json();
        let there = page["items"].as_array().unwrap();
        assert!(there.len() <= 1, "{path}");
        items.extend(there.iter().cloned());
        match page["nextToken"].as_str() {
            Some(token) => query = format!("?maxResults=1&nextToken={token}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn each_is_made_read_listed_changed_and_removed() {
    let world = World::new().await;
    for family in FAMILIES {
        let path = world.path(family);
        let before = all(&world, &path).await.len();
        let mut ids = Vec::new();
        for n in 0..family.count {
            let body = (family.body)(&world, n).to_string();
            let made = world.call("POST", &path, body).await;
            assert_eq!(made.status, 201, "{path}: {:?}", made.body);
            ids.push(made.json()[family.id].as_str().unwrap().to_owned());
        }
        let listed = all(&world, &path).await;
        assert_eq!(listed.len(), before + family.count, "{path}");
        // SOURCE: recorded on AWS, September 2026: in the order of ids, not of time.
        assert!(
            listed.is_sorted_by_key(|it| it[family.id].as_str()),
            "{path}"
        );
        for id in &ids {
            let one = format!("{path}/{id}");
            let read = world.call("GET", &one, "").await.json();
            assert!(listed.contains(&read), "{one}");
            let body = world.no_change(family).to_string();
            let changed = world.call("PATCH", &one, body).await;
            // SOURCE: recorded on AWS, September 2026: a route alone answers so.
            let status = if family.id == "routeId" { 201 } else { 200 };
            assert_eq!(changed.status, status, "{one}: {:?}", changed.body);
            let mut changed = changed.json();
            if let Some(date) = read.get("lastUpdatedDate") {
                changed["lastUpdatedDate"] = date.clone();
            }
            assert_eq!(changed, read, "{one}");
            let removed = world.call("DELETE", &one, "").await;
            assert_eq!(removed.status, family.removed, "{one}");
            assert_eq!(world.call("GET", &one, "").await.status, 404, "{one}");
        }
        assert_eq!(all(&world, &path).await.len(), before, "{path}");
        for query in ["maxResults=0", "maxResults=x", "nextToken=x"] {
            let answer = world.call("GET", &format!("{path}?{query}"), "").await;
            assert_eq!(
                answer.header("x-amzn-errortype"),
                Some(BAD),
                "{path}?{query}"
            );
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_any_operation() {
    let world = World::new().await;
    let api = "Invalid API identifier specified 000000000000:none";
    for family in FAMILIES {
        let path = world.path(family);
        let one = format!("{path}/none");
        let change = world.no_change(family).to_string();
        for (method, body) in [("GET", ""), ("PATCH", change.as_str()), ("DELETE", "")] {
            let answer = world.call(method, &one, body.to_owned()).await;
            check_refused(&answer, 404, MISSING, family.unknown, &one);
        }
        let Some(rest) = family.path.strip_prefix("/v2/apis/{api}") else {
            continue;
        };
        let rest = rest.replace("{route}", &world.route);
        let rest = rest.replace("{integration}", &world.integration);
        let body = (family.body)(&world, 0).to_string();
        for (method, path, body) in [
            ("GET", format!("/v2/apis/none{rest}"), String::new()),
            ("POST", format!("/v2/apis/none{rest}"), body),
            ("GET", format!("/v2/apis/none{rest}/x"), String::new()),
            ("PATCH", format!("/v2/apis/none{rest}/x"), change.clone()),
            ("DELETE", format!("/v2/apis/none{rest}/x"), String::new()),
        ] {
            let answer = world.call(method, &path, body).await;
            check_refused(&answer, 404, MISSING, api, &path);
        }
    }
    let api = &world.api;
    for (method, path, message) in [
        (
            "GET",
            format!("/v2/apis/{api}/routes/none/routeresponses"),
            "Invalid route identifier specified",
        ),
        (
            "DELETE",
            format!("/v2/apis/{api}/routes/none/requestparameters/p"),
            "Invalid route identifier specified",
        ),
        (
            "GET",
            format!("/v2/apis/{api}/integrations/none/integrationresponses"),
            "Invalid Integration identifier specified",
        ),
        (
            "GET",
            format!("/v2/apis/{api}/models/none/template"),
            "Invalid Model identifier specified",
        ),
        (
            "DELETE",
            format!("/v2/apis/{api}/stages/none/accesslogsettings"),
            "Invalid stage identifier specified",
        ),
        (
            "DELETE",
            format!("/v2/apis/{api}/stages/none/routesettings/r"),
            "Invalid stage identifier specified",
        ),
        (
            "DELETE",
            format!("/v2/apis/{api}/stages/mapped/routesettings/r"),
            "Unable to find Route by key r within the provided RouteSettings",
        ),
        (
            "GET",
            "/v2/domainnames/none.example.com/apimappings".to_owned(),
            NO_DOMAIN,
        ),
    ] {
        let answer = world.call(method, &path, "").await;
        check_refused(&answer, 404, MISSING, message, &path);
    }
}

#[tokio::test]
async fn missing_members_wrong_types_and_hostile_bodies_are_refused_by_all_that_take_one() {
    let world = World::new().await;
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    for family in FAMILIES {
        let path = world.path(family);
        let whole = (family.body)(&world, 9);
        for member in family.required {
            let mut body = whole.clone();
            body.as_object_mut().unwrap().remove(*member);
            let answer = world.call("POST", &path, body.to_string()).await;
            let message = match (family.id, *member) {
                ("apiId", "name") => "Invalid API name specified".to_owned(),
                _ => format!("Missing required member: {member}"),
            };
            check_refused(&answer, 400, BAD, &message, &path);
        }
        let mut wrong = whole.clone();
        wrong[family.text] = json!({ "not": "text" });
        let twice = format!(r#"{{"{0}":"a","{0}":"b"}}"#, family.text);
        for (method, path) in [("POST", path.clone()), ("PATCH", format!("{path}/none"))] {
            let answer = world.call(method, &path, wrong.to_string()).await;
            assert_eq!(answer.status, 400, "{method} {path}: {:?}", answer.body);
            assert_eq!(answer.header("x-amzn-errortype"), Some(BAD));
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            let start = format!("Invalid value for {}", family.text);
            assert!(message.starts_with(&start), "{message}");
            for body in [
                &b"{\"name\":"[..],
                b"{\"name\":\"\xff\"}",
                b"[]",
                b"null",
                b"7",
                b"{}{}",
                b"\0",
                deep.as_bytes(),
                twice.as_bytes(),
            ] {
                let answer = world.call(method, &path, body.to_vec()).await;
                assert_eq!(answer.status, 400, "{method} {path}: {:?}", answer.body);
                assert_eq!(answer.header("x-amzn-errortype"), Some(BAD));
            }
        }
        let mut unknown = whole;
        unknown["whatever"] = json!([{}, null]);
        let answer = world.call("POST", &path, unknown.to_string()).await;
        assert_eq!(answer.status, 201, "{path}: {:?}", answer.body);
    }
}
