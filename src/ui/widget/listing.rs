//! A list: the rows that pass the filter, in the order in force, one of them selected by its id, some of them in view.
//!
//! A [`Rows`] describes the items of a list; [`Listing::follow`] goes through the items once a message, and all else
//! reads the rows that it found.

use std::{borrow::Cow, cmp::Reverse, ops::Range};

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::input::Input;
use crate::ui::{Action, look::Look, route::Nav, text, view::Handled};

/// The items of a list, described.
pub trait Rows {
    /// An item.
    type Item;

    /// The names of the orders that one can go through; the first one is in force at the beginning.
    const ORDERS: &'static [&'static str];

    /// Returns the id that tells an item from the others, also when it comes again with another reading.
    fn id<'a>(&'a self, item: &'a Self::Item) -> Cow<'a, str>;

    /// Returns the text that the filter searches.
    fn text(&self, item: &Self::Item) -> String;

    /// Returns the key that an order sorts by.
    fn key<'a>(&'a self, order: usize, item: &'a Self::Item) -> Key<'a>;
}

/// A key to sort by; those of one order are all of one kind. The order in which the items come decides between two that
/// are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key<'a> {
    /// The order in which the items come.
    Given,
    /// By a text, and by another one where that is the same.
    Text(Cow<'a, str>, &'a str),
    /// The newest first; what has no time comes last.
    Newest(Reverse<Option<Timestamp>>),
}

/// The view state of a list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The text that narrows the list.
    pub filter: Input,
    /// True while one types in the filter.
    pub is_filtering: bool,
    /// The place of the order in force among [`Rows::ORDERS`].
    order: usize,
    rows: Vec<Row>,
    /// The number of all items, those that did not pass included.
    n_items: usize,
    /// The id of the selected row; a row that is gone selects the first.
    selected: Option<String>,
    /// True when somebody selected the row, rather than the list by itself.
    is_chosen: bool,
    /// Rows above the first one that is in view.
    offset: usize,
}

/// A row that passed the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The place of its item among all.
    pub place: usize,
    /// The item's id.
    pub id: String,
    /// The characters of the item's text that the filter found, ascending.
    pub matched: Vec<u32>,
}

