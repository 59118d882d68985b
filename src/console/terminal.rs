//! The terminal's modes: entered once, left once, whatever happens in between.
//!
//! The way out is the same for the end of the program, for Ctrl-Z, for the person's editor and for a panic, and walking it
//! twice does nothing the second time. Nothing else in the program changes a mode.

use std::{
    io,
    panic::PanicHookInfo,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use ratatui::layout::Size;
use rustix::termios::{self, OptionalActions, QueueSelector, Termios};

use crate::{
    config::env,
    model::{Failure, FailureKind},
};

use super::{canvas::Synchronized, writer};

/// Alternate screen, cleared; cursor hidden; pastes marked.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[H\x1b[?25l\x1b[?2004h";

/// A frame that was cut is ended, attributes are reset, and the modes are given back in reverse order.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// For a terminal that would print the synchronized-update mark.
const LEAVE_UNMARKED: &[u8] = b"\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Refuses what cannot show the screen, in a sentence.
///
/// # Errors
/// Fails when stdin or stdout is no terminal, or the terminal says that it can do nothing.
pub(super) fn check() -> Result<(), Failure> {
    let refused = |cause: &str| {
        Failure::new(FailureKind::User, "Cannot show the screen")
            .cause(cause)
            .hint("run it in a terminal, or use one of the commands: stagewire --help")
    };
    if !termios::isatty(rustix::stdio::stdin()) {
        return Err(refused("standard input is not a terminal"));
    }
    if !termios::isatty(rustix::stdio::stdout()) {
        return Err(refused("standard output is not a terminal"));
    }
    match env::term().as_deref() {
        Some("dumb") => Err(refused(
            "TERM is \"dumb\": such a terminal cannot move its cursor",
        )),
        _ => Ok(()),
    }
}

/// Tells whether this terminal may get synchronized-update marks: the Linux console prints what it does not know.
pub(super) fn synchronized() -> Synchronized {
    match env::term().as_deref() {
        Some("linux" | "dumb") | None => Synchronized::Unmarked,
        Some(_) => Synchronized::Marked,
    }
}

/// Returns the size of the terminal; 80x24 when it does not say.
pub(super) fn size() -> Size {
    match termios::tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size::new(size.ws_col, size.ws_row),
        _ => Size::new(80, 24),
    }
}

/// The terminal's modes, shared with the panic hook.
#[derive(Debug, Clone)]
pub(super) struct Modes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entered: AtomicBool,
    synchronized: Synchronized,
    /// The modes to give back. The lock is held only to read or fill it.
    original: Mutex<Option<Termios>>,
}

impl Modes {
    /// Knows the terminal, and has not touched it yet.
    pub(super) fn new(synchronized: Synchronized) -> Self {
        Self {
            shared: Arc::new(Shared {
                entered: AtomicBool::new(false),
                synchronized,
                original: Mutex::new(None),
            }),
        }
    }

    /// Enters: raw mode, alternate screen, no cursor, pastes marked. Entering again sets all of it once more, for a shell
    /// may have changed it while the program was stopped.
    ///
    /// # Errors
    /// Fails when the terminal is gone.
    pub(super) fn enter(&self) -> io::Result<()> {
        let stdin = rustix::stdio::stdin();
        let now = termios::tcgetattr(stdin)?;
        let mut raw = self.original().get_or_insert(now).clone();
        raw.make_raw();
        self.shared.entered.store(true, Ordering::SeqCst);
        // Not after what is still on its way out: a terminal that takes no bytes would hold the loop up for ever.
        termios::tcsetattr(stdin, OptionalActions::Now, &raw)?;
        writer::write_all(rustix::stdio::stdout(), ENTER)
    }

    /// Leaves, if it was entered and not left yet.
    pub(super) fn leave(&self) {
        if !self.shared.entered.swap(false, Ordering::SeqCst) {
            return;
        }
        let bytes = match self.shared.synchronized {
            Synchronized::Marked => LEAVE,
            Synchronized::Unmarked => LEAVE_UNMARKED,
        };
        if let Err(error) = writer::write_all(rustix::stdio::stdout(), bytes) {
            tracing::info!(%error, "the terminal did not take the last bytes");
        }
        self.give_modes_back();
    }

