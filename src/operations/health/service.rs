//! Gathering what `check` and `report` judge: one service's records, its folder, its schedules, the room that is left.

use chrono::{DateTime, Utc};

use crate::answers::{Brief, ServiceHealth};
use crate::catalogue::{Audit, Detail, Journal, View, is_worked_on};
use crate::domain::{
    Code, Finding, GRACE, Level, Listed, Look, Presence, Rhythm, Schedule, Service, choose, count, saved, verdict,
};
use crate::error::{Failure, Remedy, Result};
use crate::operations::Context;
use crate::operations::offsite::{beside_others, caution};
use crate::operations::schedule::notification_failures;
use crate::operations::select::{folder_for_reading, is_live};
use crate::properties::{CHECK, REPLACED_AT, VERIFY, folder};
use crate::schedules::Store;
use crate::sys::dir::Dir;

/// How one service stands.
#[derive(Debug)]
pub struct Health {
    /// The service.
    pub service: Service,
    /// Everything worth saying, the worst first.
    pub findings: Vec<Finding>,
    /// The newest backup to rely on.
    pub newest_good: Option<Listed>,
    /// The newest one that was restored and compared.
    pub newest_restorable: Option<Listed>,
    /// All of them, newest first.
    pub backups: Vec<Listed>,
    /// When the next scheduled backup is due.
    pub next_due: Option<DateTime<Utc>>,
}

impl Health {
    /// The worst of the findings.
    pub fn verdict(&self) -> Level {
        verdict(&self.findings)
    }

    /// What lies on this host.
    fn here(&self) -> impl Iterator<Item = &Listed> {
        self.backups.iter().filter(|listed| matches!(listed.presence, Presence::Here | Presence::Both))
    }

    /// How it looks at `now`, for programs.
    pub fn answer(&self, now: DateTime<Utc>) -> ServiceHealth<'_> {
        ServiceHealth {
            datastore: self.service.datastore,
            service: &self.service.name,
            verdict: self.verdict(),
            newest_good: self.newest_good.as_ref().map(|listed| Brief::new(listed, now)),
            newest_restorable: self.newest_restorable.as_ref().map(|listed| Brief::new(listed, now)),
            stored_backups: self.here().count(),
            stored_bytes: self.here().filter_map(|listed| listed.backup.size).sum(),
            held_bytes: self.here().filter_map(|listed| listed.backup.held()).sum(),
            saved_bytes: saved(self.backups.iter()),
            next_due_at: self.next_due,
            findings: &self.findings,
        }
    }
}

/// Looks at `service`. What cannot be looked at is a finding, not a failure.
pub fn health(context: &Context, service: &Service) -> Result<Health> {
    let dir = match folder_for_reading(context, service) {
        Ok(dir) => dir,
        Err(failure) => return Ok(unreadable(service, &failure)),
    };
    let view = match dir.as_ref().map(|dir| View::of(dir, service, Detail::Summary)).transpose() {
        Ok(view) => view,
        Err(failure) => return Ok(unreadable(service, &failure)),
    };
    let (backups, foreign, journal) = match view {
        Some(view) => (view.backups, view.foreign, view.journal),
        None => (Vec::new(), Vec::new(), Ok(None)),
    };
    let exists = is_live(context, service);
    let now = context.settings.clock.now();
    let (schedules, broken) = schedules(context, service);
    let due = |schedule: &Schedule| Some((schedule.last_due(now - GRACE)?, schedule.frequency().name()));
    let room = dir.as_ref().map_or_else(
        || Ok::<u64, Failure>(Dir::open(&context.settings.data_root)?.free_bytes()?),
        |dir| Ok(dir.free_bytes()?),
    );
    let look = Look {
        service,
        exists,
        backups: &backups,
        now,
        promised: schedules.iter().filter_map(due).max(),
        scheduled: !schedules.is_empty() || broken.is_some(),
        verified: if schedules.is_empty() {
            None
        } else {
            Rhythm::parse(&context.properties().computed(service, &VERIFY)?)
        },
        free: room.unwrap_or(0),
        replaced_at: context.properties().time(&folder(service), REPLACED_AT)?,
        created_at: created_at(context, service),
    };
    let mut findings = look.findings();
    findings.extend(broken);
    if !exists {
        let kept = backups.iter().filter(|l| l.backup.is_good()).count();
        let text = format!("the service is gone; {} of it {} kept", count(kept, "backup"), choose(kept, "is", "are"));
        findings.push(Finding::new(Level::Ok, Code::Destroyed, text, format!("dokku backups:list {service}")));
    }
    if !exists && !schedules.is_empty() {
        let text = "the service is gone, its schedules run in vain";
        let remedy = format!("dokku backups:unschedule {service} --all");
        findings.push(Finding::new(Level::Warning, Code::ScheduleWithoutService, text, remedy));
    }
    findings.extend(notification_failures(context, service)?);
    findings.extend(caution(context, service));
    findings.extend(beside_others(service, &backups));
    if let Some(dir) = &dir {
        findings.extend(restore(dir, service, journal)?);
        findings.extend(lying_there(dir, service, &foreign)?);
    }
    excuse(context, service, &mut findings)?;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Ok(Health {
        newest_good: look.newest_sound().cloned(),
        newest_restorable: look.newest_restorable().cloned(),
        // Past the end of all calendars there is none.
        next_due: schedules
            .iter()
            .map(|schedule| schedule.due_after(now))
            .min()
            .filter(|due| *due < DateTime::<Utc>::MAX_UTC),
        service: service.clone(),
        findings,
        backups,
    })
}

