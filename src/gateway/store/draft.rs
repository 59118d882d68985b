//! Writing: what one request changes, inside the transaction that it may share with others.

use std::{
    collections::BTreeSet,
    ops::Deref,
    sync::{Arc, RwLock},
};

use redb::{ReadableTable, WriteTransaction};
use serde::Serialize;

use super::{
    domains::DomainChange,
    error::Error,
    migrate::{META, SEEDED},
    record::{
        ApiMappingRecord, ApiRecord, DeploymentRecord, DomainNameRecord, OwedDeploymentRecord,
        Serving, Snapshot, StageRecord,
    },
    serving_cache::{self, Change, ServingCache},
    view::{API_TABLES, Record, SNAPSHOTS, Table, View, encode, key, within},
};

/// A write in progress. Reads see what it has written so far.
pub(crate) struct Draft<'a> {
    view: View<'a>,
    transaction: &'a WriteTransaction,
    serving_cache: &'a RwLock<ServingCache>,
    changes: Vec<Change>,
    n_writes: usize,
}

impl<'a> Deref for Draft<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        transaction: &'a WriteTransaction,
        serving_cache: &'a RwLock<ServingCache>,
    ) -> Self {
        Self {
            view: View::of_write(transaction),
            transaction,
            serving_cache,
            changes: Vec::new(),
            n_writes: 0,
        }
    }

    /// Returns the number of records that were written or removed so far.
    pub(super) fn n_writes(&self) -> usize {
        self.n_writes
    }

    /// Returns the changes that the data plane must learn once the transaction is durable.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// True while no API of any region has that id.
    pub(crate) fn api_id_is_free(&self, api_id: &str) -> bool {
        let taken = |change: &Change| matches!(change, Change::ApiAdded { api_id: added, .. } if added == api_id);
        !serving_cache::read(self.serving_cache).has_api(api_id) && !self.changes.iter().any(taken)
    }

    /// Marks the store as seeded. False when it was before: then whoever emptied it meant to.
    pub(crate) fn claim_seeding(&mut self) -> Result<bool, Error> {
        let mut meta = self.transaction.open_table(META).map_err(Error::database)?;
        if meta.get(SEEDED).map_err(Error::database)?.is_some() {
            return Ok(false);
        }
        self.n_writes += 1;
        meta.insert(SEEDED, 1).map_err(Error::database)?;
        Ok(true)
    }

    /// Writes a record that the data plane does not look at.
    pub(crate) fn put<R: Record>(&mut self, parent: &str, record: &R) -> Result<(), Error> {
        self.write(R::TABLE, &key(parent, record.id()), record)
    }

    /// Removes a record that the data plane does not look at.
    pub(crate) fn remove<R: Record>(&mut self, parent: &str, id: &str) -> Result<(), Error> {
        self.erase(R::TABLE, &key(parent, id))
    }

    /// Removes all records of a kind below `parent`.
    pub(crate) fn remove_all<R: Record>(&mut self, parent: &str) -> Result<(), Error> {
        self.erase_below(R::TABLE, parent)
    }

    /// Writes a new API.
    pub(crate) fn add_api(&mut self, api: &ApiRecord) -> Result<(), Error> {
        self.put(&api.region, api)?;
        self.changes.push(Change::ApiAdded {
            api_id: api.api_id.clone(),
        });
        Ok(())
    }

    /// Removes an API with all that belongs to it.
    pub(crate) fn remove_api(&mut self, api: &ApiRecord) -> Result<(), Error> {
        for table in API_TABLES {
            self.erase_below(table, &api.api_id)?;
        }
        self.remove::<OwedDeploymentRecord>(&api.region, &api.api_id)?;
        self.remove::<ApiRecord>(&api.region, &api.api_id)?;
        self.changes.push(Change::ApiRemoved {
            api_id: api.api_id.clone(),
        });
        Ok(())
    }

    /// Writes a deployment with its frozen copy. The copy is never written again.
    pub(crate) fn add_deployment(
        &mut self,
        api_id: &str,
        deployment: &DeploymentRecord,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        self.put(api_id, deployment)?;
        self.write(SNAPSHOTS, &key(api_id, &deployment.deployment_id), snapshot)
    }

    /// Removes a deployment with its frozen copy.
    pub(crate) fn remove_deployment(
        &mut self,
        api_id: &str,
        deployment_id: &str,
    ) -> Result<(), Error> {
        self.remove::<DeploymentRecord>(api_id, deployment_id)?;
        self.changes.push(Change::DeploymentRemoved {
            api_id: api_id.to_owned(),
            deployment_id: deployment_id.to_owned(),
        });
        self.erase(SNAPSHOTS, &key(api_id, deployment_id))
    }

    /// Notes that these stages wait for a deployment of their own accord; see [`super::Store::owed`].
    pub(crate) fn owe_deployment(
        &mut self,
        api: &ApiRecord,
        stages: impl IntoIterator<Item = String>,
    ) -> Result<(), Error> {
        let noted = self.get::<OwedDeploymentRecord>(&api.region, &api.api_id)?;
        let mut owed = noted.unwrap_or_else(|| OwedDeploymentRecord {
            api_id: api.api_id.clone(),
            region: api.region.clone(),
            stages: BTreeSet::new(),
        });
        owed.stages.extend(stages);
        self.put(&api.region, &owed)?;
        self.changes.push(Change::DeploymentOwed);
        Ok(())
    }

    /// Writes a stage; the data plane serves it so as soon as the transaction is durable.
    pub(crate) fn put_stage(&mut self, api: &ApiRecord, stage: StageRecord) -> Result<(), Error> {
        self.put(&api.api_id, &stage)?;
        let snapshot = self.snapshot_of(&api.api_id, &stage)?;
        self.changes.push(Change::StagePut(Arc::new(Serving {
            api_id: api.api_id.clone(),
            region: api.region.clone(),
            stage,
            snapshot,
        })));
        Ok(())
    }

    /// Removes a stage.
    pub(crate) fn remove_stage(&mut self, api_id: &str, stage_name: &str) -> Result<(), Error> {
        self.remove::<StageRecord>(api_id, stage_name)?;
        self.changes.push(Change::StageRemoved {
            api_id: api_id.to_owned(),
            stage: stage_name.to_owned(),
        });
        Ok(())
    }

    /// Writes a custom domain name; its mappings stay as they are.
    pub(crate) fn put_domain_name(
        &mut self,
        region: &str,
        domain: &DomainNameRecord,
    ) -> Result<(), Error> {
        self.put(region, domain)?;
        self.change_domain(region, &domain.domain_name, DomainChange::Put);
        Ok(())
    }

    /// Removes a custom domain name with its mappings.
    pub(crate) fn remove_domain_name(&mut self, region: &str, name: &str) -> Result<(), Error> {
        self.remove_all::<ApiMappingRecord>(&within(region, name))?;
        self.remove::<DomainNameRecord>(region, name)?;
        self.change_domain(region, name, DomainChange::Removed);
        Ok(())
    }

    /// Writes a mapping of a custom domain name; clients are led by it as soon as the transaction is durable.
    pub(crate) fn put_api_mapping(
        &mut self,
        region: &str,
        name: &str,
        mapping: &ApiMappingRecord,
    ) -> Result<(), Error> {
        self.put(&within(region, name), mapping)?;
        self.change_domain(region, name, DomainChange::MappingPut(mapping.clone()));
        Ok(())
    }

    /// Removes a mapping of a custom domain name.
    pub(crate) fn remove_api_mapping(
        &mut self,
        region: &str,
        name: &str,
        id: &str,
    ) -> Result<(), Error> {
        self.remove::<ApiMappingRecord>(&within(region, name), id)?;
        let id = id.to_owned();
        self.change_domain(region, name, DomainChange::MappingRemoved { id });
        Ok(())
    }

    fn change_domain(&mut self, region: &str, name: &str, change: DomainChange) {
        self.changes.push(Change::Domain {
            region: region.to_owned(),
            name: name.to_owned(),
            change,
        });
    }

    /// Returns the frozen copy that a stage serves: the one in memory when it serves that already.
    fn snapshot_of(
        &self,
        api_id: &str,
        stage: &StageRecord,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        let Some(deployment_id) = &stage.deployment_id else {
            return Ok(None);
        };
        let held = serving_cache::read(self.serving_cache).snapshot(api_id, deployment_id);
        match held {
            Some(snapshot) => Ok(Some(snapshot)),
            None => Ok(self.view.snapshot(api_id, deployment_id)?.map(Arc::new)),
        }
    }

    fn write<T: Serialize>(
        &mut self,
        table: &'static str,
        key: &str,
        record: &T,
    ) -> Result<(), Error> {
        self.n_writes += 1;
        let mut table = self
            .transaction
            .open_table(Table::new(table))
            .map_err(Error::database)?;
        table
            .insert(key, encode(record).as_slice())
            .map_err(Error::database)?;
        Ok(())
    }

    fn erase(&mut self, table: &'static str, key: &str) -> Result<(), Error> {
        self.n_writes += 1;
        let mut table = self
            .transaction
            .open_table(Table::new(table))
            .map_err(Error::database)?;
        table.remove(key).map_err(Error::database)?;
        Ok(())
    }

    fn erase_below(&mut self, table: &'static str, parent: &str) -> Result<(), Error> {
        for key in self.view.keys(table, parent)? {
            self.erase(table, &key)?;
        }
        Ok(())
    }
}
