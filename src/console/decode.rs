//! Bytes from the terminal → keys, pastes and answers to our status requests.
//!
//! crossterm's own reader is not used: it retries for ever when the terminal is gone, and it hides the answers that tell
//! us how far the terminal is. Its key type is used, so the rest of the program does not care. Sequences as in xterm's
//! "Control Sequences", with the function keys of the Linux console and rxvt.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const ESC: u8 = 0x1b;
const PASTE_END: &[u8] = b"\x1b[201~";

/// The meaning of bytes from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// Text was pasted, line ends as `\n`.
    Paste(String),
    /// The terminal answered a status request (`CSI 0 n`): it has worked off all that came before the request.
    Status,
}

/// An incremental decoder: however the bytes are cut, the same things come out.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pending: Vec<u8>,
    /// The index in `pending` at which the search for the end of a paste goes on; none outside a paste.
    paste_from: Option<usize>,
}

/// The front of the bytes.
enum Front {
    /// This many bytes, which mean this, or nothing to us.
    Whole(usize, Option<Decoded>),
    /// The start of a paste of this many bytes.
    PasteStart(usize),
    /// Too short to tell.
    Part,
}

impl Decoder {
    /// Takes bytes and adds what they mean to `decoded`.
    pub(super) fn feed(&mut self, bytes: &[u8], decoded: &mut Vec<Decoded>) {
        self.pending.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            if let Some(from) = self.paste_from {
                let Some(end) = memchr::memmem::find(&self.pending[from..], PASTE_END) else {
                    // The end mark may be cut: search its first bytes again.
                    let seen = self.pending.len().saturating_sub(PASTE_END.len() - 1);
                    self.paste_from = Some(from.max(seen).max(used));
                    break;
                };
                decoded.push(Decoded::Paste(pasted(&self.pending[used..from + end])));
                used = from + end + PASTE_END.len();
                self.paste_from = None;
            }
            match front(&self.pending[used..]) {
                Front::Whole(n_bytes, meaning) => {
                    used += n_bytes;
                    decoded.extend(meaning);
                }
                Front::PasteStart(n_bytes) => {
                    used += n_bytes;
                    self.paste_from = Some(used);
                }
                Front::Part => break,
            }
        }
        self.pending.drain(..used);
        if let Some(from) = &mut self.paste_from {
            *from -= used;
        }
    }

    /// True while a sequence is begun that may never end: a person's Esc key looks like the start of one.
    pub(super) fn is_waiting(&self) -> bool {
        self.paste_from.is_none() && !self.pending.is_empty()
    }

    /// Nothing followed in time: what was begun was a key of its own, or noise.
    pub(super) fn give_up(&mut self, decoded: &mut Vec<Decoded>) {
        if !self.is_waiting() {
            return;
        }
        match *self.pending.as_slice() {
            [ESC] => decoded.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            [ESC, byte] if byte.is_ascii_graphic() => {
                decoded.push(key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT));
            }
            _ => {}
        }
        self.pending.clear();
    }

    /// Forgets what was begun, when another program reads the terminal meanwhile.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

fn pasted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Decoded {
    Decoded::Key(KeyEvent::new(code, modifiers))
}

fn plain(code: KeyCode) -> Decoded {
    key(code, KeyModifiers::NONE)
}

