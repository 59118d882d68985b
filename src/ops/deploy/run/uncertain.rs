//! Calls whose outcome nobody saw: each is looked up before anything is said of it.
//!
//! A call that timed out, lost its connection or met a failing server may have been carried out all the same. Looking is
//! safe and takes one call; only where that gives no answer either is the outcome told as unknown.

use std::{future::Future, time::Duration};

use super::{Stopped, refused};
use crate::{
    aws::{Control, Error, ErrorKind},
    model::{
        Deployment, DeploymentId, Stage,
        plan::{DeployFailure, DeployPlan, LeftOver, Remains, StageUse},
    },
    ops::deploy::{command, shown},
};

/// The longest time that a look may take: whoever waits has waited for the call already.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks whether a create-deployment made its deployment: the one that says exactly what ours says and was not there
/// when the plan was made.
pub(super) async fn created(
    control: &Control,
    plan: &DeployPlan,
    description: Option<&str>,
    error: &Error,
) -> DeployFailure {
    let failure = refused(plan, error);
    let is_ours =
        |it: &Deployment| it.description.as_deref() == description && !plan.known.contains(&it.id);
    let deployments = look(control.deployments(&plan.api.id)).await;
    let ours = deployments.map(|deployments| {
        let ours = deployments.items.into_iter().filter(is_ours);
        ours.map(|it| it.id).collect::<Vec<_>>()
    });
    let says = description.unwrap_or_default();
    match ours.as_deref() {
        Some([]) => DeployFailure {
            failure: failure
                .cause("no deployment was made: the list of deployments has none of it")
                .hint("deploy again in a moment"),
            remains: Remains::Nothing,
        },
        // One that says nothing may be anybody's.
        Some([id]) if !says.is_empty() => DeployFailure {
            failure: failure.cause(format!("the deployment was made all the same: it is {id}")),
            remains: Remains::LeftOver(LeftOver {
                deployment_id: id.clone(),
                stage_use: StageUse::NotServed,
                is_disproved: false,
                plan: Box::new(plan.clone()),
            }),
        },
        candidates => {
            let look = command::get_deployments(control.target(), &plan.api.id);
            let hint =
                format!("before deploying again, look for a deployment that says {says:?}: {look}");
            DeployFailure {
                failure: failure.cause(why_unknown(candidates)).hint(hint),
                remains: Remains::Unknown,
            }
        }
    }
}

/// Tells why nobody knows which of these deployments was made, if any was.
fn why_unknown(candidates: Option<&[DeploymentId]>) -> String {
    match candidates {
        Some([id]) => {
            format!("{id} is new and says nothing, as this one would: nobody can tell whose it is")
        }
        Some(ids) => format!(
            "{} new deployments say what this one says, and nobody can tell them apart",
            ids.len()
        ),
        None => "the list of deployments cannot be read to see whether it was made".to_owned(),
    }
}

/// Looks whether an update-stage or create-stage made the stage serve the deployment.
pub(super) async fn moved(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
    error: &Error,
) -> Result<Stage, Stopped> {
    let api = &plan.api.id;
    let name = plan.request.stage.name();
    let failure = refused(plan, error);
    match look(find_stage(control, plan)).await {
        Some(Some(stage)) if stage.deployment_id.as_ref() == Some(deployment) => Ok(stage),
        Some(Some(stage)) => Err(Stopped::unserved(failure.cause(format!(
            "the stage serves {}, not {deployment}",
            shown(stage.deployment_id.as_ref())
        )))),
        Some(None) => Err(Stopped::unserved(failure.cause("there is no such stage"))),
        None => {
            let look = command::get_stage(control.target(), api, name);
            Err(Stopped {
                failure: failure
                    .cause(format!(
                        "the stage cannot be read to see whether it serves {deployment}"
                    ))
                    .hint(format!("look at the stage first: {look}")),
                stage_use: StageUse::Unknown,
                is_disproved: false,
            })
        }
    }
}

/// The stage, if there is one.
async fn find_stage(control: &Control, plan: &DeployPlan) -> Result<Option<Stage>, Error> {
    let stage = control.stage(&plan.api.id, plan.request.stage.name()).await;
    match stage {
        Ok(stage) => Ok(Some(stage)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns what a look saw; none when it saw nothing in time.
async fn look<T>(reading: impl Future<Output = Result<T, Error>>) -> Option<T> {
    let read = tokio::time::timeout(PATIENCE, Box::pin(reading)).await;
    match read.ok()? {
        Ok(seen) => Some(seen),
        Err(error) => {
            tracing::warn!("a call may have been carried out, and looking failed: {error}");
            None
        }
    }
}
