//! The open database, and its way back after a failure of the disk: redb gives a file up after the first failed read or
//! write, so that a moment without space would end the store for good. The file is opened anew instead, which takes
//! what the last commit left.

use std::sync::{
    PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, Ordering},
};

use redb::Database;

use super::error::Error;

/// The function that opens the database.
pub(super) type Open = Box<dyn Fn() -> Result<Database, Error> + Send + Sync>;

/// The database. Whoever uses it holds a look at it, and it is opened anew only when nobody does.
pub(super) struct Handle {
    /// The database; none after it could not be opened anew. Whoever wants it next tries again.
    database: RwLock<Option<Database>>,
    /// The function that opens it anew; none for a state that lives in memory, which would be gone and whose disk
    /// cannot fail.
    open: Option<Open>,
    /// True when it was opened anew since somebody asked.
    is_new: AtomicBool,
}

impl Handle {
    /// Keeps a database that was opened, with the way to open it anew.
    pub(super) fn new(database: Database, open: Option<Open>) -> Self {
        Self {
            database: RwLock::new(Some(database)),
            open,
            is_new: AtomicBool::new(false),
        }
    }

    /// Uses the database.
    pub(super) fn with<T, E: From<Error>>(
        &self,
        run: impl FnOnce(&Database) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut guard = self.look();
        if guard.is_none() {
            drop(guard);
            self.reopen()?;
            guard = self.look();
        }
        run(guard.as_ref().ok_or(Error::Closed)?)
    }

    /// Opens it anew, once nobody uses it any more.
    pub(super) fn reopen(&self) -> Result<(), Error> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let mut place = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // The file is locked until the old one is gone.
        *place = None;
        *place = Some(open()?);
        self.is_new.store(true, Ordering::Release);
        Ok(())
    }

    /// True once after it was opened anew: what is known of it may have to be read again.
    pub(super) fn take_is_new(&self) -> bool {
        self.is_new.swap(false, Ordering::AcqRel)
    }

    fn look(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }
}
