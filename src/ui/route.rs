//! Routes: the places of the program as plain data, which can be compared, logged, and asked for by anybody.

use super::{Action, keys::Scope};
use crate::model::{ApiId, Failure, SessionId, StageName, Target, plan::Repoint};

/// A screen or a modal.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    /// The targets; with the failure of the one that the program began with.
    Targets(Option<Failure>),
    /// The APIs of the target.
    Apis,
    /// One API.
    Api(ApiId),
    /// A stage, live: by the session that is on it, or by a new one.
    Watch(ApiId, StageName),
    /// A live session.
    Live(SessionId),
    /// The live sessions, beginning with the one that is shown.
    Sessions(Option<SessionId>),
    /// The regions for a target.
    Region(Target),
    /// The actions on an API, and on its stage where one is selected.
    Actions(ApiId, Option<StageName>),
    /// The deploy dialog of an API, with a stage that is chosen already.
    Deploy(ApiId, Option<StageName>),
    /// The settings of a stage.
    StageSettings(ApiId, StageName),
    /// A question before something that changes the world.
    Confirm(Box<Confirmation>),
    /// A failure of something that was asked for.
    Failure(Failure),
    /// The keys of a scope.
    Help(Scope),
    /// The actions of a scope, by name.
    Palette(Scope),
    /// The notices and failures so far.
    Log,
}

/// A question, and the order that a yes gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirmation {
    /// The question.
    pub title: String,
    /// The change to come, and the way to undo it; a line each.
    pub lines: Vec<String>,
    /// The order in words, for the yes.
    pub yes: String,
    /// The order.
    pub order: Order,
}

/// An order that is given after a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Point a stage at another deployment.
    Repoint(Repoint),
    /// Forget a live session and its frames.
    Forget(SessionId),
}

impl Route {
    /// True for a modal, which stands above a screen until it is closed.
    pub fn is_modal(&self) -> bool {
        match self {
            Self::Targets(_) | Self::Apis | Self::Api(_) | Self::Watch(..) | Self::Live(_) => false,
            Self::Region(_)
            | Self::Sessions(_)
            | Self::Actions(..)
            | Self::Deploy(..)
            | Self::StageSettings(..)
            | Self::Confirm(_)
            | Self::Failure(_)
            | Self::Help(_)
            | Self::Palette(_)
            | Self::Log => true,
        }
    }
}

/// The way to go after a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Nav {
    /// Nowhere.
    Stay,
    /// To a screen on top of this one, or to a modal above it.
    To(Route),
    /// The modal closes, and this opens in its place.
    Instead(Route),
    /// Back: a modal closes, a screen gives way to the one below it.
    Back,
    /// The modal closes, and its screen is asked to do this.
    Act(Action),
}
