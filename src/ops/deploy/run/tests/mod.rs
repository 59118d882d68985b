//! A deploy against bad weather: whatever happens half way, what exists afterwards is told and can be dealt with.
//!
//! Good weather is tested against the local gateway; the world here keeps just enough to be disturbed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};

use super::{steps::Polling, *};
use crate::{
    aws::stub::{Answer, Call, Stub, control_at, quick_to_repeat},
    model::{
        ApiId, Fingerprint, StageName,
        plan::{DeployRequest, Repoint},
    },
    ops::{
        deploy::{account, clean_up, plan, repoint},
        reading::{self, Unfinished},
    },
};

mod at_once;
mod interrupted;
mod lost_creation;
mod proof;

const FAST: Patience = Patience {
    deployed: fast(PATIENCE.deployed),
    read_back: fast(PATIENCE.read_back),
    after_stop: Duration::from_millis(10),
};

const fn fast(polling: Polling) -> Polling {
    Polling {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        ..polling
    }
}

/// The control plane: what it holds, and how it shall misbehave.
#[derive(Default)]
struct World {
    /// The deployment that each stage serves.
    stages: BTreeMap<String, Option<String>>,
    auto_deploy: bool,
    routes: Vec<&'static str>,
    /// Description and status by id.
    deployments: BTreeMap<String, (String, String)>,
    /// The statuses that a new deployment goes through.
    statuses: VecDeque<&'static str>,
    /// Answers for the calls of that line, in turn; `None` lets one pass.
    script: BTreeMap<&'static str, VecDeque<Option<Answer>>>,
    /// Calls that are carried out once without ever being answered.
    lost: BTreeSet<&'static str>,
}

impl World {
    fn answer(&mut self, call: &Call) -> Answer {
        let answer = self.carry_out(call);
        if self.lost.remove(call.line.as_str()) {
            Answer::never()
        } else {
            answer
        }
    }

    fn carry_out(&mut self, call: &Call) -> Answer {
        let scripted = self.script.get_mut(call.line.as_str());
        if let Some(Some(answer)) = scripted.and_then(VecDeque::pop_front) {
            return answer;
        }
        let path = call.line.replace("/v2/apis/a1", "");
        let words: Vec<&str> = path.split([' ', '/']).collect();
        let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
        match words.as_slice() {
            ["GET", ""] => ok(
                &json!({"apiId": "a1", "name": "chat", "protocolType": "WEBSOCKET",
                "apiEndpoint": "wss://a1", "routeSelectionExpression": "$request.body.action"}),
            ),
            ["GET", "", "routes"] => {
                let route = |(idx, key): (usize, &&str)| json!({"routeId": format!("r{idx}"), "routeKey": key});
                list(self.routes.iter().enumerate().map(route).collect())
            }
            ["GET", "", "stages"] => {
                list(self.stages.keys().map(|name| self.stage(name)).collect())
            }
            ["GET", "", "stages", name] if self.stages.contains_key(*name) => ok(&self.stage(name)),
            ["GET", "", "stages", _] => Answer::error(
                404,
                "NotFoundException",
                "Invalid stage identifier specified",
            ),
            ["PATCH", "", "stages", name] => {
                let id = body["deploymentId"].as_str().map(str::to_owned);
                self.stages.insert((*name).to_owned(), id);
                ok(&self.stage(name))
            }
            ["POST", "", "stages"] => {
                let name = body["stageName"].as_str().unwrap();
                let id = body["deploymentId"].as_str().map(str::to_owned);
                self.stages.insert(name.to_owned(), id);
                Answer::json(201, &self.stage(name).to_string())
            }
            ["POST", "", "deployments"] => {
                let id = format!("d{}", self.deployments.len() + 1);
                let status = self.statuses.pop_front().unwrap_or("DEPLOYED");
                let description = body["description"].as_str().unwrap_or_default();
                self.deployments
                    .insert(id.clone(), (description.to_owned(), status.to_owned()));
                Answer::json(201, &self.deployment(&id).to_string())
            }
            ["GET", "", "deployments", id] if self.deployments.contains_key(*id) => {
                if let Some(status) = self.statuses.pop_front() {
                    self.deployments.get_mut(*id).unwrap().1 = status.to_owned();
                }
                ok(&self.deployment(id))
            }
            ["PATCH", "", "deployments", id] if self.deployments.contains_key(*id) => {
                let description = body["description"].as_str().unwrap().to_owned();
                self.deployments.get_mut(*id).unwrap().0 = description;
                ok(&self.deployment(id))
            }
            ["DELETE", "", "deployments", id] => match self.deployments.remove(*id) {
                Some(_) => Answer::json(204, ""),
                None => Answer::error(
                    404,
                    "NotFoundException",
                    "Invalid Deployment identifier specified",
                ),
            },
            ["GET", "", "deployments"] => list(
                self.deployments
                    .keys()
                    .map(|id| self.deployment(id))
                    .collect(),
            ),
            ["GET", "", _] => list(Vec::new()),
            _ => Answer::error(404, "NotFoundException", "what is that"),
        }
    }

