//! A program in a real terminal: a pseudo terminal whose other end is a screen model.
//!
//! Output is drained on a thread of its own, which also answers status requests as terminals do. A test waits for what
//! the current screen shows, with a deadline, and never for a span of time; what it waited for in vain is printed with
//! the screen. The child is killed when the terminal goes.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{sandbox::weather_settings, weather};

/// How long anything may take before the test has failed.
const DEADLINE: Duration = Duration::from_secs(30);

/// A terminal that is not open yet.
pub(crate) struct Terminal {
    size: (u16, u16),
    environment: Vec<(String, String)>,
    home: Arc<TempDir>,
    answers: bool,
}

/// A terminal with a program in it.
pub(crate) struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    /// Gone with the terminal, and not before.
    home: Arc<TempDir>,
}

struct Shared {
    output: Mutex<Output>,
    changed: Condvar,
}

struct Output {
    parser: vt100::Parser<Asked>,
    raw: Vec<u8>,
    /// The other end is closed and everything is here.
    ended: bool,
    /// The reader shall give its end up at the next chance.
    hang_up: bool,
}

/// Counts the status requests that the screen model saw.
#[derive(Default)]
struct Asked {
    n_requests: usize,
}

impl vt100::Callbacks for Asked {
    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        _: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        last: char,
    ) {
        if last == 'n' && parameters == [&[5]] {
            self.n_requests += 1;
        }
    }
}

