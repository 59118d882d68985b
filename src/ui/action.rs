//! Actions: the wishes of a person. The binding table gives each wish its keys.

/// A wish, as a key, the menu or the palette names it.
///
/// The screen or modal that has the keyboard decides the meaning of a wish: `Down` moves the selection of a list and
/// scrolls a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    // Everywhere.
    /// End the program.
    Quit,
    /// End the program, whatever has the keyboard.
    QuitNow,
    /// Stop the program as Ctrl-Z does in a shell.
    Suspend,
    /// Draw the whole screen anew.
    Redraw,
    /// List the keys that work here.
    Help,
    /// Find any action by name.
    Palette,
    /// One step back.
    Back,
    /// Choose another target.
    Targets,
    /// Choose another region of the target.
    Region,
    /// List the live sessions, to go to one or to close it.
    Sessions,
    /// Forget a live session that has ended, and its frames.
    Forget,
    /// Read the notices and failures so far.
    Log,

    // Lists and texts.
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// The text beside the list, one line up.
    DetailUp,
    /// The text beside the list, one line down.
    DetailDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Narrow the list.
    Filter,
    /// Sort by the next column.
    Sort,
    /// Put the selected thing on the clipboard.
    Copy,
    /// Ask again.
    Refresh,
    /// Go into the selected thing.
    Open,
    /// The next tab.
    NextTab,
    /// The tab before.
    PreviousTab,

    // APIs and stages.
    /// The menu of what can be done.
    Actions,
    /// Deploy the API.
    Deploy,
    /// Watch the stage live.
    Live,
    /// Take the last deploy back.
    Undo,
    /// Change the settings of the stage.
    EditStage,
    /// Copy the callback URL of the stage.
    CopyCallback,

    // Live.
    /// Send the message in one frame, however long it is.
    SendUnsplit,
    /// Start a new line in the message.
    NewLine,
    /// Write the message in an editor.
    Edit,
    /// Send a ping.
    Ping,
    /// Close the connection, or stop trying to get one.
    Hangup,
    /// Connect again.
    Reconnect,
    /// Connect again with a signed handshake; after a signed one, without.
    Sign,
    /// One row a message, or one row a frame.
    Fold,
    /// Forget the frames so far.
    Clear,
    /// Copy the URL of the stage.
    CopyUrl,
    /// Show the headers and the body of the answer to a refused handshake, or the frames again.
    Details,

    // Dialogs.
    /// Do what the dialog is for.
    Submit,
    /// The next field.
    NextField,
    /// The field before.
    PreviousField,
    /// The next value of the field.
    NextValue,
    /// The value of the field before this one.
    PreviousValue,
    /// Deploy only once the draft was compared, however long that takes.
    Wait,
    /// Begin no further step of the deploy that runs.
    Stop,
    /// Go on with a failed deploy.
    Finish,
    /// Delete what a failed deploy left.
    CleanUp,
    /// Leave what a failed deploy left, and plan the deploy anew.
    PlanAnew,
}
