//! Models and VPC links: their members, and their refusals.

use super::*;

const BAD: &str = "BadRequestException";

#[tokio::test]
async fn a_model_is_kept_and_makes_a_template() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/models");
    let schema = r#"{"type":"object","properties":{"action":{"type":"string"}}}"#;
    let body = json!({ "name": "message", "schema": schema, "contentType": "application/json" });
    let made = plane.post(&path, body).await.ok(201);
    check_id(&made["modelId"], 6);
    let one = format!("{path}/{}", made["modelId"].as_str().unwrap());
    assert_eq!(plane.get(&one).await.ok(200), made);
    let template = plane.get(&format!("{one}/template")).await.ok(200);
    assert_eq!(
        template,
        json!({ "value": "#set($inputRoot = $input.path('$'))\n{\n  \"action\" : \"foo\"\n}\n" })
    );
    let change = json!({ "description": "what clients say" });
    let changed = plane.patch(&one, change.clone()).await.ok(200);
    assert_eq!(changed, with(made, change));
    plane.delete(&one).await.ok(204);
    let gone = plane.get(&format!("{one}/template")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn models_are_refused_when_they_are_none() {
    let plane = Plane::new();
    let api = plane.api().await;
    let path = format!("{api}/models");
    let taken = json!({ "name": "taken", "schema": "{}" });
    plane.post(&path, taken.clone()).await.ok(201);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let schema = "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]";
    for (body, message) in [
        (json!({ "schema": "{}" }), "Missing required member: name"),
        (json!({ "name": "m" }), "Missing required member: schema"),
        (
            json!({ "name": "a-b", "schema": "{}" }),
            "Model name must be alphanumeric: a-b",
        ),
        (json!({ "name": "m", "schema": "{" }), schema),
        (json!({ "name": "m", "schema": deep }), schema),
        (json!({ "name": "m", "schema": "[]" }), schema),
        (
            json!({ "name": "m", "schema": r#"{"type":"text"}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"type":"object","required":[]}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"properties":{"a":{"minLength":"1"}}}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"not":{"pattern":"("}}"# }),
            schema,
        ),
        (json!({ "name": "m", "schema": r#"{"enum":[]}"# }), schema),
        (
            json!({ "name": "m", "schema": r#"{"enum":["a",1,"a"]}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"items":{"$ref":5}}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"pattern":"a{2,1}"}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": r#"{"patternProperties":{"(":{}}}"# }),
            schema,
        ),
        (
            json!({ "name": "m", "schema": "{}", "contentType": "json" }),
            "Invalid content type specified: json",
        ),
        (
            json!({ "name": "m", "schema": " ".repeat(32_769) }),
            "Invalid value for schema: it must have 0 to 32768 characters",
        ),
    ] {
        plane.post(&path, body).await.refused(400, BAD, message);
    }
    let media = json!({ "name": "media", "schema": "{}", "contentType": "application/vnd.a+json; charset=utf-8" });
    plane.post(&path, media).await.ok(201);
    let again = plane.post(&path, taken).await;
    let message = "Model with name taken already exists for this API";
    again.refused(409, "ConflictException", message);
}

#[tokio::test]
async fn a_vpc_link_is_kept_and_tagged() {
    let plane = Plane::new();
    let body =
        json!({ "name": "link", "subnetIds": ["subnet-1", "subnet-2"], "tags": { "a": "1" } });
    let mut made = plane.post("/v2/vpclinks", body).await.ok(201);
    let id = made["vpcLinkId"].as_str().unwrap().to_owned();
    check_time(&made["createdDate"]);
    let one = format!("/v2/vpclinks/{id}");
    assert_eq!(plane.get(&one).await.ok(200), made);
    let changed = plane.patch(&one, json!({ "name": "other" })).await.ok(200);
    made["name"] = json!("other");
    assert_eq!(changed, made);
    let tags = format!("/v2/tags/arn:aws:apigateway:us-east-1::/vpclinks/{id}");
    let tag = json!({ "tags": { "b": "2" } });
    plane.post(&tags, tag).await.ok(201);
    let read = plane.get(&tags).await.ok(200);
    assert_eq!(read, json!({ "tags": { "a": "1", "b": "2" } }));
    let list = plane.get("/v2/vpclinks").await.ok(200);
    assert_eq!(list["items"][0]["tags"], json!({ "a": "1", "b": "2" }));
    plane.delete(&one).await.ok(202);
    let gone = plane.get(&one).await;
    let message = "Invalid VpcLink identifier specified";
    gone.refused(404, "NotFoundException", message);
    for (body, message) in [
        (
            json!({ "name": "link" }),
            "Missing required member: subnetIds",
        ),
        (
            json!({ "name": "link", "subnetIds": [] }),
            "SubnetIds for a vpc link cannot be empty",
        ),
    ] {
        let answer = plane.post("/v2/vpclinks", body).await;
        answer.refused(400, BAD, message);
    }
}

#[tokio::test]
async fn keywords_that_draft_4_does_not_define_are_refused() {
    let plane = Plane::new();
    let path = format!("{}/models", plane.api().await);
    let send = async |schema: Value| {
        let body = json!({ "name": "m", "schema": schema.to_string() });
        plane.post(&path, body).await
    };
    for (schema, keywords) in [
        (json!({ "$id": "x", "type": "object" }), r#"["$id"]"#),
        (
            json!({ "nullable": true, "example": 1 }),
            r#"["example","nullable"]"#,
        ),
        (
            json!({ "properties": { "a": { "type": "string", "example": "x" } } }),
            r#"["example"]"#,
        ),
        (json!({ "items": [{}, { "const": 1 }] }), r#"["const"]"#),
        (json!({ "items": { "if": {} } }), r#"["if"]"#),
        (json!({ "anyOf": [{ "x-a": 1 }] }), r#"["x-a"]"#),
        (json!({ "not": { "contains": {} } }), r#"["contains"]"#),
        (
            json!({ "additionalProperties": { "$comment": "" } }),
            r#"["$comment"]"#,
        ),
        (
            json!({ "definitions": { "a": { "examples": [] } } }),
            r#"["examples"]"#,
        ),
        (
            json!({ "dependencies": { "a": { "readOnly": true } } }),
            r#"["readOnly"]"#,
        ),
    ] {
        let message = format!(
            "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. Unsupported keyword(s): {keywords}]"
        );
        send(schema).await.refused(400, BAD, &message);
    }
    let whole = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": "x",
        "title": "t",
        "description": "d",
        "type": "object",
        "properties": { "example": { "enum": [{ "const": 1 }], "default": { "if": 1 } } },
        "dependencies": { "if": ["then"] },
        "definitions": { "$id": { "multipleOf": 2 } },
        "additionalProperties": false,
    });
    send(whole).await.ok(201);
}

#[tokio::test]
async fn a_model_that_a_route_names_is_there_and_stays() {
    let plane = Plane::new();
    let api = plane.api().await;
    let (routes, models) = (format!("{api}/routes"), format!("{api}/models"));
    let unknown = "Invalid model identifier specified: Say";
    let held = json!({ "routeKey": "say", "requestModels": { "$default": "Say" } });
    let refused = plane.post(&routes, held.clone()).await;
    refused.refused(400, BAD, unknown);
    let route = json!({ "routeKey": "two-way" });
    let two_way = plane.post(&routes, route).await.id("routeId");
    let responses = format!("{routes}/{two_way}/routeresponses");
    let response = json!({ "routeResponseKey": "$default", "responseModels": { "a": "Say" } });
    let refused = plane.post(&responses, response.clone()).await;
    refused.refused(400, BAD, unknown);

    let say = json!({ "name": "Say", "schema": "{}" });
    let model = plane.post(&models, say).await.id("modelId");
    let model = format!("{models}/{model}");
    let route = plane.post(&routes, held).await.id("routeId");
    plane.post(&responses, response).await.ok(201);
    let rename = json!({ "name": "Other" });
    for key in ["say", "two-way"] {
        // Whichever of the two has the lower id is told, until it is gone.
        let told = |verb: &str, answer: &Answer| {
            let message = answer.body["message"].as_str().unwrap();
            let start = format!("Cannot {verb} model 'Say', is referenced in route: ");
            assert!(message.starts_with(&start), "{message}");
            assert_eq!(
                (answer.status, answer.code.as_deref()),
                (409, Some("ConflictException"))
            );
        };
        told("delete", &plane.delete(&model).await);
        told("rename", &plane.patch(&model, rename.clone()).await);
        let gone = if key == "say" { &route } else { &two_way };
        plane.delete(&format!("{routes}/{gone}")).await.ok(204);
    }
    plane.patch(&model, rename).await.ok(200);
    plane.delete(&model).await.ok(204);
}

#[tokio::test]
async fn a_websocket_api_is_not_connected_by_a_vpc_link_of_version_2() {
    let plane = Plane::new();
    let link = json!({ "name": "link", "subnetIds": ["subnet-1"] });
    let link = plane.post("/v2/vpclinks", link).await.id("vpcLinkId");
    let path = format!("{}/integrations", plane.api().await);
    let through = |link: &str| json!({ "integrationType": "HTTP_PROXY", "integrationMethod": "GET", "integrationUri": "http://a/", "connectionType": "VPC_LINK", "connectionId": link });
    let message = format!(
        "VPC link {link} is of version V2, which is not supported for WEBSOCKET protocolType"
    );
    let refused = plane.post(&path, through(&link)).await;
    refused.refused(400, BAD, &message);
    plane.post(&path, through("version1")).await.ok(201);
    plane.delete(&format!("/v2/vpclinks/{link}")).await.ok(202);
}
