//! A deploy that moves the stage without waiting for a reading of the draft, and what is proved of it afterwards.

use jiff::Timestamp;
use stagewire::{
    model::{
        Draft, Drift,
        plan::{DeployPlan, DraftCheck, Unproved},
    },
    ops::{
        deploy,
        reading::{self, Unfinished},
    },
};

use crate::{
    deploy_weather::{Scene, check},
    support::gateway::Gateway,
};

async fn scene(gateway: &Gateway) -> Scene<'_> {
    Scene {
        check: DraftCheck::AfterStage,
        ..Scene::at(gateway).await
    }
}

impl Scene<'_> {
    async fn drift(&self) -> Drift {
        self.deployer.drift(&self.api, "test").await
    }

    async fn read_behind(&self) -> Draft {
        let unfinished = Unfinished::default();
        let reading = reading::draft(&self.deployer.control, &self.id(), &unfinished).await;
        reading.draft.unwrap()
    }

    async fn prove(&self, unproved: &Unproved) -> Result<(), stagewire::model::Failure> {
        deploy::prove(&self.deployer.control, &self.deployer.journal, unproved).await
    }

    /// Deploys, and gives what is left to prove.
    async fn unproved(&self) -> Unproved {
        let plan = self.plan().await;
        let before = self.read_behind().await;
        let unproved = self.run(&plan).await.unwrap().unproved.unwrap();
        let is_proved = unproved.is_proved_by(&before);
        assert!(!is_proved, "it is from before the freeze");
        unproved
    }
}

#[tokio::test]
async fn it_takes_four_round_trips_and_reads_no_draft() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let plan = scene.plan().await;
    let calls = [
        ("CreateDeployment", 1),
        ("GetStage", 2),
        ("UpdateStage", 1),
        ("*", 0),
    ];
    for (operation, _) in calls {
        scene.watch(operation).await;
    }
    let deployed = scene.run(&plan).await.unwrap();
    for (operation, n_calls) in calls {
        assert_eq!(scene.count(operation).await, n_calls, "{operation}");
    }
    assert_eq!(deployed.deployment.description.as_deref(), Some("add join"));
    assert_eq!(deployed.draft, None);
    assert_eq!(scene.n_kept(), 0, "nobody knows what it holds");
    assert_eq!(scene.drift().await, Drift::Unknown);
}

#[tokio::test]
async fn it_carries_no_fingerprint_that_somebody_wrote_by_hand() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let mut plan = scene.plan().await;
    let fingerprint = plan.fingerprint().unwrap();
    plan.request.description = Some(fingerprint.append_to("add join"));
    let deployed = scene.run(&plan).await.unwrap();
    assert_eq!(deployed.deployment.description.as_deref(), Some("add join"));
}

#[tokio::test]
async fn a_stage_that_somebody_moved_is_left_alone_here_too_and_the_deploy_can_be_finished() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let plan = scene.plan().await;
    let other = scene.api.create_deployment().await;
    scene.api.point("test", &other).await;
    let failed = scene.run(&plan).await.unwrap_err();
    let says = format!("it serves {other} now, not {}", scene.first);
    check(&failed.failure, &says);
    assert_eq!(scene.serves("test").await, other);
    let left = failed.left_over().unwrap();
    scene.api.point("test", &scene.first).await;
    let finished = scene.finish(left).await.unwrap();
    assert_eq!(scene.serves("test").await, left.deployment_id.as_str());
    assert_eq!(finished.unproved, None, "nobody knows when it was frozen");
    assert_eq!(scene.drift().await, Drift::Unknown);
}

#[tokio::test]
async fn nothing_is_left_to_prove_without_a_reading_from_before_the_freeze() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let plan = scene.plan().await;
    let unread = DeployPlan {
        draft: None,
        ..plan.clone()
    };
    let deployed = scene.run(&unread).await.unwrap();
    assert_eq!(deployed.unproved, None);
    let mut late = plan;
    late.serves_now = Some(deployed.deployment.id);
    late.draft.as_mut().unwrap().until = Timestamp::MAX;
    assert_eq!(scene.run(&late).await.unwrap().unproved, None);
}

#[tokio::test]
async fn an_equal_reading_behind_the_freeze_proves_what_it_holds() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let unproved = scene.unproved().await;
    assert!(unproved.is_proved_by(&scene.read_behind().await));
    scene.watch("UpdateDeployment").await;
    scene.prove(&unproved).await.unwrap();
    let fingerprint = unproved.before.definition.fingerprint();
    let description = scene.description(&unproved.deployment.id).await;
    assert_eq!(description, Some(fingerprint.append_to("add join")));
    assert_eq!(scene.n_kept(), 1);
    assert_eq!(scene.drift().await, Drift::UpToDate);
    // Once more is no failure, and writes nothing.
    scene.prove(&unproved).await.unwrap();
    assert_eq!(scene.count("UpdateDeployment").await, 1);
    scene.api.route("join", None).await;
    assert!(!unproved.is_proved_by(&scene.read_behind().await));
}

#[tokio::test]
async fn what_somebody_wrote_meanwhile_is_kept() {
    let gateway = Gateway::lenient().await;
    let scene = scene(&gateway).await;
    let unproved = scene.unproved().await;
    let fingerprint = unproved.before.definition.fingerprint();
    let id = &unproved.deployment.id;
    for said in ["", "release 7"] {
        scene.describe(id, said).await;
        scene.prove(&unproved).await.unwrap();
        let becomes = fingerprint.append_to(said);
        assert_eq!(scene.description(id).await, Some(becomes));
    }
    let other = "release 7 [sw:0123456789abcdef]";
    scene.describe(id, other).await;
    let refused = scene.prove(&unproved).await;
    check(&refused.unwrap_err(), "it carries another one by now");
    assert_eq!(scene.description(id).await.as_deref(), Some(other));
}
