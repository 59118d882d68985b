//! The built program from outside: in pipes, as scripts run it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a surprise is a failure"
)]

#[path = "../support/sandbox.rs"]
mod sandbox;

mod cli;
mod cli_bad_input;
mod cli_gateway;
mod cli_live;
