//! Random histories, millions of them in `make soak`, each held against the promises themselves, which are spelled out
//! here a second time and as plainly as possible.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::facts::time;
use super::*;
use crate::domain::{Comparison, Datastore, Presence, Restore, Source, Status, Stranger, Verification, by_making};

const DAY: i64 = 86_400;
/// Histories of the quick loop, over two threads.
fn histories() -> u64 {
    if std::env::var_os("DOKKU_BACKUPS_TEST_SOAK").is_some() { 2_000_000 } else { 100_000 }
}
/// Most backups of one history there.
const MOST: usize = 9;

/// xorshift64*: what a history is made of must cost less than looking at it.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }

    fn once_in(&mut self, count: u64) -> bool {
        self.roll(count) == 0
    }
}

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + day * DAY, 0).unwrap()
}

fn backup(seconds: i64) -> Listed {
    let id = BackupId::new("db".parse().unwrap(), at(0) + TimeDelta::seconds(seconds)).unwrap();
    let mut backup = Backup::draft(id.clone(), Datastore::Postgres, Source::Manual, id.at(), "me");
    backup.status = Outcome::Success;
    backup.sha256 = Some("a".to_owned());
    backup.file = Some("f".to_owned());
    Listed::finished(backup, true, true)
}

fn verify(backup: &mut Backup, sha256: &str, reason: Option<&str>) {
    backup.verification = Some(Verification {
        at: backup.started_at,
        image: String::new(),
        sha256: sha256.to_owned(),
        tables: 0,
        rows: 0,
        took_ms: None,
        comparison: Some(Comparison::DumpedAgain),
        not_compared: Vec::new(),
        reason: reason.map(str::to_owned),
    });
}

/// Makes `listed` anything that a record can be.
fn shake(listed: &mut Listed, dice: &mut Dice, days: i64) {
    let sources = [Source::Manual, Source::Schedule, Source::Imported, Source::Safety, Source::BeforeDeploy];
    let b = &mut *listed.backup;
    b.source = if dice.once_in(2) { Source::Schedule } else { sources[dice.roll(5) as usize] };
    // Mostly begun when its name says; now and then named by another time, or by a clock that was wrong.
    b.started_at = if dice.once_in(8) { at(dice.roll(days as u64 + 20) as i64) } else { b.created_at };
    b.finished_at = b.started_at;
    let after = TimeDelta::days(dice.roll(8) as i64);
    b.expires_at = (b.source == Source::Schedule && !dice.once_in(6)).then(|| b.created_at + after);
    b.keep = dice.once_in(12);
    b.suspicious = dice.once_in(9).then(String::new);
    b.emptied = b.suspicious.is_some() && dice.once_in(2);
    b.damage = dice.once_in(12).then(String::new);
    match dice.roll(9) {
        0 | 1 => verify(b, "a", None),
        2 => verify(b, "a", Some("no")),
        3 => verify(b, "other bytes", None),
        _ => {}
    }
    if dice.once_in(14) {
        let target = "db".to_owned();
        let (finished_at, safety_backup, reason) = (None, None, None);
        let status = if dice.once_in(2) { Status::InProgress } else { Status::Success };
        b.restores.push(Restore {
            started_at: b.started_at,
            finished_at,
            status,
            target,
            by: String::new(),
            safety_backup,
            roles: Vec::new(),
            not_given: Vec::new(),
            reason,
        });
    }
    if dice.once_in(12) {
        listed.presence = Presence::Missing;
    }
    b.foreign = dice.once_in(12).then_some(Stranger::Unmarked);
    if dice.once_in(4) {
        (b.status, listed.status, b.sha256, b.verification) = (Outcome::Failed, Status::Failed, None, None);
        b.file = b.file.take().filter(|_| dice.once_in(6));
    }
    if dice.once_in(6) {
        b.deleted_at = Some(b.created_at.max(b.started_at) + TimeDelta::days(dice.roll(500) as i64));
        b.deleted_by = Some(if dice.once_in(2) { RETENTION } else { "me" }.to_owned());
    }
    if dice.once_in(25) {
        listed.status = Status::InProgress;
    }
}

