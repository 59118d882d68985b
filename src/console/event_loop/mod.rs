//! The loop: events in, messages through `update`, one frame out.
//!
//! A person's acts come on a channel of their own and are taken first in every round, so that a flood of frames never
//! starves a key. A round applies a bounded batch and then draws at most once; nothing is drawn unless something was
//! applied. The loop knows the world only as a [`Host`], and runs the same in a test.

use std::{collections::VecDeque, io, time::Duration};

use crossterm::event::{KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::{Frame, Terminal, layout::Size};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};

use crate::{
    model::{Failure, FailureKind, Ticket},
    ui::{Effect, Message, effect, message::HostMessage},
};

use super::{
    canvas::{Canvas, Synchronized},
    decode::Decoded,
    input::Input,
    pace::{Pacer, Turn, Urgency},
    writer::Written,
};

/// A round takes messages from elsewhere for no longer than this before it draws and looks for keys again.
const ROUND: Duration = Duration::from_millis(8);

/// A round takes no more events than this, but for characters that are typed.
const EVENTS_PER_ROUND: usize = 4096;

/// A round takes no more typed characters than this. A frame costs the time that the text takes which it shows, so whoever
/// types much at once, as a paste without its marks does, is shown few of them.
const TYPED_PER_ROUND: usize = 65_536;

/// The longest time that the terminal may take to confirm the last frame before it is left.
const DRAINING: Duration = Duration::from_millis(500);

/// The longest wait for the stop that was asked for; a process that nobody could wake is not stopped by the system.
const STOPPING: Duration = Duration::from_millis(250);

/// The application that the loop drives.
pub(super) trait App {
    /// Takes a fact in and says what to ask of the world.
    fn update(&mut self, message: Message) -> Vec<Effect>;
    /// Draws.
    fn render(&mut self, frame: &mut Frame<'_>);
    /// Returns the pause after which the screen wants to know the time though nothing happens.
    fn next_tick(&self) -> Option<Duration>;
}

/// The world, as far as the loop needs it.
pub(super) trait Host {
    /// The time.
    fn now(&self) -> Timestamp;
    /// The terminal's size.
    fn size(&self) -> Size;
    /// Hands bytes to the terminal; `Event::Written` follows.
    fn write(&mut self, bytes: Vec<u8>);
    /// Gives the terminal to another program: nothing is read, and its modes are as they were.
    fn lend(&mut self);
    /// Takes the terminal back.
    fn take_back(&mut self) -> io::Result<()>;
    /// Stops the program as Ctrl-Z does; `Event::Continued` follows when it goes on.
    fn stop(&mut self);
    /// Opens the editor on the text, with the terminal lent; `Event::Edited` follows.
    fn edit(&mut self, ticket: Ticket, text: String);
    /// Puts the text on the clipboard and says by which way.
    fn copy(&mut self, text: &str) -> Result<&'static str, Failure>;
    /// Carries out an order to a link. What crosses it comes as messages.
    fn order_link(&mut self, order: effect::Link);
    /// Starts a job. The answers come as messages.
    fn order(&mut self, job: effect::Job);
}

/// An event at the terminal or in the process, or an act of a person.
#[derive(Debug)]
pub(super) enum Event {
    /// Something came from the terminal.
    Input(Input),
    /// Bytes for the terminal are out, or it is gone.
    Written(Written),
    /// The terminal's size may have changed.
    Resized,
    /// The process goes on after a stop.
    Continued,
    /// The process shall end.
    EndRequested,
    /// The process shall end, and its terminal is most likely gone.
    HungUp,
    /// A thread without which nothing can go on has panicked.
    Broken,
    /// Ctrl-C of a program that the terminal is lent to, or a signal sent by hand.
    Interrupted,
    /// The editor closed.
    Edited(Ticket, Result<String, Failure>),
    /// A thread of ours panicked; what it was doing is lost, the rest goes on.
    Panicked(String),
}

/// The reason why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The person wanted it.
    Wanted,
    /// A signal wanted it.
    Signalled,
    /// The signal that comes when the terminal goes; it may still be there.
    HungUp,
    /// A bug of ours.
    Broken,
    /// The terminal is gone.
    TerminalLost,
}

