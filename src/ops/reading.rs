//! Reading an API, part by part: who serves what (two calls), and the whole draft (a call for each route and integration
//! that has responses). Each part stands for itself; a call that fails costs its own place only.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, StreamExt, TryFutureExt, future::BoxFuture, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    clock,
    journal::{Found, Journal, JournalDir},
};
use crate::{
    aws::{self, Control, Listed},
    model::{
        Api, ApiDetail, ApiId, Authorizer, Definition, DeploymentId, Draft, DraftReading,
        Integration, IntegrationId, IntegrationResponse, Model, Part, Route, RouteId,
        RouteResponse, Stage, StagesReading,
        definition::Parts,
        detail::{DRAFT_LISTS, Held},
        drift,
        explain::{Basis, ConnectRoute},
    },
};

/// Calls for responses that are under way at a time; the governor lets them go one after the other where it must.
const PARALLEL_CALLS: usize = 8;

/// The time for which the parts of a reading that broke off are of use.
const UNFINISHED: SignedDuration = SignedDuration::from_mins(2);

/// Reads all of an API.
pub async fn all(
    control: &Control,
    journal: &Journal,
    api: Api,
    unfinished: &Unfinished,
) -> ApiDetail {
    let id = api.id.clone();
    let (stages, draft) = tokio::join!(
        stages(control, journal, &id),
        Box::pin(draft(control, &id, unfinished))
    );
    let mut detail = ApiDetail::unread(api);
    detail.take_draft(draft);
    detail.take_stages(stages);
    detail
}

/// Reads who serves what: the stages, the deployments, and what this machine knows of those.
pub async fn stages(control: &Control, journal: &Journal, api: &ApiId) -> StagesReading {
    let as_of = clock::now();
    control.expect(2);
    let (stages, deployments) = tokio::join!(control.stages(api), control.deployments(api));
    let stages = part(stages, as_of, "Cannot read the stages");
    StagesReading {
        held: held(control, journal, api, &stages).await,
        stages,
        deployments: part(deployments, as_of, "Cannot read the deployments"),
    }
}

/// Reads the whole draft, going on with a reading that broke off a short time ago.
pub async fn draft(control: &Control, api: &ApiId, unfinished: &Unfinished) -> DraftReading {
    lists(control, api, unfinished).await.reading()
}

/// Reads the routes with their responses.
///
/// # Errors
/// Fails when the control plane refuses or cannot be reached.
pub async fn routes(control: &Control, api: &ApiId) -> Result<Listed<Route>, aws::Error> {
    routes_going_on(control, api, &Unfinished::default()).await
}

/// Reads what a deployment would freeze at this moment.
///
/// # Errors
/// Fails when a part of it cannot be read.
pub(super) async fn whole(control: &Control, api: &ApiId) -> Result<WholeDraft, aws::Error> {
    lists(control, api, &Unfinished::default()).await.whole()
}

/// The draft with the parts that it is made of, none of them missing.
pub(super) struct WholeDraft {
    pub(super) api: Api,
    pub(super) routes: Vec<Route>,
    pub(super) integrations: Vec<Integration>,
    pub(super) authorizers: Vec<Authorizer>,
    pub(super) models: Vec<Model>,
}

impl WholeDraft {
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            api: &self.api,
            routes: &self.routes,
            integrations: &self.integrations,
            authorizers: &self.authorizers,
            models: &self.models,
        }
    }

    pub(super) fn definition(&self) -> Definition {
        Definition::from_parts(self.parts())
    }
}

/// Reads a stage's `$connect`: as the stage serves it where the journal knows that, which is returned as well, else as the
/// draft has it, without what hangs on it. One call or two, for whoever needs to know nothing else.
///
/// # Errors
/// Fails when the control plane refuses or cannot be reached.
pub async fn connect_route(
    control: &Control,
    journal: &Journal,
    api: &Api,
    stage: &Stage,
) -> Result<(ConnectRoute, Option<Arc<Definition>>), aws::Error> {
    let held = held(control, journal, &api.id, std::slice::from_ref(stage)).await;
    if let Some((id, served)) = held.into_iter().next() {
        let deployment = control.deployment(&api.id, &id).await?;
        if drift::believed(&deployment, Some(&served)).is_some() {
            let connect = ConnectRoute::of(Basis::Served, &served);
            return Ok((connect, Some(served)));
        }
    }
    let routes = control.routes(&api.id).await?.whole()?;
    Ok((ConnectRoute::in_draft(api, &routes, &[], &[]), None))
}

/// Returns what the deployments hold that the stages serve, by the journal.
async fn held(control: &Control, journal: &Journal, api: &ApiId, stages: &[Stage]) -> Held {
    let (journal, journal_dir) = (journal.clone(), JournalDir::of(control));
    let (api, stages) = (api.clone(), stages.to_vec());
    let held = tokio::task::spawn_blocking(move || held_in(&journal, &journal_dir, &api, &stages));
    held.await.unwrap_or_default()
}

