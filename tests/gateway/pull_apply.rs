//! Definitions as files over the real SDK: what one gateway pulls, another takes, and nothing is lost on the way.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stagewire::{
    aws::{Control, Tuning},
    gateway::{Options, Seed},
    model::{
        ApiId, IntegrationId, Target,
        file::{self, ApiFile},
        target::LocalTarget,
    },
    ops::{
        Journal,
        apply::{self, Applied, ApplyFailure, ApplyPlan, ApplyRequest, Extras, Progress},
        find, pull,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ops,
    support::{connect, gateway::Gateway},
};

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

pub(crate) fn normalized(text: &str) -> ApiFile {
    read(text).normalized().unwrap().api
}

pub(crate) async fn control(gateway: &Gateway) -> Control {
    control_at(gateway.address()).await
}

async fn control_at(address: SocketAddr) -> Control {
    connect(&target_at(address)).await
}

fn target_at(address: SocketAddr) -> Target {
    Target::Local(LocalTarget {
        address,
        region: "us-east-1".into(),
    })
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

pub(crate) async fn pulled(control: &Control, api: &str) -> String {
    let pulled = pull::pull(control, api).await.unwrap();
    assert_eq!(pulled.warnings, [""; 0]);
    file::render(&pulled.file)
}

async fn fingerprint(control: &Control, api: &str) -> String {
    let api = find::find_api(control, api).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path().join("journal"));
    let read = ops::read_api(control, &journal, &api.id).await;
    ops::draft(&read).fingerprint().to_string()
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
        let known = names.iter().find(|(name, _)| name == old);
        known.map_or(old, |(_, new)| new).clone()
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
    assert_eq!(read(&first).normalized().unwrap().api, normalized(FULL));
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
        let expected = named_by_routes(normalized(text));
        assert_eq!(normalized(&pulled(&control, api).await), expected);
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

fn request(text: &str, extras: Extras) -> ApplyRequest {
    ApplyRequest {
        file: read(text),
        api: None,
        extras,
    }
}

pub(crate) async fn planned(control: &Control, text: &str, extras: Extras) -> ApplyPlan {
    let plan = apply::plan(control, &request(text, extras)).await;
    plan.unwrap()
}

pub(crate) async fn run(control: &Control, plan: &ApplyPlan) -> Result<Applied, Box<ApplyFailure>> {
    apply::run(control, plan, &CancellationToken::new(), |_| {}).await
}

/// Applies, and checks that the target is as the file says and that nothing is left to do.
pub(crate) async fn applied(control: &Control, text: &str, extras: Extras) {
    let plan = planned(control, text, extras).await;
    let applied = run(control, &plan).await.unwrap();
    assert_eq!(applied.remaining, []);
    let again = planned(control, text, extras).await;
    assert!(again.is_empty(), "{:?} {:?}", again.steps(), again.changes);
    assert_eq!(again.changes, []);
}

fn lines(plan: &ApplyPlan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_one_gateway_pulls_is_applied_to_another() {
    let one = gateway_with(FULL).await;
    let one = control(&one).await;
    let text = pulled(&one, "full").await;
    let other = Gateway::start().await;
    let other = control(&other).await;
    applied(&other, &text, Extras::LeftAlone).await;
    assert_eq!(pulled(&other, "full").await, text);
    assert_eq!(
        fingerprint(&other, "full").await,
        fingerprint(&one, "full").await
    );
}

#[tokio::test]
async fn a_new_api_is_created_call_by_call_in_an_order_that_is_accepted() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let plan = planned(&control, FULL, Extras::LeftAlone).await;
    assert_eq!(plan.api, None);
    assert_eq!(
        plan.steps(),
        [
            "create-api",
            "create-model Message",
            "create-authorizer who",
            "create-integration connect",
            "create-integration default",
            "create-integration-response $default of default",
            "create-integration-response /4\\d\\d/ of default",
            "create-integration send",
            "create-integration unused-1",
            "create-route $connect",
            "create-route $default",
            "create-route-response $default of $default",
            "create-route join",
            "create-route send",
            "create-route-response $default of send",
            "create-stage idle",
            "create-stage prod",
        ]
    );
}

#[tokio::test]
async fn a_plan_is_told_as_the_commands_that_do_the_same_and_carries_nothing_out() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    let before = pulled(&control, "full").await;
    let changed = FULL
        .replace("\"description\": \"all there is\",", "\"version\": \"v3\",")
        .replace("\"version\": \"v2\",", "")
        .replace("\"team\": \"chat\"", "\"team\": \"it's\"")
        .replace(
            "\"join\": { \"integration\": \"default\" }",
            "\"leave\": { \"integration\": \"new\", \"twoWay\": true }",
        )
        .replace("\"unused-1\": {", "\"new\": { \"description\": \"new\",")
        .replace(", \"room\": \"lobby\"", "")
        .replace("\"throttlingBurstLimit\": 20, ", "");
    let plan = planned(&control, &changed, Extras::Pruned).await;
    let commands = apply::commands(&control, &plan).await.unwrap();
    let api = plan.api.clone().unwrap();
    let at = format!(
        "--endpoint-url http://{} --region us-east-1",
        gateway.address()
    );
    let told: Vec<String> = commands
        .iter()
        .map(|command| {
            let command = command.strip_prefix("aws apigatewayv2 ").unwrap();
            command
                .replace(&format!(" {at}"), "")
                .replace(api.as_str(), "API")
        })
        .collect();
    let journal = Journal::new("/nowhere".into());
    let read = ops::read_api(&control, &journal, &api).await;
    let join = read
        .routes
        .iter()
        .find(|route| route.key == "join")
        .unwrap();
    let is_unused = |id: &IntegrationId| {
        let mut routes = read.routes.iter();
        !routes.any(|route| route.integration_id().as_ref() == Some(id))
    };
    let mut ids = read.integrations.iter().map(|integration| &integration.id);
    let unused = ids.find(|id| is_unused(id)).unwrap();
    assert_eq!(
        told,
        [
            "update-api --api-id API --description '' --api-version v3".to_owned(),
            "tag-resource --resource-arn arn:aws:apigateway:us-east-1::/apis/API --tags '{\"team\":\"it'\\''s\"}'".to_owned(),
            "create-integration --api-id API --description new --integration-type MOCK".to_owned(),
            "create-route --api-id API --route-key leave --route-response-selection-expression '$default' \
             --target 'integrations/<new integration new>'".to_owned(),
            "create-route-response --api-id API --route-id '<new route leave>' --route-response-key '$default'".to_owned(),
            "update-stage --api-id API --stage-name prod --default-route-settings '{\"ThrottlingBurstLimit\":5000}' \
             --stage-variables '{\"room\":\"\"}'".to_owned(),
            format!("delete-route --api-id API --route-id {}", join.id),
            format!("delete-integration --api-id API --integration-id {unused}"),
        ]
    );
    assert_eq!(pulled(&control, "full").await, before);
}

