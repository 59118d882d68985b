//! The place that a handshake went to: what the control plane says of its stage and of the stage's `$connect`.

use crate::model::{
    Api, ApiDetail, Authorizer, Definition, Integration, Route, Stage, StageName,
    definition::RouteDefinition,
};

/// A stage, as far as it is known.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The stage's name.
    pub stage: &'a StageName,
    /// The stage itself.
    pub standing: Standing<'a>,
    /// The source that says that the API's own endpoint is disabled; none where it is open. A deployment freezes it.
    pub disabled_by: Option<Basis>,
    /// The stage's `$connect`; none where nobody read it.
    pub connect: Option<ConnectRoute>,
}

/// The standing of a stage.
#[derive(Debug, Clone)]
pub enum Standing<'a> {
    /// Nobody read the stages.
    Unread,
    /// There is no such stage; these are the ones that there are.
    Missing(Vec<&'a StageName>),
    /// It is there.
    Found(&'a Stage),
}

/// The source of what is known of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The deployment that the stage serves.
    Served,
    /// The draft, from which what the stage serves may differ.
    Draft,
}

/// A stage's `$connect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRoute {
    /// The source.
    pub basis: Basis,
    /// The route; none where there is no such route.
    pub route: Option<RouteDefinition>,
    /// The expression that selects the source of a client's API key.
    pub key_expression: Option<String>,
}

impl Basis {
    /// Returns the source that says that an API's own endpoint is disabled: what the stage serves where that is known, else
    /// the draft.
    pub fn of_disabled(served: Option<&Definition>, draft: &Api) -> Option<Self> {
        let (basis, is_disabled) = match served {
            Some(served) => (Self::Served, served.disable_execute_api_endpoint),
            None => (Self::Draft, draft.disable_execute_api_endpoint),
        };
        is_disabled.then_some(basis)
    }
}

impl<'a> Place<'a> {
    /// Returns a stage of an API, as far as that was read.
    pub fn of(detail: Option<&'a ApiDetail>, stage: &'a StageName) -> Self {
        let Some(detail) = detail else {
            return Self {
                stage,
                standing: Standing::Unread,
                disabled_by: None,
                connect: None,
            };
        };
        let found = detail.stage(stage);
        let standing = match found {
            Some(found) => Standing::Found(found),
            None if detail.stages.is_whole() => {
                Standing::Missing(detail.stages.iter().map(|stage| &stage.name).collect())
            }
            None => Standing::Unread,
        };
        let served = detail.served.get(stage);
        let connect = match (served, &detail.draft) {
            (Some(served), _) => Some(ConnectRoute::of(Basis::Served, served)),
            (None, Some(draft)) => Some(ConnectRoute::of(Basis::Draft, &draft.definition)),
            (None, None) if detail.routes.is_whole() => Some(ConnectRoute::in_draft(
                &detail.api,
                &detail.routes,
                &detail.integrations,
                &detail.authorizers,
            )),
            (None, None) => None,
        };
        Self {
            stage,
            standing,
            disabled_by: Basis::of_disabled(served.map(AsRef::as_ref), &detail.api),
            connect,
        }
    }

    /// Returns the reason why the stage lets nobody in, whoever asks, if there is one.
    pub(super) fn nothing_served(&self) -> Option<String> {
        let stage = self.stage;
        let found = match &self.standing {
            Standing::Unread => return None,
            Standing::Missing(names) => return Some(missing(stage, names)),
            Standing::Found(found) => found,
        };
        if found.deployment_id.is_none() {
            return Some(format!(
                "Stage \"{stage}\" has no deployment, so it serves nothing: deploy the API to it."
            ));
        }
        let words = match self.disabled_by? {
            Basis::Served => {
                "The API's own endpoint is disabled: only its custom domain names answer."
            }
            Basis::Draft => {
                "By the draft the API's own endpoint is disabled, so that only its custom domain names answer: what the stage serves may differ."
            }
        };
        Some(words.to_owned())
    }
}

fn missing(stage: &StageName, names: &[&StageName]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    match names.as_slice() {
        [] => {
            format!("The API has no stage \"{stage}\", nor any other one: deploy it first.")
        }
        names => format!(
            "The API has no stage \"{stage}\"; it has {}.",
            names.join(", ")
        ),
    }
}

impl ConnectRoute {
    /// Returns the `$connect` of a definition.
    pub fn of(basis: Basis, definition: &Definition) -> Self {
        Self {
            basis,
            route: definition.routes.get("$connect").cloned(),
            key_expression: definition.api_key_selection_expression.clone(),
        }
    }

    /// Returns the `$connect` of a draft's routes, with as much of what hangs on it as was read.
    pub fn in_draft(
        api: &Api,
        routes: &[Route],
        integrations: &[Integration],
        authorizers: &[Authorizer],
    ) -> Self {
        let connect = routes.iter().find(|route| route.key == "$connect");
        Self {
            basis: Basis::Draft,
            route: connect.map(|route| RouteDefinition::of(route, integrations, authorizers)),
            key_expression: api.api_key_selection_expression.clone(),
        }
    }

    /// True when clients must sign the handshake.
    pub fn is_signed(&self) -> bool {
        self.setting("authorizationType") == Some("AWS_IAM")
    }

    /// True when an authorizer decides.
    pub(super) fn is_guarded(&self) -> bool {
        self.setting("authorizationType") == Some("CUSTOM")
    }

    /// True when an API key must come with the handshake.
    pub(super) fn wants_key(&self) -> bool {
        self.setting("apiKeyRequired") == Some("true")
    }

    /// True when clients must bring an API key themselves: the authorizer may bring it. SOURCE: developer guide, "API
    /// Gateway WebSocket selection expressions".
    pub(super) fn wants_key_of_client(&self) -> bool {
        let expression = self.key_expression.as_deref();
        self.wants_key() && expression != Some("$context.authorizer.usageIdentifierKey")
    }

    /// Returns what the authorizer looks for, where that is known.
    pub(super) fn identity_sources(&self) -> Option<&str> {
        let sources = self.route.as_ref()?.authorizer.get("identitySource")?;
        Some(sources)
    }

    /// Returns the URI of the authorizer's function, where it was read.
    pub(super) fn authorizer_uri(&self) -> Option<&str> {
        let uri = self.route.as_ref()?.authorizer.get("authorizerUri")?;
        Some(uri)
    }

    /// Returns what the route targets, by its URI or, where that was not read, by the target; none where it targets
    /// nothing.
    pub(super) fn integration(&self) -> Option<&str> {
        self.uri().or_else(|| {
            let is_there = self.route.as_ref()?.integration.is_some();
            self.setting("target").or(is_there.then_some(""))
        })
    }

    /// Returns the URI that the integration calls, where it was read.
    pub(super) fn uri(&self) -> Option<&str> {
        let integration = self.route.as_ref()?.integration.as_ref()?;
        integration
            .settings
            .get("integrationUri")
            .map(String::as_str)
    }

    /// Returns the words that name the route in a sentence.
    pub(super) fn name(&self) -> &'static str {
        match self.basis {
            Basis::Served => "what the stage serves",
            Basis::Draft => "the draft",
        }
    }

    fn setting(&self, member: &str) -> Option<&str> {
        let settings = &self.route.as_ref()?.settings;
        settings.get(member).map(String::as_str)
    }
}
