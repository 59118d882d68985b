//! The control plane as its clients see it: requests in, statuses, headers and bodies out.

mod authorizers;
mod autodeploy;
mod definition;
mod domains;
mod forms;
mod hostile;
mod limits;
mod models;
mod operations;
mod serving;
mod world;

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::gateway::{StoreLocation, Strictness, time_scale::TimeScale};

const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=0";

/// A gateway's control plane over an empty store.
struct Plane {
    context: Context,
}

/// An answer, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    code: Option<String>,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.code, None);
        self.body
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.code.as_deref(), Some(code));
        assert_eq!(self.body, json!({ "message": message }));
    }

    #[track_caller]
    fn id(self, member: &str) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.body[member].as_str().unwrap().to_owned()
    }
}

impl Plane {
    fn new() -> Self {
        Self::over(Store::open(&StoreLocation::Memory).unwrap())
    }

    fn over(store: Store) -> Self {
        let address = "127.0.0.1:4566".parse().unwrap();
        let time_scale = Arc::new(TimeScale::new(1.0));
        let strict = Strict::new(store.clone(), time_scale, Strictness::default());
        Self {
            context: Context {
                store,
                address,
                strict: Arc::new(strict),
                rates: Arc::default(),
            },
        }
    }

    fn request(method: &Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:4566")
            .header("authorization", CREDENTIAL)
    }

    async fn send(&self, request: Request<Bytes>) -> Answer {
        let response = answer(&self.context, request).await;
        let headers = response.headers();
        let id = headers["x-amzn-requestid"].to_str().unwrap();
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
        let code = headers.get("x-amzn-errortype");
        let code = code.map(|code| code.to_str().unwrap().to_owned());
        let is_json = headers
            .get("content-type")
            .is_some_and(|it| it == "application/json");
        assert_eq!(is_json, !response.body().is_empty());
        let body = match response.body().as_ref() {
            b"" => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        Answer {
            status: response.status().as_u16(),
            code,
            body,
        }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        self.send(Self::request(&method, path).body(body).unwrap())
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Value::Null).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, Value::Null).await
    }

    /// Makes a WebSocket API and returns its path.
    async fn api(&self) -> String {
        let body = json!({
            "name": "chat",
            "protocolType": "WEBSOCKET",
            "routeSelectionExpression": "$request.body.action",
        });
        let id = self.post("/v2/apis", body).await.id("apiId");
        format!("/v2/apis/{id}")
    }

    /// Makes an API with one route and returns its path.
    async fn api_with_route(&self) -> String {
        let api = self.api().await;
        let route = json!({ "routeKey": "$default" });
        self.post(&format!("{api}/routes"), route).await.ok(201);
        api
    }

    /// Checks that a collection has this one member, which is gone once it is deleted.
    async fn check_last(&self, collection: &str, path: &str, member: &Value) {
        let all = self.get(collection).await.ok(200);
        assert_eq!(all, json!({ "items": [member] }));
        self.delete(path).await.ok(204);
        assert_eq!(self.get(path).await.status, 404);
    }

    /// Makes the deployments that are owed, which nobody else does here.
    fn make_owed_deployments(&self) {
        super::autodeploy::make_owed(&self.context.store).unwrap();
    }

    async fn deploy(&self, api: &str) -> String {
        let path = format!("{api}/deployments");
        self.post(&path, json!({})).await.id("deploymentId")
    }
}

fn api_id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Returns a body with members put over it; null removes one.
fn with(mut body: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        return body;
    };
    for (name, value) in members {
        body[name] = value;
    }
    body
}

#[track_caller]
fn check_id(id: &Value, length: usize) {
    let id = id.as_str().unwrap();
    assert_eq!(id.len(), length, "{id}");
    assert!(
        id.bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()),
        "{id}"
    );
}