/// Passes bytes on to the gateway, and counts the calls that may change something.
async fn counting_writes(gateway: &Gateway) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, upstream) = (listener.local_addr().unwrap(), gateway.address());
    let n_writes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_writes);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, upstream, Arc::clone(&counter)));
        }
    });
    (address, n_writes)
}

async fn pass_on(client: TcpStream, upstream: SocketAddr, n_writes: Arc<AtomicUsize>) {
    let server = TcpStream::connect(upstream).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::io::copy(&mut from_server, &mut to_client);
    let forth = async {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(n_bytes @ 1..) = from_client.read(&mut bytes).await {
            let methods = ["POST /v2/", "PATCH /v2/", "DELETE /v2/", "PUT /v2/"];
            let writes = |method: &&str| bytes.starts_with(method.as_bytes());
            n_writes.fetch_add(
                methods.iter().filter(|it| writes(it)).count(),
                Ordering::SeqCst,
            );
            if to_server.write_all(&bytes[..n_bytes]).await.is_err() {
                break;
            }
        }
    };
    let _ended = tokio::join!(back, forth);
}

#[tokio::test]
async fn applied_again_a_file_makes_no_call_that_writes() {
    let gateway = Gateway::start().await;
    let (address, n_writes) = counting_writes(&gateway).await;
    // The address of the control plane is part of what it answers, not of what is compared.
    let control = control_at(address).await;
    let plan = planned(&control, FULL, Extras::LeftAlone).await;
    assert_eq!(n_writes.load(Ordering::SeqCst), 0);
    run(&control, &plan).await.unwrap();
    assert_eq!(n_writes.load(Ordering::SeqCst), plan.steps().len());
    let again = planned(&control, FULL, Extras::Pruned).await;
    run(&control, &again).await.unwrap();
    assert_eq!(n_writes.load(Ordering::SeqCst), plan.steps().len());
}

