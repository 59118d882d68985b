//! Exit codes, and what stops a verb.

use std::process::ExitCode;

use crate::model::{Failure, FailureKind};

/// The way in which the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// The job failed.
    Failed,
    /// The arguments are wrong.
    Usage,
    /// It was asked whether anything differs, and something does.
    Differences,
    /// The person interrupted it.
    Interrupted,
    /// Our bug.
    Bug,
}

/// The reason why a verb stops before it is done.
#[derive(Debug)]
pub(super) enum Stop {
    /// The job failed.
    Failed(Failure),
    /// The arguments do not fit together.
    Usage(Failure),
    /// Whoever read our answer has read enough.
    Pipe,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Differences => 3,
            Exit::Interrupted => 130,
            Exit::Bug => 255,
        })
    }
}

/// Returns the way in which the program ends after a failure.
pub(super) fn of(failure: &Failure) -> Exit {
    match failure.kind {
        FailureKind::Internal => Exit::Bug,
        FailureKind::User | FailureKind::Config | FailureKind::Remote => Exit::Failed,
    }
}
