//! Definitions as files, as a script writes and carries them out: words, exit codes and bad input.

use std::fs;

use crate::{pty::Terminal, sandbox::Sandbox};

#[test]
fn pull_prints_a_definition_and_writes_the_same_to_a_file() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let printed = sandbox.local(&gateway, &["pull", "chat"]).expect(0);
    assert_eq!(printed.json()["name"], "chat");
    assert_eq!(printed.json()["routes"]["$default"]["twoWay"], true);
    assert!(!printed.stdout.contains(&id), "{}", printed.stdout);

    let path = sandbox.path("chat.json");
    let file = path.to_str().unwrap();
    let written = sandbox
        .local(&gateway, &["pull", &id, "-o", file])
        .expect(0);
    assert_eq!(written.stdout, "");
    written.says(&["written", "chat.json"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), printed.stdout);

    sandbox
        .local(&gateway, &["pull", "chat", "-o", "/nowhere/chat.json"])
        .expect(1)
        .says(&["Cannot write /nowhere/chat.json", "because:"]);
    sandbox
        .local(&gateway, &["pull", "chta"])
        .expect(1)
        .says(&["Cannot find the API \"chta\"", "chat"]);
}

/// A file with an API of one route that answers.
const CHAT: &str = r#"{
  "name": "chat",
  "routeSelectionExpression": "$request.body.action",
  "integrations": {
    "pong": {
      "integrationType": "MOCK",
      "templateSelectionExpression": "200",
      "requestTemplates": { "200": "{\"statusCode\":200}" },
      "responses": { "$default": { "templateSelectionExpression": "200", "responseTemplates": { "200": "pong" } } }
    }
  },
  "routes": { "$default": { "integration": "pong", "twoWay": true } },
  "stages": { "prod": { "stageVariables": { "room": "lobby" } } }
}
"#;

#[test]
fn apply_shows_the_plan_creates_the_api_and_then_has_nothing_to_do() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("chat.json", CHAT);
    let look = sandbox
        .local(&gateway, &["apply", "chat.json", "--dry-run"])
        .expect(3);
    let (commands, plan): (Vec<&str>, Vec<&str>) = look
        .stdout
        .lines()
        .partition(|line| line.starts_with("aws apigatewayv2 "));
    let at = format!("--endpoint-url {} --region us-east-1", gateway.url);
    assert_eq!(
        commands[4..],
        [
            format!(
                "aws apigatewayv2 create-route-response {at} --api-id '<new API>' --route-id '<new route $default>' --route-response-key '$default'"
            ),
            format!(
                "aws apigatewayv2 create-stage {at} --api-id '<new API>' --stage-name prod --stage-variables '{{\"room\":\"lobby\"}}'"
            ),
        ]
    );
    assert_eq!(
        plan,
        [
            "API chat, to be created with 6 calls",
            "  + API · name chat, routeSelectionExpression $request.body.action",
            "  + integration pong · integrationType MOCK, requestTemplates.200 {\"statusCode\":200}, \
             responses.$default.responseTemplates.200 pong, responses.$default.templateSelectionExpression 200, \
             templateSelectionExpression 200",
            "  + route $default · integration pong, twoWay true",
            "  + stage prod · stageVariables.room lobby",
        ]
    );
    assert_eq!(
        sandbox
            .local(&gateway, &["apis", "--json"])
            .expect(0)
            .json()["Items"],
        serde_json::json!([])
    );

    let applied = sandbox.local(&gateway, &["apply", "chat.json"]).expect(0);
    assert!(
        applied.stdout.starts_with("chat: ") && applied.stdout.ends_with(", 6 calls made\n"),
        "{}",
        applied.stdout
    );
    assert!(!applied.stderr.contains("1/6"), "{applied:#?}");
    applied.says(&[
        "done: create-api, create-integration pong, create-integration-response $default of pong",
        "to serve it: stagewire deploy",
    ]);

    let again = sandbox.local(&gateway, &["apply", "chat.json"]).expect(0);
    assert!(
        again.stdout.ends_with(", nothing differs\n"),
        "{}",
        again.stdout
    );
    let look = sandbox
        .local(&gateway, &["apply", "chat.json", "--dry-run", "--json"])
        .expect(0)
        .json();
    assert_eq!(look["Changes"], serde_json::json!([]));
    assert_eq!(look["Calls"], serde_json::json!([]));
    assert_eq!(look["Commands"], serde_json::json!([]));

    let deploy = ["deploy", "chat", "--stage", "prod", "-q"];
    sandbox.local(&gateway, &deploy).expect(0);
    let send = ["send", "chat/prod", "x", "--expect", "pong"];
    sandbox.local(&gateway, &send).expect(0);
}

