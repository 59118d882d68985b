//! What terminals with less to offer get: fewer colours, plain characters, little room.

use crate::pty::Terminal;

/// The colours that a screen uses, as the model tells them.
fn colours(screen: &vt100::Screen) -> Vec<vt100::Color> {
    let (rows, columns) = screen.size();
    let mut colours = Vec::new();
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let cell = screen.cell(row, column).unwrap();
            for colour in [cell.fgcolor(), cell.bgcolor()] {
                if !colours.contains(&colour) {
                    colours.push(colour);
                }
            }
        }
    }
    colours
}

#[test]
fn no_color_means_none() {
    let mut pty = Terminal::new().env("NO_COLOR", "1").stagewire(&["--local"]);
    pty.wait_for("APIs");
    assert_eq!(colours(&pty.screen()), [vt100::Color::Default]);
    pty.press(&["C-c"]);
    pty.wait_exit();
}

#[test]
fn the_linux_console_gets_sixteen_colours_and_plain_characters() {
    let mut pty = Terminal::new()
        .env("TERM", "linux")
        .env("COLORTERM", "")
        .stagewire(&["--local"]);
    pty.wait_for("APIs");
    let screen = pty.screen();
    for colour in colours(&screen) {
        let is_plain = match colour {
            vt100::Color::Default => true,
            vt100::Color::Idx(index) => index < 16,
            vt100::Color::Rgb(..) => false,
        };
        assert!(is_plain, "{colour:?}");
    }
    assert!(screen.contents().is_ascii(), "{}", screen.contents());
    pty.press(&["C-c"]);
    pty.wait_exit();
    let raw = String::from_utf8(pty.raw()).unwrap();
    assert!(!raw.contains("2026"), "a mark that this terminal prints");
    pty.assert_clean();
}

#[test]
fn a_locale_without_unicode_gets_plain_characters() {
    let mut pty = Terminal::new().env("LANG", "C").stagewire(&["--local"]);
    pty.wait_for("APIs");
    assert!(pty.text().is_ascii(), "{}", pty.text());
    pty.press(&["C-c"]);
    pty.wait_exit();
}

#[test]
fn eighty_by_twenty_four_is_enough() {
    let mut pty = Terminal::new().size(80, 24).stagewire(&["--local"]);
    pty.wait_for("APIs").wait_for("quit").wait_for("help");
    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn a_terminal_that_is_too_small_says_what_it_needs() {
    let mut pty = Terminal::new().size(50, 10).stagewire(&["--local"]);
    pty.wait_for("60").wait_for("15");
    pty.resize(100, 30).wait_for("APIs");
    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
}
