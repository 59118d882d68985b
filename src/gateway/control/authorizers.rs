//! Authorizers: functions that are asked whether a client may connect. A WebSocket API has those of type REQUEST only.

use regex::RegexBuilder;
use serde::{Deserialize, Serialize};

use super::{
    check,
    error::ApiError,
    ids,
    parts::{self, Parent, Part},
    wire::Presence,
};
use crate::gateway::{
    schema::meta,
    store::{
        Draft,
        record::{ApiRecord, AuthorizerRecord, RouteRecord},
    },
};

/// SOURCE: quotas for configuring and running a WebSocket API: Lambda authorizers per API.
const MOST: usize = 10;
/// Bytes that an expression may take that is only asked whether it is one.
const TRIAL_BYTES: usize = 16 * 1024;

/// The input of `CreateAuthorizer` and `UpdateAuthorizer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthorizerInput {
    pub(crate) name: Option<String>,
    pub(crate) authorizer_type: Option<String>,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_credentials_arn: Option<String>,
    pub(crate) authorizer_result_ttl_in_seconds: Presence,
    pub(crate) identity_source: Option<Vec<String>>,
    pub(crate) identity_validation_expression: Option<String>,
    pub(crate) authorizer_payload_format_version: Option<String>,
    pub(crate) enable_simple_responses: Presence,
    pub(crate) jwt_configuration: Presence,
}

/// An authorizer on the wire.
// SOURCE: recorded on AWS, September 2026: these members and no others, and those that are not set are absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizerOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer_credentials_arn: Option<String>,
    authorizer_id: String,
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
        check_type(input)?;
        check::required("name", input.name.as_ref())?;
        let kind = check::kept(input.authorizer_type.as_ref());
        let kind = check::required("authorizerType", kind.as_ref())?;
        check_filled(input)?;
        if draft.count::<Self>(&parent.key)? >= MOST {
            return Err(ApiError::quota("Authorizers"));
        }
        let blank = Self {
            authorizer_id: ids::fresh::<Self>(draft, &parent.key, ids::AUTHORIZER)?,
            authorizer_type: kind.clone(),
            name: String::new(),
            authorizer_uri: None,
            authorizer_credentials_arn: None,
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
        if let Some(sources) = &input.identity_source {
            // SOURCE: recorded on AWS, September 2026: an empty list and a list of the empty text are none. GUESS: beside
            // others, too, an empty text is none.
            let mut sources = sources.clone();
            sources.retain(|source| !source.is_empty());
            self.identity_source = sources;
        }
        self.check_uri()?;
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
            // SOURCE: recorded on AWS, September 2026.
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
    fn check_uri(&self) -> Result<(), ApiError> {
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
        Ok(())
    }
}

// SOURCE: recorded on AWS, September 2026: the type is looked at before all other members, also where `TOKEN` is none of the
// service model. An empty one is as good as none.
fn check_type(input: &AuthorizerInput) -> Result<(), ApiError> {
    match check::kept(input.authorizer_type.as_ref()).as_deref() {
        None | Some("REQUEST") => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "Invalid authorizer type. Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis.",
        )),
    }
}

/// Refuses to make an authorizer with the empty texts by which an update removes a member.
// SOURCE: recorded on AWS, September 2026, each by itself. GUESS: the order of the looks.
fn check_filled(input: &AuthorizerInput) -> Result<(), ApiError> {
    let is_empty = |text: &Option<String>| text.as_deref() == Some("");
    check::http_only(
        "authorizerPayloadFormatVersion",
        is_empty(&input.authorizer_payload_format_version),
    )?;
    if is_empty(&input.identity_validation_expression) {
        return Err(ApiError::bad_request(
            "IdentityValidationExpression must not be empty.",
        ));
    }
    if is_empty(&input.authorizer_credentials_arn) {
        return Err(invalid_role());
    }
    Ok(())
}

fn check_members(input: &AuthorizerInput) -> Result<(), ApiError> {
    check_type(input)?;
    check_http_only(input)?;
    check::length("name", input.name.as_ref(), 1..=128)?;
    check::length("authorizerUri", input.authorizer_uri.as_ref(), 0..=2048)?;
    let expression = input.identity_validation_expression.as_ref();
    check::length("identityValidationExpression", expression, 0..=1024)?;
    if let Some(expression) = expression.filter(|it| !is_expression(it)) {
        return Err(ApiError::bad_request(format!(
            "Invalid validation expression: {expression}"
        )));
    }
    let role = check::kept(input.authorizer_credentials_arn.as_ref());
    if role.is_some_and(|role| !role.starts_with("arn:")) {
        return Err(invalid_role());
    }
    let mut sources = input.identity_source.iter().flatten();
    match sources.find(|source| !source.is_empty() && !is_identity_source(source)) {
        Some(source) => Err(invalid_source(source)),
        None => Ok(()),
    }
}

/// Refuses the members that only authorizers of HTTP APIs have, whatever their value.
// SOURCE: recorded on AWS, September 2026, with the order of the first two. GUESS: the order of the others.
fn check_http_only(input: &AuthorizerInput) -> Result<(), ApiError> {
    let version = check::kept(input.authorizer_payload_format_version.as_ref());
    for (member, is_present) in [
        ("authorizerPayloadFormatVersion", version.is_some()),
        (
            "enableSimpleResponses",
            input.enable_simple_responses.is_some(),
        ),
        (
            "authorizerResultTtlInSeconds",
            input.authorizer_result_ttl_in_seconds.is_some(),
        ),
        ("jwtConfiguration", input.jwt_configuration.is_some()),
    ] {
        check::http_only(member, is_present)?;
    }
    Ok(())
}

// SOURCE: recorded on AWS, September 2026, for the empty text and for a word. GUESS: any ARN is one of a role.
fn invalid_role() -> ApiError {
    ApiError::bad_request("Invalid role ARN")
}

/// True for a regular expression.
// SOURCE: recorded on AWS, September 2026: `[` is none. GUESS: what either of two dialects takes, for AWS's own is Java's,
// which shares look-around with the one and flags with the other.
fn is_expression(text: &str) -> bool {
    // One that is too large to be tried is one all the same.
    let tried = RegexBuilder::new(text).size_limit(TRIAL_BYTES).build();
    !matches!(tried, Err(regex::Error::Syntax(_))) || meta::is_pattern(text)
}

// SOURCE: recorded on AWS, September 2026, for one source. GUESS: of several the first that is none is told.
fn invalid_source(source: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid request identity source expression: {source}. The sources must be separated by comma, and each source must be either a request parameter, matching 'route.request.querystring|header.[a-zA-Z0-9._-]+', or a stage variable, matching 'stageVariables.[a-zA-Z0-9._-]+', or a context parameter, matching 'context.[a-zA-Z0-9._-]+'"
    ))
}

/// SOURCE: AWS's own words for one that is none, see [`invalid_source`].
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
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_allowed))
}
