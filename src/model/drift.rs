//! Drift: the difference between the draft and the definition that a stage serves, claimed only on proof.
//!
//! Proof comes from the journal (which says what differs) or from the fingerprint in the deployment's description
//! (which says whether anything does). Stage settings act at once and never count.

use super::{Definition, Deployment, diff, diff::Change};

/// The difference between the draft and the definition that a stage serves.
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
    /// Nobody can tell: the deployment carries no fingerprint. It was made elsewhere, or without reading the draft.
    Unknown,
    /// Nobody has looked: the draft was not read in full.
    Unread,
    /// Nobody can tell: the deployments were not read, of which the stage serves one.
    Unlisted,
}

impl Drift {
    /// Returns the drift in the screen's words.
    pub fn text(&self) -> String {
        match self {
            Self::NothingDeployed => "nothing deployed".to_owned(),
            Self::UpToDate => "up to date".to_owned(),
            Self::Changes(changes) if changes.len() == 1 => "1 change undeployed".to_owned(),
            Self::Changes(changes) => format!("{} changes undeployed", changes.len()),
            Self::Different => "differs (details not in this machine's journal)".to_owned(),
            Self::Unknown => "unknown (deployed elsewhere, or without reading)".to_owned(),
            Self::Unread => "unknown (draft not read in full)".to_owned(),
            Self::Unlisted => "unknown (deployments not read in full)".to_owned(),
        }
    }

    /// Returns the drift in a few characters, for a table: a count, `-` for none, `?` for unknown.
    pub fn short_text(&self) -> String {
        match self {
            Self::NothingDeployed => "empty".to_owned(),
            Self::UpToDate => "-".to_owned(),
            Self::Changes(changes) => changes.len().to_string(),
            Self::Different => "differs".to_owned(),
            Self::Unknown | Self::Unread | Self::Unlisted => "?".to_owned(),
        }
    }
}

impl Drift {
    /// True when something was compared, whatever came of it.
    pub fn is_compared(&self) -> bool {
        matches!(
            self,
            Self::UpToDate | Self::Changes(_) | Self::Different | Self::Unknown
        )
    }
}

/// Returns the drift between the draft and a deployment, by what this machine's journal holds of that deployment.
pub fn drift(draft: &Definition, deployment: &Deployment, held: Option<&Definition>) -> Drift {
    match (believed(deployment, held), deployment.fingerprint()) {
        (Some(served), _) => compare(served, draft),
        (None, Some(fingerprint)) if fingerprint == draft.fingerprint() => Drift::UpToDate,
        (None, Some(_)) => Drift::Different,
        (None, None) => Drift::Unknown,
    }
}

/// Returns the definition that a deployment holds, by the journal. A journal entry is not believed when it contradicts
/// the fingerprint that the deployment carries: then it speaks of another store's deployment of the same id.
pub fn believed<'a>(
    deployment: &Deployment,
    held: Option<&'a Definition>,
) -> Option<&'a Definition> {
    let carried = deployment.fingerprint();
    held.filter(|held| carried.is_none_or(|fingerprint| fingerprint == held.fingerprint()))
}

fn compare(served: &Definition, draft: &Definition) -> Drift {
    if served == draft {
        return Drift::UpToDate;
    }
    match diff::diff(served, draft) {
        // Unequal, but not in a way that the differ has words for.
        changes if changes.is_empty() => Drift::Different,
        changes => Drift::Changes(changes),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{DeploymentId, DeploymentStatus, definition::RouteDefinition};

    fn definition(routes: &[&str]) -> Definition {
        Definition {
            route_selection_expression: "$request.body.action".into(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            routes: routes
                .iter()
                .map(|key| ((*key).to_owned(), RouteDefinition::default()))
                .collect(),
            models: BTreeMap::new(),
        }
    }

    fn deployment(description: Option<String>) -> Deployment {
        Deployment {
            id: DeploymentId::parse("53lz9l").unwrap(),
            description,
            status: DeploymentStatus::Deployed,
            status_message: None,
            auto_deployed: false,
            created_at: None,
        }
    }

    #[test]
    fn without_proof_nothing_is_claimed() {
        let draft = definition(&["join"]);
        assert_eq!(drift(&draft, &deployment(None), None), Drift::Unknown);
        let elsewhere = deployment(Some("by hand".into()));
        assert_eq!(drift(&draft, &elsewhere, None), Drift::Unknown);
    }

    #[test]
    fn a_fingerprint_says_whether_and_not_what() {
        let draft = definition(&["join"]);
        let same = deployment(Some(draft.fingerprint().append_to("")));
        assert_eq!(drift(&draft, &same, None), Drift::UpToDate);
        assert_eq!(drift(&definition(&[]), &same, None), Drift::Different);
    }

    #[test]
    fn the_journal_says_what_differs() {
        let served = definition(&["join"]);
        let deployment = deployment(Some(served.fingerprint().append_to("x")));
        assert_eq!(drift(&served, &deployment, Some(&served)), Drift::UpToDate);
        let draft = definition(&["join", "leave"]);
        let Drift::Changes(changes) = drift(&draft, &deployment, Some(&served)) else {
            panic!("the journal knows");
        };
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn a_journal_entry_that_contradicts_the_deployment_is_not_believed() {
        let draft = definition(&["join"]);
        let deployment = deployment(Some(definition(&["other"]).fingerprint().append_to("")));
        assert_eq!(drift(&draft, &deployment, Some(&draft)), Drift::Different);
    }
}
