//! A part of what is read of an API: known, of a certain age, or missing for a reason of its own.

use std::ops::{Deref, DerefMut};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Failure;

/// The part of an API that one call, or a few alike, tell of. It stands for itself: when it cannot be read, nothing
/// else is lost.
///
/// It can be used as what is known, which is empty as long as nothing was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<T> {
    /// The value that is known.
    pub known: T,
    /// The time at which the reading that gave the value began: the value is at least as new as that. None when nothing
    /// was read yet.
    pub as_of: Option<Timestamp>,
    /// The reason why nothing newer is known, or not all of it.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl<T> Part<T> {
    /// Makes a part that was read in full.
    pub fn read(known: T, as_of: Timestamp) -> Self {
        Self {
            known,
            as_of: Some(as_of),
            failure: None,
        }
    }

    /// True when something was read, be it long ago.
    pub fn is_known(&self) -> bool {
        self.as_of.is_some()
    }

    /// True when all of it is known: what it lacks does not exist.
    pub fn is_whole(&self) -> bool {
        self.is_known() && self.failure.is_none()
    }
}

impl<T: Default> Part<T> {
    /// Makes a part that could not be read.
    pub fn failed(failure: Failure) -> Self {
        Self {
            known: T::default(),
            as_of: None,
            failure: Some(failure),
        }
    }

    /// Takes a newer reading. One that gave nothing leaves what was known, and says why it is old.
    pub fn take(&mut self, newer: Self) {
        if newer.is_known() {
            *self = newer;
        } else {
            self.failure = newer.failure;
        }
    }
}

impl<T> Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.known
    }
}

impl<T> DerefMut for Part<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn a_reading_that_gave_nothing_leaves_what_was_known() {
        let mut part = Part::read(vec![1], Timestamp::UNIX_EPOCH);
        assert!(part.is_whole());
        part.take(Part::failed(Failure::new(FailureKind::Remote, "no")));
        assert_eq!(*part, [1]);
        assert!(part.is_known() && !part.is_whole());
        part.take(Part::read(vec![2], Timestamp::UNIX_EPOCH));
        assert!(part.is_whole());
        assert_eq!(*part, [2]);
    }
}
