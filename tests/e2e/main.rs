//! The built program from outside: in pipes, as scripts run it, and in a terminal, as a person does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a surprise is a failure"
)]

#[path = "../support/pty.rs"]
mod pty;
#[path = "../support/sandbox.rs"]
mod sandbox;
#[path = "../support/weather.rs"]
mod weather;

mod cli;
mod cli_bad_input;
mod cli_deploy;
mod cli_files;
mod cli_gateway;
mod cli_live;
mod cli_unsettled;
mod interrupted;
mod pictures;
mod pty_looks;
mod pty_main_job;
mod pty_manners;
mod pty_rates;
mod readme;
