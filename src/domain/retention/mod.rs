//! Retention: which backups go, decided without looking at anything but the records and the policy. Every backup gets a
//! reason, whichever way it is decided.
//!
//! Only age makes a backup go, and only while something better stays: a backup goes when it has expired *and* a newer
//! good one has not. So the newest good one always stays, everything stays when backups have stopped, and whoever counts
//! on a policy of days never ends up with nothing. See `decide` for the rules in their order.

mod facts;
#[cfg(test)]
mod histories;
mod successor;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use self::facts::{Facts, after, counts, expiry, taken, time};
use self::successor::Vouchers;
use super::{Backup, BackupId, CopyState, Listed, Outcome, Status, leaning_words};

/// Days after which the record of a failed run goes.
const FAILED_DAYS: i64 = 30;
/// Days after which the record of a deleted backup is forgotten.
const DELETED_DAYS: i64 = 365;
/// Most records of backups that retention itself removed: an hourly schedule would leave 8,760 in a year, and every list
/// would read them.
const DELETED_MOST: usize = 1000;
/// Who removed it, in the record of a backup that retention has taken.
pub const RETENTION: &str = "retention";

/// What happens to a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It stays.
    Keep,
    /// Its dump goes; its record stays and says so.
    Remove,
    /// A run that failed: it is not shown any more, as if it had been deleted by hand.
    RemoveRecord,
    /// It was deleted long ago: its record and its log go too.
    Forget,
}

impl Action {
    /// The word in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Action::Keep => "keep",
            Action::Remove => "remove",
            Action::RemoveRecord => "remove-record",
            Action::Forget => "forget",
        }
    }
}

/// What happens to one backup, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The backup.
    pub id: BackupId,
    /// What happens to it.
    pub action: Action,
    /// Why, in words.
    pub reason: String,
    /// When it expires; none for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Bytes of its dump.
    pub size: Option<u64>,
    /// How many backups are before it in its chain. What leans on others goes before them.
    pub position: u32,
}

/// Everything besides the records that the plan depends on.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The time of planning.
    pub now: DateTime<Utc>,
    /// Days after which a backup expires whose record does not say when; none for never.
    pub days: Option<u32>,
    /// When the service that had this name before was destroyed: what was begun until then is that service's. In the
    /// future where there is no service by this name at all.
    pub destroyed_at: Option<DateTime<Utc>>,
    /// Backups that something else needs, and what.
    pub held: HashMap<BackupId, String>,
    /// Backups whose record cannot be read, or only partly: they are shown, but neither touched nor relied on.
    pub unreadable: HashSet<BackupId>,
}

/// What happens to the backups of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for every backup that has not been deleted, newest first; of the deleted ones only those to be forgotten.
    pub decisions: Vec<Decision>,
    /// The policy alone would have removed every good backup: said instead of done.
    pub refusal: Option<String>,
}

/// Decides on every backup of one service, given newest first.
pub fn plan(backups: &[Listed], policy: &Policy) -> Plan {
    let facts = Facts::of(backups, policy);
    let mut newer = Newer::default();
    let mut decisions = Vec::with_capacity(backups.len());
    let mut gone = 0;
    for listed in backups {
        let (action, reason) = match listed.backup.deleted_at {
            Some(deleted_at) => {
                let ours = listed.backup.deleted_by.as_deref() == Some(RETENTION);
                gone += usize::from(ours);
                match forget(listed, deleted_at, ours && gone > DELETED_MOST, policy) {
                    Some(reason) => (Action::Forget, reason),
                    None => continue,
                }
            }
            None => decide(listed, policy, &facts, &newer),
        };
        let (id, size) = (listed.backup.id.clone(), listed.backup.size);
        let expires_at = if listed.backup.keep { None } else { expiry(&listed.backup, policy) };
        decisions.push(Decision { id, action, reason, expires_at, size, position: listed.backup.position() });
        if counts(listed, policy) {
            newer.add(listed, policy);
        }
    }
    keep_leant_on(backups, &mut decisions);
    Plan { decisions, refusal: facts.refusal(policy) }
}

/// What a backup that stays leans on stays too.
fn keep_leant_on(backups: &[Listed], decisions: &mut [Decision]) {
    let leaning: HashMap<&BackupId, &BackupId> =
        backups.iter().filter_map(|listed| Some((&listed.backup.id, listed.backup.base()?))).collect();
    if leaning.is_empty() {
        return;
    }
    let going: HashSet<BackupId> = decisions
        .iter()
        .filter(|decision| decision.action == Action::Remove)
        .map(|decision| decision.id.clone())
        .collect();
    let mut needed: HashMap<&BackupId, u32> = HashMap::new();
    let stays = |listed: &&Listed| listed.backup.is_good() && !going.contains(&listed.backup.id);
    for listed in backups.iter().filter(stays) {
        let mut next = listed.backup.base();
        // None of them comes twice, unless a record is not true.
        for _ in 0..backups.len() {
            let Some(base) = next else { break };
            *needed.entry(base).or_default() += 1;
            next = leaning.get(base).copied();
        }
    }
    for decision in decisions.iter_mut().filter(|decision| decision.action == Action::Remove) {
        if let Some(leaning) = needed.get(&decision.id) {
            decision.action = Action::Keep;
            decision.reason = format!("{}, but {}", decision.reason, leaning_words(*leaning));
        }
    }
}

