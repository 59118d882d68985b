//! Definitions as files on a target that answers as AWS was recorded and reported to: they are applied once and differ from
//! nothing afterwards, and what AWS does not do is said.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use stagewire::{
    model::StageName,
    ops::{apply::Extras, find},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    lambda::{options, told},
    pull_apply::{applied, control, normalized, planned, pulled, run},
    support::gateway::{Gateway, next_json, next_text},
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

fn file(more: &Value) -> String {
    let mut file = json!({ "name": "chat", "routeSelectionExpression": "$request.body.action" });
    for (member, value) in more.as_object().unwrap() {
        file[member] = value.clone();
    }
    file.to_string()
}

#[tokio::test]
async fn an_authorizer_gains_and_loses_each_member_and_differs_from_nothing() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let uri = format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
    );
    let full = json!({
        "authorizerType": "REQUEST",
        "authorizerUri": uri,
        "authorizerCredentialsArn": "arn:aws:iam::000000000000:role/r",
        "identitySource": ["route.request.header.Auth"],
        "identityValidationExpression": "^a+$",
    });
    let with = |authorizer: &Value| file(&json!({ "authorizers": { "who": authorizer } }));
    let without = |gone: &[&str]| {
        let mut authorizer = full.clone();
        for member in gone {
            authorizer.as_object_mut().unwrap().remove(*member);
        }
        with(&authorizer)
    };
    let optional = [
        "authorizerCredentialsArn",
        "identitySource",
        "identityValidationExpression",
    ];
    applied(&control, &without(&optional), Extras::Pruned).await;
    for text in [
        without(&[]),
        without(&optional[..1]),
        without(&optional[1..2]),
        without(&optional[2..]),
        without(&[]),
        without(&optional),
    ] {
        applied(&control, &text, Extras::Pruned).await;
        let there = normalized(&pulled(&control, "chat").await);
        assert_eq!(there, normalized(&text));
    }
}

#[tokio::test]
async fn a_lambda_integration_without_a_method_is_applied_once_whatever_it_was_before() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let with = |integration: &Value| {
        file(&json!({
            "integrations": { "r": integration },
            "routes": { "r": { "integration": "r" } },
        }))
    };
    let lambda = with(&json!({ "integrationType": "AWS_PROXY", "integrationUri": FUNCTION }));
    let mock = with(&json!({ "integrationType": "MOCK" }));
    for text in [&lambda, &mock, &lambda] {
        applied(&control, text, Extras::Pruned).await;
    }
    let there: Value = serde_json::from_str(&pulled(&control, "chat").await).unwrap();
    assert_eq!(there["integrations"]["r"]["integrationMethod"], "POST");
    assert_eq!(there["integrations"]["r"]["integrationUri"], FUNCTION);
}

#[tokio::test]
async fn a_stage_keeps_the_description_that_the_file_does_not_have_and_that_is_said() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let with = |stage: &Value| file(&json!({ "stages": { "prod": stage } }));
    let described = with(&json!({ "description": "old" }));
    applied(&control, &described, Extras::LeftAlone).await;
    let other = with(&json!({ "stageVariables": { "a": "1" } }));
    let plan = planned(&control, &other, Extras::LeftAlone).await;
    let says = "stage prod keeps its description, which API Gateway does not take away";
    assert_eq!(plan.notes, [says]);
    assert_eq!(plan.steps(), ["update-stage prod"]);
    assert_eq!(run(&control, &plan).await.unwrap().remaining, []);
    let again = planned(&control, &other, Extras::LeftAlone).await;
    assert!(again.is_empty(), "{:?}", again.steps());
    assert_eq!(again.notes, [says]);
    let there: Value = serde_json::from_str(&pulled(&control, "chat").await).unwrap();
    assert_eq!(there["stages"]["prod"]["description"], "old");
    let anew = with(&json!({ "description": "new" }));
    applied(&control, &anew, Extras::LeftAlone).await;
    assert_eq!(
        planned(&control, &anew, Extras::LeftAlone).await.notes,
        [""; 0]
    );
}

#[tokio::test]
async fn settings_of_predefined_routes_are_applied_and_pulled_before_the_routes_are_there() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let with =
        |settings: &Value| file(&json!({ "stages": { "prod": { "routeSettings": settings } } }));
    let text = with(&json!({
        "$connect": { "throttlingBurstLimit": 1 },
        "$default": { "throttlingRateLimit": 2.0 },
    }));
    applied(&control, &text, Extras::Pruned).await;
    let there = normalized(&pulled(&control, "chat").await);
    assert_eq!(there, normalized(&text));
    applied(&control, &with(&json!({})), Extras::Pruned).await;
}

#[tokio::test]
async fn a_stage_called_default_and_a_bare_function_are_applied_served_and_pulled() {
    let gateway = Gateway::with(options(&[told("f")], Duration::from_mins(1))).await;
    let control = control(&gateway).await;
    let text = file(&json!({
        "integrations": { "default": { "integrationType": "AWS_PROXY", "integrationUri": FUNCTION } },
        "routes": { "$default": { "integration": "default", "twoWay": true } },
        "stages": { "$default": { "autoDeploy": true } },
    }));
    applied(&control, &text, Extras::Pruned).await;
    let there = normalized(&pulled(&control, "chat").await);
    assert_eq!(there, normalized(&text));

    let api = find::find_api(&control, "chat").await.unwrap();
    let url = api.invoke_url(&StageName::parse("$default").unwrap());
    assert_eq!(
        url,
        format!("ws://{}/{}/$default", gateway.address(), api.id)
    );
    gateway.settle().await;
    let path = url
        .strip_prefix(&format!("ws://{}", gateway.address()))
        .unwrap();
    for path in [path.to_owned(), path.replace('$', "%24")] {
        let mut socket = gateway.connect(&path).await;
        socket.send(Message::text("{}")).await.unwrap();
        let answer = next_json(&mut socket).await;
        let context = &answer["event"]["requestContext"];
        assert_eq!(context["stage"], "$default");
        let client = context["connectionId"].as_str().unwrap();
        let callback = format!("{path}/@connections/{client}");
        let pushed = gateway.call("POST", &callback, "pushed").await;
        assert_eq!(pushed.status, 200, "{pushed:?}");
        assert_eq!(next_text(&mut socket).await, "pushed");
    }
}

#[tokio::test]
async fn a_route_that_answers_by_its_response_alone_is_pulled_applied_and_taken_back() {
    let gateway = Gateway::start().await;
    let control = control(&gateway).await;
    let with = |responses: &Value| {
        file(&json!({
            "integrations": { "r": { "integrationType": "MOCK" } },
            "routes": { "r": { "integration": "r", "responses": responses } },
        }))
    };
    let answers = with(&json!({ "$default": {} }));
    let silent = with(&json!({}));
    for (text, n_routes_that_answer) in [(&silent, 0), (&answers, 1), (&silent, 0)] {
        applied(&control, text, Extras::LeftAlone).await;
        let there = pulled(&control, "chat").await;
        assert_eq!(normalized(&there), normalized(text));
        assert_eq!(there.matches("responses").count(), n_routes_that_answer);
    }
}
