//! `stagewire apply FILE`: makes an API on the target as a file says.

mod report;

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    fs,
    future::pending,
    io,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::watch::Receiver,
    time::{Instant, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use self::report::{CarriedOut, GivenUp, Voice};
use super::{
    args::ApplyArgs,
    exit::{Exit, Stop},
    output::{self, Output},
    progress::Line,
    signals::Signals,
    start::{self, Session},
};
use crate::{
    aws::Control,
    model::{
        Failure, FailureKind,
        diff::Change,
        file::{self, ApiFile},
        pace::ReadProgress,
        text::printable,
    },
    ops::apply::{self, ApplyPlan, ApplyRequest, Extras, Progress},
};

/// Characters of a member's value that a line of the plan tells.
const LONGEST_VALUE: usize = 80;

/// The longest time that the call under way may take once somebody wants the job to end.
const LAST_CALL: Duration = Duration::from_secs(5);

/// The pause between two looks at how far the job is.
const TICK: Duration = Duration::from_millis(500);

pub(super) fn run(session: &Session, args: &ApplyArgs, output: Output) -> Result<Exit, Stop> {
    if args.file.as_os_str() == "-" && !args.yes && !args.dry_run {
        let failure = Failure::new(FailureKind::User, "Nobody could be asked")
            .cause("stdin is the file")
            .hint("add --yes to apply it, or --dry-run to look first");
        return Err(Stop::Usage(failure));
    }
    let files = read(&args.file)?;
    if args.api.is_some() && files.len() > 1 {
        let title = "--api names one API, the file has several";
        return Err(Stop::Usage(Failure::new(FailureKind::User, title)));
    }
    let voice = Voice {
        output,
        is_verbose: args.verbose,
        log_dir: session.paths.log_dir(),
    };
    start::block_on(async {
        let mut signals = Signals::listen().map_err(|error| {
            Failure::new(FailureKind::User, "Cannot listen for signals").caused_by(&error)
        })?;
        let (control, plans) = tokio::select! {
            biased;
            prepared = session.watch(output, async |control| prepare(control, files, args).await) => prepared?,
            () = signals.next() => return Ok(interrupted(args, &voice)),
        };
        for note in plans.iter().flat_map(|plan| &plan.notes) {
            output::warn(note);
        }
        let decided = tokio::select! {
            biased;
            () = signals.next() => return Ok(interrupted(args, &voice)),
            decided = decide(&control, &plans, args, output) => decided?,
        };
        match decided {
            Decision::CarryOut => carry_all_out(&control, &plans, &mut signals, &voice).await,
            Decision::End(exit) => Ok(exit),
        }
    })
}

/// The decision about plans that are made.
enum Decision {
    CarryOut,
    End(Exit),
}

/// Tells the plans where nobody wants more than to look, else asks whether they are wanted.
async fn decide(
    control: &Control,
    plans: &[ApplyPlan],
    args: &ApplyArgs,
    output: Output,
) -> Result<Decision, Stop> {
    if args.dry_run {
        let foretold = foretell(control, plans).await?;
        return Ok(Decision::End(tell(plans, &foretold, output)?));
    }
    let differs = plans.iter().any(|plan| !plan.is_empty());
    if differs && !is_wanted(control, plans, args, output).await {
        output::warn("nothing was changed");
        return Ok(Decision::End(Exit::Failed));
    }
    Ok(Decision::CarryOut)
}

/// Looks at everything and changes nothing.
async fn prepare(
    control: Control,
    files: Vec<ApiFile>,
    args: &ApplyArgs,
) -> Result<(Control, Vec<ApplyPlan>), Failure> {
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
fn interrupted(args: &ApplyArgs, voice: &Voice) -> Exit {
    let title = format!("Cannot apply {}", args.file.display());
    let failure =
        Failure::new(FailureKind::User, title).cause("interrupted before anything was changed");
    GivenUp::between_calls(failure).tell(voice, &[], &[]);
    Exit::Interrupted
}

/// Applies the plans, one after the other: on to the next where the target still differs, but neither after a call that
/// failed nor after a signal.
async fn carry_all_out(
    control: &Control,
    plans: &[ApplyPlan],
    signals: &mut Signals,
    voice: &Voice,
) -> Result<Exit, Stop> {
    let output = voice.output;
    let stop = CancellationToken::new();
    let mut summaries = Vec::new();
    let mut exit = Exit::Done;
    for (idx, plan) in plans.iter().enumerate() {
        let later = &plans[idx + 1..];
        let carried_out = carry_out(control, plan, signals, &stop, voice).await;
        summaries.extend(carried_out.summary);
        if let Some(given_up) = carried_out.given_up {
            report::answer(summaries, output)?;
            given_up.tell(voice, &plans[..idx], later);
            return Ok(carried_out.exit);
        }
        if carried_out.exit != Exit::Done {
            exit = carried_out.exit;
        }
        if stop.is_cancelled() && !later.iter().all(ApplyPlan::is_empty) {
            report::answer(summaries, output)?;
            let title = "Cannot apply the file in full";
            let failure = Failure::new(FailureKind::User, title).cause("it was interrupted");
            GivenUp::between_calls(failure).tell(voice, &plans[..=idx], later);
            return Ok(Exit::Interrupted);
        }
    }
    report::answer(summaries, output)?;
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

/// Applies one plan. A signal cancels `stop` and lets it end the call under way, for a moment, and begins no other; a
/// second one cuts it.
async fn carry_out(
    control: &Control,
    plan: &ApplyPlan,
    signals: &mut Signals,
    stop: &CancellationToken,
    voice: &Voice,
) -> CarriedOut {
    if let (true, Some(api)) = (plan.is_empty(), &plan.api) {
        return report::nothing_differs(plan, api);
    }
    let (control, progress) = control.metered();
    let view = ProgressView::new(voice, progress);
    let mut job = Box::pin(apply::run(&control, plan, stop, |it| view.begins(it)));
    let mut ticks = interval(TICK);
    let mut cut_at = None;
    let result = loop {
        tokio::select! {
            biased;
            result = &mut job => break Some(result),
            () = signals.next() => {
                if cut_at.is_some() {
                    break None;
                }
                stop.cancel();
                view.say("interrupted: ending the call under way");
                cut_at = Some(Instant::now() + LAST_CALL);
            }
            () = reached(cut_at) => break None,
            _ = ticks.tick() => view.tell(),
        }
    };
    drop(job);
    let last = view.end();
    match result {
        Some(Ok(applied)) => report::end(plan, &applied, voice),
        Some(Err(failed)) => report::give_up(*failed),
        None => report::cut(plan, last.as_ref()),
    }
}

/// Waits until then; for ever where there is no such time.
async fn reached(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// An apply under way, as a person watches it.
struct ProgressView<'a> {
    voice: &'a Voice,
    progress: Receiver<ReadProgress>,
    line: RefCell<Line>,
    /// The call or reading that began last.
    last: RefCell<Option<Progress>>,
    /// The progress when all calls were made, or before the last reading again.
    made: Cell<Option<ReadProgress>>,
}

impl<'a> ProgressView<'a> {
    fn new(voice: &'a Voice, progress: Receiver<ReadProgress>) -> Self {
        Self {
            voice,
            progress,
            line: RefCell::new(Line::new(voice.output)),
            last: RefCell::new(None),
            made: Cell::new(None),
        }
    }

    /// Notes what begins.
    fn begins(&self, progress: Progress) {
        match &progress {
            Progress::Call {
                step,
                number,
                n_steps,
            } if self.voice.is_verbose => self.say(&format!("{number}/{n_steps} {step}")),
            Progress::Call { .. } => {}
            Progress::ReadBack => self.made.set(Some(*self.progress.borrow())),
            Progress::ReadAgain { after } => {
                self.made.set(Some(*self.progress.borrow()));
                self.say(&format!(
                    "what was read back differs, and AWS may show a change late: reading again in {:.1} s",
                    after.as_secs_f64()
                ));
            }
        }
        *self.last.borrow_mut() = Some(progress);
    }

    /// Tells how far it is.
    fn tell(&self) {
        let progress = *self.progress.borrow();
        let text = match self.made.get() {
            None => format!("done {}", progress.text_of("calls")),
            Some(made) => format!("reading back: {}", progress.since(made).text()),
        };
        self.line.borrow_mut().tell(&text);
    }

    /// Says something that stays.
    fn say(&self, text: &str) {
        self.line.borrow_mut().clear();
        self.voice.output.progress(text);
    }

    /// Takes its line away; gives what began last.
    fn end(self) -> Option<Progress> {
        self.last.into_inner()
    }
}

/// One API is an object, several are a list, as in the file.
fn print_all(mut all: Vec<Value>) -> Result<(), Stop> {
    match all.len() {
        1 => output::json(&all.remove(0)),
        _ => output::json(&all),
    }
}
