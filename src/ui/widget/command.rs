//! AWS CLI commands, wrapped.

use ratatui::text::Line;

use crate::ui::{look::Look, text};

/// Returns the commands as lines of at most `columns`, the later lines of each indented.
pub fn lines(commands: &[String], columns: usize, look: &Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for command in commands {
        for (idx, line) in text::wrap(command, columns.saturating_sub(2))
            .into_iter()
            .enumerate()
        {
            let indent = if idx == 0 { "" } else { "  " };
            lines.push(Line::styled(format!("{indent}{line}"), look.theme.dim));
        }
    }
    lines
}
