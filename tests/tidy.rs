//! The fence between the floors, and the house rules that no compiler holds: this reads the sources as text.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources has failed"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each floor may import from this crate, besides itself. See the crate's documentation.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model"]),
    ("aws", &["model"]),
    ("live", &["model"]),
    ("gateway", &["model"]),
    ("ops", &["model", "aws"]),
    ("ui", &["model"]),
    (
        "console",
        &["model", "config", "ops", "aws", "live", "gateway", "ui"],
    ),
    (
        "cli",
        &[
            "model", "config", "ops", "aws", "live", "gateway", "ui", "console",
        ],
    ),
];

/// Words that only some places may say: the words, the places, and why.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "aws_config",
            "aws_sdk_",
            "aws_smithy_",
            "aws_credential_types",
            "aws_types",
            "aws_sigv4",
        ],
        &["aws/"],
        "only the aws floor names the AWS SDK",
    ),
    (
        &["redb::", "use redb"],
        &["gateway/store/"],
        "only the gateway's store names the database",
    ),
    (
        &["tungstenite"],
        &["live/", "gateway/data/"],
        "only the links and the gateway's data plane name the WebSocket library",
    ),
    (
        &["Color::"],
        &["ui/theme.rs", "console/canvas.rs"],
        "colours are roles; only the theme has colours, and the canvas spells them for the terminal",
    ),
    (
        &["println!", "eprintln!", "io::stdout", "io::stderr"],
        &["cli/output.rs", "console/"],
        "only cli/output.rs prints, and the console owns the terminal",
    ),
    (
        &["anyhow"],
        &["cli/", "console/"],
        "floors below the edges have typed errors",
    ),
];

/// What the pure floors must not say, whoever else may.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net::T",
    "std::env",
    "std::process",
    ".await",
    "async fn",
    "::now(",
    "RefCell",
    "Mutex",
    "thread_local!",
];

