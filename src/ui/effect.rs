//! Effects: orders to the world, each answered with exactly one final message, except where it says none.

use crate::model::{
    ApiDetail, ApiId, ConnectRequest, DraftStart, LinkId, Outgoing, Target, Ticket,
    pace::Priority,
    plan::{DeployPlan, DeployRequest, LeftOver, Repoint, Unproved},
    stage_update::StageUpdate,
};

/// An order to the world, by the part that carries it out. Each kind is matched whole, so that an order nobody carries
/// out does not compile.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// For the loop, which owns the terminal.
    Terminal(Terminal),
    /// For the links.
    Link(Link),
    /// For a task in the background.
    Job(Job),
}

/// An order that concerns the terminal, carried out between two frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Terminal {
    /// Put text on the clipboard. Answer: `HostMessage::Copied`.
    Copy(Ticket, String),
    /// Open the person's editor on the text. Answer: `HostMessage::Edited`.
    Edit(Ticket, String),
    /// Stop the program as Ctrl-Z does; the screen is drawn anew when it goes on. No answer.
    Suspend,
    /// Draw the whole screen anew, whatever the terminal shows. No answer.
    Redraw,
    /// End the program. No answer.
    Quit,
}

/// An order to a link.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// Open a link, with a signature of that target's credentials if it is to be signed; they never come here. Answers:
    /// any number of `Message::Link`, the last of which is an end.
    Open(LinkId, ConnectRequest, Option<Target>),
    /// Send something over an open link. No answer of its own: what crosses the wire comes back as frames.
    Send(LinkId, Outgoing),
    /// Close an open link in good order, with the code 1000. No answer: nobody listens to it any more.
    Close(LinkId),
    /// Give a link up at once that is not open yet. No answer.
    Drop(LinkId),
}

/// An order that a task carries out.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Find the targets: profiles, and the local gateway. Answer: `LibraryMessage::TargetsLoaded`.
    LoadTargets(Ticket),
    /// Make this the target of all later effects; start the local gateway if that is the target. Answer:
    /// `LibraryMessage::TargetChanged`.
    ChangeTarget(Ticket, Target),
    /// List the APIs. Answers: any number of `LibraryMessage::ReadingProgressed`, then `LibraryMessage::ApisLoaded`.
    LoadApis(Ticket, Priority),
    /// Make the target that answered under this ticket the one that all later jobs go to. No answer.
    UseTarget(Ticket),
    /// Read the stages and deployments of an API: two calls. Answers: any number of
    /// `LibraryMessage::ReadingProgressed`, then `LibraryMessage::StagesRead`.
    ReadStages(Ticket, ApiId, Priority),
    /// Read the draft of an API: a call for every route and integration that has responses. Answers: any number of
    /// `LibraryMessage::ReadingProgressed`, then `LibraryMessage::DraftRead`.
    ReadDraft(Ticket, ApiId, Priority, DraftStart),
    /// Work out what a deploy would do, from what was read of the API. Answer: `DeployMessage::Planned`.
    PlanDeploy(Ticket, DeployRequest, Box<ApiDetail>),
    /// Deploy. Answers: `DeployMessage::Progressed`, then `DeployMessage::Finished`.
    Deploy(Ticket, Box<DeployPlan>),
    /// Have the deploy or its finish under this ticket begin no further step; its usual answer tells what exists then.
    StopDeploy(Ticket),
    /// Go on with a failed deploy whose deployment exists. Answers as for [`Job::Deploy`].
    FinishDeploy(Ticket, LeftOver),
    /// Delete the deployment that a failed deploy left. Answer: `DeployMessage::CleanedUp`.
    CleanUpDeploy(Ticket, LeftOver),
    /// Give a deployment its fingerprint, now that the draft read behind the freeze has proved what it holds. Answer:
    /// `DeployMessage::Proved`.
    Prove(Ticket, Box<Unproved>),
    /// Point a stage at another deployment, as undo does. Answer: `DeployMessage::Repointed`.
    Repoint(Ticket, Repoint),
    /// Work out the AWS CLI commands for a change of a stage's settings. Answer: `StageMessage::Planned`.
    PlanStageUpdate(Ticket, Box<StageUpdate>),
    /// Change a stage's settings. Answer: `StageMessage::Updated`.
    UpdateStage(Ticket, Box<StageUpdate>),
    /// Read the messages sent in earlier sessions. Answer: `HostMessage::HistoryLoaded`.
    LoadHistory(Ticket),
    /// Remember a message that was sent. No answer, but a notice when it cannot be kept.
    Remember(String),
    /// Stop waiting for the answer to this request; none comes.
    Cancel(Ticket),
}
