//! A control plane that carries nothing out: it takes calls as they would be sent, and tells them as the AWS CLI would
//! make them.
//!
//! So what is told of a call cannot differ from the call: both are made by the same code.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_apigatewayv2::Client;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{Control, credentials, governor::Governor};

/// A rehearsal of calls.
#[derive(Debug)]
pub struct Rehearsal {
    control: Control,
    recorder: Recorder,
}

/// A call as the AWS CLI makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliCall {
    /// `create-route`.
    pub operation: String,
    /// Options in order, such as `--route-key` and its value; flags have none.
    pub arguments: Vec<(String, Option<String>)>,
    /// The text that stands for the id that this call would be answered with.
    pub new_id: String,
}

impl Control {
    /// A rehearsal of calls to the same target.
    pub fn rehearsal(&self) -> Rehearsal {
        let recorder = Recorder::default();
        let connector = SharedHttpConnector::new(recorder.clone());
        let config = self.client.config().to_builder();
        let config = config
            .credentials_provider(credentials::dummy())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Rehearsal {
            control: Self {
                client: Client::from_conf(config),
                governor: Arc::new(Governor::new(None, None)),
                meter: None,
                ..self.clone()
            },
            recorder,
        }
    }
}

impl Rehearsal {
    /// Returns the handle to send the calls with. What is created has an id that stands for the one it would get; what
    /// is read is empty.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The calls since the last look.
    pub fn take(&self) -> Vec<CliCall> {
        std::mem::take(&mut self.recorder.calls().taken)
    }
}

/// Answers every call, and keeps it.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    taken: Vec<CliCall>,
    n_calls: usize,
}

impl Recorder {
    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut calls = self.calls();
        calls.n_calls += 1;
        let new_id = format!("stagewire-new-{:06}", calls.n_calls);
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(body).unwrap_or_default();
        let call = cli_call(request.method(), request.uri(), &body);
        let answer = json!({
            "apiId": new_id, "authorizerId": new_id, "integrationId": new_id, "modelId": new_id, "routeId": new_id,
        });
        calls.taken.push(CliCall { new_id, ..call });
        let ok = StatusCode::try_from(200).expect("invariant: 200 is a status");
        let answer = HttpResponse::new(ok, SdkBody::from(answer.to_string()));
        HttpConnectorFuture::ready(Ok(answer))
    }
}

/// The collections of the control plane's paths: what one of their things is called, and the option that names it.
const COLLECTIONS: &[(&str, &str, &str)] = &[
    ("apis", "api", "--api-id"),
    ("authorizers", "authorizer", "--authorizer-id"),
    ("integrations", "integration", "--integration-id"),
    (
        "integrationresponses",
        "integration-response",
        "--integration-response-id",
    ),
    ("models", "model", "--model-id"),
    ("routes", "route", "--route-id"),
    ("routeresponses", "route-response", "--route-response-id"),
    (
        "requestparameters",
        "route-request-parameter",
        "--request-parameter-key",
    ),
    ("stages", "stage", "--stage-name"),
    ("routesettings", "route-settings", "--route-key"),
    ("accesslogsettings", "access-log-settings", ""),
    ("tags", "resource", "--resource-arn"),
];

/// Members whose value is a structure and not a map: their keys are members too.
const STRUCTURES: [&str; 2] = ["accessLogSettings", "defaultRouteSettings"];

