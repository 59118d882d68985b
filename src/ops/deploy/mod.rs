//! Deploying: what it will do, doing it, going on after a failure half way, cleaning up, and taking it back.
//!
//! The steps are create-deployment, wait for DEPLOYED, create-stage or update-stage, check, journal. Before the first
//! change the draft is read again, and right before the stage is moved it is read too: a plan is made for a person to
//! look at, and somebody else may act meanwhile. Whoever stops waiting for one of these futures stops the job between
//! two calls; nothing is left half-written on this machine.

mod command;
mod plan;
mod run;

use crate::{
    aws::{Control, ErrorKind},
    model::{
        DeploymentId, Failure, FailureKind,
        plan::{LeftOver, Repoint},
    },
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

/// Points a stage at another deployment, as undo does, if it still serves what we think it serves.
///
/// # Errors
/// Fails when the stage serves something else by now, when it has autoDeploy on, when the deployment is gone, and when
/// the control plane refuses or cannot be reached.
pub async fn repoint(control: &Control, repoint: &Repoint) -> Result<(), Failure> {
    let Repoint {
        api_id,
        stage: name,
        from,
        to,
    } = repoint;
    let title = || format!("Cannot point stage \"{name}\" at {to}");
    let stage = control.stage(api_id, name).await;
    let stage = stage.map_err(|error| error.failure(title()))?;
    if stage.auto_deploy {
        return Err(auto_deploys(Failure::new(FailureKind::User, title())));
    }
    if stage.deployment_id.as_ref() == Some(to) {
        return Ok(());
    }
    if stage.deployment_id != *from {
        return Err(Failure::new(FailureKind::User, title())
            .cause(moved(from.as_ref(), stage.deployment_id.as_ref()))
            .hint("look at the stage again, then decide"));
    }
    let moved = control.point_stage(api_id, name, to).await;
    moved.map_err(|error| error.failure(title()))?;
    let stage = control.stage(api_id, name).await;
    let stage = stage.map_err(|error| error.failure(title()))?;
    if stage.deployment_id.as_ref() == Some(to) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Remote, title())
        .cause(format!(
            "the stage was pointed at {to} and serves {} now",
            shown(stage.deployment_id.as_ref())
        ))
        .hint("somebody else moves this stage; look at it again"))
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

fn auto_deploys(failure: Failure) -> Failure {
    failure
        .cause("the stage has autoDeploy on: API Gateway deploys every change to it by itself and lets nobody choose")
        .hint("switch it off first: aws apigatewayv2 update-stage --no-auto-deploy")
}
