//! The binding table: the single truth about keys.

use super::scope::{Group, Scope};
use crate::ui::Action;

/// A row of the table, as it is written; its members are those of [`Binding`].
///
/// [`Binding`]: super::Binding
pub(super) struct Row {
    pub(super) scope: Scope,
    pub(super) chords: &'static str,
    pub(super) action: Action,
    pub(super) label: &'static str,
    pub(super) group: Group,
    pub(super) bar: u8,
}

const fn row(
    scope: Scope,
    chords: &'static str,
    action: Action,
    label: &'static str,
    (group, bar): (Group, u8),
) -> Row {
    Row {
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
pub(super) static ROWS: &[Row] = &[
    // The target picker.
    row(Scope::Targets, "enter", Action::Open, "use", (Group::Here, 90)),
    // The list of APIs.
    row(Scope::Apis, "enter", Action::Open, "open", (Group::Here, 90)),
    // The Stages tab.
    row(Scope::Stages, "enter", Action::Open, "watch", (Group::Here, 90)),
    row(Scope::Stages, "c", Action::CopyCallback, "copy callback URL", (Group::Here, 0)),
    row(Scope::Stages, "e", Action::EditStage, "edit stage", (Group::Stage, 0)),
    // What one can do to an API.
    row(Scope::Subject, "d", Action::Deploy, "deploy", (Group::Stage, 85)),
    row(Scope::Subject, "l", Action::Live, "live", (Group::Stage, 80)),
    row(Scope::Subject, "a", Action::Actions, "actions", (Group::Stage, 75)),
    row(Scope::Subject, "u", Action::Undo, "undo deploy", (Group::Stage, 0)),
    // The tabs of an API.
    row(Scope::Api, "tab right", Action::NextTab, "next tab", (Group::Move, 40)),
    row(Scope::Api, "backtab left", Action::PreviousTab, "tab before", (Group::Move, 0)),
    row(Scope::Api, "shift-k", Action::DetailUp, "details up", (Group::Move, 0)),
    row(Scope::Api, "shift-j", Action::DetailDown, "details down", (Group::Move, 0)),
    // The frames of the Live screen.
    row(Scope::Live, "tab", Action::NextField, "write", (Group::Live, 95)),
    row(Scope::Live, "enter", Action::Open, "inspect", (Group::Live, 90)),
    row(Scope::Live, "end shift-g", Action::Last, "follow", (Group::Live, 65)),
    row(Scope::Live, "m", Action::Fold, "fold", (Group::Live, 55)),
    row(Scope::Live, "/", Action::Filter, "filter", (Group::Live, 50)),
    row(Scope::Live, "d", Action::Deploy, "deploy", (Group::Stage, 45)),
    row(Scope::Live, "r", Action::Reconnect, "reconnect", (Group::Live, 40)),
    row(Scope::Live, "s", Action::Sign, "sign handshake", (Group::Live, 0)),
    row(Scope::Live, "y", Action::Copy, "copy", (Group::Live, 30)),
    row(Scope::Live, "v right", Action::NextTab, "JSON, text, hex", (Group::Live, 25)),
    row(Scope::Live, "left", Action::PreviousTab, "hex, text, JSON", (Group::Live, 0)),
    row(Scope::Live, "c", Action::Clear, "clear", (Group::Live, 20)),
    row(Scope::Live, "p", Action::Ping, "ping", (Group::Live, 15)),
    row(Scope::Live, "x", Action::Hangup, "hang up", (Group::Live, 10)),
    row(Scope::Live, "i", Action::Details, "refused handshake", (Group::Live, 0)),
    row(Scope::Live, "shift-y", Action::CopyUrl, "copy URL", (Group::Live, 0)),
    row(Scope::Live, "u", Action::Undo, "undo deploy", (Group::Stage, 0)),
    row(Scope::Live, "up k", Action::Up, "up, pausing the view", (Group::Move, 0)),
    row(Scope::Live, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Live, "pageup ctrl-b", Action::PageUp, "page up", (Group::Move, 0)),
    row(Scope::Live, "pagedown ctrl-f", Action::PageDown, "page down", (Group::Move, 0)),
    row(Scope::Live, "home g", Action::First, "oldest", (Group::Move, 0)),
    // The inspector of the Live screen.
    row(Scope::Inspector, "esc enter", Action::Back, "frames", (Group::Live, 90)),
    row(Scope::Inspector, "tab v right", Action::NextTab, "JSON, text, hex", (Group::Live, 80)),
    row(Scope::Inspector, "backtab left", Action::PreviousTab, "hex, text, JSON", (Group::Live, 0)),
    row(Scope::Inspector, "y", Action::Copy, "copy", (Group::Live, 50)),
    // The composer of the Live screen.
    row(Scope::Composer, "enter", Action::Submit, "send", (Group::Live, 95)),
    row(Scope::Composer, "tab", Action::NextField, "frames", (Group::Live, 90)),
    row(Scope::Composer, "ctrl-e", Action::Edit, "editor", (Group::Live, 60)),
    row(Scope::Composer, "alt-enter ctrl-j", Action::NewLine, "new line", (Group::Live, 50)),
    row(Scope::Composer, "up", Action::Up, "earlier", (Group::Live, 45)),
    row(Scope::Composer, "down", Action::Down, "later", (Group::Live, 0)),
    row(Scope::Composer, "ctrl-r", Action::Reconnect, "reconnect", (Group::Live, 40)),
    row(Scope::Composer, "ctrl-s", Action::Sign, "sign handshake", (Group::Live, 0)),
    row(Scope::Composer, "ctrl-x", Action::Hangup, "hang up", (Group::Live, 10)),
    row(Scope::Composer, "ctrl-o", Action::SendUnsplit, "send unsplit", (Group::Live, 20)),
    row(Scope::Composer, "pageup", Action::PageUp, "frames up", (Group::Move, 0)),
    row(Scope::Composer, "pagedown", Action::PageDown, "frames down", (Group::Move, 0)),
    row(Scope::Composer, "esc", Action::Back, "back", (Group::Move, 70)),
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
    // The letters begin the name of a new stage, so that none of them is a command.
    row(Scope::Deploy, "up", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Deploy, "down", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Deploy, "home", Action::First, "first", (Group::Move, 0)),
    row(Scope::Deploy, "end", Action::Last, "last", (Group::Move, 0)),
    row(Scope::Deploy, "pageup", Action::PageUp, "changes up", (Group::Move, 0)),
    row(Scope::Deploy, "pagedown", Action::PageDown, "changes down", (Group::Move, 0)),
    row(Scope::Deploy, "enter", Action::Submit, "deploy", (Group::Here, 90)),
    row(Scope::Deploy, "tab", Action::NextField, "description", (Group::Here, 60)),
    row(Scope::Deploy, "ctrl-y", Action::Copy, "copy commands", (Group::Here, 50)),
    row(Scope::Deploy, "ctrl-r", Action::Refresh, "plan again", (Group::Here, 0)),
    row(Scope::Deploy, "esc", Action::Back, "cancel", (Group::Here, 80)),
    row(Scope::DeploySlow, "w", Action::Wait, "wait, compare first", (Group::Here, 85)),
    row(Scope::DeployField, "enter", Action::Submit, "deploy", (Group::Here, 90)),
    row(Scope::DeployField, "tab", Action::NextField, "next field", (Group::Here, 60)),
    row(Scope::DeployField, "backtab", Action::PreviousField, "field before", (Group::Here, 0)),
    row(Scope::DeployField, "up", Action::Up, "up", (Group::Move, 0)),
    row(Scope::DeployField, "down", Action::Down, "down", (Group::Move, 0)),
    row(Scope::DeployField, "pageup", Action::PageUp, "changes up", (Group::Move, 0)),
    row(Scope::DeployField, "pagedown", Action::PageDown, "changes down", (Group::Move, 0)),
    row(Scope::DeployField, "ctrl-y", Action::Copy, "copy commands", (Group::Here, 50)),
    row(Scope::DeployField, "ctrl-r", Action::Refresh, "plan again", (Group::Here, 0)),
    row(Scope::DeployField, "esc", Action::Back, "cancel", (Group::Here, 80)),
    row(Scope::DeployQuestion, "enter", Action::Submit, "deploy", (Group::Here, 90)),
    row(Scope::DeployQuestion, "esc", Action::Back, "take it back", (Group::Here, 80)),
    // No Enter in these two: one that was pressed twice must not close what it has just started.
    row(Scope::DeployRun, "x", Action::Stop, "stop", (Group::Here, 70)),
    row(Scope::DeployRun, "y", Action::Copy, "copy commands", (Group::Here, 60)),
    row(Scope::DeployRun, "esc q", Action::Back, "close", (Group::Here, 80)),
    row(Scope::DeployFailed, "f", Action::Finish, "finish", (Group::Here, 90)),
    row(Scope::DeployFailed, "c", Action::CleanUp, "clean up", (Group::Here, 85)),
    row(Scope::DeployFailed, "n", Action::PlanAnew, "plan anew", (Group::Here, 75)),
    row(Scope::DeployFailed, "r", Action::Refresh, "look again", (Group::Here, 70)),
    row(Scope::DeployFailed, "y", Action::Copy, "copy", (Group::Here, 60)),
    row(Scope::DeployFailed, "esc q", Action::Back, "close", (Group::Here, 80)),
    // The live sessions.
    row(Scope::Sessions, "up k", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Sessions, "down j", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Sessions, "home g", Action::First, "first", (Group::Move, 0)),
    row(Scope::Sessions, "end shift-g", Action::Last, "last", (Group::Move, 0)),
    row(Scope::Sessions, "enter", Action::Submit, "watch", (Group::Here, 90)),
    row(Scope::Sessions, "x", Action::CloseSession, "close, then forget", (Group::Here, 85)),
    row(Scope::Sessions, "esc q", Action::Back, "back", (Group::Here, 80)),
    // Forms.
    row(Scope::Form, "enter", Action::Submit, "change", (Group::Here, 90)),
    row(Scope::Form, "tab", Action::NextField, "next field", (Group::Here, 60)),
    row(Scope::Form, "backtab", Action::PreviousField, "field before", (Group::Here, 0)),
    row(Scope::Form, "up", Action::Up, "up", (Group::Move, 0)),
    row(Scope::Form, "down", Action::Down, "down", (Group::Move, 0)),
    row(Scope::Form, "pageup", Action::PageUp, "changes up", (Group::Move, 0)),
    row(Scope::Form, "pagedown", Action::PageDown, "changes down", (Group::Move, 0)),
    row(Scope::Form, "ctrl-y", Action::Copy, "copy command", (Group::Here, 50)),
    row(Scope::Form, "esc", Action::Back, "cancel", (Group::Here, 80)),
    row(Scope::FormChoice, "space right", Action::NextValue, "next value", (Group::Here, 70)),
    row(Scope::FormChoice, "left", Action::PreviousValue, "value before", (Group::Here, 0)),
    row(Scope::FormQuestion, "enter", Action::Submit, "go ahead", (Group::Here, 90)),
    row(Scope::FormQuestion, "esc", Action::Back, "take it back", (Group::Here, 80)),
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
    row(Scope::Global, "w", Action::Sessions, "live sessions", (Group::Program, 0)),
    row(Scope::Global, "!", Action::Log, "log", (Group::Program, 0)),
    row(Scope::Global, ":", Action::Palette, "command", (Group::Program, 60)),
    row(Scope::Global, "q", Action::Quit, "quit", (Group::Program, 250)),
    // Whatever has the keyboard.
    row(Scope::Anywhere, "? f1", Action::Help, "help", (Group::Program, 255)),
    row(Scope::Anywhere, "ctrl-c", Action::QuitNow, "quit at once", (Group::Program, 0)),
    row(Scope::Anywhere, "ctrl-z", Action::Suspend, "suspend", (Group::Program, 0)),
    row(Scope::Anywhere, "ctrl-l", Action::Redraw, "draw anew", (Group::Program, 0)),
];
