//! Filling a new store from [definition files](crate::model::file), through the same functions that answer the control
//! plane's calls. A store is filled once: who deletes all of it wants it empty.

mod build;
mod definition;
mod input;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Seed,
    store::{self, Store},
};
use crate::model::{ApiId, Definition, DeploymentId, file};

/// The demo's files: their names, for errors, and their texts.
const DEMO: &[(&str, &str)] = &[
    (
        "assets/demo/chat.json",
        include_str!("../../../assets/demo/chat.json"),
    ),
    (
        "assets/demo/ticker.json",
        include_str!("../../../assets/demo/ticker.json"),
    ),
];

/// The region of an API whose file names none.
const REGION: &str = "us-east-1";

/// A deployment that was planted. AWS never says what a deployment holds; whoever planted it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The API's region.
    pub region: String,
    /// The API.
    pub api_id: ApiId,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The deployment's description, without the fingerprint.
    pub description: Option<String>,
    /// The definition that the deployment holds.
    pub definition: Definition,
}

/// The reason why a store could not be filled. Nothing was kept of the attempt.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file cannot be read.
    #[error("cannot read the seed file {}", path.display())]
    Read {
        /// The seed file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The file is not what a seed file must be.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Malformed {
        /// The seed file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// The fault in words: what was found and what was expected.
        what: String,
    },
    /// The file asks for something that API Gateway refuses.
    #[error("{}: API {api:?}, {place}: {reason}", path.display())]
    Refused {
        /// The seed file.
        path: PathBuf,
        /// The API's name.
        api: String,
        /// The part of it.
        place: String,
        /// The refusal's message.
        reason: String,
    },
    /// The store failed.
    #[error("cannot keep the seeded APIs")]
    Store(#[from] store::Error),
}

/// Fills a store that is empty and was never filled before, and tells which deployments it holds now. Blocks.
pub(crate) fn plant(store: &Store, seed: &Seed) -> Result<Vec<Seeded>, SeedError> {
    if !store.is_empty() {
        return Ok(Vec::new());
    }
    match seed {
        Seed::None => Ok(Vec::new()),
        Seed::Demo => plant_texts(store, DEMO),
        Seed::File(path) => {
            let text = fs::File::open(path).and_then(file::read_text);
            let text = text.map_err(|source| SeedError::Read {
                path: path.clone(),
                source,
            })?;
            plant_texts(store, &[(path, &text)])
        }
    }
}

/// Makes all APIs of all files, or none of them.
fn plant_texts(
    store: &Store,
    files: &[(impl AsRef<Path>, &str)],
) -> Result<Vec<Seeded>, SeedError> {
    let mut apis = Vec::new();
    for (path, text) in files {
        let path = path.as_ref();
        let parsed = file::parse(text).map_err(|mistake| SeedError::Malformed {
            path: path.to_owned(),
            line: mistake.line,
            column: mistake.column,
            what: mistake.what,
        })?;
        apis.extend(parsed.into_iter().map(|api| (path.to_owned(), api)));
    }
    store.write(move |draft| {
        let mut seeded = Vec::new();
        if !draft.claim_seeding()? {
            return Ok(seeded);
        }
        for (path, api) in &apis {
            let planted = build::build_api(draft, api).map_err(|refusal| SeedError::Refused {
                path: path.clone(),
                api: api.name.clone(),
                place: refusal.place,
                reason: refusal.reason,
            })?;
            seeded.extend(planted);
        }
        Ok(seeded)
    })
}

#[cfg(test)]
mod tests;
