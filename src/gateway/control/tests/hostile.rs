//! Hostile requests: no operation fails of its own, every refusal is AWS's envelope, and what was taken is there.

use std::time::Duration;

use http::Uri;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    router::OPERATIONS,
    world::{TAKEN, World, encoded, path, taken},
    *,
};

/// The text that stands in a path for a label.
#[derive(Debug, Clone)]
enum Label {
    There,
    Raw(String),
}

/// The name of a member.
#[derive(Debug, Clone)]
enum Name {
    /// A member that the operation takes.
    Own(Index),
    Any(String),
}

/// The body of a request.
#[derive(Debug, Clone)]
enum Body {
    /// A body that the operation takes, with more members behind it, as JSON; some may be there twice.
    Members(Vec<(Name, String)>),
    /// A body with members of which only the beginning arrives.
    Cut(Vec<(Name, String)>, Index),
    Bytes(Vec<u8>),
    None,
}

/// One request.
#[derive(Debug, Clone)]
struct Shot {
    operation: &'static Operation,
    labels: Vec<Label>,
    query: Vec<(String, String)>,
    body: Body,
}

fn label() -> impl Strategy<Value = Label> {
    let odd = [
        "",
        "%",
        "%FF",
        "%00",
        "%2F",
        "a%2Fb",
        "..",
        "~",
        "none",
        "%24default",
        "a/b",
    ];
    prop_oneof![
        12 => Just(Label::There),
        1 => proptest::sample::select(odd.to_vec()).prop_map(|raw| Label::Raw(raw.to_owned())),
        1 => any::<String>().prop_map(|text| Label::Raw(encoded(&text))),
    ]
}

fn query() -> impl Strategy<Value = (String, String)> {
    let names = ["maxResults", "nextToken", "tagKeys", "outputType", "other"];
    let values = [
        "",
        "0",
        "1",
        "-1",
        "1e3",
        "18446744073709551616",
        "MTo",
        "MTp6",
        "MTovfg",
        "%",
        "+",
    ];
    let value = prop_oneof![
        3 => proptest::sample::select(values.to_vec()).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| encoded(&text)),
    ];
    (
        proptest::sample::select(names.to_vec()).prop_map(str::to_owned),
        value,
    )
}

/// Generates a text that means something somewhere.
fn meaning() -> impl Strategy<Value = String> {
    let long = "x".repeat(33_000);
    let texts = [
        "",
        "$default",
        "$connect",
        "a",
        "prod",
        "WEBSOCKET",
        "HTTP",
        "HTTP_PROXY",
        "VPC_LINK",
        "CUSTOM",
        "AWS_IAM",
        "REQUEST",
        "{}",
        "{\"type\":\"string\"}",
        "${request.body.a}",
        "route.request.header.a",
        "http://a/",
        "arn:aws:logs:us-east-1:000000000000:log-group:a",
        "s3://bucket/key",
        &long,
    ]
    .map(str::to_owned);
    prop_oneof![3 => proptest::sample::select(texts.to_vec()), 1 => any::<String>()]
}

fn member() -> impl Strategy<Value = String> {
    let mut names: Vec<&str> = TAKEN
        .iter()
        .flat_map(|taken| taken.members)
        .copied()
        .collect();
    names.extend([
        "certificateArn",
        "endpointType",
        "truststoreUri",
        "destinationArn",
        "format",
        "loggingLevel",
        "throttlingBurstLimit",
        "throttlingRateLimit",
        "required",
    ]);
    prop_oneof![4 => proptest::sample::select(names).prop_map(str::to_owned), 1 => meaning()]
}

/// Settings of routes, as a stage has them.
fn settings() -> impl Strategy<Value = String> {
    (any::<f64>(), any::<i32>()).prop_map(|(rate, burst)| {
        let rate = Value::from(rate.abs());
        format!(
            "{{\"throttlingRateLimit\":{rate},\"throttlingBurstLimit\":{}}}",
            burst.unsigned_abs() / 2
        )
    })
}

