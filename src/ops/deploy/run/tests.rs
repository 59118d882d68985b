//! The waits of a deploy: for a deployment that is not usable yet, and for a stage that is not found yet.
//!
//! A local gateway deploys at once, and here time must be short; what else may happen is tested against the gateway.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    steps::{PATIENCE, Polling},
    *,
};
use crate::{
    aws::stub::{CannedAnswer, Stub},
    model::{
        ApiId, DeploymentStatus, StageName,
        fixture::api,
        plan::{DeployRequest, StageChoice},
    },
};

const DEPLOYMENT: &str = "GET /v2/apis/a1/deployments/d2";

fn fast(polling: Polling) -> Polling {
    Polling {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        ..polling
    }
}

/// A control plane that gives these answers, the last one for ever.
async fn answering(answers: impl IntoIterator<Item = CannedAnswer>) -> Stub {
    let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
    Stub::start(move |_| {
        let mut answers = answers.lock().unwrap();
        match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        }
    })
    .await
}

fn is(status: &str) -> CannedAnswer {
    let deployment: Value = json!({
        "deploymentId": "d2", "deploymentStatus": status,
        "deploymentStatusMessage": "the model is no JSON Schema",
    });
    CannedAnswer::json(200, &deployment.to_string())
}

fn not_found() -> CannedAnswer {
    CannedAnswer::error(404, "NotFoundException", "Invalid identifier specified")
}

fn stage() -> StageName {
    StageName::parse("demo").unwrap()
}

fn deployment() -> Deployment {
    Deployment {
        id: DeploymentId::parse("d2").unwrap(),
        description: None,
        status: DeploymentStatus::Pending,
        status_message: None,
        auto_deployed: false,
        created_at: None,
    }
}

fn plan() -> DeployPlan {
    let api_id = ApiId::parse("a1").unwrap();
    DeployPlan {
        request: DeployRequest {
            api_id: api_id.clone(),
            api_name: "chat".into(),
            stage: StageChoice::New(stage()),
            description: None,
            check: DraftCheck::AfterStage,
        },
        api: api(api_id.as_str(), "chat"),
        draft: None,
        serves_now: None,
        known: Vec::new(),
        drift: crate::model::Drift::NothingDeployed,
        warnings: Vec::new(),
        steps: Vec::new(),
        commands: Vec::new(),
    }
}

/// Waits for the deployment that was just made.
async fn wait(stub: &Stub, polling: Polling) -> Result<Deployment, Failure> {
    let control = stub.control().await;
    steps::wait_for_deployed(&control, &plan(), deployment(), polling).await
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
    let stub = answering([is("PENDING"), is("WARMING_UP"), is("DEPLOYED")]).await;
    let deployed = wait(&stub, fast(PATIENCE.deployed)).await.unwrap();
    assert_eq!(deployed.status, DeploymentStatus::Deployed);
    assert_eq!(stub.count(DEPLOYMENT), 3);
}

#[tokio::test]
async fn a_deployment_that_fails_is_told_with_its_reason() {
    let stub = answering([is("PENDING"), is("FAILED")]).await;
    let failure = wait(&stub, fast(PATIENCE.deployed)).await.unwrap_err();
    check(&failure, "the model is no JSON Schema");
}

#[tokio::test]
async fn a_deployment_that_stays_pending_is_given_up() {
    let stub = answering([is("PENDING")]).await;
    let polling = Polling {
        limit: Duration::from_millis(10),
        ..fast(PATIENCE.deployed)
    };
    let failure = wait(&stub, polling).await.unwrap_err();
    check(&failure, "is still PENDING");
}

#[tokio::test]
async fn a_deployment_that_is_not_found_at_once_is_asked_for_again() {
    let stub = answering([not_found(), is("DEPLOYED")]).await;
    wait(&stub, fast(PATIENCE.deployed)).await.unwrap();
    assert_eq!(stub.count(DEPLOYMENT), 2);
}

#[tokio::test]
async fn a_stage_that_is_not_found_is_not_waited_for_for_ever() {
    let line = "GET /v2/apis/a1/stages/demo";
    let made = json!({ "stageName": "demo", "deploymentId": "d2" });
    let stub = answering([CannedAnswer::json(200, &made.to_string()), not_found()]).await;
    let control = stub.control().await;
    let api = ApiId::parse("a1").unwrap();
    let confirmed = control.stage(&api, &stage()).await.unwrap();
    let polling = Polling {
        limit: Duration::ZERO,
        ..fast(PATIENCE.read_back)
    };
    let id = deployment().id;
    let checked = steps::check(&control, &plan(), &id, confirmed, polling).await;
    let (_, warnings) = checked.unwrap();
    assert!(
        warnings[0].contains("could not be read back"),
        "{warnings:?}"
    );
    assert_eq!(stub.count(line), 2, "made, and looked for once");
}
