//! The thread that writes to the terminal, so that a slow link blocks this thread and nothing else.
//!
//! The thread gets whole frames and writes each with one call. There is at most one frame under way: the loop does not
//! draw the next one before it is told that this one is out.

use std::{
    io,
    os::fd::AsFd,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
};

/// The outcome of bytes handed over.
#[derive(Debug)]
pub(super) enum Written {
    /// They are out.
    Done,
    /// The terminal is gone.
    Lost(io::Error),
}

/// Hands bytes to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    frames: Option<mpsc::Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    ended: mpsc::Receiver<()>,
}

impl Writer {
    /// Starts the thread; it tells what became of every frame.
    ///
    /// # Errors
    /// Fails when the system has no thread left.
    pub(super) fn start(
        terminal: impl AsFd + Send + 'static,
        told: impl Fn(Written) + Send + 'static,
    ) -> io::Result<Self> {
        let (frames, queue) = mpsc::channel::<Vec<u8>>();
        let (ending, ended) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("terminal-writer".to_owned())
            .spawn(move || {
                // Dropped at the very end, also by a panic: `finish` waits for that.
                let _ending: mpsc::Sender<()> = ending;
                for frame in queue {
                    match write_all(&terminal, &frame) {
                        Ok(()) => told(Written::Done),
                        Err(error) => return told(Written::Lost(error)),
                    }
                }
            })?;
        Ok(Self {
            frames: Some(frames),
            thread: Some(thread),
            ended,
        })
    }

    /// Queues bytes that are written in one go.
    pub(super) fn send(&self, bytes: Vec<u8>) {
        if let Some(frames) = &self.frames {
            // A thread that ended has told why; there is nobody left to write for.
            drop(frames.send(bytes));
        }
    }

    /// Waits until everything is written; false when the terminal took no bytes for this long.
    pub(super) fn finish(mut self, patience: Duration) -> bool {
        self.frames = None;
        if self.ended.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            return false;
        }
        self.thread
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

/// Writes all bytes, in one call if the terminal takes them.
///
/// # Errors
/// Fails when the terminal is gone.
pub(super) fn write_all(terminal: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&terminal, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n_bytes) => bytes = &bytes[n_bytes..],
            Err(Errno::INTR) => {}
            // Somebody who shares the terminal made it non-blocking.
            Err(Errno::AGAIN) => wait_until_writable(&terminal)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_until_writable(terminal: &impl AsFd) -> io::Result<()> {
    let mut fds = [PollFd::new(terminal, PollFlags::OUT)];
    match rustix::event::poll(&mut fds, None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn frames_are_written_in_order_and_told() {
        let (mut reader, terminal) = io::pipe().unwrap();
        let (told, telling) = mpsc::channel();
        let writer = Writer::start(terminal, move |written| {
            told.send(matches!(written, Written::Done)).unwrap();
        })
        .unwrap();
        writer.send(b"one ".to_vec());
        writer.send(b"two".to_vec());
        assert!(writer.finish(PATIENCE));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two");
        assert_eq!(telling.iter().collect::<Vec<_>>(), [true, true]);
    }

    #[test]
    fn a_lost_terminal_is_told() {
        let (reader, terminal) = io::pipe().unwrap();
        drop(reader);
        let (told, telling) = mpsc::channel();
        let writer = Writer::start(terminal, move |written| {
            told.send(matches!(written, Written::Lost(_))).unwrap();
        })
        .unwrap();
        writer.send(b"frame".to_vec());
        assert!(telling.recv_timeout(PATIENCE).unwrap());
    }

    #[test]
    fn a_terminal_that_takes_nothing_does_not_hold_the_end_up() {
        let (reader, terminal) = io::pipe().unwrap();
        let writer = Writer::start(terminal, |_| {}).unwrap();
        writer.send(vec![b'x'; 4 << 20]);
        assert!(!writer.finish(Duration::from_millis(20)));
        drop(reader);
    }
}
