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

/// Whether a stage's clients must sign the handshake: by what the stage is believed to serve, where anything is; else by who
/// may connect by the draft.
pub fn is_signed(believed: Option<&Definition>, draft: Option<&str>) -> bool {
    believed.map_or(draft, Definition::connect_authorization) == Some("AWS_IAM")
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
        // What the new deployment holds is known by its fingerprint at most; what the last one asked for is over.
        if is_signed(None, self.draft.connect_authorization()) {
            self.signed.insert(stage.name.clone());
        } else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApiId, DeploymentStatus, definition::RouteDefinition};

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

    fn detail(draft: Definition, signed: BTreeSet<StageName>) -> ApiDetail {
        ApiDetail {
            api: Api {
                id: ApiId::parse("k3v9x2a1bc").unwrap(),
                name: "chat".to_owned(),
                description: None,
                endpoint: "wss://k3v9x2a1bc".to_owned(),
                route_selection_expression: "$request.body.action".to_owned(),
                api_key_selection_expression: None,
                disable_execute_api_endpoint: false,
                disable_schema_validation: false,
                ip_address_type: None,
                version: None,
                created_at: None,
                tags: BTreeMap::new(),
            },
            stages: Vec::new(),
            deployments: Vec::new(),
            routes: Vec::new(),
            integrations: Vec::new(),
            authorizers: Vec::new(),
            models: Vec::new(),
            draft,
            drift: BTreeMap::new(),
            signed,
        }
    }

    fn stage(name: &StageName) -> Stage {
        Stage {
            name: name.clone(),
            deployment_id: DeploymentId::parse("53lz9l").ok(),
            description: None,
            auto_deploy: false,
            last_deployment_status_message: None,
            created_at: None,
            updated_at: None,
            default_route_settings: None,
            route_settings: BTreeMap::new(),
            variables: BTreeMap::new(),
            access_log: None,
            client_certificate_id: None,
            tags: BTreeMap::new(),
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
                    stage: stage(&prod),
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
                });
                assert_eq!(detail.drift[&prod], drift);
                assert_eq!(detail.signed.contains(&prod), expected, "{drift:?}");
            }
        }
    }
}
