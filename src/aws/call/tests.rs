//! Every operation through its gate: a change is attempted once, whatever happens, and a look is repeated.

use super::{ATTEMPTS, Changes, Looks};
use crate::{
    aws::{
        Control, Error,
        stub::{CannedAnswer, Stub},
        write::RouteEnds,
    },
    model::{
        ApiId, AuthorizerId, DeploymentId, IntegrationId, IntegrationResponseId, ModelId, RouteId,
        RouteResponseId, StageName,
        file::{
            ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile,
            RouteFile, RouteResponseFile, Texts,
        },
    },
};

/// The ids of everything that a call may name.
struct Ids {
    api: ApiId,
    stage: StageName,
    deployment: DeploymentId,
    authorizer: AuthorizerId,
    model: ModelId,
    integration: IntegrationId,
    integration_response: IntegrationResponseId,
    route: RouteId,
    route_response: RouteResponseId,
}

impl Ids {
    fn new() -> Self {
        Self {
            api: ApiId::parse("a1").unwrap(),
            stage: StageName::parse("prod").unwrap(),
            deployment: DeploymentId::parse("d1").unwrap(),
            authorizer: AuthorizerId::parse("z1").unwrap(),
            model: ModelId::parse("m1").unwrap(),
            integration: IntegrationId::parse("i1").unwrap(),
            integration_response: IntegrationResponseId::parse("p1").unwrap(),
            route: RouteId::parse("r1").unwrap(),
            route_response: RouteResponseId::parse("q1").unwrap(),
        }
    }
}

/// Makes the call that looks by an operation.
async fn look(control: &Control, operation: &str, ids: &Ids) -> Result<(), Error> {
    let api = &ids.api;
    match operation {
        "get_api" => control.api(api).await.map(drop),
        "get_apis" => control.apis().await.map(drop),
        "get_authorizers" => control.authorizers(api).await.map(drop),
        "get_deployment" => control.deployment(api, &ids.deployment).await.map(drop),
        "get_deployments" => control.deployments(api).await.map(drop),
        "get_integration_responses" => {
            let responses = control.integration_responses(api, &ids.integration);
            responses.await.map(drop)
        }
        "get_integrations" => control.integrations(api).await.map(drop),
        "get_models" => control.models(api).await.map(drop),
        "get_route_responses" => control.route_responses(api, &ids.route).await.map(drop),
        "get_routes" => control.routes(api).await.map(drop),
        "get_stage" => control.stage(api, &ids.stage).await.map(drop),
        "get_stages" => control.stages(api).await.map(drop),
        other => panic!("no test makes {other}"),
    }
}

/// Makes the call that changes something by an operation.
async fn change(control: &Control, operation: &str, ids: &Ids) -> Result<(), Error> {
    match operation {
        "tag_resource" => control.tag(&ids.api, None, &Texts::new()).await,
        "untag_resource" => control.untag(&ids.api, None, &[]).await,
        "delete_route_request_parameter" => {
            let route = ids.api.part(&ids.route);
            control.delete_route_request_parameter(route, "x").await
        }
        "delete_route_settings" => {
            let stage = ids.api.part(&ids.stage);
            control.delete_route_settings(stage, "x").await
        }
        "delete_access_log_settings" => {
            let deleted = control.delete_access_log_settings(&ids.api, &ids.stage);
            deleted.await
        }
        _ => match operation.split_once('_') {
            Some(("create", part)) => create(control, part, ids).await,
            Some(("update", part)) => update(control, part, ids).await,
            Some(("delete", part)) => delete(control, part, ids).await,
            _ => panic!("no test makes {operation}"),
        },
    }
}

async fn create(control: &Control, part: &str, ids: &Ids) -> Result<(), Error> {
    let api = &ids.api;
    match part {
        "api" => control.create_api(&ApiFile::default()).await.map(drop),
        "authorizer" => {
            let file = AuthorizerFile::default();
            control.create_authorizer(api, "x", &file).await.map(drop)
        }
        "deployment" => control.create_deployment(api, None).await.map(drop),
        "integration" => {
            let file = IntegrationFile::default();
            control.create_integration(api, &file).await.map(drop)
        }
        "integration_response" => {
            let (of, file) = (
                api.part(&ids.integration),
                IntegrationResponseFile::default(),
            );
            control.create_integration_response(of, "x", &file).await
        }
        "model" => control.create_model(api, "x", &ModelFile::default()).await,
        "route" => {
            let (file, ends) = (RouteFile::default(), RouteEnds::default());
            let created = control.create_route(api, "x", &file, &ends);
            created.await.map(drop)
        }
        "route_response" => {
            let (of, file) = (api.part(&ids.route), RouteResponseFile::default());
            control.create_route_response(of, "x", &file).await
        }
        "stage" => {
            let created = control.create_stage(api, &ids.stage, &ids.deployment);
            created.await.map(drop)
        }
        other => panic!("no test creates {other}"),
    }
}

