//! The store's promises: what is answered is kept, what is refused leaves nothing, what is not ours is not touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, mpsc},
    thread,
};

use redb::{StorageBackend, TableDefinition};

use super::{
    record::{
        ApiMappingRecord, ApiRecord, AuthorizerRecord, DeploymentRecord, DomainConfigurationRecord,
        DomainNameRecord, RouteRecord, Snapshot, StageRecord, VpcLinkRecord,
    },
    *,
};

const REGION: &str = "us-east-1";

fn api(api_id: &str) -> ApiRecord {
    ApiRecord {
        api_id: api_id.to_owned(),
        region: REGION.to_owned(),
        protocol_type: "WEBSOCKET".to_owned(),
        name: "chat".to_owned(),
        description: None,
        route_selection_expression: "$request.body.action".to_owned(),
        api_key_selection_expression: "$request.header.x-api-key".to_owned(),
        disable_execute_api_endpoint: false,
        disable_schema_validation: None,
        ip_address_type: "ipv4".to_owned(),
        version: None,
        tags: BTreeMap::new(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn route(route_id: &str) -> RouteRecord {
    RouteRecord {
        route_key: "$default".to_owned(),
        ..RouteRecord::new(route_id.to_owned())
    }
}

pub(super) fn stage(stage_name: &str, deployment_id: Option<&str>) -> StageRecord {
    StageRecord {
        deployment_id: deployment_id.map(str::to_owned),
        ..StageRecord::new(stage_name.to_owned(), jiff::Timestamp::UNIX_EPOCH)
    }
}

fn deployment(deployment_id: &str) -> DeploymentRecord {
    DeploymentRecord {
        deployment_id: deployment_id.to_owned(),
        description: None,
        deployment_status: "DEPLOYED".to_owned(),
        deployment_status_message: None,
        auto_deployed: false,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn snapshot(route_selection_expression: &str) -> Snapshot {
    Snapshot {
        route_selection_expression: route_selection_expression.to_owned(),
        ..Snapshot::default()
    }
}

fn domain(name: &str) -> DomainNameRecord {
    DomainNameRecord {
        domain_name: name.to_owned(),
        configuration: DomainConfigurationRecord {
            api_gateway_domain_name: "d-1".to_owned(),
            hosted_zone_id: "Z1".to_owned(),
            certificate_arn: None,
            certificate_name: None,
            ownership_verification_certificate_arn: None,
            endpoint_type: "REGIONAL".to_owned(),
            ip_address_type: "ipv4".to_owned(),
            security_policy: "TLS_1_2".to_owned(),
        },
        mutual_tls: None,
        routing_mode: "API_MAPPING_ONLY".to_owned(),
        tags: BTreeMap::new(),
    }
}

fn memory() -> Store {
    Store::open(&StoreLocation::Memory).unwrap()
}

fn file(dir: &tempfile::TempDir) -> (PathBuf, StoreLocation) {
    let path = dir.path().join("gateway.redb");
    (path.clone(), StoreLocation::File(path))
}

/// Writes an API `a` with a deployment `d1` that its stage `prod` serves.
fn plant(store: &Store) {
    let written: Result<(), Error> = store.write(|draft| {
        let api = api("a");
        draft.add_api(&api)?;
        draft.put(&api.api_id, &route("r1"))?;
        draft.add_deployment("a", &deployment("d1"), &snapshot("first"))?;
        draft.put_stage(&api, stage("prod", Some("d1")))
    });
    written.unwrap();
}

#[track_caller]
fn refused(location: &StoreLocation) -> Error {
    match Store::open(location) {
        Ok(_) => panic!("the file was opened"),
        Err(error) => error,
    }
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (_, location) = file(&dir);
    let store = Store::open(&location).unwrap();
    plant(&store);
    let before = store.serving("a", "prod").unwrap();
    drop(store);

    let store = Store::open(&location).unwrap();
    assert_eq!(store.serving("a", "prod").unwrap(), before);
    let routes: Result<Vec<RouteRecord>, Error> = store.read(|view| view.all("a"));
    assert_eq!(routes.unwrap(), [route("r1")]);
}

#[test]
fn custom_domain_names_lead_to_stages_at_once_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (_, location) = file(&dir);
    let store = Store::open(&location).unwrap();
    plant(&store);
    let name = "ws.example.com";
    let written: Result<(), Error> = store.write(move |draft| {
        draft.put_domain_name(REGION, &domain(name))?;
        let mapping = ApiMappingRecord {
            api_mapping_id: "m1".to_owned(),
            api_id: "a".to_owned(),
            stage: "prod".to_owned(),
            api_mapping_key: "chat".to_owned(),
        };
        draft.put_api_mapping(REGION, name, &mapping)
    });
    written.unwrap();
    let found = store.mapped(name, "chat");
    let stage = found
        .as_ref()
        .map(|it| (it.api_id.as_str(), it.stage.as_str()));
    assert_eq!(stage, Some(("a", "prod")));
    drop(store);

    let store = Store::open(&location).unwrap();
    assert_eq!(store.mapped(name, "chat"), found);
    assert!(store.is_domain_name(name));
    let written: Result<(), Error> = store.write(|draft| draft.remove_domain_name(REGION, name));
    written.unwrap();
    assert!(!store.is_domain_name(name));
    let left: Result<Vec<ApiMappingRecord>, Error> = store.read(|view| view.all(REGION));
    assert_eq!(left.unwrap(), []);
}

#[cfg(unix)]
#[test]
fn the_file_and_its_directory_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let (path, location) = file(&dir);
    let _store = Store::open(&location).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_refused_write_leaves_nothing_even_when_it_wrote_first() {
    let store = memory();
    let refusal: Result<(), Error> = store.write(|draft| {
        draft.add_api(&api("a"))?;
        Err(Error::Closed)
    });
    assert!(matches!(refusal, Err(Error::Closed)));
    assert!(store.is_empty());
    let found: Result<Option<ApiRecord>, Error> = store.read(|view| view.get(REGION, "a"));
    assert_eq!(found.unwrap(), None);
}

#[test]
fn a_write_that_is_refused_or_panics_does_not_take_along_those_that_shared_its_transaction() {
    let store = memory();
    plant(&store);
    let (started, wait_started) = mpsc::channel();
    let (release, wait_release) = mpsc::channel::<()>();
    let writers: Vec<_> = thread::scope(|scope| {
        // The first write holds the writing thread until the others stand in its queue.
        let blocker = scope.spawn(|| {
            let mut wait_release = Some(wait_release);
            store.write(move |_| {
                started.send(()).unwrap();
                if let Some(release) = wait_release.take() {
                    release.recv().unwrap();
                }
                Ok::<_, Error>(())
            })
        });
        wait_started.recv().unwrap();
        let writers: Vec<_> = (0..8)
            .map(|n: u32| {
                let run = move |draft: &mut Draft<'_>| {
                    draft.put("a", &route(&format!("w{n}")))?;
                    assert_ne!(n, 4, "a fault of ours");
                    if n.is_multiple_of(2) {
                        Err(Error::Closed)
                    } else {
                        Ok(n)
                    }
                };
                store.order(run).unwrap()
            })
            .collect();
        release.send(()).unwrap();
        blocker.join().unwrap().unwrap();
        writers
    });
    let answers: Vec<Option<u32>> = writers
        .into_iter()
        .map(|ordered| ordered.wait().ok())
        .collect();
    assert_eq!(
        answers,
        [None, Some(1), None, Some(3), None, Some(5), None, Some(7)]
    );
    let routes: Result<Vec<RouteRecord>, Error> = store.read(|view| view.all("a"));
    let ids: Vec<String> = routes.unwrap().into_iter().map(|it| it.route_id).collect();
    assert_eq!(ids, ["r1", "w1", "w3", "w5", "w7"]);
}

#[test]
fn a_write_that_panics_ends_itself_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (_, location) = file(&dir);
    let store = Store::open(&location).unwrap();
    plant(&store);
    let panicked: Result<(), Error> = store.write(|draft| {
        draft.put("a", &route("half"))?;
        panic!("a fault of ours");
    });
    assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
    let written: Result<(), Error> = store.write(|draft| draft.put("a", &route("next")));
    written.unwrap();
    let routes: Result<Vec<RouteRecord>, Error> = store.read(|view| view.all("a"));
    let ids: Vec<String> = routes.unwrap().into_iter().map(|it| it.route_id).collect();
    assert_eq!(ids, ["next", "r1"]);
    assert!(store.serving("a", "prod").is_ok());
}

#[test]
fn serving_tells_a_missing_api_from_a_missing_stage() {
    let store = memory();
    plant(&store);
    assert_eq!(store.serving("b", "prod"), Err(Absent::Api));
    assert_eq!(store.serving("a", "test"), Err(Absent::Stage));
    let serving = store.serving("a", "prod").unwrap();
    let snapshot = serving.snapshot.as_ref().unwrap();
    assert_eq!(snapshot.route_selection_expression, "first");
}

#[test]
fn moving_a_stage_replaces_what_it_serves_as_a_whole() {
    let store = memory();
    plant(&store);
    let before = store.serving("a", "prod").unwrap();
    let moved: Result<(), Error> = store.write(|draft| {
        draft.add_deployment("a", &deployment("d2"), &snapshot("second"))?;
        draft.put_stage(&api("a"), stage("prod", Some("d2")))
    });
    moved.unwrap();
    let after = store.serving("a", "prod").unwrap();
    assert_eq!(after.stage.deployment_id.as_deref(), Some("d2"));
    let expression = |serving: &Serving| {
        let snapshot = serving.snapshot.clone().unwrap();
        snapshot.route_selection_expression.clone()
    };
    assert_eq!(expression(&after), "second");
    assert_eq!(
        expression(&before),
        "first",
        "a message in flight keeps its view"
    );
}

/// Moves the stage `prod` of `a` to a new deployment.
fn move_to(store: &Store, id: &'static str) {
    let moved = store.write(move |draft| {
        draft.add_deployment("a", &deployment(id), &snapshot(id))?;
        draft.put_stage(&api("a"), stage("prod", Some(id)))
    });
    moved.unwrap();
}

/// Returns the deployments that answer on the stage `prod` of `a`, asked so often that none of them is missed.
fn answering(store: &Store) -> BTreeSet<String> {
    let ask = |_| store.answering("a", "prod").unwrap();
    let answers = (0..200).map(ask);
    let id = |serving: Arc<Serving>| serving.snapshot.clone().unwrap();
    answers
        .map(|serving| id(serving).route_selection_expression.clone())
        .collect()
}

#[test]
fn a_stage_settles_slowly_only_if_that_is_wanted_and_a_restart_settles_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_, location) = file(&dir);
    let store = Store::open(&location).unwrap();
    let hour = Duration::from_hours(1);
    let ids = |ids: &[&str]| ids.iter().copied().map(str::to_owned).collect();
    plant(&store);
    move_to(&store, "d1");
    move_to(&store, "d2");
    assert_eq!(answering(&store), ids(&["d2"]));
    store.set_settling_time(hour);
    assert_eq!(answering(&store), ids(&["d2"]));
    move_to(&store, "d3");
    assert_eq!(answering(&store), ids(&["d2", "d3"]));
    // Where it has settled it stays so, though it is to take longer again.
    store.set_settling_time(Duration::ZERO);
    store.set_settling_time(hour);
    assert_eq!(answering(&store), ids(&["d3"]));
    move_to(&store, "d4");
    drop(store);
    let store = Store::open(&location).unwrap();
    store.set_settling_time(hour);
    assert_eq!(answering(&store), ids(&["d4"]));
}

