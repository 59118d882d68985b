//! Stages watched live: the data that outlives the screens showing it.
//!
//! A [`Session`] is one client of one stage: our link to it, the log of all frames that crossed it, and the message that
//! the person writes for it. A session turns link events into state and returns its orders to the world as effects; it
//! draws nothing and knows no key. [`Sessions`] holds all of them, by number.

pub mod composer;
pub mod link;
pub mod log;
pub mod query;
mod session;
mod sessions;
mod view;

pub use self::{
    link::{Condition, Limits, LiveLink, Phase},
    log::Budget,
    query::Query,
    session::{FrameView, Session, Shape, WatchedStage},
    sessions::Sessions,
};