    fn stage(&self, name: &str) -> Value {
        json!({"stageName": name, "deploymentId": self.stages[name], "autoDeploy": self.auto_deploy})
    }

    fn deployment(&self, id: &str) -> Value {
        let (description, status) = &self.deployments[id];
        json!({"deploymentId": id, "description": description, "deploymentStatus": status,
            "deploymentStatusMessage": "the model is no JSON Schema"})
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(200, &body.to_string())
}

fn list(items: Vec<Value>) -> Answer {
    ok(&json!({ "items": Value::Array(items) }))
}

struct Fixture {
    world: Arc<Mutex<World>>,
    stub: Stub,
    control: Control,
    patience: Patience,
    check: DraftCheck,
    stop: CancellationToken,
    dir: tempfile::TempDir,
    journal: Journal,
}

impl Fixture {
    /// An API with one route, whose stage `test` serves `d1`.
    async fn new() -> Self {
        let world = World {
            stages: BTreeMap::from([("test".to_owned(), Some("d1".to_owned()))]),
            routes: vec!["$default"],
            deployments: BTreeMap::from([(
                "d1".to_owned(),
                ("by hand".to_owned(), "DEPLOYED".to_owned()),
            )]),
            ..World::default()
        };
        let world = Arc::new(Mutex::new(world));
        let answers = Arc::clone(&world);
        let stub = Stub::start(move |call| answers.lock().unwrap().answer(call)).await;
        let dir = tempfile::tempdir().unwrap();
        Self {
            world,
            control: stub.control().await,
            patience: FAST,
            check: DraftCheck::BeforeStage,
            stop: CancellationToken::new(),
            stub,
            journal: Journal::new(dir.path().join("journal")),
            dir,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn script(&self, line: &'static str, answers: impl IntoIterator<Item = Option<Answer>>) {
        self.world()
            .script
            .insert(line, answers.into_iter().collect());
    }

    async fn try_plan(&self, stage: StageChoice) -> Result<DeployPlan, Failure> {
        let request = DeployRequest {
            api_id: ApiId::parse("a1").unwrap(),
            api_name: "chat".into(),
            stage,
            description: Some("add join".into()),
            check: self.check,
        };
        let api = self.control.api(&request.api_id).await;
        let api = api.map_err(|error| error.failure("Cannot read the API"))?;
        let unfinished = Unfinished::default();
        let detail = reading::all(&self.control, &self.journal, api, &unfinished).await;
        plan(self.control.target(), &detail, &request)
    }

    async fn plan(&self) -> DeployPlan {
        self.try_plan(existing("test")).await.unwrap()
    }

    async fn run(&self, plan: &DeployPlan) -> Result<Deployed, DeployFailure> {
        self.run_telling(plan, |_| {}).await
    }

    async fn run_telling(
        &self,
        plan: &DeployPlan,
        report: impl FnMut(DeployProgress),
    ) -> Result<Deployed, DeployFailure> {
        // As `run`, less patient.
        let mut job = Job {
            control: &self.control,
            journal: &self.journal,
            plan,
            patience: self.patience,
            stage_use: StageUse::NotServed,
            stop: self.stop.clone(),
            made: None,
            frozen: None,
            behind: None,
            report,
        };
        job.run().await
    }

    async fn finish(&self, left: &LeftOver) -> Result<Deployed, DeployFailure> {
        let go_on = CancellationToken::new();
        finish(&self.control, &self.journal, left, &go_on, |_| {}).await
    }

    /// Carries that call out, and never answers it, once.
    fn lose(&self, line: &'static str) {
        self.world().lost.insert(line);
    }

    /// The fingerprint that a deployment carries.
    fn claim_of(&self, id: &str) -> Option<Fingerprint> {
        Fingerprint::find_in(&self.world().deployments[id].0)
    }

    fn serves(&self, stage: &str) -> Option<String> {
        self.world().stages[stage].clone()
    }
}

fn existing(stage: &str) -> StageChoice {
    StageChoice::Existing(StageName::parse(stage).unwrap())
}

fn new(stage: &str) -> StageChoice {
    StageChoice::New(StageName::parse(stage).unwrap())
}

#[track_caller]
fn check(failure: &Failure, says: &str) {
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
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let mut told = Vec::new();
    let report = |progress: DeployProgress| told.push(progress);
    let deployed = fixture.run_telling(&plan, report).await.unwrap();
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
    assert_eq!(reading.map(|reading| reading.n_expected).max(), Some(5));
    assert_eq!(deployed.deployment.title(), Some("add join"));
    assert_eq!(deployed.deployment.fingerprint(), plan.fingerprint());
    assert_eq!(deployed.warnings, [""; 0]);
    assert_eq!(fixture.serves("test").as_deref(), Some("d2"));
    assert_eq!(files_in(fixture.dir.path()), 1);
}

#[tokio::test]
async fn a_deployment_is_asked_for_until_it_is_deployed() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.world().statuses = VecDeque::from(["PENDING", "PENDING", "WARMING_UP", "DEPLOYED"]);
    fixture.run(&plan).await.unwrap();
    assert_eq!(fixture.stub.count("GET /v2/apis/a1/deployments/d2"), 3);
}

#[tokio::test]
async fn a_deployment_that_fails_is_told_with_its_reason_and_can_be_cleaned_up() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.world().statuses = VecDeque::from(["PENDING", "FAILED"]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "the model is no JSON Schema");
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    let left = failed.left_over().unwrap().clone();
    assert_eq!(left.deployment_id.as_str(), "d2");
    clean_up(&fixture.control, &left).await.unwrap();
    assert!(!fixture.world().deployments.contains_key("d2"));
    // Once more is no failure: what was wanted is so.
    clean_up(&fixture.control, &left).await.unwrap();
}

#[tokio::test]
async fn a_deployment_that_stays_pending_is_given_up_and_can_be_finished() {
    let mut fixture = Fixture::new().await;
    fixture.patience.deployed.limit = Duration::from_millis(10);
    let plan = fixture.plan().await;
    fixture.world().statuses = VecDeque::from(["PENDING"]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "is still PENDING");
    fixture.world().statuses = VecDeque::from(["DEPLOYED"]);
    let left = failed.left_over().unwrap().clone();
    let deployed = fixture.finish(&left).await.unwrap();
    assert_eq!(deployed.stage.deployment_id, Some(left.deployment_id));
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/deployments"), 1);
}

#[tokio::test]
async fn a_stage_that_somebody_else_moved_is_left_alone() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d9".into()));
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "it serves d9 now, not d1");
    assert_eq!(fixture.serves("test").as_deref(), Some("d9"));
    assert!(failed.left_over().is_some());
    assert_eq!(
        files_in(fixture.dir.path()),
        1,
        "what the deployment holds is known"
    );
}

