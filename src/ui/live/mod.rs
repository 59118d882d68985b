//! A stage watched live: the data that outlives the screen showing it.
//!
//! A [`Session`] belongs to one stage. It holds our links to that stage, the log of all frames that crossed them, and
//! what the person is about to send. It turns link events into state and says what it wants of the world as effects; it
//! draws nothing and knows no key.

pub mod composer;
pub mod explain;
pub mod link;
pub mod log;
pub mod needle;
mod view;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::{
    composer::Composer,
    explain::{CloseFacts, Explanation},
    log::FrameLog,
};
pub use self::{
    link::{LiveLink, Phase},
    needle::Needle,
};
use crate::{
    model::{Api, ApiDetail, ApiId, ConnectRequest, LinkEvent, LinkId, StageName},
    ui::Effect,
};

/// Steps of [`FrameLog::scan`] that one message may cost: a few milliseconds.
const SCAN_BUDGET: usize = 4 * 1024 * 1024;

/// How soon the scan goes on when nothing else happens.
const SCAN_PAUSE: Duration = Duration::from_millis(1);

/// A stage watched live.
#[derive(Debug)]
pub struct Session {
    /// The API that the stage belongs to.
    pub api: Api,
    /// The stage.
    pub stage: StageName,
    /// Where its links go.
    pub url: String,
    /// Its clients, oldest first; one whose link ended stays until it is opened anew.
    pub links: Vec<LiveLink>,
    /// The frames of all of them.
    pub log: FrameLog,
    /// What the person is about to send.
    pub composer: Composer,
}

impl Session {
    /// A session without links.
    pub fn new(api: Api, stage: StageName) -> Self {
        Self {
            url: api.invoke_url(&stage),
            api,
            stage,
            links: Vec::new(),
            log: FrameLog::default(),
            composer: Composer::default(),
        }
    }

    /// True when this session watches that stage.
    pub fn is_for(&self, api: &ApiId, stage: &StageName) -> bool {
        self.api.id == *api && self.stage == *stage
    }

    /// Opens the session's link under a number that was never used, giving the one before up.
    pub fn open(&mut self, id: LinkId, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.close();
        match self.links.first_mut() {
            Some(link) => {
                self.log.end_link(link.id);
                link.reopen(id, now);
            }
            None => self.links.push(LiveLink::new(id, now)),
        }
        let request = ConnectRequest {
            url: self.url.clone(),
            ..ConnectRequest::default()
        };
        effects.push(Effect::OpenLink(id, request));
        effects
    }

    /// Takes what a link told; what a link that was given up tells late is dropped.
    pub fn take(&mut self, id: LinkId, event: LinkEvent) {
        let Some(link) = self.links.iter_mut().find(|link| link.id == id) else {
            return;
        };
        match event {
            LinkEvent::Frames(frames) => {
                self.log.count_dropped(frames.dropped);
                for record in frames.records {
                    link.count(&record);
                    self.log.append(id, record);
                }
            }
            other => {
                if other.is_end() {
                    self.log.end_link(id);
                }
                link.take(other);
            }
        }
    }

    /// What gives up every link that is still alive, for a session that nobody will see again.
    pub fn close(&self) -> Vec<Effect> {
        self.links
            .iter()
            .filter(|link| link.is_alive())
            .map(|link| Effect::DropLink(link.id))
            .collect()
    }

    /// Stops trying to get a connection: the attempt under way, and those to come.
    pub fn give_up(&mut self, now: Timestamp) -> Vec<Effect> {
        let effects = self.close();
        for link in &mut self.links {
            link.give_up(now);
        }
        effects
    }

    /// Searches the log for a moment; `tick` goes on with what is left.
    pub fn search(&mut self) {
        self.log.scan(SCAN_BUDGET);
    }

    /// Lets time pass: searches on, and reconnects when that is due, under the number that `new_id` gives.
    pub fn tick(&mut self, now: Timestamp, new_id: impl FnOnce() -> LinkId) -> Vec<Effect> {
        self.search();
        let is_due = |link: &LiveLink| link.retry.is_some_and(|retry| retry.at <= now);
        if self.links.first().is_some_and(is_due) {
            return self.open(new_id(), now);
        }
        Vec::new()
    }

    /// How long until `tick` has something to do or a time on the screen changes, when nothing happens meanwhile.
    pub fn next_tick(&self, now: Timestamp) -> Option<Duration> {
        if self.log.is_scanning() {
            return Some(SCAN_PAUSE);
        }
        let changes = self.links.iter().filter_map(|link| link.next_change(now));
        changes.min()
    }

    /// Why the session's link is not open, when it ended.
    pub fn explanation(&self, detail: Option<&ApiDetail>) -> Option<Explanation> {
        let link = self.links.first()?;
        match &link.phase {
            Phase::Connecting { .. } | Phase::Open(_) => None,
            Phase::Refused(refusal) => Some(explain::refusal(refusal, &self.stage, detail)),
            Phase::Failed(failure) => Some(explain::failure(failure)),
            Phase::Closed(closed) => {
                let since = |start: Option<Timestamp>| {
                    start.map_or(SignedDuration::ZERO, |at| closed.at.duration_since(at))
                };
                let facts = CloseFacts {
                    idle: since(link.active_at),
                    age: since(link.opened_at),
                    sent: link.sent,
                };
                Some(explain::close(closed, &facts))
            }
        }
    }
}
