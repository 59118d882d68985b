//! The canvas that ratatui draws on: turns changed cells into the bytes of one frame, and into none when nothing
//! changed.
//!
//! ratatui's own crossterm backend writes as it goes, also when there is nothing to say. Here a frame is collected, and
//! only its end decides whether there are bytes at all. This is also the last fence: a control character in a cell,
//! however it got there, never reaches the terminal.

use std::{convert::Infallible, io::Write};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use crate::model::text;

const BEGIN_SYNCHRONIZED: &[u8] = b"\x1b[?2026h";
const END_SYNCHRONIZED: &[u8] = b"\x1b[?2026l";
const STATUS_REQUEST: &[u8] = b"\x1b[5n";
const HIDE_CURSOR: &[u8] = b"\x1b[?25l";
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";

/// The choice whether frames are marked so that the terminal shows each of them at once and whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronized {
    /// Yes; a terminal that does not know the marks ignores them.
    Marked,
    /// No: this terminal would print them.
    Unmarked,
}

/// Collects frames.
#[derive(Debug)]
pub(super) struct Canvas {
    size: Size,
    synchronized: Synchronized,
    /// The bytes of the frame that is being drawn, without its marks.
    body: Vec<u8>,
    wanted: Cursor,
    shown: Cursor,
}

/// The cursor of a text field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cursor {
    is_visible: bool,
    position: Position,
}

/// The terminal's attributes while a frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Canvas {
    /// A canvas of this size, on a terminal that was just cleared and whose cursor is hidden.
    pub(super) fn new(size: Size, synchronized: Synchronized) -> Self {
        Self {
            size,
            synchronized,
            body: Vec::new(),
            wanted: Cursor::default(),
            shown: Cursor::default(),
        }
    }

    /// The terminal has this size now; false when it had it before. The next frame is drawn anew.
    pub(super) fn resize(&mut self, size: Size) -> bool {
        let changed = self.size != size;
        self.size = size;
        changed
    }

    /// The terminal was entered again: its cursor is hidden.
    pub(super) fn forget_cursor(&mut self) {
        self.shown = Cursor::default();
    }

    /// The frame that was drawn, as the bytes to write in one go; none when nothing changed. Ends with a status request
    /// if `with_request`.
    pub(super) fn take_frame(&mut self, with_request: bool) -> Option<Vec<u8>> {
        let moved = self.wanted.is_visible && self.wanted.position != self.shown.position;
        let blinked = self.wanted.is_visible != self.shown.is_visible;
        if self.body.is_empty() && !moved && !blinked {
            return None;
        }
        let mut frame = Vec::with_capacity(self.body.len() + 64);
        if self.synchronized == Synchronized::Marked {
            frame.extend_from_slice(BEGIN_SYNCHRONIZED);
        }
        if self.shown.is_visible && (!self.wanted.is_visible || !self.body.is_empty()) {
            frame.extend_from_slice(HIDE_CURSOR);
            self.shown.is_visible = false;
        }
        frame.append(&mut self.body);
        if self.wanted.is_visible {
            put_move(&mut frame, self.wanted.position);
            if !self.shown.is_visible {
                frame.extend_from_slice(SHOW_CURSOR);
            }
        }
        if self.synchronized == Synchronized::Marked {
            frame.extend_from_slice(END_SYNCHRONIZED);
        }
        if with_request {
            frame.extend_from_slice(STATUS_REQUEST);
        }
        self.shown = self.wanted;
        Some(frame)
    }
}

