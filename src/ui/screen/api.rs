//! One API.
use super::{Context, Nav, View};
use crate::{
    model::{ApiId, StageName},
    ui::{Action, State, geometry::Geometry, keys::Scope},
};
use ratatui::{Frame, layout::Rect};
/// One API.
#[derive(Debug)]
pub struct ApiScreen {
    api: ApiId,
}
impl ApiScreen {
    /// Opens it.
    pub fn new(api: ApiId) -> Self {
        Self { api }
    }
    /// Selects a stage.
    pub fn show_stage(&mut self, _api: &ApiId, _stage: &StageName) {
        let _ = &self.api;
    }
}
impl View for ApiScreen {
    fn scope(&self) -> Scope {
        Scope::Stages
    }
    fn act(&mut self, action: Action, _context: &mut Context<'_>) -> Nav {
        if action == Action::Back {
            Nav::Back
        } else {
            Nav::Stay
        }
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {}
}
