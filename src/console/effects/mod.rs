//! Runs effects: orders to links, and jobs, each in a task of its own that ends in exactly one message, unless it is cancelled.

mod jobs;
mod links;
mod services;
mod watch;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    model::{
        ApiDetail, ApiId, ConnectRequest, DraftStart, Failure, FailureKind, Target, Ticket,
        pace::Priority,
        plan::{DeployPlan, DeployRequest, LeftOver, Repoint, Unproved},
        stage_update::StageUpdate,
    },
    ops,
    ui::{
        Message,
        effect::{Job, Link},
        message::{DeployMessage, HostMessage, LibraryMessage, StageMessage},
    },
};

use links::Links;
pub(super) use services::{Services, local_region};
use watch::{Watched, Watches};

/// Starts tasks and forgets them when they are done.
#[derive(Debug)]
pub(super) struct Effects {
    runtime: Handle,
    inbox: mpsc::Sender<Message>,
    services: Arc<Services>,
    tasks: HashMap<Ticket, AbortOnDropHandle<()>>,
    links: Links,
    watches: Watches,
}

impl Effects {
    /// A runner whose messages go to `inbox`.
    pub(super) fn new(
        runtime: Handle,
        inbox: mpsc::Sender<Message>,
        services: Arc<Services>,
    ) -> Self {
        Self {
            links: Links::new(runtime.clone(), inbox.clone()),
            runtime,
            inbox,
            services,
            tasks: HashMap::new(),
            watches: Watches::default(),
        }
    }

    /// Ends everything but what is changing the target: that may go on until the patience is over, and the links that are
    /// closing for so long. Says of each change what is known in the end.
    pub(super) async fn finish(
        self,
        patience: impl Future<Output = ()>,
        for_links: Duration,
    ) -> Vec<String> {
        let Self {
            tasks,
            links,
            mut watches,
            ..
        } = self;
        let (changing, idle): (HashMap<_, _>, _) = tasks
            .into_iter()
            .partition(|(ticket, _)| watches.is_open(*ticket));
        drop::<HashMap<_, _>>(idle);
        let (accounts, ()) = tokio::join!(watches.close(patience), links.finish(for_links));
        drop(changing);
        accounts
    }

    /// True while something changes the target.
    pub(super) fn is_changing(&self) -> bool {
        self.watches.is_any_open()
    }

    /// Carries out an order to a link.
    pub(super) fn order_link(&mut self, order: Link) {
        match order {
            Link::Open(link, request, signer) => {
                let services = Arc::clone(&self.services);
                self.links.open(link, signed(request, signer, services));
            }
            Link::Send(link, outgoing) => self.links.send(link, outgoing),
            Link::Close(link) => self.links.close(link),
            Link::Drop(link) => self.links.drop_link(link),
        }
    }

    /// Starts a job.
    pub(super) fn order(&mut self, job: Job) {
        self.tasks.retain(|_, task| !task.is_finished());
        match job {
            Job::LoadTargets(ticket) => self.load_targets(ticket),
            Job::ChangeTarget(ticket, target) => self.change_target(ticket, target),
            Job::UseTarget(ticket) => self.services.use_target(ticket),
            Job::LoadApis(ticket, priority) => self.load_apis(self.reader(ticket, priority)),
            Job::ReadStages(ticket, api, priority) => {
                self.read_stages(self.reader(ticket, priority), api);
            }
            Job::ReadDraft(ticket, api, priority, start) => {
                self.read_draft(self.reader(ticket, priority), api, start);
            }
            Job::PlanDeploy(ticket, request, detail) => self.plan(ticket, request, detail),
            Job::Deploy(ticket, plan) => self.deploy(ticket, plan),
            Job::FinishDeploy(ticket, left) => self.finish_deploy(ticket, left),
            Job::CleanUpDeploy(ticket, left) => self.clean_up(ticket, left),
            Job::StopDeploy(ticket) => self.watches.stop(ticket),
            Job::Prove(ticket, unproved) => self.prove(ticket, unproved),
            Job::Repoint(ticket, repoint) => self.repoint(ticket, repoint),
            Job::PlanStageUpdate(ticket, update) => self.plan_stage_update(ticket, update),
            Job::UpdateStage(ticket, update) => self.update_stage(ticket, update),
            Job::LoadHistory(ticket) => self.load_history(ticket),
            Job::Remember(text) => self.remember(text),
            Job::Cancel(ticket) => drop(self.tasks.remove(&ticket)),
        }
    }

