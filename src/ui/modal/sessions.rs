//! The live sessions: what each watches and how it is, to go to one, to close it, and to forget it.
//!
//! ```text
//! ╭ Live sessions 2 ─────────────────────────────────────────────────────────╮
//! │  STAGE       STATE               FRAMES          TARGET                     │
//! │▸ chat/prod   ● live 2 min        in 214 · out 3   local us-east-1           │
//! │  chat/test   ○ not connected     in 12 · out 1    dev eu-west-1             │
//! ╰──────────────────────────────────────────────────────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::layout::{Rect, Size};

use crate::{
    model::SessionId,
    ui::{
        Action,
        keys::{self, Scope},
        live::{Condition, Session, link::age_text},
        notice::Tone,
        route::{Nav, Route},
        view::{Context, Painter, Scene, View},
        widget::{
            cells, condition_mark,
            listing::{Key, Listing, Rows},
            modal, panel,
            table::{self, Cell, Column},
            waiting,
        },
    },
};

const COLUMNS: [Column; 4] = [
    Column {
        title: "STAGE",
        most: 40,
        keep: 100,
    },
    Column {
        title: "STATE",
        most: 24,
        keep: 90,
    },
    Column {
        title: "FRAMES",
        most: 28,
        keep: 60,
    },
    Column {
        title: "TARGET",
        most: 32,
        keep: 70,
    },
];

/// The list of live sessions.
#[derive(Debug, Default)]
pub struct SessionsModal {
    list: Listing,
}

/// The sessions as rows of a list.
struct SessionRows;

impl Rows for SessionRows {
    type Item = Session;

    const ORDERS: &'static [&'static str] = &["age"];

    fn id<'a>(&'a self, session: &'a Session) -> Cow<'a, str> {
        Cow::Owned(session.id.0.to_string())
    }

    fn text(&self, session: &Session) -> String {
        session.name()
    }

    fn key<'a>(&'a self, _order: usize, _session: &'a Session) -> Key<'a> {
        Key::Given
    }
}

impl SessionsModal {
    fn chosen(&self, sessions: &[Session]) -> Option<SessionId> {
        let chosen = self.list.selected(&SessionRows, sessions)?;
        Some(chosen.id)
    }
}

impl View for SessionsModal {
    fn route(&self) -> Route {
        Route::Sessions
    }

    fn scope(&self) -> Scope {
        Scope::Sessions
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let chosen = self.chosen(context.data.sessions.all());
        match (action, chosen) {
            (Action::Back, _) => return Nav::Back,
            (Action::Submit, Some(session)) => return Nav::Instead(Route::Live(session)),
            (Action::CloseSession, Some(session)) => close(session, context),
            (action, _) => {
                self.list.act::<SessionRows>(action, context.placed.page);
            }
        }
        Nav::Stay
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let is_about_one = matches!(action, Action::Submit | Action::CloseSession);
        let is_empty = scene.data.sessions.all().is_empty();
        (is_about_one && is_empty).then(|| "No stage is watched".to_owned())
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        let sessions = context.data.sessions.all();
        self.list
            .follow(&SessionRows, sessions, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let sessions = scene.data.sessions.all();
        let title = format!("Live sessions {}", sessions.len());
        let size = Size::new(100, cells(sessions.len().max(1)) + 3);
        let panel = panel(scene.look, title, true);
        let inner = modal(panel, size, area, painter);
        if sessions.is_empty() {
            let live = keys::named(Scope::Subject, Action::Live);
            let words = format!("No stage is watched: {live} on a stage does.");
            waiting::sentences(&[&words], inner, painter);
            return;
        }
        let rows: Vec<Vec<Cell>> = sessions.iter().map(|it| row(it, scene)).collect();
        table::render(&self.list, &COLUMNS, &rows, inner, painter);
    }
}

/// Closes the connection of a session that has one; else forgets the session with its frames. So no key loses frames
/// that were still coming.
fn close(id: SessionId, context: &mut Context<'_>) {
    let Some(session) = context.data.sessions.get(id) else {
        return;
    };
    if session.is_under_way() {
        context.hang_up(id);
        return;
    }
    let (name, n_frames) = (session.name(), session.log.len());
    context.forget_session(id);
    let frames = if n_frames == 1 { "frame" } else { "frames" };
    context.say(
        Tone::Info,
        format!("{name} is forgotten, with {n_frames} {frames}"),
    );
}

fn row(session: &Session, scene: Scene<'_>) -> Vec<Cell> {
    let theme = &scene.look.theme;
    let condition = Condition::of(&session.link);
    let (mark, style) = condition_mark(condition, scene.look);
    let age = session.link.opened_at.filter(|_| session.link.is_open());
    let age = age.and_then(|at| age_text(scene.look.now.duration_since(at)));
    let age = age.map_or(String::new(), |age| format!(" {age}"));
    let (incoming, outgoing) = (session.link.incoming.frames, session.link.outgoing.frames);
    let dot = scene.look.glyphs.dot;
    let label = session.target.label();
    let target = match session.target.region() {
        Some(region) => format!("{label} {region}"),
        None => label,
    };
    let is_production = scene.look.is_production(&session.stage);
    let name = if is_production {
        theme.danger
    } else {
        theme.text
    };
    vec![
        Cell::new(session.name(), name),
        Cell::new(format!("{mark} {}{age}", condition.words()), style),
        Cell::new(format!("in {incoming} {dot} out {outgoing}"), theme.dim),
        Cell::new(target, theme.dim),
    ]
}
