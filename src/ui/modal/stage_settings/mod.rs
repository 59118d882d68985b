//! The settings of a stage: a form, what it will change, and the AWS CLI command that does the same.
//!
//! ```text
//! ╭ Stage settings · chat › test ───────────────────────────────╮
//! │ Description          the demo                                │
//! │ Auto deploy          [off] on                                │
//! │ Rate, per second   ▸ 0   ! blocks all traffic                │
//! │ …                                                            │
//! │                                                              │
//! │ Changes on test                                              │
//! │   ~ throttlingRateLimit account default → 0                  │
//! │   ! a default throttle cannot be made unset again            │
//! │                                                              │
//! │ aws apigatewayv2 update-stage --api-id k3v9x2a1bc …          │
//! ╰──────────────────── ↵ change · ^Y copy command · Esc cancel ╯
//! ```
//!
//! Settings act at once and without a deploy. A change of a production stage, and one that blocks all traffic, takes a
//! second Enter, see [`Question`].

mod draw;
mod settings;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use self::settings::SettingsForm;
use crate::{
    model::{ApiId, StageName, Ticket, file::stage_file, stage_update::StageUpdate},
    ui::{
        Action, Effect, Remote,
        effect::Job,
        keys::Scope,
        message::StageMessage,
        notice::Tone,
        route::{Nav, Route},
        view::{Context, Crumb, Handled, Painter, Scene, View},
        widget::{
            form::FormChange,
            question::{self, Question},
            scroll::Scroll,
        },
    },
};

/// The settings of one stage.
#[derive(Debug)]
pub struct StageSettingsModal {
    api: ApiId,
    stage: StageName,
    /// The settings as they were read, and those that are asked for.
    settings: SettingsForm,
    /// The commands for `planned_for`.
    commands: Remote<Vec<String>>,
    planned_for: Option<StageUpdate>,
    scroll: Scroll,
    phase: Phase,
    /// True when Enter came before the commands did: the change goes out with them.
    is_awaited: bool,
}

/// The progress of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The form is filled in.
    Edit,
    /// The change would have been ordered, but for a question.
    Asked(Question),
    /// The change is under way under this ticket.
    Sent(Ticket),
}

impl StageSettingsModal {
    /// Opens the settings as they were read last; none when the stage is not known.
    pub fn open(api: ApiId, stage: StageName, context: &Context<'_>) -> Option<Self> {
        let detail = context.data.library.detail(&api)?;
        let settings = SettingsForm::new(stage_file(detail.stage(&stage)?));
        Some(Self {
            api,
            stage,
            settings,
            commands: Remote::Idle,
            planned_for: None,
            scroll: Scroll::default(),
            phase: Phase::Edit,
            is_awaited: false,
        })
    }

    /// Returns the change that the form asks for; none when it asks for none or says why it cannot be.
    fn update(&self) -> Option<StageUpdate> {
        let update = StageUpdate {
            api_id: self.api.clone(),
            stage: self.stage.clone(),
            from: self.settings.from.clone(),
            to: self.settings.wanted(),
        };
        let is_one = self.settings.form.refusal().is_none() && !update.changes().is_empty();
        is_one.then_some(update)
    }

    /// Asks for the commands of the change that the form asks for now.
    fn plan(&mut self, context: &mut Context<'_>) {
        let update = self.update();
        if update == self.planned_for {
            return;
        }
        if let Remote::Loading { ticket, .. } = self.commands {
            context.effects.push(Effect::Job(Job::Cancel(ticket)));
        }
        self.commands = Remote::Idle;
        if let Some(update) = &update {
            let ticket = context.data.tickets.next_ticket();
            self.commands.start(ticket);
            let job = Job::PlanStageUpdate(ticket, Box::new(update.clone()));
            context.effects.push(Effect::Job(job));
        }
        self.planned_for = update;
    }

    fn question(&self) -> Option<Question> {
        match self.phase {
            Phase::Asked(question) => Some(question),
            Phase::Edit | Phase::Sent(_) => None,
        }
    }

    /// Orders the change, or asks first where it must not happen by accident.
    fn submit(&mut self, context: &mut Context<'_>) {
        let blocks = self
            .planned_for
            .as_ref()
            .is_some_and(StageUpdate::blocks_traffic);
        if blocks || context.look.is_production(&self.stage) {
            self.phase = Phase::Asked(Question::ask(context));
        } else {
            self.send(context);
        }
    }

    /// Goes on with an Enter that came before the commands did, once they are there.
    fn submit_awaited(&mut self, context: &mut Context<'_>) {
        if !self.is_awaited || self.commands.is_loading() {
            return;
        }
        self.is_awaited = false;
        if self.commands.data().is_some() {
            self.submit(context);
        }
    }

    fn send(&mut self, context: &mut Context<'_>) {
        let Some(update) = self.planned_for.clone() else {
            return;
        };
        let ticket = context.data.tickets.next_ticket();
        self.phase = Phase::Sent(ticket);
        let job = Job::UpdateStage(ticket, Box::new(update));
        context.effects.push(Effect::Job(job));
    }

