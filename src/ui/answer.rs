//! Answers from the world: the place of each piece of data in the state, and the news for the person.

use super::{
    Effect, Remote, State,
    deploy::{DeployJob, DeployOutcome, Deploys},
    effect::Job,
    live::composer::Composer,
    message::{Connected, DeployMessage, HostMessage, LibraryMessage, Recalled, StageMessage},
    notice::Tone,
    route::Route,
    state::{Layer, Layers},
    view::{DeployNews, settling_text},
};
use crate::model::{
    ApiId, Failure, FailureKind, LinkEvent, LinkId, StageName, Ticket,
    plan::{DeployFailure, DeployPlan, Deployed, LeftOver, Remains, Repoint, StageUse, Unproved},
    text, transcript,
};
use crate::ui::{
    Action,
    data::detail_of,
    keys::{self, Scope},
};

pub(super) fn library(state: &mut State, message: LibraryMessage, effects: &mut Vec<Effect>) {
    match message {
        LibraryMessage::TargetsLoaded(ticket, result) => {
            state.data.library.targets.finish(ticket, result);
        }
        LibraryMessage::TargetChanged(ticket, result) => {
            target_changed(state, ticket, result, effects);
        }
        LibraryMessage::PaceChanged(pace) => state.data.library.manner.pace = pace,
        LibraryMessage::ApisLoaded(ticket, result) => {
            let failure = result.as_ref().err().cloned();
            if state.data.library.take_apis(ticket, result) {
                background(state, failure);
            }
        }
        LibraryMessage::StagesRead(ticket, id, result) => {
            let (library, now) = (&mut state.data.library, state.look.now);
            if library.take_stages(ticket, &id, *result, now) {
                let detail = state.data.library.detail(&id);
                let stages = detail.and_then(|it| it.stages.failure.clone());
                let deployments = detail.and_then(|it| it.deployments.failure.clone());
                background(state, stages.or(deployments));
            }
        }
        LibraryMessage::ReadingProgressed(ticket, progress) => {
            state.data.library.take_progress(ticket, progress);
        }
        LibraryMessage::DraftRead(ticket, id, result) => {
            let (library, now) = (&mut state.data.library, state.look.now);
            if library.take_draft(ticket, &id, *result, now) {
                let detail = state.data.library.detail(&id);
                let failure = detail.and_then(|it| it.draft_failure().cloned());
                background(state, failure);
                prove(state, &id, effects);
            }
        }
    }
}

/// Keeps a failure in the log whose text stands where the data would be; a notice is for data that is still shown. A
/// failure that repeats in the background is kept once.
fn background(state: &mut State, failure: Option<Failure>) {
    if let Some(failure) = failure {
        state.data.notices.keep_news(state.look.now, &failure);
    }
}

/// Has the deployments given their fingerprints that a reading of the draft has proved.
fn prove(state: &mut State, id: &ApiId, effects: &mut Vec<Effect>) {
    let detail = state.data.library.detail(id);
    let Some(draft) = detail.and_then(|detail| detail.draft.as_ref()) else {
        return;
    };
    for unproved in state.data.deploys.prove_by(id, draft) {
        let ticket = state.data.tickets.next_ticket();
        effects.push(Effect::Job(Job::Prove(ticket, Box::new(unproved))));
    }
}

/// Tells that a deployment carries its fingerprint, or why not, and asks for its API's stages and deployments again.
fn proved(
    state: &mut State,
    unproved: &Unproved,
    result: Result<(), Failure>,
    effects: &mut Vec<Effect>,
) {
    let id = &unproved.deployment.id;
    match result {
        Ok(()) => {
            let text = format!("{id} holds the draft as it was read before, proved behind it");
            state.data.notices.say(state.look.now, Tone::Ok, text);
        }
        Err(failure) => state.data.notices.fail(state.look.now, failure),
    }
    state.touch(effects, |context| {
        context.load_stages(&unproved.api_id);
    });
}

fn target_changed(
    state: &mut State,
    ticket: Ticket,
    result: Result<Connected, Failure>,
    effects: &mut Vec<Effect>,
) {
    let (target, rest) = match result {
        Ok(Connected {
            target,
            manner,
            recalled,
        }) => (Ok(target), Ok((manner, recalled))),
        Err(failure) => (Err(failure.clone()), Err(failure)),
    };
    if !state.data.library.target.finish(ticket, target) {
        return;
    }
    let is_starting = std::mem::replace(&mut state.is_starting, false);
    match rest {
        Ok((manner, recalled)) => {
            effects.push(Effect::Job(Job::UseTarget(ticket)));
            state.data.library.manner = manner;
            move_to_target(state, recalled, effects);
            let is_there = state.screens.len() == 1 && state.screen().route() == Route::Apis;
            if !is_there || !is_starting {
                state.show_first(Route::Apis, effects);
            }
        }
        Err(failure) => {
            stay_at_target(state);
            state.data.notices.keep_failure(state.look.now, &failure);
            if is_starting {
                state.show_first(Route::Targets(Some(failure)), effects);
            } else {
                state.open(Route::Failure(failure), effects);
            }
        }
    }
}