#[test]
fn apply_changes_what_differs_and_prunes_only_when_told_to() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("chat.json", CHAT);
    sandbox
        .local(&gateway, &["apply", "chat.json", "-q"])
        .expect(0);
    let smaller = CHAT.replace(r#""room": "lobby""#, "").replace(
        "\"$default\": { \"integration\"",
        "\"other\": { \"integration\"",
    );
    sandbox.write("smaller.json", &smaller);
    let applied = sandbox
        .local(&gateway, &["apply", "smaller.json", "--json"])
        .expect(0);
    let json = applied.json();
    // The route that is left alone and the new one share an integration of the same content.
    assert_eq!(json["LeftAlone"], serde_json::json!(["route $default"]));
    assert_eq!(
        json["Changes"],
        serde_json::json!([
            "+ route other · integration pong, twoWay true",
            "~ stage prod · stageVariables.room lobby removed"
        ])
    );
    assert_eq!(
        json["Done"],
        serde_json::json!([
            "create-route other",
            "create-route-response $default of other",
            "update-stage prod"
        ])
    );
    applied.says(&["left alone, not in the file: route $default"]);
    let pruned = sandbox
        .local(&gateway, &["apply", "smaller.json", "--prune"])
        .expect(0);
    pruned.says(&["done: delete-route $default"]);
    let pulled = sandbox.local(&gateway, &["pull", "chat"]).expect(0).json();
    assert_eq!(pulled["routes"].as_object().unwrap().len(), 1);
}

#[test]
fn what_fails_half_way_is_told_call_by_call_and_goes_on_from_there() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("chat.json", CHAT);
    let fault = serde_json::json!({ "operation": "CreateRoute", "status": 500 });
    gateway.control("POST", "/_stagewire/faults", &fault);
    let failed = sandbox.local(&gateway, &["apply", "chat.json"]).expect(1);
    assert_eq!(failed.stdout, "");
    failed.says(&[
        "Cannot apply \"chat\" in full",
        "because: create-route:",
        "done: create-api, create-integration pong, create-integration-response $default of pong",
        "not known whether it was carried out: create-route $default",
        "not done: create-route-response $default of $default, create-stage prod",
        "applied again",
    ]);
    let fault = serde_json::json!({ "operation": "CreateRoute", "status": 500 });
    gateway.control("POST", "/_stagewire/faults", &fault);
    let failed = sandbox
        .local(&gateway, &["apply", "chat.json", "--json", "-q"])
        .expect(1);
    let json = failed.json();
    assert_eq!(json["Error"]["Title"], "Cannot apply \"chat\" in full");
    assert_eq!(json["Unknown"], "create-route $default");
    assert_eq!(json["Done"], serde_json::json!([]));
    let applied = sandbox.local(&gateway, &["apply", "chat.json"]).expect(0);
    assert!(
        applied.stdout.ends_with(", 3 calls made\n"),
        "{}",
        applied.stdout
    );
}

/// Two APIs of twelve routes and an integration each.
fn many_routes() -> String {
    let routes = (0..12).map(|idx| format!(r#""r{idx:02}": {{ "integration": "nothing" }}"#));
    let routes: Vec<String> = routes.collect();
    let routes = routes.join(", ");
    let api = |name: &str| {
        format!(
            r#"{{ "name": "{name}", "routeSelectionExpression": "$request.body.action",
                 "integrations": {{ "nothing": {{ "integrationType": "MOCK" }} }}, "routes": {{ {routes} }} }}"#
        )
    };
    format!("[{},{}]", api("one"), api("other"))
}

