//! The composer: the message being written, and its length on the wire.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    model::text::printable,
    ui::{
        Action,
        keys::{self, Scope},
        live::Session,
        text,
        view::Scene,
        widget::{self},
    },
};

/// Rows of text at most, however much was written.
const MAX_ROWS: usize = 8;

/// ```text
/// ╭ message ─────────────────────────────────────────────╮
/// │ {"action":"sendMessage","data":"hello"}▏              │
/// ╰ 39 B → 1 frame of 131,072 B ──────────────────────────╯
/// ```
pub(super) struct Compose<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) session: &'a Session,
    pub(super) is_focused: bool,
}

impl Compose<'_> {
    /// Returns the composer's rows, borders included: it grows with the text, up to a third of the screen.
    pub(super) fn height(&self, area: Rect) -> u16 {
        let columns = usize::from(area.width.saturating_sub(4)).max(1);
        let most = usize::from(area.height / 3)
            .saturating_sub(2)
            .clamp(1, MAX_ROWS);
        let mut rows = 0;
        for line in self.session.composer.area().lines() {
            // A line that fills its row exactly needs another one for the cursor.
            rows += text::width(line) / columns + 1;
            if rows >= most {
                break;
            }
        }
        widget::cells(rows.clamp(1, most)) + 2
    }

    pub(super) fn render(&self, area: Rect, frame: &mut Frame<'_>) {
        let theme = &self.scene.look.theme;
        let meter = self.session.composer.meter();
        let style = if meter.is_too_long() {
            theme.danger
        } else {
            theme.dim
        };
        let room = usize::from(area.width.saturating_sub(2));
        let words = format!(" {} ", meter.text(self.scene.look.glyphs.arrow));
        let words = text::fit(&words, room, self.scene.look.glyphs.ellipsis);
        let warning = self.warning();
        let has_room = text::width(&words) + warning.width() < room;
        let warning = Line::from(warning).right_aligned();
        let block = widget::panel(self.scene.look, "message", self.is_focused)
            .title_bottom(Line::styled(words, style).left_aligned());
        let block = if has_room {
            block.title_bottom(warning)
        } else {
            block.title_top(warning)
        };
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let inside = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        frame.render_widget(self.session.composer.area(), inside);
        clean(inside, frame);
        if self.session.composer.is_empty() {
            self.placeholder(inside, frame);
        }
    }

    fn placeholder(&self, area: Rect, frame: &mut Frame<'_>) {
        let words = if self.is_focused {
            format!(
                "Write a message; {} sends it",
                keys::named(Scope::Composer, Action::Submit)
            )
        } else {
            format!(
                "{} to write a message",
                keys::named(Scope::Live, Action::NextField)
            )
        };
        let offset = u16::from(self.is_focused);
        let place = Rect {
            x: area.x + offset,
            width: area.width.saturating_sub(offset),
            height: area.height.min(1),
            ..area
        };
        frame.render_widget(Span::styled(words, self.scene.look.theme.dim), place);
    }

    /// Returns the reason why Enter did not send, or would not; empty when there is none.
    fn warning(&self) -> Span<'static> {
        let theme = &self.scene.look.theme;
        let is_open = self.session.link.is_open();
        match self.session.composer.complaint() {
            Some(words) => Span::styled(format!(" {words} "), theme.danger),
            None if is_open => Span::default(),
            None => Span::styled(" not connected ", theme.warn),
        }
    }
}

/// Pasted text may hold what a terminal obeys or is confused by. The text area draws no controls, but it draws the
/// characters that turn the direction of text around.
fn clean(area: Rect, frame: &mut Frame<'_>) {
    let buffer = frame.buffer_mut();
    for position in area.positions() {
        let Some(cell) = buffer.cell_mut(position) else {
            continue;
        };
        if printable(cell.symbol()) != cell.symbol() {
            cell.set_symbol("?");
        }
    }
}
