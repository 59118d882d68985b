//! The local gateway: API Gateway's control plane, data plane and `@connections`, on one loopback listener.

#[expect(dead_code, reason = "the modules that ask for the time land next")]
mod clock;
