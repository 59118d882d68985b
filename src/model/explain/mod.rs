//! Explanations of refused handshakes, failed links and closed connections: a sentence each, from what is known, the same
//! on the screen and on the command line.
//!
//! Pure functions, which claim only what the facts prove and name several possible causes as such.

mod ending;
mod error_frame;
mod exchange;
mod refusal;
mod server;

pub use ending::{CloseFacts, Sent, close, close_name, failure};
pub use error_frame::{LastMessage, error_frame};
pub use exchange::{Exchange, OwnMessage};
pub use refusal::{
    Basis, ConnectRoute, Handshake, Lack, Place, Standing, lack, refusal, refusal_lines, unsettled,
};
pub use server::Server;

/// An event of a link, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The event, in a few words.
    pub title: String,
    /// The meaning of the event and the way on, in a sentence or two.
    pub text: String,
}

/// Returns the words for a connection whose peer agreed to none of the subprotocols on offer; none where it agreed to one,
/// or where there was no offer.
pub fn no_subprotocol(offered: &[String], agreed: Option<&str>, server: Server) -> Option<String> {
    if agreed.is_some() || offered.is_empty() {
        return None;
    }
    let who = match server {
        Server::Stage | Server::Domain => "The integration of $connect",
        Server::Any => "The server",
    };
    Some(format!(
        "no subprotocol was agreed to, of {}: browsers and other strict clients refuse such a connection. {who} must answer one in the header Sec-WebSocket-Protocol",
        offered.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_without_an_agreement_is_told() {
        let offered = ["v1".to_owned(), "v2".to_owned()];
        let words = no_subprotocol(&offered, None, Server::Stage).unwrap();
        assert!(
            words.starts_with("no subprotocol was agreed to, of v1, v2"),
            "{words}"
        );
        assert!(words.contains("The integration of $connect"), "{words}");
        let words = no_subprotocol(&offered, None, Server::Any).unwrap();
        assert!(!words.contains("$connect"), "{words}");
        assert_eq!(no_subprotocol(&offered, Some("v2"), Server::Stage), None);
        assert_eq!(no_subprotocol(&[], None, Server::Stage), None);
    }
}
