//! Signals as events of the loop.
//!
//! SIGTSTP keeps its default action: only the system knows whether a stopped process could ever be woken, and a handler
//! cannot be taken back. Ctrl-Z is a key here; see `Host::stop`.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::UnboundedSender,
};

use super::event_loop::Event;

/// Tells signals from now on, in tasks on the current tokio runtime.
///
/// # Errors
/// Fails when the system refuses.
pub(super) fn listen(events: &UnboundedSender<Event>) -> io::Result<()> {
    let resumed = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
    forward(events, SignalKind::window_change(), || Event::Resized)?;
    forward(events, resumed, || Event::Continued)?;
    forward(events, SignalKind::interrupt(), || Event::Interrupted)?;
    forward(events, SignalKind::hangup(), || Event::HungUp)?;
    for kind in [SignalKind::terminate(), SignalKind::quit()] {
        forward(events, kind, || Event::EndRequested)?;
    }
    Ok(())
}

/// Tells, once it is waited for, whether the terminal hung up since this call, or waits until it does. Takes a tokio
/// runtime.
///
/// # Errors
/// Fails when the system refuses.
pub(super) fn hangup() -> io::Result<impl Future<Output = ()>> {
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        hangups.recv().await;
    })
}

fn forward(
    events: &UnboundedSender<Event>,
    kind: SignalKind,
    event: impl Fn() -> Event + Send + 'static,
) -> io::Result<()> {
    let mut signals: Signal = signal(kind)?;
    let events = events.clone();
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if events.send(event()).is_err() {
                return;
            }
        }
    });
    Ok(())
}
