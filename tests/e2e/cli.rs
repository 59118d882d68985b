//! Each verb does its job against a real gateway.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::json;

use crate::sandbox::{Gateway, Sandbox, run};

#[test]
fn help_names_every_verb_and_the_exit_codes() {
    let help = Sandbox::new().run(&["--help"]).expect(0).stdout;
    for word in [
        "gateway", "apis", "routes", "stages", "deploy", "pull", "apply", "url", "connect", "send",
        "keys", "130",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn apis_routes_and_stages_are_tables() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let apis = sandbox.local(&gateway, &["apis"]).expect(0).stdout;
    let lines: Vec<_> = apis.lines().collect();
    assert!(lines[0].starts_with("NAME"), "{apis}");
    assert!(
        lines[1].starts_with("chat") && lines[1].contains(&id),
        "{apis}"
    );
    let routes = sandbox
        .local(&gateway, &["routes", "chat"])
        .expect(0)
        .stdout;
    assert!(
        routes.contains("$default  two   NONE           MOCK"),
        "{routes}"
    );
    let empty = sandbox.local(&gateway, &["stages", &id]).expect(0);
    assert_eq!(empty.stdout, "");
    empty.says(&["has no stages", "--create"]);
}

#[test]
fn deploy_creates_a_stage_and_prints_both_objects_as_aws_does() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let arguments = [
        "deploy",
        "chat",
        "--stage",
        "test",
        "--create",
        "--description",
        "first",
        "--json",
    ];
    let deployed = sandbox.local(&gateway, &arguments).expect(0);
    let json = deployed.json();
    let deployment = json["Deployment"]["DeploymentId"].as_str().unwrap();
    assert_eq!(json["Deployment"]["DeploymentStatus"], "DEPLOYED");
    assert!(
        json["Deployment"]["Description"]
            .as_str()
            .unwrap()
            .starts_with("first")
    );
    assert_eq!(json["Stage"]["StageName"], "test");
    assert_eq!(json["Stage"]["DeploymentId"], deployment);
    deployed.says(&["create-deployment", "create-stage"]);

    let again = sandbox
        .local(&gateway, &["deploy", &id, "--stage", "test"])
        .expect(0);
    assert!(
        again.stdout.starts_with(&format!("test: {deployment} -> ")),
        "{}",
        again.stdout
    );
    let stages = sandbox
        .local(&gateway, &["stages", "chat"])
        .expect(0)
        .stdout;
    assert!(stages.contains("up to date"), "{stages}");
    let stages = sandbox
        .local(&gateway, &["stages", "chat", "--json"])
        .expect(0)
        .json();
    assert_eq!(stages["Items"][0]["StageName"], "test");
}

#[test]
fn a_deploy_on_a_full_disk_is_done_and_says_what_was_not_kept() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    // Neither the journal nor the log can be written: no file may get longer than nothing.
    let mut command = sandbox.other("/bin/sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_stagewire"))
        .args(["--local", "--endpoint-url", &gateway.url])
        .args(["deploy", "chat", "--stage", "test", "--create"]);
    let deployed = run(command).expect(0);
    assert!(deployed.stdout.starts_with("test: "), "{deployed:#?}");
    deployed.says(&["warning: ", "journal", "File too large"]);
    let url = ["send", "chat/test", "ping", "--expect", "pong"];
    sandbox.local(&gateway, &url).expect(0);
    let again = ["deploy", "chat", "--stage", "test"];
    sandbox.local(&gateway, &again).expect(0);
}

#[test]
fn a_failure_is_an_object_too_where_answers_are_json() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let missing = sandbox.local(&gateway, &["--json", "stages", "chat"]);
    let json = missing.expect(1).says(&["Cannot find the API"]).json();
    assert_eq!(json["Error"]["Title"], "Cannot find the API \"chat\"");
    assert!(json["Error"]["Causes"].is_array(), "{json}");
    let arguments = ["--json", "deploy", "chat", "--stage", "test"];
    let json = sandbox.local(&gateway, &arguments).expect(1).json();
    assert_eq!(json["Remains"]["Kind"], "Nothing", "{json}");
}

#[test]
fn stages_are_listed_where_a_part_of_the_draft_cannot_be_read() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    let deny = json!({ "operation": "GetModels", "status": 403, "times": 2 });
    gateway.control("POST", "/_stagewire/faults", &deny);
    let listed = sandbox.local(&gateway, &["stages", "chat"]).expect(0);
    let row = listed.stdout.lines().nth(1).unwrap();
    assert!(row.starts_with("test "), "{listed:#?}");
    assert!(row.contains("unknown (draft not read in full)"), "{row}");
    listed.says(&[
        "warning: Cannot read the models\n",
        "  because: get-models: ",
        "  try: ask for the apigateway permissions",
    ]);
    let listed = sandbox.local(&gateway, &["stages", "chat", "--json"]);
    let listed = listed.expect(0).json();
    assert_eq!(listed["Items"][0]["StageName"], "test");
    assert_eq!(
        listed["Items"][0]["Drift"],
        "unknown (draft not read in full)"
    );
    assert_eq!(listed["Failures"].as_array().map(Vec::len), Some(1));
    let failure = &listed["Failures"][0];
    assert_eq!(failure["Title"], "Cannot read the models");
    let cause = failure["Causes"][0].as_str().unwrap();
    assert!(cause.starts_with("get-models: "), "{cause}");
    let listed = sandbox.local(&gateway, &["stages", "chat", "--json"]);
    let listed = listed.expect(0).json();
    assert_eq!(listed["Items"][0]["Drift"], "up to date");
    assert_eq!(listed["Failures"], json!([]));
}

