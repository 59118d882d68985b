//! `stagewire apply FILE`: makes an API on the target as a file says.

use std::{cell::RefCell, collections::HashSet, fs, io, path::Path, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    args::ApplyArgs,
    exit::{self, Exit, Stop},
    output::{self, Output},
    signals::Signals,
    start::{self, Session},
};
use crate::{
    aws::Control,
    model::{
        ApiId, Failure, FailureKind,
        diff::{Change, Subject},
        file::{self, ApiFile},
        text::printable,
    },
    ops::apply::{self, Applied, ApplyFailure, ApplyPlan, ApplyRequest, Extras, Progress},
};

/// Characters of a member's value that a line of the plan tells.
const LONGEST_VALUE: usize = 80;

/// How long the call under way may take once somebody wants the job to end.
const LAST_CALL: Duration = Duration::from_secs(5);

pub(super) fn run(session: &Session, args: &ApplyArgs, output: Output) -> Result<Exit, Stop> {
    let is_unattended = args.yes || args.dry_run;
    if args.file.as_os_str() == "-" && !is_unattended {
        let failure = Failure::new(FailureKind::User, "Nobody could be asked")
            .cause("stdin is the file")
            .hint("add --yes to apply it, or --dry-run to look first");
        return Err(Stop::Usage(failure));
    }
    let files = read(&args.file)?;
    if args.api.is_some() && files.len() > 1 {
        let failure = Failure::new(
            FailureKind::User,
            "--api names one API, the file has several",
        );
        return Err(Stop::Usage(failure));
    }
    start::block_on(async {
        let mut signals = Signals::listen().map_err(|error| {
            Failure::new(FailureKind::User, "Cannot listen for signals").caused_by(&error)
        })?;
        let prepared = tokio::select! {
            biased;
            prepared = session.patiently(output, prepare(session, files, args)) => prepared?,
            () = signals.next() => return Ok(interrupted(args, output)),
        };
        let (control, plans) = prepared;
        for note in plans.iter().flat_map(|plan| &plan.notes) {
            output::warn(note);
        }
        if args.dry_run {
            let foretold = foretell(&control, &plans);
            return tokio::select! {
                biased;
                foretold = foretold => tell(&plans, &foretold?, output),
                () = signals.next() => Ok(interrupted(args, output)),
            };
        }
        if plans.iter().any(|plan| !plan.is_empty()) {
            let is_wanted = tokio::select! {
                biased;
                () = signals.next() => return Ok(interrupted(args, output)),
                is_wanted = is_wanted(&control, &plans, args, output) => is_wanted,
            };
            if !is_wanted {
                output::warn("nothing was changed");
                return Ok(Exit::Failed);
            }
        }
        carry_all_out(&control, &plans, &mut signals, output).await
    })
}

/// Looks at everything and changes nothing.
async fn prepare(
    session: &Session,
    files: Vec<ApiFile>,
    args: &ApplyArgs,
) -> Result<(Control, Vec<ApplyPlan>), Failure> {
    let control = session.control().await?;
    let mut plans = Vec::new();
    for file in files {
        let extras = if args.prune {
            Extras::Pruned
        } else {
            Extras::LeftAlone
        };
        let api = args.api.clone();
        plans.push(apply::plan(&control, &ApplyRequest { file, api, extras }).await?);
    }
    Ok((control, plans))
}

/// Tells that nothing was done.
fn interrupted(args: &ApplyArgs, output: Output) -> Exit {
    let title = format!("Cannot apply {}", args.file.display());
    let failure =
        Failure::new(FailureKind::User, title).cause("interrupted before anything was changed");
    GivenUp::between_calls(failure).tell(output, &[], &[]);
    Exit::Interrupted
}

