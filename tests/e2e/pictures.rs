//! The README's pictures, taken from the real screen. `STAGEWIRE_PICTURES=1 cargo test --test e2e pictures` writes them
//! to `assets/`; without the variable they are taken and looked at, and not kept.

use std::{fmt::Write as _, path::Path};

use anstyle_svg::Term;
use vt100::{Cell, Color, Screen};

use crate::pty::{Pty, Terminal};

#[test]
fn pictures_show_the_main_job() {
    let pty = Terminal::new()
        .size(112, 30)
        .settings("")
        .stagewire(&["--local"]);
    pty.wait_for("chat")
        .press(&["Enter"])
        .wait_for("Invoke URL");
    pty.press(&["Down"]).wait_for("/test").wait_for("1 change");
    take(&pty, "stages", "Invoke URL");
    pty.press(&["d"]).wait_for("update-stage --");
    take(&pty, "deploy", "Deploy API");
    pty.press(&["Enter"]).wait_for("u undo");
    pty.press(&["l"]).wait_for("› live").wait_for("open");
    for (message, answer) in [
        ("hello", "following · 2 frames"),
        (
            r#"{"action":"sendMessage","data":"is anybody there?"}"#,
            "following · 4 frames",
        ),
        (r#"{"action":"big"}"#, " 4/4 "),
    ] {
        pty.type_text(message).press(&["Enter"]).wait_for(answer);
    }
    if is_wanted() {
        // The toast of the deploy goes by itself.
        pty.wait_until("no toast", |screen| !screen.contents().contains("u undo"));
    }
    take(&pty, "live", "4/4");
    pty.press(&["C-c"]);
}

/// Takes a picture of the screen, which must show the text.
#[track_caller]
fn take(pty: &Pty, name: &str, shown: &str) {
    let ansi = ansi(&pty.screen());
    assert!(
        ansi.contains(shown),
        "{shown:?} is not in the picture:\n{ansi}"
    );
    let svg = Term::new().render_svg(&ansi);
    assert!(svg.trim_end().ends_with("</svg>"));
    if is_wanted() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/screen-{name}.svg"));
        std::fs::write(path, svg).unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but its environment"
)]
fn is_wanted() -> bool {
    std::env::var_os("STAGEWIRE_PICTURES").is_some()
}

/// The screen as text with colours, a row a line and without cursor moves, which the drawing of pictures knows not.
fn ansi(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let mut text = String::new();
    for row in 0..rows.get() {
        let mut style = String::new();
        for column in 0..columns.get() {
            let Some(cell) = screen.cell(row, column) else {
                continue;
            };
            if cell.is_wide_continuation() {
                continue;
            }
            let wanted = sgr(cell);
            if wanted != style {
                text.push_str(&wanted);
                style = wanted;
            }
            text.push_str(if cell.has_contents() {
                cell.contents()
            } else {
                " "
            });
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

fn sgr(cell: &Cell) -> String {
    // A sequence a property: the drawing of pictures takes no foreground and background in one.
    let mut codes = String::from("\x1b[0m");
    let flags = [
        (cell.bold(), "1"),
        (cell.dim(), "2"),
        (cell.italic(), "3"),
        (cell.underline(), "4"),
        (cell.inverse(), "7"),
    ];
    for (_, code) in flags.iter().filter(|(is_set, _)| *is_set) {
        write!(codes, "\x1b[{code}m").unwrap();
    }
    for (color, base) in [(cell.fgcolor(), 38), (cell.bgcolor(), 48)] {
        match color {
            Color::Default => {}
            Color::Idx(idx) => write!(codes, "\x1b[{base};5;{idx}m").unwrap(),
            Color::Rgb(red, green, blue) => {
                write!(codes, "\x1b[{base};2;{red};{green};{blue}m").unwrap();
            }
        }
    }
    codes
}
