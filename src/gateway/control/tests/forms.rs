//! The form of mappings, parameters, keys and selection expressions.

use super::*;

/// Returns the refusal of a mapping under `key` whose `culprit` cannot be read: the key itself, or what it is mapped
/// from.
fn unmappable(key: &str, culprit: &str) -> String {
    let what = if culprit == key {
        "expression parameter"
    } else {
        "expression"
    };
    format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping {what} specified: {culprit}]"
    )
}

#[tokio::test]
async fn mappings_of_another_form_are_refused() {
    let plane = Plane::new();
    let path = format!("{}/integrations", plane.api().await);
    let send = async |key: &str, value: &str| {
        let body = json!({ "integrationType": "MOCK", "requestParameters": { key: value } });
        plane.post(&path, body).await
    };
    let header = "integration.request.header.a";
    for (key, value, culprit) in [
        ("foo", "bar", "foo"),
        (
            "integration.request.cookie.a",
            "'1'",
            "integration.request.cookie.a",
        ),
        (
            "integration.request.header.",
            "'1'",
            "integration.request.header.",
        ),
        (
            "integration.request.header.a b",
            "'1'",
            "integration.request.header.a b",
        ),
        (header, "bar", "bar"),
        (header, "'open", "'open"),
        (header, "'", "'"),
        (header, "context.", "context."),
        (header, "route.request.bodyguard", "route.request.bodyguard"),
        (header, "route.request.body[", "route.request.body["),
        (header, "route.request.body$.a", "route.request.body$.a"),
        (header, "route.request.cookie.a", "route.request.cookie.a"),
        (header, "route.request.header", "route.request.header"),
    ] {
        let refused = send(key, value).await;
        refused.refused(400, "BadRequestException", &unmappable(key, culprit));
    }
    for value in [
        "'1'",
        "''",
        "context.connectionId",
        "context.authorizer.a",
        "stageVariables.room",
        "route.request.header.a",
        "method.request.multivalueheader.a",
        "route.request.querystring.a",
        "route.request.multivaluequerystring.a",
        "route.request.body",
        "route.request.body.a[0].b",
    ] {
        send(header, value).await.ok(201);
    }
    let path_parameter = "integration.request.path.a_b$c-d.e";
    send(path_parameter, "'1'").await.ok(201);
    send("integration.request.querystring.a", "'1'")
        .await
        .ok(201);
}

#[tokio::test]
async fn request_parameters_of_another_form_are_refused() {
    let plane = Plane::new();
    let api = plane.api_with_route().await;
    let path = format!("{api}/routes");
    let first = json!({ "routeKey": "$connect" });
    let one = plane.post(&path, first).await.id("routeId");
    let one = format!("{path}/{one}");
    for name in [
        "foo",
        "",
        "route.request.",
        "route.request.header",
        "route.request.header.",
        "route.request.header.a b",
        "route.request.cookie.a",
        "route.request.bodyguard",
        "route.request.body.a",
        "method.request.header.a",
        "integration.request.header.a",
        "context.connectionId",
    ] {
        let parameters = json!({ name: { "required": false } });
        let made = json!({ "routeKey": "$disconnect", "requestParameters": parameters });
        let change = json!({ "requestParameters": parameters });
        for answer in [
            plane.post(&path, made).await,
            plane.patch(&one, change).await,
        ] {
            let message = format!("Invalid mapping expression parameter specified: {name}");
            answer.refused(400, "BadRequestException", &message);
        }
    }
    let parameters = json!({
        "route.request.header.a": { "required": false },
        "route.request.multivalueheader.a_b$c-d.e": { "required": false },
        "route.request.querystring.a": { "required": true },
        "route.request.multivaluequerystring.a": { "required": false },
    });
    let change = json!({ "requestParameters": parameters });
    let changed = plane.patch(&one, change).await.ok(201);
    assert_eq!(changed["requestParameters"], parameters);

    let message = "Request parameters are only supported for the $connect route in WEBSOCKET APIs";
    let elsewhere = json!({ "routeKey": "join", "requestParameters": parameters });
    let moved = json!({ "routeKey": "join" });
    for answer in [
        plane.post(&path, elsewhere).await,
        plane.patch(&one, moved).await,
    ] {
        answer.refused(400, "BadRequestException", message);
    }
    let none = json!({ "routeKey": "join", "requestParameters": {} });
    plane.post(&path, none).await.ok(201);
}

