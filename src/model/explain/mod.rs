//! Explanations of refused handshakes, failed links and closed connections: a sentence each, from what is known, the same
//! on the screen and on the command line.
//!
//! Pure functions, which claim only what the facts prove and name several possible causes as such.

mod ending;
mod refusal;

pub use ending::{CloseFacts, Sent, close, close_name, failure};
pub use refusal::{Handshake, may_lack_signature, refusal, refusal_lines, unsettled};

/// An event of a link, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The event, in a few words.
    pub title: String,
    /// The meaning of the event and the way on, in a sentence or two.
    pub text: String,
}
