//! The control plane through the real SDK: each operation's success, and its refusals as the SDK reports them.

use aws_sdk_apigatewayv2::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{
        AuthorizationType, ConnectionType, DeploymentStatus, IntegrationType, LoggingLevel,
        ParameterConstraints, PassthroughBehavior, ProtocolType, RouteSettings,
    },
};

use crate::support::gateway::Gateway;

/// The SDK as an application would set it up for a local gateway.
pub(crate) fn sdk(gateway: &Gateway) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(format!("http://{}", gateway.address()))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// An API that routes by `action`; its id.
pub(crate) async fn api(client: &Client) -> String {
    let made = client
        .create_api()
        .name("chat")
        .protocol_type(ProtocolType::Websocket)
        .route_selection_expression("$request.body.action")
        .send()
        .await
        .unwrap();
    made.api_id.unwrap()
}

async fn route(client: &Client, api: &str, key: &str) -> String {
    let made = client.create_route().api_id(api).route_key(key).send();
    made.await.unwrap().route_id.unwrap()
}

async fn deployment(client: &Client, api: &str) -> String {
    let made = client.create_deployment().api_id(api).send();
    made.await.unwrap().deployment_id.unwrap()
}

async fn mock(client: &Client, api: &str) -> String {
    let made = client
        .create_integration()
        .api_id(api)
        .integration_type(IntegrationType::Mock)
        .send();
    made.await.unwrap().integration_id.unwrap()
}

/// Holds a refusal to its status, type and text as the SDK reads them.
#[track_caller]
pub(crate) fn check_refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    outcome: Result<T, SdkError<E>>,
    status: u16,
    code: &str,
    message: &str,
) {
    let error = outcome.unwrap_err();
    let answered = error.raw_response().unwrap().status().as_u16();
    assert_eq!(answered, status, "{error:?}");
    assert_eq!(error.code(), Some(code));
    assert_eq!(error.message(), Some(message));
}

#[tokio::test]
async fn apis_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let id = api(&client).await;
    let read = client.get_api().api_id(&id).send().await.unwrap();
    assert_eq!(read.name(), Some("chat"));
    assert_eq!(read.protocol_type(), Some(&ProtocolType::Websocket));
    let endpoint = format!("ws://{}/{id}", gateway.address());
    assert_eq!(read.api_endpoint(), Some(endpoint.as_str()));
    assert!(read.created_date().is_some());

    let changed = client.update_api().api_id(&id).description("talk");
    let changed = changed.send().await.unwrap();
    assert_eq!(changed.description(), Some("talk"));
    let listed = client.get_apis().send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    client.delete_api().api_id(&id).send().await.unwrap();
    let message = format!("Invalid API identifier specified 000000000000:{id}");
    let outcome = client.get_api().api_id(&id).send().await;
    check_refused(outcome, 404, "NotFoundException", &message);
    let outcome = client.delete_api().api_id(&id).send().await;
    check_refused(outcome, 404, "NotFoundException", &message);
}

#[tokio::test]
async fn routes_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let required = ParameterConstraints::builder().required(true).build();
    let made = client
        .create_route()
        .api_id(&api)
        .route_key("$connect")
        .authorization_type(AuthorizationType::AwsIam)
        .request_parameters("route.request.querystring.name", required)
        .send()
        .await
        .unwrap();
    let id = made.route_id().unwrap();
    let read = client.get_route().api_id(&api).route_id(id).send().await;
    let read = read.unwrap();
    assert_eq!(read.route_key(), Some("$connect"));
    assert_eq!(read.authorization_type(), Some(&AuthorizationType::AwsIam));
    assert_eq!(read.request_parameters().unwrap().len(), 1);

    let integration = mock(&client, &api).await;
    let target = format!("integrations/{integration}");
    let change = client.update_route().api_id(&api).route_id(id);
    let changed = change.target(&target).send().await.unwrap();
    assert_eq!(changed.target(), Some(target.as_str()));
    let listed = client.get_routes().api_id(&api).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);

    let parameter = client.delete_route_request_parameter().api_id(&api);
    let parameter = parameter.route_id(id);
    let parameter = parameter.request_parameter_key("route.request.querystring.name");
    parameter.send().await.unwrap();
    let removal = client.delete_route().api_id(&api).route_id(id);
    removal.send().await.unwrap();
    let outcome = client.get_route().api_id(&api).route_id(id).send().await;
    let message = "Invalid route identifier specified";
    check_refused(outcome, 404, "NotFoundException", message);
    let again = client.create_route().api_id(&api).route_key("$other");
    let message = "The provided route key is not formatted properly";
    check_refused(again.send().await, 400, "BadRequestException", message);
}

