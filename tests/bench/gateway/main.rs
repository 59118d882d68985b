//! What the local gateway costs, as ratios where there is something to compare with: `cargo bench --bench gateway`, or one
//! part of it with `-- echo`, `-- control` or `-- broadcast`.
//!
//! The clients run in the same process and on the same cores.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark tells its figures, and stops where it cannot go on"
)]

mod broadcast;
mod control;
mod echo;
#[expect(dead_code, reason = "a benchmark needs less of it than the tests do")]
#[path = "../../support/gateway.rs"]
mod support;
#[expect(dead_code, reason = "a benchmark needs less of it than the tests do")]
#[path = "../../support/weather.rs"]
mod weather;

use rustix::process::{Resource, getrlimit, setrlimit};

fn main() {
    // Both ends of thousands of connections are this process's.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if is_wanted("echo") {
            echo::run().await;
        }
        if is_wanted("broadcast") {
            broadcast::run().await;
        }
        if is_wanted("control") {
            control::run().await;
        }
    });
}
