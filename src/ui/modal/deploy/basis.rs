//! The basis of a plan.

use jiff::Timestamp;

use crate::model::{ApiDetail, DeploymentId, plan::DeployRequest};

/// The inputs of a plan: when one changes, another plan is made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Basis {
    pub(super) request: DeployRequest,
    serves: Option<DeploymentId>,
    draft: Option<Timestamp>,
    /// The deployments that there are: one more will be ours.
    known: Vec<DeploymentId>,
    has_failed: bool,
}

impl Basis {
    pub(super) fn of(request: DeployRequest, detail: &ApiDetail) -> Self {
        let stage = detail.stage(request.stage.name());
        Self {
            serves: stage.and_then(|stage| stage.deployment_id.clone()),
            draft: detail.draft.as_ref().map(|draft| draft.as_of),
            known: detail.deployments.iter().map(|it| it.id.clone()).collect(),
            has_failed: detail.draft_failure().is_some(),
            request,
        }
    }
}