/// A way to a gateway on which another answers the calls whose first line holds this.
fn with_another(gateway: &Gateway, part: &'static str, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let behind = gateway.address().to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, behind) = (client.unwrap(), behind.clone());
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let Some((line, headers)) = head.split_once("\r\n") else {
                    return;
                };
                if line.contains(part) {
                    client.write_all(answer.as_bytes()).unwrap();
                    return;
                }
                let mut server = TcpStream::connect(behind).unwrap();
                let call = format!("{line}\r\nConnection: close\r\n{headers}");
                server.write_all(call.as_bytes()).unwrap();
                let mut answer = Vec::new();
                server.read_to_end(&mut answer).unwrap();
                client.write_all(&answer).unwrap();
            });
        }
    });
    url
}

#[test]
fn stages_are_listed_where_the_emulator_knows_no_deployments() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    // As moto answers.
    let page = "HTTP/1.1 404 NOT FOUND\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 22\r\n\
         Connection: close\r\n\r\n<title>Nowhere</title>";
    let url = with_another(&gateway, "/deployments", page);
    let listed = sandbox.run(&[
        "--endpoint-url",
        &url,
        "--region",
        "us-east-1",
        "stages",
        "chat",
    ]);
    let listed = listed.expect(0);
    let row = listed.stdout.lines().nth(1).unwrap();
    assert!(
        row.starts_with("test ") && row.contains("unknown (deployments not read in full)"),
        "{listed:#?}"
    );
    let listed = listed.says(&[
        "warning: Cannot read the deployments\n",
        "  because: get-deployments: status 404, text/html",
    ]);
    assert!(
        !listed.stderr.contains("not the control plane"),
        "{listed:#?}"
    );
}

#[test]
fn a_stage_whose_name_cannot_be_hides_no_other() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let stages = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
         {\"items\":[{\"stageName\":\"two words\"},{\"stageName\":\"test\"}]}";
    let url = with_another(&gateway, "/stages", stages);
    let global = ["--endpoint-url", &url, "--region", "us-east-1"];
    let listed = sandbox.run(&[&global[..], &["stages", "chat"]].concat());
    let listed = listed.expect(0).says(&[
        "warning: Cannot read the stages\n",
        "  because: get-stages: ",
    ]);
    let rows: Vec<&str> = listed.stdout.lines().skip(1).collect();
    assert_eq!(rows.len(), 1, "{listed:#?}");
    assert!(rows[0].starts_with("test  "), "{listed:#?}");
    sandbox
        .run(&[&global[..], &["url", "chat", "test"]].concat())
        .expect(0);
    let other = ["url", "chat", "prod"];
    sandbox
        .run(&[&global[..], &other].concat())
        .expect(1)
        .says(&["Cannot read the stages of \"chat\""]);
}

#[test]
fn a_dry_run_changes_nothing_and_shows_the_commands() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let arguments = ["deploy", "chat", "--stage", "test", "--create", "--dry-run"];
    let plan = sandbox.local(&gateway, &arguments).expect(0).stdout;
    assert!(
        plan.contains("aws apigatewayv2 create-deployment"),
        "{plan}"
    );
    assert!(plan.contains("to be created"), "{plan}");
    let deployments = gateway.control(
        "GET",
        &format!("/v2/apis/{id}/deployments"),
        &serde_json::Value::Null,
    );
    assert_eq!(deployments["items"].as_array().unwrap().len(), 0);
}

/// The URL of a proxy behind which a token service hands out keys, once.
fn token_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&request).contains("RoleSessionName=") {
            let n_read = stream.read(&mut part).unwrap();
            request.extend_from_slice(&part[..n_read]);
        }
        let keys = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>2037-01-01T00:00:00Z</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>";
        let length = keys.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{keys}"
        )
        .unwrap();
    });
    url
}

#[test]
fn a_profile_assumes_its_role_through_the_proxy_for_an_endpoint_on_this_machine() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let profiles = "[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n\
         [profile role]\nregion = us-east-1\nrole_arn = arn:aws:iam::123456789012:role/deployer\n\
         source_profile = base\n";
    sandbox.write(".aws/config", profiles);
    let mut command = sandbox.command(&["--endpoint-url", &gateway.url, "--profile", "role"]);
    command
        .arg("apis")
        .env("AWS_ENDPOINT_URL_STS", "http://sts.example.test")
        .env("HTTP_PROXY", token_proxy());
    let apis = run(command).expect(0).stdout;
    assert!(apis.contains("chat"), "{apis}");
}

#[test]
fn url_is_where_clients_connect() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    let url = sandbox
        .local(&gateway, &["url", "chat", "test"])
        .expect(0)
        .stdout;
    assert_eq!(url, format!("ws://{}/{id}/test\n", gateway.address()));
    let json = sandbox
        .local(&gateway, &["url", "chat", "test", "--json"])
        .expect(0)
        .json();
    assert_eq!(json["InvokeUrl"], url.trim_end());
    let callback = json["CallbackUrl"].as_str().unwrap();
    assert!(callback.starts_with("http://") && callback.ends_with("/test/@connections"));
}

#[test]
fn keys_come_from_the_binding_table() {
    let keys = Sandbox::new().run(&["keys"]).expect(0).stdout;
    assert_eq!(
        keys.lines().count(),
        stagewire::ui::keys::table().len() + 1,
        "{keys}"
    );
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let sandbox = Sandbox::new();
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", "set -o pipefail; \"$0\" keys | head -1"])
        .arg(env!("CARGO_BIN_EXE_stagewire"))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", sandbox.path(""));
    let ended = run(shell).expect(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.starts_with("WHERE"));
}
