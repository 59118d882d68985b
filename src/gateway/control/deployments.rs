//! Deployments: immutable copies of an API, made on request, or by the gateway for stages with autoDeploy.

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiKey, Call},
    check,
    error::ApiError,
    ids, stages,
    wire::{self, Reply},
};
use crate::gateway::{
    clock,
    store::{
        Draft, View,
        record::{
            ApiRecord, DeploymentRecord, IntegrationRecord, RouteRecord, Snapshot,
            SnapshotIntegration, SnapshotRoute, StageRecord,
        },
    },
};

// SOURCE: what AWS writes into a deployment of its own.
const AUTOMATIC: &str = "Automatic deployment triggered by changes to the Api configuration";
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
    let snapshot = freeze(draft, api)?;
    let deployment = DeploymentRecord {
        deployment_id: ids::fresh::<DeploymentRecord>(draft, &api.api_id, ids::DEPLOYMENT)?,
        description: check::kept(input.description.as_ref()),
        deployment_status: "DEPLOYED".to_owned(),
        deployment_status_message: None,
        auto_deployed: false,
        created_at: clock::now(),
    };
    draft.add_deployment(&api.api_id, &deployment, &snapshot)?;
    if let Some(mut stage) = stage {
        stage.deployment_id = Some(deployment.deployment_id.clone());
        stage.updated_at = deployment.created_at;
        draft.put_stage(api, stage)?;
    }
    Ok(deployment)
}

/// Takes the API's definition as it is now.
fn freeze(view: &View<'_>, api: &ApiRecord) -> Result<Snapshot, ApiError> {
    let routes: Vec<RouteRecord> = view.all(&api.api_id)?;
    if routes.is_empty() {
        return Err(ApiError::bad_request(NO_ROUTES));
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
    Ok(Snapshot {
        route_selection_expression: api.route_selection_expression.clone(),
        api_key_selection_expression: api.api_key_selection_expression.clone(),
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        routes: routes.into_iter().map(freeze_route).collect(),
        integrations: integrations.into_iter().map(freeze_integration).collect(),
    })
}

/// Deploys to the stages that have autoDeploy on. To be called last by every write that changes the definition.
///
/// On AWS this happens some time after the answer; here it is part of the write, so nobody has to wait for it.
pub(super) fn definition_changed(draft: &mut Draft<'_>, api: &ApiRecord) -> Result<(), ApiError> {
    let mut stages: Vec<StageRecord> = draft.all(&api.api_id)?;
    stages.retain(stages::is_auto_deployed);
    if stages.is_empty() {
        return Ok(());
    }
    let outcome = deploy_automatically(draft, api)?;
    for mut stage in stages {
        outcome.clone().apply_to(&mut stage);
        draft.put_stage(api, stage)?;
    }
    Ok(())
}

/// What an automatic deployment leaves on its stages.
#[derive(Clone)]
pub(super) enum Automatic {
    Deployed(DeploymentRecord),
    /// There was no route to deploy.
    Failed,
}

impl Automatic {
    // SOURCE: both messages as seen on stages with autoDeploy.
    pub(super) fn apply_to(self, stage: &mut StageRecord) {
        let message = match self {
            Self::Deployed(deployment) => {
                let message = format!(
                    "Successfully deployed stage with deployment ID '{}'",
                    deployment.deployment_id
                );
                stage.updated_at = deployment.created_at;
                stage.deployment_id = Some(deployment.deployment_id);
                message
            }
            Self::Failed => format!("Deployment attempt failed: {NO_ROUTES}"),
        };
        stage.last_deployment_status_message = Some(message);
    }
}

/// Freezes the API for stages with autoDeploy.
pub(super) fn deploy_automatically(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
) -> Result<Automatic, ApiError> {
    if draft.count::<RouteRecord>(&api.api_id)? == 0 {
        return Ok(Automatic::Failed);
    }
    let snapshot = freeze(draft, api)?;
    let deployment = DeploymentRecord {
        deployment_id: ids::fresh::<DeploymentRecord>(draft, &api.api_id, ids::DEPLOYMENT)?,
        description: Some(AUTOMATIC.to_owned()),
        deployment_status: "DEPLOYED".to_owned(),
        deployment_status_message: None,
        auto_deployed: true,
        created_at: clock::now(),
    };
    draft.add_deployment(&api.api_id, &deployment, &snapshot)?;
    Ok(Automatic::Deployed(deployment))
}
