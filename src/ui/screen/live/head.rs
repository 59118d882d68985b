//! The line above the frames: the link's state, the limit that ends it, the traffic that crossed it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::words;
use crate::{
    model::Signing,
    ui::{
        live::{
            LiveLink, Phase, Session,
            link::{Limit, Traffic, age_text, countdown_text},
        },
        text,
        view::Scene,
    },
};

/// One row: `● open 2 min · idle closes in 10 min        in 214 fr 1.2 MB · out 12 fr 41 kB`.
pub(super) struct Head<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) session: &'a Session,
}

impl Widget for &Head<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(area.width.saturating_sub(2));
        let link = &self.session.link;
        let mut left = self.condition(link);
        let right = self.counts(link, columns.saturating_sub(left.width() + 2));
        let right_width = right.width();
        let room = columns.saturating_sub(left.width() + right_width + 8);
        if room >= 16 {
            let dot = format!("  {}  ", self.scene.look.glyphs.dot);
            left.push_span(Span::styled(dot, self.scene.look.theme.dim));
            let url = short_url(&self.session.url, room, self.scene.look.glyphs.ellipsis);
            left.push_span(Span::styled(url, self.scene.look.theme.link));
        }
        let left_area = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        left.render(left_area, buffer);
        right.right_aligned().render(left_area, buffer);
    }
}

impl Head<'_> {
    /// Returns the state of the link, and the limit that will end it.
    fn condition(&self, link: &LiveLink) -> Line<'static> {
        let (theme, glyphs) = (&self.scene.look.theme, &self.scene.look.glyphs);
        let (mark, style, words) = self.phase(link);
        let mut line = Line::from(vec![
            Span::styled(mark, style),
            Span::raw(" "),
            Span::styled(words, style),
        ]);
        if link.is_alive() && link.signing == Signing::Signed {
            line.push_span(Span::styled(format!(" {} signed", glyphs.dot), theme.dim));
        }
        let (api, stage) = (&self.session.api.id, &self.session.stage);
        let settling = self.scene.settling_text(api, stage);
        if !settling.is_empty() && link.retry.is_none() {
            line.push_span(Span::styled(settling, theme.warn));
        } else if let Some((words, style)) = self.limit(link) {
            line.push_span(Span::styled(format!(" {} ", glyphs.dot), theme.dim));
            line.push_span(Span::styled(words, style));
        }
        line
    }

    /// Returns the phase of the link: mark and words in one style.
    fn phase(&self, link: &LiveLink) -> (&'static str, Style, String) {
        let (theme, glyphs) = (&self.scene.look.theme, &self.scene.look.glyphs);
        match &link.phase {
            Phase::Connecting { since } => {
                let seconds = self.scene.look.now.duration_since(*since).as_secs();
                let words = match seconds {
                    ..=1 => "connecting".to_owned(),
                    seconds => format!("connecting for {seconds} s"),
                };
                (glyphs.pending, theme.busy, words)
            }
            Phase::Open(opened) => {
                let age = age_text(self.scene.look.now.duration_since(opened.at));
                let words = match age {
                    Some(age) => format!("open {age}"),
                    None => "open".to_owned(),
                };
                // One word, for it may need no answer: the system finds out by itself whether the peer is gone.
                match link.unanswered_since(self.scene.look.now) {
                    Some(_) => (glyphs.live, theme.warn, format!("{words}, unanswered")),
                    None => (glyphs.live, theme.ok, words),
                }
            }
            Phase::Refused(refusal) => {
                let words = format!("refused {}", refusal.status);
                (glyphs.ended, theme.danger, words)
            }
            Phase::Failed(_) => (glyphs.ended, theme.danger, "not connected".to_owned()),
            Phase::Closed(closed) => {
                let words = format!(
                    "closed {} at {} UTC",
                    closed.code,
                    words::short_time(closed.at)
                );
                (glyphs.ended, theme.warn, words)
            }
        }
    }

    /// Returns the countdown to the reconnect or to the end of the connection, which changes as seldom as it can.
    fn limit(&self, link: &LiveLink) -> Option<(String, Style)> {
        let (now, theme) = (self.scene.look.now, &self.scene.look.theme);
        if let Some(retry) = link.retry {
            let when = countdown_text(retry.at.duration_since(now));
            return Some((format!("reconnecting {when}"), theme.warn));
        }
        let (at, limit) = link.ends_at()?;
        // A frame may be a moment younger than the time that the screen knows.
        let most = link.limits.known().map(|limits| limits.idle)?;
        let left = at.duration_since(now).min(most);
        let style = if left.as_secs() <= 60 {
            theme.warn
        } else {
            theme.dim
        };
        let what = match limit {
            Limit::Idle => "idle closes",
            Limit::Lifetime => "2 h limit closes",
        };
        Some((format!("{what} {}", countdown_text(left)), style))
    }

    /// Returns the traffic in at most that many columns: without the bytes where only the frames have room.
    fn counts(&self, link: &LiveLink, columns: usize) -> Line<'static> {
        let full =
            |traffic: Traffic| format!("{} fr {}", traffic.frames, words::bytes(traffic.bytes));
        let short = |traffic: Traffic| format!("{} fr", traffic.frames);
        let lines = [self.counted(link, full), self.counted(link, short)];
        let fitting = lines.into_iter().find(|line| line.width() <= columns);
        fitting.unwrap_or_default()
    }

    fn counted(&self, link: &LiveLink, words: impl Fn(Traffic) -> String) -> Line<'static> {
        let theme = &self.scene.look.theme;
        Line::from(vec![
            Span::styled("in", theme.frame_in),
            Span::styled(format!(" {}", words(link.incoming)), theme.text),
            Span::styled(format!(" {} ", self.scene.look.glyphs.dot), theme.dim),
            Span::styled("out", theme.frame_out),
            Span::styled(format!(" {}", words(link.outgoing)), theme.text),
        ])
    }
}

/// Returns the URL in at most that many columns: the host is cut, not the stage at the end.
fn short_url(url: &str, columns: usize, ellipsis: &str) -> String {
    let (host, stage) = url.split_at(url.rfind('/').unwrap_or(url.len()));
    let room = columns.saturating_sub(text::width(stage));
    // Of a host, less than this tells nothing.
    if room < 10 {
        return text::fit(url, columns, ellipsis);
    }
    let host = text::fit(host, room, ellipsis);
    text::fit(&format!("{host}{stage}"), columns, ellipsis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_loses_the_end_of_its_host_not_its_stage() {
        let url = "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com/prod";
        assert_eq!(short_url(url, 80, "…"), url);
        assert_eq!(short_url(url, 24, "…"), "wss://k3v9x2a1bc.e…/prod");
        assert_eq!(short_url(url, 12, "…"), "wss://k3v9x…");
    }
}
