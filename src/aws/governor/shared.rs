//! A budget of calls that every stagewire on this machine draws on: three numbers in a locked file.
//!
//! The numbers say when the budget was drawn on last, how many calls it lacked then, and when somebody wanted to act
//! who had to wait, so that the others stand back. Where the file cannot be used (a full disk, no directory for state)
//! each process keeps its own budget, which is half of the account's: two of them then use all of it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::model::pace::Priority;

/// The pause before a file that somebody else holds is tried again. A file is held for one read and one write.
const HELD: Duration = Duration::from_millis(2);

/// The longest time that a file may be held before whoever holds it is taken to have been stopped in the middle.
const STUCK: Duration = Duration::from_secs(1);

/// The time that others stand back for somebody who wants to act and has to wait; it is renewed for as long as that
/// lasts.
const STAND_BACK: Duration = Duration::from_millis(300);

/// The file of one account's budget.
#[derive(Debug)]
pub(in super::super) struct SharedBudget {
    path: PathBuf,
    /// The instant from which on the file was found held, again and again.
    held_since: Mutex<Option<Instant>>,
}

/// The contents of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Stand {
    /// The time of writing, since the machine started.
    at: Duration,
    /// Calls that were missing then.
    missing: f64,
    /// The last time that somebody who wants to act had to wait, since the machine started.
    urgent_at: Duration,
}

/// The time by both clocks.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    now: Instant,
    /// The time since the machine started.
    machine: Duration,
}

impl SharedBudget {
    /// The budget of this account and region among those in a directory.
    pub(in super::super) fn new(dir: &Path, account: &str) -> Self {
        let mut name = [0; 8];
        name.copy_from_slice(&Sha256::digest(account.as_bytes())[..8]);
        Self {
            path: dir.join(format!("{:016x}", u64::from_be_bytes(name))),
            held_since: Mutex::new(None),
        }
    }

    /// Takes a call from the shared bucket, or says when to try again.
    pub(super) fn take(
        &self,
        bucket: &mut Bucket,
        priority: Priority,
        now: Instant,
    ) -> Result<(), Instant> {
        let clocks = Clocks {
            now,
            machine: machine_time(),
        };
        self.take_at(bucket, priority, clocks)
    }

    /// Does the same at a time by both clocks.
    fn take_at(
        &self,
        bucket: &mut Bucket,
        priority: Priority,
        clocks: Clocks,
    ) -> Result<(), Instant> {
        let Clocks { now, machine } = clocks;
        let Some(mut file) = self.open_locked(now)? else {
            return bucket.take_ready(priority, now);
        };
        let mut stand = Stand::read(&mut file, machine);
        let ago = |then: Duration| machine.saturating_sub(then);
        bucket.share(now, stand.missing, ago(stand.at));
        let stands_back = priority != Priority::Act && ago(stand.urgent_at) < STAND_BACK;
        let taken = if stands_back && stand.urgent_at > Duration::ZERO {
            Err(bucket.ready_at(priority.reserve()).max(now + STAND_BACK))
        } else {
            bucket.take_ready(priority, now)
        };
        match taken {
            Ok(()) if priority == Priority::Act => stand.urgent_at = Duration::ZERO,
            Err(_) if priority == Priority::Act => stand.urgent_at = machine,
            // Nothing has changed that others must know.
            Err(_) => return taken,
            Ok(()) => {}
        }
        stand.at = machine;
        stand.missing = bucket.missing(now);
        if let Err(error) = stand.write(&mut file) {
            tracing::debug!("the shared budget of calls was not written: {error}");
        }
        // Whoever wants to act renews that others stand back.
        taken.map_err(|ready| match priority {
            Priority::Act => ready.min(now + STAND_BACK / 2),
            _ => ready,
        })
    }

    /// The file, locked; none where there is no use in it. Fails with the time of the next try while somebody holds it.
    fn open_locked(&self, now: Instant) -> Result<Option<File>, Instant> {
        let file = match self.open() {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!("the shared budget of calls cannot be used: {error}");
                return Ok(None);
            }
        };
        let mut held_since = self
            .held_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match file.try_lock() {
            Ok(()) => {
                *held_since = None;
                Ok(Some(file))
            }
            Err(TryLockError::WouldBlock) => {
                let since = *held_since.get_or_insert(now);
                if now.duration_since(since) < STUCK {
                    return Err(now + HELD);
                }
                Ok(None)
            }
            // A file system without locks: better our own budget than none.
            Err(TryLockError::Error(error)) => {
                tracing::debug!("the shared budget of calls cannot be locked: {error}");
                Ok(None)
            }
        }
    }

    fn open(&self) -> io::Result<File> {
        if let Some(dir) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)
    }
}

/// The time since the machine started, which all programs on it share and nobody sets.
fn machine_time() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

