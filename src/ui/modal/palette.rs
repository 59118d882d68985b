//! The palette: the actions of a scope, by name, with their keys; motions are left out.
//!
//! ```text
//! ╭ Command ─────────────────────────╮
//! │ /dep▏                             │
//! │▸ deploy                        d  │
//! │  undo deploy                   u  │
//! ╰───────────────────────────────────╯
//! ```

use std::borrow::Cow;

use crossterm::event::KeyEvent;
use ratatui::{
    layout::{Rect, Size},
    text::{Line, Span},
};

use crate::ui::{
    Action,
    keys::{self, Binding, Scope},
    look::Look,
    route::{Nav, Route},
    text,
    view::{Context, Handled, Painter, Scene, View},
    widget::{
        cells,
        listing::{Key, Listing, Rows, Searched},
        modal, panel, picker,
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
            list: Listing::picker(None),
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

    fn id<'a>(&'a self, binding: &'a &'static Binding) -> Cow<'a, str> {
        Cow::Borrowed(binding.label)
    }

    fn text(&self, binding: &&'static Binding) -> String {
        binding.label.to_owned()
    }

    fn key<'a>(&'a self, _order: usize, _binding: &'a &'static Binding) -> Key<'a> {
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
        self.list.filter_key(key)
    }

    fn paste(&mut self, text: &str, _context: &mut Context<'_>) -> Handled {
        self.list.filter_paste(text)
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

    fn follow(&mut self, context: &mut Context<'_>) {
        let rows = self.rows();
        self.list.follow(&BindingRows, &rows, context.placed.page);
    }

    fn render(&self, scene: Scene<'_>, area: Rect, painter: &mut Painter<'_, '_>) {
        let rows = self.rows();
        let size = Size::new(46, (cells(rows.len()) + 3).min(18));
        let inner = modal(panel(scene.look, "Command", true), size, area, painter);
        let columns = usize::from(inner.width).saturating_sub(11);
        picker::render(&self.list, " :", inner, painter, |listed, is_selected| {
            let searched = Searched {
                text: rows[listed.place].label,
                first: 0,
                matched: &listed.matched,
            };
            let base = match (
                is_selected,
                scene.refusal_beneath(rows[listed.place].action),
            ) {
                (true, _) => scene.look.theme.selection,
                (false, Some(_)) => scene.look.theme.dim,
                (false, None) => scene.look.theme.text,
            };
            let pointer = format!("{} ", scene.look.pointer(is_selected));
            let mut spans = vec![Span::styled(pointer, base)];
            spans.extend(searched.spans(columns, base, scene.look));
            spans.push(self.chord(rows[listed.place], is_selected, scene.look));
            Line::from(spans).style(base)
        });
    }
}

impl PaletteModal {
    fn chord(&self, row: &Binding, is_selected: bool, look: &Look) -> Span<'static> {
        let style = if is_selected {
            look.theme.selection
        } else {
            look.theme.key
        };
        let chord = row.chord_for(self.of, &look.glyphs);
        Span::styled(text::fit_padded(&format!("{chord:>7}  "), 9, ""), style)
    }
}
