//! Text that fits: cutting and padding by columns on the screen, not by the number of characters.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::text::printable;

/// Returns the number of columns that the text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns the text made safe to show and cut to at most `columns`, ending in `ellipsis` where something was cut.
pub fn fit(text: &str, columns: usize, ellipsis: &str) -> String {
    let safe = printable(text);
    if width(&safe) <= columns {
        return safe.into_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut cut = take(&safe, room).to_owned();
    if width(ellipsis) <= columns {
        cut.push_str(ellipsis);
    }
    cut
}

/// Returns the text as [`fit`] does, filled up with spaces to exactly `columns`.
pub fn fit_padded(text: &str, columns: usize, ellipsis: &str) -> String {
    let mut fitted = fit(text, columns, ellipsis);
    let missing = columns.saturating_sub(width(&fitted));
    fitted.extend(std::iter::repeat_n(' ', missing));
    fitted
}

/// Returns the text in lines of at most `columns`, broken at spaces where there are any. Never empty.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_line(&printable(paragraph), columns, &mut lines);
    }
    lines
}

fn wrap_line(text: &str, columns: usize, lines: &mut Vec<String>) {
    let before = lines.len();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if width(&line) + width(word.trim_end()) <= columns {
            line.push_str(word);
            continue;
        }
        if !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        word.trim_start().clone_into(&mut line);
        while width(&line) > columns {
            let head = take(&line, columns);
            let cut = head.len().max(first_len(&line));
            let rest = line.split_off(cut);
            lines.push(line);
            line = rest;
        }
    }
    if !line.is_empty() || lines.len() == before {
        lines.push(line.trim_end().to_owned());
    }
}

/// Returns the longest beginning of the text, which has no control characters, that takes at most `columns`.
fn take(text: &str, columns: usize) -> &str {
    // Most text is ASCII, of one column a character; what follows may belong to the last of them.
    let ascii = text.bytes().take(columns + 1).take_while(u8::is_ascii);
    let n_ascii = ascii.count();
    if n_ascii > columns || n_ascii == text.len() {
        return &text[..n_ascii.min(columns)];
    }
    let (mut used, mut end) = (0, 0);
    for cluster in text.graphemes(true) {
        used += width(cluster);
        if used > columns {
            break;
        }
        end += cluster.len();
    }
    &text[..end]
}

fn first_len(text: &str) -> usize {
    text.graphemes(true).next().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &str) {
        let fitted = fit(text, columns, "…");
        assert_eq!(fitted, expected);
        assert!(width(&fitted) <= columns);
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        check("chat", 4, "chat");
        check("chatter", 4, "cha…");
        check("abe\u{301}", 3, "abe\u{301}");
        check("abe\u{301}d", 3, "ab…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("日本語", 1, "…");
        check("日本語", 0, "");
    }

    #[test]
    fn controls_are_written_out_before_they_are_measured() {
        check("a\u{1b}[31m", 20, "a\\u{1b}[31m");
        check("a\nb", 20, "a\\nb");
    }

    #[test]
    fn long_words_are_broken_and_short_ones_are_not() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\nb", 3), ["a", "b"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
    }
}
