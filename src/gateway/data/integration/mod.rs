//! Integrations: the request that is made for a route, and the meaning of its answer.

pub(super) mod failure;
pub(crate) mod forwarding;
pub(super) mod integrate;
pub(super) mod lambda;
pub(super) mod mapping;
pub(super) mod payload;
pub(super) mod template;
