//! What several test binaries share; one file a helper.

pub(crate) mod function;
pub(crate) mod gateway;
