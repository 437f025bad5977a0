//! What we know of each datastore's dumps: how one is recognised and read to its end.

pub mod postgres;

use std::io::Read;

use crate::domain::{Datastore, DumpFormat, ForeignCode, TableRows};
use crate::error::Result;

/// What a whole dump holds, as counted in the dump itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// How it is written.
    pub format: DumpFormat,
    /// What in it reaches beyond the database, each with its line; of SQL only: an archive's code is not looked into.
    pub programs: Vec<String>,
    /// What in it is more than data. Of one's own backups it says nothing that matters.
    pub code: ForeignCode,
    /// A line of SQL from which on only the server can tell what is quoted.
    pub ambiguous: Option<u64>,
    /// Rows of every table that holds data.
    pub tables: Vec<TableRows>,
    /// The server's word for its version.
    pub server_version: String,
    /// The dump program's word for its version.
    pub dump_tool_version: String,
    /// Name of the database dumped.
    pub database: String,
    /// The dump's character encoding, in the datastore's word.
    pub encoding: Option<String>,
    /// Extensions it needs.
    pub extensions: Vec<String>,
    /// Large objects in it.
    pub large_objects: u64,
    /// Bytes of data once unpacked.
    pub data_bytes: u64,
}

impl Content {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// Reads a dump of `datastore` to its exact end; fails as `damaged` when anything is missing, mangled or added.
pub fn inspect(datastore: Datastore, format: DumpFormat, dump: impl Read) -> Result<Content> {
    match (datastore, format) {
        (Datastore::Postgres, DumpFormat::Custom) => postgres::inspect(dump),
        (Datastore::Postgres, DumpFormat::Plain) => postgres::inspect_plain(dump),
    }
}
