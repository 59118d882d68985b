//! Finding an API and reading it in full.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    drift,
    journal::{Entry, Found, Journal},
};
use crate::{
    aws::{self, Control},
    model::{
        Api, ApiDetail, ApiId, Definition, Deployment, DeploymentId, Drift, Failure, FailureKind,
        Stage, StageName, definition::Parts, detail::is_signed, text::printable,
    },
};

/// All WebSocket APIs of the target, by name.
///
/// # Errors
/// Fails when the control plane refuses or cannot be reached.
pub async fn list_apis(control: &Control) -> Result<Vec<Api>, Failure> {
    let apis = control.apis().await;
    apis.map_err(|error| error.failure("Cannot list the APIs"))
}

/// The API of that id, or the only one of that name.
///
/// # Errors
/// Fails when there is none, telling what resembles it; when there are several, telling their ids; and when the control
/// plane refuses or cannot be reached.
pub async fn find_api(control: &Control, id_or_name: &str) -> Result<Api, Failure> {
    let title = || format!("Cannot find the API \"{}\"", printable(id_or_name));
    let apis = control.apis().await.map_err(|e| e.failure(title()))?;
    choose(&apis, id_or_name).map_err(|(cause, hint)| {
        Failure::new(FailureKind::User, title())
            .cause(cause)
            .hint(hint)
    })
}

/// An API with all its parts, read in parallel, and the drift of every stage.
///
/// # Errors
/// Fails when the control plane refuses or cannot be reached.
pub async fn read_api(
    control: &Control,
    journal: &Journal,
    api: &ApiId,
) -> Result<ApiDetail, Failure> {
    let title = format!("Cannot read the API \"{api}\"");
    Box::pin(read(control, journal, api))
        .await
        .map_err(|error| error.failure(title))
}

/// As [`read_api`], for jobs that have a title of their own.
pub(super) async fn read(
    control: &Control,
    journal: &Journal,
    api: &ApiId,
) -> Result<ApiDetail, aws::Error> {
    let (stages, deployments, draft) = tokio::try_join!(
        control.stages(api),
        control.deployments(api),
        Box::pin(read_draft(control, api))
    )?;
    let entries = entries_of_stages(control, journal, api, &stages).await;
    let entry = |stage: &Stage| entries.get(stage.deployment_id.as_ref()?);
    let drift = stages.iter().map(|stage| {
        let drift = stage_drift(&draft.definition, stage, &deployments, entry(stage));
        (stage.name.clone(), drift)
    });
    let drift: BTreeMap<StageName, Drift> = drift.collect();
    let wants_signature = |stage: &&Stage| {
        let served = served(stage, &deployments, entry(stage));
        is_signed(served, draft.definition.connect_authorization())
    };
    let signed = stages.iter().filter(wants_signature);
    let signed: BTreeSet<StageName> = signed.map(|stage| stage.name.clone()).collect();
    Ok(ApiDetail {
        api: draft.api,
        stages,
        deployments,
        routes: draft.routes,
        integrations: draft.integrations,
        authorizers: draft.authorizers,
        models: draft.models,
        draft: draft.definition,
        drift,
        signed,
    })
}

/// The draft with the parts that it was made of.
pub(super) struct Draft {
    pub(super) api: Api,
    pub(super) routes: Vec<crate::model::Route>,
    pub(super) integrations: Vec<crate::model::Integration>,
    pub(super) authorizers: Vec<crate::model::Authorizer>,
    pub(super) models: Vec<crate::model::Model>,
    pub(super) definition: Definition,
}

impl Draft {
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            api: &self.api,
            routes: &self.routes,
            integrations: &self.integrations,
            authorizers: &self.authorizers,
            models: &self.models,
        }
    }
}

/// Reads what a deployment would freeze at this moment. The SDK's futures are large, hence the boxes.
pub(super) async fn read_draft(control: &Control, api: &ApiId) -> Result<Draft, aws::Error> {
    let (api, routes, integrations, authorizers, models) = tokio::try_join!(
        control.api(api),
        Box::pin(control.routes(api)),
        Box::pin(control.integrations(api)),
        Box::pin(control.authorizers(api)),
        Box::pin(control.models(api))
    )?;
    let definition = Definition::from_parts(Parts {
        api: &api,
        routes: &routes,
        integrations: &integrations,
        authorizers: &authorizers,
        models: &models,
    });
    Ok(Draft {
        api,
        routes,
        integrations,
        authorizers,
        models,
        definition,
    })
}

/// What the journal says of the deployments that the stages serve.
async fn entries_of_stages(
    control: &Control,
    journal: &Journal,
    api: &ApiId,
    stages: &[Stage],
) -> BTreeMap<DeploymentId, Entry> {
    let serves = |stage: &Stage| stage.deployment_id.clone();
    let mut ids: Vec<DeploymentId> = stages.iter().filter_map(serves).collect();
    ids.sort();
    ids.dedup();
    let found = journal.find_all(control, api, ids.clone()).await;
    let entries = ids.into_iter().zip(found);
    entries
        .filter_map(|(id, found)| match found {
            Found::Entry(entry) => Some((id, *entry)),
            Found::Nothing | Found::Unusable(_) => None,
        })
        .collect()
}

fn stage_drift(
    draft: &Definition,
    stage: &Stage,
    deployments: &[Deployment],
    entry: Option<&Entry>,
) -> Drift {
    if stage.deployment_id.is_none() {
        return Drift::NothingDeployed;
    }
    // The lists are read side by side, so a deployment that was made meanwhile may be missing: nothing is known of it.
    match deployment_of(stage, deployments) {
        Some(deployment) => drift::drift(draft, deployment, entry),
        None => Drift::Unknown,
    }
}

