//! A session: one client of one stage.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    composer::Composer,
    link::{Limits, LiveLink, Phase},
    log::{FrameLog, Own},
};
use crate::{
    model::{
        Api, ApiDetail, ApiId, ConnectRequest, LinkEvent, LinkId, Outgoing, SessionId, Signing,
        StageName, Target,
        explain::{
            self, CloseFacts, Exchange, Explanation, Handshake, Lack, LastMessage, OwnMessage,
            Place, Server,
        },
        host,
        limit::ConnectionLimits,
        link::Frames,
    },
    ui::{Effect, effect::Link},
};

/// Steps of [`FrameLog::scan`] that one message may cost: a few milliseconds.
const SCAN_BUDGET: usize = 4 * 1024 * 1024;

/// The pause before the scan goes on when nothing else happens.
const SCAN_PAUSE: Duration = Duration::from_millis(1);

/// A stage to watch.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedStage {
    /// The target that the stage was found at.
    pub target: Target,
    /// The API that the stage belongs to.
    pub api: Api,
    /// The stage.
    pub stage: StageName,
}

impl WatchedStage {
    /// Returns the limits that hold there; `ours` are those of the gateway in this process.
    pub fn limits(&self, ours: ConnectionLimits) -> Limits {
        limits(&self.api.invoke_url(&self.stage), &self.target, ours)
    }
}

/// A client of a stage.
#[derive(Debug)]
pub struct Session {
    /// The session's number.
    pub id: SessionId,
    /// The target that the stage was found at.
    pub target: Target,
    /// The API that the stage belongs to.
    pub api: Api,
    /// The stage.
    pub stage: StageName,
    /// The URL that the link goes to.
    pub url: String,
    /// The choice of the handshakes that are signed.
    sign: Sign,
    /// True when the stage asked for a signature, as far as was known at the last handshake.
    was_asked: bool,
    /// The client's link, which is another one after each reconnect.
    pub link: LiveLink,
    /// The frames that crossed its links.
    pub log: FrameLog,
    /// The messages of the link in force, as far as they tell what the gateway answers by itself.
    exchange: Exchange,
    /// The messages of the gateway's own that came last, by a frame of each, until they are explained.
    unexplained: Vec<(u64, OwnMessage)>,
    /// The composer of the message that the person writes.
    pub composer: Composer,
    /// The place where the frames were looked at last.
    pub view: FrameView,
}

/// A place in the frames, where somebody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameView {
    /// The selected row's frame; none while the view follows the newest.
    pub cursor: Option<u64>,
    /// The frame in the first visible row, while the view is paused.
    pub top: u64,
    /// The number of the first frame that came after the view was paused.
    pub paused_at: u64,
    /// The shape in which payloads are shown.
    pub shape: Shape,
}

