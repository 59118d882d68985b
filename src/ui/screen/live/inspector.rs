//! The inspector: all that is known of the selected row's frame and its message, and the payload as JSON, text or hex.
//!
//! The inspector builds only the lines that are visible; the others are counted.

use std::borrow::Cow;

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;

use super::{Focus, LiveScreen, json, words};
use crate::{
    model::{
        Direction, Opcode, explain,
        text::{grouped, printable, printable_bytes},
    },
    ui::{
        live::{
            Session, Shape,
            log::{Assembled, Entry},
        },
        text,
        view::{Painter, Scene},
        widget::{self, scroll::ScrollBar},
    },
};

/// The most bytes of a message that are shown: twice what API Gateway lets through, for peers that are not API Gateway.
const SHOWN_BYTES: usize = 256 * 1024;

/// ```text
/// ╭ #31 · text · 2 frames ──────────────╮
/// │ ← in   41,213 B   12:04:31.102       │
/// │                                      │
/// │ {                                    │
/// │   "action": "sendMessage"            │
/// │ }                                    │
/// ╰ JSON · text · hex ───────────────────╯
/// ```
pub(super) struct Inspector<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) session: &'a Session,
    pub(super) screen: &'a LiveScreen,
}

/// Pieces of one line before it is wrapped, each with its style.
type Pieces<'a> = Vec<(Style, Cow<'a, str>)>;

/// Wraps lines, keeps those in sight and counts the others.
struct Sight {
    columns: usize,
    first: usize,
    height: usize,
    n_rows: usize,
    visible: Vec<Line<'static>>,
}

/// The selected row's frame, and the message that it belongs to.
struct Inspected<'a> {
    sequence: u64,
    entry: &'a Entry,
    whole: Assembled,
}

