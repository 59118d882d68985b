//! A deploy against bad weather: whatever happens half way, what exists afterwards is told and can be dealt with.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use stagewire::{
    aws::{Control, Tuning},
    model::{
        ApiId, Deployment, DeploymentId, Failure, Fingerprint,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, DeployStep, Deployed,
            DraftCheck, LeftOver, Repoint, StageChoice, StageUse, StepState,
        },
    },
    ops::{
        deploy,
        reading::{self, Unfinished},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    ops::{Deployer, existing, id, name, new, target},
    support::gateway::{Api, Gateway},
};

/// Calls that a counter counts before it ends.
const MOST_COUNTED: u64 = 1000;

/// An API with one route, whose stage `test` serves a deployment that somebody made by hand, and a machine that deploys it.
pub(crate) struct Scene<'g> {
    pub(crate) gateway: &'g Gateway,
    pub(crate) api: Api<'g>,
    pub(crate) deployer: Deployer,
    /// The deployment that was made by hand.
    pub(crate) first: String,
    pub(crate) check: DraftCheck,
    pub(crate) stop: CancellationToken,
}

impl<'g> Scene<'g> {
    pub(crate) async fn at(gateway: &'g Gateway) -> Self {
        let api = gateway.api().await;
        api.route("$default", None).await;
        let first = api.deploy("test").await;
        Self {
            gateway,
            api,
            deployer: Deployer::with(quick(gateway).await),
            first,
            check: DraftCheck::BeforeStage,
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn id(&self) -> ApiId {
        id(&self.api)
    }

    /// Lets the next calls of an operation go wrong, behind those that shall already.
    pub(crate) async fn fault(&self, operation: &str, how: Value) {
        let mut fault = how;
        fault["operation"] = json!(operation);
        let faults = "/_stagewire/faults";
        let taken = self.gateway.call("POST", faults, fault.to_string()).await;
        assert_eq!(taken.status, 201, "{taken:?}");
    }

    pub(crate) async fn deny(&self, operation: &str) {
        let denied = json!({ "status": 403, "message": "not yours to read" });
        self.fault(operation, denied).await;
    }

    /// Lets a call fail of which nobody knows whether it was carried out; it was not.
    pub(crate) async fn fail(&self, operation: &str) {
        let oops = json!({ "status": 500, "message": "oops" });
        self.fault(operation, oops).await;
    }

    /// Lets one call pass, in front of those that shall not.
    pub(crate) async fn pass(&self, operation: &str) {
        self.fault(operation, json!({ "delayInMillis": 1 })).await;
    }

    /// Never answers a call.
    pub(crate) async fn stall(&self, operation: &str) {
        let stalled = json!({ "delayInMillis": 600_000 });
        self.fault(operation, stalled).await;
    }

    /// Does not carry a call out, and breaks the connection.
    pub(crate) async fn lose_request(&self, operation: &str) {
        self.fault(operation, json!({ "drop": "request" })).await;
    }

    /// Carries a call out, and breaks the connection in place of the answer.
    pub(crate) async fn lose_answer(&self, operation: &str) {
        self.fault(operation, json!({ "drop": "answer" })).await;
    }

    /// Counts the calls of an operation from now on, behind those that shall go wrong.
    pub(crate) async fn watch(&self, operation: &str) {
        let counter = json!({ "delayInMillis": 1, "times": MOST_COUNTED });
        self.fault(operation, counter).await;
    }

    /// Returns the number of calls that were counted.
    pub(crate) async fn count(&self, operation: &str) -> u64 {
        let faults = self.gateway.call("GET", "/_stagewire/faults", "").await;
        let faults = faults.json();
        let faults = faults["items"].as_array().unwrap();
        let of_operation = faults.iter().rfind(|it| it["operation"] == operation);
        MOST_COUNTED - of_operation.unwrap()["times"].as_u64().unwrap()
    }

    pub(crate) async fn try_plan(&self, stage: StageChoice) -> Result<DeployPlan, Failure> {
        let request = DeployRequest {
            api_id: self.id(),
            api_name: "test".into(),
            stage,
            description: Some("add join".into()),
            check: self.check,
        };
        let control = &self.deployer.control;
        let api = control.api(&request.api_id).await.unwrap();
        let unfinished = Unfinished::default();
        let detail = reading::all(control, &self.deployer.journal, api, &unfinished).await;
        deploy::plan(control.target(), &detail, &request)
    }

    pub(crate) async fn plan(&self) -> DeployPlan {
        self.try_plan(existing("test")).await.unwrap()
    }

    pub(crate) async fn run(&self, plan: &DeployPlan) -> Result<Deployed, DeployFailure> {
        self.run_telling(plan, |_| {}).await
    }

    pub(crate) async fn run_telling(
        &self,
        plan: &DeployPlan,
        report: impl FnMut(DeployProgress),
    ) -> Result<Deployed, DeployFailure> {
        let Deployer {
            control, journal, ..
        } = &self.deployer;
        deploy::run(control, journal, plan, &self.stop, report).await
    }

    pub(crate) async fn finish(&self, left: &LeftOver) -> Result<Deployed, DeployFailure> {
        let Deployer {
            control, journal, ..
        } = &self.deployer;
        let go_on = CancellationToken::new();
        deploy::finish(control, journal, left, &go_on, |_| {}).await
    }

    pub(crate) async fn clean_up(&self, left: &LeftOver) -> Result<(), Failure> {
        deploy::clean_up(&self.deployer.control, left).await
    }

    /// The deployment that a stage serves.
    pub(crate) async fn serves(&self, stage: &str) -> String {
        let stage = self.deployer.control.stage(&self.id(), &name(stage)).await;
        stage.unwrap().deployment_id.unwrap().to_string()
    }

    pub(crate) async fn deployments(&self) -> Vec<Deployment> {
        let listed = self.deployer.control.deployments(&self.id()).await;
        listed.unwrap().items
    }

    /// The description of a deployment.
    pub(crate) async fn description(&self, deployment: &DeploymentId) -> Option<String> {
        let deployment = self
            .deployer
            .control
            .deployment(&self.id(), deployment)
            .await;
        deployment.unwrap().description
    }

    pub(crate) async fn describe(&self, deployment: &DeploymentId, text: &str) {
        let path = format!("deployments/{deployment}");
        let body = json!({ "description": text });
        self.api.control("PATCH", &path, body).await;
    }

    /// The fingerprint that a deployment carries.
    pub(crate) async fn claim_of(&self, deployment: &DeploymentId) -> Option<Fingerprint> {
        Fingerprint::find_in(&self.description(deployment).await?)
    }

    /// Returns the number of files of the journal.
    pub(crate) fn n_kept(&self) -> usize {
        files_in(self.deployer.dir.path())
    }
}

/// A handle that repeats without pauses to speak of.
pub(crate) async fn quick(gateway: &Gateway) -> Control {
    let control = Control::connect_tuned(&target(gateway), &quick_to_repeat()).await;
    control.unwrap()
}

/// The usual patience, without pauses between attempts to speak of.
pub(crate) fn quick_to_repeat() -> Tuning {
    Tuning {
        first_backoff: Duration::from_millis(1),
        ..Tuning::default()
    }
}

/// Does something while a deploy waits for its report to return. The test must have threads.
pub(crate) fn meanwhile<T>(what: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(what))
}

/// True for the beginning of a step.
pub(crate) fn begins(progress: &DeployProgress, step: DeployStep) -> bool {
    progress.step == step && progress.state == StepState::Running && progress.reading.is_none()
}

#[track_caller]
pub(crate) fn check(failure: &Failure, says: &str) {
    let causes = failure.causes.join("\n");
    assert!(causes.contains(says), "{failure}");
    assert!(failure.title.starts_with("Cannot "), "{failure}");
    assert!(failure.hint.is_some(), "{failure}");
}

fn files_in(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let count = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() { files_in(&path) } else { 1 }
    };
    entries.map(count).sum()
}

