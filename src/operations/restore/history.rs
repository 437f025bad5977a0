//! The restore history in the record of the backup a restore came from: begun and ended. What a crash leaves of it: `recover`.

use crate::catalogue::{Journal, LockedCatalogue, Log};
use crate::domain::{Backup, BackupId, Comparison, Restore, Status, Verification};
use crate::engine::Compared;
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
        not_given: Vec::new(),
        reason: None,
    }
}

/// What a restore into a live service has shown of its backup: all of it was poured, and compared.
#[derive(Debug)]
pub struct Shown {
    /// Image of that service, with its version.
    pub image: String,
    /// What was compared.
    pub compared: Compared,
}

/// Runs a restore from `id` into `into` between its two history entries in the record of the backup it comes from, then
/// closes the journal. Returns that record.
pub fn with_history(
    context: &Context,
    from: &LockedCatalogue,
    into: &LockedCatalogue,
    id: &BackupId,
    mut restore: Restore,
    run: impl FnOnce(&mut Restore) -> Result<Option<Shown>>,
) -> Result<Backup> {
    let log = &mut Log::open(from.dir(), id, context.settings.clock);
    log.say(&format!("restore into {} began, asked for by {}", restore.target, restore.by));
    write(from, id, restore.clone(), None)?;
    let ended = run(&mut restore);
    restore.finished_at = Some(context.settings.clock.now());
    restore.status = if ended.is_ok() { Status::Success } else { Status::Failed };
    restore.reason = ended.as_ref().err().map(Failure::reason);
    log.say(&format!("restore into {}: {}", restore.target, restore.reason.as_deref().unwrap_or("success")));
    let (shown, ended) = match ended {
        Ok(shown) => (shown, Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    let written = write(from, id, restore, shown);
    ended?;
    Journal::close(into.dir())?;
    written
}

fn write(from: &LockedCatalogue, id: &BackupId, restore: Restore, shown: Option<Shown>) -> Result<Backup> {
    let mut record = from.record(id)?;
    if let Some(evidence) = shown.and_then(|shown| evidence(&record, &restore, shown)) {
        record.verification = Some(evidence);
    }
    record.restores.retain(|other| other.started_at != restore.started_at);
    record.restores.push(restore);
    from.save(&record)?;
    from.reindex()?;
    Ok(record)
}

/// What `restore` shows of the backup with this `record`, where that is more than is known.
fn evidence(record: &Backup, restore: &Restore, shown: Shown) -> Option<Verification> {
    let Compared { tables, rows, how, not_compared, not_given: _ } = shown.compared;
    let evidence = Verification {
        at: restore.finished_at?,
        image: shown.image,
        sha256: record.sha256.clone()?,
        tables,
        rows,
        took_ms: (restore.finished_at? - restore.started_at).num_milliseconds().try_into().ok(),
        comparison: Some(how),
        not_compared: Verification::naming(not_compared),
        reason: None,
    };
    let is_known = record.verification.as_ref().is_some_and(|known| known.tells_more_than(&evidence));
    (how != Comparison::Nothing && !is_known).then_some(evidence)
}