#[tokio::test]
async fn route_keys_of_another_form_are_refused() {
    let plane = Plane::new();
    let path = format!("{}/routes", plane.api().await);
    let send = async |key: String| plane.post(&path, json!({ "routeKey": key })).await;
    for key in ["a\u{0}b".to_owned(), "a\nb".to_owned(), "k".repeat(1025)] {
        let message = "The provided route key is not formatted properly";
        send(key).await.refused(400, "BadRequestException", message);
    }
    for key in ["k".repeat(1024), "a b \u{e9}/{x}".to_owned()] {
        send(key).await.ok(201);
    }
}

#[tokio::test]
async fn response_keys_that_are_no_regular_expression_are_refused() {
    let plane = Plane::new();
    let api = plane.api().await;
    let mock = json!({ "integrationType": "MOCK" });
    let id = plane
        .post(&format!("{api}/integrations"), mock)
        .await
        .id("integrationId");
    let path = format!("{api}/integrations/{id}/integrationresponses");
    let send = async |key: &str| {
        plane
            .post(&path, json!({ "integrationResponseKey": key }))
            .await
    };
    for key in ["/(/", "/[a/", "/*/", "//", "/a)|(b/", "200", "/a"] {
        let message = "Invalid integrationResponseKey: it must be $default or a regular expression between slashes";
        send(key).await.refused(400, "BadRequestException", message);
    }
    for key in ["$default", "/2\\d\\d/", "/^(4|5)..$/"] {
        send(key).await.ok(201);
    }
}

#[tokio::test]
async fn an_empty_choice_changes_nothing() {
    let plane = Plane::new();
    let api = plane.api_with_route().await;
    let change = json!({ "ipAddressType": "dualstack", "apiKeySelectionExpression": "$context.authorizer.usageIdentifierKey" });
    let before = plane.patch(&api, change).await.ok(200);
    let change = json!({ "ipAddressType": "", "apiKeySelectionExpression": "" });
    assert_eq!(plane.patch(&api, change).await.ok(200), before);

    let integration = json!({ "integrationType": "MOCK", "passthroughBehavior": "NEVER" });
    let path = format!("{api}/integrations");
    let id = plane.post(&path, integration).await.id("integrationId");
    let path = format!("{path}/{id}");
    let before = plane.get(&path).await.ok(200);
    let change = json!({ "integrationType": "", "connectionType": "", "passthroughBehavior": "", "payloadFormatVersion": "" });
    assert_eq!(plane.patch(&path, change).await.ok(200), before);
    let message = "Missing required member: integrationType";
    let path = format!("{api}/integrations");
    let none = plane.post(&path, json!({ "integrationType": "" })).await;
    none.refused(400, "BadRequestException", message);
}

#[tokio::test]
async fn selection_expressions_that_select_nothing_are_refused() {
    let plane = Plane::new();
    let api = plane.api_with_route().await;
    let mock = json!({ "integrationType": "MOCK" });
    let integrations = format!("{api}/integrations");
    let mock = plane.post(&integrations, mock).await.id("integrationId");
    let responses = format!("{integrations}/{mock}/integrationresponses");
    let of_request = [
        "action",
        "\\$default",
        "${request.body.a}-$request.body.b",
        "",
    ];
    let of_response = [
        "200",
        "\\$default",
        "${integration.response.statuscode}",
        "$integration.response.header.a",
        "$request.body.a",
    ];
    let never = [
        "$",
        "$default",
        "$context.routeKey",
        "${request.body.a",
        "${stageVariables.a}",
        "$request.header.a",
    ];
    let answered = ["${integration.response.statuscode}"];
    let (route, template) = ("modelSelectionExpression", "templateSelectionExpression");
    let mut count = 0;
    for (path, member, base, good, bad) in [
        (
            format!("{api}/routes"),
            route,
            json!({}),
            &of_request[..],
            [&never[..], &answered].concat(),
        ),
        (
            integrations,
            template,
            json!({ "integrationType": "MOCK" }),
            &of_request,
            [&never[..], &answered].concat(),
        ),
        (responses, template, json!({}), &of_response, never.to_vec()),
    ] {
        for (expression, is_good) in good
            .iter()
            .map(|it| (it, true))
            .chain(bad.iter().map(|it| (it, false)))
        {
            count += 1;
            let mut body = base.clone();
            body[member] = json!(expression);
            body["routeKey"] = json!(format!("r{count}"));
            body["integrationResponseKey"] = json!(format!("/{count}/"));
            let answer = plane.post(&path, body).await;
            if is_good {
                answer.ok(201);
            } else {
                // SOURCE: reported of AWS: the first of the two.
                let message = match *expression {
                    "$default" => "Unexpected variable in selection expression: $default".into(),
                    _ => format!("Invalid {member}"),
                };
                answer.refused(400, "BadRequestException", &message);
            }
        }
    }
}

