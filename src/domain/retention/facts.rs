//! What the plan needs to know about all the backups together, and about one of them by itself.

use chrono::{DateTime, TimeDelta, Utc};

use super::Policy;
use super::successor::is_own;
use crate::domain::{Backup, BackupId, Listed, Outcome, Presence, Status, by_making, count, spell};

/// What holds for the whole list.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The newest failed run that no good backup has followed. Then nothing good is removed.
    pub failing: Option<&'a Backup>,
    /// Good backups that retention may take at all.
    good: usize,
    /// Those of them that have not expired, or are kept.
    staying: usize,
    /// The newest of them.
    newest: Option<&'a Backup>,
}

impl<'a> Facts<'a> {
    /// Gathers them, from a list with the newest first.
    pub fn of(backups: &'a [Listed], policy: &Policy) -> Self {
        let mut facts = Facts::default();
        let mut failed: Option<&Backup> = None;
        let mut succeeded: Option<DateTime<Utc>> = None;
        for listed in backups.iter().filter(|listed| listed.backup.deleted_at.is_none()) {
            let backup = &*listed.backup;
            if counts(listed, policy) {
                let stays = backup.keep || expiry(backup, policy).is_none_or(|at| at > policy.now);
                facts.good += 1;
                facts.staying += usize::from(stays);
                facts.newest =
                    facts.newest.filter(|newest| by_making(newest, backup, policy.now).is_gt()).or(Some(backup));
                if is_own(backup) {
                    succeeded = succeeded.max(Some(backup.started_at));
                }
            } else if is_own(backup)
                && listed.status == Status::Failed
                && backup.status == Outcome::Failed
                && !is_of_former(backup, policy)
                && failed.is_none_or(|newest| newest.started_at < backup.started_at)
            {
                failed = Some(backup);
            }
        }
        facts.failing = failed.filter(|failure| succeeded.is_none_or(|at| at <= failure.started_at));
        facts
    }

    /// Why the policy is refused: taken by itself it would remove every good backup.
    pub fn refusal(&self, policy: &Policy) -> Option<String> {
        let (days, newest) = (policy.days?, self.newest?);
        // A schedule's backups carry their own time; that they have all expired says that the schedule has stopped.
        (self.staying == 0 && newest.expires_at.is_none()).then(|| {
            format!(
                "a retention of {} would remove every good backup of {} ({}); the newest is {}",
                count(days, "day"),
                newest.service,
                self.good,
                newest.id
            )
        })
    }
}

/// Whether it is good in the strict sense: whole, here, not known to be bad, and either verified or not suspicious. A
/// backup from the future is the work of a clock that was wrong, and nothing rests on it.
pub fn counts(listed: &Listed, policy: &Policy) -> bool {
    let backup = &*listed.backup;
    listed.status == Status::Success
        && backup.is_good()
        && backup.counts()
        && listed.presence != Presence::Missing
        && listed.damage().is_none()
        && !backup.is_refuted()
        && !backup.is_doubtful()
        && backup.started_at <= policy.now
        && !is_of_former(backup, policy)
        && !is_unreadable(&backup.id, policy)
}

fn is_unreadable(id: &BackupId, policy: &Policy) -> bool {
    !policy.unreadable.is_empty() && policy.unreadable.contains(id)
}

/// Whether it belongs to a destroyed service that had the same name.
pub fn is_of_former(backup: &Backup, policy: &Policy) -> bool {
    policy.destroyed_at.is_some_and(|at| backup.started_at <= at)
}

/// When it expires: its record says so, or the policy does.
pub fn expiry(backup: &Backup, policy: &Policy) -> Option<DateTime<Utc>> {
    backup.expires_at.or_else(|| Some(after(taken(backup), policy.days?.into())))
}

/// When it was made. `--at` can name a backup by any time; it is taken for neither older nor younger than it is.
pub fn taken(backup: &Backup) -> DateTime<Utc> {
    backup.started_at
}

/// `days` later, as far as there are such times.
pub fn after(at: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::days(days)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A time as people read it.
pub fn time(at: DateTime<Utc>) -> String {
    spell(at, "0000-00-00 00:00:00 UTC")
}
