//! A stage watched live: the data that outlives the screen showing it.
//!
//! A [`Session`] belongs to one stage. It holds our links to that stage, the log of all frames that crossed them, and
//! what the person is about to send. It turns link events into state and says what it wants of the world as effects; it
//! draws nothing and knows no key.

pub mod link;
pub mod log;
pub mod needle;
mod view;

use std::time::Duration;

use jiff::Timestamp;

pub use self::link::{LiveLink, Phase};
use crate::{
    model::{ApiId, ConnectRequest, LinkEvent, LinkId, StageName},
    ui::Effect,
};

/// A stage watched live.
#[derive(Debug)]
pub struct Session {
    /// The API that the stage belongs to.
    pub api: ApiId,
    /// What its owner calls the API.
    pub api_name: String,
    /// The stage.
    pub stage: StageName,
    /// Where its links go.
    pub url: String,
    /// Our links, oldest first; a link that ended stays until it is opened anew.
    pub links: Vec<LiveLink>,
}

impl Session {
    /// A session without links.
    pub fn new(api: ApiId, api_name: String, stage: StageName, url: String) -> Self {
        Self {
            api,
            api_name,
            stage,
            url,
            links: Vec::new(),
        }
    }

    /// True when this session watches that stage.
    pub fn is_for(&self, api: &ApiId, stage: &StageName) -> bool {
        self.api == *api && self.stage == *stage
    }

    /// Opens the session's link under a number that was never used, giving the one before up.
    pub fn open(&mut self, id: LinkId, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.close();
        self.links.clear();
        self.links.push(LiveLink::new(id, now));
        let request = ConnectRequest {
            url: self.url.clone(),
            ..ConnectRequest::default()
        };
        effects.push(Effect::OpenLink(id, request));
        effects
    }

    /// Takes what a link told; what a link that was given up tells late is dropped.
    pub fn take(&mut self, id: LinkId, event: LinkEvent) {
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            link.take(event);
        }
    }

    /// Gives every link up that is still alive.
    pub fn close(&self) -> Vec<Effect> {
        self.links
            .iter()
            .filter(|link| link.is_alive())
            .map(|link| Effect::DropLink(link.id))
            .collect()
    }

    /// Lets time pass.
    pub fn tick(&mut self, _now: Timestamp) -> Vec<Effect> {
        Vec::new()
    }

    /// How long until `tick` has something to do or a time on the screen changes, when nothing happens meanwhile.
    pub fn next_tick(&self, _now: Timestamp) -> Option<Duration> {
        None
    }
}
