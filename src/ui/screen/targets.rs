//! The target picker: the local gateway, and the profiles of the AWS configuration.
//!
//! ```text
//! ╭ Targets 3 ──────────────────────────────────────────────────────────╮
//! │  NAME       KIND            REGION       ENDPOINT                     │
//! │▸ local      local gateway   us-east-1    127.0.0.1:4566               │
//! │  default    AWS profile     eu-west-1    –                            │
//! ╰───────────────────────────────────────────────────────────────────────╯
//! ```

use std::borrow::Cow;

use crossterm::event::KeyEvent;
use ratatui::{
    layout::{Constraint, Layout, Rect},
    widgets::Paragraph,
};

use crate::{
    model::{Failure, Target, target::AwsTarget},
    ui::{
        Action, Remote,
        keys::{self, Scope},
        library::Library,
        route::{Nav, Route},
        view::{Context, Crumb, Handled, Painter, Scene, View},
        widget::{
            cells, failure, indented,
            listing::{Key, Listing, Rows},
            panel,
            table::{self, Cell, Column},
            waiting,
        },
    },
};

/// View state of the picker.
#[derive(Debug)]
pub struct TargetsScreen {
    list: Listing,
    /// The failure of the target that the program started with.
    problem: Option<Failure>,
}

const COLUMNS: [Column; 4] = [
    Column {
        title: "NAME",
        most: 32,
        keep: 100,
    },
    Column {
        title: "KIND",
        most: 14,
        keep: 60,
    },
    Column {
        title: "REGION",
        most: 16,
        keep: 80,
    },
    Column {
        title: "ENDPOINT",
        most: 50,
        keep: 50,
    },
];

impl TargetsScreen {
    /// Makes the picker; with the failure of the target that the program started with, if the target is of no use.
    pub fn new(problem: Option<Failure>) -> Self {
        Self {
            list: Listing::default(),
            problem,
        }
    }

    fn visible<'a>(&self, library: &'a Library) -> Vec<&'a Target> {
        self.list.items(targets(library)).collect()
    }

    fn selected<'a>(&self, library: &'a Library) -> Option<&'a Target> {
        self.list.selected(&TargetRows, targets(library))
    }
}

/// The targets as rows of a list.
struct TargetRows;

impl Rows for TargetRows {
    type Item = Target;

    const ORDERS: &'static [&'static str] = &["kind", "name"];

    fn id<'a>(&'a self, target: &'a Target) -> Cow<'a, str> {
        Cow::Owned(id(target))
    }

    fn text(&self, target: &Target) -> String {
        format!("{} {}", target.label(), target.region().unwrap_or_default())
    }

    fn key<'a>(&'a self, order: usize, target: &'a Target) -> Key<'a> {
        match order {
            0 => Key::Given,
            _ => Key::Text(target.label().into(), ""),
        }
    }
}

fn targets(library: &Library) -> &[Target] {
    library.targets.data().map_or(&[], Vec::as_slice)
}

/// Returns a target's name and kind; its region may change while it stays the same target.
fn id(target: &Target) -> String {
    format!("{}: {}", kind(target), target.label())
}

fn kind(target: &Target) -> &'static str {
    match target {
        Target::Local(_) => "local gateway",
        Target::Aws(AwsTarget {
            endpoint_url: Some(_),
            ..
        }) => "endpoint",
        Target::Aws(AwsTarget {
            profile: Some(_), ..
        }) => "AWS profile",
        Target::Aws(_) => "AWS default",
    }
}

fn row(target: &Target, scene: Scene<'_>) -> Vec<Cell> {
    let theme = &scene.look.theme;
    let dash = scene.look.glyphs.dash;
    let label = target.label();
    let region_from = label.chars().count() + 1;
    let region = match target.region() {
        Some(region) => Cell::searched(region, theme.text, region_from),
        None => Cell::new("of the profile", theme.dim),
    };
    let endpoint = match target {
        Target::Local(local) => local.address.to_string(),
        Target::Aws(aws) => aws.endpoint_url.clone().unwrap_or_else(|| dash.to_owned()),
    };
    let is_here = scene
        .data
        .target()
        .is_some_and(|here| id(here) == id(target));
    let name_style = if is_here { theme.ok } else { theme.text };
    vec![
        Cell::searched(label, name_style, 0),
        Cell::new(kind(target), theme.dim),
        region,
        Cell::new(endpoint, theme.dim),
    ]
}

