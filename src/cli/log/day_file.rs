//! The file of a day: private, at most so long, and never a reason for anything else to fail.
//!
//! A line that cannot be written is counted and forgotten; once there is room again the count is written. So a full disk
//! or a day's full file costs lines of the log, and nothing else. `tracing-appender` complains on the standard error
//! stream instead, which panics where that is full or closed, has no bound, and leaves the mode to the umask.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::cli::clock;

/// Bytes of a day's file, whichever of this person's programs wrote them.
const DAY_BYTES: u64 = 32 * 1024 * 1024;
/// Days that are kept, today's among them.
const DAYS: usize = 7;
const PREFIX: &str = "stagewire.";
const SUFFIX: &str = ".log";

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
        DayFile::open_at(dir, DAY_BYTES, clock::now())
    }

    fn open_at(dir: PathBuf, most_bytes: u64, now: Timestamp) -> io::Result<DayFile> {
        let file = DayFile {
            dir,
            most_bytes,
            state: Mutex::default(),
        };
        file.state().on_day(&file.dir, now)?;
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
    /// Returns the file of the day, which is opened with the day's first line.
    fn on_day(&mut self, dir: &Path, now: Timestamp) -> io::Result<&mut File> {
        let today = now.to_zoned(TimeZone::UTC).date();
        if !matches!(&self.open, Some((day, _)) if *day == today) {
            self.open = None;
            let file = append_to(&dir.join(format!("{PREFIX}{today}{SUFFIX}")))?;
            remove_old(dir);
            self.open = Some((today, file));
        }
        let (_, file) = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
        Ok(file)
    }

    fn append(&mut self, to: &DayFile, lines: &[u8], now: Timestamp) -> io::Result<()> {
        let n_lost = self.n_lost;
        let file = self.on_day(&to.dir, now)?;
        let is_full = file.metadata()?.len() + lines.len() as u64 > to.most_bytes;
        let mut text = Vec::new();
        if is_full && n_lost == 0 {
            let sentence = "the log of this day is full, and goes on tomorrow";
            text = own_line(now, sentence).into_bytes();
        } else if is_full {
            return Err(io::ErrorKind::StorageFull.into());
        } else {
            if n_lost > 0 {
                let sentence = format!("lines that could not be written before this one: {n_lost}");
                text = own_line(now, &sentence).into_bytes();
            }
            text.extend_from_slice(lines);
        }
        self.append_whole(&text)?;
        self.n_lost = u64::from(is_full);
        Ok(())
    }

    /// Appends in one write, so that lines of two programs do not mix.
    fn append_whole(&mut self, text: &[u8]) -> io::Result<()> {
        let (_, file) = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if self.is_torn {
            file.write_all(b"\n")?;
            self.is_torn = false;
        }
        let n_written = file.write(text)?;
        if n_written < text.len() {
            self.is_torn = n_written > 0;
            return Err(io::ErrorKind::StorageFull.into());
        }
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
    let mut days: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_day_file(path))
        .collect();
    days.sort_unstable();
    let n_old = days.len().saturating_sub(DAYS);
    for path in days.drain(..n_old) {
        drop(fs::remove_file(path));
    }
}

/// True for a name with a date in it, which sorts by age.
fn is_day_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let date = name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    date.is_some_and(|date| date.parse::<Date>().is_ok())
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
        let log = DayFile::open_at(dir.path().to_owned(), DAY_BYTES, first).unwrap();
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
            fs::write(dir.path().join(format!("stagewire.2026-11-{day}.log")), "").unwrap();
        }
        let now = at("2026-11-20T00:00:00Z");
        DayFile::open_at(dir.path().to_owned(), DAY_BYTES, now).unwrap();
        let kept = files(dir.path());
        assert_eq!(kept.len(), DAYS + 1);
        assert_eq!(kept[0], "stagewire.2026-11-14.log");
        assert_eq!(kept[DAYS], "stagewire.notes.log");
    }

    #[test]
    fn a_full_day_says_so_once_and_the_next_says_how_much_was_lost() {
        let dir = tempfile::tempdir().unwrap();
        let now = at("2026-11-29T10:00:00Z");
        let log = DayFile::open_at(dir.path().to_owned(), 10, now).unwrap();
        for _ in 0..5 {
            log.put_at(b"12345678\n", now);
        }
        let today = fs::read_to_string(dir.path().join("stagewire.2026-11-29.log")).unwrap();
        let lines: Vec<&str> = today.lines().collect();
        assert_eq!(lines[0], "12345678");
        assert!(lines[1].ends_with("the log of this day is full, and goes on tomorrow"));
        assert_eq!(lines.len(), 2);
        log.put_at(b"1\n", at("2026-11-30T00:00:01Z"));
        let next = fs::read_to_string(dir.path().join("stagewire.2026-11-30.log")).unwrap();
        assert!(
            next.ends_with("lines that could not be written before this one: 4\n1\n"),
            "{next}"
        );
    }

    #[test]
    fn a_directory_that_is_gone_costs_lines_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::create_dir(&path).unwrap();
        let log = DayFile::open_at(path.clone(), DAY_BYTES, at("2026-11-29T10:00:00Z")).unwrap();
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
        let log = DayFile::open_at(dir.path().to_owned(), DAY_BYTES, now).unwrap();
        log.put_at(b"lost\n", now);
        assert_eq!(log.state().n_lost, 1);
    }
}
