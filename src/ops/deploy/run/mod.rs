//! Doing what a plan says, step by step, and going on with what a failed deploy left.
//!
//! The draft is read behind the freeze and compared before the stage is moved, where the plan says so. Else the stage
//! is moved at once, four round trips after the start, and what the deployment holds is left to be proved.

mod steps;
mod uncertain;

use std::{future::Future, pin::pin};

use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use self::steps::{PATIENCE, Patience};
use super::{command, plan::title};
use crate::{
    aws::{Control, Error, ErrorKind},
    model::{
        Deployment, DeploymentId, Draft, Failure, FailureKind, Stage,
        pace::{Priority, ReadProgress},
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployStep, Deployed, DraftCheck, LeftOver,
            Remains, StageChoice, StageUse, StepState, Unproved,
        },
    },
    ops::{
        Journal, clock,
        journal::{Entry, Found},
    },
};

/// Deploys as planned, but begins no step that changes anything once `stop` is cancelled. What is under way is ended
/// properly, so that what exists is known, and a stage that was moved is checked.
///
/// # Errors
/// Fails when the draft or the stage changed since the plan was made, when the deployment fails or takes too long, when
/// the control plane refuses or cannot be reached, and when it was stopped; says then what exists because of it.
pub async fn run(
    control: &Control,
    journal: &Journal,
    plan: &DeployPlan,
    stop: &CancellationToken,
    report: impl FnMut(DeployProgress),
) -> Result<Deployed, DeployFailure> {
    let mut job = Job::new(control, journal, plan, stop, report);
    job.run().await
}

/// Goes on with a deploy that failed after its deployment was made, until `stop` is cancelled. What is done already is not
/// done again.
///
/// # Errors
/// Fails as [`run`] does.
pub async fn finish(
    control: &Control,
    journal: &Journal,
    left: &LeftOver,
    stop: &CancellationToken,
    report: impl FnMut(DeployProgress),
) -> Result<Deployed, DeployFailure> {
    let plan = left.plan.as_ref();
    if left.is_disproved {
        return Err(DeployFailure {
            failure: steps::disproved(plan, &left.deployment_id),
            remains: Remains::LeftOver(left.clone()),
        });
    }
    let deployment = control
        .until(stop.clone())
        .deployment(&plan.api.id, &left.deployment_id)
        .await
        .map_err(|error| DeployFailure {
            failure: refused(plan, &error),
            remains: match error.kind {
                ErrorKind::NotFound => Remains::Nothing,
                _ => Remains::LeftOver(left.clone()),
            },
        })?;
    let mut job = Job {
        stage_use: left.stage_use,
        ..Job::new(control, journal, plan, stop, report)
    };
    job.complete(deployment).await
}

/// One deploy under way.
struct Job<'a, R> {
    control: &'a Control,
    journal: &'a Journal,
    plan: &'a DeployPlan,
    patience: Patience,
    /// The stage's use of the deployment, as far as it is known before the job has asked.
    stage_use: StageUse,
    /// Cancelled when somebody wants the deploy to end.
    stop: CancellationToken,
    made: Option<DeploymentId>,
    /// The times at which the freeze began and was over; none where an earlier job made the deployment.
    frozen: Option<(Timestamp, Timestamp)>,
    /// The draft as it was read behind the freeze, once that proved what the deployment holds.
    behind: Option<Draft>,
    report: R,
}

/// The reason why a deploy stopped after its deployment was made.
struct Stopped {
    failure: Failure,
    stage_use: StageUse,
    /// True when the deployment was seen to hold something else than was planned, perhaps: nothing may be claimed of it
    /// any more.
    is_disproved: bool,
}

impl Stopped {
    /// The stage is known not to serve the deployment.
    fn unserved(failure: Failure) -> Self {
        Self {
            failure,
            stage_use: StageUse::NotServed,
            is_disproved: false,
        }
    }
}

