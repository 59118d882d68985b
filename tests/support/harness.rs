//! The screen without a terminal: keys go into the real `update`, the real `render` draws on cells, and answers of the
//! world come from the test.

use std::{borrow::Borrow, collections::HashMap, fmt::Write as _};

use crossterm::event::{KeyCode, KeyEvent};
use jiff::{SignedDuration, Timestamp};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Style};
use stagewire::{
    model::{
        Api, ApiDetail, ApiId, Draft, DraftReading, Failure, Part, StagesReading, Target, Ticket,
        pace::ReadProgress,
        plan::{DeployFailure, DeployPlan, DeployProgress, Deployed},
    },
    ui::{
        self, Appearance, Effect, Message, Setup, State,
        effect::{self, Job},
        library::Manner,
        message::{Connected, DeployMessage, HostMessage, LibraryMessage, Recalled},
    },
};

/// When every test begins.
pub(crate) const START: &str = "2026-11-21T12:00:00Z";

/// The sizes at which every state has a picture.
const SIZES: [(u16, u16); 2] = [(100, 30), (60, 20)];

/// A screen to drive; methods chain.
#[derive(Debug)]
pub(crate) struct Harness {
    /// The state, for what has no other way.
    pub(crate) state: State,
    /// What was asked of the world and not answered yet.
    pub(crate) effects: Vec<Effect>,
    size: (u16, u16),
}

impl Harness {
    /// A screen that starts on this target; none starts in the target picker.
    pub(crate) fn new(target: Option<Target>) -> Self {
        Self::with(target, &Appearance::default())
    }

    /// The same on a terminal that can show less.
    pub(crate) fn with(target: Option<Target>, appearance: &Appearance) -> Self {
        let mut state = State::new(Setup {
            now: START.parse().unwrap(),
            target,
            appearance: *appearance,
            production: vec!["prod*".to_owned()],
            log_path: None,
        });
        let effects = ui::start(&mut state);
        let mut harness = Self {
            state,
            effects,
            size: (100, 30),
        };
        harness.draw();
        harness
    }

