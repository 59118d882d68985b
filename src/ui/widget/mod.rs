//! Widgets: the pieces that screens are drawn with, data in, cells out, no effects.

pub mod age;
pub mod change;
pub mod command;
pub mod failure;
pub mod fields;
pub mod footer;
pub mod form;
pub mod header;
pub mod input;
pub mod listing;
pub mod notice;
pub mod picker;
pub mod question;
pub mod scroll;
pub mod table;
pub mod waiting;

use ratatui::{
    layout::{Constraint, Flex, Layout, Rect, Size},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Borders, Clear},
};

use crate::ui::{live::Condition, look::Look, view::Painter};

/// Returns a bordered panel; the one that has the keyboard stands out.
pub fn panel<'a>(look: &Look, title: impl Into<Line<'a>>, is_focused: bool) -> Block<'a> {
    let border = if is_focused {
        look.theme.focus
    } else {
        look.theme.border
    };
    let title: Line<'a> = title.into();
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(look.glyphs.border)
        .border_style(border);
    if title.width() == 0 {
        return block;
    }
    let mut spans = vec![Span::raw(" ")];
    spans.extend(title.spans);
    spans.push(Span::raw(" "));
    block.title(Line::from(spans).style(look.theme.title))
}

/// Draws the panel of a modal of at most that size in the middle of `area`, and returns the room inside.
pub fn modal(panel: Block<'_>, most: Size, area: Rect, painter: &mut Painter<'_, '_>) -> Rect {
    let [column] = Layout::horizontal([Constraint::Length(most.width.min(area.width))])
        .flex(Flex::Center)
        .areas(area);
    let [place] = Layout::vertical([Constraint::Length(most.height.min(area.height))])
        .flex(Flex::Center)
        .areas(column);
    painter.draw(Clear, place);
    painter.enclose(panel, place)
}

/// Returns the area without its first column.
pub fn indented(area: Rect) -> Rect {
    let [_, rest] = Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    rest
}

/// Returns keys, each with what it does, for the border of a modal.
pub fn hints(keys: &[(String, &str)], look: &Look) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (idx, (key, does)) in keys.iter().enumerate() {
        if idx > 0 {
            let dot = format!(" {} ", look.glyphs.dot);
            spans.push(Span::styled(dot, look.theme.border));
        }
        spans.push(Span::styled(key.clone(), look.theme.key));
        spans.push(Span::styled(format!(" {does}"), look.theme.dim));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

/// Returns a number of rows or columns as the terminal counts them; a number that no terminal has is cut.
pub fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Returns a span of text from elsewhere, safe to draw.
pub fn safe(text: &str, style: Style) -> Span<'static> {
    Span::styled(crate::model::text::printable(text).into_owned(), style)
}

/// The places of the first rows of a list in an area, from above.
pub fn rows_in(area: Rect, n_rows: usize) -> Vec<Rect> {
    area.rows().take(n_rows).collect()
}

/// Returns the mark of a link's condition, and the mark's style.
pub fn condition_mark(condition: Condition, look: &Look) -> (&'static str, Style) {
    let (glyphs, theme) = (&look.glyphs, &look.theme);
    match condition {
        Condition::Open => (glyphs.live, theme.ok),
        Condition::Connecting => (glyphs.pending, theme.busy),
        Condition::Ended => (glyphs.ended, theme.warn),
    }
}
