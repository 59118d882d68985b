//! A deploy under way: its steps, how far each is, and what came of it. It outlives the dialog that started it.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    StageName, Ticket,
    plan::{DeployFailure, DeployPlan, DeployProgress, DeployStep, LeftOver, StepState},
};

/// How long no Enter may have come before one is a decision of its own. A key that is held down begins to repeat sooner
/// than that, and what was typed ahead or pasted comes at once.
pub const QUIET: SignedDuration = SignedDuration::from_secs(1);

/// A deploy that was started.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployJob {
    /// The request whose answers count.
    pub ticket: Ticket,
    /// What it does.
    pub plan: DeployPlan,
    /// The steps, with what became of each; none means not started.
    pub steps: Vec<(DeployStep, Option<StepState>)>,
    /// When the step that is under way began.
    pub step_since: Timestamp,
    /// What came of it; none while it runs.
    pub outcome: Option<DeployOutcome>,
}

/// What came of a deploy.
#[derive(Debug, Clone, PartialEq)]
pub enum DeployOutcome {
    /// It failed, perhaps half way.
    Failed(Box<DeployFailure>),
    /// It failed half way, and what it left is being deleted under this ticket.
    CleaningUp(Ticket, LeftOver),
    /// It failed half way, and what it left is gone.
    CleanedUp,
}

impl DeployJob {
    /// A deploy that starts now.
    pub fn new(ticket: Ticket, plan: DeployPlan, now: Timestamp) -> Self {
        let steps = plan.steps.iter().map(|step| (*step, None)).collect();
        Self {
            ticket,
            plan,
            steps,
            step_since: now,
            outcome: None,
        }
    }

    /// The stage it deploys to.
    pub fn stage(&self) -> &StageName {
        self.plan.request.stage.name()
    }

    /// Goes on after a failure half way: steps that are done stay done.
    pub fn resume(&mut self, ticket: Ticket, now: Timestamp) {
        self.ticket = ticket;
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

    /// What it left behind, if it failed half way.
    pub fn left_over(&self) -> Option<&LeftOver> {
        match &self.outcome {
            Some(DeployOutcome::Failed(failed)) => failed.left_over(),
            _ => None,
        }
    }

    /// Notes how far a step is.
    pub fn progress(&mut self, progress: DeployProgress, now: Timestamp) {
        if progress.state == StepState::Running {
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
