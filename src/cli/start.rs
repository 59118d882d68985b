//! The start of every verb: settings, the log, the target, and a runtime where one is needed.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime, time,
};

use super::{
    args::{Global, LambdaArgs},
    exit::{Exit, Stop},
    log,
    output::{self, Output},
    progress,
};
use crate::{
    aws::{Control, Tuning},
    config::{Overrides, Paths, Settings},
    console,
    gateway::{DEFAULT_PORT, LambdaOptions},
    model::{Failure, FailureKind, Target, target::LocalTarget},
};

/// The local gateway's region unless told otherwise: the one that its demo lives in.
const LOCAL_REGION: &str = "us-east-1";

/// The longest time that a local gateway may take to answer the telephone.
const LOCAL_TIME: Duration = Duration::from_secs(1);

/// The time that the control plane may be silent before a person is told what is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// Bytes of an answer that are read to see whose it is.
const LONGEST_ANSWER: u64 = 4096;

/// Threads of the runtime. The work waits far more than it computes.
const WORKERS: usize = 2;

/// Settings, paths and target of one run of the program.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) paths: Paths,
    pub(super) target: Target,
}

impl Session {
    /// Reads the settings, begins the log, and decides where calls go.
    pub(super) fn start(global: &Global) -> Result<Self, Stop> {
        let paths = Paths::find().map_err(|error| error.failure())?;
        let settings = match &global.config {
            Some(file) => Settings::load_file(file),
            None => Settings::load(&paths),
        }
        .map_err(|error| error.failure())?
        .with_flags(Overrides {
            profile: global.profile.clone(),
            region: global.region.clone(),
            endpoint_url: global.endpoint_url.clone(),
            calls_per_second: global.calls_per_second,
        });
        log::begin(&paths);
        let target = if global.local {
            Target::Local(local_target(global, &settings)?)
        } else {
            Target::Aws(settings.aws.clone())
        };
        Ok(Self {
            settings,
            paths,
            target,
        })
    }

    /// A handle on the target's control plane.
    pub(super) async fn control(&self) -> Result<Control, Failure> {
        if let Target::Local(local) = &self.target {
            find_local_gateway(local.address).await?;
        }
        let tuning = console::tuning(&self.settings, &self.paths);
        let control = Control::connect_tuned(&self.target, &tuning).await;
        control.map_err(|error| error.failure("Cannot reach the control plane"))
    }
}

impl Session {
    /// Connects, and waits for work that asks the control plane; tells how far it is when that takes long. The work prints
    /// nothing; what it found out is printed when this has returned.
    pub(super) async fn watch<T, E: From<Failure>>(
        &self,
        output: Output,
        work: impl AsyncFnOnce(Control) -> Result<T, E>,
    ) -> Result<T, E> {
        // Finding credentials is large, hence the box.
        let connecting = Box::pin(self.control());
        let control = self.patiently(output, connecting).await?;
        let (control, progress) = control.metered();
        let endpoint = self.endpoint();
        progress::watch(output, &endpoint, progress, work(control)).await
    }

    /// Waits for what asks the control plane, and says so when that takes long.
    pub(super) async fn patiently<T>(&self, output: Output, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = time::timeout(SILENCE, &mut work).await {
            return done;
        }
        let limit = Tuning::default().call_timeout.as_secs();
        let endpoint = self.endpoint();
        output.progress(&format!(
            "waiting for {endpoint} ({limit} s at most for each answer)"
        ));
        work.await
    }

    fn endpoint(&self) -> String {
        match &self.target {
            Target::Local(local) => local.endpoint_url(),
            Target::Aws(aws) => aws.endpoint_url.clone().unwrap_or_else(|| "AWS".to_owned()),
        }
    }
}

/// Asks the control plane what a verb wants to know; its answer is printed when this has returned.
pub(super) fn ask<T>(
    session: &Session,
    output: Output,
    work: impl AsyncFnOnce(Control) -> Result<T, Failure>,
) -> Result<T, Stop> {
    block_on(async { Ok(session.watch(output, work).await?) })
}