async fn update(control: &Control, part: &str, ids: &Ids) -> Result<(), Error> {
    let api = &ids.api;
    match part {
        "api" => {
            let file = ApiFile::default();
            control.update_api(api, &file, &file).await
        }
        "authorizer" => {
            let file = AuthorizerFile::default();
            let authorizer = api.part(&ids.authorizer);
            control.update_authorizer(authorizer, &file, &file).await
        }
        "deployment" => {
            let described = control.describe_deployment(api, &ids.deployment, "x");
            described.await
        }
        "integration" => {
            let file = IntegrationFile::default();
            let integration = api.part(&ids.integration);
            control.update_integration(integration, &file, &file).await
        }
        "integration_response" => {
            let file = IntegrationResponseFile::default();
            let response = api.part(&ids.integration);
            let response = response.response(&ids.integration_response);
            let updated = control.update_integration_response(response, &file, &file);
            updated.await
        }
        "model" => {
            let (model, file) = (api.part(&ids.model), ModelFile::default());
            control.update_model(model, &file, &file).await
        }
        "route" => {
            let (file, ends) = (RouteFile::default(), RouteEnds::default());
            let route = api.part(&ids.route);
            control.update_route(route, &file, &file, &ends).await
        }
        "route_response" => {
            let file = RouteResponseFile::default();
            let response = api.part(&ids.route).response(&ids.route_response);
            control.update_route_response(response, &file, &file).await
        }
        "stage" => {
            let pointed = control.point_stage(api, &ids.stage, &ids.deployment);
            pointed.await.map(drop)
        }
        other => panic!("no test updates {other}"),
    }
}

async fn delete(control: &Control, part: &str, ids: &Ids) -> Result<(), Error> {
    let api = &ids.api;
    match part {
        "authorizer" => control.delete_authorizer(api, &ids.authorizer).await,
        "deployment" => control.delete_deployment(api, &ids.deployment).await,
        "integration" => control.delete_integration(api, &ids.integration).await,
        "integration_response" => {
            let of = api.part(&ids.integration);
            let response = &ids.integration_response;
            control.delete_integration_response(of, response).await
        }
        "model" => control.delete_model(api, &ids.model).await,
        "route" => control.delete_route(api, &ids.route).await,
        "route_response" => {
            let of = api.part(&ids.route);
            control.delete_route_response(of, &ids.route_response).await
        }
        "stage" => control.delete_stage(api, &ids.stage).await,
        other => panic!("no test deletes {other}"),
    }
}

/// The requests of one call that fails, by a control plane that fails, however often it is asked.
async fn requests(
    operation: &str,
    call: impl AsyncFnOnce(&Control, &Ids) -> Result<(), Error>,
) -> Vec<String> {
    let stub = Stub::start(|_| CannedAnswer::error(500, "InternalServerError", "oops")).await;
    let failed = call(&stub.control().await, &Ids::new()).await;
    let told = failed.unwrap_err().operation;
    assert_eq!(told, operation.replace('_', "-"), "by its own name");
    stub.calls().into_iter().map(|call| call.line).collect()
}

fn is_look(request: &str) -> bool {
    request.starts_with("GET ")
}

#[tokio::test]
async fn every_change_passes_the_gate_for_changes() {
    for operation in Changes::NAMES {
        let requests = requests(operation, async |control, ids| {
            change(control, operation, ids).await
        })
        .await;
        assert_eq!(requests.len(), 1, "{operation}: {requests:?}");
        assert!(!is_look(&requests[0]), "{operation}: {requests:?}");
    }
}

#[tokio::test]
async fn no_look_passes_the_gate_for_changes() {
    for operation in Looks::NAMES {
        let requests = requests(operation, async |control, ids| {
            look(control, operation, ids).await
        })
        .await;
        let n_attempts = usize::try_from(ATTEMPTS).unwrap();
        assert_eq!(requests.len(), n_attempts, "{operation}: {requests:?}");
        assert!(
            requests.iter().all(|request| is_look(request)),
            "{operation}: {requests:?}"
        );
    }
}
