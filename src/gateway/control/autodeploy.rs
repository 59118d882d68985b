//! Automatic deployments, for stages that follow the definition by themselves.
//!
//! [`run`] makes what [`owed`] notes, and so does a call that changed something before it is answered, so that whoever
//! has the answer meets the change; AWS makes it some time after its answer. The note is on disk, so a gateway that dies
//! in between makes the deployment when it starts again. A deployment takes the definition as it is when it is made and
//! strikes the note in the same transaction, so a burst of changes may end in fewer deployments than changes, and always
//! ends with one of the last state.
//!
//! [`owed`]: super::owed

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    call::ApiRef,
    error::ApiError,
    freeze::{self, Origin},
};
use crate::gateway::store::{
    Draft, Store,
    record::{DeploymentRecord, OwedDeploymentRecord, StageRecord},
};

// SOURCE: what AWS writes into a deployment of its own.
const DESCRIPTION: &str = "Automatic deployment triggered by changes to the Api configuration";

/// Pause before another attempt when the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes the deployments that are owed, now and whenever some are, until `stop`.
pub(crate) async fn run(store: Store, stop: CancellationToken) {
    let owed = store.owed();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = owed.noted() => {}
        }
        if !settle(&store).await {
            // What is still owed is tried again; the store has said in the log what ails it.
            owed.note();
            stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        }
    }
}

/// Waits until all deployments are made that are owed by now; false when they cannot be.
pub(crate) async fn settle(store: &Store) -> bool {
    if !store.owed().is_any() {
        return true;
    }
    let store = store.clone();
    let made = tokio::task::spawn_blocking(move || make_owed(&store)).await;
    matches!(made, Ok(Ok(())))
}

/// Makes all deployments that are owed. Blocks.
pub(super) fn make_owed(store: &Store) -> Result<(), ApiError> {
    store.owed().follow(|| make_noted(store))
}

fn make_noted(store: &Store) -> Result<(), ApiError> {
    let owed = store.read(|view| {
        let owed: Vec<(String, OwedDeploymentRecord)> = view.everything()?;
        let keys = owed.into_iter().map(|(_, owed)| ApiRef {
            region: owed.region,
            api_id: owed.api_id,
        });
        Ok::<Vec<ApiRef>, ApiError>(keys.collect())
    })?;
    for key in owed {
        store.write(move |draft| make(draft, &key))?;
    }
    Ok(())
}

/// Makes the deployment that an API is owed, as its definition and its stages are by now.
fn make(draft: &mut Draft<'_>, key: &ApiRef) -> Result<(), ApiError> {
    let owed = draft.get::<OwedDeploymentRecord>(&key.region, &key.api_id)?;
    let Some(owed) = owed else {
        return Ok(());
    };
    let api = key.find(draft)?;
    let mut stages: Vec<StageRecord> = draft.all(&api.api_id)?;
    stages.retain(|stage| stage.is_auto_deployed() && owed.stages.contains(&stage.stage_name));
    draft.remove::<OwedDeploymentRecord>(&key.region, &key.api_id)?;
    if stages.is_empty() {
        return Ok(());
    }
    let outcome = match freeze::freeze(draft, &api)? {
        Ok(snapshot) => {
            let description = Some(DESCRIPTION.to_owned());
            let deployment = freeze::keep(draft, &api, &snapshot, description, Origin::Automatic)?;
            Ok(deployment)
        }
        Err(reason) => Err(reason),
    };
    for mut stage in stages {
        record(&outcome, &mut stage);
        draft.put_stage(&api, stage)?;
    }
    Ok(())
}

// SOURCE: both messages as seen on stages with autoDeploy.
fn record(outcome: &Result<DeploymentRecord, String>, stage: &mut StageRecord) {
    let message = match outcome {
        Ok(deployment) => {
            stage.updated_at = deployment.created_at;
            stage.deployment_id = Some(deployment.deployment_id.clone());
            format!(
                "Successfully deployed stage with deployment ID '{}'",
                deployment.deployment_id
            )
        }
        Err(reason) => format!("Deployment attempt failed: {reason}"),
    };
    stage.last_deployment_status_message = Some(message);
}
