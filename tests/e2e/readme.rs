//! The README's examples, run as they are written there.

use std::{os::unix::fs::symlink, path::PathBuf};

use crate::sandbox::{self, Sandbox};

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The first block in a language under a heading.
#[track_caller]
fn block<'a>(readme: &'a str, heading: &str, language: &str) -> &'a str {
    let (_, section) = readme.split_once(&format!("\n{heading}\n")).unwrap();
    let (_, from) = section.split_once(&format!("\n```{language}\n")).unwrap();
    from.split_once("\n```").unwrap().0
}

/// A directory with the program under its name, for scripts.
fn program_directory(sandbox: &Sandbox) -> PathBuf {
    let directory = sandbox.path("bin");
    std::fs::create_dir(&directory).unwrap();
    symlink(env!("CARGO_BIN_EXE_stagewire"), directory.join("stagewire")).unwrap();
    directory
}

#[test]
fn the_command_line_does_with_the_definition_what_the_readme_says() {
    let readme = readme();
    let sandbox = Sandbox::new();
    let definition = block(&readme, "### Definitions as files", "json");
    let seed = sandbox.write("seed.json", definition);
    let gateway = sandbox.gateway_with(&["--ephemeral", "--seed", seed.to_str().unwrap()]);
    sandbox.configure(&format!("[gateway]\nlisten = \"{}\"\n", gateway.address()));
    let commands = block(&readme, "## The command line", "sh");
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        program_directory(&sandbox).display()
    );
    let typed = sandbox.write("typed", "{\"action\":\"ping\"}\n");
    let mut shell = sandbox.other("/bin/sh");
    shell
        .args(["-e", "-c", commands])
        .stdin(std::fs::File::open(typed).unwrap())
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL", &gateway.url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local");
    let ran = sandbox::run(shell).expect(0);
    assert!(ran.stdout.contains("pong"), "{ran:#?}");
    let pulled = std::fs::read_to_string(sandbox.path("chat.json")).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&pulled), json(definition));
}