/// A stage that serves the deployment.
struct Served {
    deployment: Deployment,
    stage: Stage,
    warnings: Vec<String>,
}

impl<'a, R: FnMut(DeployProgress)> Job<'a, R> {
    fn new(
        control: &'a Control,
        journal: &'a Journal,
        plan: &'a DeployPlan,
        stop: &CancellationToken,
        report: R,
    ) -> Self {
        Self {
            control,
            journal,
            plan,
            patience: PATIENCE,
            stage_use: StageUse::NotServed,
            stop: stop.clone(),
            made: None,
            frozen: None,
            behind: None,
            report,
        }
    }

    /// All steps.
    async fn run(&mut self) -> Result<Deployed, DeployFailure> {
        if self.stop.is_cancelled() {
            return Err(stopped(self.plan).into());
        }
        let plan = self.plan;
        let began = clock::now();
        let (control, progress) = self.control.until(self.stop.clone()).metered();
        let create = Box::pin(steps::create(&control, plan));
        let create = self.metered_step(DeployStep::CreateDeployment, progress, create);
        let deployment = create.await?;
        self.frozen = Some((began, clock::now()));
        self.complete(deployment).await
    }

    /// The steps after create-deployment.
    async fn complete(&mut self, deployment: Deployment) -> Result<Deployed, DeployFailure> {
        let id = deployment.id.clone();
        self.made = Some(id.clone());
        let outcome = self.serve(deployment).await;
        let Served {
            deployment,
            stage,
            mut warnings,
        } = outcome.map_err(|stopped| DeployFailure {
            failure: stopped.failure,
            remains: Remains::LeftOver(LeftOver {
                deployment_id: id,
                stage_use: stopped.stage_use,
                is_disproved: stopped.is_disproved,
                plan: Box::new(self.plan.clone()),
            }),
        })?;
        warnings.extend(self.remember(&deployment, &stage).await);
        Ok(Deployed {
            api_id: self.plan.api.id.clone(),
            unproved: self.unproved(&deployment, &stage),
            draft: self.behind.take(),
            deployment,
            stage,
            previous: self.plan.serves_now.clone(),
            undo_command: self.undo_command(),
            warnings,
        })
    }

    /// Returns what is left to prove of a deployment that went without waiting for a reading of the draft.
    fn unproved(&self, deployment: &Deployment, stage: &Stage) -> Option<Unproved> {
        let before = self.plan.draft.clone()?;
        let (began, frozen_at) = self.frozen?;
        if self.plan.request.check == DraftCheck::BeforeStage || before.until > began {
            return None;
        }
        Some(Unproved {
            api_id: self.plan.api.id.clone(),
            deployment: deployment.clone(),
            stage: stage.name.clone(),
            previous: self.plan.serves_now.clone(),
            before,
            frozen_at,
        })
    }

    fn undo_command(&self) -> Option<String> {
        let plan = self.plan;
        let stage = StageChoice::Existing(plan.request.stage.name().clone());
        let previous = plan.serves_now.as_ref()?;
        let target = self.control.target();
        Some(command::serve(target, &plan.api.id, &stage, previous))
    }

    /// Waits until the deployment is usable, makes the stage serve it, and looks whether it does. A deployment that is
    /// proved gets its fingerprint meanwhile.
    async fn serve(&mut self, deployment: Deployment) -> Result<Served, Stopped> {
        // Nobody has looked at the stage yet, so what was known of it before is still all that is known.
        let stage_use = self.stage_use;
        let untouched = |not_proved: NotProved| Stopped {
            failure: not_proved.failure,
            stage_use,
            is_disproved: not_proved.is_disproved,
        };
        let claim = self.prove(&deployment).await.map_err(untouched)?;
        let waited = self.wait_for_deployed(deployment).await;
        let deployment = waited.map_err(|failure| untouched(failure.into()))?;
        let stage = self.move_stage(&deployment.id).await?;
        let checked = self.check(deployment, stage, claim).await;
        checked.map_err(Stopped::unserved)
    }

