//! Names and values, one below the other, the values aligned and wrapped.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::ui::{look::Look, text};

/// Lines of names and values.
#[derive(Debug)]
pub struct Fields<'a> {
    look: &'a Look,
    columns: usize,
    name_columns: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Fields<'a> {
    /// Starts without lines, for a place of that many columns.
    pub fn new(look: &'a Look, columns: usize) -> Self {
        Self {
            look,
            columns,
            name_columns: 14,
            lines: Vec::new(),
        }
    }

    /// Adds a name and its value; an absent value is shown as a dash.
    pub fn field(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.styled(name, value, self.look.theme.text),
            None => self.styled(name, self.look.glyphs.dash, self.look.theme.dim),
        }
    }

    /// Adds a name and its value; nothing where there is none.
    pub fn if_set(&mut self, name: &str, value: Option<&str>) {
        if value.is_some() {
            self.field(name, value);
        }
    }

    /// Adds a name and its value in a style.
    pub fn styled(&mut self, name: &str, value: &str, style: Style) {
        let room = self.columns.saturating_sub(self.name_columns).max(8);
        for (idx, line) in text::wrap(value, room).into_iter().enumerate() {
            let head = if idx == 0 { name } else { "" };
            let head = text::fit(head, self.name_columns, " ");
            // Where a heading is underlined, the space behind it is not.
            let space = " ".repeat(self.name_columns.saturating_sub(text::width(&head)));
            self.lines.push(Line::from(vec![
                Span::styled(head, self.look.theme.heading),
                Span::raw(space),
                Span::styled(line, style),
            ]));
        }
    }

    /// Adds a line below the value of the last name.
    pub fn below(&mut self, value: &str, style: Style) {
        let room = self.columns.saturating_sub(2).max(8);
        for (idx, line) in text::wrap(value, room.saturating_sub(2))
            .into_iter()
            .enumerate()
        {
            let indent = if idx == 0 { "  " } else { "    " };
            self.lines.push(Line::from(vec![
                Span::raw(indent),
                Span::styled(line, style),
            ]));
        }
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    /// Returns all lines.
    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }
}
