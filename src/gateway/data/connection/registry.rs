//! All open connections, by id.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use jiff::Timestamp;

use super::outbox::{Closing, Outbox};
use crate::gateway::{clock, data::handshake::caller::Caller};

/// An open connection, from the moment `$connect` accepted it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) api_id: String,
    pub(crate) stage: String,
    /// Host, port and, where the API is addressed by path, its id: what callbacks put before the stage.
    pub(crate) domain_name: String,
    pub(crate) connected_at: Timestamp,
    pub(crate) source_ip: IpAddr,
    pub(crate) user_agent: Option<String>,
    pub(crate) outbox: Outbox,
    pub(crate) traffic: Traffic,
    /// Set once, by the handshake that asked; boxed, since most connections are nobody's.
    caller: OnceLock<Box<Caller>>,
    /// Milliseconds since the Unix epoch of the last message in either direction.
    last_active_ms: AtomicI64,
}

/// The numbers of messages that passed.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// Notes a message to the client.
    pub(crate) fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a message from the client.
    pub(crate) fn count_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages that the client was sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Messages that the client sent.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// A client that connects.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) api_id: String,
    pub(crate) stage: String,
    pub(crate) domain_name: String,
    pub(crate) source_ip: IpAddr,
    pub(crate) user_agent: Option<String>,
}

impl Connection {
    pub(crate) fn new(id: String, client: Client) -> Connection {
        let now = clock::now();
        Connection {
            id,
            api_id: client.api_id,
            stage: client.stage,
            domain_name: client.domain_name,
            connected_at: now,
            source_ip: client.source_ip,
            user_agent: client.user_agent,
            outbox: Outbox::default(),
            traffic: Traffic::default(),
            caller: OnceLock::new(),
            last_active_ms: AtomicI64::new(now.as_millisecond()),
        }
    }

    /// Notes who connected. The first word stands.
    pub(crate) fn identify(&self, caller: Caller) {
        self.caller.get_or_init(|| Box::new(caller));
    }

    /// Returns the caller, if the route asked who connected.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.caller.get().map(Box::as_ref)
    }

    /// Notes a message in either direction.
    pub(crate) fn touch(&self) {
        let now = clock::now().as_millisecond();
        self.last_active_ms.store(now, Ordering::Relaxed);
    }

    /// Returns the time of the last message, in either direction.
    pub(crate) fn last_active(&self) -> Timestamp {
        Timestamp::from_millisecond(self.last_active_ms.load(Ordering::Relaxed))
            .unwrap_or(self.connected_at)
    }
}

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: HashMap<String, Arc<Connection>>,
    closed: bool,
}

impl Registry {
    /// Adds a connection; false once the gateway is stopping.
    pub(crate) fn add(&self, connection: Arc<Connection>) -> bool {
        let mut state = self.write();
        if !state.closed {
            state.connections.insert(connection.id.clone(), connection);
        }
        !state.closed
    }

    /// Returns the connection with this id, if it belongs to this API.
    ///
    /// SOURCE: recorded on AWS, September 2026: ids belong to the API, and every stage of it reaches them. GUESS: one of
    /// another API is as good as gone.
    pub(crate) fn find(&self, api_id: &str, id: &str) -> Option<Arc<Connection>> {
        let state = self.read();
        let connection = state.connections.get(id)?;
        (connection.api_id == api_id).then(|| Arc::clone(connection))
    }

    /// Forgets a connection; from now on its id is gone.
    pub(crate) fn remove(&self, id: &str) {
        self.write().connections.remove(id);
    }

    /// Returns the connections that `which` names, in no order.
    pub(crate) fn list(&self, which: impl Fn(&Connection) -> bool) -> Vec<Arc<Connection>> {
        let state = self.read();
        let connections = state.connections.values();
        let named = connections.filter(|connection| which(connection));
        named.map(Arc::clone).collect()
    }

    /// Lets every peer look around.
    pub(crate) fn wake_all(&self) {
        for connection in self.read().connections.values() {
            connection.outbox.wake();
        }
    }

    /// Asks every connection that `which` names to close.
    pub(crate) fn close_where(&self, closing: &Closing, which: impl Fn(&Connection) -> bool) {
        for connection in self.read().connections.values() {
            if which(connection) {
                connection.outbox.close(closing.clone());
            }
        }
    }

    /// Asks every connection to close, and takes no other.
    pub(crate) fn shut(&self, closing: &Closing) {
        self.write().closed = true;
        self.close_where(closing, |_| true);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::data::ids;

    fn connection(stage: &str) -> Arc<Connection> {
        let client = Client {
            api_id: "a1".to_owned(),
            stage: stage.to_owned(),
            domain_name: "127.0.0.1:1/a1".to_owned(),
            source_ip: [127, 0, 0, 1].into(),
            user_agent: None,
        };
        Arc::new(Connection::new(ids::of_connection(), client))
    }

    #[test]
    fn an_id_is_known_to_its_own_api_until_it_is_removed() {
        let registry = Registry::default();
        let open = connection("prod");
        assert!(registry.add(Arc::clone(&open)));
        assert!(registry.find("a1", &open.id).is_some());
        assert!(registry.find("a2", &open.id).is_none());
        registry.remove(&open.id);
        assert!(registry.find("a1", &open.id).is_none());
    }

    #[test]
    fn closing_reaches_only_whom_it_names() {
        let registry = Registry::default();
        let (prod, test) = (connection("prod"), connection("test"));
        registry.add(Arc::clone(&prod));
        registry.add(Arc::clone(&test));
        registry.close_where(&Closing::REMOVED, |connection| connection.stage == "prod");
        assert_eq!(prod.outbox.closing(), Some(Closing::REMOVED));
        assert_eq!(test.outbox.closing(), None);
    }

    #[test]
    fn a_stopping_gateway_takes_no_connection() {
        let registry = Registry::default();
        registry.shut(&Closing::GOING_AWAY);
        assert!(!registry.add(connection("prod")));
    }
}
