//! Answers from the world: where each piece of data goes, and what a person hears of it.

use super::{
    Effect, Remote, State,
    deploy::{DeployJob, DeployOutcome, Deploys},
    message::{Connected, DeployMessage, HostMessage, LibraryMessage, Recalled},
    modal::{Modal, failure::FailureModal},
    notice::Tone,
    screen::{Screen, apis::ApisScreen, targets::TargetsScreen},
};
use crate::model::{
    ApiId, Failure, FailureKind, LinkEvent, LinkId, Ticket,
    plan::{DeployFailure, Deployed, LeftOver, Remains, Repoint, StageUse, Unproved},
};

pub(super) fn library(state: &mut State, message: LibraryMessage, effects: &mut Vec<Effect>) {
    match message {
        LibraryMessage::TargetsLoaded(ticket, result) => {
            state.library.targets.finish(ticket, result);
        }
        LibraryMessage::TargetChanged(ticket, result) => {
            target_changed(state, ticket, result, effects);
        }
        LibraryMessage::PaceChanged(pace) => state.library.manner.pace = pace,
        LibraryMessage::ApisLoaded(ticket, result) => {
            let failure = result.as_ref().err().cloned();
            if state.library.take_apis(ticket, result) {
                background(state, failure);
            }
        }
        LibraryMessage::StagesRead(ticket, id, result) => {
            let of = (ticket, &id);
            if state.library.take_stages(of, *result, state.now) {
                let detail = state.library.detail(&id);
                let stages = detail.and_then(|it| it.stages.failure.clone());
                let deployments = detail.and_then(|it| it.deployments.failure.clone());
                background(state, stages.or(deployments));
            }
        }
        LibraryMessage::ReadingProgressed(ticket, progress) => {
            state.library.take_progress(ticket, progress);
        }
        LibraryMessage::DraftRead(ticket, id, result) => {
            let of = (ticket, &id);
            if state.library.take_draft(of, *result, state.now) {
                let detail = state.library.detail(&id);
                let failure = detail.and_then(|it| it.draft_failure().cloned());
                background(state, failure);
                prove(state, &id, effects);
            }
        }
    }
}

/// A failure whose text stands where the data would be: the log keeps it, and a notice is for data that is still shown. What
/// fails again and again in the background is told once.
fn background(state: &mut State, failure: Option<Failure>) {
    if let Some(failure) = failure {
        state.notices.keep_news(state.now, &failure);
    }
}

/// Gives deployments their fingerprints that a reading of the draft has proved.
fn prove(state: &mut State, id: &ApiId, effects: &mut Vec<Effect>) {
    let detail = state.library.detail(id);
    let Some(draft) = detail.and_then(|detail| detail.draft.as_ref()) else {
        return;
    };
    for unproved in state.deploys.settle_proof(id, draft) {
        let ticket = state.tickets.next_ticket();
        effects.push(Effect::Prove(ticket, Box::new(unproved)));
    }
}

/// A deployment carries its fingerprint: what is known of it is read again.
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
            state.notices.say(state.now, Tone::Ok, text);
        }
        Err(failure) => state.notices.fail(state.now, failure),
    }
    state.lend(effects, |_, _, context| {
        context.load_stages(&unproved.api_id);
    });
}

fn target_changed(
    state: &mut State,
    ticket: Ticket,
    result: Result<Connected, Failure>,
    effects: &mut Vec<Effect>,
) {
    let failure = result.as_ref().err().cloned();
    let mut manner = state.library.manner;
    let mut recalled = None;
    let target = result.map(|connected| {
        manner = connected.manner;
        recalled = connected.recalled;
        connected.target
    });
    if !state.library.target.finish(ticket, target) {
        return;
    }
    state.library.manner = manner;
    let is_starting = std::mem::replace(&mut state.is_starting, false);
    let Some(failure) = failure else {
        state.library.forget_target(effects);
        if let Some(recalled) = recalled {
            let Recalled {
                apis,
                as_of,
                details,
            } = *recalled;
            let now = state.now;
            state.library.recall((apis, as_of), details, now);
        }
        if let Some(session) = state.live.take() {
            effects.extend(session.close());
        }
        // What was deployed, half deployed or to be undone belongs to the target before.
        state.deploys = Deploys::default();
        if !matches!(state.screens.as_slice(), [Screen::Apis(_)]) || !is_starting {
            state.screens = vec![Screen::Apis(ApisScreen::default())];
            state.modals.clear();
        }
        return;
    };
    // The target before stays in force, if there was one.
    state.library.wanted_target = None;
    if let Remote::Failed {
        previous: Some(previous),
        ..
    } = &state.library.target
    {
        let previous = previous.clone();
        state.library.wanted_target = Some(previous.clone());
        state.library.target = Remote::Ready(previous);
    }
    state.notices.keep_failure(state.now, &failure);
    if is_starting {
        state.screens = vec![Screen::Targets(TargetsScreen::after(failure))];
    } else {
        state
            .modals
            .push(Modal::Failure(FailureModal::new(failure)));
    }
}

