//! The jobs over the real SDK against the local gateway: deploy, drift, undo, and what the control plane itself refuses.

use jiff::Timestamp;
use serde_json::json;
use stagewire::{
    aws::{Control, ErrorKind},
    gateway::Options,
    model::{
        ApiDetail, ApiId, Definition, DeploymentId, Drift, FailureKind, StageName, Target,
        plan::{
            DeployFailure, DeployPlan, DeployProgress, DeployRequest, Deployed, DraftCheck,
            StageChoice,
        },
        target::LocalTarget,
    },
    ops::{
        Journal, deploy, find,
        journal::{Entry, JournalDir},
        pull,
        reading::{self, Unfinished},
    },
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    connect,
    gateway::{Api, Gateway},
};

/// All of an API, of which everything can be read.
pub(crate) async fn read_api(control: &Control, journal: &Journal, api: &ApiId) -> ApiDetail {
    let api = control.api(api).await.unwrap();
    let read = reading::all(control, journal, api, &Unfinished::default()).await;
    let failures: Vec<_> = read.failures().collect();
    assert!(failures.is_empty(), "{failures:#?}");
    read
}

/// The draft of an API that was read.
pub(crate) fn draft(detail: &ApiDetail) -> &Definition {
    &detail.draft.as_ref().unwrap().definition
}

/// The jobs of one machine, with its journal, on one gateway.
pub(crate) struct Deployer {
    pub(crate) control: Control,
    pub(crate) journal: Journal,
    /// The directory of its journal.
    pub(crate) dir: tempfile::TempDir,
}

impl Deployer {
    pub(crate) async fn at(gateway: &Gateway) -> Deployer {
        Deployer::with(connect(&target(gateway)).await)
    }

    pub(crate) fn with(control: Control) -> Deployer {
        let dir = tempfile::tempdir().unwrap();
        Deployer {
            control,
            journal: Journal::new(dir.path().join("journal")),
            dir,
        }
    }

    pub(crate) async fn read(&self, api: &Api<'_>) -> ApiDetail {
        read_api(&self.control, &self.journal, &id(api)).await
    }

    pub(crate) async fn drift(&self, api: &Api<'_>, stage: &str) -> Drift {
        let mut detail = self.read(api).await;
        detail.drift.remove(&name(stage)).unwrap()
    }

    /// The drift of each stage of a demo API, in the stages' order.
    async fn demo_drift(&self, api: &str) -> Vec<(&'static str, Drift)> {
        let api = find::find_api(&self.control, api).await.unwrap();
        let read = read_api(&self.control, &self.journal, &api.id).await;
        let mut drift = read.drift;
        ["live", "prod", "test"]
            .into_iter()
            .filter_map(|stage| Some((stage, drift.remove(&name(stage))?)))
            .collect()
    }

    async fn plan(&self, api: &Api<'_>, stage: StageChoice) -> DeployPlan {
        self.plan_to(api, stage, DraftCheck::BeforeStage).await
    }

    pub(crate) async fn plan_to(
        &self,
        api: &Api<'_>,
        stage: StageChoice,
        check: DraftCheck,
    ) -> DeployPlan {
        let request = DeployRequest {
            api_id: id(api),
            api_name: "chat".into(),
            stage,
            description: Some("add join".into()),
            check,
        };
        let detail = self.read(api).await;
        deploy::plan(self.control.target(), &detail, &request).unwrap()
    }

    pub(crate) async fn deploy(&self, api: &Api<'_>, stage: StageChoice) -> Deployed {
        let plan = self.plan(api, stage).await;
        self.carry_out(&plan, |_| {}).await.unwrap()
    }

    /// Deploys as planned; nobody stops it.
    pub(crate) async fn carry_out(
        &self,
        plan: &DeployPlan,
        report: impl FnMut(DeployProgress),
    ) -> Result<Deployed, DeployFailure> {
        let stop = CancellationToken::new();
        deploy::run(&self.control, &self.journal, plan, &stop, report).await
    }
}

/// A gateway as a target.
pub(crate) fn target(gateway: &Gateway) -> Target {
    Target::Local(LocalTarget {
        address: gateway.address(),
        region: "us-east-1".into(),
    })
}

pub(crate) fn id(api: &Api<'_>) -> ApiId {
    ApiId::parse(&api.id).unwrap()
}

pub(crate) fn name(stage: &str) -> StageName {
    StageName::parse(stage).unwrap()
}

pub(crate) fn new(stage: &str) -> StageChoice {
    StageChoice::New(name(stage))
}

pub(crate) fn existing(stage: &str) -> StageChoice {
    StageChoice::Existing(name(stage))
}

