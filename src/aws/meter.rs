//! The count of a reading's calls, for whoever watches it.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::model::pace::{HeldUp, ReadProgress};

/// Counts calls; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Meter(Arc<watch::Sender<ReadProgress>>);

impl Meter {
    /// A meter at zero, and where to watch it.
    pub(super) fn new() -> (Self, watch::Receiver<ReadProgress>) {
        let (sender, receiver) = watch::channel(ReadProgress::default());
        (Self(Arc::new(sender)), receiver)
    }

    /// Notes what holds a call up, or that nothing does any more.
    pub(super) fn hold(&self, held_up: Option<HeldUp>) {
        self.0.send_if_modified(|progress| {
            // One of many that waits says nothing of the others.
            let is_last = progress.n_expected <= progress.n_done + 1;
            let held_up = held_up.filter(|it| is_last || it.every.is_some());
            let is_news = progress.held_up != held_up;
            progress.held_up = held_up;
            is_news
        });
    }

    /// Notes that so many more calls will come.
    pub(super) fn expect(&self, n_calls: usize, time_for: impl Fn(usize) -> Option<Duration>) {
        self.0.send_modify(|progress| {
            progress.n_expected += n_calls;
            progress.left = time_for(progress.n_expected - progress.n_done);
        });
    }

    /// Notes that a call begins: one that nobody announced is expected from now on.
    pub(super) fn begin(&self, time_for: impl Fn(usize) -> Option<Duration>) {
        self.0.send_if_modified(|progress| {
            let is_news = progress.n_expected == progress.n_done;
            if is_news {
                progress.n_expected += 1;
                progress.left = time_for(1);
            }
            is_news
        });
    }

    /// Notes that a call is over. One that nobody announced is taken as expected.
    pub(super) fn count(&self, time_for: impl Fn(usize) -> Option<Duration>) {
        self.0.send_modify(|progress| {
            progress.n_done += 1;
            progress.n_expected = progress.n_expected.max(progress.n_done);
            progress.left = time_for(progress.n_expected - progress.n_done);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_what_is_expected_and_done() {
        let (meter, progress) = Meter::new();
        let second_each = |n_left: usize| Some(Duration::from_secs(n_left as u64));
        meter.expect(2, second_each);
        assert_eq!(progress.borrow().left, Some(Duration::from_secs(2)));
        for _ in 0..3 {
            meter.count(second_each);
        }
        let end = *progress.borrow();
        assert_eq!((end.n_done, end.n_expected), (3, 3));
        assert_eq!(end.left, Some(Duration::ZERO));
    }
}
