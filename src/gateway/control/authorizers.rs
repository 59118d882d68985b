//! Authorizers: functions that are asked whether a client may connect. A WebSocket API has those of type REQUEST only.

use serde::{Deserialize, Serialize};

use super::{
    check,
    error::ApiError,
    ids,
    parts::{self, Parent, Part},
    wire::Presence,
};
use crate::gateway::{
    data::is_parameter,
    store::{
        Draft,
        record::{ApiRecord, AuthorizerRecord, RouteRecord},
    },
};

/// SOURCE: quotas for configuring and running a WebSocket API: Lambda authorizers per API.
const MOST: usize = 10;
/// SOURCE: the service model: seconds that a result may be kept.
const MOST_SECONDS: i64 = 3600;

/// The input of `CreateAuthorizer` and `UpdateAuthorizer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthorizerInput {
    pub(crate) name: Option<String>,
    pub(crate) authorizer_type: Option<String>,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_credentials_arn: Option<String>,
    pub(crate) authorizer_result_ttl_in_seconds: Option<i64>,
    pub(crate) identity_source: Option<Vec<String>>,
    pub(crate) identity_validation_expression: Option<String>,
    pub(crate) authorizer_payload_format_version: Presence,
    pub(crate) enable_simple_responses: Presence,
    pub(crate) jwt_configuration: Presence,
}

/// An authorizer on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizerOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer_credentials_arn: Option<String>,
    authorizer_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer_result_ttl_in_seconds: Option<u32>,
    authorizer_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_source: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_validation_expression: Option<String>,
    name: String,
}

impl Part for AuthorizerRecord {
    type Input = AuthorizerInput;
    type Output = AuthorizerOutput;

    const KIND: &'static str = "Authorizer";
    const LABEL: &'static str = "authorizerId";

    fn add(
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &AuthorizerInput,
    ) -> Result<Self, ApiError> {
        check::required("name", input.name.as_ref())?;
        let kind = check::kept(input.authorizer_type.as_ref());
        let kind = check::required("authorizerType", kind.as_ref())?;
        // The model demands `identitySource` while its own text calls it optional; not to take part in caching, it is.
        if draft.count::<Self>(&parent.key)? >= MOST {
            return Err(ApiError::quota("Authorizers"));
        }
        let blank = Self {
            authorizer_id: ids::fresh::<Self>(draft, &parent.key, ids::AUTHORIZER)?,
            authorizer_type: kind.clone(),
            name: String::new(),
            authorizer_uri: None,
            authorizer_credentials_arn: None,
            authorizer_result_ttl_in_seconds: None,
            identity_source: Vec::new(),
            identity_validation_expression: None,
        };
        blank.change(draft, parent, input)
    }

    fn change(
        mut self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &AuthorizerInput,
    ) -> Result<Self, ApiError> {
        check_members(input)?;
        if let Some(name) = &input.name {
            self.name.clone_from(name);
        }
        check::patch(&mut self.authorizer_uri, input.authorizer_uri.as_ref());
        check::patch(
            &mut self.authorizer_credentials_arn,
            input.authorizer_credentials_arn.as_ref(),
        );
        check::patch(
            &mut self.identity_validation_expression,
            input.identity_validation_expression.as_ref(),
        );
        if let Some(seconds) = input.authorizer_result_ttl_in_seconds {
            self.authorizer_result_ttl_in_seconds = Some(take_ttl(seconds)?);
        }
        if let Some(sources) = &input.identity_source {
            self.identity_source.clone_from(sources);
        }
        self.check_whole()?;
        if parts::is_taken(draft, &parent.key, &self, |it| &it.name)? {
            // SOURCE: seen for an authorizer of a WebSocket API, "RestApi" and the status included.
            return Err(ApiError::bad_request(format!(
                "Authorizer name must be unique. Authorizer {} already exists in this RestApi.",
                self.name
            )));
        }
        draft.put(&parent.key, &self)?;
        Ok(self)
    }

