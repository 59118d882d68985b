//! The normal form of a file, one form for all ways to say the same: the history folded in, short forms written out,
//! and members with the value that API Gateway fills in left out. Two files in the normal form are equal when they mean the same.

use super::{
    AccessLogSettingsFile, ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile,
    ModelFile, RouteFile, RouteResponseFile, RouteSettingsFile, StageFile, Texts, usual,
};
use crate::model::Route;

/// The only response of a route, and the expression that chooses it.
const DEFAULT: &str = "$default";

/// The reason why nothing can be made from a file that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Unfit {
    /// The part of the file.
    pub place: String,
    /// The fault of that part.
    pub reason: String,
}

/// A file in the normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized {
    /// The definition as it stands after all steps, and the stages, without deployments and region.
    pub api: ApiFile,
    /// Parts that have no effect on API Gateway and were left out, each in words.
    pub without_effect: Vec<String>,
}

impl ApiFile {
    /// Returns the file in the normal form.
    ///
    /// # Errors
    /// See [`ApiFile::check`], of the file as it is when all steps are done.
    pub fn normalized(&self) -> Result<Normalized, Unfit> {
        let end = self.history().pop();
        let mut api = end.map_or_else(ApiFile::default, |end| end.api);
        api.region = None;
        api.check()?;
        let without_effect = api.normalize();
        Ok(Normalized {
            api,
            without_effect,
        })
    }

    /// Brings all parts into the one form, and tells what it left out because it has no effect.
    pub(super) fn normalize(&mut self) -> Vec<String> {
        let mut without_effect = Vec::new();
        drop_empty(&mut self.description);
        drop_empty(&mut self.version);
        drop_usual(
            &mut self.api_key_selection_expression,
            usual::API_KEY_SOURCE,
        );
        drop_usual(&mut self.ip_address_type, usual::ADDRESS_TYPE);
        drop_false(&mut self.disable_execute_api_endpoint);
        drop_false(&mut self.disable_schema_validation);
        drop_system_tags(&mut self.tags);
        self.authorizers
            .values_mut()
            .for_each(AuthorizerFile::normalize);
        self.models.values_mut().for_each(ModelFile::normalize);
        for (name, integration) in &mut self.integrations {
            if integration.normalize() {
                without_effect.push(format!("the responses of the integration {name:?}"));
            }
        }
        for (key, route) in &mut self.routes {
            route.normalize();
            if is_never_answered(key, route) && !route.responses.is_empty() {
                route.responses.clear();
                without_effect.push(format!("the responses of the route {key:?}"));
            }
        }
        for (name, stage) in &mut self.stages {
            stage.normalize();
            for (key, _) in stage.route_settings.extract_if(.., |key, _| {
                !self.routes.contains_key(key) && !Route::is_predefined(key)
            }) {
                without_effect.push(format!(
                    "the settings of the stage \"{name}\" for {key:?}, which is no route of the file"
                ));
            }
        }
        without_effect
    }
}

impl AuthorizerFile {
    fn normalize(&mut self) {
        drop_empty(&mut self.authorizer_uri);
        drop_empty(&mut self.authorizer_credentials_arn);
        drop_empty(&mut self.identity_validation_expression);
        self.identity_source.retain(|source| !source.is_empty());
    }
}

impl ModelFile {
    fn normalize(&mut self) {
        drop_empty(&mut self.content_type);
        drop_empty(&mut self.description);
    }
}

impl IntegrationFile {
    /// True when responses were left out: a proxy has none.
    fn normalize(&mut self) -> bool {
        drop_usual(&mut self.connection_type, usual::CONNECTION_TYPE);
        drop_usual(&mut self.passthrough_behavior, usual::PASSTHROUGH);
        drop_usual(&mut self.payload_format_version, usual::PAYLOAD_FORMAT);
        for member in [
            &mut self.integration_method,
            &mut self.integration_uri,
            &mut self.connection_id,
            &mut self.content_handling_strategy,
            &mut self.credentials_arn,
            &mut self.description,
            &mut self.template_selection_expression,
        ] {
            drop_empty(member);
        }
        // Spelled out, not dropped: the other types have none, and a change of the type changes no method by itself.
        if matches!(self.integration_type.as_str(), "AWS" | "AWS_PROXY") {
            let method = &mut self.integration_method;
            method.get_or_insert_with(|| usual::LAMBDA_METHOD.to_owned());
        }
        self.timeout_in_millis = self.timeout_in_millis.filter(|ms| *ms != usual::TIMEOUT_MS);
        self.request_parameters
            .retain(|_, source| !source.is_empty());
        for response in self.responses.values_mut() {
            response.normalize();
        }
        let is_idle = self.integration_type.ends_with("_PROXY") && !self.responses.is_empty();
        if is_idle {
            self.responses.clear();
        }
        is_idle
    }
}

