//! What somebody hears whose deploy was interrupted: what exists now, in every case.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    pty::{Pty, Terminal},
    sandbox::{Gateway, Running, Sandbox},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// The console gives itself less than a second after its terminal; the other one is for a machine that is busy. A deploy
/// that somebody sees is waited for five seconds.
const SOON: Duration = Duration::from_secs(2);

/// A way to a gateway on which one kind of call is held up.
struct Weir {
    url: String,
    held: Receiver<()>,
    gate: Gate,
}

impl Weir {
    /// Holds up calls whose first line begins like the first word of this and has the second in it.
    fn before(gateway: &Gateway, line: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, held) = channel();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let (behind, line) = (gateway.address().to_owned(), line.to_owned());
        let opened = Arc::clone(&gate);
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(&behind).unwrap();
                lead(client.unwrap(), server, &line, &tell, &opened);
            }
        });
        Self { url, held, gate }
    }

    /// Waits until a call is held up.
    #[track_caller]
    fn wait(&self) {
        self.held.recv_timeout(DEADLINE).expect("a call held up");
    }

    /// Lets it through, and all later ones.
    fn open(&self) {
        let (is_open, changed) = &*self.gate;
        *is_open.lock().unwrap() = true;
        changed.notify_all();
    }
}

type Gate = Arc<(Mutex<bool>, Condvar)>;

/// Passes both directions of a connection on, and holds up the calls that are to be held up.
fn lead(client: TcpStream, server: TcpStream, line: &str, tell: &Sender<()>, gate: &Gate) {
    let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || pass(from, to, |_| {}));
    let (line, tell, gate) = (line.to_owned(), tell.clone(), Arc::clone(gate));
    let hold = move |bytes: &[u8]| {
        let (method, path) = line.split_once(' ').unwrap_or((&line, ""));
        let first = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\r').next().unwrap());
        if first.starts_with(method) && first.contains(path) {
            hold_up(&tell, &gate);
        }
    };
    thread::spawn(move || pass(client, server, hold));
}

/// Tells that a call is here, and waits until the weir is open.
fn hold_up(tell: &Sender<()>, (is_open, changed): &(Mutex<bool>, Condvar)) {
    // A test that has seen enough waits for no more of them.
    let _: Result<(), _> = tell.send(());
    let is_open = is_open.lock().unwrap();
    drop(changed.wait_while(is_open, |is_open| !*is_open).unwrap());
}

/// Passes bytes on until either side is gone.
fn pass(mut from: TcpStream, mut to: TcpStream, first: impl Fn(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(n_bytes @ 1..) = from.read(&mut bytes) {
        first(&bytes[..n_bytes]);
        if to.write_all(&bytes[..n_bytes]).is_err() {
            return;
        }
    }
}

/// A gateway with API `chat`, whose stage `test` exists.
fn chat(sandbox: &Sandbox) -> Gateway {
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let arguments = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &arguments).expect(0);
    // A deployment that AWS does not take yet would be given up before it is made.
    gateway.rest();
    gateway
}

/// A deploy to `test` over the weir, all of whose words come on stdout.
fn deploy(sandbox: &Sandbox, weir: &Weir, more: &[&str]) -> Running {
    over(
        sandbox,
        weir,
        &[&["deploy", "chat", "--stage", "test"], more].concat(),
    )
}

/// A verb over the weir, all of whose words come on stdout.
fn over(sandbox: &Sandbox, weir: &Weir, arguments: &[&str]) -> Running {
    let program = sandbox.command(&[]);
    let environment = program
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .envs(environment)
        .current_dir(sandbox.path(""))
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(program.get_program())
        .args(["--endpoint-url", &weir.url])
        .args(arguments);
    Running::new(shell)
}

