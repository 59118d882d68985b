//! What a terminal program owes the terminal: it leaves it as it found it, and costs nothing while nothing happens.

use std::time::Duration;

use rustix::process::Signal;

use crate::{
    pty::{Pty, Terminal},
    sandbox::{later_store, store_version},
};

/// A console on a local gateway, in a shell that says what it finds afterwards.
fn in_shell(terminal: Terminal) -> Pty {
    let script = "\"$STAGEWIRE\" --local; echo \"CODE $?\"; stty -a";
    terminal.start("/bin/sh", &["-c", script])
}

#[track_caller]
fn assert_usable_shell(pty: &Pty) {
    pty.assert_clean();
    let text = pty.text();
    for mode in ["echo", "icanon", "isig", "opost"] {
        let is_set = text.split_whitespace().any(|word| word == mode);
        assert!(is_set, "{mode} is not set:\n{text}");
    }
}

#[test]
fn quitting_leaves_a_usable_shell() {
    let mut pty = in_shell(Terminal::new());
    pty.wait_for("APIs").press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    assert!(pty.text().contains("CODE 0"), "{}", pty.text());
    assert_usable_shell(&pty);
}

#[test]
fn quitting_leaves_a_usable_shell_where_the_terminal_does_not_answer() {
    let mut pty = in_shell(Terminal::new().without_answers());
    pty.wait_for("APIs").press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    assert_usable_shell(&pty);
}

#[test]
fn no_answer_of_the_terminal_is_left_for_the_shell() {
    let script = "\"$STAGEWIRE\" --local; echo DONE; read -r line; echo \"GOT <$line>\"";
    let mut pty = Terminal::new().start("/bin/sh", &["-c", script]);
    pty.wait_for("APIs").press(&["C-c"]);
    pty.wait_for("DONE").type_text("hello\r");
    pty.wait_exit();
    assert!(pty.text().contains("GOT <hello>"), "{}", pty.text());
}

#[test]
fn signals_that_end_the_program_leave_the_terminal_clean() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut pty = Terminal::new().stagewire(&["--local"]);
        pty.wait_for("APIs").signal(signal);
        assert_eq!(pty.wait_exit(), 130, "{signal:?}");
        pty.assert_clean();
    }
}

#[test]
fn a_vanished_terminal_ends_the_program_within_a_second() {
    let mut pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("APIs");
    assert!(pty.vanish(Duration::from_secs(1)), "it lives on");
}

#[test]
fn ctrl_z_stops_the_whole_job_and_fg_brings_it_back() {
    let terminal = Terminal::new().env("PS1", "READY> ");
    // The shell itself must not mark pastes: that would be taken for ours.
    let settings = terminal.home().join(".inputrc");
    std::fs::write(settings, "set enable-bracketed-paste off\n").unwrap();
    let mut pty = terminal.start("/bin/bash", &["--norc", "--noprofile", "-i"]);
    // A program between the shell and us, as `cargo run` is.
    pty.wait_for("READY>")
        .type_text("sh -c '\"$STAGEWIRE\" --local; true'\r");
    pty.wait_until("the alternate screen", vt100::Screen::alternate_screen);
    pty.wait_for("APIs").press(&["C-z"]);
    pty.wait_for("Stopped");
    pty.assert_clean();
    pty.type_text("echo still $((40 + 2))\r")
        .wait_for("still 42");
    pty.type_text("fg\r");
    pty.wait_until("the alternate screen", vt100::Screen::alternate_screen);
    pty.wait_for("APIs").press(&["C-c"]);
    // What is typed before the prompt is there goes with the program's own leftover input.
    pty.wait_until("the prompt", |screen| {
        let text = screen.contents();
        !screen.alternate_screen() && text.trim_end().ends_with("READY>")
    });
    pty.type_text("exit\r");
    pty.wait_exit();
    pty.assert_clean();
}

#[test]
fn a_stop_where_nobody_could_wake_us_is_not_a_stop() {
    // The program leads its session: there is no shell to go back to.
    let mut pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("APIs").press(&["C-z"]);
    pty.wait_until("the main screen", |screen| !screen.alternate_screen());
    pty.wait_until("the alternate screen", vt100::Screen::alternate_screen);
    pty.wait_for("APIs").press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_clean();
}

