//! The control plane of API Gateway through the AWS SDK, and the only place that names it.
//!
//! One method a call, model types in and out. What a call means for a job is decided in `ops`; here a call either gives
//! what was asked for, with all its pages, or an [`Error`] that says what happened.

mod clock;
mod connect;
mod convert;
mod credentials;
mod error;
mod profiles;
mod rehearsal;
mod signer;
#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
mod write;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use aws_sdk_apigatewayv2::{
    Client,
    config::retry::RetryConfig,
    types::{Integration as SdkIntegration, ProtocolType, Route as SdkRoute},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::model::{
    Api, ApiId, Authorizer, Deployment, DeploymentId, Integration, IntegrationId,
    IntegrationResponse, Model, Route, RouteId, RouteResponse, Stage, StageName, Target,
};

pub use connect::Tuning;
pub(crate) use connect::is_loopback;
pub use error::{Error, ErrorKind};
pub use profiles::{Profile, profiles};
pub use rehearsal::{CliCall, Rehearsal};
pub use signer::Signer;
pub use write::RouteEnds;

/// Calls that one fan-out (the responses of all routes, say) has under way at a time. SOURCE: API Gateway quotas: 10
/// control-plane requests a second for an account, with a burst of 40, shared with everybody else in it.
const PARALLEL_CALLS: usize = 8;

/// Attempts of a call that is not repeated blindly, all told.
const CAREFUL_ATTEMPTS: u32 = 3;

/// A handle on the control plane of one target; cheap to clone.
#[derive(Clone)]
pub struct Control {
    client: Client,
    place: Arc<Place>,
}

/// Where a [`Control`]'s calls go.
pub(crate) struct Place {
    target: Target,
    endpoint: String,
    region: String,
    /// None where the calls carry a signature that stands for nobody.
    signer: Option<Signer>,
    first_backoff: Duration,
}

/// Follows a list call through all its pages.
macro_rules! all_pages {
    ($control:ident, $operation:literal, $call:ident $(, $member:ident = $value:expr)*) => {{
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = $control.client.$call()$(.$member($value))*;
            let page = call.set_next_token(token.clone()).send().await;
            let page = page.map_err(|error| $control.error($operation, &error))?;
            items.extend(page.items.unwrap_or_default());
            let next = page.next_token.filter(|next| !next.is_empty());
            if next.is_none() {
                break items;
            }
            if next == token {
                return Err($control.bad_answer($operation, "nextToken"));
            }
            token = next;
        }
    }};
}

impl Control {
    /// Makes ready to call the target. For AWS this finds region and credentials; for a local gateway it finds nothing
    /// and waits for nothing.
    ///
    /// # Errors
    /// Fails when no region or no usable credentials are found, naming what was tried, and when this machine trusts no
    /// certificate authority.
    pub async fn connect(target: &Target) -> Result<Self, Error> {
        Self::connect_tuned(target, &Tuning::default()).await
    }

    /// The same with other patience than the usual.
    ///
    /// # Errors
    /// As for [`Control::connect`].
    pub async fn connect_tuned(target: &Target, tuning: &Tuning) -> Result<Self, Error> {
        let connected = connect::connect(target, tuning).await?;
        Ok(Self {
            client: connected.client,
            place: Arc::new(Place {
                target: target.clone(),
                endpoint: connected.endpoint,
                signer: connected
                    .credentials
                    .map(|credentials| Signer::new(credentials, &connected.region)),
                region: connected.region,
                first_backoff: tuning.first_backoff,
            }),
        })
    }

    /// The URL that the calls go to.
    pub fn endpoint(&self) -> &str {
        &self.place.endpoint
    }

    /// The region in force.
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// The target that the handle was made for.
    pub fn target(&self) -> &Target {
        &self.place.target
    }

