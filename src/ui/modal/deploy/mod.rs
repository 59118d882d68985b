//! The deploy dialog: choose a stage or name a new one, see what will change, deploy, and watch the steps.
//!
//! ```text
//! ╭ Deploy API · chat ───────────────────────────────────────────────────────────────╮
//! │ Stage        ▸ test     serves 53lz9l, deployed 2 h ago                            │
//! │                prod     serves 9q1mzz, deployed 3 days ago                         │
//! │                [New stage]                                                         │
//! │ Description    add join route▏                                                     │
//! │                                                                                    │
//! │ Changes on test, against 53lz9l                                                    │
//! │   + route join → HTTP_PROXY POST http://…/_demo/join                               │
//! │                                                                                    │
//! │ Steps   create-deployment → wait for DEPLOYED → update-stage → check               │
//! │ aws apigatewayv2 create-deployment --api-id k3v9x2a1bc …                           │
//! ╰─────────────────────────────────── ↵ deploy · ^Y copy commands · Esc cancel ──────╯
//! ```
//!
//! A letter that is typed while the stages have the keyboard begins the name of a new stage. Only `w` is a command, and
//! only where it is offered.
//!
//! Enter deploys. Pressed before the plan is there, Enter deploys as soon as the plan is, unless the plan warns or
//! leaves the draft unproved: then the plan is shown first. A production stage takes a second Enter, see [`Question`].
//! The deploy itself is [`DeployJob`], which outlives the dialog.
//!
//! The draft is read again behind the freeze and compared before the stage is moved, where that is quick or the stage
//! is a production stage. Where the comparison takes longer, Enter goes without it, and `w` waits for it. See
//! `planning`.

mod basis;
mod contents;
mod edit;
mod fields;
mod next_steps;
mod notes;
mod planning;
mod question;
mod run;
mod stages;

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;

use self::{basis::Basis, fields::Part};
use crate::{
    model::{
        ApiId, StageName,
        plan::{DeployPlan, DeployRequest},
    },
    ui::{
        Action, Effect, Remote,
        deploy::DeployJob,
        effect::Job,
        keys::{self, Scope},
        route::{Nav, Route},
        view::{Context, Crumb, DeployNews, Handled, Painter, Scene, View},
        widget::{
            form::{Form, FormChange},
            question::Question,
            scroll::Scroll,
        },
    },
};

/// The time that a text field must stand still before a plan is asked for.
const AFTER_TYPING: SignedDuration = SignedDuration::from_millis(400);

/// View state of the dialog.
#[derive(Debug)]
pub struct DeployModal {
    api: ApiId,
    /// The stage and the description; no stage is chosen until the API's stages are known.
    form: Form<Part>,
    plan: Remote<DeployPlan>,
    /// The inputs of the plan, or of the one under way.
    planned_for: Option<Basis>,
    comparison: Comparison,
    /// The time to ask for a plan; none when there is no need to wait.
    due: Option<Timestamp>,
    start_mode: StartMode,
    /// True when Enter was pressed though the deploy cannot be: the note says so louder.
    is_insisting: bool,
    /// The scroll of the changes, or of the text about the deploy.
    scroll: Scroll,
    phase: Phase,
}

/// The content of the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The stage, the description and the plan of a deploy.
    Plan,
    /// A deploy that runs, or the deletion of the deployment that it left.
    Run,
    /// A deploy that failed, cleaned up or not.
    Failed,
}

impl Phase {
    /// Returns the phase that an API's deploy is in, if it has one.
    fn of(job: Option<&DeployJob>) -> Phase {
        match job {
            None => Phase::Plan,
            Some(job) if job.is_running() => Phase::Run,
            Some(_) => Phase::Failed,
        }
    }
}

/// The comparison of the draft before the stage is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// As a matter of course: it takes no time, or the stage is a production stage.
    Quick,
    /// Not at all, since it takes long; one may wait for it.
    Slow,
    /// Somebody waits for it, however long it takes.
    Awaited,
}

