//! Bodies of calls, to the member: an update has what differs and nothing else, in the words that clear what is gone.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::{
    aws::{
        Control,
        stub::{CannedAnswer, Stub},
    },
    model::{
        ApiId, AuthorizerId, IntegrationId, IntegrationResponseId, ModelId, RouteId,
        RouteResponseId, StageName,
        file::{
            ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile,
            RouteFile, RouteResponseFile, StageFile,
        },
    },
};

/// The only call that is made: its line and its body.
async fn sent(call: impl AsyncFnOnce(&Control)) -> (String, Value) {
    let stub = Stub::start(|_| CannedAnswer::json(200, r#"{"apiId":"a1","routeId":"r1"}"#)).await;
    let control = stub.control().await;
    call(&control).await;
    let calls = stub.calls();
    let [call] = &calls[..] else {
        panic!("not one call: {calls:?}");
    };
    let body = if call.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&call.body).unwrap()
    };
    let line = match call.query.as_str() {
        "" => call.line.clone(),
        query => format!("{}?{query}", call.line),
    };
    (line, body)
}

fn file<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn api() -> ApiId {
    ApiId::parse("a1").unwrap()
}

fn stage() -> StageName {
    StageName::parse("prod").unwrap()
}

/// The files of a table of updates: what is there, what shall be, what is sent.
type Cases = Vec<(Value, Value, Value)>;

