//! A table: columns as wide as their cells, the least useful dropped where room is short, one row selected.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    listing::{Listing, Row, Searched},
    rows_in,
    scroll::ScrollBar,
};
use crate::ui::{look::Look, text, view::Painter};

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The head.
    pub title: &'static str,
    /// The largest width, in columns of the screen.
    pub most: usize,
    /// The rank of the column in a table that gets narrower: a higher one stays longer, and one below 50 goes before
    /// another column is cut.
    pub keep: u8,
}

/// One row of one column.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The text; may come from elsewhere.
    pub text: String,
    /// The style where the row is not selected.
    pub style: Style,
    /// The place of the cell in the text that the filter searched, in characters; none when it was not searched.
    pub searched_from: Option<usize>,
}

impl Cell {
    /// A cell that the filter does not search.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
            searched_from: None,
        }
    }

    /// A cell that the filter searches, beginning at that character of the searched text.
    pub fn searched(text: impl Into<String>, style: Style, from: usize) -> Self {
        Self {
            searched_from: Some(from),
            ..Self::new(text, style)
        }
    }
}

/// A list as a table.
struct Table<'a> {
    columns: &'a [Column],
    /// All rows, a cell a column.
    rows: &'a [Vec<Cell>],
    /// The same rows of the list, with what the filter found in each.
    listed: &'a [Row],
    selected: Option<usize>,
    look: &'a Look,
}

/// The distance between columns.
const GAP: usize = 2;

/// A column is not made narrower than this; it goes away instead.
const LEAST: usize = 12;

/// A column that is kept less than this goes before any other is cut.
const CUT_FROM: u8 = 50;

/// Draws a list as a table, `rows` being the cells of its rows in their order, and notes where the rows in view stand.
pub fn render(
    list: &Listing,
    columns: &[Column],
    rows: &[Vec<Cell>],
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    let look = painter.look;
    let table = Table {
        columns,
        rows,
        listed: list.rows(),
        selected: list.selected_idx(),
        look,
    };
    let below = Rect {
        y: area.y + area.height.min(1),
        height: area.height.saturating_sub(1),
        ..area
    };
    let window = list.window(below.height);
    painter.placed.page = below.height;
    painter.placed.rows = rows_in(below, window.len());
    let widths = table.widths(usize::from(area.width));
    painter.draw(table.head(&widths), area);
    for (idx, place) in window.clone().zip(below.rows()) {
        let line = table.row_line(idx, &widths);
        // The selection covers the marks of the filter.
        let style = line.style;
        painter.draw(line, place);
        painter.frame.buffer_mut().set_style(place, style);
    }
    let bar = ScrollBar {
        offset: window.start,
        length: rows.len(),
        look,
    };
    painter.draw(&bar, below);
}

impl Table<'_> {
    /// Returns the width of each column; 0 for one that was dropped.
    fn widths(&self, available: usize) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let mut widths: Vec<usize> = columns
            .map(|(idx, column)| self.natural_width(idx, column))
            .collect();
        while total(&widths) > available {
            let Some((idx, width)) = self.narrower(&widths) else {
                break;
            };
            widths[idx] = width;
        }
        widths
    }

    /// Returns the width of the longest cell of a column, within the column's limit.
    fn natural_width(&self, idx: usize, column: &Column) -> usize {
        let title = text::width(column.title);
        let cells = self.rows.iter().filter_map(|row| row.get(idx));
        let widest = cells.map(|cell| text::width(&cell.text)).max();
        widest.unwrap_or(0).max(title).min(column.most.max(title))
    }

    /// Returns the column that gives way next where room is short, and the width it is left; none when none is left.
    fn narrower(&self, widths: &[usize]) -> Option<(usize, usize)> {
        let shown = (0..widths.len()).filter(|idx| widths[*idx] > 0);
        let keep = |idx: &usize| self.columns[*idx].keep;
        let spare = shown.clone().filter(|idx| keep(idx) < CUT_FROM);
        if let Some(idx) = spare.min_by_key(keep) {
            return Some((idx, 0));
        }
        let widest = shown.clone().max_by_key(|idx| widths[*idx])?;
        if widths[widest] > LEAST {
            return Some((widest, widths[widest] - 1));
        }
        shown.min_by_key(keep).map(|idx| (idx, 0))
    }

    fn head(&self, widths: &[usize]) -> Line<'static> {
        let mut spans = vec![Span::raw("  ")];
        let columns = self.columns.iter().zip(widths);
        for (column, width) in columns.filter(|(_, width)| **width > 0) {
            let title = text::fit_padded(column.title, *width, self.look.glyphs.ellipsis);
            spans.push(Span::styled(title, self.look.theme.heading));
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        Line::from(spans)
    }

    fn row_line(&self, idx: usize, widths: &[usize]) -> Line<'static> {
        let is_selected = self.selected == Some(idx);
        let base = is_selected.then_some(self.look.theme.selection);
        let mut spans = vec![Span::raw(self.look.pointer(is_selected)), Span::raw(" ")];
        let matched = self.listed.get(idx).map_or(&[][..], |row| &row.matched);
        let cells = self.rows[idx].iter().zip(widths);
        for (cell, columns) in cells.filter(|(_, columns)| **columns > 0) {
            let searched = Searched {
                text: &cell.text,
                first: cell.searched_from.unwrap_or(0),
                matched: cell.searched_from.map_or(&[], |_| matched),
            };
            let style = base.unwrap_or(cell.style);
            spans.extend(searched.spans(*columns, style, self.look));
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        Line::from(spans).style(base.unwrap_or_default())
    }
}

fn total(widths: &[usize]) -> usize {
    widths
        .iter()
        .filter(|width| **width > 0)
        .map(|width| width + GAP)
        .sum::<usize>()
        + GAP
}
