//! A relay in front of the gateway that keeps when each call came.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// One call: when it came, and its request line.
type Call = (Instant, String);

/// The relay; it goes with the process.
pub(crate) struct Relay {
    address: SocketAddr,
    kept: Arc<Kept>,
}

/// The calls, and that there is one more.
#[derive(Default)]
struct Kept {
    calls: Mutex<Vec<Call>>,
    one_more: Condvar,
}

impl Relay {
    /// Begins to pass everything on to `gateway`.
    pub(crate) fn start(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Kept::default());
        let calls = Arc::clone(&kept);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let kept = Arc::clone(&calls);
                thread::spawn(move || pass(client, gateway, &kept));
            }
        });
        Self { address, kept }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn n_calls(&self) -> usize {
        self.kept.calls.lock().unwrap().len()
    }

    /// Waits until no call has come for this long.
    pub(crate) fn rests(&self, span: Duration) {
        let mut calls = self.kept.calls.lock().unwrap();
        loop {
            let n_calls = calls.len();
            let waited = self
                .kept
                .one_more
                .wait_timeout_while(calls, span, |calls| calls.len() == n_calls);
            let (now, timeout) = waited.unwrap();
            if timeout.timed_out() {
                return;
            }
            calls = now;
        }
    }

    /// The request lines of the calls since a moment.
    pub(crate) fn calls_since(&self, begin: Instant) -> Vec<String> {
        let calls = self.kept.calls.lock().unwrap();
        let since = calls.iter().filter(|(at, _)| *at >= begin);
        since.map(|(_, line)| line.clone()).collect()
    }

    /// When a call of that kind came last.
    pub(crate) fn last_call(&self, method: &str, path: &str) -> Option<Instant> {
        let calls = self.kept.calls.lock().unwrap();
        let mut calls = calls.iter().rev();
        let is_meant = |line: &str| line.starts_with(method) && line.contains(path);
        calls.find(|(_, line)| is_meant(line)).map(|(at, _)| *at)
    }

    /// By how many calls any window of time exceeds `burst` and `rate` calls for each of its seconds; negative when none
    /// does.
    pub(crate) fn worst_excess(&self, burst: f64, rate: f64) -> f64 {
        let calls = self.kept.calls.lock().unwrap();
        let mut worst = f64::MIN;
        for (first, (begin, _)) in calls.iter().enumerate() {
            for (idx, (end, _)) in calls.iter().enumerate().skip(first) {
                let n_calls = f64::from(u32::try_from(idx - first + 1).unwrap());
                let allowed = burst + rate * (*end - *begin).as_secs_f64();
                worst = worst.max(n_calls - allowed);
            }
        }
        worst
    }
}

/// Passes a connection on, both ways, until either end closes.
fn pass(client: TcpStream, gateway: SocketAddr, kept: &Kept) {
    let Ok(server) = TcpStream::connect(gateway) else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        std::io::copy(&mut answers, &mut back).ok();
        back.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to) = (client, server);
    let mut buffer = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..n]);
        // A request is written at once, and begins with its line. Those of WebSockets are not calls.
        let line = text.lines().next().unwrap_or_default();
        if line.contains(" /v2/") && line.ends_with("HTTP/1.1") {
            let call = (Instant::now(), line.to_owned());
            kept.calls.lock().unwrap().push(call);
            kept.one_more.notify_all();
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
