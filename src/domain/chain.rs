//! Backups that lean on each other: what that means for each of them, and which one the next is to lean on.
//!
//! A chain begins with a whole at position 0. A backup leans on the one right before it; where four divides its position, on
//! the one four before it; where sixteen does, on the one sixteen before; and so on. Differences stay small, and a restore
//! opens few files: 8 after a month of nights, never more than 12. Figures for other layouts stand in docs/storage.md.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{BackupId, Listed, Presence, count, made_at};

/// A position leans back by the largest power of this that divides it.
const STEP: u32 = 4;
/// Files that a restore opens at most.
pub const MOST_FILES: u32 = 12;
/// Days after which a whole is too old to lean on.
const OLD_DAYS: i64 = 30;
/// A delta that is larger than one in so many bytes of its whole is followed by a whole.
const FRACTION: u64 = 2;

/// What the others of its chain mean for a backup; computed when somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Files that are opened to read it, its own among them.
    pub files: u32,
    /// Backups that lean on it, also those that do so by way of others.
    pub leaning: u32,
    /// Some of those files are at the destination only: they have to be fetched first.
    pub is_away: bool,
    /// Why it cannot be opened although its own file is as it was: what it leans on is missing, or not what it was.
    pub damage: Option<String>,
    /// The whole that it goes back to: itself, where it leans on nothing.
    pub whole: Option<BackupId>,
}

impl Default for Chain {
    fn default() -> Chain {
        Chain { files: 1, leaning: 0, is_away: false, damage: None, whole: None }
    }
}

/// Says of each backup of a service what the others mean for it.
pub fn link(backups: &mut [Listed]) {
    if !backups.iter().any(|listed| listed.backup.archive.is_some()) {
        return;
    }
    let places: HashMap<BackupId, usize> =
        backups.iter().enumerate().map(|(place, listed)| (listed.backup.id.clone(), place)).collect();
    let mut leaning = vec![0; backups.len()];
    for place in 0..backups.len() {
        if backups[place].backup.archive.is_none() || !backups[place].backup.is_good() {
            continue;
        }
        let (mut chain, mut at) = (Chain::default(), place);
        while let Some(base) = backups[at].backup.base() {
            // Records that lean in a circle are not true, and none is longer.
            let found = places.get(base).copied().filter(|found| *found != place && chain.files < MOST_FILES);
            let Some(found) = found else {
                chain.damage =
                    chain.damage.or_else(|| Some(format!("it leans on {base}, which is not there any more")));
                break;
            };
            let link = &backups[found];
            chain.damage = chain.damage.or_else(|| lost(link));
            chain.is_away |= link.presence == Presence::Remote;
            chain.files += 1;
            leaning[found] += 1;
            at = found;
        }
        chain.whole = Some(backups[at].backup.id.clone());
        backups[place].chain = chain;
    }
    for (listed, leaning) in backups.iter_mut().zip(leaning) {
        listed.chain.leaning = leaning;
    }
}

/// Why nothing that leans on `link` can be opened.
fn lost(link: &Listed) -> Option<String> {
    let id = &link.backup.id;
    if !link.backup.is_good() {
        return Some(format!("it leans on {id}, which was deleted"));
    }
    if link.presence == Presence::Missing {
        return Some(format!("it leans on {id}, whose file is missing"));
    }
    link.own_damage().map(|damage| leaning_on_damage(id, damage))
}

/// What is said of a backup that leans on `id`, which is damaged; `damage` may say that once more.
pub fn leaning_on_damage(id: &BackupId, damage: &str) -> String {
    let damage = damage.strip_prefix(&format!("{id} is damaged: ")).unwrap_or(damage);
    format!("it leans on {id}, which is damaged: {damage}")
}

