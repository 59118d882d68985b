//! The command line's clock: the one place on this floor that asks what time it is.

use std::time::Instant;

use jiff::Timestamp;

/// Returns the time now.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns this moment, to measure from.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn instant() -> Instant {
    Instant::now()
}
