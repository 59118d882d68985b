//! The served state, which the data plane reads at every message: held in memory, and changed by each write after its
//! commit.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    domains::{DomainChange, Domains},
    error::Error,
    record::{ApiMappingRecord, ApiRecord, DomainNameRecord, Serving, Snapshot, StageRecord},
    served::Served,
    view::View,
};

/// The reason why a stage serves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// There is no API with that id.
    Api,
    /// The API has no such stage.
    Stage,
}

/// An API or a stage that ceased to exist; whoever is connected to it must go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Removed {
    /// An API with all its stages.
    Api {
        /// The API that was.
        api_id: String,
    },
    /// One stage.
    Stage {
        /// The API of the stage.
        api_id: String,
        /// The stage that was.
        stage: String,
    },
}

/// A change that a commit makes for the data plane.
#[derive(Debug)]
pub(super) enum Change {
    ApiAdded {
        api_id: String,
    },
    ApiRemoved {
        api_id: String,
    },
    StagePut(Arc<Serving>),
    StageRemoved {
        api_id: String,
        stage: String,
    },
    DeploymentRemoved {
        api_id: String,
        deployment_id: String,
    },
    /// A deployment is owed. None of it is served before it is made.
    DeploymentOwed,
    Domain {
        region: String,
        name: String,
        change: DomainChange,
    },
}

/// All that is served: stages by API and name, and the custom domain names that lead to them.
#[derive(Debug, Default)]
pub(super) struct ServingCache {
    apis: HashMap<String, HashMap<String, Served>>,
    /// The time that a stage takes to settle.
    settling_time: Duration,
    pub(super) domains: Domains,
}

impl ServingCache {
    /// Reads what is served out of the tables.
    pub(super) fn load(view: &View<'_>) -> Result<Self, Error> {
        let mut cache = Self::default();
        let mut regions = HashMap::new();
        for (_, api) in view.everything::<ApiRecord>()? {
            regions.insert(api.api_id.clone(), api.region);
            cache.apis.insert(api.api_id, HashMap::new());
        }
        for (key, stage) in view.everything::<StageRecord>()? {
            let Some((api_id, _)) = key.split_once('/') else {
                continue;
            };
            let Some(region) = regions.get(api_id) else {
                continue;
            };
            let snapshot = match &stage.deployment_id {
                Some(deployment_id) => cache.held_or_read(view, api_id, deployment_id)?,
                None => None,
            };
            let serving = Arc::new(Serving {
                api_id: api_id.to_owned(),
                region: region.clone(),
                stage,
                snapshot,
            });
            // It was there before, so nobody has to wait for it to settle.
            let stages = cache.apis.entry(api_id.to_owned()).or_default();
            let name = serving.stage.stage_name.clone();
            stages.insert(name, Served::existing(serving));
        }
        cache.load_domains(view)?;
        Ok(cache)
    }

    fn load_domains(&mut self, view: &View<'_>) -> Result<(), Error> {
        for (key, domain) in view.everything::<DomainNameRecord>()? {
            if let Some((region, _)) = key.split_once('/') {
                let put = DomainChange::Put;
                self.domains.apply(region, &domain.domain_name, put);
            }
        }
        for (key, mapping) in view.everything::<ApiMappingRecord>()? {
            let mut parts = key.split('/');
            if let (Some(region), Some(name)) = (parts.next(), parts.next()) {
                let put = DomainChange::MappingPut(mapping);
                self.domains.apply(region, name, put);
            }
        }
        Ok(())
    }

    fn held_or_read(
        &self,
        view: &View<'_>,
        api_id: &str,
        deployment_id: &str,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        match self.snapshot(api_id, deployment_id) {
            Some(snapshot) => Ok(Some(snapshot)),
            None => Ok(view.snapshot(api_id, deployment_id)?.map(Arc::new)),
        }
    }

    pub(super) fn serving(&self, api_id: &str, stage: &str) -> Result<Arc<Serving>, Absent> {
        let served = self.served(api_id, stage)?;
        Ok(Arc::clone(&served.serving))
    }

