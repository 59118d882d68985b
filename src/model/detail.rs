//! An API with everything the screen and the jobs know of it, part by part, each as old as it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Api, Authorizer, Definition, Deployment, DeploymentId, Drift, Failure, Integration,
    IntegrationId, Model, Part, Route, Stage, StageName, drift, plan::Deployed,
};

/// An API and all its parts, with what every stage lacks.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiDetail {
    /// The API itself.
    pub api: Api,
    /// The failure to read the API itself with its draft; the API is then known from the list or from an earlier
    /// reading.
    pub api_failure: Option<Failure>,
    /// Its stages, by name.
    pub stages: Part<Vec<Stage>>,
    /// Its deployments, newest first.
    pub deployments: Part<Vec<Deployment>>,
    /// The definitions of the deployments that the stages serve, as far as this machine's journal knows them.
    pub held: Held,
    /// Its routes, by key, with their responses.
    pub routes: Part<Vec<Route>>,
    /// Its integrations, with their responses.
    pub integrations: Part<Vec<Integration>>,
    /// Its authorizers.
    pub authorizers: Part<Vec<Authorizer>>,
    /// Its models.
    pub models: Part<Vec<Model>>,
    /// The draft, as it was when all of it was read last.
    pub draft: Option<Draft>,
    /// The difference between the draft and the definition that each stage serves.
    pub drift: BTreeMap<StageName, Drift>,
    /// The definition that each stage serves, where it is known.
    pub served: BTreeMap<StageName, Arc<Definition>>,
    /// The stages whose clients must sign the handshake: by what a stage serves where that is known, else by the draft.
    pub signed: BTreeSet<StageName>,
}

/// The start of a reading of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DraftStart {
    /// With nothing: what was read before is not to be told for new.
    Anew,
    /// With what the one before had read when it was left.
    GoOn,
}

/// The definitions that deployments hold.
pub type Held = BTreeMap<DeploymentId, Arc<Definition>>;

/// The definition as it is now, undeployed edits included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The definition that a deployment would freeze.
    pub definition: Definition,
    /// The time at which the reading of the draft began: its oldest part is at least as new as that.
    pub as_of: Timestamp,
    /// The time at which the reading of the draft ended: no part is newer than that.
    pub until: Timestamp,
    /// Calls that the reading took.
    pub n_calls: usize,
}

/// A reading, in two calls, of an API's stages and deployments.
#[derive(Debug, Clone, PartialEq)]
pub struct StagesReading {
    /// The stages, by name.
    pub stages: Part<Vec<Stage>>,
    /// The deployments, newest first.
    pub deployments: Part<Vec<Deployment>>,
    /// The definitions of the deployments that the stages serve, as far as this machine's journal knows them.
    pub held: Held,
}

/// A reading of the whole draft.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftReading {
    /// The API itself, if it could be read.
    pub api: Part<Option<Api>>,
    /// The routes, by key, with their responses.
    pub routes: Part<Vec<Route>>,
    /// The integrations, with their responses.
    pub integrations: Part<Vec<Integration>>,
    /// The authorizers.
    pub authorizers: Part<Vec<Authorizer>>,
    /// The models.
    pub models: Part<Vec<Model>>,
    /// The draft, if every part of it could be read.
    pub draft: Option<Draft>,
}

/// True when a stage's clients must sign the handshake: by the definition that the stage is believed to serve, where
/// there is one; else by the draft's authorization type of `$connect`.
pub fn is_signed(believed: Option<&Definition>, draft: Option<&str>) -> bool {
    believed.map_or(draft, Definition::connect_authorization) == Some("AWS_IAM")
}

impl ApiDetail {
    /// Makes an API of which nothing but the list is known.
    pub fn unread(api: Api) -> Self {
        Self {
            api,
            api_failure: None,
            stages: Part::default(),
            deployments: Part::default(),
            held: Held::new(),
            routes: Part::default(),
            integrations: Part::default(),
            authorizers: Part::default(),
            models: Part::default(),
            draft: None,
            drift: BTreeMap::new(),
            served: BTreeMap::new(),
            signed: BTreeSet::new(),
        }
    }

    /// Takes a reading of the stages and deployments.
    pub fn take_stages(&mut self, reading: StagesReading) {
        self.stages.take(reading.stages);
        self.deployments.take(reading.deployments);
        self.held.extend(reading.held);
        self.compare();
    }

