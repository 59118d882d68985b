//! Deploys under way, at most one for each API: their steps, progress and outcomes, which outlive the dialog that
//! started them. Also the last deploy that succeeded: the way back from it, and its stage.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::{SignedDuration, Timestamp};

use super::text;
use crate::model::{
    ApiId, DeploymentId, Draft, StageName, Ticket,
    limit::SETTLING,
    pace::ReadProgress,
    plan::{
        DeployFailure, DeployPlan, DeployProgress, DeployStep, LeftOver, Remains, Repoint,
        StepState, Unproved,
    },
};

/// The time without an Enter after which the next one is a decision of its own. A key that is held down begins to
/// repeat sooner than that, and what was typed ahead or pasted comes at once.
pub const QUIET: SignedDuration = SignedDuration::from_secs(1);

/// The steps in which the time until a stage has settled is told.
pub const SETTLING_STEP: SignedDuration = SignedDuration::from_secs(5);

/// The deploys under way, and the way back from the last one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deploys {
    /// The deploys that run, or that failed and were not dealt with.
    jobs: BTreeMap<ApiId, DeployJob>,
    /// The deploys that somebody was asked to wait for who wanted to leave at once: asked again, the program ends.
    pub warned: Vec<Ticket>,
    /// The order that takes the last deploy back.
    pub undo: Option<Repoint>,
    /// The order to point a stage elsewhere that is under way.
    pub repointing: Option<Ticket>,
    /// The stage that was deployed to last, for `l` right after the deploy.
    pub last: Option<(ApiId, StageName)>,
    /// Deployments of which nobody knows yet what they hold.
    pub unproved: Vec<Unproved>,
    /// Stages that were moved a moment ago, and when: both deployments may answer for a while.
    moved: BTreeMap<(ApiId, StageName), Timestamp>,
    /// The time when a dialog closed by itself, since its deploy was done, or when an Enter came that was still meant
    /// for that dialog.
    pub closed_at: Option<Timestamp>,
}

impl Deploys {
    /// Returns the deploy of this API.
    pub fn job(&self, api: &ApiId) -> Option<&DeployJob> {
        self.jobs.get(api)
    }

    /// Returns the deploy of this API, to move it on.
    pub fn job_mut(&mut self, api: &ApiId) -> Option<&mut DeployJob> {
        self.jobs.get_mut(api)
    }

    /// Returns the deploy that waits for answers under this ticket.
    pub fn waiting_for(&mut self, ticket: Ticket) -> Option<&mut DeployJob> {
        self.jobs.values_mut().find(|job| job.waits_for(ticket))
    }

    /// Returns the deploys that wait for answers.
    pub fn running(&self) -> impl Iterator<Item = &DeployJob> {
        self.jobs.values().filter(|job| job.is_running())
    }

    /// Keeps a deploy, in place of the one before of the same API.
    pub fn put(&mut self, job: DeployJob) {
        self.jobs.insert(job.api().clone(), job);
    }

    /// Forgets the deploy of this API.
    pub fn remove(&mut self, api: &ApiId) -> Option<DeployJob> {
        self.jobs.remove(api)
    }

    /// Returns the APIs whose drafts must be read to know what a deployment holds, each with the time from which on a
    /// reading tells.
    pub fn awaiting_proof(&self) -> impl Iterator<Item = (&ApiId, Timestamp)> {
        let unproved = self.unproved.iter();
        unproved.map(|unproved| (&unproved.api_id, unproved.frozen_at))
    }

    /// True while a reading of the draft may still prove what the deployment holds.
    pub fn awaits_proof_of(&self, api: &ApiId, deployment: &DeploymentId) -> bool {
        let mut unproved = self.unproved.iter();
        unproved.any(|it| it.api_id == *api && it.deployment.id == *deployment)
    }

    /// Takes a reading of a draft as the proof of what deployments hold, or of that nobody can tell, and returns those
    /// that are proved. A reading that began before a freeze was over says nothing of that one.
    pub fn prove_by(&mut self, api: &ApiId, draft: &Draft) -> Vec<Unproved> {
        let is_about = |it: &Unproved| it.api_id == *api && draft.as_of >= it.frozen_at;
        let (about, others) = std::mem::take(&mut self.unproved)
            .into_iter()
            .partition(is_about);
        self.unproved = others;
        let about: Vec<Unproved> = about;
        let proved = about.into_iter().filter(|it| it.is_proved_by(draft));
        proved.collect()
    }

    /// Notes that a stage was moved.
    pub fn note_move(&mut self, api: &ApiId, stage: &StageName, now: Timestamp) {
        self.moved.insert((api.clone(), stage.clone()), now);
    }

    /// Takes out the stages that have settled since the last look, each with the seconds that it had for that.
    pub fn take_settled(&mut self, now: Timestamp) -> Vec<(StageName, i64)> {
        let has_settled = |at: &Timestamp| now.duration_since(*at) >= SETTLING;
        let (settled, moved): (BTreeMap<_, _>, _) = std::mem::take(&mut self.moved)
            .into_iter()
            .partition(|(_, at)| has_settled(at));
        self.moved = moved;
        let stages = settled.into_keys().map(|(_, stage)| stage);
        stages.map(|stage| (stage, SETTLING.as_secs())).collect()
    }