struct Source {
    /// Relative to the directory it was read from, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The lines before the unit tests, numbered from 1, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        let code = self.text[..end].lines().enumerate();
        code.map(|(idx, line)| (idx + 1, line.split("//").next().unwrap_or(line)))
    }

    fn floor(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or(&self.path)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` whose name ends in `.rs`.
fn rust_sources(dir: &str) -> Vec<Source> {
    let top = root().join(dir);
    let mut waiting = vec![top.clone()];
    let mut sources = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path
                .strip_prefix(&top)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            sources.push(Source {
                path: relative,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
    assert!(!sources.is_empty(), "nothing to read in {dir}");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Fails with all complaints at once.
#[track_caller]
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn imports_point_down() {
    let mut complaints = Vec::new();
    for source in rust_sources("src") {
        let floor = source.floor();
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
            assert!(
                matches!(floor, "lib" | "main"),
                "{} stands on no floor",
                source.path
            );
            continue;
        };
        for (number, line) in source.code() {
            for target in crate_paths(line) {
                if target != floor && !allowed.contains(&target) {
                    complaints.push(format!(
                        "src/{}:{number}: {floor} must not know {target}",
                        source.path
                    ));
                }
            }
        }
    }
    report(&complaints);
}

/// The floors that a line names: `crate::model::…` gives `model`, `crate::{aws, model}` gives both.
fn crate_paths(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    for (at, prefix) in line
        .match_indices("crate::")
        .chain(line.match_indices("stagewire::"))
    {
        let rest = &line[at + prefix.len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let name = name.trim_start();
            let end = name
                .find(|c: char| !c.is_ascii_lowercase())
                .unwrap_or(name.len());
            if FLOORS.iter().any(|(floor, _)| *floor == &name[..end]) {
                targets.push(&name[..end]);
            }
        }
    }
    targets
}

#[test]
fn crate_paths_are_found_alone_and_in_lists() {
    assert_eq!(crate_paths("use crate::model::ApiId;"), ["model"]);
    assert_eq!(
        crate_paths("use crate::{aws::Control, model};"),
        ["aws", "model"]
    );
    assert_eq!(
        crate_paths("let x = crate::ui::update(&mut state);"),
        ["ui"]
    );
    assert!(crate_paths("use super::model;").is_empty());
}

#[test]
fn foreign_crates_stay_behind_their_door() {
    let mut complaints = Vec::new();
    for source in rust_sources("src") {
        for (words, places, why) in RESERVED {
            if places.iter().any(|place| source.path.starts_with(place)) {
                continue;
            }
            for (number, line) in source.code() {
                if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                    complaints.push(format!("src/{}:{number}: {word}: {why}", source.path));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn the_pure_floors_do_not_touch_the_world() {
    let mut complaints = Vec::new();
    for source in rust_sources("src") {
        if !matches!(source.floor(), "model" | "ui") {
            continue;
        }
        for (number, line) in source.code() {
            if let Some(word) = IMPURE.iter().find(|word| says(line, word)) {
                complaints.push(format!(
                    "src/{}:{number}: {word} in a pure floor",
                    source.path
                ));
            }
        }
    }
    report(&complaints);
}

/// True when the line has the word; one that begins with a dot is whole, so that `.awaits()` is not `.await`.
fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let next = line[at + word.len()..].chars().next();
        let goes_on = next.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !(word.starts_with('.') && goes_on)
    })
}

#[test]
fn a_word_that_begins_with_a_dot_is_whole() {
    assert!(says("let x = call().await?;", ".await"));
    assert!(says("call().await", ".await"));
    assert!(!says("jobs.find(|job| job.awaits(ticket))", ".await"));
    assert!(says("use std::net::TcpStream;", "std::net::T"));
}

#[test]
fn every_module_says_what_it_owns() {
    let sources = rust_sources("src").into_iter().chain(rust_sources("tests"));
    let silent: Vec<String> = sources
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{} does not open with //!", source.path))
        .collect();
    report(&silent);
}

#[test]
fn no_file_outgrows_a_reader() {
    let long: Vec<String> = rust_sources("src")
        .iter()
        .map(|source| (source.code().count(), &source.path))
        .filter(|(lines, _)| *lines > 800)
        .map(|(lines, path)| {
            format!("src/{path} has {lines} lines without its tests; 800 is the end")
        })
        .collect();
    report(&long);
}

/// A row of a table cannot be broken, and a line of a code block is not ours to break.
#[test]
fn no_line_of_the_readme_is_wider_than_124_columns() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut is_code = false;
    let mut complaints = Vec::new();
    for (idx, line) in readme.lines().enumerate() {
        is_code ^= line.starts_with("```");
        let columns = line.chars().count();
        if columns > 124 && !is_code && !line.starts_with('|') {
            complaints.push(format!("README.md:{}: {columns} columns", idx + 1));
        }
    }
    report(&complaints);
}

