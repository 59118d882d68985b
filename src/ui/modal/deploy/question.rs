//! The question before a deploy to a production stage, and of a plan that nobody could see yet when Enter was pressed.

use crossterm::event::{KeyCode, KeyEvent};

use super::{DeployModal, StartMode};
use crate::ui::{
    route::Nav,
    view::{Context, Handled, Scene},
    widget::question::{self, Question},
};

impl DeployModal {
    /// Returns the question that is asked now.
    pub(super) fn question(&self) -> Option<Question> {
        match self.start_mode {
            StartMode::Asked(question) => Some(question),
            StartMode::OnEnter | StartMode::WithPlan => None,
        }
    }

    /// True when the plan is one for a production stage.
    pub(super) fn is_for_production(&self, scene: Scene<'_>) -> bool {
        let plan = self.plan.data();
        plan.is_some_and(|plan| scene.look.is_production(plan.request.stage.name()))
    }

    pub(super) fn put_question(&mut self, context: &mut Context<'_>) {
        self.start_mode = StartMode::Asked(Question::ask(context));
    }

    /// Takes an Enter as the answer, if it is one; else the question stays shut for longer.
    pub(super) fn confirm(&mut self, question: Question, context: &mut Context<'_>) {
        if question.is_answered(context) {
            self.start_mode = StartMode::OnEnter;
            self.start(context);
        } else {
            self.start_mode = StartMode::Asked(question.shut(context.look.now));
        }
    }

    /// Takes a key while the question is asked.
    pub(super) fn answer(
        &mut self,
        question: Question,
        key: KeyEvent,
        context: &mut Context<'_>,
    ) -> Handled {
        if key.code == KeyCode::Enter {
            self.confirm(question, context);
            return Handled::Yes(Nav::Stay);
        }
        self.start_mode = StartMode::OnEnter;
        if question::says_no(key) {
            Handled::Yes(Nav::Stay)
        } else {
            self.typed(key, context)
        }
    }
}
