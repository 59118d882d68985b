//! When to try again after a link was lost: pure, so that a test can walk through it.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before attempt `attempt` (from 1) at connecting again: half a second, doubling up to 30 s.
///
/// `jitter` takes up to a quarter off, 0 nothing and `u8::MAX` a whole quarter, so that many clients that lost the same
/// gateway do not all return at the same instant.
pub fn delay(attempt: u32, jitter: u8) -> Duration {
    let doublings = attempt.saturating_sub(1).min(6);
    let full = (FIRST * 2_u32.pow(doublings)).min(LONGEST);
    full.saturating_sub(full / 4 * u32::from(jitter) / u32::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(attempt: u32, jitter: u8, delay_ms: u64) {
        assert_eq!(delay(attempt, jitter), Duration::from_millis(delay_ms));
    }

    #[test]
    fn delays_double_and_stop_at_thirty_seconds() {
        check(0, 0, 500);
        check(1, 0, 500);
        check(2, 0, 1_000);
        check(6, 0, 16_000);
        check(7, 0, 30_000);
        check(u32::MAX, 0, 30_000);
    }

    #[test]
    fn jitter_takes_up_to_a_quarter_off() {
        check(1, u8::MAX, 375);
        check(u32::MAX, u8::MAX, 22_500);
    }
}
