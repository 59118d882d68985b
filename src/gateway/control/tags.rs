//! Tags of the resources that can carry them: APIs, stages, custom domain names and VPC links.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiRef, Call},
    check, domain_names,
    error::ApiError,
    stages, vpc_links,
    wire::{Reply, Texts},
};
use crate::gateway::store::{
    Draft, View,
    record::{ApiRecord, DomainNameRecord, StageRecord, VpcLinkRecord},
};

/// Tags to add.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TagsInput {
    tags: Option<Texts>,
}

/// All tags of a resource.
#[derive(Debug, Serialize)]
struct TagsOutput {
    tags: Texts,
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let resource = Resource::of(call)?;
    let mut tagged = call.store.read(|view| resource.find(view))?;
    let tags = std::mem::take(tagged.tags());
    Ok(Reply::json(&TagsOutput { tags }))
}

pub(super) fn add(call: &Call) -> Result<Reply, ApiError> {
    let input: TagsInput = call.body()?;
    change(call, move |tags| {
        tags.extend(input.tags.clone().unwrap_or_default());
        check::tags(Some(tags))
    })?;
    Ok(Reply::json(&serde_json::Map::new()))
}

pub(super) fn remove(call: &Call) -> Result<Reply, ApiError> {
    let keys: Vec<String> = call
        .query
        .iter()
        .filter(|(name, _)| name == "tagKeys")
        .map(|(_, key)| key.clone())
        .collect();
    check::required("tagKeys", keys.first())?;
    change(call, move |tags| {
        tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })?;
    Ok(Reply::empty())
}

// GUESS: tags belong to no definition and no settings, so nothing is deployed and no date changes.
fn change(
    call: &Call,
    run: impl Fn(&mut Texts) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let resource = Resource::of(call)?;
    call.store.write(move |draft| {
        let mut tagged = resource.find(draft)?;
        run(tagged.tags())?;
        tagged.keep(draft)
    })
}

/// The resource that an ARN names.
enum Resource {
    Api(ApiRef),
    Stage(ApiRef, String),
    DomainName { region: String, name: String },
    VpcLink { region: String, id: String },
}

impl Resource {
    /// SOURCE: the reference of ARN formats: `arn:aws:apigateway:{region}::/apis/{apiId}`,
    /// `/apis/{apiId}/stages/{stage}`, `/domainnames/{name}` and `/vpclinks/{id}`.
    // GUESS: the texts, and that an ARN of another region than the call's names nothing.
    fn of(call: &Call) -> Result<Self, ApiError> {
        let arn = call.label("resource-arn");
        let invalid = || ApiError::bad_request("Invalid resource ARN specified in the request");
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "apigateway", region, _, path] = parts[..] else {
            return Err(invalid());
        };
        if !partition.starts_with("aws") || region != call.region {
            return Err(invalid());
        }
        let region = region.to_owned();
        let segments: Vec<&str> = path.split('/').collect();
        Ok(match segments[..] {
            ["", "apis", api_id] => Self::Api(ApiRef {
                region,
                api_id: api_id.to_owned(),
            }),
            ["", "apis", api_id, "stages", stage] => {
                let api_id = api_id.to_owned();
                Self::Stage(ApiRef { region, api_id }, stage.to_owned())
            }
            ["", "domainnames", name] => Self::DomainName {
                region,
                name: name.to_owned(),
            },
            ["", "vpclinks", id] => Self::VpcLink {
                region,
                id: id.to_owned(),
            },
            _ => return Err(invalid()),
        })
    }

    fn find(&self, view: &View<'_>) -> Result<Tagged, ApiError> {
        Ok(match self {
            Self::Api(key) => Tagged::Api(key.find_any(view)?),
            Self::Stage(key, name) => {
                let api = key.find(view)?;
                let stage = stages::find(view, &api, name)?;
                Tagged::Stage(api, Box::new(stage))
            }
            Self::DomainName { region, name } => {
                let domain = domain_names::find(view, region, name)?;
                Tagged::DomainName(region.clone(), Box::new(domain))
            }
            Self::VpcLink { region, id } => {
                Tagged::VpcLink(region.clone(), vpc_links::find(view, region, id)?)
            }
        })
    }
}

/// A resource that carries tags, and its region where its record does not state it.
enum Tagged {
    Api(ApiRecord),
    Stage(ApiRecord, Box<StageRecord>),
    DomainName(String, Box<DomainNameRecord>),
    VpcLink(String, VpcLinkRecord),
}

impl Tagged {
    fn tags(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Api(api) => &mut api.tags,
            Self::Stage(_, stage) => &mut stage.tags,
            Self::DomainName(_, domain) => &mut domain.tags,
            Self::VpcLink(_, link) => &mut link.tags,
        }
    }

    fn keep(self, draft: &mut Draft<'_>) -> Result<(), ApiError> {
        match self {
            Self::Api(api) => draft.put(&api.region, &api)?,
            Self::Stage(api, stage) => draft.put_stage(&api, *stage)?,
            Self::DomainName(region, domain) => draft.put_domain_name(&region, &domain)?,
            Self::VpcLink(region, link) => draft.put(&region, &link)?,
        }
        Ok(())
    }
}
