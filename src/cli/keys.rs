//! `stagewire keys`: the console's keys, from the same table that the console reads.

use super::{
    exit::{Exit, Stop},
    output::{self, Output},
    table::table,
};
use crate::ui::{glyphs::Glyphs, keys};

pub(super) fn run(output: Output) -> Result<Exit, Stop> {
    if output.json {
        let items: Vec<_> = keys::table()
            .iter()
            .map(|binding| {
                serde_json::json!({
                    "scope": binding.scope.title(),
                    "keys": binding.chords.split(' ').collect::<Vec<_>>(),
                    "label": binding.label,
                })
            })
            .collect();
        output::json(&items)?;
        return Ok(Exit::Done);
    }
    // Names of keys rather than signs: this is read by `grep` and in logs as well.
    let rows: Vec<_> = keys::table()
        .iter()
        .map(|binding| {
            [
                binding.scope.title().to_owned(),
                binding.all_chords(&Glyphs::ASCII),
                binding.label.to_owned(),
            ]
        })
        .collect();
    output::answer(&table(["WHERE", "KEYS", "WHAT"], &rows))?;
    Ok(Exit::Done)
}