#[tokio::test]
async fn an_update_that_fails_half_way_can_be_finished() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    // Once: an update that may have been carried out is not repeated by itself.
    let oops = Answer::error(500, "InternalServerError", "oops");
    fixture.script("PATCH /v2/apis/a1/stages/test", [Some(oops)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "update-stage: oops");
    check(&failed.failure, "the stage serves d1, not d2");
    let left = failed.left_over().unwrap().clone();
    let deployed = fixture.finish(&left).await.unwrap();
    assert_eq!(deployed.previous.unwrap().as_str(), "d1");
    assert_eq!(fixture.serves("test").as_deref(), Some("d2"));
    let refused = clean_up(&fixture.control, &left).await.unwrap_err();
    check(&refused, "stage \"test\" serves it");
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_looked_up_and_goes_on() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.control = fixture.stub.impatient_control().await;
    fixture.lose("PATCH /v2/apis/a1/stages/test");
    let deployed = fixture.run(&plan).await.unwrap();
    assert_eq!(deployed.previous.unwrap().as_str(), "d1");
    assert_eq!(fixture.stub.count("PATCH /v2/apis/a1/stages/test"), 1);
}

#[tokio::test]
async fn a_stage_whose_creation_was_not_answered_is_looked_up_and_taken() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.try_plan(new("demo")).await.unwrap();
    fixture.control = fixture.stub.impatient_control().await;
    fixture.lose("POST /v2/apis/a1/stages");
    let deployed = fixture.run(&plan).await.unwrap();
    assert_eq!(deployed.stage.name.as_str(), "demo");
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/stages"), 1);
}