/// Forgets what was read of the target before, and takes what an earlier run has read of the new one.
fn move_to_target(state: &mut State, recalled: Option<Box<Recalled>>, effects: &mut Vec<Effect>) {
    let library = &mut state.data.library;
    library.forget_target(effects);
    if let Some(recalled) = recalled {
        let Recalled {
            apis,
            as_of,
            details,
        } = *recalled;
        library.recall(apis, as_of, details, state.look.now);
    }
    // What was deployed, half deployed or to be undone belongs to the target before.
    state.data.deploys = Deploys::default();
}

/// Keeps the target before in force, if there was one.
fn stay_at_target(state: &mut State) {
    let library = &mut state.data.library;
    library.wanted_target = None;
    if let Remote::Failed {
        previous: Some(previous),
        ..
    } = &library.target
    {
        let previous = previous.clone();
        library.wanted_target = Some(previous.clone());
        library.target = Remote::Ready(previous);
    }
}

pub(super) fn deploy(state: &mut State, message: DeployMessage, effects: &mut Vec<Effect>) {
    match message {
        DeployMessage::Planned(ticket, result) => planned(state, ticket, &result, effects),
        DeployMessage::Progressed(ticket, progress) => {
            if let Some(job) = state.data.deploys.waiting_for(ticket) {
                job.progress(progress, state.look.now);
            }
        }
        DeployMessage::Finished(ticket, result) => finished(state, ticket, *result, effects),
        DeployMessage::CleanedUp(ticket, result) => cleaned_up(state, ticket, result, effects),
        DeployMessage::Proved(_, unproved, result) => proved(state, &unproved, result, effects),
        DeployMessage::Repointed(ticket, repoint, result) => {
            let ours = &mut state.data.deploys.repointing;
            if ours.take_if(|ours| *ours == ticket).is_some() {
                repointed(state, &repoint, result, effects);
            } else if let Err(failure) = result {
                // It was ordered at another target, where one is no more.
                state.data.notices.fail(state.look.now, failure);
            }
        }
    }
}

fn planned(
    state: &mut State,
    ticket: Ticket,
    result: &Result<DeployPlan, Failure>,
    effects: &mut Vec<Effect>,
) {
    state.with_each(Layers::Shown, effects, |view, context| {
        view.deploy(DeployNews::Planned(ticket, result), context);
    });
}

fn finished(
    state: &mut State,
    ticket: Ticket,
    result: Result<Deployed, DeployFailure>,
    effects: &mut Vec<Effect>,
) {
    let Some(job) = state.data.deploys.waiting_for(ticket) else {
        return;
    };
    let failed = match result {
        Ok(deployed) => return succeeded(state, &deployed, effects),
        Err(failed) => failed,
    };
    let api_id = job.api().clone();
    let remains = failed.remains.clone();
    let title = failed.failure.title.clone();
    state
        .data
        .notices
        .keep_failure(state.look.now, &failed.failure);
    job.outcome = Some(DeployOutcome::Failed(Box::new(failed)));
    if remains == Remains::Nothing && !has_dialog(state, &api_id) {
        // There is nothing to decide: the log has the reason, and the next dialog begins anew.
        state.data.deploys.remove(&api_id);
        let log = keys::named(Scope::Global, Action::Log);
        let text = format!("{title} {} {log} says why", state.look.glyphs.dot);
        state.data.notices.offer(state.look.now, Tone::Danger, text);
        return;
    }
    tell_of_failure(state, &api_id, &title);
    if remains != Remains::Nothing {
        state.touch(effects, |context| {
            context.load_stages(&api_id);
        });
    }
}

/// True while the dialog of this API is open, perhaps below another modal.
fn has_dialog(state: &State, api: &ApiId) -> bool {
    state.modals.iter().any(|modal| is_dialog(modal, api))
}

fn is_dialog(modal: &Layer, api: &ApiId) -> bool {
    matches!(modal.view.route(), Route::Deploy(of, _) if of == *api)
}

