//! Stages that follow the definition by themselves: some time after each change, and never behind the last.

use tokio_util::sync::CancellationToken;

use super::*;

/// Makes an API with a stage `dev` that follows it, and returns their paths.
async fn follower(plane: &Plane) -> (String, String) {
    let api = plane.api().await;
    let body = json!({ "stageName": "dev", "autoDeploy": true });
    plane.post(&format!("{api}/stages"), body).await.ok(201);
    let stage = format!("{api}/stages/dev");
    (api, stage)
}

async fn route(plane: &Plane, api: &str, key: &str) {
    let body = json!({ "routeKey": key });
    plane.post(&format!("{api}/routes"), body).await.ok(201);
}

async fn deployments(plane: &Plane, api: &str) -> Vec<Value> {
    let list = plane.get(&format!("{api}/deployments")).await.ok(200);
    list["items"].as_array().unwrap().clone()
}

fn served(plane: &Plane, api: &str) -> Vec<String> {
    let serving = plane.context.store.serving(api_id(api), "dev").unwrap();
    let snapshot = serving.snapshot.clone().unwrap();
    let keys = snapshot.routes.iter().map(|it| it.route.route_key.clone());
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn a_stage_follows_the_definition_after_the_answer() {
    let plane = Plane::new();
    let (api, path) = follower(&plane).await;
    let fresh = plane.get(&path).await.ok(200);
    assert_eq!(fresh["autoDeploy"], true);
    assert_eq!(fresh.get("lastDeploymentStatusMessage"), None);
    plane.make_owed_deployments();
    let failed =
        "Deployment attempt failed: At least one route is required before deploying the Api.";
    let stage = plane.get(&path).await.ok(200);
    assert_eq!(stage["lastDeploymentStatusMessage"], failed);
    assert_eq!(stage.get("deploymentId"), None);
    assert!(deployments(&plane, &api).await.is_empty());

    route(&plane, &api, "a").await;
    assert_eq!(plane.get(&path).await.ok(200), stage, "not yet");
    plane.make_owed_deployments();
    let stage = plane.get(&path).await.ok(200);
    let id = stage["deploymentId"].as_str().unwrap();
    let message = format!("Successfully deployed stage with deployment ID '{id}'");
    assert_eq!(stage["lastDeploymentStatusMessage"], message);
    let deployment = plane.get(&format!("{api}/deployments/{id}")).await.ok(200);
    assert_eq!(deployment["autoDeployed"], true);
    assert_eq!(
        deployment["description"],
        "Automatic deployment triggered by changes to the Api configuration"
    );
    let renamed = plane.patch(&api, json!({ "name": "other" })).await;
    renamed.ok(200);
    plane.make_owed_deployments();
    assert_eq!(
        plane.get(&path).await.ok(200),
        stage,
        "a name is not deployed"
    );
}

#[tokio::test]
async fn every_kind_of_part_is_deployed_by_itself() {
    let plane = Plane::new();
    let (api, path) = follower(&plane).await;
    route(&plane, &api, "a").await;
    plane.make_owed_deployments();
    let mut last = plane.get(&path).await.ok(200)["deploymentId"].clone();
    let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";
    for (part, body) in [
        ("integrations", json!({ "integrationType": "MOCK" })),
        ("models", json!({ "name": "m", "schema": "{}" })),
        (
            "authorizers",
            json!({ "name": "a", "authorizerType": "REQUEST", "authorizerUri": uri }),
        ),
    ] {
        plane.post(&format!("{api}/{part}"), body).await.ok(201);
        plane.make_owed_deployments();
        let now = plane.get(&path).await.ok(200)["deploymentId"].clone();
        assert_ne!(now, last, "{part}");
        last = now;
    }
    let serving = plane.context.store.serving(api_id(&api), "dev").unwrap();
    let snapshot = serving.snapshot.clone().unwrap();
    assert_eq!(
        (snapshot.authorizers.len(), snapshot.models.len()),
        (1, 1),
        "what a deployment froze"
    );
}

#[tokio::test]
async fn a_burst_of_changes_ends_with_the_last_state() {
    let plane = Plane::new();
    let (api, _) = follower(&plane).await;
    let path = format!("{api}/routes");
    let changes = (0..20).map(|n| plane.post(&path, json!({ "routeKey": format!("r{n}") })));
    futures_util::future::join_all(changes).await;
    plane.make_owed_deployments();
    assert_eq!(served(&plane, &api).len(), 20);
    assert_eq!(deployments(&plane, &api).await.len(), 1);
    plane.make_owed_deployments();
    assert_eq!(deployments(&plane, &api).await.len(), 1, "nothing is owed");
}

#[tokio::test]
async fn what_is_owed_survives_the_end_of_the_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let location = StoreLocation::File(dir.path().join("state.redb"));
    let plane = Plane::over(Store::open(&location).unwrap());
    let (api, path) = follower(&plane).await;
    route(&plane, &api, "a").await;
    drop(plane);

    let plane = Plane::over(Store::open(&location).unwrap());
    let before = plane.get(&path).await.ok(200);
    assert_eq!(before.get("deploymentId"), None);
    let stop = CancellationToken::new();
    let store = plane.context.store.clone();
    let running = tokio::spawn(super::super::autodeploy::run(store, stop.clone()));
    let deployed = async {
        while plane.get(&path).await.ok(200).get("deploymentId").is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), deployed)
        .await
        .unwrap();
    stop.cancel();
    // What is read from the disk may be a moment ahead of what is served, until the write is answered.
    running.await.unwrap();
    assert_eq!(served(&plane, &api), ["a"]);
}

