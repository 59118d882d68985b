//! Placeholders for data: a spinner, a failure, or a sentence that says why there is nothing.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use crate::{
    model::Failure,
    ui::{
        Action,
        keys::{self, Scope},
        text,
        view::Painter,
        widget::failure,
    },
};

/// Draws the spinner with the words on what is awaited.
pub fn spinner(what: &str, area: Rect, painter: &mut Painter<'_, '_>) {
    let look = painter.look;
    let glyph = look.glyphs.spinner_at(look.now.as_millisecond());
    let room = usize::from(area.width).saturating_sub(4);
    let line = Line::from(vec![
        Span::raw(" "),
        Span::styled(glyph, look.theme.busy),
        Span::raw(" "),
        Span::styled(text::fit(what, room, look.glyphs.ellipsis), look.theme.dim),
    ]);
    painter.draw(Paragraph::new(vec![Line::default(), line]), area);
}

/// Draws a failure, with the key that tries again.
pub fn failed(failure: &Failure, area: Rect, painter: &mut Painter<'_, '_>) {
    let look = painter.look;
    let place = within(area);
    let mut lines = failure::lines(failure, usize::from(place.width), look);
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled(keys::named(Scope::List, Action::Refresh), look.theme.key),
        Span::styled(" try again", look.theme.dim),
    ]));
    painter.draw(Paragraph::new(lines), place);
}

/// Draws sentences.
pub fn sentences(lines: &[&str], area: Rect, painter: &mut Painter<'_, '_>) {
    let look = painter.look;
    let place = within(area);
    let lines: Vec<Line<'_>> = lines
        .iter()
        .flat_map(|line| text::wrap(line, usize::from(place.width)))
        .map(|line| Line::styled(line, look.theme.dim))
        .collect();
    painter.draw(Paragraph::new(lines), place);
}

fn within(area: Rect) -> Rect {
    let top = area.height.min(1);
    let left = area.width.min(2);
    Rect {
        x: area.x + left,
        y: area.y + top,
        width: area.width.saturating_sub(left * 2),
        height: area.height - top,
    }
}
