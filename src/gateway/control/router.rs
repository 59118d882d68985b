//! The table of operations: name, method, path, the status of a success, and the handler.
//!
//! SOURCE: the service model of API Gateway version 2, 2018-11-29; recorded on AWS, September 2026: `UpdateRoute` answers
//! 201, where the model says 200. Paths are split before they are decoded, since a label may hold an encoded slash.

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::{
    api_mappings, apis,
    call::{Call, Labels},
    deployments, domain_names,
    error::ApiError,
    models, parts, routes, stages, tags, vpc_links,
    wire::Reply,
};
use crate::gateway::store::record::{
    AuthorizerRecord, IntegrationRecord, IntegrationResponseRecord, ModelRecord, RouteRecord,
    RouteResponseRecord,
};

/// The function that carries out a call of an operation.
pub(super) type Handler = fn(&Call) -> Result<Reply, ApiError>;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) method: Method,
    /// Segments of text and `{label}`; `{label+}` takes all that is left.
    pub(super) path: &'static str,
    /// The status of its success.
    pub(super) success: StatusCode,
    pub(super) handler: Handler,
}

const fn row(
    name: &'static str,
    method: Method,
    path: &'static str,
    success: u16,
    handler: Handler,
) -> Operation {
    let success = match StatusCode::from_u16(success) {
        Ok(status) => status,
        Err(_) => StatusCode::OK,
    };
    Operation {
        name,
        method,
        path,
        success,
        handler,
    }
}

/// `/v2/apis/{apiId}` and what follows it, in one literal.
macro_rules! in_api {
    ($rest:literal) => {
        concat!("/v2/apis/{apiId}/", $rest)
    };
}