#[test]
fn removing_an_api_removes_all_of_it_and_says_so() {
    let store = memory();
    plant(&store);
    let mut removals = store.removals();
    let removed: Result<(), Error> = store.write(|draft| draft.remove_api(&api("a")));
    removed.unwrap();
    assert_eq!(store.serving("a", "prod"), Err(Absent::Api));
    let api_id = "a".to_owned();
    assert_eq!(removals.try_recv(), Ok(Removed::Api { api_id }));
    let left: Result<_, Error> = store.read(|view| {
        let routes = view.count::<RouteRecord>("a")?;
        let stages = view.count::<StageRecord>("a")?;
        Ok((routes, stages, view.snapshot("a", "d1")?))
    });
    assert_eq!(left.unwrap(), (0, 0, None));
}

#[test]
fn children_of_one_parent_are_not_those_of_another_with_a_longer_name() {
    let store = memory();
    let written: Result<(), Error> = store.write(|draft| {
        draft.put("a", &route("r1"))?;
        draft.put("ab", &route("r2"))?;
        draft.put("a", &route("r3"))
    });
    written.unwrap();
    let page: Result<Vec<RouteRecord>, Error> = store.read(|view| view.page("a", Some("r1"), 10));
    assert_eq!(page.unwrap(), [route("r3")]);
    let count: Result<usize, Error> = store.read(|view| view.count::<RouteRecord>("a"));
    assert_eq!(count.unwrap(), 2);
}