/// A payload in the shape in which it is shown.
enum Body<'a> {
    /// Text that is JSON, laid out.
    Json(&'a str, Vec<json::Line>),
    /// Text, or bytes that claim to be.
    Text(&'a [u8]),
    /// Bytes.
    Hex(&'a [u8]),
}

impl Inspector<'_> {
    pub(super) fn render(&self, area: Rect, painter: &mut Painter<'_, '_>) {
        let log = &self.session.log;
        let selected = self.screen.selected(log);
        let inspected = selected.and_then(|sequence| {
            let entry = log.entry(sequence)?;
            let whole = log.assemble(sequence, SHOWN_BYTES)?;
            Some(Inspected {
                sequence,
                entry,
                whole,
            })
        });
        let body = inspected.as_ref().map(|it| self.body(it.entry, &it.whole));
        let title = match (&inspected, selected) {
            (Some(inspected), Some(sequence)) => self.title(sequence, inspected),
            _ => "inspector".to_owned(),
        };
        let is_focused = self.screen.focus == Focus::Inspector;
        let panel = widget::panel(painter.look, title, is_focused)
            .title_bottom(self.shapes(body.as_ref()).left_aligned());
        let inner = painter.enclose(panel, area);
        let place = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        if let (Some(inspected), Some(body)) = (&inspected, &body) {
            let lay_out = |first| {
                let mut sight = Sight::of(place, first);
                self.lines(inspected, body, &mut sight);
                sight
            };
            self.content(lay_out, place, painter);
        }
    }

    fn title(&self, sequence: u64, inspected: &Inspected<'_>) -> String {
        let (dot, opcode) = (self.scene.look.glyphs.dot, self.opcode(inspected.entry));
        let number = grouped(sequence + 1);
        match inspected.whole.n_frames {
            1 => format!("#{number} {dot} {opcode}"),
            n_frames => format!("#{number} {dot} {opcode} {dot} {n_frames} frames"),
        }
    }

    fn content(
        &self,
        lay_out: impl Fn(usize) -> Sight,
        place: Rect,
        painter: &mut Painter<'_, '_>,
    ) {
        // Where the text ends is known once all of it was counted, so a scroll beyond it is laid out a second time.
        let wanted = self.screen.scroll.offset;
        let mut sight = lay_out(wanted);
        let most = sight.n_rows.saturating_sub(usize::from(place.height));
        if wanted > most {
            sight = lay_out(most);
        }
        for (row, line) in place.rows().zip(sight.visible) {
            painter.draw(line, row);
        }
        let bar = ScrollBar {
            offset: wanted.min(most),
            length: sight.n_rows,
            look: self.scene.look,
        };
        let edge = Rect {
            width: place.width + 1,
            ..place
        };
        painter.draw(&bar, edge);
        painter.placed.side_page = place.height;
        painter.placed.side_length = sight.n_rows;
    }

    /// Lays out the facts, and the payload below them.
    fn lines(&self, inspected: &Inspected<'_>, body: &Body<'_>, sight: &mut Sight) {
        self.facts(inspected, sight);
        match body {
            Body::Json(raw, lines) => self.json(raw, lines, sight),
            Body::Text(payload) => self.text(payload, sight),
            Body::Hex(payload) => self.hex(payload, sight),
        }
        self.missing(&inspected.whole, sight);
    }

    /// Returns the payload in the shape that the person chose, as far as it makes sense: a payload that is not JSON is
    /// shown as text, and a binary message as bytes.
    fn body<'a>(&self, entry: &Entry, whole: &'a Assembled) -> Body<'a> {
        let payload = &whole.payload[..];
        match self.screen.view.shape {
            Shape::Json if self.opcode(entry) == Opcode::Binary => Body::Hex(payload),
            Shape::Json => {
                let raw = std::str::from_utf8(payload).ok();
                let laid_out = raw.and_then(|raw| Some((raw, json::pretty(raw)?)));
                laid_out.map_or(Body::Text(payload), |(raw, lines)| Body::Json(raw, lines))
            }
            Shape::Text => Body::Text(payload),
            Shape::Hex => Body::Hex(payload),
        }
    }

    /// Returns the opcode of the message, which continuation frames do not carry.
    fn opcode(&self, entry: &Entry) -> Opcode {
        let head = self.session.log.entry(entry.message);
        head.map_or(entry.record.opcode, |head| head.record.opcode)
    }

    fn shapes(&self, body: Option<&Body<'_>>) -> Line<'static> {
        let shown = body.map(|body| match body {
            Body::Json(..) => Shape::Json,
            Body::Text(_) => Shape::Text,
            Body::Hex(_) => Shape::Hex,
        });
        let theme = &self.scene.look.theme;
        let mut line = Line::from(Span::raw(" "));
        let names = [
            (Shape::Json, "JSON"),
            (Shape::Text, "text"),
            (Shape::Hex, "hex"),
        ];
        for (idx, (shape, name)) in names.into_iter().enumerate() {
            if idx > 0 {
                let dot = format!(" {} ", self.scene.look.glyphs.dot);
                line.push_span(Span::styled(dot, theme.border));
            }
            let style = if shown == Some(shape) {
                theme.tab
            } else {
                theme.dim
            };
            line.push_span(Span::styled(name, style));
        }
        line.push_span(Span::raw(" "));
        line
    }

    /// Adds the facts besides the payload.
    fn facts(&self, inspected: &Inspected<'_>, sight: &mut Sight) {
        let Inspected {
            sequence,
            entry,
            whole,
        } = inspected;
        let (theme, glyphs, record) = (
            &self.scene.look.theme,
            &self.scene.look.glyphs,
            &entry.record,
        );
        let (arrow, way, style) = match record.direction {
            Direction::In => (glyphs.incoming, "in", theme.frame_in),
            Direction::Out => (glyphs.outgoing, "out", theme.frame_out),
        };
        let mut first: Pieces<'_> = vec![
            (style, format!("{arrow} {way}").into()),
            (theme.text, format!("   {} B", grouped(whole.length)).into()),
            (
                theme.dim,
                format!("   {} UTC", words::time(record.at)).into(),
            ),
        ];
        if record.is_masked {
            first.push((theme.dim, "   masked".into()));
        }
        sight.push(0, &first);
        if whole.n_frames > 1 || !whole.is_complete {
            let end = if whole.is_complete {
                "complete"
            } else {
                "not complete yet"
            };
            let words = format!(
                "frame {} of {}: {} B   {end}",
                record.part,
                whole.n_frames,
                grouped(record.payload_length)
            );
            sight.push(0, &vec![(theme.dim, words.into())]);
        }
        if record.reserved_bits != 0 {
            let words = format!(
                "reserved bits {:03b}: an extension, or a broken rule",
                record.reserved_bits
            );
            sight.push(0, &vec![(theme.warn, words.into())]);
        }
        if let Some(own) = self.session.log.own(*sequence) {
            let words = "of the gateway itself, in a backend's place";
            sight.push(0, &vec![(theme.danger, words.into())]);
            for row in text::wrap(&own.explanation.text, sight.columns) {
                sight.push(0, &vec![(theme.text, row.into())]);
            }
        }
        if let Some((code, reason)) = record.close() {
            let words = format!("{code} {}", explain::close_name(code));
            sight.push(0, &vec![(theme.warn, words.into())]);
            if !reason.is_empty() {
                let reason = printable(&reason).into_owned();
                sight.push(0, &vec![(theme.text, reason.into())]);
            }
        }
        sight.push(0, &Pieces::new());
    }

    fn json(&self, raw: &str, lines: &[json::Line], sight: &mut Sight) {
        let theme = &self.scene.look.theme;
        for line in lines {
            let mut pieces = Pieces::with_capacity(line.tokens.len() + 1);
            for token in &line.tokens {
                let style = match token.kind {
                    json::Kind::Key => theme.json_key,
                    json::Kind::String => theme.json_string,
                    json::Kind::Literal => theme.json_literal,
                    json::Kind::Sign | json::Kind::Colon => theme.dim,
                };
                pieces.push((style, printable(&raw[token.range.clone()])));
                if token.kind == json::Kind::Colon {
                    pieces.push((theme.text, " ".into()));
                }
            }
            // Deep values stay readable: the indent never takes more than half of the columns.
            sight.push((line.depth * 2).min(sight.columns / 2), &pieces);
        }
    }

    fn text(&self, payload: &[u8], sight: &mut Sight) {
        let theme = &self.scene.look.theme;
        if payload.is_empty() {
            sight.push(0, &vec![(theme.dim, "(empty)".into())]);
            return;
        }
        for line in payload.split(|byte| *byte == b'\n') {
            sight.push(0, &vec![(theme.text, printable_bytes(line).into())]);
        }
    }

    /// Adds offset, bytes and characters: as many bytes in a row as have room, 16, 8 or 4.
    fn hex(&self, payload: &[u8], sight: &mut Sight) {
        let theme = &self.scene.look.theme;
        let per_row = [16, 8]
            .into_iter()
            .find(|n| 8 + n * 4 <= sight.columns)
            .unwrap_or(4);
        if payload.is_empty() {
            sight.push(0, &vec![(theme.dim, "(empty)".into())]);
        }
        for (idx, bytes) in payload.chunks(per_row).enumerate() {
            if !sight.is_next_visible() {
                sight.n_rows += 1;
                continue;
            }
            let digits = words::hex(bytes, " ");
            let shown = bytes.iter().map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            });
            let width = per_row * 3;
            let pieces: Pieces<'_> = vec![
                (theme.dim, format!("{:05x}  ", idx * per_row).into()),
                (theme.text, format!("{digits:<width$} ").into()),
                (theme.json_string, shown.collect::<String>().into()),
            ];
            sight.push(0, &pieces);
        }
    }

    /// Adds a note when a part of the payload is not shown or was not kept.
    fn missing(&self, whole: &Assembled, sight: &mut Sight) {
        let held = whole.payload.len() as u64;
        if held >= whole.length {
            return;
        }
        let words = format!(
            "{} {} of {} B are shown or kept",
            self.scene.look.glyphs.ellipsis,
            grouped(held),
            grouped(whole.length)
        );
        sight.push(0, &vec![(self.scene.look.theme.warn, words.into())]);
    }
}