/// A whole history, newest first, and a policy for it.
fn history(dice: &mut Dice) -> (Vec<Listed>, Policy) {
    let days = [10, 60, 500][dice.roll(3) as usize];
    let mut seconds: Vec<i64> =
        (0..dice.roll(MOST as u64 + 1)).map(|_| dice.roll(days as u64 * DAY as u64) as i64).collect();
    seconds.sort_unstable_by(|a, b| b.cmp(a));
    seconds.dedup();
    let mut backups: Vec<Listed> = seconds.into_iter().map(backup).collect();
    // Some histories are of everyday use throughout; a wild one hides what a plain one shows.
    if !dice.once_in(6) {
        backups.iter_mut().for_each(|listed| shake(listed, dice, days));
    }
    let mut policy = Policy { now: at(days + dice.roll(20) as i64 - 10), ..Policy::default() };
    policy.days = (!dice.once_in(3)).then(|| 1 + dice.roll(20) as u32);
    policy.destroyed_at = dice.once_in(5).then(|| at(dice.roll(days as u64) as i64));
    for listed in &backups {
        if dice.once_in(20) {
            policy.held.insert(listed.backup.id.clone(), "in use".to_owned());
        }
        if dice.once_in(30) {
            policy.unreadable.insert(listed.backup.id.clone());
        }
    }
    (backups, policy)
}

/// The words of the promises, each by itself.
fn is_former(b: &Backup, policy: &Policy) -> bool {
    policy.destroyed_at.is_some_and(|destroyed| b.started_at <= destroyed)
}

fn is_good(listed: &Listed, policy: &Policy) -> bool {
    let b = &listed.backup;
    let refuted = b.verification.as_ref().is_some_and(|verification| verification.reason.is_some());
    let known_bad = b.damage.is_some() || refuted;
    let doubtful = b.suspicious.is_some() && (b.emptied || !b.is_restorable());
    (listed.status, b.status) == (Status::Success, Outcome::Success)
        && b.deleted_at.is_none()
        && listed.presence == Presence::Here
        && !(known_bad || doubtful || is_former(b, policy) || policy.unreadable.contains(&b.id))
        && b.started_at <= policy.now
        && !is_unknown(b)
}

/// Made elsewhere, and neither shown here to restore nor restored here.
fn is_unknown(b: &Backup) -> bool {
    let good = b.deleted_at.is_none() && b.status == Outcome::Success && b.damage.is_none();
    let shown = b.verification.as_ref().is_some_and(|v| v.reason.is_none() && Some(&v.sha256) == b.sha256.as_ref());
    let here = b.deleted_at.is_none() && b.restores.iter().any(|r| r.status == Status::Success && r.target == "db");
    b.foreign.is_some() && !(good && shown || here && b.status == Outcome::Success)
}

fn has_expired(b: &Backup, policy: &Policy) -> bool {
    let by_policy = policy.days.map(|days| b.started_at + TimeDelta::days(days.into()));
    b.expires_at.or(by_policy).is_some_and(|expires| expires <= policy.now)
}

fn may_stand_in(newer: &Backup, older: &Backup) -> bool {
    let own = !matches!(newer.source, Source::Safety | Source::Imported);
    newer.created_at > older.created_at && newer.started_at > older.started_at && (own || newer.source == older.source)
}

/// Does what the plan says.
fn apply(backups: &mut Vec<Listed>, plan: &Plan, now: DateTime<Utc>) {
    for decision in &plan.decisions {
        let listed = backups.iter_mut().find(|listed| listed.backup.id == decision.id).unwrap();
        match decision.action {
            Action::Keep => {}
            Action::Remove | Action::RemoveRecord => {
                listed.backup.deleted_at = Some(now);
                listed.backup.deleted_by = Some(RETENTION.to_owned());
                listed.presence = Presence::Missing;
            }
            Action::Forget => backups.retain(|listed| listed.backup.id != decision.id),
        }
    }
}