#[tokio::test]
async fn a_stage_that_stopped_following_is_left_alone() {
    let plane = Plane::new();
    let (api, path) = follower(&plane).await;
    route(&plane, &api, "a").await;
    let off = plane.patch(&path, json!({ "autoDeploy": false })).await;
    off.ok(200);
    plane.make_owed_deployments();
    assert_eq!(plane.get(&path).await.ok(200).get("deploymentId"), None);
    assert!(deployments(&plane, &api).await.is_empty());
    let on = plane.patch(&path, json!({ "autoDeploy": true })).await;
    on.ok(200);
    plane.make_owed_deployments();
    assert_eq!(served(&plane, &api), ["a"]);
    let message = "lastDeploymentStatusMessage";
    assert!(plane.get(&path).await.ok(200)[message].is_string());
    let id = plane.deploy(&api).await;
    let off = json!({ "autoDeploy": false, "deploymentId": id });
    assert_eq!(plane.patch(&path, off).await.ok(200).get(message), None);
    assert_eq!(plane.get(&path).await.ok(200).get(message), None);
    plane.delete(&api).await.ok(204);
    plane.make_owed_deployments();
}

#[tokio::test]
async fn nobody_else_chooses_what_a_following_stage_serves() {
    let plane = Plane::new();
    let (api, path) = follower(&plane).await;
    route(&plane, &api, "a").await;
    let id = plane.deploy(&api).await;
    let bad = "BadRequestException";
    let message = "Deployment ID cannot be set on a stage with autoDeploy enabled";
    let moved = plane.patch(&path, json!({ "deploymentId": id })).await;
    moved.refused(400, bad, message);
    let body = json!({ "stageName": "dev" });
    let named = plane.post(&format!("{api}/deployments"), body).await;
    named.refused(400, bad, message);
    let made = json!({ "stageName": "new", "deploymentId": id, "autoDeploy": true });
    let made = plane.post(&format!("{api}/stages"), made).await;
    made.refused(400, bad, message);
    let both = json!({ "deploymentId": id, "autoDeploy": false });
    let freed = plane.patch(&path, both).await.ok(200);
    assert_eq!(freed["deploymentId"], id);
}

#[tokio::test]
async fn a_model_that_is_no_schema_fails_a_deployment_that_looks_at_it() {
    let plane = Plane::new();
    let (api, path) = follower(&plane).await;
    route(&plane, &api, "a").await;
    let blind = json!({ "disableSchemaValidation": true });
    plane.patch(&api, blind).await.ok(200);
    let model = json!({ "name": "m", "schema": "nonsense" });
    plane.post(&format!("{api}/models"), model).await.ok(201);
    plane.deploy(&api).await;
    let looking = json!({ "disableSchemaValidation": false });
    plane.patch(&api, looking).await.ok(200);
    let message = "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]";
    let refused = plane.post(&format!("{api}/deployments"), json!({})).await;
    refused.refused(400, "BadRequestException", message);
    plane.make_owed_deployments();
    let stage = plane.get(&path).await.ok(200);
    assert_eq!(
        stage["lastDeploymentStatusMessage"],
        format!("Deployment attempt failed: {message}")
    );
}