/// Opens the console.
pub(super) fn console(session: Session, local: bool, lambda: &LambdaArgs) -> Result<Exit, Stop> {
    let lambda = lambda_options(lambda)?;
    let start = console::Start {
        settings: session.settings,
        paths: session.paths,
        target: Some(session.target),
        local,
        lambda,
    };
    Ok(match console::run(start, output::warn)? {
        console::End::Left => Exit::Done,
        console::End::Interrupted => Exit::Interrupted,
    })
}

/// Returns the options that say where Lambda functions run, with the credentials of the environment.
pub(super) fn lambda_options(args: &LambdaArgs) -> Result<LambdaOptions, Stop> {
    let options = args.options().map_err(|name| {
        let title = format!("The function \"{name}\" has two commands");
        Stop::Usage(Failure::new(FailureKind::User, title))
    })?;
    Ok(LambdaOptions {
        credential: console::environment_credential(),
        ..options
    })
}

/// Runs a verb's asynchronous part. It is boxed, so that the runtime's own part is compiled once and not for each verb.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let work: Pin<Box<dyn Future<Output = Result<T, Stop>> + '_>> = Box::pin(work);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(FailureKind::User, "Cannot start threads").caused_by(&error)
        })?;
    let result = runtime.block_on(work);
    // What still runs in the background has nobody left to tell.
    runtime.shutdown_background();
    result
}

fn local_target(global: &Global, settings: &Settings) -> Result<LocalTarget, Stop> {
    let address = match &global.endpoint_url {
        Some(url) => local_address(url)?,
        None => settings
            .gateway_listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT))),
    };
    let region = settings.aws.region.as_deref().unwrap_or(LOCAL_REGION);
    let region = region.to_owned();
    Ok(LocalTarget { address, region })
}

fn local_address(url: &str) -> Result<SocketAddr, Stop> {
    let authority = url
        .strip_prefix("http://")
        .unwrap_or(url)
        .trim_end_matches('/');
    let numeric = authority.replacen("localhost:", "127.0.0.1:", 1);
    numeric.parse().map_err(|_| {
        Stop::Usage(
            Failure::new(
                FailureKind::User,
                format!("{url:?} is not the address of a local gateway"),
            )
            .hint("write it as http://127.0.0.1:4566, or leave --local away for other endpoints"),
        )
    })
}

/// Asks quickly, so that a gateway that does not run is told as what it is and not as a failed call.
async fn find_local_gateway(address: SocketAddr) -> Result<(), Failure> {
    let cause = match time::timeout(LOCAL_TIME, is_gateway(address)).await {
        Ok(Ok(true)) => return Ok(()),
        Ok(Ok(false)) => "what listens there is something else".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", LOCAL_TIME.as_secs()),
    };
    let command = if address == SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)) {
        "stagewire gateway".to_owned()
    } else {
        format!("stagewire gateway --listen {address}")
    };
    Err(Failure::new(
        FailureKind::Remote,
        format!("No local gateway runs at {address}"),
    )
    .cause(cause)
    .hint(format!("start one in another terminal: {command}")))
}

/// Asks what listens there whether it is one of ours.
async fn is_gateway(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /_stagewire/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Others may say anything at any length, and some go away in the middle.
    let mut start = stream.take(LONGEST_ANSWER);
    let read = start.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let is_ours = answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""status":"ok""#);
    if is_ours {
        Ok(true)
    } else {
        read.map(|_| false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_listens_and_is_no_gateway_of_ours_is_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let other = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        };
        let (told, ()) = tokio::join!(find_local_gateway(address), other);
        let failure = told.unwrap_err();
        assert_eq!(failure.causes, ["what listens there is something else"]);
    }

    #[test]
    fn the_region_of_the_local_gateway_is_the_one_in_force() {
        let global = Global {
            local: true,
            ..Global::default()
        };
        let mut settings = Settings::default();
        let region = |settings: &Settings| local_target(&global, settings).unwrap().region;
        assert_eq!(region(&settings), LOCAL_REGION);
        settings.aws.region = Some("eu-west-1".into());
        assert_eq!(region(&settings), "eu-west-1");
    }

    #[test]
    fn a_local_gateway_is_named_by_address() {
        for url in [
            "http://127.0.0.1:4566",
            "http://localhost:4566/",
            "127.0.0.1:4566",
        ] {
            assert_eq!(local_address(url).unwrap().port(), 4566, "{url}");
        }
        assert!(local_address("https://example.test").is_err());
    }
}
