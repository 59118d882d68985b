//! Pools of a function without processes, for tests.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    FunctionName, Invocation, Mode,
    pool::{NewProcess, Pool, Spec},
};

pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a pool, and a receiver of the processes that it starts; they do nothing until it stops.
pub(super) fn pool() -> (Arc<Pool>, mpsc::UnboundedReceiver<NewProcess>) {
    let (starts, started) = mpsc::unbounded_channel();
    let pool = pool_of(move |process: NewProcess| {
        let stopped = process.pool.stop.clone().cancelled_owned();
        // Most tests look at no process, and some end before one is started.
        drop(starts.send(process));
        stopped.boxed()
    });
    (pool, started)
}

/// Makes a pool with the given way to run a process.
pub(super) fn pool_of(
    run_process: impl Fn(NewProcess) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> Arc<Pool> {
    let spec = Spec {
        name: "f".into(),
        timeout: TIMEOUT,
    };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    Pool::new(spec, Box::new(run_process), tasks, stop)
}

pub(super) fn invocation() -> Invocation {
    Invocation {
        function: FunctionName::parse("f").unwrap(),
        payload: Bytes::from_static(b"{}"),
        mode: Mode::Event,
        trace_id: None,
    }
}
