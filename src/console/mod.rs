//! The terminal shell: the event loop, the effect runner and the terminal guard.
//!
//! [`run`] shows the screen and returns with the terminal as it found it, whatever happened in between. Three threads
//! touch the terminal: one reads it, one writes to it, and the one that called draws; tasks do the rest on a runtime.

mod appearance;
mod canvas;
mod clipboard;
mod clock;
mod decode;
mod editor;
mod effects;
mod event_loop;
mod history;
mod host;
mod input;
mod keyring;
mod local;
mod pace;
mod seeded;
mod signals;
mod terminal;
mod writer;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use ratatui::Frame;
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    aws::Tuning,
    config::{Paths, Settings, env},
    gateway::LambdaOptions,
    model::{Failure, FailureKind, Target, target::LocalTarget},
    ui::{self, Effect, Message, Setup, State},
};

use effects::{Effects, Services};
use event_loop::{App, Ending, Event, EventLoop, Manner};
use host::TerminalHost;
use input::{Distance, InputThread};
pub(crate) use keyring::{
    handshake_signer, keyring, of_environment as environment_credential, unsigned,
};
use local::{LocalGateway, ReservedAddress};
pub(crate) use seeded::remember;
use terminal::{Modes, PanicHook, TerminalGuard};
use writer::Writer;

/// Returns the tuning of the control plane's calls by these settings.
pub(crate) fn tuning(settings: &Settings, paths: &Paths) -> Tuning {
    Tuning {
        limits: settings.calls,
        settles: settings.settles,
        budget_dir: Some(paths.budgets()),
        ..Tuning::default()
    }
}

/// Messages from elsewhere that may wait for the loop. Each may carry a batch of frames, so there are few.
const INBOX: usize = 64;

/// The most that a terminal behind ssh gets, in bytes a second. With the odd burst it stays under 64 KB a second.
const REMOTE_BUDGET: f64 = 56.0 * 1024.0;

/// The longest time that a terminal may take for the last bytes at the end.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// The same for one that is gone already.
const LOST_BYTES: Duration = Duration::from_millis(100);

/// The longest time that a job that changes the target may go on after the screen.
const LAST_JOBS: Duration = Duration::from_secs(5);

/// The same once the terminal is gone: the program must not outlive it by a second, whatever runs.
const LOST_JOBS: Duration = Duration::from_millis(500);

/// The longest time that links may take to close: a little more than one waits for a peer's answer.
const LAST_LINKS: Duration = Duration::from_millis(1200);

/// The longest time that the local gateway may take to let its clients go.
const LAST_CLIENTS: Duration = Duration::from_millis(500);

/// The same once the terminal is gone.
const LOST_CLIENTS: Duration = Duration::from_millis(150);

/// The longest time that tasks may take to end with the program.
const LAST_TASKS: Duration = Duration::from_millis(200);

/// Threads of the runtime: links and the local gateway share them.
const WORKERS: usize = 2;

/// The input of [`run`].
#[derive(Debug, Clone)]
pub struct Start {
    /// The settings in force.
    pub settings: Settings,
    /// The directories of the program's own files, which exist.
    pub paths: Paths,
    /// The target to begin with; none opens the target picker.
    pub target: Option<Target>,
    /// Start the local gateway inside the process and begin with it, whatever `target` says.
    pub local: bool,
    /// The options that say where the Lambda functions of the local gateway run.
    pub lambda: LambdaOptions,
}

/// The reason why the screen ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The person left it.
    Left,
    /// A signal ended it, or the terminal went away.
    Interrupted,
}

