//! A form: labelled fields, one below the other, one of which has the keyboard.
//!
//! ```text
//! Description      ▸ add join route▏
//! Auto deploy        [off]  on
//! Rate, messages/s   account default
//! Burst, messages    x   ✗ a whole number, or nothing
//! ```
//!
//! The fields are described once, and the values are read back by the ids of the fields. A form draws itself and takes
//! keys. It knows no screen: whoever owns it decides what the values mean.

mod draw;
mod list;

use std::fmt::Debug;

use crossterm::event::KeyEvent;

use super::input::Input;
use crate::ui::Action;

use self::list::List;
pub use self::list::{FormChange, ListRow, Pick, TypedRow};

/// Labelled fields, known to their owner by ids of type `I`.
#[derive(Debug)]
pub struct Form<I> {
    fields: Vec<Field<I>>,
    focus: usize,
}

/// A labelled value.
#[derive(Debug)]
pub struct Field<I> {
    id: I,
    label: &'static str,
    entry: Entry,
    note: Option<Note>,
}

/// The value of a field, as far as it was entered.
#[derive(Debug)]
enum Entry {
    /// Any text; an empty one shows the hint.
    Text { input: Input, hint: String },
    /// A number; without any characters it is unset, which is not zero.
    Number { input: Input, limits: Number },
    /// One of a few words, side by side.
    Choice {
        words: &'static [&'static str],
        chosen: usize,
    },
    /// One of many rows, one below the other.
    List(List),
}

/// The kind of number that a field takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The meaning of a number that is unset, in words.
    pub unset: &'static str,
    /// True when there are no halves.
    pub is_whole: bool,
    /// The largest number.
    pub most: f64,
}

/// A remark beside a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The reason why the value cannot be taken.
    Refused(String),
    /// A consequence of the value.
    Warned(String),
}

/// The words of a switch.
const OFF_ON: &[&str] = &["off", "on"];

impl<I> Field<I> {
    fn new(id: I, label: &'static str, entry: Entry) -> Self {
        Self {
            id,
            label,
            entry,
            note: None,
        }
    }

    /// Makes a field for a text; the hint stands where the text is empty and the keyboard elsewhere.
    pub fn text(id: I, label: &'static str, text: &str, hint: impl Into<String>) -> Self {
        let input = Input::new(text);
        let hint = hint.into();
        Self::new(id, label, Entry::Text { input, hint })
    }

    /// Makes a field for a number that may be unset.
    pub fn number(id: I, label: &'static str, number: Option<f64>, limits: Number) -> Self {
        let number = number.map(|number| number.to_string());
        let input = Input::new(&number.unwrap_or_default());
        Self::new(id, label, Entry::Number { input, limits })
    }

    /// Makes a field for one of a few words; a word that is none of them means the first.
    pub fn choice(
        id: I,
        label: &'static str,
        chosen: &str,
        words: &'static [&'static str],
    ) -> Self {
        let chosen = words.iter().position(|word| *word == chosen).unwrap_or(0);
        Self::new(id, label, Entry::Choice { words, chosen })
    }

    /// Makes a field that is on or off.
    pub fn switch(id: I, label: &'static str, is_on: bool) -> Self {
        Self::choice(id, label, OFF_ON[usize::from(is_on)], OFF_ON)
    }

    /// Makes a field for one of the rows that [`Form::offer`] names, or for a text of one's own in the last row.
    pub fn list(id: I, label: &'static str, chosen: Option<String>, typed: TypedRow) -> Self {
        Self::new(id, label, Entry::List(List::new(chosen, typed)))
    }

    /// Returns the text field that characters go into now; none where they go nowhere.
    fn input(&self) -> Option<&Input> {
        match &self.entry {
            Entry::Text { input, .. } | Entry::Number { input, .. } => Some(input),
            Entry::List(list) => list.input(),
            Entry::Choice { .. } => None,
        }
    }

    fn input_mut(&mut self) -> Option<&mut Input> {
        match &mut self.entry {
            Entry::Text { input, .. } | Entry::Number { input, .. } => Some(input),
            Entry::List(list) => list.input_mut(),
            Entry::Choice { .. } => None,
        }
    }

    /// Returns the remark beside the field: the fault of its number comes first.
    fn remark(&self) -> Option<Note> {
        let fault = match &self.entry {
            Entry::Number { input, limits } => limits.read(input.text()).err(),
            _ => None,
        };
        fault.map(Note::Refused).or_else(|| self.note.clone())
    }
}

impl Number {
    /// Reads a number; none when the text is empty.
    ///
    /// # Errors
    /// Fails with the numbers that the field takes, in words.
    fn read(self, text: &str) -> Result<Option<f64>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let number = text.parse::<f64>().ok().filter(|_| is_plain);
        match number {
            None => Err(format!("{}, or nothing", self.kind())),
            Some(number) if self.is_whole && number.fract() != 0.0 => {
                Err(format!("{}, or nothing", self.kind()))
            }
            Some(number) if number > self.most => Err(format!("at most {}", self.most)),
            Some(number) => Ok(Some(number)),
        }
    }

    fn kind(self) -> &'static str {
        if self.is_whole {
            "a whole number"
        } else {
            "a number"
        }
    }
}

impl<I: Copy + PartialEq + Debug> Form<I> {
    /// Makes a form of these fields, the first of which has the keyboard.
    pub fn new(fields: Vec<Field<I>>) -> Self {
        Self { fields, focus: 0 }
    }

