//! The count of notes that deployments are owed, for whoever makes them and for whoever waits until they are made.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// What is owed: how many notes were made, and how many of them were followed.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    n_noted: AtomicU64,
    n_followed: AtomicU64,
    wake: Notify,
    making: Mutex<()>,
}

impl Owed {
    /// Counts another note, or one that could not be followed.
    pub(crate) fn note(&self) {
        self.n_noted.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_one();
    }

    /// Waits until something is owed. Only for one at a time; a note that nobody waits for is kept.
    pub(crate) async fn noted(&self) {
        self.wake.notified().await;
    }

    /// True while something is owed, or being made.
    pub(crate) fn is_any(&self) -> bool {
        self.n_noted.load(Ordering::Acquire) != self.n_followed.load(Ordering::Acquire)
    }

    /// Makes what is owed, unless somebody else did meanwhile. Blocks until that is done.
    pub(crate) fn follow<E>(&self, make: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let _making: MutexGuard<'_, ()> =
            self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let n_noted = self.n_noted.load(Ordering::Acquire);
        if n_noted != self.n_followed.load(Ordering::Acquire) {
            make()?;
            self.n_followed.store(n_noted, Ordering::Release);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_made_once_and_again_only_if_that_failed() {
        let owed = Owed::default();
        let mut n_made = 0;
        let mut follow = |outcome: Result<(), ()>| {
            owed.follow(|| {
                n_made += 1;
                outcome
            })
        };
        assert_eq!(follow(Ok(())), Ok(()));
        owed.note();
        owed.note();
        assert!(owed.is_any());
        assert_eq!(follow(Err(())), Err(()));
        assert!(owed.is_any());
        assert_eq!(follow(Ok(())), Ok(()));
        assert_eq!(follow(Ok(())), Ok(()));
        assert!(!owed.is_any());
        assert_eq!(n_made, 2);
    }
}
