//! Messages: all that can happen, as a closed enum that one can log, match exhaustively and replay in a test.

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::library::Manner;
use crate::model::{
    Api, ApiDetail, ApiId, DraftReading, Failure, LinkEvent, LinkId, StagesReading, Target, Ticket,
    limit::ConnectionLimits,
    pace::{Pace, ReadProgress},
    plan::{DeployFailure, DeployPlan, DeployProgress, Deployed, Repoint, Unproved},
    stage_update::StageUpdate,
};

/// A fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The time, in front of every batch of messages and whenever `ui::next_tick` asked for it.
    Clock(Timestamp),
    /// A key was pressed or repeated.
    Key(KeyEvent),
    /// Characters came faster than one by one, as from a terminal that does not mark pastes: two or more keys, each of
    /// which types a character.
    Typed(Vec<KeyEvent>),
    /// Text was pasted, line ends as `\n`.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// Data about targets and APIs came.
    Library(LibraryMessage),
    /// A deploy moved on.
    Deploy(DeployMessage),
    /// A change of a stage's settings moved on.
    Stage(StageMessage),
    /// A link told something.
    Link(LinkId, LinkEvent),
    /// The world around the terminal answered.
    Host(HostMessage),
}

/// Data about targets and APIs.
#[derive(Debug, Clone, PartialEq)]
pub enum LibraryMessage {
    /// The targets that one can choose from.
    TargetsLoaded(Ticket, Result<Vec<Target>, Failure>),
    /// The target in force is this one now (for a local gateway: it runs and answers).
    TargetChanged(Ticket, Result<Connected, Failure>),
    /// The pace at which the target takes calls is another one now.
    PaceChanged(Option<Pace>),
    /// The APIs of the target.
    ApisLoaded(Ticket, Result<Vec<Api>, Failure>),
    /// The stages and deployments of an API.
    StagesRead(Ticket, ApiId, Box<Result<StagesReading, Failure>>),
    /// The progress of a reading.
    ReadingProgressed(Ticket, ReadProgress),
    /// The draft of an API.
    DraftRead(Ticket, ApiId, Box<Result<DraftReading, Failure>>),
}

/// A target that calls can go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Connected {
    /// The target, with the region that was found for it.
    pub target: Target,
    /// The manner in which the target takes calls.
    pub manner: Manner,
    /// The data of the target that an earlier run has read.
    pub recalled: Option<Box<Recalled>>,
}

/// The data of a target that an earlier run has read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// The APIs.
    pub apis: Vec<Api>,
    /// The time when the list of APIs was read.
    pub as_of: Timestamp,
    /// The details of each API, as far as anybody looked.
    pub details: Vec<ApiDetail>,
}

/// Steps of a deploy.
#[derive(Debug, Clone, PartialEq)]
pub enum DeployMessage {
    /// The plan of a deploy.
    Planned(Ticket, Box<Result<DeployPlan, Failure>>),
    /// A step started or ended. Any number of these come before the final message.
    Progressed(Ticket, DeployProgress),
    /// The deploy is over.
    Finished(Ticket, Box<Result<Deployed, DeployFailure>>),
    /// The left-over deployment of a failed deploy was deleted.
    CleanedUp(Ticket, Result<(), Failure>),
    /// A deployment carries its fingerprint now, or could not be given it.
    Proved(Ticket, Box<Unproved>, Result<(), Failure>),
    /// A stage was pointed at another deployment.
    Repointed(Ticket, Repoint, Result<(), Failure>),
}

/// Steps of a change of a stage's settings.
#[derive(Debug, Clone, PartialEq)]
pub enum StageMessage {
    /// The AWS CLI commands that do the same.
    Planned(Ticket, Result<Vec<String>, Failure>),
    /// The settings are changed, or are not.
    Updated(Ticket, Box<StageUpdate>, Result<(), Failure>),
}

/// Answers of the world around the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostMessage {
    /// The text went to the clipboard, by this way ("OSC 52", "OSC 52 through tmux"), or it could not.
    Copied(Ticket, Result<&'static str, Failure>),
    /// The editor closed with this text.
    Edited(Ticket, Result<String, Failure>),
    /// Messages that were sent in earlier sessions, oldest first.
    HistoryLoaded(Ticket, Result<Vec<String>, Failure>),
    /// These are the limits of the local gateway in this process now.
    LimitsChanged(ConnectionLimits),
    /// Something failed in the background.
    Noticed(Failure),
    /// Something in the background is otherwise than was asked for, and goes on.
    Warned(Failure),
    /// The program was asked from outside to end (SIGTERM, SIGHUP, a panic in the background).
    EndRequested,
}
