//! Definitions as files, as a script writes and carries them out: words, exit codes and bad input.

use std::fs;

use crate::sandbox::Sandbox;

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
