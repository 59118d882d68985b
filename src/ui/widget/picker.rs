//! A picker: a text field above the list that the text narrows.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{
    listing::{Listing, Row},
    rows_in,
};
use crate::ui::view::Painter;

/// Draws the field behind a mark of two columns, and a line for each row in view; returns the place of the rows. The
/// line is told whether its row is selected.
pub fn render(
    list: &Listing,
    mark: &str,
    area: Rect,
    painter: &mut Painter<'_, '_>,
    line: impl Fn(&Row, bool) -> Line<'static>,
) -> Rect {
    let theme = &painter.look.theme;
    let [field, rows] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let [head, field] =
        Layout::horizontal([Constraint::Length(2), Constraint::Fill(1)]).areas(field);
    painter.draw(Line::styled(mark, theme.key), head);
    painter.draw(&list.filter.widget(theme, true), field);
    let window = list.window(rows.height);
    painter.placed.page = rows.height;
    painter.placed.rows = rows_in(rows, window.len());
    let selected = list.selected_idx();
    for (idx, place) in window.zip(rows.rows()) {
        painter.draw(line(&list.rows()[idx], selected == Some(idx)), place);
    }
    rows
}
