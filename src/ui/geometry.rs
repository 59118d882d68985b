//! Where the last drawn frame put things: for page-up and page-down, and for what a
//! key may answer. The mouse is left to the terminal, whose own selection is what copies over ssh.

use ratatui::layout::Rect;

use crate::model::Ticket;

/// The smallest screen that shows anything but its own size, in columns and rows.
pub const SMALLEST: (u16, u16) = (60, 15);

/// What `render` chose. The loop stores it in the state; `update` reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Geometry {
    /// The whole screen.
    pub area: Rect,
    /// Rows of the list or text that has the keyboard; 0 before anything was drawn.
    pub page: u16,
    /// Columns of the list or text that has the keyboard.
    pub width: u16,
    /// Rows of a second pane beside or below it; 0 when there is none.
    pub side_page: u16,
    /// Lines of the text in that second pane, or of a text in place of the list.
    pub side_length: usize,
    /// Rows with nothing but a border at the right, where notices hide least; the best one first.
    pub quiet_rows: Vec<u16>,
    /// The question that was asked and that Enter answers; what was not on the screen cannot be answered.
    pub question: Option<Ticket>,
}

impl Geometry {
    /// True when the last frame had no room for more than a line about that; false before anything was drawn.
    pub fn is_too_small(&self) -> bool {
        !self.area.is_empty() && (self.area.width < SMALLEST.0 || self.area.height < SMALLEST.1)
    }
}