#[tokio::test]
async fn every_step_is_told_in_order() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let mut told = Vec::new();
    let report = |progress: DeployProgress| told.push(progress);
    let deployed = scene.run_telling(&plan, report).await.unwrap();
    let started: Vec<DeployStep> = told
        .iter()
        .filter(|progress| progress.state == StepState::Running && progress.reading.is_none())
        .map(|progress| progress.step)
        .collect();
    assert_eq!(started, plan.steps);
    let ended = told
        .iter()
        .filter(|progress| progress.state != StepState::Running);
    assert_eq!(ended.count(), plan.steps.len());
    let reading = told
        .iter()
        .filter(|progress| progress.step == DeployStep::KeepDefinition)
        .filter_map(|progress| progress.reading);
    // The five lists, and the responses of the one route.
    assert_eq!(reading.map(|reading| reading.n_expected).max(), Some(6));
    assert_eq!(deployed.deployment.title(), Some("add join"));
    assert_eq!(deployed.deployment.fingerprint(), plan.fingerprint());
    assert_eq!(deployed.warnings, [""; 0]);
    assert_eq!(scene.serves("test").await, deployed.deployment.id.as_str());
    assert_eq!(scene.n_kept(), 1);
}

#[tokio::test]
async fn a_stage_that_somebody_else_moved_is_left_alone() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let other = scene.api.create_deployment().await;
    scene.api.point("test", &other).await;
    let failed = scene.run(&plan).await.unwrap_err();
    let says = format!("it serves {other} now, not {}", scene.first);
    check(&failed.failure, &says);
    assert_eq!(scene.serves("test").await, other);
    assert_eq!(scene.n_kept(), 1, "what the deployment holds is known");
    let left = failed.left_over().unwrap();
    scene.clean_up(left).await.unwrap();
    let is_there = |it: &Deployment| it.id == left.deployment_id;
    assert!(!scene.deployments().await.iter().any(is_there));
    // Once more is no failure: what was wanted is so.
    scene.clean_up(left).await.unwrap();
}