/// Holds one history against every promise; how many it removes.
fn promises(backups: &[Listed], policy: &Policy) -> usize {
    let made = plan(backups, policy);
    let of = |id: &BackupId| backups.iter().find(|listed| &listed.backup.id == id).expect("a backup of the list");
    let removed: Vec<&Listed> =
        made.decisions.iter().filter(|d| d.action == Action::Remove).map(|d| of(&d.id)).collect();
    let goes = |listed: &Listed| removed.iter().any(|other| other.backup.id == listed.backup.id);
    let good: Vec<&Listed> = backups.iter().filter(|listed| is_good(listed, policy)).collect();
    for listed in &removed {
        let b = &*listed.backup;
        assert!(has_expired(b, policy), "{} has not expired", b.id);
        assert!(!b.keep, "{} is kept", b.id);
        assert!(b.deleted_at.is_none() && b.status == Outcome::Success, "{} is no backup to remove", b.id);
        assert!(listed.status != Status::InProgress, "{} is in progress", b.id);
        assert!(!policy.held.contains_key(&b.id), "{} is held", b.id);
        assert!(!b.restores.iter().any(Restore::is_open), "{} is being restored", b.id);
        assert!(!policy.unreadable.contains(&b.id), "{} is unreadable", b.id);
        assert!(b.damage.is_none(), "{} is damaged", b.id);
        assert!(!is_unknown(b), "{} was made elsewhere", b.id);
        assert!(!is_former(b, policy), "{} is of the former service", b.id);
        let stands_in = |w: &&&Listed| may_stand_in(&w.backup, b) && !has_expired(&w.backup, policy) && !goes(w);
        assert!(good.iter().any(|w| stands_in(&w)), "nothing stands in for {}", b.id);
        if b.is_restorable() {
            let verified = |w: &&&Listed| w.backup.is_restorable() && may_stand_in(&w.backup, b) && !goes(w);
            assert!(good.iter().any(|w| verified(&w)), "{} is the newest verified", b.id);
        }
    }
    // The newest good one by name, by time, by both (what --latest means), and the newest verified.
    let latest = good.iter().max_by(|one, other| by_making(&one.backup, &other.backup, policy.now));
    let by_time = good.iter().max_by_key(|listed| listed.backup.started_at);
    let verified = good.iter().find(|listed| listed.backup.is_restorable());
    for newest in [good.first(), by_time, latest, verified].into_iter().flatten() {
        assert!(!goes(newest), "{} is the newest of its kind", newest.backup.id);
    }
    let own =
        |b: &Backup| !matches!(b.source, Source::Safety | Source::Imported) && !is_former(b, policy) && !is_unknown(b);
    let attempts = backups.iter().filter(|listed| listed.backup.deleted_at.is_none() && own(&listed.backup));
    let failed = attempts.filter(|l| l.backup.status == Outcome::Failed && l.status == Status::Failed);
    let last_failed = failed.filter(|l| !policy.unreadable.contains(&l.backup.id)).map(|l| l.backup.started_at).max();
    let last_good = good.iter().filter(|l| own(&l.backup)).map(|l| l.backup.started_at).max();
    assert!(last_failed.is_none() || last_good > last_failed || removed.is_empty(), "removed while backups fail");
    if good.iter().all(|l| !l.backup.keep && has_expired(&l.backup, policy)) {
        assert!(removed.is_empty(), "everything has expired");
        let by_policy = latest.is_some_and(|l| l.backup.expires_at.is_none());
        assert_eq!(made.refusal.is_some(), by_policy);
    } else {
        assert_eq!(made.refusal, None);
    }
    records(backups, policy, &made);
    // Done once, there is nothing left to do; neither a moment nor a day later is anything gone that must stay.
    let mut after = backups.to_vec();
    apply(&mut after, &made, policy.now);
    let again = plan(&after, policy);
    assert!(again.decisions.iter().all(|decision| decision.action == Action::Keep), "not done at once: {again:?}");
    assert!(good.is_empty() || after.iter().any(|listed| is_good(listed, policy)), "no good backup is left");
    removed.len()
}

