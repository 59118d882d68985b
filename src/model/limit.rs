//! API Gateway's limits that both ends must know. SOURCE: "Quotas for configuring and running a WebSocket API".

/// Longest payload of one WebSocket frame, in bytes; one byte more and the connection is closed with 1009.
pub const FRAME_BYTES: usize = 32 * 1024;

/// Longest message over all its frames, in bytes; one byte more and the connection is closed with 1009.
pub const MESSAGE_BYTES: usize = 128 * 1024;

/// Stages that an API may have.
pub const STAGES_PER_API: usize = 10;

/// Longest description of anything, in characters.
pub const DESCRIPTION_CHARS: usize = 1024;

/// Minutes without a message in either direction before the connection is closed with 1001.
pub const IDLE_MINUTES: i64 = 10;

/// Hours a connection lives, however busy it is, before it is closed with 1001.
pub const LIFETIME_HOURS: i64 = 2;
