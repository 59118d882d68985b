//! The outbox of one client: the messages that wait to be written to it, and the requests to its peer. Bounded in bytes
//! and messages: a post to a slow client waits, and at last gives up.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

/// Bytes that may wait for a client.
const BYTES: usize = 1024 * 1024;
/// Messages that may wait for a client.
const MESSAGES: usize = 4096;
/// The longest time that a post waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// The reason why a connection ends, as the client and the `$disconnect` route learn it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The code of the close frame.
    pub(crate) code: u16,
    /// The reason in the close frame and in the `$disconnect` event.
    pub(crate) reason: &'static str,
    /// The fate of the `$disconnect` route.
    pub(crate) disconnect: Disconnect,
}

/// The fate of the `$disconnect` route when a connection ends: it runs, or is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disconnect {
    Run,
    /// The API or stage that would run it is gone.
    Skip,
}

impl Closing {
    /// SOURCE: captured `$disconnect` event of an idle connection. GUESS: the same for the lifetime and for a shutdown.
    pub(crate) const GOING_AWAY: Closing = Closing {
        code: 1001,
        reason: "Going away",
        disconnect: Disconnect::Run,
    };
    /// GUESS: clients of a deleted stage or API are closed like idle ones, and no `$disconnect` runs: what would run it
    /// is the deployment that the stage served, and a deleted stage serves none.
    pub(crate) const REMOVED: Closing = Closing {
        code: 1001,
        reason: "Going away",
        disconnect: Disconnect::Skip,
    };
    /// SOURCE: recorded on AWS, September 2026: `DELETE @connections`, on the wire and in `$disconnect`.
    pub(crate) const DELETED: Closing = Closing {
        code: 1000,
        reason: "Connection Closed Normally",
        disconnect: Disconnect::Run,
    };
    /// SOURCE: recorded on AWS, September 2026: a binary message, on the wire and in `$disconnect`.
    pub(crate) const BINARY: Closing = Closing::refusing(1003, "Binary is not supported");
    /// GUESS: the reason is empty, as it is of the other rules that a client may break.
    pub(crate) const TOO_LONG: Closing = Closing::refusing(1009, "");
    pub(crate) const NOT_UTF8: Closing = Closing::refusing(1007, "");
    pub(crate) const PROTOCOL_ERROR: Closing = Closing::refusing(1002, "");

    const fn refusing(code: u16, reason: &'static str) -> Closing {
        Closing {
            code,
            reason,
            disconnect: Disconnect::Run,
        }
    }
}

/// The reason why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutboxRefusal {
    /// The connection is ending.
    Closed,
    /// The client reads too slowly.
    Full,
}

/// The messages for one client.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the peer.
    peer: AtomicWaker,
    /// Held by who posts, or waits to post, next. Held across waiting, and so not of the kind that blocks a thread.
    turn: tokio::sync::Mutex<()>,
    /// Wakes who waits to post.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    closing: Option<Closing>,
    in_flight: usize,
}