/// What goes besides dumps, and that every backup gets exactly one word.
fn records(backups: &[Listed], policy: &Policy, made: &Plan) {
    let mut decided = made.decisions.iter();
    for listed in backups {
        let b = &*listed.backup;
        let Some(deleted) = b.deleted_at else {
            let decision = decided.next().expect("a decision for every backup");
            assert_eq!(decision.id, b.id);
            assert!(!decision.reason.is_empty() && decision.action != Action::Forget);
            if decision.action == Action::RemoveRecord {
                assert!(b.status == Outcome::Failed && b.file.is_none() && !b.keep, "{} is no failed run", b.id);
                assert!(b.started_at + TimeDelta::days(30) <= policy.now, "{} failed only lately", b.id);
            }
            continue;
        };
        let untouchable = listed.status == Status::InProgress || policy.unreadable.contains(&b.id);
        let forgotten = !untouchable && deleted + TimeDelta::days(365) <= policy.now;
        let decision = if forgotten { decided.next().map(|d| (&d.id, d.action)) } else { None };
        assert_eq!(decision, forgotten.then_some((&b.id, Action::Forget)), "{} was deleted {}", b.id, time(deleted));
    }
    assert_eq!(decided.next(), None);
}

#[test]
fn fault_071_072_073_millions_of_histories_keep_every_promise() {
    let (all, removed) = (histories(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let removed = &removed;
            scope.spawn(move || {
                for number in (thread..all).step_by(2) {
                    let seed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let (backups, policy) = history(&mut Dice(seed));
                    let told = std::panic::catch_unwind(|| promises(&backups, &policy));
                    let count = told.unwrap_or_else(|_| panic!("history {number}: {policy:?} {backups:#?}"));
                    removed.fetch_add(count as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let removed = removed.into_inner();
    println!("{all} histories, {removed} backups removed");
    assert!(removed > all / 20, "hardly anything was ever removed: {removed}");
}

proptest! {
    // The same through proptest, which shrinks: seeds of more backups than the quick loop has.
    #[test]
    fn longer_histories_keep_every_promise(seeds in prop::collection::vec(1u64.., 1..60)) {
        let mut dice = Dice(seeds[0]);
        let (_, policy) = history(&mut dice);
        let mut backups: Vec<Listed> = Vec::new();
        for seed in &seeds {
            let mut listed = backup((seed % (60 * DAY as u64)) as i64);
            shake(&mut listed, &mut Dice(*seed), 60);
            backups.push(listed);
        }
        backups.sort_by(|a, b| b.backup.id.cmp(&a.backup.id));
        backups.dedup_by(|a, b| a.backup.id == b.backup.id);
        promises(&backups, &policy);
    }
}

#[test]
fn no_more_than_a_thousand_records_of_what_retention_removed() {
    let removed = |hours: i64, by: &str| {
        let mut listed = backup(hours * 3600);
        listed.backup.deleted_at = Some(at(0) + TimeDelta::hours(hours));
        listed.backup.deleted_by = Some(by.to_owned());
        listed
    };
    let mut backups: Vec<Listed> =
        (0..2200).map(|n| removed(n, if n % 2 == 0 { RETENTION } else { "alice" })).collect();
    backups.reverse();
    let made = plan(&backups, &Policy { now: at(100), ..Policy::default() });
    let forgotten: Vec<String> = made.decisions.iter().map(|decision| decision.id.to_string()).collect();
    let oldest: Vec<String> =
        backups.iter().rev().step_by(2).take(100).map(|l| l.backup.id.to_string()).rev().collect();
    assert_eq!(forgotten, oldest, "the oldest that retention removed, and nobody else's");
}
