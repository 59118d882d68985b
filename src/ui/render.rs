//! Drawing: header, body, footer; modals and notices above them. Changes nothing.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Paragraph,
};

use super::{
    State,
    geometry::{Geometry, SMALLEST},
    glyphs::SPINNER_MS,
    modal::Modal,
    update,
    widget::{footer::Footer, header::Header, notice::NoticeStack},
};

/// Draws the state, and tells where things went.
pub fn render(state: &State, frame: &mut Frame<'_>) -> Geometry {
    let area = frame.area();
    let mut geometry = Geometry {
        area,
        ..Geometry::default()
    };
    if geometry.is_too_small() {
        too_small(state, area, frame);
        return geometry;
    }
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(&Header { state }, head);
    state
        .screen()
        .view()
        .render(state, body, frame, &mut geometry);
    for modal in &state.modals {
        geometry.question = None;
        modal.view().render(state, body, frame, &mut geometry);
    }
    let scope = update::scope(state);
    frame.render_widget(&Footer { state, scope }, foot);
    let stack = NoticeStack {
        state,
        quiet_rows: &geometry.quiet_rows,
    };
    frame.render_widget(&stack, body);
    geometry
}

/// How long until the screen wants to know the time though nothing happens; none when nothing moves.
pub fn next_tick(state: &State) -> Option<Duration> {
    let spinner = is_busy(state)
        .then(|| Duration::from_millis(u64::try_from(SPINNER_MS).unwrap_or(u64::MAX)));
    let notices = state.notices.next_expiry(state.now);
    let live = state
        .live
        .as_ref()
        .and_then(|session| session.next_tick(state.now));
    let leaving = state.library.gives_up_in(state.now);
    let leaving = leaving.and_then(|left| Duration::try_from(left).ok());
    let settling = state.deploys.next_settling(state.now);
    let settling = settling.and_then(|left| Duration::try_from(left).ok());
    let views = state
        .modals
        .iter()
        .map(Modal::view)
        .chain([state.screen().view()])
        .filter_map(|view| view.next_tick(state));
    let others = [spinner, notices, live, settling, leaving];
    views.chain(others.into_iter().flatten()).min()
}

fn is_busy(state: &State) -> bool {
    state.library.is_loading() || state.deploys.running().next().is_some()
}

fn too_small(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let text = format!(
        "{}x{} is too small: stagewire needs {}x{}",
        area.width, area.height, SMALLEST.0, SMALLEST.1
    );
    let row = Rect {
        y: area.y + area.height / 2,
        height: area.height.min(1),
        ..area
    };
    let line = Line::styled(text, state.theme.text).centered();
    frame.render_widget(Paragraph::new(line), row);
}
