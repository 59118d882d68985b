//! The thread that writes: it takes all writes that wait, applies them in one transaction, commits once, answers all.
//!
//! Making a transaction durable costs a wait for the disk; sharing it lets eight clients write about eight times as
//! fast as one. A write that is refused must leave nothing behind. Requests check before they write, so normally there
//! is nothing to undo; should one be refused after it wrote, the transaction is given up and the others run again.
//!
//! A failure of the disk is told to all that share the transaction, and the database is opened anew: what was answered
//! before is there, reads go on, and the next write is tried as if nothing had been. A write that panics is given up like
//! one that is refused after it wrote.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender},
    },
};

use redb::ReadableDatabase;
use tokio::sync::broadcast;

use super::{
    draft::Draft,
    error::Error,
    handle::Handle,
    owed::Owed,
    serving_cache::{Change, Removed, ServingCache},
    view::View,
};

/// Most writes that share one transaction.
const BATCH: usize = 256;

/// Runs a write and keeps its outcome. It may run again, in another transaction. True when it was not refused.
pub(super) type Apply = Box<dyn FnMut(&mut Draft<'_>) -> bool + Send>;

/// A write that waits for its turn.
pub(super) struct QueuedWrite {
    pub(super) apply: Apply,
    /// The way to whoever waits until the write is durable, or refused, or could not be made durable.
    pub(super) reply: SyncSender<Result<(), Error>>,
}

impl QueuedWrite {
    fn finish(self, durable: Result<(), Error>) {
        // Nobody waits any more when the request was given up; its write stands all the same.
        drop(self.reply.send(durable));
    }
}

/// The state of the writing thread.
pub(super) struct Writer {
    pub(super) handle: Arc<Handle>,
    pub(super) serving_cache: Arc<RwLock<ServingCache>>,
    pub(super) removals: broadcast::Sender<Removed>,
    pub(super) owed: Arc<Owed>,
}

impl Writer {
    /// Serves writes until nobody can send any more.
    pub(super) fn run(self, jobs: &Receiver<QueuedWrite>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            // Whoever waits for one of these learns that it failed, for its reply is dropped on the way.
            let served = catch_unwind(AssertUnwindSafe(|| self.serve(batch)));
            if let Err(panic) = served {
                log_panic(panic.as_ref());
                self.reopen();
            }
        }
    }

    fn serve(&self, mut batch: Vec<QueuedWrite>) {
        self.catch_up();
        let durable = loop {
            match self.attempt(&mut batch) {
                Ok(BatchOutcome::Durable(changes)) => {
                    self.publish(changes);
                    break Ok(());
                }
                Ok(BatchOutcome::Spoiled(idx, told)) => batch.remove(idx).finish(told),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &durable {
            tracing::error!(error = error as &dyn std::error::Error, "a write failed");
            self.recover(error);
        }
        for job in batch {
            job.finish(durable.clone());
        }
    }

    fn attempt(&self, batch: &mut [QueuedWrite]) -> Result<BatchOutcome, Error> {
        self.handle.with(|database| {
            let transaction = database.begin_write().map_err(Error::database)?;
            let mut draft = Draft::new(&transaction, &self.serving_cache);
            for (idx, job) in batch.iter_mut().enumerate() {
                let n_before = draft.n_writes();
                let accepted = catch_unwind(AssertUnwindSafe(|| (job.apply)(&mut draft)));
                match accepted {
                    Ok(is_accepted) if is_accepted || draft.n_writes() == n_before => {}
                    Ok(_) => return Ok(BatchOutcome::Spoiled(idx, Ok(()))),
                    Err(panic) => {
                        log_panic(panic.as_ref());
                        return Ok(BatchOutcome::Spoiled(idx, Err(Error::Panicked)));
                    }
                }
            }
            let is_changed = draft.n_writes() > 0;
            let changes = draft.into_changes();
            if is_changed {
                transaction.commit().map_err(Error::database)?;
            }
            Ok(BatchOutcome::Durable(changes))
        })
    }

    /// Opens the database anew after the disk failed.
    fn recover(&self, error: &Error) {
        if matches!(error, Error::Disk(_)) {
            self.reopen();
        }
    }

    fn reopen(&self) {
        match self.handle.reopen() {
            Ok(()) => self.catch_up(),
            // Whoever reads or writes next tries again.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the state could not be opened anew");
            }
        }
    }

    /// Learns what the database holds, if it was opened anew: of a commit that failed half way all may be there.
    fn catch_up(&self) {
        if !self.handle.take_is_new() {
            return;
        }
        let loaded = self.handle.with(|database| {
            let transaction = database.begin_read().map_err(Error::database)?;
            ServingCache::load(&View::of_commit(transaction))
        });
        match loaded {
            Ok(new) => {
                let mut cache = self
                    .serving_cache
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                let removed = cache.replace(new);
                drop(cache);
                self.tell(removed);
                // A deployment may be owed by it; a wake for nothing does no harm.
                self.owed.note();
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what is served could not be read anew");
            }
        }
    }

    fn publish(&self, changes: Vec<Change>) {
        if changes
            .iter()
            .any(|change| matches!(change, Change::DeploymentOwed))
        {
            self.owed.note();
        }
        let mut cache = self
            .serving_cache
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let removed: Vec<Removed> = changes
            .into_iter()
            .filter_map(|change| cache.apply(change))
            .collect();
        drop(cache);
        self.tell(removed);
    }

    fn tell(&self, removed: Vec<Removed>) {
        for removed in removed {
            // Without a data plane nobody is connected, so nobody needs to hear of it.
            drop(self.removals.send(removed));
        }
    }
}

fn log_panic(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let panic = text.unwrap_or("for no reason that is text");
    tracing::error!(panic, "a write of the state panicked");
}

/// The outcome of an attempt at a batch of writes.
enum BatchOutcome {
    /// The batch is on disk; the data plane must learn these changes.
    Durable(Vec<Change>),
    /// The write at this index was refused after it had written, or panicked, so nothing was kept; what to tell it.
    Spoiled(usize, Result<(), Error>),
}
