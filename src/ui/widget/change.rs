//! One difference between two definitions, in the words of the screen.

use ratatui::style::Style;

use crate::{
    model::diff::{Change, ChangeKind, Detail, Subject},
    ui::{glyphs::Glyphs, look::Look},
};

/// Returns the change in words: a new route with its call, a changed part with the members that differ.
pub fn text(change: &Change, glyphs: &Glyphs) -> String {
    let head = format!("{} {}", change.kind.mark(), change.subject);
    match (change.kind, &change.subject) {
        (ChangeKind::Added, Subject::Route(_)) => match calls(&change.details) {
            Some(calls) => format!("{head} {} {calls}", glyphs.arrow),
            None => head,
        },
        (ChangeKind::Added | ChangeKind::Removed, _) => head,
        (ChangeKind::Changed, _) => {
            let details: Vec<String> = change.details.iter().map(|d| detail(d, glyphs)).collect();
            format!("{head} {} {}", glyphs.dot, details.join(", "))
        }
    }
}

/// Returns the style of a change.
pub fn style(change: &Change, look: &Look) -> Style {
    match change.kind {
        ChangeKind::Added => look.theme.added,
        ChangeKind::Removed => look.theme.removed,
        ChangeKind::Changed => look.theme.changed,
    }
}

/// Returns the call of a new route: integration type, method and URI, as far as they are told.
fn calls(details: &[Detail]) -> Option<String> {
    let members = ["integrationType", "integrationMethod", "integrationUri"];
    let words: Vec<&str> = members
        .iter()
        .filter_map(|member| details.iter().find(|detail| detail.member == *member))
        .filter_map(|detail| detail.new.as_deref())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn detail(detail: &Detail, glyphs: &Glyphs) -> String {
    let member = &detail.member;
    match (&detail.old, &detail.new) {
        (Some(old), Some(new)) => format!("{member} {old} {} {new}", glyphs.arrow),
        (Some(old), None) => format!("{member} {old} removed"),
        (None, Some(new)) => format!("{member} {new} added").replace("  ", " "),
        (None, None) => member.clone(),
    }
}