#[test]
fn an_idle_screen_costs_no_bytes_and_no_cpu() {
    let pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("APIs");
    let quiet = Duration::from_millis(700);
    let settled = (0..20).any(|_| pty.is_silent_for(quiet));
    assert!(settled, "it never came to rest");
    let before = pty.cpu_ticks();
    assert!(pty.is_silent_for(2 * quiet), "bytes without a reason");
    let used = pty.cpu_ticks() - before;
    assert!(used <= 1, "{used} ticks");
}

#[test]
fn every_frame_is_one_synchronized_update() {
    let mut pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("APIs").press(&["?"]).wait_for("Esc");
    pty.press(&["C-c"]);
    pty.wait_exit();
    let raw = String::from_utf8(pty.raw()).unwrap();
    let (_, screen) = raw.split_once("\x1b[?2004h").unwrap();
    let (frames, _) = screen.split_once("\x1b[?2026l\x1b[m\x1b[?2004l").unwrap();
    let between = frames.split("\x1b[?2026h").map(|part| {
        let (_, after) = part.rsplit_once("\x1b[?2026l").unwrap_or(("", part));
        after.replace("\x1b[5n", "")
    });
    let stray: Vec<String> = between.filter(|bytes| !bytes.is_empty()).collect();
    assert!(stray.is_empty(), "outside of frames: {stray:?}");
}

#[test]
fn a_new_size_is_drawn_at_once() {
    let mut pty = Terminal::new().stagewire(&["--local"]);
    pty.wait_for("APIs").resize(80, 24);
    pty.wait_until("a footer in the last row of 24", |screen| {
        let rows: Vec<String> = screen.rows(0, 80).collect();
        rows.len() == 24 && rows[23].contains("quit")
    });
    pty.resize(120, 40)
        .wait_until("a footer in the last row of 40", |screen| {
            let rows: Vec<String> = screen.rows(0, 120).collect();
            rows.len() == 40 && rows[39].contains("quit")
        });
    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn what_is_no_terminal_is_refused_in_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stagewire"))
        .arg("--local")
        .env("XDG_CONFIG_HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("standard input is not a terminal"), "{told}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_terminal_that_can_do_nothing_is_refused_in_a_sentence() {
    let mut pty = Terminal::new().env("TERM", "dumb").stagewire(&["--local"]);
    assert_ne!(pty.wait_exit(), 0);
    assert!(pty.text().contains("dumb"), "{}", pty.text());
    assert!(!pty.raw().contains(&0x1b));
}

#[test]
fn a_port_that_is_taken_is_said_and_another_one_used() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let mut pty = Terminal::new()
        .settings(&format!("[gateway]\nlisten = \"{taken}\"\n"))
        .stagewire(&["--local"]);
    pty.wait_for(&format!("{taken} is taken"));
    pty.wait_until("another address in the header", |screen| {
        let header = screen.rows(0, 100).next().unwrap_or_default();
        header.contains("127.0.0.1:") && !header.contains(&taken.to_string())
    });
    pty.press(&["C-c"]);
    pty.wait_exit();
}

#[test]
fn a_terminal_that_is_too_small_is_told_what_is_needed_and_works_once_it_grows() {
    let mut pty = Terminal::new().size(50, 10).stagewire(&["--local"]);
    pty.wait_for("50x10 is too small: stagewire needs 60x15");
    pty.resize(60, 15).wait_for("chat").press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_clean();
}

/// What a console says whose own gateway has this store.
#[track_caller]
fn check_store(store: &std::path::Path, sentences: &[&str]) {
    let terminal = Terminal::new();
    let settings = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nstate = \"{}\"\n",
        store.display()
    );
    let mut pty = terminal.settings(&settings).stagewire(&["--local"]);
    pty.wait_for("Cannot start the local gateway");
    for sentence in sentences {
        pty.wait_until(sentence, |screen| {
            let text = screen.contents();
            let words: Vec<&str> = text.split_whitespace().filter(|it| *it != "│").collect();
            words.join(" ").contains(sentence)
        });
    }
    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
}

const ANOTHER_STORE: &str = "name another file as state under [gateway] in the settings";

#[test]
fn a_store_that_is_none_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("letter.redb");
    let text = "this is a letter to my aunt\n".repeat(1000);
    std::fs::write(&store, &text).unwrap();
    check_store(&store, &["cannot be read", ANOTHER_STORE]);
    assert_eq!(std::fs::read_to_string(&store).unwrap(), text);
}

#[test]
fn a_store_of_a_later_version_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("later.redb");
    later_store(&store);
    check_store(&store, &["has schema version 99", ANOTHER_STORE]);
    assert_eq!(store_version(&store), 99);
}
