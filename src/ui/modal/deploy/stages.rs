//! The stage list of the dialog: its rows, moving in it, and the name of a new stage that is typed right into it. This
//! module draws nothing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;

use super::DeployModal;
use crate::{
    model::{ApiDetail, StageName},
    ui::{
        Action, keys,
        look::Look,
        route::Nav,
        view::{Context, Handled, View},
    },
};

/// The time that the stage selection must stand still before a plan is asked for.
const AFTER_MOVE: SignedDuration = SignedDuration::from_millis(150);

/// A row of the stage list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Stage(StageName),
    New,
}

/// Returns the rows in their order: production stages come after the others, since the first row is selected at first.
pub(super) fn choices(detail: &ApiDetail, look: &Look) -> Vec<Choice> {
    let mut names: Vec<&StageName> = detail.stages.iter().map(|stage| &stage.name).collect();
    names.sort_by_key(|name| look.is_production(name));
    let stages = names.into_iter().cloned().map(Choice::Stage);
    stages.chain([Choice::New]).collect()
}

/// Returns the row that is selected before somebody chooses: a stage that is not a production stage, if there is one.
pub(super) fn first(detail: &ApiDetail, look: &Look) -> Choice {
    let first = choices(detail, look).into_iter().next();
    first.unwrap_or(Choice::New)
}

impl DeployModal {
    /// Moves the selection; a name that was typed stays where it was typed.
    pub(super) fn move_choice(&mut self, action: Action, context: &mut Context<'_>) {
        let Some(detail) = context.data.library.detail(&self.api) else {
            return;
        };
        let choices = choices(detail, context.look);
        let last = choices.len() - 1;
        let at = choices
            .iter()
            .position(|choice| Some(choice) == self.choice.as_ref())
            .unwrap_or(0);
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::First => 0,
            Action::Last => last,
            _ => (at + 1).min(last),
        };
        if to != at {
            self.choice = Some(choices[to].clone());
            self.forget_plan(context);
            self.due = context.look.now.saturating_add(AFTER_MOVE).ok();
        }
    }

    /// Chooses a row and asks for its plan at once.
    pub(super) fn choose(&mut self, choice: Choice, context: &mut Context<'_>) {
        if self.named_choice(&choice) {
            self.name.clear();
        }
        self.is_describing = false;
        if self.choice.as_ref() != Some(&choice) {
            self.choice = Some(choice);
            self.forget_plan(context);
            self.ask(context);
        }
    }

    /// Begins the name of a new stage with a character that such a name may hold; the list has no use for others.
    pub(super) fn begin_name(&mut self, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        let command = KeyModifiers::CONTROL | KeyModifiers::ALT;
        let begins = match key.code {
            KeyCode::Char(c) if !key.modifiers.intersects(command) => {
                StageName::parse(c.encode_utf8(&mut [0; 4])).is_ok()
            }
            _ => false,
        };
        // Where comparing takes long, one letter is a command.
        let is_command = keys::lookup(self.scope(), key) == Some(Action::Wait);
        if !begins || is_command {
            return Handled::No;
        }
        self.name.clear();
        self.name.key(key);
        self.choice = Some(Choice::New);
        self.text_changed(context);
        Handled::Yes(Nav::Stay)
    }

    /// Returns the stage that exists and whose name was typed as that of a new one.
    pub(super) fn named(&self, detail: &ApiDetail) -> Option<StageName> {
        let name = StageName::parse(self.name.text()).ok()?;
        let stage = detail.stage(&name).filter(|_| self.is_new())?;
        Some(stage.name.clone())
    }

    fn named_choice(&self, choice: &Choice) -> bool {
        matches!(choice, Choice::Stage(name) if name.as_str() == self.name.text())
    }
}