    /// Takes a reading of the draft.
    pub fn take_draft(&mut self, reading: DraftReading) {
        self.api_failure = reading.api.failure;
        if let Some(api) = reading.api.known {
            self.api = api;
        }
        self.routes.take(reading.routes);
        self.integrations.take(reading.integrations);
        self.authorizers.take(reading.authorizers);
        self.models.take(reading.models);
        if let Some(draft) = reading.draft {
            self.draft = Some(draft);
        }
        self.compare();
    }

    /// Takes in what a deploy says that it did, ahead of the next reading: the stage as it was read back serves the new
    /// deployment.
    pub fn note(&mut self, deployed: &Deployed) {
        let Deployed {
            stage, deployment, ..
        } = deployed;
        self.stages.retain(|known| known.name != stage.name);
        self.stages.push(stage.clone());
        self.stages.sort_by(|a, b| a.name.cmp(&b.name));
        self.deployments.retain(|known| known.id != deployment.id);
        self.deployments.insert(0, deployment.clone());
        if let Some(draft) = &deployed.draft {
            let held = Arc::new(draft.definition.clone());
            self.held.insert(deployment.id.clone(), held);
            self.draft = Some(draft.clone());
        }
        self.compare();
    }

    /// Works out what every stage serves and lacks, and which stages ask for a signature.
    pub fn compare(&mut self) {
        let drift = self.stages.iter().map(|stage| {
            let drift = self.drift_of(stage);
            (stage.name.clone(), drift)
        });
        let drift: BTreeMap<StageName, Drift> = drift.collect();
        let served = self.stages.iter().filter_map(|stage| {
            let definition = self.served_by(stage)?;
            Some((stage.name.clone(), definition))
        });
        let served: BTreeMap<StageName, Arc<Definition>> = served.collect();
        let connect = self.connect_authorization();
        let wants_signature = |stage: &&Stage| {
            let served = served.get(&stage.name);
            is_signed(served.map(Arc::as_ref), connect)
        };
        let signed = self.stages.iter().filter(wants_signature);
        let signed: BTreeSet<StageName> = signed.map(|stage| stage.name.clone()).collect();
        self.drift = drift;
        self.served = served;
        self.signed = signed;
    }

    fn drift_of(&self, stage: &Stage) -> Drift {
        let Some(id) = &stage.deployment_id else {
            return Drift::NothingDeployed;
        };
        let Some(draft) = &self.draft else {
            return Drift::Unread;
        };
        // The lists are read side by side, so a deployment that was made meanwhile may be missing: nothing is known of it.
        match self.deployment(id) {
            Some(deployment) => {
                let held = self.held.get(id).map(Arc::as_ref);
                drift::drift(&draft.definition, deployment, held)
            }
            None if self.deployments.is_whole() => Drift::Unknown,
            None => Drift::Unlisted,
        }
    }

    /// Returns the definition that a stage serves, if it is known. To believe the journal costs a hash of the definition.
    fn served_by(&self, stage: &Stage) -> Option<Arc<Definition>> {
        let id = stage.deployment_id.as_ref()?;
        let held = self.held.get(id)?;
        let believed = drift::believed(self.deployment(id)?, Some(held));
        believed.map(|_| Arc::clone(held))
    }

    /// Returns the draft's authorization type of `$connect`, as far as it is known.
    fn connect_authorization(&self) -> Option<&str> {
        if let Some(draft) = &self.draft {
            return draft.definition.connect_authorization();
        }
        let connect = self.routes.iter().find(|route| route.key == "$connect")?;
        Some(&connect.authorization_type)
    }

    /// Returns the first failure that kept the draft from being read, or from being read in full.
    pub fn draft_failure(&self) -> Option<&Failure> {
        let failures = [
            &self.api_failure,
            &self.routes.failure,
            &self.integrations.failure,
            &self.authorizers.failure,
            &self.models.failure,
        ];
        failures.into_iter().flatten().next()
    }