/// A change of the full file, and the lines that tell it.
struct Case {
    change: fn(&mut Value),
    told: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        change: |file| {
            file["description"] = json!("");
            file["version"] = json!("v3");
            file["disableExecuteApiEndpoint"] = json!(false);
            file["apiKeySelectionExpression"] = json!("$request.header.x-api-key");
            file["ipAddressType"] = json!("ipv4");
            file["tags"] = json!({ "owner": "us" });
            file["disableSchemaValidation"] = json!(false);
        },
        told: &[
            "~ API · apiKeySelectionExpression $context.authorizer.usageIdentifierKey removed, description all there \
               is removed, disableExecuteApiEndpoint true removed, disableSchemaValidation true removed, ipAddressType \
               dualstack removed, tags.owner us, tags.team chat removed, version v2 → v3",
        ],
    },
    Case {
        change: |file| {
            file["models"]["Message"] = json!({ "schema": "{}" });
            file["models"]["Other"] = json!({ "schema": "{}" });
        },
        told: &[
            "~ model Message · contentType application/json removed, description what is sent removed, schema \
                 {\n  \"type\": \"object\"\n} → {}",
            "+ model Other · schema {}",
        ],
    },
    Case {
        change: |file| {
            file["authorizers"]["who"]["identitySource"] = json!(["route.request.header.Auth"]);
        },
        told: &[
            "~ authorizer who · identitySource route.request.header.Auth, route.request.querystring.token → \
               route.request.header.Auth",
        ],
    },
    Case {
        change: |file| {
            let send = &mut file["integrations"]["send"];
            for gone in [
                "description",
                "timeoutInMillis",
                "passthroughBehavior",
                "requestTemplates",
            ] {
                send.as_object_mut().unwrap().remove(gone);
            }
            send["requestParameters"] =
                json!({ "integration.request.header.id": "context.connectionId" });
        },
        told: &[
            "~ integration send · description the backend removed, passthroughBehavior NEVER removed, \
               requestParameters.integration.request.header.id context.connectionId, \
               requestParameters.integration.request.header.stage context.stage removed, requestTemplates.$default \
               $input.body removed, timeoutInMillis 5000 removed",
        ],
    },
    Case {
        change: |file| {
            file["integrations"]["default"]["responses"] = json!({
                "$default": { "responseTemplates": { "200": "bye" } },
                "/5\\d\\d/": {},
            });
        },
        told: &[
            "~ integration default · responses.$default.responseTemplates.200 hello → bye, \
               responses.$default.templateSelectionExpression 200 removed, \
               responses./4\\d\\d/.contentHandlingStrategy CONVERT_TO_TEXT removed, responses./5\\d\\d/ {}",
        ],
    },
    Case {
        change: |file| {
            file["routes"]["$connect"] = json!({
                "integration": "connect",
                "requestParameters": { "route.request.querystring.name": false },
            });
            file["routes"]["join"] = json!({ "integration": "send", "twoWay": true });
            file["routes"]["$default"] = json!({ "integration": "default" });
            file["routes"]["send"]["responses"] = json!({});
            file["routes"]["send"]["requestModels"] = json!({});
        },
        told: &[
            "~ route $connect · apiKeyRequired true removed, authorizationType CUSTOM removed, authorizer who \
                 removed, operationName enter removed, requestParameters.route.request.querystring.name false, \
                 requestParameters.route.request.querystring.room true removed",
            "~ route $default · twoWay true removed",
            "~ route join · integration default → send, twoWay true",
            "~ route send · requestModels.send Message removed, responses.$default.responseModels.$default Message \
                 removed",
        ],
    },
    Case {
        change: |file| {
            file["stages"]["prod"] = json!({
                "description": "what nobody uses",
                "stageVariables": { "colour": "blue" },
                "defaultRouteSettings": { "loggingLevel": "OFF", "throttlingRateLimit": 7.0 },
                "routeSettings": { "send": { "throttlingBurstLimit": 1 }, "join": { "throttlingBurstLimit": 2 } },
                "tags": {},
            });
            file["stages"]["idle"] = json!({ "stageVariables": { "a": "1" } });
            file["stages"]["new"] = json!({ "tags": { "a": "b" } });
        },
        told: &[
            "~ stage idle · stageVariables.a 1",
            "+ stage new · tags.a b",
            "~ stage prod · accessLogSettings.destinationArn \
                 arn:aws:logs:us-east-1:000000000000:log-group:chat removed, accessLogSettings.format \
                 $context.requestId $context.routeKey removed, defaultRouteSettings.detailedMetricsEnabled true \
                 removed, defaultRouteSettings.throttlingBurstLimit 20 removed, \
                 defaultRouteSettings.throttlingRateLimit 2.5 → 7.0, description what everybody uses → what nobody \
                 uses, routeSettings.join.throttlingBurstLimit 2, routeSettings.send.throttlingBurstLimit 0 → 1, \
                 routeSettings.send.throttlingRateLimit 0.0 removed, stageVariables.colour red → blue, \
                 stageVariables.room lobby removed, tags.stage prod removed",
        ],
    },
];

