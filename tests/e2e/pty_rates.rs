//! An ordinary account with AWS's rates, which others use too: a newcomer lists, opens, deploys, watches and undoes, and
//! nobody beside is refused.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    pty::{Pty, Terminal},
    sandbox::{Gateway, Sandbox},
};

/// How many times faster than on AWS time passes.
const TIME_SCALE: u32 = 10;

/// How long the whole walk may take: reading the draft in full three times over takes 12 s.
const WALK: Duration = Duration::from_mins(1);

/// An API whose stage `test` serves so many two-way routes, each with an integration of its own.
fn api(name: &str, n_routes: usize) -> Value {
    let (mut routes, mut integrations) = (Map::new(), Map::new());
    for idx in 0..n_routes {
        let key = format!("say{idx:03}");
        let answers = json!({
            "integrationType": "MOCK",
            "templateSelectionExpression": "200",
            "requestTemplates": { "200": "{\"statusCode\":200}" },
            "responses": { "$default": {
                "templateSelectionExpression": "200",
                "responseTemplates": { "200": format!("said {idx}") },
            } },
        });
        integrations.insert(key.clone(), answers);
        let route = json!({ "integration": key, "twoWay": true });
        routes.insert(key, route);
    }
    json!({
        "name": name,
        "routeSelectionExpression": "$request.body.action",
        "integrations": integrations,
        "routes": routes,
        "stages": { "test": {} },
        "deployment": { "description": "first", "stages": ["test"] },
    })
}

/// A gateway that is as strict as AWS, with thirty APIs: `a-big` and others.
fn account(sandbox: &Sandbox) -> Gateway {
    let others = (1..30).map(|idx| api(&format!("other{idx:02}"), 15));
    let apis: Vec<Value> = [api("a-big", 100)].into_iter().chain(others).collect();
    sandbox.write("apis.json", &Value::from(apis).to_string());
    let scale = TIME_SCALE.to_string();
    sandbox.gateway_with(&[
        "--ephemeral",
        "--aws-rates",
        "--latency",
        "150ms",
        "--time-scale",
        &scale,
        "--seed",
        "apis.json",
    ])
}

/// Somebody else in the same account, who lists its APIs five times a second.
struct Neighbour {
    stop: Sender<()>,
    calls: JoinHandle<(usize, usize)>,
}

impl Neighbour {
    fn of(gateway: Gateway) -> Self {
        let (stop, stopped) = channel();
        let period = Duration::from_secs(1) / (5 * TIME_SCALE);
        let calls = thread::spawn(move || {
            let (mut n_calls, mut n_refused) = (0, 0);
            let mut next = Instant::now();
            loop {
                // A call that took long is not made up for by others that come the sooner.
                let pause = next.saturating_duration_since(Instant::now());
                next = Instant::now() + pause + period;
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return (n_calls, n_refused);
                }
                let (head, _) = gateway.call("GET", "/v2/apis?maxResults=1", &Value::Null);
                n_calls += 1;
                n_refused += usize::from(head.starts_with("HTTP/1.1 429"));
            }
        });
        Self { stop, calls }
    }

    /// Stops; gives the number of calls, and how many of them were refused.
    fn stop(self) -> (usize, usize) {
        self.stop.send(()).unwrap();
        self.calls.join().unwrap()
    }
}

/// Waits until so many rows of the screen hold all of these.
#[track_caller]
fn wait_rows(pty: &Pty, n_rows: usize, parts: &[&str]) {
    pty.wait_until(&format!("{n_rows} rows with {parts:?}"), |screen| {
        let (_, columns) = screen.size();
        let found = screen
            .rows(0, columns.get())
            .filter(|row| parts.iter().all(|part| row.contains(part)));
        found.count() >= n_rows
    });
    let text = pty.text();
    assert!(!text.contains("not readable"), "{text}");
}

#[test]
fn a_newcomer_lists_opens_deploys_watches_and_undoes_and_nobody_beside_is_refused() {
    let sandbox = Sandbox::new();
    let gateway = account(&sandbox);
    let url = gateway.url.clone();
    let neighbour = Neighbour::of(gateway);
    let began = Instant::now();
    // Settings, because the flag for the pace takes four seconds of calls for the burst, which does not grow with the scale.
    let settings = format!(
        "[aws]\ncalls_per_second = {}\nburst = 40\n",
        10 * TIME_SCALE
    );
    let mut pty = Terminal::new()
        .size(120, 45)
        .settings(&settings)
        .stagewire(&["--endpoint-url", &url, "--region", "us-east-1"]);
    wait_rows(&pty, 30, &["test"]);

    pty.press(&["Enter"]).wait_for("Invoke URL");
    wait_rows(&pty, 1, &["Draft", "up to date"]);

    pty.press(&["d"]).wait_for("update-stage");
    pty.press(&["Enter"]);
    wait_rows(&pty, 1, &["test: ", "u undo"]);

    pty.press(&["l"]).wait_for("open");
    pty.type_text(r#"{"action":"say042"}"#).press(&["Enter"]);
    wait_rows(&pty, 1, &["← text", "said 42"]);

    pty.press(&["Esc"]).wait_for("Invoke URL");
    pty.press(&["u"]);
    wait_rows(&pty, 1, &["test serves ", " again"]);

    pty.press(&["C-c"]);
    assert_eq!(pty.wait_exit(), 0);
    assert!(began.elapsed() < WALK, "{:?}", began.elapsed());
    let (n_calls, n_refused) = neighbour.stop();
    assert!(n_calls > 100, "{n_calls}");
    assert_eq!(n_refused, 0, "of {n_calls}");
}
