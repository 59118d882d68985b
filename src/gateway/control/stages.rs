//! Stages: the deployment that each serves, and settings that act at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    api_mappings,
    call::{ApiRef, Call},
    check,
    error::ApiError,
    freeze, routes,
    stage_members::{self, AccessLogSettings, LOGGING_LEVELS, RouteSettings, StageInput},
    wire::{self, Reply, Texts},
};
use crate::{
    gateway::{
        clock,
        store::{
            Draft, View,
            record::{
                AccessLogSettingsRecord, ApiRecord, RouteRecord, RouteSettingsRecord, StageRecord,
            },
        },
    },
    model::{StageName, limit::STAGES_PER_API},
};

/// SOURCE: quotas: variables per stage.
const MOST_VARIABLES: usize = 100;

/// A stage on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StageOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_log_settings: Option<AccessLogSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_deploy: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate_id: Option<String>,
    created_date: String,
    default_route_settings: RouteSettings,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_deployment_status_message: Option<String>,
    last_updated_date: String,
    route_settings: BTreeMap<String, RouteSettings>,
    stage_name: String,
    stage_variables: Texts,
    tags: Texts,
}

fn show(stage: StageRecord) -> StageOutput {
    // SOURCE: the service model: this is said of stages that follow the definition only.
    let message = stage
        .is_auto_deployed()
        .then_some(stage.last_deployment_status_message);
    let settings = stage.access_log_settings.map(|settings| AccessLogSettings {
        destination_arn: settings.destination_arn,
        format: settings.format,
    });
    StageOutput {
        access_log_settings: settings,
        auto_deploy: stage.auto_deploy,
        client_certificate_id: stage.client_certificate_id,
        created_date: wire::seconds(stage.created_at),
        default_route_settings: with_defaults(show_settings(stage.default_route_settings)),
        deployment_id: stage.deployment_id,
        description: stage.description,
        last_deployment_status_message: message.flatten(),
        last_updated_date: wire::seconds(stage.updated_at),
        route_settings: stage
            .route_settings
            .into_iter()
            .map(|(key, settings)| (key, show_settings(settings)))
            .collect(),
        stage_name: stage.stage_name,
        stage_variables: stage.stage_variables,
        tags: stage.tags,
    }
}

fn show_settings(settings: RouteSettingsRecord) -> RouteSettings {
    RouteSettings {
        data_trace_enabled: settings.data_trace_enabled,
        detailed_metrics_enabled: settings.detailed_metrics_enabled,
        logging_level: settings.logging_level,
        throttling_burst_limit: settings.throttling_burst_limit,
        throttling_rate_limit: settings.throttling_rate_limit,
    }
}

// SOURCE: the guide's own output of create-stage shows the account's throttle, under the members that SDKs know. They are
// shown and not kept, so that "not set" stays distinguishable here.
fn with_defaults(settings: RouteSettings) -> RouteSettings {
    let level = settings.logging_level.unwrap_or_else(|| "OFF".to_owned());
    RouteSettings {
        data_trace_enabled: settings.data_trace_enabled.or(Some(false)),
        detailed_metrics_enabled: settings.detailed_metrics_enabled.or(Some(false)),
        logging_level: Some(level),
        throttling_burst_limit: settings.throttling_burst_limit.or(Some(5000)),
        throttling_rate_limit: settings.throttling_rate_limit.or(Some(10_000.0)),
    }
}

/// Returns the stage with that name.
pub(super) fn find(
    view: &View<'_>,
    api: &ApiRecord,
    stage_name: &str,
) -> Result<StageRecord, ApiError> {
    view.get(&api.api_id, stage_name)?
        .ok_or_else(|| ApiError::unknown("stage"))
}

// GUESS: the text; the service model says only that it is not possible.
pub(super) fn deployment_is_automatic() -> ApiError {
    ApiError::bad_request("Deployment ID cannot be set on a stage with autoDeploy enabled")
}

