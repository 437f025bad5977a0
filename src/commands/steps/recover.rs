//! Opening a catalogue for changes: lock it, then put right what a dead run left.

use std::time::Duration;

use crate::catalogue::{Exclusive, Log, Orphan, Root};
use crate::commands::Context;
use crate::domain::{Outcome, Service};
use crate::engine;
use crate::error::{Kind, Result};
use crate::stream;
use crate::ui::Progress;

/// Locks the catalogue of `service`, waiting `wait` seconds at most, and recovers it.
pub fn open(context: &Context, service: &Service, wait: u32, doing: &str) -> Result<Exclusive> {
    let root = Root::open(&context.settings.data_root)?;
    let wait = Duration::from_secs(wait.into());
    let catalogue = Exclusive::acquire(&root, service, wait, doing, context.settings.clock)?;
    let found = catalogue.recover()?;
    for sentence in &found.told {
        context.ui.warn(sentence);
    }
    for orphan in found.orphans {
        adopt(context, &catalogue, orphan)?;
    }
    if let Some(journal) = found.journal {
        settle_restore(context, &catalogue, &journal)?;
    }
    Ok(catalogue)
}

/// Gives a dump without a record its record: its bytes are hashed and read to the end first.
fn adopt(context: &Context, catalogue: &Exclusive, orphan: Orphan) -> Result<()> {
    let Orphan { mut record, mut file } = orphan;
    let (id, datastore) = (record.id.clone(), record.datastore);
    context.ui.step(&format!("Reading {id}, which has no record"));
    let size = file.size()?;
    let mut progress = Progress::new(context.ui, "read", Some(size));
    let mut keep = |piece: &[u8]| {
        progress.add(piece.len());
        Ok(())
    };
    let (passed, content) = stream::pour(&mut file, &mut keep, |tap| engine::inspect(datastore, tap))?;
    drop(progress);
    record.file = file.path().file_name().and_then(|name| name.to_str()).map(str::to_owned);
    record.adopted = true;
    match content {
        Ok(content) => {
            record.status = Outcome::Success;
            record.reason = None;
            (record.size, record.sha256) = (Some(passed.size), Some(passed.sha256));
            record.describe(content.tables, content.server_version, content.dump_tool_version, content.database);
            context.ui.detail(&format!("whole; recorded again, {} bytes", passed.size));
        }
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

/// A restore that was begun and whose process is gone: the record of the backup says so, and the person hears how to
/// undo it. The journal stays until the target is whole again.
fn settle_restore(context: &Context, catalogue: &Exclusive, journal: &crate::catalogue::Journal) -> Result<()> {
    context.ui.warn(&format!("a restore of {} into {} was interrupted", journal.id, journal.target));
    context.ui.warn(&format!("the data may be incomplete; put it back with: {}", journal.undo()));
    let end = |source: &Exclusive| -> Result<()> {
        let mut backup = source.record(&journal.id)?;
        let open =
            backup.restores.iter_mut().find(|r| r.status == "in-progress" && r.target == journal.target.as_str());
        let Some(restore) = open else { return Ok(()) };
        restore.status = "failed".to_owned();
        restore.finished_at = Some(context.settings.clock.now());
        restore.reason = Some("interrupted".to_owned());
        source.save(&backup)?;
        source.reindex()
    };
    if journal.id.service() == &catalogue.service().name {
        return end(catalogue);
    }
    // The backup belongs to another service; when that one is busy, the next command here tries again.
    let root = Root::open(&context.settings.data_root)?;
    let other = Service { name: journal.id.service().clone(), ..catalogue.service().clone() };
    match Exclusive::acquire(&root, &other, Duration::ZERO, "settling a restore", context.settings.clock) {
        Ok(source) => end(&source),
        Err(failure) if failure.kind == Kind::Busy => Ok(()),
        Err(failure) => Err(failure),
    }
}
