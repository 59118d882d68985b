//! Times, lengths and payloads in the few characters that a table has for them.

use jiff::{SignedDuration, Timestamp};

use crate::model::{FrameRecord, Opcode, text::printable_bytes};

/// Returns the time of day in UTC, `HH:MM:SS.mmm`.
pub(super) fn time(at: Timestamp) -> String {
    let ms = at.as_millisecond().rem_euclid(24 * 3_600_000);
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, millis) = (ms / 1000 % 60, ms % 1000);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// Returns the time of day in UTC, `HH:MM:SS`.
pub(super) fn short_time(at: Timestamp) -> String {
    let mut text = time(at);
    text.truncate(8);
    text
}

/// Returns a difference of times in at most 8 characters: `+0.3 ms`, `+38 ms`, `+1.2 s`, `+10 s`, `+5 min`, `+3 h`.
pub(super) fn delta(later: SignedDuration) -> String {
    let micros = later.as_micros();
    let (sign, micros) = if micros < 0 {
        ('-', -micros)
    } else {
        ('+', micros)
    };
    match micros {
        0..10_000 => format!("{sign}{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{sign}{} ms", micros / 1000),
        1_000_000..10_000_000 => {
            format!(
                "{sign}{}.{} s",
                micros / 1_000_000,
                micros % 1_000_000 / 100_000
            )
        }
        10_000_000..60_000_000 => format!("{sign}{} s", micros / 1_000_000),
        60_000_000..3_600_000_000 => format!("{sign}{} min", micros / 60_000_000),
        _ => format!("{sign}{} h", micros / 3_600_000_000),
    }
}

/// Returns a number of bytes in at most 7 characters: `39 B`, `41 kB`, `1.2 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1000 => return format!("{bytes} B"),
        1000..1_000_000 => (1000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let whole = bytes / unit;
    if whole < 10 {
        return format!("{whole}.{} {name}", bytes % unit * 10 / unit);
    }
    format!("{whole} {name}")
}

/// Returns the beginning of a payload, or its part around `found`, as one line that is safe to show and has at least
/// `columns` columns when there is that much.
pub(super) fn preview(record: &FrameRecord, found: Option<usize>, columns: usize) -> String {
    if record.opcode == Opcode::Close {
        return close(record);
    }
    let payload = &record.payload;
    // Before what was found stands a little of what leads to it.
    let wanted = found
        .filter(|found| *found + 8 > columns)
        .map_or(0, |found| found - columns / 3);
    let start = boundary(payload, wanted);
    let end = boundary(payload, payload.len().min(start + columns * 4));
    let mut text = String::new();
    if start > 0 || record.opcode == Opcode::Continuation {
        text.push('…');
    }
    text.push_str(&printable_bytes(&payload[start..end]));
    if end == payload.len() && record.is_cut() {
        let missing = record.payload_length - payload.len() as u64;
        text.push_str("… ");
        text.push_str(&bytes(missing));
        text.push_str(" more not kept");
    }
    text
}

/// Returns bytes in hexadecimal, two digits each, with `between` between them.
pub(super) fn hex(bytes: &[u8], between: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('?');
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (idx, byte) in bytes.iter().enumerate() {
        if idx > 0 {
            text.push_str(between);
        }
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

fn close(record: &FrameRecord) -> String {
    let Some((code, reason)) = record.close() else {
        return String::new();
    };
    let name = crate::model::explain::close_name(code);
    if reason.is_empty() {
        return format!("{code} {name}");
    }
    format!("{code} {name}: {}", crate::model::text::printable(&reason))
}

/// Returns the place at or before `at`, at most three bytes back, where no UTF-8 character is cut.
fn boundary(bytes: &[u8], at: usize) -> usize {
    if at >= bytes.len() {
        return bytes.len();
    }
    let is_start = |place: &usize| bytes[*place] & 0xc0 != 0x80;
    (at.saturating_sub(3)..=at)
        .rev()
        .find(is_start)
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::Direction;

    fn record(payload: &[u8]) -> FrameRecord {
        FrameRecord {
            direction: Direction::In,
            opcode: Opcode::Text,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: Bytes::copy_from_slice(payload),
            payload_length: payload.len() as u64,
            part: 1,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn times_are_of_the_day() {
        let at = Timestamp::from_millisecond(1_000 * 86_400_000 + 43_471_102).unwrap();
        assert_eq!(time(at), "12:04:31.102");
        assert_eq!(short_time(at), "12:04:31");
        let before = Timestamp::from_millisecond(-1).unwrap();
        assert_eq!(time(before), "23:59:59.999");
    }

    #[track_caller]
    fn check_delta(micros: i64, text: &str) {
        assert_eq!(delta(SignedDuration::from_micros(micros)), text);
    }

    #[test]
    fn differences_fit_into_eight_characters() {
        check_delta(0, "+0.0 ms");
        check_delta(312, "+0.3 ms");
        check_delta(38_000, "+38 ms");
        check_delta(1_250_000, "+1.2 s");
        check_delta(10_400_000, "+10 s");
        check_delta(300_000_000, "+5 min");
        check_delta(7_200_000_000, "+2 h");
        check_delta(-1_000_000, "-1.0 s");
    }

    #[test]
    fn lengths_are_short() {
        for (length, text) in [
            (39, "39 B"),
            (41_213, "41 kB"),
            (1_250_000, "1.2 MB"),
            (9_990, "9.9 kB"),
        ] {
            assert_eq!(bytes(length), text);
        }
    }

    #[test]
    fn preview_never_cuts_a_character_and_never_lets_a_control_through() {
        assert_eq!(preview(&record("日本語日本語".as_bytes()), None, 1), "日");
        assert_eq!(
            preview(&record(b"a\x1b[2J\xff"), None, 80),
            "a\\u{1b}[2J\\xff"
        );
        assert_eq!(preview(&record(b""), None, 80), "");
        assert_eq!(preview(&record(&[0x80; 100]), None, 4).len(), 16 * 4);
    }

    #[test]
    fn preview_moves_to_what_was_found() {
        let payload = [&[b'x'; 500][..], b"query", &[b'y'; 500][..]].concat();
        let text = preview(&record(&payload), Some(500), 30);
        assert!(text.starts_with("…xxxxxxxxxxqueryyyyy"), "{text}");
    }

    #[test]
    fn preview_says_what_was_not_kept() {
        let mut cut = record(b"abc");
        cut.payload_length = 5003;
        assert_eq!(preview(&cut, None, 80), "abc… 5.0 kB more not kept");
    }
}
