//! PostgreSQL: reading its dumps, and restoring them into a database of its own beside the live one.

pub mod archive;
mod compare;
mod database;
mod disposable;
mod dsn;
mod elsewhere;
mod passing;
pub mod plain;
mod quote;
mod restricted;
mod server;
mod sql;
mod swap;

use std::io::Read;

use super::Content;
use crate::domain::{DumpFormat, ForeignCode, TableRows};
use crate::error::{Failure, Kind, Result};

pub use compare::Compared;
pub use database::Database;
pub use disposable::Disposable;
pub use dsn::Dsn;
pub use elsewhere::Elsewhere;
pub use passing::passing;
pub use restricted::Restricted;
pub use server::Server;

use archive::ArchiveError;

/// What reaches beyond the database and is named in a record; the rest is only counted.
const NAMED: usize = 20;

/// Reads a custom-format archive to its exact end.
pub fn inspect(dump: impl Read) -> Result<Content> {
    let summary = archive::read(dump).map_err(damaged)?;
    Ok(Content {
        format: DumpFormat::Custom,
        programs: programs(&summary.code),
        code: summary.code,
        ambiguous: None,
        tables: tables(summary.tables),
        server_version: summary.server_version,
        dump_tool_version: summary.dump_tool_version,
        database: summary.database,
        encoding: summary.encoding,
        extensions: summary.extensions,
        large_objects: summary.large_objects,
        data_bytes: summary.data_bytes,
    })
}

/// Reads plain SQL of one database to its end.
pub fn inspect_plain(dump: impl Read) -> Result<Content> {
    let summary = plain::read(dump).map_err(damaged)?;
    if summary.maker == plain::Maker::PgDumpall || summary.databases.len() > 1 {
        let text = "the SQL is of a whole server, or of several databases; a service is one database";
        return Err(Failure::new(Kind::Damaged, text).hint("dump that database alone: pg_dump -Fc DATABASE"));
    }
    Ok(Content {
        format: DumpFormat::Plain,
        programs: programs(&summary.code),
        code: summary.code,
        ambiguous: summary.ambiguous,
        tables: tables(summary.tables),
        server_version: summary.server_version.unwrap_or_default(),
        dump_tool_version: summary.dump_tool_version.unwrap_or_default(),
        database: summary.databases.into_iter().next().unwrap_or_default(),
        encoding: summary.encoding,
        extensions: summary.extensions,
        large_objects: summary.large_objects,
        data_bytes: summary.bytes,
    })
}

/// What needs consent, in words for a record.
fn programs(code: &ForeignCode) -> Vec<String> {
    let dangerous = code.privileged.iter().filter_map(|privileged| {
        privileged.danger.as_ref().map(|danger| format!("{}: {}: {danger}", privileged.place, privileged.item))
    });
    let all = code.unlisted.len() + dangerous.clone().count();
    let mut programs: Vec<String> =
        code.unlisted.iter().map(|unlisted| unlisted.what.clone()).chain(dangerous).take(NAMED).collect();
    programs.extend((all > NAMED).then(|| format!("and {} more", all - NAMED)));
    programs
}

fn tables(tables: Vec<archive::TableRows>) -> Vec<TableRows> {
    let row = |table: archive::TableRows| TableRows { schema: table.schema, name: table.name, rows: table.rows };
    tables.into_iter().map(row).collect()
}

fn damaged(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Io(error) => error.into(),
        damage => Failure::new(Kind::Damaged, "the dump is damaged").because(damage.to_string()),
    }
}
