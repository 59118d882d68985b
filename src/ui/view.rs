//! Views: the parts that every screen and modal provides, and the things that a view reads, touches and places.

use std::{fmt::Debug, time::Duration};

use crossterm::event::KeyEvent;
use jiff::SignedDuration;
use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Block, Widget},
};

use super::{
    Action, Effect,
    data::{Data, seconds_up},
    deploy::DeployJob,
    effect::{Job, Terminal},
    keys::Scope,
    library::{Asking, Library},
    live::{LiveLink, Session, WatchedStage},
    look::Look,
    message::StageMessage,
    notice::Tone,
    route::{Nav, Route},
};
use crate::model::{
    ApiId, Failure, SessionId, StageName, Target, Ticket,
    plan::{DeployPlan, Repoint},
};

/// The answer of a view to a raw key or to pasted text.
#[derive(Debug)]
pub enum Handled {
    /// Not for this view: the binding table is asked.
    No,
    /// Done.
    Yes(Nav),
}

/// All that a view reads.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The data.
    pub data: &'a Data,
    /// Styles, characters, the time.
    pub look: &'a Look,
    /// The places of this view in the last frame.
    pub placed: &'a Placed,
    /// The view below this one, with its places; none below the screen.
    pub beneath: Option<(&'a dyn View, &'a Placed)>,
    /// True while the keyboard is this view's.
    pub has_keyboard: bool,
}

impl Scene<'_> {
    /// The reason why the view below this one cannot do an action now.
    pub fn refusal_beneath(&self, action: Action) -> Option<String> {
        let (view, placed) = self.beneath?;
        let scene = Scene {
            placed,
            beneath: None,
            has_keyboard: false,
            ..*self
        };
        view.refusal(action, scene)
    }

    /// Returns the words for a stage that has not settled, to stand behind what was said of it; empty when it has.
    pub fn settling_text(&self, api: &ApiId, stage: &StageName) -> String {
        settling_text(
            self.data.deploys.settles_in(api, stage, self.look.now),
            self.look,
        )
    }
}

/// Returns the words for what is left of the time that a stage settles in; empty when nothing is.
pub fn settling_text(left: Option<SignedDuration>, look: &Look) -> String {
    match left {
        Some(left) => format!(
            " {} old and new answer side by side, up to {} s",
            look.glyphs.dot,
            seconds_up(left)
        ),
        None => String::new(),
    }
}

/// The places of a view in the last frame: for page-up and page-down, and for what a key may answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Rows of the list or text that has the keyboard; 0 before anything was drawn.
    pub page: u16,
    /// Rows of a second pane beside or below it; 0 when there is none.
    pub side_page: u16,
    /// Lines of the text in that second pane, or of a text in place of the list.
    pub side_length: usize,
    /// Each row of the list in view, from the first one on.
    pub rows: Vec<Rect>,
    /// Rows of the screen with nothing but a border at the right, where notices hide least; the best one first.
    pub quiet_rows: Vec<u16>,
    /// The question that was asked and that Enter answers; what was not on the screen cannot be answered.
    pub question: Option<Ticket>,
}

/// The things that a view draws with.
#[derive(Debug)]
pub struct Painter<'a, 'f> {
    /// Styles, characters, the time.
    pub look: &'a Look,
    /// The cells to draw on.
    pub frame: &'a mut Frame<'f>,
    /// The places of what was drawn so far.
    pub placed: Placed,
}

impl<'a, 'f> Painter<'a, 'f> {
    /// Makes a painter that has drawn nothing.
    pub fn new(look: &'a Look, frame: &'a mut Frame<'f>) -> Self {
        Self {
            look,
            frame,
            placed: Placed::default(),
        }
    }

    /// Draws a panel, and returns the room inside.
    pub fn enclose(&mut self, panel: Block<'_>, area: Rect) -> Rect {
        let inner = panel.inner(area);
        self.draw(panel, area);
        inner
    }

    /// Draws a widget.
    pub fn draw(&mut self, widget: impl Widget, area: Rect) {
        self.frame.render_widget(widget, area);
    }
}