/// An API that has every kind of part that a definition is made of on a local gateway.
pub(crate) async fn full_api(gateway: &Gateway) -> Api<'_> {
    let api = gateway.api().await;
    api.mock("$default", "what?").await;
    api.mock("join", "joined").await;
    let proxy = api.proxy("http://127.0.0.1:9/backend").await;
    api.route("send", Some(&proxy)).await;
    api.route("$connect", None).await;
    api
}

#[tokio::test]
async fn a_deploy_to_a_new_stage_is_up_to_date_and_serves() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    let deployed = deployer.deploy(&api, new("test")).await;
    assert_eq!(deployed.warnings, [""; 0]);
    assert_eq!(deployed.stage.name, name("test"));
    assert_eq!(
        deployed.stage.deployment_id,
        Some(deployed.deployment.id.clone())
    );
    assert_eq!(deployed.undo(), None);
    assert_eq!(deployer.drift(&api, "test").await, Drift::UpToDate);
    gateway.settle().await;
    gateway.connect(&api.stage_path("test")).await;
}

#[tokio::test]
async fn drift_is_told_before_the_deploy_and_gone_after_it() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("prod")).await;
    api.mock("leave", "left").await;
    let Drift::Changes(changes) = deployer.drift(&api, "prod").await else {
        panic!("this machine deployed it and knows what it holds");
    };
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("+ route leave"), "{lines:?}");
    deployer.deploy(&api, existing("prod")).await;
    assert_eq!(deployer.drift(&api, "prod").await, Drift::UpToDate);
}

#[tokio::test]
async fn another_machine_knows_whether_and_not_what() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let here = Deployer::at(&gateway).await;
    let elsewhere = Deployer::at(&gateway).await;
    here.deploy(&api, new("prod")).await;
    assert_eq!(elsewhere.drift(&api, "prod").await, Drift::UpToDate);
    api.mock("leave", "left").await;
    assert_eq!(elsewhere.drift(&api, "prod").await, Drift::Different);
    api.deploy("by-hand").await;
    assert_eq!(here.drift(&api, "by-hand").await, Drift::Unknown);
    api.control("POST", "stages", json!({ "stageName": "bare" }))
        .await;
    assert_eq!(here.drift(&api, "bare").await, Drift::NothingDeployed);
}

#[tokio::test]
async fn undo_points_the_stage_back_and_the_drift_returns() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    let first = deployer.deploy(&api, new("prod")).await;
    api.mock("leave", "left").await;
    let second = deployer.deploy(&api, existing("prod")).await;
    assert_eq!(second.previous, Some(first.deployment.id.clone()));
    let undo = second.undo().unwrap();
    deploy::repoint(&deployer.control, &undo).await.unwrap();
    let stage = deployer
        .control
        .stage(&id(&api), &name("prod"))
        .await
        .unwrap();
    assert_eq!(stage.deployment_id, Some(first.deployment.id));
    assert!(matches!(
        deployer.drift(&api, "prod").await,
        Drift::Changes(_)
    ));
}

#[tokio::test]
async fn a_deploy_stops_when_somebody_moves_the_stage_and_can_be_cleaned_up() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("prod")).await;
    let plan = deployer.plan(&api, existing("prod")).await;
    let other = api.create_deployment().await;
    api.point("prod", &other).await;
    let failed = deployer.carry_out(&plan, |_| {}).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.failure.kind, FailureKind::User);
    assert!(
        failed.failure.causes[0].contains(&other),
        "{}",
        failed.failure
    );
    let left = failed.left_over().unwrap();
    deploy::clean_up(&deployer.control, left).await.unwrap();
    let gone = deployer
        .control
        .deployment(&id(&api), &left.deployment_id)
        .await;
    assert_eq!(gone.unwrap_err().kind, ErrorKind::NotFound);
    let stage = deployer
        .control
        .stage(&id(&api), &name("prod"))
        .await
        .unwrap();
    assert_eq!(stage.deployment_id.unwrap().as_str(), other);
}

