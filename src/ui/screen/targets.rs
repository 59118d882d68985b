//! The target picker.
use super::{Context, Nav, View};
use crate::{
    model::Failure,
    ui::{Action, State, geometry::Geometry, keys::Scope},
};
use ratatui::{Frame, layout::Rect};
/// The target picker.
#[derive(Debug, Default)]
pub struct TargetsScreen {
    problem: Option<Failure>,
}
impl TargetsScreen {
    /// After a target that failed.
    pub fn after(problem: Failure) -> Self {
        Self {
            problem: Some(problem),
        }
    }
}
impl View for TargetsScreen {
    fn scope(&self) -> Scope {
        Scope::Targets
    }
    fn act(&mut self, action: Action, _context: &mut Context<'_>) -> Nav {
        if action == Action::Back {
            Nav::Back
        } else {
            Nav::Stay
        }
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {
        let _ = &self.problem;
    }
}
