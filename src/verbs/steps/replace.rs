//! Replacing the contents of a service: fill a fresh database beside the live one, compare, then exchange the two. Until
//! the exchange the live database has not been touched; the exchange itself is one transaction.

use chrono::{DateTime, Utc};

use super::Proven;
use crate::catalogue::{Exclusive, Journal};
use crate::dokku::{Dokku, Info};
use crate::domain::{BackupId, DumpFormat, Restore, Swap, Swapped};
use crate::engine::Content;
use crate::engine::postgres::Server;
use crate::error::{Failure, Kind, Result};
use crate::sys::child::interrupted;
use crate::sys::{cancel, signals};
use crate::ui::bytes;
use crate::verbs::Context;

/// Room the server should have beyond the data itself, for indexes and its own log: half as much again, and 64 MiB.
fn room_for(content: &Content) -> u64 {
    content.data_bytes.saturating_add(content.data_bytes / 2).saturating_add(64 << 20)
}

/// What the fresh database is filled with.
#[derive(Debug)]
pub enum Filling {
    /// A dump that was just proven.
    Dump(Box<Proven>),
    /// Nothing: the state of a new service.
    Nothing,
}

fn journal_of(into: &Exclusive, id: Option<&BackupId>, restore: &Restore, swap: Option<Swap>) -> Journal {
    Journal {
        id: id.cloned(),
        target: into.service().name.clone(),
        started_at: restore.started_at,
        by: restore.by.clone(),
        safety_backup: restore.safety_backup.clone(),
        swap,
        before: None,
    }
}

/// Replaces the contents of `into` by `filling`. On failure the live database is as it was. On success the journal stays
/// open until the history is written: whoever closes it first would leave a restore in progress for ever.
pub fn replace(
    context: &Context,
    into: &Exclusive,
    info: &Info,
    filling: Filling,
    id: Option<&BackupId>,
    restore: &Restore,
) -> Result<()> {
    let service = into.service();
    let docker = context.docker()?;
    let server = Server::of(&docker, service);
    let live = info.database.as_deref().ok_or_else(|| {
        Failure::new(Kind::Config, format!("the name of the database of {service} could not be learnt"))
            .hint(format!("see: dokku {}:info {service}", service.datastore))
    })?;
    let properties = server.database(live)?.ok_or_else(|| {
        Failure::new(Kind::Config, format!("{service} has no database {live}"))
            .hint(format!("its stock way back: dokku backups:import {service} --latest --in-place"))
    })?;
    if let Filling::Dump(proven) = &filling {
        fits(into, &server, &proven.content)?;
    }
    let swap = Swap::of(live, properties.oid, &mark(restore.started_at));
    let journal = journal_of(into, id, restore, Some(swap.clone())).open(into.dir(), into.incoming())?;
    context.ui.step(&format!("Filling a new database beside the one of {service}"));
    let filled = fill(context, into, &server, &properties.create(&swap.fresh), &swap, filling)
        .and_then(|()| server.query("postgres", &as_strs(&properties.adorn(&swap.fresh))).map(|_| ()))
        .and_then(|()| signals::received().map_or(Ok(()), |signal| Err(interrupted(signal))));
    // From here on neither signals nor requests are obeyed: what was begun is finished, or undone.
    cancel::close();
    let server = server.deaf();
    if let Err(failure) = filled {
        return undo(context, into, &server, &journal, failure);
    }
    context.ui.step(&format!("Exchanging the databases of {service}"));
    match server.swap(&swap) {
        Ok(()) => Ok(()),
        Err(failure) => undo(context, into, &server, &journal, failure),
    }
}

fn as_strs(statements: &[String]) -> Vec<&str> {
    statements.iter().map(String::as_str).collect()
}

/// Digits that tell this swap's databases from any other's.
fn mark(at: DateTime<Utc>) -> String {
    at.format("%Y%m%d%H%M%S%3f").to_string()
}

