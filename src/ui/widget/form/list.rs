//! A field with rows to choose from, the last of which takes a text of one's own.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::ui::{Action, widget::input::Input};

/// The effect of a key or a text on a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormChange {
    /// None: it was not for the form.
    None,
    /// The cursor or the focus moved, or stayed where it cannot move on.
    Focus,
    /// A value is another one now.
    Value,
}

/// A row that one can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Its name, which tells it from the others.
    pub name: String,
    /// A remark on it.
    pub note: String,
    /// True for one to be careful with.
    pub is_dangerous: bool,
}

/// The last row, for a text of one's own.
#[derive(Debug, Clone, Copy)]
pub struct TypedRow {
    /// Its title.
    pub title: &'static str,
    /// The text to stand there before anything was typed.
    pub hint: &'static str,
    /// True for a character that begins such a text, wherever in the list it is typed.
    pub begins: fn(char) -> bool,
}

/// The choice in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick<'a> {
    /// None was made.
    Nothing,
    /// The row of that name.
    Row(&'a str),
    /// The last row, with the text that was typed.
    Typed(&'a str),
}

/// The rows, and the one that is chosen.
#[derive(Debug)]
pub(super) struct List {
    pub(super) rows: Vec<ListRow>,
    pub(super) typed: TypedRow,
    pub(super) input: Input,
    chosen: Chosen,
}

/// The chosen row; one that is named may not be there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Chosen {
    Nothing,
    Row(String),
    Typed,
}

impl List {
    pub(super) fn new(chosen: Option<String>, typed: TypedRow) -> Self {
        Self {
            rows: Vec::new(),
            typed,
            input: Input::default(),
            chosen: chosen.map_or(Chosen::Nothing, Chosen::Row),
        }
    }

    pub(super) fn offer(&mut self, rows: Vec<ListRow>) {
        self.rows = rows;
    }

    pub(super) fn pick(&self) -> Pick<'_> {
        match &self.chosen {
            Chosen::Nothing => Pick::Nothing,
            Chosen::Row(name) => Pick::Row(name),
            Chosen::Typed => Pick::Typed(self.input.text()),
        }
    }

    pub(super) fn choose(&mut self, name: &str) {
        self.chosen = Chosen::Row(name.to_owned());
        // It was typed in full: the row says it from now on.
        if self.input.text() == name {
            self.input.clear();
        }
    }

    pub(super) fn choose_typed(&mut self, text: &str) {
        self.chosen = Chosen::Typed;
        self.input = Input::new(text);
    }

    pub(super) fn typed_text(&self) -> &str {
        self.input.text()
    }

    pub(super) fn input(&self) -> Option<&Input> {
        (self.chosen == Chosen::Typed).then_some(&self.input)
    }

    pub(super) fn input_mut(&mut self) -> Option<&mut Input> {
        (self.chosen == Chosen::Typed).then_some(&mut self.input)
    }

    /// Returns the number of rows, the last one included.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + 1
    }

    /// Returns the place of the chosen row; the first where that row is not there.
    pub(super) fn place(&self) -> usize {
        match &self.chosen {
            Chosen::Nothing => 0,
            Chosen::Row(name) => {
                let mut rows = self.rows.iter();
                rows.position(|row| row.name == *name).unwrap_or(0)
            }
            Chosen::Typed => self.rows.len(),
        }
    }

    /// Begins the text of the last row from another row; true when the key is a character that may.
    pub(super) fn begin(&mut self, key: KeyEvent) -> bool {
        let command = KeyModifiers::CONTROL | KeyModifiers::ALT;
        let KeyCode::Char(character) = key.code else {
            return false;
        };
        let may = (self.typed.begins)(character) && !key.modifiers.intersects(command);
        if !may || self.chosen == Chosen::Typed {
            return false;
        }
        self.choose_typed("");
        self.input.key(key)
    }

    /// Pastes into the last row; what was typed there from another row before gives way.
    pub(super) fn paste(&mut self, text: &str) {
        if self.chosen != Chosen::Typed {
            self.choose_typed("");
        }
        self.input.paste(text);
    }

    /// Moves to another row. A text that was typed stays where it was typed.
    pub(super) fn act(&mut self, action: Action) -> FormChange {
        let at = self.place();
        let last = self.rows.len();
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => (at + 1).min(last),
            Action::First => 0,
            Action::Last => last,
            _ => return FormChange::None,
        };
        if to == at || self.rows.is_empty() {
            return FormChange::Focus;
        }
        self.chosen = match self.rows.get(to) {
            Some(row) => Chosen::Row(row.name.clone()),
            None => Chosen::Typed,
        };
        FormChange::Value
    }
}
