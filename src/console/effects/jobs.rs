//! Jobs on the target in force. What a job does is decided in `ops`; here it only gets its handles.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::{
    aws::Control,
    model::{
        Api, ApiDetail, ApiId, DraftReading, DraftStart, Failure, StagesReading, Target, Ticket,
        pace::{Priority, ReadProgress},
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, Deployed, LeftOver, Repoint,
            Unproved,
        },
        stage_update::StageUpdate,
    },
    ops::{self, Journal, deploy::status_line},
    ui::{
        Message,
        message::{DeployMessage, LibraryMessage},
    },
};

use super::{super::clock, Services, tell, watch::Watched};

/// A reading that somebody asked for.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) services: Arc<Services>,
    pub(super) ticket: Ticket,
    pub(super) priority: Priority,
    pub(super) inbox: mpsc::Sender<Message>,
}

impl Reader {
    /// Reads the list of APIs.
    pub(super) async fn apis(self) -> Result<Vec<Api>, Failure> {
        let as_of = clock::now();
        let (control, progress) = self.control()?;
        let apis = self.telling(progress, control.apis()).await;
        let apis = apis.map_err(|error| error.failure("Cannot list the APIs"))?;
        self.services.known().keep_apis(&control, &apis, as_of);
        Ok(apis)
    }

    /// Reads who serves what in an API.
    pub(super) async fn stages(self, api: &ApiId) -> Result<StagesReading, Failure> {
        let (control, progress) = self.control()?;
        let reading = ops::reading::stages(&control, self.services.journal(), api);
        let reading = self.telling(progress, reading).await;
        self.services.known().keep_stages(&control, api, &reading);
        Ok(reading)
    }

    /// Reads a draft.
    pub(super) async fn draft(
        self,
        api: &ApiId,
        start: DraftStart,
    ) -> Result<DraftReading, Failure> {
        let unfinished = self.services.unfinished();
        if start == DraftStart::Anew {
            unfinished.forget(api);
        }
        let (control, progress) = self.control()?;
        let reading = ops::reading::draft(&control, api, &unfinished);
        let reading = self.telling(progress, reading).await;
        self.services.known().keep_draft(&control, api, &reading);
        Ok(reading)
    }

    fn control(&self) -> Result<(Control, watch::Receiver<ReadProgress>), Failure> {
        Ok(self.services.control()?.at(self.priority).metered())
    }

    /// Waits for a reading, telling how far it is.
    async fn telling<T>(
        &self,
        mut progress: watch::Receiver<ReadProgress>,
        reading: impl Future<Output = T>,
    ) -> T {
        let mut reading = Box::pin(reading);
        loop {
            tokio::select! {
                biased;
                reading = &mut reading => return reading,
                Ok(()) = progress.changed() => {
                    let progress = *progress.borrow_and_update();
                    let message = LibraryMessage::ReadingProgressed(self.ticket, progress);
                    tell(&self.inbox, Message::Library(message)).await;
                    self.services.tell_pace(&self.inbox).await;
                }
            }
        }
    }
}

pub(super) fn plan(
    services: &Services,
    request: &DeployRequest,
    detail: &ApiDetail,
) -> Result<DeployPlan, Failure> {
    ops::deploy::plan(services.control()?.target(), detail, request)
}

pub(super) async fn prove(
    control: Control,
    journal: &Journal,
    unproved: &Unproved,
) -> Result<(), Failure> {
    let control = control.at(Priority::Shown);
    ops::deploy::prove(&control, journal, unproved).await
}

pub(super) async fn deploy(
    control: Control,
    journal: &Journal,
    plan: &DeployPlan,
    report: Report,
) -> Result<Deployed, DeployFailure> {
    let control = control.at(Priority::Act);
    let (steps, tell_step) = channel();
    let stop = report.watched.stop();
    let job = ops::deploy::run(&control, journal, plan, &stop, tell_step);
    report
        .along(control.target(), plan, steps, Box::pin(job))
        .await
}

