//! The palette: the actions of a scope, by name, with their keys; motions are left out.
//!
//! ```text
//! ╭ Command ─────────────────────────╮
//! │ /dep▏                             │
//! │▸ deploy                        d  │
//! │  undo deploy                   u  │
//! ╰───────────────────────────────────╯
//! ```

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect, Size},
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::{self, Binding, Scope},
    route::{Nav, Route},
    text,
    view::{Context, Handled, Placed, Scene, View},
    widget::{
        cells,
        listing::{Key, Listing, Rows, highlight},
        modal_area, panel, rows_in,
    },
};

/// The actions of a scope, narrowed by the text that is typed.
#[derive(Debug)]
pub struct PaletteModal {
    of: Scope,
    list: Listing,
}

impl PaletteModal {
    /// Offers the actions of this scope.
    pub fn new(of: Scope) -> Self {
        Self {
            of,
            list: Listing::default(),
        }
    }

    fn rows(&self) -> Vec<&'static Binding> {
        keys::bindings(self.of)
            .filter(|row| !is_motion(row.action))
            .collect()
    }

    fn chosen(&self) -> Option<Action> {
        let rows = self.rows();
        let chosen = self.list.selected(&BindingRows, &rows)?;
        Some(chosen.action)
    }
}

/// The bindings of a scope as rows of a list.
struct BindingRows;

impl Rows for BindingRows {
    type Item = &'static Binding;

    const ORDERS: &'static [&'static str] = &["table"];

    fn id(&self, binding: &&'static Binding) -> String {
        binding.label.to_owned()
    }

    fn text(&self, binding: &&'static Binding) -> String {
        binding.label.to_owned()
    }

    fn key(&self, _order: usize, _binding: &&'static Binding) -> Key {
        Key::Given
    }
}

/// True for an action that the palette leaves out: nobody looks for "up" in a palette.
fn is_motion(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::First
            | Action::Last
            | Action::Palette
    )
}

impl View for PaletteModal {
    fn route(&self) -> Route {
        Route::Palette(self.of)
    }

    fn scope(&self) -> Scope {
        Scope::Palette
    }

    fn key(&mut self, key: KeyEvent, _context: &mut Context<'_>) -> Handled {
        if self.list.filter.key(key) {
            Handled::Yes(Nav::Stay)
        } else {
            Handled::No
        }
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list.filter.paste(text);
        Handled::Yes(Nav::Stay)
    }

    fn act(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        match action {
            Action::Submit => self.chosen().map_or(Nav::Stay, Nav::Act),
            Action::Back => Nav::Back,
            action => {
                self.list.act::<BindingRows>(action, context.placed.page);
                Nav::Stay
            }
        }
    }

    fn settle(&mut self, context: &mut Context<'_>) {
        let rows = self.rows();
        self.list.follow(&BindingRows, &rows, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) -> Placed {
        let mut placed = Placed::default();
        let theme = &scene.look.theme;
        let rows = self.rows();
        let height = (cells(rows.len()) + 3).min(18);
        let place = modal_area(area, Size::new(46, height), frame);
        let block = panel(scene.look, "Command", true);
        let inner = block.inner(place);
        frame.render_widget(block, place);
        let [field, list] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        let [mark, field] =
            Layout::horizontal([Constraint::Length(2), Constraint::Fill(1)]).areas(field);
        frame.render_widget(Line::styled(" :", theme.key), mark);
        frame.render_widget(&self.list.filter.widget(theme, true), field);
        placed.page = list.height;
        placed.rows = rows_in(list, self.list.window(list.height).len());
        let window = self.list.window(list.height);
        let selected = self.list.selected_idx();
        let columns = usize::from(list.width).saturating_sub(11);
        for (line, idx) in window.enumerate() {
            let listed = &self.list.rows()[idx];
            let row = rows[listed.place];
            let is_selected = selected == Some(idx);
            let base = match (is_selected, scene.refusal_beneath(row.action)) {
                (true, _) => theme.selection,
                (false, Some(_)) => theme.dim,
                (false, None) => theme.text,
            };
            let pointer = if is_selected {
                scene.look.glyphs.pointer
            } else {
                " "
            };
            let mut spans = vec![Span::styled(format!("{pointer} "), base)];
            spans.extend(highlight(
                row.label,
                (0, columns),
                &listed.matched,
                (base, theme.matched),
                scene.look.glyphs.ellipsis,
            ));
            let chord = row.chord_for(self.of, &scene.look.glyphs);
            let chord = format!("{chord:>7}  ");
            let key = if is_selected { base } else { theme.key };
            spans.push(Span::styled(text::fit_padded(&chord, 9, ""), key));
            let place = Rect {
                y: list.y + cells(line),
                height: 1,
                ..list
            };
            frame.render_widget(Line::from(spans).style(base), place);
        }
        placed
    }
}
