//! The Live screen: the frames of a stage as they cross, their payloads, and the message to send next.
//!
//! The screen owns the view of a session: the focus, the selected row, the scroll. The link, the frames and the message
//! being written are the [`Session`]'s, and outlive the screen.

mod act;
mod compose;
mod end;
mod frames;
mod head;
mod inspector;
mod json;
mod words;

use crossterm::event::KeyEvent;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::{
    model::{LinkId, SessionId, Target},
    ui::{
        Action,
        keys::{self, Scope},
        live::{FrameView, Phase, Query, Session, log::FrameLog},
        route::{Nav, Route},
        view::{Context, Crumb, Handled, Painter, Scene, View},
        widget::{input::Input, scroll::Scroll},
    },
};

/// Columns from which the inspector stands beside the frames.
const WIDE: u16 = 110;

/// A session, live: view state only, the link and the frames are in the [`Session`].
///
/// ```text
///  ● open 2 min · idle closes in 10 min                       in 214 fr 1.2 MB · out 12 fr 41 kB
/// ╭ frames ────────────────────────────────────────────╮╭ #31 · text · 2 frames ──────────────╮
/// │   TIME UTC      OP        BYTES  PART  PREVIEW      ││ {                                    │
/// │ ▸ 12:04:31.140  ← text    32768  1/4   {"from":"bo… ││   "from": "bob"                      │
/// ╰ following · 226 frames · 0 dropped ────────────────╯╰ JSON · text · hex ───────────────────╯
/// ╭ message ────────────────────────────────────────────────────────────────────────────────────╮
/// │ {"action":"sendMessage","data":"hello"}▏                                                     │
/// ╰ 39 B → 1 frame of 131,072 B ─────────────────────────────────────────────────────────────────╯
/// ```
#[derive(Debug)]
pub struct LiveScreen {
    session: SessionId,
    /// The part of the screen that has the keyboard.
    focus: Focus,
    /// The place in the frames.
    view: FrameView,
    /// The scroll of the inspector, or of the text in place of the frames.
    scroll: Scroll,
    /// The filter line.
    filter: Input,
    /// True when the frames are wanted although the last handshake was refused.
    is_past_end: bool,
    /// The refused link for whose explanation the API was read anew.
    looked_into: Option<LinkId>,
}

/// The part of the screen that has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Composer,
    Frames,
    Filter,
    Inspector,
}

impl LiveScreen {
    /// Opens the screen on a session, to write a message; none when there is no such session.
    pub fn open(id: SessionId, context: &Context<'_>) -> Option<Self> {
        let session = context.data.sessions.get(id)?;
        let typed = session.log.query().map(Query::typed).unwrap_or_default();
        Some(Self {
            session: id,
            focus: Focus::Composer,
            view: session.view,
            scroll: Scroll::default(),
            filter: Input::new(&typed),
            is_past_end: false,
            looked_into: None,
        })
    }

    /// Opens it to look at the frames.
    pub fn open_frames(id: SessionId, context: &Context<'_>) -> Option<Self> {
        let screen = Self::open(id, context)?;
        Some(Self {
            focus: Focus::Frames,
            ..screen
        })
    }

    fn is_paused(&self) -> bool {
        self.view.cursor.is_some()
    }

    /// Returns the number of rows that came since the view was paused; none while it follows.
    fn n_new(&self, log: &FrameLog) -> Option<u64> {
        self.view.cursor?;
        Some((log.n_rows() - log.position(self.view.paused_at)) as u64)
    }

    /// Returns the first visible row and the selected one, when `height` rows are visible.
    fn window(&self, log: &FrameLog, height: usize) -> (usize, usize) {
        let n_rows = log.n_rows();
        let height = height.max(1);
        let most = n_rows.saturating_sub(height);
        let last = n_rows.saturating_sub(1);
        let Some(cursor) = self.view.cursor else {
            return (most, last);
        };
        let selected = log.position(cursor).min(last);
        let first = log.position(self.view.top).min(most);
        let lowest = (selected + 1).saturating_sub(height);
        (first.clamp(lowest, selected), selected)
    }

    /// Returns the frame of the selected row.
    fn selected(&self, log: &FrameLog) -> Option<u64> {
        log.row(self.window(log, 1).1)
    }

    /// True when the end of the link is shown in place of the frames: there are none, or a refusal says more than they.
    fn shows_end(&self, session: &Session) -> bool {
        let is_empty = session.log.is_empty();
        match session.link.phase {
            Phase::Refused(_) => is_empty || !self.is_past_end,
            Phase::Failed(_) | Phase::Closed(_) => is_empty,
            Phase::Connecting { .. } | Phase::Open(_) => false,
        }
    }
}

impl View for LiveScreen {
    fn route(&self) -> Route {
        Route::Live(self.session)
    }

