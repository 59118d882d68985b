//! Custom domain names and their API mappings.

use super::*;

const BAD: &str = "BadRequestException";
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/c";

fn domain(name: &str) -> Value {
    json!({ "domainName": name, "domainNameConfigurations": [{ "certificateArn": CERTIFICATE }] })
}

/// Makes a domain name and returns its path.
async fn made(plane: &Plane, name: &str) -> String {
    plane.post("/v2/domainnames", domain(name)).await.ok(201);
    format!("/v2/domainnames/{name}")
}

/// Makes an API with a stage `prod` and returns its path.
async fn staged(plane: &Plane) -> String {
    let api = plane.api().await;
    let stage = json!({ "stageName": "prod" });
    plane.post(&format!("{api}/stages"), stage).await.ok(201);
    api
}

#[tokio::test]
async fn a_domain_name_has_the_members_that_aws_fills_in() {
    let plane = Plane::new();
    let answer = plane.post("/v2/domainnames", domain("ws.example.com"));
    let mut made = answer.await.ok(201);
    let configuration = &mut made["domainNameConfigurations"][0];
    let target = configuration["apiGatewayDomainName"].take();
    let target = target.as_str().unwrap();
    assert!(target.starts_with("d-"), "{target}");
    assert!(target.ends_with(".execute-api.us-east-1.amazonaws.com"));
    let expected = json!({
        "apiMappingSelectionExpression": "$request.basepath",
        "domainName": "ws.example.com",
        "domainNameArn": "arn:aws:apigateway:us-east-1::/domainnames/ws.example.com",
        "domainNameConfigurations": [{
            "apiGatewayDomainName": null,
            "certificateArn": CERTIFICATE,
            "domainNameStatus": "AVAILABLE",
            "endpointType": "REGIONAL",
            "hostedZoneId": "Z1UJRXOUMOOFQ8",
            "ipAddressType": "ipv4",
            "securityPolicy": "TLS_1_2",
        }],
        "routingMode": "API_MAPPING_ONLY",
        "tags": {},
    });
    assert_eq!(made, expected);
}

#[tokio::test]
async fn a_domain_name_is_in_the_zone_of_its_region() {
    let plane = Plane::new();
    for (region, zone) in [
        ("us-east-1", "Z1UJRXOUMOOFQ8"),
        ("eu-west-1", "ZLY8HYME6SFDD"),
        ("us-west-2", "Z2OJLYMUO9EFXC"),
        ("nowhere-1", "Z1UJRXOUMOOFQ8"),
    ] {
        let certificate = CERTIFICATE.replace("us-east-1", region);
        let body = json!({ "domainName": "ws.example.com", "domainNameConfigurations": [{ "certificateArn": certificate }] });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v2/domainnames")
            .header("authorization", CREDENTIAL.replace("us-east-1", region));
        let request = request.body(body.to_string().into()).unwrap();
        let made = plane.send(request).await.ok(201);
        let configuration = &made["domainNameConfigurations"][0];
        assert_eq!(configuration["hostedZoneId"], zone, "{region}");
        let target = configuration["apiGatewayDomainName"].as_str().unwrap();
        let end = format!(".execute-api.{region}.amazonaws.com");
        assert!(target.ends_with(&end), "{target}");
    }
}

