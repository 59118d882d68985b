//! Writing an API's own members, its tags, its authorizers and its models.

use aws_sdk_apigatewayv2::types::{AuthorizerType, IpAddressType, ProtocolType};

use super::{carry_out, changed, flag, some};
use crate::{
    aws::{Control, Error},
    model::{
        ApiId, AuthorizerId, ModelId, PartRef, StageName,
        file::{ApiFile, AuthorizerFile, ModelFile, Texts, usual},
    },
};

impl Control {
    /// Creates a WebSocket API with its own members and tags.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_api(&self, file: &ApiFile) -> Result<ApiId, Error> {
        let address_type = file.ip_address_type.as_deref().map(IpAddressType::from);
        let answer = carry_out!(self, "create-api", |changes| changes
            .create_api()
            .name(&file.name)
            .protocol_type(ProtocolType::Websocket)
            .route_selection_expression(&file.route_selection_expression)
            .set_description(file.description.clone())
            .set_version(file.version.clone())
            .set_api_key_selection_expression(file.api_key_selection_expression.clone())
            .set_disable_execute_api_endpoint(file.disable_execute_api_endpoint)
            .set_disable_schema_validation(file.disable_schema_validation)
            .set_ip_address_type(address_type.clone())
            .set_tags(some(&file.tags)))?;
        let id = answer.api_id.as_deref().map(ApiId::parse);
        match id {
            Some(Ok(id)) => Ok(id),
            _ => Err(self.bad_answer("create-api", "apiId")),
        }
    }

    /// Changes an API's own members.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_api(&self, api: &ApiId, from: &ApiFile, to: &ApiFile) -> Result<(), Error> {
        let name = (from.name != to.name).then(|| to.name.clone());
        let selection = &to.route_selection_expression;
        let selection = (from.route_selection_expression != *selection).then(|| selection.clone());
        let key_source = changed(
            from.api_key_selection_expression.as_ref(),
            to.api_key_selection_expression.as_ref(),
            usual::API_KEY_SOURCE,
        );
        let address_type = changed(
            from.ip_address_type.as_ref(),
            to.ip_address_type.as_ref(),
            usual::ADDRESS_TYPE,
        );
        let address_type = address_type.as_deref().map(IpAddressType::from);
        let endpoint = flag(
            from.disable_execute_api_endpoint,
            to.disable_execute_api_endpoint,
        );
        let validation = flag(from.disable_schema_validation, to.disable_schema_validation);
        let description = changed(from.description.as_ref(), to.description.as_ref(), "");
        let version = changed(from.version.as_ref(), to.version.as_ref(), "");
        carry_out!(self, "update-api", |changes| changes
            .update_api()
            .api_id(api.as_str())
            .set_name(name.clone())
            .set_route_selection_expression(selection.clone())
            .set_description(description.clone())
            .set_version(version.clone())
            .set_api_key_selection_expression(key_source.clone())
            .set_disable_execute_api_endpoint(endpoint)
            .set_disable_schema_validation(validation)
            .set_ip_address_type(address_type.clone()))?;
        Ok(())
    }

    /// Adds tags to an API, or to a stage of it.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn tag(
        &self,
        api: &ApiId,
        stage: Option<&StageName>,
        tags: &Texts,
    ) -> Result<(), Error> {
        let arn = self.arn(api, stage);
        carry_out!(self, "tag-resource", |changes| changes
            .tag_resource()
            .resource_arn(&arn)
            .set_tags(some(tags)))?;
        Ok(())
    }

    /// Removes tags from an API, or from a stage of it.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn untag(
        &self,
        api: &ApiId,
        stage: Option<&StageName>,
        keys: &[String],
    ) -> Result<(), Error> {
        let arn = self.arn(api, stage);
        carry_out!(self, "untag-resource", |changes| changes
            .untag_resource()
            .resource_arn(&arn)
            .set_tag_keys(Some(keys.to_vec())))?;
        Ok(())
    }

    /// Creates an authorizer.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_authorizer(
        &self,
        api: &ApiId,
        name: &str,
        file: &AuthorizerFile,
    ) -> Result<AuthorizerId, Error> {
        let answer = carry_out!(self, "create-authorizer", |changes| changes
            .create_authorizer()
            .api_id(api.as_str())
            .name(name)
            .authorizer_type(AuthorizerType::from(file.authorizer_type.as_str()))
            .set_authorizer_uri(file.authorizer_uri.clone())
            .set_authorizer_credentials_arn(file.authorizer_credentials_arn.clone())
            // The SDK wants the member, be it empty.
            .set_identity_source(Some(file.identity_source.clone()))
            .set_identity_validation_expression(file.identity_validation_expression.clone()))?;
        match answer.authorizer_id.as_deref().map(AuthorizerId::parse) {
            Some(Ok(id)) => Ok(id),
            _ => Err(self.bad_answer("create-authorizer", "authorizerId")),
        }
    }

    /// Changes an authorizer.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_authorizer(
        &self,
        authorizer: PartRef<'_, AuthorizerId>,
        from: &AuthorizerFile,
        to: &AuthorizerFile,
    ) -> Result<(), Error> {
        let kind = &to.authorizer_type;
        let kind = (from.authorizer_type != *kind).then(|| AuthorizerType::from(kind.as_str()));
        let uri = changed(from.authorizer_uri.as_ref(), to.authorizer_uri.as_ref(), "");
        let credentials = changed(
            from.authorizer_credentials_arn.as_ref(),
            to.authorizer_credentials_arn.as_ref(),
            "",
        );
        let validation = changed(
            from.identity_validation_expression.as_ref(),
            to.identity_validation_expression.as_ref(),
            "",
        );
        let sources =
            (from.identity_source != to.identity_source).then(|| to.identity_source.clone());
        carry_out!(self, "update-authorizer", |changes| changes
            .update_authorizer()
            .api_id(authorizer.api.as_str())
            .authorizer_id(authorizer.id.as_str())
            .set_authorizer_type(kind.clone())
            .set_authorizer_uri(uri.clone())
            .set_authorizer_credentials_arn(credentials.clone())
            .set_identity_source(sources.clone())
            .set_identity_validation_expression(validation.clone()))?;
        Ok(())
    }

    /// Deletes an authorizer that no route asks.
    ///
    /// # Errors
    /// Fails when the control plane refuses (a route asks it) or cannot be reached.
    pub async fn delete_authorizer(&self, api: &ApiId, id: &AuthorizerId) -> Result<(), Error> {
        carry_out!(self, "delete-authorizer", |changes| changes
            .delete_authorizer()
            .api_id(api.as_str())
            .authorizer_id(id.as_str()))?;
        Ok(())
    }

    /// Creates a model.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_model(
        &self,
        api: &ApiId,
        name: &str,
        file: &ModelFile,
    ) -> Result<(), Error> {
        carry_out!(self, "create-model", |changes| changes
            .create_model()
            .api_id(api.as_str())
            .name(name)
            .schema(&file.schema)
            .set_content_type(file.content_type.clone())
            .set_description(file.description.clone()))?;
        Ok(())
    }

    /// Changes a model.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn update_model(
        &self,
        model: PartRef<'_, ModelId>,
        from: &ModelFile,
        to: &ModelFile,
    ) -> Result<(), Error> {
        let schema = (from.schema != to.schema).then(|| to.schema.clone());
        let content_type = changed(from.content_type.as_ref(), to.content_type.as_ref(), "");
        let description = changed(from.description.as_ref(), to.description.as_ref(), "");
        carry_out!(self, "update-model", |changes| changes
            .update_model()
            .api_id(model.api.as_str())
            .model_id(model.id.as_str())
            .set_schema(schema.clone())
            .set_content_type(content_type.clone())
            .set_description(description.clone()))?;
        Ok(())
    }

    /// Deletes a model.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn delete_model(&self, api: &ApiId, id: &ModelId) -> Result<(), Error> {
        carry_out!(self, "delete-model", |changes| changes
            .delete_model()
            .api_id(api.as_str())
            .model_id(id.as_str()))?;
        Ok(())
    }

    /// SOURCE: the reference of ARN formats: the account's field is empty; the partition follows from the region.
    fn arn(&self, api: &ApiId, stage: Option<&StageName>) -> String {
        let region = self.region();
        let partition = match region {
            _ if region.starts_with("cn-") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let api = format!("arn:{partition}:apigateway:{region}::/apis/{api}");
        match stage {
            Some(stage) => format!("{api}/stages/{stage}"),
            None => api,
        }
    }
}
