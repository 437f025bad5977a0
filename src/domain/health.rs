//! The pure half of `check`: what the records of one service, beside the clock and the schedule, say about its safety.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AHEAD, Code, CopyState, Finding, Level, Listed, Outcome, Presence, Rhythm, Service, Source, Status, Stranger,
    Trust, by_making, choose, count, is_from_ahead, is_named_ahead, is_of_its_service, made_at, newest, room_needed,
};
use crate::error::Remedy;

/// A scheduled backup may take this long to be there before its absence counts: 2 hours.
pub const GRACE: TimeDelta = TimeDelta::hours(2);
/// A test restore older than this is worth repeating: 30 days.
const VERIFIED_LONG_AGO: TimeDelta = TimeDelta::days(30);
/// Without a schedule, a newest backup older than this is worth a word: 7 days.
const OLD: TimeDelta = TimeDelta::days(7);

/// So long a new service may be without a backup before that is an alarm: a day.
const NEW: TimeDelta = TimeDelta::days(1);

/// A backup that has not been copied for so long is one that a lost host takes with it: a day.
const LATE: TimeDelta = TimeDelta::days(1);

/// What is looked at.
#[derive(Debug)]
pub struct Look<'a> {
    /// The service.
    pub service: &'a Service,
    /// Whether the datastore plugin still has it.
    pub exists: bool,
    /// Its backups, newest first.
    pub backups: &'a [Listed],
    /// Now.
    pub now: DateTime<Utc>,
    /// The last time at which a schedule promised a backup, `GRACE` ago or earlier, and the schedule's name; none without schedules.
    pub promised: Option<(DateTime<Utc>, &'a str)>,
    /// Whether there is any schedule.
    pub scheduled: bool,
    /// How often its newest good backup is verified by itself; none where that is left to people.
    pub verified: Option<Rhythm>,
    /// Bytes free where dumps are written.
    pub free: u64,
    /// When a restore put something there that none of the service's own backups held.
    pub replaced_at: Option<DateTime<Utc>>,
    /// When the service was made, where that is known.
    pub created_at: Option<DateTime<Utc>>,
}

/// A backup to rely on as far as is known: there, undamaged, not shown to be unrestorable, and not suspicious unless verified.
pub fn is_sound(listed: &Listed) -> bool {
    is_of_its_service(&listed.backup) && is_undamaged(listed)
}

fn is_undamaged(listed: &Listed) -> bool {
    match listed.trust() {
        Some(Trust::Restorable) => !listed.backup.is_doubtful(),
        Some(Trust::Created | Trust::Validating) => listed.backup.is_good() && !listed.backup.is_doubtful(),
        _ => false,
    }
}