/// What a stage serves, if that is known.
fn served<'a>(
    stage: &Stage,
    deployments: &[Deployment],
    entry: Option<&'a Entry>,
) -> Option<&'a Definition> {
    drift::believed(deployment_of(stage, deployments)?, entry)
}

fn deployment_of<'a>(stage: &Stage, deployments: &'a [Deployment]) -> Option<&'a Deployment> {
    let id = stage.deployment_id.as_ref()?;
    deployments.iter().find(|deployment| deployment.id == *id)
}

/// Whether the stage's clients must sign the handshake: by what it serves where the journal knows that, else by the draft.
/// One call or two, for whoever needs to know nothing else.
///
/// # Errors
/// Fails when the control plane refuses or cannot be reached.
pub async fn wants_signature(
    control: &Control,
    journal: &Journal,
    api: &ApiId,
    stage: &Stage,
) -> Result<bool, aws::Error> {
    let entries = entries_of_stages(control, journal, api, std::slice::from_ref(stage)).await;
    let believed = match entries.iter().next() {
        Some((id, entry)) => {
            let deployment = control.deployment(api, id).await?;
            drift::believed(&deployment, Some(entry))
        }
        None => None,
    };
    let draft = match believed {
        Some(_) => None,
        None => control.authorization_type(api, "$connect").await?,
    };
    Ok(is_signed(believed, draft.as_deref()))
}

/// The API that is meant, or the reason and what to do.
fn choose(apis: &[Api], id_or_name: &str) -> Result<Api, (String, String)> {
    if let Some(api) = apis.iter().find(|api| api.id.as_str() == id_or_name) {
        return Ok(api.clone());
    }
    let named: Vec<&Api> = apis.iter().filter(|api| api.name == id_or_name).collect();
    match named.as_slice() {
        [api] => Ok((*api).clone()),
        [] if apis.is_empty() => Err((
            "this target has no WebSocket APIs".to_owned(),
            "choose another profile or region, or `--local` for the demo".to_owned(),
        )),
        [] => Err((
            "no WebSocket API of this target has that id or name".to_owned(),
            suggestion(apis, id_or_name),
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|api| api.id.as_str()).collect();
            Err((
                format!("{} APIs have that name: {}", ids.len(), ids.join(", ")),
                "name it by its id".to_owned(),
            ))
        }
    }
}

fn suggestion(apis: &[Api], wanted: &str) -> String {
    let near: Vec<&str> = apis
        .iter()
        .map(|api| api.name.as_str())
        .filter(|name| resembles(name, wanted))
        .collect();
    let quoted = |names: &[&str]| printable(&names.join(", ")).into_owned();
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near));
    }
    let names: Vec<&str> = apis.iter().take(8).map(|api| api.name.as_str()).collect();
    let more = if apis.len() > names.len() {
        ", …"
    } else {
        ""
    };
    format!("there are {}{more}", quoted(&names))
}

/// True for names that a person may have meant: the same but for case, one inside the other, or two slips away.
fn resembles(name: &str, wanted: &str) -> bool {
    let name = name.to_lowercase();
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() || name.is_empty() {
        return false;
    }
    name.contains(&wanted) || wanted.contains(&name) || distance(&name, &wanted) <= 2
}

/// How many characters must be put in, taken out or replaced to make one text the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(id: &str, name: &str) -> Api {
        Api {
            id: ApiId::parse(id).unwrap(),
            name: name.into(),
            description: None,
            endpoint: format!("wss://{id}"),
            route_selection_expression: "$request.body.action".into(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            disable_schema_validation: false,
            ip_address_type: None,
            version: None,
            created_at: None,
            tags: BTreeMap::new(),
        }
    }

    fn apis() -> Vec<Api> {
        vec![
            api("a1", "chat"),
            api("b2", "ticker"),
            api("c3", "twin"),
            api("d4", "twin"),
        ]
    }

    #[track_caller]
    fn check_error(wanted: &str, cause: &str, hint: &str) {
        let (actual_cause, actual_hint) = choose(&apis(), wanted).unwrap_err();
        assert!(actual_cause.contains(cause), "{actual_cause}");
        assert!(actual_hint.contains(hint), "{actual_hint}");
    }

    #[test]
    fn an_api_is_found_by_id_and_by_name() {
        assert_eq!(choose(&apis(), "b2").unwrap().name, "ticker");
        assert_eq!(choose(&apis(), "chat").unwrap().id.as_str(), "a1");
    }

    #[test]
    fn two_apis_of_one_name_are_told_with_their_ids() {
        check_error("twin", "2 APIs have that name: c3, d4", "by its id");
        assert_eq!(choose(&apis(), "d4").unwrap().id.as_str(), "d4");
    }

    #[test]
    fn an_unknown_api_is_told_with_what_resembles_it() {
        check_error("Chat", "no WebSocket API", "did you mean chat?");
        check_error("tikcer", "no WebSocket API", "did you mean ticker?");
        check_error("zzzzzz", "no WebSocket API", "there are chat, ticker");
        let (cause, _) = choose(&[], "chat").unwrap_err();
        assert!(cause.contains("no WebSocket APIs"));
    }

    #[test]
    fn distance_counts_slips() {
        assert_eq!(distance("ticker", "ticker"), 0);
        assert_eq!(distance("tikcer", "ticker"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