/// Applies the plans, one after the other: on to the next where the target still differs, but neither after a call that
/// failed nor after a signal.
async fn carry_all_out(
    control: &Control,
    plans: &[ApplyPlan],
    signals: &mut Signals,
    output: Output,
) -> Result<Exit, Stop> {
    let stop = CancellationToken::new();
    let mut answers = Vec::new();
    let mut exit = Exit::Done;
    for (idx, plan) in plans.iter().enumerate() {
        let later = &plans[idx + 1..];
        let carried_out = carry_out(control, plan, signals, &stop, output).await;
        answers.extend(carried_out.answer);
        if let Some(given_up) = carried_out.given_up {
            answer(answers, output)?;
            given_up.tell(output, &plans[..idx], later);
            return Ok(carried_out.exit);
        }
        if carried_out.exit != Exit::Done {
            exit = carried_out.exit;
        }
        if stop.is_cancelled() && !later.iter().all(ApplyPlan::is_empty) {
            answer(answers, output)?;
            let title = "Cannot apply the file in full";
            let failure = Failure::new(FailureKind::User, title).cause("it was interrupted");
            GivenUp::between_calls(failure).tell(output, &plans[..=idx], later);
            return Ok(Exit::Interrupted);
        }
    }
    answer(answers, output)?;
    Ok(exit)
}

/// The APIs of the file, or of stdin.
fn read(path: &Path) -> Result<Vec<ApiFile>, Failure> {
    let title = || format!("Cannot read {}", path.display());
    let text = if path.as_os_str() == "-" {
        file::read_text(io::stdin().lock())
    } else {
        fs::File::open(path).and_then(file::read_text)
    };
    let text = text.map_err(|error| Failure::new(FailureKind::User, title()).caused_by(&error))?;
    let files = file::parse(&text).map_err(|mistake| {
        let cause = format!("{}:{mistake}", path.display());
        Failure::new(FailureKind::User, title()).cause(printable(&cause))
    })?;
    if files.is_empty() {
        return Err(Failure::new(FailureKind::User, title()).cause("it holds no API"));
    }
    let mut names = HashSet::new();
    for file in &files {
        if !names.insert(&file.name) {
            let cause = format!("it holds two APIs named {:?}", printable(&file.name));
            return Err(Failure::new(FailureKind::User, title()).cause(cause));
        }
    }
    Ok(files)
}

/// The commands of each plan.
async fn foretell(control: &Control, plans: &[ApplyPlan]) -> Result<Vec<Vec<String>>, Failure> {
    let mut all = Vec::new();
    for plan in plans {
        all.push(apply::commands(control, plan).await?);
    }
    Ok(all)
}

/// Tells what would be done, and by the exit code whether that is anything.
fn tell(plans: &[ApplyPlan], commands: &[Vec<String>], output: Output) -> Result<Exit, Stop> {
    let all = plans.iter().zip(commands);
    if output.json {
        let json = all.map(|(plan, commands)| plan_json(plan, commands));
        print_all(json.collect())?;
    } else {
        let lines = all.flat_map(|(plan, commands)| {
            let commands = commands.iter().cloned();
            plan_lines(plan).into_iter().chain(commands)
        });
        let lines: Vec<String> = lines.collect();
        output::answer(&lines.join("\n"))?;
    }
    Ok(if plans.iter().all(ApplyPlan::is_empty) {
        Exit::Done
    } else {
        Exit::Differences
    })
}

/// Shows the plan, and asks whoever sits there.
async fn is_wanted(
    control: &Control,
    plans: &[ApplyPlan],
    args: &ApplyArgs,
    output: Output,
) -> bool {
    let lines: Vec<String> = plans.iter().flat_map(plan_lines).collect();
    if args.yes || !output::is_typed() {
        for line in &lines {
            output.progress(line);
        }
        return true;
    }
    let question = format!("Apply this at {}?", control.endpoint());
    // On a thread of its own, because a read from a terminal cannot be given up; it ends with the program.
    let asked = tokio::task::spawn_blocking(move || output::ask(lines.into_iter(), &question));
    asked.await.unwrap_or(false)
}

fn plan_lines(plan: &ApplyPlan) -> Vec<String> {
    let name = printable(&plan.name);
    let calls = n_calls_text(plan.steps().len());
    let mut lines = vec![match (&plan.api, plan.is_empty()) {
        (None, _) => format!("API {name}, to be created with {calls}"),
        (Some(api), true) => format!("API {name} ({api}): nothing differs"),
        (Some(api), false) => format!("API {name} ({api}), to be changed with {calls}"),
    }];
    let changes = plan.changes.iter();
    lines.extend(changes.map(|change| format!("  {}", short(change))));
    let left_alone = plan.left_alone.iter();
    lines.extend(left_alone.map(|subject| {
        let subject = subject.to_string();
        format!("  left alone, not in the file: {}", printable(&subject))
    }));
    lines
}

