//! Which backup is the newest: the one that was made last. A name can say any time, because `--at` gives it, and a clock
//! can have been wrong; neither makes a backup newer than those that were made after it.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Backup, Listed};

/// How far a time may lie ahead of this host's clock and still be a matter of clocks that do not agree: 5 minutes.
pub const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// When `backup` was made as far as it may count: the time in its name, which somebody may have put earlier than the work
/// began, but never a time after that.
pub fn made_at(backup: &Backup) -> DateTime<Utc> {
    backup.created_at.min(backup.started_at)
}

/// Whether its name says a time that has not come, or one well after the work began: nothing was made then.
pub fn is_named_ahead(backup: &Backup, now: DateTime<Utc>) -> bool {
    let latest = backup.started_at.min(now);
    latest.checked_add_signed(AHEAD).is_some_and(|latest| backup.created_at > latest)
}

/// Whether even the work began at a time that has not come: a clock was wrong then, or is wrong now.
pub fn is_from_ahead(backup: &Backup, now: DateTime<Utc>) -> bool {
    now.checked_add_signed(AHEAD).is_some_and(|latest| made_at(backup) > latest)
}

/// The older of two is the lesser. What claims to be from a time to come tells nothing of when it was made, and is the
/// oldest.
pub fn by_making(one: &Backup, other: &Backup, now: DateTime<Utc>) -> Ordering {
    // Names are to the second: within one, the beginning decides.
    let rank = |backup: &Backup| (!is_from_ahead(backup, now), made_at(backup).timestamp(), backup.started_at);
    rank(one).cmp(&rank(other)).then_with(|| one.id.cmp(&other.id))
}

/// The newest of `backups`.
pub fn newest<'a>(backups: impl Iterator<Item = &'a Listed>, now: DateTime<Utc>) -> Option<&'a Listed> {
    backups.max_by(|one, other| by_making(&one.backup, &other.backup, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BackupId, Datastore, Source};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn backup(named: &str, started: &str) -> Backup {
        let id = BackupId::new("db".parse().unwrap(), at(named)).unwrap();
        Backup::draft(id, Datastore::Postgres, Source::Manual, at(started), "root")
    }

    #[test]
    fn attack_410_a_name_makes_nothing_newer_than_it_is() {
        let now = at("2026-05-01T00:00:00Z");
        let named_ahead = backup("2099-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
        let wrong_clock = backup("2031-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
        let past_name = backup("2020-01-01T00:00:00Z", "2026-04-30T00:00:00Z");
        let true_one = backup("2026-04-20T00:00:00Z", "2026-04-20T00:00:00Z");
        let mut all = [&named_ahead, &wrong_clock, &past_name, &true_one];
        all.sort_by(|one, other| by_making(one, other, now));
        let names: Vec<String> = all.iter().map(|backup| backup.id.to_string()[3..7].to_owned()).collect();
        assert_eq!(names, ["2031", "2020", "2099", "2026"]);
        assert!(is_named_ahead(&named_ahead, now) && is_named_ahead(&wrong_clock, now));
        assert!(is_from_ahead(&wrong_clock, now) && !is_from_ahead(&named_ahead, now));
        // Once its time has come the name is still not when it was made.
        assert!(is_named_ahead(&named_ahead, at("2100-01-01T00:00:00Z")));
        // Clocks of two machines differ by a little.
        let little = backup("2026-05-01T00:04:00Z", "2026-05-01T00:00:00Z");
        assert!(!is_named_ahead(&little, now) && !is_from_ahead(&little, now));
    }
}