/// The program that has the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Us,
    Editor,
}

/// The loop and all it holds.
pub(super) struct EventLoop<A, H> {
    app: A,
    host: H,
    terminal: Terminal<Canvas>,
    pacer: Pacer,
    events: mpsc::UnboundedReceiver<Event>,
    inbox: mpsc::Receiver<Message>,
    /// Events that wait for their turn.
    postponed: VecDeque<Event>,
    /// The event that ends the loop: it waits for none of the others.
    end_requested: Option<Event>,
    urgency: Urgency,
    owner: Owner,
    tick: Option<Instant>,
    is_clock_set: bool,
    ending: Option<Ending>,
}

/// The manner in which the terminal wants its frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) synchronized: Synchronized,
    /// Bytes a second, where they are dear.
    pub(super) budget: Option<f64>,
}

impl<A: App, H: Host> EventLoop<A, H> {
    /// A loop that has not drawn yet, on a terminal that was just entered.
    pub(super) fn new(
        app: A,
        host: H,
        manner: Manner,
        events: mpsc::UnboundedReceiver<Event>,
        inbox: mpsc::Receiver<Message>,
    ) -> Self {
        let Ok(terminal) = Terminal::new(Canvas::new(host.size(), manner.synchronized));
        Self {
            app,
            host,
            terminal,
            pacer: Pacer::new(manner.budget),
            events,
            inbox,
            postponed: VecDeque::new(),
            end_requested: None,
            urgency: Urgency::Person,
            owner: Owner::Us,
            tick: None,
            is_clock_set: false,
            ending: None,
        }
    }

    /// Draws if it is time to; otherwise says when it will be, as far as that is known.
    pub(super) fn draw(&mut self) -> Option<Instant> {
        if self.urgency == Urgency::None || self.owner != Owner::Us {
            return None;
        }
        let now = Instant::now();
        match self.pacer.turn(now, self.urgency) {
            Turn::At(moment) => return Some(moment),
            Turn::AfterTerminal => return None,
            Turn::Now => {}
        }
        self.urgency = Urgency::None;
        let Ok(_) = self.terminal.draw(|frame| self.app.render(frame));
        let with_request = self.pacer.wants_answer();
        match self.terminal.backend_mut().take_frame(with_request) {
            Some(frame) => {
                self.pacer.sent(now, frame.len());
                self.host.write(frame);
            }
            None => self.pacer.unchanged(now),
        }
        None
    }

    /// Runs until the end, beginning with the effects that the start asked for. The terminal is quiet at the end, and
    /// nobody waits for an answer of it.
    pub(super) async fn run(&mut self, effects: Vec<Effect>) -> Ending {
        self.obey(effects).await;
        self.schedule();
        loop {
            if let Some(ending) = self.ending {
                if ending != Ending::TerminalLost && self.owner == Owner::Us {
                    self.drain().await;
                }
                // The terminal may have gone meanwhile.
                return self.ending.unwrap_or(ending);
            }
            let next_frame = self.draw();
            self.round(next_frame).await;
        }
    }

    /// Returns the host, which the loop leaves behind.
    pub(super) fn into_host(self) -> H {
        self.host
    }

