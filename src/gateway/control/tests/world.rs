//! One of each thing that an operation can be about, and the body that each operation takes: the table that the tests
//! of all operations go through.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;

pub(super) const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/c";
const FUNCTION: &str =
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";

/// A control plane with one of each thing; nothing is in another's way, but the stage that a domain name is mapped to.
pub(super) struct World {
    pub(super) plane: Plane,
    /// The ids of the things that exist, by the label that each has in paths.
    there: HashMap<&'static str, String>,
    /// The API whose stage is mapped.
    mapped: String,
}

/// The body that an operation takes.
pub(super) struct Taken {
    pub(super) operation: &'static str,
    /// A whole body, the n-th of its kind.
    pub(super) body: fn(&World, usize) -> Value,
    /// Members without which it is refused.
    pub(super) required: &'static [&'static str],
    /// All members that the service model names.
    pub(super) members: &'static [&'static str],
}

const API: &[&str] = &[
    "apiKeySelectionExpression",
    "corsConfiguration",
    "credentialsArn",
    "description",
    "disableSchemaValidation",
    "disableExecuteApiEndpoint",
    "ipAddressType",
    "name",
    "routeKey",
    "routeSelectionExpression",
    "target",
    "version",
    // These two only when it is made.
    "protocolType",
    "tags",
];
const ROUTE: &[&str] = &[
    "apiKeyRequired",
    "authorizationScopes",
    "authorizationType",
    "authorizerId",
    "modelSelectionExpression",
    "operationName",
    "requestModels",
    "requestParameters",
    "routeKey",
    "routeResponseSelectionExpression",
    "target",
];
const ROUTE_RESPONSE: &[&str] = &[
    "modelSelectionExpression",
    "responseModels",
    "responseParameters",
    "routeResponseKey",
];
const INTEGRATION: &[&str] = &[
    "connectionId",
    "connectionType",
    "contentHandlingStrategy",
    "credentialsArn",
    "description",
    "integrationMethod",
    "integrationSubtype",
    "integrationType",
    "integrationUri",
    "passthroughBehavior",
    "payloadFormatVersion",
    "requestParameters",
    "requestTemplates",
    "responseParameters",
    "templateSelectionExpression",
    "timeoutInMillis",
    "tlsConfig",
];
const INTEGRATION_RESPONSE: &[&str] = &[
    "contentHandlingStrategy",
    "integrationResponseKey",
    "responseParameters",
    "responseTemplates",
    "templateSelectionExpression",
];
const AUTHORIZER: &[&str] = &[
    "authorizerCredentialsArn",
    "authorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds",
    "authorizerType",
    "authorizerUri",
    "enableSimpleResponses",
    "identitySource",
    "identityValidationExpression",
    "jwtConfiguration",
    "name",
];
const MODEL: &[&str] = &["contentType", "description", "name", "schema"];
const STAGE: &[&str] = &[
    "accessLogSettings",
    "autoDeploy",
    "clientCertificateId",
    "defaultRouteSettings",
    "deploymentId",
    "description",
    "routeSettings",
    "stageVariables",
    // These two only when it is made.
    "stageName",
    "tags",
];
const DOMAIN_NAME: &[&str] = &[
    "domainNameConfigurations",
    "mutualTlsAuthentication",
    "routingMode",
    // These two only when it is made.
    "domainName",
    "tags",
];
const API_MAPPING: &[&str] = &["apiId", "apiMappingKey", "stage"];

fn nothing(_: &World, _: usize) -> Value {
    json!({})
}

