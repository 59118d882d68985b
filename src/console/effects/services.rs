//! The services that the tasks of effects share: the target in force, the local gateway, and the files.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::{
    aws::{self, Control, Signer, Tuning},
    config::{Paths, Settings},
    model::{
        Failure, FailureKind, Target, Ticket,
        limit::ConnectionLimits,
        pace::Pace,
        target::{AwsTarget, LocalTarget},
    },
    ops::{Journal, Known, known::Recollection, reading::Unfinished},
    ui::{
        Message,
        library::Manner,
        message::{Connected, HostMessage, LibraryMessage, Recalled},
    },
};

use super::{
    super::{
        history::History,
        keyring::handshake_signer,
        local::{self, LocalGateway},
        tuning,
    },
    tell,
};

/// The region of a local gateway's APIs unless somebody names another one. SOURCE: AWS CLI user guide: where no region is
/// given, services that need one use us-east-1.
const LOCAL_REGION: &str = "us-east-1";

/// The services that the tasks of effects share.
pub(in super::super) struct Services {
    settings: Settings,
    journal: Journal,
    known: Known,
    history: History,
    /// The tuning of the targets' calls.
    tuning: Tuning,
    /// The handle on the target in force. Locked for a moment only.
    control: Mutex<Option<Control>>,
    /// The handle on the target that was connected last, under the ticket of who asked. Locked for a moment only.
    offered: Mutex<Option<(Ticket, Control)>>,
    /// The pace of the target in force that the screen was told last. Locked for a moment only.
    told_pace: Mutex<Option<Pace>>,
    /// Readings of drafts that broke off, of the target in force.
    unfinished: Mutex<Arc<Unfinished>>,
    /// Locked while the gateway starts, so that it is started once.
    gateway: tokio::sync::Mutex<LocalGateway>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Services").finish_non_exhaustive()
    }
}

/// The region of the local gateway's APIs.
pub(in super::super) fn local_region(settings: &Settings) -> String {
    let region = settings.aws.region.clone();
    region.unwrap_or_else(|| LOCAL_REGION.to_owned())
}

impl Services {
    /// Returns services without a target.
    pub(in super::super) fn new(settings: Settings, paths: &Paths, gateway: LocalGateway) -> Self {
        Self {
            tuning: tuning(&settings, paths),
            unfinished: Mutex::new(Arc::default()),
            settings,
            journal: Journal::new(paths.journal()),
            known: Known::new(paths.known()),
            history: History::new(paths.history()),
            control: Mutex::new(None),
            offered: Mutex::new(None),
            told_pace: Mutex::new(None),
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

    /// Connects to a target, and says what it is exactly, with what earlier runs have read of it. It is in force only
    /// once [`Services::use_target`] says so: whoever asked may want another one by now.
    pub(super) async fn change_target(
        &self,
        ticket: Ticket,
        target: Target,
        inbox: &mpsc::Sender<Message>,
    ) -> Result<Connected, Failure> {
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
        let connected = Control::connect_tuned(&target, &self.tuning).await;
        let control = connected.map_err(|error| error.failure(title))?;
        let recalled = self.known.recall(&control, &self.journal).await;
        let pace = control.pace();
        let connected = Connected {
            target: with_region(target, control.region()),
            manner: Manner {
                pace,
                settles: control.settles(),
            },
            recalled: recalled.map(|recalled| Box::new(as_message(recalled))),
        };
        *self.offered() = Some((ticket, control));
        Ok(connected)
    }

    /// Makes the target that was connected under this ticket the target of all later calls.
    pub(super) fn use_target(&self, ticket: Ticket) {
        let Some((_, control)) = self.offered().take_if(|(offered, _)| *offered == ticket) else {
            return;
        };
        *self.told_pace() = control.pace();
        *self.slot() = Some(control);
        *self.broken_off() = Arc::default();
    }

    fn offered(&self) -> std::sync::MutexGuard<'_, Option<(Ticket, Control)>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readings of drafts that broke off, of the target in force.
    pub(super) fn unfinished(&self) -> Arc<Unfinished> {
        Arc::clone(&self.broken_off())
    }

    fn broken_off(&self) -> std::sync::MutexGuard<'_, Arc<Unfinished>> {
        self.unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on the target in force.
    pub(super) fn control(&self) -> Result<Control, Failure> {
        self.slot().clone().ok_or_else(|| {
            Failure::new(FailureKind::User, "No target is chosen").hint("choose one with t")
        })
    }

    /// Tells the pace of the target in force if it is another one than was told last.
    pub(super) async fn tell_pace(&self, inbox: &mpsc::Sender<Message>) {
        let Some(pace) = self.slot().as_ref().map(Control::pace) else {
            return;
        };
        let told = std::mem::replace(&mut *self.told_pace(), pace);
        if told != pace {
            tell(inbox, Message::Library(LibraryMessage::PaceChanged(pace))).await;
        }
    }

    fn told_pace(&self) -> std::sync::MutexGuard<'_, Option<Pace>> {
        self.told_pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the signer of handshakes with a target, also with one that is not in force any more.
    pub(super) async fn signer(&self, target: &Target) -> Result<Signer, Failure> {
        let in_force = self.slot().clone();
        let in_force = in_force
            .filter(|control| with_region(control.target().clone(), control.region()) == *target);
        let control = match in_force {
            Some(control) => control,
            None => Control::connect_tuned(target, &self.tuning)
                .await
                .map_err(|error| error.failure("Cannot sign the handshake"))?,
        };
        handshake_signer(&self.settings, &control)
    }

    /// The journal.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The readings that are kept.
    pub(super) fn known(&self) -> &Known {
        &self.known
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

fn as_message(recollection: Recollection) -> Recalled {
    let Recollection {
        apis,
        as_of,
        details,
    } = recollection;
    Recalled {
        apis,
        as_of,
        details,
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
