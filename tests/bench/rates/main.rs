//! What a person waits for at AWS's rates, from 150 ms away: `cargo bench --bench rates`. It takes some three minutes.
//!
//! The gateway takes calls as AWS does, 10 a second with a burst of 40, and answers each after 150 ms. The console runs in
//! a terminal, by half of those rates, on 30 APIs: 29 of 15 two-way routes, one of 100. A relay in between counts the calls.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark tells its figures, and stops where it cannot go on"
)]

#[expect(dead_code, reason = "a benchmark needs less of it than the tests do")]
#[path = "../../support/pty.rs"]
mod pty;
mod relay;
#[expect(dead_code, reason = "a benchmark needs less of it than the tests do")]
#[path = "../../support/sandbox.rs"]
mod sandbox;
#[path = "../../support/weather.rs"]
mod weather;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use self::{
    pty::{Pty, Terminal},
    relay::Relay,
};

/// What the console may make: calls at once, and calls a second.
const BURST: f64 = 20.0;
const RATE: f64 = 5.0;

/// How long one call takes.
const LATENCY: Duration = Duration::from_millis(150);

/// How long no call must come for the bucket to be full again.
const REST: Duration = Duration::from_secs(5);

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() {
    let world = World::start();
    println!("30 APIs at AWS's rates, {} ms away\n", LATENCY.as_millis());
    let home = first_start(&world);
    second_start(&world, home);
    from_the_command_line(&world);
}

/// A start on an account that nobody has read: the list, its rows, one API, a deploy in the middle of its reading.
fn first_start(world: &World) -> Arc<TempDir> {
    let begin = Instant::now();
    let pty = world.console(Terminal::new());
    tell(
        "list with names",
        since(begin, &pty, |text| text.contains("api-18")),
        LATENCY * 2,
    );
    let rows = since(begin, &pty, |text| {
        let rows = text.lines().filter(|line| line.contains("api-"));
        rows.filter(|line| line.contains("prod test")).count() >= 19
    });
    tell(
        "stages of the rows in view at 80x24",
        rows,
        Duration::from_secs(6),
    );
    assert!(!pty.text().contains("not readable"), "{}", pty.text());
    // Once the rest of the list is read too, the burst is there again.
    world.relay.rests(REST);
    pty.press(&["End"]);
    since(Instant::now(), &pty, |text| text.contains("▸ big"));
    let n_before = world.relay.n_calls();
    let open = Instant::now();
    pty.press(&["Enter"]);
    tell(
        "stages of the API of 100 routes usable",
        since(open, &pty, |text| text.contains("Invoke URL")),
        LATENCY * 3,
    );
    let drift = since(open, &pty, |text| {
        !text.contains(" parts, ") && text.contains("up to date")
    });
    let n_calls = world.relay.n_calls() - n_before;
    let bound = (number(n_calls) - BURST) / RATE * 1.1;
    tell(
        &format!("its drift known, {n_calls} calls"),
        drift,
        Duration::from_secs_f64(bound),
    );
    deploy_in_the_middle(world, &pty);
    println!(
        "{:<46} {:>8.1} calls above {BURST} + {RATE} t at worst",
        "calls in any window",
        world.relay.worst_excess(BURST, RATE)
    );
    pty.into_home()
}

/// A deploy while the draft is read again.
fn deploy_in_the_middle(world: &World, pty: &Pty) {
    pty.press(&["r"]);
    since(Instant::now(), pty, |text| text.contains(" of 2"));
    pty.press(&["Down", "d"]);
    since(Instant::now(), pty, |text| text.contains("goes unproved"));
    let deploy = Instant::now();
    pty.press(&["Enter"]);
    let took = since(deploy, pty, |text| text.contains("u undo"));
    let calls = world.relay.calls_since(deploy);
    let acts = calls.iter().filter(|line| !is_reading(line)).count();
    tell(
        &format!("a deploy in the middle of a reading, {acts} round trips"),
        took,
        LATENCY * 7,
    );
}

/// A call of a reading, not of a deploy.
fn is_reading(line: &str) -> bool {
    line.starts_with("GET") && !line.contains("/stages/") && !line.contains("/deployments/")
}

