//! Keys: what a binding is, which bindings hold where, and how chords are read and written.
//!
//! The table is in `table.rs`. The footer, the help, the palette, `stagewire keys` and the README are all derived from it.

mod table;

use crokey::{KeyCombination, KeyCombinationFormat};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Action, glyphs::Glyphs};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// The chords, separated by spaces, any of which means the action; the first is the one that is shown.
    pub chords: &'static str,
    /// What they mean.
    pub action: Action,
    /// The action in one to three words.
    pub label: &'static str,
    /// Under which heading the help lists it.
    pub group: Group,
    /// How long it stays in a footer that gets narrower: higher stays longer, 0 is never there.
    pub bar: u8,
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Whatever has the keyboard, text fields and modals included.
    Anywhere,
    /// Every screen that does not show a text field.
    Global,
    /// Every list.
    List,
    /// Every text that scrolls.
    Text,
    /// The target picker.
    Targets,
    /// The list of APIs.
    Apis,
    /// The Stages tab of an API.
    Stages,
    /// The Routes tab of an API.
    Routes,
    /// The tabs of an API.
    Api,
    /// What one can do to an API: on the screens that have one.
    Subject,
    /// The frames of the Live screen.
    Live,
    /// What is inside a frame, on the Live screen.
    Inspector,
    /// The composer of the Live screen.
    Composer,
    /// The filter line of a list while one types in it.
    FilterLine,
    /// Menus.
    Menu,
    /// The deploy dialog with the stage list, in which typing names a new stage.
    Deploy,
    /// The same while comparing the draft first takes long: one may wait for that.
    DeploySlow,
    /// A text field of the deploy dialog.
    DeployField,
    /// The deploy dialog while it asks; any key but Enter takes the question back.
    DeployQuestion,
    /// The deploy dialog while it runs.
    DeployRun,
    /// The deploy dialog after a deploy that failed.
    DeployFailed,
    /// A question.
    Confirm,
    /// A failure.
    Failure,
    /// The list of keys.
    Help,
    /// The palette and the pickers: a text field above a list.
    Palette,
    /// The log of notices.
    Log,
}

/// A heading of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What can be done here.
    Here,
    /// Deploying and watching.
    Stage,
    /// Links and messages.
    Live,
    /// Moving about.
    Move,
    /// Lists and texts.
    List,
    /// The program.
    Program,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Here,
        Self::Stage,
        Self::Live,
        Self::List,
        Self::Move,
        Self::Program,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Here => "Here",
            Self::Stage => "Deploy and watch",
            Self::Live => "Frames and messages",
            Self::Move => "Move",
            Self::List => "Lists",
            Self::Program => "Program",
        }
    }
}

impl Scope {
    /// Every scope that a screen or modal can name as its own, for tests and for `stagewire keys`.
    pub const LEAVES: [Self; 20] = [
        Self::Targets,
        Self::Apis,
        Self::Stages,
        Self::Routes,
        Self::Live,
        Self::Inspector,
        Self::Composer,
        Self::FilterLine,
        Self::Menu,
        Self::Deploy,
        Self::DeploySlow,
        Self::DeployField,
        Self::DeployQuestion,
        Self::DeployRun,
        Self::DeployFailed,
        Self::Confirm,
        Self::Failure,
        Self::Help,
        Self::Palette,
        Self::Log,
    ];

    /// The scopes that hold where this one is the innermost, innermost first.
    pub fn stack(self) -> &'static [Self] {
        match self {
            Self::Targets => &[Self::Targets, Self::List, Self::Global, Self::Anywhere],
            Self::Apis => &[
                Self::Apis,
                Self::Subject,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Stages => &[
                Self::Stages,
                Self::Subject,
                Self::Api,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Routes => &[
                Self::Routes,
                Self::Subject,
                Self::Api,
                Self::List,
                Self::Global,
                Self::Anywhere,
            ],
            Self::Live => &[Self::Live, Self::Global, Self::Anywhere],
            Self::Inspector => &[Self::Inspector, Self::Text, Self::Anywhere],
            Self::Composer => &[Self::Composer, Self::Anywhere],
            Self::FilterLine => &[Self::FilterLine, Self::Anywhere],
            Self::Menu => &[Self::Menu, Self::Anywhere],
            Self::Deploy => &[Self::Deploy, Self::Anywhere],
            Self::DeploySlow => &[Self::DeploySlow, Self::Deploy, Self::Anywhere],
            Self::DeployField => &[Self::DeployField, Self::Anywhere],
            Self::DeployQuestion => &[Self::DeployQuestion, Self::Anywhere],
            Self::DeployRun => &[Self::DeployRun, Self::Text, Self::Anywhere],
            Self::DeployFailed => &[Self::DeployFailed, Self::Text, Self::Anywhere],
            Self::Confirm => &[Self::Confirm, Self::Anywhere],
            Self::Failure => &[Self::Failure, Self::Text, Self::Anywhere],
            Self::Help => &[Self::Help, Self::Text, Self::Anywhere],
            Self::Palette => &[Self::Palette, Self::Anywhere],
            Self::Log => &[Self::Log, Self::Text, Self::Anywhere],
            Self::Anywhere => &[Self::Anywhere],
            Self::Global => &[Self::Global, Self::Anywhere],
            Self::List => &[Self::List, Self::Global, Self::Anywhere],
            Self::Text => &[Self::Text, Self::Anywhere],
            Self::Api => &[Self::Api, Self::Global, Self::Anywhere],
            Self::Subject => &[Self::Subject, Self::Global, Self::Anywhere],
        }
    }

    /// True where a character is never a command: it is typed into a text field, or takes a question back.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Composer
                | Self::FilterLine
                | Self::DeployField
                | Self::DeployQuestion
                | Self::Palette
        )
    }

    /// Where it holds, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Anywhere => "everywhere",
            Self::Global => "every screen",
            Self::List => "lists",
            Self::Text => "long texts",
            Self::Targets => "targets",
            Self::Apis => "APIs",
            Self::Stages => "API, stages",
            Self::Routes => "API, routes",
            Self::Api => "API",
            Self::Subject => "APIs and stages",
            Self::Live => "live, frames",
            Self::Inspector => "live, inspector",
            Self::Composer => "live, composer",
            Self::FilterLine => "filter line",
            Self::Menu => "menus",
            Self::Deploy => "deploy dialog",
            Self::DeploySlow => "deploy dialog, slow to compare",
            Self::DeployField => "deploy dialog, text field",
            Self::DeployQuestion => "deploy dialog, question",
            Self::DeployRun => "deploy dialog, running",
            Self::DeployFailed => "deploy dialog, failed",
            Self::Confirm => "questions",
            Self::Failure => "failures",
            Self::Help => "help",
            Self::Palette => "palette and pickers",
            Self::Log => "log",
        }
    }
}

