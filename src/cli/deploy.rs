//! `stagewire deploy API --stage NAME`: what the deploy dialog does, for scripts.

use std::{cell::RefCell, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    args::{DeployArgs, WaitFor},
    aws_json,
    exit::{self, Exit, Stop},
    output::{self, Output},
    progress::Line,
    settle,
    signals::Signals,
    start::{self, Session},
};
use crate::{
    aws::Control,
    model::{
        Api, ApiDetail, Drift, Failure, FailureKind, Target,
        pace::Priority,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, Deployed, DraftCheck,
            LeftOver, Remains, StageChoice, StageUse, StepState,
        },
    },
    ops::{
        Journal,
        deploy::{
            self,
            status_line::{self, Made},
        },
        find,
        reading::{self, Unfinished},
    },
};

/// The longest time that the step under way may take once somebody wants the deploy to end.
const LAST_STEP: Duration = Duration::from_secs(5);

pub(super) fn run(session: &Session, args: &DeployArgs, output: Output) -> Result<Exit, Stop> {
    start::block_on(async {
        let mut signals = Signals::listen().map_err(|error| {
            Failure::new(FailureKind::User, "Cannot listen for signals").caused_by(&error)
        })?;
        let prepared = tokio::select! {
            biased;
            prepared = session.watch(output, async |control| prepare(control, session, args).await) => {
                prepared.map_err(|failure: Failure| (exit::of(&failure), failure))
            }
            () = signals.next() => Err((Exit::Interrupted, interrupted(args))),
        };
        let job = match prepared {
            Ok(job) => job,
            Err((exit, failure)) => {
                output.failure_with(&failure, &remains_json(&json!({ "Kind": "Nothing" })));
                return Ok(exit);
            }
        };
        for warning in &job.plan.warnings {
            output::warn(warning);
        }
        if args.dry_run {
            show(&job.plan, output)?;
            return Ok(Exit::Done);
        }
        let carried_out = carry_out(&job, &mut signals, output).await;
        let exit = tell_end(&job, carried_out, output)?;
        match exit {
            Exit::Done => Ok(settled(&job, args, &mut signals, output).await),
            _ => Ok(exit),
        }
    })
}

/// Says that the stage may not have settled, or waits until it has.
async fn settled(job: &Job, args: &DeployArgs, signals: &mut Signals, output: Output) -> Exit {
    let act = match &job.plan.request.stage {
        StageChoice::Existing(_) => settle::Act::Moved,
        StageChoice::New(_) => settle::Act::Created,
    };
    match (settle::time(&job.control), args.wait) {
        (Some(time), wait) => {
            settle::tell(time, act, output);
            match wait {
                Some(WaitFor::Settled) => settle::wait(time, act, output, signals.next()).await,
                None => Exit::Done,
            }
        }
        (None, Some(WaitFor::Settled)) => {
            let endpoint = job.control.endpoint();
            output.progress(&format!("nothing to wait for: {endpoint} is not AWS"));
            Exit::Done
        }
        (None, None) => Exit::Done,
    }
}

/// A deploy that is planned, and the handles that it needs.
struct Job {
    control: Control,
    journal: Journal,
    plan: DeployPlan,
}

/// Makes the plan, which changes nothing.
async fn prepare(control: Control, session: &Session, args: &DeployArgs) -> Result<Job, Failure> {
    let journal = Journal::new(session.paths.journal());
    let plan = plan(&control, &journal, args).await?;
    Ok(Job {
        control,
        journal,
        plan,
    })
}

fn interrupted(args: &DeployArgs) -> Failure {
    let (api, stage) = (&args.api, &args.stage);
    let title = format!("Cannot deploy \"{api}\" to stage \"{stage}\"");
    Failure::new(FailureKind::User, title).cause("interrupted before anything was changed")
}

fn tell_end(job: &Job, carried_out: CarriedOut, output: Output) -> Result<Exit, Stop> {
    let plan = &job.plan;
    let target = job.control.target();
    match carried_out.result {
        Some(Ok(deployed)) => {
            for warning in &deployed.warnings {
                output::warn(warning);
            }
            answer(job, &deployed, output)?;
            Ok(carried_out.exit)
        }
        Some(Err(failed)) => {
            remains(&failed, target, output);
            let made = made_json(&status_line::made_by(&failed), plan, target);
            output.failure_with(&failed.failure, &remains_json(&made));
            Ok(match carried_out.exit {
                Exit::Interrupted => Exit::Interrupted,
                _ => exit::of(&failed.failure),
            })
        }
        None => {
            let last = carried_out.last.as_ref();
            let line = status_line::cut(target, plan, last);
            tracing::warn!("{line}");
            let made = made_json(&status_line::made_until(last), plan, target);
            let failure = Failure::new(FailureKind::User, line);
            output.failure_with(&failure, &remains_json(&made));
            Ok(Exit::Interrupted)
        }
    }
}

