//! One client's end of a WebSocket: reads its messages, writes what waits for it, and ends it in the way that API
//! Gateway would.
//!
//! One small task owns the socket. It is polled by hand rather than with `select!`, because its parts depend on each
//! other: what was written leaves once nothing more can be read (so that a burst is answered in few writes) or the
//! burst grew long (so that a client that never pauses cannot keep its own messages from leaving), and nothing is read
//! while too much waits to be written or answered (so that a slow client or backend holds its own sender back, and
//! nobody else).

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Sink, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    binary_watch::BinaryWatch,
    ending::{Ending, Parting},
    frames::{self, Fragments},
    outbox::Closing,
    registry::Connection,
};
use crate::{
    gateway::{
        data::{
            Plane,
            access_log::AUTHORIZE,
            gateway_response::{Refusal, ResponseType},
            integration::{
                failure::{Failure, Trouble},
                integrate::{self, BackendCall, Prepared},
            },
            message::{
                event::{Event, Kind},
                plan::{IntegrationPlan, Plan, RoutePlan},
                selection::Facts,
            },
        },
        outbound::BackendResponse,
        store::record::Serving,
    },
    model::limit,
};

/// Messages of one connection that wait for a backend at the same time.
const IN_FLIGHT: usize = 64;
/// Messages read in one go, before what was written must leave and other tasks get their turn.
const BURST: usize = 64;
/// GUESS: a ping counts as activity.
const PING_KEEPS_ALIVE: bool = true;
/// Bytes read at once. The buffer is held as long as the connection is.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes gathered before they are written.
const WRITE_BUFFER: usize = 8 * 1024;

/// Serves one client until its connection ends, and says how it ended.
pub(crate) async fn serve<S>(
    plane: &Arc<Plane>,
    connection: &Arc<Connection>,
    stream: S,
    already_read: Bytes,
) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = WebSocketStream::from_partially_read(
        BinaryWatch::new(stream, &already_read),
        already_read.into(),
        Role::Server,
        Some(config()),
    )
    .await;
    let opened = Instant::now();
    let (limits, timing) = plane.limits();
    let first = opened + limits.idle.min(limits.lifetime);
    let mut peer = Peer {
        plane,
        connection,
        socket,
        plan: None,
        sending: None,
        unflushed: false,
        burst: 0,
        opened,
        timing,
        active: opened,
        timer: Box::pin(sleep_until(first)),
    };
    let parting = loop {
        match poll_fn(|context| peer.poll(context)).await {
            Happened::Received(Message::Text(text)) => peer.route(text).await,
            Happened::Received(message) => {
                if let Some(parting) = peer.receive(message) {
                    break parting;
                }
            }
            Happened::Asked(closing) => break Parting::Asked(closing),
            Happened::TimeUp => break Parting::Asked(Closing::GOING_AWAY),
            Happened::BinaryBegun => break Parting::Refused(Closing::BINARY),
            Happened::Failed(error) => break Parting::of_error(&error),
            Happened::Ended => break Parting::Lost,
        }
    };
    // What only the end needs is kept out of the task, which is as large as the largest thing it may wait for.
    Box::pin(peer.end(parting)).await
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER + 2 * limit::FRAME_BYTES)
        .max_frame_size(Some(limit::FRAME_BYTES))
        .max_message_size(Some(limit::MESSAGE_BYTES))
}

pub(crate) struct Peer<'p, S> {
    pub(crate) plane: &'p Arc<Plane>,
    pub(crate) connection: &'p Arc<Connection>,
    pub(crate) socket: WebSocketStream<BinaryWatch<S>>,
    /// The deployment that the last message met.
    plan: Option<Arc<Plan>>,
    /// A message of which some frames are still to be written.
    sending: Option<Fragments>,
    unflushed: bool,
    /// Messages read since the task began its turn.
    burst: usize,
    opened: Instant,
    /// The time scale that the timer was set by.
    timing: u32,
    /// The time at which the last message passed.
    active: Instant,
    timer: Pin<Box<Sleep>>,
}

enum Happened {
    Received(Message),
    /// The gateway wants the connection closed.
    Asked(Closing),
    TimeUp,
    /// The client sent a part of a binary message, and no more for now.
    BinaryBegun,
    Failed(Error),
    Ended,
}

