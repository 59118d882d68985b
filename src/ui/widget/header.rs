//! The header: the program, the breadcrumb, and at the right a deploy, a live session and the endpoint.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    model::{SessionId, Target, target::AwsTarget},
    ui::{
        data::Data,
        live::{Condition, Session},
        look::Look,
        text,
        view::Crumb,
    },
};

/// The first row of the screen.
#[derive(Debug)]
pub struct Header<'a> {
    /// The deploys, the live session and the target that it tells of.
    pub data: &'a Data,
    /// Styles, characters, the time.
    pub look: &'a Look,
    /// The breadcrumb.
    pub crumbs: &'a [Crumb],
    /// True when a modal is open, which says itself what it does.
    pub has_modal: bool,
    /// The live session that is on the screen.
    pub shown: Option<SessionId>,
}

impl Widget for &Header<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(area.width);
        let left = breadcrumb(self.look, self.crumbs, columns);
        let used = left.width();
        left.render(area, buffer);
        let right = self.elsewhere(columns.saturating_sub(used + 3));
        right.alignment(Alignment::Right).render(
            Rect {
                width: area.width.saturating_sub(1),
                ..area
            },
            buffer,
        );
    }
}

/// Returns the breadcrumb; when its parts do not fit, the longest are cut first.
fn breadcrumb(look: &Look, crumbs: &[Crumb], columns: usize) -> Line<'static> {
    let theme = &look.theme;
    let is_production = crumbs.iter().any(|crumb| crumb.is_production);
    let brand = if columns >= 70 { " stagewire  " } else { " " };
    let separator = format!(" {} ", look.glyphs.crumb);
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
        let fitted = text::fit(&crumb.text, limit, look.glyphs.ellipsis);
        spans.push(Span::styled(fitted, style));
    }
    if is_production {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(mark, theme.production));
    }
    Line::from(spans)
}

/// Returns the longest width a crumb may have so that all of them fit into `columns`.
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

fn endpoint(target: &Target) -> Option<String> {
    match target {
        Target::Local(local) => Some(local.address.to_string()),
        Target::Aws(AwsTarget { endpoint_url, .. }) => endpoint_url.clone(),
    }
}

impl Header<'_> {
    /// Returns the deploys under way: one by its stage, several by their number.
    fn deploys(&self) -> Option<Span<'static>> {
        let running: Vec<_> = self.data.deploys.running().collect();
        let job = running.first().filter(|_| !self.has_modal)?;
        let spinner = self.look.glyphs.spinner_at(self.look.now.as_millisecond());
        let text = match running.len() {
            1 => format!("{spinner} deploying to {}", job.stage()),
            n_jobs => format!("{spinner} deploying {n_jobs} APIs"),
        };
        Some(Span::styled(text, self.look.theme.busy))
    }

    /// Returns the live sessions that are not on the screen: one by its stage, several by their number.
    fn sessions(&self) -> Option<Span<'static>> {
        let all = self.data.sessions.all().iter();
        let hidden: Vec<&Session> = all.filter(|it| Some(it.id) != self.shown).collect();
        let newest = hidden.last()?;
        let condition = Condition::of(&newest.link);
        let n_open = hidden.iter().filter(|it| it.link.is_open()).count();
        let (text, condition) = match hidden.len() {
            1 => (format!("{} {}", newest.stage, condition.words()), condition),
            n if n_open == n => (format!("{n} live"), Condition::Open),
            n => (format!("{n_open} of {n} live"), Condition::Ended),
        };
        let (mark, style) = super::condition_mark(condition, self.look);
        Some(Span::styled(format!("{mark} {text}"), style))
    }

    /// Returns the parts at the right, as far as they fit: a deploy, a live session, the endpoint.
    fn elsewhere(&self, columns: usize) -> Line<'static> {
        let endpoint = self.data.target().and_then(endpoint);
        let endpoint = endpoint.map(|it| super::safe(&it, self.look.theme.dim));
        let parts = [self.deploys(), self.sessions(), endpoint];
        let mut line = Line::default();
        for part in parts.into_iter().flatten() {
            let distance = if line.width() == 0 { 0 } else { 3 };
            if line.width() + distance + part.width() > columns {
                break;
            }
            line.push_span(Span::raw(" ".repeat(distance)));
            line.push_span(part);
        }
        line
    }
}