pub(super) fn deploy(state: &mut State, message: DeployMessage, effects: &mut Vec<Effect>) {
    match message {
        DeployMessage::Planned(ticket, result) => planned(state, ticket, *result, effects),
        DeployMessage::Progressed(ticket, progress) => {
            if let Some(job) = state.deploys.waiting_for(ticket) {
                job.progress(progress, state.now);
            }
        }
        DeployMessage::Finished(ticket, result) => finished(state, ticket, *result, effects),
        DeployMessage::CleanedUp(ticket, result) => cleaned_up(state, ticket, result, effects),
        DeployMessage::Proved(_, unproved, result) => proved(state, &unproved, result, effects),
        DeployMessage::Repointed(_, repoint, result) => {
            repointed(state, &repoint, result, effects);
        }
    }
}

fn planned(
    state: &mut State,
    ticket: Ticket,
    result: Result<crate::model::plan::DeployPlan, Failure>,
    effects: &mut Vec<Effect>,
) {
    state.lend(effects, |_, modals, context| {
        for modal in modals.iter_mut() {
            if let Modal::Deploy(dialog) = modal {
                dialog.planned(ticket, result, context);
                return;
            }
        }
    });
}

fn finished(
    state: &mut State,
    ticket: Ticket,
    result: Result<Deployed, DeployFailure>,
    effects: &mut Vec<Effect>,
) {
    let Some(job) = state.deploys.waiting_for(ticket) else {
        return;
    };
    let failed = match result {
        Ok(deployed) => return succeeded(state, &deployed, effects),
        Err(failed) => failed,
    };
    let api_id = job.api().clone();
    let remains = failed.remains.clone();
    let title = failed.failure.title.clone();
    state.notices.keep_failure(state.now, &failed.failure);
    job.outcome = Some(DeployOutcome::Failed(Box::new(failed)));
    if remains == Remains::Nothing && !has_dialog(state, &api_id) {
        // There is nothing to decide: the log has the reason, and the next dialog begins anew.
        state.deploys.remove(&api_id);
        let text = format!("{title} {} ! says why", state.glyphs.dot);
        state.notices.offer(state.now, Tone::Danger, text);
        return;
    }
    tell_of_failure(state, &api_id, &title);
    if remains != Remains::Nothing {
        state.lend(effects, |_, _, context| {
            context.load_stages(&api_id);
        });
    }
}

/// True while the dialog of this API is open, perhaps below another modal.
fn has_dialog(state: &State, api: &ApiId) -> bool {
    let mut modals = state.modals.iter();
    modals.any(|modal| matches!(modal, Modal::Deploy(dialog) if dialog.is_of(api)))
}

/// Says that something failed whose dialog is not open, and where to see it.
fn tell_of_failure(state: &mut State, api: &ApiId, title: &str) {
    if has_dialog(state, api) {
        return;
    }
    let name = state.deploys.job(api).map(DeployJob::name);
    let dot = state.glyphs.dot;
    let text = format!("{title} {dot} d on {} shows it", name.unwrap_or_default());
    state.notices.offer(state.now, Tone::Danger, text);
}

fn succeeded(state: &mut State, deployed: &Deployed, effects: &mut Vec<Effect>) {
    let dot = state.glyphs.dot;
    let stage = &deployed.stage.name;
    let undo = deployed.undo();
    let from = deployed
        .previous
        .as_ref()
        .map_or("new", |deployment| deployment.as_str());
    let mut text = format!(
        "{stage}: {from} {} {}",
        state.glyphs.arrow, deployed.deployment.id
    );
    state.settles(&deployed.api_id, stage);
    text.push_str(&state.settling_text(&deployed.api_id, stage));
    if undo.is_some() {
        text = format!("{text} {dot} u undo");
    }
    text = format!("{text} {dot} l live");
    state.notices.offer(state.now, Tone::Ok, text);
    for warning in &deployed.warnings {
        state
            .notices
            .offer(state.now, Tone::Warning, warning.clone());
    }
    state.deploys.remove(&deployed.api_id);
    state.deploys.undo = undo;
    state.deploys.last = Some((deployed.api_id.clone(), stage.clone()));
    let n_modals = state.modals.len();
    let is_done =
        |modal: &Modal| matches!(modal, Modal::Deploy(dialog) if dialog.is_of(&deployed.api_id));
    state.modals.retain(|modal| !is_done(modal));
    if state.modals.len() < n_modals {
        state.deploys.closed_at = Some(state.now);
    }
    // The stage is there from now on, so that "l" means it though the API has not been read again.
    if let Some(detail) = state.library.detail_mut(&deployed.api_id) {
        detail.note(deployed);
    }
    state.deploys.unproved.extend(deployed.unproved.clone());
    for screen in &mut state.screens {
        if let Screen::Api(screen) = screen {
            screen.show_stage(&deployed.api_id, stage);
        }
    }
    state.lend(effects, |_, _, context| {
        context.load_stages(&deployed.api_id);
    });
}

