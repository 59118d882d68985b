//! A text that no log, error or screen shows by accident.

use std::fmt;

use serde::Deserialize;

/// A secret key, a token or an API key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` out of sight.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Returns the text itself, for whoever needs it to sign or to compare.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_not_in_what_is_logged() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret");
    }
}