    /// Returns the longest time that the old and the new deployment of a stage may still answer side by side; none when
    /// the stage has settled.
    pub fn settles_in(
        &self,
        api: &ApiId,
        stage: &StageName,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let moved = self.moved.get(&(api.clone(), stage.clone()))?;
        let left = SETTLING - now.duration_since(*moved);
        left.is_positive().then_some(left)
    }

    /// Returns the time until the words for a stage that settles change; none when no stage settles.
    pub fn next_settling(&self, now: Timestamp) -> Option<SignedDuration> {
        let left = self
            .moved
            .values()
            .map(|at| SETTLING - now.duration_since(*at));
        let steps = left.filter(SignedDuration::is_positive).map(|left| {
            let over = left.as_millis() % SETTLING_STEP.as_millis();
            SignedDuration::from_millis_i128(if over == 0 {
                SETTLING_STEP.as_millis()
            } else {
                over
            })
        });
        steps.min()
    }

    /// True for an Enter that was meant for the dialog which has just closed by itself, or for the list that has just
    /// led to a session: what is there now must not take a key that was pressed twice.
    pub(crate) fn is_late(&mut self, key: KeyEvent, now: Timestamp) -> bool {
        let since = self.closed_at.take();
        let is_late = key.code == KeyCode::Enter
            && since.is_some_and(|since| now.duration_since(since) < QUIET);
        if is_late {
            self.closed_at = Some(now);
        }
        is_late
    }
}

/// A deploy that was started.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployJob {
    /// The request whose answers count.
    pub ticket: Ticket,
    /// The plan of the deploy.
    pub plan: DeployPlan,
    /// The steps, with what became of each; none means not started.
    pub steps: Vec<(DeployStep, Option<StepState>)>,
    /// The time when the step that is under way began.
    pub step_since: Timestamp,
    /// The progress of that step's calls, where it has many or one is held up.
    pub reading: Option<ReadProgress>,
    /// True when somebody wants the deploy to begin no further step.
    pub is_stopping: bool,
    /// The outcome; none while the deploy runs.
    pub outcome: Option<DeployOutcome>,
}

/// The outcome of a deploy that failed.
#[derive(Debug, Clone, PartialEq)]
pub enum DeployOutcome {
    /// A failure, perhaps half way.
    Failed(Box<DeployFailure>),
    /// A failure half way; the left-over is being deleted under this ticket.
    CleaningUp(Ticket, LeftOver),
    /// A failure half way; the left-over is gone.
    CleanedUp,
}

impl DeployJob {
    /// Returns a deploy that starts now.
    pub fn new(ticket: Ticket, plan: DeployPlan, now: Timestamp) -> Self {
        let steps = plan.steps.iter().map(|step| (*step, None)).collect();
        Self {
            ticket,
            plan,
            steps,
            step_since: now,
            reading: None,
            is_stopping: false,
            outcome: None,
        }
    }

    /// Returns the API that is deployed.
    pub fn api(&self) -> &ApiId {
        &self.plan.request.api_id
    }

    /// Returns the API's name, short enough for a notice.
    pub fn name(&self) -> String {
        text::fit(&self.plan.api.name, 24, "...")
    }

    /// Returns the stage that is deployed to.
    pub fn stage(&self) -> &StageName {
        self.plan.request.stage.name()
    }

    /// Goes on after a failure half way: steps that are done stay done.
    pub fn resume(&mut self, ticket: Ticket, now: Timestamp) {
        self.ticket = ticket;
        self.is_stopping = false;
        self.outcome = None;
        self.step_since = now;
        for (_, state) in &mut self.steps {
            if !matches!(state, Some(StepState::Done(_))) {
                *state = None;
            }
        }
    }

    /// True while answers are awaited.
    pub fn is_running(&self) -> bool {
        matches!(self.outcome, None | Some(DeployOutcome::CleaningUp(..)))
    }

    /// True when an answer under this ticket is for this deploy.
    fn waits_for(&self, ticket: Ticket) -> bool {
        match &self.outcome {
            None => self.ticket == ticket,
            Some(DeployOutcome::CleaningUp(cleaning, _)) => *cleaning == ticket,
            Some(DeployOutcome::Failed(_) | DeployOutcome::CleanedUp) => false,
        }
    }

    /// Returns what exists because of the deploy, if it failed and was not cleaned up after.
    pub fn remains(&self) -> Option<&Remains> {
        match &self.outcome {
            Some(DeployOutcome::Failed(failed)) => Some(&failed.remains),
            _ => None,
        }
    }

    /// Returns the left-over of the deploy, if it failed half way.
    pub fn left_over(&self) -> Option<&LeftOver> {
        match &self.outcome {
            Some(DeployOutcome::Failed(failed)) => failed.left_over(),
            _ => None,
        }
    }

    /// Notes the progress of a step.
    pub fn progress(&mut self, progress: DeployProgress, now: Timestamp) {
        self.reading = progress.reading;
        if progress.state == StepState::Running && progress.reading.is_none() {
            self.step_since = now;
        }
        match self
            .steps
            .iter_mut()
            .find(|(step, _)| *step == progress.step)
        {
            Some((_, state)) => *state = Some(progress.state),
            None => self.steps.push((progress.step, Some(progress.state))),
        }
    }
}
