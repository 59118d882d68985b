//! A deploy whose deployment is not usable yet, and one whose stage is not found yet.
//!
//! A local gateway deploys at once, and here time must be short; everything else is tested against the gateway.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;

use super::{
    steps::{PATIENCE, Polling},
    *,
};
use crate::{
    aws::stub::{CannedAnswer, Stub},
    model::{ApiId, Drift, StageName, fixture::api, plan::DeployRequest},
    ops::deploy::clean_up,
};

const CREATE: &str = "POST /v2/apis/a1/deployments";
const DEPLOYMENT: &str = "GET /v2/apis/a1/deployments/d2";
const DELETE: &str = "DELETE /v2/apis/a1/deployments/d2";
const STAGES: &str = "GET /v2/apis/a1/stages";
const STAGE: &str = "GET /v2/apis/a1/stages/test";
const UPDATE: &str = "PATCH /v2/apis/a1/stages/test";

/// The longest time that a deploy here may take: less than the usual patience.
const DEADLINE: Duration = Duration::from_secs(5);

/// The usual patience in small.
const FAST: Patience = Patience {
    deployed: fast(PATIENCE.deployed),
    read_back: fast(PATIENCE.read_back),
    ..PATIENCE
};

const fn fast(polling: Polling) -> Polling {
    Polling {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        ..polling
    }
}

/// The answers to the calls of each line, in turn; the last one for ever.
type Answers = HashMap<&'static str, VecDeque<CannedAnswer>>;

/// A deploy to the stage `test`, which serves `d1`, of a control plane that gives canned answers.
struct Fixture {
    answers: Arc<Mutex<Answers>>,
    stub: Stub,
    control: Control,
    journal: Journal,
    _dir: tempfile::TempDir,
    plan: DeployPlan,
    patience: Patience,
    stop: CancellationToken,
}

impl Fixture {
    async fn new() -> Self {
        let answers = Arc::new(Mutex::new(Answers::new()));
        let known = Arc::clone(&answers);
        let stub = Stub::start(move |call| next(&mut known.lock().unwrap(), &call.line)).await;
        let dir = tempfile::tempdir().unwrap();
        let fixture = Self {
            answers,
            control: stub.control().await,
            stub,
            journal: Journal::new(dir.path().join("journal")),
            _dir: dir,
            plan: plan(),
            patience: FAST,
            stop: CancellationToken::new(),
        };
        fixture.say(CREATE, [is("PENDING")]);
        fixture.say(STAGE, [serves("d1"), serves("d2")]);
        fixture.say(UPDATE, [serves("d2")]);
        fixture
    }

    /// From now on the calls of a line are answered so.
    fn say(&self, line: &'static str, answers: impl IntoIterator<Item = CannedAnswer>) {
        let answers = answers.into_iter().collect();
        self.answers.lock().unwrap().insert(line, answers);
    }

    async fn run(&self) -> Result<Deployed, DeployFailure> {
        let mut job = Job {
            patience: self.patience,
            ..Job::new(&self.control, &self.journal, &self.plan, &self.stop, |_| {})
        };
        let outcome = tokio::time::timeout(DEADLINE, job.run()).await;
        outcome.expect("a deploy ends when its patience does")
    }

    /// Deploys, and gives the failure, which has left a deployment that no stage serves.
    async fn failure(&self) -> (Failure, LeftOver) {
        let failed = self.run().await.unwrap_err();
        assert_eq!(self.stub.count(UPDATE), 0, "the stage is left alone");
        let left = failed.left_over().unwrap().clone();
        assert_eq!(left.deployment_id.as_str(), "d2");
        assert_eq!(left.stage_use, StageUse::NotServed);
        (failed.failure, left)
    }

    async fn finish(&self, left: &LeftOver) -> Result<Deployed, DeployFailure> {
        let go_on = CancellationToken::new();
        finish(&self.control, &self.journal, left, &go_on, |_| {}).await
    }
}

fn next(answers: &mut Answers, line: &str) -> CannedAnswer {
    match answers.get_mut(line) {
        Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
        Some(answers) => answers[0].clone(),
        None => not_found(),
    }
}

fn is(status: &str) -> CannedAnswer {
    let deployment = json!({
        "deploymentId": "d2", "deploymentStatus": status,
        "deploymentStatusMessage": "the model is no JSON Schema",
    });
    CannedAnswer::json(200, &deployment.to_string())
}

fn serves(deployment: &str) -> CannedAnswer {
    let stage = json!({ "stageName": "test", "deploymentId": deployment });
    CannedAnswer::json(200, &stage.to_string())
}

fn not_found() -> CannedAnswer {
    CannedAnswer::error(404, "NotFoundException", "Invalid identifier specified")
}

