//! The file of a day: private, at most so long, and never a reason for anything else to fail.
//!
//! A line that cannot be written is counted and forgotten; once there is room again the count is written. So a full disk
//! costs lines of the log, and nothing else. A day that writes much keeps its last lines: a full file becomes the day's
//! earlier one, and that is forgotten. `tracing-appender` complains on the standard error stream instead, which panics
//! where that is full or closed, has no bound, and leaves the mode to the umask.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::cli::clock;

/// Bytes of each of a day's two files, whichever of this person's programs wrote them.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Days that are kept, today's among them.
const DAYS: usize = 7;
const PREFIX: &str = "stagewire.";
const SUFFIX: &str = ".log";
const EARLIER: &str = ".earlier";

/// The log's files in a directory. Programs that run at the same time append to the same.
#[derive(Debug)]
pub(super) struct DayFile {
    dir: PathBuf,
    most_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<(Date, File)>,
    /// Lines that were not written since the last that was.
    n_lost: u64,
    /// True after a write stopped within a line.
    is_torn: bool,
}

impl DayFile {
    /// Opens today's file in the directory.
    pub(super) fn open(dir: PathBuf) -> io::Result<DayFile> {
        DayFile::open_at(dir, FILE_BYTES, clock::now())
    }

    fn open_at(dir: PathBuf, most_bytes: u64, now: Timestamp) -> io::Result<DayFile> {
        let file = DayFile {
            dir,
            most_bytes,
            state: Mutex::default(),
        };
        file.state().file(&file, 0, now)?;
        Ok(file)
    }

    /// Appends lines, or counts them as lost.
    pub(super) fn put(&self, lines: &[u8]) {
        self.put_at(lines, clock::now());
    }

