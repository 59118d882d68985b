//! The calls that make the target as the file says, in an order in which none is refused: a part that others name is
//! created before them and deleted after them.

use std::{collections::BTreeMap, fmt};

use super::{Extras, Live};
use crate::model::{
    AuthorizerId, Integration, IntegrationId, IntegrationResponseId, ModelId, Route, RouteId,
    RouteResponseId, StageName,
    file::{
        ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile, Names,
        RouteFile, RouteResponseFile, StageFile, Texts, integration_responses, own_members,
        route_responses,
    },
};

/// One call that changes something. What it writes is in the file, under the name that it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    CreateApi,
    /// An update from the API that is there.
    UpdateApi(Box<ApiFile>),
    /// Tags of the API, or of a stage.
    Tag(Option<StageName>, Texts),
    Untag(Option<StageName>, Vec<String>),
    Model(String, Write<ModelId, ModelFile>),
    Authorizer(String, Write<AuthorizerId, AuthorizerFile>),
    Integration(String, Write<IntegrationId, IntegrationFile>),
    /// A response of an integration, by key.
    IntegrationResponse(
        String,
        String,
        Write<IntegrationResponseId, IntegrationResponseFile>,
    ),
    Route(String, Write<RouteId, RouteFile>),
    /// A request parameter of a route that goes.
    RouteParameter(String, String),
    /// A response of a route, by key.
    RouteResponse(String, String, Write<RouteResponseId, RouteResponseFile>),
    Stage(StageName, Write<(), StageFile>),
    /// Settings of a route on a stage that go.
    RouteSettings(StageName, String),
    /// Access log settings of a stage that go.
    AccessLog(StageName),
}

/// The change of a part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write<Id, T> {
    Create,
    Update { id: Id, from: Box<T> },
    Delete { id: Id },
}

impl<Id, T> Write<Id, T> {
    fn verb(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Delete { .. } => "delete",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |stage: &Option<StageName>| match stage {
            Some(stage) => format!("stage {stage}"),
            None => "the API".to_owned(),
        };
        match self {
            Self::CreateApi => write!(formatter, "create-api"),
            Self::UpdateApi(_) => write!(formatter, "update-api"),
            Self::Tag(stage, _) => write!(formatter, "tag-resource {}", of(stage)),
            Self::Untag(stage, _) => write!(formatter, "untag-resource {}", of(stage)),
            Self::Model(name, write) => write!(formatter, "{}-model {name}", write.verb()),
            Self::Authorizer(name, write) => {
                write!(formatter, "{}-authorizer {name}", write.verb())
            }
            Self::Integration(name, write) => {
                write!(formatter, "{}-integration {name}", write.verb())
            }
            Self::IntegrationResponse(name, key, write) => {
                let verb = write.verb();
                write!(formatter, "{verb}-integration-response {key} of {name}")
            }
            Self::Route(key, write) => write!(formatter, "{}-route {key}", write.verb()),
            Self::RouteParameter(key, name) => {
                write!(formatter, "delete-route-request-parameter {name} of {key}")
            }
            Self::RouteResponse(route, key, write) => {
                write!(
                    formatter,
                    "{}-route-response {key} of {route}",
                    write.verb()
                )
            }
            Self::Stage(name, write) => write!(formatter, "{}-stage {name}", write.verb()),
            Self::RouteSettings(stage, key) => {
                write!(formatter, "delete-route-settings {key} of {stage}")
            }
            Self::AccessLog(stage) => {
                write!(formatter, "delete-access-log-settings of {stage}")
            }
        }
    }
}

/// Ids by the names that steps call the parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) authorizers: BTreeMap<String, AuthorizerId>,
    pub(super) integrations: BTreeMap<String, IntegrationId>,
    pub(super) routes: BTreeMap<String, RouteId>,
}

impl Known {
    pub(super) fn of(live: &Live, names: &Names) -> Self {
        let authorizers = live.draft.authorizers.iter();
        let routes = live.draft.routes.iter();
        Self {
            authorizers: authorizers
                .map(|it| (it.name.clone(), it.id.clone()))
                .collect(),
            integrations: names
                .iter()
                .map(|(id, name)| (name.clone(), id.clone()))
                .collect(),
            routes: routes.map(|it| (it.key.clone(), it.id.clone())).collect(),
        }
    }
}

/// The two sides of an apply: what the file says and what is there.
pub(super) struct Sides<'a> {
    pub(super) wanted: &'a ApiFile,
    /// The target as a file; none when there is no such API yet.
    pub(super) from: Option<&'a ApiFile>,
    pub(super) live: Option<&'a Live>,
    pub(super) known: &'a Known,
    pub(super) extras: Extras,
}

