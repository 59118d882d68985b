//! One API of a file in the making: each step of its story through the functions that answer the control plane's calls.

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
        file::{ApiFile, DeploymentFile, IntegrationFile, RouteFile, StageFile, StepFile},
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
pub(super) fn plant_api(draft: &mut Draft<'_>, file: &ApiFile) -> Result<Vec<Seeded>, Refusal> {
    let region = file.region.as_deref().unwrap_or(REGION);
    let api = apis::add(draft, region, &api_input(file)).at("its own members")?;
    let mut plot = Plot {
        api,
        stages: &file.stages,
        authorizers: HashMap::new(),
        integrations: HashMap::new(),
        routes: HashMap::new(),
        seeded: Vec::new(),
    };
    plot.put_models(draft, file)?;
    plot.put_authorizers(draft, file)?;
    let first = StepFile {
        integrations: some(&file.integrations),
        routes: some(&file.routes),
        deployment: file.deployment.clone(),
    };
    plot.take(draft, &first)?;
    for step in &file.then {
        plot.take(draft, step)?;
    }
    for stage in &file.stages {
        plot.make_route_settings(draft, stage)?;
    }
    Ok(plot.seeded)
}

fn some<T: Clone>(all: &BTreeMap<String, T>) -> BTreeMap<String, Option<T>> {
    let entries = all.iter();
    entries
        .map(|(name, part)| (name.clone(), Some(part.clone())))
        .collect()
}

/// An API in the making, with the ids that the file's names have become.
struct Plot<'a> {
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

impl Plot<'_> {
    fn put_models(&self, draft: &mut Draft<'_>, file: &ApiFile) -> Result<(), Refusal> {
        for (name, model) in &file.models {
            let place = format!("model {name:?}");
            models::add(draft, &self.api, &model_input(name, model)).at(&place)?;
        }
        Ok(())
    }

    fn put_authorizers(&mut self, draft: &mut Draft<'_>, file: &ApiFile) -> Result<(), Refusal> {
        for (name, authorizer) in &file.authorizers {
            let place = format!("authorizer {name:?}");
            let input = authorizer_input(name, authorizer);
            let made = authorizers::add(draft, &self.api, &input).at(&place)?;
            self.authorizers.insert(name.clone(), made.authorizer_id);
        }
        Ok(())
    }

    /// Applies a step: what is new first, so that routes find their integrations; then what goes, routes first, so that
    /// no integration is in use.
    fn take(&mut self, draft: &mut Draft<'_>, step: &StepFile) -> Result<(), Refusal> {
        for (name, integration) in &step.integrations {
            if let Some(integration) = integration {
                let place = format!("integration {name:?}");
                self.put_integration(draft, name, integration).at(&place)?;
            }
        }
        for (key, route) in &step.routes {
            let place = format!("route {key:?}");
            match route {
                Some(route) => self.put_route(draft, key, route).at(&place)?,
                None => {
                    if let Some(id) = self.routes.remove(key) {
                        routes::remove(draft, &self.api, &id).at(&place)?;
                    }
                }
            }
        }
        for (name, integration) in &step.integrations {
            if integration.is_none()
                && let Some(id) = self.integrations.remove(name)
            {
                let place = format!("integration {name:?}");
                integrations::remove(draft, &self.api, &id).at(&place)?;
            }
        }
        match &step.deployment {
            Some(deployment) => self.deploy(draft, deployment),
            None => Ok(()),
        }
    }

    fn put_integration(
        &mut self,
        draft: &mut Draft<'_>,
        name: &str,
        file: &IntegrationFile,
    ) -> Result<(), ApiError> {
        let input = integration_input(file);
        let integration = match self.integrations.get(name) {
            Some(id) => {
                draft.remove_all::<IntegrationResponseRecord>(&within(&self.api.api_id, id))?;
                integrations::replace(draft, &self.api, id.clone(), &input)?
            }
            None => integrations::add(draft, &self.api, &input)?,
        };
        let id = integration.integration_id;
        for (key, response) in &file.responses {
            let input = integration_response_input(key, response);
            integration_responses::add(draft, &self.api, &id, &input)?;
        }
        self.integrations.insert(name.to_owned(), id);
        Ok(())
    }

    fn put_route(
        &mut self,
        draft: &mut Draft<'_>,
        key: &str,
        file: &RouteFile,
    ) -> Result<(), ApiError> {
        let target = match &file.integration {
            None => None,
            Some(name) => {
                let id = self.integrations.get(name).ok_or_else(|| {
                    ApiError::bad_request(format!("the file has no integration {name:?}"))
                })?;
                Some(format!("integrations/{id}"))
            }
        };
        let authorizer = match &file.authorizer {
            None => None,
            Some(name) => Some(self.authorizers.get(name).cloned().ok_or_else(|| {
                ApiError::bad_request(format!("the file has no authorizer {name:?}"))
            })?),
        };
        let file = &file.clone().spelled_out();
        let input = route_input(key, target, authorizer, file);
        let route = match self.routes.get(key) {
            Some(id) => {
                draft.remove_all::<RouteResponseRecord>(&within(&self.api.api_id, id))?;
                routes::replace(draft, &self.api, id.clone(), &input)?
            }
            None => routes::add(draft, &self.api, &input)?,
        };
        for (key, response) in &file.responses {
            let input = route_response_input(key, response);
            route_responses::add(draft, &self.api, &route.route_id, &input)?;
        }
        self.routes.insert(key.to_owned(), route.route_id);
        Ok(())
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
        (name, file): (&StageName, &StageFile),
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
