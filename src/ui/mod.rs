//! The screen, pure: three vocabularies, one state, `update` and `render`.
//!
//! Nothing here waits, reads a clock or touches the outside world. Time enters with [`Message::Clock`], which the loop
//! puts in front of every batch of messages, and leaves the state only by being drawn.
//!
//! A key goes to the modal on top, else to the screen: first raw, for text fields, then through the binding table as an
//! [`Action`]. A screen or modal answers with a [`screen::Nav`] and never reaches into the stacks itself.

pub mod action;
pub mod effect;
pub mod message;
pub mod remote;

pub mod geometry;
pub mod glyphs;
pub mod keys;
pub mod theme;

pub mod deploy;
pub mod library;
pub mod live;
pub mod notice;
pub mod state;

pub mod modal;
pub mod screen;
pub mod widget;

mod answer;
mod render;
mod update;

pub use action::Action;
pub use effect::Effect;
pub use geometry::Geometry;
pub use message::Message;
pub use remote::Remote;
pub use render::{next_tick, render};
pub use state::{Appearance, Setup, State};
pub use update::{start, update};
