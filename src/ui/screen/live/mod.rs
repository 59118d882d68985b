//! The Live screen.

use ratatui::{Frame, layout::Rect};

use super::{Context, Crumb, Nav, View};
use crate::{
    model::{Api, StageName},
    ui::{Action, State, geometry::Geometry, keys::Scope, live::Session},
};

/// A stage, live: view state only, the links and frames are in the [`Session`].
#[derive(Debug)]
pub struct LiveScreen;

impl LiveScreen {
    /// Opens the screen on a stage; a session that is already there for the stage goes on, another one ends.
    pub fn open(api: &Api, stage: &StageName, context: &mut Context<'_>) -> Self {
        let is_same = context
            .live
            .as_ref()
            .is_some_and(|session| session.is_for(&api.id, stage));
        if is_same {
            return Self;
        }
        if let Some(session) = context.live.take() {
            context.effects.extend(session.close());
        }
        let mut session = Session::new(api.clone(), stage.clone());
        let link = context.tickets.next_link();
        context.effects.extend(session.open(link, context.now));
        *context.live = Some(session);
        Self
    }
}

impl View for LiveScreen {
    fn scope(&self) -> Scope {
        Scope::Live
    }

    fn crumbs(&self, state: &State) -> Vec<Crumb> {
        let Some(session) = &state.live else {
            return Vec::new();
        };
        vec![
            Crumb::plain(session.api.name.clone()),
            Crumb::stage(&session.stage, &state.production),
            Crumb::plain("live"),
        ]
    }

    fn act(&mut self, action: Action, _context: &mut Context<'_>) -> Nav {
        match action {
            Action::Back => Nav::Back,
            _ => Nav::Stay,
        }
    }

    fn render(&self, _state: &State, _area: Rect, _frame: &mut Frame<'_>, _: &mut Geometry) {}
}
