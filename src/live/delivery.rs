//! The way of the frames from the tap to the consumer: in batches, held back for a slow consumer up to a bound, and then
//! dropped and counted, so that pings are still answered.

use std::{mem, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::tap::Tap;
use crate::model::{LinkEvent, link::Frames};

/// The shortest time between two batches.
const BATCH_TIME: Duration = Duration::from_millis(16);

/// Frames that do not wait for that time, and bytes of payload that do not.
pub(super) const BATCH_FRAMES: usize = 512;
pub(super) const BATCH_BYTES: usize = 1024 * 1024;

/// The most frames in one batch: one read of tiny frames brings far more than a consumer should take in one go.
pub(super) const MOST_FRAMES: usize = 8 * BATCH_FRAMES;

/// The frames and bytes that are held for a slow consumer before reading stops, and the longest stop before frames are
/// dropped.
const HELD_FRAMES: usize = 16 * 1024;
const HELD_BYTES: usize = 8 * BATCH_BYTES;
const STALL_TIME: Duration = Duration::from_secs(2);

/// The delivery to the consumer: how much is held for it, and since when it takes nothing.
pub(super) struct Delivery<'a> {
    events: &'a mpsc::Sender<LinkEvent>,
    now: Instant,
    /// The instant at which the next batch may leave.
    next_at: Instant,
    held_frames: usize,
    held_bytes: usize,
    dropped: u64,
    /// The instant at which reading stopped because the consumer is slow.
    stalled_since: Option<Instant>,
    /// True from the moment frames were dropped until the consumer takes something.
    gave_up_waiting: bool,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(events: &'a mpsc::Sender<LinkEvent>) -> Self {
        let now = Instant::now();
        Self {
            events,
            now,
            next_at: now,
            held_frames: 0,
            held_bytes: 0,
            dropped: 0,
            stalled_since: None,
            gave_up_waiting: false,
        }
    }

    /// Notes what the tap holds now.
    pub(super) fn look_at<S>(&mut self, tap: &Tap<S>) {
        self.now = Instant::now();
        self.held_frames = tap.records().len();
        self.held_bytes = tap.held_bytes();
        if !self.is_full() {
            self.stalled_since = None;
        } else if self.stalled_since.is_none() {
            self.stalled_since = Some(self.now);
        }
    }

    fn is_full(&self) -> bool {
        self.held_frames >= HELD_FRAMES || self.held_bytes >= HELD_BYTES
    }

    /// True while there is room for more frames.
    pub(super) fn may_read(&self) -> bool {
        !self.is_full()
    }

    /// True when a batch should leave.
    pub(super) fn is_due(&self) -> bool {
        self.held_frames > 0
            && (self.now >= self.next_at
                || self.held_frames >= BATCH_FRAMES
                || self.held_bytes >= BATCH_BYTES)
    }

    /// Returns the instant at which there will be something to do that nothing else announces.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        match self.stalled_since {
            Some(_) if self.gave_up_waiting => Some(self.now),
            Some(since) => Some(since + STALL_TIME),
            None => (self.held_frames > 0 && !self.is_due()).then_some(self.next_at),
        }
    }

    /// The time of `wakes_at` has come: a batch may leave now, or the consumer was given long enough.
    pub(super) fn wake<S>(&mut self, tap: &mut Tap<S>) {
        if self.stalled_since.take().is_some() {
            self.gave_up_waiting = true;
            self.dropped += tap.take_records(usize::MAX).len() as u64;
        }
    }

    /// Waits until the consumer has room for a batch; none when nobody listens any more.
    pub(super) async fn reserve(&self) -> Option<mpsc::Permit<'a, LinkEvent>> {
        self.events.reserve().await.ok()
    }

    /// Hands the oldest frames over.
    pub(super) fn deliver<S>(&mut self, permit: mpsc::Permit<'_, LinkEvent>, tap: &mut Tap<S>) {
        let frames = Frames {
            records: tap.take_records(MOST_FRAMES),
            dropped: mem::take(&mut self.dropped),
        };
        permit.send(LinkEvent::Frames(frames));
        self.next_at = self.now + BATCH_TIME;
        self.gave_up_waiting = false;
        self.stalled_since = None;
    }

    /// Delivers what is left at the end, however long the consumer takes: no more can come meanwhile.
    pub(super) async fn deliver_all<S>(&mut self, tap: &mut Tap<S>) -> Option<()> {
        while !tap.records().is_empty() || self.dropped > 0 {
            let permit = self.reserve().await?;
            self.deliver(permit, tap);
        }
        Some(())
    }
}