impl IntegrationResponseFile {
    pub(super) fn normalize(&mut self) {
        drop_empty(&mut self.content_handling_strategy);
        drop_empty(&mut self.template_selection_expression);
        self.response_parameters
            .retain(|_, source| !source.is_empty());
    }
}

impl RouteFile {
    /// Returns the same with its short form written out.
    #[must_use]
    pub fn spelled_out(mut self) -> Self {
        if std::mem::take(&mut self.two_way) {
            self.route_response_selection_expression = Some(DEFAULT.to_owned());
            self.responses.entry(DEFAULT.to_owned()).or_default();
        }
        self
    }

    fn normalize(&mut self) {
        *self = std::mem::take(self).spelled_out();
        drop_false(&mut self.api_key_required);
        drop_usual(&mut self.authorization_type, usual::AUTHORIZATION_TYPE);
        drop_empty(&mut self.model_selection_expression);
        drop_empty(&mut self.operation_name);
        drop_empty(&mut self.route_response_selection_expression);
        self.responses
            .values_mut()
            .for_each(RouteResponseFile::normalize);
    }

    /// Says in short what can be said in short.
    pub(super) fn shorten(&mut self) {
        let is_default = self.route_response_selection_expression.as_deref() == Some(DEFAULT);
        if is_default && self.responses.contains_key(DEFAULT) {
            self.two_way = true;
            self.route_response_selection_expression = None;
            self.responses.retain(|key, response| {
                key != DEFAULT || *response != RouteResponseFile::default()
            });
        }
    }
}

impl RouteResponseFile {
    pub(super) fn normalize(&mut self) {
        drop_empty(&mut self.model_selection_expression);
    }
}

impl StageFile {
    fn normalize(&mut self) {
        drop_empty(&mut self.description);
        drop_empty(&mut self.client_certificate_id);
        drop_false(&mut self.auto_deploy);
        self.stage_variables.retain(|_, value| !value.is_empty());
        self.default_route_settings.drop_usual();
        self.route_settings
            .retain(|_, settings| !settings.is_empty());
        if let Some(settings) = &mut self.access_log_settings {
            drop_empty(&mut settings.destination_arn);
            drop_empty(&mut settings.format);
        }
        let nowhere = AccessLogSettingsFile::default();
        self.access_log_settings = self.access_log_settings.take().filter(|it| *it != nowhere);
        drop_system_tags(&mut self.tags);
    }
}

impl RouteSettingsFile {
    /// True when nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when every member that is set here is set there too, be it to something else.
    pub fn is_within(&self, other: &Self) -> bool {
        (self.data_trace_enabled.is_none() || other.data_trace_enabled.is_some())
            && (self.detailed_metrics_enabled.is_none() || other.detailed_metrics_enabled.is_some())
            && (self.logging_level.is_none() || other.logging_level.is_some())
            && (self.throttling_burst_limit.is_none() || other.throttling_burst_limit.is_some())
            && (self.throttling_rate_limit.is_none() || other.throttling_rate_limit.is_some())
    }

    /// Leaves away what a stage has that nobody gave settings.
    fn drop_usual(&mut self) {
        drop_false(&mut self.data_trace_enabled);
        drop_false(&mut self.detailed_metrics_enabled);
        drop_usual(&mut self.logging_level, usual::LOGGING_LEVEL);
        self.throttling_burst_limit = self
            .throttling_burst_limit
            .filter(|burst| *burst != usual::BURST);
        let is_usual = |rate: &f64| (rate - usual::RATE).abs() < f64::EPSILON;
        self.throttling_rate_limit = self.throttling_rate_limit.filter(|rate| !is_usual(rate));
    }
}

fn drop_empty(text: &mut Option<String>) {
    drop_usual(text, "");
}

/// Drops a text that says no more than its absence: absent, empty and usual are one.
fn drop_usual(text: &mut Option<String>, usual: &str) {
    *text = text.take().filter(|text| !text.is_empty() && text != usual);
}

fn drop_false(flag: &mut Option<bool>) {
    *flag = flag.filter(|flag| *flag);
}

/// True for a route whose responses nobody reads: no client can be answered at its event.
fn is_never_answered(key: &str, route: &RouteFile) -> bool {
    matches!(key, "$connect" | "$disconnect") && route.route_response_selection_expression.is_none()
}

/// Tags of AWS's own cannot be written by anybody else.
fn drop_system_tags(tags: &mut Texts) {
    tags.retain(|key, _| !is_system_tag(key));
}

pub(super) fn is_system_tag(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
}
