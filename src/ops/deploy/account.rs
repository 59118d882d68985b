//! What a job has done, in one line: for whoever stopped watching it, and for the log.

use super::{command, shown};
use crate::model::{
    Failure, Target,
    plan::{
        DeployFailure, DeployPlan, DeployProgress, DeployStep, Deployed, LeftOver, Remains,
        StageUse, StepState,
    },
};

/// What is known of a deploy that is cut after this was the last that it told.
pub fn cut(target: &Target, plan: &DeployPlan, last: Option<&DeployProgress>) -> String {
    let stage = plan.request.stage.name();
    let api = plan.api.id.as_str();
    let name = &plan.api.name;
    let Some(last) = last else {
        return format!(
            "The deploy of \"{name}\" to stage \"{stage}\" was cut: nothing was changed"
        );
    };
    let cut = format!(
        "The deploy of \"{name}\" to stage \"{stage}\" was cut at {}",
        last.step.label()
    );
    let Some(id) = &last.deployment else {
        let look = command::get_deployments(target, api);
        return format!(
            "{cut}: a deployment may have been made that no stage serves; look with: {look}"
        );
    };
    let is_done = matches!(last.state, StepState::Done(_));
    match last.step {
        DeployStep::CreateDeployment | DeployStep::KeepDefinition | DeployStep::WaitForDeployed => {
            format!("{cut}: deployment {id} exists, and the stage was not touched")
        }
        DeployStep::Check => format!("{cut}: the stage was pointed at deployment {id}"),
        DeployStep::CreateStage | DeployStep::UpdateStage if is_done => {
            format!("{cut}: the stage was pointed at deployment {id}")
        }
        DeployStep::CreateStage | DeployStep::UpdateStage => {
            let look = command::get_stage(target, api, stage);
            format!(
                "{cut}: deployment {id} exists, and it is not known whether the stage serves it; look with: {look}"
            )
        }
    }
}

/// How a deploy ended.
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
