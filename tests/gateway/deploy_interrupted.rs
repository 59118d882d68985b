//! A deploy that somebody wants to end, or stops waiting for.

use stagewire::{
    aws::{Control, Tuning},
    model::plan::{DeployProgress, DeployStep, Remains, StageUse},
    ops::{deploy::status_line, journal::Found},
};

use crate::{deploy_weather::Scene, ops::target, support::gateway::Gateway};

#[tokio::test]
async fn whoever_stops_waiting_leaves_nothing_half_written() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.stall("GetStage").await;
    let (waits, waiting) = tokio::sync::oneshot::channel();
    let mut waits = Some(waits);
    let report = |progress: DeployProgress| {
        if progress.step == DeployStep::WaitForDeployed
            && let Some(waits) = waits.take()
        {
            waits.send(()).unwrap();
        }
    };
    tokio::select! {
        biased;
        _ = waiting => {}
        outcome = scene.run_telling(&plan, report) => panic!("{outcome:?}"),
    }
    assert_eq!(scene.n_kept(), 1);
    assert_eq!(scene.serves("test").await, scene.first);
}

#[tokio::test]
async fn an_interrupted_deploy_touches_no_stage_and_leaves_a_deployment_that_is_known() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let report = |progress: DeployProgress| {
        if progress.step == DeployStep::WaitForDeployed {
            scene.stop.cancel();
        }
    };
    let failed = scene.run_telling(&plan, report).await.unwrap_err();
    assert!(failed.failure.causes[0].contains("interrupted"));
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::NotServed);
    assert_eq!(scene.serves("test").await, scene.first);
    let ids = vec![left.deployment_id.clone()];
    let deployer = &scene.deployer;
    let found = deployer
        .journal
        .find_all(&deployer.control, &plan.api.id, ids)
        .await;
    let [Found::Entry(entry)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(entry.definition, plan.draft.unwrap().definition);
    assert_eq!(entry.stage, None, "no stage took it");
    // Whoever finishes it need not believe the draft of then.
    scene.api.route("join", None).await;
    let deployed = scene.finish(left).await;
    assert_eq!(deployed.unwrap().warnings, [""; 0]);
    assert_eq!(scene.serves("test").await, left.deployment_id.as_str());
}

#[tokio::test]
async fn a_deploy_that_is_interrupted_before_it_begins_changes_nothing() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.watch("CreateDeployment").await;
    scene.stop.cancel();
    let failed = scene.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Nothing);
    assert_eq!(scene.count("CreateDeployment").await, 0);
}

#[tokio::test]
async fn a_deploy_that_is_cut_is_told_as_far_as_it_is_known() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let mut told = Vec::new();
    let deployed = scene.run_telling(&plan, |progress| {
        if progress.reading.is_none() {
            told.push(progress);
        }
    });
    let id = deployed.await.unwrap().deployment.id;
    let target = scene.deployer.control.target();
    let cut = |idx: usize| status_line::cut(target, &plan, told.get(idx));
    assert!(cut(usize::MAX).ends_with("nothing was changed"));
    let lines: Vec<String> = (0..told.len()).map(cut).collect();
    let untouched = format!("deployment {id} exists, and the stage was not touched");
    let pointed = format!("the stage was pointed at deployment {id}");
    for (idx, says) in [
        (0, "a deployment may have been made"),
        (2, &untouched),
        (4, &untouched),
        (
            6,
            "it is not known whether the stage serves it; look with: aws",
        ),
        (7, &pointed),
        (9, &pointed),
    ] {
        assert!(lines[idx].contains(says), "{idx}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_reading_behind_the_freeze_ends_at_once_when_somebody_wants_to_end() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.stall("GetModels").await;
    let report = |progress: DeployProgress| {
        if progress.reading.is_some_and(|reading| reading.n_done > 0)
            && progress.step == DeployStep::KeepDefinition
        {
            scene.stop.cancel();
        }
    };
    let failed = scene.run_telling(&plan, report).await.unwrap_err();
    assert!(failed.failure.causes[0].contains("interrupted"));
    assert_eq!(failed.left_over().unwrap().stage_use, StageUse::NotServed);
    assert_eq!(scene.n_kept(), 0, "it is not known what it holds");
}

#[tokio::test]
async fn a_deployment_that_aws_does_not_take_yet_is_waited_for_and_can_be_given_up() {
    let gateway = Gateway::lenient().await;
    let mut scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let patient = Control::connect_tuned(&target(&gateway), &Tuning::default()).await;
    scene.deployer.control = patient.unwrap();
    let too_fast = serde_json::json!({ "status": 429, "message": "Too Many Requests" });
    scene.fault("CreateDeployment", too_fast).await;
    scene.watch("CreateDeployment").await;
    let mut says = None;
    let report = |progress: DeployProgress| {
        if let Some(held_up) = progress.reading.and_then(|reading| reading.held_up) {
            says = Some(held_up.text());
            scene.stop.cancel();
        }
    };
    let failed = scene.run_telling(&plan, report).await.unwrap_err();
    let expected = "AWS takes one create-deployment every 5 s: waiting";
    assert_eq!(says.as_deref(), Some(expected));
    assert_eq!(failed.remains, Remains::Nothing);
    assert_eq!(scene.count("CreateDeployment").await, 0, "not once more");
}

#[tokio::test]
async fn a_stage_that_was_moved_is_not_read_back_for_ever() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.pass("GetStage").await;
    scene.stall("GetStage").await;
    let report = |progress: DeployProgress| {
        if progress.step == DeployStep::Check {
            scene.stop.cancel();
        }
    };
    let deployed = scene.run_telling(&plan, report).await.unwrap();
    let [warning] = &deployed.warnings[..] else {
        panic!("{:?}", deployed.warnings);
    };
    assert!(
        warning.contains("was moved, and not read back"),
        "{warning}"
    );
    assert_eq!(scene.serves("test").await, deployed.deployment.id.as_str());
}