/// Says that a deploy, or its cleaning up, failed while its dialog is not open, and names the key that shows it.
fn tell_of_failure(state: &mut State, api: &ApiId, title: &str) {
    if has_dialog(state, api) {
        return;
    }
    let name = state.data.deploys.job(api).map(DeployJob::name);
    let dot = state.look.glyphs.dot;
    let key = keys::named(Scope::Subject, Action::Deploy);
    let text = format!(
        "{title} {dot} {key} on {} shows it",
        name.unwrap_or_default()
    );
    state.data.notices.offer(state.look.now, Tone::Danger, text);
}

/// Returns the words for a stage that was moved and has not settled.
fn settling(state: &State, api: &ApiId, stage: &StageName) -> String {
    let left = state.data.deploys.settles_in(api, stage, state.look.now);
    settling_text(left, &state.look)
}

fn succeeded(state: &mut State, deployed: &Deployed, effects: &mut Vec<Effect>) {
    let dot = state.look.glyphs.dot;
    let stage = &deployed.stage.name;
    let undo = deployed.undo();
    let from = deployed
        .previous
        .as_ref()
        .map_or("new", |deployment| deployment.as_str());
    let mut text = format!(
        "{stage}: {from} {} {}",
        state.look.glyphs.arrow, deployed.deployment.id
    );
    state
        .data
        .note_move(&deployed.api_id, stage, state.look.now);
    text.push_str(&settling(state, &deployed.api_id, stage));
    if undo.is_some() {
        text = format!(
            "{text} {dot} {} undo",
            keys::named(Scope::Subject, Action::Undo)
        );
    }
    text = format!(
        "{text} {dot} {} live",
        keys::named(Scope::Subject, Action::Live)
    );
    state.data.notices.offer(state.look.now, Tone::Ok, text);
    for warning in &deployed.warnings {
        state
            .data
            .notices
            .offer(state.look.now, Tone::Warning, warning.clone());
    }
    state.data.deploys.remove(&deployed.api_id);
    state.data.deploys.undo = undo;
    state.data.deploys.last = Some((deployed.api_id.clone(), stage.clone()));
    let n_modals = state.modals.len();
    let api = &deployed.api_id;
    state.modals.retain(|modal| !is_dialog(modal, api));
    if state.modals.len() < n_modals {
        state.data.deploys.closed_at = Some(state.look.now);
    }
    // The stage is there from now on, so that "l" means it though the API has not been read again.
    if let Some(detail) = state.data.library.detail_mut(&deployed.api_id) {
        detail.note(deployed);
    }
    state
        .data
        .deploys
        .unproved
        .extend(deployed.unproved.clone());
    state.with_each(Layers::All, effects, |view, context| {
        view.deploy(DeployNews::Succeeded(api, stage), context);
    });
    state.touch(effects, |context| {
        context.load_stages(&deployed.api_id);
    });
}

fn cleaned_up(
    state: &mut State,
    ticket: Ticket,
    result: Result<(), Failure>,
    effects: &mut Vec<Effect>,
) {
    let Some(job) = state.data.deploys.waiting_for(ticket) else {
        return;
    };
    let Some(DeployOutcome::CleaningUp(_, left)) = &job.outcome else {
        return;
    };
    let api_id = job.api().clone();
    match result {
        Ok(()) => {
            let text = format!("Deployment {} is deleted", left.deployment_id);
            state.data.notices.say(state.look.now, Tone::Ok, text);
            job.outcome = Some(DeployOutcome::CleanedUp);
            if !has_dialog(state, &api_id) {
                state.data.deploys.remove(&api_id);
            }
        }
        Err(failure) => {
            state.data.notices.keep_failure(state.look.now, &failure);
            let title = failure.title.clone();
            // The control plane may have refused because the stage serves it by now.
            let left = LeftOver {
                stage_use: StageUse::Unknown,
                ..left.clone()
            };
            job.outcome = Some(DeployOutcome::Failed(Box::new(DeployFailure {
                failure,
                remains: Remains::LeftOver(left),
            })));
            tell_of_failure(state, &api_id, &title);
        }
    }
    state.touch(effects, |context| {
        context.load_stages(&api_id);
    });
}

fn repointed(
    state: &mut State,
    repoint: &Repoint,
    result: Result<(), Failure>,
    effects: &mut Vec<Effect>,
) {
    match result {
        Ok(()) => {
            state
                .data
                .note_move(&repoint.api_id, &repoint.stage, state.look.now);
            let settling = settling(state, &repoint.api_id, &repoint.stage);
            let text = format!("{} serves {} again{settling}", repoint.stage, repoint.to);
            state.data.notices.say(state.look.now, Tone::Ok, text);
        }
        Err(failure) => {
            state.data.notices.keep_failure(state.look.now, &failure);
            state.open(Route::Failure(failure), effects);
            // It can be tried again: the order itself checks that the stage still serves what it served.
            state.data.deploys.undo = Some(repoint.clone());
        }
    }
    state.touch(effects, |context| {
        context.load_stages(&repoint.api_id);
    });
}

