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
    group: Group,
) -> Row {
    Row {
        scope,
        chords,
        action,
        label,
        group,
        bar: 0,
    }
}

impl Row {
    /// Puts the row into the footer, with a rank.
    const fn bar(self, bar: u8) -> Self {
        Self { bar, ..self }
    }
}

/// One row a binding. Rows of one scope stand together, in the order in which the footer shows them.
// A row a line: the table is read more often than it is written.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    // The target picker.
    row(Scope::Targets, "enter", Action::Open, "use", Group::Here).bar(90),
    // The list of APIs.
    row(Scope::Apis, "enter", Action::Open, "open", Group::Here).bar(90),
    // The Stages tab.
    row(Scope::Stages, "enter", Action::Open, "watch", Group::Here).bar(90),
    row(Scope::Stages, "c", Action::CopyCallback, "copy callback URL", Group::Here),
    row(Scope::Stages, "e", Action::EditStage, "edit stage", Group::Stage),
    // What one can do to an API.
    row(Scope::Subject, "d", Action::Deploy, "deploy", Group::Stage).bar(85),
    row(Scope::Subject, "l", Action::Live, "live", Group::Stage).bar(80),
    row(Scope::Subject, "a", Action::Actions, "actions", Group::Stage).bar(75),
    row(Scope::Subject, "u", Action::Undo, "undo deploy", Group::Stage),
    // The tabs of an API.
    row(Scope::Api, "tab right", Action::NextTab, "next tab", Group::Move).bar(40),
    row(Scope::Api, "backtab left", Action::PreviousTab, "tab before", Group::Move),
    row(Scope::Api, "shift-k", Action::DetailUp, "details up", Group::Move),
    row(Scope::Api, "shift-j", Action::DetailDown, "details down", Group::Move),
    // The frames of the Live screen.
    row(Scope::Live, "tab", Action::NextField, "write", Group::Live).bar(95),
    row(Scope::Live, "enter", Action::Open, "inspect", Group::Live).bar(90),
    row(Scope::Live, "end shift-g", Action::Last, "follow", Group::Live).bar(65),
    row(Scope::Live, "m", Action::Fold, "fold", Group::Live).bar(55),
    row(Scope::Live, "/", Action::Filter, "filter", Group::Live).bar(50),
    row(Scope::Live, "d", Action::Deploy, "deploy", Group::Stage).bar(45),
    row(Scope::Live, "r", Action::Reconnect, "reconnect", Group::Live).bar(40),
    row(Scope::Live, "s", Action::Sign, "sign handshake", Group::Live),
    row(Scope::Live, "y", Action::Copy, "copy", Group::Live).bar(30),
    row(Scope::Live, "v right", Action::NextTab, "JSON, text, hex", Group::Live).bar(25),
    row(Scope::Live, "left", Action::PreviousTab, "hex, text, JSON", Group::Live),
    row(Scope::Live, "c", Action::Clear, "clear", Group::Live).bar(20),
    row(Scope::Live, "p", Action::Ping, "ping", Group::Live).bar(15),
    row(Scope::Live, "x", Action::Hangup, "hang up", Group::Live).bar(10),
    row(Scope::Live, "i", Action::Details, "refused handshake", Group::Live),
    row(Scope::Live, "shift-y", Action::CopyUrl, "copy URL", Group::Live),
    row(Scope::Live, "u", Action::Undo, "undo deploy", Group::Stage),
    row(Scope::Live, "up k", Action::Up, "up, pausing the view", Group::Move),
    row(Scope::Live, "down j", Action::Down, "down", Group::Move),
    row(Scope::Live, "pageup ctrl-b", Action::PageUp, "page up", Group::Move),
    row(Scope::Live, "pagedown ctrl-f", Action::PageDown, "page down", Group::Move),
    row(Scope::Live, "home g", Action::First, "oldest", Group::Move),
    // The inspector of the Live screen.
    row(Scope::Inspector, "esc enter", Action::Back, "frames", Group::Live).bar(90),
    row(Scope::Inspector, "tab v right", Action::NextTab, "JSON, text, hex", Group::Live).bar(80),
    row(Scope::Inspector, "backtab left", Action::PreviousTab, "hex, text, JSON", Group::Live),
    row(Scope::Inspector, "y", Action::Copy, "copy", Group::Live).bar(50),
    // The composer of the Live screen.
    row(Scope::Composer, "enter", Action::Submit, "send", Group::Live).bar(95),
    row(Scope::Composer, "tab", Action::NextField, "frames", Group::Live).bar(90),
    row(Scope::Composer, "ctrl-e", Action::Edit, "editor", Group::Live).bar(60),
    row(Scope::Composer, "alt-enter ctrl-j", Action::NewLine, "new line", Group::Live).bar(50),
    row(Scope::Composer, "up", Action::Up, "earlier", Group::Live).bar(45),
    row(Scope::Composer, "down", Action::Down, "later", Group::Live),
    row(Scope::Composer, "ctrl-r", Action::Reconnect, "reconnect", Group::Live).bar(40),
    row(Scope::Composer, "ctrl-s", Action::Sign, "sign handshake", Group::Live),
    row(Scope::Composer, "ctrl-x", Action::Hangup, "hang up", Group::Live).bar(10),
    row(Scope::Composer, "ctrl-o", Action::SendUnsplit, "send unsplit", Group::Live).bar(20),
    row(Scope::Composer, "pageup", Action::PageUp, "frames up", Group::Move),
    row(Scope::Composer, "pagedown", Action::PageDown, "frames down", Group::Move),
    row(Scope::Composer, "esc", Action::Back, "back", Group::Move).bar(70),
    // Lists.
    row(Scope::List, "up k", Action::Up, "up", Group::Move),
    row(Scope::List, "down j", Action::Down, "down", Group::Move),
    row(Scope::List, "pageup ctrl-b", Action::PageUp, "page up", Group::Move),
    row(Scope::List, "pagedown ctrl-f", Action::PageDown, "page down", Group::Move),
    row(Scope::List, "home g", Action::First, "first", Group::Move),
    row(Scope::List, "end shift-g", Action::Last, "last", Group::Move),
    row(Scope::List, "/", Action::Filter, "filter", Group::List).bar(50),
    row(Scope::List, "s", Action::Sort, "sort", Group::List).bar(20),
    row(Scope::List, "y", Action::Copy, "copy", Group::List).bar(30),
    row(Scope::List, "r", Action::Refresh, "refresh", Group::List).bar(45),
    // The filter line of a list.
    row(Scope::FilterLine, "enter down", Action::Submit, "keep", Group::Here).bar(90),
    row(Scope::FilterLine, "esc", Action::Back, "clear", Group::Here).bar(80),
    // Menus.
    row(Scope::Menu, "up k", Action::Up, "up", Group::Move),
    row(Scope::Menu, "down j", Action::Down, "down", Group::Move),
    row(Scope::Menu, "home g", Action::First, "first", Group::Move),
    row(Scope::Menu, "end shift-g", Action::Last, "last", Group::Move),
    row(Scope::Menu, "enter", Action::Submit, "do it", Group::Here).bar(90),
    row(Scope::Menu, "esc q", Action::Back, "cancel", Group::Here).bar(80),
    // The deploy dialog.
    // The letters begin the name of a new stage, so that none of them is a command.
    row(Scope::Deploy, "up", Action::Up, "up", Group::Move),
    row(Scope::Deploy, "down", Action::Down, "down", Group::Move),
    row(Scope::Deploy, "home", Action::First, "first", Group::Move),
    row(Scope::Deploy, "end", Action::Last, "last", Group::Move),
    row(Scope::Deploy, "pageup", Action::PageUp, "changes up", Group::Move),
    row(Scope::Deploy, "pagedown", Action::PageDown, "changes down", Group::Move),
    row(Scope::Deploy, "enter", Action::Submit, "deploy", Group::Here).bar(90),
    row(Scope::Deploy, "tab", Action::NextField, "description", Group::Here).bar(60),
    row(Scope::Deploy, "ctrl-y", Action::Copy, "copy commands", Group::Here).bar(50),
    row(Scope::Deploy, "ctrl-r", Action::Refresh, "plan again", Group::Here),
    row(Scope::Deploy, "esc", Action::Back, "cancel", Group::Here).bar(80),
    row(Scope::DeploySlow, "w", Action::Wait, "wait, compare first", Group::Here).bar(85),
    row(Scope::DeployField, "enter", Action::Submit, "deploy", Group::Here).bar(90),
    row(Scope::DeployField, "tab", Action::NextField, "next field", Group::Here).bar(60),
    row(Scope::DeployField, "backtab", Action::PreviousField, "field before", Group::Here),
    row(Scope::DeployField, "up", Action::Up, "up", Group::Move),
    row(Scope::DeployField, "down", Action::Down, "down", Group::Move),
    row(Scope::DeployField, "pageup", Action::PageUp, "changes up", Group::Move),
    row(Scope::DeployField, "pagedown", Action::PageDown, "changes down", Group::Move),
    row(Scope::DeployField, "ctrl-y", Action::Copy, "copy commands", Group::Here).bar(50),
    row(Scope::DeployField, "ctrl-r", Action::Refresh, "plan again", Group::Here),
    row(Scope::DeployField, "esc", Action::Back, "cancel", Group::Here).bar(80),
    row(Scope::DeployQuestion, "enter", Action::Submit, "deploy", Group::Here).bar(90),
    row(Scope::DeployQuestion, "esc", Action::Back, "take it back", Group::Here).bar(80),
    // No Enter in these two: one that was pressed twice must not close what it has just started.
    row(Scope::DeployRun, "x", Action::Stop, "stop", Group::Here).bar(70),
    row(Scope::DeployRun, "y", Action::Copy, "copy commands", Group::Here).bar(60),
    row(Scope::DeployRun, "esc q", Action::Back, "close", Group::Here).bar(80),
    row(Scope::DeployFailed, "f", Action::Finish, "finish", Group::Here).bar(90),
    row(Scope::DeployFailed, "c", Action::CleanUp, "clean up", Group::Here).bar(85),
    row(Scope::DeployFailed, "n", Action::PlanAnew, "plan anew", Group::Here).bar(75),
    row(Scope::DeployFailed, "r", Action::Refresh, "look again", Group::Here).bar(70),
    row(Scope::DeployFailed, "y", Action::Copy, "copy", Group::Here).bar(60),
    row(Scope::DeployFailed, "esc q", Action::Back, "close", Group::Here).bar(80),
    // The live sessions.
    row(Scope::Sessions, "up k", Action::Up, "up", Group::Move),
    row(Scope::Sessions, "down j", Action::Down, "down", Group::Move),
    row(Scope::Sessions, "home g", Action::First, "first", Group::Move),
    row(Scope::Sessions, "end shift-g", Action::Last, "last", Group::Move),
    row(Scope::Sessions, "enter", Action::Submit, "watch", Group::Here).bar(90),
    row(Scope::Sessions, "x", Action::Hangup, "close", Group::Here).bar(85),
    row(Scope::Sessions, "d delete", Action::Forget, "forget", Group::Here).bar(75),
    row(Scope::Sessions, "esc q", Action::Back, "back", Group::Here).bar(80),
    // Forms.
    row(Scope::Form, "enter", Action::Submit, "change", Group::Here).bar(90),
    row(Scope::Form, "tab", Action::NextField, "next field", Group::Here).bar(60),
    row(Scope::Form, "backtab", Action::PreviousField, "field before", Group::Here),
    row(Scope::Form, "up", Action::Up, "up", Group::Move),
    row(Scope::Form, "down", Action::Down, "down", Group::Move),
    row(Scope::Form, "pageup", Action::PageUp, "changes up", Group::Move),
    row(Scope::Form, "pagedown", Action::PageDown, "changes down", Group::Move),
    row(Scope::Form, "ctrl-y", Action::Copy, "copy command", Group::Here).bar(50),
    row(Scope::Form, "esc", Action::Back, "cancel", Group::Here).bar(80),
    row(Scope::FormChoice, "space right", Action::NextValue, "next value", Group::Here).bar(70),
    row(Scope::FormChoice, "left", Action::PreviousValue, "value before", Group::Here),
    row(Scope::FormQuestion, "enter", Action::Submit, "go ahead", Group::Here).bar(90),
    row(Scope::FormQuestion, "esc", Action::Back, "take it back", Group::Here).bar(80),
    row(Scope::FormSent, "esc q", Action::Back, "close", Group::Here).bar(80),
    // A question.
    row(Scope::Confirm, "enter y", Action::Submit, "yes", Group::Here).bar(90),
    row(Scope::Confirm, "esc n q", Action::Back, "no", Group::Here).bar(80),
    // A failure, the help, the log.
    row(Scope::Failure, "y", Action::Copy, "copy", Group::Here).bar(70),
    row(Scope::Failure, "esc enter q", Action::Back, "close", Group::Here).bar(80),
    row(Scope::Help, "esc enter q", Action::Back, "close", Group::Here).bar(80),
    row(Scope::Log, "y", Action::Copy, "copy", Group::Here).bar(70),
    row(Scope::Log, "esc enter q", Action::Back, "close", Group::Here).bar(80),
    row(Scope::Text, "up k", Action::Up, "up", Group::Move),
    row(Scope::Text, "down j", Action::Down, "down", Group::Move),
    row(Scope::Text, "pageup ctrl-b", Action::PageUp, "page up", Group::Move),
    row(Scope::Text, "pagedown space", Action::PageDown, "page down", Group::Move),
    row(Scope::Text, "home g", Action::First, "top", Group::Move),
    row(Scope::Text, "end shift-g", Action::Last, "end", Group::Move),
    // The palette and the pickers.
    row(Scope::Palette, "enter", Action::Submit, "choose", Group::Here).bar(90),
    row(Scope::Palette, "up ctrl-p", Action::Up, "up", Group::Move),
    row(Scope::Palette, "down ctrl-n", Action::Down, "down", Group::Move),
    row(Scope::Palette, "pageup", Action::PageUp, "page up", Group::Move),
    row(Scope::Palette, "pagedown", Action::PageDown, "page down", Group::Move),
    row(Scope::Palette, "esc", Action::Back, "cancel", Group::Here).bar(80),
    // Every screen.
    row(Scope::Global, "esc backspace", Action::Back, "back", Group::Move).bar(70),
    row(Scope::Global, "t", Action::Targets, "target", Group::Program).bar(35),
    row(Scope::Global, "shift-r", Action::Region, "region", Group::Program).bar(15),
    row(Scope::Global, "w", Action::Sessions, "live sessions", Group::Program),
    row(Scope::Global, "!", Action::Log, "log", Group::Program),
    row(Scope::Global, ":", Action::Palette, "command", Group::Program).bar(60),
    row(Scope::Global, "q", Action::Quit, "quit", Group::Program).bar(250),
    // Whatever has the keyboard.
    row(Scope::Anywhere, "? f1", Action::Help, "help", Group::Program).bar(255),
    row(Scope::Anywhere, "ctrl-c", Action::QuitNow, "quit at once", Group::Program),
    row(Scope::Anywhere, "ctrl-z", Action::Suspend, "suspend", Group::Program),
    row(Scope::Anywhere, "ctrl-l", Action::Redraw, "draw anew", Group::Program),
];