impl<S> Peer<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        self.connection.outbox.register(context.waker());
        if let Some(closing) = self.connection.outbox.closing() {
            return Poll::Ready(Happened::Asked(closing));
        }
        if self.poll_timer(context).is_ready() {
            return Poll::Ready(Happened::TimeUp);
        }
        if let Err(error) = self.write_waiting(context) {
            return Poll::Ready(Happened::Failed(error));
        }
        // At the start of a turn, for at its end the runtime may let no operation on the socket through any more.
        if self.burst == 0
            && let Err(error) = self.flush(context)
        {
            return Poll::Ready(Happened::Failed(error));
        }
        if self.connection.outbox.may_read(IN_FLIGHT) {
            if self.burst == BURST {
                context.waker().wake_by_ref();
            } else if let Poll::Ready(read) = self.socket.poll_next_unpin(context) {
                self.burst += 1;
                return Poll::Ready(match read {
                    Some(Ok(message)) => Happened::Received(message),
                    Some(Err(error)) => Happened::Failed(error),
                    None => Happened::Ended,
                });
            } else if self.socket.get_ref().binary_begun() {
                // All that came before has been answered.
                return Poll::Ready(Happened::BinaryBegun);
            }
        }
        self.burst = 0;
        match self.flush(context) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Happened::Failed(error)),
        }
    }

    /// Lets what was written leave, as far as the client takes it.
    fn flush(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Becomes ready when the connection was idle too long or has lived its life. The timer is not moved at every
    /// message; it goes off early and is set again, as it is when time begins to pass at another pace.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.timing != self.plane.timing() || self.timer.as_mut().poll(context).is_ready() {
            let (limits, timing) = self.plane.limits();
            let deadline = (self.opened + limits.lifetime).min(self.active + limits.idle);
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.timing = timing;
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Hands what waits to the socket, as long as it takes more. Ready once nothing waits.
    pub(crate) fn write_waiting(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, Error> {
        loop {
            match Pin::new(&mut self.socket).poll_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(Poll::Pending),
            }
            let Some(frame) = self.next_frame() else {
                return Ok(Poll::Ready(()));
            };
            Pin::new(&mut self.socket).start_send(frame)?;
            self.unflushed = true;
        }
    }

    fn next_frame(&mut self) -> Option<Message> {
        if let Some(frame) = self.sending.as_mut().and_then(Iterator::next) {
            return Some(frame);
        }
        let mut fragments = Fragments::new(self.connection.outbox.pop()?);
        let frame = fragments.next();
        self.sending = Some(fragments);
        self.connection.traffic.count_sent();
        self.touch();
        frame
    }

    fn touch(&mut self) {
        self.active = Instant::now();
        self.connection.touch();
    }

    /// Takes anything but a text; gives the way to part if it ends the connection.
    fn receive(&mut self, message: Message) -> Option<Parting> {
        match message {
            // SOURCE: developer guide, "Working with binary media types": WebSocket APIs take text only.
            Message::Binary(_) => Some(Parting::Refused(Closing::BINARY)),
            Message::Close(frame) => Some(Parting::Client(frame)),
            Message::Ping(_) if PING_KEEPS_ALIVE => {
                self.touch();
                None
            }
            Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
        }
    }

    /// Routes a message by what answers on its stage now.
    async fn route(&mut self, text: Utf8Bytes) {
        self.connection.traffic.count_received();
        self.touch();
        let connection = self.connection;
        let served = self
            .plane
            .store
            .answering(&connection.api_id, &connection.stage);
        let Ok(serving) = served else {
            // The stage is gone; that the connection must go too is on its way.
            return;
        };
        match &serving.snapshot {
            None => self.plan = None,
            Some(snapshot) if self.plan.as_ref().is_some_and(|plan| plan.is_of(snapshot)) => {}
            Some(snapshot) => {
                // Boxed, or the connection's task would hold room for it all its life.
                self.plan = Some(Box::pin(self.plane.plans.of(snapshot)).await);
            }
        }
        self.answer(text, serving);
    }

    /// Answers a message. What needs no backend is answered at once, the rest in a task of its own.
    fn answer(&self, text: Utf8Bytes, serving: Arc<Serving>) {
        let connection = self.connection;
        let kind = Kind::Message(OnceLock::new());
        let event = Event::new(Arc::clone(connection), serving, kind, text);
        let mut event = event.logged(&self.plane.access_logs);
        let plan = self.plan.as_ref();
        let Some(route) = plan.and_then(|plan| select(plan, &event).cloned()) else {
            self.refuse(&event, ResponseType::AccessDenied, "Forbidden");
            return;
        };
        event.routed(&route.key);
        if let Err(refusal) = self.admit(&event, &route) {
            self.refuse(&event, refusal.response, refusal.message);
            return;
        }
        let Some(integration) = &route.integration else {
            // GUESS: a route without an integration fails like one whose integration fails.
            self.refuse(
                &event,
                Trouble::Failed.response(),
                Trouble::Failed.message(),
            );
            return;
        };
        match integrate::prepare(integration, &event) {
            Prepared::Answered(outcome) => {
                if let Some(text) = reply(&route, integration, &event, outcome) {
                    connection.outbox.push(text);
                }
            }
            Prepared::Call(call) => {
                let call = if route.two_way {
                    call
                } else {
                    call.for_nobody()
                };
                let integration = Arc::clone(integration);
                self.call(call, route, integration, event);
            }
        }
    }

    /// Refuses a message that comes too fast, is not its sender's to send, or is not what its route takes.
    fn admit(&self, event: &Event, route: &RoutePlan) -> Result<(), RefusedMessage> {
        let connection = self.connection;
        let throttles = &self.plane.throttles;
        if !throttles.admit(&connection.api_id, &event.serving.stage, &route.key) {
            // GUESS: that a frame is sent, and its text.
            return Err(RefusedMessage {
                response: ResponseType::Throttled,
                message: "Too Many Requests",
            });
        }
        let caller = connection.caller();
        let began = Instant::now();
        if caller.is_some_and(|caller| !caller.may_invoke(|| event.resource(&route.key))) {
            // GUESS: that a frame is sent, and its text.
            let (response, message) = (ResponseType::AccessDenied, "Forbidden");
            let refusal = Refusal::new(response, message);
            event.attempted(&AUTHORIZE, began, Some(&refusal));
            return Err(RefusedMessage { response, message });
        }
        if let Some(validation) = &route.validation
            && let Err(reason) = validation.check(event)
        {
            tracing::warn!(connection = connection.id, route = route.key, %reason, "the message is refused");
            event.note("error.validationErrorString", || reason.to_string());
            return Err(RefusedMessage {
                response: ResponseType::BadRequestBody,
                message: "Bad request body",
            });
        }
        Ok(())
    }

    /// Tells the client why its message came to nothing.
    fn refuse(&self, event: &Event, response: ResponseType, message: &str) {
        event.refused(response.status(), response, Some(message));
        let notice = frames::notice(message, &self.connection.id, event.request_id());
        self.connection.outbox.push(Bytes::from(notice));
    }

    fn call(
        &self,
        call: BackendCall,
        route: Arc<RoutePlan>,
        integration: Arc<IntegrationPlan>,
        event: Event,
    ) {
        let plane = Arc::clone(self.plane);
        let in_flight = InFlight::begin(self.connection);
        self.plane.spawn(async move {
            let outcome = integrate::complete(call, &integration, &event, &plane).await;
            let text = reply(&route, &integration, &event, outcome);
            // Its line is in the access log before the client has its answer.
            drop(event);
            if let Some(text) = text {
                in_flight.0.outbox.push(text);
            }
            // Dropping this last lets the peer see the reply when it is woken.
            drop(in_flight);
        });
    }
}

