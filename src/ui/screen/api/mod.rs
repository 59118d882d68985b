//! One API: its tabs.
//!
//! ```text
//!   Stages   Routes                                                      chat k3v9x2a1bc
//! ╭ Stages 2/10 ─────────╮╭ test ────────────────────────────────────────────────────╮
//! │▸ prod   9q1mzz  3     ││ Invoke URL    ws://127.0.0.1:4566/k3v9x2a1bc/test         │
//! │  test   53lz9l  1     ││ …                                                         │
//! ╰───────────────────────╯╰───────────────────────────────────────────────────────────╯
//! ```

mod routes;
mod stages;
mod tab;

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use self::{routes::RouteRows, stages::StageRows, tab::TabView};
use crate::{
    model::{ApiDetail, ApiId, StageName},
    ui::{
        Action,
        keys::Scope,
        library::Record,
        route::{Nav, Route},
        subject, text,
        view::{Context, Crumb, DeployNews, Handled, Painter, Placed, Scene, View},
        widget::{age, cells, listing::Listing, panel, scroll::Scroll, waiting},
    },
};

/// View state of an API.
#[derive(Debug)]
pub struct ApiScreen {
    api: ApiId,
    tab: Tab,
    stages: Listing,
    routes: Listing,
    /// The scroll of the text about the selected stage or route.
    detail: Scroll,
}

/// The tabs, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Stages,
    Routes,
}

impl Tab {
    const ALL: [Self; 2] = [Self::Stages, Self::Routes];

    fn title(self) -> &'static str {
        match self {
            Self::Stages => "Stages",
            Self::Routes => "Routes",
        }
    }

    /// True when the part of the API that the tab shows was read.
    fn is_known(self, record: &Record) -> bool {
        match self {
            Self::Stages => record.detail.stages.is_known(),
            Self::Routes => record.detail.routes.is_known(),
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Stages => Self::Routes,
            Self::Routes => Self::Stages,
        }
    }
}

impl ApiScreen {
    /// Shows an API, its first stage selected.
    pub fn new(api: ApiId) -> Self {
        Self {
            api,
            tab: Tab::Stages,
            stages: Listing::default(),
            routes: Listing::default(),
            detail: Scroll::default(),
        }
    }

    fn stage(&self, detail: &ApiDetail) -> Option<StageName> {
        stages::selected(&self.stages, detail).map(|stage| stage.name.clone())
    }

    /// The refusal of an action that needs a selected row, where the filter leaves none.
    fn nothing_selected(&self, detail: Option<&ApiDetail>) -> Option<String> {
        let detail = detail?;
        let (is_there, what) = match self.tab {
            Tab::Stages => (self.stage(detail).is_some(), "stage"),
            Tab::Routes => (routes::selected(&self.routes, detail).is_some(), "route"),
        };
        (!is_there).then(|| format!("There is no {what} here to do that with"))
    }

    fn list(&mut self) -> &mut Listing {
        match self.tab {
            Tab::Stages => &mut self.stages,
            Tab::Routes => &mut self.routes,
        }
    }

    /// Acts on the selected stage or route, or on the API; does nothing before the API was read.
    fn act_on(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let Some(detail) = context.data.library.detail(&self.api) else {
            return Nav::Stay;
        };
        match (self.tab, self.stage(detail)) {
            (Tab::Stages, Some(stage)) => self.act_on_stage(action, &stage, context),
            (Tab::Stages, None) => Nav::Stay,
            (Tab::Routes, _) => self.act_on_route(action, context),
        }
    }

    fn act_on_stage(&self, action: Action, stage: &StageName, context: &mut Context<'_>) -> Nav {
        let detail = context.data.library.detail(&self.api);
        let api = detail.map(|detail| &detail.api);
        match action {
            Action::Open | Action::Live => return subject::live(&self.api, stage, context),
            Action::EditStage => {
                return Nav::To(Route::StageSettings(self.api.clone(), stage.clone()));
            }
            Action::Copy => {
                if let Some(url) = api.map(|api| api.invoke_url(stage)) {
                    context.copy(format!("invoke URL of {stage}"), url);
                }
            }
            Action::CopyCallback => {
                if let Some(url) = api.map(|api| api.callback_url(stage)) {
                    context.copy(format!("callback URL of {stage}"), url);
                }
            }
            _ => {}
        }
        Nav::Stay
    }

    fn act_on_route(&self, action: Action, context: &mut Context<'_>) -> Nav {
        if action == Action::Live {
            return subject::live_of_api(&self.api, context);
        }
        let detail = context.data.library.detail(&self.api);
        let route = detail.and_then(|detail| routes::selected(&self.routes, detail));
        if let (Action::Copy, Some(route)) = (action, route) {
            let key = route.key.clone();
            context.copy(format!("route key {key}"), key);
        }
        Nav::Stay
    }

