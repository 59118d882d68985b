//! The settling of stages: on AWS a stage that was moved is set at once and served later; until then clients hear
//! either deployment, by chance.

use std::{pin::pin, time::Duration};

use tokio::time::{self, Instant, MissedTickBehavior};

use super::{
    exit::Exit,
    output::Output,
    progress::{Line, TICK},
};
use crate::{aws::Control, model::limit::SETTLING};

/// The act by which a stage came to serve what it serves now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It served something else before.
    Moved,
    /// It was made.
    Created,
}

impl Act {
    /// Returns what clients may meet until the stage has settled.
    fn meanwhile(self) -> &'static str {
        match self {
            Self::Moved => "old and new answer side by side",
            // GUESS: a new stage takes as long as a moved one; how long it refuses is not recorded.
            Self::Created => "the new stage may refuse handshakes with 403",
        }
    }
}

/// Returns the time that a stage of that target takes to settle; none where it serves at once what it is pointed at.
pub(super) fn time(control: &Control) -> Option<Duration> {
    let settling = Duration::try_from(SETTLING).unwrap_or_default();
    control.settles().then_some(settling)
}

/// Says that the stage is set, and for how long it is not settled.
pub(super) fn tell(time: Duration, act: Act, output: Output) {
    let (seconds, meanwhile) = (time.as_secs(), act.meanwhile());
    output.progress(&format!("set; {meanwhile} for up to {seconds} s"));
}

/// Waits until the stage has settled, or until it shall wait no longer.
pub(super) async fn wait(
    time: Duration,
    act: Act,
    output: Output,
    stop: impl Future<Output = ()>,
) -> Exit {
    let mut stop = pin!(stop);
    let end = Instant::now() + time;
    let mut line = Line::new(output);
    let mut ticks = time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => {
                line.clear();
                output.progress("interrupted: the stage is set, and not settled yet");
                return Exit::Interrupted;
            }
            () = time::sleep_until(end) => {
                line.clear();
                output.progress("settled");
                return Exit::Done;
            }
            now = ticks.tick() => {
                let left = end.saturating_duration_since(now).as_secs_f64().ceil();
                line.tell(&format!("{}: {left} s left", act.meanwhile()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn quiet() -> Output {
        Output::new(false, true)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_waited_for_as_long_as_it_takes() {
        let began = Instant::now();
        let time = Duration::try_from(SETTLING).unwrap();
        let exit = wait(time, Act::Moved, quiet(), pending()).await;
        assert_eq!(exit, Exit::Done);
        assert_eq!(began.elapsed().as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_interrupts_it_waits_no_longer() {
        let began = Instant::now();
        let exit = wait(Duration::from_secs(90), Act::Created, quiet(), ready(())).await;
        assert_eq!(exit, Exit::Interrupted);
        assert!(began.elapsed().is_zero());
    }
}
