//! The calls that look: lists with all their pages, and single things.

use aws_sdk_apigatewayv2::types::ProtocolType;

use super::{Control, Error, ErrorKind, convert};
use crate::model::{
    Api, ApiId, Authorizer, Deployment, DeploymentId, Integration, IntegrationId,
    IntegrationResponse, Model, Route, RouteId, RouteResponse, Stage, StageName,
};

/// A list as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items that could be read, in the list's own order.
    pub items: Vec<T>,
    /// The reason why some items could not be read; none when nothing is missing.
    pub lacks: Option<Error>,
}

impl<T> Listed<T> {
    /// The list, for jobs that need all of it.
    ///
    /// # Errors
    /// Fails when something in it could not be read.
    pub fn whole(self) -> Result<Vec<T>, Error> {
        match self.lacks {
            None => Ok(self.items),
            Some(error) => Err(error),
        }
    }
}

/// Things of a page that a list call asks for. AWS documents no page size here; without one the pages are short, and each
/// costs a turn. SOURCE: public clients that ask `GetApis` and `GetRoutes` for as many; `GetRestApis` documents it as the
/// most. GUESS: the other lists take it too.
const PAGE: &str = "500";

/// Follows a list call through all its pages.
macro_rules! all_pages {
    ($control:ident, $operation:literal, $call:ident $(, $member:ident = $value:expr)*) => {{
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let get = $control.read($operation, |looks| {
                let call = looks.$call().max_results(PAGE)$(.$member($value))*;
                call.set_next_token(token.clone()).send()
            });
            let page = get.await?;
            items.extend(page.items.unwrap_or_default());
            let next = page.next_token.filter(|next| !next.is_empty());
            if next.is_none() {
                break items;
            }
            if next == token {
                return Err($control.bad_answer($operation, "nextToken"));
            }
            $control.expect(1);
            token = next;
        }
    }};
}

impl Control {
    /// All WebSocket APIs, by name; HTTP APIs are left out.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn apis(&self) -> Result<Vec<Api>, Error> {
        let mut items = all_pages!(self, "get-apis", get_apis);
        items.retain(|api| api.protocol_type == Some(ProtocolType::Websocket));
        let apis = self.listed("get-apis", items, convert::api_item);
        let mut apis = match apis.lacks {
            Some(error) if apis.items.is_empty() => return Err(error),
            // One that cannot be read must not hide the others.
            Some(error) => {
                tracing::warn!("an API is left out of the list: {error}");
                apis.items
            }
            None => apis.items,
        };
        apis.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        Ok(apis)
    }

    /// One API.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached, and when it is no WebSocket API.
    pub async fn api(&self, api: &ApiId) -> Result<Api, Error> {
        let operation = "get-api";
        let get = self.read(operation, |looks| {
            looks.get_api().api_id(api.as_str()).send()
        });
        let answer = get.await?;
        if answer.protocol_type == Some(ProtocolType::Http) {
            let message = format!("{api} is an HTTP API, not a WebSocket API");
            return Err(Error {
                operation,
                ..Error::new(ErrorKind::Refused, self.endpoint(), message)
            });
        }
        self.understood(operation, convert::api_answer(answer))
    }

    /// All stages of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn stages(&self, api: &ApiId) -> Result<Listed<Stage>, Error> {
        let items = all_pages!(self, "get-stages", get_stages, api_id = api.as_str());
        let mut stages = self.listed("get-stages", items, convert::stage_item);
        stages.items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stages)
    }

    /// One stage.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn stage(&self, api: &ApiId, stage: &StageName) -> Result<Stage, Error> {
        let operation = "get-stage";
        let get = self.read(operation, |looks| {
            let call = looks.get_stage().api_id(api.as_str());
            call.stage_name(stage.as_str()).send()
        });
        let answer = get.await?;
        self.understood(operation, convert::stage_read(answer))
    }

    /// All routes of an API, by key, without their responses, which are a call each.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn routes(&self, api: &ApiId) -> Result<Listed<Route>, Error> {
        let items = all_pages!(self, "get-routes", get_routes, api_id = api.as_str());
        let mut routes = self.listed("get-routes", items, convert::route);
        routes.items.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(routes)
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
        let responses = self.listed("get-route-responses", items, convert::route_response);
        let mut responses = responses.whole()?;
        responses.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(responses)
    }

    /// All integrations of an API, by id, without their responses, which are a call each.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn integrations(&self, api: &ApiId) -> Result<Listed<Integration>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-integrations", get_integrations, api_id = id);
        let mut integrations = self.listed("get-integrations", items, convert::integration);
        integrations
            .items
            .sort_by(|one, other| one.id.cmp(&other.id));
        Ok(integrations)
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
        let responses = self.listed(operation, items, convert::integration_response);
        let mut responses = responses.whole()?;
        responses.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(responses)
    }

    /// All authorizers of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn authorizers(&self, api: &ApiId) -> Result<Listed<Authorizer>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-authorizers", get_authorizers, api_id = id);
        let mut authorizers = self.listed("get-authorizers", items, convert::authorizer);
        authorizers
            .items
            .sort_by(|one, other| one.name.cmp(&other.name));
        Ok(authorizers)
    }

    /// All models of an API, by name.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn models(&self, api: &ApiId) -> Result<Listed<Model>, Error> {
        let items = all_pages!(self, "get-models", get_models, api_id = api.as_str());
        let mut models = self.listed("get-models", items, convert::model);
        models.items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(models)
    }

    /// All deployments of an API, newest first.
    ///
    /// # Errors
    /// Fails when the control plane refuses or cannot be reached.
    pub async fn deployments(&self, api: &ApiId) -> Result<Listed<Deployment>, Error> {
        let id = api.as_str();
        let items = all_pages!(self, "get-deployments", get_deployments, api_id = id);
        let mut deployments = self.listed("get-deployments", items, convert::deployment_item);
        deployments
            .items
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
        let get = self.read(operation, |looks| {
            let call = looks.get_deployment().api_id(api.as_str());
            call.deployment_id(deployment.as_str()).send()
        });
        let answer = get.await?;
        self.understood(operation, convert::deployment_read(answer))
    }

    /// Returns what the answer says, if it has every member that it must have.
    fn understood<T>(
        &self,
        operation: &'static str,
        answer: Result<T, &'static str>,
    ) -> Result<T, Error> {
        match answer {
            Ok(answer) => {
                self.resolved.knows();
                Ok(answer)
            }
            Err(member) => Err(self.bad_answer(operation, member)),
        }
    }

    /// The items of an answer, those that cannot be read left out and told.
    fn listed<S, T>(
        &self,
        operation: &'static str,
        items: Vec<S>,
        convert: fn(S) -> Result<T, &'static str>,
    ) -> Listed<T> {
        let mut listed = Listed {
            items: Vec::with_capacity(items.len()),
            lacks: None,
        };
        for item in items {
            match convert(item) {
                Ok(item) => listed.items.push(item),
                Err(member) => listed.lacks = Some(self.bad_answer(operation, member)),
            }
        }
        if listed.lacks.is_none() {
            self.resolved.knows();
        }
        listed
    }
}