    async fn wait_for_deployed(&mut self, deployment: Deployment) -> Result<Deployment, Failure> {
        let (control, plan, polling) = (self.control, self.plan, self.patience.deployed);
        let stop = self.stop.clone();
        let wait = async {
            tokio::select! {
                biased;
                () = stop.cancelled() => Err(stopped(plan)),
                waited = steps::wait_for_deployed(control, plan, deployment, polling) => waited,
            }
        };
        let deployment = self.step(DeployStep::WaitForDeployed, wait).await?;
        if self.stop.is_cancelled() {
            return Err(stopped(plan));
        }
        Ok(deployment)
    }

    /// Reads the stage back, and gives the deployment its fingerprint where it may claim one. Neither is waited for for
    /// long once somebody wants the deploy to end.
    async fn check(
        &mut self,
        mut deployment: Deployment,
        stage: Stage,
        claim: Option<&Draft>,
    ) -> Result<Served, Failure> {
        let (plan, patience, stop) = (self.plan, self.patience, self.stop.clone());
        let id = deployment.id.clone();
        let claim = claim.filter(|_| deployment.fingerprint().is_none());
        let (control, progress) = self.control.metered();
        let read_back = async {
            tokio::select! {
                biased;
                checked = steps::check(&control, plan, &id, stage.clone(), patience.read_back) => checked,
                () = patience.last_look(stop.clone()) => Ok((stage, vec![UNCHECKED.to_owned()])),
            }
        };
        let describe = async {
            tokio::select! {
                biased;
                untold = steps::describe(&control, plan, claim?, &mut deployment) => untold,
                () = patience.last_look(stop.clone()) => Some(UNDESCRIBED.to_owned()),
            }
        };
        let both = Box::pin(async {
            let (checked, untold) = tokio::join!(read_back, describe);
            checked.map(|checked| (checked, untold))
        });
        let checked = self.metered_step(DeployStep::Check, progress, both).await;
        let ((stage, mut warnings), untold) = checked?;
        warnings.extend(untold);
        Ok(Served {
            deployment,
            stage,
            warnings,
        })
    }

    /// Makes the stage serve the deployment.
    async fn move_stage(&mut self, id: &DeploymentId) -> Result<Stage, Stopped> {
        let Self {
            control,
            plan,
            stage_use,
            ..
        } = *self;
        let (mover, progress) = control.until(self.stop.clone()).metered();
        match &plan.request.stage {
            StageChoice::Existing(_) => {
                let update = steps::update_stage(&mover, plan, id, stage_use);
                self.metered_step(DeployStep::UpdateStage, progress, update)
                    .await
            }
            StageChoice::New(_) => {
                let create = steps::create_stage(&mover, plan, id, stage_use);
                self.metered_step(DeployStep::CreateStage, progress, create)
                    .await
            }
        }
    }

