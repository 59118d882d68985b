//! A deploy that somebody wants to end, or stops waiting for.

use super::*;
use crate::aws::Tuning;

#[tokio::test]
async fn whoever_stops_waiting_leaves_nothing_half_written() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.world().statuses = VecDeque::from(["PENDING"]);
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
        outcome = fixture.run_telling(&plan, report) => panic!("{outcome:?}"),
    }
    assert_eq!(files_in(fixture.dir.path()), 1);
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
}

#[tokio::test]
async fn an_interrupted_deploy_touches_no_stage_and_leaves_a_deployment_that_is_known() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let stop = fixture.stop.clone();
    let report = |progress: DeployProgress| {
        if progress.step == DeployStep::WaitForDeployed {
            stop.cancel();
        }
    };
    let failed = fixture.run_telling(&plan, report).await.unwrap_err();
    assert!(failed.failure.causes[0].contains("interrupted"));
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::NotServed);
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    let ids = vec![left.deployment_id.clone()];
    let found = fixture
        .journal
        .find_all(&fixture.control, &plan.api.id, ids)
        .await;
    let [Found::Entry(entry)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(entry.definition, plan.draft.unwrap().definition);
    assert_eq!(entry.stage, None, "no stage took it");
    // Whoever finishes it need not believe the draft of then.
    fixture.world().routes.push("join");
    let deployed = fixture.finish(left).await;
    assert_eq!(deployed.unwrap().warnings, [""; 0]);
    assert_eq!(fixture.serves("test").as_deref(), Some("d2"));
}

#[tokio::test]
async fn a_deploy_that_is_interrupted_before_it_begins_changes_nothing() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.stop.cancel();
    let failed = fixture.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Nothing);
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/deployments"), 0);
}

#[tokio::test]
async fn a_deploy_that_is_cut_is_told_as_far_as_it_is_known() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let mut told = Vec::new();
    let deployed = fixture.run_telling(&plan, |progress| {
        if progress.reading.is_none() {
            told.push(progress);
        }
    });
    deployed.await.unwrap();
    let target = fixture.control.target();
    let cut = |idx: usize| account::cut(target, &plan, told.get(idx));
    assert!(cut(usize::MAX).ends_with("nothing was changed"));
    let lines: Vec<String> = (0..told.len()).map(cut).collect();
    for (idx, says) in [
        (0, "a deployment may have been made"),
        (2, "deployment d2 exists, and the stage was not touched"),
        (4, "deployment d2 exists, and the stage was not touched"),
        (
            6,
            "it is not known whether the stage serves it; look with: aws",
        ),
        (7, "the stage was pointed at deployment d2"),
        (9, "the stage was pointed at deployment d2"),
    ] {
        assert!(lines[idx].contains(says), "{idx}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_reading_behind_the_freeze_ends_at_once_when_somebody_wants_to_end() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.script("GET /v2/apis/a1/models", [Some(Answer::never())]);
    let stop = fixture.stop.clone();
    let report = |progress: DeployProgress| {
        if progress.reading.is_some_and(|reading| reading.n_done > 0)
            && progress.step == DeployStep::KeepDefinition
        {
            stop.cancel();
        }
    };
    let failed = fixture.run_telling(&plan, report).await.unwrap_err();
    assert!(failed.failure.causes[0].contains("interrupted"));
    assert_eq!(failed.left_over().unwrap().stage_use, StageUse::NotServed);
    assert_eq!(
        files_in(fixture.dir.path()),
        0,
        "it is not known what it holds"
    );
}

#[tokio::test]
async fn a_deployment_that_aws_does_not_take_yet_is_waited_for_and_can_be_given_up() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.control = control_at(fixture.stub.address, &Tuning::default()).await;
    let too_fast = Answer::error(429, "TooManyRequestsException", "Too Many Requests");
    fixture.script("POST /v2/apis/a1/deployments", [Some(too_fast)]);
    let mut says = None;
    let stop = fixture.stop.clone();
    let report = |progress: DeployProgress| {
        if let Some(held_up) = progress.reading.and_then(|reading| reading.held_up) {
            says = Some(held_up.text());
            stop.cancel();
        }
    };
    let failed = fixture.run_telling(&plan, report).await.unwrap_err();
    let expected = "AWS takes one create-deployment every 5 s: waiting";
    assert_eq!(says.as_deref(), Some(expected));
    assert_eq!(failed.remains, Remains::Nothing);
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/deployments"), 1);
}

#[tokio::test]
async fn a_stage_that_was_moved_is_not_read_back_for_ever() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.script("GET /v2/apis/a1/stages/test", [None, Some(Answer::never())]);
    let stop = fixture.stop.clone();
    let report = |progress: DeployProgress| {
        if progress.step == DeployStep::Check {
            stop.cancel();
        }
    };
    let deployed = fixture.run_telling(&plan, report).await.unwrap();
    assert_eq!(deployed.warnings, [UNCHECKED]);
    assert_eq!(fixture.serves("test").as_deref(), Some("d2"));
}
