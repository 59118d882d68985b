//! What every list has in common: a selection that is an id, a filter with its hits, a sort, and the part that is visible.

use std::ops::Range;

use crossterm::event::KeyEvent;
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

/// The view state of a list.
#[derive(Debug, Clone, Default)]
pub struct ListView {
    /// The id of the selected row; a row that is gone selects the first.
    pub selected: Option<String>,
    /// Rows above the first one that is drawn.
    pub offset: usize,
    /// What narrows the list.
    pub filter: Input,
    /// True while one types in the filter.
    pub is_filtering: bool,
    /// Which of the list's orders is in force.
    pub sort: usize,
}

/// A row that passed the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which of the rows that were offered.
    pub row: usize,
    /// Which characters of its text the filter found, ascending.
    pub matched: Vec<u32>,
}

impl ListView {
    /// The rows that pass the filter, in the order in which they were offered: a list must not jump while one types.
    pub fn hits<T: AsRef<str>>(&self, rows: &[T]) -> Vec<Hit> {
        let all = |(row, _)| Hit {
            row,
            matched: Vec::new(),
        };
        if self.filter.is_empty() {
            return rows.iter().enumerate().map(all).collect();
        }
        let pattern = Pattern::parse(
            self.filter.text(),
            CaseMatching::Smart,
            Normalization::Smart,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut hits = Vec::new();
        for (row, haystack) in rows.iter().enumerate() {
            let haystack = Utf32Str::new(haystack.as_ref(), &mut buffer);
            let mut matched = Vec::new();
            if pattern
                .indices(haystack, &mut matcher, &mut matched)
                .is_some()
            {
                matched.sort_unstable();
                matched.dedup();
                hits.push(Hit { row, matched });
            }
        }
        hits
    }

    /// Which of these is selected; none when there are none.
    pub fn selected_idx<T: AsRef<str>>(&self, ids: &[T]) -> Option<usize> {
        let selected = self.selected.as_deref();
        ids.iter()
            .position(|id| Some(id.as_ref()) == selected)
            .or((!ids.is_empty()).then_some(0))
    }

    /// Moves the selection as the action says; true when the action was about moving.
    pub fn act<T: AsRef<str>>(&mut self, action: Action, ids: &[T], page: u16) -> bool {
        let page = usize::from(page).max(1);
        let last = ids.len().saturating_sub(1);
        let at = self.selected_idx(ids).unwrap_or(0);
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at + 1,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at + page,
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        };
        self.select(ids, to.min(last));
        true
    }

    /// Selects the row at this place.
    pub fn select<T: AsRef<str>>(&mut self, ids: &[T], idx: usize) {
        if let Some(id) = ids.get(idx) {
            self.selected = Some(id.as_ref().to_owned());
        }
    }

    /// Keeps the selection in view of a list that shows `page` rows; call it when something changed.
    pub fn settle<T: AsRef<str>>(&mut self, ids: &[T], page: u16) {
        // What a filter shows as selected stays selected when the filter goes.
        if !self.filter.is_empty()
            && let Some(idx) = self.selected_idx(ids)
        {
            self.selected = Some(ids[idx].as_ref().to_owned());
        }
        if page > 0 {
            self.offset = self.window(ids, page).start;
        }
    }

    /// The rows to draw in a list that shows `page` rows, with the selection among them.
    pub fn window<T: AsRef<str>>(&self, ids: &[T], page: u16) -> Range<usize> {
        let page = usize::from(page);
        let at = self.selected_idx(ids).unwrap_or(0);
        let most = ids.len().saturating_sub(page);
        let lowest = (at + 1).saturating_sub(page);
        let start = self.offset.clamp(lowest, at.max(lowest)).min(most);
        start..ids.len().min(start + page)
    }