    fn target<'a>(&self, scene: Scene<'a>) -> Option<&'a Target> {
        let session = scene.data.sessions.get(self.session)?;
        let is_elsewhere = scene.data.is_elsewhere(session);
        is_elsewhere.then_some(&session.target)
    }

    fn scope(&self) -> Scope {
        match self.focus {
            Focus::Composer => Scope::Composer,
            Focus::Frames => Scope::Live,
            Focus::Filter => Scope::FilterLine,
            Focus::Inspector => Scope::Inspector,
        }
    }

    fn crumbs(&self, scene: Scene<'_>) -> Vec<Crumb> {
        let Some(session) = scene.data.sessions.get(self.session) else {
            return Vec::new();
        };
        vec![
            Crumb::plain(session.api.name.clone()),
            Crumb::stage(&session.stage, scene.look),
            Crumb::plain("live"),
        ]
    }

    fn key(&mut self, key: KeyEvent, context: &mut Context<'_>) -> Handled {
        if keys::lookup(self.scope(), key).is_some() {
            return Handled::No;
        }
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Handled::No;
        };
        match self.focus {
            Focus::Composer => session.composer.key(key),
            Focus::Filter if self.filter.key(key) => self.search(session),
            Focus::Filter | Focus::Frames | Focus::Inspector => return Handled::No,
        }
        Handled::Yes(Nav::Stay)
    }

    fn paste(&mut self, text: &str, context: &mut Context<'_>) -> Handled {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Handled::No;
        };
        if self.focus == Focus::Filter {
            self.filter.paste(text);
            self.search(session);
            return Handled::Yes(Nav::Stay);
        }
        // Pasted text can only be meant for the composer, wherever the keyboard is.
        session.composer.paste(text);
        self.focus = Focus::Composer;
        Handled::Yes(Nav::Stay)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match self.focus {
            Focus::Composer => self.act_in_composer(action, context),
            Focus::Frames => self.act_in_frames(action, context),
            Focus::Filter => self.act_in_filter(action, context),
            Focus::Inspector => self.act_in_inspector(action, context),
        }
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let session = scene.data.sessions.get(self.session)?;
        act::refusal(action, session, scene)
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return;
        };
        // Neither a filter line nor an inspector is there when the end of the link stands in place of the frames.
        let is_hidden = matches!(self.focus, Focus::Filter | Focus::Inspector);
        if is_hidden && self.shows_end(session) {
            self.focus = Focus::Frames;
        }
        session.view = self.view;
        let is_writing = self.focus == Focus::Composer;
        session.composer.set_cursor_visible(is_writing);
        let api = session.api.id.clone();
        let refused = matches!(session.link.phase, Phase::Refused(_)).then_some(session.link.id);
        let session = context.data.sessions.get(self.session);
        if session.is_some_and(|session| context.data.is_elsewhere(session)) {
            return;
        }
        context.data.library.go_on_with_draft(&api);
        if refused.is_some() && refused != self.looked_into {
            self.looked_into = refused;
            self.look_into(context);
        }
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let Some(session) = scene.data.sessions.get(self.session) else {
            return;
        };
        let composer = compose::Compose {
            scene,
            session,
            is_focused: self.focus == Focus::Composer,
        };
        let end = end::End {
            scene,
            session,
            scope: self.scope(),
        };
        let is_page = self.shows_end(session);
        let banner = if is_page { 0 } else { end.height(area.width) };
        let [head, body, banner, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(banner),
            Constraint::Length(composer.height(area)),
        ])
        .areas(area);
        painter.draw(&head::Head { scene, session }, head);
        painter.placed.quiet_rows = vec![bottom.y, body.bottom().saturating_sub(1)];
        composer.render(bottom, painter.frame);
        if is_page {
            end.render_page(self, body, painter);
        } else {
            end.render_banner(banner, painter);
            self.render_body(session, scene, body, painter);
        }
    }
}

impl LiveScreen {
    /// Reads the API anew: why a handshake was refused is in what the control plane says now, not in what it said some
    /// time ago.
    fn look_into(&self, context: &mut Context<'_>) {
        let session = context.data.sessions.get(self.session);
        let Some(api) = session.map(|session| session.api.clone()) else {
            return;
        };
        context.data.library.meet(&api);
        context.ask(|library, asking| library.look_again(&api.id, asking));
    }

    /// Draws frames and inspector side by side when there is room, else the one that has the keyboard.
    fn render_body(
        &self,
        session: &Session,
        scene: Scene<'_>,
        area: Rect,
        painter: &mut Painter<'_, '_>,
    ) {
        let table = frames::Frames {
            scene,
            session,
            screen: self,
        };
        let inspector = inspector::Inspector {
            scene,
            session,
            screen: self,
        };
        if area.width >= WIDE {
            let [left, right] =
                Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(area);
            table.render(left, painter);
            inspector.render(right, painter);
        } else if self.focus == Focus::Inspector {
            inspector.render(area, painter);
        } else {
            table.render(area, painter);
        }
    }
}
