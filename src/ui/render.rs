//! Drawing, which changes nothing: header, body, footer; modals and notices above them.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Paragraph,
};

use super::{
    State,
    glyphs::SPINNER_MS,
    route::Route,
    state::{Geometry, SMALLEST},
    view::{Crumb, Painter, Placed, Scene, View},
    widget::{footer::Footer, header::Header, notice::NoticeStack},
};

/// Draws the state, and returns the places of its views.
pub fn render(state: &State, frame: &mut Frame<'_>) -> Geometry {
    let area = frame.area();
    if Geometry::is_too_small(area) {
        too_small(state, area, frame);
        return Geometry {
            area,
            ..Geometry::default()
        };
    }
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    render_header(state, head, frame);
    let screen = placed(state.screen(), state.scene(None), body, frame);
    let mut modals = Vec::new();
    for (idx, modal) in state.modals.iter().enumerate() {
        modals.push(placed(&*modal.view, state.scene(Some(idx)), body, frame));
    }
    let footer = Footer {
        view: state.top(),
        scene: state.top_scene(),
    };
    frame.render_widget(&footer, foot);
    let stack = NoticeStack {
        notices: &state.data.notices,
        n_modals: modals.len(),
        look: &state.look,
        quiet_rows: &screen.quiet_rows,
    };
    frame.render_widget(&stack, body);
    Geometry {
        area,
        screen,
        modals,
    }
}

fn render_header(state: &State, area: Rect, frame: &mut Frame<'_>) {
    let header = Header {
        data: &state.data,
        look: &state.look,
        crumbs: &crumbs(state),
        has_modal: !state.modals.is_empty(),
        shown: match state.screen().route() {
            Route::Live(session) => Some(session),
            _ => None,
        },
    };
    frame.render_widget(&header, area);
}

/// Draws a view, and returns its places.
fn placed(view: &dyn View, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
    let mut painter = Painter::new(scene.look, frame);
    view.render(scene, area, &mut painter);
    painter.placed
}

/// Returns the breadcrumb: the target, its region, and the parts of the view on top that has any. The parts of a modal
/// take the place of those of the screen below it.
fn crumbs(state: &State) -> Vec<Crumb> {
    let library = &state.data.library;
    let of_screen = state.screen().target(state.scene(None));
    let in_force = state.data.target().or(library.wanted_target.as_ref());
    let target = of_screen.or(in_force);
    let region = target.and_then(|target| target.region());
    let label = target.map(|target| Crumb::plain(target.label()));
    let of_modals = state.modals.iter().enumerate().rev();
    let mut of_modals = of_modals.map(|(idx, modal)| modal.view.crumbs(state.scene(Some(idx))));
    let of_view = of_modals
        .find(|crumbs| !crumbs.is_empty())
        .unwrap_or_else(|| state.screen().crumbs(state.scene(None)));
    let of_target = label.into_iter().chain(region.map(Crumb::plain));
    of_target.chain(of_view).collect()
}

/// Returns the time until the screen wants to know the time though nothing happens; none when nothing moves.
pub fn next_tick(state: &State) -> Option<Duration> {
    let spinner = is_busy(state)
        .then(|| Duration::from_millis(u64::try_from(SPINNER_MS).unwrap_or(u64::MAX)));
    let notices = state.data.notices.next_expiry(state.look.now);
    let live = state.data.sessions.next_tick(state.look.now);
    let leaving = state.data.library.gives_up_in(state.look.now);
    let leaving = leaving.and_then(|left| Duration::try_from(left).ok());
    let settling = state.data.deploys.next_settling(state.look.now);
    let settling = settling.and_then(|left| Duration::try_from(left).ok());
    let modals = state.modals.iter().enumerate();
    let modals = modals.map(|(idx, modal)| modal.view.next_tick(state.scene(Some(idx))));
    let screen = state.screen().next_tick(state.scene(None));
    let views = modals.chain([screen]).flatten();
    let others = [spinner, notices, live, settling, leaving];
    views.chain(others.into_iter().flatten()).min()
}

fn is_busy(state: &State) -> bool {
    state.data.library.is_loading() || state.data.deploys.running().next().is_some()
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
    let line = Line::styled(text, state.look.theme.text).centered();
    frame.render_widget(Paragraph::new(line), row);
}