impl View for TargetsScreen {
    fn route(&self) -> Route {
        Route::Targets(self.problem.clone())
    }

    fn scope(&self) -> Scope {
        if self.list.is_filtering {
            Scope::FilterLine
        } else {
            Scope::Targets
        }
    }

    fn crumbs(&self, _scene: Scene<'_>) -> Vec<Crumb> {
        vec![Crumb::plain("targets")]
    }

    fn key(&mut self, key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        self.list.filter_key(key)
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list.filter_paste(text)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        if self.list.filter_act(action) {
            return Nav::Stay;
        }
        if self.list.act::<TargetRows>(action, context.placed.page) {
            return Nav::Stay;
        }
        let selected = self.selected(&context.data.library).cloned();
        match (action, selected) {
            (Action::Back, _) => return Nav::Back,
            (Action::Refresh, _) => context
                .data
                .library
                .load_targets(&mut context.data.tickets, context.effects),
            (Action::Open, Some(target)) => context.change_target(target),
            (Action::Region, Some(target)) => {
                return Nav::To(Route::Region(target));
            }
            (Action::Copy, Some(target)) => {
                let label = target.label();
                context.copy(format!("target name {label}"), label);
            }
            _ => {}
        }
        Nav::Stay
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        match action {
            Action::Targets => Some("Choose a target here".to_owned()),
            Action::Open | Action::Region | Action::Copy
                if self.selected(&scene.data.library).is_none() =>
            {
                Some("There is no target here to do that with".to_owned())
            }
            _ => None,
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        if context.data.library.targets == Remote::Idle {
            context
                .data
                .library
                .load_targets(&mut context.data.tickets, context.effects);
        }
        let targets = targets(&context.data.library);
        if !self.list.has_selection() {
            // The target in force; without one the local gateway, since that always works.
            let here = context.data.target().map(id);
            let local = || targets.iter().find(|t| matches!(t, Target::Local(_)));
            if let Some(id) = here.or_else(|| local().map(id)) {
                self.list.choose(id);
            }
        }
        self.list.follow(&TargetRows, targets, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let area = self.render_problem(area, painter);
        let library = &scene.data.library;
        let targets = self.visible(library);
        let total = library.targets.data().map(Vec::len);
        let title = self
            .list
            .title::<TargetRows>("Targets", total.into(), area.width, scene.look);
        let inner = painter.enclose(panel(scene.look, title, scene.has_keyboard), area);
        if targets.is_empty() {
            nothing(library, inner, painter);
            return;
        }
        let [list, below] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(2)]).areas(inner);
        let rows: Vec<Vec<Cell>> = targets.iter().map(|target| row(target, scene)).collect();
        table::render(&self.list, &COLUMNS, &rows, list, painter);
        if library.target.is_loading()
            && let Some(target) = &library.wanted_target
        {
            let what = format!("connecting to {}", target.label());
            waiting::spinner(&what, below, painter);
        }
    }
}

/// Draws the text or spinner in place of the rows.
fn nothing(library: &Library, area: Rect, painter: &mut Painter<'_, '_>) {
    match &library.targets {
        Remote::Failed { failure, .. } => waiting::failed(failure, area, painter),
        Remote::Loading { .. } | Remote::Idle => {
            waiting::spinner("looking for profiles", area, painter);
        }
        Remote::Ready(_) => {
            let clears = format!("{} clears it.", keys::named(Scope::Targets, Action::Back));
            let lines = ["No target matches the filter.", &clears];
            waiting::sentences(&lines, area, painter);
        }
    }
}

impl TargetsScreen {
    /// Draws the failure that makes a choice necessary, if there is one, and returns the rest of the area.
    fn render_problem(&self, area: Rect, painter: &mut Painter<'_, '_>) -> Rect {
        let Some(problem) = &self.problem else {
            return area;
        };
        let look = painter.look;
        let columns = usize::from(area.width).saturating_sub(4);
        let lines = failure::lines(problem, columns, look);
        let height = (cells(lines.len()) + 2).min(area.height / 2);
        let [top, rest] =
            Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
        let block = panel(look, "Choose a target", false).border_style(look.theme.warn);
        let body = indented(painter.enclose(block, top));
        painter.draw(Paragraph::new(lines), body);
        rest
    }
}