    fn field(&self, id: I) -> &Field<I> {
        let field = self.fields.iter().find(|field| field.id == id);
        field.expect("invariant: a form is asked for its own fields")
    }

    fn field_mut(&mut self, id: I) -> &mut Field<I> {
        let field = self.fields.iter_mut().find(|field| field.id == id);
        field.expect("invariant: a form is asked for its own fields")
    }

    /// Returns the text that was typed into a field.
    pub fn text(&self, id: I) -> &str {
        match &self.field(id).entry {
            Entry::Text { input, .. } | Entry::Number { input, .. } => input.text(),
            Entry::Choice { words, chosen } => words[*chosen],
            Entry::List(list) => list.typed_text(),
        }
    }

    /// Returns the number of a field; none when it is unset.
    ///
    /// # Errors
    /// Fails with the numbers that the field takes, in words.
    pub fn number(&self, id: I) -> Result<Option<f64>, String> {
        match &self.field(id).entry {
            Entry::Number { input, limits } => limits.read(input.text()),
            _ => Ok(None),
        }
    }

    /// True when a switch is on.
    pub fn is_on(&self, id: I) -> bool {
        self.text(id) == OFF_ON[1]
    }

    /// Returns the row of a list that is chosen.
    pub fn pick(&self, id: I) -> Pick<'_> {
        match &self.field(id).entry {
            Entry::List(list) => list.pick(),
            _ => Pick::Nothing,
        }
    }

    /// Chooses a row of a list by its name, now or when it comes.
    pub fn choose(&mut self, id: I, name: &str) {
        if let Entry::List(list) = &mut self.field_mut(id).entry {
            list.choose(name);
        }
    }

    /// Puts a text into a field; in a list, into its last row, which is chosen thereby.
    pub fn set_text(&mut self, id: I, text: &str) {
        match &mut self.field_mut(id).entry {
            Entry::List(list) => list.choose_typed(text),
            Entry::Text { input, .. } | Entry::Number { input, .. } => *input = Input::new(text),
            Entry::Choice { .. } => {}
        }
    }

    /// Takes the rows of a list as they are now.
    pub fn offer(&mut self, id: I, rows: Vec<ListRow>) {
        if let Entry::List(list) = &mut self.field_mut(id).entry {
            list.offer(rows);
        }
    }

    /// Puts a remark beside a field, in place of the one before.
    pub fn note(&mut self, id: I, note: Option<Note>) {
        self.field_mut(id).note = note;
    }

    /// Returns the first field whose value cannot be taken, with the reason.
    pub fn refusal(&self) -> Option<(I, String)> {
        self.fields.iter().find_map(|field| match field.remark() {
            Some(Note::Refused(reason)) => Some((field.id, format!("{}: {reason}", field.label))),
            _ => None,
        })
    }

    /// Returns the field that has the keyboard.
    pub fn focused(&self) -> I {
        self.fields[self.focus].id
    }

    /// Gives the keyboard to a field.
    pub fn focus(&mut self, id: I) {
        let at = self.fields.iter().position(|field| field.id == id);
        self.focus = at.unwrap_or(self.focus);
    }

    /// True when a character is typed into the field that has the keyboard.
    pub fn takes_text(&self) -> bool {
        self.fields[self.focus].input().is_some()
    }

    /// Takes a raw key, before the binding table does: characters and what edits them.
    pub fn key(&mut self, key: KeyEvent) -> FormChange {
        let field = &mut self.fields[self.focus];
        if let Entry::List(list) = &mut field.entry
            && list.begin(key)
        {
            return FormChange::Value;
        }
        let Some(input) = field.input_mut() else {
            return FormChange::None;
        };
        let before = input.text().to_owned();
        match input.key(key) {
            false => FormChange::None,
            true if input.text() == before => FormChange::Focus,
            true => FormChange::Value,
        }
    }

    /// Takes pasted text into the field that has the keyboard.
    pub fn paste(&mut self, text: &str) -> FormChange {
        match &mut self.fields[self.focus].entry {
            Entry::Text { input, .. } => input.paste(text),
            Entry::Number { input, .. } => input.paste(text.trim()),
            Entry::List(list) => list.paste(text.trim()),
            Entry::Choice { .. } => return FormChange::None,
        }
        FormChange::Value
    }

    /// Moves between the fields, or to another value of the field that has the keyboard.
    pub fn act(&mut self, action: Action) -> FormChange {
        let n_fields = self.fields.len();
        let last = n_fields - 1;
        match (action, &mut self.fields[self.focus].entry) {
            (Action::NextField, _) => self.focus = (self.focus + 1) % n_fields,
            (Action::PreviousField, _) => self.focus = (self.focus + last) % n_fields,
            (action, Entry::List(list)) => return list.act(action),
            (Action::NextValue, Entry::Choice { words, chosen }) => {
                *chosen = (*chosen + 1) % words.len();
                return FormChange::Value;
            }
            (Action::PreviousValue, Entry::Choice { words, chosen }) => {
                *chosen = (*chosen + words.len() - 1) % words.len();
                return FormChange::Value;
            }
            (Action::Up, _) => self.focus = self.focus.saturating_sub(1),
            (Action::Down, _) => self.focus = (self.focus + 1).min(last),
            (Action::First, _) => self.focus = 0,
            (Action::Last, _) => self.focus = last,
            _ => return FormChange::None,
        }
        FormChange::Focus
    }
}

#[cfg(test)]
mod tests;