/// All that a view may touch while it acts.
#[derive(Debug)]
pub struct Context<'a> {
    /// The data.
    pub data: &'a mut Data,
    /// The time of this message, and the stages to be careful with.
    pub look: &'a Look,
    /// The places of this view in the last frame.
    pub placed: &'a Placed,
    /// Orders to the world.
    pub effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Says something for a while.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.data.notices.say(self.look.now, tone, text);
    }

    /// Puts text on the clipboard; `what` names it in the notice that follows.
    pub fn copy(&mut self, what: impl Into<String>, text: impl Into<String>) {
        let ticket = self.data.tickets.copying(what.into());
        self.effects
            .push(Effect::Terminal(Terminal::Copy(ticket, text.into())));
    }

    /// Asks for the target's APIs.
    pub fn load_apis(&mut self) {
        self.ask(Library::load_apis);
    }

    /// Asks for all of an API.
    pub fn load_api(&mut self, id: &ApiId) {
        self.ask(|library, asking| library.load_api(id, asking));
    }

    /// Asks for the stages and deployments of an API.
    pub fn load_stages(&mut self, id: &ApiId) {
        self.ask(|library, asking| library.load_stages(id, asking));
    }

    /// Asks the library for something.
    pub fn ask(&mut self, what: impl FnOnce(&mut Library, &mut Asking<'_>)) {
        let mut asking = Asking {
            now: self.look.now,
            tickets: &mut self.data.tickets,
            effects: self.effects,
        };
        what(&mut self.data.library, &mut asking);
    }

    /// Asks for another target.
    pub fn change_target(&mut self, target: Target) {
        self.data.library.target_asked_at = Some(self.look.now);
        self.data
            .library
            .change_target(target, &mut self.data.tickets, self.effects);
    }

    /// Watches a stage of the target in force: by the session that is on it, or by a new one. Returns its number; none
    /// when the target or the API is not known.
    pub fn watch(&mut self, api: &ApiId, stage: &StageName) -> Option<SessionId> {
        let data = &mut *self.data;
        let target = data.library.target.data().cloned()?;
        if let Some(session) = data.sessions.on_stage(&target, api, stage) {
            return Some(session.id);
        }
        let watched = WatchedStage {
            target,
            api: data.library.api(api).cloned()?,
            stage: stage.clone(),
        };
        let limits = watched.limits(data.library.our_limits);
        let link = LiveLink::new(data.tickets.next_link(), self.look.now, limits);
        let mut session = Session::new(data.tickets.next_session(), watched, link);
        let id = session.id;
        let history = data.tickets.next_ticket();
        session.composer.start_loading(history);
        self.effects.push(Effect::Job(Job::LoadHistory(history)));
        self.effects.push(session.set_out(data.library.detail(api)));
        data.sessions.add(session);
        Some(id)
    }

    /// Closes the open connection of a session in good order; gives up one that is on its way, and reconnecting.
    pub fn hang_up(&mut self, id: SessionId) {
        let Some(session) = self.data.sessions.get_mut(id) else {
            return;
        };
        let order = session.hang_up(self.look.now);
        self.effects.extend(order);
    }

    /// Forgets a session and its frames. A message that was not sent is remembered as if it had been.
    pub fn forget_session(&mut self, id: SessionId) {
        let Some(session) = self.data.sessions.remove(id) else {
            return;
        };
        self.effects.extend(session.end());
        let unsent = session.composer.unsent().map(Job::Remember);
        self.effects.extend(unsent.map(Effect::Job));
    }

    /// Starts a deploy.
    pub fn start_deploy(&mut self, job: impl FnOnce(Ticket) -> (DeployJob, Effect)) {
        let ticket = self.data.tickets.next_ticket();
        let (job, effect) = job(ticket);
        self.data.deploys.put(job);
        self.effects.push(effect);
    }

    /// Points a stage at another deployment.
    pub fn repoint(&mut self, repoint: Repoint) {
        let ticket = self.data.tickets.next_ticket();
        self.data.deploys.undo = None;
        self.data.notices.take_back_offers();
        self.data.deploys.repointing = Some(ticket);
        self.effects
            .push(Effect::Job(Job::Repoint(ticket, repoint)));
    }
}

/// News of a deploy.
#[derive(Debug, Clone, Copy)]
pub enum DeployNews<'a> {
    /// The plan that was asked for under this ticket.
    Planned(Ticket, &'a Result<DeployPlan, Failure>),
    /// A deploy to this stage succeeded.
    Succeeded(&'a ApiId, &'a StageName),
}

/// A part of the breadcrumb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Its text; may come from elsewhere.
    pub text: String,
    /// True for a production stage.
    pub is_production: bool,
}

impl Crumb {
    /// Returns a part that is no stage.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_production: false,
        }
    }

    /// Returns a part that names a stage.
    pub fn stage(stage: &StageName, look: &Look) -> Self {
        Self {
            text: stage.to_string(),
            is_production: look.is_production(stage),
        }
    }
}

/// A screen or a modal.
pub trait View: Debug {
    /// Returns the route of the view, without what somebody chose in it since.
    fn route(&self) -> Route;

    /// Returns the scope of the binding table that holds here.
    fn scope(&self) -> Scope;

    /// Returns the end of the breadcrumb: all parts after the target and its region. A modal without any leaves the
    /// breadcrumb as it is.
    fn crumbs(&self, _scene: Scene<'_>) -> Vec<Crumb> {
        Vec::new()
    }

    /// Returns the target that the view is about, where that is not the one in force.
    fn target<'a>(&self, _scene: Scene<'a>) -> Option<&'a Target> {
        None
    }

    /// Takes a raw key before the binding table does: text fields.
    fn key(&mut self, _key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        Handled::No
    }

    /// Takes pasted text.
    fn paste(&mut self, _text: &str, _context: &mut Context<'_>) -> Handled {
        Handled::No
    }

    /// Carries an action out.
    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav;

    /// Returns the reason why an action cannot be done now; none when it can.
    fn refusal(&self, _action: Action, _scene: Scene<'_>) -> Option<String> {
        None
    }

    /// Follows the news of a deploy.
    fn deploy(&mut self, _news: DeployNews<'_>, _context: &mut Context<'_>) {}

    /// Follows a change of a stage's settings.
    fn stage_news(&mut self, _message: &StageMessage) -> bool {
        false
    }

    /// Follows what a message changed: asks for what is missing, keeps the selection in view. Called after each message
    /// for the top screen and all modals.
    fn follow(&mut self, _context: &mut Context<'_>) {}

    /// Draws the view, and notes its places.
    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>);

    /// Returns the time until the view wants to know the time though nothing happens.
    fn next_tick(&self, _scene: Scene<'_>) -> Option<Duration> {
        None
    }
}
