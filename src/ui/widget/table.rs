//! A table: columns as wide as their cells, the least useful dropped where room is short, one row selected.

use std::ops::Range;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    cells,
    listing::{Listing, Row, highlight},
    rows_in,
    scroll::ScrollBar,
};
use crate::ui::{look::Look, text, view::Placed};

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

/// A table, ready to draw.
#[derive(Debug)]
pub struct Table<'a> {
    columns: &'a [Column],
    /// All rows, a cell a column.
    rows: &'a [Vec<Cell>],
    /// The same rows of the list, with what the filter found in each.
    listed: &'a [Row],
    /// The rows to draw.
    window: Range<usize>,
    selected: Option<usize>,
    look: &'a Look,
}

/// The distance between columns.
const GAP: usize = 2;

/// A column is not made narrower than this; it goes away instead.
const LEAST: usize = 12;

/// A column that is kept less than this goes before any other is cut.
const CUT_FROM: u8 = 50;

impl<'a> Table<'a> {
    /// A list as a table in an area; notes where its rows will stand.
    pub fn of_list(
        list: &'a Listing,
        (columns, rows): (&'a [Column], &'a [Vec<Cell>]),
        area: Rect,
        look: &'a Look,
        placed: &mut Placed,
    ) -> Self {
        let rows_area = Self::rows_area(area);
        let window = list.window(rows_area.height);
        placed.page = rows_area.height;
        placed.rows = rows_in(rows_area, window.len());
        Self {
            columns,
            rows,
            listed: list.rows(),
            window,
            selected: list.selected_idx(),
            look,
        }
    }
    /// Returns the place of the rows in a table at `area`, below the heads.
    fn rows_area(area: Rect) -> Rect {
        Rect {
            y: area.y + area.height.min(1),
            height: area.height.saturating_sub(1),
            ..area
        }
    }

    /// Returns the width of each column; 0 for one that was dropped.
    fn widths(&self, available: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(idx, column)| {
                let content = self
                    .rows
                    .iter()
                    .filter_map(|row| row.get(idx))
                    .map(|cell| text::width(&cell.text));
                content
                    .chain([text::width(column.title)])
                    .max()
                    .unwrap_or(0)
                    .min(column.most.max(text::width(column.title)))
            })
            .collect();
        while total(&widths) > available {
            let spare = (0..widths.len())
                .filter(|idx| widths[*idx] > 0 && self.columns[*idx].keep < CUT_FROM)
                .min_by_key(|idx| self.columns[*idx].keep);
            if let Some(idx) = spare {
                widths[idx] = 0;
                continue;
            }
            let widest = (0..widths.len())
                .max_by_key(|idx| widths[*idx])
                .unwrap_or(0);
            if widths.get(widest).is_some_and(|width| *width > LEAST) {
                widths[widest] -= 1;
                continue;
            }
            let least = (0..widths.len())
                .filter(|idx| widths[*idx] > 0)
                .min_by_key(|idx| self.columns[*idx].keep);
            match least {
                Some(idx) => widths[idx] = 0,
                None => break,
            }
        }
        widths
    }

    fn row_line(&self, idx: usize, widths: &[usize], base: Option<Style>) -> Line<'static> {
        let theme = &self.look.theme;
        let is_selected = self.selected == Some(idx);
        let pointer = if is_selected {
            self.look.glyphs.pointer
        } else {
            " "
        };
        let mut spans = vec![Span::raw(pointer), Span::raw(" ")];
        let matched = self.listed.get(idx).map_or(&[][..], |row| &row.matched);
        for (cell, columns) in self.rows[idx].iter().zip(widths) {
            if *columns == 0 {
                continue;
            }
            let style = base.unwrap_or(cell.style);
            let matched = if cell.searched_from.is_some() {
                matched
            } else {
                &[]
            };
            spans.extend(highlight(
                &cell.text,
                (cell.searched_from.unwrap_or(0), *columns),
                matched,
                (style, theme.matched),
                self.look.glyphs.ellipsis,
            ));
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

impl Widget for &Table<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let theme = &self.look.theme;
        let widths = self.widths(usize::from(area.width));
        let mut head = vec![Span::raw("  ")];
        for (column, width) in self.columns.iter().zip(&widths) {
            if *width > 0 {
                head.push(Span::styled(
                    text::fit_padded(column.title, *width, self.look.glyphs.ellipsis),
                    theme.heading,
                ));
                head.push(Span::raw(" ".repeat(GAP)));
            }
        }
        Line::from(head).render(area, buffer);
        let rows = Table::rows_area(area);
        for (line, idx) in self.window.clone().enumerate() {
            let is_selected = self.selected == Some(idx);
            let base = is_selected.then_some(theme.selection);
            let place = Rect {
                y: rows.y + cells(line),
                height: 1,
                ..rows
            };
            if place.y >= rows.bottom() {
                break;
            }
            self.row_line(idx, &widths, base).render(place, buffer);
            if let Some(style) = base {
                buffer.set_style(place, style);
            }
        }
        let bar = ScrollBar {
            offset: self.window.start,
            length: self.rows.len(),
            look: self.look,
        };
        (&bar).render(rows, buffer);
    }
}