#[tokio::test]
async fn integrations_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let made = client
        .create_integration()
        .api_id(&api)
        .integration_type(IntegrationType::HttpProxy)
        .integration_method("POST")
        .integration_uri("http://127.0.0.1:1/")
        .request_parameters("integration.request.header.stage", "context.stage")
        .send()
        .await
        .unwrap();
    assert_eq!(made.connection_type(), Some(&ConnectionType::Internet));
    let passthrough = Some(&PassthroughBehavior::WhenNoMatch);
    assert_eq!(made.passthrough_behavior(), passthrough);
    assert_eq!(made.timeout_in_millis(), Some(29_000));
    let id = made.integration_id().unwrap();
    let change = client.update_integration().api_id(&api).integration_id(id);
    let changed = change.timeout_in_millis(5000).send().await.unwrap();
    assert_eq!(changed.timeout_in_millis(), Some(5000));
    let read = client.get_integration().api_id(&api).integration_id(id);
    let read = read.send().await.unwrap();
    assert_eq!(read.timeout_in_millis(), Some(5000));
    assert_eq!(read.request_parameters().unwrap().len(), 1);
    let listed = client.get_integrations().api_id(&api).send().await;
    assert_eq!(listed.unwrap().items().len(), 1);

    let user = client.create_route().api_id(&api).route_key("a");
    let user = user.target(format!("integrations/{id}")).send().await;
    let route = user.unwrap().route_id.unwrap();
    let removal = || client.delete_integration().api_id(&api).integration_id(id);
    let message = format!(
        "Cannot delete Integration because it is referenced by the following Routes with Ids: [{route}]"
    );
    check_refused(removal().send().await, 409, "ConflictException", &message);
    let free = client.delete_route().api_id(&api).route_id(&route);
    free.send().await.unwrap();
    removal().send().await.unwrap();
    let message = "Invalid Integration identifier specified";
    check_refused(removal().send().await, 404, "NotFoundException", message);
}

#[tokio::test]
async fn responses_of_routes_and_integrations_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let route = route(&client, &api, "a").await;
    let made = client.create_route_response().api_id(&api).route_id(&route);
    let made = made.route_response_key("$default").send().await.unwrap();
    let id = made.route_response_id().unwrap();
    let model = client.create_model().api_id(&api).name("b").schema("{}");
    model.send().await.unwrap();
    let change = client.update_route_response().api_id(&api).route_id(&route);
    let change = change.route_response_id(id).response_models("a", "b");
    assert_eq!(
        change.send().await.unwrap().response_models().unwrap()["a"],
        "b"
    );
    let read = client.get_route_response().api_id(&api).route_id(&route);
    let read = read.route_response_id(id).send().await.unwrap();
    assert_eq!(read.route_response_key(), Some("$default"));
    let listed = client.get_route_responses().api_id(&api).route_id(&route);
    assert_eq!(listed.send().await.unwrap().items().len(), 1);
    let removal = || {
        let removal = client.delete_route_response().api_id(&api);
        removal.route_id(&route).route_response_id(id)
    };
    removal().send().await.unwrap();
    let message = "Invalid RouteResponse identifier specified";
    check_refused(removal().send().await, 404, "NotFoundException", message);

    let integration = mock(&client, &api).await;
    let made = client.create_integration_response().api_id(&api);
    let made = made.integration_id(&integration);
    let made = made.integration_response_key("$default");
    let made = made.response_templates("200", "ok").send().await.unwrap();
    let id = made.integration_response_id().unwrap();
    let change = client.update_integration_response().api_id(&api);
    let change = change.integration_id(&integration);
    let change = change.integration_response_id(id);
    let change = change.template_selection_expression("200");
    change.send().await.unwrap();
    let read = client.get_integration_response().api_id(&api);
    let read = read
        .integration_id(&integration)
        .integration_response_id(id);
    let read = read.send().await.unwrap();
    assert_eq!(read.template_selection_expression(), Some("200"));
    assert_eq!(read.response_templates().unwrap()["200"], "ok");
    let listed = client.get_integration_responses().api_id(&api);
    let listed = listed.integration_id(&integration).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    let removal = || {
        let removal = client.delete_integration_response().api_id(&api);
        removal
            .integration_id(&integration)
            .integration_response_id(id)
    };
    removal().send().await.unwrap();
    let message = "Invalid IntegrationResponse identifier specified";
    check_refused(removal().send().await, 404, "NotFoundException", message);
}

