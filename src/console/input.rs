//! The thread that reads the terminal: keys, pastes and answers, until the terminal is gone.
//!
//! The thread sleeps in `poll` without a timeout, so an idle program uses no CPU; a pipe wakes it to pause while
//! another program owns the terminal, and to end.

use std::{
    io,
    os::fd::AsFd,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
};

use super::decode::{Decoded, Decoder};

/// The longest wait for the rest of a sequence before its first byte counts as the Esc key. A terminal on this machine
/// writes a sequence at once; a network may cut it.
const LOCAL_PATIENCE: Duration = Duration::from_millis(3);
const REMOTE_PATIENCE: Duration = Duration::from_millis(40);

/// Input from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A key, a paste or an answer.
    Decoded(Decoded),
    /// The terminal is gone; nothing follows.
    Lost,
}

enum Order {
    /// Stop reading, and then drop this.
    Pause(mpsc::Sender<()>),
    /// Read again.
    Resume,
}

/// The distance of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Distance {
    /// On this machine.
    Local,
    /// Behind a network.
    Remote,
}

/// The reading thread's handle. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct InputThread {
    orders: Option<mpsc::Sender<Order>>,
    wake: io::PipeWriter,
    thread: Option<JoinHandle<()>>,
}

impl InputThread {
    /// Starts reading.
    ///
    /// # Errors
    /// Fails when the system has no thread or pipe left.
    pub(super) fn start(
        terminal: impl AsFd + Send + 'static,
        distance: Distance,
        told: impl FnMut(Input) + Send + 'static,
    ) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        let (orders, received) = mpsc::channel();
        let mut reader = Reader {
            terminal,
            woken,
            orders: received,
            patience: match distance {
                Distance::Local => LOCAL_PATIENCE,
                Distance::Remote => REMOTE_PATIENCE,
            },
            decoder: Decoder::default(),
            told,
        };
        let thread = thread::Builder::new()
            .name("terminal-reader".to_owned())
            .spawn(move || reader.run())?;
        Ok(Self {
            orders: Some(orders),
            wake,
            thread: Some(thread),
        })
    }

    /// Stops reading and returns once nothing is read any more. What is typed meanwhile is somebody else's.
    pub(super) fn pause(&self) {
        let (paused, pausing) = mpsc::channel();
        self.order(Order::Pause(paused));
        // An error is what is waited for: the other end goes when the thread pauses, or ends.
        let _: Result<(), mpsc::RecvError> = pausing.recv();
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        self.order(Order::Resume);
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            self.wake();
        }
    }

    fn wake(&self) {
        // The pipe can only be full of wake-ups that were not read yet, or have lost its reader with the thread.
        let _: Result<usize, Errno> = rustix::io::write(&self.wake, b"w");
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.orders = None;
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reads the terminal had ended by a panic");
        }
    }
}

struct Reader<T, F> {
    terminal: T,
    woken: io::PipeReader,
    orders: mpsc::Receiver<Order>,
    patience: Duration,
    decoder: Decoder,
    told: F,
}

/// The result of a look at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Readable,
    Ordered,
    TimedOut,
    Lost,
}

impl<T: AsFd, F: FnMut(Input)> Reader<T, F> {
    fn run(&mut self) {
        loop {
            match self.look() {
                Look::Readable => {
                    if !self.read() {
                        return (self.told)(Input::Lost);
                    }
                }
                Look::TimedOut => {
                    let mut decoded = Vec::new();
                    self.decoder.give_up(&mut decoded);
                    self.tell(decoded);
                }
                Look::Ordered => {
                    if !self.obey() {
                        return;
                    }
                }
                Look::Lost => return (self.told)(Input::Lost),
            }
        }
    }

