//! The calls that write a definition: one method a call, each told what is there and what shall be.
//!
//! An update sends nothing but what differs, in the words that API Gateway's rules for updates ask for: an empty text clears,
//! an empty value removes a key of a map that is merged, a map that is replaced is sent whole, and what cannot be cleared is
//! set to the value that API Gateway itself fills in.

mod api;
mod deployment;
mod integration;
mod route;
mod stage;

use std::collections::HashMap;

use crate::model::file::Texts;

pub use route::RouteEnds;

/// Makes a call through the gate for those that change something.
macro_rules! carry_out {
    ($control:expr, $operation:literal, |$changes:ident| $call:expr) => {
        $control.write($operation, |$changes| $call.send()).await
    };
}

use carry_out;

/// Returns the text to send: nothing when it is the same, the usual value when it is gone.
fn changed(from: Option<&String>, to: Option<&String>, usual: &str) -> Option<String> {
    (from != to).then(|| to.map_or(usual, String::as_str).to_owned())
}

/// Returns the flag to send: nothing when it is the same, false when it is gone.
fn flag(from: Option<bool>, to: Option<bool>) -> Option<bool> {
    (from != to).then(|| to.unwrap_or(false))
}

/// Returns what to send for a map that is merged: entries that are new or other, and an empty value for each that is
/// gone.
fn merged(from: &Texts, to: &Texts) -> Option<HashMap<String, String>> {
    let given = to
        .iter()
        .filter(|(key, value)| from.get(*key) != Some(value));
    let given = given.map(|(key, value)| (key.clone(), value.clone()));
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    let all: HashMap<String, String> = given
        .chain(gone.map(|key| (key.clone(), String::new())))
        .collect();
    (!all.is_empty()).then_some(all)
}

/// Returns the map to send where it is replaced: nothing when it is the same.
fn whole(from: &Texts, to: &Texts) -> Option<HashMap<String, String>> {
    (from != to).then(|| owned(to))
}

/// Returns the map to send for something new: nothing when it is empty.
fn some(map: &Texts) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| owned(map))
}

fn owned(map: &Texts) -> HashMap<String, String> {
    let entries = map.iter();
    entries
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
