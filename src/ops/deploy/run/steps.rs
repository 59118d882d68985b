//! The steps of a deploy, each by itself: what it asks, and what its answers mean.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{NotProved, Stopped, failed, refused, uncertain};
use crate::{
    aws::{Control, ErrorKind},
    model::{
        Deployment, DeploymentId, DeploymentStatus, Draft, Failure, FailureKind, Stage,
        plan::{DeployFailure, DeployPlan, StageUse},
    },
    ops::{
        clock,
        deploy::{moved, shown},
        reading,
    },
};

/// The pauses between looks at something that is not as it shall be yet, and the longest wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Polling {
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) limit: Duration,
}

/// The patience of a deploy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// With a deployment that is not usable yet.
    pub(super) deployed: Polling,
    /// With a stage that is not found where it was made.
    pub(super) read_back: Polling,
    /// With a stage that was moved and is read back, once somebody wants the deploy to end.
    pub(super) after_stop: Duration,
}

impl Patience {
    /// Waits until somebody wants the deploy to end, and for the time that a last look may take.
    pub(super) async fn last_look(self, stop: CancellationToken) {
        stop.cancelled().await;
        sleep(self.after_stop).await;
    }
}

pub(super) const PATIENCE: Patience = Patience {
    deployed: Polling {
        first: Duration::from_millis(200),
        longest: Duration::from_secs(2),
        limit: Duration::from_mins(1),
    },
    read_back: Polling {
        first: Duration::from_millis(200),
        longest: Duration::from_secs(2),
        limit: Duration::from_secs(10),
    },
    after_stop: Duration::from_secs(2),
};

/// The pauses between looks, each twice as long as the one before.
struct Pauses {
    polling: Polling,
    next: Duration,
    began: Instant,
}

impl Pauses {
    fn new(polling: Polling) -> Self {
        Self {
            polling,
            next: polling.first,
            began: Instant::now(),
        }
    }

    /// Waits for the next look; false when there shall be none.
    async fn next(&mut self) -> bool {
        if self.began.elapsed() >= self.polling.limit {
            return false;
        }
        sleep(self.next).await;
        self.next = (self.next * 2).min(self.polling.longest);
        true
    }

    /// True while what was made when it began may not be found yet: for a sixth of the time, which are 10 s of a minute.
    fn is_early(&self) -> bool {
        self.began.elapsed() < self.polling.limit / 6
    }
}

/// Freezes the draft. Nothing is read before: what was frozen is compared behind it, see [`verify`], and claimed only then,
/// see [`describe`].
pub(super) async fn create(
    control: &Control,
    plan: &DeployPlan,
) -> Result<Deployment, DeployFailure> {
    let description = plan.description();
    let created = control.create_deployment(&plan.api.id, description.as_deref());
    match created.await {
        Ok(deployment) => Ok(deployment),
        Err(error) if error.leaves_open() => {
            Err(uncertain::created(control, plan, description.as_deref(), &error).await)
        }
        Err(error) => Err(refused(plan, &error).into()),
    }
}

/// Looks whether the draft still is what the plan showed, now that it is frozen: then that is what the deployment holds.
pub(super) async fn verify(
    control: &Control,
    plan: &DeployPlan,
    draft: &Draft,
    deployment: &DeploymentId,
) -> Result<Draft, NotProved> {
    let as_of = clock::now();
    let behind = Box::pin(reading::whole(control, &plan.api.id)).await;
    let behind = behind.map_err(|error| {
        refused(plan, &error).cause(format!(
            "so it is not known whether {deployment} holds what was planned"
        ))
    })?;
    let definition = behind.definition();
    if definition == draft.definition {
        return Ok(Draft {
            definition,
            as_of,
            until: clock::now(),
            n_calls: draft.n_calls,
        });
    }
    let failure = disproved(plan, deployment);
    Err(NotProved {
        failure,
        is_disproved: true,
    })
}

/// Returns the failure of a deployment that may hold something else than was planned.
pub(super) fn disproved(plan: &DeployPlan, deployment: &DeploymentId) -> Failure {
    failed(plan, FailureKind::User)
        .cause(format!(
            "somebody changed the API while it was frozen, so that {deployment} may hold something else than was planned"
        ))
        .hint("clean up, look at the changes again, then deploy")
}

/// Gives the deployment the fingerprint of what it was proved to hold. Tells what that lacks where it cannot be given: the
/// journal of this machine knows what the deployment holds all the same.
pub(super) async fn describe(
    control: &Control,
    plan: &DeployPlan,
    draft: &Draft,
    deployment: &mut Deployment,
) -> Option<String> {
    let plain = deployment.title().unwrap_or_default();
    let described = draft.definition.fingerprint().append_to(plain);
    let id = deployment.id.clone();
    match control
        .describe_deployment(&plan.api.id, &id, &described)
        .await
    {
        Ok(()) => {
            deployment.description = Some(described);
            None
        }
        Err(error) => Some(format!(
            "The deployment {id} was not given its fingerprint, so only this machine knows what it holds: {error}."
        )),
    }
}

