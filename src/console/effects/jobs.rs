//! Jobs on the target in force. What a job does is decided in `ops`; here it only gets its handles.

use tokio::sync::mpsc;

use crate::{
    model::{
        Api, ApiDetail, ApiId, Failure, Target, Ticket,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, Deployed, LeftOver, Repoint,
        },
    },
    ops::{self, deploy::account},
    ui::{Message, message::DeployMessage},
};

use super::{Desk, tell, watch::Watched};

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
    report
        .along(control.target(), plan, steps, Box::pin(job))
        .await
}

pub(super) async fn finish(
    desk: &Desk,
    left: &LeftOver,
    report: Report,
) -> Result<Deployed, DeployFailure> {
    let control = desk.control()?;
    let (steps, tell_step) = channel();
    let job = ops::deploy::finish(&control, desk.journal(), left, tell_step);
    report
        .along(control.target(), &left.plan, steps, Box::pin(job))
        .await
}

pub(super) async fn clean_up(
    desk: &Desk,
    left: &LeftOver,
    watched: Watched,
) -> Result<(), Failure> {
    let control = desk.control()?;
    let id = &left.deployment_id;
    watched.note(format!(
        "It is not known whether deployment {id} was deleted"
    ));
    let result = ops::deploy::clean_up(&control, left).await;
    watched.end(match &result {
        Ok(()) => format!("Deployment {id} is deleted"),
        Err(failure) => account::one_line(failure),
    });
    result
}

pub(super) async fn repoint(
    desk: &Desk,
    repoint: &Repoint,
    watched: Watched,
) -> Result<(), Failure> {
    let control = desk.control()?;
    let Repoint { stage, to, .. } = repoint;
    watched.note(format!(
        "It is not known whether stage \"{stage}\" was pointed at {to}"
    ));
    let result = ops::deploy::repoint(&control, repoint).await;
    watched.end(match &result {
        Ok(()) => format!("Stage \"{stage}\" serves {to} now"),
        Err(failure) => account::one_line(failure),
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
        self.watched.note(account::cut(target, plan, None));
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = steps.recv() => {
                    self.watched.note(account::cut(target, plan, Some(&progress)));
                    self.pass(progress).await;
                }
                result = &mut job => break result,
            }
        };
        while let Ok(progress) = steps.try_recv() {
            self.pass(progress).await;
        }
        self.watched.end(account::ended(&result));
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
