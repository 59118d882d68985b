//! Doing what a plan says, step by step, and going on with what a failed deploy left.

mod unseen;

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{command, moved, plan::title, shown};
use crate::{
    aws::{Control, Error, ErrorKind},
    model::{
        Deployment, DeploymentId, DeploymentStatus, Failure, FailureKind, Stage,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployStep, Deployed, LeftOver, Remains,
            StageChoice, StageUse, StepState,
        },
    },
    ops::{
        Journal, clock, detail,
        journal::{Entry, Found, WriteError},
    },
};

/// How long and how often a deployment that is not usable yet is asked for.
#[derive(Debug, Clone, Copy)]
struct Polling {
    first: Duration,
    longest: Duration,
    limit: Duration,
}

const POLLING: Polling = Polling {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(2),
    limit: Duration::from_mins(1),
};

/// Deploys as planned.
///
/// # Errors
/// Fails when the draft or the stage changed since the plan was made, when the deployment fails or takes too long, and
/// when the control plane refuses or cannot be reached; says then what exists because of it.
pub async fn run(
    control: &Control,
    journal: &Journal,
    plan: &DeployPlan,
    report: impl FnMut(DeployProgress),
) -> Result<Deployed, DeployFailure> {
    run_until(control, journal, plan, &CancellationToken::new(), report).await
}

/// As [`run`], but begins no step that changes anything once `stop` is cancelled. What is under way is ended properly, so
/// that what exists is known, and a stage that was moved is checked.
///
/// # Errors
/// As for [`run`], and when it was stopped.
pub async fn run_until(
    control: &Control,
    journal: &Journal,
    plan: &DeployPlan,
    stop: &CancellationToken,
    report: impl FnMut(DeployProgress),
) -> Result<Deployed, DeployFailure> {
    let mut job = Job {
        control,
        journal,
        plan,
        polling: POLLING,
        stage_use: StageUse::NotServed,
        stop: stop.clone(),
        made: None,
        report,
    };
    job.run().await
}

/// Goes on with a deploy that failed after its deployment was made. What is done already is not done again.
///
/// # Errors
/// As for [`run`].
pub async fn finish(
    control: &Control,
    journal: &Journal,
    left: &LeftOver,
    report: impl FnMut(DeployProgress),
) -> Result<Deployed, DeployFailure> {
    let plan = left.plan.as_ref();
    let deployment = control
        .deployment(&plan.api.id, &left.deployment_id)
        .await
        .map_err(|error| {
            let is_gone = error.kind == ErrorKind::NotFound;
            DeployFailure {
                failure: refused(plan, &error),
                remains: if is_gone {
                    Remains::Nothing
                } else {
                    Remains::LeftOver(left.clone())
                },
            }
        })?;
    let mut job = Job {
        control,
        journal,
        plan,
        polling: POLLING,
        stage_use: left.stage_use,
        stop: CancellationToken::new(),
        made: None,
        report,
    };
    job.complete(deployment).await
}

/// One deploy under way.
struct Job<'a, R> {
    control: &'a Control,
    journal: &'a Journal,
    plan: &'a DeployPlan,
    polling: Polling,
    /// Whether the stage may serve the deployment before the job has asked it.
    stage_use: StageUse,
    /// Somebody wants it to end.
    stop: CancellationToken,
    made: Option<DeploymentId>,
    report: R,
}

/// Why a deploy stopped after its deployment was made.
struct Stopped {
    failure: Failure,
    stage_use: StageUse,
}

impl Stopped {
    /// The stage is known not to serve the deployment.
    fn unserved(failure: Failure) -> Self {
        Self {
            failure,
            stage_use: StageUse::NotServed,
        }
    }
}