    fn look(&self) -> Look {
        let mut fds = [
            PollFd::new(&self.terminal, PollFlags::IN),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        let timeout = self.decoder.is_waiting().then(|| timespec(self.patience));
        match rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, timeout.as_ref())) {
            Ok(0) => return Look::TimedOut,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "cannot wait for the terminal");
                return Look::Lost;
            }
        }
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if !fds[1].revents().is_empty() {
            Look::Ordered
        } else if fds[0].revents().intersects(gone) {
            // What was typed before the terminal went away is of no use to anybody.
            Look::Lost
        } else {
            Look::Readable
        }
    }

    /// Reads what is there; false when the terminal is gone.
    fn read(&mut self) -> bool {
        let mut bytes = [0u8; 4096];
        match rustix::io::read(&self.terminal, &mut bytes) {
            Ok(0) => false,
            Ok(n_bytes) => {
                let mut decoded = Vec::new();
                self.decoder.feed(&bytes[..n_bytes], &mut decoded);
                self.tell(decoded);
                true
            }
            Err(Errno::INTR | Errno::AGAIN) => true,
            Err(error) => {
                tracing::info!(%error, "the terminal cannot be read any more");
                false
            }
        }
    }

    fn tell(&mut self, decoded: Vec<Decoded>) {
        for decoded in decoded {
            (self.told)(Input::Decoded(decoded));
        }
    }

    /// Does what was ordered; false when it was the end.
    fn obey(&mut self) -> bool {
        let mut wakes = [0u8; 16];
        // What the byte stands for is in the orders.
        let _: Result<usize, Errno> = rustix::io::read(&self.woken, &mut wakes);
        loop {
            match self.orders.try_recv() {
                Ok(Order::Pause(paused)) => {
                    self.decoder.reset();
                    drop(paused);
                    if !self.sleep_until_resumed() {
                        return false;
                    }
                }
                Ok(Order::Resume) => {}
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn sleep_until_resumed(&self) -> bool {
        loop {
            match self.orders.recv() {
                Ok(Order::Resume) => return true,
                // Already paused: dropping the sender says so.
                Ok(Order::Pause(_)) => {}
                Err(mpsc::RecvError) => return false,
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn start() -> (io::PipeWriter, InputThread, mpsc::Receiver<Input>) {
        let (terminal, keyboard) = io::pipe().unwrap();
        let (told, telling) = mpsc::channel();
        let thread = InputThread::start(terminal, Distance::Local, move |input| {
            told.send(input).unwrap();
        })
        .unwrap();
        (keyboard, thread, telling)
    }

    fn key(code: KeyCode) -> Input {
        Input::Decoded(Decoded::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    #[test]
    fn keys_come_through_and_a_lone_escape_is_a_key() {
        let (mut keyboard, _thread, telling) = start();
        keyboard.write_all(b"a\x1b").unwrap();
        assert_eq!(
            telling.recv_timeout(PATIENCE).unwrap(),
            key(KeyCode::Char('a'))
        );
        assert_eq!(telling.recv_timeout(PATIENCE).unwrap(), key(KeyCode::Esc));
    }

    #[test]
    fn a_lost_terminal_is_told_once_and_ends_the_thread() {
        let (keyboard, _thread, telling) = start();
        drop(keyboard);
        assert_eq!(telling.recv_timeout(PATIENCE).unwrap(), Input::Lost);
        assert_eq!(
            telling.recv_timeout(PATIENCE),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn a_paused_thread_reads_nothing() {
        let (mut keyboard, thread, telling) = start();
        thread.pause();
        keyboard.write_all(b"x").unwrap();
        thread.pause();
        assert!(telling.try_recv().is_err());
        thread.resume();
        assert_eq!(
            telling.recv_timeout(PATIENCE).unwrap(),
            key(KeyCode::Char('x'))
        );
    }

    #[test]
    fn the_thread_ends_when_its_handle_goes() {
        let (_keyboard, thread, telling) = start();
        drop(thread);
        assert!(telling.recv_timeout(PATIENCE).is_err());
    }
}