pub(super) async fn finish(
    control: Control,
    journal: &Journal,
    left: &LeftOver,
    report: Report,
) -> Result<Deployed, DeployFailure> {
    let control = control.at(Priority::Act);
    let (steps, tell_step) = channel();
    let stop = report.watched.stop();
    let job = ops::deploy::finish(&control, journal, left, &stop, tell_step);
    report
        .along(control.target(), &left.plan, steps, Box::pin(job))
        .await
}

pub(super) async fn clean_up(
    control: Control,
    left: &LeftOver,
    watched: Watched,
) -> Result<(), Failure> {
    let control = control.at(Priority::Act);
    let id = &left.deployment_id;
    watched.note(format!(
        "It is not known whether deployment {id} was deleted"
    ));
    let result = ops::deploy::clean_up(&control, left).await;
    watched.end(match &result {
        Ok(()) => format!("Deployment {id} is deleted"),
        Err(failure) => status_line::one_line(failure),
    });
    result
}

pub(super) async fn repoint(
    control: Control,
    repoint: &Repoint,
    watched: Watched,
) -> Result<(), Failure> {
    let control = control.at(Priority::Act);
    let Repoint { stage, to, .. } = repoint;
    watched.note(format!(
        "It is not known whether stage \"{stage}\" was pointed at {to}"
    ));
    let result = ops::deploy::repoint(&control, repoint).await;
    watched.end(match &result {
        Ok(()) => format!("Stage \"{stage}\" serves {to} now"),
        Err(failure) => status_line::one_line(failure),
    });
    result
}

pub(super) async fn update_stage(
    control: Control,
    update: &StageUpdate,
    watched: Watched,
) -> Result<(), Failure> {
    let control = control.at(Priority::Act);
    let stage = &update.stage;
    watched.note(format!(
        "It is not known whether the settings of stage \"{stage}\" were changed"
    ));
    let result = ops::stages::update(&control, update).await;
    watched.end(match &result {
        Ok(()) => format!("The settings of stage \"{stage}\" are changed"),
        Err(failure) => status_line::one_line(failure),
    });
    result
}

/// Passes the steps of a deploy on, all of them before its end, and keeps the account of it.
#[derive(Debug)]
pub(super) struct Report {
    ticket: Ticket,
    inbox: mpsc::Sender<Message>,
    watched: Watched,
}

impl Report {
    pub(super) fn new(ticket: Ticket, inbox: &mpsc::Sender<Message>, watched: Watched) -> Self {
        Self {
            ticket,
            inbox: inbox.clone(),
            watched,
        }
    }

    async fn along(
        self,
        target: &Target,
        plan: &DeployPlan,
        mut steps: mpsc::UnboundedReceiver<DeployProgress>,
        mut job: impl Future<Output = Result<Deployed, DeployFailure>> + Unpin,
    ) -> Result<Deployed, DeployFailure> {
        self.watched.note(status_line::cut(target, plan, None));
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = steps.recv() => {
                    self.watched.note(status_line::cut(target, plan, Some(&progress)));
                    self.pass(progress).await;
                }
                result = &mut job => break result,
            }
        };
        while let Ok(progress) = steps.try_recv() {
            self.pass(progress).await;
        }
        self.watched.end(status_line::ended(&result));
        result
    }

    async fn pass(&self, progress: DeployProgress) {
        let message = DeployMessage::Progressed(self.ticket, progress);
        tell(&self.inbox, Message::Deploy(message)).await;
    }
}

/// Steps are told from inside the job, which must not wait for the screen. There are some for each call of a reading.
fn channel() -> (
    mpsc::UnboundedReceiver<DeployProgress>,
    impl FnMut(DeployProgress) + Send,
) {
    let (steps, queue) = mpsc::unbounded_channel();
    let tell_step = move |progress| {
        if steps.send(progress).is_err() {
            tracing::debug!("a step came after its deploy");
        }
    };
    (queue, tell_step)
}