impl Look<'_> {
    /// The newest backup to rely on.
    pub fn newest_sound(&self) -> Option<&Listed> {
        newest(self.sound(), self.now)
    }

    /// The newest one that was restored and compared.
    pub fn newest_restorable(&self) -> Option<&Listed> {
        newest(self.sound().filter(|listed| listed.trust() == Some(Trust::Restorable)), self.now)
    }

    /// Nothing rests on a backup that claims to be from a time to come, nor on one of what a restore has replaced: what is
    /// there now is something else.
    fn sound(&self) -> impl Iterator<Item = &Listed> {
        let is_of_what_is_there = |listed: &Listed| {
            listed.backup.source != Source::Safety
                && self.replaced_at.is_none_or(|replaced| listed.backup.started_at > replaced)
        };
        let is_it = move |listed: &&Listed| is_sound(listed) && is_of_what_is_there(listed);
        self.backups.iter().filter(is_it).filter(|listed| !is_from_ahead(&listed.backup, self.now))
    }

    /// Everything worth saying, the worst first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.exists {
            findings.extend(self.age());
            findings.extend(self.last_attempt());
            findings.extend(self.trust());
            findings.extend(self.room());
        }
        findings.extend(self.copies());
        findings.extend(self.strangers());
        self.backups
            .iter()
            .for_each(|listed| findings.extend(self.bytes(listed).into_iter().chain(self.future(listed))));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        findings
    }

    fn age(&self) -> Vec<Finding> {
        let service = self.service;
        let Some(newest) = self.newest_sound() else {
            let export = format!("dokku backups:export {service} --verify");
            let text = match self.replaced_at {
                Some(at) => {
                    format!(
                        "what was put there at {} came from elsewhere, and no good backup is younger",
                        spell_time(at)
                    )
                }
                None => "there is no good backup".to_owned(),
            };
            // Whoever has just made or filled a service has not failed to back it up yet; whoever lost its backups has.
            let is_new = |at: DateTime<Utc>| (-AHEAD..NEW).contains(&(self.now - at));
            let begun = self.replaced_at.or(self.created_at.filter(|_| self.backups.is_empty()));
            let (level, text) = match begun.filter(|at| is_new(*at)) {
                Some(_) => (Level::Warning, format!("{text}; that is an alarm after a day")),
                None => (Level::Failing, text),
            };
            return vec![Finding::new(level, Code::NoBackup, text, export)];
        };
        let (id, at) = (&newest.backup.id, made_at(&newest.backup));
        let old = spell_age(self.now - at);
        let mut findings = Vec::new();
        match self.promised {
            Some((promised, schedule)) if at < promised => findings.push(Finding::new(
                Level::Failing,
                Code::Stale,
                format!(
                    "the newest good backup, {id}, is {old} old; {schedule} promised one at {}",
                    spell_time(promised)
                ),
                [
                    Remedy::command(format!("dokku backups:export {service}")),
                    Remedy::noted("why it failed", format!("dokku backups:schedules {service}")),
                ],
            )),
            _ if !self.scheduled => {
                let is_old = self.now - at > OLD;
                let level = if is_old { Level::Warning } else { Level::Ok };
                let days = if is_old { String::new() } else { format!("; a warning after {} days", OLD.num_days()) };
                let text = format!("nothing makes backups by itself; the newest is {old} old{days}");
                let schedule = format!("dokku backups:schedule {service} daily");
                findings.push(Finding::new(level, Code::NoSchedule, text, schedule));
            }
            _ => {}
        }
        findings
    }

    /// Its name is that of a time when it was not made.
    fn future(&self, listed: &Listed) -> Option<Finding> {
        let (backup, service) = (&listed.backup, self.service);
        if backup.deleted_at.is_some() || listed.status == Status::InProgress || !is_named_ahead(backup, self.now) {
            return None;
        }
        let (id, delete) = (&backup.id, format!("dokku backups:delete {service} --id {}", backup.id));
        let (text, remedy) = if is_from_ahead(backup, self.now) {
            let text = format!("{id} says that it was made at a time that has not come; it is not counted as good");
            (
                text,
                vec![
                    Remedy::noted("see that this host's clock is right", "timedatectl"),
                    Remedy::noted("then", delete),
                ],
            )
        } else {
            let made = spell_time(backup.started_at);
            (
                format!("{id} is named by another time than it was made at, {made}; that is what counts"),
                vec![Remedy::command(delete)],
            )
        };
        Some(Finding::new(Level::Warning, Code::Future, text, remedy))
    }

    /// The last attempt failed, and nothing good has come since.
    fn last_attempt(&self) -> Option<Finding> {
        // A safety backup that failed has ended its restore, and was told there. What somebody cancelled, he meant.
        let own = |l: &&Listed| {
            let backup = &l.backup;
            let is_alarm = !matches!(backup.source, Source::Imported | Source::Safety) && !backup.is_cancelled();
            backup.deleted_at.is_none() && backup.counts() && is_alarm
        };
        let last = newest(self.backups.iter().filter(own).filter(|l| l.status != Status::InProgress), self.now)?;
        let failed = last.backup.status == Outcome::Failed || last.status == Status::Failed;
        let why = last.backup.reason.as_deref().unwrap_or("no reason is recorded");
        let (id, service) = (&last.backup.id, self.service);
        let remedies = [
            Remedy::noted("see why", format!("dokku backups:logs {service} --id {id}")),
            Remedy::noted("then", format!("dokku backups:export {service}")),
        ];
        failed.then(|| {
            Finding::new(Level::Failing, Code::LastFailed, format!("the last attempt, {id}, failed: {why}"), remedies)
        })
    }

    fn trust(&self) -> Option<Finding> {
        let newest = self.newest_sound()?;
        let id = &newest.backup.id;
        let verify = format!("dokku backups:verify {} --id {id}", self.service);
        let is_newer = |l: &&Listed| l.backup.counts() && by_making(&l.backup, &newest.backup, self.now).is_gt();
        // Of what a restore replaced it was expected that it is not as it should be.
        let is_ordinary = |l: &&Listed| l.backup.source != Source::Safety;
        let doubtful = self.backups.iter().filter(is_ordinary).find(|l| is_newer(l) && l.backup.is_doubtful());
        if let Some((backup, why)) = doubtful.and_then(|l| Some((&l.backup, l.backup.suspicious.as_deref()?))) {
            let meant = if backup.emptied { "; say so where that is meant" } else { "" };
            let text = format!("a newer backup looks suspicious and is not counted: {why}{meant}");
            let verify = format!("dokku backups:verify {} --id {}", self.service, backup.id);
            // What a restore shows is that nothing comes back as nothing.
            let remedy = if backup.emptied { format!("{verify} --meant") } else { verify };
            return Some(Finding::new(Level::Failing, Code::Suspicious, text, remedy));
        }
        match (newest.trust(), self.newest_restorable()) {
            (Some(Trust::Restorable), _) => {
                let at = newest.backup.verification.as_ref()?.at;
                let age = self.now - at;
                (age > VERIFIED_LONG_AGO).then(|| {
                    Finding::new(
                        Level::Warning,
                        Code::VerifiedLongAgo,
                        format!("{id} was verified {} ago", spell_age(age)),
                        verify,
                    )
                })
            }
            _ if self.has_its_turn_to_come() => None,
            (_, Some(restorable)) => {
                let age = spell_age(self.now - made_at(&restorable.backup));
                let text = format!(
                    "the newest good backup was never restored{}; the newest Restorable one is {age} old",
                    self.though()
                );
                Some(Finding::new(Level::Warning, Code::Unverified, text, verify))
            }
            (_, None) => {
                let text = format!("no backup has ever been restored to see whether it can be{}", self.though());
                Some(Finding::new(Level::Warning, Code::Unverified, text, verify))
            }
        }
    }

    /// What is verified by itself may wait for it: so long, from the first good backup on that no verified one followed.
    fn has_its_turn_to_come(&self) -> bool {
        let Some(rhythm) = self.verified else { return false };
        let restorable = self.newest_restorable();
        let is_newer =
            |l: &&Listed| restorable.is_none_or(|shown| by_making(&l.backup, &shown.backup, self.now).is_gt());
        let untried = self.sound().filter(|l| l.backup.verification.is_none()).filter(is_newer);
        untried.map(|l| made_at(&l.backup)).min().is_some_and(|since| self.now - since <= rhythm.patience())
    }

    /// Who waited for it to happen by itself should know that it does not.
    fn though(&self) -> String {
        self.verified.map(|rhythm| format!(", though verify is {}", rhythm.name())).unwrap_or_default()
    }

    fn room(&self) -> Option<Finding> {
        let last = self.newest_sound().and_then(|listed| listed.backup.size);
        let needed = room_needed(last);
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let (level, text) = if self.free < needed {
            (Level::Failing, format!("{} are free; the next dump needs {}", mib(self.free), mib(needed)))
        } else if self.free < needed.saturating_mul(3) {
            (Level::Warning, format!("{} are free; a dump needs {}", mib(self.free), mib(needed)))
        } else {
            return None;
        };
        let remedy = Remedy::noted(
            "make room, or remove old backups; which would go",
            format!("dokku backups:prune {} --dry-run", self.service),
        );
        Some(Finding::new(level, Code::Room, text, remedy))
    }

    /// Copies that are not at the destination though they ought to be, or still there though they ought not.
    fn copies(&self) -> Vec<Finding> {
        let of = |states: &[CopyState]| -> Vec<&Listed> {
            let is = |l: &&Listed| l.backup.destination.as_ref().is_some_and(|copy| states.contains(&copy.state));
            self.backups.iter().filter(|l| !l.uploading && l.backup.has_own_copy()).filter(is).collect()
        };
        let why = |listed: &Listed| listed.backup.destination.as_ref().and_then(|copy| copy.reason.clone());
        let sync = format!("dokku backups:sync {}", self.service);
        let mut findings = Vec::new();
        let mut open = of(&[CopyState::Pending, CopyState::Failed]);
        // One that was made a moment ago has its turn to come.
        let late = |listed: &Listed| self.now - listed.backup.finished_at > LATE;
        open.retain(|listed| listed.backup.is_good() && (why(listed).is_some() || late(listed)));
        if let (Some(newest), Some(oldest)) = (open.first(), open.last()) {
            let level = if late(oldest) { Level::Failing } else { Level::Warning };
            let why = open.iter().find_map(|listed| why(listed)).unwrap_or_else(|| "not yet tried".to_owned());
            let (backups, are) = (count(open.len(), "backup"), choose(open.len(), "is", "are"));
            let text = format!("{backups} {are} not at the destination, the newest is {}: {why}", newest.backup.id);
            findings.push(Finding::new(level, Code::NotCopied, text, sync.clone()));
        }
        // One that is damaged and the only one left is a damaged backup.
        for listed in of(&[CopyState::Missing]) {
            if listed.backup.is_good() && listed.presence == Presence::Here {
                let why = why(listed).unwrap_or_default();
                let text = format!("the copy of {} is not at the destination any more: {why}", listed.backup.id);
                findings.push(Finding::new(Level::Failing, Code::CopyMissing, text, sync.clone()));
            }
        }
        for (listed, why) in
            of(&[CopyState::Stored, CopyState::Changed]).into_iter().filter_map(|listed| Some((listed, why(listed)?)))
        {
            if listed.backup.is_good() && listed.presence == Presence::Both {
                let text = format!("the copy of {} at the destination is damaged: {why}", listed.backup.id);
                findings.push(Finding::new(Level::Failing, Code::CopyDamaged, text, sync.clone()));
            }
        }
        let left: Vec<_> = of(&[CopyState::Deleting]).into_iter().filter_map(why).collect();
        if let Some(why) = left.first() {
            let text =
                format!("copies of {} may still be at the destination: {why}", count(left.len(), "deleted backup"));
            findings.push(Finding::new(Level::Warning, Code::NotDeleted, text, sync));
        }
        findings
    }

    /// Backups that nothing rests on, because this host did not make them and has not tried them.
    fn strangers(&self) -> Option<Finding> {
        let unknown = |l: &&Listed| l.backup.is_good() && !l.backup.counts();
        let strangers: Vec<&Listed> = self.backups.iter().filter(unknown).collect();
        let newest = &strangers.first()?.backup;
        let why = newest.foreign.as_ref().map(Stranger::words).unwrap_or_default();
        let text = match strangers.len() {
            1 => format!("{} was made elsewhere and is not counted: {why}", newest.id),
            count => {
                format!("{count} backups were made elsewhere and are not counted; the newest is {}: {why}", newest.id)
            }
        };
        let service = self.service;
        let verify = format!("dokku backups:verify {service} --id {}", newest.id);
        let ours = Remedy::noted(
            "or, when they are this host's by right",
            format!("dokku backups:sync {service} --take-over"),
        );
        Some(Finding::new(Level::Ok, Code::MadeElsewhere, text, [Remedy::command(verify), ours]))
    }

    /// The bytes of one backup are gone or are not those of its record.
    fn bytes(&self, listed: &Listed) -> Option<Finding> {
        let (backup, service) = (&listed.backup, self.service);
        let verdict =
            |level, code, text: String, remedies: [Remedy; 2]| Some(Finding::new(level, code, text, remedies));
        let another = || Remedy::noted("make another", format!("dokku backups:export {service} --verify"));
        let then = |delete: &str| Remedy::noted("then", delete);
        let delete = format!("dokku backups:delete {service} --id {}", backup.id);
        match listed.trust()? {
            _ if backup.deleted_at.is_some() => None,
            // Nothing rests on it; but where a record was lost it may have been this host's.
            _ if !backup.counts() && backup.foreign != Some(Stranger::Lost) => None,
            Trust::Missing if listed.presence == Presence::Missing => {
                let copy = backup.destination.as_ref().filter(|copy| copy.state == CopyState::Missing);
                let too = copy.map_or("", |_| ", and so is its copy at the destination");
                let text = format!("the file of {} is gone{too}", backup.id);
                verdict(
                    Level::Failing,
                    Code::Missing,
                    text,
                    [Remedy::note("put it back"), Remedy::noted("or acknowledge it", delete)],
                )
            }
            Trust::Damaged => {
                let why = listed.damage().unwrap_or("its bytes are not those of its record");
                let text = format!("{} is damaged: {why}", backup.id);
                verdict(Level::Failing, Code::Damaged, text, [another(), then(&delete)])
            }
            Trust::VerificationFailed => {
                let why =
                    backup.verification.as_ref().and_then(|v| v.reason.as_deref()).unwrap_or("no reason is recorded");
                let text = format!("{} does not restore: {why}", backup.id);
                verdict(Level::Failing, Code::VerificationFailed, text, [another(), then(&delete)])
            }
            _ => None,
        }
    }
}

/// `3 days`, `5 hours`, `12 minutes`.
pub fn spell_age(age: TimeDelta) -> String {
    let (count, unit) = match age {
        _ if age.num_days() >= 2 => (age.num_days(), "days"),
        _ if age.num_hours() >= 2 => (age.num_hours(), "hours"),
        _ if age.num_minutes() == 1 => (1, "minute"),
        _ => (age.num_minutes().max(0), "minutes"),
    };
    format!("{count} {unit}")
}

fn spell_time(at: DateTime<Utc>) -> String {
    super::spell(at, "0000-00-00 00:00:00 UTC")
}
