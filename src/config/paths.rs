//! Directories of the program's own files: XDG directories on every system but Windows.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use super::Error;

/// The directories of the settings and of the program's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Settings, written by the person.
    pub config_dir: PathBuf,
    /// Journal, gateway store, history and log, written by the program and private to its person.
    pub state_dir: PathBuf,
}

impl Paths {
    /// Finds the directories for the person who runs the program; creates nothing.
    ///
    /// # Errors
    /// Fails when no home directory is known.
    pub fn find() -> Result<Self, Error> {
        let args = AppStrategyArgs {
            top_level_domain: String::new(),
            author: String::new(),
            app_name: "stagewire".to_owned(),
        };
        let strategy = choose_app_strategy(args).map_err(|_| Error::NoHome)?;
        Ok(Self {
            config_dir: strategy.config_dir(),
            state_dir: strategy.state_dir().unwrap_or_else(|| strategy.data_dir()),
        })
    }

    /// The settings file, which need not exist.
    pub fn config_file(&self) -> PathBuf {
        self.config_dir.join("config.toml")
    }

    /// The directory of the journal.
    pub fn journal(&self) -> PathBuf {
        self.state_dir.join("journal")
    }

    /// The local gateway's database.
    pub fn gateway_store(&self) -> PathBuf {
        self.state_dir.join("gateway.redb")
    }

    /// The directory of the budgets of calls that programs on this machine share.
    pub fn budgets(&self) -> PathBuf {
        self.state_dir.join("calls")
    }

    /// The directory of what was read of targets.
    pub fn known(&self) -> PathBuf {
        self.state_dir.join("known")
    }

    /// The messages that were sent, for the composer.
    pub fn history(&self) -> PathBuf {
        self.state_dir.join("history.jsonl")
    }

    /// The directory of the log.
    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }

    /// Creates the state directory with the log's inside, readable by their owner only. Directories that exist keep
    /// their mode: somebody may have chosen it.
    ///
    /// # Errors
    /// Fails when the system refuses.
    pub fn create_state_dirs(&self) -> Result<(), Error> {
        create_private_dir(&self.state_dir)?;
        create_private_dir(&self.log_dir())
    }
}

fn create_private_dir(path: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| Error::NoDirectory {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_in(dir: &Path) -> Paths {
        Paths {
            config_dir: dir.join("config"),
            state_dir: dir.join("state/stagewire"),
        }
    }

    #[cfg(unix)]
    #[test]
    fn state_directories_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let paths = paths_in(dir.path());
        paths.create_state_dirs().unwrap();
        for path in [&paths.state_dir, &paths.log_dir()] {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths_in(dir.path());
        std::fs::write(dir.path().join("state"), "").unwrap();
        let failure = paths.create_state_dirs().unwrap_err().failure();
        assert!(failure.to_string().contains("state/stagewire"), "{failure}");
        assert!(failure.hint.is_some());
    }
}
