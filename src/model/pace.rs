//! The pace of control plane calls: the calls that may be made in a time, and the progress of a reading of many calls.

use std::time::Duration;

/// A rate of calls with a burst, as a token bucket has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Calls a second in the long run; more than 0.
    pub per_second: f64,
    /// Calls at once after a rest; at least 1.
    pub burst: f64,
}

impl Pace {
    /// The calls that AWS grants an account in a region. SOURCE: API Gateway quotas, control plane, all operations: 10
    /// requests a second with a burst of 40, shared with everybody else in the account.
    pub const AWS: Self = Self {
        per_second: 10.0,
        burst: 40.0,
    };

    /// The part of the account's calls that we take, unless somebody says otherwise.
    const USUAL_SHARE: f64 = 0.5;

    /// Returns a part of this pace, `share` being more than 0 and at most 1.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self {
            per_second: self.per_second * share,
            burst: (self.burst * share).max(1.0),
        }
    }

    /// Returns the time that `n_calls` calls take, the burst being there to begin with.
    pub fn time_for(self, n_calls: usize) -> Duration {
        self.time_beyond(n_calls, self.burst)
    }

    /// Returns the time that `n_calls` calls take when `spare` of them can be made at once.
    pub fn time_beyond(self, n_calls: usize, spare: f64) -> Duration {
        let n_calls = f64::from(u32::try_from(n_calls).unwrap_or(u32::MAX));
        let waiting = (n_calls - spare).max(0.0);
        Duration::try_from_secs_f64(waiting / self.per_second).unwrap_or(Duration::MAX)
    }
}

/// The urgency of a call. A less urgent call also leaves a part of the burst to calls that may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A step of a deploy or of another act on a stage, which the person watches.
    Act,
    /// A call that a person asked for and waits for.
    Asked,
    /// A call for something that is on the screen.
    Shown,
    /// A call for something that may be looked at next.
    Ahead,
}

impl Priority {
    /// Returns the part of the burst that is left to more urgent calls.
    pub fn reserve(self) -> f64 {
        match self {
            Self::Act => 0.0,
            Self::Asked => 0.2,
            Self::Shown => 0.4,
            Self::Ahead => 0.5,
        }
    }
}

/// A person's limits on the calls of a target; a member that is `None` is left to what is known of the target.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CallLimits {
    /// Calls a second that the account allows.
    pub per_second: Option<f64>,
    /// Calls at once that the account allows; four seconds of calls unless said, as on AWS.
    pub burst: Option<f64>,
    /// The part of both that is ours, more than 0 and at most 1.
    pub share: Option<f64>,
}

impl CallLimits {
    /// Returns the calls a second that a person says there are, as a multiple of AWS's usual grant; 1 where nobody said
    /// anything.
    pub fn times_usual(self) -> f64 {
        let usual = Pace::AWS.per_second;
        self.per_second.unwrap_or(usual) / usual
    }

    /// Returns the pace to keep at a target; none where no limit is known: not AWS, and nobody said one.
    pub fn pace(self, is_aws: bool) -> Option<Pace> {
        let known = is_aws.then_some(Pace::AWS);
        let per_second = self.per_second.or(known.map(|pace| pace.per_second))?;
        let as_on_aws = per_second * Pace::AWS.burst / Pace::AWS.per_second;
        let whole = Pace {
            per_second,
            burst: self.burst.unwrap_or(as_on_aws),
        };
        Some(whole.share(self.share.unwrap_or(Pace::USUAL_SHARE)))
    }
}

/// The progress of a reading of many calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadProgress {
    /// Calls that were answered.
    pub n_done: usize,
    /// All calls, as far as they are known by now; it may grow while lists come in.
    pub n_expected: usize,
    /// The time that the remaining calls will wait for their turn at the pace in force; none where no pace is kept.
    pub left: Option<Duration>,
    /// The call that is held up at the moment, by something besides that pace.
    pub held_up: Option<HeldUp>,
}

/// A call that was refused because there were too many, and waits for another turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldUp {
    /// The call, as the AWS CLI names it.
    pub operation: &'static str,
    /// The interval at which AWS takes one call of this kind, where that is less often than other calls.
    pub every: Option<Duration>,
}

impl HeldUp {
    /// Says `AWS takes one create-deployment every 5 s: waiting`.
    pub fn text(&self) -> String {
        let Self { operation, every } = self;
        match every.map(|every| every.as_secs()) {
            Some(seconds) => format!("AWS takes one {operation} every {seconds} s: waiting"),
            None => format!("too many calls at the moment: {operation} waits for its turn"),
        }
    }
}