#[tokio::test]
async fn domain_names_are_refused_in_aws_words() {
    let plane = Plane::new();
    made(&plane, "taken.example.com").await;
    let configured = |configuration: Value| json!({ "domainName": "a.example.com", "domainNameConfigurations": [configuration] });
    let elsewhere = "arn:aws:acm:eu-west-3:000000000000:certificate/c";
    for (body, message) in [
        (json!({}), "Missing required member: domainName"),
        (
            json!({ "domainName": "a.example.com" }),
            "Invalid input. Expected one domain name configuration",
        ),
        (
            json!({ "domainName": "a.example.com", "domainNameConfigurations": [{}, {}] }),
            "Invalid input. Expected one domain name configuration",
        ),
        (
            domain("taken.example.com"),
            "The domain name you provided already exists.",
        ),
        (
            domain("Ws.example.com"),
            "Invalid domain name specified: Ws.example.com",
        ),
        (domain("com"), "Invalid domain name specified: com"),
        (
            domain("a_b.example.com"),
            "Domain names cannot contain an underscore character",
        ),
        (
            domain("a.*.example.com"),
            "Invalid domain name specified: a.*.example.com",
        ),
        (
            configured(json!({ "certificateArn": CERTIFICATE, "endpointType": "EDGE" })),
            "EDGE endpoint type is not supported for APIGatewayV2 domainName",
        ),
        (
            configured(json!({ "certificateArn": CERTIFICATE, "securityPolicy": "TLS_1_0" })),
            "Only REGIONAL domain names with a security policy of TLS 1.2 can be managed through the API Gateway V2 API.",
        ),
        (
            configured(json!({ "certificateArn": elsewhere })),
            "Invalid certificate ARN: arn:aws:acm:eu-west-3:000000000000:certificate/c. Certificate must be in 'us-east-1'.",
        ),
        (configured(json!({})), "Invalid certificate ARN: "),
    ] {
        let answer = plane.post("/v2/domainnames", body).await;
        answer.refused(400, BAD, message);
    }
}

#[tokio::test]
async fn a_configuration_is_an_object_and_nothing_that_looks_like_its_members() {
    let plane = Plane::new();
    for configurations in [json!([[CERTIFICATE]]), json!([CERTIFICATE]), json!({})] {
        let body =
            json!({ "domainName": "a.example.com", "domainNameConfigurations": configurations });
        let answer = plane.post("/v2/domainnames", body).await;
        assert_eq!((answer.status, answer.code.as_deref()), (400, Some(BAD)));
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid value for domainNameConfigurations"));
    }
}

#[tokio::test]
async fn a_domain_name_is_changed_listed_tagged_and_removed_with_its_mappings() {
    let plane = Plane::new();
    let api = staged(&plane).await;
    let path = made(&plane, "*.example.com").await.replace('*', "%2A");
    let trust = json!({ "mutualTlsAuthentication": { "truststoreUri": "s3://bucket/key" } });
    let changed = plane.patch(&path, trust.clone()).await.ok(200);
    assert_eq!(
        changed["mutualTlsAuthentication"],
        trust["mutualTlsAuthentication"]
    );
    let none = json!({ "mutualTlsAuthentication": { "truststoreUri": "" } });
    let changed = plane.patch(&path, none).await.ok(200);
    assert_eq!(changed.get("mutualTlsAuthentication"), None);
    let rules = json!({ "routingMode": "ROUTING_RULE_ONLY" });
    assert_eq!(plane.patch(&path, rules).await.status, 400);
    let arn = "arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fdomainnames%2F%2A.example.com";
    let tags = format!("/v2/tags/{arn}");
    let tag = json!({ "tags": { "team": "a" } });
    plane.post(&tags, tag.clone()).await.ok(201);
    assert_eq!(plane.get(&tags).await.ok(200), tag);
    let list = plane.get("/v2/domainnames").await.ok(200);
    assert_eq!(list["items"][0]["tags"], tag["tags"]);

    let mapping = json!({ "apiId": api_id(&api), "stage": "prod" });
    let mappings = format!("{path}/apimappings");
    plane.post(&mappings, mapping).await.ok(201);
    plane.delete(&path).await.ok(204);
    let message = "Invalid domain name identifier specified";
    for path in [path, mappings] {
        let gone = plane.get(&path).await;
        gone.refused(404, "NotFoundException", message);
    }
    plane.delete(&api).await.ok(204);
}

