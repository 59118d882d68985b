//! A control plane that carries nothing out: it takes calls as they would be sent, and tells them as the AWS CLI would
//! make them.
//!
//! So what is told of a call cannot differ from the call: both are made by the same code.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use aws_sdk_apigatewayv2::{
    Client, Config,
    config::{
        BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

use super::{
    Control, ResolvedTarget, call::Operations, connect, credentials, governor::Governor, query,
};
use crate::model::{
    Target,
    pace::{CallLimits, Priority},
};

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
        Rehearsal::of(Arc::clone(&self.resolved))
    }
}

impl Rehearsal {
    /// A rehearsal of calls to a target that nobody is connected to. Where the target says no region, the ARNs of tags
    /// are those of the usual one.
    pub fn at(target: &Target) -> Self {
        let (endpoint, region) = match target {
            Target::Local(local) => (Some(local.endpoint_url()), Some(local.region.clone())),
            Target::Aws(aws) => (aws.endpoint_url.clone(), aws.region.clone()),
        };
        Self::of(Arc::new(ResolvedTarget {
            target: target.clone(),
            endpoint: endpoint.unwrap_or_default(),
            region: region.unwrap_or_else(|| connect::USUAL_REGION.to_owned()),
            account: None,
            is_aws: false,
            settles: false,
            signer: None,
            first_backoff: Duration::ZERO,
            call_timeout: Duration::ZERO,
            limits: CallLimits::default(),
            is_known: AtomicBool::new(false),
        }))
    }

    fn of(resolved: Arc<ResolvedTarget>) -> Self {
        let recorder = Recorder::default();
        let connector = SharedHttpConnector::new(recorder.clone());
        // Whatever could wait for a clock is off, so that a job can be rehearsed where nothing may wait.
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(resolved.region.clone()))
            .endpoint_url("http://rehearsal")
            .credentials_provider(credentials::dummy())
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Self {
            control: Control {
                operations: Operations::of(Client::from_conf(config)),
                resolved,
                governor: Arc::new(Governor::new(None, None)),
                priority: Priority::Asked,
                meter: None,
                stop: None,
            },
            recorder,
        }
    }

    /// Returns the handle to send the calls with. What is created has an id that stands for the one it would get; what
    /// is read is empty.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Makes the calls of a job that waits for nothing but its answers, which are there at once; none when the job waits
    /// for something else.
    pub fn play<T>(&self, job: impl AsyncFnOnce(&Control) -> T) -> Option<T> {
        // Outside of a runtime there is no budget to keep to, and inside this takes no time.
        let job = tokio::task::unconstrained(job(&self.control));
        job.now_or_never()
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
            "apiId": new_id, "authorizerId": new_id, "deploymentId": new_id, "integrationId": new_id,
            "modelId": new_id, "routeId": new_id, "stageName": new_id,
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
    ("deployments", "deployment", "--deployment-id"),
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
    let Resource {
        noun,
        own_option,
        is_list,
        mut arguments,
    } = resource(path);
    arguments.extend(tag_keys(query));
    let members = body.as_object().into_iter().flatten();
    let mut members: Vec<_> = members.map(|(name, value)| argument(name, value)).collect();
    // The name of a new thing stands where the id of one that is there stands.
    members.sort_by_key(|(option, _)| option != own_option);
    arguments.extend(members);
    let verb = verb(method, noun);
    let plural = if is_list && verb == "get" { "s" } else { "" };
    CliCall {
        operation: format!("{verb}-{noun}{plural}"),
        arguments,
        new_id: String::new(),
    }
}

fn tag_keys(query: &str) -> Option<(String, Option<String>)> {
    let keys: Vec<String> = query::parameters(query)
        .filter_map(|(name, value)| (name == "tagKeys").then_some(value))
        .collect();
    let is_given = !keys.is_empty();
    is_given.then(|| ("--tag-keys".to_owned(), Some(json!(keys).to_string())))
}

fn verb(method: &str, noun: &str) -> &'static str {
    match (method, noun) {
        ("POST", "resource") => "tag",
        ("DELETE", "resource") => "untag",
        ("POST", _) => "create",
        ("PATCH", _) => "update",
        ("DELETE", _) => "delete",
        _ => "get",
    }
}

/// The thing, or the list of things, that a path leads to.
#[derive(Default)]
struct Resource {
    noun: &'static str,
    /// The option that names the thing.
    own_option: &'static str,
    /// True when the path names none of its things.
    is_list: bool,
    /// The options for the ids in the path.
    arguments: Vec<(String, Option<String>)>,
}

fn resource(path: &str) -> Resource {
    let mut resource = Resource::default();
    let mut segments = path.split('/');
    while let Some(collection) = segments.next() {
        let known = COLLECTIONS.iter().find(|(name, ..)| *name == collection);
        let Some((_, noun, option)) = known else {
            continue;
        };
        let id = segments.next();
        resource.noun = noun;
        resource.own_option = option;
        resource.is_list = id.is_none() && !option.is_empty();
        let id = id.map(|id| ((*option).to_owned(), Some(query::decoded(id))));
        resource.arguments.extend(id);
    }
    resource
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
    use crate::model::{ApiId, target::AwsTarget};

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
            "POST",
            "apis/a1/stages",
            &json!({ "deploymentId": "d1", "stageName": "prod" }),
            "create-stage --api-id a1 --stage-name prod --deployment-id d1",
        );
        check(
            "GET",
            "apis/a1/deployments?maxResults=500",
            &Value::Null,
            "get-deployments --api-id a1",
        );
        check(
            "GET",
            "apis/a1/stages/prod",
            &Value::Null,
            "get-stage --api-id a1 --stage-name prod",
        );
        check(
            "DELETE",
            "apis/a1/routes/r1/requestparameters/route.request.header.x",
            &Value::Null,
            "delete-route-request-parameter --api-id a1 --route-id r1 --request-parameter-key route.request.header.x",
        );
    }

    fn rehearse() -> Vec<CliCall> {
        let rehearsal = Rehearsal::at(&Target::Aws(AwsTarget::default()));
        let api = ApiId::parse("a1").unwrap();
        rehearsal.play(async |control| {
            let made = control.create_deployment(&api, None).await.unwrap();
            control.deployments(&api).await.unwrap();
            control.delete_deployment(&api, &made.id).await.unwrap();
        });
        rehearsal.take()
    }

    #[test]
    fn a_job_is_rehearsed_where_nothing_may_wait() {
        let calls = rehearse();
        let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        let expected = ["create-deployment", "get-deployments", "delete-deployment"];
        assert_eq!(operations, expected);
        let id = ("--deployment-id".to_owned(), Some(calls[0].new_id.clone()));
        assert!(calls[2].arguments.contains(&id), "{calls:?}");
    }

    /// A task may make a number of steps before it must let others go on, and a rehearsal must not notice.
    #[tokio::test]
    async fn a_job_is_rehearsed_inside_of_a_task_too() {
        for _ in 0..200 {
            assert_eq!(rehearse().len(), 3);
        }
    }
}
