//! Answers from the world: where each piece of data goes, and what a person hears of it.

use super::{
    Effect, Remote, State,
    deploy::DeployOutcome,
    message::{DeployMessage, HostMessage, LibraryMessage},
    modal::{Modal, failure::FailureModal},
    notice::Tone,
    screen::{Screen, apis::ApisScreen, targets::TargetsScreen},
    state::Deploys,
};
use crate::model::{
    Failure, FailureKind, LinkEvent, LinkId, Target, Ticket,
    plan::{DeployFailure, Deployed, LeftOver, Remains, Repoint, StageUse},
};

pub(super) fn library(state: &mut State, message: LibraryMessage, effects: &mut Vec<Effect>) {
    match message {
        LibraryMessage::TargetsLoaded(ticket, result) => {
            state.library.targets.finish(ticket, result);
        }
        LibraryMessage::TargetChanged(ticket, result) => {
            target_changed(state, ticket, result, effects);
        }
        LibraryMessage::ApisLoaded(ticket, result) => {
            let failure = result.as_ref().err().cloned();
            let is_awaited = state.library.apis.finish(ticket, result);
            if let Some(failure) = failure.filter(|_| is_awaited) {
                background(state, &failure);
            }
        }
        LibraryMessage::ApiLoaded(ticket, id, result) => {
            let failure = result.as_ref().as_ref().err().cloned();
            let is_awaited = state
                .library
                .details
                .get_mut(&id)
                .is_some_and(|remote| remote.finish(ticket, *result));
            if let Some(failure) = failure.filter(|_| is_awaited) {
                background(state, &failure);
            }
        }
    }
}

/// A failure whose text stands where the data would be: the log keeps it, and a notice is for data that is still shown.
fn background(state: &mut State, failure: &Failure) {
    state.notices.keep_failure(state.now, failure);
}

fn target_changed(
    state: &mut State,
    ticket: Ticket,
    result: Result<Target, Failure>,
    effects: &mut Vec<Effect>,
) {
    let failure = result.as_ref().err().cloned();
    if !state.library.target.finish(ticket, result) {
        return;
    }
    let is_starting = std::mem::replace(&mut state.is_starting, false);
    let Some(failure) = failure else {
        state.library.forget_target(effects);
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
            let now = state.now;
            if let Some(job) = &mut state.deploys.job
                && job.ticket == ticket
            {
                job.progress(progress, now);
            }
        }
        DeployMessage::Finished(ticket, result) => finished(state, ticket, *result, effects),
        DeployMessage::CleanedUp(ticket, result) => cleaned_up(state, ticket, result),
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
    let is_awaited = state
        .deploys
        .job
        .as_ref()
        .is_some_and(|job| job.ticket == ticket);
    if !is_awaited {
        return;
    }
    match result {
        Ok(deployed) => succeeded(state, &deployed, effects),
        Err(failed) => {
            state.notices.keep_failure(state.now, &failed.failure);
            let is_open = state
                .modals
                .iter()
                .any(|modal| matches!(modal, Modal::Deploy(_)));
            if !is_open {
                let text = format!("{} {} d shows it", failed.failure.title, state.glyphs.dot);
                state.notices.offer(state.now, Tone::Danger, text);
            }
            let may_have_changed = failed.remains != Remains::Nothing;
            if let Some(job) = &mut state.deploys.job {
                let api_id = job.plan.request.api_id.clone();
                job.outcome = Some(DeployOutcome::Failed(Box::new(failed)));
                if may_have_changed {
                    state.lend(effects, |_, _, context| context.load_api(&api_id));
                }
            }
        }
    }
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
    state.deploys.job = None;
    state.deploys.undo = undo;
    state.deploys.last = Some((deployed.api_id.clone(), stage.clone()));
    let n_modals = state.modals.len();
    state
        .modals
        .retain(|modal| !matches!(modal, Modal::Deploy(_)));
    if state.modals.len() < n_modals {
        state.deploys.closed_at = Some(state.now);
    }
    // The stage is there from now on, so that "l" means it though the API has not been read again.
    let known = state.library.details.get_mut(&deployed.api_id);
    if let Some(detail) = known.and_then(Remote::data_mut) {
        detail.note(deployed);
    }
    for screen in &mut state.screens {
        if let Screen::Api(screen) = screen {
            screen.show_stage(&deployed.api_id, stage);
        }
    }
    state.lend(effects, |_, _, context| context.load_api(&deployed.api_id));
}

fn cleaned_up(state: &mut State, ticket: Ticket, result: Result<(), Failure>) {
    let Some(job) = &mut state.deploys.job else {
        return;
    };
    let Some(DeployOutcome::CleaningUp(awaited, left)) = &job.outcome else {
        return;
    };
    if *awaited != ticket {
        return;
    }
    match result {
        Ok(()) => {
            let text = format!("Deployment {} is deleted", left.deployment_id);
            state.notices.say(state.now, Tone::Ok, text);
            job.outcome = Some(DeployOutcome::CleanedUp);
        }
        Err(failure) => {
            state.notices.keep_failure(state.now, &failure);
            // The control plane may have refused because the stage serves it by now.
            let left = LeftOver {
                stage_use: StageUse::Unknown,
                ..left.clone()
            };
            job.outcome = Some(DeployOutcome::Failed(Box::new(DeployFailure {
                failure,
                remains: Remains::LeftOver(left),
            })));
        }
    }
}

fn repointed(
    state: &mut State,
    repoint: &Repoint,
    result: Result<(), Failure>,
    effects: &mut Vec<Effect>,
) {
    match result {
        Ok(()) => {
            let text = format!("{} serves {} again", repoint.stage, repoint.to);
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
    state.lend(effects, |_, _, context| context.load_api(&repoint.api_id));
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
    }
}

pub(super) fn host(state: &mut State, message: HostMessage, effects: &mut Vec<Effect>) {
    match message {
        HostMessage::Copied(ticket, result) => copied(state, ticket, result),
        HostMessage::Noticed(failure) => state.notices.fail(state.now, failure),
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
