//! An open link: one task that owns both halves of the socket, sends what is ordered, and hands what the tap recorded to
//! its [`Delivery`].
//!
//! Reading never waits for writing: a peer that floods us while it takes nothing must not lock both sides up. And no
//! peer may keep the task busy with reading alone, whatever it sends: each turn reads a bounded number of frames.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::{self, Instant},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::{
    clock,
    delivery::{BATCH_BYTES, BATCH_FRAMES, Delivery},
    tap::Tap,
    wire::LOSS_TIME,
};
use crate::model::{
    Direction, FrameRecord, LinkEvent, Outgoing, frame,
    link::{Closed, LinkFailure, LinkStep},
};

/// The longest wait for the peer's answer to our close frame.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// The longest wait for the peer to end the connection after its own close frame.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The longest attempt to tell a peer which rule it broke.
const LAST_WORD_TIME: Duration = Duration::from_millis(250);

/// Bytes asked of the stream at once. Large enough that a flood costs few system calls, small enough to have many links.
const READ_BYTES: usize = 64 * 1024;

/// The longest message that is put together, over all its frames. API Gateway's limit is 128 times lower and not ours to
/// enforce: a peer that breaks it must be seen. But the library takes memory for a frame as soon as its header announces
/// it, and for a message until its last frame, so without any limit a peer could end us.
const MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// The most that waits to be written to a peer that takes nothing, such as the answers to its pings.
const UNWRITTEN_BYTES: usize = 2 * MESSAGE_BYTES;

/// Longest payload of a control frame. SOURCE: RFC 6455 §5.5.
const CONTROL_BYTES: usize = 125;

/// Runs an open link until it ends, and tells how, and how many messages it took and did not send whole; none when nobody
/// listens any more.
pub(super) async fn run<S>(
    tap: Tap<S>,
    orders: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<LinkEvent>,
) -> Option<(LinkEvent, u64)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_BYTES)
        .max_frame_size(Some(MESSAGE_BYTES))
        .max_message_size(Some(MESSAGE_BYTES));
    let stream = WebSocketStream::from_raw_socket(tap, Role::Client, Some(config)).await;
    let mut socket = Socket::new(stream);
    let mut delivery = Delivery::new(events);
    let end = talk(&mut socket, orders, &mut delivery).await?;
    if let End::Broken(error) = &end {
        socket.last_word(error).await;
    }
    delivery.deliver_all(socket.tap()).await?;
    Some((socket.explain(&end), socket.n_unsent()))
}

/// The end of an open link.
enum End {
    /// The stream ended, or was given up after a close frame.
    Over,
    /// The library will not go on.
    Broken(Error),
}

async fn talk<S>(
    socket: &mut Socket<S>,
    orders: &mut mpsc::Receiver<Outgoing>,
    delivery: &mut Delivery<'_>,
) -> Option<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        delivery.look_at(socket.tap());
        let may_read = delivery.may_read();
        tokio::select! {
            biased;
            // Nobody listens: the receiver is gone, or every sender of orders is.
            permit = delivery.reserve(), if delivery.is_due() => {
                delivery.deliver(permit?, socket.tap());
            }
            () = sleep_until(socket.deadline) => return Some(End::Over),
            order = orders.recv(), if socket.takes_orders() => socket.order(order?),
            end = poll_fn(|context| socket.poll(context, may_read)) => {
                if let Some(end) = end {
                    return Some(end);
                }
            }
            () = sleep_until(delivery.wakes_at()) => delivery.wake(socket.tap()),
        }
    }
}

/// Never, without an instant.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// The socket, what waits to be written, and how far the closing handshake is.
struct Socket<S> {
    stream: WebSocketStream<Tap<S>>,
    queue: VecDeque<Message>,
    is_flushed: bool,
    /// True while what is written, or waits for it, is a message.
    is_message: bool,
    /// Messages that were ordered and did not leave whole.
    n_unsent: u64,
    /// Set when writing failed: what the peer said before it went may still be there to read.
    write_error: Option<Error>,
    /// The first close frame, ours or theirs.
    closed: Option<Closed>,
    /// The code of the peer's close frame, if it is one that may not be there.
    lawless_code: Option<u16>,
    /// The instant at which we stop waiting for the peer to finish.
    deadline: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn new(stream: WebSocketStream<Tap<S>>) -> Self {
        Self {
            stream,
            queue: VecDeque::new(),
            is_flushed: true,
            is_message: false,
            n_unsent: 0,
            write_error: None,
            closed: None,
            lawless_code: None,
            deadline: None,
        }
    }

