//! All that a deployment freezes, as one comparable value: the canonical definition and its fingerprint.
//!
//! AWS gives back the id of a deployment, never its content. So whoever deploys with stagewire takes this value from
//! the draft, writes its fingerprint into the deployment's description, and keeps the whole in the journal. Ids that
//! AWS assigned and dates are left out, since they say nothing about behaviour: an integration stands inside the route
//! that targets it, and an integration that no route targets is not part of what a stage does.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Api, Authorizer, Integration, IntegrationResponse, Model, Route, RouteResponse};

/// The definition of an API, as a deployment would freeze it.
///
/// The order of fields and keys is part of the fingerprint: a change of this type's JSON changes every fingerprint, so
/// new members are optional and skipped while absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The expression that selects a message's route.
    pub route_selection_expression: String,
    /// The expression that selects the source of a client's API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_selection_expression: Option<String>,
    /// True when only custom domains may reach the API.
    pub disable_execute_api_endpoint: bool,
    /// Routes by key.
    pub routes: BTreeMap<String, RouteDefinition>,
    /// Models by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelDefinition>,
}

/// A route with all that hangs on it. Each setting is named as the control plane names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDefinition {
    /// The route's own settings, by member name, each as text; members with the default value are absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The integration that the route calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationDefinition>,
    /// The settings, by member name, of the authorizer that decides over `$connect`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorizer: BTreeMap<String, String>,
    /// Route responses by key, each with its settings by member name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<String, BTreeMap<String, String>>,
}

/// An integration without its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationDefinition {
    /// Settings by member name, each as text; map members are flattened as `requestParameters.KEY`.
    pub settings: BTreeMap<String, String>,
    /// Integration responses by key, each with its settings by member name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<String, BTreeMap<String, String>>,
}

/// A model without its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDefinition {
    /// The media type it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The schema's text.
    pub schema: String,
}

/// The parts of an API that a definition is made of, as the control plane lists them.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The API itself.
    pub api: &'a Api,
    /// All its routes, with their responses.
    pub routes: &'a [Route],
    /// All its integrations, with their responses.
    pub integrations: &'a [Integration],
    /// All its authorizers.
    pub authorizers: &'a [Authorizer],
    /// All its models.
    pub models: &'a [Model],
}

impl Definition {
    /// Takes the definition out of an API's parts.
    pub fn from_parts(parts: Parts<'_>) -> Self {
        let Parts {
            api,
            routes,
            integrations,
            authorizers,
            models,
        } = parts;
        Self {
            route_selection_expression: api.route_selection_expression.clone(),
            api_key_selection_expression: api.api_key_selection_expression.clone(),
            disable_execute_api_endpoint: api.disable_execute_api_endpoint,
            routes: routes
                .iter()
                .map(|route| {
                    (
                        route.key.clone(),
                        route_definition(route, integrations, authorizers),
                    )
                })
                .collect(),
            models: models
                .iter()
                .map(|model| {
                    let definition = ModelDefinition {
                        content_type: model.content_type.clone(),
                        schema: model.schema.clone(),
                    };
                    (model.name.clone(), definition)
                })
                .collect(),
        }
    }

    /// Returns the definition as the journal keeps it and the fingerprint hashes it: compact JSON with sorted keys.
    ///
    /// # Panics
    /// Never: all keys are text.
    fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: a definition has text keys only")
    }

    /// Returns the authorization type of `$connect`, such as `AWS_IAM`; none when anybody may connect.
    pub fn connect_authorization(&self) -> Option<&str> {
        let connect = self.routes.get("$connect")?;
        let kind = connect.settings.get("authorizationType")?;
        Some(kind)
    }

    /// Returns the fingerprint of this definition.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::digest(self.to_canonical_json().as_bytes());
        let mut bits = [0; 8];
        bits.copy_from_slice(&digest[..8]);
        Fingerprint(u64::from_be_bytes(bits))
    }
}

impl RouteDefinition {
    /// Takes a route out of its API's parts, with what hangs on it as far as that is among them.
    pub fn of(route: &Route, integrations: &[Integration], authorizers: &[Authorizer]) -> Self {
        route_definition(route, integrations, authorizers)
    }
}

/// The first 64 bits of the SHA-256 of a canonical definition, written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(u64);

impl Fingerprint {
    const OPEN: &'static str = "[sw:";
    const CHARS: usize = "[sw:0123456789abcdef?]".len();

    /// Reads 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex
            .then(|| u64::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }

    /// Returns the fingerprint at the end of a deployment's description.
    pub fn find_in(description: &str) -> Option<Self> {
        let inside = description.trim_end().strip_suffix(']')?;
        let (_, digits) = inside.rsplit_once(Self::OPEN)?;
        Self::parse(digits)
    }

    /// Returns the description without the fingerprint at its end, proved or not.
    pub fn strip_from(description: &str) -> &str {
        Self::split(description).map_or(description, |(head, _)| head)
    }

