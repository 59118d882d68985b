//! The deploy dialog.
use crate::{
    model::{ApiId, Failure, StageName, Ticket, plan::DeployPlan},
    ui::{
        Action, State,
        geometry::Geometry,
        keys::Scope,
        screen::{Context, Nav, View},
    },
};
use ratatui::{Frame, layout::Rect};
/// The deploy dialog.
#[derive(Debug)]
pub struct DeployModal {
    api: ApiId,
}
impl DeployModal {
    /// Opens it.
    pub fn open(api: ApiId, _stage: Option<StageName>, _context: &mut Context<'_>) -> Self {
        Self { api }
    }
    /// A plan came.
    pub fn planned(
        &mut self,
        _ticket: Ticket,
        _result: Result<DeployPlan, Failure>,
        _context: &mut Context<'_>,
    ) {
        let _ = &self.api;
    }
}
impl View for DeployModal {
    fn scope(&self) -> Scope {
        Scope::Deploy
    }
    fn act(&mut self, _action: Action, _context: &mut Context<'_>) -> Nav {
        Nav::Back
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {}
}