/// Every operation that takes a body. SOURCE: the service model, but for `identitySource`, which it calls required and
/// optional.
#[rustfmt::skip]
pub(super) const TAKEN: &[Taken] = &[
    Taken { operation: "CreateApi", required: &["name", "protocolType"], members: API,
        body: |_, n| json!({ "name": format!("a{n}"), "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action" }) },
    Taken { operation: "UpdateApi", required: &[], members: API, body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "ImportApi", required: &[], members: &[], body: nothing },
    Taken { operation: "ReimportApi", required: &[], members: &[], body: nothing },
    Taken { operation: "CreateRoute", required: &["routeKey"], members: ROUTE, body: |_, n| json!({ "routeKey": format!("r{n}") }) },
    Taken { operation: "UpdateRoute", required: &[], members: ROUTE, body: |_, n| json!({ "operationName": format!("o{n}") }) },
    Taken { operation: "CreateRouteResponse", required: &["routeResponseKey"], members: ROUTE_RESPONSE, body: |_, _| json!({ "routeResponseKey": "$default" }) },
    Taken { operation: "UpdateRouteResponse", required: &[], members: ROUTE_RESPONSE, body: |_, n| json!({ "modelSelectionExpression": n.to_string() }) },
    Taken { operation: "CreateIntegration", required: &["integrationType"], members: INTEGRATION, body: |_, _| json!({ "integrationType": "MOCK" }) },
    Taken { operation: "UpdateIntegration", required: &[], members: INTEGRATION, body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "CreateIntegrationResponse", required: &["integrationResponseKey"], members: INTEGRATION_RESPONSE, body: |_, n| json!({ "integrationResponseKey": format!("/{n}/") }) },
    Taken { operation: "UpdateIntegrationResponse", required: &[], members: INTEGRATION_RESPONSE, body: |_, n| json!({ "templateSelectionExpression": n.to_string() }) },
    Taken { operation: "CreateDeployment", required: &[], members: &["description", "stageName"], body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "UpdateDeployment", required: &[], members: &["description"], body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "CreateStage", required: &["stageName"], members: STAGE, body: |_, n| json!({ "stageName": format!("s{n}") }) },
    Taken { operation: "UpdateStage", required: &[], members: STAGE, body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "CreateAuthorizer", required: &["name", "authorizerType"], members: AUTHORIZER,
        body: |_, n| json!({ "name": format!("a{n}"), "authorizerType": "REQUEST", "authorizerUri": FUNCTION }) },
    Taken { operation: "UpdateAuthorizer", required: &[], members: AUTHORIZER, body: |_, n| json!({ "name": format!("b{n}") }) },
    Taken { operation: "CreateModel", required: &["name", "schema"], members: MODEL, body: |_, n| json!({ "name": format!("m{n}"), "schema": "{}" }) },
    Taken { operation: "UpdateModel", required: &[], members: MODEL, body: |_, n| json!({ "description": n.to_string() }) },
    Taken { operation: "CreateDomainName", required: &["domainName"], members: DOMAIN_NAME,
        body: |_, n| json!({ "domainName": format!("d{n}.example.com"), "domainNameConfigurations": [{ "certificateArn": CERTIFICATE }] }) },
    Taken { operation: "UpdateDomainName", required: &[], members: DOMAIN_NAME, body: |_, _| json!({ "routingMode": "API_MAPPING_ONLY" }) },
    Taken { operation: "CreateApiMapping", required: &["apiId", "stage"], members: API_MAPPING,
        body: |world, n| json!({ "apiId": world.mapped, "stage": "mapped", "apiMappingKey": format!("k{n}") }) },
    Taken { operation: "UpdateApiMapping", required: &["apiId"], members: API_MAPPING,
        body: |world, n| json!({ "apiId": world.mapped, "apiMappingKey": format!("l{n}") }) },
    Taken { operation: "TagResource", required: &[], members: &["tags"], body: |_, n| json!({ "tags": { "n": n.to_string() } }) },
    Taken { operation: "CreateVpcLink", required: &["name", "subnetIds"], members: &["name", "securityGroupIds", "subnetIds", "tags"],
        body: |_, n| json!({ "name": format!("v{n}"), "subnetIds": ["subnet-1"] }) },
    Taken { operation: "UpdateVpcLink", required: &[], members: &["name"], body: |_, n| json!({ "name": format!("w{n}") }) },
];

