//! The status of a deploy in one line: for whoever stopped watching, and for the log.

use super::{command, shown};
use crate::model::{
    DeploymentId, Failure, Target,
    plan::{
        DeployFailure, DeployPlan, DeployProgress, DeployStep, Deployed, LeftOver, Remains,
        StageUse, StepState,
    },
};

/// The deployment that exists because of a deploy that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// Nothing.
    Nothing,
    /// Perhaps a deployment that no stage serves.
    Unknown,
    /// A deployment.
    Deployment {
        /// Its id.
        id: DeploymentId,
        /// True if the stage serves it; none if that is not known.
        is_served: Option<bool>,
    },
}

/// Returns what is known to exist when a deploy is cut after this was the last that it told.
pub fn made_until(last: Option<&DeployProgress>) -> Made {
    let Some(last) = last else {
        return Made::Nothing;
    };
    let Some(id) = last.deployment.clone() else {
        return Made::Unknown;
    };
    let is_done = matches!(last.state, StepState::Done(_));
    let is_served = match last.step {
        DeployStep::CreateDeployment | DeployStep::KeepDefinition | DeployStep::WaitForDeployed => {
            Some(false)
        }
        DeployStep::Check => Some(true),
        DeployStep::CreateStage | DeployStep::UpdateStage => is_done.then_some(true),
    };
    Made::Deployment { id, is_served }
}

/// Returns what exists because of a deploy that failed.
pub fn made_by(failed: &DeployFailure) -> Made {
    match &failed.remains {
        Remains::Nothing => Made::Nothing,
        Remains::Unknown => Made::Unknown,
        Remains::LeftOver(left) => Made::Deployment {
            id: left.deployment_id.clone(),
            is_served: match left.stage_use {
                StageUse::NotServed => Some(false),
                StageUse::Unknown => None,
            },
        },
    }
}

/// Tells what is known of a deploy that is cut after this was the last that it told.
pub fn cut(target: &Target, plan: &DeployPlan, last: Option<&DeployProgress>) -> String {
    let stage = plan.request.stage.name();
    let api = &plan.api.id;
    let name = &plan.api.name;
    let at = last.map_or(String::new(), |last| format!(" at {}", last.step.label()));
    let cut = format!("The deploy of \"{name}\" to stage \"{stage}\" was cut{at}");
    match made_until(last) {
        Made::Nothing => format!("{cut}: nothing was changed"),
        Made::Unknown => {
            let look = command::get_deployments(target, api);
            format!(
                "{cut}: a deployment may have been made that no stage serves; look with: {look}"
            )
        }
        Made::Deployment { id, is_served } => match is_served {
            Some(false) => format!("{cut}: deployment {id} exists, and the stage was not touched"),
            Some(true) => format!("{cut}: the stage was pointed at deployment {id}"),
            None => {
                let look = command::get_stage(target, api, stage);
                format!(
                    "{cut}: deployment {id} exists, and it is not known whether the stage serves it; look with: {look}"
                )
            }
        },
    }
}

/// Tells how a deploy ended.
pub fn ended(result: &Result<Deployed, DeployFailure>) -> String {
    match result {
        Ok(deployed) => format!(
            "Stage \"{}\" serves {} now, and {} before",
            deployed.stage.name,
            deployed.deployment.id,
            shown(deployed.previous.as_ref())
        ),
        Err(failed) => format!("{}; {}", one_line(&failed.failure), remains(failed)),
    }
}

/// A failure in one line.
pub fn one_line(failure: &Failure) -> String {
    let mut line = failure.title.clone();
    if !failure.causes.is_empty() {
        line = format!("{line}: {}", failure.causes.join(": "));
    }
    line
}

fn remains(failed: &DeployFailure) -> String {
    match &failed.remains {
        Remains::Nothing => "nothing was changed".to_owned(),
        Remains::Unknown => "it is not known whether a deployment was made".to_owned(),
        Remains::LeftOver(LeftOver {
            deployment_id,
            stage_use,
            ..
        }) => match stage_use {
            StageUse::NotServed => {
                format!("deployment {deployment_id} exists, and the stage does not serve it")
            }
            StageUse::Unknown => format!(
                "deployment {deployment_id} exists, and it is not known whether the stage serves it"
            ),
        },
    }
}