/// A file as schema 1 wrote it, before the seeded mark: the API `kept` with a stage `prod` that serves a deployment and
/// a stage `dev` with autoDeploy.
const SCHEMA_1: &[u8] = include_bytes!("../../../tests/support/stores/schema-1.redb");
const KEPT: &str = "i34u24mfn2";

#[test]
fn a_file_of_schema_1_is_upgraded_with_all_that_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gateway.redb");
    let location = StoreLocation::File(path.clone());
    fs::write(&path, SCHEMA_1).unwrap();
    let store = Store::open(&location).unwrap();
    let kept: Result<ApiRecord, Error> = store.read(|view| {
        assert_eq!(view.all::<AuthorizerRecord>(KEPT)?, []);
        assert_eq!(view.all::<ApiMappingRecord>(REGION)?, []);
        assert_eq!(view.all::<RouteRecord>(KEPT)?.len(), 2);
        Ok(view.get(REGION, KEPT)?.unwrap())
    });
    let kept = kept.unwrap();
    assert_eq!(kept.name, "kept");
    assert_eq!(kept.protocol_type, "WEBSOCKET");
    let serving = store.serving(KEPT, "prod").unwrap();
    assert_eq!(serving.stage.stage_variables["colour"], "red");
    let snapshot = serving.snapshot.clone().unwrap();
    assert_eq!((snapshot.routes.len(), snapshot.models.len()), (2, 0));
    // What it could not hold before is taken now.
    let link = VpcLinkRecord {
        vpc_link_id: "l1".to_owned(),
        name: "link".to_owned(),
        subnet_ids: Vec::new(),
        security_group_ids: Vec::new(),
        tags: BTreeMap::new(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let written: Result<(), Error> = store.write(move |draft| draft.put(REGION, &link));
    written.unwrap();
    drop(store);
    // It is of this version now, and opens as such.
    let store = Store::open(&location).unwrap();
    let links: Result<usize, Error> = store.read(|view| view.count::<VpcLinkRecord>(REGION));
    assert_eq!(links.unwrap(), 1);
    assert_eq!(store.serving(KEPT, "prod").unwrap(), serving);
}

#[test]
fn a_file_of_schema_1_with_apis_counts_as_seeded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gateway.redb");
    fs::write(&path, SCHEMA_1).unwrap();
    let store = Store::open(&StoreLocation::File(path)).unwrap();
    let claimed: Result<(), Error> = store.write(|draft| {
        assert!(!draft.claim_seeding()?);
        Ok(())
    });
    claimed.unwrap();
}

