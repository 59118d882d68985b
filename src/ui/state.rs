//! The state: all that the screen knows, changed by `update` only.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{
    Effect,
    data::Data,
    deploy::Deploys,
    effect::{Job, Terminal},
    keys::Scope,
    library::Library,
    live::Sessions,
    look::{Appearance, Look},
    notice::Notices,
    open::open,
    route::Route,
    theme::Theme,
    tickets::Tickets,
    view::{Context, Placed, Scene, View},
};
use crate::model::Target;

/// The smallest screen that shows anything but its own size, in columns and rows.
pub const SMALLEST: (u16, u16) = (60, 15);

/// The things that the program starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The time.
    pub now: Timestamp,
    /// The target to begin with; none opens the target picker.
    pub target: Option<Target>,
    /// The abilities of the terminal.
    pub appearance: Appearance,
    /// Patterns of production stages, such as `prod*`.
    pub production: Vec<String>,
    /// The path of the log file, for the help to say.
    pub log_path: Option<String>,
}

/// A view, and its places in the last frame.
#[derive(Debug)]
pub struct Layer {
    /// The view.
    pub view: Box<dyn View>,
    /// Its places; the loop stores those that `render` returned.
    pub placed: Placed,
    /// The time when it was opened.
    pub opened_at: Timestamp,
}

/// All that the screen knows.
#[derive(Debug)]
pub struct State {
    /// Styles, characters, the time.
    pub look: Look,
    /// The data that screens read and may touch.
    pub data: Data,
    /// Screens, the one that is shown last; never empty.
    pub screens: Vec<Layer>,
    /// Modals above the screen, the one on top last.
    pub modals: Vec<Layer>,
    /// The whole screen in the last frame; empty before anything was drawn.
    pub area: Rect,
    /// True until the first target answered or failed; a failure meanwhile opens the picker instead of a modal.
    pub is_starting: bool,
}

/// The places of all views in one frame, which the loop gives back to the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Geometry {
    /// The whole screen.
    pub area: Rect,
    /// The places of the screen.
    pub screen: Placed,
    /// The places of the modals, in their order.
    pub modals: Vec<Placed>,
}

impl Geometry {
    /// True when a frame of that size has no room for more than a line about that; false before anything was drawn.
    pub fn is_too_small(area: Rect) -> bool {
        !area.is_empty() && (area.width < SMALLEST.0 || area.height < SMALLEST.1)
    }
}

impl State {
    /// Returns the state before the first message.
    pub fn new(setup: Setup) -> Self {
        let is_starting = setup.target.is_some();
        let first = if is_starting {
            Route::Apis
        } else {
            Route::Targets(None)
        };
        let mut library = Library::default();
        library.wanted_target = setup.target;
        let mut state = Self {
            look: Look {
                theme: Theme::new(setup.appearance.colours),
                glyphs: setup.appearance.glyphs,
                now: setup.now,
                production: setup.production,
            },
            data: Data {
                library,
                sessions: Sessions::default(),
                deploys: Deploys::default(),
                notices: Notices::default(),
                tickets: Tickets::default(),
                log_path: setup.log_path,
            },
            screens: Vec::new(),
            modals: Vec::new(),
            area: Rect::default(),
            is_starting,
        };
        state.open(first, &mut Vec::new());
        state
    }

    /// Opens a route: a modal above all others, a screen on top of the others.
    pub fn open(&mut self, route: Route, effects: &mut Vec<Effect>) {
        let is_modal = route.is_modal();
        let Some(view) = self.touch(effects, |context| open(route, context)) else {
            return;
        };
        let layer = Layer {
            view,
            placed: Placed::default(),
            opened_at: self.look.now,
        };
        if is_modal {
            self.modals.push(layer);
            return;
        }
        // An Enter that is pressed twice to get there must not send what stands in the composer.
        if matches!(layer.view.route(), Route::Live(_)) {
            self.data.deploys.closed_at = Some(self.look.now);
        }
        // One live session gives way to the next; whoever leaves wants neither.
        if matches!(layer.view.route(), Route::Live(_)) && self.is_live() {
            self.screens.pop();
        }
        self.screens.push(layer);
    }

    /// Shows a screen as the first one, in place of all that were there. A live session that somebody went to since
    /// another target was asked for stays on top of it: they may be writing.
    pub(super) fn show_first(&mut self, route: Route, effects: &mut Vec<Effect>) {
        let asked_at = self.data.library.target_asked_at;
        let live = self.screens.pop_if(|screen| {
            let is_newer = asked_at.is_some_and(|asked| screen.opened_at > asked);
            is_newer && matches!(screen.view.route(), Route::Live(_))
        });
        self.screens.clear();
        self.modals.clear();
        self.open(route, effects);
        self.screens.extend(live);
    }

