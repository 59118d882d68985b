//! API Gateway's limits that both ends must know. SOURCE: "Quotas for configuring and running a WebSocket API".

use jiff::{SignedDuration, Timestamp};

/// Longest payload of one WebSocket frame, in bytes; one byte more and the connection is closed with 1009.
pub const FRAME_BYTES: usize = 32 * 1024;

/// Longest message over all its frames, in bytes; one byte more and the connection is closed with 1009.
pub const MESSAGE_BYTES: usize = 128 * 1024;

/// Stages that an API may have.
pub const STAGES_PER_API: usize = 10;

/// Longest description of anything, in characters.
pub const DESCRIPTION_CHARS: usize = 1024;

/// Minutes without a message in either direction before the connection is closed with 1001.
pub const IDLE_MINUTES: i64 = 10;

/// Hours a connection lives, however busy it is, before it is closed with 1001.
pub const LIFETIME_HOURS: i64 = 2;

/// The longest time that the old and the new deployment may answer side by side after a stage was moved on AWS. SOURCE:
/// recorded from the service in September 2026: 45 to 90 s, on connections that are open too.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(90);

/// Returns the longest time that a stage made or moved at `moved_at` may still take to settle; none when it has
/// settled. A time in the future, by another clock, counts as `now`.
pub fn settles_in(moved_at: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let age = now.duration_since(moved_at).max(SignedDuration::ZERO);
    let left = SETTLING - age;
    left.is_positive().then_some(left)
}

/// A gateway's limits on the idle time and the lifetime of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The longest time without a message in either direction.
    pub idle: SignedDuration,
    /// The longest lifetime, however busy the connection is.
    pub lifetime: SignedDuration,
}

impl ConnectionLimits {
    /// API Gateway's limits.
    pub const USUAL: Self = Self {
        idle: SignedDuration::from_mins(IDLE_MINUTES),
        lifetime: SignedDuration::from_hours(LIFETIME_HOURS),
    };

    /// Returns API Gateway's limits as they are at a gateway whose time passes `scale` times faster.
    pub fn scaled(scale: f64) -> Self {
        let faster = |limit: SignedDuration| {
            // A scale that is none, or so small that nothing would ever end, changes nothing.
            SignedDuration::try_from_secs_f64(limit.as_secs_f64() / scale).unwrap_or(limit)
        };
        Self {
            idle: faster(Self::USUAL.idle),
            lifetime: faster(Self::USUAL.lifetime),
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::USUAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_settles_within_90_s_and_one_from_the_future_was_just_moved() {
        let now = Timestamp::UNIX_EPOCH;
        let left =
            |age| settles_in(now - SignedDuration::from_secs(age), now).map(|it| it.as_secs());
        assert_eq!(left(0), Some(90));
        assert_eq!(left(89), Some(1));
        assert_eq!(left(90), None);
        assert_eq!(left(-3600), Some(90));
    }

    #[test]
    fn limits_pass_as_fast_as_time_does() {
        let idle = |scale| ConnectionLimits::scaled(scale).idle;
        assert_eq!(ConnectionLimits::scaled(1.0), ConnectionLimits::USUAL);
        assert_eq!(idle(60.0), SignedDuration::from_secs(10));
        assert_eq!(idle(0.5), SignedDuration::from_mins(20));
        for scale in [0.0, f64::NAN, f64::MIN_POSITIVE] {
            assert_eq!(idle(scale), ConnectionLimits::USUAL.idle, "{scale}");
        }
    }
}