#[tokio::test]
async fn an_update_that_fails_half_way_can_be_finished() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    // Once: an update that may have been carried out is not repeated by itself.
    scene.fail("UpdateStage").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "update-stage: oops");
    let left = failed.left_over().unwrap();
    let says = format!(
        "the stage serves {}, not {}",
        scene.first, left.deployment_id
    );
    check(&failed.failure, &says);
    let deployed = scene.finish(left).await.unwrap();
    assert_eq!(deployed.previous.unwrap().as_str(), scene.first);
    assert_eq!(scene.serves("test").await, left.deployment_id.as_str());
    let refused = scene.clean_up(left).await.unwrap_err();
    check(&refused, "stage \"test\" serves it");
}

#[tokio::test]
async fn a_stage_that_was_not_created_after_all_is_told_as_absent() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.try_plan(new("demo")).await.unwrap();
    scene.fail("CreateStage").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "there is no such stage");
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::NotServed);
}

#[tokio::test]
async fn a_stage_that_cannot_be_read_after_an_update_without_answer_is_told_as_unknown() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.fail("UpdateStage").await;
    scene.pass("GetStage").await;
    scene.deny("GetStage").await;
    let failed = scene.run(&plan).await.unwrap_err();
    check(&failed.failure, "the stage cannot be read");
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::Unknown);
    let hint = failed.failure.hint.as_deref().unwrap();
    assert!(hint.contains("get-stage"), "{hint}");
    // What was unknown stays unknown when finishing it sees no more.
    scene.deny("GetStage").await;
    let again = scene.finish(left).await.unwrap_err();
    assert_eq!(again.left_over().unwrap().stage_use, StageUse::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_moved_right_after_the_update_is_told() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let other = scene.api.create_deployment().await;
    let report = |progress: DeployProgress| {
        if begins(&progress, DeployStep::Check) {
            meanwhile(scene.api.point("test", &other));
        }
    };
    let failed = scene.run_telling(&plan, report).await.unwrap_err();
    let left = failed.left_over().unwrap();
    let says = format!("pointed at {} and serves {other} now", left.deployment_id);
    check(&failed.failure, &says);
}

#[tokio::test]
async fn a_stage_that_cannot_be_read_back_does_not_undo_the_deploy() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    scene.pass("GetStage").await;
    scene.deny("GetStage").await;
    let deployed = scene.run(&plan).await.unwrap();
    let warning = &deployed.warnings[0];
    assert!(warning.contains("could not be read back"), "{warning}");
    assert_eq!(deployed.stage.deployment_id, Some(deployed.deployment.id));
}

#[tokio::test]
async fn a_stage_that_was_made_a_moment_ago_is_waited_for() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.try_plan(new("demo")).await.unwrap();
    let not_yet =
        json!({ "status": 404, "message": "Invalid stage identifier specified", "times": 2 });
    scene.fault("GetStage", not_yet).await;
    scene.watch("GetStage").await;
    let deployed = scene.run(&plan).await.unwrap();
    assert_eq!(deployed.warnings, [""; 0]);
    assert_eq!(scene.count("GetStage").await, 1);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_does_not_undo_the_deploy() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    std::fs::write(scene.deployer.dir.path().join("journal"), "in the way").unwrap();
    let plan = scene.plan().await;
    let deployed = scene.run(&plan).await.unwrap();
    let warning = &deployed.warnings[0];
    assert!(warning.contains("journal was not written"), "{warning}");
    // Other machines know what it holds all the same.
    let claim = scene.claim_of(&deployed.deployment.id).await;
    assert_eq!(claim, plan.fingerprint());
}

