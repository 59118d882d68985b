//! A person's home for one test, with nothing of the real one in reach, and the built program run in it.
//!
//! Every child is known by its handle and killed when its handle goes. Everything waited for has a deadline.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::weather;

/// How long anything may take before the test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What a local gateway takes for a signed call.
const SIGNED: &str = "AWS4-HMAC-SHA256 \
     Credential=AKIDEXAMPLE/20250101/us-east-1/apigateway/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";

/// A home directory with its own settings and state.
pub(crate) struct Sandbox {
    home: TempDir,
}

/// What a program that ended left.
#[derive(Debug)]
pub(crate) struct Run {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

/// `stagewire gateway`, running.
pub(crate) struct Gateway {
    running: Running,
    /// Its URL, as it printed it.
    pub(crate) url: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self {
            home: tempfile::tempdir().unwrap(),
        };
        if weather::is_strict() {
            sandbox.configure("");
        }
        sandbox
    }

    /// Writes the settings: these, and what a client is told in this weather.
    pub(crate) fn configure(&self, settings: &str) {
        let text = format!("{settings}{}", weather_settings());
        self.write("config/stagewire/config.toml", &text);
    }

    /// A path in the home directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the home directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A named pipe in the home directory: its path, and the lines that come out of it until all who write are gone.
    pub(crate) fn pipe(&self, name: &str) -> (String, Receiver<String>) {
        let path = self.path(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let (sender, lines) = channel();
        let text = path.to_str().unwrap().to_owned();
        thread::spawn(move || {
            let pipe = std::fs::File::open(path).unwrap();
            for line in BufReader::new(pipe).lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        (text, lines)
    }

    /// The program, with an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.other(env!("CARGO_BIN_EXE_stagewire"));
        command.args(arguments);
        command
    }

    /// Another program, with the same environment.
    pub(crate) fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home: &Path = self.home.path();
        command
            .env_clear()
            .current_dir(home)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("TZ", "UTC")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(self.command(arguments))
    }

    /// Starts the program and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        Running::new(command)
    }

    /// Starts a local gateway on a free port, with an empty state in memory.
    pub(crate) fn gateway(&self) -> Gateway {
        self.gateway_with(&["--ephemeral", "--seed", "none"])
    }

    /// The same with other arguments. One that is not strict by them is so in strict weather.
    pub(crate) fn gateway_with(&self, arguments: &[&str]) -> Gateway {
        let mut all = vec!["gateway", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let flags = strict_flags();
        let is_told =
            |argument: &&str| argument.starts_with("--") && flags.iter().any(|it| it == argument);
        if !arguments.iter().any(is_told) {
            all.extend(flags.iter().map(String::as_str));
        }
        let running = self.start(&all);
        let url = running.line();
        Gateway { running, url }
    }

    /// The same, in a process whose files can be kept from growing, and whose log and stderr have no room at all.
    #[expect(
        clippy::disallowed_methods,
        reason = "the log's file has the date in its name"
    )]
    pub(crate) fn limited_gateway_with(&self, arguments: &[&str]) -> Gateway {
        let log = self.path("state/stagewire/log");
        std::fs::create_dir_all(&log).unwrap();
        let today = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        for day in [today, today.tomorrow().unwrap()] {
            let path = log.join(format!("stagewire.{day}.log"));
            std::os::unix::fs::symlink("/dev/full", path).unwrap();
        }
        let mut command = self.other("/bin/sh");
        // Without the trap, a write beyond the limit would be the end of it.
        let script = "trap '' XFSZ; exec \"$0\" \"$@\" 2>/dev/full";
        command
            .args(["-c", script])
            .arg(env!("CARGO_BIN_EXE_stagewire"))
            .args(["gateway", "--listen", "127.0.0.1:0"])
            .args(arguments);
        let running = Running::new(command);
        let url = running.line();
        Gateway { running, url }
    }

    /// Runs a verb against a local gateway.
    pub(crate) fn local(&self, gateway: &Gateway, arguments: &[&str]) -> Run {
        let mut all = vec!["--local", "--endpoint-url", &gateway.url];
        all.extend(arguments);
        self.run(&all)
    }
}

/// What the settings of a client say in this weather: where it is strict, that stages settle slowly and, for half of the
/// tests, what the account allows.
pub(crate) fn weather_settings() -> String {
    if !weather::is_strict() {
        return String::new();
    }
    let known = weather::limits().filter(|_| weather::is_known());
    let known = known.map(|(per_second, burst)| {
        format!("calls_per_second = {per_second:.1}\nburst = {burst:.1}\n")
    });
    format!("[aws]\nsettles = true\n{}", known.unwrap_or_default())
}

/// The flags of a gateway in this weather.
fn strict_flags() -> Vec<String> {
    let flags = format!(
        "--aws-rates --latency 150ms --consistency 60s --time-scale {}",
        weather::TIME_SCALE
    );
    let flags = flags.split(' ').map(str::to_owned);
    flags.filter(|_| weather::is_strict()).collect()
}

/// Writes a state file as a gateway of a later version would.
pub(crate) fn later_store(path: &Path) {
    let database = redb::Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    let mut table = transaction.open_table(meta).unwrap();
    table.insert("schema", 99).unwrap();
    drop(table);
    transaction.commit().unwrap();
}

