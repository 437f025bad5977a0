//! Replacing the contents of a service: fill a fresh database beside the live one, compare, then exchange the two. Until
//! the exchange the live database has not been touched; the exchange itself is one transaction.

use chrono::{DateTime, Utc};

use crate::catalogue::{Journal, LockedCatalogue};
use crate::dokku::{Dokku, Info};
use crate::domain::{BackupId, Comparison, Origin, Replacement, Restore, Settled, count, shown};
use crate::engine::{self, Dump, Live};
use crate::error::{Failure, Kind, Remedy, Result};
use crate::operations::Context;
use crate::operations::recover::lost_database;
use crate::operations::watched::watched;

use super::{Accepted, Shown};
use crate::sys::{cancel, signals};

fn journal_of(into: &LockedCatalogue, id: Option<&BackupId>, restore: &Restore) -> Journal {
    Journal {
        id: id.cloned(),
        target: into.service().name.clone(),
        started_at: restore.started_at,
        by: restore.by.clone(),
        safety_backup: restore.safety_backup.clone(),
        swap: None,
        own: None,
        before: None,
    }
}

/// The first restore into this service that is still open: the one after which the data was lost, if it was.
fn lost_in(into: &LockedCatalogue) -> Result<Option<Replacement>> {
    let first = Journal::read(into.dir())?.map(|journal| journal.before.as_deref().cloned().unwrap_or(journal));
    Ok(first.and_then(|journal| journal.replacement()))
}

/// Replaces the contents of `into` by what was `accepted` for it. On failure the live data is as it
/// was. On success the journal stays open until the history is written: whoever closes it first would leave a restore in
/// progress for ever. What that shows of the backup, if all of it went in and was compared.
pub fn replace(
    context: &Context,
    into: &LockedCatalogue,
    info: &Info,
    accepted: Accepted,
    id: Option<&BackupId>,
    restore: &mut Restore,
) -> Result<Option<Shown>> {
    let Accepted { dump, outlook, live } = accepted;
    let service = into.service();
    let how = context.restore_options(service)?;
    if let Some(dump) = &dump {
        // Again after a safety backup: that may lie on the same disk.
        live.has_room(dump.content())?;
    }
    // One that is open still may hold a second database and a role: nothing new begins on top of that.
    if let Some(open) = Journal::read(into.dir())?.and_then(|journal| journal.replacement()) {
        live.settle(&open).map_err(|failure| failure.hint("an earlier restore has to be settled first"))?;
    }
    let restricted = dump.as_ref().is_some_and(|dump| !dump.origin().is_own());
    let mut to = live.plan(&mark(restore.started_at), restricted, &outlook.roles, lost_in(into)?.as_ref())?;
    let mut journal = journal_of(into, id, restore);
    journal.set_replacement(&to);
    let mut journal = journal.open(into.dir(), into.incoming())?;
    context.ui.step(&format!("Filling a new database beside the one of {service}"));
    let has_dump = dump.is_some();
    let is_whole = dump.as_ref().is_some_and(|dump| dump.consent().skipped.is_empty());
    let filled = live.make(&mut to).and_then(|()| {
        // Written down before anything else: only by what was noted is it known after the exchange.
        journal.set_replacement(&to);
        journal.write(into.dir(), into.incoming())?;
        let compared = live.fill(&to, dump.map(|dump| watched(context, dump)), how)?;
        if has_dump {
            let (tables, rows) = (count(compared.tables, "table"), count(compared.rows, "row"));
            context.ui.detail(&match compared.how {
                Comparison::Nothing => {
                    "nothing in it could be compared: it does not tell how many rows it brings".to_owned()
                }
                _ => format!("{tables} and {rows} compared"),
            });
        }
        signals::obey().map(|()| compared)
    });
    // From here on neither signals nor requests are obeyed: what was begun is finished, or undone.
    cancel::close();
    let live = live.uninterruptible();
    let compared = match filled {
        Ok(compared) => compared,
        Err(failure) => return undo(context, into, &*live, &journal, failure).map(|()| None),
    };
    context.ui.step(&format!("Exchanging the databases of {service}"));
    live.commit(&to).or_else(|failure| undo(context, into, &*live, &journal, failure))?;
    for line in &compared.not_given {
        context.ui.warn(&format!("not given back: {line}"));
    }
    if !outlook.roles.is_empty() {
        let roles = outlook.roles.iter().map(|role| shown(role).into_owned()).collect::<Vec<_>>().join(", ");
        context.ui.detail(&format!("made without a login, since the dump names it: {roles}"));
    }
    restore.roles = outlook.roles;
    restore.not_given.clone_from(&compared.not_given);
    Ok(is_whole.then(|| Shown { image: info.image_and_version(), compared }))
}

