//! A failure of something that was asked for: what, why, and what to try.
//!
//! ```text
//! ╭ Cannot deploy "chat" to stage "prod" ───────────────╮
//! │ because  AWS refused update-stage: ConflictException │
//! │ because  the stage was moved meanwhile               │
//! │                                                      │
//! │ try      r reads the stages again                    │
//! ╰ y copy · Esc close ──────────────────────────────────╯
//! ```

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::{
    model::Failure,
    ui::{
        Action, State,
        geometry::Geometry,
        keys::Scope,
        screen::{Context, Nav, View},
        widget::{
            cells, modal_area, panel, safe,
            scroll::{Scroll, ScrolledText},
            text,
        },
    },
};

/// The failure, and how far its text is scrolled.
#[derive(Debug)]
pub struct FailureModal {
    failure: Failure,
    scroll: Scroll,
}

impl FailureModal {
    /// Shows this failure.
    pub fn new(failure: Failure) -> Self {
        Self {
            failure,
            scroll: Scroll::default(),
        }
    }
}

/// The failure as lines of at most `columns`: title, causes, hint.
pub fn lines(failure: &Failure, columns: usize, state: &State) -> Vec<Line<'static>> {
    let theme = &state.theme;
    let mut lines: Vec<Line<'static>> = text::wrap(&failure.title, columns)
        .into_iter()
        .map(|line| Line::styled(line, theme.danger))
        .collect();
    let room = columns.saturating_sub(9);
    for cause in &failure.causes {
        for (idx, line) in text::wrap(cause, room).into_iter().enumerate() {
            let head = if idx == 0 { "because  " } else { "         " };
            lines.push(Line::from(vec![
                Span::styled(head, theme.dim),
                Span::styled(line, theme.text),
            ]));
        }
    }
    if let Some(hint) = &failure.hint {
        lines.push(Line::default());
        for (idx, line) in text::wrap(hint, room).into_iter().enumerate() {
            let head = if idx == 0 { "try      " } else { "         " };
            lines.push(Line::from(vec![
                Span::styled(head, theme.key),
                Span::styled(line, theme.text),
            ]));
        }
    }
    lines
}

impl View for FailureModal {
    fn scope(&self) -> Scope {
        Scope::Failure
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => return Nav::Back,
            Action::Copy => context.copy("the failure", self.failure.to_string()),
            action => {
                self.scroll
                    .act(action, context.geometry.page, usize::from(u16::MAX));
            }
        }
        Nav::Stay
    }

    fn render(&self, state: &State, area: Rect, frame: &mut Frame<'_>, geometry: &mut Geometry) {
        let width = area.width.min(78);
        let columns = usize::from(width).saturating_sub(5);
        let lines = lines(&self.failure, columns, state);
        let place = modal_area(area, (width, cells(lines.len()) + 4), frame);
        let title = safe("That did not work", state.theme.danger);
        let block = panel(state, title, true).border_style(state.theme.danger);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [_, body, _] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(inner);
        let [_, body] =
            Layout::horizontal([Constraint::Length(1), Constraint::Fill(1)]).areas(body);
        geometry.page = body.height;
        let text = ScrolledText {
            lines: &lines,
            scroll: self.scroll,
            state,
        };
        frame.render_widget(&text, body);
    }
}
