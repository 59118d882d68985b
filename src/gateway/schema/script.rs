//! Patterns as JavaScript writes them, in the words of the engines that we have.

use std::{iter::Peekable, str::Chars};

/// The characters that `\s` stands for. SOURCE: ECMA-262, `WhiteSpace` and `LineTerminator`.
const SPACES: &str = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";

/// The edge of a word of ASCII, and what is none, for a machine that reads a text once.
const EDGE: &str = r"(?-u:\b)";
const NO_EDGE: &str = r"(?-u:\B)";

/// Translates a pattern as it must be written for our engines; nothing for what is no pattern.
pub(super) fn translate(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\\' => escape(&mut rest, &mut out)?,
            '[' => class(&mut rest, &mut out)?,
            '(' if rest.peek() == Some(&'?') => {
                out.push_str("(?");
                rest.next();
                // Flags are none of JavaScript's.
                rest.peek().filter(|it| ":=!<".contains(**it))?;
            }
            '{' if !is_count(rest.clone()) => out.push_str(r"\{"),
            '}' if !ends_count(&out) => out.push_str(r"\}"),
            ']' => out.push_str(r"\]"),
            // SOURCE: ECMA-262: anything but a `LineTerminator`.
            '.' => out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            other => out.push(other),
        }
    }
    Some(out)
}

/// True when the text after a brace makes it the count of a repetition.
fn is_count(mut rest: Peekable<Chars<'_>>) -> bool {
    let digits = |rest: &mut Peekable<Chars<'_>>| {
        let mut n_digits = 0;
        while rest.next_if(char::is_ascii_digit).is_some() {
            n_digits += 1;
        }
        n_digits > 0
    };
    let has_least = digits(&mut rest);
    if rest.next_if_eq(&',').is_some() {
        digits(&mut rest);
    }
    has_least && rest.next() == Some('}')
}

/// True when a brace closes the count that was just written.
fn ends_count(out: &str) -> bool {
    let count = out.trim_end_matches(|it: char| it.is_ascii_digit() || it == ',');
    count.len() < out.len() && count.ends_with('{') && !count.ends_with(r"\{")
}

/// Translates a class in brackets, of which the first has been read.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let is_negated = rest.next_if_eq(&'^').is_some();
    if rest.next_if_eq(&']').is_some() {
        let any_or_none = if is_negated { r"[\s\S]" } else { r"[^\s\S]" };
        out.push_str(any_or_none);
        return Some(());
    }
    out.push_str(if is_negated { "[^" } else { "[" });
    let start = out.len();
    loop {
        match rest.next()? {
            ']' => break,
            '\\' => class_escape(rest, out)?,
            // At the start it is a hyphen, and so is the second of two.
            '-' if out.len() == start => out.push_str(r"\-"),
            '-' if rest.next_if_eq(&'-').is_some() => out.push_str(r"-\-"),
            // A set is no end of a range.
            '-' if is_set(rest.clone()) => out.push_str(r"\-"),
            special @ ('[' | '&' | '~') => out.extend(['\\', special]),
            other => out.push(other),
        }
    }
    out.push(']');
    Some(())
}

/// Translates an escape in a class, after its backslash.
fn class_escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    if rest.next_if_eq(&'b').is_some() {
        out.push_str(r"\x08");
        return Some(());
    }
    escape(rest, out)?;
    // A set is no end of a range.
    if out.ends_with(']') && rest.next_if_eq(&'-').is_some() {
        out.push_str(r"\-");
    }
    Some(())
}

/// True when the next escape stands for many characters.
fn is_set(mut rest: Peekable<Chars<'_>>) -> bool {
    rest.next() == Some('\\') && rest.next().is_some_and(|it| "dDwWsS".contains(it))
}

/// Returns how much a translated pattern may repeat itself: the number of its parts, and the product of all its counts.
pub(super) fn repeats(pattern: &str) -> (usize, usize) {
    let (mut n_parts, mut product) = (1_usize, 1_usize);
    let mut is_escaped = false;
    // The braces of `\x{41}` hold no count.
    let mut is_code = false;
    for (at, next) in pattern.char_indices() {
        match next {
            _ if is_escaped => {
                is_escaped = false;
                is_code = "xupP".contains(next);
                continue;
            }
            '\\' => is_escaped = true,
            '(' => n_parts += 1,
            '{' if !is_code => product = product.saturating_mul(most_times(&pattern[at + 1..])),
            _ => {}
        }
        is_code = false;
    }
    (n_parts, product)
}