fn cleaned_up(
    state: &mut State,
    ticket: Ticket,
    result: Result<(), Failure>,
    effects: &mut Vec<Effect>,
) {
    let Some(job) = state.deploys.waiting_for(ticket) else {
        return;
    };
    let Some(DeployOutcome::CleaningUp(_, left)) = &job.outcome else {
        return;
    };
    let api_id = job.api().clone();
    match result {
        Ok(()) => {
            let text = format!("Deployment {} is deleted", left.deployment_id);
            state.notices.say(state.now, Tone::Ok, text);
            job.outcome = Some(DeployOutcome::CleanedUp);
            if !has_dialog(state, &api_id) {
                state.deploys.remove(&api_id);
            }
        }
        Err(failure) => {
            state.notices.keep_failure(state.now, &failure);
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
    state.lend(effects, |_, _, context| {
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
            state.settles(&repoint.api_id, &repoint.stage);
            let settling = state.settling_text(&repoint.api_id, &repoint.stage);
            let text = format!("{} serves {} again{settling}", repoint.stage, repoint.to);
            state.notices.say(state.now, Tone::Ok, text);
        }
        Err(failure) => {
            state.notices.keep_failure(state.now, &failure);
            state
                .modals
                .push(Modal::Failure(FailureModal::new(failure)));
            // It can be tried again: the order itself checks that the stage still serves what it served.
            state.deploys.undo = Some(repoint.clone());
        }
    }
    state.lend(effects, |_, _, context| {
        context.load_stages(&repoint.api_id);
    });
}

/// Takes what a link told. That a message was lost is said at once: the person who sent it believes that it left.
pub(super) fn link(state: &mut State, link: LinkId, event: LinkEvent) {
    let Some(session) = &mut state.live else {
        return;
    };
    if let LinkEvent::Unsent(n_unsent) = event {
        let title = match n_unsent {
            1 => "A message was not sent: the connection had ended".to_owned(),
            n => format!("{n} messages were not sent: the connection had ended"),
        };
        let failure = Failure::new(FailureKind::Remote, title);
        state.notices.fail(state.now, failure);
    } else {
        session.take(link, event);
        let (api, stage) = (&session.api.id, &session.stage);
        let settles_in = state.library.settles_in(api, stage, state.now);
        if settles_in.is_some()
            && let Some(link) = session.links.iter_mut().find(|it| it.id == link)
            && link.retry.is_none()
        {
            link.await_settling(state.now);
        }
    }
}

pub(super) fn host(state: &mut State, message: HostMessage, effects: &mut Vec<Effect>) {
    match message {
        HostMessage::Copied(ticket, result) => copied(state, ticket, result),
        HostMessage::LimitsChanged(limits) => {
            state.library.our_limits = limits;
            if let Some(session) = &mut state.live {
                session.change_limits(limits);
            }
        }
        HostMessage::Noticed(failure) => state.notices.fail(state.now, failure),
        HostMessage::Warned(failure) => state.notices.warn(state.now, failure),
        HostMessage::EndRequested => effects.push(Effect::Quit),
        message @ (HostMessage::Edited(..) | HostMessage::HistoryLoaded(..)) => {
            state.lend(effects, |screens, _, context| {
                for screen in screens.iter_mut() {
                    screen.view_mut().host(message.clone(), context);
                }
            });
        }
    }
}

fn copied(state: &mut State, ticket: Ticket, result: Result<&'static str, Failure>) {
    let what = state.tickets.copied(ticket).unwrap_or_default();
    match result {
        Ok(way) => {
            let text = format!("copied {what} ({way})");
            state.notices.say(state.now, Tone::Ok, text);
        }
        Err(failure) => {
            state.notices.keep_failure(state.now, &failure);
            state
                .modals
                .push(Modal::Failure(FailureModal::new(failure)));
        }
    }
}