#[test]
fn a_file_of_schema_0_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, location) = file(&dir);
    drop(Store::open(&location).unwrap());
    write_schema(&path, 0);
    assert!(matches!(refused(&location), Error::Corrupt { .. }));
}

fn write_schema(path: &Path, version: u64) {
    let database = Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(TableDefinition::<&str, u64>::new("meta"))
        .unwrap()
        .insert("schema", version)
        .unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_file_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, location) = file(&dir);
    let _store = Store::open(&location).unwrap();
    let error = refused(&location);
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains(&path.display().to_string()));
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (path, location) = file(&dir);
    drop(Store::open(&location).unwrap());
    write_schema(&path, 7);

    let error = refused(&location);
    assert!(
        matches!(
            error,
            Error::Newer {
                found: 7,
                known: SCHEMA_VERSION,
                ..
            }
        ),
        "{error:?}"
    );
    // Still there, and still newer.
    assert!(matches!(refused(&location), Error::Newer { .. }));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.redb");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    drop(
        transaction
            .open_table(TableDefinition::<&str, u64>::new("theirs"))
            .unwrap(),
    );
    transaction.commit().unwrap();
    drop(database);
    let error = refused(&StoreLocation::File(path));
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}

#[track_caller]
fn check_damaged(damage: impl FnOnce(&mut Vec<u8>)) {
    let dir = tempfile::tempdir().unwrap();
    let (path, location) = file(&dir);
    let store = Store::open(&location).unwrap();
    plant(&store);
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, &bytes).unwrap();
    let error = refused(&location);
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(fs::read(&path).unwrap() == bytes, "the file was changed");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    check_damaged(|bytes| *bytes = b"{\"not\": \"a database\"}".to_vec());
}

#[test]
fn a_truncated_file_is_refused_and_left_as_it_is() {
    check_damaged(|bytes| bytes.truncate(bytes.len() / 2));
}

