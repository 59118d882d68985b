//! The frame log: a ring of all frames that crossed, with the messages they make up.
//!
//! Frames go in at one end and, when there are too many or they take too much memory, leave at the other; frames that
//! left are counted. A frame's sequence number is never given to another one, so that a cursor may hold it over any
//! change. Nothing here costs more when more frames are held, but for [`FrameLog::scan`], which works in bounded
//! slices.

use std::collections::VecDeque;

use bytes::Bytes;

pub use self::messages::Message;
use self::messages::Messages;
use super::{query::Query, view::View};
use crate::model::{FrameRecord, LinkId, explain::Explanation};

/// The most that logs hold, one of them or all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Frames at most.
    pub frames: usize,
    /// Bytes at most, bookkeeping included.
    pub bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            frames: 1_000_000,
            bytes: 256 * 1024 * 1024,
        }
    }
}

/// The frames of a session, oldest first.
#[derive(Debug, Default)]
pub struct FrameLog {
    entries: VecDeque<Entry>,
    /// The sequence number of the oldest frame that is held.
    first: u64,
    bytes: usize,
    messages: Messages,
    evicted: u64,
    dropped: u64,
    view: View,
}

/// A frame in the log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The link that it crossed.
    pub link: LinkId,
    /// The sequence number of its message's first frame; its own for a message of one frame and a control frame.
    pub message: u64,
    /// True when the message has, or will have, more frames than this one.
    pub is_fragment: bool,
    /// The frame.
    pub record: FrameRecord,
    /// What its message means, on the first frame of one that the gateway sent of itself.
    pub own: Option<Box<Own>>,
}

/// A message that the gateway sent of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The message's words.
    pub message: String,
    /// The meaning, by what was known when it came.
    pub explanation: Explanation,
}

/// A message, put together from the frames that are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// The payload, as far as it is held.
    pub payload: Bytes,
    /// The length of the message on the wire so far, in bytes.
    pub length: u64,
    /// The number of its frames so far.
    pub n_frames: u32,
    /// True once its last frame came.
    pub is_complete: bool,
}

impl FrameLog {
    /// Adds frames of one link, oldest first.
    pub fn extend(&mut self, link: LinkId, records: impl IntoIterator<Item = FrameRecord>) {
        let start = self.end();
        let mut sequence = start;
        let Self {
            entries,
            messages,
            bytes,
            ..
        } = self;
        entries.extend(records.into_iter().map(|record| {
            let (message, is_fragment) = messages.join(sequence, link, &record);
            *bytes += cost(&record);
            sequence += 1;
            Entry {
                link,
                message,
                is_fragment,
                record,
                own: None,
            }
        }));
        if !self.view.is_plain() {
            self.admit(start);
        }
    }

    /// Counts frames that were seen and could not be kept.
    pub fn count_dropped(&mut self, dropped: u64) {
        self.dropped += dropped;
    }

    /// Notes that a link ended: its messages under way stay incomplete.
    pub fn end_link(&mut self, link: LinkId) {
        self.messages.end_link(link);
    }

    /// Forgets all frames; numbers and counts go on.
    pub fn clear(&mut self) {
        self.first = self.end();
        self.entries.clear();
        self.bytes = 0;
        self.messages.clear();
        self.view.clear(self.first);
    }

    /// Returns the number that the next frame will have.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Returns the number of frames held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the bytes held, bookkeeping included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True when no frame is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the number of frames that had to leave because the log was full.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Returns the number of frames that were seen and could not be kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the frame of that number, while it is held.
    pub fn entry(&self, sequence: u64) -> Option<&Entry> {
        let idx = sequence.checked_sub(self.first)?;
        self.entries.get(usize::try_from(idx).ok()?)
    }

    /// Returns the message that a frame belongs to, when the message has several frames.
    pub fn message(&self, sequence: u64) -> Option<&Message> {
        let entry = self.entry(sequence)?;
        if !entry.is_fragment {
            return None;
        }
        self.messages.get(entry.message)
    }

