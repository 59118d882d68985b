//! The call that carries out a step: what the file says is written, under the id that the step's name stands for.

use std::collections::BTreeMap;

use super::{ApplyPlan, Live, steps::Step};
use crate::{
    aws::{Control, Error, RouteEnds},
    model::{
        ApiId, AuthorizerId, IntegrationId, IntegrationResponseId, ModelId, RouteId,
        RouteResponseId, StageName,
        file::{
            ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile, Names,
            PartStep, ResponseName, RouteFile, RouteResponseFile, StageFile, Write,
        },
    },
};

/// Ids by the names that steps call the parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartIds {
    models: BTreeMap<String, ModelId>,
    authorizers: BTreeMap<String, AuthorizerId>,
    integrations: BTreeMap<String, IntegrationId>,
    integration_responses: BTreeMap<ResponseName, IntegrationResponseId>,
    routes: BTreeMap<String, RouteId>,
    route_responses: BTreeMap<ResponseName, RouteResponseId>,
}

impl PartIds {
    /// The ids of the parts that are there.
    pub(super) fn of(live: &Live, names: &Names) -> Self {
        let draft = &live.draft;
        let mut ids = Self {
            models: ids_by_name(&draft.models, |it| (it.name.clone(), it.id.clone())),
            authorizers: ids_by_name(&draft.authorizers, |it| (it.name.clone(), it.id.clone())),
            integrations: ids_by_name(names, |(id, name)| (name.clone(), id.clone())),
            routes: ids_by_name(&draft.routes, |it| (it.key.clone(), it.id.clone())),
            ..Self::default()
        };
        for integration in &draft.integrations {
            let Some(name) = names.get(&integration.id) else {
                continue;
            };
            let responses = integration.responses.iter();
            ids.integration_responses
                .extend(responses.map(|it| (response_name(name, &it.key), it.id.clone())));
        }
        for route in &draft.routes {
            let responses = route.responses.iter();
            ids.route_responses
                .extend(responses.map(|it| (response_name(&route.key, &it.key), it.id.clone())));
        }
        ids
    }
}

fn ids_by_name<T, Id>(
    parts: impl IntoIterator<Item = T>,
    entry: impl Fn(T) -> (String, Id),
) -> BTreeMap<String, Id> {
    parts.into_iter().map(entry).collect()
}

fn response_name(of: &str, key: &str) -> ResponseName {
    ResponseName {
        of: of.to_owned(),
        key: key.to_owned(),
    }
}

/// The calls of a plan, one after the other, and what they have made so far.
pub(super) struct Calls<'a> {
    control: &'a Control,
    wanted: &'a ApiFile,
    /// The API, once there is one.
    pub(super) api: Option<ApiId>,
    ids: PartIds,
}

impl<'a> Calls<'a> {
    /// None made yet.
    pub(super) fn of(control: &'a Control, plan: &'a ApplyPlan) -> Self {
        Self {
            control,
            wanted: &plan.wanted,
            api: plan.api.clone(),
            ids: plan.ids.clone(),
        }
    }

    /// Makes the call of a step.
    pub(super) async fn make(&mut self, step: &Step) -> Result<(), Error> {
        let control = self.control;
        if *step == Step::CreateApi {
            self.api = Some(control.create_api(self.wanted).await?);
            return Ok(());
        }
        let api = self.api.clone();
        let api = &api.expect("invariant: an API that does not exist is created first");
        match step {
            Step::CreateApi => Ok(()),
            Step::UpdateApi(from) => control.update_api(api, from, self.wanted).await,
            Step::Tag(stage, tags) => control.tag(api, stage.as_ref(), tags).await,
            Step::Untag(stage, keys) => control.untag(api, stage.as_ref(), keys).await,
            Step::Part(part) => self.part(api, part).await,
            Step::Stage(name, write) => self.stage(api, name, write).await,
            Step::RouteSettings(stage, key) => {
                control.delete_route_settings(api.part(stage), key).await
            }
            Step::AccessLog(stage) => control.delete_access_log_settings(api, stage).await,
        }
    }

    async fn part(&mut self, api: &ApiId, step: &PartStep) -> Result<(), Error> {
        match step {
            PartStep::Model(name, write) => self.model(api, name, write).await,
            PartStep::Authorizer(name, write) => self.authorizer(api, name, write).await,
            PartStep::Integration(name, write) => self.integration(api, name, write).await,
            PartStep::IntegrationResponse(name, write) => {
                self.integration_response(api, name, write).await
            }
            PartStep::Route(key, write) => self.route(api, key, write).await,
            PartStep::RouteParameter { route, name } => {
                let route = api.part(&self.ids.routes[route]);
                self.control
                    .delete_route_request_parameter(route, name)
                    .await
            }
            PartStep::RouteResponse(name, write) => self.route_response(api, name, write).await,
        }
    }

