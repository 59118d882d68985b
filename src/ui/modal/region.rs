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
    layout::{Constraint, Layout, Rect, Size},
    text::{Line, Span},
};

use crate::{
    model::Target,
    ui::{
        Action,
        keys::Scope,
        look::Look,
        route::{Nav, Route},
        view::{Context, Handled, Placed, Scene, View},
        widget::{
            cells,
            listing::{Key, Listing, Rows, highlight},
            modal_area, panel, rows_in,
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

/// The target whose region changes, and the regions with the text that is typed.
#[derive(Debug)]
pub struct RegionModal {
    target: Target,
    list: Listing,
}

impl RegionModal {
    /// Offers regions for a target.
    pub fn new(target: Target) -> Self {
        let list = Listing::at(target.region().map(str::to_owned));
        Self { target, list }
    }

    /// Returns the name of the chosen region: the selected one, or the text that is typed when no region matches.
    fn chosen(&self) -> String {
        match self.list.selected(&RegionRows, &REGIONS) {
            Some((region, _)) => (*region).to_owned(),
            None => self.list.filter.text().trim().to_owned(),
        }
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

/// The regions as rows of a list.
struct RegionRows;

impl Rows for RegionRows {
    type Item = (&'static str, &'static str);

    const ORDERS: &'static [&'static str] = &["table"];

    fn id(&self, (region, _): &Self::Item) -> String {
        (*region).to_owned()
    }

    fn text(&self, (region, place): &Self::Item) -> String {
        format!("{region} {place}")
    }

    fn key(&self, _order: usize, _region: &Self::Item) -> Key {
        Key::Given
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
        match action {
            Action::Submit => {
                let target = self.with_region(self.chosen());
                context.change_target(target);
                Nav::Back
            }
            Action::Back => Nav::Back,
            action => {
                self.list.act::<RegionRows>(action, context.placed.page);
                Nav::Stay
            }
        }
    }

    fn settle(&mut self, context: &mut Context<'_>) {
        self.list.follow(&RegionRows, &REGIONS, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let theme = &scene.look.theme;
        let size = Size::new(44, 18);
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
        placed.page = list.height;
        placed.rows = rows_in(list, self.list.window(list.height).len());
        let window = self.list.window(list.height);
        if window.is_empty() {
            let row = row((&self.chosen(), "as typed"), &[], (true, scene.look));
            frame.render_widget(row, Rect { height: 1, ..list });
        }
        let selected = self.list.selected_idx();
        for (line, idx) in window.enumerate() {
            let listed = &self.list.rows()[idx];
            let is_selected = selected == Some(idx);
            let text = row(
                REGIONS[listed.place],
                &listed.matched,
                (is_selected, scene.look),
            );
            let row = Rect {
                y: list.y + cells(line),
                height: 1,
                ..list
            };
            frame.render_widget(text, row);
        }
        placed
    }
}

fn row(
    (region, place): (&str, &str),
    matched: &[u32],
    (is_selected, look): (bool, &Look),
) -> Line<'static> {
    let theme = &look.theme;
    let base = if is_selected {
        theme.selection
    } else {
        theme.text
    };
    let dim = if is_selected { base } else { theme.dim };
    let pointer = if is_selected {
        look.glyphs.pointer
    } else {
        " "
    };
    let mut spans = vec![Span::styled(format!("{pointer} "), base)];
    let (found, ellipsis) = (theme.matched, look.glyphs.ellipsis);
    spans.extend(highlight(region, (0, 16), matched, (base, found), ellipsis));
    let from = region.chars().count() + 1;
    spans.extend(highlight(
        place,
        (from, 20),
        matched,
        (dim, found),
        ellipsis,
    ));
    Line::from(spans).style(base)
}