    /// The terminal has another size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.size = (width, height);
        self.update(Message::Resized(width, height))
    }

    /// A message, and the frame that is drawn after it.
    pub(crate) fn update(&mut self, message: Message) -> &mut Self {
        let effects = ui::update(&mut self.state, message);
        self.effects.extend(effects);
        self.draw();
        self
    }

    /// Presses keys, each as in the binding table, separated by spaces.
    #[track_caller]
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ') {
            let chord = crokey::parse(key).unwrap();
            let crokey::OneToThree::One(code) = chord.codes else {
                panic!("{key} is several keys");
            };
            let code = match code {
                // A terminal sends the capital letter along with Shift.
                KeyCode::Char(c) if key.starts_with("shift-") => {
                    KeyCode::Char(c.to_ascii_uppercase())
                }
                code => code,
            };
            self.update(Message::Key(KeyEvent::new(code, chord.modifiers)));
        }
        self
    }

    /// Types text, a key a character.
    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            self.update(Message::Key(KeyEvent::from(KeyCode::Char(character))));
        }
        self
    }

    /// Pastes text.
    pub(crate) fn pastes(&mut self, text: &str) -> &mut Self {
        self.update(Message::Paste(text.to_owned()))
    }

    /// So many milliseconds pass.
    pub(crate) fn passes(&mut self, ms: i64) -> &mut Self {
        let now: Timestamp = self.state.look.now + SignedDuration::from_millis(ms);
        self.update(Message::Clock(now))
    }

    /// Fails when the screen wants to know the time although nothing on it moves but ages, the first of which changes
    /// after 10 s.
    #[track_caller]
    pub(crate) fn is_still(&self) {
        let wait = ui::next_tick(&self.state);
        assert!(
            wait.is_none_or(|wait| wait.as_secs() >= 5),
            "it wants the time in {wait:?}"
        );
    }

    /// Takes the first effect that `pick` knows, as its ticket.
    #[track_caller]
    fn answered<T>(&mut self, pick: impl Fn(&Effect) -> Option<T>) -> T {
        let found = self
            .effects
            .iter()
            .enumerate()
            .find_map(|(idx, effect)| pick(effect).map(|answer| (idx, answer)));
        let Some((idx, answer)) = found else {
            panic!("nobody asked; the effects are {:?}", self.effects);
        };
        self.effects.remove(idx);
        answer
    }

    /// Answers the question for targets.
    #[track_caller]
    pub(crate) fn targets(&mut self, result: Result<Vec<Target>, Failure>) -> &mut Self {
        let ticket = self.answered(|effect| match effect {
            Effect::Job(Job::LoadTargets(ticket)) => Some(*ticket),
            _ => None,
        });
        self.library(LibraryMessage::TargetsLoaded(ticket, result))
    }

    /// Says that the target that was asked for is in force.
    #[track_caller]
    pub(crate) fn connected(&mut self) -> &mut Self {
        self.connected_with(Manner::default())
    }

    /// The same for a target that takes calls in this manner.
    #[track_caller]
    pub(crate) fn connected_with(&mut self, manner: Manner) -> &mut Self {
        self.reconnected(manner, None)
    }

    /// The same for one of which an earlier run has read something.
    #[track_caller]
    pub(crate) fn reconnected(
        &mut self,
        manner: Manner,
        recalled: Option<Box<Recalled>>,
    ) -> &mut Self {
        let (ticket, target) = self.answered(target_change);
        let connected = Connected {
            target,
            manner,
            recalled,
        };
        self.library(LibraryMessage::TargetChanged(ticket, Ok(connected)))
    }

    /// Says that the target that was asked for is of no use.
    #[track_caller]
    pub(crate) fn refused(&mut self, failure: Failure) -> &mut Self {
        let (ticket, _) = self.answered(target_change);
        self.library(LibraryMessage::TargetChanged(ticket, Err(failure)))
    }

    /// Answers the question for APIs.
    #[track_caller]
    pub(crate) fn apis(&mut self, result: Result<Vec<Api>, Failure>) -> &mut Self {
        let ticket = self.answered(|effect| match effect {
            Effect::Job(Job::LoadApis(ticket, _)) => Some(*ticket),
            _ => None,
        });
        self.library(LibraryMessage::ApisLoaded(ticket, result))
    }

    /// The ticket of the question who serves what in an API.
    #[track_caller]
    pub(crate) fn asked_for(&mut self, id: &ApiId) -> Ticket {
        self.answered(|effect| match effect {
            Effect::Job(Job::ReadStages(ticket, asked, _)) if asked == id => Some(*ticket),
            _ => None,
        })
    }

    /// The ticket of the question for an API's draft, if there is one.
    pub(crate) fn asked_for_draft(&mut self, id: &ApiId) -> Option<Ticket> {
        let asks = |effect: &Effect| matches!(effect, Effect::Job(Job::ReadDraft(_, asked, ..)) if asked == id);
        // The one before was given up.
        let idx = self.effects.iter().rposition(asks)?;
        match self.effects.remove(idx) {
            Effect::Job(Job::ReadDraft(ticket, ..)) => Some(ticket),
            _ => None,
        }
    }

    /// Answers the questions for an API: who serves what, and the draft if somebody asked for it.
    #[track_caller]
    pub(crate) fn api(&mut self, detail: impl Borrow<ApiDetail>) -> &mut Self {
        let detail = detail.borrow();
        self.stages(detail).draft(detail)
    }

    /// Answers the question who serves what in an API.
    #[track_caller]
    pub(crate) fn stages(&mut self, detail: &ApiDetail) -> &mut Self {
        let id = detail.api.id.clone();
        let ticket = self.asked_for(&id);
        let reading = StagesReading {
            stages: self.dated(&detail.stages),
            deployments: self.dated(&detail.deployments),
            held: detail.held.clone(),
        };
        self.library(LibraryMessage::StagesRead(
            ticket,
            id,
            Box::new(Ok(reading)),
        ))
    }

    /// Answers the question for an API's draft, if somebody asked.
    pub(crate) fn draft(&mut self, detail: &ApiDetail) -> &mut Self {
        let id = detail.api.id.clone();
        let Some(ticket) = self.asked_for_draft(&id) else {
            return self;
        };
        let now = self.state.look.now;
        let reading = DraftReading {
            api: Part::read(Some(detail.api.clone()), now),
            routes: self.dated(&detail.routes),
            integrations: self.dated(&detail.integrations),
            authorizers: self.dated(&detail.authorizers),
            models: self.dated(&detail.models),
            draft: detail.draft.clone().map(|draft| Draft {
                as_of: now,
                until: now,
                ..draft
            }),
        };
        self.library(LibraryMessage::DraftRead(ticket, id, Box::new(Ok(reading))))
    }

    /// Says how far the reading of a draft is that somebody asked for.
    #[track_caller]
    pub(crate) fn draft_progresses(&mut self, progress: ReadProgress) -> &mut Self {
        self.reading_progresses(progress, |effect| match effect {
            Effect::Job(Job::ReadDraft(ticket, ..)) => Some(*ticket),
            _ => None,
        })
    }

    /// Says how far the reading is that the last effect of that kind asked for.
    #[track_caller]
    pub(crate) fn reading_progresses(
        &mut self,
        progress: ReadProgress,
        asked: impl Fn(&Effect) -> Option<Ticket>,
    ) -> &mut Self {
        let Some(ticket) = self.effects.iter().rev().find_map(asked) else {
            panic!("nobody asked for that: {:?}", self.effects);
        };
        self.library(LibraryMessage::ReadingProgressed(ticket, progress))
    }

    /// A part as if it were read now; one that could not be stays so.
    fn dated<T: Clone>(&self, part: &Part<T>) -> Part<T> {
        Part {
            as_of: part.as_of.map(|_| self.state.look.now),
            ..part.clone()
        }
    }

    /// Answers the questions for an API with a failure.
    #[track_caller]
    pub(crate) fn api_fails(&mut self, id: &ApiId, failure: Failure) -> &mut Self {
        let ticket = self.asked_for(id);
        let result = Box::new(Err(failure.clone()));
        self.library(LibraryMessage::StagesRead(ticket, id.clone(), result));
        if let Some(ticket) = self.asked_for_draft(id) {
            let result = Box::new(Err(failure));
            self.library(LibraryMessage::DraftRead(ticket, id.clone(), result));
        }
        self
    }

    /// A message about data.
    pub(crate) fn library(&mut self, message: LibraryMessage) -> &mut Self {
        self.update(Message::Library(message))
    }

    /// Answers the last question for a plan with what `plan` makes of the request.
    #[track_caller]
    pub(crate) fn planned(
        &mut self,
        plan: impl Fn(stagewire::model::plan::DeployRequest) -> Result<DeployPlan, Failure>,
    ) -> &mut Self {
        let (ticket, request) = self.answered(|effect| match effect {
            Effect::Job(Job::PlanDeploy(ticket, request, _)) => Some((*ticket, request.clone())),
            _ => None,
        });
        let result = Box::new(plan(request));
        self.update(Message::Deploy(DeployMessage::Planned(ticket, result)))
    }

    /// The deploy that was ordered, by ticket and plan; it stays to be answered.
    #[track_caller]
    pub(crate) fn deploying(&self) -> (Ticket, DeployPlan) {
        let order = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Job(Job::Deploy(ticket, plan)) => Some((*ticket, (**plan).clone())),
            Effect::Job(Job::FinishDeploy(ticket, left)) => Some((*ticket, (*left.plan).clone())),
            _ => None,
        });
        order.unwrap_or_else(|| panic!("nothing is deploying: {:?}", self.effects))
    }

    /// A step of the deploy moves on.
    #[track_caller]
    pub(crate) fn progresses(&mut self, progress: DeployProgress) -> &mut Self {
        let (ticket, _) = self.deploying();
        let message = DeployMessage::Progressed(ticket, progress);
        self.update(Message::Deploy(message))
    }

    /// The deploy is over.
    #[track_caller]
    pub(crate) fn finishes(&mut self, result: Result<Deployed, DeployFailure>) -> &mut Self {
        let (ticket, _) = self.deploying();
        self.effects.retain(|effect| {
            !matches!(effect, Effect::Job(Job::Deploy(t, _) | Job::FinishDeploy(t, _)) if *t == ticket)
        });
        let message = DeployMessage::Finished(ticket, Box::new(result));
        self.update(Message::Deploy(message))
    }

    /// The text that was put on the clipboard last, as copied.
    #[track_caller]
    pub(crate) fn copied(&mut self) -> String {
        let (ticket, text) = self.answered(|effect| match effect {
            Effect::Terminal(effect::Terminal::Copy(ticket, text)) => Some((*ticket, text.clone())),
            _ => None,
        });
        self.update(Message::Host(HostMessage::Copied(ticket, Ok("OSC 52"))));
        text
    }

    /// Draws at the size of the terminal, and gives the cells.
    pub(crate) fn draw(&mut self) -> Buffer {
        let (buffer, geometry) = picture(&self.state, self.size);
        self.state.place(geometry);
        buffer
    }

    /// The screen as text.
    pub(crate) fn text(&mut self) -> String {
        text(&self.draw())
    }

    /// Fails when the text is not on the screen.
    #[track_caller]
    pub(crate) fn shows(&mut self, wanted: &str) -> &mut Self {
        let screen = self.text();
        assert!(screen.contains(wanted), "{wanted:?} is not on\n{screen}");
        self
    }

    /// Fails when the text is on the screen.
    #[track_caller]
    pub(crate) fn hides(&mut self, unwanted: &str) -> &mut Self {
        let screen = self.text();
        assert!(!screen.contains(unwanted), "{unwanted:?} is on\n{screen}");
        self
    }

    /// Compares the screen with the stored ones, text and style, at 100x30 and at 60x20: the terminal is given each of
    /// these sizes and then its own again, so that no state can have a picture at one of them only.
    #[track_caller]
    pub(crate) fn snapshot(&mut self, name: &str) -> &mut Self {
        let own = self.size;
        for size in SIZES {
            self.store(name, size);
        }
        self.resize(own.0, own.1)
    }

    /// The same at a size of which only this picture is taken, because the state looks so at no other.
    #[track_caller]
    pub(crate) fn snapshot_only_at(&mut self, name: &str, size: (u16, u16)) -> &mut Self {
        assert!(!SIZES.contains(&size), "{name} needs both sizes");
        let own = self.size;
        self.store(name, size);
        self.resize(own.0, own.1)
    }

    #[track_caller]
    fn store(&mut self, name: &str, (width, height): (u16, u16)) {
        let buffer = self.resize(width, height).draw();
        store(&format!("{name}_{width}x{height}"), &buffer, &self.state);
    }

    /// The rows of the screen.
    pub(crate) fn rows(&mut self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }
}