    fn remove(self, draft: &mut Draft<'_>, parent: &Parent) -> Result<(), ApiError> {
        let mut routes: Vec<RouteRecord> = draft.all(&parent.api.api_id)?;
        routes.retain(|route| route.authorizer_id.as_ref() == Some(&self.authorizer_id));
        let asks = |route: &&RouteRecord| route.authorization_type == "CUSTOM";
        if let Some(route) = routes.iter().find(asks) {
            // SOURCE: seen for an HTTP API: a name in quotes, a route key, one route only.
            return Err(ApiError::conflict(format!(
                "Cannot delete authorizer '{}', is referenced in route: {}",
                self.name, route.route_key
            )));
        }
        // GUESS: a route that named it without asking it forgets it.
        for mut route in routes {
            route.authorizer_id = None;
            draft.put(&parent.api.api_id, &route)?;
        }
        draft.remove::<Self>(&parent.key, &self.authorizer_id)?;
        Ok(())
    }

    fn show(self) -> AuthorizerOutput {
        AuthorizerOutput {
            authorizer_credentials_arn: self.authorizer_credentials_arn,
            authorizer_id: self.authorizer_id,
            authorizer_result_ttl_in_seconds: self.authorizer_result_ttl_in_seconds,
            authorizer_type: self.authorizer_type,
            authorizer_uri: self.authorizer_uri,
            identity_source: self.identity_source,
            identity_validation_expression: self.identity_validation_expression,
            name: self.name,
        }
    }
}

/// Makes an authorizer.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &AuthorizerInput,
) -> Result<AuthorizerRecord, ApiError> {
    AuthorizerRecord::add(draft, &Parent::of(api), input)
}

impl AuthorizerRecord {
    /// Checks the authorizer as a whole: its URI, and the identity source that a cached result needs.
    fn check_whole(&self) -> Result<(), ApiError> {
        let Some(uri) = &self.authorizer_uri else {
            // SOURCE: seen for an authorizer of type REQUEST.
            return Err(ApiError::bad_request(
                "AuthorizerUri is a required field in an Authorizer",
            ));
        };
        // GUESS: the text is version 1's.
        let is_function = uri.starts_with("arn:")
            && uri.contains(":apigateway:")
            && uri.contains(":lambda:path/")
            && uri.ends_with("/invocations");
        if !is_function {
            return Err(ApiError::bad_request(format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation."
            )));
        }
        let is_cached = self.authorizer_result_ttl_in_seconds.unwrap_or(0) > 0;
        if is_cached && self.identity_source.is_empty() {
            return Err(ApiError::bad_request(
                "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)",
            ));
        }
        Ok(())
    }
}

fn take_ttl(seconds: i64) -> Result<u32, ApiError> {
    let taken = u32::try_from(seconds)
        .ok()
        .filter(|_| seconds <= MOST_SECONDS);
    taken.ok_or_else(|| {
        ApiError::bad_request(
            "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds.",
        )
    })
}

fn check_members(input: &AuthorizerInput) -> Result<(), ApiError> {
    let kind = check::kept(input.authorizer_type.as_ref());
    if kind.as_deref() == Some("JWT") {
        return Err(ApiError::bad_request(
            "Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.",
        ));
    }
    check::one_of("authorizerType", kind.as_ref(), &["REQUEST", "JWT"])?;
    check::http_only("jwtConfiguration", input.jwt_configuration.is_some())?;
    check::http_only(
        "enableSimpleResponses",
        input.enable_simple_responses.is_some(),
    )?;
    check::http_only(
        "authorizerPayloadFormatVersion",
        input.authorizer_payload_format_version.is_some(),
    )?;
    check::length("name", input.name.as_ref(), 1..=128)?;
    check::length("authorizerUri", input.authorizer_uri.as_ref(), 0..=2048)?;
    check::length(
        "identityValidationExpression",
        input.identity_validation_expression.as_ref(),
        0..=1024,
    )?;
    check::arn(input.authorizer_credentials_arn.as_ref())?;
    let mut sources = input.identity_source.iter().flatten();
    match sources.find(|source| !is_identity_source(source)) {
        Some(source) => Err(ApiError::bad_request(format!(
            "Invalid request identity source expression: {source}"
        ))),
        None => Ok(()),
    }
}

/// SOURCE: the guide: `route.request.{header|querystring}.NAME`, `stageVariables.NAME`, `context.NAME`.
fn is_identity_source(source: &str) -> bool {
    let prefixes = [
        "route.request.header.",
        "route.request.querystring.",
        "stageVariables.",
        "context.",
    ];
    let name = prefixes
        .iter()
        .find_map(|prefix| source.strip_prefix(prefix));
    name.is_some_and(is_parameter)
}
