//! What a Live screen needs above the harness: a stage, frames that cross, and a link that tells how it is.

use bytes::Bytes;
use jiff::Timestamp;
use stagewire::{
    model::{
        Api, Direction, FrameRecord, LinkEvent, LinkId, Opcode, StageName, Target,
        frame::split,
        link::{Closed, Frames, LinkFailure, LinkStep, Opened, Refusal},
        target::LocalTarget,
    },
    ui::{Appearance, Effect, Message, Remote, route::Route},
};

use crate::{chat, harness::Harness};

/// The time at which each test starts: 12:04:31.102.
pub(crate) const START_MS: i64 = 1_000 * 86_400_000 + 43_471_102;

/// A time, in milliseconds after the start.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + ms).unwrap()
}

/// The API whose stage is watched.
pub(crate) fn api() -> Api {
    chat::api("k3v9x2a1bc", "chat")
}

/// A frame; the part counts from 1, 0 for control frames.
pub(crate) fn frame(
    (direction, opcode): (Direction, Opcode),
    (part, is_final): (u32, bool),
    payload: &[u8],
    ms: i64,
) -> FrameRecord {
    FrameRecord {
        direction,
        opcode,
        is_final,
        reserved_bits: 0,
        is_masked: direction == Direction::Out,
        payload: Bytes::copy_from_slice(payload),
        payload_length: payload.len() as u64,
        part,
        at: at(ms),
    }
}

/// A text message in the frames in which API Gateway takes it, a millisecond apart.
pub(crate) fn message(direction: Direction, payload: &str, ms: i64) -> Vec<FrameRecord> {
    let ranges = split(payload.len());
    let last = ranges.len();
    let numbered = (1_u32..).zip(ranges);
    numbered
        .map(|(part, range)| {
            let opcode = match part {
                1 => Opcode::Text,
                _ => Opcode::Continuation,
            };
            let is_final = part as usize == last;
            let bytes = &payload.as_bytes()[range];
            let ms = ms + i64::from(part) - 1;
            frame((direction, opcode), (part, is_final), bytes, ms)
        })
        .collect()
}

impl Harness {
    /// A Live screen on stage `prod` of the API on a terminal of that size, its link on the way.
    pub(crate) fn connecting(width: u16, height: u16) -> Self {
        Self::connecting_with(width, height, &Appearance::default())
    }

    /// The same on a terminal that can show less.
    pub(crate) fn connecting_with(width: u16, height: u16, appearance: &Appearance) -> Self {
        let mut live = Self::with(None, appearance);
        live.targets(Ok(Vec::new()));
        let state = &mut live.state;
        state.look.now = at(0);
        state.look.production.clear();
        let stage = StageName::parse("prod").unwrap();
        let target = Target::Local(LocalTarget {
            address: ([127, 0, 0, 1], 4566).into(),
            region: "us-east-1".to_owned(),
        });
        // The session begins at this target; no frame names it.
        state.data.library.target = Remote::Ready(target);
        state.data.library.meet(&api());
        state.open(Route::Watch(api().id, stage), &mut live.effects);
        state.data.library.target = Remote::Idle;
        live.resize(width, height);
        live
    }

    /// The same with the link open.
    pub(crate) fn open(width: u16, height: u16) -> Self {
        let mut live = Self::connecting(width, height);
        live.opened(0);
        live
    }

    /// Lets the clock stand at so many milliseconds after the start.
    pub(crate) fn clock(&mut self, ms: i64) -> &mut Self {
        self.update(Message::Clock(at(ms)))
    }

    /// What the link in force tells.
    pub(crate) fn link(&mut self, event: LinkEvent) -> &mut Self {
        let id = self.link_id();
        self.update(Message::Link(id, event))
    }

    /// The number of the link in force.
    pub(crate) fn link_id(&self) -> LinkId {
        self.state.data.sessions.all().last().unwrap().link.id
    }

    /// The handshake succeeds.
    pub(crate) fn opened(&mut self, ms: i64) -> &mut Self {
        self.link(LinkEvent::Open(Opened {
            at: at(ms),
            subprotocol: None,
            headers: Vec::new(),
        }))
    }

    /// Frames cross.
    pub(crate) fn frames(&mut self, records: Vec<FrameRecord>) -> &mut Self {
        self.link(LinkEvent::Frames(Frames {
            records,
            dropped: 0,
        }))
    }

    /// The connection closes.
    pub(crate) fn closed(&mut self, code: u16, reason: &str, ms: i64) -> &mut Self {
        self.link(LinkEvent::Closed(Closed {
            at: at(ms),
            code,
            reason: reason.to_owned(),
            by_us: false,
        }))
    }

    /// The connection breaks.
    pub(crate) fn lost(&mut self, step: LinkStep, ms: i64) -> &mut Self {
        self.link(LinkEvent::Failed(LinkFailure {
            at: at(ms),
            step,
            causes: vec!["connection reset by peer".to_owned()],
        }))
    }

    /// The handshake is refused, with the headers of API Gateway. SOURCE: recorded on AWS, September 2026.
    pub(crate) fn handshake_refused(&mut self, status: u16, body: &str) -> &mut Self {
        let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let headers = [
            ("content-type", "application/json; charset=UTF-8"),
            ("x-amz-apigw-id", "RYG0LEicPHcFo_A="),
        ];
        self.link(LinkEvent::Refused(Refusal {
            at: at(0),
            status,
            headers: headers.map(header).to_vec(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }))
    }

    /// What was asked of the world since the last look.
    pub(crate) fn asked(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
