//! Every operation of the table: its success, a missing member, a wrong type, an unknown id, its pages.

use super::{
    router::OPERATIONS,
    world::{TAKEN, World, encoded, labels, taken},
    *,
};

const BAD: &str = "BadRequestException";

/// True for an operation that only HTTP APIs have; it is refused, whatever it is asked for.
fn is_refused(operation: &Operation) -> bool {
    [
        "ImportApi",
        "ReimportApi",
        "ExportApi",
        "DeleteCorsConfiguration",
        "ResetAuthorizersCache",
    ]
    .contains(&operation.name)
}

#[test]
fn every_operation_has_a_case() {
    let known = |name: &str| OPERATIONS.iter().any(|it| it.name == name);
    for (position, taken) in TAKEN.iter().enumerate() {
        let name = taken.operation;
        let is_first = TAKEN[..position].iter().all(|it| it.operation != name);
        assert!(known(name) && is_first, "{name}");
    }
    for operation in OPERATIONS {
        let is_bare = [Method::GET, Method::DELETE].contains(&operation.method);
        assert_eq!(is_bare, taken(operation).is_none(), "{}", operation.name);
    }
}

#[tokio::test]
async fn every_operation_succeeds_with_its_own_status() {
    for operation in OPERATIONS {
        let world = World::new().await;
        let body = taken(operation).map_or(Value::Null, |taken| (taken.body)(&world, 0));
        let mut path = world.path(operation);
        if operation.name == "CreateRouteResponse" {
            // There is only one, and it is there.
            let one = format!("{path}/{}", world.there("routeResponseId"));
            world.plane.delete(&one).await.ok(204);
        }
        if operation.name == "UntagResource" {
            path.push_str("?tagKeys=a");
        }
        let answer = world.plane.call(operation.method.clone(), &path, body);
        let answer = answer.await;
        if is_refused(operation) {
            let message = format!(
                "{} is for HTTP APIs; the local gateway serves WEBSOCKET APIs only",
                operation.name
            );
            answer.refused(400, BAD, &message);
            continue;
        }
        let status = match operation.method {
            Method::POST => 201,
            // SOURCE: recorded on AWS, September 2026, against the service model.
            Method::PATCH if operation.name == "UpdateRoute" => 201,
            Method::DELETE if operation.name == "DeleteVpcLink" => 202,
            Method::DELETE => 204,
            _ => 200,
        };
        let answer = answer.ok(status);
        assert_eq!(answer.is_null(), status == 204, "{}", operation.name);
    }
}

#[tokio::test]
async fn every_operation_says_which_member_is_missing() {
    let world = World::new().await;
    for operation in OPERATIONS {
        let Some(taken) = taken(operation) else {
            continue;
        };
        for member in taken.required {
            let mut body = (taken.body)(&world, 0);
            body.as_object_mut().unwrap().remove(*member);
            let path = world.path(operation);
            let answer = world.plane.call(operation.method.clone(), &path, body);
            let message = match (operation.name, *member) {
                ("CreateApi", "name") => "Invalid API name specified".to_owned(),
                _ => format!("Missing required member: {member}"),
            };
            answer.await.refused(400, BAD, &message);
        }
    }
    let tags = format!("/v2/tags/{}", encoded(world.there("resource-arn")));
    let message = "Missing required member: tagKeys";
    world.plane.delete(&tags).await.refused(400, BAD, message);
}

#[tokio::test]
async fn every_member_of_every_operation_has_a_type() {
    let world = World::new().await;
    for operation in OPERATIONS {
        let Some(taken) = taken(operation) else {
            continue;
        };
        for member in taken.members {
            let mut body = (taken.body)(&world, 0);
            // No member is a list of lists.
            body[*member] = json!([[]]);
            let path = world.path(operation);
            let answer = world.plane.call(operation.method.clone(), &path, body);
            let answer = answer.await;
            let what = format!("{} {member}: {answer:?}", operation.name);
            assert_eq!(
                (answer.status, answer.code.as_deref()),
                (400, Some(BAD)),
                "{what}"
            );
            let message = answer.body["message"].as_str().unwrap();
            let is_told = message.starts_with(&format!("Invalid value for {member}"))
                || message == "Cors is not supported for WEBSOCKET protocolType"
                || message.ends_with("cannot be set for WEBSOCKET protocol Apis.");
            assert!(is_told, "{what}");
        }
        for body in [
            "[]",
            "null",
            "7",
            "{",
            "{}{}",
            "\"a\"",
            "{\"description\":\"\u{1}\"}",
        ] {
            let request = Plane::request(&operation.method, &world.path(operation));
            let answer = world.plane.send(request.body(body.into()).unwrap()).await;
            assert_eq!(answer.status, 400, "{} {body}: {answer:?}", operation.name);
        }
    }
}

