//! How the draft differs from what a stage serves, claimed only on proof.
//!
//! Proof comes from the journal (which says what differs) or from the fingerprint in the deployment's description (which
//! says whether anything does). Stage settings act at once and never count.

use super::journal::Entry;
use crate::model::{Definition, Deployment, Drift, diff};

/// The drift between the draft and a deployment, by what this machine's journal says of that deployment.
pub fn drift(draft: &Definition, deployment: &Deployment, entry: Option<&Entry>) -> Drift {
    match (believed(deployment, entry), deployment.fingerprint()) {
        (Some(served), _) => compare(served, draft),
        (None, Some(fingerprint)) if fingerprint == draft.fingerprint() => Drift::UpToDate,
        (None, Some(_)) => Drift::Different,
        (None, None) => Drift::Unknown,
    }
}

/// What a deployment holds, by the journal's entry. It is not believed when it contradicts the fingerprint that the
/// deployment carries: then it speaks of another store's deployment of the same id.
pub(super) fn believed<'a>(
    deployment: &Deployment,
    entry: Option<&'a Entry>,
) -> Option<&'a Definition> {
    let definition = entry.map(|entry| &entry.definition);
    let carried = deployment.fingerprint();
    definition.filter(|held| carried.is_none_or(|fingerprint| fingerprint == held.fingerprint()))
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

    use jiff::Timestamp;

    use super::*;
    use crate::model::{ApiId, DeploymentId, DeploymentStatus, definition::RouteDefinition};

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

    fn entry(definition: Definition) -> Entry {
        Entry {
            api_id: ApiId::parse("k3v9x2a1bc").unwrap(),
            deployment_id: DeploymentId::parse("53lz9l").unwrap(),
            definition,
            description: None,
            deployed_at: Timestamp::UNIX_EPOCH,
            stage: None,
            previous: None,
        }
    }

    #[test]
    fn nothing_to_go_by_is_unknown() {
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
        let entry = entry(served.clone());
        assert_eq!(drift(&served, &deployment, Some(&entry)), Drift::UpToDate);
        let draft = definition(&["join", "leave"]);
        let Drift::Changes(changes) = drift(&draft, &deployment, Some(&entry)) else {
            panic!("the journal knows");
        };
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn a_journal_entry_that_contradicts_the_deployment_is_not_believed() {
        let draft = definition(&["join"]);
        let deployment = deployment(Some(definition(&["other"]).fingerprint().append_to("")));
        let stale = entry(draft.clone());
        assert_eq!(drift(&draft, &deployment, Some(&stale)), Drift::Different);
    }
}