impl<R: FnMut(DeployProgress)> Job<'_, R> {
    /// All steps.
    async fn run(&mut self) -> Result<Deployed, DeployFailure> {
        if self.stop.is_cancelled() {
            return Err(stopped(self.plan).into());
        }
        let create = Box::pin(create(self.control, self.plan));
        let deployment = self.step(DeployStep::CreateDeployment, create).await?;
        self.complete(deployment).await
    }

    /// The steps after create-deployment.
    async fn complete(&mut self, deployment: Deployment) -> Result<Deployed, DeployFailure> {
        let id = deployment.id.clone();
        self.made = Some(id.clone());
        let outcome = self.serve(deployment).await;
        let (deployment, stage, mut warnings) = outcome.map_err(|stopped| DeployFailure {
            failure: stopped.failure,
            remains: Remains::LeftOver(LeftOver {
                deployment_id: id,
                stage_use: stopped.stage_use,
                plan: Box::new(self.plan.clone()),
            }),
        })?;
        warnings.extend(self.remember(&deployment, &stage).await);
        Ok(Deployed {
            api_id: self.plan.api.id.clone(),
            deployment,
            stage,
            previous: self.plan.serves_now.clone(),
            undo_command: self.undo_command(),
            warnings,
        })
    }

    fn undo_command(&self) -> Option<String> {
        let previous = self.plan.serves_now.as_ref()?;
        let stage = self.plan.request.stage.name();
        let api = self.plan.api.id.as_str();
        let target = self.control.target();
        Some(command::update_stage(target, api, stage, Some(previous)))
    }

    /// Waits until the deployment is usable, makes the stage serve it, and looks whether it does.
    async fn serve(
        &mut self,
        deployment: Deployment,
    ) -> Result<(Deployment, Stage, Vec<String>), Stopped> {
        let Self {
            control,
            plan,
            polling,
            stage_use,
            ..
        } = *self;
        // Nobody has looked at the stage yet, so what was known of it before is still all that is known.
        let unseen = |failure| Stopped { failure, stage_use };
        self.keep_definition(&deployment).await.map_err(unseen)?;
        let stop = self.stop.clone();
        let wait = async {
            tokio::select! {
                biased;
                () = stop.cancelled() => Err(stopped(plan)),
                waited = wait_for_deployed(control, plan, deployment, polling) => waited,
            }
        };
        let deployment = self.step(DeployStep::WaitForDeployed, wait).await;
        let deployment = deployment.map_err(unseen)?;
        if self.stop.is_cancelled() {
            return Err(unseen(stopped(plan)));
        }
        let id = &deployment.id;
        let stage = match &plan.request.stage {
            StageChoice::Existing(_) => {
                let update = update_stage(control, plan, id, stage_use);
                self.step(DeployStep::UpdateStage, update).await?
            }
            StageChoice::New(_) => {
                let create = create_stage(control, plan, id, stage_use);
                self.step(DeployStep::CreateStage, create).await?
            }
        };
        let check = check(control, plan, id, stage);
        let checked = self.step(DeployStep::Check, check).await;
        let (stage, warnings) = checked.map_err(Stopped::unserved)?;
        Ok((deployment, stage, warnings))
    }

    /// Makes sure that the deployment holds what the plan says, and writes that down.
    ///
    /// A journal that cannot be written is told at the end, when it has been tried again; what it lacks is lost to nobody.
    async fn keep_definition(&mut self, deployment: &Deployment) -> Result<(), Failure> {
        let Self {
            control,
            journal,
            plan,
            ..
        } = *self;
        let entry = entry(plan, deployment);
        let ids = vec![deployment.id.clone()];
        let found = journal.find_all(control, &plan.api.id, ids).await;
        if matches!(found.as_slice(), [Found::Entry(kept)] if kept.definition == plan.definition) {
            return Ok(());
        }
        let keep = async {
            verify(control, plan, &deployment.id)
                .await
                .map_err(NotKept::Unverified)?;
            let written = journal.keep(control, entry).await;
            written.map_err(NotKept::Unwritten)
        };
        match self.step(DeployStep::KeepDefinition, keep).await {
            Ok(()) => Ok(()),
            Err(NotKept::Unverified(failure)) => Err(failure),
            Err(NotKept::Unwritten(error)) => {
                tracing::warn!("the definition of {} is not kept: {error}", deployment.id);
                Ok(())
            }
        }
    }

    /// Writes down that the stage took the deployment. It serves it by now, so that nothing here can fail the deploy.
    async fn remember(&self, deployment: &Deployment, stage: &Stage) -> Option<String> {
        let entry = Entry {
            stage: Some(stage.name.clone()),
            previous: self.plan.serves_now.clone(),
            ..entry(self.plan, deployment)
        };
        let error = self.journal.keep(self.control, entry).await.err()?;
        let failure = Failure::new(FailureKind::Config, "").caused_by(&error);
        Some(format!(
            "The journal was not written ({}); later changes will be told from this deployment, but not which they are.",
            failure.causes.join(": ")
        ))
    }

    /// Does one step, telling when it starts and how it ends.
    async fn step<T, E>(
        &mut self,
        step: DeployStep,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        (self.report)(DeployProgress {
            step,
            state: StepState::Running,
            deployment: self.made.clone(),
        });
        let start = Instant::now();
        let outcome = work.await;
        let took = start.elapsed();
        let state = match outcome {
            Ok(_) => StepState::Done(took),
            Err(_) => StepState::Failed(took),
        };
        (self.report)(DeployProgress {
            step,
            state,
            deployment: self.made.clone(),
        });
        outcome
    }
}

