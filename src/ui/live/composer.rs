//! The message that the person writes: a text of several lines, its length on the wire, and the messages sent before.

use crossterm::event::KeyEvent;
use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use crate::model::{Ticket, frame::split, limit::MESSAGE_BYTES, text::grouped};

/// Messages kept to be called back.
const HISTORY: usize = 500;

/// A message that is being written.
#[derive(Debug)]
pub struct Composer {
    area: TextArea<'static>,
    /// Messages sent, oldest first.
    history: Vec<String>,
    /// The message of the history that is in the text area.
    recalled: Option<usize>,
    /// The text that was in the text area before a message of the history was.
    draft: String,
    /// The request for the messages of earlier sessions, or for the editor, whose answer counts.
    loading: Option<Ticket>,
    editing: Option<Ticket>,
    /// The reason why the message was not sent, until the message is changed.
    complaint: Option<&'static str>,
}

/// The length of a message on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// In bytes.
    pub bytes: usize,
    /// In frames, when it is split as API Gateway takes it.
    pub n_frames: usize,
}

impl Default for Composer {
    fn default() -> Self {
        let mut composer = Self {
            area: TextArea::default(),
            history: Vec::new(),
            recalled: None,
            draft: String::new(),
            loading: None,
            editing: None,
            complaint: None,
        };
        composer.set_text("");
        composer
    }
}

impl Composer {
    /// Returns the text area, to draw it.
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// Returns the message as it would be sent.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Returns the text that was written and not sent, also while a message of the history is in its place; none when
    /// there is none.
    pub fn unsent(&self) -> Option<String> {
        let text = match self.recalled {
            Some(_) => self.draft.clone(),
            None => self.text(),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// Returns the length of the message.
    pub fn meter(&self) -> Meter {
        let lines = self.area.lines();
        let text: usize = lines.iter().map(String::len).sum();
        let bytes = text + lines.len().saturating_sub(1);
        Meter {
            bytes,
            n_frames: split(bytes).len(),
        }
    }

    /// Returns the reason why the message was not sent, until the message is changed.
    pub fn complaint(&self) -> Option<&'static str> {
        self.complaint
    }

    /// Notes why the message was not sent; the message stays as it is.
    pub fn complain(&mut self, why: &'static str) {
        self.complaint = Some(why);
    }

    /// Puts another text in place of what is there.
    fn set_text(&mut self, text: &str) {
        let lines = text.split('\n').map(str::to_owned).collect();
        let cursor = self.area.cursor_style();
        self.area = TextArea::new(lines);
        self.area.set_cursor_style(cursor);
        self.area.set_wrap_mode(WrapMode::WordOrGlyph);
        self.area.set_cursor_line_style(Style::new());
        self.area
            .set_selection_style(Style::new().add_modifier(Modifier::REVERSED));
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Shows or hides the cursor.
    pub fn set_cursor_visible(&mut self, is_visible: bool) {
        let style = if is_visible {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new()
        };
        self.area.set_cursor_style(style);
    }

    /// Takes a key that writes, erases or moves.
    pub fn key(&mut self, key: KeyEvent) {
        if self.area.input(key) {
            self.changed();
        }
    }

    /// Takes pasted text, line ends and all; nothing is sent.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(text);
        self.changed();
    }

    /// Starts a new line.
    pub fn newline(&mut self) {
        self.area.insert_newline();
        self.changed();
    }

    /// Moves one line up, or from the first line to the message sent before.
    pub fn up(&mut self) {
        let before = self.area.cursor();
        self.area.move_cursor(CursorMove::Up);
        if self.area.cursor() != before {
            return;
        }
        let previous = match self.recalled {
            None => self.history.len().checked_sub(1),
            Some(idx) => idx.checked_sub(1),
        };
        if let Some(idx) = previous {
            if self.recalled.is_none() {
                self.draft = self.text();
            }
            self.recall(idx);
        }
    }

    /// Moves one line down, or from the last line to the message sent after, and at last to what was being written.
    pub fn down(&mut self) {
        let before = self.area.cursor();
        self.area.move_cursor(CursorMove::Down);
        if self.area.cursor() != before {
            return;
        }
        let Some(idx) = self.recalled else {
            return;
        };
        if idx + 1 < self.history.len() {
            self.recall(idx + 1);
        } else {
            self.recalled = None;
            let draft = std::mem::take(&mut self.draft);
            self.set_text(&draft);
        }
    }

    /// Takes the message out to be sent, and remembers it.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.changed();
        self.draft.clear();
        if self.history.last() != Some(&text) {
            self.history.push(text.clone());
        }
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
        self.set_text("");
        text
    }

    /// Notes that the messages of earlier sessions were asked for.
    pub fn start_loading(&mut self, ticket: Ticket) {
        self.loading = Some(ticket);
    }

