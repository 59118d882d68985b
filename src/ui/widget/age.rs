//! Ages: the time since something happened, in the fewest words that still help.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Returns the age of `then` at `now`: `just now`, `5 min ago`, `3 h ago`, `12 days ago`, or the date.
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

/// Returns the time until [`ago`] says something else of one of these times; none when it never does.
///
/// A screen that shows ages wakes up then and no sooner: what is three days old costs a look a day.
pub fn until_change(
    times: impl IntoIterator<Item = Option<Timestamp>>,
    now: Timestamp,
) -> Option<Duration> {
    let waits = times.into_iter().flatten().filter_map(|then| {
        let age = now.duration_since(then);
        let minutes = age.as_secs() / 60;
        let next = match (minutes / (24 * 60), minutes / 60) {
            (60.., _) => return None,
            (days @ 2.., _) => SignedDuration::from_hours(24 * (days + 1)),
            (_, hours @ 1..) => SignedDuration::from_hours(hours + 1),
            _ => SignedDuration::from_mins(minutes.max(0) + 1),
        };
        Duration::try_from(next - age).ok()
    });
    waits.min()
}

/// The time that "up to date" counts as fresh after the oldest reading that it stands on.
pub const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// Returns the age of a reading in steps, so that a screen that stands is drawn anew a few times only:
/// `now`, `10 s ago`, `30 s ago`, `1 min ago`, then as [`ago`].
pub fn as_of(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then).as_secs() {
        ..10 => "now".to_owned(),
        10..30 => "10 s ago".to_owned(),
        30..60 => "30 s ago".to_owned(),
        _ => ago(then, now),
    }
}

/// Returns the time until [`as_of`] says something else; none when it never does.
pub fn as_of_changes_in(then: Timestamp, now: Timestamp) -> Option<Duration> {
    let age = now.duration_since(then);
    let next = match age.as_secs() {
        ..10 => SignedDuration::from_secs(10),
        10..30 => SignedDuration::from_secs(30),
        30..60 => SignedDuration::from_secs(60),
        _ => return until_change([Some(then)], now),
    };
    Duration::try_from(next - age).ok()
}

/// Returns the age of a time, or `unknown` when there is none.
pub fn ago_or(then: Option<Timestamp>, now: Timestamp, unknown: &str) -> std::borrow::Cow<'_, str> {
    match then {
        Some(then) => ago(then, now).into(),
        None => unknown.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_reading_ages_in_steps() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (seconds, says, next) in [
            (-1, "now", 11),
            (0, "now", 10),
            (9, "now", 1),
            (10, "10 s ago", 20),
            (30, "30 s ago", 30),
            (60, "1 min ago", 60),
            (7_200, "2 h ago", 3_600),
        ] {
            let then = now - SignedDuration::from_secs(seconds);
            assert_eq!(as_of(then, now), says);
            let next = Duration::from_secs(next);
            assert_eq!(as_of_changes_in(then, now), Some(next), "{seconds}");
        }
    }

    #[test]
    fn an_age_is_looked_at_again_just_when_it_changes() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let then = |seconds: i64| now - SignedDuration::from_secs(seconds);
        let days = 86_400;
        for seconds in [
            -70,
            0,
            59,
            60,
            61,
            3599,
            3600,
            47 * 3600,
            3 * days,
            60 * days - 1,
        ] {
            let wait = until_change([Some(then(seconds))], now).unwrap();
            let change = now + SignedDuration::try_from(wait).unwrap();
            let before = change - SignedDuration::from_millis(1);
            assert_eq!(
                ago(then(seconds), before),
                ago(then(seconds), now),
                "{seconds}"
            );
            assert_ne!(
                ago(then(seconds), change),
                ago(then(seconds), now),
                "{seconds}"
            );
        }
        assert_eq!(until_change([None, Some(then(61 * days))], now), None);
        let both = [Some(then(3 * days)), Some(then(100))];
        assert_eq!(until_change(both, now), Some(Duration::from_secs(20)));
    }
}