    fn scroll_detail(&mut self, action: Action, placed: &Placed) {
        let direction = match action {
            Action::DetailUp => Action::Up,
            _ => Action::Down,
        };
        let (page, length) = (placed.side_page, placed.side_length);
        self.detail.act(direction, page, length);
    }

    fn act_on_list(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let page = context.placed.page;
        let has_moved = match self.tab {
            Tab::Stages => self.stages.act::<StageRows>(action, page),
            Tab::Routes => self.routes.act::<RouteRows<'_>>(action, page),
        };
        if has_moved {
            self.detail = Scroll::default();
            return Nav::Stay;
        }
        self.act_on(action, context)
    }
}

impl ApiScreen {
    fn view<'a>(&self, list: &'a Listing) -> TabView<'a> {
        TabView {
            list,
            scroll: self.detail,
        }
    }
}

impl View for ApiScreen {
    fn route(&self) -> Route {
        Route::Api(self.api.clone())
    }

    fn scope(&self) -> Scope {
        match self.tab {
            Tab::Stages if self.stages.is_filtering => Scope::FilterLine,
            Tab::Routes if self.routes.is_filtering => Scope::FilterLine,
            Tab::Stages => Scope::Stages,
            Tab::Routes => Scope::Routes,
        }
    }

    fn crumbs(&self, scene: Scene<'_>) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb::plain(scene.data.api_name(&self.api))];
        match self.tab {
            Tab::Stages => {
                let stage = scene
                    .data
                    .library
                    .detail(&self.api)
                    .and_then(|detail| self.stage(detail));
                crumbs.extend(stage.map(|stage| Crumb::stage(&stage, scene.look)));
            }
            Tab::Routes => crumbs.push(Crumb::plain("routes")),
        }
        crumbs
    }

    fn key(&mut self, key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        self.list().filter_key(key)
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list().filter_paste(text)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        if self.list().filter_act(action) {
            return Nav::Stay;
        }
        let stage = context
            .data
            .library
            .detail(&self.api)
            .and_then(|detail| self.stage(detail))
            .filter(|_| self.tab == Tab::Stages);
        match action {
            Action::Back => Nav::Back,
            Action::NextTab | Action::PreviousTab => {
                self.tab = self.tab.other();
                self.detail = Scroll::default();
                Nav::Stay
            }
            Action::Refresh => {
                context.load_api(&self.api);
                Nav::Stay
            }
            Action::DetailUp | Action::DetailDown => {
                self.scroll_detail(action, context.placed);
                Nav::Stay
            }
            // The row on which the screen opened is nobody's choice.
            Action::Deploy => {
                let chosen = stage.filter(|_| self.stages.is_chosen());
                subject::deploy(&self.api, chosen)
            }
            Action::Actions => Nav::To(Route::Actions(self.api.clone(), stage)),
            Action::Undo => subject::undo(context),
            action => self.act_on_list(action, context),
        }
    }

    fn refusal(&self, action: Action, scene: Scene<'_>) -> Option<String> {
        let detail = scene.data.library.detail(&self.api);
        let stage = detail.and_then(|detail| self.stage(detail));
        match action {
            Action::Undo => subject::undo_refusal(scene),
            Action::Deploy => subject::deploy_refusal(detail),
            Action::Open | Action::Copy | Action::CopyCallback | Action::EditStage
                if detail.is_none() =>
            {
                Some("The API is still being read".to_owned())
            }
            Action::Copy | Action::CopyCallback | Action::EditStage => {
                self.nothing_selected(detail)
            }
            Action::Live | Action::Open if self.tab == Tab::Stages => {
                let refusal = subject::live_refusal(detail, stage.as_ref());
                refusal.or_else(|| self.nothing_selected(detail))
            }
            Action::Live => subject::live_refusal(detail, stage.as_ref()),
            _ => None,
        }
    }

    fn deploy(&mut self, news: DeployNews<'_>, _context: &mut Context<'_>) {
        match news {
            DeployNews::Succeeded(api, stage) if self.api == *api => {
                self.tab = Tab::Stages;
                self.stages.choose(stage.to_string());
                self.detail = Scroll::default();
            }
            DeployNews::Succeeded(..) | DeployNews::Planned(..) => {}
        }
    }

