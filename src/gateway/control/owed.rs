//! The note that an API is owed a deployment: its definition changed, and a stage follows it by itself.
//!
//! The note is written in the transaction of the change. [`autodeploy`] makes the deployment afterwards.
//!
//! [`autodeploy`]: super::autodeploy

use super::error::ApiError;
use crate::gateway::store::{
    Draft,
    record::{ApiRecord, StageRecord},
};

/// Notes that the stages that follow the definition are to be deployed to. Every write that changes what a deployment
/// would freeze calls it.
pub(super) fn definition_changed(draft: &mut Draft<'_>, api: &ApiRecord) -> Result<(), ApiError> {
    let stages: Vec<StageRecord> = draft.all(&api.api_id)?;
    let followers = stages.into_iter().filter(StageRecord::is_auto_deployed);
    let names: Vec<String> = followers.map(|stage| stage.stage_name).collect();
    if !names.is_empty() {
        draft.owe_deployment(api, names)?;
    }
    Ok(())
}
