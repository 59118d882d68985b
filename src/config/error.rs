//! Errors of settings and paths, for a person.

use std::{io, ops::Range, path::PathBuf};

use crate::model::{Failure, FailureKind};

/// Settings or paths that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody says where this person's files are.
    #[error("neither HOME nor the password database names a home directory")]
    NoHome,
    /// The settings file exists and cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The settings file holds something that it may not hold.
    #[error("{}, line {line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The fault, in one line.
        message: String,
        /// The line's text.
        text: String,
        /// The columns of that text that are meant, counted from 0 in characters.
        columns: Range<usize>,
    },
    /// A directory for the program's own state cannot be created.
    #[error("cannot create the directory {}", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The error for a person. A wrong line of the settings file is shown with a caret under what is meant.
    pub fn failure(&self) -> Failure {
        match self {
            Self::NoHome => Failure::new(FailureKind::Config, "Cannot find the home directory")
                .caused_by(self)
                .hint("set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME"),
            Self::Unreadable { source, .. } => {
                let failure =
                    Failure::new(FailureKind::Config, "Cannot read the settings").caused_by(self);
                match unreadable_hint(source.kind()) {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            Self::Invalid {
                path,
                line,
                message,
                text,
                columns,
            } => {
                let prefix = format!("line {line}: ");
                let caret = format!(
                    "{}{}",
                    " ".repeat(prefix.len() + columns.start),
                    "^".repeat(columns.len().max(1))
                );
                let title = format!("Cannot use the settings in {}", path.display());
                Failure::new(FailureKind::Config, title)
                    .cause(message)
                    .cause(format!("{prefix}{text}"))
                    .cause(caret)
                    .hint("correct that line or remove it")
            }
            Self::NoDirectory { .. } => Failure::new(
                FailureKind::Config,
                "Cannot create the directory for the program's own files",
            )
            .caused_by(self)
            .hint("check its permissions, or set XDG_STATE_HOME"),
        }
    }
}

fn unreadable_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Some("check the path: there is no such file")
        }
        io::ErrorKind::IsADirectory => Some("name a file, this is a directory"),
        io::ErrorKind::PermissionDenied => Some("check the file's permissions"),
        io::ErrorKind::InvalidData => Some("the file must be text in UTF-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_for_an_unreadable_file_fits_its_fault() {
        for (kind, hint) in [
            (io::ErrorKind::NotFound, "no such file"),
            (io::ErrorKind::IsADirectory, "name a file"),
            (io::ErrorKind::PermissionDenied, "permissions"),
        ] {
            let path = PathBuf::from("nope.toml");
            let source = kind.into();
            let failure = Error::Unreadable { path, source }.failure();
            assert!(failure.hint.unwrap().contains(hint), "{kind}");
        }
    }
}