    fn follow(&mut self, context: &mut Context<'_>) {
        let api = self.api.clone();
        context.ask(|library, asking| library.tend_api(&api, asking));
        if let Some(detail) = context.data.library.detail(&self.api) {
            let page = context.placed.page;
            let page_of = |tab| if tab == self.tab { page } else { 0 };
            let (stages, routes) = (page_of(Tab::Stages), page_of(Tab::Routes));
            self.stages.follow(&StageRows, &detail.stages, stages);
            self.routes
                .follow(&RouteRows(detail), &detail.routes, routes);
        }
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let [tabs, body] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        self.render_tabs(scene, tabs, painter);
        let record = scene.data.library.records.get(&self.api);
        match record.filter(|record| self.tab.is_known(record)) {
            Some(record) => match self.tab {
                Tab::Stages => {
                    stages::render(self.view(&self.stages), record, scene, body, painter);
                }
                Tab::Routes => routes::render(
                    self.view(&self.routes),
                    &record.detail,
                    scene,
                    body,
                    painter,
                ),
            },
            None => self.render_unknown(record, body, painter),
        }
    }

    fn next_tick(&self, scene: Scene<'_>) -> Option<Duration> {
        let record = scene.data.library.records.get(&self.api)?;
        let now = scene.look.now;
        let due = scene.data.library.api_due_in(&self.api, now);
        let waits = [due, record.mark_ends(now)].into_iter().flatten();
        let waits = waits.filter_map(|wait| Duration::try_from(wait).ok());
        let ages = match self.tab {
            Tab::Stages => stages::next_age(&self.stages, &record.detail, now),
            Tab::Routes => record
                .detail
                .routes
                .as_of
                .and_then(|as_of| age::as_of_changes_in(as_of, now)),
        };
        waits.chain(ages).min()
    }
}

impl ApiScreen {
    /// Draws the reason why a tab has nothing to show: its part of the API is being read, or could not be.
    fn render_unknown(&self, record: Option<&Record>, area: Rect, painter: &mut Painter<'_, '_>) {
        let inner = painter.enclose(panel(painter.look, self.tab.title(), true), area);
        let failure = record.and_then(|record| match self.tab {
            Tab::Stages => {
                let failure = record.detail.stages.failure.as_ref();
                failure.filter(|_| record.stages.ticket().is_none())
            }
            Tab::Routes => {
                let failure = record.detail.routes.failure.as_ref();
                failure.filter(|_| record.draft.ticket().is_none())
            }
        });
        match failure {
            Some(failure) => waiting::failed(failure, inner, painter),
            None => waiting::spinner("reading the API", inner, painter),
        }
    }

    fn render_tabs(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let theme = &scene.look.theme;
        let mut spans = vec![Span::raw("  ")];
        for tab in Tab::ALL {
            let style = if tab == self.tab {
                theme.tab
            } else {
                theme.dim
            };
            spans.push(Span::styled(tab.title(), style));
            spans.push(Span::raw("   "));
        }
        painter.draw(Line::from(spans), area);
        let (note, style) = self.note(scene);
        let glyphs = &scene.look.glyphs;
        let room = usize::from(area.width).saturating_sub(24);
        let note = text::fit(&note, room, glyphs.ellipsis);
        let width = cells(text::width(&note));
        let place = Rect {
            x: area.right().saturating_sub(width + 2),
            width,
            ..area
        };
        painter.draw(Line::styled(note, style), place);
    }
}

impl ApiScreen {
    /// Returns the note at the right of the tabs: the progress of a reading, its failure, or the API and its age.
    fn note(&self, scene: Scene<'_>) -> (String, Style) {
        let (theme, glyphs) = (&scene.look.theme, &scene.look.glyphs);
        let Some(record) = scene.data.library.records.get(&self.api) else {
            return (format!("API {}", self.api), theme.dim);
        };
        let spinner = glyphs.spinner_at(scene.look.now.as_millisecond());
        if let Some(progress) = &record.draft.progress {
            return (format!("{spinner} {}", progress.text()), theme.busy);
        }
        if record.stages.is_seen() || record.draft.is_seen() {
            let wait = record.stages.progress.and_then(|progress| progress.wait());
            let text = wait.map_or("reading".to_owned(), |wait| format!("reading: {wait}"));
            return (format!("{spinner} {text}"), theme.busy);
        }
        let detail = &record.detail;
        if let Some(failure) = detail.failures().next() {
            return (format!("{} {}", glyphs.warning, failure.title), theme.warn);
        }
        let as_of = match self.tab {
            Tab::Stages => detail.stages.as_of,
            Tab::Routes => detail.routes.as_of,
        };
        let age = as_of.map(|as_of| {
            format!(
                " {} as of {}",
                glyphs.dot,
                age::as_of(as_of, scene.look.now)
            )
        });
        (
            format!("API {}{}", self.api, age.unwrap_or_default()),
            theme.dim,
        )
    }
}
