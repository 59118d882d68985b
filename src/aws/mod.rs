//! The control plane of API Gateway through the AWS SDK, and the only place that names it.
//!
//! One method a call, model types in and out. What a call means for a job is decided in `ops`; here a call either gives
//! what was asked for, with all its pages, or an [`Error`] that says what happened.

mod call;
mod clock;
mod connect;
mod convert;
mod credentials;
mod error;
mod governor;
mod meter;
mod names;
mod profiles;
mod query;
mod read;
mod rehearsal;
mod signer;
#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
mod write;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{call::Operations, governor::Governor, meter::Meter};
use crate::model::{
    Target,
    pace::{CallLimits, Pace, Priority, ReadProgress},
};

pub use connect::Tuning;
pub use error::{Error, ErrorKind};
pub use profiles::{Profile, profiles};
pub use read::Listed;
pub use rehearsal::{CliCall, Rehearsal};
pub use signer::Signer;
pub use write::RouteEnds;

/// A handle on the control plane of one target; cheap to clone.
#[derive(Clone)]
pub struct Control {
    operations: Operations,
    resolved: Arc<ResolvedTarget>,
    governor: Arc<Governor>,
    priority: Priority,
    meter: Option<Meter>,
    /// Ends calls that wait for their turn.
    stop: Option<CancellationToken>,
}

/// A target with all that was found out of it.
pub(crate) struct ResolvedTarget {
    target: Target,
    endpoint: String,
    region: String,
    account: Option<String>,
    is_aws: bool,
    settles: bool,
    /// None where the calls carry a signature that stands for nobody.
    signer: Option<Signer>,
    first_backoff: Duration,
    call_timeout: Duration,
    /// The limits of the target's calls, as far as somebody said.
    limits: CallLimits,
    /// True once a call was answered with what the control plane answers: what answers oddly from now on is it all the
    /// same.
    is_known: AtomicBool,
}

impl Control {
    /// Makes ready to call the target. For AWS this finds region and credentials; for a local gateway it finds nothing
    /// and waits for nothing.
    ///
    /// # Errors
    /// Fails when no region or no usable credentials are found, naming what was tried, and when this machine trusts no
    /// certificate authority.
    pub async fn connect(target: &Target) -> Result<Self, Error> {
        Self::connect_tuned(target, &Tuning::default()).await
    }

    /// The same with other patience, or another pace, than the usual.
    ///
    /// # Errors
    /// Fails as [`Control::connect`] does.
    pub async fn connect_tuned(target: &Target, tuning: &Tuning) -> Result<Self, Error> {
        let connected = connect::connect(target, tuning).await?;
        let is_aws = connect::is_aws(&connected.endpoint);
        let resolved = ResolvedTarget {
            target: target.clone(),
            endpoint: connected.endpoint,
            signer: connected
                .credentials
                .map(|credentials| Signer::new(credentials, &connected.region)),
            region: connected.region,
            account: connected.account,
            is_aws,
            settles: tuning.settles.unwrap_or(is_aws),
            first_backoff: tuning.first_backoff,
            call_timeout: tuning.call_timeout,
            limits: tuning.limits,
            is_known: AtomicBool::new(false),
        };
        let shared = tuning.budget_dir.as_deref();
        let shared = shared.map(|dir| governor::SharedBudget::new(dir, &resolved.identity()));
        Ok(Self {
            operations: connected.operations,
            resolved: Arc::new(resolved),
            governor: Arc::new(Governor::new(tuning.limits.pace(is_aws), shared)),
            priority: Priority::Asked,
            meter: None,
            stop: None,
        })
    }

    /// The same handle for calls of another urgency.
    #[must_use]
    pub fn at(&self, priority: Priority) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    /// The same handle, whose calls fail as [`ErrorKind::Stopped`] where they wait for their turn once `stop` is cancelled.
    #[must_use]
    pub fn until(&self, stop: CancellationToken) -> Self {
        Self {
            stop: Some(stop),
            ..self.clone()
        }
    }

    /// The same handle with a count of its calls, for whoever watches a reading.
    #[must_use]
    pub fn metered(&self) -> (Self, watch::Receiver<ReadProgress>) {
        let (meter, progress) = Meter::new();
        let metered = Self {
            meter: Some(meter),
            ..self.clone()
        };
        (metered, progress)
    }

    /// Announces calls that are about to be made, to whoever watches.
    pub fn expect(&self, n_calls: usize) {
        if let Some(meter) = &self.meter {
            meter.expect(n_calls, |n_left| self.time_for(n_left));
        }
    }

    /// Returns the time that so many calls more will wait for their turns; none where no pace is kept.
    pub fn time_for(&self, n_calls: usize) -> Option<Duration> {
        self.governor.time_for(n_calls, self.priority)
    }

    /// The pace in force; none where no limit is known.
    pub fn pace(&self) -> Option<Pace> {
        self.governor.pace()
    }

    /// The URL that the calls go to.
    pub fn endpoint(&self) -> &str {
        &self.resolved.endpoint
    }

    /// The region in force.
    pub fn region(&self) -> &str {
        &self.resolved.region
    }

    /// True where a stage that was made or moved settles only after a while, as on AWS.
    pub fn settles(&self) -> bool {
        self.resolved.settles
    }

    /// The pauses before what was just changed is read back once more because it may not show yet: 9 s in all, and none
    /// where it shows at once.
    ///
    /// UNCONFIRMED: how long the lists of API Gateway may hold what was deleted.
    pub fn read_back_pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let n_pauses = if self.settles() { 4 } else { 0 };
        let first = self.resolved.first_backoff * 2;
        (0..n_pauses).map(move |it| first * 2_u32.pow(it))
    }

    /// A text that names whose APIs these are: the account where it is known, else the profile, with region and endpoint.
    pub fn identity(&self) -> String {
        self.resolved.identity()
    }

    /// The target that the handle was made for.
    pub fn target(&self) -> &Target {
        &self.resolved.target
    }

    /// Returns the signer of handshakes, which uses the credentials of the target.
    ///
    /// # Errors
    /// Fails for a target without credentials: an endpoint on this machine that nobody named any for.
    pub fn signer(&self) -> Result<Signer, Error> {
        let no_credentials = "there are no credentials to sign with: AWS_ACCESS_KEY_ID is not set and no profile was chosen";
        self.resolved
            .signer
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::NoCredentials, self.endpoint(), no_credentials))
    }

    fn error(&self, operation: &'static str, error: &error::CallError) -> Error {
        let is_known = self.resolved.is_known.load(Ordering::Relaxed);
        Error::from_call(operation, self.endpoint(), error, is_known)
    }

    fn bad_answer(&self, operation: &'static str, member: &'static str) -> Error {
        let is_known = self.resolved.is_known.load(Ordering::Relaxed);
        Error::incomplete(operation, self.endpoint(), member, is_known)
    }
}

impl ResolvedTarget {
    /// Notes that the control plane has answered as itself.
    fn knows(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    fn identity(&self) -> String {
        let profile = match &self.target {
            Target::Aws(aws) => aws.profile.as_deref().unwrap_or("default"),
            Target::Local(_) => "local",
        };
        let account = self.account.as_deref().unwrap_or(profile);
        format!("{account} {} {}", self.region, self.endpoint)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Control")
            .field("endpoint", &self.endpoint())
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}
