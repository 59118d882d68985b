//! The footer: the keys that work here, as many as fit, the most useful ones first to stay.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::text;
use crate::ui::{
    State,
    keys::{self, Binding, Scope},
    screen::View,
};

/// The footer of the screen or modal that has the keyboard.
#[derive(Debug)]
pub struct Footer<'a> {
    /// For glyphs, styles, and what cannot be done now.
    pub state: &'a State,
    /// The scope that holds.
    pub scope: Scope,
}

/// The bindings that fit into `columns`, in the order of the table.
///
/// Each takes its chord, a space, its label and three columns of distance. The lowest `bar` goes first.
pub fn fitting(scope: Scope, columns: usize, state: &State) -> Vec<&'static Binding> {
    let mut rows: Vec<&Binding> = keys::bindings(scope).filter(|row| row.bar > 0).collect();
    loop {
        let width: usize = rows.iter().map(|row| row_width(row, scope, state)).sum();
        if width <= columns + DISTANCE {
            return rows;
        }
        let Some(least) = rows.iter().map(|row| row.bar).min() else {
            return rows;
        };
        rows.retain(|row| row.bar != least);
    }
}

const DISTANCE: usize = 3;

fn row_width(row: &Binding, scope: Scope, state: &State) -> usize {
    text::width(&row.chord_for(scope, &state.glyphs)) + 1 + text::width(row.label) + DISTANCE
}

impl Widget for &Footer<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let theme = &self.state.theme;
        let view = current(self.state);
        let columns = usize::from(area.width).saturating_sub(2);
        let mut spans = vec![Span::raw(" ")];
        for row in fitting(self.scope, columns, self.state) {
            let can = view.refusal(row.action, self.state).is_none();
            let key = if can { theme.key } else { theme.dim };
            spans.push(Span::styled(
                row.chord_for(self.scope, &self.state.glyphs),
                key,
            ));
            spans.push(Span::raw(" "));
            spans.push(Span::styled(row.label, theme.dim));
            spans.push(Span::raw("   "));
        }
        Line::from(spans).render(area, buffer);
    }
}

fn current(state: &State) -> &dyn View {
    match state.modals.last() {
        Some(modal) => modal.view(),
        None => state.screen().view(),
    }
}