/// Deploys to a new stage, which somebody makes just before the deploy would, serving what `serves` says.
async fn deploy_too_late(
    scene: &Scene<'_>,
    stage: &str,
    serves: impl Fn(&DeploymentId) -> String,
) -> Result<Deployed, DeployFailure> {
    let plan = scene.try_plan(new(stage)).await.unwrap();
    let report = |progress: DeployProgress| {
        if begins(&progress, DeployStep::CreateStage) {
            let serves = serves(&progress.deployment.unwrap());
            let body = json!({ "stageName": stage, "deploymentId": serves });
            meanwhile(scene.api.control("POST", "stages", body));
        }
    };
    scene.run_telling(&plan, report).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_was_created_unseen_is_taken_and_a_foreign_one_is_not() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let deployed = deploy_too_late(&scene, "ours", ToString::to_string).await;
    assert_eq!(deployed.unwrap().undo(), None);
    let failed = deploy_too_late(&scene, "foreign", |_| scene.first.clone()).await;
    let failed = failed.unwrap_err();
    let says = "somebody else created the stage meanwhile; it serves";
    check(&failed.failure, &format!("{says} {}", scene.first));
    assert!(failed.left_over().is_some());
}

#[tokio::test]
async fn what_cannot_succeed_is_refused_before_anything_is_made() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    scene.watch("CreateDeployment").await;
    scene.deny("GetRoutes").await;
    let failure = scene.try_plan(existing("test")).await.unwrap_err();
    assert_eq!(failure.title, "Cannot deploy \"test\" to stage \"test\"");
    let failure = scene.try_plan(existing("prod")).await.unwrap_err();
    check(&failure, "no such stage; it has test");
    let failure = scene.try_plan(new("test")).await.unwrap_err();
    let says = format!("a stage of that name exists, serving {}", scene.first);
    check(&failure, &says);
    for idx in 1..10 {
        let stage = json!({ "stageName": format!("s{idx}") });
        scene.api.control("POST", "stages", stage).await;
    }
    let failure = scene.try_plan(new("eleventh")).await.unwrap_err();
    check(&failure, "10 stages");
    scene.auto_deploy(true).await;
    let failure = scene.try_plan(existing("test")).await.unwrap_err();
    check(&failure, "autoDeploy");
    scene.auto_deploy(false).await;
    let routes = scene.api.control("GET", "routes", Value::Null).await;
    let route = routes["items"][0]["routeId"].as_str().unwrap();
    let path = format!("routes/{route}");
    scene.api.control("DELETE", &path, Value::Null).await;
    let failure = scene.try_plan(existing("test")).await.unwrap_err();
    check(&failure, "no routes");
    assert_eq!(scene.count("CreateDeployment").await, 0);
}

impl Scene<'_> {
    async fn auto_deploy(&self, is_on: bool) {
        let body = json!({ "autoDeploy": is_on });
        self.api.control("PATCH", "stages/test", body).await;
    }

    /// The options of a command that go to this API.
    fn options(&self) -> String {
        let (address, id) = (self.gateway.address(), &self.api.id);
        format!("--endpoint-url http://{address} --region us-east-1 --api-id {id}")
    }
}

#[tokio::test]
async fn a_plan_says_what_a_person_should_know_first() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("Route $default has no integration"));
    let deployed = scene.run(&plan).await.unwrap();
    let again = scene.plan().await;
    let says = format!("Nothing changed since {}", deployed.deployment.id);
    assert!(again.warnings[1].contains(&says), "{:?}", again.warnings);
    let options = scene.options();
    assert_eq!(
        again.commands,
        [
            format!("aws apigatewayv2 create-deployment {options} --description 'add join'"),
            format!(
                "aws apigatewayv2 update-stage {options} --stage-name test --deployment-id '<new>'"
            ),
        ]
    );
}

#[tokio::test]
async fn undo_moves_the_stage_back_unless_somebody_else_moved_it() {
    let gateway = Gateway::lenient().await;
    let scene = Scene::at(&gateway).await;
    let control = &scene.deployer.control;
    let plan = scene.plan().await;
    let deployed = scene.run(&plan).await.unwrap();
    let undo: Repoint = deployed.undo().unwrap();
    let (options, first) = (scene.options(), &scene.first);
    assert_eq!(
        undo.command,
        format!(
            "aws apigatewayv2 update-stage {options} --stage-name test --deployment-id {first}"
        )
    );
    let other = scene.api.create_deployment().await;
    scene.api.point("test", &other).await;
    let failure = deploy::repoint(control, &undo).await.unwrap_err();
    let ours = deployed.deployment.id.as_str();
    check(&failure, &format!("it serves {other} now, not {ours}"));
    scene.api.point("test", ours).await;
    deploy::repoint(control, &undo).await.unwrap();
    assert_eq!(scene.serves("test").await, scene.first);
    // Once more is no failure: the stage serves what it shall.
    deploy::repoint(control, &undo).await.unwrap();
    scene.auto_deploy(true).await;
    let failure = deploy::repoint(control, &undo).await.unwrap_err();
    check(&failure, "autoDeploy");
    let hint = failure.hint.unwrap();
    let expected = format!("{options} --stage-name test --no-auto-deploy");
    assert!(hint.ends_with(&expected), "{hint}");
}
