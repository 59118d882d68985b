//! The header: the program, the breadcrumb, and at the right what goes on elsewhere.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::text;
use crate::{
    model::{Target, target::AwsTarget},
    ui::{
        State,
        live::LiveLink,
        screen::{Crumb, Screen},
    },
};

/// The first row of the screen.
#[derive(Debug)]
pub struct Header<'a> {
    /// All that it tells of.
    pub state: &'a State,
}

impl Widget for &Header<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let state = self.state;
        let crumbs = crumbs(state);
        let columns = usize::from(area.width);
        let left = breadcrumb(state, &crumbs, columns);
        let used = left.width();
        left.render(area, buffer);
        let right = elsewhere(state, columns.saturating_sub(used + 3));
        right.alignment(Alignment::Right).render(
            Rect {
                width: area.width.saturating_sub(1),
                ..area
            },
            buffer,
        );
    }
}

fn crumbs(state: &State) -> Vec<Crumb> {
    let mut crumbs = Vec::new();
    let target = state.target().or(state.library.wanted_target.as_ref());
    if let Some(target) = target {
        crumbs.push(Crumb::plain(target.label()));
        if let Some(region) = target.region() {
            crumbs.push(Crumb::plain(region));
        }
    }
    // What a modal is about counts for more than what the screen below it is about.
    let modals = state
        .modals
        .iter()
        .rev()
        .map(|modal| modal.view().crumbs(state));
    let of_modal = modals.into_iter().find(|crumbs| !crumbs.is_empty());
    crumbs.extend(of_modal.unwrap_or_else(|| state.screen().view().crumbs(state)));
    crumbs
}

/// The parts of the breadcrumb; when they do not fit, the ones in the middle are cut first.
fn breadcrumb(state: &State, crumbs: &[Crumb], columns: usize) -> Line<'static> {
    let theme = &state.theme;
    let is_production = crumbs.iter().any(|crumb| crumb.is_production);
    let brand = if columns >= 70 { " stagewire  " } else { " " };
    let separator = format!(" {} ", state.glyphs.crumb);
    let mark = if is_production { " PRODUCTION " } else { "" };
    let fixed = text::width(brand)
        + text::width(mark)
        + 1
        + text::width(&separator) * crumbs.len().saturating_sub(1);
    let limit = share(crumbs, columns.saturating_sub(fixed));
    let mut spans = vec![Span::styled(brand, theme.brand)];
    for (idx, crumb) in crumbs.iter().enumerate() {
        if idx > 0 {
            spans.push(Span::styled(separator.clone(), theme.crumb));
        }
        let is_last = idx + 1 == crumbs.len();
        let style = match (crumb.is_production, is_last) {
            (true, _) => theme.danger,
            (false, true) => theme.crumb_here,
            (false, false) => theme.crumb,
        };
        let fitted = text::fit(&crumb.text, limit, state.glyphs.ellipsis);
        spans.push(Span::styled(fitted, style));
    }
    if is_production {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(mark, theme.production));
    }
    Line::from(spans)
}

/// The longest width a crumb may have so that all of them fit into `columns`.
fn share(crumbs: &[Crumb], columns: usize) -> usize {
    let mut limit = columns;
    while limit > 4 {
        let width: usize = crumbs
            .iter()
            .map(|crumb| text::width(&crumb.text).min(limit))
            .sum();
        if width <= columns {
            break;
        }
        limit -= 1;
    }
    limit
}

/// What goes on elsewhere, as far as it fits: a deploy, a live session, the endpoint.
fn elsewhere(state: &State, columns: usize) -> Line<'static> {
    let theme = &state.theme;
    let glyphs = &state.glyphs;
    let mut parts: Vec<Span<'static>> = Vec::new();
    let running: Vec<_> = state.deploys.running().collect();
    if let Some(job) = running.first()
        && state.modals.is_empty()
    {
        let spinner = glyphs.spinner_at(state.now.as_millisecond());
        let text = match running.len() {
            1 => format!("{spinner} deploying to {}", job.stage()),
            n_jobs => format!("{spinner} deploying {n_jobs} APIs"),
        };
        parts.push(Span::styled(text, theme.busy));
    }
    if let Some(session) = &state.live
        && !matches!(state.screen(), Screen::Live(_))
    {
        let link = session.links.first();
        let (mark, what, style) = if link.is_some_and(LiveLink::is_open) {
            (glyphs.live, "live", theme.ok)
        } else if link.is_some_and(LiveLink::is_alive) {
            (glyphs.pending, "connecting", theme.busy)
        } else {
            (glyphs.ended, "not connected", theme.warn)
        };
        let text = format!("{mark} {} {what}", session.stage);
        parts.push(Span::styled(text, style));
    }
    if let Some(endpoint) = state.target().and_then(endpoint) {
        parts.push(super::safe(&endpoint, theme.dim));
    }
    let mut line = Line::default();
    for part in parts {
        let distance = if line.width() == 0 { 0 } else { 3 };
        if line.width() + distance + part.width() > columns {
            break;
        }
        line.push_span(Span::raw(" ".repeat(distance)));
        line.push_span(part);
    }
    line
}

fn endpoint(target: &Target) -> Option<String> {
    match target {
        Target::Local(local) => Some(local.address.to_string()),
        Target::Aws(AwsTarget { endpoint_url, .. }) => endpoint_url.clone(),
    }
}
