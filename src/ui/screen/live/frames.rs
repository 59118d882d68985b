//! The table of frames or messages. The table draws the rows that are visible and looks at no others.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Focus, LiveScreen, words};
use crate::{
    model::{Direction, FrameRecord, Opcode, text::grouped},
    ui::{
        Action,
        keys::{self, Scope},
        live::{Session, log::Entry},
        text,
        view::{Painter, Scene},
        widget::{self},
    },
};

/// ```text
/// ╭ frames ──────────────────────────────────────────────────────────────╮
/// │   TIME UTC      Δ        OP      FIN    BYTES  PART  PREVIEW          │
/// │   12:04:31.102           → text   ·     32768  1/2   {"action":"sen…  │
/// │ ▸ 12:04:31.140  +38 ms   ← text  FIN     1000        {"from":"bob",…  │
/// ╰ following · 226 frames · 0 dropped ──────────────────────────────────╯
/// ```
pub(super) struct Frames<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) session: &'a Session,
    pub(super) screen: &'a LiveScreen,
}

/// The places of the columns, from the left of a row; none for a column that has no room.
struct Columns {
    delta: Option<u16>,
    opcode: u16,
    fin: Option<u16>,
    bytes: u16,
    part: u16,
    preview: u16,
    end: u16,
}

/// Widths of columns.
const TIME: u16 = 12;
const DELTA: u16 = 8;
const OPCODE: u16 = 7;
const FIN: u16 = 3;
const BYTES: u16 = 7;
const PART: u16 = 5;

impl Columns {
    fn new(width: u16) -> Self {
        // Frames are what this screen is about: FIN stays longer than the time between two of them.
        let has_fin = width >= 56;
        let has_delta = width >= 68;
        let mut next = 2 + TIME + 2;
        let mut place = |width: u16, gap: u16| {
            let at = next;
            next += width + gap;
            at
        };
        Self {
            delta: has_delta.then(|| place(DELTA, 2)),
            opcode: place(OPCODE, 1),
            fin: has_fin.then(|| place(FIN, 1)),
            bytes: place(BYTES, 2),
            part: place(PART, 1),
            preview: place(0, 0),
            end: width.saturating_sub(1),
        }
    }
}

