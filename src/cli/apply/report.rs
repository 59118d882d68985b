//! The report on an apply: in short, each call with `--verbose`, and all of it where answers are JSON.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{n_calls_text, print_all, short, texts};
use crate::{
    cli::{
        exit::{self, Exit, Stop},
        output::{self, Output},
    },
    model::{
        ApiId, Failure, FailureKind,
        diff::{Change, Subject},
        text::printable,
    },
    ops::apply::{Applied, ApplyFailure, ApplyPlan, Progress},
};

/// Calls that are told one by one; of more than these the kinds are counted.
const FEW: usize = 8;

/// The manner in which calls are told.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pub(super) output: Output,
    /// True when each call is told.
    pub(super) is_verbose: bool,
    /// The directory of the log, where each call is told anyway.
    pub(super) log_dir: PathBuf,
}

impl Voice {
    /// Warns of calls.
    fn warn(&self, what: &str, calls: &[String]) {
        if self.is_verbose && calls.len() > FEW {
            output::warn(&format!("{what}, {}:", n_calls_text(calls.len())));
            for call in calls {
                output::warn(&format!("  {call}"));
            }
        } else {
            output::warn(&format!("{what}: {}", in_short(calls)));
        }
    }

    /// Says where to find what the short lists leave out.
    fn tell_of_log(&self, lists: &[&[String]]) {
        if !self.is_verbose && lists.iter().any(|calls| calls.len() > FEW) {
            let dir = self.log_dir.display();
            self.output
                .progress(&format!("each call that was made is in the log: {dir}"));
        }
    }
}

/// The calls in one line: a few as they are, of many the number of each kind.
fn in_short(calls: &[String]) -> String {
    if calls.len() <= FEW {
        return calls.join(", ");
    }
    let kind = |call: &String| call.split(' ').next().unwrap_or_default().to_owned();
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for kind in calls.iter().map(kind) {
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, n_calls)) => *n_calls += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds = kinds
        .into_iter()
        .map(|(kind, n_calls)| format!("{n_calls} {kind}"));
    let kinds: Vec<String> = kinds.collect();
    format!("{} ({})", n_calls_text(calls.len()), kinds.join(", "))
}

/// The outcome for one API.
pub(super) struct CarriedOut {
    pub(super) summary: Option<Summary>,
    pub(super) given_up: Option<GivenUp>,
    pub(super) exit: Exit,
}

/// The summary of what was done to one API.
pub(super) struct Summary {
    line: String,
    json: Value,
}

/// The report on an API that is not as its file says.
pub(super) struct GivenUp {
    failure: Failure,
    api: Option<ApiId>,
    done: Vec<String>,
    unknown: Option<String>,
    refused: Option<String>,
    not_done: Vec<String>,
}

impl GivenUp {
    /// Makes the report for a failure with no call under way and none made.
    pub(super) fn between_calls(failure: Failure) -> Self {
        Self {
            failure,
            api: None,
            done: Vec::new(),
            unknown: None,
            refused: None,
            not_done: Vec::new(),
        }
    }

    /// Tells it; `before` it in the file were these, `later` would have come those.
    pub(super) fn tell(&self, voice: &Voice, before: &[ApplyPlan], later: &[ApplyPlan]) {
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
        voice.output.failure_with(&self.failure, &more);
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
        self.tell_calls(voice);
    }

    fn tell_calls(&self, voice: &Voice) {
        if !self.done.is_empty() {
            voice.warn("done", &self.done);
        }
        if let Some(unknown) = &self.unknown {
            output::warn(&format!("not known whether it was carried out: {unknown}"));
        }
        if let Some(refused) = self.refused.as_ref().filter(|_| self.not_done.len() > FEW) {
            let number = self.done.len() + 1;
            let n_calls = self.done.len() + self.not_done.len();
            output::warn(&format!("refused: {refused}, call {number} of {n_calls}"));
        }
        if !self.not_done.is_empty() {
            voice.warn("not done", &self.not_done);
            voice
                .output
                .progress("applied again, the file goes on from there");
        }
        voice.tell_of_log(&[&self.done, &self.not_done]);
    }
}

