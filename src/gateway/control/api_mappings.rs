//! API mappings: the stage that answers under each key of a custom domain name. A mapping acts at once, without a
//! deployment.

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiRef, Call},
    check, domain_names,
    error::ApiError,
    ids, parts,
    wire::{self, Reply},
};
use crate::gateway::store::{
    Draft, View,
    record::{ApiMappingRecord, ApiRecord, StageRecord},
    within,
};

/// SOURCE: the guide to API mappings of WebSocket APIs.
const KEY_CHARS: usize = 300;

/// The input of `CreateApiMapping` and `UpdateApiMapping`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApiMappingInput {
    api_id: Option<String>,
    api_mapping_key: Option<String>,
    stage: Option<String>,
}

/// A mapping on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiMappingOutput {
    api_id: String,
    api_mapping_id: String,
    api_mapping_key: String,
    stage: String,
}

fn show(mapping: ApiMappingRecord) -> ApiMappingOutput {
    ApiMappingOutput {
        api_id: mapping.api_id,
        api_mapping_id: mapping.api_mapping_id,
        api_mapping_key: mapping.api_mapping_key,
        stage: mapping.stage,
    }
}

/// A custom domain name by a call's path.
#[derive(Clone)]
struct Domain {
    region: String,
    name: String,
}

impl Domain {
    fn of(call: &Call) -> Self {
        Self {
            region: call.region.clone(),
            name: call.label("domainName"),
        }
    }

    /// Returns the parent of the mappings of a domain name, which must exist.
    fn parent(&self, view: &View<'_>) -> Result<String, ApiError> {
        domain_names::find(view, &self.region, &self.name)?;
        Ok(within(&self.region, &self.name))
    }

    fn find(&self, view: &View<'_>, id: &str) -> Result<ApiMappingRecord, ApiError> {
        // GUESS: the text.
        view.get(&self.parent(view)?, id)?.ok_or_else(|| {
            ApiError::not_found("The api mapping resource specified in the request was not found.")
        })
    }
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: ApiMappingInput = call.body()?;
    check::required("apiId", input.api_id.as_ref())?;
    check::required("stage", input.stage.as_ref())?;
    let domain = Domain::of(call);
    let mapping = call.store.write(move |draft| {
        let parent = domain.parent(draft)?;
        let blank = ApiMappingRecord {
            api_mapping_id: ids::fresh::<ApiMappingRecord>(draft, &parent, ids::API_MAPPING)?,
            api_id: String::new(),
            stage: String::new(),
            api_mapping_key: String::new(),
        };
        change(draft, &domain, blank, &input)
    })?;
    Ok(Reply::json(&show(mapping)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let domain = Domain::of(call);
    let mappings = call.store.read(|view| {
        let parent = domain.parent(view)?;
        let page = view.page(&parent, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(mappings, &paging, show)))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let domain = Domain::of(call);
    let id = call.label("apiMappingId");
    let mapping = call.store.read(|view| domain.find(view, &id))?;
    Ok(Reply::json(&show(mapping)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: ApiMappingInput = call.body()?;
    check::required("apiId", input.api_id.as_ref())?;
    let domain = Domain::of(call);
    let id = call.label("apiMappingId");
    let mapping = call.store.write(move |draft| {
        let mapping = domain.find(draft, &id)?;
        change(draft, &domain, mapping, &input)
    })?;
    Ok(Reply::json(&show(mapping)))
}

pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let domain = Domain::of(call);
    let id = call.label("apiMappingId");
    call.store.write(move |draft| {
        domain.find(draft, &id)?;
        draft.remove_api_mapping(&domain.region, &domain.name, &id)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(Reply::empty())
}

fn change(
    draft: &mut Draft<'_>,
    domain: &Domain,
    mut mapping: ApiMappingRecord,
    input: &ApiMappingInput,
) -> Result<ApiMappingRecord, ApiError> {
    for (member, given) in [
        (&mut mapping.api_id, &input.api_id),
        (&mut mapping.stage, &input.stage),
        (&mut mapping.api_mapping_key, &input.api_mapping_key),
    ] {
        if let Some(given) = given {
            member.clone_from(given);
        }
    }
    check_key(&mapping.api_mapping_key)?;
    check_stage(draft, &domain.region, &mapping)?;
    let parent = within(&domain.region, &domain.name);
    if parts::is_taken(draft, &parent, &mapping, |it| &it.api_mapping_key)? {
        return Err(ApiError::conflict(
            "ApiMapping key already exists for this domain name",
        ));
    }
    draft.put_api_mapping(&domain.region, &domain.name, &mapping)?;
    Ok(mapping)
}

/// SOURCE: the guide, and AWS's text, which has no slash among them: only other protocols map keys of several levels.
fn check_key(key: &str) -> Result<(), ApiError> {
    let is_allowed = |it: char| it.is_ascii_alphanumeric() || "$-_.+!*'()".contains(it);
    if key.chars().all(is_allowed) && key.len() <= KEY_CHARS {
        Ok(())
    } else {
        Err(ApiError::bad_request(
            "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'()",
        ))
    }
}

/// SOURCE: what a mapping leads to is refused with 400, not 404, and without ids.
fn check_stage(view: &View<'_>, region: &str, mapping: &ApiMappingRecord) -> Result<(), ApiError> {
    let invalid =
        |what: &str| ApiError::bad_request(format!("Invalid {what} identifier specified"));
    let key = ApiRef {
        region: region.to_owned(),
        api_id: mapping.api_id.clone(),
    };
    if view.get::<ApiRecord>(region, &key.api_id)?.is_none() {
        return Err(invalid("API"));
    }
    let api = key.find(view)?;
    match view.get::<StageRecord>(&api.api_id, &mapping.stage)? {
        Some(_) => Ok(()),
        None => Err(invalid("stage")),
    }
}

/// True when a custom domain name leads to what `leads` is told of.
pub(super) fn is_mapped(
    view: &View<'_>,
    api: &ApiRecord,
    leads: impl Fn(&ApiMappingRecord) -> bool,
) -> Result<bool, ApiError> {
    // All mappings of a region lie side by side, whatever their domain name.
    let mappings: Vec<ApiMappingRecord> = view.all(&api.region)?;
    let of_api = |mapping: &&ApiMappingRecord| mapping.api_id == api.api_id;
    Ok(mappings.iter().filter(of_api).any(leads))
}
