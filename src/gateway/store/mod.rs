//! The gateway's state: an embedded transactional database, and in memory the part of it that the data plane reads.
//!
//! The control plane reads through a [`View`] and writes through a [`Draft`]; both are short and block, so they run on
//! a blocking thread and are never held across an `.await`. One thread writes (see [`writer`]); an answered write is
//! durable. The data plane asks [`Store::serving`] and never touches the database.

mod domains;
mod draft;
mod error;
mod handle;
mod migrate;
mod owed;
pub(crate) mod record;
mod served;
mod serving_cache;
mod view;
mod writer;

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use redb::{Database, DatabaseError, ReadableDatabase, StorageError, backends::InMemoryBackend};
use tokio::sync::broadcast;

pub use self::error::Error;
pub(crate) use self::{
    domains::Mapped,
    draft::Draft,
    serving_cache::{Absent, Removed},
    view::{Record, View, within},
};
use self::{
    handle::{Handle, Open},
    migrate::{FoundVersion, SCHEMA_VERSION},
    owed::Owed,
    record::{OwedDeploymentRecord, Serving},
    serving_cache::ServingCache,
    writer::{Apply, QueuedWrite, Writer},
};
use super::StoreLocation;

/// Bytes of the file that the database keeps in memory; its own default is a gibibyte.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Removals that a slow listener may be behind before it loses the oldest.
const REMOVALS_HELD: usize = 1024;

/// A handle to the gateway's state, cheap to clone. The file is closed when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    handle: Arc<Handle>,
    serving_cache: Arc<RwLock<ServingCache>>,
    removals: broadcast::Sender<Removed>,
    owed: Arc<Owed>,
    /// The writing thread and the way to it; taken when the store is dropped.
    writer: Option<WriterThread>,
}

struct WriterThread {
    jobs: Sender<QueuedWrite>,
    thread: JoinHandle<()>,
}

impl Store {
    /// Opens the state, making a new one where there is none.
    ///
    /// # Errors
    /// Fails when the file is locked, newer, damaged or not ours, and leaves what it holds as it is.
    pub(crate) fn open(location: &StoreLocation) -> Result<Self, Error> {
        let (database, open): (_, Option<Open>) = match location {
            StoreLocation::Memory => {
                let database = builder().create_with_backend(InMemoryBackend::new());
                (database.map_err(Error::database)?, None)
            }
            StoreLocation::File(path) => {
                let database = open_file(path)?;
                let path = path.clone();
                (database, Some(Box::new(move || open_file(&path))))
            }
        };
        Self::of(database, open, location)
    }

    /// Makes the store in a database that was opened, with the way to open it anew.
    fn of(database: Database, open: Option<Open>, location: &StoreLocation) -> Result<Self, Error> {
        match migrate::find_version(&database)? {
            FoundVersion::New => migrate::create(&database)?,
            FoundVersion::Version(version @ 1..=SCHEMA_VERSION) => {
                migrate::upgrade(&database, version)?;
            }
            found => return Err(refuse(&found, location)),
        }
        let transaction = database.begin_read().map_err(Error::database)?;
        let view = View::of_commit(transaction);
        let serving_cache = ServingCache::load(&view)?;
        let owed = Arc::new(Owed::default());
        if !view.everything::<OwedDeploymentRecord>()?.is_empty() {
            owed.note();
        }
        drop(view);
        Self::start(Handle::new(database, open), serving_cache, owed)
    }

    fn start(handle: Handle, serving_cache: ServingCache, owed: Arc<Owed>) -> Result<Self, Error> {
        let handle = Arc::new(handle);
        let serving_cache = Arc::new(RwLock::new(serving_cache));
        let (removals, _) = broadcast::channel(REMOVALS_HELD);
        let writer = Writer {
            handle: Arc::clone(&handle),
            serving_cache: Arc::clone(&serving_cache),
            removals: removals.clone(),
            owed: Arc::clone(&owed),
        };
        let (jobs, waiting) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("gateway-store".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|error| Error::Database(Arc::new(error)))?;
        Ok(Self {
            inner: Arc::new(Inner {
                handle,
                serving_cache,
                removals,
                owed,
                writer: Some(WriterThread { jobs, thread }),
            }),
        })
    }

    /// Returns what a stage serves at this moment. In memory, and cheap enough for every message.
    pub(crate) fn serving(&self, api_id: &str, stage: &str) -> Result<Arc<Serving>, Absent> {
        self.cache().serving(api_id, stage)
    }

    /// Returns what a message or a handshake on a stage meets at this moment: what the stage serves, or perhaps what it
    /// served before, until it has settled. A new stage is absent until then. In memory, and as cheap as
    /// [`Store::serving`] where stages settle at once.
    pub(crate) fn answering(&self, api_id: &str, stage: &str) -> Result<Arc<Serving>, Absent> {
        self.cache().answering(api_id, stage)
    }

    /// Sets the time that stages take to settle from now on; with none, the default, they settle at once.
    pub(crate) fn set_settling_time(&self, time: Duration) {
        let cache = &self.inner.serving_cache;
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.set_settling_time(time);
    }

