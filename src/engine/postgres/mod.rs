//! PostgreSQL: reading its dumps, and restoring them into a database of its own beside the live one.

pub mod archive;
mod compare;
mod database;
mod disposable;
pub mod plain;
mod quote;
mod server;
mod swap;

use std::io::Read;

use super::Content;
use crate::domain::TableRows;
use crate::error::{Failure, Kind, Result};

pub use compare::Compared;
pub use disposable::Disposable;
pub use server::Server;

use archive::ArchiveError;

/// Reads a custom-format archive to its exact end.
pub fn inspect(dump: impl Read) -> Result<Content> {
    match archive::read(dump) {
        Ok(summary) => Ok(Content {
            tables: summary
                .tables
                .into_iter()
                .map(|table| TableRows { schema: table.schema, name: table.name, rows: table.rows })
                .collect(),
            server_version: summary.server_version,
            dump_tool_version: summary.dump_tool_version,
            database: summary.database,
            encoding: summary.encoding,
            extensions: summary.extensions,
            large_objects: summary.large_objects,
            data_bytes: summary.data_bytes,
        }),
        Err(ArchiveError::Io(error)) => Err(error.into()),
        Err(damage) => Err(Failure::new(Kind::Damaged, "the dump is damaged").because(damage.to_string())),
    }
}
