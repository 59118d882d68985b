//! The messages that were sent, kept for the next session: a private file with one JSON string a line.
//!
//! Any number of consoles append to it. A line that a crash tore is skipped; when the file has grown too large its older
//! half is dropped.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::{Failure, FailureKind};

/// The file is cut when it is larger than this, in bytes.
const LARGEST: u64 = 1 << 20;

/// The history's file; cheap to clone. Every call blocks for as long as the disk takes.
#[derive(Debug, Clone)]
pub(super) struct History {
    path: PathBuf,
    largest: u64,
    /// Held while the file is changed, so that two of our own tasks do not cut it at the same time.
    turn: Arc<Mutex<()>>,
}

impl History {
    /// The history in this file, which need not exist.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            largest: LARGEST,
            turn: Arc::default(),
        }
    }

    /// All messages, oldest first.
    ///
    /// # Errors
    /// Fails when the file exists and cannot be read.
    pub(super) fn load(&self) -> Result<Vec<String>, Failure> {
        read(&self.path).map_err(|error| {
            Failure::new(
                FailureKind::Config,
                "Cannot read the messages of earlier sessions",
            )
            .cause(self.path.display().to_string())
            .caused_by(&error)
        })
    }

    /// Adds a message.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub(super) fn add(&self, message: &str) -> Result<(), Failure> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        append(&self.path, message)
            .and_then(|size| {
                if size > self.largest {
                    cut(&self.path)
                } else {
                    Ok(())
                }
            })
            .map_err(|error| {
                Failure::new(
                    FailureKind::Config,
                    "Cannot keep the message for later sessions",
                )
                .cause(self.path.display().to_string())
                .caused_by(&error)
            })
    }
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Appends in one write and says how large the file is now.
fn append(path: &Path, message: &str) -> io::Result<u64> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    if !ends_with_newline(&mut file)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line)?;
    Ok(file.metadata()?.len())
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0u8];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Drops the older half. A reader sees the old file or the new one, never a part.
fn cut(path: &Path) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    let middle = bytes.len() / 2;
    let Some(newline) = bytes[middle..].iter().position(|byte| *byte == b'\n') else {
        return Ok(());
    };
    let kept = &bytes[middle + newline + 1..];
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(kept)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn history() -> (tempfile::TempDir, History) {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(dir.path().join("history.jsonl"));
        (dir, history)
    }

    #[test]
    fn messages_come_back_in_order_with_their_lines() {
        let (_dir, history) = history();
        assert_eq!(history.load().unwrap(), [""; 0]);
        history.add("first").unwrap();
        history.add("two\nlines").unwrap();
        assert_eq!(history.load().unwrap(), ["first", "two\nlines"]);
        let mode = history.path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_torn_line_costs_only_itself() {
        let (_dir, history) = history();
        history.add("whole").unwrap();
        let mut file = OpenOptions::new().append(true).open(&history.path).unwrap();
        file.write_all(b"\"tor").unwrap();
        history.add("after").unwrap();
        assert_eq!(history.load().unwrap(), ["whole", "after"]);
    }

    #[test]
    fn the_older_half_goes_when_the_file_is_large() {
        let (_dir, mut history) = history();
        history.largest = 1000;
        for number in 0..100 {
            history.add(&format!("message number {number}")).unwrap();
        }
        let kept = history.load().unwrap();
        assert!(kept.len() < 60, "{}", kept.len());
        assert_eq!(kept.last().unwrap(), "message number 99");
        let mode = history.path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let (dir, _) = history();
        let history = History::new(dir.path().join("missing/history.jsonl"));
        let failure = history.add("x").unwrap_err();
        assert!(failure.causes[0].contains("missing"), "{failure}");
        let history = History::new(dir.path().to_owned());
        assert!(history.load().is_err());
    }
}
