//! Remote data: absent, on its way, here, or refused.

use crate::model::{Failure, Ticket};

/// A piece of data from elsewhere, and the state of asking for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Remote<T> {
    /// Nobody asked yet.
    #[default]
    Idle,
    /// Asked for; what was there before stays visible meanwhile.
    Loading {
        /// The request whose answer counts.
        ticket: Ticket,
        /// The data known before.
        previous: Option<T>,
    },
    /// Here.
    Ready(T),
    /// Refused or failed; what was there before stays visible, marked as old.
    Failed {
        /// The failure.
        failure: Failure,
        /// The data known before.
        previous: Option<T>,
    },
}

impl<T> Remote<T> {
    /// Returns the newest data there is, perhaps of an earlier answer.
    pub fn data(&self) -> Option<&T> {
        match self {
            Self::Ready(data) => Some(data),
            Self::Loading { previous, .. } | Self::Failed { previous, .. } => previous.as_ref(),
            Self::Idle => None,
        }
    }

    /// True while an answer is awaited.
    pub fn is_loading(&self) -> bool {
        matches!(self, Self::Loading { .. })
    }

    /// Notes that the data was asked for under this ticket.
    pub fn start(&mut self, ticket: Ticket) {
        let previous = self.take_data();
        *self = Self::Loading { ticket, previous };
    }

    /// Takes the answer, if it is the one that is waited for; false when it came too late and was dropped.
    pub fn finish(&mut self, ticket: Ticket, result: Result<T, Failure>) -> bool {
        match self {
            Self::Loading {
                ticket: awaited, ..
            } if *awaited == ticket => {}
            _ => return false,
        }
        *self = match result {
            Ok(data) => Self::Ready(data),
            Err(failure) => Self::Failed {
                failure,
                previous: self.take_data(),
            },
        };
        true
    }

    fn take_data(&mut self) -> Option<T> {
        match std::mem::take(self) {
            Self::Ready(data) => Some(data),
            Self::Loading { previous, .. } | Self::Failed { previous, .. } => previous,
            Self::Idle => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn late_answer_is_dropped() {
        let mut remote = Remote::Idle;
        remote.start(Ticket(1));
        remote.start(Ticket(2));
        assert!(!remote.finish(Ticket(1), Ok("old")));
        assert!(remote.finish(Ticket(2), Ok("new")));
        assert_eq!(remote, Remote::Ready("new"));
    }

    #[test]
    fn failure_keeps_what_was_known() {
        let mut remote = Remote::Ready("known");
        remote.start(Ticket(1));
        assert_eq!(remote.data(), Some(&"known"));
        remote.finish(
            Ticket(1),
            Err(Failure::new(FailureKind::Remote, "Cannot list APIs")),
        );
        assert_eq!(remote.data(), Some(&"known"));
    }
}
