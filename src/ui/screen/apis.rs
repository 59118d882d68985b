//! The APIs of the target.
//!
//! ```text
//! ╭ APIs 2 ────────────────────────────────────────────────────────────────────────────╮
//! │  NAME      ID           STAGES       UNDEPLOYED         ROUTE SELECTION      CREATED │
//! │▸ chat      k3v9x2a1bc   prod test    prod 3 · test 1    $request.body.action 3 days… │
//! │  ticker    9f2m1q0zzx   live         –                  $request.body.action 2 h ago │
//! ╰─────────────────────────────────────────────────────────────────────────────────────╯
//! ```
//!
//! The list costs its own pages. Stages and deployments are read for the rows in view, a few APIs at a time, and then
//! slowly for the rest: an account with hundreds of APIs must not cost thousands of calls. Undeployed changes are known
//! where the draft was read, which this screen orders only where calls are free.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::{layout::Rect, text::Line};

use crate::{
    model::{Api, ApiDetail, ApiId, Drift, Stage, Target},
    ui::{
        Action, Remote,
        keys::{self, Scope},
        library::{Library, Record},
        route::{Nav, Route},
        subject,
        view::{Context, Crumb, Handled, Painter, Scene, View},
        widget::{
            age, cells,
            listing::{Key, Listing, Rows, lower_case},
            panel, safe,
            table::{self, Cell, Column},
            waiting,
        },
    },
};

/// View state of the list.
#[derive(Debug, Default)]
pub struct ApisScreen {
    list: Listing,
}

const COLUMNS: [Column; 6] = [
    Column {
        title: "NAME",
        most: 32,
        keep: 100,
    },
    Column {
        title: "ID",
        most: 14,
        keep: 80,
    },
    Column {
        title: "STAGES",
        most: 30,
        keep: 90,
    },
    Column {
        title: "UNDEPLOYED",
        most: 30,
        keep: 95,
    },
    Column {
        title: "ROUTE SELECTION",
        most: 30,
        keep: 20,
    },
    Column {
        title: "CREATED",
        most: 14,
        keep: 40,
    },
];

/// The APIs as rows of a list.
struct ApiRows;

impl Rows for ApiRows {
    type Item = Api;

    const ORDERS: &'static [&'static str] = &["name", "newest", "id"];

    fn id<'a>(&'a self, api: &'a Api) -> Cow<'a, str> {
        Cow::Borrowed(api.id.as_str())
    }

    fn text(&self, api: &Api) -> String {
        format!("{} {}", api.name, api.id)
    }

    fn key<'a>(&'a self, order: usize, api: &'a Api) -> Key<'a> {
        match order {
            0 => Key::Text(lower_case(&api.name), api.id.as_str()),
            1 => Key::Newest(Reverse(api.created_at)),
            _ => Key::Text(api.id.as_str().into(), ""),
        }
    }
}

fn apis(library: &Library) -> &[Api] {
    library.apis.data().map_or(&[], Vec::as_slice)
}

impl ApisScreen {
    /// Returns the APIs that pass the filter, in the order in force.
    fn visible<'a>(&self, library: &'a Library) -> Vec<&'a Api> {
        self.list.items(apis(library)).collect()
    }

    /// Returns the APIs whose rows are in view. Before anything was drawn, a screen of common height counts as visible.
    fn shown(&self, library: &Library, page: u16) -> Vec<ApiId> {
        let page = if page == 0 { 20 } else { page };
        let apis = apis(library);
        let rows = self.list.rows()[self.list.window(page)].iter();
        let shown = rows.filter_map(|row| apis.get(row.place));
        shown.map(|api| api.id.clone()).collect()
    }

    /// Returns the time of the oldest reading in view; a row that was not read says so itself.
    fn as_of(&self, scene: Scene<'_>) -> Option<Timestamp> {
        let library = &scene.data.library;
        let shown = self.shown(library, scene.placed.page);
        let records = shown.iter().filter_map(|id| library.records.get(id));
        let rows = records.filter_map(|record| record.detail.stages.as_of);
        rows.chain(library.apis_as_of).min()
    }

    fn selected<'a>(&self, library: &'a Library) -> Option<&'a Api> {
        self.list.selected(&ApiRows, apis(library))
    }
}

fn rows(apis: &[&Api], scene: Scene<'_>) -> Vec<Vec<Cell>> {
    let theme = &scene.look.theme;
    apis.iter()
        .map(|api| {
            let record = scene.data.library.records.get(&api.id);
            let (stages, undeployed) = stage_cells(record, scene);
            vec![
                Cell::searched(api.name.clone(), theme.text, 0),
                Cell::searched(api.id.to_string(), theme.dim, api.name.chars().count() + 1),
                stages,
                undeployed,
                Cell::new(api.route_selection_expression.clone(), theme.dim),
                Cell::new(
                    age::ago_or(api.created_at, scene.look.now, scene.look.glyphs.dash),
                    theme.dim,
                ),
            ]
        })
        .collect()
}

