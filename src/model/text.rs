//! Text from elsewhere, made safe to show: nothing that a terminal would obey is left in it.

use std::{borrow::Cow, fmt::Write};

/// Returns the text with every character a terminal could obey or be confused by written out: C0 and C1 controls, DEL,
/// and the characters that turn the direction of text around or hide it.
///
/// Tab and line feed are written out too (`\t`, `\n`): whoever shows several lines splits them first.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if needs_escape(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Makes bytes safe to show in the same way: a byte that is not UTF-8 is written as `\xNN`.
pub fn printable_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        safe.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            safe.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    safe
}

/// Escapes the characters that JSON leaves in its strings and that a terminal obeys (C1 controls, DEL, direction
/// marks), so that the text means the same and can be shown line by line.
pub fn printable_json(json: String) -> String {
    if !json.chars().any(|c| c != '\n' && needs_escape(c)) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if character == '\n' || !needs_escape(character) {
            safe.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _written = write!(safe, "\\u{unit:04x}").is_ok();
        }
    }
    safe
}

/// Returns the text as the beginning of a sentence.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// Returns a number with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, safe: &str) {
        assert_eq!(printable(text), safe);
    }

    #[test]
    fn plain_text_is_left_alone() {
        check("{\"a\": \"héllo 日本 🎉\"}", "{\"a\": \"héllo 日本 🎉\"}");
    }

    #[test]
    fn terminal_controls_are_written_out() {
        check("\u{1b}]52;c;x\u{7}", "\\u{1b}]52;c;x\\u{7}");
        check("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}");
        check("a\r\n\tb", "a\\r\\n\\tb");
    }

    #[test]
    fn direction_overrides_are_written_out() {
        check("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_written_in_hexadecimal() {
        assert_eq!(printable_bytes(b"ok\xff\xfe\x1b"), "ok\\xff\\xfe\\u{1b}");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (131_072, "131,072"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
