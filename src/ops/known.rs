//! What was read of targets, kept between runs: the next start shows it at once, each part with its age, and then reads
//! anew.
//!
//! A directory for each target holds a file for the list of its APIs and two for each API, as two readings tell of it: who
//! serves what, and the draft. They are written whole or not at all, and the last one who writes wins, so any number of
//! consoles can write side by side. Nothing here is needed: a file that cannot be used is treated as absent, a write that
//! fails disturbs nobody, and what is oldest goes when there is too much of it.
//!
//! The files are the owner's alone. What a stage's variables say is not in them, since [`Stage`] is never written with it;
//! nor is anything that could not be read. What deployments hold is the journal's, and is taken from there.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    journal::{Journal, Shelf, create_private_dir, file_name},
    reading,
};
use crate::{
    aws::Control,
    model::{
        Api, ApiDetail, ApiId, Authorizer, Deployment, Draft, DraftReading, Integration, Model,
        Part, Route, Stage, StagesReading, Target,
    },
};

/// The version of the files' shape. A change that old files still fit, though they mean something else, takes a new one;
/// any other change is noticed by itself.
const VERSION: u32 = 1;

/// Bytes that all files together may have.
const ALL: u64 = 50_000_000;

/// Bytes that one file may have.
const ONE: u64 = 8_000_000;

/// Bytes that are read at a start, so that it stays quick: who serves what comes first, then drafts.
const RECALLED: u64 = 16_000_000;

/// A handle on the directory of what is known; cheap to clone. Nothing is created before the first file.
#[derive(Debug, Clone)]
pub struct Known {
    dir: PathBuf,
    all: u64,
    /// Bytes that were written since the size of all files was added up; none before that was done. Locked while a file is
    /// read, changed and written, which is done on threads that may block.
    written: Arc<Mutex<Option<u64>>>,
}

/// What earlier runs have read of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Recollection {
    /// Its APIs.
    pub apis: Vec<Api>,
    /// When the list of them was read.
    pub as_of: Timestamp,
    /// What was read of each, without those of which nothing was.
    pub details: Vec<ApiDetail>,
}

/// The shape of a file.
///
/// Elsewhere, what is on the disk has types of its own, so that old data outlives a change of the model. Here the model
/// itself is written, for old data is of no worth: what does not fit any more is dropped and read anew.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    version: u32,
    /// The target or API.
    about: String,
    content: T,
}

/// The list of a target's APIs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiList {
    as_of: Timestamp,
    apis: Vec<Api>,
}

/// Who serves what in an API.
#[derive(Default, Serialize, Deserialize)]
struct StageLists {
    stages: Part<Vec<Stage>>,
    deployments: Part<Vec<Deployment>>,
}

/// The draft of an API.
#[derive(Default, Serialize, Deserialize)]
struct DraftLists {
    routes: Part<Vec<Route>>,
    integrations: Part<Vec<Integration>>,
    authorizers: Part<Vec<Authorizer>>,
    models: Part<Vec<Model>>,
    draft: Option<Draft>,
}

/// What is kept of one target.
struct Place {
    known: Known,
    identity: String,
    dir: PathBuf,
}

