//! Access logs: a line for every handshake, message, disconnect and `@connections` call of a stage that has a format for
//! it.
//!
//! The lines are kept in memory, a bounded number for each stage and in all, and are read through the gateway's own
//! API. The lines go nowhere else, not to the gateway's log either: a format may name an API key or what an authorizer
//! said. A stage without a format pays for none of it.
//!
//! SOURCE: developer guide, "Configure logging for a WebSocket API", the table of variables. Of them `integrationStatus`
//! and all that begin with `integration.` have no value, as recorded on AWS, September 2026, with Lambda functions. GUESS:
//! nor have they with integrations of other types.

use std::{
    collections::{HashMap, VecDeque},
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::gateway_response::ResponseType;
use crate::gateway::store::record::{Serving, StageRecord};

/// Lines that are kept of a stage.
const LINES: usize = 1000;
/// Bytes that are kept of a stage, whatever the number of lines.
const BYTES: usize = 256 * 1024;
/// Bytes that are kept of all stages together.
const ALL_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that are left when there were too many, so that it takes a while until there are again.
const BYTES_LEFT: usize = ALL_BYTES / 8 * 7;
/// Bytes that a line takes beside its own.
const LINE_COST: usize = 64;
/// Bytes of a line; the rest is cut off.
const LINE_BYTES: usize = 8 * 1024;
/// The beginnings of a variable: plain, and in braces. GUESS: that AWS knows the second.
const PLAIN: &str = "$context.";
const BRACED: &str = "${context.";
/// The text for a variable that has no value. SOURCE: recorded on AWS, September 2026.
const UNSET: &str = "-";

/// The variables that tell of an attempt to learn something about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    status: &'static str,
    latency: &'static str,
    error: &'static str,
}

/// Learning from its signature who a client is.
pub(super) const AUTHENTICATE: Attempt = Attempt {
    status: "authenticate.status",
    latency: "authenticate.latency",
    error: "authenticate.error",
};
/// Judging by a policy whether it may do what it wants.
pub(super) const AUTHORIZE: Attempt = Attempt {
    status: "authorize.status",
    latency: "authorize.latency",
    error: "authorize.error",
};

/// Returns the format that a stage logs in, if it logs.
pub(crate) fn format(stage: &StageRecord) -> Option<&str> {
    stage.access_log_settings.as_ref()?.format.as_deref()
}

/// Returns a time as the common log format has it.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

/// The last lines of every stage.
#[derive(Debug, Default)]
pub(crate) struct AccessLogs {
    rings: Mutex<Rings>,
}

#[derive(Debug, Default)]
struct Rings {
    /// The rings by API and stage.
    stages: HashMap<String, HashMap<String, Ring>>,
    /// The bytes that all rings take.
    bytes: usize,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<String>,
    bytes: usize,
}

/// The notes about an event, from which its line is made.
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
    pub(super) fn note_refusal(
        &self,
        status: StatusCode,
        response: ResponseType,
        message: Option<&str>,
    ) {
        self.note("status", status.as_u16().to_string());
        self.note("error.responseType", response.name().to_owned());
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            self.note("error.message", message.to_owned());
            self.note("error.messageString", Value::from(message).to_string());
        }
    }

    /// Notes how an attempt went that took so long: well, or with this status and message.
    pub(super) fn note_attempt(
        &self,
        attempt: &Attempt,
        took: Duration,
        failed: Option<(StatusCode, &str)>,
    ) {
        let status = failed.map_or(StatusCode::OK, |(status, _)| status);
        self.note(attempt.status, status.as_u16().to_string());
        self.note(attempt.latency, took.as_millis().to_string());
        if let Some((_, message)) = failed {
            self.note(attempt.error, message.to_owned());
        }
    }

    /// Writes the line of an event whose `context` this is.
    pub(super) fn write(&self, serving: &Serving, context: impl Fn(&str) -> Option<String>) {
        self.logs.write(serving, |name| self.value(name, &context));
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

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'f> {
    Text(&'f str),
    /// A variable, by its name.
    Variable(&'f str),
}

/// Returns the names of the variables in a format, in order.
pub(crate) fn names(format: &str) -> impl Iterator<Item = &str> {
    parts(format).filter_map(|part| match part {
        Part::Variable(name) => Some(name),
        Part::Text(_) => None,
    })
}

/// Takes a format apart. A `$` that begins no variable begins a text.
fn parts(format: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = format;
    iter::from_fn(move || {
        let (part, behind) = if let Some((name, behind)) = variable(rest) {
            (Part::Variable(name), behind)
        } else {
            let next = rest.char_indices().skip(1).find(|(_, it)| *it == '$');
            let (text, behind) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
            (Part::Text(text), behind)
        };
        rest = behind;
        (part != Part::Text("")).then_some(part)
    })
}

/// Returns the name of the variable that a text begins with, and what is behind it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (named, end) = match text.strip_prefix(PLAIN) {
        Some(named) => (named, ""),
        None => (text.strip_prefix(BRACED)?, "}"),
    };
    let (name, behind) = named.split_at(name_length(named));
    let behind = behind.strip_prefix(end)?;
    (!name.is_empty()).then_some((name, behind))
}

