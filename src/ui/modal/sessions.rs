//! The live sessions: what each watches and how it is, to go to one, to close its connection, and to forget it.
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
        route::{Confirmation, Nav, Order, Route},
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
#[derive(Debug)]
pub struct SessionsModal {
    shown: Option<SessionId>,
    list: Listing,
}

/// The sessions as rows of a list.
struct SessionRows;

impl Rows for SessionRows {
    type Item = Session;

    const ORDERS: &'static [&'static str] = &["age"];

    fn id<'a>(&'a self, session: &'a Session) -> Cow<'a, str> {
        Cow::Owned(id(session.id))
    }

    fn text(&self, session: &Session) -> String {
        session.name()
    }

    fn key<'a>(&'a self, _order: usize, _session: &'a Session) -> Key<'a> {
        Key::Given
    }
}

fn id(session: SessionId) -> String {
    session.0.to_string()
}

impl SessionsModal {
    /// Lists the sessions, beginning with the one that is shown.
    pub fn new(shown: Option<SessionId>) -> Self {
        let mut list = Listing::default();
        if let Some(shown) = shown {
            list.choose(id(shown));
        }
        Self { shown, list }
    }

    fn chosen(&self, sessions: &[Session]) -> Option<SessionId> {
        let chosen = self.list.selected(&SessionRows, sessions)?;
        Some(chosen.id)
    }
}

impl View for SessionsModal {
    fn route(&self) -> Route {
        Route::Sessions(self.shown)
    }

    fn scope(&self) -> Scope {
        Scope::Sessions
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let chosen = self.chosen(context.data.sessions.all());
        match (action, chosen) {
            (Action::Back, _) => return Nav::Back,
            (Action::Submit, Some(session)) => return Nav::Instead(Route::Live(session)),
            (Action::Hangup, Some(session)) => context.hang_up(session),
            (Action::Forget, Some(session)) => {
                return match context.data.sessions.get(session) {
                    Some(session) if !session.log.is_empty() => forget(session),
                    _ => {
                        context.forget_session(session);
                        Nav::Stay
                    }
                };
            }
            (action, _) => {
                self.list.act::<SessionRows>(action, context.placed.page);
            }
        }
        Nav::Stay
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        if !matches!(action, Action::Submit | Action::Hangup | Action::Forget) {
            return None;
        }
        let sessions = scene.data.sessions.all();
        let Some(session) = self.list.selected(&SessionRows, sessions) else {
            return Some("There is no session to do that with".to_owned());
        };
        let close = keys::named(Scope::Sessions, Action::Hangup);
        match (action, session.is_under_way()) {
            (Action::Hangup, false) => Some("Its connection has ended".to_owned()),
            (Action::Forget, true) => Some(format!("It is connected: {close} closes it first")),
            _ => None,
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        let sessions = context.data.sessions.all();
        let at = self.list.selected_idx().unwrap_or(0);
        self.list
            .follow(&SessionRows, sessions, context.placed.page);
        self.list.stay_at(at);
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

/// Forgets a session that has ended; after a question when frames go with it.
fn forget(session: &Session) -> Nav {
    let frames = match session.log.len() {
        1 => "1 frame".to_owned(),
        n_frames => format!("{n_frames} frames"),
    };
    Nav::To(Route::Confirm(Box::new(Confirmation {
        title: format!("Forget {}?", session.name()),
        lines: vec![format!("It holds {frames}, which nobody can bring back.")],
        yes: "forget it".to_owned(),
        order: Order::Forget(session.id),
    })))
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
        Cell::new(session.target.place(), theme.dim),
    ]
}