    /// Returns what answers on a stage; see [`super::Store::answering`].
    pub(super) fn answering(&self, api_id: &str, stage: &str) -> Result<Arc<Serving>, Absent> {
        let served = self.served(api_id, stage)?;
        if served.is_settled() {
            return Ok(Arc::clone(&served.serving));
        }
        served.answering(self.settling_time, Instant::now(), |n| {
            rand::random_range(0..n)
        })
    }

    fn served(&self, api_id: &str, stage: &str) -> Result<&Served, Absent> {
        let stages = self.apis.get(api_id).ok_or(Absent::Api)?;
        stages.get(stage).ok_or(Absent::Stage)
    }

    /// Sets how long stages take to settle. What has settled by either time stays so.
    pub(super) fn set_settling_time(&mut self, time: Duration) {
        let (sooner, now) = (time.min(self.settling_time), Instant::now());
        self.settling_time = time;
        for served in self.apis.values_mut().flat_map(HashMap::values_mut) {
            served.forget_older_than(sooner, now);
        }
    }

    pub(super) fn has_api(&self, api_id: &str) -> bool {
        self.apis.contains_key(api_id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.apis.is_empty()
    }

    /// Returns the frozen copy of a deployment, when a stage of the API serves it.
    pub(super) fn snapshot(&self, api_id: &str, deployment_id: &str) -> Option<Arc<Snapshot>> {
        let stages = self.apis.get(api_id)?;
        let mut servings = stages.values().map(|served| &served.serving);
        let serving = servings
            .find(|serving| serving.stage.deployment_id.as_deref() == Some(deployment_id))?;
        serving.snapshot.clone()
    }

    /// Takes over one change and says what ceased to exist by it.
    pub(super) fn apply(&mut self, change: Change) -> Option<Removed> {
        match change {
            Change::ApiAdded { api_id } => {
                self.apis.entry(api_id).or_default();
                None
            }
            Change::ApiRemoved { api_id } => {
                self.apis.remove(&api_id);
                Some(Removed::Api { api_id })
            }
            Change::StagePut(serving) => {
                self.put(serving);
                None
            }
            Change::StageRemoved { api_id, stage } => {
                self.apis.get_mut(&api_id)?.remove(&stage);
                Some(Removed::Stage { api_id, stage })
            }
            Change::DeploymentRemoved {
                api_id,
                deployment_id,
            } => {
                for served in self.apis.get_mut(&api_id)?.values_mut() {
                    served.forget(&deployment_id);
                }
                None
            }
            Change::DeploymentOwed => None,
            Change::Domain {
                region,
                name,
                change,
            } => {
                self.domains.apply(&region, &name, change);
                None
            }
        }
    }

    /// Takes over what was read out of the tables anew, and says what ceased to exist by it.
    pub(super) fn replace(&mut self, mut new: Self) -> Vec<Removed> {
        new.settling_time = self.settling_time;
        let old = std::mem::replace(self, new);
        let mut removed = Vec::new();
        for (api_id, stages) in old.apis {
            let Some(left) = self.apis.get(&api_id) else {
                removed.push(Removed::Api { api_id });
                continue;
            };
            for stage in stages.into_keys().filter(|it| !left.contains_key(it)) {
                let api_id = api_id.clone();
                removed.push(Removed::Stage { api_id, stage });
            }
        }
        removed
    }

    fn put(&mut self, serving: Arc<Serving>) {
        let now = Instant::now();
        let stages = self.apis.entry(serving.api_id.clone()).or_default();
        match stages.entry(serving.stage.stage_name.clone()) {
            Entry::Occupied(mut served) => served.get_mut().put(serving, self.settling_time, now),
            Entry::Vacant(place) => {
                place.insert(Served::created(serving, self.settling_time, now));
            }
        }
    }
}

/// Returns a look at what is served. No holder of this lock can leave it half changed, so a poisoned one is still good.
pub(super) fn read(cache: &RwLock<ServingCache>) -> RwLockReadGuard<'_, ServingCache> {
    cache.read().unwrap_or_else(PoisonError::into_inner)
}
