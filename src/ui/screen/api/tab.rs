//! What a tab of an API shows: its list, and the scroll of the text beside it.

use crate::ui::widget::{listing::Listing, scroll::Scroll};

/// The view state of a tab.
#[derive(Debug, Clone, Copy)]
pub(super) struct TabView<'a> {
    /// Its list.
    pub(super) list: &'a Listing,
    /// The scroll of the text about the selected row.
    pub(super) scroll: Scroll,
}