pub(super) fn create(call: &Call) -> Result<Reply, ApiError> {
    let input: StageInput = call.body()?;
    let key = call.api();
    let stage = call.store.write(move |draft| {
        let api = key.find(draft)?;
        add(draft, &api, &input)
    })?;
    Ok(Reply::json(&show(stage)))
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let key = call.api();
    let stages = call.store.read(|view| {
        let api = key.find(view)?;
        let page = view.page(&api.api_id, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(stages, &paging, show)))
}

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    let (key, name) = names(call);
    let stage = call
        .store
        .read(|view| find(view, &key.find(view)?, &name))?;
    Ok(Reply::json(&show(stage)))
}

pub(super) fn update(call: &Call) -> Result<Reply, ApiError> {
    let input: StageInput = call.body()?;
    let (key, name) = names(call);
    let stage = call.store.write(move |draft| {
        let api = key.find(draft)?;
        let stage = find(draft, &api, &name)?;
        change(draft, &api, stage, &input, clock::now())
    })?;
    Ok(Reply::json(&show(stage)))
}

pub(super) fn delete(call: &Call) -> Result<Reply, ApiError> {
    let (key, name) = names(call);
    call.store.write(move |draft| {
        let api = key.find(draft)?;
        find(draft, &api, &name)?;
        if api_mappings::is_mapped(draft, &api, |mapping| mapping.stage == name)? {
            // SOURCE: seen for REST APIs to begin like that. GUESS: the rest, in the words of an API that is mapped.
            return Err(ApiError::bad_request(format!(
                "Deleting stage {name} failed. Please remove all API mappings for the stage from your custom domain names."
            )));
        }
        draft.remove_stage(&api.api_id, &name)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(Reply::empty())
}

pub(super) fn delete_access_log_settings(call: &Call) -> Result<Reply, ApiError> {
    let (key, name) = names(call);
    call.store.write(move |draft| {
        let api = key.find(draft)?;
        let mut stage = find(draft, &api, &name)?;
        stage.access_log_settings = None;
        stage.updated_at = clock::now();
        draft.put_stage(&api, stage)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(Reply::empty())
}

pub(super) fn delete_route_settings(call: &Call) -> Result<Reply, ApiError> {
    let (key, name) = names(call);
    let route_key = call.label("routeKey");
    call.store.write(move |draft| {
        let api = key.find(draft)?;
        let mut stage = find(draft, &api, &name)?;
        if stage.route_settings.remove(&route_key).is_none() {
            return Err(unknown_route(&route_key));
        }
        stage.updated_at = clock::now();
        draft.put_stage(&api, stage)?;
        Ok(())
    })?;
    Ok(Reply::empty())
}

fn names(call: &Call) -> (ApiRef, String) {
    (call.api(), call.label("stageName"))
}

/// Makes a stage.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    input: &StageInput,
) -> Result<StageRecord, ApiError> {
    let name = check::required("stageName", input.stage_name.as_ref())?;
    if StageName::parse(name).is_err() {
        // SOURCE: AWS's text. It knows nothing of the hyphen, which is allowed all the same.
        return Err(ApiError::bad_request("Stage name only allows a-zA-Z0-9_"));
    }
    check::tags(input.tags.as_ref())?;
    let others: Vec<StageRecord> = draft.all(&api.api_id)?;
    if others.iter().any(|other| other.stage_name == *name) {
        // GUESS: version 1's text.
        return Err(ApiError::conflict("Stage already exists"));
    }
    if others.len() >= STAGES_PER_API {
        return Err(ApiError::quota("Stages"));
    }
    let now = clock::now();
    let blank = StageRecord {
        tags: input.tags.clone().unwrap_or_default(),
        ..StageRecord::new(name.clone(), now)
    };
    change(draft, api, blank, input, now)
}

/// Changes a stage: what is absent stays, settings and variables are merged, an empty value removes a variable.
pub(crate) fn change(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    mut stage: StageRecord,
    input: &StageInput,
    now: Timestamp,
) -> Result<StageRecord, ApiError> {
    stage_members::check(input)?;
    let was_automatic = stage.is_auto_deployed();
    stage.auto_deploy = input.auto_deploy.or(stage.auto_deploy);
    if let Some(deployment_id) = check::kept(input.deployment_id.as_ref()) {
        if stage.is_auto_deployed() {
            return Err(deployment_is_automatic());
        }
        freeze::find(draft, api, &deployment_id)?;
        stage.deployment_id = Some(deployment_id);
    }
    change_settings(&mut stage, input);
    merge_route_settings(draft, api, &mut stage, input)?;
    merge_variables(&mut stage, input)?;
    stage.updated_at = now;
    draft.put_stage(api, stage.clone())?;
    if stage.is_auto_deployed() && !was_automatic {
        draft.owe_deployment(api, [stage.stage_name.clone()])?;
    }
    Ok(stage)
}

/// Changes the settings that stand for themselves.
fn change_settings(stage: &mut StageRecord, input: &StageInput) {
    // SOURCE: reported of AWS: an empty description keeps the text, and nothing clears it; settings of the access log without
    // a member change nothing.
    if let Some(description) = check::kept(input.description.as_ref()) {
        stage.description = Some(description);
    }
    let certificate = input.client_certificate_id.as_ref();
    check::patch(&mut stage.client_certificate_id, certificate);
    if let Some(settings) = &input.access_log_settings {
        let destination_arn = check::kept(settings.destination_arn.as_ref());
        let format = check::kept(settings.format.as_ref());
        if destination_arn.is_some() || format.is_some() {
            stage.access_log_settings = Some(AccessLogSettingsRecord {
                destination_arn,
                format,
            });
        }
    }
    if let Some(settings) = &input.default_route_settings {
        merge(&mut stage.default_route_settings, settings);
    }
}

fn merge_variables(stage: &mut StageRecord, input: &StageInput) -> Result<(), ApiError> {
    if let Some(variables) = &input.stage_variables {
        stage.stage_variables.extend(variables.clone());
        stage.stage_variables.retain(|_, value| !value.is_empty());
    }
    if stage.stage_variables.len() > MOST_VARIABLES {
        let message = format!("A stage has at most {MOST_VARIABLES} stage variables");
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

fn merge_route_settings(
    view: &View<'_>,
    api: &ApiRecord,
    stage: &mut StageRecord,
    input: &StageInput,
) -> Result<(), ApiError> {
    let Some(all) = input.route_settings.as_ref().filter(|all| !all.is_empty()) else {
        return Ok(());
    };
    let routes: Vec<RouteRecord> = view.all(&api.api_id)?;
    for (route_key, settings) in all {
        // SOURCE: reported of AWS: the predefined keys are taken before there are such routes. GUESS: the others are looked up
        // among the draft's routes, not among those that the stage serves.
        let is_there = routes.iter().any(|route| route.route_key == *route_key);
        if !is_there && !routes::PREDEFINED.contains(&route_key.as_str()) {
            return Err(unknown_route(route_key));
        }
        let kept = stage.route_settings.entry(route_key.clone()).or_default();
        merge(kept, settings);
    }
    Ok(())
}

fn unknown_route(route_key: &str) -> ApiError {
    ApiError::not_found(format!(
        "Unable to find Route by key {route_key} within the provided RouteSettings"
    ))
}

fn merge(kept: &mut RouteSettingsRecord, given: &RouteSettings) {
    kept.data_trace_enabled = given.data_trace_enabled.or(kept.data_trace_enabled);
    let metrics = given.detailed_metrics_enabled;
    kept.detailed_metrics_enabled = metrics.or(kept.detailed_metrics_enabled);
    let level = given.logging_level.as_ref();
    if let Some(level) = level.filter(|level| LOGGING_LEVELS.contains(&level.as_str())) {
        kept.logging_level = Some(level.clone());
    }
    let burst = given.throttling_burst_limit;
    kept.throttling_burst_limit = burst.or(kept.throttling_burst_limit);
    kept.throttling_rate_limit = given.throttling_rate_limit.or(kept.throttling_rate_limit);
}
