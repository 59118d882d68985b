//! Failures of the gateway's state.

use std::{io, path::PathBuf, sync::Arc};

/// A failure of the store. Refusals of a request are not among them: those are the control plane's own.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process has the file open.
    #[error("the state file {} is in use by another process", path.display())]
    Locked {
        /// The state file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program. What it holds was left as it is; the database may have
    /// noted in it that it was opened.
    #[error(
        "the state file {} has schema version {found}, and this program knows versions up to {known}",
        path.display()
    )]
    Newer {
        /// The state file.
        path: PathBuf,
        /// The version that the file names.
        found: u64,
        /// The newest version that this program can read.
        known: u64,
    },
    /// The file is no state file, or a damaged one. It was left as it is.
    #[error("the state file {} cannot be read: {reason}", path.display())]
    Corrupt {
        /// The state file.
        path: PathBuf,
        /// The fault of the file.
        reason: String,
    },
    /// The directory of the file does not exist, and it is not for the store to make.
    #[error("the directory {} of the state file does not exist", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file cannot be opened or made.
    #[error("cannot open the state file {}", path.display())]
    Open {
        /// The state file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: Arc<io::Error>,
    },
    /// The disk failed while the database was in use, for example because it is full.
    #[error("the state cannot be read or written")]
    Disk(#[source] Arc<io::Error>),
    /// The database failed while it was in use.
    #[error("the state could not be read or written")]
    Database(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A record is there but cannot be understood.
    #[error("record {key:?} of table {table} cannot be understood")]
    Record {
        /// The table that the record is in.
        table: &'static str,
        /// The key of the record.
        key: String,
        /// The decoder's error.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// The write is broken: it panicked, which the log tells.
    #[error("the write was given up for a fault of the gateway's own")]
    Panicked,
    /// The thread that writes has ended.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Returns the operating system's error, if it says that there is no room.
    pub(crate) fn no_room(&self) -> Option<&io::Error> {
        let (Self::Disk(cause) | Self::Open { source: cause, .. }) = self else {
            return None;
        };
        let is_full = matches!(
            cause.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        is_full.then_some(cause)
    }

    /// Wraps a failure of the database in use.
    pub(super) fn database(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(error) => Self::Disk(Arc::new(error)),
            error @ redb::Error::PreviousIo => Self::Disk(Arc::new(io::Error::other(error))),
            error => Self::Database(Arc::new(error)),
        }
    }
}
