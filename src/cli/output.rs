//! The only place that prints: answers to stdout, everything else to stderr.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::exit::{Exit, Stop};
use crate::model::{Failure, FailureKind, text};

/// The printing of a verb's words: the form of its answers, and whether it tells its progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// True when answers are JSON.
    pub(super) json: bool,
    quiet: bool,
}

impl Output {
    pub(super) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Says how far the job is, or a hint. Whoever asked for quiet does not hear it.
    pub(super) fn progress(self, line: &str) {
        if !self.quiet {
            say(line);
        }
    }

    /// True when progress goes to a terminal, where a line can be written over.
    pub(super) fn has_terminal(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Writes progress over the line that the cursor is on, as far as it fits, and leaves the cursor at its start.
    pub(super) fn overwrite(self, text: &str) {
        if self.quiet {
            return;
        }
        let mut stderr = io::stderr().lock();
        // A terminal that does not know its width says 0.
        let width = rustix::termios::tcgetwinsize(&stderr).map_or(0, |size| size.ws_col);
        let width = if width == 0 { 80 } else { width };
        let text = text::printable(text);
        // One column is left free: a full line would make some terminals begin the next one.
        let fitting: String = text
            .chars()
            .take(usize::from(width).saturating_sub(1))
            .collect();
        let written = write!(stderr, "\r{fitting}\x1b[K\r").and_then(|()| stderr.flush());
        // When stderr is gone there is nobody left to tell.
        let _unread = written.is_err();
    }
}

impl Output {
    /// Says what failed and why, on stderr, and as an object on stdout where answers are JSON.
    pub(super) fn failure(self, failure: &Failure) {
        self.failure_with(failure, &Map::new());
    }

    /// The same, with more members for the object.
    pub(super) fn failure_with(self, failure: &Failure, more: &Map<String, Value>) {
        for line in failure.to_string().lines() {
            say(line);
        }
        if failure.kind == FailureKind::Internal {
            say("  this is a bug in stagewire");
        }
        if self.json {
            // One line, because the answers before it may be lines. When stdout is gone stderr has said it.
            let _unread = json_line(&failure_json(failure, more)).is_err();
        }
    }
}

/// A failure as an object.
fn failure_json(failure: &Failure, more: &Map<String, Value>) -> Value {
    let error = json!({
        "Title": failure.title, "Causes": failure.causes, "Hint": failure.hint,
    });
    let mut object = Map::from_iter([("Error".to_owned(), error)]);
    object.extend(more.clone());
    Value::Object(object)
}

/// Prints an answer, which may be several lines, and a line end. It is on its way when this returns.
///
/// Characters that a terminal could obey are written out, whoever made the answer: names and URLs in it come from
/// elsewhere.
pub(super) fn answer(answer: &str) -> Result<(), Stop> {
    let mut bytes = Vec::with_capacity(answer.len() + 1);
    for line in answer.split('\n') {
        bytes.extend_from_slice(text::printable(line).as_bytes());
        bytes.push(b'\n');
    }
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(&bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| stop(&error))
}

/// Prints an answer as indented JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Stop> {
    answer(&to_json(serde_json::to_string_pretty(value))?)
}

/// Prints one of many answers as JSON in one line.
pub(super) fn json_line(value: &impl Serialize) -> Result<(), Stop> {
    answer(&to_json(serde_json::to_string(value))?)
}

/// Says something that a person should know even when quiet was asked for.
pub(super) fn warn(line: &str) {
    say(&format!("warning: {line}"));
}

/// The same of something that could not be done although the job goes on.
pub(super) fn warn_of(failure: &Failure) {
    let text = failure.to_string();
    let mut lines = text.lines();
    warn(lines.next().unwrap_or_default());
    lines.for_each(say);
}

/// True when a person types our input.
pub(super) fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// Shows lines and asks a question, to be answered with yes by whoever types our input.
pub(super) fn ask(lines: impl Iterator<Item = String>, question: &str) -> bool {
    lines.for_each(|line| say(&line));
    let question = text::printable(question);
    let mut stderr = io::stderr().lock();
    let is_asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    // Whoever is waited for may be told something meanwhile.
    drop(stderr);
    let mut answer = String::new();
    let is_answered = io::stdin().read_line(&mut answer);
    is_asked.and(is_answered).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// True when our input was put there for us to read: a pipe or a file, but neither a terminal nor the null device.
pub(super) fn is_piped() -> bool {
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let kind = input.and_then(|input| input.metadata());
    kind.is_ok_and(|kind| !kind.file_type().is_char_device())
}

/// Prints what clap has to say, where it belongs.
pub(super) fn usage(error: &clap::Error) -> Exit {
    // Help that nobody can read any more is no failure.
    let _unread = error.print().is_err();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}

/// Says one line; words from elsewhere in it are made safe.
fn say(line: &str) {
    let line = text::printable(line);
    // When stderr is gone there is nobody left to tell.
    let _unread = writeln!(io::stderr().lock(), "{line}").is_err();
}

fn stop(error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::Pipe;
    }
    Failure::new(FailureKind::User, "Cannot write the answer")
        .caused_by(error)
        .into()
}

fn to_json(text: Result<String, serde_json::Error>) -> Result<String, Stop> {
    text.map(text::printable_json).map_err(|error| {
        Failure::new(FailureKind::Internal, "Cannot write the answer as JSON")
            .caused_by(&error)
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys_and_means_the_same() {
        let value = serde_json::json!({ "text": "a\u{9b}31m\u{7f}\u{202e}é\u{1b}" });
        let text = to_json(serde_json::to_string_pretty(&value)).unwrap();
        assert_eq!(
            text,
            "{\n  \"text\": \"a\\u009b31m\\u007f\\u202eé\\u001b\"\n}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