/// Digits that tell this replacement from any other.
fn mark(at: DateTime<Utc>) -> String {
    at.format("%Y%m%d%H%M%S%3f").to_string()
}

/// Takes everything back; or finishes it, where the exchange had happened before the failure. When even that fails the
/// journal stays, and the next command does it. What is said of the data is what the server answered.
fn undo(context: &Context, into: &LockedCatalogue, live: &dyn Live, journal: &Journal, failure: Failure) -> Result<()> {
    let service = into.service();
    let settled = journal.replacement().map_or(Ok(Settled::Undone), |to| live.settle(&to));
    let sync = || Remedy::noted("settle it with", format!("dokku backups:sync {service}"));
    match settled {
        Ok(Settled::Finished) => {
            context.ui.warn(&format!("the exchange had happened when this failed: {}", failure.reason()));
            Ok(())
        }
        Ok(Settled::Undone) => Err(match Journal::take_back(into.dir(), into.incoming()) {
            Ok(()) => failure.hint(format!("the data in {service} is as it was")),
            Err(second) => failure
                .hint(format!("the data in {service} is as it was, but its journal is left: {}", second.reason()))
                .hint(sync()),
        }),
        Ok(lost @ (Settled::Gone | Settled::Stranger)) => Err(lost_database(journal, lost).because(failure)),
        Err(second) => Err(failure
            .hint(format!("what became of the data in {service} could not be asked: {}", second.reason()))
            .hint(sync())),
    }
}

/// The stock import, straight into the live database: merges rather than replaces, and cannot be undone half-way.
pub fn in_place(
    context: &Context,
    dokku: &Dokku,
    into: &LockedCatalogue,
    dump: Dump,
    id: &BackupId,
    restore: &Restore,
) -> Result<()> {
    if let Origin::Foreign(why) = dump.origin() {
        let text = format!("{id} was made elsewhere ({why}); the stock import would run its code as the superuser");
        return Err(Failure::new(Kind::Refused, text).hint("leave out --in-place"));
    }
    let (engine, format) = (engine::of(into.service().datastore), dump.content().format);
    if format != engine.exported() {
        let (taken, given) = (engine.words(engine.exported()), engine.words(format));
        return Err(Failure::new(Kind::Refused, format!("the stock import takes {taken}, and this is {given}"))
            .hint("leave out --in-place"));
    }
    if !dump.consent().skipped.is_empty() {
        return Err(Failure::new(Kind::Refused, "the stock import leaves nothing out").hint("leave out --in-place"));
    }
    let limit = context.restore_options(into.service())?.timeout;
    signals::obey()?;
    cancel::close();
    let journal = journal_of(into, Some(id), restore).open(into.dir(), into.incoming())?;
    match dokku.import(into.service(), dump.into_input(), limit) {
        Ok(()) => Ok(()),
        // It was never started: the target is as it was.
        Err(failure) if failure.kind == Kind::Config => {
            Journal::take_back(into.dir(), into.incoming()).and(Err(failure))
        }
        Err(failure) => {
            Err(Failure::new(Kind::RestoreIncomplete, format!("the restore into {} did not end well", journal.target))
                .because(failure)
                .hint("its data may be incomplete")
                .remedy("put it right with", journal.undo()))
        }
    }
}