/// Returns the cells of an API's stages and of the changes that are not deployed on each.
fn stage_cells(record: Option<&Record>, scene: Scene<'_>) -> (Cell, Cell) {
    let theme = &scene.look.theme;
    let glyphs = &scene.look.glyphs;
    let unknown = |text: &'static str| (Cell::new(text, theme.dim), Cell::new(text, theme.dim));
    let Some(record) = record else {
        return unknown(glyphs.ellipsis);
    };
    let detail = &record.detail;
    match (detail.stages.is_known(), &detail.stages.failure) {
        (true, _) => {}
        (false, Some(_)) => return unknown("not readable"),
        (false, None) => return unknown(glyphs.ellipsis),
    }
    if detail.stages.is_empty() {
        let dash = Cell::new(glyphs.dash, theme.dim);
        return (Cell::new("none", theme.dim), dash);
    }
    let names: Vec<&str> = detail.stages.iter().map(|s| s.name.as_str()).collect();
    let is_marked = |stage: &Stage| record.is_marked(&stage.name, scene.look.now);
    let names_style = if detail.stages.iter().any(is_marked) {
        theme.changed
    } else {
        theme.text
    };
    (
        Cell::new(names.join(" "), names_style),
        undeployed_cell(detail, scene),
    )
}

/// Returns the cell of the changes that are not deployed on each stage; a dash on proof only.
fn undeployed_cell(detail: &ApiDetail, scene: Scene<'_>) -> Cell {
    let theme = &scene.look.theme;
    let glyphs = &scene.look.glyphs;
    // Nothing could be compared: one mark says so for all stages.
    let is_unread = |drift: &Drift| matches!(drift, Drift::Unread | Drift::Unlisted);
    if detail.drift.values().any(is_unread) {
        return Cell::new(Drift::Unread.short_text(), theme.dim);
    }
    // What is claimed is as old as the oldest reading that it stands on.
    let as_of = detail.drift_as_of();
    let as_of = as_of.filter(|as_of| scene.look.now.duration_since(*as_of) >= age::FRESH);
    let age = as_of.map_or_else(String::new, |as_of| {
        format!(" {} {}", glyphs.dot, age::as_of(as_of, scene.look.now))
    });
    let differing: Vec<String> = detail
        .drift
        .iter()
        .filter(|(_, drift)| **drift != Drift::UpToDate)
        .map(|(stage, drift)| format!("{stage} {}", drift.short_text()))
        .collect();
    if differing.is_empty() {
        Cell::new(format!("{}{age}", glyphs.dash), theme.dim)
    } else {
        let differing = differing.join(&format!(" {} ", glyphs.dot));
        Cell::new(format!("{differing}{age}"), theme.changed)
    }
}

impl View for ApisScreen {
    fn route(&self) -> Route {
        Route::Apis
    }

    fn scope(&self) -> Scope {
        if self.list.is_filtering {
            Scope::FilterLine
        } else {
            Scope::Apis
        }
    }