/// Shows the screen until the person or a signal ends it. The terminal is left as it was found in every case.
///
/// A job that changes the target at that moment goes on for a few seconds; `say` gets what there is to say of it, a
/// line each, when the terminal is left.
///
/// # Errors
/// Fails when this is no terminal that can show the screen, when it cannot be entered, and when a bug of ours ended it.
pub fn run(start: Start, say: impl Fn(&str)) -> Result<End, Failure> {
    terminal::check()?;
    let modes = Modes::new(terminal::synchronized());
    let (events, event_queue) = mpsc::unbounded_channel();
    let log_dir = start.paths.log_dir();
    let hook = {
        let (modes, events) = (modes.clone(), events.clone());
        PanicHook::install(move || modes.leave(), move |text| panicked(text, &events))
    };
    let shown = catch_unwind(AssertUnwindSafe(|| {
        let queue = EventQueue {
            events,
            waiting: event_queue,
        };
        show(start, &modes, queue, &say)
    }));
    modes.leave();
    drop(hook);
    let end = match shown {
        Ok(Ok(Ending::Wanted)) => Some(End::Left),
        Ok(Ok(Ending::Signalled | Ending::HungUp | Ending::TerminalLost)) => Some(End::Interrupted),
        Ok(Ok(Ending::Broken)) | Err(_) => None,
        Ok(Err(failure)) => return Err(failure),
    };
    end.ok_or_else(|| {
        Failure::new(FailureKind::Internal, "stagewire ended by a bug of its own")
            .hint(format!("the log in {} has the details", log_dir.display()))
    })
}

/// Tells the loop of a panic that is not the screen's own. Without the threads at the terminal nothing can go on.
fn panicked(text: String, events: &mpsc::UnboundedSender<Event>) {
    let is_terminal_thread = thread::current()
        .name()
        .is_some_and(|name| name.starts_with("terminal-"));
    let event = if is_terminal_thread {
        Event::Broken
    } else {
        Event::Panicked(text)
    };
    // After the end of the loop there is nobody to tell; the log has it.
    drop(events.send(event));
}

/// The way of events to the loop.
struct EventQueue {
    events: mpsc::UnboundedSender<Event>,
    waiting: mpsc::UnboundedReceiver<Event>,
}

fn show(
    start: Start,
    modes: &Modes,
    queue: EventQueue,
    say: &impl Fn(&str),
) -> Result<Ending, Failure> {
    // The address is taken before the first paint, which shows it; the gateway starts after.
    let reserved = start
        .local
        .then(|| ReservedAddress::take(&start.settings))
        .transpose()?;
    let target = match &reserved {
        Some(reserved) => Some(local_target(reserved, &start.settings)?),
        None => start.target,
    };
    let mut state = State::new(Setup {
        now: clock::now(),
        target,
        appearance: appearance::find(&start.settings),
        production: start.settings.production.clone(),
        log_path: Some(start.paths.log_dir().display().to_string()),
    });
    let first_effects = ui::start(&mut state);
    let runtime = runtime().map_err(|error| cannot_start(&error))?;
    let hangup = {
        let _inside = runtime.enter();
        signals::hangup().map_err(|error| cannot_start(&error))?
    };
    let (inbox, messages) = mpsc::channel(INBOX);
    let gateway =
        LocalGateway::new(start.settings.clone(), &start.paths, reserved).with_lambda(start.lambda);
    let services = Arc::new(Services::new(start.settings, &start.paths, gateway));
    let effects = Effects::new(runtime.handle().clone(), inbox, Arc::clone(&services));

    let guard = TerminalGuard::enter(modes).map_err(|error| cannot_start(&error))?;
    let host = open_terminal(modes, &runtime, queue.events, effects)
        .map_err(|error| cannot_start(&error))?;
    let mut event_loop = EventLoop::new(state, host, manner(), queue.waiting, messages);
    event_loop.draw();
    let ending = runtime.block_on(event_loop.run(first_effects));
    let (effects, is_stuck) = close_terminal(event_loop.into_host(), ending);
    drop(guard);

    // Whoever writes to a terminal that takes nothing would wait forever; the log has the words in every case.
    let say = |line: &str| {
        if !is_stuck {
            say(line);
        }
    };
    let patience = Patience::after(ending);
    if effects.is_changing() && patience == Patience::Usual {
        say("a deploy is under way: waiting a few seconds for its end");
    }
    let accounts = effects.finish(patience.for_jobs(hangup), patience.for_links());
    for account in runtime.block_on(accounts) {
        say(&account);
    }
    runtime.block_on(async {
        if timeout(patience.clients(), services.close()).await.is_err() {
            tracing::warn!("the local gateway did not stop in time");
        }
    });
    runtime.shutdown_timeout(LAST_TASKS);
    Ok(ending)
}

