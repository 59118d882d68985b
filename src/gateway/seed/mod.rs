//! Filling a new store from definition files, through the same functions that answer the control plane's calls. A store
//! is filled once: who deletes all of it wants it empty.

mod definition;
mod file;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use self::file::{
    ApiFile, DeploymentFile, IntegrationFile, IntegrationResponseFile, RouteFile, StageFile,
    StepFile,
};
use super::{
    Seed, clock,
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
        self, Draft, Store,
        record::{
            ApiRecord, DeploymentRecord, IntegrationResponseRecord, RouteResponseRecord,
            StageRecord,
        },
        within,
    },
};
use crate::model::{ApiId, Definition, DeploymentId};

/// The demo's files: their names, for errors, and their texts.
const DEMO: &[(&str, &str)] = &[
    (
        "assets/demo/chat.json",
        include_str!("../../../assets/demo/chat.json"),
    ),
    (
        "assets/demo/ticker.json",
        include_str!("../../../assets/demo/ticker.json"),
    ),
];

/// The region of an API whose file names none.
const REGION: &str = "us-east-1";

/// A deployment that was planted. AWS never says what a deployment holds; whoever planted it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The API's region.
    pub region: String,
    /// The API.
    pub api_id: ApiId,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// What it says of itself, without the fingerprint.
    pub description: Option<String>,
    /// What it holds.
    pub definition: Definition,
}

/// Why a store could not be filled. Nothing was kept of the attempt.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file cannot be read.
    #[error("cannot read the seed file {}", path.display())]
    Read {
        /// The seed file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The file is not what a seed file must be.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Malformed {
        /// The seed file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// What was found and what was expected.
        what: String,
    },
    /// The file asks for something that API Gateway refuses.
    #[error("{}: API {api:?}, {place}: {reason}", path.display())]
    Refused {
        /// The seed file.
        path: PathBuf,
        /// The API's name.
        api: String,
        /// The part of it.
        place: String,
        /// The refusal's message.
        reason: String,
    },
    /// The store failed.
    #[error("cannot keep the seeded APIs")]
    Store(#[from] store::Error),
}

/// Fills a store that is empty and was never filled before, and tells which deployments it holds now. Blocks.
pub(crate) fn plant(store: &Store, seed: &Seed) -> Result<Vec<Seeded>, SeedError> {
    if !store.is_empty() {
        return Ok(Vec::new());
    }
    match seed {
        Seed::None => Ok(Vec::new()),
        Seed::Demo => plant_texts(store, DEMO),
        Seed::File(path) => {
            let text = fs::read_to_string(path).map_err(|source| SeedError::Read {
                path: path.clone(),
                source,
            })?;
            plant_texts(store, &[(path, &text)])
        }
    }
}

/// Makes all APIs of all files, or none of them.
fn plant_texts(
    store: &Store,
    files: &[(impl AsRef<Path>, &str)],
) -> Result<Vec<Seeded>, SeedError> {
    let mut apis = Vec::new();
    for (path, text) in files {
        let path = path.as_ref();
        let parsed = file::parse(text).map_err(|mistake| SeedError::Malformed {
            path: path.to_owned(),
            line: mistake.line,
            column: mistake.column,
            what: mistake.what,
        })?;
        apis.extend(parsed.into_iter().map(|api| (path.to_owned(), api)));
    }
    store.write(move |draft| {
        let mut seeded = Vec::new();
        if !draft.claim_seeding()? {
            return Ok(seeded);
        }
        for (path, api) in &apis {
            let planted = plant_api(draft, api).map_err(|refusal| SeedError::Refused {
                path: path.clone(),
                api: api.name.clone(),
                place: refusal.place,
                reason: refusal.reason,
            })?;
            seeded.extend(planted);
        }
        Ok(seeded)
    })
}

/// What the control plane would not do, and with which part of the file.
struct Refusal {
    place: String,
    reason: String,
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

fn plant_api(draft: &mut Draft<'_>, file: &ApiFile) -> Result<Vec<Seeded>, Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gateway::{StoreLocation, store::record::DeploymentRecord},
        model::Fingerprint,
    };

    fn memory() -> Store {
        Store::open(&StoreLocation::Memory).unwrap()
    }

