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
    Frame,
    layout::{Constraint, Layout, Rect, Size},
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::{self, Binding, Group, Scope},
    route::{Nav, Route},
    text,
    view::{Context, Placed, Scene, View},
    widget::{
        cells, modal_area, panel,
        scroll::{Scroll, ScrolledText},
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
        let length = lines_count(self.of);
        self.scroll.act(action, context.placed.page, length);
        Nav::Stay
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let lines = self.lines(scene);
        let width = area.width.min(64);
        let place = modal_area(area, Size::new(width, cells(lines.len()) + 2), frame);
        let title = format!("Keys {} {}", scene.look.glyphs.dot, self.of.title());
        let block = panel(scene.look, title, true);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        placed.page = body.height;
        let text = ScrolledText {
            lines: &lines,
            scroll: self.scroll,
            look: scene.look,
        };
        frame.render_widget(&text, body);
        placed
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
            for row in rows {
                let chords = text::fit_padded(&row.all_chords(&scene.look.glyphs), 14, "");
                lines.push(Line::from(vec![
                    Span::raw("  "),
                    Span::styled(chords, theme.key),
                    Span::styled(row.label, theme.text),
                ]));
            }
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

/// Returns an upper bound of the lines, to keep the scroll within.
fn lines_count(scope: Scope) -> usize {
    let groups = entries(scope);
    groups.iter().map(|(_, rows)| rows.len() + 2).sum::<usize>() + 2
}