/// The backup that the next one is to lean on, and the next one's position; none where it is to be a whole. It is to be
/// encrypted to the same keys. `backups` come newest first.
pub fn base_for<'a>(backups: &'a [Listed], encrypted_to: &[String], now: DateTime<Utc>) -> Option<(&'a Listed, u32)> {
    let is_usable = |listed: &&Listed| {
        let backup = &listed.backup;
        backup.archive.is_some()
            && backup.is_good()
            && backup.encrypted_to == encrypted_to
            && !backup.is_stranger()
            && matches!(listed.presence, Presence::Here | Presence::Both)
            && listed.damage().is_none()
            && !listed.chain.is_away
    };
    let position = |listed: &Listed| listed.backup.position();
    let newest = backups.iter().filter(is_usable).max_by_key(|listed| made_at(&listed.backup))?;
    let whole = newest.chain.whole.as_ref()?;
    let of_chain = || backups.iter().filter(|listed| listed.chain.whole.as_ref() == Some(whole));
    let first = of_chain().find(|listed| listed.backup.id == *whole)?;
    let is_old = made_at(&first.backup) + TimeDelta::days(OLD_DAYS) <= now;
    let (last, size) = (newest.backup.size.unwrap_or(0), first.backup.size.unwrap_or(0));
    let is_large = newest.chain.files > 1 && last > size / FRACTION;
    if is_old || is_large {
        return None;
    }
    let next = of_chain().map(position).max()? + 1;
    let wanted = before(next);
    let usable = || of_chain().filter(is_usable);
    // Where the one that is wanted is gone: the one before it, or else the first that there is.
    let before = usable().filter(|listed| position(listed) <= wanted).max_by_key(|listed| position(listed));
    let base = before.or_else(|| usable().min_by_key(|listed| position(listed)))?;
    (base.chain.files < MOST_FILES).then_some((base, next))
}

/// The position that the one at `position` is to lean on.
fn before(position: u32) -> u32 {
    let mut step = 1;
    while position.is_multiple_of(step * STEP) {
        step *= STEP;
    }
    position - step
}

/// About how many bytes more `backups` would take here if each stood for itself: as many as its whole takes for as much.
pub fn saved<'a>(backups: impl Iterator<Item = &'a Listed> + Clone) -> u64 {
    let of_segments = backups.clone().filter(|listed| listed.backup.archive.is_some());
    let by_id: HashMap<&BackupId, &Listed> = of_segments.map(|listed| (&listed.backup.id, listed)).collect();
    let of = |listed: &Listed| {
        let own = listed.backup.archive.as_ref().filter(|archive| archive.base.is_some())?;
        let whole = &by_id.get(listed.chain.whole.as_ref()?)?.backup;
        let (size, archive) = (whole.size?, whole.archive.as_ref()?.size.max(1));
        let alone = u128::from(size) * u128::from(own.size) / u128::from(archive);
        Some(u64::try_from(alone).unwrap_or(u64::MAX).saturating_sub(listed.backup.size?))
    };
    let here = |listed: &&Listed| matches!(listed.presence, Presence::Here | Presence::Both);
    backups.filter(here).filter_map(of).sum()
}

