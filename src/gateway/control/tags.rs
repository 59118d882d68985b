//! Tags of APIs and stages. What else could carry tags on AWS does not exist here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    call::{ApiKey, Call},
    check,
    error::ApiError,
    stages,
    wire::{Reply, Texts},
};
use crate::gateway::store::{
    Draft, View,
    record::{ApiRecord, StageRecord},
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
    let tagged = call.store.read(|view| resource.find(view))?;
    let tags = tagged.into_tags();
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

/// What an ARN names.
struct Resource {
    api: ApiKey,
    stage: Option<String>,
}

impl Resource {
    /// SOURCE: the reference of ARN formats: `arn:aws:apigateway:{region}::/apis/{apiId}`, and `/stages/{stage}` after it.
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
        let segments: Vec<&str> = path.split('/').collect();
        let (api_id, stage) = match segments[..] {
            ["", "apis", api_id] => (api_id, None),
            ["", "apis", api_id, "stages", stage] => (api_id, Some(stage.to_owned())),
            _ => return Err(invalid()),
        };
        let api = ApiKey {
            region: region.to_owned(),
            api_id: api_id.to_owned(),
        };
        Ok(Self { api, stage })
    }

    fn find(&self, view: &View<'_>) -> Result<Tagged, ApiError> {
        let api = self.api.find(view)?;
        Ok(match &self.stage {
            None => Tagged::Api(api),
            Some(name) => {
                let stage = stages::find(view, &api, name)?;
                Tagged::Stage(api, Box::new(stage))
            }
        })
    }
}

/// What carries tags.
enum Tagged {
    Api(ApiRecord),
    Stage(ApiRecord, Box<StageRecord>),
}

impl Tagged {
    fn tags(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Tagged::Api(api) => &mut api.tags,
            Tagged::Stage(_, stage) => &mut stage.tags,
        }
    }

    fn into_tags(self) -> Texts {
        match self {
            Tagged::Api(api) => api.tags,
            Tagged::Stage(_, stage) => stage.tags,
        }
    }

    fn keep(self, draft: &mut Draft<'_>) -> Result<(), ApiError> {
        match self {
            Tagged::Api(api) => draft.put(&api.region, &api)?,
            Tagged::Stage(api, stage) => draft.put_stage(&api, *stage)?,
        }
        Ok(())
    }
}