#[tokio::test]
async fn a_mapping_leads_to_a_stage_and_keeps_it_from_removal() {
    let plane = Plane::new();
    let api = staged(&plane).await;
    let id = api_id(&api);
    let path = made(&plane, "ws.example.com").await;
    let mappings = format!("{path}/apimappings");
    let root = json!({ "apiId": id, "stage": "prod" });
    let mapping = plane.post(&mappings, root.clone()).await.ok(201);
    assert_eq!(mapping["apiMappingKey"], "");
    let chat = json!({ "apiId": id, "stage": "prod", "apiMappingKey": "chat" });
    let other = plane.post(&mappings, chat).await.ok(201);
    let one = format!("{mappings}/{}", other["apiMappingId"].as_str().unwrap());
    assert_eq!(plane.get(&one).await.ok(200), other);
    let conflict = "ConflictException";
    let message = "ApiMapping key already exists for this domain name";
    let empty = json!({ "apiId": id, "stage": "prod", "apiMappingKey": "" });
    for again in [root, empty.clone()] {
        let answer = plane.post(&mappings, again).await;
        answer.refused(409, conflict, message);
    }
    plane
        .patch(&one, empty)
        .await
        .refused(409, conflict, message);
    let moved = json!({ "apiId": id, "apiMappingKey": "talk" });
    let moved = plane.patch(&one, moved).await.ok(200);
    assert_eq!(
        (&moved["stage"], &moved["apiMappingKey"]),
        (&json!("prod"), &json!("talk"))
    );

    let message = format!(
        "Deleting API {id} failed. Please remove all API mappings for the API from your custom domain names."
    );
    plane.delete(&api).await.refused(400, BAD, &message);
    let message = "Deleting stage prod failed. Please remove all API mappings for the stage from your custom domain names.";
    let stage = format!("{api}/stages/prod");
    plane.delete(&stage).await.refused(400, BAD, message);
    let first = mapping["apiMappingId"].as_str().unwrap();
    for id in [first, other["apiMappingId"].as_str().unwrap()] {
        plane.delete(&format!("{mappings}/{id}")).await.ok(204);
    }
    let message = "The api mapping resource specified in the request was not found.";
    plane
        .get(&one)
        .await
        .refused(404, "NotFoundException", message);
    plane.delete(&stage).await.ok(204);
    plane.delete(&api).await.ok(204);
}

#[tokio::test]
async fn mappings_are_refused_in_aws_words() {
    let plane = Plane::new();
    let api = staged(&plane).await;
    let id = api_id(&api);
    let path = made(&plane, "ws.example.com").await;
    let mappings = format!("{path}/apimappings");
    let key = "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'()";
    for (body, message) in [
        (json!({ "stage": "prod" }), "Missing required member: apiId"),
        (json!({ "apiId": id }), "Missing required member: stage"),
        (
            json!({ "apiId": "none", "stage": "prod" }),
            "Invalid API identifier specified",
        ),
        (
            json!({ "apiId": id, "stage": "none" }),
            "Invalid stage identifier specified",
        ),
        (
            json!({ "apiId": id, "stage": "prod", "apiMappingKey": "a/b" }),
            key,
        ),
        (
            json!({ "apiId": id, "stage": "prod", "apiMappingKey": "a".repeat(301) }),
            key,
        ),
    ] {
        plane.post(&mappings, body).await.refused(400, BAD, message);
    }
    assert_eq!(plane.get(&mappings).await.ok(200), json!({ "items": [] }));
}

#[tokio::test]
async fn the_hundred_twenty_first_domain_name_is_a_conflict_with_429() {
    let plane = Plane::new();
    let names = (0..120).map(|n| domain(&format!("n{n}.example.com")));
    let made = names.map(|body| plane.post("/v2/domainnames", body));
    for answer in futures_util::future::join_all(made).await {
        answer.ok(201);
    }
    let more = plane.post("/v2/domainnames", domain("more.example.com"));
    assert_eq!(more.await.status, 429);
}
