//! The end of a link: the event, its reason and the ways on; for a refused handshake, its headers and body too.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{Focus, LiveScreen};
use crate::{
    model::{
        Signing,
        explain::{self, Lack},
    },
    ui::{
        Action,
        keys::{self, Scope},
        live::{LiveLink, Phase, Session},
        text,
        view::{Painter, Scene},
        widget::{self, scroll},
    },
};

/// Rows of the explanation between frames and composer.
const BANNER_ROWS: usize = 3;

pub(super) struct End<'a> {
    pub(super) scene: Scene<'a>,
    /// The scope that holds, for the keys to be named.
    pub(super) scope: Scope,
    pub(super) session: &'a Session,
}

impl End<'_> {
    /// Returns the rows of the banner; none while the link lives.
    pub(super) fn height(&self, columns: u16) -> u16 {
        widget::cells(self.banner(columns).len())
    }

    pub(super) fn render_banner(&self, area: Rect, painter: &mut Painter<'_, '_>) {
        let place = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        for (row, line) in place.rows().zip(self.banner(area.width)) {
            painter.draw(line, row);
        }
    }

    /// Draws the end in place of the frames, with headers and body of a refusal.
    pub(super) fn render_page(
        &self,
        screen: &LiveScreen,
        area: Rect,
        painter: &mut Painter<'_, '_>,
    ) {
        let is_focused = screen.focus == Focus::Frames;
        let panel = widget::panel(painter.look, "no connection", is_focused);
        let inner = painter.enclose(panel, area);
        let place = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        };
        let lines = self.page(usize::from(place.width.saturating_sub(2)));
        scroll::render(&lines, screen.scroll, place, painter);
    }

    fn banner(&self, columns: u16) -> Vec<Line<'static>> {
        let Some((link, explanation)) = self.ended() else {
            return Vec::new();
        };
        let columns = usize::from(columns.saturating_sub(2));
        let mut lines = vec![self.title(link, explanation.title)];
        let words = text::wrap(&explanation.text, columns);
        let rest = words.into_iter().take(BANNER_ROWS);
        lines.extend(rest.map(|row| Line::styled(row, self.scene.look.theme.text)));
        lines
    }

    fn page(&self, columns: usize) -> Vec<Line<'static>> {
        let theme = &self.scene.look.theme;
        let Some((link, explanation)) = self.ended() else {
            return Vec::new();
        };
        let mut lines = vec![Line::default(), self.title(link, explanation.title)];
        let words = text::wrap(&explanation.text, columns);
        lines.extend(words.into_iter().map(|row| Line::styled(row, theme.text)));
        lines.push(Line::default());
        lines.push(widget::safe(&self.session.url, theme.link).into());
        let Phase::Refused(refusal) = &link.phase else {
            return lines;
        };
        lines.push(Line::default());
        lines.push(Line::styled("The answer, headers and body", theme.heading));
        for line in explain::refusal_lines(refusal) {
            let rows = text::wrap(&line, columns);
            lines.extend(rows.into_iter().map(|row| Line::styled(row, theme.dim)));
        }
        lines
    }

    fn ended(&self) -> Option<(&LiveLink, explain::Explanation)> {
        let link = &self.session.link;
        let detail = self.scene.data.detail_of(self.session);
        Some((link, self.session.explanation(detail)?))
    }

    /// Returns the event that ended the link, and the keys that go on from there.
    fn title(&self, link: &LiveLink, words: String) -> Line<'static> {
        let (theme, glyphs) = (&self.scene.look.theme, &self.scene.look.glyphs);
        let (mark, style) = match &link.phase {
            Phase::Closed(closed) if closed.by_us || closed.code == 1000 => (glyphs.ok, theme.ok),
            Phase::Closed(_) => (glyphs.warning, theme.warn),
            _ => (glyphs.failed, theme.danger),
        };
        let mut line = Line::from(vec![
            Span::styled(mark, style),
            Span::raw(" "),
            Span::styled(words, style),
            Span::raw("   "),
        ]);
        if link.retry.is_some() {
            let attempt = link.retry.map_or(0, |retry| retry.attempt);
            line.push_span(Span::styled(format!("attempt {attempt}   "), theme.dim));
        }
        let detail = self.scene.data.detail_of(self.session);
        let is_signed_next = self.session.signing(detail) == Signing::Signed;
        match &link.phase {
            Phase::Refused(_) if self.session.lack(detail) == Some(Lack::Signature) => {
                if is_signed_next {
                    self.hint(Action::Reconnect, "reconnect signed", &mut line);
                } else {
                    self.hint(Action::Reconnect, "reconnect now", &mut line);
                    self.hint(Action::Sign, "signed", &mut line);
                }
            }
            _ => self.hint(Action::Reconnect, "reconnect now", &mut line),
        }
        if link.retry.is_some() {
            self.hint(Action::Hangup, "stop", &mut line);
        }
        line
    }

    fn hint(&self, action: Action, words: &str, line: &mut Line<'static>) {
        let Some(binding) = keys::binding_of(self.scope, action) else {
            return;
        };
        let theme = &self.scene.look.theme;
        let chord = binding.chord_for(self.scope, &self.scene.look.glyphs);
        line.push_span(Span::styled(chord, theme.key));
        line.push_span(Span::styled(format!(" {words}   "), theme.dim));
    }
}