/// Tells how a change of a stage's settings ended, closes its dialog when it is done, and reads the stages anew.
pub(super) fn stage(state: &mut State, message: &StageMessage, effects: &mut Vec<Effect>) {
    let n_modals = state.modals.len();
    state
        .modals
        .retain_mut(|modal| !modal.view.stage_news(message));
    if state.modals.len() < n_modals {
        state.data.deploys.closed_at = Some(state.look.now);
    }
    let StageMessage::Updated(_, update, result) = message else {
        return;
    };
    match result {
        Ok(()) => {
            let text = format!("The settings of {} are changed", update.stage);
            state.data.notices.say(state.look.now, Tone::Ok, text);
        }
        Err(failure) => {
            state.data.notices.keep_failure(state.look.now, failure);
            state.open(Route::Failure(failure.clone()), effects);
        }
    }
    state.touch(effects, |context| {
        // A reading that is on its way may be from before the change.
        context.ask(|library, asking| library.read_stages_anew(&update.api_id, asking));
    });
}

/// Takes an event of a link. That a message was lost is said at once: the person who sent it believes that it left.
pub(super) fn link(state: &mut State, link: LinkId, event: LinkEvent) {
    if let LinkEvent::Unsent(n_unsent) = event {
        let mut sessions = state.data.sessions.all().iter();
        let session = sessions.find(|session| session.link.id == link);
        let title = text::capitalized(&transcript::unsent(n_unsent));
        let failure = Failure::new(FailureKind::Remote, title);
        let failure = match session {
            Some(session) => failure.cause(format!("the session on {}", session.name())),
            None => failure,
        };
        state.data.notices.fail(state.look.now, failure);
        return;
    }
    let Some(session) = state.data.sessions.take(link, event) else {
        return;
    };
    session.explain_own_messages(detail_of(&state.data.library, session));
    let (api, stage) = (&session.api.id, &session.stage);
    let settles_in = state.data.library.settles_in(api, stage, state.look.now);
    if settles_in.is_some() && session.link.retry.is_none() {
        session.link.await_settling(state.look.now);
    }
}

pub(super) fn host(state: &mut State, message: HostMessage, effects: &mut Vec<Effect>) {
    match message {
        HostMessage::Copied(ticket, result) => copied(state, ticket, result, effects),
        HostMessage::LimitsChanged(limits) => {
            state.data.library.our_limits = limits;
            state.data.sessions.change_limits(limits);
        }
        HostMessage::Noticed(failure) => state.data.notices.fail(state.look.now, failure),
        HostMessage::Warned(failure) => state.data.notices.warn(state.look.now, failure),
        HostMessage::EndRequested => state.quit(effects),
        HostMessage::Edited(ticket, result) => {
            let take = |composer: &mut Composer, text| composer.finish_editing(ticket, text);
            compose(state, result, take);
        }
        HostMessage::HistoryLoaded(ticket, result) => {
            let take = |composer: &mut Composer, earlier| composer.finish_loading(ticket, earlier);
            compose(state, result, take);
        }
    }
}

/// Gives an answer to the composer that waits for it; a failure is told when one does.
fn compose<T: Clone>(
    state: &mut State,
    result: Result<T, Failure>,
    mut take: impl FnMut(&mut Composer, Option<T>) -> bool,
) {
    let (answer, failure) = match result {
        Ok(answer) => (Some(answer), None),
        Err(failure) => (None, Some(failure)),
    };
    let is_awaited = state
        .data
        .sessions
        .composers()
        .any(|composer| take(composer, answer.clone()));
    if let Some(failure) = failure.filter(|_| is_awaited) {
        state.data.notices.fail(state.look.now, failure);
    }
}

fn copied(
    state: &mut State,
    ticket: Ticket,
    result: Result<&'static str, Failure>,
    effects: &mut Vec<Effect>,
) {
    let what = state.data.tickets.copied(ticket).unwrap_or_default();
    match result {
        Ok(way) => {
            let text = format!("copied {what} ({way})");
            state.data.notices.say(state.look.now, Tone::Ok, text);
        }
        Err(failure) => {
            state.data.notices.keep_failure(state.look.now, &failure);
            state.open(Route::Failure(failure), effects);
        }
    }
}