/// The call of the AWS CLI for a request.
fn cli_call(method: &str, uri: &str, body: &Value) -> CliCall {
    let path = uri.split_once("/v2/").map_or(uri, |(_, path)| path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut segments = path.split('/');
    let mut noun = "";
    let mut arguments = Vec::new();
    while let Some(collection) = segments.next() {
        let known = COLLECTIONS.iter().find(|(name, ..)| *name == collection);
        let Some((_, called, option)) = known else {
            continue;
        };
        noun = called;
        if let Some(id) = segments.next() {
            arguments.push(((*option).to_owned(), Some(decoded(id))));
        }
    }
    let verb = match (method, noun) {
        ("POST", "resource") => "tag",
        ("DELETE", "resource") => "untag",
        ("POST", _) => "create",
        ("PATCH", _) => "update",
        ("DELETE", _) => "delete",
        _ => "get",
    };
    let keys = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("tagKeys="));
    let keys: Vec<String> = keys.map(decoded).collect();
    if !keys.is_empty() {
        arguments.push(("--tag-keys".to_owned(), Some(json!(keys).to_string())));
    }
    for (name, value) in body.as_object().into_iter().flatten() {
        arguments.push(argument(name, value));
    }
    CliCall {
        operation: format!("{verb}-{noun}"),
        arguments,
        new_id: String::new(),
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The option for a member. SOURCE: AWS CLI user guide: options are the members' names with hyphens; flags have a form
/// with `no-`; lists and structures may be given as JSON, whose members begin with a capital.
fn argument(name: &str, value: &Value) -> (String, Option<String>) {
    let option = match name {
        // The CLI's own `--version` has the shorter name.
        "version" => "api-version".to_owned(),
        _ => hyphened(name),
    };
    match value {
        Value::Bool(true) => (format!("--{option}"), None),
        Value::Bool(false) => (format!("--no-{option}"), None),
        Value::String(text) => (format!("--{option}"), Some(text.clone())),
        Value::Object(members) if STRUCTURES.contains(&name) => {
            let text = Value::Object(capitalized(members)).to_string();
            (format!("--{option}"), Some(text))
        }
        // A map, of texts or of structures, which is sent in no order.
        Value::Object(entries) => {
            let entries: BTreeMap<_, _> = entries.iter().collect();
            let entries = entries.into_iter().map(|(key, value)| match value {
                Value::Object(members) => (key.clone(), Value::Object(capitalized(members))),
                other => (key.clone(), other.clone()),
            });
            let text = Value::Object(entries.collect()).to_string();
            (format!("--{option}"), Some(text))
        }
        other => (format!("--{option}"), Some(other.to_string())),
    }
}

fn hyphened(member: &str) -> String {
    let mut text = String::with_capacity(member.len() + 4);
    for character in member.chars() {
        if character.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

fn capitalized(members: &Map<String, Value>) -> Map<String, Value> {
    let members = members.iter().map(|(name, value)| {
        let (first, rest) = name.split_at(name.len().min(1));
        (
            format!("{}{rest}", first.to_ascii_uppercase()),
            value.clone(),
        )
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, body: &Value, command: &str) {
        let call = cli_call(method, &format!("https://host:1/v2/{path}"), body);
        let words = call
            .arguments
            .into_iter()
            .map(|(option, value)| match value {
                Some(value) => format!(" {option} {value}"),
                None => format!(" {option}"),
            });
        let text = call.operation + &words.collect::<String>();
        assert_eq!(text, command);
    }

    #[test]
    fn requests_are_told_as_the_cli_makes_them() {
        check(
            "POST",
            "apis",
            &json!({ "name": "chat", "version": "2", "disableSchemaValidation": true, "disableExecuteApiEndpoint": false }),
            "create-api --name chat --api-version 2 --disable-schema-validation --no-disable-execute-api-endpoint",
        );
        check(
            "PATCH",
            "apis/a1/integrations/i1",
            &json!({ "timeoutInMillis": 50, "requestTemplates": { "someKey": "" } }),
            r#"update-integration --api-id a1 --integration-id i1 --timeout-in-millis 50 --request-templates {"someKey":""}"#,
        );
        check(
            "POST",
            "apis/a1/routes",
            &json!({ "routeKey": "x", "requestParameters": { "route.request.header.aB": { "required": true } } }),
            r#"create-route --api-id a1 --route-key x --request-parameters {"route.request.header.aB":{"Required":true}}"#,
        );
        check(
            "PATCH",
            "apis/a1/stages/prod",
            &json!({
                "defaultRouteSettings": { "throttlingBurstLimit": 1 },
                "routeSettings": { "$connect": { "throttlingRateLimit": 0.5 } },
            }),
            r#"update-stage --api-id a1 --stage-name prod --default-route-settings {"ThrottlingBurstLimit":1} --route-settings {"$connect":{"ThrottlingRateLimit":0.5}}"#,
        );
        check(
            "DELETE",
            "apis/a1/stages/prod/routesettings/%24connect",
            &Value::Null,
            "delete-route-settings --api-id a1 --stage-name prod --route-key $connect",
        );
        check(
            "DELETE",
            "apis/a1/stages/prod/accesslogsettings",
            &Value::Null,
            "delete-access-log-settings --api-id a1 --stage-name prod",
        );
        check(
            "DELETE",
            "tags/arn%3Aaws%3A%2Fapis%2Fa1?tagKeys=a&tagKeys=b%20c",
            &Value::Null,
            r#"untag-resource --resource-arn arn:aws:/apis/a1 --tag-keys ["a","b c"]"#,
        );
        check(
            "DELETE",
            "apis/a1/routes/r1/requestparameters/route.request.header.x",
            &Value::Null,
            "delete-route-request-parameter --api-id a1 --route-id r1 --request-parameter-key route.request.header.x",
        );
    }
}