#[tokio::test]
async fn deployments_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let outcome = client.create_deployment().api_id(&api).send().await;
    let message = "At least one route is required before deploying the Api.";
    check_refused(outcome, 400, "BadRequestException", message);
    route(&client, &api, "a").await;
    let id = deployment(&client, &api).await;
    let change = client.update_deployment().api_id(&api).deployment_id(&id);
    change.description("first").send().await.unwrap();
    let read = client.get_deployment().api_id(&api).deployment_id(&id);
    let read = read.send().await.unwrap();
    assert_eq!(read.description(), Some("first"));
    assert_eq!(read.deployment_status(), Some(&DeploymentStatus::Deployed));
    let listed = client.get_deployments().api_id(&api).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);

    let stage = client.create_stage().api_id(&api).stage_name("prod");
    stage.deployment_id(&id).send().await.unwrap();
    let removal = || client.delete_deployment().api_id(&api).deployment_id(&id);
    let message = "Active stages pointing to this deployment must be moved or deleted";
    check_refused(removal().send().await, 400, "BadRequestException", message);
    let moved = client.create_deployment().api_id(&api).stage_name("prod");
    let moved = moved.send().await.unwrap();
    removal().send().await.unwrap();
    let message = "Invalid Deployment identifier specified";
    check_refused(removal().send().await, 404, "NotFoundException", message);
    let stage = client.get_stage().api_id(&api).stage_name("prod");
    let stage = stage.send().await.unwrap();
    assert_eq!(stage.deployment_id(), moved.deployment_id());
}

#[tokio::test]
async fn stages_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    route(&client, &api, "$default").await;
    let id = deployment(&client, &api).await;
    let made = client.create_stage().api_id(&api).stage_name("test");
    let made = made.stage_variables("colour", "red").tags("team", "a");
    let made = made.deployment_id(&id).send().await.unwrap();
    let settings = made.default_route_settings().unwrap();
    assert_eq!(settings.logging_level(), Some(&LoggingLevel::Off));
    assert_eq!(settings.throttling_burst_limit(), Some(5000));
    assert_eq!(settings.throttling_rate_limit(), Some(10_000.0));
    assert_eq!(made.tags().unwrap()["team"], "a");

    let limit = RouteSettings::builder().throttling_burst_limit(7).build();
    let change = client.update_stage().api_id(&api).stage_name("test");
    let change = change.route_settings("$default", limit);
    let changed = change.stage_variables("colour", "").send().await.unwrap();
    assert!(changed.stage_variables().unwrap().is_empty());
    let limits = changed.route_settings().unwrap();
    assert_eq!(limits["$default"].throttling_burst_limit(), Some(7));
    let removal = client.delete_route_settings().api_id(&api);
    let removal = removal.stage_name("test").route_key("$default");
    removal.send().await.unwrap();
    let removal = client.delete_access_log_settings().api_id(&api);
    removal.stage_name("test").send().await.unwrap();

    let listed = client.get_stages().api_id(&api).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    let again = client.create_stage().api_id(&api).stage_name("test");
    let message = "Stage already exists";
    check_refused(again.send().await, 409, "ConflictException", message);
    let removal = || client.delete_stage().api_id(&api).stage_name("test");
    removal().send().await.unwrap();
    let message = "Invalid stage identifier specified";
    check_refused(removal().send().await, 404, "NotFoundException", message);
}

#[tokio::test]
async fn the_eleventh_stage_is_a_conflict_with_429() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    for n in 0..10 {
        let stage = client.create_stage().api_id(&api);
        stage.stage_name(format!("s{n}")).send().await.unwrap();
    }
    let eleventh = client.create_stage().api_id(&api).stage_name("s10");
    let message = "Maximum number of Stages for this API has been reached.  Please contact AWS if you need additional Stages.";
    check_refused(eleventh.send().await, 429, "ConflictException", message);
}

#[tokio::test]
async fn the_sdks_paginators_read_every_page() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    for n in 0..30 {
        route(&client, &api, &format!("r{n}")).await;
    }
    let first = client.get_routes().api_id(&api).send().await.unwrap();
    assert_eq!(first.items().len(), 25);
    let mut keys = Vec::new();
    let mut token = None;
    loop {
        let page = client.get_routes().api_id(&api).max_results("7");
        let page = page.set_next_token(token).send().await.unwrap();
        assert!(page.items().len() <= 7);
        keys.extend(page.items().iter().map(|route| route.route_key.clone()));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 30);
    let bad = client.get_routes().api_id(&api).max_results("none");
    assert_eq!(
        bad.send().await.unwrap_err().code(),
        Some("BadRequestException")
    );
}
