//! An open connection: its ends, the messages that wait to be written to it, and its close.

mod binary_watch;
pub(super) mod ending;
pub(super) mod frames;
pub(super) mod outbox;
pub(super) mod peer;
pub(super) mod registry;
