//! Our WebSocket client: one link is one connection to a stage, with every frame recorded as it crosses the wire.

#[expect(dead_code, reason = "the modules that ask for the time land next")]
mod clock;