#[test]
fn a_signal_lets_the_step_end_and_touches_no_stage() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let sandbox = Sandbox::new();
        let gateway = chat(&sandbox);
        let weir = Weir::before(&gateway, "POST /v2/apis/");
        let deploy = deploy(&sandbox, &weir, &[]);
        weir.wait();
        deploy.signal(signal);
        deploy.line_with("interrupted: ending the step under way");
        weir.open();
        let ended = deploy.end().expect(130);
        for sentence in [
            "exists now; stage test does not serve it",
            "delete-deployment",
            "interrupted before it touched the stage",
        ] {
            assert!(ended.stdout.contains(sentence), "{signal:?}: {ended:#?}");
        }
    }
}

#[test]
fn an_interrupted_deploy_tells_a_script_what_remains() {
    for (held, kind, commands) in [
        ("GET /v2/apis", "Nothing", &[][..]),
        (
            "POST /v2/apis/",
            "Deployment",
            &["Look", "Finish", "CleanUp"],
        ),
    ] {
        let sandbox = Sandbox::new();
        let gateway = chat(&sandbox);
        let weir = Weir::before(&gateway, held);
        let deploy = deploy(&sandbox, &weir, &["--json"]);
        weir.wait();
        deploy.signal(Signal::TERM);
        deploy.line_with("interrupted");
        weir.open();
        let told = deploy.line_with("{\"Error\"");
        deploy.end().expect(130);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert!(told["Error"]["Title"].is_string(), "{told}");
        let remains = &told["Remains"];
        assert_eq!(remains["Kind"], kind, "{told}");
        for command in commands {
            let command = remains["Commands"][command].as_str().unwrap();
            assert!(command.starts_with("aws apigatewayv2 "), "{told}");
        }
        if kind == "Deployment" {
            assert_eq!(remains["IsServed"], false, "{told}");
            assert!(remains["DeploymentId"].is_string(), "{told}");
        }
    }
}

#[test]
fn a_second_signal_cuts_a_deploy_and_says_how_to_look() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let weir = Weir::before(&gateway, "PATCH /stages/");
    let deploy = deploy(&sandbox, &weir, &[]);
    weir.wait();
    deploy.signal(Signal::HUP);
    deploy.line_with("interrupted: ending the step under way");
    deploy.signal(Signal::HUP);
    let ended = deploy.end().expect(130);
    for sentence in [
        "was cut at update-stage: deployment ",
        "it is not known whether the stage serves it",
        "look with: aws apigatewayv2 get-stage --endpoint-url",
    ] {
        assert!(ended.stdout.contains(sentence), "{ended:#?}");
    }
    assert!(!ended.stdout.contains("delete-deployment"), "{ended:#?}");
}

/// Two APIs in a file. Creating the first takes four calls: itself, an integration, a route, a stage.
const TWO: &str = r#"[
  { "name": "first", "routeSelectionExpression": "$request.body.action",
    "integrations": { "nothing": { "integrationType": "MOCK" } },
    "routes": { "join": { "integration": "nothing" } },
    "stages": { "prod": {} } },
  { "name": "second", "routeSelectionExpression": "$request.body.action" }
]"#;

#[test]
fn a_signal_lets_the_call_of_an_apply_end_and_tells_what_is_done() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let sandbox = Sandbox::new();
        let gateway = sandbox.gateway();
        let weir = Weir::before(&gateway, "POST /v2/apis/");
        sandbox.write("two.json", TWO);
        let apply = over(&sandbox, &weir, &["apply", "two.json"]);
        weir.wait();
        apply.signal(signal);
        apply.line_with("interrupted: ending the call under way");
        weir.open();
        let ended = apply.end().expect(130);
        for sentence in [
            "Cannot apply \"first\" in full",
            "because: it was interrupted",
            "done: create-api, create-integration nothing",
            "not done: create-route join, create-stage prod",
            "not begun: API second",
            "applied again, the file goes on from there",
        ] {
            assert!(ended.stdout.contains(sentence), "{signal:?}: {ended:#?}");
        }
        let again = sandbox.local(&gateway, &["apply", "two.json"]).expect(0);
        let lines: Vec<&str> = again.stdout.lines().collect();
        assert!(lines[0].ends_with(", 2 calls made"), "{again:#?}");
        assert!(lines[1].ends_with(", 1 call made"), "{again:#?}");
    }
}

