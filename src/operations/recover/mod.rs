//! Opening a catalogue for changes: lock it, then put right what a dead run left.

mod history;
mod origin;

use std::time::Duration;

use chrono::TimeDelta;

use crate::catalogue::{Job, Journal, LockedCatalogue, Log, Orphan, Root};
use crate::codec::Identities;
use crate::delta::Reader;
use crate::domain::{Archive, Backup, Compression, DumpFormat, Outcome, Place, Service, Settled, Source, StoredAs};
use crate::engine::{self, Content};
use crate::error::{Failure, Kind, Phase, Remedy, Result};
use crate::operations::Context;
use crate::operations::keys::{configured, recipients};
use crate::operations::proof::{archive_in, describe, open_dump, read_dump};
use crate::stream::{self, Sum, Summed};
use crate::sys::random;
use crate::ui::Progress;

pub use origin::note_origin;

use history::{end_histories_without_journal, end_history, has_succeeded};

/// What is noted of a dump that could not be looked into.
const UNREAD: &str = "encrypted, and recorded again without a look inside: no private key for it is set on this host";

/// Locks the catalogue of `service`, waiting `wait` seconds at most, and recovers it.
pub fn lock_and_recover(context: &Context, service: &Service, wait: u32, doing: &str) -> Result<LockedCatalogue> {
    let catalogue = acquire(context, service, wait, doing)?;
    settle(context, &catalogue)?;
    Ok(catalogue)
}

/// Locks the catalogue of `service`; `settle` comes before anything in it is changed.
pub fn acquire(context: &Context, service: &Service, wait: u32, doing: &str) -> Result<LockedCatalogue> {
    let root = Root::open(&context.settings.data_root, &context.settings.config_root)?;
    let waiting = |job: &Job| context.ui.step(&format!("Waiting for {service}: {}", job.words));
    LockedCatalogue::lock(&root, service, Duration::from_secs(wait.into()), &waiting, doing, context.settings.clock)
}

/// Puts right what a dead run left in a locked catalogue.
pub fn settle(context: &Context, catalogue: &LockedCatalogue) -> Result<()> {
    let found = catalogue.recover()?;
    for sentence in &found.told {
        context.ui.warn(sentence);
    }
    if !found.abandoned.is_empty() {
        end_left_dumps(context, catalogue, &found.abandoned);
    }
    for orphan in found.orphans {
        adopt(context, catalogue, orphan)?;
    }
    if let Some(journal) = &found.journal {
        settle_restore(context, catalogue, journal)?;
    }
    end_histories_without_journal(context, catalogue, &found.restoring)
}

/// Gives a dump without a record its record: its bytes are hashed and read to the end first.
fn adopt(context: &Context, catalogue: &LockedCatalogue, orphan: Orphan) -> Result<()> {
    let Orphan { mut record, mut file } = orphan;
    let id = record.id.clone();
    record.file = file.path().file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let form = record.file.as_deref().and_then(StoredAs::of_file).unwrap_or_default();
    (record.dump_format, record.compression) = (form.format, form.compression);
    let identities = if form.encrypted { any_identities(context, catalogue.service()) } else { Identities::none() };
    context.ui.step(&format!("Reading {id}, which has no record"));
    let size = file.size()?;
    let mut progress = Progress::new(context.ui, Phase::Read, Some(size));
    let mut stored = Summed::new(&mut file, |count| progress.add(count));
    let content = match in_segments(catalogue, &record, form, &identities) {
        Ok(Some(reader)) => {
            let whom = recipients(context, catalogue.service(), Place::OffSite);
            let hidden = form.encrypted || whom.map_or(true, |whom| !whom.is_empty());
            read_segments(&mut record, reader, hidden)
        }
        Ok(None) => read_dump(&mut stored, form, &identities, record.datastore),
        Err(failure) => Err(failure),
    };
    let passed = stored.whole()?;
    drop(progress);
    record.adopted = true;
    match content {
        Ok(content) => {
            record.status = Outcome::Success;
            record.reason = None;
            (record.size, record.sha256) = (Some(passed.size), Some(passed.sha256));
            describe(&mut record, content);
            context.ui.detail(&format!("whole; recorded again, {} bytes", passed.size));
        }
        // Stored bytes and nothing else can be told without a key; its run had read them before they were encrypted.
        Err(failure) if form.encrypted && failure.kind == Kind::Config => {
            record.status = Outcome::Success;
            record.reason = None;
            (record.size, record.sha256) = (Some(passed.size), Some(passed.sha256));
            record.notes.push(UNREAD.to_owned());
            context.ui.warn(&format!("{id}: {UNREAD}"));
        }
        // Trouble with the disk says nothing about the dump.
        Err(failure) if failure.kind != Kind::Damaged => return Err(failure),
        // Never deleted: somebody may still get something out of it.
        Err(failure) => {
            record.status = Outcome::Failed;
            record.size = Some(size);
            record.reason = Some(failure.reason());
            context.ui.warn(&format!("{id}: {}; its file stays", failure.reason()));
        }
    }
    catalogue.adopt(&record)?;
    Log::open(catalogue.dir(), &id, context.settings.clock).say("recorded again from the dump itself");
    Ok(())
}