/// Returns the outcome where everything is done and was read back.
pub(super) fn end(plan: &ApplyPlan, applied: &Applied, voice: &Voice) -> CarriedOut {
    let api = &applied.api;
    let n_calls = n_calls_text(applied.done.len());
    let line = format!("{}: {api}, {n_calls} made", printable(&plan.name));
    let output = voice.output;
    if !voice.is_verbose {
        output.progress(&format!("done: {}", in_short(&applied.done)));
        voice.tell_of_log(&[&applied.done]);
    }
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
        summary: Some(Summary {
            json: json_of(plan, api, &applied.done, &applied.remaining),
            line,
        }),
        given_up: None,
        exit,
    }
}

/// True for what needs a deployment to be met by clients.
fn is_of_the_draft(change: &Change) -> bool {
    !matches!(change.subject, Subject::Stage(_))
}

/// A call failed, or somebody wanted it to end.
pub(super) fn give_up(failed: ApplyFailure) -> CarriedOut {
    let exit = if failed.was_stopped {
        Exit::Interrupted
    } else {
        exit::of(&failed.failure)
    };
    CarriedOut {
        summary: None,
        given_up: Some(GivenUp {
            failure: failed.failure,
            api: failed.api,
            done: failed.done,
            unknown: failed.unknown,
            refused: failed.refused,
            not_done: failed.not_done,
        }),
        exit,
    }
}

/// Returns the outcome where nobody waited for the answer of the call under way.
pub(super) fn cut(plan: &ApplyPlan, last: Option<&Progress>) -> CarriedOut {
    let mut done = plan.steps();
    let n_done = match last {
        None => 0,
        Some(Progress::Call { number, .. }) => number - 1,
        Some(Progress::ReadBack | Progress::ReadAgain { .. }) => done.len(),
    };
    let mut not_done = done.split_off(n_done.min(done.len()));
    let is_under_way = last.is_some() && !not_done.is_empty();
    let unknown = is_under_way.then(|| not_done.remove(0));
    let name = printable(&plan.name);
    let title = if not_done.is_empty() && unknown.is_none() {
        "Cannot read back what was applied".to_owned()
    } else {
        format!("Cannot apply \"{name}\" in full")
    };
    if let Some(unknown) = &unknown {
        let unknown = printable(unknown);
        tracing::warn!("apply {name}: not known whether it was carried out: {unknown}");
    }
    CarriedOut {
        summary: None,
        given_up: Some(GivenUp {
            failure: Failure::new(FailureKind::User, title).cause("it was cut short"),
            api: plan.api.clone(),
            done,
            unknown,
            refused: None,
            not_done,
        }),
        exit: Exit::Interrupted,
    }
}

/// Returns the outcome where nothing had to be done.
pub(super) fn nothing_differs(plan: &ApplyPlan, api: &ApiId) -> CarriedOut {
    let line = format!("{}: {api}, nothing differs", printable(&plan.name));
    CarriedOut {
        summary: Some(Summary {
            json: json_of(plan, api, &[], &[]),
            line,
        }),
        given_up: None,
        exit: Exit::Done,
    }
}

fn json_of(plan: &ApplyPlan, api: &ApiId, done: &[String], remaining: &[Change]) -> Value {
    json!({
        "Name": plan.name,
        "ApiId": api,
        "Changes": texts(&plan.changes),
        "LeftAlone": texts(&plan.left_alone),
        "Done": done,
        "Remaining": texts(remaining),
    })
}

/// Answers with what was done.
pub(super) fn answer(summaries: Vec<Summary>, output: Output) -> Result<(), Stop> {
    if summaries.is_empty() {
        return Ok(());
    }
    if output.json {
        return print_all(summaries.into_iter().map(|it| it.json).collect());
    }
    let lines: Vec<String> = summaries.into_iter().map(|it| it.line).collect();
    output::answer(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(all: &[(&str, usize)]) -> Vec<String> {
        let each = |(kind, n_calls): &(&str, usize)| {
            let name = |idx| format!("{kind} part {idx}");
            (0..*n_calls).map(name).collect::<Vec<_>>()
        };
        all.iter().flat_map(each).collect()
    }

    #[test]
    fn a_few_calls_are_told_one_by_one() {
        let few = calls(&[("create-route", 2), ("update-stage", 1)]);
        assert_eq!(
            in_short(&few),
            "create-route part 0, create-route part 1, update-stage part 0"
        );
    }

    #[test]
    fn of_many_calls_the_kinds_are_counted() {
        let many = calls(&[
            ("create-integration", 100),
            ("create-route", 1),
            ("create-route-response", 1),
            ("create-route", 99),
        ]);
        assert_eq!(
            in_short(&many),
            "201 calls (100 create-integration, 100 create-route, 1 create-route-response)"
        );
    }
}
