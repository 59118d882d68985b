//! The local gateway inside this process: one at most, started when it becomes the target, gone with the console.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

use tokio::sync::watch;

use super::{keyring::keyring, seeded::remember};
use crate::{
    config::{Paths, Settings},
    gateway::{
        DEFAULT_PORT, Error, Gateway, LambdaOptions, Options, Seed, StoreError, StoreLocation,
    },
    model::{Failure, FailureKind},
    ops::Journal,
};

/// An address to listen on, taken before the gateway runs, so that it is known at once.
#[derive(Debug)]
pub(super) struct ReservedAddress {
    listener: TcpListener,
    /// The address that was wanted and that somebody else has.
    taken: Option<SocketAddr>,
}

impl ReservedAddress {
    /// Takes the address that the settings name, or the usual one; if somebody else has it, a free port beside it.
    ///
    /// # Errors
    /// Fails when the system lets us listen nowhere.
    pub(super) fn take(settings: &Settings) -> Result<Self, Failure> {
        let wanted = wanted_address(settings);
        let (listener, taken) = match TcpListener::bind(wanted) {
            Ok(listener) => (Ok(listener), None),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let free = SocketAddr::new(wanted.ip(), 0);
                (TcpListener::bind(free), Some(wanted))
            }
            Err(error) => (Err(error), None),
        };
        listener
            .and_then(|listener| {
                // As tokio wants it.
                listener.set_nonblocking(true)?;
                Ok(Self { listener, taken })
            })
            .map_err(|error| {
                Failure::new(FailureKind::Config, "Cannot start the local gateway")
                    .cause(format!("cannot listen on {wanted}"))
                    .caused_by(&error)
            })
    }

    /// Returns the address at which the gateway will be.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Returns the address that the local gateway listens on unless somebody else does.
pub(super) fn wanted_address(settings: &Settings) -> SocketAddr {
    settings
        .gateway_listen
        .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, DEFAULT_PORT).into())
}

/// The gateway of this process, or what is needed to start it.
#[derive(Debug)]
pub(super) struct LocalGateway {
    settings: Settings,
    store: PathBuf,
    journal: Journal,
    reserved: Option<ReservedAddress>,
    lambda: LambdaOptions,
    running: Option<Gateway>,
}

/// A gateway that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The address that it listens on.
    pub(super) address: SocketAddr,
    /// The notices for the person, if it has just started.
    pub(super) notices: Vec<Failure>,
    /// The pace of its time, if it has just started.
    pub(super) time_scales: Option<watch::Receiver<f64>>,
}

impl LocalGateway {
    /// A gateway that does not run yet, perhaps with an address that was reserved for it.
    pub(super) fn new(
        settings: Settings,
        paths: &Paths,
        reserved: Option<ReservedAddress>,
    ) -> Self {
        let store = settings
            .gateway_state
            .clone()
            .unwrap_or_else(|| paths.gateway_store());
        Self {
            settings,
            store,
            journal: Journal::new(paths.journal()),
            reserved,
            lambda: LambdaOptions::default(),
            running: None,
        }
    }

    /// The same with Lambda functions.
    pub(super) fn with_lambda(self, lambda: LambdaOptions) -> Self {
        Self { lambda, ..self }
    }

    /// Starts it, unless it runs.
    ///
    /// # Errors
    /// Fails when there is nowhere to listen, or the stored state cannot be used.
    pub(super) async fn start(&mut self) -> Result<Running, Failure> {
        if let Some(gateway) = &self.running {
            return Ok(Running {
                address: gateway.address(),
                notices: Vec::new(),
                time_scales: None,
            });
        }
        let reserved = match self.reserved.take() {
            Some(reserved) => reserved,
            None => ReservedAddress::take(&self.settings)?,
        };
        let mut notices = Vec::new();
        let gateway = self.open(&reserved, &mut notices).await?;
        let address = gateway.address();
        if let Some(taken) = reserved.taken {
            let title = format!("{taken} is taken: the gateway listens on {address}");
            notices.push(Failure::new(FailureKind::User, title));
        }
        notices.extend(remember(&self.journal, &gateway).await);
        let time_scales = Some(gateway.time_scales());
        self.running = Some(gateway);
        Ok(Running {
            address,
            notices,
            time_scales,
        })
    }

