//! The proof of what a deployment holds: the draft is read behind the freeze, and compared.

use super::*;

#[tokio::test]
async fn the_draft_is_read_once_and_behind_the_freeze() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let n_before = fixture.stub.calls().len();
    fixture.run(&plan).await.unwrap();
    let calls = fixture.stub.calls();
    let mut lines: Vec<&str> = calls[n_before..]
        .iter()
        .map(|it| it.line.as_str())
        .collect();
    // The lists are read side by side; the deployment gets its fingerprint while the stage moves.
    lines[1..6].sort_unstable();
    lines[6..].sort_unstable();
    assert_eq!(
        lines,
        [
            "POST /v2/apis/a1/deployments",
            "GET /v2/apis/a1",
            "GET /v2/apis/a1/authorizers",
            "GET /v2/apis/a1/integrations",
            "GET /v2/apis/a1/models",
            "GET /v2/apis/a1/routes",
            "GET /v2/apis/a1/stages/test",
            "GET /v2/apis/a1/stages/test",
            "PATCH /v2/apis/a1/deployments/d2",
            "PATCH /v2/apis/a1/stages/test",
        ]
    );
}

#[tokio::test]
async fn a_draft_that_changed_since_the_plan_is_frozen_and_put_nowhere() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let n_read = fixture.stub.count("GET /v2/apis/a1/routes");
    fixture.world().routes.push("join");
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "somebody changed the API");
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    let n_reread = fixture.stub.count("GET /v2/apis/a1/routes") - n_read;
    assert_eq!(n_reread, 1, "behind the freeze alone");
    clean_up(&fixture.control, failed.left_over().unwrap())
        .await
        .unwrap();
    assert!(!fixture.world().deployments.contains_key("d2"));
}

#[tokio::test]
async fn a_draft_that_changed_during_the_freeze_is_not_put_on_the_stage() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let more = list(vec![
        json!({"routeId": "r0", "routeKey": "$default"}),
        json!({"routeId": "r1", "routeKey": "join"}),
    ]);
    let routes = "GET /v2/apis/a1/routes";
    fixture.script(routes, [Some(more)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "while it was frozen");
    let left = failed.left_over().unwrap();
    assert_eq!(left.deployment_id.as_str(), "d2");
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    assert_eq!(
        files_in(fixture.dir.path()),
        0,
        "nobody knows what it holds"
    );
    // It is not finished, even when the draft is what it was again: what was frozen may be something else.
    let again = fixture.finish(left).await;
    check(&again.unwrap_err().failure, "while it was frozen");
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    assert_eq!(fixture.claim_of("d2"), None);
}

#[tokio::test]
async fn a_draft_that_cannot_be_read_behind_the_freeze_is_read_again_to_finish() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let denied = Answer::error(403, "AccessDeniedException", "not yours to read");
    fixture.script("GET /v2/apis/a1/routes", [Some(denied)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "not known whether d2 holds");
    assert_eq!(fixture.claim_of("d2"), None);
    let left = failed.left_over().unwrap();
    let deployed = fixture.finish(left).await;
    assert_eq!(
        deployed.unwrap().deployment.fingerprint(),
        plan.fingerprint()
    );
    assert_eq!(fixture.claim_of("d2"), plan.fingerprint());
}

#[tokio::test]
async fn a_deployment_that_was_proved_gets_its_fingerprint_to_finish_and_is_not_read_again() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let denied = Answer::error(403, "AccessDeniedException", "not now");
    fixture.script("PATCH /v2/apis/a1/stages/test", [Some(denied)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    assert_eq!(fixture.claim_of("d2"), None);
    let n_readings = fixture.stub.count("GET /v2/apis/a1/routes");
    let left = failed.left_over().unwrap();
    fixture.finish(left).await.unwrap();
    assert_eq!(fixture.claim_of("d2"), plan.fingerprint());
    assert_eq!(fixture.stub.count("GET /v2/apis/a1/routes"), n_readings);
}
