//! Deploying: what it will do, doing it, going on after a failure half way, cleaning up, and taking it back.
//!
//! The steps are create-deployment, wait for DEPLOYED, create-stage or update-stage, check. A plan is made of what was read
//! for a person to look at, and somebody else may act meanwhile. So what the stage serves is compared right before it is
//! moved, always; and the draft is read again behind the freeze, in one of two ways. A deploy that waits for that reading
//! gives its deployment a fingerprint, and moves the stage only if the reading equals the plan. One that does not wait moves
//! the stage at once: its deployment carries no fingerprint, and nothing is claimed of what it holds, until a reading from
//! behind the freeze equals one from before it ([`prove`]).
//!
//! Whoever stops waiting for one of these futures stops the job between two calls; nothing is left half-written on this
//! machine.

mod command;
mod plan;
mod run;
pub mod status_line;

use crate::{
    aws::{Control, ErrorKind, Listed},
    model::{
        ApiId, Deployment, DeploymentId, Failure, FailureKind, Stage, StageName, Target,
        plan::{DeployPlan, LeftOver, Repoint, Unproved},
    },
    ops::{Journal, journal::Entry},
};

pub use plan::plan;
pub use run::{finish, run};

/// Deletes the deployment that a failed deploy left, if no stage serves it.
///
/// # Errors
/// Fails when a stage serves it by now, and when the control plane refuses or cannot be reached.
pub async fn clean_up(control: &Control, left: &LeftOver) -> Result<(), Failure> {
    let id = &left.deployment_id;
    let api = &left.plan.api.id;
    let title = || format!("Cannot delete the deployment {id}");
    let stages = control.stages(api).await;
    let stages = stages.and_then(Listed::whole);
    let stages = stages.map_err(|error| error.failure(title()))?;
    // AWS is known to refuse this on its older API only, so it is not left to AWS.
    if let Some(stage) = stages
        .iter()
        .find(|stage| stage.deployment_id.as_ref() == Some(id))
    {
        return Err(Failure::new(FailureKind::User, title())
            .cause(format!("stage \"{}\" serves it", stage.name))
            .hint("point the stage at another deployment first"));
    }
    match control.delete_deployment(api, id).await {
        Ok(()) => Ok(()),
        // Somebody was quicker, or an earlier attempt had succeeded unseen.
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.failure(title())),
    }
}

/// Gives a deployment the fingerprint of what it was proved to hold, and keeps that in the journal. What it says of itself
/// besides stays, whoever wrote it meanwhile.
///
/// # Errors
/// Fails when somebody gave it another fingerprint meanwhile, and when the control plane refuses or cannot be reached. A
/// journal that cannot be written is no failure: whether something differs, the fingerprint still says.
pub async fn prove(
    control: &Control,
    journal: &Journal,
    unproved: &Unproved,
) -> Result<(), Failure> {
    let deployment = claim(control, unproved).await?;
    let id = &deployment.id;
    let entry = Entry {
        api_id: unproved.api_id.clone(),
        deployment_id: id.clone(),
        definition: unproved.before.definition.clone(),
        description: deployment.title().map(str::to_owned),
        deployed_at: unproved.frozen_at,
        stage: Some(unproved.stage.clone()),
        previous: unproved.previous.clone(),
    };
    if let Err(error) = journal.keep(control, entry).await {
        tracing::warn!("the definition of {id} is not kept: {error}");
    }
    Ok(())
}

/// Gives the deployment its fingerprint, and returns the deployment as it was read just before.
async fn claim(control: &Control, unproved: &Unproved) -> Result<Deployment, Failure> {
    let (api, id) = (&unproved.api_id, &unproved.deployment.id);
    let title = || format!("Cannot give the deployment {id} its fingerprint");
    let fingerprint = unproved.before.definition.fingerprint();
    let deployment = control.deployment(api, id).await;
    let deployment = deployment.map_err(|error| error.failure(title()))?;
    match deployment.fingerprint() {
        None => {
            let described = fingerprint.append_to(deployment.title().unwrap_or_default());
            let describe = control.describe_deployment(api, id, &described);
            describe.await.map_err(|error| error.failure(title()))?;
        }
        Some(carried) if carried == fingerprint => {}
        Some(carried) => {
            return Err(Failure::new(FailureKind::User, title())
                .cause(format!("it carries another one by now: {carried}"))
                .hint("look at the API again"));
        }
    }
    Ok(deployment)
}

/// The AWS CLI commands for somebody who is left with a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextSteps {
    /// Shows what the stage serves.
    pub look: String,
    /// Makes the stage serve the deployment.
    pub finish: String,
    /// Deletes the deployment; to be used only when no stage serves it.
    pub clean_up: String,
}