/// Returns the length of a variable's name: words of letters, digits and `_`, with a dot or a hyphen between two. GUESS:
/// those at its end are text.
fn name_length(text: &str) -> usize {
    let byte = |at: usize| text.as_bytes().get(at).copied();
    let is_word = |at| byte(at).is_some_and(|it| it.is_ascii_alphanumeric() || it == b'_');
    let is_joint = |at| at > 0 && matches!(byte(at), Some(b'.' | b'-')) && is_word(at + 1);
    let end = (0..=text.len()).find(|at| !is_word(*at) && !is_joint(*at));
    end.unwrap_or(text.len())
}

/// Puts values in a format. What could break a line apart, or a terminal that shows it, becomes a space.
fn render(format: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut line = String::new();
    for part in parts(format) {
        if line.len() > LINE_BYTES {
            break;
        }
        match part {
            Part::Text(text) => line.push_str(text),
            Part::Variable(name) => {
                let value = value(name).filter(|value| !value.is_empty());
                line.push_str(value.as_deref().unwrap_or(UNSET));
            }
        }
    }
    line.truncate(line.floor_char_boundary(LINE_BYTES));
    if line.contains(char::is_control) {
        line = line.replace(char::is_control, " ");
    }
    line
}

impl AccessLogs {
    /// Writes the line of what happened on a stage, in the stage's format; nothing where it has none.
    pub(crate) fn write(&self, serving: &Serving, value: impl Fn(&str) -> Option<String>) {
        let stage = &serving.stage;
        if let Some(format) = format(stage) {
            let line = render(format, value);
            self.add(&serving.api_id, &stage.stage_name, line);
        }
    }

    fn add(&self, api_id: &str, stage: &str, line: String) {
        let mut rings = self.lock();
        let stages = rings.stages.entry(api_id.to_owned()).or_default();
        let ring = stages.entry(stage.to_owned()).or_default();
        let before = ring.bytes;
        ring.add(line);
        let after = ring.bytes;
        rings.bytes = rings.bytes - before + after;
        rings.shrink();
    }

    /// Returns the lines of a stage, oldest first, each with its end.
    pub(crate) fn read(&self, api_id: &str, stage: &str) -> String {
        let rings = self.lock();
        let stages = rings.stages.get(api_id);
        let ring = stages.and_then(|stages| stages.get(stage));
        let lines = ring.into_iter().flat_map(|ring| &ring.lines);
        lines.flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Forgets the lines of the stages that are no more.
    pub(super) fn keep(&self, is_there: impl Fn(&str, &str) -> bool) {
        let mut rings = self.lock();
        rings.stages.retain(|api_id, stages| {
            stages.retain(|stage, _| is_there(api_id, stage));
            !stages.is_empty()
        });
        rings.bytes = rings.each().map(|ring| ring.bytes).sum();
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn each(&mut self) -> impl Iterator<Item = &mut Ring> {
        self.stages.values_mut().flat_map(HashMap::values_mut)
    }

    /// Drops old lines if there are too many in all. The stage that has most loses half of them, over and over.
    fn shrink(&mut self) {
        if self.bytes <= ALL_BYTES {
            return;
        }
        while self.bytes > BYTES_LEFT {
            let Some(largest) = self.each().max_by_key(|ring| ring.bytes) else {
                return;
            };
            let before = largest.bytes;
            largest.shrink(usize::MAX, before / 2);
            let after = largest.bytes;
            self.bytes = self.bytes - before + after;
        }
    }
}

impl Ring {
    fn add(&mut self, line: String) {
        self.bytes += line.len() + LINE_COST;
        self.lines.push_back(line);
        self.shrink(LINES, BYTES);
    }

    /// Drops the oldest lines until there are at most so many, of at most so many bytes.
    fn shrink(&mut self, lines: usize, bytes: usize) {
        while self.lines.len() > lines || self.bytes > bytes {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.len() + LINE_COST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fixture, message::event::Event},
        *,
    };

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
        check("$context.requestId-- -$context.requestId", "R=-- -R=");
        check("$context.my-key", "-");
        check("${context.requestId}Id ${context.empty}", "R=Id -");
        check(
            "${context.requestId ${context.} ${context}",
            "${context.requestId ${context.} ${context}",
        );
        check(
            "$context.requestId..x $context. $context",
            "R=..x $context. $context",
        );
        check("a\tb\n$context.evil", "a b a   [2J");
        check("", "");
        check("é$context.requestIdé", "éR=é");
    }

    #[test]
    fn a_format_has_the_names_that_its_line_has_values_for() {
        let format =
            "$context.requestId-x ${context.a.b} $context.c. $context. ${context.d $$context.e";
        let found: Vec<&str> = names(format).collect();
        assert_eq!(found, ["requestId-x", "a.b", "c", "e"]);
        assert_eq!(
            render(format, |name| Some(format!("<{name}>"))),
            "<requestId-x> <a.b> <c>. $context. ${context.d $<e>"
        );
    }

    #[test]
    fn a_line_is_no_shorter_than_it_was_seen_to_be_on_aws() {
        let line = "x".repeat(1051);
        assert_eq!(render(&line, |_| None), line);
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
        logs.keep(|api_id, stage| (api_id, stage) != ("a1", "prod"));
        assert_eq!(logs.read("a1", "prod"), "");
    }

    #[test]
    fn all_stages_together_are_bounded_and_the_quiet_ones_keep_what_they_have() {
        let logs = AccessLogs::default();
        logs.add("quiet", "prod", "hello".to_owned());
        let names: Vec<String> = (0..200).map(|n| format!("a{n}")).collect();
        for _ in 0..BYTES / LINE_BYTES {
            for name in &names {
                logs.add(name, "prod", "x".repeat(LINE_BYTES));
                let rings = logs.lock();
                assert!(rings.bytes <= ALL_BYTES, "{}", rings.bytes);
            }
        }
        let mut rings = logs.lock();
        let counted: usize = rings.each().map(|ring| ring.bytes).sum();
        assert_eq!(rings.bytes, counted);
        assert!(counted >= BYTES_LEFT / 2, "{counted}");
        drop(rings);
        assert_eq!(logs.read("quiet", "prod"), "hello\n");
        assert_ne!(logs.read(&names[0], "prod"), "");
        logs.keep(|api_id, _| api_id == "quiet");
        assert_eq!(logs.lock().bytes, "hello".len() + LINE_COST);
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
        logging().refused(
            StatusCode::FORBIDDEN,
            ResponseType::AccessDenied,
            Some("Forbidden"),
        );
        logging().refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            ResponseType::AuthorizerFailure,
            Some(""),
        );
        assert_eq!(
            logs.read("a1", "prod"),
            "MESSAGE 200 -\nMESSAGE 403 \"Forbidden\"\nMESSAGE 500 -\n"
        );
    }

