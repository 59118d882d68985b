//! Readings that are kept, others that are not, and files that are of no use.

use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        Definition, Drift, Failure, FailureKind, StageName, definition::Parts, detail::Held,
        stage::VALUE_NOT_KEPT, target::AwsTarget,
    },
    ops::journal::Entry,
};

const TARGET: &str = "123456789012 eu-west-1 https://apigateway.eu-west-1.amazonaws.com";
const SECRET: &str = "hunter2";

fn made<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn api(id: &str) -> Api {
    made(json!({
        "id": id, "name": "chat", "description": "x", "endpoint": format!("wss://{id}"),
        "routeSelectionExpression": "$request.body.action", "createdAt": "2026-01-02T03:04:05Z",
        "disableExecuteApiEndpoint": false, "disableSchemaValidation": true,
        "version": "1", "ipAddressType": "ipv4", "tags": {"team": "a"},
    }))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn stages_reading(second: i64, description: &str) -> StagesReading {
    let stage = json!([{
        "name": "prod", "deploymentId": "53lz9l", "autoDeploy": false, "updatedAt": at(1),
        "defaultRouteSettings": {"throttlingRateLimit": 2.5, "loggingLevel": "INFO"},
        "routeSettings": {"join": {"throttlingBurstLimit": 7}},
        "variables": {"password": SECRET}, "accessLog": {"destinationArn": "arn:x"},
        "tags": {},
    }]);
    let deployment = |id: &str, status: Value| json!({"id": id, "description": description, "status": status, "autoDeployed": false});
    let deployments = json!([
        deployment("53lz9l", json!("deployed")),
        deployment("p8w2aa", json!({"other": "ODD"})),
    ]);
    StagesReading {
        stages: Part::read(made(stage), at(second)),
        deployments: Part::read(made(deployments), at(second)),
        held: Held::new(),
    }
}

fn route(key: &str) -> Value {
    json!({
        "id": format!("r-{key}"), "key": key, "target": "integrations/i1",
        "authorizationType": "CUSTOM", "authorizerId": "z1", "apiKeyRequired": true,
        "requestModels": {"$default": "join"}, "requestParameters": {"a": true},
        "routeResponseSelectionExpression": "$default",
        "responses": [{
            "id": "rr1", "key": "$default", "responseModels": {}, "responseParameters": {},
        }],
    })
}

fn draft_reading(second: i64, routes: &[&str]) -> DraftReading {
    let routes = routes.iter().map(|key| route(key)).collect();
    let routes: Vec<Route> = made(Value::Array(routes));
    let integrations: Vec<Integration> = made(json!([{
        "id": "i1", "integrationType": "HTTP", "uri": "https://example.com", "timeoutMs": 50,
        "requestParameters": {"a": "b"}, "requestTemplates": {"200": "$input"},
        "responses": [{
            "id": "ir1", "key": "$default", "responseParameters": {}, "responseTemplates": {},
        }],
    }]));
    let authorizers: Vec<Authorizer> = made(json!([
        {"id": "z1", "name": "who", "authorizerType": "REQUEST", "identitySource": ["a"]},
    ]));
    let models: Vec<Model> = made(json!([{"id": "m1", "name": "join", "schema": "{}"}]));
    let api = api("k3v9x2a1bc");
    let definition = Definition::from_parts(Parts {
        api: &api,
        routes: &routes,
        integrations: &integrations,
        authorizers: &authorizers,
        models: &models,
    });
    DraftReading {
        api: Part::read(Some(api), at(second)),
        routes: Part::read(routes, at(second)),
        integrations: Part::read(integrations, at(second)),
        authorizers: Part::read(authorizers, at(second)),
        models: Part::read(models, at(second)),
        draft: Some(Draft {
            definition,
            as_of: at(second),
            until: at(second + 9),
            n_calls: 7,
        }),
    }
}

fn refused() -> Failure {
    Failure::new(FailureKind::Remote, "AccessDenied")
}

struct Fixture {
    dir: tempfile::TempDir,
    known: Known,
    journal: Journal,
    journal_dir: JournalDir,
    id: ApiId,
}

impl Fixture {
    fn new() -> Self {
        Self::with_bound(ALL)
    }

    fn with_bound(all: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            known: Known {
                all,
                ..Known::new(dir.path().join("known"))
            },
            journal: Journal::new(dir.path().join("journal")),
            journal_dir: JournalDir::at("https://apigateway.eu-west-1.amazonaws.com", "eu-west-1"),
            id: ApiId::parse("k3v9x2a1bc").unwrap(),
            dir,
        }
    }

    fn target_dir(&self) -> TargetDir {
        self.known.target_dir(TARGET.to_owned())
    }

    fn keep_list(&self) {
        let apis = vec![api("k3v9x2a1bc"), api("other12345")];
        self.target_dir().keep_apis(apis, at(0)).unwrap();
    }

    /// A list, and all of one API.
    fn keep_all(&self) {
        self.keep_list();
        let place = self.target_dir();
        place
            .keep_stages(&self.id, stages_reading(1, "by hand"))
            .unwrap();
        place
            .keep_draft(&self.id, draft_reading(2, &["join"]))
            .unwrap();
    }

    fn recall(&self) -> Option<Recollection> {
        self.target_dir().recall(&self.journal, &self.journal_dir)
    }

    fn detail(&self) -> ApiDetail {
        let mut recalled = self.recall().unwrap();
        assert_eq!(recalled.details.len(), 1);
        recalled.details.remove(0)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.known.files().unwrap();
        files.sort();
        files.into_iter().map(|file| file.path).collect()
    }

    fn size(&self) -> u64 {
        let files = self.known.files().unwrap();
        files.iter().map(|file| file.size).sum()
    }
}