/// The answer to a message that reaches no integration.
struct RefusedMessage {
    response: ResponseType,
    message: &'static str,
}

/// A call on behalf of a connection, counted until it ends in whatever way.
struct InFlight(Arc<Connection>);

impl InFlight {
    fn begin(connection: &Arc<Connection>) -> InFlight {
        connection.outbox.begin_call();
        InFlight(Arc::clone(connection))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.outbox.end_call();
    }
}

/// Returns the route that a message selects.
fn select<'p>(plan: &'p Plan, event: &Event) -> Option<&'p Arc<RoutePlan>> {
    if !plan.selection.reads_body() {
        return plan.route_of_message(plan.selection.evaluate(Facts::default()).as_deref());
    }
    // SOURCE: developer guide, "Overview of WebSocket APIs": what is not JSON goes to `$default`.
    let Some(body) = event.json() else {
        return plan.route("$default");
    };
    let facts = Facts {
        body: Some(body),
        response: None,
    };
    plan.route_of_message(plan.selection.evaluate(facts).as_deref())
}

/// Returns what the client gets after an integration ran: its answer on a two-way route, a notice if it failed, else
/// nothing.
///
/// SOURCE: reported of AWS: an answer without a body is an empty message. GUESS: of other integrations than Lambda's too.
fn reply(
    route: &RoutePlan,
    integration: &IntegrationPlan,
    event: &Event,
    outcome: Result<BackendResponse, Failure>,
) -> Option<Bytes> {
    let trouble = match outcome {
        Ok(_) if !route.two_way => return None,
        Ok(reply) if std::str::from_utf8(&reply.body).is_err() => {
            tracing::warn!(route = route.key, "the integration's answer is not text");
            Trouble::Failed
        }
        Ok(reply) if reply.body.len() > limit::MESSAGE_BYTES => {
            tracing::warn!(
                route = route.key,
                "the integration's answer is longer than a message"
            );
            Trouble::Failed
        }
        Ok(reply) => return Some(reply.body),
        Err(failure) if failure.trouble == Trouble::NoResponse && !route.two_way => return None,
        Err(failure) => {
            log_failure(route, integration, event, &failure);
            failure.trouble
        }
    };
    event.failed(trouble);
    let notice = frames::notice(trouble.message(), &event.connection.id, event.request_id());
    Some(Bytes::from(notice))
}