impl Binding {
    /// The chords, the one that is shown first.
    pub fn combinations(&self) -> impl Iterator<Item = KeyCombination> {
        self.chords
            .split(' ')
            .filter_map(|chord| crokey::parse(chord).ok())
            .map(normal)
    }

    /// The first chord as the footer shows it: short.
    pub fn short_chord(&self, glyphs: &Glyphs) -> String {
        self.combinations()
            .next()
            .map(|chord| short(chord, glyphs))
            .unwrap_or_default()
    }

    /// The chord to show where `scope` holds: in a text field one that does not type a character.
    pub fn chord_for(&self, scope: Scope, glyphs: &Glyphs) -> String {
        let types = |chord: &KeyCombination| {
            let is_character = chord
                .codes
                .iter()
                .any(|code| matches!(code, KeyCode::Char(_)));
            is_character && (chord.modifiers - KeyModifiers::SHIFT).is_empty()
        };
        self.combinations()
            .find(|chord| !(scope.is_text() && types(chord)))
            .map_or_else(|| self.short_chord(glyphs), |chord| short(chord, glyphs))
    }

    /// All chords as the help shows them.
    pub fn all_chords(&self, glyphs: &Glyphs) -> String {
        let chords: Vec<String> = self
            .combinations()
            .map(|chord| short(chord, glyphs))
            .collect();
        chords.join(" ")
    }
}

/// The binding table.
pub fn table() -> &'static [Binding] {
    table::TABLE
}

/// The bindings that hold where `scope` is the innermost, innermost scope first.
pub fn bindings(scope: Scope) -> impl Iterator<Item = &'static Binding> {
    scope
        .stack()
        .iter()
        .flat_map(|scope| table().iter().filter(move |row| row.scope == *scope))
}

/// What a key means where `scope` is the innermost. A key that types a character means that character in a text field.
pub fn lookup(scope: Scope, key: KeyEvent) -> Option<Action> {
    let types = matches!(key.code, KeyCode::Char(_))
        && !key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    if types && scope.is_text() {
        return None;
    }
    let pressed = normal(KeyCombination::from(key));
    bindings(scope)
        .find(|binding| binding.combinations().any(|chord| chord == pressed))
        .map(|binding| binding.action)
}

/// The binding that gives an action its keys where `scope` is the innermost.
pub fn binding_of(scope: Scope, action: Action) -> Option<&'static Binding> {
    bindings(scope).find(|binding| binding.action == action)
}

/// Terminals disagree on whether `?` comes with Shift: only letters and named keys keep it.
fn normal(chord: KeyCombination) -> KeyCombination {
    let chord = chord.normalized();
    let is_sign = chord
        .codes
        .iter()
        .all(|code| matches!(code, KeyCode::Char(c) if !c.is_alphabetic()));
    if is_sign {
        KeyCombination::new(chord.codes, chord.modifiers - KeyModifiers::SHIFT)
    } else {
        chord
    }
}

fn short(chord: KeyCombination, glyphs: &Glyphs) -> String {
    let plain = chord.modifiers.is_empty();
    match chord.codes {
        crokey::OneToThree::One(KeyCode::Enter) if plain => glyphs.enter.to_owned(),
        crokey::OneToThree::One(KeyCode::Up) if plain => glyphs.up.to_owned(),
        crokey::OneToThree::One(KeyCode::Down) if plain => glyphs.down.to_owned(),
        crokey::OneToThree::One(KeyCode::Left) if plain => glyphs.left.to_owned(),
        crokey::OneToThree::One(KeyCode::Right) if plain => glyphs.right.to_owned(),
        crokey::OneToThree::One(KeyCode::PageUp) if plain => "PgUp".to_owned(),
        crokey::OneToThree::One(KeyCode::PageDown) if plain => "PgDn".to_owned(),
        crokey::OneToThree::One(KeyCode::BackTab) => "S-Tab".to_owned(),
        crokey::OneToThree::One(KeyCode::Char('-')) if plain => "-".to_owned(),
        crokey::OneToThree::One(KeyCode::Char(c)) if chord.modifiers == KeyModifiers::CONTROL => {
            format!("^{}", c.to_ascii_uppercase())
        }
        _ => KeyCombinationFormat::default()
            .with_implicit_shift()
            .with_control("^")
            .to_string(chord),
    }
}