    /// Takes a key while the question is asked: an Enter may be the answer, any other key takes the question back.
    fn answer(&mut self, question: Question, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        match key.code {
            KeyCode::Enter if question.is_answered(context) => self.send(context),
            KeyCode::Enter => self.phase = Phase::Asked(question.shut(context.look.now)),
            _ => {
                self.phase = Phase::Edit;
                if !question::says_no(key) {
                    return self.typed(key);
                }
            }
        }
        Handled::Yes(Nav::Stay)
    }

    fn typed(&mut self, key: KeyEvent) -> Handled {
        match self.settings.form.key(key) {
            FormChange::None => Handled::No,
            FormChange::Focus | FormChange::Value => Handled::Yes(Nav::Stay),
        }
    }

    /// Closes the dialog. A change that was ordered goes on, and its end will be told.
    fn close(&self, context: &mut Context<'_>) -> Nav {
        match (&self.phase, &self.commands) {
            (Phase::Sent(_), _) => {
                let text = format!("The change of {} goes on", self.stage);
                context.say(Tone::Info, text);
            }
            (_, Remote::Loading { ticket, .. }) => {
                context.effects.push(Effect::Job(Job::Cancel(*ticket)));
            }
            _ => {}
        }
        Nav::Back
    }

    fn copy(&self, context: &mut Context<'_>) {
        match self.commands.data() {
            Some(commands) => context.copy("the AWS CLI command", commands.join("\n")),
            None => context.say(
                Tone::Warning,
                "There is no command before something is changed",
            ),
        }
    }
}

impl View for StageSettingsModal {
    fn route(&self) -> Route {
        Route::StageSettings(self.api.clone(), self.stage.clone())
    }

    fn scope(&self) -> Scope {
        match self.phase {
            Phase::Asked(_) => Scope::FormQuestion,
            Phase::Edit if self.settings.form.takes_text() => Scope::Form,
            Phase::Edit => Scope::FormChoice,
            Phase::Sent(_) => Scope::FormSent,
        }
    }

    fn crumbs(&self, scene: Scene<'_>) -> Vec<Crumb> {
        let api = Crumb::plain(scene.data.api_name(&self.api));
        vec![api, Crumb::stage(&self.stage, scene.look)]
    }

    fn key(&mut self, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        self.is_awaited = false;
        match self.phase {
            Phase::Asked(question) => self.answer(question, key, context),
            Phase::Sent(_) => Handled::No,
            Phase::Edit => self.typed(key),
        }
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.is_awaited = false;
        if matches!(self.phase, Phase::Sent(_)) {
            return Handled::No;
        }
        self.phase = Phase::Edit;
        match self.settings.form.paste(text) {
            FormChange::None => Handled::No,
            FormChange::Focus | FormChange::Value => Handled::Yes(Nav::Stay),
        }
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return self.close(context),
            Action::Copy => self.copy(context),
            Action::PageUp | Action::PageDown => {
                let placed = context.placed;
                self.scroll
                    .act(action, placed.side_page, placed.side_length);
            }
            _ if self.phase != Phase::Edit => {}
            Action::Submit if self.commands.is_loading() => self.is_awaited = true,
            Action::Submit => self.submit(context),
            action => {
                self.settings.form.act(action);
            }
        }
        Nav::Stay
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        if action != Action::Submit {
            return None;
        }
        let reason = match (&self.phase, &self.commands) {
            (Phase::Sent(_), _) => "The change is under way",
            (Phase::Asked(question), _) if !question.is_open(scene.look.now) => {
                "Look at the change first"
            }
            (_, Remote::Idle) => match self.settings.form.refusal() {
                Some((_, reason)) => return Some(reason),
                None => "Nothing is changed yet",
            },
            (_, Remote::Failed { failure, .. }) => return Some(failure.title.clone()),
            (_, Remote::Loading { .. } | Remote::Ready(_)) => return None,
        };
        Some(reason.to_owned())
    }

    fn stage_news(&mut self, message: &StageMessage) -> bool {
        match message {
            StageMessage::Planned(ticket, result) => {
                self.commands.finish(*ticket, result.clone());
                false
            }
            StageMessage::Updated(ticket, _, result) if self.phase == Phase::Sent(*ticket) => {
                self.phase = Phase::Edit;
                result.is_ok()
            }
            StageMessage::Updated(..) => false,
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        if self.phase == Phase::Edit {
            let detail = context.data.library.detail(&self.api);
            let read = detail.and_then(|detail| detail.stage(&self.stage));
            if let Some(read) = read.map(stage_file) {
                self.settings.begin_from(read);
            }
            self.settings.put_notes();
            self.plan(context);
            self.submit_awaited(context);
        }
    }

    fn next_tick(&self, scene: Scene<'_>) -> Option<Duration> {
        let question = self.question().filter(|it| !it.is_open(scene.look.now));
        let opens = question.map(|question| question.left(scene.look.now));
        if self.commands.is_loading() || matches!(self.phase, Phase::Sent(_)) {
            return Some(Duration::from_millis(120));
        }
        opens.map(|left| Duration::try_from(left).unwrap_or_default())
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        self.draw(scene, area, painter);
    }
}
