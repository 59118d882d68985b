//! `stagewire connect`: every frame of a connection, one line each; lines typed are sent.
//!
//! Three parts that never wait for each other: this one, which listens to signals, decides when to leave and bounds every
//! wait after that; a thread that prints, because whoever reads our output may stop reading; and a thread that reads what
//! is typed.

use std::{
    io::{self, BufRead},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use super::{
    args::{ConnectArgs, Linger},
    exit::{Exit, Stop},
    message::{self, Destination},
    output::{self, Output},
    start::{self, Session},
    transcript::Transcript,
    unsettled::PatientLink,
};
use crate::{
    live::LinkSender,
    model::{Failure, FailureKind, LinkEvent, Outgoing, Signing, limit::MESSAGE_BYTES},
};

/// Typed lines that may wait to be sent.
const LINES: usize = 16;

/// The longest time that a connection may take to end after the first interrupt. The link itself waits less for the
/// peer.
const GOODBYE_TIME: Duration = Duration::from_secs(3);

/// The longest time that the line under way may take to be printed when nothing more is.
const LAST_LINE_TIME: Duration = Duration::from_millis(250);

/// After the end of what is piped in, so long without a word means that all answers are here, unless told otherwise.
const QUIET_TIME: Duration = Duration::from_secs(2);

/// After the end of what is piped in, no answer is waited for longer than this, unless told otherwise.
const LINGER_TIME: Duration = Duration::from_secs(10);

pub(super) fn run(session: &Session, args: &ConnectArgs, output: Output) -> Result<Exit, Stop> {
    start::block_on(async {
        let finding = message::destination(session, &args.to, output);
        let destination = Box::pin(finding).await?;
        let stay = Stay::new(args.linger.or_else(usual_linger));
        watch(destination, stay, output).await
    })
}

async fn watch(mut to: Destination, mut stay: Stay, output: Output) -> Result<Exit, Stop> {
    let mut interrupts = Interrupts::new().map_err(|error| {
        Failure::new(FailureKind::User, "Cannot listen for signals").caused_by(&error)
    })?;
    let signed = match to.signing {
        Signing::Signed => ", signed",
        Signing::Unsigned => "",
    };
    output.progress(&format!("connecting to {}{signed}", to.request.url));
    let mut link = to.open(output);
    let printer = Printer::start(to, output);
    let mut typing = None;
    let mut leave_at = None;
    let mut give_up_at = None;
    let input_end = CancellationToken::new();
    loop {
        tokio::select! {
            // However much comes, a signal is looked at first.
            biased;
            () = interrupts.next() => {
                // The second time, and when there is nobody to say goodbye to, it means "at once".
                if leave_at.is_some() || typing.is_none() || link.sender().try_send(goodbye()).is_err() {
                    return printer.leave().await;
                }
                leave_at = Some(Instant::now() + GOODBYE_TIME);
            }
            () = sleep_until(leave_at) => return printer.leave().await,
            () = sleep_until(give_up_at) => {
                output::warn("the peer did not take all that was sent to it");
                break;
            }
            () = input_end.cancelled(), if !stay.has_begun() => {
                if let Some(line) = stay.begin(Instant::now()) {
                    output.progress(&line);
                }
            }
            () = sleep_until(stay.ends_at()) => {
                stay.end();
                // An order that finds no room now has until then as well, and the printer all the time it needs.
                give_up_at = Some(Instant::now() + GOODBYE_TIME);
                let sender = link.sender();
                tokio::spawn(async move { sender.send(goodbye()).await });
            }
            passed = printer.pass_one(&mut link) => match passed {
                Passed::Nothing => break,
                Passed::Open => typing = Some(send_typed_lines(link.sender(), input_end.clone())),
                Passed::Other => stay.hear(Instant::now()),
            }
        }
    }
    drop(link);
    tokio::select! {
        biased;
        () = interrupts.next() => Ok(Exit::Interrupted),
        () = sleep_until(leave_at) => Ok(Exit::Interrupted),
        exit = finish(printer, typing) => match exit {
            Ok(_) | Err(Stop::Failed(_)) if leave_at.is_some() => Ok(Exit::Interrupted),
            exit => exit,
        }
    }
}

fn goodbye() -> Outgoing {
    Outgoing::Close(Some((1000, String::new())))
}

/// Returns what is done at the end of the input when nothing was said about it. A person at a terminal may watch on,
/// and so may a job without any input; only something that was piped in has been said.
fn usual_linger() -> Option<Linger> {
    (!output::is_piped()).then_some(Linger::Forever)
}

/// The time that the connection is kept after the end of the input.
#[derive(Debug)]
struct Stay {
    /// None keeps it until all answers seem to be here.
    linger: Option<Linger>,
    has_begun: bool,
    quiet_at: Option<Instant>,
    over_at: Option<Instant>,
}

impl Stay {
    fn new(linger: Option<Linger>) -> Self {
        Self {
            linger,
            has_begun: false,
            quiet_at: None,
            over_at: None,
        }
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The input has ended; gives what to say of it.
    fn begin(&mut self, now: Instant) -> Option<String> {
        self.has_begun = true;
        match self.linger {
            Some(Linger::Forever) => None,
            Some(Linger::For(time)) => {
                self.over_at = Some(now + time);
                (!time.is_zero())
                    .then(|| format!("the input has ended: leaving in {} s", time.as_secs()))
            }
            None => {
                self.quiet_at = Some(now + QUIET_TIME);
                self.over_at = Some(now + LINGER_TIME);
                Some(format!(
                    "the input has ended: leaving once nothing has come for {} s, in {} s at the latest",
                    QUIET_TIME.as_secs(),
                    LINGER_TIME.as_secs()
                ))
            }
        }
    }

    /// Notes that something came.
    fn hear(&mut self, now: Instant) {
        self.quiet_at = self.quiet_at.map(|_| now + QUIET_TIME);
    }

    /// Returns the instant at which to leave, if it is known.
    fn ends_at(&self) -> Option<Instant> {
        self.quiet_at.into_iter().chain(self.over_at).min()
    }

    fn end(&mut self) {
        self.quiet_at = None;
        self.over_at = None;
    }
}

/// Waits until all is printed, and tells which lines came too late.
async fn finish(printer: Printer, typing: Option<JoinHandle<u64>>) -> Result<Exit, Stop> {
    let n_unsent = match typing {
        Some(typing) => typing.await.unwrap_or_default(),
        None => 0,
    };
    if n_unsent > 0 {
        // These never reached the link, which tells of the others. A printer that failed says why itself.
        let _gone = printer
            .events
            .send(LinkEvent::Unsent(n_unsent))
            .await
            .is_err();
    }
    printer.finish().await
}

/// Never, without an instant.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// The signals that mean "leave".
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The event that was passed to the printer.
enum Passed {
    /// The handshake succeeded.
    Open,
    Other,
    /// There is nothing more to pass on, or printing failed.
    Nothing,
}

/// The thread that prints.
struct Printer {
    events: mpsc::Sender<LinkEvent>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Exit, Stop>>,
}

impl Printer {
    fn start(to: Destination, output: Output) -> Self {
        // One event waits, so that a slow reader slows the link, which then counts what it cannot keep.
        let (events, to_print) = mpsc::channel(1);
        let is_over = Arc::new(AtomicBool::new(false));
        let transcript = Transcript::new(output, to, Arc::clone(&is_over));
        Self {
            events,
            is_over,
            thread: tokio::task::spawn_blocking(move || print_all(transcript, to_print)),
        }
    }

    /// Passes the link's next event on. Nothing is lost when this is dropped on the way.
    async fn pass_one(&self, link: &mut PatientLink) -> Passed {
        let Ok(permit) = self.events.reserve().await else {
            return Passed::Nothing;
        };
        let Some(event) = link.next().await else {
            return Passed::Nothing;
        };
        let passed = match &event {
            LinkEvent::Open(_) => Passed::Open,
            _ => Passed::Other,
        };
        permit.send(event);
        passed
    }

    /// Waits until all is printed: how the connection ended.
    async fn finish(self) -> Result<Exit, Stop> {
        drop(self.events);
        self.thread.await.unwrap_or(Ok(Exit::Bug))
    }

    /// Prints no more than the line under way.
    async fn leave(self) -> Result<Exit, Stop> {
        self.is_over.store(true, Ordering::Relaxed);
        let is_printed = time::timeout(LAST_LINE_TIME, self.finish()).await.is_ok();
        tracing::debug!(is_printed, "left before the end of the connection");
        Ok(Exit::Interrupted)
    }
}

fn print_all(
    mut transcript: Transcript,
    mut events: mpsc::Receiver<LinkEvent>,
) -> Result<Exit, Stop> {
    let mut end = None;
    while let Some(event) = events.blocking_recv() {
        transcript.print(&event)?;
        // A refusal was not the end where another attempt follows it.
        end = end.filter(|_| !matches!(event, LinkEvent::Connecting));
        end = end.or_else(|| event.is_end().then_some(event));
    }
    match end.map(|end| transcript.failure(&end)) {
        Some(Some(failure)) => Err(failure.into()),
        Some(None) => Ok(Exit::Done),
        None => Ok(Exit::Failed),
    }
}

/// Sends what is typed, line by line, until the input ends, which it tells, or the connection does: then it gives the
/// number of lines that came too late.
fn send_typed_lines(sender: LinkSender, input_end: CancellationToken) -> JoinHandle<u64> {
    let (lines, mut typed) = mpsc::channel(LINES);
    // A thread of its own, because a read from a terminal cannot be given up; it ends with the program.
    std::thread::spawn(move || read_lines(&lines));
    tokio::spawn(async move {
        let mut n_late = 0;
        loop {
            let line = tokio::select! {
                biased;
                () = sender.ended() => break,
                line = typed.recv() => line,
            };
            let Some(line) = line else {
                input_end.cancel();
                return 0;
            };
            if sender.send(Outgoing::Text(line)).await.is_err() {
                n_late += 1;
                break;
            }
        }
        typed.close();
        n_late + std::iter::from_fn(|| typed.try_recv().ok()).count() as u64
    })
}

/// Passes on what is typed, line by line, for as long as anybody takes it.
fn read_lines(lines: &mpsc::Sender<String>) {
    let mut input = io::stdin().lock();
    while let Ok(Some(line)) = read_line(&mut input) {
        let is_taken = match line {
            Ok(line) => lines.blocking_send(line).is_ok(),
            Err(too_long) => {
                output::warn(&too_long.to_string());
                true
            }
        };
        if !is_taken {
            break;
        }
    }
}

/// A line that is longer than a message may be, and was not sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of {bytes} bytes was not sent: a message may have {MESSAGE_BYTES} bytes (128 KB)")]
struct TooLong {
    bytes: u64,
}

/// Reads a line, without its end, of which no more is kept than may be sent; none at the input's end.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Result<String, TooLong>>> {
    let mut line = Vec::new();
    let mut bytes = 0;
    let mut is_ended = false;
    while !is_ended {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            if bytes == 0 {
                return Ok(None);
            }
            break;
        }
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        // One byte more than a message may have, because it may be the carriage return before the line's end.
        let room = MESSAGE_BYTES + 1 - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        bytes += part.len() as u64;
        let n_used = part.len() + usize::from(end.is_some());
        is_ended = end.is_some();
        input.consume(n_used);
    }
    Ok(Some(as_message(line, bytes)))
}

