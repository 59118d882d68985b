//! Our WebSocket client: one link is one connection to a stage, with every frame recorded as it crosses the wire.
//!
//! A link is a task. Orders go in as [`Outgoing`], facts come out as [`LinkEvent`]s, frames among them in batches.
//! The bytes go through four layers, each in its module: [`wire`](self) (TCP, proxy, TLS), the handshake, the
//! [`tap`], and the WebSocket library, which alone judges what is lawful.

mod body;
mod clock;
mod delivery;
pub mod frames;
mod handshake;
mod link;
pub mod tap;
mod wire;

use std::error::Error;

use tokio::{sync::mpsc, task::AbortHandle};

use crate::model::{
    ConnectRequest, LinkEvent, Outgoing,
    link::{LinkFailure, LinkStep},
};
use handshake::{HandshakeAnswer, Request};
use tap::Tap;

/// Orders that may wait; more than that and the sender waits.
const ORDERS: usize = 64;

/// Events that may wait for the consumer. A batch is held to about a megabyte, so this bounds memory.
const EVENTS: usize = 16;

/// Our end of a WebSocket. Dropping it gives the connection up at once, without the closing handshake.
#[derive(Debug)]
pub struct Link {
    events: mpsc::Receiver<LinkEvent>,
    sender: LinkSender,
    task: AbortHandle,
}

/// The way to send over a link.
#[derive(Debug, Clone)]
pub struct LinkSender {
    orders: mpsc::Sender<Outgoing>,
}

/// The order came too late: the link has ended. Or, for `try_send`, there are too many orders ahead of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Fails when the link has ended.
    #[error("the link has ended")]
    Ended(Outgoing),
    /// The peer takes no more for now.
    #[error("the peer takes no more for now")]
    Full(Outgoing),
}

/// Opens a link, in a task on the current tokio runtime. Whatever becomes of it comes as events.
///
/// # Panics
/// Outside a tokio runtime.
pub fn connect(request: ConnectRequest) -> Link {
    connect_with(std::future::ready(Ok(request)))
}

/// The same with a request that is made ready first, in the link's own time; without one the link has failed.
///
/// # Panics
/// Outside a tokio runtime.
pub fn connect_with(
    request: impl Future<Output = Result<ConnectRequest, LinkFailure>> + Send + 'static,
) -> Link {
    let (orders, orders_in) = mpsc::channel(ORDERS);
    let (events_out, events) = mpsc::channel(EVENTS);
    let task = tokio::spawn(run(request, orders_in, events_out)).abort_handle();
    Link {
        events,
        sender: LinkSender { orders },
        task,
    }
}

/// Returns the reason why nobody can connect to this, in a sentence; none if it is a WebSocket URL.
pub fn url_fault(url: &str) -> Option<String> {
    wire::parse_url(url).err().map(|error| error.to_string())
}

impl Link {
    /// The next event; none after the end.
    pub async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }

    /// A way to send, for another task.
    pub fn sender(&self) -> LinkSender {
        self.sender.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LinkSender {
    /// Sends, after what was sent before; waits while the peer takes no more. Before the link is open the order waits.
    ///
    /// # Errors
    /// The link has ended.
    pub async fn send(&self, outgoing: Outgoing) -> Result<(), SendError> {
        let sent = self.orders.send(outgoing).await;
        sent.map_err(|mpsc::error::SendError(outgoing)| SendError::Ended(outgoing))
    }

    /// Waits until the link has ended.
    pub async fn ended(&self) {
        self.orders.closed().await;
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// Fails when the link has ended, or too many orders are waiting.
    pub fn try_send(&self, outgoing: Outgoing) -> Result<(), SendError> {
        self.orders.try_send(outgoing).map_err(|error| match error {
            mpsc::error::TrySendError::Full(outgoing) => SendError::Full(outgoing),
            mpsc::error::TrySendError::Closed(outgoing) => SendError::Ended(outgoing),
        })
    }
}

async fn run(
    request: impl Future<Output = Result<ConnectRequest, LinkFailure>>,
    mut orders: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<LinkEvent>,
) {
    // A consumer that is gone hears no event, and drops the link with it: so every failed send here means "stop".
    if events.send(LinkEvent::Connecting).await.is_err() {
        return;
    }
    let opened = match request.await {
        Ok(request) => open(&request).await,
        Err(failure) => Err(failure),
    };
    let (end, n_cut_short) = match opened {
        Err(failure) => (LinkEvent::Failed(failure), 0),
        Ok((HandshakeAnswer::Refused(refusal), _)) => (LinkEvent::Refused(refusal), 0),
        Ok((HandshakeAnswer::Open { opened, early }, stream)) => {
            if events.send(LinkEvent::Open(opened)).await.is_err() {
                return;
            }
            let Some(end) = link::run(Tap::new(stream, early), &mut orders, &events).await else {
                return;
            };
            end
        }
    };
    let n_unsent = n_cut_short + n_waiting(&mut orders);
    drop(orders);
    // Losing this and the end is right when nobody listens.
    if n_unsent > 0 {
        let _gone = events.send(LinkEvent::Unsent(n_unsent)).await.is_err();
    }
    tracing::debug!(event = end_name(&end), "a link ended");
    let _gone = events.send(end).await.is_err();
}

/// Messages that were ordered and can no longer be sent. None can be ordered any more.
fn n_waiting(orders: &mut mpsc::Receiver<Outgoing>) -> u64 {
    orders.close();
    std::iter::from_fn(|| orders.try_recv().ok())
        .filter(Outgoing::is_message)
        .count() as u64
}

async fn open(
    request: &ConnectRequest,
) -> Result<(HandshakeAnswer, Box<dyn wire::Stream>), LinkFailure> {
    let wire_failure = |error: wire::WireError| failure(error.step(), &error);
    let uri = wire::parse_url(&request.url).map_err(wire_failure)?;
    let upgrade =
        Request::new(&uri, request).map_err(|error| failure(LinkStep::Request, &error))?;
    let mut stream = wire::open(&uri).await.map_err(wire_failure)?;
    let answer = handshake::shake(&mut stream, &upgrade)
        .await
        .map_err(|error| failure(error.step(), &error))?;
    Ok((answer, stream))
}

/// The failure of a step, with the error and everything under it as causes.
fn failure(step: LinkStep, error: &(dyn Error + 'static)) -> LinkFailure {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !causes.last().is_some_and(|last| last.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    LinkFailure {
        at: clock::now(),
        step,
        causes,
    }
}

fn end_name(end: &LinkEvent) -> &'static str {
    match end {
        LinkEvent::Refused(_) => "refused",
        LinkEvent::Failed(_) => "failed",
        LinkEvent::Closed(_) => "closed",
        LinkEvent::Connecting
        | LinkEvent::Open(_)
        | LinkEvent::Frames(_)
        | LinkEvent::Unsent(_) => "not an end",
    }
}

#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
