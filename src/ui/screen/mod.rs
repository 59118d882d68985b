//! Screens: what fills the body, one file each, and how they ask to move.

pub mod api;
pub mod apis;
pub mod live;
pub mod subject;
pub mod targets;

use std::time::Duration;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::{Frame, layout::Rect};

use crate::model::{ApiId, Target, plan::Repoint};

use super::{
    Action, Effect, State,
    deploy::{DeployJob, Deploys},
    geometry::Geometry,
    keys::Scope,
    library::{Asking, Library},
    live::Session,
    message::HostMessage,
    modal::Modal,
    notice::{Notices, Tone},
    state::Tickets,
};

/// A screen, with its view state only: what it shows lives in the library.
#[derive(Debug)]
pub enum Screen {
    /// Where calls go.
    Targets(targets::TargetsScreen),
    /// The APIs of the target.
    Apis(apis::ApisScreen),
    /// One API.
    Api(api::ApiScreen),
    /// A stage, live.
    Live(Box<live::LiveScreen>),
}

/// Where to go after a key.
#[derive(Debug)]
pub enum Nav {
    /// Nowhere.
    Stay,
    /// To a screen on top of this one.
    Push(Screen),
    /// Back: a modal closes, a screen gives way to the one below it.
    Back,
    /// To a modal above this screen or modal.
    Open(Modal),
    /// The modal closes, and its screen is asked to do this.
    Act(Action),
}

/// What became of a raw key or of pasted text.
#[derive(Debug)]
pub enum Handled {
    /// Not for me: look into the binding table.
    No,
    /// Done with it.
    Yes(Nav),
}

/// All that a screen or modal may touch while it acts.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of this message.
    pub now: Timestamp,
    /// The target in force.
    pub target: Option<&'a Target>,
    /// Data from elsewhere.
    pub library: &'a mut Library,
    /// The live session, if there is one; it survives leaving the screen.
    pub live: &'a mut Option<Session>,
    /// Lines that come and go.
    pub notices: &'a mut Notices,
    /// Numbers for requests and links.
    pub tickets: &'a mut Tickets,
    /// The deploys under way, and what the last one can be taken back with.
    pub deploys: &'a mut Deploys,
    /// Where the last frame put things.
    pub geometry: &'a Geometry,
    /// Patterns of production stages.
    pub production: &'a [String],
    /// What we ask of the world.
    pub effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Says something for a while.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.notices.say(self.now, tone, text);
    }

    /// Puts text on the clipboard; `what` names it in the notice that follows.
    pub fn copy(&mut self, what: impl Into<String>, text: impl Into<String>) {
        let ticket = self.tickets.copying(what.into());
        self.effects.push(Effect::Copy(ticket, text.into()));
    }

    /// Asks for the target's APIs.
    pub fn load_apis(&mut self) {
        self.ask(Library::load_apis);
    }

    /// Asks for all of an API.
    pub fn load_api(&mut self, id: &ApiId) {
        self.ask(|library, asking| library.load_api(id, asking));
    }

    /// Asks who serves what in an API.
    pub fn load_stages(&mut self, id: &ApiId) {
        self.ask(|library, asking| library.load_stages(id, asking));
    }

    /// Asks the library for something.
    pub fn ask(&mut self, what: impl FnOnce(&mut Library, &mut Asking<'_>)) {
        let mut asking = Asking {
            now: self.now,
            tickets: self.tickets,
            effects: self.effects,
        };
        what(self.library, &mut asking);
    }

    /// Asks for another target.
    pub fn change_target(&mut self, target: Target) {
        self.library
            .change_target(target, self.tickets, self.effects);
    }

    /// Starts a deploy.
    pub fn start_deploy(&mut self, job: impl FnOnce(crate::model::Ticket) -> (DeployJob, Effect)) {
        let ticket = self.tickets.next_ticket();
        let (job, effect) = job(ticket);
        self.deploys.put(job);
        self.effects.push(effect);
    }

    /// Points a stage at another deployment.
    pub fn repoint(&mut self, repoint: Repoint) {
        let ticket = self.tickets.next_ticket();
        self.deploys.undo = None;
        self.effects.push(Effect::Repoint(ticket, repoint));
    }
}

/// A part of the breadcrumb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// What it says; may hold text from elsewhere.
    pub text: String,
    /// True for a production stage.
    pub is_production: bool,
}

impl Crumb {
    /// A part that is no stage.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_production: false,
        }
    }

    /// A part that names a stage.
    pub fn stage(stage: &crate::model::StageName, production: &[String]) -> Self {
        Self {
            text: stage.to_string(),
            is_production: super::state::is_production(stage, production),
        }
    }
}

/// What every screen and modal provides.
pub trait View {
    /// The scope of the binding table that holds here.
    fn scope(&self) -> Scope;

    /// The end of the breadcrumb: all parts after the target and its region. A modal without any leaves it as it is.
    fn crumbs(&self, _state: &State) -> Vec<Crumb> {
        Vec::new()
    }

    /// Takes a raw key before the binding table does: text fields.
    fn key(&mut self, _key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        Handled::No
    }

    /// Takes pasted text.
    fn paste(&mut self, _text: &str, _context: &mut Context<'_>) -> Handled {
        Handled::No
    }

    /// Does what the person wishes.
    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav;

    /// Why an action cannot be done now; none when it can.
    fn refusal(&self, _action: Action, _state: &State) -> Option<String> {
        None
    }

    /// Takes an answer of the world around the terminal that is not the program's own matter: edited text, history.
    fn host(&mut self, _message: HostMessage, _context: &mut Context<'_>) {}

    /// Follows what a message changed: asks for what is missing, keeps the selection in view. Called after each message
    /// for the top screen and all modals.
    fn settle(&mut self, _context: &mut Context<'_>) {}

    /// Draws.
    fn render(&self, state: &State, area: Rect, frame: &mut Frame<'_>, geometry: &mut Geometry);

    /// When it wants to know the time though nothing happens.
    fn next_tick(&self, _state: &State) -> Option<Duration> {
        None
    }
}

impl Screen {
    /// The screen as what every screen provides.
    pub fn view(&self) -> &dyn View {
        match self {
            Self::Targets(screen) => screen,
            Self::Apis(screen) => screen,
            Self::Api(screen) => screen,
            Self::Live(screen) => &**screen,
        }
    }

    /// The same, to act on.
    pub fn view_mut(&mut self) -> &mut dyn View {
        match self {
            Self::Targets(screen) => screen,
            Self::Apis(screen) => screen,
            Self::Api(screen) => screen,
            Self::Live(screen) => &mut **screen,
        }
    }
}
