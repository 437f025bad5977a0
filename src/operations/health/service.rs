//! Gathering what `check` and `report` judge: one service's records, its folder, its schedules, the room that is left.

use chrono::{DateTime, Utc};

use crate::answers::{Brief, ServiceHealth};
use crate::catalogue::{Audit, Detail, Journal, View, is_worked_on};
use crate::domain::{Finding, GRACE, Level, Listed, Look, Schedule, Service, choose, count, verdict};
use crate::error::{Failure, Result};
use crate::operations::Context;
use crate::operations::offsite::{beside_others, caution};
use crate::operations::schedule::notification_failures;
use crate::operations::select::{folder_for_reading, is_live};
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

    /// How it looks at `now`, for programs.
    pub fn answer(&self, now: DateTime<Utc>) -> ServiceHealth<'_> {
        ServiceHealth {
            datastore: self.service.datastore,
            service: &self.service.name,
            verdict: self.verdict(),
            newest_good: self.newest_good.as_ref().map(|listed| Brief::new(listed, now)),
            newest_restorable: self.newest_restorable.as_ref().map(|listed| Brief::new(listed, now)),
            next_due: self.next_due,
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
        free: room.unwrap_or(0),
    };
    let mut findings = look.findings();
    findings.extend(broken);
    if !exists {
        let kept = backups.iter().filter(|l| l.backup.is_good()).count();
        let text = format!("the service is gone; {} of it {} kept", count(kept, "backup"), choose(kept, "is", "are"));
        findings.push(Finding::new(Level::Ok, "destroyed", text, format!("dokku backups:list {service}")));
    }
    if !exists && !schedules.is_empty() {
        let text = "the service is gone, its schedules run in vain";
        let remedy = format!("dokku backups:unschedule {service} --all");
        findings.push(Finding::new(Level::Warning, "schedule-without-service", text, remedy));
    }
    findings.extend(notification_failures(context, service)?);
    findings.extend(caution(context, service));
    findings.extend(beside_others(service, &backups));
    if let Some(dir) = &dir {
        findings.extend(restore(dir, service, journal)?);
        findings.extend(folder(dir, service, &foreign)?);
    }
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

/// The schedules of `service`, or what is wrong with them.
fn schedules(context: &Context, service: &Service) -> (Vec<Schedule>, Option<Finding>) {
    let read = Store::look(&context.settings.config_root)
        .and_then(|store| store.map_or_else(|| Ok(Vec::new()), |store| Ok(store.both(service)?.0)));
    match read {
        Ok(schedules) => (schedules, None),
        Err(failure) => {
            let remedy = failure.hints.first().cloned().unwrap_or_else(|| format!("dokku backups:schedules {service}"));
            (Vec::new(), Some(Finding::new(Level::Failing, "schedules", failure.reason(), remedy)))
        }
    }
}

fn unreadable(service: &Service, failure: &Failure) -> Health {
    let remedy = failure.hints.first().cloned().unwrap_or_else(|| format!("dokku backups:sync {service}"));
    let findings = vec![Finding::new(Level::Failing, "unreadable", failure.reason(), remedy)];
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
            Some(Finding::new(Level::Failing, "open-restore", text, journal.remedy()))
        }
        Err(failure) => {
            let remedy = failure.hints.first().cloned().unwrap_or_default();
            Some(Finding::new(Level::Failing, "open-restore", failure.reason(), remedy))
        }
    })
}

/// What lies in the folder and should not, or not like that.
fn folder(dir: &Dir, service: &Service, foreign: &[String]) -> Result<Vec<Finding>> {
    let audit = Audit::of(dir, &service.name)?;
    let path = dir.path().display();
    let mut findings = Vec::new();
    if !audit.left.is_empty() {
        let text = format!("a run was abandoned and is not put away: {}", some(&audit.left));
        findings.push(Finding::new(Level::Warning, "abandoned", text, format!("dokku backups:sync {service}")));
    }
    if !audit.open.is_empty() {
        let text = format!("others may read or write what is ours below {path}: {}", some(&audit.open));
        let remedy = format!("sudo chown -R dokku:dokku {path} && sudo chmod -R go= {path}");
        findings.push(Finding::new(Level::Failing, "modes", text, remedy));
    }
    if !foreign.is_empty() {
        let mut names = foreign.to_vec();
        names.sort();
        let text = format!("not ours, left alone: {}", some(&names));
        findings.push(Finding::new(Level::Ok, "foreign", text, format!("ls -l {path}")));
    }
    Ok(findings)
}

/// The first of many names.
fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