/// Why a definition was not kept.
enum NotKept {
    /// It is not certain that the deployment holds it.
    Unverified(Failure),
    /// The journal could not be written.
    Unwritten(WriteError),
}

fn entry(plan: &DeployPlan, deployment: &Deployment) -> Entry {
    Entry {
        api_id: plan.api.id.clone(),
        deployment_id: deployment.id.clone(),
        definition: plan.definition.clone(),
        description: deployment.title().map(str::to_owned),
        deployed_at: clock::now(),
        stage: None,
        previous: None,
    }
}

fn stopped(plan: &DeployPlan) -> Failure {
    failed(plan, FailureKind::User).cause("it was interrupted before the stage was touched")
}

fn failed(plan: &DeployPlan, kind: FailureKind) -> Failure {
    Failure::new(kind, title(&plan.api.name, plan.request.stage.name()))
}

fn refused(plan: &DeployPlan, error: &Error) -> Failure {
    error.failure(title(&plan.api.name, plan.request.stage.name()))
}

/// Freezes the draft, if it still is what the plan showed.
///
/// The fingerprint is written into the description at the same time, so it must be that of what is frozen. Between this
/// look and the freeze lies one call; AWS offers no way to close that gap, so that [`verify`] looks again behind it.
async fn create(control: &Control, plan: &DeployPlan) -> Result<Deployment, DeployFailure> {
    let api = &plan.api.id;
    let draft = Box::pin(detail::read_draft(control, api)).await;
    let draft = draft.map_err(|error| refused(plan, &error))?;
    if draft.definition != plan.definition {
        return Err(failed(plan, FailureKind::User)
            .cause("somebody changed the API since this deploy was planned")
            .hint("look at the changes again, then deploy")
            .into());
    }
    let description = plan.request.description.as_deref().unwrap_or_default();
    let description = plan.fingerprint.append_to(description);
    let created = control.create_deployment(api, Some(&description)).await;
    match created {
        Ok(deployment) => Ok(deployment),
        Err(error) if error.leaves_open() => {
            Err(unseen::created(control, plan, &description, &error).await)
        }
        Err(error) => Err(refused(plan, &error).into()),
    }
}

/// Looks whether the draft still is what the plan showed, now that it is frozen: then that is what the deployment holds.
async fn verify(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
) -> Result<(), Failure> {
    let draft = Box::pin(detail::read_draft(control, &plan.api.id)).await;
    let draft = draft.map_err(|error| {
        refused(plan, &error).cause(format!(
            "so it is not known whether {deployment} holds what was planned"
        ))
    })?;
    if draft.definition == plan.definition {
        return Ok(());
    }
    Err(failed(plan, FailureKind::User)
        .cause(format!(
            "somebody changed the API while it was frozen, so that {deployment} may hold something else than was planned"
        ))
        .hint("clean up, look at the changes again, then deploy"))
}