#[tokio::test]
async fn a_stage_that_was_not_created_after_all_is_told_as_absent() {
    let fixture = Fixture::new().await;
    let plan = fixture.try_plan(new("demo")).await.unwrap();
    let oops = Answer::error(500, "InternalServerError", "oops");
    fixture.script("POST /v2/apis/a1/stages", [Some(oops)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "there is no such stage");
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::NotServed);
}

#[tokio::test]
async fn a_stage_that_cannot_be_read_after_an_update_without_answer_is_told_as_unknown() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let oops = || {
        Some(Answer::error(
            403,
            "AccessDeniedException",
            "not yours to read",
        ))
    };
    fixture.script(
        "PATCH /v2/apis/a1/stages/test",
        [Some(Answer::error(500, "InternalServerError", "oops"))],
    );
    fixture.script("GET /v2/apis/a1/stages/test", [None, oops()]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "the stage cannot be read");
    let left = failed.left_over().unwrap();
    assert_eq!(left.stage_use, StageUse::Unknown);
    let hint = failed.failure.hint.as_deref().unwrap();
    assert!(hint.contains("get-stage"), "{hint}");
    // What was unknown stays unknown when finishing it sees no more.
    fixture.script("GET /v2/apis/a1/stages/test", [oops()]);
    let again = fixture.finish(left).await;
    let again = again.unwrap_err();
    assert_eq!(again.left_over().unwrap().stage_use, StageUse::Unknown);
}

#[tokio::test]
async fn a_stage_that_moved_right_after_the_update_is_told() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let elsewhere = ok(&json!({"stageName": "test", "deploymentId": "d9"}));
    fixture.script("GET /v2/apis/a1/stages/test", [None, Some(elsewhere)]);
    let failed = fixture.run(&plan).await.unwrap_err();
    check(&failed.failure, "pointed at d2 and serves d9 now");
}

#[tokio::test]
async fn a_stage_that_cannot_be_read_back_does_not_undo_the_deploy() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let denied = Answer::error(403, "AccessDeniedException", "not yours to read");
    fixture.script("GET /v2/apis/a1/stages/test", [None, Some(denied)]);
    let deployed = fixture.run(&plan).await.unwrap();
    assert!(
        deployed.warnings[0].contains("could not be read back"),
        "{deployed:?}"
    );
    assert_eq!(deployed.stage.deployment_id.unwrap().as_str(), "d2");
}

#[tokio::test]
async fn a_stage_that_was_made_a_moment_ago_is_waited_for() {
    let mut fixture = Fixture::new().await;
    let not_yet = || {
        let message = "Invalid stage identifier specified";
        Some(Answer::error(404, "NotFoundException", message))
    };
    let line = "GET /v2/apis/a1/stages/demo";
    fixture.script(line, [not_yet(), not_yet()]);
    let plan = fixture.try_plan(new("demo")).await.unwrap();
    let deployed = fixture.run(&plan).await.unwrap();
    assert_eq!(deployed.warnings, [""; 0]);
    assert_eq!(fixture.stub.count(line), 3);
    // It is waited for no longer than that.
    fixture.patience.read_back.limit = Duration::ZERO;
    fixture.script(line, [not_yet()]);
    fixture.world().stages.remove("demo");
    let deployed = fixture.run(&plan).await.unwrap();
    assert!(
        deployed.warnings[0].contains("could not be read back"),
        "{deployed:?}"
    );
}

#[tokio::test]
async fn a_deployment_that_is_not_found_at_once_is_asked_for_again() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    fixture.world().statuses = VecDeque::from(["PENDING", "DEPLOYED"]);
    let message = "Invalid Deployment identifier specified";
    let not_yet = Answer::error(404, "NotFoundException", message);
    let line = "GET /v2/apis/a1/deployments/d2";
    fixture.script(line, [Some(not_yet)]);
    fixture.run(&plan).await.unwrap();
    assert_eq!(fixture.stub.count(line), 2);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_does_not_undo_the_deploy() {
    let fixture = Fixture::new().await;
    std::fs::write(fixture.dir.path().join("journal"), "in the way").unwrap();
    let plan = fixture.plan().await;
    let deployed = fixture.run(&plan).await.unwrap();
    assert!(
        deployed.warnings[0].contains("journal was not written"),
        "{deployed:?}"
    );
    // Other machines know what it holds all the same.
    assert_eq!(fixture.claim_of("d2"), plan.fingerprint());
}

