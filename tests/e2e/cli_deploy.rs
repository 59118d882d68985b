//! Deploying from a script: waiting for proof, for nothing, and for what is settled.

use crate::{sandbox::Sandbox, weather};

#[test]
fn a_deploy_that_waits_for_nothing_says_that_nobody_knows_what_it_made() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    let id = gateway.answering_api("chat", "pong");
    let first = ["deploy", "chat", "--stage", "test", "--create", "--json"];
    let first = sandbox.local(&gateway, &first).expect(0).json();
    assert_eq!(first["Proved"], true, "{first}");
    // In strict weather the settings say that stages settle slowly.
    let settles_in = weather::is_strict().then_some(90);
    assert_eq!(first["SettlesInSeconds"], serde_json::json!(settles_in));

    let at_once = [
        "deploy",
        "chat",
        "--stage",
        "test",
        "--description",
        "now",
        "--no-wait",
        "--json",
    ];
    let at_once = sandbox.local(&gateway, &at_once).expect(0);
    let json = at_once.json();
    assert_eq!(json["Proved"], false, "{json}");
    assert_eq!(json["Deployment"]["Description"], "now");
    assert_eq!(
        json["Stage"]["DeploymentId"],
        json["Deployment"]["DeploymentId"]
    );
    let at_once = at_once.says(&["deployed without reading", "update-stage: done"]);
    assert!(!at_once.stderr.contains("prove definition"), "{at_once:#?}");
    let unknown = "unknown (deployed elsewhere, or without reading)";
    let stages = sandbox.local(&gateway, &["stages", &id]).expect(0).stdout;
    assert!(stages.contains(unknown), "{stages}");

    let again = ["deploy", "chat", "--stage", "test"];
    let again = sandbox.local(&gateway, &again).expect(0);
    again.says(&["prove definition: done", "undo: aws"]);
    let stages = sandbox.local(&gateway, &["stages", &id]).expect(0).stdout;
    assert!(stages.contains("up to date"), "{stages}");
}

#[test]
fn a_dry_run_without_waiting_reads_no_draft_and_says_so() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let create = ["deploy", "chat", "--stage", "test", "--create", "-q"];
    sandbox.local(&gateway, &create).expect(0);
    let plan = [
        "deploy",
        "chat",
        "--stage",
        "test",
        "--no-wait",
        "--dry-run",
    ];
    let plan = sandbox.local(&gateway, &plan).expect(0).stdout;
    assert!(plan.contains("unknown (draft not read in full)"), "{plan}");
    assert!(!plan.contains("[sw:"), "{plan}");
    assert!(!plan.contains("prove definition"), "{plan}");
}

#[test]
fn a_deploy_that_may_not_read_the_draft_names_the_way_that_reads_none() {
    let sandbox = Sandbox::new();
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let deny = serde_json::json!({ "operation": "GetModels", "status": 403, "times": 1 });
    gateway.control("POST", "/_stagewire/faults", &deny);
    let create = ["deploy", "chat", "--stage", "test", "--create"];
    let refused = sandbox.local(&gateway, &create).expect(1);
    refused.says(&[
        "because: get-models: ",
        "--no-wait deploys without reading the draft",
    ]);
    let create = ["deploy", "chat", "--stage", "test", "--create", "--no-wait"];
    sandbox.local(&gateway, &create).expect(0);
}

#[test]
fn there_is_nothing_to_wait_for_where_a_stage_serves_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("config/stagewire/config.toml", "[aws]\nsettles = false\n");
    let gateway = sandbox.gateway();
    gateway.answering_api("chat", "pong");
    let create = [
        "deploy", "chat", "--stage", "test", "--create", "--wait", "settled",
    ];
    let deployed = sandbox.local(&gateway, &create).expect(0);
    let told = deployed.says(&["nothing to wait for", &gateway.url]);
    assert!(!told.stderr.contains("side by side"), "{told:#?}");
    let wrong = ["deploy", "chat", "--stage", "test", "--wait", "reading"];
    sandbox.run(&wrong).expect(2).says(&["settled"]);
}