impl Known {
    /// What is known, in this directory, which need not exist.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            all: ALL,
            written: Arc::default(),
        }
    }

    /// Keeps the list of a target's APIs, in the background.
    pub fn keep_apis(&self, control: &Control, apis: &[Api], as_of: Timestamp) {
        let apis = apis.to_vec();
        self.keep(control, move |place| place.keep_apis(apis, as_of));
    }

    /// Keeps a reading of who serves what, in the background. A part that is not whole does not replace one that is.
    pub fn keep_stages(&self, control: &Control, api: &ApiId, reading: &StagesReading) {
        let (api, reading) = (api.clone(), reading.clone());
        self.keep(control, move |place| place.keep_stages(&api, reading));
    }

    /// Keeps a reading of a draft, in the background. A part that is not whole does not replace one that is.
    pub fn keep_draft(&self, control: &Control, api: &ApiId, reading: &DraftReading) {
        let (api, reading) = (api.clone(), reading.clone());
        self.keep(control, move |place| place.keep_draft(&api, reading));
    }

    /// What earlier runs have read of a target, with what the journal says of its deployments.
    pub async fn recall(&self, control: &Control, journal: &Journal) -> Option<Recollection> {
        let place = self.place_of(control)?;
        let (journal, shelf) = (journal.clone(), Shelf::of(control));
        let recalled = tokio::task::spawn_blocking(move || place.recall(&journal, &shelf));
        recalled.await.ok().flatten()
    }

    fn keep(
        &self,
        control: &Control,
        write: impl FnOnce(&Place) -> io::Result<()> + Send + 'static,
    ) {
        let Some(place) = self.place_of(control) else {
            return;
        };
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&place) {
                tracing::debug!("what was read is not kept for the next start: {error}");
            }
        }));
    }

    /// The place of a target; none of our own local gateway. Reading that one costs nothing, and its port says nothing of
    /// whose APIs it has: gateways with other stores had it before.
    fn place_of(&self, control: &Control) -> Option<Place> {
        match control.target() {
            Target::Aws(_) => Some(self.place(control.identity())),
            Target::Local(_) => None,
        }
    }

    fn place(&self, identity: String) -> Place {
        let mut name = [0; 8];
        name.copy_from_slice(&Sha256::digest(identity.as_bytes())[..8]);
        let name = u64::from_be_bytes(name);
        Place {
            known: self.clone(),
            dir: self.dir.join(format!("{name:016x}")),
            identity,
        }
    }

    fn written(&self) -> MutexGuard<'_, Option<u64>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for so many bytes by removing what was written longest ago.
    ///
    /// All files are looked at for the first write and then after each fiftieth of what they may have; a tenth is left
    /// free, so that several consoles stay below the bound together.
    fn make_room(&self, written: &mut Option<u64>, size: u64) -> io::Result<()> {
        let since = written.map(|written| written + size);
        if let Some(since) = since.filter(|since| *since < self.all / 50) {
            *written = Some(since);
            return Ok(());
        }
        let mut files = self.files()?;
        files.sort();
        let mut total: u64 = files.iter().map(|file| file.size).sum();
        for file in files {
            if total + size <= self.all / 10 * 9 {
                break;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => {}
                // Another console was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            total -= file.size;
            if let Some(dir) = file.path.parent()
                && fs::remove_dir(dir).is_ok()
            {
                tracing::debug!("{} is forgotten", dir.display());
            }
        }
        *written = Some(0);
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<Kept>> {
        let places = match fs::read_dir(&self.dir) {
            Ok(places) => places,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for place in places {
            let place = place?;
            if !place.file_type()?.is_dir() {
                continue;
            }
            // What another console removes meanwhile is no longer there to be counted.
            for file in fs::read_dir(place.path()).into_iter().flatten().flatten() {
                if let Ok(about) = file.metadata()
                    && about.is_file()
                {
                    files.push(Kept {
                        modified: about.modified()?,
                        path: file.path(),
                        size: about.len(),
                    });
                }
            }
        }
        Ok(files)
    }
}

/// A file that is there; the oldest sorts first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    modified: SystemTime,
    path: PathBuf,
    size: u64,
}

impl Place {
    fn keep_apis(&self, apis: Vec<Api>, as_of: Timestamp) -> io::Result<()> {
        let mut written = self.known.written();
        let list = ApiList { as_of, apis };
        self.write(&self.list(), &self.identity, &list, &mut written)
    }

    fn keep_stages(&self, api: &ApiId, reading: StagesReading) -> io::Result<()> {
        let path = self.stages(api);
        let mut written = self.known.written();
        let mut left = ONE;
        let mut lists: StageLists = read(&path, api.as_str(), &mut left).unwrap_or_default();
        if !lists.take(reading) {
            return Ok(());
        }
        self.write(&path, api.as_str(), &lists, &mut written)
    }

    fn keep_draft(&self, api: &ApiId, reading: DraftReading) -> io::Result<()> {
        let path = self.draft(api);
        let mut written = self.known.written();
        let mut left = ONE;
        let mut lists: DraftLists = read(&path, api.as_str(), &mut left).unwrap_or_default();
        if !lists.take(reading) {
            return Ok(());
        }
        self.write(&path, api.as_str(), &lists, &mut written)
    }

    /// Reads all that is kept of the target, and compares anew what stages serve with the drafts.
    fn recall(&self, journal: &Journal, shelf: &Shelf) -> Option<Recollection> {
        let mut left = RECALLED;
        let ApiList { as_of, apis } = read(&self.list(), &self.identity, &mut left)?;
        let stages = apis.iter().map(|api| {
            let lists: Option<StageLists> = read(&self.stages(&api.id), api.id.as_str(), &mut left);
            (api, lists)
        });
        let stages: Vec<(&Api, Option<StageLists>)> = stages.collect();
        let details = stages.into_iter().filter_map(|(api, stages)| {
            let draft: Option<DraftLists> = read(&self.draft(&api.id), api.id.as_str(), &mut left);
            if stages.is_none() && draft.is_none() {
                return None;
            }
            let StageLists {
                stages,
                deployments,
            } = stages.unwrap_or_default();
            let draft = draft.unwrap_or_default();
            let mut detail = ApiDetail {
                held: reading::held_in(journal, shelf, &api.id, &stages),
                stages,
                deployments,
                routes: draft.routes,
                integrations: draft.integrations,
                authorizers: draft.authorizers,
                models: draft.models,
                draft: draft.draft,
                ..ApiDetail::unread(api.clone())
            };
            detail.compare();
            Some(detail)
        });
        let details = details.collect();
        Some(Recollection {
            apis,
            as_of,
            details,
        })
    }

    /// Puts a file in its place, or leaves the one that is there.
    fn write<T: Serialize>(
        &self,
        path: &Path,
        about: &str,
        content: &T,
        written: &mut Option<u64>,
    ) -> io::Result<()> {
        let text = serde_json::to_vec(&Stored {
            version: VERSION,
            about: about.to_owned(),
            content,
        })?;
        let size = text.len() as u64;
        if size > ONE {
            let message = format!("{} would have {size} bytes", path.display());
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        self.known.make_room(written, size)?;
        create_private_dir(&self.dir)?;
        // The file is made readable by its owner only, and goes away by itself if anything below fails. Nobody waits until
        // it is on the disk: one that a power cut tears does not read, and is read anew from the control plane.
        let mut file = NamedTempFile::new_in(&self.dir)?;
        file.write_all(&text)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn list(&self) -> PathBuf {
        self.dir.join("apis.json")
    }

    fn stages(&self, api: &ApiId) -> PathBuf {
        self.dir
            .join(format!("{}.stages.json", file_name(api.as_str())))
    }

    fn draft(&self, api: &ApiId) -> PathBuf {
        self.dir
            .join(format!("{}.draft.json", file_name(api.as_str())))
    }
}

impl StageLists {
    /// Takes in what is whole; false when nothing is. A part that lacks something would be taken for all there is when it is
    /// read back, for its failure is not written.
    fn take(&mut self, reading: StagesReading) -> bool {
        let stages = take_whole(&mut self.stages, reading.stages);
        let deployments = take_whole(&mut self.deployments, reading.deployments);
        stages || deployments
    }
}

impl DraftLists {
    /// Takes in what is whole; false when nothing is.
    fn take(&mut self, reading: DraftReading) -> bool {
        let parts = [
            take_whole(&mut self.routes, reading.routes),
            take_whole(&mut self.integrations, reading.integrations),
            take_whole(&mut self.authorizers, reading.authorizers),
            take_whole(&mut self.models, reading.models),
        ];
        if reading.draft.is_some() {
            self.draft = reading.draft;
        }
        parts.contains(&true)
    }
}

fn take_whole<T: Default>(kept: &mut Part<T>, newer: Part<T>) -> bool {
    let is_whole = newer.is_whole();
    if is_whole {
        kept.take(newer);
    }
    is_whole
}

/// What a file says, if it is there, speaks of that, and has no more bytes than are left.
fn read<T: DeserializeOwned>(path: &Path, about: &str, left: &mut u64) -> Option<T> {
    match try_read::<Stored<T>>(path, left) {
        Ok(stored) if stored.version == VERSION && stored.about == about => Some(stored.content),
        Ok(_) => {
            tracing::debug!("{} is of no use", path.display());
            None
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::debug!("{} is left aside: {error}", path.display());
            None
        }
    }
}

fn try_read<T: DeserializeOwned>(path: &Path, left: &mut u64) -> io::Result<T> {
    let file = File::open(path)?;
    let most = ONE.min(*left);
    let mut text = Vec::new();
    file.take(most + 1).read_to_end(&mut text)?;
    let size = text.len() as u64;
    if size > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    *left -= size;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
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
        shelf: Shelf,
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
                shelf: Shelf::at("https://apigateway.eu-west-1.amazonaws.com", "eu-west-1"),
                id: ApiId::parse("k3v9x2a1bc").unwrap(),
                dir,
            }
        }

        fn place(&self) -> Place {
            self.known.place(TARGET.to_owned())
        }

        fn keep_list(&self) {
            let apis = vec![api("k3v9x2a1bc"), api("other12345")];
            self.place().keep_apis(apis, at(0)).unwrap();
        }

        /// A list, and all of one API.
        fn keep_all(&self) {
            self.keep_list();
            let place = self.place();
            place
                .keep_stages(&self.id, stages_reading(1, "by hand"))
                .unwrap();
            place
                .keep_draft(&self.id, draft_reading(2, &["join"]))
                .unwrap();
        }

        fn recall(&self) -> Option<Recollection> {
            self.place().recall(&self.journal, &self.shelf)
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
        fixture.journal.record(&fixture.shelf, &entry).unwrap();
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
        for dir in [&fixture.known.dir, &fixture.place().dir] {
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
        fixture.place().keep_stages(&fixture.id, stages).unwrap();
        let mut draft = draft_reading(6, &["join", "leave"]);
        // Some were read, but not all.
        draft.routes.failure = Some(refused());
        draft.models = Part::failed(refused());
        draft.draft = None;
        fixture.place().keep_draft(&fixture.id, draft).unwrap();
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
        fixture.place().keep_stages(&fixture.id, nothing).unwrap();
        assert!(fixture.files().is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_as_good_as_none() {
        let fixture = Fixture::new();
        fixture.keep_all();
        let whole = fixture.detail();
        let place = fixture.place();
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
        let error = fixture.place().keep_draft(&fixture.id, large).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(fixture.detail(), before);
    }

    #[test]
    fn what_was_written_longest_ago_goes_when_there_is_too_much() {
        let fixture = Fixture::with_bound(10_000);
        fixture.keep_list();
        let old = fixture.known.place("another account".to_owned());
        old.keep_apis(vec![api("k3v9x2a1bc")], at(0)).unwrap();
        let file = File::open(old.list()).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        for n in 0..20 {
            let id = ApiId::parse(&format!("a{n:09}")).unwrap();
            let place = fixture.place();
            place.keep_stages(&id, stages_reading(1, "x")).unwrap();
            assert!(fixture.size() <= 10_000, "{}", fixture.size());
            let age = std::time::Duration::from_secs(100 + n);
            let file = File::open(place.stages(&id)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + age).unwrap();
        }
        assert!(!old.dir.exists(), "the oldest went, with its directory");
        let files = fixture.files();
        assert!(files.len() > 3, "{files:?}");
        assert!(files.contains(&fixture.place().list()), "{files:?}");
        let newest = ApiId::parse("a000000019").unwrap();
        assert!(files.contains(&fixture.place().stages(&newest)));
        let oldest = ApiId::parse("a000000000").unwrap();
        assert!(!files.contains(&fixture.place().stages(&oldest)));
    }

    #[test]
    fn targets_do_not_mix() {
        let fixture = Fixture::new();
        fixture.keep_all();
        let other = TARGET.replace('1', "2");
        let other = fixture.known.place(other);
        assert_eq!(other.recall(&fixture.journal, &fixture.shelf), None);
        other.keep_apis(vec![api("k3v9x2a1bc")], at(7)).unwrap();
        let recalled = other.recall(&fixture.journal, &fixture.shelf).unwrap();
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
        let place = known.place_of(&control).unwrap();
        place.keep_apis(Vec::new(), at(0)).unwrap_err();
        assert!(fixture.dir.path().join("known").is_file());
    }
}