impl Outbox {
    /// Queues a message, waiting for room if the client is slow. Who came first posts first.
    pub(crate) async fn post(&self, text: Bytes) -> Result<(), OutboxRefusal> {
        let waiting = async {
            let _turn = self.turn.lock().await;
            loop {
                let room = self.room.notified();
                match self.offer(text.clone()) {
                    Err(OutboxRefusal::Full) => room.await,
                    outcome => return outcome,
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or(Err(OutboxRefusal::Full))
    }

    /// Queues a message if there is room.
    fn offer(&self, text: Bytes) -> Result<(), OutboxRefusal> {
        {
            let mut state = self.lock();
            if state.closing.is_some() {
                return Err(OutboxRefusal::Closed);
            }
            if !state.has_room() {
                return Err(OutboxRefusal::Full);
            }
            state.push(text);
        }
        self.peer.wake();
        Ok(())
    }

    /// Queues the peer's own message. There is always room: a peer whose outbox is full reads no further message.
    pub(crate) fn push(&self, text: Bytes) {
        self.lock().push(text);
    }

    /// Asks the peer to close. The first reason stands.
    pub(crate) fn close(&self, closing: Closing) {
        self.lock().closing.get_or_insert(closing);
        self.peer.wake();
        self.room.notify_waiters();
    }

    /// Lets the peer look around.
    pub(crate) fn wake(&self) {
        self.peer.wake();
    }

    /// Registers the peer's task; to be called before what it guards is looked at.
    pub(crate) fn register(&self, waker: &Waker) {
        self.peer.register(waker);
    }

    /// Takes the next message to write.
    pub(crate) fn pop(&self) -> Option<Bytes> {
        let (text, was_full) = {
            let mut state = self.lock();
            let was_full = !state.has_room();
            let text = state.waiting.pop_front()?;
            state.bytes -= text.len();
            if state.waiting.is_empty() && state.waiting.capacity() > 64 {
                state.waiting = VecDeque::new();
            }
            (text, was_full)
        };
        if was_full {
            self.room.notify_waiters();
        }
        Some(text)
    }

    /// Returns the reason why the connection must end, if it must.
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.lock().closing.clone()
    }

    /// True when the peer may read another message.
    pub(crate) fn may_read(&self, most_in_flight: usize) -> bool {
        let state = self.lock();
        state.in_flight < most_in_flight && state.has_room()
    }

    pub(crate) fn begin_call(&self) {
        self.lock().in_flight += 1;
    }

    pub(crate) fn end_call(&self) {
        self.lock().in_flight -= 1;
        self.peer.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in the critical sections can leave the state half changed, so a poisoned lock is as good as another.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.bytes < BYTES && self.waiting.len() < MESSAGES
    }

    fn push(&mut self, text: Bytes) {
        self.bytes += text.len();
        self.waiting.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_outbox_makes_posters_wait_and_then_give_up() {
        let outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; 131_072]);
        for _ in 0..8 {
            outbox.post(large.clone()).await.unwrap();
        }
        assert_eq!(outbox.post(large.clone()).await, Err(OutboxRefusal::Full));
        assert!(!outbox.may_read(1));
        let (posted, popped) = tokio::join!(outbox.post(large.clone()), async {
            tokio::task::yield_now().await;
            outbox.pop()
        });
        assert_eq!((posted, popped), (Ok(()), Some(large)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_not_overtaken() {
        let outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; 131_072]);
        for _ in 0..8 {
            outbox.post(large.clone()).await.unwrap();
        }
        let (waited, came_late) = tokio::join!(outbox.post(large.clone()), async {
            tokio::task::yield_now().await;
            outbox.pop();
            outbox.post(large.clone()).await
        });
        assert_eq!((waited, came_late), (Ok(()), Err(OutboxRefusal::Full)));
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_learn_that_the_connection_ends() {
        let outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; 131_072]);
        for _ in 0..8 {
            outbox.post(large.clone()).await.unwrap();
        }
        let (first, second, ()) =
            tokio::join!(outbox.post(large.clone()), outbox.post(large), async {
                tokio::task::yield_now().await;
                outbox.close(Closing::DELETED);
            });
        assert_eq!(
            (first, second),
            (Err(OutboxRefusal::Closed), Err(OutboxRefusal::Closed))
        );
    }

    #[tokio::test]
    async fn a_closing_connection_takes_nothing_and_keeps_its_first_reason() {
        let outbox = Outbox::default();
        outbox.close(Closing::DELETED);
        outbox.close(Closing::GOING_AWAY);
        assert_eq!(outbox.post(Bytes::new()).await, Err(OutboxRefusal::Closed));
        assert_eq!(outbox.closing(), Some(Closing::DELETED));
    }

    #[test]
    fn calls_in_flight_hold_reading_back() {
        let outbox = Outbox::default();
        outbox.begin_call();
        assert!(outbox.may_read(2));
        outbox.begin_call();
        assert!(!outbox.may_read(2));
        outbox.end_call();
        assert!(outbox.may_read(2));
    }
}