/// Returns a line of so many bytes, of which at most these are kept, without the carriage return at its end.
fn as_message(mut line: Vec<u8>, mut bytes: u64) -> Result<String, TooLong> {
    if bytes == line.len() as u64 && line.last() == Some(&b'\r') {
        line.pop();
        bytes -= 1;
    }
    let text = String::from_utf8_lossy(&line);
    let is_whole = bytes == line.len() as u64;
    if is_whole && text.len() <= MESSAGE_BYTES {
        Ok(text.into_owned())
    } else {
        Err(TooLong { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds after the end of the input at which the connection is closed, when something comes at these.
    fn leaves_after(linger: Option<Linger>, comes: &[u64]) -> Option<u64> {
        let end = Instant::now();
        let mut stay = Stay::new(linger);
        assert_eq!(stay.ends_at(), None, "before the end of the input");
        stay.begin(end);
        for &seconds in comes {
            let at = end + Duration::from_secs(seconds);
            if stay.ends_at().is_some_and(|ends_at| ends_at <= at) {
                break;
            }
            stay.hear(at);
        }
        stay.ends_at().map(|at| (at - end).as_secs())
    }

    #[test]
    fn after_the_end_of_the_input_it_stays_for_answers_or_as_long_as_it_is_told() {
        assert_eq!(leaves_after(None, &[]), Some(2));
        assert_eq!(leaves_after(None, &[1, 2, 5]), Some(4));
        let on_and_on: Vec<u64> = (0..60).collect();
        assert_eq!(leaves_after(None, &on_and_on), Some(10));
        let told = |seconds| Some(Linger::For(Duration::from_secs(seconds)));
        assert_eq!(leaves_after(told(0), &[]), Some(0));
        assert_eq!(leaves_after(told(30), &[1, 29]), Some(30));
        assert_eq!(leaves_after(Some(Linger::Forever), &[1]), None);
    }

    #[track_caller]
    fn check(input: &[u8], lines: &[Result<&str, u64>]) {
        // Small reads, so that lines are put together from parts.
        let mut input = io::BufReader::with_capacity(7, input);
        let mut found = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            found.push(line.map_err(|error| error.bytes));
        }
        let lines: Vec<_> = lines.iter().map(|line| line.map(str::to_owned)).collect();
        assert!(found == lines, "{} lines", found.len());
    }

    #[test]
    fn lines_lose_their_end_and_the_last_one_needs_none() {
        check(b"", &[]);
        check(
            b"one\ntwo\r\n\nlonger than a read",
            &[Ok("one"), Ok("two"), Ok(""), Ok("longer than a read")],
        );
    }

    #[test]
    fn a_line_longer_than_a_message_is_refused_and_the_next_one_is_read() {
        let most = "x".repeat(MESSAGE_BYTES);
        let input = format!("{most}\n{most}\r\n{most}y\n{most}{most}\nshort\n");
        let over = MESSAGE_BYTES as u64 + 1;
        let double = 2 * MESSAGE_BYTES as u64;
        check(
            input.as_bytes(),
            &[Ok(&most), Ok(&most), Err(over), Err(double), Ok("short")],
        );
    }
}
