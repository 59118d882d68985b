//! The rest of the control plane through the real SDK: what it sends is taken, and what is answered it can read.

use aws_sdk_apigatewayv2::types::{
    AuthorizerType, DomainNameConfiguration, DomainNameStatus, EndpointType,
    MutualTlsAuthenticationInput, ProtocolType, RoutingMode, SecurityPolicy, VpcLinkStatus,
};

use crate::{
    control::{api, check_refused, sdk},
    support::gateway::Gateway,
};

const BAD: &str = "BadRequestException";

#[tokio::test]
async fn authorizers_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";
    let create = || {
        let create = client.create_authorizer().api_id(&api).authorizer_uri(uri);
        create
            .authorizer_type(AuthorizerType::Request)
            .name("guard")
    };
    let made = create().identity_source("route.request.header.Auth").send();
    let id = made.await.unwrap().authorizer_id.unwrap();
    let read = client.get_authorizer().api_id(&api).authorizer_id(&id);
    let read = read.send().await.unwrap();
    assert_eq!(read.authorizer_type(), Some(&AuthorizerType::Request));
    assert_eq!(read.identity_source(), ["route.request.header.Auth"]);
    let change = client.update_authorizer().api_id(&api).authorizer_id(&id);
    let changed = change.identity_validation_expression("^a+$").send().await;
    assert_eq!(
        changed.unwrap().identity_validation_expression(),
        Some("^a+$")
    );
    let listed = client.get_authorizers().api_id(&api).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    let message =
        "Authorizer name must be unique. Authorizer guard already exists in this RestApi.";
    check_refused(create().send().await, 400, BAD, message);
    let delete = || client.delete_authorizer().api_id(&api).authorizer_id(&id);
    delete().send().await.unwrap();
    let message = "Invalid Authorizer identifier specified";
    check_refused(delete().send().await, 404, "NotFoundException", message);
}

#[tokio::test]
async fn models_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let made = client.create_model().api_id(&api).name("m");
    let made = made.schema(r#"{"type":"string"}"#).send().await.unwrap();
    let id = made.model_id.unwrap();
    let read = client.get_model().api_id(&api).model_id(&id).send().await;
    assert_eq!(read.unwrap().name(), Some("m"));
    let template = client.get_model_template().api_id(&api).model_id(&id);
    let template = template.send().await.unwrap().value.unwrap();
    assert_eq!(template, "#set($inputRoot = $input.path('$'))\n\"foo\"\n");
    let change = client.update_model().api_id(&api).model_id(&id);
    let changed = change.description("text").send().await.unwrap();
    assert_eq!(changed.description(), Some("text"));
    let listed = client.get_models().api_id(&api).send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    let delete = client.delete_model().api_id(&api).model_id(&id);
    delete.send().await.unwrap();
}

#[tokio::test]
async fn domain_names_and_mappings_are_made_read_changed_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let stage = client.create_stage().api_id(&api).stage_name("prod");
    stage.send().await.unwrap();
    let configuration = DomainNameConfiguration::builder()
        .certificate_arn("arn:aws:acm:us-east-1:000000000000:certificate/c")
        .endpoint_type(EndpointType::Regional)
        .security_policy(SecurityPolicy::Tls12)
        .build();
    let create = client.create_domain_name().domain_name("*.example.com");
    let made = create.domain_name_configurations(configuration).send();
    let made = made.await.unwrap();
    assert_eq!(made.routing_mode(), Some(&RoutingMode::ApiMappingOnly));
    let status = made.domain_name_configurations()[0].domain_name_status();
    assert_eq!(status, Some(&DomainNameStatus::Available));
    let read = client.get_domain_name().domain_name("*.example.com");
    let read = read.send().await.unwrap();
    assert_eq!(
        read.api_mapping_selection_expression(),
        Some("$request.basepath")
    );
    let arn = read.domain_name_arn().unwrap();
    let tag = client.tag_resource().resource_arn(arn).tags("team", "a");
    tag.send().await.unwrap();
    let listed = client.get_domain_names().send().await.unwrap();
    assert_eq!(listed.items()[0].tags().unwrap()["team"], "a");

    let trust = MutualTlsAuthenticationInput::builder().truststore_uri("s3://bucket/key");
    let change = client.update_domain_name().domain_name("*.example.com");
    let change = change.mutual_tls_authentication(trust.build());
    let changed = change.send().await.unwrap();
    let trust = changed.mutual_tls_authentication().unwrap();
    assert_eq!(trust.truststore_uri(), Some("s3://bucket/key"));

    let create = || {
        let create = client.create_api_mapping().domain_name("*.example.com");
        create.api_id(&api).stage("prod").api_mapping_key("chat")
    };
    let id = create().send().await.unwrap().api_mapping_id.unwrap();
    let message = "ApiMapping key already exists for this domain name";
    check_refused(create().send().await, 409, "ConflictException", message);
    let read = client.get_api_mapping().domain_name("*.example.com");
    let read = read.api_mapping_id(&id).send().await.unwrap();
    assert_eq!(read.stage(), Some("prod"));
    let change = client.update_api_mapping().domain_name("*.example.com");
    let change = change.api_mapping_id(&id).api_id(&api);
    let changed = change.api_mapping_key("talk").send().await.unwrap();
    assert_eq!(changed.api_mapping_key(), Some("talk"));
    let message = format!(
        "Deleting API {api} failed. Please remove all API mappings for the API from your custom domain names."
    );
    let delete = client.delete_api().api_id(&api).send().await;
    check_refused(delete, 400, BAD, &message);
    let delete = client.delete_api_mapping().domain_name("*.example.com");
    delete.api_mapping_id(&id).send().await.unwrap();
    let left = client.get_api_mappings().domain_name("*.example.com");
    assert!(left.send().await.unwrap().items().is_empty());
    let delete = client.delete_domain_name().domain_name("*.example.com");
    delete.send().await.unwrap();
    client.delete_api().api_id(&api).send().await.unwrap();
}

