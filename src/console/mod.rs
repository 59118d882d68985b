//! The terminal shell: the event loop, the effect runner and the terminal guard.

#[expect(dead_code, reason = "the modules that ask for the time land next")]
mod clock;