#[test]
fn all_that_was_read_is_there_at_the_next_start_with_its_age() {
    let fixture = Fixture::new();
    assert_eq!(fixture.recall(), None);
    assert!(!fixture.known.dir.exists());
    fixture.keep_all();
    let Recollection { apis, as_of, .. } = fixture.recall().unwrap();
    assert_eq!(apis, [api("k3v9x2a1bc"), api("other12345")]);
    assert_eq!(as_of, at(0));
    let mut expected = ApiDetail::unread(api("k3v9x2a1bc"));
    let mut stages = stages_reading(1, "by hand");
    let variables = &mut stages.stages[0].variables;
    variables.insert("password".to_owned(), VALUE_NOT_KEPT.to_owned());
    expected.take_stages(stages);
    expected.take_draft(draft_reading(2, &["join"]));
    assert_eq!(fixture.detail(), expected);
    assert_eq!(expected.drift_as_of(), Some(at(1)));
}

#[test]
fn drift_is_known_at_once_where_the_journal_knows_what_is_served() {
    let fixture = Fixture::new();
    fixture.keep_all();
    let prod = StageName::parse("prod").unwrap();
    assert_eq!(fixture.detail().drift[&prod], Drift::Unknown);
    let served = draft_reading(0, &["join", "leave"]).draft.unwrap();
    let entry = Entry {
        api_id: fixture.id.clone(),
        deployment_id: "53lz9l".parse().unwrap(),
        definition: served.definition,
        description: None,
        deployed_at: at(0),
        stage: Some(prod.clone()),
        previous: None,
    };
    fixture
        .journal
        .record(&fixture.journal_dir, &entry)
        .unwrap();
    let Drift::Changes(changes) = fixture.detail().drift[&prod].clone() else {
        panic!("the journal knows");
    };
    assert_eq!(changes.len(), 1);
}

#[test]
fn nothing_on_the_disk_tells_the_value_of_a_stage_variable() {
    let fixture = Fixture::new();
    fixture.keep_all();
    // Once more: what is read is merged with what is there.
    fixture.keep_all();
    let files = fixture.files();
    assert_eq!(files.len(), 3);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(SECRET), "{}", path.display());
        assert_eq!(
            text.contains("password"),
            path.ends_with("k3v9x2a1bc.stages.json")
        );
    }
}

#[cfg(unix)]
#[test]
fn files_and_directories_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    fixture.keep_all();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for path in fixture.files() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for dir in [&fixture.known.dir, &fixture.target_dir().dir] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
}

#[test]
fn a_part_that_could_not_be_read_does_not_replace_one_that_was() {
    let fixture = Fixture::new();
    fixture.keep_all();
    let before = fixture.detail();
    let mut stages = stages_reading(5, "newer");
    stages.stages = Part::failed(refused());
    fixture
        .target_dir()
        .keep_stages(&fixture.id, stages)
        .unwrap();
    let mut draft = draft_reading(6, &["join", "leave"]);
    // Some were read, but not all.
    draft.routes.failure = Some(refused());
    draft.models = Part::failed(refused());
    draft.draft = None;
    fixture.target_dir().keep_draft(&fixture.id, draft).unwrap();
    let after = fixture.detail();
    assert_eq!(after.stages, before.stages);
    assert_eq!(after.deployments.as_of, Some(at(5)));
    assert_eq!(after.routes, before.routes);
    assert_eq!(after.models, before.models);
    assert_eq!(after.integrations.as_of, Some(at(6)));
    assert_eq!(after.draft, before.draft);
}

