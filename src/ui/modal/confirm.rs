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
    Frame,
    layout::{Constraint, Layout, Rect, Size},
    text::{Line, Span},
    widgets::Paragraph,
};

use crate::ui::{
    Action,
    keys::{self, Scope},
    route::{Confirmation, Nav, Order, Route},
    text,
    view::{Context, Placed, Scene, View},
    widget::{cells, modal_area, panel},
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
                }
                Nav::Back
            }
            Action::Back => Nav::Back,
            _ => Nav::Stay,
        }
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let theme = &scene.look.theme;
        let width = area.width.min(72);
        let columns = usize::from(width).saturating_sub(4);
        let mut lines: Vec<Line<'_>> = self
            .confirmation
            .lines
            .iter()
            .flat_map(|line| text::wrap(line, columns))
            .map(|line| Line::styled(line, theme.text))
            .collect();
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled(scene.look.glyphs.enter, theme.key),
            Span::styled(format!(" {}   ", self.confirmation.yes), theme.text),
            Span::styled(keys::named(Scope::Confirm, Action::Back), theme.key),
            Span::styled(" leave it", theme.dim),
        ]));
        let place = modal_area(area, Size::new(width, cells(lines.len()) + 2), frame);
        let block =
            panel(scene.look, self.confirmation.title.as_str(), true).border_style(theme.warn);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        placed.page = body.height;
        frame.render_widget(Paragraph::new(lines), body);
        placed
    }
}