/// The archive in the file of `record`, opened through what it leans on, where that is one of segments by its index. A delta
/// is one; a whole may be any dump that is compressed.
fn in_segments(
    catalogue: &LockedCatalogue,
    record: &Backup,
    form: StoredAs,
    identities: &Identities,
) -> Result<Option<Reader>> {
    if form.compression != Compression::Zstd || form.format != DumpFormat::Custom {
        return Ok(None);
    }
    match archive_in(catalogue.dir(), record, open_dump(catalogue.dir(), record)?, form, identities) {
        Err(failure) if matches!(failure.kind, Kind::Damaged | Kind::Config) && !form.is_delta() => Ok(None),
        opened => opened.map(Some),
    }
}

/// Reads such an archive to its end, and notes what it leans on.
fn read_segments(record: &mut Backup, mut reader: Reader, hidden: bool) -> Result<Content> {
    let base = reader.base().map(|base| (base.id.clone(), base.position));
    let (base, position) = base.map_or((None, 0), |(id, position)| (Some(id), position));
    let mut sum = Sum::default();
    let mut seen = |piece: &[u8]| {
        sum.add(piece);
        Ok(())
    };
    let inspect = |mut tap| engine::of(record.datastore).inspect(record.dump_format, &mut tap);
    let (_, content) = stream::pour(&mut reader, &mut seen, inspect)?;
    let passed = sum.passed();
    if passed.sha256 != reader.sha256() {
        return Err(Failure::new(Kind::Damaged, "its archive is another one"));
    }
    let archive = Archive { size: passed.size, sha256: passed.sha256, sealed: false, base, position };
    record.archive = Some(if hidden { archive.sealed_by(random::long_word()?) } else { archive });
    content
}

/// What opens the service's encrypted dumps, as far as that is set and works.
fn any_identities(context: &Context, service: &Service) -> Identities {
    configured(context, service).ok().flatten().map(|(identities, _)| identities).unwrap_or_default()
}

/// A dump whose process was killed: in the container something may still be at it, holding its snapshot and locks. It is
/// recognised by when it began. Where the service cannot be asked there is nothing to end.
fn end_left_dumps(context: &Context, catalogue: &LockedCatalogue, abandoned: &[Backup]) {
    let Ok(docker) = context.docker() else { return };
    let service = catalogue.service();
    let engine = engine::of(service.datastore);
    for backup in abandoned {
        if backup.source == Source::Imported {
            let root = context.settings.data_root.display().to_string();
            if let Err(failure) = engine.sweep_remote(&docker, &root, service) {
                log::info!("{}", failure.reason());
            }
            continue;
        }
        let live = engine.attach(&docker, service, backup.database.as_deref());
        let (from, to) = (backup.started_at - TimeDelta::seconds(5), backup.started_at + TimeDelta::seconds(30));
        if let Err(failure) = live.end_dumps(from..to) {
            log::info!("{}", failure.reason());
        }
    }
}

