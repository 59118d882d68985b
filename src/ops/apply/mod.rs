//! Applying a definition file: what must change on the target for it to be as the file says, and making it so.
//!
//! Applying edits the draft and the stages' settings. It never deploys and never points a stage: what clients meet changes
//! with stage settings, with stages that deploy by themselves, and with deleted stages, and the plan says so. What the file
//! does not have is left alone, unless the request is to prune. Of what the file does have, every member is made as the
//! file says, so a key or a response that the file lacks is removed.

mod calls;
mod commands;
mod matching;
mod run;
mod steps;

use std::collections::BTreeMap;

use self::{calls::PartIds, steps::Step};
use super::reading::{self, WholeDraft};
use crate::{
    aws::{self, Control},
    model::{
        Api, ApiId, Failure, FailureKind, Stage,
        diff::{Change, ChangeKind, Subject},
        file::{
            ApiFile, Names, RouteSettingsFile, StageFile, api_file, changes, integration_responses,
        },
        text::printable,
    },
};

pub use commands::commands;
pub use run::{Applied, ApplyFailure, Progress, run};

/// A definition to apply, and the API to apply it to.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplyRequest {
    /// The definition and the stages.
    pub file: ApiFile,
    /// The API to change, when it is not the one of the file's name.
    pub api: Option<ApiId>,
    /// The treatment of what the file does not have.
    pub extras: Extras,
}

/// The treatment of routes, integrations, authorizers, models and stages that the target has and the file has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extras {
    /// They stay as they are.
    LeftAlone,
    /// They are deleted.
    Pruned,
}

/// The plan of an apply.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplyPlan {
    /// The API's name in the file.
    pub name: String,
    /// The API that is changed; none when one is created.
    pub api: Option<ApiId>,
    /// The differences that will be made as the file says.
    pub changes: Vec<Change>,
    /// The parts that the target has, the file has not, and nobody touches.
    pub left_alone: Vec<Subject>,
    /// The notes that a person should read before.
    pub notes: Vec<String>,
    request: ApplyRequest,
    wanted: ApiFile,
    ids: PartIds,
    steps: Vec<Step>,
}

impl ApplyPlan {
    /// True when the target is as the file says.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The calls that change something, in order, each in words: `create-route join`.
    pub fn steps(&self) -> Vec<String> {
        self.steps.iter().map(ToString::to_string).collect()
    }
}

/// The target's side: the draft and the stages.
struct Live {
    draft: WholeDraft,
    stages: Vec<Stage>,
}

/// Compares the file with the target.
///
/// # Errors
/// Fails when nothing can be made from the file, when several APIs have its name or none has the id that was given, and
/// when the control plane refuses or cannot be reached.
pub async fn plan(control: &Control, request: &ApplyRequest) -> Result<ApplyPlan, Failure> {
    let title = || format!("Cannot apply \"{}\"", printable(&request.file.name));
    let normalized = request.file.normalized().map_err(|unfit| {
        Failure::new(FailureKind::User, title()).cause(printable(&unfit.to_string()))
    })?;
    let wanted = normalized.api;
    let apis = control.apis().await.map_err(|e| e.failure(title()))?;
    let api = choose(&apis, request).map_err(|(cause, hint)| {
        Failure::new(FailureKind::User, title())
            .cause(cause)
            .hint(hint)
    })?;
    let live = match &api {
        None => None,
        Some(api) => {
            let live = Box::pin(Live::read(control, api, &wanted)).await;
            Some(live.map_err(|error| error.failure(title()))?)
        }
    };
    let mut notes: Vec<String> = normalized
        .without_effect
        .iter()
        .map(|part| format!("{part} have no effect and are left out"))
        .collect();
    notes.extend(notes_on_file(&request.file, control.region()));
    let mut plan = compare(request, wanted, live.as_ref());
    notes.append(&mut plan.notes);
    Ok(ApplyPlan { notes, ..plan })
}

