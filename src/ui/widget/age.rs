//! How long ago something was, in the fewest words that still help.

use jiff::{Timestamp, tz::TimeZone};

/// The age of `then` at `now`: `just now`, `5 min ago`, `3 h ago`, `12 days ago`, or the date.
///
/// A time that lies ahead (two clocks that disagree) is `just now`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    let minutes = seconds / 60;
    let hours = minutes / 60;
    let days = hours / 24;
    match (days, hours, minutes) {
        (60.., _, _) => then
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d")
            .to_string(),
        (2.., _, _) => format!("{days} days ago"),
        (_, 1.., _) => format!("{hours} h ago"),
        (_, _, 1..) => format!("{minutes} min ago"),
        _ => "just now".to_owned(),
    }
}

/// The same for a time that may be unknown.
pub fn ago_or(then: Option<Timestamp>, now: Timestamp, unknown: &str) -> std::borrow::Cow<'_, str> {
    match then {
        Some(then) => ago(then, now).into(),
        None => unknown.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(ago(now - SignedDuration::from_secs(seconds), now), expected);
    }

    #[test]
    fn ages_are_told_in_the_largest_unit_that_still_helps() {
        check(-5, "just now");
        check(59, "just now");
        check(60, "1 min ago");
        check(7200, "2 h ago");
        check(47 * 3600, "47 h ago");
        check(72 * 3600, "3 days ago");
        check(61 * 86_400, "2026-09-21");
    }
}