    #[test]
    fn the_documented_variables_have_values_where_there_is_something_to_know() {
        let line = |event: Event, name: &str| {
            let logs = Arc::new(AccessLogs::default());
            let mut serving = event.serving.as_ref().clone();
            let format = format!("$context.{name}");
            serving.stage.access_log_settings = Some(fixture::access_log(&format));
            let mut event = event;
            event.serving = Arc::new(serving);
            drop(event.logged(&logs));
            logs.read("a1", "prod").trim_end().to_owned()
        };
        let message = |name: &str| line(fixture::message_event("{}"), name);
        for (name, value) in [
            ("apiId", "a1"),
            ("domainName", "127.0.0.1:4566/a1"),
            ("eventType", "MESSAGE"),
            ("identity.sourceIp", "192.0.2.7"),
            ("identity.userAgent", "test/1"),
            ("routeKey", "$default"),
            ("stage", "prod"),
            ("status", "200"),
        ] {
            assert_eq!(message(name), value, "{name}");
        }
        for (name, length) in [
            ("connectionId", 20),
            ("extendedRequestId", 16),
            ("messageId", 20),
            ("requestId", 16),
        ] {
            assert_eq!(message(name).len(), length, "{name}");
        }
        for name in ["connectedAt", "requestTimeEpoch"] {
            assert_eq!(
                message(name).parse::<u64>().unwrap() / 1_000_000_000_000,
                1,
                "{name}"
            );
        }
        let time = message("requestTime");
        let form: String = time
            .chars()
            .map(|it| if it.is_ascii_digit() { '0' } else { it })
            .collect();
        assert!(
            form.starts_with("00/") && form.ends_with("/0000:00:00:00 +0000"),
            "{time}"
        );
        // What belongs to others, to other kinds of events, or to what went wrong.
        for name in [
            "authorize.status",
            "authorizer.principalId",
            "authenticate.status",
            "awsEndpointRequestId",
            "error.message",
            "error.responseType",
            "error.validationErrorString",
            "identity.apiKey",
            "identity.caller",
            "identity.cognitoIdentityId",
            "identity.principalOrgId",
            "integration.error",
            "integration.status",
            "integrationErrorMessage",
            "waf.status",
        ] {
            assert_eq!(message(name), "-", "{name}");
        }
        assert_eq!(line(fixture::connect_event("", &[]), "messageId"), "-");
        assert_eq!(
            line(fixture::connect_event("", &[]), "routeKey"),
            "$connect"
        );
        let disconnect = || fixture::disconnect_event(1001, "Going away");
        assert_eq!(line(disconnect(), "eventType"), "DISCONNECT");
    }
    proptest::proptest! {
        #[test]
        fn any_format_makes_one_short_line(format in "([$]context[.]|[a-z.]{0,4}|\\PC|\n){0,40}", value in ".{0,40}") {
            let line = render(&format, |_| Some(value.clone()));
            proptest::prop_assert!(line.len() <= LINE_BYTES && !line.contains(char::is_control));
            let unset = render(&format, |_| None);
            proptest::prop_assert!(unset.len() <= format.len());
        }
    }
}
