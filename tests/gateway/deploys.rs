//! The two ways of a deploy, with and without waiting for a reading of the draft, and either at the pace that AWS allows.

use serde_json::json;
use stagewire::{
    aws::{Control, Tuning},
    model::{
        Draft, Drift,
        pace::{CallLimits, Priority},
        plan::{DeployProgress, DeployStep, Deployed, DraftCheck, Unproved},
    },
    ops::{
        deploy,
        reading::{self, Unfinished},
    },
};

use crate::{
    ops::{Deployer, existing, full_api, id, name, new, target},
    support::gateway::{Api, Gateway},
};

impl Deployer {
    /// Deploys to `prod` without waiting for a reading.
    async fn deploy_at_once(&self, api: &Api<'_>) -> Deployed {
        let check = DraftCheck::AfterStage;
        let plan = self.plan_to(api, existing("prod"), check).await;
        let deployed = self.carry_out(&plan, |_| {}).await;
        deployed.unwrap()
    }

    async fn draft(&self, api: &Api<'_>) -> Draft {
        let reading = reading::draft(&self.control, &id(api), &Unfinished::default()).await;
        reading.draft.unwrap()
    }

    async fn prove(&self, unproved: &Unproved) {
        let proved = deploy::prove(&self.control, &self.journal, unproved).await;
        proved.unwrap();
    }
}

#[tokio::test]
async fn a_deploy_at_once_is_proved_by_an_equal_reading_behind_it() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let (here, elsewhere) = (Deployer::at(&gateway).await, Deployer::at(&gateway).await);
    here.deploy(&api, new("prod")).await;
    api.mock("leave", "left").await;
    let deployed = here.deploy_at_once(&api).await;
    for deployer in [&here, &elsewhere] {
        assert_eq!(deployer.drift(&api, "prod").await, Drift::Unknown);
    }
    let unproved = deployed.unproved.unwrap();
    assert!(unproved.is_proved_by(&here.draft(&api).await));
    here.prove(&unproved).await;
    for deployer in [&here, &elsewhere] {
        assert_eq!(deployer.drift(&api, "prod").await, Drift::UpToDate);
    }
    let deployments = here.read(&api).await.deployments;
    let titles: Vec<_> = deployments.iter().map(|it| it.title()).collect();
    assert_eq!(titles, [Some("add join"); 2]);
    api.mock("stay", "stayed").await;
    let Drift::Changes(changes) = here.drift(&api, "prod").await else {
        panic!("this machine has proved what it holds");
    };
    assert_eq!(changes.len(), 1, "{changes:?}");
}

#[tokio::test]
async fn a_deploy_at_once_stays_unknown_when_somebody_edits_the_draft_behind_it() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("prod")).await;
    let unproved = deployer.deploy_at_once(&api).await.unproved.unwrap();
    api.mock("leave", "left").await;
    assert!(!unproved.is_proved_by(&deployer.draft(&api).await));
    assert_eq!(deployer.drift(&api, "prod").await, Drift::Unknown);
}

#[tokio::test]
async fn a_deploy_at_once_without_an_earlier_reading_has_nothing_to_prove() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("prod")).await;
    let check = DraftCheck::AfterStage;
    let mut plan = deployer.plan_to(&api, existing("prod"), check).await;
    plan.draft = None;
    let deployed = deployer.carry_out(&plan, |_| {}).await;
    assert_eq!(deployed.unwrap().unproved, None);
    assert_eq!(deployer.drift(&api, "prod").await, Drift::Unknown);
    // The next deploy that waits knows again.
    deployer.deploy(&api, existing("prod")).await;
    assert_eq!(deployer.drift(&api, "prod").await, Drift::UpToDate);
}