/// Plans what must change, from what was read.
fn compare(request: &ApplyRequest, wanted: ApiFile, live: Option<&Live>) -> ApplyPlan {
    let names = match live {
        Some(live) => matching::names(&wanted, &live.draft),
        None => Names::new(),
    };
    let from = live.map(|live| live.file(&wanted, &names));
    let all = changes(&from.clone().unwrap_or_default(), &wanted);
    let (left_alone, changes): (Vec<Change>, Vec<Change>) = all.into_iter().partition(|change| {
        change.kind == ChangeKind::Removed && request.extras == Extras::LeftAlone
    });
    let there = live
        .zip(from.as_ref())
        .map(|(live, from)| live.with_idle_responses(from, &wanted, &names));
    let steps = steps::plan(there.as_ref(), &wanted, request.extras);
    let both = live.zip(from.as_ref()).filter(|_| !steps.is_empty());
    let of_target = both.map(|(live, from)| notes_on_target(live, from, &wanted, request.extras));
    let mut notes: Vec<String> = live.map_or_else(Vec::new, |live| live.notes_on_kept(&wanted));
    notes.extend(of_target.into_iter().flatten());
    ApplyPlan {
        name: wanted.name.clone(),
        api: live.map(|live| live.draft.api.id.clone()),
        changes: as_creation(changes, from.is_none()),
        left_alone: left_alone.into_iter().map(|it| it.subject).collect(),
        notes,
        ids: live
            .map(|live| PartIds::of(live, &names))
            .unwrap_or_default(),
        request: request.clone(),
        wanted,
        steps,
    }
}

/// An API that does not exist yet is added, not changed.
fn as_creation(mut changes: Vec<Change>, is_new: bool) -> Vec<Change> {
    for change in &mut changes {
        if is_new && change.subject == Subject::Api {
            change.kind = ChangeKind::Added;
            change
                .details
                .iter_mut()
                .for_each(|detail| detail.old = None);
        }
    }
    changes
}

/// The API that is meant; none when there is none yet; or the reason why nobody can tell, and what to do.
fn choose(apis: &[Api], request: &ApplyRequest) -> Result<Option<ApiId>, (String, String)> {
    if let Some(id) = &request.api {
        let is_there = apis.iter().any(|api| api.id == *id);
        return if is_there {
            Ok(Some(id.clone()))
        } else {
            Err((
                format!("no WebSocket API of this target has the id {id}"),
                "see the ids with `stagewire apis`, or leave --api away to create the API".into(),
            ))
        };
    }
    let named: Vec<&Api> = apis
        .iter()
        .filter(|api| api.name == request.file.name)
        .collect();
    match named.as_slice() {
        [] => Ok(None),
        [api] => Ok(Some(api.id.clone())),
        several => {
            let ids: Vec<&str> = several.iter().map(|api| api.id.as_str()).collect();
            Err((
                format!("{} APIs have that name: {}", ids.len(), ids.join(", ")),
                "say which with --api ID".into(),
            ))
        }
    }
}

fn notes_on_file(file: &ApiFile, region: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if file.deployment.is_some() || !file.then.is_empty() {
        notes.push(
            "the file's history comes to its end only; its deployments are for `gateway --seed`"
                .to_owned(),
        );
    }
    if let Some(named) = file.region.as_deref().filter(|named| *named != region) {
        notes.push(format!(
            "the file's region {named} is for `gateway --seed`; this goes to {region}"
        ));
    }
    notes
}

/// Returns notes on what clients or others would feel of the apply.
fn notes_on_target(live: &Live, from: &ApiFile, wanted: &ApiFile, extras: Extras) -> Vec<String> {
    let deploying = live.stages.iter().filter(|stage| stage.auto_deploy);
    let mut notes: Vec<String> = deploying
        .map(|stage| {
            let name = &stage.name;
            format!("stage {name} deploys by itself: it serves each change as soon as it is made")
        })
        .collect();
    match extras {
        Extras::Pruned => notes.extend(notes_on_deleted_stages(live, wanted)),
        Extras::LeftAlone => notes.extend(notes_on_shared_integrations(from, wanted)),
    }
    notes
}

fn notes_on_deleted_stages(live: &Live, wanted: &ApiFile) -> impl Iterator<Item = String> {
    let stages = live.stages.iter();
    let deleted = stages.filter(|stage| !wanted.stages.contains_key(&stage.name));
    deleted.filter_map(|stage| {
        let deployment = stage.deployment_id.as_ref()?;
        Some(format!(
            "stage {} serves {deployment}; its clients are disconnected when it is deleted",
            stage.name
        ))
    })
}

fn notes_on_shared_integrations(from: &ApiFile, wanted: &ApiFile) -> impl Iterator<Item = String> {
    let routes = from.routes.iter();
    let left = routes.filter(|(key, _)| !wanted.routes.contains_key(*key));
    left.filter_map(|(key, route)| {
        let name = route.integration.as_ref()?;
        let becomes = wanted.integrations.get(name)?;
        let is_changed = from.integrations.get(name) != Some(becomes);
        is_changed.then(|| {
            format!(
                "route {} is left alone and changes with the integration {} that it shares",
                printable(key),
                printable(name)
            )
        })
    })
}

