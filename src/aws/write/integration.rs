//! Writing integrations and their responses.

use aws_sdk_apigatewayv2::types::{
    ConnectionType, ContentHandlingStrategy, IntegrationType, PassthroughBehavior,
};

use super::{carry_out, changed, merged, some, whole};
use crate::{
    aws::{Control, Error},
    model::{
        ApiId, IntegrationId, IntegrationResponseId, PartRef, ResponseRef,
        file::{IntegrationFile, IntegrationResponseFile, usual},
    },
};

impl Control {
    /// Creates an integration, without responses.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_integration(
        &self,
        api: &ApiId,
        file: &IntegrationFile,
    ) -> Result<IntegrationId, Error> {
        let kind = IntegrationType::from(file.integration_type.as_str());
        let connection_type = file.connection_type.as_deref().map(ConnectionType::from);
        let content = file.content_handling_strategy.as_deref();
        let content = content.map(ContentHandlingStrategy::from);
        let passthrough = file.passthrough_behavior.as_deref();
        let passthrough = passthrough.map(PassthroughBehavior::from);
        let answer = carry_out!(self, "create-integration", |changes| changes
            .create_integration()
            .api_id(api.as_str())
            .integration_type(kind.clone())
            .set_integration_uri(file.integration_uri.clone())
            .set_integration_method(file.integration_method.clone())
            .set_connection_type(connection_type.clone())
            .set_connection_id(file.connection_id.clone())
            .set_content_handling_strategy(content.clone())
            .set_credentials_arn(file.credentials_arn.clone())
            .set_description(file.description.clone())
            .set_passthrough_behavior(passthrough.clone())
            .set_payload_format_version(file.payload_format_version.clone())
            .set_request_parameters(some(&file.request_parameters))
            .set_request_templates(some(&file.request_templates))
            .set_template_selection_expression(file.template_selection_expression.clone())
            .set_timeout_in_millis(file.timeout_in_millis))?;
        match answer.integration_id.as_deref().map(IntegrationId::parse) {
            Some(Ok(id)) => Ok(id),
            _ => Err(self.bad_answer("create-integration", "integrationId")),
        }
    }

    /// Changes an integration and nothing of its responses.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_integration(
        &self,
        integration: PartRef<'_, IntegrationId>,
        from: &IntegrationFile,
        to: &IntegrationFile,
    ) -> Result<(), Error> {
        let text = |member: fn(&IntegrationFile) -> &Option<String>, usual: &str| {
            changed(member(from).as_ref(), member(to).as_ref(), usual)
        };
        let kind = (from.integration_type != to.integration_type)
            .then(|| IntegrationType::from(to.integration_type.as_str()));
        let connection_type = text(|it| &it.connection_type, usual::CONNECTION_TYPE);
        let connection_type = connection_type.as_deref().map(ConnectionType::from);
        let content = text(|it| &it.content_handling_strategy, "");
        let content = content.as_deref().map(ContentHandlingStrategy::from);
        let passthrough = text(|it| &it.passthrough_behavior, usual::PASSTHROUGH);
        let passthrough = passthrough.as_deref().map(PassthroughBehavior::from);
        let timeout_ms = (from.timeout_in_millis != to.timeout_in_millis)
            .then(|| to.timeout_in_millis.unwrap_or(usual::TIMEOUT_MS));
        carry_out!(self, "update-integration", |changes| changes
            .update_integration()
            .api_id(integration.api.as_str())
            .integration_id(integration.id.as_str())
            .set_integration_type(kind.clone())
            .set_integration_uri(text(|it| &it.integration_uri, ""))
            .set_integration_method(text(|it| &it.integration_method, ""))
            .set_connection_type(connection_type.clone())
            .set_connection_id(text(|it| &it.connection_id, ""))
            .set_content_handling_strategy(content.clone())
            .set_credentials_arn(text(|it| &it.credentials_arn, ""))
            .set_description(text(|it| &it.description, ""))
            .set_passthrough_behavior(passthrough.clone())
            .set_payload_format_version(text(
                |it| &it.payload_format_version,
                usual::PAYLOAD_FORMAT
            ))
            .set_request_parameters(merged(&from.request_parameters, &to.request_parameters))
            .set_request_templates(whole(&from.request_templates, &to.request_templates))
            .set_template_selection_expression(text(|it| &it.template_selection_expression, ""))
            .set_timeout_in_millis(timeout_ms))?;
        Ok(())
    }

    /// Deletes an integration that no route targets, with its responses.
    ///
    /// # Errors
    /// Fails when the control plane refuses (a route targets it) or cannot be reached.
    pub async fn delete_integration(&self, api: &ApiId, id: &IntegrationId) -> Result<(), Error> {
        carry_out!(self, "delete-integration", |changes| changes
            .delete_integration()
            .api_id(api.as_str())
            .integration_id(id.as_str()))?;
        Ok(())
    }

    /// Creates a response of an integration.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_integration_response(
        &self,
        integration: PartRef<'_, IntegrationId>,
        key: &str,
        file: &IntegrationResponseFile,
    ) -> Result<(), Error> {
        let content = file.content_handling_strategy.as_deref();
        let content = content.map(ContentHandlingStrategy::from);
        carry_out!(self, "create-integration-response", |changes| changes
            .create_integration_response()
            .api_id(integration.api.as_str())
            .integration_id(integration.id.as_str())
            .integration_response_key(key)
            .set_content_handling_strategy(content.clone())
            .set_response_parameters(some(&file.response_parameters))
            .set_response_templates(some(&file.response_templates))
            .set_template_selection_expression(
                file.template_selection_expression.clone()
            ))?;
        Ok(())
    }

    /// Changes a response of an integration.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_integration_response(
        &self,
        response: ResponseRef<'_, IntegrationId, IntegrationResponseId>,
        from: &IntegrationResponseFile,
        to: &IntegrationResponseFile,
    ) -> Result<(), Error> {
        let content = changed(
            from.content_handling_strategy.as_ref(),
            to.content_handling_strategy.as_ref(),
            "",
        );
        let content = content.as_deref().map(ContentHandlingStrategy::from);
        let expression = changed(
            from.template_selection_expression.as_ref(),
            to.template_selection_expression.as_ref(),
            "",
        );
        carry_out!(self, "update-integration-response", |changes| changes
            .update_integration_response()
            .api_id(response.of.api.as_str())
            .integration_id(response.of.id.as_str())
            .integration_response_id(response.id.as_str())
            .set_content_handling_strategy(content.clone())
            .set_response_parameters(merged(&from.response_parameters, &to.response_parameters))
            .set_response_templates(whole(&from.response_templates, &to.response_templates))
            .set_template_selection_expression(expression.clone()))?;
        Ok(())
    }

    /// Deletes a response of an integration.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_integration_response(
        &self,
        integration: PartRef<'_, IntegrationId>,
        id: &IntegrationResponseId,
    ) -> Result<(), Error> {
        carry_out!(self, "delete-integration-response", |changes| changes
            .delete_integration_response()
            .api_id(integration.api.as_str())
            .integration_id(integration.id.as_str())
            .integration_response_id(id.as_str()))?;
        Ok(())
    }
}
