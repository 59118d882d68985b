//! Access logs: a line for every handshake, message and disconnect of a stage that has a format for it.
//!
//! The lines are kept in memory, a bounded number for each stage, and are read through the gateway's own API. They go
//! nowhere else, not to the gateway's log either: a format may name an API key or what an authorizer said. A stage without
//! a format pays for none of it.
//!
//! SOURCE: developer guide, "Configure logging for a WebSocket API", the table of variables. GUESS:
//! that a handshake which is refused before any route is asked leaves no line, as on a custom domain without a mapping.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::StatusCode;

use crate::gateway::store::record::{Serving, StageRecord};

/// Lines that are kept of a stage.
const LINES: usize = 1000;
/// Bytes that are kept of a stage, whatever the number of lines.
const BYTES: usize = 256 * 1024;
/// Bytes of a line; the rest is cut off.
const LINE_BYTES: usize = 8 * 1024;
/// What begins a variable.
const VARIABLE: &str = "$context.";
/// What a variable prints that has no value. GUESS: as in the common log format.
const UNSET: &str = "-";

/// The format that a stage logs in, if it logs.
pub(crate) fn format(stage: &StageRecord) -> Option<&str> {
    stage.access_log_settings.as_ref()?.format.as_deref()
}

/// The last lines of every stage.
#[derive(Debug, Default)]
pub(crate) struct AccessLogs {
    /// By API and stage.
    stages: Mutex<HashMap<String, HashMap<String, Ring>>>,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<String>,
    bytes: usize,
}

/// What becomes of an event, on the way to its line.
#[derive(Debug)]
pub(super) struct Trace {
    logs: Arc<AccessLogs>,
    notes: Mutex<Vec<(&'static str, String)>>,
}

impl Trace {
    pub(super) fn new(logs: &Arc<AccessLogs>) -> Trace {
        Trace {
            logs: Arc::clone(logs),
            notes: Mutex::default(),
        }
    }

    /// Notes the value of a variable; the last word stands.
    pub(super) fn note(&self, name: &'static str, value: String) {
        self.lock().push((name, value));
    }

    /// Notes that the gateway itself refused or failed.
    pub(super) fn note_refusal(&self, status: StatusCode, message: Option<&str>) {
        self.note("status", status.as_u16().to_string());
        self.note("error.responseType", response_type(status).to_owned());
        if let Some(message) = message {
            self.note("error.message", message.to_owned());
            self.note("error.messageString", format!("\"{message}\""));
        }
    }

    /// Writes the line of an event whose `context` this is, in the format of its stage.
    pub(super) fn write(&self, serving: &Serving, context: impl Fn(&str) -> Option<String>) {
        let stage = &serving.stage;
        let Some(format) = format(stage) else {
            return;
        };
        let line = render(format, |name| self.value(name, &context));
        self.logs.add(&serving.api_id, &stage.stage_name, line);
    }