/// A restore that was begun and whose process is gone. An exchange of databases is finished or undone here; a restore in
/// place can only be put right by restoring again, so its journal stays and the person hears the command.
fn settle_restore(context: &Context, catalogue: &LockedCatalogue, journal: &Journal) -> Result<()> {
    let (ui, target) = (context.ui, &journal.target);
    if has_succeeded(context, catalogue, journal)? {
        return Journal::close(catalogue.dir());
    }
    let Some(replacement) = journal.replacement() else {
        ui.warn(&format!("{} into {target} was interrupted; the data may be incomplete", journal.what()));
        ui.warn(&format!("put it right with: {}", journal.undo()));
        note(context, catalogue.service(), journal);
        return end_history(context, catalogue, journal, Some("interrupted"));
    };
    let service = catalogue.service();
    let live = |docker| engine::of(service.datastore).attach(&docker, service, None).uninterruptible();
    let settled = context.docker().map(live).and_then(|live| live.settle(&replacement));
    let reason = match settled {
        Ok(Settled::Finished) => {
            ui.warn(&format!(
                "{} into {target} was interrupted after the exchange; it is finished now",
                journal.what()
            ));
            None
        }
        Ok(Settled::Undone) => {
            ui.warn(&format!("{} into {target} was interrupted and is undone; the data is as it was", journal.what()));
            Some("interrupted; the data is as it was")
        }
        Ok(lost @ (Settled::Gone | Settled::Stranger)) => {
            let failure = lost_database(journal, lost);
            ui.warn(&format!("{} into {target} was interrupted: {}", journal.what(), failure.reason()));
            ui.remedies(&failure.remedies);
            end_history(context, catalogue, journal, Some(&failure.reason()))?;
            // A database that is not there is mended by the next restore only; until then the journal knows what it was like.
            return if lost == Settled::Gone {
                Ok(())
            } else {
                Journal::take_back(catalogue.dir(), catalogue.incoming())
            };
        }
        // The service may be stopped. Either database is whole, so nothing else needs to wait for this.
        Err(failure) => {
            ui.warn(&format!(
                "{} into {target} was interrupted and cannot be settled now: {}",
                journal.what(),
                failure.reason()
            ));
            ui.remedies(&[Remedy::noted(
                "once the service runs, settle it with",
                format!("dokku backups:sync {target}"),
            )]);
            return Ok(());
        }
    };
    end_history(context, catalogue, journal, reason)?;
    match reason {
        None => {
            note(context, service, journal);
            Journal::close(catalogue.dir())
        }
        Some(_) => Journal::take_back(catalogue.dir(), catalogue.incoming()),
    }
}

/// What the dead run had no time to note.
fn note(context: &Context, service: &Service, journal: &Journal) {
    journal.id.iter().for_each(|id| note_origin(context, id, service, journal.started_at));
}

/// The failure of a restore after which the live database is neither the one before nor the restored one.
pub fn lost_database(journal: &Journal, lost: Settled) -> Failure {
    let target = &journal.target;
    let live = journal.replacement().map(|to| to.live().to_owned()).unwrap_or_default();
    let text = match lost {
        Settled::Stranger => {
            format!("the database {live} of {target} is neither the one from before this restore nor the restored one")
        }
        _ => format!("the database {live} of {target} is gone"),
    };
    let failure = Failure::new(Kind::RestoreIncomplete, text);
    match (&journal.safety_backup, &journal.id) {
        (None, None) => failure.hint(format!("bring a backup back: dokku backups:import {target} --id ID --no-backup")),
        _ => failure.remedy("bring the data back", journal.undo()),
    }
}