/// Returns what exists now, for a script: beside the failure.
fn remains_json(made: &Value) -> Map<String, Value> {
    Map::from_iter([("Remains".to_owned(), made.clone())])
}

/// Returns what exists and the commands that go on from there: to delete only what no stage is known to serve.
fn made_json(made: &Made, plan: &DeployPlan, target: &Target) -> Value {
    let Made::Deployment { id, is_served } = made else {
        return match made {
            Made::Unknown => {
                let look = deploy::look_for_deployment(target, plan);
                json!({ "Kind": "Unknown", "Commands": { "Look": look } })
            }
            _ => json!({ "Kind": "Nothing" }),
        };
    };
    let steps = deploy::next_steps(target, plan, id);
    let commands = match is_served {
        Some(true) => json!({ "Look": steps.look }),
        Some(false) => {
            json!({ "Look": steps.look, "Finish": steps.finish, "CleanUp": steps.clean_up })
        }
        None => json!({ "Look": steps.look, "Finish": steps.finish }),
    };
    json!({
        "Kind": "Deployment", "DeploymentId": id, "StageName": plan.request.stage.name(),
        "IsServed": is_served, "Commands": commands,
    })
}

/// The outcome of a deploy.
struct CarriedOut {
    /// The result; none when nobody waited for it.
    result: Option<Result<Deployed, DeployFailure>>,
    /// The last that it told.
    last: Option<DeployProgress>,
    exit: Exit,
}

/// Deploys. A signal lets it end the step under way, for a moment, and begins no other that changes anything; a second
/// one cuts it.
async fn carry_out(job: &Job, signals: &mut Signals, output: Output) -> CarriedOut {
    let Job {
        control,
        journal,
        plan,
    } = job;
    let last = RefCell::new(None);
    let teller = RefCell::new(Teller::new(output));
    let report = |progress: DeployProgress| {
        teller.borrow_mut().tell(&progress);
        *last.borrow_mut() = Some(progress);
    };
    let stop = CancellationToken::new();
    let control = control.at(Priority::Act);
    let mut job = Box::pin(deploy::run(&control, journal, plan, &stop, report));
    let (result, exit) = tokio::select! {
        biased;
        result = &mut job => (Some(result), Exit::Done),
        () = signals.next() => {
            stop.cancel();
            teller.borrow_mut().say("interrupted: ending the step under way");
            let result = tokio::select! {
                biased;
                result = &mut job => Some(result),
                () = signals.next() => None,
                () = sleep(LAST_STEP) => None,
            };
            (result, Exit::Interrupted)
        }
    };
    drop(job);
    CarriedOut {
        result,
        last: last.into_inner(),
        exit,
    }
}

async fn plan(
    control: &Control,
    journal: &Journal,
    args: &DeployArgs,
) -> Result<DeployPlan, Failure> {
    let api = find::find_api(control, &args.api).await?;
    let request = request(&api, args);
    let detail = read(control, journal, api, request.check).await;
    let failed = match deploy::plan(control.target(), &detail, &request) {
        Ok(plan) => return Ok(plan),
        Err(failure) => failure,
    };
    let lacks_draft = request.check == DraftCheck::BeforeStage && detail.draft.is_none();
    Err(if detail.stages.is_known() && lacks_draft {
        failed.cause("--no-wait deploys without reading the draft")
    } else {
        failed
    })
}

fn request(api: &Api, args: &DeployArgs) -> DeployRequest {
    let stage = args.stage.clone();
    DeployRequest {
        api_id: api.id.clone(),
        api_name: api.name.clone(),
        stage: if args.create {
            StageChoice::New(stage)
        } else {
            StageChoice::Existing(stage)
        },
        description: args.description.clone(),
        check: if args.no_wait {
            DraftCheck::AfterStage
        } else {
            DraftCheck::BeforeStage
        },
    }
}

/// Reads what the plan is made from: a draft that is compared behind the freeze, else the stages only.
async fn read(control: &Control, journal: &Journal, api: Api, check: DraftCheck) -> ApiDetail {
    match check {
        DraftCheck::BeforeStage => {
            // It leaves turns to what follows: the freeze, and the reading behind it that the stage waits for.
            let control = control.at(Priority::Shown);
            reading::all(&control, journal, api, &Unfinished::default()).await
        }
        DraftCheck::AfterStage => {
            let stages = reading::stages(control, journal, &api.id).await;
            let mut detail = ApiDetail::unread(api);
            detail.take_stages(stages);
            detail
        }
    }
}