/// Returns the most times that a count allows, after its opening brace; at least once.
fn most_times(rest: &str) -> usize {
    let count = rest.split('}').next().unwrap_or_default();
    // One with too many digits to be read is as good as endless.
    if count.split(',').any(|it| it.len() > 9) {
        return usize::MAX;
    }
    let times = |it: &str| it.parse::<usize>().unwrap_or(usize::from(!it.is_empty()));
    count.split(',').map(times).max().unwrap_or(1).max(1)
}

/// Translates an escape, after its backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    match rest.next()? {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[A-Za-z0-9_]"),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        's' => out.extend(["[", SPACES, "]"]),
        'S' => out.extend(["[^", SPACES, "]"]),
        'b' => out.push_str(EDGE),
        'B' => out.push_str(NO_EDGE),
        'c' => {
            let letter = rest.next_if(char::is_ascii_alphabetic)?;
            push_code(out, u32::from(letter) % 32);
        }
        '0' if !rest.peek().is_some_and(char::is_ascii_digit) => push_code(out, 0),
        'u' if rest.peek() != Some(&'{') => unit(rest, out)?,
        braced @ ('p' | 'P' | 'u') => {
            out.extend(['\\', braced]);
            let name: String = rest.by_ref().take_while(|it| *it != '}').collect();
            out.extend([name.strip_prefix('{').map(|_| name.as_str())?, "}"]);
        }
        kept @ ('t' | 'n' | 'r' | 'f' | 'v' | 'x' | 'k' | '1'..='9') => {
            out.extend(['\\', kept]);
        }
        letter if letter.is_ascii_alphanumeric() => return None,
        special if special.is_ascii_punctuation() && !"<>/_'\"`:;,=!@%".contains(special) => {
            out.extend(['\\', special]);
        }
        plain => out.push(plain),
    }
    Some(())
}

/// Translates one character as `\u` writes it, in one unit of UTF-16 or in two.
fn unit(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let read = |rest: &mut Peekable<Chars<'_>>| {
        (0..4).try_fold(0, |code, _| Some(code * 16 + rest.next()?.to_digit(16)?))
    };
    let mut code = read(rest)?;
    if (0xD800..0xDC00).contains(&code) {
        (rest.next()? == '\\' && rest.next()? == 'u').then_some(())?;
        let low = read(rest)?.checked_sub(0xDC00).filter(|it| *it < 0x400)?;
        code = 0x1_0000 + (code - 0xD800) * 0x400 + low;
    }
    push_code(out, code);
    Some(())
}

fn push_code(out: &mut String, code: u32) {
    out.extend([r"\x{", &format!("{code:X}"), "}"]);
}

/// True when a translated pattern asks for look-around, or for a look back at what a group has found, which no machine
/// that reads a text once can do.
pub(super) fn looks_around(pattern: &str) -> bool {
    let starts = ["(?=", "(?!", "(?<=", "(?<!", r"\k"];
    let has_number = |start: usize| {
        let next = pattern.as_bytes().get(start + 1);
        next.is_some_and(u8::is_ascii_digit)
    };
    starts.iter().any(|start| pattern.contains(start))
        || pattern.match_indices('\\').any(|(at, _)| has_number(at))
}

/// Returns a translated pattern for the engine that looks around, which has no words of ASCII.
pub(super) fn without_edges(pattern: &str) -> String {
    let edge = "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))";
    let no_edge = "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))";
    pattern.replace(EDGE, edge).replace(NO_EDGE, no_edge)
}

