//! JSON laid out from its raw text: the order of members, the digits of numbers and the escapes of strings stay as
//! they crossed the wire. SOURCE: RFC 8259.

use std::ops::Range;

/// The kind of a piece of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Braces, brackets and commas.
    Sign,
    /// The colon after a key.
    Colon,
    /// The key of a member, quotes included.
    Key,
    /// A string, quotes included.
    String,
    /// A number, `true`, `false` or `null`.
    Literal,
}

/// A piece of JSON: its kind, and its place in the text in bytes, `[start, end)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// A line of laid out JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of braces and brackets that the line stands in.
    pub(super) depth: usize,
    /// Its pieces, in order.
    pub(super) tokens: Vec<Token>,
}

/// Lays JSON out over lines; none when the text is not JSON. Depth costs memory, but no stack.
pub(super) fn pretty(text: &str) -> Option<Vec<Line>> {
    let mut layout = Layout {
        lexer: Lexer {
            bytes: text.as_bytes(),
            at: 0,
        },
        lines: vec![Line::default()],
        open: Vec::new(),
    };
    layout.run()?;
    Some(layout.lines)
}

/// The pieces that may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

struct Layout<'a> {
    lexer: Lexer<'a>,
    lines: Vec<Line>,
    /// The brace or bracket of everything that is open.
    open: Vec<u8>,
}

impl Layout<'_> {
    fn run(&mut self) -> Option<()> {
        let mut expect = Expect::Value;
        loop {
            let Some((first, range)) = self.lexer.next()? else {
                let is_done = expect == Expect::CommaOrEnd && self.open.is_empty();
                return is_done.then_some(());
            };
            expect = self.place(expect, first, range)?;
        }
    }

    fn place(&mut self, expect: Expect, first: u8, range: Range<usize>) -> Option<Expect> {
        let wants_value = matches!(expect, Expect::Value | Expect::ValueOrEnd);
        match first {
            b'{' | b'[' if wants_value => {
                self.push(Kind::Sign, range);
                self.open.push(first);
                self.break_unless_empty();
                Some(if first == b'{' {
                    Expect::KeyOrEnd
                } else {
                    Expect::ValueOrEnd
                })
            }
            b'}' | b']' => self.close(expect, first, range),
            b',' if expect == Expect::CommaOrEnd => {
                let inside = *self.open.last()?;
                self.push(Kind::Sign, range);
                self.break_line();
                Some(if inside == b'{' {
                    Expect::Key
                } else {
                    Expect::Value
                })
            }
            b':' if expect == Expect::Colon => {
                self.push(Kind::Colon, range);
                Some(Expect::Value)
            }
            b'"' if matches!(expect, Expect::Key | Expect::KeyOrEnd) => {
                self.push(Kind::Key, range);
                Some(Expect::Colon)
            }
            b'"' if wants_value => {
                self.push(Kind::String, range);
                Some(Expect::CommaOrEnd)
            }
            b'{' | b'[' | b',' | b':' | b'"' => None,
            _ if wants_value => {
                self.push(Kind::Literal, range);
                Some(Expect::CommaOrEnd)
            }
            _ => None,
        }
    }

    fn close(&mut self, expect: Expect, first: u8, range: Range<usize>) -> Option<Expect> {
        let opened = self.open.pop()?;
        let fits = matches!((opened, first), (b'{', b'}') | (b'[', b']'));
        let is_empty = matches!(expect, Expect::ValueOrEnd | Expect::KeyOrEnd);
        if !fits || !(is_empty || expect == Expect::CommaOrEnd) {
            return None;
        }
        if !is_empty {
            self.break_line();
        }
        self.push(Kind::Sign, range);
        Some(Expect::CommaOrEnd)
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) {
        if let Some(line) = self.lines.last_mut() {
            line.tokens.push(Token { kind, range });
        }
    }

    fn break_line(&mut self) {
        self.lines.push(Line {
            depth: self.open.len(),
            tokens: Vec::new(),
        });
    }

    /// Begins a new line, but for `{}` and `[]`, which stay on one line.
    fn break_unless_empty(&mut self) {
        self.lexer.skip_space();
        if !matches!(self.lexer.peek(), Some(b'}' | b']')) {
            self.break_line();
        }
    }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    /// Returns the next piece's first byte and place; `Some(None)` at the end of the text, `None` when it is not JSON.
    #[expect(
        clippy::option_option,
        reason = "outside: is it JSON, inside: is there more"
    )]
    fn next(&mut self) -> Option<Option<(u8, Range<usize>)>> {
        self.skip_space();
        let start = self.at;
        let Some(first) = self.peek() else {
            return Some(None);
        };
        match first {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => self.at += 1,
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.word()?,
        }
        Some(Some((first, start..self.at)))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let starts_with_zero = self.peek() == Some(b'0');
        let integer = self.digits();
        if integer == 0 || (starts_with_zero && integer > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let word = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word.as_bytes()))?;
        self.at += word.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Option<String> {
        let lines = pretty(text)?;
        let rows: Vec<String> = lines
            .iter()
            .map(|line| {
                let tokens = line.tokens.iter().map(|token| {
                    let raw = &text[token.range.clone()];
                    let gap = if token.kind == Kind::Colon { " " } else { "" };
                    format!("{raw}{gap}")
                });
                format!("{}{}", " ".repeat(line.depth), tokens.collect::<String>())
            })
            .collect();
        Some(rows.join("\n"))
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(shown(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn members_keep_their_order_and_numbers_their_digits() {
        check(
            r#" {"b":1.10e+2 , "a":[true,{}, []],"b":"\u00e9x"} "#,
            Some(
                "{\n \"b\": 1.10e+2,\n \"a\": [\n  true,\n  {},\n  []\n ],\n \"b\": \"\\u00e9x\"\n}",
            ),
        );
        check("12345678901234567890123", Some("12345678901234567890123"));
        check("\"x\"", Some("\"x\""));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "hello",
            "{",
            "}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "1e",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "[1 2]",
            "1 2",
            "[}",
            "{\"a\":1,}",
            ",",
            "truex",
            "'a'",
            "\"",
            "[\"a\":1]",
            "{\"a\":1]",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(pretty(&deep).map(|lines| lines.len()), Some(200_001));
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser_about_what_is_json(text in "[\\[\\]{}:,\"a1.e\\- \\\\n]{0,12}") {
            // The parser reads numbers into 64 bits and refuses those beyond; the alphabet here cannot write one.
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(pretty(&text).is_some(), is_json);
        }
    }
}
