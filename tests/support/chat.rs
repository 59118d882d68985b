//! The API `chat` with two stages, an undeployed change on each, and what deploying it would be.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use stagewire::model::{
    Api, ApiDetail, ApiId, Definition, Deployment, DeploymentId, DeploymentStatus, Draft, Drift,
    Failure, FailureKind, Integration, IntegrationId, Part, Route, RouteId, Stage, StageName,
    Target,
    definition::Parts,
    plan::{
        DeployFailure, DeployPlan, DeployProgress, DeployRequest, DeployStep, Deployed, DraftCheck,
        LeftOver, Remains, StageChoice, StageUse, StepState,
    },
    target::{AwsTarget, LocalTarget},
};

use super::harness::{Harness, START};

/// So many seconds before the test begins.
pub(crate) fn ago(seconds: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start - SignedDuration::from_secs(seconds)
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

pub(crate) fn local() -> Target {
    Target::Local(LocalTarget {
        address: "127.0.0.1:4566".parse().unwrap(),
        region: "us-east-1".to_owned(),
    })
}

pub(crate) fn profile(name: &str, region: &str) -> Target {
    Target::Aws(AwsTarget {
        profile: Some(name.to_owned()),
        region: Some(region.to_owned()),
        endpoint_url: None,
    })
}

pub(crate) fn api_id(id: &str) -> ApiId {
    ApiId::parse(id).unwrap()
}

pub(crate) fn stage_name(name: &str) -> StageName {
    StageName::parse(name).unwrap()
}

pub(crate) fn deployment_id(id: &str) -> DeploymentId {
    DeploymentId::parse(id).unwrap()
}

pub(crate) fn api(id: &str, name: &str) -> Api {
    Api {
        id: api_id(id),
        name: name.to_owned(),
        description: None,
        endpoint: format!("ws://127.0.0.1:4566/{id}"),
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: None,
        disable_execute_api_endpoint: false,
        disable_schema_validation: false,
        ip_address_type: None,
        version: None,
        created_at: Some(ago(3 * DAY)),
        tags: BTreeMap::new(),
    }
}

pub(crate) fn stage(name: &str, serves: Option<&str>) -> Stage {
    Stage {
        name: stage_name(name),
        deployment_id: serves.map(deployment_id),
        description: None,
        auto_deploy: false,
        last_deployment_status_message: None,
        created_at: Some(ago(9 * DAY)),
        updated_at: Some(ago(2 * HOUR)),
        default_route_settings: None,
        route_settings: BTreeMap::new(),
        variables: BTreeMap::new(),
        access_log: None,
        client_certificate_id: None,
        tags: BTreeMap::new(),
    }
}

fn deployment(id: &str, description: &str, created_at: Timestamp) -> Deployment {
    Deployment {
        id: deployment_id(id),
        description: Some(description.to_owned()),
        status: DeploymentStatus::Deployed,
        status_message: None,
        auto_deployed: false,
        created_at: Some(created_at),
    }
}

fn integration(id: &str, path: &str, timeout_ms: i32) -> Integration {
    Integration {
        id: IntegrationId::parse(id).unwrap(),
        integration_type: "HTTP_PROXY".to_owned(),
        uri: Some(format!("http://gateway.localhost/_demo/{path}")),
        method: Some("POST".to_owned()),
        connection_type: Some("INTERNET".to_owned()),
        connection_id: None,
        content_handling_strategy: None,
        credentials_arn: None,
        description: None,
        integration_response_selection_expression: None,
        passthrough_behavior: Some("WHEN_NO_MATCH".to_owned()),
        payload_format_version: None,
        request_parameters: BTreeMap::from([(
            "integration.request.header.connectionId".to_owned(),
            "context.connectionId".to_owned(),
        )]),
        request_templates: BTreeMap::new(),
        template_selection_expression: None,
        timeout_ms: Some(timeout_ms),
        responses: Vec::new(),
    }
}

fn route(key: &str, integration: &str) -> Route {
    Route {
        id: RouteId::parse(&format!("r-{}", key.trim_start_matches('$'))).unwrap(),
        key: key.to_owned(),
        target: Some(format!("integrations/{integration}")),
        authorization_type: "NONE".to_owned(),
        authorizer_id: None,
        api_key_required: false,
        model_selection_expression: None,
        operation_name: None,
        request_models: BTreeMap::new(),
        request_parameters: BTreeMap::new(),
        route_response_selection_expression: None,
        responses: Vec::new(),
    }
}

/// The API in full: `prod` serves an older deployment than `test`.
pub(crate) fn chat() -> ApiDetail {
    let api = api("k3v9x2a1bc", "chat");
    let integrations = vec![
        integration("i-connect", "connect", 29_000),
        integration("i-join", "join", 29_000),
        integration("i-send", "send", 5_000),
    ];
    let routes = vec![
        route("$connect", "i-connect"),
        route("join", "i-join"),
        route("sendMessage", "i-send"),
    ];
    let draft = definition(&api, &routes, &integrations);
    let mut slow = integrations.clone();
    slow[2].timeout_ms = Some(29_000);
    let on_test = definition(&api, &routes, &slow);
    let on_prod = definition(&api, &[routes[0].clone(), routes[2].clone()], &slow);
    let described = on_test.fingerprint().append_to("add join route");
    let mut detail = ApiDetail {
        stages: read(vec![
            stage("prod", Some("9q1mzz")),
            stage("test", Some("53lz9l")),
        ]),
        deployments: read(vec![
            deployment("53lz9l", &described, ago(2 * HOUR)),
            deployment("9q1mzz", "first release", ago(3 * DAY)),
        ]),
        held: BTreeMap::from([
            (deployment_id("9q1mzz"), Arc::new(on_prod)),
            (deployment_id("53lz9l"), Arc::new(on_test)),
        ]),
        routes: read(routes),
        integrations: read(integrations),
        authorizers: read(Vec::new()),
        models: read(Vec::new()),
        draft: Some(Draft {
            definition: draft,
            as_of: ago(0),
            until: ago(0),
            n_calls: 5,
        }),
        ..ApiDetail::unread(api)
    };
    detail.compare();
    detail
}

/// A part that was read when the test began.
fn read<T>(known: T) -> Part<T> {
    Part::read(known, ago(0))
}

fn definition(api: &Api, routes: &[Route], integrations: &[Integration]) -> Definition {
    Definition::from_parts(Parts {
        api,
        routes,
        integrations,
        authorizers: &[],
        models: &[],
    })
}

/// The API `ticker`, whose one stage serves the draft.
pub(crate) fn ticker() -> ApiDetail {
    let mut detail = chat();
    detail.api = api("9f2m1q0zzx", "ticker");
    *detail.stages = vec![stage("live", Some("53lz9l"))];
    let draft = detail.draft.as_ref().unwrap().definition.clone();
    detail.deployments[0].description = Some(draft.fingerprint().append_to("add join route"));
    detail.held = BTreeMap::from([(deployment_id("53lz9l"), Arc::new(draft))]);
    detail.compare();
    detail
}

/// What deploying `chat` would be.
pub(crate) fn plan(request: DeployRequest) -> DeployPlan {
    let chat = chat();
    let name = request.stage.name().clone();
    let (drift, serves_now, step) = match &request.stage {
        StageChoice::Existing(name) => (
            chat.drift[name].clone(),
            chat.stage(name).unwrap().deployment_id.clone(),
            DeployStep::UpdateStage,
        ),
        StageChoice::New(_) => (Drift::NothingDeployed, None, DeployStep::CreateStage),
    };
    let description = request.description.clone().unwrap_or_default();
    DeployPlan {
        draft: chat.draft.clone(),
        serves_now,
        known: chat.deployments.iter().map(|it| it.id.clone()).collect(),
        drift,
        warnings: Vec::new(),
        steps: vec![
            DeployStep::CreateDeployment,
            DeployStep::KeepDefinition,
            DeployStep::WaitForDeployed,
            step,
            DeployStep::Check,
        ],
        commands: vec![
            format!(
                "aws apigatewayv2 create-deployment --api-id k3v9x2a1bc --description '{description}'"
            ),
            format!(
                "aws apigatewayv2 {} --api-id k3v9x2a1bc --stage-name {name} --deployment-id <new>",
                step.label()
            ),
        ],
        api: chat.api,
        request,
    }
}

/// The deploy that the plan orders, done.
pub(crate) fn deployed(plan: &DeployPlan) -> Deployed {
    let name = plan.request.stage.name().as_str().to_owned();
    Deployed {
        api_id: plan.api.id.clone(),
        deployment: deployment("a81kq0", &plan.description().unwrap_or_default(), ago(0)),
        draft: plan.draft.clone().filter(|_| plan.request.check == DraftCheck::BeforeStage),
        unproved: None,
        stage: stage(&name, Some("a81kq0")),
        previous: plan.serves_now.clone(),
        undo_command: plan.serves_now.as_ref().map(|id| {
            format!(
                "aws apigatewayv2 update-stage --profile work --api-id {} --stage-name {name} --deployment-id {id}",
                plan.api.id
            )
        }),
        warnings: Vec::new(),
    }
}

/// The deploy that the plan orders, failed after the deployment was made.
pub(crate) fn failed_half_way(plan: &DeployPlan) -> DeployFailure {
    let stage = plan.request.stage.name();
    DeployFailure {
        failure: Failure::new(
            FailureKind::Remote,
            format!("Cannot deploy \"chat\" to stage \"{stage}\""),
        )
        .cause("AWS refused update-stage: TooManyRequestsException")
        .hint("wait a moment, then f goes on"),
        remains: Remains::LeftOver(LeftOver {
            deployment_id: deployment_id("a81kq0"),
            stage_use: StageUse::NotServed,
            is_disproved: false,
            plan: Box::new(plan.clone()),
        }),
    }
}

/// A step of a deploy and what became of it.
pub(crate) fn step(step: DeployStep, state: StepState) -> DeployProgress {
    DeployProgress {
        step,
        state,
        deployment: None,
        reading: None,
    }
}

/// A step that is done.
pub(crate) fn done(ms: u64) -> StepState {
    StepState::Done(Duration::from_millis(ms))
}

/// A failure of AWS.
pub(crate) fn failure(title: &str) -> Failure {
    Failure::new(FailureKind::Remote, title)
        .cause("AWS refused get-apis: AccessDeniedException")
        .cause("User alice is not authorized to perform apigateway:GET")
        .hint("choose another profile with t")
}

/// A screen on the local gateway that shows both APIs.
pub(crate) fn at_apis() -> Harness {
    let mut harness = Harness::new(Some(local()));
    harness
        .connected()
        .apis(Ok(vec![api("9f2m1q0zzx", "ticker"), chat().api]))
        .api(chat())
        .api(ticker());
    harness
}

/// A screen that shows the stages of `chat`.
pub(crate) fn at_chat() -> Harness {
    let mut harness = at_apis();
    harness.keys("enter");
    harness
}