    fn read<T>(store: &Store, run: impl FnOnce(&store::View<'_>) -> Result<T, store::Error>) -> T {
        store.read(run).unwrap()
    }

    fn planted(text: &str) -> Result<Store, SeedError> {
        let store = memory();
        plant_texts(&store, &[("seed.json", text)])?;
        Ok(store)
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let store = memory();
        let error = plant_texts(&store, &[("seed.json", text)]).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(store.is_empty());
    }

    fn api(store: &Store, name: &str) -> ApiRecord {
        let apis: Vec<ApiRecord> = read(store, |view| view.all(REGION));
        apis.into_iter().find(|api| api.name == name).unwrap()
    }

    fn served_routes(store: &Store, api: &ApiRecord, stage: &str) -> Vec<String> {
        let serving = store.serving(&api.api_id, stage).unwrap();
        let snapshot = serving.snapshot.as_ref().unwrap();
        let keys = snapshot.routes.iter().map(|it| it.route.route_key.clone());
        let mut keys: Vec<String> = keys.collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_demo_tells_its_story() {
        let store = memory();
        plant(&store, &Seed::Demo).unwrap();
        let chat = api(&store, "chat");
        let prod = served_routes(&store, &chat, "prod");
        let test = served_routes(&store, &chat, "test");
        for key in [
            "$connect",
            "$disconnect",
            "$default",
            "sendMessage",
            "big",
            "ping",
        ] {
            assert!(prod.iter().any(|it| it == key), "prod has no {key}");
        }
        assert!(!prod.contains(&"tick".to_owned()));
        assert!(test.contains(&"tick".to_owned()));
        let draft: Vec<store::record::RouteRecord> = read(&store, |view| view.all(&chat.api_id));
        assert!(draft.iter().any(|route| route.route_key == "join"));
        assert!(!test.contains(&"join".to_owned()));
        let ticker = api(&store, "ticker");
        assert!(served_routes(&store, &ticker, "live").contains(&"subscribe".to_owned()));
    }

    #[test]
    fn responses_are_frozen_with_their_route_and_integration() {
        let store = memory();
        plant(&store, &Seed::Demo).unwrap();
        let chat = api(&store, "chat");
        let serving = store.serving(&chat.api_id, "prod").unwrap();
        let snapshot = serving.snapshot.as_ref().unwrap();
        for part in &snapshot.routes {
            let two_way = matches!(part.route.route_key.as_str(), "$default" | "ping");
            assert_eq!(part.responses.len(), usize::from(two_way));
        }
        for part in &snapshot.integrations {
            let is_mock = part.integration.integration_type == "MOCK";
            assert_eq!(part.responses.len(), usize::from(is_mock));
        }
    }

    #[test]
    fn fingerprints_of_the_demo_are_those_of_what_was_deployed() {
        let store = memory();
        plant(&store, &Seed::Demo).unwrap();
        let carried = |api: &ApiRecord, stage: &str| {
            let serving = store.serving(&api.api_id, stage).unwrap();
            let id = serving.stage.deployment_id.clone().unwrap();
            let deployment: Option<DeploymentRecord> =
                read(&store, |view| view.get(&api.api_id, &id));
            Fingerprint::find_in(&deployment.unwrap().description.unwrap()).unwrap()
        };
        let draft = |api: &ApiRecord| {
            let definition: Result<_, ApiError> = store.read(|view| definition::of(view, api));
            definition.unwrap().fingerprint()
        };
        let (chat, ticker) = (api(&store, "chat"), api(&store, "ticker"));
        assert_ne!(carried(&chat, "prod"), carried(&chat, "test"));
        assert_ne!(carried(&chat, "test"), draft(&chat));
        assert_eq!(carried(&ticker, "live"), draft(&ticker));
    }

    #[test]
    fn responses_without_effect_are_kept_and_are_no_part_of_the_definition() {
        let text = |responses: &str| {
            format!(
                r#"{{
                    "name": "a",
                    "routeSelectionExpression": "x",
                    "integrations": {{ "i": {{
                        "integrationType": "HTTP_PROXY",
                        "integrationMethod": "POST",
                        "integrationUri": "http://localhost/",
                        "responses": {responses}
                    }} }},
                    "routes": {{ "r": {{ "integration": "i" }} }},
                    "deployment": {{ "stages": ["prod"] }}
                }}"#
            )
        };
        let fingerprint = |text: &str| {
            let store = memory();
            let seeded = plant_texts(&store, &[("seed.json", text)]).unwrap();
            let serving = store.serving(seeded[0].api_id.as_str(), "prod").unwrap();
            let snapshot = serving.snapshot.clone().unwrap();
            let n_responses = snapshot.integrations[0].responses.len();
            (n_responses, seeded[0].definition.fingerprint())
        };
        let (without, with) = (
            fingerprint(&text("{}")),
            fingerprint(&text(r#"{ "$default": {} }"#)),
        );
        assert_eq!((without.0, with.0), (0, 1));
        assert_eq!(without.1, with.1);
    }

    #[test]
    fn a_store_with_an_api_is_left_as_it_is() {
        let store = planted(r#"{ "name": "mine", "routeSelectionExpression": "x" }"#).unwrap();
        plant(&store, &Seed::Demo).unwrap();
        let apis: Vec<ApiRecord> = read(&store, |view| view.all(REGION));
        assert_eq!(apis.len(), 1);
    }

    fn delete_all(store: &Store) {
        let delete = |draft: &mut Draft<'_>| {
            let apis: Vec<ApiRecord> = draft.all(REGION)?;
            apis.iter().try_for_each(|api| draft.remove_api(api))
        };
        store.write::<(), store::Error>(delete).unwrap();
        assert!(store.is_empty());
    }

    #[test]
    fn an_emptied_store_stays_empty_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let location = StoreLocation::File(dir.path().join("state.redb"));
        let store = Store::open(&location).unwrap();
        assert!(!plant(&store, &Seed::Demo).unwrap().is_empty());
        delete_all(&store);
        drop(store);
        let store = Store::open(&location).unwrap();
        assert_eq!(plant(&store, &Seed::Demo).unwrap(), []);
        assert!(store.is_empty());
    }

    #[test]
    fn a_store_that_was_never_filled_is_filled_later() {
        let store = memory();
        plant(&store, &Seed::None).unwrap();
        check_refused_in(&store, "{ \"name\": 7 }");
        check_refused_in(
            &store,
            r#"{ "name": "a", "routeSelectionExpression": "x", "deployment": {} }"#,
        );
        assert!(!plant(&store, &Seed::Demo).unwrap().is_empty());
    }

    #[track_caller]
    fn check_refused_in(store: &Store, text: &str) {
        plant_texts(store, &[("seed.json", text)]).unwrap_err();
        assert!(store.is_empty());
    }

    #[test]
    fn a_file_may_hold_a_list_and_name_regions() {
        let store = planted(
            r#"[
                { "name": "a", "routeSelectionExpression": "x", "region": "eu-west-3" },
                { "name": "b", "routeSelectionExpression": "x" }
            ]"#,
        );
        let store = store.unwrap();
        let there: Vec<ApiRecord> = read(&store, |view| view.all("eu-west-3"));
        assert_eq!(there[0].name, "a");
        assert_eq!(api(&store, "b").region, REGION);
    }

