//! The account of each job that changes the target, so that an end of the program that comes first can say what is known.

use std::{collections::HashMap, pin::pin};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::Ticket;

/// The account of a job: what is known of it.
#[derive(Debug, Clone, Default)]
struct Account {
    /// In one line, as if it were cut now.
    sentence: String,
    is_over: bool,
}

/// The job's end: it notes what is known. A job that ends without a word has changed nothing, or its failure is told.
#[derive(Debug)]
pub(super) struct Watched {
    account: watch::Sender<Account>,
    stop: CancellationToken,
}

impl Watched {
    /// Is cancelled when somebody wants the job to begin no further step.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Notes what is known so far.
    pub(super) fn note(&self, sentence: String) {
        self.account.send_replace(Account {
            sentence,
            is_over: false,
        });
    }

    /// Notes how it ended. The log has it too: the screen may be gone before it hears of it.
    pub(super) fn end(self, sentence: String) {
        tracing::info!("{sentence}");
        self.account.send_replace(Account {
            sentence,
            is_over: true,
        });
    }
}

/// All jobs that change the target.
#[derive(Debug, Default)]
pub(super) struct Watches {
    open: HashMap<Ticket, Open>,
}

/// A job as whoever ends the program or the job sees it.
#[derive(Debug)]
struct Open {
    account: watch::Receiver<Account>,
    stop: CancellationToken,
}

impl Watches {
    /// Begins an account.
    pub(super) fn open(&mut self, ticket: Ticket) -> Watched {
        self.open.retain(|_, job| job.is_open());
        let (account, watching) = watch::channel(Account::default());
        let stop = CancellationToken::new();
        let job = Open {
            account: watching,
            stop: stop.clone(),
        };
        self.open.insert(ticket, job);
        Watched { account, stop }
    }

    /// Has a job begin no further step.
    pub(super) fn stop(&self, ticket: Ticket) {
        if let Some(job) = self.open.get(&ticket) {
            job.stop.cancel();
        }
    }

    /// True while that job is under way.
    pub(super) fn is_open(&self, ticket: Ticket) -> bool {
        self.open.get(&ticket).is_some_and(Open::is_open)
    }

    /// True while any job is under way.
    pub(super) fn is_any_open(&self) -> bool {
        self.open.values().any(Open::is_open)
    }

    /// Waits until all of them are over or the patience is, and gives what is known of each.
    pub(super) async fn close(&mut self, patience: impl Future<Output = ()>) -> Vec<String> {
        let mut patience = pin!(patience);
        let mut has_none = false;
        let mut accounts = Vec::new();
        for (_, mut job) in self.open.drain().filter(|(_, job)| job.is_open()) {
            let watching = &mut job.account;
            let none_left = async {
                if !has_none {
                    patience.as_mut().await;
                }
            };
            let in_time = tokio::select! {
                biased;
                _ = watching.wait_for(|account| account.is_over) => true,
                () = none_left => false,
            };
            has_none |= !in_time;
            let sentence = watching.borrow().sentence.clone();
            if !sentence.is_empty() {
                tracing::warn!(in_time, "the program ends: {sentence}");
                accounts.push(sentence);
            }
        }
        accounts
    }
}

impl Open {
    fn is_open(&self) -> bool {
        !self.account.borrow().is_over && self.account.has_changed().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn jobs_are_waited_for_and_their_ends_told() {
        let mut watches = Watches::default();
        let job = watches.open(Ticket(1));
        job.note("under way".into());
        tokio::spawn(async move {
            sleep(PATIENCE / 2).await;
            job.end("done".into());
        });
        assert_eq!(watches.close(sleep(PATIENCE)).await, ["done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_takes_too_long_is_told_as_it_stands() {
        let mut watches = Watches::default();
        let job = watches.open(Ticket(1));
        job.note("under way".into());
        let start = Instant::now();
        assert_eq!(watches.close(sleep(PATIENCE)).await, ["under way"]);
        assert!(start.elapsed() < PATIENCE + Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn all_jobs_together_have_the_patience_once() {
        let mut watches = Watches::default();
        let jobs = [1, 2, 3].map(|number| watches.open(Ticket(number)));
        for job in &jobs {
            job.note("under way".into());
        }
        let start = Instant::now();
        assert_eq!(watches.close(sleep(PATIENCE)).await, ["under way"; 3]);
        assert!(start.elapsed() < PATIENCE + Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_that_are_over_or_gone_are_not_waited_for() {
        let mut watches = Watches::default();
        watches.open(Ticket(1)).end("done".into());
        drop(watches.open(Ticket(2)));
        assert!(!watches.is_any_open());
        assert!(!watches.is_open(Ticket(2)));
        assert_eq!(watches.close(sleep(PATIENCE)).await, [""; 0]);
    }
}