#[tokio::test]
async fn a_stage_that_was_created_unseen_is_taken_and_a_foreign_one_is_not() {
    let fixture = Fixture::new().await;
    let plan = fixture.try_plan(new("demo")).await.unwrap();
    let exists = || {
        Some(Answer::error(
            409,
            "ConflictException",
            "Stage already exists",
        ))
    };
    fixture.script("POST /v2/apis/a1/stages", [exists(), exists()]);
    fixture
        .world()
        .stages
        .insert("demo".into(), Some("d2".into()));
    let deployed = fixture.run(&plan).await.unwrap();
    assert_eq!(deployed.undo(), None);
    fixture
        .world()
        .stages
        .insert("demo".into(), Some("d9".into()));
    let failed = fixture.run(&plan).await.unwrap_err();
    check(
        &failed.failure,
        "somebody else created the stage meanwhile; it serves d9",
    );
    assert!(failed.left_over().is_some());
}

#[tokio::test]
async fn what_cannot_succeed_is_refused_before_anything_is_made() {
    let fixture = Fixture::new().await;
    let denied = Answer::error(403, "AccessDeniedException", "not yours to read");
    fixture.script("GET /v2/apis/a1/routes", [Some(denied)]);
    let failure = fixture.try_plan(existing("test")).await.unwrap_err();
    assert_eq!(failure.title, "Cannot deploy \"chat\" to stage \"test\"");
    let failure = fixture.try_plan(existing("prod")).await.unwrap_err();
    check(&failure, "no such stage; it has test");
    let failure = fixture.try_plan(new("test")).await.unwrap_err();
    check(&failure, "a stage of that name exists, serving d1");
    for idx in 1..10 {
        fixture.world().stages.insert(format!("s{idx}"), None);
    }
    let failure = fixture.try_plan(new("eleventh")).await.unwrap_err();
    check(&failure, "10 stages");
    fixture.world().auto_deploy = true;
    let failure = fixture.try_plan(existing("test")).await.unwrap_err();
    check(&failure, "autoDeploy");
    fixture.world().routes.clear();
    let failure = fixture.try_plan(existing("test")).await.unwrap_err();
    check(&failure, "no routes");
    assert_eq!(fixture.stub.count("POST /v2/apis/a1/deployments"), 0);
}

#[tokio::test]
async fn a_plan_says_what_a_person_should_know_first() {
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("Route $default has no integration"));
    fixture.run(&plan).await.unwrap();
    let again = fixture.plan().await;
    assert!(
        again.warnings[1].contains("Nothing changed since d2"),
        "{:?}",
        again.warnings
    );
    let address = fixture.stub.address;
    let options = format!("--endpoint-url http://{address} --region us-east-1 --api-id a1");
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
    let fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let deployed = fixture.run(&plan).await.unwrap();
    let undo: Repoint = deployed.undo().unwrap();
    let address = fixture.stub.address;
    assert_eq!(
        undo.command,
        format!(
            "aws apigatewayv2 update-stage --endpoint-url http://{address} --region us-east-1 --api-id a1 --stage-name test --deployment-id d1"
        )
    );
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d9".into()));
    let failure = repoint(&fixture.control, &undo).await.unwrap_err();
    check(&failure, "it serves d9 now, not d2");
    fixture
        .world()
        .stages
        .insert("test".into(), Some("d2".into()));
    repoint(&fixture.control, &undo).await.unwrap();
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
    // Once more is no failure: the stage serves what it shall.
    repoint(&fixture.control, &undo).await.unwrap();
    fixture.world().auto_deploy = true;
    let failure = repoint(&fixture.control, &undo).await.unwrap_err();
    check(&failure, "autoDeploy");
    let hint = failure.hint.unwrap();
    assert!(hint.contains("--endpoint-url http"), "{hint}");
    assert!(
        hint.ends_with("--stage-name test --no-auto-deploy"),
        "{hint}"
    );
}

#[tokio::test]
async fn an_undo_whose_answer_was_lost_is_looked_up() {
    let mut fixture = Fixture::new().await;
    let plan = fixture.plan().await;
    let undo = fixture.run(&plan).await.unwrap().undo().unwrap();
    fixture.control = fixture.stub.impatient_control().await;
    let update = "PATCH /v2/apis/a1/stages/test";
    fixture.script(update, [Some(Answer::never())]);
    let failure = repoint(&fixture.control, &undo).await.unwrap_err();
    check(&failure, "the stage serves d2 now");
    fixture.script(update, []);
    fixture.lose(update);
    repoint(&fixture.control, &undo).await.unwrap();
    assert_eq!(fixture.serves("test").as_deref(), Some("d1"));
}
