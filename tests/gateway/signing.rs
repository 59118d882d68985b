//! Handshakes that this program signs, verified by the real gateway; and how it knows that a stage asks for a signature.

use std::sync::Arc;

use serde_json::{Value, json};
use stagewire::{
    aws::{Control, Signer},
    gateway::{Credential, Keyring, Options, Seed},
    live::{self, Link},
    model::plan::{DeployRequest, DraftCheck, StageChoice},
    model::{
        ApiId, ConnectRequest, Direction, LinkEvent, Outgoing, Secret, StageName, Target,
        link::Refusal, target::LocalTarget,
    },
    ops::{Journal, deploy, reading},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ops::read_api,
    support::gateway::{Api, Gateway, soon},
};

const KEY: &str = "AKIDALICE";
const SECRET: &str = "alice's secret";
const TOKEN: &str = "a token, of a session/with=marks+";

/// A gateway that knows Alice, and her again with credentials of a session.
async fn gateway() -> Gateway {
    let alice = |key: &str, token: Option<&str>| {
        Arc::new(Credential {
            access_key_id: key.to_owned(),
            secret_access_key: Secret::new(SECRET),
            session_token: token.map(Secret::new),
            user: "alice".to_owned(),
            policy: None,
        })
    };
    Gateway::with(Options {
        seed: Seed::None,
        keyring: Keyring {
            credentials: vec![alice(KEY, None), alice("ASIAALICE", Some(TOKEN))],
            ..Keyring::default()
        },
        ..Options::default()
    })
    .await
}

/// An API whose stage `prod` takes signed handshakes only and says who called.
async fn protected(gateway: &Gateway) -> Api<'_> {
    let api = gateway.api().await;
    let connect = json!({ "routeKey": "$connect", "authorizationType": "AWS_IAM" });
    api.control("POST", "routes", connect).await;
    api.mock("$default", "$context.identity.user").await;
    api.deploy("prod").await;
    api
}

fn signer(key: &str, secret: &str, token: Option<&str>) -> Signer {
    let token = token.map(Secret::new);
    Signer::with_keys(key, &Secret::new(secret), token.as_ref(), "us-east-1")
}

fn request(gateway: &Gateway, path: &str) -> ConnectRequest {
    ConnectRequest {
        url: format!("ws://{}{path}", gateway.address()),
        ..ConnectRequest::default()
    }
}

/// What `prod` answers to a message over a link; or the refusal of its handshake.
async fn who(mut link: Link) -> Result<String, Refusal> {
    link.sender()
        .send(Outgoing::Text("who am I".to_owned()))
        .await
        .unwrap();
    soon(async {
        loop {
            match link.next().await.unwrap() {
                LinkEvent::Refused(refusal) => return Err(refusal),
                LinkEvent::Frames(frames) => {
                    let mut records = frames.records.into_iter();
                    if let Some(record) = records.find(|record| record.direction == Direction::In) {
                        return Ok(String::from_utf8(record.payload.to_vec()).unwrap());
                    }
                }
                LinkEvent::Connecting | LinkEvent::Open(_) | LinkEvent::Unsent(_) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_handshake_that_is_signed_here_lets_in_and_names_the_caller() {
    let gateway = gateway().await;
    let api = protected(&gateway).await;
    let path = api.stage_path("prod");
    for path in [
        path.clone(),
        format!("{path}?name=al%20ice&b=%2F&a=1&empty="),
    ] {
        for (key, token) in [(KEY, None), ("ASIAALICE", Some(TOKEN))] {
            let signer = signer(key, SECRET, token);
            let signed = signer.sign(request(&gateway, &path)).await.unwrap();
            let link = live::connect(signed);
            assert_eq!(who(link).await.as_deref(), Ok("alice"), "{path} {key}");
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_a_wrong_token_and_a_stranger_are_refused_in_their_own_words() {
    let gateway = gateway().await;
    let api = protected(&gateway).await;
    let request = request(&gateway, &api.stage_path("prod"));
    let refused = async |request: ConnectRequest| {
        let refusal = who(live::connect(request)).await.unwrap_err();
        assert_eq!(refusal.status, 403);
        let told: Value = serde_json::from_slice(&refusal.body).unwrap();
        told["message"].as_str().unwrap().to_owned()
    };
    let mismatch = "The request signature we calculated does not match the signature you provided";
    let unknown = "The security token included in the request is invalid.";
    for (signer, text) in [
        (signer(KEY, "another", None), mismatch),
        (signer("ASIAALICE", SECRET, Some("another")), unknown),
        (signer("ASIAALICE", SECRET, None), unknown),
        (signer("AKIDMALLORY", SECRET, None), unknown),
    ] {
        let signed = signer.sign(request.clone()).await.unwrap();
        assert_eq!(refused(signed).await, text);
    }
    assert_eq!(refused(request).await, "Missing Authentication Token");
}

#[tokio::test]
async fn a_host_that_was_brought_is_the_one_that_is_signed() {
    let gateway = gateway().await;
    let api = protected(&gateway).await;
    let host = format!("{}.execute-api.us-east-1.localhost", api.id);
    let mut request = request(&gateway, "/prod");
    request.headers.push(("Host".to_owned(), host));
    let signed = signer(KEY, SECRET, None).sign(request).await.unwrap();
    assert_eq!(who(live::connect(signed)).await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn what_a_stage_serves_says_whether_it_asks_for_a_signature_else_the_draft() {
    let gateway = gateway().await;
    let api = protected(&gateway).await;
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path().join("journal"));
    let target = Target::Local(LocalTarget {
        address: gateway.address(),
        region: "us-east-1".to_owned(),
    });
    let control = Control::connect(&target).await.unwrap();
    let id = ApiId::parse(&api.id).unwrap();
    let [prod, test] = ["prod", "test"].map(|name| StageName::parse(name).unwrap());

    // `prod` was deployed elsewhere, `test` is deployed here: of the one the draft speaks, of the other the journal.
    let plan = DeployRequest {
        api_id: id.clone(),
        api_name: "test".to_owned(),
        stage: StageChoice::New(test.clone()),
        description: None,
        check: DraftCheck::BeforeStage,
    };
    let detail = read_api(&control, &journal, &id).await;
    let plan = deploy::plan(control.target(), &detail, &plan).unwrap();
    deploy::run(&control, &journal, &plan, &CancellationToken::new(), |_| {})
        .await
        .unwrap();
    let read = async || {
        let read = read_api(&control, &journal, &id).await;
        for stage in read.stages.iter() {
            let connect = reading::connect_route(&control, &journal, &read.api, stage).await;
            assert_eq!(
                connect.unwrap().0.is_signed(),
                read.signed.contains(&stage.name)
            );
        }
        read.signed.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(read().await, [prod, test.clone()]);

    let routes = api.control("GET", "routes", json!(null)).await;
    let routes = routes["items"].as_array().unwrap();
    let connect = routes.iter().find(|route| route["routeKey"] == "$connect");
    let connect = connect.unwrap()["routeId"].as_str().unwrap();
    let open = json!({ "authorizationType": "NONE" });
    api.control("PATCH", &format!("routes/{connect}"), open)
        .await;
    assert_eq!(read().await, [test]);
}