#[test]
fn a_reading_that_gave_nothing_whole_leaves_no_file() {
    let fixture = Fixture::new();
    let nothing = StagesReading {
        stages: Part::failed(refused()),
        deployments: Part::failed(refused()),
        ..stages_reading(1, "")
    };
    fixture
        .target_dir()
        .keep_stages(&fixture.id, nothing)
        .unwrap();
    assert!(fixture.files().is_empty());
}

#[test]
fn a_file_that_cannot_be_used_is_as_good_as_none() {
    let fixture = Fixture::new();
    fixture.keep_all();
    let whole = fixture.detail();
    let place = fixture.target_dir();
    let path = place.stages(&fixture.id);
    let text = fs::read_to_string(&path).unwrap();
    let too_large = text.clone() + &" ".repeat(usize::try_from(ONE).unwrap());
    for broken in [
        text[..text.len() / 2].to_owned(),
        String::new(),
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("k3v9x2a1bc", "other12345"),
        text.replace("\"autoDeploy\"", "\"automatic\""),
        too_large,
    ] {
        assert_ne!(broken, text);
        fs::write(&path, broken).unwrap();
        let detail = fixture.detail();
        assert!(!detail.stages.is_known());
        assert_eq!(detail.routes, whole.routes);
    }
    fixture.keep_all();
    assert_eq!(fixture.detail(), whole);
    fs::write(place.list(), "[]").unwrap();
    assert_eq!(fixture.recall(), None);
}

#[test]
fn what_would_be_too_large_is_not_written() {
    let fixture = Fixture::new();
    fixture.keep_all();
    let before = fixture.detail();
    let mut large = draft_reading(9, &["join"]);
    large.models[0].schema = " ".repeat(usize::try_from(ONE).unwrap());
    let error = fixture
        .target_dir()
        .keep_draft(&fixture.id, large)
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(fixture.detail(), before);
}

#[test]
fn what_was_written_longest_ago_goes_when_there_is_too_much() {
    let fixture = Fixture::with_bound(10_000);
    fixture.keep_list();
    let old = fixture.known.target_dir("another account".to_owned());
    old.keep_apis(vec![api("k3v9x2a1bc")], at(0)).unwrap();
    let file = File::open(old.list()).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    for n in 0..20 {
        let id = ApiId::parse(&format!("a{n:09}")).unwrap();
        let place = fixture.target_dir();
        place.keep_stages(&id, stages_reading(1, "x")).unwrap();
        assert!(fixture.size() <= 10_000, "{}", fixture.size());
        let age = std::time::Duration::from_secs(100 + n);
        let file = File::open(place.stages(&id)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + age).unwrap();
    }
    assert!(!old.dir.exists(), "the oldest went, with its directory");
    let files = fixture.files();
    assert!(files.len() > 3, "{files:?}");
    assert!(files.contains(&fixture.target_dir().list()), "{files:?}");
    let newest = ApiId::parse("a000000019").unwrap();
    assert!(files.contains(&fixture.target_dir().stages(&newest)));
    let oldest = ApiId::parse("a000000000").unwrap();
    assert!(!files.contains(&fixture.target_dir().stages(&oldest)));
}

#[test]
fn targets_do_not_mix() {
    let fixture = Fixture::new();
    fixture.keep_all();
    let other = TARGET.replace('1', "2");
    let other = fixture.known.target_dir(other);
    assert_eq!(other.recall(&fixture.journal, &fixture.journal_dir), None);
    other.keep_apis(vec![api("k3v9x2a1bc")], at(7)).unwrap();
    let recalled = other
        .recall(&fixture.journal, &fixture.journal_dir)
        .unwrap();
    assert_eq!(recalled.details, []);
    assert_eq!(fixture.recall().unwrap().apis.len(), 2);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_disturbs_nobody() {
    let fixture = Fixture::new();
    // A mode would not stop the superuser.
    fs::write(&fixture.known.dir, "in the way").unwrap();
    let endpoint = AwsTarget {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some("http://127.0.0.1:1".to_owned()),
        ..AwsTarget::default()
    };
    let control = Control::connect(&Target::Aws(endpoint)).await.unwrap();
    let known = &fixture.known;
    known.keep_apis(&control, &[api("k3v9x2a1bc")], at(0));
    known.keep_stages(&control, &fixture.id, &stages_reading(1, ""));
    assert_eq!(known.recall(&control, &fixture.journal).await, None);
    let place = known.dir_of(&control).unwrap();
    place.keep_apis(Vec::new(), at(0)).unwrap_err();
    assert!(fixture.dir.path().join("known").is_file());
}
