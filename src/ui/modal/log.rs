//! The log: the notices so far, and failures in full. The newest entry comes first.

use jiff::tz::TimeZone;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::Scope,
    notice::{LogEntry, Tone},
    route::{Nav, Route},
    text,
    view::{Context, Placed, Scene, View},
    widget::{
        failure, modal_area, panel,
        scroll::{Scroll, ScrolledText},
    },
};

/// View state of the log.
#[derive(Debug, Default)]
pub struct LogModal {
    scroll: Scroll,
}

impl View for LogModal {
    fn route(&self) -> Route {
        Route::Log
    }

    fn scope(&self) -> Scope {
        Scope::Log
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return Nav::Back,
            Action::Copy => {
                let lines: Vec<String> = context.data.notices.log().iter().map(plain).collect();
                context.copy("the log", lines.join("\n"));
            }
            action => {
                let length = usize::from(u16::MAX);
                self.scroll.act(action, context.placed.page, length);
            }
        }
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let place = modal_area(area, area.as_size(), frame);
        let block = panel(scene.look, "Log", true);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        placed.page = body.height;
        let columns = usize::from(body.width).saturating_sub(1);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for entry in scene.data.notices.log().iter().rev() {
            lines.extend(entry_lines(entry, columns, scene));
        }
        if lines.is_empty() {
            lines.push(Line::styled("Nothing was said yet.", scene.look.theme.dim));
        }
        let text = ScrolledText {
            lines: &lines,
            scroll: self.scroll,
            look: scene.look,
        };
        frame.render_widget(&text, body);
        placed
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

fn entry_lines(entry: &LogEntry, columns: usize, scene: Scene<'_>) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    let room = columns.saturating_sub(11);
    let style = match entry.tone {
        Tone::Info => theme.text,
        Tone::Ok => theme.ok,
        Tone::Warning => theme.warn,
        Tone::Danger => theme.danger,
    };
    let body: Vec<Line<'static>> = match &entry.failure {
        Some(cause) => failure::lines(cause, room, scene.look),
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