#[test]
fn many_calls_are_told_by_kind_and_each_of_them_in_the_log_or_when_asked_for() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("many.json", &many_routes());
    let refuse = |operation: &str, status: u16, delay: u32| {
        let fault = serde_json::json!(
            { "operation": operation, "status": status, "times": 1, "delayInMillis": delay }
        );
        gateway.control("POST", "/_stagewire/faults", &fault);
    };
    refuse("CreateRoute", 400, 0);
    let failed = sandbox.local(&gateway, &["apply", "many.json"]).expect(1);
    let longest = failed.stderr.lines().map(str::len).max();
    assert!(longest < Some(200), "{failed:#?}");
    failed.says(&[
        "Cannot apply \"one\" in full",
        "warning: not begun: API other",
        "warning: done: create-api, create-integration nothing\n",
        "warning: refused: create-route r00, call 3 of 14\n",
        "warning: not done: 12 calls (12 create-route)\n",
        "applied again",
    ]);
    let applied = sandbox.local(&gateway, &["apply", "many.json"]).expect(0);
    assert!(!applied.stderr.contains("create-route r"), "{applied:#?}");
    let applied = applied.says(&[
        "done: 12 calls (12 create-route)\n",
        "done: 14 calls (1 create-api, 1 create-integration, 12 create-route)\n",
        "each call that was made is in the log: ",
    ]);
    let (_, dir) = applied.stderr.split_once("is in the log: ").unwrap();
    let dir = dir.lines().next().unwrap();
    let logs = fs::read_dir(dir).unwrap();
    let logs: String = logs
        .map(|log| fs::read_to_string(log.unwrap().path()).unwrap())
        .collect();
    for line in [
        "call 3 of 14: create-route r00 failed: create-route: ",
        "call 12 of 12: create-route r11\n",
        "call 14 of 14: create-route r11\n",
    ] {
        assert!(logs.contains(line), "{line:?} is not in {logs}");
    }

    let other = sandbox.gateway();
    let told = sandbox.local(&other, &["apply", "many.json", "-v"]);
    told.expect(0)
        .says(&["1/14 create-api\n", "14/14 create-route r11\n"]);
}

#[test]
fn an_apply_that_fails_late_lists_each_call_when_asked_for() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("many.json", &many_routes());
    let fault = serde_json::json!({ "operation": "GetModels", "status": 403, "times": 1 });
    gateway.control("POST", "/_stagewire/faults", &fault);
    let failed = sandbox.local(&gateway, &["apply", "many.json", "-v"]);
    failed.expect(1).says(&[
        "Cannot read back what was applied",
        "because: get-models: ",
        "warning: done, 14 calls:\nwarning:   create-api\n",
        "warning: not begun: API other",
    ]);
    let again = sandbox.local(&gateway, &["apply", "many.json", "--json"]);
    let again = again.expect(0).json();
    assert_eq!(again[0]["Done"], serde_json::json!([]));
    assert_eq!(again[1]["Done"].as_array().map(Vec::len), Some(14));
}

#[test]
fn a_definition_goes_from_one_gateway_to_another_through_a_pipe() {
    let sandbox = Sandbox::new();
    let (one, other) = (sandbox.gateway(), sandbox.gateway());
    sandbox.write("chat.json", CHAT);
    sandbox.local(&one, &["apply", "chat.json", "-q"]).expect(0);
    let text = sandbox.local(&one, &["pull", "chat"]).expect(0).stdout;
    let url = other.url.clone();
    let arguments = [
        "--local",
        "--endpoint-url",
        &url,
        "apply",
        "-",
        "--yes",
        "-q",
    ];
    let mut command = sandbox.command(&arguments);
    command.stdin(fs::File::open(sandbox.write("pulled.json", &text)).unwrap());
    crate::sandbox::run(command).expect(0);
    assert_eq!(
        sandbox.local(&other, &["pull", "chat"]).expect(0).stdout,
        text
    );
}

#[test]
fn a_file_that_is_none_is_told_with_line_and_column() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let says = |text: &str, words: &[&str]| {
        sandbox.write("bad.json", text);
        sandbox
            .local(&gateway, &["apply", "bad.json"])
            .expect(1)
            .says(words);
    };
    says(
        "{\n  \"name\": 7\n}",
        &[
            "Cannot read bad.json",
            "bad.json:2:11: name: invalid type: integer `7`",
        ],
    );
    says("not JSON", &["bad.json:1:2: expected ident"]);
    says("[]", &["Cannot read bad.json", "it holds no API"]);
    says(
        &CHAT.replace("\"routes\"", "\"colour\": 1, \"routes\""),
        &["bad.json:12:", "colour: unknown field `colour`"],
    );
    says(
        &CHAT.replace("\"prod\"", "\"two words\""),
        &["bad.json:13:", "is not a valid stage name", "a-z"],
    );
    says(
        &CHAT.replace("\"integration\": \"pong\"", "\"integration\": \"ping\""),
        &[
            "Cannot apply \"chat\"",
            "route \"$default\": the file has no integration \"ping\"",
        ],
    );
    says(
        &format!("[{CHAT},{CHAT}]"),
        &["it holds two APIs named", "chat"],
    );
    // What API Gateway refuses is told in its words, with what was done before.
    says(
        &CHAT.replace("\"twoWay\": true", "\"authorizationType\": \"AWS_IAM\""),
        &[
            "authorization is restricted to the $connect route only",
            "done: create-api",
            "not done: create-route $default",
        ],
    );
    fs::write(sandbox.path("bad.json"), b"{ \"name\": \"\xff\" }").unwrap();
    sandbox
        .local(&gateway, &["apply", "bad.json"])
        .expect(1)
        .says(&["Cannot read bad.json", "UTF-8"]);
    sandbox
        .local(&gateway, &["apply", "missing.json"])
        .expect(1)
        .says(&["Cannot read missing.json", "No such file"]);
}

