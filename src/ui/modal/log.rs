//! What was said so far: notices that are gone, and failures in full. The newest comes first.

use jiff::tz::TimeZone;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::failure;
use crate::ui::{
    Action, State,
    geometry::Geometry,
    keys::Scope,
    notice::{LogEntry, Tone},
    screen::{Context, Nav, View},
    widget::{
        modal_area, panel,
        scroll::{Scroll, ScrolledText},
        text,
    },
};

/// How far the log is scrolled.
#[derive(Debug, Default)]
pub struct LogModal {
    scroll: Scroll,
}

impl View for LogModal {
    fn scope(&self) -> Scope {
        Scope::Log
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return Nav::Back,
            Action::Copy => {
                let lines: Vec<String> = context.notices.log().iter().map(plain).collect();
                context.copy("the log", lines.join("\n"));
            }
            action => {
                let length = usize::from(u16::MAX);
                self.scroll.act(action, context.geometry.page, length);
            }
        }
        Nav::Stay
    }

    fn render(&self, state: &State, area: Rect, frame: &mut Frame<'_>, geometry: &mut Geometry) {
        let place = modal_area(area, (area.width, area.height), frame);
        let block = panel(state, "Log", true);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        geometry.page = body.height;
        let columns = usize::from(body.width).saturating_sub(1);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for entry in state.notices.log().iter().rev() {
            lines.extend(entry_lines(entry, columns, state));
        }
        if lines.is_empty() {
            lines.push(Line::styled("Nothing was said yet.", state.theme.dim));
        }
        let text = ScrolledText {
            lines: &lines,
            scroll: self.scroll,
            state,
        };
        frame.render_widget(&text, body);
    }
}

fn clock(entry: &LogEntry) -> String {
    entry
        .at
        .to_zoned(TimeZone::UTC)
        .strftime("%H:%M:%S")
        .to_string()
}

fn plain(entry: &LogEntry) -> String {
    let text = match &entry.failure {
        Some(failure) => failure.to_string(),
        None => entry.text.clone(),
    };
    format!("{}Z {text}", clock(entry))
}

fn entry_lines(entry: &LogEntry, columns: usize, state: &State) -> Vec<Line<'static>> {
    let theme = &state.theme;
    let room = columns.saturating_sub(11);
    let style = match entry.tone {
        Tone::Info => theme.text,
        Tone::Ok => theme.ok,
        Tone::Warning => theme.warn,
        Tone::Danger => theme.danger,
    };
    let body: Vec<Line<'static>> = match &entry.failure {
        Some(cause) => failure::lines(cause, room, state),
        None => text::wrap(&entry.text, room)
            .into_iter()
            .map(|line| Line::styled(line, style))
            .collect(),
    };
    body.into_iter()
        .enumerate()
        .map(|(idx, line)| {
            let head = if idx == 0 {
                format!("{}Z  ", clock(entry))
            } else {
                " ".repeat(11)
            };
            let mut spans = vec![Span::styled(head, theme.dim)];
            let style = line.style;
            spans.extend(line.spans.into_iter().map(|span| span.patch_style(style)));
            Line::from(spans)
        })
        .collect()
}