/// The same, by one directory of the journal. Blocks while files are read.
pub(super) fn held_in(
    journal: &Journal,
    journal_dir: &JournalDir,
    api: &ApiId,
    stages: &[Stage],
) -> Held {
    let serves = |stage: &Stage| stage.deployment_id.clone();
    let ids: BTreeSet<DeploymentId> = stages.iter().filter_map(serves).collect();
    ids.into_iter()
        .filter_map(|id| match journal.find(journal_dir, api, &id) {
            Found::Entry(entry) => Some((id, Arc::new(entry.definition))),
            Found::Nothing | Found::Unusable(_) => None,
        })
        .collect()
}

/// The lists that a draft is made of, each with what became of it.
struct Lists {
    api: Result<Api, aws::Error>,
    routes: Result<Listed<Route>, aws::Error>,
    integrations: Result<Listed<Integration>, aws::Error>,
    authorizers: Result<Listed<Authorizer>, aws::Error>,
    models: Result<Listed<Model>, aws::Error>,
    as_of: Timestamp,
    until: Timestamp,
}

/// The SDK's futures are large, hence the boxes.
async fn lists(control: &Control, api: &ApiId, unfinished: &Unfinished) -> Lists {
    let resumed = unfinished.resume(api, clock::now());
    control.expect(DRAFT_LISTS);
    let (read, routes, integrations, authorizers, models) = tokio::join!(
        control.api(api),
        Box::pin(routes_going_on(control, api, unfinished)),
        Box::pin(integrations_going_on(control, api, unfinished)),
        Box::pin(control.authorizers(api)),
        Box::pin(control.models(api))
    );
    let lists = Lists {
        api: read,
        routes,
        integrations,
        authorizers,
        models,
        as_of: resumed,
        until: clock::now(),
    };
    if lists.is_whole() {
        unfinished.forget(api);
    }
    lists
}

impl Lists {
    fn is_whole(&self) -> bool {
        self.api.is_ok()
            && is_whole(&self.routes)
            && is_whole(&self.integrations)
            && is_whole(&self.authorizers)
            && is_whole(&self.models)
    }

    fn whole(self) -> Result<WholeDraft, aws::Error> {
        Ok(WholeDraft {
            api: self.api?,
            routes: self.routes?.whole()?,
            integrations: self.integrations?.whole()?,
            authorizers: self.authorizers?.whole()?,
            models: self.models?.whole()?,
        })
    }

    fn reading(self) -> DraftReading {
        let is_whole = self.is_whole();
        let Self { as_of, until, .. } = self;
        let mut reading = DraftReading {
            api: match self.api {
                Ok(api) => Part::read(Some(api), as_of),
                Err(error) => Part::failed(error.failure("Cannot read the API itself")),
            },
            routes: part(self.routes, as_of, "Cannot read the routes"),
            integrations: part(self.integrations, as_of, "Cannot read the integrations"),
            authorizers: part(self.authorizers, as_of, "Cannot read the authorizers"),
            models: part(self.models, as_of, "Cannot read the models"),
            draft: None,
        };
        if is_whole {
            reading.draft = draft_of(&reading, as_of, until);
        }
        reading
    }
}

/// Puts the draft together from a reading that lacks nothing.
fn draft_of(reading: &DraftReading, as_of: Timestamp, until: Timestamp) -> Option<Draft> {
    let definition = Definition::from_parts(Parts {
        api: reading.api.as_ref()?,
        routes: &reading.routes,
        integrations: &reading.integrations,
        authorizers: &reading.authorizers,
        models: &reading.models,
    });
    let two_way = reading.routes.iter().filter(|route| route.has_responses());
    let own = reading.integrations.iter().filter(|it| it.has_responses());
    Some(Draft {
        definition,
        as_of,
        until,
        n_calls: DRAFT_LISTS + two_way.count() + own.count(),
    })
}

fn is_whole<T>(list: &Result<Listed<T>, aws::Error>) -> bool {
    list.as_ref().is_ok_and(|list| list.lacks.is_none())
}

fn part<T>(list: Result<Listed<T>, aws::Error>, as_of: Timestamp, title: &str) -> Part<Vec<T>> {
    match list {
        Ok(list) => Part {
            failure: list.lacks.map(|error| error.failure(title)),
            ..Part::read(list.items, as_of)
        },
        Err(error) => Part::failed(error.failure(title)),
    }
}

/// The routes, and the responses of those that have an expression for them.
async fn routes_going_on(
    control: &Control,
    api: &ApiId,
    unfinished: &Unfinished,
) -> Result<Listed<Route>, aws::Error> {
    let routes = control.routes(api).await?;
    let known = unfinished.routes(api);
    let call = |id: RouteId| {
        async move {
            let responses = control.route_responses(api, &id).await?;
            unfinished.keep_route(api, id, &responses);
            Ok(responses)
        }
        .boxed()
    };
    Ok(with_responses(control, routes, known, call).await)
}