    fn tap(&mut self) -> &mut Tap<S> {
        self.stream.get_mut()
    }

    /// One message is written before the next order is taken, so that a slow peer slows the sender.
    fn takes_orders(&self) -> bool {
        self.queue.is_empty() && self.is_flushed
    }

    /// Puts an order in line. Once a close frame has been sent or seen nothing may follow.
    fn order(&mut self, outgoing: Outgoing) {
        if self.closed.is_some() || self.write_error.is_some() {
            self.n_unsent += u64::from(outgoing.is_message());
            return;
        }
        self.is_message = outgoing.is_message();
        match outgoing {
            Outgoing::Text(text) => self.queue.extend(fragments(&Bytes::from(text))),
            Outgoing::Unsplit(text) => self.queue.push_back(Message::text(text)),
            Outgoing::Ping(bytes) => {
                let length = bytes.len().min(CONTROL_BYTES);
                self.queue.push_back(Message::Ping(bytes.slice(..length)));
            }
            Outgoing::Close(code) => self.close(code),
        }
    }

    /// Messages that were ordered and did not leave whole, the one under way included.
    fn n_unsent(&self) -> u64 {
        self.n_unsent + u64::from(self.is_message && !self.takes_orders())
    }

    fn close(&mut self, code: Option<(u16, String)>) {
        let frame = code.map(|(code, reason)| CloseFrame {
            code: code.into(),
            reason: cut_reason(reason).into(),
        });
        self.note_close(frame.as_ref(), By::Us);
        self.queue.push_back(Message::Close(frame));
    }

    fn note_close(&mut self, frame: Option<&CloseFrame>, by: By) {
        // Our close waits for theirs; theirs only for the connection's end.
        let patience = match by {
            By::Us => CLOSE_TIME,
            By::Peer => LINGER_TIME,
        };
        self.deadline = Some(Instant::now() + patience);
        if self.closed.is_some() {
            return;
        }
        let (code, reason) = frame.map_or((1005, String::new()), |frame| {
            (frame.code.into(), frame.reason.to_string())
        });
        self.closed = Some(Closed {
            at: clock::now(),
            code,
            reason,
            by_us: by == By::Us,
        });
    }