    /// Who signs handshakes with the credentials of the target.
    ///
    /// # Errors
    /// Fails for a target without credentials: an endpoint on this machine that nobody named any for.
    pub fn signer(&self) -> Result<Signer, Error> {
        let no_credentials = "there are no credentials to sign with: AWS_ACCESS_KEY_ID is not set and no profile was chosen";
        self.place
            .signer
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::NoCredentials, self.endpoint(), no_credentials))
    }

    /// All WebSocket APIs, by name; HTTP APIs are left out.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn apis(&self) -> Result<Vec<Api>, Error> {
        let items = all_pages!(self, "get-apis", get_apis);
        let mut apis = items
            .into_iter()
            .filter(|api| api.protocol_type == Some(ProtocolType::Websocket))
            .map(convert::api_item)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|member| self.bad_answer("get-apis", member))?;
        apis.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        Ok(apis)
    }

    /// One API.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached, and when it is no WebSocket API.
    pub async fn api(&self, api: &ApiId) -> Result<Api, Error> {
        let operation = "get-api";
        let call = self.client.get_api().api_id(api.as_str());
        let answer = call.send().await.map_err(|e| self.error(operation, &e))?;
        if answer.protocol_type == Some(ProtocolType::Http) {
            let message = format!("{api} is an HTTP API, not a WebSocket API");
            return Err(Error {
                operation,
                ..Error::new(ErrorKind::Refused, self.endpoint(), message)
            });
        }
        convert::api_answer(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// All stages of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn stages(&self, api: &ApiId) -> Result<Vec<Stage>, Error> {
        let items = all_pages!(self, "get-stages", get_stages, api_id = api.as_str());
        let mut stages = self.all("get-stages", items, convert::stage_item)?;
        stages.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stages)
    }

    /// One stage.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn stage(&self, api: &ApiId, stage: &StageName) -> Result<Stage, Error> {
        let operation = "get-stage";
        let call = self.client.get_stage().api_id(api.as_str());
        let answer = call.stage_name(stage.as_str()).send().await;
        let answer = answer.map_err(|e| self.error(operation, &e))?;
        convert::stage_read(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// All routes of an API, by key, the two-way ones with their responses.
    ///
    /// A route response has no effect without the route's selection expression for it, so those of one-way routes are not
    /// asked for: an API with many routes would use up the account's calls.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn routes(&self, api: &ApiId) -> Result<Vec<Route>, Error> {
        let items = all_pages!(self, "get-routes", get_routes, api_id = api.as_str());
        let mut routes = fan_out(items, |item| self.route(api, item)).await?;
        routes.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(routes)
    }

    /// Who may use the route of that key, such as `AWS_IAM`; none when there is no such route.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn authorization_type(
        &self,
        api: &ApiId,
        key: &str,
    ) -> Result<Option<String>, Error> {
        let items = all_pages!(self, "get-routes", get_routes, api_id = api.as_str());
        let routes = self.all("get-routes", items, convert::route)?;
        let route = routes.into_iter().find(|route| route.key == key);
        Ok(route.map(|route| route.authorization_type))
    }

    /// All integrations of an API, by id, with their responses where the type has any; proxies have none.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn integrations(&self, api: &ApiId) -> Result<Vec<Integration>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-integrations", get_integrations, api_id = id);
        let mut integrations = fan_out(items, |item| self.integration(api, item)).await?;
        integrations.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(integrations)
    }

    /// All authorizers of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn authorizers(&self, api: &ApiId) -> Result<Vec<Authorizer>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-authorizers", get_authorizers, api_id = id);
        let mut authorizers = self.all("get-authorizers", items, convert::authorizer)?;
        authorizers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(authorizers)
    }

    /// All models of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn models(&self, api: &ApiId) -> Result<Vec<Model>, Error> {
        let items = all_pages!(self, "get-models", get_models, api_id = api.as_str());
        let mut models = self.all("get-models", items, convert::model)?;
        models.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(models)
    }

    /// All deployments of an API, newest first.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn deployments(&self, api: &ApiId) -> Result<Vec<Deployment>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-deployments", get_deployments, api_id = id);
        let mut deployments = self.all("get-deployments", items, convert::deployment_item)?;
        deployments
            .sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        Ok(deployments)
    }

    /// One deployment.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn deployment(
        &self,
        api: &ApiId,
        deployment: &DeploymentId,
    ) -> Result<Deployment, Error> {
        let operation = "get-deployment";
        let call = self.client.get_deployment().api_id(api.as_str());
        let answer = call.deployment_id(deployment.as_str()).send().await;
        let answer = answer.map_err(|e| self.error(operation, &e))?;
        convert::deployment_read(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// Freezes the draft. Serves it nowhere: no stage is named.
    ///
    /// An attempt whose outcome is unknown (a timeout, a connection lost after sending) is not repeated, since AWS would
    /// then hold two deployments and name one.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_deployment(
        &self,
        api: &ApiId,
        description: Option<&str>,
    ) -> Result<Deployment, Error> {
        let operation = "create-deployment";
        let answer = self
            .carefully(|| async {
                let call = self.client.create_deployment().api_id(api.as_str());
                let call = call.set_description(description.map(str::to_owned));
                let answer = call.customize().config_override(once()).send().await;
                answer.map_err(|e| self.error(operation, &e))
            })
            .await?;
        convert::deployment_created(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// Deletes a deployment that no stage serves.
    ///
    /// # Errors
    /// Fails when the control plane refuses (a stage serves it) or cannot be reached.
    pub async fn delete_deployment(
        &self,
        api: &ApiId,
        deployment: &DeploymentId,
    ) -> Result<(), Error> {
        let call = self.client.delete_deployment().api_id(api.as_str());
        let answer = call.deployment_id(deployment.as_str()).send().await;
        answer.map_err(|e| self.error("delete-deployment", &e))?;
        Ok(())
    }

    /// Creates a stage that serves the deployment.
    ///
    /// Not repeated when the outcome of an attempt is unknown: the repetition would be told that the stage exists, and
    /// nobody could say whose it is.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn create_stage(
        &self,
        api: &ApiId,
        stage: &StageName,
        deployment: &DeploymentId,
    ) -> Result<Stage, Error> {
        let operation = "create-stage";
        let answer = self
            .carefully(|| async {
                let call = self.client.create_stage().api_id(api.as_str());
                let call = call.stage_name(stage.as_str());
                let call = call.deployment_id(deployment.as_str());
                let answer = call.customize().config_override(once()).send().await;
                answer.map_err(|e| self.error(operation, &e))
            })
            .await?;
        convert::stage_created(answer).map_err(|member| self.bad_answer(operation, member))
    }

    /// Points a stage at a deployment (update-stage with nothing but a deployment id).
    ///
    /// Not repeated when the outcome of an attempt is unknown: the repetition could undo what somebody else did meanwhile.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn point_stage(
        &self,
        api: &ApiId,
        stage: &StageName,
        deployment: &DeploymentId,
    ) -> Result<Stage, Error> {
        let operation = "update-stage";
        let answer = self
            .carefully(|| async {
                let call = self.client.update_stage().api_id(api.as_str());
                let call = call.stage_name(stage.as_str());
                let call = call.deployment_id(deployment.as_str());
                let answer = call.customize().config_override(once()).send().await;
                answer.map_err(|e| self.error(operation, &e))
            })
            .await?;
        convert::stage_updated(answer).map_err(|member| self.bad_answer(operation, member))
    }

    async fn route(&self, api: &ApiId, item: SdkRoute) -> Result<Route, Error> {
        let mut route =
            convert::route(item).map_err(|member| self.bad_answer("get-routes", member))?;
        if route.route_response_selection_expression.is_some() {
            route.responses = self.route_responses(api, &route.id).await?;
        }
        Ok(route)
    }

    /// All responses of a route, by key, whether they have an effect or not.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn route_responses(
        &self,
        api: &ApiId,
        route: &RouteId,
    ) -> Result<Vec<RouteResponse>, Error> {
        let items = all_pages!(
            self,
            "get-route-responses",
            get_route_responses,
            api_id = api.as_str(),
            route_id = route.as_str()
        );
        let mut responses = self.all("get-route-responses", items, convert::route_response)?;
        responses.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(responses)
    }

    async fn integration(&self, api: &ApiId, item: SdkIntegration) -> Result<Integration, Error> {
        let mut integration = convert::integration(item)
            .map_err(|member| self.bad_answer("get-integrations", member))?;
        if !integration.integration_type.ends_with("_PROXY") {
            integration.responses = self.integration_responses(api, &integration.id).await?;
        }
        Ok(integration)
    }

    /// All responses of an integration, by key, whether they have an effect or not.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn integration_responses(
        &self,
        api: &ApiId,
        integration: &IntegrationId,
    ) -> Result<Vec<IntegrationResponse>, Error> {
        let operation = "get-integration-responses";
        let items = all_pages!(
            self,
            "get-integration-responses",
            get_integration_responses,
            api_id = api.as_str(),
            integration_id = integration.as_str()
        );
        let mut responses = self.all(operation, items, convert::integration_response)?;
        responses.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(responses)
    }

    fn all<S, T>(
        &self,
        operation: &'static str,
        items: Vec<S>,
        convert: fn(S) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, Error> {
        let converted: Result<Vec<T>, _> = items.into_iter().map(convert).collect();
        converted.map_err(|member| self.bad_answer(operation, member))
    }

    /// Repeats a call only after failures that prove that it was not carried out.
    async fn carefully<T, F: Future<Output = Result<T, Error>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut backoff = self.place.first_backoff;
        for _ in 1..CAREFUL_ATTEMPTS {
            match call().await {
                Err(error) if error.was_not_carried_out() => {
                    tokio::time::sleep(backoff).await;
                    backoff *= 2;
                }
                outcome => return outcome,
            }
        }
        call().await
    }

    fn error<E>(&self, operation: &'static str, error: &error::CallError<E>) -> Error
    where
        E: error::Metadata,
    {
        Error::from_call(operation, self.endpoint(), error)
    }

    fn bad_answer(&self, operation: &'static str, member: &'static str) -> Error {
        Error::incomplete(operation, self.endpoint(), member)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Control")
            .field("endpoint", &self.endpoint())
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}

/// The override for a call that the SDK must not repeat by itself.
fn once() -> aws_sdk_apigatewayv2::config::Builder {
    aws_sdk_apigatewayv2::config::Config::builder().retry_config(RetryConfig::disabled())
}

/// Makes one call for each item, a few at a time; the first failure ends them all.
async fn fan_out<S, T, F>(items: Vec<S>, call: impl Fn(S) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    stream::iter(items)
        .map(call)
        .buffer_unordered(PARALLEL_CALLS)
        .try_collect()
        .await
}
