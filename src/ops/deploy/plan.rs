//! Plans of deploys: what each would do, found out by looking only.

use super::{auto_deploys, command};
use crate::model::{
    ApiDetail, DeploymentId, Drift, Failure, FailureKind, Fingerprint, Route, Stage, StageName,
    Target,
    limit::{DESCRIPTION_CHARS, STAGES_PER_API},
    plan::{DeployPlan, DeployRequest, DeployStep, DraftCheck, StageChoice},
};

/// Characters of a description that the fingerprint takes, with the space in front of it.
const FINGERPRINT_CHARS: usize = " [sw:0123456789abcdef?]".len();

/// Works out what the deploy would do, from what was read of the API. Makes no call.
///
/// # Errors
/// Fails when the deploy cannot succeed (no routes; a new stage that exists or one more than the quota allows; an
/// existing stage that does not exist or has autoDeploy on), when the stages were not read, and when the draft, which is to
/// be compared, was not.
pub fn plan(
    target: &Target,
    detail: &ApiDetail,
    request: &DeployRequest,
) -> Result<DeployPlan, Failure> {
    let stage = request.stage.name();
    check_read(detail, request)?;
    check(detail, request, target)?;
    let serves_now = detail.stage(stage).and_then(|it| it.deployment_id.clone());
    let stage_step = match &request.stage {
        StageChoice::Existing(_) => DeployStep::UpdateStage,
        StageChoice::New(_) => DeployStep::CreateStage,
    };
    // What is told of a deployment is for whoever looked, so the commands claim nothing.
    let described = Fingerprint::plain(request.description.as_deref().unwrap_or_default());
    let drift = detail.drift.get(stage).cloned();
    Ok(DeployPlan {
        request: request.clone(),
        warnings: warnings(detail, request, serves_now.as_ref()),
        serves_now,
        known: detail.deployments.iter().map(|it| it.id.clone()).collect(),
        drift: drift.unwrap_or(Drift::NothingDeployed),
        steps: steps(request.check, stage_step),
        commands: command::deploy(target, &request.api_id, &request.stage, &described),
        api: detail.api.clone(),
        draft: detail.draft.clone(),
    })
}

fn steps(check: DraftCheck, stage: DeployStep) -> Vec<DeployStep> {
    let steps = match check {
        DraftCheck::BeforeStage => [
            Some(DeployStep::CreateDeployment),
            Some(DeployStep::KeepDefinition),
            Some(DeployStep::WaitForDeployed),
            Some(stage),
            Some(DeployStep::Check),
        ],
        DraftCheck::AfterStage => [
            Some(DeployStep::CreateDeployment),
            Some(DeployStep::WaitForDeployed),
            Some(stage),
            Some(DeployStep::Check),
            None,
        ],
    };
    steps.into_iter().flatten().collect()
}

/// Refuses a plan when the stages were not read, without which nobody can tell that a new stage's name is free, or when
/// the draft was not and shall be checked before the stage is moved.
fn check_read(detail: &ApiDetail, request: &DeployRequest) -> Result<(), Failure> {
    let lacks = |failure: Option<&Failure>, what: &str| {
        let title = title(&detail.api.name, request.stage.name());
        let lacking = Failure::new(FailureKind::Remote, title).cause(format!("{what} not read"));
        match failure {
            Some(failure) => Failure {
                causes: failure.causes.clone(),
                hint: failure.hint.clone(),
                kind: failure.kind,
                ..lacking
            },
            None => lacking,
        }
    };
    if !detail.stages.is_known() {
        return Err(lacks(detail.stages.failure.as_ref(), "the stages were"));
    }
    if request.check == DraftCheck::BeforeStage && detail.draft.is_none() {
        return Err(lacks(detail.draft_failure(), "the draft was"));
    }
    Ok(())
}

/// Returns what a failed deploy could not do, in the person's words.
pub(super) fn title(api: &str, stage: &StageName) -> String {
    format!("Cannot deploy \"{api}\" to stage \"{stage}\"")
}

fn check(detail: &ApiDetail, request: &DeployRequest, target: &Target) -> Result<(), Failure> {
    let failure = || {
        let title = title(&detail.api.name, request.stage.name());
        Failure::new(FailureKind::User, title)
    };
    if detail.routes.is_whole() && detail.routes.is_empty() {
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
    let equal = detail.drift.get(request.stage.name()) == Some(&Drift::UpToDate);
    let equal = serves_now.filter(|_| equal).map(|id| {
        format!("Nothing changed since {id}, which the stage serves: this deploys an equal copy.")
    });
    let description = request.description.as_deref().unwrap_or_default();
    let is_cut = description.trim().chars().count() + FINGERPRINT_CHARS > DESCRIPTION_CHARS;
    let cut = is_cut.then(|| {
        format!(
            "The description is longer than the {} characters that fit and will be cut.",
            DESCRIPTION_CHARS - FINGERPRINT_CHARS
        )
    });
    let warnings = [without_integration(&detail.routes), equal, cut];
    warnings.into_iter().flatten().collect()
}

/// Warns of routes that nothing answers.
fn without_integration(routes: &[Route]) -> Option<String> {
    let keys: Vec<&str> = routes
        .iter()
        // SOURCE: "Manage connected users and client apps": $connect and $disconnect work without an integration.
        .filter(|route| route.integration_id().is_none())
        .map(|route| route.key.as_str())
        .filter(|key| !matches!(*key, "$connect" | "$disconnect"))
        .collect();
    match keys.as_slice() {
        [] => None,
        [key] => Some(format!(
            "Route {key} has no integration: its messages will be answered with an error."
        )),
        keys => Some(format!(
            "Routes {} have no integration: their messages will be answered with an error.",
            keys.join(", ")
        )),
    }
}