    /// Writes and reads what can be written and read now. Ready when there is something new to look at.
    fn poll(&mut self, context: &mut Context<'_>, may_read: bool) -> Poll<Option<End>> {
        let before = (self.n_records(), self.takes_orders(), self.deadline);
        let tap = self.tap();
        // The library asks for more until a message is whole, and a hostile one never is: so the tap has to stop it.
        tap.pause_at(before.0 + BATCH_FRAMES, tap.held_bytes() + BATCH_BYTES);
        self.poll_write(context);
        if may_read && let Poll::Ready(end) = self.poll_read(context) {
            return Poll::Ready(Some(end));
        }
        if before == (self.n_records(), self.takes_orders(), self.deadline) {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        if self.write_error.is_some() {
            return;
        }
        if let Poll::Ready(Err(error)) = self.poll_queue(context) {
            // The deadline is for a peer that neither takes anything nor says anything.
            self.deadline.get_or_insert(Instant::now() + CLOSE_TIME);
            self.write_error = Some(error);
            self.n_unsent = self.n_unsent();
            self.queue.clear();
            self.is_flushed = true;
        }
    }

    fn poll_queue(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.queue.is_empty() {
            futures_util::ready!(stream.as_mut().poll_ready(context))?;
            if let Some(message) = self.queue.pop_front() {
                self.is_flushed = false;
                stream.as_mut().start_send(message)?;
            }
        }
        if !self.is_flushed {
            futures_util::ready!(stream.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn n_records(&self) -> usize {
        self.stream.get_ref().records().len()
    }

    /// Ready at the end; pending when there is nothing to read now, or the tap holds enough for this turn.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let message = match futures_util::ready!(Pin::new(&mut self.stream).poll_next(context))
            {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(End::Broken(error)),
                None => return Poll::Ready(End::Over),
            };
            if let Message::Close(frame) = message {
                self.lawless_code = self.lawless_code.or_else(|| self.find_lawless_code());
                self.note_close(frame.as_ref(), By::Peer);
            }
            if self.tap().is_paused() {
                return Poll::Pending;
            }
        }
    }

    /// The code of the close frame that has just come, if it may not be there: the library gives us another one.
    fn find_lawless_code(&self) -> Option<u16> {
        if self.closed.is_some() {
            return None;
        }
        let records = self.stream.get_ref().records().iter().rev();
        let close = records
            .filter(|record| record.direction == Direction::In && record.payload.len() >= 2)
            .find_map(FrameRecord::close);
        close
            .map(|(code, _)| code)
            .filter(|code| !CloseCode::from(*code).is_allowed())
    }

    /// Tells a peer that broke the rules which one, if it still listens.
    async fn last_word(&mut self, error: &Error) {
        let Some(code) = broken_rule(error) else {
            return;
        };
        if self.closed.is_some() || self.write_error.is_some() {
            return;
        }
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::default(),
        };
        let said = time::timeout(
            LAST_WORD_TIME,
            self.stream.send(Message::Close(Some(frame))),
        );
        let is_said = matches!(said.await, Ok(Ok(())));
        tracing::debug!(is_said, "told the peer that it broke the rules");
    }

    fn explain(&mut self, end: &End) -> LinkEvent {
        let at = clock::now();
        if let Some(code) = self.lawless_code {
            return LinkEvent::Failed(LinkFailure {
                at,
                // The library answers it so by itself.
                step: LinkStep::Rule(CloseCode::Protocol.into()),
                causes: vec![format!(
                    "the peer closed with code {code}, which no close frame may carry"
                )],
            });
        }
        if let Some(closed) = self.closed.take() {
            return LinkEvent::Closed(Closed { at, ..closed });
        }
        let step = match end {
            End::Broken(error) => broken_rule(error).map(|code| LinkStep::Rule(code.into())),
            End::Over => None,
        };
        let mut causes = Vec::new();
        match (&self.write_error, end) {
            (_, End::Broken(error)) | (Some(error), End::Over) => {
                causes.extend(sentences(error));
            }
            (None, End::Over) => causes.push(NO_CLOSE_FRAME.to_owned()),
        }
        let incoming = self.stream.get_ref().incoming();
        if let Some((seen, length)) = incoming.unfinished() {
            causes.push(format!(
                "it ended inside a frame: {seen} of {length} bytes had come"
            ));
        }
        if incoming.unreadable_bytes() > 0 {
            causes.push(format!(
                "the last {} bytes that came cannot be read as frames",
                incoming.unreadable_bytes()
            ));
        }
        LinkEvent::Failed(LinkFailure {
            at,
            step: step.unwrap_or(LinkStep::Open),
            causes,
        })
    }
}

/// The close code for the rule that the peer broke, if that is what the error says.
fn broken_rule(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Us,
    Peer,
}

const NO_CLOSE_FRAME: &str = "the peer ended the connection without a close frame";

fn sentences(error: &Error) -> Vec<String> {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            vec![NO_CLOSE_FRAME.to_owned()]
        }
        Error::Protocol(error) => vec![format!("the peer broke the WebSocket protocol: {error}")],
        Error::Utf8(_) => vec!["the peer sent a text message that is not UTF-8".to_owned()],
        Error::Capacity(error) => vec![
            "the peer sent more than stagewire takes in one message".to_owned(),
            error.to_string(),
        ],
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => vec![
            format!(
                "nothing was heard of the peer for {} s, though it was asked: it, or the network, is gone",
                LOSS_TIME.as_secs()
            ),
            error.to_string(),
        ],
        Error::Io(error) => vec!["the connection broke".to_owned(), error.to_string()],
        other => vec![other.to_string()],
    }
}

/// A text message as the frames that API Gateway takes.
fn fragments(text: &Bytes) -> impl Iterator<Item = Message> + use<> {
    let text = text.clone();
    let ranges = frame::split(text.len());
    let n_ranges = ranges.len();
    ranges.into_iter().enumerate().map(move |(index, range)| {
        let data = if index == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let is_final = index + 1 == n_ranges;
        Message::Frame(Frame::message(
            text.slice(range),
            OpCode::Data(data),
            is_final,
        ))
    })
}

/// The reason, short enough for a control frame that also holds the code.
fn cut_reason(mut reason: String) -> String {
    let end = reason.floor_char_boundary(CONTROL_BYTES - 2);
    reason.truncate(end);
    reason
}