fn n_calls_text(n_calls: usize) -> String {
    match n_calls {
        1 => "1 call".to_owned(),
        _ => format!("{n_calls} calls"),
    }
}

/// The change in one line that one can read: long values end early.
fn short(change: &Change) -> String {
    let mut change = change.clone();
    for detail in &mut change.details {
        for value in [&mut detail.old, &mut detail.new].into_iter().flatten() {
            if value.chars().count() > LONGEST_VALUE {
                let head: String = value.chars().take(LONGEST_VALUE).collect();
                *value = format!("{head}…");
            }
        }
    }
    printable(&change.to_string()).into_owned()
}

fn plan_json(plan: &ApplyPlan, commands: &[String]) -> Value {
    json!({
        "Name": plan.name,
        "ApiId": plan.api,
        "Changes": texts(&plan.changes),
        "LeftAlone": texts(&plan.left_alone),
        "Calls": plan.steps(),
        "Commands": commands,
        "Notes": plan.notes,
    })
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// What became of one API.
struct CarriedOut {
    answer: Option<Answer>,
    given_up: Option<GivenUp>,
    exit: Exit,
}

/// What there is to answer about one API.
struct Answer {
    line: String,
    json: Value,
}

/// What there is to say about one that is not as its file says.
struct GivenUp {
    failure: Failure,
    api: Option<ApiId>,
    done: Vec<String>,
    unknown: Option<String>,
    not_done: Vec<String>,
}

impl GivenUp {
    /// What there is to say where no call was under way and none was made.
    fn between_calls(failure: Failure) -> Self {
        Self {
            failure,
            api: None,
            done: Vec::new(),
            unknown: None,
            not_done: Vec::new(),
        }
    }

    /// Tells it; `before` it in the file were these, `later` would have come those.
    fn tell(&self, output: Output, before: &[ApplyPlan], later: &[ApplyPlan]) {
        let not_begun = later.iter().filter(|plan| !plan.is_empty());
        let not_begun: Vec<&str> = not_begun.map(|plan| plan.name.as_str()).collect();
        let json = json!({
            "ApiId": self.api,
            "Done": self.done,
            "Unknown": self.unknown,
            "NotDone": self.not_done,
            "NotBegun": not_begun,
        });
        let more = match json {
            Value::Object(more) => more,
            _ => Map::new(),
        };
        output.failure_with(&self.failure, &more);
        let all = |calls: &[String]| calls.join(", ");
        if !not_begun.is_empty() {
            let names = not_begun.join(", API ");
            output::warn(&format!("not begun: API {names}"));
        }
        if self.done.is_empty() && self.unknown.is_none() {
            output::warn(if before.iter().all(ApplyPlan::is_empty) {
                "nothing was changed"
            } else {
                "nothing more was changed"
            });
            return;
        }
        if !self.done.is_empty() {
            output::warn(&format!("done: {}", all(&self.done)));
        }
        if let Some(unknown) = &self.unknown {
            output::warn(&format!("not known whether it was carried out: {unknown}"));
        }
        if !self.not_done.is_empty() {
            output::warn(&format!("not done: {}", all(&self.not_done)));
            output.progress("applied again, the file goes on from there");
        }
    }
}

/// Applies one plan. A signal cancels `stop` and lets it end the call under way, for a moment, and begins no other; a
/// second one cuts it.
async fn carry_out(
    control: &Control,
    plan: &ApplyPlan,
    signals: &mut Signals,
    stop: &CancellationToken,
    output: Output,
) -> CarriedOut {
    if let (true, Some(api)) = (plan.is_empty(), &plan.api) {
        let line = format!("{}: {api}, nothing differs", printable(&plan.name));
        return CarriedOut {
            answer: Some(told(plan, (api, line), &[], &[])),
            given_up: None,
            exit: Exit::Done,
        };
    }
    let last = RefCell::new(None);
    let report = |progress: Progress| {
        let Progress {
            step,
            number,
            n_steps,
        } = &progress;
        output.progress(&format!("{number}/{n_steps} {step}"));
        *last.borrow_mut() = Some(progress);
    };
    let mut job = Box::pin(apply::run(control, plan, stop, report));
    let result = tokio::select! {
        biased;
        result = &mut job => Some(result),
        () = signals.next() => {
            stop.cancel();
            output.progress("interrupted: ending the call under way");
            tokio::select! {
                biased;
                result = &mut job => Some(result),
                () = signals.next() => None,
                () = sleep(LAST_CALL) => None,
            }
        }
    };
    drop(job);
    match result {
        Some(Ok(applied)) => end(plan, &applied, output),
        Some(Err(failed)) => give_up(*failed),
        None => cut(plan, last.into_inner().as_ref()),
    }
}

fn end(plan: &ApplyPlan, applied: &Applied, output: Output) -> CarriedOut {
    let api = &applied.api;
    let n_calls = n_calls_text(applied.done.len());
    let line = format!("{}: {api}, {n_calls} made", printable(&plan.name));
    let exit = if applied.remaining.is_empty() {
        Exit::Done
    } else {
        output::warn("every call was answered well, and the target still differs from the file:");
        for change in &applied.remaining {
            output::warn(&format!("  {}", short(change)));
        }
        Exit::Failed
    };
    if plan.changes.iter().any(is_of_the_draft) {
        output.progress(&format!(
            "the draft has changed, what stages serve has not; to serve it: stagewire deploy {api} --stage NAME"
        ));
    }
    CarriedOut {
        answer: Some(told(plan, (api, line), &applied.done, &applied.remaining)),
        given_up: None,
        exit,
    }
}

/// True for what needs a deployment to be met by clients.
fn is_of_the_draft(change: &Change) -> bool {
    !matches!(change.subject, Subject::Stage(_))
}

fn give_up(failed: ApplyFailure) -> CarriedOut {
    let exit = if failed.was_stopped {
        Exit::Interrupted
    } else {
        exit::of(&failed.failure)
    };
    CarriedOut {
        answer: None,
        given_up: Some(GivenUp {
            failure: failed.failure,
            api: failed.api,
            done: failed.done,
            unknown: failed.unknown,
            not_done: failed.not_done,
        }),
        exit,
    }
}

/// Nobody waited for the answer of the call under way.
fn cut(plan: &ApplyPlan, last: Option<&Progress>) -> CarriedOut {
    let mut done = plan.steps();
    let n_done = last.map_or(0, |progress| progress.number - 1);
    let mut not_done = done.split_off(n_done.min(done.len()));
    let is_under_way = last.is_some() && !not_done.is_empty();
    let title = format!("Cannot apply \"{}\" in full", printable(&plan.name));
    CarriedOut {
        answer: None,
        given_up: Some(GivenUp {
            failure: Failure::new(FailureKind::User, title).cause("it was cut short"),
            api: plan.api.clone(),
            done,
            unknown: is_under_way.then(|| not_done.remove(0)),
            not_done,
        }),
        exit: Exit::Interrupted,
    }
}

fn told(
    plan: &ApplyPlan,
    (api, line): (&ApiId, String),
    done: &[String],
    remaining: &[Change],
) -> Answer {
    let json = json!({
        "Name": plan.name,
        "ApiId": api,
        "Changes": texts(&plan.changes),
        "LeftAlone": texts(&plan.left_alone),
        "Done": done,
        "Remaining": texts(remaining),
    });
    Answer { line, json }
}

fn answer(answers: Vec<Answer>, output: Output) -> Result<(), Stop> {
    if answers.is_empty() {
        return Ok(());
    }
    if output.json {
        return print_all(answers.into_iter().map(|answer| answer.json).collect());
    }
    let lines: Vec<String> = answers.into_iter().map(|answer| answer.line).collect();
    output::answer(&lines.join("\n"))
}

/// One API is an object, several are a list, as in the file.
fn print_all(mut all: Vec<Value>) -> Result<(), Stop> {
    match all.len() {
        1 => output::json(&all.remove(0)),
        _ => output::json(&all),
    }
}
