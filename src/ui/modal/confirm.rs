//! A question before something that changes the world.
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
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Paragraph,
};

use crate::{
    model::plan::Repoint,
    ui::{
        Action, State,
        geometry::Geometry,
        keys::Scope,
        screen::{Context, Nav, View},
        widget::{cells, modal_area, panel, text},
    },
};

/// A question, and what a yes does.
#[derive(Debug)]
pub struct ConfirmModal {
    /// The question.
    pub title: String,
    /// What will change, and how to undo it; a line each.
    pub lines: Vec<String>,
    /// What a yes does, in words.
    pub yes: String,
    /// What a yes does.
    pub order: Order,
}

/// What a yes does.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Point a stage at another deployment.
    Repoint(Repoint),
}

impl View for ConfirmModal {
    fn scope(&self) -> Scope {
        Scope::Confirm
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Submit => {
                match &self.order {
                    Order::Repoint(repoint) => context.repoint(repoint.clone()),
                }
                Nav::Back
            }
            Action::Back => Nav::Back,
            _ => Nav::Stay,
        }
    }

    fn render(&self, state: &State, area: Rect, frame: &mut Frame<'_>, geometry: &mut Geometry) {
        let theme = &state.theme;
        let width = area.width.min(72);
        let columns = usize::from(width).saturating_sub(4);
        let mut lines: Vec<Line<'_>> = self
            .lines
            .iter()
            .flat_map(|line| text::wrap(line, columns))
            .map(|line| Line::styled(line, theme.text))
            .collect();
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled(state.glyphs.enter, theme.key),
            Span::styled(format!(" {}   ", self.yes), theme.text),
            Span::styled("Esc", theme.key),
            Span::styled(" leave it", theme.dim),
        ]));
        let place = modal_area(area, (width, cells(lines.len()) + 2), frame);
        let block = panel(state, self.title.as_str(), true).border_style(theme.warn);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        geometry.page = body.height;
        frame.render_widget(Paragraph::new(lines), body);
    }
}
