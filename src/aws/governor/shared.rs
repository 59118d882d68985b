//! A budget of calls that every stagewire on this machine draws on: one number in a locked file.
//!
//! The number is the time at which the bucket would be full, by the clock that all programs on the machine share and that
//! nobody sets. Where the file cannot be used (a full disk, no directory for
//! state) each process keeps its own budget, which is half of the account's: two of them then use all of it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::bucket::Bucket;

/// How soon a file that somebody else holds is tried again. It is held for one read and one write.
const HELD: Duration = Duration::from_millis(2);

/// The file of one account's budget.
#[derive(Debug)]
pub(in super::super) struct SharedBudget {
    path: PathBuf,
}

impl SharedBudget {
    /// The budget of this account and region among those in a directory.
    pub(in super::super) fn new(dir: &Path, account: &str) -> Self {
        let mut name = [0; 8];
        name.copy_from_slice(&Sha256::digest(account.as_bytes())[..8]);
        let name = format!("{:016x}", u64::from_be_bytes(name));
        Self {
            path: dir.join(name),
        }
    }

    /// Takes a call from the shared bucket, or says when to try again.
    pub(super) fn take(
        &self,
        bucket: &mut Bucket,
        reserve: f64,
        now: Instant,
    ) -> Result<(), Instant> {
        let mut file = match self.open() {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!("the shared budget of calls cannot be used: {error}");
                bucket.take(now);
                return Ok(());
            }
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(now + HELD),
            // A file system without locks: better our own budget than none.
            Err(TryLockError::Error(error)) => {
                tracing::debug!("the shared budget of calls cannot be locked: {error}");
                bucket.take(now);
                return Ok(());
            }
        }
        let machine = machine_time();
        if let Some(ahead) = read(&mut file).and_then(|full_at| full_at.checked_sub(machine)) {
            bucket.share(now, ahead);
        }
        let ready = bucket.ready_at(reserve);
        if ready > now {
            return Err(ready);
        }
        bucket.take(now);
        let full_at = machine + bucket.full_at().saturating_duration_since(now);
        if let Err(error) = write(&mut file, full_at) {
            tracing::debug!("the shared budget of calls was not written: {error}");
        }
        Ok(())
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

/// The time since the machine started.
fn machine_time() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

/// The time in the file, in microseconds; none in one that is new or cut.
fn read(file: &mut File) -> Option<Duration> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).ok()?;
    Some(Duration::from_micros(u64::from_le_bytes(bytes)))
}

fn write(file: &mut File, time: Duration) -> io::Result<()> {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&micros.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        aws::governor::Governor,
        model::pace::{Pace, Priority},
    };

    const OURS: Pace = Pace {
        per_second: 0.2,
        burst: 10.0,
    };

    fn governor(dir: &Path, account: &str) -> Arc<Governor> {
        let shared = SharedBudget::new(dir, account);
        Arc::new(Governor::new(Some(OURS), Some(shared)))
    }

    /// How many calls go at once.
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
    async fn a_time_of_before_the_machine_started_counts_as_an_empty_bucket_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        std::fs::write(&shared.path, [0xff; 8]).unwrap();
        let mut bucket = Bucket::new(Some(OURS), Instant::now());
        let now = Instant::now();
        let ready = shared.take(&mut bucket, 0.0, now).unwrap_err();
        assert!(((ready - now).as_secs_f64() - 5.0).abs() < 0.01);
    }

    #[tokio::test]
    async fn a_broken_file_and_one_that_cannot_be_made_hold_up_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let shared = SharedBudget::new(dir.path(), "a");
        std::fs::write(&shared.path, "no").unwrap();
        assert_eq!(at_once(&governor(dir.path(), "a")).await, 10);
        let not_a_dir = dir.path().join("file");
        std::fs::write(&not_a_dir, "").unwrap();
        assert_eq!(at_once(&governor(&not_a_dir, "a")).await, 10);
    }
}