/// Generates a value as JSON; as text, for numbers may be larger than any that is read.
fn value() -> impl Strategy<Value = String> {
    let numbers = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "7",
        "1.5",
        "1e400",
        "-0",
        "9223372036854775808",
        "100000000000000000000000",
    ];
    let leaf = prop_oneof![
        2 => proptest::sample::select(numbers.to_vec()).prop_map(str::to_owned),
        1 => any::<f64>().prop_map(|number| Value::from(number).to_string()),
        3 => meaning().prop_map(|text| Value::from(text).to_string()),
        1 => settings(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            vec((member(), inner), 0..3).prop_map(|members| object(&members)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let members = members.iter();
    let members = members.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    format!("{{{}}}", members.collect::<Vec<String>>().join(","))
}

fn body() -> impl Strategy<Value = Body> {
    let name = || {
        prop_oneof![
            3 => any::<Index>().prop_map(Name::Own),
            1 => member().prop_map(Name::Any),
        ]
    };
    let members = move || vec((name(), value()), 0..3);
    prop_oneof![
        8 => members().prop_map(Body::Members),
        1 => (members(), any::<Index>()).prop_map(|(members, end)| Body::Cut(members, end)),
        1 => vec(any::<u8>(), 0..40).prop_map(Body::Bytes),
        1 => Just(Body::None),
    ]
}

/// Generates an operation to call; most of them write.
fn called() -> impl Strategy<Value = &'static Operation> {
    let writers = OPERATIONS.iter().filter(|it| taken(it).is_some());
    let writers: Vec<&Operation> = writers.collect();
    let all: Vec<&Operation> = OPERATIONS.iter().collect();
    prop_oneof![3 => proptest::sample::select(writers), 1 => proptest::sample::select(all)]
}

fn shot() -> impl Strategy<Value = Shot> {
    (called(), vec(label(), 3), vec(query(), 0..3), body()).prop_map(
        |(operation, labels, query, body)| Shot {
            operation,
            labels,
            query,
            body,
        },
    )
}

impl Shot {
    fn uri(&self, world: &World) -> Option<Uri> {
        let labels = self.labels.iter();
        let labels = std::cell::RefCell::new(labels);
        let mut uri = path(self.operation, |name| match labels.borrow_mut().next() {
            Some(Label::Raw(raw)) => raw.clone(),
            Some(Label::There) | None => encoded(world.there(name)),
        });
        let query = self.query.iter();
        let query = query.map(|(name, value)| format!("{name}={value}"));
        let query = query.collect::<Vec<String>>().join("&");
        if !query.is_empty() {
            uri = format!("{uri}?{query}");
        }
        uri.parse().ok()
    }

    fn body(&self, world: &World, n: usize) -> Bytes {
        let named = |(name, value): &(Name, String)| {
            let own = taken(self.operation).map_or(&[][..], |taken| taken.members);
            let name = match name {
                Name::Own(index) if !own.is_empty() => own[index.index(own.len())].to_owned(),
                Name::Own(_) => String::new(),
                Name::Any(name) => name.clone(),
            };
            (name, value.clone())
        };
        let whole = |members: &[(Name, String)]| {
            let members: Vec<(String, String)> = members.iter().map(named).collect();
            let base = taken(self.operation).map(|taken| (taken.body)(world, n));
            let base = base.unwrap_or_else(|| json!({}));
            let base = base.as_object().unwrap().iter();
            let base = base.map(|(name, value)| (name.clone(), value.to_string()));
            // Most of what is put over the base takes its place.
            let is_kept = |name: &String| !members.iter().any(|(other, _)| other == name);
            let base = base.filter(|(name, _)| n.is_multiple_of(5) || is_kept(name));
            let all: Vec<(String, String)> = base.chain(members.iter().cloned()).collect();
            object(&all).into_bytes()
        };
        match &self.body {
            Body::Members(members) => whole(members).into(),
            Body::Cut(members, end) => {
                let mut whole = whole(members);
                whole.truncate(end.index(whole.len()));
                whole.into()
            }
            Body::Bytes(bytes) => bytes.clone().into(),
            Body::None => Bytes::new(),
        }
    }
}

/// Holds an answer to its form.
fn check(shot: &Shot, answer: &Answer) -> Result<(), TestCaseError> {
    let operation = shot.operation;
    prop_assert!(answer.status < 500, "{} {answer:?}", operation.name);
    if answer.status >= 400 {
        prop_assert!(
            answer
                .code
                .as_ref()
                .is_some_and(|code| code.ends_with("Exception"))
        );
        let members = answer.body.as_object().unwrap();
        let message = members.get("message").and_then(Value::as_str);
        prop_assert!(members.len() == 1 && message.is_some_and(|text| !text.is_empty()));
    } else {
        prop_assert_eq!(answer.code.as_ref(), None);
        prop_assert_eq!(
            answer.body.is_object(),
            answer.status != 204,
            "{:?}",
            answer
        );
    }
    Ok(())
}

/// Reads again what an answer says that there is now.
async fn reread(
    world: &World,
    shot: &Shot,
    path: &str,
    answer: &Answer,
) -> Result<(), TestCaseError> {
    let operation = shot.operation;
    let one = match operation.method {
        Method::PATCH => path.to_owned(),
        Method::POST if operation.name.starts_with("Create") => {
            let of_one = |it: &&Operation| {
                let rest = it.path.strip_prefix(operation.path);
                it.method == Method::GET
                    && rest.is_some_and(|rest| rest.starts_with("/{") && !rest[1..].contains('/'))
            };
            let get = OPERATIONS.iter().find(of_one).unwrap();
            let id = world::labels(get).pop().unwrap();
            format!("{path}/{}", encoded(answer.body[id].as_str().unwrap()))
        }
        _ => return Ok(()),
    };
    let read = world.plane.get(&one).await;
    prop_assert_eq!(read.status, 200, "{} {:?}", one, read);
    prop_assert_eq!(&read.body, &answer.body);
    Ok(())
}

async fn fire(shots: &[Shot]) -> Result<(), TestCaseError> {
    let world = World::new().await;
    for (n, shot) in shots.iter().enumerate() {
        let Some(uri) = shot.uri(&world) else {
            continue;
        };
        let path = uri.path().to_owned();
        let request = Plane::request(&shot.operation.method, &uri.to_string());
        let request = request.body(shot.body(&world, n)).unwrap();
        let answer = world.plane.send(request).await;
        check(shot, &answer)?;
        // What a label was put in for may have made another operation of it.
        let meant = operation(&shot.operation.method, &path);
        if answer.status < 300 && meant == Some(shot.operation.name) {
            reread(&world, shot, &path, &answer).await?;
        }
    }
    world.plane.make_owed_deployments();
    for list in OPERATIONS.iter().filter(|it| it.method == Method::GET) {
        let path = world.path(list);
        let answer = world.plane.get(&path).await;
        prop_assert!(answer.status < 500, "{path} {answer:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_sent_is_answered_in_form_and_what_is_taken_is_there(shots in vec(shot(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fired = async { tokio::time::timeout(Duration::from_mins(1), fire(&shots)).await };
        runtime.block_on(fired).expect("an answer in time")?;
    }
}
