//! The binding table: the single truth about keys.

use super::{Action, Binding, Group, Scope};

const fn row(
    scope: Scope,
    chords: &'static str,
    action: Action,
    label: &'static str,
    (group, bar): (Group, u8),
) -> Binding {
    Binding {
        scope,
        chords,
        action,
        label,
        group,
        bar,
    }
}

/// One row a binding. Rows of one scope stand together, in the order in which the footer shows them.
// A row a line: the table is read more often than it is written.
#[rustfmt::skip]
pub(super) static TABLE: &[Binding] = &[
    // The target picker.
    row(Scope::Targets, "enter", Action::Open, "use", (Group::Here, 90)),
    // The list of APIs.
    row(Scope::Apis, "enter", Action::Open, "open", (Group::Here, 90)),
    // The Stages tab.
    row(Scope::Stages, "enter", Action::Open, "live", (Group::Here, 90)),
    row(Scope::Stages, "c", Action::CopyCallback, "copy callback URL", (Group::Here, 0)),
    // What one can do to an API.
    row(Scope::Subject, "d", Action::Deploy, "deploy", (Group::Stage, 85)),
    row(Scope::Subject, "l", Action::Live, "live", (Group::Stage, 80)),
    row(Scope::Subject, "a", Action::Actions, "actions", (Group::Stage, 75)),
    row(Scope::Subject, "u", Action::Undo, "undo deploy", (Group::Stage, 0)),
    // The tabs of an API.
    row(Scope::Api, "tab right", Action::NextTab, "next tab", (Group::Move, 40)),
    row(Scope::Api, "backtab left", Action::PreviousTab, "tab before", (Group::Move, 0)),
    // Lists.
    row(Scope::List, "up k", Action::Up, "up", (Group::Move, 0)),
    row(Scope::List, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::List, "pageup ctrl-b", Action::PageUp, "page up", (Group::Move, 0)),
    row(Scope::List, "pagedown ctrl-f", Action::PageDown, "page down", (Group::Move, 0)),
    row(Scope::List, "home g", Action::First, "first", (Group::Move, 0)),
    row(Scope::List, "end shift-g", Action::Last, "last", (Group::Move, 0)),
    row(Scope::List, "/", Action::Filter, "filter", (Group::List, 50)),
    row(Scope::List, "s", Action::Sort, "sort", (Group::List, 20)),
    row(Scope::List, "y", Action::Copy, "copy", (Group::List, 30)),
    row(Scope::List, "r", Action::Refresh, "refresh", (Group::List, 45)),
    // The filter line of a list.
    row(Scope::FilterLine, "enter down", Action::Submit, "keep", (Group::Here, 90)),
    row(Scope::FilterLine, "esc", Action::Back, "clear", (Group::Here, 80)),
    // Menus.
    row(Scope::Menu, "up k", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Menu, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Menu, "home g", Action::First, "first", (Group::Move, 0)),
    row(Scope::Menu, "end shift-g", Action::Last, "last", (Group::Move, 0)),
    row(Scope::Menu, "enter", Action::Submit, "do it", (Group::Here, 90)),
    row(Scope::Menu, "esc q", Action::Back, "cancel", (Group::Here, 80)),
    // The deploy dialog.
    row(Scope::Deploy, "up k", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Deploy, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Deploy, "home g", Action::First, "first", (Group::Move, 0)),
    row(Scope::Deploy, "end shift-g", Action::Last, "last", (Group::Move, 0)),
    row(Scope::Deploy, "pageup", Action::PageUp, "changes up", (Group::Move, 0)),
    row(Scope::Deploy, "pagedown", Action::PageDown, "changes down", (Group::Move, 0)),
    row(Scope::Deploy, "enter", Action::Submit, "deploy", (Group::Here, 90)),
    row(Scope::Deploy, "tab", Action::NextField, "description", (Group::Here, 60)),
    row(Scope::Deploy, "y", Action::Copy, "copy commands", (Group::Here, 70)),
    row(Scope::Deploy, "r", Action::Refresh, "plan again", (Group::Here, 0)),
    row(Scope::Deploy, "esc q", Action::Back, "cancel", (Group::Here, 80)),
    row(Scope::DeployField, "enter", Action::Submit, "deploy", (Group::Here, 90)),
    row(Scope::DeployField, "tab", Action::NextField, "next field", (Group::Here, 60)),
    row(Scope::DeployField, "backtab", Action::PreviousField, "field before", (Group::Here, 0)),
    row(Scope::DeployField, "up", Action::Up, "up", (Group::Move, 0)),
    row(Scope::DeployField, "down", Action::Down, "down", (Group::Move, 0)),
    row(Scope::DeployField, "pageup", Action::PageUp, "changes up", (Group::Move, 0)),
    row(Scope::DeployField, "pagedown", Action::PageDown, "changes down", (Group::Move, 0)),
    row(Scope::DeployField, "esc", Action::Back, "cancel", (Group::Here, 80)),
    row(Scope::DeployRun, "f", Action::Finish, "finish", (Group::Here, 90)),
    row(Scope::DeployRun, "c", Action::CleanUp, "clean up", (Group::Here, 85)),
    row(Scope::DeployRun, "y", Action::Copy, "copy", (Group::Here, 60)),
    row(Scope::DeployRun, "esc q enter", Action::Back, "close", (Group::Here, 80)),
    // A question.
    row(Scope::Confirm, "enter y", Action::Submit, "yes", (Group::Here, 90)),
    row(Scope::Confirm, "esc n q", Action::Back, "no", (Group::Here, 80)),
    // A failure, the help, the log.
    row(Scope::Failure, "y", Action::Copy, "copy", (Group::Here, 70)),
    row(Scope::Failure, "esc enter q", Action::Back, "close", (Group::Here, 80)),
    row(Scope::Help, "esc enter q", Action::Back, "close", (Group::Here, 80)),
    row(Scope::Log, "y", Action::Copy, "copy", (Group::Here, 70)),
    row(Scope::Log, "esc enter q", Action::Back, "close", (Group::Here, 80)),
    row(Scope::Text, "up k", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Text, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Text, "pageup ctrl-b", Action::PageUp, "page up", (Group::Move, 0)),
    row(Scope::Text, "pagedown space", Action::PageDown, "page down", (Group::Move, 0)),
    row(Scope::Text, "home g", Action::First, "top", (Group::Move, 0)),
    row(Scope::Text, "end shift-g", Action::Last, "end", (Group::Move, 0)),
    // The palette and the pickers.
    row(Scope::Palette, "enter", Action::Submit, "choose", (Group::Here, 90)),
    row(Scope::Palette, "up ctrl-p", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Palette, "down ctrl-n", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Palette, "pageup", Action::PageUp, "page up", (Group::Move, 0)),
    row(Scope::Palette, "pagedown", Action::PageDown, "page down", (Group::Move, 0)),
    row(Scope::Palette, "esc", Action::Back, "cancel", (Group::Here, 80)),
    // Every screen.
    row(Scope::Global, "esc backspace", Action::Back, "back", (Group::Move, 70)),
    row(Scope::Global, "t", Action::Targets, "target", (Group::Program, 35)),
    row(Scope::Global, "shift-r", Action::Region, "region", (Group::Program, 15)),
    row(Scope::Global, "!", Action::Log, "log", (Group::Program, 0)),
    row(Scope::Global, ":", Action::Palette, "command", (Group::Program, 60)),
    row(Scope::Global, "q", Action::Quit, "quit", (Group::Program, 250)),
    // Whatever has the keyboard.
    row(Scope::Anywhere, "? f1", Action::Help, "help", (Group::Program, 255)),
    row(Scope::Anywhere, "ctrl-c", Action::QuitNow, "quit at once", (Group::Program, 0)),
    row(Scope::Anywhere, "ctrl-z", Action::Suspend, "suspend", (Group::Program, 0)),
    row(Scope::Anywhere, "ctrl-l", Action::Redraw, "draw anew", (Group::Program, 0)),
];
