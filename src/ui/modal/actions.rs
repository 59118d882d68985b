//! Placeholder.
use crate::ui::{
    Action, State,
    geometry::Geometry,
    keys::Scope,
    screen::{Context, Nav, View},
};
use ratatui::{Frame, layout::Rect};
/// Placeholder.
#[derive(Debug)]
pub struct ActionsModal;
impl ActionsModal {
    /// New.
    pub fn new(_api: crate::model::ApiId, _stage: Option<crate::model::StageName>) -> Self {
        Self
    }
}
impl View for ActionsModal {
    fn scope(&self) -> Scope {
        Scope::Menu
    }
    fn act(&mut self, _action: Action, _context: &mut Context<'_>) -> Nav {
        Nav::Back
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {}
}
