//! The help: the keys of a scope, from the binding table, under headings.
//!
//! ```text
//! ╭ Keys · API, stages ──────────────────────────╮
//! │ Here                                          │
//! │   ↵          live                             │
//! │   c          copy callback URL                │
//! │                                               │
//! │ Deploy and watch                              │
//! │   d          deploy                           │
//! ╰───────────────────────────────────────────────╯
//! ```

use ratatui::{
    layout::{Rect, Size},
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::{self, Binding, Group, Scope},
    look::Look,
    route::{Nav, Route},
    text,
    view::{Context, Painter, Scene, View},
    widget::{
        cells, indented, modal, panel,
        scroll::{self, Scroll},
    },
};

/// The scope that the help tells of, and the scroll of its text.
#[derive(Debug)]
pub struct HelpModal {
    of: Scope,
    scroll: Scroll,
}

impl HelpModal {
    /// Lists the keys that work in this scope.
    pub fn new(of: Scope) -> Self {
        Self {
            of,
            scroll: Scroll::default(),
        }
    }
}

/// Returns the bindings of a scope as the help lists them: by group, each action once.
pub fn entries(scope: Scope) -> Vec<(Group, Vec<&'static Binding>)> {
    Group::ALL
        .iter()
        .map(|group| {
            let rows = keys::bindings(scope).filter(|row| row.group == *group);
            (*group, rows.collect())
        })
        .filter(|(_, rows): &(Group, Vec<_>)| !rows.is_empty())
        .collect()
}

impl View for HelpModal {
    fn route(&self) -> Route {
        Route::Help(self.of)
    }

    fn scope(&self) -> Scope {
        Scope::Help
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        if action == Action::Back {
            return Nav::Back;
        }
        let placed = context.placed;
        self.scroll.act(action, placed.page, placed.side_length);
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let lines = self.lines(scene);
        let size = Size::new(64, cells(lines.len()) + 2);
        let title = format!("Keys {} {}", scene.look.glyphs.dot, self.of.title());
        let inner = modal(panel(scene.look, title, true), size, area, painter);
        scroll::render(&lines, self.scroll, indented(inner), painter);
    }
}

impl HelpModal {
    fn lines(&self, scene: Scene<'_>) -> Vec<Line<'static>> {
        let theme = &scene.look.theme;
        let mut lines = Vec::new();
        for (group, rows) in entries(self.of) {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            lines.push(Line::styled(group.title(), theme.heading));
            lines.extend(rows.into_iter().map(|row| entry(row, scene.look)));
        }
        if let Some(path) = &scene.data.log_path {
            lines.push(Line::default());
            lines.push(Line::styled(
                text::fit(&format!("log file: {path}"), 60, scene.look.glyphs.ellipsis),
                theme.dim,
            ));
        }
        lines
    }
}

fn entry(row: &Binding, look: &Look) -> Line<'static> {
    let chords = text::fit_padded(&row.all_chords(&look.glyphs), 14, "");
    Line::from(vec![
        Span::raw("  "),
        Span::styled(chords, look.theme.key),
        Span::styled(row.label, look.theme.text),
    ])
}
