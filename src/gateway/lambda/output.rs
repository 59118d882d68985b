//! The output of functions: passed line by line into the log, and to whoever listens.
//!
//! Lines have a longest length and a process has a number of lines for each second, for a function that prints without
//! end must fill neither the disk nor the memory. Lines that are left out are counted.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::io::ioctl_fionread;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{ChildStderr, ChildStdout},
    sync::broadcast,
    time::Instant,
};

use super::tail::Reading;

/// Bytes of a line; what is longer becomes several.
const LINE_BYTES: usize = 4 * 1024;
/// Lines of one stream of a process within [`SPAN`]; more are left out.
const LINES: u32 = 500;
const SPAN: Duration = Duration::from_secs(1);
/// Lines kept for a listener that is slow.
const KEPT: usize = 1024;

/// A line about a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLine {
    /// The name of the function.
    pub function: String,
    /// The source of the line.
    pub source: LineSource,
    /// The line, without its end; it may hold anything.
    pub text: String,
}

/// The source of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSource {
    /// The function, to its standard output.
    Stdout,
    /// The function, to its standard error.
    Stderr,
    /// The gateway: how the function's processes fare.
    Gateway,
}

/// A stream that a process prints to.
pub(super) trait Stream: AsyncRead + Unpin {
    /// Returns the number of bytes that are there to be read.
    fn ready(&self) -> u64;
}

impl Stream for ChildStdout {
    fn ready(&self) -> u64 {
        ioctl_fionread(self).unwrap_or(0)
    }
}

impl Stream for ChildStderr {
    fn ready(&self) -> u64 {
        ioctl_fionread(self).unwrap_or(0)
    }
}

/// The sender of lines to whoever listens.
#[derive(Debug, Clone)]
pub(super) struct Lines(broadcast::Sender<FunctionLine>);

impl Lines {
    pub(super) fn new() -> Lines {
        Lines(broadcast::Sender::new(KEPT))
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<FunctionLine> {
        self.0.subscribe()
    }

    /// Takes a line that the function printed.
    fn printed(&self, function: &str, source: LineSource, text: String) {
        tracing::info!(function, line = text, "printed");
        self.send(function, source, text);
    }

    /// Says something of the function's processes.
    pub(super) fn note(&self, function: &str, text: String) {
        tracing::warn!(function, "{text}");
        self.send(function, LineSource::Gateway, text);
    }

    fn note_left_out(&self, function: &str, n_lines: u64) {
        self.note(function, format!("{n_lines} lines were left out"));
    }

    fn send(&self, function: &str, source: LineSource, text: String) {
        let line = FunctionLine {
            function: function.to_owned(),
            source,
            text,
        };
        // Often nobody listens.
        drop(self.0.send(line));
    }

    /// Reads a stream of a process to its end.
    pub(super) async fn read(
        self,
        function: String,
        source: LineSource,
        mut stream: impl Stream,
        mut reading: Reading,
    ) {
        let mut buffer = BytesMut::with_capacity(LINE_BYTES);
        let mut allowance = Allowance::new();
        loop {
            let before = buffer.len();
            let ended = tokio::select! {
                read = stream.read_buf(&mut buffer) => !matches!(read, Ok(1..)),
                question = reading.asked() => {
                    reading.answer_after(stream.ready(), question);
                    continue;
                }
            };
            reading.add(&buffer[before..]);
            while let Some(line) = take_line(&mut buffer, ended) {
                match allowance.take() {
                    Taken::Within => self.printed(&function, source, line),
                    Taken::After(left_out) => {
                        self.note_left_out(&function, left_out);
                        self.printed(&function, source, line);
                    }
                    Taken::Beyond => {}
                }
            }
            if ended {
                if allowance.left_out > 0 {
                    self.note_left_out(&function, allowance.left_out);
                }
                return;
            }
        }
    }
}

/// Returns the next line, if the buffer holds all of it, or as much as a line may have.
///
/// A carriage return ends one too: official clients write a stack trace as one record with those between its lines.
fn take_line(buffer: &mut BytesMut, is_all: bool) -> Option<String> {
    let end = memchr::memchr2(b'\n', b'\r', &buffer[..buffer.len().min(LINE_BYTES)]);
    let (line, skip) = match end {
        Some(end) if buffer[end..].starts_with(b"\r\n") => (end, 2),
        // A line feed may still follow.
        Some(end) if buffer[end..] == *b"\r" && !is_all => return None,
        Some(end) => (end, 1),
        None if buffer.len() >= LINE_BYTES => (LINE_BYTES, 0),
        None if is_all && !buffer.is_empty() => (buffer.len(), 0),
        None => return None,
    };
    let text = String::from_utf8_lossy(&buffer[..line]);
    let text = text.into_owned();
    buffer.advance(line + skip);
    buffer.reserve(LINE_BYTES);
    Some(text)
}

/// The lines of a stream that may still pass.
struct Allowance {
    until: Instant,
    left: u32,
    left_out: u64,
}

#[derive(Debug, PartialEq)]
enum Taken {
    Within,
    /// The first after so many that were left out.
    After(u64),
    Beyond,
}

impl Allowance {
    fn new() -> Allowance {
        Allowance {
            until: Instant::now() + SPAN,
            left: LINES,
            left_out: 0,
        }
    }

