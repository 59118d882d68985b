//! Patterns with wildcards: `*` stands for any characters, none included, and `?` for one.

/// The part that upper and lower case play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// None, as far as letters are ASCII.
    Ignored,
    /// They are different letters.
    Regarded,
}

/// True when the pattern describes the whole text. Takes at most the product of both lengths in steps: after a mismatch
/// only the last `*` is tried again, one character further.
pub fn covers(pattern: &str, text: &str, case: Case) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let same = |one: u8, other: u8| match case {
        Case::Regarded => one == other,
        Case::Ignored => one.eq_ignore_ascii_case(&other),
    };
    let (mut at, mut from) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(from) {
            Some(b'*') => {
                again = Some((from + 1, at));
                from += 1;
            }
            Some(b'?') => {
                // One character, which may be several bytes.
                at += 1;
                while text
                    .get(at)
                    .is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000)
                {
                    at += 1;
                }
                from += 1;
            }
            Some(&byte) if same(byte, text[at]) => {
                at += 1;
                from += 1;
            }
            _ => match &mut again {
                Some((after_star, start)) => {
                    *start += 1;
                    at = *start;
                    from = *after_star;
                }
                None => return false,
            },
        }
    }
    pattern[from..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_the_whole_text() {
        for (pattern, text) in [
            ("prod*", "prod"),
            ("prod*", "production"),
            ("*", ""),
            ("*live*", "eu-live-2"),
            ("a*b*c", "a-b-b-c"),
            ("exact", "exact"),
        ] {
            assert!(covers(pattern, text, Case::Regarded), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("prod*", "preprod"),
            ("a*b*c", "a-c-b"),
            ("ab*b", "ab"),
            ("", "x"),
            ("*.x", "x"),
        ] {
            assert!(!covers(pattern, text, Case::Regarded), "{pattern} {text}");
        }
    }

    #[test]
    fn case_is_ignored_on_request() {
        assert!(covers("prod*", "Prod-EU", Case::Ignored));
        assert!(!covers("prod*", "Prod-EU", Case::Regarded));
    }

    #[test]
    fn one_character_is_one_however_many_bytes_it_has() {
        assert!(covers("a?b", "a\u{fc}b", Case::Regarded));
        assert!(!covers("a?b", "ab", Case::Regarded));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = format!("{}b", "a*".repeat(2000));
        assert!(!covers(&pattern, &"a".repeat(8000), Case::Regarded));
    }
}
