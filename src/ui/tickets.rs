//! Numbers for requests, links and sessions.

use std::collections::BTreeMap;

use crate::model::{LinkId, SessionId, Ticket};

/// Numbers for requests, links and sessions, each given out once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tickets {
    last_ticket: u64,
    last_link: u32,
    last_session: u32,
    copies: BTreeMap<Ticket, String>,
}

impl Tickets {
    /// Returns a number for a request.
    #[must_use]
    pub fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// Returns a number for a link.
    #[must_use]
    pub fn next_link(&mut self) -> LinkId {
        self.last_link += 1;
        LinkId(self.last_link)
    }

    /// Returns a number for a session.
    #[must_use]
    pub fn next_session(&mut self) -> SessionId {
        self.last_session += 1;
        SessionId(self.last_session)
    }

    /// Returns a number for a copy to the clipboard, and remembers the name of what is copied.
    #[must_use]
    pub fn copying(&mut self, what: String) -> Ticket {
        let ticket = self.next_ticket();
        self.copies.insert(ticket, what);
        ticket
    }

    /// Takes out the name of the text that was copied under this ticket.
    pub fn copied(&mut self, ticket: Ticket) -> Option<String> {
        self.copies.remove(&ticket)
    }
}