#[test]
fn nothing_is_left_for_later_unseen() {
    let marks = [
        "TO".to_owned() + "DO",
        "FIX".to_owned() + "ME",
        "#[ig".to_owned() + "nore",
    ];
    let mut complaints = Vec::new();
    for (dir, sources) in [
        ("src", rust_sources("src")),
        ("tests", rust_sources("tests")),
    ] {
        for source in sources {
            for (idx, line) in source.text.lines().enumerate() {
                let mark = marks.iter().find(|mark| line.contains(mark.as_str()));
                if let Some(mark) = mark.filter(|mark| !line.contains(&format!("{mark}(#"))) {
                    complaints.push(format!("{dir}/{}:{}: {mark}", source.path, idx + 1));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn tests_wait_for_events_and_never_sleep() {
    let mut complaints = Vec::new();
    for source in rust_sources("tests")
        .iter()
        .filter(|source| source.path != "tidy.rs")
    {
        for (idx, line) in source.text.lines().enumerate() {
            if line.contains("sleep(") {
                complaints.push(format!("tests/{}:{}: a sleep", source.path, idx + 1));
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_test_file_is_part_of_its_binary() {
    let mut forgotten = Vec::new();
    for binary in ["screens", "gateway", "e2e"] {
        let dir = root().join("tests").join(binary);
        if !dir.exists() {
            continue;
        }
        let main = fs::read_to_string(dir.join("main.rs")).unwrap();
        for entry in fs::read_dir(&dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_module =
                path.extension().is_some_and(|extension| extension == "rs") && stem != "main";
            if is_module && !main.contains(&format!("mod {stem};")) {
                forgotten.push(format!("tests/{binary}/{stem}.rs is in no binary"));
            }
        }
    }
    report(&forgotten);
}

#[test]
fn the_top_level_holds_what_it_may() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "assets",
        "tests",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        ".gitignore",
        ".ci",
        "findings",
        ".git",
        "target",
    ];
    let strangers: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| format!("{name} does not belong at the top"))
        .collect();
    report(&strangers);
}

/// The rooms of a floor, from below: each may know those that stand before it, and none of its own row.
const ROOMS: &[(&str, &[&[&str]])] = &[
    (
        "ui",
        &[
            &[
                "action", "effect", "glyphs", "notice", "remote", "text", "theme", "tickets",
            ],
            &["deploy", "keys", "library", "live", "look"],
            &["data", "message", "route"],
            &["view"],
            &["subject", "widget"],
            &["modal", "screen"],
            &["open"],
            &["state"],
            &["answer", "render"],
            &["update"],
        ],
    ),
    (
        "gateway",
        &[
            &[
                "bucket",
                "clock",
                "client_stream",
                "notice",
                "query",
                "reply",
                "schema",
                "time_scale",
            ],
            &["store"],
            &["host", "strict"],
            &["access", "stage_address"],
            &["outbound"],
            &["lambda"],
            &["data"],
            &["control", "management"],
            &["demo", "fault", "seed"],
            &["local_api"],
            &["http"],
        ],
    ),
];

/// Names that stand above the rooms of a floor, for all of them.
const ROOFS: &[(&str, &str)] = &[
    ("gateway", "ACCOUNT"),
    ("gateway", "Options"),
    ("gateway", "TIME_SCALES"),
];

/// The room of a name that the floor itself passes on.
fn room_of(name: &str) -> &str {
    match name {
        "Action" => "action",
        "Appearance" => "look",
        "Effect" => "effect",
        "Message" => "message",
        "Remote" => "remote",
        "State" | "Setup" | "Geometry" => "state",
        "LONGEST_CONSISTENCY" | "LONGEST_LATENCY" | "Strictness" => "strict",
        "Seed" => "seed",
        "StoreError" | "StoreLocation" => "store",
        other => other,
    }
}

/// Folders of which no file or folder knows another one.
const STRANGERS: &[&str] = &["ui::modal", "ui::screen"];

#[test]
fn rooms_know_only_those_below_them() {
    let mut complaints = Vec::new();
    for (floor, rows) in ROOMS {
        let place = |room: &str| rows.iter().position(|row| row.contains(&room));
        for source in rust_sources("src") {
            let module = module_of(&source.path);
            let [first, room, ..] = &module[..] else {
                continue;
            };
            if first != floor {
                continue;
            }
            let Some(own) = place(room) else {
                complaints.push(format!("src/{}: {room} stands in no row", source.path));
                continue;
            };
            for path in named_paths(&source) {
                let Some(known) = path.get(1).filter(|_| path[0] == **floor) else {
                    continue;
                };
                let known = room_of(known);
                let is_below = place(known).is_some_and(|row| row < own);
                if known != room && !is_below && !ROOFS.contains(&(*floor, known)) {
                    complaints.push(format!("src/{}: {room} must not know {known}", source.path));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn screens_and_modals_know_none_of_their_siblings() {
    let mut complaints = Vec::new();
    for source in rust_sources("src") {
        let module = module_of(&source.path).join("::") + "::";
        for path in named_paths(&source) {
            let path = path.join("::") + "::";
            for folder in STRANGERS {
                let own = module.strip_prefix(&format!("{folder}::"));
                let known = path.strip_prefix(&format!("{folder}::"));
                let Some((own, known)) = own.zip(known) else {
                    continue;
                };
                let room = |rest: &str| rest.split("::").next().unwrap_or(rest).to_owned();
                if !own.is_empty() && room(own) != room(known) {
                    complaints.push(format!("src/{}: must not know {known}", source.path));
                }
            }
        }
    }
    report(&complaints);
}

/// The module that a file of `src` is, as the names of its path.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    stem.split('/').map(str::to_owned).collect()
}

/// The paths into the crate that a file names, from the crate's root, lists taken apart.
fn named_paths(source: &Source) -> Vec<Vec<String>> {
    let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
    let code = code.join("\n");
    let module = module_of(&source.path);
    let mut paths = Vec::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let goes_on = code[..at].ends_with(|c: char| c == ':' || c.is_alphanumeric());
            if !goes_on {
                expand(&code[at..], &mut Vec::new(), &mut paths);
            }
        }
    }
    paths.iter().map(|path| absolute(&module, path)).collect()
}

/// Takes a tree of paths apart, and returns the length of its text.
fn expand(text: &str, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth = path.len();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if text[at..].starts_with('{') {
            at += 1;
            while at < text.len() && !text[at..].starts_with('}') {
                at += expand(&text[at..], path, paths);
                at += usize::from(text[at..].starts_with(','));
            }
            at = (at + 1).min(text.len());
            break;
        }
        let name = text[at..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_');
        let length = name.map(char::len_utf8).sum::<usize>();
        path.push(text[at..at + length].to_owned());
        at += length;
        if !text[at..].starts_with("::") {
            if length > 0 {
                paths.push(path.clone());
            }
            // An alias, or whatever else stands behind the name in a list.
            at += text[at..]
                .find([',', '}', '\n', ';'])
                .unwrap_or(text.len() - at);
            break;
        }
        at += 2;
    }
    path.truncate(depth);
    at
}

fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let n_up = path.iter().take_while(|name| *name == "super").count();
    let base = match path[0].as_str() {
        "crate" => &[],
        "self" => module,
        _ => &module[..module.len().saturating_sub(n_up)],
    };
    let named = path.iter().skip(n_up.max(1));
    base.iter().chain(named).cloned().collect()
}

#[test]
fn paths_are_taken_apart_and_made_absolute() {
    let source = Source {
        path: "ui/widget/list.rs".to_owned(),
        text: "use super::{input::Input, text};\nuse crate::{\n    model::Api,\n    ui::{Action, view::{self, View}},\n};\nfn f() { super::super::go(); }\n"
            .to_owned(),
    };
    let mut paths: Vec<String> = named_paths(&source)
        .iter()
        .map(|it| it.join("::"))
        .collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "model::Api",
            "ui::Action",
            "ui::go",
            "ui::view::View",
            "ui::view::self",
            "ui::widget::input::Input",
            "ui::widget::text"
        ]
    );
}

/// Public names that only tests use, and why they are there.
const FOR_TESTS: &[&str] = &[
    // Tests go through all scopes and all operations, and name all styles.
    "LEAVES",
    "NAMES",
    "roles",
    // They make what is owed at once, and know a bound or a mark.
    "make_owed",
    "MOST_FRAMES",
    "VALUE_NOT_KEPT",
];

/// Types are left out: one may be public for standing in the signature of something that is used.
#[test]
fn no_public_function_or_constant_is_without_a_user() {
    let sources = rust_sources("src");
    let is_test = |path: &str| {
        path.contains("/tests") || path.ends_with("fixture.rs") || path.ends_with("stub.rs")
    };
    let sources: Vec<(&str, String)> = sources
        .iter()
        .filter(|source| !is_test(&source.path))
        .map(|source| {
            let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
            (source.path.as_str(), code.join("\n"))
        })
        .collect();
    let words: Vec<(&str, BTreeSet<&str>)> = sources
        .iter()
        .map(|(path, code)| {
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            (*path, words.collect())
        })
        .collect();
    let mut complaints = Vec::new();
    for (path, code) in &sources {
        for name in code.lines().filter_map(public_name) {
            let mut others = words.iter().filter(|(other, _)| other != path);
            let is_used = others.any(|(_, words)| words.contains(name));
            let is_known = FOR_TESTS.contains(&name) || name.starts_with('$');
            if !is_used && !is_known {
                complaints.push(format!("src/{path}: {name} is public and nobody else's"));
            }
        }
    }
    report(&complaints);
}

/// The name of the function or constant that a line declares for others.
fn public_name(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => rest,
    };
    let mut words = rest
        .split([' ', '(', ':', '<'])
        .filter(|word| !word.is_empty());
    let kind = words.find(|word| !matches!(*word, "async" | "unsafe" | "const"));
    match kind? {
        "fn" | "static" => words.next(),
        name if rest.trim_start().starts_with("const ") => Some(name),
        _ => None,
    }
}

#[test]
fn no_sentence_of_the_screen_names_a_key_by_itself() {
    let mut complaints = Vec::new();
    for source in rust_sources("src") {
        let may = source.path.starts_with("ui/keys/") || source.path == "ui/glyphs.rs";
        if source.floor() != "ui" || may {
            continue;
        }
        for (number, line) in source.code() {
            for text in line
                .split('"')
                .skip(1)
                .step_by(2)
                .filter(|text| names_key(text))
            {
                complaints.push(format!(
                    "src/{}:{number}: {text:?} names a key",
                    source.path
                ));
            }
        }
    }
    report(&complaints);
}

/// True when a text has the name of a key, or a letter that begins a clause as in `d deploys`.
fn names_key(text: &str) -> bool {
    const NAMED: [&str; 7] = ["Esc", "Enter", "Tab", "Backspace", "PgUp", "PgDn", "Ctrl"];
    let words: Vec<&str> = text.split(' ').collect();
    let bare = |word: &str| word.trim_matches(|c: char| ".,;:".contains(c)).to_owned();
    let is_named = words
        .iter()
        .any(|word| NAMED.contains(&bare(word).as_str()));
    let is_control = words.iter().any(|word| {
        let mut letters = word.chars();
        letters.next() == Some('^') && letters.next().is_some_and(|c| c.is_ascii_uppercase())
    });
    let begins = |idx: usize| idx == 0 || words[idx - 1].ends_with([',', ';', '.', '\u{b7}']);
    let is_letter = |word: &str| word.len() == 1 && !matches!(word, "a" | "A" | "I");
    let is_verb = |word: &str| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase());
    let mut pairs = words.windows(2).enumerate();
    let is_clause = pairs.any(|(idx, pair)| {
        let is_key = is_letter(pair[0]) && pair[0].chars().all(|c| c.is_alphabetic() || c == '!');
        begins(idx) && is_key && is_verb(&bare(pair[1]))
    });
    is_named || is_control || is_clause
}

#[test]
fn a_key_in_a_sentence_is_found() {
    for text in [
        "Esc clears it.",
        "leave with ^C twice",
        "no stage yet; d deploys to one",
        "! says why",
    ] {
        assert!(names_key(text), "{text}");
    }
    for text in [
        "a stage is read",
        "up to {} s again",
        "{key} deploys",
        "I see",
        "Entering",
    ] {
        assert!(!names_key(text), "{text}");
    }
}