/// Where somebody has said that the service is not looked after, what is found stays to be read and alarms nobody.
fn excuse(context: &Context, service: &Service, findings: &mut Vec<Finding>) -> Result<()> {
    let set = context.properties().computed(service, &CHECK)?;
    let Some(why) = set.strip_prefix("off") else { return Ok(()) };
    let why = if why.trim().is_empty() { "without a reason".to_owned() } else { format!("because: {}", why.trim()) };
    findings.iter_mut().for_each(|finding| finding.level = Level::Ok);
    let text = format!("check is switched off for it, {why}");
    let on = Remedy::noted("to be alarmed again", format!("dokku backups:set {service} check on"));
    findings.insert(0, Finding::new(Level::Ok, Code::CheckOff, text, on));
    Ok(())
}

/// When the service was made, as far as its folder tells.
fn created_at(context: &Context, service: &Service) -> Option<DateTime<Utc>> {
    let folder = context.settings.services_root.join(service.datastore.name()).join(service.name.as_str());
    Dir::open(&folder).ok()?.born_at().map(DateTime::<Utc>::from)
}

/// The schedules of `service`, or what is wrong with them.
fn schedules(context: &Context, service: &Service) -> (Vec<Schedule>, Option<Finding>) {
    let read = Store::look(&context.settings.config_root)
        .and_then(|store| store.map_or_else(|| Ok(Vec::new()), |store| Ok(store.both(service)?.0)));
    match read {
        Ok(schedules) => (schedules, None),
        Err(failure) => {
            let remedies = told_or(&failure, format!("dokku backups:schedules {service}"));
            (Vec::new(), Some(Finding::new(Level::Failing, Code::Schedules, failure.reason(), remedies)))
        }
    }
}

/// What the failure says is to be done, or this command.
fn told_or(failure: &Failure, command: String) -> Vec<Remedy> {
    if failure.remedies.is_empty() { vec![Remedy::command(command)] } else { failure.remedies.clone() }
}

fn unreadable(service: &Service, failure: &Failure) -> Health {
    let remedies = told_or(failure, format!("dokku backups:sync {service}"));
    let findings = vec![Finding::new(Level::Failing, Code::Unreadable, failure.reason(), remedies)];
    Health {
        service: service.clone(),
        findings,
        newest_good: None,
        newest_restorable: None,
        backups: Vec::new(),
        next_due: None,
    }
}

/// A restore into the service that has not ended and that nobody works on.
fn restore(dir: &Dir, service: &Service, journal: Result<Option<Journal>>) -> Result<Option<Finding>> {
    if is_worked_on(dir)? {
        return Ok(None);
    }
    Ok(match journal {
        Ok(None) => None,
        Ok(Some(journal)) => {
            let text = format!("{} into {service} has not ended well", journal.what());
            Some(Finding::new(Level::Failing, Code::OpenRestore, text, journal.remedy()))
        }
        Err(failure) => Some(Finding::new(Level::Failing, Code::OpenRestore, failure.reason(), failure.remedies)),
    })
}

/// What lies in the folder and should not, or not like that.
fn lying_there(dir: &Dir, service: &Service, foreign: &[String]) -> Result<Vec<Finding>> {
    let audit = Audit::of(dir, &service.name)?;
    let path = dir.path().display();
    let mut findings = Vec::new();
    if !audit.left.is_empty() {
        let text = format!("a run was abandoned and is not put away: {}", some(&audit.left));
        findings.push(Finding::new(Level::Warning, Code::Abandoned, text, format!("dokku backups:sync {service}")));
    }
    if !audit.open.is_empty() {
        let text = format!("others may read or write what is ours below {path}: {}", some(&audit.open));
        let remedy = format!("sudo chown -R dokku:dokku {path} && sudo chmod -R go= {path}");
        findings.push(Finding::new(Level::Failing, Code::Modes, text, remedy));
    }
    if !foreign.is_empty() {
        let mut names = foreign.to_vec();
        names.sort();
        let text = format!("not ours, left alone: {}", some(&names));
        findings.push(Finding::new(Level::Ok, Code::Foreign, text, format!("ls -l {path}")));
    }
    Ok(findings)
}

/// The first of many names.
fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
