//! Calls of a deploy or an undo whose answer was lost, with a connection that broke or in a silence without end: what was
//! done is looked for before anything is said of it.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use stagewire::{
    aws::{Control, Tuning},
    model::{
        Target,
        plan::{DeployFailure, DeployPlan, DraftCheck, Remains, StageUse},
        target::LocalTarget,
    },
    ops::deploy,
};
use tokio::net::TcpStream;

use crate::{
    deploy_weather::{Scene, check, quick_to_repeat},
    ops::new,
    support::gateway::Gateway,
};

/// The ways in which a call is lost.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// The connection breaks.
    Break,
    /// No answer comes for longer than the caller waits.
    Silence,
}

impl Loss {
    const ALL: [Loss; 2] = [Loss::Break, Loss::Silence];

    /// A scene in which the calls that are lost are lost in this way.
    async fn scene(self, gateway: &Gateway) -> Scene<'_> {
        let mut scene = Scene::at(gateway).await;
        if let Loss::Silence = self {
            let relay = silent_relay(gateway.address()).await;
            scene.deployer.control = impatient(relay).await;
        }
        scene
    }

    /// The words for a call that was lost in this way.
    fn says(self) -> &'static str {
        match self {
            Loss::Break => "connection closed before message completed",
            Loss::Silence => "did not answer in time",
        }
    }
}

/// Starts a relay to a gateway, which keeps to itself that the gateway has closed a connection.
async fn silent_relay(gateway: SocketAddr) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(gateway).await.unwrap();
            tokio::spawn(relay(client, server));
        }
    });
    address
}

/// Passes on what either end says, until the client ends it.
async fn relay(mut client: TcpStream, mut server: TcpStream) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let answers = async {
        tokio::io::copy(&mut from_server, &mut to_client).await.ok();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // However the client ends, nobody is there any more to whom something could be passed on.
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}

fn local(address: SocketAddr) -> Target {
    Target::Local(LocalTarget {
        address,
        region: "us-east-1".into(),
    })
}

/// A handle that gives a call up soon, though not before a busy machine could answer.
async fn impatient(address: SocketAddr) -> Control {
    let tuning = Tuning {
        attempt_timeout: Duration::from_millis(500),
        call_timeout: Duration::from_millis(1200),
        ..quick_to_repeat()
    };
    let control = Control::connect_tuned(&local(address), &tuning).await;
    control.unwrap()
}

/// Deploys while create-deployment is lost as the scene was told, and gives the failure.
async fn lose_creation(scene: &Scene<'_>, plan: &DeployPlan, loss: Loss) -> DeployFailure {
    scene.watch("CreateDeployment").await;
    let failed = scene.run(plan).await.unwrap_err();
    check(&failed.failure, loss.says());
    assert!(failed.failure.causes[0].starts_with("create-deployment: "));
    assert_eq!(scene.count("CreateDeployment").await, 0, "not once more");
    assert_eq!(scene.serves("test").await, scene.first);
    failed
}

#[tokio::test]
async fn a_creation_without_answer_that_made_nothing_is_told_as_nothing() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.plan().await;
        scene.lose_request("CreateDeployment").await;
        let failed = lose_creation(&scene, &plan, loss).await;
        check(&failed.failure, "no deployment was made");
        assert_eq!(failed.remains, Remains::Nothing);
    }
}

#[tokio::test]
async fn a_creation_without_answer_that_made_a_deployment_can_be_finished() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        // One that says the same was there before and is not taken for the new one.
        let plan = scene.plan().await;
        let before = scene.run(&plan).await.unwrap().deployment.id;
        scene.api.point("test", &scene.first).await;
        let same = plan.description().unwrap();
        scene.describe(&before, &same).await;
        let plan = scene.plan().await;
        scene.lose_answer("CreateDeployment").await;
        let failed = lose_creation(&scene, &plan, loss).await;
        let left = failed.left_over().unwrap();
        let says = format!("made all the same: it is {}", left.deployment_id);
        check(&failed.failure, &says);
        assert_eq!(left.stage_use, StageUse::NotServed);
        scene.finish(left).await.unwrap();
        assert_eq!(scene.serves("test").await, left.deployment_id.as_str());
    }
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_nobody_can_look() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.plan().await;
        scene.lose_request("CreateDeployment").await;
        scene.deny("GetDeployments").await;
        let failed = lose_creation(&scene, &plan, loss).await;
        assert_eq!(failed.remains, Remains::Unknown);
        let hint = failed.failure.hint.unwrap();
        assert!(hint.contains("get-deployments --endpoint-url"), "{hint}");
    }
}

