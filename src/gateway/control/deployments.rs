//! Deployments, as clients make and keep them. [`freeze`](mod@super::freeze) makes the copy; [`autodeploy`] makes those that stages ask
//! for.
//!
//! [`autodeploy`]: super::autodeploy

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiRef, Call},
    check,
    error::ApiError,
    freeze::{self, Origin, find, freeze},
    stages,
    wire::{self, Reply},
};
use crate::gateway::store::{
    Draft,
    record::{ApiRecord, DeploymentRecord, StageRecord},
};

/// The input of `CreateDeployment` and `UpdateDeployment`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentInput {
    pub(crate) description: Option<String>,
    pub(crate) stage_name: Option<String>,
}

/// A deployment on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentOutput {
    auto_deployed: bool,
    created_date: String,
    deployment_id: String,
    deployment_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_status_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

fn show(deployment: DeploymentRecord) -> DeploymentOutput {
    DeploymentOutput {
        auto_deployed: deployment.auto_deployed,
        created_date: wire::seconds(deployment.created_at),
        deployment_id: deployment.deployment_id,
        deployment_status: deployment.deployment_status,
        deployment_status_message: deployment.deployment_status_message,
        description: deployment.description,
    }
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: DeploymentInput = call.body()?;
    let key = call.api();
    let deployment = call.store.write(move |draft| {
        let api = key.find(draft)?;
        add(draft, &api, &input)
    })?;
    Ok(Reply::json(&show(deployment)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let key = call.api();
    let deployments = call.store.read(|view| {
        let api = key.find(view)?;
        let page = view.page(&api.api_id, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(deployments, &paging, show)))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let (key, id) = names(call);
    let deployment = call.store.read(|view| find(view, &key.find(view)?, &id))?;
    Ok(Reply::json(&show(deployment)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: DeploymentInput = call.body()?;
    let (key, id) = names(call);
    let deployment = call.store.write(move |draft| {
        let api = key.find(draft)?;
        let mut deployment = find(draft, &api, &id)?;
        check::description(input.description.as_ref())?;
        check::patch(&mut deployment.description, input.description.as_ref());
        draft.put(&api.api_id, &deployment)?;
        Ok::<_, ApiError>(deployment)
    })?;
    Ok(Reply::json(&show(deployment)))
}

pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let (key, id) = names(call);
    call.store.write(move |draft| {
        let api = key.find(draft)?;
        find(draft, &api, &id)?;
        let stages: Vec<StageRecord> = draft.all(&api.api_id)?;
        let is_user = |stage: &StageRecord| stage.deployment_id.as_ref() == Some(&id);
        if stages.iter().any(is_user) {
            // GUESS: version 1's text and status.
            return Err(ApiError::bad_request(
                "Active stages pointing to this deployment must be moved or deleted",
            ));
        }
        draft.remove_deployment(&api.api_id, &id)?;
        Ok(())
    })?;
    Ok(Reply::empty())
}

fn names(call: &Call) -> (ApiRef, String) {
    (call.api(), call.label("deploymentId"))
}

/// Freezes the API as it is, and moves the stage to the copy when one is named.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &DeploymentInput,
) -> Result<DeploymentRecord, ApiError> {
    check::description(input.description.as_ref())?;
    let stage = match check::kept(input.stage_name.as_ref()) {
        // GUESS: a stage that does not exist is not made on the way.
        Some(name) => Some(stages::find(draft, api, &name)?),
        None => None,
    };
    if stage.as_ref().is_some_and(StageRecord::is_auto_deployed) {
        return Err(stages::deployment_is_automatic());
    }
    let snapshot = freeze(draft, api)?.map_err(ApiError::bad_request)?;
    let description = check::kept(input.description.as_ref());
    let deployment = freeze::keep(draft, api, &snapshot, description, Origin::Request)?;
    if let Some(mut stage) = stage {
        stage.deployment_id = Some(deployment.deployment_id.clone());
        stage.updated_at = deployment.created_at;
        draft.put_stage(api, stage)?;
    }
    Ok(deployment)
}