fn plan() -> DeployPlan {
    let api_id = ApiId::parse("a1").unwrap();
    DeployPlan {
        api: api(api_id.as_str(), "chat"),
        request: DeployRequest {
            api_id,
            api_name: "chat".into(),
            stage: StageChoice::Existing(StageName::parse("test").unwrap()),
            description: None,
            check: DraftCheck::AfterStage,
        },
        draft: None,
        serves_now: Some(DeploymentId::parse("d1").unwrap()),
        known: Vec::new(),
        drift: Drift::Unknown,
        warnings: Vec::new(),
        steps: Vec::new(),
        commands: Vec::new(),
    }
}

#[track_caller]
fn check(failure: &Failure, says: &str) {
    let causes = failure.causes.join("\n");
    assert!(causes.contains(says), "{failure}");
    assert!(failure.title.starts_with("Cannot "), "{failure}");
    assert!(failure.hint.is_some(), "{failure}");
}

#[tokio::test]
async fn a_deployment_is_asked_for_until_it_is_deployed() {
    let fixture = Fixture::new().await;
    fixture.say(
        DEPLOYMENT,
        [is("PENDING"), is("WARMING_UP"), is("DEPLOYED")],
    );
    let deployed = fixture.run().await.unwrap();
    assert_eq!(deployed.deployment.status.as_str(), "DEPLOYED");
    assert_eq!(deployed.warnings, [""; 0]);
    let calls = fixture.stub.calls();
    let lines: Vec<&str> = calls.iter().map(|call| call.line.as_str()).collect();
    let [asked @ .., look, update, read_back] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(asked, [CREATE, DEPLOYMENT, DEPLOYMENT, DEPLOYMENT]);
    assert_eq!([*look, *update, *read_back], [STAGE, UPDATE, STAGE]);
}

#[tokio::test]
async fn a_deployment_that_fails_is_told_with_its_reason_and_can_be_cleaned_up() {
    let fixture = Fixture::new().await;
    fixture.say(DEPLOYMENT, [is("PENDING"), is("FAILED")]);
    fixture.say(DELETE, [CannedAnswer::json(204, ""), not_found()]);
    let (failure, left) = fixture.failure().await;
    check(&failure, "the model is no JSON Schema");
    let stage = json!({ "stageName": "test", "deploymentId": "d1" });
    let stages = json!({ "items": [stage] });
    fixture.say(STAGES, [CannedAnswer::json(200, &stages.to_string())]);
    clean_up(&fixture.control, &left).await.unwrap();
    assert_eq!(fixture.stub.count(DELETE), 1);
    // Once more is no failure: what was wanted is so.
    clean_up(&fixture.control, &left).await.unwrap();
    assert_eq!(fixture.stub.count(DELETE), 2);
}

#[tokio::test]
async fn a_deployment_that_stays_pending_is_given_up_and_can_be_finished() {
    let mut fixture = Fixture::new().await;
    fixture.patience.deployed.limit = Duration::from_millis(10);
    fixture.say(DEPLOYMENT, [is("PENDING")]);
    let (failure, left) = fixture.failure().await;
    check(&failure, "is still PENDING");
    fixture.say(DEPLOYMENT, [is("DEPLOYED")]);
    let deployed = fixture.finish(&left).await.unwrap();
    assert_eq!(deployed.stage.deployment_id, Some(left.deployment_id));
    assert_eq!(fixture.stub.count(UPDATE), 1);
    assert_eq!(fixture.stub.count(CREATE), 1, "no second deployment");
}

#[tokio::test]
async fn a_wait_for_a_deployment_ends_at_once_when_somebody_wants_to_end() {
    let fixture = Fixture::new().await;
    fixture.say(DEPLOYMENT, [is("PENDING"), CannedAnswer::never()]);
    let stop = async {
        while fixture.stub.count(DEPLOYMENT) < 2 {
            tokio::task::yield_now().await;
        }
        fixture.stop.cancel();
    };
    let ((failure, _), ()) = tokio::join!(fixture.failure(), stop);
    assert!(failure.causes[0].contains("interrupted"), "{failure}");
    assert_eq!(fixture.stub.count(STAGE), 0, "it is not even looked at");
}

#[tokio::test]
async fn a_deployment_that_is_not_found_at_once_is_asked_for_again() {
    let fixture = Fixture::new().await;
    fixture.say(DEPLOYMENT, [not_found(), is("DEPLOYED")]);
    fixture.run().await.unwrap();
    assert_eq!(fixture.stub.count(DEPLOYMENT), 2);
}

#[tokio::test]
async fn a_stage_that_is_not_found_is_not_waited_for_for_ever() {
    let mut fixture = Fixture::new().await;
    fixture.patience.read_back.limit = Duration::ZERO;
    fixture.say(CREATE, [is("DEPLOYED")]);
    fixture.say(STAGE, [serves("d1"), not_found()]);
    let warnings = fixture.run().await.unwrap().warnings;
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(warning.contains("could not be read back"), "{warning}");
    assert_eq!(
        fixture.stub.count(STAGE),
        2,
        "before it was moved, and behind it once"
    );
}