#[tokio::test]
async fn vpc_links_and_http_apis_are_made_read_listed_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let made = client.create_vpc_link().name("link").subnet_ids("subnet-1");
    let id = made.send().await.unwrap().vpc_link_id.unwrap();
    let read = client.get_vpc_link().vpc_link_id(&id).send().await.unwrap();
    assert_eq!(read.vpc_link_status(), Some(&VpcLinkStatus::Available));
    let renamed = client.update_vpc_link().vpc_link_id(&id).name("other");
    assert_eq!(renamed.send().await.unwrap().name(), Some("other"));
    let listed = client.get_vpc_links().send().await.unwrap();
    assert_eq!(listed.items().len(), 1);
    client
        .delete_vpc_link()
        .vpc_link_id(&id)
        .send()
        .await
        .unwrap();

    let made = client.create_api().name("web");
    let made = made.protocol_type(ProtocolType::Http).send().await.unwrap();
    let id = made.api_id().unwrap();
    let listed = client.get_apis().send().await.unwrap();
    assert_eq!(listed.items()[0].protocol_type(), Some(&ProtocolType::Http));
    let message = format!(
        "{id} is an HTTP API. The local gateway lists, tags and deletes HTTP APIs, and serves WEBSOCKET APIs only"
    );
    let route = client.create_route().api_id(id).route_key("GET /").send();
    check_refused(route.await, 400, BAD, &message);
    let reset = client.reset_authorizers_cache().api_id(id);
    let reset = reset.stage_name("x").send().await;
    check_refused(reset, 400, BAD, &message);
    client.delete_api().api_id(id).send().await.unwrap();
}

#[tokio::test]
async fn a_stage_with_auto_deploy_has_followed_once_a_change_is_answered() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let api = api(&client).await;
    let stage = client.create_stage().api_id(&api).stage_name("dev");
    stage.auto_deploy(true).send().await.unwrap();
    let route = client.create_route().api_id(&api).route_key("$default");
    route.send().await.unwrap();
    let read = client.get_stage().api_id(&api).stage_name("dev");
    let stage = read.send().await.unwrap();
    let id = stage.deployment_id.unwrap();
    let message = stage.last_deployment_status_message.unwrap();
    let expected = format!("Successfully deployed stage with deployment ID '{id}'");
    assert_eq!(message, expected);
    let read = client.get_deployment().api_id(&api).deployment_id(id);
    assert_eq!(read.send().await.unwrap().auto_deployed(), Some(true));
}

#[tokio::test]
async fn what_is_for_http_apis_only_is_refused_as_the_sdk_reads_it() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let id = api(&client).await;
    let told = |operation: &str| {
        format!("{operation} is for HTTP APIs; the local gateway serves WEBSOCKET APIs only")
    };
    let import = client.import_api().body("{}").send().await;
    check_refused(import, 400, BAD, &told("ImportApi"));
    let reimport = client.reimport_api().api_id(&id).body("{}").send().await;
    check_refused(reimport, 400, BAD, &told("ReimportApi"));
    let export = client.export_api().api_id(&id).specification("OAS30");
    let export = export.output_type("JSON").send().await;
    check_refused(export, 400, BAD, &told("ExportApi"));
    let cors = client.delete_cors_configuration().api_id(&id).send().await;
    check_refused(cors, 400, BAD, &told("DeleteCorsConfiguration"));
    let reset = client.reset_authorizers_cache().api_id(&id);
    let reset = reset.stage_name("x").send().await;
    check_refused(reset, 400, BAD, &told("ResetAuthorizersCache"));
}

/// The name of an operation as a method of the SDK's client.
fn method(operation: &str) -> String {
    let mut method = String::new();
    for character in operation.chars() {
        if character.is_ascii_uppercase() && !method.is_empty() {
            method.push('_');
        }
        method.push(character.to_ascii_lowercase());
    }
    method
}

#[test]
fn every_operation_of_the_table_is_called_through_the_sdk() {
    let table = include_str!("../../src/gateway/control/router.rs");
    let calls = [
        include_str!("control.rs"),
        include_str!("control_sdk.rs"),
        include_str!("control_tags.rs"),
    ];
    let rows = table.split("row(\"").skip(1);
    let operations: Vec<&str> = rows
        .filter_map(|row| Some(row.split_once('"')?.0))
        .collect();
    assert!(operations.contains(&"GetModelTemplate"), "{operations:?}");
    let is_called = |operation: &&&str| {
        let call = format!(".{}()", method(operation));
        calls.iter().any(|file| file.contains(&call))
    };
    let uncalled: Vec<&&str> = operations.iter().filter(|it| !is_called(it)).collect();
    assert_eq!(uncalled, [&""; 0]);
}
