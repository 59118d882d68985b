//! Who may connect: signatures that the real signer made, policies of credentials, and API keys.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use futures_util::SinkExt;
use serde_json::json;
use stagewire::{
    gateway::{ApiKey, Credential, Keyring, Options, Policy, Seed},
    model::Secret,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    access_log::{lines, log},
    data_handshake::{check_bare_refusal, check_refusal},
    support::gateway::{Answer, Api, Gateway, next_json, next_text},
};

const KEY: &str = "AKIDALICE";
const SECRET: &str = "alice's secret";

fn alice(policy: Option<serde_json::Value>) -> Arc<Credential> {
    Arc::new(Credential {
        access_key_id: KEY.to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: None,
        user: "alice".to_owned(),
        policy: policy.map(|policy| Policy::read(&policy).unwrap()),
    })
}

async fn gateway(keyring: Keyring) -> Gateway {
    Gateway::with(Options {
        seed: Seed::None,
        keyring,
        ..Options::default()
    })
    .await
}

async fn gateway_of_alice(policy: Option<serde_json::Value>) -> Gateway {
    gateway(Keyring {
        credentials: vec![alice(policy)],
        ..Keyring::default()
    })
    .await
}

/// An API whose `$connect` asks for this, with a route that says who called.
async fn protected(gateway: &Gateway, connect: serde_json::Value) -> Api<'_> {
    let api = gateway.api().await;
    let mut body = json!({ "routeKey": "$connect" });
    for (name, value) in connect.as_object().unwrap() {
        body[name] = value.clone();
    }
    api.control("POST", "routes", body).await;
    api.mock("$default", "$context.identity.user").await;
    api.mock("secret", "told").await;
    api.mock("key", "$context.identity.apiKey").await;
    api.deploy("prod").await;
    api
}

/// A handshake's path and headers, signed where it is asked to be.
struct Handshake {
    path: String,
    headers: Vec<(&'static str, String)>,
}

/// How a handshake is signed.
struct Signing {
    secret: &'static str,
    token: Option<&'static str>,
    region: &'static str,
    location: SignatureLocation,
    /// Of one in a query string.
    validity: Option<Duration>,
    /// How long ago it was signed.
    age: Duration,
}

impl Default for Signing {
    fn default() -> Signing {
        Signing {
            secret: SECRET,
            token: None,
            region: "us-east-1",
            location: SignatureLocation::Headers,
            validity: Some(Duration::from_mins(1)),
            age: Duration::ZERO,
        }
    }
}

impl Handshake {
    #[expect(
        clippy::disallowed_methods,
        reason = "the gateway verifies by the real time"
    )]
    fn signed(gateway: &Gateway, path: &str, signing: &Signing) -> Self {
        let host = gateway.address().to_string();
        let uri = format!("http://{host}{path}");
        let identity = Credentials::new(
            KEY,
            signing.secret,
            signing.token.map(str::to_owned),
            None,
            "test",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = signing.location;
        settings.expires_in = signing.validity;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(signing.region)
            .name("execute-api")
            .time(SystemTime::now() - signing.age)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = [("host", host.as_str())];
        let request =
            SignableRequest::new("GET", &uri, headers.into_iter(), SignableBody::Bytes(b""));
        let (instructions, _) = sign(request.unwrap(), &parameters).unwrap().into_parts();
        let mut request = http::Request::get(&uri).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        let header = |name: &'static str| {
            let value = request.headers().get(name)?;
            Some((name, value.to_str().unwrap().to_owned()))
        };
        Handshake {
            path: request.uri().path_and_query().unwrap().to_string(),
            headers: ["authorization", "x-amz-date", "x-amz-security-token"]
                .into_iter()
                .filter_map(header)
                .collect(),
        }
    }

    fn headers(&self) -> Vec<(&'static str, &str)> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    async fn refused(&self, gateway: &Gateway) -> Answer {
        gateway.refused(&self.path, &self.headers()).await
    }
}

const IAM: fn() -> serde_json::Value = || json!({ "authorizationType": "AWS_IAM" });

#[tokio::test]
async fn a_signature_in_the_header_or_in_the_query_string_lets_in_and_names_the_caller() {
    let gateway = gateway_of_alice(None).await;
    let api = protected(&gateway, IAM()).await;
    let path = format!("{}?name=al%20ice", api.stage_path("prod"));
    for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
        let signing = Signing {
            location,
            ..Signing::default()
        };
        let handshake = Handshake::signed(&gateway, &path, &signing);
        let opened = gateway
            .try_connect(&handshake.path, &handshake.headers())
            .await;
        let (mut socket, _) = opened.unwrap();
        socket.send(Message::text("who am I")).await.unwrap();
        assert_eq!(next_text(&mut socket).await, "alice");
    }
}