/// Asks for the deployment until it is usable. One that was made a moment ago may not be found at once.
pub(super) async fn wait_for_deployed(
    control: &Control,
    plan: &DeployPlan,
    mut deployment: Deployment,
    polling: Polling,
) -> Result<Deployment, Failure> {
    let mut pauses = Pauses::new(polling);
    while !is_usable(plan, &deployment)? {
        if !pauses.next().await {
            let status = deployment.status.as_str();
            return Err(failed(plan, FailureKind::Remote)
                .cause(format!(
                    "the deployment {} is still {status} after {} s",
                    deployment.id,
                    polling.limit.as_secs()
                ))
                .hint("finish the deploy later, or clean up"));
        }
        match control.deployment(&plan.api.id, &deployment.id).await {
            Ok(read) => deployment = read,
            Err(error) if error.kind == ErrorKind::NotFound && pauses.is_early() => {}
            Err(error) => return Err(refused(plan, &error)),
        }
    }
    Ok(deployment)
}

/// True once a stage can serve the deployment. Fails when that will never be.
fn is_usable(plan: &DeployPlan, deployment: &Deployment) -> Result<bool, Failure> {
    match &deployment.status {
        DeploymentStatus::Deployed => Ok(true),
        DeploymentStatus::Failed => {
            let reason = deployment.status_message.as_deref();
            Err(failed(plan, FailureKind::Remote)
                .cause(format!("the deployment {} failed", deployment.id))
                .cause(reason.unwrap_or("API Gateway gives no reason"))
                .hint("clean up, correct the API, then deploy again"))
        }
        // A status that this program does not know is not a reason to give up.
        DeploymentStatus::Pending | DeploymentStatus::Other(_) => Ok(false),
    }
}

/// Moves the stage, if it still serves what it served when the plan was made.
pub(super) async fn update_stage(
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
        is_disproved: false,
    })?;
    if stage.deployment_id.as_ref() == Some(deployment) {
        return Ok(stage);
    }
    if stage.deployment_id != plan.serves_now {
        let failure = moved_meanwhile(plan, stage.deployment_id.as_ref());
        return Err(Stopped::unserved(failure));
    }
    match control.point_stage(api, name, deployment).await {
        Ok(stage) => Ok(stage),
        Err(error) if error.leaves_open() => {
            uncertain::moved(control, plan, deployment, &error).await
        }
        Err(error) => Err(Stopped::unserved(refused(plan, &error))),
    }
}

fn moved_meanwhile(plan: &DeployPlan, serves: Option<&DeploymentId>) -> Failure {
    failed(plan, FailureKind::User)
        .cause(moved(plan.serves_now.as_ref(), serves))
        .hint(
            "look at the stage, then plan the deploy anew; the unused deployment can be cleaned up",
        )
}

/// Creates the stage. One that exists already is taken only if it serves our deployment: then an earlier attempt, whose
/// outcome nobody saw, had succeeded.
pub(super) async fn create_stage(
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
        return uncertain::moved(control, plan, deployment, &error).await;
    }
    let unchanged = Stopped {
        failure: refused(plan, &error),
        stage_use,
        is_disproved: false,
    };
    if error.kind != ErrorKind::Conflict {
        return Err(unchanged);
    }
    match control.stage(api, name).await {
        Ok(stage) if stage.deployment_id.as_ref() == Some(deployment) => Ok(stage),
        Ok(stage) => {
            let serves = shown(stage.deployment_id.as_ref());
            let cause = format!("somebody else created the stage meanwhile; it serves {serves}");
            let failure = unchanged.failure.cause(cause);
            let hint = "deploy to it as an existing stage, or choose another name";
            Err(Stopped::unserved(failure.hint(hint)))
        }
        Err(_) => Err(unchanged),
    }
}

/// Reads the stage back. That it cannot be read does not take back what the control plane has already confirmed; one that
/// was made a moment ago may not be found at once.
pub(super) async fn check(
    control: &Control,
    plan: &DeployPlan,
    deployment: &DeploymentId,
    confirmed: Stage,
    polling: Polling,
) -> Result<(Stage, Vec<String>), Failure> {
    let mut pauses = Pauses::new(polling);
    let read = loop {
        match control.stage(&plan.api.id, &confirmed.name).await {
            Err(error) if error.kind == ErrorKind::NotFound && pauses.next().await => {}
            read => break read,
        }
    };
    match read {
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
