//! Tables for people and for `grep`: columns of plain text, two spaces apart, no lines, no colours.

use unicode_width::UnicodeWidthStr;

use crate::model::text;

/// The rows under their headings, each column as wide as its widest cell. What a terminal could obey is written out.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let cells: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned))
        .chain(rows.iter().map(|row| {
            row.each_ref()
                .map(|cell| text::printable(cell).into_owned())
        }))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        cells
            .iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    });
    let lines: Vec<String> = cells.iter().map(|row| line(row, &widths)).collect();
    lines.join("\n")
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["chat".to_owned(), "1".to_owned(), "x".to_owned()],
            ["日本".to_owned(), String::new(), "y\u{1b}".to_owned()],
        ];
        assert_eq!(
            table(["NAME", "N", "LONG NAME"], &rows),
            "NAME  N  LONG NAME\nchat  1  x\n日本     y\\u{1b}"
        );
    }
}