/// The shape in which payloads are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// JSON where it is, laid out.
    #[default]
    Json,
    /// As it is.
    Text,
    /// Bytes.
    Hex,
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
    /// Returns a session on a stage, with a link that [`Session::set_out`] orders.
    pub fn new(id: SessionId, watched: WatchedStage, link: LiveLink) -> Self {
        let WatchedStage { target, api, stage } = watched;
        Self {
            id,
            url: api.invoke_url(&stage),
            target,
            api,
            stage,
            sign: Sign::default(),
            was_asked: false,
            link,
            log: FrameLog::default(),
            exchange: Exchange::default(),
            unexplained: Vec::new(),
            composer: Composer::default(),
            view: FrameView::default(),
        }
    }

    /// Takes the new limits of the gateway in this process, for an open link too.
    pub fn change_limits(&mut self, ours: ConnectionLimits) {
        if matches!(self.link.limits, Limits::Ours(_)) {
            self.link.limits = Limits::Ours(ours);
        }
    }

    /// Returns the name of the session, as it stands in a list.
    pub fn name(&self) -> String {
        format!("{}/{}", self.api.name, self.stage)
    }

    /// True when this session watches that stage at that target.
    pub fn is_for(&self, target: &Target, api: &ApiId, stage: &StageName) -> bool {
        self.target == *target && self.api.id == *api && self.stage == *stage
    }

    /// Returns the signing of the next handshake, by what is known of the API.
    pub fn signing(&self, detail: Option<&ApiDetail>) -> Signing {
        match self.sign {
            Sign::Always => Signing::Signed,
            Sign::WhereAsked if self.is_asked(detail) => Signing::Signed,
            Sign::WhereAsked | Sign::Never => Signing::Unsigned,
        }
    }

    /// True when the stage asks for a signature, as far as is known now, else as it was known for the handshake before.
    fn is_asked(&self, detail: Option<&ApiDetail>) -> bool {
        match detail {
            Some(detail) if detail.signed.contains(&self.stage) => true,
            Some(detail) if detail.draft.is_some() => false,
            _ => self.was_asked,
        }
    }

    /// Signs all handshakes from now on if the last one was not signed, else none; returns the new signing.
    pub fn toggle_signing(&mut self) -> Signing {
        let (sign, signing) = match self.link.signing {
            Signing::Unsigned => (Sign::Always, Signing::Signed),
            Signing::Signed => (Sign::Never, Signing::Unsigned),
        };
        self.sign = sign;
        signing
    }

    /// Returns the order to open the session's link.
    pub fn set_out(&mut self, detail: Option<&ApiDetail>) -> Effect {
        self.was_asked = self.is_asked(detail);
        self.link.signing = self.signing(detail);
        let signer = match self.link.signing {
            Signing::Unsigned => None,
            Signing::Signed => Some(self.target.clone()),
        };
        let request = ConnectRequest {
            url: self.url.clone(),
            ..ConnectRequest::default()
        };
        Effect::Link(Link::Open(self.link.id, request, signer))
    }

    /// Opens the session's link anew under a number that was never used, ending the one before.
    pub fn reopen(
        &mut self,
        id: LinkId,
        now: Timestamp,
        detail: Option<&ApiDetail>,
    ) -> Vec<Effect> {
        let ending = self.end();
        self.log.end_link(self.link.id);
        self.exchange = Exchange::default();
        self.link.reopen(id, now);
        let opening = self.set_out(detail);
        ending.into_iter().chain([opening]).collect()
    }

    /// Takes an event of the link.
    pub fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Frames(frames) => self.take_frames(frames),
            other => {
                if other.is_end() {
                    self.log.end_link(self.link.id);
                }
                self.link.take(other);
            }
        }
    }

    fn take_frames(&mut self, frames: Frames) {
        self.log.count_dropped(frames.dropped);
        if frames.dropped > 0 {
            // A message may be among them.
            self.exchange = Exchange::default();
        }
        for (sequence, record) in (self.log.end()..).zip(&frames.records) {
            self.link.count(record);
            let own = self.exchange.take(record);
            self.unexplained.extend(own.map(|own| (sequence, own)));
        }
        self.log.extend(self.link.id, frames.records);
    }

    /// Explains the messages of the gateway's own that came last, by what is known of the API now.
    pub fn explain_own_messages(&mut self, detail: Option<&ApiDetail>) {
        let served = detail.and_then(|detail| Some(detail.served.get(&self.stage)?.as_ref()));
        let draft = detail.and_then(|detail| Some(&detail.draft.as_ref()?.definition));
        for (sequence, own) in self.unexplained.drain(..) {
            let last = LastMessage {
                payload: own.last_sent.as_deref(),
                url: &self.url,
                signing: self.link.signing,
                served,
                draft,
            };
            let own = Own {
                explanation: explain::error_frame(&own.response, &last),
                message: own.response.message,
            };
            self.log.explain(sequence, own);
        }
    }

    /// Returns the order that ends the link: in good order where it is open, at once while it is on its way; none when
    /// it has ended.
    pub fn end(&self) -> Option<Effect> {
        let id = self.link.id;
        match self.link.phase {
            Phase::Open(_) => Some(Effect::Link(Link::Close(id))),
            Phase::Connecting { .. } => Some(Effect::Link(Link::Drop(id))),
            Phase::Refused(_) | Phase::Failed(_) | Phase::Closed(_) => None,
        }
    }

    /// True while there is a connection, one is on its way, or the next attempt is due by itself.
    pub fn is_under_way(&self) -> bool {
        self.link.is_alive() || self.link.retry.is_some()
    }

    /// Closes an open connection in good order, so that its end is told; gives up one that is on its way, and
    /// reconnecting.
    pub fn hang_up(&mut self, now: Timestamp) -> Option<Effect> {
        if self.link.is_open() {
            // SOURCE: RFC 6455 §7.4.1, 1000: the purpose for which the connection was established has been fulfilled.
            let close = Outgoing::Close(Some((1000, String::new())));
            return Some(Effect::Link(Link::Send(self.link.id, close)));
        }
        let ending = self.end();
        self.link.give_up(now);
        ending
    }

    /// Searches the log for a moment; [`Sessions::search`](super::Sessions::search) goes on with what is left.
    pub fn search(&mut self) {
        self.log.scan(SCAN_BUDGET);
    }

    /// Lets time pass: reconnects when that is due, under the number that `new_id` gives.
    pub fn tick(
        &mut self,
        now: Timestamp,
        detail: Option<&ApiDetail>,
        new_id: impl FnOnce() -> LinkId,
    ) -> Vec<Effect> {
        if self.link.retry.is_some_and(|retry| retry.at <= now) {
            return self.reopen(new_id(), now, detail);
        }
        Vec::new()
    }

    /// Returns the time until `tick` has something to do or a time on the screen changes, when nothing happens
    /// meanwhile.
    pub fn next_tick(&self, now: Timestamp) -> Option<Duration> {
        if self.log.is_scanning() {
            return Some(SCAN_PAUSE);
        }
        self.link.next_change(now)
    }

    /// Returns the last handshake, and what is known of the place that it went to.
    fn handshake<'a>(&'a self, detail: Option<&'a ApiDetail>) -> Handshake<'a> {
        Handshake {
            url: &self.url,
            signing: self.link.signing,
            place: Some(Place::of(detail, &self.stage)),
        }
    }

    /// Returns what the refused handshake seems to lack.
    pub fn lack(&self, detail: Option<&ApiDetail>) -> Option<Lack> {
        match &self.link.phase {
            Phase::Refused(refusal) => explain::lack(refusal, &self.handshake(detail)),
            _ => None,
        }
    }

    /// Returns the reason why the session's link is not open, when the link ended.
    pub fn explanation(&self, detail: Option<&ApiDetail>) -> Option<Explanation> {
        match &self.link.phase {
            Phase::Connecting { .. } | Phase::Open(_) => None,
            Phase::Refused(refusal) if self.link.retry.is_some() => {
                Some(explain::unsettled(refusal, &self.stage))
            }
            Phase::Refused(refusal) => {
                let mut explanation = explain::refusal(refusal, &self.handshake(detail));
                if let Some(way) = self.lack(detail).and_then(way_to_bring) {
                    explanation.text.push_str(way);
                }
                Some(explanation)
            }
            Phase::Failed(failure) => Some(explain::failure(failure)),
            Phase::Closed(closed) => {
                let since = |start: Option<Timestamp>| {
                    start.map_or(SignedDuration::ZERO, |at| closed.at.duration_since(at))
                };
                let facts = CloseFacts {
                    server: Server::Stage,
                    idle: since(self.link.active_at),
                    age: since(self.link.opened_at),
                    sent: self.link.sent,
                };
                Some(explain::close(closed, &facts))
            }
        }
    }
}

/// Returns the sentence about the way to bring what a handshake lacks and this screen has no key for.
fn way_to_bring(lack: Lack) -> Option<&'static str> {
    match lack {
        Lack::Signature => None,
        Lack::ApiKey => Some(" On the command line, connect --header 'x-api-key: KEY' brings one."),
        Lack::IdentitySource => Some(
            " On the command line, connect --header brings headers, and a URL with a query the rest.",
        ),
    }
}

/// Returns the limits that hold behind a URL: API Gateway's at its own endpoints, and those of the gateway in this
/// process, whose time runs at its own pace. Behind any other address may be anything, also a local gateway whose time
/// was told to run faster.
fn limits(url: &str, target: &Target, ours: ConnectionLimits) -> Limits {
    match target {
        Target::Local(_) => Limits::Ours(ours),
        Target::Aws(_) if host::is_api_of_aws(host::of_url(url)) => Limits::Usual,
        Target::Aws(_) => Limits::Unknown,
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
            assert_eq!(limits(url, target, ours), known, "{url}");
        }
    }
}
