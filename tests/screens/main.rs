//! Screens, driven through `update` and `render`: no runtime, no terminal, no clock.

#[cfg(test)]
mod api;
#[cfg(test)]
mod apis;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod live;
#[cfg(test)]
mod modals;
mod pace;
#[cfg(test)]
mod safety;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod stage_settings;
#[cfg(test)]
mod targets;

#[cfg(test)]
#[path = "../support/chat.rs"]
mod chat;
#[cfg(test)]
#[path = "../support/harness.rs"]
mod harness;
#[cfg(test)]
#[path = "../support/live.rs"]
mod rig;
