//! The restore history in the record of the backup a restore came from: begun and ended. What a crash leaves of it: `recover`.

use crate::catalogue::{Journal, LockedCatalogue, Log};
use crate::domain::{Backup, BackupId, Restore, Status};
use crate::error::{Failure, Result};
use crate::operations::Context;

/// The history entry of a restore that begins now.
pub fn history_entry(context: &Context, into: &LockedCatalogue, safety: Option<BackupId>) -> Restore {
    Restore {
        started_at: context.settings.clock.now(),
        finished_at: None,
        status: Status::InProgress,
        target: into.service().name.to_string(),
        by: context.settings.caller.actor.clone(),
        safety_backup: safety,
        roles: Vec::new(),
        reason: None,
    }
}

/// Runs a restore from `id` into `into` between its two history entries in the record of the backup it comes from, then
/// closes the journal. Returns that record.
pub fn with_history(
    context: &Context,
    from: &LockedCatalogue,
    into: &LockedCatalogue,
    id: &BackupId,
    mut restore: Restore,
    run: impl FnOnce(&mut Restore) -> Result<()>,
) -> Result<Backup> {
    let log = &mut Log::open(from.dir(), id, context.settings.clock);
    log.say(&format!("restore into {} began, asked for by {}", restore.target, restore.by));
    write(from, id, restore.clone())?;
    let ended = run(&mut restore);
    restore.finished_at = Some(context.settings.clock.now());
    restore.status = if ended.is_ok() { Status::Success } else { Status::Failed };
    restore.reason = ended.as_ref().err().map(Failure::reason);
    log.say(&format!("restore into {}: {}", restore.target, restore.reason.as_deref().unwrap_or("success")));
    let written = write(from, id, restore);
    ended?;
    Journal::close(into.dir())?;
    written
}

fn write(from: &LockedCatalogue, id: &BackupId, restore: Restore) -> Result<Backup> {
    let mut record = from.record(id)?;
    record.restores.retain(|other| other.started_at != restore.started_at);
    record.restores.push(restore);
    from.save(&record)?;
    from.reindex()?;
    Ok(record)
}
