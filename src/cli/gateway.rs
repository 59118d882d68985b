//! `stagewire gateway`: the local gateway alone, until it is told to stop.

use std::{future::Future, io, net::SocketAddr, path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};

use super::{
    args::GatewayArgs,
    exit::{Exit, Stop},
    output::{self, Output},
    start::{self, Session},
};
use crate::{
    console,
    gateway::{self, DEFAULT_PORT, FunctionLine, LineSource, Options, StoreLocation, Strictness},
    model::{Failure, FailureKind},
    ops::Journal,
};

/// The differences from AWS, by what happens to whoever tries them.
const LIMITS: &[&str] = &[
    "not emulated, refused: TLS; it is http:// and ws:// here, in callback URLs too",
    "not emulated, refused: all but the name and tags of an HTTP API",
    "not emulated, fails when called: integrations with AWS services other than Lambda",
    "not emulated, accepted without effect: the account's throttling, execution logs, metrics, VPC links; any signature of a control call",
];

/// The longest time that the last words of functions may take to be repeated.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) fn run(session: &Session, args: &GatewayArgs, output: Output) -> Result<Exit, Stop> {
    let address = args
        .listen
        .or(session.settings.gateway_listen)
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)));
    let options = Options {
        store: store(session, args),
        seed: args.seed.clone(),
        time_scale: args.time_scale,
        strictness: args.strictness.strictness(),
        keyring: console::keyring(&session.settings)?,
        lambda: start::lambda_options(&args.lambda)?,
        ..Options::default()
    };
    let journal = Journal::new(session.paths.journal());
    start::block_on(serve(address, options, &journal, output))
}

fn store(session: &Session, args: &GatewayArgs) -> StoreLocation {
    if args.ephemeral {
        return StoreLocation::Memory;
    }
    let usual = || {
        let settings = session.settings.gateway_state.clone();
        settings.unwrap_or_else(|| session.paths.gateway_store())
    };
    StoreLocation::File(args.state.clone().unwrap_or_else(usual))
}

async fn serve(
    address: SocketAddr,
    options: Options,
    journal: &Journal,
    output: Output,
) -> Result<Exit, Stop> {
    // Before anything is said, so that whoever reads our address may send the signal at once.
    let told = told_to_stop().map_err(|error| {
        Failure::new(FailureKind::User, "Cannot listen for signals").caused_by(&error)
    })?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| bind_failure(address, &error))?;
    let state = state_file(&options.store);
    let strictness = options.strictness;
    let gateway = gateway::Gateway::start(listener, options)
        .await
        .map_err(|error| start_failure(&error, state.as_ref()))?;
    // Before the address is out: whoever knows it may ask at once what a stage lacks.
    if let Some(failure) = console::remember(journal, &gateway).await {
        output::warn_of(&failure);
    }
    // Likewise: whoever knows it may make a function print at once.
    let (lines, notices) = (gateway.function_lines(), gateway.notices());
    announce(gateway.address(), state, output)?;
    for line in strict_lines(&strictness) {
        output.progress(&line);
    }
    explain(gateway.address(), output);
    let listening = tokio::spawn(async move {
        tokio::join!(repeat(lines, output), warn(notices, output));
    });
    told.await;
    output.progress("stopping: closing every connection");
    gateway.stop().await;
    // The functions are gone, and with them whoever could say more. If not, nothing is worth waiting for it.
    drop(timeout(LAST_WORDS, listening).await);
    Ok(Exit::Done)
}

/// Repeats what the gateway has to say at once.
async fn warn(mut notices: Receiver<String>, output: Output) {
    while let Ok(notice) = notices.recv().await {
        output.progress(&notice);
    }
}

