//! The data plane: WebSocket clients, the routes their messages select, and the integrations that answer.
//!
//! The source of the data plane's behaviour is the developer guide's "WebSocket APIs" chapter. The data plane reads the
//! store's memory and never its database, and keeps no payload longer than it takes to pass it on.

mod access_log;
mod connection;
#[cfg(test)]
mod fixture;
mod gateway_response;
mod handshake;
pub(crate) mod ids;
mod integration;
mod message;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::{
    Semaphore,
    broadcast::{Receiver, error::RecvError},
    watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    access_log::AccessLogs,
    message::{plan::Plans, throttle::Throttles},
};
pub(crate) use self::{
    access_log::{format as access_log_format, names as access_log_names, time as access_log_time},
    connection::{
        outbox::{Closing, OutboxRefusal},
        registry::{Connection, Registry},
    },
    handshake::{
        refusal::{led_nowhere, turned_away},
        upgrade::{connect, wanted},
    },
    integration::mapping::{
        is_parameter, is_request_source, is_request_target, is_response_source, is_response_target,
    },
    message::{
        event::text_of,
        selection::{may_select_answers, may_select_routes},
    },
};
use super::{
    access::Keyring,
    host::reachable,
    lambda::Functions,
    outbound::Outbound,
    store::{Removed, Store},
    strict::Strict,
    time_scale::{self, TimeScale},
};
use crate::model::limit;

/// All that the connections share.
pub(crate) struct Plane {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) outbound: Outbound,
    pub(crate) functions: Functions,
    plans: Plans,
    keyring: Keyring,
    throttles: Throttles,
    pub(crate) access_logs: Arc<AccessLogs>,
    time_scale: Arc<TimeScale>,
    pub(crate) strict: Arc<Strict>,
    /// One permit for each WebSocket connection that may be open.
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    abort: CancellationToken,
}

/// The longest times that a connection may be idle, and live.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limits {
    idle: Duration,
    lifetime: Duration,
}

impl Limits {
    /// Returns API Gateway's limits, passing `scale` times as fast.
    fn scaled(scale: f64) -> Limits {
        let seconds =
            |seconds: i64| time_scale::scaled(Duration::from_secs(seconds.unsigned_abs()), scale);
        Limits {
            idle: seconds(limit::IDLE_MINUTES * 60),
            lifetime: seconds(limit::LIFETIME_HOURS * 3600),
        }
    }
}

impl Plane {
    pub(crate) fn new(store: Store, listener: SocketAddr, options: &super::Options) -> Arc<Plane> {
        let connections = options.connections.min(Semaphore::MAX_PERMITS);
        let time_scale = Arc::new(TimeScale::new(options.time_scale));
        let kept = Arc::clone(&time_scale);
        let strict = Strict::new(store.clone(), kept, options.strictness);
        Arc::new(Plane {
            store,
            registry: Registry::default(),
            outbound: Outbound::new(listener),
            functions: Functions::new(&options.lambda, reachable(listener)),
            plans: Plans::default(),
            keyring: options.keyring.clone(),
            throttles: Throttles::default(),
            access_logs: Arc::default(),
            time_scale,
            strict: Arc::new(strict),
            permits: Arc::new(Semaphore::new(connections)),
            tasks: TaskTracker::new(),
            abort: CancellationToken::new(),
        })
    }

    /// Returns the limits of a connection, and the time scale that they follow; see [`Plane::timing`].
    fn limits(&self) -> (Limits, u32) {
        let timing = self.timing();
        (Limits::scaled(self.time_scale()), timing)
    }

    /// Returns a number that is another when time has begun to pass at another pace.
    fn timing(&self) -> u32 {
        self.time_scale.changes()
    }

    /// Returns the time scale: how many times faster than on AWS time passes.
    pub(crate) fn time_scale(&self) -> f64 {
        self.time_scale.get()
    }

    /// Follows the time scale from now on.
    pub(crate) fn time_scales(&self) -> watch::Receiver<f64> {
        self.time_scale.follow()
    }

    /// Lets time pass `scale` times as fast as on AWS, for the limits of open connections too.
    pub(crate) fn scale_time(&self, scale: f64) {
        self.time_scale.set(scale);
        self.strict.keep_pace();
        self.registry.wake_all();
    }

    /// Runs a task that ends with the gateway.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            // A task that is cut off has nothing left to say.
            let _finished = abort.run_until_cancelled_owned(task).await;
        });
    }

    /// Closes the connections of what is removed, and forgets it, for as long as the gateway runs.
    pub(crate) async fn watch_removals(self: Arc<Self>, mut removals: Receiver<Removed>) {
        let is_there = |api_id: &str, stage: &str| self.store.serving(api_id, stage).is_ok();
        loop {
            match removals.recv().await {
                Ok(Removed::Api { api_id }) => {
                    self.throttles.forget_api(&api_id);
                    // An event that ended late may have left a line of something that went before.
                    self.access_logs
                        .keep(|api, name| api != api_id && is_there(api, name));
                    self.registry
                        .close_where(&Closing::REMOVED, |connection| connection.api_id == api_id);
                }
                Ok(Removed::Stage { api_id, stage }) => {
                    self.throttles.forget_stage(&api_id, &stage);
                    self.access_logs
                        .keep(|api, name| (api, name) != (&api_id, &stage) && is_there(api, name));
                    self.registry.close_where(&Closing::REMOVED, |connection| {
                        connection.api_id == api_id && connection.stage == stage
                    });
                }
                Err(RecvError::Lagged(_)) => {
                    self.throttles.keep(is_there);
                    self.access_logs.keep(is_there);
                    self.registry.close_where(&Closing::REMOVED, |connection| {
                        !is_there(&connection.api_id, &connection.stage)
                    });
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Closes every connection with 1001 and waits until all are gone, or cuts off what is left after `patience`.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.registry.shut(&Closing::GOING_AWAY);
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                left = self.tasks.len(),
                "some connections did not end in time"
            );
        }
        self.abort.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_pass_faster_on_request() {
        let scaled = Limits::scaled(60.0);
        assert_eq!(scaled.idle, Duration::from_secs(10));
        assert_eq!(scaled.lifetime, Duration::from_mins(2));
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Limits::scaled(nonsense), Limits::scaled(1.0));
        }
        assert!(Limits::scaled(f64::MIN_POSITIVE).idle > Duration::from_hours(24));
    }
}