/// Returns the refusal of the unknown thing `none`: its status and its message.
fn unknown(label: &str) -> (u16, String) {
    let kind = match label {
        "apiId" => {
            return (
                404,
                "Invalid API identifier specified 000000000000:none".into(),
            );
        }
        "routeKey" => {
            let text = "Unable to find Route by key none within the provided RouteSettings";
            return (404, text.into());
        }
        "domainName" => {
            let text = "Invalid domain name identifier specified";
            return (404, text.into());
        }
        "apiMappingId" => {
            let text = "The api mapping resource specified in the request was not found.";
            return (404, text.into());
        }
        "resource-arn" => return (400, "Invalid resource ARN specified in the request".into()),
        "stageName" => "stage",
        "requestParameterKey" => "RequestParameter",
        "routeId" => "route",
        "routeResponseId" => "RouteResponse",
        "integrationId" => "Integration",
        "integrationResponseId" => "IntegrationResponse",
        "authorizerId" => "Authorizer",
        "modelId" => "Model",
        "deploymentId" => "Deployment",
        "vpcLinkId" => "VpcLink",
        other => panic!("no text for {other}"),
    };
    (404, format!("Invalid {kind} identifier specified"))
}

#[tokio::test]
async fn every_operation_says_what_it_does_not_find() {
    let world = World::new().await;
    for operation in OPERATIONS {
        for missing in labels(operation) {
            // What is refused on any API is refused whatever else the path names.
            if is_refused(operation) && missing != "apiId" {
                continue;
            }
            let mut path = world.path_without(operation, missing);
            if operation.name == "UntagResource" {
                path.push_str("?tagKeys=a");
            }
            let body = taken(operation).map_or(Value::Null, |taken| (taken.body)(&world, 0));
            let answer = world.plane.call(operation.method.clone(), &path, body);
            let answer = answer.await;
            let (status, message) = unknown(missing);
            let code = if status == 404 {
                "NotFoundException"
            } else {
                BAD
            };
            answer.refused(status, code, &message);
        }
    }
}

/// Reads a list page by page, with so many items each.
async fn pages(world: &World, path: &str, size: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut query = format!("?maxResults={size}");
    loop {
        let page = world.plane.get(&format!("{path}{query}")).await.ok(200);
        let there = page["items"].as_array().unwrap();
        assert!(there.len() <= size, "{path}");
        items.extend(there.iter().cloned());
        match page.get("nextToken") {
            Some(token) => {
                assert_eq!(there.len(), size, "{path}");
                query = format!("?maxResults={size}&nextToken={}", token.as_str().unwrap());
            }
            None => return items,
        }
    }
}

#[tokio::test]
async fn every_list_has_pages() {
    let world = World::new().await;
    let mut n_lists = 0;
    for operation in OPERATIONS {
        let is_list = operation.method == Method::GET
            && (operation.name.ends_with('s') && operation.name != "GetTags");
        if !is_list {
            continue;
        }
        n_lists += 1;
        let path = world.path(operation);
        let of_kind = |it: &&Operation| it.method == Method::POST && it.path == operation.path;
        let create = OPERATIONS.iter().find(of_kind).unwrap();
        if create.name != "CreateRouteResponse" {
            for n in 1..=4 {
                let body = (taken(create).unwrap().body)(&world, n);
                world.plane.post(&path, body).await.ok(201);
            }
        }
        let whole = world.plane.get(&path).await.ok(200);
        assert_eq!(whole.get("nextToken"), None, "{path}");
        let whole = whole["items"].as_array().unwrap();
        for size in [1, 2, 5, 1000] {
            assert_eq!(pages(&world, &path, size).await, *whole, "{path}");
        }
        for (query, message) in [
            (
                "maxResults=0",
                "Invalid value for maxResults: 0. It must be a number of 1 or more",
            ),
            (
                "maxResults=x",
                "Invalid value for maxResults: x. It must be a number of 1 or more",
            ),
            ("nextToken=x", "Invalid nextToken"),
        ] {
            let answer = world.plane.get(&format!("{path}?{query}")).await;
            answer.refused(400, BAD, message);
        }
    }
    assert_eq!(n_lists, 12);
}
