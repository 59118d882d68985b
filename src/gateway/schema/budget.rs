//! The bound on the work that one message may make, as a budget of steps.

/// The steps of one message. Most take 5 ns and some 12 (measured on one core of 2026), all of them a tenth of a second
/// at the most; an ordinary schema takes a few for each value, and the longest message has 64 thousand values.
const MOST_STEPS: u64 = 8_000_000;

/// The steps that are left for a message.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
}

/// The refusal of a step when none are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

impl Budget {
    /// Returns the budget of one message.
    pub(crate) fn of_a_message() -> Self {
        Self { left: MOST_STEPS }
    }

    /// Returns a budget without end, for a value that is bounded otherwise, such as the schema that a control call
    /// carries.
    pub(super) fn endless() -> Self {
        Self { left: u64::MAX }
    }

    /// Takes so many steps, or says that there are not so many.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}
