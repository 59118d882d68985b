//! A deploy: its plan, step by step, before anything is changed; its progress; and the things it leaves behind.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Api, ApiId, Deployment, DeploymentId, Draft, Drift, Failure, FailureKind, Fingerprint, Stage,
    StageName, pace::ReadProgress,
};

/// A wish: deploy an API to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployRequest {
    /// The API.
    pub api_id: ApiId,
    /// Its name, for what is said while it cannot be read.
    pub api_name: String,
    /// The stage to deploy to.
    pub stage: StageChoice,
    /// The description of the deployment, without the fingerprint.
    pub description: Option<String>,
    /// The point at which the draft is compared with the plan.
    pub check: DraftCheck,
}

/// The point at which the draft is read again behind the freeze, to prove what the deployment holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DraftCheck {
    /// Before the stage is moved: what was not planned never gets onto it, and the deployment carries a fingerprint.
    #[default]
    BeforeStage,
    /// After the stage was moved, which then waits for nothing: the deployment carries no fingerprint until the draft,
    /// read behind it, equals a reading from before the freeze.
    AfterStage,
}

/// A stage that exists, or one that the deploy shall create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageChoice {
    /// A stage that must exist.
    Existing(StageName),
    /// A stage that must not exist yet.
    New(StageName),
}

impl StageChoice {
    /// Returns the stage's name.
    pub fn name(&self) -> &StageName {
        match self {
            Self::Existing(name) | Self::New(name) => name,
        }
    }
}

/// The plan of a deploy. It is made by looking only; nothing has changed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployPlan {
    /// The deploy that was asked for.
    pub request: DeployRequest,
    /// The API as it was read.
    pub api: Api,
    /// The draft that will be frozen, as it was read last; none when it was not read, and then nothing is compared
    /// before the stage is moved.
    pub draft: Option<Draft>,
    /// The deployment that the stage serves now; it is compared again right before the update.
    pub serves_now: Option<DeploymentId>,
    /// The deployments that there are already, so that one more can be told from them.
    pub known: Vec<DeploymentId>,
    /// The difference between the draft and that deployment.
    pub drift: Drift,
    /// The warnings that a person should read first, each a sentence.
    pub warnings: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<DeployStep>,
    /// The same as AWS CLI commands, `<new>` standing for the deployment id that is not known yet.
    pub commands: Vec<String>,
}

impl DeployPlan {
    /// Returns the fingerprint of the draft as it was read.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        Some(self.draft.as_ref()?.definition.fingerprint())
    }

    /// Returns the description that the deployment is made with. Where the deployment is to be proved before the stage
    /// is moved, the description has an unproved mark, by which the deployment is known again.
    pub fn description(&self) -> Option<String> {
        let plain = self.request.description.as_deref().unwrap_or_default();
        match (self.request.check, self.fingerprint()) {
            (DraftCheck::BeforeStage, Some(fingerprint)) => {
                Some(fingerprint.append_unproved_to(plain))
            }
            (DraftCheck::BeforeStage, None) | (DraftCheck::AfterStage, _) => {
                let plain = Fingerprint::plain(plain);
                (!plain.is_empty()).then_some(plain)
            }
        }
    }
}

/// One step of a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeployStep {
    /// Freeze the draft.
    CreateDeployment,
    /// Read the draft again, to be sure that it is what was frozen, and keep it in the journal, so that drift can be
    /// told later.
    KeepDefinition,
    /// Ask until AWS says DEPLOYED.
    WaitForDeployed,
    /// Create the stage, serving the deployment.
    CreateStage,
    /// Point the stage at the deployment.
    UpdateStage,
    /// Read the stage back and compare.
    Check,
}

impl DeployStep {
    /// Returns the step as the dialog shows it.
    pub fn label(self) -> &'static str {
        match self {
            Self::CreateDeployment => "create-deployment",
            Self::KeepDefinition => "prove definition",
            Self::WaitForDeployed => "wait for DEPLOYED",
            Self::CreateStage => "create-stage",
            Self::UpdateStage => "update-stage",
            Self::Check => "check",
        }
    }
}

/// The progress of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployProgress {
    /// The step.
    pub step: DeployStep,
    /// The step's state.
    pub state: StepState,
    /// The progress of the step's calls, told while the step runs: of the reading behind the freeze, and when AWS holds
    /// a call up.
    pub reading: Option<ReadProgress>,
    /// The deployment, once it is made.
    pub deployment: Option<DeploymentId>,
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// Under way.
    Running,
    /// Done, after this long.
    Done(Duration),
    /// Failed, after this long.
    Failed(Duration),
}