impl Frames<'_> {
    pub(super) fn render(&self, area: Rect, painter: &mut Painter<'_, '_>) {
        let is_focused = matches!(self.screen.focus, Focus::Frames | Focus::Filter);
        let status = self.status();
        let words = self.words_of_selected(usize::from(area.width).saturating_sub(status.width()));
        let panel = widget::panel(painter.look, self.title(), is_focused)
            .title_bottom(status.left_aligned())
            .title_bottom(words.right_aligned());
        let inner = painter.enclose(panel, area);
        let rest = self.filter_line(inner, painter);
        if self.session.log.n_rows() == 0 {
            painter.placed.page = rest.height;
            self.empty(rest, painter.frame.buffer_mut());
            return;
        }
        let columns = Columns::new(rest.width);
        // Where there is room for one line, it is a row.
        let heading = u16::from(rest.height > 1);
        if heading > 0 {
            self.heading(rest, &columns, painter.frame.buffer_mut());
        }
        let rows = Rect {
            y: rest.y + heading,
            height: rest.height - heading,
            ..rest
        };
        painter.placed.page = rows.height;
        self.rows(rows, &columns, painter);
    }

    /// Draws the rows in view, and the bar that shows where they are.
    fn rows(&self, rows: Rect, columns: &Columns, painter: &mut Painter<'_, '_>) {
        let log = &self.session.log;
        let (first, selected) = self.screen.window(log, usize::from(rows.height));
        for y in 0..rows.height {
            let idx = first + usize::from(y);
            let Some(sequence) = log.row(idx) else {
                break;
            };
            let place = Rect {
                y: rows.y + y,
                height: 1,
                ..rows
            };
            let row = Row {
                frames: self,
                columns,
                idx,
                sequence,
                is_selected: idx == selected,
            };
            row.render(place, painter.frame.buffer_mut());
        }
        let bar = widget::scroll::ScrollBar {
            offset: first,
            length: log.n_rows(),
            look: self.scene.look,
        };
        let edge = Rect {
            width: rows.width + 1,
            ..rows
        };
        painter.draw(&bar, edge);
    }

    fn title(&self) -> Line<'static> {
        let words = if self.session.log.is_folded() {
            "messages"
        } else {
            "frames"
        };
        Line::from(words)
    }

    /// Returns the bottom border: "following" or "paused", and all counts. Nothing that was lost is kept quiet.
    fn status(&self) -> Line<'static> {
        let (theme, log) = (&self.scene.look.theme, &self.session.log);
        let mut parts = Vec::new();
        match self.screen.n_new(log) {
            None => parts.push(Span::styled("following", theme.ok)),
            Some(0) => parts.push(Span::styled("paused", theme.warn)),
            Some(new) => {
                let words = format!("paused {} {} new", self.scene.look.glyphs.dot, grouped(new));
                parts.push(Span::styled(words, theme.warn));
            }
        }
        if self.screen.is_paused() {
            parts.push(Span::styled("End to follow", theme.dim));
        }
        let held = log.len() as u64;
        let frames = if held == 1 { "frame" } else { "frames" };
        parts.push(Span::styled(
            format!("{} {frames}", grouped(held)),
            theme.dim,
        ));
        let lost = if log.dropped() > 0 {
            theme.danger
        } else {
            theme.dim
        };
        parts.push(Span::styled(
            format!("{} dropped", grouped(log.dropped())),
            lost,
        ));
        if log.evicted() > 0 {
            let words = format!("{} older let go", grouped(log.evicted()));
            parts.push(Span::styled(words, theme.dim));
        }
        let mut line = Line::from(Span::raw(" "));
        for (idx, part) in parts.into_iter().enumerate() {
            if idx > 0 {
                line.push_span(Span::styled(
                    format!(" {} ", self.scene.look.glyphs.dot),
                    theme.border,
                ));
            }
            line.push_span(part);
        }
        line.push_span(Span::raw(" "));
        line
    }

    /// Returns what the selected row means where the gateway sent it of itself, for the bottom border: the rows have less
    /// room.
    fn words_of_selected(&self, columns: usize) -> Line<'static> {
        let log = &self.session.log;
        let own = self.screen.selected(log).and_then(|it| log.own(it));
        let room = columns.saturating_sub(5);
        match own {
            Some(own) if room >= 16 => {
                let words = text::fit(
                    &own.explanation.title,
                    room,
                    self.scene.look.glyphs.ellipsis,
                );
                Line::styled(format!(" {words} "), self.scene.look.theme.danger)
            }
            _ => Line::default(),
        }
    }

    /// Draws the line of the filter, when there is one, and returns the rest of the area.
    fn filter_line(&self, area: Rect, painter: &mut Painter<'_, '_>) -> Rect {
        let (theme, log) = (&self.scene.look.theme, &self.session.log);
        let is_typing = self.screen.focus == Focus::Filter;
        if area.is_empty() || !(is_typing || log.query().is_some()) {
            return area;
        }
        let hits = if log.query().is_none() {
            "text, in: or out:".to_owned()
        } else if log.is_scanning() {
            format!(
                "{} so far {} {} %",
                grouped(log.n_rows() as u64),
                self.scene.look.glyphs.dot,
                log.scanned_percent()
            )
        } else {
            format!(
                "{} found in {} frames",
                grouped(log.n_rows() as u64),
                grouped(log.len() as u64)
            )
        };
        let line = Rect { height: 1, ..area };
        let width = widget::cells(text::width(&hits));
        painter.draw(Span::styled("/", theme.key), line);
        let field = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(width + 4),
            ..line
        };
        painter.draw(&self.screen.filter.widget(theme, is_typing), field);
        painter.draw(Line::styled(hits, theme.dim).right_aligned(), line);
        Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        }
    }

    fn heading(&self, area: Rect, columns: &Columns, buffer: &mut Buffer) {
        let style = self.scene.look.theme.heading;
        let mut put = |at: u16, words: &str| {
            // Where a heading is underlined, the space before it is not.
            let head = words.trim_start();
            let at = at + widget::cells(words.len() - head.len());
            let room = usize::from(area.width.saturating_sub(at));
            buffer.set_stringn(area.x + at, area.y, head, room, style);
        };
        put(2, "TIME UTC");
        if let Some(at) = columns.delta {
            put(at, &format!("{:>8}", self.scene.look.glyphs.delta));
        }
        put(columns.opcode, "OP");
        if let Some(at) = columns.fin {
            put(at, "FIN");
        }
        put(columns.bytes, "  BYTES");
        put(
            columns.part,
            if self.session.log.is_folded() {
                "FR"
            } else {
                "PART"
            },
        );
        put(columns.preview, "PREVIEW");
    }

    /// Draws the sentence in place of the rows.
    fn empty(&self, area: Rect, buffer: &mut Buffer) {
        let log = &self.session.log;
        let words = if log.query().is_some() && log.is_scanning() {
            "Searching".to_owned()
        } else if log.query().is_some() {
            format!(
                "Nothing matches. {} in the filter shows all again.",
                keys::named(Scope::FilterLine, Action::Back)
            )
        } else if self.session.link.is_open() {
            format!(
                "Nothing has crossed yet. Write a message below and press {}.",
                keys::named(Scope::Composer, Action::Submit)
            )
        } else if self.session.link.is_alive() {
            "Waiting for the answer to the handshake".to_owned()
        } else {
            "No frames".to_owned()
        };
        let columns = usize::from(area.width.saturating_sub(2));
        let above = area.height / 3;
        let place = Rect {
            y: area.y + above,
            height: area.height - above,
            ..area
        };
        for (row, words) in place.rows().zip(text::wrap(&words, columns)) {
            let line = Line::styled(words, self.scene.look.theme.dim);
            line.centered().render(row, buffer);
        }
    }
}