// SOURCE: reported of AWS.
#[tokio::test]
async fn a_route_response_takes_no_bare_default_and_a_route_no_other_answer() {
    let plane = Plane::new();
    let path = format!("{}/routes", plane.api().await);
    let route = json!({ "routeKey": "r", "routeResponseSelectionExpression": "\\$default" });
    let refused = plane.post(&path, route).await;
    let message = "Currently, only $default is supported as a route response selection expression.";
    refused.refused(400, "BadRequestException", message);
    let route = json!({ "routeKey": "r", "routeResponseSelectionExpression": "$default" });
    let route = plane.post(&path, route).await.id("routeId");
    let path = format!("{path}/{route}/routeresponses");
    let response = |expression: &str| json!({ "routeResponseKey": "$default", "modelSelectionExpression": expression });
    let refused = plane.post(&path, response("$default")).await;
    let message = "Unexpected variable in selection expression: $default";
    refused.refused(400, "BadRequestException", message);
    let made = plane.post(&path, response("\\$default")).await.ok(201);
    assert_eq!(made["modelSelectionExpression"], "\\$default");
}

#[tokio::test]
async fn mappings_of_answers_of_another_form_are_refused() {
    let plane = Plane::new();
    let path = format!("{}/integrations", plane.api().await);
    let mock = json!({ "integrationType": "MOCK" });
    let mock = plane.post(&path, mock).await.id("integrationId");
    let path = format!("{path}/{mock}/integrationresponses");
    let default = json!({ "integrationResponseKey": "$default" });
    let one = plane.post(&path, default).await.id("integrationResponseId");
    let one = format!("{path}/{one}");
    let send = async |key: &str, value: &str| {
        let change = json!({ "responseParameters": { key: value } });
        plane.patch(&one, change).await
    };
    let header = "method.response.header.a";
    for (key, value, culprit) in [
        ("a", "'1'", "a"),
        ("method.response.header.", "'1'", "method.response.header."),
        (
            "method.response.header.a b",
            "'1'",
            "method.response.header.a b",
        ),
        (
            "integration.request.header.a",
            "'1'",
            "integration.request.header.a",
        ),
        (header, "b", "b"),
        (header, "'open", "'open"),
        (header, "'", "'"),
        (
            header,
            "integration.response.header.",
            "integration.response.header.",
        ),
        (
            header,
            "integration.response.bodyguard",
            "integration.response.bodyguard",
        ),
        (
            header,
            "integration.response.body.a[?(@.b)]",
            "integration.response.body.a[?(@.b)]",
        ),
        (header, "route.request.header.a", "route.request.header.a"),
        (header, "context.connectionId", "context.connectionId"),
    ] {
        let refused = send(key, value).await;
        refused.refused(400, "BadRequestException", &unmappable(key, culprit));
    }
    for value in [
        "'1'",
        "''",
        "integration.response.header.X-A",
        "integration.response.multivalueheader.a",
        "integration.response.body",
        "integration.response.body.a[0].b",
    ] {
        send(header, value).await.ok(200);
        send("route.response.header.b", value).await.ok(200);
    }
    let removed = send(header, "").await.ok(200);
    let left = json!({ "route.response.header.b": "integration.response.body.a[0].b" });
    assert_eq!(removed["responseParameters"], left);
}
