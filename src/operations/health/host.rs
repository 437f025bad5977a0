//! What `check` looks at once for the whole host: the data root, Dokku's way into the plugin, the scheduler.

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalogue::Root;
use crate::dokku::{CRON_WRITE, Dokku};
use crate::domain::{Code, Finding, Level, spell_age};
use crate::error::{Remedy, Result};
use crate::operations::Context;
use crate::rights;
use crate::schedules::{Store, last_tick};

/// The scheduler runs every minute; after this without a sign of it something is wrong.
const SILENCE: TimeDelta = TimeDelta::minutes(5);

/// Everything worth saying about the host, the worst first.
pub fn host(context: &Context, dokku: &Dokku) -> Vec<Finding> {
    let mut findings: Vec<Finding> = data_root(context).into_iter().collect();
    for (path, lost) in dokku.broken_triggers() {
        let text = format!("{} is missing or cannot be run: {lost}", path.display());
        findings.push(Finding::new(Level::Failing, Code::Trigger, text, "sudo dokku plugin:install"));
    }
    findings.extend(strays(context));
    findings.extend(scheduler(context));
    findings.extend(rights(context));
    findings
}

/// Whether the scheduler runs, as soon as there is anything for it to do.
fn scheduler(context: &Context) -> Option<Finding> {
    let now = context.settings.clock.now();
    let remedies = || [Remedy::command(CRON_WRITE), Remedy::noted("and see that cron runs", "systemctl status cron")];
    let failing = |text: String| Some(Finding::new(Level::Failing, Code::Scheduler, text, remedies()));
    let waiting = match first_schedule(context) {
        Ok(first) => first? < now - SILENCE,
        Err(failure) => return failing(failure.reason()),
    };
    match last_tick(&context.settings.config_root) {
        Ok(Some(last)) if now - last <= SILENCE => None,
        Ok(Some(last)) => failing(format!("the scheduler last ran {} ago", spell_age(now - last))),
        Ok(None) if waiting => failing("the scheduler has never run".to_owned()),
        Ok(None) => None,
        Err(failure) => failing(failure.reason()),
    }
}

/// When the first schedule of this host was made. One that cannot be read is told of with its service.
fn first_schedule(context: &Context) -> Result<Option<DateTime<Utc>>> {
    let Some(store) = Store::look(&context.settings.config_root)? else { return Ok(None) };
    let services = store.services()?;
    let schedules = services.iter().filter_map(|service| store.schedules(service).ok()).flatten();
    Ok(schedules.map(|schedule| schedule.created_at).min())
}

/// Rights that cannot be read shut every key out; a log that cannot be written forgets who did what.
fn rights(context: &Context) -> Option<Finding> {
    match rights::look(&context.settings.config_root) {
        Err(failure) => Some(Finding::new(Level::Failing, Code::Rights, failure.reason(), failure.remedies)),
        Ok(policy) if policy.enabled => {
            let error = rights::can_note(&context.settings.audit_log).err()?;
            let text = format!("decisions on rights are not written down: {error}");
            let remedy = format!("ls -l {}", context.settings.audit_log.display());
            Some(Finding::new(Level::Warning, Code::AuditLog, text, remedy))
        }
        Ok(_) => None,
    }
}

/// What lies in the data root and is not ours. Where it takes the place of a service's folder, backups may be behind it.
fn strays(context: &Context) -> Vec<Finding> {
    let strays = Root::look(&context.settings.data_root, &context.settings.config_root)
        .and_then(|root| root.map_or(Ok(Vec::new()), |r| r.strays()));
    // A root that cannot be read has been told of.
    let found = strays.unwrap_or_default().into_iter().map(|stray| {
        let path = stray.path.display();
        let (level, text) = match stray.hides {
            true => (Level::Warning, format!("{path} is not a folder: backups behind it are not seen")),
            false => (Level::Ok, format!("not ours, left alone: {path}")),
        };
        Finding::new(level, Code::Stray, text, format!("ls -ld {path}"))
    });
    found.collect()
}

fn data_root(context: &Context) -> Option<Finding> {
    let failure = Root::open(&context.settings.data_root, &context.settings.config_root).err()?;
    Some(Finding::new(Level::Failing, Code::DataRoot, failure.reason(), failure.remedies))
}
