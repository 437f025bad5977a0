//! Replacing the contents of a service: fill a fresh database beside the live one, compare, then exchange the two. Until
//! the exchange the live database has not been touched; the exchange itself is one transaction.

use chrono::{DateTime, Utc};

use super::Proven;
use crate::catalogue::{Exclusive, Journal};
use crate::dokku::{Dokku, Info};
use crate::domain::{BackupId, DumpFormat, Origin, Restore, Swap, Swapped};
use crate::engine::Content;
use crate::engine::postgres::{Database, Server};
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

/// The name of the service's database.
pub fn live_database<'a>(into: &Exclusive, info: &'a Info) -> Result<&'a str> {
    let service = into.service();
    info.database.as_deref().ok_or_else(|| {
        Failure::new(Kind::Config, format!("the name of the database of {service} could not be learnt"))
            .hint(format!("see: dokku {}:info {service}", service.datastore))
    })
}

/// What the fresh database is to be like: the live one; where that is gone, what the journal of the restore that lost it
/// wrote down, or else what this server makes by itself. With the live one's object id, 0 where there is none.
fn like_live(context: &Context, into: &Exclusive, server: &Server, live: &str) -> Result<(Database, u32)> {
    if let Some(properties) = server.database(live)? {
        let oid = properties.oid;
        return Ok((properties, oid));
    }
    context.ui.warn(&format!("{} has no database {live} any more: it is made anew", into.service()));
    let journal = Journal::read(into.dir())?;
    let written = journal.and_then(|journal| journal.before.map_or(journal.swap, |first| first.swap)?.properties);
    let properties = match written {
        Some(row) => Database::read(&row)?,
        None => server.default_database()?,
    };
    Ok((properties, 0))
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
    let server = Server::of(&context.docker()?, service);
    let live = live_database(into, info)?;
    let (properties, oid) = like_live(context, into, &server, live)?;
    if let Filling::Dump(proven) = &filling {
        fits(into, &server, &proven.content)?;
    }
    let mark = mark(restore.started_at);
    let mut swap = Swap { properties: Some(properties.written.clone()), ..Swap::of(live, oid, &mark) };
    if matches!(&filling, Filling::Dump(proven) if !proven.origin.is_own()) {
        swap = swap.by_role(&mark);
    }
    let mut journal = journal_of(into, id, restore, Some(swap.clone())).open(into.dir(), into.incoming())?;
    context.ui.step(&format!("Filling a new database beside the one of {service}"));
    let filled = make_fresh(into, &server, &properties, &mut journal)
        .and_then(|swap| fill(context, into, &server, &swap, filling))
        .and_then(|()| server.query("postgres", &as_strs(&properties.adorn(&swap.fresh))).map(|_| ()))
        .and_then(|()| signals::received().map_or(Ok(()), |signal| Err(interrupted(signal))));
    // From here on neither signals nor requests are obeyed: what was begun is finished, or undone.
    cancel::close();
    let server = server.deaf();
    if let Err(failure) = filled {
        return undo(context, into, &server, &journal, failure);
    }
    context.ui.step(&format!("Exchanging the databases of {service}"));
    match server.swap(journal.swap.as_ref().unwrap_or(&swap)) {
        Ok(()) => Ok(()),
        Err(failure) => undo(context, into, &server, &journal, failure),
    }
}

/// Makes the fresh database and writes its number into the journal: only by that is it known after the exchange.
fn make_fresh(into: &Exclusive, server: &Server, properties: &Database, journal: &mut Journal) -> Result<Swap> {
    let Some(swap) = &mut journal.swap else {
        return Err(Failure::new(Kind::Catalogue, "a restore without an exchange"));
    };
    swap.fresh_oid = Some(server.create_database(&properties.create(&swap.fresh), &swap.fresh)?);
    let swap = swap.clone();
    journal.write(into.dir(), into.incoming())?;
    Ok(swap)
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

fn fill(context: &Context, into: &Exclusive, server: &Server, swap: &Swap, filling: Filling) -> Result<()> {
    let Filling::Dump(proven) = filling else { return Ok(()) };
    let limit = context.restore_limit(into.service())?;
    let compared = proven.fill(server, &swap.fresh, swap.role.as_deref(), limit)?;
    context.ui.detail(&format!("{} tables and {} rows compared", compared.tables, compared.rows));
    Ok(())
}

/// Takes everything back; or finishes it, where the exchange had happened before the failure. When even that fails the
/// journal stays, and the next command does it. What is said of the data is what the server answered.
fn undo(context: &Context, into: &Exclusive, server: &Server, journal: &Journal, failure: Failure) -> Result<()> {
    let service = into.service();
    let settled = journal.swap.as_ref().map_or(Ok(Swapped::Undone), |swap| server.settle(swap));
    let sync = format!("settle it with: dokku backups:sync {service}");
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
        Ok(lost @ (Swapped::Gone | Swapped::Stranger)) => Err(lost_database(journal, lost).because(failure)),
        Err(second) => Err(failure
            .hint(format!("what became of the data in {service} could not be asked: {}", second.reason()))
            .hint(sync)),
    }
}

/// The failure of a restore after which the live database is neither the one before nor the restored one.
pub fn lost_database(journal: &Journal, lost: Swapped) -> Failure {
    let (target, live) = (&journal.target, journal.swap.as_ref().map_or("", |swap| &swap.live));
    let text = match lost {
        Swapped::Stranger => {
            format!("the database {live} of {target} is neither the one from before this restore nor the restored one")
        }
        _ => format!("the database {live} of {target} is gone"),
    };
    let failure = Failure::new(Kind::RestoreIncomplete, text);
    match (&journal.safety_backup, &journal.id) {
        (None, None) => failure.hint(format!("bring a backup back: dokku backups:import {target} --id ID --no-backup")),
        _ => failure.hint(format!("bring the data back: {}", journal.undo())),
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
    if let Origin::Foreign(why) = &proven.origin {
        let text = format!("{id} was made elsewhere ({why}); the stock import would run its code as the superuser");
        return Err(Failure::new(Kind::Refused, text).hint("leave out --in-place"));
    }
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
