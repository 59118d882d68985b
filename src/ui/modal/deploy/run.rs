//! The dialog while the deploy runs, and after it failed.
//!
//! ```text
//! ╭ Deploy API · chat to test ────────────────────────────────╮
//! │ ✓ create-deployment      0.3 s                              │
//! │ ⠹ wait for DEPLOYED      1.2 s                              │
//! │ ○ update-stage                                              │
//! │                                                             │
//! │ Esc closes this; the deploy goes on.                        │
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

/// What is said when nobody knows whether a deployment was made.
const MAY_EXIST: &str = "It is not known whether a deployment was made. The stage was not touched.";

pub(super) fn render(
    job: &DeployJob,
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
    let text = ScrolledText {
        lines: &lines,
        scroll: Scroll::default(),
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
    lines.push(Line::default());
    match &job.outcome {
        None => sentence(
            &mut lines,
            "Esc closes this; the deploy goes on.",
            state,
            columns,
        ),
        Some(DeployOutcome::CleaningUp(_, left)) => {
            let glyph = state.glyphs.spinner_at(state.now.as_millisecond());
            let text = format!("{glyph} deleting deployment {}", left.deployment_id);
            lines.push(Line::styled(text, theme.busy));
        }
        Some(DeployOutcome::CleanedUp) => sentence(
            &mut lines,
            "The deployment is deleted. Nothing else had changed.",
            state,
            columns,
        ),
        Some(DeployOutcome::Failed(failed)) => {
            lines.extend(failure::lines(&failed.failure, columns, state));
            lines.push(Line::default());
            match &failed.remains {
                Remains::LeftOver(left) => left_over(&mut lines, left, job, (state, columns)),
                Remains::Nothing => sentence(&mut lines, what_stays(job), state, columns),
                Remains::Unknown => sentence(&mut lines, MAY_EXIST, state, columns),
            }
        }
    }
    lines
}

/// What a failure that left no deployment behind has changed, as far as the steps tell.
fn what_stays(job: &DeployJob) -> &'static str {
    let is_done =
        |(_, state): &(DeployStep, Option<StepState>)| matches!(state, Some(StepState::Done(_)));
    if job.steps.iter().any(is_done) {
        "The steps marked as done have happened and stay; no deployment was left unused."
    } else {
        "Nothing was changed."
    }
}

fn sentence(lines: &mut Vec<Line<'static>>, said: &str, state: &State, columns: usize) {
    let wrapped = text::wrap(said, columns);
    lines.extend(
        wrapped
            .into_iter()
            .map(|line| Line::styled(line, state.theme.dim)),
    );
}

/// What exists now, and the two ways on.
fn left_over(
    lines: &mut Vec<Line<'static>>,
    left: &LeftOver,
    job: &DeployJob,
    (state, columns): (&State, usize),
) {
    let theme = &state.theme;
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
    lines.extend(
        text::wrap(&exists, columns)
            .into_iter()
            .map(|line| Line::styled(line, theme.text)),
    );
    lines.push(Line::default());
    for (key, label) in [
        ("f", format!(" finish: go on and put {id} on {stage}")),
        ("c", format!(" clean up: delete {id}")),
    ] {
        lines.push(Line::from(vec![
            Span::styled(key, theme.key),
            Span::styled(label, theme.text),
        ]));
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
        Some(StepState::Running) => {
            let since = state.now.duration_since(job.step_since);
            let spinner = glyphs.spinner_at(state.now.as_millisecond());
            (spinner, theme.busy, Duration::try_from(since).ok())
        }
        None => (glyphs.pending, theme.dim, None),
    };
    let time = time.map(|time| format!("{:.1} s", time.as_secs_f64()));
    let label = match progress {
        None => theme.dim,
        Some(_) => theme.text,
    };
    Line::from(vec![
        Span::styled(text::fit_padded(mark, 3, ""), style),
        Span::styled(format!("{:<24}", step.label()), label),
        Span::styled(time.unwrap_or_default(), theme.dim),
    ])
}