impl Sight {
    /// Makes one that keeps the lines from the first one on that have room in a place.
    fn of(place: Rect, first: usize) -> Self {
        Self {
            columns: usize::from(place.width).max(1),
            first,
            height: usize::from(place.height),
            n_rows: 0,
            visible: Vec::new(),
        }
    }

    /// True when the next row may be visible.
    fn is_next_visible(&self) -> bool {
        self.n_rows >= self.first && self.visible.len() < self.height
    }

    /// Adds a line, wrapped at the edge.
    fn push(&mut self, indent: usize, pieces: &Pieces<'_>) {
        let room = self.columns.saturating_sub(indent).max(1);
        let is_ascii = pieces.iter().all(|(_, piece)| piece.is_ascii());
        if is_ascii {
            let length: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
            let n_rows = length.div_ceil(room).max(1);
            let is_visible = self.n_rows + n_rows > self.first && self.visible.len() < self.height;
            if !is_visible {
                self.n_rows += n_rows;
                return;
            }
        }
        for line in wrap(pieces, indent, room) {
            if self.is_next_visible() {
                self.visible.push(line);
            }
            self.n_rows += 1;
        }
    }
}

fn wrap(pieces: &Pieces<'_>, indent: usize, room: usize) -> Vec<Line<'static>> {
    let start = || Line::from(Span::raw(" ".repeat(indent)));
    let mut lines = vec![start()];
    let mut used = 0;
    for (style, piece) in pieces {
        let mut run = String::new();
        for cluster in piece.graphemes(true) {
            let width = text::width(cluster);
            if used + width > room && used > 0 {
                push_run(&mut lines, &mut run, *style);
                lines.push(start());
                used = 0;
            }
            run.push_str(cluster);
            used += width;
        }
        push_run(&mut lines, &mut run, *style);
    }
    lines
}

fn push_run(lines: &mut [Line<'static>], run: &mut String, style: Style) {
    if let (Some(line), false) = (lines.last_mut(), run.is_empty()) {
        line.push_span(Span::styled(std::mem::take(run), style));
    }
}