    /// Splits a description into the text in front of its mark and the digits of the mark.
    fn split(description: &str) -> Option<(&str, &str)> {
        let inside = description.trim_end().strip_suffix(']')?;
        let (head, digits) = inside.rsplit_once(Self::OPEN)?;
        Self::parse(digits.trim_end_matches('?')).map(|_| (head.trim_end(), digits))
    }

    /// Returns a description that ends in this fingerprint, cut so that the whole stays within AWS's 1024 characters.
    pub fn append_to(self, description: &str) -> String {
        let suffix = format!("[sw:{self}]");
        let head = Self::cut(description);
        if head.is_empty() {
            suffix
        } else {
            format!("{head} {suffix}")
        }
    }

    /// Appends the fingerprint while nobody knows yet whether the deployment holds it: no claim, and a mark by which it
    /// is found again.
    pub fn append_unproved_to(self, description: &str) -> String {
        let proved = self.append_to(description);
        let open = proved.strip_suffix(']').unwrap_or(&proved);
        format!("{open}?]")
    }

    /// Returns a description that carries no fingerprint, cut so that one can be appended.
    pub fn plain(description: &str) -> String {
        let mut plain = Self::cut(description);
        // Somebody may have appended one to another.
        while Self::split(&plain).is_some() {
            plain = Self::strip_from(&plain).to_owned();
        }
        plain
    }

    /// Returns the part of a description that fits beside a fingerprint and the space in front of it.
    fn cut(description: &str) -> String {
        let room = crate::model::limit::DESCRIPTION_CHARS - Self::CHARS - 1;
        description.trim().chars().take(room).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a fingerprint is 16 hexadecimal digits")
    }
}

/// Collects settings under the control plane's member names, leaving out what is absent.
#[derive(Default)]
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn text(mut self, member: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.insert(member.to_owned(), value.to_owned());
        }
        self
    }

    fn flag(self, member: &str, value: bool) -> Self {
        self.text(member, value.then_some("true"))
    }

    fn map<'a>(
        mut self,
        member: &str,
        entries: impl IntoIterator<Item = (&'a String, String)>,
    ) -> Self {
        for (key, value) in entries {
            self.0.insert(format!("{member}.{key}"), value);
        }
        self
    }

    fn texts(self, member: &str, entries: &BTreeMap<String, String>) -> Self {
        self.map(
            member,
            entries.iter().map(|(key, value)| (key, value.clone())),
        )
    }

    fn required(self, member: &str, entries: &BTreeMap<String, bool>) -> Self {
        self.map(
            member,
            entries
                .iter()
                .map(|(key, required)| (key, required.to_string())),
        )
    }
}

fn route_definition(
    route: &Route,
    integrations: &[Integration],
    authorizers: &[Authorizer],
) -> RouteDefinition {
    let integration = route
        .integration_id()
        .and_then(|id| integrations.iter().find(|integration| integration.id == id));
    let authorizer = route
        .authorizer_id
        .as_ref()
        .and_then(|id| authorizers.iter().find(|authorizer| authorizer.id == *id));
    // A target that names no integration of this API still decides what happens (an error), so it is kept as it stands.
    let dangling = if integration.is_none() {
        route.target.as_deref()
    } else {
        None
    };
    let authorization = Some(route.authorization_type.as_str()).filter(|kind| *kind != "NONE");
    let settings = Settings::default()
        .text("authorizationType", authorization)
        .flag("apiKeyRequired", route.api_key_required)
        .text(
            "modelSelectionExpression",
            route.model_selection_expression.as_deref(),
        )
        .text("operationName", route.operation_name.as_deref())
        .texts("requestModels", &route.request_models)
        .required("requestParameters", &route.request_parameters)
        .text(
            "routeResponseSelectionExpression",
            route.route_response_selection_expression.as_deref(),
        )
        .text("target", dangling);
    RouteDefinition {
        settings: settings.0,
        integration: integration.map(integration_definition),
        authorizer: authorizer.map(authorizer_settings).unwrap_or_default(),
        responses: route
            .responses
            .iter()
            .map(|response| (response.key.clone(), route_response_settings(response)))
            .collect(),
    }
}

fn route_response_settings(response: &RouteResponse) -> BTreeMap<String, String> {
    Settings::default()
        .text(
            "modelSelectionExpression",
            response.model_selection_expression.as_deref(),
        )
        .texts("responseModels", &response.response_models)
        .required("responseParameters", &response.response_parameters)
        .0
}

fn authorizer_settings(authorizer: &Authorizer) -> BTreeMap<String, String> {
    let identity_source = authorizer.identity_source.join(", ");
    Settings::default()
        .text("name", Some(&authorizer.name))
        .text("authorizerType", Some(&authorizer.authorizer_type))
        .text("authorizerUri", authorizer.uri.as_deref())
        .text(
            "authorizerCredentialsArn",
            authorizer.credentials_arn.as_deref(),
        )
        .text(
            "identitySource",
            Some(identity_source.as_str()).filter(|text| !text.is_empty()),
        )
        .0
}

