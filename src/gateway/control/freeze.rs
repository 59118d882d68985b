//! A deployment: an immutable copy of an API's definition, made, written and found.

use super::{error::ApiError, ids, models};
use crate::gateway::{
    clock,
    store::{
        Draft, View,
        record::{
            ApiRecord, DeploymentRecord, IntegrationRecord, ModelRecord, RouteRecord, Snapshot,
            SnapshotIntegration, SnapshotRoute,
        },
    },
};

const NO_ROUTES: &str = "At least one route is required before deploying the Api.";

/// Returns the deployment with that id.
pub(super) fn find(
    view: &View<'_>,
    api: &ApiRecord,
    deployment_id: &str,
) -> Result<DeploymentRecord, ApiError> {
    view.get(&api.api_id, deployment_id)?
        .ok_or_else(|| ApiError::unknown("Deployment"))
}

/// The origin of a deployment.
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