    fn load_targets(&mut self, ticket: Ticket) {
        let services = Arc::clone(&self.services);
        self.start(
            ticket,
            async move { services.targets().await },
            move |result| Message::Library(LibraryMessage::TargetsLoaded(ticket, result)),
        );
    }

    fn change_target(&mut self, ticket: Ticket, target: Target) {
        let (services, inbox) = (Arc::clone(&self.services), self.inbox.clone());
        self.start(
            ticket,
            async move { services.change_target(ticket, target, &inbox).await },
            move |result| Message::Library(LibraryMessage::TargetChanged(ticket, result)),
        );
    }

    fn load_history(&mut self, ticket: Ticket) {
        let services = Arc::clone(&self.services);
        self.start(
            ticket,
            async move { blocking(move || services.history().load()).await },
            move |result| Message::Host(HostMessage::HistoryLoaded(ticket, result)),
        );
    }

    fn remember(&self, text: String) {
        let (services, inbox) = (Arc::clone(&self.services), self.inbox.clone());
        self.runtime.spawn(async move {
            let added = blocking(move || services.history().add(&text)).await;
            if let Err(failure) = added {
                tell(&inbox, Message::Host(HostMessage::Noticed(failure))).await;
            }
        });
    }

    fn reader(&self, ticket: Ticket, priority: Priority) -> jobs::Reader {
        jobs::Reader {
            services: Arc::clone(&self.services),
            ticket,
            priority,
            inbox: self.inbox.clone(),
        }
    }

    fn load_apis(&mut self, reader: jobs::Reader) {
        let ticket = reader.ticket;
        self.start(ticket, reader.apis(), move |result| {
            Message::Library(LibraryMessage::ApisLoaded(ticket, result))
        });
    }

    fn read_stages(&mut self, reader: jobs::Reader, api: ApiId) {
        let ticket = reader.ticket;
        let read = api.clone();
        self.start(
            ticket,
            async move { reader.stages(&read).await },
            move |result| {
                Message::Library(LibraryMessage::StagesRead(ticket, api, Box::new(result)))
            },
        );
    }

    fn read_draft(&mut self, reader: jobs::Reader, api: ApiId, start: DraftStart) {
        let ticket = reader.ticket;
        let read = api.clone();
        self.start(
            ticket,
            async move { reader.draft(&read, start).await },
            move |result| {
                Message::Library(LibraryMessage::DraftRead(ticket, api, Box::new(result)))
            },
        );
    }

    fn plan(&mut self, ticket: Ticket, request: DeployRequest, detail: Box<ApiDetail>) {
        let services = Arc::clone(&self.services);
        self.start(
            ticket,
            async move { jobs::plan(&services, &request, &detail) },
            move |result| Message::Deploy(DeployMessage::Planned(ticket, Box::new(result))),
        );
    }

    fn deploy(&mut self, ticket: Ticket, plan: Box<DeployPlan>) {
        let (services, control) = (Arc::clone(&self.services), self.services.control());
        let report = jobs::Report::new(ticket, &self.inbox, self.watches.open(ticket));
        self.start(
            ticket,
            async move { jobs::deploy(control?, services.journal(), &plan, report).await },
            move |result| Message::Deploy(DeployMessage::Finished(ticket, Box::new(result))),
        );
    }

    fn finish_deploy(&mut self, ticket: Ticket, left: LeftOver) {
        let (services, control) = (Arc::clone(&self.services), self.services.control());
        let report = jobs::Report::new(ticket, &self.inbox, self.watches.open(ticket));
        self.start(
            ticket,
            async move { jobs::finish(control?, services.journal(), &left, report).await },
            move |result| Message::Deploy(DeployMessage::Finished(ticket, Box::new(result))),
        );
    }

