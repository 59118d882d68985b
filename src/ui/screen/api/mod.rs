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

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use self::{routes::RouteRows, stages::StageRows};
use crate::{
    model::{ApiDetail, ApiId, StageName},
    ui::{
        Action,
        keys::Scope,
        route::{Nav, Route},
        subject, text,
        view::{Context, Crumb, DeployNews, Handled, Placed, Scene, View},
        widget::{
            age, cells,
            listing::Listing,
            panel,
            scroll::{Scroll, ScrolledText},
            waiting,
        },
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
        let stage = self.stage(detail);
        match (action, self.tab) {
            (Action::Open | Action::Live, Tab::Stages) => match stage {
                Some(stage) => subject::live(&self.api, &stage, context),
                None => Nav::Stay,
            },
            (Action::Live, Tab::Routes) => subject::live_of_api(&self.api, context),
            (Action::EditStage, Tab::Stages) => match stage {
                Some(stage) => Nav::To(Route::StageSettings(self.api.clone(), stage)),
                None => Nav::Stay,
            },
            (Action::Copy, Tab::Stages) => {
                if let Some(stage) = stage {
                    let url = detail.api.invoke_url(&stage);
                    context.copy(format!("invoke URL of {stage}"), url);
                }
                Nav::Stay
            }
            (Action::CopyCallback, Tab::Stages) => {
                if let Some(stage) = stage {
                    let url = detail.api.callback_url(&stage);
                    context.copy(format!("callback URL of {stage}"), url);
                }
                Nav::Stay
            }
            (Action::Copy, Tab::Routes) => {
                if let Some(route) = routes::selected(&self.routes, detail) {
                    let key = route.key.clone();
                    context.copy(format!("route key {key}"), key);
                }
                Nav::Stay
            }
            _ => Nav::Stay,
        }
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
            Action::DetailUp => {
                self.detail.offset = self.detail.offset.saturating_sub(1);
                Nav::Stay
            }
            Action::DetailDown => {
                let placed = context.placed;
                self.detail
                    .act(Action::Down, placed.side_page, placed.side_length);
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

    fn settle(&mut self, context: &mut Context<'_>) {
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

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let [tabs, body] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        self.render_tabs(scene, tabs, frame);
        let record = scene.data.library.records.get(&self.api);
        let part = record.map(|record| match self.tab {
            Tab::Stages => {
                let stages = &record.detail.stages;
                (stages.is_known(), &stages.failure, &record.stages)
            }
            Tab::Routes => {
                let routes = &record.detail.routes;
                (routes.is_known(), &routes.failure, &record.draft)
            }
        });
        match (record, part) {
            (Some(record), Some((true, ..))) => match self.tab {
                Tab::Stages => stages::render((self, record), scene, body, frame, &mut placed),
                Tab::Routes => {
                    routes::render((self, &record.detail), scene, body, frame, &mut placed);
                }
            },
            (_, part) => {
                let block = panel(scene.look, self.tab.title(), true);
                let inner = block.inner(body);
                frame.render_widget(block, body);
                match part {
                    Some((_, Some(failure), errand)) if errand.ticket().is_none() => {
                        waiting::failed(failure, scene.look, inner, frame);
                    }
                    _ => waiting::spinner("reading the API", scene.look, inner, frame),
                }
            }
        }
        placed
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
    fn render_tabs(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
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
        frame.render_widget(Line::from(spans), area);
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
        frame.render_widget(Line::styled(note, style), place);
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

/// Draws the text about the selected stage or route, and notes its length for the scroll.
fn render_detail(
    lines: &[Line<'static>],
    scroll: Scroll,
    (scene, place): (Scene<'_>, Rect),
    frame: &mut Frame<'_>,
    placed: &mut Placed,
) {
    placed.side_page = place.height;
    placed.side_length = lines.len();
    let text = ScrolledText {
        lines,
        scroll,
        look: scene.look,
    };
    frame.render_widget(&text, place);
}
