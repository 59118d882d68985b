//! A create-deployment whose answer was lost: what was made is looked for before anything is said of it.

use super::*;

/// Deploys while create-deployment goes as the fixture was told, and gives what remains.
async fn remains_of_lost_creation(fixture: &mut Fixture) -> DeployFailure {
    let plan = fixture.plan().await;
    fixture.control = fixture.stub.impatient_control().await;
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "did not answer in time");
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/deployments"), 1);
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    failed
}

#[tokio::test]
async fn a_creation_without_answer_that_made_nothing_is_told_as_nothing() {
    let mut fixture = Fixture::new().await;
    fixture.script("POST /v2/apis/a1/deployments", [Some(Answer::never())]);
    let failed = remains_of_lost_creation(&mut fixture).await;
    check(&failed.failure, "no deployment was made");
    assert_eq!(failed.remains, Remains::Nothing);
}

#[tokio::test]
async fn a_creation_without_answer_that_made_a_deployment_can_be_finished() {
    let mut fixture = Fixture::new().await;
    // One that says the same was there before and is not taken for the new one.
    let plan = fixture.plan().await;
    fixture.run(&plan).await.unwrap();
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d1".into()));
    fixture.lose("POST /v2/apis/a1/deployments");
    let plan = fixture.plan().await;
    fixture.control = fixture.stub.impatient_control().await;
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "made all the same: it is d3");
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::NotServed);
    fixture.finish(left).await.unwrap();
    assert_eq!(fixture.serves("test").as_deref(), Some("d3"));
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_nobody_can_look() {
    let mut fixture = Fixture::new().await;
    fixture.script("POST /v2/apis/a1/deployments", [Some(Answer::never())]);
    let denied = Answer::error(403, "AccessDeniedException", "not yours to read");
    fixture.script("GET /v2/apis/a1/deployments", [None, Some(denied)]);
    let failed = remains_of_lost_creation(&mut fixture).await;
    assert_eq!(failed.remains, Remains::Unknown);
    let hint = failed.failure.hint.unwrap();
    assert!(hint.contains("get-deployments --endpoint-url"), "{hint}");
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_somebody_else_made_the_same() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.run(&plan).await.unwrap();
    fixture.control = fixture.stub.impatient_control().await;
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d1".into()));
    // Somebody else is on the same way, and not further.
    let same = plan.description().unwrap();
    fixture.world().deployments.get_mut("d2").unwrap().0 = same;
    fixture.lose("POST /v2/apis/a1/deployments");
    // By the plan of before, two of them are new.
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "nobody can tell them apart");
    assert_eq!(failed.remains, Remains::Unknown);
}

#[tokio::test]
async fn a_creation_that_was_never_sent_changed_nothing() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    fixture.control = control_at(address, &quick_to_repeat()).await;
    let error = fixture.control.create_deployment(&plan.api.id, None).await;
    assert!(!error.unwrap_err().leaves_open());
    let failed = fixture.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Nothing);
}
