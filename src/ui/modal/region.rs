//! The region picker: AWS regions by name, or any name that is typed.
//!
//! ```text
//! ╭ Region of default ──────────────╮
//! │ eu▏                              │
//! │▸ eu-central-1   Frankfurt        │
//! │  eu-north-1     Stockholm        │
//! ╰──────────────────────────────────╯
//! ```

use std::borrow::Cow;

use crossterm::event::KeyEvent;
use ratatui::{
    layout::{Rect, Size},
    text::{Line, Span},
};

use crate::{
    model::Target,
    ui::{
        Action,
        keys::Scope,
        look::Look,
        route::{Nav, Route},
        view::{Context, Handled, Painter, Scene, View},
        widget::{
            listing::{Key, Listing, Row, Rows, Searched},
            modal, panel, picker,
        },
    },
};

/// A region of AWS.
#[derive(Debug, Clone, Copy)]
struct Region<'a> {
    /// `eu-central-1`.
    name: &'a str,
    /// `Frankfurt`.
    place: &'a str,
}

const fn region<'a>(name: &'a str, place: &'a str) -> Region<'a> {
    Region { name, place }
}

/// Regions with their places. SOURCE: AWS General Reference, "Amazon API Gateway endpoints". A region that is missing
/// here can be typed.
const REGIONS: [Region<'_>; 33] = [
    region("us-east-1", "N. Virginia"),
    region("us-east-2", "Ohio"),
    region("us-west-1", "N. California"),
    region("us-west-2", "Oregon"),
    region("af-south-1", "Cape Town"),
    region("ap-east-1", "Hong Kong"),
    region("ap-northeast-1", "Tokyo"),
    region("ap-northeast-2", "Seoul"),
    region("ap-northeast-3", "Osaka"),
    region("ap-south-1", "Mumbai"),
    region("ap-south-2", "Hyderabad"),
    region("ap-southeast-1", "Singapore"),
    region("ap-southeast-2", "Sydney"),
    region("ap-southeast-3", "Jakarta"),
    region("ap-southeast-4", "Melbourne"),
    region("ap-southeast-5", "Malaysia"),
    region("ca-central-1", "Canada Central"),
    region("ca-west-1", "Calgary"),
    region("cn-north-1", "Beijing"),
    region("cn-northwest-1", "Ningxia"),
    region("eu-central-1", "Frankfurt"),
    region("eu-central-2", "Zurich"),
    region("eu-north-1", "Stockholm"),
    region("eu-south-1", "Milan"),
    region("eu-south-2", "Spain"),
    region("eu-west-1", "Ireland"),
    region("eu-west-2", "London"),
    region("eu-west-3", "Paris"),
    region("il-central-1", "Tel Aviv"),
    region("me-central-1", "UAE"),
    region("me-south-1", "Bahrain"),
    region("mx-central-1", "Mexico Central"),
    region("sa-east-1", "São Paulo"),
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
        let list = Listing::picker(target.region().map(str::to_owned));
        Self { target, list }
    }

    /// Returns the name of the chosen region: the selected one, or the text that is typed when no region matches.
    fn chosen(&self) -> String {
        match self.list.selected(&RegionRows, &REGIONS) {
            Some(region) => region.name.to_owned(),
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
    type Item = Region<'static>;

    const ORDERS: &'static [&'static str] = &["table"];

    fn id<'a>(&'a self, region: &'a Self::Item) -> Cow<'a, str> {
        Cow::Borrowed(region.name)
    }

    fn text(&self, region: &Self::Item) -> String {
        format!("{} {}", region.name, region.place)
    }

    fn key<'a>(&'a self, _order: usize, _region: &'a Self::Item) -> Key<'a> {
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
        self.list.filter_key(key)
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list.filter_paste(text)
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

    fn follow(&mut self, context: &mut Context<'_>) {
        self.list.follow(&RegionRows, &REGIONS, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let title = format!("Region of {}", self.target.label());
        let size = Size::new(44, 18);
        let inner = modal(panel(scene.look, title, true), size, area, painter);
        let line = |listed: &Row, is_selected| {
            row(
                REGIONS[listed.place],
                &listed.matched,
                is_selected,
                scene.look,
            )
        };
        let list = picker::render(&self.list, "", inner, painter, line);
        if self.list.rows().is_empty() {
            let typed = Region {
                name: &self.chosen(),
                place: "as typed",
            };
            painter.draw(row(typed, &[], true, scene.look), list);
        }
    }
}

fn row(region: Region<'_>, matched: &[u32], is_selected: bool, look: &Look) -> Line<'static> {
    let theme = &look.theme;
    let (base, dim) = if is_selected {
        (theme.selection, theme.selection)
    } else {
        (theme.text, theme.dim)
    };
    let name = Searched {
        text: region.name,
        first: 0,
        matched,
    };
    let place = Searched {
        text: region.place,
        first: region.name.chars().count() + 1,
        matched,
    };
    let pointer = format!("{} ", look.pointer(is_selected));
    let mut spans = vec![Span::styled(pointer, base)];
    spans.extend(name.spans(16, base, look));
    spans.extend(place.spans(20, dim, look));
    Line::from(spans).style(base)
}
