//! Notices: a line each at the right, where they hide least. On a screen, notices stand upwards from the lower border,
//! on the rows that the screen calls quiet first. Below a modal's hints nothing is free: above a modal, notices stand
//! downwards from the upper border.
//!
//! ```text
//! │ {"action":"sendMessage","data":"hello"}                        │
//! ╰ 39 B → 1 frame ──────────── ✓ prod: la33f4 → w5zezk · u undo ──╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::cells;
use crate::ui::{
    look::Look,
    notice::{Notice, Notices, Tone},
    text,
};

/// The notices that are shown now.
#[derive(Debug)]
pub struct NoticeStack<'a> {
    /// The notices.
    pub notices: &'a Notices,
    /// Modals that are open.
    pub n_modals: usize,
    /// Glyphs and styles.
    pub look: &'a Look,
    /// Rows that the screen can spare, the best one first.
    pub quiet_rows: &'a [u16],
}

impl Widget for &NoticeStack<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let rows = self.rows(area);
        let notices = self.notices.shown_above(self.n_modals).rev();
        for (notice, y) in notices.zip(rows) {
            let line = self.line(notice, usize::from(area.width.saturating_sub(6)));
            let width = cells(line.width()).min(area.width);
            let place = Rect {
                x: area.right().saturating_sub(width + 2).max(area.x),
                y,
                width,
                height: 1,
            };
            Clear.render(place, buffer);
            line.render(place, buffer);
        }
    }
}

impl NoticeStack<'_> {
    /// Returns the rows of the notices, that of the newest first.
    fn rows(&self, area: Rect) -> Vec<u16> {
        if self.n_modals > 0 {
            return (area.y..area.bottom()).collect();
        }
        let quiet = self.quiet_rows.iter().copied();
        let upwards = (area.y..area.bottom()).rev();
        let is_other = |y: &u16| !self.quiet_rows.contains(y);
        quiet.chain(upwards.filter(is_other)).collect()
    }

    fn line(&self, notice: &Notice, columns: usize) -> Line<'static> {
        let theme = &self.look.theme;
        let glyphs = &self.look.glyphs;
        let (mark, style) = match notice.tone {
            Tone::Info => (glyphs.dot, theme.key),
            Tone::Ok => (glyphs.ok, theme.ok),
            Tone::Warning => (glyphs.warning, theme.warn),
            Tone::Danger => (glyphs.failed, theme.danger),
        };
        let room = columns.saturating_sub(text::width(mark) + 3);
        let said = text::fit(&notice.text, room, glyphs.ellipsis);
        let words = match notice.tone {
            Tone::Info | Tone::Ok => theme.title,
            Tone::Warning | Tone::Danger => style,
        };
        Line::from(vec![
            Span::styled(format!(" {mark} "), style),
            Span::styled(said, words),
            Span::raw(" "),
        ])
    }
}