/// The start of the deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartMode {
    /// The deploy starts on Enter.
    OnEnter,
    /// Enter was pressed before the plan was there: the deploy starts when the plan comes.
    WithPlan,
    /// The deploy would have started, but for a question.
    Asked(Question),
}

impl DeployModal {
    /// Opens the dialog with this stage selected, else the first row, which is no production stage if there is another.
    pub fn open(api: ApiId, stage: Option<StageName>, context: &mut Context<'_>) -> Self {
        let phase = Phase::of(context.data.deploys.job(&api));
        let is_chosen = stage.is_some();
        let mut dialog = Self {
            api,
            form: fields::form(stage, ""),
            plan: Remote::Idle,
            planned_for: None,
            comparison: Comparison::Quick,
            due: None,
            start_mode: StartMode::OnEnter,
            is_insisting: false,
            scroll: Scroll::default(),
            phase,
        };
        if is_chosen && dialog.phase == Phase::Plan {
            dialog.ask(context);
        }
        dialog
    }

    fn submit(&mut self, context: &mut Context<'_>) {
        if let Some(question) = self.question() {
            return self.confirm(question, context);
        }
        let detail = context.data.library.detail(&self.api);
        if let Some(stage) = detail.and_then(|detail| self.named(detail)) {
            return self.choose_stage(&stage, context);
        }
        let request = match self.wanted(&context.data.library, context.look) {
            Ok(request) => request,
            // Whoever names a stage right away need not wait for the stages either.
            Err(_) if detail.is_none() && self.is_new() => {
                self.start_mode = StartMode::WithPlan;
                return;
            }
            // The note in the dialog says why not.
            Err(_) => {
                self.is_insisting = true;
                return;
            }
        };
        self.start_or_plan(&request, context);
    }

    /// Carries the plan of the request out, or asks for it first.
    fn start_or_plan(&mut self, request: &DeployRequest, context: &mut Context<'_>) {
        let is_planned = self.is_planned(request);
        match &self.plan {
            Remote::Ready(_) if is_planned && context.look.is_production(request.stage.name()) => {
                self.put_question(context);
            }
            Remote::Ready(_) if is_planned => self.start(context),
            // A plan that failed is made again to be looked at, not to be carried out unseen.
            Remote::Failed { .. } if is_planned => {
                self.forget_plan(context);
                self.ask(context);
            }
            _ => {
                self.ask(context);
                self.start_mode = StartMode::WithPlan;
            }
        }
    }

    fn start(&mut self, context: &mut Context<'_>) {
        let Remote::Ready(plan) = &self.plan else {
            return;
        };
        let plan = plan.clone();
        let now = context.look.now;
        self.phase = Phase::Run;
        self.scroll = Scroll::default();
        context.start_deploy(|ticket| {
            let effect = Effect::Job(Job::Deploy(ticket, Box::new(plan.clone())));
            (DeployJob::new(ticket, plan, now), effect)
        });
    }

    fn typed(&mut self, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        // Where comparing takes long, one letter is a command.
        if keys::lookup(self.scope(), key) == Some(Action::Wait) {
            return Handled::No;
        }
        match self.form.key(key) {
            FormChange::None => return Handled::No,
            FormChange::Focus => {}
            FormChange::Value => self.text_changed(context),
        }
        Handled::Yes(Nav::Stay)
    }

    fn text_changed(&mut self, context: &mut Context<'_>) {
        self.is_insisting = false;
        self.start_mode = StartMode::OnEnter;
        if self.form.focused() == Part::Stage {
            self.forget_plan(context);
        }
        self.due = context.look.now.saturating_add(AFTER_TYPING).ok();
    }

    /// True when the dialog shows a deploy that runs or failed.
    fn is_run(&self) -> bool {
        self.phase != Phase::Plan
    }
}

impl View for DeployModal {
    fn route(&self) -> Route {
        Route::Deploy(self.api.clone(), None)
    }

