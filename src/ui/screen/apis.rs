//! The APIs.
use super::{Context, Nav, View};
use crate::ui::{Action, State, geometry::Geometry, keys::Scope};
use ratatui::{Frame, layout::Rect};
/// The APIs.
#[derive(Debug, Default)]
pub struct ApisScreen {
    list: crate::ui::widget::list::ListView,
}
impl View for ApisScreen {
    fn scope(&self) -> Scope {
        Scope::Apis
    }
    fn act(&mut self, action: Action, _context: &mut Context<'_>) -> Nav {
        if action == Action::Back {
            Nav::Back
        } else {
            Nav::Stay
        }
    }
    fn render(&self, _: &State, _: Rect, _: &mut Frame<'_>, _: &mut Geometry) {
        let _ = &self.list;
    }
}