fn front(bytes: &[u8]) -> Front {
    match bytes {
        [] | [ESC] | [ESC, b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X'] => Front::Part,
        // Two in a row are two presses of Esc, or one before another sequence.
        [ESC, ESC, ..] => Front::Whole(1, Some(plain(KeyCode::Esc))),
        [ESC, b'[', rest @ ..] => control_sequence(rest),
        [ESC, b'O', last, ..] => Front::Whole(3, single_shift(*last).map(plain)),
        [ESC, b']' | b'P' | b'_' | b'^' | b'X', rest @ ..] => string_sequence(rest),
        [ESC, rest @ ..] => match character(rest) {
            Front::Whole(n_bytes, Some(Decoded::Key(event))) => Front::Whole(
                n_bytes + 1,
                Some(key(event.code, event.modifiers | KeyModifiers::ALT)),
            ),
            Front::Whole(n_bytes, _) => Front::Whole(n_bytes + 1, None),
            part => part,
        },
        _ => character(bytes),
    }
}

/// A key that is not a sequence: a control character or a character of UTF-8.
fn character(bytes: &[u8]) -> Front {
    let control = |letter: u8| key(KeyCode::Char(char::from(letter)), KeyModifiers::CONTROL);
    let meaning = match bytes[0] {
        b'\r' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f => plain(KeyCode::Backspace),
        0 => control(b' '),
        byte @ 1..=0x1a => control(byte - 1 + b'a'),
        byte @ 0x1c..=0x1f => control(byte - 0x1c + b'4'),
        _ => return utf8_character(bytes),
    };
    Front::Whole(1, Some(meaning))
}

fn utf8_character(bytes: &[u8]) -> Front {
    let length = match bytes[0] {
        0x20..=0x7e => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Front::Whole(1, None),
    };
    let available = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(available) {
        Ok(text) => Front::Whole(length, text.chars().next().map(character_key)),
        Err(error) if error.error_len().is_none() && bytes.len() < length => Front::Part,
        Err(_) => Front::Whole(1, None),
    }
}

fn character_key(character: char) -> Decoded {
    let modifiers = if character.is_uppercase() {
        KeyModifiers::SHIFT
    } else {
        KeyModifiers::NONE
    };
    key(KeyCode::Char(character), modifiers)
}

/// An answer that we did not ask for, such as a colour: swallowed up to its end (BEL or ST).
fn string_sequence(rest: &[u8]) -> Front {
    for (idx, byte) in rest.iter().enumerate() {
        match byte {
            0x07 => return Front::Whole(idx + 3, None),
            b'\\' if idx > 0 && rest[idx - 1] == ESC => return Front::Whole(idx + 3, None),
            _ => {}
        }
    }
    Front::Part
}

fn single_shift(last: u8) -> Option<KeyCode> {
    match last {
        b'M' => Some(KeyCode::Enter),
        b'P'..=b'S' => Some(KeyCode::F(last - b'P' + 1)),
        _ => cursor_key(last),
    }
}

fn cursor_key(last: u8) -> Option<KeyCode> {
    match last {
        b'A' => Some(KeyCode::Up),
        b'B' => Some(KeyCode::Down),
        b'C' => Some(KeyCode::Right),
        b'D' => Some(KeyCode::Left),
        b'F' => Some(KeyCode::End),
        b'H' => Some(KeyCode::Home),
        _ => None,
    }
}

/// Reads what follows `ESC [`.
fn control_sequence(rest: &[u8]) -> Front {
    // The Linux console's F1 to F5.
    if let [b'[', tail @ ..] = rest {
        return match tail {
            [] => Front::Part,
            [last @ b'A'..=b'E', ..] => Front::Whole(4, Some(plain(KeyCode::F(last - b'A' + 1)))),
            _ => Front::Whole(3, None),
        };
    }
    for (idx, byte) in rest.iter().enumerate() {
        match byte {
            0x20..=0x3f => {}
            0x40..=0x7e => {
                let n_bytes = idx + 3;
                if &rest[..=idx] == b"200~" {
                    return Front::PasteStart(n_bytes);
                }
                return Front::Whole(n_bytes, meaning(&rest[..idx], *byte));
            }
            // Broken off: what comes now stands for itself.
            _ => return Front::Whole(idx + 2, None),
        }
    }
    Front::Part
}

fn meaning(parameters: &[u8], last: u8) -> Option<Decoded> {
    let parameters = std::str::from_utf8(parameters).ok()?;
    let mut numbers = parameters.split(';').map(|parameter| {
        let first = parameter.split(':').next().unwrap_or(parameter);
        first.parse::<u32>().ok()
    });
    let first = numbers.next().flatten();
    let second = numbers.next().flatten();
    let third = numbers.next().flatten();
    let is_release = parameters.split(';').nth(1).is_some_and(is_release);
    let code = match last {
        // 0: all is well. 3: a malfunction, but it did get that far.
        b'n' if matches!(parameters, "0" | "3") => return Some(Decoded::Status),
        b'Z' => return Some(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b'P'..=b'S' if matches!(first, None | Some(1)) => KeyCode::F(last - b'P' + 1),
        // `CSI 27 ; modifier ; character ~`: xterm's modifyOtherKeys.
        b'~' if first == Some(27) => other_key(third?)?,
        b'~' => numbered_key(first?)?,
        b'u' => other_key(first?)?,
        _ => cursor_key(last)?,
    };
    if is_release {
        return None;
    }
    Some(key(code, modifiers(second)))
}

/// With event types reported (`CSI code ; modifier : type u`), 3 is a release.
fn is_release(modifier: &str) -> bool {
    modifier
        .split_once(':')
        .is_some_and(|(_, kind)| kind == "3")
}

fn modifiers(parameter: Option<u32>) -> KeyModifiers {
    let mask = parameter.unwrap_or(1).saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
    ] {
        if mask & bit != 0 {
            modifiers |= modifier;
        }
    }
    modifiers
}

fn numbered_key(number: u32) -> Option<KeyCode> {
    let function = |base: u32| u8::try_from(number - base).ok().map(KeyCode::F);
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(10),
        17..=21 => function(11),
        23..=26 => function(12),
        28 | 29 => function(13),
        31..=34 => function(14),
        _ => None,
    }
}