    fn scope(&self) -> Scope {
        match self.phase {
            Phase::Run => Scope::DeployRun,
            Phase::Failed => Scope::DeployFailed,
            Phase::Plan if self.question().is_some() => Scope::DeployQuestion,
            Phase::Plan if self.form.takes_text() => Scope::DeployField,
            Phase::Plan if self.comparison == Comparison::Slow => Scope::DeploySlow,
            Phase::Plan => Scope::Deploy,
        }
    }

    fn key(&mut self, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        match self.question() {
            _ if self.is_run() => Handled::No,
            Some(question) => self.answer(question, key, context),
            None => self.typed(key, context),
        }
    }

    fn paste(&mut self, text: &str, context: &mut Context<'_>) -> Handled {
        if self.is_run() {
            return Handled::No;
        }
        if self.question().is_some() {
            self.start_mode = StartMode::OnEnter;
            return Handled::Yes(Nav::Stay);
        }
        self.form.paste(text);
        self.text_changed(context);
        Handled::Yes(Nav::Stay)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => {
                self.close(context);
                return Nav::Back;
            }
            Action::Copy => self.copy(context),
            _ if self.is_run() => self.act_on_job(action, context),
            Action::Submit => self.submit(context),
            Action::Wait => self.wait(context),
            Action::Refresh => self.refresh(context),
            Action::PageUp | Action::PageDown => {
                let placed = context.placed;
                self.scroll
                    .act(action, placed.side_page, placed.side_length);
            }
            action => self.move_in_form(action, context),
        }
        Nav::Stay
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        match action {
            _ if self.is_run() => self.refuse_on_job(action, scene),
            Action::Submit
                if self
                    .question()
                    .is_some_and(|it| !it.is_open(scene.look.now)) =>
            {
                Some("Look at the changes first".to_owned())
            }
            _ => None,
        }
    }

    fn deploy(&mut self, news: DeployNews<'_>, context: &mut Context<'_>) {
        if let DeployNews::Planned(ticket, result) = news {
            self.planned(ticket, result, context);
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        self.phase = Phase::of(context.data.deploys.job(&self.api));
        if self.is_run() {
            return;
        }
        let api = self.api.clone();
        context.ask(|library, asking| library.tend_api(&api, asking));
        let is_due = self.due.is_none_or(|due| due <= context.look.now);
        if is_due {
            self.due = None;
        }
        let detail = context.data.library.detail(&self.api);
        if !detail.is_some_and(|detail| detail.stages.is_known()) {
            return;
        }
        self.follow_stages(context);
        if self.comparison != Comparison::Awaited {
            self.comparison = self.comparison(context);
        }
        // Nobody could ask before the stages were known, and what was read since may be worth another look.
        if is_due {
            self.ask(context);
        }
    }

    fn next_tick(&self, scene: Scene<'_>) -> Option<std::time::Duration> {
        let question = self.question().filter(|it| !it.is_open(scene.look.now));
        let opens = question.map(|question| question.left(scene.look.now));
        let due = self.due.map(|due| due.duration_since(scene.look.now));
        let again = scene.data.library.api_due_in(&self.api, scene.look.now);
        let again = again.filter(|_| !self.is_run());
        let due = due.into_iter().chain(again).min();
        let left = opens.into_iter().chain(due).min()?;
        let left = std::time::Duration::try_from(left).unwrap_or_default();
        let spinner = std::time::Duration::from_millis(120);
        Some(if self.plan.is_loading() {
            left.min(spinner)
        } else {
            left
        })
    }

    fn crumbs(&self, scene: Scene<'_>) -> Vec<Crumb> {
        let api = Crumb::plain(scene.data.api_name(&self.api));
        let job = scene.data.deploys.job(&self.api).filter(|_| self.is_run());
        let stage = match job {
            Some(job) => Some(job.stage().clone()),
            None => self.stage(),
        };
        let stage = stage.map(|stage| Crumb::stage(&stage, scene.look));
        [api].into_iter().chain(stage).collect()
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        match scene.data.deploys.job(&self.api) {
            Some(job) if self.is_run() => {
                run::render(job, self.scroll, scene, area, painter);
            }
            _ => edit::render(self, scene, area, painter),
        }
    }
}
