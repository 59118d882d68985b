//! A one-line text field: the editing of the composer's text area, with Enter and Tab left to the dialog.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};
use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    model::text::printable,
    ui::{text, theme::Theme},
};

/// A line of text that is being typed.
#[derive(Debug, Clone)]
pub struct Input {
    /// Boxed, since a text area is large and lists carry one for their filter.
    area: Box<TextArea<'static>>,
}

impl Default for Input {
    fn default() -> Self {
        Self::new("")
    }
}

impl Input {
    /// Makes a field that holds this text, the cursor at its end.
    pub fn new(content: &str) -> Self {
        let mut area = TextArea::new(vec![one_line(content)]);
        area.move_cursor(CursorMove::End);
        Self {
            area: Box::new(area),
        }
    }

    /// Returns the text of the field.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// True when the field is empty.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Takes a key; false when a field has no use for it.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let area = &mut *self.area;
        match key.code {
            KeyCode::Char(c) if !control && !alt => area.insert_char(c),
            KeyCode::Backspace if alt || control => return area.delete_word() || true_key(),
            KeyCode::Backspace => return area.delete_char() || true_key(),
            KeyCode::Delete => return area.delete_next_char() || true_key(),
            KeyCode::Left if control || alt => area.move_cursor(CursorMove::WordBack),
            KeyCode::Right if control || alt => area.move_cursor(CursorMove::WordForward),
            KeyCode::Left => area.move_cursor(CursorMove::Back),
            KeyCode::Right => area.move_cursor(CursorMove::Forward),
            KeyCode::Home => area.move_cursor(CursorMove::Head),
            KeyCode::End => area.move_cursor(CursorMove::End),
            KeyCode::Char('a') if control => area.move_cursor(CursorMove::Head),
            KeyCode::Char('e') if control => area.move_cursor(CursorMove::End),
            KeyCode::Char('u') if control => return area.delete_line_by_head() || true_key(),
            KeyCode::Char('k') if control => return area.delete_line_by_end() || true_key(),
            KeyCode::Char('w') if control => return area.delete_word() || true_key(),
            _ => return false,
        }
        true
    }

    /// Takes pasted text; its line ends become spaces.
    pub fn paste(&mut self, pasted: &str) {
        self.area.insert_str(one_line(pasted));
    }

    /// Empties the field.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the field as a widget; only a field that has the keyboard shows its cursor.
    pub fn widget<'a>(&'a self, theme: &'a Theme, has_cursor: bool) -> InputWidget<'a> {
        InputWidget {
            input: self,
            theme,
            has_cursor,
        }
    }
}

/// Returns true: a key that changed nothing is still the field's, so Backspace does not leave the dialog.
const fn true_key() -> bool {
    true
}

fn one_line(content: &str) -> String {
    content
        .chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// A field, ready to draw in one row.
#[derive(Debug)]
pub struct InputWidget<'a> {
    input: &'a Input,
    theme: &'a Theme,
    has_cursor: bool,
}

impl InputWidget<'_> {
    /// Returns the field as a line of at most that many columns up to the cursor; the text after it may go beyond.
    pub fn line(&self, columns: usize) -> Line<'static> {
        let cursor = self.input.area.cursor().1;
        let (head, tail) = split_at_char(self.input.text(), cursor);
        let head = printable(head);
        let mut rest = tail.graphemes(true);
        let under = printable(rest.next().unwrap_or(" ")).into_owned();
        let after = printable(rest.as_str()).into_owned();
        // The cursor stays in view: what does not fit is cut off in front.
        let room = columns.saturating_sub(text::width(&under));
        let mut clusters: Vec<&str> = Vec::new();
        let mut used = 0;
        for cluster in head.graphemes(true).rev() {
            used += text::width(cluster);
            if used > room {
                break;
            }
            clusters.push(cluster);
        }
        let visible: String = clusters.into_iter().rev().collect();
        let at_cursor = if self.has_cursor {
            self.theme.cursor
        } else {
            Style::new()
        };
        Line::from(vec![
            Span::raw(visible),
            Span::styled(under, at_cursor),
            Span::raw(after),
        ])
        .style(self.theme.field)
    }
}

impl Widget for &InputWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if !area.is_empty() {
            self.line(usize::from(area.width)).render(area, buffer);
        }
    }
}

fn split_at_char(content: &str, chars: usize) -> (&str, &str) {
    let at = content
        .char_indices()
        .nth(chars)
        .map_or(content.len(), |(idx, _)| idx);
    content.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::ColourDepth;

    #[test]
    fn a_pasted_line_end_does_not_leave_the_line() {
        let mut input = Input::default();
        input.paste("one\ntwo\r\nthree");
        assert_eq!(input.text(), "one two  three");
    }

    #[test]
    fn the_cursor_stays_in_view_and_controls_are_written_out() {
        let mut input = Input::new("abcdef");
        input.paste("\u{1b}");
        let theme = Theme::new(ColourDepth::True);
        let area = Rect::new(0, 0, 8, 1);
        let mut buffer = Buffer::empty(area);
        (&input.widget(&theme, true)).render(area, &mut buffer);
        let row: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(row, "f\\u{1b} ");
    }

    #[test]
    fn backspace_in_an_empty_field_belongs_to_the_field() {
        let mut input = Input::default();
        assert!(input.key(KeyEvent::from(KeyCode::Backspace)));
        assert!(!input.key(KeyEvent::from(KeyCode::Enter)));
        assert!(!input.key(KeyEvent::from(KeyCode::Esc)));
    }
}
