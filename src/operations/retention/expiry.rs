//! When scheduled backups expire, after the retention of a schedule has changed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalogue::{Detail, LockedCatalogue};
use crate::domain::{Backup, Schedule, Source, made_at};
use crate::error::Result;

/// Rewrites the expiry of what `schedules` have made, so that the record alone says when retention may take it. Returns
/// how many records have changed, and how many of those are past their time `now`.
pub fn realign(catalogue: &LockedCatalogue, schedules: &[Schedule], now: DateTime<Utc>) -> Result<(usize, usize)> {
    let changes = changes(catalogue, schedules)?;
    for (backup, expires) in &changes {
        let mut record = catalogue.record(&backup.id)?;
        record.expires_at = Some(*expires);
        catalogue.save(&record)?;
    }
    catalogue.reindex()?;
    Ok((changes.len(), changes.iter().filter(|(_, expires)| *expires <= now).count()))
}

/// Whether that would let any of them go earlier than its record says now.
pub fn would_hasten(catalogue: &LockedCatalogue, schedules: &[Schedule]) -> Result<bool> {
    let earlier = |(backup, expires): &(Box<Backup>, DateTime<Utc>)| backup.expires_at.is_none_or(|at| *expires < at);
    Ok(changes(catalogue, schedules)?.iter().any(earlier))
}

/// The backups whose expiry is another by `schedules` than their record says, and when that is.
fn changes(catalogue: &LockedCatalogue, schedules: &[Schedule]) -> Result<Vec<(Box<Backup>, DateTime<Utc>)>> {
    let backups = catalogue.view(Detail::Summary)?.backups.into_iter().map(|listed| listed.backup);
    let change = |backup: Box<Backup>| {
        let expires = made_at(&backup) + retention(&backup, schedules)?;
        (backup.expires_at != Some(expires)).then_some((backup, expires))
    };
    Ok(backups.filter_map(change).collect())
}

/// The longest retention among the schedules that made a backup and are still there.
fn retention(backup: &Backup, schedules: &[Schedule]) -> Option<TimeDelta> {
    let made = |schedule: &&Schedule| backup.schedules.iter().any(|name| name == schedule.frequency().name());
    let ours = backup.source == Source::Schedule && backup.is_good() && backup.counts();
    schedules.iter().filter(made).map(Schedule::retention).max().filter(|_| ours)
}