    fn value(&self, name: &str, context: impl Fn(&str) -> Option<String>) -> Option<String> {
        let notes = self.lock();
        let noted = notes.iter().rev().find(|(noted, _)| *noted == name);
        match noted {
            Some((_, value)) => Some(value.clone()),
            // GUESS: whatever nothing went wrong with.
            None if name == "status" => Some("200".to_owned()),
            None => context(name),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(&'static str, String)>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gateway response that REST APIs name for a status. GUESS: the same for WebSocket APIs.
fn response_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BAD_REQUEST_BODY",
        401 => "UNAUTHORIZED",
        403 => "ACCESS_DENIED",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        429 => "THROTTLED",
        504 => "INTEGRATION_TIMEOUT",
        _ => "INTEGRATION_FAILURE",
    }
}

/// Puts values in a format. What could break a line apart, or a terminal that shows it, becomes a space.
fn render(format: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut line = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once(VARIABLE) {
        line.push_str(before);
        let (name, after) = after.split_at(name_length(after));
        if name.is_empty() {
            line.push_str(VARIABLE);
        } else {
            let value = value(name).filter(|value| !value.is_empty());
            line.push_str(value.as_deref().unwrap_or(UNSET));
        }
        rest = after;
        if line.len() > LINE_BYTES {
            break;
        }
    }
    line.push_str(rest);
    line.truncate(line.floor_char_boundary(LINE_BYTES));
    if line.contains(char::is_control) {
        line = line.replace(char::is_control, " ");
    }
    line
}

/// How long the name of a variable is: words of letters, digits and `_`, with a dot between two.
fn name_length(text: &str) -> usize {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let end = text
        .find(|it| !is_word(it) && it != '.')
        .unwrap_or(text.len());
    let words = text[..end].trim_end_matches('.');
    // Two dots in a row end the name before them.
    words.find("..").unwrap_or(words.len())
}

impl AccessLogs {
    fn add(&self, api_id: &str, stage: &str, line: String) {
        let mut stages = self.lock();
        let stages = stages.entry(api_id.to_owned()).or_default();
        stages.entry(stage.to_owned()).or_default().add(line);
    }

    /// The lines of a stage, oldest first, each with its end.
    pub(crate) fn read(&self, api_id: &str, stage: &str) -> String {
        let stages = self.lock();
        let ring = stages.get(api_id).and_then(|stages| stages.get(stage));
        let lines = ring.into_iter().flat_map(|ring| &ring.lines);
        lines.flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Forgets the lines of a stage that is no more.
    pub(super) fn forget_stage(&self, api_id: &str, stage: &str) {
        if let Some(stages) = self.lock().get_mut(api_id) {
            stages.remove(stage);
        }
    }

    /// Forgets the lines of an API that is no more.
    pub(super) fn forget_api(&self, api_id: &str) {
        self.lock().remove(api_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, Ring>>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn add(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    #[track_caller]
    fn check(format: &str, expected: &str) {
        let value = |name: &str| match name {
            "requestId" => Some("R=".to_owned()),
            "identity.sourceIp" => Some("192.0.2.7".to_owned()),
            "empty" => Some(String::new()),
            "evil" => Some("a\r\n\u{1b}[2J".to_owned()),
            _ => None,
        };
        assert_eq!(render(format, value), expected, "{format}");
    }

    #[test]
    fn formats_take_their_variables() {
        check(
            "$context.identity.sourceIp - [$context.requestId]",
            "192.0.2.7 - [R=]",
        );
        check(
            r#"{"id":"$context.requestId","x":"$context.unknown"}"#,
            r#"{"id":"R=","x":"-"}"#,
        );
        check("$context.requestId.", "R=.");
        check("$context.requestId-$context.empty", "R=--");
        check(
            "$context.requestId..x $context. $context",
            "R=..x $context. $context",
        );
        check("a\tb\n$context.evil", "a b a   [2J");
        check("", "");
        check("é$context.requestIdé", "éR=é");
    }

    #[test]
    fn lines_and_rings_are_bounded() {
        let long = render(&"$context.x".repeat(1000), |_| Some("é".repeat(500)));
        assert!((LINE_BYTES - 1..=LINE_BYTES).contains(&long.len()));
        let logs = AccessLogs::default();
        for idx in 0..LINES + 5 {
            logs.add("a1", "prod", idx.to_string());
        }
        let kept = logs.read("a1", "prod");
        assert_eq!(kept.lines().count(), LINES);
        assert!(kept.starts_with("5\n") && kept.ends_with("1004\n"));
        for _ in 0..100 {
            logs.add("a1", "prod", "x".repeat(LINE_BYTES));
        }
        assert!(logs.read("a1", "prod").len() <= BYTES + LINES);
        assert_eq!(logs.read("a1", "test"), "");
        logs.forget_stage("a1", "prod");
        assert_eq!(logs.read("a1", "prod"), "");
    }

    #[test]
    fn an_event_leaves_its_line_however_it_ends() {
        let logs = Arc::new(AccessLogs::default());
        drop(fixture::message_event("{}").logged(&logs));
        assert_eq!(logs.read("a1", "prod"), "", "a stage without a format");
        let format = "$context.eventType $context.status $context.error.messageString";
        let logging = || {
            let mut event = fixture::message_event("{}");
            let mut serving = event.serving.as_ref().clone();
            serving.stage.access_log_settings = Some(fixture::access_log(format));
            event.serving = Arc::new(serving);
            event.logged(&logs)
        };
        drop(logging());
        logging().refused(StatusCode::FORBIDDEN, Some("Forbidden"));
        assert_eq!(
            logs.read("a1", "prod"),
            "MESSAGE 200 -\nMESSAGE 403 \"Forbidden\"\n"
        );
    }
}