fn integration_definition(integration: &Integration) -> IntegrationDefinition {
    let timeout = integration
        .timeout_ms
        .map(|timeout_ms| timeout_ms.to_string());
    let settings = Settings::default()
        .text("integrationType", Some(&integration.integration_type))
        .text(
            "integrationUri",
            integration.uri.as_deref().filter(|uri| !uri.is_empty()),
        )
        .text("integrationMethod", integration.method.as_deref())
        .text("connectionType", integration.connection_type.as_deref())
        .text("connectionId", integration.connection_id.as_deref())
        .text(
            "contentHandlingStrategy",
            integration.content_handling_strategy.as_deref(),
        )
        .text("credentialsArn", integration.credentials_arn.as_deref())
        .text(
            "passthroughBehavior",
            integration.passthrough_behavior.as_deref(),
        )
        .text(
            "payloadFormatVersion",
            integration.payload_format_version.as_deref(),
        )
        .texts("requestParameters", &integration.request_parameters)
        .texts("requestTemplates", &integration.request_templates)
        .text(
            "templateSelectionExpression",
            integration.template_selection_expression.as_deref(),
        )
        .text("timeoutInMillis", timeout.as_deref());
    IntegrationDefinition {
        settings: settings.0,
        responses: integration
            .responses
            .iter()
            .map(|response| {
                (
                    response.key.clone(),
                    integration_response_settings(response),
                )
            })
            .collect(),
    }
}

fn integration_response_settings(response: &IntegrationResponse) -> BTreeMap<String, String> {
    Settings::default()
        .text(
            "contentHandlingStrategy",
            response.content_handling_strategy.as_deref(),
        )
        .texts("responseParameters", &response.response_parameters)
        .texts("responseTemplates", &response.response_templates)
        .text(
            "templateSelectionExpression",
            response.template_selection_expression.as_deref(),
        )
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Definition {
        Definition {
            route_selection_expression: "$request.body.action".into(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            routes: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    #[test]
    fn fingerprint_changes_with_a_route() {
        let mut changed = empty();
        changed
            .routes
            .insert("join".into(), RouteDefinition::default());
        assert_ne!(empty().fingerprint(), changed.fingerprint());
    }

    #[test]
    fn fingerprint_survives_the_journal() {
        let definition = empty();
        let read: Definition = serde_json::from_str(&definition.to_canonical_json()).unwrap();
        assert_eq!(read.fingerprint(), definition.fingerprint());
    }

    #[test]
    fn fingerprint_of_the_empty_definition_stays_what_stored_descriptions_say() {
        assert_eq!(empty().fingerprint().to_string(), "5e959a28e30b81b9");
    }

    #[test]
    fn description_carries_and_gives_back_the_fingerprint() {
        let fingerprint = empty().fingerprint();
        let description = fingerprint.append_to("add join route");
        assert_eq!(Fingerprint::find_in(&description), Some(fingerprint));
        assert_eq!(Fingerprint::strip_from(&description), "add join route");
        assert_eq!(Fingerprint::strip_from(&fingerprint.append_to("")), "");
    }

    #[test]
    fn description_with_fingerprint_stays_within_the_limit() {
        let long = "ü".repeat(2000);
        let proved = empty().fingerprint().append_to(&long);
        let unproved = empty().fingerprint().append_unproved_to(&long);
        let most = crate::model::limit::DESCRIPTION_CHARS;
        assert_eq!(unproved.chars().count(), most);
        assert_eq!(proved.chars().count(), most - 1);
        assert!(Fingerprint::find_in(&proved).is_some());
    }

    #[test]
    fn an_unproved_mark_claims_nothing_and_is_no_part_of_the_text() {
        let unproved = empty().fingerprint().append_unproved_to("add join route");
        assert_eq!(Fingerprint::find_in(&unproved), None);
        assert_eq!(Fingerprint::strip_from(&unproved), "add join route");
        assert_eq!(Fingerprint::plain(&unproved), "add join route");
    }

    #[test]
    fn a_plain_description_carries_none_and_leaves_room_for_one() {
        let fingerprint = empty().fingerprint();
        let twice = fingerprint.append_to(&fingerprint.append_to("add join"));
        assert_eq!(Fingerprint::plain(&twice), "add join");
        assert_eq!(Fingerprint::plain(&fingerprint.append_to("")), "");
        let long = Fingerprint::plain(&"ü".repeat(2000));
        let described = fingerprint.append_to(&long);
        assert_eq!(Fingerprint::strip_from(&described), long);
    }

    #[test]
    fn text_that_only_resembles_a_fingerprint_is_left_alone() {
        for description in [
            "[sw:12]",
            "[sw:zzzzzzzzzzzzzzzz]",
            "[sw:0123456789abcdef] later",
            "plain",
        ] {
            assert_eq!(Fingerprint::find_in(description), None, "{description}");
            assert_eq!(Fingerprint::strip_from(description), description);
        }
    }
}