impl Stand {
    /// Reads the contents of the file; a full budget from one that is new, broken, or from before the machine started.
    fn read(file: &mut File, machine: Duration) -> Self {
        let full = Self {
            at: machine,
            ..Self::default()
        };
        let mut bytes = [[0; 8]; 3];
        for part in &mut bytes {
            if file.read_exact(part).is_err() {
                return full;
            }
        }
        let [at, missing, urgent_at] = bytes;
        let stand = Self {
            at: Duration::from_micros(u64::from_le_bytes(at)),
            missing: f64::from_le_bytes(missing),
            urgent_at: Duration::from_micros(u64::from_le_bytes(urgent_at)),
        };
        let is_possible =
            stand.at <= machine && stand.urgent_at <= machine && stand.missing.is_finite();
        if is_possible { stand } else { full }
    }

    fn write(self, file: &mut File) -> io::Result<()> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&micros(self.at).to_le_bytes())?;
        file.write_all(&self.missing.to_le_bytes())?;
        file.write_all(&micros(self.urgent_at).to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{aws::governor::Governor, model::pace::Pace};

    const OURS: Pace = Pace {
        per_second: 0.2,
        burst: 10.0,
    };

    fn governor(dir: &Path, account: &str) -> Arc<Governor> {
        let shared = SharedBudget::new(dir, account);
        Arc::new(Governor::new(Some(OURS), Some(shared)))
    }

    /// Returns the number of calls that go at once.
    async fn at_once(governor: &Governor) -> usize {
        let mut n_gone = 0;
        while n_gone < 100 {
            let gone = governor.pass(Priority::Act);
            tokio::select! {
                biased;
                () = gone => n_gone += 1,
                () = std::future::ready(()) => break,
            }
        }
        n_gone
    }

    #[tokio::test]
    async fn two_consoles_share_one_burst_and_other_accounts_have_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let one = governor(dir.path(), "111122223333 us-east-1");
        for _ in 0..6 {
            one.pass(Priority::Act).await;
        }
        let other = governor(dir.path(), "111122223333 us-east-1");
        assert_eq!(at_once(&other).await, 4);
        assert_eq!(at_once(&one).await, 0);
        let elsewhere = governor(dir.path(), "111122223333 eu-west-1");
        assert_eq!(at_once(&elsewhere).await, 10);
    }

    #[tokio::test]
    async fn a_file_that_is_of_no_use_holds_up_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        // Cut, and written before the machine started, as after a reboot.
        for content in [&b"no"[..], &[0xff; 24]] {
            std::fs::write(&shared.path, content).unwrap();
            assert_eq!(at_once(&governor(dir.path(), "a")).await, 10);
        }
        let not_a_dir = dir.path().join("file");
        std::fs::write(&not_a_dir, "").unwrap();
        assert_eq!(at_once(&governor(&not_a_dir, "a")).await, 10);
    }

    /// Returns the time so many seconds after the start, by both clocks.
    fn at(start: Instant, seconds: u64) -> Clocks {
        let after = Duration::from_secs(seconds);
        Clocks {
            now: start + after,
            machine: Duration::from_secs(1_000_000) + after,
        }
    }

    #[tokio::test]
    async fn somebody_slow_leaves_room_for_somebody_quick() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        let start = Instant::now();
        let slow = Pace {
            per_second: 0.05,
            burst: 10.0,
        };
        let (mut slow, mut quick) = (
            Bucket::new(Some(slow), start),
            Bucket::new(Some(OURS), start),
        );
        for _ in 0..10 {
            shared
                .take_at(&mut slow, Priority::Shown, at(start, 0))
                .ok();
        }
        let mut n_gone = 0;
        for second in 0..100 {
            shared
                .take_at(&mut slow, Priority::Shown, at(start, second))
                .ok();
            let taken = shared.take_at(&mut quick, Priority::Shown, at(start, second));
            n_gone += usize::from(taken.is_ok());
        }
        assert!(n_gone >= 12, "{n_gone}");
    }

    #[tokio::test]
    async fn others_stand_back_for_somebody_who_wants_to_act() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        let start = Instant::now();
        let bucket = || Bucket::new(Some(OURS), start);
        let (mut acting, mut reading) = (bucket(), bucket());
        for _ in 0..10 {
            shared
                .take_at(&mut acting, Priority::Act, at(start, 0))
                .unwrap();
        }
        // All of it is there again, but somebody waited for it just before.
        let wait = shared.take_at(&mut acting, Priority::Act, at(start, 0));
        assert!(wait.unwrap_err() - start <= STAND_BACK);
        let soon = Clocks {
            now: start + STAND_BACK / 2,
            machine: at(start, 0).machine + STAND_BACK / 2,
        };
        let mut fresh = bucket();
        let back = shared.take_at(&mut fresh, Priority::Shown, soon);
        assert!(back.unwrap_err() >= soon.now + STAND_BACK);
        shared
            .take_at(&mut acting, Priority::Act, at(start, 60))
            .unwrap();
        shared
            .take_at(&mut reading, Priority::Shown, at(start, 60))
            .unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_held_for_long_is_left_to_whoever_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        let held = shared.open().unwrap();
        held.lock().unwrap();
        let now = Instant::now();
        let mut bucket = Bucket::new(Some(OURS), now);
        let again = shared.take(&mut bucket, Priority::Act, now).unwrap_err();
        assert_eq!(again, now + HELD);
        shared
            .take(&mut bucket, Priority::Act, now + STUCK)
            .unwrap();
    }
}
