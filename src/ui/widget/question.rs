//! A question before something that must not happen by accident.
//!
//! An Enter that was typed ahead, pasted, or comes from a key that is held down is no answer. So the question opens
//! only once no Enter has come for a while, and an Enter answers only an open question that was on the screen, which
//! whoever draws it notes among its places. Any other key takes the question back.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};

use crate::{
    model::Ticket,
    ui::{deploy::QUIET, look::Look, view::Context},
};

/// A question that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The ticket that tells the question from an earlier one.
    pub ticket: Ticket,
    /// The time of the last Enter.
    quiet_since: Timestamp,
}

impl Question {
    /// Asks.
    pub fn ask(context: &mut Context<'_>) -> Self {
        Self {
            ticket: context.data.tickets.next_ticket(),
            quiet_since: context.look.now,
        }
    }

    /// True once an Enter can be an answer.
    pub fn is_open(self, now: Timestamp) -> bool {
        self.left(now) <= SignedDuration::ZERO
    }

    /// Returns the time until the question opens; zero or less once it is open.
    pub fn left(self, now: Timestamp) -> SignedDuration {
        QUIET.saturating_sub(now.duration_since(self.quiet_since))
    }

    /// Returns the keys that mean something now, for the border of a modal: Enter does what was asked once it can.
    pub fn hints(self, does: &'static str, look: &Look) -> Vec<(String, &'static str)> {
        let enter = (look.glyphs.enter.to_owned(), does);
        let others = ("any other key".to_owned(), "takes it back");
        let enter = Some(enter).filter(|_| self.is_open(look.now));
        enter.into_iter().chain([others]).collect()
    }

    /// True when an Enter that comes now is the answer; else the question is to stay shut for longer.
    pub fn is_answered(self, context: &Context<'_>) -> bool {
        context.placed.question == Some(self.ticket)
    }

    /// Returns the question as it is after an Enter that was no answer.
    #[must_use]
    pub fn shut(self, now: Timestamp) -> Self {
        Self {
            quiet_since: now,
            ..self
        }
    }
}

/// True for a key that does nothing but take a question back: what it means elsewhere is left aside.
pub fn says_no(key: KeyEvent) -> bool {
    let command = KeyModifiers::CONTROL | KeyModifiers::ALT;
    match key.code {
        KeyCode::Char(_) => !key.modifiers.intersects(command),
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Delete => true,
        _ => false,
    }
}
