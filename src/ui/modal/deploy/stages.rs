//! The choice of the stage in the dialog.

use jiff::SignedDuration;

use super::{
    DeployModal,
    fields::{Part, rows},
};
use crate::{
    model::{ApiDetail, StageName},
    ui::{
        Action,
        view::Context,
        widget::form::{FormChange, Pick},
    },
};

/// The time that the stage selection must stand still before a plan is asked for.
const AFTER_MOVE: SignedDuration = SignedDuration::from_millis(150);

impl DeployModal {
    /// Takes the stages as they are now. Before somebody chooses, a stage that is not a production stage is chosen, if
    /// there is one.
    pub(super) fn follow_stages(&mut self, context: &Context<'_>) {
        let Some(detail) = context.data.library.detail(&self.api) else {
            return;
        };
        let rows = rows(detail, context.look);
        if self.form.pick(Part::Stage) == Pick::Nothing {
            match rows.first() {
                Some(first) => self.form.choose(Part::Stage, &first.name),
                None => self.form.set_text(Part::Stage, ""),
            }
        }
        self.form.offer(Part::Stage, rows);
    }

    /// Moves the selection or the focus; another stage needs another plan.
    pub(super) fn move_in_form(&mut self, action: Action, context: &mut Context<'_>) {
        if self.form.act(action) == FormChange::Value {
            self.forget_plan(context);
            self.due = context.look.now.saturating_add(AFTER_MOVE).ok();
        }
    }

    /// Chooses the stage whose name was typed, and asks for its plan at once.
    pub(super) fn choose_stage(&mut self, stage: &StageName, context: &mut Context<'_>) {
        self.form.choose(Part::Stage, stage.as_str());
        self.form.focus(Part::Stage);
        self.forget_plan(context);
        self.ask(context);
    }

    /// Returns the stage that is chosen or typed; none while there is no such name.
    pub(super) fn stage(&self) -> Option<StageName> {
        match self.form.pick(Part::Stage) {
            Pick::Nothing => None,
            Pick::Row(name) | Pick::Typed(name) => StageName::parse(name).ok(),
        }
    }

    /// True while the name of a new stage is typed.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.form.pick(Part::Stage), Pick::Typed(_))
    }

    /// Returns the stage that exists and whose name was typed as that of a new one.
    pub(super) fn named(&self, detail: &ApiDetail) -> Option<StageName> {
        let Pick::Typed(name) = self.form.pick(Part::Stage) else {
            return None;
        };
        let name = StageName::parse(name).ok()?;
        detail.stage(&name).map(|stage| stage.name.clone())
    }
}