    fn take(&mut self) -> Taken {
        let now = Instant::now();
        if now >= self.until {
            self.until = now + SPAN;
            self.left = LINES;
        }
        if self.left == 0 {
            self.left_out += 1;
            return Taken::Beyond;
        }
        self.left -= 1;
        match std::mem::take(&mut self.left_out) {
            0 => Taken::Within,
            left_out => Taken::After(left_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::tail::Tail, *};

    impl Stream for &[u8] {
        fn ready(&self) -> u64 {
            u64::try_from(self.len()).unwrap()
        }
    }

    async fn lines_of(printed: &[u8]) -> Vec<String> {
        let lines = Lines::new();
        let mut heard = lines.subscribe();
        let tail = Arc::new(Tail::default());
        let reading = tail.reading();
        lines
            .read("f".into(), LineSource::Stdout, printed, reading)
            .await;
        let mut texts = Vec::new();
        while let Ok(line) = heard.try_recv() {
            texts.push(line.text);
        }
        texts
    }

    #[tokio::test]
    async fn lines_are_lines_whatever_bytes_they_hold() {
        let texts = lines_of(b"one\r\n\ntwo \xff\nthree").await;
        assert_eq!(texts, ["one", "", "two \u{fffd}", "three"]);
        assert_eq!(lines_of(b"").await, [""; 0]);
    }

    #[test]
    fn a_carriage_return_ends_a_line_too_but_no_second_one() {
        let mut buffer = BytesMut::from(&b"one\rtwo\r"[..]);
        assert_eq!(take_line(&mut buffer, false).as_deref(), Some("one"));
        assert_eq!(take_line(&mut buffer, false), None);
        buffer.extend_from_slice(b"\nthree");
        assert_eq!(take_line(&mut buffer, false).as_deref(), Some("two"));
        assert_eq!(take_line(&mut buffer, true).as_deref(), Some("three"));
        assert_eq!(take_line(&mut buffer, true), None);
    }

    #[tokio::test]
    async fn a_line_without_end_becomes_many() {
        let texts = lines_of(&[b'x'; 2 * LINE_BYTES + 1]).await;
        let lengths: Vec<_> = texts.iter().map(String::len).collect();
        assert_eq!(lengths, [LINE_BYTES, LINE_BYTES, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_lines_are_counted_and_left_out() {
        let texts = lines_of(&b"x\n".repeat(LINES as usize + 7)).await;
        assert_eq!(texts.len(), LINES as usize + 1);
        assert_eq!(texts.last().unwrap(), "7 lines were left out");
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_second_has_lines_of_its_own() {
        let mut allowance = Allowance::new();
        for _ in 0..LINES {
            assert_eq!(allowance.take(), Taken::Within);
        }
        assert_eq!(allowance.take(), Taken::Beyond);
        tokio::time::advance(SPAN).await;
        assert_eq!(allowance.take(), Taken::After(1));
        assert_eq!(allowance.take(), Taken::Within);
    }
}