    fn put_at(&self, lines: &[u8], now: Timestamp) {
        let mut state = self.state();
        if state.append(self, lines, now).is_err() {
            state.n_lost += 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log never fails whoever logs, so every write succeeds.
impl Write for &DayFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.put(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    /// Returns the file of the day, with room for so many bytes.
    fn file(&mut self, to: &DayFile, n_bytes: u64, now: Timestamp) -> io::Result<&mut File> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let is_full = |length: u64| length + n_bytes > to.most_bytes && length > 0;
        let usable = self.open.take().filter(|(day, _)| *day == today);
        let usable = usable.filter(|(_, file)| file.metadata().is_ok_and(|it| !is_full(it.len())));
        if let Some(open) = usable {
            return Ok(&mut self.open.insert(open).1);
        }
        let path = to.dir.join(format!("{PREFIX}{today}{SUFFIX}"));
        // Another program may have put the full file away already.
        if fs::metadata(&path).is_ok_and(|it| is_full(it.len())) {
            let earlier = format!("{PREFIX}{today}{EARLIER}{SUFFIX}");
            fs::rename(&path, to.dir.join(earlier))?;
        }
        let file = append_to(&path)?;
        remove_old(&to.dir);
        Ok(&mut self.open.insert((today, file)).1)
    }

    fn append(&mut self, to: &DayFile, lines: &[u8], now: Timestamp) -> io::Result<()> {
        let mut text = Vec::new();
        if self.is_torn {
            text.push(b'\n');
        }
        if self.n_lost > 0 {
            let n_lost = self.n_lost;
            let sentence = format!("lines that could not be written before this one: {n_lost}");
            text.extend_from_slice(own_line(now, &sentence).as_bytes());
        }
        text.extend_from_slice(lines);
        // One write, so that lines of two programs do not mix.
        let n_written = self.file(to, text.len() as u64, now)?.write(&text)?;
        self.is_torn = n_written > 0 && n_written < text.len();
        if n_written < text.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.n_lost = 0;
        Ok(())
    }
}

/// Makes a line about the log itself, in the form of the others.
pub(super) fn own_line(now: Timestamp, sentence: &str) -> String {
    let time = now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
    format!("{time}  WARN stagewire::log: {sentence}\n")
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes the files of all but the last days. One that cannot be removed stays.
fn remove_old(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files: Vec<(Date, PathBuf)> = paths
        .filter_map(|path| Some((day_of(&path)?, path)))
        .collect();
    let days: BTreeSet<Date> = files.iter().map(|(day, _)| *day).collect();
    let Some(first_kept) = days.iter().rev().take(DAYS).next_back() else {
        return;
    };
    for (_, path) in files.iter().filter(|(day, _)| day < first_kept) {
        drop(fs::remove_file(path));
    }
}

/// Returns the day of a file of the log.
fn day_of(path: &Path) -> Option<Date> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    name.strip_suffix(EARLIER).unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn files(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_day_has_a_file_of_its_own_that_only_its_owner_reads() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let first = at("2026-11-29T23:59:59Z");
        let log = DayFile::open_at(dir.path().to_owned(), FILE_BYTES, first).unwrap();
        log.put_at(b"one\n", first);
        log.put_at(b"two\n", at("2026-11-30T00:00:00Z"));
        let names = ["stagewire.2026-11-29.log", "stagewire.2026-11-30.log"];
        assert_eq!(files(dir.path()), names);
        for (name, text) in names.iter().zip(["one\n", "two\n"]) {
            let path = dir.path().join(name);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn seven_days_are_kept_and_other_files_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("stagewire.notes.log"), "mine").unwrap();
        for day in 10..=19 {
            for rest in ["", ".earlier"] {
                let name = format!("stagewire.2026-11-{day}{rest}.log");
                fs::write(dir.path().join(name), "").unwrap();
            }
        }
        let now = at("2026-11-20T00:00:00Z");
        DayFile::open_at(dir.path().to_owned(), FILE_BYTES, now).unwrap();
        let kept = files(dir.path());
        assert_eq!(kept.len(), 6 * 2 + 1 + 1);
        assert_eq!(kept[0], "stagewire.2026-11-14.earlier.log");
        assert_eq!(kept[kept.len() - 1], "stagewire.notes.log");
    }

    #[test]
    fn a_day_that_writes_much_keeps_its_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let now = at("2026-11-29T10:00:00Z");
        let one = DayFile::open_at(dir.path().to_owned(), 8, now).unwrap();
        let other = DayFile::open_at(dir.path().to_owned(), 8, now).unwrap();
        for (log, line) in [(&one, "1\n"), (&other, "2\n"), (&one, "3\n"), (&one, "4\n")] {
            log.put_at(line.as_bytes(), now);
        }
        for (log, line) in [
            (&other, "5\n"),
            (&one, "6\n"),
            (&one, "longer than a file\n"),
        ] {
            log.put_at(line.as_bytes(), now);
        }
        other.put_at(b"7\n", now);
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(files(dir.path()).len(), 2);
        // Whoever has the earlier file open still fills it.
        assert_eq!(text("stagewire.2026-11-29.earlier.log"), "5\n6\n7\n");
        assert_eq!(text("stagewire.2026-11-29.log"), "longer than a file\n");
    }

    #[test]
    fn a_directory_that_is_gone_costs_lines_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::create_dir(&path).unwrap();
        let log = DayFile::open_at(path.clone(), FILE_BYTES, at("2026-11-29T10:00:00Z")).unwrap();
        fs::remove_dir_all(&path).unwrap();
        let tomorrow = at("2026-11-30T10:00:00Z");
        log.put_at(b"lost\n", tomorrow);
        fs::create_dir(&path).unwrap();
        log.put_at(b"kept\n", tomorrow);
        let text = fs::read_to_string(path.join("stagewire.2026-11-30.log")).unwrap();
        assert!(
            text.ends_with("lines that could not be written before this one: 1\nkept\n"),
            "{text}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let now = at("2026-11-29T10:00:00Z");
        std::os::unix::fs::symlink("/dev/full", dir.path().join("stagewire.2026-11-29.log"))
            .unwrap();
        let log = DayFile::open_at(dir.path().to_owned(), FILE_BYTES, now).unwrap();
        log.put_at(b"lost\n", now);
        assert_eq!(log.state().n_lost, 1);
    }
}
