//! The real loop on a screen model, with the world played by a few channels.

use std::{cell::RefCell, rc::Rc};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::text::Line;

use super::*;

/// Counts what it is told, and says it on the screen.
#[derive(Debug, Default)]
struct Counter {
    log: Rc<RefCell<Vec<Message>>>,
    n_renders: Rc<RefCell<usize>>,
    tick: Option<Duration>,
    shown: String,
    /// Asks for the end of the loop at the next Enter.
    ends: Rc<RefCell<Option<mpsc::UnboundedSender<Event>>>>,
}

impl App for Counter {
    fn update(&mut self, message: Message) -> Vec<Effect> {
        self.log.borrow_mut().push(message.clone());
        match message {
            Message::Key(key) => self.key(key.code),
            Message::Typed(keys) => keys
                .into_iter()
                .flat_map(|key| self.key(key.code))
                .collect(),
            Message::Paste(text) | Message::Host(HostMessage::Edited(_, Ok(text))) => {
                self.shown = text;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn render(&mut self, frame: &mut Frame<'_>) {
        *self.n_renders.borrow_mut() += 1;
        frame.render_widget(Line::from(self.shown.as_str()), frame.area());
    }

    fn next_tick(&self) -> Option<Duration> {
        self.tick
    }
}

impl Counter {
    fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Char('q') => vec![Effect::Terminal(effect::Terminal::Quit)],
            KeyCode::Char('z') => vec![Effect::Terminal(effect::Terminal::Suspend)],
            KeyCode::Char('e') => vec![Effect::Terminal(effect::Terminal::Edit(
                Ticket(1),
                "draft".into(),
            ))],
            KeyCode::Char('y') => vec![Effect::Terminal(effect::Terminal::Copy(
                Ticket(2),
                "text".into(),
            ))],
            KeyCode::Char('c') => vec![Effect::Job(effect::Job::Cancel(Ticket(3)))],
            KeyCode::Char(character) => {
                self.shown.push(character);
                Vec::new()
            }
            KeyCode::Enter => {
                if let Some(events) = self.ends.take() {
                    events.send(Event::EndRequested).unwrap();
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

/// An act of the loop on the world.
#[derive(Debug, Clone, PartialEq)]
enum Deed {
    Wrote(Vec<u8>),
    Lent,
    TookBack,
    Stopped,
    Ordered(Effect),
    Editing(String),
}

#[derive(Debug)]
struct FakeHost {
    deeds: Rc<RefCell<Vec<Deed>>>,
    size: Rc<RefCell<Size>>,
    events: mpsc::UnboundedSender<Event>,
    /// Says at once that bytes are out, and answers requests.
    is_prompt: bool,
}

impl Host for FakeHost {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn size(&self) -> Size {
        *self.size.borrow()
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if self.is_prompt {
            self.send(Event::Written(Written::Done));
            if bytes.ends_with(b"\x1b[5n") {
                self.send(Event::Input(Input::Decoded(Decoded::Status)));
            }
        }
        self.deeds.borrow_mut().push(Deed::Wrote(bytes));
    }

    fn lend(&mut self) {
        self.deeds.borrow_mut().push(Deed::Lent);
    }

    fn take_back(&mut self) -> io::Result<()> {
        self.deeds.borrow_mut().push(Deed::TookBack);
        Ok(())
    }

    fn stop(&mut self) {
        self.deeds.borrow_mut().push(Deed::Stopped);
        self.send(Event::Continued);
    }

    fn edit(&mut self, ticket: Ticket, text: String) {
        self.send(Event::Interrupted);
        self.send(Event::Edited(ticket, Ok(format!("{text}, edited"))));
        self.deeds.borrow_mut().push(Deed::Editing(text));
    }

    fn copy(&mut self, _text: &str) -> Result<&'static str, Failure> {
        Ok("OSC 52")
    }

    fn order_link(&mut self, order: effect::Link) {
        let ordered = Deed::Ordered(Effect::Link(order));
        self.deeds.borrow_mut().push(ordered);
    }

    fn order(&mut self, job: effect::Job) {
        self.deeds
            .borrow_mut()
            .push(Deed::Ordered(Effect::Job(job)));
    }
}

impl FakeHost {
    fn send(&self, event: Event) {
        self.events.send(event).unwrap();
    }
}

struct World {
    event_loop: EventLoop<Counter, FakeHost>,
    events: mpsc::UnboundedSender<Event>,
    inbox: mpsc::Sender<Message>,
    deeds: Rc<RefCell<Vec<Deed>>>,
    size: Rc<RefCell<Size>>,
    log: Rc<RefCell<Vec<Message>>>,
    n_renders: Rc<RefCell<usize>>,
}

impl World {
    fn new() -> Self {
        Self::with(Counter::default(), true)
    }

    fn with(app: Counter, is_prompt: bool) -> Self {
        let (events, event_queue) = mpsc::unbounded_channel();
        let (inbox, inbox_queue) = mpsc::channel(64);
        let deeds = Rc::default();
        let size = Rc::new(RefCell::new(Size::new(40, 2)));
        let host = FakeHost {
            deeds: Rc::clone(&deeds),
            size: Rc::clone(&size),
            events: events.clone(),
            is_prompt,
        };
        let manner = Manner {
            synchronized: Synchronized::Marked,
            budget: None,
        };
        let (log, n_renders) = (Rc::clone(&app.log), Rc::clone(&app.n_renders));
        Self {
            event_loop: EventLoop::new(app, host, manner, event_queue, inbox_queue),
            events,
            inbox,
            deeds,
            size,
            log,
            n_renders,
        }
    }

    fn key(&self, character: char) {
        let key = KeyEvent::from(KeyCode::Char(character));
        self.input(Input::Decoded(Decoded::Key(key)));
    }

    fn input(&self, input: Input) {
        self.events.send(Event::Input(input)).unwrap();
    }

    async fn run(&mut self) -> Ending {
        self.event_loop.run(Vec::new()).await
    }

    fn deeds(&self) -> Vec<Deed> {
        let deeds = self.deeds.borrow();
        let is_other = |deed: &&Deed| !matches!(deed, Deed::Wrote(_));
        deeds.iter().filter(is_other).cloned().collect()
    }

    fn frames(&self) -> Vec<Vec<u8>> {
        let deeds = self.deeds.borrow();
        let frames = deeds.iter().filter_map(|deed| match deed {
            Deed::Wrote(bytes) => Some(bytes.clone()),
            _ => None,
        });
        frames.collect()
    }

    fn screen(&self) -> String {
        let mut parser = vt100::Parser::new(2.try_into().unwrap(), 40.try_into().unwrap(), 0);
        for frame in self.frames() {
            parser.process(&frame);
        }
        parser.screen().contents()
    }
}

#[tokio::test(start_paused = true)]
async fn keys_change_the_screen_and_quit_ends_it() {
    let mut world = World::new();
    world.event_loop.draw();
    world.key('a');
    world.key('b');
    tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            world
                .events
                .send(Event::Input(Input::Decoded(Decoded::Key(
                    KeyCode::Char('q').into(),
                ))))
                .unwrap();
        },
        async {
            assert_eq!(world.event_loop.run(Vec::new()).await, Ending::Wanted);
        }
    );
    assert_eq!(world.screen(), "ab");
}

#[tokio::test(start_paused = true)]
async fn the_time_comes_before_every_batch() {
    let mut world = World::new();
    world.key('a');
    world.key('q');
    world.run().await;
    let log = world.log.borrow();
    assert_eq!(log[0], Message::Clock(Timestamp::UNIX_EPOCH));
    assert!(matches!(log[1], Message::Typed(_)), "one clock a batch");
}

#[tokio::test(start_paused = true)]
async fn characters_that_come_together_are_told_together_and_commands_apart() {
    let mut world = World::new();
    world.key('a');
    world.key('b');
    world.input(Input::Decoded(Decoded::Key(KeyCode::Enter.into())));
    world.key('q');
    world.run().await;
    let keys = |characters: &str| {
        let keys = characters.chars().map(|c| KeyCode::Char(c).into());
        Message::Typed(keys.collect())
    };
    let log = world.log.borrow();
    assert_eq!(log[1], keys("ab"));
    assert_eq!(log[2], Message::Key(KeyCode::Enter.into()));
    assert_eq!(log[3], Message::Key(KeyCode::Char('q').into()));
}

#[tokio::test(start_paused = true)]
async fn an_idle_loop_draws_and_writes_nothing() {
    let mut world = World::new();
    world.event_loop.draw();
    let idle = tokio::time::timeout(Duration::from_hours(1), world.event_loop.run(Vec::new()));
    assert!(idle.await.is_err());
    assert_eq!(*world.n_renders.borrow(), 1);
    assert!(world.frames().is_empty(), "an empty screen needs no bytes");
    assert!(world.log.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn ticks_come_only_while_they_are_wanted() {
    let app = Counter {
        tick: Some(Duration::from_millis(100)),
        ..Counter::default()
    };
    let mut world = World::with(app, true);
    let second = tokio::time::timeout(Duration::from_secs(1), world.event_loop.run(Vec::new()));
    assert!(second.await.is_err());
    let n_ticks = world.log.borrow().len();
    assert!((9..=10).contains(&n_ticks), "{n_ticks}");
}

#[tokio::test]
async fn a_flood_never_starves_a_key() {
    let mut world = World::new();
    let flood = world.inbox.clone();
    let flooding =
        tokio::spawn(async move { while flood.send(Message::Resized(1, 1)).await.is_ok() {} });
    let quitter = world.events.clone();
    let quitting = tokio::spawn(async move {
        tokio::task::yield_now().await;
        let key = Decoded::Key(KeyCode::Char('q').into());
        quitter.send(Event::Input(Input::Decoded(key))).unwrap();
    });
    let ended = tokio::time::timeout(Duration::from_secs(20), world.run()).await;
    assert_eq!(ended, Ok(Ending::Wanted));
    quitting.await.unwrap();
    flooding.abort();
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_takes_no_bytes_gets_one_frame_and_the_loop_goes_on() {
    let mut world = World::with(Counter::default(), false);
    for character in "abcdef".chars() {
        world.key(character);
    }
    let waiting = tokio::time::timeout(Duration::from_mins(1), world.event_loop.run(Vec::new()));
    assert!(waiting.await.is_err());
    for character in "ghi".chars() {
        world.key(character);
    }
    let waiting = tokio::time::timeout(Duration::from_mins(1), world.event_loop.run(Vec::new()));
    assert!(waiting.await.is_err());
    assert_eq!(world.frames().len(), 1);
    let log = world.log.borrow();
    let n_keys = |message: &Message| match message {
        Message::Key(_) => 1,
        Message::Typed(keys) => keys.len(),
        _ => 0,
    };
    assert_eq!(log.iter().map(n_keys).sum::<usize>(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_lost_terminal_ends_the_loop_at_once() {
    let mut world = World::new();
    world.input(Input::Lost);
    assert_eq!(world.run().await, Ending::TerminalLost);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_goes_while_the_last_frame_is_awaited_is_not_waited_for() {
    let app = Counter {
        shown: "something".into(),
        ..Counter::default()
    };
    let mut world = World::with(app, false);
    world.event_loop.draw();
    world.events.send(Event::EndRequested).unwrap();
    world.input(Input::Lost);
    let start = Instant::now();
    assert_eq!(world.run().await, Ending::TerminalLost);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_end_is_told_and_obeyed() {
    let mut world = World::new();
    world.events.send(Event::EndRequested).unwrap();
    assert_eq!(world.run().await, Ending::Signalled);
    let log = world.log.borrow();
    assert!(log.contains(&Message::Host(HostMessage::EndRequested)));
}

#[tokio::test(start_paused = true)]
async fn a_request_to_end_does_not_wait_for_what_was_typed_before_it() {
    let mut world = World::new();
    for _ in 0..100_000 {
        world.key('a');
    }
    world.events.send(Event::EndRequested).unwrap();
    assert_eq!(world.run().await, Ending::Signalled);
    let log = world.log.borrow();
    assert!(!log.iter().any(|it| matches!(it, Message::Typed(_))));
}

#[tokio::test(start_paused = true)]
async fn lines_that_come_at_once_let_a_request_to_end_through_between_two_of_them() {
    let app = Counter::default();
    let ends = Rc::clone(&app.ends);
    let mut world = World::with(app, true);
    ends.replace(Some(world.events.clone()));
    for _ in 0..1000 {
        world.key('a');
        world.input(Input::Decoded(Decoded::Key(KeyCode::Enter.into())));
    }
    assert_eq!(world.run().await, Ending::Signalled);
    let log = world.log.borrow();
    let enter = Message::Key(KeyCode::Enter.into());
    let n_lines = log.iter().filter(|it| **it == enter).count();
    assert_eq!(n_lines, 1);
}

#[tokio::test(start_paused = true)]
async fn much_that_is_typed_at_once_is_drawn_few_times() {
    let mut world = World::new();
    for _ in 0..200_000 {
        world.key('a');
    }
    world.key('q');
    world.run().await;
    assert!(*world.n_renders.borrow() <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_hangup_is_told_apart_from_other_signals() {
    let mut world = World::new();
    world.events.send(Event::HungUp).unwrap();
    assert_eq!(world.run().await, Ending::HungUp);
    let log = world.log.borrow();
    assert!(log.contains(&Message::Host(HostMessage::EndRequested)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_the_terminal_away_and_draws_anew() {
    let mut world = World::new();
    world.key('a');
    world.key('z');
    let rest = tokio::time::timeout(Duration::from_secs(1), world.event_loop.run(Vec::new()));
    assert!(rest.await.is_err());
    assert_eq!(world.deeds(), [Deed::Lent, Deed::Stopped, Deed::TookBack]);
    let last = world.frames().pop().unwrap();
    let text = String::from_utf8(last).unwrap();
    assert!(text.contains("\x1b[2J") && text.contains('a'), "{text:?}");
}

#[tokio::test(start_paused = true)]
async fn an_editor_has_the_terminal_until_it_closes() {
    let mut world = World::new();
    world.key('e');
    let rest = tokio::time::timeout(Duration::from_secs(1), world.event_loop.run(Vec::new()));
    assert!(
        rest.await.is_err(),
        "an interrupt meant for the editor ends nothing"
    );
    assert_eq!(
        world.deeds(),
        [Deed::Lent, Deed::Editing("draft".into()), Deed::TookBack]
    );
    assert_eq!(world.screen(), "draft, edited");
}

#[tokio::test(start_paused = true)]
async fn a_new_size_is_told_once_and_drawn() {
    let mut world = World::new();
    world.key('a');
    *world.size.borrow_mut() = Size::new(30, 2);
    world.events.send(Event::Resized).unwrap();
    world.events.send(Event::Resized).unwrap();
    let rest = tokio::time::timeout(Duration::from_secs(1), world.event_loop.run(Vec::new()));
    assert!(rest.await.is_err());
    let log = world.log.borrow();
    let n_told = log
        .iter()
        .filter(|message| **message == Message::Resized(30, 2))
        .count();
    assert_eq!(n_told, 1);
    drop(log);
    assert_eq!(world.screen(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_answered_and_other_orders_are_passed_on() {
    let mut world = World::new();
    world.key('y');
    world.key('c');
    world.key('q');
    world.run().await;
    let copied = Message::Host(HostMessage::Copied(Ticket(2), Ok("OSC 52")));
    assert!(world.log.borrow().contains(&copied));
    assert_eq!(
        world.deeds(),
        [Deed::Ordered(Effect::Job(effect::Job::Cancel(Ticket(3))))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_elsewhere_is_a_notice() {
    let mut world = World::new();
    world
        .events
        .send(Event::Panicked("index out of bounds".into()))
        .unwrap();
    world.key('q');
    world.run().await;
    let log = world.log.borrow();
    assert!(log.iter().any(|message| matches!(
        message,
        Message::Host(HostMessage::Noticed(failure)) if failure.causes == ["index out of bounds"]
    )));
}