/// Says of each file why it is none, to `apply` and to a gateway that is to be filled from it.
#[track_caller]
fn is_no_file(sandbox: &Sandbox, file: &str, cause: &str) {
    let url = "http://127.0.0.1:9";
    let applied = sandbox.run(&["--endpoint-url", url, "apply", file, "--dry-run"]);
    let applied = applied.expect(1);
    assert_eq!(applied.stderr.lines().count(), 2, "{applied:#?}");
    applied.says(&[&format!("Cannot read {file}"), cause]);
    let arguments = [
        "gateway",
        "--listen",
        "127.0.0.1:0",
        "--ephemeral",
        "--seed",
        file,
    ];
    let seeded = sandbox.run(&arguments).expect(1);
    seeded.says(&["Cannot start the local gateway", file, cause]);
}

#[test]
fn whatever_stands_in_place_of_a_file_is_refused_in_a_sentence() {
    let sandbox = Sandbox::new();
    let deep = "[".repeat(100_000);
    for (name, text, cause) in [
        ("empty.json", "", "empty.json:1:0: EOF while parsing"),
        (
            "cut.json",
            &CHAT[..400],
            "cut.json:12:27: routes.$default: EOF while parsing",
        ),
        (
            "twice.json",
            r#"{"name":"a","name":"b"}"#,
            "duplicate field `name`",
        ),
        (
            "list.json",
            "[[]]",
            "[0]: invalid length 0, expected an API",
        ),
        ("deep.json", &deep, "deep.json:1:"),
        (
            "deeper.json",
            &format!(r#"{{"name":{deep}"#),
            "name: invalid type: sequence, expected a string",
        ),
        (
            "mark.json",
            "\u{feff}7",
            "invalid type: integer `7`, expected an API",
        ),
        (
            "number.json",
            &CHAT.replace(
                r#""prod": {"#,
                r#""prod": { "defaultRouteSettings": { "throttlingRateLimit": 1e999 },"#,
            ),
            "number out of range",
        ),
    ] {
        sandbox.write(name, text);
        is_no_file(&sandbox, name, cause);
    }
    fs::write(sandbox.path("large.json"), vec![b' '; 50 << 20]).unwrap();
    is_no_file(&sandbox, "large.json", "it is longer than 16 MiB");
    is_no_file(&sandbox, "/dev/zero", "it is longer than 16 MiB");
    fs::create_dir(sandbox.path("directory")).unwrap();
    is_no_file(&sandbox, "directory", "Is a directory");
    std::os::unix::fs::symlink("loop.json", sandbox.path("loop.json")).unwrap();
    is_no_file(&sandbox, "loop.json", "Too many levels of symbolic links");
}

#[test]
fn a_file_may_come_out_of_a_named_pipe() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let pipe = sandbox.path("pipe.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let writing = std::thread::spawn(move || fs::write(pipe, CHAT).unwrap());
    sandbox
        .local(&gateway, &["apply", "pipe.json", "-q"])
        .expect(0);
    writing.join().unwrap();
    sandbox.local(&gateway, &["pull", "chat"]).expect(0);
}

/// What [`CHAT`] has not: every type of integration with every member, and parts that only some of them have. The VPC link
/// is one of version 1, as WebSocket APIs need it, and those are made by another API.
const BACKENDS: &str = r#"{
  "name": "backends",
  "routeSelectionExpression": "$request.body.action",
  "integrations": {
    "aws": {
      "integrationType": "AWS",
      "integrationMethod": "POST",
      "integrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
      "contentHandlingStrategy": "CONVERT_TO_TEXT",
      "credentialsArn": "arn:aws:iam::000000000000:role/invoker",
      "requestTemplates": { "$default": "{\"body\": $input.json('$')}" },
      "templateSelectionExpression": "\\$default",
      "responses": {
        "$default": { "responseParameters": { "route.response.header.x": "'1'" } },
        "/5\\d\\d/": { "responseTemplates": { "error": "failed" }, "templateSelectionExpression": "error" }
      }
    },
    "lambda": {
      "integrationType": "AWS_PROXY",
      "integrationMethod": "POST",
      "integrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
      "timeoutInMillis": 50
    },
    "private": {
      "integrationType": "HTTP_PROXY",
      "integrationMethod": "POST",
      "integrationUri": "http://private.example/",
      "connectionType": "VPC_LINK",
      "connectionId": "vlink01"
    }
  },
  "routes": {
    "aws": { "integration": "aws", "twoWay": true },
    "lambda": { "integration": "lambda" },
    "private": { "integration": "private" }
  },
  "stages": { "prod": { "autoDeploy": true, "clientCertificateId": "cert01" } }
}
"#;