/// The integrations with their responses; proxies have none.
async fn integrations_going_on(
    control: &Control,
    api: &ApiId,
    unfinished: &Unfinished,
) -> Result<Listed<Integration>, aws::Error> {
    let integrations = control.integrations(api).await?;
    let known = unfinished.integrations(api);
    let call = |id: IntegrationId| {
        async move {
            let responses = control.integration_responses(api, &id).await?;
            unfinished.keep_integration(api, id, &responses);
            Ok(responses)
        }
        .boxed()
    };
    Ok(with_responses(control, integrations, known, call).await)
}

/// A part of an API that may have responses, which are a call of their own.
trait Answering {
    type Id: Clone + Ord;
    type Response: Clone;

    fn id(&self) -> &Self::Id;
    fn has_responses(&self) -> bool;
    fn responses(&mut self) -> &mut Vec<Self::Response>;
}

impl Answering for Route {
    type Id = RouteId;
    type Response = RouteResponse;

    fn id(&self) -> &RouteId {
        &self.id
    }

    fn has_responses(&self) -> bool {
        self.has_responses()
    }

    fn responses(&mut self) -> &mut Vec<RouteResponse> {
        &mut self.responses
    }
}

impl Answering for Integration {
    type Id = IntegrationId;
    type Response = IntegrationResponse;

    fn id(&self) -> &IntegrationId {
        &self.id
    }

    fn has_responses(&self) -> bool {
        self.has_responses()
    }

    fn responses(&mut self) -> &mut Vec<IntegrationResponse> {
        &mut self.responses
    }
}

/// The things of a list with their responses, those that are known already and those that a call gives. The first call that
/// fails ends it: what denies one denies them all.
async fn with_responses<'a, T: Answering>(
    control: &Control,
    mut listed: Listed<T>,
    known: BTreeMap<T::Id, Vec<T::Response>>,
    call: impl Fn(T::Id) -> BoxFuture<'a, Result<Vec<T::Response>, aws::Error>>,
) -> Listed<T> {
    let mut missing = Vec::new();
    for (idx, item) in listed.items.iter_mut().enumerate() {
        match known.get(item.id()) {
            _ if !item.has_responses() => {}
            Some(responses) => item.responses().clone_from(responses),
            None => missing.push((idx, item.id().clone())),
        }
    }
    control.expect(missing.len());
    let calls = missing
        .into_iter()
        .map(|(idx, id)| call(id).map_ok(move |it| (idx, it)));
    let calls: Vec<_> = calls.collect();
    let mut calls = stream::iter(calls).buffer_unordered(PARALLEL_CALLS);
    while let Some(answer) = calls.next().await {
        match answer {
            Ok((idx, responses)) => *listed.items[idx].responses() = responses,
            Err(error) => {
                listed.lacks = Some(error);
                break;
            }
        }
    }
    drop(calls);
    listed
}

/// The parts of readings that broke off, to go on where they were. Shared by all readings of a target.
#[derive(Debug, Default)]
pub struct Unfinished(Mutex<BTreeMap<ApiId, Begun>>);

/// A reading that has begun.
#[derive(Debug, Clone)]
struct Begun {
    at: Timestamp,
    /// The time at which something was added last.
    touched_at: Timestamp,
    routes: BTreeMap<RouteId, Vec<RouteResponse>>,
    integrations: BTreeMap<IntegrationId, Vec<IntegrationResponse>>,
}

impl Unfinished {
    /// Begins a reading, or goes on with the one that broke off: says when it began.
    fn resume(&self, api: &ApiId, now: Timestamp) -> Timestamp {
        let mut begun = self.begun();
        begun.retain(|_, begun| now.duration_since(begun.touched_at) <= UNFINISHED);
        let begun = begun.entry(api.clone()).or_insert_with(|| Begun {
            at: now,
            touched_at: now,
            routes: BTreeMap::new(),
            integrations: BTreeMap::new(),
        });
        begun.at
    }

    /// Forgets what was read of an API before: a reading that begins now reads all of it.
    pub fn forget(&self, api: &ApiId) {
        self.begun().remove(api);
    }

    fn routes(&self, api: &ApiId) -> BTreeMap<RouteId, Vec<RouteResponse>> {
        let begun = self.begun();
        begun
            .get(api)
            .map(|it| it.routes.clone())
            .unwrap_or_default()
    }

    fn integrations(&self, api: &ApiId) -> BTreeMap<IntegrationId, Vec<IntegrationResponse>> {
        let begun = self.begun();
        let begun = begun.get(api);
        begun.map(|it| it.integrations.clone()).unwrap_or_default()
    }

    fn keep_route(&self, api: &ApiId, route: RouteId, responses: &[RouteResponse]) {
        if let Some(begun) = self.begun().get_mut(api) {
            begun.touched_at = clock::now();
            begun.routes.insert(route, responses.to_vec());
        }
    }

    fn keep_integration(&self, api: &ApiId, id: IntegrationId, responses: &[IntegrationResponse]) {
        if let Some(begun) = self.begun().get_mut(api) {
            begun.touched_at = clock::now();
            begun.integrations.insert(id, responses.to_vec());
        }
    }

    fn begun(&self) -> MutexGuard<'_, BTreeMap<ApiId, Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