/// Returns a name as it is sorted where its case does not matter.
pub fn lower_case(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_uppercase) {
        Cow::Owned(name.to_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

impl Listing {
    /// Makes the list of a picker: it begins with that row selected, if it is there, and takes what is typed as its
    /// filter from the beginning.
    pub fn picker(selected: Option<String>) -> Self {
        Self {
            selected,
            is_filtering: true,
            ..Self::default()
        }
    }

    /// Takes the items as they are now into a list that shows `page` rows; 0 before anything was drawn. The selection
    /// stays where it is, also on a row that nobody selected.
    pub fn follow<R: Rows>(&mut self, rows: &R, items: &[R::Item], page: u16) {
        let before = std::mem::take(&mut self.rows);
        self.rows = self.passing(rows, items, before);
        self.n_items = items.len();
        let is_narrowed = !self.filter.is_empty();
        if (self.selected.is_none() || is_narrowed)
            && let Some(idx) = self.selected_idx()
        {
            self.selected = Some(self.rows[idx].id.clone());
            // Whoever narrows the list chooses what is left.
            self.is_chosen |= is_narrowed;
        }
        if page > 0 {
            self.offset = self.window(page).start;
        }
    }

    /// Returns the rows that pass the filter, in the order in force. Most messages change no list: the rows `before` are
    /// nearly in order, and have their ids already.
    fn passing<R: Rows>(&self, rows: &R, items: &[R::Item], before: Vec<Row>) -> Vec<Row> {
        let places = self.sorted(rows, items, &before);
        let mut before = before.into_iter();
        let mut row = |place: usize, matched| {
            let id = rows.id(&items[place]);
            let same = before.next().filter(|row| row.id == id);
            Row {
                place,
                id: same.map_or_else(|| id.into_owned(), |row| row.id),
                matched,
            }
        };
        if self.filter.is_empty() {
            let all = places.into_iter();
            return all.map(|place| row(place, Vec::new())).collect();
        }
        let pattern = Pattern::parse(
            self.filter.text(),
            CaseMatching::Smart,
            Normalization::Smart,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut passing = Vec::new();
        for place in places {
            let text = rows.text(&items[place]);
            let haystack = Utf32Str::new(&text, &mut buffer);
            let mut matched = Vec::new();
            if pattern
                .indices(haystack, &mut matcher, &mut matched)
                .is_some()
            {
                matched.sort_unstable();
                matched.dedup();
                passing.push(row(place, matched));
            }
        }
        passing
    }

    /// Returns the places of all items in the order in force.
    fn sorted<R: Rows>(&self, rows: &R, items: &[R::Item], before: &[Row]) -> Vec<usize> {
        let keys: Vec<Key<'_>> = items.iter().map(|it| rows.key(self.order, it)).collect();
        let were_all = before.len() == self.n_items && self.n_items == items.len();
        let mut places: Vec<usize> = if were_all {
            before.iter().map(|row| row.place).collect()
        } else {
            (0..items.len()).collect()
        };
        places.sort_by(|one, other| (&keys[*one], one).cmp(&(&keys[*other], other)));
        places
    }

    /// Returns the rows, in the order in force.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The items of the rows, in the order in force.
    pub fn items<'a, T>(&self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.rows.iter().filter_map(|row| items.get(row.place))
    }

    /// Returns the place of the selected row; none when there are no rows.
    pub fn selected_idx(&self) -> Option<usize> {
        let selected = self.selected.as_deref();
        self.rows
            .iter()
            .position(|row| Some(row.id.as_str()) == selected)
            .or((!self.rows.is_empty()).then_some(0))
    }

    /// Returns the item of the selected row; none when there is no row, and when the items are other ones by now.
    pub fn selected<'a, R: Rows>(&self, rows: &R, items: &'a [R::Item]) -> Option<&'a R::Item> {
        let row = &self.rows[self.selected_idx()?];
        items.get(row.place).filter(|item| rows.id(item) == row.id)
    }

    /// True when somebody selected the row that is selected, and it is there.
    pub fn is_chosen(&self) -> bool {
        let selected = self.selected.as_deref();
        let is_there = |row: &Row| Some(row.id.as_str()) == selected;
        self.is_chosen && self.rows.iter().any(is_there)
    }

    /// True when a row is selected, by somebody or by the list itself.
    pub fn has_selection(&self) -> bool {
        self.selected.is_some()
    }

    /// Selects the row with that id, now or when it comes.
    pub fn choose(&mut self, id: String) {
        self.selected = Some(id);
        self.is_chosen = true;
    }

    /// Selects the row at that place, or the last one, where the row that was selected is gone.
    pub fn stay_at(&mut self, idx: usize) {
        let selected = self.selected.as_deref();
        let is_there = self
            .rows
            .iter()
            .any(|row| Some(row.id.as_str()) == selected);
        let last = self.rows.len().saturating_sub(1);
        if let Some(row) = self.rows.get(idx.min(last)).filter(|_| !is_there) {
            self.choose(row.id.clone());
        }
    }

    /// Moves the selection, or goes on to the next order; true when the action was about that.
    pub fn act<R: Rows>(&mut self, action: Action, page: u16) -> bool {
        let page = usize::from(page).max(1);
        let last = self.rows.len().saturating_sub(1);
        let at = self.selected_idx().unwrap_or(0);
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at + 1,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at + page,
            Action::First => 0,
            Action::Last => last,
            Action::Sort => {
                self.order = (self.order + 1) % R::ORDERS.len();
                // Whoever selected nothing looks at the beginning of the new order.
                self.selected = self.selected.take().filter(|_| self.is_chosen);
                return true;
            }
            _ => return false,
        };
        if let Some(row) = self.rows.get(to.min(last)) {
            self.choose(row.id.clone());
        }
        true
    }

    /// Returns the rows in view of a list that shows `page` rows, with the selection among them.
    pub fn window(&self, page: u16) -> Range<usize> {
        let page = usize::from(page);
        let at = self.selected_idx().unwrap_or(0);
        let most = self.rows.len().saturating_sub(page);
        let lowest = (at + 1).saturating_sub(page);
        let start = self.offset.clamp(lowest, at.max(lowest)).min(most);
        start..self.rows.len().min(start + page)
    }

    /// Takes a raw key for the filter.
    pub fn filter_key(&mut self, key: KeyEvent) -> Handled {
        if self.is_filtering && self.filter.key(key) {
            Handled::Yes(Nav::Stay)
        } else {
            Handled::No
        }
    }

    /// Takes pasted text for the filter.
    pub fn filter_paste(&mut self, pasted: &str) -> Handled {
        if !self.is_filtering {
            return Handled::No;
        }
        self.filter.paste(pasted);
        Handled::Yes(Nav::Stay)
    }

    /// Opens the filter, keeps it or clears it; true when the action was about the filter.
    pub fn filter_act(&mut self, action: Action) -> bool {
        match action {
            Action::Filter => self.is_filtering = true,
            Action::Submit if self.is_filtering => self.is_filtering = false,
            Action::Back if self.is_filtering || !self.filter.is_empty() => {
                self.is_filtering = false;
                self.filter.clear();
            }
            _ => return false,
        }
        true
    }

    /// Returns the title of the list's panel of that many columns: the number of items; the rows that the filter found,
    /// and the filter, whose cursor stays in view; the order, if it is not the first.
    pub fn title<R: Rows>(
        &self,
        name: &str,
        total: Total,
        columns: u16,
        look: &Look,
    ) -> Line<'static> {
        let theme = &look.theme;
        let is_filtered = self.is_filtering || !self.filter.is_empty();
        let mut line = Line::from(Span::styled(name.to_owned(), theme.title));
        if let Some(count) = total.text(is_filtered.then_some(self.rows.len())) {
            line.push_span(Span::styled(" ", theme.title));
            line.push_span(Span::styled(count, theme.dim));
        }
        let order = match self.order {
            0 => String::new(),
            order => format!(" by {}", R::ORDERS[order]),
        };
        // The corners, and a space beside each.
        let room = usize::from(columns).saturating_sub(line.width() + text::width(&order) + 7);
        if is_filtered {
            line.extend(self.filter_spans(room, look));
        }
        line.push_span(Span::styled(order, theme.dim));
        line
    }

    fn filter_spans(&self, columns: usize, look: &Look) -> Vec<Span<'static>> {
        let theme = &look.theme;
        let mut spans = vec![Span::styled("  /", theme.key)];
        if self.is_filtering {
            let field = self.filter.widget(theme, true).line(columns);
            let field = field.spans.into_iter();
            spans
                .extend(field.map(|span| Span::styled(span.content, theme.text.patch(span.style))));
        } else {
            let fitted = text::fit(self.filter.text(), columns, look.glyphs.ellipsis);
            spans.push(Span::styled(fitted, theme.text));
        }
        spans
    }
}