#[test]
fn every_type_of_integration_goes_from_one_gateway_to_others_and_stays_the_same() {
    let sandbox = Sandbox::new();
    let one = sandbox.gateway();
    sandbox.write("backends.json", BACKENDS);
    let apply = ["apply", "backends.json", "-q"];
    sandbox.local(&one, &apply).expect(0);
    let pulled = sandbox.local(&one, &["pull", "backends"]).expect(0).stdout;
    sandbox.write("pulled.json", &pulled);
    let written: serde_json::Value = serde_json::from_str(&pulled).unwrap();
    let meant: serde_json::Value = serde_json::from_str(BACKENDS).unwrap();
    assert_eq!(written, meant);

    let seeded = sandbox.gateway_with(&["--ephemeral", "--seed", "pulled.json"]);
    let applied = sandbox.gateway();
    let apply = ["apply", "pulled.json", "-q"];
    sandbox.local(&applied, &apply).expect(0);
    for gateway in [&seeded, &applied] {
        let again = sandbox.local(gateway, &["pull", "backends"]).expect(0);
        assert_eq!(again.stdout, pulled);
    }
}

#[test]
fn wrong_usage_of_apply_is_told_before_anything_is_done() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    sandbox.write("chat.json", CHAT);
    sandbox.write(
        "two.json",
        &format!("[{CHAT},{}]", CHAT.replace("\"chat\"", "\"other\"")),
    );
    let refused = |arguments: &[&str], words: &[&str]| {
        sandbox.local(&gateway, arguments).expect(2).says(words);
    };
    refused(
        &["apply", "-"],
        &["Nobody could be asked", "--yes", "--dry-run"],
    );
    refused(&["apply"], &["FILE"]);
    refused(
        &["apply", "two.json", "--api", "abc"],
        &["--api names one API"],
    );
    refused(&["apply", "chat.json", "--api", "a/b"], &["API id"]);
    refused(
        &["apply", "chat.json", "--yes", "--dry-run"],
        &["cannot be used with"],
    );
    let unknown = ["apply", "chat.json", "--api", "nosuchapi0"];
    sandbox
        .local(&gateway, &unknown)
        .expect(1)
        .says(&["has the id nosuchapi0", "stagewire apis"]);
    let two = sandbox
        .local(&gateway, &["apply", "two.json", "--json", "-q"])
        .expect(0)
        .json();
    assert_eq!(
        (&two[0]["Name"], &two[1]["Name"]),
        (&"chat".into(), &"other".into())
    );
}

#[test]
fn whoever_sits_at_a_terminal_is_asked_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let file = sandbox.write("chat.json", CHAT);
    let file = file.to_str().unwrap();
    let url = gateway.url.as_str();
    let arguments = ["--local", "--endpoint-url", url, "apply", file];
    let mut pty = Terminal::new().size(120, 30).stagewire(&arguments);
    pty.wait_for("+ route $default").wait_for("[y/N]");
    pty.press(&["Enter"]).wait_for("nothing was changed");
    assert_eq!(pty.wait_exit(), 1);
    let apis = sandbox.local(&gateway, &["apis", "--json"]).expect(0);
    assert_eq!(apis.json()["Items"], serde_json::json!([]));

    let mut pty = Terminal::new().size(120, 30).stagewire(&arguments);
    pty.wait_for("[y/N]");
    pty.type_text("y").press(&["Enter"]);
    pty.wait_for("6 calls made");
    assert_eq!(pty.wait_exit(), 0);

    // Nothing differs, so nobody is asked.
    let mut pty = Terminal::new().size(120, 30).stagewire(&arguments);
    pty.wait_for("nothing differs");
    assert_eq!(pty.wait_exit(), 0);
}