    /// Starts it on its stored state; while another process has that open, on a state that lives in memory.
    async fn open(
        &self,
        reserved: &ReservedAddress,
        notices: &mut Vec<Failure>,
    ) -> Result<Gateway, Failure> {
        let keyring = keyring(&self.settings)?;
        let stored = StoreLocation::File(self.store.clone());
        let options = |store| Options {
            store,
            seed: Seed::Demo,
            keyring: keyring.clone(),
            lambda: self.lambda.clone(),
            ..Options::default()
        };
        match start_on(reserved, options(stored)).await {
            Err(Error::Store(StoreError::Locked { .. })) => {
                let title = "The local gateway's APIs live in memory until you quit";
                let notice = Failure::new(FailureKind::User, title)
                    .cause("another stagewire has the stored ones open");
                notices.push(notice);
                let in_memory = start_on(reserved, options(StoreLocation::Memory)).await;
                in_memory.map_err(|error| cannot_run(&error))
            }
            started => started.map_err(|error| cannot_run(&error)),
        }
    }

    /// Stops it and waits for its clients to go.
    pub(super) async fn stop(&mut self) {
        if let Some(gateway) = self.running.take() {
            gateway.stop().await;
        }
    }
}

async fn start_on(reserved: &ReservedAddress, options: Options) -> Result<Gateway, Error> {
    let listener = reserved
        .listener
        .try_clone()
        .and_then(tokio::net::TcpListener::from_std)
        .map_err(Error::Listener)?;
    Gateway::start(listener, options).await
}

fn cannot_run(error: &Error) -> Failure {
    let failure =
        Failure::new(FailureKind::Config, "Cannot start the local gateway").caused_by(error);
    match error {
        Error::Store(_) => failure.hint(
            "what it holds was left alone; move it away, or name another file as state under [gateway] in the settings",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::gateway::LocalFunction;

    /// A gateway of its own address and store.
    fn gateway(dir: &std::path::Path) -> LocalGateway {
        let settings = Settings {
            gateway_listen: Some("127.0.0.1:0".parse().unwrap()),
            ..Settings::default()
        };
        let paths = Paths {
            config_dir: dir.to_owned(),
            state_dir: dir.to_owned(),
        };
        LocalGateway::new(settings, &paths, None)
    }

    #[test]
    fn a_free_port_is_taken_when_the_wanted_one_is_in_use() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = other.local_addr().unwrap();
        let settings = Settings {
            gateway_listen: Some(wanted),
            ..Settings::default()
        };
        let reserved = ReservedAddress::take(&settings).unwrap();
        assert_eq!(reserved.taken, Some(wanted));
        assert_ne!(reserved.address().unwrap(), wanted);
        assert!(reserved.address().unwrap().ip().is_loopback());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_starts_once_and_says_nothing_when_all_is_well() {
        let dir = tempfile::tempdir().unwrap();
        let mut gateway = gateway(dir.path());
        let first = gateway.start().await.unwrap();
        assert_ne!(first.address.port(), 0);
        assert_eq!(first.notices, []);
        assert_eq!(gateway.start().await.unwrap().address, first.address);
        gateway.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_has_the_lambda_functions_that_it_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let lambda = LambdaOptions {
            functions: vec![LocalFunction::parse("brief=exit 3").unwrap()],
            ..LambdaOptions::default()
        };
        let mut gateway = gateway(dir.path()).with_lambda(lambda);
        let address = gateway.start().await.unwrap().address;
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /2015-03-31/functions/brief/invocations HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=A/20250101/us-east-1/lambda/aws4_request, \
             SignedHeaders=host, Signature=00\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("Runtime.ExitError"), "{answer}");
        gateway.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_second_of_two_lives_in_memory_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (mut first, mut second) = (gateway(dir.path()), gateway(dir.path()));
        first.start().await.unwrap();
        let running = second.start().await.unwrap();
        assert!(running.notices[0].title.contains("in memory"));
        second.stop().await;
        first.stop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_damaged_store_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut gateway = gateway(dir.path());
        std::fs::write(&gateway.store, "not a database").unwrap();
        let failure = gateway.start().await.unwrap_err();
        assert!(failure.to_string().contains("gateway.redb"), "{failure}");
        let kept = std::fs::read(&gateway.store).unwrap();
        assert_eq!(kept, b"not a database");
    }
}
