//! Screens: views that fill the body, a file or folder each. A screen knows no other screen: it asks for a route.

pub mod api;
pub mod apis;
pub mod live;
pub mod targets;
