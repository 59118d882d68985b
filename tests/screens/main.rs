//! Screens, driven through `update` and `render`: no runtime, no terminal, no clock.

#[cfg(test)]
mod live;
#[cfg(test)]
#[path = "../support/live.rs"]
mod rig;
