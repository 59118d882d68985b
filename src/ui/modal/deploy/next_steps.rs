//! The next steps of a deploy that runs or has failed: stop it, finish it, clean up, leave what it left, look again,
//! copy, close the dialog. This module draws nothing.

use super::{
    DeployModal, Phase,
    fields::{self, Part},
};
use crate::{
    model::plan::{Remains, StageChoice},
    ui::{
        Action, Effect,
        deploy::{DeployJob, DeployOutcome},
        effect::Job,
        keys::{self, Scope},
        notice::Tone,
        view::{Context, Scene},
        widget::scroll::Scroll,
    },
};

impl DeployModal {
    /// Does what the person wishes of the deploy.
    pub(super) fn act_on_job(&mut self, action: Action, context: &mut Context<'_>) {
        match action {
            Action::Stop => self.stop(context),
            Action::Finish => self.finish(context),
            Action::CleanUp => self.clean_up(context),
            Action::PlanAnew => self.leave(context),
            Action::Refresh => context.load_stages(&self.api),
            action => {
                let placed = context.placed;
                self.scroll.act(action, placed.page, placed.side_length);
            }
        }
    }

    /// Returns the reason why an action cannot be done to the deploy now; none when it can.
    pub(super) fn refuse_on_job(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let job = scene.data.deploys.job(&self.api)?;
        let reason = match action {
            Action::Stop if job.outcome.is_some() => "Deleting cannot be stopped half way",
            Action::Stop if job.is_stopping => "It ends with the step under way",
            Action::Finish | Action::CleanUp if job.left_over().is_none() => {
                "Only after a deploy that failed half way"
            }
            Action::Finish if job.left_over().is_some_and(|left| left.is_disproved) => {
                "It may hold something else than was planned: clean up, then plan anew"
            }
            Action::PlanAnew if job.is_running() => "The deploy is under way",
            Action::Refresh if job.remains().is_none() => "Only after a deploy that failed",
            _ => return None,
        };
        Some(reason.to_owned())
    }

    fn stop(&self, context: &mut Context<'_>) {
        if let Some(job) = context.data.deploys.job_mut(&self.api) {
            job.is_stopping = true;
            context
                .effects
                .push(Effect::Job(Job::StopDeploy(job.ticket)));
        }
    }

    fn finish(&mut self, context: &mut Context<'_>) {
        let ticket = context.data.tickets.next_ticket();
        let Some(job) = context.data.deploys.job_mut(&self.api) else {
            return;
        };
        if let Some(left) = job.left_over().cloned() {
            job.resume(ticket, context.look.now);
            self.scroll = Scroll::default();
            context
                .effects
                .push(Effect::Job(Job::FinishDeploy(ticket, left)));
        }
    }

    fn clean_up(&mut self, context: &mut Context<'_>) {
        let ticket = context.data.tickets.next_ticket();
        let Some(job) = context.data.deploys.job_mut(&self.api) else {
            return;
        };
        if let Some(left) = job.left_over().cloned() {
            job.outcome = Some(DeployOutcome::CleaningUp(ticket, left.clone()));
            self.scroll = Scroll::default();
            context
                .effects
                .push(Effect::Job(Job::CleanUpDeploy(ticket, left)));
        }
    }

    /// Leaves what exists as it is, and plans the same deploy anew.
    fn leave(&mut self, context: &mut Context<'_>) {
        let Some(job) = context.data.deploys.remove(&self.api) else {
            return;
        };
        if let Some(text) = left_as_it_is(&job) {
            context.say(Tone::Warning, text);
        }
        let request = job.plan.request;
        let name = request.stage.name();
        let detail = context.data.library.detail(&self.api);
        let exists = detail.is_some_and(|detail| detail.stage(name).is_some());
        self.phase = Phase::Plan;
        let description = request.description.as_deref().unwrap_or_default();
        self.form = fields::form(Some(name.clone()), description);
        if matches!(request.stage, StageChoice::New(_)) && !exists {
            self.form.set_text(Part::Stage, name.as_str());
        }
        self.forget_plan(context);
        self.ask(context);
    }

    /// Closes the dialog: a deploy that is undecided is shown again by the next one.
    pub(super) fn close(&mut self, context: &mut Context<'_>) {
        if !self.is_run() {
            self.forget_plan(context);
            return;
        }
        let Some(job) = context.data.deploys.job(&self.api) else {
            return;
        };
        match goes_on(job) {
            Some(text) => context.say(Tone::Info, text),
            None => {
                context.data.deploys.remove(&self.api);
            }
        }
    }

    pub(super) fn copy(&self, context: &mut Context<'_>) {
        let job = context
            .data
            .deploys
            .job(&self.api)
            .filter(|_| self.is_run());
        let failure = job.and_then(|job| match &job.outcome {
            Some(DeployOutcome::Failed(failed)) => Some(failed.failure.to_string()),
            _ => None,
        });
        let plan = job.map(|job| &job.plan).or(self.plan.data());
        let commands = plan.map(|plan| plan.commands.join("\n"));
        match (failure, commands) {
            (Some(failure), _) => context.copy("the failure", failure),
            (None, Some(commands)) => context.copy("the AWS CLI commands", commands),
            (None, None) => context.say(Tone::Warning, "There are no commands before the plan"),
        }
    }
}

/// Returns the words on what a dialog that closes leaves behind; none when nothing is left of the deploy.
fn goes_on(job: &DeployJob) -> Option<String> {
    let name = job.name();
    let key = keys::named(Scope::Subject, Action::Deploy);
    let text = match (&job.outcome, job.remains()) {
        (None, _) => format!(
            "The deploy to {} goes on; {key} on {name} shows it",
            job.stage()
        ),
        (Some(DeployOutcome::CleaningUp(_, left)), _) => format!(
            "Deleting deployment {} goes on; {key} on {name} shows it",
            left.deployment_id
        ),
        (Some(_), Some(Remains::LeftOver(left))) => format!(
            "Deployment {} is still there; {key} on {name} finishes or cleans up",
            left.deployment_id
        ),
        (Some(_), Some(Remains::Unknown)) => {
            format!("What the deploy left is not known; {key} on {name} shows it")
        }
        (Some(_), Some(Remains::Nothing) | None) => return None,
    };
    Some(text)
}

/// Returns the words on a deployment that stays when nobody deals with it, for the log to keep.
fn left_as_it_is(job: &DeployJob) -> Option<String> {
    let name = job.name();
    match job.remains()? {
        Remains::LeftOver(left) => Some(format!(
            "Deployment {} of {name} is left as it is, made for {}",
            left.deployment_id,
            job.stage()
        )),
        Remains::Unknown => Some(format!(
            "A deployment of {name} for {} may be left; nobody knows",
            job.stage()
        )),
        Remains::Nothing => None,
    }
}
