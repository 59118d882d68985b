//! Links under way: events to the loop in their order, orders to the link in theirs.

use std::{collections::HashMap, iter, time::Duration};

use tokio::{runtime::Handle, sync::mpsc, task::JoinSet, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    live::{self, Link, LinkSender, SendError},
    model::{
        ConnectRequest, Failure, LinkEvent, LinkId, Outgoing,
        link::{LinkFailure, LinkStep},
    },
    ui::Message,
};

use super::{
    super::{clock, keyring::unsigned},
    tell,
};

/// The longest wait for a peer's answer to our close frame, where nobody listens any more.
const CLOSING: Duration = Duration::from_secs(1);

/// The links that were opened and not dropped.
#[derive(Debug)]
pub(super) struct Links {
    runtime: Handle,
    inbox: mpsc::Sender<Message>,
    open: HashMap<LinkId, OpenLink>,
    /// Links that are closing, and that nobody listens to any more.
    closing: JoinSet<()>,
}

#[derive(Debug)]
struct OpenLink {
    /// The person's orders, so few that nothing needs to hold them back.
    orders: mpsc::UnboundedSender<Outgoing>,
    events: AbortOnDropHandle<()>,
    _sending: AbortOnDropHandle<()>,
}

impl Links {
    /// No links yet.
    pub(super) fn new(runtime: Handle, inbox: mpsc::Sender<Message>) -> Self {
        Self {
            runtime,
            inbox,
            open: HashMap::new(),
            closing: JoinSet::new(),
        }
    }

    /// Opens a link with a request that may have to be signed first.
    pub(super) fn open(
        &mut self,
        link_id: LinkId,
        request: impl Future<Output = Result<ConnectRequest, Failure>> + Send + 'static,
    ) {
        self.open.retain(|_, link| !link.events.is_finished());
        let ready = async { request.await.map_err(|failure| unsigned(&failure)) };
        let link = {
            let _inside = self.runtime.enter();
            live::connect_with(ready)
        };
        let (orders, waiting) = mpsc::unbounded_channel();
        let sending = self.runtime.spawn(pass_orders(
            link_id,
            waiting,
            link.sender(),
            self.inbox.clone(),
        ));
        let inbox = self.inbox.clone();
        let events = self.runtime.spawn(pass_events(link_id, link, inbox));
        let open = OpenLink {
            orders,
            events: AbortOnDropHandle::new(events),
            _sending: AbortOnDropHandle::new(sending),
        };
        self.open.insert(link_id, open);
    }

    /// Sends over a link. After its end a message is lost, which is told.
    pub(super) fn send(&self, link_id: LinkId, outgoing: Outgoing) {
        let lost = match self.open.get(&link_id) {
            Some(link) => link.orders.send(outgoing).err().map(|error| error.0),
            None => Some(outgoing),
        };
        if lost.is_some_and(|outgoing| outgoing.is_message()) {
            let inbox = self.inbox.clone();
            // It ends with the loop, for whom the message is.
            drop(self.runtime.spawn(async move {
                tell(&inbox, Message::Link(link_id, LinkEvent::Unsent(1))).await;
            }));
        }
    }

    /// Closes a link in good order, and no longer than its peer may take.
    pub(super) fn close(&mut self, link_id: LinkId) {
        let Some(link) = self.open.remove(&link_id) else {
            return;
        };
        // SOURCE: RFC 6455 §7.4.1, 1000: the purpose for which the connection was established has been fulfilled.
        let close = Outgoing::Close(Some((1000, String::new())));
        if link.orders.send(close).is_err() {
            return;
        }
        while self.closing.try_join_next().is_some() {}
        let closing = async move {
            let mut link = link;
            if timeout(CLOSING, &mut link.events).await.is_err() {
                tracing::debug!("a peer did not answer a close frame in time");
            }
            // Until then the order must not be taken back.
            drop(link);
        };
        self.closing.spawn_on(closing, &self.runtime);
    }

    /// Waits until the links that are closing have closed, for so long at most; gives the others up.
    pub(super) async fn finish(self, patience: Duration) {
        let Self {
            open, mut closing, ..
        } = self;
        drop(open);
        let closed = async { while closing.join_next().await.is_some() {} };
        if timeout(patience, closed).await.is_err() {
            tracing::debug!("a link did not close in time");
        }
    }

    /// Gives a link up.
    pub(super) fn drop_link(&mut self, link_id: LinkId) {
        self.open.remove(&link_id);
    }
}

/// Passes orders on until the link has ended, and tells what was left then.
async fn pass_orders(
    link_id: LinkId,
    mut orders: mpsc::UnboundedReceiver<Outgoing>,
    sender: LinkSender,
    inbox: mpsc::Sender<Message>,
) {
    while let Some(outgoing) = orders.recv().await {
        if let Err(SendError::Ended(lost) | SendError::Full(lost)) = sender.send(outgoing).await {
            orders.close();
            let rest = iter::from_fn(|| orders.try_recv().ok());
            let messages = iter::once(lost).chain(rest).filter(Outgoing::is_message);
            let n_unsent = messages.count() as u64;
            if n_unsent > 0 {
                tell(&inbox, Message::Link(link_id, LinkEvent::Unsent(n_unsent))).await;
            }
            return;
        }
    }
}

async fn pass_events(link_id: LinkId, mut link: Link, inbox: mpsc::Sender<Message>) {
    let mut has_ended = false;
    while let Some(event) = link.next().await {
        has_ended |= event.is_end();
        tell(&inbox, Message::Link(link_id, event)).await;
    }
    if !has_ended {
        // Only a panic inside the link does that, and the screen must not wait for ever.
        let failure = LinkFailure {
            at: clock::now(),
            step: LinkStep::Open,
            causes: vec!["the link failed inside stagewire; the log has the details".to_owned()],
        };
        tell(&inbox, Message::Link(link_id, LinkEvent::Failed(failure))).await;
    }
}
