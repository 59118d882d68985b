//! Token buckets: each request takes a token, and tokens come back as time passes.

use tokio::time::Instant;

/// A rate, in requests a second, and a burst: the requests that may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    pub(super) rate: f64,
    pub(super) burst: f64,
}

/// The tokens that a limit leaves at a moment.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: Limit,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub(super) fn full(limit: Limit, now: Instant) -> Bucket {
        Bucket {
            limit,
            tokens: limit.burst,
            filled: now,
        }
    }

    /// Turns the time that has passed, `pace` times as fast as the clock's, into tokens.
    pub(super) fn fill(&mut self, limit: Limit, now: Instant, pace: f64) {
        if self.limit != limit {
            // A limit that was just set acts as if it had always been there.
            *self = Bucket::full(limit, now);
        }
        let passed = now.duration_since(self.filled).as_secs_f64() * pace;
        self.tokens = (self.tokens + passed * limit.rate).min(limit.burst);
        self.filled = now;
    }

    /// True when a request may pass.
    pub(super) fn has_token(&self) -> bool {
        // A rate of 0 blocks all, whatever burst it comes with.
        self.limit.rate > 0.0 && self.tokens >= 1.0
    }

    /// True when no token is missing: then the bucket is as good as new.
    pub(super) fn is_full(&self) -> bool {
        self.tokens >= self.limit.burst
    }

    /// Takes the token of a request that passes.
    pub(super) fn spend(&mut self) {
        self.tokens -= 1.0;
    }

    /// Takes a token, if there is one by now.
    pub(super) fn take(&mut self, limit: Limit, now: Instant) -> bool {
        self.fill(limit, now, 1.0);
        let passes = self.has_token();
        if passes {
            self.spend();
        }
        passes
    }
}
