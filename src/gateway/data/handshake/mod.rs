//! The handshake: the stage that it leads to, the clients that may connect, and the answer of `$connect`.

mod arrival;
mod authorization;
pub(super) mod authorizer;
pub(super) mod caller;
pub(super) mod refusal;
pub(super) mod upgrade;