/// All calls, in order.
pub(super) fn plan(sides: &Sides<'_>) -> Vec<Step> {
    let nothing = ApiFile::default();
    let from = sides.from.unwrap_or(&nothing);
    let mut steps = Vec::new();
    match sides.from {
        None => steps.push(Step::CreateApi),
        Some(from) => change_api(from, sides.wanted, &mut steps),
    }
    put_models(from, sides, &mut steps);
    put_authorizers(from, sides, &mut steps);
    for (name, integration) in &sides.wanted.integrations {
        put_integration(from, sides, (name, integration), &mut steps);
    }
    for (key, route) in &sides.wanted.routes {
        put_route(from, sides, (key, route), &mut steps);
    }
    for (name, stage) in &sides.wanted.stages {
        put_stage(from.stages.get(name), (name, stage), &mut steps);
    }
    if sides.extras == Extras::Pruned {
        prune(from, sides, &mut steps);
    }
    steps
}

fn change_api(from: &ApiFile, wanted: &ApiFile, steps: &mut Vec<Step>) {
    let untagged = |api: &ApiFile| ApiFile {
        tags: Texts::new(),
        ..own_members(api)
    };
    if untagged(from) != untagged(wanted) {
        steps.push(Step::UpdateApi(Box::new(own_members(from))));
    }
    change_tags(None, (&from.tags, &wanted.tags), steps);
}

fn change_tags(stage: Option<&StageName>, (from, to): (&Texts, &Texts), steps: &mut Vec<Step>) {
    let gone: Vec<String> = from
        .keys()
        .filter(|key| !to.contains_key(*key))
        .cloned()
        .collect();
    if !gone.is_empty() {
        steps.push(Step::Untag(stage.cloned(), gone));
    }
    let mut given = to.clone();
    given.retain(|key, value| from.get(key) != Some(value));
    if !given.is_empty() {
        steps.push(Step::Tag(stage.cloned(), given));
    }
}

/// Create, update or nothing.
fn put<Id, T: Clone + PartialEq>(there: Option<(Id, &T)>, wanted: &T) -> Option<Write<Id, T>> {
    match there {
        None => Some(Write::Create),
        Some((_, from)) if from == wanted => None,
        Some((id, from)) => Some(Write::Update {
            id,
            from: Box::new(from.clone()),
        }),
    }
}

fn put_models(from: &ApiFile, sides: &Sides<'_>, steps: &mut Vec<Step>) {
    for (name, model) in &sides.wanted.models {
        let id = model_id(sides, name);
        let write = put(id.zip(from.models.get(name)), model);
        steps.extend(write.map(|write| Step::Model(name.clone(), write)));
    }
}

fn model_id(sides: &Sides<'_>, name: &str) -> Option<ModelId> {
    let mut models = sides.live?.draft.models.iter();
    models
        .find(|model| model.name == name)
        .map(|model| model.id.clone())
}

fn put_authorizers(from: &ApiFile, sides: &Sides<'_>, steps: &mut Vec<Step>) {
    for (name, authorizer) in &sides.wanted.authorizers {
        let id = sides.known.authorizers.get(name).cloned();
        let write = put(id.zip(from.authorizers.get(name)), authorizer);
        steps.extend(write.map(|write| Step::Authorizer(name.clone(), write)));
    }
}

fn put_integration(
    from: &ApiFile,
    sides: &Sides<'_>,
    (name, wanted): (&String, &IntegrationFile),
    steps: &mut Vec<Step>,
) {
    let bare = |integration: &IntegrationFile| IntegrationFile {
        responses: BTreeMap::new(),
        ..integration.clone()
    };
    let id = sides.known.integrations.get(name);
    let there = from.integrations.get(name).map(bare);
    let write = put(id.cloned().zip(there.as_ref()), &bare(wanted));
    steps.extend(write.map(|write| Step::Integration(name.clone(), write)));
    let live: Option<&Integration> = sides.live.zip(id).and_then(|(live, id)| {
        let mut all = live.draft.integrations.iter();
        all.find(|integration| integration.id == *id)
    });
    let responses = live.map(integration_responses).unwrap_or_default();
    let id_of = |key: &str| {
        let mut all = live?.responses.iter();
        all.find(|response| response.key == key)
            .map(|response| response.id.clone())
    };
    for (key, response) in &wanted.responses {
        let write = put(id_of(key).zip(responses.get(key)), response);
        let step = |write| Step::IntegrationResponse(name.clone(), key.clone(), write);
        steps.extend(write.map(step));
    }
    let effective = from.integrations.get(name);
    for key in effective.iter().flat_map(|it| it.responses.keys()) {
        if let (false, Some(id)) = (wanted.responses.contains_key(key), id_of(key)) {
            let write = Write::Delete { id };
            steps.push(Step::IntegrationResponse(name.clone(), key.clone(), write));
        }
    }
}