impl Live {
    async fn read(control: &Control, api: &ApiId, wanted: &ApiFile) -> Result<Self, aws::Error> {
        control.expect(1);
        let (draft, stages) =
            tokio::try_join!(Box::pin(reading::whole(control, api)), control.stages(api))?;
        let stages = stages.whole()?;
        let mut live = Self { draft, stages };
        live.read_hidden(control, wanted).await?;
        Ok(live)
    }

    /// Responses that have no effect are not read with the others. Where the file gives them one, they must be known, or
    /// creating them would be refused.
    async fn read_hidden(&mut self, control: &Control, wanted: &ApiFile) -> Result<(), aws::Error> {
        let api = self.draft.api.id.clone();
        let names = matching::names(wanted, &self.draft);
        for integration in &mut self.draft.integrations {
            let name = names.get(&integration.id);
            let file = name.and_then(|name| wanted.integrations.get(name));
            if integration.integration_type.ends_with("_PROXY")
                && file.is_some_and(|file| !file.responses.is_empty())
            {
                control.expect(1);
                integration.responses =
                    control.integration_responses(&api, &integration.id).await?;
            }
        }
        Ok(())
    }

    /// The target as a file, with these names for its integrations.
    fn file(&self, wanted: &ApiFile, names: &Names) -> ApiFile {
        let mut file = api_file(self.draft.parts(), &self.stages, names);
        for (name, stage) in &mut file.stages {
            if let Some(wanted) = wanted.stages.get(name) {
                overlook_idle(stage, wanted);
                overlook_description(stage, wanted);
            }
        }
        file
    }

    /// Returns notes on what the file does not have and no call takes away.
    fn notes_on_kept(&self, wanted: &ApiFile) -> Vec<String> {
        let kept = self.stages.iter().filter(|stage| {
            let wanted = wanted.stages.get(&stage.name);
            stage.description.is_some() && wanted.is_some_and(|it| it.description.is_none())
        });
        let note = |stage: &Stage| {
            let name = &stage.name;
            format!("stage {name} keeps its description, which API Gateway does not take away")
        };
        kept.map(note).collect()
    }

    /// Adds the responses without effect that both sides have: `file` is the target's and shows none of them.
    fn with_idle_responses(&self, file: &ApiFile, wanted: &ApiFile, names: &Names) -> ApiFile {
        let mut there = file.clone();
        for integration in &self.draft.integrations {
            let name = names.get(&integration.id);
            let both = name.and_then(|name| {
                let there = there.integrations.get_mut(name)?;
                Some((there, wanted.integrations.get(name)?))
            });
            if let Some((there, wanted)) = both {
                let mut responses = integration_responses(integration);
                responses.retain(|key, _| wanted.responses.contains_key(key));
                there.responses.extend(responses);
            }
        }
        there
    }
}

/// Leaves out a description that the file does not have.
// SOURCE: reported of AWS: no call takes it away; held against the file, it would be a difference for ever.
fn overlook_description(stage: &mut StageFile, wanted: &StageFile) {
    if wanted.description.is_none() {
        stage.description = None;
    }
}

/// Leaves out of the settings of single routes what the file does not name and what changes nothing.
// GUESS: AWS may complete such settings with values that switch nothing on; held against the file, they would be differences
// that no call removes.
fn overlook_idle(stage: &mut StageFile, wanted: &StageFile) {
    let defaults = &wanted.default_route_settings;
    for (key, settings) in &mut stage.route_settings {
        let nothing = RouteSettingsFile::default();
        let named = wanted.route_settings.get(key).unwrap_or(&nothing);
        if named.data_trace_enabled.is_none() && defaults.data_trace_enabled.is_none() {
            settings.data_trace_enabled = settings.data_trace_enabled.filter(|is_on| *is_on);
        }
        if named.detailed_metrics_enabled.is_none() && defaults.detailed_metrics_enabled.is_none() {
            let metrics = settings.detailed_metrics_enabled;
            settings.detailed_metrics_enabled = metrics.filter(|is_on| *is_on);
        }
        if named.logging_level.is_none() && defaults.logging_level.is_none() {
            let level = settings.logging_level.take();
            settings.logging_level = level.filter(|level| level != "OFF");
        }
    }
    let all: BTreeMap<_, _> = std::mem::take(&mut stage.route_settings);
    stage.route_settings = all
        .into_iter()
        .filter(|(_, settings)| !settings.is_empty())
        .collect();
}
