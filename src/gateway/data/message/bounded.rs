//! Text that may grow only so far. Payloads of clients and mappings of definitions can multiply each other; all text
//! that is made of the two goes through here, and stops before it fills the memory.

use std::fmt::{self, Write};

/// A text with a longest length.
#[derive(Debug)]
pub(crate) struct Bounded {
    text: String,
    most: usize,
}

impl Bounded {
    /// Makes an empty text that can take `most` bytes.
    pub(crate) fn new(most: usize) -> Bounded {
        Bounded {
            text: String::new(),
            most,
        }
    }

    /// Bytes that it can still take.
    pub(crate) fn left(&self) -> usize {
        self.most - self.text.len()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
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
