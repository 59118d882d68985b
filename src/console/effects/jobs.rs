//! Jobs on the target in force. What a job does is decided in `ops`; here it only gets its handles.

use tokio::sync::mpsc;

use crate::{
    model::{
        Api, ApiDetail, ApiId, Failure, Ticket,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, Deployed, LeftOver, Repoint,
        },
    },
    ops,
    ui::{Message, message::DeployMessage},
};

use super::{Desk, tell};

pub(super) async fn apis(desk: &Desk) -> Result<Vec<Api>, Failure> {
    let control = desk.control()?;
    let apis = control.apis().await;
    apis.map_err(|error| error.failure("Cannot list the APIs"))
}

pub(super) async fn api(desk: &Desk, api: &ApiId) -> Result<ApiDetail, Failure> {
    ops::detail::read_api(&desk.control()?, desk.journal(), api).await
}

pub(super) async fn plan(desk: &Desk, request: &DeployRequest) -> Result<DeployPlan, Failure> {
    ops::deploy::plan(&desk.control()?, desk.journal(), request).await
}

pub(super) async fn deploy(
    desk: &Desk,
    plan: &DeployPlan,
    report: Report,
) -> Result<Deployed, DeployFailure> {
    let control = desk.control()?;
    let (steps, tell_step) = channel();
    let job = ops::deploy::run(&control, desk.journal(), plan, tell_step);
    report.along(steps, Box::pin(job)).await
}

pub(super) async fn finish(
    desk: &Desk,
    left: &LeftOver,
    report: Report,
) -> Result<Deployed, DeployFailure> {
    let control = desk.control()?;
    let (steps, tell_step) = channel();
    let job = ops::deploy::finish(&control, desk.journal(), left, tell_step);
    report.along(steps, Box::pin(job)).await
}

pub(super) async fn clean_up(desk: &Desk, left: &LeftOver) -> Result<(), Failure> {
    ops::deploy::clean_up(&desk.control()?, left).await
}

pub(super) async fn repoint(desk: &Desk, repoint: &Repoint) -> Result<(), Failure> {
    ops::deploy::repoint(&desk.control()?, repoint).await
}

/// Passes the steps of a deploy on, all of them before its end.
#[derive(Debug)]
pub(super) struct Report {
    ticket: Ticket,
    inbox: mpsc::Sender<Message>,
}

impl Report {
    pub(super) fn new(ticket: Ticket, inbox: &mpsc::Sender<Message>) -> Self {
        Self {
            ticket,
            inbox: inbox.clone(),
        }
    }

    async fn along<T>(
        &self,
        mut steps: mpsc::UnboundedReceiver<DeployProgress>,
        mut job: impl Future<Output = T> + Unpin,
    ) -> T {
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = steps.recv() => self.pass(progress).await,
                result = &mut job => break result,
            }
        };
        while let Ok(progress) = steps.try_recv() {
            self.pass(progress).await;
        }
        result
    }

    async fn pass(&self, progress: DeployProgress) {
        let message = DeployMessage::Progressed(self.ticket, progress);
        tell(&self.inbox, Message::Deploy(message)).await;
    }
}

/// Steps are told from inside the job, which must not wait for the screen. There are at most a dozen.
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