#[test]
fn a_signal_after_the_last_call_for_an_api_ends_an_apply_before_the_next() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    // What is read by its id is the API that has just been made.
    let weir = Weir::before(&gateway, "GET /v2/apis/");
    sandbox.write("two.json", TWO);
    let apply = over(&sandbox, &weir, &["apply", "two.json"]);
    weir.wait();
    apply.signal(Signal::INT);
    apply.line_with("interrupted: ending the call under way");
    weir.open();
    let ended = apply.end().expect(130);
    for sentence in [
        ", 4 calls made",
        "Cannot apply the file in full",
        "because: it was interrupted",
        "not begun: API second",
        "nothing more was changed",
    ] {
        assert!(ended.stdout.contains(sentence), "{ended:#?}");
    }
    let apis = sandbox.local(&gateway, &["apis", "--json"]).expect(0);
    assert_eq!(apis.json()["Items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_api_that_still_differs_does_not_keep_the_next_from_being_applied() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let weir = Weir::before(&gateway, "GET /v2/apis/");
    sandbox.write("two.json", TWO);
    let apply = over(&sandbox, &weir, &["apply", "two.json"]);
    weir.wait();
    // Somebody else is quicker than the reading back.
    let other = r#"{ "name": "first", "routeSelectionExpression": "$request.body.other" }"#;
    sandbox.write("other.json", other);
    sandbox.local(&gateway, &["apply", "other.json"]).expect(0);
    weir.open();
    let ended = apply.end().expect(1);
    let told = &ended.stdout;
    assert!(told.contains("the target still differs"), "{ended:#?}");
    let made = |line: &&str| line.ends_with(" made");
    let made: Vec<&str> = told.lines().filter(made).collect();
    assert!(made[0].starts_with("first: "), "{ended:#?}");
    assert!(made[1].starts_with("second: "), "{ended:#?}");
}

#[test]
fn a_second_signal_cuts_an_apply_and_says_what_nobody_knows() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let weir = Weir::before(&gateway, "POST /v2/apis/");
    sandbox.write("two.json", TWO);
    let apply = over(&sandbox, &weir, &["apply", "two.json", "--json"]);
    weir.wait();
    apply.signal(Signal::INT);
    apply.line_with("interrupted: ending the call under way");
    apply.signal(Signal::INT);
    let told = apply.line_with("{\"Error\"");
    apply.end().expect(130);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["Error"]["Causes"][0], "it was cut short");
    assert_eq!(told["Done"], json!(["create-api"]));
    assert_eq!(told["Unknown"], "create-integration nothing");
    assert_eq!(
        told["NotDone"],
        json!(["create-route join", "create-stage prod"])
    );
    assert_eq!(told["NotBegun"], json!(["second"]));
}

#[test]
fn an_apply_that_is_interrupted_early_changes_nothing_and_says_so() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let file = sandbox.write("two.json", TWO);
    let weir = Weir::before(&gateway, "GET /v2/apis");
    let apply = over(&sandbox, &weir, &["apply", "two.json", "--json"]);
    weir.wait();
    apply.signal(Signal::TERM);
    let told = apply.line_with("{\"Error\"");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["Error"]["Causes"][0],
        "interrupted before anything was changed"
    );
    assert_eq!(told["Done"], json!([]));
    apply.end().expect(130);

    // At the question too.
    let file = file.to_str().unwrap();
    let url = gateway.url.as_str();
    let arguments = ["--local", "--endpoint-url", url, "apply", file];
    let mut pty = Terminal::new().size(120, 30).stagewire(&arguments);
    pty.wait_for("[y/N]").press(&["C-c"]);
    pty.wait_for("nothing was changed");
    assert_eq!(pty.wait_exit(), 130);
    let apis = sandbox.local(&gateway, &["apis", "--json"]).expect(0);
    assert_eq!(apis.json()["Items"], json!([]));
}