/// The next start of the same person: everything is there before any answer.
fn second_start(world: &World, home: Arc<TempDir>) {
    let begin = Instant::now();
    let pty = world.console(Terminal::at(home));
    let took = since(begin, &pty, |text| {
        let rows = text.lines().filter(|line| line.contains("api-"));
        rows.filter(|line| line.contains("prod test")).count() >= 19 && text.contains("as of")
    });
    tell("second start, rows with their age", took, LATENCY);
}

/// A deploy of the API of 100 routes without the screen, after a rest.
fn from_the_command_line(world: &World) {
    world.relay.rests(REST);
    let begin = Instant::now();
    world.run(&["deploy", "big", "--stage", "test", "--no-wait"]);
    tell(
        "deploy --no-wait",
        begin.elapsed(),
        Duration::from_millis(1_500),
    );
    world.relay.rests(REST);
    world.run(&["deploy", "big", "--stage", "test"]);
    let frozen = world.relay.last_call("POST", "/deployments").unwrap();
    let behind = frozen.elapsed();
    let calls = world.relay.calls_since(frozen);
    let n_calls = calls.iter().filter(|line| is_reading(line)).count();
    tell(
        &format!("deploy that waits, from its freeze, {n_calls} calls"),
        behind,
        Duration::from_secs_f64(number(n_calls) / RATE),
    );
}

/// The gateway, and the relay that counts.
struct World {
    gateway: Child,
    relay: Relay,
    _seed: TempDir,
}

impl World {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seed = dir.path().join("seed.json");
        std::fs::write(&seed, seed_file().to_string()).unwrap();
        let mut gateway = Command::new(env!("CARGO_BIN_EXE_stagewire"))
            .args([
                "gateway",
                "--listen",
                "127.0.0.1:0",
                "--ephemeral",
                "--aws-rates",
            ])
            .args(["--latency", "150ms", "--seed"])
            .arg(&seed)
            .env("XDG_STATE_HOME", dir.path())
            .env("XDG_CONFIG_HOME", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(gateway.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url.trim().trim_start_matches("http://").parse().unwrap();
        Self {
            gateway,
            relay: Relay::start(address),
            _seed: dir,
        }
    }

    fn arguments(&self) -> [String; 4] {
        let url = format!("http://{}", self.relay.address());
        [
            "--endpoint-url".to_owned(),
            url,
            "--calls-per-second".to_owned(),
            "10".to_owned(),
        ]
    }

    fn console(&self, terminal: Terminal) -> Pty {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        terminal.size(80, 24).stagewire(&arguments)
    }

    fn run(&self, verb: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_stagewire"))
            .args(self.arguments())
            .args(verb)
            .env("XDG_STATE_HOME", dir.path())
            .env("XDG_CONFIG_HOME", dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{verb:?} failed");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to stop.
        self.gateway.kill().ok();
        self.gateway.wait().ok();
    }
}

fn seed_file() -> Value {
    let apis = (0..29).map(|n| api(&format!("api-{n:02}"), 15));
    apis.chain([api("big", 100)]).collect()
}

/// An API whose routes all answer, and whose stages serve its draft.
fn api(name: &str, n_routes: usize) -> Value {
    let (mut integrations, mut routes) = (Map::new(), Map::new());
    for n in 0..n_routes {
        let integration = json!({
            "integrationType": "MOCK",
            "requestTemplates": { "$default": "{\"statusCode\":200}" },
            "responses": { "$default": { "responseTemplates": { "$default": "{}" } } },
        });
        integrations.insert(format!("i{n}"), integration);
        let route = json!({ "integration": format!("i{n}"), "twoWay": true });
        routes.insert(format!("r{n}"), route);
    }
    json!({
        "name": name,
        "routeSelectionExpression": "$request.body.action",
        "integrations": integrations,
        "routes": routes,
        "deployment": { "description": "first", "stages": ["prod", "test"] },
        "stages": { "prod": {}, "test": {} },
    })
}

/// How long after a moment the screen is as wanted.
fn since(begin: Instant, pty: &Pty, wanted: impl Fn(&str) -> bool) -> Duration {
    pty.wait_within(PATIENCE, "what is measured", |screen| {
        wanted(&screen.contents())
    });
    begin.elapsed()
}

fn tell(what: &str, took: Duration, bound: Duration) {
    let ratio = took.as_secs_f64() / bound.as_secs_f64();
    println!(
        "{what:<46} {:>8.2} s, {ratio:.2} of {:.2} s",
        took.as_secs_f64(),
        bound.as_secs_f64()
    );
}

fn number(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}
