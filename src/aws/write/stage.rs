//! Writing a stage's settings, and never what it serves.

use std::collections::HashMap;

use aws_sdk_apigatewayv2::types::{AccessLogSettings, LoggingLevel, RouteSettings};

use super::{carry_out, changed, flag, merged, some};
use crate::{
    aws::{Control, Error},
    model::{
        ApiId, PartRef, StageName,
        file::{AccessLogSettingsFile, RouteSettingsFile, StageFile, usual},
    },
};

impl Control {
    /// Creates a stage with its settings and tags. It serves nothing, unless it deploys by itself.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_idle_stage(
        &self,
        api: &ApiId,
        stage: &StageName,
        file: &StageFile,
    ) -> Result<(), Error> {
        let defaults = &file.default_route_settings;
        let defaults = (!defaults.is_empty()).then(|| settings(defaults));
        let access_log = file.access_log_settings.as_ref().map(access_log);
        let empty = StageFile::default();
        carry_out!(self, "create-stage", |changes| changes
            .create_stage()
            .api_id(api.as_str())
            .stage_name(stage.as_str())
            .set_description(file.description.clone())
            .set_auto_deploy(file.auto_deploy)
            .set_client_certificate_id(file.client_certificate_id.clone())
            .set_stage_variables(some(&file.stage_variables))
            .set_default_route_settings(defaults.clone())
            .set_route_settings(route_settings(&empty, file))
            .set_access_log_settings(access_log.clone())
            .set_tags(some(&file.tags)))?;
        Ok(())
    }

    /// Changes a stage's settings. Route settings and access log settings that are gone have calls of their own, and so
    /// have tags.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_stage(
        &self,
        stage: PartRef<'_, StageName>,
        from: &StageFile,
        to: &StageFile,
    ) -> Result<(), Error> {
        // SOURCE: reported of AWS: no call takes a description away.
        let description = to.description.as_ref();
        let description = description.filter(|it| from.description.as_ref() != Some(*it));
        let certificate = changed(
            from.client_certificate_id.as_ref(),
            to.client_certificate_id.as_ref(),
            "",
        );
        let logs = from.access_log_settings != to.access_log_settings;
        let logs = to.access_log_settings.as_ref().filter(|_| logs);
        let logs = logs.map(access_log);
        let defaults = default_settings(&from.default_route_settings, &to.default_route_settings);
        carry_out!(self, "update-stage", |changes| changes
            .update_stage()
            .api_id(stage.api.as_str())
            .stage_name(stage.id.as_str())
            .set_description(description.cloned())
            .set_auto_deploy(flag(from.auto_deploy, to.auto_deploy))
            .set_client_certificate_id(certificate.clone())
            .set_stage_variables(merged(&from.stage_variables, &to.stage_variables))
            .set_default_route_settings(defaults.clone())
            .set_route_settings(route_settings(from, to))
            .set_access_log_settings(logs.clone()))?;
        Ok(())
    }

    /// Removes the settings of one route from a stage.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_route_settings(
        &self,
        stage: PartRef<'_, StageName>,
        route_key: &str,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-route-settings", |changes| changes
            .delete_route_settings()
            .api_id(stage.api.as_str())
            .stage_name(stage.id.as_str())
            .route_key(route_key))?;
        Ok(())
    }

    /// Ends a stage's access log.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_access_log_settings(
        &self,
        api: &ApiId,
        stage: &StageName,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-access-log-settings", |changes| changes
            .delete_access_log_settings()
            .api_id(api.as_str())
            .stage_name(stage.as_str()))?;
        Ok(())
    }

    /// Deletes a stage; its clients are disconnected.
    ///
    /// # Errors
    /// Fails when the control plane refuses (a domain maps it) or cannot be reached.
    pub async fn delete_stage(&self, api: &ApiId, stage: &StageName) -> Result<(), Error> {
        carry_out!(self, "delete-stage", |changes| changes
            .delete_stage()
            .api_id(api.as_str())
            .stage_name(stage.as_str()))?;
        Ok(())
    }
}

/// Returns the settings of routes to send: whole entries that are new or other, as entries are merged by route key.
fn route_settings(from: &StageFile, to: &StageFile) -> Option<HashMap<String, RouteSettings>> {
    let other = to
        .route_settings
        .iter()
        .filter(|(key, entry)| from.route_settings.get(*key) != Some(entry));
    let other: HashMap<_, _> = other
        .map(|(key, entry)| (key.clone(), settings(entry)))
        .collect();
    (!other.is_empty()).then_some(other)
}

/// Returns the settings of all routes to send. No call takes a member of them away, so one that is gone is set to what
/// a stage has that nobody gave settings.
fn default_settings(from: &RouteSettingsFile, to: &RouteSettingsFile) -> Option<RouteSettings> {
    if from == to {
        return None;
    }
    let level = changed(
        from.logging_level.as_ref(),
        to.logging_level.as_ref(),
        usual::LOGGING_LEVEL,
    );
    let burst = to.throttling_burst_limit;
    let burst = (from.throttling_burst_limit != burst).then(|| burst.unwrap_or(usual::BURST));
    let rate = to.throttling_rate_limit;
    let rate = (from.throttling_rate_limit != rate).then(|| rate.unwrap_or(usual::RATE));
    let data_trace = flag(from.data_trace_enabled, to.data_trace_enabled);
    let metrics = flag(from.detailed_metrics_enabled, to.detailed_metrics_enabled);
    Some(settings(&RouteSettingsFile {
        data_trace_enabled: data_trace,
        detailed_metrics_enabled: metrics,
        logging_level: level,
        throttling_burst_limit: burst,
        throttling_rate_limit: rate,
    }))
}

fn settings(file: &RouteSettingsFile) -> RouteSettings {
    let level = file.logging_level.as_deref().map(LoggingLevel::from);
    RouteSettings::builder()
        .set_data_trace_enabled(file.data_trace_enabled)
        .set_detailed_metrics_enabled(file.detailed_metrics_enabled)
        .set_logging_level(level)
        .set_throttling_burst_limit(file.throttling_burst_limit)
        .set_throttling_rate_limit(file.throttling_rate_limit)
        .build()
}

fn access_log(file: &AccessLogSettingsFile) -> AccessLogSettings {
    AccessLogSettings::builder()
        .set_destination_arn(file.destination_arn.clone())
        .set_format(file.format.clone())
        .build()
}
