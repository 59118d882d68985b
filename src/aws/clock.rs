//! The signer's clock: the one place on this floor that asks what time it is.

use std::time::SystemTime;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}