/// What those that lean on a backup are called: `3 later backups lean on it`.
pub fn leaning_words(leaning: u32) -> String {
    let verb = if leaning == 1 { "leans" } else { "lean" };
    format!("{} {verb} on it", count(leaning, "other backup"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Archive, Backup, Datastore, Outcome, Source};

    fn made(day: i64, archive: Option<(Option<&Listed>, u32)>) -> Listed {
        let at: DateTime<Utc> = "2026-01-01T03:00:00Z".parse().unwrap();
        let at = at + TimeDelta::days(day);
        let id = BackupId::new("db".parse().unwrap(), at).unwrap();
        let mut backup = Backup::draft(id, Datastore::Postgres, Source::Schedule, at, "root");
        backup.status = Outcome::Success;
        backup.size = Some(if matches!(archive, Some((Some(_), _))) { 10 } else { 1000 });
        backup.archive = archive.map(|(base, position)| Archive {
            size: 5000,
            sha256: "0a".repeat(32),
            sealed: false,
            base: base.map(|base| base.backup.id.clone()),
            position,
        });
        Listed::finished(backup, true, true)
    }

    /// So many days of one backup each, newest first.
    fn days(days: i64) -> Vec<Listed> {
        let mut backups: Vec<Listed> = Vec::new();
        for day in 0..days {
            let next = next(&mut backups, day);
            backups.insert(0, next);
        }
        link(&mut backups);
        backups
    }

    fn next(backups: &mut [Listed], day: i64) -> Listed {
        link(backups);
        let now = made(day, None).backup.created_at;
        match base_for(backups, &[], now) {
            Some((base, position)) => made(day, Some((Some(base), position))),
            None => made(day, Some((None, 0))),
        }
    }

    #[test]
    fn row_071_a_restore_opens_twelve_files_at_most() {
        let backups = days(400);
        assert!(backups.iter().all(|listed| listed.chain.files <= MOST_FILES));
        assert_eq!(backups.iter().map(|listed| listed.chain.files).max(), Some(7), "a month of nights");
        let wholes = backups.iter().filter(|listed| listed.backup.base().is_none());
        assert_eq!(wholes.count(), 14, "a new one every thirty days");
        // Many a day: the whole is not old, but the files are at their end.
        let mut backups = Vec::new();
        for _ in 0..600 {
            let next = next(&mut backups, 0);
            let at = made(0, None).backup.created_at + TimeDelta::minutes(backups.len() as i64 + 1);
            let mut next = next;
            next.backup.id = BackupId::new("db".parse().unwrap(), at).unwrap();
            (next.backup.created_at, next.backup.started_at) = (at, at);
            backups.insert(0, next);
        }
        link(&mut backups);
        assert!(backups.iter().all(|listed| listed.chain.files <= MOST_FILES));
        assert_eq!(backups.iter().filter(|listed| listed.backup.base().is_none()).count(), 3, "one for 255");
    }

    #[test]
    fn row_071_a_damaged_link_damages_all_that_lean_on_it() {
        let mut backups = days(12);
        assert_eq!(saved(backups.iter()), 11 * 990);
        assert_eq!(backups[11].chain.leaning, 11);
        let third = backups.iter().position(|listed| listed.backup.archive.as_ref().unwrap().position == 4).unwrap();
        backups[third].backup.damage = Some("other bytes".to_owned());
        link(&mut backups);
        let damaged: Vec<u32> = backups
            .iter()
            .filter(|listed| listed.damage().is_some())
            .map(|listed| listed.backup.archive.as_ref().unwrap().position)
            .collect();
        assert_eq!(damaged, [11, 10, 9, 8, 7, 6, 5, 4]);
        assert!(backups[third].own_damage().is_some() && backups[third - 1].own_damage().is_none());
        // The next one leans on what is good.
        let (base, position) = base_for(&backups, &[], backups[0].backup.created_at).unwrap();
        assert_eq!((base.backup.archive.as_ref().unwrap().position, position), (3, 12));
    }

    #[test]
    fn row_071_the_next_is_a_whole_where_nothing_is_left_to_lean_on() {
        let (mut backups, now) = (days(3), made(3, None).backup.created_at);
        assert!(base_for(&backups, &[], now).is_some());
        assert!(base_for(&backups, &["age1x".to_owned()], now).is_none(), "other keys");
        assert!(base_for(&backups, &[], now + TimeDelta::days(40)).is_none(), "an old whole");
        backups[0].backup.size = Some(900);
        assert!(base_for(&backups, &[], now).is_none(), "the last delta was nearly a whole");
        backups.remove(2);
        link(&mut backups);
        assert!(backups.iter().all(|listed| listed.damage().is_some()), "the whole is gone");
        assert!(base_for(&backups, &[], now).is_none());
    }

    #[test]
    fn records_that_lean_in_a_circle_end() {
        let mut backups = days(3);
        let [a, b] = [backups[0].backup.id.clone(), backups[1].backup.id.clone()];
        backups[0].backup.archive.as_mut().unwrap().base = Some(b);
        backups[1].backup.archive.as_mut().unwrap().base = Some(a);
        link(&mut backups);
        assert!(backups[0].damage().is_some() && backups[1].damage().is_some());
    }
}