#[test]
fn a_file_cut_within_its_first_page_is_refused_and_left_as_it_is() {
    check_damaged(|bytes| bytes.truncate(100));
}

#[test]
fn a_file_with_overwritten_pages_is_refused_and_left_as_it_is() {
    check_damaged(|bytes| {
        let end = bytes.len();
        bytes[8192..end].fill(0xA5);
    });
}

#[test]
fn an_unreachable_path_is_an_error_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&StoreLocation::File(file.join("gateway.redb")));
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = refused(&StoreLocation::File(missing.join("gateway.redb")));
    assert!(matches!(error, Error::NoDirectory { .. }), "{error:?}");
    assert!(!missing.exists());
}

/// A disk in memory that can go wrong, and be put right. It outlives the databases on it.
#[derive(Debug, Clone, Default)]
struct Disk {
    state: Arc<Mutex<DiskState>>,
}

#[derive(Debug, Default)]
struct DiskState {
    bytes: Vec<u8>,
    /// Blocks that were written and so have their place, as on a file system.
    placed: BTreeSet<u64>,
    trouble: Option<Trouble>,
}

/// The part of a disk that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// A file may be made longer, but no new block finds a place.
    Blocks,
    /// A file cannot be made longer.
    Length,
    /// Nothing becomes durable.
    Sync,
}

const BLOCK: u64 = 4096;

impl Disk {
    fn set(&self, trouble: Option<Trouble>) {
        self.state.lock().unwrap().trouble = trouble;
    }

    fn check(&self, trouble: Trouble) -> io::Result<()> {
        if self.state.lock().unwrap().trouble == Some(trouble) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn database(&self) -> Result<Database, Error> {
        let database = builder().create_with_backend(self.clone());
        database.map_err(Error::database)
    }

    fn store(&self) -> Store {
        let disk = self.clone();
        let open: Open = Box::new(move || disk.database());
        Store::of(self.database().unwrap(), Some(open), &StoreLocation::Memory).unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let state = self.state.lock().unwrap();
        let bytes = state.bytes.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.len()? {
            self.check(Trouble::Length)?;
        }
        let mut state = self.state.lock().unwrap();
        state.bytes.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check(Trouble::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let mut state = self.state.lock().unwrap();
        for block in offset / BLOCK..(offset + data.len() as u64).div_ceil(BLOCK) {
            if !state.placed.contains(&block) && state.trouble == Some(Trouble::Blocks) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.placed.insert(block);
        }
        state.bytes[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// Writes a route that takes a good deal of room.
fn write_large(store: &Store, route_id: &'static str) -> Result<(), Error> {
    store.write(move |draft| {
        let operation_name = Some("x".repeat(4_000_000));
        let route = RouteRecord {
            operation_name,
            ..route(route_id)
        };
        draft.put("a", &route)
    })
}

fn route_ids(store: &Store) -> Result<Vec<String>, Error> {
    let routes: Vec<RouteRecord> = store.read(|view| view.all("a"))?;
    Ok(routes.into_iter().map(|it| it.route_id).collect())
}

/// Checks a store while its disk is in trouble, and once the disk is put right.
#[track_caller]
fn check_trouble(trouble: Trouble) {
    let disk = Disk::default();
    let store = disk.store();
    plant(&store);
    let before = store.serving("a", "prod").unwrap();
    disk.set(Some(trouble));
    for attempt in ["r2", "r3"] {
        let error = write_large(&store, attempt).unwrap_err();
        assert!(matches!(error, Error::Disk(_)), "{attempt}: {error:?}");
        assert_eq!(store.serving("a", "prod").unwrap(), before);
        if trouble != Trouble::Sync {
            assert_eq!(route_ids(&store).unwrap(), ["r1"], "{attempt}");
        }
    }
    disk.set(None);
    assert!(route_ids(&store).unwrap().contains(&"r1".to_owned()));
    write_large(&store, "r4").unwrap();
    drop(store);
    let ids = route_ids(&disk.store()).unwrap();
    assert!(ids.contains(&"r1".to_owned()), "{ids:?}");
    assert!(ids.contains(&"r4".to_owned()), "{ids:?}");
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else_until_there_is_room() {
    check_trouble(Trouble::Blocks);
    check_trouble(Trouble::Length);
}

#[test]
fn a_disk_that_makes_nothing_durable_refuses_writes_until_it_does() {
    check_trouble(Trouble::Sync);
}