async fn wait_for_deployed(
    control: &Control,
    plan: &DeployPlan,
    mut deployment: Deployment,
    polling: Polling,
) -> Result<Deployment, Failure> {
    let deadline = Instant::now() + polling.limit;
    let mut pause = polling.first;
    loop {
        match &deployment.status {
            DeploymentStatus::Deployed => return Ok(deployment),
            DeploymentStatus::Failed => {
                let reason = deployment.status_message.as_deref();
                return Err(failed(plan, FailureKind::Remote)
                    .cause(format!("the deployment {} failed", deployment.id))
                    .cause(reason.unwrap_or("API Gateway gives no reason"))
                    .hint("clean up, correct the API, then deploy again"));
            }
            // A status that this program does not know is not a reason to give up.
            DeploymentStatus::Pending | DeploymentStatus::Other(_) => {}
        }
        if Instant::now() >= deadline {
            let status = deployment.status.as_str();
            return Err(failed(plan, FailureKind::Remote)
                .cause(format!(
                    "the deployment {} is still {status} after {} s",
                    deployment.id,
                    polling.limit.as_secs()
                ))
                .hint("finish the deploy later, or clean up"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(polling.longest);
        let asked = control.deployment(&plan.api.id, &deployment.id).await;
        deployment = asked.map_err(|error| refused(plan, &error))?;
    }
}

/// Moves the stage, if it still serves what it served when the plan was made.
async fn update_stage(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
    stage_use: StageUse,
) -> Result<Stage, Stopped> {
    let api = &plan.api.id;
    let name = plan.request.stage.name();
    let stage = control.stage(api, name).await;
    let stage = stage.map_err(|error| Stopped {
        failure: refused(plan, &error),
        stage_use,
    })?;
    if stage.deployment_id.as_ref() == Some(deployment) {
        return Ok(stage);
    }
    if stage.deployment_id != plan.serves_now {
        let failure = failed(plan, FailureKind::User)
            .cause(moved(
                plan.serves_now.as_ref(),
                stage.deployment_id.as_ref(),
            ))
            .hint("look at the stage, then plan the deploy anew; the unused deployment can be cleaned up");
        return Err(Stopped::unserved(failure));
    }
    match control.point_stage(api, name, deployment).await {
        Ok(stage) => Ok(stage),
        Err(error) if error.leaves_open() => unseen::moved(control, plan, deployment, &error).await,
        Err(error) => Err(Stopped::unserved(refused(plan, &error))),
    }
}

/// Creates the stage. One that exists already is taken only if it serves our deployment: then an earlier attempt, whose
/// outcome nobody saw, had succeeded.
async fn create_stage(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
    stage_use: StageUse,
) -> Result<Stage, Stopped> {
    let api = &plan.api.id;
    let name = plan.request.stage.name();
    let error = match control.create_stage(api, name, deployment).await {
        Ok(stage) => return Ok(stage),
        Err(error) => error,
    };
    if error.leaves_open() {
        return unseen::moved(control, plan, deployment, &error).await;
    }
    if error.kind != ErrorKind::Conflict {
        return Err(Stopped {
            failure: refused(plan, &error),
            stage_use,
        });
    }
    match control.stage(api, name).await {
        Ok(stage) if stage.deployment_id.as_ref() == Some(deployment) => Ok(stage),
        Ok(stage) => Err(Stopped::unserved(
            refused(plan, &error)
                .cause(format!(
                    "somebody else created the stage meanwhile; it serves {}",
                    shown(stage.deployment_id.as_ref())
                ))
                .hint("deploy to it as an existing stage, or choose another name"),
        )),
        Err(_) => Err(Stopped {
            failure: refused(plan, &error),
            stage_use,
        }),
    }
}

/// Reads the stage back. That it cannot be read does not take back what the control plane has already confirmed.
async fn check(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
    confirmed: Stage,
) -> Result<(Stage, Vec<String>), Failure> {
    let name = plan.request.stage.name();
    match control.stage(&plan.api.id, name).await {
        Ok(stage) if stage.deployment_id.as_ref() == Some(deployment) => Ok((stage, Vec::new())),
        Ok(stage) => Err(failed(plan, FailureKind::Remote)
            .cause(format!(
                "the stage was pointed at {deployment} and serves {} now",
                shown(stage.deployment_id.as_ref())
            ))
            .hint("somebody else moves this stage; look at it again")),
        Err(error) => Ok((
            confirmed,
            vec![format!("The stage could not be read back: {error}.")],
        )),
    }
}

#[cfg(test)]
mod tests;
