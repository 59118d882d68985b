//! Jobs: deploy, drift, pull, apply, and what they share. The screen and the command line call the same functions.
//!
//! A job takes a [`Control`](crate::aws::Control) and model types and answers a model type or a
//! [`Failure`](crate::model::Failure) for a person. How a job is done is known here alone; nothing here draws or prints.

mod clock;
mod command;

pub mod apply;
pub mod deploy;
pub mod find;

pub mod journal;
pub mod known;
pub mod pull;
pub mod reading;
pub mod stages;

pub use journal::Journal;
pub use known::Known;
