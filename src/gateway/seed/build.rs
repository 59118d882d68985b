//! Building one API of a file: the steps from each point of its history to the next, through the functions that answer
//! the control plane's calls.

use std::collections::{BTreeMap, HashMap};

use super::{
    REGION, Seeded, definition,
    input::{
        api_input, authorizer_input, integration_input, integration_response_input, model_input,
        route_input, route_response_input, stage_input, stage_route_settings,
    },
};
use crate::{
    gateway::{
        clock,
        control::{
            apis, authorizers,
            deployments::{self, DeploymentInput},
            error::ApiError,
            integration_responses, integrations, models, route_responses, routes,
            stage_members::StageInput,
            stages,
        },
        store::{
            Draft,
            record::{
                ApiRecord, DeploymentRecord, IntegrationResponseRecord, RouteResponseRecord,
                StageRecord,
            },
            within,
        },
    },
    model::{
        ApiId, Definition, DeploymentId, StageName,
        file::{
            ApiFile, AuthorizerFile, DeploymentFile, IntegrationFile, IntegrationResponseFile,
            PartStep, ResponseName, RouteFile, RouteResponseFile, StageFile, Standing, Write,
            additions, removals,
        },
    },
};

/// A refusal of the control plane, with the part of the file that it is about.
pub(super) struct Refusal {
    pub(super) place: String,
    pub(super) reason: String,
}

/// Says which part of the file a refusal is about.
trait At<T> {
    fn at(self, place: &str) -> Result<T, Refusal>;
}

impl<T, E: Into<ApiError>> At<T> for Result<T, E> {
    fn at(self, place: &str) -> Result<T, Refusal> {
        self.map_err(|error| Refusal {
            place: place.to_owned(),
            reason: error.into().message,
        })
    }
}

/// Makes an API with all its history, and tells which deployments that left.
pub(super) fn build_api(draft: &mut Draft<'_>, file: &ApiFile) -> Result<Vec<Seeded>, Refusal> {
    let region = file.region.as_deref().unwrap_or(REGION);
    let api = apis::add(draft, region, &api_input(file)).at("its own members")?;
    let mut build = Build {
        api,
        stages: &file.stages,
        authorizers: HashMap::new(),
        integrations: HashMap::new(),
        routes: HashMap::new(),
        seeded: Vec::new(),
    };
    let mut there = ApiFile::default();
    for Standing { api, deployment } in file.history() {
        build.make(draft, &there, &api)?;
        if let Some(deployment) = &deployment {
            build.deploy(draft, deployment)?;
        }
        there = api;
    }
    for (name, stage) in &file.stages {
        build.make_route_settings(draft, name, stage)?;
    }
    Ok(build.seeded)
}

/// An API that is being built, with the ids that the file's names have become.
struct Build<'a> {
    api: ApiRecord,
    stages: &'a BTreeMap<StageName, StageFile>,
    /// Ids by name.
    authorizers: HashMap<String, String>,
    /// Ids by the file's names.
    integrations: HashMap<String, String>,
    /// Ids by route key.
    routes: HashMap<String, String>,
    /// The deployments so far.
    seeded: Vec<Seeded>,
}

