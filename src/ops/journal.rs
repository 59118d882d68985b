//! The journal: what every deployment that this machine made holds, since AWS gives back a deployment's id and never
//! its content.
//!
//! One file a deployment, written whole or not at all: once when the deployment is made, and once more when a stage was
//! pointed at it. So any number of consoles and jobs can write side by side, a reader never waits, and a deploy that
//! ends half way leaves a deployment whose content is known. A file that cannot be used is treated as absent: the
//! journal adds to what the fingerprint in a deployment's description says and is never the only truth.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, PersistError};

use crate::{
    aws::Control,
    model::{ApiId, Definition, DeploymentId, Fingerprint, StageName},
};

/// The version of the files' shape that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// A deployment's entry: what it holds and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The API.
    pub api_id: ApiId,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The definition that it froze.
    pub definition: Definition,
    /// The description of the deployment, without the fingerprint.
    pub description: Option<String>,
    /// The time at which it was deployed.
    pub deployed_at: Timestamp,
    /// The first stage that was pointed at it, once one was.
    pub stage: Option<StageName>,
    /// The deployment that the stage served before.
    pub previous: Option<DeploymentId>,
}

/// The result of looking for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An entry.
    Entry(Box<Entry>),
    /// This machine did not make the deployment.
    Nothing,
    /// There is a file that cannot be used; the sentence says why.
    Unusable(String),
}

/// The reason why an entry could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    /// The file or directory.
    pub path: PathBuf,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

/// A handle on the journal's directory; cheap to clone. Nothing is created before the first entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    dir: PathBuf,
}

/// The part of the journal that holds a target's entries: a directory for each place in which API ids are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalDir(String);

/// The file's shape. Members are only added, with a default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    version: u32,
    api_id: ApiId,
    deployment_id: DeploymentId,
    fingerprint: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    deployed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<StageName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<DeploymentId>,
    definition: Definition,
}

/// The part of the shape that every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl JournalDir {
    /// The directory of a control plane.
    ///
    /// An API's id is part of its host name on AWS, so it is unique in a region over all accounts, and the account need
    /// not be known. A local gateway's port changes from run to run while its APIs stay, so all local endpoints of a
    /// region share a directory; their ids are random, and an entry is believed only if the deployment's own description
    /// does not contradict it.
    pub fn of(control: &Control) -> Self {
        Self::at(control.endpoint(), control.region())
    }

    /// The directory of the control plane at that URL, for a region of it.
    pub fn at(endpoint: &str, region: &str) -> Self {
        let authority = endpoint
            .split_once("://")
            .map_or(endpoint, |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let place = if crate::model::host::is_loopback(host) {
            "local"
        } else if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
            "aws"
        } else {
            authority
        };
        Self(file_name(&format!("{place}_{region}")))
    }
}

impl Journal {
    /// The journal in this directory, which need not exist.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Writes an entry. One that says as much and is there already is left alone; one that says something else about
    /// the same deployment, or knows of no stage yet, is replaced, since whoever writes has just asked the control plane.
    ///
    /// Blocks until the entry is on the disk.
    ///
    /// # Errors
    /// Fails when the system refuses; then nothing of the entry is left.
    pub fn record(&self, journal_dir: &JournalDir, entry: &Entry) -> Result<(), WriteError> {
        let path = self.path(journal_dir, &entry.api_id, &entry.deployment_id);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| WriteError { path, source }
        };
        let dir = path.parent().unwrap_or(&self.dir);
        create_private_dir(dir).map_err(at(dir))?;
        let text = Stored::from(entry).to_json().map_err(at(&path))?;
        // The file is made readable by its owner only, and goes away by itself if anything below fails.
        let mut file = NamedTempFile::new_in(dir).map_err(at(dir))?;
        file.write_all(text.as_bytes()).map_err(at(&path))?;
        file.as_file().sync_all().map_err(at(&path))?;
        if let Err(PersistError { error, file }) = file.persist_noclobber(&path) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(at(&path)(error));
            }
            if self.says(journal_dir, entry) {
                return Ok(());
            }
            let replaced = file.persist(&path);
            replaced.map_err(|error| at(&path)(error.error))?;
        }
        // Only now is the name itself on the disk.
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(at(dir))
    }

    /// Looks for the entry of a deployment. Blocks while the file is read.
    pub fn find(&self, journal_dir: &JournalDir, api: &ApiId, deployment: &DeploymentId) -> Found {
        let path = self.path(journal_dir, api, deployment);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return unusable(&path, &error.to_string()),
        };
        match parse(&text) {
            Ok(entry) if entry.api_id == *api && entry.deployment_id == *deployment => {
                Found::Entry(Box::new(entry))
            }
            Ok(_) => unusable(&path, "it speaks of another deployment"),
            Err(reason) => unusable(&path, &reason),
        }
    }

    /// As [`Journal::record`], without blocking the caller's thread. Once begun it is carried through even if nobody
    /// waits for it any more.
    ///
    /// # Errors
    /// Fails when the system refuses.
    pub async fn keep(&self, control: &Control, entry: Entry) -> Result<(), WriteError> {
        let journal = self.clone();
        let journal_dir = JournalDir::of(control);
        let written =
            tokio::task::spawn_blocking(move || journal.record(&journal_dir, &entry)).await;
        written.unwrap_or_else(|error| {
            Err(WriteError {
                path: self.dir.clone(),
                source: io::Error::other(error),
            })
        })
    }

    /// As [`Journal::find`] for several deployments, without blocking the caller's thread; in the same order.
    pub async fn find_all(
        &self,
        control: &Control,
        api: &ApiId,
        deployments: Vec<DeploymentId>,
    ) -> Vec<Found> {
        let journal = self.clone();
        let journal_dir = JournalDir::of(control);
        let api = api.clone();
        let n_deployments = deployments.len();
        let found = tokio::task::spawn_blocking(move || {
            let find = |id: &DeploymentId| journal.find(&journal_dir, &api, id);
            deployments.iter().map(find).collect()
        });
        found
            .await
            .unwrap_or_else(|_| vec![Found::Nothing; n_deployments])
    }

    fn says(&self, journal_dir: &JournalDir, entry: &Entry) -> bool {
        let found = self.find(journal_dir, &entry.api_id, &entry.deployment_id);
        matches!(found, Found::Entry(there)
            if there.definition == entry.definition && (there.stage.is_some() || entry.stage.is_none()))
    }

    fn path(&self, journal_dir: &JournalDir, api: &ApiId, deployment: &DeploymentId) -> PathBuf {
        self.dir
            .join(&journal_dir.0)
            .join(file_name(api.as_str()))
            .join(format!("{}.json", file_name(deployment.as_str())))
    }
}

