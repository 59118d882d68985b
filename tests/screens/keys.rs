//! The binding table: the single truth about keys.

use std::collections::{BTreeMap, BTreeSet};

use stagewire::ui::{
    Action,
    glyphs::Glyphs,
    keys::{self, Scope},
    modal::help,
    widget::footer,
};

use crate::chat::at_chat;

#[test]
fn no_chord_means_two_things_in_one_scope_stack() {
    for scope in Scope::LEAVES {
        let mut seen = BTreeMap::new();
        for binding in keys::bindings(scope) {
            for chord in binding.combinations() {
                let before = seen.insert(chord.to_string(), binding.label);
                assert_eq!(
                    before, None,
                    "{chord} in {scope:?} is also {}",
                    binding.label
                );
            }
        }
    }
}

#[test]
fn every_chord_can_be_read() {
    for binding in keys::table() {
        let written = binding.chords.split(' ').count();
        assert_eq!(binding.combinations().count(), written, "{binding:?}");
    }
}

#[test]
fn every_action_in_help_is_there_exactly_once() {
    for scope in Scope::LEAVES {
        let mut seen = BTreeSet::new();
        for (_, rows) in help::entries(scope) {
            for row in rows {
                assert!(
                    seen.insert(row.action),
                    "{:?} twice in {scope:?}",
                    row.action
                );
            }
        }
        let bound: BTreeSet<Action> = keys::bindings(scope).map(|row| row.action).collect();
        assert_eq!(seen, bound, "the help of {scope:?} lacks an action");
    }
}

#[test]
fn every_scope_is_reached_from_a_leaf() {
    let reached: BTreeSet<Scope> = Scope::LEAVES
        .iter()
        .flat_map(|leaf| leaf.stack().iter().copied())
        .collect();
    for binding in keys::table() {
        assert!(reached.contains(&binding.scope), "{binding:?}");
    }
}

#[test]
fn help_and_a_way_out_survive_the_narrowest_footer() {
    let h = at_chat();
    for scope in Scope::LEAVES {
        let rows = footer::fitting(scope, 58, &h.state);
        let has = |action: Action| rows.iter().any(|row| row.action == action);
        assert!(has(Action::Help), "{scope:?}");
        assert!(has(Action::Quit) || has(Action::Back), "{scope:?}");
    }
}

#[test]
fn the_footer_stays_within_its_columns() {
    let h = at_chat();
    for scope in Scope::LEAVES {
        for columns in [20, 58, 78, 98] {
            let rows = footer::fitting(scope, columns, &h.state);
            let width: usize = rows
                .iter()
                .map(|row| {
                    row.chord_for(scope, &Glyphs::UNICODE).chars().count() + row.label.len() + 4
                })
                .sum();
            assert!(width <= columns + 3, "{scope:?} at {columns}");
        }
    }
}

#[test]
fn signs_work_with_and_without_shift() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
        let key = KeyEvent::new(KeyCode::Char('?'), modifiers);
        assert_eq!(keys::lookup(Scope::Apis, key), Some(Action::Help));
        let key = KeyEvent::new(KeyCode::Char('G'), modifiers);
        assert_eq!(keys::lookup(Scope::Apis, key), Some(Action::Last));
    }
}
