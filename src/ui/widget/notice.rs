//! Notices at the lower right, above the footer, each in one or two lines.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{cells, text};
use crate::ui::{State, notice::Tone};

/// The notices that are shown now.
#[derive(Debug)]
pub struct NoticeStack<'a> {
    /// The notices, glyphs and styles.
    pub state: &'a State,
}

impl Widget for &NoticeStack<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let theme = &self.state.theme;
        let glyphs = &self.state.glyphs;
        let most = usize::from(area.width.saturating_sub(6)).min(76);
        let mut bottom = area.bottom();
        for notice in self.state.notices.shown().iter().rev() {
            let (mark, style) = match notice.tone {
                Tone::Info => (glyphs.dot, theme.key),
                Tone::Ok => (glyphs.ok, theme.ok),
                Tone::Warning => (glyphs.warning, theme.warn),
                Tone::Danger => (glyphs.failed, theme.danger),
            };
            let room = most.saturating_sub(text::width(mark) + 1);
            let mut lines = text::wrap(&notice.text, room);
            lines.truncate(3);
            let widest = lines
                .iter()
                .map(|line| text::width(line))
                .max()
                .unwrap_or(0);
            let width = cells(widest + text::width(mark) + 5).min(area.width);
            let height = cells(lines.len()) + 2;
            if bottom.saturating_sub(area.y) < height || width < 8 {
                return;
            }
            bottom -= height;
            let place = Rect::new(area.right() - width, bottom, width, height);
            Clear.render(place, buffer);
            let block = super::panel(self.state, "", false).border_style(style);
            let inner = block.inner(place);
            block.render(place, buffer);
            for (idx, line) in lines.into_iter().enumerate() {
                let head = if idx == 0 { mark } else { "" };
                let head = text::fit_padded(head, text::width(mark), "");
                let row = Rect {
                    y: inner.y + cells(idx),
                    height: 1,
                    ..inner
                };
                Line::from(vec![
                    Span::raw(" "),
                    Span::styled(head, style),
                    Span::raw(" "),
                    Span::styled(line, theme.text),
                ])
                .render(row, buffer);
            }
        }
    }
}
