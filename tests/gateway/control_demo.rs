//! The demo as a machine that has never seen it before: what it may claim, and what it may not.

use stagewire::{
    aws::Control,
    gateway::Options,
    model::{Drift, StageName, Target, target::LocalTarget},
    ops::{Journal, find},
};

use crate::{ops::read_api, support::gateway::Gateway};

/// The drift of a stage, told from the fingerprints that the seeding wrote.
async fn drift(gateway: &Gateway, api: &str, stage: &str) -> Drift {
    let target = Target::Local(LocalTarget {
        address: gateway.address(),
        region: "us-east-1".into(),
    });
    let control = Control::connect(&target).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path().join("journal"));
    let api = find::find_api(&control, api).await.unwrap();
    let mut read = read_api(&control, &journal, &api.id).await;
    read.drift
        .remove(&StageName::parse(stage).unwrap())
        .unwrap()
}

#[tokio::test]
async fn the_demos_fingerprints_are_those_that_the_console_computes() {
    let gateway = Gateway::with(Options::default()).await;
    assert_eq!(drift(&gateway, "ticker", "live").await, Drift::UpToDate);
    assert_eq!(drift(&gateway, "chat", "test").await, Drift::Different);
    assert_eq!(drift(&gateway, "chat", "prod").await, Drift::Different);
}
