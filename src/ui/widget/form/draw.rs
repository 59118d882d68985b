//! A form on the screen: labels, values, remarks. The focused field is marked by a pointer, so that no colour is needed.

use std::fmt::Debug;

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{Entry, Field, Form, List, Note};
use crate::ui::{
    look::Look,
    text,
    view::Painter,
    widget::{cells, scroll::ScrollBar},
};

/// Columns of the pointer in front of a value, with the space behind it.
const MARK: u16 = 2;

/// Columns between the labels and the pointers, and between a value and the remark beside it.
const GAP: u16 = 2;

impl<I: Copy + PartialEq + Debug> Form<I> {
    /// Returns the columns in front of the values.
    pub fn indent(&self) -> u16 {
        let labels = self.fields.iter().map(|field| text::width(field.label));
        cells(labels.max().unwrap_or(0)) + GAP + MARK
    }

    /// Returns the rows that the form takes where there is room.
    pub fn height(&self) -> u16 {
        self.heights(u16::MAX).into_iter().sum()
    }

    /// Returns the rows of each field where there are so many in all: a list takes what the other fields leave.
    fn heights(&self, rows: u16) -> Vec<u16> {
        let left = rows.saturating_sub(cells(self.fields.len() - 1)).max(1);
        let heights = self.fields.iter().map(|field| match &field.entry {
            Entry::List(list) => cells(list.len()).min(left),
            _ => 1,
        });
        heights.collect()
    }

    /// Draws the form. Where there is no room for all fields, the focused one is in view.
    pub fn render(&self, area: Rect, painter: &mut Painter<'_, '_>) {
        let heights = self.heights(area.height);
        let bottom: u16 = heights[..=self.focus].iter().sum();
        let above = bottom.saturating_sub(area.height);
        let mut end = 0;
        for (field, height) in self.fields.iter().zip(&heights) {
            let start = end;
            end += height;
            let is_in_view = start >= above && start - above < area.height;
            if is_in_view {
                let place = Rect {
                    y: area.y + start - above,
                    height: (*height).min(area.height - (start - above)),
                    ..area
                };
                self.render_field(field, place, painter);
            }
        }
        let bar = ScrollBar {
            offset: usize::from(above),
            length: usize::from(end),
            look: painter.look,
        };
        painter.draw(&bar, area);
    }

    fn render_field(&self, field: &Field<I>, area: Rect, painter: &mut Painter<'_, '_>) {
        let [label, mark, value] = Layout::horizontal([
            Constraint::Length(self.indent() - MARK),
            Constraint::Length(MARK),
            Constraint::Fill(1),
        ])
        .areas(area);
        let (theme, glyphs) = (&painter.look.theme, &painter.look.glyphs);
        let is_focused = field.id == self.focused();
        let label_text = Span::styled(field.label, theme.heading);
        painter.draw(label_text, label);
        painter.placed.rows.push(area);
        if let Entry::List(list) = &field.entry {
            let rows = mark.union(value);
            return list.render(is_focused, rows, painter);
        }
        if is_focused {
            let pointer = Span::styled(glyphs.pointer, theme.focus);
            painter.draw(pointer, mark);
        }
        field.render_value(is_focused, value, painter);
    }
}

impl<I> Field<I> {
    /// Draws the value of a field that takes one row, and the remark behind it.
    fn render_value(&self, is_focused: bool, area: Rect, painter: &mut Painter<'_, '_>) {
        let look = painter.look;
        let remark = self.remark().map(|note| remark(&note, look));
        let note_columns = remark.as_ref().map_or(0, |(text, _)| text::width(text));
        let note_columns = cells(note_columns).min(area.width / 2);
        let room = match remark {
            Some(_) => area.width.saturating_sub(note_columns + GAP),
            None => area.width,
        };
        let value = self.value(is_focused, room, look);
        let value_columns = cells(value.width()).min(room);
        let place = Rect {
            width: room,
            ..area
        };
        painter.draw(value, place);
        if let Some((note, style)) = remark {
            let left = value_columns + GAP;
            let place = Rect {
                x: area.x + left,
                width: area.width.saturating_sub(left),
                ..area
            };
            let note = text::fit(&note, usize::from(place.width), look.glyphs.ellipsis);
            painter.draw(Line::styled(note, style), place);
        }
    }

