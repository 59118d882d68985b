//! Text that may grow only so far. What clients send and what definitions ask of it can multiply each other; whatever is
//! written out of the two goes through here, and stops before it fills the memory.

use std::fmt::{self, Write};

/// A text with a longest length.
#[derive(Debug)]
pub(super) struct Bounded {
    text: String,
    most: usize,
}

impl Bounded {
    /// An empty text that can take `most` bytes.
    pub(super) fn new(most: usize) -> Bounded {
        Bounded {
            text: String::new(),
            most,
        }
    }

    /// Bytes that it can still take.
    pub(super) fn left(&self) -> usize {
        self.most - self.text.len()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl Write for Bounded {
    /// Fails, and writes nothing, where the text would become too long.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.left() {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}
