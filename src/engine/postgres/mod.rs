//! PostgreSQL's dumps.

pub mod archive;

use std::io::Read;

use super::Content;
use crate::domain::TableRows;
use crate::error::{Failure, Kind, Result};

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
        }),
        Err(ArchiveError::Io(error)) => Err(error.into()),
        Err(damage) => Err(Failure::new(Kind::Damaged, "the dump is damaged").because(damage.to_string())),
    }
}
