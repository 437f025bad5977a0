//! Who works on a backup right now, and how it ended.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::catalogue::{Job, Journal, VERIFY};
use crate::domain::{Backup, BackupId, Last, Listed, Restore, Service, last};
use crate::error::{Failure, Kind, Remedy, Result};
use crate::operations::Context;
use crate::operations::select::folder_for_reading;
use crate::sys::child::interrupted;
use crate::sys::dir::Dir;

/// How often the one who waits looks.
const LOOK: Duration = Duration::from_millis(100);

/// Everybody who works on the service, one entry a process.
pub fn all_jobs(dir: &Dir) -> Result<Vec<Job>> {
    let mut jobs = Job::all(dir)?;
    // A verification that writes its result down holds the service's lock too.
    jobs.sort_by_key(|job| (job.pid, job.id.is_none()));
    jobs.dedup_by_key(|job| job.pid);
    Ok(jobs)
}

/// Everybody who works on the backup `id`.
pub fn jobs_about(dir: &Dir, id: &BackupId) -> Result<Vec<Job>> {
    let mut found = Vec::new();
    for job in all_jobs(dir)? {
        if job.is_about(dir, id)? {
            found.push(job);
        }
    }
    Ok(found)
}

/// Waits until nobody works on `id`, `limit` seconds at most. Returns the jobs that were seen.
pub fn wait_for_jobs(context: &Context, dir: &Dir, id: &BackupId, limit: Option<u32>) -> Result<Vec<Job>> {
    let (since, mut seen) = (Instant::now(), Vec::<Job>::new());
    loop {
        let jobs = jobs_about(dir, id)?;
        let Some(first) = jobs.first() else { return Ok(seen) };
        if limit.is_some_and(|limit| since.elapsed() >= Duration::from_secs(limit.into())) {
            return Err(Failure::new(Kind::Busy, format!("{id} is still being worked on ({})", first.words))
                .with_work(Some(first.at_work()))
                .hint("wait longer: --wait SECONDS"));
        }
        seen.extend(jobs.into_iter().filter(|job| !seen.iter().any(|old| old.pid == job.pid)).collect::<Vec<_>>());
        context.settings.clock.sleep(LOOK).map_err(interrupted)?;
    }
}

/// The end of the last thing that was done with the backup, as ours: its export, its verification, or a restore from it.
/// `seen` are the jobs that were waited for since `from`.
pub fn how_it_ended(context: &Context, listed: &Listed, seen: &[Job], from: DateTime<Utc>) -> Result<()> {
    let backup = &listed.backup;
    let logs = Remedy::noted("see", format!("dokku backups:logs {} --id {}", backup.service, backup.id));
    let verified = backup.verification.as_ref().is_some_and(|verification| verification.at >= from);
    if seen.iter().any(|job| job.doing == VERIFY) && !verified && backup.damage.is_none() {
        let text = format!("the verification of {} ended without a result", backup.id);
        return Err(Failure::new(Kind::Child, text).hint(logs));
    }
    let failure = match last(backup) {
        Last::Made | Last::Verified | Last::Restored => return Ok(()),
        Last::NotMade(why) => Failure::new(Kind::Child, format!("{} was not made: {why}", backup.id)),
        Last::Unfit(why) => Failure::new(Kind::Damaged, format!("{} does not restore: {why}", backup.id)),
        Last::NotRestored(restore) => not_restored(context, backup, restore)?,
    };
    Err(failure.hint(logs))
}

fn not_restored(context: &Context, backup: &Backup, restore: &Restore) -> Result<Failure> {
    let why = restore.reason.as_deref().unwrap_or("interrupted");
    let text = format!("the restore of {} into {} failed: {why}", backup.id, restore.target);
    if let Ok(name) = restore.target.parse() {
        let target = Service { datastore: backup.datastore, name };
        let journal = match folder_for_reading(context, &target)? {
            Some(dir) => Journal::read(&dir)?,
            None => None,
        };
        if let Some(journal) = journal.filter(|journal| journal.started_at == restore.started_at) {
            return Ok(Failure::new(Kind::RestoreIncomplete, text).remedy("then", journal.remedy()));
        }
    }
    Ok(Failure::new(Kind::Child, text))
}
