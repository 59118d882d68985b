//! A Live screen to drive: a stage, frames that cross, keys that are pressed, and what is seen of it.

use std::{collections::BTreeMap, fmt::Write as _};

use bytes::Bytes;
use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use stagewire::{
    model::{
        Api, ApiId, Direction, FrameRecord, LinkEvent, LinkId, Opcode, StageName, Target,
        frame::split,
        link::{Closed, Frames, LinkFailure, LinkStep, Opened, Refusal},
    },
    ui::{
        self, Effect, Message,
        screen::{Context, Screen, live::LiveScreen},
        state::{Appearance, Setup, State},
    },
};

/// The time at which each test starts: 12:04:31.102.
pub(crate) const START_MS: i64 = 1_000 * 86_400_000 + 43_471_102;

/// A time, in milliseconds after the start.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + ms).unwrap()
}

/// The API whose stage is watched.
pub(crate) fn api() -> Api {
    Api {
        id: ApiId::parse("k3v9x2a1bc").unwrap(),
        name: "chat".to_owned(),
        description: None,
        endpoint: "ws://127.0.0.1:4566/k3v9x2a1bc".to_owned(),
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: None,
        disable_execute_api_endpoint: false,
        version: None,
        created_at: None,
        tags: BTreeMap::new(),
    }
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

/// A Live screen on stage `prod` of the API, its link on the way.
#[derive(Debug)]
pub(crate) struct Live {
    /// The state, for what has no other way.
    pub(crate) state: State,
    /// What was asked of the world since it was last looked at.
    pub(crate) effects: Vec<Effect>,
    size: (u16, u16),
}

impl Live {
    /// The screen on a terminal of that size.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        Self::with(width, height, &Appearance::default())
    }

    /// The same on a terminal that can show less.
    pub(crate) fn with(width: u16, height: u16, appearance: &Appearance) -> Self {
        let mut state = State::new(Setup {
            now: at(0),
            target: None::<Target>,
            appearance: *appearance,
            production: Vec::new(),
            log_path: None,
        });
        let mut effects = Vec::new();
        let stage = StageName::parse("prod").unwrap();
        let screen = LiveScreen::open(
            &api(),
            &stage,
            &mut Context {
                now: state.now,
                target: None,
                library: &mut state.library,
                live: &mut state.live,
                notices: &mut state.notices,
                tickets: &mut state.tickets,
                deploys: &mut state.deploys,
                geometry: &state.geometry,
                production: &state.production,
                effects: &mut effects,
            },
        );
        state.screens.push(Screen::Live(Box::new(screen)));
        let mut live = Self {
            state,
            effects,
            size: (width, height),
        };
        live.draw();
        live
    }

    /// The same with the link open.
    pub(crate) fn open(width: u16, height: u16) -> Self {
        let mut live = Self::new(width, height);
        live.opened(0);
        live
    }

    /// A message, and the frame that is drawn after it.
    pub(crate) fn update(&mut self, message: Message) -> &mut Self {
        let effects = ui::update(&mut self.state, message);
        self.effects.extend(effects);
        self.draw();
        self
    }

    /// Presses keys, each as in the binding table, separated by spaces.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ') {
            let chord = crokey::parse(key).unwrap();
            let crokey::OneToThree::One(code) = chord.codes else {
                panic!("{key} is several keys");
            };
            self.update(Message::Key(KeyEvent::new(code, chord.modifiers)));
        }
        self
    }

    /// Types text, a key a character.
    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            let code = crossterm::event::KeyCode::Char(character);
            self.update(Message::Key(KeyEvent::from(code)));
        }
        self
    }

    /// Pastes text.
    pub(crate) fn pastes(&mut self, text: &str) -> &mut Self {
        self.update(Message::Paste(text.to_owned()))
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
        self.state.live.as_ref().unwrap().links[0].id
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

    /// The handshake is refused.
    pub(crate) fn refused(&mut self, status: u16, body: &str) -> &mut Self {
        self.link(LinkEvent::Refused(Refusal {
            at: at(0),
            status,
            headers: vec![(
                "x-amzn-errortype".to_owned(),
                "ForbiddenException".to_owned(),
            )],
            body: Bytes::copy_from_slice(body.as_bytes()),
        }))
    }

    /// What was asked of the world since the last look.
    pub(crate) fn asked(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The terminal has another size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.size = (width, height);
        self.update(Message::Resized(width, height))
    }

    /// Draws, and gives the cells.
    pub(crate) fn draw(&mut self) -> Buffer {
        let (width, height) = self.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut geometry = None;
        terminal
            .draw(|frame| geometry = Some(ui::render(&self.state, frame)))
            .unwrap();
        self.state.geometry = geometry.unwrap();
        terminal.backend().buffer().clone()
    }

    /// The rows of the screen as text.
    pub(crate) fn rows(&mut self) -> Vec<String> {
        let buffer = self.draw();
        let area = buffer.area;
        (0..area.height)
            .map(|y| {
                let mut row = String::new();
                let mut x = 0;
                while x < area.width {
                    let symbol = buffer[(x, y)].symbol();
                    row.push_str(symbol);
                    let width = unicode_width::UnicodeWidthStr::width(symbol);
                    x += u16::try_from(width.max(1)).unwrap();
                }
                row.trim_end().to_owned()
            })
            .collect()
    }

    /// The screen as text, a row a line.
    pub(crate) fn text(&mut self) -> String {
        self.rows().join("\n")
    }

    /// Fails when the text is not on the screen.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) -> &mut Self {
        let screen = self.text();
        assert!(screen.contains(text), "{text:?} is not on\n{screen}");
        self
    }

    /// Fails when the text is on the screen.
    #[track_caller]
    pub(crate) fn hides(&mut self, text: &str) -> &mut Self {
        let screen = self.text();
        assert!(!screen.contains(text), "{text:?} is on\n{screen}");
        self
    }

    /// The screen as text, then for each row where which role is, for snapshots. Plain text is left out.
    pub(crate) fn picture(&mut self) -> String {
        let mut picture = self.text();
        let roles = self.state.theme.roles();
        let buffer = self.draw();
        picture.push_str("\n\n");
        for y in 0..buffer.area.height {
            let mut runs: Vec<(u16, u16, &str)> = Vec::new();
            for x in 0..buffer.area.width {
                let cell = &buffer[(x, y)];
                let style = cell.style();
                let is_role = |role: &&(&str, ratatui::style::Style)| {
                    let full = ratatui::style::Style::reset().patch(role.1);
                    (full.fg, full.bg, full.add_modifier)
                        == (style.fg, style.bg, style.add_modifier)
                };
                let name = roles.iter().find(is_role).map_or("mixed", |role| role.0);
                match runs.last_mut() {
                    Some((_, end, last)) if *last == name && *end == x => *end = x + 1,
                    _ => runs.push((x, x + 1, name)),
                }
            }
            runs.retain(|(_, _, name)| *name != "text");
            if !runs.is_empty() {
                write!(picture, "{y:>2}:").unwrap();
                for (start, end, name) in runs {
                    write!(picture, " {start}-{} {name}", end - 1).unwrap();
                }
                picture.push('\n');
            }
        }
        picture
    }
}