/// Tells both logs why an integration failed.
pub(crate) fn log_failure(
    route: &RoutePlan,
    integration: &IntegrationPlan,
    event: &Event,
    failure: &Failure,
) {
    event.note("integrationErrorMessage", || failure.to_string());
    tracing::warn!(
        api = event.serving.api_id,
        stage = event.serving.stage.stage_name,
        route = route.key,
        integration = integration.id,
        connection = event.connection.id,
        reason = %failure,
        "an integration failed"
    );
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex, time::Duration};

    use futures_util::SinkExt;
    use tokio::io::ReadBuf;

    use super::*;
    use crate::gateway::data::fixture;

    /// A client that always has another message, up to a number of them, and takes all that it is sent.
    #[derive(Clone, Default)]
    struct Flood(Arc<Mutex<Flooded>>);

    #[derive(Default)]
    struct Flooded {
        read: usize,
        /// The amount that had been read when something was written.
        written_at: Option<usize>,
    }

    impl AsyncRead for Flood {
        fn poll_read(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let mut state = self.0.lock().unwrap();
            if state.read < 100_000 {
                state.read += 1;
                buffer.put_slice(b"\x81\x81\0\0\0\0x");
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Flood {
        fn poll_write(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            written: &[u8],
        ) -> Poll<io::Result<usize>> {
            let mut state = self.0.lock().unwrap();
            let read = state.read;
            state.written_at.get_or_insert(read);
            Poll::Ready(Ok(written.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_client_that_never_pauses_still_gets_its_messages_and_lets_others_run() {
        let plane = fixture::plane();
        let connection = Arc::clone(&fixture::message_event("").connection);
        let flood = Flood::default();
        let read = || flood.0.lock().unwrap().read;
        let serving = serve(&plane, &connection, flood.clone(), Bytes::new());
        let posting = async {
            tokio::task::yield_now().await;
            connection.outbox.post(Bytes::from("post")).await.unwrap();
            read()
        };
        let (ending, posted_at) = tokio::join!(serving, posting);
        assert_eq!(ending, Ending::LOST);
        let written_at = flood.0.lock().unwrap().written_at.unwrap();
        assert!(
            posted_at <= 2 * BURST && written_at <= posted_at + BURST,
            "{posted_at} {written_at}"
        );
    }

    /// The end that says something now and then.
    #[derive(Debug, Clone, Copy)]
    enum Speaker {
        Nobody,
        Gateway,
        /// The client, with a ping.
        Client,
    }

    /// Returns the lifetime of a connection on which one end says something every so often, and its ending.
    async fn life(speaker: Speaker, every: Duration) -> (Duration, Ending) {
        let plane = fixture::plane();
        let connection = Arc::clone(&fixture::message_event("").connection);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let began = Instant::now();
        let serving = serve(&plane, &connection, ours, Bytes::new());
        let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let (mut sink, mut stream) = client.split();
        let speaking = async {
            loop {
                tokio::time::sleep(every).await;
                match speaker {
                    Speaker::Nobody => {}
                    // Once it ends it takes no more.
                    Speaker::Gateway => drop(connection.outbox.post(Bytes::from("post")).await),
                    Speaker::Client => drop(sink.send(Message::Ping(Bytes::new())).await),
                }
            }
        };
        let reading = async {
            while let Some(Ok(message)) = stream.next().await {
                // SOURCE: the gateway never pings of itself.
                assert!(!message.is_ping());
            }
            std::future::pending::<()>().await;
        };
        let ending = tokio::select! {
            ending = serving => ending,
            () = speaking => unreachable!(),
            () = reading => unreachable!(),
        };
        (began.elapsed(), ending)
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_of_silence_and_two_hours_of_life_are_the_end() {
        let going_away =
            |ending: &Ending| (ending.code, ending.reason.as_ref()) == (1001, "Going away");
        // Until the client has done its part of the close, or was given up on.
        let patience = Duration::from_secs(4);
        for (speaker, every, minutes) in [
            (Speaker::Nobody, 570, 10),
            (Speaker::Gateway, 601, 10),
            // SOURCE: what the gateway sends counts as activity; services keep connections so.
            (Speaker::Gateway, 570, 120),
            (Speaker::Client, 601, 10),
            (Speaker::Client, 570, 120),
        ] {
            let (lived, ending) = life(speaker, Duration::from_secs(every)).await;
            let limit = Duration::from_mins(minutes);
            assert!(
                (limit..limit + patience).contains(&lived),
                "{speaker:?} {every}: {lived:?}"
            );
            assert!(going_away(&ending), "{ending:?}");
        }
    }
}