/// What was seen so far, all of it newer than the backup being decided on.
#[derive(Debug, Default)]
struct Newer {
    good: Vouchers,
    fresh: Vouchers,
    verified: Vouchers,
}

impl Newer {
    fn add(&mut self, listed: &Listed, policy: &Policy) {
        let backup = &listed.backup;
        self.good.add(backup);
        if expiry(backup, policy).is_none_or(|at| at > policy.now) {
            self.fresh.add(backup);
        }
        if backup.is_restorable() {
            self.verified.add(backup);
        }
    }
}

/// The rules, in order; the first that applies decides.
fn decide(listed: &Listed, policy: &Policy, facts: &Facts, newer: &Newer) -> (Action, String) {
    let backup = &*listed.backup;
    if let Some(reason) = exempt(listed, policy) {
        return (Action::Keep, reason);
    }
    if backup.status == Outcome::Failed {
        return failed(backup, policy, facts);
    }
    if let Some(damage) = listed.damage() {
        // Somebody may still get something out of it, and ought to hear of it.
        return (Action::Keep, format!("damaged, and never removed by itself: {damage}"));
    }
    let Some(at) = expiry(backup, policy) else { return (Action::Keep, "does not expire".to_owned()) };
    let expires = time(at);
    if at > policy.now {
        return (Action::Keep, format!("expires {expires}"));
    }
    let but = |why: String| (Action::Keep, format!("expired {expires}, but {why}"));
    if let Some(failure) = facts.failing {
        return but(format!("backups are failing: {}", failure.id));
    }
    if !newer.fresh.vouch_for(backup) {
        return but(if counts(listed, policy) && !newer.good.vouch_for(backup) {
            "it is the newest good backup".to_owned()
        } else {
            "no newer good backup is there that has not expired too".to_owned()
        });
    }
    if backup.is_restorable() && !newer.verified.vouch_for(backup) {
        return but("it is the newest verified backup".to_owned());
    }
    (Action::Remove, format!("expired {expires}"))
}

/// Why retention has no say in it at all.
fn exempt(listed: &Listed, policy: &Policy) -> Option<String> {
    let backup = &*listed.backup;
    if listed.status == Status::InProgress {
        return Some("in progress".to_owned());
    }
    if policy.unreadable.contains(&backup.id) {
        return Some("its record cannot be read, or not by this version".to_owned());
    }
    if backup.keep {
        return Some("kept for ever".to_owned());
    }
    if !backup.counts() {
        return Some("made elsewhere; only backups:delete removes it".to_owned());
    }
    if facts::is_of_former(backup, policy) {
        let at = policy.destroyed_at.filter(|at| *at <= policy.now).map(|at| format!(" at {}", time(at)));
        let at = at.unwrap_or_default();
        return Some(format!("of the service by this name that was destroyed{at}; only backups:delete removes it"));
    }
    if let Some(why) = policy.held.get(&backup.id) {
        return Some(why.clone());
    }
    let restore = backup.restores.iter().find(|restore| restore.is_open())?;
    Some(format!("in use: being restored into {}", restore.target))
}

/// A run that failed. The one that says that backups are failing stays until one succeeds.
fn failed(backup: &Backup, policy: &Policy, facts: &Facts) -> (Action, String) {
    if backup.file.is_some() {
        return (Action::Keep, "failed, but its file is there; only backups:delete removes it".to_owned());
    }
    let goes = after(taken(backup), FAILED_DAYS);
    if goes > policy.now {
        return (Action::Keep, format!("failed; its record goes {}", time(goes)));
    }
    if facts.failing.is_some_and(|failure| failure.id == backup.id) {
        return (Action::Keep, "failed, and no good backup is newer".to_owned());
    }
    (Action::RemoveRecord, format!("failed more than {FAILED_DAYS} days ago"))
}

/// Why the record of a deleted backup goes too, if it does.
fn forget(listed: &Listed, deleted_at: DateTime<Utc>, too_many: bool, policy: &Policy) -> Option<String> {
    // Without its record, a copy that is still there would come back as a backup.
    let is_kept = listed.backup.destination.as_ref().is_some_and(|copy| copy.state == CopyState::Kept);
    if is_kept || listed.status == Status::InProgress || policy.unreadable.contains(&listed.backup.id) {
        return None;
    }
    if after(deleted_at, DELETED_DAYS) <= policy.now {
        return Some(format!("deleted more than {DELETED_DAYS} days ago"));
    }
    too_many.then(|| format!("deleted, and more than {DELETED_MOST} that retention removed are newer"))
}