#[tokio::test]
async fn a_deploy_that_waits_puts_nothing_on_the_stage_that_was_not_planned() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    let first = deployer.deploy(&api, new("prod")).await;
    let check = DraftCheck::BeforeStage;
    let plan = deployer.plan_to(&api, existing("prod"), check).await;
    api.mock("leave", "left").await;
    let failed = deployer.carry_out(&plan, |_| {}).await;
    let failed = failed.unwrap_err();
    let causes = failed.failure.causes.join(" ");
    assert!(causes.contains("somebody changed the API"), "{causes}");
    let stage = deployer
        .control
        .stage(&id(&api), &name("prod"))
        .await
        .unwrap();
    assert_eq!(stage.deployment_id, Some(first.deployment.id));
}

/// An API of thirty two-way routes whose stage `prod` serves something.
async fn thirty_routes(gateway: &Gateway) -> Api<'_> {
    let api = gateway.api().await;
    for idx in 0..30 {
        api.mock(&format!("route{idx}"), "x").await;
    }
    api.deploy("prod").await;
    api
}

/// Lets the gateway take calls as AWS does, so many times faster, from now on.
async fn keep_to_rates(gateway: &Gateway, time_scale: f64) {
    for (path, body) in [
        ("time-scale", json!({ "timeScale": time_scale })),
        ("strictness", json!({ "awsRates": true })),
    ] {
        let path = format!("/_stagewire/{path}");
        let put = gateway.call("PUT", &path, body.to_string()).await;
        assert_eq!(put.status, 200, "{put:?}");
    }
}

async fn control(gateway: &Gateway, limits: CallLimits) -> Control {
    let tuning = Tuning {
        limits,
        ..Tuning::default()
    };
    let control = Control::connect_tuned(&target(gateway), &tuning).await;
    control.unwrap().at(Priority::Act)
}

#[tokio::test]
async fn a_deploy_that_knows_the_pace_is_never_refused_for_it() {
    let gateway = Gateway::lenient().await;
    let api = thirty_routes(&gateway).await;
    keep_to_rates(&gateway, 50.0).await;
    let limits = CallLimits {
        per_second: Some(10.0 * 50.0),
        burst: Some(40.0),
        share: None,
    };
    let deployer = Deployer::with(control(&gateway, limits).await);
    let pace = deployer.control.pace();
    let mut n_expected = Vec::new();
    for check in [DraftCheck::BeforeStage, DraftCheck::AfterStage] {
        let plan = deployer.plan_to(&api, existing("prod"), check).await;
        let report = |progress: DeployProgress| {
            // A refusal would have lowered it, for fifty calls.
            assert_eq!(deployer.control.pace(), pace);
            if progress.step == DeployStep::KeepDefinition {
                n_expected.extend(progress.reading.map(|reading| reading.n_expected));
            }
        };
        let deployed = deployer.carry_out(&plan, report).await;
        let is_proved = deployed.unwrap().deployment.fingerprint().is_some();
        assert_eq!(is_proved, check == DraftCheck::BeforeStage);
    }
    // One reading: the lists, each in one page, and a call for each route and integration.
    assert_eq!(n_expected.into_iter().max(), Some(5 + 30 + 30));
}

#[tokio::test]
async fn a_second_deploy_waits_until_aws_takes_another_and_says_so() {
    let gateway = Gateway::lenient().await;
    let api = thirty_routes(&gateway).await;
    let deployer = Deployer::with(control(&gateway, CallLimits::default()).await);
    let check = DraftCheck::AfterStage;
    let mut plan = deployer.plan_to(&api, existing("prod"), check).await;
    keep_to_rates(&gateway, 5.0).await;
    let mut held_up = Vec::new();
    for _ in 0..2 {
        let report = |progress: DeployProgress| {
            let reading = progress.reading.and_then(|reading| reading.held_up);
            held_up.extend(reading.map(|it| (progress.step, it.operation)));
        };
        let deployed = deployer.carry_out(&plan, report).await;
        plan.serves_now = Some(deployed.unwrap().deployment.id);
    }
    held_up.dedup();
    let expected = (DeployStep::CreateDeployment, "create-deployment");
    assert_eq!(held_up, [expected]);
    assert_eq!(
        deployer.control.pace(),
        None,
        "it says nothing of other calls"
    );
}
