//! An open connection: its ends, the messages that wait to be written to it, and its close.

pub(super) mod ending;
pub(super) mod frames;
pub(super) mod outbox;
pub(super) mod peer;
pub(super) mod registry;
mod watched;
