//! Reading: one consistent view of the tables, whether of the last commit or of a write in progress.
//!
//! A record's key is its place, `PARENT/ID`: `us-east-1/k3v9x2a1bc` for an API, `k3v9x2a1bc/72jz1wk` for a route of it,
//! `k3v9x2a1bc/72jz1wk/abcdef` for a response of that route, `us-east-1/ws.example.com/0qzs2s` for a mapping of a
//! custom domain name. So the children of a parent lie side by side, and a list is a range that starts where the page
//! starts, however many records there are.

use std::{collections::HashMap, ops::Bound, sync::Arc};

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    error::Error,
    record::{
        ApiMappingRecord, ApiRecord, AuthorizerRecord, DeploymentRecord, DomainNameRecord,
        IntegrationRecord, IntegrationResponseRecord, ModelRecord, OwedDeploymentRecord,
        RouteRecord, RouteResponseRecord, Snapshot, StageRecord, VpcLinkRecord,
    },
};

/// The version of the records' envelope that this program writes.
const RECORD_VERSION: u32 = 1;

/// A persisted shape with a table of its own.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The name of the record's table.
    const TABLE: &'static str;

    /// Returns the id, which tells the record from the other children of its parent.
    fn id(&self) -> &str;
}

/// Names the table and the identifying member of each record, apart by what they are found below.
macro_rules! records {
    (
        region { $($of_region:ident in $region_table:literal by $region_id:ident;)* }
        api { $($of_api:ident in $api_table:literal by $api_id:ident;)* }
    ) => {
        $(records!(@record $of_region in $region_table by $region_id);)*
        $(records!(@record $of_api in $api_table by $api_id);)*

        /// All tables of records that are found below their region.
        pub(super) const REGION_TABLES: &[&str] = &[$($region_table,)*];

        /// All tables of records that are found below their API's id.
        pub(super) const API_TABLES: &[&str] = &[$($api_table,)* SNAPSHOTS];
    };
    (@record $record:ident in $table:literal by $id:ident) => {
        impl Record for $record {
            const TABLE: &'static str = $table;

            fn id(&self) -> &str {
                &self.$id
            }
        }
    };
}

records! {
    region {
        ApiRecord in "apis" by api_id;
        OwedDeploymentRecord in "owed_deployments" by api_id;
        VpcLinkRecord in "vpc_links" by vpc_link_id;
        DomainNameRecord in "domain_names" by domain_name;
        ApiMappingRecord in "api_mappings" by api_mapping_id;
    }
    api {
        RouteRecord in "routes" by route_id;
        RouteResponseRecord in "route_responses" by route_response_id;
        IntegrationRecord in "integrations" by integration_id;
        IntegrationResponseRecord in "integration_responses" by integration_response_id;
        AuthorizerRecord in "authorizers" by authorizer_id;
        ModelRecord in "models" by model_id;
        DeploymentRecord in "deployments" by deployment_id;
        StageRecord in "stages" by stage_name;
    }
}

/// The table of the copies that deployments froze, apart from the deployments' own records, so that listing deployments
/// does not read it.
pub(super) const SNAPSHOTS: &str = "snapshots";

pub(super) type Table<'a> = TableDefinition<'a, &'static str, &'static [u8]>;

/// Returns the parent of what belongs to a part of an API, such as the responses of a route, or to a domain name of a
/// region.
pub(crate) fn within(api_id: &str, part_id: &str) -> String {
    format!("{api_id}/{part_id}")
}

pub(super) fn key(parent: &str, id: &str) -> String {
    format!("{parent}/{id}")
}

/// Returns the keys below `parent`, without `parent` itself: from `parent/` to `parent0`, `0` being the character after
/// `/`.
pub(super) fn children(parent: &str, after: Option<&str>) -> (String, String) {
    (key(parent, after.unwrap_or_default()), format!("{parent}0"))
}

/// One consistent view of the tables.
pub(crate) struct View<'a> {
    source: Source<'a>,
}

enum Source<'a> {
    Committed(ReadTransaction),
    InProgress(&'a WriteTransaction),
}

impl View<'static> {
    pub(super) fn of_commit(transaction: ReadTransaction) -> Self {
        Self {
            source: Source::Committed(transaction),
        }
    }
}

impl<'a> View<'a> {
    pub(super) fn of_write(transaction: &'a WriteTransaction) -> Self {
        Self {
            source: Source::InProgress(transaction),
        }
    }

    /// Returns the record with that id below `parent`.
    pub(crate) fn get<R: Record>(&self, parent: &str, id: &str) -> Result<Option<R>, Error> {
        self.value(R::TABLE, &key(parent, id))
    }

    /// Returns the copy that a deployment froze.
    pub(crate) fn snapshot(
        &self,
        api_id: &str,
        deployment_id: &str,
    ) -> Result<Option<Snapshot>, Error> {
        self.value(SNAPSHOTS, &key(api_id, deployment_id))
    }

