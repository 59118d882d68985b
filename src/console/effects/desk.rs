//! What the tasks of effects share: where calls go at the moment, the local gateway, and the files.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::{
    aws::{self, Control, Signer},
    config::{Paths, Settings},
    model::{
        Failure, FailureKind, Target,
        limit::ConnectionLimits,
        target::{AwsTarget, LocalTarget},
    },
    ops::Journal,
    ui::{Message, message::HostMessage},
};

use super::{
    super::{
        history::History,
        keyring::handshake_signer,
        local::{self, LocalGateway},
    },
    tell,
};

/// The region of a local gateway's APIs unless somebody names another one. SOURCE: AWS CLI user guide: where no region is
/// given, services that need one use us-east-1.
const LOCAL_REGION: &str = "us-east-1";

/// What the tasks share.
pub(in super::super) struct Desk {
    settings: Settings,
    journal: Journal,
    history: History,
    /// The handle on the target in force. Locked for a moment only.
    control: Mutex<Option<Control>>,
    /// Locked while the gateway starts, so that it is started once.
    gateway: tokio::sync::Mutex<LocalGateway>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// The region of the local gateway's APIs.
pub(in super::super) fn local_region(settings: &Settings) -> String {
    let region = settings.aws.region.clone();
    region.unwrap_or_else(|| LOCAL_REGION.to_owned())
}

impl Desk {
    /// A desk without a target.
    pub(in super::super) fn new(settings: Settings, paths: &Paths, gateway: LocalGateway) -> Self {
        Self {
            settings,
            journal: Journal::new(paths.journal()),
            history: History::new(paths.history()),
            control: Mutex::new(None),
            gateway: tokio::sync::Mutex::new(gateway),
        }
    }

    /// The targets to choose from: the local gateway, what the settings and the environment name, and the profiles.
    pub(super) async fn targets(&self) -> Result<Vec<Target>, Failure> {
        let mut targets = vec![Target::Local(LocalTarget {
            address: local::wanted_address(&self.settings),
            region: local_region(&self.settings),
        })];
        let default = Target::Aws(self.settings.aws.clone());
        let profiles = aws::profiles()
            .await
            .map_err(|error| error.failure("Cannot list the profiles"))?;
        let named = profiles.into_iter().map(|profile| {
            let region = profile.region.or_else(|| self.settings.aws.region.clone());
            Target::Aws(AwsTarget {
                profile: Some(profile.name),
                region,
                endpoint_url: None,
            })
        });
        let named: Vec<Target> = named.collect();
        if !named.iter().any(|target| names_same(target, &default)) {
            targets.push(default);
        }
        targets.extend(named);
        Ok(targets)
    }

    /// Makes this the target of all later calls, and says what it is exactly.
    pub(super) async fn change_target(
        &self,
        target: Target,
        inbox: &mpsc::Sender<Message>,
    ) -> Result<Target, Failure> {
        let target = match target {
            Target::Local(local) => {
                let running = self.gateway.lock().await.start().await?;
                for notice in running.notices {
                    tell(inbox, Message::Host(HostMessage::Warned(notice))).await;
                }
                if let Some(time_scales) = running.time_scales {
                    tokio::spawn(follow(time_scales, inbox.clone()));
                }
                Target::Local(LocalTarget {
                    address: running.address,
                    ..local
                })
            }
            aws @ Target::Aws(_) => aws,
        };
        let title = format!("Cannot use the target \"{}\"", target.label());
        let connected = Control::connect(&target).await;
        let control = connected.map_err(|error| error.failure(title))?;
        let exact = with_region(target, control.region());
        *self.slot() = Some(control);
        Ok(exact)
    }

    /// A handle on the target in force.
    pub(super) fn control(&self) -> Result<Control, Failure> {
        self.slot().clone().ok_or_else(|| {
            Failure::new(FailureKind::User, "No target is chosen").hint("choose one with t")
        })
    }

    /// Who signs handshakes with the credentials of the target in force.
    pub(super) fn signer(&self) -> Result<Signer, Failure> {
        let control = self.control()?;
        handshake_signer(&self.settings, &control)
    }

    /// The journal.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The messages that were sent.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Stops the local gateway, if it runs.
    pub(in super::super) async fn close(&self) {
        self.gateway.lock().await.stop().await;
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Control>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the limits of the local gateway whenever its time begins to pass at another pace, until it is gone or nobody
/// listens.
async fn follow(mut time_scales: watch::Receiver<f64>, inbox: mpsc::Sender<Message>) {
    while time_scales.changed().await.is_ok() {
        let limits = ConnectionLimits::scaled(*time_scales.borrow_and_update());
        let changed = Message::Host(HostMessage::LimitsChanged(limits));
        if inbox.send(changed).await.is_err() {
            return;
        }
    }
}

/// The target with the region that was found for it.
fn with_region(target: Target, region: &str) -> Target {
    match target {
        Target::Aws(aws) => Target::Aws(AwsTarget {
            region: Some(region.to_owned()),
            ..aws
        }),
        local @ Target::Local(_) => local,
    }
}

/// True when both mean the same credentials at the same place.
fn names_same(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Aws(one), Target::Aws(other)) => {
            one.profile == other.profile && one.endpoint_url == other.endpoint_url
        }
        _ => false,
    }
}