/// Returns a translated pattern that begins where the text does and looks ahead there, as patterns that must each be
/// found, or must not be; nothing for any other.
pub(super) fn split_guards(pattern: &str) -> Option<Vec<(String, bool)>> {
    let mut rest = pattern.strip_prefix('^')?;
    let mut guards = Vec::new();
    while let Some(is_wanted) = [("(?=", true), ("(?!", false)]
        .into_iter()
        .find_map(|(start, is_wanted)| rest.starts_with(start).then_some(is_wanted))
    {
        let inner = &rest[3..];
        let end = end_of_group(inner)?;
        guards.push((format!("^(?:{})", &inner[..end]), is_wanted));
        rest = &inner[end + 1..];
    }
    // An alternative would be one to the whole, and a count would be of the guard.
    let is_whole = end_of_alternative(rest).is_none()
        && end_of_group(rest).is_none()
        && !rest.starts_with(['*', '+', '?', '{']);
    guards.push((format!("^(?:{rest})"), true));
    (is_whole && guards.len() > 1).then_some(guards)
}

fn end_of_group(text: &str) -> Option<usize> {
    find_outside(text, ')')
}

fn end_of_alternative(text: &str) -> Option<usize> {
    find_outside(text, '|')
}

/// Finds the first place of a character outside all groups and classes of a translated pattern.
fn find_outside(text: &str, wanted: char) -> Option<usize> {
    let (mut n_groups, mut n_classes) = (0_usize, 0_usize);
    let mut is_escaped = false;
    for (at, next) in text.char_indices() {
        match next {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => n_classes += 1,
            ']' => n_classes = n_classes.saturating_sub(1),
            _ if n_classes > 0 => {}
            _ if next == wanted && n_groups == 0 => return Some(at),
            '(' => n_groups += 1,
            ')' => n_groups = n_groups.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_written_for_our_engines() {
        let check = |pattern: &str, expected: &str| {
            assert_eq!(translate(pattern).as_deref(), Some(expected), "{pattern}");
        };
        check(r"^\d{2,}-\w{3}$", "^[0-9]{2,}-[A-Za-z0-9_]{3}$");
        check(r"[\w-.]", r"[[A-Za-z0-9_]\-.]");
        check(r"[-a][[&&~]", r"[\-a][\[\&\&\~]");
        check(r"[.-\s]", &format!(r"[.\-[{SPACES}]]"));
        check("a.", r"a[^\n\r\x{2028}\x{2029}]");
        check(r"[+--]", r"[+-\-]");
        check(r"[^][]", r"[\s\S][^\s\S]");
        check(r"a{,2}{x}]", r"a\{,2\}\{x\}\]");
        check(r"\/\-\.\{1\}", r"/\-\.\{1\}");
        check(r"\cC\0[\b]", r"\x{3}\x{0}[\x08]");
        check(r"\u00e9\ud83d\udc32\u{41}", r"\x{E9}\x{1F432}\u{41}");
        for none in ["(?i)a", "(?", r"\", "[a", r"\c1", r"\q", r"\ud83d", r"\u12"] {
            assert_eq!(translate(none), None, "{none}");
        }
    }

    #[test]
    fn guards_are_split_off_where_they_stand_alone() {
        let check = |pattern: &str, expected: Option<&[(&str, bool)]>| {
            let guards = split_guards(pattern);
            let guards = guards.as_deref().map(|guards| {
                let guards = guards.iter();
                guards
                    .map(|(text, is_wanted)| (text.as_str(), *is_wanted))
                    .collect::<Vec<_>>()
            });
            assert_eq!(guards.as_deref(), expected, "{pattern}");
        };
        check(
            r"^(?=a[)](b))(?!\)|c)d(e|f)",
            Some(&[
                (r"^(?:a[)](b))", true),
                (r"^(?:\)|c)", false),
                ("^(?:d(e|f))", true),
            ]),
        );
        check("^a", None);
        check("(?=a)b", None);
        check("^(?=a)b|c", None);
        check("^(?=a)*b", None);
        check("^(?=a", None);
        check("^(?=x)a)|(b", None);
    }

    #[test]
    fn counts_are_multiplied_and_parts_added() {
        let check = |pattern, expected| assert_eq!(repeats(pattern), expected, "{pattern}");
        check("a", (1, 1));
        check("(?=a)(b)", (3, 1));
        check("((a){2,30}){4}", (3, 120));
        check(r"\{9\}\(\x{2028}a{0,}", (1, 1));
        check("a{9999999999}", (1, usize::MAX));
    }
}
