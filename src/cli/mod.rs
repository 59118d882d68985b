//! The command line: one file a subcommand, and the start of everything else.
//!
//! A verb reads its arguments, calls the floor that knows the job, and prints the answer. Answers go to stdout, and
//! only answers; progress, warnings and hints go to stderr.

mod apis;
mod apply;
mod args;
mod aws_json;
mod clock;
mod connect;
mod deploy;
mod exit;
mod gateway;
mod keys;
mod log;
mod message;
mod output;
mod progress;
mod pull;
mod routes;
mod send;
mod settle;
mod signals;
mod stages;
mod start;
mod table;
mod transcript;
mod unsettled;
mod url;

use std::{
    ffi::OsString,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::Parser;

use self::{
    args::{Args, Verb},
    exit::{Exit, Stop},
    output::Output,
    start::Session,
};
use crate::model::{Failure, FailureKind};

/// Runs the program with these arguments, the program's own name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Whoever needs TLS finds the provider installed. A second installation is refused, and then it is there already.
    let _installed = rustls::crypto::ring::default_provider()
        .install_default()
        .is_ok();
    let exit = catch_unwind(AssertUnwindSafe(|| parse_and_run(arguments)));
    exit.unwrap_or(Exit::Bug).into()
}

fn parse_and_run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        // Help and version are errors to clap; it knows which stream each belongs to.
        Err(error) => return output::usage(&error),
    };
    let output = Output::new(args.global.json, args.global.quiet);
    match dispatch(args, output) {
        Ok(exit) => exit,
        Err(Stop::Pipe) => Exit::Done,
        Err(Stop::Usage(failure)) => {
            output.failure(&failure);
            Exit::Usage
        }
        Err(Stop::Failed(failure)) => {
            output.failure(&failure);
            exit::of(&failure)
        }
    }
}

fn dispatch(args: Args, output: Output) -> Result<Exit, Stop> {
    if let Some(Verb::Keys) = args.verb {
        return keys::run(output);
    }
    let runs_gateway = args.verb.is_none() && args.global.local;
    if !runs_gateway && !args.lambda.is_empty() {
        let failure = Failure::new(FailureKind::User, "Nothing here could run Lambda functions")
            .hint("write stagewire --local --function …, or stagewire gateway --function …");
        return Err(Stop::Usage(failure));
    }
    let session = Session::start(&args.global)?;
    match args.verb {
        None => start::console(session, args.global.local, &args.lambda),
        Some(Verb::Gateway(gateway)) => gateway::run(&session, &gateway, output),
        Some(Verb::Apis) => apis::run(&session, output),
        Some(Verb::Routes(api)) => routes::run(&session, &api, output),
        Some(Verb::Stages(api)) => stages::run(&session, &api, output),
        Some(Verb::Deploy(deploy)) => deploy::run(&session, &deploy, output),
        Some(Verb::Apply(apply)) => apply::run(&session, &apply, output),
        Some(Verb::Pull(pull)) => pull::run(&session, &pull, output),
        Some(Verb::Url(stage)) => url::run(&session, &stage, output),
        Some(Verb::Connect(connect)) => connect::run(&session, &connect, output),
        Some(Verb::Send(send)) => send::run(&session, &send, output),
        Some(Verb::Keys) => keys::run(output),
    }
}