impl Backend for Canvas {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut pen = Pen::PLAIN;
        // Where the terminal's cursor is for sure.
        let mut at: Option<Position> = None;
        for (x, y, cell) in content {
            match at {
                Some(at) if at.y == y && at.x == x => {}
                Some(at) if at.y == y && at.x < x => match x - at.x {
                    1 => self.body.extend_from_slice(b"\x1b[C"),
                    n => put(&mut self.body, format_args!("\x1b[{n}C")),
                },
                _ => put_move(&mut self.body, Position { x, y }),
            }
            pen.change(Pen::of(cell), &mut self.body);
            let symbol = harmless(cell.symbol());
            self.body.extend_from_slice(symbol.as_bytes());
            // Terminals disagree about wide characters, and about the cursor after the last column.
            let is_sure = symbol.width() == 1 && x + 1 < self.size.width;
            at = is_sure.then_some(Position { x: x + 1, y });
        }
        if pen != Pen::PLAIN {
            self.body.extend_from_slice(b"\x1b[m");
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.wanted.is_visible = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.wanted.is_visible = true;
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        Ok(self.wanted.position)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.wanted.position = position.into();
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Self::Error> {
        let sequence: &[u8] = match clear_type {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        };
        self.body.extend_from_slice(sequence);
        Ok(())
    }

    fn size(&self) -> Result<Size, Self::Error> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Pen {
    const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// Turns this pen into the other one with as few bytes as it takes.
    fn change(&mut self, to: Self, out: &mut Vec<u8>) {
        if *self == to {
            return;
        }
        let mut from = *self;
        *self = to;
        if to == Self::PLAIN {
            out.extend_from_slice(b"\x1b[m");
            return;
        }
        out.extend_from_slice(b"\x1b[");
        let start = out.len();
        // Taking one attribute away differs between terminals; taking all away does not.
        if !to.modifier.contains(from.modifier) {
            out.push(b'0');
            from = Self::PLAIN;
        }
        for (modifier, code) in MODIFIERS {
            if to.modifier.contains(*modifier) && !from.modifier.contains(*modifier) {
                separate(out, start);
                put(out, format_args!("{code}"));
            }
        }
        if from.fg != to.fg {
            separate(out, start);
            put_color(out, to.fg, Ground::Fore);
        }
        if from.bg != to.bg {
            separate(out, start);
            put_color(out, to.bg, Ground::Back);
        }
        out.push(b'm');
    }
}

const MODIFIERS: &[(Modifier, u8)] = &[
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

#[derive(Debug, Clone, Copy)]
enum Ground {
    Fore = 30,
    Back = 40,
}

fn put_color(out: &mut Vec<u8>, color: Color, ground: Ground) {
    let base = ground as u8;
    let code = match color {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => base + 60,
        Color::LightRed => base + 61,
        Color::LightGreen => base + 62,
        Color::LightYellow => base + 63,
        Color::LightBlue => base + 64,
        Color::LightMagenta => base + 65,
        Color::LightCyan => base + 66,
        Color::White => base + 67,
        Color::Indexed(index) => return put(out, format_args!("{};5;{index}", base + 8)),
        Color::Rgb(r, g, b) => return put(out, format_args!("{};2;{r};{g};{b}", base + 8)),
    };
    put(out, format_args!("{code}"));
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b';');
    }
}

fn put_move(out: &mut Vec<u8>, to: Position) {
    put(
        out,
        format_args!("\x1b[{};{}H", u32::from(to.y) + 1, u32::from(to.x) + 1),
    );
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("invariant: a vector takes every byte");
}

/// The symbol, or a question mark for one that a terminal could obey.
fn harmless(symbol: &str) -> &str {
    match text::printable(symbol) {
        std::borrow::Cow::Borrowed("") => " ",
        std::borrow::Cow::Borrowed(symbol) => symbol,
        std::borrow::Cow::Owned(_) => "?",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{
        Terminal,
        style::{Style, Stylize},
        text::{Line, Span},
    };

    use super::*;

    struct Screen {
        terminal: Terminal<Canvas>,
        parser: vt100::Parser,
    }

    impl Screen {
        fn new() -> Self {
            let size = Size::new(20, 3);
            Self {
                terminal: Terminal::new(Canvas::new(size, Synchronized::Marked)).unwrap(),
                parser: vt100::Parser::new(3.try_into().unwrap(), 20.try_into().unwrap(), 0),
            }
        }

        fn draw(&mut self, lines: &[Line<'_>], cursor: Option<(u16, u16)>) -> Option<Vec<u8>> {
            self.terminal
                .draw(|frame| {
                    for (line, area) in lines.iter().zip(frame.area().rows()) {
                        frame.render_widget(line, area);
                    }
                    if let Some(cursor) = cursor {
                        frame.set_cursor_position(cursor);
                    }
                })
                .unwrap();
            let frame = self.terminal.backend_mut().take_frame(false);
            self.parser.process(frame.as_deref().unwrap_or_default());
            frame
        }

        fn text(&self) -> String {
            self.parser.screen().contents()
        }
    }

    #[test]
    fn a_frame_is_marked_and_shows_what_was_drawn() {
        let mut screen = Screen::new();
        let frame = screen
            .draw(&["hello".into(), "日本 x".into()], None)
            .unwrap();
        assert!(frame.starts_with(BEGIN_SYNCHRONIZED));
        assert!(frame.ends_with(END_SYNCHRONIZED));
        assert_eq!(screen.text(), "hello\n日本 x");
    }

    #[test]
    fn nothing_new_is_no_bytes() {
        let mut screen = Screen::new();
        screen.draw(&["hello".into()], Some((1, 0))).unwrap();
        assert_eq!(screen.draw(&["hello".into()], Some((1, 0))), None);
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut screen = Screen::new();
        screen.draw(&["frame 0001".into()], None);
        let frame = screen.draw(&["frame 0002".into()], None).unwrap();
        assert_eq!(frame, b"\x1b[?2026h\x1b[1;10H2\x1b[?2026l");
        assert_eq!(screen.text(), "frame 0002");
    }

    #[test]
    fn the_cursor_moves_hides_and_comes_back() {
        let mut screen = Screen::new();
        screen.draw(&["ab".into()], Some((2, 0)));
        assert!(!screen.parser.screen().hide_cursor());
        assert_eq!(screen.parser.screen().cursor_position(), (0, 2));
        let moved = screen.draw(&["ab".into()], Some((1, 0))).unwrap();
        assert_eq!(moved, b"\x1b[?2026h\x1b[1;2H\x1b[?2026l");
        screen.draw(&["ab".into()], None).unwrap();
        assert!(screen.parser.screen().hide_cursor());
    }

    #[test]
    fn styles_arrive_and_do_not_leak() {
        let mut screen = Screen::new();
        let styled = Style::new().red().bold().reversed();
        screen.draw(
            &[Line::from(vec![
                Span::styled("a", styled),
                "b".bold(),
                "c".into(),
            ])],
            None,
        );
        let cell = |column| screen.parser.screen().cell(0, column).unwrap();
        assert_eq!(cell(0).fgcolor(), vt100::Color::Idx(1));
        assert!(cell(0).bold() && cell(0).inverse());
        assert_eq!(cell(1).fgcolor(), vt100::Color::Default);
        assert!(cell(1).bold() && !cell(1).inverse());
        assert!(!cell(2).bold());
    }

    #[test]
    fn a_control_character_in_a_cell_stays_inside() {
        let mut screen = Screen::new();
        screen
            .terminal
            .draw(|frame| {
                frame.buffer_mut()[(0, 0)].set_symbol("\x1b[31m");
                frame.buffer_mut()[(0, 1)].set_symbol("\u{9b}");
                frame.buffer_mut()[(0, 2)].set_symbol("\u{202e}");
            })
            .unwrap();
        let frame = screen.terminal.backend_mut().take_frame(false).unwrap();
        screen.parser.process(&frame);
        assert_eq!(screen.text(), "?\n?\n?");
        let escapes = memchr::memchr_iter(0x1b, &frame).count();
        assert_eq!(escapes, 5, "two marks and three moves");
    }

    #[test]
    fn a_request_follows_the_end_of_the_frame() {
        let mut canvas = Canvas::new(Size::new(4, 1), Synchronized::Unmarked);
        canvas.draw([(0, 0, &Cell::new("x"))].into_iter()).unwrap();
        assert_eq!(canvas.take_frame(true).unwrap(), b"\x1b[1;1Hx\x1b[5n");
    }
}