    #[test]
    fn a_step_replaces_and_removes() {
        let store = planted(
            r#"{
                "name": "a",
                "routeSelectionExpression": "x",
                "integrations": {
                    "one": { "integrationType": "MOCK", "requestParameters": { "integration.request.header.a": "'1'" } },
                    "two": { "integrationType": "MOCK" }
                },
                "routes": { "r": { "integration": "one", "twoWay": true }, "s": { "integration": "two" } },
                "then": [ {
                    "integrations": { "one": { "integrationType": "MOCK", "timeoutInMillis": 5000 }, "two": null },
                    "routes": { "r": { "integration": "one" }, "s": null },
                    "deployment": { "stages": ["prod"] }
                } ],
                "stages": { "prod": { "stageVariables": { "colour": "red" } }, "idle": {} }
            }"#,
        );
        let store = store.unwrap();
        let a = api(&store, "a");
        let serving = store.serving(&a.api_id, "prod").unwrap();
        assert_eq!(serving.stage.stage_variables["colour"], "red");
        let snapshot = serving.snapshot.clone().unwrap();
        assert_eq!(snapshot.routes.len(), 1);
        assert_eq!(snapshot.routes[0].responses, []);
        assert_eq!(snapshot.integrations.len(), 1);
        let integration = &snapshot.integrations[0].integration;
        assert_eq!(integration.timeout_in_millis, 5000);
        assert_eq!(integration.request_parameters, None);
        assert!(store.serving(&a.api_id, "idle").unwrap().snapshot.is_none());
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_was_expected() {
        check_refused("{", "seed.json:1:1: EOF while parsing an object");
        check_refused(
            "{\n  \"name\": 7\n}",
            "seed.json:2:11: name: invalid type: integer `7`, expected a string",
        );
        check_refused(
            "{ \"name\": \"a\" }",
            "seed.json:1:15: missing field `routeSelectionExpression`",
        );
        let error = planted(r#"{ "name": "a", "colour": "red" }"#)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .contains("unknown field `colour`, expected one of")
        );
    }

    #[test]
    fn what_api_gateway_refuses_is_told_with_its_part() {
        check_refused(
            r#"{ "name": "a", "routeSelectionExpression": "x", "routes": { "r": { "integration": "nope" } } }"#,
            "seed.json: API \"a\", route \"r\": the file has no integration \"nope\"",
        );
        check_refused(
            r#"{ "name": "a", "routeSelectionExpression": "x", "deployment": {} }"#,
            "seed.json: API \"a\", deployment: At least one route is required before deploying the Api.",
        );
    }

    #[test]
    fn a_missing_file_is_told_with_its_path() {
        let error = plant(&memory(), &Seed::File("/nowhere/seed.json".into())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the seed file /nowhere/seed.json"
        );
    }
}
