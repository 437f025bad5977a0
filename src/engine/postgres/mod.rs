//! PostgreSQL: reading its dumps, and restoring them into a database of its own beside the live one.

pub mod again;
pub mod archive;
mod client;
mod compare;
mod database;
mod disk;
mod disposable;
mod dsn;
mod explain;
mod giving;
mod inherited;
mod live;
mod outlook;
mod parallel;
mod passing;
pub mod plain;
mod quote;
mod recognise;
mod remote_dump;
mod restricted;
mod scratch;
mod server;
mod session;
mod speech;
mod sql;
mod swap;
mod utf8;

use std::io::{Read, Write};

use super::{Content, Engine, Format, Live, Owner, Parts, Remote, Scratch};
use crate::domain::{BackupId, DumpFormat, ForeignCode, Need, Service, TableRows, Unlisted};
use crate::error::{Failure, Kind, Result, Speech};
use crate::sys::docker::Docker;

use database::Database;
use disposable::Disposable;
use dsn::Dsn;
use inherited::inherited;
use live::LiveServer;
use passing::{passing, without};
use remote_dump::RemoteDump;
use restricted::Restricted;
use server::Server;

use archive::ArchiveError;

/// What reaches beyond the database and is named in a record; the rest is only counted.
const NAMED: usize = 20;

/// What holds up a dump.
const HUNG: &str = "a lock on a table does this; see who holds it in pg_stat_activity";

/// PostgreSQL.
#[derive(Debug)]
pub struct Postgres;

impl Engine for Postgres {
    fn label(&self) -> &'static str {
        "PostgreSQL"
    }

    fn formats(&self) -> &'static [Format] {
        &[
            Format { format: DumpFormat::Custom, words: "an archive" },
            Format { format: DumpFormat::Plain, words: "plain SQL" },
        ]
    }

    fn recognise(&self, head: &[u8], name: &str) -> Result<DumpFormat> {
        recognise::recognise(head, name)
    }

    fn index(&self) -> Option<&'static str> {
        Some(archive::gather::INDEX)
    }

    fn gather(&self, parts: Parts) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(archive::gather::gather(parts)?))
    }

    fn hung_hint(&self) -> &'static str {
        HUNG
    }

    fn speech(&self) -> &'static Speech {
        &speech::SPEECH
    }

    fn inspect(&self, format: DumpFormat, dump: &mut dyn Read) -> Result<Content> {
        match format {
            DumpFormat::Custom => inspect(dump),
            DumpFormat::Plain => inspect_plain(dump),
        }
    }

    fn unpack(&self, dump: &mut dyn Read, unpacked: &mut dyn Write) -> Result<Content> {
        archive::unpack(dump, unpacked).map_err(damaged).map(content)
    }

    fn attach(&self, docker: &Docker, service: &Service, database: Option<&str>) -> Box<dyn Live> {
        Box::new(LiveServer::new(docker, service, database))
    }

    fn disposable(
        &self,
        docker: &Docker,
        image: &str,
        owner: &Owner,
        memory: &str,
        options: &dyn Fn() -> Option<String>,
        removed: Box<dyn FnOnce() + Send + Sync>,
    ) -> Result<Box<dyn Scratch>> {
        let settings = inherited(docker, &owner.service, options);
        Ok(Box::new(Disposable::start(docker, image, owner, memory, settings, removed)?))
    }

    fn sweep(&self, docker: &Docker, root: &str, is_worked_on: &dyn Fn(&Service, &BackupId) -> bool) -> Result<usize> {
        Disposable::sweep(docker, root, is_worked_on)
    }

    fn remote(&self, address: &str) -> Result<Box<dyn Remote>> {
        Ok(Box::new(Dsn::parse(address)?))
    }

    fn sweep_remote(&self, docker: &Docker, root: &str, service: &Service) -> Result<()> {
        RemoteDump::sweep(docker, root, service)
    }
}

/// Reads a custom-format archive to its exact end.
fn inspect(dump: impl Read) -> Result<Content> {
    archive::read(dump).map_err(damaged).map(content)
}

fn content(summary: archive::Summary) -> Content {
    Content {
        format: DumpFormat::Custom,
        programs: programs(&summary.code),
        code: summary.code,
        ambiguous: None,
        tables: tables(summary.tables),
        server_version: summary.server_version,
        dump_tool_version: summary.dump_tool_version,
        database: summary.database,
        encoding: summary.encoding,
        is_not_utf8: summary.is_not_utf8,
        extensions: summary.extensions,
        extension_tables: summary.extension_tables,
        large_objects: summary.large_objects,
        large_object_digest: Some(summary.large_object_digest),
        objects: summary.objects.into(),
        grants: summary.grants.into(),
        data_bytes: summary.data_bytes,
    }
}

/// Reads plain SQL of one database to its end.
fn inspect_plain(dump: impl Read) -> Result<Content> {
    let summary = plain::read(dump).map_err(damaged)?;
    if summary.maker == plain::Maker::PgDumpall || summary.databases.len() > 1 {
        let text = "the SQL is of a whole server, or of several databases; a service is one database";
        return Err(Failure::new(Kind::Damaged, text).hint("dump that database alone: pg_dump -Fc DATABASE"));
    }
    if !summary.makes {
        let text = "no statement in it makes or fills anything: it is no dump of a database";
        return Err(Failure::new(Kind::Damaged, text).hint("look at what it is, and make a dump: pg_dump -Fc DATABASE"));
    }
    let mut code = summary.code;
    if let Some(line) = summary.ambiguous {
        // The lists rest on our reading; the server's may be another one from here on.
        let what = format!("line {line}: from here on only the server can tell what is quoted");
        code.unlisted.push(Unlisted { what, needs: Need::Nothing });
    }
    Ok(Content {
        format: DumpFormat::Plain,
        programs: programs(&code),
        code,
        ambiguous: summary.ambiguous,
        tables: tables(summary.tables),
        server_version: summary.server_version.unwrap_or_default(),
        dump_tool_version: summary.dump_tool_version.unwrap_or_default(),
        database: summary.databases.into_iter().next().unwrap_or_default(),
        encoding: summary.encoding,
        is_not_utf8: summary.is_not_utf8,
        extensions: summary.extensions,
        // Its text does not tell whose a table is that it fills and does not make.
        extension_tables: Vec::new(),
        large_objects: summary.large_objects,
        large_object_digest: None,
        objects: Vec::new().into(),
        grants: Vec::new().into(),
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
    let row = |table| {
        let archive::TableRows { schema, name, rows, digest } = table;
        TableRows { schema, name, rows, digest }
    };
    tables.into_iter().map(row).collect()
}

fn damaged(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Io(error) => error.into(),
        damage => Failure::new(Kind::Damaged, "the dump is damaged").because(damage.to_string()),
    }
}