impl From<&Entry> for Stored {
    fn from(entry: &Entry) -> Self {
        Self {
            version: VERSION,
            api_id: entry.api_id.clone(),
            deployment_id: entry.deployment_id.clone(),
            fingerprint: entry.definition.fingerprint(),
            description: entry.description.clone(),
            deployed_at: entry.deployed_at,
            stage: entry.stage.clone(),
            previous: entry.previous.clone(),
            definition: entry.definition.clone(),
        }
    }
}

impl Stored {
    fn to_json(&self) -> io::Result<String> {
        let mut text = serde_json::to_string(self).map_err(io::Error::other)?;
        text.push('\n');
        Ok(text)
    }
}

fn parse(text: &str) -> Result<Entry, String> {
    let broken = |error: serde_json::Error| format!("it is not whole ({error})");
    let Version { version } = serde_json::from_str(text).map_err(broken)?;
    if version != VERSION {
        return Err(format!(
            "it is of version {version}, and this program reads version {VERSION}"
        ));
    }
    let stored: Stored = serde_json::from_str(text).map_err(broken)?;
    if stored.definition.fingerprint() != stored.fingerprint {
        return Err("its definition and its fingerprint contradict each other".to_owned());
    }
    Ok(Entry {
        api_id: stored.api_id,
        deployment_id: stored.deployment_id,
        definition: stored.definition,
        description: stored.description,
        deployed_at: stored.deployed_at,
        stage: stored.stage,
        previous: stored.previous,
    })
}

fn unusable(path: &Path, reason: &str) -> Found {
    let sentence = format!("the journal's {} is left aside: {reason}", path.display());
    tracing::warn!("{sentence}");
    Found::Unusable(sentence)
}

/// Text from elsewhere as the name of one file: nothing in it can lead to another directory.
pub(super) fn file_name(text: &str) -> String {
    let safe = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
        _ => '_',
    };
    let name: String = text.chars().map(safe).collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name,
    }
}