    /// Returns the failures that kept parts of the API from being read, or from being read in full.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        let failures = [
            self.stages.failure.as_ref(),
            self.deployments.failure.as_ref(),
            self.draft_failure(),
        ];
        failures.into_iter().flatten()
    }

    /// Returns the age of the drift: the time at which its oldest part was read; none when a part was not.
    pub fn drift_as_of(&self) -> Option<Timestamp> {
        let draft = self.draft.as_ref()?.as_of;
        Some(draft.min(self.stages.as_of?).min(self.deployments.as_of?))
    }

    /// Returns the number of calls that a reading of the draft takes, as far as its routes and integrations are known:
    /// the lists, and one for each route and integration that has responses.
    pub fn draft_calls(&self) -> usize {
        if let Some(draft) = &self.draft {
            return draft.n_calls;
        }
        let routes = self.routes.iter().filter(|route| route.has_responses());
        let integrations = self.integrations.iter().filter(|it| it.has_responses());
        DRAFT_LISTS + routes.count() + integrations.count()
    }

    /// Returns the stage of that name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }

    /// Returns the deployment of that id.
    pub fn deployment(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.id == *id)
    }

    /// Returns the integration of that id.
    pub fn integration(&self, id: &IntegrationId) -> Option<&Integration> {
        self.integrations
            .iter()
            .find(|integration| integration.id == *id)
    }
}

/// Calls that every reading of a draft takes: the API, its routes, integrations, authorizers and models.
pub const DRAFT_LISTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{api, stage};
    use crate::model::{DeploymentStatus, definition::RouteDefinition};

    fn definition(authorization: Option<&str>) -> Definition {
        let kind = authorization.map(|kind| ("authorizationType".to_owned(), kind.to_owned()));
        let connect = RouteDefinition {
            settings: kind.into_iter().collect(),
            ..RouteDefinition::default()
        };
        Definition {
            route_selection_expression: "$request.body.action".to_owned(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            routes: [("$connect".to_owned(), connect)].into(),
            models: BTreeMap::new(),
        }
    }

    fn detail(definition: Definition, signed: BTreeSet<StageName>) -> ApiDetail {
        ApiDetail {
            stages: Part::read(Vec::new(), Timestamp::UNIX_EPOCH),
            deployments: Part::read(Vec::new(), Timestamp::UNIX_EPOCH),
            draft: Some(Draft {
                definition,
                as_of: Timestamp::UNIX_EPOCH,
                until: Timestamp::UNIX_EPOCH,
                n_calls: DRAFT_LISTS,
            }),
            signed,
            ..ApiDetail::unread(api("k3v9x2a1bc", "chat"))
        }
    }

    #[test]
    fn a_stage_asks_for_a_signature_by_what_it_serves_else_by_the_draft() {
        let (iam, open) = (definition(Some("AWS_IAM")), definition(None));
        for (believed, draft, expected) in [
            (Some(&iam), None, true),
            (Some(&open), Some("AWS_IAM"), false),
            (None, Some("AWS_IAM"), true),
            (None, Some("CUSTOM"), false),
            (None, open.connect_authorization(), false),
        ] {
            assert_eq!(is_signed(believed, draft), expected, "{draft:?}");
        }
    }

    #[test]
    fn a_deploy_of_which_little_is_known_leaves_nothing_of_what_was_served_before() {
        let prod = StageName::parse("prod").unwrap();
        let (iam, open) = (definition(Some("AWS_IAM")), definition(None));
        for (draft, before, expected) in [
            (&iam, BTreeSet::new(), true),
            (&open, BTreeSet::from([prod.clone()]), false),
        ] {
            let elsewhere = definition(Some("CUSTOM")).fingerprint().append_to("");
            for (description, drift) in [
                (None, Drift::Unknown),
                (Some(elsewhere), Drift::Different),
                (Some(draft.fingerprint().append_to("")), Drift::UpToDate),
            ] {
                let mut detail = detail(draft.clone(), before.clone());
                let id = DeploymentId::parse("53lz9l").unwrap();
                detail.note(&Deployed {
                    api_id: detail.api.id.clone(),
                    stage: stage(prod.as_str(), Some("53lz9l")),
                    deployment: Deployment {
                        id,
                        description,
                        status: DeploymentStatus::Deployed,
                        status_message: None,
                        auto_deployed: false,
                        created_at: None,
                    },
                    previous: None,
                    undo_command: None,
                    warnings: Vec::new(),
                    draft: None,
                    unproved: None,
                });
                assert_eq!(detail.drift[&prod], drift);
                assert_eq!(detail.signed.contains(&prod), expected, "{drift:?}");
            }
        }
    }
}