    /// Waits for something to happen and applies what did.
    async fn round(&mut self, next_frame: Option<Instant>) {
        let wake = next_frame.into_iter().chain(self.tick).min();
        let mut first_message = None;
        if self.postponed.is_empty() && self.end_requested.is_none() {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => self.keep(event),
                Some(message) = self.inbox.recv() => first_message = Some(message),
                () = sleep_until(wake.unwrap_or_else(far_future)), if wake.is_some() => {}
            }
        }
        self.is_clock_set = false;
        let started = Instant::now();
        self.take_events().await;
        if let Some(message) = first_message {
            self.apply(message, Urgency::Data).await;
        }
        while self.ending.is_none() && started.elapsed() < ROUND {
            let Ok(message) = self.inbox.try_recv() else {
                break;
            };
            self.apply(message, Urgency::Data).await;
        }
        if self.tick.is_some_and(|tick| tick <= started) {
            self.set_clock().await;
        }
        if self.is_clock_set {
            self.schedule();
        }
    }

    async fn take_events(&mut self) {
        for _ in 0..EVENTS_PER_ROUND {
            self.keep_waiting();
            if let Some(end) = self.end_requested.take() {
                self.take(end).await;
                return;
            }
            let typed = self.postponed.iter().map_while(typing);
            let typed: Vec<KeyEvent> = typed.take(TYPED_PER_ROUND).collect();
            self.postponed.drain(..typed.len());
            let is_much = typed.len() == TYPED_PER_ROUND;
            self.take_typed(typed).await;
            if is_much {
                return;
            }
            let Some(event) = self.postponed.pop_front() else {
                return;
            };
            self.take(event).await;
            if self.ending.is_some() {
                return;
            }
        }
    }

    /// Keeps all events that have come.
    fn keep_waiting(&mut self) {
        for _ in 0..self.events.len() {
            if let Ok(event) = self.events.try_recv() {
                self.keep(event);
            }
        }
    }

    /// Keeps an event for its turn, or for the next moment if it ends the loop.
    fn keep(&mut self, event: Event) {
        match event {
            Event::EndRequested | Event::HungUp | Event::Broken => self.end_requested = Some(event),
            Event::Interrupted if self.owner == Owner::Us => self.end_requested = Some(event),
            _ => self.postponed.push_back(event),
        }
    }

    async fn take_typed(&mut self, keys: Vec<KeyEvent>) {
        let message = match keys.as_slice() {
            [] => return,
            [key] => Message::Key(*key),
            _ => Message::Typed(keys),
        };
        self.apply(message, Urgency::Person).await;
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Input(Input::Lost) => self.end(Ending::TerminalLost).await,
            Event::Written(Written::Lost(error)) => {
                tracing::info!(%error, "the terminal takes no more bytes");
                self.end(Ending::TerminalLost).await;
            }
            Event::Written(Written::Done) => self.pacer.written(),
            Event::Input(Input::Decoded(Decoded::Status)) => self.pacer.answered(),
            Event::Input(Input::Decoded(Decoded::Key(key))) => {
                self.apply(Message::Key(key), Urgency::Person).await;
            }
            Event::Input(Input::Decoded(Decoded::Paste(text))) => {
                self.apply(Message::Paste(text), Urgency::Person).await;
            }
            Event::Resized => self.resize().await,
            Event::Continued => {
                if self.owner == Owner::Us {
                    self.take_back().await;
                }
            }
            Event::Interrupted if self.owner == Owner::Editor => {}
            Event::EndRequested | Event::Interrupted => self.end(Ending::Signalled).await,
            Event::HungUp => self.end(Ending::HungUp).await,
            Event::Broken => self.end(Ending::Broken).await,
            Event::Edited(ticket, result) => {
                self.take_back().await;
                self.tell(HostMessage::Edited(ticket, result)).await;
            }
            Event::Panicked(text) => {
                let failure = Failure::new(FailureKind::Internal, "A part of stagewire failed")
                    .cause(text)
                    .hint("the rest goes on; the log has the details");
                self.tell(HostMessage::Noticed(failure)).await;
            }
        }
    }

    /// Ends the loop for a reason from outside, after what the app has to do before its end.
    async fn end(&mut self, ending: Ending) {
        self.tell(HostMessage::EndRequested).await;
        self.ending = Some(ending);
    }

    async fn tell(&mut self, message: HostMessage) {
        self.apply(Message::Host(message), Urgency::Person).await;
    }

    async fn apply(&mut self, message: Message, urgency: Urgency) {
        self.set_clock().await;
        self.urgency = self.urgency.max(urgency);
        let effects = self.app.update(message);
        self.obey(effects).await;
    }

    /// Puts the time in front of the round's messages.
    async fn set_clock(&mut self) {
        if self.is_clock_set {
            return;
        }
        self.is_clock_set = true;
        self.urgency = self.urgency.max(Urgency::Data);
        let effects = self.app.update(Message::Clock(self.host.now()));
        self.obey(effects).await;
    }

    fn schedule(&mut self) {
        self.tick = self.app.next_tick().map(|pause| Instant::now() + pause);
    }

    /// Does what is asked of the world. What concerns the terminal is done here, in its place between two frames.
    async fn obey(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Terminal(effect) => effects.extend(self.obey_here(effect).await),
                Effect::Link(effect) => self.host.order_link(effect),
                Effect::Job(effect) => self.host.order(effect),
            }
        }
    }

    /// Carries out what concerns the terminal. Returns what the app asks for because of it.
    async fn obey_here(&mut self, effect: effect::Terminal) -> Vec<Effect> {
        match effect {
            effect::Terminal::Quit => self.ending = Some(Ending::Wanted),
            effect::Terminal::Suspend => self.suspend().await,
            effect::Terminal::Redraw => {
                let Ok(()) = self.terminal.clear();
                self.urgency = Urgency::Person;
            }
            effect::Terminal::Edit(ticket, text) => {
                self.drain().await;
                self.owner = Owner::Editor;
                self.host.lend();
                self.host.edit(ticket, text);
            }
            effect::Terminal::Copy(ticket, text) => {
                let copied = HostMessage::Copied(ticket, self.host.copy(&text));
                return self.app.update(Message::Host(copied));
            }
        }
        Vec::new()
    }

    async fn suspend(&mut self) {
        self.drain().await;
        self.host.lend();
        self.host.stop();
        let deadline = Instant::now() + STOPPING;
        let goes_on = |event: &Event| matches!(event, Event::Continued);
        self.wait_for(deadline, goes_on).await;
        self.take_back().await;
    }

    async fn take_back(&mut self) {
        if let Err(error) = self.host.take_back() {
            tracing::info!(%error, "the terminal cannot be entered again");
            self.ending = Some(Ending::TerminalLost);
            return;
        }
        self.owner = Owner::Us;
        self.pacer.forget();
        self.terminal.backend_mut().forget_cursor();
        let Ok(()) = self.terminal.clear();
        self.urgency = Urgency::Person;
        self.resize().await;
    }

    async fn resize(&mut self) {
        let size = self.host.size();
        let canvas = self.terminal.backend_mut();
        if canvas.resize(size) {
            Box::pin(self.apply(Message::Resized(size.width, size.height), Urgency::Person)).await;
        }
    }

    /// Waits until the terminal has worked off the last frame, so that its answer does not land on somebody else's
    /// prompt. Does not wait long: a terminal that is stuck is left as it is.
    async fn drain(&mut self) {
        let deadline = Instant::now() + DRAINING;
        let is_of_terminal = |event: &Event| {
            matches!(
                event,
                Event::Written(_) | Event::Input(Input::Lost | Input::Decoded(Decoded::Status))
            )
        };
        while self.pacer.is_busy(Instant::now()) {
            match self.wait_for(deadline, is_of_terminal).await {
                Some(Event::Written(Written::Done)) => self.pacer.written(),
                Some(Event::Input(Input::Decoded(_))) => self.pacer.answered(),
                Some(_) => {
                    self.ending = Some(Ending::TerminalLost);
                    return;
                }
                None => return,
            }
        }
    }

    /// Waits for a certain event, and keeps those that come before it; none when it does not come in time.
    async fn wait_for(
        &mut self,
        deadline: Instant,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Option<Event> {
        if let Some(idx) = self.postponed.iter().position(&is_wanted) {
            return self.postponed.remove(idx);
        }
        while let Ok(Some(event)) = timeout_at(deadline, self.events.recv()).await {
            if is_wanted(&event) {
                return Some(event);
            }
            self.keep(event);
        }
        None
    }
}

/// A moment that does not come; the branch that would wait for it is switched off.
fn far_future() -> Instant {
    Instant::now() + Duration::from_hours(24)
}

/// The key, if it types a character and does nothing else.
fn typing(event: &Event) -> Option<KeyEvent> {
    match event {
        Event::Input(Input::Decoded(Decoded::Key(key))) => {
            let command = KeyModifiers::CONTROL | KeyModifiers::ALT;
            let types = key.code.as_char().is_some() && !key.modifiers.intersects(command);
            types.then_some(*key)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
