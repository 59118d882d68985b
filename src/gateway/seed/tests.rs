//! Filling a store from a file: all of the file is taken or nothing, and a refusal names its place.

use super::*;
use crate::{
    gateway::{
        StoreLocation,
        control::error::ApiError,
        store::{
            Draft,
            record::{ApiRecord, DeploymentRecord},
        },
    },
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
        let deployment: Option<DeploymentRecord> = read(&store, |view| view.get(&api.api_id, &id));
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