impl Terminal {
    /// A terminal of 100 columns and 30 rows as people have them today, with a home directory of its own in which the
    /// local gateway takes any free port.
    pub(crate) fn new() -> Self {
        Self::at(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// A second terminal of the same person.
    pub(crate) fn beside(other: &Pty) -> Self {
        Self::at(Arc::clone(&other.home))
    }

    /// A terminal of the person whose home this is.
    pub(crate) fn at(home: Arc<TempDir>) -> Self {
        let weather = weather_settings();
        let terminal = Self {
            size: (100, 30),
            environment: Vec::new(),
            home,
            answers: true,
        };
        terminal
            .settings(&format!("[gateway]\nlisten = \"127.0.0.1:0\"\n{weather}"))
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Another size.
    #[must_use]
    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Other settings than the usual.
    #[must_use]
    pub(crate) fn settings(self, text: &str) -> Self {
        let dir = self.home.path().join("config/stagewire");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("config.toml"), text).unwrap();
        self
    }

    /// A terminal that does not answer status requests.
    #[must_use]
    pub(crate) fn without_answers(mut self) -> Self {
        self.answers = false;
        self
    }

    /// The directory that is its person's home.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Opens the terminal and starts stagewire in it.
    pub(crate) fn stagewire(self, arguments: &[&str]) -> Pty {
        self.start(env!("CARGO_BIN_EXE_stagewire"), arguments)
    }

    /// Opens the terminal and starts a program in it; `$STAGEWIRE` names the program under test.
    pub(crate) fn start(self, program: &str, arguments: &[&str]) -> Pty {
        let (columns, rows) = self.size;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        let home = self.home.path().to_owned();
        command.cwd(&home);
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", &home);
        command.env("XDG_CONFIG_HOME", home.join("config"));
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("STAGEWIRE", env!("CARGO_BIN_EXE_stagewire"));
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let output = pair.master.try_clone_reader().unwrap();
        let keyboard = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let shared = Arc::new(Shared {
            output: Mutex::new(Output {
                parser: vt100::Parser::new_with_callbacks(
                    rows.try_into().unwrap(),
                    columns.try_into().unwrap(),
                    0,
                    Asked::default(),
                ),
                raw: Vec::new(),
                ended: false,
                hang_up: false,
            }),
            changed: Condvar::new(),
        });
        let answering = self.answers.then(|| Arc::clone(&keyboard));
        let draining = Arc::clone(&shared);
        let reader = std::thread::spawn(move || drain(output, &draining, answering.as_ref()));
        Pty {
            child,
            master: Some(pair.master),
            keyboard,
            shared,
            reader: Some(reader),
            home: self.home,
        }
    }
}

type Keyboard = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

fn drain(mut output: Box<dyn Read + Send>, shared: &Shared, answering: Option<&Keyboard>) {
    let mut bytes = [0u8; 4096];
    loop {
        let n_bytes = output.read(&mut bytes).unwrap_or(0);
        let mut state = lock(&shared.output);
        if n_bytes == 0 || state.hang_up {
            state.ended = true;
            shared.changed.notify_all();
            return;
        }
        state.raw.extend_from_slice(&bytes[..n_bytes]);
        state.parser.process(&bytes[..n_bytes]);
        let n_requests = std::mem::take(&mut state.parser.callbacks_mut().n_requests);
        drop(state);
        shared.changed.notify_all();
        if let Some(keyboard) = answering
            && let Some(keyboard) = lock(keyboard).as_mut()
        {
            for _ in 0..n_requests {
                // The program may be gone before it hears the answer.
                drop(keyboard.write_all(b"\x1b[0n"));
            }
        }
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pty {
    /// Waits until the screen shows the text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        self.wait_until(&format!("{text:?} on the screen"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> &Self {
        self.wait_within(DEADLINE, what, wanted)
    }

    /// The same for what may take another time.
    #[track_caller]
    pub(crate) fn wait_within(
        &self,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> &Self {
        let output = lock(&self.shared.output);
        let (output, timeout) = self
            .shared
            .changed
            .wait_timeout_while(output, limit, |output| {
                !wanted(output.parser.screen()) && !output.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        if !wanted(output.parser.screen()) {
            let why = if timeout.timed_out() {
                "in time"
            } else {
                "before the end"
            };
            let screen = output.parser.screen().contents();
            drop(output);
            panic!("waited in vain for {what} {why}; the screen:\n{screen}");
        }
        self
    }

    /// Makes the local gateway in the program, whose address the screen shows, as strict as the weather is.
    #[track_caller]
    pub(crate) fn make_strict(&self) -> &Self {
        if weather::is_strict() {
            let scale = format!(r#"{{ "timeScale": {} }}"#, weather::TIME_SCALE);
            self.tell_gateway("time-scale", &scale);
            self.tell_gateway(
                "strictness",
                r#"{ "awsRates": true, "latencyInMillis": 150, "consistencyInMillis": 60000 }"#,
            );
        }
        self
    }

    #[track_caller]
    fn tell_gateway(&self, path: &str, body: &str) {
        let address = |text: &str| {
            let (_, behind) = text.split_once(" 127.0.0.1:")?;
            let port: String = behind.chars().take_while(char::is_ascii_digit).collect();
            Some(format!("127.0.0.1:{port}"))
        };
        self.wait_until("an address", |screen| address(&screen.contents()).is_some());
        let address = address(&self.text()).unwrap();
        let mut stream = TcpStream::connect(&address).unwrap();
        let call = format!(
            "PUT /_stagewire/{path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(call.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// True when not a single byte comes for this long. Any byte ends the wait at once.
    pub(crate) fn is_silent_for(&self, span: Duration) -> bool {
        let output = lock(&self.shared.output);
        let n_bytes = output.raw.len();
        let (output, _) = self
            .shared
            .changed
            .wait_timeout_while(output, span, |output| {
                output.raw.len() == n_bytes && !output.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        output.raw.len() == n_bytes && !output.ended
    }

    /// Presses keys: a name such as `Enter`, `Esc`, `Up`, `C-z`, or a character.
    pub(crate) fn press(&self, keys: &[&str]) -> &Self {
        for key in keys {
            self.write(&key_bytes(key));
        }
        self
    }

    /// Types text, a character at a time as far as the program can tell.
    pub(crate) fn type_text(&self, text: &str) -> &Self {
        self.write(text.as_bytes());
        self
    }

    /// Pastes text, marked as terminals do.
    pub(crate) fn paste(&self, text: &str) -> &Self {
        self.write(format!("\x1b[200~{text}\x1b[201~").as_bytes());
        self
    }

    fn write(&self, bytes: &[u8]) {
        let mut keyboard = lock(&self.keyboard);
        let keyboard = keyboard.as_mut().expect("the terminal is open");
        keyboard.write_all(bytes).unwrap();
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) -> &Self {
        lock(&self.shared.output)
            .parser
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        let master = self.master.as_ref().expect("the terminal is open");
        master.resize(size(columns, rows)).unwrap();
        self
    }

    /// The screen's text.
    pub(crate) fn text(&self) -> String {
        lock(&self.shared.output).parser.screen().contents()
    }

    /// The screen as it is.
    pub(crate) fn screen(&self) -> vt100::Screen {
        lock(&self.shared.output).parser.screen().clone()
    }

    /// All bytes so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        lock(&self.shared.output).raw.clone()
    }

    /// Closes the terminal, which ends the program, and keeps the home.
    pub(crate) fn into_home(self) -> Arc<TempDir> {
        Arc::clone(&self.home)
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) -> &Self {
        kill_process(self.pid(), signal).unwrap();
        self
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("the program runs");
        Pid::from_raw(pid.try_into().unwrap()).unwrap()
    }

    /// CPU time that the program has used, in ticks of the system's clock.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        let stat = std::fs::read_to_string(path).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Waits until the program has ended and everything it wrote is on the screen; its exit code.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> u32 {
        self.wait_ended();
        self.child.wait().unwrap().exit_code()
    }

    #[track_caller]
    fn wait_ended(&self) {
        let output = lock(&self.shared.output);
        let (output, _) = self
            .shared
            .changed
            .wait_timeout_while(output, DEADLINE, |output| !output.ended)
            .unwrap_or_else(PoisonError::into_inner);
        if !output.ended {
            let screen = output.parser.screen().contents();
            drop(output);
            panic!("the program did not end in time; the screen:\n{screen}");
        }
    }

    /// Takes the terminal away as a closed window does, and waits for the program's end; false if it lives on after this
    /// long.
    pub(crate) fn vanish(&mut self, patience: Duration) -> bool {
        lock(&self.shared.output).hang_up = true;
        // A redraw wakes the reader, which then lets go of its end.
        let master = self.master.take().expect("the terminal is open");
        let before = master.get_size().unwrap();
        master.resize(size(before.cols - 1, before.rows)).unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        lock(&self.keyboard).take();
        drop(master);
        let (told, telling) = std::sync::mpsc::channel();
        let pid = self.pid();
        std::thread::spawn(move || {
            // Waits without reaping: that is the handle's matter.
            let options =
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
            let waited = rustix::process::waitid(rustix::process::WaitId::Pid(pid), options);
            // Nobody listens once the patience is over.
            let _: Result<(), _> = told.send(waited.is_ok());
        });
        telling.recv_timeout(patience).is_ok()
    }

    /// Asserts what a shell needs: the main screen, a cursor, pastes unmarked.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let screen = self.screen();
        let mut dirt = String::new();
        for (is_dirty, what) in [
            (screen.alternate_screen(), "the alternate screen"),
            (screen.hide_cursor(), "a hidden cursor"),
            (screen.bracketed_paste(), "marked pastes"),
            (
                screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
                "the mouse",
            ),
        ] {
            if is_dirty {
                write!(dirt, " {what}").unwrap();
            }
        }
        assert!(dirt.is_empty(), "left behind:{dirt}\n{}", screen.contents());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        lock(&self.keyboard).take();
        self.master = None;
    }
}

fn key_bytes(key: &str) -> Vec<u8> {
    let sequence = match key {
        "Enter" => "\r",
        "Esc" => "\x1b",
        "Tab" => "\t",
        "Backspace" => "\x7f",
        "Up" => "\x1b[A",
        "Down" => "\x1b[B",
        "Right" => "\x1b[C",
        "Left" => "\x1b[D",
        "Home" => "\x1b[H",
        "End" => "\x1b[F",
        "PageUp" => "\x1b[5~",
        "PageDown" => "\x1b[6~",
        other => match other.strip_prefix("C-").map(str::as_bytes) {
            Some(&[letter]) => return vec![letter.to_ascii_uppercase() & 0x1f],
            _ => other,
        },
    };
    sequence.as_bytes().to_vec()
}