    fn value(&self, is_focused: bool, columns: u16, look: &Look) -> Line<'static> {
        let theme = &look.theme;
        let fitted = |text: &str| text::fit(text, usize::from(columns), look.glyphs.ellipsis);
        match &self.entry {
            Entry::Text { input, hint } if input.is_empty() && !is_focused => {
                Line::styled(fitted(hint), theme.dim)
            }
            Entry::Number { input, limits } if input.is_empty() => {
                let mut line = if is_focused {
                    input.widget(theme, true).line(1)
                } else {
                    Line::default()
                };
                // A number that cannot be unset stands for nothing.
                if !matches!(self.note, Some(Note::Refused(_))) {
                    line.push_span(Span::styled(limits.unset, theme.dim));
                }
                line
            }
            Entry::Text { input, .. } | Entry::Number { input, .. } => input
                .widget(theme, is_focused)
                .line(usize::from(columns).max(1)),
            Entry::Choice { words, chosen } => {
                let words = words.iter().enumerate();
                let words = words.map(|(idx, word)| match (idx == *chosen, is_focused) {
                    (true, true) => Span::styled(format!("[{word}]"), theme.selection),
                    (true, false) => Span::styled(format!("[{word}]"), theme.text),
                    (false, _) => Span::styled(format!(" {word} "), theme.dim),
                });
                words.collect()
            }
            Entry::List(_) => Line::default(),
        }
    }
}

/// Returns a remark in words and its style.
fn remark(note: &Note, look: &Look) -> (String, Style) {
    match note {
        Note::Refused(reason) => (
            format!("{} {reason}", look.glyphs.failed),
            look.theme.danger,
        ),
        Note::Warned(text) => (format!("{} {text}", look.glyphs.warning), look.theme.warn),
    }
}

impl List {
    /// Draws the rows around the chosen one.
    fn render(&self, is_focused: bool, area: Rect, painter: &mut Painter<'_, '_>) {
        let page = usize::from(area.height).max(1);
        let offset = (self.place() + 1).saturating_sub(page);
        painter.placed.page = area.height;
        for (idx, place) in (offset..self.len()).zip(area.rows()) {
            if idx == self.rows.len() {
                self.render_typed(is_focused, place, painter);
                continue;
            }
            let base = self.style(idx, is_focused, painter.look);
            let line = self.row(idx, base, usize::from(place.width), painter.look);
            painter.draw(line, place);
        }
    }

    fn style(&self, idx: usize, is_focused: bool, look: &Look) -> Style {
        match (idx == self.place(), is_focused) {
            (true, true) => look.theme.selection,
            (true, false) => look.theme.selection_idle,
            (false, _) => look.theme.text,
        }
    }

    fn pointer(&self, idx: usize, look: &Look) -> String {
        let is_chosen = idx == self.place();
        let pointer = if is_chosen { look.glyphs.pointer } else { " " };
        format!("{pointer} ")
    }

    fn row(&self, idx: usize, base: Style, columns: usize, look: &Look) -> Line<'static> {
        let row = &self.rows[idx];
        let is_chosen = idx == self.place();
        let names = self.rows.iter().map(|row| text::width(&row.name));
        let name_columns = names.max().unwrap_or(0).clamp(8, 24);
        let (name, note) = match is_chosen {
            true => (base, base),
            false if row.is_dangerous => (look.theme.danger, look.theme.dim),
            false => (base, look.theme.dim),
        };
        let ellipsis = look.glyphs.ellipsis;
        let room = columns.saturating_sub(name_columns + 5);
        let said = text::fit(&row.note, room, ellipsis);
        Line::from(vec![
            Span::styled(self.pointer(idx, look), base),
            Span::styled(text::fit_padded(&row.name, name_columns, ellipsis), name),
            Span::styled(format!("  {said} "), note),
        ])
    }

    /// Draws the last row; a text that was typed stays in sight while another row is chosen.
    fn render_typed(&self, is_focused: bool, area: Rect, painter: &mut Painter<'_, '_>) {
        let (look, idx) = (painter.look, self.rows.len());
        let head = format!("{}{} ", self.pointer(idx, look), self.typed.title);
        let left = (cells(text::width(&head)) + GAP).min(area.width);
        let head = Line::styled(head, self.style(idx, is_focused, look));
        painter.draw(head, area);
        let place = Rect {
            x: area.x + left,
            width: area.width - left,
            ..area
        };
        if let Some(input) = self.input() {
            let input = input.widget(&look.theme, is_focused);
            painter.draw(&input, place);
            return;
        }
        let text = match self.typed_text() {
            "" => self.typed.hint,
            text => text,
        };
        let text = text::fit(text, usize::from(place.width), look.glyphs.ellipsis);
        let line = Line::styled(text, look.theme.dim);
        painter.draw(line, place);
    }
}
