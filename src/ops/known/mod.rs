//! Readings of targets, kept between runs: the next start shows them at once, each part with its age, and then reads
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
    journal::{Journal, JournalDir, create_private_dir, file_name},
    reading,
};
use crate::{
    aws::Control,
    model::{
        Api, ApiDetail, ApiId, Authorizer, Deployment, Draft, DraftReading, Integration, Model,
        Part, Route, Stage, StagesReading, Target, detail::Held,
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

/// The readings of a target by earlier runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Recollection {
    /// Its APIs.
    pub apis: Vec<Api>,
    /// The time at which the list of APIs was read.
    pub as_of: Timestamp,
    /// The details of each API, without those of which nothing was read.
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

/// The stages and deployments of an API: who serves what.
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

/// The directory of what is kept of one target.
struct TargetDir {
    known: Known,
    identity: String,
    dir: PathBuf,
}

impl Known {
    /// Makes a handle on this directory, which need not exist.
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
        self.keep(control, move |dir| dir.keep_apis(apis, as_of));
    }

    /// Keeps a reading of who serves what, in the background. A part that is not whole does not replace one that is.
    pub fn keep_stages(&self, control: &Control, api: &ApiId, reading: &StagesReading) {
        let (api, reading) = (api.clone(), reading.clone());
        self.keep(control, move |dir| dir.keep_stages(&api, reading));
    }

    /// Keeps a reading of a draft, in the background. A part that is not whole does not replace one that is.
    pub fn keep_draft(&self, control: &Control, api: &ApiId, reading: &DraftReading) {
        let (api, reading) = (api.clone(), reading.clone());
        self.keep(control, move |dir| dir.keep_draft(&api, reading));
    }

    /// Returns what earlier runs have read of a target, with what the journal says of its deployments.
    pub async fn recall(&self, control: &Control, journal: &Journal) -> Option<Recollection> {
        let dir = self.dir_of(control)?;
        let (journal, journal_dir) = (journal.clone(), JournalDir::of(control));
        let recalled = tokio::task::spawn_blocking(move || dir.recall(&journal, &journal_dir));
        recalled.await.ok().flatten()
    }

    fn keep(
        &self,
        control: &Control,
        write: impl FnOnce(&TargetDir) -> io::Result<()> + Send + 'static,
    ) {
        let Some(dir) = self.dir_of(control) else {
            return;
        };
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&dir) {
                tracing::debug!("what was read is not kept for the next start: {error}");
            }
        }));
    }

    /// The directory of a target; none of our own local gateway. Reading that one costs nothing, and its port says nothing of
    /// whose APIs it has: gateways with other stores had it before.
    fn dir_of(&self, control: &Control) -> Option<TargetDir> {
        match control.target() {
            Target::Aws(_) => Some(self.target_dir(control.identity())),
            Target::Local(_) => None,
        }
    }

    fn target_dir(&self, identity: String) -> TargetDir {
        let mut name = [0; 8];
        name.copy_from_slice(&Sha256::digest(identity.as_bytes())[..8]);
        let name = u64::from_be_bytes(name);
        TargetDir {
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
            forget(&file.path)?;
            total -= file.size;
        }
        *written = Some(0);
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<Kept>> {
        let dirs = match fs::read_dir(&self.dir) {
            Ok(dirs) => dirs,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for dir in dirs {
            let dir = dir?;
            if !dir.file_type()?.is_dir() {
                continue;
            }
            // What another console removes meanwhile is no longer there to be counted.
            for file in fs::read_dir(dir.path()).into_iter().flatten().flatten() {
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

/// Removes a file, and its directory with the last one in it.
fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        // Another console was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(dir) = path.parent()
        && fs::remove_dir(dir).is_ok()
    {
        tracing::debug!("{} is forgotten", dir.display());
    }
    Ok(())
}

/// A file that is there; the oldest sorts first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    modified: SystemTime,
    path: PathBuf,
    size: u64,
}

/// Puts an API together from what is kept of it and from what the journal says of its deployments.
fn recalled(api: &Api, held: Held, stages: StageLists, draft: DraftLists) -> ApiDetail {
    let mut detail = ApiDetail {
        held,
        stages: stages.stages,
        deployments: stages.deployments,
        routes: draft.routes,
        integrations: draft.integrations,
        authorizers: draft.authorizers,
        models: draft.models,
        draft: draft.draft,
        ..ApiDetail::unread(api.clone())
    };
    detail.compare();
    detail
}

impl TargetDir {
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
    fn recall(&self, journal: &Journal, journal_dir: &JournalDir) -> Option<Recollection> {
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
            let stages = stages.unwrap_or_default();
            let held = reading::held_in(journal, journal_dir, &api.id, &stages.stages);
            Some(recalled(api, held, stages, draft.unwrap_or_default()))
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

/// Returns what a file says, if it is there, speaks of that, and has no more bytes than are left.
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
mod tests;