    /// Puts together the message that a frame belongs to, at most its first `limit` bytes.
    pub fn assemble(&self, sequence: u64, limit: usize) -> Option<Assembled> {
        let entry = self.entry(sequence)?;
        let Some(message) = self.message(sequence) else {
            let payload = &entry.record.payload;
            return Some(Assembled {
                payload: payload.slice(..payload.len().min(limit)),
                length: entry.record.payload_length,
                n_frames: 1,
                is_complete: true,
            });
        };
        let mut payload = Vec::new();
        for entry in message.frames.iter().filter_map(|frame| self.entry(*frame)) {
            let room = limit - payload.len();
            let part = &entry.record.payload;
            payload.extend_from_slice(&part[..part.len().min(room)]);
            if part.len() >= room || entry.record.is_cut() {
                break;
            }
        }
        Some(Assembled {
            payload: payload.into(),
            length: message.bytes,
            n_frames: message.n_frames,
            is_complete: message.is_complete,
        })
    }

    /// Returns what the message that a frame belongs to means, where the gateway sent it of itself and its first frame is
    /// held.
    pub fn own(&self, sequence: u64) -> Option<&Own> {
        let head = self.entry(self.entry(sequence)?.message)?;
        head.own.as_deref()
    }

    /// Notes what the message that a frame belongs to means.
    pub fn explain(&mut self, sequence: u64, own: Own) {
        let head = self.entry(sequence).map(|entry| entry.message);
        let idx = head.and_then(|head| head.checked_sub(self.first));
        let idx = idx.and_then(|idx| usize::try_from(idx).ok());
        if let Some(entry) = idx.and_then(|idx| self.entries.get_mut(idx)) {
            self.bytes += own.cost();
            entry.own = Some(Box::new(own));
        }
    }

    /// True when a message is one row, rather than each of its frames.
    pub fn is_folded(&self) -> bool {
        self.view.is_folded()
    }

    /// Returns the query that is searched for, if there is one.
    pub fn query(&self) -> Option<&Query> {
        self.view.query()
    }

    /// Chooses the rows, which [`FrameLog::scan`] finds, newest first.
    pub fn show(&mut self, is_folded: bool, query: Option<Query>) {
        let end = self.end();
        self.view = View::new(is_folded, query, end);
    }

    /// Looks for rows among the frames that were there before the view was chosen, for at most `budget` steps (about a
    /// byte of payload each). True while there is more to do.
    pub fn scan(&mut self, budget: usize) -> bool {
        let mut left = budget;
        while left > 0 && self.is_scanning() {
            let sequence = self.view.step_back();
            if let Some(entry) = self.entry(sequence) {
                left = left.saturating_sub(64 + entry.record.payload.len());
                if self.is_shown(sequence, entry) {
                    self.view.insert(self.view.row_of(entry.message, sequence));
                }
            }
        }
        self.is_scanning()
    }

    /// True while [`FrameLog::scan`] has more to do.
    pub fn is_scanning(&self) -> bool {
        !self.view.is_plain() && self.view.scanned_from() > self.first
    }

    /// Returns the part of the log that was searched, in percent.
    pub fn scanned_percent(&self) -> u64 {
        if !self.is_scanning() {
            return 100;
        }
        let all = self.entries.len() as u64;
        (self.end() - self.view.scanned_from()) * 100 / all.max(1)
    }

    /// Returns the number of rows.
    pub fn n_rows(&self) -> usize {
        if self.view.is_plain() {
            return self.entries.len();
        }
        self.view.rows().len()
    }

    /// Returns the frame that a row shows: itself, or the first one of its message when folded.
    pub fn row(&self, row_idx: usize) -> Option<u64> {
        if self.view.is_plain() {
            return (row_idx < self.entries.len()).then_some(self.first + row_idx as u64);
        }
        self.view.rows().get(row_idx).copied()
    }