    fn crumbs(&self, _scene: Scene<'_>) -> Vec<Crumb> {
        vec![Crumb::plain("APIs")]
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
        match action {
            Action::Back => return Nav::Back,
            Action::Refresh => {
                refresh(context);
                return Nav::Stay;
            }
            Action::Undo => return subject::undo(context),
            _ => {}
        }
        if self.list.act::<ApiRows>(action, context.placed.page) {
            return Nav::Stay;
        }
        let Some(api) = self
            .selected(&context.data.library)
            .map(|api| api.id.clone())
        else {
            return Nav::Stay;
        };
        match action {
            Action::Open => Nav::To(Route::Api(api)),
            Action::Deploy => subject::deploy(&api, None),
            Action::Live => subject::live_of_api(&api, context),
            Action::Actions => Nav::To(Route::Actions(api, None)),
            Action::Copy => {
                context.copy(format!("API id {api}"), api.to_string());
                Nav::Stay
            }
            _ => Nav::Stay,
        }
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let selected = self.selected(&scene.data.library);
        let detail = selected.and_then(|api| scene.data.library.detail(&api.id));
        match action {
            Action::Undo => subject::undo_refusal(scene),
            Action::Deploy | Action::Live | Action::Actions | Action::Open | Action::Copy
                if selected.is_none() =>
            {
                Some("There is no API here to do that with".to_owned())
            }
            Action::Deploy => subject::deploy_refusal(detail),
            Action::Live => subject::live_refusal(detail, None),
            _ => None,
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        let apis = apis(&context.data.library);
        self.list.follow(&ApiRows, apis, context.placed.page);
        let shown = self.shown(&context.data.library, context.placed.page);
        context.ask(|library, asking| library.tend_list(&shown, asking));
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let apis = self.visible(&scene.data.library);
        let total = scene.data.library.apis.data().map(Vec::len);
        let title = self
            .list
            .title::<ApiRows>("APIs", total.into(), area.width, scene.look);
        let inner = painter.enclose(panel(scene.look, title, scene.has_keyboard), area);
        if apis.is_empty() {
            nothing(self, scene, inner, painter);
            return;
        }
        let rows = rows(&apis, scene);
        table::render(&self.list, &COLUMNS, &rows, inner, painter);
        if let Some(note) = self.note(scene) {
            let width = cells(note.width()).min(area.width.saturating_sub(4));
            let place = Rect {
                x: area.x + 2,
                y: area.bottom().saturating_sub(1),
                width,
                height: 1,
            };
            painter.draw(note, place);
        }
    }

    fn next_tick(&self, scene: Scene<'_>) -> Option<Duration> {
        let library = &scene.data.library;
        let apis = library.apis.data().into_iter().flatten();
        let created = age::until_change(apis.map(|api| api.created_at), scene.look.now);
        let as_of = self.as_of(scene);
        let as_of = as_of.and_then(|as_of| age::as_of_changes_in(as_of, scene.look.now));
        let shown = self.shown(library, scene.placed.page);
        let due = library.list_due_in(&shown, scene.look.now);
        let records = shown.iter().filter_map(|id| library.records.get(id));
        let marks = records
            .clone()
            .filter_map(|record| record.mark_ends(scene.look.now));
        let claims = records.filter_map(|record| record.detail.drift_as_of());
        let claims = claims.filter_map(|as_of| age::as_of_changes_in(as_of, scene.look.now));
        let waits = due.into_iter().chain(marks);
        let waits = waits.filter_map(|wait| Duration::try_from(wait).ok());
        waits.chain(created).chain(as_of).chain(claims).min()
    }
}

fn refresh(context: &mut Context<'_>) {
    match (
        &context.data.library.target,
        context.data.library.wanted_target.clone(),
    ) {
        (Remote::Ready(_), _) => {
            context.data.library.distrust();
            context.load_apis();
        }
        (Remote::Failed { .. }, Some(target)) => context.change_target(target),
        _ => {}
    }
}

/// Draws the text or spinner in place of the rows.
fn nothing(screen: &ApisScreen, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
    let library = &scene.data.library;
    let target = library.wanted_target.as_ref();
    match (&library.target, &library.apis) {
        (Remote::Loading { .. }, _) => {
            let label = target.map_or_else(String::new, Target::label);
            waiting::spinner(&format!("connecting to {label}"), area, painter);
        }
        (Remote::Failed { failure, .. }, _) | (_, Remote::Failed { failure, .. }) => {
            waiting::failed(failure, area, painter);
        }
        (_, Remote::Loading { previous: None, .. } | Remote::Idle) => {
            waiting::spinner(&reading("reading the APIs", library), area, painter);
        }
        _ if !screen.list.filter.is_empty() => {
            let clears = format!("{} clears it.", keys::named(Scope::Apis, Action::Back));
            waiting::sentences(&["No API matches the filter.", &clears], area, painter);
        }
        _ => {
            let region = target.and_then(|target| target.region());
            let none = format!("No WebSocket APIs in {}.", region.unwrap_or("this region"));
            waiting::sentences(&[none.as_str(), "", &elsewhere()], area, painter);
        }
    }
}

/// Returns the keys that look for APIs elsewhere, or again.
fn elsewhere() -> String {
    let key = |action| keys::named(Scope::Apis, action);
    format!(
        "{} chooses another region, {} another target, {} looks again.",
        key(Action::Region),
        key(Action::Targets),
        key(Action::Refresh)
    )
}

/// Returns the words for a reading of the list, with the wait that holds the reading up.
fn reading(what: &str, library: &Library) -> String {
    match library.list_wait() {
        Some(wait) => format!("{what}: {wait}"),
        None => what.to_owned(),
    }
}

impl ApisScreen {
    /// Returns the note at the lower border: the list is being read anew, or is old because that failed, or its age.
    fn note(&self, scene: Scene<'_>) -> Option<Line<'static>> {
        let (theme, glyphs) = (&scene.look.theme, &scene.look.glyphs);
        let library = &scene.data.library;
        if library.is_list_seen() {
            let spinner = glyphs.spinner_at(scene.look.now.as_millisecond());
            let text = format!(" {spinner} {} ", reading("reading", library));
            return Some(Line::styled(text, theme.busy));
        }
        if let Remote::Failed { failure, .. } = &library.apis {
            let text = format!(" {} old: {} ", glyphs.warning, failure.title);
            return Some(Line::from(safe(&text, theme.warn)));
        }
        let age = age::as_of(self.as_of(scene)?, scene.look.now);
        let known = library.stages_known();
        let known = known.filter(|_| library.manner.pace.is_some());
        let known = known.map_or_else(String::new, |(n_known, n_apis)| {
            format!("{} stages of {n_known} of {n_apis} APIs known ", glyphs.dot)
        });
        Some(Line::styled(format!(" as of {age} {known}"), theme.dim))
    }
}
