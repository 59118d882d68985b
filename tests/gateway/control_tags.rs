//! Tags through the real SDK, which sends a resource's ARN as one encoded segment of the path.

use std::collections::HashMap;

use aws_sdk_apigatewayv2::Client;
use serde_json::{Value, json};

use crate::{
    control::{api, check_refused, sdk},
    support::gateway::Gateway,
};

async fn tags(client: &Client, arn: &str) -> Vec<(String, String)> {
    let read = client.get_tags().resource_arn(arn).send().await.unwrap();
    let mut tags: Vec<_> = read.tags.unwrap().into_iter().collect();
    tags.sort();
    tags
}

fn texts(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = tags.iter();
    owned
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn tags_of_an_api_and_of_a_stage_are_read_merged_and_removed() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let id = api(&client).await;
    let stage = client.create_stage().api_id(&id).stage_name("prod");
    stage.tags("team", "a").send().await.unwrap();
    let of_api = format!("arn:aws:apigateway:us-east-1::/apis/{id}");
    let of_stage = format!("{of_api}/stages/prod");

    // SOURCE: recorded on AWS, September 2026: an API without tags has no such member.
    let read = client.get_api().api_id(&id).send().await.unwrap();
    assert_eq!(read.tags(), None);
    assert_eq!(tags(&client, &of_api).await, []);
    assert_eq!(tags(&client, &of_stage).await, texts(&[("team", "a")]));
    for arn in [&of_api, &of_stage] {
        let tag = client.tag_resource().resource_arn(arn).tags("team", "b");
        tag.tags("a b", "1").tags("x&y", "2").send().await.unwrap();
        let all = texts(&[("a b", "1"), ("team", "b"), ("x&y", "2")]);
        assert_eq!(tags(&client, arn).await, all);
        let untag = client.untag_resource().resource_arn(arn).tag_keys("a b");
        untag.tag_keys("x&y").tag_keys("none").send().await.unwrap();
        assert_eq!(tags(&client, arn).await, texts(&[("team", "b")]));
    }
    let read = client.get_api().api_id(&id).send().await.unwrap();
    assert_eq!(read.tags().unwrap()["team"], "b");
    let read = client.get_stage().api_id(&id).stage_name("prod");
    assert_eq!(read.send().await.unwrap().tags().unwrap()["team"], "b");
}

#[tokio::test]
async fn tag_calls_answer_with_their_own_statuses_and_take_plain_slashes() {
    let gateway = Gateway::start().await;
    let id = gateway.api().await.id.clone();
    for arn in [
        format!("arn:aws:apigateway:us-east-1::/apis/{id}"),
        format!("arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F{id}"),
    ] {
        let path = format!("/v2/tags/{arn}");
        let tag = json!({ "tags": { "a": "1" } }).to_string();
        let made = gateway.call("POST", &path, tag).await;
        assert_eq!((made.status, made.json()), (201, json!({})));
        let read = gateway.call("GET", &path, "").await;
        let all = json!({ "tags": { "a": "1" } });
        assert_eq!((read.status, read.json()), (200, all));
        let remove = format!("{path}?tagKeys=a");
        let removed = gateway.call("DELETE", &remove, "").await;
        assert_eq!((removed.status, removed.json()), (204, Value::Null));
        assert_eq!(gateway.call("DELETE", &path, "").await.status, 400);
    }
}

#[tokio::test]
async fn tags_are_refused_beyond_their_number_and_without_their_resource() {
    let gateway = Gateway::start().await;
    let client = sdk(&gateway);
    let id = api(&client).await;
    let arn = format!("arn:aws:apigateway:us-east-1::/apis/{id}");
    let fifty: HashMap<String, String> =
        (0..50).map(|n| (format!("t{n}"), n.to_string())).collect();
    let tag = || client.tag_resource().resource_arn(&arn);
    tag().set_tags(Some(fifty)).send().await.unwrap();
    let message = "A resource has at most 50 tags";
    let more = tag().tags("one more", "x").send().await;
    check_refused(more, 400, "BadRequestException", message);
    tag().tags("t0", "changed").send().await.unwrap();
    assert_eq!(tags(&client, &arn).await.len(), 50);

    let get = |arn: String| client.get_tags().resource_arn(arn).send();
    let message = "Invalid stage identifier specified";
    let stage = get(format!("{arn}/stages/none")).await;
    check_refused(stage, 404, "NotFoundException", message);
    let message = "Invalid API identifier specified 000000000000:none";
    let api = get("arn:aws:apigateway:us-east-1::/apis/none".to_owned()).await;
    check_refused(api, 404, "NotFoundException", message);
    let message = "Invalid resource ARN specified in the request";
    for other in [
        format!("{arn}/routes/r"),
        arn.replace("us-east-1", "eu-west-3"),
        "nonsense".to_owned(),
    ] {
        let refused = get(other).await;
        check_refused(refused, 400, "BadRequestException", message);
    }
}
