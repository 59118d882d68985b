//! Keys: bindings, the scopes in which they hold, and the reading and writing of chords.
//!
//! The table is in `table.rs`. The footer, the help, the palette, `stagewire keys` and the README are all derived from
//! the table.

mod scope;
mod table;

use std::sync::LazyLock;

use crokey::{KeyCombination, KeyCombinationFormat};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use self::scope::{Group, Scope};
use self::table::Row;
use super::{Action, glyphs::Glyphs};

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The scope in which the binding holds.
    pub scope: Scope,
    /// The chords, separated by spaces, any of which means the action; the first is the one that is shown.
    pub chords: &'static str,
    /// The action that the chords mean.
    pub action: Action,
    /// The action in one to three words.
    pub label: &'static str,
    /// The heading under which the help lists the binding.
    pub group: Group,
    /// The rank in a footer that gets narrower: a binding of a higher one stays longer, one of rank 0 is never there.
    pub bar: u8,
    /// The chords, the one that is shown first.
    pub combinations: Vec<KeyCombination>,
}

impl Binding {
    /// Returns the first chord as the footer shows it: short.
    pub fn short_chord(&self, glyphs: &Glyphs) -> String {
        let shown = self.combinations.first();
        shown.map_or_else(String::new, |chord| short(*chord, glyphs))
    }

    /// Returns the chord to show where `scope` holds: in a text field one that does not type a character.
    pub fn chord_for(&self, scope: Scope, glyphs: &Glyphs) -> String {
        let types = |chord: &KeyCombination| {
            let is_character = chord
                .codes
                .iter()
                .any(|code| matches!(code, KeyCode::Char(_)));
            is_character && (chord.modifiers - KeyModifiers::SHIFT).is_empty()
        };
        let mut chords = self.combinations.iter();
        chords
            .find(|chord| !(scope.is_text() && types(chord)))
            .map_or_else(|| self.short_chord(glyphs), |chord| short(*chord, glyphs))
    }

    /// Returns all chords as the help shows them.
    pub fn all_chords(&self, glyphs: &Glyphs) -> String {
        let chords = self.combinations.iter();
        let chords: Vec<String> = chords.map(|chord| short(*chord, glyphs)).collect();
        chords.join(" ")
    }
}

/// The binding table, its chords read.
static TABLE: LazyLock<Vec<Binding>> = LazyLock::new(|| table::ROWS.iter().map(read).collect());

fn read(row: &Row) -> Binding {
    let chords = row.chords.split(' ');
    Binding {
        scope: row.scope,
        chords: row.chords,
        action: row.action,
        label: row.label,
        group: row.group,
        bar: row.bar,
        combinations: chords
            .filter_map(|chord| crokey::parse(chord).ok())
            .map(normal)
            .collect(),
    }
}

/// Returns the binding table.
pub fn table() -> &'static [Binding] {
    &TABLE
}

/// Returns the bindings that hold where `scope` is the innermost, innermost scope first.
pub fn bindings(scope: Scope) -> impl Iterator<Item = &'static Binding> {
    scope
        .stack()
        .iter()
        .flat_map(|scope| table().iter().filter(move |row| row.scope == *scope))
}

/// Returns the action that a key means where `scope` is the innermost; none when it means none. A key that types a
/// character means that character in a text field.
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
        .find(|binding| binding.combinations.contains(&pressed))
        .map(|binding| binding.action)
}

/// Returns the binding that gives an action its keys where `scope` is the innermost.
pub fn binding_of(scope: Scope, action: Action) -> Option<&'static Binding> {
    bindings(scope).find(|binding| binding.action == action)
}

/// Returns the key of an action where `scope` is the innermost, to be named in a sentence: `d`, `Enter`, `^R`.
pub fn named(scope: Scope, action: Action) -> String {
    let binding = binding_of(scope, action);
    binding.map_or_else(String::new, |binding| {
        binding.chord_for(scope, &Glyphs::ASCII)
    })
}

/// Takes Shift away from all but letters and named keys: terminals disagree on whether `?` comes with it.
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
