//! The dialog while the deploy runs, and after it failed.
//!
//! ```text
//! ╭ Deploy API · chat to test ────────────────────────────────╮
//! │ ✓ create-deployment      0.3 s                              │
//! │ ⠹ wait for DEPLOYED      1.2 s                              │
//! │ ○ update-stage                                              │
//! │                                                             │
//! │ Esc closes this; the deploy goes on. x stops it.            │
//! ╰─────────────────────────────────────────────────────────────╯
//! ```

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::{
    model::plan::{DeployStep, LeftOver, Remains, StageUse, StepState},
    ui::{
        State,
        deploy::{DeployJob, DeployOutcome},
        geometry::Geometry,
        modal::failure,
        widget::{
            cells, modal_area, panel,
            scroll::{Scroll, ScrolledText},
            text,
        },
    },
};

pub(super) fn render(
    (job, scroll): (&DeployJob, Scroll),
    state: &State,
    area: Rect,
    frame: &mut Frame<'_>,
    geometry: &mut Geometry,
) {
    let theme = &state.theme;
    let width = area.width.min(78);
    let columns = usize::from(width).saturating_sub(5);
    let lines = lines(job, state, columns);
    let place = modal_area(area, (width, cells(lines.len()) + 4), frame);
    let name = text::fit(&job.plan.api.name, 30, state.glyphs.ellipsis);
    let title = format!("Deploy API {} {name} to {}", state.glyphs.dot, job.stage());
    let mut block = panel(state, title, true);
    if let Some(DeployOutcome::Failed(_)) = job.outcome {
        block = block.border_style(theme.danger);
    }
    let inner = block.inner(place);
    frame.render_widget(block, place);
    // Where room is short the text comes before the space around it.
    let space = u16::from(cells(lines.len()) + 2 <= inner.height);
    let [_, middle, _] = Layout::vertical([
        Constraint::Length(space),
        Constraint::Fill(1),
        Constraint::Length(space),
    ])
    .areas(inner);
    let [_, body] = Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(middle);
    geometry.page = body.height;
    geometry.side_length = lines.len();
    let text = ScrolledText {
        lines: &lines,
        scroll,
        state,
    };
    frame.render_widget(&text, body);
}

fn lines(job: &DeployJob, state: &State, columns: usize) -> Vec<Line<'static>> {
    let theme = &state.theme;
    let is_over = job.outcome.is_some();
    let mut lines: Vec<Line<'static>> = job
        .steps
        .iter()
        .filter(|(_, progress)| progress.is_some() || !is_over)
        .map(|(step, progress)| step_line(*step, progress.as_ref(), job, state))
        .collect();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    match &job.outcome {
        None if job.is_stopping => {
            let says = "Stopping: it begins no further step.";
            sentence(&mut lines, says, state, columns);
        }
        None => {
            let says = "Esc closes this; the deploy goes on. x stops it.";
            sentence(&mut lines, says, state, columns);
        }
        Some(DeployOutcome::CleaningUp(_, left)) => {
            let glyph = state.glyphs.spinner_at(state.now.as_millisecond());
            let text = format!("{glyph} deleting deployment {}", left.deployment_id);
            lines.push(Line::styled(text, theme.busy));
        }
        Some(DeployOutcome::CleanedUp) => {
            let said = "The deployment is deleted; no stage served it.";
            sentence(&mut lines, said, state, columns);
            ways_on(&mut lines, job, state);
        }
        Some(DeployOutcome::Failed(failed)) => {
            lines.extend(failure::lines(&failed.failure, columns, state));
            lines.push(Line::default());
            match &failed.remains {
                Remains::LeftOver(left) => left_over(&mut lines, left, job, (state, columns)),
                Remains::Nothing => sentence(&mut lines, what_stays(job), state, columns),
                Remains::Unknown => {
                    plain(&mut lines, &may_exist(job), state, columns);
                    as_read(
                        &mut lines,
                        &new_deployments(job, state),
                        job,
                        (state, columns),
                    );
                }
            }
            ways_on(&mut lines, job, state);
        }
    }
    lines
}

/// What a failure that left no deployment behind has changed, as far as the steps tell.
fn what_stays(job: &DeployJob) -> &'static str {
    let is_done =
        |(_, state): &(DeployStep, Option<StepState>)| matches!(state, Some(StepState::Done(_)));
    if job.steps.iter().any(is_done) {
        "What was made is gone again, and the stage was not touched."
    } else {
        "Nothing was changed."
    }
}

/// What may exist when nobody could learn it.
fn may_exist(job: &DeployJob) -> String {
    let stage = job.stage();
    let is_of_stage = |step: DeployStep| {
        matches!(
            step,
            DeployStep::CreateStage | DeployStep::UpdateStage | DeployStep::Check
        )
    };
    let is_touched = job
        .steps
        .iter()
        .any(|(step, state)| is_of_stage(*step) && state.is_some());
    let of_stage = if is_touched {
        format!("nor what {stage} serves")
    } else {
        format!("{stage} was not touched")
    };
    format!("It is not known whether a deployment was made; {of_stage}.")
}

/// What the API, read again, has that it had not when the deploy was planned.
fn new_deployments(job: &DeployJob, state: &State) -> String {
    let detail = state.library.detail(job.api());
    let new = detail
        .into_iter()
        .flat_map(|detail| detail.deployments.iter());
    let new = new.filter(|deployment| !job.plan.known.contains(&deployment.id));
    let new: Vec<String> = new
        .map(|deployment| {
            if deployment.description.is_some() && deployment.description == job.plan.description()
            {
                format!("{} is new and was made for this plan", deployment.id)
            } else {
                format!("{} is new, but not of this plan", deployment.id)
            }
        })
        .collect();
    if new.is_empty() {
        "no deployment has come since the plan".to_owned()
    } else {
        new.join("; ")
    }
}