    /// Gives the line modes back without writing: for a terminal that is gone or takes no bytes.
    pub(super) fn abandon(&self) {
        if self.shared.entered.swap(false, Ordering::SeqCst) {
            self.give_modes_back();
        }
    }

    fn give_modes_back(&self) {
        let Some(original) = self.original().clone() else {
            return;
        };
        let stdin = rustix::stdio::stdin();
        // Answers that come too late must not end up on the shell's command line. Losing keys typed ahead is the price.
        let flushed = termios::tcflush(stdin, QueueSelector::IFlush);
        let set = termios::tcsetattr(stdin, OptionalActions::Now, &original);
        if let Err(error) = flushed.and(set) {
            tracing::info!(%error, "the terminal's modes could not be given back");
        }
    }

    fn original(&self) -> std::sync::MutexGuard<'_, Option<Termios>> {
        self.shared
            .original
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves the terminal when it goes out of scope, whichever way that happens.
#[derive(Debug)]
#[must_use = "dropping it leaves the terminal"]
pub(super) struct TerminalGuard {
    modes: Modes,
}

impl TerminalGuard {
    /// Enters the terminal.
    ///
    /// # Errors
    /// Fails when the terminal is gone.
    pub(super) fn enter(modes: &Modes) -> io::Result<Self> {
        let guard = Self {
            modes: modes.clone(),
        };
        guard.modes.enter()?;
        Ok(guard)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.modes.leave();
    }
}

/// The panic hook in force while the screen is up; the one before it comes back when this is dropped.
///
/// A panic of this thread, which draws, leaves the terminal before anything is printed. A panic elsewhere must not print
/// over the living screen: it is logged and told to `elsewhere`, with its text and place.
#[must_use = "dropping it takes the hook away"]
pub(super) struct PanicHook {
    previous: Arc<Hook>,
}

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

impl PanicHook {
    /// Puts the hook in force.
    pub(super) fn install(
        leave: impl Fn() + Send + Sync + 'static,
        elsewhere: impl Fn(String) + Send + Sync + 'static,
    ) -> Self {
        let previous: Arc<Hook> = Arc::from(std::panic::take_hook());
        let drawing = thread::current().id();
        let print = Arc::clone(&previous);
        std::panic::set_hook(Box::new(move |info| {
            tracing::error!(
                thread = thread::current().name(),
                backtrace = %std::backtrace::Backtrace::force_capture(),
                "{info}"
            );
            if thread::current().id() == drawing {
                leave();
                print(info);
            } else {
                elsewhere(info.to_string());
            }
        }));
        Self { previous }
    }
}

impl Drop for PanicHook {
    fn drop(&mut self) {
        // While a panic unwinds the hook cannot be changed, and need not be.
        if !thread::panicking() {
            let previous = Arc::clone(&self.previous);
            std::panic::set_hook(Box::new(move |info| previous(info)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_leaves_the_terminal_only_on_the_thread_that_draws() {
        let left = Arc::new(AtomicBool::new(false));
        let (told, telling) = mpsc::channel();
        let leaving = Arc::clone(&left);
        let hook = PanicHook::install(
            move || leaving.store(true, Ordering::SeqCst),
            move |text| told.send(text).unwrap(),
        );
        let elsewhere = thread::spawn(|| panic!("provoked elsewhere")).join();
        assert!(elsewhere.is_err());
        assert!(!left.load(Ordering::SeqCst), "the screen lives on");
        // Other tests of this process may panic on purpose at the same time.
        assert!(
            telling
                .iter()
                .any(|text| text.contains("provoked elsewhere"))
        );
        let here = std::panic::catch_unwind(|| panic!("provoked here"));
        assert!(here.is_err());
        assert!(left.load(Ordering::SeqCst));
        drop(hook);
    }

    #[test]
    fn leaving_a_terminal_that_was_never_entered_does_nothing() {
        let modes = Modes::new(Synchronized::Marked);
        modes.leave();
        modes.abandon();
        assert!(modes.original().is_none());
    }
}
