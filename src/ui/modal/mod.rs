//! Modals: views that stand above a screen and have the keyboard until they are closed, a file or folder each. A modal
//! knows no other modal: it asks for a route.

pub mod actions;
pub mod confirm;
pub mod deploy;
pub mod failure;
pub mod help;
pub mod log;
pub mod palette;
pub mod region;
pub mod sessions;
pub mod stage_settings;
