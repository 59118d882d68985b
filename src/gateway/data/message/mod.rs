//! A message on its way to a route: the deployment that takes it, the route that its expression selects, and the limits
//! and models that it must pass.

pub(super) mod bounded;
pub(super) mod event;
pub(super) mod jsonpath;
pub(super) mod plan;
pub(super) mod selection;
mod spelling;
pub(super) mod throttle;
pub(super) mod validation;
