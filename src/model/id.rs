//! Identifiers: one newtype each, parsed on entry, so that an id of one thing never stands where another belongs.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Text that cannot be the identifier or name it was offered as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {rule}")]
pub struct InvalidId {
    /// The kind of identifier or name that the text was offered as, in a person's words ("stage name").
    pub what: &'static str,
    /// The text as it was offered.
    pub text: String,
    /// The rule that valid text follows.
    pub rule: &'static str,
}

/// Declares identifiers that AWS assigns: opaque, non-empty, free of `/`, white space and control characters.
macro_rules! assigned_ids {
    ($($(#[$meta:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as an identifier.
            ///
            /// # Errors
            /// Refuses empty text, `/`, white space and control characters: AWS never assigns them, and they would
            /// change the meaning of a path.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_opaque(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, text: text.to_owned(), rule: OPAQUE_RULE })
                }
            }
        }

        text_newtype!($name);
    )*};
}

/// Gives a newtype over text the methods and traits that all of them have.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// Returns the identifier as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), &self.0)
            }
        }
    };
}

const OPAQUE_RULE: &str = "it must not be empty nor hold \"/\", white space or control characters";
const STAGE_NAME_RULE: &str =
    "1 to 128 of the characters a-z, A-Z, 0-9, \"_\" and \"-\", or \"$default\"";

fn is_opaque(text: &str) -> bool {
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c == '/' || c.is_whitespace() || c.is_control())
}

assigned_ids! {
    /// An API's id: 10 characters of `[a-z0-9]` on AWS.
    ApiId = "API id";
    /// A route's id.
    RouteId = "route id";
    /// A route response's id.
    RouteResponseId = "route response id";
    /// An integration's id.
    IntegrationId = "integration id";
    /// An integration response's id.
    IntegrationResponseId = "integration response id";
    /// An authorizer's id.
    AuthorizerId = "authorizer id";
    /// A model's id.
    ModelId = "model id";
    /// A deployment's id: 6 characters of `[a-z0-9]` on AWS.
    DeploymentId = "deployment id";
    /// The gateway's id for one client: base64url of 13 bytes with its padding; of 11 bytes in older records.
    ConnectionId = "connection id";
}

/// A stage's name: 1 to 128 characters of `[A-Za-z0-9_-]`, or `$default`.
///
/// SOURCE: reported of AWS: a WebSocket API takes a stage of the name `$default` and serves it under that name. GUESS: one
/// report of several says that it had to be renamed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct StageName(Arc<str>);

impl StageName {
    /// Takes the text as a stage name.
    ///
    /// # Errors
    /// Refuses what API Gateway refuses: other characters, no characters, or more than 128 of them.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_word = (1..=128).contains(&text.len()) && text.chars().all(allowed);
        if is_word || text == "$default" {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId {
                what: "stage name",
                text: text.to_owned(),
                rule: STAGE_NAME_RULE,
            })
        }
    }
}

text_newtype!(StageName);

/// A reference to a part of an API, such as a route or a stage.
#[derive(Debug, PartialEq, Eq)]
pub struct PartRef<'a, Id> {
    /// The API.
    pub api: &'a ApiId,
    /// The part.
    pub id: &'a Id,
}

/// A reference to a response of a route or of an integration.
#[derive(Debug, PartialEq, Eq)]
pub struct ResponseRef<'a, Of, Id> {
    /// The route or the integration.
    pub of: PartRef<'a, Of>,
    /// The response.
    pub id: &'a Id,
}

impl ApiId {
    /// Refers to a part of this API.
    pub fn part<'a, Id>(&'a self, id: &'a Id) -> PartRef<'a, Id> {
        PartRef { api: self, id }
    }
}

impl<'a, Of> PartRef<'a, Of> {
    /// Refers to a response of this route or integration.
    pub fn response<Id>(self, id: &'a Id) -> ResponseRef<'a, Of, Id> {
        ResponseRef { of: self, id }
    }
}

/// Our own number for one link (our end of a WebSocket), unique while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// Our own number for one live session, unique while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// Our own number for one request: an answer that carries another ticket than the one waited for is late, and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_names_take_letters_digits_underscore_and_hyphen_and_one_has_a_dollar_sign() {
        for name in ["prod", "v1", "tf-acc-test_9", "A", "$default"] {
            assert_eq!(StageName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn stage_names_refuse_everything_else() {
        for name in [
            "",
            "two words",
            "a/b",
            "$other",
            "$default2",
            "é",
            &"x".repeat(129),
        ] {
            assert!(StageName::parse(name).is_err(), "{name:?} was taken");
        }
    }

    #[test]
    fn assigned_ids_refuse_what_would_change_a_path() {
        for text in ["", "a/b", "a b", "a\u{7}"] {
            assert!(ApiId::parse(text).is_err(), "{text:?} was taken");
        }
        assert_eq!(
            ApiId::parse("k3v9x2a1bc").unwrap().to_string(),
            "k3v9x2a1bc"
        );
    }
}
