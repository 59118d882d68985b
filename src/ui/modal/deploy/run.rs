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
    style::Style,
    text::{Line, Span},
};

use crate::{
    model::plan::{DeployFailure, DeployStep, LeftOver, Remains, StageUse, StepState},
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
    let mut about = DeployText::new(job, scene, columns);
    about.outcome();
    let lines = about.lines;
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

/// The text about a deploy, line by line.
struct DeployText<'a> {
    job: &'a DeployJob,
    scene: Scene<'a>,
    columns: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> DeployText<'a> {
    fn new(job: &'a DeployJob, scene: Scene<'a>, columns: usize) -> Self {
        let is_over = job.outcome.is_some();
        let steps = job.steps.iter();
        let steps = steps.filter(|(_, progress)| progress.is_some() || !is_over);
        let lines = steps.map(|(step, progress)| step_line(*step, progress.as_ref(), job, scene));
        Self {
            job,
            scene,
            columns,
            lines: lines.collect(),
        }
    }

    /// Adds what is under way, or what came of the deploy and what one can do now.
    fn outcome(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        match &self.job.outcome {
            None => self.under_way(),
            Some(DeployOutcome::CleaningUp(_, left)) => {
                let look = self.scene.look;
                let glyph = look.glyphs.spinner_at(look.now.as_millisecond());
                let text = format!("{glyph} deleting deployment {}", left.deployment_id);
                self.lines.push(Line::styled(text, look.theme.busy));
            }
            Some(DeployOutcome::CleanedUp) => {
                self.aside("The deployment is deleted; no stage served it.");
                self.next_steps();
            }
            Some(DeployOutcome::Failed(failed)) => {
                self.failed(failed);
                self.next_steps();
            }
        }
    }

    fn under_way(&mut self) {
        if self.job.is_stopping {
            return self.aside("Stopping: it begins no further step.");
        }
        let key = |action| keys::named(Scope::DeployRun, action);
        self.aside(&format!(
            "{} closes this; the deploy goes on. {} stops it.",
            key(Action::Back),
            key(Action::Stop)
        ));
    }

    fn failed(&mut self, failed: &DeployFailure) {
        let failure = failure::lines(&failed.failure, self.columns, self.scene.look);
        self.lines.extend(failure);
        self.lines.push(Line::default());
        match &failed.remains {
            Remains::LeftOver(left) => self.left_over(left),
            Remains::Nothing => self.aside(what_stays(self.job)),
            Remains::Unknown => {
                self.say(&may_exist(self.job));
                self.as_read(&new_deployments(self.job, self.scene));
            }
        }
    }

    /// Adds the deployment that exists now, and the stage's use of it.
    fn left_over(&mut self, left: &LeftOver) {
        let id = &left.deployment_id;
        let stage = self.job.stage();
        let now = match &left.plan.serves_now {
            Some(serves) => format!(" {stage} was serving {serves} before."),
            None => String::new(),
        };
        let used = match left.stage_use {
            StageUse::NotServed => format!("which {stage} does not serve"),
            StageUse::Unknown => format!("and it is not known whether {stage} serves it"),
        };
        self.say(&format!("What exists now: deployment {id}, {used}.{now}"));
        if left.stage_use == StageUse::Unknown {
            self.as_read(&served(self.job, self.scene));
        }
    }

    /// Adds the result of reading the API again, which is done right after a failure that left something open.
    fn as_read(&mut self, told: &str) {
        let records = &self.scene.data.library.records;
        let read = records.get(self.job.api());
        let read = read.filter(|record| record.stages.ticket().is_none());
        let said = match read.map(|record| &record.detail.stages.failure) {
            Some(None) => format!("As read since: {told}."),
            Some(Some(failure)) => format!("Looking again failed: {}.", failure.title),
            None => format!("Looking again{}", self.scene.look.glyphs.ellipsis),
        };
        self.say(&said);
    }

    /// Adds the keys that work now, in words.
    fn next_steps(&mut self) {
        let theme = &self.scene.look.theme;
        self.lines.push(Line::default());
        for (action, does) in next_steps(self.job) {
            let key = keys::named(Scope::DeployFailed, action);
            self.lines.push(Line::from(vec![
                Span::styled(key, theme.key),
                Span::styled(format!(" {does}"), theme.text),
            ]));
        }
    }

    fn say(&mut self, said: &str) {
        let style = self.scene.look.theme.text;
        let wrapped = text::wrap(said, self.columns).into_iter();
        self.lines
            .extend(wrapped.map(|line| Line::styled(line, style)));
    }

    /// Adds what one may skip.
    fn aside(&mut self, said: &str) {
        let style = self.scene.look.theme.dim;
        let wrapped = text::wrap(said, self.columns).into_iter();
        self.lines
            .extend(wrapped.map(|line| Line::styled(line, style)));
    }
}

/// Returns what can be done after a deploy that failed, in words.
fn next_steps(job: &DeployJob) -> Vec<(Action, String)> {
    let stage = job.stage();
    let mut steps = Vec::new();
    match job.remains() {
        Some(Remains::LeftOver(left)) => {
            let id = &left.deployment_id;
            if !left.is_disproved {
                let does = format!("finish: go on and put {id} on {stage}");
                steps.push((Action::Finish, does));
            }
            steps.push((Action::CleanUp, format!("clean up: delete {id}")));
            let does = format!("leave {id} as it is and plan anew");
            steps.push((Action::PlanAnew, does));
            if left.stage_use == StageUse::Unknown {
                steps.push((Action::Refresh, format!("look again what {stage} serves")));
            }
        }
        Some(Remains::Unknown) => {
            steps.push((Action::Refresh, "look again".to_owned()));
            steps.push((Action::PlanAnew, "leave it and plan anew".to_owned()));
        }
        Some(Remains::Nothing) | None => steps.push((Action::PlanAnew, "plan anew".to_owned())),
    }
    steps
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

fn step_line(
    step: DeployStep,
    progress: Option<&StepState>,
    job: &DeployJob,
    scene: Scene<'_>,
) -> Line<'static> {
    let theme = &scene.look.theme;
    let (mark, style) = mark(progress, job, scene);
    let time = match progress {
        Some(StepState::Done(time) | StepState::Failed(time)) => Some(*time),
        Some(StepState::Running) if job.remains().is_none() => {
            let since = scene.look.now.duration_since(job.step_since);
            Duration::try_from(since).ok()
        }
        Some(StepState::Running) | None => None,
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

/// Returns the mark in front of a step, and its style.
fn mark(progress: Option<&StepState>, job: &DeployJob, scene: Scene<'_>) -> (&'static str, Style) {
    let (theme, glyphs) = (&scene.look.theme, &scene.look.glyphs);
    match progress {
        Some(StepState::Done(_)) => (glyphs.ok, theme.ok),
        Some(StepState::Failed(_)) => (glyphs.failed, theme.danger),
        // It ended without a word, as after a fault of ours.
        Some(StepState::Running) if job.remains().is_some() => (glyphs.failed, theme.danger),
        Some(StepState::Running) => {
            let spinner = glyphs.spinner_at(scene.look.now.as_millisecond());
            (spinner, theme.busy)
        }
        None => (glyphs.pending, theme.dim),
    }
}
