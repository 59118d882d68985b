//! The members of a stage on the wire, and the form that each must have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    check,
    error::ApiError,
    wire::{self, Texts},
};
use crate::gateway::data::access_log_names;

/// The levels of an execution log; a setting of another is taken and changes nothing.
// SOURCE: recorded on AWS, September 2026, from `OFF`. GUESS: the same from the other levels.
pub(super) const LOGGING_LEVELS: &[&str] = &["ERROR", "INFO", "OFF"];
/// SOURCE: quotas: the length of a stage variable's name and of its value.
const VARIABLE_NAME: usize = 64;
const VARIABLE_VALUE: usize = 512;
/// SOURCE: quotas: size of an access log template; the service model has 1024.
const LOG_FORMAT: usize = 3072;

/// The input of `CreateStage` and `UpdateStage`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StageInput {
    pub(crate) stage_name: Option<String>,
    pub(crate) deployment_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) auto_deploy: Option<bool>,
    pub(crate) client_certificate_id: Option<String>,
    #[serde(deserialize_with = "wire::object")]
    pub(crate) access_log_settings: Option<AccessLogSettings>,
    #[serde(deserialize_with = "wire::object")]
    pub(crate) default_route_settings: Option<RouteSettings>,
    #[serde(deserialize_with = "wire::objects")]
    pub(crate) route_settings: Option<BTreeMap<String, RouteSettings>>,
    pub(crate) stage_variables: Option<Texts>,
    pub(crate) tags: Option<Texts>,
}

/// The destination of a stage's access log, and the format of a line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AccessLogSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
}

/// Settings of a route on a stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_trace_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detailed_metrics_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logging_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttling_burst_limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttling_rate_limit: Option<f64>,
}

/// Holds each member to its form, whatever else the stage has.
pub(super) fn check(input: &StageInput) -> Result<(), ApiError> {
    check::description(input.description.as_ref())?;
    if let Some(settings) = &input.access_log_settings {
        check_access_log(settings)?;
    }
    let route_settings = input.route_settings.iter().flat_map(BTreeMap::values);
    for settings in input.default_route_settings.iter().chain(route_settings) {
        check_settings(settings)?;
    }
    for (name, value) in input.stage_variables.iter().flatten() {
        check_variable(name, value)?;
    }
    Ok(())
}

// SOURCE: recorded on AWS, September 2026: the form of the destination's ARN is looked at before the format; a variable that
// AWS does not know is taken. GUESS: that its log group is looked at before the format, too.
fn check_access_log(settings: &AccessLogSettings) -> Result<(), ApiError> {
    if let Some(arn) = check::kept(settings.destination_arn.as_ref()) {
        check_log_group(&arn)?;
    }
    let Some(format) = check::kept(settings.format.as_ref()) else {
        return Ok(());
    };
    check::length("accessLogSettings.format", Some(&format), 1..=LOG_FORMAT)?;
    check_format(&format)
}

/// Holds a format to one line that says which request it is about.
// SOURCE: recorded on AWS, September 2026, each fault by itself. GUESS: which of two is told.
fn check_format(format: &str) -> Result<(), ApiError> {
    let is_of_request = |name| matches!(name, "requestId" | "extendedRequestId");
    let fault = if !access_log_names(format).any(is_of_request) {
        "must include either $context.requestId or $context.extendedRequestId "
    } else if format.contains(['\n', '\r']) {
        "must be single line"
    } else {
        return Ok(());
    };
    Err(ApiError::bad_request(format!(
        "The following errors are found in Access Log Format: Access Log format {fault}: '{format}'"
    )))
}

/// SOURCE: a WebSocket API logs to a log group only: `arn:aws:logs:{region}:{account}:log-group:{name}`. The second text was
/// reported for a delivery stream and for the `:*` that stands for all streams; recorded on AWS, September 2026: the
/// first. GUESS: the first for an ARN that is too short, too.
fn check_log_group(arn: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else {
        return Err(ApiError::bad_request(format!(
            "Invalid ARN specified in the request. ARNs must start with 'arn:': {arn}"
        )));
    };
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_place = partition.starts_with("aws") && !region.is_empty() && is_account;
    let name = resource.strip_prefix("log-group:");
    let is_name = |name: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.".contains(&byte);
        (1..=512).contains(&name.len()) && name.bytes().all(is_allowed)
    };
    if service == "logs" && is_place && name.is_some_and(is_name) {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': '{resource}'"
    )))
}

fn check_settings(settings: &RouteSettings) -> Result<(), ApiError> {
    let is_negative = settings
        .throttling_burst_limit
        .is_some_and(|limit| limit < 0)
        || settings
            .throttling_rate_limit
            .is_some_and(|limit| limit < 0.0);
    if is_negative {
        return Err(ApiError::bad_request(
            "Throttling limits must not be negative",
        ));
    }
    Ok(())
}

/// SOURCE: the service model: names of letters, digits and `_`; values of `[A-Za-z0-9-._~:/?#&=,]`; quotas: their
/// lengths. An empty value removes the variable. GUESS: the texts are version 1's, and with them the space, which it
/// takes.
fn check_variable(name: &str, value: &str) -> Result<(), ApiError> {
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Err(ApiError::bad_request(format!(
            "Invalid stage variable name: {name}. Please use names with only word characters."
        )));
    }
    let is_value = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b" -._~:/?#&=,".contains(&byte));
    if !is_value {
        return Err(ApiError::bad_request(format!(
            "Invalid stage variable value of key {name}.  Please use values with alphanumeric characters and the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
        )));
    }
    // GUESS: the texts.
    if name.len() > VARIABLE_NAME {
        return Err(ApiError::bad_request(format!(
            "Invalid stage variable name: {name}. It must have at most {VARIABLE_NAME} characters"
        )));
    }
    if value.len() > VARIABLE_VALUE {
        return Err(ApiError::bad_request(format!(
            "Invalid stage variable value of key {name}. It must have at most {VARIABLE_VALUE} characters"
        )));
    }
    Ok(())
}