    async fn model(&self, api: &ApiId, name: &str, write: &Write<ModelFile>) -> Result<(), Error> {
        let id = || &self.ids.models[name];
        let model = || &self.wanted.models[name];
        match write {
            Write::Create => self.control.create_model(api, name, model()).await,
            Write::Update(from) => {
                let update = self.control.update_model(api.part(id()), from, model());
                update.await
            }
            Write::Delete => self.control.delete_model(api, id()).await,
        }
    }

    async fn authorizer(
        &mut self,
        api: &ApiId,
        name: &str,
        write: &Write<AuthorizerFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let id = || &self.ids.authorizers[name];
        let authorizer = || &self.wanted.authorizers[name];
        match write {
            Write::Create => {
                let id = control.create_authorizer(api, name, authorizer()).await?;
                self.ids.authorizers.insert(name.to_owned(), id);
                Ok(())
            }
            Write::Update(from) => {
                let update = control.update_authorizer(api.part(id()), from, authorizer());
                update.await
            }
            Write::Delete => control.delete_authorizer(api, id()).await,
        }
    }

    async fn integration(
        &mut self,
        api: &ApiId,
        name: &str,
        write: &Write<IntegrationFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let id = || &self.ids.integrations[name];
        let integration = || &self.wanted.integrations[name];
        match write {
            Write::Create => {
                let id = control.create_integration(api, integration()).await?;
                self.ids.integrations.insert(name.to_owned(), id);
                Ok(())
            }
            Write::Update(from) => {
                let update = control.update_integration(api.part(id()), from, integration());
                update.await
            }
            Write::Delete => control.delete_integration(api, id()).await,
        }
    }

    async fn integration_response(
        &self,
        api: &ApiId,
        name: &ResponseName,
        write: &Write<IntegrationResponseFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let of = api.part(&self.ids.integrations[&name.of]);
        let id = || &self.ids.integration_responses[name];
        let response = || &self.wanted.integrations[&name.of].responses[&name.key];
        match write {
            Write::Create => {
                let create = control.create_integration_response(of, &name.key, response());
                create.await
            }
            Write::Update(from) => {
                let it = of.response(id());
                let update = control.update_integration_response(it, from, response());
                update.await
            }
            Write::Delete => control.delete_integration_response(of, id()).await,
        }
    }

    async fn route(
        &mut self,
        api: &ApiId,
        key: &str,
        write: &Write<RouteFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let id = || &self.ids.routes[key];
        let route = || &self.wanted.routes[key];
        match write {
            Write::Create => {
                let ends = self.ends(route());
                let id = control.create_route(api, key, route(), &ends).await?;
                self.ids.routes.insert(key.to_owned(), id);
                Ok(())
            }
            Write::Update(from) => {
                let ends = self.ends(route());
                let update = control.update_route(api.part(id()), from, route(), &ends);
                update.await
            }
            Write::Delete => control.delete_route(api, id()).await,
        }
    }

    async fn route_response(
        &self,
        api: &ApiId,
        name: &ResponseName,
        write: &Write<RouteResponseFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let of = api.part(&self.ids.routes[&name.of]);
        let id = || &self.ids.route_responses[name];
        let response = || &self.wanted.routes[&name.of].responses[&name.key];
        match write {
            Write::Create => {
                let create = control.create_route_response(of, &name.key, response());
                create.await
            }
            Write::Update(from) => {
                let it = of.response(id());
                let update = control.update_route_response(it, from, response());
                update.await
            }
            Write::Delete => control.delete_route_response(of, id()).await,
        }
    }

    async fn stage(
        &self,
        api: &ApiId,
        name: &StageName,
        write: &Write<StageFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let stage = || &self.wanted.stages[name];
        match write {
            Write::Create => control.create_idle_stage(api, name, stage()).await,
            Write::Update(from) => control.update_stage(api.part(name), from, stage()).await,
            Write::Delete => control.delete_stage(api, name).await,
        }
    }

    /// Returns the ids that the names in a route stand for by now.
    fn ends(&self, route: &RouteFile) -> RouteEnds {
        let integration = route.integration.as_ref();
        let authorizer = route.authorizer.as_ref();
        RouteEnds {
            integration: integration.and_then(|name| self.ids.integrations.get(name).cloned()),
            authorizer: authorizer.and_then(|name| self.ids.authorizers.get(name).cloned()),
        }
    }
}