impl ReadProgress {
    /// Says `12 of 206 parts, 39 s left`, or the reason for the hold-up.
    pub fn text(&self) -> String {
        self.text_of("parts")
    }

    /// Returns the reason for the hold-up, or the time left where that is a second or more; none when the reading is as
    /// good as done.
    pub fn wait(&self) -> Option<String> {
        if let Some(held_up) = &self.held_up {
            return Some(held_up.text());
        }
        let seconds = self.left?.as_secs_f64().ceil();
        (seconds >= 1.0).then(|| format!("{seconds} s left"))
    }

    /// Returns the text for other things than parts.
    pub fn text_of(&self, things: &str) -> String {
        if let Some(held_up) = &self.held_up {
            return held_up.text();
        }
        let Self {
            n_done, n_expected, ..
        } = self;
        let counts = format!("{n_done} of {n_expected} {things}");
        match self.left.map(|left| left.as_secs_f64().ceil()) {
            Some(seconds) if seconds >= 1.0 => format!("{counts}, {seconds} s left"),
            Some(_) | None => counts,
        }
    }

    /// Returns the part of the progress that came after `earlier`, an earlier stand of the same count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            n_done: self.n_done.saturating_sub(earlier.n_done),
            n_expected: self.n_expected.saturating_sub(earlier.n_done),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(limits: CallLimits, is_aws: bool, expected: Option<(f64, f64)>) {
        let pace = limits.pace(is_aws);
        assert_eq!(pace.map(|pace| (pace.per_second, pace.burst)), expected);
    }

    #[test]
    fn half_of_what_aws_grants_is_ours_and_other_endpoints_are_free() {
        check(CallLimits::default(), true, Some((5.0, 20.0)));
        check(CallLimits::default(), false, None);
    }

    #[test]
    fn what_a_person_says_holds_everywhere() {
        let limits = CallLimits {
            per_second: Some(20.0),
            ..CallLimits::default()
        };
        check(limits, false, Some((10.0, 40.0)));
        let limits = CallLimits {
            burst: Some(10.0),
            share: Some(1.0),
            ..limits
        };
        check(limits, true, Some((20.0, 10.0)));
        let tiny = CallLimits {
            per_second: Some(0.5),
            ..CallLimits::default()
        };
        check(tiny, false, Some((0.25, 1.0)));
        let share = CallLimits {
            share: Some(0.1),
            ..CallLimits::default()
        };
        check(share, true, Some((1.0, 4.0)));
        check(share, false, None);
    }

    #[test]
    fn the_time_for_calls_begins_behind_the_burst() {
        let pace = Pace::AWS.share(0.5);
        assert_eq!(pace.time_for(20), Duration::ZERO);
        assert_eq!(pace.time_for(206), Duration::from_secs_f64(37.2));
        assert_eq!(pace.time_beyond(10, 0.0), Duration::from_secs(2));
    }

    #[test]
    fn progress_says_what_is_left_where_a_pace_is_kept() {
        let progress = |left| ReadProgress {
            n_done: 12,
            n_expected: 206,
            left,
            held_up: None,
        };
        let left = Some(Duration::from_secs_f64(38.2));
        assert_eq!(progress(left).text(), "12 of 206 parts, 39 s left");
        assert_eq!(progress(None).text(), "12 of 206 parts");
        assert_eq!(progress(Some(Duration::ZERO)).text(), "12 of 206 parts");
        let held_up = ReadProgress {
            held_up: Some(HeldUp {
                operation: "create-deployment",
                every: Some(Duration::from_secs(5)),
            }),
            ..progress(left)
        };
        let says = "AWS takes one create-deployment every 5 s: waiting";
        assert_eq!(held_up.text(), says);
        assert_eq!(held_up.wait().as_deref(), Some(says));
        assert_eq!(progress(left).wait().as_deref(), Some("39 s left"));
        assert_eq!(progress(Some(Duration::ZERO)).wait(), None);
        assert_eq!(progress(None).wait(), None);
    }

    #[test]
    fn progress_can_be_told_from_a_later_stand_on() {
        let stand = |n_done, n_expected| ReadProgress {
            n_done,
            n_expected,
            ..ReadProgress::default()
        };
        let later = stand(7, 12).since(stand(5, 5));
        assert_eq!(later.text_of("calls"), "2 of 7 calls");
    }
}