#[test]
fn an_apply_that_waits_for_its_turns_says_how_long_and_ends_between_two_calls() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let routes = (0..40).map(|idx| (format!("r{idx:02}"), json!({ "integration": "nothing" })));
    let file = json!({
        "name": "many",
        "routeSelectionExpression": "$request.body.action",
        "integrations": { "nothing": { "integrationType": "MOCK" } },
        "routes": routes.collect::<serde_json::Map<_, _>>(),
    });
    sandbox.write("many.json", &file.to_string());
    let weir = Weir::before(&gateway, "nothing");
    let arguments = ["--calls-per-second", "8", "apply", "many.json"];
    let apply = over(&sandbox, &weir, &arguments);
    let told = apply.line_with(" of 42 calls, ");
    assert!(
        told.starts_with("done ") && told.ends_with(" s left"),
        "{told}"
    );
    apply.signal(Signal::INT);
    let ended = apply.end().expect(130);
    for sentence in [
        "warning: done: ",
        " calls (1 create-api, 1 create-integration, ",
        "warning: not done: ",
        "applied again, the file goes on from there",
    ] {
        assert!(ended.stdout.contains(sentence), "{ended:#?}");
    }
    assert!(!ended.stdout.contains("not known"), "{ended:#?}");
}

/// A console that deploys to `test` and is held up in the middle.
fn console(weir: &Weir) -> Pty {
    let pty = Terminal::new().stagewire(&["--endpoint-url", &weir.url, "--region", "us-east-1"]);
    pty.wait_for("chat").press(&["Enter"]);
    pty.wait_for("Stages").wait_for("test").press(&["d"]);
    pty.wait_for("update-stage").press(&["Enter"]);
    weir.wait();
    pty
}

#[test]
fn a_signal_waits_for_the_deploy_of_the_console_and_says_how_it_ended() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let weir = Weir::before(&gateway, "POST /v2/apis/");
    let mut pty = console(&weir);
    pty.signal(Signal::TERM);
    pty.wait_for("waiting a few seconds");
    weir.open();
    assert_eq!(pty.wait_exit(), 130);
    let text = pty.text();
    assert!(text.contains("Stage \"test\" serves "), "{text}");
    pty.assert_clean();
}

#[test]
fn leaving_a_deploy_takes_asking_twice() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let weir = Weir::before(&gateway, "POST /v2/apis/");
    let mut pty = console(&weir);
    pty.press(&["C-c"]).wait_for("^C again");
    pty.press(&["C-c"]).wait_for("waiting a few seconds");
    weir.open();
    assert_eq!(pty.wait_exit(), 0);
    let text = pty.text();
    assert!(text.contains("Stage \"test\" serves "), "{text}");
}

#[test]
fn a_terminal_that_vanishes_ends_the_wait_for_a_deploy() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let weir = Weir::before(&gateway, "POST /v2/apis/");
    let mut pty = console(&weir);
    pty.signal(Signal::TERM);
    pty.wait_for("waiting a few seconds");
    assert!(pty.vanish(SOON), "it lives on");
}

#[test]
fn a_vanished_terminal_leaves_the_account_of_a_deploy_in_the_log() {
    let sandbox = Sandbox::new();
    let gateway = chat(&sandbox);
    let weir = Weir::before(&gateway, "PATCH /stages/");
    let mut pty = console(&weir);
    assert!(pty.vanish(SOON), "it lives on");
    let home = pty.into_home();
    let logs = std::fs::read_dir(home.path().join("state/stagewire/log")).unwrap();
    let log: String = logs
        .map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap())
        .collect();
    assert!(
        log.contains("was cut at update-stage: deployment "),
        "{log}"
    );
}
