//! A stage watched live: the data that outlives the screen showing it.
//!
//! A [`Session`] belongs to one stage. A session holds our links to that stage, the log of all frames that crossed
//! them, and the message that the person writes; it turns link events into state and returns its orders to the world as
//! effects; it draws nothing and knows no key.

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
    explain::{CloseFacts, Explanation, Handshake},
    log::FrameLog,
};
pub use self::{
    link::{Limits, LiveLink, Phase},
    needle::Needle,
};
use crate::{
    model::{
        Api, ApiDetail, ApiId, ConnectRequest, LinkEvent, LinkId, Signing, StageName, Target,
        limit::ConnectionLimits,
    },
    ui::{Effect, effect::Link},
};

/// Steps of [`FrameLog::scan`] that one message may cost: a few milliseconds.
const SCAN_BUDGET: usize = 4 * 1024 * 1024;

/// The pause before the scan goes on when nothing else happens.
const SCAN_PAUSE: Duration = Duration::from_millis(1);

/// A stage watched live.
#[derive(Debug)]
pub struct Session {
    /// The API that the stage belongs to.
    pub api: Api,
    /// The stage.
    pub stage: StageName,
    /// The URL that the links go to.
    pub url: String,
    /// The limits that hold there.
    limits: Limits,
    /// The choice of the handshakes that are signed.
    sign: Sign,
    /// Its clients, oldest first; one whose link ended stays until it is opened anew.
    pub links: Vec<LiveLink>,
    /// The frames of all of them.
    pub log: FrameLog,
    /// The composer of the message that the person writes.
    pub composer: Composer,
}

/// A choice of the handshakes that are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sign {
    /// The handshakes with a stage that asks for a signature, as far as that is known.
    #[default]
    WhereAsked,
    /// All: the person says so.
    Always,
    /// None: the person says so.
    Never,
}

impl Session {
    /// Returns a session without links, on a stage of that target; `ours` are the limits of the gateway in this
    /// process.
    pub fn new(
        api: Api,
        stage: StageName,
        target: Option<&Target>,
        ours: ConnectionLimits,
    ) -> Self {
        let url = api.invoke_url(&stage);
        Self {
            limits: limits(&url, target, ours),
            sign: Sign::default(),
            url,
            api,
            stage,
            links: Vec::new(),
            log: FrameLog::default(),
            composer: Composer::default(),
        }
    }

    /// Takes the new limits of the gateway in this process, for open links too.
    pub fn change_limits(&mut self, ours: ConnectionLimits) {
        if matches!(self.limits, Limits::Ours(_)) {
            self.limits = Limits::Ours(ours);
            for link in &mut self.links {
                link.limits = self.limits;
            }
        }
    }

    /// True when this session watches that stage.
    pub fn is_for(&self, api: &ApiId, stage: &StageName) -> bool {
        self.api.id == *api && self.stage == *stage
    }

    /// Returns the signing of the next handshake, by what is known of the API.
    pub fn signing(&self, detail: Option<&ApiDetail>) -> Signing {
        let is_asked = detail.is_some_and(|detail| detail.signed.contains(&self.stage));
        match self.sign {
            Sign::Always => Signing::Signed,
            Sign::WhereAsked if is_asked => Signing::Signed,
            Sign::WhereAsked | Sign::Never => Signing::Unsigned,
        }
    }

    /// Signs all handshakes from now on if the last one was not signed, else none; returns the new signing.
    pub fn toggle_signing(&mut self) -> Signing {
        let last = self.links.first().map(|link| link.signing);
        let (sign, signing) = match last.unwrap_or_default() {
            Signing::Unsigned => (Sign::Always, Signing::Signed),
            Signing::Signed => (Sign::Never, Signing::Unsigned),
        };
        self.sign = sign;
        signing
    }

    /// Opens the session's link under a number that was never used, giving the one before up.
    pub fn open(&mut self, id: LinkId, now: Timestamp, detail: Option<&ApiDetail>) -> Vec<Effect> {
        let mut effects = self.close();
        let signing = self.signing(detail);
        match self.links.first_mut() {
            Some(link) => {
                self.log.end_link(link.id);
                link.reopen(id, now);
            }
            None => self.links.push(LiveLink::new(id, now, self.limits)),
        }
        for link in &mut self.links {
            link.signing = signing;
        }
        let request = ConnectRequest {
            url: self.url.clone(),
            ..ConnectRequest::default()
        };
        effects.push(Effect::Link(Link::Open(id, request, signing)));
        effects
    }

