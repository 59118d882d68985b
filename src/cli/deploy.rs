//! `stagewire deploy API --stage NAME`: what the deploy dialog does, for scripts.

use serde_json::json;

use super::{
    args::DeployArgs,
    aws_json,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    aws::Control,
    model::{
        Drift, Target,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, DeployStep, Deployed,
            LeftOver, Remains, StageChoice, StageUse, StepState,
        },
    },
    ops::{Journal, deploy, detail},
};

pub(super) fn run(session: &Session, args: &DeployArgs, output: Output) -> Result<Exit, Stop> {
    start::block_on(async {
        let control = session.control().await?;
        let journal = Journal::new(session.paths.journal());
        let plan = plan(&control, &journal, args).await?;
        for warning in &plan.warnings {
            output::warn(warning);
        }
        if args.dry_run {
            show(&plan, output)?;
            return Ok(Exit::Done);
        }
        let mut step = None;
        let report = |progress: DeployProgress| {
            step = Some(progress.step);
            tell(&progress, output);
        };
        let deployed = tokio::select! {
            deployed = deploy::run(&control, &journal, &plan, report) => deployed,
            _ = tokio::signal::ctrl_c() => {
                interrupted(&plan, step);
                return Ok(Exit::Interrupted);
            }
        };
        let deployed = deployed.map_err(|failure| failed(failure, control.target(), output))?;
        for warning in &deployed.warnings {
            output::warn(warning);
        }
        answer(&plan, &deployed, output)?;
        Ok(Exit::Done)
    })
}

async fn plan(control: &Control, journal: &Journal, args: &DeployArgs) -> Result<DeployPlan, Stop> {
    let api = detail::find_api(control, &args.api).await?;
    let stage = args.stage.clone();
    let request = DeployRequest {
        api_id: api.id,
        stage: if args.create {
            StageChoice::New(stage)
        } else {
            StageChoice::Existing(stage)
        },
        description: args.description.clone(),
    };
    Ok(deploy::plan(control, journal, &request).await?)
}

fn show(plan: &DeployPlan, output: Output) -> Result<(), Stop> {
    let stage = plan.request.stage.name();
    if output.json {
        let changes = match &plan.drift {
            Drift::Changes(changes) => {
                Some(changes.iter().map(ToString::to_string).collect::<Vec<_>>())
            }
            _ => None,
        };
        return output::json(&json!({
            "ApiId": plan.api.id,
            "StageName": stage,
            "ServesNow": plan.serves_now,
            "Drift": plan.drift.text(),
            "Changes": changes,
            "Steps": plan.steps.iter().map(|step| step.label()).collect::<Vec<_>>(),
            "Commands": plan.commands,
            "Warnings": plan.warnings,
        }));
    }
    let mut lines = vec![format!("API      {} ({})", plan.api.name, plan.api.id)];
    lines.push(match (&plan.serves_now, &plan.request.stage) {
        (Some(deployment), _) => format!("Stage    {stage}, serves {deployment}"),
        (None, StageChoice::Existing(_)) => format!("Stage    {stage}, serves nothing"),
        (None, StageChoice::New(_)) => format!("Stage    {stage}, to be created"),
    });
    lines.push(format!("Draft    {}", plan.drift.text()));
    if let Drift::Changes(changes) = &plan.drift {
        lines.extend(changes.iter().map(|change| format!("  {change}")));
    }
    let steps: Vec<_> = plan.steps.iter().map(|step| step.label()).collect();
    lines.push(format!("Steps    {}", steps.join(" -> ")));
    lines.extend(plan.commands.iter().cloned());
    output::answer(&lines.join("\n"))
}

fn tell(progress: &DeployProgress, output: Output) {
    let step = progress.step.label();
    match progress.state {
        StepState::Running => output.progress(&format!("{step} ...")),
        StepState::Done(took) => output.progress(&format!("{step}: done, {} ms", took.as_millis())),
        StepState::Failed(took) => {
            output.progress(&format!("{step}: failed, {} ms", took.as_millis()));
        }
    }
}

fn answer(plan: &DeployPlan, deployed: &Deployed, output: Output) -> Result<(), Stop> {
    if output.json {
        return output::json(&json!({
            "Deployment": aws_json::deployment(&deployed.deployment),
            "Stage": aws_json::stage(&deployed.stage),
        }));
    }
    let stage = &deployed.stage.name;
    let deployment = &deployed.deployment.id;
    output::answer(&match &deployed.previous {
        Some(previous) => format!("{stage}: {previous} -> {deployment}"),
        None => format!("{stage}: {deployment}"),
    })?;
    output.progress(&format!("URL: {}", plan.api.invoke_url(stage)));
    if let Some(undo) = deployed.undo() {
        output.progress(&format!(
            "undo: aws apigatewayv2 update-stage{} --api-id {} --stage-name {} --deployment-id {}",
            options(plan),
            undo.api_id,
            undo.stage,
            undo.to
        ));
    }
    Ok(())
}

/// The options that lead the AWS CLI to the target, as the plan's own commands have them, with a space in front.
fn options(plan: &DeployPlan) -> &str {
    plan.commands
        .first()
        .and_then(|command| command.split_once("create-deployment"))
        .and_then(|(_, rest)| rest.split_once(" --api-id"))
        .map_or("", |(options, _)| options)
}

/// Says what may exist now, since nobody waited for the answers.
fn interrupted(plan: &DeployPlan, step: Option<DeployStep>) {
    let (api, stage) = (&plan.api.id, plan.request.stage.name());
    output::warn(&match step {
        None => "interrupted; nothing was changed".to_owned(),
        Some(step) => format!(
            "interrupted at {}; look at what exists now: stagewire stages {api}, and \
             aws apigatewayv2 get-deployments{} --api-id {api} for a deployment that stage {stage} does not serve",
            step.label(),
            options(plan)
        ),
    });
}

/// A failed deploy, and what it left for somebody to finish or to clean up.
fn failed(failed: DeployFailure, target: &Target, output: Output) -> Stop {
    match &failed.remains {
        Remains::Nothing => output.progress("nothing was changed"),
        Remains::Unknown => output::warn(
            "a deployment may exist now that no stage serves; look before deploying again",
        ),
        Remains::LeftOver(left) => left_over(left, target, output),
    }
    failed.failure.into()
}

/// What exists and the ways on. How to delete it is told only where no stage was seen to serve it.
fn left_over(left: &LeftOver, target: &Target, output: Output) {
    let deployment = &left.deployment_id;
    let stage = left.plan.request.stage.name();
    let commands = deploy::ways_on(target, left);
    match left.stage_use {
        StageUse::NotServed => {
            output::warn(&format!(
                "deployment {deployment} exists now; stage {stage} does not serve it"
            ));
            output.progress(&format!("to finish:   {}", commands.finish));
            output.progress(&format!("to clean up: {}", commands.clean_up));
        }
        StageUse::Unknown => {
            output::warn(&format!(
                "deployment {deployment} exists now; it is not known whether stage {stage} serves it"
            ));
            output.progress(&format!("to look:     {}", commands.look));
            output.progress(&format!(
                "to finish, if it serves something else: {}",
                commands.finish
            ));
        }
    }
}
