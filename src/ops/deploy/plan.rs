//! What a deploy would do, found out by looking only.

use super::{auto_deploys, command};
use crate::{
    aws::Control,
    model::{
        ApiDetail, DeploymentId, Drift, Failure, FailureKind, Stage, StageName, Target,
        limit::{DESCRIPTION_CHARS, STAGES_PER_API},
        plan::{DeployPlan, DeployRequest, DeployStep, StageChoice},
    },
    ops::{Journal, detail},
};

/// Characters of a description that the fingerprint takes, with the space in front of it.
const FINGERPRINT_CHARS: usize = " [sw:0123456789abcdef]".len();

/// Works out what the deploy would do. Changes nothing.
///
/// # Errors
/// Fails when the deploy cannot succeed (no routes; a new stage that exists or one more than the quota allows; an
/// existing stage that does not exist or has autoDeploy on), and when the control plane refuses or cannot be reached.
pub async fn plan(
    control: &Control,
    journal: &Journal,
    request: &DeployRequest,
) -> Result<DeployPlan, Failure> {
    let stage = request.stage.name();
    let detail = Box::pin(detail::read(control, journal, &request.api_id))
        .await
        .map_err(|error| error.failure(title(&request.api_name, stage)))?;
    check(&detail, request, control.target())?;
    let serves_now = detail.stage(stage).and_then(|it| it.deployment_id.clone());
    let fingerprint = detail.draft.fingerprint();
    let warnings = warnings(&detail, request, serves_now.as_ref());
    let target = control.target();
    let api_id = request.api_id.as_str();
    let described = fingerprint.append_to(request.description.as_deref().unwrap_or_default());
    let (stage_step, stage_command) = match &request.stage {
        StageChoice::Existing(_) => (
            DeployStep::UpdateStage,
            command::update_stage(target, api_id, stage, None),
        ),
        StageChoice::New(_) => (
            DeployStep::CreateStage,
            command::create_stage(target, api_id, stage, None),
        ),
    };
    let drift = detail.drift.get(stage).cloned();
    Ok(DeployPlan {
        request: request.clone(),
        fingerprint,
        serves_now,
        known: detail.deployments.iter().map(|it| it.id.clone()).collect(),
        drift: drift.unwrap_or(Drift::NothingDeployed),
        warnings,
        steps: vec![
            DeployStep::CreateDeployment,
            DeployStep::KeepDefinition,
            DeployStep::WaitForDeployed,
            stage_step,
            DeployStep::Check,
        ],
        commands: vec![
            command::create_deployment(target, api_id, &described),
            stage_command,
        ],
        api: detail.api,
        definition: detail.draft,
    })
}

/// What a failed deploy could not do, in the person's words.
pub(super) fn title(api: &str, stage: &StageName) -> String {
    format!("Cannot deploy \"{api}\" to stage \"{stage}\"")
}

fn check(detail: &ApiDetail, request: &DeployRequest, target: &Target) -> Result<(), Failure> {
    let failure = || {
        let title = title(&detail.api.name, request.stage.name());
        Failure::new(FailureKind::User, title)
    };
    if detail.routes.is_empty() {
        return Err(failure()
            .cause("the API has no routes, and API Gateway deploys none without")
            .hint("add a route, then deploy"));
    }
    match (&request.stage, detail.stage(request.stage.name())) {
        (StageChoice::New(_), Some(stage)) => Err(failure()
            .cause(format!(
                "a stage of that name exists, serving {}",
                super::shown(stage.deployment_id.as_ref())
            ))
            .hint("choose it among the existing stages, or another name")),
        // More stages than the usual quota mean that AWS raised it for this account.
        (StageChoice::New(_), None) if detail.stages.len() == STAGES_PER_API => Err(failure()
            .cause(format!(
                "the API has {STAGES_PER_API} stages, as many as API Gateway allows"
            ))
            .hint("delete a stage that is no longer used; if AWS raised the quota for this account, create the stage there and deploy to it")),
        (StageChoice::Existing(_), None) => Err(failure()
            .cause(no_such_stage(&detail.stages))
            .hint("choose one of them, or create it with the deploy (--create)")),
        (StageChoice::Existing(_), Some(stage)) if stage.auto_deploy => {
            Err(auto_deploys(failure(), target, &detail.api.id, &stage.name))
        }
        (StageChoice::New(_), None) | (StageChoice::Existing(_), Some(_)) => Ok(()),
    }
}

fn no_such_stage(stages: &[Stage]) -> String {
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    match names.as_slice() {
        [] => "the API has no stages yet".to_owned(),
        names => format!("the API has no such stage; it has {}", names.join(", ")),
    }
}

fn warnings(
    detail: &ApiDetail,
    request: &DeployRequest,
    serves_now: Option<&DeploymentId>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let bare: Vec<&str> = detail
        .routes
        .iter()
        // SOURCE: "Manage connected users and client apps": $connect and $disconnect work without an integration.
        .filter(|route| route.integration_id().is_none())
        .map(|route| route.key.as_str())
        .filter(|key| !matches!(*key, "$connect" | "$disconnect"))
        .collect();
    match bare.as_slice() {
        [] => {}
        [key] => warnings.push(format!(
            "Route {key} has no integration: its messages will be answered with an error."
        )),
        keys => warnings.push(format!(
            "Routes {} have no integration: their messages will be answered with an error.",
            keys.join(", ")
        )),
    }
    if let (Some(Drift::UpToDate), Some(id)) = (detail.drift.get(request.stage.name()), serves_now)
    {
        warnings.push(format!(
            "Nothing changed since {id}, which the stage serves: this deploys an equal copy."
        ));
    }
    let n_chars = request
        .description
        .as_deref()
        .map_or(0, |text| text.trim().chars().count());
    if n_chars + FINGERPRINT_CHARS > DESCRIPTION_CHARS {
        warnings.push(format!(
            "The description is longer than the {} characters that fit and will be cut.",
            DESCRIPTION_CHARS - FINGERPRINT_CHARS
        ));
    }
    warnings
}