impl Build<'_> {
    /// Makes the parts as they are wanted.
    fn make(
        &mut self,
        draft: &mut Draft<'_>,
        there: &ApiFile,
        wanted: &ApiFile,
    ) -> Result<(), Refusal> {
        wanted.check().map_err(|unfit| Refusal {
            place: unfit.place,
            reason: unfit.reason,
        })?;
        // Nothing refers to a route: those that go make room for those that come.
        let is_route = |step: &PartStep| matches!(step, PartStep::Route(..));
        let (routes, others) = removals(there, wanted)
            .into_iter()
            .partition::<Vec<_>, _>(is_route);
        let steps = routes.into_iter().chain(additions(there, wanted));
        for step in steps.chain(others) {
            self.take(draft, wanted, &step).at(&place(&step))?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        draft: &mut Draft<'_>,
        wanted: &ApiFile,
        step: &PartStep,
    ) -> Result<(), ApiError> {
        match step {
            PartStep::Model(name, Write::Create) => {
                let input = model_input(name, &wanted.models[name]);
                models::add(draft, &self.api, &input).map(drop)
            }
            PartStep::Authorizer(name, Write::Create) => {
                self.add_authorizer(draft, name, &wanted.authorizers[name])
            }
            // A history changes integrations and routes only.
            PartStep::Model(..) | PartStep::Authorizer(..) => Ok(()),
            PartStep::Integration(name, Write::Delete) => match self.integrations.remove(name) {
                Some(id) => integrations::remove(draft, &self.api, &id),
                None => Ok(()),
            },
            PartStep::Integration(name, _) => {
                self.put_integration(draft, name, &wanted.integrations[name])
            }
            PartStep::IntegrationResponse(name, _) => {
                let integration = &wanted.integrations[&name.of];
                let response = integration.responses.get(&name.key);
                self.put_integration_response(draft, name, response)
            }
            PartStep::Route(key, Write::Delete) => match self.routes.remove(key) {
                Some(id) => routes::remove(draft, &self.api, &id),
                None => Ok(()),
            },
            PartStep::Route(key, _) | PartStep::RouteParameter { route: key, .. } => {
                self.put_route(draft, key, &wanted.routes[key])
            }
            PartStep::RouteResponse(name, _) => {
                let response = wanted.routes[&name.of].responses.get(&name.key);
                self.put_route_response(draft, name, response)
            }
        }
    }

    fn add_authorizer(
        &mut self,
        draft: &mut Draft<'_>,
        name: &str,
        file: &AuthorizerFile,
    ) -> Result<(), ApiError> {
        let input = authorizer_input(name, file);
        let made = authorizers::add(draft, &self.api, &input)?;
        self.authorizers.insert(name.to_owned(), made.authorizer_id);
        Ok(())
    }

    fn put_integration(
        &mut self,
        draft: &mut Draft<'_>,
        name: &str,
        file: &IntegrationFile,
    ) -> Result<(), ApiError> {
        let input = integration_input(file);
        let integration = match self.integrations.get(name) {
            Some(id) => integrations::replace(draft, &self.api, id.clone(), &input)?,
            None => integrations::add(draft, &self.api, &input)?,
        };
        self.integrations
            .insert(name.to_owned(), integration.integration_id);
        Ok(())
    }

    /// Makes a response as it is wanted, anew where there is one of that key.
    fn put_integration_response(
        &self,
        draft: &mut Draft<'_>,
        name: &ResponseName,
        wanted: Option<&IntegrationResponseFile>,
    ) -> Result<(), ApiError> {
        let integration = &self.integrations[&name.of];
        let parent = within(&self.api.api_id, integration);
        let there: Vec<IntegrationResponseRecord> = draft.all(&parent)?;
        let is_it = |it: &&IntegrationResponseRecord| it.integration_response_key == name.key;
        if let Some(there) = there.iter().find(is_it) {
            let id = &there.integration_response_id;
            draft.remove::<IntegrationResponseRecord>(&parent, id)?;
        }
        let Some(wanted) = wanted else {
            return Ok(());
        };
        let input = integration_response_input(&name.key, wanted);
        integration_responses::add(draft, &self.api, integration, &input).map(drop)
    }

    fn put_route(
        &mut self,
        draft: &mut Draft<'_>,
        key: &str,
        file: &RouteFile,
    ) -> Result<(), ApiError> {
        let integration = file.integration.as_ref();
        let target = integration.map(|name| format!("integrations/{}", self.integrations[name]));
        let authorizer = file.authorizer.as_ref();
        let authorizer = authorizer.map(|name| self.authorizers[name].clone());
        let input = route_input(key, target, authorizer, file);
        let route = match self.routes.get(key) {
            Some(id) => routes::replace(draft, &self.api, id.clone(), &input)?,
            None => routes::add(draft, &self.api, &input)?,
        };
        self.routes.insert(key.to_owned(), route.route_id);
        Ok(())
    }

    /// Makes a response as it is wanted, anew where there is one of that key.
    fn put_route_response(
        &self,
        draft: &mut Draft<'_>,
        name: &ResponseName,
        wanted: Option<&RouteResponseFile>,
    ) -> Result<(), ApiError> {
        let route = &self.routes[&name.of];
        let parent = within(&self.api.api_id, route);
        let there: Vec<RouteResponseRecord> = draft.all(&parent)?;
        let is_it = |it: &&RouteResponseRecord| it.route_response_key == name.key;
        if let Some(there) = there.iter().find(is_it) {
            draft.remove::<RouteResponseRecord>(&parent, &there.route_response_id)?;
        }
        let Some(wanted) = wanted else {
            return Ok(());
        };
        let input = route_response_input(&name.key, wanted);
        route_responses::add(draft, &self.api, route, &input).map(drop)
    }

    /// Deploys as this program does: the description ends in the fingerprint of what is deployed.
    fn deploy(&mut self, draft: &mut Draft<'_>, file: &DeploymentFile) -> Result<(), Refusal> {
        let definition = definition::of(draft, &self.api).at("deployment")?;
        let description = file.description.as_deref().unwrap_or_default();
        let input = DeploymentInput {
            description: Some(definition.fingerprint().append_to(description)),
            stage_name: None,
        };
        let deployment = deployments::add(draft, &self.api, &input).at("deployment")?;
        self.seeded
            .push(self.seeded(&deployment, file, definition)?);
        for name in &file.stages {
            let stage = self.make_stage(draft, name)?;
            let input = StageInput {
                deployment_id: Some(deployment.deployment_id.clone()),
                ..StageInput::default()
            };
            let moved = stages::change(draft, &self.api, stage, &input, clock::now());
            moved.at(&format!("stage {:?}", name.as_str()))?;
        }
        Ok(())
    }

    fn seeded(
        &self,
        deployment: &DeploymentRecord,
        file: &DeploymentFile,
        definition: Definition,
    ) -> Result<Seeded, Refusal> {
        let api_id = ApiId::parse(&self.api.api_id);
        let deployment_id = DeploymentId::parse(&deployment.deployment_id);
        Ok(Seeded {
            region: self.api.region.clone(),
            api_id: api_id
                .map_err(|error| ApiError::internal(&error))
                .at("its own members")?,
            deployment_id: deployment_id
                .map_err(|error| ApiError::internal(&error))
                .at("deployment")?,
            description: file.description.clone(),
            definition,
        })
    }

    /// Returns the stage of that name, made with its settings when it does not exist yet. Settings of single routes
    /// come last of all, as their routes may come later than the stage.
    fn make_stage(&self, draft: &mut Draft<'_>, name: &StageName) -> Result<StageRecord, Refusal> {
        let place = format!("stage {:?}", name.as_str());
        if let Some(stage) = draft.get(&self.api.api_id, name.as_str()).at(&place)? {
            return Ok(stage);
        }
        let settings = self.stages.get(name).cloned().unwrap_or_default();
        stages::add(draft, &self.api, &stage_input(name, &settings)).at(&place)
    }

    fn make_route_settings(
        &self,
        draft: &mut Draft<'_>,
        name: &StageName,
        file: &StageFile,
    ) -> Result<(), Refusal> {
        let stage = self.make_stage(draft, name)?;
        if file.route_settings.is_empty() {
            return Ok(());
        }
        let input = StageInput {
            route_settings: Some(stage_route_settings(file)),
            ..StageInput::default()
        };
        let changed = stages::change(draft, &self.api, stage, &input, clock::now());
        changed.at(&format!("stage {:?}", name.as_str()))?;
        Ok(())
    }
}

/// Returns the part of the file that a step is about.
fn place(step: &PartStep) -> String {
    match step {
        PartStep::Model(name, _) => format!("model {name:?}"),
        PartStep::Authorizer(name, _) => format!("authorizer {name:?}"),
        PartStep::Integration(name, _)
        | PartStep::IntegrationResponse(ResponseName { of: name, .. }, _) => {
            format!("integration {name:?}")
        }
        PartStep::Route(key, _)
        | PartStep::RouteParameter { route: key, .. }
        | PartStep::RouteResponse(ResponseName { of: key, .. }, _) => format!("route {key:?}"),
    }
}