    fn clean_up(&mut self, ticket: Ticket, left: LeftOver) {
        let control = self.services.control();
        let watched: Watched = self.watches.open(ticket);
        self.start(
            ticket,
            async move { jobs::clean_up(control?, &left, watched).await },
            move |result| Message::Deploy(DeployMessage::CleanedUp(ticket, result)),
        );
    }

    fn prove(&mut self, ticket: Ticket, unproved: Box<Unproved>) {
        let (services, control) = (Arc::clone(&self.services), self.services.control());
        let order = unproved.clone();
        self.start(
            ticket,
            async move { jobs::prove(control?, services.journal(), &order).await },
            move |result| Message::Deploy(DeployMessage::Proved(ticket, unproved, result)),
        );
    }

    fn repoint(&mut self, ticket: Ticket, repoint: Repoint) {
        let control = self.services.control();
        let order = repoint.clone();
        let watched = self.watches.open(ticket);
        self.start(
            ticket,
            async move { jobs::repoint(control?, &order, watched).await },
            move |result| Message::Deploy(DeployMessage::Repointed(ticket, repoint, result)),
        );
    }

    fn plan_stage_update(&mut self, ticket: Ticket, update: Box<StageUpdate>) {
        let services = Arc::clone(&self.services);
        self.start(
            ticket,
            async move { Ok(ops::stages::commands(&services.control()?, &update)) },
            move |result| Message::Stage(StageMessage::Planned(ticket, result)),
        );
    }

    fn update_stage(&mut self, ticket: Ticket, update: Box<StageUpdate>) {
        let control = self.services.control();
        let order = update.clone();
        let watched = self.watches.open(ticket);
        self.start(
            ticket,
            async move { jobs::update_stage(control?, &order, watched).await },
            move |result| Message::Stage(StageMessage::Updated(ticket, update, result)),
        );
    }

    /// Runs `work` and sends what `answer` makes of its result. A panic inside is a failure like any other, so that
    /// nobody waits for an answer that never comes.
    fn start<T, E>(
        &mut self,
        ticket: Ticket,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
        answer: impl FnOnce(Result<T, E>) -> Message + Send + 'static,
    ) where
        T: Send + 'static,
        E: From<Failure> + Send + 'static,
    {
        let inbox = self.inbox.clone();
        let services = Arc::clone(&self.services);
        let work = AbortOnDropHandle::new(self.runtime.spawn(work));
        let task = self.runtime.spawn(async move {
            let result = match work.await {
                Ok(result) => result,
                Err(error) if error.is_cancelled() => return,
                Err(error) => Err(lost(&error).into()),
            };
            // What was asked may have taught us what the target allows.
            services.tell_pace(&inbox).await;
            tell(&inbox, answer(result)).await;
        });
        self.tasks.insert(ticket, AbortOnDropHandle::new(task));
    }
}

/// The request as it is sent: signed with the credentials of that target, or not signed.
async fn signed(
    request: ConnectRequest,
    signer: Option<Target>,
    services: Arc<Services>,
) -> Result<ConnectRequest, Failure> {
    let Some(target) = signer else {
        return Ok(request);
    };
    let signed = services.signer(&target).await?.sign(request).await;
    signed.map_err(|error| error.failure("Cannot sign the handshake"))
}

fn lost(error: &tokio::task::JoinError) -> Failure {
    Failure::new(FailureKind::Internal, "A part of stagewire failed")
        .caused_by(error)
        .hint("the log has the details")
}

/// Runs something that waits for the disk, on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(lost(&error)),
    }
}

/// Sends a message; one that nobody waits for any more is dropped with the program.
async fn tell(inbox: &mpsc::Sender<Message>, message: Message) {
    if inbox.send(message).await.is_err() {
        tracing::debug!("a message came after the end of the loop");
    }
}

#[cfg(test)]
mod tests;
