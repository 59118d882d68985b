//! One API of a file in the making: each step of its story through the functions that answer the control plane's calls.

use std::collections::{BTreeMap, HashMap};

use super::{
    REGION, Seeded, definition,
    file::{
        ApiFile, DeploymentFile, IntegrationFile, IntegrationResponseFile, RouteFile, StageFile,
        StepFile,
    },
};
use crate::{
    gateway::{
        clock,
        control::{
            apis::{self, ApiInput},
            deployments::{self, DeploymentInput},
            error::ApiError,
            integration_responses::{self, IntegrationResponseInput},
            integrations::{self, IntegrationInput},
            route_responses::{self, RouteResponseInput},
            routes::{self, Constraint, RouteInput},
            stages::{self, StageInput},
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
    model::{ApiId, Definition, DeploymentId},
};

/// What the control plane would not do, and with which part of the file.
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
    let input = ApiInput {
        name: Some(file.name.clone()),
        protocol_type: Some("WEBSOCKET".to_owned()),
        description: file.description.clone(),
        route_selection_expression: Some(file.route_selection_expression.clone()),
        api_key_selection_expression: file.api_key_selection_expression.clone(),
        disable_execute_api_endpoint: file.disable_execute_api_endpoint,
        version: file.version.clone(),
        tags: file.tags.clone(),
        ..ApiInput::default()
    };
    let region = file.region.as_deref().unwrap_or(REGION);
    let api = apis::add(draft, region, &input).at("its own members")?;
    let mut plot = Plot {
        api,
        stages: &file.stages,
        integrations: HashMap::new(),
        routes: HashMap::new(),
        seeded: Vec::new(),
    };
    let first = StepFile {
        integrations: some(&file.integrations),
        routes: some(&file.routes),
        deployment: file.deployment.clone(),
    };
    plot.take(draft, &first)?;
    for step in &file.then {
        plot.take(draft, step)?;
    }
    for name in file.stages.keys() {
        plot.make_stage(draft, name)?;
    }
    Ok(plot.seeded)
}

fn some<T: Clone>(all: &BTreeMap<String, T>) -> BTreeMap<String, Option<T>> {
    let entries = all.iter();
    entries
        .map(|(name, part)| (name.clone(), Some(part.clone())))
        .collect()
}

/// An API in the making: what the file's names have become.
struct Plot<'a> {
    api: ApiRecord,
    stages: &'a BTreeMap<String, StageFile>,
    /// Ids by the file's names.
    integrations: HashMap<String, String>,
    /// Ids by route key.
    routes: HashMap<String, String>,
    /// The deployments so far.
    seeded: Vec<Seeded>,
}

impl Plot<'_> {
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
            let input = response_input(key, response);
            integration_responses::add(draft, &within(&self.api.api_id, &id), &input)?;
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
        let input = route_input(key, target, file);
        let route = match self.routes.get(key) {
            Some(id) => {
                draft.remove_all::<RouteResponseRecord>(&within(&self.api.api_id, id))?;
                routes::replace(draft, &self.api, id.clone(), &input)?
            }
            None => routes::add(draft, &self.api, &input)?,
        };
        if file.two_way {
            let input = RouteResponseInput {
                route_response_key: Some("$default".to_owned()),
                ..RouteResponseInput::default()
            };
            let parent = within(&self.api.api_id, &route.route_id);
            route_responses::add(draft, &parent, &input)?;
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
            moved.at(&format!("stage {name:?}"))?;
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

    /// The stage of that name, made with its settings when it does not exist yet.
    fn make_stage(&self, draft: &mut Draft<'_>, name: &str) -> Result<StageRecord, Refusal> {
        let place = format!("stage {name:?}");
        if let Some(stage) = draft.get(&self.api.api_id, name).at(&place)? {
            return Ok(stage);
        }
        let settings = self.stages.get(name).cloned().unwrap_or_default();
        let input = StageInput {
            stage_name: Some(name.to_owned()),
            description: settings.description,
            auto_deploy: settings.auto_deploy,
            stage_variables: settings.stage_variables,
            tags: settings.tags,
            ..StageInput::default()
        };
        stages::add(draft, &self.api, &input).at(&place)
    }
}

fn integration_input(file: &IntegrationFile) -> IntegrationInput {
    IntegrationInput {
        integration_type: Some(file.integration_type.clone()),
        integration_uri: file.integration_uri.clone(),
        integration_method: file.integration_method.clone(),
        connection_type: file.connection_type.clone(),
        connection_id: file.connection_id.clone(),
        content_handling_strategy: file.content_handling_strategy.clone(),
        credentials_arn: file.credentials_arn.clone(),
        description: file.description.clone(),
        passthrough_behavior: file.passthrough_behavior.clone(),
        payload_format_version: file.payload_format_version.clone(),
        request_parameters: file.request_parameters.clone(),
        request_templates: file.request_templates.clone(),
        template_selection_expression: file.template_selection_expression.clone(),
        timeout_in_millis: file.timeout_in_millis,
        ..IntegrationInput::default()
    }
}

fn response_input(key: &str, file: &IntegrationResponseFile) -> IntegrationResponseInput {
    IntegrationResponseInput {
        integration_response_key: Some(key.to_owned()),
        content_handling_strategy: file.content_handling_strategy.clone(),
        response_parameters: file.response_parameters.clone(),
        response_templates: file.response_templates.clone(),
        template_selection_expression: file.template_selection_expression.clone(),
    }
}

fn route_input(key: &str, target: Option<String>, file: &RouteFile) -> RouteInput {
    let parameters = file.request_parameters.as_ref().map(|parameters| {
        let constraints = parameters.iter().map(|(name, required)| {
            let required = Some(*required);
            (name.clone(), Constraint { required })
        });
        constraints.collect()
    });
    RouteInput {
        route_key: Some(key.to_owned()),
        target,
        api_key_required: file.api_key_required,
        authorization_type: file.authorization_type.clone(),
        model_selection_expression: file.model_selection_expression.clone(),
        operation_name: file.operation_name.clone(),
        request_models: file.request_models.clone(),
        request_parameters: parameters,
        route_response_selection_expression: file.two_way.then(|| "$default".to_owned()),
        ..RouteInput::default()
    }
}
