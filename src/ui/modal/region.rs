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
pub struct RegionModal;
impl RegionModal {
    /// New.
    pub fn new(_target: crate::model::Target) -> Self {
        Self
    }
}
impl View for RegionModal {
    fn scope(&self) -> Scope {
        Scope::Menu
    }
    fn act(&mut self, _action: Action, _context: &mut Context<'_>) -> Nav {
        Nav::Back
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {}
}
