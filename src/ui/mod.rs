//! The screen, pure: three vocabularies, one state, `update` and `render`.
//!
//! Nothing here waits, reads a clock or touches the outside world. Time enters with [`Message::Clock`], which the loop
//! puts in front of every batch of messages, and leaves the state only by being drawn.

pub mod action;
pub mod effect;
pub mod live;
pub mod message;
pub mod remote;

pub use action::Action;
pub use effect::Effect;
pub use message::Message;
pub use remote::Remote;
