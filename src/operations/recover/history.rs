//! Histories of restores whose run is gone, put right: their journals and their targets say how each ended.

use std::time::Duration;

use crate::catalogue::{Detail, Journal, LockedCatalogue, Root, View, is_worked_on};
use crate::domain::{BackupId, Restore, Service, Status};
use crate::error::{Kind, Result};
use crate::operations::Context;
use crate::operations::select::folder_for_reading;

/// Whether the history has the restore's success already: only the journal was left open.
pub fn has_succeeded(context: &Context, catalogue: &LockedCatalogue, journal: &Journal) -> Result<bool> {
    let Some(id) = &journal.id else { return Ok(false) };
    let source = Service { name: id.service().clone(), ..catalogue.service().clone() };
    let Some(dir) = folder_for_reading(context, &source)? else { return Ok(false) };
    let view = View::of(&dir, &source, Detail::Summary)?;
    let mut restores = view.backups.iter().filter(|listed| &listed.backup.id == id).flat_map(|l| &l.backup.restores);
    Ok(restores.any(|restore| restore.started_at == journal.started_at && restore.status == Status::Success))
}

/// A restore from one of `restoring` that is in progress by its backup's history, while no journal of its target knows of it and nobody works
/// there: the run died before it touched anything, or after it had taken everything back.
pub fn end_histories_without_journal(
    context: &Context,
    catalogue: &LockedCatalogue,
    restoring: &[BackupId],
) -> Result<()> {
    for id in restoring {
        let mut backup = catalogue.record(id)?;
        if !backup.restores.iter().any(Restore::is_open) {
            continue;
        }
        for restore in backup.restores.iter_mut().filter(|restore| restore.is_open()) {
            if !is_under_way(context, catalogue, restore)? {
                restore.status = Status::Failed;
                restore.finished_at = Some(context.settings.clock.now());
                restore.reason = Some("interrupted; the data is as it was".to_owned());
            }
        }
        catalogue.save(&backup)?;
        catalogue.reindex()?;
    }
    Ok(())
}

fn is_under_way(context: &Context, catalogue: &LockedCatalogue, restore: &Restore) -> Result<bool> {
    let own = catalogue.service();
    let Ok(name) = restore.target.parse() else { return Ok(false) };
    let target = Service { name, ..own.clone() };
    let Some(dir) = folder_for_reading(context, &target)? else { return Ok(false) };
    let journaled = Journal::read(&dir)?.is_some_and(|journal| journal.started_at == restore.started_at);
    Ok(journaled || (&target != own && is_worked_on(&dir)?))
}

/// Ends the history entry that the dead run left open, in the record of the backup it came from.
pub fn end_history(
    context: &Context,
    catalogue: &LockedCatalogue,
    journal: &Journal,
    reason: Option<&str>,
) -> Result<()> {
    let Some(id) = &journal.id else { return Ok(()) };
    let end = |source: &LockedCatalogue| -> Result<()> {
        let mut backup = source.record(id)?;
        let open = backup.restores.iter_mut().find(|r| r.is_open() && r.started_at == journal.started_at);
        let Some(restore) = open else { return Ok(()) };
        restore.status = if reason.is_none() { Status::Success } else { Status::Failed };
        restore.finished_at = Some(context.settings.clock.now());
        restore.reason = reason.map(str::to_owned);
        source.save(&backup)?;
        source.reindex()
    };
    if id.service() == &catalogue.service().name {
        return end(catalogue);
    }
    // The backup belongs to another service; when that one is busy its history says "in progress" a little longer.
    let root = Root::open(&context.settings.data_root, &context.settings.config_root)?;
    let other = Service { name: id.service().clone(), ..catalogue.service().clone() };
    match LockedCatalogue::lock(&root, &other, Duration::ZERO, &|_| (), "settling a restore", context.settings.clock) {
        Ok(source) => end(&source),
        Err(failure) if failure.kind == Kind::Busy => Ok(()),
        Err(failure) => Err(failure),
    }
}