fn put_route(
    from: &ApiFile,
    sides: &Sides<'_>,
    (key, wanted): (&String, &RouteFile),
    steps: &mut Vec<Step>,
) {
    let bare = |route: &RouteFile| RouteFile {
        responses: BTreeMap::new(),
        ..route.clone()
    };
    let mut there = from.routes.get(key).map(bare);
    if let Some(there) = &mut there {
        let is_gone = |name: &String| !wanted.request_parameters.contains_key(name);
        let gone = there.request_parameters.keys().filter(|name| is_gone(name));
        steps.extend(gone.map(|name| Step::RouteParameter(key.clone(), name.clone())));
        there.request_parameters.retain(|name, _| !is_gone(name));
    }
    let id = sides.known.routes.get(key);
    let write = put(id.cloned().zip(there.as_ref()), &bare(wanted));
    steps.extend(write.map(|write| Step::Route(key.clone(), write)));
    let live: Option<&Route> = sides.live.and_then(|live| {
        let mut routes = live.draft.routes.iter();
        routes.find(|route| route.key == *key)
    });
    let responses = live.map(route_responses).unwrap_or_default();
    let id_of = |response: &str| {
        let mut all = live?.responses.iter();
        all.find(|it| it.key == response).map(|it| it.id.clone())
    };
    for (name, response) in &wanted.responses {
        let writes = put_route_response(id_of(name).zip(responses.get(name)), response);
        let step = |write| Step::RouteResponse(key.clone(), name.clone(), write);
        steps.extend(writes.into_iter().map(step));
    }
    let effective = from.routes.get(key);
    for name in effective.iter().flat_map(|it| it.responses.keys()) {
        if let (false, Some(id)) = (wanted.responses.contains_key(name), id_of(name)) {
            let write = Write::Delete { id };
            steps.push(Step::RouteResponse(key.clone(), name.clone(), write));
        }
    }
}

/// No call takes a parameter away from a route response, so one that loses any is made anew.
fn put_route_response(
    there: Option<(RouteResponseId, &RouteResponseFile)>,
    wanted: &RouteResponseFile,
) -> Vec<Write<RouteResponseId, RouteResponseFile>> {
    match there {
        Some((id, from))
            if from
                .response_parameters
                .keys()
                .any(|name| !wanted.response_parameters.contains_key(name)) =>
        {
            vec![Write::Delete { id }, Write::Create]
        }
        there => put(there, wanted).into_iter().collect(),
    }
}

fn put_stage(
    from: Option<&StageFile>,
    (name, wanted): (&StageName, &StageFile),
    steps: &mut Vec<Step>,
) {
    let Some(from) = from else {
        steps.push(Step::Stage(name.clone(), Write::Create));
        return;
    };
    let mut there = StageFile {
        tags: wanted.tags.clone(),
        ..from.clone()
    };
    // Settings are merged, so an entry that lost a member is made anew.
    there.route_settings.retain(|key, settings| {
        let keeps_all = wanted
            .route_settings
            .get(key)
            .is_some_and(|wanted| settings.is_within(wanted));
        if !keeps_all {
            steps.push(Step::RouteSettings(name.clone(), key.clone()));
        }
        keeps_all
    });
    if there.access_log_settings.is_some() && wanted.access_log_settings.is_none() {
        there.access_log_settings = None;
        steps.push(Step::AccessLog(name.clone()));
    }
    let write = put(Some(((), &there)), wanted);
    steps.extend(write.map(|write| Step::Stage(name.clone(), write)));
    change_tags(Some(name), (&from.tags, &wanted.tags), steps);
}

/// Users before what they use; stages last of all.
fn prune(from: &ApiFile, sides: &Sides<'_>, steps: &mut Vec<Step>) {
    let (wanted, known) = (sides.wanted, sides.known);
    for key in from.routes.keys() {
        if let (false, Some(id)) = (wanted.routes.contains_key(key), known.routes.get(key)) {
            let write = Write::Delete { id: id.clone() };
            steps.push(Step::Route(key.clone(), write));
        }
    }
    for name in from.integrations.keys() {
        let id = known.integrations.get(name);
        if let (false, Some(id)) = (wanted.integrations.contains_key(name), id) {
            let write = Write::Delete { id: id.clone() };
            steps.push(Step::Integration(name.clone(), write));
        }
    }
    for name in from.authorizers.keys() {
        let id = known.authorizers.get(name);
        if let (false, Some(id)) = (wanted.authorizers.contains_key(name), id) {
            let write = Write::Delete { id: id.clone() };
            steps.push(Step::Authorizer(name.clone(), write));
        }
    }
    for name in from.models.keys() {
        if let (false, Some(id)) = (wanted.models.contains_key(name), model_id(sides, name)) {
            steps.push(Step::Model(name.clone(), Write::Delete { id }));
        }
    }
    for name in from.stages.keys() {
        if !wanted.stages.contains_key(name) {
            steps.push(Step::Stage(name.clone(), Write::Delete { id: () }));
        }
    }
}