    fn cache(&self) -> RwLockReadGuard<'_, ServingCache> {
        serving_cache::read(&self.inner.serving_cache)
    }

    /// True when a host is a custom domain name of any region. In memory.
    pub(crate) fn is_domain_name(&self, host: &str) -> bool {
        self.cache().domains.knows(host)
    }

    /// Returns the stage that answers under a key of a custom domain name. In memory.
    pub(crate) fn mapped(&self, host: &str, key: &str) -> Option<Mapped> {
        self.cache().domains.find(host, key)
    }

    /// Returns all stages that answer under a custom domain name, in no order. In memory.
    pub(crate) fn all_mapped(&self, host: &str) -> Vec<Mapped> {
        self.cache().domains.all(host)
    }

    /// Tells of every API and stage that ceases to exist, after the write is durable.
    pub(crate) fn removals(&self) -> broadcast::Receiver<Removed> {
        self.inner.removals.subscribe()
    }

    /// Returns what is owed to stages that follow the definition by themselves, from the start on: a dying gateway may have
    /// left some.
    pub(crate) fn owed(&self) -> Arc<Owed> {
        Arc::clone(&self.inner.owed)
    }

    /// True while there is no API in any region.
    pub(crate) fn is_empty(&self) -> bool {
        self.cache().is_empty()
    }

    /// Reads from one consistent view. Blocks.
    pub(crate) fn read<T, E: From<Error>>(
        &self,
        run: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.inner.handle.with(|database| {
            let transaction = database.begin_read().map_err(Error::database)?;
            run(&View::of_commit(transaction))
        })
    }

    /// Writes, and returns once that is durable; a refusal leaves nothing behind. Blocks.
    ///
    /// `run` checks first and writes then; it may be called again when another write spoils the transaction that the
    /// two share.
    pub(crate) fn write<T, E>(
        &self,
        run: impl FnMut(&mut Draft<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.order(run)?.wait()
    }

    /// Hands a write over to the writing thread.
    fn order<T, E>(
        &self,
        mut run: impl FnMut(&mut Draft<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Ordered<T, E>, Error>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let outcome = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&outcome);
        let answer = self.submit(Box::new(move |draft| {
            let outcome = run(draft);
            let is_accepted = outcome.is_ok();
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            is_accepted
        }))?;
        Ok(Ordered { outcome, answer })
    }

    fn submit(&self, apply: Apply) -> Result<Receiver<Result<(), Error>>, Error> {
        let writer = self.inner.writer.as_ref().ok_or(Error::Closed)?;
        let (reply, answer) = mpsc::sync_channel(1);
        let job = QueuedWrite { apply, reply };
        writer.jobs.send(job).map_err(|_| Error::Closed)?;
        Ok(answer)
    }
}

/// A write that the writing thread has or had.
struct Ordered<T, E> {
    /// The outcome of the write itself, the last time it ran.
    outcome: Arc<Mutex<Option<Result<T, E>>>>,
    /// The answer that the write is durable, or not. A refused write gets one too, which says nothing.
    answer: Receiver<Result<(), Error>>,
}

impl<T, E: From<Error>> Ordered<T, E> {
    fn wait(self) -> Result<T, E> {
        let durable = self.answer.recv().unwrap_or(Err(Error::Closed));
        let outcome = self
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (outcome, durable) {
            (Some(Err(refusal)), _) => Err(refusal),
            (_, Err(error)) => Err(error.into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Closed.into()),
        }
    }
}

impl Drop for Inner {
    /// Waits for the writing thread, so that the file is closed when this returns.
    fn drop(&mut self) {
        if let Some(WriterThread { jobs, thread }) = self.writer.take() {
            drop(jobs);
            // A panic of the thread was reported when it happened; here only its end matters.
            drop(thread.join());
        }
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE_BYTES)
        // Without it a damaged file may panic later instead of being refused now.
        .set_check_integrity_on_open(true);
    builder
}

fn open_file(path: &Path) -> Result<Database, Error> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty())
        && matches!(dir.try_exists(), Ok(false))
    {
        return Err(Error::NoDirectory {
            path: dir.to_owned(),
        });
    }
    make_private(path).map_err(|error| Error::Open {
        path: path.to_owned(),
        source: Arc::new(error),
    })?;
    builder()
        .create(path)
        .map_err(|error| cannot_open(path, error))
}

fn cannot_open(path: &Path, error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::Locked {
            path: path.to_owned(),
        },
        DatabaseError::Storage(StorageError::Io(error))
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            Error::Open {
                path: path.to_owned(),
                source: Arc::new(error),
            }
        }
        other => Error::Corrupt {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}

/// Makes the file, where absent, for its owner only: a definition may hold credentials.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn refuse(found: &FoundVersion, location: &StoreLocation) -> Error {
    let path = match location {
        StoreLocation::File(path) => path.clone(),
        StoreLocation::Memory => "memory".into(),
    };
    match found {
        FoundVersion::Version(found) if *found > SCHEMA_VERSION => Error::Newer {
            path,
            found: *found,
            known: SCHEMA_VERSION,
        },
        _ => Error::Corrupt {
            path,
            reason: "it is a database, but not one of a stagewire gateway".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
