//! Definitions as files over the real SDK: what one gateway pulls, another takes, and nothing is lost on the way.

use std::fs;

use stagewire::{
    aws::Control,
    gateway::{Options, Seed},
    model::{
        Target,
        file::{self, ApiFile},
        target::LocalTarget,
    },
    ops::{Journal, detail, pull},
};

use crate::support::gateway::Gateway;

/// An API with every part and member that a file can tell.
const FULL: &str = r#"{
  "name": "full",
  "description": "all there is",
  "version": "v2",
  "routeSelectionExpression": "$request.body.action",
  "apiKeySelectionExpression": "$context.authorizer.usageIdentifierKey",
  "disableExecuteApiEndpoint": true,
  "disableSchemaValidation": true,
  "ipAddressType": "dualstack",
  "tags": { "team": "chat" },
  "authorizers": {
    "who": {
      "authorizerType": "REQUEST",
      "authorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:who/invocations",
      "identitySource": ["route.request.header.Auth", "route.request.querystring.token"]
    }
  },
  "models": {
    "Message": { "contentType": "application/json", "description": "what is sent", "schema": "{\n  \"type\": \"object\"\n}" }
  },
  "integrations": {
    "connect": { "integrationType": "HTTP_PROXY", "integrationMethod": "POST", "integrationUri": "http://127.0.0.1:9/connect" },
    "default": {
      "integrationType": "MOCK",
      "requestTemplates": { "200": "{\"statusCode\":200}" },
      "templateSelectionExpression": "200",
      "responses": {
        "$default": { "responseTemplates": { "200": "hello" }, "templateSelectionExpression": "200" },
        "/4\\d\\d/": { "contentHandlingStrategy": "CONVERT_TO_TEXT" }
      }
    },
    "send": {
      "integrationType": "HTTP",
      "integrationMethod": "PUT",
      "integrationUri": "http://127.0.0.1:9/send",
      "contentHandlingStrategy": "CONVERT_TO_TEXT",
      "description": "the backend",
      "passthroughBehavior": "NEVER",
      "requestParameters": { "integration.request.header.stage": "context.stage" },
      "requestTemplates": { "$default": "$input.body" },
      "templateSelectionExpression": "\\$default",
      "timeoutInMillis": 5000
    },
    "unused-1": { "integrationType": "MOCK" }
  },
  "routes": {
    "$connect": {
      "integration": "connect",
      "apiKeyRequired": true,
      "authorizationType": "CUSTOM",
      "authorizer": "who",
      "operationName": "enter",
      "requestParameters": { "route.request.querystring.room": true }
    },
    "$default": { "integration": "default", "twoWay": true },
    "join": { "integration": "default" },
    "send": {
      "integration": "send",
      "twoWay": true,
      "modelSelectionExpression": "$request.body.action",
      "requestModels": { "send": "Message" },
      "responses": { "$default": { "responseModels": { "$default": "Message" } } }
    }
  },
  "stages": {
    "idle": {},
    "prod": {
      "description": "what everybody uses",
      "stageVariables": { "colour": "red", "room": "lobby" },
      "defaultRouteSettings": { "detailedMetricsEnabled": true, "throttlingBurstLimit": 20, "throttlingRateLimit": 2.5 },
      "routeSettings": { "send": { "throttlingBurstLimit": 0, "throttlingRateLimit": 0.0 } },
      "accessLogSettings": {
        "destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:chat",
        "format": "$context.requestId $context.routeKey"
      },
      "tags": { "stage": "prod" }
    }
  }
}
"#;

fn read(text: &str) -> ApiFile {
    file::parse(text).unwrap().remove(0)
}

fn settled(text: &str) -> ApiFile {
    read(text).settled().unwrap().api
}

async fn control(gateway: &Gateway) -> Control {
    let target = Target::Local(LocalTarget {
        address: gateway.address(),
        region: "us-east-1".into(),
    });
    Control::connect(&target).await.unwrap()
}

async fn gateway_with(text: &str) -> Gateway {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seed.json");
    fs::write(&path, text).unwrap();
    Gateway::with(Options {
        seed: Seed::File(path),
        ..Options::default()
    })
    .await
}

async fn pulled(control: &Control, api: &str) -> String {
    let pulled = pull::pull(control, api).await.unwrap();
    assert_eq!(pulled.warnings, [""; 0]);
    file::render(&pulled.file)
}

async fn fingerprint(control: &Control, api: &str) -> String {
    let api = detail::find_api(control, api).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path().join("journal"));
    let read = detail::read_api(control, &journal, &api.id).await.unwrap();
    read.draft.fingerprint().to_string()
}

/// The same with the integrations named after the routes, as whoever pulls names them.
fn named_by_routes(mut file: ApiFile) -> ApiFile {
    let named = file.integrations.clone();
    let mut names: Vec<(String, String)> = Vec::new();
    for (key, route) in &file.routes {
        let name = route.integration.clone().unwrap();
        if !names.iter().any(|(old, _)| *old == name) {
            names.push((name, key.trim_start_matches('$').to_owned()));
        }
    }
    let new_name = |old: &String| {
        names
            .iter()
            .find(|(name, _)| name == old)
            .unwrap()
            .1
            .clone()
    };
    file.integrations = named
        .iter()
        .map(|(name, integration)| (new_name(name), integration.clone()))
        .collect();
    for route in file.routes.values_mut() {
        route.integration = route.integration.as_ref().map(new_name);
    }
    file
}

#[tokio::test]
async fn pulling_twice_gives_the_same_bytes_and_all_that_was_planted() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    let first = pulled(&control, "full").await;
    assert_eq!(pulled(&control, "full").await, first);
    assert_eq!(read(&first).settled().unwrap().api, settled(FULL));
}

#[tokio::test]
async fn what_one_gateway_pulls_another_is_filled_with() {
    let (one, first) = {
        let gateway = gateway_with(FULL).await;
        let control = control(&gateway).await;
        let text = pulled(&control, "full").await;
        (text, fingerprint(&control, "full").await)
    };
    let gateway = gateway_with(&one).await;
    let control = control(&gateway).await;
    assert_eq!(pulled(&control, "full").await, one);
    assert_eq!(fingerprint(&control, "full").await, first);
}

#[tokio::test]
async fn the_demo_is_pulled_as_its_files_stand_in_the_end() {
    let gateway = Gateway::with(Options::default()).await;
    let control = control(&gateway).await;
    for (api, text) in [
        ("chat", include_str!("../../assets/demo/chat.json")),
        ("ticker", include_str!("../../assets/demo/ticker.json")),
    ] {
        let expected = named_by_routes(settled(text));
        assert_eq!(settled(&pulled(&control, api).await), expected);
    }
}

#[tokio::test]
async fn names_of_integrations_depend_on_nothing_that_was_assigned() {
    let mut texts = Vec::new();
    for order in [
        ["b", "a", "$connect", "connect"],
        ["connect", "$connect", "a", "b"],
    ] {
        let gateway = Gateway::start().await;
        let api = gateway.api().await;
        for key in order {
            let uri = format!("http://127.0.0.1:9/{}", key.len());
            let integration = api.proxy(&uri).await;
            api.route(key, Some(&integration)).await;
        }
        api.proxy("http://127.0.0.1:9/nobody").await;
        texts.push(pulled(&control(&gateway).await, "test").await);
    }
    assert_eq!(texts[0], texts[1]);
    let file = read(&texts[0]);
    let names: Vec<&String> = file.integrations.keys().collect();
    assert_eq!(names, ["$connect", "a", "b", "connect", "unused-1"]);
}
