//! Integration responses: they turn the answer of an integration that is no proxy into the answer to the client.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    check,
    error::ApiError,
    ids,
    integrations::{CONTENT_HANDLING, TEMPLATE_CHARS},
    parts::{self, Parent, ParentKind, Part},
    wire::Texts,
};
use crate::gateway::{
    data::{is_response_source, is_response_target, may_select_answers},
    store::{
        Draft,
        record::{ApiRecord, IntegrationRecord, IntegrationResponseRecord},
    },
};

/// The input of `CreateIntegrationResponse` and `UpdateIntegrationResponse`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IntegrationResponseInput {
    pub(crate) integration_response_key: Option<String>,
    pub(crate) content_handling_strategy: Option<String>,
    pub(crate) response_parameters: Option<Texts>,
    pub(crate) response_templates: Option<Texts>,
    pub(crate) template_selection_expression: Option<String>,
}

/// An integration response on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IntegrationResponseOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_handling_strategy: Option<String>,
    integration_response_id: String,
    integration_response_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_parameters: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_templates: Option<Texts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_selection_expression: Option<String>,
}

impl Part for IntegrationResponseRecord {
    type Input = IntegrationResponseInput;
    type Output = IntegrationResponseOutput;

    const KIND: &'static str = "IntegrationResponse";
    const LABEL: &'static str = "integrationResponseId";
    const OWNER: Option<ParentKind> = Some(ParentKind::of::<IntegrationRecord>());

    fn add(
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &IntegrationResponseInput,
    ) -> Result<Self, ApiError> {
        let key = input.integration_response_key.as_ref();
        check::required("integrationResponseKey", key)?;
        let blank = Self {
            integration_response_id: ids::fresh::<Self>(
                draft,
                &parent.key,
                ids::INTEGRATION_RESPONSE,
            )?,
            ..Self::default()
        };
        blank.change(draft, parent, input)
    }

    fn change(
        mut self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &IntegrationResponseInput,
    ) -> Result<Self, ApiError> {
        check_members(input)?;
        if let Some(key) = &input.integration_response_key {
            self.integration_response_key.clone_from(key);
        }
        let strategy = input.content_handling_strategy.as_ref();
        check::patch(&mut self.content_handling_strategy, strategy);
        let expression = input.template_selection_expression.as_ref();
        check::patch(&mut self.template_selection_expression, expression);
        let parameters = input.response_parameters.as_ref();
        check::merge(&mut self.response_parameters, parameters);
        let templates = input.response_templates.as_ref();
        check::replace(&mut self.response_templates, templates);
        if parts::is_taken(draft, &parent.key, &self, |it| &it.integration_response_key)? {
            // GUESS: in the words of a route key that is taken.
            return Err(ApiError::conflict(format!(
                "IntegrationResponse with key {} already exists for this Integration",
                self.integration_response_key
            )));
        }
        draft.put(&parent.key, &self)?;
        Ok(self)
    }

    fn show(self) -> IntegrationResponseOutput {
        IntegrationResponseOutput {
            content_handling_strategy: self.content_handling_strategy,
            integration_response_id: self.integration_response_id,
            integration_response_key: self.integration_response_key,
            response_parameters: self.response_parameters,
            response_templates: self.response_templates,
            template_selection_expression: self.template_selection_expression,
        }
    }
}

/// Makes a response of an integration that exists.
pub(crate) fn add(
    draft: &mut Draft<'_>,
    api: &ApiRecord,
    integration_id: &str,
    input: &IntegrationResponseInput,
) -> Result<IntegrationResponseRecord, ApiError> {
    IntegrationResponseRecord::add(draft, &Parent::within(api, integration_id), input)
}

fn check_members(input: &IntegrationResponseInput) -> Result<(), ApiError> {
    let is_key = |key: &String| {
        let pattern = key
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        key == "$default"
            || pattern.is_some_and(|pattern| !pattern.is_empty() && Regex::new(pattern).is_ok())
    };
    if input
        .integration_response_key
        .as_ref()
        .is_some_and(|key| !is_key(key))
    {
        // SOURCE: the guide: `$default` or a regular expression between slashes. GUESS: the text.
        return Err(ApiError::bad_request(
            "Invalid integrationResponseKey: it must be $default or a regular expression between slashes",
        ));
    }
    check::selection(
        "templateSelectionExpression",
        input.template_selection_expression.as_ref(),
        may_select_answers,
    )?;
    let strategy = input.content_handling_strategy.as_ref();
    check::one_of("contentHandlingStrategy", strategy, CONTENT_HANDLING)?;
    // SOURCE: the service model: `method.response.header.NAME` from a header or the body of the integration's answer, or
    // from a text in single quotes. GUESS: `route.response`, and headers with several values.
    check::mappings(
        "responseParameters",
        input.response_parameters.as_ref(),
        is_response_target,
        is_response_source,
    )?;
    let templates = input.response_templates.as_ref();
    check::values("responseTemplates", templates, &TEMPLATE_CHARS)
}
