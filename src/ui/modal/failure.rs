//! The failure dialog: the failure of something that was asked for, with its causes and a hint.
//!
//! ```text
//! ╭ Cannot deploy "chat" to stage "prod" ───────────────╮
//! │ because  AWS refused update-stage: ConflictException │
//! │ because  the stage was moved meanwhile               │
//! │                                                      │
//! │ try      r reads the stages again                    │
//! ╰ y copy · Esc close ──────────────────────────────────╯
//! ```

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect, Size},
};

use crate::{
    model::Failure,
    ui::{
        Action,
        keys::Scope,
        route::{Nav, Route},
        view::{Context, Placed, Scene, View},
        widget::{
            cells, failure, modal_area, panel, safe,
            scroll::{Scroll, ScrolledText},
        },
    },
};

/// The failure, and the scroll of its text.
#[derive(Debug)]
pub struct FailureModal {
    failure: Failure,
    scroll: Scroll,
}

impl FailureModal {
    /// Shows this failure.
    pub fn new(failure: Failure) -> Self {
        Self {
            failure,
            scroll: Scroll::default(),
        }
    }
}

impl View for FailureModal {
    fn route(&self) -> Route {
        Route::Failure(self.failure.clone())
    }

    fn scope(&self) -> Scope {
        Scope::Failure
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return Nav::Back,
            Action::Copy => context.copy("the failure", self.failure.to_string()),
            action => {
                self.scroll
                    .act(action, context.placed.page, usize::from(u16::MAX));
            }
        }
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let width = area.width.min(78);
        let columns = usize::from(width).saturating_sub(5);
        let lines = failure::lines(&self.failure, columns, scene.look);
        let place = modal_area(area, Size::new(width, cells(lines.len()) + 4), frame);
        let title = safe("That did not work", scene.look.theme.danger);
        let block = panel(scene.look, title, true).border_style(scene.look.theme.danger);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body, _] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(inner);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(body);
        placed.page = body.height;
        let text = ScrolledText {
            lines: &lines,
            scroll: self.scroll,
            look: scene.look,
        };
        frame.render_widget(&text, body);
        placed
    }
}