/// One row of the table.
struct Row<'a> {
    frames: &'a Frames<'a>,
    columns: &'a Columns,
    idx: usize,
    sequence: u64,
    is_selected: bool,
}

impl Row<'_> {
    fn render(&self, area: Rect, buffer: &mut Buffer) {
        let log = &self.frames.session.log;
        let Some(entry) = log.entry(self.sequence) else {
            return;
        };
        let (theme, columns) = (&self.frames.scene.look.theme, self.columns);
        let style = self.style(&entry.record);
        let mut put = |at: u16, room: u16, words: &str, style: Style| {
            let room = room.min(columns.end.saturating_sub(at));
            buffer.set_stringn(area.x + at, area.y, words, usize::from(room), style);
        };
        if self.is_selected {
            put(0, 1, self.frames.scene.look.glyphs.pointer, theme.key);
        }
        put(2, TIME, &words::time(entry.record.at), theme.dim);
        if let Some(at) = columns.delta {
            put(at, DELTA, &format!("{:>8}", self.delta(entry)), theme.dim);
        }
        put(columns.opcode, OPCODE, &self.opcode(&entry.record), style);
        if let Some(at) = columns.fin {
            put(at, FIN, self.fin(entry), theme.dim);
        }
        put(columns.bytes, BYTES, &self.bytes(entry), theme.text);
        put(columns.part, PART, &self.part(entry), theme.dim);
        let text_style = if entry.record.opcode.is_control() {
            theme.frame_control
        } else {
            theme.text
        };
        match self.own_words(&entry.record) {
            Some(words) => put(columns.preview, columns.end, &words, theme.danger),
            None => self.preview(&entry.record, area, text_style, buffer),
        }
        self.select(area, buffer);
    }

    /// Marks the selected row when the keyboard is here, and a little when the row chooses what the inspector shows.
    fn select(&self, area: Rect, buffer: &mut Buffer) {
        if !self.is_selected {
            return;
        }
        let theme = &self.frames.scene.look.theme;
        match self.frames.screen.focus {
            Focus::Frames => buffer.set_style(area, theme.selection),
            _ if self.frames.screen.is_paused() => buffer.set_style(area, theme.selection_idle),
            _ => {}
        }
    }

    fn style(&self, record: &FrameRecord) -> Style {
        let theme = &self.frames.scene.look.theme;
        match record.direction {
            _ if record.opcode == Opcode::Close => theme.warn,
            _ if record.opcode.is_control() => theme.frame_control,
            Direction::In => theme.frame_in,
            Direction::Out => theme.frame_out,
        }
    }

    /// Returns the time since the row above.
    fn delta(&self, entry: &Entry) -> String {
        let log = &self.frames.session.log;
        let above = self.idx.checked_sub(1).and_then(|idx| log.row(idx));
        above
            .and_then(|above| log.entry(above))
            .map(|above| words::delta(entry.record.at.duration_since(above.record.at)))
            .unwrap_or_default()
    }

    fn opcode(&self, record: &FrameRecord) -> String {
        let glyphs = &self.frames.scene.look.glyphs;
        let arrow = match record.direction {
            Direction::In => glyphs.incoming,
            Direction::Out => glyphs.outgoing,
        };
        format!("{arrow} {}", record.opcode)
    }

    fn fin(&self, entry: &Entry) -> &'static str {
        let is_final = if self.frames.session.log.is_folded() {
            self.message(|message| message.is_complete).unwrap_or(true)
        } else {
            entry.record.is_final
        };
        if is_final {
            "FIN"
        } else {
            self.frames.scene.look.glyphs.dot
        }
    }

    fn bytes(&self, entry: &Entry) -> String {
        let length = if self.frames.session.log.is_folded() {
            self.message(|message| message.bytes)
        } else {
            None
        };
        let length = length.unwrap_or(entry.record.payload_length);
        if length < 10_000_000 {
            format!("{length:>7}")
        } else {
            format!("{:>7}", words::bytes(length))
        }
    }

    /// Returns the place of the frame in a message of several frames; the number of frames when folded.
    fn part(&self, entry: &Entry) -> String {
        let Some((n_frames, is_complete)) =
            self.message(|message| (message.n_frames, message.is_complete))
        else {
            return String::new();
        };
        if self.frames.session.log.is_folded() {
            return n_frames.to_string();
        }
        let part = entry.record.part;
        if is_complete {
            format!("{part}/{n_frames}")
        } else {
            format!("{part}/?")
        }
    }

    /// Returns the words in place of the payload where the gateway sent the message of itself; while something is
    /// searched for, the payload is shown.
    fn own_words(&self, record: &FrameRecord) -> Option<String> {
        let Frames { scene, session, .. } = self.frames;
        if record.part > 1 || session.log.query().is_some() {
            return None;
        }
        let own = session.log.own(self.sequence)?;
        let mark = scene.look.glyphs.warning;
        let room = self.columns.end.saturating_sub(self.columns.preview);
        let words = format!("{mark} {}: {}", own.message, own.explanation.title);
        Some(text::fit(
            &words,
            usize::from(room),
            scene.look.glyphs.ellipsis,
        ))
    }

    fn preview(&self, record: &FrameRecord, area: Rect, style: Style, buffer: &mut Buffer) {
        let columns = self.columns;
        let room = usize::from(columns.end.saturating_sub(columns.preview));
        let scene = self.frames.scene;
        let query = self.frames.session.log.query();
        let found = query.and_then(|query| query.find_in(&record.payload));
        let words = words::preview(record, found, room);
        if words.is_empty() && record.opcode.is_control() {
            return;
        }
        if words.is_empty() {
            let (x, y) = (area.x + columns.preview, area.y);
            buffer.set_stringn(x, y, "(empty)", room, scene.look.theme.dim);
            return;
        }
        let words = text::fit(&words, room, scene.look.glyphs.ellipsis);
        let (x, y) = (area.x + columns.preview, area.y);
        buffer.set_stringn(x, y, &words, room, style);
        let Some(query) = query else {
            return;
        };
        if let Some(range) = query.range_in(&words) {
            let before = widget::cells(text::width(&words[..range.start]));
            let width = widget::cells(text::width(&words[range]));
            for column in before..before + width {
                if let Some(cell) = buffer.cell_mut(Position::new(x + column, y)) {
                    cell.set_style(scene.look.theme.matched);
                }
            }
        }
    }

    /// Reads something of the message of this row, when the message has several frames.
    fn message<T>(&self, get: impl FnOnce(&crate::ui::live::log::Message) -> T) -> Option<T> {
        self.frames.session.log.message(self.sequence).map(get)
    }
}