#[tokio::test]
async fn anything_but_a_good_signature_is_refused_in_its_own_words() {
    let gateway = gateway_of_alice(None).await;
    let api = protected(&gateway, IAM()).await;
    let path = api.stage_path("prod");
    let signed = |signing| Handshake::signed(&gateway, &path, &signing);
    let none = Handshake {
        path: path.clone(),
        headers: Vec::new(),
    };
    let bearer = Handshake {
        path: path.clone(),
        headers: vec![("authorization", "Bearer abc".to_owned())],
    };
    let wrong = signed(Signing {
        secret: "another secret",
        ..Signing::default()
    });
    let mut moved = signed(Signing::default());
    moved.path.push_str("?more=1");
    let elsewhere = signed(Signing {
        region: "eu-west-1",
        ..Signing::default()
    });
    let for_ever = signed(Signing {
        location: SignatureLocation::QueryParams,
        validity: Some(Duration::from_hours(8 * 24)),
        ..Signing::default()
    });
    let temporary = signed(Signing {
        token: Some("token"),
        ..Signing::default()
    });
    let mut stranger = signed(Signing::default());
    stranger.headers[0].1 = stranger.headers[0].1.replace(KEY, "AKIDMALLORY");
    let unmatched = "The request signature we calculated does not match the signature you provided";
    let unknown = "The security token included in the request is invalid.";
    for (handshake, text) in [
        (none, "Missing Authentication Token"),
        (bearer, "The request signature is incomplete"),
        (wrong, unmatched),
        (moved, unmatched),
        (elsewhere, "Credential should be scoped to a valid region."),
        (
            for_ever,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ),
        (temporary, unknown),
        (stranger, unknown),
    ] {
        check_bare_refusal(&handshake.refused(&gateway).await, 403, text);
    }
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_unless_its_query_string_says_longer() {
    let gateway = gateway_of_alice(None).await;
    let api = protected(&gateway, IAM()).await;
    let path = api.stage_path("prod");
    let signed = |age_in_minutes, location, validity| {
        let signing = Signing {
            age: Duration::from_mins(age_in_minutes),
            location,
            validity,
            ..Signing::default()
        };
        Handshake::signed(&gateway, &path, &signing)
    };
    let minutes = Duration::from_mins;
    for (age, location, validity) in [
        (4, SignatureLocation::Headers, None),
        (6, SignatureLocation::QueryParams, Some(minutes(7))),
    ] {
        let good = signed(age, location, validity);
        let opened = gateway.try_connect(&good.path, &good.headers()).await;
        opened.unwrap();
    }
    for (age, location, validity, limit) in [
        (6, SignatureLocation::Headers, None, 5),
        (3, SignatureLocation::QueryParams, Some(minutes(2)), 2),
    ] {
        let old = signed(age, location, validity);
        let refusal = old.refused(&gateway).await;
        let told = refusal.json()["message"].as_str().unwrap().to_owned();
        check_bare_refusal(&refusal, 403, &told);
        let form = told.replace(|it: char| it.is_ascii_digit(), "0");
        let time = "00000000T000000Z";
        let expected =
            format!("Signature expired: {time} is now earlier than {time} ({time} - 0 min.)");
        assert_eq!(form, expected, "{told}");
        assert!(told.ends_with(&format!(" - {limit} min.)")), "{told}");
    }
}

#[tokio::test]
async fn a_policy_decides_at_the_handshake_and_for_every_message() {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:us-east-1:*:*/prod/*" },
        { "Effect": "Deny", "Action": "execute-api:Invoke", "Resource": ["*/secret", "*/shut/*"] },
    ]});
    let gateway = gateway_of_alice(Some(policy)).await;
    let api = protected(&gateway, IAM()).await;
    let path = api.stage_path("prod");
    let handshake = Handshake::signed(&gateway, &path, &Signing::default());
    let opened = gateway
        .try_connect(&handshake.path, &handshake.headers())
        .await;
    let (mut socket, _) = opened.unwrap();
    socket
        .send(Message::text(r#"{"action":"secret"}"#))
        .await
        .unwrap();
    assert_eq!(next_json(&mut socket).await["message"], "Forbidden");
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(next_text(&mut socket).await, "alice");

    let (not_allowed, explicit) = (
        "because no identity-based policy allows the execute-api:Invoke action",
        "with an explicit deny in an identity-based policy",
    );
    for (stage, why) in [("test", not_allowed), ("shut", explicit)] {
        api.deploy(stage).await;
        let path = api.stage_path(stage);
        let handshake = Handshake::signed(&gateway, &path, &Signing::default());
        let refusal = handshake.refused(&gateway).await;
        let told = format!(
            "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: execute-api:Invoke on resource: \
             arn:aws:execute-api:us-east-1:********0000:{}/{stage}/$connect {why}",
            api.id
        );
        check_bare_refusal(&refusal, 403, &told);
    }
}

#[tokio::test]
async fn an_api_key_is_good_for_the_stages_that_the_settings_name() {
    let key = |value: &str, stages: &[&str]| ApiKey {
        name: "partner".to_owned(),
        value: Secret::new(value),
        stages: stages.iter().map(|&stage| stage.to_owned()).collect(),
    };
    let gateway = gateway(Keyring {
        api_keys: vec![key("everywhere", &[]), key("test only", &["*/test"])],
        ..Keyring::default()
    })
    .await;
    let api = protected(&gateway, json!({ "apiKeyRequired": true })).await;
    let path = api.stage_path("prod");
    let opened = gateway
        .try_connect(&path, &[("x-api-key", "everywhere")])
        .await;
    let (mut socket, _) = opened.unwrap();
    socket
        .send(Message::text(r#"{"action":"key"}"#))
        .await
        .unwrap();
    assert_eq!(next_text(&mut socket).await, "everywhere");
    for headers in [
        vec![],
        vec![("x-api-key", "")],
        vec![("x-api-key", "unknown")],
        vec![("x-api-key", "test only")],
    ] {
        let refusal = gateway.refused(&path, &headers).await;
        check_refusal(&refusal, 403, "Forbidden");
    }
}

#[tokio::test]
async fn the_access_log_tells_who_was_authenticated_and_what_was_authorized() {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*/prod/*" },
        { "Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*/prod/secret" },
    ]});
    let gateway = gateway(Keyring {
        credentials: vec![alice(Some(policy))],
        api_keys: vec![ApiKey {
            name: "partner".to_owned(),
            value: Secret::new("everywhere"),
            stages: Vec::new(),
        }],
    })
    .await;
    let connect = json!({ "authorizationType": "AWS_IAM", "apiKeyRequired": true });
    let api = protected(&gateway, connect).await;
    api.deploy("test").await;
    let names = [
        "status",
        "error.responseType",
        "authenticate.status",
        "authenticate.error",
        "authorize.status",
        "authorize.error",
        "identity.accountId",
        "identity.userArn",
        "identity.apiKeyId",
        "authorizer.status",
        "authenticate.latency",
        "authorize.latency",
        "requestId",
    ];
    let format = names.map(|name| format!("$context.{name}")).join("|");
    for stage in ["prod", "test"] {
        log(&api, stage, &format).await;
    }
    let told = async |stage: &str| {
        let line = lines(&gateway, &api, stage).await.pop().unwrap();
        let values: Vec<&str> = line.split('|').collect();
        assert!(
            values[10] == "-" || values[10].parse::<u64>().is_ok(),
            "{line}"
        );
        assert_eq!(values[11] == "-", values[4] == "-", "{line}");
        values[..10].join("|")
    };
    let connect = async |stage: &str, secret: &'static str, key: &str| {
        let signing = Signing {
            secret,
            ..Signing::default()
        };
        let handshake = Handshake::signed(&gateway, &api.stage_path(stage), &signing);
        let mut headers = handshake.headers();
        headers.push(("x-api-key", key));
        gateway.try_connect(&handshake.path, &headers).await
    };
    let mut socket = connect("prod", SECRET, "everywhere").await.unwrap().0;
    let alice = "000000000000|arn:aws:iam::000000000000:user/alice|partner|-";
    assert_eq!(told("prod").await, format!("200|-|200|-|200|-|{alice}"));
    let secret = Message::text(r#"{"action":"secret"}"#);
    socket.send(secret).await.unwrap();
    next_text(&mut socket).await;
    let line = format!("403|ACCESS_DENIED|-|-|403|Forbidden|{alice}");
    assert_eq!(told("prod").await, line);

    connect("prod", "wrong", "everywhere").await.unwrap_err();
    let mismatch = "The request signature we calculated does not match the signature you provided";
    let line = format!("403|INVALID_SIGNATURE|403|{mismatch}|-|-|-|-|-|-");
    assert_eq!(told("prod").await, line);
    connect("prod", SECRET, "unknown").await.unwrap_err();
    assert_eq!(
        told("prod").await,
        "403|INVALID_API_KEY|200|-|200|-|-|-|-|-"
    );
    connect("test", SECRET, "everywhere").await.unwrap_err();
    let line = told("test").await;
    let begins = "403|ACCESS_DENIED|200|-|403|User: arn:aws:iam::000000000000:user/alice is not";
    assert!(line.starts_with(begins), "{line}");
    gateway.refused(&api.stage_path("test"), &[]).await;
    let line = "403|MISSING_AUTHENTICATION_TOKEN|403|Missing Authentication Token|-|-|-|-|-|-";
    assert_eq!(told("test").await, line);
}
