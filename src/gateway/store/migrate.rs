//! The schema's version, and the way from older ones to it. Migrations are appended, never edited; so far there is none.

use redb::{Database, ReadableDatabase, TableDefinition, TableError};

use super::{
    error::Error,
    record::ApiRecord,
    view::{API_TABLES, Record, Table},
};

/// The version that this program writes, and the newest that it reads.
pub(super) const SCHEMA_VERSION: u64 = 1;

pub(super) const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
const SCHEMA: &str = "schema";
/// Present once the store was seeded.
pub(super) const SEEDED: &str = "seeded";

/// What the file says of itself.
pub(super) enum Found {
    /// Nothing: no table at all.
    New,
    /// A schema version.
    Version(u64),
    /// Tables, but not ours.
    Foreign,
}

/// Reads the schema's version without changing anything.
pub(super) fn find_version(database: &Database) -> Result<Found, Error> {
    let transaction = database.begin_read().map_err(Error::database)?;
    let version = match transaction.open_table(META) {
        Ok(meta) => meta
            .get(SCHEMA)
            .map_err(Error::database)?
            .map(|it| it.value()),
        Err(TableError::Storage(error)) => return Err(Error::database(error)),
        Err(_) => None,
    };
    if let Some(version) = version {
        return Ok(Found::Version(version));
    }
    let mut tables = transaction.list_tables().map_err(Error::database)?;
    match tables.next() {
        Some(_) => Ok(Found::Foreign),
        None => Ok(Found::New),
    }
}

/// Makes all tables and writes the version.
pub(super) fn create(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write().map_err(Error::database)?;
    for table in API_TABLES.iter().chain([&ApiRecord::TABLE]) {
        transaction
            .open_table(Table::new(table))
            .map_err(Error::database)?;
    }
    transaction
        .open_table(META)
        .map_err(Error::database)?
        .insert(SCHEMA, SCHEMA_VERSION)
        .map_err(Error::database)?;
    transaction.commit().map_err(Error::database)
}
