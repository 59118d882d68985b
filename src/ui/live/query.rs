//! Needles: searches of the log for text in payloads, for a control frame by its name, for a direction.

use memchr::memchr2_iter;

use crate::model::{Direction, FrameRecord};

/// Text to find, upper and lower case alike, perhaps in one direction only (`in:` and `out:`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    direction: Option<Direction>,
    text: String,
    /// The text's first byte as a small and as a capital letter; none when it is empty or beyond ASCII.
    first: Option<[u8; 2]>,
}

impl Query {
    /// Reads what the person typed; none when that asks for everything.
    pub fn parse(typed: &str) -> Option<Self> {
        let lower = typed.to_lowercase();
        let (direction, text) = match lower.split_once(':') {
            Some(("in", rest)) => (Some(Direction::In), rest.trim_start()),
            Some(("out", rest)) => (Some(Direction::Out), rest.trim_start()),
            _ => (None, lower.as_str()),
        };
        if direction.is_none() && text.is_empty() {
            return None;
        }
        let first = text.bytes().next().filter(|_| text.is_ascii());
        Some(Self {
            direction,
            text: text.to_owned(),
            first: first.map(|first| [first, first.to_ascii_uppercase()]),
        })
    }

    /// Returns the text that a person types for this query.
    pub fn typed(&self) -> String {
        match self.direction {
            Some(Direction::In) => format!("in:{}", self.text),
            Some(Direction::Out) => format!("out:{}", self.text),
            None => self.text.clone(),
        }
    }

    /// Returns the length of the text, in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// True when frames of that direction are asked for.
    pub(super) fn is_direction(&self, direction: Direction) -> bool {
        self.direction.is_none_or(|asked| asked == direction)
    }

    /// True when the frame is what is searched for: by its payload, or as a control frame by its name.
    pub fn is_in(&self, record: &FrameRecord) -> bool {
        self.is_direction(record.direction)
            && (self.is_in_bytes(&record.payload)
                || (record.opcode.is_control()
                    && record
                        .opcode
                        .to_string()
                        .to_lowercase()
                        .contains(&self.text)))
    }

    /// True when the text is in these bytes.
    pub(super) fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        if self.first.is_some() || self.text.is_empty() {
            return self.text.is_empty() || self.find_in(bytes).is_some();
        }
        String::from_utf8_lossy(bytes)
            .to_lowercase()
            .contains(&self.text)
    }

    /// Returns the range of bytes where the text first stands in the shown text, to mark it; none when it is not there,
    /// and when it is beyond ASCII, where upper and lower case may differ in length.
    pub fn range_in(&self, shown: &str) -> Option<std::ops::Range<usize>> {
        let start = self.find_in(shown.as_bytes())?;
        Some(start..start + self.text.len())
    }

    /// Returns the place where the text first stands in these bytes; none when it is not there, empty or beyond ASCII.
    pub fn find_in(&self, bytes: &[u8]) -> Option<usize> {
        let query = self.text.as_bytes();
        let [small, capital] = self.first?;
        let last_start = bytes.len().checked_sub(query.len())?;
        memchr2_iter(small, capital, &bytes[..=last_start])
            .find(|start| bytes[*start..*start + query.len()].eq_ignore_ascii_case(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, payload: &str, is_found: bool) {
        let query = Query::parse(typed).unwrap();
        assert_eq!(query.is_in_bytes(payload.as_bytes()), is_found);
    }

    #[test]
    fn text_is_found_in_any_case_and_anywhere() {
        check("Hello", "say hELLo", true);
        check("hello", "hell", false);
        check("lo", "hello", true);
        check("h", "H", true);
        check("x", "", false);
    }

    #[test]
    fn text_beyond_ascii_is_found_in_any_case() {
        check("größe", "Die GRÖSSE und die GRÖßE", true);
        check("日本", "in 日本 heute", true);
        check("ä", "a", false);
    }

    #[test]
    fn nothing_typed_asks_for_everything() {
        assert_eq!(Query::parse(""), None);
        assert_eq!(
            Query::parse("out:").unwrap().direction,
            Some(Direction::Out)
        );
        assert_eq!(Query::parse("IN: Bob").unwrap().text, "bob");
    }
}