/// The AWS CLI command that shows whether a deploy of this plan made a deployment.
pub fn look_for_deployment(target: &Target, plan: &DeployPlan) -> String {
    command::get_deployments(target, &plan.api.id)
}

/// The commands for a deployment that the deploy of a plan left on this target.
pub fn next_steps(target: &Target, plan: &DeployPlan, id: &DeploymentId) -> NextSteps {
    let (api, stage) = (&plan.api.id, &plan.request.stage);
    NextSteps {
        look: command::get_stage(target, api, stage.name()),
        finish: command::serve(target, api, stage, id),
        clean_up: command::delete_deployment(target, api, id),
    }
}

/// Points a stage at another deployment, as undo does, if it still serves what we think it serves.
///
/// # Errors
/// Fails when the stage serves something else by now, when it has autoDeploy on, when the deployment is gone, and when
/// the control plane refuses or cannot be reached.
pub async fn repoint(control: &Control, repoint: &Repoint) -> Result<(), Failure> {
    let (api, name, to) = (&repoint.api_id, &repoint.stage, &repoint.to);
    let title = || repoint_title(repoint);
    let stage = control.stage(api, name).await;
    let stage = stage.map_err(|error| error.failure(title()))?;
    check_repoint(control.target(), repoint, &stage)?;
    if stage.deployment_id.as_ref() == Some(to) {
        return Ok(());
    }
    // An order whose outcome nobody saw may have been carried out; what the stage serves now tells.
    let lost = match control.point_stage(api, name, to).await {
        Ok(_) => None,
        Err(error) if error.leaves_open() => Some(error.failure(title())),
        Err(error) => return Err(error.failure(title())),
    };
    repointed(control, repoint, lost).await
}

/// Reads the stage back, and tells whether it was pointed where it shall be; `lost` is an order whose outcome nobody saw.
async fn repointed(
    control: &Control,
    repoint: &Repoint,
    lost: Option<Failure>,
) -> Result<(), Failure> {
    let (api, name, to) = (&repoint.api_id, &repoint.stage, &repoint.to);
    match (control.stage(api, name).await, lost) {
        (Ok(stage), _) if stage.deployment_id.as_ref() == Some(to) => Ok(()),
        (Ok(stage), Some(lost)) => {
            let serves = shown(stage.deployment_id.as_ref());
            Err(lost.cause(format!("the stage serves {serves} now")))
        }
        (Ok(stage), None) => Err(Failure::new(FailureKind::Remote, repoint_title(repoint))
            .cause(format!(
                "the stage was pointed at {to} and serves {} now",
                shown(stage.deployment_id.as_ref())
            ))
            .hint("somebody else moves this stage; look at it again")),
        // What the control plane has confirmed is not taken back by a look that failed.
        (Err(error), None) => {
            tracing::warn!("stage {name} was pointed at {to} and could not be read back: {error}");
            Ok(())
        }
        (Err(error), Some(lost)) => {
            let look = command::get_stage(control.target(), api, name);
            Err(lost
                .cause(format!(
                    "it is not known what the stage serves now: {error}"
                ))
                .hint(format!("look at the stage first: {look}")))
        }
    }
}

fn repoint_title(repoint: &Repoint) -> String {
    format!("Cannot point stage \"{}\" at {}", repoint.stage, repoint.to)
}

/// Refuses a stage that nobody can point anywhere, or that serves neither what it shall nor what we think it serves.
fn check_repoint(target: &Target, repoint: &Repoint, stage: &Stage) -> Result<(), Failure> {
    let failure = Failure::new(FailureKind::User, repoint_title(repoint));
    let serves = stage.deployment_id.as_ref();
    if stage.auto_deploy {
        return Err(auto_deploys(failure, target, &repoint.api_id, &stage.name));
    }
    if serves != Some(&repoint.to) && serves != repoint.from.as_ref() {
        return Err(failure
            .cause(moved(repoint.from.as_ref(), serves))
            .hint("look at the stage again, then decide"));
    }
    Ok(())
}

fn moved(expected: Option<&DeploymentId>, actual: Option<&DeploymentId>) -> String {
    format!(
        "somebody else moved the stage: it serves {} now, not {}",
        shown(actual),
        shown(expected)
    )
}

fn shown(deployment: Option<&DeploymentId>) -> &str {
    deployment.map_or("nothing", DeploymentId::as_str)
}

fn auto_deploys(failure: Failure, target: &Target, api: &ApiId, stage: &StageName) -> Failure {
    let command = command::no_auto_deploy(target, api, stage);
    failure
        .cause("the stage has autoDeploy on: API Gateway deploys every change to it by itself and lets nobody choose")
        .hint(format!("switch it off first: {command}"))
}
