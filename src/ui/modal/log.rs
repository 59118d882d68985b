//! The log: the notices so far, and failures in full. The newest entry comes first.

use jiff::tz::TimeZone;
use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::Scope,
    notice::{LogEntry, Tone},
    route::{Nav, Route},
    text,
    view::{Context, Painter, Scene, View},
    widget::{
        failure, indented, modal, panel,
        scroll::{self, Scroll},
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
                let placed = context.placed;
                self.scroll.act(action, placed.page, placed.side_length);
            }
        }
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let block = panel(scene.look, "Log", true);
        let body = indented(modal(block, area.as_size(), area, painter));
        let columns = usize::from(body.width).saturating_sub(1);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for entry in scene.data.notices.log().iter().rev() {
            lines.extend(entry_lines(entry, columns, scene));
        }
        if lines.is_empty() {
            lines.push(Line::styled("Nothing was said yet.", scene.look.theme.dim));
        }
        scroll::render(&lines, self.scroll, body, painter);
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

/// Returns an entry as lines, the first with the time.
fn entry_lines(entry: &LogEntry, columns: usize, scene: Scene<'_>) -> Vec<Line<'static>> {
    let theme = &scene.look.theme;
    body_lines(entry, columns.saturating_sub(11), scene)
        .into_iter()
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

fn body_lines(entry: &LogEntry, columns: usize, scene: Scene<'_>) -> Vec<Line<'static>> {
    if let Some(failure) = &entry.failure {
        return failure::lines(failure, columns, scene.look);
    }
    let theme = &scene.look.theme;
    let style = match entry.tone {
        Tone::Info => theme.text,
        Tone::Ok => theme.ok,
        Tone::Warning => theme.warn,
        Tone::Danger => theme.danger,
    };
    let lines = text::wrap(&entry.text, columns).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}
