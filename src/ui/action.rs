//! What a person can wish for. The binding table gives each wish its keys.

/// A wish, as a key or the menu names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// End the program.
    Quit,
}