/// The members that stand in both files, and one that does not differ.
fn with(base: &Value, more: &Value) -> Value {
    let mut all = base.clone();
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

#[tokio::test]
async fn an_api_is_sent_as_its_differences() {
    let base = json!({ "name": "chat", "routeSelectionExpression": "$request.body.action" });
    let full = json!({
        "description": "d", "version": "2", "apiKeySelectionExpression": "$context.authorizer.usageIdentifierKey",
        "disableExecuteApiEndpoint": true, "disableSchemaValidation": true, "ipAddressType": "dualstack",
    });
    let cases: Cases = vec![
        (
            json!({}),
            json!({ "name": "talk" }),
            json!({ "name": "talk" }),
        ),
        (json!({}), full.clone(), full.clone()),
        // What is gone is cleared, or set to what API Gateway fills in.
        (
            full,
            json!({ "routeSelectionExpression": "$request.body.kind" }),
            json!({
                "routeSelectionExpression": "$request.body.kind", "description": "", "version": "",
                "apiKeySelectionExpression": "$request.header.x-api-key", "disableExecuteApiEndpoint": false,
                "disableSchemaValidation": false, "ipAddressType": "ipv4",
            }),
        ),
    ];
    for (from, to, body) in cases {
        let from: ApiFile = file(with(&base, &from));
        let to: ApiFile = file(with(&base, &to));
        let call = sent(async |control| control.update_api(&api(), &from, &to).await.unwrap());
        assert_eq!(call.await, ("PATCH /v2/apis/a1".to_owned(), body));
    }
}

#[tokio::test]
async fn tags_go_to_the_resource_and_their_keys_into_the_query() {
    let tags: Texts = file(json!({ "team": "chat", "cost": "" }));
    let call = sent(async |control| control.tag(&api(), Some(&stage()), &tags).await.unwrap());
    let arn = "arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fa1";
    let line = format!("POST /v2/tags/{arn}%2Fstages%2Fprod");
    let body = json!({ "tags": { "team": "chat", "cost": "" } });
    assert_eq!(call.await, (line, body));
    let keys = ["team".to_owned(), "a b".to_owned()];
    let call = sent(async |control| control.untag(&api(), None, &keys).await.unwrap());
    let line = format!("DELETE /v2/tags/{arn}?tagKeys=team&tagKeys=a%20b");
    assert_eq!(call.await, (line, Value::Null));
}

#[tokio::test]
async fn an_authorizer_is_sent_as_its_differences() {
    let id = AuthorizerId::parse("z1").unwrap();
    let base =
        json!({ "authorizerType": "REQUEST", "identitySource": ["route.request.header.Auth"] });
    let full = json!({
        "authorizerUri": "arn:u", "authorizerCredentialsArn": "arn:c",
        "identityValidationExpression": "x",
    });
    let cases: Cases = vec![
        (json!({}), full.clone(), full.clone()),
        (
            full.clone(),
            with(&full, &json!({ "identitySource": [] })),
            json!({ "identitySource": [] }),
        ),
        (
            full,
            json!({}),
            json!({
                "authorizerUri": "", "authorizerCredentialsArn": "",
                "identityValidationExpression": "",
            }),
        ),
    ];
    for (from, to, body) in cases {
        let from: AuthorizerFile = file(with(&base, &from));
        let to: AuthorizerFile = file(with(&base, &to));
        let api = api();
        let call = sent(async |control| {
            control
                .update_authorizer(api.part(&id), &from, &to)
                .await
                .unwrap();
        });
        let line = "PATCH /v2/apis/a1/authorizers/z1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn a_model_is_sent_as_its_differences() {
    let id = ModelId::parse("m1").unwrap();
    let full = json!({ "schema": "{}", "contentType": "application/json", "description": "d" });
    let cases: Cases = vec![
        (
            full.clone(),
            with(&full, &json!({ "schema": "{ }" })),
            json!({ "schema": "{ }" }),
        ),
        (
            full,
            json!({ "schema": "{}" }),
            json!({ "contentType": "", "description": "" }),
        ),
    ];
    for (from, to, body) in cases {
        let (from, to): (ModelFile, ModelFile) = (file(from), file(to));
        let api = api();
        let call = sent(async |control| {
            control
                .update_model(api.part(&id), &from, &to)
                .await
                .unwrap();
        });
        let line = "PATCH /v2/apis/a1/models/m1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn an_integration_is_sent_as_its_differences() {
    let id = IntegrationId::parse("i1").unwrap();
    let base = json!({ "integrationType": "HTTP" });
    let texts = json!({
        "integrationMethod": "POST", "integrationUri": "http://a", "connectionType": "VPC_LINK", "connectionId": "v1",
        "contentHandlingStrategy": "CONVERT_TO_TEXT", "credentialsArn": "arn:c", "description": "d",
        "passthroughBehavior": "NEVER", "payloadFormatVersion": "2.0", "templateSelectionExpression": "200",
        "timeoutInMillis": 5000,
    });
    let maps = json!({
        "requestParameters": { "a": "'1'", "b": "'2'" }, "requestTemplates": { "200": "x", "$default": "y" },
    });
    let cases: Cases = vec![
        (json!({}), texts.clone(), texts.clone()),
        (json!({}), maps.clone(), maps.clone()),
        (
            texts,
            json!({ "integrationType": "MOCK" }),
            json!({
                "integrationType": "MOCK", "integrationMethod": "", "integrationUri": "", "connectionType": "INTERNET",
                "connectionId": "", "contentHandlingStrategy": "", "credentialsArn": "", "description": "",
                "passthroughBehavior": "WHEN_NO_MATCH", "payloadFormatVersion": "1.0",
                "templateSelectionExpression": "", "timeoutInMillis": 29000,
            }),
        ),
        // Parameters are merged, templates are replaced.
        (
            maps.clone(),
            json!({ "requestParameters": { "b": "'3'" }, "requestTemplates": { "200": "x" } }),
            json!({ "requestParameters": { "a": "", "b": "'3'" }, "requestTemplates": { "200": "x" } }),
        ),
        (
            maps,
            json!({}),
            json!({ "requestParameters": { "a": "", "b": "" }, "requestTemplates": {} }),
        ),
        // Responses have calls of their own.
        (
            json!({ "responses": { "$default": {} } }),
            json!({ "description": "d" }),
            json!({ "description": "d" }),
        ),
    ];
    for (from, to, body) in cases {
        let from: IntegrationFile = file(with(&base, &from));
        let to: IntegrationFile = file(with(&base, &to));
        let api = api();
        let call = sent(async |control| {
            control
                .update_integration(api.part(&id), &from, &to)
                .await
                .unwrap();
        });
        let line = "PATCH /v2/apis/a1/integrations/i1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn an_integration_response_is_sent_as_its_differences() {
    let (integration, id) = (
        IntegrationId::parse("i1").unwrap(),
        IntegrationResponseId::parse("p1").unwrap(),
    );
    let full = json!({
        "contentHandlingStrategy": "CONVERT_TO_TEXT", "templateSelectionExpression": "200",
        "responseParameters": { "a": "'1'", "b": "'2'" }, "responseTemplates": { "200": "x" },
    });
    let cases: Cases = vec![
        (json!({}), full.clone(), full.clone()),
        (
            full.clone(),
            with(&full, &json!({ "responseParameters": { "a": "'1'" } })),
            json!({ "responseParameters": { "b": "" } }),
        ),
        (
            full,
            json!({}),
            json!({
                "contentHandlingStrategy": "", "templateSelectionExpression": "",
                "responseParameters": { "a": "", "b": "" }, "responseTemplates": {},
            }),
        ),
    ];
    for (from, to, body) in cases {
        let (from, to): (IntegrationResponseFile, IntegrationResponseFile) = (file(from), file(to));
        let api = api();
        let call = sent(async |control| {
            let it = api.part(&integration).response(&id);
            let updated = control.update_integration_response(it, &from, &to).await;
            updated.unwrap();
        });
        let line = "PATCH /v2/apis/a1/integrations/i1/integrationresponses/p1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

fn ends(integration: Option<&str>, authorizer: Option<&str>) -> RouteEnds {
    RouteEnds {
        integration: integration.map(|id| IntegrationId::parse(id).unwrap()),
        authorizer: authorizer.map(|id| AuthorizerId::parse(id).unwrap()),
    }
}

#[tokio::test]
async fn a_route_is_sent_as_its_differences_with_ids_for_names() {
    let id = RouteId::parse("r1").unwrap();
    let full = json!({
        "integration": "send", "authorizer": "who", "authorizationType": "CUSTOM", "apiKeyRequired": true,
        "modelSelectionExpression": "$request.body.action", "operationName": "Send",
        "requestModels": { "a": "A", "b": "B" }, "requestParameters": { "route.request.header.x": true },
        "routeResponseSelectionExpression": "$default",
    });
    let as_sent = json!({
        "target": "integrations/i1", "authorizerId": "z1", "authorizationType": "CUSTOM", "apiKeyRequired": true,
        "modelSelectionExpression": "$request.body.action", "operationName": "Send",
        "requestModels": { "a": "A", "b": "B" },
        "requestParameters": { "route.request.header.x": { "required": true } },
        "routeResponseSelectionExpression": "$default",
    });
    let all = ends(Some("i1"), Some("z1"));
    let cases = vec![
        (json!({}), full.clone(), all.clone(), as_sent),
        (
            full.clone(),
            with(&full, &json!({ "integration": "other" })),
            ends(Some("i2"), Some("z1")),
            json!({ "target": "integrations/i2" }),
        ),
        (
            full.clone(),
            with(&full, &json!({ "requestModels": { "a": "A" } })),
            all,
            json!({ "requestModels": { "a": "A" } }),
        ),
        // A request parameter that is gone has a call of its own.
        (
            full,
            json!({}),
            RouteEnds::default(),
            json!({
                "target": "", "authorizerId": "", "authorizationType": "NONE", "apiKeyRequired": false,
                "modelSelectionExpression": "", "operationName": "", "requestModels": {},
                "routeResponseSelectionExpression": "",
            }),
        ),
    ];
    for (from, to, ends, body) in cases {
        let (from, to): (RouteFile, RouteFile) = (file(from), file(to));
        let api = api();
        let call = sent(async |control| {
            control
                .update_route(api.part(&id), &from, &to, &ends)
                .await
                .unwrap();
        });
        let line = "PATCH /v2/apis/a1/routes/r1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn a_route_response_is_sent_as_its_differences() {
    let (route, id) = (
        RouteId::parse("r1").unwrap(),
        RouteResponseId::parse("p1").unwrap(),
    );
    let full = json!({
        "modelSelectionExpression": "x", "responseModels": { "a": "A" },
        "responseParameters": { "route.response.header.x": true },
    });
    let cases: Cases = vec![
        (
            json!({}),
            full.clone(),
            with(
                &full,
                &json!({ "responseParameters": { "route.response.header.x": { "required": true } } }),
            ),
        ),
        (
            full.clone(),
            with(
                &full,
                &json!({ "responseModels": {}, "modelSelectionExpression": null }),
            ),
            json!({ "modelSelectionExpression": "", "responseModels": {} }),
        ),
        (
            full.clone(),
            with(
                &full,
                &json!({ "responseParameters": { "route.response.header.x": false } }),
            ),
            json!({ "responseParameters": { "route.response.header.x": { "required": false } } }),
        ),
    ];
    for (from, to, body) in cases {
        let (from, to): (RouteResponseFile, RouteResponseFile) = (file(from), file(to));
        let api = api();
        let call = sent(async |control| {
            let it = api.part(&route).response(&id);
            let updated = control.update_route_response(it, &from, &to).await;
            updated.unwrap();
        });
        let line = "PATCH /v2/apis/a1/routes/r1/routeresponses/p1".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn a_stage_is_sent_as_its_differences_and_never_what_it_serves() {
    let full = json!({
        "description": "d", "autoDeploy": true, "clientCertificateId": "c1", "stageVariables": { "a": "1", "b": "2" },
        "defaultRouteSettings": { "loggingLevel": "INFO", "dataTraceEnabled": true, "detailedMetricsEnabled": true,
                                  "throttlingBurstLimit": 5, "throttlingRateLimit": 2.5 },
        "routeSettings": { "join": { "throttlingBurstLimit": 1 }, "send": { "throttlingBurstLimit": 2 } },
        "accessLogSettings": { "destinationArn": "arn:l", "format": "$context.requestId" },
    });
    let same_but = |more: Value| with(&full, &more);
    let cases: Cases = vec![
        (json!({}), full.clone(), full.clone()),
        (
            full.clone(),
            same_but(json!({ "stageVariables": { "b": "3" } })),
            json!({ "stageVariables": { "a": "", "b": "3" } }),
        ),
        // An entry of the route settings is sent whole, the others not at all; one that is gone has a call of its own.
        (
            full.clone(),
            same_but(
                json!({ "routeSettings": { "send": { "throttlingBurstLimit": 3, "throttlingRateLimit": 1.0 } } }),
            ),
            json!({ "routeSettings": { "send": { "throttlingBurstLimit": 3, "throttlingRateLimit": 1.0 } } }),
        ),
        // No call takes a default setting away, nor, as the last case shows, a description.
        (
            full.clone(),
            same_but(json!({ "defaultRouteSettings": {} })),
            json!({ "defaultRouteSettings": {
                "loggingLevel": "OFF", "dataTraceEnabled": false, "detailedMetricsEnabled": false,
                "throttlingBurstLimit": 5000, "throttlingRateLimit": 10000.0,
            } }),
        ),
        (
            full.clone(),
            same_but(json!({ "defaultRouteSettings": {
                "loggingLevel": "INFO", "dataTraceEnabled": true, "detailedMetricsEnabled": true,
                "throttlingBurstLimit": 0, "throttlingRateLimit": 2.5,
            } })),
            json!({ "defaultRouteSettings": { "throttlingBurstLimit": 0 } }),
        ),
        (
            full.clone(),
            same_but(json!({
                "description": null, "autoDeploy": null, "clientCertificateId": null,
                "accessLogSettings": { "destinationArn": "arn:l", "format": "x" },
            })),
            json!({
                "autoDeploy": false, "clientCertificateId": "",
                "accessLogSettings": { "destinationArn": "arn:l", "format": "x" },
            }),
        ),
    ];
    for (from, to, body) in cases {
        let (from, to): (StageFile, StageFile) = (file(from), file(to));
        let call = sent(async |control| {
            let updated = control.update_stage(api().part(&stage()), &from, &to).await;
            updated.unwrap();
        });
        let line = "PATCH /v2/apis/a1/stages/prod".to_owned();
        assert_eq!(call.await, (line, body));
    }
}

#[tokio::test]
async fn what_is_created_has_what_the_file_says_and_nothing_else() {
    let bare: ApiFile = file(json!({ "name": "chat", "routeSelectionExpression": "x" }));
    let call = sent(async |control| drop(control.create_api(&bare).await.unwrap()));
    let body =
        json!({ "name": "chat", "protocolType": "WEBSOCKET", "routeSelectionExpression": "x" });
    assert_eq!(call.await, ("POST /v2/apis".to_owned(), body));

    let route: RouteFile = file(json!({ "integration": "send" }));
    let ends = ends(Some("i1"), None);
    let call = sent(async |control| {
        drop(
            control
                .create_route(&api(), "send", &route, &ends)
                .await
                .unwrap(),
        );
    });
    let body = json!({ "routeKey": "send", "target": "integrations/i1" });
    assert_eq!(call.await, ("POST /v2/apis/a1/routes".to_owned(), body));

    let idle: StageFile = file(json!({ "stageVariables": { "a": "1" } }));
    let call = sent(async |control| {
        let created = control.create_idle_stage(&api(), &stage(), &idle).await;
        created.unwrap();
    });
    let body = json!({ "stageName": "prod", "stageVariables": { "a": "1" } });
    assert_eq!(call.await, ("POST /v2/apis/a1/stages".to_owned(), body));
}

#[tokio::test]
async fn what_is_taken_away_by_a_call_of_its_own_is_named_in_its_path() {
    let route = RouteId::parse("r1").unwrap();
    let name = "route.request.querystring.a b";
    let call = sent(async |control| {
        let deleted = control
            .delete_route_request_parameter(api().part(&route), name)
            .await;
        deleted.unwrap();
    });
    let line = "DELETE /v2/apis/a1/routes/r1/requestparameters/route.request.querystring.a%20b";
    assert_eq!(call.await, (line.to_owned(), Value::Null));
    let call = sent(async |control| {
        let deleted = control
            .delete_route_settings(api().part(&stage()), "$connect")
            .await;
        deleted.unwrap();
    });
    let line = "DELETE /v2/apis/a1/stages/prod/routesettings/%24connect";
    assert_eq!(call.await, (line.to_owned(), Value::Null));
    let call = sent(async |control| {
        let deleted = control.delete_access_log_settings(&api(), &stage()).await;
        deleted.unwrap();
    });
    let line = "DELETE /v2/apis/a1/stages/prod/accesslogsettings";
    assert_eq!(call.await, (line.to_owned(), Value::Null));
}

fn texts(entries: &[(&str, &str)]) -> Texts {
    let entries = entries.iter();
    entries
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect::<BTreeMap<_, _>>()
}

#[test]
fn a_merged_map_is_sent_as_its_differences() {
    let from = texts(&[("same", "1"), ("other", "2"), ("gone", "3")]);
    let to = texts(&[("same", "1"), ("other", "4"), ("new", "5")]);
    let sent = merged(&from, &to).unwrap();
    let sent: Texts = sent.into_iter().collect();
    assert_eq!(sent, texts(&[("gone", ""), ("new", "5"), ("other", "4")]));
    assert_eq!(merged(&to, &to), None);
}

#[test]
fn a_replaced_map_is_sent_whole_even_when_nothing_is_left() {
    let from = texts(&[("a", "1")]);
    assert_eq!(whole(&from, &Texts::new()), Some(HashMap::new()));
    assert_eq!(whole(&from, &from), None);
}

#[test]
fn what_is_gone_is_set_to_the_usual_value() {
    let (some, other) = ("a".to_owned(), "b".to_owned());
    assert_eq!(changed(Some(&some), Some(&some), ""), None);
    assert_eq!(changed(Some(&some), Some(&other), ""), Some("b".into()));
    assert_eq!(changed(Some(&some), None, "usual"), Some("usual".into()));
}
