//! The rows of the log: all its frames, or those found so far of a folded or filtered view.

use std::collections::VecDeque;

use super::query::Query;

/// The rows of a log, by sequence number, ascending.
#[derive(Debug, Default)]
pub(super) struct View {
    is_folded: bool,
    query: Option<Query>,
    rows: VecDeque<u64>,
    /// Frames before this one were not looked at yet.
    scanned_from: u64,
}

impl View {
    /// Returns a view of which nothing is known yet, on a log whose next frame has the number `end`.
    pub(super) fn new(is_folded: bool, query: Option<Query>, end: u64) -> Self {
        Self {
            is_folded,
            query,
            rows: VecDeque::new(),
            scanned_from: end,
        }
    }

    /// True when every frame is a row, so that no list of them is kept.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        !self.is_folded && self.query.is_none()
    }

    pub(super) fn is_folded(&self) -> bool {
        self.is_folded
    }

    pub(super) fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    pub(super) fn rows(&self) -> &VecDeque<u64> {
        &self.rows
    }

    pub(super) fn scanned_from(&self) -> u64 {
        self.scanned_from
    }

    /// Takes the next older frame to look at.
    pub(super) fn step_back(&mut self) -> u64 {
        self.scanned_from = self.scanned_from.saturating_sub(1);
        self.scanned_from
    }

    /// Returns the row that stands for a frame.
    pub(super) fn row_of(&self, message: u64, sequence: u64) -> u64 {
        if self.is_folded { message } else { sequence }
    }

    /// Adds a row that belongs into the view, once.
    #[inline]
    pub(super) fn insert(&mut self, row: u64) {
        match (self.rows.front(), self.rows.back()) {
            (_, Some(last)) if *last < row => self.rows.push_back(row),
            (Some(first), _) if *first > row => self.rows.push_front(row),
            // Frames of a message come close together, so that the place is near an end and little has to move.
            (Some(_), _) => {
                if let Err(place) = self.rows.binary_search(&row) {
                    self.rows.insert(place, row);
                }
            }
            (None, _) => self.rows.push_back(row),
        }
    }

    /// Adds rows that come after all others.
    pub(super) fn extend(&mut self, rows: impl Iterator<Item = u64>) {
        self.rows.extend(rows);
    }

    /// Notes that the frames before that one left.
    pub(super) fn forget_before(&mut self, first: u64) {
        let leaving = self.rows.iter().take_while(|row| **row < first).count();
        self.rows.drain(..leaving);
    }

    /// Notes that all frames before `end` left.
    pub(super) fn clear(&mut self, end: u64) {
        self.rows.clear();
        self.scanned_from = end;
    }
}