#[tokio::test]
async fn every_kind_of_change_is_told_and_made_and_taken_back() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    for Case { change, told } in CASES {
        let mut file: Value = serde_json::from_str(FULL).unwrap();
        change(&mut file);
        let text = file.to_string();
        let plan = planned(&control, &text, Extras::Pruned).await;
        assert_eq!(lines(&plan), *told);
        applied(&control, &text, Extras::Pruned).await;
        let api = normalized(&pulled(&control, "full").await);
        assert_eq!(named_by_routes(api), named_by_routes(normalized(&text)));
        applied(&control, FULL, Extras::Pruned).await;
        assert_eq!(
            normalized(&pulled(&control, "full").await),
            normalized(FULL)
        );
    }
}

/// The full file without some of its parts.
fn smaller() -> String {
    let mut file: Value = serde_json::from_str(FULL).unwrap();
    file["routes"] = json!({ "$default": file["routes"]["$default"] });
    file["integrations"] = json!({ "default": file["integrations"]["default"] });
    for gone in ["authorizers", "models", "stages"] {
        file.as_object_mut().unwrap().remove(gone);
    }
    file.to_string()
}

#[tokio::test]
async fn what_the_file_does_not_have_is_left_alone_or_pruned() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    let text = smaller();
    let plan = planned(&control, &text, Extras::LeftAlone).await;
    assert!(plan.is_empty(), "{:?}", plan.steps());
    let left_alone: Vec<String> = plan.left_alone.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_alone,
        [
            "model Message",
            "authorizer who",
            "integration connect",
            "integration send",
            "integration unused-1",
            "route $connect",
            "route join",
            "route send",
            "stage idle",
            "stage prod",
        ]
    );
    let plan = planned(&control, &text, Extras::Pruned).await;
    assert_eq!(
        plan.steps(),
        [
            "delete-route $connect",
            "delete-route join",
            "delete-route send",
            "delete-integration connect",
            "delete-integration send",
            "delete-integration unused-1",
            "delete-authorizer who",
            "delete-model Message",
            "delete-stage idle",
            "delete-stage prod",
        ]
    );
    applied(&control, &text, Extras::Pruned).await;
    assert_eq!(
        normalized(&pulled(&control, "full").await),
        normalized(&text)
    );
}

#[tokio::test]
async fn a_change_that_a_route_outside_the_file_feels_is_told() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    let mut file: Value = serde_json::from_str(FULL).unwrap();
    file["routes"].as_object_mut().unwrap().remove("join");
    file["integrations"]["default"]["timeoutInMillis"] = json!(1000);
    let plan = planned(&control, &file.to_string(), Extras::LeftAlone).await;
    assert_eq!(
        plan.notes,
        ["route join is left alone and changes with the integration default that it shares"]
    );
}

async fn strike(gateway: &Gateway, fault: Value) {
    gateway.control("POST", "/_stagewire/faults", fault).await;
}

