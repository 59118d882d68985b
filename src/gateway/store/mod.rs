//! The gateway's state: an embedded transactional database, and what the data plane reads of it, in memory.

pub(crate) mod record;