/// All operations that mean something to a WebSocket API. The model's others are routing rules and developer portals.
#[rustfmt::skip]
pub(super) static OPERATIONS: &[Operation] = &[
    row("CreateApi", Method::POST, "/v2/apis", 201, apis::create),
    row("GetApis", Method::GET, "/v2/apis", 200, apis::list),
    row("GetApi", Method::GET, "/v2/apis/{apiId}", 200, apis::get),
    row("UpdateApi", Method::PATCH, "/v2/apis/{apiId}", 200, apis::update),
    row("DeleteApi", Method::DELETE, "/v2/apis/{apiId}", 204, apis::delete),
    row("ImportApi", Method::PUT, "/v2/apis", 201, apis::import),
    row("ReimportApi", Method::PUT, "/v2/apis/{apiId}", 201, apis::http_only),
    row("ExportApi", Method::GET, in_api!("exports/{specification}"), 200, apis::http_only),
    row("DeleteCorsConfiguration", Method::DELETE, in_api!("cors"), 204, apis::http_only),

    row("CreateRoute", Method::POST, in_api!("routes"), 201, parts::create::<RouteRecord>),
    row("GetRoutes", Method::GET, in_api!("routes"), 200, parts::list::<RouteRecord>),
    row("GetRoute", Method::GET, in_api!("routes/{routeId}"), 200, parts::get::<RouteRecord>),
    row("UpdateRoute", Method::PATCH, in_api!("routes/{routeId}"), 201, parts::update::<RouteRecord>),
    row("DeleteRoute", Method::DELETE, in_api!("routes/{routeId}"), 204, parts::delete::<RouteRecord>),
    row("DeleteRouteRequestParameter", Method::DELETE, in_api!("routes/{routeId}/requestparameters/{requestParameterKey}"), 204, routes::delete_request_parameter),

    row("CreateRouteResponse", Method::POST, in_api!("routes/{routeId}/routeresponses"), 201, parts::create::<RouteResponseRecord>),
    row("GetRouteResponses", Method::GET, in_api!("routes/{routeId}/routeresponses"), 200, parts::list::<RouteResponseRecord>),
    row("GetRouteResponse", Method::GET, in_api!("routes/{routeId}/routeresponses/{routeResponseId}"), 200, parts::get::<RouteResponseRecord>),
    row("UpdateRouteResponse", Method::PATCH, in_api!("routes/{routeId}/routeresponses/{routeResponseId}"), 200, parts::update::<RouteResponseRecord>),
    row("DeleteRouteResponse", Method::DELETE, in_api!("routes/{routeId}/routeresponses/{routeResponseId}"), 204, parts::delete::<RouteResponseRecord>),

    row("CreateIntegration", Method::POST, in_api!("integrations"), 201, parts::create::<IntegrationRecord>),
    row("GetIntegrations", Method::GET, in_api!("integrations"), 200, parts::list::<IntegrationRecord>),
    row("GetIntegration", Method::GET, in_api!("integrations/{integrationId}"), 200, parts::get::<IntegrationRecord>),
    row("UpdateIntegration", Method::PATCH, in_api!("integrations/{integrationId}"), 200, parts::update::<IntegrationRecord>),
    row("DeleteIntegration", Method::DELETE, in_api!("integrations/{integrationId}"), 204, parts::delete::<IntegrationRecord>),

    row("CreateIntegrationResponse", Method::POST, in_api!("integrations/{integrationId}/integrationresponses"), 201, parts::create::<IntegrationResponseRecord>),
    row("GetIntegrationResponses", Method::GET, in_api!("integrations/{integrationId}/integrationresponses"), 200, parts::list::<IntegrationResponseRecord>),
    row("GetIntegrationResponse", Method::GET, in_api!("integrations/{integrationId}/integrationresponses/{integrationResponseId}"), 200, parts::get::<IntegrationResponseRecord>),
    row("UpdateIntegrationResponse", Method::PATCH, in_api!("integrations/{integrationId}/integrationresponses/{integrationResponseId}"), 200, parts::update::<IntegrationResponseRecord>),
    row("DeleteIntegrationResponse", Method::DELETE, in_api!("integrations/{integrationId}/integrationresponses/{integrationResponseId}"), 204, parts::delete::<IntegrationResponseRecord>),

    row("CreateDeployment", Method::POST, in_api!("deployments"), 201, deployments::create),
    row("GetDeployments", Method::GET, in_api!("deployments"), 200, deployments::list),
    row("GetDeployment", Method::GET, in_api!("deployments/{deploymentId}"), 200, deployments::get),
    row("UpdateDeployment", Method::PATCH, in_api!("deployments/{deploymentId}"), 200, deployments::update),
    row("DeleteDeployment", Method::DELETE, in_api!("deployments/{deploymentId}"), 204, deployments::delete),

    row("CreateStage", Method::POST, in_api!("stages"), 201, stages::create),
    row("GetStages", Method::GET, in_api!("stages"), 200, stages::list),
    row("GetStage", Method::GET, in_api!("stages/{stageName}"), 200, stages::get),
    row("UpdateStage", Method::PATCH, in_api!("stages/{stageName}"), 200, stages::update),
    row("DeleteStage", Method::DELETE, in_api!("stages/{stageName}"), 204, stages::delete),
    row("DeleteAccessLogSettings", Method::DELETE, in_api!("stages/{stageName}/accesslogsettings"), 204, stages::delete_access_log_settings),
    row("DeleteRouteSettings", Method::DELETE, in_api!("stages/{stageName}/routesettings/{routeKey}"), 204, stages::delete_route_settings),
    row("ResetAuthorizersCache", Method::DELETE, in_api!("stages/{stageName}/cache/authorizers"), 204, apis::http_only),

    row("CreateAuthorizer", Method::POST, in_api!("authorizers"), 201, parts::create::<AuthorizerRecord>),
    row("GetAuthorizers", Method::GET, in_api!("authorizers"), 200, parts::list::<AuthorizerRecord>),
    row("GetAuthorizer", Method::GET, in_api!("authorizers/{authorizerId}"), 200, parts::get::<AuthorizerRecord>),
    row("UpdateAuthorizer", Method::PATCH, in_api!("authorizers/{authorizerId}"), 200, parts::update::<AuthorizerRecord>),
    row("DeleteAuthorizer", Method::DELETE, in_api!("authorizers/{authorizerId}"), 204, parts::delete::<AuthorizerRecord>),

    row("CreateModel", Method::POST, in_api!("models"), 201, parts::create::<ModelRecord>),
    row("GetModels", Method::GET, in_api!("models"), 200, parts::list::<ModelRecord>),
    row("GetModel", Method::GET, in_api!("models/{modelId}"), 200, parts::get::<ModelRecord>),
    row("UpdateModel", Method::PATCH, in_api!("models/{modelId}"), 200, parts::update::<ModelRecord>),
    row("DeleteModel", Method::DELETE, in_api!("models/{modelId}"), 204, parts::delete::<ModelRecord>),
    row("GetModelTemplate", Method::GET, in_api!("models/{modelId}/template"), 200, models::template),

    row("CreateDomainName", Method::POST, "/v2/domainnames", 201, domain_names::create),
    row("GetDomainNames", Method::GET, "/v2/domainnames", 200, domain_names::list),
    row("GetDomainName", Method::GET, "/v2/domainnames/{domainName}", 200, domain_names::get),
    row("UpdateDomainName", Method::PATCH, "/v2/domainnames/{domainName}", 200, domain_names::update),
    row("DeleteDomainName", Method::DELETE, "/v2/domainnames/{domainName}", 204, domain_names::delete),
    row("CreateApiMapping", Method::POST, "/v2/domainnames/{domainName}/apimappings", 201, api_mappings::create),
    row("GetApiMappings", Method::GET, "/v2/domainnames/{domainName}/apimappings", 200, api_mappings::list),
    row("GetApiMapping", Method::GET, "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, api_mappings::get),
    row("UpdateApiMapping", Method::PATCH, "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, api_mappings::update),
    row("DeleteApiMapping", Method::DELETE, "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 204, api_mappings::delete),

    row("TagResource", Method::POST, "/v2/tags/{resource-arn+}", 201, tags::add),
    row("GetTags", Method::GET, "/v2/tags/{resource-arn+}", 200, tags::get),
    row("UntagResource", Method::DELETE, "/v2/tags/{resource-arn+}", 204, tags::remove),

    row("CreateVpcLink", Method::POST, "/v2/vpclinks", 201, vpc_links::create),
    row("GetVpcLinks", Method::GET, "/v2/vpclinks", 200, vpc_links::list),
    row("GetVpcLink", Method::GET, "/v2/vpclinks/{vpcLinkId}", 200, vpc_links::get),
    row("UpdateVpcLink", Method::PATCH, "/v2/vpclinks/{vpcLinkId}", 200, vpc_links::update),
    row("DeleteVpcLink", Method::DELETE, "/v2/vpclinks/{vpcLinkId}", 202, vpc_links::delete),
];

/// Returns the names of all operations.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Finds the operation that a method and a raw path name.
pub(super) fn find(
    method: &Method,
    raw_path: &str,
) -> Result<(&'static Operation, Labels), ApiError> {
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.method == *method)
    {
        if let Some(labels) = match_path(operation.path, raw_path)? {
            return Ok((operation, labels));
        }
    }
    // GUESS: how AWS's own front end answers what its model does not know.
    Err(ApiError::new(
        StatusCode::NOT_FOUND,
        "UnknownOperationException",
        format!("There is no operation {method} {raw_path}"),
    ))
}

fn match_path(template: &'static str, raw_path: &str) -> Result<Option<Labels>, ApiError> {
    let mut labels = Labels::new();
    let mut rest = Some(raw_path);
    for part in template.split('/') {
        let Some(raw) = rest else {
            return Ok(None);
        };
        let label = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        if let Some(greedy) = label.and_then(|label| label.strip_suffix('+')) {
            labels.push((greedy, decode(raw)?));
            return Ok(Some(labels));
        }
        let (segment, left) = match raw.split_once('/') {
            Some((segment, left)) => (segment, Some(left)),
            None => (raw, None),
        };
        rest = left;
        match label {
            Some(label) => labels.push((label, decode(segment)?)),
            None if segment == part => {}
            None => return Ok(None),
        }
    }
    Ok(rest.is_none().then_some(labels))
}

fn decode(raw: &str) -> Result<String, ApiError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ApiError::bad_request("The path is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, path: &str, name: &str, labels: &[(&str, &str)]) {
        let (operation, found) = find(method, path).unwrap();
        assert_eq!(operation.name, name);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        assert_eq!(found, labels);
    }

    #[test]
    fn operations_are_found_by_method_and_path() {
        check(&Method::GET, "/v2/apis", "GetApis", &[]);
        check(&Method::GET, "/v2/apis/", "GetApi", &[("apiId", "")]);
        check(
            &Method::DELETE,
            "/v2/apis/a1/routes/r1",
            "DeleteRoute",
            &[("apiId", "a1"), ("routeId", "r1")],
        );
    }

    #[test]
    fn a_path_is_split_before_it_is_decoded() {
        check(
            &Method::DELETE,
            "/v2/apis/a1/stages/prod/routesettings/%24connect%2Fx",
            "DeleteRouteSettings",
            &[
                ("apiId", "a1"),
                ("stageName", "prod"),
                ("routeKey", "$connect/x"),
            ],
        );
    }

    #[test]
    fn a_tagged_resource_is_named_encoded_or_not() {
        let arn = "arn:aws:apigateway:us-east-1::/apis/abc";
        for path in [
            "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc",
            "/v2/tags/arn:aws:apigateway:us-east-1::/apis/abc",
        ] {
            check(&Method::GET, path, "GetTags", &[("resource-arn", arn)]);
        }
    }

    #[test]
    fn what_the_model_does_not_know_is_refused() {
        for (method, path) in [
            (Method::GET, "/v2"),
            (Method::GET, "/v2/nothing"),
            (Method::PUT, "/v2/apis/a1/routes"),
            (Method::GET, "/v2/apis/a1/routes/r1/more"),
        ] {
            let error = find(&method, path).err().unwrap();
            assert_eq!(error.code, "UnknownOperationException", "{path}");
        }
        let error = find(&Method::GET, "/v2/apis/%FF").err().unwrap();
        assert_eq!(error.code, "BadRequestException");
    }

    #[test]
    fn names_and_paths_are_in_the_table_once() {
        for (idx, one) in OPERATIONS.iter().enumerate() {
            for other in &OPERATIONS[idx + 1..] {
                assert_ne!(one.name, other.name);
                assert!(
                    one.method != other.method || one.path != other.path,
                    "{} and {}",
                    one.name,
                    other.name
                );
            }
        }
    }
}