#[track_caller]
fn check_time(time: &Value) {
    let time = time.as_str().unwrap();
    assert!(
        time.ends_with('Z') && time.len() == "2018-11-15T06:23:51Z".len(),
        "{time}"
    );
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/routes");
    for n in 0..7 {
        plane
            .post(&path, json!({ "routeKey": format!("r{n}") }))
            .await
            .ok(201);
    }
    let mut seen = Vec::new();
    let mut query = "?maxResults=3".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = plane.get(&format!("{path}{query}")).await.ok(200);
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(
            items
                .iter()
                .map(|route| route["routeKey"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page.get("nextToken") else {
            break;
        };
        query = format!("?maxResults=3&nextToken={}", token.as_str().unwrap());
    }
    assert_eq!(sizes, [3, 3, 1]);
    seen.sort();
    assert_eq!(seen, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
    let bad = plane.get(&format!("{path}?maxResults=none")).await;
    assert_eq!(bad.code.as_deref(), Some("BadRequestException"));
    let bad = plane.get(&format!("{path}?nextToken=%00")).await;
    bad.refused(400, "BadRequestException", "Invalid nextToken");
}

#[tokio::test]
async fn what_is_for_http_apis_only_is_refused() {
    let plane = Plane::new();
    let api = plane.api().await;
    for (method, path, operation) in [
        (Method::PUT, "/v2/apis".to_owned(), "ImportApi"),
        (Method::PUT, api.clone(), "ReimportApi"),
        (
            Method::GET,
            format!("{api}/exports/OAS30?outputType=JSON"),
            "ExportApi",
        ),
        (
            Method::DELETE,
            format!("{api}/cors"),
            "DeleteCorsConfiguration",
        ),
        (
            Method::DELETE,
            format!("{api}/stages/x/cache/authorizers"),
            "ResetAuthorizersCache",
        ),
    ] {
        let message =
            format!("{operation} is for HTTP APIs; the local gateway serves WEBSOCKET APIs only");
        let answer = plane.call(method, &path, json!({ "body": "x" })).await;
        answer.refused(400, "BadRequestException", &message);
    }
    let unknown = plane.get("/v2/nothing").await;
    assert_eq!(
        (unknown.status, unknown.code.as_deref()),
        (404, Some("UnknownOperationException"))
    );
}

#[tokio::test]
async fn an_http_api_is_made_read_tagged_and_deleted_and_nothing_else() {
    let plane = Plane::new();
    let body = json!({ "name": "web", "protocolType": "HTTP", "tags": { "a": "1" } });
    let made = plane.post("/v2/apis", body).await.ok(201);
    let id = made["apiId"].as_str().unwrap();
    assert_eq!(made["protocolType"], "HTTP");
    assert_eq!(made["apiEndpoint"], format!("http://127.0.0.1:4566/{id}"));
    assert_eq!(
        made["routeSelectionExpression"],
        "$request.method $request.path"
    );
    let api = format!("/v2/apis/{id}");
    assert_eq!(plane.get(&api).await.ok(200), made);
    let list = plane.get("/v2/apis").await.ok(200);
    assert_eq!(list, json!({ "items": [made] }));
    let tags = format!("/v2/tags/arn:aws:apigateway:us-east-1::/apis/{id}");
    let tag = json!({ "tags": { "b": "2" } });
    plane.post(&tags, tag).await.ok(201);
    let tags = plane.get(&tags).await.ok(200);
    assert_eq!(tags, json!({ "tags": { "a": "1", "b": "2" } }));

    let message = format!(
        "{id} is an HTTP API. The local gateway lists, tags and deletes HTTP APIs, and serves WEBSOCKET APIs only"
    );
    for (method, path) in [
        (Method::PATCH, api.clone()),
        (Method::GET, format!("{api}/routes")),
        (Method::POST, format!("{api}/routes")),
        (Method::POST, format!("{api}/stages")),
        (Method::POST, format!("{api}/deployments")),
        (Method::GET, format!("{api}/integrations/i")),
        (Method::DELETE, format!("{api}/cors")),
    ] {
        let answer = plane.call(method, &path, json!({ "name": "x" })).await;
        answer.refused(400, "BadRequestException", &message);
    }
    let cors = json!({ "name": "web", "protocolType": "HTTP", "corsConfiguration": {} });
    let message =
        "The local gateway lists, tags and deletes HTTP APIs only; it takes no corsConfiguration";
    let cors = plane.post("/v2/apis", cors).await;
    cors.refused(400, "BadRequestException", message);
    plane.delete(&api).await.ok(204);
    assert_eq!(plane.get(&api).await.status, 404);
}

#[tokio::test]
async fn bodies_that_cannot_be_read_change_nothing() {
    let plane = Plane::new();
    let api = plane.api().await;
    for body in [
        &b"{\"routeKey\":"[..],
        b"\xff\xfe",
        b"[]",
        b"{\"routeKey\":{}}",
        b"{}x",
    ] {
        let request = Plane::request(&Method::POST, &format!("{api}/routes"));
        let answer = plane
            .send(request.body(Bytes::copy_from_slice(body)).unwrap())
            .await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    assert_eq!(
        plane.get(&format!("{api}/routes")).await.ok(200),
        json!({ "items": [] })
    );
}

#[tokio::test]
async fn unsigned_calls_are_refused_before_anything_is_looked_at() {
    let plane = Plane::new();
    let send = async |headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(Method::POST).uri("/v2/apis");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        plane.send(request.body(Bytes::new()).unwrap()).await
    };
    let unsigned = send(&[("host", "localhost")]).await;
    unsigned.refused(
        403,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    );
    let basic = send(&[("host", "localhost"), ("authorization", "Basic x")]).await;
    assert_eq!(
        (basic.status, basic.code.as_deref()),
        (403, Some("IncompleteSignatureException"))
    );
    assert!(plane.context.store.is_empty());
}

#[tokio::test]
async fn parallel_writes_are_all_kept() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/routes");
    let writes = (0..40).map(|n| plane.post(&path, json!({ "routeKey": format!("r{}", n % 20) })));
    let answers = futures_util::future::join_all(writes).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let taken = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, taken), (20, 20));
}
