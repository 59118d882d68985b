//! The footer: the keys of the view that has the keyboard, as many as fit, the most useful ones first to stay.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::ui::{
    keys::{self, Binding, Scope},
    look::Look,
    text,
    view::{Scene, View},
};

/// The footer of the screen or modal that has the keyboard.
#[derive(Debug)]
pub struct Footer<'a> {
    /// The view.
    pub view: &'a dyn View,
    /// The scene of the view: glyphs, styles, and the data that refusals come from.
    pub scene: Scene<'a>,
}

/// Returns the bindings that fit into `columns`, in the order of the table.
///
/// Each takes its chord, a space, its label and three columns of distance. The lowest `bar` goes first.
pub fn fitting(scope: Scope, columns: usize, look: &Look) -> Vec<&'static Binding> {
    let mut rows: Vec<&Binding> = keys::bindings(scope).filter(|row| row.bar > 0).collect();
    loop {
        let width: usize = rows.iter().map(|row| row_width(row, scope, look)).sum();
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

fn row_width(row: &Binding, scope: Scope, look: &Look) -> usize {
    text::width(&row.chord_for(scope, &look.glyphs)) + 1 + text::width(row.label) + DISTANCE
}

impl Widget for &Footer<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Footer { view, scene } = *self;
        let theme = &scene.look.theme;
        let scope = view.scope();
        let columns = usize::from(area.width).saturating_sub(2);
        let mut spans = vec![Span::raw(" ")];
        for row in fitting(scope, columns, scene.look) {
            let can = view.refusal(row.action, scene).is_none();
            let key = if can { theme.key } else { theme.dim };
            spans.push(Span::styled(row.chord_for(scope, &scene.look.glyphs), key));
            spans.push(Span::raw(" "));
            spans.push(Span::styled(row.label, theme.dim));
            spans.push(Span::raw("   "));
        }
        Line::from(spans).render(area, buffer);
    }
}
