//! The main job from end to end, in a terminal, on the local gateway and its demo.

use crate::pty::{Pty, Terminal};

/// A console whose cursor is on `chat`, the demo's first API.
fn console() -> Pty {
    let pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("chat").make_strict();
    pty
}

/// The same, watching the stage `test` of `chat`, with its link open.
fn watching() -> Pty {
    let pty = console();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["Down"]).wait_for("/test");
    pty.press(&["l"]).wait_for("idle closes in");
    pty
}

/// Waits for a row of the screen that holds all of these.
#[track_caller]
fn wait_row(pty: &Pty, parts: &[&str]) {
    pty.wait_until(&format!("a row with {parts:?}"), |screen| {
        let (_, columns) = screen.size();
        screen
            .rows(0, columns.get())
            .any(|row| parts.iter().all(|part| row.contains(part)))
    });
}

fn quit(mut pty: Pty) {
    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_clean();
}

#[test]
fn deploy_to_a_new_stage_and_watch_it() {
    let pty = console();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["d"]).type_text("demo").press(&["Enter"]);
    wait_row(&pty, &["demo: new", "l live"]);
    pty.press(&["l"]).wait_for("demo › live").wait_for("open");
    let message = r#"{"action":"sendMessage","data":"hello"}"#;
    pty.type_text(message).press(&["Enter"]);
    wait_row(&pty, &["→ text", "FIN", message]);
    wait_row(&pty, &["← text", "FIN", r#"{"from":""#]);
    quit(pty);
}

#[test]
fn a_production_stage_is_deployed_to_by_a_second_enter_that_was_no_accident() {
    let pty = console();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["d", "End", "Up"]).wait_for("Changes on prod");
    pty.press(&["Enter", "Enter", "Enter"]);
    // The question opens only where none of the three has deployed.
    pty.wait_for("once more deploys to PRODUCTION prod");
    pty.press(&["Enter"]);
    wait_row(&pty, &["prod: ", "u undo", "l live"]);
    quit(pty);
}

#[test]
fn a_large_answer_is_shown_part_by_part() {
    let pty = watching();
    pty.type_text(r#"{"action":"big"}"#).press(&["Enter"]);
    wait_row(&pty, &["← text", " 1/4 "]);
    wait_row(&pty, &["← cont", " 2/4 "]);
    wait_row(&pty, &["← cont", " 3/4 "]);
    wait_row(&pty, &["← cont", "FIN", " 4/4 "]);
    quit(pty);
}

#[test]
fn a_message_of_40_000_bytes_goes_out_in_two_frames() {
    let pty = watching();
    let start = r#"{"action":"sendMessage","data":""#;
    let padding = "x".repeat(40_000 - start.len() - 2);
    pty.paste(&format!("{start}{padding}\"}}"));
    pty.wait_for("40,000 B → 2 frames").press(&["Enter"]);
    wait_row(&pty, &["→ text", "32768", " 1/2 "]);
    wait_row(&pty, &["→ cont", "FIN", "7232", " 2/2 "]);
    wait_row(&pty, &["← cont", "FIN", " 2/2 "]);
    quit(pty);
}

#[test]
fn what_a_terminal_would_obey_is_shown_and_never_sent_to_it() {
    let pty = watching();
    pty.paste("{\"x\":\"\u{1b}]0;pwned\u{7}\u{1b}[31m\u{9b}5n\"}");
    pty.wait_for("pwned").press(&["Enter"]);
    wait_row(&pty, &["→ text", "pwned"]);
    wait_row(&pty, &["← text", "pwned"]);
    let raw = String::from_utf8(pty.raw()).unwrap();
    assert!(!raw.contains("\u{1b}]"), "a string sequence");
    assert!(!raw.contains("\u{1b}[31m"), "a colour of somebody else");
    assert!(!raw.contains('\u{7}') && !raw.contains('\u{9b}'));
    quit(pty);
}

#[test]
fn what_was_sent_is_offered_in_the_next_session() {
    let home = {
        let pty = watching();
        pty.type_text("remember me").press(&["Enter"]);
        wait_row(&pty, &["→ text", "remember me"]);
        pty.into_home()
    };
    let pty = Terminal::at(home).stagewire(&["--local"]);
    pty.wait_for("chat").make_strict();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["l"]).wait_for("idle closes in");
    pty.press(&["Up"]).wait_for("remember me");
    quit(pty);
}

#[test]
fn a_message_can_be_written_in_the_editor() {
    let pty = Terminal::new()
        .env("EDITOR", "printf '{\"action\":\"tick\"}' >")
        .stagewire(&["--local"]);
    pty.wait_for("chat").make_strict();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["l"]).wait_for("idle closes in");
    pty.press(&["C-e"]).wait_for(r#"{"action":"tick"}"#);
    quit(pty);
}

#[test]
fn a_copy_goes_to_the_terminal_in_one_sequence() {
    let pty = console();
    pty.press(&["Enter"]).wait_for("Invoke URL");
    pty.press(&["y"]).wait_for("OSC 52");
    let raw = String::from_utf8(pty.raw()).unwrap();
    assert!(raw.contains("\u{1b}]52;c;"), "no clipboard sequence");
    quit(pty);
}

#[test]
fn a_second_console_has_a_gateway_of_its_own_and_says_so() {
    let first = Terminal::new().stagewire(&["--local"]);
    first.wait_for("chat");
    let mut second = Terminal::beside(&first).stagewire(&["--local"]);
    second.wait_for("in memory").wait_for("chat");
    second.press(&["C-c"]);
    second.wait_exit();
    quit(first);
}