#[tokio::test]
async fn what_fails_half_way_says_how_far_it_came_and_goes_on_from_there() {
    for fault in [
        json!({ "operation": "CreateRoute", "status": 500 }),
        json!({ "operation": "CreateRoute", "status": 400 }),
        json!({ "operation": "CreateRoute", "drop": "answer" }),
        json!({ "operation": "CreateIntegration", "drop": "answer" }),
        json!({ "operation": "CreateIntegrationResponse", "drop": "request" }),
        json!({ "operation": "CreateRouteResponse", "drop": "answer" }),
        json!({ "operation": "CreateAuthorizer", "drop": "answer" }),
        json!({ "operation": "CreateModel", "drop": "answer" }),
        json!({ "operation": "CreateStage", "drop": "answer" }),
        json!({ "operation": "CreateApi", "drop": "answer" }),
    ] {
        let gateway = Gateway::start().await;
        let control = control(&gateway).await;
        strike(&gateway, fault.clone()).await;
        let plan = planned(&control, FULL, Extras::LeftAlone).await;
        let failed = run(&control, &plan).await.unwrap_err();
        let is_known = fault["status"] == 400;
        assert_eq!(failed.unknown.is_none(), is_known, "{fault}: {failed:?}");
        let mut all = failed.done.clone();
        all.extend(failed.unknown.clone());
        all.extend(failed.not_done.clone());
        assert_eq!(all, plan.steps(), "{fault}");
        applied(&control, FULL, Extras::LeftAlone).await;
        assert_eq!(
            normalized(&pulled(&control, "full").await),
            normalized(FULL),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_throttled_call_is_made_again() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let throttled =
        json!({ "operation": "CreateRoute", "status": 429, "error": "TooManyRequestsException" });
    strike(&gateway, throttled).await;
    applied(&control, FULL, Extras::LeftAlone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shows_late_on_aws_is_read_again_for_a_while() {
    let routed_by = |member: &str| {
        format!(r#"{{ "name": "late", "routeSelectionExpression": "$request.body.{member}" }}"#)
    };
    let gateway = Gateway::start().await;
    let other = control(&gateway).await;
    // How it is shown when it is first read back, and from which reading on it is as it was applied.
    let n_read_again = async |settles: bool, shows_from: usize| {
        let tuning = Tuning {
            settles: Some(settles),
            first_backoff: Duration::from_millis(1),
            ..Tuning::default()
        };
        let target = target_at(gateway.address());
        let control = Control::connect_tuned(&target, &tuning).await.unwrap();
        let wanted = routed_by("wanted");
        let plan = planned(&control, &wanted, Extras::LeftAlone).await;
        let n_again = AtomicUsize::new(0);
        let shows = |member| {
            let text = routed_by(member);
            tokio::task::block_in_place(|| {
                Handle::current().block_on(applied(&other, &text, Extras::LeftAlone));
            });
        };
        let stop = CancellationToken::new();
        let applied = apply::run(&control, &plan, &stop, |progress| match progress {
            Progress::Call { .. } => {}
            Progress::ReadBack => shows("old"),
            Progress::ReadAgain { .. } => {
                if n_again.fetch_add(1, Ordering::Relaxed) + 1 == shows_from {
                    shows("wanted");
                }
            }
        });
        let remaining = applied.await.unwrap().remaining;
        (n_again.into_inner(), remaining.len())
    };
    assert_eq!(n_read_again(true, 2).await, (2, 0));
    assert_eq!(n_read_again(true, usize::MAX).await, (4, 1));
    assert_eq!(n_read_again(false, 2).await, (0, 1));
}

#[tokio::test]
async fn whoever_wants_it_to_end_is_told_what_was_not_done() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let plan = planned(&control, FULL, Extras::LeftAlone).await;
    let stop = CancellationToken::new();
    let failed = apply::run(&control, &plan, &stop, |progress| {
        if matches!(progress, Progress::Call { number: 3, .. }) {
            stop.cancel();
        }
    });
    let failed = failed.await.unwrap_err();
    assert!(failed.was_stopped);
    assert_eq!(failed.done, plan.steps()[..3]);
    assert_eq!(failed.not_done, plan.steps()[3..]);
    assert_eq!(failed.unknown, None);
}

#[tokio::test]
async fn two_apis_of_one_name_are_told_apart_by_id() {
    let gateway = Gateway::start().await;
    let (one, other) = (gateway.api().await, gateway.api().await);
    let control = control(&gateway).await;
    let text = r#"{ "name": "test", "routeSelectionExpression": "$request.body.kind" }"#;
    let failure = apply::plan(&control, &request(text, Extras::LeftAlone)).await;
    let failure = failure.unwrap_err().to_string();
    for word in [&one.id, &other.id, "2 APIs have that name", "--api ID"] {
        assert!(failure.contains(word), "{failure}");
    }
    let by_id = |id: &str| ApplyRequest {
        api: Some(ApiId::parse(id).unwrap()),
        ..request(text, Extras::LeftAlone)
    };
    let plan = apply::plan(&control, &by_id(&other.id)).await.unwrap();
    assert_eq!(plan.steps(), ["update-api"]);
    let failure = apply::plan(&control, &by_id("nosuchapi"))
        .await
        .unwrap_err();
    assert!(
        failure.to_string().contains("has the id nosuchapi"),
        "{failure}"
    );
}

#[tokio::test]
async fn responses_that_had_no_effect_so_far_do_not_stand_in_the_way() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let proxy = api.proxy("http://127.0.0.1:9/").await;
    let route = api.route("r", Some(&proxy)).await;
    let path = format!("routes/{route}/routeresponses");
    api.control("POST", &path, json!({ "routeResponseKey": "$default" }))
        .await;
    let path = format!("integrations/{proxy}/integrationresponses");
    api.control(
        "POST",
        &path,
        json!({ "integrationResponseKey": "$default" }),
    )
    .await;
    let control = control(&gateway).await;
    let text = r#"{
        "name": "test",
        "routeSelectionExpression": "$request.body.action",
        "integrations": { "r": { "integrationType": "MOCK", "responses": { "$default": { "templateSelectionExpression": "1" } } } },
        "routes": { "r": { "integration": "r", "twoWay": true } }
    }"#;
    applied(&control, text, Extras::Pruned).await;
    assert_eq!(
        normalized(&pulled(&control, "test").await),
        normalized(text)
    );
}

#[tokio::test]
async fn routes_that_part_and_meet_keep_their_behaviour() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let text = |integrations: Value, routes: Value| {
        let file = json!({
            "name": "a",
            "routeSelectionExpression": "x",
            "integrations": integrations,
            "routes": routes,
        });
        file.to_string()
    };
    let mock = |ms: u32| json!({ "integrationType": "MOCK", "timeoutInMillis": ms });
    let shared = text(
        json!({ "i": mock(100) }),
        json!({ "a": { "integration": "i" }, "b": { "integration": "i" } }),
    );
    let apart = text(
        json!({ "one": mock(200), "two": mock(100) }),
        json!({ "a": { "integration": "one" }, "b": { "integration": "two" } }),
    );
    let crossed = text(
        json!({ "one": mock(100), "two": mock(200) }),
        json!({ "a": { "integration": "one" }, "b": { "integration": "two" } }),
    );
    for text in [
        &shared, &apart, &crossed, &shared, &crossed, &apart, &shared,
    ] {
        applied(&control, text, Extras::Pruned).await;
        let api = normalized(&pulled(&control, "a").await);
        assert_eq!(api, named_by_routes(normalized(text)));
    }
}

#[tokio::test]
async fn the_demos_files_are_what_the_demo_is() {
    let gateway = Gateway::with(Options::default()).await;
    let control = control(&gateway).await;
    let text = include_str!("../../assets/demo/chat.json");
    let plan = planned(&control, text, Extras::Pruned).await;
    assert!(plan.is_empty(), "{:?}", plan.steps());
    assert_eq!(
        plan.notes,
        ["the file's history comes to its end only; its deployments are for `gateway --seed`"]
    );
}

#[tokio::test]
async fn a_stage_that_deploys_by_itself_and_a_foreign_region_are_told() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let text = |description: &str| {
        let file = json!({
            "name": "a",
            "region": "eu-west-3",
            "description": description,
            "routeSelectionExpression": "x",
            "stages": { "auto": { "autoDeploy": true } },
        });
        file.to_string()
    };
    applied(&control, &text("one"), Extras::LeftAlone).await;
    let plan = planned(&control, &text("two"), Extras::LeftAlone).await;
    assert_eq!(
        plan.notes,
        [
            "the file's region eu-west-3 is for `gateway --seed`; this goes to us-east-1",
            "stage auto deploys by itself: it serves each change as soon as it is made",
        ]
    );
}

#[tokio::test]
async fn an_integration_that_loses_its_route_in_the_file_is_still_the_same() {
    let gateway = gateway_with(FULL).await;
    let control = control(&gateway).await;
    let mut file: Value = serde_json::from_str(FULL).unwrap();
    file["routes"].as_object_mut().unwrap().remove("send");
    file["stages"]["prod"]["routeSettings"] = json!({});
    let text = file.to_string();
    let plan = planned(&control, &text, Extras::LeftAlone).await;
    assert_eq!(plan.steps(), ["delete-route-settings send of prod"]);
    let plan = planned(&control, &text, Extras::Pruned).await;
    assert_eq!(
        plan.steps(),
        ["delete-route-settings send of prod", "delete-route send"]
    );
    applied(&control, &text, Extras::Pruned).await;
}
