//! The gateway's clock: the one place in it that asks what time it is.

use jiff::Timestamp;

/// Returns the time now.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