/// A key named by its character.
fn other_key(number: u32) -> Option<KeyCode> {
    match char::from_u32(number)? {
        '\r' => Some(KeyCode::Enter),
        '\t' => Some(KeyCode::Tab),
        '\u{1b}' => Some(KeyCode::Esc),
        '\u{7f}' | '\u{8}' => Some(KeyCode::Backspace),
        // The private use area holds keys of the kitty protocol that nobody asked for.
        '\u{e000}'..='\u{f8ff}' => None,
        character if character.is_control() => None,
        character => Some(KeyCode::Char(character)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8]) -> Vec<Decoded> {
        let mut decoder = Decoder::default();
        let mut decoded = Vec::new();
        decoder.feed(bytes, &mut decoded);
        decoder.give_up(&mut decoded);
        decoded
    }

    #[track_caller]
    fn check(bytes: &[u8], code: KeyCode, modifiers: KeyModifiers) {
        assert_eq!(decode(bytes), [key(code, modifiers)], "{bytes:?}");
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        let none = KeyModifiers::NONE;
        check(b"a", KeyCode::Char('a'), none);
        check(b"A", KeyCode::Char('A'), KeyModifiers::SHIFT);
        check("é".as_bytes(), KeyCode::Char('é'), none);
        check("🎉".as_bytes(), KeyCode::Char('🎉'), none);
        check(b"\r", KeyCode::Enter, none);
        check(b"\t", KeyCode::Tab, none);
        check(b"\x7f", KeyCode::Backspace, none);
        check(b"\x1b", KeyCode::Esc, none);
        check(b"\x03", KeyCode::Char('c'), KeyModifiers::CONTROL);
        check(b"\x1a", KeyCode::Char('z'), KeyModifiers::CONTROL);
        check(b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT);
        check(b"\x1b[", KeyCode::Char('['), KeyModifiers::ALT);
        check(b"\x1b[A", KeyCode::Up, none);
        check(b"\x1bOB", KeyCode::Down, none);
        check(b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL);
        check(b"\x1b[H", KeyCode::Home, none);
        check(b"\x1b[4~", KeyCode::End, none);
        check(b"\x1b[5~", KeyCode::PageUp, none);
        check(b"\x1b[3;2~", KeyCode::Delete, KeyModifiers::SHIFT);
        check(b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT);
        check(b"\x1bOP", KeyCode::F(1), none);
        check(b"\x1b[[B", KeyCode::F(2), none);
        check(b"\x1b[1;2S", KeyCode::F(4), KeyModifiers::SHIFT);
        check(b"\x1b[15~", KeyCode::F(5), none);
        check(b"\x1b[24~", KeyCode::F(12), none);
        check(b"\x1b[13;5u", KeyCode::Enter, KeyModifiers::CONTROL);
        check(b"\x1b[27;2;13~", KeyCode::Enter, KeyModifiers::SHIFT);
    }

    #[test]
    fn answers_are_told_from_keys() {
        assert_eq!(decode(b"\x1b[0n"), [Decoded::Status]);
        assert_eq!(
            decode(b"x\x1b[0ny"),
            [
                key(KeyCode::Char('x'), KeyModifiers::NONE),
                Decoded::Status,
                key(KeyCode::Char('y'), KeyModifiers::NONE)
            ]
        );
    }

    #[test]
    fn what_we_do_not_understand_is_swallowed_whole() {
        for noise in [
            &b"\x1b[?62;22c"[..],
            b"\x1b[?2026;2$y",
            b"\x1b[24;80R",
            b"\x1b]11;rgb:0000/0000/0000\x07",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1bP>|xterm(276)\x1b\\",
            b"\x1b[<0;0;0M",
            b"\x1b[I",
            b"\x1b[97;1:3u",
            b"\xff\xfe",
        ] {
            let mut bytes = noise.to_vec();
            bytes.push(b'k');
            check(&bytes, KeyCode::Char('k'), KeyModifiers::NONE);
        }
    }

    #[test]
    fn two_escapes_are_two_keys() {
        let esc = key(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(decode(b"\x1b\x1b"), [esc.clone(), esc]);
    }

    #[test]
    fn a_paste_is_one_thing_with_plain_line_ends() {
        assert_eq!(
            decode(b"\x1b[200~a\r\nb\rc\x1b[A\x1b[201~z"),
            [
                Decoded::Paste("a\nb\nc\u{1b}[A".into()),
                key(KeyCode::Char('z'), KeyModifiers::NONE)
            ]
        );
    }

    #[test]
    fn a_paste_waits_for_its_end_however_long_that_takes() {
        let mut decoder = Decoder::default();
        let mut decoded = Vec::new();
        decoder.feed(b"\x1b[200~half", &mut decoded);
        assert!(!decoder.is_waiting());
        decoder.give_up(&mut decoded);
        decoder.feed(b" whole\x1b[201~", &mut decoded);
        assert_eq!(decoded, [Decoded::Paste("half whole".into())]);
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(b"\x1b[A".to_vec()),
            Just(b"\x1b[0n".to_vec()),
            Just(b"\x1b[200~pa\x1bste\r\x1b[201~".to_vec()),
            Just(b"\x1b[1;5C".to_vec()),
            Just("é🎉".as_bytes().to_vec()),
            Just(b"\x1b]11;x\x1b\\".to_vec()),
            Just(b"\x1bOP".to_vec()),
            Just(b"q\r\t".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..4),
        ]
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_the_meaning(
            pieces in proptest::collection::vec(piece(), 0..12),
            cuts in proptest::collection::vec(1usize..7, 1..40),
        ) {
            let bytes = pieces.concat();
            let mut whole = Vec::new();
            Decoder::default().feed(&bytes, &mut whole);
            let mut decoder = Decoder::default();
            let mut cut = Vec::new();
            let mut rest = &bytes[..];
            for length in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*length).min(rest.len()));
                decoder.feed(now, &mut cut);
                rest = later;
            }
            prop_assert_eq!(cut, whole);
        }
    }
}