    fn is_live(&self) -> bool {
        let top = self.screens.last();
        top.is_some_and(|screen| matches!(screen.view.route(), Route::Live(_)))
    }

    /// Leaves the screens of sessions that are no more.
    pub(super) fn leave_ended_sessions(&mut self) {
        let sessions = &self.data.sessions;
        self.screens.retain(|screen| match screen.view.route() {
            Route::Live(session) => sessions.get(session).is_some(),
            _ => true,
        });
    }

    /// Ends the program, and every link in good order before that. Messages that were not sent are remembered as if they
    /// had been.
    pub(super) fn quit(&self, effects: &mut Vec<Effect>) {
        let sessions = self.data.sessions.all().iter();
        let unsent = sessions.filter_map(|session| session.composer.unsent());
        effects.extend(unsent.map(|text| Effect::Job(Job::Remember(text))));
        effects.extend(self.data.sessions.end_all());
        effects.push(Effect::Terminal(Terminal::Quit));
    }

    /// Takes the places of a frame.
    pub fn place(&mut self, geometry: Geometry) {
        self.area = geometry.area;
        // A question counts only while it is drawn, and drawn on top.
        for layer in self.screens.iter_mut().chain(&mut self.modals) {
            layer.placed.question = None;
        }
        if let Some(screen) = self.screens.last_mut() {
            screen.placed = geometry.screen;
        }
        for (modal, placed) in self.modals.iter_mut().zip(geometry.modals) {
            modal.placed = placed;
        }
        let n_covered = self.modals.len().saturating_sub(1);
        for modal in &mut self.modals[..n_covered] {
            modal.placed.question = None;
        }
    }

    /// Returns the screen that is shown.
    ///
    /// # Panics
    /// Never: there is always a screen.
    pub fn screen(&self) -> &dyn View {
        &*self.screen_layer().view
    }

    fn screen_layer(&self) -> &Layer {
        let screen = self.screens.last();
        screen.expect("invariant: the stack of screens is never empty")
    }

    /// Returns the view that has the keyboard.
    pub fn top(&self) -> &dyn View {
        self.modals
            .last()
            .map_or_else(|| self.screen(), |modal| &*modal.view)
    }

    /// Returns the scene of the modal at that place, counted from below; of the screen when there is none.
    pub fn scene(&self, modal_idx: Option<usize>) -> Scene<'_> {
        let n_below = modal_idx.map_or(0, |idx| idx + 1);
        let modal = modal_idx.and_then(|idx| self.modals.get(idx));
        let beneath = modal_idx.map(|idx| match idx.checked_sub(1) {
            Some(below) => &self.modals[below],
            None => self.screen_layer(),
        });
        let beneath = beneath.map(|layer| (&*layer.view, &layer.placed));
        Scene {
            data: &self.data,
            look: &self.look,
            placed: &modal.unwrap_or_else(|| self.screen_layer()).placed,
            beneath,
            has_keyboard: n_below == self.modals.len(),
        }
    }

    /// Returns the scene of the view that has the keyboard.
    pub fn top_scene(&self) -> Scene<'_> {
        self.scene(self.modals.len().checked_sub(1))
    }

    /// Returns the scope that holds for the next key.
    pub fn scope(&self) -> Scope {
        self.top().scope()
    }

    /// Acts on the data for the program itself.
    pub(super) fn touch<T>(
        &mut self,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        act(&mut Context {
            data: &mut self.data,
            look: &self.look,
            placed: &Placed::default(),
            effects,
        })
    }

    /// Acts on the view that has the keyboard.
    pub(super) fn with_top<T>(
        &mut self,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut dyn View, &mut Context<'_>) -> T,
    ) -> T {
        let layer = self.modals.last_mut().or(self.screens.last_mut());
        let Layer { view, placed, .. } =
            layer.expect("invariant: the stack of screens is never empty");
        let mut context = Context {
            data: &mut self.data,
            look: &self.look,
            placed,
            effects,
        };
        act(&mut **view, &mut context)
    }

    /// Acts on each view that is one of `of`, screens first, from the lowest to the one on top.
    pub(super) fn with_each(
        &mut self,
        of: Layers,
        effects: &mut Vec<Effect>,
        mut act: impl FnMut(&mut dyn View, &mut Context<'_>),
    ) {
        let hidden = match of {
            Layers::All => 0,
            Layers::Shown => self.screens.len().saturating_sub(1),
        };
        let screens = self.screens.iter_mut().skip(hidden);
        for Layer { view, placed, .. } in screens.chain(&mut self.modals) {
            let mut context = Context {
                data: &mut self.data,
                look: &self.look,
                placed,
                effects,
            };
            act(&mut **view, &mut context);
        }
    }
}

/// A choice of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layers {
    /// All, those below others too.
    All,
    /// The top screen and the modals.
    Shown,
}
