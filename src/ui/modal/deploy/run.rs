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
    layout::{Margin, Rect, Size},
    text::{Line, Span},
};

use crate::{
    model::plan::{DeployStep, LeftOver, Remains, StageUse, StepState},
    ui::{
        Action,
        deploy::{DeployJob, DeployOutcome},
        keys::{self, Scope},
        text,
        view::{Painter, Scene},
        widget::{
            cells, failure, indented, modal, panel,
            scroll::{self, Scroll},
        },
    },
};

pub(super) fn render(
    job: &DeployJob,
    offset: Scroll,
    scene: Scene<'_>,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let theme = &scene.look.theme;
    let width = area.width.min(78);
    let columns = usize::from(width).saturating_sub(5);
    let lines = lines(job, scene, columns);
    let name = text::fit(&job.plan.api.name, 30, scene.look.glyphs.ellipsis);
    let title = format!(
        "Deploy API {} {name} to {}",
        scene.look.glyphs.dot,
        job.stage()
    );
    let mut block = panel(scene.look, title, true);
    if let Some(DeployOutcome::Failed(_)) = job.outcome {
        block = block.border_style(theme.danger);
    }
    let size = Size::new(width, cells(lines.len()) + 4);
    let inner = modal(block, size, area, painter);
    // Where room is short the text comes before the space around it.
    let space = u16::from(cells(lines.len()) + 2 <= inner.height);
    let body = indented(inner).inner(Margin::new(0, space));
    scroll::render(&lines, offset, body, painter);
}

fn lines(job: &DeployJob, scene: Scene<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    let is_over = job.outcome.is_some();
    let mut lines: Vec<Line<'static>> = job
        .steps
        .iter()
        .filter(|(_, progress)| progress.is_some() || !is_over)
        .map(|(step, progress)| step_line(*step, progress.as_ref(), job, scene))
        .collect();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    match &job.outcome {
        None if job.is_stopping => {
            let says = "Stopping: it begins no further step.";
            sentence(&mut lines, says, scene, columns);
        }
        None => {
            let key = |action| keys::named(Scope::DeployRun, action);
            let says = format!(
                "{} closes this; the deploy goes on. {} stops it.",
                key(Action::Back),
                key(Action::Stop)
            );
            sentence(&mut lines, &says, scene, columns);
        }
        Some(DeployOutcome::CleaningUp(_, left)) => {
            let glyph = scene
                .look
                .glyphs
                .spinner_at(scene.look.now.as_millisecond());
            let text = format!("{glyph} deleting deployment {}", left.deployment_id);
            lines.push(Line::styled(text, theme.busy));
        }
        Some(DeployOutcome::CleanedUp) => {
            let said = "The deployment is deleted; no stage served it.";
            sentence(&mut lines, said, scene, columns);
            ways_on(&mut lines, job, scene);
        }
        Some(DeployOutcome::Failed(failed)) => {
            lines.extend(failure::lines(&failed.failure, columns, scene.look));
            lines.push(Line::default());
            match &failed.remains {
                Remains::LeftOver(left) => left_over(&mut lines, left, job, (scene, columns)),
                Remains::Nothing => sentence(&mut lines, what_stays(job), scene, columns),
                Remains::Unknown => {
                    plain(&mut lines, &may_exist(job), scene, columns);
                    as_read(
                        &mut lines,
                        &new_deployments(job, scene),
                        job,
                        (scene, columns),
                    );
                }
            }
            ways_on(&mut lines, job, scene);
        }
    }
    lines
}

/// Says what a failure that left no deployment behind has changed, as far as the steps tell.
fn what_stays(job: &DeployJob) -> &'static str {
    let is_done =
        |(_, scene): &(DeployStep, Option<StepState>)| matches!(scene, Some(StepState::Done(_)));
    if job.steps.iter().any(is_done) {
        "What was made is gone again, and the stage was not touched."
    } else {
        "Nothing was changed."
    }
}

/// Says what is not known when nobody could learn what the deploy left.
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

/// Names the deployments that the API, read again, has and had not when the deploy was planned.
fn new_deployments(job: &DeployJob, scene: Scene<'_>) -> String {
    let detail = scene.data.library.detail(job.api());
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

/// Says what the stage serves, as the API was read again.
fn served(job: &DeployJob, scene: Scene<'_>) -> String {
    let stage = job.stage();
    let detail = scene.data.library.detail(job.api());
    match detail.and_then(|detail| detail.stage(stage)) {
        None => format!("there is no stage {stage}"),
        Some(known) => match &known.deployment_id {
            None => format!("{stage} serves nothing"),
            Some(id) => format!("{stage} serves {id}"),
        },
    }
}

/// Adds the result of reading the API again, which is done right after a failure that left something open.
fn as_read(
    lines: &mut Vec<Line<'static>>,
    told: &str,
    job: &DeployJob,
    (scene, columns): (Scene<'_>, usize),
) {
    let record = scene.data.library.records.get(job.api());
    let read = record.filter(|record| record.stages.ticket().is_none());
    let said = match read.map(|record| &record.detail.stages.failure) {
        Some(None) => format!("As read since: {told}."),
        Some(Some(failure)) => format!("Looking again failed: {}.", failure.title),
        None => format!("Looking again{}", scene.look.glyphs.ellipsis),
    };
    plain(lines, &said, scene, columns);
}

/// Adds the keys that work now, in words.
fn ways_on(lines: &mut Vec<Line<'static>>, job: &DeployJob, scene: Scene<'_>) {
    let theme = &scene.look.theme;
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

fn plain(lines: &mut Vec<Line<'static>>, said: &str, scene: Scene<'_>, columns: usize) {
    let wrapped = text::wrap(said, columns).into_iter();
    lines.extend(wrapped.map(|line| Line::styled(line, scene.look.theme.text)));
}

fn sentence(lines: &mut Vec<Line<'static>>, said: &str, scene: Scene<'_>, columns: usize) {
    let wrapped = text::wrap(said, columns);
    lines.extend(
        wrapped
            .into_iter()
            .map(|line| Line::styled(line, scene.look.theme.dim)),
    );
}

/// Adds the deployment that exists now, and the stage's use of it.
fn left_over(
    lines: &mut Vec<Line<'static>>,
    left: &LeftOver,
    job: &DeployJob,
    (scene, columns): (Scene<'_>, usize),
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
    plain(lines, &exists, scene, columns);
    if left.stage_use == StageUse::Unknown {
        as_read(lines, &served(job, scene), job, (scene, columns));
    }
}

fn step_line(
    step: DeployStep,
    progress: Option<&StepState>,
    job: &DeployJob,
    scene: Scene<'_>,
) -> Line<'static> {
    let theme = &scene.look.theme;
    let glyphs = &scene.look.glyphs;
    let (mark, style, time) = match progress {
        Some(StepState::Done(time)) => (glyphs.ok, theme.ok, Some(*time)),
        Some(StepState::Failed(time)) => (glyphs.failed, theme.danger, Some(*time)),
        // It ended without a word, as after a fault of ours.
        Some(StepState::Running) if job.remains().is_some() => (glyphs.failed, theme.danger, None),
        Some(StepState::Running) => {
            let since = scene.look.now.duration_since(job.step_since);
            let spinner = glyphs.spinner_at(scene.look.now.as_millisecond());
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
