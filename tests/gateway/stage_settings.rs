//! Changes of a stage's settings over the real SDK: what is sent, what is told of it, and what somebody else changed.

use serde_json::json;
use stagewire::{
    model::{
        Stage,
        file::{StageFile, stage_file},
        stage_update::StageUpdate,
    },
    ops::stages,
};

use crate::{
    ops::{Deployer, full_api, id, name, new},
    support::gateway::{Api, Gateway},
};

async fn test_stage(deployer: &Deployer, api: &Api<'_>) -> Stage {
    deployer
        .control
        .stage(&id(api), &name("test"))
        .await
        .unwrap()
}

fn update(api: &Api<'_>, stage: &Stage, change: impl FnOnce(&mut StageFile)) -> StageUpdate {
    let from = stage_file(stage);
    let mut to = from.clone();
    change(&mut to);
    StageUpdate {
        api_id: id(api),
        stage: name("test"),
        from,
        to,
    }
}

#[tokio::test]
async fn settings_are_changed_as_told_and_nothing_else_is() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("test")).await;
    let before = test_stage(&deployer, &api).await;
    let update = update(&api, &before, |to| {
        to.description = Some("the demo".into());
        to.default_route_settings.throttling_rate_limit = Some(0.0);
        to.default_route_settings.logging_level = Some("INFO".into());
    });
    let commands = stages::commands(&deployer.control, &update);
    let expected = format!(
        "aws apigatewayv2 update-stage --endpoint-url http://{} --region us-east-1 --api-id {} --stage-name test \
         --default-route-settings '{{\"LoggingLevel\":\"INFO\",\"ThrottlingRateLimit\":0.0}}' --description 'the demo'",
        gateway.address(),
        api.id
    );
    assert_eq!(commands, [expected]);
    assert_eq!(test_stage(&deployer, &api).await, before);

    stages::update(&deployer.control, &update).await.unwrap();
    let after = test_stage(&deployer, &api).await;
    assert_eq!(stage_file(&after), update.to);
    assert_eq!(after.deployment_id, before.deployment_id);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_found_out_by_a_look() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("test")).await;
    let before = test_stage(&deployer, &api).await;
    let burst = update(&api, &before, |to| {
        to.default_route_settings.throttling_burst_limit = Some(9);
    });
    let lost = json!({ "operation": "UpdateStage", "drop": "request" });
    gateway.control("POST", "/_stagewire/faults", lost).await;
    let failure = stages::update(&deployer.control, &burst).await.unwrap_err();
    assert!(
        failure
            .causes
            .iter()
            .any(|it| it == "defaultRouteSettings.throttlingBurstLimit is 5000 now"),
        "{failure}"
    );
    let lost = json!({ "operation": "UpdateStage", "drop": "answer" });
    gateway.control("POST", "/_stagewire/faults", lost).await;
    stages::update(&deployer.control, &burst).await.unwrap();
    // Ordered once more, it is done already, by nobody else.
    stages::update(&deployer.control, &burst).await.unwrap();
    let after = test_stage(&deployer, &api).await;
    assert_eq!(stage_file(&after), burst.to);
}

#[tokio::test]
async fn a_setting_that_somebody_else_changed_is_not_overwritten() {
    let gateway = Gateway::start().await;
    let api = full_api(&gateway).await;
    let deployer = Deployer::at(&gateway).await;
    deployer.deploy(&api, new("test")).await;
    let before = test_stage(&deployer, &api).await;
    let burst = |limit| {
        update(&api, &before, |to| {
            to.default_route_settings.throttling_burst_limit = Some(limit);
        })
    };
    stages::update(&deployer.control, &burst(7)).await.unwrap();
    let failure = stages::update(&deployer.control, &burst(9))
        .await
        .unwrap_err();
    assert_eq!(
        failure.title,
        "Cannot change the settings of stage \"test\""
    );
    assert_eq!(
        failure.causes,
        ["somebody else changed defaultRouteSettings.throttlingBurstLimit: it is 7 now, not 5000"]
    );
    // Whoever changes another setting meets nobody.
    let described = update(&api, &before, |to| to.description = Some("mine".into()));
    stages::update(&deployer.control, &described).await.unwrap();
    let settings = test_stage(&deployer, &api).await.default_route_settings;
    assert_eq!(settings.unwrap().throttling_burst_limit, Some(7));
}
