//! The confirmation: a question before an order is carried out.
//!
//! ```text
//! ╭ Undo the deploy? ───────────────────────────╮
//! │ prod will serve 53lz9l again, not a81kq0.    │
//! │                                              │
//! │ ↵ point prod at 53lz9l   Esc leave it        │
//! ╰──────────────────────────────────────────────╯
//! ```

use ratatui::{
    layout::{Rect, Size},
    text::{Line, Span},
    widgets::Paragraph,
};

use crate::ui::{
    Action,
    keys::{self, Scope},
    look::Look,
    route::{Confirmation, Nav, Order, Route},
    text,
    view::{Context, Painter, Scene, View},
    widget::{cells, indented, modal, panel},
};

/// A question with two answers.
#[derive(Debug)]
pub struct ConfirmModal {
    confirmation: Confirmation,
}

impl ConfirmModal {
    /// Asks for this confirmation.
    pub fn new(confirmation: Confirmation) -> Self {
        Self { confirmation }
    }
}

impl View for ConfirmModal {
    fn route(&self) -> Route {
        Route::Confirm(Box::new(self.confirmation.clone()))
    }

    fn scope(&self) -> Scope {
        Scope::Confirm
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Submit => {
                match &self.confirmation.order {
                    Order::Repoint(repoint) => context.repoint(repoint.clone()),
                    Order::Forget(session) => context.forget_session(*session),
                }
                Nav::Back
            }
            Action::Back => Nav::Back,
            _ => Nav::Stay,
        }
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let width = area.width.min(72);
        let lines = self.lines(usize::from(width).saturating_sub(4), scene.look);
        let block = panel(scene.look, self.confirmation.title.as_str(), true);
        let block = block.border_style(scene.look.theme.warn);
        let size = Size::new(width, cells(lines.len()) + 2);
        let body = indented(modal(block, size, area, painter));
        painter.placed.page = body.height;
        painter.draw(Paragraph::new(lines), body);
    }
}

impl ConfirmModal {
    fn lines(&self, columns: usize, look: &Look) -> Vec<Line<'static>> {
        let theme = &look.theme;
        let lines = self.confirmation.lines.iter();
        let lines = lines.flat_map(|line| text::wrap(line, columns));
        let mut lines: Vec<_> = lines.map(|line| Line::styled(line, theme.text)).collect();
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled(look.glyphs.enter, theme.key),
            Span::styled(format!(" {}   ", self.confirmation.yes), theme.text),
            Span::styled(keys::named(Scope::Confirm, Action::Back), theme.key),
            Span::styled(" leave it", theme.dim),
        ]));
        lines
    }
}
