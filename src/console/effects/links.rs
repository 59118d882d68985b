//! Links under way: events to the loop in their order, orders to the link in theirs.

use std::collections::HashMap;

use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    live::{self, Link, LinkSender},
    model::{
        ConnectRequest, LinkEvent, LinkId, Outgoing,
        link::{LinkFailure, LinkStep},
    },
    ui::Message,
};

use super::{super::clock, tell};

/// The links that were opened and not dropped.
#[derive(Debug)]
pub(super) struct Links {
    runtime: Handle,
    inbox: mpsc::Sender<Message>,
    open: HashMap<LinkId, OpenLink>,
}

#[derive(Debug)]
struct OpenLink {
    /// What a person sends, so few that nothing needs to hold it back.
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
        }
    }

    /// Opens a link.
    pub(super) fn open(&mut self, link_id: LinkId, request: ConnectRequest) {
        self.open.retain(|_, link| !link.events.is_finished());
        let link = {
            let _inside = self.runtime.enter();
            live::connect(request)
        };
        let (orders, waiting) = mpsc::unbounded_channel();
        let sending = self.runtime.spawn(pass_orders(waiting, link.sender()));
        let inbox = self.inbox.clone();
        let events = self.runtime.spawn(pass_events(link_id, link, inbox));
        let open = OpenLink {
            orders,
            events: AbortOnDropHandle::new(events),
            _sending: AbortOnDropHandle::new(sending),
        };
        self.open.insert(link_id, open);
    }

    /// Sends over a link. After its end the order is lost, and the end has been told.
    pub(super) fn send(&self, link_id: LinkId, outgoing: Outgoing) {
        let sent = self
            .open
            .get(&link_id)
            .map(|link| link.orders.send(outgoing));
        if !matches!(sent, Some(Ok(()))) {
            tracing::debug!(?link_id, "an order for a link that has ended");
        }
    }

    /// Gives a link up.
    pub(super) fn drop_link(&mut self, link_id: LinkId) {
        self.open.remove(&link_id);
    }
}

async fn pass_orders(mut orders: mpsc::UnboundedReceiver<Outgoing>, sender: LinkSender) {
    while let Some(outgoing) = orders.recv().await {
        if sender.send(outgoing).await.is_err() {
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
