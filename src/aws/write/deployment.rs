//! Writing deployments, and what a stage serves.

use super::carry_out;
use crate::{
    aws::{Control, Error, convert},
    model::{ApiId, Deployment, DeploymentId, Stage, StageName},
};

impl Control {
    /// Freezes the draft. Serves it nowhere: no stage is named.
    ///
    /// An attempt whose outcome is unknown (a timeout, a connection lost after sending) is not repeated, since AWS would
    /// then hold two deployments and name one.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_deployment(
        &self,
        api: &ApiId,
        description: Option<&str>,
    ) -> Result<Deployment, Error> {
        let operation = "create-deployment";
        let answer = carry_out!(self, "create-deployment", |changes| changes
            .create_deployment()
            .api_id(api.as_str())
            .set_description(description.map(str::to_owned)))?;
        convert::deployment_created(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// Describes a deployment anew. What it holds stays as it is.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn describe_deployment(
        &self,
        api: &ApiId,
        deployment: &DeploymentId,
        description: &str,
    ) -> Result<(), Error> {
        carry_out!(self, "update-deployment", |changes| changes
            .update_deployment()
            .api_id(api.as_str())
            .deployment_id(deployment.as_str())
            .description(description))?;
        Ok(())
    }

    /// Deletes a deployment that no stage serves.
    ///
    /// # Errors
    /// Fails when the control plane refuses (a stage serves it) or cannot be reached.
    pub async fn delete_deployment(
        &self,
        api: &ApiId,
        deployment: &DeploymentId,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-deployment", |changes| changes
            .delete_deployment()
            .api_id(api.as_str())
            .deployment_id(deployment.as_str()))?;
        Ok(())
    }

    /// Creates a stage that serves the deployment.
    ///
    /// Not repeated when the outcome of an attempt is unknown: the repetition would be told that the stage exists, and
    /// nobody could say whose it is.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_stage(
        &self,
        api: &ApiId,
        stage: &StageName,
        deployment: &DeploymentId,
    ) -> Result<Stage, Error> {
        let operation = "create-stage";
        let answer = carry_out!(self, "create-stage", |changes| changes
            .create_stage()
            .api_id(api.as_str())
            .stage_name(stage.as_str())
            .deployment_id(deployment.as_str()))?;
        convert::stage_created(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// Points a stage at a deployment (update-stage with nothing but a deployment id).
    ///
    /// Not repeated when the outcome of an attempt is unknown: the repetition could undo what somebody else did meanwhile.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn point_stage(
        &self,
        api: &ApiId,
        stage: &StageName,
        deployment: &DeploymentId,
    ) -> Result<Stage, Error> {
        let operation = "update-stage";
        let answer = carry_out!(self, "update-stage", |changes| changes
            .update_stage()
            .api_id(api.as_str())
            .stage_name(stage.as_str())
            .deployment_id(deployment.as_str()))?;
        convert::stage_updated(answer).map_err(|member| self.bad_answer(operation, member))
    }
}
