//! Explanations of refused handshakes, failed links and closed connections: a sentence each, from what is known, the same
//! on the screen and on the command line.
//!
//! Pure functions, which claim only what the facts prove and name several possible causes as such.

mod ending;
mod error_frame;
mod exchange;
mod refusal;

pub use ending::{CloseFacts, Sent, close, close_name, failure};
pub use error_frame::{LastMessage, error_frame};
pub use exchange::{Exchange, OwnMessage};
pub use refusal::{
    Basis, ConnectRoute, Handshake, Lack, Place, Standing, lack, refusal, refusal_lines, unsettled,
};

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
pub fn no_subprotocol(offered: &[String], agreed: Option<&str>) -> Option<String> {
    let is_missing = agreed.is_none() && !offered.is_empty();
    is_missing.then(|| {
        format!(
            "no subprotocol was agreed to, of {}: browsers and other strict clients refuse such a connection. The integration of $connect must answer one in the header Sec-WebSocket-Protocol",
            offered.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_without_an_agreement_is_told() {
        let offered = ["v1".to_owned(), "v2".to_owned()];
        let words = no_subprotocol(&offered, None).unwrap();
        assert!(
            words.starts_with("no subprotocol was agreed to, of v1, v2"),
            "{words}"
        );
        assert_eq!(no_subprotocol(&offered, Some("v2")), None);
        assert_eq!(no_subprotocol(&[], None), None);
    }
}