/// What the stage serves, as the API was read again.
fn served(job: &DeployJob, state: &State) -> String {
    let stage = job.stage();
    let detail = state.library.detail(job.api());
    match detail.and_then(|detail| detail.stage(stage)) {
        None => format!("there is no stage {stage}"),
        Some(known) => match &known.deployment_id {
            None => format!("{stage} serves nothing"),
            Some(id) => format!("{stage} serves {id}"),
        },
    }
}

/// What reading the API again told; it is read again right after a failure of which something is open.
fn as_read(
    lines: &mut Vec<Line<'static>>,
    told: &str,
    job: &DeployJob,
    (state, columns): (&State, usize),
) {
    let record = state.library.records.get(job.api());
    let read = record.filter(|record| record.stages.ticket().is_none());
    let said = match read.map(|record| &record.detail.stages.failure) {
        Some(None) => format!("As read since: {told}."),
        Some(Some(failure)) => format!("Looking again failed: {}.", failure.title),
        None => format!("Looking again{}", state.glyphs.ellipsis),
    };
    plain(lines, &said, state, columns);
}

/// The keys that work now, in words.
fn ways_on(lines: &mut Vec<Line<'static>>, job: &DeployJob, state: &State) {
    let theme = &state.theme;
    let stage = job.stage();
    let mut ways = Vec::new();
    match job.remains() {
        Some(Remains::LeftOver(left)) => {
            let id = &left.deployment_id;
            if !left.is_disproved {
                ways.push(("f", format!(" finish: go on and put {id} on {stage}")));
            }
            ways.push(("c", format!(" clean up: delete {id}")));
            ways.push(("n", format!(" leave {id} as it is and plan anew")));
            if left.stage_use == StageUse::Unknown {
                ways.push(("r", format!(" look again what {stage} serves")));
            }
        }
        Some(Remains::Unknown) => {
            ways.push(("r", " look again".to_owned()));
            ways.push(("n", " leave it and plan anew".to_owned()));
        }
        Some(Remains::Nothing) | None => ways.push(("n", " plan anew".to_owned())),
    }
    lines.push(Line::default());
    lines.extend(ways.into_iter().map(|(key, label)| {
        Line::from(vec![
            Span::styled(key, theme.key),
            Span::styled(label, theme.text),
        ])
    }));
}

fn plain(lines: &mut Vec<Line<'static>>, said: &str, state: &State, columns: usize) {
    let wrapped = text::wrap(said, columns).into_iter();
    lines.extend(wrapped.map(|line| Line::styled(line, state.theme.text)));
}

fn sentence(lines: &mut Vec<Line<'static>>, said: &str, state: &State, columns: usize) {
    let wrapped = text::wrap(said, columns);
    lines.extend(
        wrapped
            .into_iter()
            .map(|line| Line::styled(line, state.theme.dim)),
    );
}

/// What exists now.
fn left_over(
    lines: &mut Vec<Line<'static>>,
    left: &LeftOver,
    job: &DeployJob,
    (state, columns): (&State, usize),
) {
    let id = &left.deployment_id;
    let stage = job.stage();
    let now = match &left.plan.serves_now {
        Some(serves) => format!(" {stage} was serving {serves} before."),
        None => String::new(),
    };
    let used = match left.stage_use {
        StageUse::NotServed => format!("which {stage} does not serve"),
        StageUse::Unknown => format!("and it is not known whether {stage} serves it"),
    };
    let exists = format!("What exists now: deployment {id}, {used}.{now}");
    plain(lines, &exists, state, columns);
    if left.stage_use == StageUse::Unknown {
        as_read(lines, &served(job, state), job, (state, columns));
    }
}

fn step_line(
    step: DeployStep,
    progress: Option<&StepState>,
    job: &DeployJob,
    state: &State,
) -> Line<'static> {
    let theme = &state.theme;
    let glyphs = &state.glyphs;
    let (mark, style, time) = match progress {
        Some(StepState::Done(time)) => (glyphs.ok, theme.ok, Some(*time)),
        Some(StepState::Failed(time)) => (glyphs.failed, theme.danger, Some(*time)),
        // It ended without a word, as after a fault of ours.
        Some(StepState::Running) if job.remains().is_some() => (glyphs.failed, theme.danger, None),
        Some(StepState::Running) => {
            let since = state.now.duration_since(job.step_since);
            let spinner = glyphs.spinner_at(state.now.as_millisecond());
            (spinner, theme.busy, Duration::try_from(since).ok())
        }
        None => (glyphs.pending, theme.dim, None),
    };
    let time = time.map(|time| format!("{:.1} s", time.as_secs_f64()));
    let reading = job
        .reading
        .filter(|_| progress == Some(&StepState::Running));
    let reading = reading.map(|reading| format!("   {}", reading.text()));
    let label = match progress {
        None => theme.dim,
        Some(_) => theme.text,
    };
    Line::from(vec![
        Span::styled(text::fit_padded(mark, 3, ""), style),
        Span::styled(format!("{:<24}", step.label()), label),
        Span::styled(time.unwrap_or_default(), theme.dim),
        Span::styled(reading.unwrap_or_default(), theme.dim),
    ])
}