impl World {
    pub(super) async fn new() -> Self {
        let plane = Plane::new();
        let mapped = plane.api().await;
        let make = async |path: String, body: Value, member: &str| {
            let made = plane.post(&path, body).await.ok(201);
            made[member].as_str().unwrap().to_owned()
        };
        let stage = json!({ "stageName": "mapped" });
        make(format!("{mapped}/stages"), stage, "stageName").await;
        let api = plane.api().await;
        let connect = json!({ "routeKey": "$connect", "requestParameters": { "route.request.header.a": {} } });
        let route = make(format!("{api}/routes"), connect, "routeId").await;
        let routed = format!("{api}/routes/{route}");
        let default = json!({ "routeResponseKey": "$default" });
        let route_response = make(
            format!("{routed}/routeresponses"),
            default,
            "routeResponseId",
        );
        let route_response = route_response.await;
        let mock = json!({ "integrationType": "MOCK" });
        let integration = make(format!("{api}/integrations"), mock, "integrationId").await;
        let integrated = format!("{api}/integrations/{integration}/integrationresponses");
        let default = json!({ "integrationResponseKey": "$default" });
        let integration_response = make(integrated, default, "integrationResponseId").await;
        let authorizer =
            json!({ "name": "there", "authorizerType": "REQUEST", "authorizerUri": FUNCTION });
        let authorizer = make(format!("{api}/authorizers"), authorizer, "authorizerId").await;
        let model = json!({ "name": "there", "schema": "{}" });
        let model = make(format!("{api}/models"), model, "modelId").await;
        let deployment = make(format!("{api}/deployments"), json!({}), "deploymentId").await;
        let log = json!({ "destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:a", "format": "$context.requestId" });
        let stage = json!({ "stageName": "prod", "accessLogSettings": log, "routeSettings": { "$connect": {} }, "tags": { "a": "1" } });
        make(format!("{api}/stages"), stage, "stageName").await;
        let domain = json!({ "domainName": "ws.example.com", "domainNameConfigurations": [{ "certificateArn": CERTIFICATE }] });
        let domain = make("/v2/domainnames".to_owned(), domain, "domainName").await;
        let mapped = api_id(&mapped).to_owned();
        let mapping = json!({ "apiId": mapped, "stage": "mapped" });
        let mappings = format!("/v2/domainnames/{domain}/apimappings");
        let mapping = make(mappings, mapping, "apiMappingId").await;
        let link = json!({ "name": "there", "subnetIds": ["subnet-1"] });
        let link = make("/v2/vpclinks".to_owned(), link, "vpcLinkId").await;
        let api = api_id(&api).to_owned();
        let arn = format!("arn:aws:apigateway:us-east-1::/apis/{api}/stages/prod");
        let there = HashMap::from([
            ("apiId", api),
            ("routeId", route),
            ("routeResponseId", route_response),
            ("integrationId", integration),
            ("integrationResponseId", integration_response),
            ("authorizerId", authorizer),
            ("modelId", model),
            ("deploymentId", deployment),
            ("stageName", "prod".to_owned()),
            ("domainName", domain),
            ("apiMappingId", mapping),
            ("vpcLinkId", link),
            ("specification", "OAS30".to_owned()),
            ("requestParameterKey", "route.request.header.a".to_owned()),
            ("routeKey", "$connect".to_owned()),
            ("resource-arn", arn),
        ]);
        Self {
            plane,
            there,
            mapped,
        }
    }

    /// Returns the id of the thing that exists, by its label.
    pub(super) fn there(&self, label: &str) -> &str {
        &self.there[label]
    }

    /// Returns the path of an operation on the things that exist.
    pub(super) fn path(&self, operation: &Operation) -> String {
        path(operation, |label| encoded(self.there(label)))
    }

    /// Returns the path of an operation on the things that exist, but for one, which does not exist.
    pub(super) fn path_without(&self, operation: &Operation, missing: &str) -> String {
        path(operation, |label| match self.there(label) {
            _ if label == missing => "none".to_owned(),
            there => encoded(there),
        })
    }
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Returns the names of the labels in an operation's path.
pub(super) fn labels(operation: &Operation) -> Vec<&'static str> {
    let parts = operation.path.split('/');
    parts.filter_map(label).collect()
}

fn label(part: &'static str) -> Option<&'static str> {
    let label = part.strip_prefix('{')?.strip_suffix('}')?;
    Some(label.strip_suffix('+').unwrap_or(label))
}

/// Returns an operation's path with raw texts put in for its labels.
pub(super) fn path(operation: &Operation, put: impl Fn(&'static str) -> String) -> String {
    let parts = operation.path.split('/');
    let parts = parts.map(|part| label(part).map_or_else(|| part.to_owned(), &put));
    parts.collect::<Vec<String>>().join("/")
}

/// Returns the body that an operation takes, if it takes one.
pub(super) fn taken(operation: &Operation) -> Option<&'static Taken> {
    TAKEN.iter().find(|taken| taken.operation == operation.name)
}