/// Said before anything is touched: a dump that this server cannot take.
fn fits(into: &Exclusive, server: &Server, content: &Content) -> Result<()> {
    let service = into.service();
    let leading = content.server_version.split(|c: char| !c.is_ascii_digit()).next();
    let (from, to) = (leading.and_then(|major| major.parse::<u32>().ok()), server.major()?);
    if let Some(from) = from.filter(|from| *from > to) {
        return Err(Failure::new(
            Kind::Refused,
            format!("the dump is from PostgreSQL {from}, {service} is PostgreSQL {to}"),
        )
        .hint(format!("upgrade it first: dokku {}:upgrade {service} --image-version {from}", service.datastore)));
    }
    let missing = server.missing_extensions(&content.extensions)?;
    if !missing.is_empty() {
        return Err(Failure::new(
            Kind::Refused,
            format!("the image of {service} lacks what the dump needs: {}", missing.join(", ")),
        )
        .hint(format!("use an image that has it: dokku {}:upgrade {service} --image IMAGE", service.datastore)));
    }
    let (free, needed) = (server.free_bytes()?, room_for(content));
    if free < needed {
        let (free, needed) = (bytes(free), bytes(needed));
        return Err(Failure::new(
            Kind::NoSpace,
            format!("{service} has {free} free; a second database beside the live one needs {needed}"),
        )
        .hint("make room, or restore without the safety of a second database: --in-place"));
    }
    Ok(())
}

fn fill(
    context: &Context,
    into: &Exclusive,
    server: &Server,
    create: &str,
    swap: &Swap,
    filling: Filling,
) -> Result<()> {
    server.query("postgres", &[create])?;
    if let Filling::Dump(proven) = filling {
        let limit = context.restore_limit(into.service())?;
        server.restore(&swap.fresh, &proven.content, proven.dump, limit)?;
        let compared = server.within(limit).compare(&swap.fresh, &proven.content)?;
        context.ui.detail(&format!("{} tables and {} rows compared", compared.tables, compared.rows));
    }
    Ok(())
}

/// Takes everything back; or finishes it, where the exchange had happened before the failure. When even that fails the
/// journal stays, and the next command does it.
fn undo(context: &Context, into: &Exclusive, server: &Server, journal: &Journal, failure: Failure) -> Result<()> {
    let service = into.service();
    let settled = journal.swap.as_ref().map_or(Ok(Swapped::Undone), |swap| server.settle(swap));
    let sync = format!("remove it with: dokku backups:sync {service}");
    match settled {
        Ok(Swapped::Finished) => {
            context.ui.warn(&format!("the exchange had happened when this failed: {}", failure.reason()));
            Ok(())
        }
        Ok(Swapped::Undone) => Err(match Journal::take_back(into.dir(), into.incoming()) {
            Ok(()) => failure.hint(format!("the data in {service} is as it was")),
            Err(second) => failure
                .hint(format!("the data in {service} is as it was, but its journal is left: {}", second.reason()))
                .hint(sync),
        }),
        // Nobody could be asked on which side of the exchange it stopped.
        Err(second) => Err(failure
            .hint(format!("the data in {service} is whole, but a second database may be left: {}", second.reason()))
            .hint(sync)),
    }
}

/// The stock import, straight into the live database: merges rather than replaces, and cannot be undone half-way.
pub fn in_place(
    context: &Context,
    dokku: &Dokku,
    into: &Exclusive,
    proven: Proven,
    id: &BackupId,
    restore: &Restore,
) -> Result<()> {
    if proven.content.format == DumpFormat::Plain {
        return Err(Failure::new(Kind::Refused, "the stock import takes archives only, and this is plain SQL")
            .hint("leave out --in-place"));
    }
    let limit = context.restore_limit(into.service())?;
    signals::received().map_or(Ok(()), |signal| Err(interrupted(signal)))?;
    cancel::close();
    let journal = journal_of(into, Some(id), restore, None).open(into.dir(), into.incoming())?;
    match dokku.import(into.service(), proven.dump, limit) {
        Ok(()) => Ok(()),
        // It was never started: the target is as it was.
        Err(failure) if failure.kind == Kind::Config => {
            Journal::take_back(into.dir(), into.incoming()).and(Err(failure))
        }
        Err(failure) => {
            Err(Failure::new(Kind::RestoreIncomplete, format!("the restore into {} did not end well", journal.target))
                .because(failure)
                .hint("its data may be incomplete")
                .hint(format!("put it right with: {}", journal.undo())))
        }
    }
}
