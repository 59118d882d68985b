//! A deploy that moves the stage without waiting for a reading of the draft, and what is proved of it afterwards.

use super::*;
use crate::{
    model::{Drift, plan::Unproved},
    ops::deploy::prove,
};

const AT_ONCE: DraftCheck = DraftCheck::AfterStage;

async fn fixture() -> Fixture {
    Fixture {
        check: AT_ONCE,
        ..Fixture::new().await
    }
}

impl Fixture {
    async fn drift(&self) -> Drift {
        let api = self
            .control
            .api(&ApiId::parse("a1").unwrap())
            .await
            .unwrap();
        let unfinished = Unfinished::default();
        let mut detail = reading::all(&self.control, &self.journal, api, &unfinished).await;
        let stage = StageName::parse("test").unwrap();
        detail.drift.remove(&stage).unwrap()
    }

    async fn read_behind(&self) -> Draft {
        let id = ApiId::parse("a1").unwrap();
        let reading = reading::draft(&self.control, &id, &Unfinished::default()).await;
        reading.draft.unwrap()
    }

    fn description(&self, id: &str) -> String {
        self.world().deployments[id].0.clone()
    }
}

#[tokio::test]
async fn it_takes_four_round_trips_and_reads_no_draft() {
    let fixture = fixture().await;
    let plan = fixture.plan().await;
    let n_before = fixture.stub.calls().len();
    let deployed = fixture.run(&plan).await.unwrap();
    let calls = fixture.stub.calls();
    let lines: Vec<&str> = calls[n_before..]
        .iter()
        .map(|it| it.line.as_str())
        .collect();
    let stage = "/v2/apis/a1/stages/test";
    assert_eq!(
        lines,
        [
            "POST /v2/apis/a1/deployments",
            &format!("GET {stage}"),
            &format!("PATCH {stage}"),
            &format!("GET {stage}"),
        ]
    );
    assert_eq!(deployed.deployment.description.as_deref(), Some("add join"));
    assert_eq!(deployed.draft, None);
    assert_eq!(
        files_in(fixture.dir.path()),
        0,
        "nobody knows what it holds"
    );
    assert_eq!(fixture.drift().await, Drift::Unknown);
}

#[tokio::test]
async fn it_carries_no_fingerprint_that_somebody_wrote_by_hand() {
    let fixture = fixture().await;
    let mut plan = fixture.plan().await;
    let fingerprint = plan.fingerprint().unwrap();
    plan.request.description = Some(fingerprint.append_to("add join"));
    let deployed = fixture.run(&plan).await.unwrap();
    assert_eq!(deployed.deployment.description.as_deref(), Some("add join"));
}

#[tokio::test]
async fn a_stage_that_somebody_moved_is_left_alone_here_too_and_the_deploy_can_be_finished() {
    let fixture = fixture().await;
    let plan = fixture.plan().await;
    let elsewhere = || Some("d9".to_owned());
    fixture.world().stages.insert("test".into(), elsewhere());
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "it serves d9 now, not d1");
    assert_eq!(fixture.serves("test"), elsewhere());
    let left = failed.left_over().unwrap();
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d1".into()));
    let finished = fixture.finish(left).await;
    let finished = finished.unwrap();
    assert_eq!(fixture.serves("test").as_deref(), Some("d2"));
    assert_eq!(finished.unproved, None, "nobody knows when it was frozen");
    assert_eq!(fixture.drift().await, Drift::Unknown);
}

#[tokio::test]
async fn nothing_is_left_to_prove_without_a_reading_from_before_the_freeze() {
    let fixture = fixture().await;
    let plan = fixture.plan().await;
    let unread = DeployPlan {
        draft: None,
        ..plan.clone()
    };
    assert_eq!(fixture.run(&unread).await.unwrap().unproved, None);
    let mut late = plan;
    late.serves_now = fixture
        .serves("test")
        .map(|id| DeploymentId::parse(&id).unwrap());
    late.draft.as_mut().unwrap().until = Timestamp::MAX;
    assert_eq!(fixture.run(&late).await.unwrap().unproved, None);
}

async fn unproved(fixture: &Fixture) -> Unproved {
    let plan = fixture.plan().await;
    let before = fixture.read_behind().await;
    let unproved = fixture.run(&plan).await.unwrap().unproved.unwrap();
    assert!(
        !unproved.is_proved_by(&before),
        "it is from before the freeze"
    );
    unproved
}

#[tokio::test]
async fn an_equal_reading_behind_the_freeze_proves_what_it_holds() {
    let fixture = fixture().await;
    let unproved = unproved(&fixture).await;
    assert!(unproved.is_proved_by(&fixture.read_behind().await));
    prove(&fixture.control, &fixture.journal, &unproved)
        .await
        .unwrap();
    let fingerprint = unproved.before.definition.fingerprint();
    assert_eq!(fixture.description("d2"), fingerprint.append_to("add join"));
    assert_eq!(files_in(fixture.dir.path()), 1);
    assert_eq!(fixture.drift().await, Drift::UpToDate);
    // Once more is no failure, and writes nothing.
    prove(&fixture.control, &fixture.journal, &unproved)
        .await
        .unwrap();
    let update = "PATCH /v2/apis/a1/deployments/d2";
    assert_eq!(fixture.stub.count(update), 1);
    fixture.world().routes.push("join");
    assert!(!unproved.is_proved_by(&fixture.read_behind().await));
}

#[tokio::test]
async fn what_somebody_wrote_meanwhile_is_kept() {
    let fixture = fixture().await;
    let unproved = unproved(&fixture).await;
    let fingerprint = unproved.before.definition.fingerprint();
    let describe = |text: &str| {
        fixture.world().deployments.get_mut("d2").unwrap().0 = text.to_owned();
    };
    for (said, becomes) in [
        ("", fingerprint.append_to("")),
        ("release 7", fingerprint.append_to("release 7")),
    ] {
        describe(said);
        prove(&fixture.control, &fixture.journal, &unproved)
            .await
            .unwrap();
        assert_eq!(fixture.description("d2"), becomes);
    }
    let other = "release 7 [sw:0123456789abcdef]";
    describe(other);
    let refused = prove(&fixture.control, &fixture.journal, &unproved).await;
    check(&refused.unwrap_err(), "it carries another one by now");
    assert_eq!(fixture.description("d2"), other);
}

#[tokio::test]
async fn a_lost_creation_that_says_nothing_is_not_taken_for_anybodys() {
    let mut fixture = fixture().await;
    let mut plan = fixture.plan().await;
    plan.request.description = None;
    fixture.control = fixture.stub.impatient_control().await;
    fixture.lose("POST /v2/apis/a1/deployments");
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "nobody can tell whose it is");
    assert_eq!(failed.remains, Remains::Unknown);
}
