//! The schema's version, and the way from older ones to it. Migrations are appended, never edited; each names the
//! tables of its own time, whatever they are called today.

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableError,
    WriteTransaction,
};

use super::{
    error::Error,
    view::{API_TABLES, REGION_TABLES, Table},
};

/// The version that this program writes, and the newest that it reads.
pub(super) const SCHEMA_VERSION: u64 = 1 + MIGRATIONS.len() as u64;

/// One step from a version to the next.
type Migration = fn(&WriteTransaction) -> Result<(), Error>;

/// The steps, beginning with the one from version 1.
const MIGRATIONS: &[Migration] = &[to_2];

pub(super) const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
const SCHEMA: &str = "schema";
/// Present once the store was seeded.
pub(super) const SEEDED: &str = "seeded";

/// The schema version that a state file states, if it states one.
pub(super) enum FoundVersion {
    /// A new file: no table at all.
    New,
    /// A schema version.
    Version(u64),
    /// Tables, but not ours.
    Foreign,
}

/// Reads the schema's version without changing anything.
pub(super) fn find_version(database: &Database) -> Result<FoundVersion, Error> {
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
        return Ok(FoundVersion::Version(version));
    }
    let mut tables = transaction.list_tables().map_err(Error::database)?;
    match tables.next() {
        Some(_) => Ok(FoundVersion::Foreign),
        None => Ok(FoundVersion::New),
    }
}

/// Makes all tables and writes the version.
pub(super) fn create(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write().map_err(Error::database)?;
    for table in API_TABLES.iter().chain(REGION_TABLES) {
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

/// Takes a file of an older version to this one, in one transaction: it is of the one version or of the other.
pub(super) fn upgrade(database: &Database, version: u64) -> Result<(), Error> {
    let done = usize::try_from(version - 1).unwrap_or(usize::MAX);
    let Some(steps @ [_, ..]) = MIGRATIONS.get(done..) else {
        return Ok(());
    };
    let transaction = database.begin_write().map_err(Error::database)?;
    for step in steps {
        step(&transaction)?;
    }
    transaction
        .open_table(META)
        .map_err(Error::database)?
        .insert(SCHEMA, SCHEMA_VERSION)
        .map_err(Error::database)?;
    transaction.commit().map_err(Error::database)?;
    tracing::info!(
        from = version,
        to = SCHEMA_VERSION,
        "the state file was upgraded"
    );
    Ok(())
}

/// Adds what version 1 had no tables for. A file with APIs was filled by somebody, though the first files do not say
/// so.
fn to_2(transaction: &WriteTransaction) -> Result<(), Error> {
    for table in [
        "authorizers",
        "models",
        "owed_deployments",
        "vpc_links",
        "domain_names",
        "api_mappings",
    ] {
        transaction
            .open_table(Table::new(table))
            .map_err(Error::database)?;
    }
    let apis = transaction
        .open_table(Table::new("apis"))
        .map_err(Error::database)?;
    if !apis.is_empty().map_err(Error::database)? {
        let mut meta = transaction.open_table(META).map_err(Error::database)?;
        if meta.get("seeded").map_err(Error::database)?.is_none() {
            meta.insert("seeded", 1).map_err(Error::database)?;
        }
    }
    Ok(())
}