    /// Returns the first row at or after that frame; the number of rows when there is none.
    pub fn position(&self, sequence: u64) -> usize {
        if self.view.is_plain() {
            let idx = sequence.saturating_sub(self.first);
            return usize::try_from(idx).map_or(self.entries.len(), |idx| idx.min(self.len()));
        }
        self.view.rows().partition_point(|row| *row < sequence)
    }

    /// Lets the oldest frames go until the log holds no more than that; the newest frame is always held. Returns the
    /// number of frames that left.
    pub fn keep_within(&mut self, budget: Budget) -> usize {
        let most = self.entries.len().saturating_sub(1);
        let too_many = self.entries.len().saturating_sub(budget.frames);
        let mut leaving = 0;
        for entry in self.entries.iter().take(most) {
            if leaving >= too_many && self.bytes <= budget.bytes {
                break;
            }
            leaving += 1;
            self.bytes -= cost(&entry.record) + entry.own.as_ref().map_or(0, |own| own.cost());
            if entry.is_fragment {
                self.messages.forget_first(entry.message);
            }
        }
        self.entries.drain(..leaving);
        self.first += leaving as u64;
        self.evicted += leaving as u64;
        self.view.forget_before(self.first);
        leaving
    }

    /// Takes the frames from that one on, or when folded their messages, into the view where they belong there.
    fn admit(&mut self, start: u64) {
        let idx = usize::try_from(start - self.first).unwrap_or(usize::MAX);
        let new = (start..).zip(self.entries.range(idx..));
        if self.view.query().is_none() {
            let starts = new.filter(|(sequence, entry)| entry.message == *sequence);
            self.view.extend(starts.map(|(sequence, _)| sequence));
            return;
        }
        let rows: Vec<u64> = new
            .filter(|(sequence, entry)| self.is_shown(*sequence, entry))
            .map(|(sequence, entry)| self.view.row_of(entry.message, sequence))
            .collect();
        for row in rows {
            self.view.insert(row);
        }
    }

    /// True when a frame, or when folded its message, belongs into the view because of this frame.
    #[inline]
    fn is_shown(&self, sequence: u64, entry: &Entry) -> bool {
        if self.view.is_folded() && entry.message < self.first {
            return false;
        }
        let Some(query) = self.view.query() else {
            return entry.message == sequence;
        };
        query.is_in(&entry.record)
            || (self.view.is_folded() && entry.is_fragment && self.is_across(sequence, query))
    }

    /// True when the query starts in an earlier frame of the message and reaches into this one.
    fn is_across(&self, sequence: u64, query: &Query) -> bool {
        let Some((entry, message)) = self.entry(sequence).zip(self.message(sequence)) else {
            return false;
        };
        let reach = query.len().saturating_sub(1);
        let place = message.frames.partition_point(|frame| *frame < sequence);
        let mut before = Vec::new();
        for frame in message.frames.range(..place).rev() {
            let Some(entry) = self.entry(*frame) else {
                break;
            };
            let payload = &entry.record.payload;
            let start = payload.len().saturating_sub(reach - before.len());
            before.extend(payload[start..].iter().rev());
            if before.len() >= reach {
                break;
            }
        }
        before.reverse();
        let payload = &entry.record.payload;
        before.extend_from_slice(&payload[..payload.len().min(reach)]);
        query.is_in_bytes(&before) && query.is_direction(entry.record.direction)
    }
}

impl Own {
    /// Returns the bytes that it counts against the byte budget.
    fn cost(&self) -> usize {
        let Explanation { title, text } = &self.explanation;
        size_of::<Self>() + self.message.len() + title.len() + text.len()
    }
}

/// Returns the bytes that a frame counts against the byte budget.
#[inline]
fn cost(record: &FrameRecord) -> usize {
    size_of::<Entry>() + record.payload.len()
}

mod messages;
#[cfg(test)]
mod tests;