/// The version that a state file names.
pub(crate) fn store_version(path: &Path) -> u64 {
    use redb::ReadableDatabase;
    let database = redb::Database::open(path).unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    let table = database.begin_read().unwrap().open_table(meta).unwrap();
    table.get("schema").unwrap().unwrap().value()
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(mut command: Command) -> Run {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = whole(child.stdout.take().unwrap());
    let stderr = whole(child.stderr.take().unwrap());
    let Ok(stdout) = stdout.recv_timeout(DEADLINE) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{command:?} did not end");
    };
    let stderr = stderr.recv_timeout(DEADLINE).unwrap();
    let status = child.wait().unwrap();
    Run {
        code: status.code(),
        stdout,
        stderr,
    }
}

impl Run {
    /// The run, when it ended as told.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The run, when stderr holds all of these.
    #[track_caller]
    pub(crate) fn says(self, sentences: &[&str]) -> Self {
        for sentence in sentences {
            assert!(
                self.stderr.contains(sentence),
                "{sentence:?} is not in {self:#?}"
            );
        }
        self
    }

    /// Its answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl Running {
    /// Starts a command and goes on.
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = whole(child.stderr.take().unwrap());
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            stderr,
        }
    }

    /// Its next line on stdout.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!(
                "no line came ({error}); stderr: {:?}",
                self.stderr.recv_timeout(Duration::from_secs(1))
            ),
        }
    }

    /// The first of its next lines that holds the text.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Ends what it reads.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; gives what was left on stdout, and stderr.
    #[track_caller]
    pub(crate) fn end(mut self) -> Run {
        let mut left = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            left.push(line);
        }
        let stderr = self.stderr.recv_timeout(DEADLINE).unwrap();
        let status: ExitStatus = self.child.wait().unwrap();
        Run {
            code: status.code(),
            stdout: left.join("\n"),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ended = self.child.kill().is_err();
        let _waited = self.child.wait().is_ok();
    }
}

impl Gateway {
    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Lets no file that it writes get longer than this; none lifts the limit.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_child(&self.running.child);
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(pid), Resource::Fsize, limit).unwrap();
    }

    /// A control-plane call that must succeed.
    #[track_caller]
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (mut head, mut answer) = self.call(method, path, body);
        // Where calls are counted they take their time, so this is no rush.
        while weather::is_strict() && head.contains("TooManyRequestsException") {
            (head, answer) = self.call(method, path, body);
        }
        assert!(
            head.starts_with("HTTP/1.1 2"),
            "{method} {path}: {head} {answer}"
        );
        if answer.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&answer).unwrap()
        }
    }

    /// Lets time pass until any call is taken again, where calls are counted.
    #[track_caller]
    pub(crate) fn rest(&self) {
        if weather::is_strict() {
            for scale in [1_000_000, weather::TIME_SCALE] {
                let body = json!({ "timeScale": scale });
                self.control("PUT", "/_stagewire/time-scale", &body);
                // What came back meanwhile is counted at the next call.
                self.control("GET", "/v2/apis", &Value::Null);
            }
        }
    }

    /// A control-plane call; gives head and body of the answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> (String, String) {
        let mut stream = self.send(method, path, body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Sends a call like those of the control plane; its answer can be read from the stream.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> TcpStream {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {SIGNED}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.address(),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream
    }

    /// An API without routes; gives its id.
    pub(crate) fn api(&self, name: &str) -> String {
        let api = self.control(
            "POST",
            "/v2/apis",
            &json!({
                "name": name,
                "protocolType": "WEBSOCKET",
                "routeSelectionExpression": "$request.body.action",
            }),
        );
        api["apiId"].as_str().unwrap().to_owned()
    }

    /// An API whose `$default` route answers every message with this text; gives its id.
    pub(crate) fn answering_api(&self, name: &str, answer: &str) -> String {
        let api = self.api(name);
        let base = format!("/v2/apis/{api}");
        let integration = self.control(
            "POST",
            &format!("{base}/integrations"),
            &json!({
                "integrationType": "MOCK",
                "templateSelectionExpression": "200",
                "requestTemplates": { "200": "{\"statusCode\":200}" },
            }),
        );
        let integration = integration["integrationId"].as_str().unwrap();
        self.control(
            "POST",
            &format!("{base}/integrations/{integration}/integrationresponses"),
            &json!({
                "integrationResponseKey": "$default",
                "templateSelectionExpression": "200",
                "responseTemplates": { "200": answer },
            }),
        );
        let route = self.control(
            "POST",
            &format!("{base}/routes"),
            &json!({
                "routeKey": "$default",
                "target": format!("integrations/{integration}"),
                "routeResponseSelectionExpression": "$default",
            }),
        );
        let route = route["routeId"].as_str().unwrap();
        self.control(
            "POST",
            &format!("{base}/routes/{route}/routeresponses"),
            &json!({ "routeResponseKey": "$default" }),
        );
        api
    }

    /// Asks it to stop, as Ctrl-C does, and waits for its end.
    #[track_caller]
    pub(crate) fn stop(self) -> Run {
        self.running.signal(Signal::INT);
        self.running.end()
    }

    /// Ends it as a power cut would.
    #[track_caller]
    pub(crate) fn kill(self) -> Run {
        self.running.signal(Signal::KILL);
        self.running.end()
    }
}

fn whole(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let text = match stream.read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(cannot be read: {error})"),
        };
        // A test that failed meanwhile reads no more.
        let _unread = sender.send(text).is_err();
    });
    receiver
}