/// The patience of the program at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Usual,
    /// The terminal is gone: nobody sees what is waited for.
    Short,
}

impl Patience {
    fn after(ending: Ending) -> Self {
        match ending {
            Ending::Wanted | Ending::Signalled | Ending::Broken => Self::Usual,
            Ending::HungUp | Ending::TerminalLost => Self::Short,
        }
    }

    /// Returns the longest wait for links that close.
    fn for_links(self) -> Duration {
        match self {
            Self::Usual => LAST_LINKS,
            Self::Short => LOST_JOBS,
        }
    }

    /// Waits as long as jobs may take; the terminal may still go meanwhile.
    async fn for_jobs(self, hangup: impl Future<Output = ()>) {
        if self == Self::Usual {
            tokio::select! {
                () = sleep(LAST_JOBS) => return,
                () = hangup => {}
            }
        }
        sleep(LOST_JOBS).await;
    }

    fn clients(self) -> Duration {
        match self {
            Self::Usual => LAST_CLIENTS,
            Self::Short => LOST_CLIENTS,
        }
    }
}

fn local_target(reserved: &ReservedAddress, settings: &Settings) -> Result<Target, Failure> {
    let address = reserved.address().map_err(|error| cannot_start(&error))?;
    Ok(Target::Local(LocalTarget {
        address,
        region: effects::local_region(settings),
    }))
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("stagewire-worker")
        .enable_all()
        .build()
}

fn manner() -> Manner {
    Manner {
        synchronized: terminal::synchronized(),
        budget: env::is_ssh().then_some(REMOTE_BUDGET),
    }
}

/// Starts the threads that read and write, and listens to signals.
fn open_terminal(
    modes: &Modes,
    runtime: &Runtime,
    events: mpsc::UnboundedSender<Event>,
    effects: Effects,
) -> io::Result<TerminalHost> {
    let distance = if env::is_ssh() {
        Distance::Remote
    } else {
        Distance::Local
    };
    {
        let _inside = runtime.enter();
        signals::listen(&events)?;
    }
    // A failed send means that the loop has ended, and the threads end with it.
    let told = events.clone();
    let writer = Writer::start(rustix::stdio::stdout(), move |written| {
        drop(told.send(Event::Written(written)));
    })?;
    let told = events.clone();
    let input = InputThread::start(rustix::stdio::stdin(), distance, move |input| {
        drop(told.send(Event::Input(input)));
    })?;
    Ok(TerminalHost {
        modes: modes.clone(),
        writer,
        input,
        runtime: runtime.handle().clone(),
        events,
        effects,
    })
}

/// Lets the last bytes out and leaves the terminal; one that takes no bytes is left without. Gives back what still runs,
/// and whether the terminal is stuck.
fn close_terminal(host: TerminalHost, ending: Ending) -> (Effects, bool) {
    let TerminalHost {
        modes,
        writer,
        input,
        effects,
        ..
    } = host;
    drop(input);
    let is_lost = ending == Ending::TerminalLost;
    let is_written = writer.finish(if is_lost { LOST_BYTES } else { LAST_BYTES });
    if is_lost || !is_written {
        modes.abandon();
    } else {
        modes.leave();
    }
    (effects, !is_written)
}

fn cannot_start(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(FailureKind::Internal, "Cannot start the screen").caused_by(error)
}

impl App for State {
    fn update(&mut self, message: Message) -> Vec<Effect> {
        ui::update(self, message)
    }

    fn render(&mut self, frame: &mut Frame<'_>) {
        let geometry = ui::render(self, frame);
        self.place(geometry);
    }

    fn next_tick(&self) -> Option<Duration> {
        ui::next_tick(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_outlives_its_terminal_by_less_than_a_second() {
        let all = LOST_BYTES + LOST_JOBS + LOST_CLIENTS + LAST_TASKS;
        assert!(all < Duration::from_secs(1), "{all:?}");
        for ending in [Ending::HungUp, Ending::TerminalLost] {
            assert_eq!(Patience::after(ending), Patience::Short);
        }
        assert_eq!(Patience::after(Ending::Signalled), Patience::Usual);
    }
}
