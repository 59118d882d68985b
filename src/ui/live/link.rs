//! One link as the screen knows it: what it is doing, what crossed it, and when the gateway will end it.

use jiff::Timestamp;

use crate::model::{
    LinkEvent, LinkId,
    link::{Closed, LinkFailure, Opened, Refusal},
};

/// Our end of a WebSocket, with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLink {
    /// Its number, new at every attempt.
    pub id: LinkId,
    /// What it is doing.
    pub phase: Phase,
}

/// What a link is doing, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// On its way to the handshake's answer.
    Connecting {
        /// When it set out.
        since: Timestamp,
    },
    /// Frames can cross.
    Open(Opened),
    /// The handshake was answered with something else than 101.
    Refused(Refusal),
    /// No handshake, or an end without a close frame.
    Failed(LinkFailure),
    /// An end with a close frame.
    Closed(Closed),
}

impl LiveLink {
    /// A link that sets out now.
    pub fn new(id: LinkId, now: Timestamp) -> Self {
        Self {
            id,
            phase: Phase::Connecting { since: now },
        }
    }

    /// True until its end was told.
    pub fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. } | Phase::Open(_))
    }

    /// Takes what the link told.
    pub fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connecting | LinkEvent::Frames(_) => {}
            LinkEvent::Open(opened) => self.phase = Phase::Open(opened),
            LinkEvent::Refused(refusal) => self.phase = Phase::Refused(refusal),
            LinkEvent::Failed(failure) => self.phase = Phase::Failed(failure),
            LinkEvent::Closed(closed) => self.phase = Phase::Closed(closed),
        }
    }
}