    /// Returns all records below `parent`, in the order of their ids.
    pub(crate) fn all<R: Record>(&self, parent: &str) -> Result<Vec<R>, Error> {
        self.page(parent, None, usize::MAX)
    }

    /// Returns at most `limit` records below `parent`, in the order of their ids, beginning after the id `after`.
    pub(crate) fn page<R: Record>(
        &self,
        parent: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        let mut records = Vec::new();
        self.scan(R::TABLE, &children(parent, after), limit, |key, bytes| {
            records.push(decode(R::TABLE, key, bytes)?);
            Ok(())
        })?;
        Ok(records)
    }

    /// Returns all records below the parts of a parent, such as the responses of an API's routes, by the part's id; in
    /// one pass.
    pub(crate) fn by_part<R: Record>(
        &self,
        api_id: &str,
    ) -> Result<HashMap<String, Vec<R>>, Error> {
        let mut parts: HashMap<String, Vec<R>> = HashMap::new();
        self.scan(
            R::TABLE,
            &children(api_id, None),
            usize::MAX,
            |key, bytes| {
                let record = decode(R::TABLE, key, bytes)?;
                let part = key.split('/').nth(1).unwrap_or_default();
                parts.entry(part.to_owned()).or_default().push(record);
                Ok(())
            },
        )?;
        Ok(parts)
    }

    /// Counts the records below `parent`.
    pub(crate) fn count<R: Record>(&self, parent: &str) -> Result<usize, Error> {
        self.keys(R::TABLE, parent).map(|keys| keys.len())
    }

    /// Returns the keys of `table` below `parent`.
    pub(super) fn keys(&self, table: &'static str, parent: &str) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        self.scan(table, &children(parent, None), usize::MAX, |key, _| {
            keys.push(key.to_owned());
            Ok(())
        })?;
        Ok(keys)
    }

    /// Returns every record of every parent, by its key.
    pub(crate) fn everything<R: Record>(&self) -> Result<Vec<(String, R)>, Error> {
        let mut records = Vec::new();
        // No id begins with a character above `z`.
        let all = (String::new(), "~".to_owned());
        self.scan(R::TABLE, &all, usize::MAX, |key, bytes| {
            records.push((key.to_owned(), decode(R::TABLE, key, bytes)?));
            Ok(())
        })?;
        Ok(records)
    }

    fn value<T: DeserializeOwned>(
        &self,
        table: &'static str,
        key: &str,
    ) -> Result<Option<T>, Error> {
        let definition = Table::new(table);
        match &self.source {
            Source::Committed(transaction) => {
                let opened = transaction.open_table(definition);
                read(&opened.map_err(Error::database)?, table, key)
            }
            Source::InProgress(transaction) => {
                let opened = transaction.open_table(definition);
                read(&opened.map_err(Error::database)?, table, key)
            }
        }
    }

    fn scan(
        &self,
        table: &'static str,
        range: &(String, String),
        limit: usize,
        take: impl FnMut(&str, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let definition = Table::new(table);
        match &self.source {
            Source::Committed(transaction) => {
                let table = transaction
                    .open_table(definition)
                    .map_err(Error::database)?;
                scan_table(&table, range, limit, take)
            }
            Source::InProgress(transaction) => {
                let table = transaction
                    .open_table(definition)
                    .map_err(Error::database)?;
                scan_table(&table, range, limit, take)
            }
        }
    }
}

fn read<T: DeserializeOwned>(
    opened: &impl ReadableTable<&'static str, &'static [u8]>,
    table: &'static str,
    key: &str,
) -> Result<Option<T>, Error> {
    let bytes = opened.get(key).map_err(Error::database)?;
    bytes
        .map(|bytes| decode(table, key, bytes.value()))
        .transpose()
}

fn scan_table(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    range: &(String, String),
    limit: usize,
    mut take: impl FnMut(&str, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let bounds = (
        Bound::Excluded(range.0.as_str()),
        Bound::Excluded(range.1.as_str()),
    );
    let entries = table.range::<&str>(bounds).map_err(Error::database)?;
    for entry in entries.take(limit) {
        let (key, bytes) = entry.map_err(Error::database)?;
        take(key.value(), bytes.value())?;
    }
    Ok(())
}

/// The envelope of every record.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    /// The version of the record's shape.
    v: u32,
    /// The record.
    r: T,
}

pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let envelope = Envelope {
        v: RECORD_VERSION,
        r: record,
    };
    serde_json::to_vec(&envelope).expect("invariant: a record has text keys only")
}

fn decode<T: DeserializeOwned>(table: &'static str, key: &str, bytes: &[u8]) -> Result<T, Error> {
    let envelope: Result<Envelope<T>, serde_json::Error> = serde_json::from_slice(bytes);
    let error = match envelope {
        Ok(envelope) if envelope.v == RECORD_VERSION => return Ok(envelope.r),
        Ok(envelope) => serde::de::Error::custom(format!("unknown version {}", envelope.v)),
        Err(error) => error,
    };
    Err(Error::Record {
        table,
        key: key.to_owned(),
        source: Arc::new(error),
    })
}