    /// Makes sure that the deployment holds what the plan says, and writes that down. Gives the draft that the deployment
    /// may claim then; none where nothing was to be proved.
    ///
    /// A journal that cannot be written is told at the end, when it has been tried again; what it lacks is lost to nobody.
    async fn prove(&mut self, deployment: &Deployment) -> Result<Option<&'a Draft>, NotProved> {
        let Self {
            control,
            journal,
            plan,
            ..
        } = *self;
        let (DraftCheck::BeforeStage, Some(draft)) = (plan.request.check, &plan.draft) else {
            return Ok(None);
        };
        let entry = entry(plan, draft, deployment);
        let ids = vec![deployment.id.clone()];
        let found = journal.find_all(control, &plan.api.id, ids).await;
        // It is written down behind the proof only.
        if matches!(found.as_slice(), [Found::Entry(kept)] if kept.definition == draft.definition) {
            return Ok(Some(draft));
        }
        let stop = self.stop.clone();
        // A reading of hundreds of calls must not keep everybody else waiting, least of all the acts of other deploys.
        let (reader, progress) = self.control.at(Priority::Asked).metered();
        let work = async {
            let behind = tokio::select! {
                biased;
                behind = steps::verify(&reader, plan, draft, &deployment.id) => behind?,
                () = stop.cancelled() => return Err(NotProved::from(stopped(plan))),
            };
            if let Err(error) = journal.keep(control, entry).await {
                tracing::warn!("the definition of {} is not kept: {error}", deployment.id);
            }
            Ok(behind)
        };
        let work = self.metered_step(DeployStep::KeepDefinition, progress, work);
        self.behind = Some(work.await?);
        Ok(Some(draft))
    }

    /// Writes down that the stage took the deployment. It serves it by now, so that nothing here can fail the deploy.
    async fn remember(&self, deployment: &Deployment, stage: &Stage) -> Option<String> {
        let (DraftCheck::BeforeStage, Some(draft)) = (self.plan.request.check, &self.plan.draft)
        else {
            return None;
        };
        let entry = Entry {
            stage: Some(stage.name.clone()),
            previous: self.plan.serves_now.clone(),
            ..entry(self.plan, draft, deployment)
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
        let (_, unmetered) = watch::channel(ReadProgress::default());
        self.metered_step(step, unmetered, work).await
    }

    /// The same, telling how far its calls are too.
    async fn metered_step<T, E>(
        &mut self,
        step: DeployStep,
        mut progress: watch::Receiver<ReadProgress>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.tell(step, StepState::Running, None);
        let start = Instant::now();
        let mut work = pin!(work);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut work => break outcome,
                Ok(()) = progress.changed() => {
                    let reading = *progress.borrow_and_update();
                    self.tell(step, StepState::Running, Some(reading));
                }
            }
        };
        let took = start.elapsed();
        let state = match outcome {
            Ok(_) => StepState::Done(took),
            Err(_) => StepState::Failed(took),
        };
        self.tell(step, state, None);
        outcome
    }

    fn tell(&mut self, step: DeployStep, state: StepState, reading: Option<ReadProgress>) {
        (self.report)(DeployProgress {
            step,
            state,
            reading,
            deployment: self.made.clone(),
        });
    }
}

/// The warning of a stage that nobody waited for to be read back.
const UNCHECKED: &str =
    "The stage was moved, and not read back: somebody wanted the deploy to end.";

/// The warning of a deployment that nobody waited for to be given its fingerprint.
const UNDESCRIBED: &str =
    "The deployment was perhaps not given its fingerprint: somebody wanted the deploy to end.";

/// The reason why a deployment was not proved to hold what was planned.
struct NotProved {
    failure: Failure,
    /// True when the deployment may hold something else: the draft was seen to be another one behind the freeze.
    is_disproved: bool,
}

impl From<Failure> for NotProved {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_disproved: false,
        }
    }
}

fn entry(plan: &DeployPlan, draft: &Draft, deployment: &Deployment) -> Entry {
    Entry {
        api_id: plan.api.id.clone(),
        deployment_id: deployment.id.clone(),
        definition: draft.definition.clone(),
        description: deployment.title().map(str::to_owned),
        deployed_at: clock::now(),
        stage: None,
        previous: None,
    }
}

fn stopped(plan: &DeployPlan) -> Failure {
    failed(plan, FailureKind::User).cause("it was interrupted before it touched the stage")
}

fn failed(plan: &DeployPlan, kind: FailureKind) -> Failure {
    Failure::new(kind, title(&plan.api.name, plan.request.stage.name()))
}

fn refused(plan: &DeployPlan, error: &Error) -> Failure {
    if error.kind == ErrorKind::Stopped {
        return stopped(plan);
    }
    error.failure(title(&plan.api.name, plan.request.stage.name()))
}

#[cfg(test)]
mod tests;