fn show(plan: &DeployPlan, output: Output) -> Result<(), Stop> {
    if output.json {
        output::json(&plan_json(plan))
    } else {
        output::answer(&plan_lines(plan).join("\n"))
    }
}

fn plan_json(plan: &DeployPlan) -> Value {
    let changes = match &plan.drift {
        Drift::Changes(changes) => {
            Some(changes.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        _ => None,
    };
    json!({
        "ApiId": plan.api.id,
        "StageName": plan.request.stage.name(),
        "ServesNow": plan.serves_now,
        "Drift": plan.drift.text(),
        "Changes": changes,
        "Steps": plan.steps.iter().map(|step| step.label()).collect::<Vec<_>>(),
        "Commands": plan.commands,
        "Warnings": plan.warnings,
    })
}

fn plan_lines(plan: &DeployPlan) -> Vec<String> {
    let stage = plan.request.stage.name();
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
    lines
}

/// Tells the steps of a deploy, and how far one is that takes long.
struct Teller {
    output: Output,
    line: Line,
    /// True once it was said of this step that AWS holds it up, be it several times.
    said_held_up: bool,
}

impl Teller {
    fn new(output: Output) -> Self {
        Self {
            output,
            line: Line::new(output),
            said_held_up: false,
        }
    }

    fn tell(&mut self, progress: &DeployProgress) {
        let step = progress.step.label();
        if let Some(reading) = &progress.reading {
            match reading.held_up {
                Some(held_up) if !self.said_held_up => {
                    self.say(&format!("{step}: {}", held_up.text()));
                    self.said_held_up = true;
                }
                None if reading.n_done < reading.n_expected => {
                    self.line.tell(&format!("{step}: {}", reading.text()));
                }
                Some(_) | None => {}
            }
            return;
        }
        match progress.state {
            StepState::Running => {
                self.line = Line::new(self.output);
                self.said_held_up = false;
                self.say(&format!("{step} ..."));
            }
            StepState::Done(took) => self.say(&format!("{step}: done, {} ms", took.as_millis())),
            StepState::Failed(took) => {
                self.say(&format!("{step}: failed, {} ms", took.as_millis()));
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.line.clear();
        self.output.progress(line);
    }
}

fn deployed_json(job: &Job, deployed: &Deployed) -> Value {
    let mut json = json!({
        "Deployment": aws_json::deployment(&deployed.deployment),
        "Stage": aws_json::stage(&deployed.stage),
        "Proved": deployed.deployment.fingerprint().is_some(),
    });
    if let Some(time) = settle::time(&job.control) {
        json["SettlesInSeconds"] = time.as_secs().into();
    }
    json
}

fn answer(job: &Job, deployed: &Deployed, output: Output) -> Result<(), Stop> {
    let is_proved = deployed.deployment.fingerprint().is_some();
    let (stage, deployment) = (&deployed.stage.name, &deployed.deployment.id);
    if output.json {
        output::json(&deployed_json(job, deployed))?;
    } else {
        output::answer(&match &deployed.previous {
            Some(previous) => format!("{stage}: {previous} -> {deployment}"),
            None => format!("{stage}: {deployment}"),
        })?;
        output.progress(&format!("URL: {}", job.plan.api.invoke_url(stage)));
        if let Some(undo) = deployed.undo() {
            output.progress(&format!("undo: {}", undo.command));
        }
    }
    if !is_proved {
        output.progress(&format!(
            "unknown what {deployment} holds: it was deployed without reading the draft"
        ));
    }
    Ok(())
}

/// Tells what a failed deploy left for somebody to finish or to clean up.
fn remains(failed: &DeployFailure, target: &Target, output: Output) {
    match &failed.remains {
        Remains::Nothing => output.progress("nothing was changed"),
        Remains::Unknown => output::warn(
            "a deployment may exist now that no stage serves; look before deploying again",
        ),
        Remains::LeftOver(left) => left_over(left, target, output),
    }
}

/// Tells what exists and the ways to go on. The way to delete it is told only where the stage is known not to serve it.
fn left_over(left: &LeftOver, target: &Target, output: Output) {
    let deployment = &left.deployment_id;
    let stage = left.plan.request.stage.name();
    let commands = deploy::next_steps(target, &left.plan, deployment);
    match left.stage_use {
        StageUse::NotServed => {
            output::warn(&format!(
                "deployment {deployment} exists now; stage {stage} does not serve it"
            ));
            if !left.is_disproved {
                output.progress(&format!("to finish:   {}", commands.finish));
            }
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
