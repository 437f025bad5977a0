//! When scheduled backups expire, after the retention of a schedule has changed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalogue::{Detail, Exclusive};
use crate::domain::{Backup, Schedule, Source};
use crate::error::Result;

/// Rewrites the expiry of what `schedules` have made, so that the record alone says when retention may take it. Returns
/// how many records have changed, and how many of those are past their time `now`.
pub fn realign(catalogue: &Exclusive, schedules: &[Schedule], now: DateTime<Utc>) -> Result<(usize, usize)> {
    let mut changed = Vec::new();
    for listed in catalogue.view(Detail::Summary)?.backups {
        let Some(retention) = retention(&listed.backup, schedules) else { continue };
        let expires = listed.backup.created_at + retention;
        if listed.backup.expires_at != Some(expires) {
            let mut record = catalogue.record(&listed.backup.id)?;
            record.expires_at = Some(expires);
            catalogue.save(&record)?;
            changed.push(expires);
        }
    }
    catalogue.reindex()?;
    Ok((changed.len(), changed.iter().filter(|expires| **expires <= now).count()))
}

/// The longest retention among the schedules that made a backup and are still there.
fn retention(backup: &Backup, schedules: &[Schedule]) -> Option<TimeDelta> {
    let made = |schedule: &&Schedule| backup.schedules.iter().any(|name| name == schedule.frequency().name());
    let ours = backup.source == Source::Schedule && backup.is_good() && backup.counts();
    schedules.iter().filter(made).map(Schedule::retention).max().filter(|_| ours)
}
