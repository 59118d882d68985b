//! The proof of what a deployment holds: the draft is read behind the freeze, and compared.

use stagewire::model::{
    Deployment,
    plan::{DeployProgress, DeployStep, StepState},
};

use crate::{
    deploy_weather::{Scene, begins, check, meanwhile},
    support::gateway::Gateway,
};

const READINGS: [&str; 6] = [
    "GetApi",
    "GetAuthorizers",
    "GetIntegrations",
    "GetModels",
    "GetRouteResponses",
    "GetRoutes",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_is_read_once_and_behind_the_freeze() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let acts = [
        "CreateDeployment",
        "GetStage",
        "UpdateDeployment",
        "UpdateStage",
    ];
    for operation in READINGS.iter().chain(&acts).chain(&["*"]) {
        scene.watch(operation).await;
    }
    let report = |progress: DeployProgress| {
        let is_frozen = matches!(progress.state, StepState::Done(_));
        if progress.step == DeployStep::CreateDeployment && is_frozen {
            assert_eq!(
                meanwhile(scene.count("GetRoutes")),
                0,
                "it is not read before"
            );
        }
        if begins(&progress, DeployStep::WaitForDeployed) {
            assert_eq!(
                meanwhile(scene.count("UpdateStage")),
                0,
                "it is moved later"
            );
            assert_eq!(meanwhile(scene.count("GetRoutes")), 1);
        }
    };
    scene.run_telling(&plan, report).await.unwrap();
    for reading in READINGS {
        assert_eq!(scene.count(reading).await, 1, "{reading}");
    }
    // The stage is read before and after it is moved.
    for (act, n_calls) in acts.into_iter().zip([1, 2, 1, 1]) {
        assert_eq!(scene.count(act).await, n_calls, "{act}");
    }
    assert_eq!(scene.count("*").await, 0, "nothing else is called");
}

#[tokio::test]
async fn a_draft_that_changed_since_the_plan_is_frozen_and_put_nowhere() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.api.route("join", None).await;
    scene.watch("GetRoutes").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "somebody changed the API");
    assert_eq!(scene.serves("test").await, scene.first);
    let n_read = scene.count("GetRoutes").await;
    assert_eq!(n_read, 1, "behind the freeze alone");
    let left = failed.left_over().unwrap();
    scene.clean_up(left).await.unwrap();
    let is_there = |it: &Deployment| it.id == left.deployment_id;
    assert!(!scene.deployments().await.iter().any(is_there));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_changed_during_the_freeze_is_not_put_on_the_stage() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let mut joined = None;
    let report = |progress: DeployProgress| {
        if begins(&progress, DeployStep::KeepDefinition) {
            joined = Some(meanwhile(scene.api.route("join", None)));
        }
    };
    let failed = scene.run_telling(&plan, report).await.unwrap_err();
    check(&failed.failure, "while it was frozen");
    let left = failed.left_over().unwrap();
    assert_eq!(scene.serves("test").await, scene.first);
    assert_eq!(scene.n_kept(), 0, "nobody knows what it holds");
    // It is not finished, even when the draft is what it was again: what was frozen may be something else.
    let path = format!("routes/{}", joined.unwrap());
    let nothing = serde_json::Value::Null;
    scene.api.control("DELETE", &path, nothing).await;
    let again = scene.finish(left).await;
    check(&again.unwrap_err().failure, "while it was frozen");
    assert_eq!(scene.serves("test").await, scene.first);
    assert_eq!(scene.claim_of(&left.deployment_id).await, None);
}

#[tokio::test]
async fn a_draft_that_cannot_be_read_behind_the_freeze_is_read_again_to_finish() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.deny("GetRoutes").await;
    let failed = scene.run(&plan).await.unwrap_err();
    let left = failed.left_over().unwrap();
    let id = &left.deployment_id;
    check(&failed.failure, &format!("not known whether {id} holds"));
    assert_eq!(scene.claim_of(id).await, None);
    let deployed = scene.finish(left).await.unwrap();
    assert_eq!(deployed.deployment.fingerprint(), plan.fingerprint());
    assert_eq!(scene.claim_of(id).await, plan.fingerprint());
}

#[tokio::test]
async fn a_deployment_that_was_proved_gets_its_fingerprint_to_finish_and_is_not_read_again() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.deny("UpdateStage").await;
    let failed = scene.run(&plan).await.unwrap_err();
    let left = failed.left_over().unwrap();
    assert_eq!(scene.claim_of(&left.deployment_id).await, None);
    scene.watch("GetRoutes").await;
    scene.finish(left).await.unwrap();
    let claim = scene.claim_of(&left.deployment_id).await;
    assert_eq!(claim, plan.fingerprint());
    assert_eq!(scene.count("GetRoutes").await, 0);
}
