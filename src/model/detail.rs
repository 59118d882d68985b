//! An API with everything the screen and the jobs need to know of it, read at one time.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Api, Authorizer, Definition, Deployment, DeploymentId, Integration, IntegrationId, Model,
    Route, Stage, StageName, diff::Change, plan::Deployed,
};

/// An API and all its parts, with what every stage lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiDetail {
    /// The API itself.
    pub api: Api,
    /// Its stages, by name.
    pub stages: Vec<Stage>,
    /// Its deployments, newest first.
    pub deployments: Vec<Deployment>,
    /// Its routes, by key, with their responses.
    pub routes: Vec<Route>,
    /// Its integrations, with their responses.
    pub integrations: Vec<Integration>,
    /// Its authorizers.
    pub authorizers: Vec<Authorizer>,
    /// Its models.
    pub models: Vec<Model>,
    /// The draft: the definition as it is now.
    pub draft: Definition,
    /// How the draft differs from what each stage serves.
    pub drift: BTreeMap<StageName, Drift>,
    /// The stages whose clients must sign the handshake: by what a stage serves where that is known, else by the draft.
    pub signed: BTreeSet<StageName>,
}

/// How the draft differs from what a stage serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// The stage serves nothing yet.
    NothingDeployed,
    /// Proved: the stage serves exactly the draft.
    UpToDate,
    /// Proved, and known in detail; never empty.
    Changes(Vec<Change>),
    /// Proved by fingerprint; this machine's journal does not hold what the stage serves, so what differs is unknown.
    Different,
    /// Nobody can tell: the deployment was made elsewhere and carries no fingerprint.
    Unknown,
}

impl Drift {
    /// The drift in the screen's words.
    pub fn text(&self) -> String {
        match self {
            Self::NothingDeployed => "nothing deployed".to_owned(),
            Self::UpToDate => "up to date".to_owned(),
            Self::Changes(changes) if changes.len() == 1 => "1 change undeployed".to_owned(),
            Self::Changes(changes) => format!("{} changes undeployed", changes.len()),
            Self::Different => "differs (details not in this machine's journal)".to_owned(),
            Self::Unknown => "unknown (deployed elsewhere)".to_owned(),
        }
    }

    /// The drift in a few characters, for a table: a count, `-` for none, `?` for unknown.
    pub fn short_text(&self) -> String {
        match self {
            Self::NothingDeployed => "empty".to_owned(),
            Self::UpToDate => "-".to_owned(),
            Self::Changes(changes) => changes.len().to_string(),
            Self::Different => "differs".to_owned(),
            Self::Unknown => "?".to_owned(),
        }
    }
}

impl ApiDetail {
    /// Takes in what a deploy says that it did, ahead of the next reading: the stage as it was read back serves the new
    /// deployment, and drift follows from that deployment's fingerprint.
    pub fn note(&mut self, deployed: &Deployed) {
        let Deployed {
            stage, deployment, ..
        } = deployed;
        self.stages.retain(|known| known.name != stage.name);
        self.stages.push(stage.clone());
        self.stages.sort_by(|a, b| a.name.cmp(&b.name));
        self.deployments.retain(|known| known.id != deployment.id);
        self.deployments.insert(0, deployment.clone());
        let drift = match deployment.fingerprint() {
            Some(fingerprint) if fingerprint == self.draft.fingerprint() => Drift::UpToDate,
            Some(_) => Drift::Different,
            None => Drift::Unknown,
        };
        if drift == Drift::UpToDate && self.draft.wants_signature() {
            self.signed.insert(stage.name.clone());
        } else if drift == Drift::UpToDate {
            self.signed.remove(&stage.name);
        }
        self.drift.insert(stage.name.clone(), drift);
    }

    /// The stage of that name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }

    /// The deployment of that id.
    pub fn deployment(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.id == *id)
    }

    /// The integration of that id.
    pub fn integration(&self, id: &IntegrationId) -> Option<&Integration> {
        self.integrations
            .iter()
            .find(|integration| integration.id == *id)
    }
}