/// Repeats what functions print, for whoever watches.
async fn repeat(mut lines: Receiver<FunctionLine>, output: Output) {
    loop {
        match lines.recv().await {
            Ok(line) => {
                let mark = match line.source {
                    LineSource::Stdout | LineSource::Stderr => "|",
                    LineSource::Gateway => "-",
                };
                output.progress(&format!("{} {mark} {}", line.function, line.text));
            }
            Err(RecvError::Lagged(missed)) => {
                output.progress(&format!(
                    "({missed} lines of functions are in the log only)"
                ));
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn announce(address: SocketAddr, state: Option<PathBuf>, output: Output) -> Result<(), Stop> {
    let url = format!("http://{address}");
    if !address.ip().is_loopback() {
        output::warn(&format!(
            "{address} is not a loopback address: whoever reaches this port can change and delete everything here"
        ));
    }
    if output.json {
        output::json_line(&json!({
            "endpointUrl": url,
            "address": address.to_string(),
            "state": state,
        }))?;
    } else {
        output::answer(&url)?;
    }
    match state {
        Some(file) => output.progress(&format!("state: {}", file.display())),
        None => output.progress("state: in memory, gone when this stops"),
    }
    Ok(())
}

/// Says how strict it is, in times that the time scale has not shortened.
fn strict_lines(strictness: &Strictness) -> Vec<String> {
    let time = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    let mut lines = Vec::new();
    if strictness.aws_rates {
        lines.push(
            "strict: control calls that come faster than AWS takes them are refused".to_owned(),
        );
    }
    if !strictness.latency.is_zero() {
        let latency = time(strictness.latency);
        lines.push(format!(
            "strict: each control call takes {latency:#} or more"
        ));
    }
    if !strictness.consistency.is_zero() {
        let consistency = time(strictness.consistency);
        lines.push(format!(
            "strict: for {consistency:#} old and new deployments answer side by side, and new stages refuse handshakes"
        ));
    }
    lines
}

/// Says what it lacks and how it is used.
fn explain(address: SocketAddr, output: Output) {
    let url = format!("http://{address}");
    for line in LIMITS {
        output.progress(line);
    }
    output.progress(&format!(
        "AWS CLI:   aws apigatewayv2 get-apis --endpoint-url {url}"
    ));
    let local = if address.port() == DEFAULT_PORT {
        String::new()
    } else {
        format!(" --endpoint-url {url}")
    };
    output.progress(&format!("stagewire: stagewire --local{local} apis"));
    output.progress(&format!(
        "own API:   curl -s {url}/_stagewire/ (connections, access logs, faults, strictness, time scale)"
    ));
    output.progress("stop it with Ctrl-C");
}

fn state_file(store: &StoreLocation) -> Option<PathBuf> {
    match store {
        StoreLocation::File(file) => Some(file.clone()),
        StoreLocation::Memory => None,
    }
}

/// Done when somebody asks this process to end.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

fn bind_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = Failure::new(
        FailureKind::User,
        format!(
            "Cannot listen on port {} of {}",
            address.port(),
            address.ip()
        ),
    );
    match error.kind() {
        io::ErrorKind::AddrInUse => failure
            .cause("another program listens there, perhaps another gateway")
            .hint(format!(
                "stop it, or take a free port with --listen {}",
                SocketAddr::new(address.ip(), 0)
            )),
        io::ErrorKind::PermissionDenied => failure
            .caused_by(error)
            .hint("ports below 1024 need privileges; take a higher one"),
        _ => failure.caused_by(error),
    }
}

fn start_failure(error: &gateway::Error, state: Option<&PathBuf>) -> Failure {
    let failure =
        Failure::new(FailureKind::User, "Cannot start the local gateway").caused_by(error);
    match state {
        _ if matches!(error, gateway::Error::Seed(_)) => {
            failure.hint("correct the seed file, or start with --seed demo or --seed none")
        }
        Some(_) if is_without_directory(error) => {
            failure.hint("make the directory first, or name another file with --state")
        }
        Some(file) => failure.hint(format!(
            "what {} holds was left alone; another state: --state FILE, or --ephemeral for none",
            file.display()
        )),
        None => failure,
    }
}

fn is_without_directory(error: &gateway::Error) -> bool {
    matches!(
        error,
        gateway::Error::Store(gateway::StoreError::NoDirectory { .. })
    )
}