/// A deploy that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The API.
    pub api_id: ApiId,
    /// The new deployment.
    pub deployment: Deployment,
    /// The stage as it was read back.
    pub stage: Stage,
    /// The deployment that the stage served before; none when the stage was created or served nothing.
    pub previous: Option<DeploymentId>,
    /// The AWS CLI command that points the stage back at it.
    pub undo_command: Option<String>,
    /// The warnings about things that went less than well without undoing the deploy, such as a journal that could not
    /// be written.
    pub warnings: Vec<String>,
    /// The draft as it was read behind the freeze, where that proved what the deployment holds.
    pub draft: Option<Draft>,
    /// The deployment that is still to be proved; none where it is known to hold what was planned.
    pub unproved: Option<Unproved>,
}

/// A deployment of which nobody knows yet what it holds: a reading of the draft from before its freeze waits for an
/// equal one from behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unproved {
    /// The API.
    pub api_id: ApiId,
    /// The deployment.
    pub deployment: Deployment,
    /// The stage that serves it.
    pub stage: StageName,
    /// The deployment that the stage served before.
    pub previous: Option<DeploymentId>,
    /// The draft as it was read before the freeze.
    pub before: Draft,
    /// The time at which the freeze was over, by the clock that readings are dated by.
    pub frozen_at: Timestamp,
}

impl Unproved {
    /// True when a reading from behind the freeze shows that the deployment holds what was read before it.
    pub fn is_proved_by(&self, behind: &Draft) -> bool {
        behind.as_of >= self.frozen_at && behind.definition == self.before.definition
    }
}

impl Deployed {
    /// Returns the order that takes the deploy back; none when the stage did not serve anything before.
    pub fn undo(&self) -> Option<Repoint> {
        Some(Repoint {
            api_id: self.api_id.clone(),
            stage: self.stage.name.clone(),
            from: Some(self.deployment.id.clone()),
            to: self.previous.clone()?,
            command: self.undo_command.clone()?,
        })
    }
}

/// An order to point a stage at another deployment, if it still serves what we think it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repoint {
    /// The API.
    pub api_id: ApiId,
    /// The stage.
    pub stage: StageName,
    /// The deployment that the stage must serve now, or the order stops.
    pub from: Option<DeploymentId>,
    /// The deployment that the stage shall serve.
    pub to: DeploymentId,
    /// The AWS CLI command that does the same, without the look before.
    pub command: String,
}

/// A deploy that failed, and what exists because of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployFailure {
    /// The failure, as a person reads it.
    pub failure: Failure,
    /// The deployment that exists now because of the deploy, if any does.
    pub remains: Remains,
}

/// The deployment that exists because of a deploy that failed, if any does.
#[derive(Debug, Clone, PartialEq)]
pub enum Remains {
    /// Nothing: no deployment was made, or it is gone, and no stage was touched.
    Nothing,
    /// Perhaps a deployment that no stage serves. Nobody knows whether create-deployment was carried out, and looking
    /// for it gave no answer either; the failure's hint says how to look.
    Unknown,
    /// This deployment.
    LeftOver(LeftOver),
}

impl DeployFailure {
    /// Returns the deployment that the deploy is known to have left behind.
    pub fn left_over(&self) -> Option<&LeftOver> {
        match &self.remains {
            Remains::LeftOver(left) => Some(left),
            Remains::Nothing | Remains::Unknown => None,
        }
    }
}

impl From<Failure> for DeployFailure {
    /// Makes a deploy that failed before it made anything. A deploy that a bug of ours ended may have been anywhere.
    fn from(failure: Failure) -> Self {
        let remains = match failure.kind {
            FailureKind::Internal => Remains::Unknown,
            FailureKind::User | FailureKind::Config | FailureKind::Remote => Remains::Nothing,
        };
        Self { failure, remains }
    }
}

/// A deployment that a failed deploy left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOver {
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The use of the deployment by the stage that it was made for.
    pub stage_use: StageUse,
    /// True when the draft was seen to be another one behind the freeze: it may hold what nobody planned, and is no
    /// longer for the stage, whatever the draft becomes later.
    pub is_disproved: bool,
    /// The plan that made it, to finish with or to clean up after.
    pub plan: Box<DeployPlan>,
}

/// The use of a left-over deployment by a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageUse {
    /// The stage does not serve the deployment: it was not touched, or was seen to serve something else.
    NotServed,
    /// Nobody knows: the stage was told to serve the deployment, and neither that nor what it serves now could be
    /// learned.
    Unknown,
}
