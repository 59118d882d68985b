//! A text longer than its place: its scroll, and the bar that shows the scroll.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Text},
    widgets::{Paragraph, Widget},
};

use crate::ui::{Action, look::Look, view::Painter};

/// The scroll of a text. Drawing clamps it to the text's length; acting clamps it to what was drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    /// Lines above the first one that is drawn.
    pub offset: usize,
}

impl Scroll {
    /// Moves as the action says; true when the action was about moving.
    pub fn act(&mut self, action: Action, page: u16, length: usize) -> bool {
        let page = usize::from(page).max(1);
        let most = length.saturating_sub(page);
        self.offset = match action {
            Action::Up => self.offset.min(most).saturating_sub(1),
            Action::Down => self.offset + 1,
            Action::PageUp => self.offset.min(most).saturating_sub(page),
            Action::PageDown => self.offset + page,
            Action::First => 0,
            Action::Last => most,
            _ => return false,
        }
        .min(most);
        true
    }
}

/// Lines in a place that may be too small for them, with a bar at the right edge when it is.
#[derive(Debug)]
pub struct ScrolledText<'a> {
    /// All lines.
    pub lines: &'a [Line<'a>],
    /// The scroll of the lines.
    pub scroll: Scroll,
    /// For the bar.
    pub look: &'a Look,
}

impl Widget for &ScrolledText<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let page = usize::from(area.height);
        let most = self.lines.len().saturating_sub(page);
        let offset = self.scroll.offset.min(most);
        let end = self.lines.len().min(offset + page);
        let visible: Vec<Line<'_>> = self.lines[offset..end].to_vec();
        Paragraph::new(Text::from(visible)).render(area, buffer);
        let bar = ScrollBar {
            offset,
            length: self.lines.len(),
            look: self.look,
        };
        (&bar).render(area, buffer);
    }
}

/// Draws a text that has the keyboard, and notes its place.
pub fn render(lines: &[Line<'_>], scroll: Scroll, area: Rect, painter: &mut Painter<'_, '_>) {
    painter.placed.page = area.height;
    draw(lines, scroll, area, painter);
}

/// Draws a text beside what has the keyboard, and notes its place.
pub fn render_beside(
    lines: &[Line<'_>],
    scroll: Scroll,
    area: Rect,
    painter: &mut Painter<'_, '_>,
) {
    painter.placed.side_page = area.height;
    draw(lines, scroll, area, painter);
}

fn draw(lines: &[Line<'_>], scroll: Scroll, area: Rect, painter: &mut Painter<'_, '_>) {
    painter.placed.side_length = lines.len();
    let look = painter.look;
    let text = ScrolledText {
        lines,
        scroll,
        look,
    };
    painter.draw(&text, area);
}

/// A bar in the last column of its place; nothing when all is visible.
#[derive(Debug)]
pub struct ScrollBar<'a> {
    /// Rows above the first one that is drawn.
    pub offset: usize,
    /// All rows.
    pub length: usize,
    /// For glyphs and styles.
    pub look: &'a Look,
}

impl Widget for &ScrollBar<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let page = usize::from(area.height);
        if page == 0 || area.width == 0 || self.length <= page {
            return;
        }
        let thumb = (page * page / self.length).max(1);
        let most = self.length - page;
        let start = self.offset.min(most) * (page - thumb) / most;
        for row in 0..area.height {
            let is_thumb = (start..start + thumb).contains(&usize::from(row));
            let (glyph, style) = if is_thumb {
                (self.look.glyphs.thumb, self.look.theme.border)
            } else {
                (self.look.glyphs.track, self.look.theme.border)
            };
            if let Some(cell) = buffer.cell_mut((area.right() - 1, area.y + row)) {
                cell.set_symbol(glyph).set_style(style);
            }
        }
    }
}
