//! The region picker: AWS regions by name, or any name that is typed.
//!
//! ```text
//! ╭ Region of default ──────────────╮
//! │ eu▏                              │
//! │▸ eu-central-1   Frankfurt        │
//! │  eu-north-1     Stockholm        │
//! ╰──────────────────────────────────╯
//! ```

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use crate::{
    model::Target,
    ui::{
        Action,
        keys::Scope,
        route::{Nav, Route},
        view::{Context, Handled, Placed, Scene, View},
        widget::{
            cells,
            list::{ListView, highlight},
            modal_area, panel,
        },
    },
};

/// Regions with their places. SOURCE: AWS General Reference, "Amazon API Gateway endpoints". A region that is missing
/// here can be typed.
const REGIONS: [(&str, &str); 33] = [
    ("us-east-1", "N. Virginia"),
    ("us-east-2", "Ohio"),
    ("us-west-1", "N. California"),
    ("us-west-2", "Oregon"),
    ("af-south-1", "Cape Town"),
    ("ap-east-1", "Hong Kong"),
    ("ap-northeast-1", "Tokyo"),
    ("ap-northeast-2", "Seoul"),
    ("ap-northeast-3", "Osaka"),
    ("ap-south-1", "Mumbai"),
    ("ap-south-2", "Hyderabad"),
    ("ap-southeast-1", "Singapore"),
    ("ap-southeast-2", "Sydney"),
    ("ap-southeast-3", "Jakarta"),
    ("ap-southeast-4", "Melbourne"),
    ("ap-southeast-5", "Malaysia"),
    ("ca-central-1", "Canada Central"),
    ("ca-west-1", "Calgary"),
    ("cn-north-1", "Beijing"),
    ("cn-northwest-1", "Ningxia"),
    ("eu-central-1", "Frankfurt"),
    ("eu-central-2", "Zurich"),
    ("eu-north-1", "Stockholm"),
    ("eu-south-1", "Milan"),
    ("eu-south-2", "Spain"),
    ("eu-west-1", "Ireland"),
    ("eu-west-2", "London"),
    ("eu-west-3", "Paris"),
    ("il-central-1", "Tel Aviv"),
    ("me-central-1", "UAE"),
    ("me-south-1", "Bahrain"),
    ("mx-central-1", "Mexico Central"),
    ("sa-east-1", "São Paulo"),
];

/// The target whose region changes, and what is typed.
#[derive(Debug)]
pub struct RegionModal {
    target: Target,
    list: ListView,
}

impl RegionModal {
    /// Offers regions for a target.
    pub fn new(target: Target) -> Self {
        let list = ListView {
            selected: target.region().map(str::to_owned),
            ..ListView::default()
        };
        Self { target, list }
    }

    /// What can be chosen: the regions that match, or what is typed when none does. With the place and what matched.
    fn rows(&self) -> Vec<(String, &'static str, Vec<u32>)> {
        let searched: Vec<String> = REGIONS
            .iter()
            .map(|(region, place)| format!("{region} {place}"))
            .collect();
        let hits = self.list.hits(&searched);
        if hits.is_empty() {
            let typed = self.list.filter.text().trim().to_owned();
            return vec![(typed, "as typed", Vec::new())];
        }
        hits.into_iter()
            .map(|hit| {
                let (region, place) = REGIONS[hit.row];
                (region.to_owned(), place, hit.matched)
            })
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        self.rows()
            .into_iter()
            .map(|(region, _, _)| region)
            .collect()
    }

    fn with_region(&self, region: String) -> Target {
        let mut target = self.target.clone();
        match &mut target {
            Target::Local(local) => local.region = region,
            Target::Aws(aws) => aws.region = Some(region),
        }
        target
    }
}

impl View for RegionModal {
    fn route(&self) -> Route {
        Route::Region(self.target.clone())
    }

    fn scope(&self) -> Scope {
        Scope::Palette
    }

    fn key(&mut self, key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        if self.list.filter.key(key) {
            Handled::Yes(Nav::Stay)
        } else {
            Handled::No
        }
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list.filter.paste(text);
        Handled::Yes(Nav::Stay)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let ids = self.ids();
        match action {
            Action::Submit => {
                if let Some(idx) = self.list.selected_idx(&ids) {
                    let target = self.with_region(ids[idx].clone());
                    context.change_target(target);
                }
                Nav::Back
            }
            Action::Back => Nav::Back,
            action => {
                self.list.act(action, &ids, context.placed.page);
                Nav::Stay
            }
        }
    }

    fn settle(&mut self, context: &mut Context<'_>) {
        let ids = self.ids();
        self.list.settle(&ids, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let theme = &scene.look.theme;
        let rows = self.rows();
        let size = (44.min(area.width), 18);
        let place = modal_area(area, size, frame);
        let title = format!("Region of {}", self.target.label());
        let block = panel(scene.look, title, true);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [field, list] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        let [_, field] =
            Layout::horizontal([Constraint::Length(2), Constraint::Fill(1)]).areas(field);
        frame.render_widget(&self.list.filter.widget(theme, true), field);
        let ids = self.ids();
        let window = self.list.window(&ids, list.height);
        placed.page = list.height;
        let selected = self.list.selected_idx(&ids);
        for (line, idx) in window.enumerate() {
            let (region, place, matched) = &rows[idx];
            let is_selected = selected == Some(idx);
            let base = if is_selected {
                theme.selection
            } else {
                theme.text
            };
            let dim = if is_selected { base } else { theme.dim };
            let pointer = if is_selected {
                scene.look.glyphs.pointer
            } else {
                " "
            };
            let mut spans = vec![Span::styled(format!("{pointer} "), base)];
            let found = theme.matched;
            let ellipsis = scene.look.glyphs.ellipsis;
            spans.extend(highlight(region, (0, 16), matched, (base, found), ellipsis));
            let from = region.chars().count() + 1;
            spans.extend(highlight(
                place,
                (from, 20),
                matched,
                (dim, found),
                ellipsis,
            ));
            let row = Rect {
                y: list.y + cells(line),
                height: 1,
                ..list
            };
            frame.render_widget(Line::from(spans).style(base), row);
        }
        placed
    }
}
