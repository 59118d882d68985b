//! A create-deployment whose answer was lost: what was made is looked for before anything is said of it.

use stagewire::{
    aws::Control,
    model::{
        Target,
        plan::{DeployFailure, DraftCheck, Remains, StageUse},
        target::LocalTarget,
    },
};

use crate::{
    deploy_weather::{Scene, check},
    support::gateway::Gateway,
};

/// Deploys while create-deployment goes wrong as the scene was told, and gives what remains.
async fn remains_of_lost_creation(scene: &Scene<'_>) -> DeployFailure {
    let plan = scene.plan().await;
    scene.lose_request("CreateDeployment").await;
    scene.watch("CreateDeployment").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "create-deployment");
    assert_eq!(scene.count("CreateDeployment").await, 0, "not once more");
    assert_eq!(scene.serves("test").await, scene.first);
    failed
}

#[tokio::test]
async fn a_creation_without_answer_that_made_nothing_is_told_as_nothing() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let failed = remains_of_lost_creation(&scene).await;
    check(&failed.failure, "no deployment was made");
    assert_eq!(failed.remains, Remains::Nothing);
}

#[tokio::test]
async fn a_creation_without_answer_that_made_a_deployment_can_be_finished() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    // One that says the same was there before and is not taken for the new one.
    let plan = scene.plan().await;
    scene.run(&plan).await.unwrap();
    scene.api.point("test", &scene.first).await;
    let plan = scene.plan().await;
    scene.lose_answer("CreateDeployment").await;
    let failed = scene.run(&plan).await.unwrap_err();
    let left = failed.left_over().unwrap();
    let says = format!("made all the same: it is {}", left.deployment_id);
    check(&failed.failure, &says);
    assert_eq!(left.stage_use, StageUse::NotServed);
    scene.finish(left).await.unwrap();
    assert_eq!(scene.serves("test").await, left.deployment_id.as_str());
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_nobody_can_look() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.lose_request("CreateDeployment").await;
    scene.deny("GetDeployments").await;
    let failed = scene.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Unknown);
    let hint = failed.failure.hint.unwrap();
    assert!(hint.contains("get-deployments --endpoint-url"), "{hint}");
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_somebody_else_made_the_same() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let deployed = scene.run(&plan).await.unwrap();
    scene.api.point("test", &scene.first).await;
    // Somebody else is on the same way, and not further.
    let same = plan.description().unwrap();
    scene.describe(&deployed.deployment.id, &same).await;
    scene.lose_answer("CreateDeployment").await;
    // By the plan of before, two of them are new.
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "nobody can tell them apart");
    assert_eq!(failed.remains, Remains::Unknown);
}

#[tokio::test]
async fn a_lost_creation_that_says_nothing_is_not_taken_for_anybodys() {
    let gateway = Gateway::lenient().await;
    let mut scene = Scene::at(&gateway).await;
    scene.check = DraftCheck::AfterStage;
    let mut plan = scene.plan().await;
    plan.request.description = None;
    scene.lose_answer("CreateDeployment").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "nobody can tell whose it is");
    assert_eq!(failed.remains, Remains::Unknown);
}

#[tokio::test]
async fn a_creation_that_was_never_sent_changed_nothing() {
    let gateway = Gateway::lenient().await;
    let mut scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = Target::Local(LocalTarget {
        address: listener.local_addr().unwrap(),
        region: "us-east-1".into(),
    });
    drop(listener);
    scene.deployer.control = Control::connect(&nobody).await.unwrap();
    let control = &scene.deployer.control;
    let error = control.create_deployment(&plan.api.id, None).await;
    assert!(!error.unwrap_err().leaves_open());
    let failed = scene.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Nothing);
}
