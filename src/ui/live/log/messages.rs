//! The messages that frames make up: those under way, and those of more than one frame.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Direction, FrameRecord, LinkId, Opcode};

/// A message of more than one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its frames that are held, oldest first.
    pub frames: VecDeque<u64>,
    /// The number of its frames so far, as the tap counted them.
    pub n_frames: u32,
    /// Its length so far, in bytes of payload on the wire.
    pub bytes: u64,
    /// True once its last frame came.
    pub is_complete: bool,
    /// True when no further frame can come, complete or not.
    is_over: bool,
}

/// The messages of a log, but for those of one frame, which need no record.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The messages under way, at most one for each link and direction.
    open: Vec<Open>,
    /// The messages of more than one frame, by their first frame.
    fragmented: BTreeMap<u64, Message>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    link: LinkId,
    direction: Direction,
    message: u64,
}

impl Messages {
    /// Returns the message of that first frame, when it has several frames.
    pub(super) fn get(&self, message: u64) -> Option<&Message> {
        self.fragmented.get(&message)
    }

    /// Finds the message that a new frame belongs to, or starts one; returns its number, and true when it has, or will
    /// have, more frames than this one.
    #[inline]
    pub(super) fn join(
        &mut self,
        sequence: u64,
        link: LinkId,
        record: &FrameRecord,
    ) -> (u64, bool) {
        // Most messages have one frame, and nothing to look up.
        if record.is_final && self.open.is_empty() {
            return (sequence, false);
        }
        self.join_parts(sequence, link, record)
    }

    #[inline(never)]
    fn join_parts(&mut self, sequence: u64, link: LinkId, record: &FrameRecord) -> (u64, bool) {
        if record.opcode.is_control() {
            return (sequence, false);
        }
        let place = self
            .open
            .iter()
            .position(|open| open.link == link && open.direction == record.direction);
        let message = match place {
            Some(idx) if record.opcode == Opcode::Continuation => self.open[idx].message,
            Some(idx) => {
                // The peer broke off: RFC 6455 §5.4 forbids to start a message inside another one.
                let open = self.open.swap_remove(idx);
                self.abandon(open.message);
                sequence
            }
            None => sequence,
        };
        if message == sequence && record.is_final {
            return (sequence, false);
        }
        self.grow(message, sequence, record);
        if record.is_final {
            self.open
                .retain(|open| open.link != link || open.direction != record.direction);
        } else if message == sequence {
            self.open.push(Open {
                link,
                direction: record.direction,
                message,
            });
        }
        (message, true)
    }

    /// Notes that a link ended: its messages under way stay incomplete.
    pub(super) fn end_link(&mut self, link: LinkId) {
        let ended: Vec<Open> = self.open.extract_if(.., |open| open.link == link).collect();
        for open in ended {
            self.abandon(open.message);
        }
    }

    /// Notes that the oldest frame of a message left the log.
    pub(super) fn forget_first(&mut self, message: u64) {
        if let Some(whole) = self.fragmented.get_mut(&message) {
            whole.frames.pop_front();
            if whole.is_over && whole.frames.is_empty() {
                self.fragmented.remove(&message);
            }
        }
    }

    /// Notes that all frames left the log; what is under way goes on.
    pub(super) fn clear(&mut self) {
        self.fragmented.clear();
    }

    fn grow(&mut self, message: u64, sequence: u64, record: &FrameRecord) {
        let whole = self.fragmented.entry(message).or_default();
        whole.frames.push_back(sequence);
        whole.n_frames = (whole.n_frames + 1).max(record.part);
        whole.bytes += record.payload_length;
        whole.is_complete = record.is_final;
        whole.is_over = record.is_final;
    }

    fn abandon(&mut self, message: u64) {
        if let Some(whole) = self.fragmented.get_mut(&message) {
            whole.is_over = true;
            if whole.frames.is_empty() {
                self.fragmented.remove(&message);
            }
        }
    }
}