#[tokio::test]
async fn what_the_control_plane_refuses_is_told_by_kind() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let deployer = Deployer::at(&gateway).await;
    let control = &deployer.control;
    let api_id = id(&api);
    let refused = control.create_deployment(&api_id, None).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Refused);
    assert!(refused.message.contains("At least one route"), "{refused}");
    api.mock("$default", "what?").await;
    let deployment = DeploymentId::parse(&api.create_deployment().await).unwrap();
    for idx in 0..10 {
        let stage = name(&format!("s{idx}"));
        control
            .create_stage(&api_id, &stage, &deployment)
            .await
            .unwrap();
    }
    let stage = name("s10");
    let refused = control
        .create_stage(&api_id, &stage, &deployment)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Quota, "{refused}");
    let refused = control
        .create_stage(&api_id, &name("s0"), &deployment)
        .await
        .unwrap_err();
    assert_ne!(refused.kind, ErrorKind::Other, "{refused}");
    let refused = control
        .delete_deployment(&api_id, &deployment)
        .await
        .unwrap_err();
    assert!(refused.message.contains("Active stages"), "{refused}");
    assert!(refused.request_id.is_some());
    let nowhere = ApiId::parse("zzzzzzzzzz").unwrap();
    let unknown = control.stages(&nowhere).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn apis_are_found_by_id_and_by_a_name_that_only_one_has() {
    let gateway = Gateway::start().await;
    let one = gateway.api().await;
    let deployer = Deployer::at(&gateway).await;
    let found = find::find_api(&deployer.control, "test").await.unwrap();
    assert_eq!(found.id.as_str(), one.id);
    let other = gateway.api().await;
    let failure = find::find_api(&deployer.control, "test").await.unwrap_err();
    assert!(failure.causes[0].contains(&one.id), "{failure}");
    assert!(failure.causes[0].contains(&other.id), "{failure}");
    let found = find::find_api(&deployer.control, &other.id).await.unwrap();
    assert_eq!(found.id.as_str(), other.id);
    let failure = find::find_api(&deployer.control, "tset").await.unwrap_err();
    assert!(failure.hint.unwrap().contains("test"));
}

#[tokio::test]
async fn all_pages_of_a_long_list_are_read() {
    let gateway = Gateway::start().await;
    let api = gateway.api().await;
    let mock = api.mock_integration(200, "x").await;
    for idx in 0..60 {
        api.route(&format!("route{idx:02}"), Some(&mock)).await;
    }
    let deployer = Deployer::at(&gateway).await;
    let detail = deployer.read(&api).await;
    assert_eq!(detail.routes.len(), 60);
    assert!(detail.routes.is_sorted_by_key(|route| route.key.clone()));
    assert_eq!(draft(&detail).routes.len(), 60);
}

#[tokio::test]
async fn two_reads_of_one_draft_have_one_fingerprint() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    let first = deployer.read(&api).await;
    let second = deployer.read(&api).await;
    let (first, second) = (draft(&first), draft(&second));
    assert_eq!(first, second);
    assert_eq!(first.fingerprint(), second.fingerprint());
    let join = &first.routes["join"];
    assert!(join.responses.contains_key("$default"), "{join:?}");
    assert!(!join.integration.as_ref().unwrap().responses.is_empty());
}

#[tokio::test]
async fn the_demo_says_what_it_deployed_as_this_program_would() {
    let gateway = Gateway::with(Options::default()).await;
    let deployer = Deployer::at(&gateway).await;
    assert_eq!(
        deployer.demo_drift("ticker").await,
        [("live", Drift::UpToDate)]
    );
    let chat = [("prod", Drift::Different), ("test", Drift::Different)];
    assert_eq!(deployer.demo_drift("chat").await, chat);
}

#[tokio::test]
async fn whoever_planted_the_demo_knows_how_many_changes_each_stage_lacks() {
    let gateway = Gateway::with(Options::default()).await;
    let deployer = Deployer::at(&gateway).await;
    let journal_dir = JournalDir::of(&deployer.control);
    for seeded in gateway.running.seeded() {
        let entry = Entry {
            api_id: seeded.api_id.clone(),
            deployment_id: seeded.deployment_id.clone(),
            definition: seeded.definition.clone(),
            description: seeded.description.clone(),
            deployed_at: Timestamp::UNIX_EPOCH,
            stage: None,
            previous: None,
        };
        deployer.journal.record(&journal_dir, &entry).unwrap();
    }
    let drift = deployer.demo_drift("chat").await;
    let counts: Vec<(&str, String)> = drift
        .iter()
        .map(|(stage, drift)| (*stage, drift.short_text()))
        .collect();
    assert_eq!(counts, [("prod", "3".to_owned()), ("test", "1".to_owned())]);
    assert_eq!(
        deployer.demo_drift("ticker").await,
        [("live", Drift::UpToDate)]
    );
}

#[tokio::test]
async fn settings_of_a_route_that_is_gone_are_told_and_not_pulled() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let gone = api.route("gone", None).await;
    let throttle = json!({ "throttlingRateLimit": 1.0 });
    let stage =
        json!({ "stageName": "prod", "routeSettings": { "gone": throttle, "join": throttle } });
    api.control("POST", "stages", stage).await;
    api.control("DELETE", &format!("routes/{gone}"), json!(null))
        .await;
    let deployer = Deployer::at(&gateway).await;
    let pulled = pull::pull(&deployer.control, &api.id).await.unwrap();
    assert_eq!(
        pulled.warnings,
        [
            "stage prod has settings for gone, which is no route of this API any more; the file leaves them out"
        ]
    );
    let keys = pulled.file.stages[&name("prod")].route_settings.keys();
    assert_eq!(keys.collect::<Vec<_>>(), ["join"]);
}
