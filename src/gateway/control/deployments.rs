//! Deployments: immutable copies of an API, made on request; those that stages make by themselves are [`autodeploy`]'s.
//!
//! [`autodeploy`]: super::autodeploy

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiKey, Call},
    check,
    error::ApiError,
    ids, models, stages,
    wire::{self, Reply},
};
use crate::gateway::{
    clock,
    store::{
        Draft, View,
        record::{
            ApiRecord, DeploymentRecord, IntegrationRecord, ModelRecord, RouteRecord, Snapshot,
            SnapshotIntegration, SnapshotRoute, StageRecord,
        },
    },
};

const NO_ROUTES: &str = "At least one route is required before deploying the Api.";

/// What a deployment is made from or changed with.
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

/// The deployment with that id.
pub(super) fn find(
    view: &View<'_>,
    api: &ApiRecord,
    deployment_id: &str,
) -> Result<DeploymentRecord, ApiError> {
    // GUESS: in the words of the other parts.
    view.get(&api.api_id, deployment_id)?
        .ok_or_else(|| ApiError::unknown("Deployment", deployment_id))
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

fn names(call: &Call) -> (ApiKey, String) {
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
    if stage.as_ref().is_some_and(stages::is_auto_deployed) {
        return Err(stages::deployment_is_automatic());
    }
    let snapshot = freeze(draft, api)?.map_err(ApiError::bad_request)?;
    let description = check::kept(input.description.as_ref());
    let deployment = keep(draft, api, &snapshot, description, Origin::Request)?;
    if let Some(mut stage) = stage {
        stage.deployment_id = Some(deployment.deployment_id.clone());
        stage.updated_at = deployment.created_at;
        draft.put_stage(api, stage)?;
    }
    Ok(deployment)
}

/// Who asked for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A client.
    Request,
    /// A stage that follows the definition.
    Automatic,
}

/// Writes a deployment of what was frozen.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    snapshot: &Snapshot,
    description: Option<String>,
    origin: Origin,
) -> Result<DeploymentRecord, ApiError> {
    let deployment = DeploymentRecord {
        deployment_id: ids::fresh::<DeploymentRecord>(draft, &api.api_id, ids::DEPLOYMENT)?,
        description,
        deployment_status: "DEPLOYED".to_owned(),
        deployment_status_message: None,
        auto_deployed: origin == Origin::Automatic,
        created_at: clock::now(),
    };
    draft.add_deployment(&api.api_id, &deployment, snapshot)?;
    Ok(deployment)
}

/// Takes the API's definition as it is now, or says why it cannot be deployed.
pub(super) fn freeze(
    view: &View<'_>,
    api: &ApiRecord,
) -> Result<Result<Snapshot, String>, ApiError> {
    let routes: Vec<RouteRecord> = view.all(&api.api_id)?;
    if routes.is_empty() {
        return Ok(Err(NO_ROUTES.to_owned()));
    }
    let models: Vec<ModelRecord> = view.all(&api.api_id)?;
    if api.disable_schema_validation != Some(true)
        && let Err(reason) = models.iter().try_for_each(models::check_schema)
    {
        return Ok(Err(reason));
    }
    let integrations: Vec<IntegrationRecord> = view.all(&api.api_id)?;
    let mut route_responses = view.by_part(&api.api_id)?;
    let mut integration_responses = view.by_part(&api.api_id)?;
    let freeze_route = |route: RouteRecord| SnapshotRoute {
        responses: route_responses.remove(&route.route_id).unwrap_or_default(),
        route,
    };
    let freeze_integration = |integration: IntegrationRecord| SnapshotIntegration {
        responses: integration_responses
            .remove(&integration.integration_id)
            .unwrap_or_default(),
        integration,
    };
    Ok(Ok(Snapshot {
        route_selection_expression: api.route_selection_expression.clone(),
        api_key_selection_expression: api.api_key_selection_expression.clone(),
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        routes: routes.into_iter().map(freeze_route).collect(),
        integrations: integrations.into_iter().map(freeze_integration).collect(),
        authorizers: view.all(&api.api_id)?,
        models,
    }))
}