pub(super) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::definition::RouteDefinition;

    pub(super) fn entry(routes: &[&str]) -> Entry {
        Entry {
            api_id: ApiId::parse("k3v9x2a1bc").unwrap(),
            deployment_id: DeploymentId::parse("53lz9l").unwrap(),
            definition: Definition {
                route_selection_expression: "$request.body.action".into(),
                api_key_selection_expression: None,
                disable_execute_api_endpoint: false,
                routes: routes
                    .iter()
                    .map(|key| ((*key).to_owned(), RouteDefinition::default()))
                    .collect(),
                models: BTreeMap::new(),
            },
            description: Some("add join route".into()),
            deployed_at: Timestamp::UNIX_EPOCH,
            stage: Some(StageName::parse("test").unwrap()),
            previous: None,
        }
    }

    struct Fixture {
        dir: tempfile::TempDir,
        journal: Journal,
        journal_dir: JournalDir,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let journal = Journal::new(dir.path().join("journal"));
            let journal_dir = JournalDir::at("http://127.0.0.1:4566", "us-east-1");
            Self {
                dir,
                journal,
                journal_dir,
            }
        }

        fn find(&self, entry: &Entry) -> Found {
            self.journal
                .find(&self.journal_dir, &entry.api_id, &entry.deployment_id)
        }

        fn path(&self) -> PathBuf {
            self.dir
                .path()
                .join("journal/local_us-east-1/k3v9x2a1bc/53lz9l.json")
        }

        /// Puts this in the place of an entry and tells why it cannot be used.
        fn unusable(&self, text: &str) -> String {
            let entry = entry(&["join"]);
            self.journal.record(&self.journal_dir, &entry).unwrap();
            fs::write(self.path(), text).unwrap();
            match self.find(&entry) {
                Found::Unusable(sentence) => sentence,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_entry_is_found_again_and_is_private() {
        let fixture = Fixture::new();
        let entry = entry(&["join"]);
        assert_eq!(fixture.find(&entry), Found::Nothing);
        fixture
            .journal
            .record(&fixture.journal_dir, &entry)
            .unwrap();
        assert_eq!(fixture.find(&entry), Found::Entry(Box::new(entry)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&fixture.path()), 0o600);
            assert_eq!(mode(fixture.path().parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn writing_the_same_again_changes_nothing() {
        let fixture = Fixture::new();
        let first = entry(&["join"]);
        let again = Entry {
            description: Some("another time".into()),
            ..entry(&["join"])
        };
        fixture
            .journal
            .record(&fixture.journal_dir, &first)
            .unwrap();
        fixture
            .journal
            .record(&fixture.journal_dir, &again)
            .unwrap();
        assert_eq!(fixture.find(&first), Found::Entry(Box::new(first)));
    }

    #[test]
    fn the_stage_is_added_when_one_takes_the_deployment_and_is_not_lost_again() {
        let fixture = Fixture::new();
        let served = entry(&["join"]);
        let made = Entry {
            stage: None,
            ..served.clone()
        };
        for entry in [&made, &served, &made] {
            fixture.journal.record(&fixture.journal_dir, entry).unwrap();
        }
        assert_eq!(fixture.find(&served), Found::Entry(Box::new(served)));
    }

    #[test]
    fn an_entry_that_the_control_plane_disproves_is_replaced() {
        let fixture = Fixture::new();
        let truth = entry(&["join", "leave"]);
        fixture
            .journal
            .record(&fixture.journal_dir, &entry(&["join"]))
            .unwrap();
        fixture
            .journal
            .record(&fixture.journal_dir, &truth)
            .unwrap();
        assert_eq!(fixture.find(&truth), Found::Entry(Box::new(truth)));
        let n_files = fs::read_dir(fixture.path().parent().unwrap())
            .unwrap()
            .count();
        assert_eq!(n_files, 1, "no temporary file stays behind");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_left_aside() {
        let fixture = Fixture::new();
        assert!(
            fixture
                .unusable("{\"version\":1,\"apiId\":\"k3v9")
                .contains("not whole")
        );
        assert!(fixture.unusable("").contains("not whole"));
        assert!(fixture.unusable("{\"version\":2}").contains("version 2"));
        let whole = Stored::from(&entry(&["join"])).to_json().unwrap();
        assert!(
            fixture
                .unusable(&whole.replace("join", "leave"))
                .contains("contradict")
        );
        assert!(
            fixture
                .unusable(&whole.replace("53lz9l", "a81kq0"))
                .contains("another deployment")
        );
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let fixture = Fixture::new();
        fs::write(fixture.dir.path().join("journal"), "in the way").unwrap();
        let error = fixture
            .journal
            .record(&fixture.journal_dir, &entry(&[]))
            .unwrap_err();
        assert!(error.to_string().contains("journal"), "{error}");
    }

    #[test]
    fn names_from_elsewhere_lead_nowhere_else() {
        for (text, name) in [
            ("..", "_."),
            ("../x", "_._x"),
            ("a/b", "a_b"),
            ("ok-1", "ok-1"),
        ] {
            assert_eq!(file_name(text), name);
        }
    }

    #[test]
    fn a_directory_is_a_place_in_which_api_ids_are_unique() {
        for (endpoint, journal_dir) in [
            ("http://127.0.0.1:4566", "local_eu-west-1"),
            ("http://localhost:9000/", "local_eu-west-1"),
            ("http://[::1]:9000", "local_eu-west-1"),
            (
                "https://apigateway.eu-west-1.amazonaws.com",
                "aws_eu-west-1",
            ),
            (
                "https://gw.example.com:8443/x",
                "gw.example.com_8443_eu-west-1",
            ),
        ] {
            assert_eq!(JournalDir::at(endpoint, "eu-west-1").0, journal_dir);
        }
    }
}