    /// Takes a raw key for the filter; false when it is not for the filter.
    pub fn filter_key(&mut self, key: KeyEvent) -> bool {
        self.is_filtering && self.filter.key(key)
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

    /// The title of the list's panel of that many columns: how many rows there are, as far as that is known, how many
    /// of them the filter found, and the filter, whose cursor stays in view.
    pub fn title(
        &self,
        name: &str,
        (hits, total): (usize, Option<usize>),
        columns: u16,
        look: &Look,
    ) -> Line<'static> {
        let theme = &look.theme;
        let is_filtered = self.is_filtering || !self.filter.is_empty();
        let mut line = Line::from(Span::styled(name.to_owned(), theme.title));
        if let Some(total) = total {
            let count = if is_filtered {
                format!("{hits}/{total}")
            } else {
                total.to_string()
            };
            line.push_span(Span::styled(" ", theme.title));
            line.push_span(Span::styled(count, theme.dim));
        }
        if !is_filtered {
            return line;
        }
        line.push_span(Span::styled("  /", theme.key));
        // The corners, and a space beside each.
        let room = usize::from(columns).saturating_sub(line.width() + 4);
        if self.is_filtering {
            let field = self.filter.widget(theme, true).line(room);
            let spans = field.spans.into_iter();
            line.extend(spans.map(|span| Span::styled(span.content, theme.text.patch(span.style))));
        } else {
            let fitted = text::fit(self.filter.text(), room, look.glyphs.ellipsis);
            line.push_span(Span::styled(fitted, theme.text));
        }
        line
    }
}

/// A cell's text cut to its column, with the characters that the filter found standing out.
///
/// `first` is where the cell's text begins in the text that was offered to the filter, in characters.
pub fn highlight(
    cell: &str,
    (first, columns): (usize, usize),
    matched: &[u32],
    (base, found): (Style, Style),
    ellipsis: &str,
) -> Vec<Span<'static>> {
    let fitted = text::fit_padded(cell, columns, ellipsis);
    // Characters that had to be written out shift the places: then the text is shown without marks.
    let is_shifted = !fitted.starts_with(cell.trim_end()) && text::width(cell) <= columns;
    if matched.is_empty() || is_shifted {
        return vec![Span::styled(fitted, base)];
    }
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (idx, character) in fitted.chars().enumerate() {
        let is_found = u32::try_from(first + idx).is_ok_and(|place| matched.contains(&place));
        let style = if is_found { base.patch(found) } else { base };
        match spans.last_mut() {
            Some(span) if span.style == style => span.content.to_mut().push(character),
            _ => spans.push(Span::styled(character.to_string(), style)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

    #[test]
    fn a_selection_outlives_a_new_order() {
        let mut list = ListView::default();
        list.act(Action::Last, &IDS, 3);
        assert_eq!(list.selected_idx(&["e", "d", "a"]), Some(0));
        assert_eq!(list.selected_idx(&["x", "y"]), Some(0));
        assert_eq!(list.selected_idx::<&str>(&[]), None);
    }

    #[test]
    fn the_selection_stays_in_view() {
        let mut list = ListView::default();
        for (action, window) in [
            (Action::Down, 0..3),
            (Action::Down, 0..3),
            (Action::Down, 1..4),
            (Action::Last, 2..5),
            (Action::Up, 2..5),
            (Action::First, 0..3),
        ] {
            list.act(action, &IDS, 3);
            list.settle(&IDS, 3);
            assert_eq!(list.window(&IDS, 3), window, "{action:?}");
        }
    }

    #[test]
    fn a_filter_keeps_the_order_and_says_what_it_found() {
        let list = ListView {
            filter: Input::new("ct"),
            ..ListView::default()
        };
        let hits = list.hits(&["ticker", "chat", "cat"]);
        let rows: Vec<usize> = hits.iter().map(|hit| hit.row).collect();
        assert_eq!(rows, [1, 2]);
        assert_eq!(hits[1].matched, [0, 2]);
    }

    #[test]
    fn an_empty_list_takes_every_action() {
        let mut list = ListView::default();
        assert!(list.act::<&str>(Action::PageDown, &[], 0));
        list.settle::<&str>(&[], 3);
        assert_eq!(list.window::<&str>(&[], 3), 0..0);
    }
}
