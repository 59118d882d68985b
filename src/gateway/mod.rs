//! The local gateway: API Gateway's control plane, data plane and `@connections`, and Lambda's Invoke for the functions
//! behind its routes, on one listener.
//!
//! The caller binds the listener and says when to stop; [`run`] returns when every client is gone. AWS's behaviour is
//! written down in API Gateway's developer guide and API reference; where neither says, the code is marked `GUESS`. The
//! gateway shares no code with [`crate::aws`], so that the two cannot be wrong together.

mod access;
mod bucket;
mod client_stream;
mod clock;
pub(crate) mod control;
mod data;
mod demo;
mod fault;
mod host;
mod http;
mod lambda;
mod local_api;
mod management;
mod notice;
mod outbound;
mod query;
mod reply;
mod schema;
mod seed;
mod stage_address;
pub(crate) mod store;
mod strict;
mod time_scale;

use std::{io, net::SocketAddr, ops::RangeInclusive, path::PathBuf};

use tokio::{
    net::TcpListener,
    sync::{broadcast::Receiver, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub use self::{
    access::{
        ApiKey, Credential, Keyring,
        policy::{BadPolicy, Policy},
    },
    lambda::{BadFunction, FunctionLine, LambdaOptions, LineSource, LocalFunction},
    seed::{SeedError, Seeded},
    store::Error as StoreError,
    strict::{LONGEST_CONSISTENCY, LONGEST_LATENCY, Strictness},
};
use self::{lambda::Functions, notice::Notices, store::Store};

/// The one account that there is.
const ACCOUNT: &str = "000000000000";

/// The port that the gateway listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 4566;

/// The time scales that a person may ask for: at the least a connection's idle limit is 10 years, the longest time that
/// anything takes here; at the most its lifetime is 7 ms.
pub const TIME_SCALES: RangeInclusive<f64> = 0.000_001..=1_000_000.0;

/// The options of a gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The place of the gateway's state.
    pub store: StoreLocation,
    /// The content of a new store.
    pub seed: Seed,
    /// The time scale: the factor by which time passes faster than on AWS, for the idle and lifetime limits of a
    /// connection and for the times and rates of the strictness; at least 1 is usual.
    pub time_scale: f64,
    /// The strictness of the gateway where AWS makes its callers wait.
    pub strictness: Strictness,
    /// WebSocket connections open at the same time; one more is refused with 429.
    pub connections: usize,
    /// Connections beyond those: control calls, callbacks and backends, which must get through when the gateway is
    /// full. One more waits.
    pub spare_connections: usize,
    /// The credentials and API keys that clients may come with, where a route asks for any.
    pub keyring: Keyring,
    /// The Lambda functions that run here, and the endpoint of all others.
    pub lambda: LambdaOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: StoreLocation::Memory,
            seed: Seed::Demo,
            time_scale: 1.0,
            strictness: Strictness::default(),
            connections: 10_000,
            spare_connections: 512,
            keyring: Keyring::default(),
            lambda: LambdaOptions::default(),
        }
    }
}

/// The place of a gateway's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// In a database file; it is made if there is none. Only one process can have it open.
    File(PathBuf),
    /// In memory, gone with the gateway.
    Memory,
}

/// The content of a new store. A store that holds an API, or was filled before, is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seed {
    /// The demo APIs that ship with the program.
    Demo,
    /// Nothing.
    None,
    /// The APIs in this file.
    File(PathBuf),
}

/// The reason why a gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listener does not say where it listens.
    #[error("cannot read the listener's address")]
    Listener(#[source] io::Error),
    /// The store could not be opened; what the file holds was left as it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The empty store could not be filled.
    #[error(transparent)]
    Seed(#[from] SeedError),
}

/// Serves on `listener` until `shutdown` is done, then closes every client with 1001 and returns when all are gone.
///
/// # Errors
///
/// See [`Error`]. Nothing that happens after the start is an error of the gateway; it is logged.
pub async fn run(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let gateway = Gateway::start(listener, options).await?;
    shutdown.await;
    gateway.stop().await;
    Ok(())
}

/// A running gateway. Dropping it stops it without waiting.
#[derive(Debug)]
#[must_use = "dropping the handle stops the gateway"]
pub struct Gateway {
    address: SocketAddr,
    stop: CancellationToken,
    seeded: Vec<Seeded>,
    functions: Functions,
    time_scales: watch::Receiver<f64>,
    notices: Notices,
    serving: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Opens the store, seeds it if it is new, and begins to serve on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn start(listener: TcpListener, options: Options) -> Result<Gateway, Error> {
        let address = listener.local_addr().map_err(Error::Listener)?;
        let (location, seed) = (options.store.clone(), options.seed.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let store = Store::open(&location)?;
            let seeded = seed::plant(&store, &seed)?;
            Ok::<_, Error>((store, seeded))
        });
        let (store, seeded) = opening.await.map_err(|_| StoreError::Closed)??;
        let stop = CancellationToken::new();
        let server = http::Server::new(address, &options, store);
        let functions = server.functions();
        let time_scales = server.time_scales();
        let notices = server.notices();
        let serving = tokio::spawn(http::serve(listener, server, stop.clone()));
        Ok(Gateway {
            address,
            stop,
            seeded,
            functions,
            time_scales,
            notices,
            serving: Some(serving),
        })
    }

    /// Returns the deployments that were planted when the gateway started, with what they hold; none if the store was
    /// not new.
    pub fn seeded(&self) -> &[Seeded] {
        &self.seeded
    }

    /// Follows the lines that the functions that run here print from now on, and the gateway's lines about their
    /// processes.
    pub fn function_lines(&self) -> Receiver<FunctionLine> {
        self.functions.lines()
    }

    /// Follows the time scale: the factor by which time passes faster than on AWS, now and whenever that changes.
    pub fn time_scales(&self) -> watch::Receiver<f64> {
        self.time_scales.clone()
    }

    /// Follows the notices for whoever runs the gateway, such as that a client spoke TLS; a line each, once each.
    pub fn notices(&self) -> Receiver<String> {
        self.notices.subscribe()
    }

    /// Returns the address that the gateway listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every client with 1001, waits until all are gone or a short deadline is over, and stops listening.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take()
            && let Err(error) = serving.await
        {
            tracing::error!(%error, "the gateway's listener ended badly");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