/// Compares cells with the stored ones, text and style.
#[track_caller]
fn store(name: &str, buffer: &Buffer, state: &State) {
    let picture = format!("{}\n\n{}", text(buffer), styles(buffer, state));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../screens/snapshots");
    settings.bind(|| insta::assert_snapshot!(name, picture));
}

fn target_change(effect: &Effect) -> Option<(Ticket, Target)> {
    match effect {
        Effect::Job(Job::ChangeTarget(ticket, target)) => Some((*ticket, target.clone())),
        _ => None,
    }
}

/// Draws the state on a terminal of that size.
pub(crate) fn picture(state: &State, (width, height): (u16, u16)) -> (Buffer, ui::Geometry) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut geometry = ui::Geometry::default();
    terminal
        .draw(|frame| geometry = ui::render(state, frame))
        .unwrap();
    (terminal.backend().buffer().clone(), geometry)
}

/// The cells as text, a row a line.
pub(crate) fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let rows = (0..area.height).map(|y| {
        let mut row = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            let width = unicode_width::UnicodeWidthStr::width(symbol).max(1);
            x += u16::try_from(width).unwrap();
        }
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// For each row which role stands where; borders and plain text are left out.
fn styles(buffer: &Buffer, state: &State) -> String {
    let roles = state.look.theme.roles();
    let mut styles = String::new();
    let mut known: HashMap<Style, String> = HashMap::new();
    for y in 0..buffer.area.height {
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        for x in 0..buffer.area.width {
            let style = buffer[(x, y)].style();
            let name = known
                .entry(style)
                .or_insert_with(|| role(style, &roles))
                .clone();
            match runs.last_mut() {
                Some((_, end, last)) if *last == name && *end == x => *end = x + 1,
                _ => runs.push((x, x + 1, name)),
            }
        }
        runs.retain(|(_, _, name)| name != "text" && name != "border");
        if !runs.is_empty() {
            write!(styles, "{y:>2}:").unwrap();
            for (start, end, name) in runs {
                write!(styles, " {start}-{} {name}", end - 1).unwrap();
            }
            styles.push('\n');
        }
    }
    styles
}

/// The role whose style this is, or the two of which the second lies on the first.
fn role(style: Style, roles: &[(&'static str, Style)]) -> String {
    let is = |wanted: Style| {
        let full = Style::reset().patch(wanted);
        (full.fg, full.bg, full.add_modifier) == (style.fg, style.bg, style.add_modifier)
    };
    if let Some((name, _)) = roles.iter().find(|(_, wanted)| is(*wanted)) {
        return (*name).to_owned();
    }
    for (below, base) in roles {
        for (above, found) in roles {
            if is(base.patch(*found)) {
                return format!("{above}/{below}");
            }
        }
    }
    "other".to_owned()
}