#[tokio::test]
async fn a_creation_without_answer_is_unknown_when_somebody_else_made_the_same() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.plan().await;
        let deployed = scene.run(&plan).await.unwrap();
        scene.api.point("test", &scene.first).await;
        // Somebody else is on the same way, and not further.
        let same = plan.description().unwrap();
        scene.describe(&deployed.deployment.id, &same).await;
        scene.lose_answer("CreateDeployment").await;
        // By the plan of before, two of them are new.
        let failed = lose_creation(&scene, &plan, loss).await;
        check(&failed.failure, "nobody can tell them apart");
        assert_eq!(failed.remains, Remains::Unknown);
    }
}

#[tokio::test]
async fn a_lost_creation_that_says_nothing_is_not_taken_for_anybodys() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let mut scene = loss.scene(&gateway).await;
        scene.check = DraftCheck::AfterStage;
        let mut plan = scene.plan().await;
        plan.request.description = None;
        scene.lose_answer("CreateDeployment").await;
        let failed = lose_creation(&scene, &plan, loss).await;
        check(&failed.failure, "nobody can tell whose it is");
        assert_eq!(failed.remains, Remains::Unknown);
    }
}

#[tokio::test]
async fn a_creation_that_was_never_sent_changed_nothing() {
    let gateway = Gateway::lenient().await;
    let mut scene = Scene::at(&gateway).await;
    let plan = scene.plan().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = local(listener.local_addr().unwrap());
    drop(listener);
    scene.deployer.control = Control::connect(&nobody).await.unwrap();
    let control = &scene.deployer.control;
    let error = control.create_deployment(&plan.api.id, None).await;
    assert!(!error.unwrap_err().leaves_open());
    let failed = scene.run(&plan).await.unwrap_err();
    assert_eq!(failed.remains, Remains::Nothing);
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_looked_up_and_goes_on() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.plan().await;
        scene.lose_answer("UpdateStage").await;
        scene.watch("UpdateStage").await;
        let deployed = scene.run(&plan).await.unwrap();
        assert_eq!(deployed.previous.unwrap().as_str(), scene.first);
        assert_eq!(scene.count("UpdateStage").await, 0, "it is not repeated");
    }
}

#[tokio::test]
async fn an_update_that_was_lost_is_told_with_what_the_stage_serves() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.plan().await;
        scene.lose_request("UpdateStage").await;
        let failed = scene.run(&plan).await.unwrap_err();
        check(&failed.failure, loss.says());
        let left = failed.left_over().unwrap();
        let id = &left.deployment_id;
        check(
            &failed.failure,
            &format!("the stage serves {}, not {id}", scene.first),
        );
        assert_eq!(left.stage_use, StageUse::NotServed);
        scene.finish(left).await.unwrap();
        assert_eq!(scene.serves("test").await, id.as_str());
    }
}

#[tokio::test]
async fn a_stage_whose_creation_was_not_answered_is_looked_up_and_taken() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let plan = scene.try_plan(new("demo")).await.unwrap();
        scene.lose_answer("CreateStage").await;
        scene.watch("CreateStage").await;
        let deployed = scene.run(&plan).await.unwrap();
        assert_eq!(deployed.stage.name.as_str(), "demo");
        assert_eq!(scene.count("CreateStage").await, 0, "it is not repeated");
    }
}

#[tokio::test]
async fn an_undo_whose_answer_was_lost_is_looked_up() {
    for loss in Loss::ALL {
        let gateway = Gateway::lenient().await;
        let scene = loss.scene(&gateway).await;
        let control = &scene.deployer.control;
        let plan = scene.plan().await;
        let deployed = scene.run(&plan).await.unwrap();
        let undo = deployed.undo().unwrap();
        scene.lose_request("UpdateStage").await;
        let failure = deploy::repoint(control, &undo).await.unwrap_err();
        check(&failure, loss.says());
        let says = format!("the stage serves {} now", deployed.deployment.id);
        check(&failure, &says);
        scene.lose_answer("UpdateStage").await;
        deploy::repoint(control, &undo).await.unwrap();
        assert_eq!(scene.serves("test").await, scene.first);
    }
}
