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

use ratatui::layout::{Margin, Rect, Size};

use crate::{
    model::Failure,
    ui::{
        Action,
        keys::Scope,
        route::{Nav, Route},
        view::{Context, Painter, Scene, View},
        widget::{
            cells, failure, indented, modal, panel, safe,
            scroll::{self, Scroll},
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
                let placed = context.placed;
                self.scroll.act(action, placed.page, placed.side_length);
            }
        }
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let width = area.width.min(78);
        let columns = usize::from(width).saturating_sub(5);
        let lines = failure::lines(&self.failure, columns, scene.look);
        let title = safe("That did not work", scene.look.theme.danger);
        let block = panel(scene.look, title, true).border_style(scene.look.theme.danger);
        let size = Size::new(width, cells(lines.len()) + 4);
        let inner = modal(block, size, area, painter);
        let body = indented(inner).inner(Margin::new(0, 1));
        scroll::render(&lines, self.scroll, body, painter);
    }
}
