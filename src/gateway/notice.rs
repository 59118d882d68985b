//! Notices: lines that whoever runs the gateway should read at once, in the log and sent to whoever listens. Each is
//! said once, for clients try again.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::broadcast;

/// Lines kept for a listener that is slow.
const KEPT: usize = 16;

/// The sender of notices.
#[derive(Debug, Clone)]
pub(super) struct Notices {
    lines: broadcast::Sender<String>,
    tls_told: Arc<AtomicBool>,
}

impl Notices {
    pub(super) fn new() -> Notices {
        Notices {
            lines: broadcast::Sender::new(KEPT),
            tls_told: Arc::default(),
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<String> {
        self.lines.subscribe()
    }

    /// Says that a client spoke TLS, as one does that made a callback URL in the way of AWS's samples.
    pub(super) fn tls(&self, listener: SocketAddr) {
        if self.tls_told.swap(true, Ordering::Relaxed) {
            return;
        }
        let line = format!(
            "a client spoke TLS to {listener}, which has none: use http:// and ws:// here, in callback URLs too \
             (http://{{domainName}}/{{stage}})"
        );
        tracing::warn!("{line}");
        // Often nobody listens.
        drop(self.lines.send(line));
    }
}