    /// Takes the messages of earlier sessions, oldest first; false when nobody waits for them here.
    pub fn finish_loading(&mut self, ticket: Ticket, earlier: Option<Vec<String>>) -> bool {
        if self.loading != Some(ticket) {
            return false;
        }
        self.loading = None;
        let mut earlier = earlier.unwrap_or_default();
        self.recalled = self.recalled.map(|idx| idx + earlier.len());
        earlier.append(&mut self.history);
        self.history = earlier;
        true
    }

    /// Notes that the editor was asked for.
    pub fn start_editing(&mut self, ticket: Ticket) {
        self.editing = Some(ticket);
    }

    /// Takes what the editor left, without the line end that editors add; false when nobody waits for it here.
    pub fn finish_editing(&mut self, ticket: Ticket, text: Option<String>) -> bool {
        if self.editing != Some(ticket) {
            return false;
        }
        self.editing = None;
        if let Some(text) = text {
            self.set_text(text.strip_suffix('\n').unwrap_or(&text));
            self.changed();
        }
        true
    }

    fn changed(&mut self) {
        self.recalled = None;
        self.complaint = None;
    }

    fn recall(&mut self, idx: usize) {
        self.changed();
        self.recalled = Some(idx);
        let text = self.history[idx].clone();
        self.set_text(&text);
    }
}

impl Meter {
    /// True when API Gateway would not take the message, however it is split.
    pub fn is_too_long(self) -> bool {
        self.bytes > MESSAGE_BYTES
    }

    /// Returns the length in words, with the arrow of the terminal's character set.
    pub fn text(self, arrow: &str) -> String {
        let bytes = grouped(self.bytes as u64);
        let limit = grouped(MESSAGE_BYTES as u64);
        if self.is_too_long() {
            let over = grouped((self.bytes - MESSAGE_BYTES) as u64);
            return format!("{bytes} B is {over} B over the {limit} B of a message");
        }
        let frames = if self.n_frames == 1 {
            "frame"
        } else {
            "frames"
        };
        format!("{bytes} B {arrow} {} {frames} of {limit} B", self.n_frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composer(text: &str) -> Composer {
        let mut composer = Composer::default();
        composer.paste(text);
        composer
    }

    #[track_caller]
    fn check_meter(length: usize, text: &str) {
        assert_eq!(composer(&"x".repeat(length)).meter().text("→"), text);
    }

    #[test]
    fn meter_counts_bytes_and_frames_at_the_limits() {
        check_meter(0, "0 B → 1 frame of 131,072 B");
        check_meter(32_768, "32,768 B → 1 frame of 131,072 B");
        check_meter(32_769, "32,769 B → 2 frames of 131,072 B");
        check_meter(131_072, "131,072 B → 4 frames of 131,072 B");
        check_meter(131_073, "131,073 B is 1 B over the 131,072 B of a message");
    }

    #[test]
    fn meter_counts_line_ends_and_bytes_rather_than_characters() {
        assert_eq!(composer("é\n日").meter().bytes, 6);
        assert_eq!(composer("é\n日").text(), "é\n日");
    }

    #[test]
    fn history_goes_back_and_returns_to_what_was_being_written() {
        let mut composer = composer("one");
        assert_eq!(composer.take(), "one");
        composer.paste("two\nlines");
        assert_eq!(composer.take(), "two\nlines");
        composer.paste("draft");
        composer.up();
        assert_eq!(composer.text(), "two\nlines");
        composer.up();
        assert_eq!(composer.text(), "two\nlines", "the first line comes first");
        composer.up();
        assert_eq!(composer.text(), "one");
        composer.up();
        assert_eq!(composer.text(), "one");
        composer.down();
        composer.down();
        assert_eq!(composer.text(), "draft");
    }

    #[test]
    fn earlier_messages_come_before_those_of_this_session() {
        let mut composer = composer("new");
        composer.take();
        composer.start_loading(Ticket(7));
        assert!(!composer.finish_loading(Ticket(6), Some(vec!["late".to_owned()])));
        assert!(composer.finish_loading(Ticket(7), Some(vec!["old".to_owned()])));
        composer.up();
        composer.up();
        assert_eq!(composer.text(), "old");
    }

    #[test]
    fn editor_that_failed_leaves_the_text() {
        let mut composer = composer("kept");
        composer.start_editing(Ticket(1));
        assert!(composer.finish_editing(Ticket(1), None));
        assert_eq!(composer.text(), "kept");
        composer.start_editing(Ticket(2));
        assert!(composer.finish_editing(Ticket(2), Some("new\n".to_owned())));
        assert_eq!(composer.text(), "new");
    }
}
