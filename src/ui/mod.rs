//! The screen, pure: three vocabularies, one state, `update` and `render`.
//!
//! Nothing here waits, reads a clock or touches the outside world. Time enters with [`Message::Clock`], which the loop
//! puts in front of every batch of messages, and leaves the state only by being drawn.
//!
//! A key goes to the modal on top, else to the screen: first raw, for text fields, then through the binding table as an
//! [`Action`]. A screen or modal answers with a [`route::Nav`] and never reaches into the stacks itself.
//!
//! The floors, from below: look, data, route, view, widgets, screens and modals, which know none of their siblings, the
//! state with the one place that builds a view from a route, and `update`.

pub mod action;
pub mod effect;
pub mod message;
pub mod remote;

pub mod glyphs;
pub mod keys;
pub mod look;
pub mod text;
pub mod theme;

pub mod data;
pub mod deploy;
pub mod library;
pub mod live;
pub mod notice;
pub mod tickets;

pub mod route;
pub mod view;
pub mod widget;

pub mod modal;
pub mod screen;
pub mod subject;

pub mod state;

mod answer;
mod open;
mod render;
mod update;

pub use action::Action;
pub use effect::Effect;
pub use look::Appearance;
pub use message::Message;
pub use remote::Remote;
pub use render::{next_tick, render};
pub use state::{Geometry, Setup, State};
pub use update::{start, update};
