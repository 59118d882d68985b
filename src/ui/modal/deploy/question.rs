//! The question before a deploy that must not happen by accident: to a production stage, and of a plan that nobody
//! could see yet when Enter was pressed.
//!
//! An Enter that was typed ahead, pasted, or comes from a key that is held down is no answer. So the question opens
//! only once no Enter has come for a while, and an Enter answers only an open question that was on the screen, which
//! `render` notes among its places. Any other key takes the question back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};

use super::{DeployModal, Haste};
use crate::{
    model::Ticket,
    ui::{
        deploy::QUIET,
        route::Nav,
        view::{Context, Handled, Scene},
    },
};

/// A question that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    /// The ticket that tells the question from an earlier one.
    pub(super) ticket: Ticket,
    /// The time of the last Enter.
    quiet_since: Timestamp,
}

impl Question {
    /// True once an Enter can be an answer.
    pub(super) fn is_open(self, now: Timestamp) -> bool {
        self.left(now) <= SignedDuration::ZERO
    }

    /// Returns the time until the question opens; zero or less once it is open.
    pub(super) fn left(self, now: Timestamp) -> SignedDuration {
        QUIET.saturating_sub(now.duration_since(self.quiet_since))
    }
}

impl DeployModal {
    /// Returns the question that is asked now.
    pub(super) fn question(&self) -> Option<Question> {
        match self.haste {
            Haste::Asked(question) => Some(question),
            Haste::None | Haste::Going => None,
        }
    }

    /// True when the plan is one for a production stage.
    pub(super) fn is_for_production(&self, scene: Scene<'_>) -> bool {
        let plan = self.plan.data();
        plan.is_some_and(|plan| scene.look.is_production(plan.request.stage.name()))
    }

    pub(super) fn put_question(&mut self, context: &mut Context<'_>) {
        self.haste = Haste::Asked(Question {
            ticket: context.data.tickets.next_ticket(),
            quiet_since: context.look.now,
        });
    }

    /// Takes an Enter as the answer, if it is one; else the question stays shut for longer.
    pub(super) fn confirm(&mut self, question: Question, context: &mut Context<'_>) {
        if context.placed.question == Some(question.ticket) {
            self.haste = Haste::None;
            self.start(context);
        } else {
            self.haste = Haste::Asked(Question {
                quiet_since: context.look.now,
                ..question
            });
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
        self.haste = Haste::None;
        let command = KeyModifiers::CONTROL | KeyModifiers::ALT;
        let says_no = match key.code {
            KeyCode::Char(_) => !key.modifiers.intersects(command),
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Delete => true,
            _ => false,
        };
        if says_no {
            Handled::Yes(Nav::Stay)
        } else {
            self.typed(key, context)
        }
    }
}
