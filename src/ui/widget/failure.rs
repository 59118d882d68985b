//! A failure as text: title, causes, hint.

use ratatui::text::{Line, Span};

use crate::{
    model::Failure,
    ui::{look::Look, text},
};

/// Returns the failure as lines of at most `columns`: title, causes, hint.
pub fn lines(failure: &Failure, columns: usize, look: &Look) -> Vec<Line<'static>> {
    let theme = &look.theme;
    let mut lines: Vec<Line<'static>> = text::wrap(&failure.title, columns)
        .into_iter()
        .map(|line| Line::styled(line, theme.danger))
        .collect();
    let room = columns.saturating_sub(9);
    for cause in &failure.causes {
        for (idx, line) in text::wrap(cause, room).into_iter().enumerate() {
            let head = if idx == 0 { "because  " } else { "         " };
            lines.push(Line::from(vec![
                Span::styled(head, theme.dim),
                Span::styled(line, theme.text),
            ]));
        }
    }
    if let Some(hint) = &failure.hint {
        lines.push(Line::default());
        for (idx, line) in text::wrap(hint, room).into_iter().enumerate() {
            let head = if idx == 0 { "try      " } else { "         " };
            lines.push(Line::from(vec![
                Span::styled(head, theme.key),
                Span::styled(line, theme.text),
            ]));
        }
    }
    lines
}