/// The number of items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Not known yet.
    Unknown,
    /// So many.
    Known(usize),
    /// So many, of as many as there may be.
    OutOf(usize, usize),
}

impl From<Option<usize>> for Total {
    fn from(total: Option<usize>) -> Self {
        total.map_or(Self::Unknown, Self::Known)
    }
}

impl Total {
    /// Returns the number in words, with the number of items that the filter found, if there is one.
    fn text(self, n_found: Option<usize>) -> Option<String> {
        match (self, n_found) {
            (Self::Unknown, _) => None,
            (Self::Known(total) | Self::OutOf(total, _), Some(n_found)) => {
                Some(format!("{n_found}/{total}"))
            }
            (Self::OutOf(total, most), None) => Some(format!("{total}/{most}")),
            (Self::Known(total), None) => Some(total.to_string()),
        }
    }
}

/// A text of a row, as the filter searched it.
#[derive(Debug, Clone, Copy)]
pub struct Searched<'a> {
    /// The text.
    pub text: &'a str,
    /// The place of the text in the one that was offered to the filter, in characters.
    pub first: usize,
    /// The characters that the filter found, ascending.
    pub matched: &'a [u32],
}

impl Searched<'_> {
    /// Returns the text cut to its columns, with the characters that the filter found standing out.
    pub fn spans(&self, columns: usize, base: Style, look: &Look) -> Vec<Span<'static>> {
        let fitted = text::fit_padded(self.text, columns, look.glyphs.ellipsis);
        // Characters that had to be written out shift the places: then the text is shown without marks.
        let is_shifted =
            !fitted.starts_with(self.text.trim_end()) && text::width(self.text) <= columns;
        if self.matched.is_empty() || is_shifted {
            return vec![Span::styled(fitted, base)];
        }
        let mut spans: Vec<Span<'static>> = Vec::new();
        for (idx, character) in fitted.chars().enumerate() {
            let place = u32::try_from(self.first + idx);
            let is_found = place.is_ok_and(|place| self.matched.contains(&place));
            let found = if is_found {
                look.theme.matched
            } else {
                Style::new()
            };
            let style = base.patch(found);
            match spans.last_mut() {
                Some(span) if span.style == style => span.content.to_mut().push(character),
                _ => spans.push(Span::styled(character.to_string(), style)),
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, by themselves or in the order of the alphabet.
    struct Words;

    impl Rows for Words {
        type Item = &'static str;

        const ORDERS: &'static [&'static str] = &["given", "alphabet"];

        fn id<'a>(&'a self, item: &'a &'static str) -> Cow<'a, str> {
            Cow::Borrowed(item)
        }

        fn text(&self, item: &&'static str) -> String {
            (*item).to_owned()
        }

        fn key<'a>(&'a self, order: usize, item: &'a &'static str) -> Key<'a> {
            match order {
                0 => Key::Given,
                _ => Key::Text(Cow::Borrowed(item), ""),
            }
        }
    }

    const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn of(items: &[&'static str]) -> Listing {
        let mut list = Listing::default();
        list.follow(&Words, items, 3);
        list
    }

    #[track_caller]
    fn selects(list: &Listing, items: &[&'static str], wanted: &str) {
        assert_eq!(
            list.selected(&Words, items),
            Some(&wanted).copied().as_ref()
        );
    }

    #[test]
    fn a_selection_outlives_other_items() {
        let mut list = of(&IDS);
        list.act::<Words>(Action::Last, 3);
        list.follow(&Words, &["e", "d", "a"], 3);
        assert_eq!(list.selected_idx(), Some(0));
        list.follow(&Words, &["x", "y"], 3);
        assert_eq!(list.selected_idx(), Some(0));
        assert!(!list.is_chosen());
        list.follow(&Words, &["a", "e"], 3);
        selects(&list, &["a", "e"], "e");
        assert!(list.is_chosen());
        list.follow(&Words, &[], 3);
        assert_eq!(list.selected_idx(), None);
    }

    #[test]
    fn a_row_that_nobody_selected_stays_selected_when_others_come() {
        let mut list = of(&["m"]);
        list.follow(&Words, &["a", "m"], 3);
        selects(&list, &["a", "m"], "m");
        assert!(!list.is_chosen());
    }

    #[test]
    fn a_new_order_begins_at_its_first_row_unless_somebody_selected_one() {
        let items = ["z", "m", "a"];
        let mut list = of(&items);
        assert!(list.act::<Words>(Action::Sort, 3));
        list.follow(&Words, &items, 3);
        selects(&list, &items, "a");
        list.act::<Words>(Action::Down, 3);
        assert!(list.act::<Words>(Action::Sort, 3));
        list.follow(&Words, &items, 3);
        selects(&list, &items, "m");
    }

    #[test]
    fn items_that_changed_since_are_not_taken_for_the_selected_one() {
        let list = of(&IDS);
        assert_eq!(list.selected(&Words, &["x"]), None);
        assert_eq!(list.selected(&Words, &[]), None);
    }

    #[test]
    fn the_selection_stays_in_view() {
        let mut list = of(&IDS);
        for (action, window) in [
            (Action::Down, 0..3),
            (Action::Down, 0..3),
            (Action::Down, 1..4),
            (Action::Last, 2..5),
            (Action::Up, 2..5),
            (Action::First, 0..3),
        ] {
            list.act::<Words>(action, 3);
            list.follow(&Words, &IDS, 3);
            assert_eq!(list.window(3), window, "{action:?}");
        }
    }

    #[test]
    fn a_filter_keeps_the_order_and_says_what_it_found() {
        let mut list = Listing {
            filter: Input::new("ct"),
            ..Listing::default()
        };
        list.follow(&Words, &["ticker", "chat", "cat"], 3);
        let rows: Vec<usize> = list.rows().iter().map(|row| row.place).collect();
        assert_eq!(rows, [1, 2]);
        assert!(list.is_chosen(), "narrowing is choosing");
        assert_eq!(list.rows()[1].matched, [0, 2]);
    }

    #[test]
    fn fewer_items_than_before_are_all_there_whatever_was_found_among_those() {
        let mut list = Listing {
            filter: Input::new("c"),
            ..Listing::default()
        };
        list.follow(&Words, &["ticker", "a", "b", "chat"], 3);
        assert_eq!(list.rows().len(), 2);
        list.filter = Input::new("");
        list.follow(&Words, &["z", "y"], 3);
        let rows: Vec<(usize, &str)> = list.rows().iter().map(|it| (it.place, &*it.id)).collect();
        assert_eq!(rows, [(0, "z"), (1, "y")]);
    }

    #[test]
    fn items_that_change_places_are_sorted_anew() {
        let mut list = Listing {
            order: 1,
            ..Listing::default()
        };
        for items in [["b", "a", "c"], ["c", "b", "a"], ["a", "b", "c"]] {
            list.follow(&Words, &items, 3);
            let rows: Vec<&str> = list.items(&items).copied().collect();
            assert_eq!(rows, ["a", "b", "c"]);
            assert!(list.rows().iter().map(|row| &*row.id).eq(rows));
        }
    }

    #[test]
    fn an_empty_list_takes_every_action() {
        let mut list = of(&[]);
        assert!(list.act::<Words>(Action::PageDown, 0));
        list.follow(&Words, &[], 3);
        assert_eq!(list.window(3), 0..0);
    }
}
