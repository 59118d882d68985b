//! The binding table: the single truth about keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
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
            for chord in &binding.combinations {
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
fn every_character_can_be_typed_into_every_text_field() {
    for scope in Scope::LEAVES.into_iter().filter(|scope| scope.is_text()) {
        for character in (' '..='~').chain(['é', '日', 'ß']) {
            let plain = KeyEvent::from(KeyCode::Char(character));
            let shifted = KeyEvent::new(KeyCode::Char(character), KeyModifiers::SHIFT);
            for key in [plain, shifted] {
                assert_eq!(keys::lookup(scope, key), None, "{character:?} in {scope:?}");
            }
        }
    }
}

/// The README's table of keys stands between these two lines.
const README_TABLE: [&str; 2] = ["<!-- keys -->\n", "<!-- end of keys -->"];

#[test]
fn readme_has_the_table_of_keys() {
    let mut table = String::from("| where | keys | what |\n|---|---|---|\n");
    for binding in keys::table() {
        let chords = binding.all_chords(&Glyphs::ASCII).replace(' ', "` `");
        let row = format!(
            "| {} | `{chords}` | {} |\n",
            binding.scope.title(),
            binding.label
        );
        table.push_str(&row);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no settings but its environment"
    )]
    let is_wanted = std::env::var_os("STAGEWIRE_README").is_some();
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once(README_TABLE[0]).unwrap();
    let (written, tail) = rest.split_once(README_TABLE[1]).unwrap();
    if is_wanted {
        let text = [head, README_TABLE[0], &table, README_TABLE[1], tail].concat();
        std::fs::write(path, text).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "STAGEWIRE_README=1 cargo test --test screens readme writes it"
    );
}

#[test]
fn every_chord_can_be_read() {
    for binding in keys::table() {
        let written = binding.chords.split(' ').count();
        assert_eq!(binding.combinations.len(), written, "{binding:?}");
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
        let rows = footer::fitting(scope, 58, &h.state.look);
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
            let rows = footer::fitting(scope, columns, &h.state.look);
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