    /// Takes an event of a link; a late event of a link that was given up is dropped.
    pub fn take(&mut self, id: LinkId, event: LinkEvent) {
        let Some(link) = self.links.iter_mut().find(|link| link.id == id) else {
            return;
        };
        match event {
            LinkEvent::Frames(frames) => {
                self.log.count_dropped(frames.dropped);
                for record in &frames.records {
                    link.count(record);
                }
                self.log.extend(id, frames.records);
            }
            other => {
                if other.is_end() {
                    self.log.end_link(id);
                }
                link.take(other);
            }
        }
    }

    /// Returns the orders that give up every link that is still alive.
    pub fn close(&self) -> Vec<Effect> {
        self.links
            .iter()
            .filter(|link| link.is_alive())
            .map(|link| Effect::Link(Link::Drop(link.id)))
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
    pub fn tick(
        &mut self,
        now: Timestamp,
        detail: Option<&ApiDetail>,
        new_id: impl FnOnce() -> LinkId,
    ) -> Vec<Effect> {
        self.search();
        let is_due = |link: &LiveLink| link.retry.is_some_and(|retry| retry.at <= now);
        if self.links.first().is_some_and(is_due) {
            return self.open(new_id(), now, detail);
        }
        Vec::new()
    }

    /// Returns the time until `tick` has something to do or a time on the screen changes, when nothing happens
    /// meanwhile.
    pub fn next_tick(&self, now: Timestamp) -> Option<Duration> {
        if self.log.is_scanning() {
            return Some(SCAN_PAUSE);
        }
        let changes = self.links.iter().filter_map(|link| link.next_change(now));
        changes.min()
    }

    /// Returns the reason why the session's link is not open, when the link ended.
    pub fn explanation(&self, detail: Option<&ApiDetail>) -> Option<Explanation> {
        let link = self.links.first()?;
        match &link.phase {
            Phase::Connecting { .. } | Phase::Open(_) => None,
            Phase::Refused(refusal) if link.retry.is_some() => {
                Some(explain::unsettled(refusal, &self.stage))
            }
            Phase::Refused(refusal) => {
                let handshake = Handshake {
                    stage: &self.stage,
                    signing: link.signing,
                };
                Some(explain::refusal(refusal, handshake, detail))
            }
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

/// Returns the limits that hold behind a URL: API Gateway's at its own endpoints, and those of the gateway in this
/// process, whose time runs at its own pace. Behind any other address may be anything, also a local gateway whose time
/// was told to run faster.
fn limits(url: &str, target: Option<&Target>, ours: ConnectionLimits) -> Limits {
    let authority = url.split("://").nth(1).unwrap_or_default();
    let host = authority.split(['/', ':', '?']).next().unwrap_or_default();
    let is_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    match target {
        Some(Target::Local(_)) => Limits::Ours(ours),
        _ if is_aws => Limits::Usual,
        _ => Limits::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{AwsTarget, LocalTarget};

    #[test]
    fn limits_are_known_of_aws_and_of_our_own_gateway_only() {
        let ours = ConnectionLimits::scaled(60.0);
        let aws = Target::Aws(AwsTarget::default());
        let local = Target::Local(LocalTarget {
            address: ([127, 0, 0, 1], 4566).into(),
            region: "us-east-1".to_owned(),
        });
        for (url, target, known) in [
            (
                "wss://a1.execute-api.eu-west-1.amazonaws.com/prod",
                &aws,
                Limits::Usual,
            ),
            (
                "wss://a1.execute-api.cn-north-1.amazonaws.com.cn/prod",
                &aws,
                Limits::Usual,
            ),
            (
                "wss://amazonaws.com.example.test/prod",
                &aws,
                Limits::Unknown,
            ),
            ("ws://127.0.0.1:4566/a1/prod", &aws, Limits::Unknown),
            ("ws://127.0.0.1:4566/a1/prod", &local, Limits::Ours(ours)),
        ] {
            assert_eq!(limits(url, Some(target), ours), known, "{url}");
        }
        let url = "ws://127.0.0.1:4566/a1/prod";
        assert_eq!(limits(url, None, ours), Limits::Unknown);
    }
}
